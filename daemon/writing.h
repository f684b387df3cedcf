/* writing.h -- one entry, from record to log: its body in the clear or sealed, then appended. SPEC.md sections 4.6 and 5. On a desk.
 *
 * Of the act only `desk` and `why` are used. */
#ifndef QUIRE_DAEMON_WRITING_H
#define QUIRE_DAEMON_WRITING_H

#include "audience.h"
#include "ownlog.h"

struct writing {
	const struct audience *to; /* the author's own reading key is added to what is sealed */
	struct slice envelope, record; /* borrowed */
	bool keep; /* it can never be erased: SPEC 16.2 says for which kinds */
};

/* Writes an entry of whoever owns o, an identity's own keyring or an institution's (&keyring->self). Where o's log may not be written any more,
 * another is begun (ownlog_ensure, which takes the desk's lock), and the entry stands in that one.
 *   ref          where it stands
 *   content_key  of a sealed body, to be handed on later; zeros for a clear one. May be NULL. Secret: wipe it
 * Nodes of readers that are not known to follow the author get a notice (telling.h).
 * The record must be well formed: ERR_FORMAT, ERR_RANGE or ERR_NOT_FOUND (a field) otherwise, said. Said as well: ERR_LIMIT: too long for one entry;
 * ERR_LOCKED: the current reading or signing key is not known here. ERR_CLOSED, ERR_FULL, ERR_IO, ERR_MEMORY. */
MUST_CHECK enum err writing_put(struct act *a, struct owner *o, const struct writing *w,
	struct entry_ref *ref, uint8_t content_key[32]);

#endif
