/* upload_blob.h -- a file as it comes in becomes a blob: cut, encrypted, hashed, written. SPEC.md section 6. On a pool thread, one call at a time. */
#ifndef QUIRE_DAEMON_UPLOAD_BLOB_H
#define QUIRE_DAEMON_UPLOAD_BLOB_H

#include "bytes.h"

#define UPLOAD_SNIFF_BYTES 4096u

struct upload_blob;

/* home is borrowed. NULL: out of memory. */
struct upload_blob *upload_blob_new(const char *home, const struct id32 *owner);
/* Also drops what is not published. */
void upload_blob_free(struct upload_blob *u);
/* ERR_LIMIT: larger than any blob; ERR_IO, ERR_FULL, ERR_MEMORY. */
MUST_CHECK enum err upload_blob_feed(struct upload_blob *u, struct slice bytes);
/* The last chunk, the tree, and the file under its name, durably. */
MUST_CHECK enum err upload_blob_finish(struct upload_blob *u);

/* After the end. All borrowed. */
struct upload_result {
	struct id32 root;
	const uint8_t *key; /* 32 bytes, secret */
	uint64_t size;
	struct slice pages, leaves, content; /* content: of a small one, which has no file */
	struct slice first; /* the first bytes of the file, for its type */
};
struct upload_result upload_blob_result(const struct upload_blob *u);

#endif
