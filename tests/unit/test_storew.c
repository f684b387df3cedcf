/* daemon/storew.c with a store that only writes down what it was asked: order, batches, bounds, and an end that loses nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/storew.h"

/* ---- a store that is held at a gate, so that what comes meanwhile must wait */

struct store {
	uv_mutex_t mutex;
	uv_cond_t cond;
	bool held, inside, closed;
	size_t batches, batch_n[64], executed, rests;
};

void store_exec(struct store *s, struct store_req *const *reqs, struct store_res *res, size_t n)
{
	uv_mutex_lock(&s->mutex);
	s->inside = true;
	uv_cond_broadcast(&s->cond);
	while (s->held)
		uv_cond_wait(&s->cond, &s->mutex);
	if (s->batches < 64)
		s->batch_n[s->batches] = n;
	s->batches++;
	for (size_t i = 0; i < n; i++)
		res[i] = (struct store_res){
			.op = reqs[i]->op, .tag = reqs[i]->tag, .err = OK, .r.number = s->executed++};
	s->inside = false;
	uv_mutex_unlock(&s->mutex);
}

void store_close(struct store *s)
{
	s->closed = true;
}

void store_rest(struct store *s)
{
	uv_mutex_lock(&s->mutex);
	s->rests++;
	uv_cond_broadcast(&s->cond);
	uv_mutex_unlock(&s->mutex);
}

/* How often, when `rests` of them have come or ms have passed. */
static size_t rests_after(struct store *s, size_t rests, unsigned ms)
{
	uint64_t now = uv_hrtime(), end = now + (uint64_t)ms * 1000000;
	uv_mutex_lock(&s->mutex);
	for (; s->rests < rests && now < end; now = uv_hrtime())
		(void)uv_cond_timedwait(&s->cond, &s->mutex, end - now);
	size_t n = s->rests;
	uv_mutex_unlock(&s->mutex);
	return n;
}

static void hold(struct store *s)
{
	uv_mutex_lock(&s->mutex);
	s->held = true;
	uv_mutex_unlock(&s->mutex);
}

static void wait_until_inside(struct store *s)
{
	uv_mutex_lock(&s->mutex);
	while (!s->inside)
		uv_cond_wait(&s->cond, &s->mutex);
	uv_mutex_unlock(&s->mutex);
}

static void let_go(struct store *s)
{
	uv_mutex_lock(&s->mutex);
	s->held = false;
	uv_cond_broadcast(&s->cond);
	uv_mutex_unlock(&s->mutex);
}

/* ---- one writer on one loop */

struct fixture {
	uv_loop_t loop;
	struct store store;
	struct storew *w;
	size_t answers, refused[33];
	uint64_t next_tag; /* of the next answer */
	uint64_t puts;
	bool again, closed;
	enum err err;
};

static struct fixture f;

static void on_answer(void *ctx, struct store_res *res);

static void put(size_t bytes)
{
	struct store_req *req = calloc(1, sizeof *req);
	assert_non_null(req);
	req->op = f.puts % 2 ? STORE_META_PUT : STORE_META_GET;
	req->tag = f.puts++;
	if (bytes)
		assert_non_null(arena_alloc(&req->mem, bytes));
	storew_put(f.w, req, on_answer, &f);
}

static void on_closed(void *ctx)
{
	struct fixture *g = ctx;
	g->closed = true;
}

static void on_answer(void *ctx, struct store_res *res)
{
	struct fixture *g = ctx;
	assert_int_equal(res->tag, g->next_tag++);
	g->answers++;
	g->refused[res->err]++;
	g->err = res->err;
	if (g->again) {
		g->again = false;
		put(0);
	}
}

static int setup(void **state)
{
	(void)state;
	memset(&f, 0, sizeof f);
	uv_mutex_init(&f.store.mutex);
	uv_cond_init(&f.store.cond);
	if (uv_loop_init(&f.loop) != 0)
		return -1;
	return storew_open(&f.loop, &f.store, &f.w) == OK ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	if (!f.closed)
		storew_close(f.w, on_closed, &f);
	uv_run(&f.loop, UV_RUN_DEFAULT);
	assert_true(f.closed);
	assert_true(f.store.closed);
	assert_int_equal(f.answers, f.puts);
	uv_cond_destroy(&f.store.cond);
	uv_mutex_destroy(&f.store.mutex);
	return uv_loop_close(&f.loop);
}

static void run_until(size_t answers)
{
	while (f.answers < answers)
		uv_run(&f.loop, UV_RUN_ONCE);
}

static void a_lone_request_goes_straight_through(void **state)
{
	(void)state;
	put(0);
	assert_int_equal(f.answers, 0);
	assert_int_equal(storew_waiting(f.w), 1);
	run_until(1);
	assert_int_equal(f.store.batch_n[0], 1);
	assert_int_equal(storew_waiting(f.w), 0);
}

static void what_waits_is_taken_as_one_batch_in_order(void **state)
{
	(void)state;
	hold(&f.store);
	put(0);
	wait_until_inside(&f.store);
	for (int i = 0; i < 1000; i++)
		put(0);
	let_go(&f.store);
	run_until(1001);
	assert_int_equal(f.store.batches, 2);
	assert_int_equal(f.store.batch_n[1], 1000);
}

static void a_batch_has_bounds(void **state)
{
	(void)state;
	hold(&f.store);
	put(0);
	wait_until_inside(&f.store);
	for (unsigned i = 0; i < STOREW_BATCH_REQUESTS_MAX + 1; i++)
		put(0);
	for (int i = 0; i < 9; i++)
		put(1 << 20);
	let_go(&f.store);
	run_until(f.puts);
	assert_int_equal(f.store.batches, 4);
	assert_int_equal(f.store.batch_n[1], STOREW_BATCH_REQUESTS_MAX);
	assert_int_equal(f.store.batch_n[2], 1 + 8);
	assert_int_equal(f.store.batch_n[3], 1);
}

static void too_many_are_refused_in_their_turn(void **state)
{
	(void)state;
	hold(&f.store);
	put(0);
	wait_until_inside(&f.store);
	for (unsigned i = 0; i < STOREW_QUEUE_REQUESTS_MAX; i++)
		put(0);
	put(0);
	let_go(&f.store);
	run_until(f.puts);
	/* The refused one stands in the queue as well, so its place counts: exactly one is over the bound. */
	assert_int_equal(f.refused[ERR_LIMIT], 1);
	assert_int_equal(f.refused[OK], STOREW_QUEUE_REQUESTS_MAX + 1);
	put(0);
	run_until(f.puts);
	assert_int_equal(f.err, OK);
}

static void a_callback_may_ask_again(void **state)
{
	(void)state;
	f.again = true;
	put(0);
	run_until(2);
	assert_int_equal(f.refused[OK], 2);
}

static void what_was_asked_before_the_end_is_done(void **state)
{
	(void)state;
	hold(&f.store);
	put(0);
	wait_until_inside(&f.store);
	for (int i = 0; i < 10; i++)
		put(0);
	storew_close(f.w, on_closed, &f);
	storew_close(f.w, on_closed, &f);
	put(0);
	let_go(&f.store);
	while (!f.closed)
		uv_run(&f.loop, UV_RUN_ONCE);
	assert_int_equal(f.refused[OK], 11);
	assert_int_equal(f.refused[ERR_CLOSED], 1);
}

static void what_a_callback_asks_at_the_end_is_answered(void **state)
{
	(void)state;
	f.again = true;
	put(0);
	storew_close(f.w, on_closed, &f);
	while (!f.closed)
		uv_run(&f.loop, UV_RUN_ONCE);
	assert_int_equal(f.refused[OK], 1);
	assert_int_equal(f.refused[ERR_CLOSED], 1);
}

static void many_rounds_keep_the_order(void **state)
{
	(void)state;
	for (int round = 0; round < 2000; round++) {
		for (int i = 0; i < round % 7; i++)
			put((size_t)i * 100);
		uv_run(&f.loop, UV_RUN_NOWAIT);
	}
	run_until(f.puts);
	assert_int_equal(f.refused[OK], f.puts);
}

static void what_is_kept_for_the_next_is_given_back_once(void **state)
{
	(void)state;
	put(0);
	run_until(1);
	assert_int_equal(rests_after(&f.store, 1, STOREW_REST_MS / 2), 0);
	assert_int_equal(rests_after(&f.store, 1, 20000), 1);
	assert_int_equal(rests_after(&f.store, 2, STOREW_REST_MS + 500), 1); /* no wake-up after that */
	put(0);
	run_until(2);
	assert_int_equal(rests_after(&f.store, 2, 20000), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_lone_request_goes_straight_through, setup, teardown),
		cmocka_unit_test_setup_teardown(what_waits_is_taken_as_one_batch_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(a_batch_has_bounds, setup, teardown),
		cmocka_unit_test_setup_teardown(too_many_are_refused_in_their_turn, setup, teardown),
		cmocka_unit_test_setup_teardown(a_callback_may_ask_again, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_asked_before_the_end_is_done, setup, teardown),
		cmocka_unit_test_setup_teardown(what_a_callback_asks_at_the_end_is_answered, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_is_kept_for_the_next_is_given_back_once, setup, teardown),
		cmocka_unit_test_setup_teardown(many_rounds_keep_the_order, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
