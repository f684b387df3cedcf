/* random.h -- where random bytes come from: injected, so that one seed replays a whole run. */
#ifndef QUIRE_RANDOM_H
#define QUIRE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Fills out[0..n) and cannot fail. In the daemon libsodium's randombytes_buf, in the simulator a seeded stream. */
struct random_source {
	void (*fill)(void *ctx, uint8_t *out, size_t n);
	void *ctx;
};

static inline void random_fill(const struct random_source *r, void *out, size_t n)
{
	r->fill(r->ctx, (uint8_t *)out, n);
}

#endif
