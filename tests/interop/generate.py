#!/usr/bin/python3
"""generate.py FOLDER -- writes python.json and keyset-python.json there, from SPEC.md alone; the same bytes each time."""
import hashlib
import json
import pathlib
import sys

import keysets
import recordcases
import vectors
from quirepy import blobs, entries, invitation, keys, mp, prim, records, seal

L = 2**252 + 27742317777372353535851937790883648493


class Writer:
    """Collects cases; bytes become hexadecimal."""

    def __init__(self, seed):
        self.rnd = prim.Random(seed)
        self.cases = []

    def add(self, case, **fields):
        self.cases.append({"id": len(self.cases) + 1, "case": case, **{k: plain(v) for k, v in fields.items()}})

    def refuse(self, case, note, **fields):
        self.add(case, valid=False, note=note, **fields)


def plain(v):
    if isinstance(v, (bytes, bytearray)):
        return bytes(v).hex()
    if isinstance(v, (list, tuple)):
        return [plain(i) for i in v]
    if isinstance(v, dict):
        return {k: plain(i) for k, i in v.items()}
    return v


def flip(data, at, bit=1):
    out = bytearray(data)
    out[at] ^= bit
    return bytes(out)


def hashes(w):
    for n, name in enumerate(["quire.keyevent", "quire.keyset", "quire.log", "quire.entry", "quire.envelope", "quire.body", "quire.leaf",
                              "quire.node", "quire.root", "quire.wrap", "quire.hint", "quire.slot", "quire.ephemeral", "quire.code",
                              "quire.codesum", "quire.invite", "quire.invitesum", "quire.act", "quire.award", "quire.endorse", "quire.evidence"]):
        data = w.rnd(n * 19)
        w.add("hash", personal=name, input=data, output=prim.H(name, data))
    for ids in ([], [w.rnd(32)], [b"\xff" * 32, bytes(31) + b"\1"], [w.rnd(32) for _ in range(20)], [b"\xff" * 32] * 3):
        w.add("sum", ids=ids, sum=prim.SUM(ids))


def signatures(w):
    for n in (0, 1, 63, 162, 300):
        seed, message = w.rnd(32), w.rnd(n)
        w.add("sign", seed=seed, key=prim.ed_public(seed), domain="quire entry v1", message=message,
              signature=prim.sign(seed, "quire entry v1", message))
    seed, message, domain = w.rnd(32), w.rnd(40), "quire key event v1"
    key, good = prim.ed_public(seed), prim.sign(seed, domain, message)

    def no(note, key=key, message=message, signature=good, domain=domain):
        w.refuse("sign", note, key=key, domain=domain, message=message, signature=signature)

    no("R changed", signature=flip(good, 0))
    no("S changed", signature=flip(good, 40))
    no("another domain", domain="quire entry v1")
    no("another message", message=message + b"\0")
    no("another key", key=prim.ed_public(w.rnd(32)))
    no("S + L", signature=good[:32] + (int.from_bytes(good[32:], "little") + L).to_bytes(32, "little"))
    small = sorted(y for y in prim.SMALL_Y)
    for y in small:
        for sign in (0, 0x80):
            point = bytearray(y.to_bytes(32, "little"))
            point[31] |= sign
            # With A of small order and S = 0 the equation holds for one R of eight, whatever the message.
            no("A and R of small order", key=bytes(point), signature=bytes(point) + bytes(32))
            no("R of small order", signature=bytes(point) + good[32:])
    for y in range(prim.P25519, 1 << 255):
        no("A not canonical", key=y.to_bytes(32, "little"))
        no("R not canonical", signature=y.to_bytes(32, "little") + good[32:])
    for s, length in ((good[:63], 63), (b"", 0), (good + b"\0", 65)):
        no(f"{length} bytes", signature=s)


def boxes(w):
    for _ in range(3):
        secret, other = w.rnd(32), prim.x_public(w.rnd(32))
        w.add("box", secret=secret, key=prim.x_public(secret), other=other, shared=prim.x25519(secret, other))
    for _ in range(3):
        r, s, eph = w.rnd(32), w.rnd(32), w.rnd(32)
        R, context = prim.x_public(r), prim.x_public(s)
        box = prim.wrap(R, context, s, eph)
        w.add("wrap", recipient_secret=r, recipient=R, context=context, ephemeral_secret=eph, secret=s, box=box)
    no = {"recipient_secret": r, "context": context}
    w.refuse("wrap", "tag", **no, box=flip(box, 79))
    w.refuse("wrap", "E changed", **no, box=flip(box, 3))
    w.refuse("wrap", "the top bit of E changed", **no, box=flip(box, 31, 0x80))
    w.refuse("wrap", "E of small order", **no, box=bytes(32) + box[32:])
    w.refuse("wrap", "another context", recipient_secret=r, context=flip(context, 0), box=box)
    w.refuse("wrap", "another recipient", recipient_secret=flip(r, 5), context=context, box=box)


def recovery(w):
    for label in (0, 1):
        for _ in range(2):
            entropy = w.rnd(18)
            root, rec = keys.root_pair(entropy, label), keys.recovery_pair(entropy, label)
            w.add("recovery", entropy=entropy, code=keys.code_write(entropy), label=label, root_seed=root.secret, root_key=root.public,
                  recovery_secret=rec.secret, recovery_key=rec.public)
    code = keys.code_write(w.rnd(18))
    other = "1" if code[0] != "1" else "2"
    for note, text in (("one character changed", other + code[1:]), ("too short", code[:-1]), ("too long", code + "0"), ("empty", ""),
                       ("a letter that the alphabet lacks", "U" + code[1:]), ("two characters swapped", code[1] + code[0] + code[2:])):
        if text != code:
            w.refuse("recovery", note, code=text)


def log_entries(w):
    for n, (flags, seq, hour, size) in enumerate([(2, 0, 0, 33), (0, 1, 490000, 61440), (1, 63, 2**32 - 1, 2048), (3, 2**32 - 1, 5, 34)]):
        seed, identity = w.rnd(32), w.rnd(32)
        key = prim.ed_public(seed)
        log = entries.log_id(identity, key)
        w.add("log", identity=identity, device_key=key, log=log)
        f = {"flags": flags, "log": log, "seq": seq, "prev": w.rnd(32) if seq else bytes(32), "hour": hour, "scope": w.rnd(16) if n % 2 else bytes(16),
             "envelope_hash": w.rnd(32) if n > 1 else bytes(32), "body_bytes": size, "commitment": w.rnd(32)}
        raw = entries.header_bytes(flags, log, seq, f["prev"], hour, size, f["commitment"], f["envelope_hash"], f["scope"])
        w.add("entry", device_seed=seed, device_key=key, **f, header=raw, entry=entries.Header(raw).id, signature=entries.sign_header(seed, raw))
    for note, bad in (("161 bytes", raw[:-1]), ("163 bytes", raw + b"\0"), ("version 0", b"\0" + raw[1:]), ("version 2", b"\2" + raw[1:]),
                      ("flag bit 2", flip(raw, 1, 4)), ("flag bit 7", flip(raw, 1, 0x80)), ("seq 2^32", raw[:34] + (1 << 32).to_bytes(8, "big") + raw[42:]),
                      ("seq 2^63", flip(raw, 34, 0x80)), ("body of 32 bytes", raw[:126] + (32).to_bytes(4, "big") + raw[130:]),
                      ("body of 61,441 bytes", raw[:126] + (61441).to_bytes(4, "big") + raw[130:]), ("seq 0 with a previous id", raw[:34] + bytes(8) + raw[42:])):
        w.refuse("entry", note, header=bad)


def envelopes(w):
    was = {"log": w.rnd(32), "seq": 300, "entry": w.rnd(32)}
    blob = {"root": w.rnd(32), "size": 1 << 36}
    many = [{"root": w.rnd(32), "size": i << 31} for i in range(16)]
    for f in ({"blobs": [blob]}, {"blobs": [], "custodian": w.rnd(32)}, {"blobs": [], "drop_after": (1 << 32) - 1}, {"blobs": [], "was": was},
              {"blobs": many, "custodian": w.rnd(32), "drop_after": 0, "was": was}):
        args = dict(f, blobs=[(b["root"], b["size"]) for b in f["blobs"]])
        if "was" in f:
            args["was"] = (was["log"], was["seq"], was["entry"])
        raw = entries.envelope_write(**args)
        w.add("envelope", **f, envelope=raw, hash=entries.envelope_hash(raw))
    root, e = w.rnd(32), mp.encode
    for note, raw in (
        ("no keys", e({})), ("key 0", e({0: 1})), ("key 5", e({3: 1, 5: 1})), ("str key", e({"1": 1})), ("array", e([1])), ("nil", e(None)),
        ("no blobs", e({1: []})), ("17 blobs", e({1: [[root, 1]] * 17})), ("blob of one element", e({1: [[root]]})), ("blob of three", e({1: [[root, 1, 1]]})),
        ("root of 31 bytes", e({1: [[root[1:], 1]]})), ("negative size", e({1: [[root, -1]]})), ("custodian of 33 bytes", e({2: root + b"\0"})),
        ("custodian as str", e({2: "a" * 32})), ("drop after as str", e({3: "1"})), ("drop after true", e({3: True})), ("negative drop after", e({3: -1})),
        ("drop after 2^32", e({3: 1 << 32})), ("a blob of 2^36 + 1 bytes", e({1: [[root, (1 << 36) + 1]]})), ("was with seq 2^32", e({4: [root, 1 << 32, root]})),
        ("was of two", e({4: [root, 1]})), ("was with a negative seq", e({4: [root, -1, root]})), ("bytes behind", e({3: 1}) + b"\xc0"),
        ("map head too long", b"\xde\0\1\3\1"), ("uint8 for 1", b"\x81\x03\xcc\x01"), ("int8 for 1", b"\x81\x03\xd0\x01"), ("bin16 for 32 bytes", b"\x81\x02\xc5\0\x20" + root),
        ("keys not ascending", b"\x82\x03\x01\x02\xc4\x20" + root), ("a key twice", b"\x82\x03\x01\x03\x01"), ("float", b"\x81\x03\xca\0\0\0\0"),
        ("ext", b"\x81\x03\xd4\1\0"), ("type byte c1", b"\x81\x03\xc1"), ("cut", e({2: root})[:-1]),
        ("map of 2^32 - 1 pairs", b"\xdf\xff\xff\xff\xff"), ("array of 2^32 - 1", b"\x81\x01\xdd\xff\xff\xff\xff"),
    ):
        w.refuse("envelope", note, envelope=raw)


def bodies(w):
    for record in (records.write("profile", name="Ada"), records.write("device", event=w.rnd(32))):
        salt = w.rnd(32)
        w.add("clear-body", salt=salt, record=record, body=salt + record, commitment=entries.commitment(salt + record))
    body = None
    for n, text in ((1, "x"), (3, "Grüße"), (4, "y" * 900), (5, ""), (17, "z" * 40000), (70, "q"), (300, "w" * 500), (512, "v")):
        secrets = [w.rnd(32) for _ in range(n)]
        record = records.write("reflection", text=text) if text else records.write("later-kind")
        f = {"log": w.rnd(32), "author_secret": secrets[0], "reader_secrets": secrets[:8] + secrets[-1:] if n > 9 else secrets,
             "stranger_secret": w.rnd(32), "salt": w.rnd(32), "content_key": w.rnd(32), "record": record}
        body = seal.seal(record, f["log"], secrets[0], [prim.x_public(s) for s in secrets], f["content_key"], f["salt"], w.rnd)
        w.add("sealed-body", **f, ephemeral_secret=seal.ephemeral(f["content_key"]), body=body, commitment=entries.commitment(body))
    sealed_refusals(w)


def sealed_refusals(w):
    author, reader, log, key, salt = (w.rnd(32) for _ in range(5))
    readers = [prim.x_public(author), prim.x_public(reader)]
    record = records.write("reflection", text="for two")
    body = seal.seal(record, log, author, readers, key, salt, w.rnd)
    end = 32 + 34 + 4 * 56

    def no(note, body=body, log=log, author_secret=author):
        w.refuse("sealed-body", note, log=log, author_secret=author_secret, reader_secrets=[author, reader], body=body)

    no("another log", log=flip(log, 9))
    no("another author", author_secret=w.rnd(32))
    no("version", body=flip(body, 32, 3))
    no("size code 5", body=flip(body, 33, 5))
    no("size code 1", body=flip(body, 33))
    no("E changed", body=flip(body, 34))
    no("the top bit of E changed", body=flip(body, 65, 0x80))
    no("E zero", body=body[:34] + bytes(32) + body[66:])
    no("tag", body=flip(body, len(body) - 1))
    no("ciphertext", body=flip(body, end))
    no("cut in the slots", body=body[: end - 1])
    no("no ciphertext", body=body[:end])
    for i in range(4):
        no("a slot that is in the associated data", body=flip(body, 66 + 56 * i + 55, 4))
    content = body[32:]
    head = content[: 34 + 4 * 56]
    for note, plain in (("bytes behind the record", record + b"\1" + bytes(30)), ("a second object", record + records.write("x") + bytes(9)),
                        ("only zeros behind a cut record", record[:-1]), ("empty", b""), ("not in the profile", b"\xc1" + bytes(40))):
        no(note, body=salt + head + prim.xseal(key, prim.ZERO24, plain, head + log))
    # One body with another content key for the second reader: its E cannot fit both keys.
    other = w.rnd(32)
    eph = seal.ephemeral(other)
    E = prim.x_public(eph)
    slots = b""
    for R in readers:
        d = prim.x25519(author, R)
        slots += seal._hint(d, E) + prim.aead(prim.H("quire.slot", prim.x25519(eph, R) + d + E + R), key)
    head = b"\1\0" + E + slots + w.rnd(112)
    no("E is not the content key's", body=salt + head + prim.xseal(key, prim.ZERO24, record.ljust(200, b"\0"), head + log))


def chain(w, seed, log, first, prev, count, envelope_at=()):
    headers, envelopes_, bodies_ = [], [], []
    for i in range(count):
        envelope = entries.envelope_write(drop_after=first + i) if i in envelope_at else b""
        body = w.rnd(32) + records.write("profile", name=f"entry {first + i}")
        headers.append(entries.header_bytes(0, log, first + i, prev, 480000 + i, len(body), entries.commitment(body), entries.envelope_hash(envelope)))
        prev = entries.Header(headers[-1]).id
        envelopes_.append(envelope)
        bodies_.append(body)
    return headers, envelopes_, bodies_


def runs(w):
    seed = w.rnd(32)
    key = prim.ed_public(seed)
    log = entries.log_id(w.rnd(32), key)
    for first, count in ((0, 1), (0, 64), (1, 63), (60, 4), (64, 3), (63, 1), (2**32 - 1, 1)):
        prev = w.rnd(32) if first else bytes(32)
        headers, envelopes_, bodies_ = chain(w, seed, log, first, prev, count, {0, 2})
        f = {"device_key": key, "log": log, "first": first, "headers": b"".join(headers), "signature": entries.sign_header(seed, headers[-1]),
             "envelopes": envelopes_, "bodies": bodies_}
        w.add("run", **f, prev=prev, last=entries.Header(headers[-1]).id)
    headers, envelopes_, bodies_ = chain(w, seed, log, 10, w.rnd(32), 5, {1})
    good = {"device_key": key, "log": log, "first": 10, "headers": b"".join(headers), "signature": entries.sign_header(seed, headers[-1]),
            "envelopes": envelopes_, "bodies": bodies_}

    def no(note, **change):
        w.refuse("run", note, **{**good, **change})

    def resigned(note, headers, **change):
        no(note, headers=b"".join(headers), signature=entries.sign_header(seed, headers[-1]), **change)

    no("no signature", signature=b"")
    no("signature of the header before", signature=entries.sign_header(seed, headers[3]))
    no("another device", device_key=prim.ed_public(w.rnd(32)))
    no("another log", log=flip(log, 0))
    no("another first", first=11)
    no("cut header", headers=good["headers"][:-1])
    no("no headers", headers=b"", envelopes=[], bodies=[])
    resigned("a link is broken", [headers[0], flip(headers[1], 50), *headers[2:]])
    resigned("a seq left out", headers[:2] + headers[3:], envelopes=envelopes_[:2] + envelopes_[3:], bodies=bodies_[:2] + bodies_[3:])
    resigned("an entry of another log", [*headers[:4], flip(headers[4], 10)])
    resigned("a header changed in the middle", [*headers[:2], flip(headers[2], 77), *headers[3:]])
    no("a body too few", bodies=bodies_[:-1])
    no("a body changed", bodies=[flip(bodies_[0], 3), *bodies_[1:]])
    no("a body cut", bodies=[bodies_[0][:-1], *bodies_[1:]])
    no("an envelope left out", envelopes=[b""] * 5)
    no("an envelope changed", envelopes=[b"", entries.envelope_write(drop_after=9), b"", b"", b""])
    long, e, b = chain(w, seed, log, 60, w.rnd(32), 8)
    resigned("over the end of an interval", long, first=60, envelopes=e, bodies=b)
    long, e, b = chain(w, seed, log, 0, bytes(32), 65)
    resigned("65 headers", long, first=0, envelopes=e, bodies=b)


def blob_trees(w):
    for size in (0, 1, 65535, 65536, 65537, 200000):
        key, owner = w.rnd(32), w.rnd(32)
        b = blobs.Blob(key, vectors.plain_file(size, size % 256), owner)
        w.add("blob", key=key, owner=owner, size=size, fill=size % 256, encrypted_sha256=hashlib.sha256(b"".join(b.chunks)).hexdigest(),
              leaves=b"".join(b.leaves), pages=b"".join(b.pages), root=b.root)
    for chunks in (1, 1023, 1024, 1025, 5000):
        owner, size = w.rnd(32), chunks * 65536 - 7
        pages = blobs.pages_of([blobs.leaf(i, i.to_bytes(8, "big")) for i in range(chunks)])
        w.add("tree", chunks=chunks, size=size, owner=owner, pages=b"".join(pages), root=blobs.root_of(pages, size, owner))


def erasures(w):
    for reason in range(5):
        seed = w.rnd(32)
        f = {"reason": reason, "by": reason % 2, "log": w.rnd(32), "seq": (0, 1, 1000, 2**32 - 1, 7)[reason], "entry": w.rnd(32), "hour": 490000 + reason,
             "generation": w.rnd(32)}
        raw = entries.statement_write(seed, f["reason"], f["by"], f["log"], f["hour"], f["seq"], f["entry"], f["generation"])
        key = prim.ed_public(seed)
        w.add("erasure", signing_seed=seed, signing_key=key, **f, statement=raw)

    def resigned(at, value):
        changed = raw[:at] + bytes([value]) + raw[at + 1 : 112]
        return changed + prim.sign(seed, entries.ERASURE_DOMAIN, changed)

    for note, bad in (("another reason, not signed", flip(raw, 1)), ("another seq, not signed", flip(raw, 47)), ("version 2", resigned(0, 2)),
                      ("reason 5", resigned(1, 5)), ("by 2", resigned(2, 2)), ("byte 3", resigned(3, 1)), ("175 bytes", raw[:-1]), ("177 bytes", raw + b"\0")):
        w.refuse("erasure", note, signing_key=key, statement=bad)
    w.refuse("erasure", "another key", signing_key=prim.ed_public(w.rnd(32)), statement=raw)


def invitations(w):
    for addresses in (["127.0.0.1:7000"], ["[::1]:1", "school.example:4711"], ["a:1", "b:2", "c:3", "d" * 58 + ":65535"]):
        i = invitation.Invitation(w.rnd(32), w.rnd(32), w.rnd(16), 500000, addresses)
        text = i.write()
        w.add("invitation", node=i.node_key, network=i.network, secret=i.secret, expires=i.hour, addresses=addresses, text=text,
              secret_hash=prim.H("quire.invite", i.secret))
    raw = prim.base32_lower_decode(text[6:])[:-4]

    def summed(data):
        return "quire:" + prim.base32_lower(data + prim.H("quire.invitesum", data)[:4])

    one = raw[:85] + b"\1\3a:1"
    for note, bad in (("scheme", "quires:" + text[6:]), ("no scheme", text[6:]), ("a character changed", text[:20] + ("b" if text[20] != "b" else "c") + text[21:]),
                      ("cut", text[:-1]), ("longer", text + "a"), ("padded", text + "="), ("a character outside base32", text[:30] + "1" + text[31:]), ("empty", "quire:"),
                      ("version 2", summed(b"\2" + raw[1:])), ("no address", summed(raw[:85] + b"\0")), ("5 addresses", summed(raw[:85] + b"\5" + b"\3a:1" * 5)),
                      ("an empty address", summed(raw[:85] + b"\1\0")), ("an address of 65 bytes", summed(raw[:85] + b"\1\x41" + b"a" * 63 + b":1")),
                      ("an address cut", summed(one[:-1])), ("bytes behind", summed(one + b"\0")), ("a second address missing", summed(raw[:85] + b"\2\3a:1")),
                      ("not ASCII", summed(raw[:85] + b"\1\4\xc3\xa4:1"))):
        w.refuse("invitation", note, text=bad)
    for address in ("a", "a:", ":1", "a:0", "a:01", "a:65536", "a b:1", "a/b:1", "[::1]", "[::1%eth0]:1", "[a:1", "a]:1", "[]:1", "[1.2.3.4]:1", "a:+1", "a:1 ", "::1:1", "a:1a"):
        w.refuse("invitation", f"address {address!r}", text=summed(raw[:85] + b"\1" + bytes([len(address)]) + address.encode()))
    body = summed(one)
    if len(body[6:]) * 5 % 8:
        letters = "abcdefghijklmnopqrstuvwxyz234567"
        w.refuse("invitation", "a trailing bit", text=body[:-1] + letters[letters.index(body[-1]) ^ 1])


def all_records(w):
    i = w.rnd
    blob = {"key": i(32), "name": "a.png", "root": i(32), "size": 3, "type": "image/png"}
    ref = [i(32), 5, i(32)]
    art = {"title": "t", "kind": "photo", "depicts": "nobody"}
    good = [("device", {"event": i(32)}), ("profile", {"name": "n" * 200, "about": ""}), ("profile", {"name": "n", "unknown": [1]}),
            ("artifact", art), ("artifact", {**art, "blobs": [blob] * 15 + [{**blob, "later": True}], "date": "2024-02-31", "grade": "5", "subject": "Art", "tags": ["a"] * 32, "link": "x" * 2048}),
            ("reflection", {"text": "x" * 49152, "on": ref, "prompt": "p"}), ("share", {"keys": [[ref, i(32)]]}),
            ("admission", {"node": i(32), "name": "n"}), ("admission-end", {"of": ref}), ("never-heard-of", {}), ("", {"a": None})]
    for kind, fields in good:
        w.add("record", record=mp.encode([kind, fields]))
    bad = [("device", {}), ("device", {"event": i(31)}), ("device", {"event": "a" * 32}), ("profile", {"name": ""}), ("profile", {"name": "n" * 201}),
           ("profile", {"about": "a"}), ("profile", {"name": "n", "about": "a" * 16385}), ("profile", {"name": 7}), ("profile", {"name": "ü" * 101}),
           ("artifact", {**art, "kind": "photos"}), ("artifact", {**art, "depicts": "someone"}), ("artifact", {**art, "blobs": []}),
           ("artifact", {**art, "blobs": [blob] * 17}), ("artifact", {**art, "blobs": [{**blob, "key": i(33)}]}), ("artifact", {**art, "blobs": [{**blob, "size": -1}]}),
           ("artifact", {**art, "blobs": [{k: v for k, v in blob.items() if k != "type"}]}), ("artifact", {**art, "date": "2024-2-29"}),
           ("artifact", {**art, "date": "2024/02/29"}), ("artifact", {**art, "date": "aaaa-bb-cc"}),
           ("artifact", {**art, "date": "2024-13-01"}), ("artifact", {**art, "date": "2024-00-01"}), ("artifact", {**art, "date": "2024-01-32"}), ("artifact", {**art, "date": "2024-01-00"}),
           ("reflection", {"text": "t", "on": [ref[0], 1 << 32, ref[2]]}), ("admission-end", {"of": [ref[0], 1 << 32, ref[2]]}), ("artifact", {**art, "tags": []}),
           ("artifact", {**art, "tags": ["a"] * 33}), ("artifact", {**art, "tags": [""]}), ("artifact", {**art, "link": ""}), ("artifact", {"title": "t", "kind": "photo"}),
           ("reflection", {"text": ""}), ("reflection", {"text": "t", "on": ref[:2]}), ("reflection", {"text": "t", "on": [*ref, 1]}),
           ("share", {"of": ref, "key": i(32)}), ("admission", {"node": i(32)}), ("admission-end", {"of": None})]
    for kind, fields in bad:
        w.refuse("record", kind, record=mp.encode([kind, fields]))
    for note, raw in (("map", mp.encode({"a": 1})), ("one element", mp.encode(["profile"])), ("three elements", mp.encode(["profile", {"name": "n"}, 1])),
                      ("kind is bin", mp.encode([b"profile", {"name": "n"}])), ("fields are an array", mp.encode(["x", []])), ("uint keys", mp.encode(["x", {1: 1}])),
                      ("bytes behind", mp.encode(["x", {}]) + b"\0"), ("U+0000", b"\x92\xa1\0\x80"), ("not UTF-8", b"\x92\xa2\xc3\x28\x80"),
                      ("a surrogate", b"\x92\xa3\xed\xa0\x80\x80"), ("overlong", b"\x92\xa2\xc0\xaf\x80"),
                      ("deeper than 8", b"\x92\xa1x\x81\xa1a" + b"\x91" * 7 + b"\1"), ("empty", b"")):
        w.refuse("record", note, record=raw)
    w.add("record", record=b"\x92\xa1x\x81\xa1a" + b"\x91" * 6 + b"\1", note="depth 8")
    recordcases.add(w)


def format_cases():
    w = Writer(b"quire interop formats")
    for part in (hashes, signatures, boxes, recovery, log_entries, envelopes, bodies, runs, blob_trees, erasures, invitations, all_records):
        part(w)
    return w.cases


def dump(cases, head):
    return "{" + head + '"tests": [\n' + ",\n".join(json.dumps(c, ensure_ascii=True) for c in cases) + "\n]}\n"


def files():
    """{name: text} of both files."""
    return {"python.json": dump(format_cases(), '"format": 1, '), "keyset-python.json": dump(keysets.cases(), "")}


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    for name, text in files().items():
        (folder / name).write_text(text, encoding="ascii")
        print(f"{folder / name}: {len(text)} bytes")
