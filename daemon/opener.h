/* opener.h -- opens bodies: clear ones for anybody, sealed ones with the reading keys of a session. SPEC.md section 5. Any one thread. */
#ifndef QUIRE_DAEMON_OPENER_H
#define QUIRE_DAEMON_OPENER_H

#include "keyring.h"
#include "store/store.h"

struct opener;

/* Copies the reading keys; keys NULL: nobody is signed in. NULL: out of memory. */
struct opener *opener_new(const struct keyring *keys);
void opener_free(struct opener *o);

/* Appends the record of an entry of that author's log. ERR_LOCKED: sealed, and not for us; ERR_ERASED; ERR_PENDING: the body is not here;
 * ERR_REFUSED: withheld; ERR_FORMAT, ERR_DECRYPT: the body is not what it should be; ERR_MEMORY. */
MUST_CHECK enum err opener_open(struct opener *o, struct store *s, const struct id32 *author,
	const struct id32 *log, const struct store_part *part, struct buf *record);

#endif
