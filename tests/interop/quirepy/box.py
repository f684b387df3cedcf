"""crypto_box_seal, as libsodium defines it: X25519, XSalsa20 and Poly1305, from an ephemeral key and a nonce made of both public keys."""
import hashlib
import hmac
import struct

from cryptography.hazmat.primitives.poly1305 import Poly1305

from .prim import CryptoError, x25519, x_public

SEALED_MORE = 48
CONSTANT = struct.unpack("<4I", b"expand 32-byte k")


def _double_rounds(x):
    """Ten times a column round and a row round of Salsa20."""
    columns = [[(a + s) % 16 for a in (0, 4, 8, 12)] for s in (0, 5, 10, 15)]
    rows = [[4 * r + (r + i) % 4 for i in range(4)] for r in range(4)]
    for _ in range(10):
        for lines in (columns, rows):
            for line in lines:
                for step, turn in enumerate((7, 9, 13, 18)):
                    to, a, b = line[(step + 1) % 4], line[step], line[(step + 3) % 4]
                    v = (x[a] + x[b]) & 0xFFFFFFFF
                    x[to] ^= (v << turn | v >> 32 - turn) & 0xFFFFFFFF
    return x


def _state(key, middle):
    k = struct.unpack("<8I", key)
    return [CONSTANT[0], *k[:4], CONSTANT[1], *struct.unpack("<4I", middle), CONSTANT[2], *k[4:], CONSTANT[3]]


def hsalsa20(key, middle):
    x = _double_rounds(_state(key, middle))
    return struct.pack("<8I", *[x[i] for i in (0, 5, 10, 15, 6, 7, 8, 9)])


def _stream(key, nonce, size):
    key, out = hsalsa20(key, nonce[:16]), b""
    for n in range(-(-size // 64)):
        before = _state(key, nonce[16:] + struct.pack("<Q", n))
        out += struct.pack("<16I", *[(a + b) & 0xFFFFFFFF for a, b in zip(_double_rounds(list(before)), before)])
    return out[:size]


def _xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def box(secret, public, nonce, plain):
    """crypto_box: tag and ciphertext."""
    stream = _stream(hsalsa20(x25519(secret, public), bytes(16)), nonce, 32 + len(plain))
    sealed = _xor(plain, stream[32:])
    return Poly1305.generate_tag(stream[:32], sealed) + sealed


def _nonce(eph, recipient):
    return hashlib.blake2b(eph + recipient, digest_size=24).digest()


def seal(recipient, plain, eph):
    """What only the holder of the recipient's secret opens; eph is an ephemeral secret."""
    public = x_public(eph)
    return public + box(eph, recipient, _nonce(public, recipient), plain)


def seal_open(secret, sealed):
    if len(sealed) < SEALED_MORE:
        raise CryptoError("too short")
    eph, tag, data = sealed[:32], sealed[32:48], sealed[48:]
    stream = _stream(hsalsa20(x25519(secret, eph), bytes(16)), _nonce(eph, x_public(secret)), 32 + len(data))
    if not hmac.compare_digest(Poly1305.generate_tag(stream[:32], data), tag):
        raise CryptoError("tag")
    return _xor(data, stream[32:])
