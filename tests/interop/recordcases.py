"""Good and bad records of SPEC 13's kinds for micro-credentials: each field missing, below, at and above its limits."""
from quirepy import mp



def text_of(n):
    """A canonical JSON text of n bytes."""
    return '{"a":"' + "b" * (n - 8) + '"}'


class Samples:
    """Values of each list type: good ones, and bad ones with what is wrong."""

    def __init__(self, rnd):
        self.rnd = rnd
        self.log = sorted(rnd(32) for _ in range(17))

    def id(self):
        yield True, self.rnd(32)
        for bad in (self.rnd(31), self.rnd(33), b"", "a" * 32, None):
            yield False, bad

    def one_ref(self, seq=5):
        return [self.rnd(32), seq, self.rnd(32)]

    def ref(self):
        a, b = self.rnd(32), self.rnd(32)
        yield from ((True, [a, seq, b]) for seq in (0, (1 << 32) - 1))
        for bad in ([a, 1 << 32, b], [a, -1, b], [a, 5], [a, 5, b, 1], [a[:31], 5, b], [a, 5, b + b"x"], [a, "5", b], a, {}, None):
            yield False, bad

    def by(self):
        officer, act = self.rnd(32), self.one_ref()
        yield True, [officer, act]
        for bad in ([officer], [officer, act, 1], [officer[:31], act], [officer, act[:2]], [act, officer], act, officer):
            yield False, bad

    def refs(self, high):
        one = self.one_ref()
        yield True, [one]
        yield True, [self.one_ref(i) for i in range(high)]
        for bad in ([], [one] * (high + 1), [one, None], [one[:2]], one, None):
            yield False, bad

    def keys(self, high):
        one = [self.one_ref(), self.rnd(32)]
        yield True, [one]
        yield True, [[self.one_ref(i), self.rnd(32)] for i in range(high)]
        for bad in ([], [one] * (high + 1), [one[:1]], [one + [1]], [[one[0], self.rnd(31)]], [[one[0][:2], one[1]]], [one[::-1]], one, {}):
            yield False, bad

    def marks(self, high):
        def row(i, length=7):
            return [self.log[i], length, self.rnd(32)]

        yield True, [row(0, 1)]
        yield True, [row(i, 1 << 32) for i in range(high)]
        for bad in ([], [row(i) for i in range(high + 1)], [row(1), row(0)], [row(0), row(0)], [row(0, 0)], [row(0, (1 << 32) + 1)], [row(0, -1)],
                    [row(0)[:2]], [row(0) + [1]], [[self.log[0][:31], 1, self.rnd(32)]], [[self.log[0], 1, self.rnd(33)]], row(0)):
            yield False, bad

    def ids(self, high):
        all_of = sorted(bytes([i]) + self.rnd(31) for i in range(high + 1))
        yield True, all_of[:1]
        yield True, all_of[:high]
        for bad in ([], all_of, [all_of[1], all_of[0]], [all_of[0]] * 2, [all_of[0][:31]], [all_of[0] + b"x"], [all_of[0], None], ["a" * 32], all_of[0], {}):
            yield False, bad

    def items(self, high):
        def row(name="video", kind="video", digest=32):
            return [name, kind, self.one_ref(), self.rnd(digest)]

        yield True, [row()]
        yield True, [row("n" * 64, "reflection")] + [row("b"), row("a")] + [row(f"r{i}", "student-work") for i in range(high - 3)]
        for bad in ([], [row()] * (high + 1), [row("")], [row("n" * 65)], [row("ü" * 33)], [row(digest=31)],
                    [row()[:3]], [row() + [1]], [["a", "video", self.one_ref()[:2], self.rnd(32)]], [[7, "video", self.one_ref(), self.rnd(32)]], row()):
            yield False, bad

    def scores(self, high):
        yield True, [["a", "b", ""]]
        yield True, [[f"{i:064}", "l" * 64, "c" * (4096 if i == 0 else 0)] for i in range(high)]
        yield True, [["Z", "b", "upper case before lower"], ["a", "b", ""], ["ab", "b", ""], ["é", "b", "beyond ASCII comes last"]]
        for bad in ([], [[f"{i:02}", "l", ""] for i in range(high + 1)], [["b", "l", ""], ["a", "l", ""]], [["a", "l", ""], ["a", "m", ""]],
                    [["ab", "l", ""], ["a", "l", ""]], [["a", "l", ""], ["Z", "l", ""]], [["a" * 65, "l", ""]], [["", "l", ""]], [["a", "", ""]],
                    [["a", "l" * 65, ""]], [["a", "l", "c" * 4097]], [["a", "l", "ü" * 2049]], [["a", "l"]], [["a", "l", "", 1]], [["a", "l", None]], ["a", "l", ""]):
            yield False, bad

    def text(self, low, high):
        yield True, "n" * low
        yield True, "n" * (high - 2) + "ü"
        yield False, "n" * (high - 1) + "ü"
        if low:
            yield False, "n" * (low - 1)
        yield from ((False, bad) for bad in (7, b"n" * low, None))

    def texts(self, high):
        yield True, ["a"]
        yield True, ["a" * 64] * high
        for bad in ([], ["a"] * (high + 1), [""], ["a" * 65], [1], "a"):
            yield False, bad

    def word(self, *words):
        yield from ((True, w) for w in words)
        for bad in (words[0] + "s", words[0].upper(), "", 0, None):
            yield False, bad

    def date(self):
        yield True, "2024-02-31"
        for bad in ("2024-2-29", "2024-13-01", "2024-01-00", "2024-01-32", "20240101", "2024-01-01T", 20240101):
            yield False, bad

    def json(self, high):
        for good in ("{}", text_of(high), '{"":"ü\\u0001\\n","a":[-1.5,0,1e+21,1e-7,true,false,null,{}]}', '{"\\r":1,"1":2,"\u0080":3,"ö":4,"€":5,"😀":6,"\ufb33":7}'):
            yield True, good
        yield from ((False, bad) for bad in ("", "1", text_of(high + 1), b"{}", {}))

    def blobs(self):
        blob = {"key": self.rnd(32), "name": "a.pdf", "root": self.rnd(32), "size": 3, "type": "application/pdf"}
        yield True, [blob]
        for bad in ([], [blob, blob], [{**blob, "root": self.rnd(31)}], blob):
            yield False, bad


def kinds(s):
    """(kind, {field: values}, the fields that are required)."""
    yield "share", {"keys": s.keys(64), "to": s.ids(64)}, "keys"
    yield "framework", {"title": s.text(1, 500), "language": s.text(2, 35), "licence": s.text(1, 500), "notes": s.text(1, 4096), "source": s.text(1, 500),
                        "json": s.json(49152), "blobs": s.blobs(), "by": s.by()}, "title"
    yield "microcredential", {"definition": s.json(49152), "supersedes": s.ref(), "by": s.by()}, "definition"
    yield "appointment", {"for": s.ref(), "reviewer": s.id(), "by": s.by()}, "for reviewer"
    yield "appointment-end", {"of": s.ref(), "marks": s.marks(16), "by": s.by()}, "of"
    yield "manifest", {"for": s.ref(), "items": s.items(64), "salt": s.id()}, "for items salt"
    yield "submission", {"for": s.ref(), "manifest": s.ref(), "keys": s.keys(65), "attests": s.texts(8), "revises": s.ref(), "changed": s.text(1, 4096), "to": s.ids(64)}, "for manifest attests"
    yield "claim", {"of": s.ref(), "to": s.ids(64)}, "of"
    yield "release", {"of": s.ref(), "by": s.by(), "to": s.ids(64)}, "of"
    yield "review", {"of": s.ref(), "decision": s.word("meets", "not-yet", "unjudgeable"), "feedback": s.text(1, 16384), "scores": s.scores(32),
                     "endorsement": s.json(16384), "to": s.ids(64)}, "of decision feedback"
    yield "take-up", {"reviews": s.refs(64), "by": s.by()}, "reviews"
    yield "withdraw", {"of": s.ref(), "to": s.ids(64)}, "of"
    yield "award", {"submission": s.ref(), "definition": s.ref(), "reviews": s.refs(16), "credential": s.json(49152), "by": s.by()}, "submission definition reviews credential"
    yield "acceptance", {"of": s.ref()}, "of"
    yield "revoke", {"of": s.ref(), "why": s.text(1, 1000), "by": s.by()}, "of why"
    yield "endorsement", {"of": s.ref(), "credential": s.json(16384)}, "of credential"
    yield "vouch", {"who": s.id(), "name": s.text(1, 200), "role": s.text(1, 200), "from": s.date(), "until": s.date(), "by": s.by()}, "who"
    yield "vouch-end", {"of": s.ref(), "by": s.by()}, "of"
    yield "act", {"institution": s.id(), "digest": s.id()}, "institution digest"


def add(w):
    """All of them, to a generate.Writer."""
    for kind, fields, required in kinds(Samples(w.rnd)):
        fields = {name: list(values) for name, values in fields.items()}
        first = {name: next(v for good, v in values if good) for name, values in fields.items()}
        least = {name: first[name] for name in required.split()}
        w.add("record", record=mp.encode([kind, first]), note=f"{kind} with all fields")
        w.add("record", record=mp.encode([kind, {**least, "later": [1]}]), note=f"{kind} with what is required, and an unknown key")
        for name, values in fields.items():
            if name in least:
                w.refuse("record", f"{kind} without {name}", record=mp.encode([kind, {k: v for k, v in least.items() if k != name}]))
            for good, value in values:
                record = mp.encode([kind, {**least, name: value}])
                if good:
                    w.add("record", record=record, note=f"{kind}: {name}")
                else:
                    w.refuse("record", f"{kind}: {name}", record=record)
