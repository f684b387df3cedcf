"""Micro-credentials: canonical forms, proofs, definitions, states, and proof bundles, against vectors and against other programs."""
import base64
import concurrent.futures
import copy
import datetime
import json
import pathlib
import random
import subprocess
import sys
import tempfile

import bundles
import scene
from quirepy import prim
from quirepy.award import bundle, credential, definition, didkey, jcs, nquads, proof
from quirepy.award.facts import Fact, Facts
from quirepy.award.judge import Judge
from quirepy.keyevents import KeySet

TESTS = pathlib.Path(__file__).resolve().parent.parent
DATA, OUTSIDE = TESTS / "vectors" / "data", TESTS / "outside"
AT = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)


def refuses(act, *kinds):
    try:
        act()
    except kinds or ValueError:
        return
    raise AssertionError("was not refused")


def canonical_json():
    files = sorted((DATA / "jcs" / "input").glob("*.json"))
    for f in files:
        assert jcs.canonical(jcs.parse(f.read_bytes())) == (DATA / "jcs" / "output" / f.name).read_text(), f.name
    numbers = {"0": "0", "-0": "0", "1e0": "1", "333333333.33333329": "333333333.3333333", "1E30": "1e+30", "4.50": "4.5", "2e-3": "0.002", "1e-27": "1e-27", "1e21": "1e+21",
               "1.2345678901234568e20": "123456789012345680000", "0.000001": "0.000001", "0.0000001": "1e-7", "5e-324": "5e-324", "-1.7976931348623157e308": "-1.7976931348623157e+308",
               "9007199254740992": "9007199254740992", "100": "100"}
    for text, wanted in numbers.items():
        assert jcs.canonical(jcs.parse(text)) == wanted, text
    jcs.parse("[" * 64 + "]" * 64)
    bad = ("[" * 65 + "]" * 65, '{"a":1,"a":2}', '"\\ud800"', '"\\u0000"', "9007199254740993", "1e309", "NaN", "[1,]", "01", '"\t"', b'"\xff"', b"\xef\xbb\xbf{}", "", "{} {}", "9" * 5000)
    for text in bad:
        refuses(lambda text=text: jcs.parse(text), jcs.BadJson)
    return f"{len(files)} files and {len(numbers)} numbers, {len(bad)} texts refused"


def keys_as_texts():
    key = json.loads((DATA / "w3c-vc-di-eddsa" / "keyPair.json").read_text())["publicKeyMultibase"]
    assert didkey.multikey(didkey.multikey_read(key)) == key and len(key) == 48
    assert didkey.base58(bytes(3) + b"\1") == "1112" and didkey.base58_decode("1112") == bytes(3) + b"\1"
    assert didkey.method_read("did:key:" + key) == didkey.method_read(f"did:key:{key}#{key}")
    for bad in (f"did:key:{key}#{key[:-1]}", f"did:key:{key}#", "did:key:" + key[:-1], "did:key:z" + key[2:], "did:web:a.example", key, "did:key:" + key[:-1] + "0", None):
        refuses(lambda bad=bad: didkey.method_read(bad))


def w3c_proofs():
    """The vectors of vc-di-eddsa: of the suite JCS in whole, of RDFC the proof's options, as the document is not of our vocabulary."""
    folder = DATA / "w3c-vc-di-eddsa"
    signed = json.loads((folder / "eddsa-jcs-2022" / "signedJCS.json").read_text())
    options = {k: v for k, v in signed["proof"].items() if k != "proofValue"}
    assert proof.signed_bytes(signed, options).hex() == (folder / "eddsa-jcs-2022" / "combinedHashJCS.txt").read_text().strip()
    proof.check_one(signed, signed["proof"])
    refuses(lambda: proof.check_one({**signed, "name": "?"}, signed["proof"]), proof.BadProof)
    options = json.loads((folder / "eddsa-rdfc-2022" / "proofConfigDataInt.json").read_text())
    assert nquads.canonical_options(options) == (folder / "eddsa-rdfc-2022" / "proofCanonDataInt.txt").read_text()
    count = 0
    for f in sorted((DATA / "awards").glob("*.json")):
        document = json.loads(f.read_text())
        if "proof" not in document:
            continue
        for p in document["proof"] if isinstance(document["proof"], list) else [document["proof"]]:
            if p["cryptosuite"] == proof.JCS:
                proof.check_one(document, p)
                count += 1
            else:
                refuses(lambda document=document, p=p: proof.check_one(document, p), proof.Unknown)
    assert count == 2
    assert nquads.literal('a"\\\b\t\n\f\r\x01\x7f\u00e9\U0001f44d') == '"a\\"\\\\\\b\\t\\n\\f\\r\\u0001\\u007F\u00e9\U0001f44d"'


def own_proofs():
    """Every changed text of an award or endorsement is seen by both suites."""
    changes = 0
    for name, document in bundles.documents().items():
        assert proof.check(document) == didkey.did_read(document["issuer"]["id"]), name
        for path in _texts(proof.bare(document)):
            changed = copy.deepcopy(document)
            at = changed
            for step in path[:-1]:
                at = at[step]
            at[path[-1]] += "x"
            for p in document["proof"]:
                refuses(lambda changed=changed, p=p: proof.check_one(changed, p), proof.BadProof)
                changes += 1
        proof.check({**document, "proof": document["proof"][::-1]})
        refuses(lambda document=document: proof.check({**document, "proof": document["proof"][:1] * 2}), proof.BadProof)
    return f"{changes} changes"


def _texts(v, path=()):
    if isinstance(v, str):
        yield path
    elif isinstance(v, (list, dict)):
        for k, item in enumerate(v) if isinstance(v, list) else v.items():
            yield from _texts(item, (*path, k))


def credentials_by_hand():
    """What is computed for a credential, against values worked out by hand."""
    months = {("2024-01-31T10:00:00Z", 1): "2024-02-29T10:00:00Z", ("2023-12-31T10:00:00Z", 2): "2024-02-29T10:00:00Z", ("2024-02-29T10:00:00Z", 12): "2025-02-28T10:00:00Z",
              ("2024-11-30T10:00:00Z", 1): "2024-12-30T10:00:00Z", ("2024-12-01T00:00:00Z", 1): "2025-01-01T00:00:00Z", ("9949-12-31T23:59:59Z", 600): "9999-12-31T23:59:59Z"}
    for (start, n), end in months.items():
        assert credential.months_later(start, n) == end, start
    refuses(lambda: credential.months_later("9999-12-31T23:59:59Z", 1))
    for bad in ("2024-02-30T00:00:00Z", "2024-01-01T24:00:00Z", "2024-01-01T00:00:00+00:00", "2024-01-01T00:00:00.0Z", "2024-1-01T00:00:00Z", None):
        refuses(lambda bad=bad: credential.moment(bad))
    assert credential.evidence_uri(b"") == "ni:///sha-256;47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
    d = {"key_method": "Ask.", "method_components": ["One.", "Two."], "requirements": [{"prompt": "A video."}, {"prompt": "A text."}]}
    assert credential.narrative(d) == "Ask.\n\nMethod:\n- One.\n- Two.\n\nEvidence:\n- A video.\n- A text."
    assert credential.narrative({**d, "method_components": None}) == "Ask.\n\nEvidence:\n- A video.\n- A text."
    d = {"title": "T", "rubric": [{"id": "a", "name": "A", "levels": [{"id": "yes", "name": "Yes"}]}]}
    document = credential.endorsement(d, bytes(32), b"", bytes(32), [["a", "yes", ""]], "did:key:z", "N", "2024-01-01T00:00:00Z")
    lines, named = nquads.canonical(document).splitlines(), "<ni:///sha-256;47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU>"
    assert f"<{document['id']}> <https://www.w3.org/2018/credentials#relatedResource> {named} ." in lines
    assert [line for line in lines if line.startswith(named)] == [
        f'{named} <https://schema.org/encodingFormat> "application/vnd.quire.manifest" .',
        f'{named} <https://www.w3.org/2018/credentials#digestSRI> "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="^^<https://www.w3.org/2018/credentials#sriString> .']
    low, high = [["a", "no", ""]], [["a", "yes", ""]]
    assert credential.achieved({"rubric": [{"id": "a", "levels": [{"id": "no"}, {"id": "yes"}]}]}, [high, low, high]) == {"a": "no"}


def _change(path, value):
    d = copy.deepcopy(scene.DEFINITION)
    at = d
    for step in path[:-1]:
        at = at[step]
    if value is None:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return d


def definitions():
    r, c = ("requirements", 0), ("rubric", 0)
    good = [((), None), (("title",), "t" * 200), (("language",), "de"), (("language",), "zh-Hant-TW"), ((*r, "min"), 0), ((*r, "max"), 16), ((*c, "levels", 0, "points"), 2),
            (("valid_months",), 600), (("alignment", 0, "url"), "a:b"), (("alignment", 0, "url"), "https://x.example/%C3%A4"), (("review", "reviewers"), 5), ((*r, "evidence_kinds"), ["reflection"]),
            (("complexity",), None), (("tags",), None), (("title",), "\u00a0"), (("requirements", 0, "id"), "-")]
    bad = [(("title",), "t" * 201), (("title",), ""), (("title",), " \t\r\n"), (("title",), "\u00e9" * 101), (("title",), 7), (("title",), None), (("complexity",), 0), (("complexity",), 6),
           (("complexity",), 1.5), (("complexity",), True), (("research",), None), (("research",), []), (("research",), ["a", "a"]), (("research",), ["a"] * 33), (("tags",), ["a" * 65]),
           (("language",), "e"), (("language",), "en_GB"), (("language",), "en-"), (("language",), "english-languages"), (("language",), "12"), (("requirements",), []),
           ((*r, "id"), "Video"), ((*r, "id"), "a" * 65), ((*r, "id"), ""), ((*r, "id"), "reflection"), ((*r, "kind"), "video"), ((*r, "prompt"), None), ((*r, "min"), 4), ((*r, "min"), 17),
           ((*r, "max"), 0), ((*r, "max"), 17), ((*r, "words_max"), 5), (("requirements", 1, "evidence_kinds"), ["video"]), ((*r, "evidence_kinds"), []), ((*r, "evidence_kinds"), ["photos"]),
           ((*r, "evidence_kinds"), ["video", "video"]), (("requirements", 1, "words_max"), 10001), ((*r, "other"), 1), (("rubric",), []), ((*c, "levels"), scene.DEFINITION["rubric"][0]["levels"][:1]),
           ((*c, "required_level"), "not-yet"), ((*c, "required_level"), "best"), ((*c, "levels", 1, "id"), "not-yet"), ((*c, "id"), "acts"), ((*c, "levels", 2, "points"), 1),
           ((*c, "levels", 0, "points"), 1001), ((*c, "levels", 0, "points"), 0.5), (("rubric", 1, "id"), "everybody-not-yet"), (("review", "reviewers"), 0), (("review", "reviewers"), 6),
           (("review", "reviewers"), None), (("review", "days"), 0), (("review", "days"), 366), (("review", "resubmissions_max"), 51), (("review", "countersign"), "nobody"), (("review", "blind"), 0),
           (("valid_months",), 0), (("valid_months",), 601), (("alignment", 0, "url"), "nowhere"), (("alignment", 0, "url"), "a:"), (("alignment", 0, "url"), "http://a b"),
           (("alignment", 0, "url"), "http://a/%2"), (("alignment", 0, "url"), "http://\u00e4.example"), (("alignment", 1), scene.DEFINITION["alignment"][0]), (("extra",), 1)]
    for path, value in good:
        definition.check(_change(path, value) if path else scene.DEFINITION)
    for path, value in bad:
        refuses(lambda path=path, value=value: definition.check(_change(path, value)), definition.BadDefinition)
    many = [{"id": f"r{i}", "kind": "artifact", "prompt": "p", "min": 13} for i in range(5)]
    refuses(lambda: definition.check({**scene.DEFINITION, "requirements": many}), definition.BadDefinition)
    return f"{len(good)} good, {len(bad) + 1} bad"


def judge_of(s):
    """A Judge of all that the parties wrote, as a node sees it."""
    sets = {}
    for p in s.parties:
        sets[p.id] = KeySet(p.id)
        sets[p.id].add(p.events)
    found = Facts(sets)
    for p in s.parties:
        for seq, h in enumerate(p.headers):
            found.add(Fact(p.id, h, p.records[seq]))
    return Judge(found)


def states():
    """A submission's way through its states (SPEC 16.7)."""
    s, seen = scene.Scene(), []

    def state(ref=None):
        seen.append(judge_of(s).state(ref or s.submission))
        return seen[-1]

    for step in ("define", "appoint", "work", "bind", "submit"):
        getattr(s, step)()
    assert state() == "submitted"
    claim = s.reviewers[0].put("claim", of=s.submission)
    assert state() == "claimed"
    s.reviewers[0].put("release", of=claim)
    assert state() == "submitted"
    s.other.put("claim", of=s.submission)
    assert state() == "submitted", "nobody appointed that one"
    s.one_review(s.reviewers[0], decision="not-yet", feedback="Not yet.", levels=("not-yet", "demonstrated"))
    assert state() == "claimed"
    s.one_review(s.reviewers[1], decision="not-yet", feedback="I think so too.", levels=("not-yet", "demonstrated"))
    assert state() == "not-yet"
    s.reviews.clear()
    s.one_review(s.reviewers[0])
    assert state() == "claimed", "a split decision"
    s.one_review(s.reviewers[1])
    assert state() == "met"
    first = s.submission
    s.submit(revises=first, changed="Another video.")
    assert state(first) == "met" and state() == "submitted", "what was decided stays decided"
    s.reviews.clear()
    for r in s.reviewers:
        s.one_review(r, decision="unjudgeable", feedback="There is no sound.", scores=[["acts", "not-yet", ""]])
    assert state() == "unjudgeable"
    second = s.submission
    s.submit(revises=second, changed="With sound.")
    assert state(second) == "withdrawn", "it was revised"
    s.earner.put("withdraw", of=s.submission)
    assert state() == "submitted", "a withdraw without keep"
    s.earner.put("withdraw", keep=True, of=s.submission)
    assert state() == "withdrawn"
    s.reviews.clear()
    s.submit()
    s.review()
    assert state() == "met"
    s.award()
    assert state() == "awarded"
    award = judge_of(s).facts.at[tuple(s.awarded)]
    assert judge_of(s).award_state(award) == "countersigned"
    s.accept()
    assert judge_of(s).award_state(award) == "accepted"
    s.act("revoke", of=s.awarded, why="By mistake.")
    assert judge_of(s).award_state(award) == "revoked"
    return f"{len(seen)} looks"


def rows():
    return json.loads((DATA / "bundles" / "index.json").read_text())["tests"]


def judged_as_the_index_says():
    count = {}
    for row in rows():
        result = bundle.verify((DATA / "bundles" / row["file"]).read_bytes(), [bytes.fromhex(r) for r in row["roots"]], AT if row["file"] != "expired.json" else None)
        lines = result.reasons + result.missing
        assert result.verdict == row["expected"], (row["file"], result.verdict, lines)
        assert row["reason"] in lines if row["reason"] else not lines, (row["file"], lines)
        count[result.verdict] = count.get(result.verdict, 0) + 1
    return ", ".join(f"{n} {verdict}" for verdict, n in sorted(count.items()))


def bundles_generated():
    written = bundles.files()
    for name, text in written.items():
        assert (DATA / "bundles" / name).read_text(encoding="utf-8") == text, f"{name} is not what bundles.py writes"
    assert {f.name for f in (DATA / "bundles").glob("*.json")} == set(written)


def _places(v, path=()):
    yield path
    if isinstance(v, (list, dict)):
        for k, item in enumerate(v) if isinstance(v, list) else v.items():
            yield from _places(item, (*path, k))


def hostile():
    """Whatever stands in a bundle, there is a verdict; and what is signed cannot be changed unseen."""
    whole = json.loads((DATA / "bundles" / "accepted.json").read_text())
    roots, rnd, count = [bytes.fromhex(rows()[0]["roots"][0])], random.Random(7), 0
    places = [p for p in _places(whole) if p]
    values = (None, True, -1, 1.5, 1 << 40, "", "x", "AAAA", "\u00e9", [], {}, [[]], {"a": 1}, [None] * 3)
    for _ in range(300):
        b = copy.deepcopy(whole)
        at, path = b, rnd.choice(places)
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = rnd.choice(values)
        bundle.verify(json.dumps(b).encode(), roots, AT).view()
        count += 1
    texts = [p for p in places if p[-1] in ("headers", "signature", "body", "key") or (p[0] == "identities" and len(p) == 5)]
    for path in texts:
        b = copy.deepcopy(whole)
        at = b
        for step in path[:-1]:
            at = at[step]
        raw = bytearray(base64.b64decode(at[path[-1]]))
        raw[rnd.randrange(len(raw))] ^= 1 << rnd.randrange(8)
        at[path[-1]] = base64.b64encode(raw).decode("ascii")
        result = bundle.verify(json.dumps(b).encode(), roots, AT)
        assert result.verdict != "good", path
        count += 1
    for n in range(0, 2000, 97):
        assert bundle.verify(json.dumps(whole).encode()[:n], roots, AT).verdict == "wrong"
    assert bundle.verify(b" " * ((8 << 20) + 1), roots, AT).verdict == "wrong"
    return f"{count} changed bundles"


def credentials_of_others():
    """The samples of Open Badges: none is better than not known, and those that are to fail are wrong."""
    found = {}
    for f in sorted((DATA / "openbadges").glob("*.json")):
        found[f.stem] = bundle.verify(f.read_bytes(), [], AT).verdict
    wanted = {"simple-err-context": "wrong", "simple-err-expired": "wrong", "simple-err-issuer": "wrong", "simple-multiple-proofs": "unknown"}
    assert "good" not in found.values() and wanted.items() <= found.items(), found
    return f"{len(found)} files"


# ---- with other programs; left out where these are not


def pyld_agrees():
    """N-Quads as PyLD makes them, where PyLD and the contexts of tests/outside are at hand. Nothing else needs them."""
    try:
        from pyld import jsonld  # noqa: F401
    except ImportError:
        return "left out, there is no PyLD"
    if not (OUTSIDE / "node_modules").exists():
        return "left out, the contexts of tests/outside are not installed"
    sys.path.append(str(OUTSIDE))
    import proofs

    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["node", str(OUTSIDE / "verify.mjs"), "--contexts", folder + "/contexts"], check=True)
        contexts = proofs.Contexts(folder + "/contexts")
    for document in bundles.documents().values():
        assert contexts.quads(proof.bare(document)) == nquads.canonical(proof.bare(document))
        options = {k: v for k, v in document["proof"][1].items() if k != "proofValue"}
        assert contexts.quads({**options, "@context": nquads.CONTEXT}) == nquads.canonical_options(options)


def quire_agrees(quire):
    """`quire verify` on each bundle."""
    def one(row):
        with tempfile.TemporaryDirectory() as home:
            command = [str(quire), "--home", home, "verify", str(DATA / "bundles" / row["file"]), "--json"]
            got = subprocess.run([*command, *(w for r in row["roots"] for w in ("--root", r))], capture_output=True, text=True, timeout=60)
        return None if got.returncode == bundle.EXIT[row["expected"]] else f"{row['file']}: exit status {got.returncode}, not {bundle.EXIT[row['expected']]}"

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        wrong = [line for line in pool.map(one, rows()) if line]
    assert not wrong, f"{len(wrong)} of {len(rows())}: " + "; ".join(wrong[:10])
    return f"{len(rows())} bundles"


def run(tap):
    for f in (canonical_json, keys_as_texts, w3c_proofs, own_proofs, credentials_by_hand, definitions, states, bundles_generated, judged_as_the_index_says, hostile,
              credentials_of_others, pyld_agrees):
        tap.check("awards: " + f.__name__.replace("_", " "), f)
