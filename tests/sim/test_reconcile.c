/* Two nodes that meet for the first time, or again after one has lost something, tell each other what differs and no more.
 * SPEC.md sections 10.8 and 10.9. */
#include "protocol/log/entry.h"
#include "protocol/peer/message.h"
#include "tests/support/world_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define LOGS 2100
#define PEOPLE 100

static uint64_t bytes, counts[MESSAGE_COUNT], rows, unfinished; /* changes without `last` */
static struct world_person people[PEOPLE];

static void count(void *ctx, struct world_node *from, struct world_node *to, uint8_t type, struct slice body)
{
	union message m;
	(void)ctx, (void)from, (void)to;
	bytes += 4 + body.n;
	counts[type]++;
	if (type == MESSAGE_CHANGES) {
		assert_int_equal(message_decode(type, body, &m), OK);
		rows += m.changes.rows.n;
		unfinished += !m.changes.last;
	}
}

static struct world_link *meet(struct world_node *a, struct world_node *b)
{
	world.sent = count;
	bytes = rows = unfinished = 0;
	memset(counts, 0, sizeof counts);
	struct world_link *l = world_connect(a, b);
	world_run(&world, 8000);
	world.sent = NULL;
	return l;
}

static void assert_alike(struct world_node *a, struct world_node *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct store_log x, y;
		assert_int_equal(world_log(a, &people[i].log, &x), OK);
		assert_int_equal(world_log(b, &people[i].log, &y), OK);
		assert_int_equal(x.end, y.end);
		assert_int_equal(x.gaps, 0);
		assert_int_equal(y.gaps, 0);
		assert_memory_equal(&x.last, &y.last, 32);
		assert_memory_equal(&x.erased_sum, &y.erased_sum, 32);
		assert_int_equal(x.fork_seq1, y.fork_seq1);
	}
}

/* Two nodes that both got all of n people from a writer and never met; then the writer goes on and tells only one of them. */
static struct world_node *writer_of(struct world_node *a, struct world_node *b, size_t n)
{
	struct world_node *w = world_node_new(&world, "wes");
	world_admit(w, a);
	world_admit(w, b);
	world_admit(a, b);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(world_person_new(w, &people[i]), OK);
		assert_int_equal(world_follow(a, &people[i].id), OK);
		assert_int_equal(world_follow(b, &people[i].id), OK);
	}
	world_cut(meet(w, a));
	world_cut(meet(w, b));
	return w;
}

static void equal_nodes_find_it_out_with_one_question_each(void **state)
{
	(void)state;
	struct world_node *a = world_node_new(&world, "ann"), *b = world_node_new(&world, "ben");
	world_crowd(a, LOGS, 50);
	world_crowd(b, LOGS, 50);
	world_admit(a, b);
	struct world_link *l = meet(a, b);
	assert_int_equal(counts[MESSAGE_WANT_RANGES], 2);
	assert_int_equal(rows, 0);
	print_message("%d equal logs: %llu bytes in both directions\n", LOGS, (unsigned long long)bytes);
	assert_true(bytes < 8000); /* with the follow sets */
	world_cut(l);
	l = meet(b, a);
	assert_int_equal(l->delivered, 2); /* they know each other's cursors now */
	assert_true(bytes < 400);
}

/* ann has what the writer wrote last; ben has not. */
static void differing(size_t n, uint64_t most)
{
	struct world_node *a = world_node_new(&world, "ann"), *b = world_node_new(&world, "ben");
	world_crowd(a, LOGS, 50);
	world_crowd(b, LOGS, 50);
	struct world_node *w = writer_of(a, b, PEOPLE);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(world_append(w, &people[i], 60).err, OK);
	world_cut(meet(w, a));
	world_crash(w);
	struct world_link *l = meet(a, b);
	assert_alike(a, b, PEOPLE);
	print_message("%d logs, %zu different: %llu bytes in both directions, %llu rows\n", LOGS, n,
		(unsigned long long)bytes, (unsigned long long)rows);
	assert_true(counts[MESSAGE_WANT_RANGES] >= 4);
	assert_in_range(rows, 2 * n, 4 * n + 4); /* each side says what it has */
	assert_true(bytes < most);
	world_cut(l);
	l = meet(a, b);
	assert_int_equal(counts[MESSAGE_WANT_RANGES], 0);
}

static void one_difference_costs_little(void **state)
{
	(void)state;
	differing(1, 12000);
}

static void a_hundred_differences_cost_their_part(void **state)
{
	(void)state;
	differing(PEOPLE, 170000);
}

static void an_erasure_is_a_difference(void **state)
{
	(void)state;
	struct world_node *a = world_node_new(&world, "ann"), *b = world_node_new(&world, "ben");
	world_crowd(a, 200, 50);
	world_crowd(b, 200, 50);
	struct world_node *w = world_node_new(&world, "wes");
	world_admit(w, a);
	world_admit(w, b);
	world_admit(a, b);
	assert_int_equal(world_person_new(w, &people[0]), OK);
	for (int i = 0; i < 3; i++)
		assert_int_equal(world_append(w, &people[0], 60).err, OK);
	assert_int_equal(world_follow(a, &people[0].id), OK);
	assert_int_equal(world_follow(b, &people[0].id), OK);
	world_cut(meet(w, a));
	world_cut(meet(w, b));
	assert_true(world_erase_begin(w, &people[0], 2) > 0);
	world_cut(meet(w, a));
	struct store_log x, y;
	assert_int_equal(world_log(a, &people[0].log, &x), OK);
	assert_int_equal(world_log(b, &people[0].log, &y), OK);
	assert_false(id32_equal(&x.erased_sum, &y.erased_sum));
	world_crash(w);
	meet(a, b);
	assert_true(counts[MESSAGE_WANT_RANGES] >= 2);
	assert_alike(a, b, 1);
}

/* What `from` has of a log, but without bodies behind the first. */
static void put_headers(struct world_node *from, struct world_node *to, const struct world_person *p)
{
	struct store_req get = {.op = STORE_RUN_GET, .a.log = p->log, .a.end = 64, .a.max = 65536}, put;
	struct store_log l;
	struct store_res res, done;
	assert_int_equal(world_log(from, &p->log, &l), OK);
	world_store(from, &get, &res);
	assert_int_equal(res.err, OK);
	for (size_t i = 1; i < res.r.n; i++) {
		res.r.parts[i].kind = BODY_ABSENT;
		res.r.parts[i].bytes = (struct slice){0};
	}
	put = (struct store_req){.op = STORE_RUN_PUT,
		.a.log = p->log,
		.a.identity = p->id,
		.a.device_key = l.device_key,
		.a.n = res.r.n,
		.a.parts = res.r.parts,
		.a.sig = res.r.sig,
		.a.id = l.last};
	world_store(to, &put, &done);
	assert_int_equal(done.err, OK);
	store_res_free(&done);
	store_res_free(&res);
}

static void bodies_that_no_row_tells_of_are_asked_for(void **state)
{
	(void)state;
	struct world_node *a = world_node_new(&world, "ann"), *b = world_node_new(&world, "ben");
	world_crowd(a, 200, 50);
	world_crowd(b, 200, 50);
	struct world_node *w = world_node_new(&world, "wes");
	world_admit(w, a);
	world_admit(w, b);
	world_admit(a, b);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(world_person_new(w, &people[i]), OK);
		assert_int_equal(world_follow(a, &people[i].id), OK);
		assert_int_equal(world_follow(b, &people[i].id), OK);
	}
	world_cut(meet(w, a));
	world_cut(meet(w, b));
	for (int i = 0; i < 3; i++)
		assert_int_equal(world_append(w, &people[i], 60).err, OK);
	world_cut(meet(w, a));
	world_crash(w);
	for (int i = 0; i < 3; i++) {
		struct store_log l;
		struct store_req cut = {.op = STORE_SIDE_MOVE, .a.log = people[i].log, .a.first = 0};
		struct store_res res;
		world_store(b, &cut, &res);
		store_res_free(&res);
		put_headers(a, b, &people[i]);
		assert_int_equal(world_log(b, &people[i].log, &l), OK);
		assert_true(l.gaps > 0);
	}
	world_crash(b);
	world_restart(b);
	meet(a, b);
	assert_true(counts[MESSAGE_WANT_BODIES] >= 3);
	assert_alike(a, b, 3);
}

static void an_audit_finds_what_a_cursor_passed_over(void **state)
{
	(void)state;
	world.audit_ms = 20000;
	struct world_node *a = world_node_new(&world, "ann"), *b = world_node_new(&world, "ben");
	struct world_node *w = writer_of(a, b, 3);
	world_cut(meet(a, b));
	assert_int_equal(world_append(w, &people[1], 60).err, OK);
	world_cut(meet(w, a));
	world_crash(w);
	struct store_req number = {.op = STORE_NUMBER}, peer = {.op = STORE_PEER_GET, .a.node = a->key}, put;
	struct store_res now, got, res;
	world_store(a, &number, &now);
	world_store(b, &peer, &got);
	assert_int_equal(got.err, OK);
	put = (struct store_req){.op = STORE_CURSOR_PUT, .a.node = a->key, .a.number = now.r.number};
	memcpy(put.a.instance, got.r.peers[0].cursor_instance, 16);
	world_store(b, &put, &res); /* ben says he has all of ann's, and has not */
	assert_int_equal(res.err, OK);
	store_res_free(&res);
	store_res_free(&got);
	store_res_free(&now);
	world_connect(a, b);
	world_run(&world, 5000);
	struct store_log x, y;
	assert_int_equal(world_log(a, &people[1].log, &x), OK);
	assert_int_equal(world_log(b, &people[1].log, &y), OK);
	assert_int_equal(x.length, y.length + 1);
	rows = unfinished = 0;
	world.sent = count;
	world_run(&world, 100000);
	world.sent = NULL;
	assert_alike(a, b, 3);
	assert_true(rows > 0);
	assert_int_equal(
		unfinished, 0); /* SPEC 10.9: "with the `number` that was told last and `last` true" */
}

/* Wherever it is cut, the next meeting ends well. */
static void a_cut_at_any_step_does_no_harm(void **state)
{
	(void)state;
	world.reconcile_min = 4;
	struct world_node *a = world_node_new(&world, "ann"), *b = world_node_new(&world, "ben");
	world_crowd(a, 300, 50);
	world_crowd(b, 300, 50);
	struct world_node *w = writer_of(a, b, 8);
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(world_append(w, &people[i], 60).err, OK);
	world_cut(meet(w, a));
	world_crash(w);
	for (unsigned steps = 0; steps < 160; steps += 3) {
		struct world_link *l = world_connect(steps % 2 ? a : b, steps % 2 ? b : a);
		for (unsigned k = 0; k < steps && world_step(&world); k++)
			;
		if (steps % 5 == 0) {
			world_crash(steps % 10 ? a : b);
			world_restart(steps % 10 ? a : b);
		} else {
			world_cut(l);
		}
		world_run(&world, 2000);
	}
	meet(a, b);
	assert_alike(a, b, 8);
}

static unsigned spoilt;

static bool spoil(void *ctx, struct world_link *l, int to, uint8_t *type, struct buf *body)
{
	(void)ctx;
	if (*type == MESSAGE_RANGES && strcmp(l->nodes[!to]->name, "ben") == 0) {
		body->p[4] = 200; /* neither a number of items nor deeper */
		spoilt++;
	}
	return true;
}

static void who_answers_nonsense_is_closed(void **state)
{
	(void)state;
	struct world_node *a = world_node_new(&world, "ann"), *b = world_node_new(&world, "ben");
	world_crowd(a, 300, 50);
	world_crowd(b, 300, 50);
	world_admit(a, b);
	world.meddle = spoil;
	meet(a, b);
	size_t from = 0;
	const struct engine_event *ev = world_event(a, ENGINE_EVENT_PEER_CLOSED, &from);
	assert_non_null(ev);
	assert_int_equal(ev->err, ERR_WIRE);
	assert_true(spoilt > 0);
}

static uint8_t refused_code;

static void see_done(
	void *ctx, struct world_node *from, struct world_node *to, uint8_t type, struct slice body)
{
	union message m;
	(void)ctx, (void)to;
	if (type != MESSAGE_DONE || strcmp(from->name, "ben") != 0)
		return;
	assert_int_equal(message_decode(type, body, &m), OK);
	if (m.done.req == 77777)
		refused_code = (uint8_t)m.done.code;
}

/* SPEC 10.8: "when it was asked on this connection with another nonce less than 60 s ago" */
static void another_nonce_within_a_minute_is_refused(void **state)
{
	(void)state;
	struct world_node *a = world_node_new(&world, "ann"), *b = world_node_new(&world, "ben");
	world_crowd(a, 300, 50);
	world_crowd(b, 300, 50);
	world_admit(a, b);
	struct world_link *l = meet(a, b);
	static const uint8_t nonce[16] = {1}, prefix[9] = {0};
	struct message_want_ranges m = {
		.req = 77777, .nonce = slice_of(nonce, 16), .prefixes = slice_of(prefix, 9)};
	struct buf body = {0};
	assert_int_equal(message_encode(MESSAGE_WANT_RANGES, &m, &body), OK);
	refused_code = 99;
	world.sent = see_done;
	world_send(l, 1, MESSAGE_WANT_RANGES, buf_slice(&body));
	world_run(&world, 50);
	assert_int_equal(refused_code, ERR_LIMIT);
	buf_free(&body);
}

/* ---- those who want to cost others their turn ---- */

static uint8_t held_back;
static const char *const mal_names[] = {"mal", "mala", "malb", "malc", "mald"};

/* Nodes called mal… do not answer it. */
static bool hold_back(void *ctx, struct world_link *l, int to, uint8_t *type, struct buf *body)
{
	(void)ctx, (void)body;
	return *type != held_back || strncmp(l->nodes[to]->name, "mal", 3) != 0;
}

static unsigned limits;

static void see_limits(
	void *ctx, struct world_node *from, struct world_node *to, uint8_t type, struct slice body)
{
	union message m;
	count(ctx, from, to, type, body);
	if (type == MESSAGE_DONE && message_decode(type, body, &m) == OK)
		limits += m.done.code == ERR_LIMIT;
}

static void who_holds_its_follow_set_back_takes_nobody_s_place(void **state)
{
	(void)state;
	held_back = MESSAGE_WANT_FOLLOWS;
	struct world_node *hub = world_node_new(&world, "hub"), *mal[5];
	struct world_node *ann = world_node_new(&world, "ann");
	world_crowd(hub, 300, 50);
	world_crowd(ann, 300, 50);
	world_admit(hub, ann);
	world.meddle = hold_back;
	for (size_t i = 0; i < 5; i++) {
		mal[i] = world_node_new(&world, mal_names[i]);
		world_crowd(mal[i], 300, 50);
		world_admit(hub, mal[i]);
		world_connect(mal[i], hub);
	}
	world_run(&world, 1000);
	world.sent = see_limits;
	bytes = rows = limits = 0;
	world_connect(ann, hub);
	world_run(&world, 3000);
	assert_int_equal(limits, 0);
	assert_int_equal(rows, 0); /* all is equal */
}

static void who_answers_slowly_costs_others_their_turn_no_longer_than_two_minutes(void **state)
{
	(void)state;
	held_back = MESSAGE_WANT_RANGES;
	struct world_node *hub = world_node_new(&world, "hub"), *mal[2];
	struct world_node *ann = world_node_new(&world, "ann");
	world_crowd(hub, 300, 50);
	world_crowd(ann, 300, 50);
	world_admit(hub, ann);
	world.meddle = hold_back;
	for (size_t i = 0; i < 2; i++) {
		mal[i] = world_node_new(&world, mal_names[i]);
		world_crowd(mal[i], 300, 50);
		world_admit(hub, mal[i]);
	}
	for (unsigned k = 0; k < 5; k++) { /* each is closed after 30 s */
		world_connect(mal[0], hub);
		world_connect(mal[1], hub);
		world_run(&world, 35000);
	}
	assert_true(world.now_ms > 120000);
	world_connect(mal[0], hub);
	world_connect(mal[1], hub);
	world_run(&world, 1000);
	meet(ann, hub);
	assert_true(counts[MESSAGE_WANT_RANGES] >= 2);
	assert_int_equal(rows, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(equal_nodes_find_it_out_with_one_question_each),
		WORLD_TEST(one_difference_costs_little),
		WORLD_TEST(a_hundred_differences_cost_their_part),
		WORLD_TEST(an_erasure_is_a_difference),
		WORLD_TEST(bodies_that_no_row_tells_of_are_asked_for),
		WORLD_TEST(an_audit_finds_what_a_cursor_passed_over),
		WORLD_TEST(a_cut_at_any_step_does_no_harm),
		WORLD_TEST(who_answers_nonsense_is_closed),
		WORLD_TEST(another_nonce_within_a_minute_is_refused),
		WORLD_TEST(who_holds_its_follow_set_back_takes_nobody_s_place),
		WORLD_TEST(who_answers_slowly_costs_others_their_turn_no_longer_than_two_minutes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
