"""Sets of key events for keyset-python.json, each with what is stored and in force. KEYSET.md has the form."""
import vectors
from quirepy import keyevents as ke
from quirepy import keys, mp, prim

NONE = b""


class Owner:
    """One identity and its secrets; writes events and keeps them in a list."""

    def __init__(self, seed, kind=0):
        self.rnd = prim.Random(seed)
        entropy = self.rnd(18)
        self.root, self.recovery = keys.root_pair(entropy, 0), keys.recovery_pair(entropy, 0)
        self.badge = keys.signing_pair(self.rnd(32))
        wraps = keys.wraps([self.recovery.public], self.badge, self.rnd)
        payload = [kind, self.root.public, self.recovery.public, self.badge.public, wraps, self.rnd(16)]
        self.inception = ke.make(ke.INCEPTION, NONE, NONE, [], 0, payload, self.root.secret)
        self.id = self.inception.id
        self.events, self.refused, self.signing = [self.inception], [], {}
        self.slots = {}

    def _slot(self, generation, by_root):
        key = (generation, by_root)
        self.slots[key] = self.slots.get(key, -1) + 1
        return self.slots[key]

    def generation(self, before=None, keeps=(), number=None, wraps=None):
        before = before or self.inception
        pair = keys.signing_pair(self.rnd(32))
        if number is None:
            number = 1 if before.kind == ke.INCEPTION else before.payload[0] + 1
        wraps = wraps or keys.wraps([self.recovery.public, prim.x_public(self.rnd(32))], pair, self.rnd)
        payload = [number, pair.public, wraps, sorted(k.id for k in keeps)]
        e = ke.make(ke.GENERATION, self.id, before.id, [before.id], 0, payload, self.root.secret)
        self.signing[e.id] = pair
        self.events.append(e)
        return e

    def _key(self, generation, by_root):
        return self.root.secret if by_root else self.signing[generation.id].secret

    def event(self, kind, generation, payload, after=(), slot=None, consent=NONE, by_root=False):
        slot = self._slot(generation.id, by_root) if slot is None else slot
        after = [generation.id] if after == () else [a.id for a in after]
        e = ke.make(kind, self.id, generation.id, after, slot, payload, self._key(generation, by_root), consent)
        self.events.append(e)
        return e

    def reading(self, generation, **more):
        pair = keys.box_pair(self.rnd(32))
        return self.event(ke.READING, generation, [pair.public, keys.wraps([self.recovery.public], pair, self.rnd)], **more)

    def new_badge(self, generation, **more):
        pair = keys.signing_pair(self.rnd(32))
        return self.event(ke.BADGE, generation, [pair.public, keys.wraps([self.recovery.public], pair, self.rnd)], by_root=True, **more)

    def device(self, generation, pair=None, box=None, direct=(), granted=0, **more):
        pair, box = pair or keys.signing_pair(self.rnd(32)), box or prim.x_public(self.rnd(32))
        grants = keys.grants(box, [keys.box_pair(self.rnd(32)) for _ in range(granted)], self.rnd)
        direct = sorted(direct)
        consent = prim.sign(pair.secret, ke.DEVICE_DOMAIN, self.id + pair.public + box + b"".join(direct))
        return self.event(ke.DEVICE, generation, [pair.public, box, grants, direct], consent=consent, **more)

    def close(self, generation, device, length, rank=0, last=None, **more):
        last = (self.rnd(32) if length else bytes(32)) if last is None else last
        return self.event(ke.CLOSE, generation, [device.payload[0], length, last, rank], by_root=rank == 1, **more)

    def officer(self, generation, rights=31, **more):
        return self.event(ke.OFFICER, generation, [self.rnd(32), rights], **more)

    def hosting(self, generation, **more):
        node, notice, receipt = self.rnd(32), self.rnd(32), keys.signing_pair(self.rnd(32))
        consent = prim.sign(receipt.secret, ke.HOSTING_DOMAIN, self.id + node + notice)
        return self.event(ke.HOSTING, generation, [node, notice, receipt.public], consent=consent, **more)

    def end(self, generation, of, marks=(), **more):
        return self.event(ke.END, generation, [of.id, [list(m) for m in marks]], **more)

    def mark(self, log, length):
        return [bytes([log]) * 32, length, self.rnd(32)]

    def adopt(self, generation, events, **more):
        return self.event(ke.ADOPT, generation, [sorted(e.id for e in events)], **more)

    def bad(self, why, raw, signatures):
        self.refused.append({"bytes": raw.hex(), "signatures": signatures.hex(), "why": why})

    def bad_array(self, why, array, key, consent=NONE):
        """An array that is no valid event, with a signature that verifies."""
        raw = mp.encode(array)
        self.bad(why, raw, prim.sign(key, ke.EVENT_DOMAIN, raw) + consent)

    def case(self, name):
        s = ke.KeySet(self.id)
        s.add(self.events)
        events = sorted(self.events, key=lambda e: prim.H("quire.entry", e.id))
        return {"name": name, "identity": self.id.hex(),
                "events": [{"bytes": e.raw.hex(), "signatures": e.signatures.hex(), "id": e.id.hex()} for e in events],
                "refused": self.refused, "stored": sorted(i.hex() for i in s.events), "sum": prim.SUM(s.events).hex(),
                "set": s.row()[1].hex(), "view": vectors.view(s)}


def beginnings():
    o = Owner(b"alone", 4)
    yield o.case("an inception alone")
    o = Owner(b"first")
    g = o.generation()
    yield o.case("one generation")
    r = o.reading(g)
    o.device(g, after=[r], granted=3)
    o.device(g, direct=[o.rnd(32), o.rnd(32)])
    o.hosting(g)
    o.officer(g, 17)
    yield o.case("a person as it begins")


def generations():
    o = Owner(b"two of number one")
    a, b = o.generation(), o.generation()
    o.reading(a)
    o.reading(b)
    yield o.case("two generations of number 1: the lower id is current")
    high = max((a, b), key=lambda e: e.id)
    c = o.generation(high)
    o.device(c)
    yield o.case("the successor of the one with the higher id is current")
    d = o.generation(c, keeps=o.events[3:5])
    o.generation(d, keeps=o.events[3:4])
    yield o.case("keeps of the current generation, and of one before")
    o = Owner(b"255")
    g = None
    for _ in range(255):
        g = o.generation(g)
    yield o.case("255 generations")


def slots():
    o = Owner(b"slots")
    g = o.generation()
    events = [o.device(g, slot=7) for _ in range(5)]
    yield o.case("five devices in one slot: the lowest id wins")
    best = min(events, key=lambda e: e.id)
    losers = [e for e in events if e is not best]
    o.adopt(g, losers[:2])
    yield o.case("an adopt event keeps two of them")
    second = o.adopt(g, losers[2:3], slot=9)
    third = o.adopt(g, losers[3:], slot=9)
    yield o.case("of two adopt events in one slot one wins")
    o.adopt(g, [max(second, third, key=lambda e: e.id)])
    yield o.case("an adopt event that lost its slot is adopted, and still adopts nobody")
    h = o.generation(g, keeps=[events[0], events[1]])
    yield o.case("a new generation keeps two, the adopt events of the old one count no more")
    o.adopt(h, losers[:3])
    yield o.case("adopted in the new generation")
    o = Owner(b"edge slots")
    g = o.generation()
    for slot in (0, 4095):
        o.officer(g, slot=slot)
        o.new_badge(g, slot=slot)
        o.close(g, o.device(g, slot=100 + slot // 4095), 3, rank=1, slot=slot)
    yield o.case("slots 0 and 4,095, and separate slots of the root key")


def adoption():
    o = Owner(b"adopt")
    g = o.generation()
    kept, left = o.reading(g), o.reading(g)
    device, office = o.device(g), o.officer(g)
    h = o.generation(g, keeps=[kept])
    yield o.case("what the new generation does not keep waits")
    a = o.adopt(h, [device])
    yield o.case("one waiting event adopted")
    o.adopt(h, [a, office, g, o.inception])
    o.officer(g)
    yield o.case("adopting adopts, generations and the inception changes nothing but the officer")
    old = o.adopt(g, [left])
    yield o.case("an adopt event of the old generation waits")
    o.adopt(h, [old])
    yield o.case("adopted itself it adopts nothing")


def reading_keys():
    o = Owner(b"reading")
    g = o.generation()
    a = o.reading(g)
    b = o.reading(g, after=[a])
    yield o.case("the later reading key")
    o.reading(g, after=[a])
    yield o.case("of two later ones the lower id")
    mid = o.officer(g, after=[b])
    o.reading(g, after=[mid])
    yield o.case("reached through an officer event")
    h = o.generation(g, keeps=[a, b])
    yield o.case("reading keys that a generation keeps")
    o.reading(h, after=[h])
    yield o.case("a new one that knows none of the old")


def badges():
    o = Owner(b"badges", 2)
    g = o.generation()
    a = o.new_badge(g)
    o.new_badge(g, after=[a])
    yield o.case("the later badge key")
    o.generation(g)
    yield o.case("badge keys outlast their generation")
    first, second = o.new_badge(g, slot=77), o.new_badge(g, slot=77)
    yield o.case("two in one slot")
    o.generation(g, keeps=[max(first, second, key=lambda e: e.id)])
    yield o.case("the loser, kept by a generation")


def ends():
    o = Owner(b"ends", 1)
    g = o.generation()
    a, b, c, d = o.officer(g), o.officer(g, 1), o.hosting(g), o.hosting(g)
    device = o.device(g)
    o.end(g, a, after=[])
    o.end(g, c)
    o.end(g, device)
    yield o.case("an officer and a hosting ended; a device is not")
    o.generation(g, keeps=[a, b, c, d])
    yield o.case("ends that the new generation does not keep end nothing")
    o = Owner(b"marks", 1)
    g = o.generation()
    a, b, c = o.officer(g), o.officer(g, 9), o.hosting(g)
    o.end(g, a, [o.mark(i, i) for i in range(1, 17)])
    yield o.case("an officer ended with 16 marks")
    kept = o.end(g, a, [o.mark(1, 1 << 32), o.mark(3, 1)], after=[])
    o.end(g, b)
    o.end(g, c, [o.mark(1, 1)])
    o.end(g, o.inception, [o.mark(2, 2)])
    lost = o.rnd(32)
    o.event(ke.END, g, [lost, [o.mark(1, 5)]])
    yield o.case("two ends of one officer, one without marks, and marks that mean nothing")
    h = o.generation(g, keeps=[a, b, kept])
    o.event(ke.OFFICER, h, [a.payload[0], 2])
    yield o.case("the end that the new generation keeps, and the officer named anew")


def devices():
    o = Owner(b"twice")
    g = o.generation()
    pair, box = keys.signing_pair(o.rnd(32)), prim.x_public(o.rnd(32))
    twins = [o.device(g, pair, box), o.device(g, pair), o.device(g, pair, direct=[o.rnd(32)])]
    yield o.case("one device key three times: the lowest id counts")
    o.close(g, twins[0], 5)
    yield o.case("closed by its device key, whichever event counts")
    o.generation(g, keeps=[max(twins, key=lambda e: e.id)])
    yield o.case("kept with another id, without its close")


def closings():
    o = Owner(b"closings")
    g = o.generation()
    d = o.device(g)
    a = o.close(g, d, 9)
    yield o.case("one closing")
    b = o.close(g, d, 4)
    yield o.case("two that know nothing of each other: the shorter")
    o.close(g, d, 20, after=[a, b])
    yield o.case("a later one that knows both")
    o.close(g, d, 30, rank=1)
    yield o.case("the root key's")
    o.close(g, d, 30, rank=1, last=bytes(31) + b"\1")
    yield o.case("the root key's twice, of one length: the lower entry id")
    h = o.generation(g, keeps=[d, a, b])
    o.close(h, d, 1)
    yield o.case("a signing key's of a later generation is of lower rank")
    o.close(h, d, 40, rank=1)
    yield o.case("the root key's of the later generation")
    o.close(h, d, 0, rank=1, after=[h])
    yield o.case("the root key's with no entries")
    o = Owner(b"closings of generations")
    g = o.generation()
    d = o.device(g)
    a = o.close(g, d, 3)
    h = o.generation(g, keeps=[d, a])
    o.close(h, d, 1 << 32)
    yield o.case("the later generation's before the kept one's, up to 2^32")


def refused():
    o = Owner(b"refused")
    g = o.generation()
    d, h = o.device(g, direct=[o.rnd(32)]), o.hosting(g)
    del o.events[2:]
    o.reading(g)
    root, sign = o.root.secret, o.signing[g.id].secret
    stranger = o.rnd(32)
    office = [1, ke.OFFICER, o.id, g.id, [], 5, o.rnd(32), 3]

    def array(**change):
        a = list(office)
        for k, v in change.items():
            a[int(k[1:])] = v
        return a

    ids = sorted(o.rnd(32) for _ in range(33))
    for why, a in (("version 2", array(_0=2)), ("kind 10", array(_1=10)), ("identity empty", array(_2=b"")), ("another identity", array(_2=o.rnd(32))),
                   ("generation unknown", array(_3=o.rnd(32))), ("generation is a reading event", array(_3=o.events[2].id)), ("generation is the inception", array(_3=o.id)),
                   ("33 in after", array(_4=ids)), ("after not ascending", array(_4=ids[1::-1])), ("after twice", array(_4=ids[:1] * 2)), ("after is nil", array(_4=None)),
                   ("after with 31 bytes", array(_4=[ids[0][1:]])), ("slot 4,096", array(_5=4096)), ("slot negative", array(_5=-1)), ("slot true", array(_5=True)),
                   ("an element too many", [*office, 0]), ("an element too few", office[:-1]), ("rights 0", array(_7=0)), ("rights 32", array(_7=32)),
                   ("officer of 31 bytes", array(_6=ids[0][1:])), ("a map", {0: 1}), ("five elements", office[:5])):
        o.bad_array(why, a, sign)
    o.bad_array("signed by the root key", office, root)
    o.bad_array("signed by a stranger", office, stranger)
    raw = mp.encode(office)
    good = prim.sign(sign, ke.EVENT_DOMAIN, raw)
    o.bad("63 bytes of signature", raw, good[:63])
    o.bad("a second signature that does not belong", raw, good * 2)
    o.bad("bytes behind", raw + b"\0", prim.sign(sign, ke.EVENT_DOMAIN, raw + b"\0"))
    long = raw.replace(bytes([0x98]), b"\xdc\0\x08", 1)
    o.bad("array head too long", long, prim.sign(sign, ke.EVENT_DOMAIN, long))
    o.bad("signed for another domain", raw, prim.sign(sign, "quire entry v1", raw))
    o.bad("device without consent", d.raw, d.signatures[:64])
    o.bad("device with the signer's signature twice", d.raw, d.signatures[:64] * 2)
    o.bad("hosting with a changed consent", h.raw, h.signatures[:127] + bytes([h.signatures[127] ^ 1]))
    a = mp.decode(d.raw)
    a[9] = []
    o.bad_array("the consent of a direct device on an open one", a, sign, d.signatures[64:])
    a[7] = prim.x_public(stranger)
    o.bad_array("the consent of another box key", a, sign, d.signatures[64:])
    pair = keys.box_pair(o.rnd(32))
    good = keys.wraps([o.recovery.public], pair, o.rnd)
    other = keys.wraps([prim.x_public(stranger)], pair, o.rnd)
    many = keys.wraps([o.recovery.public] + [o.rnd(32) for _ in range(33)], pair, o.rnd)

    def reading(why, wraps):
        o.bad_array(why, [1, ke.READING, o.id, g.id, [], 6, pair.public, wraps], sign)

    reading("no wrap", [])
    reading("no wrap for the recovery key", other)
    reading("a recipient twice", good * 2)
    reading("34 wraps", many)
    reading("a wrap of 79 bytes", [[good[0][0], good[0][1][:-1]]])
    reading("wraps not ascending", sorted(good + other, reverse=True))

    def generation(why, number=2, before=g.id, keeps=(), slot=0, key=root, wraps=good):
        o.bad_array(why, [1, ke.GENERATION, o.id, before, [], slot, number, pair.public, wraps, list(keeps)], key)

    generation("number 1 behind number 1", number=1)
    generation("number 3 behind number 1", number=3)
    generation("number 2 behind the inception", before=o.id)
    generation("number 0", number=0, before=o.id)
    generation("number 256", number=256)
    generation("signed by the signing key", key=sign)
    generation("slot 1", slot=1)
    generation("keeps not ascending", keeps=ids[1::-1])
    generation("no wrap for the recovery key", wraps=other)
    for why, p, key in (("close with rank 2", [d.payload[0], 1, o.rnd(32), 2], root), ("close with rank 1, signed by the signing key", [d.payload[0], 1, o.rnd(32), 1], sign),
                        ("close with rank 0, signed by the root key", [d.payload[0], 1, o.rnd(32), 0], root), ("close of length 0 with an id", [d.payload[0], 0, o.rnd(32), 0], sign),
                        ("close of length 2^32 + 1", [d.payload[0], (1 << 32) + 1, o.rnd(32), 0], sign), ("close of length 1 without an id", [d.payload[0], 1, bytes(32), 0], sign)):
        o.bad_array(why, [1, ke.CLOSE, o.id, g.id, [], 7, *p], key)
    o.bad_array("adopt of nothing", [1, ke.ADOPT, o.id, g.id, [], 8, []], sign)
    o.bad_array("adopt of 65", [1, ke.ADOPT, o.id, g.id, [], 8, sorted(o.rnd(32) for _ in range(65))], sign)
    log, mark = sorted(o.rnd(32) for _ in range(17)), o.rnd(32)
    for why, p in (("end without marks", [mark]), ("end with nil for marks", [mark, None]), ("end with 17 marks", [mark, [[i, 1, mark] for i in log]]),
                   ("marks not ascending", [mark, [[i, 1, mark] for i in log[1::-1]]]), ("two marks of one log", [mark, [[log[0], 1, mark], [log[0], 2, mark]]]),
                   ("a mark of length 0", [mark, [[log[0], 0, mark]]]), ("a mark of length 2^32 + 1", [mark, [[log[0], (1 << 32) + 1, mark]]]),
                   ("a mark of two", [mark, [[log[0], 1]]]), ("a mark of four", [mark, [[log[0], 1, mark, 0]]]), ("a mark whose length is true", [mark, [[log[0], True, mark]]]),
                   ("a mark with an id of 31 bytes", [mark, [[log[0], 1, mark[1:]]]]), ("a mark of an empty log", [mark, [[b"", 1, mark]]]), ("end with an element too many", [mark, [], 0])):
        o.bad_array(why, [1, ke.END, o.id, g.id, [], 9, *p], sign)
    for why, change in (("slot 1", {5: 1}), ("after not empty", {4: ids[:1]}), ("kind 5", {6: 5}), ("nonce of 15 bytes", {11: bytes(15)}), ("badge key changed", {9: stranger})):
        a = mp.decode(o.inception.raw)
        for k, v in change.items():
            a[k] = v
        o.bad_array("another inception: " + why, a, root)
    yield o.case("refusals")


def mixed():
    """Many events of three writers, with clashes of slots."""
    for seed in range(3):
        o = Owner(b"mixed" + bytes([seed]), seed)
        g = [o.generation()]
        g.append(o.generation(g[0]))
        made = []
        for n in range(60):
            at = g[o.rnd(1)[0] % len(g)]
            slot = o.rnd(1)[0] % 24
            after = [made[o.rnd(1)[0] % len(made)]] if made and n % 3 else [at]
            what = o.rnd(1)[0] % 8
            devices = [e for e in made if e.kind == ke.DEVICE]
            if what == 0 or not devices:
                made.append(o.device(at, slot=slot, after=after))
            elif what == 1:
                made.append(o.reading(at, slot=slot, after=after))
            elif what == 2:
                made.append(o.officer(at, slot=slot, after=after))
            elif what == 3:
                made.append(o.hosting(at, slot=slot, after=after))
            elif what == 4:
                rank = o.rnd(1)[0] % 2
                made.append(o.close(at, devices[o.rnd(1)[0] % len(devices)], o.rnd(1)[0], rank, slot=slot, after=after, last=o.rnd(32) if rank else None))
            elif what == 5:
                marks = [o.mark(log, 1 + o.rnd(1)[0]) for log in range(1, 4) if o.rnd(1)[0] % 2]
                made.append(o.end(at, made[o.rnd(1)[0] % len(made)], marks, slot=slot, after=after))
            elif what == 6:
                made.append(o.adopt(at, {made[o.rnd(1)[0] % len(made)] for _ in range(4)}, slot=slot, after=after))
            else:
                made.append(o.new_badge(at, slot=slot, after=after))
            if n in (25, 45):
                g.append(o.generation(g[-1], keeps={made[o.rnd(1)[0] % len(made)] for _ in range(12)}))
        yield o.case(f"mixed {seed + 1}")


def cases():
    found = []
    for part in (beginnings, generations, slots, adoption, reading_keys, badges, ends, devices, closings, refused, mixed):
        found += list(part())
    return found
