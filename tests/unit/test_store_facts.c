/* test_store_facts.c -- what entries say: kept, found, cut, and gone with what said it. include/fact.h, include/store_ops.def. */
#include "tests/support/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>
#include <sqlite3.h>

/* Lets go of the home's store and stands on one in memory. */
static struct fixture in_memory(void)
{
	struct fixture m = {0};
	assert_int_equal(store_open_memory(&m.store), OK);
	return m;
}

static struct fact fact_at(enum fact_kind kind, unsigned log, uint64_t seq)
{
	return (struct fact){.kind = kind,
		.at = {.log = fake_id(log, 1), .seq = seq, .id = fake_id(log, (unsigned)seq + 10)},
		.author = fake_id(log, 2),
		.flags = 1,
		.hour = 500000,
		.data = slice_str("record")};
}

static enum err put_facts(
	struct fixture *f, const struct fact *facts, size_t n, const struct fact_words *words)
{
	struct store_req q = {.op = STORE_FACT_PUT};
	q.a.facts = facts;
	q.a.facts_n = n;
	q.a.words = words;
	return run(f, &q, NULL);
}

static struct store_res ask(struct fixture *f, struct store_req q)
{
	struct store_res r;
	enum err e = run(f, &q, &r);
	if (e != OK)
		fprintf(stderr, "%s: %s\n", err_text(e), store_last_error(f->store));
	assert_int_equal(e, OK);
	return r;
}

static void what_is_put_is_found_by_its_entry_and_by_what_it_is_about(void **state)
{
	(void)state;
	struct fixture m = in_memory();
	struct fact facts[2] = {fact_at(FACT_SUBMISSION, 1, 5), fact_at(FACT_REVISION, 1, 5)};
	facts[0].about = fake_id(9, 1);
	facts[1].about = fake_id(9, 2);
	assert_int_equal(put_facts(&m, facts, 2, NULL), OK);
	struct store_res r = ask(
		&m, (struct store_req){.op = STORE_FACT_AT, .a.log = facts[0].at.log, .a.seq = 5});
	assert_int_equal(r.r.n, 2);
	assert_int_equal(r.r.facts[1].kind, FACT_REVISION);
	assert_true(id32_equal(&r.r.facts[1].about, &facts[1].about));
	assert_true(slice_equal(r.r.facts[1].data, facts[0].data));
	store_res_free(&r);
	r = ask(&m, (struct store_req){.op = STORE_FACT_ABOUT, .a.id = facts[1].about});
	assert_int_equal(r.r.n, 1);
	assert_true(slice_equal(r.r.facts[0].data, facts[0].data));
	store_res_free(&r);
	fixture_close(&m);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_put_is_found_by_its_entry_and_by_what_it_is_about),
	};
	return cmocka_run_group_tests_name("store facts", tests, NULL, NULL);
}
