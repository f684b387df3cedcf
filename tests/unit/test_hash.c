/* Personalised BLAKE2b and SUM. The expected hashes are from the hashlib module of Python. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "protocol/log/hash.h"
#include "tests/support/seeded_random.h"

static void expect_hex(const struct id32 *id, const char *hex)
{
	char text[65];
	for (size_t i = 0; i < 32; i++)
		snprintf(text + 2 * i, 3, "%02x", id->b[i]);
	assert_string_equal(text, hex);
}

static void hashes_are_those_of_another_implementation(void **state)
{
	(void)state;
	struct id32 h = hash_bytes(HASH_ENTRY, NULL, 0);
	expect_hex(&h, "eb62644aef90bac02ec81ce3d6044d7730e60af87cfdaa7e6328dcf334f23578");
	h = hash_bytes(HASH_ENTRY, "abc", 3);
	expect_hex(&h, "0146b96e3fa54920460aac8b2310ce30d829004597a5d185d1d6aa7875850ebe");
	uint8_t b[512];
	for (size_t i = 0; i < sizeof b; i++)
		b[i] = (uint8_t)i;
	h = hash_bytes(HASH_INVITESUM, b, sizeof b);
	expect_hex(&h, "679df3b9bd2005c335c7b3cd9bf9cb719d9acc58c8cb4b2b0363bd8860281c0b");
}

static void the_hash_of_parts_is_that_of_the_whole(void **state)
{
	(void)state;
	uint8_t b[300] = {1, 2, 3};
	const struct id32 whole = hash_bytes(HASH_BODY, b, sizeof b);
	for (size_t cut = 0; cut <= sizeof b; cut++) {
		const struct slice parts[] = {slice_of(b, cut), {0}, slice_of(b + cut, sizeof b - cut)};
		const struct id32 h = hash_parts(HASH_BODY, parts, 3);
		assert_true(id32_equal(&h, &whole));
	}
}

static void every_name_gives_another_hash(void **state)
{
	(void)state;
	static const char *const names[] = {HASH_KEYEVENT, HASH_KEYSET, HASH_LOG, HASH_ENTRY, HASH_ENVELOPE,
		HASH_BODY, HASH_LEAF, HASH_NODE, HASH_ROOT, HASH_WRAP, HASH_HINT, HASH_SLOT, HASH_EPHEMERAL,
		HASH_CODE, HASH_CODESUM, HASH_INVITE, HASH_INVITESUM};
	struct id32 h[17];
	for (size_t i = 0; i < 17; i++) {
		h[i] = hash_bytes(names[i], "x", 1);
		for (size_t k = 0; k < i; k++)
			assert_false(id32_equal(&h[i], &h[k]));
	}
}

static void the_sum_carries_wraps_and_ignores_order(void **state)
{
	(void)state;
	struct id32 ones, one = {{0}}, sum = {{0}};
	memset(ones.b, 0xff, 32);
	one.b[31] = 1;
	sum_add(&sum, &ones);
	sum_add(&sum, &one);
	assert_true(id32_is_zero(&sum));
	sum_sub(&sum, &one);
	assert_true(id32_equal(&sum, &ones));

	struct seeded_random seed = {.seed = 1};
	struct random_source rnd = seeded_random_source(&seed);
	struct id32 ids[50], up = {{0}}, down = {{0}};
	random_fill(&rnd, ids, sizeof ids);
	for (size_t i = 0; i < 50; i++) {
		sum_add(&up, &ids[i]);
		sum_add(&down, &ids[49 - i]);
	}
	assert_true(id32_equal(&up, &down));
	for (size_t i = 0; i < 50; i++)
		sum_sub(&up, &ids[(i * 7) % 50]);
	assert_true(id32_is_zero(&up));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes_are_those_of_another_implementation),
		cmocka_unit_test(the_hash_of_parts_is_that_of_the_whole),
		cmocka_unit_test(every_name_gives_another_hash),
		cmocka_unit_test(the_sum_carries_wraps_and_ignores_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
