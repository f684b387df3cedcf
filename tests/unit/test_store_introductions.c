/* test_store_introductions.c -- who waits, and how many may. SPEC.md section 8.4. */
#include "tests/support/admission_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

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
	start_again(f);
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
	assert_int_equal(put_peer(f, &ann, PEER_ADMITTED), OK);
	assert_int_equal(put_peer(f, &ben, PEER_ADMITTED), OK);
	assert_true(introduce(f, &cas, &ann, 1));
	assert_false(introduce(f, &cas, &ben, 2)); /* once */
	assert_false(introduce(f, &ben, &ann, 2)); /* a member */
	struct id32 first = admission(f, 0, &cas, &ann);
	assert_int_equal(waiting(f), 0);
	struct store_res r = ask(f, (struct store_req){.op = STORE_PEER_GET, .a.node = cas});
	assert_int_equal(r.r.peers[0].origin, PEER_ADMITTED);
	assert_string_equal(r.r.peers[0].name, "admitted");
	assert_memory_equal(&r.r.peers[0].introducer, &ann, 32);
	store_res_free(&r);
	assert_false(introduce(f, &cas, &ben, 3));
	assert_true(ended(f, 0, &first, &cas));
	assert_false(member(f, &cas));
	assert_false(introduce(f, &cas, &ben, 4));
	/* The admission that was ended may have come first of all, before the node was ever seen. */
	struct id32 dee = made_up(1);
	assert_false(ended(f, 0, &logs[1]->ids[0], &dee));
	admission(f, 1, &dee, &nobody);
	assert_false(introduce(f, &dee, &ann, 5));
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
	admission(f, 0, &ben, &nobody);
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

#define INTRODUCTIONS(test) cmocka_unit_test_setup_teardown(test, admission_setup, admission_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		INTRODUCTIONS(at_most_so_many_wait_of_one_and_in_all),
		INTRODUCTIONS(who_is_or_was_a_member_does_not_wait),
		INTRODUCTIONS(newcomers_are_those_of_whom_the_network_says_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
