/* record.c -- see record.h. */
#include "protocol/log/record.h"
#include "bounds.h"

enum { BLOB_NAME_MAX = 255, BLOB_TYPE_MAX = 100 };

/* ---- the table */

#define RECORD(ident, text) static const struct record_field ident##_fields[] = {
#define FIELD(text, kind, must, least, most, items, list) \
	{.name = (text), \
		.type = (kind), \
		.required = (must), \
		.min = (least), \
		.max = (most), \
		.items_max = (items), \
		.choices = (list)},
/* clang-format off */
#define RECORD_END(ident) };
/* clang-format on */
#include "protocol/log/records.def"
#undef RECORD
#undef FIELD
#undef RECORD_END

static const struct record_kind kinds[] = {
#define RECORD(ident, text) \
	{.name = (text), \
		.fields = ident##_fields, \
		.fields_n = sizeof ident##_fields / sizeof ident##_fields[0]},
#define FIELD(text, kind, must, least, most, items, list)
#define RECORD_END(ident)
#include "protocol/log/records.def"
#undef RECORD
#undef FIELD
#undef RECORD_END
};

const struct record_kind *record_kinds(size_t *n)
{
	*n = sizeof kinds / sizeof kinds[0];
	return kinds;
}

const struct record_kind *record_kind_find(struct slice name)
{
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (slice_equal(name, slice_str(kinds[i].name)))
			return &kinds[i];
	return NULL;
}

/* ---- values */

/* SPEC 13: "*ref* is an array [log id (bin 32), seq (uint below 2^32), entry id (bin 32)]." */
enum err record_get_ref(struct mp_in *value, struct entry_ref *ref)
{
	struct mp_in in = *value;
	struct entry_ref got = {0};
	size_t three;
	enum err err = mp_get_array(&in, 3, 3, &three);
	if (err == OK)
		err = mp_get_id(&in, &got.log);
	if (err == OK)
		err = mp_get_uint(&in, LIMIT_SEQ, &got.seq);
	if (err == OK)
		err = mp_get_id(&in, &got.id);
	if (err != OK)
		return err;
	*ref = got;
	*value = in;
	return OK;
}

static enum err blob_key(struct mp_in *in, struct slice key, struct record_blob *b, unsigned *seen)
{
	if (slice_equal(key, slice_str("key"))) {
		struct slice s;
		enum err err = mp_get_bin(in, 32, 32, &s);
		if (err == OK)
			memcpy(b->key, s.p, 32);
		*seen |= 1;
		return err;
	}
	if (slice_equal(key, slice_str("name"))) {
		*seen |= 2;
		return mp_get_str(in, 1, BLOB_NAME_MAX, &b->name);
	}
	if (slice_equal(key, slice_str("root"))) {
		*seen |= 4;
		return mp_get_id(in, &b->root);
	}
	if (slice_equal(key, slice_str("size"))) {
		*seen |= 8;
		return mp_get_uint(in, (uint64_t)LIMIT_BLOB_CHUNKS * BLOB_CHUNK_BYTES, &b->size);
	}
	if (slice_equal(key, slice_str("type"))) {
		*seen |= 16;
		return mp_get_str(in, 1, BLOB_TYPE_MAX, &b->type);
	}
	return mp_skip(in, NULL);
}

enum err record_get_blob(struct mp_in *value, struct record_blob *b)
{
	struct mp_in in = *value;
	struct record_blob got = {0};
	unsigned seen = 0;
	size_t n;
	enum err err = mp_get_map(&in, SIZE_MAX, &n);
	for (size_t i = 0; err == OK && i < n; i++) {
		struct slice key;
		err = mp_get_str(&in, 0, SIZE_MAX, &key);
		if (err == OK)
			err = blob_key(&in, key, &got, &seen);
	}
	if (err != OK)
		return err;
	if (seen != 31)
		return ERR_NOT_FOUND;
	*b = got;
	*value = in;
	return OK;
}

void record_put_blob(struct mp_out *o, const struct record_blob *b)
{
	mp_put_map(o, 5);
	mp_put_cstr(o, "key");
	mp_put_bin(o, slice_of(b->key, sizeof b->key));
	mp_put_cstr(o, "name");
	mp_put_str(o, b->name);
	mp_put_cstr(o, "root");
	mp_put_id(o, &b->root);
	mp_put_cstr(o, "size");
	mp_put_uint(o, b->size);
	mp_put_cstr(o, "type");
	mp_put_str(o, b->type);
}

void record_put_ref(struct mp_out *o, const struct entry_ref *ref)
{
	mp_put_array(o, 3);
	mp_put_id(o, &ref->log);
	mp_put_uint(o, ref->seq);
	mp_put_id(o, &ref->id);
}

static int compare(struct slice a, struct slice b)
{
	int c = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);
	return c ? c : (a.n > b.n) - (a.n < b.n);
}

bool record_is_choice(struct slice s, const char *choices)
{
	for (const char *at = choices; *at;) {
		size_t n = strcspn(at, "|");
		if (slice_equal(s, slice_of(at, n)))
			return true;
		at += n + (at[n] == '|');
	}
	return false;
}

/* YYYY-MM-DD: the form, with a month 1..12 and a day 1..31. */
static bool is_date(struct slice s)
{
	static const char form[] = "dddd-dd-dd";
	if (s.n != sizeof form - 1)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (form[i] == '-' ? s.p[i] != '-' : s.p[i] < '0' || s.p[i] > '9')
			return false;
	int month = (s.p[5] - '0') * 10 + s.p[6] - '0', day = (s.p[8] - '0') * 10 + s.p[9] - '0';
	return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

/* One element of a list; *last: of those that must ascend, what the element before said. */
static enum err item_check(struct mp_in *in, const struct record_field *f, struct slice *last)
{
	struct record_blob b;
	struct record_item item;
	struct record_score score;
	struct record_mark mark;
	struct entry_ref ref;
	struct id32 id;
	uint8_t key[32];
	struct slice now = {0};
	const uint8_t *at = in->p;
	enum err err = ERR_FORMAT;
	if (f->type == RECORD_BLOBS)
		return record_get_blob(in, &b);
	if (f->type == RECORD_STRS)
		return mp_get_str(in, f->min, f->max, &now);
	if (f->type == RECORD_REFS)
		return record_get_ref(in, &ref);
	if (f->type == RECORD_KEYS)
		return record_get_key(in, &ref, key);
	if (f->type == RECORD_ITEMS)
		return record_get_item(in, &item);
	if (f->type == RECORD_SCORES) {
		err = record_get_score(in, &score);
		now = score.criterion;
	} else if (f->type == RECORD_IDS) {
		err = mp_get_id(in, &id);
		now = slice_of(at + 2, 32); /* behind the head of bin */
	} else if (f->type == RECORD_MARKS) {
		err = record_get_mark(in, &mark);
		now = slice_of(at + 3, 32); /* behind the heads of array and bin */
	}
	if (err != OK)
		return err;
	if (last->n && compare(*last, now) >= 0)
		return ERR_RANGE;
	*last = now;
	return OK;
}

static enum err items_check(struct mp_in *in, const struct record_field *f)
{
	size_t n;
	struct slice last = {0};
	enum err err = mp_get_array(in, 1, f->items_max, &n);
	for (size_t i = 0; err == OK && i < n; i++)
		err = item_check(in, f, &last);
	return err;
}

static enum err by_check(struct mp_in in)
{
	struct id32 officer;
	struct entry_ref ref;
	size_t two;
	enum err err = mp_get_array(&in, 2, 2, &two);
	if (err == OK)
		err = mp_get_id(&in, &officer);
	return err == OK ? record_get_ref(&in, &ref) : err;
}

static enum err value_check(struct mp_in in, const struct record_field *f)
{
	struct slice s = {0};
	struct entry_ref ref;
	struct id32 id;
	enum err err;
	switch (f->type) {
	case RECORD_STR: return mp_get_str(&in, f->min, f->max, &s);
	case RECORD_ID: return mp_get_id(&in, &id);
	case RECORD_REF: return record_get_ref(&in, &ref);
	case RECORD_BLOBS:
	case RECORD_STRS:
	case RECORD_IDS:
	case RECORD_REFS:
	case RECORD_KEYS:
	case RECORD_ITEMS:
	case RECORD_SCORES:
	case RECORD_MARKS: return items_check(&in, f);
	case RECORD_JSON: return mp_get_str(&in, f->min, f->max, &s);
	case RECORD_BY: return by_check(in);
	case RECORD_CHOICE:
		err = mp_get_str(&in, 0, SIZE_MAX, &s);
		return err == OK && !record_is_choice(s, f->choices) ? ERR_RANGE : err;
	case RECORD_DATE:
		err = mp_get_str(&in, f->min, f->max, &s);
		return err == OK && !is_date(s) ? ERR_RANGE : err;
	}
	return ERR_FORMAT;
}

/* ---- records */

/* SPEC 13: "a MessagePack array [kind (str), fields (map with str keys)]" */
enum err record_open(struct slice record, struct slice *kind, struct slice *fields)
{
	if (mp_check(record, LIMIT_MP_NODES) != OK)
		return ERR_FORMAT;
	struct mp_in in = mp_open(record), map;
	struct slice name, raw, key;
	size_t n;
	if (mp_get_array(&in, 2, 2, &n) != OK || mp_get_str(&in, 0, SIZE_MAX, &name) != OK)
		return ERR_FORMAT;
	map = in;
	if (mp_get_map(&map, SIZE_MAX, &n) != OK || mp_skip(&in, &raw) != OK)
		return ERR_FORMAT;
	/* all keys of one map are of one type */
	if (n > 0 && mp_get_str(&map, 0, SIZE_MAX, &key) != OK)
		return ERR_FORMAT;
	*kind = name;
	*fields = raw;
	return OK;
}

enum err record_get(struct slice fields, const char *name, struct mp_in *value)
{
	struct mp_in in = mp_open(fields);
	struct slice key;
	size_t n;
	if (mp_get_map(&in, SIZE_MAX, &n) != OK)
		return ERR_NOT_FOUND;
	for (size_t i = 0; i < n; i++) {
		if (mp_get_str(&in, 0, SIZE_MAX, &key) != OK)
			return ERR_NOT_FOUND;
		if (slice_equal(key, slice_str(name))) {
			*value = in;
			return OK;
		}
		if (mp_skip(&in, NULL) != OK)
			return ERR_NOT_FOUND;
	}
	return ERR_NOT_FOUND;
}

enum err record_check(struct slice record, const char **field)
{
	struct slice name, fields;
	if (field)
		*field = NULL;
	enum err err = record_open(record, &name, &fields);
	if (err != OK)
		return err;
	const struct record_kind *kind = record_kind_find(name);
	for (size_t i = 0; kind && i < kind->fields_n; i++) {
		const struct record_field *f = &kind->fields[i];
		struct mp_in value;
		err = record_get(fields, f->name, &value);
		if (err == OK)
			err = value_check(value, f);
		else if (!f->required)
			err = OK;
		if (err != OK) {
			if (field)
				*field = f->name;
			return err;
		}
	}
	return OK;
}

enum err record_get_str(struct slice fields, const char *name, struct slice *s)
{
	struct mp_in value;
	enum err err = record_get(fields, name, &value);
	return err == OK ? mp_get_str(&value, 0, SIZE_MAX, s) : err;
}

enum err record_get_id(struct slice fields, const char *name, struct id32 *id)
{
	struct mp_in value;
	enum err err = record_get(fields, name, &value);
	return err == OK ? mp_get_id(&value, id) : err;
}
