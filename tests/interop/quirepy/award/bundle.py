"""Proof bundles (SPEC 18): read, checked, judged."""
import base64
import datetime
import re

from .. import entries, keyevents, mp, prim, seal
from . import bare, jcs
from .facts import Fact, Facts
from .judge import Judge

BYTES_MAX, ELEMENTS_MAX, IDENTITIES_MAX, RUNS_MAX, MARKS_MAX = 8 << 20, 400000, 64, 512, 512
EXIT = {"good": 0, "wrong": 6, "unknown": 7}
TYPE = "QuireProofBundle"


class Broken(ValueError):
    """A bundle that is wrong, whatever its records say."""


def need(condition, what):
    if not condition:
        raise Broken(what)


def id_of(text):
    need(isinstance(text, str) and re.fullmatch("[0-9a-f]{64}", text), "an id that is not 64 lower-case hexadecimal digits")
    return bytes.fromhex(text)


def bytes_of(text):
    need(isinstance(text, str), "bytes that are not base64")
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raise Broken("bytes that are not base64") from None
    need(base64.b64encode(raw).decode("ascii") == text, "bytes that are not base64")
    return raw


def _list(v, low, high, what):
    need(isinstance(v, list) and low <= len(v) <= high, what)
    return v


def _members(v, must, may, what):
    need(isinstance(v, dict) and all(m in v for m in must) and all(m in must or m in may for m in v), what)
    return v


def _whole(v, high, what):
    need(type(v) is int and 0 <= v <= high, what)
    return v


class Result:
    """A verdict, with why, what is missing, and what else is to be said."""

    def __init__(self):
        self.reasons, self.missing, self.notes, self.award = [], [], [], {}

    def leave_out(self, what):
        """Something that lacks what a check of it needs."""
        self.take([(False, what)])

    def take(self, why):
        for wrong, text in why:
            into = self.reasons if wrong else self.missing
            if text not in into:
                into.append(text)

    @property
    def verdict(self):
        return "wrong" if self.reasons else "unknown" if self.missing else "good"

    def view(self):
        return {"verdict": self.verdict, "exit": EXIT[self.verdict], "wrong": self.reasons, "missing": self.missing, "notes": self.notes, "award": self.award}


def _identity(v, result):
    """The KeySet of an identity, or None if it is left out. Each event stands behind those that it needs."""
    v = _members(v, ("id", "events"), (), "an identity")
    keys, seen = keyevents.KeySet(id_of(v["id"])), set()
    for pair in _list(v["events"], 1, keyevents.EVENTS_MAX, "key events"):
        need(isinstance(pair, list) and len(pair) == 2, "a key event")
        e = keyevents.Event(bytes_of(pair[0]), bytes_of(pair[1]))
        need(e.id not in seen, "a key event twice")
        seen.add(e.id)
        if e.kind == keyevents.INCEPTION:
            need(e.id == keys.identity, "the inception of another identity")
        else:
            need(e.identity == keys.identity, "a key event of another identity")
        if e.kind != keyevents.INCEPTION and (keys.identity not in keys.events or e.generation not in keys.events):
            result.leave_out("a key event that does not stand behind those that it needs")
            continue
        need(keys.valid(e), "a key event is not valid")
        keys.events[e.id] = e
    keys.add([])
    if keys.identity not in keys.events:
        result.leave_out("an identity without its inception")
        return None
    return keys


class Log:
    """What the runs show of a log."""

    def __init__(self, identity, closing):
        self.identity, self.closing, self.headers = identity, closing, {}

    def fork(self):
        """The lowest seq at which two ids are shown, or None."""
        known = {}
        for h in self.headers.values():
            known.setdefault(h.seq, set()).add(h.id)
            if h.seq:
                known.setdefault(h.seq - 1, set()).add(h.prev)
        return min((seq for seq, ids in known.items() if len(ids) > 1), default=None)

    def counts(self):
        """{(seq, id): True, False, or None if neither is shown} (SPEC 4.4 and 18)."""
        if self.closing is None:
            fork = self.fork()
            return {at: fork is None or at[0] < fork for at in self.headers}
        length, entry, _ = self.closing
        found = {at: None if at[0] < length else False for at in self.headers}
        at = (length - 1, entry)
        while at in self.headers:
            found[at] = True
            at = at[0] - 1, self.headers[at].prev
        return found


class Reader:
    """Takes a bundle apart; what it finds becomes Facts."""

    def __init__(self, document, result):
        self.document, self.result = document, result
        self.keys, self.bodies, self.logs = {}, {}, {}

    def read(self):
        d = self.document
        _members(d, ("type", "version", "credential", "award", "identities", "runs", "status"), (), "members of the bundle")
        need(d["type"] == TYPE and d["version"] == 1 and type(d["version"]) is int, "type or version")
        need(isinstance(d["credential"], dict), "credential")
        named = set()
        for v in _list(d["identities"], 0, IDENTITIES_MAX, "identities"):
            keys = _identity(v, self.result)
            need(v["id"] not in named, "an identity twice")
            named.add(v["id"])
            if keys is not None:
                self.keys[keys.identity] = keys
        for v in _list(d["runs"], 0, RUNS_MAX, "runs"):
            self._run(v)
        return self._facts()

    def award_ref(self):
        a = _list(self.document["award"], 3, 3, "the award's pointer")
        return [id_of(a[0]), _whole(a[1], (1 << 32) - 1, "the award's pointer"), id_of(a[2])]

    def status(self, issuer):
        """The hour of the bundle; checks the marks, which must name each log of the issuer that is not closed."""
        s = _members(self.document["status"], ("hour", "logs"), (), "status")
        marks = {}
        for row in _list(s["logs"], 0, MARKS_MAX, "status"):
            _list(row, 4, 4, "status")
            log, length, last, _ = id_of(row[0]), _whole(row[1], 1 << 32, "status"), id_of(row[2]), _whole(row[3], (1 << 32) - 1, "status")
            need(log not in marks, "a log twice in status")
            marks[log] = length, last
        for log, (length, last) in marks.items():
            shown = self.logs.get(log)
            if shown is None or shown.closing is not None:
                continue
            need(all(seq < length for seq, _ in shown.headers), "a log is longer than status says")
            ids = {i for seq, i in shown.headers if seq == length - 1}
            need(not ids or last in ids, "the last entry of a log is not that of status")
        keys = self.keys.get(issuer)
        for device in keys.devices() if keys else ():
            if keys.closing(device) is None and entries.log_id(issuer, device) not in marks:
                self.result.missing.append("status does not name a log of the issuer")
        return _whole(s["hour"], (1 << 32) - 1, "status")

    def _run(self, v):
        v = _members(v, ("identity", "log", "first", "headers", "bodies"), ("signature",), "a run")
        identity, log, first = id_of(v["identity"]), id_of(v["log"]), _whole(v["first"], (1 << 32) - 1, "first of a run")
        headers, signature = bytes_of(v["headers"]), bytes_of(v["signature"]) if "signature" in v else b""
        need("signature" not in v or len(signature) == 64, "a signature that is not 64 bytes")
        run = entries.chain_check(log, first, headers)
        need(all(h.seq > 0 or h.flags == entries.KEEP for h in run), "an entry 0 that is sealed or not kept")
        bodies = _list(v["bodies"], 0, len(run), "bodies of a run")
        keys = self.keys.get(identity)
        if keys is None:
            return self.result.leave_out("a run of somebody whose key events are not in the bundle")
        device = next((k for k in keys.devices() if entries.log_id(identity, k) == log), None)
        if device is None:
            return self.result.leave_out("a run of a log whose device is not in force")
        closing = keys.closing(device)
        if not signature and (closing is None or closing[1] != run[-1].id):
            return self.result.leave_out("a run without a signature")
        entries.run_check(device, log, first, headers, signature, {run[-1].id})
        shown = self.logs.setdefault(log, Log(identity, closing))
        shown.headers.update({(h.seq, h.id): h for h in run})
        last = -1
        for body in bodies:
            self._body(body, run, first, identity)
            need(body["seq"] > last, "bodies out of order")
            last = body["seq"]
        return None

    def _body(self, v, run, first, identity):
        v = _members(v, ("seq",), ("envelope", "body", "key", "erased"), "a body")
        need(("body" in v) != ("erased" in v), "one of body and erased")
        i = _whole(v["seq"], (1 << 32) - 1, "seq of a body") - first
        need(0 <= i < len(run), "a body outside of its run")
        h = run[i]
        envelope = bytes_of(v["envelope"]) if "envelope" in v else b""
        need(("envelope" in v) == bool(envelope) and entries.envelope_hash(envelope) == h.envelope_hash, "an envelope is not the header's")
        envelope = entries.envelope_read(envelope)
        place = h.log, h.seq, h.id
        need("key" not in v or ("body" in v and h.sealed), "a key of what is not sealed")
        if "erased" in v:
            self._erased(h, bytes_of(v["erased"]), identity, envelope)
            return
        body = bytes_of(v["body"])
        entries.check_body(h, body)
        if not h.sealed:
            self.bodies[place] = body[32:]
        elif "key" in v:
            key = bytes_of(v["key"])
            need(len(key) == 32, "a content key that is not 32 bytes")
            self.bodies[place] = seal.open_with_key(body, h.log, key)
        else:
            self.result.leave_out("a sealed body without its content key")

    def _erased(self, h, raw, identity, envelope):
        s = entries.Statement(raw)
        need(s.log == h.log and s.seq == h.seq and s.entry == h.id and not h.flags & entries.KEEP, "a statement of another entry")
        eraser = identity if s.by == 0 else envelope.get("custodian")
        need(eraser is not None, "a statement of a custodian whom the envelope does not name")
        generation = self.keys[eraser].events.get(s.generation) if eraser in self.keys else None
        if generation is None:
            self.result.leave_out("an erasure whose generation is not in the bundle")
            return
        need(generation.kind == keyevents.GENERATION, "a statement under what is no generation")
        s.check(generation.payload[1])
        self.bodies.setdefault((h.log, h.seq, h.id), None)

    def _facts(self):
        facts = Facts(self.keys)
        for log in self.logs.values():
            counts = log.counts()
            for at, h in log.headers.items():
                place = h.log, h.seq, h.id
                record = self.bodies.get(place)
                fact = Fact(log.identity, h, record, bool(counts[at]), erased=place in self.bodies and record is None)
                if counts[at] is None and fact.kind != "review":
                    self.result.leave_out("an entry of which it is not shown whether it counts")
                else:
                    facts.add(fact)
        return facts


def _day(hour):
    return (datetime.datetime(1970, 1, 1) + datetime.timedelta(hours=hour)).strftime("%Y-%m-%d")


def _trust(judge, issuer, roots, day, result):
    if issuer in roots:
        result.notes.append("the reader trusts the issuer itself")
        return
    found = [v for v in judge.vouches(issuer) if v.identity in roots]
    if not found:
        result.missing.append("nobody whom the reader trusts vouches for the issuer")
    for v in found:
        known = ", ".join(v[n] for n in ("name", "role") if v.get(n))
        result.notes.append(f"{v.identity.hex()[:8]} vouches for the issuer" + (f" ({known})" if known else ""))
        if (v.get("from") or day) > day or (v.get("until") or day) < day:
            result.notes.append(f"but {day} lies outside of the vouch's dates")


def _judge(reader, facts, roots, at, result):
    judge = Judge(facts)
    ref = reader.award_ref()
    fact, why = facts.find(ref, "award", "the award")
    if tuple(ref) not in facts.at and any(f.id == ref[2] for f in facts.at.values()):
        why.wrong("the award stands in another place than the bundle says")
    result.take(why)
    hour = reader.status(fact.identity if fact else None)
    if fact is not None:
        if jcs.canonical(reader.document["credential"]) != fact["credential"]:
            result.reasons.append("the credential is not that of the award's record")
        result.take(judge.award(fact))
        state = judge.award_state(fact)
        result.award = {"issuer": fact.identity.hex(), "entry": fact.id.hex(), "state": state, "credential": reader.document["credential"].get("id")}
        if state == "revoked":
            result.reasons.append("the award is revoked")
        elif state == "countersigned":
            result.missing.append("nothing shows that the earner accepted the award")
        if not judge.attestations_seen(fact):
            result.notes.append("the submission was not seen: the manifest stands for it, and attestations were not seen")
        _trust(judge, fact.identity, roots, _day(hour), result)
    bare.days(reader.document["credential"], at, result)
    erased = sum(f.erased for f in facts.at.values())
    if erased:
        result.notes.append(f"bodies of {erased} entries were erased")
    result.notes.append(f"what is known of revocation reaches to {_day(hour)}, as the maker of the bundle says")


def verify(data, roots, at=None):
    """The Result for a file's bytes; roots are the identity ids that the reader trusts, at the time for which it is judged (now if None)."""
    result, at = Result(), at or datetime.datetime.now(datetime.timezone.utc)
    try:
        need(len(data) <= BYTES_MAX and sum(data.count(c) for c in b",[{") <= ELEMENTS_MAX, "more than 8 MiB, or than 400,000 elements")
        document = jcs.parse(data)
        need(isinstance(document, dict), "not a JSON object")
        if document.get("type") != TYPE:
            bare.judge(document, at, result)
        else:
            reader = Reader(document, result)
            _judge(reader, reader.read(), set(roots), at, result)
    except (Broken, jcs.BadJson, prim.CryptoError, seal.NotOpened, mp.Malformed, entries.BadEntry, keyevents.BadEvent) as e:
        result.reasons.append(f"{e}")
    return result
