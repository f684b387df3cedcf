/* What is said without memory is said from a reserve: an engine has all of it, or does not begin. */
#include "protocol/peer/engine_int.h"
#include "tools/sim/faulty.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void an_engine_has_its_reserve_or_does_not_begin(void **state)
{
	(void)state;
	const struct engine_config c = {.node = {{1}}};
	unsigned begun = 0, refused = 0;
	for (uint64_t nth = 1;; nth++) {
		faulty_arm(FAULTY_MEMORY, nth, false);
		struct engine *e = engine_new(&c);
		uint64_t hits = faulty_hits();
		faulty_disarm();
		begun += e != NULL;
		refused += e == NULL;
		if (e)
			assert_int_equal(e->spare_n, SPARE_OUTS);
		engine_free(e);
		if (!hits)
			break;
	}
	assert_true(begun >= 1);
	assert_true(refused >= SPARE_OUTS);
	assert_int_equal(faulty_leaks(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_engine_has_its_reserve_or_does_not_begin),
	};
	faulty_install(true);
	return cmocka_run_group_tests_name("reserve", tests, NULL, NULL);
}
