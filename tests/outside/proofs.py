"""proofs -- eddsa-jcs-2022 and eddsa-rdfc-2022 with PyLD and python3-cryptography, without a network.

Shared by verify_pyld.py and mutate.py; from the words of the W3C recommendations alone.
"""
import hashlib
import json
import math
import re
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pyld import jsonld

SUITES = {"jcs": "eddsa-jcs-2022", "rdfc": "eddsa-rdfc-2022"}
ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
UNDEFINED = "undefined.invalid"


class Refused(Exception):
    """Why a proof does not hold."""


def close_network():
    """From now on every socket, name look-up and child process of this interpreter is an error."""

    def hook(event, args):
        if event.startswith(("socket.", "subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn")):
            raise PermissionError(f"the network is closed: {event} {args}")

    sys.addaudithook(hook)


def parse(text):
    """JSON, but a key that is there twice is an error."""

    def pairs(items):
        d = dict(items)
        if len(d) != len(items):
            raise Refused("a key stands twice in an object")
        return d

    return json.loads(text, object_pairs_hook=pairs)


# ---- base58btc and keys


def base58_decode(text):
    n = 0
    for c in text:
        at = ALPHABET.find(c)
        if at < 0:
            raise Refused(f"{c!r} is not in base58btc")
        n = n * 58 + at
    zeros = len(text) - len(text.lstrip("1"))
    return bytes(zeros) + n.to_bytes((n.bit_length() + 7) // 8, "big")


def base58_encode(data):
    n, out = int.from_bytes(data, "big"), ""
    while n:
        n, r = divmod(n, 58)
        out = ALPHABET[r] + out
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + out


def multikey(public):
    return "z" + base58_encode(b"\xed\x01" + public)


def key_of(method):
    """The DID and the public key of "did:key:z6Mk…#z6Mk…"."""
    m = re.fullmatch(r"(did:key:(z6Mk\w+))#(\w+)", method, re.ASCII) if isinstance(method, str) else None
    if not m or m[2] != m[3]:
        raise Refused(f"not a did:key of an Ed25519 key: {method}")
    raw = base58_decode(m[2][1:])
    if len(raw) != 34 or raw[:2] != b"\xed\x01":
        raise Refused(f"not a Multikey of an Ed25519 key: {method}")
    return m[1], raw[2:]


# ---- canonical forms


def number(x):
    """As ECMAScript writes it (RFC 8785 section 3.2.2.3)."""
    x = float(x)
    if not math.isfinite(x):
        raise Refused("a number that is not finite")
    if x == 0:
        return "0"
    digits, _, exponent = f"{abs(x)!r}".partition("e")
    whole, _, fraction = digits.partition(".")
    fraction = "" if fraction == "0" else fraction
    point = len(whole) + int(exponent or 0)
    digits = (whole + fraction).lstrip("0")
    point -= len(whole + fraction) - len(digits)
    digits = digits.rstrip("0")
    sign, k = "-" if x < 0 else "", len(digits)
    if k <= point <= 21:
        return sign + digits + "0" * (point - k)
    if 0 < point <= 21:
        return sign + digits[:point] + "." + digits[point:]
    if -6 < point <= 0:
        return sign + "0." + "0" * -point + digits
    e = f"e{point - 1:+d}"
    return sign + digits[0] + ("." + digits[1:] if k > 1 else "") + e


def jcs(v):
    if isinstance(v, dict):
        keys = sorted(v, key=lambda k: k.encode("utf-16-be"))
        return "{" + ",".join(jcs(k) + ":" + jcs(v[k]) for k in keys) + "}"
    if isinstance(v, list):
        return "[" + ",".join(map(jcs, v)) + "]"
    if isinstance(v, (int, float)) and not isinstance(v, bool):
        return number(v)
    return json.dumps(v, ensure_ascii=False)


class Contexts:
    """Those of a file {url: context}; nothing else is ever loaded."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as f:
            self.known = json.load(f)

    def load(self, url, _options=None):
        if url not in self.known:
            raise Refused(f"not available offline: {url}")
        return {"contextUrl": None, "documentUrl": url, "contentType": "application/ld+json", "document": self.known[url]}

    def quads(self, doc):
        """RDFC-1.0. PyLD 2.0 leaves most control characters as they are; the recommendation escapes them."""
        text = jsonld.normalize(
            doc, {"algorithm": "URDNA2015", "format": "application/n-quads", "documentLoader": self.load, "base": ""}
        )
        named = {"\b": "\\b", "\f": "\\f"}
        text = re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", lambda m: named.get(m[0], f"\\u{ord(m[0]):04X}"), text)
        return "".join(sorted(text.splitlines(keepends=True)))

    def demand_defined(self, doc):
        """PyLD drops terms that no context defines; what would be dropped becomes visible here."""
        context = doc.get("@context")
        context = context if isinstance(context, list) else [context]
        shown = {**doc, "@context": [{"@vocab": f"https://{UNDEFINED}/"}, *context]}
        expanded = json.dumps(jsonld.expand(shown, {"documentLoader": self.load, "base": f"https://{UNDEFINED}/"}))
        if UNDEFINED in expanded:
            at = expanded.index(UNDEFINED)
            raise Refused(f"no context defines {expanded[at : at + 60]}")


def sha256(text):
    return hashlib.sha256(text.encode()).digest()


def signed_bytes(doc, proof, suite, contexts):
    """What is signed: the hash of the proof without its value, then that of the document without proofs."""
    config = {k: v for k, v in proof.items() if k != "proofValue"}
    doc = {k: v for k, v in doc.items() if k != "proof"}
    if suite == "rdfc":
        contexts.demand_defined(doc)
        return sha256(contexts.quads({**config, "@context": doc.get("@context")})) + sha256(contexts.quads(doc))
    if "@context" in config:
        mine = config["@context"] if isinstance(config["@context"], list) else [config["@context"]]
        theirs = doc.get("@context") if isinstance(doc.get("@context"), list) else [doc.get("@context")]
        if theirs[: len(mine)] != mine:
            raise Refused("the document's @context does not start with the proof's")
        doc["@context"] = config["@context"]
    return sha256(jcs(config)) + sha256(jcs(doc))


def check_proof(doc, proof, suite, contexts):
    if proof.get("proofPurpose") != "assertionMethod":
        raise Refused("proofPurpose is not assertionMethod")
    did, public = key_of(proof.get("verificationMethod"))
    issuer = doc.get("issuer")
    if did != (issuer.get("id") if isinstance(issuer, dict) else issuer):
        raise Refused("the key is not the issuer's")
    value = proof.get("proofValue")
    if not isinstance(value, str) or not value.startswith("z"):
        raise Refused("proofValue is not base58btc")
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(base58_decode(value[1:]), signed_bytes(doc, proof, suite, contexts))
    except InvalidSignature:
        raise Refused("the signature is not good") from None
