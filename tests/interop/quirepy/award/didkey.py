"""base58btc, Multikey and did:key of Ed25519 keys (SPEC 17.2)."""

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
ED25519 = b"\xed\x01"


class OtherKey(ValueError):
    """A Multikey of another kind than Ed25519."""


def base58(data):
    n, out = int.from_bytes(data, "big"), ""
    while n:
        n, digit = divmod(n, 58)
        out = ALPHABET[digit] + out
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + out


def base58_decode(text):
    n = 0
    for c in text:
        if c not in ALPHABET:
            raise ValueError("not base58btc")
        n = n * 58 + ALPHABET.index(c)
    zeros = len(text) - len(text.lstrip("1"))
    return bytes(zeros) + n.to_bytes((n.bit_length() + 7) // 8, "big")


def multikey(public):
    return "z" + base58(ED25519 + public)


def multikey_read(text):
    if not isinstance(text, str) or not text.startswith("z") or len(text) > 512:
        raise ValueError("not a Multikey")
    raw = base58_decode(text[1:])
    if raw[:2] != ED25519:
        raise OtherKey("a key of another kind")
    if len(raw) != 34:
        raise ValueError("not the Multikey of an Ed25519 key")
    return raw[2:]


def did(public):
    return "did:key:" + multikey(public)


def did_read(text):
    if not isinstance(text, str) or not text.startswith("did:key:"):
        raise ValueError("not a did:key")
    return multikey_read(text[8:])


def method_read(text):
    """The key of a verification method; the fragment may be missing."""
    if not isinstance(text, str):
        raise ValueError("not a verification method")
    name, mark, fragment = text.partition("#")
    if mark and "did:key:" + fragment != name:
        raise ValueError("the fragment is not the DID's Multikey")
    return did_read(name)


def method(public):
    """The verification method of a did:key: the DID, and its key once more as the fragment."""
    return did(public) + "#" + multikey(public)
