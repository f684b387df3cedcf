/* What the store could not bring into the peers table is tried again until it can, and people hear of it once. SPEC.md section 8.2. */
#include "tests/support/hand_engine.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define AGAIN_MS 10000

static struct engine *e;

static int begin(void **state)
{
	(void)state;
	e = hand_engine(false);
	e->config.network = (struct id32){{9}};
	return 0;
}

static int end(void **state)
{
	(void)state;
	engine_free(e);
	return 0;
}

static unsigned told; /* people */

/* The store is asked to settle who is a member, by what the test says: true. */
static bool settles(struct store_res *res)
{
	struct engine_out out;
	while (engine_next(e, &out)) {
		told += out.kind == ENGINE_OUT_EVENT && out.event.kind == ENGINE_EVENT_STORE_ERROR;
		if (out.kind == ENGINE_OUT_STORE && out.req->op == STORE_ADMISSION_SETTLE) {
			hand_stored(e, out.req, res);
			return true;
		}
		if (out.kind == ENGINE_OUT_STORE) /* there are no key events */
			hand_stored(e, out.req, &(struct store_res){.err = ERR_NOT_FOUND});
		buf_free(&out.body);
	}
	return false;
}

static void time_goes_to(uint64_t ms)
{
	engine_step(e, &(struct engine_in){.kind = ENGINE_IN_TIME, .now_ms = ms, .wall_s = e->wall_s});
}

/* SPEC 8.2: "when an admission ends, or is effective no longer, and no other right is left, it is closed with REFUSED" */
static void it_is_tried_again_until_the_store_can(void **state)
{
	(void)state;
	struct session *thief = hand_peer(e, 1);
	struct id32 gone = thief->node;
	struct store_res full = {.err = ERR_FULL}, done = {.r = {.n = 1, .ids = &gone, .flag = true}};
	told = 0;
	admissions_settle(e);
	assert_true(settles(&full));
	for (int i = 0; i < 5; i++) {
		uint64_t due = e->now_ms + AGAIN_MS;
		assert_false(settles(&full));
		assert_int_equal(admissions_deadline(e), due);
		assert_true(engine_deadline(e) <= due);
		time_goes_to(due - 1);
		assert_false(settles(&full));
		time_goes_to(due);
		assert_true(settles(&full));
	}
	assert_int_equal(thief->state, SESSION_OPEN);
	time_goes_to(e->now_ms + AGAIN_MS);
	assert_true(settles(&done));
	assert_int_equal(thief->state, SESSION_CLOSED);
	assert_int_equal(admissions_deadline(e), UINT64_MAX);
	time_goes_to(e->now_ms + 10 * AGAIN_MS);
	assert_false(settles(&done));
	assert_int_equal(told, 1);
	admissions_settle(e); /* and the next time it fails they hear of it again */
	assert_true(settles(&full));
	assert_false(settles(&full));
	assert_int_equal(told, 2);
}

/* A command is answered with what became of it, and somebody sees to the rest. */
static void so_is_what_a_command_asked_for(void **state)
{
	(void)state;
	struct store_res full = {.err = ERR_FULL}, done = {.err = OK};
	admissions_asked(e, 5);
	assert_true(settles(&full));
	time_goes_to(e->now_ms + AGAIN_MS);
	assert_true(settles(&done));
	assert_int_equal(admissions_deadline(e), UINT64_MAX);
}

static void a_node_without_a_network_tries_nothing(void **state)
{
	(void)state;
	struct store_res full = {.err = ERR_FULL};
	admissions_settle(e);
	assert_true(settles(&full));
	e->config.network = (struct id32){{0}};
	time_goes_to(e->now_ms + AGAIN_MS);
	assert_false(settles(&full));
	assert_int_equal(admissions_deadline(e), UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(it_is_tried_again_until_the_store_can, begin, end),
		cmocka_unit_test_setup_teardown(so_is_what_a_command_asked_for, begin, end),
		cmocka_unit_test_setup_teardown(a_node_without_a_network_tries_nothing, begin, end),
	};
	return cmocka_run_group_tests_name("admission", tests, NULL, NULL);
}
