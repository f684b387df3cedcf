/* test_store_runs.c -- entries in and out, gaps, bodies, erasure, ids. */
#include "tests/support/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct store_req on_log(enum store_op op, const struct fake_log *l)
{
	struct store_req q = {.op = op};
	q.a.log = l->log;
	return q;
}

static void a_run_comes_out_as_it_went_in(void **state)
{
	struct fixture *f = *state;
	struct fake_log *l = fake_log_new(1, 100);
	assert_int_equal(put(f, l, 0, 100), OK);
	struct store_req q = on_log(STORE_RUN_GET, l);
	q.a.max = 1 << 20;
	struct store_res r;
	assert_int_equal(run(f, &q, &r), OK);
	assert_int_equal(r.r.n, 64);
	assert_int_equal(r.r.first, 0);
	assert_int_equal(r.r.sig.n, 64);
	assert_memory_equal(r.r.sig.p, l->sigs[63], 64);
	for (size_t i = 0; i < 64; i++) {
		assert_memory_equal(r.r.parts[i].header, l->headers[i], ENTRY_HEADER_BYTES);
		assert_int_equal(r.r.parts[i].kind, 1);
		assert_memory_equal(r.r.parts[i].bytes.p, l->bodies[i], 64);
	}
	store_res_free(&r);
	q.a.first = 70;
	assert_int_equal(run(f, &q, &r), OK);
	assert_int_equal(r.r.n, 30); /* up to the head */
	assert_memory_equal(r.r.sig.p, l->sigs[99], 64);
	store_res_free(&r);
	q.a.first = 100;
	assert_int_equal(run(f, &q, NULL), ERR_NOT_FOUND);
	q.a.log = fake_id(9, 9);
	q.a.first = 0;
	assert_int_equal(run(f, &q, NULL), ERR_NOT_FOUND);
	struct store_log row = get_log(f, &l->log);
	assert_int_equal(row.length, 100);
	assert_int_equal(row.end, 100);
	assert_int_equal(row.bytes, 6400);
	assert_int_equal(row.change, last_number(f));
	assert_true(id32_equal(&row.last, &l->ids[99]));
	free(l);
}

static void a_run_that_does_not_continue_the_log_is_refused(void **state)
{
	struct fixture *f = *state;
	struct fake_log *l = fake_log_new(2, 20);
	assert_int_equal(put(f, l, 1, 5), ERR_CHAIN); /* not from the beginning */
	assert_int_equal(put(f, l, 0, 5), OK);
	assert_int_equal(put(f, l, 0, 5), ERR_CHAIN); /* once more */
	assert_int_equal(put(f, l, 6, 8), ERR_CHAIN); /* a hole */
	struct store_req q;
	run_put_req(&q, l, 5, 8, NULL);
	q.a.prev = fake_id(1, 1);
	assert_int_equal(run(f, &q, NULL), ERR_CHAIN); /* another chain */
	run_put_req(&q, l, 5, 8, NULL);
	q.a.n = 0;
	assert_int_equal(run(f, &q, NULL), ERR_RANGE);
	run_put_req(&q, l, 5, 8, NULL);
	q.a.n = 65;
	assert_int_equal(run(f, &q, NULL), ERR_RANGE);
	run_put_req(&q, l, 5, 8, NULL);
	struct store_pin pin = {.seq = 8};
	q.a.pins = &pin;
	q.a.pins_n = 1;
	assert_int_equal(run(f, &q, NULL), ERR_RANGE); /* a pin of an entry that is not in the run */
	assert_int_equal(get_log(f, &l->log).length, 5);
	assert_int_equal(last_number(f), 1);
	assert_int_equal(put(f, l, 5, 20), OK);
	free(l);
}

static void bodies_beyond_the_answers_room_are_left_to_be_asked_for(void **state)
{
	struct fixture *f = *state;
	struct fake_log *l = fake_log_new(3, 10);
	assert_int_equal(put(f, l, 0, 10), OK);
	struct store_req q = on_log(STORE_RUN_GET, l);
	struct store_res r;
	for (uint64_t max = 0; max <= 640; max += 32) {
		q.a.max = max;
		assert_int_equal(run(f, &q, &r), OK);
		assert_int_equal(r.r.n, 10);
		for (size_t i = 0; i < 10; i++)
			assert_int_equal(r.r.parts[i].kind, i < max / 64 ? 1 : 0);
		store_res_free(&r);
	}
	free(l);
}

static void gaps_are_listed_counted_and_filled(void **state)
{
	struct fixture *f = *state;
	struct fake_log *l = fake_log_new(4, 6);
	assert_int_equal(put_kinds(f, l, 0, 6, (const uint8_t[]){1, 3, 0, 4, 1, 2}), OK);
	struct store_log row = get_log(f, &l->log);
	assert_int_equal(row.gaps, 3); /* not sent, not held, withheld: all are absent here */
	assert_int_equal(row.bytes, 128);
	assert_true(id32_equal(&row.erased_sum, &l->ids[5]));
	struct store_req q = on_log(STORE_GAPS, l);
	struct store_res r;
	q.a.max = 2;
	assert_int_equal(run(f, &q, &r), OK);
	assert_int_equal(r.r.n, 2);
	assert_int_equal(r.r.seqs[0], 1);
	assert_int_equal(r.r.seqs[1], 2);
	store_res_free(&r);
	struct store_req body = on_log(STORE_BODY_PUT, l);
	body.a.seq = 2;
	body.a.id = l->ids[2];
	body.a.bytes = slice_of(l->bodies[2], 64);
	assert_int_equal(run(f, &body, NULL), OK);
	assert_int_equal(run(f, &body, NULL), ERR_EXISTS);
	body.a.id = l->ids[1];
	assert_int_equal(run(f, &body, NULL), ERR_NOT_FOUND); /* an id of another entry */
	body.a.seq = 5;
	body.a.id = l->ids[5];
	assert_int_equal(run(f, &body, NULL), ERR_ERASED);
	body.a.seq = 6;
	assert_int_equal(run(f, &body, NULL), ERR_NOT_FOUND);
	assert_int_equal(get_log(f, &l->log).gaps, 2);
	assert_int_equal(get_log(f, &l->log).bytes, 192);
	free(l);
}

static void ids_are_read_from_the_next_header(void **state)
{
	struct fixture *f = *state;
	struct fake_log *l = fake_log_new(5, 80);
	assert_int_equal(put(f, l, 0, 80), OK);
	const uint64_t seqs[] = {0, 63, 64, 79, 80, LIMIT_SEQ};
	struct store_req q = on_log(STORE_IDS, l);
	q.a.seqs = seqs;
	q.a.n = 6;
	struct store_res r;
	assert_int_equal(run(f, &q, &r), OK);
	for (size_t i = 0; i < 4; i++)
		assert_true(id32_equal(&r.r.ids[i], &l->ids[seqs[i]]));
	assert_true(id32_is_zero(&r.r.ids[4]) && id32_is_zero(&r.r.ids[5]));
	store_res_free(&r);
	q.op = STORE_BODY_GET;
	assert_int_equal(run(f, &q, &r), OK);
	assert_memory_equal(r.r.parts[1].bytes.p, l->bodies[63], 64);
	assert_null(r.r.parts[4].header);
	store_res_free(&r);
	q.a.n = 65;
	assert_int_equal(run(f, &q, NULL), ERR_LIMIT);
	q.op = STORE_IDS;
	assert_int_equal(run(f, &q, NULL), ERR_LIMIT);
	free(l);
}

static void a_statement_takes_the_place_of_a_body_for_ever(void **state)
{
	struct fixture *f = *state;
	struct fake_log *l = fake_log_new(6, 5);
	assert_int_equal(put(f, l, 0, 5), OK);
	uint64_t before = last_number(f);
	assert_true(fixture_file_holds(f, "quire.db-wal", l->bodies[2], 64));
	struct store_req q = on_log(STORE_ERASED_PUT, l);
	q.a.seq = 2;
	q.a.id = l->ids[2];
	q.a.bytes = slice_str("a statement");
	struct store_res r;
	assert_int_equal(run(f, &q, &r), OK);
	assert_int_equal(r.r.number, before + 1);
	store_res_free(&r);
	q.a.bytes = slice_str("a second one");
	assert_int_equal(run(f, &q, NULL), ERR_EXISTS);
	q.a.seq = 3;
	assert_int_equal(run(f, &q, NULL), ERR_NOT_FOUND); /* the id is another's */
	/* Neither pages nor the log of writes hold the body any more. */
	assert_false(fixture_file_holds(f, "quire.db-wal", l->bodies[2], 64));
	assert_false(fixture_file_holds(f, "quire.db", l->bodies[2], 64));
	assert_true(fixture_file_holds(f, "quire.db", l->bodies[3], 64));
	struct store_req list = on_log(STORE_ERASED_GET, l);
	assert_int_equal(run(f, &list, &r), OK);
	assert_int_equal(r.r.n, 1);
	assert_int_equal(r.r.seqs[0], 2);
	assert_true(slice_equal(r.r.parts[0].bytes, slice_str("a statement")));
	store_res_free(&r);
	struct store_log row = get_log(f, &l->log);
	assert_true(id32_equal(&row.erased_sum, &l->ids[2]));
	assert_int_equal(row.bytes, 256);
	free(l);
}

static void an_erased_long_body_leaves_its_overflow_pages_too(void **state)
{
	struct fixture *f = *state;
	struct fake_log *l = fake_log_new(7, 1);
	struct store_req q;
	run_put_req(&q, l, 0, 1, NULL);
	struct store_part part = q.a.parts[0];
	uint8_t *body = malloc(60000);
	assert_non_null(body);
	for (size_t i = 0; i < 60000; i++)
		body[i] = (uint8_t)(i * 7 + i / 251);
	part.bytes = slice_of(body, 60000);
	q.a.parts = &part;
	assert_int_equal(run(f, &q, NULL), OK);
	struct store_req erase = on_log(STORE_ERASED_PUT, l);
	erase.a.id = l->ids[0];
	erase.a.bytes = slice_str("gone");
	assert_int_equal(run(f, &erase, NULL), OK);
	for (size_t at = 0; at + 64 < 60000; at += 1024) {
		assert_false(fixture_file_holds(f, "quire.db", body + at, 64));
		assert_false(fixture_file_holds(f, "quire.db-wal", body + at, 64));
	}
	free(body);
	free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_run_comes_out_as_it_went_in, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			a_run_that_does_not_continue_the_log_is_refused, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(bodies_beyond_the_answers_room_are_left_to_be_asked_for,
			fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			gaps_are_listed_counted_and_filled, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			ids_are_read_from_the_next_header, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			a_statement_takes_the_place_of_a_body_for_ever, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			an_erased_long_body_leaves_its_overflow_pages_too, fixture_setup, fixture_teardown),
	};
	return cmocka_run_group_tests_name("store runs", tests, NULL, NULL);
}
