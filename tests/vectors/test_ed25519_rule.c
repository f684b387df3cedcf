/* The twelve signatures of ed25519-speccheck, on which libraries differ. Ours is the strict rule of libsodium: no
 * low-order or non-canonical A or R, S below the group order, no cofactor: of the twelve it accepts number 3 alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>

#include "vectors.h"

static void of_the_edge_cases_only_number_3_is_accepted(void **state)
{
	(void)state;
	static struct vector_bytes message, public_key, signature;
	json_t *doc = vectors_load("ed25519-speccheck/cases.json");
	size_t i;
	json_t *test;
	json_array_foreach(json_object_get(doc, "tests"), i, test)
	{
		vectors_need(test, "message", &message);
		vectors_need(test, "pub_key", &public_key);
		vectors_need(test, "signature", &signature);
		assert_int_equal(public_key.n, crypto_sign_PUBLICKEYBYTES);
		assert_int_equal(signature.n, crypto_sign_BYTES);
		bool ok = crypto_sign_verify_detached(signature.b, message.b, message.n, public_key.b) == 0;
		if (ok != (i == 3))
			fail_msg("case %zu", i);
	}
	assert_int_equal(i, 12);
	json_decref(doc);
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_the_edge_cases_only_number_3_is_accepted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
