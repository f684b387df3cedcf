/* frameworks.h -- competency frameworks that this node holds: read from their entries, and from the blob where they are long. SPEC.md section 13. */
#ifndef QUIRE_DAEMON_FRAMEWORKS_H
#define QUIRE_DAEMON_FRAMEWORKS_H

#include "catalogue.h"
#include "protocol/award/framework.h"

/* On a pool thread. The framework of a FACT_FRAMEWORK; framework_deinit it.
 * ERR_PENDING: its file has not come yet; ERR_FORMAT: it is none; ERR_CORRUPT, ERR_DECRYPT, ERR_IO, ERR_MEMORY. */
MUST_CHECK enum err frameworks_read(struct catalogue *c, const struct fact *f, struct framework *out);
/* What an alignment names, in a framework that is held and that counts: {"ref", "title", "uri", "code", "statement"}; NULL: nowhere.
 * Looks into the newest frameworks of this title, FRAMEWORKS_LOOKED_MAX at most. ERR_MEMORY, the store's. */
#define FRAMEWORKS_LOOKED_MAX 4u
MUST_CHECK enum err frameworks_resolve(
	struct catalogue *c, const struct definition_alignment *al, json_t **out);
/* The text of a field of the record, cleaned; NULL: it has none. */
json_t *frameworks_field(const struct fact *f, const char *field);

#endif
