/* test_reconcile_budget.c -- how much comparing one node may cause. SPEC.md section 10.8. */
#include "protocol/peer/reconcile.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct id32 ann = {{1}}, mal = {{2}};

static void answers_are_bounded_by_the_rows_they_read(void **state)
{
	struct engine e = {.now_ms = 5000};
	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		assert_true(reconcile_answer_begin(&e, &mal));
		reconcile_answer_built(&e, &mal, 120000);
	}
	assert_false(reconcile_answer_begin(&e, &mal)); /* 968,000 are spent */
	assert_true(reconcile_answer_begin(&e, &ann));
	e.now_ms += 46000; /* 92,000 have come back */
	assert_false(reconcile_answer_begin(&e, &mal));
	e.now_ms += 1000;
	assert_true(reconcile_answer_begin(&e, &mal));
	free(e.ranges_budgets);
}

static void who_leaves_before_it_is_built_has_spent_it_too(void **state)
{
	struct engine e = {.now_ms = 5000};
	(void)state;
	for (unsigned i = 0; i < 8; i++)
		assert_true(reconcile_answer_begin(&e, &mal));
	e.now_ms += 60000;
	assert_false(reconcile_answer_begin(&e, &mal));
	e.now_ms += 3000;
	assert_true(reconcile_answer_begin(&e, &mal));
	free(e.ranges_budgets);
}

static void small_sets_may_be_compared_often(void **state)
{
	struct engine e = {.now_ms = 5000};
	(void)state;
	for (unsigned i = 0; i < 500; i++) {
		assert_true(reconcile_answer_begin(&e, &ann));
		reconcile_answer_built(&e, &ann, 300);
		e.now_ms += 200;
	}
	free(e.ranges_budgets);
}

static void time_to_ask_comes_back_slowly_and_only_to_who_spent_it(void **state)
{
	struct engine e = {.now_ms = 5000};
	(void)state;
	assert_int_equal(reconcile_asking_left(&e, &mal), RECONCILE_ASKING_MS);
	reconcile_asking_spent(&e, &mal, RECONCILE_ASKING_MS + 1000);
	assert_int_equal(reconcile_asking_left(&e, &mal), 0);
	assert_int_equal(reconcile_asking_left(&e, &ann), RECONCILE_ASKING_MS);
	e.now_ms += 20000;
	assert_int_equal(reconcile_asking_left(&e, &mal), 1000);
	free(e.ranges_budgets);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_bounded_by_the_rows_they_read),
		cmocka_unit_test(who_leaves_before_it_is_built_has_spent_it_too),
		cmocka_unit_test(small_sets_may_be_compared_often),
		cmocka_unit_test(time_to_ask_comes_back_slowly_and_only_to_who_spent_it),
	};
	return cmocka_run_group_tests_name("reconcile budget", tests, NULL, NULL);
}
