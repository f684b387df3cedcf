/* Wycheproof's vectors against the calls that Quire makes. The counts are asserted: none is skipped unseen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>

#include "protocol/peer/noise.h"
#include "vectors.h"

struct count {
	size_t accepted, refused, inexpressible;
};

/* Says which test it was before failing. */
static void expect(bool ok, const char *file, const json_t *test)
{
	if (!ok)
		fail_msg("%s: test %d", file, (int)json_integer_value(json_object_get(test, "id")));
}

static bool is_result(const json_t *test, const char *result)
{
	return strcmp(json_string_value(json_object_get(test, "result")), result) == 0;
}

static struct count check_file(const char *file, void (*check)(const char *, const json_t *, struct count *))
{
	struct count count = {0};
	json_t *doc = vectors_load(file);
	size_t i;
	json_t *test;
	json_array_foreach(json_object_get(doc, "tests"), i, test) check(file, test, &count);
	json_decref(doc);
	return count;
}

static void check_ed25519(const char *file, const json_t *test, struct count *count)
{
	static struct vector_bytes pk, msg, sig;
	vectors_need(test, "pk", &pk);
	vectors_need(test, "msg", &msg);
	vectors_need(test, "sig", &sig);
	assert_int_equal(pk.n, crypto_sign_PUBLICKEYBYTES);
	if (sig.n != crypto_sign_BYTES) {
		expect(is_result(test, "invalid"), file, test);
		count->inexpressible++;
		return;
	}
	bool ok = crypto_sign_verify_detached(sig.b, msg.b, msg.n, pk.b) == 0;
	expect(ok == is_result(test, "valid"), file, test);
	*(ok ? &count->accepted : &count->refused) += 1;
}

static void ed25519_accepts_and_refuses_what_wycheproof_says(void **state)
{
	(void)state;
	struct count count = check_file("wycheproof/ed25519.json", check_ed25519);
	assert_int_equal(count.accepted, 88);
	assert_int_equal(count.refused, 51);
	assert_int_equal(count.inexpressible, 12);
}

static void check_x25519(const char *file, const json_t *test, struct count *count)
{
	static const uint8_t zeros[NOISE_KEY_BYTES];
	static struct vector_bytes public_key, private_key, shared;
	uint8_t out[NOISE_KEY_BYTES];
	vectors_need(test, "public", &public_key);
	vectors_need(test, "private", &private_key);
	vectors_need(test, "shared", &shared);
	assert_int_equal(public_key.n, NOISE_KEY_BYTES);
	assert_int_equal(private_key.n, NOISE_KEY_BYTES);
	struct id32 key = id32_from(public_key.b);
	enum err e = noise_dh(private_key.b, &key, out);
	if (e != OK) { /* the strict rule: an all-zero result is no result */
		expect(e == ERR_FORMAT && memcmp(shared.b, zeros, sizeof zeros) == 0, file, test);
		count->refused++;
		return;
	}
	expect(memcmp(out, shared.b, sizeof out) == 0, file, test);
	count->accepted++;
}

static void x25519_agrees_except_that_an_all_zero_result_is_refused(void **state)
{
	(void)state;
	struct count count = check_file("wycheproof/x25519.json", check_x25519);
	assert_int_equal(count.accepted, 487);
	assert_int_equal(count.refused, 31);
}

typedef int aead_open(uint8_t *m, unsigned long long *m_n, uint8_t *nsec, const uint8_t *c,
	unsigned long long c_n, const uint8_t *ad, unsigned long long ad_n, const uint8_t *nonce,
	const uint8_t *key);
typedef int aead_seal(uint8_t *c, unsigned long long *c_n, const uint8_t *m, unsigned long long m_n,
	const uint8_t *ad, unsigned long long ad_n, const uint8_t *nsec, const uint8_t *nonce,
	const uint8_t *key);

static void check_aead(const char *file, const json_t *test, struct count *count, size_t nonce_n,
	aead_seal *seal, aead_open *open)
{
	static struct vector_bytes key, iv, aad, msg, ct, tag;
	static uint8_t sealed[VECTOR_BYTES_MAX + 16], plain[VECTOR_BYTES_MAX];
	unsigned long long n = 0;
	vectors_need(test, "key", &key);
	vectors_need(test, "iv", &iv);
	vectors_need(test, "aad", &aad);
	vectors_need(test, "msg", &msg);
	vectors_need(test, "ct", &ct);
	vectors_need(test, "tag", &tag);
	assert_int_equal(key.n, 32);
	if (iv.n != nonce_n || tag.n != 16) { /* cannot even be asked */
		expect(is_result(test, "invalid"), file, test);
		count->inexpressible++;
		return;
	}
	memcpy(sealed, ct.b, ct.n);
	memcpy(sealed + ct.n, tag.b, tag.n);
	bool ok = open(plain, &n, NULL, sealed, ct.n + tag.n, aad.b, aad.n, iv.b, key.b) == 0;
	expect(ok == is_result(test, "valid"), file, test);
	*(ok ? &count->accepted : &count->refused) += 1;
	if (!ok)
		return;
	expect(n == msg.n && memcmp(plain, msg.b, msg.n) == 0, file, test);
	static uint8_t again[VECTOR_BYTES_MAX + 16];
	expect(seal(again, &n, msg.b, msg.n, aad.b, aad.n, NULL, iv.b, key.b) == 0, file, test);
	expect(n == ct.n + tag.n && memcmp(again, sealed, n) == 0, file, test);
}

static void check_chacha(const char *file, const json_t *test, struct count *count)
{
	check_aead(file, test, count, crypto_aead_chacha20poly1305_ietf_NPUBBYTES,
		crypto_aead_chacha20poly1305_ietf_encrypt, crypto_aead_chacha20poly1305_ietf_decrypt);
}

static void check_xchacha(const char *file, const json_t *test, struct count *count)
{
	check_aead(file, test, count, crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
		crypto_aead_xchacha20poly1305_ietf_encrypt, crypto_aead_xchacha20poly1305_ietf_decrypt);
}

static void chacha20_poly1305_seals_and_opens_what_wycheproof_says(void **state)
{
	(void)state;
	struct count count = check_file("wycheproof/chacha20_poly1305.json", check_chacha);
	assert_int_equal(count.accepted, 256);
	assert_int_equal(count.refused, 60);
	assert_int_equal(count.inexpressible, 9);
}

static void xchacha20_poly1305_seals_and_opens_what_wycheproof_says(void **state)
{
	(void)state;
	struct count count = check_file("wycheproof/xchacha20_poly1305.json", check_xchacha);
	assert_int_equal(count.accepted, 246);
	assert_int_equal(count.refused, 60);
	assert_int_equal(count.inexpressible, 9);
}

static void check_hkdf(const char *file, const json_t *test, struct count *count)
{
	static struct vector_bytes ikm, salt, info, okm;
	static uint8_t out[VECTOR_BYTES_MAX];
	vectors_need(test, "ikm", &ikm);
	vectors_need(test, "salt", &salt);
	vectors_need(test, "info", &info);
	vectors_need(test, "okm", &okm);
	size_t n = (size_t)json_integer_value(json_object_get(test, "size"));
	assert_true(n <= sizeof out);
	enum err e = noise_hkdf(vectors_slice(&salt), vectors_slice(&ikm), vectors_slice(&info), out, n);
	expect((e == OK) == is_result(test, "valid"), file, test);
	if (e != OK) {
		expect(e == ERR_RANGE, file, test);
		count->refused++;
		return;
	}
	expect(slice_equal(slice_of(out, n), vectors_slice(&okm)), file, test);
	count->accepted++;
}

static void hkdf_sha256_derives_what_wycheproof_says(void **state)
{
	(void)state;
	struct count count = check_file("wycheproof/hkdf_sha256.json", check_hkdf);
	assert_int_equal(count.accepted, 83);
	assert_int_equal(count.refused, 3);
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ed25519_accepts_and_refuses_what_wycheproof_says),
		cmocka_unit_test(x25519_agrees_except_that_an_all_zero_result_is_refused),
		cmocka_unit_test(chacha20_poly1305_seals_and_opens_what_wycheproof_says),
		cmocka_unit_test(xchacha20_poly1305_seals_and_opens_what_wycheproof_says),
		cmocka_unit_test(hkdf_sha256_derives_what_wycheproof_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
