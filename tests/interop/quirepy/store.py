"""What a node holds, in memory: key events, logs, blobs, and the numbers of their changes (SPEC 10.2)."""
from . import entries, keyevents, mp, records
from .prim import SUM, ZERO32

EMPTY, BODY, ERASED, NOT_HELD, WITHHELD = range(5)
INTERVAL = entries.RUN_MAX


class Log:
    """One device log."""

    def __init__(self, log, identity, device_key):
        self.log, self.identity, self.device_key = log, identity, device_key
        self.headers, self.signatures, self.envelopes = [], {}, {}
        self.bodies, self.statements, self.not_held = {}, {}, set()
        self.fork = None
        self.number = 0
        self.brought_by = None  # the node key of the peer that brought the last entries

    def fork_seq(self):
        return self.fork["seq"] if self.fork else None

    def length(self, closing=None):
        """How many entries count, SPEC 4.4."""
        if closing and not self.contradicts(closing):
            return min(closing[0], len(self.headers))
        return len(self.headers) if self.fork is None else min(len(self.headers), self.fork["seq"])

    def contradicts(self, closing):
        """Whether this chain is another than the one that a closing names."""
        n, last, _ = closing
        return 0 < n <= len(self.headers) and self.headers[n - 1].id != last

    def cut(self, n):
        """Forgets the entries from n on: a closing says that another chain counts."""
        del self.headers[n:]
        for held in (self.signatures, self.envelopes, self.bodies, self.statements):
            for seq in [q for q in held if q >= n]:
                del held[seq]

    def vouched(self, closing):
        """Ids that need no signature at the end of a run: what a closing or a proven fork names."""
        found = set()
        if closing and closing[0]:
            found.add(closing[1])
        if self.fork and self.fork["seq"]:
            found.add(entries.Header(self.fork["headers_a"][: entries.HEADER_BYTES]).prev)
        return found

    def id_at(self, seq):
        return self.headers[seq].id if 0 <= seq < len(self.headers) else b""

    def row(self, closing):
        n = self.length(closing)
        erased = SUM(self.headers[s].id for s in self.statements if s < n)
        whole = all(q in self.bodies or q in self.statements for q in range(n))
        return [1, self.log, self.identity, n, self.headers[n - 1].id if n else ZERO32, erased, self.fork["seq"] + 1 if self.fork else 0, whole]

    def put_run(self, run, signature, envelopes):
        """Appends headers that were checked and fit."""
        for h, envelope in zip(run, envelopes):
            if h.seq == len(self.headers):
                self.headers.append(h)
                self.envelopes[h.seq] = envelope
        if signature:
            self.signatures[run[-1].seq] = signature

    def put_content(self, seq, kind, data, keys):
        """A part's or body message's content; keys(identity) gives a KeySet or None. Returns whether something new is held."""
        h = self.headers[seq]
        if seq in self.statements:
            return False
        if kind == BODY:
            entries.check_body(h, data)
            new = seq not in self.bodies
            self.bodies[seq] = data
            self.not_held.discard(seq)
            return new
        if kind == ERASED:
            return self.put_statement(data, keys)
        if kind in (NOT_HELD, WITHHELD):
            self.not_held.add(seq)
        return False

    def put_statement(self, raw, keys):
        s = entries.Statement(raw)
        entries.need(s.log == self.log and s.seq < len(self.headers) and self.headers[s.seq].id == s.entry, "statement of another entry")
        h = self.headers[s.seq]
        entries.need(not h.flags & entries.KEEP, "the entry is kept")
        eraser = self.identity if s.by == 0 else entries.envelope_read(self.envelopes[s.seq]).get("custodian")
        found = keys(eraser) if eraser else None
        generation = found.events.get(s.generation) if found else None
        entries.need(generation is not None and generation.kind == keyevents.GENERATION, "generation of the eraser")
        s.check(generation.payload[1])
        if s.seq in self.statements:
            return False
        self.statements[s.seq] = raw
        self.bodies.pop(s.seq, None)
        return True

    def part(self, seq):
        if seq in self.statements:
            return ERASED, self.statements[seq]
        return (BODY, self.bodies[seq]) if seq in self.bodies else (NOT_HELD, b"")

    def lacking(self, n):
        return [s for s in range(n) if s not in self.bodies and s not in self.statements]

    def record(self, seq):
        """The record of a clear body, or None."""
        body = self.bodies.get(seq)
        if body is None or self.headers[seq].sealed:
            return None
        try:
            return records.read(body[32:])
        except (ValueError, mp.Malformed):
            return None


class Store:
    """Everything a node holds."""

    def __init__(self):
        self.identities, self.logs, self.blobs, self.partials = {}, {}, {}, {}
        self.identity_numbers, self.number = {}, 0
        self.past = {}
        self.cursors, self.follow_sets = {}, {}
        self.follows, self.joins, self.invitations = set(), {}, {}
        self.written = {}

    def bump(self, thing):
        """A new number for a Log or an identity id."""
        self.number += 1
        if isinstance(thing, Log):
            thing.number = self.number
        else:
            self.identity_numbers[thing] = self.number

    def bump_identity(self, identity):
        """All rows of an identity move up."""
        if identity in self.identities:
            self.bump(identity)
            for log in [l for l in self.logs.values() if l.identity == identity]:
                self.bump(log)

    def keys(self, identity):
        return self.identities.get(identity)

    def by_root_key(self, key):
        return next((k for k in self.identities.values() if k.identity in k.events and k.events[k.identity].payload[1] == key), None)

    def add_events(self, identity, events):
        """Events of one answer, judged as one set; True if anything changed."""
        ks = self.identities.get(identity) or keyevents.KeySet(identity)
        before = set(ks.events)
        ks.add(events)
        if identity in ks.events and set(ks.events) != before:
            self.identities[identity] = ks
            self.bump_identity(identity)
            return True
        return False

    def device_of(self, log, identity):
        """(device event, in force) of a log of an identity, or (None, False)."""
        ks = self.keys(identity)
        if ks is None:
            return None, False
        return ks.device_of(log)

    def closing(self, log):
        ks = self.keys(log.identity)
        return ks.closing(log.device_key) if ks else None

    def may_see(self, log, peer):
        """Whether a log is open to a node, SPEC 10.3."""
        event, _ = self.device_of(log.log, log.identity)
        return event is not None and (not event.payload[3] or peer in event.payload[3])

    def rows(self, wanted, peer, after):
        """[(number, row, log or None)] of what changed after a number, ascending."""
        found = [(n, [0, i, *self.identities[i].row()], None) for i, n in self.identity_numbers.items() if n > after and i in wanted]
        found += [(l.number, l.row(self.closing(l)), l) for l in self.logs.values()
                  if l.number > after and l.identity in wanted and self.may_see(l, peer)]
        return sorted(found, key=lambda r: r[0])

    def runs(self, log, first, end):
        """The runs that answer want-run, as fields of `run` messages without req and number."""
        closing = self.closing(log)
        length = log.length(closing)
        at = first
        while at < min(end, length):
            stop = min(length, at // INTERVAL * INTERVAL + INTERVAL)
            yield self.run(log, at, stop)
            at = stop

    def run(self, log, first, stop):
        headers = b"".join(h.raw for h in log.headers[first:stop])
        envelopes = [log.envelopes[s] for s in range(first, stop)]
        room = 81000 - len(headers) - sum(map(len, envelopes)) - 12 * len(envelopes)
        parts = []
        for s, envelope in zip(range(first, stop), envelopes):
            kind, data = log.part(s)
            if len(data) > room:
                kind, data = EMPTY, b""
            room -= len(data)
            parts.append([envelope, kind, data])
        return {"log": log.log, "first": first, "headers": headers, "signature": log.signatures.get(stop - 1, b""), "parts": parts}

    def admitted(self, network):
        """Two maps from an admission's place to its node key: those in effect, and those that the network ended."""
        admissions, ended = {}, set()
        for log in self.logs.values():
            if log.identity != network or not self.device_of(log.log, network)[1]:
                continue
            for seq in range(log.length(self.closing(log))):
                found = log.record(seq)
                if found and found[0] == "admission":
                    admissions[log.log, seq, log.headers[seq].id] = found[1]["node"]
                elif found and found[0] == "admission-end":
                    ended.add(tuple(found[1]["of"]))
        return ({at: node for at, node in admissions.items() if at not in ended}, {at: node for at, node in admissions.items() if at in ended})
