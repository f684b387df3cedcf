/* How much of what a peer sends may wait to be verified and stored before the peer is read no further. SPEC.md sections 4.4 and 10.4. */
#include "tests/support/hand_engine.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define BODY 60000
#define RUNS 400 /* of one entry each: more than may wait */

/* A log that is being fetched; the peer's answer is not over. */
static struct {
	struct engine *e;
	struct session *s;
	struct pull p;
	struct engine_work *works[RUNS]; /* to be verified */
	size_t works_n;
	unsigned paused, resumed;
} t;

static int begin(void **state)
{
	(void)state;
	memset(&t, 0, sizeof t);
	t.e = hand_engine(false);
	t.s = hand_peer(t.e, 1);
	t.p = (struct pull){.s = t.s,
		.row = {.kind = 1, .log = {{8}}, .identity = {{9}}},
		.put = 64,
		.expected = 64,
		.target = 64 + RUNS,
		.fork_limit = UINT64_MAX,
		.asked = true};
	t.p.runs_tail = &t.p.runs;
	return 0;
}

static int end(void **state)
{
	(void)state;
	engine_free(t.e);
	return 0;
}

/* What the engine wants, up to the next store request. */
static bool next(struct engine_out *out)
{
	while (engine_next(t.e, out)) {
		t.paused += out->kind == ENGINE_OUT_PAUSE;
		t.resumed += out->kind == ENGINE_OUT_RESUME;
		if (out->kind == ENGINE_OUT_WORK)
			t.works[t.works_n++] = out->work;
		if (out->kind == ENGINE_OUT_STORE)
			return true;
	}
	return false;
}

static void take_run(void)
{
	static const uint8_t headers[ENTRY_HEADER_BYTES], signature[ENTRY_SIGNATURE_BYTES], body[BODY];
	struct buf parts = {0};
	struct mp_out o = mp_out_init(&parts);
	struct engine_out out;
	struct message_part part = {.kind = BODY_HERE, .bytes = slice_of(body, sizeof body)};
	message_put_part(&o, &part);
	assert_int_equal(o.err, OK);
	struct message_run m = {.log = t.p.row.log,
		.first = t.p.expected,
		.headers = slice_of(headers, sizeof headers),
		.parts = {.n = 1, .raw = buf_slice(&parts)},
		.signature = slice_of(signature, sizeof signature)};
	pull_run_take(&t.p, &m);
	buf_free(&parts);
	assert_false(next(&out));
}

/* Verified, and if it is to be stored, stored. */
static void finish_run(size_t i)
{
	struct engine_out out;
	struct store_res res = {.err = OK};
	emit_worked(t.e, t.works[i]);
	if (next(&out)) {
		assert_int_equal(out.req->op, STORE_RUN_PUT);
		hand_stored(t.e, out.req, &res);
		assert_false(next(&out));
	}
}

static void a_peer_is_read_no_further_until_half_of_what_may_wait_is_stored(void **state)
{
	(void)state;
	size_t half = 0;
	while (!t.paused) {
		assert_true(t.works_n * BODY <= PULL_VERIFY_BYTES_MAX);
		take_run();
	}
	assert_in_range(
		t.works_n * (BODY + 200), PULL_VERIFY_BYTES_MAX, PULL_VERIFY_BYTES_MAX + BODY + 200000);
	assert_int_equal(peer_deadline(t.s), UINT64_MAX); /* and its silence is no fault of it */
	for (size_t i = 0; i < t.works_n; i++) {
		finish_run(i);
		if (t.resumed && !half)
			half = i + 1;
	}
	assert_in_range(half, t.works_n / 2, t.works_n / 2 + 2);
	assert_int_equal(t.paused, 1);
	assert_int_equal(t.resumed, 1);
	assert_int_equal(t.s->verify_bytes, 0);
}

/* SPEC 4.4: "nothing at or behind that seq counts, is synced or appended" */
static void what_is_left_out_behind_a_fork_waits_no_longer(void **state)
{
	(void)state;
	t.p.fork_limit = 66;
	for (size_t i = 0; i < RUNS; i++)
		take_run();
	assert_int_equal(t.paused, 1);
	for (size_t i = 0; i < RUNS; i++)
		finish_run(i);
	assert_int_equal(t.p.put, 66); /* what lies before it was taken */
	assert_int_equal(t.resumed, 1);
	assert_int_equal(t.s->verify_bytes, 0);
}

/* SPEC 10.5: runs of a log of our own, of which the peer says that it has more, are only looked at. */
static void what_is_only_looked_at_waits_no_longer(void **state)
{
	(void)state;
	t.p.doubted = true;
	for (size_t i = 0; i < RUNS; i++)
		take_run();
	for (size_t i = 0; i < RUNS; i++)
		finish_run(i);
	assert_int_equal(t.paused, 1);
	assert_int_equal(t.resumed, 1);
	assert_int_equal(t.s->verify_bytes, 0);
}

/* SPEC 10.7: "If a run's first header does not name the receiver's last entry" */
static void what_does_not_follow_waits_no_longer(void **state)
{
	(void)state;
	t.p.log.length = 64;
	for (size_t i = 0; i < RUNS; i++)
		take_run();
	t.works[0]->prev = (struct id32){{1}};
	for (size_t i = 0; i < RUNS; i++)
		finish_run(i);
	assert_true(t.p.diverged);
	assert_int_equal(t.p.put, 64); /* nothing was stored */
	assert_int_equal(t.paused, 1);
	assert_int_equal(t.resumed, 1);
	assert_int_equal(t.s->verify_bytes, 0);
}

/* SPEC 4.3: "is no fault yet" */
static void what_nothing_vouches_for_yet_waits_no_longer(void **state)
{
	(void)state;
	for (size_t i = 0; i < RUNS; i++)
		take_run();
	for (size_t i = 0; i < RUNS; i++) {
		t.works[i]->err = ERR_SIGNATURE;
		t.works[i]->signature = NULL;
		finish_run(i);
	}
	assert_int_equal(t.s->state, SESSION_OPEN);
	assert_int_equal(t.paused, 1);
	assert_int_equal(t.resumed, 1);
	assert_int_equal(t.s->verify_bytes, 0);
}

/* Up to what was asked for, and not one more. */
static void a_run_behind_what_was_asked_for_is_a_fault(void **state)
{
	(void)state;
	union message m = {.run = {.log = t.p.row.log, .first = t.p.target}};
	t.p.expected = t.p.target;
	pull_got_run(t.s, &t.p, &m);
	assert_int_equal(t.s->state, SESSION_CLOSED);
	assert_int_equal(t.works_n, 0);
}

/* Runs that nobody asked for, faster than they are worked on. */
static void unasked_runs_are_bounded_too(void **state)
{
	(void)state;
	static const uint8_t header[ENTRY_HEADER_BYTES], signature[ENTRY_SIGNATURE_BYTES];
	struct buf parts = {0};
	struct mp_out o = mp_out_init(&parts);
	message_put_part(&o, &(struct message_part){.kind = BODY_ABSENT});
	assert_int_equal(o.err, OK);
	struct message_run m = {.headers = slice_of(header, sizeof header),
		.parts = {.n = 1, .raw = buf_slice(&parts)},
		.signature = slice_of(signature, sizeof signature)};
	for (uint32_t i = 0; i < 8 * LIMIT_CHANGES_ROWS; i++) {
		be32_put(m.log.b, i);
		pull_run_unasked(t.s, &m);
		assert_int_equal(t.s->state, SESSION_OPEN);
	}
	be32_put(m.log.b, UINT32_MAX);
	pull_run_unasked(t.s, &m);
	assert_int_equal(t.s->state, SESSION_CLOSED);
	assert_int_equal(t.s->pulls_n, 8 * LIMIT_CHANGES_ROWS);
	buf_free(&parts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_peer_is_read_no_further_until_half_of_what_may_wait_is_stored, begin, end),
		cmocka_unit_test_setup_teardown(what_is_left_out_behind_a_fork_waits_no_longer, begin, end),
		cmocka_unit_test_setup_teardown(what_is_only_looked_at_waits_no_longer, begin, end),
		cmocka_unit_test_setup_teardown(what_does_not_follow_waits_no_longer, begin, end),
		cmocka_unit_test_setup_teardown(what_nothing_vouches_for_yet_waits_no_longer, begin, end),
		cmocka_unit_test_setup_teardown(a_run_behind_what_was_asked_for_is_a_fault, begin, end),
		cmocka_unit_test_setup_teardown(unasked_runs_are_bounded_too, begin, end),
	};
	return cmocka_run_group_tests_name("pull bound", tests, NULL, NULL);
}
