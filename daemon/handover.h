/* handover.h -- what is open under a definition, handed on to its reviewers: at an appointment, and, without being asked, to them and to officers what comes
 * later to the issuer from somebody who did not know of them, or was there before. SPEC.md sections 5.4 and 16.4. On a desk.
 *
 * What the issuer's own logs hold says what was handed on (shares.h): nothing is handed on to anybody twice, whatever stopped in between.
 * Of the act only `desk` and `why` are used. */
#ifndef QUIRE_DAEMON_HANDOVER_H
#define QUIRE_DAEMON_HANDOVER_H

#include "catalogue.h"

#define HANDOVER_KEYS_MAX \
	BOOK_KEYS_OF_ONE_MAX /* of which the reviewer's book takes no more from one identity */
#define HANDOVER_DUE_KEYS_MAX 4096u /* in one go, each for up to 64 reviewers */
#define HANDOVER_PANELS_MAX 64u

struct handover {
	size_t submissions, keys;
	bool cut_short; /* there was more than found room */
};

/* The institution's session s writes `share` records, sealed to the reviewer: the content keys of all submissions at hand that the definition, or one that
 * descends from it, asked for and that nobody has decided, of what these revise, of manifests, evidence, claims and reviews; but for those that he was handed before, and those that a submission hands on itself.
 * Under desk_lock_shares().
 * Those of audience_add and writing_put, said; ERR_LOCKED: the session has ended; the store's, ERR_MEMORY. */
MUST_CHECK enum err handover_write(struct act *a, struct sessions *ss, struct session *s,
	const struct entry_ref *definition, const struct id32 *reviewer, struct handover *out);

/* Does it wait for a decision? */
static inline bool handover_is_open(const struct submission_judgement *j)
{
	return j->definition && (j->state == SUBMISSION_SUBMITTED || j->state == SUBMISSION_CLAIMED);
}

/* Does it count? Then what is said of it is handed on to those who have got it. */
static inline bool handover_counts(const struct submission_judgement *j)
{
	return j->definition && j->submission && j->state != SUBMISSION_UNKNOWN;
}

/* ---- without being asked */

/* A submission. */
struct handover_open {
	struct entry_ref at;
	struct id32 stand; /* handover_stand() */
	bool done; /* as it stands, nothing more is to be handed on */
};

/* Officers and reviewers of definitions that were met in one look; a zeroed one is empty. */
struct handover_panels {
	size_t n;
	struct {
		struct id32 definition, sum;
	} at[HANDOVER_PANELS_MAX];
};

/* On the pool: all that handing on of this submission rests on, its facts, its reviewers, the officers and the issuer's key events: as long as it stays the same, nothing new is to be done.
 * ERR_MEMORY, the store's. */
MUST_CHECK enum err handover_stand(struct catalogue *c, struct handover_panels *panels,
	const struct gathered *case_of, const struct submission_judgement *judged, struct id32 *stand);
/* Hands on of these submissions what their reviewers and the officers lack: of one that waits for a decision all of them, of one that is met the officers, and of
 * any those who have got it;
 *  at most HANDOVER_DUE_KEYS_MAX keys; out->cut_short: there is more. Sets `done`.
 * Takes desk_lock_shares(). The errors of handover_write; ERR_LIMIT: more was handed on than can be remembered (SHARES_MAX). */
MUST_CHECK enum err handover_due(struct act *a, struct sessions *ss, struct session *s,
	struct handover_open *open, size_t n, struct handover *out);

#endif
