"""The recovery code of SPEC 2.2, and the secrets that an owner's device keeps."""
from .prim import H, ed_public, wrap, x_public

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ENTROPY_BYTES = 18


def code_write(entropy):
    """32 characters in 8 groups of 4."""
    n = int.from_bytes(entropy + H("quire.codesum", entropy)[:2], "big")
    chars = "".join(ALPHABET[n >> 155 - 5 * i & 31] for i in range(32))
    return "-".join(chars[i : i + 4] for i in range(0, 32, 4))


def code_read(text):
    """The entropy; ValueError for a wrong length, character or check."""
    n, count = 0, 0
    for c in text.upper():
        if c.isspace() or c == "-":
            continue
        n = n << 5 | ALPHABET.index({"O": "0", "I": "1", "L": "1"}.get(c, c))
        count += 1
    if count != 32:
        raise ValueError("a recovery code has 32 characters")
    raw = n.to_bytes(20, "big")
    if H("quire.codesum", raw[:18])[:2] != raw[18:]:
        raise ValueError("the check does not fit")
    return raw[:18]


class Pair:
    """A secret and its public half."""

    def __init__(self, secret, public):
        self.secret, self.public = secret, public


def signing_pair(seed):
    return Pair(seed, ed_public(seed))


def box_pair(secret):
    return Pair(secret, x_public(secret))


def root_pair(entropy, label):
    return signing_pair(H("quire.code", bytes([1, label]) + entropy))


def recovery_pair(entropy, label):
    return box_pair(H("quire.code", bytes([2, label]) + entropy))


def wraps(recipients, pair, rnd):
    """The wraps of SPEC 3.3: pairs of recipient and wrapped secret, recipients ascending."""
    return [[r, wrap(r, pair.public, pair.secret, rnd(32))] for r in sorted(set(recipients))]


def grants(device_box, pairs, rnd):
    return [[p.public, wrap(device_box, p.public, p.secret, rnd(32))] for p in sorted(pairs, key=lambda p: p.public)]
