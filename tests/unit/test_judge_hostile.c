/* Cases that somebody made to hang or exhaust the judge: thousands of facts of one kind about one thing, circles, nonsense. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <time.h>

#include "protocol/log/record.h"
#include "tests/support/judge_story.h"

/* Well under a second with a plain build; sanitizers take several times as long. */
enum { MS_MAX = 900 };
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SLOWNESS = 12 };
#else
enum { SLOWNESS = 1 };
#endif

static struct judge_story *j;
static struct whole_way w;

static int begin(void **state)
{
	(void)state;
	j = (struct judge_story *)calloc(1, sizeof *j);
	if (!j)
		return -1;
	judge_story_begin(j, 17);
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

static long ms_since(clock_t start)
{
	return (long)((clock() - start) * 1000 / CLOCKS_PER_SEC);
}

/* Judges the submission and the award, each in time. */
static void judge_both(const char *what, enum submission_state submission, enum award_state award)
{
	clock_t start = clock();
	struct submission_judgement s = story_submission(j, &w.submission);
	long first = ms_since(start);
	start = clock();
	struct award_judgement a = story_award(j, &w.award);
	long second = ms_since(start);
	printf("%s: %zu facts, %ld and %ld ms\n", what, j->facts_n, first, second);
	assert_string_equal(submission_state_name(s.state), submission_state_name(submission));
	assert_string_equal(award_state_name(a.state), award_state_name(award));
	assert_true(first < MS_MAX * SLOWNESS && second < MS_MAX * SLOWNESS);
	assert_true(s.why.lines_n <= JUDGE_LINES_MAX && a.verdict.lines_n <= JUDGE_LINES_MAX);
}

static bool room(void)
{
	return j->facts_n + 8 < JUDGE_FACTS_MAX;
}

static void every_fact_many_times(void **state)
{
	(void)state;
	size_t n = j->facts_n;
	while (j->facts_n < JUDGE_FACTS_MAX) {
		j->facts[j->facts_n] = j->facts[j->facts_n % n];
		j->facts_n++;
	}
	judge_both("duplicates", SUBMISSION_AWARDED, AWARD_COUNTERSIGNED);
}

/* The review comes with another content too, behind its own and before it. */
static enum award_state two_contents(struct slice other)
{
	struct fact *a = story_fact(j, &w.review);
	j->facts[j->facts_n] = *a;
	j->facts[j->facts_n].data = other;
	struct fact *b = &j->facts[j->facts_n++];
	struct award_judgement first = story_award(j, &w.award);
	struct fact t = *a;
	*a = *b;
	*b = t;
	struct award_judgement second = story_award(j, &w.award);
	assert_int_equal(first.state, second.state);
	assert_int_equal(first.verdict.lines_n, second.verdict.lines_n);
	return first.state;
}

static void one_entry_with_two_contents_is_judged_the_same_in_any_order(void **state)
{
	(void)state;
	struct entry_ref other = tell_review(j, PEN(ANN), &w.submission, &w.definition, NOT_YET);
	two_contents(story_fact(j, &other)->data);
}

/* The one that is no record any more comes first of the two, wherever it stood. */
static void so_is_one_whose_contents_begin_alike(void **state)
{
	(void)state;
	struct slice whole = story_fact(j, &w.review)->data;
	assert_string_equal(award_state_name(story_award(j, &w.award).state), "countersigned");
	assert_string_equal(award_state_name(two_contents(slice_of(whole.p, whole.n - 1))), "unknown");
}

static void thousands_of_strangers(void **state)
{
	(void)state;
	struct slice claim = {0}, review = {0}, award = story_fact(j, &w.award)->data;
	struct entry_ref at = tell_of(j, PEN(STRANGER), "claim", &w.submission);
	claim = story_fact(j, &at)->data;
	at = tell_review(j, PEN(STRANGER), &w.submission, &w.definition, MEETS);
	review = story_fact(j, &at)->data;
	while (room()) {
		tell(j, PEN(STRANGER), claim);
		tell(j, PEN(STRANGER), review);
		tell(j, PEN(STRANGER, .kept = true), award);
	}
	judge_both("strangers", SUBMISSION_AWARDED, AWARD_COUNTERSIGNED);
	struct submission_judgement s = story_submission(j, &w.submission);
	assert_int_equal(s.why.lines_n, JUDGE_LINES_MAX);
	assert_int_equal(s.met, 1);
}

static void one_reviewer_with_thousands_of_reviews(void **state)
{
	(void)state;
	struct entry_ref at = tell_review(j, PEN(ANN), &w.submission, &w.definition, MEETS);
	struct slice same = story_fact(j, &at)->data;
	while (room())
		tell(j, PEN(ANN), same);
	judge_both("reviews", SUBMISSION_AWARDED, AWARD_COUNTERSIGNED);
	assert_int_equal(story_submission(j, &w.submission).met, 1);
}

static void thousands_of_reviews_that_do_not_count(void **state)
{
	(void)state;
	struct tell_review r = MEETS;
	r.bad_proof = true;
	struct entry_ref at = tell_review(j, PEN(ANN), &w.submission, &w.definition, r);
	struct slice bad = story_fact(j, &at)->data;
	while (j->facts_n < 2000)
		tell(j, PEN(ANN), bad);
	at = tell_review(j, PEN(ANN), &w.submission, &w.definition, (struct tell_review){.level = {0, 0}});
	struct slice low = story_fact(j, &at)->data;
	while (room())
		tell(j, PEN(ANN), low);
	judge_both("bad reviews", SUBMISSION_AWARDED, AWARD_COUNTERSIGNED);
}

static void appointments_ends_and_take_ups_without_number(void **state)
{
	(void)state;
	tell_of(j, PEN(ISSUER), "appointment-end", &w.appointment);
	struct entry_ref review = tell_review(j, PEN(ANN), &w.submission, &w.definition, NOT_YET);
	for (unsigned i = 0; i < 1500; i++) {
		struct entry_ref a = tell_appointment(j, PEN(ISSUER), ANN, &w.definition);
		tell_end_marked(j, PEN(ISSUER, .device = 1), &a, 2, 1);
	}
	struct slice same = story_fact(j, &review)->data;
	while (room()) {
		struct entry_ref at = tell(j, PEN(ANN), same);
		tell_take_up(j, PEN(ISSUER), &at, 1);
	}
	judge_both("appointments", SUBMISSION_AWARDED, AWARD_COUNTERSIGNED);
}

static void thousands_of_versions_and_revisions(void **state)
{
	(void)state;
	struct entry_ref last = w.definition;
	for (unsigned i = 1; i < 2000; i++)
		last = tell_definition(j, PEN(ISSUER),
			(struct tell_definition){.version = i, .supersedes = &last, .resubmissions = 50});
	struct entry_ref revises = w.submission;
	struct tell_submission made = w.made;
	for (unsigned i = 0; room(); i++) {
		made.revises = i % 2 ? &w.submission : &revises;
		struct entry_ref at = tell_submission(j, PEN(EARNER), made);
		revises = at;
	}
	judge_both("versions and revisions", SUBMISSION_AWARDED, AWARD_COUNTERSIGNED);
	w.submission = revises;
	clock_t start = clock();
	struct submission_judgement s = story_submission(j, &revises);
	assert_true(ms_since(start) < MS_MAX * SLOWNESS);
	assert_int_equal(s.state, SUBMISSION_UNKNOWN);
}

static void thousands_of_awards_revokes_and_acceptances(void **state)
{
	(void)state;
	struct tell_award a = award_of(&w);
	a.bad_proof = true;
	struct entry_ref at = tell_award(j, PEN(ISSUER), a);
	struct slice bad = story_fact(j, &at)->data;
	for (struct entry_ref twin; j->facts_n < 4000; tell_of(j, PEN(EARNER), "acceptance", &twin))
		twin = tell(j, PEN(ISSUER, .kept = true), bad);
	while (room()) {
		tell_of(j, PEN(ISSUER), "revoke", &at);
		tell_of(j, PEN(EARNER), "acceptance", &w.award);
	}
	judge_both("awards", SUBMISSION_AWARDED, AWARD_ACCEPTED);
}

/* Unknown fields are no fault (SPEC 13), so a list of evidence is as long as somebody likes. */
static struct entry_ref tell_long_manifest(uint8_t first)
{
	static uint8_t filling[50000];
	struct buf b = {0};
	struct mp_out m = mp_out_init(&b);
	filling[0] = first;
	const struct record_item item = {.requirement = slice_str("story"),
		.kind = slice_str("reflection"),
		.at = w.submission,
		.digest = w.submission.id};
	mp_put_array(&m, 2);
	mp_put_cstr(&m, "manifest");
	mp_put_map(&m, 4);
	mp_put_cstr(&m, "for");
	record_put_ref(&m, &w.definition);
	mp_put_cstr(&m, "items");
	mp_put_array(&m, 1);
	record_put_item(&m, &item);
	mp_put_cstr(&m, "more");
	mp_put_bin(&m, slice_of(filling, sizeof filling));
	mp_put_cstr(&m, "salt");
	mp_put_id(&m, &w.submission.id);
	assert_int_equal(m.err, OK);
	assert_int_equal(record_check(buf_slice(&b), NULL), OK);
	struct entry_ref at = tell(j, PEN(STRANGER), arena_copy(&j->arena, buf_slice(&b)));
	buf_free(&b);
	return at;
}

static void long_lists_of_evidence_and_awards_without_number(void **state)
{
	(void)state;
	struct tell_award a = award_of(&w);
	a.bad_proof = true;
	struct entry_ref at = tell_award(j, PEN(ISSUER), a);
	struct slice bad = story_fact(j, &at)->data;
	story_forget(j, &w.submission);
	for (unsigned i = 0; i < 150; i++)
		tell_long_manifest((uint8_t)i);
	for (struct entry_ref twin; j->facts_n < 4000; tell_of(j, PEN(EARNER), "acceptance", &twin))
		twin = tell(j, PEN(ISSUER, .kept = true), bad);
	clock_t start = clock();
	struct award_judgement judged = story_award(j, &at);
	long ms = ms_since(start);
	printf("lists of evidence: %zu facts, %ld ms\n", j->facts_n, ms);
	assert_int_equal(judged.state, AWARD_UNKNOWN);
	assert_true(ms < MS_MAX * SLOWNESS);
}

static void facts_of_random_bytes_are_judged_too(void **state)
{
	(void)state;
	struct seeded_random seed = {.seed = 99};
	struct random_source rnd = seeded_random_source(&seed);
	for (unsigned round = 0; round < 400; round++) {
		struct fact saved = j->facts[round % j->facts_n];
		struct fact *f = &j->facts[round % j->facts_n];
		uint8_t noise[4], copy[8192];
		random_fill(&rnd, noise, sizeof noise);
		if (saved.data.n > sizeof copy)
			continue;
		memcpy(copy, saved.data.p, saved.data.n);
		copy[be16_get(noise) % saved.data.n] ^= noise[2] | 1;
		f->data = slice_of(copy, noise[3] & 1 ? saved.data.n : be16_get(noise) % saved.data.n);
		if (noise[3] & 2)
			f->kind = (enum fact_kind)(noise[3] >> 2); /* also kinds that there are not */
		struct submission_judgement s;
		struct award_judgement a;
		struct judge_case c = judge_story_case(j);
		enum err e = judge_submission(&c, &w.submission.id, &s);
		assert_true(e == OK || e == ERR_NOT_FOUND);
		e = judge_award(&c, &w.award.id, &a);
		assert_true(e == OK || e == ERR_NOT_FOUND);
		*f = saved;
	}
	judge_both("after noise", SUBMISSION_AWARDED, AWARD_COUNTERSIGNED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(every_fact_many_times),
		TEST(one_entry_with_two_contents_is_judged_the_same_in_any_order),
		TEST(so_is_one_whose_contents_begin_alike),
		TEST(thousands_of_strangers),
		TEST(one_reviewer_with_thousands_of_reviews),
		TEST(thousands_of_reviews_that_do_not_count),
		TEST(appointments_ends_and_take_ups_without_number),
		TEST(thousands_of_versions_and_revisions),
		TEST(thousands_of_awards_revokes_and_acceptances),
		TEST(long_lists_of_evidence_and_awards_without_number),
		TEST(facts_of_random_bytes_are_judged_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
