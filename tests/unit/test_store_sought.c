/* test_store_sought.c -- what lies behind the end of a log is given by its id, wherever it lies, and kept aside with what shows it. SPEC.md sections 4.4 and 10.10. */
#include "tests/support/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static enum err sought(struct fixture *f, const struct fake_log *l, uint64_t seq, struct store_res *r)
{
	struct store_req q = {.op = STORE_SOUGHT_GET, .a.log = l->log, .a.seq = seq, .a.id = l->ids[seq]};
	return run(f, &q, r);
}

/* Held with this kind (0: not at all), shown up to `last`; behind what counts. */
static void assert_held(
	struct fixture *f, const struct fake_log *l, uint64_t seq, uint8_t kind, uint64_t last, bool behind)
{
	struct store_res r;
	assert_int_equal(sought(f, l, seq, &r), OK);
	assert_int_equal(r.r.more, behind);
	assert_int_equal(r.r.parts ? r.r.parts[0].kind : 0, kind);
	if (kind) {
		assert_memory_equal(r.r.parts[0].header, l->headers[seq], ENTRY_HEADER_BYTES);
		assert_true(slice_equal(
			r.r.bytes, slice_of(l->headers[seq], (size_t)(last + 1 - seq) * ENTRY_HEADER_BYTES)));
		assert_true(slice_equal(r.r.sig, slice_of(l->sigs[last], 64)));
	}
	if (kind == 1)
		assert_true(slice_equal(r.r.parts[0].bytes, slice_of(l->bodies[seq], 64)));
	store_res_free(&r);
}

static enum err keep(struct fixture *f, const struct fake_log *l, uint64_t first, uint64_t last, uint8_t kind)
{
	struct store_part parts[LIMIT_RUN_ENTRIES];
	for (uint64_t i = first; i <= last; i++)
		parts[i - first] = (struct store_part){.header = l->headers[i], .kind = 3};
	parts[0].kind = kind;
	parts[0].bytes = slice_of(l->bodies[first], 64);
	struct store_req q = {.op = STORE_SOUGHT_PUT,
		.a.log = l->log,
		.a.first = first,
		.a.n = last + 1 - first,
		.a.parts = parts,
		.a.sig = slice_of(l->sigs[last], 64),
		.a.id = l->ids[last]};
	return run(f, &q, NULL);
}

static void close_at(struct fixture *f, const struct fake_log *l, size_t events, uint64_t length)
{
	assert_int_equal(put_identity(f, l, events, &length, &l->ids[length - 1]), OK);
}

static void it_is_given_wherever_it_lies(void **state)
{
	struct fixture *f = *state;
	struct fake_log *l = fake_log_new(1, 40), *other = fake_log_new(1, 40);
	assert_int_equal(sought(f, l, 3, NULL), ERR_NOT_FOUND);
	assert_int_equal(put(f, l, 0, 30), OK);
	assert_held(f, l, 12, 1, 29, false);
	close_at(f, l, 2, 10);
	assert_held(f, l, 9, 1, 29, false);
	assert_held(f, l, 12, 1, 29, true);
	fake_log_branch(other, 5, 1);
	assert_held(f, other, 7, 0, 0, true); /* along another branch */
	struct store_req fork = {.op = STORE_FORK_PUT,
		.a.log = l->log,
		.a.seq = 5,
		.a.bytes = slice_of(l->headers[5], ENTRY_HEADER_BYTES),
		.a.sig = slice_of(l->sigs[0], 64),
		.a.bytes2 = slice_str("other"),
		.a.sig2 = slice_of(l->sigs[0], 64)};
	assert_int_equal(put_identity(f, l, 3, NULL, NULL), OK);
	assert_int_equal(run(f, &fork, NULL), OK);
	assert_int_equal(get_log(f, &l->log).end, 5);
	assert_held(f, l, 4, 1, 29, false);
	assert_held(f, l, 12, 1, 29, true); /* aside */
	free(l);
	free(other);
}

static void it_is_kept_aside_and_given_on(void **state)
{
	struct fixture *f = *state;
	struct fake_log *l = fake_log_new(1, 40);
	assert_int_equal(keep(f, l, 12, 20, 1), ERR_NOT_FOUND);
	assert_int_equal(put(f, l, 0, 10), OK);
	assert_int_equal(keep(f, l, 12, 20, 1), ERR_STATE);
	close_at(f, l, 2, 10);
	struct store_log before = get_log(f, &l->log);
	assert_held(f, l, 12, 0, 0, true);
	assert_int_equal(keep(f, l, 12, 20, 3), ERR_RANGE);
	assert_int_equal(keep(f, l, 12, 20, 1), OK);
	assert_int_equal(keep(f, l, 12, 20, 1), ERR_EXISTS);
	fixture_reopen(f);
	assert_held(f, l, 12, 1, 20, true);
	assert_held(f, l, 14, 3, 20, true);
	assert_int_equal(keep(f, l, 14, 25, 1), OK); /* only its header was here */
	assert_held(f, l, 14, 1, 20, true);
	struct store_log after = get_log(f, &l->log);
	assert_memory_equal(&before, &after, sizeof before);
	struct store_req q = {.op = STORE_RUN_GET, .a.log = l->log, .a.first = 10, .a.max = 1000};
	assert_int_equal(run(f, &q, NULL), ERR_NOT_FOUND);
	free(l);
}

static void what_is_erased_stays_erased(void **state)
{
	struct fixture *f = *state;
	struct fake_log *l = fake_log_new(1, 40);
	assert_int_equal(put(f, l, 0, 10), OK);
	close_at(f, l, 2, 10);
	assert_int_equal(keep(f, l, 12, 20, 2), OK);
	assert_int_equal(keep(f, l, 12, 20, 1), ERR_EXISTS);
	assert_held(f, l, 12, 2, 20, true);
	assert_int_equal(keep(f, l, 14, 20, 1), OK);
	struct store_req erase = {.op = STORE_ERASED_PUT,
		.a.log = l->log,
		.a.seq = 14,
		.a.id = l->ids[14],
		.a.bytes = slice_str("statement")};
	assert_int_equal(run(f, &erase, NULL), OK);
	assert_int_equal(keep(f, l, 14, 20, 1), ERR_EXISTS);
	assert_held(f, l, 14, 2, 20, true);
	free(l);
}

static void a_body_fills_the_gap_behind_the_end(void **state)
{
	struct fixture *f = *state;
	struct fake_log *l = fake_log_new(1, 20);
	uint8_t kinds[20];
	memset(kinds, 1, sizeof kinds);
	kinds[12] = kinds[13] = 3;
	assert_int_equal(put_kinds(f, l, 0, 20, kinds), OK);
	close_at(f, l, 2, 10);
	assert_held(f, l, 12, 3, 19, true);
	assert_int_equal(keep(f, l, 12, 19, 1), OK);
	assert_held(f, l, 12, 1, 19, true);
	assert_int_equal(keep(f, l, 13, 19, 2), OK);
	assert_held(f, l, 13, 2, 19, true);
	assert_int_equal(get_log(f, &l->log).end, 10);
	free(l);
}

/* A later closing may lead along it: then it counts as if it had come with the log, and what is only half here is not taken for whole. */
static void a_further_closing_finds_the_log_whole(void **state)
{
	struct fixture *f = *state;
	struct fake_log *l = fake_log_new(1, 20);
	memset(l->headers[11] + 94, 9, 32); /* it has an envelope */
	assert_int_equal(put(f, l, 0, 10), OK);
	close_at(f, l, 2, 10);
	assert_int_equal(keep(f, l, 10, 12, 1), OK);
	close_at(f, l, 3, 13);
	assert_int_equal(get_log(f, &l->log).length, 10);
	assert_int_equal(get_log(f, &l->log).end, 10);
	struct store_req q;
	run_put_req(&q, l, 10, 13, NULL);
	struct store_part parts[3];
	memcpy(parts, q.a.parts, sizeof parts);
	parts[1].envelope = slice_str("\x81\x03\x01");
	q.a.parts = parts;
	assert_int_equal(run(f, &q, NULL), OK);
	assert_int_equal(get_log(f, &l->log).end, 13);
	/* Aside and back, over the rows that are there. */
	struct store_req move = {.op = STORE_SIDE_MOVE, .a.log = l->log, .a.first = 10};
	assert_int_equal(run(f, &move, NULL), OK);
	close_at(f, l, 4, 10);
	close_at(f, l, 5, 13);
	assert_int_equal(get_log(f, &l->log).end, 13);
	assert_int_equal(get_log(f, &l->log).gaps, 0);
	struct store_req get = {.op = STORE_RUN_GET, .a.log = l->log, .a.first = 10, .a.max = 1000};
	struct store_res r;
	assert_int_equal(run(f, &get, &r), OK);
	assert_true(slice_equal(r.r.parts[1].envelope, parts[1].envelope));
	assert_int_equal(r.r.parts[1].kind, 1);
	store_res_free(&r);
	free(l);
}

static void no_more_than_its_share_is_kept(void **state)
{
	struct fixture *f = *state;
	struct fake_log *l = fake_log_new(1, 40);
	size_t kept = 0;
	assert_int_equal(put(f, l, 0, 10), OK);
	close_at(f, l, 2, 10);
	enum err e = OK;
	for (unsigned branch = 1; branch < 1000 && e == OK; branch++) {
		fake_log_branch(l, 10, branch);
		e = keep(f, l, 12, 39, 1);
		kept += e == OK ? 28 : 0;
	}
	assert_int_equal(e, ERR_LIMIT);
	assert_in_range(kept, SOUGHT_SIDE_MAX - 28, SOUGHT_SIDE_MAX);
	free(l);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_is_given_wherever_it_lies),
		TEST(it_is_kept_aside_and_given_on),
		TEST(what_is_erased_stays_erased),
		TEST(a_body_fills_the_gap_behind_the_end),
		TEST(a_further_closing_finds_the_log_whole),
		TEST(no_more_than_its_share_is_kept),
	};
	return cmocka_run_group_tests_name("store sought", tests, NULL, NULL);
}
