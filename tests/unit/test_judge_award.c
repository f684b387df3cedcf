/* Awards: what counts, what does not and with which words, and in which state they are. SPEC.md sections 16.2 and 16.8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "tests/support/judge_story.h"

static struct judge_story *j;
static struct whole_way w;

static int begin(void **state)
{
	(void)state;
	j = (struct judge_story *)calloc(1, sizeof *j);
	if (!j)
		return -1;
	judge_story_begin(j, 7);
	w = tell_whole_way(j);
	return 0;
}

static int end(void **state)
{
	(void)state;
	judge_story_end(j);
	free(j);
	return 0;
}

/* The line is there, with this mark, and nothing is worse. */
static void expect(
	const struct entry_ref *award, enum award_state state, enum judge_mark worst, const char *code)
{
	struct award_judgement a = story_award(j, award);
	const struct judge_line *line = story_line(&a.verdict, code, NULL);
	if (a.state != state || judgement_worst(&a.verdict) != worst || !line || line->mark != worst)
		for (size_t i = 0; i < a.verdict.lines_n; i++)
			printf("  %d %s: %s\n", (int)a.verdict.lines[i].mark, a.verdict.lines[i].code,
				a.verdict.lines[i].text);
	assert_int_equal(a.state, state);
	assert_int_equal(judgement_worst(&a.verdict), worst);
	assert_non_null(line);
	assert_int_equal(line->mark, worst);
}

static void the_whole_way_counts_and_each_check_has_its_line(void **state)
{
	(void)state;
	struct award_judgement a = story_award(j, &w.award);
	static const char *const codes[] = {"act", "definition", "submission", "review", "credential-key",
		"credential", "credential-proofs", "countersigned"};
	assert_int_equal(a.state, AWARD_COUNTERSIGNED);
	assert_int_equal(judgement_worst(&a.verdict), JUDGE_NOTE);
	assert_int_equal(a.verdict.lines_n, 8);
	for (size_t i = 0; i < 8; i++)
		assert_string_equal(a.verdict.lines[i].code, codes[i]);
	assert_true(
		id32_equal(&a.issuer, &j->people[ISSUER].id) && id32_equal(&a.earner, &j->people[EARNER].id));
	assert_true(id32_equal(&a.award->at.id, &w.award.id) && id32_equal(&a.standing->at.id, &w.award.id));
	assert_true(id32_equal(&a.submission->at.id, &w.submission.id) &&
		id32_equal(&a.manifest->at.id, &w.made.manifest.id) &&
		id32_equal(&a.definition->at.id, &w.definition.id));
	assert_int_equal(a.credential_state, AWARD_COUNTERSIGNED);
	tell_of(j, PEN(EARNER), "acceptance", &w.award);
	a = story_award(j, &w.award);
	assert_int_equal(a.state, AWARD_ACCEPTED);
	assert_int_equal(judgement_worst(&a.verdict), JUDGE_GOOD);
	assert_non_null(a.acceptance);
	assert_int_equal(story_submission(j, &w.submission).state, SUBMISSION_AWARDED);
}

static void only_the_earners_own_kept_acceptance_accepts(void **state)
{
	(void)state;
	tell_of(j, PEN(STRANGER), "acceptance", &w.award);
	tell_of(j, PEN(EARNER, .erasable = true), "acceptance", &w.award);
	expect(&w.award, AWARD_COUNTERSIGNED, JUDGE_NOTE, "not-kept");
}

static void an_award_that_is_not_asked_for_is_not_found(void **state)
{
	(void)state;
	struct award_judgement out;
	struct judge_case c = judge_story_case(j);
	assert_int_equal(judge_award(&c, &w.review.id, &out), ERR_NOT_FOUND);
	c.facts_n = JUDGE_FACTS_MAX + 1;
	assert_int_equal(judge_award(&c, &w.award.id, &out), ERR_LIMIT);
}

/* ---- the act */

static void an_award_that_can_be_erased_does_not_count(void **state)
{
	(void)state;
	struct entry_ref award = tell_award(j, PEN(ISSUER, .erasable = true), award_of(&w));
	expect(&award, AWARD_UNKNOWN, JUDGE_WRONG, "not-kept");
}

static void an_award_behind_the_end_of_its_log_does_not_count(void **state)
{
	(void)state;
	story_cut(j, &w.award);
	expect(&w.award, AWARD_UNKNOWN, JUDGE_WRONG, "entry-cut");
	assert_int_equal(story_submission(j, &w.submission).state, SUBMISSION_MET);
}

static void an_officer_with_the_right_may_award_and_no_other(void **state)
{
	(void)state;
	struct entry_ref award = tell_award(j, PEN(ISSUER, .by = OFFICER), award_of(&w));
	expect(&award, AWARD_UNKNOWN, JUDGE_WRONG, "officer");
	tell_officer(j, ISSUER, OFFICER, KEYSET_RIGHT_REVOKE | KEYSET_RIGHT_APPOINT);
	expect(&award, AWARD_UNKNOWN, JUDGE_WRONG, "officer");
	tell_officer(j, ISSUER, OFFICER, KEYSET_RIGHT_COUNTERSIGN);
	expect(&award, AWARD_COUNTERSIGNED, JUDGE_NOTE, "countersigned");
	tell_hidden(j, ISSUER);
	expect(&award, AWARD_UNKNOWN, JUDGE_UNKNOWN, "keys-missing");
}

static void of_a_dismissed_officer_counts_what_lies_below_the_mark(void **state)
{
	(void)state;
	struct id32 event = tell_officer(j, ISSUER, OFFICER, KEYSET_RIGHT_COUNTERSIGN);
	struct entry_ref below = tell_award(j, PEN(ISSUER, .by = OFFICER), award_of(&w));
	struct entry_ref other_log = tell_award(j, PEN(ISSUER, .device = 1, .by = OFFICER), award_of(&w));
	tell_dismissal(j, ISSUER, &event, 0);
	struct entry_ref above = tell_award(j, PEN(ISSUER, .by = OFFICER), award_of(&w));
	expect(&below, AWARD_COUNTERSIGNED, JUDGE_NOTE, "countersigned");
	expect(&above, AWARD_UNKNOWN, JUDGE_WRONG, "officer-ended");
	expect(&other_log, AWARD_UNKNOWN, JUDGE_WRONG, "officer-ended");
	expect(&w.award, AWARD_COUNTERSIGNED, JUDGE_NOTE, "countersigned");
}

static void nobody_awards_for_somebody_elses_definition(void **state)
{
	(void)state;
	struct entry_ref award = tell_award(j, PEN(STRANGER), award_of(&w));
	expect(&award, AWARD_UNKNOWN, JUDGE_WRONG, "award-foreign");
	struct submission_judgement s = story_submission(j, &w.submission);
	assert_true(id32_equal(&s.award->at.id, &w.award.id));
	assert_int_equal(story_line(&s.why, "award-foreign", &award)->mark, JUDGE_NOTE);
}

/* ---- definition and submission */

static void the_definition_must_be_at_hand_sound_and_of_the_same_version(void **state)
{
	(void)state;
	struct entry_ref next = tell_definition(
		j, PEN(ISSUER), (struct tell_definition){.version = 2, .supersedes = &w.definition});
	struct tell_award a = award_of(&w);
	a.definition = next;
	struct entry_ref award = tell_award(j, PEN(ISSUER), a);
	expect(&award, AWARD_UNKNOWN, JUDGE_WRONG, "award-definition");
	struct submission_judgement s = story_submission(j, &w.submission);
	assert_int_equal(s.state, SUBMISSION_AWARDED);
	assert_non_null(story_line(&s.why, "award-definition", &award));
	story_forget(j, &w.definition);
	expect(&w.award, AWARD_UNKNOWN, JUDGE_UNKNOWN, "definition-missing");
}

static void an_unsound_definition_carries_no_award(void **state)
{
	(void)state;
	struct fact *definition = story_fact(j, &w.definition);
	struct entry_ref at = definition->at;
	struct entry_ref unsound = tell_definition(j, PEN(ISSUER), (struct tell_definition){.unsound = true});
	definition->data = story_fact(j, &unsound)->data;
	assert_true(id32_equal(&at.id, &w.definition.id));
	expect(&w.award, AWARD_UNKNOWN, JUDGE_WRONG, "definition-unsound");
}

static void a_definition_altered_afterwards_no_longer_makes_the_credential(void **state)
{
	(void)state;
	struct entry_ref other = tell_definition(j, PEN(ISSUER), (struct tell_definition){.version = 9});
	story_fact(j, &w.definition)->data = story_fact(j, &other)->data;
	struct award_judgement a = story_award(j, &w.award);
	assert_int_equal(a.state, AWARD_UNKNOWN);
	assert_int_equal(story_line(&a.verdict, "endorsement", &w.review)->mark, JUDGE_WRONG);
	assert_int_equal(judgement_worst(&a.verdict), JUDGE_WRONG);
}

static void nobody_gives_a_micro_credential_to_himself(void **state)
{
	(void)state;
	struct tell_submission made;
	struct entry_ref submission = tell_work(j, PEN(ISSUER), &w.definition, NULL, &made);
	struct entry_ref review = tell_review(j, PEN(ANN), &submission, &w.definition, MEETS);
	struct entry_ref award = tell_award(j, PEN(ISSUER),
		(struct tell_award){.submission = submission,
			.definition = w.definition,
			.manifest = made.manifest,
			.reviews = {review},
			.reviews_n = 1,
			.foreign_earner = true});
	expect(&award, AWARD_UNKNOWN, JUDGE_WRONG, "self-award");
	assert_int_equal(story_submission(j, &submission).state, SUBMISSION_UNKNOWN);
	story_forget(j, &submission);
	expect(&award, AWARD_UNKNOWN, JUDGE_WRONG, "self-award");
}

static void without_the_submission_the_manifest_stands_for_it(void **state)
{
	(void)state;
	story_forget(j, &w.submission);
	expect(&w.award, AWARD_COUNTERSIGNED, JUDGE_NOTE, "attestations-not-seen");
	struct award_judgement a = story_award(j, &w.award);
	assert_null(a.submission);
	assert_true(id32_equal(&a.manifest->at.id, &w.made.manifest.id));
	tell_of(j, PEN(EARNER), "acceptance", &w.award);
	assert_int_equal(story_award(j, &w.award).state, AWARD_ACCEPTED);
	story_erase(j, &w.made.manifest);
	expect(&w.award, AWARD_UNKNOWN, JUDGE_UNKNOWN, "manifest-missing");
}

/* The reviewers endorsed another list: the issuer alone cannot put one in its place, nor one of another version. */
static void evidence_that_no_reviewer_endorsed_is_refused(void **state)
{
	(void)state;
	struct tell_award a = award_of(&w);
	struct tell_submission later, other;
	tell_work(j, PEN(EARNER), &a.definition, NULL, &later);
	a.manifest = later.manifest;
	struct entry_ref award = tell_award(j, PEN(ISSUER), a);
	struct entry_ref next = tell_definition(
		j, PEN(ISSUER), (struct tell_definition){.supersedes = &a.definition});
	tell_work(j, PEN(EARNER), &next, NULL, &other);
	a.manifest = other.manifest;
	struct entry_ref foreign = tell_award(j, PEN(ISSUER), a);
	expect(&award, AWARD_UNKNOWN, JUDGE_WRONG, "credential");
	story_forget(j, &w.submission);
	expect(&award, AWARD_UNKNOWN, JUDGE_WRONG, "endorsement");
	expect(&foreign, AWARD_UNKNOWN, JUDGE_WRONG, "award-definition");
	/* The honest one beside them is as good as before. */
	expect(&w.award, AWARD_COUNTERSIGNED, JUDGE_NOTE, "attestations-not-seen");
}

static void a_copy_of_the_manifest_by_somebody_else_changes_nothing(void **state)
{
	(void)state;
	struct slice manifest = story_fact(j, &w.made.manifest)->data;
	story_forget(j, &w.submission);
	for (unsigned i = 0; i < 60; i++)
		tell(j, PEN(STRANGER, .device = i % STORY_DEVICES), manifest);
	expect(&w.award, AWARD_COUNTERSIGNED, JUDGE_NOTE, "attestations-not-seen");
	struct award_judgement a = story_award(j, &w.award);
	assert_true(id32_equal(&a.earner, &j->people[EARNER].id));
}

static void a_revised_submission_without_the_one_before_is_judged_by_its_manifest(void **state)
{
	(void)state;
	struct tell_award a = award_of(&w);
	struct tell_submission made;
	struct entry_ref definition = tell_definition(
		j, PEN(ISSUER), (struct tell_definition){.resubmissions = 1});
	tell_appointment(j, PEN(ISSUER), ANN, &definition);
	struct entry_ref first = tell_work(j, PEN(EARNER), &definition, NULL, NULL);
	a.definition = definition;
	a.submission = tell_work(j, PEN(EARNER), &definition, &first, &made);
	a.manifest = made.manifest;
	a.reviews[0] = tell_review(j, PEN(ANN), &a.submission, &definition, MEETS);
	struct entry_ref award = tell_award(j, PEN(ISSUER), a);
	expect(&award, AWARD_COUNTERSIGNED, JUDGE_NOTE, "countersigned");
	struct award_judgement whole = story_award(j, &award);
	assert_null(story_line(&whole.verdict, "attestations-not-seen", NULL));
	story_forget(j, &first);
	expect(&award, AWARD_COUNTERSIGNED, JUDGE_NOTE, "attestations-not-seen");
	assert_int_equal(story_submission(j, &a.submission).state, SUBMISSION_AWARDED);
}

static void the_manifest_that_stands_for_a_submission_is_its_writers(void **state)
{
	(void)state;
	struct tell_award a = award_of(&w);
	struct tell_submission theirs;
	struct entry_ref definition = tell_definition(
		j, PEN(ISSUER), (struct tell_definition){.resubmissions = 1});
	tell_appointment(j, PEN(ISSUER), ANN, &definition);
	struct entry_ref first = tell_work(j, PEN(EARNER), &definition, NULL, NULL);
	tell_work(j, PEN(STRANGER), &definition, NULL, &theirs);
	a.definition = definition;
	a.submission = tell_work(j, PEN(EARNER), &definition, &first, NULL);
	a.manifest = theirs.manifest;
	a.foreign_earner = true;
	a.reviews[0] = tell_review(j, PEN(ANN), &a.submission, &definition, MEETS);
	struct entry_ref award = tell_award(j, PEN(ISSUER), a);
	story_forget(j, &first);
	expect(&award, AWARD_UNKNOWN, JUDGE_WRONG, "manifest-foreign");
}

static void no_manifest_stands_for_a_submission_to_blind_review(void **state)
{
	(void)state;
	struct tell_submission made;
	struct entry_ref blind = tell_definition(j, PEN(ISSUER), (struct tell_definition){.blind = true});
	tell_appointment(j, PEN(ISSUER), ANN, &blind);
	struct entry_ref submission = tell_work(j, PEN(EARNER), &blind, NULL, &made);
	struct entry_ref review = tell_review(j, PEN(ANN), &submission, &blind, MEETS);
	struct entry_ref award = tell_award(j, PEN(ISSUER),
		(struct tell_award){.submission = submission,
			.definition = blind,
			.manifest = made.manifest,
			.reviews = {review},
			.reviews_n = 1});
	expect(&award, AWARD_UNKNOWN, JUDGE_WRONG, "definition-blind");
	story_forget(j, &submission);
	expect(&award, AWARD_UNKNOWN, JUDGE_WRONG, "definition-blind");
}

static void erased_evidence_is_said_and_changes_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < j->facts_n; i++)
		if (j->facts[i].kind == FACT_ARTIFACT) {
			struct entry_ref at = j->facts[i].at;
			story_erase(j, &at);
			break;
		}
	struct award_judgement a = story_award(j, &w.award);
	assert_int_equal(a.state, AWARD_COUNTERSIGNED);
	assert_int_equal(story_line(&a.verdict, "evidence-erased", &w.made.manifest)->mark, JUDGE_NOTE);
}

/* ---- the reviews */

static void each_review_named_must_be_at_hand_count_and_decide_meets(void **state)
{
	(void)state;
	struct tell_award a = award_of(&w);
	tell_appointment(j, PEN(ISSUER), BEN, &w.definition);
	a.reviews[1] = tell_review(j, PEN(BEN), &w.submission, &w.definition, NOT_YET);
	a.reviews_n = 2;
	a.level[1] = 1;
	struct entry_ref award = tell_award(j, PEN(ISSUER), a);
	expect(&award, AWARD_UNKNOWN, JUDGE_WRONG, "review-not-meets");
	a.reviews[1] = tell_review(j, PEN(CEM), &w.submission, &w.definition, MEETS);
	award = tell_award(j, PEN(ISSUER), a);
	expect(&award, AWARD_UNKNOWN, JUDGE_UNKNOWN, "appointment-missing");
	story_forget(j, &w.review);
	expect(&w.award, AWARD_UNKNOWN, JUDGE_UNKNOWN, "review-missing");
	j->erased[j->erased_n++] = w.review.id;
	expect(&w.award, AWARD_UNKNOWN, JUDGE_UNKNOWN, "review-erased");
	a = award_of(&w);
	a.reviews[0] = w.submission;
	award = tell_award(j, PEN(ISSUER), a);
	expect(&award, AWARD_UNKNOWN, JUDGE_WRONG, "review-pointer");
}

static void two_reviewers_are_two_people(void **state)
{
	(void)state;
	struct tell_submission made;
	struct entry_ref definition = tell_definition(
		j, PEN(ISSUER), (struct tell_definition){.reviewers = 2});
	tell_appointment(j, PEN(ISSUER), ANN, &definition);
	tell_appointment(j, PEN(ISSUER), BEN, &definition);
	struct entry_ref submission = tell_work(j, PEN(EARNER), &definition, NULL, &made);
	struct tell_award a = {.submission = submission, .definition = definition, .manifest = made.manifest};
	a.reviews[0] = tell_review(j, PEN(ANN), &submission, &definition, MEETS);
	a.reviews_n = 1;
	struct entry_ref one = tell_award(j, PEN(ISSUER), a);
	expect(&one, AWARD_UNKNOWN, JUDGE_WRONG, "reviews-too-few");
	a.reviews[1] = tell_review(j, PEN(ANN, .device = 1), &submission, &definition, MEETS);
	a.reviews_n = 2;
	struct entry_ref twice = tell_award(j, PEN(ISSUER), a);
	expect(&twice, AWARD_UNKNOWN, JUDGE_WRONG, "reviewer-twice");
	a.reviews[1] = a.reviews[0];
	twice = tell_award(j, PEN(ISSUER), a);
	expect(&twice, AWARD_UNKNOWN, JUDGE_WRONG, "reviewer-twice");
	a.reviews[1] = tell_review(
		j, PEN(BEN), &submission, &definition, (struct tell_review){.level = {2, 1}});
	a.level[0] = 1; /* the lowest of both */
	a.level[1] = 1;
	struct entry_ref good = tell_award(j, PEN(ISSUER), a);
	expect(&good, AWARD_COUNTERSIGNED, JUDGE_NOTE, "countersigned");
	a.level[1] = 2;
	struct entry_ref boast = tell_award(j, PEN(ISSUER), a);
	expect(&boast, AWARD_UNKNOWN, JUDGE_WRONG, "credential");
}

static void what_a_reviewer_writes_later_takes_no_award_back(void **state)
{
	(void)state;
	tell_review(j, PEN(ANN), &w.submission, &w.definition, NOT_YET);
	expect(&w.award, AWARD_COUNTERSIGNED, JUDGE_NOTE, "countersigned");
	struct submission_judgement s = story_submission(j, &w.submission);
	assert_int_equal(s.state, SUBMISSION_AWARDED);
	assert_int_equal(s.not_yet, 1);
	assert_int_equal(s.met, 0);
}

static void a_device_of_the_reviewer_closed_after_the_award_changes_nothing(void **state)
{
	(void)state;
	story_cut(j, &w.review);
	expect(&w.award, AWARD_COUNTERSIGNED, JUDGE_NOTE, "countersigned");
	assert_int_equal(story_submission(j, &w.submission).met, 1);
}

static void a_review_behind_a_closing_counts_only_if_the_issuers_award_names_it(void **state)
{
	(void)state;
	struct entry_ref submission = tell_work(j, PEN(EARNER), &w.definition, NULL, NULL);
	struct entry_ref review = tell_review(j, PEN(ANN), &submission, &w.definition, MEETS);
	struct tell_award a = award_of(&w);
	story_cut(j, &review);
	a.submission = submission;
	a.reviews[0] = review;
	/* a thief can write an award too, in a log of his own */
	tell_award(j, PEN(STRANGER), a);
	struct submission_judgement s = story_submission(j, &submission);
	assert_int_equal(s.state, SUBMISSION_SUBMITTED);
	assert_int_equal(story_line(&s.why, "entry-cut", &review)->mark, JUDGE_WRONG);
	/* nor does one that lies behind a closing itself */
	struct entry_ref award = tell_award(j, PEN(ISSUER), a);
	story_cut(j, &award);
	assert_int_equal(story_submission(j, &submission).met, 0);
}

/* ---- the credential */

static void the_credential_must_be_what_its_sources_make(void **state)
{
	(void)state;
	struct tell_award a = award_of(&w);
	a.altered = true;
	struct entry_ref award = tell_award(j, PEN(ISSUER), a);
	expect(&award, AWARD_UNKNOWN, JUDGE_WRONG, "credential");
	a = award_of(&w);
	a.uncanonical = true;
	award = tell_award(j, PEN(ISSUER), a);
	expect(&award, AWARD_UNKNOWN, JUDGE_WRONG, "credential");
	a = award_of(&w);
	a.credential = slice_str("{}");
	award = tell_award(j, PEN(ISSUER), a);
	expect(&award, AWARD_UNKNOWN, JUDGE_WRONG, "credential");
	a.credential = slice_str("[[[[");
	award = tell_award(j, PEN(ISSUER), a);
	expect(&award, AWARD_UNKNOWN, JUDGE_WRONG, "credential");
}

static void the_proofs_must_verify_by_a_key_of_the_issuer(void **state)
{
	(void)state;
	struct tell_award a = award_of(&w);
	a.bad_proof = true;
	struct entry_ref award = tell_award(j, PEN(ISSUER), a);
	expect(&award, AWARD_UNKNOWN, JUDGE_WRONG, "credential-proofs");
	a = award_of(&w);
	a.foreign_key = true;
	award = tell_award(j, PEN(ISSUER), a);
	expect(&award, AWARD_UNKNOWN, JUDGE_WRONG, "credential-key");
	tell_hidden(j, ISSUER);
	expect(&w.award, AWARD_UNKNOWN, JUDGE_UNKNOWN, "keys-missing");
}

static void the_credential_is_given_to_a_key_of_the_earner(void **state)
{
	(void)state;
	struct tell_award a = award_of(&w);
	a.foreign_earner = true;
	struct entry_ref award = tell_award(j, PEN(ISSUER), a);
	expect(&award, AWARD_UNKNOWN, JUDGE_WRONG, "credential-subject");
	tell_hidden(j, EARNER);
	/* whose device wrote the evidence cannot be told either */
	expect(&w.award, AWARD_UNKNOWN, JUDGE_UNKNOWN, "evidence-log");
}

static void a_replaced_badge_key_leaves_what_it_signed(void **state)
{
	(void)state;
	struct id32 before = j->people[ISSUER].keys.badge_key;
	tell_new_badge(j, ISSUER);
	tell_new_badge(j, ANN);
	tell_new_badge(j, EARNER);
	assert_false(id32_equal(&before, &j->people[ISSUER].keys.badge_key));
	expect(&w.award, AWARD_COUNTERSIGNED, JUDGE_NOTE, "countersigned");
	struct entry_ref anew = tell_award(j, PEN(ISSUER), award_of(&w));
	expect(&anew, AWARD_COUNTERSIGNED, JUDGE_NOTE, "countersigned");
}

/* ---- states */

static void revoked_is_wrong_and_only_the_issuer_revokes(void **state)
{
	(void)state;
	tell_of(j, PEN(EARNER), "acceptance", &w.award);
	tell_of(j, PEN(STRANGER), "revoke", &w.award);
	assert_int_equal(story_award(j, &w.award).state, AWARD_ACCEPTED);
	tell_officer(j, ISSUER, OFFICER, KEYSET_RIGHT_COUNTERSIGN);
	tell_of(j, PEN(ISSUER, .by = OFFICER), "revoke", &w.award);
	tell_of(j, PEN(ISSUER, .erasable = true), "revoke", &w.award);
	assert_int_equal(story_award(j, &w.award).state, AWARD_ACCEPTED);
	expect(&w.award, AWARD_ACCEPTED, JUDGE_NOTE, "officer");
	tell_of(j, PEN(ISSUER), "revoke", &w.award);
	expect(&w.award, AWARD_REVOKED, JUDGE_WRONG, "revoked");
	assert_int_equal(story_submission(j, &w.submission).state, SUBMISSION_AWARDED);
}

static void countersigned_twice_is_one_credential(void **state)
{
	(void)state;
	struct entry_ref second = tell_award(j, PEN(ISSUER, .device = 1), award_of(&w));
	const struct entry_ref *low = id32_cmp(&w.award.id, &second.id) < 0 ? &w.award : &second;
	const struct entry_ref *high = low == &second ? &w.award : &second;
	assert_true(id32_equal(&story_award(j, low).standing->at.id, &low->id));
	assert_true(id32_equal(&story_award(j, high).standing->at.id, &low->id));
	tell_of(j, PEN(EARNER), "acceptance", high);
	struct award_judgement a = story_award(j, low);
	assert_int_equal(a.state, AWARD_COUNTERSIGNED);
	assert_int_equal(a.credential_state, AWARD_ACCEPTED);
	assert_true(id32_equal(&a.standing->at.id, &high->id));
	assert_true(id32_equal(&story_submission(j, &w.submission).award->at.id, &high->id));
}

static void one_of_two_awards_revoked_leaves_the_other(void **state)
{
	(void)state;
	struct entry_ref second = tell_award(j, PEN(ISSUER), award_of(&w));
	tell_of(j, PEN(EARNER), "acceptance", &w.award);
	tell_of(j, PEN(ISSUER), "revoke", &w.award);
	struct award_judgement a = story_award(j, &w.award);
	assert_int_equal(a.state, AWARD_REVOKED);
	assert_int_equal(a.credential_state, AWARD_COUNTERSIGNED);
	assert_true(id32_equal(&a.standing->at.id, &second.id));
	assert_int_equal(story_award(j, &second).state, AWARD_COUNTERSIGNED);
}

static void after_a_mistaken_revoke_it_is_awarded_anew(void **state)
{
	(void)state;
	tell_of(j, PEN(ISSUER), "revoke", &w.award);
	struct award_judgement a = story_award(j, &w.award);
	assert_int_equal(a.credential_state, AWARD_REVOKED);
	struct entry_ref anew = tell_award(j, PEN(ISSUER), award_of(&w));
	tell_of(j, PEN(EARNER), "acceptance", &anew);
	assert_int_equal(story_award(j, &anew).state, AWARD_ACCEPTED);
	a = story_award(j, &w.award);
	assert_int_equal(a.state, AWARD_REVOKED);
	assert_int_equal(a.credential_state, AWARD_ACCEPTED);
	assert_non_null(story_line(&a.verdict, "awarded-anew", &anew));
}

static void an_award_that_does_not_count_never_stands(void **state)
{
	(void)state;
	struct tell_award a = award_of(&w);
	a.altered = true;
	struct entry_ref bad = tell_award(j, PEN(ISSUER), a);
	tell_of(j, PEN(EARNER), "acceptance", &bad);
	struct award_judgement judged = story_award(j, &bad);
	assert_int_equal(judged.state, AWARD_UNKNOWN);
	assert_true(id32_equal(&judged.standing->at.id, &w.award.id));
	struct submission_judgement s = story_submission(j, &w.submission);
	assert_true(id32_equal(&s.award->at.id, &w.award.id));
	assert_int_equal(story_line(&s.why, "credential", &bad)->mark, JUDGE_WRONG);
}

static void withdrawn_after_the_award_is_awarded(void **state)
{
	(void)state;
	tell_of(j, PEN(EARNER), "withdraw", &w.submission);
	assert_int_equal(story_submission(j, &w.submission).state, SUBMISSION_AWARDED);
	story_forget(j, &w.award);
	assert_int_equal(story_submission(j, &w.submission).state, SUBMISSION_WITHDRAWN);
}

static void states_have_the_names_of_the_document(void **state)
{
	(void)state;
	assert_string_equal(award_state_name(AWARD_UNKNOWN), "unknown");
	assert_string_equal(award_state_name(AWARD_COUNTERSIGNED), "countersigned");
	assert_string_equal(award_state_name(AWARD_ACCEPTED), "accepted");
	assert_string_equal(award_state_name(AWARD_REVOKED), "revoked");
	assert_string_equal(submission_state_name(SUBMISSION_NOT_YET), "not-yet");
	assert_string_equal(submission_state_name(SUBMISSION_WITHDRAWN), "withdrawn");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(the_whole_way_counts_and_each_check_has_its_line),
		TEST(only_the_earners_own_kept_acceptance_accepts),
		TEST(an_award_that_is_not_asked_for_is_not_found),
		TEST(an_award_that_can_be_erased_does_not_count),
		TEST(an_award_behind_the_end_of_its_log_does_not_count),
		TEST(an_officer_with_the_right_may_award_and_no_other),
		TEST(of_a_dismissed_officer_counts_what_lies_below_the_mark),
		TEST(nobody_awards_for_somebody_elses_definition),
		TEST(the_definition_must_be_at_hand_sound_and_of_the_same_version),
		TEST(an_unsound_definition_carries_no_award),
		TEST(a_definition_altered_afterwards_no_longer_makes_the_credential),
		TEST(nobody_gives_a_micro_credential_to_himself),
		TEST(without_the_submission_the_manifest_stands_for_it),
		TEST(evidence_that_no_reviewer_endorsed_is_refused),
		TEST(a_copy_of_the_manifest_by_somebody_else_changes_nothing),
		TEST(a_revised_submission_without_the_one_before_is_judged_by_its_manifest),
		TEST(the_manifest_that_stands_for_a_submission_is_its_writers),
		TEST(no_manifest_stands_for_a_submission_to_blind_review),
		TEST(erased_evidence_is_said_and_changes_nothing),
		TEST(each_review_named_must_be_at_hand_count_and_decide_meets),
		TEST(two_reviewers_are_two_people),
		TEST(what_a_reviewer_writes_later_takes_no_award_back),
		TEST(a_device_of_the_reviewer_closed_after_the_award_changes_nothing),
		TEST(a_review_behind_a_closing_counts_only_if_the_issuers_award_names_it),
		TEST(the_credential_must_be_what_its_sources_make),
		TEST(the_proofs_must_verify_by_a_key_of_the_issuer),
		TEST(the_credential_is_given_to_a_key_of_the_earner),
		TEST(a_replaced_badge_key_leaves_what_it_signed),
		TEST(revoked_is_wrong_and_only_the_issuer_revokes),
		TEST(countersigned_twice_is_one_credential),
		TEST(one_of_two_awards_revoked_leaves_the_other),
		TEST(after_a_mistaken_revoke_it_is_awarded_anew),
		TEST(an_award_that_does_not_count_never_stands),
		TEST(withdrawn_after_the_award_is_awarded),
		TEST(states_have_the_names_of_the_document),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
