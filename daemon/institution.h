/* institution.h -- acts of an institution: written by itself, or for an officer who signs that he asked for it. SPEC.md section 16.2. On a desk.
 *
 * The institution's log is written with its own keys, so a session of it must be open on this node: an unattended node keeps one.
 * Of the act only `desk` and `why` are used. */
#ifndef QUIRE_DAEMON_INSTITUTION_H
#define QUIRE_DAEMON_INSTITUTION_H

#include "writing.h"

struct institution_act {
	struct id32 institution;
	uint32_t right; /* enum keyset_right, one bit: what the kind needs (SPEC 16.2) */
	struct slice record, envelope; /* the record without `by`; borrowed */
	const struct audience *to;
};

/* Writes an act; its entry has the `keep` flag. who: the keyring of whoever asks (a->keys): the institution itself, or one of its officers, whose `act` entry
 * (clear, keep) then stands in his own log before the record with `by` stands in the institution's.
 *   ref, content_key  as in writing_put, of the institution's entry
 * Nothing is written unless all can be. Said:
 *   ERR_REFUSED  he is no officer; he is one without this right; his office has ended
 *   ERR_LOCKED   no session of the institution is open on this node
 *   ERR_NOT_FOUND  the institution's keys are not on this node
 * and those of writing_put. ERR_FORMAT: also if the record has a `by`. */
MUST_CHECK enum err institution_act(struct act *a, struct sessions *ss, struct keyring *who,
	const struct institution_act *in, struct entry_ref *ref, uint8_t content_key[32]);

/* May `who` ask for acts that need this right, whether or not a session is open? OK, or ERR_REFUSED, ERR_NOT_FOUND, said. */
MUST_CHECK enum err institution_may(
	struct act *a, const struct id32 *who, const struct id32 *institution, uint32_t right);

/* An open session of an identity, held: session_release() it. NULL: none. */
struct session *institution_session(struct sessions *ss, const struct id32 *identity);

/* "publish" … of one bit of rights. */
const char *institution_right_name(uint32_t right);

#endif
