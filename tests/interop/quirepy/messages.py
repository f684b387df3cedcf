"""The messages of SPEC 9.2. The table is read out of SPEC.md itself, so that this program follows the document."""
import pathlib
import re

from . import mp

SPEC = pathlib.Path(__file__).resolve().parents[3] / "SPEC.md"
BODY_MAX = 81916
MANY = {"keys", "changes", "follows", "probe", "ids"}
MANY_OBJECTS = 16384

OK, LIMIT, STATE, FORMAT, VERSION, SIGNATURE, CHAIN, FORK, WIRE = 0, 2, 3, 4, 6, 7, 9, 10, 11
NOT_FOUND, REFUSED, EXPIRED, USED, IO, FULL, TIMEOUT, CLOSED, ERASED, DUPLICATE, ENOUGH = 15, 17, 18, 19, 20, 21, 25, 26, 29, 32, 33

ANSWERS = {"want-follows": {"follows"}, "want-keys": {"keys"}, "want-run": {"total", "run"}, "want-bodies": {"body"}, "probe": {"ids"},
           "want-fork": {"fork"}, "want-erased": {"erased"}, "want-blob": {"blob"}, "want-leaves": {"leaves"}, "want-chunks": {"chunk"},
           "want-ranges": {"ranges"}}
SLOW = {"want-blob", "blob", "want-leaves", "leaves", "want-chunks", "chunk"}


class BadMessage(ValueError):
    """A message that breaks the table."""


class Field:
    """One field's type: kind is uint, bin, str, bool, array, event, part, row or peer."""

    def __init__(self, name, words):
        self.name = name
        self.item = None
        m = re.fullmatch(r"\[(.+)\] (\d+)\.\.(\d+)", words)
        if m:
            self.kind, self.item = "array", Field("", m[1])
            self.low, self.high = int(m[2]), int(m[3])
            return
        word, _, bounds = words.partition(" ")
        low, _, high = bounds.partition("..")
        if re.fullmatch(r"u\d+", word):
            self.kind, self.low, self.high = "uint", int(low or 0), int(high or 2 ** int(word[1:]) - 1)
        elif word == "b32":
            self.kind, self.low, self.high = "bin", 32, 32
        elif word in ("bin", "str"):
            self.kind, self.low, self.high = word, int(low), int(high)
        elif word in ("bool", "event", "part", "row", "peer"):
            self.kind, self.low, self.high = word, 0, 0
        else:
            raise ValueError(f"SPEC.md has a field type {words!r}")

    def holds(self, v):
        if self.kind == "uint":
            return type(v) is int and self.low <= v <= self.high
        if self.kind == "bin":
            return isinstance(v, bytes) and self.low <= len(v) <= self.high
        if self.kind == "str":
            return isinstance(v, str) and self.low <= len(v.encode()) <= self.high
        if self.kind == "bool":
            return isinstance(v, bool)
        if self.kind == "array":
            return isinstance(v, list) and self.low <= len(v) <= self.high and all(map(self.item.holds, v))
        return isinstance(v, list) and {"event": _event, "part": _part, "row": _row, "peer": _peer}[self.kind](v)


def _bin(v, low, high):
    return isinstance(v, bytes) and low <= len(v) <= high


def _uint(v, high):
    return type(v) is int and 0 <= v <= high


def _event(v):
    return len(v) == 2 and _bin(v[0], 1, 65536) and isinstance(v[1], bytes) and len(v[1]) in (64, 128)


def _content(kind, data):
    return {0: len(data) == 0, 1: True, 2: len(data) == 176, 3: len(data) == 0, 4: len(data) == 0}.get(kind, False)


def _part(v):
    return len(v) == 3 and _bin(v[0], 0, 1024) and _uint(v[1], 4) and _bin(v[2], 0, 61440) and _content(v[1], v[2])


def _row(v):
    if v and type(v[0]) is int and v[0] == 0:
        return len(v) >= 4 and _bin(v[1], 32, 32) and _uint(v[2], 2**32 - 1) and _bin(v[3], 32, 32)
    if v and type(v[0]) is int and v[0] == 1:
        return len(v) >= 7 and all(_bin(v[i], 32, 32) for i in (1, 2, 4, 5)) and _uint(v[3], 2**64 - 1) and _uint(v[6], 2**64 - 1)
    return False


def _peer(v):
    return (
        5 <= len(v) <= 16
        and _bin(v[0], 32, 32)
        and isinstance(v[1], list)
        and len(v[1]) <= 4
        and all(isinstance(a, str) and 1 <= len(a.encode()) <= 64 for a in v[1])
        and isinstance(v[2], list)
        and len(v[2]) <= 4
        and all(_bin(r, 32, 32) for r in v[2])
        and isinstance(v[3], bool)
        and _uint(v[4], 2**16 - 1)
    )


def _ascending(v):
    return all(a < b for a, b in zip(v, v[1:]))


def _prefixes(v):
    """Whether the prefixes of SPEC 10.8 are whole, and zero behind their bits."""
    return len(v) % 9 == 0 and all(v[i] <= 15 and int.from_bytes(v[i + 1 : i + 9], "big") % 2 ** (64 - 4 * v[i]) == 0 for i in range(0, len(v), 9))


# What the text under the table adds.
EXTRA = {
    "run": lambda f: len(f["headers"]) == 162 * len(f["parts"]) and len(f["signature"]) in (0, 64),
    "body": lambda f: _content(f["kind"], f["bytes"]),
    "ids": lambda f: all(len(i) in (0, 32) for i in f["ids"]),
    "fork": lambda f: len(f["headers_a"]) % 162 == 0 and len(f["headers_b"]) % 162 == 0,
    "want-bodies": lambda f: _ascending(f["seqs"]),
    "probe": lambda f: _ascending(f["seqs"]),
    "blob": lambda f: len(f["pages"]) % 32 == 0,
    "leaves": lambda f: len(f["leaves"]) % 32 == 0,
    "want-ranges": lambda f: _prefixes(f["prefixes"]),
    "notice-ids": lambda f: len(f["ids"]) % 8 == 0,
}


class Kind:
    """One line of the table."""

    def __init__(self, number, name, sender, state, fields):
        self.number, self.name, self.sender, self.states = int(number), name, sender, set(state.split())
        self.fields = []
        for f in fields.split(" · "):
            m = re.fullmatch(r"(.+?) ((?:u\d+|b32|bin|str|bool|\[).*)", f)
            self.fields.append(Field(m[1].replace(" ", "_"), m[2]))


def read_table(path=SPEC):
    kinds = []
    text = path.read_text(encoding="utf-8")
    table = text[text.index("<!-- messages") : text.index("<!-- end -->")]
    for line in table.splitlines():
        cells = [c.strip() for c in line.strip().strip("|").split("|")]
        if len(cells) == 5 and cells[0].isdigit():
            kinds.append(Kind(*cells))
    return kinds


def read_numbers():
    """The error numbers of SPEC 1.6."""
    text = SPEC.read_text()
    return {int(n) for n in re.findall(r"^\| (\d+) \| [A-Z_]+ \|", text[text.index("### 1.6") : text.index("## 2 ")], re.M)}


TABLE = read_table()
NUMBERS = read_numbers()
assert {OK, WIRE, DUPLICATE} < NUMBERS
BY_NAME = {k.name: k for k in TABLE}
BY_NUMBER = {k.number: k for k in TABLE}


def encode(message, /, **fields):
    """(type, body) of a message."""
    kind = BY_NAME[message]
    values = [fields.pop(f.name) for f in kind.fields]
    if fields:
        raise BadMessage(f"{message} has no field {sorted(fields)}")
    return kind.number, mp.encode(values)


def decode(number, body):
    """(kind, fields) of a message; (None, None) if its type is not in the table and its body is in the profile."""
    kind = BY_NUMBER.get(number)
    try:
        values = mp.decode(body, MANY_OBJECTS if kind and kind.name in MANY else mp.OBJECTS_MAX)
    except mp.Malformed as e:
        raise BadMessage(str(e)) from None
    if not isinstance(values, list):
        raise BadMessage("a body is an array")
    if kind is None:
        return None, None
    if len(values) < len(kind.fields):
        raise BadMessage(f"{kind.name} with {len(values)} fields")
    fields = {}
    for f, v in zip(kind.fields, values):
        if not f.holds(v):
            raise BadMessage(f"{kind.name}.{f.name}")
        fields[f.name] = v
    if kind.name in EXTRA and not EXTRA[kind.name](fields):
        raise BadMessage(kind.name)
    return kind, fields
