/* Whom a node dials, and when. SPEC.md section 19.1. */
#include "protocol/peer/members_int.h"
#include "tests/support/hand_engine.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define MEMBERS 200

/* Tries of many nodes spread, and none comes much sooner or later than it is meant to. */
static void a_pause_is_half_for_certain_and_half_by_chance(void **state)
{
	(void)state;
	struct engine *e = hand_engine(false);
	uint64_t least = UINT64_MAX, most = 0;
	for (unsigned i = 0; i < 1000; i++) {
		uint64_t ms = members_jitter(e, 1000);
		least = ms < least ? ms : least;
		most = ms > most ? ms : most;
	}
	assert_in_range(least, 500, 550);
	assert_in_range(most, 950, 1000);
	engine_free(e);
}

static struct id32 member_at(size_t i)
{
	return (struct id32){{(uint8_t)i, 3}};
}

static void know_members(struct engine *e)
{
	struct members *m = e->members;
	m->all = calloc(MEMBERS, sizeof *m->all);
	assert_non_null(m->all);
	for (m->n = 0; m->n < MEMBERS; m->n++)
		m->all[m->n] = (struct member){.node = member_at(m->n), .reachable = true, .met = true};
	m->loaded = true;
}

/* The store's answers to one look: eight identities have no source, and each is followed by one member, from the 50th on. */
static void answer_look(struct engine *e)
{
	struct engine_out out;
	struct id32 wanted[8], nodes[8];
	uint64_t of[8];
	for (size_t i = 0; i < 8; i++) {
		wanted[i] = (struct id32){{(uint8_t)i, 4}};
		nodes[i] = member_at(50 + i);
		of[i] = i;
	}
	while (hand_next(e, ENGINE_OUT_STORE, &out)) {
		struct store_res res = {.err = OK};
		if (out.req->op == STORE_SOURCES) {
			res.r.n = res.r.count = 8;
			res.r.ids = wanted;
		} else if (out.req->op == STORE_FOLLOWERS) {
			res.r.n = 8;
			res.r.ids = nodes;
			res.r.seqs = of;
		} else {
			res.err = ERR_NOT_FOUND; /* key events: nobody hosts */
		}
		hand_stored(e, out.req, &res);
	}
}

/* SPEC 19.1: "It also keeps one connection for each identity that it follows" */
static void each_identity_without_a_source_has_one_dialled(void **state)
{
	(void)state;
	struct engine *e = hand_engine(true);
	struct engine_out out;
	bool dialled[MEMBERS] = {false};
	assert_true(members_start(e));
	know_members(e);
	members_look(e);
	answer_look(e);
	members_pump(e);
	while (hand_next(e, ENGINE_OUT_DIAL, &out))
		dialled[out.node.b[0]] = true;
	for (size_t i = 0; i < MEMBERS; i++)
		assert_int_equal(dialled[i], i >= 50 && i < 58);
	engine_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pause_is_half_for_certain_and_half_by_chance),
		cmocka_unit_test(each_identity_without_a_source_has_one_dialled),
	};
	return cmocka_run_group_tests_name("members", tests, NULL, NULL);
}
