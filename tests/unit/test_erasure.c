/* Erasure statements: form, limits, and that no bit of one can change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "protocol/log/erasure.h"
#include "protocol/log/secret.h"

static uint8_t secret[64];
static struct id32 key;

static struct erasure example(void)
{
	return (struct erasure){
		.reason = ERASURE_LAW,
		.by = ERASURE_BY_CUSTODIAN,
		.of = {.log = {{1, 2}}, .seq = LIMIT_SEQ, .id = {{3, 4}}},
		.hour = 0x01020304,
		.generation = {{5, 6}},
	};
}

static int setup(void **state)
{
	(void)state;
	static const uint8_t seed[32] = {9};
	secret_sign_pair(seed, &key, secret);
	return 0;
}

static void a_statement_reads_back_and_verifies(void **state)
{
	(void)state;
	uint8_t b[LIMIT_ERASURE_BYTES];
	const struct erasure e = example();
	struct erasure got;
	erasure_encode(&e, secret, b);
	assert_int_equal(erasure_decode(slice_of(b, sizeof b), &got), OK);
	assert_int_equal(got.reason, e.reason);
	assert_int_equal(got.by, e.by);
	assert_int_equal(got.of.seq, e.of.seq);
	assert_true(id32_equal(&got.of.log, &e.of.log));
	assert_true(id32_equal(&got.of.id, &e.of.id));
	assert_int_equal(got.hour, e.hour);
	assert_true(id32_equal(&got.generation, &e.generation));
	assert_int_equal(erasure_verify(slice_of(b, sizeof b), &key), OK);
	assert_int_equal(be32_get(b + 36), 0x01020304);
	assert_int_equal(be64_get(b + 40), LIMIT_SEQ);
	struct id32 other = key;
	other.b[0] ^= 1;
	assert_int_equal(erasure_verify(slice_of(b, sizeof b), &other), ERR_SIGNATURE);
}

static void every_length_but_176_is_refused(void **state)
{
	(void)state;
	uint8_t b[LIMIT_ERASURE_BYTES + 1] = {0};
	const struct erasure e = example();
	struct erasure got;
	erasure_encode(&e, secret, b);
	for (size_t n = 0; n <= sizeof b; n++) {
		assert_int_equal(
			erasure_decode(slice_of(b, n), &got), n == LIMIT_ERASURE_BYTES ? OK : ERR_FORMAT);
		assert_int_equal(
			erasure_verify(slice_of(b, n), &key), n == LIMIT_ERASURE_BYTES ? OK : ERR_SIGNATURE);
	}
}

static void every_flipped_bit_breaks_the_signature(void **state)
{
	(void)state;
	uint8_t b[LIMIT_ERASURE_BYTES];
	const struct erasure e = example();
	erasure_encode(&e, secret, b);
	for (size_t bit = 0; bit < sizeof b * 8; bit++) {
		b[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(erasure_verify(slice_of(b, sizeof b), &key), ERR_SIGNATURE);
		b[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static void expect_decode(size_t at, uint8_t value, enum err expected)
{
	uint8_t b[LIMIT_ERASURE_BYTES];
	const struct erasure e = example();
	struct erasure got;
	erasure_encode(&e, secret, b);
	b[at] = value;
	assert_int_equal(erasure_decode(slice_of(b, sizeof b), &got), expected);
}

static void values_beyond_their_limit_are_refused(void **state)
{
	(void)state;
	expect_decode(0, 0, ERR_VERSION);
	expect_decode(0, 2, ERR_VERSION);
	expect_decode(1, 4, OK);
	expect_decode(1, 5, ERR_RANGE);
	expect_decode(2, 1, OK);
	expect_decode(2, 2, ERR_RANGE);
	expect_decode(3, 1, ERR_FORMAT);
	expect_decode(43, 1, ERR_RANGE); /* seq 2^32 and more */
	expect_decode(40, 0x80, ERR_RANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_statement_reads_back_and_verifies),
		cmocka_unit_test(every_length_but_176_is_refused),
		cmocka_unit_test(every_flipped_bit_breaks_the_signature),
		cmocka_unit_test(values_beyond_their_limit_are_refused),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
