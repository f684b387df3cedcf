/* entries.h -- entries as people see them: read, opened where the session can, as JSON. On a pool thread, with a store that is read-only. */
#ifndef QUIRE_DAEMON_ENTRIES_H
#define QUIRE_DAEMON_ENTRIES_H

#include "opener.h"
#include "protocol/log/record.h"

#include <jansson.h>

#define ENTRIES_LIMIT 200u /* in one list */
#define ENTRIES_LOOKED_MAX \
	20000u /* entries that one list looks at, so that a rare kind ends with a cursor and not with a long wait */

/* SPEC 4.7: "For people an entry is written `LOG:SEQ`." */
MUST_CHECK enum err entries_one(
	struct store *s, struct opener *o, const struct id32 *log, uint64_t seq, json_t **out);
struct entries_query {
	bool has_of, has_cursor;
	struct id32 of; /* of this identity; else of all */
	const char *kind; /* NULL: all but what the machinery writes */
	size_t limit;
	struct id32 cursor_log; /* go on behind this entry */
	uint64_t cursor_seq;
};

/* {"items":[…], "cursor":…}: log by log, in each the newest first. */
MUST_CHECK enum err entries_list(
	struct store *s, struct opener *o, const struct entries_query *q, json_t **out);

/* The key of a blob from an entry of its owner that attaches it and that o opens. ref_log NULL: all of the owner's entries are looked at.
 * ERR_LOCKED: none that o opens; ERR_NOT_FOUND: no entry attaches it. */
MUST_CHECK enum err entries_blob_key(struct store *s, struct opener *o, const struct store_blob *blob,
	const struct id32 *ref_log, uint64_t ref_seq, struct record_blob *out, struct buf *keep);

#endif
