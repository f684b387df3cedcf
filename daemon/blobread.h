/* blobread.h -- a whole blob, decrypted into memory. SPEC.md section 6. On a pool thread. */
#ifndef QUIRE_DAEMON_BLOBREAD_H
#define QUIRE_DAEMON_BLOBREAD_H

#include "protocol/log/record.h"
#include "store/store.h"

/* Appends it. ERR_LIMIT: larger than max bytes; ERR_NOT_FOUND, ERR_PENDING: it is not here, or not all of it; ERR_DECRYPT: the key is another's; ERR_CORRUPT, ERR_IO, ERR_MEMORY. */
MUST_CHECK enum err blobread_all(
	struct store *s, const char *home, const struct record_blob *blob, size_t max, struct buf *out);

#endif
