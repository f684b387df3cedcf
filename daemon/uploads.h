/* uploads.h -- files that were sent here and wait for the entry that attaches them: encrypted, hashed, named, in the store. SPEC.md section 6.
 *
 * Memory only: what no entry attaches within UPLOAD_S is dropped. Loop thread (also from a desk). */
#ifndef QUIRE_DAEMON_UPLOADS_H
#define QUIRE_DAEMON_UPLOADS_H

#include "api.h"
#include "protocol/log/record.h"

#define UPLOADS_MAX 256u
#define UPLOAD_S 3600u
#define UPLOAD_ID_BYTES 33 /* 32 digits and NUL */

/* Takes one in. blob->name and type are copied. ERR_LIMIT: too many wait. */
MUST_CHECK enum err uploads_put(
	struct node *n, const struct id32 *owner, const struct record_blob *blob, char id[UPLOAD_ID_BYTES]);
/* ERR_NOT_FOUND: unknown, somebody else's, or expired. *blob borrows until uploads_done. */
MUST_CHECK enum err uploads_get(const char *id, const struct id32 *owner, struct record_blob *blob);
/* An entry attaches it now: it is forgotten here, and stays in the store. */
void uploads_done(const char *id);

/* The media type by the first bytes: a short list, text if all of it is, else application/octet-stream. */
const char *uploads_type(struct slice first);

#endif
