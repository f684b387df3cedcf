/* submission.h -- one submission as somebody sees it: gathered, judged, and as JSON. SPEC.md sections 16.5 to 16.7. On a pool thread, inside of catalogue_ask(). */
#ifndef QUIRE_DAEMON_SUBMISSION_H
#define QUIRE_DAEMON_SUBMISSION_H

#include "audience.h"
#include "catalogue.h"

/* Some 60 KB, so it is allocated. */
struct submission {
	struct entry_ref at, definition_at; /* definition_at: that it names */
	struct gathered g;
	struct submission_judgement j;
	const struct fact *fact; /* of its entry */
	bool defined; /* d is there: the definition is at hand, and sound */
	struct definition d;
	uint32_t now; /* hours since 1970 */
};

/* at->id must be the entry's. Said: ERR_NOT_FOUND: it is no submission, or cannot be opened here. ERR_MEMORY, the store's. */
MUST_CHECK enum err submission_open(struct catalogue *c, const struct entry_ref *at, struct submission **out);
void submission_close(struct submission *s); /* NULL is fine */

/* Its state, or "overdue" in the place of submitted and claimed (SPEC 16.7). */
const char *submission_shown(const struct submission *s);
/* SPEC 16.7: "the days of the definition have passed since the submission's hour" */
bool submission_overdue(const struct submission *s);
/* Whole days until then; below zero: so many over. 0 without a definition. */
int64_t submission_days_left(const struct submission *s);
/* Has this identity written a review that is heard, a claim that is active? NULL: none. */
const struct judge_review *submission_review_of(const struct submission *s, const struct id32 *reviewer);
const struct fact *submission_claim_of(const struct submission *s, const struct id32 *reviewer);
/* How many reviewers have claims of it that are active: whoever writes several takes one place. */
unsigned submission_at_work(const struct submission *s);
/* How many more have to review before it can be decided: at least 1. */
unsigned submission_seats(const struct submission *s);

/* Why somebody, who is signed in, may not review, in words; *why is empty if he may. Looks at the state, at appointments, and, unless he has claimed or reviewed it already, at who vouches for both (SPEC 16.6).
 * A review that is heard may be replaced by its writer also when it has decided, until there is an award or another submission in its place. */
MUST_CHECK enum err submission_bar(struct catalogue *c, const struct submission *s,
	const struct id32 *reviewer, char why[ACT_WHY_BYTES]);

/* Who would be able to read what is sealed to the panel of a definition: {"id", "name", "role", …}, and who would not: with "why" besides.
 * earner (may be NULL) is among them. Both lists are the caller's. ERR_NOT_FOUND: the definition is not at hand. */
MUST_CHECK enum err submission_readers(struct catalogue *c, const struct entry_ref *definition,
	const struct id32 *issuer, const struct id32 *earner, json_t **readers, json_t **skipped);

/* Appends [kind, {"of": of, "to": …}]: a claim, a release, a withdraw. ERR_MEMORY. Any thread. */
MUST_CHECK enum err submission_pointing(
	const char *kind, const struct entry_ref *of, const struct audience *to, struct buf *record);

/* ---- submission_json.c */

/* One in a list: "ref", "id", "state", "definition", "title", "earner", "issuer", "hour", "reviews_needed", "met", "not_yet" … */
MUST_CHECK enum err submission_item(struct catalogue *c, const struct submission *s, json_t **out);
/* All of it: what was submitted for each requirement, the rubric, reviews, claims, attempts, and what does not count. */
MUST_CHECK enum err submission_json(struct catalogue *c, const struct submission *s, json_t **out);
/* The same item, written into `out` as members: what a list of reviewers needs besides. me: whose queue it is. */
MUST_CHECK enum err submission_for_reviewer(
	struct catalogue *c, const struct submission *s, const struct id32 *me, json_t *out);

#endif
