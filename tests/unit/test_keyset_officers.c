/* Officers of a set of key events: who may do what, and how far what an ended one did counts. SPEC.md section 3.5. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>

#include "tests/support/key_story.h"

#define ANSWERS_SEQS 12 /* more than any mark but the one of 2^32 */

static struct key_story story; /* large, so not on the stack */

static int start(void **state)
{
	(void)state;
	story_begin(&story, 7);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	story_end(&story);
	return 0;
}

static const struct id32 somebody = {{5}}, log_a = {{1}}, log_b = {{2}}, log_c = {{3}};

/* ---- the same, whatever the order */

struct answers {
	size_t officers_n, all_n, ends_n;
	bool may[3][3][ANSWERS_SEQS]; /* rights 1 to 3, three logs */
};

static struct answers ask(const struct keyset *ks)
{
	const struct id32 *const logs[] = {&log_a, &log_b, &log_c};
	struct answers a;
	struct keyset_view v;
	memset(&a, 0, sizeof a);
	assert_int_equal(keyset_resolve(ks, &v), OK);
	a.officers_n = v.officers_n;
	a.all_n = v.officers_all_n;
	a.ends_n = v.ends_n;
	for (uint32_t right = 1; right <= 3; right++)
		for (size_t log = 0; log < 3; log++)
			for (uint64_t seq = 0; seq < ANSWERS_SEQS; seq++)
				a.may[right - 1][log][seq] = keyset_officer_may(
					&v, &somebody, right, logs[log], seq);
	keyset_view_deinit(&v);
	return a;
}

static void check_permutations(const struct key_story *s, size_t n)
{
	size_t order[STORY_EVENTS_MAX];
	struct seeded_random seed = {.seed = 1000};
	struct keyset *ks = story_offer(s, NULL, true);
	const struct answers expected = ask(ks);
	keyset_free(ks);
	for (size_t i = 0; i < s->n; i++)
		order[i] = i;
	for (size_t round = 0; round < n; round++) {
		story_shuffle(&seed, order, s->n);
		ks = story_offer(s, order, false);
		struct answers got = ask(ks);
		assert_memory_equal(&expected, &got, sizeof got);
		keyset_free(ks);
	}
}

/* ---- what officers may */

/* By the story told so far. */
static bool may(uint32_t right, const struct id32 *log, uint64_t seq)
{
	struct keyset *ks = story_offer(&story, NULL, true);
	struct keyset_view v;
	assert_int_equal(keyset_resolve(ks, &v), OK);
	bool is = keyset_officer_may(&v, &somebody, right, log, seq);
	keyset_view_deinit(&v);
	keyset_free(ks);
	return is;
}

static void an_officer_may_what_his_rights_say_and_nobody_else_may(void **state)
{
	(void)state;
	struct story_generation g = story_generation(&story, &story.inception, NULL, 0);
	assert_false(may(KEYSET_RIGHT_PUBLISH, &log_a, 0));
	story_officer(&story, PLACE(&g, 0), 31); /* another one */
	assert_false(may(KEYSET_RIGHT_PUBLISH, &log_a, 0));
	story_officer_of(&story, PLACE(&g, 1), &somebody, 3);
	assert_true(may(KEYSET_RIGHT_PUBLISH, &log_a, 0));
	assert_true(may(KEYSET_RIGHT_APPOINT, &log_b, LIMIT_SEQ));
	assert_true(may(KEYSET_RIGHT_PUBLISH | KEYSET_RIGHT_APPOINT, &log_b, 0));
	assert_false(may(KEYSET_RIGHT_REVOKE, &log_a, 0));
	assert_false(may(KEYSET_RIGHT_REVOKE | KEYSET_RIGHT_PUBLISH, &log_a, 0));
	assert_false(may(0, &log_a, 0));
}

static void what_an_officer_did_counts_below_all_marks_of_all_ends(void **state)
{
	(void)state;
	const struct keyset_mark first[] = {{log_a, 10, {{7}}}, {log_b, 1ull << 32, {{8}}}},
				 second[] = {{log_a, 4, {{7}}}, {log_c, 9, {{8}}}};
	struct story_generation g = story_generation(&story, &story.inception, NULL, 0);
	struct id32 event = story_officer_of(&story, PLACE(&g, 0), &somebody, 1);
	story_finish_marked(&story, PLACE(&g, 1), &event, first, 2);
	assert_true(may(1, &log_a, 0) && may(1, &log_a, 9) && !may(1, &log_a, 10));
	assert_true(may(1, &log_b, LIMIT_SEQ));
	assert_false(may(1, &log_c, 0));
	assert_false(may(2, &log_a, 0));
	story_finish_marked(&story, PLACE(&g, 2), &event, second, 2);
	assert_true(may(1, &log_a, 3) && !may(1, &log_a, 4));
	assert_false(may(1, &log_b, 0));
	assert_false(may(1, &log_c, 0));
	check_permutations(&story, 100);
	story_finish(&story, PLACE(&g, 3), &event);
	assert_false(may(1, &log_a, 0));
	check_permutations(&story, 100);
}

static void of_several_officer_events_one_is_enough(void **state)
{
	(void)state;
	const struct keyset_mark mark[] = {{log_a, 2, {{7}}}}, other[] = {{log_b, 2, {{7}}}};
	struct story_generation g = story_generation(&story, &story.inception, NULL, 0);
	struct id32 one = story_officer_of(&story, PLACE(&g, 0), &somebody, 1),
		    two = story_officer_of(&story, PLACE(&g, 1), &somebody, 3);
	story_finish_marked(&story, PLACE(&g, 2), &one, mark, 1);
	assert_true(may(1, &log_c, 7) && may(2, &log_c, 7));
	story_finish_marked(&story, PLACE(&g, 3), &two, other, 1);
	assert_true(may(1, &log_a, 1) && may(1, &log_b, 1)); /* each by its own event */
	assert_true(!may(2, &log_a, 1) && may(2, &log_b, 1));
	assert_false(may(1, &log_a, 2) || may(1, &log_b, 2) || may(1, &log_c, 0));
	story_officer_of(&story, PLACE(&g, 4), &somebody, 2); /* appointed again */
	assert_true(may(2, &log_a, 2) && !may(1, &log_a, 2));
	check_permutations(&story, 200);
}

static void a_view_shows_every_officer_event_in_force_with_its_ends(void **state)
{
	(void)state;
	const struct keyset_mark marks[] = {{log_a, 1, {{7}}}, {log_b, 2, {{8}}}};
	struct story_generation g = story_generation(&story, &story.inception, NULL, 0);
	struct id32 ended = story_officer(&story, PLACE(&g, 0), 3),
		    stays = story_officer(&story, PLACE(&g, 1), 1),
		    hosting = story_hosting(&story, PLACE(&g, 2)), unknown = {{9}};
	struct id32 end = story_finish_marked(&story, PLACE(&g, 3), &ended, marks, 2);
	/* marks that mean nothing are valid all the same: of a hosting event, of any other, of one that nobody knows */
	story_finish_marked(&story, PLACE(&g, 4), &hosting, marks, 2);
	story_finish_marked(&story, PLACE(&g, 5), &end, marks, 1);
	story_finish_marked(&story, PLACE(&g, 6), &unknown, marks, 1);
	struct keyset *ks = story_offer(&story, NULL, true);
	struct keyset_view v;
	assert_int_equal(keyset_count(ks), story.n);
	assert_int_equal(keyset_resolve(ks, &v), OK);
	assert_int_equal(v.hostings_n, 0);
	assert_int_equal(v.officers_n, 1);
	assert_memory_equal(v.officers[0].event.b, stays.b, 32);
	assert_int_equal(v.officers_all_n, 2);
	assert_int_equal(v.ends_n, 1);
	for (size_t i = 0; i < 2; i++) {
		const struct keyset_officer *o = &v.officers_all[i];
		bool is = id32_equal(&o->event, &ended);
		assert_true(is || id32_equal(&o->event, &stays));
		assert_int_equal(o->ended, is);
		assert_int_equal(o->ends_n, is);
		if (!is)
			continue;
		assert_memory_equal(o->ends[0].event.b, end.b, 32);
		assert_int_equal(o->ends[0].marks_n, 2);
		assert_memory_equal(o->ends[0].marks, marks, sizeof marks);
	}
	keyset_view_deinit(&v);
	keyset_free(ks);
	check_permutations(&story, 200);
}

static void an_end_that_waits_ends_nothing(void **state)
{
	(void)state;
	const struct keyset_mark mark[] = {{log_a, 2, {{7}}}};
	struct story_generation g1 = story_generation(&story, &story.inception, NULL, 0);
	struct id32 event = story_officer_of(&story, PLACE(&g1, 0), &somebody, 1);
	struct id32 end = story_finish_marked(&story, PLACE(&g1, 1), &event, mark, 1);
	assert_false(may(1, &log_a, 2));
	struct story_generation g2 = story_generation(&story, &g1, &event, 1);
	assert_true(may(1, &log_a, 2));
	story_adopt(&story, PLACE(&g2, 0), &end, 1);
	assert_true(may(1, &log_a, 1) && !may(1, &log_a, 2));
	story_generation(&story, &g2, &end, 1);
	assert_false(may(1, &log_a, 1)); /* the officer event waits */
	check_permutations(&story, 200);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	if (sodium_init() < 0)
		return 1;
	const struct CMUnitTest tests[] = {
		STORY(an_officer_may_what_his_rights_say_and_nobody_else_may),
		STORY(what_an_officer_did_counts_below_all_marks_of_all_ends),
		STORY(of_several_officer_events_one_is_enough),
		STORY(a_view_shows_every_officer_event_in_force_with_its_ends),
		STORY(an_end_that_waits_ends_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
