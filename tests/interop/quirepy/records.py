"""Records, SPEC 13: whether one is well formed."""
import re

from . import mp

KINDS = "student-work lesson-plan video audio photo assessment observation reflection portfolio data document link".split()
DEPICTS = "nobody incidental focus".split()
DECISIONS = "meets not-yet unjudgeable".split()


def text(low, high):
    return lambda v: isinstance(v, str) and low <= len(v.encode("utf-8")) <= high


def id32(v):
    return isinstance(v, bytes) and len(v) == 32


def uint(v):
    return type(v) is int and v >= 0


def one_of(words):
    return lambda v: isinstance(v, str) and v in words


def array(low, high, item):
    return lambda v: isinstance(v, list) and low <= len(v) <= high and all(map(item, v))


def row(*checks):
    """An array with just these elements."""
    return lambda v: isinstance(v, list) and len(v) == len(checks) and all(check(i) for check, i in zip(checks, v))


def ascending(low, high, item, key):
    """An array of rows whose first element is strictly ascending."""
    whole = array(low, high, item)
    return lambda v: whole(v) and all(key(a[0]) < key(b[0]) for a, b in zip(v, v[1:]))


def json_text(low, high):
    """That it is canonical JSON is for whoever judges the record."""
    return text(low, high)


def date(v):
    return isinstance(v, str) and re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])", v) is not None


def blob(v):
    fields = {"key": id32, "name": text(1, 255), "root": id32, "size": uint, "type": text(1, 100)}
    return isinstance(v, dict) and all(k in v and check(v[k]) for k, check in fields.items())


ref = row(id32, lambda v: uint(v) and v < 1 << 32, id32)
by = row(id32, ref)
name64 = text(1, 64)


def refs(low, high):
    return array(low, high, ref)


def ids(low, high):
    whole = array(low, high, id32)
    return lambda v: whole(v) and all(a < b for a, b in zip(v, v[1:]))


def keys(low, high):
    return array(low, high, row(ref, id32))


def marks(low, high):
    return ascending(low, high, row(id32, lambda v: uint(v) and 1 <= v <= 1 << 32, id32), lambda log: log)


def items(low, high):
    return array(low, high, row(name64, one_of(KINDS), ref, id32))


def scores(low, high):
    return ascending(low, high, row(name64, name64, text(0, 4096)), lambda criterion: criterion.encode("utf-8"))


def must(check):
    return True, check


def may(check):
    return False, check


# kind: {field: (required, check)}
FIELDS = {
    "device": {"event": must(id32)},
    "profile": {"name": must(text(1, 200)), "about": may(text(0, 16384))},
    "artifact": {
        "title": must(text(1, 200)),
        "kind": must(one_of(KINDS)),
        "about": may(text(0, 16384)),
        "blobs": may(array(1, 16, blob)),
        "date": may(date),
        "grade": may(name64),
        "subject": may(text(1, 200)),
        "tags": may(array(1, 32, name64)),
        "depicts": must(one_of(DEPICTS)),
        "link": may(text(1, 2048)),
    },
    "reflection": {"text": must(text(1, 49152)), "on": may(ref), "prompt": may(text(1, 1000))},
    "share": {"keys": must(keys(1, 64)), "to": may(ids(1, 64))},
    "admission": {"node": must(id32), "name": must(name64), "introducer": may(id32)},
    "admission-end": {"of": must(ref)},
    "framework": {
        "title": must(text(1, 500)),
        "language": may(text(2, 35)),
        "licence": may(text(1, 500)),
        "notes": may(text(1, 4096)),
        "source": may(text(1, 500)),
        "json": may(json_text(2, 49152)),
        "blobs": may(array(1, 1, blob)),
        "by": may(by),
    },
    "microcredential": {"definition": must(json_text(2, 49152)), "supersedes": may(ref), "by": may(by)},
    "appointment": {"for": must(ref), "reviewer": must(id32), "by": may(by)},
    "appointment-end": {"of": must(ref), "marks": may(marks(1, 16)), "by": may(by)},
    "manifest": {"for": must(ref), "items": must(items(1, 64)), "salt": must(id32)},
    "submission": {
        "for": must(ref),
        "manifest": must(ref),
        "keys": may(keys(1, 65)),
        "attests": must(array(1, 8, name64)),
        "revises": may(ref),
        "changed": may(text(1, 4096)),
        "to": may(ids(1, 64)),
    },
    "claim": {"of": must(ref), "to": may(ids(1, 64))},
    "release": {"of": must(ref), "by": may(by), "to": may(ids(1, 64))},
    "review": {
        "of": must(ref),
        "decision": must(one_of(DECISIONS)),
        "feedback": must(text(1, 16384)),
        "scores": may(scores(1, 32)),
        "endorsement": may(json_text(2, 16384)),
        "to": may(ids(1, 64)),
    },
    "take-up": {"reviews": must(refs(1, 64)), "by": may(by)},
    "withdraw": {"of": must(ref), "to": may(ids(1, 64))},
    "award": {
        "submission": must(ref),
        "definition": must(ref),
        "reviews": must(refs(1, 16)),
        "credential": must(json_text(2, 49152)),
        "by": may(by),
    },
    "acceptance": {"of": must(ref)},
    "revoke": {"of": must(ref), "why": must(text(1, 1000)), "by": may(by)},
    "endorsement": {"of": must(ref), "credential": must(json_text(2, 16384))},
    "vouch": {"who": must(id32), "name": may(text(1, 200)), "role": may(text(1, 200)), "from": may(date), "until": may(date), "by": may(by)},
    "vouch-end": {"of": must(ref), "by": may(by)},
    "act": {"institution": must(id32), "digest": must(id32)},
}


def read(raw):
    """(kind, fields) of a record's bytes; ValueError if it counts for nothing."""
    value = mp.decode(raw)
    if not (isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], dict)):
        raise ValueError("not a record")
    kind, fields = value
    if not all(isinstance(k, str) for k in fields):
        raise ValueError("keys of a record are str")
    for name, (required, check) in FIELDS.get(kind, {}).items():
        if name in fields and not check(fields[name]):
            raise ValueError(f"field {name}")
        if required and name not in fields:
            raise ValueError(f"no field {name}")
    return kind, fields


def write(record, /, **fields):
    return mp.encode([record, fields])
