/* test_shim_full.c -- the store never loses what it acknowledged: a process is killed thirty times, and its disk forgets what was not synced. */
#include "tests/support/power_cut.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static void nothing_acknowledged_is_lost(void **state)
{
	(void)state;
	struct power_cut p = power_cut_run(30, 0, 1);
	printf("# %llu acknowledged, %llu lost\n", (unsigned long long)p.acknowledged,
		(unsigned long long)p.lost);
	assert_true(p.acknowledged > 300);
	assert_int_equal(p.lost, 0);
	assert_int_equal(p.damaged, 0);
}

static void nor_when_sectors_that_were_not_synced_reach_the_disk_at_random(void **state)
{
	(void)state;
	struct power_cut p = power_cut_run(30, 1000, 2);
	printf("# %llu acknowledged, %llu lost\n", (unsigned long long)p.acknowledged,
		(unsigned long long)p.lost);
	assert_true(p.acknowledged > 300);
	assert_int_equal(p.lost, 0);
	assert_int_equal(p.damaged, 0);
}

int main(int argc, char **argv)
{
	if (power_cut_child(argc, argv))
		return 0;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_acknowledged_is_lost),
		cmocka_unit_test(nor_when_sectors_that_were_not_synced_reach_the_disk_at_random),
	};
	return cmocka_run_group_tests_name("power cuts", tests, NULL, NULL);
}
