/* seeded_random.c -- see seeded_random.h. */
#include "seeded_random.h"
#include "bytes.h"

#include <sodium.h>

static void fill(void *ctx, uint8_t *out, size_t n)
{
	struct seeded_random *r = ctx;
	uint8_t key[crypto_stream_chacha20_KEYBYTES] = {0}, nonce[crypto_stream_chacha20_NONCEBYTES];
	be64_put(key, r->seed);
	be64_put(nonce, r->calls++);
	if (n)
		crypto_stream_chacha20(out, n, nonce, key);
}

struct random_source seeded_random_source(struct seeded_random *r)
{
	return (struct random_source){.fill = fill, .ctx = r};
}
