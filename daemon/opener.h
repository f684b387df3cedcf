/* opener.h -- opens bodies: clear ones for anybody, sealed ones with the reading keys of a session. SPEC.md section 5. Any one thread. */
#ifndef QUIRE_DAEMON_OPENER_H
#define QUIRE_DAEMON_OPENER_H

#include "keyring.h"
#include "store/store.h"

struct opener;

/* Copies the reading keys; keys NULL: nobody is signed in. NULL: out of memory. */
struct opener *opener_new(const struct keyring *keys);
struct opener *opener_new_with(
	const struct identity_reading *readings, size_t n); /* n: at most IDENTITY_READINGS_MAX */
void opener_free(struct opener *o);

/* Content keys that were handed on (SPEC 5.4): the i-th that is known for this entry; false: there are no more. Some may be wrong. */
typedef bool (*opener_key)(void *ctx, const struct entry_ref *entry, size_t i, uint8_t key[32]);
void opener_keys(struct opener *o, opener_key find, void *ctx);

/* Appends the record of an entry of that author's log. ERR_LOCKED: sealed, and not for us; ERR_ERASED; ERR_PENDING: the body is not here;
 * ERR_REFUSED: withheld; ERR_FORMAT, ERR_DECRYPT: the body is not what it should be; ERR_MEMORY. */
MUST_CHECK enum err opener_open(struct opener *o, struct store *s, const struct id32 *author,
	const struct id32 *log, const struct store_part *part, struct buf *record);
/* The same; content_key (may be NULL): of a sealed body; zeros for a clear one. */
MUST_CHECK enum err opener_open_key(struct opener *o, struct store *s, const struct id32 *author,
	const struct id32 *log, const struct store_part *part, struct buf *record, uint8_t content_key[32]);

/* With how many pairs of reading keys, ours and the author's, it tries bodies of this author. 0 also where the author's key events are not here. */
MUST_CHECK enum err opener_pairs(struct opener *o, struct store *s, const struct id32 *author, size_t *n);

#endif
