/* record_lists.c -- the elements of lists in records, and `by`. See record.h. */
#include "bounds.h"
#include "protocol/log/record.h"

enum { NAME_MAX_BYTES = 64, COMMENT_MAX_BYTES = 4096 };

/* SPEC 13: "pairs [ref, content key (bin 32)]" */
enum err record_get_key(struct mp_in *value, struct entry_ref *of, uint8_t key[32])
{
	struct mp_in in = *value;
	struct slice s;
	size_t two;
	enum err err = mp_get_array(&in, 2, 2, &two);
	if (err == OK)
		err = record_get_ref(&in, of);
	if (err == OK)
		err = mp_get_bin(&in, 32, 32, &s);
	if (err != OK)
		return err;
	memcpy(key, s.p, 32);
	*value = in;
	return OK;
}

/* SPEC 13: "one of the kinds of an artifact, or `reflection`", which is one of them. */
static bool is_evidence_kind(struct slice s)
{
	const struct record_kind *artifact = record_kind_find(slice_str("artifact"));
	for (size_t i = 0; i < artifact->fields_n; i++)
		if (strcmp(artifact->fields[i].name, "kind") == 0)
			return record_is_choice(s, artifact->fields[i].choices);
	return false;
}

enum err record_get_item(struct mp_in *value, struct record_item *item)
{
	struct mp_in in = *value;
	size_t four;
	enum err err = mp_get_array(&in, 4, 4, &four);
	if (err == OK)
		err = mp_get_str(&in, 1, NAME_MAX_BYTES, &item->requirement);
	if (err == OK)
		err = mp_get_str(&in, 1, NAME_MAX_BYTES, &item->kind);
	if (err == OK && !is_evidence_kind(item->kind))
		err = ERR_RANGE;
	if (err == OK)
		err = record_get_ref(&in, &item->at);
	if (err == OK)
		err = mp_get_id(&in, &item->digest);
	if (err == OK)
		*value = in;
	return err;
}

enum err record_get_score(struct mp_in *value, struct record_score *score)
{
	struct mp_in in = *value;
	size_t three;
	enum err err = mp_get_array(&in, 3, 3, &three);
	if (err == OK)
		err = mp_get_str(&in, 1, NAME_MAX_BYTES, &score->criterion);
	if (err == OK)
		err = mp_get_str(&in, 1, NAME_MAX_BYTES, &score->level);
	if (err == OK)
		err = mp_get_str(&in, 0, COMMENT_MAX_BYTES, &score->comment);
	if (err == OK)
		*value = in;
	return err;
}

enum err record_get_mark(struct mp_in *value, struct record_mark *mark)
{
	struct mp_in in = *value;
	size_t three;
	enum err err = mp_get_array(&in, 3, 3, &three);
	if (err == OK)
		err = mp_get_id(&in, &mark->log);
	if (err == OK)
		err = mp_get_uint(&in, (uint64_t)LIMIT_SEQ + 1, &mark->length);
	if (err == OK && mark->length == 0)
		err = ERR_RANGE;
	if (err == OK)
		err = mp_get_id(&in, &mark->last);
	if (err == OK)
		*value = in;
	return err;
}

void record_put_key(struct mp_out *o, const struct entry_ref *of, const uint8_t key[32])
{
	mp_put_array(o, 2);
	record_put_ref(o, of);
	mp_put_bin(o, slice_of(key, 32));
}

void record_put_item(struct mp_out *o, const struct record_item *item)
{
	mp_put_array(o, 4);
	mp_put_str(o, item->requirement);
	mp_put_str(o, item->kind);
	record_put_ref(o, &item->at);
	mp_put_id(o, &item->digest);
}

void record_put_score(struct mp_out *o, const struct record_score *score)
{
	mp_put_array(o, 3);
	mp_put_str(o, score->criterion);
	mp_put_str(o, score->level);
	mp_put_str(o, score->comment);
}

void record_put_mark(struct mp_out *o, const struct record_mark *mark)
{
	mp_put_array(o, 3);
	mp_put_id(o, &mark->log);
	mp_put_uint(o, mark->length);
	mp_put_id(o, &mark->last);
}

/* ---- by */

static enum err get_by(struct mp_in in, struct id32 *officer, struct entry_ref *ref)
{
	size_t two;
	enum err err = mp_get_array(&in, 2, 2, &two);
	if (err == OK)
		err = mp_get_id(&in, officer);
	return err == OK ? record_get_ref(&in, ref) : err;
}

enum err record_get_by(struct slice fields, struct id32 *officer, struct entry_ref *ref)
{
	struct mp_in value;
	enum err err = record_get(fields, "by", &value);
	return err == OK ? get_by(value, officer, ref) : err;
}

static void put_by(struct mp_out *o, const struct id32 *officer, const struct entry_ref *ref)
{
	mp_put_cstr(o, "by");
	mp_put_array(o, 2);
	mp_put_id(o, officer);
	record_put_ref(o, ref);
}

/* The order of keys in the profile: bytes of the text (SPEC 1.5). */
static bool is_below(struct slice key, const char *name)
{
	size_t n = strlen(name), least = key.n < n ? key.n : n;
	int c = memcmp(key.p, name, least);
	return c < 0 || (c == 0 && key.n < n);
}

enum err record_with_by(
	struct slice record, const struct id32 *officer, const struct entry_ref *ref, struct buf *out)
{
	struct slice kind, fields, key, value;
	struct mp_in in, had;
	size_t n;
	enum err err = record_open(record, &kind, &fields);
	if (err != OK)
		return err;
	in = mp_open(fields);
	err = mp_get_map(&in, SIZE_MAX, &n);
	struct mp_out m = mp_out_init(out);
	bool has = record_get(fields, "by", &had) == OK, put = officer == NULL;
	mp_put_array(&m, 2);
	mp_put_str(&m, kind);
	mp_put_map(&m, n - has + (officer != NULL));
	for (size_t i = 0; err == OK && i < n; i++) {
		err = mp_get_str(&in, 0, SIZE_MAX, &key);
		if (err == OK)
			err = mp_skip(&in, &value);
		if (err != OK || slice_equal(key, slice_str("by")))
			continue;
		if (!put && !is_below(key, "by")) {
			put_by(&m, officer, ref);
			put = true;
		}
		mp_put_str(&m, key);
		mp_put_raw(&m, value);
	}
	if (!put)
		put_by(&m, officer, ref);
	return err != OK ? err : m.err;
}
