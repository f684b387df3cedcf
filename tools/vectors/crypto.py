#!/usr/bin/env python3
"""Converts published test vectors of Noise, Wycheproof and ed25519-speccheck into tests/vectors/data.

    tools/vectors/crypto.py INPUT_DIR OUTPUT_DIR

INPUT_DIR holds noise/, wycheproof/ and ed25519-speccheck/ as their sources publish them. Kept is what Quire's
primitives can be asked: Noise with SHA256 and without psk; of Wycheproof the numbers, without keys in other encodings.
One test a line, so that a change shows in a diff. Licences are copied beside the vectors.
"""
import json
import pathlib
import shutil
import sys

SOURCES = {
    "cacophony": "github.com/haskell-cryptography/cacophony 8ee9d41, Unlicense",
    "snow": "github.com/mcginty/snow 8ac60f5, MIT",
    "wycheproof": "github.com/C2SP/wycheproof dac1dd4, Apache-2.0",
    "ed25519-speccheck": "github.com/novifinancial/ed25519-speccheck 6551933, Apache-2.0",
}

WYCHEPROOF = {
    "ed25519": ("ed25519_test.json", ("pk", "msg", "sig")),
    "x25519": ("x25519_test.json", ("public", "private", "shared")),
    "chacha20_poly1305": ("chacha20_poly1305_test.json", ("key", "iv", "aad", "msg", "ct", "tag")),
    "xchacha20_poly1305": ("xchacha20_poly1305_test.json", ("key", "iv", "aad", "msg", "ct", "tag")),
    "hkdf_sha256": ("hkdf_sha256_test.json", ("ikm", "salt", "info", "size", "okm")),
}


def write(path, source, tests):
    lines = ",\n".join(json.dumps(t, separators=(",", ":")) for t in tests)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('{"source":%s,\n"tests":[\n%s\n]}\n' % (json.dumps(source), lines))
    print(f"{path}: {len(tests)}")


def noise(src, dst):
    for name in ("cacophony", "snow"):
        vectors = json.loads((src / f"{name}_25519_chachapoly.json").read_text())["vectors"]
        kept = [v for v in vectors if v["protocol_name"].endswith("_SHA256") and "psk" not in v["protocol_name"]]
        write(dst / f"{name}.json", SOURCES[name], [{k: x for k, x in v.items() if x != []} for v in kept])


def wycheproof(src, dst):
    for name, (file, fields) in WYCHEPROOF.items():
        tests = []
        for group in json.loads((src / file).read_text())["testGroups"]:
            common = {"pk": group["publicKey"]["pk"]} if "publicKey" in group else {}
            for t in group["tests"]:
                t = {**common, **t}
                tests.append({"id": t["tcId"], "result": t["result"], **{f: t[f] for f in fields}})
        write(dst / f"{name}.json", SOURCES["wycheproof"], tests)


def speccheck(src, dst):
    write(dst / "cases.json", SOURCES["ed25519-speccheck"], json.loads((src / "cases.json").read_text()))


def main():
    src, dst = map(pathlib.Path, sys.argv[1:3])
    for folder, convert in (("noise", noise), ("wycheproof", wycheproof), ("ed25519-speccheck", speccheck)):
        convert(src / folder, dst / folder)
        for licence in (src / folder).glob("LICENSE*"):
            shutil.copyfile(licence, dst / folder / licence.name)


if len(sys.argv) != 3:
    sys.exit(__doc__)
main()
