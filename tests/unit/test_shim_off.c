/* test_shim_off.c -- the instrument of test_shim_full.c sees a loss where there is one: the same store, built without syncing. */
#define QUIRE_STORE_SYNC "OFF"
#include "store/db.c"

#include "tests/support/power_cut.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void a_store_that_does_not_sync_loses_what_it_acknowledged(void **state)
{
	(void)state;
	struct power_cut p = power_cut_run(3, 0, 3);
	printf("# %llu acknowledged, %llu lost\n", (unsigned long long)p.acknowledged,
		(unsigned long long)p.lost);
	assert_true(p.acknowledged > 3);
	assert_true(p.lost > 0);
}

int main(int argc, char **argv)
{
	if (power_cut_child(argc, argv))
		return 0;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_store_that_does_not_sync_loses_what_it_acknowledged),
	};
	return cmocka_run_group_tests_name("power cuts without sync", tests, NULL, NULL);
}
