/* clerk_int.h -- the parts of the clerk: clerk.c (when, and doing), clerk_look.c (what there is to do). */
#ifndef QUIRE_DAEMON_CLERK_INT_H
#define QUIRE_DAEMON_CLERK_INT_H

#include "handover.h"

#define WORK_MAX 256u /* of one kind in one go; the rest comes in the next */
#define SETTLED_SLOTS 4096u

/* A submission with nothing left to do, as long as what is at hand of it stays the same. */
struct settled {
	struct id32 submission, stand;
};

/* By the first bytes of the submission's id: where these say, or a little behind. */
struct clerk_memory {
	struct settled settled[SETTLED_SLOTS]; /* stand: its reviews */
	struct settled handed[SETTLED_SLOTS]; /* stand: handover_stand() */
};

/* What one look finds for one institution. */
struct clerk_work {
	struct clerk_memory *memory;
	const struct id32 *me;
	size_t awards_n, reviews_n;
	struct entry_ref awards[WORK_MAX], reviews[WORK_MAX];
	bool more;
	size_t open_n;
	struct handover_open open[CASES_LIST_MAX]; /* that stand as they did not before; newest first */
	struct handover_panels panels;
	struct submission_judgement judged;
};

/* ctx: a struct clerk_work. ERR_MEMORY, the store's. */
MUST_CHECK enum err clerk_look(struct catalogue *c, void *ctx);
/* Those of w->open that are done are not thought of again as long as they stand as they do. */
void clerk_remember(struct clerk_work *w);

#endif
