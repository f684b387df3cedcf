/* Definitions and submissions: what counts, what does not and with which words. SPEC.md sections 16.2 to 16.5 and 16.7. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "tests/support/judge_story.h"

static struct judge_story *j;
static struct entry_ref definition, appointment;

static int begin(void **state)
{
	(void)state;
	j = (struct judge_story *)calloc(1, sizeof *j);
	if (!j)
		return -1;
	judge_story_begin(j, 11);
	definition = tell_definition(j, PEN(ISSUER), (struct tell_definition){.resubmissions = 2});
	appointment = tell_appointment(j, PEN(ISSUER), ANN, &definition);
	return 0;
}

static int end(void **state)
{
	(void)state;
	judge_story_end(j);
	free(j);
	return 0;
}

/* It does not count, for this reason. */
static void expect_not(const struct entry_ref *submission, enum judge_mark mark, const char *code)
{
	struct submission_judgement s = story_submission(j, submission);
	if (!story_line(&s.why, code, NULL))
		for (size_t i = 0; i < s.why.lines_n; i++)
			printf("  %d %s: %s\n", (int)s.why.lines[i].mark, s.why.lines[i].code,
				s.why.lines[i].text);
	assert_int_equal(s.state, SUBMISSION_UNKNOWN);
	assert_non_null(story_line(&s.why, code, NULL));
	assert_int_equal(s.why.lines[0].mark, mark);
	assert_string_equal(s.why.lines[0].code, code);
}

static void expect_state(const struct entry_ref *submission, enum submission_state state)
{
	struct submission_judgement s = story_submission(j, submission);
	if (s.state != state)
		for (size_t i = 0; i < s.why.lines_n; i++)
			printf("  %d %s: %s\n", (int)s.why.lines[i].mark, s.why.lines[i].code,
				s.why.lines[i].text);
	assert_string_equal(submission_state_name(s.state), submission_state_name(state));
}

static void a_complete_submission_counts_and_says_whose_it_is(void **state)
{
	(void)state;
	struct tell_submission made;
	struct entry_ref at = tell_work(j, PEN(EARNER), &definition, NULL, &made);
	struct submission_judgement s = story_submission(j, &at);
	assert_int_equal(s.state, SUBMISSION_SUBMITTED);
	assert_int_equal(judgement_worst(&s.why), JUDGE_GOOD);
	assert_int_equal(s.needed, 1);
	assert_true(id32_equal(&s.issuer, &j->people[ISSUER].id));
	assert_true(id32_equal(&s.earner, &j->people[EARNER].id));
	assert_true(id32_equal(&s.manifest->at.id, &made.manifest.id));
	struct judge_case c = judge_story_case(j);
	assert_int_equal(judge_submission(&c, &made.manifest.id, &s), ERR_NOT_FOUND);
	c.facts_n = JUDGE_FACTS_MAX + 1;
	assert_int_equal(judge_submission(&c, &at.id, &s), ERR_LIMIT);
}

/* ---- definitions */

static void the_definition_must_count(void **state)
{
	(void)state;
	struct entry_ref blind = tell_definition(j, PEN(ISSUER), (struct tell_definition){.blind = true});
	struct entry_ref unsound = tell_definition(j, PEN(ISSUER), (struct tell_definition){.unsound = true});
	struct entry_ref erasable = tell_definition(
		j, PEN(ISSUER, .erasable = true), (struct tell_definition){0});
	struct entry_ref cut = tell_definition(j, PEN(ISSUER), (struct tell_definition){.version = 3});
	struct entry_ref at = tell_work(j, PEN(EARNER), &blind, NULL, NULL);
	expect_not(&at, JUDGE_WRONG, "definition-blind");
	at = tell_work(j, PEN(EARNER), &unsound, NULL, NULL);
	expect_not(&at, JUDGE_WRONG, "definition-unsound");
	at = tell_work(j, PEN(EARNER), &erasable, NULL, NULL);
	expect_not(&at, JUDGE_WRONG, "not-kept");
	story_cut(j, &cut);
	at = tell_work(j, PEN(EARNER), &cut, NULL, NULL);
	expect_not(&at, JUDGE_WRONG, "entry-cut");
	at = tell_work(j, PEN(EARNER), &appointment, NULL, NULL);
	expect_not(&at, JUDGE_WRONG, "definition-pointer");
	struct entry_ref elsewhere = definition;
	elsewhere.seq++;
	at = tell_work(j, PEN(EARNER), &elsewhere, NULL, NULL);
	expect_not(&at, JUDGE_WRONG, "definition-pointer");
	at = tell_work(j, PEN(EARNER), &definition, NULL, NULL);
	expect_state(&at, SUBMISSION_SUBMITTED);
	story_forget(j, &definition);
	expect_not(&at, JUDGE_UNKNOWN, "definition-missing");
}

static void a_definition_by_an_officer_needs_the_right_to_publish(void **state)
{
	(void)state;
	struct entry_ref theirs = tell_definition(j, PEN(ISSUER, .by = OFFICER), (struct tell_definition){0});
	struct entry_ref at = tell_work(j, PEN(EARNER), &theirs, NULL, NULL);
	expect_not(&at, JUDGE_WRONG, "officer");
	struct id32 event = tell_officer(j, ISSUER, OFFICER, KEYSET_RIGHT_PUBLISH);
	expect_state(&at, SUBMISSION_SUBMITTED);
	tell_dismissal(j, ISSUER, &event, STORY_DEVICES);
	expect_not(&at, JUDGE_WRONG, "officer-ended");
}

static void what_supersedes_nothing_at_hand_counts_all_the_same(void **state)
{
	(void)state;
	struct entry_ref next = tell_definition(
		j, PEN(ISSUER), (struct tell_definition){.version = 2, .supersedes = &definition});
	struct entry_ref at = tell_work(j, PEN(EARNER), &next, NULL, NULL);
	struct entry_ref foreign = tell_definition(
		j, PEN(STRANGER), (struct tell_definition){.version = 2, .supersedes = &definition});
	struct entry_ref other = tell_work(j, PEN(EARNER), &foreign, NULL, NULL);
	expect_state(&at, SUBMISSION_SUBMITTED);
	expect_state(&other, SUBMISSION_SUBMITTED);
	/* nor does anybody inherit somebody else's reviewers by it */
	tell_of(j, PEN(ANN), "claim", &other);
	expect_state(&other, SUBMISSION_SUBMITTED);
	story_forget(j, &definition);
	expect_state(&at, SUBMISSION_SUBMITTED);
}

/* Of `steps` versions after the first, does the last descend from the first? */
static void descends(unsigned steps, enum submission_state expected)
{
	struct entry_ref last = definition;
	for (unsigned i = 1; i <= steps; i++)
		last = tell_definition(
			j, PEN(ISSUER), (struct tell_definition){.version = i, .supersedes = &last});
	struct entry_ref at = tell_work(j, PEN(EARNER), &last, NULL, NULL);
	tell_of(j, PEN(ANN), "claim", &at);
	expect_state(&at, expected);
}

static void an_appointment_covers_sixty_four_steps_of_descent(void **state)
{
	(void)state;
	descends(64, SUBMISSION_CLAIMED);
}

static void and_not_sixty_five(void **state)
{
	(void)state;
	descends(65, SUBMISSION_SUBMITTED);
}

static void versions_in_a_circle_end(void **state)
{
	(void)state;
	struct entry_ref second = tell_definition(
		j, PEN(ISSUER), (struct tell_definition){.version = 2, .supersedes = &definition});
	struct entry_ref first = tell_definition(
		j, PEN(ISSUER), (struct tell_definition){.version = 1, .supersedes = &second});
	/* no hash allows this; the judge must end nevertheless */
	story_fact(j, &definition)->data = story_fact(j, &first)->data;
	struct entry_ref at = tell_work(j, PEN(EARNER), &second, NULL, NULL);
	tell_of(j, PEN(ANN), "claim", &at);
	expect_state(&at, SUBMISSION_CLAIMED);
}

/* ---- evidence */

static struct entry_ref submit(struct tell_item *items, size_t n)
{
	struct entry_ref manifest = tell_manifest(j, PEN(EARNER), &definition, items, n);
	return tell_submission(
		j, PEN(EARNER), (struct tell_submission){.definition = definition, .manifest = manifest});
}

static void each_requirement_has_as_much_evidence_as_it_asks_for(void **state)
{
	(void)state;
	struct entry_ref plan = tell_artifact(j, PEN(EARNER), "lesson-plan", "A plan"),
			 two = tell_artifact(j, PEN(EARNER), "lesson-plan", "Another"),
			 three = tell_artifact(j, PEN(EARNER, .device = 1), "lesson-plan", "A third"),
			 film = tell_artifact(j, PEN(EARNER), "video", "A film"),
			 text = tell_reflection(j, PEN(EARNER), "I waited.");
	struct tell_item items[] = {{"plan", "lesson-plan", plan, false},
		{"thoughts", "reflection", text, false}, {"plan", "lesson-plan", two, false},
		{"plan", "lesson-plan", three, false}};
	struct entry_ref at = submit(items, 3);
	expect_state(&at, SUBMISSION_SUBMITTED);
	at = submit(items, 4);
	expect_not(&at, JUDGE_WRONG, "requirement-excess");
	at = submit(items, 1);
	expect_not(&at, JUDGE_WRONG, "requirement-missing");
	struct submission_judgement s = story_submission(j, &at);
	assert_non_null(strstr(s.why.lines[0].text, "requirement 2 "));
	items[2].requirement = "luck";
	at = submit(items, 3);
	expect_not(&at, JUDGE_WRONG, "requirement-unknown");
	items[2] = (struct tell_item){"plan", "video", film, false};
	at = submit(items, 3);
	expect_not(&at, JUDGE_WRONG, "requirement-kind");
	items[2] = (struct tell_item){"plan", "lesson-plan", film, false};
	at = submit(items, 3);
	expect_not(&at, JUDGE_WRONG, "evidence-kind");
	items[2] = items[0];
	at = submit(items, 3);
	expect_not(&at, JUDGE_WRONG, "item-twice");
	items[2] = (struct tell_item){"plan", "lesson-plan", definition, false};
	at = submit(items, 3);
	expect_not(&at, JUDGE_WRONG, "evidence-foreign");
}

static void replaced_evidence_fails_and_absent_evidence_does_not(void **state)
{
	(void)state;
	struct entry_ref plan = tell_artifact(j, PEN(EARNER), "lesson-plan", "A plan"),
			 text = tell_reflection(j, PEN(EARNER), "I waited.");
	struct tell_item items[] = {
		{"plan", "lesson-plan", plan, true}, {"thoughts", "reflection", text, false}};
	struct entry_ref at = submit(items, 2);
	expect_not(&at, JUDGE_WRONG, "evidence-digest");
	/* what is behind a closing says nothing */
	story_cut(j, &plan);
	expect_state(&at, SUBMISSION_SUBMITTED);
	story_erase(j, &plan);
	story_forget(j, &text);
	expect_state(&at, SUBMISSION_SUBMITTED);
	struct submission_judgement s = story_submission(j, &at);
	assert_int_equal(story_line(&s.why, "evidence-erased", NULL)->mark, JUDGE_NOTE);
	assert_int_equal(story_line(&s.why, "evidence-missing", NULL)->mark, JUDGE_NOTE);
}

static void what_stands_in_the_place_of_evidence_is_not_it(void **state)
{
	(void)state;
	/* The earner erases the plan and writes a better one, whose envelope says that it `was` the first: the manifest names the first. */
	struct entry_ref plan = tell_artifact(j, PEN(EARNER), "lesson-plan", "A plan"),
			 text = tell_reflection(j, PEN(EARNER), "I waited.");
	struct tell_item items[] = {
		{"plan", "lesson-plan", plan, false}, {"thoughts", "reflection", text, false}};
	struct entry_ref manifest = tell_manifest(j, PEN(EARNER), &definition, items, 2);
	struct entry_ref better = tell_artifact(j, PEN(EARNER), "lesson-plan", "A better plan");
	struct entry_ref at = tell_submission(
		j, PEN(EARNER), (struct tell_submission){.definition = definition, .manifest = manifest});
	expect_state(&at, SUBMISSION_SUBMITTED);
	story_fact(j, &plan)->data = story_fact(j, &better)->data;
	expect_not(&at, JUDGE_WRONG, "evidence-digest");
}

static void evidence_is_the_earners_own(void **state)
{
	(void)state;
	struct entry_ref theirs = tell_artifact(j, PEN(STRANGER), "lesson-plan", "A plan"),
			 text = tell_reflection(j, PEN(EARNER), "I waited.");
	struct tell_item items[] = {
		{"plan", "lesson-plan", theirs, false}, {"thoughts", "reflection", text, false}};
	struct entry_ref at = submit(items, 2);
	expect_not(&at, JUDGE_WRONG, "evidence-foreign");
	tell_hidden(j, STRANGER);
	expect_not(&at, JUDGE_WRONG, "evidence-foreign");
	story_forget(j, &theirs);
	j->hidden = 0;
	expect_not(&at, JUDGE_WRONG, "evidence-foreign");
	tell_hidden(j, STRANGER);
	expect_not(&at, JUDGE_UNKNOWN, "evidence-log");
}

static void the_list_of_evidence_is_the_earners_and_for_the_same_version(void **state)
{
	(void)state;
	struct tell_submission made;
	struct entry_ref next = tell_definition(
		j, PEN(ISSUER), (struct tell_definition){.version = 2, .supersedes = &definition});
	tell_work(j, PEN(EARNER), &definition, NULL, &made);
	made.definition = next;
	struct entry_ref at = tell_submission(j, PEN(EARNER), made);
	expect_not(&at, JUDGE_WRONG, "manifest-definition");
	made.definition = definition;
	at = tell_submission(j, PEN(STRANGER), made);
	expect_not(&at, JUDGE_WRONG, "manifest-foreign");
	at = tell_submission(j, PEN(EARNER), made);
	expect_state(&at, SUBMISSION_SUBMITTED);
	story_erase(j, &made.manifest);
	expect_not(&at, JUDGE_UNKNOWN, "manifest-erased");
	j->erased_n = 0;
	expect_not(&at, JUDGE_UNKNOWN, "manifest-missing");
	made.manifest = definition;
	at = tell_submission(j, PEN(EARNER), made);
	expect_not(&at, JUDGE_WRONG, "manifest-pointer");
}

static void attestations_are_complete(void **state)
{
	(void)state;
	struct tell_submission made;
	tell_work(j, PEN(EARNER), &definition, NULL, &made);
	made.unattested = true;
	struct entry_ref at = tell_submission(j, PEN(EARNER), made);
	expect_not(&at, JUDGE_WRONG, "attestation-missing");
}

static void nobody_submits_to_himself(void **state)
{
	(void)state;
	struct entry_ref at = tell_work(j, PEN(ISSUER), &definition, NULL, NULL);
	expect_not(&at, JUDGE_WRONG, "self-award");
}

static void a_submission_behind_the_end_of_its_log_does_not_count(void **state)
{
	(void)state;
	struct entry_ref at = tell_work(j, PEN(EARNER), &definition, NULL, NULL);
	story_cut(j, &at);
	expect_not(&at, JUDGE_WRONG, "entry-cut");
}

/* ---- revisions */

static void a_revision_says_what_changed_and_names_the_earners_own(void **state)
{
	(void)state;
	struct tell_submission made;
	struct entry_ref first = tell_work(j, PEN(EARNER), &definition, NULL, &made);
	made.revises = &first;
	made.no_change = true;
	struct entry_ref at = tell_submission(j, PEN(EARNER), made);
	expect_not(&at, JUDGE_WRONG, "revision-unexplained");
	expect_state(&first, SUBMISSION_SUBMITTED);
	struct entry_ref theirs = tell_work(j, PEN(STRANGER), &definition, NULL, NULL);
	at = tell_work(j, PEN(EARNER), &definition, &theirs, NULL);
	expect_not(&at, JUDGE_WRONG, "revision-foreign");
	expect_state(&theirs, SUBMISSION_SUBMITTED);
	at = tell_work(j, PEN(EARNER), &definition, &made.manifest, NULL);
	expect_not(&at, JUDGE_WRONG, "submission-pointer");
	at = tell_work(j, PEN(EARNER), &definition, &first, NULL);
	expect_state(&at, SUBMISSION_SUBMITTED);
	story_forget(j, &first);
	expect_not(&at, JUDGE_UNKNOWN, "revised-missing");
}

static void a_revision_of_what_does_not_count_does_not_count(void **state)
{
	(void)state;
	struct tell_submission made;
	tell_work(j, PEN(EARNER), &definition, NULL, &made);
	made.unattested = true;
	struct entry_ref first = tell_submission(j, PEN(EARNER), made);
	struct entry_ref at = tell_work(j, PEN(EARNER), &definition, &first, NULL);
	expect_not(&at, JUDGE_WRONG, "revised-not-counting");
}

static void a_second_submission_before_the_first_is_judged_withdraws_the_first(void **state)
{
	(void)state;
	struct entry_ref first = tell_work(j, PEN(EARNER), &definition, NULL, NULL);
	struct entry_ref alone = tell_work(j, PEN(EARNER, .device = 1), &definition, NULL, NULL);
	tell_of(j, PEN(ANN), "claim", &first);
	expect_state(&first, SUBMISSION_CLAIMED);
	struct entry_ref second = tell_work(j, PEN(EARNER), &definition, &first, NULL);
	expect_state(&first, SUBMISSION_WITHDRAWN);
	expect_state(&second, SUBMISSION_SUBMITTED);
	expect_state(&alone, SUBMISSION_SUBMITTED);
	struct submission_judgement s = story_submission(j, &first);
	assert_true(id32_equal(&s.revised_by->at.id, &second.id));
}

static void a_revision_after_not_yet_leaves_not_yet(void **state)
{
	(void)state;
	struct entry_ref first = tell_work(j, PEN(EARNER), &definition, NULL, NULL);
	tell_review(j, PEN(ANN), &first, &definition, NOT_YET);
	struct entry_ref second = tell_work(j, PEN(EARNER), &definition, &first, NULL);
	expect_state(&first, SUBMISSION_NOT_YET);
	expect_state(&second, SUBMISSION_SUBMITTED);
	tell_of(j, PEN(EARNER), "withdraw", &first);
	expect_state(&first, SUBMISSION_WITHDRAWN);
}

static void a_chain_of_revisions_has_the_length_that_the_definition_allows(void **state)
{
	(void)state;
	struct entry_ref chain[5];
	chain[0] = tell_work(j, PEN(EARNER), &definition, NULL, NULL);
	for (size_t i = 1; i < 5; i++)
		chain[i] = tell_work(j, PEN(EARNER), &definition, &chain[i - 1], NULL);
	expect_state(&chain[1], SUBMISSION_WITHDRAWN);
	expect_state(&chain[2], SUBMISSION_SUBMITTED);
	expect_not(&chain[3], JUDGE_WRONG, "revisions-exceeded");
	expect_not(&chain[4], JUDGE_WRONG, "revisions-exceeded");
}

static void fifty_revisions_may_be_allowed_and_never_more(void **state)
{
	(void)state;
	struct entry_ref patient = tell_definition(
		j, PEN(ISSUER), (struct tell_definition){.resubmissions = 50});
	struct entry_ref last = tell_work(j, PEN(EARNER), &patient, NULL, NULL), before = last;
	for (unsigned i = 0; i < 50; i++)
		last = tell_work(j, PEN(EARNER), &patient, &last, NULL);
	expect_state(&last, SUBMISSION_SUBMITTED);
	for (unsigned i = 0; i < 60; i++)
		last = tell_work(j, PEN(EARNER), &patient, &last, NULL);
	expect_not(&last, JUDGE_WRONG, "revisions-exceeded");
	expect_state(&before, SUBMISSION_WITHDRAWN);
}

static void what_does_not_count_at_the_end_of_fifty_takes_all_with_it(void **state)
{
	(void)state;
	struct tell_submission made;
	struct entry_ref patient = tell_definition(
		j, PEN(ISSUER), (struct tell_definition){.resubmissions = 50});
	tell_work(j, PEN(EARNER), &patient, NULL, &made);
	made.unattested = true;
	struct entry_ref last = tell_submission(j, PEN(EARNER), made);
	for (unsigned i = 0; i < 50; i++)
		last = tell_work(j, PEN(EARNER), &patient, &last, NULL);
	expect_not(&last, JUDGE_WRONG, "revised-not-counting");
}

static void revisions_in_a_circle_do_not_count(void **state)
{
	(void)state;
	struct entry_ref first = tell_work(j, PEN(EARNER), &definition, NULL, NULL);
	struct entry_ref second = tell_work(j, PEN(EARNER), &definition, &first, NULL);
	struct entry_ref third = tell_work(j, PEN(EARNER), &definition, &second, NULL);
	story_fact(j, &first)->data = story_fact(j, &third)->data; /* first revises second */
	expect_not(&second, JUDGE_WRONG, "revisions-exceeded");
	expect_not(&first, JUDGE_WRONG, "revisions-exceeded");
}

static void a_definition_revised_midway_changes_nothing_for_what_was_submitted(void **state)
{
	(void)state;
	struct entry_ref first = tell_work(j, PEN(EARNER), &definition, NULL, NULL);
	struct entry_ref next = tell_definition(j, PEN(ISSUER),
		(struct tell_definition){.version = 2, .supersedes = &definition, .reviewers = 2});
	struct entry_ref unrelated = tell_definition(j, PEN(ISSUER), (struct tell_definition){.version = 3});
	tell_review(j, PEN(ANN), &first, &definition, MEETS);
	expect_state(&first, SUBMISSION_MET);
	/* a revision may move on to the new version, and back, but not to something else */
	next = tell_definition(j, PEN(ISSUER),
		(struct tell_definition){.version = 4, .supersedes = &next, .resubmissions = 2});
	struct entry_ref second = tell_work(j, PEN(EARNER), &next, &first, NULL);
	expect_state(&second, SUBMISSION_SUBMITTED);
	struct entry_ref back = tell_work(j, PEN(EARNER), &definition, &second, NULL);
	expect_state(&back, SUBMISSION_SUBMITTED);
	struct entry_ref other = tell_work(j, PEN(EARNER), &unrelated, &first, NULL);
	struct submission_judgement s = story_submission(j, &other);
	assert_int_equal(s.state, SUBMISSION_UNKNOWN);
	struct entry_ref generous = tell_definition(
		j, PEN(ISSUER), (struct tell_definition){.version = 5, .resubmissions = 2});
	other = tell_work(j, PEN(EARNER), &generous, &first, NULL);
	expect_not(&other, JUDGE_WRONG, "revision-definition");
}

static void a_version_that_is_not_at_hand_leaves_a_revision_unknown(void **state)
{
	(void)state;
	struct entry_ref second = tell_definition(
		j, PEN(ISSUER), (struct tell_definition){.version = 2, .supersedes = &definition});
	struct entry_ref third = tell_definition(j, PEN(ISSUER),
		(struct tell_definition){.version = 3, .supersedes = &second, .resubmissions = 2});
	struct entry_ref first = tell_work(j, PEN(EARNER), &definition, NULL, NULL);
	struct entry_ref at = tell_work(j, PEN(EARNER), &third, &first, NULL);
	expect_state(&at, SUBMISSION_SUBMITTED);
	story_forget(j, &second);
	expect_not(&at, JUDGE_UNKNOWN, "definition-gap");
}

/* ---- withdrawing */

static void only_the_earners_own_kept_withdrawal_withdraws(void **state)
{
	(void)state;
	struct entry_ref at = tell_work(j, PEN(EARNER), &definition, NULL, NULL);
	tell_of(j, PEN(STRANGER), "withdraw", &at);
	tell_of(j, PEN(EARNER, .erasable = true), "withdraw", &at);
	expect_state(&at, SUBMISSION_SUBMITTED);
	struct submission_judgement s = story_submission(j, &at);
	assert_int_equal(story_line(&s.why, "not-kept", NULL)->mark, JUDGE_NOTE);
	tell_review(j, PEN(ANN), &at, &definition, MEETS);
	expect_state(&at, SUBMISSION_MET);
	tell_of(j, PEN(EARNER), "withdraw", &at);
	expect_state(&at, SUBMISSION_WITHDRAWN);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(a_complete_submission_counts_and_says_whose_it_is),
		TEST(the_definition_must_count),
		TEST(a_definition_by_an_officer_needs_the_right_to_publish),
		TEST(what_supersedes_nothing_at_hand_counts_all_the_same),
		TEST(an_appointment_covers_sixty_four_steps_of_descent),
		TEST(and_not_sixty_five),
		TEST(versions_in_a_circle_end),
		TEST(each_requirement_has_as_much_evidence_as_it_asks_for),
		TEST(replaced_evidence_fails_and_absent_evidence_does_not),
		TEST(what_stands_in_the_place_of_evidence_is_not_it),
		TEST(evidence_is_the_earners_own),
		TEST(the_list_of_evidence_is_the_earners_and_for_the_same_version),
		TEST(attestations_are_complete),
		TEST(nobody_submits_to_himself),
		TEST(a_submission_behind_the_end_of_its_log_does_not_count),
		TEST(a_revision_says_what_changed_and_names_the_earners_own),
		TEST(a_revision_of_what_does_not_count_does_not_count),
		TEST(a_second_submission_before_the_first_is_judged_withdraws_the_first),
		TEST(a_revision_after_not_yet_leaves_not_yet),
		TEST(a_chain_of_revisions_has_the_length_that_the_definition_allows),
		TEST(fifty_revisions_may_be_allowed_and_never_more),
		TEST(what_does_not_count_at_the_end_of_fifty_takes_all_with_it),
		TEST(revisions_in_a_circle_do_not_count),
		TEST(a_definition_revised_midway_changes_nothing_for_what_was_submitted),
		TEST(a_version_that_is_not_at_hand_leaves_a_revision_unknown),
		TEST(only_the_earners_own_kept_withdrawal_withdraws),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
