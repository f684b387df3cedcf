"""Sealed bodies, SPEC 5."""
from . import mp
from .prim import CryptoError, H, ZERO24, aead, aead_open, x25519, x_public, xopen, xseal

SIZES = (4, 16, 64, 256, 512)
SALT, HEAD, SLOT, TAG = 32, 34, 56, 16
BODY_MAX = 61440


class NotOpened(ValueError):
    """None of the slots opens, or what they open is wrong."""


def padme(length):
    e = length.bit_length() - 1
    m = (1 << e - e.bit_length()) - 1
    return length + m & ~m


def _hint(d, E):
    return H("quire.hint", d + E)[:8]


def ephemeral(content_key):
    """The ephemeral secret, which follows from the content key."""
    return H("quire.ephemeral", content_key)


def seal(record, log, author_secret, readers, content_key, salt, rnd):
    """The body; readers are reading keys, the author's among them or not. rnd gives unused slots and the order."""
    eph = ephemeral(content_key)
    E, author = x_public(eph), x_public(author_secret)
    slots = []
    for R in sorted(set(readers) | {author}):
        d = x25519(author_secret, R)
        slots.append(_hint(d, E) + aead(H("quire.slot", x25519(eph, R) + d + E + R), content_key))
    code = next((i for i, n in enumerate(SIZES) if n >= len(slots)), None)
    if code is None:
        raise ValueError("too many readers")
    while len(slots) < SIZES[code]:
        slots.append(rnd(SLOT))
    for i in range(len(slots) - 1, 0, -1):
        j = int.from_bytes(rnd(8), "big") % (i + 1)
        slots[i], slots[j] = slots[j], slots[i]
    head = bytes([1, code]) + E + b"".join(slots)
    fixed = SALT + len(head) + TAG
    total = padme(fixed + len(record))
    if total > BODY_MAX:
        raise ValueError("record too long")
    plain = record.ljust(total - fixed, b"\0")
    return salt + head + xseal(content_key, ZERO24, plain, head + log)


def _parts(body):
    content = body[SALT:]
    if len(content) < HEAD or content[0] != 1 or content[1] >= len(SIZES):
        raise NotOpened("layout")
    at = HEAD + SLOT * SIZES[content[1]]
    if len(content) < at + TAG + 1:
        raise NotOpened("layout")
    return content[2:34], content[HEAD:at], content[:at], content[at:]


def open_with_key(body, log, content_key):
    """The record's bytes, from a content key."""
    E, _, head, sealed = _parts(body)
    if x_public(ephemeral(content_key)) != E:
        raise NotOpened("the content key is not this body's")
    try:
        plain = xopen(content_key, ZERO24, sealed, head + log)
    except CryptoError as e:
        raise NotOpened(str(e)) from None
    try:
        _, used = mp.decode_first(plain)
    except mp.Malformed as e:
        raise NotOpened(str(e)) from None
    if plain[used:].strip(b"\0"):
        raise NotOpened("bytes after the record")
    return plain[:used]


def find_key(body, reader_secret, author_keys):
    """The content key, from a slot; author_keys are the reading keys that the author may have used."""
    E, slots, _, _ = _parts(body)
    R = x_public(reader_secret)
    for A in author_keys:
        try:
            d = x25519(reader_secret, A)
        except CryptoError:
            continue
        hint = _hint(d, E)
        for i in range(0, len(slots), SLOT):
            if slots[i : i + 8] == hint:
                try:
                    return aead_open(H("quire.slot", x25519(reader_secret, E) + d + E + R), slots[i + 8 : i + SLOT])
                except CryptoError:
                    continue
    raise NotOpened("no slot")


def open_body(body, log, reader_secret, author_keys):
    """(record, content key)."""
    key = find_key(body, reader_secret, author_keys)
    return open_with_key(body, log, key), key
