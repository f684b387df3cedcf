/* secret.h -- key pairs, wrapped secrets, AEAD with one-time keys. SPEC.md sections 1.4, 2.1 and 2.4. */
#ifndef QUIRE_SECRET_H
#define QUIRE_SECRET_H

#include "bytes.h"
#include "random.h"

#define WRAP_BYTES 80

/* Ed25519 from a 32-byte seed: public half and libsodium's 64-byte secret. */
void secret_sign_pair(const uint8_t seed[32], struct id32 *public_key, uint8_t secret[64]);
/* X25519 public half. */
void secret_box_public(const uint8_t secret[32], struct id32 *public_key);
/* X25519; ERR_DECRYPT if the result is all zero. */
MUST_CHECK enum err secret_dh(const uint8_t secret[32], const struct id32 *public_key, uint8_t out[32]);

/* SIGN and its check, SPEC 1.4; domain is ASCII. */
void secret_sign(const uint8_t secret[64], const char *domain, struct slice x, uint8_t out[64]);
MUST_CHECK enum err secret_verify(
	const struct id32 *public_key, const char *domain, struct slice x, const uint8_t signature[64]);

/* WRAP, SPEC 2.4. ERR_DECRYPT: recipient is a bad key / does not open. */
MUST_CHECK enum err secret_wrap(const struct random_source *rnd, const struct id32 *recipient,
	const struct id32 *context, const uint8_t secret[32], uint8_t out[WRAP_BYTES]);
MUST_CHECK enum err secret_unwrap(const uint8_t recipient_secret[32], const struct id32 *recipient,
	const struct id32 *context, const uint8_t box[WRAP_BYTES], uint8_t out[32]);

/* AEAD(k, x): out has n + 16 / n - 16 bytes. May work in place. */
void secret_seal(
	const uint8_t key[32], const void *ad, size_t ad_n, const uint8_t *in, size_t n, uint8_t *out);
MUST_CHECK enum err secret_open(const uint8_t key[32], const void *ad, size_t ad_n, const uint8_t *in,
	size_t n, uint8_t *out); /* ERR_DECRYPT */

#endif
