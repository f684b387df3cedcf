/* test_store_introductions.c -- admissions and their ends in any order; who waits, and how many may. SPEC.md sections 8.2 and 8.4. */
#include "tests/support/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct id32 ann = {{21}}, ben = {{22}}, cas = {{23}}, log_a = {{1}}, log_b = {{2}}, nobody;

static struct id32 made_up(unsigned i)
{
	struct id32 id = {{0xee}};
	memcpy(id.b + 1, &i, sizeof i);
	return id;
}

static bool introduce(struct fixture *f, const struct id32 *node, const struct id32 *by, uint64_t now)
{
	struct store_peer p = {.name = "somebody"};
	struct store_req q = {
		.op = STORE_INTRODUCE_PUT, .a.node = *node, .a.id = *by, .a.peer = &p, .a.now_s = now};
	struct store_res r;
	assert_int_equal(run(f, &q, &r), OK);
	bool kept = r.r.flag;
	store_res_free(&r);
	return kept;
}

static size_t waiting(struct fixture *f)
{
	struct store_req q = {.op = STORE_INTRODUCE_LIST};
	struct store_res r;
	size_t n = 0;
	assert_int_equal(run(f, &q, &r), OK);
	for (size_t i = 0; i < r.r.n; i++)
		n += !r.r.introductions[i].refused;
	store_res_free(&r);
	return n;
}

static void admission(struct fixture *f, const struct id32 *log, uint64_t seq, const struct id32 *node,
	const struct id32 *by)
{
	struct store_peer p = {.name = "admitted"};
	struct store_req q = {.op = STORE_ADMISSION_PUT,
		.a.log = *log,
		.a.seq = seq,
		.a.node = *node,
		.a.id = *by,
		.a.peer = &p};
	assert_int_equal(run(f, &q, NULL), OK);
}

/* node: who goes with it, if anybody does. */
static bool ended_at(
	struct fixture *f, const struct id32 *log, uint64_t seq, const struct id32 *node, bool long_ago)
{
	struct store_req q = {.op = STORE_ADMISSION_END, .a.log = *log, .a.seq = seq, .a.number = long_ago};
	struct store_res r;
	assert_int_equal(run(f, &q, &r), OK);
	bool out = r.r.n == 1;
	if (out)
		assert_memory_equal(&r.r.ids[0], node, 32);
	store_res_free(&r);
	return out;
}

static bool ended(struct fixture *f, const struct id32 *log, uint64_t seq, const struct id32 *node)
{
	return ended_at(f, log, seq, node, false);
}

static bool member(struct fixture *f, const struct id32 *node, struct id32 *introducer)
{
	struct store_req q = {.op = STORE_PEER_GET, .a.node = *node};
	struct store_res r;
	bool is = run(f, &q, &r) == OK && r.r.peers[0].origin != PEER_REMOVED;
	if (is && introducer)
		*introducer = r.r.peers[0].introducer;
	store_res_free(&r);
	return is;
}

static void on_node(struct fixture *f, enum store_op op, const struct id32 *node)
{
	struct store_req q = {.op = op, .a.node = *node};
	assert_int_equal(run(f, &q, NULL), OK);
}

static void at_most_so_many_wait_of_one_and_in_all(void **state)
{
	struct fixture *f = *state;
	unsigned next = 0;
	struct id32 introducer, who;
	for (unsigned k = 0; k <= LIMIT_INTRODUCTIONS / LIMIT_INTRODUCTIONS_OF_ONE; k++) {
		introducer = made_up(100000 + k);
		assert_int_equal(put_peer(f, &introducer, PEER_ADMITTED), OK);
		for (unsigned i = 0; i <= LIMIT_INTRODUCTIONS_OF_ONE; i++) {
			who = made_up(next++);
			bool room = i < LIMIT_INTRODUCTIONS_OF_ONE &&
				k < LIMIT_INTRODUCTIONS / LIMIT_INTRODUCTIONS_OF_ONE;
			assert_int_equal(introduce(f, &who, &introducer, 5), room);
		}
	}
	assert_int_equal(waiting(f), LIMIT_INTRODUCTIONS);
	fixture_reopen(f);
	assert_int_equal(waiting(f), LIMIT_INTRODUCTIONS);
	/* One that is refused makes room for another, and does not come again. */
	who = made_up(0);
	on_node(f, STORE_INTRODUCE_REFUSE, &who);
	introducer = made_up(100000);
	assert_false(introduce(f, &who, &introducer, 6));
	who = made_up(next++);
	assert_true(introduce(f, &who, &introducer, 6));
	/* Whoever goes takes along who waits because of it; what was refused stays so. */
	on_node(f, STORE_PEER_REMOVE, &introducer);
	assert_int_equal(waiting(f), LIMIT_INTRODUCTIONS - LIMIT_INTRODUCTIONS_OF_ONE);
	introducer = made_up(100001);
	who = made_up(0);
	assert_false(introduce(f, &who, &introducer, 7));
	struct store_req again = {
		.op = STORE_INTRODUCE_PUT, .a.node = made_up(next), .a.id = made_up(100000)};
	assert_int_equal(run(f, &again, NULL), ERR_REFUSED); /* no member any more */
	struct store_req none = {.op = STORE_INTRODUCE_REFUSE, .a.node = made_up(next)};
	assert_int_equal(run(f, &none, NULL), ERR_NOT_FOUND);
}

static void who_is_or_was_a_member_does_not_wait(void **state)
{
	struct fixture *f = *state;
	struct id32 introducer;
	assert_int_equal(put_peer(f, &ann, PEER_ADMITTED), OK);
	assert_int_equal(put_peer(f, &ben, PEER_ADMITTED), OK);
	assert_true(introduce(f, &cas, &ann, 1));
	assert_false(introduce(f, &cas, &ben, 2)); /* once */
	assert_false(introduce(f, &ben, &ann, 2)); /* a member */
	admission(f, &log_a, 4, &cas, &ann);
	assert_int_equal(waiting(f), 0);
	assert_true(member(f, &cas, &introducer));
	assert_memory_equal(&introducer, &ann, 32);
	assert_false(introduce(f, &cas, &ben, 3));
	assert_true(ended(f, &log_a, 4, &cas));
	assert_false(member(f, &cas, NULL));
	assert_false(introduce(f, &cas, &ben, 4));
	/* The admission that was ended may have come first of all, before the node was ever seen. */
	struct id32 dee = made_up(1);
	assert_false(ended(f, &log_b, 9, &dee));
	admission(f, &log_b, 9, &dee, &nobody);
	assert_false(introduce(f, &dee, &ann, 5));
}

static void the_order_of_admissions_and_ends_makes_no_difference(void **state)
{
	struct fixture *f = *state;
	struct id32 dee = made_up(1);
	assert_false(ended(f, &log_a, 1, &nobody)); /* whose it is comes later */
	admission(f, &log_a, 1, &cas, &nobody);
	assert_false(member(f, &cas, NULL));
	admission(f, &log_b, 7, &cas, &nobody);
	assert_true(member(f, &cas, NULL));
	assert_false(ended(f, &log_a, 1, &cas)); /* the other one stands */
	assert_true(member(f, &cas, NULL));
	/* Out by the network, in by the network; out by the operator stays out until he pardons. */
	assert_true(ended(f, &log_b, 7, &cas));
	admission(f, &log_b, 8, &cas, &nobody);
	assert_true(member(f, &cas, NULL));
	on_node(f, STORE_PEER_REMOVE, &cas);
	assert_true(ended(f, &log_b, 8, &cas));
	admission(f, &log_b, 9, &cas, &nobody);
	assert_false(member(f, &cas, NULL));
	on_node(f, STORE_PEER_PARDON, &cas);
	admission(f, &log_b, 10, &cas, &nobody);
	assert_true(member(f, &cas, NULL));
	/* Our own admission makes no peer of us. */
	struct store_req own = {
		.op = STORE_ADMISSION_PUT, .a.log = log_a, .a.seq = 3, .a.node = dee, .a.flag = true};
	assert_int_equal(run(f, &own, NULL), OK);
	assert_false(member(f, &dee, NULL));
}

/* A start may read again what was read before, and a home of an older version reads for the first time what it acted on long ago. */
static void what_is_read_twice_counts_once(void **state)
{
	struct fixture *f = *state;
	admission(f, &log_a, 1, &cas, &nobody);
	assert_true(ended(f, &log_a, 1, &cas));
	assert_int_equal(put_peer(f, &cas, PEER_INVITED), OK); /* by an invitation of ours, since then */
	admission(f, &log_a, 1, &cas, &nobody);
	assert_false(ended(f, &log_a, 1, &cas));
	assert_true(member(f, &cas, NULL));
	on_node(f, STORE_PEER_REMOVE, &cas);
	admission(f, &log_a, 1, &cas, &nobody);
	assert_false(member(f, &cas, NULL));
	/* The end came first, and takes out who came by an invitation too: but not if that is long ago. */
	assert_int_equal(put_peer(f, &ann, PEER_INVITED), OK);
	assert_int_equal(put_peer(f, &ben, PEER_INVITED), OK);
	assert_false(ended(f, &log_b, 2, &ann));
	admission(f, &log_b, 2, &ann, &nobody);
	assert_false(member(f, &ann, NULL));
	admission(f, &log_b, 3, &ben, &nobody);
	assert_false(ended_at(f, &log_b, 3, &ben, true));
	assert_true(member(f, &ben, NULL));
	struct id32 dee = made_up(1);
	admission(f, &log_b, 4, &dee, &nobody);
	assert_true(ended_at(f, &log_b, 4, &dee, true));
	assert_false(member(f, &dee, NULL));
}

static size_t listed(struct fixture *f, const struct id32 *network, const struct id32 *node, bool ended_too)
{
	struct store_req q = {.op = STORE_ADMISSION_LIST, .a.identity = *network, .a.node = *node};
	struct store_res r;
	size_t n = 0;
	assert_int_equal(run(f, &q, &r), OK);
	for (size_t i = 0; i < r.r.n; i++)
		n += ended_too || !r.r.admissions[i].ended;
	store_res_free(&r);
	return n;
}

static void only_admissions_in_the_networks_logs_before_their_end_are_listed(void **state)
{
	struct fixture *f = *state;
	struct fake_log *l = fake_log_new(5, 40);
	assert_int_equal(put(f, l, 0, 40), OK);
	admission(f, &l->log, 38, &ann, &ben);
	admission(f, &l->log, 39, &cas, &nobody);
	admission(f, &l->log, 40, &ann, &nobody); /* behind its end */
	admission(f, &log_b, 1, &ann, &nobody); /* somebody else's */
	assert_false(ended(f, &l->log, 37, &nobody)); /* of nobody known */
	assert_int_equal(listed(f, &l->identity, &nobody, true), 2);
	assert_int_equal(listed(f, &l->identity, &ann, true), 1);
	assert_int_equal(listed(f, &ann, &nobody, true), 0);
	assert_true(ended(f, &l->log, 39, &cas));
	assert_int_equal(listed(f, &l->identity, &nobody, true), 2);
	assert_int_equal(listed(f, &l->identity, &nobody, false), 1);
	struct store_req q = {.op = STORE_ADMISSION_LIST, .a.identity = l->identity, .a.node = ann};
	struct store_res r;
	assert_int_equal(run(f, &q, &r), OK);
	assert_int_equal(r.r.admissions[0].seq, 38);
	assert_memory_equal(&r.r.admissions[0].log, &l->log, 32);
	assert_memory_equal(&r.r.admissions[0].introducer, &ben, 32);
	store_res_free(&r);
	free(l);
}

static void newcomers_are_those_of_whom_the_network_says_nothing(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(put_peer(f, &ann, PEER_INVITED), OK);
	assert_int_equal(put_peer(f, &ben, PEER_INVITED), OK);
	assert_int_equal(put_peer(f, &cas, PEER_INVITER), OK);
	struct store_req q = {.op = STORE_NEWCOMERS, .a.max = 10, .a.node = ben};
	struct store_res r;
	assert_int_equal(run(f, &q, &r), OK);
	assert_int_equal(r.r.n, 2);
	assert_memory_equal(&r.r.peers[0].node, &ben, 32); /* from there on, round the circle */
	store_res_free(&r);
	admission(f, &log_a, 1, &ben, &nobody);
	q = (struct store_req){.op = STORE_NEWCOMERS, .a.max = 10};
	assert_int_equal(run(f, &q, &r), OK);
	assert_int_equal(r.r.n, 1);
	assert_memory_equal(&r.r.peers[0].node, &ann, 32);
	store_res_free(&r);
	q = (struct store_req){.op = STORE_NEWCOMERS, .a.max = 0};
	assert_int_equal(run(f, &q, &r), OK);
	assert_int_equal(r.r.n, 0);
	store_res_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			at_most_so_many_wait_of_one_and_in_all, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			who_is_or_was_a_member_does_not_wait, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(the_order_of_admissions_and_ends_makes_no_difference,
			fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			what_is_read_twice_counts_once, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			only_admissions_in_the_networks_logs_before_their_end_are_listed, fixture_setup,
			fixture_teardown),
		cmocka_unit_test_setup_teardown(newcomers_are_those_of_whom_the_network_says_nothing,
			fixture_setup, fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
