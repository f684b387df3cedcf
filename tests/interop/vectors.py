"""Checks the cases of tests/vectors/data/quire/*.json; README.md and KEYSET.md there describe them."""
import hashlib
import random

from quirepy import blobs, entries, invitation, keyevents, keys, mp, prim, records, seal

REFUSALS = (ValueError,)


class Wrong(AssertionError):
    """A case that does not agree."""


def same(got, wanted, what):
    if got != wanted:
        show = lambda v: v.hex() if isinstance(v, bytes) else repr(v)
        raise Wrong(f"{what}: {show(got)[:160]} instead of {show(wanted)[:160]}")


class Case:
    """A case with its bytes decoded on access: c.b('key'), c['size']."""

    def __init__(self, fields):
        self.fields = fields

    def __getitem__(self, name):
        return self.fields[name]

    def get(self, name):
        return self.fields.get(name)

    def b(self, name):
        return bytes.fromhex(self.fields[name])

    def bl(self, name):
        return [bytes.fromhex(v) for v in self.fields[name]]

    @property
    def valid(self):
        return self.fields.get("valid", True)


def refused(act, what):
    """act must raise one of the refusals, or return False."""
    try:
        result = act()
    except REFUSALS:
        return
    if result is not False:
        raise Wrong(f"{what} was not refused")


def check_hash(c):
    same(prim.H(c["personal"], c.b("input")), c.b("output"), "output")


def check_sum(c):
    same(prim.SUM(c.bl("ids")), c.b("sum"), "sum")


def check_sign(c):
    if not c.valid:
        refused(lambda: prim.verify(c.b("key"), c["domain"], c.b("message"), c.b("signature")), "signature")
        return
    same(prim.ed_public(c.b("seed")), c.b("key"), "key")
    same(prim.sign(c.b("seed"), c["domain"], c.b("message")), c.b("signature"), "signature")
    same(prim.verify(c.b("key"), c["domain"], c.b("message"), c.b("signature")), True, "verified")


def check_box(c):
    same(prim.x_public(c.b("secret")), c.b("key"), "key")
    same(prim.x25519(c.b("secret"), c.b("other")), c.b("shared"), "shared")


def check_recovery(c):
    if not c.valid:
        refused(lambda: keys.code_read(c["code"]), "code")
        return
    same(keys.code_write(c.b("entropy")), c["code"], "code")
    same(keys.code_read(c["code"]), c.b("entropy"), "entropy")
    root, recovery = keys.root_pair(c.b("entropy"), c["label"]), keys.recovery_pair(c.b("entropy"), c["label"])
    same(root.secret, c.b("root_seed"), "root_seed")
    same(root.public, c.b("root_key"), "root_key")
    same(recovery.secret, c.b("recovery_secret"), "recovery_secret")
    same(recovery.public, c.b("recovery_key"), "recovery_key")


def check_wrap(c):
    if not c.valid:
        refused(lambda: prim.unwrap(c.b("recipient_secret"), c.b("context"), c.b("box")), "box")
        return
    same(prim.x_public(c.b("recipient_secret")), c.b("recipient"), "recipient")
    same(prim.wrap(c.b("recipient"), c.b("context"), c.b("secret"), c.b("ephemeral_secret")), c.b("box"), "box")
    same(prim.unwrap(c.b("recipient_secret"), c.b("context"), c.b("box")), c.b("secret"), "secret")


def check_log(c):
    same(entries.log_id(c.b("identity"), c.b("device_key")), c.b("log"), "log")


def check_entry(c):
    if not c.valid:
        refused(lambda: entries.Header(c.b("header")), "header")
        return
    raw = entries.header_bytes(c["flags"], c.b("log"), c["seq"], c.b("prev"), c["hour"], c["body_bytes"], c.b("commitment"),
                               c.b("envelope_hash"), c.b("scope"))
    same(raw, c.b("header"), "header")
    h = entries.Header(raw)
    for name in ("flags", "seq", "hour", "body_bytes"):
        same(getattr(h, name), c[name], name)
    for name in ("log", "prev", "scope", "envelope_hash", "commitment"):
        same(getattr(h, name), c.b(name), name)
    same(h.id, c.b("entry"), "entry")
    same(prim.ed_public(c.b("device_seed")), c.b("device_key"), "device_key")
    same(entries.sign_header(c.b("device_seed"), raw), c.b("signature"), "signature")
    entries.run_check(c.b("device_key"), c.b("log"), c["seq"], raw, c.b("signature"))


def check_envelope(c):
    if not c.valid:
        refused(lambda: entries.envelope_read(c.b("envelope")), "envelope")
        return
    fields = {"blobs": [(bytes.fromhex(b["root"]), b["size"]) for b in c["blobs"]]}
    if not fields["blobs"]:
        del fields["blobs"]
    if c.get("custodian") is not None:
        fields["custodian"] = c.b("custodian")
    if c.get("drop_after") is not None:
        fields["drop_after"] = c["drop_after"]
    if c.get("was") is not None:
        w = c["was"]
        fields["was"] = (bytes.fromhex(w["log"]), w["seq"], bytes.fromhex(w["entry"]))
    same(entries.envelope_write(**fields), c.b("envelope"), "envelope")
    same(entries.envelope_read(c.b("envelope")), fields, "fields")
    same(entries.envelope_hash(c.b("envelope")), c.b("hash"), "hash")


def check_clear_body(c):
    same(c.b("salt") + c.b("record"), c.b("body"), "body")
    same(entries.commitment(c.b("body")), c.b("commitment"), "commitment")


def check_sealed_body(c):
    body, log, author = c.b("body"), c.b("log"), prim.x_public(c.b("author_secret"))
    if not c.valid:
        for secret in c.bl("reader_secrets"):
            refused(lambda: seal.open_body(body, log, secret, [author]), "body")
        return
    for secret in c.bl("reader_secrets"):
        same(seal.open_body(body, log, secret, [author]), (c.b("record"), c.b("content_key")), "record")
    same(seal.open_with_key(body, log, c.b("content_key")), c.b("record"), "record by content key")
    refused(lambda: seal.open_body(body, log, c.b("stranger_secret"), [author]), "the stranger")
    same(body[:32], c.b("salt"), "salt")
    same(seal.ephemeral(c.b("content_key")), c.b("ephemeral_secret"), "ephemeral_secret")
    same(body[34:66], prim.x_public(c.b("ephemeral_secret")), "E")
    same(seal.padme(len(body)), len(body), "Padmé length")
    same(entries.commitment(body), c.b("commitment"), "commitment")


def _read_run(c):
    run = entries.run_check(c.b("device_key"), c.b("log"), c["first"], c.b("headers"), c.b("signature"))
    envelopes, bodies = c.bl("envelopes"), c.bl("bodies")
    entries.need(len(envelopes) == len(bodies) == len(run), "parts")
    for h, envelope, body in zip(run, envelopes, bodies):
        entries.need(entries.envelope_hash(envelope) == h.envelope_hash, "envelope hash")
        entries.envelope_read(envelope)
        entries.check_body(h, body)
    return run


def check_run(c):
    if not c.valid:
        refused(lambda: _read_run(c), "run")
        return
    run = _read_run(c)
    same(run[0].prev, c.b("prev"), "prev")
    same(run[-1].id, c.b("last"), "last")


def plain_file(size, fill):
    """The file of README.md: byte j is (7 j + 13 floor(j / 256) + fill) mod 256."""
    period = bytes((7 * j + 13 * (j // 256) + fill) % 256 for j in range(65536))
    return (period * (size // 65536 + 1))[:size]


def check_blob(c):
    b = blobs.Blob(c.b("key"), plain_file(c["size"], c["fill"]), c.b("owner"))
    same(hashlib.sha256(b"".join(b.chunks)).hexdigest(), c["encrypted_sha256"], "encrypted_sha256")
    same(b"".join(b.leaves), c.b("leaves"), "leaves")
    same(b"".join(b.pages), c.b("pages"), "pages")
    same(b.root, c.b("root"), "root")


def check_tree(c):
    leaves = [blobs.leaf(i, i.to_bytes(8, "big")) for i in range(c["chunks"])]
    pages = blobs.pages_of(leaves)
    same(b"".join(pages), c.b("pages"), "pages")
    same(blobs.root_of(pages, c["size"], c.b("owner")), c.b("root"), "root")


def check_erasure(c):
    if not c.valid:
        refused(lambda: entries.Statement(c.b("statement")).check(c.b("signing_key")), "statement")
        return
    raw = entries.statement_write(c.b("signing_seed"), c["reason"], c["by"], c.b("log"), c["hour"], c["seq"], c.b("entry"),
                                  c.b("generation"))
    same(raw, c.b("statement"), "statement")
    s = entries.Statement(raw)
    s.check(c.b("signing_key"))
    same(prim.ed_public(c.b("signing_seed")), c.b("signing_key"), "signing_key")
    same((s.reason, s.by, s.seq, s.hour), (c["reason"], c["by"], c["seq"], c["hour"]), "numbers")
    same((s.log, s.entry, s.generation), (c.b("log"), c.b("entry"), c.b("generation")), "ids")


def check_invitation(c):
    if not c.valid:
        refused(lambda: invitation.read(c["text"]), "text")
        return
    made = invitation.Invitation(c.b("node"), c.b("network"), c.b("secret"), c["expires"], c["addresses"])
    same(made.write(), c["text"], "text")
    same(vars(invitation.read(c["text"])), vars(made), "fields")
    same(prim.H("quire.invite", c.b("secret")), c.b("secret_hash"), "secret_hash")


def check_record(c):
    if c.valid:
        records.read(c.b("record"))
    else:
        refused(lambda: records.read(c.b("record")), "record")


CHECKS = {name[6:].replace("_", "-"): f for name, f in list(globals().items()) if name.startswith("check_")}


def check_case(fields):
    """Raises Wrong, or another exception, if a case of c.json or python.json does not agree."""
    CHECKS[fields["case"]](Case(fields))


def view(ks):
    """What is in force, in the form of KEYSET.md."""
    force, inception, C = ks.in_force(), ks.events[ks.identity], ks.current()
    devices = []
    for device_key, e in ks.devices(force).items():
        closing = ks.closing(device_key)
        devices.append({
            "event": e.id.hex(), "log": entries.log_id(ks.identity, device_key).hex(), "sign_key": device_key.hex(),
            "box_key": e.payload[1].hex(), "direct": [n.hex() for n in e.payload[3]],
            "closed": closing and {"length": closing[0], "last": closing[1].hex(), "event": closing[2].hex()},
        })
    reading = ks.reading_key()
    signed = {i for i, e in ks.events.items() if not e.by_root}
    return {
        "kind": inception.payload[0], "root_key": inception.payload[1].hex(), "recovery_key": inception.payload[2].hex(),
        "generation": C and C.id.hex(), "generation_number": C.payload[0] if C else 0,
        "signing_key": C and C.payload[1].hex(), "badge_key": ks.badge_key().hex(),
        "reading_key": reading and reading.hex(),
        "readings": sorted({ks.events[i].payload[0].hex() for i in force if ks.events[i].kind == keyevents.READING}),
        "devices": sorted(devices, key=lambda d: d["log"]),
        "hostings": [{"event": i.hex(), **{n: ks.events[i].payload[k].hex() for k, n in enumerate(("node_key", "notice_key", "receipt_key"))}}
                     for i in ks.with_right(keyevents.HOSTING)],
        "officers": [{"event": i.hex(), "identity": ks.events[i].payload[0].hex(), "rights": ks.events[i].payload[1]}
                     for i in ks.with_right(keyevents.OFFICER)],
        "officers_all": [{"event": o.id.hex(), "identity": o.payload[0].hex(), "rights": o.payload[1],
                          "ends": [{"event": e.id.hex(), "marks": [{"log": m[0].hex(), "length": m[1], "last": m[2].hex()} for m in e.payload[1]]}
                                   for e in ends]} for o, ends in ks.officers_all()],
        "may": [{"officer": o.payload[0].hex(), "rights": o.payload[1], "log": m[0].hex(), "seq": seq, "may": ks.officer_may(o.payload[0], o.payload[1], m[0], seq)}
                for o, ends in ks.officers_all() for e in ends for m in e.payload[1] for seq in (m[1] - 1, m[1])],
        "waiting": sorted(i.hex() for i in signed - force),
    }


def _parse(e):
    return keyevents.Event(bytes.fromhex(e["bytes"]), bytes.fromhex(e["signatures"]))


def _check_set(t, events):
    """One identity's set, offered event by event again and again until nothing changes."""
    ks = keyevents.KeySet(bytes.fromhex(t["identity"]))
    before = None
    while before != set(ks.events):
        before = set(ks.events)
        for e in events:
            ks.add([e])
    same(sorted(i.hex() for i in ks.events), t["stored"], "stored")
    if "sum" in t:
        same(prim.SUM(ks.events).hex(), t["sum"], "sum")
    if "set" in t:
        same(ks.row()[1].hex(), t["set"], "set")
    got = view(ks)
    for name, value in t["view"].items():
        same(got[name], value, name)
    return ks


def check_keyset(t, orders=4):
    events = [_parse(e) for e in t["events"]]
    for e, listed in zip(events, t["events"]):
        same(e.id.hex(), listed["id"], "id")
    shuffle = random.Random(t["name"])
    for _ in range(orders if len(events) < 100 else 1):
        ks = _check_set(t, events)
        for r in t["refused"]:
            try:
                e = _parse(r)
            except ValueError:
                continue
            ks.add([e])
            if e.id in ks.events:
                raise Wrong(f"not refused: {r['why']}")
        shuffle.shuffle(events)
    whole = keyevents.KeySet(bytes.fromhex(t["identity"]))
    whole.add(events)
    same(sorted(i.hex() for i in whole.events), t["stored"], "stored as one set")
