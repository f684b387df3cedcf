/* awards.h -- awards made, accepted, shown and taken back. SPEC.md sections 16.8 and 17.5. On a desk.
 *
 * Nothing that does not count is ever written: an award is judged before it stands anywhere. */
#ifndef QUIRE_DAEMON_AWARDS_H
#define QUIRE_DAEMON_AWARDS_H

#include "catalogue.h"
#include "institution.h"

#define AWARD_URN_BYTES 96u

struct award_wish {
	struct id32 institution; /* whose definition was submitted for */
	struct entry_ref submission;
	bool only_automatic; /* nothing is made unless the definition says that it is countersigned without an officer */
};

struct award_made {
	struct entry_ref at;
	bool already; /* an award that counts and is not revoked was there, and at points to it */
	struct id32 earner;
	size_t reviews;
	char urn[AWARD_URN_BYTES]; /* of the credential */
	size_t readers, skipped; /* of the new entry; skipped: of the panel, could not be sealed to */
};

/* Judges the submission, takes the reviews that decide so, signs the credential with the badge key in force, and writes the award for `who`, the institution or
 * an officer of it, sealed to the panel, the earner and the reviewers. A submission that was awarded already is not awarded twice, unless that one was revoked.
 * Of the act only `desk` and `why` are used. Said:
 *   ERR_STATE      its state is not met; not automatic; the award would not count
 *   ERR_NOT_FOUND  it is not at hand for the institution
 *   ERR_BUSY       it is being countersigned just now
 *   ERR_LOCKED     no session of the institution is open here, or its badge key in force is not known here
 *   ERR_LIMIT      the credential is too long for one entry
 * and those of institution_act and audience_panel. */
MUST_CHECK enum err award_make(struct act *a, struct sessions *ss, struct keyring *who,
	const struct award_wish *wish, struct award_made *out);

/* ---- parts */

/* The award as the session sees it, judged. Good while fn runs; g and j are the caller's to free (awards_look_free). */
struct award_look {
	struct gathered g;
	struct award_judgement *j;
};
/* On a pool thread. Said: ERR_NOT_FOUND: it is no award that can be read here. */
MUST_CHECK enum err awards_look(struct catalogue *c, const struct entry_ref *at, struct award_look *out);
void awards_look_free(struct award_look *l); /* accepts a zeroed one */
/* The reviews that an award's record names: at most max. */
size_t awards_reviews(const struct fact *award, struct entry_ref *out, size_t max);

#endif
