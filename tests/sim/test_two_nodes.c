/* Two real engines on two real stores, in virtual time, from a seed. */

#include "protocol/log/invitation.h"
#include "protocol/peer/message.h"
#include "tests/support/world_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

/* Both hold the same log. */
static void assert_same(struct world_node *a, struct world_node *b, const struct id32 *log)
{
	struct store_log x, y;
	assert_int_equal(world_log(a, log, &x), OK);
	assert_int_equal(world_log(b, log, &y), OK);
	assert_int_equal(x.length, y.length);
	assert_memory_equal(&x.last, &y.last, 32);
	assert_int_equal(y.gaps, x.gaps);
}

static void entries_reach_a_follower(void **state)
{
	(void)state;
	struct world_node *a = world_node_new(&world, "ann"), *b = world_node_new(&world, "ben");
	struct world_person p;
	world_person_new(a, &p);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(world_append(a, &p, 300).err, OK);
	world_admit(a, b);
	assert_int_equal(world_follow(b, &p.id), OK);
	world_connect(b, a);
	world_run(&world, 100);
	assert_same(a, b, &p.log);
	struct store_log l;
	assert_int_equal(world_log(b, &p.log, &l), OK);
	assert_int_equal(l.length, 1001);
	size_t from = 0;
	const struct engine_event *progress = world_event(b, ENGINE_EVENT_PROGRESS, &from);
	assert_non_null(progress); /* people were told how much was still to come */
	assert_in_range(progress->count, 1, 1000);
	assert_int_equal(l.gaps, 0);
}

static void what_is_written_later_arrives_live_as_runs(void **state)
{
	(void)state;
	struct world_node *a = world_node_new(&world, "ann"), *b = world_node_new(&world, "ben");
	struct world_person p;
	world_person_new(a, &p);
	world_admit(a, b);
	assert_int_equal(world_follow(b, &p.id), OK);
	world_connect(a, b);
	world_run(&world, 100);
	for (int i = 0; i < 200; i++) {
		assert_int_equal(world_append(a, &p, 50).err, OK);
		if (i % 7 == 0)
			world_run(&world, 10);
	}
	world_run(&world, 100);
	assert_same(a, b, &p.log);
}

static void two_equal_nodes_exchange_one_hello_each(void **state)
{
	(void)state;
	struct world_node *a = world_node_new(&world, "ann"), *b = world_node_new(&world, "ben");
	struct world_person p;
	world_person_new(a, &p);
	world_admit(a, b);
	assert_int_equal(world_follow(b, &p.id), OK);
	struct world_link *l = world_connect(a, b);
	world_run(&world, 5000);
	world_cut(l);
	world_run(&world, 100);
	l = world_connect(a, b);
	world_run(&world, 5000);
	assert_int_equal(l->delivered, 2);
}

static void how_far_a_node_came_with_a_peers_new_instance_is_kept_though_the_number_is_the_old_one(
	void **state)
{
	(void)state;
	struct world_node *a = world_node_new(&world, "ann"), *b = world_node_new(&world, "ben");
	struct world_person p;
	world_person_new(a, &p);
	world_admit(a, b);
	assert_int_equal(world_follow(b, &p.id), OK);
	struct world_link *l = world_connect(a, b);
	world_run(&world, 5000);
	world_cut(l);
	world_crash(a);
	world_restart(a);
	l = world_connect(a, b);
	world_run(&world, 5000);
	world_cut(l);
	l = world_connect(a, b);
	world_run(&world, 5000);
	assert_int_equal(l->delivered, 2); /* the hellos: nothing is listed a second time */
}

static void how_far_a_node_came_with_live_entries_is_kept_after_a_while(void **state)
{
	(void)state;
	struct world_node *a = world_node_new(&world, "ann"), *b = world_node_new(&world, "ben");
	struct world_person p;
	world_person_new(a, &p);
	world_admit(a, b);
	assert_int_equal(world_follow(b, &p.id), OK);
	struct world_link *l = world_connect(a, b);
	world_run(&world, 5000);
	for (int i = 0; i < 3; i++)
		assert_int_equal(world_append(a, &p, 50).err, OK);
	world_run(&world, 20000);
	world_cut(l);
	l = world_connect(a, b);
	world_run(&world, 20000);
	assert_int_equal(l->delivered, 2); /* the hellos: nothing is listed a second time */
}

static size_t rows_from_ben; /* of logs */

static void count_rows(
	void *ctx, struct world_node *from, struct world_node *to, uint8_t type, struct slice body)
{
	union message m;
	(void)ctx, (void)to;
	if (type != MESSAGE_CHANGES || strcmp(from->name, "ben") != 0)
		return;
	assert_int_equal(message_decode(type, body, &m), OK);
	struct mp_in in = message_list_open(&m.changes.rows);
	for (size_t i = 0; i < m.changes.rows.n; i++)
		rows_from_ben += message_next_row(&in).kind == 1;
}

static void what_a_peer_listed_is_not_listed_back(void **state)
{
	(void)state;
	struct world_node *a = world_node_new(&world, "ann"), *b = world_node_new(&world, "ben");
	struct world_person p[40];
	world_admit(a, b);
	for (size_t i = 0; i < 40; i++) {
		assert_int_equal(world_person_new(a, &p[i]), OK);
		assert_int_equal(world_append(a, &p[i], 50).err, OK);
		assert_int_equal(world_follow(b, &p[i].id), OK);
	}
	rows_from_ben = 0;
	world.sent = count_rows;
	world_connect(a, b);
	world_run(&world, 20000);
	for (size_t i = 0; i < 40; i++)
		assert_same(a, b, &p[i].log);
	assert_in_range(rows_from_ben, 0, 10); /* some may share a place in the table of what the peer has */
}

static void a_cut_and_a_crash_lose_nothing(void **state)
{
	(void)state;
	struct world_node *a = world_node_new(&world, "ann"), *b = world_node_new(&world, "ben");
	struct world_person p;
	world_person_new(a, &p);
	world_admit(a, b);
	assert_int_equal(world_follow(b, &p.id), OK);
	for (int round = 0; round < 30; round++) {
		struct world_link *l = world_connect(round % 2 ? a : b, round % 2 ? b : a);
		for (int i = 0; i < 20; i++)
			assert_int_equal(world_append(a, &p, 100).err, OK);
		uint64_t steps = world_random(&world, 400);
		while (steps-- && world_step(&world))
			;
		if (round % 3 == 0) {
			world_crash(b);
			world_restart(b);
		} else {
			world_cut(l);
		}
		world_run(&world, 10);
	}
	world_connect(a, b);
	world_run(&world, 100);
	assert_same(a, b, &p.log);
	struct store_log l;
	assert_int_equal(world_log(b, &p.log, &l), OK);
	assert_int_equal(l.length, 601);
}

static void both_write_and_both_have_everything(void **state)
{
	(void)state;
	struct world_node *a = world_node_new(&world, "ann"), *b = world_node_new(&world, "ben");
	struct world_person p, q;
	world_person_new(a, &p);
	world_person_new(b, &q);
	world_admit(a, b);
	assert_int_equal(world_follow(b, &p.id), OK);
	assert_int_equal(world_follow(a, &q.id), OK);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(world_append(a, &p, 100).err, OK);
		assert_int_equal(world_append(b, &q, 100).err, OK);
	}
	world_connect(a, b);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(world_append(a, &p, 100).err, OK);
		assert_int_equal(world_append(b, &q, 100).err, OK);
	}
	world_run(&world, 100);
	assert_same(a, b, &p.log);
	assert_same(a, b, &q.log);
}

static void large_bodies_come_apart_from_their_run(void **state)
{
	(void)state;
	struct world_node *a = world_node_new(&world, "ann"), *b = world_node_new(&world, "ben");
	struct world_person p;
	world_person_new(a, &p);
	for (int i = 0; i < 100; i++)
		assert_int_equal(world_append(a, &p, 40000).err, OK);
	world_admit(a, b);
	assert_int_equal(world_follow(b, &p.id), OK);
	world_connect(b, a);
	world_run(&world, 100);
	assert_same(a, b, &p.log);
}

static void a_blob_arrives_whole_over_cuts(void **state)
{
	(void)state;
	struct world_node *a = world_node_new(&world, "ann"), *b = world_node_new(&world, "ben");
	struct world_person p;
	struct id32 root, small;
	world_person_new(a, &p);
	assert_int_equal(world_attach(a, &p, 90u << 20, &root).err, OK);
	assert_int_equal(world_attach(a, &p, 4000, &small).err, OK);
	world_admit(a, b);
	assert_int_equal(world_follow(b, &p.id), OK);
	size_t from = 0;
	uint64_t held = 0;
	for (int round = 0; round < 5; round++) {
		world.chunks = 0;
		world.chunks_max = 400;
		struct world_link *l = world_connect(b, a);
		world_run(&world, 1500);
		world_cut(l);
		world_run(&world, 10);
		if (round == 2) {
			world_crash(b);
			world_restart(b);
		}
		const struct engine_event *ev, *last = NULL;
		while ((ev = world_event(b, ENGINE_EVENT_BLOB, &from)))
			if (id32_equal(&ev->id, &root))
				last = ev;
		if (last) {
			assert_true(last->count >= held);
			held = last->count;
		}
	}
	assert_int_equal(held, 1440);
	struct store_req q = {.op = STORE_BLOB_GET};
	struct store_res res;
	q.a.root = root;
	world_store(b, &q, &res);
	assert_int_equal(res.err, OK);
	assert_int_equal(res.r.blobs[0].state, BLOB_COMPLETE);
	store_res_free(&res);
	q.a.root = small;
	world_store(b, &q, &res);
	assert_int_equal(res.r.blobs[0].state, BLOB_COMPLETE);
	store_res_free(&res);
	char x[1024], y[1024];
	blob_path(a, &root, x);
	blob_path(b, &root, y);
	assert_int_equal(same_files(x, y), 0);
}

static void an_invitation_admits_once(void **state)
{
	(void)state;
	struct world_node *a = world_node_new(&world, "ann"), *b = world_node_new(&world, "ben"),
			  *c = world_node_new(&world, "cas");
	uint8_t secret[16] = "0123456789abcde";
	struct store_invite inv = {.hash = invitation_secret_hash(secret),
		.expires_hour = (uint32_t)(world.wall_s / 3600) + 1,
		.uses_left = 1};
	struct store_req q = {.op = STORE_INVITE_PUT};
	struct store_res res;
	q.a.invite = &inv;
	world_store(a, &q, &res);
	assert_int_equal(res.err, OK);
	store_res_free(&res);
	world_connect_redeem(b, a, secret);
	world_run(&world, 100);
	size_t from = 0;
	assert_non_null(world_event(a, ENGINE_EVENT_REDEEMED, &from));
	from = 0;
	assert_non_null(world_event(b, ENGINE_EVENT_JOINED, &from));
	from = 0;
	assert_non_null(world_event(b, ENGINE_EVENT_PEER_OPEN, &from));
	world_connect_redeem(c, a, secret);
	world_run(&world, 100);
	from = 0;
	const struct engine_event *ev = world_event(c, ENGINE_EVENT_PEER_CLOSED, &from);
	assert_non_null(ev);
	assert_int_equal(ev->err, ERR_USED);
	from = 0;
	world_connect(c, a);
	world_run(&world, 100);
	assert_null(world_event(c, ENGINE_EVENT_PEER_OPEN, &from));
}

static void a_second_device_of_one_person_is_followed_too(void **state)
{
	(void)state;
	struct world_node *a = world_node_new(&world, "ann"), *b = world_node_new(&world, "ben"),
			  *c = world_node_new(&world, "cas");
	struct world_person p, p2;
	world_person_new(a, &p);
	assert_int_equal(world_append(a, &p, 10).err, OK);
	world_admit(a, b);
	world_admit(a, c);
	assert_int_equal(world_follow(b, &p.id), OK);
	assert_int_equal(world_follow(c, &p.id), OK);
	world_connect(a, b);
	world_connect(c, a);
	world_run(&world, 100);
	assert_int_equal(world_person_device(b, &p, &p2), OK);
	assert_int_equal(world_append(b, &p2, 10).err, OK);
	world_run(&world, 100);
	assert_same(a, b, &p2.log);
	assert_same(c, b, &p2.log); /* by way of a */
	assert_same(a, c, &p.log);
}

/* The `hello` that tells of the old set is under way already. */
static void a_follow_while_a_connection_opens_is_not_lost(void **state)
{
	(void)state;
	struct world_node *a = world_node_new(&world, "ann"), *b = world_node_new(&world, "ben");
	struct world_person p, q;
	world_person_new(a, &p);
	world_person_new(a, &q);
	world_admit(a, b);
	struct world_link *l = world_connect(b, a);
	world_run(&world, 100); /* each knows whom the other follows */
	world_cut(l);
	world_run(&world, 100);
	l = world_connect(b, a);
	l->delay_ms[0] = l->delay_ms[1] = 400;
	world_run(&world, 300);
	size_t from = 0;
	world_event(b, ENGINE_EVENT_PEER_OPEN, &from);
	assert_null(world_event(b, ENGINE_EVENT_PEER_OPEN, &from)); /* once, the time before */
	assert_int_equal(world_follow(b, &p.id), OK);
	assert_int_equal(world_follow(b, &q.id), OK);
	world_run(&world, 10000);
	assert_same(a, b, &p.log);
	assert_same(a, b, &q.log);
}

static void a_follow_over_an_open_connection_brings_what_there_is(void **state)
{
	(void)state;
	struct world_node *a = world_node_new(&world, "ann"), *b = world_node_new(&world, "ben");
	struct world_person p;
	world_person_new(a, &p);
	for (int i = 0; i < 10; i++)
		assert_int_equal(world_append(a, &p, 50).err, OK);
	world_admit(a, b);
	world_connect(a, b);
	world_run(&world, 5000);
	assert_int_equal(world_follow(b, &p.id), OK);
	world_run(&world, 5000);
	assert_same(a, b, &p.log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(entries_reach_a_follower),
		WORLD_TEST(what_is_written_later_arrives_live_as_runs),
		WORLD_TEST(two_equal_nodes_exchange_one_hello_each),
		WORLD_TEST(
			how_far_a_node_came_with_a_peers_new_instance_is_kept_though_the_number_is_the_old_one),
		WORLD_TEST(how_far_a_node_came_with_live_entries_is_kept_after_a_while),
		WORLD_TEST(what_a_peer_listed_is_not_listed_back),
		WORLD_TEST(a_cut_and_a_crash_lose_nothing),
		WORLD_TEST(both_write_and_both_have_everything),
		WORLD_TEST(large_bodies_come_apart_from_their_run),
		WORLD_TEST(a_blob_arrives_whole_over_cuts),
		WORLD_TEST(an_invitation_admits_once),
		WORLD_TEST(a_second_device_of_one_person_is_followed_too),
		WORLD_TEST(a_follow_while_a_connection_opens_is_not_lost),
		WORLD_TEST(a_follow_over_an_open_connection_brings_what_there_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
