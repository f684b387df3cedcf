"""Which records count, and what state submissions and awards are in (SPEC 16.3 to 16.9). Each rule gives a Why."""
from . import credential, definition, didkey, jcs, proof
from .facts import Why, before, evidence_digest

ATTESTS = {"own-work", "consents-held", "no-names"}
STEPS_MAX = 64


class Definition:
    """A microcredential that was read: its line are the refs of itself and of what it descends from."""

    def __init__(self, fact, content, line, why):
        self.fact, self.content, self.line, self.why = fact, content, line, why

    @property
    def reviewers(self):
        return self.content["review"]["reviewers"]


class Judge:
    def __init__(self, facts):
        self.facts = facts
        self._read, self._definitions, self._submissions, self._reviews = {}, {}, {}, {}

    # -- definitions and appointments

    def _one_definition(self, ref):
        """(fact, content, why) of one, without what it descends from."""
        key = tuple(ref)
        if key not in self._read:
            self._read[key] = self._read_definition(ref)
        fact, content, why = self._read[key]
        return fact, content, Why(why)

    def _read_definition(self, ref):
        fact, why = self.facts.find(ref, "microcredential", "the definition")
        content = None
        if fact is not None:
            why += self.facts.act(fact)
            try:
                content = jcs.read_canonical(fact["definition"])
                definition.check(content)
            except ValueError as e:
                content = None
                why.wrong(f"the definition is none: {e}")
        return fact, content, why

    def definition(self, ref):
        key = tuple(ref)
        if key not in self._definitions:
            fact, content, why = self._one_definition(ref)
            line, now = [key], fact
            while now is not None and now.get("supersedes") is not None and len(line) <= STEPS_MAX:
                earlier, _, bad = self._one_definition(now["supersedes"])
                if earlier is None or bad or earlier.identity != fact.identity:
                    break
                now = earlier
                line.append(tuple(now.ref))
            self._definitions[key] = Definition(fact, content, line, why)
        return self._definitions[key]

    def appointments(self, d, reviewer):
        """The appointments of a reviewer that cover a definition, ended or not."""
        found = [a for a in self.facts.acts("appointment", d.fact.identity) if a["reviewer"] == reviewer and tuple(a["for"]) in d.line]
        return [a for a in found if not self.definition(a["for"]).why]

    def ends(self, appointment):
        return [e for e in self.facts.acts("appointment-end", appointment.identity) if e["of"] == appointment.ref]

    def taken_up(self, review, issuer):
        """The acts of the issuer that took a review up."""
        return [f for kind in ("take-up", "award") for f in self.facts.acts(kind, issuer) if review.ref in f["reviews"]]

    def _appointed(self, d, review):
        why, found = Why(), self.appointments(d, review.identity)
        taken = self.taken_up(review, d.fact.identity)
        if not found:
            if any(a["reviewer"] == review.identity and tuple(a["for"]) in d.line for a in self.facts.of("appointment", d.fact.identity)):
                return why.wrong("the reviewer's appointment does not count")
            return why.missing("no appointment of the reviewer for this definition is at hand")
        if not any(all(any(before(t, e) for t in taken) for e in self.ends(a)) for a in found):
            why.wrong("the reviewer's appointment ended before the review was taken up")
        return why

    # -- submissions

    def items(self, d, manifest, earner):
        """Points 2 and 5 of SPEC 16.5, as far as the manifest alone shows them."""
        why, count = Why(), {r["id"]: 0 for r in d["requirements"]}
        by_id, entries = {r["id"]: r for r in d["requirements"]}, set()
        for name, kind, ref, digest in manifest["items"]:
            r = by_id.get(name)
            if r is None:
                why.wrong(f"the manifest has an item for {name!r}, which is no requirement")
                continue
            count[name] += 1
            if (kind != "reflection") if r["kind"] == "reflection" else kind not in r.get("evidence_kinds", [kind]):
                why.wrong(f"an item for {name} has the kind {kind}")
            if self.facts.owner(ref[0]) is None:
                why.missing(f"whose log an item for {name} points to")
            elif not self.facts.owns(earner, ref[0]):
                why.wrong(f"an item for {name} points to a log that is not the earner's")
            if ref[2] in entries:
                why.wrong(f"a piece of evidence stands twice in the manifest ({name})")
            entries.add(ref[2])
            why += self._evidence(manifest, name, kind, ref, digest)
        for name, n in count.items():
            low, high = definition.limits(by_id[name])
            if not low <= n <= high:
                why.wrong(f"requirement {name} has {n} items, not {low} to {high}")
        return why

    def _evidence(self, manifest, name, kind, ref, digest):
        why, fact = Why(), self.facts.at.get(tuple(ref))
        if fact is None or fact.record is None or not fact.within:
            return why
        found = "reflection" if fact.kind == "reflection" else fact.get("kind") if fact.kind == "artifact" else None
        if fact.fault or found != kind:
            why.wrong(f"the evidence for {name} is not of its item's kind")
        if evidence_digest(manifest["salt"], fact.record) != digest:
            why.wrong(f"the evidence for {name} is not what the manifest binds")
        return why

    def _manifest(self, ref, of, d, earner):
        fact, why = self.facts.find(ref, "manifest", "the manifest")
        if fact is not None:
            if fact.identity != earner:
                why.wrong("the manifest is not the earner's")
            if fact["for"] != of:
                why.wrong("the manifest is for another definition")
            why += self.items(d.content, fact, earner)
        return why

    def _manifest_of(self, submission):
        """The manifest that a submission names, or None."""
        return self.facts.find(submission["manifest"], "manifest", "the manifest")[0]

    def submission(self, ref):
        """(fact or None, why it does not count)."""
        key = tuple(ref)
        if key not in self._submissions:
            self._submissions[key] = self._submission(ref)
        return self._submissions[key]

    def _submission(self, ref):
        fact, why = self.facts.find(ref, "submission", "the submission")
        if fact is None:
            return fact, why
        d = self.definition(fact["for"])
        why += d.why.under("of the submission")
        if d.content is None:
            return fact, why
        if d.fact.identity == fact.identity:
            why.wrong("the earner submits to a definition of her own")
        if definition.review_rule(d.content, "blind"):
            why.wrong("nothing can be submitted for a blind definition")
        why += self._manifest(fact["manifest"], fact["for"], d, fact.identity)
        if not ATTESTS <= set(fact["attests"]):
            why.wrong("an attestation is missing")
        return fact, why + self._revises(fact, d)

    def _revises(self, fact, d):
        why, steps, now = Why(), 0, fact
        if (fact.get("revises") is None) != (fact.get("changed") is None):
            return why.wrong("a revision without what it changed, or the other way round")
        while now.get("revises") is not None:
            earlier, bad = self.facts.find(now["revises"], "submission", "an earlier submission")
            steps += 1
            if steps > definition.review_rule(d.content, "resubmissions_max"):
                return why.wrong("more resubmissions than the definition allows")
            if earlier is None and not bad.bad:
                return why
            if earlier is None or bad or earlier.identity != fact.identity:
                return why.wrong("it revises a submission that does not count")
            other = self.definition(earlier["for"])
            if tuple(earlier["for"]) not in d.line and tuple(fact["for"]) not in other.line:
                return why.wrong("it revises a submission for another definition")
            now = earlier
        if fact.get("revises") is not None and self.submission(fact["revises"])[1].bad:
            why.wrong("it revises a submission that does not count")
        return why

    # -- reviews

    def review(self, ref, submission, earner, d, manifest):
        """(fact or None, why it does not count) of a review of this submission (a ref), whose earner and definition are known.

        manifest is the submission's, or what stands for it; None if it is not at hand.
        """
        key = tuple(ref), tuple(submission), manifest and manifest.id
        if key not in self._reviews:
            fact, why = self.facts.find(ref, "review", "a review")
            if fact is not None:
                why += self._review(fact, submission, earner, d, manifest)
            self._reviews[key] = fact, why
        return self._reviews[key]

    def _review(self, fact, submission, earner, d, manifest):
        why = Why()
        if fact["of"] != submission:
            return why.wrong("the review is of another submission")
        if fact.identity == earner:
            why.wrong("the earner reviewed her own submission")
        if not fact.within and not any(fact.ref in a["reviews"] for a in self.facts.acts("award", d.fact.identity)):
            why.wrong("the review lies outside of what counts of its log, and no award names it")
        why += self._appointed(d, fact)
        if definition.blank(fact["feedback"]):
            why.wrong("a decision without feedback")
        return why + self._scores(fact, submission, d, manifest)

    def _scores(self, fact, submission, d, manifest):
        why, scores = Why(), fact.get("scores") or []
        if fact["decision"] == "unjudgeable":
            return why
        rubric = {c["id"]: c for c in d.content["rubric"]}
        if {s[0] for s in scores} != set(rubric):
            return why.wrong("the scores do not name every criterion and no other")
        for name, level, _ in scores:
            order = definition.levels(rubric[name])
            if level not in order:
                return why.wrong(f"{level!r} is no level of {name}")
            if fact["decision"] == "meets" and order.index(level) < order.index(rubric[name]["required_level"]):
                why.wrong(f"the review says meets with {name} below the required level")
        if fact["decision"] == "meets":
            why += self._endorsement(fact, submission, d, manifest)
        return why

    def _endorsement(self, fact, submission, d, manifest):
        why = Why()
        if fact.get("endorsement") is None:
            return why.wrong("the review says meets without an endorsement")
        try:
            document = jcs.read_canonical(fact["endorsement"])
            name, valid_from = credential.taken(document)
            key = proof.check(document)
            if key not in self.facts.badge_keys(fact.identity):
                return why.wrong("the endorsement is not by the reviewer's badge key")
            a, said = credential.award_id(submission[2], d.fact.id), proof.bare(document)
            wanted = credential.endorsement(d.content, a, manifest.record if manifest else b"", fact.identity, fact["scores"], didkey.did(key), name, valid_from)
            bound, judged = wanted.pop("relatedResource"), said.pop("relatedResource", None)
            if jcs.canonical(wanted) != jcs.canonical(said):
                why.wrong("the endorsement does not say what the review says")
            if manifest is None and judged is not None:
                why.missing("the manifest that an endorsement must name is not at hand")
            elif judged != bound:
                why.wrong("the endorsement does not name the submission's manifest")
        except (ValueError, AttributeError, TypeError) as e:
            why.wrong(f"the endorsement: {e}")
        return why

    def _counting(self, submission, d):
        """The reviews of a submission (a fact that counts) that count."""
        manifest = self._manifest_of(submission)
        return [f for f in self.facts.of("review") if f["of"] == submission.ref and not self.review(f.ref, submission.ref, submission.identity, d, manifest)[1]]

    def heard(self, submission, d):
        """Those that are heard: of those that count one for each identity."""
        found = self._counting(submission, d)
        last = [f for f in found if not any(o.log == f.log and o.seq > f.seq for o in found)]
        return [f for f in last if f.id == min(o.id for o in last if o.identity == f.identity)]

    # -- awards

    def award(self, fact):
        """Why an award does not count."""
        why, d = self.facts.act(fact), self.definition(fact["definition"])
        if d.fact is not None and d.fact.identity != fact.identity:
            why.wrong("the definition is not the issuer's")
        why += d.why
        if d.content is None:
            return why
        document = None
        try:
            document = jcs.read_canonical(fact["credential"])
        except ValueError as e:
            why.wrong(f"the credential: {e}")
        earner, manifest, bad = self._submitted(fact, d, document)
        why += bad
        scores, bad = self._decided(fact, d, earner, manifest)
        why += bad
        if document is not None:
            why += self._certified(fact, d, document, earner, manifest, scores)
        return why

    def _submitted(self, fact, d, document):
        """(earner, manifest, why): from the submission, or, if it cannot be opened, from the manifest that the credential names."""
        why, entry = Why(), self.facts.at.get(tuple(fact["submission"]))
        submission, bad = self.submission(fact["submission"])
        if submission is not None:
            why += bad
            if submission["for"] != fact["definition"]:
                why.wrong("the submission is for another definition")
            return submission.identity, self._manifest_of(submission), why
        if bad.bad:
            return None, None, why + bad
        named = self._evidence_named(document)
        manifest = next((m for m in self.facts.of("manifest") if credential.evidence_uri(m.record) == named), None)
        if manifest is None:
            return (entry.identity if entry else None), None, why.missing("the manifest that the credential names is not at hand")
        if manifest.identity == fact.identity:
            why.wrong("the earner submits to a definition of her own")
        if definition.review_rule(d.content, "blind"):
            why.wrong("nothing can be submitted for a blind definition")
        if entry is not None and entry.identity != manifest.identity:
            why.wrong("the manifest is not the earner's")
        return manifest.identity, manifest, why + self._manifest(manifest.ref, fact["definition"], d, manifest.identity)

    def attestations_seen(self, fact):
        """Whether the submission itself and those that it revises were judged, and not the manifest in their place."""
        now = self.submission(fact["submission"])[0]
        while now is not None and now.get("revises") is not None:
            now = self.submission(now["revises"])[0]
        return now is not None

    @staticmethod
    def _evidence_named(document):
        try:
            return document["evidence"][0]["id"]
        except (KeyError, IndexError, TypeError):
            return None

    def _decided(self, fact, d, earner, manifest):
        """(the scores of all named reviews, or None, why)."""
        why, scores, writers = Why(), [], set()
        refs = [tuple(r) for r in fact["reviews"]]
        if len(set(refs)) < len(refs):
            why.wrong("the award names a review twice")
        for ref in fact["reviews"]:
            review, bad = self.review(ref, fact["submission"], earner, d, manifest)
            why += bad
            if review is None:
                scores = None
                continue
            if review["decision"] != "meets":
                why.wrong(f"a review named by the award says {review['decision']}")
            if review.identity in writers:
                why.wrong("two of the reviews are by one identity")
            writers.add(review.identity)
            if scores is not None and not bad.bad:
                scores.append(review.get("scores"))
        if len(fact["reviews"]) < d.reviewers:
            why.wrong(f"the award names {len(fact['reviews'])} of {d.reviewers} reviews")
        return (scores if scores and not why.bad else None), why

    def _certified(self, fact, d, document, earner, manifest, scores):
        """Point 4 of SPEC 16.8."""
        why = Why()
        try:
            name, valid_from = credential.taken(document)
            key = proof.check(document)
            if key not in self.facts.badge_keys(fact.identity):
                return why.wrong("the credential is not by the issuer's badge key")
            subject = document["credentialSubject"]["id"]
            if earner is not None and self.facts.keys.get(earner) is None:
                why.missing("the earner's key events are not at hand")
            elif earner is not None and didkey.did_read(subject) not in self.facts.badge_keys(earner):
                why.wrong("the credential names somebody else as the earner")
            if manifest is None or scores is None:
                return why
            wanted = credential.award(d.content, fact["definition"], fact["submission"][2], manifest.record, scores, didkey.did(key), name, subject, valid_from)
            if jcs.canonical(wanted) != jcs.canonical(proof.bare(document)):
                why.wrong("the credential is not what the definition, the manifest and the reviews make")
        except (ValueError, KeyError, AttributeError, TypeError, IndexError) as e:
            why.wrong(f"the credential: {e}")
        return why

    def award_state(self, fact):
        """revoked, accepted or countersigned, of an award that counts."""
        if any(r["of"] == fact.ref for r in self.facts.acts("revoke", fact.identity)):
            return "revoked"
        subject, _ = self.submission(fact["submission"])
        entry = subject or self.facts.at.get(tuple(fact["submission"]))
        for a in self.facts.of("acceptance"):
            if a["of"] == fact.ref and a.keep and a.within and (entry is None or a.identity == entry.identity):
                return "accepted"
        return "countersigned"

    # -- states of submissions

    def _active(self, fact, d):
        """Claims of a submission that no release ended and whose writer has not reviewed it."""
        reviews = {r.identity for r in self._counting(fact, d)}
        for c in self.facts.of("claim"):
            able = any(not self.ends(a) for a in self.appointments(d, c.identity))
            if not (c["of"] == fact.ref and c.within and c.identity != fact.identity and able and c.identity not in reviews):
                continue
            released = [r for r in self.facts.of("release") if r["of"] == c.ref and r.within]
            if not any(r.identity == c.identity or (r.identity == d.fact.identity and not self.facts.act(r)) for r in released):
                return True
        return False

    def state(self, ref):
        """The state of a submission that counts (SPEC 16.7), or None."""
        fact, why = self.submission(ref)
        if fact is None or why:
            return None
        d = self.definition(fact["for"])
        if any(a["submission"] == ref and a["definition"] == fact["for"] and not self.award(a) for a in self.facts.of("award", d.fact.identity)):
            return "awarded"
        reviews = self.heard(fact, d)
        m, y, u = (sum(r["decision"] == word for r in reviews) for word in ("meets", "not-yet", "unjudgeable"))
        n = d.reviewers
        met, not_yet = m >= n and m > y and m > u, y >= n and y > m and y > u
        withdrawn = any(w["of"] == ref and w.keep and w.within and w.identity == fact.identity for w in self.facts.of("withdraw"))
        revised = any(s.get("revises") == ref and not self.submission(s.ref)[1] for s in self.facts.of("submission", fact.identity))
        if withdrawn or (revised and not met and not not_yet):
            return "withdrawn"
        if met or not_yet:
            return "met" if met else "not-yet"
        if u >= n and u > m and u > y:
            return "unjudgeable"
        return "claimed" if self._active(fact, d) or reviews else "submitted"

    # -- vouching

    def vouches(self, who):
        """The vouches for an identity that count and that nobody ended."""
        found = [v for v in self.facts.of("vouch") if v["who"] == who and not self.facts.act(v)]
        return [v for v in found if not any(e["of"] == v.ref for e in self.facts.acts("vouch-end", v.identity))]
