/* Appointments, claims, reviews and what they make of a submission; vouches. SPEC.md sections 16.4, 16.6, 16.7 and 16.9. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "tests/support/judge_story.h"

static struct judge_story *j;
static struct entry_ref definition, appointment, submission;

static int begin(void **state)
{
	(void)state;
	j = (struct judge_story *)calloc(1, sizeof *j);
	if (!j)
		return -1;
	judge_story_begin(j, 13);
	definition = tell_definition(j, PEN(ISSUER), (struct tell_definition){.reviewers = 2});
	appointment = tell_appointment(j, PEN(ISSUER), ANN, &definition);
	tell_appointment(j, PEN(ISSUER), BEN, &definition);
	tell_appointment(j, PEN(ISSUER), CEM, &definition);
	submission = tell_work(j, PEN(EARNER), &definition, NULL, NULL);
	return 0;
}

static int end(void **state)
{
	(void)state;
	judge_story_end(j);
	free(j);
	return 0;
}

static void say_all(const struct judgement *why)
{
	for (size_t i = 0; i < why->lines_n; i++)
		printf("  %d %s: %s\n", (int)why->lines[i].mark, why->lines[i].code, why->lines[i].text);
}

static void expect(enum submission_state state, unsigned met, unsigned not_yet, unsigned unjudgeable)
{
	struct submission_judgement s = story_submission(j, &submission);
	if (s.state != state || s.met != met)
		say_all(&s.why);
	assert_string_equal(submission_state_name(s.state), submission_state_name(state));
	assert_int_equal(s.met, met);
	assert_int_equal(s.not_yet, not_yet);
	assert_int_equal(s.unjudgeable, unjudgeable);
}

/* This entry changes nothing, for this reason. */
static void expect_idle(const struct entry_ref *at, enum judge_mark mark, const char *code)
{
	struct submission_judgement s = story_submission(j, &submission);
	const struct judge_line *line = story_line(&s.why, code, at);
	if (!line)
		say_all(&s.why);
	assert_non_null(line);
	assert_int_equal(line->mark, mark);
	for (size_t i = 0; i < s.reviews_n; i++)
		assert_false(id32_equal(&s.reviews[i].at.id, &at->id));
	for (size_t i = 0; i < s.claims_n; i++)
		assert_false(id32_equal(&s.claims[i]->at.id, &at->id));
}

static struct entry_ref review(unsigned who, struct tell_review r)
{
	return tell_review(j, PEN(who), &submission, &definition, r);
}

/* ---- claims */

static void two_claims_at_once_are_both_active_and_keep_nobody_away(void **state)
{
	(void)state;
	struct entry_ref one = tell_of(j, PEN(ANN), "claim", &submission);
	tell_of(j, PEN(BEN), "claim", &submission);
	struct submission_judgement s = story_submission(j, &submission);
	assert_int_equal(s.state, SUBMISSION_CLAIMED);
	assert_int_equal(s.claims_n, 2);
	review(CEM, NOT_YET);
	review(ANN, NOT_YET);
	s = story_submission(j, &submission);
	assert_int_equal(s.state, SUBMISSION_NOT_YET);
	assert_int_equal(s.claims_n, 1);
	assert_false(id32_equal(&s.claims[0]->at.id, &one.id));
}

static void a_claim_needs_an_appointment_that_no_end_names(void **state)
{
	(void)state;
	struct entry_ref mine = tell_of(j, PEN(EARNER), "claim", &submission);
	struct entry_ref theirs = tell_of(j, PEN(STRANGER), "claim", &submission);
	expect_idle(&mine, JUDGE_WRONG, "self-review");
	expect_idle(&theirs, JUDGE_UNKNOWN, "appointment-missing");
	expect(SUBMISSION_SUBMITTED, 0, 0, 0);
	struct entry_ref claim = tell_of(j, PEN(ANN), "claim", &submission);
	expect(SUBMISSION_CLAIMED, 0, 0, 0);
	tell_of(j, PEN(STRANGER), "appointment-end", &appointment);
	tell_of(j, PEN(ISSUER, .by = OFFICER), "appointment-end", &appointment);
	expect(SUBMISSION_CLAIMED, 0, 0, 0);
	tell_of(j, PEN(ISSUER), "appointment-end", &appointment);
	expect_idle(&claim, JUDGE_WRONG, "appointment-ended");
	expect(SUBMISSION_SUBMITTED, 0, 0, 0);
	tell_appointment(j, PEN(ISSUER), ANN, &definition);
	expect(SUBMISSION_CLAIMED, 0, 0, 0);
}

static void a_claim_behind_the_end_of_its_log_or_elsewhere_is_none(void **state)
{
	(void)state;
	struct entry_ref claim = tell_of(j, PEN(ANN), "claim", &submission), elsewhere = submission;
	story_cut(j, &claim);
	expect_idle(&claim, JUDGE_WRONG, "entry-cut");
	elsewhere.seq++;
	claim = tell_of(j, PEN(BEN), "claim", &elsewhere);
	expect_idle(&claim, JUDGE_WRONG, "claim-elsewhere");
}

static void its_writer_or_the_issuer_releases_a_claim(void **state)
{
	(void)state;
	struct entry_ref claim = tell_of(j, PEN(ANN), "claim", &submission);
	struct entry_ref elsewhere = claim;
	elsewhere.seq++;
	tell_of(j, PEN(ANN), "release", &elsewhere);
	tell_of(j, PEN(BEN), "release", &claim);
	tell_of(j, PEN(ISSUER, .erasable = true), "release", &claim);
	struct entry_ref by_officer = tell_of(j, PEN(ISSUER, .by = OFFICER), "release", &claim);
	expect(SUBMISSION_CLAIMED, 0, 0, 0);
	expect_idle(&by_officer, JUDGE_NOTE, "officer");
	struct entry_ref own = tell_of(j, PEN(ANN, .erasable = true), "release", &claim);
	expect(SUBMISSION_SUBMITTED, 0, 0, 0);
	expect_idle(&claim, JUDGE_NOTE, "claim-released");
	/* she may claim again */
	tell_of(j, PEN(ANN), "claim", &submission);
	expect(SUBMISSION_CLAIMED, 0, 0, 0);
	struct judge_case c = judge_story_case(j);
	assert_true(judge_act_counts(&c, story_fact(j, &own)));
	assert_false(judge_act_counts(&c, story_fact(j, &by_officer)));
}

static void a_review_that_misses_its_deadline_is_released_by_the_issuer_and_may_still_come(void **state)
{
	(void)state;
	struct entry_ref claim = tell_of(j, PEN(ANN), "claim", &submission);
	tell_officer(j, ISSUER, OFFICER, KEYSET_RIGHT_APPOINT);
	tell_of(j, PEN(ISSUER, .by = OFFICER), "release", &claim);
	expect(SUBMISSION_SUBMITTED, 0, 0, 0);
	review(BEN, MEETS);
	review(ANN, MEETS);
	expect(SUBMISSION_MET, 2, 0, 0);
}

/* ---- appointments and what was taken up */

static void a_review_needs_an_appointment_that_counts(void **state)
{
	(void)state;
	struct entry_ref by_stranger = review(STRANGER, NOT_YET);
	expect_idle(&by_stranger, JUDGE_UNKNOWN, "appointment-missing");
	tell_appointment(j, PEN(OFFICER), STRANGER, &definition);
	expect_idle(&by_stranger, JUDGE_UNKNOWN, "appointment-missing");
	tell_appointment(j, PEN(ISSUER, .by = OFFICER), STRANGER, &definition);
	expect_idle(&by_stranger, JUDGE_WRONG, "appointment");
	tell_hidden(j, ISSUER);
	expect_idle(&by_stranger, JUDGE_UNKNOWN, "appointment-unknown");
	j->hidden = 0;
	tell_officer(j, ISSUER, OFFICER, KEYSET_RIGHT_APPOINT);
	expect(SUBMISSION_CLAIMED, 0, 1, 0);
}

static void an_appointment_covers_what_descends_and_not_what_it_descends_from(void **state)
{
	(void)state;
	struct entry_ref next = tell_definition(
		j, PEN(ISSUER), (struct tell_definition){.version = 2, .supersedes = &definition});
	tell_appointment(j, PEN(ISSUER), STRANGER, &next);
	struct entry_ref by_stranger = review(STRANGER, NOT_YET);
	expect_idle(&by_stranger, JUDGE_UNKNOWN, "appointment-missing");
	submission = tell_work(j, PEN(EARNER), &next, NULL, NULL);
	definition = next;
	review(ANN, NOT_YET);
	review(STRANGER, NOT_YET);
	expect(SUBMISSION_NOT_YET, 0, 2, 0);
}

static void taken_up_before_the_end_counts_and_after_it_does_not(void **state)
{
	(void)state;
	struct entry_ref early = review(ANN, NOT_YET);
	tell_take_up(j, PEN(ISSUER), &early, 1);
	tell_of(j, PEN(ISSUER), "appointment-end", &appointment);
	expect(SUBMISSION_CLAIMED, 0, 1, 0);
	story_forget(j, &early);
	struct entry_ref late = review(ANN, NOT_YET);
	expect_idle(&late, JUDGE_WRONG, "appointment-ended");
	tell_take_up(j, PEN(ISSUER), &late, 1);
	expect_idle(&late, JUDGE_WRONG, "appointment-ended");
	struct submission_judgement s = story_submission(j, &submission);
	assert_string_equal(story_line(&s.why, "appointment-ended", &late)->text,
		"The reviewer's appointment had ended before the issuer took up this review.");
}

static void on_another_log_of_the_issuer_only_a_mark_says_before(void **state)
{
	(void)state;
	struct entry_ref at = review(ANN, NOT_YET);
	tell_take_up(j, PEN(ISSUER), &at, 1); /* on device 0 */
	uint64_t length = j->people[ISSUER].length[0];
	struct entry_ref blind_end = tell_of(j, PEN(ISSUER, .device = 1), "appointment-end", &appointment);
	expect_idle(&at, JUDGE_WRONG, "appointment-ended");
	story_forget(j, &blind_end);
	struct entry_ref short_end = tell_end_marked(
		j, PEN(ISSUER, .device = 1), &appointment, 0, length - 1);
	expect_idle(&at, JUDGE_WRONG, "appointment-ended");
	story_forget(j, &short_end);
	tell_end_marked(j, PEN(ISSUER, .device = 1), &appointment, 0, length);
	expect(SUBMISSION_CLAIMED, 0, 1, 0);
	/* each end must have it before itself */
	tell_end_marked(j, PEN(ISSUER, .device = 2), &appointment, 1, 5);
	expect_idle(&at, JUDGE_WRONG, "appointment-ended");
	/* of two appointments one is enough */
	tell_appointment(j, PEN(ISSUER), ANN, &definition);
	expect(SUBMISSION_CLAIMED, 0, 1, 0);
}

static void what_is_taken_up_on_two_logs_is_before_an_end_that_saw_either(void **state)
{
	(void)state;
	struct entry_ref at = review(ANN, NOT_YET);
	tell_take_up(j, PEN(ISSUER, .device = 0), &at, 1);
	tell_take_up(j, PEN(ISSUER, .device = 1), &at, 1);
	for (unsigned seen = 0; seen < 2; seen++) {
		struct entry_ref ended = tell_end_marked(
			j, PEN(ISSUER, .device = 2), &appointment, seen, j->people[ISSUER].length[seen]);
		expect(SUBMISSION_CLAIMED, 0, 1, 0);
		story_forget(j, &ended);
	}
	tell_of(j, PEN(ISSUER, .device = 2), "appointment-end", &appointment);
	expect_idle(&at, JUDGE_WRONG, "appointment-ended");
}

static void a_pointer_to_the_wrong_place_appoints_and_ends_nothing(void **state)
{
	(void)state;
	struct entry_ref at = review(STRANGER, NOT_YET), elsewhere = definition;
	elsewhere.seq++;
	tell_appointment(j, PEN(ISSUER), STRANGER, &elsewhere);
	expect_idle(&at, JUDGE_UNKNOWN, "appointment-missing");
	elsewhere = appointment;
	elsewhere.log = j->people[ISSUER].log[1];
	tell_of(j, PEN(ISSUER), "appointment-end", &elsewhere);
	review(ANN, NOT_YET);
	expect(SUBMISSION_CLAIMED, 0, 1, 0);
}

static void only_acts_of_the_issuer_take_up(void **state)
{
	(void)state;
	struct entry_ref at = review(ANN, NOT_YET), wrong_place = at;
	wrong_place.seq++;
	tell_take_up(j, PEN(STRANGER), &at, 1);
	tell_take_up(j, PEN(ISSUER, .erasable = true), &at, 1);
	tell_take_up(j, PEN(ISSUER, .by = OFFICER), &at, 1);
	tell_take_up(j, PEN(ISSUER), &wrong_place, 1);
	struct submission_judgement s = story_submission(j, &submission);
	assert_int_equal(s.reviews_n, 1);
	assert_false(s.reviews[0].taken_up);
	uint64_t length = j->people[ISSUER].length[0];
	tell_end_marked(j, PEN(ISSUER, .device = 1), &appointment, 0, length);
	expect_idle(&at, JUDGE_WRONG, "appointment-ended");
	tell_officer(j, ISSUER, OFFICER, KEYSET_RIGHT_APPOINT);
	expect(SUBMISSION_CLAIMED, 0, 1, 0);
	s = story_submission(j, &submission);
	assert_true(s.reviews[0].taken_up);
}

static void an_award_takes_its_reviews_up(void **state)
{
	(void)state;
	struct whole_way w = tell_whole_way(j);
	tell_of(j, PEN(ISSUER), "appointment-end", &w.appointment);
	assert_int_equal(story_award(j, &w.award).state, AWARD_COUNTERSIGNED);
	struct entry_ref second = tell_award(j, PEN(ISSUER, .device = 1), award_of(&w));
	assert_int_equal(story_award(j, &second).state, AWARD_COUNTERSIGNED);
	story_forget(j, &w.award);
	struct award_judgement a = story_award(j, &second);
	assert_int_equal(a.state, AWARD_UNKNOWN);
	assert_int_equal(story_line(&a.verdict, "appointment-ended", &w.review)->mark, JUDGE_WRONG);
}

static void an_award_takes_up_only_as_an_act_that_counts(void **state)
{
	(void)state;
	struct whole_way w = tell_whole_way(j);
	story_forget(j, &w.award);
	tell_award(j, PEN(ISSUER, .by = OFFICER), award_of(&w));
	tell_of(j, PEN(ISSUER), "appointment-end", &w.appointment);
	struct entry_ref late = tell_award(j, PEN(ISSUER), award_of(&w));
	assert_int_equal(story_award(j, &late).state, AWARD_UNKNOWN);
	tell_officer(j, ISSUER, OFFICER, KEYSET_RIGHT_APPOINT | KEYSET_RIGHT_REVOKE);
	assert_int_equal(story_award(j, &late).state, AWARD_UNKNOWN);
	tell_officer(j, ISSUER, OFFICER, KEYSET_RIGHT_COUNTERSIGN);
	assert_int_equal(story_award(j, &late).state, AWARD_COUNTERSIGNED);
}

/* ---- what a review says */

static void a_decision_without_feedback_does_not_count(void **state)
{
	(void)state;
	static const char *const decisions[] = {"meets", "not-yet", "unjudgeable"};
	for (size_t i = 0; i < 3; i++) {
		struct entry_ref at = review(ANN,
			(struct tell_review){
				.decision = decisions[i], .feedback = " \t\r\n", .level = {1, 1}});
		expect_idle(&at, JUDGE_WRONG, "feedback-missing");
	}
	expect(SUBMISSION_SUBMITTED, 0, 0, 0);
}

static void scores_name_every_criterion_and_its_levels(void **state)
{
	(void)state;
	struct entry_ref at = review(ANN, (struct tell_review){.decision = "not-yet", .few_scores = true});
	expect_idle(&at, JUDGE_WRONG, "scores");
	at = review(ANN, (struct tell_review){.decision = "not-yet", .odd_score = true});
	expect_idle(&at, JUDGE_WRONG, "scores");
	at = review(ANN, (struct tell_review){.decision = "not-yet", .odd_level = true});
	expect_idle(&at, JUDGE_WRONG, "scores");
	review(ANN, (struct tell_review){.decision = "unjudgeable"});
	expect(SUBMISSION_CLAIMED, 0, 0, 1);
}

static void who_decides_meets_gives_the_required_levels(void **state)
{
	(void)state;
	struct entry_ref at = review(ANN, (struct tell_review){.level = {2, 0}});
	expect_idle(&at, JUDGE_WRONG, "level-low");
	struct submission_judgement s = story_submission(j, &submission);
	assert_non_null(strstr(story_line(&s.why, "level-low", &at)->text, "criterion 2 "));
	/* who decides not yet may give any */
	review(ANN, (struct tell_review){.decision = "not-yet", .level = {2, 2}});
	expect(SUBMISSION_CLAIMED, 0, 1, 0);
}

static void who_decides_meets_signs_an_endorsement_that_says_so(void **state)
{
	(void)state;
	struct tell_review r = MEETS;
	r.no_endorsement = true;
	struct entry_ref at = review(ANN, r);
	expect_idle(&at, JUDGE_WRONG, "endorsement");
	r = MEETS;
	r.other_levels = true;
	at = review(ANN, r);
	expect_idle(&at, JUDGE_WRONG, "endorsement");
	r = MEETS;
	r.altered = true;
	at = review(ANN, r);
	expect_idle(&at, JUDGE_WRONG, "endorsement");
	r = MEETS;
	r.foreign_key = true;
	at = review(ANN, r);
	expect_idle(&at, JUDGE_WRONG, "endorsement-key");
	r = MEETS;
	r.bad_proof = true;
	at = review(ANN, r);
	expect_idle(&at, JUDGE_WRONG, "endorsement-proofs");
	expect(SUBMISSION_SUBMITTED, 0, 0, 0);
	at = review(ANN, MEETS);
	expect(SUBMISSION_CLAIMED, 1, 0, 0);
	tell_new_badge(j, ANN);
	expect(SUBMISSION_CLAIMED, 1, 0, 0);
	tell_hidden(j, ANN);
	expect_idle(&at, JUDGE_UNKNOWN, "reviewer-keys-missing");
}

static void a_fact_that_does_not_fit_its_record_is_none(void **state)
{
	(void)state;
	struct entry_ref other = tell_work(j, PEN(STRANGER), &definition, NULL, NULL);
	struct entry_ref theirs = tell_review(j, PEN(ANN), &other, &definition, MEETS);
	story_fact(j, &theirs)->about = submission.id;
	expect_idle(&theirs, JUDGE_WRONG, "review-elsewhere");
	struct entry_ref mine = review(BEN, NOT_YET);
	story_fact(j, &mine)->data = story_fact(j, &other)->data;
	expect_idle(&mine, JUDGE_WRONG, "malformed");
	story_fact(j, &mine)->data = slice_str("\xc1");
	expect_idle(&mine, JUDGE_WRONG, "malformed");
}

static void nobody_reviews_himself(void **state)
{
	(void)state;
	tell_appointment(j, PEN(ISSUER), EARNER, &definition);
	struct entry_ref at = review(EARNER, MEETS);
	expect_idle(&at, JUDGE_WRONG, "self-review");
}

static void a_device_of_the_reviewer_closed_before_any_award_takes_the_review_away(void **state)
{
	(void)state;
	struct entry_ref at = review(ANN, MEETS);
	expect(SUBMISSION_CLAIMED, 1, 0, 0);
	tell_take_up(j, PEN(ISSUER), &at, 1);
	story_cut(j, &at);
	expect_idle(&at, JUDGE_WRONG, "entry-cut");
}

/* ---- which of several, and the majority */

static void of_several_by_one_reviewer_the_latest_in_a_log_then_the_lowest_id_is_heard(void **state)
{
	(void)state;
	struct entry_ref first = review(ANN, MEETS);
	struct entry_ref later = review(ANN, NOT_YET);
	expect(SUBMISSION_CLAIMED, 0, 1, 0);
	expect_idle(&first, JUDGE_NOTE, "review-replaced");
	/* now one on another device, with a higher id, then with a lower one */
	for (int lower = 0; lower < 2; lower++) {
		struct entry_ref other = later;
		for (unsigned i = 0; (id32_cmp(&other.id, &later.id) < 0) != lower || i == 0; i++)
			other = tell_review(j, PEN(ANN, .device = 1), &submission, &definition,
				(struct tell_review){.decision = "unjudgeable"});
		struct submission_judgement s = story_submission(j, &submission);
		assert_int_equal(s.reviews_n, 1);
		assert_true(id32_equal(&s.reviews[0].at.id, lower ? &other.id : &later.id));
		assert_non_null(story_line(&s.why, "review-second", lower ? &later : &other));
	}
	/* one that does not count replaces nothing */
	struct entry_ref empty = review(ANN, (struct tell_review){.decision = "not-yet", .feedback = " "});
	expect(SUBMISSION_CLAIMED, 0, 0, 1);
	expect_idle(&empty, JUDGE_WRONG, "feedback-missing");
	expect_idle(&later, JUDGE_NOTE, "review-second");
}

static void a_split_decision_waits_for_the_third_reviewer(void **state)
{
	(void)state;
	review(ANN, MEETS);
	expect(SUBMISSION_CLAIMED, 1, 0, 0);
	review(BEN, NOT_YET);
	expect(SUBMISSION_CLAIMED, 1, 1, 0);
	struct entry_ref third = review(CEM, MEETS);
	expect(SUBMISSION_MET, 2, 1, 0);
	story_forget(j, &third);
	third = review(CEM, NOT_YET);
	expect(SUBMISSION_NOT_YET, 1, 2, 0);
	story_forget(j, &third);
	third = review(CEM, (struct tell_review){.decision = "unjudgeable"});
	expect(SUBMISSION_CLAIMED, 1, 1, 1);
}

static void two_against_two_stay_undecided(void **state)
{
	(void)state;
	tell_appointment(j, PEN(ISSUER), STRANGER, &definition);
	review(ANN, MEETS);
	review(BEN, MEETS);
	expect(SUBMISSION_MET, 2, 0, 0);
	struct entry_ref third = review(CEM, NOT_YET), fourth = review(STRANGER, NOT_YET);
	expect(SUBMISSION_CLAIMED, 2, 2, 0);
	story_forget(j, &third);
	story_forget(j, &fourth);
	review(CEM, (struct tell_review){.decision = "unjudgeable"});
	review(STRANGER, (struct tell_review){.decision = "unjudgeable"});
	expect(SUBMISSION_CLAIMED, 2, 0, 2);
}

static void unjudgeable_is_a_state_of_its_own(void **state)
{
	(void)state;
	review(ANN, (struct tell_review){.decision = "unjudgeable"});
	review(BEN, (struct tell_review){.decision = "unjudgeable"});
	expect(SUBMISSION_UNJUDGEABLE, 0, 0, 2);
	tell_work(j, PEN(EARNER), &definition, &submission, NULL);
	/* no resubmission is allowed here, so that one does not count */
	expect(SUBMISSION_UNJUDGEABLE, 0, 0, 2);
}

/* ---- vouches, and who may claim */

static void vouches_count_unless_ended_by_the_same_identity(void **state)
{
	(void)state;
	const struct fact *found[4];
	struct entry_ref vouch = tell_vouch(j, PEN(SCHOOL), EARNER);
	tell_vouch(j, PEN(SCHOOL, .erasable = true), EARNER);
	tell_vouch(j, PEN(SCHOOL, .by = OFFICER), EARNER);
	tell_vouch(j, PEN(SCHOOL), ANN);
	struct judge_case c = judge_story_case(j);
	assert_int_equal(judge_vouches(&c, &j->people[EARNER].id, found, 4), 1);
	assert_true(id32_equal(&found[0]->at.id, &vouch.id));
	assert_int_equal(judge_vouches(&c, &j->people[BEN].id, found, 4), 0);
	assert_int_equal(judge_vouches(&c, &j->people[EARNER].id, found, 0), 0);
	tell_of(j, PEN(STRANGER), "vouch-end", &vouch);
	c = judge_story_case(j);
	assert_int_equal(judge_vouches(&c, &j->people[EARNER].id, found, 4), 1);
	tell_of(j, PEN(SCHOOL), "vouch-end", &vouch);
	c = judge_story_case(j);
	assert_int_equal(judge_vouches(&c, &j->people[EARNER].id, found, 4), 0);
	tell_officer(j, SCHOOL, OFFICER, KEYSET_RIGHT_VOUCH);
	c = judge_story_case(j);
	assert_int_equal(judge_vouches(&c, &j->people[EARNER].id, found, 4), 1);
}

static bool may_claim(const struct entry_ref *at, unsigned who)
{
	struct judge_case c = judge_story_case(j);
	return judge_may_claim(&c, &at->id, &j->people[who].id);
}

static void an_appointed_reviewer_of_another_school_may_claim(void **state)
{
	(void)state;
	struct entry_ref open = tell_definition(
		j, PEN(ISSUER), (struct tell_definition){.same_school = true});
	tell_appointment(j, PEN(ISSUER), ANN, &open);
	struct entry_ref to_all = tell_work(j, PEN(EARNER), &open, NULL, NULL);
	assert_true(may_claim(&submission, ANN));
	assert_false(may_claim(&submission, EARNER));
	assert_false(may_claim(&submission, STRANGER));
	tell_vouch(j, PEN(SCHOOL), EARNER);
	struct entry_ref vouch = tell_vouch(j, PEN(SCHOOL), ANN);
	assert_false(may_claim(&submission, ANN));
	assert_true(may_claim(&submission, BEN));
	assert_true(may_claim(&to_all, ANN));
	tell_of(j, PEN(SCHOOL), "vouch-end", &vouch);
	assert_true(may_claim(&submission, ANN));
	tell_of(j, PEN(ISSUER), "appointment-end", &appointment);
	assert_false(may_claim(&submission, ANN));
	assert_false(may_claim(&definition, BEN));
	story_forget(j, &definition);
	assert_false(may_claim(&submission, BEN));
}

static void acts_are_judged_alone(void **state)
{
	(void)state;
	struct entry_ref kept = tell_vouch(j, PEN(SCHOOL), ANN),
			 erasable = tell_vouch(j, PEN(SCHOOL, .erasable = true), ANN),
			 by = tell_vouch(j, PEN(SCHOOL, .by = OFFICER), ANN),
			 withdraw = tell_of(j, PEN(EARNER, .erasable = true), "withdraw", &submission),
			 plain = review(ANN, NOT_YET);
	struct judge_case c = judge_story_case(j);
	assert_true(judge_act_counts(&c, story_fact(j, &kept)));
	assert_false(judge_act_counts(&c, story_fact(j, &erasable)));
	assert_false(judge_act_counts(&c, story_fact(j, &by)));
	assert_false(judge_act_counts(&c, story_fact(j, &withdraw)));
	assert_true(judge_act_counts(&c, story_fact(j, &plain)));
	tell_officer(j, SCHOOL, OFFICER, KEYSET_RIGHT_VOUCH);
	c = judge_story_case(j);
	assert_true(judge_act_counts(&c, story_fact(j, &by)));
	story_cut(j, &kept);
	assert_false(judge_act_counts(&c, story_fact(j, &kept)));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(two_claims_at_once_are_both_active_and_keep_nobody_away),
		TEST(a_claim_needs_an_appointment_that_no_end_names),
		TEST(a_claim_behind_the_end_of_its_log_or_elsewhere_is_none),
		TEST(its_writer_or_the_issuer_releases_a_claim),
		TEST(a_review_that_misses_its_deadline_is_released_by_the_issuer_and_may_still_come),
		TEST(a_review_needs_an_appointment_that_counts),
		TEST(an_appointment_covers_what_descends_and_not_what_it_descends_from),
		TEST(taken_up_before_the_end_counts_and_after_it_does_not),
		TEST(on_another_log_of_the_issuer_only_a_mark_says_before),
		TEST(what_is_taken_up_on_two_logs_is_before_an_end_that_saw_either),
		TEST(a_pointer_to_the_wrong_place_appoints_and_ends_nothing),
		TEST(only_acts_of_the_issuer_take_up),
		TEST(an_award_takes_its_reviews_up),
		TEST(an_award_takes_up_only_as_an_act_that_counts),
		TEST(a_decision_without_feedback_does_not_count),
		TEST(scores_name_every_criterion_and_its_levels),
		TEST(who_decides_meets_gives_the_required_levels),
		TEST(who_decides_meets_signs_an_endorsement_that_says_so),
		TEST(a_fact_that_does_not_fit_its_record_is_none),
		TEST(nobody_reviews_himself),
		TEST(a_device_of_the_reviewer_closed_before_any_award_takes_the_review_away),
		TEST(of_several_by_one_reviewer_the_latest_in_a_log_then_the_lowest_id_is_heard),
		TEST(a_split_decision_waits_for_the_third_reviewer),
		TEST(two_against_two_stay_undecided),
		TEST(unjudgeable_is_a_state_of_its_own),
		TEST(vouches_count_unless_ended_by_the_same_identity),
		TEST(an_appointed_reviewer_of_another_school_may_claim),
		TEST(acts_are_judged_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
