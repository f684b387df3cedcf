/* branches.h -- the histories of a forked log as this node knows them: from the proof and from what lies aside. SPEC.md section 4.4.
 *
 * A branch is a chain from the fork to an entry that no other known entry follows. On a desk. */
#ifndef QUIRE_DAEMON_BRANCHES_H
#define QUIRE_DAEMON_BRANCHES_H

#include "desk.h"

#define BRANCHES_MAX 16u /* shown of one log; the longest first */
#define BRANCH_ENTRIES_MAX 65536u /* of all branches of a log, that are looked at */

struct branch_entry {
	uint64_t seq;
	struct id32 id, prev;
	uint32_t hour;
	bool here; /* with its body, not only as a header of the proof */
	bool inner; /* another one follows it */
};

struct branch {
	struct id32 last; /* of its last entry */
	uint64_t length; /* seq of that + 1 */
	uint64_t entries, here; /* from the fork on; of these with their bodies */
	uint32_t first_hour, last_hour;
};

struct branches {
	struct id32 identity;
	uint64_t fork; /* the first seq at which they differ */
	uint64_t end; /* how many entries the log has now */
	bool own; /* this node writes it, or wrote it */
	size_t n;
	struct branch list[BRANCHES_MAX];
	size_t entries_n;
	struct branch_entry *entries; /* ascending by seq, then id */
};

/* Fills *out, which branches_deinit frees, also on error. ERR_NOT_FOUND: no such log here; ERR_STATE: it is not forked; ERR_MEMORY. */
MUST_CHECK enum err branches_find(struct desk *d, const struct id32 *log, struct branches *out);
void branches_deinit(struct branches *b);
/* Is the entry on the chain that ends with `last`? */
bool branches_on(const struct branches *b, const struct branch *of, const struct branch_entry *e);

#endif
