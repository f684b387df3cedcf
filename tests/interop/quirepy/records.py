"""Records, SPEC 13: whether one counts."""
import re

from . import mp

KINDS = "student-work lesson-plan video audio photo assessment observation reflection portfolio data document link".split()
DEPICTS = "nobody incidental focus".split()


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


def ref(v):
    return isinstance(v, list) and len(v) == 3 and id32(v[0]) and uint(v[1]) and v[1] < 1 << 32 and id32(v[2])


def date(v):
    return isinstance(v, str) and re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])", v) is not None


def blob(v):
    fields = {"key": id32, "name": text(1, 255), "root": id32, "size": uint, "type": text(1, 100)}
    return isinstance(v, dict) and all(k in v and check(v[k]) for k, check in fields.items())


# kind: {field: (required, check)}
FIELDS = {
    "device": {"event": (True, id32)},
    "profile": {"name": (True, text(1, 200)), "about": (False, text(0, 16384))},
    "artifact": {
        "title": (True, text(1, 200)),
        "kind": (True, one_of(KINDS)),
        "about": (False, text(0, 16384)),
        "blobs": (False, array(1, 16, blob)),
        "date": (False, date),
        "grade": (False, text(1, 64)),
        "subject": (False, text(1, 200)),
        "tags": (False, array(1, 32, text(1, 64))),
        "depicts": (True, one_of(DEPICTS)),
        "link": (False, text(1, 2048)),
    },
    "reflection": {"text": (True, text(1, 49152)), "on": (False, ref), "prompt": (False, text(1, 1000))},
    "share": {"of": (True, ref), "key": (True, id32)},
    "admission": {"node": (True, id32), "name": (True, text(1, 64))},
    "admission-end": {"of": (True, ref)},
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
