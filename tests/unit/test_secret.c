/* Key pairs, X25519, signatures with their domains, wrapped secrets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bounds.h"
#include "protocol/log/secret.h"
#include "tests/support/seeded_random.h"

static struct seeded_random seed = {.seed = 2};

static void draw(void *out, size_t n)
{
	struct random_source rnd = seeded_random_source(&seed);
	random_fill(&rnd, out, n);
}

static void both_ends_of_x25519_agree_and_zero_is_refused(void **state)
{
	(void)state;
	uint8_t a[32], b[32], ab[32], ba[32];
	struct id32 pa, pb;
	draw(a, 32);
	draw(b, 32);
	secret_box_public(a, &pa);
	secret_box_public(b, &pb);
	assert_int_equal(secret_dh(a, &pb, ab), OK);
	assert_int_equal(secret_dh(b, &pa, ba), OK);
	assert_memory_equal(ab, ba, 32);
	/* points of small order: 0, 1, p - 1, p, p + 1 */
	struct id32 low = {{0}};
	assert_int_equal(secret_dh(a, &low, ab), ERR_DECRYPT);
	low.b[0] = 1;
	assert_int_equal(secret_dh(a, &low, ab), ERR_DECRYPT);
	memset(low.b, 0xff, 32);
	low.b[31] = 0x7f;
	for (unsigned last = 0xec; last <= 0xee; last++) {
		low.b[0] = (uint8_t)last;
		assert_int_equal(secret_dh(a, &low, ab), ERR_DECRYPT);
	}
}

static void a_signature_holds_for_its_domain_message_and_key_only(void **state)
{
	(void)state;
	static uint8_t message[LIMIT_KEYEVENT_ROOT_BYTES];
	static const size_t lengths[] = {0, 1, 162, 224, 225, 4096, LIMIT_KEYEVENT_ROOT_BYTES};
	uint8_t s[32], secret[64], other_secret[64], sig[64];
	struct id32 key, other;
	draw(s, 32);
	secret_sign_pair(s, &key, secret);
	draw(s, 32);
	secret_sign_pair(s, &other, other_secret);
	draw(message, sizeof message);
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		struct slice x = slice_of(message, lengths[i]);
		secret_sign(secret, "quire entry v1", x, sig);
		assert_int_equal(secret_verify(&key, "quire entry v1", x, sig), OK);
		assert_int_equal(secret_verify(&other, "quire entry v1", x, sig), ERR_SIGNATURE);
		assert_int_equal(secret_verify(&key, "quire erasure v1", x, sig), ERR_SIGNATURE);
		assert_int_equal(secret_verify(&key, "quire entry v", x, sig), ERR_SIGNATURE);
		if (x.n) {
			x.n--;
			assert_int_equal(secret_verify(&key, "quire entry v1", x, sig), ERR_SIGNATURE);
			x.n++;
			message[x.n / 2] ^= 1;
			assert_int_equal(secret_verify(&key, "quire entry v1", x, sig), ERR_SIGNATURE);
			message[x.n / 2] ^= 1;
		}
		for (size_t bit = 0; bit < 512; bit++) {
			sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_int_equal(secret_verify(&key, "quire entry v1", x, sig), ERR_SIGNATURE);
			sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	}
}

static void a_wrapped_secret_opens_for_its_recipient_and_context_only(void **state)
{
	(void)state;
	struct random_source rnd = seeded_random_source(&seed);
	uint8_t r[32], other[32], s[32], out[32], box[WRAP_BYTES], again[WRAP_BYTES];
	struct id32 recipient, other_key, context, zero = {{0}};
	draw(r, 32);
	draw(other, 32);
	draw(s, 32);
	draw(&context, 32);
	secret_box_public(r, &recipient);
	secret_box_public(other, &other_key);
	assert_int_equal(secret_wrap(&rnd, &recipient, &context, s, box), OK);
	assert_int_equal(secret_wrap(&rnd, &recipient, &context, s, again), OK);
	assert_memory_not_equal(box, again, 32);
	assert_int_equal(secret_unwrap(r, &recipient, &context, box, out), OK);
	assert_memory_equal(out, s, 32);
	assert_int_equal(secret_unwrap(other, &other_key, &context, box, out), ERR_DECRYPT);
	assert_int_equal(secret_unwrap(r, &other_key, &context, box, out), ERR_DECRYPT);
	assert_int_equal(secret_unwrap(r, &recipient, &other_key, box, out), ERR_DECRYPT);
	for (size_t bit = 0; bit < WRAP_BYTES * 8; bit++) {
		box[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(secret_unwrap(r, &recipient, &context, box, out), ERR_DECRYPT);
		box[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_int_equal(secret_wrap(&rnd, &zero, &context, s, box), ERR_DECRYPT);
	memset(box, 0, 32);
	assert_int_equal(secret_unwrap(r, &recipient, &context, box, out), ERR_DECRYPT);
}

static void sealing_in_place_opens_and_nothing_shorter_than_a_tag_does(void **state)
{
	(void)state;
	uint8_t key[32], b[100 + 16], plain[100];
	draw(key, 32);
	draw(plain, sizeof plain);
	for (size_t n = 0; n <= sizeof plain; n++) {
		memcpy(b, plain, n);
		secret_seal(key, "ad", 2, b, n, b);
		uint8_t copy[116], out[100];
		memcpy(copy, b, n + 16);
		assert_int_equal(secret_open(key, "da", 2, copy, n + 16, out), ERR_DECRYPT);
		for (size_t cut = 0; cut < n + 16; cut++)
			assert_int_equal(secret_open(key, "ad", 2, copy, cut, out), ERR_DECRYPT);
		assert_int_equal(secret_open(key, "ad", 2, b, n + 16, b), OK);
		assert_memory_equal(b, plain, n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ends_of_x25519_agree_and_zero_is_refused),
		cmocka_unit_test(a_signature_holds_for_its_domain_message_and_key_only),
		cmocka_unit_test(a_wrapped_secret_opens_for_its_recipient_and_context_only),
		cmocka_unit_test(sealing_in_place_opens_and_nothing_shorter_than_a_tag_does),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
