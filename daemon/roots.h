/* roots.h -- the identities that this node's operator trusts: HOME/roots, a text with one id a line. SPEC.md section 18.
 *
 * A line is 64 hexadecimal digits, perhaps with spaces and a comment from # on behind; empty lines and lines of comments are left as they are.
 * Any thread; who changes the file holds the desk's lock, or is alone. */
#ifndef QUIRE_DAEMON_ROOTS_H
#define QUIRE_DAEMON_ROOTS_H

#include "bytes.h"

#define ROOTS_MAX 256u /* as many as a verdict asks for: protocol/award/verdict.h */
#define ROOTS_BYTES_MAX 131072u

/* At most max, each once, in the file's order; *n: how many. No file: none. ERR_FORMAT: a line is not as above; ERR_LIMIT: more than max, or a file that is too long;
 * ERR_IO, ERR_MEMORY. line (may be NULL): the one that is wrong. */
MUST_CHECK enum err roots_read(const char *home, struct id32 *ids, size_t max, size_t *n, unsigned *line);
/* Adds a line, durably; comment (may be NULL) behind it, cleaned of what would end it. ERR_EXISTS: it is there; those of roots_read, ERR_FULL. */
MUST_CHECK enum err roots_add(const char *home, const struct id32 *id, const char *comment);
/* Takes its lines out. ERR_NOT_FOUND; those of roots_read, ERR_FULL. */
MUST_CHECK enum err roots_remove(const char *home, const struct id32 *id);

#endif
