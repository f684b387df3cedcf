"""Credentials of awards and endorsements, built from what they certify (SPEC 17.5 and 17.6)."""
import base64
import calendar
import datetime
import hashlib
import re

from ..prim import H
from . import definition as definitions
from . import jcs
from .nquads import CONTEXT

MEDIA_TYPE = "application/vnd.quire.manifest"


def award_id(submission, definition):
    """A: from the entry ids of the submission and of the definition."""
    return H("quire.award", submission + definition)


def endorsement_id(award, reviewer):
    return H("quire.endorse", award + reviewer)


def evidence_uri(manifest):
    digest = hashlib.sha256(manifest).digest()
    return "ni:///sha-256;" + base64.urlsafe_b64encode(digest).decode("ascii").rstrip("=")


def related(manifest):
    """What binds a manifest's record, in an award and in a reviewer's endorsement alike."""
    digest = base64.b64encode(hashlib.sha256(manifest).digest()).decode("ascii")
    return [{"id": evidence_uri(manifest), "digestSRI": "sha256-" + digest, "mediaType": MEDIA_TYPE}]


def moment(text):
    """The time that a validFrom says; ValueError if it has not the form."""
    if not isinstance(text, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", text):
        raise ValueError("not a time of the form YYYY-MM-DDThh:mm:ssZ")
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")


def months_later(text, months):
    start = moment(text)
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    if year > 9999:
        raise ValueError("a year behind 9999")
    days = calendar.monthrange(year, month + 1)[1]
    return f"{year:04}-{month + 1:02}-{min(start.day, days):02}{text[10:]}"


def narrative(d):
    parts = [d["key_method"]]
    if d.get("method_components"):
        parts += ["", "Method:", *("- " + m for m in d["method_components"])]
    parts += ["", "Evidence:", *("- " + r["prompt"] for r in d["requirements"])]
    return "\n".join(parts)


def _with(target, **members):
    """target with the members that have a value."""
    target.update({k: v for k, v in members.items() if v is not None})
    return target


def _achievement(d, entry, log, seq):
    urn = "urn:quire:definition:" + entry.hex()
    achievement = {
        "id": urn, "type": ["Achievement"], "achievementType": "MicroCredential", "name": d["title"], "description": d["competency"],
        "criteria": {"id": urn + "#criteria", "narrative": narrative(d)},
        "otherIdentifier": [{"id": urn + "#entry", "type": ["IdentifierEntry"], "identifier": f"{log.hex()}:{seq}:{entry.hex()}", "identifierType": "ext:quireEntry"}],
        "resultDescription": [_criterion(urn, c) for c in d["rubric"]],
    }
    alignment = [_with({"id": f"{urn}#alignment-{i}", "type": ["Alignment"], "targetName": a["name"], "targetUrl": a["url"], "targetFramework": a["framework"]},
                       targetCode=a.get("code")) for i, a in enumerate(d.get("alignment", []))]
    return _with(achievement, inLanguage=d.get("language"), tag=d.get("tags"), alignment=alignment or None)


def _criterion(urn, c):
    base = f"{urn}#criterion-{c['id']}"
    found = [_with({"id": f"{base}-{level['id']}", "type": ["RubricCriterionLevel"], "name": level["name"], "description": level["description"]},
                   points=jcs.number(level["points"]) if "points" in level else None) for level in c["levels"]]
    return {"id": base, "type": ["ResultDescription"], "name": c["name"], "resultType": "RubricCriterionLevel", "requiredLevel": f"{base}-{c['required_level']}",
            "rubricCriterionLevel": found}


def achieved(d, scores):
    """{criterion: level}: the lowest that any of the reviews gives; scores are lists of [criterion, level, comment]."""
    found = {}
    for c in d["rubric"]:
        order = definitions.levels(c)
        found[c["id"]] = min((dict((s[0], s[1]) for s in one)[c["id"]] for one in scores), key=order.index)
    return found


def award(d, definition_ref, submission, manifest, scores, issuer, issuer_name, earner, valid_from):
    """The unsigned credential. definition_ref is [log, seq, id], submission an entry id, manifest the record's bytes, issuer and earner DIDs."""
    log, seq, entry = definition_ref
    urn, own = "urn:quire:definition:" + entry.hex(), "urn:quire:award:" + award_id(submission, entry).hex()
    evidence, levels = evidence_uri(manifest), achieved(d, scores)
    results = [{"id": f"{own}#{c['id']}", "type": ["Result"], "resultDescription": f"{urn}#criterion-{c['id']}",
                "achievedLevel": f"{urn}#criterion-{c['id']}-{levels[c['id']]}"} for c in d["rubric"]]
    return _with({
        "@context": CONTEXT, "id": own, "type": ["VerifiableCredential", "OpenBadgeCredential"], "name": d["title"],
        "issuer": {"id": issuer, "type": ["Profile"], "name": issuer_name}, "validFrom": valid_from,
        "credentialSubject": {"id": earner, "type": ["AchievementSubject"], "achievement": _achievement(d, entry, log, seq), "result": results},
        "evidence": [{"id": evidence, "type": ["Evidence"], "name": "Evidence manifest"}],
        "relatedResource": related(manifest),
    }, validUntil=months_later(valid_from, d["valid_months"]) if "valid_months" in d else None)


def comment(d, scores):
    given = {s[0]: s[1] for s in scores}
    lines = ["Reviewed against the rubric:"]
    for c in d["rubric"]:
        name = next(level["name"] for level in c["levels"] if level["id"] == given[c["id"]])
        lines.append(f"- {c['name']}: {name}")
    return "\n".join(lines)


def endorsement(d, award, manifest, reviewer, scores, issuer, issuer_name, valid_from):
    """The unsigned endorsement of a review that says meets; award is A, manifest the record's bytes, reviewer an identity id, issuer the reviewer's DID."""
    return {
        "@context": CONTEXT, "id": "urn:quire:endorsement:" + endorsement_id(award, reviewer).hex(), "type": ["VerifiableCredential", "EndorsementCredential"],
        "name": "Endorsement: " + d["title"], "issuer": {"id": issuer, "type": ["Profile"], "name": issuer_name}, "validFrom": valid_from,
        "credentialSubject": {"id": "urn:quire:award:" + award.hex(), "type": ["EndorsementSubject"], "endorsementComment": comment(d, scores)},
        "relatedResource": related(manifest),
    }


def taken(document):
    """(issuer's name, validFrom): what a verifier takes from a credential itself."""
    issuer = document.get("issuer")
    name = issuer.get("name") if isinstance(issuer, dict) else None
    if not isinstance(name, str) or not 1 <= len(name.encode("utf-8")) <= 200 or definitions.blank(name):
        raise ValueError("name of the issuer")
    moment(document.get("validFrom"))
    return name, document["validFrom"]
