/* fuzz_erasure.c -- erasure statements (SPEC 12): what is decoded and signed again differs in nothing but the signature.
 * Input: at most 256 bytes. */
#include "tests/fuzz/fuzz.h"

#include "protocol/log/erasure.h"
#include "protocol/log/secret.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const uint8_t seed[32] = {3};
	struct erasure e;
	struct id32 key;
	uint8_t secret[64], again[LIMIT_ERASURE_BYTES];
	enum err err = erasure_decode(slice_of(data, n), &e);
	fuzz_must(err == OK || err == ERR_FORMAT || err == ERR_VERSION || err == ERR_RANGE,
		"the errors of its header");
	if (err != OK)
		return 0;
	secret_sign_pair(seed, &key, secret);
	erasure_encode(&e, secret, again);
	fuzz_must(n == sizeof again && memcmp(again, data, sizeof again - 64) == 0, "the same fields");
	fuzz_must(erasure_verify(slice_of(again, sizeof again), &key) == OK, "our own signature verifies");
	return 0;
}
