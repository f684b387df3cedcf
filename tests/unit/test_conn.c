/* daemon/conn*.c over a loopback: order, priority, limits, and closing without losing what was said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/conn.h"

#define MESSAGES_MAX 4096

struct side {
	struct conn_set *set;
	struct noise_keypair keys;
	struct conn *conn; /* the last that opened */
	size_t opened, closed, messages, written, written_bulk;
	uint8_t types[MESSAGES_MAX];
	uint8_t firsts[MESSAGES_MAX]; /* first byte of each body */
	size_t sizes[MESSAGES_MAX];
	bool pause_at_once;
	bool close_at_message, pause_at_message;
	enum err err;
	char why[CONN_WHY_BYTES];
	bool gone;
};

static struct {
	uv_loop_t loop;
	uv_tcp_t listener;
	struct sockaddr_in address;
	struct side a, b; /* a dials */
	struct id32 network;
	conn_id dialled;
	size_t ended;
	enum err ended_err;
} f;

static void fill(void *ctx, uint8_t *out, size_t n)
{
	(void)ctx;
	randombytes_buf(out, n);
}

static const struct random_source source = {.fill = fill};

static void on_opened(void *ctx, struct conn *c)
{
	struct side *s = ctx;
	s->conn = c;
	s->opened++;
	if (s->pause_at_once)
		conn_pause(c);
}

static void on_message(void *ctx, struct conn *c, uint8_t type, struct slice body)
{
	struct side *s = ctx;
	assert_true(s->messages < MESSAGES_MAX);
	s->types[s->messages] = type;
	s->firsts[s->messages] = body.n ? body.p[0] : 0;
	s->sizes[s->messages++] = body.n;
	if (s->pause_at_message)
		conn_pause(c);
	if (s->close_at_message) {
		conn_close(c, OK, "enough");
		conn_close(c, ERR_IO, "again");
	}
}

static void on_written(void *ctx, struct conn *c, size_t bytes, bool bulk)
{
	struct side *s = ctx;
	(void)c;
	*(bulk ? &s->written_bulk : &s->written) += bytes;
}

static void on_closed(void *ctx, struct conn *c, enum err e, const char *why)
{
	struct side *s = ctx;
	s->closed++;
	s->err = e;
	snprintf(s->why, sizeof s->why, "%s", why);
	if (s->conn == c)
		s->conn = NULL;
}

static void on_turn(void *ctx)
{
	(void)ctx;
}

static void on_listen(uv_stream_t *listener, int status)
{
	assert_int_equal(status, 0);
	assert_int_equal(conn_accept(f.b.set, listener), OK);
}

static void side_open(struct side *s, uint32_t handshake_ms)
{
	noise_keypair_generate(&s->keys, &source);
	const struct conn_env env = {.loop = &f.loop,
		.keys = &s->keys,
		.random = source,
		.handlers = {on_opened, on_message, on_written, on_closed, on_turn},
		.ctx = s,
		.handshake_ms = handshake_ms};
	assert_int_equal(conn_set_open(&env, &s->set), OK);
	conn_set_network(s->set, &f.network);
}

static int setup_with(uint32_t handshake_ms)
{
	memset(&f, 0, sizeof f);
	f.network.b[0] = 1;
	assert_int_equal(uv_loop_init(&f.loop), 0);
	uv_tcp_init(&f.loop, &f.listener);
	assert_int_equal(uv_ip4_addr("127.0.0.1", 0, &f.address), 0);
	assert_int_equal(uv_tcp_bind(&f.listener, (const struct sockaddr *)&f.address, 0), 0);
	assert_int_equal(uv_listen((uv_stream_t *)&f.listener, 128, on_listen), 0);
	int n = sizeof f.address;
	assert_int_equal(uv_tcp_getsockname(&f.listener, (struct sockaddr *)&f.address, &n), 0);
	side_open(&f.a, handshake_ms);
	side_open(&f.b, handshake_ms);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	return setup_with(0);
}

static int setup_impatient(void **state)
{
	(void)state;
	return setup_with(30);
}

static void on_gone(void *ctx)
{
	((struct side *)ctx)->gone = true;
}

static int teardown(void **state)
{
	(void)state;
	uv_close((uv_handle_t *)&f.listener, NULL);
	if (!f.a.gone)
		conn_set_close(f.a.set, on_gone, &f.a);
	conn_set_close(f.b.set, on_gone, &f.b);
	uv_run(&f.loop, UV_RUN_DEFAULT);
	assert_true(f.a.gone && f.b.gone);
	return uv_loop_close(&f.loop);
}

static void on_ended(void *ctx, conn_id id, enum err e, const char *why)
{
	(void)ctx;
	assert_true(id > 0 && id <= f.dialled);
	assert_true(strlen(why) > 0);
	f.ended++;
	f.ended_err = e;
}

static void dial_as(const struct id32 *remote, const struct id32 *network)
{
	const struct conn_dial d = {.address = (const struct sockaddr *)&f.address,
		.remote = *remote,
		.network = *network,
		.ended = on_ended};
	assert_int_equal(conn_dial(f.a.set, &d, &f.dialled), OK);
}

static void connect_both(void)
{
	dial_as(&f.b.keys.public_key, &f.network);
	while (f.a.opened == 0 || f.b.opened == 0)
		uv_run(&f.loop, UV_RUN_ONCE);
}

static void say(struct conn *c, uint8_t type, uint8_t first, size_t n)
{
	struct buf body = {0};
	assert_int_equal(buf_reserve(&body, n ? n : 1), OK);
	memset(body.p, first, n);
	body.n = n;
	conn_send(c, type, type >= 22 && type <= 27, &body);
	assert_null(body.p);
}

static void both_ends_know_each_other(void **state)
{
	(void)state;
	connect_both();
	assert_memory_equal(conn_peer(f.a.conn), &f.b.keys.public_key, 32);
	assert_memory_equal(conn_peer(f.b.conn), &f.a.keys.public_key, 32);
	assert_true(conn_initiator(f.a.conn));
	assert_false(conn_initiator(f.b.conn));
	assert_non_null(conn_dialled(f.a.conn));
	assert_null(conn_dialled(f.b.conn));
	assert_ptr_equal(conn_find(f.a.set, f.dialled), f.a.conn);
	assert_null(conn_find(f.a.set, f.dialled + 1));
	assert_false(conn_set_has_peer(f.a.set, &f.b.keys.public_key));
	conn_settle(f.a.conn);
	assert_true(conn_set_has_peer(f.a.set, &f.b.keys.public_key));
}

static void messages_arrive_in_order_and_are_counted(void **state)
{
	(void)state;
	connect_both();
	size_t bytes = 0;
	for (size_t i = 0; i < 300; i++) {
		size_t n = (i * 7919) % 81000;
		say(f.a.conn, 9, (uint8_t)i, n);
		bytes += n;
	}
	while (f.b.messages < 300 || f.a.written < bytes)
		uv_run(&f.loop, UV_RUN_ONCE);
	assert_int_equal(f.a.written, bytes);
	for (size_t i = 0; i < 300; i++) {
		assert_int_equal(f.b.sizes[i], (i * 7919) % 81000);
		if (f.b.sizes[i])
			assert_int_equal(f.b.firsts[i], (uint8_t)i);
	}
}

static void a_review_overtakes_the_video_that_waits(void **state)
{
	(void)state;
	f.b.pause_at_once = true;
	connect_both();
	for (int i = 0; i < 300; i++)
		say(f.a.conn, 27, 0, 65552);
	uv_run(&f.loop, UV_RUN_NOWAIT);
	say(f.a.conn, 28, 1, 9);
	say(f.a.conn, 11, 2, 9);
	uv_run(&f.loop, UV_RUN_NOWAIT);
	conn_resume(f.b.conn);
	while (f.b.messages < 302)
		uv_run(&f.loop, UV_RUN_ONCE);
	size_t at = 0;
	while (f.b.types[at] == 27)
		at++;
	/* What the kernel and the one write in flight hold cannot be overtaken. */
	assert_in_range(at, 1, 200);
	assert_int_equal(f.b.types[at], 28);
	assert_int_equal(f.b.types[at + 1], 11);
	/* Each class is counted for itself: who serves a video goes on when the video has left. */
	while (f.a.written + f.a.written_bulk < 300 * 65552 + 18)
		uv_run(&f.loop, UV_RUN_ONCE);
	assert_int_equal(f.a.written_bulk, 300 * 65552);
	assert_int_equal(f.a.written, 18);
}

static void what_was_queued_leaves_before_the_close(void **state)
{
	(void)state;
	connect_both();
	for (int i = 0; i < 100; i++)
		say(f.a.conn, 27, 0, 65552);
	say(f.a.conn, 0, 0, 3);
	struct conn *c = f.a.conn;
	conn_close(c, OK, "done");
	conn_close(c, ERR_IO, "twice");
	assert_null(conn_find(f.a.set, f.dialled));
	say(c, 5, 0, 10);
	while (f.a.closed == 0 || f.b.closed == 0)
		uv_run(&f.loop, UV_RUN_ONCE);
	assert_int_equal(f.b.messages, 101);
	assert_int_equal(f.a.err, OK);
	assert_string_equal(f.a.why, "done");
	assert_int_equal(f.ended, 1);
	assert_int_equal(f.ended_err, OK);
	assert_int_equal(f.a.closed, 1);
	assert_int_equal(f.b.err, ERR_CLOSED);
}

static void a_close_with_unread_bytes_still_delivers_the_last_words(void **state)
{
	(void)state;
	connect_both();
	f.b.close_at_message = true;
	for (int i = 0; i < 100; i++)
		say(f.a.conn, 27, 0, 65552);
	say(f.b.conn, 0, 7, 3);
	while (f.a.closed == 0 || f.b.closed == 0)
		uv_run(&f.loop, UV_RUN_ONCE);
	assert_int_equal(f.b.messages, 1);
	assert_int_equal(f.a.messages, 1);
	assert_int_equal(f.a.firsts[0], 7);
}

static void a_peer_that_does_not_read_is_not_waited_for(void **state)
{
	(void)state;
	f.b.pause_at_once = true;
	connect_both();
	for (int i = 0; i < 400; i++)
		say(f.a.conn, 27, 0, 65552);
	uv_update_time(&f.loop); /* it stood still meanwhile, and timers count from it */
	uint64_t began = uv_hrtime();
	conn_close(f.a.conn, OK, "done");
	while (f.a.closed == 0)
		uv_run(&f.loop, UV_RUN_ONCE);
	assert_in_range((uv_hrtime() - began) / 1000000, CONN_FLUSH_MS - 100, CONN_FLUSH_MS + 1500);
}

static void the_queue_has_a_bound(void **state)
{
	(void)state;
	f.b.pause_at_once = true;
	connect_both();
	size_t n = CONN_QUEUE_BYTES_MAX / 65536;
	for (size_t i = 0; i < n; i++)
		say(f.a.conn, 27, 0, 65536);
	assert_ptr_equal(conn_find(f.a.set, f.dialled), f.a.conn);
	say(f.a.conn, 5, 0, 1);
	assert_null(conn_find(f.a.set, f.dialled));
	while (f.a.closed == 0)
		uv_run(&f.loop, UV_RUN_ONCE);
	assert_int_equal(f.a.err, ERR_LIMIT);
}

static void a_pause_holds_from_the_next_message_on(void **state)
{
	(void)state;
	f.b.pause_at_message = true;
	connect_both();
	for (int i = 0; i < 200; i++)
		say(f.a.conn, 9, (uint8_t)i, (size_t)i * 37);
	for (size_t i = 1; i <= 200; i++) {
		while (f.b.messages < i)
			uv_run(&f.loop, UV_RUN_NOWAIT);
		for (int turn = 0; turn < 3; turn++)
			uv_run(&f.loop, UV_RUN_NOWAIT);
		assert_int_equal(f.b.messages, i);
		assert_int_equal(f.b.sizes[i - 1], (i - 1) * 37);
		conn_resume(f.b.conn);
		conn_resume(f.b.conn);
	}
	/* A pause and a close together. */
	say(f.a.conn, 9, 0, 100);
	while (f.b.messages < 201)
		uv_run(&f.loop, UV_RUN_ONCE);
	conn_close(f.b.conn, OK, "done");
	while (f.b.closed == 0 || f.a.closed == 0)
		uv_run(&f.loop, UV_RUN_ONCE);
}

static void another_key_or_network_is_not_let_in(void **state)
{
	(void)state;
	struct id32 other = f.network;
	other.b[1] ^= 1;
	dial_as(&f.b.keys.public_key, &other);
	while (f.a.closed < 1 || f.b.closed < 1)
		uv_run(&f.loop, UV_RUN_ONCE);
	assert_int_equal(f.a.err, ERR_UNREACHABLE);
	assert_int_equal(f.b.err, ERR_DECRYPT);
	dial_as(&f.a.keys.public_key, &f.network);
	while (f.a.closed < 2 || f.b.closed < 2)
		uv_run(&f.loop, UV_RUN_ONCE);
	assert_int_equal(f.a.opened + f.b.opened, 0);
	assert_int_equal(f.ended, 2);
}

static void nobody_there_is_said_in_words(void **state)
{
	(void)state;
	uint16_t port = f.address.sin_port;
	f.address.sin_port = htons(1);
	dial_as(&f.b.keys.public_key, &f.network);
	f.address.sin_port = port;
	while (f.a.closed == 0)
		uv_run(&f.loop, UV_RUN_ONCE);
	assert_int_equal(f.a.err, ERR_UNREACHABLE);
	assert_string_equal(f.a.why, "cannot connect: connection refused");
}

static void another_network_closes_what_is_open(void **state)
{
	(void)state;
	connect_both();
	struct id32 other = {{9}};
	conn_set_network(f.a.set, &other);
	while (f.a.closed == 0 || f.b.closed == 0)
		uv_run(&f.loop, UV_RUN_ONCE);
	assert_int_equal(f.b.messages, 1);
	assert_int_equal(f.b.types[0], 0);
	assert_int_equal(f.b.firsts[0], 0x92);
}

static void the_end_of_a_set_says_bye(void **state)
{
	(void)state;
	connect_both();
	conn_set_close(f.a.set, on_gone, &f.a);
	while (!f.a.gone || f.b.closed == 0)
		uv_run(&f.loop, UV_RUN_ONCE);
	assert_int_equal(f.b.messages, 1);
	assert_int_equal(f.b.types[0], 0);
	assert_int_equal(f.b.sizes[0], 3 + strlen("this node stops"));
	assert_int_equal(f.b.firsts[0], 0x92);
}

/* ---- strangers: plain TCP */

struct stranger {
	uv_tcp_t tcp;
	uv_connect_t connect;
	uv_write_t write;
	bool connected, closed;
};

static void stranger_alloc(uv_handle_t *h, size_t n, uv_buf_t *buf)
{
	static char bytes[1024];
	(void)h;
	(void)n;
	*buf = uv_buf_init(bytes, sizeof bytes);
}

static void stranger_closed(uv_handle_t *h)
{
	((struct stranger *)h->data)->closed = true;
}

static void stranger_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
	(void)buf;
	assert_true(n <= 0); /* nothing is said to a stranger */
	if (n < 0 && !uv_is_closing((uv_handle_t *)s))
		uv_close((uv_handle_t *)s, stranger_closed);
}

static void stranger_connected(uv_connect_t *req, int status)
{
	struct stranger *s = req->data;
	assert_int_equal(status, 0);
	s->connected = true;
	uv_read_start((uv_stream_t *)&s->tcp, stranger_alloc, stranger_read);
}

/* From 127.0.network.host. */
static void stranger_from(struct stranger *s, unsigned network, unsigned host)
{
	char text[32];
	struct sockaddr_in from;
	memset(s, 0, sizeof *s);
	uv_tcp_init(&f.loop, &s->tcp);
	snprintf(text, sizeof text, "127.0.%u.%u", network, host);
	assert_int_equal(uv_ip4_addr(text, 0, &from), 0);
	assert_int_equal(uv_tcp_bind(&s->tcp, (const struct sockaddr *)&from, 0), 0);
	s->tcp.data = s->connect.data = s;
	assert_int_equal(
		uv_tcp_connect(&s->connect, &s->tcp, (const struct sockaddr *)&f.address, stranger_connected),
		0);
	while (!s->connected)
		uv_run(&f.loop, UV_RUN_ONCE);
}

static void stranger_begin(struct stranger *s)
{
	stranger_from(s, 0, 1);
}

static void stranger_end(struct stranger *s)
{
	if (!s->closed && !uv_is_closing((uv_handle_t *)&s->tcp))
		uv_close((uv_handle_t *)&s->tcp, stranger_closed);
	while (!s->closed)
		uv_run(&f.loop, UV_RUN_ONCE);
}

static void who_says_nothing_is_closed_in_time(void **state)
{
	(void)state;
	struct stranger s;
	stranger_begin(&s);
	while (!s.closed)
		uv_run(&f.loop, UV_RUN_ONCE);
	assert_int_equal(f.b.closed, 1);
	assert_int_equal(f.b.err, ERR_TIMEOUT);
}

static void who_says_something_else_is_closed_at_once(void **state)
{
	(void)state;
	struct stranger s;
	stranger_begin(&s);
	char text[] = "GET / HTTP/1.1\r\n\r\n";
	const uv_buf_t buf = uv_buf_init(text, sizeof text - 1);
	assert_int_equal(uv_write(&s.write, (uv_stream_t *)&s.tcp, &buf, 1, NULL), 0);
	while (!s.closed)
		uv_run(&f.loop, UV_RUN_ONCE);
	assert_int_equal(f.b.err, ERR_WIRE);
	assert_int_equal(f.b.opened, 0);
}

static void a_ninth_of_one_source_takes_the_place_of_its_first(void **state)
{
	(void)state;
	static struct stranger s[LIMIT_HALF_OPEN_PER_SOURCE + 1];
	for (size_t i = 0; i < LIMIT_HALF_OPEN_PER_SOURCE; i++)
		stranger_begin(&s[i]);
	while (conn_set_count(f.b.set) < LIMIT_HALF_OPEN_PER_SOURCE)
		uv_run(&f.loop, UV_RUN_ONCE);
	stranger_begin(&s[LIMIT_HALF_OPEN_PER_SOURCE]);
	while (!s[0].closed)
		uv_run(&f.loop, UV_RUN_ONCE);
	assert_int_equal(conn_set_count(f.b.set), LIMIT_HALF_OPEN_PER_SOURCE);
	assert_int_equal(f.b.closed, 1);
	assert_int_equal(f.b.err, ERR_LIMIT);
	for (size_t i = 1; i <= LIMIT_HALF_OPEN_PER_SOURCE; i++)
		assert_false(s[i].closed);
	f.b.closed = 0;
	connect_both();
	while (!s[1].closed)
		uv_run(&f.loop, UV_RUN_ONCE);
	for (size_t i = 2; i <= LIMIT_HALF_OPEN_PER_SOURCE; i++) {
		assert_false(s[i].closed);
		stranger_end(&s[i]);
	}
	while (conn_set_count(f.b.set) > 1)
		uv_run(&f.loop, UV_RUN_ONCE);
	assert_non_null(conn_find(f.b.set, conn_of(f.b.conn)));
}

#define STRANGERS (LIMIT_HALF_OPEN - LIMIT_HALF_OPEN_KNOWN)

static void who_comes_from_elsewhere_takes_a_place_of_the_largest_crowd(void **state)
{
	(void)state;
	static struct stranger s[STRANGERS], late[2];
	for (unsigned i = 0; i < STRANGERS; i++)
		stranger_from(&s[i], 1, 1 + i / LIMIT_HALF_OPEN_PER_SOURCE);
	while (conn_set_count(f.b.set) < STRANGERS)
		uv_run(&f.loop, UV_RUN_ONCE);
	assert_int_equal(f.b.closed, 0);
	stranger_from(&late[0], 2, 1);
	while (!s[0].closed)
		uv_run(&f.loop, UV_RUN_ONCE);
	stranger_from(&late[1], 1, 200); /* of the crowd itself: another of the crowd goes */
	while (!s[1].closed)
		uv_run(&f.loop, UV_RUN_ONCE);
	assert_int_equal(f.b.closed, 2);
	/* A member was here before: the places that are kept are for whoever comes from there, and nobody has to go. */
	connect_both();
	conn_settle(f.b.conn);
	size_t closed = f.b.closed;
	static struct stranger known[LIMIT_HALF_OPEN_PER_SOURCE];
	for (size_t i = 0; i < LIMIT_HALF_OPEN_PER_SOURCE; i++)
		stranger_begin(&known[i]);
	while (conn_set_count(f.b.set) < STRANGERS + 1 + LIMIT_HALF_OPEN_PER_SOURCE - (closed - 2))
		uv_run(&f.loop, UV_RUN_ONCE);
	assert_int_equal(f.b.closed, closed);
	for (size_t i = 0; i < LIMIT_HALF_OPEN_PER_SOURCE; i++)
		stranger_end(&known[i]);
	for (size_t i = 0; i < STRANGERS; i++)
		stranger_end(&s[i]);
	stranger_end(&late[0]);
	stranger_end(&late[1]);
}

static void settled_connections_have_a_bound(void **state)
{
	(void)state;
	for (size_t i = 0; i <= LIMIT_CONNECTIONS; i++) {
		size_t before = f.b.opened;
		dial_as(&f.b.keys.public_key, &f.network);
		while (f.b.opened == before || f.a.opened == before)
			uv_run(&f.loop, UV_RUN_ONCE);
		conn_settle(f.a.conn);
		conn_settle(f.b.conn);
		if (i < LIMIT_CONNECTIONS)
			assert_non_null(conn_find(f.a.set, f.dialled));
	}
	assert_null(conn_find(f.a.set, f.dialled));
	while (f.b.closed == 0)
		uv_run(&f.loop, UV_RUN_ONCE);
	assert_int_equal(f.b.err, ERR_LIMIT);
	size_t found = 0;
	for (conn_id id = 0; id <= f.dialled; id++)
		found += conn_find(f.a.set, id) != NULL;
	assert_int_equal(found, LIMIT_CONNECTIONS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(both_ends_know_each_other, setup, teardown),
		cmocka_unit_test_setup_teardown(messages_arrive_in_order_and_are_counted, setup, teardown),
		cmocka_unit_test_setup_teardown(a_review_overtakes_the_video_that_waits, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_queued_leaves_before_the_close, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_close_with_unread_bytes_still_delivers_the_last_words, setup, teardown),
		cmocka_unit_test_setup_teardown(a_peer_that_does_not_read_is_not_waited_for, setup, teardown),
		cmocka_unit_test_setup_teardown(the_queue_has_a_bound, setup, teardown),
		cmocka_unit_test_setup_teardown(a_pause_holds_from_the_next_message_on, setup, teardown),
		cmocka_unit_test_setup_teardown(another_key_or_network_is_not_let_in, setup, teardown),
		cmocka_unit_test_setup_teardown(nobody_there_is_said_in_words, setup, teardown),
		cmocka_unit_test_setup_teardown(another_network_closes_what_is_open, setup, teardown),
		cmocka_unit_test_setup_teardown(the_end_of_a_set_says_bye, setup, teardown),
		cmocka_unit_test_setup_teardown(
			who_says_nothing_is_closed_in_time, setup_impatient, teardown),
		cmocka_unit_test_setup_teardown(who_says_something_else_is_closed_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_ninth_of_one_source_takes_the_place_of_its_first, setup, teardown),
		cmocka_unit_test_setup_teardown(
			who_comes_from_elsewhere_takes_a_place_of_the_largest_crowd, setup, teardown),
		cmocka_unit_test_setup_teardown(settled_connections_have_a_bound, setup, teardown),
	};
	signal(SIGPIPE, SIG_IGN);
	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
