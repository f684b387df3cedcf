/* daemon/idmap.c: each id keeps its value, however many there are. */
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

static uint32_t *value_of(struct idmap *m, uint32_t i)
{
	const struct id32 id = id_of(i);
	void *value = NULL;
	if (idmap_put(m, &id, sizeof(uint32_t), &value) != OK)
		fail();
	return value;
}

static void each_keeps_its_value(void **state)
{
	(void)state;
	struct idmap m = {.n = 0};
	for (uint32_t i = 0; i < MANY; i++) {
		assert_int_equal(*value_of(&m, i), 0);
		*value_of(&m, i) = i + 1;
	}
	for (uint32_t i = 0; i < MANY; i++)
		assert_int_equal(*value_of(&m, i), i + 1);
	assert_int_equal(m.n, MANY);
	assert_true(m.cap >= 2 * m.n);
	idmap_free(&m);
	assert_int_equal(*value_of(&m, 0), 0);
	idmap_free(&m);
}

static void there_is_an_end(void **state)
{
	(void)state;
	struct idmap m = {.n = 0};
	void *value = NULL;
	for (uint32_t i = 0; i < IDMAP_MAX; i++)
		*value_of(&m, i) = i;
	const struct id32 one = id_of(IDMAP_MAX);
	assert_int_equal(idmap_put(&m, &one, sizeof(uint32_t), &value), ERR_LIMIT);
	assert_int_equal(*value_of(&m, 3), 3);
	idmap_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_keeps_its_value),
		cmocka_unit_test(there_is_an_end),
	};
	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
