"""Bare credentials, whoever made them (SPEC 17.8): shape, proofs and days. The verdict is never better than unknown."""
import datetime
import re

from . import didkey, proof

V2, OB = "https://www.w3.org/ns/credentials/v2", "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0."
CREDENTIALS = {"EndorsementCredential", "OpenBadgeCredential", "AchievementCredential"}


class BadShape(ValueError):
    """A credential without the shape of Open Badges 3.0."""


def need(condition, what):
    if not condition:
        raise BadShape(what)


def _uri(v):
    return isinstance(v, str) and re.fullmatch(r'[A-Za-z][A-Za-z0-9+.-]*:[^\s"<>]+', v) is not None


def _text(v):
    return isinstance(v, str) and v != ""


def _typed(v, name):
    return isinstance(v, dict) and (v.get("type") == name or (isinstance(v.get("type"), list) and name in v["type"]))


def moment(v):
    """A time as section 17.3 writes it, of 1970 or later."""
    need(isinstance(v, str) and re.fullmatch(proof.TIME, v), "a time")
    try:
        found = datetime.datetime.fromisoformat(re.sub(r"\.(\d{1,6})\d*", lambda m: "." + m[1].ljust(6, "0"), v).replace("Z", "+00:00"))
    except ValueError:
        raise BadShape("a time that there is not") from None
    need(found.year >= 1970, "a time before 1970")
    return found


def _shape(d):
    kinds, context = d.get("type"), d.get("@context")
    need(isinstance(kinds, list) and "VerifiableCredential" in kinds and CREDENTIALS & {k for k in kinds if isinstance(k, str)}, "type")
    need(isinstance(context, list) and len(context) >= 2 and context[0] == V2 and isinstance(context[1], str) and context[1].startswith(OB), "@context")
    need(_uri(d.get("id")), "id")
    need(_text(d.get("name")), "name")
    issuer = d.get("issuer")
    need(_uri(issuer) or (_typed(issuer, "Profile") and _uri(issuer.get("id")) and isinstance(issuer.get("name", ""), str)), "issuer")
    subject = d.get("credentialSubject")
    need(isinstance(subject, dict), "credentialSubject")
    if "EndorsementCredential" in kinds:
        need(_typed(subject, "EndorsementSubject") and _uri(subject.get("id")) and isinstance(subject.get("endorsementComment", ""), str), "credentialSubject")
        return
    achievement = subject.get("achievement")
    need(_typed(subject, "AchievementSubject") and ("id" in subject or "identifier" in subject), "credentialSubject")
    need(_typed(achievement, "Achievement") and _uri(achievement.get("id")), "achievement")
    need(_text(achievement.get("name")) and _text(achievement.get("description")) and isinstance(achievement.get("criteria"), dict), "achievement")


def days(d, at, result):
    """Whether the time for which it is judged lies within the credential's days."""
    try:
        if at < moment(d.get("validFrom")):
            result.reasons.append("not valid yet")
        if "validUntil" in d and at > moment(d["validUntil"]):
            result.reasons.append("no longer valid")
    except BadShape as e:
        result.reasons.append(f"the credential: {e}")


def _proofs(d, result):
    found = d.get("proof", [])
    found = found if isinstance(found, list) else [found]
    need(1 <= len(found) <= 16, "number of proofs")
    issuer = d["issuer"] if isinstance(d["issuer"], str) else d["issuer"]["id"]
    good = 0
    for p in found:
        try:
            key, hint = proof.check_one(d, p)
        except proof.Unknown as e:
            result.notes.append(f"a proof that cannot be judged: {e}")
            continue
        name, mark, _ = p["verificationMethod"].partition("#")
        if issuer.startswith("did:key:"):
            need(didkey.did(key) == issuer, "a proof is not by the issuer's key")
        elif mark:
            need(name == issuer, "a proof is not by the issuer's key")
        if hint or not issuer.startswith("did:key:"):
            result.missing.append("nothing shows that the key of a proof is the issuer's")
        good += 1
    if not good:
        result.missing.append("no proof of a kind that can be judged holds")


def _is_one(d):
    """Whether a JSON object calls itself a credential."""
    context = d.get("@context")
    first = context[0] if isinstance(context, list) and context else context
    known = isinstance(first, str) and first.startswith("https://www.w3.org/ns/credentials/")
    return _typed(d, "VerifiableCredential") or ("proof" in d and known) or str(d.get("id")).startswith("urn:quire:")


def judge(d, at, result):
    if not _is_one(d):
        result.missing.append("it is JSON, but no credential")
        return
    try:
        _shape(d)
        if d["id"].startswith(("urn:quire:award:", "urn:quire:endorsement:")):
            proof.check(d)
            result.notes.append("a Quire badge, or an endorsement of one, without its proof bundle")
        _proofs(d, result)
    except (BadShape, proof.BadProof) as e:
        result.reasons.append(f"the credential: {e}")
    days(d, at, result)
    if "credentialStatus" in d:
        result.missing.append("its status list, which nobody was asked for")
    result.missing.append("a bare credential: nothing shows who the issuer is")
