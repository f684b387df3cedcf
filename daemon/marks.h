/* marks.h -- how far an identity's logs reach on this node: what an end marks as before it. SPEC.md sections 3.3 and 16.2. On a desk. */
#ifndef QUIRE_DAEMON_MARKS_H
#define QUIRE_DAEMON_MARKS_H

#include "desk.h"

#include <jansson.h>

struct marks {
	struct keyset_mark at[LIMIT_END_MARKS]; /* logs in force first, then the longest */
	size_t n, unmarked; /* unmarked: logs that found no room */
};

/* v: what is in force of that identity. The store's errors, ERR_MEMORY. */
MUST_CHECK enum err marks_find(
	struct desk *d, const struct id32 *identity, const struct keyset_view *v, struct marks *m);
/* The same, ascending by log, as a record has them. */
void marks_sort(struct marks *m);
/* [{"log", "length", "last"}]; NULL: out of memory. */
json_t *marks_json(const struct marks *m);

#endif
