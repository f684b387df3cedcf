#!/usr/bin/env python3
"""seeds.py FOLDER -- first inputs for the fuzz targets, FOLDER/NAME/*, made from the vectors under tests/vectors/data, and for those that
read text FOLDER/NAME.dict, the words that stand in them."""
import collections
import glob
import hashlib
import json
import os
import re
import sys

DATA = "tests/vectors/data"
SIZE_MAX = 1 << 17
out = sys.argv[1]


def put(name, data):
    if len(data) > SIZE_MAX:
        return
    folder = f"{out}/{name}"
    os.makedirs(folder, exist_ok=True)
    path = f"{folder}/{hashlib.sha256(data).hexdigest()[:16]}"
    if not os.path.exists(path):
        with open(path, "wb") as f:
            f.write(data)


def read(path):
    with open(path, "rb") as f:
        return f.read()


def formats(case):
    """One case of the vectors of SPEC.md's formats."""
    kind, get = case["case"], lambda field: bytes.fromhex(case.get(field, ""))
    if kind == "record":
        put("record", get("record"))
        put("compose", b"\0" + get("record"))
        put("mp", get("record"))
    elif kind == "clear-body":
        put("record", get("record"))
    elif kind in ("entry", "run"):
        put("entry", get("header") or get("headers")[:162])
    elif kind == "envelope":
        put("entry", get("envelope"))
        put("mp", get("envelope"))
    elif kind == "sealed-body":
        for how in range(8):
            put("seal", bytes([how]) + get("body"))
        # What an open body holds, behind an ephemeral key and no slots.
        put("seal", bytes([7]) + get("body")[:66] + get("record"))
    elif kind == "erasure":
        put("erasure", get("statement"))
    elif kind == "invitation":
        put("text", b"\0" + case["text"].encode())
    elif kind == "recovery":
        put("text", b"\2" + case["code"].encode())


def msgpack(value):
    """The shortest form, for what messages hold."""
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        for bound, head, n in ((128, b"", 1), (256, b"\xcc", 1), (1 << 16, b"\xcd", 2), (1 << 32, b"\xce", 4), (1 << 64, b"\xcf", 8)):
            if value < bound:
                return head + value.to_bytes(n, "big")
    if isinstance(value, str):
        b = value.encode()
        return (bytes([0xA0 | len(b)]) if len(b) < 32 else b"\xd9" + bytes([len(b)])) + b
    if isinstance(value, bytes):
        for bound, head, n in ((256, b"\xc4", 1), (1 << 16, b"\xc5", 2), (1 << 32, b"\xc6", 4)):
            if len(value) < bound:
                return head + len(value).to_bytes(n, "big") + value
    head = bytes([0x90 | len(value)]) if len(value) < 16 else b"\xdc" + len(value).to_bytes(2, "big")
    return head + b"".join(msgpack(v) for v in value)


def messages():
    """One of each type, and some with empty lists."""
    a, b, i = b"a" * 32, b"b" * 32, b"i" * 16
    header, sig, statement = b"h" * 162, b"s" * 64, b"e" * 176
    row = [0, 7, a, 3, b]
    bodies = {
        0: [[13, "why"]], 1: [[1, i, 7, bytes(16), 0, a, "name", ["127.0.0.1:7411"]]], 2: [[i, "name"]], 3: [["name", [a, b]]],
        4: [[1]], 5: [[1, [a, b]], [1, []]], 6: [[True, a, b]], 7: [[9, True, []], [9, False, [row, [1, 8, a, 5, b, a, 0]]]],
        8: [[1, 0, a]], 9: [[1, a, [[b"event", sig], [b"other", sig + sig]]]], 10: [[1, a, 0, 64]],
        11: [[1, 5, a, 0, header, sig, [[b"", 1, b"x" * 40]]], [0, 5, a, 0, header * 2, b"", [[b"e", 0, b""], [b"", 2, statement]]]],
        12: [[1, a, [1, 2, 300]]], 13: [[1, a, 7, 1, b"x" * 40], [1, a, 7, 3, b""]], 14: [[1, 0]], 15: [[1, 100, 70000]],
        16: [[1, a, [0, 63, 70000]]], 17: [[1, [a, b""]]], 18: [[1, a]], 19: [[0, a, 3, header, sig, header, sig]],
        20: [[1, a, 0]], 21: [[1, a, [statement, statement]]], 22: [[1, a]], 23: [[1, a, b, 100000, a + b]], 24: [[1, a, 0]],
        25: [[1, a + b]], 26: [[1, a, 0, 2]], 27: [[1, 0, b"c" * 100]], 28: [[77]], 29: [[77]], 30: [[i]], 31: [[12]],
        45: [[a, "name"], [b, ""]], 46: [[a, 7, b]],
        47: [[b, b"", b"", []], [b, header * 3, sig, [[b"e", 1, b"x" * 40]]], [b, header, sig, [[b"", 2, statement]]]],
    }  # fmt: skip
    for kind, values in bodies.items():
        for value in values:
            body = msgpack(value)
            put("message", bytes([kind]) + body)
            put("mp", body)


def documents():
    for path in sorted(glob.glob(f"{DATA}/**/*.json", recursive=True)) + sorted(glob.glob(f"{DATA}/jcs/*/*")):
        text = read(path)
        if len(text) <= 4096:
            put("json", text)
        if "/bundles/" in path or "/openbadges/" in path:
            put("bundle", text)
        if any(part in path for part in ("/openbadges/", "/awards/", "/w3c-vc-di-eddsa/")):
            put("rdf", text)
            put("bundle", text)
    for path in glob.glob(f"{DATA}/openbadges/*.png") + glob.glob(f"{DATA}/openbadges/*.svg"):
        put("bake", b"\0" + read(path))
        put("bundle", read(path))
    for path in sorted(glob.glob(f"{DATA}/bundles/*.json"))[::8]:
        credential = json.loads(read(path))
        credential = credential.get("credential", credential) if isinstance(credential, dict) else credential
        put("rdf", json.dumps(credential).encode())
    svg = b'<?xml version="1.0"?><!-- c --><svg xmlns="http://www.w3.org/2000/svg"><g a="b>"/></svg>'
    for how in (0, 2, 4, 16, 18, 20):
        put("bake", bytes([how]) + svg)
        put("bake", bytes([how]) + b"<svg/>")
        put("bake", bytes([how | 1]) + b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + bytes([0, 0, 0, 1] * 2 + [8, 0, 0, 0, 0]) + bytes(4)
            + b"\0\0\0\x21iTXtopenbadgecredential\0\0\0\0\0{}\0\0\0\0" + b"\0\0\0\nIDATx\x9cc`\0\0\0\2\0\1" + bytes(4) + b"\0\0\0\0IEND" + bytes(4))  # fmt: skip


def definitions():
    for path in sorted(glob.glob("tools/demo/**/*.json", recursive=True) + glob.glob("tests/unit/data/**/*", recursive=True)
                       + glob.glob("docs/schema/*.json")):  # fmt: skip
        if os.path.isfile(path) and os.path.getsize(path) <= 16384:
            text = read(path)
            put("framework" if b"CFDocument" in text else "definition", text)
    put("definition", definition())
    put("definition", definition() + b'\0{"c1": {"level": "l2", "comment": "good"}}')
    item = {"identifier": "11111111-1111-1111-1111-111111111111", "uri": "https://example.org/i1", "fullStatement": "One", "humanCodingScheme": "1"}
    second = dict(item, identifier="22222222-2222-2222-2222-222222222222", uri="https://example.org/i2", fullStatement="Two")
    link = {"identifier": item["identifier"], "uri": item["uri"], "title": "One"}
    package = {
        "CFDocument": {"identifier": "33333333-3333-3333-3333-333333333333", "uri": "https://example.org/d", "title": "A framework",
                       "creator": "An author", "lastChangeDateTime": "2026-01-01T00:00:00Z"},
        "CFItems": [item, second],
        "CFAssociations": [{"identifier": "44444444-4444-4444-4444-444444444444", "uri": "https://example.org/a", "associationType": "isChildOf",
                            "originNodeURI": {"identifier": second["identifier"], "uri": second["uri"], "title": "Two"}, "destinationNodeURI": link}],
        "CFRubrics": [{"identifier": "r", "uri": "https://example.org/r", "title": "R", "CFRubricCriteria": [
            {"identifier": "c", "uri": "https://example.org/c", "description": "C", "CFItemURI": link,
             "CFRubricCriterionLevels": [{"identifier": "l", "uri": "https://example.org/l", "quality": "Good", "score": 2, "description": "D"}]}]}],
    }  # fmt: skip
    put("framework", json.dumps(package).encode())


def definition():
    """The first one that stands in a bundle."""
    for path in sorted(glob.glob(f"{DATA}/bundles/*.json")):
        for text in embedded(json.loads(read(path))):
            return text
    return b"{}"


def embedded(value):
    """Texts of definitions in the clear records of a bundle."""
    if isinstance(value, dict):
        for v in value.values():
            yield from embedded(v)
    elif isinstance(value, list):
        for v in value:
            yield from embedded(v)
    elif isinstance(value, str) and len(value) > 500:
        import base64

        try:
            raw = base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True)
        except ValueError:
            return
        at = raw.find(b'{"alignment"')
        at = at if at >= 0 else raw.find(b'{"competency"')
        if at >= 0:
            yield raw[at : raw.rindex(b"}") + 1]


def texts():
    for path in ("c", "python"):
        for case in json.loads(read(f"{DATA}/quire/{path}.json"))["tests"]:
            formats(case)
    for path in ("keyset-c", "keyset-python"):
        for test in json.loads(read(f"{DATA}/quire/{path}.json"))["tests"]:
            for event in test["events"][:12]:
                put("keyevent", bytes.fromhex(event["bytes"]))
                put("mp", bytes.fromhex(event["bytes"]))
            for event in test["refused"]:
                put("keyevent", bytes.fromhex(event["bytes"]))
    raw = bytes([1]) + b"n" * 32 + b"w" * 32 + b"s" * 16 + bytes([0, 7, 0, 0])
    put("text", b"\5" + raw + b"\1\x0e127.0.0.1:7411")
    put("text", b"\5" + raw + b"\2\x09[::1]:741\x0eexample.org:99")
    put("text", b"\6" + bytes([1]) + b"i" * 32 + b"s" * 32 + b"b" * 32 + b"\0" + bytes(64))
    put("text", b"\6" + bytes([1]) + b"i" * 32 + b"s" * 32 + b"b" * 32 + b"\1" + b"n" * 32 + bytes(64))
    put("text", b"\3did:key:z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2")
    put("text", b"\0042026-02-28T23:59:59Z")


def small():
    for how in range(1, 8):
        for code in range(0, 256, 37):
            put("run", bytes([0, code % 64, how]) + bytes([0, 1, 0, 40]) + b"b" * 40 + bytes([1, 0, 3, 0, 0, 0, 2, 0, 176]) + b"e" * 176)
    frame = lambda plain: (len(plain) + 16).to_bytes(2, "big") + plain + bytes(16)
    message = lambda kind, body: bytes([kind]) + len(body).to_bytes(3, "big") + body
    for how in (2, 3):
        put("channel", bytes([how]) + frame(message(28, b"\x4d")) + frame(message(29, b"\x4d") + message(14, b"\1\0")))
        put("channel", bytes([how]) + frame(message(11, b"x" * 300)[:200]) + frame(message(11, b"x" * 300)[200:]))
    put("channel", b"\0" + frame(b"e" * 32) + frame(b"s" * 48))
    put("channel", b"\1" + frame(b"e" * 32) + frame(b"s" * 48))
    put("channel", b"\4\2\0\x10\1\xff\xff\3\0\0\5\x20\0")
    put("search", b"\0critical thinking")
    put("search", b'\1"NEAR(a b)" OR title:* AND -x^2 {col}')
    put("search", "\2\x03Caf\u00e9 \u0130 \u4e2d\u6587 assessments".encode())
    put("search", b"\3a \1marked\2 text with \1more\2 marks " + b"word " * 60)
    requests = [
        "/api/v1/entries/abc/7?x=y&z=%20\nGET\nHTTP/1.1\nHost: 127.0.0.1:7412\nQuire-Token: t\n",
        "/%2e%2e/%zz\nPOST\nHTTP/1.1\nHost: localhost:7412\nContent-Length: 12\nContent-Type: application/json; charset=utf-8\n",
        "/a//b\nPUT\nHTTP/1.1\nHost: [::1]:7412\nTransfer-Encoding: chunked\nOrigin: http://127.0.0.1:7412\nSec-Fetch-Site: same-origin\n",
    ]
    for how in range(4):
        for request in requests:
            put("http", bytes([how]) + request.encode())
    lines = [line.split(",") for line in read("daemon/config.def").decode().splitlines() if line.startswith("CONFIG_")]
    sections = {}
    for line in lines:
        sections.setdefault(line[0].split("(")[1], []).append(line[1].strip())
    for section, keys in sections.items():
        for value in ("off", "7", '"127.0.0.1:1"', "text"):
            put("config", f"# one\n[{section}]\n".encode() + "".join(f"{k} = {value} ; c\n" for k in keys).encode())


def steps():
    """Scripts for the engine: see fuzz_engine.c. And choices for sets of key events."""
    honest = [b"\x0e", b"\x00\x06" * 40, b"\x06\x07\x00\x00\x08\x01" * 40, b"\x13\x40\x00\x08" * 20, b"\x00\x01\x08\x06\x07\x01" * 30]
    twists = [b"", b"\x02\x01\x00\x09\x40", b"\x02\x00\x00\x50\x01", b"\x03\x00\x20", b"\x04", b"\x05", b"\x0f", b"\x0c\x01\x0b\x00",
              b"\x09\xff\xff", b"\x0d\x00", b"\x0d\x01", b"\x0d\x82", b"\x0d\x03", b"\x0d\x04", b"\x0d\x06", b"\x10\x01\x11\x1c\x02\x91\x4d",
              b"\x10\x06\x11\x03\x07\x92\xa1\x61\x91\xc4\x20", b"\x0a\x00\x07\x92\x0d\xa3why"]  # fmt: skip
    for script in honest:
        for twist in twists:
            for at in (4, 12, 24, 48, 96):
                put("engine", script[:at] + twist + script[at:])
    run = bytes(range(0, 64))
    for first in range(0, 64, 5):
        put("keyset", run[first:] + run[:first] + run * 3)


def records():
    fields = {
        "artifact": {"depicts": "nobody", "kind": "video", "title": "A lesson", "about": "x", "date": "2026-01-31", "tags": ["a", "b"], "link": "https://example.org"},
        "profile": {"name": "A name", "about": "\u00e9\n"},
        "acceptance": {"of": "abc:7"},
        "appointment": {"for": "abc:7", "reviewer": "00" * 32},
        "reflection": {"text": "words", "title": "t", "of": ["abc:1", "abc:2"]},
        "review": {"of": "abc:1", "decision": "meets", "feedback": "well", "scores": [{"criterion": "c", "level": "l", "comment": "x"}]},
        "manifest": {"for": "abc:1", "items": [{"requirement": "r", "kind": "video", "at": "abc:2"}]},
        "award": {"of": "abc:1"},
    }  # fmt: skip
    for kind, value in fields.items():
        put("compose", f"{kind}\n{json.dumps(value)}".encode())


def words(name):
    seen = collections.Counter()
    for path in glob.glob(f"{out}/{name}/*"):
        seen.update(set(re.findall(rb'"[\w:@#./ -]{1,40}"|&\w+;|<[!/]?[\w:\[]+|\[\w+\]', read(path))))
    with open(f"{out}/{name}.dict", "w") as f:
        for word, _ in sorted(seen.items(), key=lambda item: (-item[1], item[0]))[:400]:
            f.write('"' + "".join(f"\\x{b:02x}" for b in word) + '"\n')


texts()
records()
messages()
documents()
definitions()
small()
steps()
for target in ("json", "rdf", "definition", "framework", "bundle", "compose", "bake", "config"):
    words(target)
