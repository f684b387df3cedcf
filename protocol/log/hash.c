/* hash.c -- see hash.h. */
#include "protocol/log/hash.h"

#include <sodium.h>

/* SPEC 1.3: "the 16-byte *personalisation* `P`: the ASCII name filled up with zero bytes" */
struct personal {
	uint8_t b[crypto_generichash_blake2b_PERSONALBYTES];
};

static struct personal personal_of(const char *name)
{
	struct personal p = {{0}};
	size_t n = strlen(name);
	if (n > sizeof p.b)
		abort();
	memcpy(p.b, name, n);
	return p;
}

struct id32 hash_bytes(const char *personal, const void *p, size_t n)
{
	struct personal pers = personal_of(personal);
	struct id32 r;
	if (crypto_generichash_blake2b_salt_personal(r.b, sizeof r.b, p, n, NULL, 0, NULL, pers.b) != 0)
		abort();
	return r;
}

struct id32 hash_parts(const char *personal, const struct slice *parts, size_t n)
{
	struct personal pers = personal_of(personal);
	crypto_generichash_blake2b_state state;
	struct id32 r;
	if (crypto_generichash_blake2b_init_salt_personal(&state, NULL, 0, sizeof r.b, NULL, pers.b) != 0)
		abort();
	for (size_t i = 0; i < n; i++)
		if (parts[i].n)
			crypto_generichash_blake2b_update(&state, parts[i].p, parts[i].n);
	crypto_generichash_blake2b_final(&state, r.b, sizeof r.b);
	sodium_memzero(&state, sizeof state); /* what it hashed may be a secret */
	return r;
}
