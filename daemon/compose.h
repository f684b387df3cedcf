/* compose.h -- records from JSON and back, and bodies from records: in the clear, or sealed to readers. SPEC.md sections 5 and 13. */
#ifndef QUIRE_DAEMON_COMPOSE_H
#define QUIRE_DAEMON_COMPOSE_H

#include "bytes.h"
#include "protocol/log/record.h"

#include <jansson.h>

#define COMPOSE_WHY_BYTES 256

/* What compose asks of others. ref: "LOG:SEQ", LOG perhaps shortened, as a pointer; ERR_NOT_FOUND, ERR_AMBIGUOUS, ERR_INPUT. */
struct compose_env {
	enum err (*ref)(void *ctx, const char *text, struct entry_ref *out);
	void *ctx;
	const struct record_blob *blobs; /* for the field of type BLOBS, if there is one */
	size_t blobs_n;
};

/* Appends [kind, fields]. Types and limits come from records.def; a field that is not there is an error. why: which field, and what it must be.
 * ERR_INPUT, those of env->ref, ERR_MEMORY. */
MUST_CHECK enum err compose_record(const char *kind, const json_t *fields, const struct compose_env *env,
	struct buf *record, char why[COMPOSE_WHY_BYTES]);
/* {"kind":…, "fields":{…}} of a record; blobs without their keys, texts cleaned. Unknown fields are left out. NULL: malformed, or no memory. */
json_t *compose_json(struct slice record);
/* "LOG:SEQ" */
json_t *compose_ref_json(const struct id32 *log, uint64_t seq);
json_t *compose_id_json(const struct id32 *id);
json_t *compose_number_json(uint64_t n);
json_t *compose_text_json(struct slice text);

#endif
