/* secret.c -- see secret.h. */
#include "protocol/log/secret.h"
#include "bounds.h"
#include "protocol/log/hash.h"

#include <sodium.h>

/* SPEC 2.4: "Each such key serves once, so the nonce may be constant." */
static const uint8_t zero_nonce[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES];

enum {
	DOMAIN_BYTES_MAX = 32, /* with its zero byte; longer than any of SPEC 1.4 */
	SIGN_SMALL_BYTES = 224,
	TAG_BYTES = crypto_aead_xchacha20poly1305_ietf_ABYTES,
};

/* ---- pairs */

void secret_sign_pair(const uint8_t seed[32], struct id32 *public_key, uint8_t secret[64])
{
	(void)crypto_sign_seed_keypair(public_key->b, secret, seed); /* cannot fail */
}

void secret_box_public(const uint8_t secret[32], struct id32 *public_key)
{
	(void)crypto_scalarmult_base(
		public_key->b, secret); /* cannot fail: the base point has no small order */
}

enum err secret_dh(const uint8_t secret[32], const struct id32 *public_key, uint8_t out[32])
{
	/* SPEC 2.1: "A result of X25519 that is all zero must be refused wherever X25519 is used." libsodium does. */
	if (crypto_scalarmult(out, secret, public_key->b) != 0) {
		sodium_memzero(out, 32);
		return ERR_DECRYPT;
	}
	return OK;
}

/* ---- signatures */

/* D, zero byte, x: into m, which has room for it. */
static size_t sign_message(const char *domain, struct slice x, uint8_t *m)
{
	size_t n = strlen(domain) + 1;
	memcpy(m, domain, n);
	if (x.n)
		memcpy(m + n, x.p, x.n);
	return n + x.n;
}

static bool is_small(const char *domain, struct slice x)
{
	if (strlen(domain) >= DOMAIN_BYTES_MAX || x.n > LIMIT_KEYEVENT_ROOT_BYTES)
		abort();
	return x.n <= SIGN_SMALL_BYTES;
}

/* Ed25519 wants the message in one piece. Headers and statements take the small frame, key events the large one. */
static void sign_large(const uint8_t secret[64], const char *domain, struct slice x, uint8_t out[64])
{
	uint8_t m[DOMAIN_BYTES_MAX + LIMIT_KEYEVENT_ROOT_BYTES];
	(void)crypto_sign_detached(out, NULL, m, sign_message(domain, x, m), secret);
}

static bool verify_large(
	const struct id32 *public_key, const char *domain, struct slice x, const uint8_t signature[64])
{
	uint8_t m[DOMAIN_BYTES_MAX + LIMIT_KEYEVENT_ROOT_BYTES];
	return crypto_sign_verify_detached(signature, m, sign_message(domain, x, m), public_key->b) == 0;
}

void secret_sign(const uint8_t secret[64], const char *domain, struct slice x, uint8_t out[64])
{
	if (!is_small(domain, x)) {
		sign_large(secret, domain, x, out);
		return;
	}
	/* SPEC 1.4: "signs the bytes `D ‖ 0x00 ‖ x`" */
	uint8_t m[DOMAIN_BYTES_MAX + SIGN_SMALL_BYTES];
	(void)crypto_sign_detached(out, NULL, m, sign_message(domain, x, m), secret);
}

enum err secret_verify(
	const struct id32 *public_key, const char *domain, struct slice x, const uint8_t signature[64])
{
	if (!is_small(domain, x))
		return verify_large(public_key, domain, x, signature) ? OK : ERR_SIGNATURE;
	uint8_t m[DOMAIN_BYTES_MAX + SIGN_SMALL_BYTES];
	size_t n = sign_message(domain, x, m);
	/* SPEC 1.4: "This is what libsodium's `crypto_sign_verify_detached` accepts." */
	return crypto_sign_verify_detached(signature, m, n, public_key->b) == 0 ? OK : ERR_SIGNATURE;
}

/* ---- AEAD and wraps */

void secret_seal(
	const uint8_t key[32], const void *ad, size_t ad_n, const uint8_t *in, size_t n, uint8_t *out)
{
	(void)crypto_aead_xchacha20poly1305_ietf_encrypt(out, NULL, in, n, ad, ad_n, NULL, zero_nonce, key);
}

enum err secret_open(
	const uint8_t key[32], const void *ad, size_t ad_n, const uint8_t *in, size_t n, uint8_t *out)
{
	if (n < TAG_BYTES)
		return ERR_DECRYPT;
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, in, n, ad, ad_n, zero_nonce, key) !=
		0)
		return ERR_DECRYPT;
	return OK;
}

/* SPEC 2.4: "k = H(`quire.wrap`, X25519(e, R) ‖ E ‖ R ‖ c)" */
static struct id32 wrap_key(const uint8_t shared[32], const uint8_t ephemeral[32],
	const struct id32 *recipient, const struct id32 *context)
{
	const struct slice parts[] = {slice_of(shared, 32), slice_of(ephemeral, 32),
		slice_of(recipient->b, 32), slice_of(context->b, 32)};
	return hash_parts(HASH_WRAP, parts, 4);
}

enum err secret_wrap(const struct random_source *rnd, const struct id32 *recipient,
	const struct id32 *context, const uint8_t secret[32], uint8_t out[WRAP_BYTES])
{
	uint8_t e[32], shared[32];
	random_fill(rnd, e, sizeof e);
	enum err err = secret_dh(e, recipient, shared);
	if (err == OK) {
		struct id32 ephemeral;
		secret_box_public(e, &ephemeral);
		struct id32 k = wrap_key(shared, ephemeral.b, recipient, context);
		memcpy(out, ephemeral.b, 32);
		secret_seal(k.b, NULL, 0, secret, 32, out + 32);
		sodium_memzero(&k, sizeof k);
	}
	sodium_memzero(e, sizeof e);
	sodium_memzero(shared, sizeof shared);
	return err;
}

enum err secret_unwrap(const uint8_t recipient_secret[32], const struct id32 *recipient,
	const struct id32 *context, const uint8_t box[WRAP_BYTES], uint8_t out[32])
{
	const struct id32 ephemeral = id32_from(box);
	uint8_t shared[32];
	enum err err = secret_dh(recipient_secret, &ephemeral, shared);
	if (err == OK) {
		struct id32 k = wrap_key(shared, ephemeral.b, recipient, context);
		err = secret_open(k.b, NULL, 0, box + 32, WRAP_BYTES - 32, out);
		sodium_memzero(&k, sizeof k);
	}
	sodium_memzero(shared, sizeof shared);
	return err;
}
