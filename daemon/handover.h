/* handover.h -- what is open under a definition, handed on to a reviewer who was appointed later. SPEC.md sections 5.4 and 16.4. On a desk. */
#ifndef QUIRE_DAEMON_HANDOVER_H
#define QUIRE_DAEMON_HANDOVER_H

#include "catalogue.h"

#define HANDOVER_KEYS_MAX \
	BOOK_KEYS_OF_ONE_MAX /* of which the reviewer's book takes no more from one identity */

struct handover {
	size_t submissions, keys;
	bool cut_short; /* there was more than found room */
};

/* The institution's session s writes `share` records, sealed to the reviewer: the content keys of all submissions at hand that the definition, or one that
 * descends from it, asked for and that nobody has decided, of what these revise, of manifests, evidence, claims and reviews.
 * Of the act only `desk` and `why` are used.
 * Those of audience_add and writing_put, said; the store's, ERR_MEMORY. */
MUST_CHECK enum err handover_write(struct act *a, struct sessions *ss, struct session *s,
	const struct entry_ref *definition, const struct id32 *reviewer, struct handover *out);

#endif
