/* reconcile.h -- parts of reconciliation that its files share: reading rows into an index, chance. SPEC.md section 10.8. */
#ifndef QUIRE_RECONCILE_H
#define QUIRE_RECONCILE_H

#include "engine_int.h"
#include "ranges.h"

#define RECONCILE_ROWS_MIN 64 /* with no more rows a listing is cheaper */
#define RECONCILE_SHARE 10 /* and with so many times the rows of the peer */
#define RECONCILE_ASKING_MAX 2 /* indexes for asking at once, all peers together; others wait */
#define RECONCILE_ASKING_MS \
	120000u /* for one node in all, a tenth of the time comes back; then it is listed */
#define RECONCILE_WAITING_MS 10000 /* for a place among those that ask: then it is listed too */
#define RECONCILE_FRONTIER_MAX 32768 /* prefixes that wait to be asked */
#define RECONCILE_AUDIT_MS 3600000
#define RECONCILE_AUDIT_ROWS 1024 /* told by one audit */
#define RANGES_PAGE 1024 /* rows read at once */
#define RANGES_ANSWERING_MAX 4 /* indexes for answering at once */
#define RANGES_ANSWERING_MS 1000 /* one more may be begun after each such time … */
#define RANGES_ANSWERING_BURST 8 /* … and so many at once */
#define RECONCILE_ANSWER_ROWS 1000000u /* read for one node's indexes at once … */
#define RECONCILE_ANSWER_ROWS_PER_MS 2u /* … and so many come back */
#define RECONCILE_ANSWER_SHARE \
	(RECONCILE_ANSWER_ROWS / 8) /* taken for one index until it is built: it may never be */
#define RECONCILE_ANSWER_ROWS_MIN 1000u /* what an index costs beside its rows */
#define RANGES_NONCE_MS 60000 /* between two nonces on one connection */
#define RANGES_IDLE_MS 30000 /* without a request: then the index goes */
#define MISSING_PAGE 64 /* logs whose bodies are asked for at once */

/* Rows that may be told to the peer, page by page; those that are items go into the index. */
struct ranges_read {
	struct ranges *index; /* NULL while a work request has it */
	uint64_t cursor;
	uint64_t number; /* the last change when reading began */
	bool begun, more;
	/* A row that is no item: of an identity that only the peer follows, or one that is withheld. May be NULL. */
	void (*other)(struct session *s, const struct store_row *row, bool withheld);
	/* The index is complete (OK), or there is none. */
	void (*done)(struct session *s, enum err err);
};

/* Begins to read; r stays where it is until done is called, or for ever if the session closes. */
void ranges_read_begin(struct session *s, struct ranges_read *r, const uint8_t nonce[RANGES_NONCE_BYTES]);

/* reconcile_budget.c: of one node, over all its connections. */
uint64_t reconcile_asking_left(struct engine *e, const struct id32 *node); /* ms; 0: list */
void reconcile_asking_spent(struct engine *e, const struct id32 *node, uint64_t ms);
bool reconcile_answer_begin(
	struct engine *e, const struct id32 *node); /* one more index; false: too much of late */
void reconcile_answer_built(struct engine *e, const struct id32 *node, uint64_t rows); /* so much it was */

#endif
