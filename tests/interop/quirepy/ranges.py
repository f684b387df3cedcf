"""Reconciliation, SPEC 10.8: two sides compare what they have, and each tells what differs."""
from .messages import LIMIT, OK, WIRE
from .prim import H, SUM

SHOWN_MAX, ASKED_MAX, DEEPEST, SMALL, TENFOLD = 32, 128, 15, 64, 10


class Item:
    """One row: where it stands, and what is compared of it."""

    def __init__(self, nonce, row):
        kind = bytes([row[0]])
        self.row = row
        self.place = int.from_bytes(H("quire.place", nonce + kind + row[1])[:8], "big")
        size = 4 if row[0] == 0 else 8
        fields = row[1 : 4 if row[0] == 0 else 7]
        self.value = H("quire.item", nonce + kind + b"".join(f if isinstance(f, bytes) else f.to_bytes(size, "big") for f in fields))
        self.short = self.value[:8]


def within(items, depth, bits):
    return [i for i in items if (i.place ^ bits) >> (64 - 4 * depth) == 0]


def step(bits, depth, n):
    """The n-th of the 16 prefixes one step deeper."""
    return bits | n << (60 - 4 * depth)


def fingerprint(items):
    return SUM(i.value for i in items)[:8]


def prefix(depth, bits):
    return bytes([depth]) + bits.to_bytes(8, "big")


def answer(items, prefixes):
    """The bytes of `ranges` to the prefixes of `want-ranges`."""
    out = b""
    for i in range(0, len(prefixes), 9):
        depth, bits = prefixes[i], int.from_bytes(prefixes[i + 1 : i + 9], "big")
        held = within(items, depth, bits)
        if len(held) <= SHOWN_MAX or depth == DEEPEST:
            shown = sorted(h.short for h in held)[:SHOWN_MAX]
            out += bytes([len(shown)]) + b"".join(shown)
        else:
            out += b"\xff" + b"".join(fingerprint(within(held, depth + 1, step(bits, depth, n))) for n in range(16))
    return out


def read(data, asked):
    """What was answered to each (depth, bits): a list of values, or a tuple of 16 fingerprints; None if it is malformed."""
    found, at = [], 0
    for depth, _ in asked:
        if at >= len(data):
            return None
        count, at = data[at], at + 1
        deeper = count == 255
        if (deeper and depth == DEEPEST) or (not deeper and count > SHOWN_MAX):
            return None
        count = 16 if deeper else count
        parts = [data[at + 8 * i : at + 8 * i + 8] for i in range(count)]
        at += 8 * count
        if at > len(data) or (not deeper and parts != sorted(parts)):
            return None
        found.append(tuple(parts) if deeper else parts)
    return found if at == len(data) else None


async def differing(s, items, nonce, audit=False):
    """The rows of items that the peer has not, or None if all must be listed."""
    from .session import Close

    todo, told = [(0, 0)], []
    while todo:
        part, todo = todo[:ASKED_MAX], todo[ASKED_MAX:]
        code, answers = await s.ask("want-ranges", nonce=nonce, prefixes=b"".join(prefix(*p) for p in part))
        if code == LIMIT:
            return None
        found = read(answers[0][1]["bytes"], part) if code == OK and len(answers) == 1 else None
        if found is None:
            raise Close(WIRE, "ranges")
        for (depth, bits), got in zip(part, found):
            mine = within(items, depth, bits)
            if isinstance(got, list):
                if depth == 0 and not audit and len(mine) > TENFOLD * len(got):
                    return None
                told += [i.row for i in mine if i.short not in got]
                continue
            for n, theirs in enumerate(got):
                deeper = depth + 1, step(bits, depth, n)
                below = within(mine, *deeper)
                if below and fingerprint(below) != theirs:
                    todo.append(deeper)
    return told
