"""Canonical N-Quads of the shapes of SPEC 17.5 and 17.6, from a closed vocabulary (SPEC 17.4).

Every object of these shapes has an id, so that there are no blank nodes, and RDFC-1.0 comes down to sorting. Only a
proof's options are one blank node, which is named _:c14n0.
"""
import re

OB = "https://purl.imsglobal.org/spec/vc/ob/vocab.html#"
CRED = "https://www.w3.org/2018/credentials#"
SEC = "https://w3id.org/security#"
SCHEMA = "https://schema.org/"
XSD_DATETIME = "http://www.w3.org/2001/XMLSchema#dateTime"
XSD_ANYURI = "https://www.w3.org/2001/XMLSchema#anyURI"  # with https, as the context of Open Badges has it
RDF_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"

CONTEXT = ["https://www.w3.org/ns/credentials/v2", "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"]

TYPES = {
    "VerifiableCredential": CRED + "VerifiableCredential",
    "Alignment": SCHEMA + "AlignmentObject",
    "DataIntegrityProof": SEC + "DataIntegrityProof",
    **{name: OB + name for name in ("OpenBadgeCredential EndorsementCredential Profile AchievementSubject Achievement IdentifierEntry ResultDescription "
                                    "RubricCriterionLevel Result Evidence EndorsementSubject").split()},
}

TEXT, NODE = "text", "node"  # a plain literal; an object, or the IRI of one. Anything else is a datatype.

EVERYWHERE = {
    "name": (SCHEMA + "name", TEXT),
    "description": (SCHEMA + "description", TEXT),
    "inLanguage": (SCHEMA + "inLanguage", TEXT),
    "narrative": (OB + "narrative", TEXT),
    "digestSRI": (CRED + "digestSRI", CRED + "sriString"),
    "mediaType": (SCHEMA + "encodingFormat", TEXT),
}

SCOPED = {
    "VerifiableCredential": {
        "issuer": (CRED + "issuer", NODE),
        "credentialSubject": (CRED + "credentialSubject", NODE),
        "evidence": (CRED + "evidence", NODE),
        "relatedResource": (CRED + "relatedResource", NODE),
        "validFrom": (CRED + "validFrom", XSD_DATETIME),
        "validUntil": (CRED + "validUntil", XSD_DATETIME),
    },
    "AchievementSubject": {"achievement": (OB + "achievement", NODE), "result": (OB + "result", NODE)},
    "Achievement": {
        "achievementType": (OB + "achievementType", TEXT),
        "alignment": (OB + "alignment", NODE),
        "criteria": (OB + "Criteria", NODE),
        "otherIdentifier": (OB + "otherIdentifier", NODE),
        "resultDescription": (OB + "resultDescription", NODE),
        "tag": (SCHEMA + "keywords", TEXT),
    },
    "Alignment": {
        "targetCode": (OB + "targetCode", TEXT),
        "targetFramework": (SCHEMA + "targetFramework", TEXT),
        "targetName": (SCHEMA + "targetName", TEXT),
        "targetUrl": (SCHEMA + "targetUrl", XSD_ANYURI),
    },
    "IdentifierEntry": {"identifier": (OB + "identifier", TEXT), "identifierType": (OB + "identifierType", TEXT)},
    "ResultDescription": {
        "requiredLevel": (OB + "requiredLevel", XSD_ANYURI),
        "resultType": (OB + "resultType", TEXT),
        "rubricCriterionLevel": (OB + "rubricCriterionLevel", NODE),
    },
    "RubricCriterionLevel": {"points": (OB + "points", TEXT)},
    "Result": {"achievedLevel": (OB + "achievedLevel", XSD_ANYURI), "resultDescription": (OB + "resultDescription", XSD_ANYURI)},
    "EndorsementSubject": {"endorsementComment": (OB + "endorsementComment", TEXT)},
    "DataIntegrityProof": {
        "created": ("http://purl.org/dc/terms/created", XSD_DATETIME),
        "cryptosuite": (SEC + "cryptosuite", SEC + "cryptosuiteString"),
        "proofPurpose": (SEC + "proofPurpose", NODE),
        "verificationMethod": (SEC + "verificationMethod", NODE),
    },
}


class NotOurs(ValueError):
    """A document outside of the closed vocabulary."""


_NAMED = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def literal(text, datatype=None):
    escaped = re.sub('[\x00-\x1f"\\\\\x7f]', lambda m: _NAMED.get(m[0]) or f"\\u{ord(m[0]):04X}", text)
    return f'"{escaped}"' + (f"^^<{datatype}>" if datatype else "")


def iri(text):
    if not isinstance(text, str) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20<>\"{}|^`\\\x7f]+", text):
        raise NotOurs("not an absolute IRI")
    return f"<{text}>"


def _objects(value, kind, quads):
    if isinstance(value, dict):
        if kind != NODE:
            raise NotOurs("an object in the place of a text")
        return _node(value, quads)
    if not isinstance(value, str):
        raise NotOurs("neither a text nor an object")
    if kind == NODE:
        return iri(value)
    return literal(value, None if kind == TEXT else kind)


def _node(node, quads, name=None):
    subject = name or iri(node.get("id"))
    types = node.get("type", [])
    types = types if isinstance(types, list) else [types]
    terms = dict(EVERYWHERE)
    for t in types:
        if not isinstance(t, str) or t not in TYPES:
            raise NotOurs("a type outside of the vocabulary")
        terms.update(SCOPED.get(t, {}))
        quads.add(f"{subject} <{RDF_TYPE}> <{TYPES[t]}> .\n")
    for term, value in node.items():
        if term in ("id", "type", "@context"):
            continue
        if term not in terms:
            raise NotOurs(f"{term} is not in the vocabulary")
        predicate, kind = terms[term]
        for item in value if isinstance(value, list) else [value]:
            quads.add(f"{subject} <{predicate}> {_objects(item, kind, quads)} .\n")
    return subject


def canonical(document):
    """The canonical N-Quads of a credential without proofs, as str."""
    if document.get("@context") != CONTEXT:
        raise NotOurs("another @context")
    quads = set()
    _node(document, quads)
    return "".join(sorted(quads))


def canonical_options(options):
    """Those of a proof's options (without proofValue)."""
    quads = set()
    options = {k: v for k, v in options.items() if k != "@context"}
    if options.get("proofPurpose") != "assertionMethod" or "id" in options:
        raise NotOurs("not the options of a proof of ours")
    _node({**options, "proofPurpose": SEC + "assertionMethod"}, quads, "_:c14n0")
    return "".join(sorted(quads))
