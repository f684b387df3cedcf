"""Log entries: header, envelope, body, runs, fork proofs, erasure statements (SPEC 4 and 12.1)."""
import functools

from . import mp
from .prim import H, ZERO16, ZERO32, sign, verify

HEADER_BYTES = 162
RUN_MAX = 64
BODY_MIN, BODY_MAX = 33, 61440
SEALED, KEEP = 1, 2
ENTRY_DOMAIN = "quire entry v1"
ERASURE_DOMAIN = "quire erasure v1"


class BadEntry(ValueError):
    """A header, envelope, body, run or statement that must be refused."""


def need(condition, what):
    if not condition:
        raise BadEntry(what)


@functools.lru_cache(10000)
def log_id(identity, device_key):
    return H("quire.log", identity + device_key)


class Header:
    """The 162 bytes of SPEC 4.2."""

    def __init__(self, raw):
        need(len(raw) == HEADER_BYTES, "header length")
        u = lambda a, b: int.from_bytes(raw[a:b], "big")
        self.raw = bytes(raw)
        self.flags, self.log, self.seq, self.prev = raw[1], raw[2:34], u(34, 42), raw[42:74]
        self.hour, self.scope, self.envelope_hash = u(74, 78), raw[78:94], raw[94:126]
        self.body_bytes, self.commitment = u(126, 130), raw[130:162]
        need(raw[0] == 1, "version")
        need(self.flags & ~3 == 0, "flags")
        need(self.seq < 1 << 32, "seq")
        need(self.seq > 0 or self.prev == ZERO32, "previous of entry 0")
        need(BODY_MIN <= self.body_bytes <= BODY_MAX, "body length")
        self.id = H("quire.entry", self.raw)

    @property
    def sealed(self):
        return bool(self.flags & SEALED)


def header_bytes(flags, log, seq, prev, hour, body_bytes, commitment, envelope_hash=ZERO32, scope=ZERO16):
    return (bytes([1, flags]) + log + seq.to_bytes(8, "big") + prev + hour.to_bytes(4, "big") + scope + envelope_hash
            + body_bytes.to_bytes(4, "big") + commitment)


def commitment(body):
    return H("quire.body", body)


def sign_header(seed, header):
    return sign(seed, ENTRY_DOMAIN, header)


def envelope_hash(envelope):
    return H("quire.envelope", envelope) if envelope else ZERO32


def envelope_write(blobs=(), custodian=None, drop_after=None, was=None):
    """The envelope, or no bytes if there is nothing to say."""
    fields = {}
    if blobs:
        fields[1] = [[root, size] for root, size in blobs]
    if custodian is not None:
        fields[2] = custodian
    if drop_after is not None:
        fields[3] = drop_after
    if was is not None:
        fields[4] = list(was)
    return mp.encode(fields) if fields else b""


def _is_bin(v, n):
    return isinstance(v, bytes) and len(v) == n


def _is_uint(v, high=(1 << 32) - 1):
    return type(v) is int and 0 <= v <= high


def envelope_read(raw):
    """{'blobs', 'custodian', 'drop_after', 'was'} of an envelope; no bytes: an empty one."""
    if not raw:
        return {}
    need(len(raw) <= 1024, "envelope too long")
    try:
        m = mp.decode(raw)
    except mp.Malformed as e:
        raise BadEntry(str(e)) from None
    need(isinstance(m, dict) and m and all(type(k) is int and 1 <= k <= 4 for k in m), "envelope keys")
    found = {}
    if 1 in m:
        need(isinstance(m[1], list) and 1 <= len(m[1]) <= 16, "blobs")
        for b in m[1]:
            need(isinstance(b, list) and len(b) == 2 and _is_bin(b[0], 32) and _is_uint(b[1], 1 << 36), "blob")
        found["blobs"] = [(root, size) for root, size in m[1]]
    if 2 in m:
        need(_is_bin(m[2], 32), "custodian")
        found["custodian"] = m[2]
    if 3 in m:
        need(_is_uint(m[3]), "drop after")
        found["drop_after"] = m[3]
    if 4 in m:
        w = m[4]
        need(isinstance(w, list) and len(w) == 3 and _is_bin(w[0], 32) and _is_uint(w[1]) and _is_bin(w[2], 32), "was")
        found["was"] = tuple(w)
    return found


def check_body(header, body):
    need(len(body) == header.body_bytes, "body length")
    need(commitment(body) == header.commitment, "commitment")


def split(headers):
    need(len(headers) % HEADER_BYTES == 0 and HEADER_BYTES <= len(headers) <= RUN_MAX * HEADER_BYTES, "run length")
    return [Header(headers[i : i + HEADER_BYTES]) for i in range(0, len(headers), HEADER_BYTES)]


def chain_check(log, first, headers):
    """Headers that are a chain of this log within one interval, as the rest of a run's rule wants it."""
    run = split(headers)
    for i, h in enumerate(run):
        need(h.log == log, "log id")
        need(h.seq == first + i, "seq")
        need(i == 0 or h.prev == run[i - 1].id, "previous id")
        need(i == len(run) - 1 or h.seq % RUN_MAX != RUN_MAX - 1, "goes over the end of an interval")
    return run


def run_check(device_key, log, first, headers, signature, vouched=()):
    """The headers of a run that holds by SPEC 4.3; vouched are the ids that need no signature (Log.vouched)."""
    run = chain_check(log, first, headers)
    last = run[-1]
    if signature:
        need(verify(device_key, ENTRY_DOMAIN, last.raw, signature), "signature")
    else:
        need(last.id in vouched, "no signature")
    return run


def fork_check(device_key, log, seq, a, signature_a, b, signature_b):
    """A proof of SPEC 4.4; the fork is at seq."""
    need(len(signature_a) == 64 and len(signature_b) == 64, "signatures")
    run_a = run_check(device_key, log, seq, a, signature_a)
    run_b = run_check(device_key, log, seq, b, signature_b)
    need(run_a[0].prev == run_b[0].prev, "not the same previous id")
    need(run_a[0].id != run_b[0].id, "no difference")


STATEMENT_BYTES = 176


class Statement:
    """An erasure statement, SPEC 12.1."""

    def __init__(self, raw):
        need(len(raw) == STATEMENT_BYTES, "statement length")
        u = lambda a, b: int.from_bytes(raw[a:b], "big")
        self.raw = bytes(raw)
        self.reason, self.by, self.log, self.hour = raw[1], raw[2], raw[4:36], u(36, 40)
        self.seq, self.entry, self.generation, self.signature = u(40, 48), raw[48:80], raw[80:112], raw[112:]
        need(raw[0] == 1 and raw[3] == 0, "version")
        need(self.reason <= 4 and self.by <= 1, "reason or by")

    def check(self, signing_key):
        need(verify(signing_key, ERASURE_DOMAIN, self.raw[:112], self.signature), "signature")


def statement_write(seed, reason, by, log, hour, seq, entry, generation):
    raw = bytes([1, reason, by, 0]) + log + hour.to_bytes(4, "big") + seq.to_bytes(8, "big") + entry + generation
    return raw + sign(seed, ERASURE_DOMAIN, raw)
