/* test_reach.c -- whom a node dials because relays say so, and how often: daemon/reach.c over attempts that the test ends. SPEC.md sections 19.4 and 19.5. */
#include "daemon/reach.h"

#include "daemon/attempt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define MINUTE_MS 60000u
#define DIALS_MAX 4096

/* Attempts, in the order in which they began. */
struct attempt {
	char address[LIMIT_ADDRESS_BYTES + 1];
	struct id32 remote;
	bool relayed;
	attempt_ended ended; /* NULL: over */
	void *ctx;
};

static struct {
	uv_loop_t loop;
	struct reach *reach;
	struct attempt dials[DIALS_MAX];
	size_t dials_n;
	unsigned failed;
	bool closed;
} f;

/* ---- what reach.c asks for */

enum err attempt_start(uv_loop_t *loop, struct conn_set *set, const struct attempt_target *t,
	attempt_ended ended, void *ctx, struct attempt **out)
{
	(void)loop, (void)set;
	assert_in_range(f.dials_n, 0, DIALS_MAX - 1);
	struct attempt *a = *out = &f.dials[f.dials_n++];
	*a = (struct attempt){.remote = t->remote, .ended = ended, .ctx = ctx};
	snprintf(a->address, sizeof a->address, "%s", t->address);
	return OK;
}

conn_id attempt_conn(const struct attempt *a)
{
	return (conn_id)(a - f.dials) + 1;
}

bool attempt_relayed(const struct attempt *a)
{
	return a->relayed;
}

void attempt_release(struct attempt *a)
{
	a->ended = NULL;
}

void attempt_stop(struct attempt *a)
{
	(void)a; /* it ends as ever */
}

uv_loop_t *node_loop(struct node *n)
{
	(void)n;
	return &f.loop;
}

struct id32 node_network(const struct node *n)
{
	(void)n;
	return (struct id32){{1}};
}

bool conn_set_has_peer(const struct conn_set *set, const struct id32 *node)
{
	(void)set, (void)node;
	return false;
}

/* Every member has four addresses of its own word and four that others tell. */
void node_store(
	struct node *n, struct store_req *req, void (*done)(void *ctx, struct store_res *res), void *ctx)
{
	struct store_peer p = {.node = req->a.node,
		.origin = PEER_ADMITTED,
		.addresses_n = LIMIT_ADDRESSES,
		.heard_n = LIMIT_ADDRESSES};
	(void)n;
	assert_int_equal(req->op, STORE_PEER_GET);
	for (int i = 0; i < LIMIT_ADDRESSES; i++) {
		snprintf(p.addresses[i], sizeof p.addresses[i], "10.0.%d.%d:1", p.node.b[0], i);
		snprintf(p.heard[i], sizeof p.heard[i], "10.1.%d.%d:1", p.node.b[0], i);
	}
	struct store_res res = {.op = req->op, .r.n = 1, .r.peers = &p};
	store_req_free(req);
	free(req);
	done(ctx, &res);
}

/* ---- what happens */

static void end(struct attempt *a, enum err e, bool relayed)
{
	attempt_ended ended = a->ended;
	assert_non_null(ended);
	a->relayed = relayed;
	a->ended = NULL;
	ended(a->ctx, e, "");
}

static size_t under_way(void)
{
	size_t n = 0;
	for (size_t i = 0; i < f.dials_n; i++)
		n += f.dials[i].ended != NULL;
	return n;
}

/* All that is under way ends so, and what is dialled then. */
static void end_all(enum err e)
{
	for (size_t i = 0; i < f.dials_n; i++)
		if (f.dials[i].ended)
			end(&f.dials[i], e, false);
}

static void offer(uint8_t relay)
{
	struct engine_event ev = {.kind = ENGINE_EVENT_RELAY_OFFER, .node = {{relay}}};
	reach_heard(f.reach, &ev);
}

static void on_failed(void *ctx, const struct id32 *node)
{
	(void)ctx, (void)node;
	f.failed++;
}

static int setup(void **state)
{
	(void)state;
	memset(&f, 0, sizeof f);
	assert_int_equal(uv_loop_init(&f.loop), 0);
	f.loop.time = 1000000;
	assert_int_equal(reach_open(NULL, NULL, &f.reach), OK);
	return 0;
}

static void on_closed(void *ctx)
{
	(void)ctx;
	f.closed = true;
}

static int teardown(void **state)
{
	(void)state;
	reach_close(f.reach, on_closed, NULL);
	end_all(ERR_CLOSED);
	uv_run(&f.loop, UV_RUN_DEFAULT);
	assert_true(f.closed);
	assert_int_equal(uv_loop_close(&f.loop), 0);
	return 0;
}

/* ---- stories */

static void one_relay_has_so_many_attempts_at_once_all_so_many_and_others_have_room(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++)
		offer(7);
	assert_int_equal(under_way(), 4);
	for (int i = 0; i < 1000; i++)
		offer((uint8_t)(i % 200));
	assert_int_equal(under_way(), REACH_MAX / 2);
	const struct id32 relay = {{9}};
	for (unsigned i = 0; i < REACH_MAX; i++) {
		const struct id32 member = {{0xee, (uint8_t)i}};
		assert_int_equal(
			reach_through(f.reach, &member, &relay, 1, on_failed, NULL), i < REACH_MAX / 2);
	}
	assert_int_equal(under_way(), REACH_MAX);
	const struct id32 nearby = {{0xdd}};
	reach_at(f.reach, &nearby, "10.9.9.9:1");
	assert_int_equal(under_way(), REACH_MAX);
}

/* It says of itself where it is, eight addresses, and offers ten times a second: nobody there hears of it more than four times a minute. */
static void a_relay_that_is_not_where_it_says_has_few_addresses_dialled(void **state)
{
	(void)state;
	for (unsigned ms = 0; ms < 10 * MINUTE_MS; ms += 100, f.loop.time += 100) {
		offer(7);
		end_all(ERR_UNREACHABLE);
	}
	print_message("# %zu dials in ten minutes\n", f.dials_n);
	assert_in_range(f.dials_n, 4, 10 * 4);
}

/* The same where an attempt takes seconds. */
static void nor_if_they_end_one_after_the_other(void **state)
{
	size_t next = 0;
	(void)state;
	for (unsigned ms = 0; ms < 10 * MINUTE_MS; ms += 100, f.loop.time += 100) {
		offer(7);
		if (ms % 3000 == 0 && next < f.dials_n)
			end(&f.dials[next++], ERR_TIMEOUT, false);
	}
	print_message("# %zu dials in ten minutes\n", f.dials_n);
	assert_in_range(f.dials_n, 4, 10 * 8); /* with those that had begun */
}

/* One of its addresses is its own; the others are somebody else's, and come first. */
static void nor_has_one_that_is_at_one_of_them(void **state)
{
	size_t vain = 0;
	(void)state;
	for (unsigned ms = 0; ms < 10 * MINUTE_MS; ms += 100, f.loop.time += 100) {
		size_t from = f.dials_n;
		offer(7);
		for (size_t i = from; i < f.dials_n; i++) {
			bool there = strcmp(f.dials[i].address, "10.0.7.2:1") == 0 && ms % 1000 == 0;
			vain += !there;
			end(&f.dials[i], there ? ERR_CLOSED : ERR_UNREACHABLE, there);
		}
	}
	print_message("# %zu dials in ten minutes, %zu in vain\n", f.dials_n, vain);
	assert_in_range(vain, 4, 10 * 4);
}

static void a_relay_that_is_there_is_tried_first_where_it_was_and_as_often_as_it_offers(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++) {
		size_t from = f.dials_n;
		offer(7);
		for (size_t k = from; k < f.dials_n; k++) {
			bool there = strcmp(f.dials[k].address, "10.0.7.2:1") == 0;
			end(&f.dials[k], there ? ERR_CLOSED : ERR_UNREACHABLE, there);
		}
		assert_int_equal(f.dials_n - from, i == 0 ? 3 : 1);
		f.loop.time += 100;
	}
}

/* Who is there and says no is asked at no other address; who is nowhere is tried at each once, and then the next relay. */
static void a_member_is_asked_for_at_each_of_its_relays_once(void **state)
{
	const struct id32 member = {{0xee}}, relays[6] = {{{1}}, {{2}}, {{3}}, {{4}}, {{5}}, {{6}}};
	(void)state;
	assert_true(reach_through(f.reach, &member, relays, 6, on_failed, NULL));
	assert_false(reach_through(f.reach, &member, relays, 6, on_failed, NULL));
	end(&f.dials[0], ERR_REFUSED, false);
	end_all(ERR_UNREACHABLE);
	assert_int_equal(f.dials_n, 1 + (LIMIT_ADDRESSES - 1) * 2 * LIMIT_ADDRESSES);
	assert_int_equal(f.failed, 1);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(one_relay_has_so_many_attempts_at_once_all_so_many_and_others_have_room),
		TEST(a_relay_that_is_not_where_it_says_has_few_addresses_dialled),
		TEST(nor_if_they_end_one_after_the_other),
		TEST(nor_has_one_that_is_at_one_of_them),
		TEST(a_relay_that_is_there_is_tried_first_where_it_was_and_as_often_as_it_offers),
		TEST(a_member_is_asked_for_at_each_of_its_relays_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
