"""Noise_XK_25519_ChaChaPoly_SHA256, Noise Protocol Framework revision 34. Only what SPEC 7.1 needs."""
import hashlib
import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from .prim import x25519, x_public

NAME = b"Noise_XK_25519_ChaChaPoly_SHA256"
TOKENS = (("e", "es"), ("e", "ee"), ("s", "se"))


class NoiseError(ValueError):
    """Something that does not authenticate."""


def _hkdf(chaining_key, material):
    temp = hmac.digest(chaining_key, material, "sha256")
    one = hmac.digest(temp, b"\1", "sha256")
    return one, hmac.digest(temp, one + b"\2", "sha256")


class Cipher:
    """CipherState; without a key it passes bytes through."""

    def __init__(self, key=None):
        self.key, self.nonce = key, 0

    def _nonce(self, n):
        return bytes(4) + n.to_bytes(8, "little")

    def encrypt(self, aad, plain):
        if self.key is None:
            return plain
        out = ChaCha20Poly1305(self.key).encrypt(self._nonce(self.nonce), plain, aad)
        self.nonce += 1
        return out

    def decrypt(self, aad, sealed):
        if self.key is None:
            return sealed
        try:
            out = ChaCha20Poly1305(self.key).decrypt(self._nonce(self.nonce), sealed, aad)
        except (InvalidTag, ValueError):
            raise NoiseError("tag") from None
        self.nonce += 1
        return out

    def rekey(self):
        self.key = ChaCha20Poly1305(self.key).encrypt(self._nonce(2**64 - 1), bytes(32), b"")[:32]


class Handshake:
    """One side of XK: the initiator knows the responder's static key rs."""

    def __init__(self, initiator, prologue, static, ephemeral, rs=None):
        self.initiator, self.s, self.e, self.rs, self.re = initiator, static, ephemeral, rs, None
        self.ck = self.h = NAME
        self.cipher = Cipher()
        self.step = 0
        self._mix_hash(prologue)
        self._mix_hash(rs if initiator else x_public(static))

    def _mix_hash(self, data):
        self.h = hashlib.sha256(self.h + data).digest()

    def _mix_key(self, material):
        self.ck, key = _hkdf(self.ck, material)
        self.cipher = Cipher(key)

    def _encrypt(self, plain):
        out = self.cipher.encrypt(self.h, plain)
        self._mix_hash(out)
        return out

    def _decrypt(self, sealed):
        out = self.cipher.decrypt(self.h, sealed)
        self._mix_hash(sealed)
        return out

    def _dh(self, token):
        mine, theirs = (token[0], token[1]) if self.initiator else (token[1], token[0])
        self._mix_key(x25519(self.s if mine == "s" else self.e, self.rs if theirs == "s" else self.re))

    def write(self, payload=b""):
        out = b""
        for token in TOKENS[self.step]:
            if token == "e":
                public = x_public(self.e)
                self._mix_hash(public)
                out += public
            elif token == "s":
                out += self._encrypt(x_public(self.s))
            else:
                self._dh(token)
        self.step += 1
        return out + self._encrypt(payload)

    def read(self, message):
        at = 0
        for token in TOKENS[self.step]:
            if token == "e":
                self.re, at = message[at : at + 32], at + 32
                self._mix_hash(self.re)
            elif token == "s":
                self.rs, at = self._decrypt(message[at : at + 48]), at + 48
            else:
                self._dh(token)
        self.step += 1
        return self._decrypt(message[at:])

    def split(self):
        """(cipher to send with, cipher to receive with)."""
        a, b = (Cipher(k) for k in _hkdf(self.ck, b""))
        return (a, b) if self.initiator else (b, a)
