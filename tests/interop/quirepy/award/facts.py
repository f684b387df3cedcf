"""The records at hand, as facts, and which of them are acts that count (SPEC 16.1 and 16.2)."""
from .. import entries, keyevents, records
from ..prim import H

PUBLISH, APPOINT, COUNTERSIGN, REVOKE, VOUCH = 1, 2, 4, 8, 16
RIGHTS = {
    "framework": PUBLISH, "microcredential": PUBLISH, "appointment": APPOINT, "appointment-end": APPOINT, "take-up": APPOINT, "release": APPOINT,
    "award": COUNTERSIGN, "revoke": REVOKE, "vouch": VOUCH, "vouch-end": VOUCH,
}
KEPT = {"withdraw", "acceptance", "act"}


class Why(list):
    """What stands against a record: (True, text) if it is wrong, (False, text) if something is missing. Empty: it counts."""

    def wrong(self, text):
        self.append((True, text))
        return self

    def missing(self, text):
        self.append((False, text))
        return self

    @property
    def bad(self):
        return any(wrong for wrong, _ in self)

    def __add__(self, other):
        return Why([*self, *other])

    def under(self, what):
        return Why((wrong, f"{what}: {text}") for wrong, text in self)


class Fact:
    """An entry: where it stands, and its record if it could be opened."""

    def __init__(self, identity, header, record=None, within=True, erased=False):
        self.identity, self.log, self.seq, self.id = identity, header.log, header.seq, header.id
        self.hour, self.keep = header.hour, bool(header.flags & entries.KEEP)
        self.record, self.within, self.erased = record, within, erased
        self.kind, self.fields, self.fault = None, {}, None
        if record is not None:
            try:
                self.kind, self.fields = records.read(record)
            except ValueError as e:
                self.fault = str(e)

    @property
    def ref(self):
        return [self.log, self.seq, self.id]

    def __getitem__(self, name):
        return self.fields[name]

    def get(self, name):
        return self.fields.get(name)


class Facts:
    """All facts, and the key events of who wrote them."""

    def __init__(self, keys):
        self.keys = keys
        self.at, self.seqs = {}, {}

    def add(self, fact):
        self.at[fact.log, fact.seq, fact.id] = fact
        self.seqs.setdefault((fact.log, fact.seq), []).append(fact)

    def of(self, kind, identity=None):
        return [f for f in self.at.values() if f.kind == kind and (identity is None or f.identity == identity)]

    def find(self, ref, kind, what):
        """(the fact or None, why it cannot be taken). A pointer names a record only if log, seq and id agree."""
        why, fact = Why(), self.at.get(tuple(ref))
        if fact is None:
            if self.seqs.get((ref[0], ref[1])):
                why.wrong(f"{what}: another entry stands where its pointer points")
            else:
                why.missing(f"{what} is not at hand")
            return None, why
        if not fact.within and kind != "review":
            why.wrong(f"{what} lies outside of what counts of its log")
        if fact.fault is not None:
            why.wrong(f"{what} is not well formed ({fact.fault})")
        elif fact.record is None:
            why.missing(f"{what} was erased" if fact.erased else f"{what} cannot be opened")
        elif fact.kind != kind:
            why.wrong(f"{what} is a {fact.kind}")
        if fact.record is not None and fact.kind in KEPT and not fact.keep:
            why.wrong(f"{what} has not the keep flag")
        return (fact if fact.kind == kind else None), why

    def act(self, fact):
        """Why a fact is no act that counts."""
        why = Why()
        if not fact.within:
            why.wrong(f"the {fact.kind} lies outside of what counts of its log")
        if not fact.keep:
            why.wrong(f"the {fact.kind} has not the keep flag")
        by = fact.get("by")
        if by is not None:
            keys = self.keys.get(fact.identity)
            if keys is None or not keys.officer_may(by[0], RIGHTS[fact.kind], fact.log, fact.seq):
                why.wrong(f"the officer who asked for the {fact.kind} had not the right to")
        return why

    def acts(self, kind, identity):
        """The acts of a kind that count."""
        return [f for f in self.of(kind, identity) if not self.act(f)]

    def badge_keys(self, identity):
        """Every badge key that the identity's key events ever published; none if they are not at hand."""
        keys = self.keys.get(identity)
        if keys is None:
            return set()
        return {keys.events[identity].payload[3]} | {e.payload[0] for e in keys.events.values() if e.kind == keyevents.BADGE}

    def owner(self, log):
        """Somebody whose log this is, or None if it is not known."""
        return next((i for i in self.keys if self.owns(i, log)), None)

    def owns(self, identity, log):
        """Whether a log is one of the identity's devices."""
        keys = self.keys.get(identity)
        return keys is not None and any(entries.log_id(identity, e.payload[0]) == log for e in keys.all_devices())


def before(x, end):
    """Whether the entry x is before an end e of the same identity."""
    if x.identity != end.identity:
        return False
    if x.log == end.log:
        return x.seq < end.seq
    return any(m[0] == x.log and m[1] > x.seq for m in end.get("marks") or [])


def act_digest(kind, fields):
    """The digest that an officer signs: of the record without `by`."""
    return H("quire.act", records.write(kind, **{k: v for k, v in fields.items() if k != "by"}))


def evidence_digest(salt, record):
    return H("quire.evidence", salt + record)
