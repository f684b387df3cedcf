/* daemon/door.c: how often one may knock. docs/threats.md, a flood of handshakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/door.h"
#include "tests/support/seeded_random.h"

#define NOW 5000000u

static struct door door;

static int setup(void **state)
{
	(void)state;
	struct seeded_random seed = {.seed = 7};
	const struct random_source random = seeded_random_source(&seed);
	door_init(&door, &random);
	return 0;
}

static void address(uint8_t out[8], uint32_t n)
{
	memset(out, 0, 8);
	out[0] = 4;
	be32_put(out + 4, n);
}

/* How many of n that come in this millisecond are let in. */
static unsigned let_in(uint32_t from, unsigned n, uint64_t now_ms)
{
	uint8_t source[8];
	unsigned in = 0;
	address(source, from);
	for (unsigned i = 0; i < n; i++)
		in += door_lets(&door, source, now_ms);
	return in;
}

static void one_source_has_its_burst_and_then_its_rate(void **state)
{
	(void)state;
	assert_int_equal(let_in(1, 10000, NOW), DOOR_SOURCE_BURST);
	unsigned in = 0;
	for (unsigned ms = 1; ms <= 10000; ms++)
		in += let_in(1, 10, NOW + ms);
	assert_in_range(in, 10 * DOOR_SOURCE_RATE - 1, 10 * DOOR_SOURCE_RATE);
	assert_int_equal(let_in(1, 10000, NOW + 3600000), DOOR_SOURCE_BURST);
}

static void another_source_does_not_pay_for_it(void **state)
{
	(void)state;
	assert_int_equal(let_in(1, 10000, NOW), DOOR_SOURCE_BURST);
	assert_int_equal(let_in(2, 1, NOW), 1);
}

static void all_strangers_together_have_a_rate_and_a_member_has_its_own(void **state)
{
	(void)state;
	uint8_t member[8];
	address(member, 0x7f000001);
	assert_false(door_knows(&door, member));
	door_know(&door, member);
	assert_true(door_knows(&door, member));
	unsigned in = 0;
	for (uint32_t from = 1000; from < 11000; from++)
		in += let_in(from, 1, NOW);
	assert_int_equal(in, DOOR_BURST);
	assert_int_equal(let_in(5, 1, NOW), 0);
	assert_int_equal(let_in(0x7f000001, 10000, NOW), DOOR_SOURCE_BURST);
	in = 0;
	for (unsigned ms = 1; ms <= 1000; ms++)
		for (uint32_t from = 1; from <= 10; from++)
			in += let_in(ms * 10 + from, 1, NOW + ms);
	assert_in_range(in, DOOR_RATE - 1, DOOR_RATE);
	assert_int_equal(let_in(0x7f000001, 10000, NOW + 1000), DOOR_SOURCE_RATE);
}

static void whatever_comes_takes_no_more_memory_and_which_rate_is_whose_is_a_secret(void **state)
{
	(void)state;
	/* Sources that share a rate under one key do not under another. */
	uint32_t same[4], n = 0;
	assert_int_equal(let_in(1, 10000, NOW), DOOR_SOURCE_BURST);
	for (uint32_t from = 2; n < 4; from++) {
		struct door before = door;
		if (let_in(from, 1, NOW) == 0)
			same[n++] = from;
		door = before;
	}
	struct seeded_random seed = {.seed = 8};
	const struct random_source random = seeded_random_source(&seed);
	door_init(&door, &random);
	assert_int_equal(let_in(1, 10000, NOW), DOOR_SOURCE_BURST);
	unsigned in = 0;
	for (uint32_t i = 0; i < n; i++)
		in += let_in(same[i], 1, NOW);
	assert_true(in >= 3);
}

static void members_who_come_again_and_again_are_let_in(void **state)
{
	(void)state;
	uint8_t member[8];
	address(member, 1);
	for (unsigned i = 0; i < 10 * DOOR_SOURCE_BURST; i++) {
		assert_int_equal(let_in(1, 1, NOW), 1);
		door_know(&door, member);
	}
}

static void the_newer_of_two_members_that_fall_together_is_known(void **state)
{
	(void)state;
	uint8_t source[8];
	unsigned known = 0;
	for (uint32_t i = 0; i < 10000; i++) {
		address(source, i);
		door_know(&door, source);
		assert_true(door_knows(&door, source));
	}
	for (uint32_t i = 0; i < 10000; i++) {
		address(source, i);
		known += door_knows(&door, source);
	}
	assert_in_range(known, DOOR_KNOWN / 2, DOOR_KNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(one_source_has_its_burst_and_then_its_rate, setup),
		cmocka_unit_test_setup(another_source_does_not_pay_for_it, setup),
		cmocka_unit_test_setup(all_strangers_together_have_a_rate_and_a_member_has_its_own, setup),
		cmocka_unit_test_setup(
			whatever_comes_takes_no_more_memory_and_which_rate_is_whose_is_a_secret, setup),
		cmocka_unit_test_setup(members_who_come_again_and_again_are_let_in, setup),
		cmocka_unit_test_setup(the_newer_of_two_members_that_fall_together_is_known, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
