"""Key events (SPEC 3): their form, the validity of each, which are kept, and what is in force."""
from . import mp
from .prim import H, sign, verify

INCEPTION, GENERATION, READING, BADGE, DEVICE, CLOSE, OFFICER, HOSTING, END, ADOPT = range(10)
EVENT_DOMAIN = "quire key event v1"
DEVICE_DOMAIN = "quire device consent v1"
HOSTING_DOMAIN = "quire hosting consent v1"
EVENTS_MAX = 20000
PAYLOAD_COUNT = (6, 4, 2, 2, 4, 4, 2, 3, 2, 1)


class BadEvent(ValueError):
    """An event without the form that SPEC 3.1 and 3.3 ask for."""


def need(condition, what):
    if not condition:
        raise BadEvent(what)


def is_uint(v, low, high):
    return type(v) is int and low <= v <= high


def is_bin(v, n):
    return isinstance(v, bytes) and len(v) == n


def _ids(v, low, high):
    need(isinstance(v, list) and low <= len(v) <= high and all(is_bin(i, 32) for i in v), "array of ids")
    need(all(a < b for a, b in zip(v, v[1:])), "ids not ascending")


def _pairs(v, low, high):
    need(isinstance(v, list) and low <= len(v) <= high, "array of pairs")
    need(all(isinstance(p, list) and len(p) == 2 and is_bin(p[0], 32) and is_bin(p[1], 80) for p in v), "pair")
    need(all(a[0] < b[0] for a, b in zip(v, v[1:])), "pairs not ascending")


def _marks(v):
    need(isinstance(v, list) and len(v) <= 16, "array of marks")
    need(all(isinstance(m, list) and len(m) == 3 and is_bin(m[0], 32) and is_uint(m[1], 1, 1 << 32) and is_bin(m[2], 32) for m in v), "mark")
    need(all(a[0] < b[0] for a, b in zip(v, v[1:])), "marks not ascending")


def _form(kind, p):
    """The payload's form, SPEC 3.3."""
    keys = {INCEPTION: (1, 2, 3), GENERATION: (1,), READING: (0,), BADGE: (0,), DEVICE: (0, 1), CLOSE: (0, 2),
            OFFICER: (0,), HOSTING: (0, 1, 2), END: (0,), ADOPT: ()}[kind]
    need(all(is_bin(p[i], 32) for i in keys), "32 bytes")
    if kind == INCEPTION:
        need(is_uint(p[0], 0, 4), "identity kind")
        _pairs(p[4], 1, 33)
        need(is_bin(p[5], 16), "nonce")
        need(any(w[0] == p[2] for w in p[4]), "no wrap for the recovery key")
    elif kind == GENERATION:
        need(is_uint(p[0], 1, 255), "number")
        _pairs(p[2], 1, 33)
        _ids(p[3], 0, 1024)
    elif kind in (READING, BADGE):
        _pairs(p[1], 1, 33)
    elif kind == DEVICE:
        _pairs(p[2], 0, 8)
        _ids(p[3], 0, 16)
    elif kind == CLOSE:
        need(is_uint(p[1], 0, 1 << 32), "length")
        need((p[1] == 0) == (p[2] == bytes(32)), "id of an empty closing")
        need(is_uint(p[3], 0, 1), "rank")
    elif kind == OFFICER:
        need(is_uint(p[1], 1, 31), "rights")
    elif kind == END:
        _marks(p[1])
    elif kind == ADOPT:
        _ids(p[0], 1, 64)


class Event:
    """One event that has the form of SPEC 3.1 and 3.3. Its validity is judged by a KeySet."""

    def __init__(self, raw, signatures):
        self.raw, self.signatures = bytes(raw), bytes(signatures)
        try:
            a = mp.decode(self.raw)
        except mp.Malformed as e:
            raise BadEvent(str(e)) from None
        need(isinstance(a, list) and len(a) >= 6, "array of six")
        version, self.kind, self.identity, self.generation, self.after, self.slot = a[:6]
        self.payload = a[6:]
        need(version == 1 and type(version) is int and is_uint(self.kind, 0, 9), "version or kind")
        need(len(self.payload) == PAYLOAD_COUNT[self.kind], "number of elements")
        width = 0 if self.kind == INCEPTION else 32
        need(is_bin(self.identity, width) and is_bin(self.generation, width), "identity or generation")
        _ids(self.after, 0, 0 if self.kind == INCEPTION else 32)
        need(is_uint(self.slot, 0, 0 if self.kind in (INCEPTION, GENERATION) else 4095), "slot")
        _form(self.kind, self.payload)
        self.by_root = self.kind in (INCEPTION, GENERATION, BADGE) or (self.kind == CLOSE and self.payload[3] == 1)
        need(len(self.raw) <= (65536 if self.by_root else 4096), "too long")
        need(len(self.signatures) == (128 if self.kind in (DEVICE, HOSTING) else 64), "signatures")
        self.id = H("quire.keyevent", self.raw)

    def consent_holds(self, identity):
        p, consent = self.payload, self.signatures[64:]
        if self.kind == DEVICE:
            return verify(p[0], DEVICE_DOMAIN, identity + p[0] + p[1] + b"".join(p[3]), consent)
        if self.kind == HOSTING:
            return verify(p[2], HOSTING_DOMAIN, identity + p[0] + p[1], consent)
        return True


def make(kind, identity, generation, after, slot, payload, key, consent=b""):
    """A signed event; key is the seed that signs."""
    raw = mp.encode([1, kind, identity, generation, sorted(after), slot, *payload])
    return Event(raw, sign(key, EVENT_DOMAIN, raw) + consent)


class KeySet:
    """The valid events of one identity, and what follows from them."""

    def __init__(self, identity):
        self.identity = identity
        self.events, self.refused = {}, []
        self._force = self._logs = None

    def valid(self, e):
        """Whether an event is valid by the events held (SPEC 3.2)."""
        if e.kind == INCEPTION:
            return e.id == self.identity and verify(e.payload[1], EVENT_DOMAIN, e.raw, e.signatures[:64])
        inception = self.events.get(self.identity)
        named = self.events.get(e.generation)
        if inception is None or e.identity != self.identity or named is None:
            return False
        if e.kind == GENERATION:
            number = 0 if named.kind == INCEPTION else named.payload[0] if named.kind == GENERATION else None
            if number is None or e.payload[0] != number + 1:
                return False
        elif named.kind != GENERATION:
            return False
        wraps = {GENERATION: 2, READING: 1, BADGE: 1}.get(e.kind)
        if wraps is not None and all(w[0] != inception.payload[2] for w in e.payload[wraps]):
            return False
        key = inception.payload[1] if e.by_root else named.payload[1]
        return verify(key, EVENT_DOMAIN, e.raw, e.signatures[:64]) and e.consent_holds(self.identity)

    def add(self, events):
        """Judges events as one set with those held; returns the ids that are valid and new, and drops what loses."""
        self._force = self._logs = None
        waiting, before = [e for e in events if e.id not in self.events], set(self.events)
        progress = True
        while waiting and progress:
            progress = False
            for e in list(waiting):
                if self.valid(e):
                    self.events[e.id] = e
                    waiting.remove(e)
                    progress = True
        self.refused = waiting
        kept = self.kept()
        self.events = {i: e for i, e in self.events.items() if i in kept}
        return set(self.events) - before

    def winners(self):
        """Of each generation, signer kind and slot the lowest id; kinds 0 and 1 spend no slot."""
        best = {}
        for e in self.events.values():
            if e.kind not in (INCEPTION, GENERATION):
                place = (e.generation, e.by_root, e.slot)
                best[place] = min(best.get(place, e.id), e.id)
        return set(best.values())

    def line(self):
        """C and its predecessors among the generation events."""
        e, found = self.current(), []
        while e is not None and e.kind == GENERATION:
            found.append(e)
            e = self.events[e.generation]
        return found

    def _adopts(self, winners):
        """Ids that the adopt events name that name C and win their slot."""
        C, named = self.current(), set()
        for e in self.events.values():
            if C is not None and e.kind == ADOPT and e.generation == C.id and e.id in winners:
                named |= set(e.payload[0])
        return named

    def kept(self):
        """SPEC 3.4: what a node keeps of the events held."""
        winners = self.winners()
        keep = winners | {i for i, e in self.events.items() if e.kind in (INCEPTION, GENERATION)} | self._adopts(winners)
        for g in self.line():
            keep |= set(g.payload[3])
        keep &= set(self.events)
        if len(keep) <= EVENTS_MAX:
            return keep
        root = {i for i in keep if self.events[i].by_root}
        named = set(self.current().payload[3])
        number = lambda i: self.events[self.events[i].generation].payload[0]
        rest = sorted(keep - root, key=lambda i: (i not in named, -number(i), i))
        return root | set(rest[: max(0, EVENTS_MAX - len(root))])

    def row(self):
        return len(self.events), H("quire.keyset", b"".join(sorted(self.events)))

    def in_order(self):
        """The events, each after those that it needs."""
        def depth(e):
            return 0 if e.kind == INCEPTION else 1 + depth(self.events[e.generation])
        return sorted(self.events.values(), key=lambda e: (depth(e), e.id))

    def generations(self):
        return [e for e in self.events.values() if e.kind == GENERATION]

    def current(self):
        found = self.generations()
        return min(found, key=lambda e: (-e.payload[0], e.id)) if found else None

    def in_force(self):
        """Ids of the events in force, SPEC 3.5."""
        if self._force is None:
            self._force = self._find_force()
        return set(self._force)

    def _find_force(self):
        C, winners, kept = self.current(), self.winners(), self.kept()
        force = {i for i, e in self.events.items() if e.kind == INCEPTION}
        if C is None:
            return force
        force |= {g.id for g in self.line()}
        keeps, adopted = set(C.payload[3]), self._adopts(winners)
        for i, e in self.events.items():
            if e.kind in (INCEPTION, GENERATION):
                continue
            if e.by_root:
                counts = i in kept
            else:
                counts = (e.generation == C.id and i in winners) or i in keeps or i in adopted
            if counts:
                force.add(i)
        return force

    def reaches(self, x, y):
        """Whether x's after leads to y among the events known."""
        seen, todo = set(), [x]
        while todo:
            e = self.events.get(todo.pop())
            for i in e.after if e else ():
                if i == y:
                    return True
                if i not in seen:
                    seen.add(i)
                    todo.append(i)
        return False

    def _latest(self, kind, force):
        found = [i for i in force if self.events[i].kind == kind]
        left = [i for i in found if not any(self.reaches(j, i) for j in found if j != i)]
        return self.events[min(left)] if left else None

    def reading_key(self):
        e = self._latest(READING, self.in_force())
        return e.payload[0] if e else None

    def badge_key(self):
        e = self._latest(BADGE, self.in_force())
        return e.payload[0] if e else self.events[self.identity].payload[3]

    def ended(self, force):
        return {self.events[i].payload[0] for i in force if self.events[i].kind == END}

    def device_of(self, log):
        """(device event, in force) of a log, or (None, False)."""
        if self._logs is None:
            force = self.devices()
            self._logs = {H("quire.log", self.identity + e.payload[0]): (force.get(e.payload[0], e), e.payload[0] in force) for e in reversed(self.all_devices())}
        return self._logs.get(log, (None, False))

    def devices(self, force=None):
        """{device signing key: event} of the devices in force."""
        found = {}
        for i in sorted(force or self.in_force()):
            e = self.events[i]
            if e.kind == DEVICE:
                found.setdefault(e.payload[0], e)
        return found

    def with_right(self, kind):
        """The officers or hostings in force that are not ended."""
        force = self.in_force()
        return sorted(i for i in force - self.ended(force) if self.events[i].kind == kind)

    def officers_all(self):
        """[(officer event in force, [ends in force that name it])], ended or not, both ascending by id."""
        force = [self.events[i] for i in sorted(self.in_force())]
        return [(o, [e for e in force if e.kind == END and e.payload[0] == o.id]) for o in force if o.kind == OFFICER]

    def officer_may(self, officer, right, log, seq):
        """Whether the officer may, by these rights, do what the entry takes up: SPEC 3.5."""
        return any(o.payload[0] == officer and right and o.payload[1] & right == right and
                   all(any(m[0] == log and m[1] > seq for m in e.payload[1]) for e in ends)
                   for o, ends in self.officers_all())

    def all_devices(self):
        """Every valid device event, in force or not."""
        return [e for _, e in sorted(self.events.items()) if e.kind == DEVICE]

    def closing(self, device_key):
        """The closing in force of the log of a device signing key: (length, entry id, event id) or None."""
        force = self.in_force()
        found = [self.events[i] for i in force if self.events[i].kind == CLOSE and self.events[i].payload[0] == device_key]
        if not found:
            return None
        rank = max(e.payload[3] for e in found)
        found = [e for e in found if e.payload[3] == rank]
        def generation(e):
            return -self.events[e.generation].payload[0], e.generation
        best = min(map(generation, found))
        found = [e for e in found if generation(e) == best]
        left = [e for e in found if not any(self.reaches(o.id, e.id) for o in found if o is not e)]
        e = min(left, key=lambda e: (e.payload[1], e.payload[2], e.id))
        return e.payload[1], e.payload[2], e.id
