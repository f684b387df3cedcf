/* daemon/node.c and what it is made of: real nodes on one loop, in homes of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ftw.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/home.h"
#include "daemon/log.h"
#include "daemon/node.h"
#include "protocol/log/invitation.h"

#define NODES 3

struct one {
	char home[512], why[256];
	struct node *node;
	bool ready, stopped, joined;
	size_t opens, closes;
	enum err err, command_err;
	size_t stored, answered;
	enum err stored_err;
};

static struct {
	uv_loop_t loop;
	struct one n[NODES];
	struct id32 network;
	size_t broken;
} f;

/* ---- homes */

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *w)
{
	(void)st;
	(void)flag;
	(void)w;
	return remove(path);
}

static void make_home(struct one *o)
{
	const char *folder = getenv("TMPDIR");
	struct store *s = NULL;
	snprintf(o->home, sizeof o->home, "%s/nodeXXXXXX", folder ? folder : "/tmp");
	assert_non_null(mkdtemp(o->home));
	assert_int_equal(home_create(o->home, o->why), OK);
	const struct store_options options = {.home = o->home, .create = true};
	assert_int_equal(store_open(&options, &s), OK);
	store_close(s);
}

static void on_line(void *ctx, const char *text, size_t n)
{
	(void)ctx;
	if (n > 6 && memcmp(text, "broken", 6) == 0)
		f.broken++;
}

static int setup(void **state)
{
	(void)state;
	memset(&f, 0, sizeof f);
	f.network.b[0] = 0x77;
	log_divert(on_line, NULL);
	for (size_t i = 0; i < NODES; i++)
		make_home(&f.n[i]);
	return uv_loop_init(&f.loop);
}

static void on_stopped(void *ctx)
{
	((struct one *)ctx)->stopped = true;
}

static int teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < NODES; i++)
		if (f.n[i].node && !f.n[i].stopped)
			node_stop(f.n[i].node, on_stopped, &f.n[i]);
	uv_run(&f.loop, UV_RUN_DEFAULT);
	for (size_t i = 0; i < NODES; i++)
		nftw(f.n[i].home, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	assert_int_equal(f.broken, 0);
	return uv_loop_close(&f.loop);
}

/* ---- nodes */

static void on_event(void *ctx, const struct engine_event *ev)
{
	struct one *o = ctx;
	o->ready |= ev->kind == ENGINE_EVENT_READY;
	o->opens += ev->kind == ENGINE_EVENT_PEER_OPEN;
	o->closes += ev->kind == ENGINE_EVENT_PEER_CLOSED;
}

static enum err begin(struct one *o, const char *listen)
{
	static struct config c;
	config_init(&c);
	snprintf(c.home, sizeof c.home, "%s", o->home);
	snprintf(c.listen, sizeof c.listen, "%s", listen);
	o->ready = o->stopped = false;
	return node_start(&f.loop, &c, &o->node, o->why);
}

static void start(struct one *o)
{
	assert_int_equal(begin(o, "127.0.0.1:0"), OK);
	assert_int_equal(node_listen_events(o->node, on_event, o), OK);
	while (!o->ready)
		uv_run(&f.loop, UV_RUN_ONCE);
}

static void stop(struct one *o)
{
	node_stop(o->node, on_stopped, o);
	while (!o->stopped)
		uv_run(&f.loop, UV_RUN_ONCE);
	o->node = NULL;
}

static void on_stored(void *ctx, struct store_res *res)
{
	struct one *o = ctx;
	o->stored++;
	o->stored_err = res->err;
}

static struct store_req *request(enum store_op op)
{
	struct store_req *req = calloc(1, sizeof *req);
	assert_non_null(req);
	req->op = op;
	return req;
}

static void invite(struct one *o, struct invitation *inv, uint32_t uses)
{
	*inv = (struct invitation){.node = node_keys(o->node)->node_key,
		.network = f.network,
		.expires_hour = (uint32_t)(time(NULL) / 3600 + 24),
		.addresses_n = 1};
	randombytes_buf(inv->secret, sizeof inv->secret);
	snprintf(inv->addresses[0], sizeof inv->addresses[0], "%s", node_listen_address(o->node));
	struct store_req *req = request(STORE_INVITE_PUT);
	req->a.invite = arena_alloc(&req->mem, sizeof *req->a.invite);
	assert_non_null(req->a.invite);
	*req->a.invite = (struct store_invite){.hash = invitation_secret_hash(inv->secret),
		.expires_hour = inv->expires_hour,
		.uses_left = uses};
	size_t before = o->stored;
	node_store(o->node, req, on_stored, o);
	while (o->stored == before)
		uv_run(&f.loop, UV_RUN_ONCE);
	assert_int_equal(o->stored_err, OK);
}

static void on_joined(void *ctx, enum err e, const char *why, const struct engine_event *joined)
{
	struct one *o = ctx;
	o->joined = true;
	o->err = e;
	snprintf(o->why, sizeof o->why, "%s", why);
	assert_true((joined != NULL) == (e == OK));
}

static void join(struct one *o, const struct invitation *inv)
{
	o->joined = false;
	node_join(o->node, inv, on_joined, o);
	assert_false(o->joined);
	while (!o->joined)
		uv_run(&f.loop, UV_RUN_ONCE);
}

static bool connected(struct one *a, struct one *b)
{
	struct engine_peer_info peers[8];
	size_t n = node_peers(a->node, peers, 8);
	for (size_t i = 0; i < n; i++)
		if (peers[i].open && id32_equal(&peers[i].node, &node_keys(b->node)->node_key))
			return true;
	return false;
}

static void two_joined(void)
{
	struct invitation inv;
	start(&f.n[0]);
	start(&f.n[1]);
	node_set_network(f.n[0].node, &f.network);
	invite(&f.n[0], &inv, 1);
	join(&f.n[1], &inv);
	assert_string_equal(f.n[1].why, "");
	assert_int_equal(f.n[1].err, OK);
	while (!connected(&f.n[0], &f.n[1]) || !connected(&f.n[1], &f.n[0]))
		uv_run(&f.loop, UV_RUN_ONCE);
}

/* ---- what holds */

static void a_node_starts_and_stops(void **state)
{
	(void)state;
	start(&f.n[0]);
	assert_memory_equal(node_listen_address(f.n[0].node), "127.0.0.1:", 10);
	assert_false(node_restored(f.n[0].node, NULL));
	assert_false(node_disk_full(f.n[0].node));
	stop(&f.n[0]);
	start(&f.n[0]);
}

static void what_prevents_a_start_is_said(void **state)
{
	(void)state;
	char taken[64];
	start(&f.n[0]);
	struct one second = f.n[0];
	assert_int_equal(begin(&second, "127.0.0.1:0"), ERR_BUSY);
	assert_non_null(strstr(second.why, "stop it first, or choose another --home"));
	snprintf(taken, sizeof taken, "%s", node_listen_address(f.n[0].node));
	assert_int_equal(begin(&f.n[1], taken), ERR_BUSY);
	assert_non_null(strstr(f.n[1].why, "choose another --listen"));
	/* The lock is given back when what was begun is closed. */
	enum err e = ERR_BUSY;
	while ((e = begin(&f.n[1], "school.example:7411")) == ERR_BUSY)
		uv_run(&f.loop, UV_RUN_ONCE);
	assert_int_equal(e, ERR_INPUT);
	assert_non_null(strstr(f.n[1].why, "numeric"));
	struct one nowhere = {.home = "/nonexistent"};
	assert_int_equal(begin(&nowhere, "off"), ERR_NOT_FOUND);
	assert_non_null(strstr(nowhere.why, "quire init"));
	f.n[1].node = NULL;
	while (begin(&f.n[1], "off") != OK)
		uv_run(&f.loop, UV_RUN_ONCE);
	assert_string_equal(node_listen_address(f.n[1].node), "off");
}

static void an_invitation_joins_two_nodes(void **state)
{
	(void)state;
	two_joined();
	assert_memory_equal(node_network(f.n[1].node).b, f.network.b, 32);
}

static void a_network_is_kept_over_a_restart(void **state)
{
	(void)state;
	two_joined();
	stop(&f.n[1]);
	start(&f.n[1]);
	assert_memory_equal(node_network(f.n[1].node).b, f.network.b, 32);
	/* The dialler knows the inviter's address from its hello. */
	while (!connected(&f.n[1], &f.n[0]))
		uv_run(&f.loop, UV_RUN_ONCE);
}

static void the_dialler_comes_back_to_a_peer_that_was_away(void **state)
{
	(void)state;
	two_joined();
	size_t opens = f.n[0].opens;
	stop(&f.n[1]);
	start(&f.n[1]);
	while (f.n[0].opens == opens)
		uv_run(&f.loop, UV_RUN_ONCE);
}

static void an_invitation_that_is_not_good_is_refused_in_words(void **state)
{
	(void)state;
	struct invitation inv;
	const struct id32 none = {{0}};
	two_joined();
	start(&f.n[2]);
	invite(&f.n[0], &inv, 1);
	inv.secret[0] ^= 1;
	join(&f.n[2], &inv);
	assert_int_equal(f.n[2].err, ERR_REFUSED);
	assert_non_null(strstr(f.n[2].why, "ask for a new one"));
	const struct id32 network = node_network(f.n[2].node);
	assert_memory_equal(network.b, none.b, 32);
	inv.secret[0] ^= 1;
	join(&f.n[2], &inv);
	assert_int_equal(f.n[2].err, OK);
}

static void an_invitation_to_nobody_tries_every_address(void **state)
{
	(void)state;
	struct invitation inv = {.network = f.network, .addresses_n = 2, .expires_hour = 0xffffffff};
	inv.node.b[0] = 9;
	start(&f.n[0]);
	snprintf(inv.addresses[0], sizeof inv.addresses[0], "127.0.0.1:1");
	snprintf(inv.addresses[1], sizeof inv.addresses[1], "127.0.0.1:2");
	join(&f.n[0], &inv);
	assert_int_equal(f.n[0].err, ERR_UNREACHABLE);
	assert_string_equal(f.n[0].why, "127.0.0.1:2: cannot connect: connection refused");
	inv.expires_hour = 1;
	join(&f.n[0], &inv);
	assert_int_equal(f.n[0].err, ERR_EXPIRED);
	inv.expires_hour = 0xffffffff;
	inv.node = node_keys(f.n[0].node)->node_key;
	join(&f.n[0], &inv);
	assert_int_equal(f.n[0].err, ERR_INPUT);
}

static void on_answer(void *ctx, const struct engine_event *ev)
{
	struct one *o = ctx;
	o->answered++;
	o->command_err = ev->err;
}

static void a_command_is_answered_later(void **state)
{
	(void)state;
	struct one *o = &f.n[0];
	start(o);
	struct engine_cmd cmd = {.kind = ENGINE_CMD_FOLLOW, .identity = f.network, .flag = true};
	node_command(o->node, &cmd, on_answer, o);
	assert_int_equal(o->answered, 0);
	while (o->answered == 0)
		uv_run(&f.loop, UV_RUN_ONCE);
	assert_int_equal(o->command_err, OK);
}

static void read_something(void *ctx, struct store *reader, enum err open_error)
{
	struct one *o = ctx;
	struct store_req req = {.op = STORE_NUMBER}, write = {.op = STORE_OWN_HOLD};
	struct store_res res = {0};
	o->err = open_error;
	if (open_error != OK)
		return;
	store_exec_one(reader, &req, &res);
	o->err = res.err;
	store_res_free(&res);
	store_exec_one(reader, &write, &res);
	o->command_err = res.err;
	store_res_free(&res);
}

static void on_done(void *ctx)
{
	((struct one *)ctx)->answered++;
}

static void readers_read_and_do_not_write(void **state)
{
	(void)state;
	struct one *o = &f.n[0];
	start(o);
	for (size_t i = 1; i <= 20; i++) {
		node_read(o->node, read_something, on_done, o);
		while (o->answered < i)
			uv_run(&f.loop, UV_RUN_ONCE);
		assert_int_equal(o->err, OK);
		assert_int_equal(o->command_err, ERR_REFUSED);
	}
}

static void whoever_waits_at_the_end_is_told(void **state)
{
	(void)state;
	struct one *o = &f.n[0];
	struct invitation inv = {.network = f.network, .addresses_n = 1, .expires_hour = 0xffffffff};
	inv.node.b[0] = 9;
	start(o);
	start(&f.n[1]);
	snprintf(inv.addresses[0], sizeof inv.addresses[0], "%s", node_listen_address(f.n[1].node));
	node_join(o->node, &inv, on_joined, o);
	struct engine_cmd cmd = {.kind = ENGINE_CMD_FIND, .id = f.network};
	node_command(o->node, &cmd, on_answer, o);
	node_store(o->node, request(STORE_NUMBER), on_stored, o);
	node_stop(o->node, on_stopped, o);
	node_store(o->node, request(STORE_NUMBER), on_stored, o);
	while (!o->stopped)
		uv_run(&f.loop, UV_RUN_ONCE);
	assert_true(o->joined);
	assert_int_equal(o->answered, 1);
	assert_int_equal(o->stored, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_node_starts_and_stops, setup, teardown),
		cmocka_unit_test_setup_teardown(what_prevents_a_start_is_said, setup, teardown),
		cmocka_unit_test_setup_teardown(an_invitation_joins_two_nodes, setup, teardown),
		cmocka_unit_test_setup_teardown(a_network_is_kept_over_a_restart, setup, teardown),
		cmocka_unit_test_setup_teardown(
			the_dialler_comes_back_to_a_peer_that_was_away, setup, teardown),
		cmocka_unit_test_setup_teardown(
			an_invitation_that_is_not_good_is_refused_in_words, setup, teardown),
		cmocka_unit_test_setup_teardown(an_invitation_to_nobody_tries_every_address, setup, teardown),
		cmocka_unit_test_setup_teardown(a_command_is_answered_later, setup, teardown),
		cmocka_unit_test_setup_teardown(readers_read_and_do_not_write, setup, teardown),
		cmocka_unit_test_setup_teardown(whoever_waits_at_the_end_is_told, setup, teardown),
	};
	signal(SIGPIPE, SIG_IGN);
	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
