/* daemon/cases.c: one who is followed and has no role writes what drags in thousands of other records; the judgement stays what it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cases.h"
#include "tests/support/award_fixture.h"

#define BALLAST 130u /* entries of 64 facts each: more together than a case holds */
#define NAMED 16u /* reviews that an award names */

static struct {
	struct keyring *issuer, *earner, *reviewer, *mallory;
	struct entry_ref definition, ballast[BALLAST];
	struct submitted s;
} f;

/* A share of 64 keys, which says 64 things. */
static struct entry_ref heavy(uint8_t n)
{
	struct buf b = {0};
	uint8_t key[32] = {0};
	struct mp_out m = begin_record(&b, "share", 1);
	mp_put_cstr(&m, "keys");
	mp_put_array(&m, 64);
	for (uint8_t i = 0; i < 64; i++) {
		const struct entry_ref of = {.id = {{n, i, 1}}, .log = {{n, i}}, .seq = i};
		record_put_key(&m, &of, key);
	}
	assert_int_equal(m.err, OK);
	return put_record(f.mallory, everybody(), b, false, NULL);
}

static int begin(void **state)
{
	if (open_world(state) != 0)
		return -1;
	f.issuer = make_identity("Example University", IDENTITY_ISSUER);
	f.earner = make_identity("Ada", IDENTITY_PERSON);
	f.reviewer = make_identity("Rei", IDENTITY_PERSON);
	f.mallory = make_identity("Mal", IDENTITY_PERSON);
	f.definition = publish(f.issuer, NULL);
	appoint(f.issuer, &f.definition, f.reviewer);
	const struct submitting in = {.definition = &f.definition,
		.earner = f.earner,
		.reader = f.reviewer,
		.other = f.issuer,
		.evidence = 1};
	f.s = submit(&in);
	review_not_yet(f.reviewer, &f.s.submission, readers(f.earner, f.issuer));
	for (unsigned i = 0; i < BALLAST; i++)
		f.ballast[i] = heavy((uint8_t)i);
	return 0;
}

static int end(void **state)
{
	keyring_free(f.issuer);
	keyring_free(f.earner);
	keyring_free(f.reviewer);
	keyring_free(f.mallory);
	return close_world(state);
}

struct judging {
	struct book *book;
	struct submission_judgement *j;
	size_t facts;
};

static void judge(struct store *s, void *ctx)
{
	struct judging *k = (struct judging *)ctx;
	struct cases *cases = NULL;
	struct gathered g;
	assert_int_equal(cases_open(s, k->book, &f.issuer->self.identity, &cases), OK);
	assert_int_equal(cases_submission(cases, &f.s.submission, &g), OK);
	assert_int_equal(judge_submission(&g.judge, &f.s.submission.id, k->j), OK);
	k->facts = g.judge.facts_n;
	gathered_free(&g);
	cases_close(cases);
}

/* How much was gathered for it. */
static size_t assert_not_yet(void)
{
	struct judging k = {
		.book = book_new(f.issuer), .j = (struct submission_judgement *)calloc(1, sizeof *k.j)};
	assert_true(k.book && k.j);
	with_store(judge, &k);
	assert_string_equal(submission_state_name(k.j->state), "not-yet");
	book_free(k.book);
	free(k.j);
	return k.facts;
}

static void by_awards_of_somebody_else(void **state)
{
	(void)state;
	size_t before = assert_not_yet();
	for (size_t i = 0; i < BALLAST; i += NAMED) {
		struct buf b = {0};
		size_t n = BALLAST - i < NAMED ? BALLAST - i : NAMED;
		struct mp_out m = begin_record(&b, "award", 4);
		mp_put_cstr(&m, "credential");
		mp_put_cstr(&m, "{}");
		put_ref_field(&m, "definition", &f.definition);
		mp_put_cstr(&m, "reviews");
		mp_put_array(&m, n);
		for (size_t k = 0; k < n; k++)
			record_put_ref(&m, &f.ballast[i + k]);
		put_ref_field(&m, "submission", &f.s.submission);
		assert_int_equal(m.err, OK);
		put_record(f.mallory, everybody(), b, true, NULL);
	}
	assert_int_equal(assert_not_yet(), before + (BALLAST + NAMED - 1) / NAMED);
}

static void by_revisions_of_somebody_else(void **state)
{
	(void)state;
	size_t before = assert_not_yet();
	for (size_t i = 0; i < BALLAST; i += 65) {
		const struct submitting in = {.definition = &f.definition, .revises = &f.s.submission};
		struct submitted forged = {.n = 0};
		struct buf b = {0};
		uint8_t keys[EVIDENCE_MAX + 1][32] = {{0}};
		struct mp_out m = begin_record(&b, "manifest", 3);
		put_ref_field(&m, "for", &f.definition);
		mp_put_cstr(&m, "items");
		mp_put_array(&m, 64);
		for (size_t k = 0; k < 64; k++) {
			const struct record_item item = {.requirement = slice_str("story"),
				.kind = slice_str("reflection"),
				.at = f.ballast[i + k]};
			record_put_item(&m, &item);
		}
		mp_put_cstr(&m, "salt");
		mp_put_id(&m, &f.definition.id);
		assert_int_equal(m.err, OK);
		forged.manifest = put_record(f.mallory, everybody(), b, false, NULL);
		put_record(f.mallory, everybody(), submission_of(&in, &forged, keys), false, NULL);
	}
	assert_int_equal(assert_not_yet(), before);
}

static void by_releases_of_what_others_claim(void **state)
{
	(void)state;
	struct entry_ref claim = put_record(
		f.reviewer, everybody(), pointing("claim", &f.s.submission), false, NULL);
	size_t before = assert_not_yet();
	for (unsigned i = 0; i < 10; i++)
		put_record(f.mallory, everybody(), pointing("release", &claim), true, NULL);
	assert_int_equal(assert_not_yet(), before);
}

struct panel {
	struct id32 *ids;
	size_t n;
};

static void find_panel(struct store *s, void *ctx)
{
	struct panel *p = (struct panel *)ctx;
	struct cases *cases = NULL;
	assert_int_equal(cases_open(s, NULL, NULL, &cases), OK);
	assert_int_equal(cases_reviewers(cases, &f.definition, &p->ids, &p->n), OK);
	cases_close(cases);
}

/* No flood: an institution that has been at work for years. */
static void many_reviewers_come_and_go(void **state)
{
	(void)state;
	struct panel p = {.n = 0};
	bool found = false;
	for (unsigned i = 0; i < CASES_OF_AUTHOR_MAX + 6; i++) {
		struct entry_ref at = appoint(f.issuer, &f.definition, f.earner);
		end_appointment(f.issuer, &at);
	}
	appoint(f.issuer, &f.definition, f.mallory);
	with_store(find_panel, &p);
	assert_int_equal(p.n, 2);
	for (size_t i = 0; i < p.n; i++)
		found = found || id32_equal(&p.ids[i], &f.mallory->self.identity);
	assert_true(found);
	free(p.ids);
}

static void find_queue(struct store *s, void *ctx)
{
	struct cases *cases = NULL;
	struct cases_list list;
	struct book *b = book_new(f.reviewer);
	assert_non_null(b);
	assert_int_equal(cases_open(s, b, &f.reviewer->self.identity, &cases), OK);
	assert_int_equal(cases_submissions(cases, CASES_REVIEWER, &list), OK);
	*(size_t *)ctx = list.n;
	cases_list_free(&list);
	cases_close(cases);
	book_free(b);
}

static void one_reviewer_reviews_for_very_many(void **state)
{
	(void)state;
	struct entry_ref last = f.definition;
	size_t n = 0;
	for (unsigned i = 0; i < CASES_OF_AUTHOR_MAX + 6; i++) {
		last = publish(f.issuer, NULL);
		appoint(f.issuer, &last, f.reviewer);
	}
	const struct submitting in = {.definition = &last,
		.earner = f.earner,
		.reader = f.reviewer,
		.other = f.issuer,
		.evidence = 1};
	submit(&in);
	with_store(find_queue, &n);
	assert_int_equal(n, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(by_awards_of_somebody_else),
		TEST(by_revisions_of_somebody_else),
		TEST(by_releases_of_what_others_claim),
		TEST(many_reviewers_come_and_go),
		TEST(one_reviewer_reviews_for_very_many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
