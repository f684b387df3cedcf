/* A peer's requests: one that is answered leaves room for the next, however many there were. SPEC.md section 9.3. */
#include "protocol/peer/reconcile.h"
#include "tests/support/hand_engine.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ROUNDS (3 * LIMIT_REQUESTS)

static struct engine *e;
static struct session *s;

static int begin(void **state)
{
	(void)state;
	e = hand_engine(false);
	s = hand_peer(e, 1);
	return 0;
}

static int end(void **state)
{
	(void)state;
	engine_free(e);
	return 0;
}

/* The log is found, and then the answer is read: what the store says of that. Everything is written at once. */
static void answer(enum store_op op, const struct store_res *with)
{
	struct store_log log = {.log = {{8}}, .end = 100, .length = 100};
	struct store_res found = {.r = {.n = 1, .logs = &log}}, res = *with;
	struct engine_out out;
	assert_true(hand_next(e, ENGINE_OUT_STORE, &out));
	assert_int_equal(out.req->op, STORE_LOG_GET);
	hand_stored(e, out.req, &found);
	assert_true(hand_next(e, ENGINE_OUT_STORE, &out));
	assert_int_equal(out.req->op, op);
	hand_stored(e, out.req, &res);
	while (hand_next(e, ENGINE_OUT_SEND, &out)) {
		peer_written(s, out.body.n, out.bulk);
		buf_free(&out.body);
	}
	assert_int_equal(s->state, SESSION_OPEN);
	assert_null(s->serves);
}

static void proofs_of_forks(void **state)
{
	(void)state;
	static const uint8_t header[ENTRY_HEADER_BYTES], signature[ENTRY_SIGNATURE_BYTES];
	const struct store_res res = {.r = {.seq = 5,
					      .bytes = slice_of(header, sizeof header),
					      .bytes2 = slice_of(header, sizeof header),
					      .sig = slice_of(signature, sizeof signature),
					      .sig2 = slice_of(signature, sizeof signature)}};
	for (uint32_t i = 1; i <= ROUNDS; i++) {
		union message m = {.want_fork = {.req = i, .log = {{8}}}};
		serve_message(s, MESSAGE_WANT_FORK, &m);
		answer(STORE_FORK_GET, &res);
	}
}

static void statements_of_erasures(void **state)
{
	(void)state;
	for (uint32_t i = 1; i <= ROUNDS; i++) {
		union message m = {.want_erased = {.req = i, .log = {{8}}}};
		serve_message(s, MESSAGE_WANT_ERASED, &m);
		answer(STORE_ERASED_GET, &(struct store_res){.err = OK});
	}
}

static void bodies_and_ids(void **state)
{
	(void)state;
	static const uint8_t seq[] = {7};
	struct store_part part = {.kind = BODY_ABSENT};
	struct id32 id = {{9}};
	for (uint32_t i = 1; i <= ROUNDS; i++) {
		union message m = {
			.want_bodies = {.req = i, .log = {{8}}, .seqs = {.n = 1, .raw = slice_of(seq, 1)}}};
		serve_message(s, MESSAGE_WANT_BODIES, &m);
		answer(STORE_BODY_GET, &(struct store_res){.r = {.n = 1, .parts = &part}});
		m = (union message){
			.probe = {.req = i, .log = {{8}}, .seqs = {.n = 1, .raw = slice_of(seq, 1)}}};
		serve_message(s, MESSAGE_PROBE, &m);
		answer(STORE_IDS, &(struct store_res){.r = {.n = 1, .ids = &id}});
	}
}

/* SPEC 10.8: "A side may answer `want-ranges` with `done` LIMIT" */
static void ranges_that_are_refused(void **state)
{
	(void)state;
	static const uint8_t everything[RANGES_PREFIX_BYTES];
	struct engine_out out;
	s->list.ready = true;
	for (uint32_t i = 1; i <= ROUNDS; i++) {
		uint8_t nonce[RANGES_NONCE_BYTES] = {(uint8_t)(i >> 8), (uint8_t)i};
		e->now_ms += RANGES_NONCE_MS;
		e->ranges_ms = e->now_ms;
		e->ranges_spent = RANGES_ANSWERING_BURST; /* by others */
		ranges_serve_want(s,
			&(struct message_want_ranges){.req = i,
				.nonce = slice_of(nonce, sizeof nonce),
				.prefixes = slice_of(everything, sizeof everything)});
		assert_int_equal(s->state, SESSION_OPEN);
		assert_true(hand_next(e, ENGINE_OUT_SEND, &out));
		assert_int_equal(out.type, MESSAGE_DONE);
		buf_free(&out.body);
	}
}

/* SPEC 9.3: "A side has at most 128 unanswered requests, at most 16 of them `want-chunks`" */
static void what_is_not_answered_is_bounded(void **state)
{
	(void)state;
	for (uint32_t i = 1; i <= LIMIT_REQUESTS; i++) {
		union message m = {.want_fork = {.req = i, .log = {{8}}}};
		serve_message(s, MESSAGE_WANT_FORK, &m);
		assert_int_equal(s->state, SESSION_OPEN);
	}
	union message m = {.want_fork = {.req = LIMIT_REQUESTS + 1, .log = {{8}}}};
	serve_message(s, MESSAGE_WANT_FORK, &m);
	assert_int_equal(s->state, SESSION_CLOSED);
}

/* What a peer takes nothing of: answers in the queue, until nobody asks the store any more. */
static size_t queued_of_all_reads(void)
{
	static const uint8_t header[ENTRY_HEADER_BYTES], bytes[60000];
	struct store_log log = {.log = {{8}}, .end = 1000000, .length = 1000000};
	struct store_part parts[LIMIT_RUN_ENTRIES];
	struct store_res found = {.r = {.n = 1, .logs = &log}};
	struct engine_out out;
	size_t total = 0;
	for (size_t i = 0; i < LIMIT_RUN_ENTRIES; i++)
		parts[i] = (struct store_part){.header = header, .kind = BODY_ABSENT};
	while (engine_next(e, &out)) {
		if (out.kind == ENGINE_OUT_SEND) {
			total += out.body.n;
			buf_free(&out.body);
		}
		if (out.kind != ENGINE_OUT_STORE)
			continue;
		struct store_res read = {.r = {.n = 1, .parts = parts}};
		parts[0] = (struct store_part){
			.header = header, .kind = BODY_HERE, .bytes = slice_of(bytes, sizeof bytes)};
		if (out.req->op == STORE_RUN_GET) {
			read.r.first = out.req->a.first;
			read.r.n = LIMIT_RUN_ENTRIES;
		}
		hand_stored(e, out.req, out.req->op == STORE_LOG_GET ? &found : &read);
	}
	return total;
}

/* At most the bound at once, and what was being read when it was met. */
static void all_comes_in_pieces(size_t least)
{
	const size_t most = (1u << 20) + 17 * LIMIT_MESSAGE_BODY_BYTES; /* as docs/threats.md says */
	size_t all = 0, n, rounds = 0;
	while ((n = queued_of_all_reads()) > 0) {
		assert_in_range(n, 1, most);
		assert_int_equal(s->queued, n);
		all += n;
		rounds++;
		peer_written(s, n, false);
	}
	assert_int_equal(s->state, SESSION_OPEN);
	assert_null(s->serves);
	assert_true(all > least && rounds > least / most);
}

static void who_takes_nothing_is_sent_no_more_bodies(void **state)
{
	(void)state;
	static const uint8_t seq[] = {7};
	for (uint32_t i = 1; i <= LIMIT_REQUESTS; i++) {
		union message m = {
			.want_bodies = {.req = i, .log = {{8}}, .seqs = {.n = 1, .raw = slice_of(seq, 1)}}};
		serve_message(s, MESSAGE_WANT_BODIES, &m);
	}
	all_comes_in_pieces((size_t)LIMIT_REQUESTS * 60000);
}

static void who_takes_nothing_is_sent_no_more_runs(void **state)
{
	(void)state;
	const uint64_t n = 200 * LIMIT_RUN_ENTRIES;
	s->synced = true;
	union message m = {.want_run = {.req = 1, .log = {{8}}, .first = 0, .end = n}};
	serve_message(s, MESSAGE_WANT_RUN, &m);
	all_comes_in_pieces(200 * 60000);
}

/* One at a time, and an answer only when there is room for it. */
static void who_takes_nothing_is_told_of_nothing_that_it_seeks(void **state)
{
	(void)state;
	static const uint8_t header[ENTRY_HEADER_BYTES], sig[ENTRY_SIGNATURE_BYTES], bytes[60000];
	struct message_seek m = {.log = {{8}}, .seq = 7, .id = {{9}}};
	struct store_log log = {.log = {{8}}};
	struct store_part part = {
		.header = header, .kind = BODY_HERE, .bytes = slice_of(bytes, sizeof bytes)};
	struct engine_out out;
	size_t queued = 0;
	while (s->queued < SERVE_QUEUE_BYTES) {
		struct store_res res = {.r = {.n = 1,
						.flag = true,
						.logs = &log,
						.parts = &part,
						.bytes = slice_of(header, sizeof header),
						.sig = slice_of(sig, sizeof sig)}};
		seek_take(s, &m);
		assert_true(hand_next(e, ENGINE_OUT_STORE, &out));
		assert_int_equal(out.req->op, STORE_SOUGHT_GET);
		hand_stored(e, out.req, &res);
		assert_true(hand_next(e, ENGINE_OUT_SEND, &out));
		assert_int_equal(out.type, MESSAGE_FOUND);
		queued += out.body.n;
		buf_free(&out.body);
		assert_int_equal(s->queued, queued);
	}
	seek_take(s, &m);
	assert_false(engine_next(e, &out));
	peer_written(s, queued, false);
	assert_true(hand_next(e, ENGINE_OUT_STORE, &out));
	hand_stored(e, out.req, &(struct store_res){.err = ERR_NOT_FOUND});
	seek_take(s, &m);
	seek_take(s, &m);
	assert_int_equal(s->state, SESSION_CLOSED);
}

/* SPEC 10.10: "it answers as soon as it may" */
static void what_is_withheld_of_an_own_log_is_told_when_it_is_released(void **state)
{
	(void)state;
	static const uint8_t header[ENTRY_HEADER_BYTES], sig[ENTRY_SIGNATURE_BYTES];
	struct message_seek m = {.log = {{8}}, .seq = 7, .id = {{9}}};
	struct store_log log = {.log = {{8}}, .own = OWN_ACTIVE, .length = 9, .held_from = 3};
	struct store_part part = {.header = header, .kind = BODY_HERE, .bytes = slice_str("body")};
	struct store_res res = {.r = {.n = 1,
					.flag = true,
					.logs = &log,
					.parts = &part,
					.bytes = slice_of(header, sizeof header),
					.sig = slice_of(sig, sizeof sig)}};
	struct engine_out get, release, out;
	assert_true(own_loaded(e, &(struct store_res){.r = {.n = 1, .logs = &log}}));
	seek_take(s, &m);
	assert_true(hand_next(e, ENGINE_OUT_STORE, &get));
	log.held_from = UINT64_MAX;
	hand_stored(e, get.req, &res);
	assert_false(engine_next(e, &out));
	log.held_from = 3;
	seek_serve_free(s);
	assert_true(hand_next(e, ENGINE_OUT_STORE, &get));
	assert_int_equal(get.req->op, STORE_SOUGHT_GET);
	/* The first listing is there, but what was read is older. */
	s->synced = true;
	own_synced(e);
	assert_true(hand_next(e, ENGINE_OUT_STORE, &release));
	assert_int_equal(release.req->op, STORE_OWN_RELEASE);
	hand_stored(e, get.req, &res);
	assert_false(engine_next(e, &out));
	hand_stored(e, release.req, &(struct store_res){.err = OK});
	log.held_from = UINT64_MAX;
	bool asked = false;
	while (!asked && hand_next(e, ENGINE_OUT_STORE, &out)) {
		asked = out.req->op == STORE_SOUGHT_GET;
		hand_stored(e, out.req, asked ? &res : &(struct store_res){.err = ERR_NOT_FOUND});
	}
	assert_true(asked);
	assert_true(hand_next(e, ENGINE_OUT_SEND, &out));
	assert_int_equal(out.type, MESSAGE_FOUND);
	assert_true(out.body.n > sizeof header + sizeof sig);
	buf_free(&out.body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(proofs_of_forks, begin, end),
		cmocka_unit_test_setup_teardown(statements_of_erasures, begin, end),
		cmocka_unit_test_setup_teardown(bodies_and_ids, begin, end),
		cmocka_unit_test_setup_teardown(ranges_that_are_refused, begin, end),
		cmocka_unit_test_setup_teardown(what_is_not_answered_is_bounded, begin, end),
		cmocka_unit_test_setup_teardown(who_takes_nothing_is_sent_no_more_bodies, begin, end),
		cmocka_unit_test_setup_teardown(who_takes_nothing_is_sent_no_more_runs, begin, end),
		cmocka_unit_test_setup_teardown(
			who_takes_nothing_is_told_of_nothing_that_it_seeks, begin, end),
		cmocka_unit_test_setup_teardown(
			what_is_withheld_of_an_own_log_is_told_when_it_is_released, begin, end),
	};
	return cmocka_run_group_tests_name("serve", tests, NULL, NULL);
}
