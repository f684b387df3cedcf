/* handover_int.h -- the parts of handing on: handover.c (at an appointment; writing), handover_case.c (what belongs to one submission), handover_due.c (without being asked). */
#ifndef QUIRE_DAEMON_HANDOVER_INT_H
#define QUIRE_DAEMON_HANDOVER_INT_H

#include "handover.h"
#include "shares.h"

#define READERS_MAX 64u /* SPEC 13: "`to` (ids, 1..64)" */

struct content_key {
	struct entry_ref of;
	uint64_t to; /* a bit for each of gathering.who; 0: written */
	uint8_t key[32];
};

/* One going over what is open, on the pool. */
struct gathering {
	bool heed_to; /* what names somebody in its `to` is not for him */
	struct id32 issuer;
	struct shares *shares;
	bool caught_up; /* shares are */
	size_t panel_n; /* whom it may go to, of the submission at hand */
	const struct id32 *panel;
	size_t who_n; /* who gets anything at all */
	struct id32 who[READERS_MAX];
	size_t max;
	struct content_key *keys; /* sodium_malloc: max */
	struct handover *out; /* out->keys: how many keys there are */
	struct submission_judgement *judged;
};

/* Keeps of the panel, behind the `first`, those who have got the submission that was judged: it is sealed to them, or was handed on to them. The errors of handover_case. */
MUST_CHECK enum err handover_have(
	struct catalogue *c, struct gathering *g, struct id32 *panel, size_t first, size_t *n);
/* What is to be handed on of a submission to its panel, g->judged being its judgement. What does not fit is left out: out->cut_short.
 * ERR_MEMORY, the store's; heed_to: ERR_LIMIT: no more can be remembered of what was handed on. */
MUST_CHECK enum err handover_case(struct catalogue *c, struct gathering *g, const struct gathered *case_of);

/* Keys for `max`, and the session's shares. handover_end() it, also on error. ERR_MEMORY. */
MUST_CHECK enum err handover_begin(struct gathering *g, struct session *s, size_t max, struct handover *out);
/* Writes what was gathered, if e is OK; after an error the session's shares are read anew. Returns e, or what went wrong. */
MUST_CHECK enum err handover_end(struct act *a, struct session *s, struct gathering *g, enum err e);

#endif
