/* seeded_random.h -- a random_source that one number fixes, for tests and vectors: ChaCha20 under the seed, a new nonce at each call. */
#ifndef QUIRE_TESTS_SEEDED_RANDOM_H
#define QUIRE_TESTS_SEEDED_RANDOM_H

#include "random.h"

struct seeded_random {
	uint64_t seed;
	uint64_t calls;
};

/* Borrows *r, which may be copied to draw the same bytes twice. */
struct random_source seeded_random_source(struct seeded_random *r);

#endif
