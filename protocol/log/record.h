/* record.h -- records: the content of bodies, [kind, fields]. SPEC.md section 13. Field tables are in records.def. */
#ifndef QUIRE_RECORD_H
#define QUIRE_RECORD_H

#include "bytes.h"
#include "protocol/log/mp.h"

enum record_type {
	RECORD_STR,
	RECORD_ID,
	RECORD_REF,
	RECORD_BLOBS,
	RECORD_STRS,
	RECORD_CHOICE,
	RECORD_DATE,
	RECORD_JSON, /* a str; that it is canonical JSON is for its reader to check */
	RECORD_IDS,
	RECORD_REFS,
	RECORD_KEYS,
	RECORD_ITEMS,
	RECORD_SCORES,
	RECORD_MARKS,
	RECORD_BY
};

struct record_field {
	const char *name;
	enum record_type type;
	bool required;
	uint32_t min, max; /* bytes of a str; of STRS and BLOBS elements in the array: see records.def */
	uint32_t items_max;
	const char *choices; /* "a|b|c" */
};

struct record_kind {
	const char *name;
	const struct record_field *fields; /* ascending by name */
	size_t fields_n;
};

const struct record_kind *record_kind_find(struct slice name); /* NULL: unknown */
const struct record_kind *record_kinds(size_t *n);

/* Is it one of "a|b|c"? */
bool record_is_choice(struct slice s, const char *choices);

/* Splits [kind, fields]; fields is the map's bytes. ERR_FORMAT. */
MUST_CHECK enum err record_open(struct slice record, struct slice *kind, struct slice *fields);
/* Does a record of a known kind count (SPEC 13)? *field (may be NULL) names what is wrong. ERR_FORMAT, ERR_RANGE, ERR_NOT_FOUND (required field missing); OK for unknown kinds. */
MUST_CHECK enum err record_check(struct slice record, const char **field);
/* The value of a field as a cursor at its object. ERR_NOT_FOUND. */
MUST_CHECK enum err record_get(struct slice fields, const char *name, struct mp_in *value);
MUST_CHECK enum err record_get_str(struct slice fields, const char *name, struct slice *s);
MUST_CHECK enum err record_get_id(struct slice fields, const char *name, struct id32 *id);
MUST_CHECK enum err record_get_ref(struct mp_in *value, struct entry_ref *ref);

struct record_blob {
	struct id32 root;
	uint8_t key[32];
	uint64_t size;
	struct slice name, type;
};
MUST_CHECK enum err record_get_blob(struct mp_in *value, struct record_blob *b); /* one blob map */
void record_put_blob(struct mp_out *o, const struct record_blob *b);
void record_put_ref(struct mp_out *o, const struct entry_ref *ref);

/* ---- the parts of lists: each reads one element where the cursor stands. ERR_FORMAT, ERR_RANGE. */

struct record_item {
	struct slice requirement, kind;
	struct entry_ref at;
	struct id32 digest;
};
struct record_score {
	struct slice criterion, level, comment;
};
struct record_mark {
	struct id32 log, last;
	uint64_t length;
};
MUST_CHECK enum err record_get_key(struct mp_in *value, struct entry_ref *of, uint8_t key[32]);
MUST_CHECK enum err record_get_item(struct mp_in *value, struct record_item *item);
MUST_CHECK enum err record_get_score(struct mp_in *value, struct record_score *score);
MUST_CHECK enum err record_get_mark(struct mp_in *value, struct record_mark *mark);
/* The field `by` of an act. ERR_NOT_FOUND: the identity's own. */
MUST_CHECK enum err record_get_by(struct slice fields, struct id32 *officer, struct entry_ref *ref);
void record_put_key(struct mp_out *o, const struct entry_ref *of, const uint8_t key[32]);
void record_put_item(struct mp_out *o, const struct record_item *item);
void record_put_score(struct mp_out *o, const struct record_score *score);
void record_put_mark(struct mp_out *o, const struct record_mark *mark);
/* Appends the record with `by` set (or, officer NULL, left out): what an officer's act signs is the one without (SPEC 16.2). ERR_FORMAT, ERR_MEMORY. */
MUST_CHECK enum err record_with_by(
	struct slice record, const struct id32 *officer, const struct entry_ref *ref, struct buf *out);

#endif
