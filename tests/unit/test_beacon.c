/* daemon/beacon.c: what a beacon tells members, and strangers. SPEC.md section 19.4. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "daemon/beacon.h"
#include "protocol/log/hash.h"
#include "tests/support/seeded_random.h"

static const struct id32 network = {.b = {1}}, other_network = {.b = {2}}, ana = {.b = {3}}, ben = {.b = {4}};

static void the_fields_lie_where_the_table_says(void **state)
{
	(void)state;
	uint8_t salt[16] = "0123456789abcdef", out[BEACON_BYTES], hashed[80];
	beacon_write(0x1cf3, salt, &network, &ana, out);
	assert_memory_equal(out,
		"QUIR\1\x1c\xf3"
		"0123456789abcdef",
		23);
	memcpy(hashed, salt, 16);
	memcpy(hashed + 16, network.b, 32);
	memcpy(hashed + 48, ana.b, 32);
	const struct id32 mark = hash_bytes("quire.beacon", hashed, sizeof hashed);
	assert_memory_equal(out + 23, mark.b, 16);
}

static void a_member_is_recognised_and_nobody_else(void **state)
{
	(void)state;
	uint8_t salt[16] = "x", out[BEACON_BYTES];
	struct beacon b;
	beacon_write(7411, salt, &network, &ana, out);
	assert_int_equal(beacon_read(slice_of(out, sizeof out), &b), OK);
	assert_int_equal(b.port, 7411);
	assert_true(beacon_is_from(&b, &network, &ana));
	assert_false(beacon_is_from(&b, &network, &ben));
	assert_false(beacon_is_from(&b, &other_network, &ana));
	for (size_t bit = 7 * 8; bit < sizeof out * 8; bit++) {
		out[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		assert_int_equal(beacon_read(slice_of(out, sizeof out), &b), OK);
		assert_false(beacon_is_from(&b, &network, &ana));
		out[bit / 8] ^= (uint8_t)(1u << (bit % 8));
	}
}

/* SPEC 19.4: "nobody else learns who sends or that two beacons of different hours come from one node" */
static void with_another_salt_nothing_is_the_same_but_head_and_port(void **state)
{
	(void)state;
	uint8_t one[BEACON_BYTES], two[BEACON_BYTES], salt[16] = {1};
	beacon_write(7411, salt, &network, &ana, one);
	salt[15] ^= 1;
	beacon_write(7411, salt, &network, &ana, two);
	assert_memory_equal(one, two, 7);
	assert_memory_not_equal(one + 23, two + 23, 16);
}

static void what_is_no_beacon_is_refused(void **state)
{
	(void)state;
	uint8_t good[BEACON_BYTES + 1] = {0}, bad[BEACON_BYTES + 1];
	struct beacon b;
	struct seeded_random seed = {.seed = 19};
	const struct random_source random = seeded_random_source(&seed);
	beacon_write(1, good, &network, &ana, good);
	assert_int_equal(beacon_read(slice_of(good, BEACON_BYTES), &b), OK);
	for (size_t n = 0; n <= BEACON_BYTES + 1; n++)
		assert_int_equal(beacon_read(slice_of(good, n), &b), n == BEACON_BYTES ? OK : ERR_FORMAT);
	for (size_t i = 0; i < 5; i++) {
		memcpy(bad, good, sizeof bad);
		bad[i]++;
		assert_int_equal(beacon_read(slice_of(bad, BEACON_BYTES), &b), ERR_FORMAT);
	}
	memcpy(bad, good, sizeof bad);
	bad[5] = bad[6] = 0;
	assert_int_equal(beacon_read(slice_of(bad, BEACON_BYTES), &b), ERR_FORMAT);
	for (unsigned i = 0; i < 20000; i++) {
		random.fill(random.ctx, bad, sizeof bad);
		memcpy(bad, "QUIR\1", 5);
		if (beacon_read(slice_of(bad, BEACON_BYTES), &b) == OK)
			assert_false(beacon_is_from(&b, &network, &ana));
	}
}

static void twenty_are_looked_at_in_a_second(void **state)
{
	(void)state;
	struct beacon_gate g = {0};
	for (uint64_t second = 100; second < 103; second++)
		for (unsigned i = 0; i < 1000; i++)
			assert_int_equal(beacon_gate_look(&g, second * 1000 + i), i < BEACON_LOOKS_PER_S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_fields_lie_where_the_table_says),
		cmocka_unit_test(a_member_is_recognised_and_nobody_else),
		cmocka_unit_test(with_another_salt_nothing_is_the_same_but_head_and_port),
		cmocka_unit_test(what_is_no_beacon_is_refused),
		cmocka_unit_test(twenty_are_looked_at_in_a_second),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
