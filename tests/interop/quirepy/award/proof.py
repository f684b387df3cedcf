"""Data Integrity proofs eddsa-jcs-2022 and eddsa-rdfc-2022 over credentials of our shape (SPEC 17.3)."""
import hashlib
import re

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from .. import prim
from . import didkey, jcs, nquads

JCS, RDFC = "eddsa-jcs-2022", "eddsa-rdfc-2022"
SUITES = (JCS, RDFC)
FOREIGN = {"previousProof", "expires", "domain", "challenge"}
TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})"
OPTIONS = {"type", "cryptosuite", "created", "verificationMethod", "proofPurpose"}


class BadProof(ValueError):
    """A proof that does not hold."""


class Unknown(BadProof):
    """A proof of a kind that cannot be judged: never taken as valid, and not malformed."""


def need(condition, what):
    if not condition:
        raise BadProof(what)


def known(condition, what):
    if not condition:
        raise Unknown(what)


def _hash(text):
    return hashlib.sha256(text.encode("utf-8")).digest()


def bare(document):
    return {k: v for k, v in document.items() if k != "proof"}


def signed_bytes(document, options):
    """The hash of the options, then that of the document without its proofs."""
    document = bare(document)
    if options["cryptosuite"] == JCS:
        return _hash(jcs.canonical(options)) + _hash(jcs.canonical(document))
    return _hash(nquads.canonical_options(options)) + _hash(nquads.canonical(document))


def make(document, seed, suite, created):
    """One proof; the JCS one carries the document's @context, as its recommendation wants."""
    public = prim.ed_public(seed)
    options = {"type": "DataIntegrityProof", "cryptosuite": suite, "created": created, "verificationMethod": didkey.method(public), "proofPurpose": "assertionMethod"}
    if suite == JCS:
        options["@context"] = document["@context"]
    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(signed_bytes(document, options))
    return {**options, "proofValue": "z" + didkey.base58(signature)}


def sign(document, seed):
    """The document with both proofs, made at validFrom."""
    return {**document, "proof": [make(document, seed, suite, document["validFrom"]) for suite in (JCS, RDFC)]}


def _context(v):
    return v if isinstance(v, list) else [v]


def _shape(proof):
    """Raises BadProof for a malformed proof, Unknown for one of a kind that this version does not know."""
    need(isinstance(proof, dict) and isinstance(proof.get("type"), str), "a proof without a type")
    known(proof["type"] == "DataIntegrityProof", "a proof of an unknown type")
    need(OPTIONS - {"created"} | {"proofValue"} <= set(proof), "members of a proof")
    need(all(isinstance(proof[name], str) for name in proof if name in OPTIONS | {"proofValue"}), "a member of a proof that is no text")
    need("created" not in proof or re.fullmatch(TIME, proof["created"]), "created")
    known(not FOREIGN & set(proof), "a proof for one occasion, or in a chain")
    known(proof["cryptosuite"] in SUITES, "a proof of an unknown cryptosuite")
    known(proof["proofPurpose"] == "assertionMethod", "a proof for another purpose")
    need(proof["proofValue"].startswith("z") and len(proof["proofValue"]) <= 90, "proofValue")


def _method_key(method):
    """(key, whether it is only a hint) of a verification method."""
    if method.startswith("did:key:"):
        try:
            return didkey.method_read(method), False
        except didkey.OtherKey as e:
            raise Unknown(str(e)) from None
    name, mark, fragment = method.partition("#")
    known(name and mark, "the key of a proof cannot be known from here")
    try:
        return didkey.multikey_read(fragment), True
    except ValueError:
        raise Unknown("the key of a proof cannot be known from here") from None


def check_one(document, proof):
    """(public key, whether it is only a hint) of a proof that holds (SPEC 17.3); whose key it is, is not asked here."""
    _shape(proof)
    try:
        key, hint = _method_key(proof["verificationMethod"])
        options, document = {k: v for k, v in proof.items() if k != "proofValue"}, bare(document)
        if "@context" in options:
            mine = _context(options["@context"])
            need(_context(document.get("@context"))[: len(mine)] == mine, "@context of a proof")
            if options["cryptosuite"] == JCS:
                document["@context"] = options["@context"]
        signature = didkey.base58_decode(proof["proofValue"][1:])
        need(len(signature) == 64, "proofValue")
        need(prim.verify_raw(key, signed_bytes(document, options), signature), "the signature of a proof is not good")
    except BadProof:
        raise
    except nquads.NotOurs as e:
        raise Unknown(str(e)) from None
    except ValueError as e:
        raise BadProof(str(e)) from None
    return key, hint


def check(document):
    """The one key that made both proofs, one of each suite, at validFrom."""
    proofs = document.get("proof")
    need(isinstance(proofs, list) and len(proofs) == 2, "there must be two proofs")
    found = [check_one(document, p) for p in proofs]
    need(not any(hint for _, hint in found), "a key that is only a hint")
    keys = [key for key, _ in found]
    need({p["cryptosuite"] for p in proofs} == set(SUITES), "not one proof of each suite")
    need(all(p.get("created") == document.get("validFrom") for p in proofs), "created is not validFrom")
    issuer = document.get("issuer")
    need(isinstance(issuer, dict) and all(didkey.did(k) == issuer.get("id") for k in keys), "the key of a proof is not the issuer's")
    return keys[0]
