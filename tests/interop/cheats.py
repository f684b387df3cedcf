"""Bundles in which somebody cheated, or that somebody changed."""
import base64
import copy

from quirepy import keyevents, records
from quirepy.award import jcs, proof
from scene import DEFINITION, play
from variants import UNKNOWN, WRONG, tamper, variant


# ---- what people did


@variant(WRONG, "a decision without feedback")
def decision_without_feedback():
    return play(review={"first": {"feedback": " \n"}}).bundle()


@variant(WRONG, "the reviewer's appointment ended before the review was taken up")
def reviewed_after_the_end():
    return play(after_submit=lambda s: s.act("appointment-end", of=s.appointments[0])).bundle()


@variant(WRONG, "the reviewer's appointment ended before the review was taken up")
def review_backdated():
    def review(s):
        s.act("appointment-end", of=s.appointments[1])
        s.hour += 1000
        s.one_review(s.reviewers[0])
        s.one_review(s.reviewers[1], levels=("demonstrated", "demonstrated"), hour=s.hour - 1010)
    return play(review=review).bundle()


@variant(WRONG, "the reviewer's appointment ended before the review was taken up")
def take_up_backdated():
    def take_up(s):
        s.act("appointment-end", of=s.appointments[1])
        s.hour += 1000
        s.act("take-up", reviews=[r for _, r, _ in s.reviews], hour=s.hour - 1010)
    return play(take_up=take_up).bundle()


@variant(WRONG, "the review says meets with everybody below the required level")
def level_below_the_required_one():
    return play(review={"second": {"levels": ("not-yet", "demonstrated")}}).bundle()


@variant(WRONG, "a review named by the award says not-yet")
def awarded_on_a_not_yet():
    return play(review={"second": {"levels": ("not-yet", "demonstrated"), "decision": "not-yet"}}).bundle()


@variant(WRONG, "the officer who asked for the award had not the right to")
def officer_dismissed():
    return play(after_take_up=lambda s: s.issuer.write(keyevents.END, [s.officer_event.id, [s.issuer.mark()]])).bundle()


@variant(WRONG, "the officer who asked for the award had not the right to")
def officer_dismissed_and_backdated():
    def award(s):
        s.issuer.write(keyevents.END, [s.officer_event.id, [s.issuer.mark()]])
        s.hour += 500
        s.award(hour=s.hour - 510)
    return play(award=award).bundle()


@variant(WRONG, "the officer who asked for the award had not the right to")
def officer_without_the_right():
    def award(s):
        s.issuer.write(keyevents.OFFICER, [s.other.id, 31 & ~4])
        s.officer = s.other
        s.award()
    return play(award=award).bundle()


@variant(WRONG, "the reviewer's appointment does not count")
def appointed_by_an_officer_without_the_right():
    def appoint(s):
        s.issuer.write(keyevents.OFFICER, [s.other.id, 31 & ~2])
        known, s.officer = s.officer, s.other
        s.appoint()
        s.officer = known
    return play(appoint=appoint).bundle()


@variant(WRONG, "the award has not the keep flag")
def award_that_could_be_erased():
    return play(award={"keep": False}).bundle()


@variant(WRONG, "the award lies outside of what counts of its log")
def award_behind_a_closing():
    return play(after_award=lambda s: s.issuer.close(s.awarded[1])).bundle()


@variant(WRONG, "the review lies outside of what counts of its log, and no award names it")
def review_behind_a_closing_and_an_award_behind_one():
    def close(s):
        s.reviewers[1].close(1)
        s.issuer.close(s.awarded[1])
    return play(after_award=close).bundle()


@variant(WRONG, "the credential is not what the definition, the manifest and the reviews make")
def definition_altered_in_the_credential():
    return play(award=lambda s: s.award(document=s.credential(definition={**DEFINITION, "competency": "Teaches anything at all."}))).bundle()


@variant(WRONG, "the credential is not what the definition, the manifest and the reviews make")
def level_raised_in_the_credential():
    return play(award=lambda s: s.award(document=s.credential(scores=[s.reviews[0][2]]))).bundle()


@variant(WRONG, "the credential is not what the definition, the manifest and the reviews make")
def valid_for_ever():
    def award(s):
        document = proof.bare(s.credential())
        del document["validUntil"]
        s.award(document=proof.sign(document, s.issuer.badge.secret))
    return play(award=award).bundle()


@variant(WRONG, "the credential names somebody else as the earner")
def credential_of_somebody_else():
    return play(award=lambda s: s.award(document=s.credential(subject=s.other.did))).bundle()


@variant(WRONG, "the credential is not by the issuer's badge key")
def credential_by_another_key():
    return play(award=lambda s: s.award(document=s.credential(signer=s.other.badge))).bundle()


@variant(WRONG, "the credential: there must be two proofs")
def one_proof_only():
    def award(s):
        document = s.credential()
        s.award(document={**document, "proof": document["proof"][:1]})
    return play(award=award).bundle()


@variant(WRONG, "the credential: the signature of a proof is not good")
def proof_of_another_text():
    def award(s):
        other = s.credential(change={"name": "Something else"})
        s.award(document={**s.credential(), "proof": [s.credential()["proof"][0], other["proof"][1]]})
    return play(award=award).bundle()


def _another_manifest(s, for_=None):
    """A second manifest of the earner's; the one that was submitted stays s.manifest."""
    first, items = s.manifest, list(s.evidence)
    items[0] = ("video", "video", s.earner.put("artifact", readers=[s.issuer], title="Another lesson", kind="video", depicts="nobody"))
    s.bind(items, for_=for_)
    s.replaced, s.manifest = s.manifest, first
    return s.earner.records[s.replaced[1]]


def _without_what_was_submitted(s):
    """The bundle without the bodies of the submission and of its manifest, so that another manifest stands for it."""
    left = (s.submission[1], s.manifest[1])
    return s.bundle(shown=lambda p, seq: s.shown(p, seq) and not (p is s.earner and seq in left))


def _award_another_manifest(s):
    s.award(document=s.credential(manifest=_another_manifest(s)))


@variant(WRONG, "the credential is not what the definition, the manifest and the reviews make")
def evidence_replaced():
    return play(award=_award_another_manifest).bundle()


@variant(WRONG, "the endorsement does not name the submission's manifest")
def manifest_not_endorsed():
    return _without_what_was_submitted(play(award=_award_another_manifest))


def _second_version(s):
    """A later version of the definition; the first stays the one that is submitted to and awarded."""
    first = s.definition
    s.define(change={"title": "Checking for Understanding, second edition"}, supersedes=first)
    s.second, s.definition, s.definition_json = s.definition, first, DEFINITION


@variant(WRONG, "the manifest is for another definition")
def manifest_for_another_version_not_endorsed():
    def award(s):
        s.award(document=s.credential(manifest=_another_manifest(s, for_=s.second)))
    return _without_what_was_submitted(play(after_define=_second_version, award=award))


@variant(WRONG, "the manifest is for another definition")
def manifest_for_another_version_endorsed():
    def review(s):
        record = _another_manifest(s, for_=s.second)
        scores = [["acts", "demonstrated", ""], ["everybody", "demonstrated", ""]]
        for who in s.reviewers:
            s.one_review(who, scores=scores, endorsement=s.endorse(who, scores, manifest=record))

    def award(s):
        s.award(document=s.credential(manifest=s.earner.records[s.replaced[1]]))
    return _without_what_was_submitted(play(after_define=_second_version, review=review, award=award))


@variant(WRONG, "the evidence for video is not what the manifest binds")
def evidence_changed_behind_the_manifest():
    def bind(s):
        s.bind()
        kind, fields = records.read(s.earner.records[s.manifest[1]])
        items = copy.deepcopy(fields["items"])
        items[0][3] = bytes(32)
        s.manifest = s.earner.put("manifest", readers=[s.issuer, *s.reviewers], for_=s.definition, items=items, salt=fields["salt"])
    s = play(bind=bind)
    return s.bundle(shown=lambda p, seq: s.shown(p, seq) or (p is s.earner and seq == s.evidence[0][2][1]))


@variant(WRONG, "requirement reflection has 0 items, not 1 to 1")
def requirement_missing():
    return play(after_work=lambda s: s.evidence.pop()).bundle()


@variant(WRONG, "requirement video has 1 items, not 2 to 3")
def one_video_too_few():
    return play(after_work=lambda s: s.evidence.pop(0)).bundle()


@variant(WRONG, "a piece of evidence stands twice in the manifest (video)")
def one_video_twice():
    def again(s):
        s.evidence[1] = s.evidence[0]
    return play(after_work=again).bundle()


@variant(WRONG, "an item for video has the kind photo")
def photo_for_a_video():
    def photo(s):
        s.evidence[0] = ("video", "photo", s.earner.put("artifact", readers=[s.issuer], title="Hands", kind="photo", depicts="nobody"))
    return play(after_work=photo).bundle()


@variant(WRONG, "an item for video points to a log that is not the earner's")
def evidence_of_somebody_else():
    def bind(s):
        theirs = s.reviewers[0].put("artifact", readers=[s.issuer], title="My own lesson", kind="video", depicts="nobody")
        items = [["video", "video", theirs, bytes(32)]]
        items += [[name, kind, ref, bytes(32)] for name, kind, ref in s.evidence[1:]]
        s.manifest = s.earner.put("manifest", readers=[s.issuer], for_=s.definition, items=items, salt=bytes(32))
    return play(bind=bind).bundle()


@variant(WRONG, "the manifest is for another definition")
def manifest_for_another_definition():
    def other(s):
        s.first = s.definition
        s.define(change={"title": "Another one"})
    return play(after_define=other, bind=lambda s: s.bind(for_=s.first)).bundle()


@variant(WRONG, "the submission is for another definition")
def awarded_under_another_definition():
    def other(s):
        mine = s.definition
        s.define(change={"title": "Another one"})
        s.appoint()
        s.second, s.definition = s.definition, mine
    s = play(after_define=other, award=lambda s: s.award(definition=s.second))
    return s.bundle()


@variant(WRONG, "an attestation is missing")
def attestation_missing():
    return play(submit={"attests": ["own-work", "no-names", "own-work"]}).bundle()


@variant(WRONG, "more resubmissions than the definition allows")
def revised_too_often():
    def often(s):
        for _ in range(3):
            s.submit(revises=s.submission, changed="Once more.")
    return play(after_submit=often).bundle()


@variant(WRONG, "a revision without what it changed, or the other way round")
def revised_without_a_word():
    return play(after_submit=lambda s: s.submit(revises=s.submission)).bundle()


@variant(WRONG, "nothing can be submitted for a blind definition")
def blind_definition():
    return play(define={"change": {"review": {"reviewers": 2, "blind": True}}}).bundle()


@variant(WRONG, "the definition is none: definition: unknown member extra")
def definition_with_an_unknown_member():
    return play(define={"change": {"extra": 1}}).bundle()


@variant(WRONG, "the definition is none: rubric: two names of the credential would be one")
def criteria_and_levels_that_mix():
    rubric = copy.deepcopy(DEFINITION["rubric"])
    rubric[0]["id"], rubric[1]["id"] = "acts-not", "acts"
    rubric[0]["levels"][0]["id"], rubric[1]["levels"][0]["id"] = "yet", "not-yet"

    def review(s):
        for who in s.reviewers:
            s.one_review(who, scores=[["acts", "demonstrated", ""], ["acts-not", "exemplary", ""]])
    return play(define={"change": {"rubric": rubric}}, review=review).bundle()


@variant(WRONG, "no longer valid")
def expired():
    return play(define={"change": {"valid_months": 1}}).bundle()


@variant(WRONG, "not valid yet")
def valid_in_the_far_future():
    def award(s):
        s.valid_from = "2950-02-28T00:00:00Z"
        s.award()
    return play(award=award).bundle()


@variant(WRONG, "the award is revoked")
def revoked():
    return play(after_accept=lambda s: s.act("revoke", of=s.awarded, why="The videos are of somebody else's lesson.")).bundle()


@variant(WRONG, "the award names 1 of 2 reviews")
def one_review_too_few():
    return play(award=lambda s: s.award(document=s.credential(scores=[s.reviews[0][2]]), reviews=[s.reviews[0][1]])).bundle()


@variant(WRONG, "the award names a review twice")
def one_review_twice():
    return play(award=lambda s: s.award(document=s.credential(scores=[s.reviews[0][2]]), reviews=[s.reviews[0][1]] * 2)).bundle()


@variant(WRONG, "two of the reviews are by one identity")
def two_reviews_by_one():
    def review(s):
        s.one_review(s.reviewers[0])
        s.one_review(s.reviewers[0], feedback="I think so still.")
    return play(review=review).bundle()


@variant(WRONG, "the earner reviewed her own submission")
def reviewed_by_the_earner():
    def appoint(s):
        s.reviewers[1] = s.earner
        s.appoint()
    return play(appoint=appoint).bundle(without=["reviewer 2"])


@variant(UNKNOWN, "no appointment of the reviewer for this definition is at hand")
def appointed_for_another_definition():
    def appoint(s):
        mine = s.definition
        s.appoint(who=[s.reviewers[0]])
        s.define(change={"title": "Another one"})
        s.appoint(who=[s.reviewers[1]])
        s.definition, s.definition_json = mine, DEFINITION
    return play(appoint=appoint).bundle()


@variant(WRONG, "the endorsement is not by the reviewer's badge key")
def endorsed_by_another_key():
    def review(s):
        s.one_review(s.reviewers[0])
        scores = [["acts", "demonstrated", ""], ["everybody", "demonstrated", ""]]
        s.one_review(s.reviewers[1], scores=scores, endorsement=s.endorse(s.reviewers[1], scores, signer=s.other.badge))
    return play(review=review).bundle()


@variant(WRONG, "the endorsement does not say what the review says")
def endorsed_something_else():
    def review(s):
        s.one_review(s.reviewers[0])
        better = [["acts", "demonstrated", ""], ["everybody", "exemplary", ""]]
        s.one_review(s.reviewers[1], levels=("demonstrated", "demonstrated"), endorsement=s.endorse(s.reviewers[1], better))
    return play(review=review).bundle()


@variant(WRONG, "the endorsement does not name the submission's manifest")
def endorsed_another_manifest():
    def review(s):
        s.one_review(s.reviewers[0])
        scores = [["acts", "demonstrated", ""], ["everybody", "demonstrated", ""]]
        s.one_review(s.reviewers[1], scores=scores, endorsement=s.endorse(s.reviewers[1], scores, manifest=_another_manifest(s)))
    return play(review=review).bundle()


@variant(WRONG, "the endorsement does not name the submission's manifest")
def endorsed_no_manifest():
    def review(s):
        s.one_review(s.reviewers[0])
        who, scores = s.reviewers[1], [["acts", "demonstrated", ""], ["everybody", "demonstrated", ""]]
        document = proof.bare(jcs.parse(s.endorse(who, scores)))
        del document["relatedResource"]
        s.one_review(who, scores=scores, endorsement=jcs.canonical(proof.sign(document, who.badge.secret)))
    return play(review=review).bundle()


@variant(WRONG, "the review says meets without an endorsement")
def meets_without_an_endorsement():
    return play(review={"second": {"endorsement": b""}}).bundle()


@variant(WRONG, "the scores do not name every criterion and no other")
def a_criterion_without_a_score():
    def review(s):
        s.one_review(s.reviewers[0])
        whole = [["acts", "demonstrated", ""], ["everybody", "demonstrated", ""]]
        s.one_review(s.reviewers[1], scores=whole[:1], endorsement=s.endorse(s.reviewers[1], whole))
        s.reviews[1] = s.reviews[1][0], s.reviews[1][1], whole
    return play(review=review).bundle()


@variant(WRONG, "'best' is no level of everybody")
def a_level_that_is_none():
    def review(s):
        s.one_review(s.reviewers[0])
        whole = [["acts", "demonstrated", ""], ["everybody", "demonstrated", ""]]
        s.one_review(s.reviewers[1], scores=[whole[0], ["everybody", "best", ""]], endorsement=s.endorse(s.reviewers[1], whole))
        s.reviews[1] = s.reviews[1][0], s.reviews[1][1], whole
    return play(review=review).bundle()


@variant(WRONG, "the review is of another submission")
def review_of_another_submission():
    def submit(s):
        s.submit()
        s.first = s.submission
        s.submit()

    def review(s):
        s.one_review(s.reviewers[0])
        s.one_review(s.reviewers[1], of=s.first)
    return play(submit=submit, review=review).bundle()


@variant(WRONG, "the earner submits to a definition of her own", roots="issuer")
def issuer_awards_itself():
    def init(s):
        s.earner = s.issuer
        s.define()
    return play(define=init, vouch=lambda s: None).bundle(without=["district"])


# ---- what was done to the bundle


def _flip(text, at):
    raw = bytearray(base64.b64decode(text))
    raw[at] ^= 1
    return base64.b64encode(raw).decode("ascii")


def _body(b, run, has):
    return next(v for v in b["runs"][run]["bodies"] if has in v)


@variant(WRONG, "commitment")
def definition_altered():
    def change(b):
        v = b["runs"][0]["bodies"][1]
        raw = base64.b64decode(v["body"])
        v["body"] = base64.b64encode(raw.replace(b"within a minute", b"within a decade")).decode("ascii")
    return tamper(change)


@variant(WRONG, "signature")
def header_altered():
    def change(b):
        b["runs"][0]["headers"] = _flip(b["runs"][0]["headers"], -1)
    return tamper(change)


@variant(WRONG, "signature")
def signature_of_a_run_altered():
    def change(b):
        b["runs"][1]["signature"] = _flip(b["runs"][1]["signature"], 40)
    return tamper(change)


@variant(UNKNOWN, "a run without a signature")
def signature_of_a_run_left_out():
    def change(b):
        del b["runs"][1]["signature"]
    return tamper(change)


@variant(WRONG, "a key event is not valid")
def key_event_altered():
    def change(b):
        b["identities"][2]["events"][2][1] = _flip(b["identities"][2]["events"][2][1], 5)
    return tamper(change)


@variant(WRONG, "the inception of another identity")
def key_events_of_somebody_else():
    def change(b):
        b["identities"][1]["events"] = b["identities"][2]["events"]
    return tamper(change)


@variant(UNKNOWN, "a run of a log whose device is not in force")
def run_of_a_device_that_is_not_in_force():
    def change(b):
        b["identities"][1]["events"].pop()
    return tamper(change)


@variant(WRONG, "the content key is not this body's")
def another_content_key():
    def change(b):
        v = _body(b, 2, "key")
        v["key"] = _flip(v["key"], 0)
    return tamper(change)


@variant(WRONG, "the credential is not that of the award's record")
def credential_altered_in_the_bundle():
    def change(b):
        b["credential"]["issuer"]["name"] = "Example University"
    return tamper(change)


@variant(WRONG, "an id that is not 64 lower-case hexadecimal digits")
def id_in_upper_case():
    def change(b):
        b["award"][2] = b["award"][2].upper()
    return tamper(change)


@variant(WRONG, "the award stands in another place than the bundle says")
def pointer_behind_the_log():
    def change(b):
        b["award"][1] += 50
    return tamper(change)


@variant(WRONG, "the award: another entry stands where its pointer points")
def pointer_to_another_entry():
    def change(b):
        b["award"][1] -= 1
    return tamper(change)


@variant(WRONG, "a log is longer than status says")
def status_shorter_than_the_runs():
    def change(b):
        b["status"]["logs"][0][1] -= 1
    return tamper(change)


@variant(WRONG, "the last entry of a log is not that of status")
def status_with_another_last_entry():
    def change(b):
        b["status"]["logs"][0][2] = "00" * 32
    return tamper(change)


@variant(WRONG, "an identity twice")
def identity_twice():
    def change(b):
        b["identities"].append(b["identities"][0])
    return tamper(change)


@variant(WRONG, "members of the bundle")
def member_that_nobody_knows():
    def change(b):
        b["note"] = "please accept this"
    return tamper(change)


@variant(WRONG, "bodies out of order")
def bodies_out_of_order():
    def change(b):
        b["runs"][1]["bodies"].reverse()
    return tamper(change)


@variant(WRONG, "a key of what is not sealed")
def key_of_a_clear_body():
    def change(b):
        b["runs"][0]["bodies"][0]["key"] = base64.b64encode(bytes(32)).decode("ascii")
    return tamper(change)


@variant(WRONG, "commitment")
def body_of_another_entry():
    def change(b):
        bodies = [v for v in b["runs"][2]["bodies"] if "key" in v]
        bodies[0]["body"] = base64.b64encode(base64.b64decode(bodies[0]["body"])[::-1]).decode("ascii")
    return tamper(change)


@variant(WRONG, "the award lies outside of what counts of its log")
def award_behind_a_fork():
    s = play()
    b, fork = s.bundle(), play(after_review=lambda s: s.act("take-up", reviews=[s.reviews[0][1]]), take_up=lambda s: None)
    b["runs"] += list(fork.issuer.runs(lambda p, seq: False))
    b["status"]["logs"][0][1] = max(len(s.issuer.headers), len(fork.issuer.headers))
    return b


@variant(WRONG, "type or version")
def version_2():
    def change(b):
        b["version"] = 2
    return tamper(change)


@variant(WRONG, "the credential: the signature of a proof is not good")
def bare_credential_altered():
    document = play().document
    document["name"] = "Something better"
    return document
