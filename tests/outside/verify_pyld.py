"""verify_pyld.py CONTEXTS FILE... -- what PyLD and python3-cryptography say about credentials, without a network.

One line of JSON for each file: jcs and rdfc. CONTEXTS is written by `verify.mjs --contexts`. Exit status 0 whatever the verdicts.
"""
import datetime
import json
import re
import sys

import proofs

V2 = "https://www.w3.org/ns/credentials/v2"


def moment(text, what):
    if not isinstance(text, str) or not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", text, re.ASCII):
        raise proofs.Refused(f"{what} is not a time")
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def check_shape(doc):
    """The rules of Verifiable Credentials 2.0 that a signature alone does not keep."""
    if not isinstance(doc, dict) or not isinstance(doc.get("@context"), list) or doc["@context"][:1] != [V2]:
        raise proofs.Refused(f"the first @context is not {V2}")
    if "VerifiableCredential" not in doc.get("type", []) or not doc.get("credentialSubject"):
        raise proofs.Refused("not a VerifiableCredential with a subject")
    now = datetime.datetime.now(datetime.timezone.utc)
    if "validFrom" in doc and moment(doc["validFrom"], "validFrom") > now:
        raise proofs.Refused("not valid yet")
    if "validUntil" in doc and moment(doc["validUntil"], "validUntil") < now:
        raise proofs.Refused("no longer valid")


def verdict(text, suite, contexts):
    try:
        doc = proofs.parse(text)
        check_shape(doc)
        found = doc.get("proof", [])
        found = found if isinstance(found, list) else [found]
        mine = [p for p in found if p.get("type") == "DataIntegrityProof" and p.get("cryptosuite") == proofs.SUITES[suite]]
        if not mine:
            raise proofs.Refused("no proof of this suite")
        for proof in mine:
            if "created" in proof:
                moment(proof["created"], "created")
            proofs.check_proof(doc, proof, suite, contexts)
    except Exception as e:  # noqa: BLE001 - whatever goes wrong, the credential is refused
        return {"ok": False, "why": f"{type(e).__name__}: {str(e)[:300]}"}
    return {"ok": True}


def main(contexts, files):
    contexts = proofs.Contexts(contexts)
    proofs.close_network()
    for path in files:
        with open(path, encoding="utf-8") as f:
            text = f.read()
        print(json.dumps({"file": path, **{s: verdict(text, s, contexts) for s in proofs.SUITES}}))


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2:])
