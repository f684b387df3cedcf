/* ranges.h -- range-based set reconciliation as a pure data structure: rows become items at places that a nonce spreads, prefixes of
 * places have fingerprints, and two sides find what differs by comparing them. SPEC.md section 10.8.
 *
 * ranges_new, ranges_add for each row, ranges_sort; from then on it only answers and compares. 48 bytes for each item. */
#ifndef QUIRE_RANGES_H
#define QUIRE_RANGES_H

#include "bytes.h"
#include "store_req.h"

#define RANGES_NONCE_BYTES 16
#define RANGES_PREFIX_BYTES 9
#define RANGES_PREFIXES_MAX 128 /* in one request */
#define RANGES_DEPTH_MAX 15
#define RANGES_FEW 32 /* items of one prefix that are listed, not summed */
#define RANGES_DEEPER 255 /* in the place of their number: 16 fingerprints follow */
#define RANGES_ITEMS_MAX 400000u

struct ranges;

struct ranges_prefix {
	uint64_t bits; /* the first 4 * depth bits of a place; the rest zero */
	unsigned depth; /* 0..15 */
};

/* What came of one comparison; appended to. Zeroed is empty; ranges_diff_deinit it. */
struct ranges_diff {
	struct ranges_prefix *deeper; /* to be asked next: our items in them are not the peer's */
	size_t deeper_n, deeper_cap;
	uint64_t *refs; /* of our items that the peer does not have so */
	size_t refs_n, refs_cap;
};

/* NULL: out of memory. */
struct ranges *ranges_new(const uint8_t nonce[RANGES_NONCE_BYTES]);
void ranges_free(struct ranges *r); /* accepts NULL */

/* An item for the row; ref is the caller's name for it. ERR_MEMORY, ERR_LIMIT (more than RANGES_ITEMS_MAX). Before ranges_sort. */
MUST_CHECK enum err ranges_add(struct ranges *r, const struct store_row *row, uint64_t ref);
void ranges_sort(struct ranges *r);

size_t ranges_count(const struct ranges *r);
const uint8_t *ranges_nonce(const struct ranges *r);
/* How many items the prefix holds, and their fingerprint. */
size_t ranges_prefix_count(const struct ranges *r, struct ranges_prefix p);
uint64_t ranges_fingerprint(const struct ranges *r, struct ranges_prefix p);

/* 1 to RANGES_PREFIXES_MAX whole prefixes, none with bits behind its depth? */
bool ranges_prefixes_sound(struct slice prefixes);
void ranges_prefix_put(uint8_t out[RANGES_PREFIX_BYTES], struct ranges_prefix p);
struct ranges_prefix ranges_prefix_get(const uint8_t in[RANGES_PREFIX_BYTES]);

/* Appends the answer to sound prefixes: at most 257 bytes each. ERR_MEMORY. */
MUST_CHECK enum err ranges_answer(const struct ranges *r, struct slice prefixes, struct buf *out);
/* Our items against a peer's answer to these sound prefixes. ERR_FORMAT: it is no answer to them; ERR_MEMORY. In both cases what was appended is
 * of no use. */
MUST_CHECK enum err ranges_compare(
	const struct ranges *r, struct slice prefixes, struct slice answer, struct ranges_diff *out);
MUST_CHECK enum err ranges_diff_ref(struct ranges_diff *d, uint64_t ref); /* ERR_MEMORY */
MUST_CHECK enum err ranges_diff_deeper(struct ranges_diff *d, struct ranges_prefix p); /* ERR_MEMORY */
void ranges_diff_deinit(struct ranges_diff *d);

#endif
