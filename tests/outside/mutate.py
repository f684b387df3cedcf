"""mutate.py CONTEXTS FILE N SEED FOLDER -- N copies of a signed credential, each with one signed thing changed.

FOLDER gets 0000.json, the credential unchanged, then 0001.json ..., and index.jsonl: a line for each copy with its file, what
was changed, and which suites sign that (jcs, rdfc): their verifiers must refuse the copy. Only meaning is changed, never
white space or the order of keys.
"""
import copy
import hashlib
import json
import os
import random
import sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import proofs

BOTH = ("jcs", "rdfc")
# Optional terms of the two contexts, by the type of object that they belong to.
DEFINED = {
    "VerifiableCredential": {"description": "A description that nobody signed.", "validUntil": "2999-01-01T00:00:00Z"},
    "Profile": {"description": "Signs whatever one likes.", "phone": "+440000000000", "official": "Somebody Else"},
    "Achievement": {"humanCode": "EX-1", "specialization": "Everything", "fieldOfStudy": "Everything", "version": "99"},
    "AchievementSubject": {"activityEndDate": "2999-01-01T00:00:00Z", "creditsEarned": 120},
    "Result": {"status": "Completed", "value": "100"},
    "Evidence": {"description": "Better than it was.", "audience": "everybody"},
}


class Place:
    """One member of an object or element of an array, by its path from the top."""

    def __init__(self, path, value):
        self.path, self.value = path, value

    def __str__(self):
        return ".".join(map(str, self.path)) or "the credential"

    def parent(self, doc):
        for key in self.path[:-1]:
            doc = doc[key]
        return doc

    def get(self, doc):
        return self.parent(doc)[self.path[-1]] if self.path else doc

    def set(self, doc, value):
        self.parent(doc)[self.path[-1]] = value

    def delete(self, doc):
        del self.parent(doc)[self.path[-1]]


def places(value, path=()):
    yield Place(path, value)
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in items:
        yield from places(member, (*path, key))


def as_list(value):
    return value if isinstance(value, list) else [value]


def other_character(rng, text):
    at = rng.randrange(len(text))
    kinds = ["0123456789", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"]
    choice = next((k for k in kinds if text[at] in k), "xyz").replace(text[at], "")
    return text[:at] + rng.choice(choice) + text[at + 1 :]


class Mutator:
    def __init__(self, doc, rng, contexts):
        self.doc, self.rng, self.contexts = doc, rng, contexts
        self.proofs = as_list(doc["proof"])
        body = {k: v for k, v in doc.items() if k != "proof"}
        # Contexts are no data: a change there is its own kind (the proof's members).
        self.places = [p for p in places(body) if "@context" not in p.path]
        self.stranger = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(rng.randbytes(32)).digest())

    def suites_of_member(self, place):
        """RDF has one node for each id: what another object with the same id says too does not go away with this member."""
        key, parent = place.path[-1], place.parent(self.doc)
        values = as_list(place.value)
        for p in self.places:
            twin = isinstance(p.value, dict) and p.path != place.path[:-1] and "id" in parent and p.value.get("id") == parent["id"]
            if twin and key != "id" and all(v in as_list(p.value.get(key, [])) for v in values):
                return ("jcs",)
        return BOTH if values and place.value is not None else ("jcs",)

    # Each kind gives (copy, what was changed, suites), or None where there is nothing of the kind.

    def text(self):
        place = self.rng.choice([p for p in self.places if isinstance(p.value, str) and p.value])
        doc = copy.deepcopy(self.doc)
        place.set(doc, other_character(self.rng, place.value))
        return doc, f"text of {place}: {place.get(doc)[:60]}", BOTH

    def number(self):
        numbers = [p for p in self.places if isinstance(p.value, (bool, int, float))]
        if not numbers:
            return None
        place, doc = self.rng.choice(numbers), copy.deepcopy(self.doc)
        place.set(doc, not place.value if isinstance(place.value, bool) else place.value + self.rng.choice([1, -1]))
        return doc, f"number {place}", BOTH

    def order(self):
        lists = [p for p in self.places if isinstance(p.value, list) and len(p.value) > 1 and p.value[0] != p.value[-1]]
        if not lists:
            return None
        place, doc = self.rng.choice(lists), copy.deepcopy(self.doc)
        place.get(doc).reverse()
        # An array is a set in RDF, unless the context says @list, which these do not.
        return doc, f"order of {place}", BOTH if place.get(doc) == place.value else ("jcs",)

    def added(self):
        options = []
        for p in self.places:
            if isinstance(p.value, dict) and isinstance(p.value.get("type"), list):
                for t in p.value["type"]:
                    options += [(p, k, v) for k, v in DEFINED.get(t, {}).items() if k not in p.value]
        place, key, value = self.rng.choice(options)
        doc = copy.deepcopy(self.doc)
        place.get(doc)[key] = value
        return doc, f"{key} added to {place}", BOTH

    def undefined(self):
        place = self.rng.choice([p for p in self.places if isinstance(p.value, dict)])
        doc, key = copy.deepcopy(self.doc), f"unheardOf{self.rng.randrange(1000)}"
        place.get(doc)[key] = "x"
        return doc, f"{key}, which no context defines, added to {place}", BOTH

    def removed(self):
        place = self.rng.choice([p for p in self.places if p.path and isinstance(p.path[-1], str)])
        doc = copy.deepcopy(self.doc)
        place.delete(doc)
        return doc, f"{place} removed", self.suites_of_member(place)

    def suite_of(self, at):
        return next(s for s, name in proofs.SUITES.items() if name == self.proofs[at]["cryptosuite"])

    def with_proof(self, at, change, what):
        doc = copy.deepcopy(self.doc)
        change(as_list(doc["proof"])[at])
        suite = self.suite_of(at)
        return doc, f"{suite} proof: {what}", (suite,)

    def proof_member(self):
        at = self.rng.randrange(len(self.proofs))
        proof = self.proofs[at]
        key = self.rng.choice([k for k in proof if k not in ("proofValue", "@context")])
        ways = {
            "changed": lambda p: p.update({key: other_character(self.rng, p[key])}),
            "removed": lambda p: p.pop(key),
        }
        others = {
            "proofPurpose": "authentication",
            "cryptosuite": next(n for n in proofs.SUITES.values() if n != proof["cryptosuite"]),
            "verificationMethod": self.method(),
            "created": "2001-01-01T00:00:00Z",
            "type": "Ed25519Signature2020",
        }
        if key in others:
            ways[f"is now {others[key]}"] = lambda p: p.update({key: others[key]})
        way = self.rng.choice(sorted(ways))
        return self.with_proof(at, ways[way], f"{key} {way}")

    def proof_context(self):
        at = self.rng.choice([i for i, p in enumerate(self.proofs) if "@context" in p] or [None])
        if at is None:
            return None
        ways = {
            "removed": lambda p: p.pop("@context"),
            "shorter": lambda p: p.update({"@context": p["@context"][:1]}),
            "other": lambda p: p.update({"@context": [*p["@context"], "https://www.w3.org/2018/credentials/v1"]}),
        }
        way = self.rng.choice(sorted(ways))
        return self.with_proof(at, ways[way], f"@context {way}")

    def proof_value(self):
        at, bit = self.rng.randrange(len(self.proofs)), self.rng.randrange(512)

        def flip(p):
            raw = bytearray(proofs.base58_decode(p["proofValue"][1:]))
            raw[bit // 8] ^= 1 << bit % 8
            p["proofValue"] = "z" + proofs.base58_encode(bytes(raw))

        return self.with_proof(at, flip, f"bit {bit} of proofValue")

    def method(self):
        raw = self.stranger.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return f"did:key:{proofs.multikey(raw)}#{proofs.multikey(raw)}"

    def resigned(self):
        """A good signature, but of somebody else's key, with or without that key's name."""
        at, openly = self.rng.randrange(len(self.proofs)), self.rng.random() < 0.5

        def sign(p):
            p["created"] = f"2025-01-01T00:00:{self.rng.randrange(60):02d}Z"
            if openly:
                p["verificationMethod"] = self.method()
            signature = self.stranger.sign(proofs.signed_bytes(self.doc, p, self.suite_of(at), self.contexts))
            p["proofValue"] = "z" + proofs.base58_encode(signature)

        return self.with_proof(at, sign, "signed by a stranger " + ("in his own name" if openly else "in the issuer's name"))


KINDS = ["text", "removed", "added", "proof_value", "text", "order", "proof_member", "number", "undefined", "text", "proof_context",
         "resigned", "removed", "proof_member", "proof_value"]  # fmt: skip


def mutations(doc, n, seed, contexts):
    mutator = Mutator(doc, random.Random(seed), contexts)
    has = {mutator.suite_of(i) for i in range(len(mutator.proofs))}
    seen = {json.dumps(doc, sort_keys=True)}
    made = 0
    for i in range(50 * n + 1000):
        if made == n:
            return
        change = getattr(mutator, KINDS[i % len(KINDS)])()
        if change is None:
            continue
        changed, what, suites = change
        suites, text = [s for s in suites if s in has], json.dumps(changed, sort_keys=True)
        if suites and text not in seen:
            seen.add(text)
            made += 1
            yield changed, what, suites
    if made < n:
        raise SystemExit(f"only {made} different changes found, not {n}")


def main(contexts, path, n, seed, folder):
    with open(path, encoding="utf-8") as f:
        doc = proofs.parse(f.read())
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "index.jsonl"), "w", encoding="utf-8") as index:
        for i, (changed, what, suites) in enumerate([(doc, "unchanged", []), *mutations(doc, n, seed, proofs.Contexts(contexts))]):
            name = os.path.join(folder, f"{i:04d}.json")
            with open(name, "w", encoding="utf-8") as f:
                json.dump(changed, f, ensure_ascii=False)
            index.write(json.dumps({"file": name, "change": what, "suites": suites}) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
