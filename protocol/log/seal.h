/* seal.h -- bodies that only named readers can open. SPEC.md section 5. */
#ifndef QUIRE_SEAL_H
#define QUIRE_SEAL_H

#include "bytes.h"
#include "bounds.h"
#include "random.h"

/* SPEC 5.3: the Padme length of n, never over LIMIT_BODY_BYTES (n must not be over it). */
size_t seal_padded(size_t n);
/* The most bytes that a record may have with this many readers (author included). */
size_t seal_record_max(size_t readers);

/* Builds a whole body (salt and content) from a record. readers: reading keys, author's own among them or added; duplicates are folded.
 * content_key (32 bytes, may be NULL) receives the key. ERR_LIMIT: record too long, too many readers; ERR_DECRYPT: a reader's key is bad; ERR_MEMORY. */
MUST_CHECK enum err seal_body(const struct random_source *rnd, const uint8_t author_reading_secret[32],
	const struct id32 *log, const struct id32 *readers, size_t readers_n, struct slice record,
	struct buf *body, uint8_t content_key[32]);
/* A clear body: random salt and record. ERR_LIMIT, ERR_MEMORY. */
MUST_CHECK enum err seal_clear_body(const struct random_source *rnd, struct slice record, struct buf *body);

/* What one reader and one author share, computed once for each pair (SPEC 5.2). */
struct seal_pair {
	uint8_t d[32];
	uint8_t reading_secret[32];
	struct id32 reading_key;
};
MUST_CHECK enum err seal_pair_init(struct seal_pair *p, const uint8_t reading_secret[32],
	const struct id32 *author_reading_key); /* ERR_DECRYPT */

/* Is there a slot for this pair? Cheap (0.3 us and a scan). False for malformed bodies. */
bool seal_hint_matches(const struct seal_pair *p, struct slice body);
/* Opens; the record (unpadded, checked by mp_check_prefix) is appended to *record. content_key may be NULL. ERR_NOT_FOUND: no slot; ERR_DECRYPT; ERR_FORMAT; ERR_MEMORY. */
MUST_CHECK enum err seal_open(const struct seal_pair *p, const struct id32 *log, struct slice body,
	struct buf *record, uint8_t content_key[32]);
/* With the content key alone (shared later, SPEC 5.4). */
MUST_CHECK enum err seal_open_key(
	const uint8_t content_key[32], const struct id32 *log, struct slice body, struct buf *record);

#endif
