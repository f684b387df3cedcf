/* Links of a session are eager or lazy, each tree of logs by itself. SPEC.md section 19.3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "protocol/peer/engine_int.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prune_and_graft_turn_one_tree_and_no_other),
		cmocka_unit_test(who_brings_an_entry_is_eager_from_then_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
