"""What bundles there are: those that are honest, and those that lack something. The dishonest ones are in cheats.py."""
from quirepy import keyevents
from scene import play

GOOD, UNKNOWN, WRONG = "good", "unknown", "wrong"
VARIANTS = []


def variant(expected, reason=None, roots="district"):
    """Registers a function that makes a bundle: the expected verdict, the reason that the verifier of this folder gives, and whom the reader trusts."""
    def register(f):
        VARIANTS.append((f.__name__.replace("_", "-"), expected, reason, roots, f))
        return f
    return register


def tamper(change, **changes):
    """The bundle of an honest award, and then a change."""
    b = play(**changes).bundle()
    change(b)
    return b


# ---- honest


@variant(GOOD)
def accepted():
    return play().bundle()


@variant(GOOD, roots="issuer")
def trusted_issuer():
    return play(vouch=lambda s: None).bundle(without=["district"])


@variant(UNKNOWN, "nothing shows that the earner accepted the award")
def not_accepted():
    return play(accept=lambda s: None).bundle()


@variant(GOOD)
def own_act_of_the_issuer():
    return play(award={"by": False}).bundle()


@variant(GOOD)
def proofs_in_the_other_order():
    def award(s):
        document = s.credential()
        s.award(document={**document, "proof": document["proof"][::-1]})
    return play(award=award).bundle()


@variant(GOOD)
def one_reviewer_and_a_short_definition():
    least = {"requirements": [{"id": "video", "kind": "artifact", "prompt": "One video or two.", "max": 2}, {"id": "reflection", "kind": "reflection", "prompt": "Why?"}],
             "review": {"reviewers": 1}}
    names = "method_components resources problems categories tags complexity language licence scoring_guide valid_months alignment".split()

    def lone(s):
        s.one_review(s.reviewers[0])
    return play(define={"change": least, "drop": names}, review=lone).bundle()


@variant(GOOD)
def submission_not_in_the_bundle():
    s = play()
    return s.bundle(shown=lambda p, seq: s.shown(p, seq) and not (p is s.earner and seq == s.submission[1]))


@variant(GOOD)
def officer_left_after_the_award():
    return play(after_award=lambda s: s.issuer.write(keyevents.END, [s.officer_event.id, [s.issuer.mark()]])).bundle()


@variant(GOOD)
def appointment_ended_after_the_take_up():
    return play(after_take_up=lambda s: s.act("appointment-end", of=s.appointments[0])).bundle()


@variant(GOOD)
def taken_up_by_the_award_itself():
    return play(take_up=lambda s: None, after_award=lambda s: s.act("appointment-end", of=s.appointments[1], marks=[s.issuer.mark()])).bundle()


@variant(GOOD)
def reviewer_appointed_again():
    def again(s):
        s.act("appointment-end", of=s.appointments[0])
        s.appoint(who=[s.reviewers[0]])
    return play(after_appoint=again).bundle()


@variant(GOOD)
def review_behind_a_closing():
    return play(after_award=lambda s: s.reviewers[1].close(1)).bundle()


@variant(GOOD)
def reviewer_lost_the_device_later():
    return play(after_award=lambda s: s.reviewers[1].close(len(s.reviewers[1].headers))).bundle()


@variant(GOOD)
def evidence_erased():
    def erase(s):
        for _, _, ref in s.evidence:
            s.earner.erase_body(ref[1])
    s = play(after_accept=erase)
    return s.bundle(shown=lambda p, seq: s.shown(p, seq) or (p is s.earner and seq in p.statements))


@variant(GOOD)
def evidence_in_the_bundle():
    s = play()
    return s.bundle(shown=lambda p, seq: s.shown(p, seq) or (p is s.earner and [p.log, seq] in [e[2][:2] for e in s.evidence]))


@variant(GOOD)
def evidence_with_an_envelope():
    def work(s):
        s.work()
        s.evidence[0] = ("video", "video", s.earner.put("artifact", readers=[s.issuer], title="Once more", kind="video", depicts="nobody",
                                                        envelope={"blobs": [(bytes(range(32)), 1234567)], "drop_after": 40000}))
    s = play(work=work)
    return s.bundle(shown=lambda p, seq: s.shown(p, seq) or (p is s.earner and seq == s.evidence[0][2][1]))


def _revise(s):
    first = s.submission
    s.one_review(s.reviewers[0], decision="not-yet", feedback="The second video is missing its end.", levels=("not-yet", "demonstrated"))
    s.reviews.clear()
    s.submit(revises=first, changed="A new second video.")


@variant(GOOD)
def revised_after_feedback():
    return play(after_submit=_revise).bundle()


@variant(GOOD)
def definition_of_a_later_version():
    def second(s):
        first = s.definition
        s.appoint(for_=first)
        s.define(change={"title": "Checking for Understanding, second edition"}, supersedes=first)
    return play(after_define=second, appoint=lambda s: None).bundle()


@variant(GOOD)
def badge_keys_changed_later():
    def change(s):
        for p in (s.issuer, s.earner, s.reviewers[0]):
            p.new_badge()
    return play(after_award=change).bundle()


@variant(GOOD)
def awarded_anew_after_a_revoke():
    def again(s):
        s.act("revoke", of=s.awarded, why="The name of the earner was mistaken.")
        s.award()
    return play(after_award=again).bundle()


@variant(GOOD)
def a_review_taken_back_after_the_award():
    def regret(s):
        s.one_review(s.reviewers[0], decision="not-yet", feedback="I have looked again.", levels=("not-yet", "demonstrated"))
    return play(after_award=regret).bundle()


@variant(GOOD)
def supersedes_what_is_no_definition():
    def define(s):
        s.define(supersedes=s.issuer.ref(0))
    return play(define=define).bundle()


@variant(GOOD)
def later_version_without_the_first():
    def second(s):
        s.first = s.definition
        s.define(change={"title": "Checking for Understanding, second edition"}, supersedes=s.first)
    s = play(after_define=second)
    return s.bundle(shown=lambda p, seq: s.shown(p, seq) and not (p is s.issuer and seq == s.first[1]))


@variant(GOOD)
def device_of_the_issuer_closed_after_all():
    return play(after_vouch=lambda s: s.issuer.close(len(s.issuer.headers))).bundle()


# ---- not known


@variant(UNKNOWN, "nobody whom the reader trusts vouches for the issuer", roots="other")
def nobody_vouches():
    return play(vouch=lambda s: None).bundle(without=["district"])


@variant(UNKNOWN, "nobody whom the reader trusts vouches for the issuer", roots="nobody")
def vouched_by_somebody_unknown():
    return play().bundle()


@variant(UNKNOWN, "nobody whom the reader trusts vouches for the issuer")
def vouch_ended():
    return play(after_vouch=lambda s: s.district.put("vouch-end", keep=True, of=s.vouched)).bundle()


@variant(UNKNOWN, "nobody whom the reader trusts vouches for the issuer")
def vouch_without_keep():
    def vouch(s):
        s.district.put("vouch", who=s.issuer.id)
    return play(vouch=vouch).bundle()


@variant(UNKNOWN, "a review cannot be opened")
def review_withheld():
    s = play()
    return s.bundle(shown=lambda p, seq: s.shown(p, seq) and not (p is s.reviewers[1] and seq == s.reviews[1][1][1]))


@variant(UNKNOWN, "a sealed body without its content key")
def review_without_its_key():
    s = play()
    return s.bundle(shown=lambda p, seq: "sealed" if p is s.reviewers[1] and seq == s.reviews[1][1][1] else s.shown(p, seq))


@variant(UNKNOWN, "a review was erased")
def review_erased():
    return play(after_award=lambda s: s.reviewers[1].erase_body(s.reviews[1][1][1])).bundle()


@variant(UNKNOWN, "a review is not at hand")
def reviewer_left_out():
    return play().bundle(without=["reviewer 2"])


@variant(UNKNOWN, "no appointment of the reviewer for this definition is at hand")
def never_appointed():
    return play(appoint=lambda s: s.appoint(who=[s.reviewers[0]])).bundle()


@variant(UNKNOWN, "the manifest that the credential names is not at hand")
def neither_submission_nor_manifest():
    return play().bundle(without=["earner"])


@variant(UNKNOWN, "the definition cannot be opened")
def definition_left_out():
    s = play()
    return s.bundle(shown=lambda p, seq: s.shown(p, seq) and not (p is s.issuer and seq == s.definition[1]))


@variant(UNKNOWN, "the award cannot be opened")
def award_left_out():
    s = play()
    return s.bundle(shown=lambda p, seq: s.shown(p, seq) and not (p is s.issuer and seq == s.awarded[1]))


@variant(UNKNOWN, "a bare credential: nothing shows who the issuer is")
def bare_credential():
    return play().document


@variant(UNKNOWN, "it is JSON, but no credential")
def bundle_without_a_type():
    def change(b):
        del b["type"]
    return tamper(change)


@variant(UNKNOWN, "a key event that does not stand behind those that it needs")
def key_events_out_of_order():
    def change(b):
        b["identities"][3]["events"][1:3] = b["identities"][3]["events"][2:0:-1]
    return tamper(change)


@variant(UNKNOWN, "an identity without its inception")
def inception_left_out():
    def change(b):
        del b["identities"][2]["events"][0]
    return tamper(change)


@variant(UNKNOWN, "status does not name a log of the issuer")
def log_not_named_in_status():
    def change(b):
        b["status"]["logs"].clear()
    return tamper(change)


@variant(UNKNOWN, "an entry of which it is not shown whether it counts")
def way_to_the_closing_left_out():
    def close(s):
        for _ in range(70):
            s.earner.put("profile", name="Example Earner")
        s.earner.close(len(s.earner.headers))
    s = play(after_accept=close)
    b = s.bundle()
    b["runs"] = [r for r in b["runs"] if not (r["log"] == s.earner.log.hex() and r["first"] > 0)]
    return b


@variant(UNKNOWN, "an erasure whose generation is not in the bundle")
def erased_by_a_custodian_left_out():
    def work(s):
        s.work()
        for party in [s.other]:
            ref = s.earner.put("artifact", readers=[s.issuer], title="Third lesson", kind="video", depicts="nobody", envelope={"custodian": party.id})
            s.evidence.append(("video", "video", ref))
            s.earner.erase_body(ref[1], by=party)
    s = play(work=work)
    return s.bundle(shown=lambda p, seq: s.shown(p, seq) or (p is s.earner and seq in p.statements))
