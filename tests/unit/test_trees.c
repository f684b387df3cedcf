/* Links of a session are eager or lazy, each tree of logs by itself. SPEC.md section 19.3. */
#include "tests/support/hand_engine.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct session session;

/* Logs of this tree, and no others, are `lazy`. */
static void assert_lazy(unsigned tree, bool lazy)
{
	for (unsigned k = 0; k < 256; k++) {
		struct id32 log = {{(uint8_t)k}};
		assert_int_equal(trees_lazy(&session, &log), (k % TREES == tree) == lazy);
	}
}

static void prune_and_graft_turn_one_tree_and_no_other(void **state)
{
	(void)state;
	for (unsigned t = 0; t < TREES; t++) {
		session = (struct session){0};
		trees_on_prune(&session, &(struct message_prune){.tree = t});
		assert_lazy(t, true);
		trees_on_prune(&session, &(struct message_prune){.tree = t});
		assert_lazy(t, true);
		for (unsigned other = 0; other < TREES; other++)
			trees_on_prune(&session, &(struct message_prune){.tree = other});
		trees_on_graft(&session, &(struct message_graft){.tree = t});
		assert_lazy(t, false);
		trees_on_graft(&session, &(struct message_graft){.tree = t});
		assert_lazy(t, false);
	}
}

static void who_brings_an_entry_is_eager_from_then_on(void **state)
{
	(void)state;
	for (unsigned t = 0; t < TREES; t++) {
		session = (struct session){.trees.lazy = UINT8_MAX};
		struct pull p = {.s = &session, .row.log = {{(uint8_t)(TREES + t)}}};
		trees_brought(&p);
		assert_lazy(t, false);
	}
}

static size_t sent(struct engine *e, enum message_type type)
{
	struct engine_out out;
	size_t n = 0;
	while (hand_next(e, ENGINE_OUT_SEND, &out)) {
		n += out.type == type;
		buf_free(&out.body);
	}
	return n;
}

/* SPEC 19.3: "not at all if the peer has meanwhile shown that it has the entry" */
static void a_row_waits_for_a_peer_and_is_not_told_if_he_has_it_by_then(void **state)
{
	(void)state;
	for (uint64_t has = 4; has <= 6; has++) {
		struct engine *e = hand_engine(false);
		struct session *s = hand_peer(e, 1);
		const struct store_row row = {.kind = 1, .log = {{TREES}}, .number = 3, .length = 5};
		s->list.last_sent = true;
		trees_on_prune(s, &(struct message_prune){.tree = 0});
		assert_int_equal(trees_put(s, &row), OK);
		struct position *p = peer_position(s, &row.log, true);
		assert_non_null(p);
		p->length = has;
		p->whole = true;
		assert_int_equal(sent(e, MESSAGE_CHANGES), 0);
		trees_on_graft(s, &(struct message_graft){.tree = 0});
		assert_int_equal(sent(e, MESSAGE_CHANGES), has < 5);
		engine_free(e);
	}
}

/* Two entries of one tree that nobody brought: the link is eager from the first on. */
static void who_is_asked_for_an_entry_is_told_once_that_the_link_is_eager(void **state)
{
	(void)state;
	struct engine *e = hand_engine(false);
	struct session *s = hand_peer(e, 1);
	struct pull p[2] = {{.s = s, .row.log = {{TREES}}, .live = true},
		{.s = s, .row.log = {{2 * TREES}}, .live = true}};
	s->trees.lazy = UINT8_MAX;
	s->pulls_active = 2;
	for (size_t i = 0; i < 2; i++)
		assert_true(trees_hold(&p[i]));
	trees_time(s);
	assert_int_equal(sent(e, MESSAGE_GRAFT), 0);
	e->now_ms += TREES_HELD_MOST_MS;
	trees_time(s);
	assert_int_equal(sent(e, MESSAGE_GRAFT), 1);
	assert_int_equal(s->trees.lazy, UINT8_MAX & ~1);
	assert_null(s->trees.held);
	engine_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prune_and_graft_turn_one_tree_and_no_other),
		cmocka_unit_test(who_brings_an_entry_is_eager_from_then_on),
		cmocka_unit_test(a_row_waits_for_a_peer_and_is_not_told_if_he_has_it_by_then),
		cmocka_unit_test(who_is_asked_for_an_entry_is_told_once_that_the_link_is_eager),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
