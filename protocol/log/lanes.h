/* lanes.h -- the leaves of up to eight chunks, hashed side by side in the lanes of one vector unit. SPEC.md sections 1.3 and 6.2.
 *
 * The same bytes as blob_leaf() gives, at a fraction of the time where the processor has such a unit. Pure, any thread. */
#ifndef QUIRE_LANES_H
#define QUIRE_LANES_H

#include "bytes.h"

#define LANES 8u

enum lanes_by { LANES_PLAIN, LANES_AVX2, LANES_AVX512 };

/* The best that this processor has; each kind before it works as well. */
enum lanes_by lanes_best(void);
/* Leaves first … first + count - 1 of chunks of n bytes each, one behind the other. count: at most LANES. */
void lanes_leaves(
	enum lanes_by by, uint64_t first, const uint8_t *chunks, size_t n, size_t count, struct id32 *out);

#endif
