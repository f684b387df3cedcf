"""Hashes, signatures, X25519 and authenticated encryption as SPEC 1.3, 1.4 and 2.4 want them."""
import base64
import hashlib
import os
import struct

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

P25519 = 2**255 - 19
ZERO16, ZERO24, ZERO32 = bytes(16), bytes(24), bytes(32)


class CryptoError(ValueError):
    """A signature, tag or shared secret that must be refused."""


class Random:
    """Where random bytes come from: the system, or, for vectors, a seed."""

    def __init__(self, seed=None):
        self.seed, self.count = seed, 0

    def __call__(self, n):
        if self.seed is None:
            return os.urandom(n)
        out = b""
        while len(out) < n:
            out += hashlib.sha256(self.seed + struct.pack(">Q", self.count)).digest()
            self.count += 1
        return out[:n]


def H(name, data):
    """H(P, x) of SPEC 1.3."""
    return hashlib.blake2b(data, digest_size=32, person=name.encode("ascii").ljust(16, b"\0")).digest()


def SUM(ids):
    """The sum of ids modulo 2^256."""
    return (sum(int.from_bytes(i, "big") for i in ids) % (1 << 256)).to_bytes(32, "big")


def _raw(key):
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def ed_public(seed):
    return _raw(Ed25519PrivateKey.from_private_bytes(seed))


def sign(seed, domain, data):
    """SIGN(key, D, x) of SPEC 1.4."""
    return Ed25519PrivateKey.from_private_bytes(seed).sign(domain.encode("ascii") + b"\0" + data)


def _small_order_y():
    """The y of the eight points of small order: 1 (neutral), -1 (order 2), 0 (order 4), and the two of order 8.

    Doubling a point of order 8 gives one with y = 0, so x^2 = -y^2; on the curve -x^2 + y^2 = 1 + d x^2 y^2 that
    leaves d y^4 + 2 y^2 - 1 = 0, that is y^2 = (-1 + sqrt(1 + d)) / d for a root that makes y^2 a square.
    """
    p = P25519
    d = -121665 * pow(121666, p - 2, p) % p

    def root(n):
        r = pow(n, (p + 3) // 8, p)
        for candidate in (r, r * pow(2, (p - 1) // 4, p) % p):
            if candidate * candidate % p == n % p:
                return candidate
        return None

    found = {0, 1, p - 1}
    s = root(1 + d)
    for sqrt in (s, p - s):
        y = root((sqrt - 1) * pow(d, p - 2, p) % p)
        if y is not None:
            found |= {y, p - y}
    return found


SMALL_Y = _small_order_y()


def _point_allowed(encoded):
    """A canonical encoding of a point of no small order, as far as its bytes tell."""
    y = int.from_bytes(encoded, "little") & ((1 << 255) - 1)
    return y < P25519 and y not in SMALL_Y


def verify_raw(public, message, signature):
    """The rule of SPEC 1.4 on a whole message. OpenSSL checks S < L, that A decodes, and the cofactorless equation."""
    if len(signature) != 64 or len(public) != 32 or not _point_allowed(public) or not _point_allowed(signature[:32]):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def verify(public, domain, data, signature):
    return verify_raw(public, domain.encode("ascii") + b"\0" + data, signature)


def x_public(secret):
    return _raw(X25519PrivateKey.from_private_bytes(secret))


def x25519(secret, public):
    try:
        shared = X25519PrivateKey.from_private_bytes(secret).exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError:
        raise CryptoError("X25519 gave zero") from None
    if shared == ZERO32:
        raise CryptoError("X25519 gave zero")
    return shared


def hchacha20(key, nonce16):
    """The key derivation of draft-irtf-cfrg-xchacha-03."""
    s = list(struct.unpack("<4I", b"expand 32-byte k") + struct.unpack("<8I", key) + struct.unpack("<4I", nonce16))

    def quarter(a, b, c, d):
        for x, y, z, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            s[x] = (s[x] + s[y]) & 0xFFFFFFFF
            v = s[z] ^ s[x]
            s[z] = (v << turn | v >> 32 - turn) & 0xFFFFFFFF

    for _ in range(10):
        for i in range(4):
            quarter(i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return struct.pack("<8I", *s[:4], *s[12:])


def xseal(key, nonce, plain, aad=b""):
    return ChaCha20Poly1305(hchacha20(key, nonce[:16])).encrypt(bytes(4) + nonce[16:], plain, aad)


def xopen(key, nonce, sealed, aad=b""):
    if len(sealed) < 16:
        raise CryptoError("no tag")
    try:
        return ChaCha20Poly1305(hchacha20(key, nonce[:16])).decrypt(bytes(4) + nonce[16:], sealed, aad)
    except InvalidTag:
        raise CryptoError("tag") from None


def aead(key, plain):
    """AEAD(k, x) of SPEC 2.4."""
    return xseal(key, ZERO24, plain)


def aead_open(key, sealed):
    return xopen(key, ZERO24, sealed)


def wrap(recipient, context, secret, eph):
    """WRAP(R, c, s) of SPEC 2.4 with the ephemeral secret eph."""
    E = x_public(eph)
    return E + aead(H("quire.wrap", x25519(eph, recipient) + E + recipient + context), secret)


def unwrap(recipient_secret, context, wrapped):
    E, R = wrapped[:32], x_public(recipient_secret)
    return aead_open(H("quire.wrap", x25519(recipient_secret, E) + E + R + context), wrapped[32:])


def base32_lower(data):
    return base64.b32encode(data).decode("ascii").rstrip("=").lower()


def base32_lower_decode(text):
    """RFC 4648 base32 without padding; the bits that are left over must be zero."""
    upper = text.upper()
    if any(c not in "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" for c in upper) or len(upper) % 8 in (1, 3, 6):
        raise ValueError("not base32")
    data = base64.b32decode(upper + "=" * (-len(upper) % 8))
    if base32_lower(data) != text.lower():
        raise ValueError("bits after the last byte")
    return data
