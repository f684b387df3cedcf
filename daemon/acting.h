/* acting.h -- an act as a request asks for it: of whoever is signed in, for itself or for the institution that "institution" names. SPEC.md section 16.2. On a desk. */
#ifndef QUIRE_DAEMON_ACTING_H
#define QUIRE_DAEMON_ACTING_H

#include "institution.h"

/* "institution" of the body (or, in a GET or an upload, of the query), else the session's identity. Said: those of act_identity. */
MUST_CHECK enum err acting_for(struct act *a, struct id32 *institution);
/* Writes a record without `by` in the clear, as institution_act does; envelope may be empty. */
MUST_CHECK enum err acting_put(struct act *a, const struct id32 *institution, uint32_t right,
	struct slice envelope, struct slice record, struct entry_ref *ref);
/* "LOG:SEQ" of the body as the entry that it names. Said: ERR_INPUT, ERR_NOT_FOUND, ERR_AMBIGUOUS. */
MUST_CHECK enum err acting_entry(struct act *a, const char *text, struct entry_ref *ref);
/* The same for what is only shown: also of an entry behind what counts of its log, if it is held, so that it is said why it does not count. */
MUST_CHECK enum err acting_held(struct act *a, const char *text, struct entry_ref *ref);
/* {"ref", "id", "institution"}; NULL: out of memory. */
json_t *acting_json(const struct entry_ref *ref, const struct id32 *institution);

#endif
