/* shares.h -- which content keys the `share` records in an identity's own logs have handed on, and to whom (SPEC.md section 16.4): read from these logs, so that
 * it is true after a restart and after a crash. On a pool thread; one at a time: under desk_lock_shares(). */
#ifndef QUIRE_DAEMON_SHARES_H
#define QUIRE_DAEMON_SHARES_H

#include "book.h"

#define SHARES_MAX 262144u /* pairs of reader and entry: 8 MB */

struct shares;

struct shares *shares_new(void); /* NULL: out of memory */
void shares_free(struct shares *s); /* NULL is fine */

/* Reads what has been added to the logs of `by`, whose book it is, as far as these count; all anew if one of them was cut. ERR_MEMORY; the store's. */
MUST_CHECK enum err shares_catch_up(
	struct shares *s, struct book *b, struct store *reader, const struct id32 *by);
bool shares_has(const struct shares *s, const struct id32 *reader, const struct id32 *entry);
/* Notes what is about to be written; if it is not written after all, `s` is to be thrown away. ERR_LIMIT: there are SHARES_MAX; ERR_MEMORY. */
MUST_CHECK enum err shares_add(struct shares *s, const struct id32 *reader, const struct id32 *entry);

#endif
