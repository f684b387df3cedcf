/* chance.c -- what the engine draws by chance, from the secret seed that its driver gave: nobody else can guess it, and a simulator can repeat it. */
#include "engine_int.h"

#include <sodium.h>

void engine_fill(struct engine *e, uint8_t *out, size_t n)
{
	uint8_t nonce[crypto_stream_chacha20_NONCEBYTES];
	be64_put(nonce, ++e->chances);
	crypto_stream_chacha20(out, n, nonce, e->config.seed);
}

uint64_t engine_chance(struct engine *e, uint64_t below)
{
	uint8_t b[8];
	engine_fill(e, b, sizeof b);
	return below ? be64_get(b) % below : 0;
}
