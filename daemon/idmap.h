/* idmap.h -- a value for each id. A hash table with open addressing, at most half full, by SipHash with a key of its own, so that nobody chooses its collisions.
 * One thread at a time. */
#ifndef QUIRE_DAEMON_IDMAP_H
#define QUIRE_DAEMON_IDMAP_H

#include "bytes.h"
#include "err.h"

#include <sodium.h>

#define IDMAP_MAX (UINT32_C(1) << 17) /* 5 MB, and the values */

/* A zeroed one is empty. */
struct idmap {
	uint8_t key[crypto_shorthash_KEYBYTES];
	size_t n, cap; /* cap: of slots, a power of two; half as many ids have room */
	struct id32 *ids; /* in the order in which they came */
	uint8_t *values;
	uint32_t *slots; /* place among the ids + 1; 0: free */
};

void idmap_free(struct idmap *m); /* empty again */
/* Its value of so many bytes, always the same of one map, zeros if it is new; good until the next one. ERR_LIMIT: there are IDMAP_MAX; ERR_MEMORY. */
MUST_CHECK enum err idmap_put(struct idmap *m, const struct id32 *id, size_t bytes, void **value);

#endif
