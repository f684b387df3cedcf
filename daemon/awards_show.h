/* awards_show.h -- an award accepted by its earner, and shown: to everybody, or to somebody. SPEC.md sections 5.4 and 16.8. On a desk. */
#ifndef QUIRE_DAEMON_AWARDS_SHOW_H
#define QUIRE_DAEMON_AWARDS_SHOW_H

#include "awards.h"

struct award_shown {
	struct entry_ref at; /* the acceptance */
	bool already; /* it was accepted before */
	bool shared, everybody; /* keys were handed on; to everybody */
	size_t people; /* to whom */
	size_t keys, locked; /* that were handed on; that are not known here */
	size_t reviews; /* whose scores and feedback they open */
};

/* Of the request's session, who must be the earner: the acceptance, unless there is one, sealed to the panel or in the clear; then, for "to" of the request,
 * a `share` of the content keys of award, manifest, acceptance and reviews: in the clear for "public", else sealed to those named.
 * accept false: it must have been accepted. Said:
 *   ERR_REFUSED  it is somebody else's; ERR_STATE  it does not count, is revoked, or was not accepted
 * and those of awards_look, audience_list and writing_put. */
MUST_CHECK enum err award_show(
	struct act *a, const struct entry_ref *award, bool accept, struct award_shown *out);
/* Who can read what, in words. NULL: out of memory. */
json_t *award_shown_words(const struct award_shown *s);

#endif
