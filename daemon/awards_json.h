/* awards_json.h -- awards as answers show them. SPEC.md sections 16.8 and 17.5. On a pool thread, within catalogue_ask. */
#ifndef QUIRE_DAEMON_AWARDS_JSON_H
#define QUIRE_DAEMON_AWARDS_JSON_H

#include "awards.h"

/* What a list shows: {"ref", "id", "state", "counts", "title", "issuer", "earner", "credential", "valid_from", "valid_until", "definition", "submission", "hour" …}.
 * Texts that came from peers are cleaned. ERR_MEMORY, the store's. */
MUST_CHECK enum err awards_item(struct catalogue *c, const struct award_look *l, json_t **out);
/* Adds what one award shows: "results", "reviewers", "evidence", "verdict" (one line for each check), "revoked", "accepted". */
MUST_CHECK enum err awards_detail(struct catalogue *c, const struct award_look *l, json_t *o);

/* Its credential, as it stands in the record. ERR_FORMAT: none; json_decref it. */
MUST_CHECK enum err awards_credential(const struct fact *award, json_t **out);
/* The lines of a judgement as [{"mark", "code", "text", "entry"}]. NULL: out of memory. */
json_t *awards_lines(const struct judgement *j);

#endif
