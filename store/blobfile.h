/* blobfile.h -- blob content in files: blobs/ab/abcdef….part while it grows, without .part when complete. No SQL; any thread.
 * Order of durability: chunks, fdatasync, then the bitmap (BLOB_HAVE); at the end fsync, link to the final name, fsync of the folder, then BLOB_DONE. */
#ifndef QUIRE_BLOBFILE_H
#define QUIRE_BLOBFILE_H

#include "bytes.h"
#include "bounds.h"

/* A new file for a blob whose root is not known yet (upload); O_TMPFILE or an unlinked temporary name. fd is closed by the caller. ERR_IO, ERR_FULL. */
MUST_CHECK enum err blobfile_temp(const char *home, int *fd);
/* Opens the growing file of a blob (made if not there) / the complete file / the complete one, or else the growing one, for reading.
 * ERR_NOT_FOUND, ERR_IO, ERR_FULL. */
MUST_CHECK enum err blobfile_open_part(const char *home, const struct id32 *root, int *fd);
MUST_CHECK enum err blobfile_open(const char *home, const struct id32 *root, int *fd);
MUST_CHECK enum err blobfile_open_any(const char *home, const struct id32 *root, int *fd);
/* Chunk i at i * 65,552; n bytes of it, or of several one behind the other. ERR_IO, ERR_FULL; read: ERR_CORRUPT if the file is shorter. */
MUST_CHECK enum err blobfile_write_chunk(int fd, uint64_t index, const uint8_t *p, size_t n);
MUST_CHECK enum err blobfile_read_chunk(int fd, uint64_t index, uint8_t *p, size_t n);
/* What was written to the growing file, and its name. */
MUST_CHECK enum err blobfile_sync(const char *home, const struct id32 *root, int fd);
/* Gives a temporary file (from blobfile_temp, fd) or the .part file (fd -1) its final name, durably. Exists already: fine. */
MUST_CHECK enum err blobfile_publish(const char *home, const struct id32 *root, int fd);
void blobfile_remove(const char *home, const struct id32 *root); /* both names */
/* At a start: uploads that a crash cut off, where they had a name. */
void blobfile_drop_temporaries(const char *home);
/* Every file under blobs/: for the integrity check. */
MUST_CHECK enum err blobfile_each(const char *home,
	void (*file)(void *ctx, const struct id32 *root, bool part, uint64_t bytes), void *ctx);

#endif
