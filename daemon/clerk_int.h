/* clerk_int.h -- the parts of the clerk: clerk.c (when, and doing), clerk_look.c (what there is to do). */
#ifndef QUIRE_DAEMON_CLERK_INT_H
#define QUIRE_DAEMON_CLERK_INT_H

#include "handover.h"

#define SLICE_NS 100000000u /* one look ends behind this */
#define WORK_MAX 1024u /* of one kind in one look */

/* What was seen of a submission; zeros: nothing. */
struct clerk_seen {
	struct id32 settled; /* its reviews, when nothing was left to do */
	struct id32 handed; /* handover_stand(), when it was handed on */
};

struct clerk_review {
	struct entry_ref at;
	size_t award; /* one of clerk_work.awards that takes it up too, or SIZE_MAX */
};

/* What one look finds for one institution. */
struct clerk_work {
	struct idmap *memory; /* struct clerk_seen of submissions: at most 14 MB */
	const struct id32 *me;
	struct cases_walk *walk;
	uint64_t took_ns;
	size_t awards_n, reviews_n, open_n;
	struct entry_ref awards[WORK_MAX];
	struct clerk_review reviews[WORK_MAX];
	bool more; /* reviews found no room */
	struct handover_open open[WORK_MAX]; /* that stand as they did not before */
	struct handover_panels panels;
	struct submission_judgement judged;
};

/* A part of the walk. ctx: a struct clerk_work. ERR_MEMORY, the store's. */
MUST_CHECK enum err clerk_look(struct catalogue *c, void *ctx);
/* Those of w->open that are done are not thought of again as long as they stand as they do. */
void clerk_remember(struct clerk_work *w);

#endif
