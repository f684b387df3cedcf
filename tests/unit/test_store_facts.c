/* test_store_facts.c -- what entries say: kept, found, cut, and gone with what said it. include/fact.h, include/store_ops.def. */
#include "tests/support/fact_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static int memory_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	must(f && store_open_memory(&f->store) == OK, "store_open_memory");
	*state = f;
	return 0;
}

static int memory_teardown(void **state)
{
	struct fixture *f = *state;
	fixture_close(f);
	free(f);
	return 0;
}

static struct store_req at_req(const struct id32 *log, uint64_t seq)
{
	return (struct store_req){.op = STORE_FACT_AT, .a.log = *log, .a.seq = seq};
}

static void what_is_put_is_found_by_its_entry_and_by_what_it_is_about(void **state)
{
	struct fixture *f = *state;
	struct fact facts[2] = {fact_at(FACT_SUBMISSION, 1, 5), fact_at(FACT_REVISION, 1, 5)};
	facts[0].about = fake_id(9, 1);
	facts[1].about = fake_id(9, 2);
	facts[1].party = fake_id(9, 3);
	assert_int_equal(put_facts(f, facts, 2, NULL), OK);
	struct store_res r = ask(f, at_req(&facts[0].at.log, 5));
	assert_int_equal(r.r.n, 2);
	assert_int_equal(r.r.facts[0].kind, FACT_SUBMISSION);
	const struct fact *got = &r.r.facts[1];
	assert_int_equal(got->kind, FACT_REVISION);
	assert_true(id32_equal(&got->about, &facts[1].about));
	assert_true(id32_equal(&got->party, &facts[1].party));
	assert_true(id32_equal(&got->author, &facts[1].author));
	assert_true(id32_equal(&got->at.id, &facts[1].at.id));
	assert_int_equal(got->flags, 1);
	assert_int_equal(got->hour, 500000);
	assert_false(got->cut);
	assert_true(slice_equal(got->data, slice_str("record")));
	assert_true(id32_is_zero(&r.r.facts[0].party));
	assert_ptr_equal(got->data.p, r.r.facts[0].data.p);
	store_res_free(&r);
	/* The record stands with the first fact only, and is found from the second. */
	r = ask(f, (struct store_req){.op = STORE_FACT_ABOUT, .a.id = facts[1].about});
	assert_int_equal(r.r.n, 1);
	assert_true(slice_equal(r.r.facts[0].data, slice_str("record")));
	store_res_free(&r);
	assert_int_equal(count_of(f, at_req(&facts[0].at.log, 4)), 0);
	struct id32 zeros = {{0}};
	assert_int_equal(count_of(f, (struct store_req){.op = STORE_FACT_PARTY, .a.identity = zeros}), 0);
}

static void kinds_are_chosen_by_a_mask(void **state)
{
	struct fixture *f = *state;
	static const enum fact_kind kinds[] = {FACT_REVIEW, FACT_AWARD, FACT_REVIEW, FACT_SHARE};
	for (uint64_t i = 0; i < 4; i++) {
		struct fact fact = fact_at(kinds[i], 1, i);
		fact.about = fake_id(9, 1);
		fact.party = fake_id(9, 2);
		assert_int_equal(put_facts(f, &fact, 1, NULL), OK);
	}
	struct store_req asks[] = {{.op = STORE_FACT_ABOUT, .a.id = fake_id(9, 1)},
		{.op = STORE_FACT_PARTY, .a.identity = fake_id(9, 2)},
		{.op = STORE_FACT_BY, .a.identity = fake_id(1, 2)}, {.op = STORE_FACT_ALL}};
	for (size_t i = 0; i < 4; i++) {
		asks[i].a.number = FACT_MASK(FACT_REVIEW);
		assert_int_equal(count_of(f, asks[i]), 2);
		asks[i].a.number = FACT_MASK(FACT_REVIEW) | FACT_MASK(FACT_SHARE);
		assert_int_equal(count_of(f, asks[i]), 3);
		asks[i].a.number = FACT_MASK(FACT_PROFILE);
		assert_int_equal(count_of(f, asks[i]), 0);
		asks[i].a.number = 0; /* every kind */
		assert_int_equal(count_of(f, asks[i]), 4);
		asks[i].a.id = asks[i].a.identity = fake_id(8, 8);
		assert_int_equal(count_of(f, asks[i]), asks[i].op == STORE_FACT_ALL ? 4 : 0);
	}
}

/* 50 entries of five logs, the third of each with three facts. */
static void put_fifty(struct fixture *f)
{
	for (unsigned i = 0; i < 50; i++) {
		struct fact facts[3];
		for (size_t k = 0; k < 3; k++) {
			facts[k] = fact_at(k ? FACT_TAKE_UP : FACT_REVIEW, i * 7 % 5 + 1, i / 5);
			facts[k].about = facts[k].party = facts[k].author = fake_id(9, 1);
		}
		assert_int_equal(put_facts(f, facts, i / 5 == 2 ? 3 : 1, NULL), OK);
	}
}

static void pages_ascend_and_end_with_whole_entries(void **state)
{
	struct fixture *f = *state;
	put_fifty(f);
	static const enum store_op ops[] = {STORE_FACT_ABOUT, STORE_FACT_PARTY, STORE_FACT_BY};
	for (size_t i = 0; i < 3; i++) {
		struct store_req q = {
			.op = ops[i], .a.id = fake_id(9, 1), .a.identity = fake_id(9, 1), .a.max = 3};
		size_t n = 0, pages = 0;
		for (bool more = true; more; pages++) {
			struct store_res r = ask(f, q);
			more = r.r.more;
			assert_in_range(r.r.n, 1, 5);
			for (size_t k = 0; k < r.r.n; k++) {
				const struct fact *fact = &r.r.facts[k];
				int order = id32_cmp(&q.a.log, &fact->at.log);
				assert_true(order < 0 || (order == 0 && q.a.seq <= fact->at.seq));
				q.a.log = fact->at.log;
				q.a.seq = fact->at.seq;
			}
			n += r.r.n;
			store_res_free(&r);
		}
		assert_int_equal(n, 60);
		assert_in_range(pages, 12, 20);
		q.a.log = (struct id32){{0}};
		q.a.seq = 0;
		q.a.max = 0;
		assert_int_equal(count_of(f, q), 60);
	}
}

static void all_of_a_kind_come_newest_first_with_a_cursor(void **state)
{
	struct fixture *f = *state;
	for (uint64_t i = 0; i < 60; i++) {
		struct fact fact = fact_at(i % 3 == 0 ? FACT_DEFINITION : FACT_PROFILE, 1, i);
		assert_int_equal(put_facts(f, &fact, 1, NULL), OK);
	}
	static const uint64_t masks[] = {
		FACT_MASK(FACT_DEFINITION), FACT_MASK(FACT_DEFINITION) | FACT_MASK(FACT_PROFILE)};
	for (size_t m = 0; m < 2; m++) {
		struct store_req q = {.op = STORE_FACT_ALL, .a.number = masks[m], .a.max = 10};
		uint64_t before = 60, n = 0;
		for (bool more = true; more;) {
			struct store_res r = ask(f, q);
			more = r.r.more;
			assert_int_equal(r.r.n, 10);
			for (size_t k = 0; k < r.r.n; k++, n++) {
				assert_true(r.r.facts[k].at.seq < before);
				before = r.r.facts[k].at.seq;
			}
			q.a.seq = r.r.number;
			store_res_free(&r);
		}
		assert_int_equal(n, m == 0 ? 20 : 60);
		q.a.max = 0;
		assert_int_equal(count_of(f, q), 0);
	}
}

static void a_put_replaces_what_the_entry_said_and_a_drop_forgets_it(void **state)
{
	struct fixture *f = *state;
	struct fact facts[2] = {fact_at(FACT_AWARD, 1, 5), fact_at(FACT_NAMED, 1, 5)};
	struct fact other = fact_at(FACT_REVIEW, 1, 6);
	assert_int_equal(put_facts(f, facts, 2, NULL), OK);
	assert_int_equal(put_facts(f, &other, 1, NULL), OK);
	facts[0].kind = FACT_REVOKE;
	facts[0].data = slice_str("another");
	assert_int_equal(put_facts(f, facts, 1, NULL), OK);
	struct store_res r = ask(f, at_req(&facts[0].at.log, 5));
	assert_int_equal(r.r.n, 1);
	assert_int_equal(r.r.facts[0].kind, FACT_REVOKE);
	assert_true(slice_equal(r.r.facts[0].data, slice_str("another")));
	store_res_free(&r);
	struct store_req drop = {.op = STORE_FACT_DROP, .a.log = facts[0].at.log, .a.seq = 5};
	assert_int_equal(run(f, &drop, NULL), OK);
	assert_int_equal(run(f, &drop, NULL), OK);
	assert_int_equal(count_of(f, at_req(&facts[0].at.log, 5)), 0);
	assert_int_equal(count_of(f, at_req(&facts[0].at.log, 6)), 1);
}

static void what_cannot_be_facts_of_one_entry_is_refused(void **state)
{
	struct fixture *f = *state;
	struct fact facts[FACTS_OF_ENTRY_MAX + 1];
	for (size_t i = 0; i <= FACTS_OF_ENTRY_MAX; i++)
		facts[i] = fact_at(FACT_TAKE_UP, 1, 5);
	assert_int_equal(put_facts(f, facts, 0, NULL), ERR_RANGE);
	assert_int_equal(put_facts(f, facts, FACTS_OF_ENTRY_MAX + 1, NULL), ERR_RANGE);
	assert_int_equal(put_facts(f, facts, FACTS_OF_ENTRY_MAX, NULL), OK);
	assert_int_equal(count_of(f, at_req(&facts->at.log, 5)), FACTS_OF_ENTRY_MAX);
	facts[1].at.seq = 6;
	assert_int_equal(put_facts(f, facts, 2, NULL), ERR_RANGE);
	facts[1] = fact_at(FACT_TAKE_UP, 2, 5);
	assert_int_equal(put_facts(f, facts, 2, NULL), ERR_RANGE);
	facts[1] = fact_at(FACT_NONE, 1, 5);
	assert_int_equal(put_facts(f, facts, 2, NULL), ERR_RANGE);
	facts[1] = fact_at(FACT_KIND_COUNT, 1, 5);
	assert_int_equal(put_facts(f, facts, 2, NULL), ERR_RANGE);
	facts[0].at.seq = LIMIT_SEQ + 1;
	assert_int_equal(put_facts(f, facts, 1, NULL), ERR_RANGE);
	facts[0].at.seq = LIMIT_SEQ;
	uint8_t *big = calloc(1, LIMIT_BODY_BYTES + 1);
	must(big != NULL, "memory");
	facts[0].data = slice_of(big, LIMIT_BODY_BYTES + 1);
	assert_int_equal(put_facts(f, facts, 1, NULL), ERR_RANGE);
	facts[0].data.n--;
	struct fact_words words = {0};
	words.text[FACT_TAGS] = slice_of(big, LIMIT_BODY_BYTES + 1);
	assert_int_equal(put_facts(f, facts, 1, &words), ERR_RANGE);
	words.text[FACT_TAGS].n--;
	assert_int_equal(put_facts(f, facts, 1, &words), OK);
	free(big);
}

static void a_result_ends_before_it_grows_too_large(void **state)
{
	struct fixture *f = *state;
	uint8_t *big = calloc(1, LIMIT_BODY_BYTES);
	must(big != NULL, "memory");
	for (uint64_t i = 0; i < 200; i++) {
		struct fact fact = fact_at(FACT_REVIEW, 1, i);
		fact.about = fake_id(9, 1);
		fact.data = slice_of(big, LIMIT_BODY_BYTES);
		assert_int_equal(put_facts(f, &fact, 1, NULL), OK);
	}
	free(big);
	struct store_req q[] = {
		{.op = STORE_FACT_ABOUT, .a.id = fake_id(9, 1)}, {.op = STORE_FACT_ALL, .a.max = 1000}};
	for (size_t i = 0; i < 2; i++) {
		struct store_res r = ask(f, q[i]);
		assert_true(r.r.more);
		assert_in_range(r.r.n, 136, 139);
		store_res_free(&r);
	}
	q[0].a.log = fake_id(1, 1);
	q[0].a.seq = 190;
	assert_int_equal(count_of(f, q[0]), 9);
}

static void a_store_in_memory_takes_nothing_but_facts(void **state)
{
	struct fixture *f = *state;
	size_t taken = 0;
	for (int op = 0; op < STORE_OP_COUNT; op++) {
		struct store_req q = {.op = (enum store_op)op};
		enum err e = run(f, &q, NULL);
		bool facts = op >= STORE_FACT_PUT && op <= STORE_FACT_SEARCH;
		assert_int_equal(e, !facts ? ERR_REFUSED : op == STORE_FACT_PUT ? ERR_RANGE : OK);
		taken += facts;
	}
	assert_int_equal(taken, 8);
	struct fact fact = fact_at(FACT_PROFILE, 1, 1);
	assert_int_equal(put_facts(f, &fact, 1, NULL), OK);
	struct fixture other = {0};
	assert_int_equal(store_open_memory(&other.store), OK);
	assert_int_equal(count_of(&other, (struct store_req){.op = STORE_FACT_ALL}), 0);
	assert_int_equal(count_of(f, (struct store_req){.op = STORE_FACT_ALL}), 1);
	fixture_close(&other);
}

#define FACTS(name) cmocka_unit_test_setup_teardown(name, fact_setup, fixture_teardown)
#define MEMORY(name) cmocka_unit_test_setup_teardown(name, memory_setup, memory_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MEMORY(what_is_put_is_found_by_its_entry_and_by_what_it_is_about),
		FACTS(what_is_put_is_found_by_its_entry_and_by_what_it_is_about),
		MEMORY(kinds_are_chosen_by_a_mask),
		MEMORY(pages_ascend_and_end_with_whole_entries),
		MEMORY(all_of_a_kind_come_newest_first_with_a_cursor),
		MEMORY(a_put_replaces_what_the_entry_said_and_a_drop_forgets_it),
		FACTS(a_put_replaces_what_the_entry_said_and_a_drop_forgets_it),
		MEMORY(what_cannot_be_facts_of_one_entry_is_refused),
		MEMORY(a_result_ends_before_it_grows_too_large),
		MEMORY(a_store_in_memory_takes_nothing_but_facts),
	};
	return cmocka_run_group_tests_name("store facts", tests, NULL, NULL);
}
