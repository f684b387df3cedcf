/* daemon/idmap.c: ids keep the numbers in which they came, however many there are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/idmap.h"

#define MANY 5000u

static struct id32 id_of(uint32_t i)
{
	struct id32 id = {.b = {9}};
	be32_put(id.b + 28, i);
	return id;
}

static void ids_keep_their_numbers(void **state)
{
	(void)state;
	struct idmap m = {.n = 0};
	size_t number = SIZE_MAX;
	for (uint32_t i = 0; i < MANY; i++) {
		const struct id32 id = id_of(i);
		assert_false(idmap_find(&m, &id, &number));
		assert_int_equal(idmap_put(&m, &id, &number), OK);
		assert_int_equal(number, i);
	}
	for (uint32_t i = 0; i < MANY; i++) {
		const struct id32 id = id_of(i);
		assert_true(idmap_find(&m, &id, &number));
		assert_int_equal(number, i);
		assert_int_equal(idmap_put(&m, &id, &number), OK);
		assert_int_equal(number, i);
	}
	assert_int_equal(m.n, MANY);
	assert_true(m.cap >= 2 * m.n);
	idmap_free(&m);
	const struct id32 first = id_of(0);
	assert_false(idmap_find(&m, &first, &number));
}

static void there_is_an_end(void **state)
{
	(void)state;
	struct idmap m = {.n = 0};
	size_t number = 0;
	for (uint32_t i = 0; i < IDMAP_MAX; i++) {
		const struct id32 id = id_of(i);
		if (idmap_put(&m, &id, &number) != OK)
			fail();
	}
	const struct id32 one = id_of(IDMAP_MAX), known = id_of(3);
	assert_int_equal(idmap_put(&m, &one, &number), ERR_LIMIT);
	assert_int_equal(idmap_put(&m, &known, &number), OK);
	assert_int_equal(number, 3);
	idmap_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_keep_their_numbers),
		cmocka_unit_test(there_is_an_end),
	};
	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
