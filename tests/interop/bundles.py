#!/usr/bin/python3
"""bundles.py FOLDER -- writes proof bundles there, honest and dishonest, and index.json with what each must be judged; the same bytes each time."""
import json
import pathlib
import sys

import cheats  # noqa: F401 - it registers its variants
from quirepy.award import jcs
from scene import Scene, play
from variants import VARIANTS


def documents():
    """An award's and an endorsement's credential, for the programs of others."""
    s = play()
    return {"award": s.document, "endorsement": jcs.parse(s.endorse(s.reviews[0][0], s.reviews[0][2]))}


def files():
    """{name: text}, the index among them."""
    s = Scene()
    ids = {"district": s.district.id, "issuer": s.issuer.id, "other": s.other.id, "nobody": bytes(range(32))}
    found, index = {}, []
    for name, expected, reason, roots, make in VARIANTS:
        found[name + ".json"] = json.dumps(make(), ensure_ascii=False, separators=(",", ":")) + "\n"
        index.append({"file": name + ".json", "expected": expected, "reason": reason or "", "roots": [ids[roots].hex()]})
    head = '{"format": 1, "tests": [\n'
    found["index.json"] = head + ",\n".join(json.dumps(row, ensure_ascii=False) for row in index) + "\n]}\n"
    return found


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for old in set(folder.glob("*.json")) - {folder / name for name in files()}:
        old.unlink()
    written = files()
    for name, text in written.items():
        (folder / name).write_text(text, encoding="utf-8")
    print(f"{folder}: {len(written) - 1} bundles, {sum(map(len, written.values()))} bytes")
