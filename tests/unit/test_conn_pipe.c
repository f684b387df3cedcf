/* daemon/conn_pipe.c and conn_renew() over a loopback: two that dialled a third talk through it, and it knows nothing of it. SPEC.md section 19.5. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/conn_int.h"

#define ASK 39
#define ACCEPT 41
#define READY 42
#define DATA 9

struct side {
	struct conn_set *set;
	struct noise_keypair keys;
	struct conn *conn, *second; /* the last two that opened */
	size_t opened, closed, messages, bytes, moved, most_waiting;
	conn_id dialled, now;
	bool pauses, holds; /* holds: a relay that does not bring together */
	uint8_t last;
	enum err err;
	bool gone;
};

static struct {
	uv_loop_t loop;
	uv_tcp_t listener;
	struct sockaddr_in address;
	struct side left, right, relay;
	struct id32 network;
} f;

static void fill(void *ctx, uint8_t *out, size_t n)
{
	(void)ctx;
	randombytes_buf(out, n);
}

static const struct random_source source = {.fill = fill};

static void say(struct conn *c, uint8_t type, size_t n)
{
	struct buf body = {0};
	assert_int_equal(buf_reserve(&body, n ? n : 1), OK);
	memset(body.p, type, n);
	body.n = n;
	conn_send(c, type, false, &body);
}

static void on_opened(void *ctx, struct conn *c)
{
	struct side *s = ctx;
	s->second = s->conn;
	s->conn = c;
	s->opened++;
	if (s != &f.relay && s->opened == 1)
		say(c, s == &f.left ? ASK : ACCEPT, 32);
	if (s->opened == 2 && s->pauses)
		conn_pause(c);
}

static void on_message(void *ctx, struct conn *c, uint8_t type, struct slice body)
{
	struct side *s = ctx;
	s->messages++;
	s->bytes += body.n;
	s->last = type;
	if (s == &f.relay && s->messages == 2 && !s->holds) {
		say(s->conn, READY, 1);
		say(s->second, READY, 1);
		conn_splice(s->conn, s->second);
	} else if (type == READY) {
		assert_ptr_not_equal(s, &f.relay);
		conn_renew(c);
	}
}

static void on_written(void *ctx, struct conn *c, size_t bytes, bool bulk)
{
	(void)ctx, (void)c, (void)bytes, (void)bulk;
}

static void on_closed(void *ctx, struct conn *c, enum err e, const char *why)
{
	struct side *s = ctx;
	assert_true(strlen(why) > 0);
	s->closed++;
	s->err = e;
	if (s->conn == c)
		s->conn = NULL;
	if (s->second == c)
		s->second = NULL;
}

/* What the relay keeps of what it passes on. */
static void on_turn(void *ctx)
{
	struct side *s = ctx;
	for (size_t i = 0; i < CONN_SLOTS && s == &f.relay && s->set; i++) {
		const struct conn *c = s->set->slots[i];
		if (c && c->piped && c->in_flight.n > s->most_waiting)
			s->most_waiting = c->in_flight.n;
	}
}

static void on_listen(uv_stream_t *listener, int status)
{
	assert_int_equal(status, 0);
	assert_int_equal(conn_accept(f.relay.set, listener), OK);
}

static void side_open(struct side *s, uint64_t rate, uint32_t idle_ms)
{
	noise_keypair_generate(&s->keys, &source);
	const struct conn_env env = {.loop = &f.loop,
		.keys = &s->keys,
		.random = source,
		.handlers = {on_opened, on_message, on_written, on_closed, on_turn},
		.ctx = s,
		.handshake_ms = 3000,
		.relay_rate = rate,
		.relay_idle_ms = idle_ms};
	assert_int_equal(conn_set_open(&env, &s->set), OK);
	conn_set_network(s->set, &f.network);
}

static void begin(uint64_t rate, uint32_t idle_ms)
{
	side_open(&f.left, 0, 0);
	side_open(&f.right, 0, 0);
	side_open(&f.relay, rate, idle_ms);
}

static int setup(void **state)
{
	(void)state;
	memset(&f, 0, sizeof f);
	f.network.b[0] = 1;
	assert_int_equal(uv_loop_init(&f.loop), 0);
	uv_tcp_init(&f.loop, &f.listener);
	assert_int_equal(uv_ip4_addr("127.0.0.1", 0, &f.address), 0);
	assert_int_equal(uv_tcp_bind(&f.listener, (const struct sockaddr *)&f.address, 0), 0);
	assert_int_equal(uv_listen((uv_stream_t *)&f.listener, 16, on_listen), 0);
	int n = sizeof f.address;
	return uv_tcp_getsockname(&f.listener, (struct sockaddr *)&f.address, &n);
}

static void on_gone(void *ctx)
{
	((struct side *)ctx)->gone = true;
	((struct side *)ctx)->set = NULL;
}

static int teardown(void **state)
{
	struct side *all[] = {&f.left, &f.right, &f.relay};
	(void)state;
	uv_close((uv_handle_t *)&f.listener, NULL);
	for (size_t i = 0; i < 3; i++)
		if (all[i]->set)
			conn_set_close(all[i]->set, on_gone, all[i]);
	uv_run(&f.loop, UV_RUN_DEFAULT);
	assert_true(f.left.gone && f.right.gone && f.relay.gone);
	return uv_loop_close(&f.loop);
}

static void on_moved(void *ctx, conn_id id)
{
	struct side *s = ctx;
	s->moved++;
	s->now = id;
}

static void dial(struct side *s)
{
	const struct conn_dial d = {.address = (const struct sockaddr *)&f.address,
		.remote = f.relay.keys.public_key,
		.network = f.network,
		.relay = s == &f.left ? ENGINE_RELAY_ASK : ENGINE_RELAY_ACCEPT,
		.relay_node = f.right.keys.public_key,
		.moved = on_moved,
		.ctx = s};
	assert_int_equal(conn_dial(s->set, &d, &s->dialled), OK);
}

static void run_until(bool (*holds)(void))
{
	while (!holds())
		uv_run(&f.loop, UV_RUN_ONCE);
}

static bool both_opened_twice(void)
{
	return f.left.opened == 2 && f.right.opened == 2;
}

static void bring_together(void)
{
	dial(&f.left);
	dial(&f.right);
	run_until(both_opened_twice);
}

static bool all_closed(void)
{
	return conn_set_count(f.left.set) == 0 && conn_set_count(f.right.set) == 0 &&
		conn_set_count(f.relay.set) == 0;
}

static bool relay_closed(void)
{
	return conn_set_count(f.relay.set) == 0;
}

static bool all_arrived(void)
{
	return f.left.bytes >= 300 * 40000u && f.right.bytes >= 300 * 40000u;
}

static void the_ends_know_each_other_and_the_relay_hears_nothing(void **state)
{
	(void)state;
	begin(0, 0);
	bring_together();
	assert_memory_equal(conn_peer(f.left.conn), &f.right.keys.public_key, 32);
	assert_memory_equal(conn_peer(f.right.conn), &f.left.keys.public_key, 32);
	assert_true(conn_initiator(f.left.conn));
	assert_false(conn_initiator(f.right.conn));
	assert_true(f.left.moved == 1 && f.left.now != f.left.dialled);
	assert_null(conn_find(f.left.set, f.left.dialled));
	assert_ptr_equal(conn_find(f.left.set, f.left.now), f.left.conn);
	assert_int_equal(conn_dialled(f.left.conn)->relay, ENGINE_RELAY_NONE);
	for (size_t i = 0; i < 300; i++) {
		say(f.left.conn, DATA, 40000);
		say(f.right.conn, DATA, 40000);
	}
	run_until(all_arrived);
	assert_int_equal(f.left.messages, 301);
	assert_int_equal(f.right.messages, 301);
	assert_int_equal(f.relay.messages, 2);
	assert_in_range(f.relay.most_waiting, 0, CONN_READ_BYTES);
}

static void a_farewell_goes_through_and_nothing_is_left(void **state)
{
	(void)state;
	begin(0, 0);
	bring_together();
	for (size_t i = 0; i < 50; i++)
		say(f.left.conn, DATA, 60000);
	conn_bye(f.left.conn, ERR_CLOSED, "the end");
	run_until(all_closed);
	assert_int_equal(f.right.messages, 1 + 50 + 1);
	assert_int_equal(f.right.last, 0);
	assert_int_equal(f.left.err, ERR_CLOSED);
	assert_int_equal(f.relay.closed, 2);
}

/* An end goes at each stage: not accepted yet, in the second handshake, later. */
static void whoever_goes_takes_the_rest_along(void **state)
{
	(void)state;
	begin(0, 0);
	f.relay.holds = true;
	dial(&f.left);
	while (f.relay.messages < 1)
		uv_run(&f.loop, UV_RUN_ONCE);
	conn_cut(f.left.conn, ERR_IO, "cut");
	run_until(all_closed);
	f.relay = (struct side){.set = f.relay.set, .keys = f.relay.keys};
	f.left.opened = f.right.opened = 0;
	dial(&f.left);
	dial(&f.right);
	while (f.right.moved < 1)
		uv_run(&f.loop, UV_RUN_ONCE);
	conn_cut(conn_find(f.right.set, f.right.now), ERR_IO, "cut");
	run_until(all_closed);
	assert_int_equal(f.relay.closed, 2);
	f.relay.messages = f.left.opened = f.right.opened = 0;
	bring_together();
	conn_cut(f.right.conn, ERR_IO, "cut");
	run_until(all_closed);
	assert_int_equal(f.relay.closed, 4);
	f.relay.messages = f.left.opened = f.right.opened = 0;
	bring_together();
	conn_set_close(f.relay.set, on_gone, &f.relay);
	while (f.left.conn || f.right.conn || !f.relay.gone)
		uv_run(&f.loop, UV_RUN_ONCE);
	f.relay.gone = true;
}

static void who_does_not_read_stops_who_writes(void **state)
{
	(void)state;
	begin(0, 0);
	f.right.pauses = true;
	bring_together();
	for (size_t i = 0; i < 400; i++)
		say(f.left.conn, DATA, 80000);
	for (size_t i = 0; i < 300; i++)
		uv_run(&f.loop, UV_RUN_NOWAIT);
	assert_true(f.left.conn->queued_bytes > 0);
	assert_in_range(f.relay.most_waiting, 1, CONN_READ_BYTES);
	conn_resume(f.right.conn);
	while (f.right.bytes < 400 * 80000u)
		uv_run(&f.loop, UV_RUN_ONCE);
	assert_in_range(f.relay.most_waiting, 1, CONN_READ_BYTES);
}

static void what_is_passed_on_in_a_second_is_bounded(void **state)
{
	(void)state;
	begin(1000000, 0);
	bring_together();
	uint64_t began = uv_hrtime();
	for (size_t i = 0; i < 30; i++)
		say(f.left.conn, DATA, 50000);
	while (f.right.bytes < 30 * 50000u)
		uv_run(&f.loop, UV_RUN_ONCE);
	/* A second's worth at once, the rest in its time, but for one read. */
	assert_in_range((uv_hrtime() - began) / 1000000, 300, 5000);
}

static void silence_ends_it(void **state)
{
	(void)state;
	begin(0, 50);
	bring_together();
	run_until(relay_closed);
	assert_int_equal(f.relay.closed, 2);
	assert_int_equal(f.relay.err, ERR_TIMEOUT);
	run_until(all_closed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			the_ends_know_each_other_and_the_relay_hears_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(a_farewell_goes_through_and_nothing_is_left, setup, teardown),
		cmocka_unit_test_setup_teardown(whoever_goes_takes_the_rest_along, setup, teardown),
		cmocka_unit_test_setup_teardown(who_does_not_read_stops_who_writes, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_passed_on_in_a_second_is_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(silence_ends_it, setup, teardown),
	};
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
