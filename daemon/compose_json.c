/* compose_json.c -- a record as JSON. See compose.h. */
#include "compose.h"

#include "api.h"
#include "bounds.h"

#include <sodium.h>
#include <stdio.h>

json_t *compose_id_json(const struct id32 *id)
{
	char hex[65];
	sodium_bin2hex(hex, sizeof hex, id->b, 32);
	return json_string(hex);
}

json_t *compose_number_json(uint64_t n)
{
	return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

json_t *compose_ref_json(const struct id32 *log, uint64_t seq)
{
	char hex[65], text[96];
	sodium_bin2hex(hex, sizeof hex, log->b, 32);
	snprintf(text, sizeof text, "%s:%llu", hex, (unsigned long long)seq);
	return json_string(text);
}

json_t *compose_text_json(struct slice text)
{
	char *copy = (char *)malloc(text.n + 1);
	if (!copy)
		return NULL;
	if (text.n)
		memcpy(copy, text.p, text.n);
	copy[text.n] = 0;
	/* Line ends and tabs belong to what people write. */
	char *line = copy;
	struct buf all = {0};
	enum err e = OK;
	while (line && e == OK) {
		char *end = strpbrk(line, "\n\t");
		char kept = end ? *end : 0;
		if (end)
			*end = 0;
		json_t *clean = api_clean(line);
		e = clean ? buf_put(&all, json_string_value(clean), json_string_length(clean)) : ERR_MEMORY;
		json_decref(clean);
		if (e == OK && kept)
			e = buf_put(&all, &kept, 1);
		line = end ? end + 1 : NULL;
	}
	json_t *out = e == OK ? json_stringn(all.p ? (const char *)all.p : "", all.n) : NULL;
	buf_free(&all);
	free(copy);
	return out;
}

static json_t *blob_json(struct mp_in *in)
{
	struct record_blob b;
	if (record_get_blob(in, &b) != OK)
		return NULL;
	json_t *o = json_pack("{s:o, s:o, s:o, s:o}", "root", compose_id_json(&b.root), "name",
		compose_text_json(b.name), "size", compose_number_json(b.size), "type",
		compose_text_json(b.type));
	sodium_memzero(b.key, sizeof b.key);
	return o;
}

static json_t *by_json(struct mp_in *in)
{
	struct id32 officer;
	struct entry_ref ref;
	size_t two;
	if (mp_get_array(in, 2, 2, &two) != OK || mp_get_id(in, &officer) != OK ||
		record_get_ref(in, &ref) != OK)
		return NULL;
	return json_pack("{s:o, s:o}", "officer", compose_id_json(&officer), "ref",
		compose_ref_json(&ref.log, ref.seq));
}

static json_t *item_json(struct mp_in *in, enum record_type type)
{
	struct slice s;
	struct id32 id;
	struct entry_ref ref;
	struct record_item item;
	struct record_score score;
	struct record_mark mark;
	if (type == RECORD_BLOBS)
		return blob_json(in);
	if (type == RECORD_STRS)
		return mp_get_str(in, 0, LIMIT_BODY_BYTES, &s) == OK ? compose_text_json(s) : NULL;
	if (type == RECORD_IDS)
		return mp_get_id(in, &id) == OK ? compose_id_json(&id) : NULL;
	if (type == RECORD_REFS)
		return record_get_ref(in, &ref) == OK ? compose_ref_json(&ref.log, ref.seq) : NULL;
	if (type == RECORD_ITEMS && record_get_item(in, &item) == OK)
		return json_pack("{s:o, s:o, s:o}", "requirement", compose_text_json(item.requirement),
			"kind", compose_text_json(item.kind), "ref",
			compose_ref_json(&item.at.log, item.at.seq));
	if (type == RECORD_SCORES && record_get_score(in, &score) == OK)
		return json_pack("{s:o, s:o, s:o}", "criterion", compose_text_json(score.criterion), "level",
			compose_text_json(score.level), "comment", compose_text_json(score.comment));
	if (type == RECORD_MARKS && record_get_mark(in, &mark) == OK)
		return json_pack("{s:o, s:o}", "log", compose_id_json(&mark.log), "length",
			compose_number_json(mark.length));
	return NULL;
}

static json_t *list_json(struct mp_in *in, enum record_type type)
{
	size_t n;
	if (mp_get_array(in, 0, LIMIT_MP_NODES, &n) != OK)
		return NULL;
	json_t *list = json_array();
	for (size_t i = 0; list && i < n; i++) {
		json_t *item = item_json(in, type);
		if (!item || json_array_append_new(list, item) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *value_json(struct mp_in in, enum record_type type)
{
	struct slice s;
	struct id32 id;
	struct entry_ref ref;
	switch (type) {
	case RECORD_STR:
	case RECORD_DATE:
	case RECORD_CHOICE:
		return mp_get_str(&in, 0, LIMIT_BODY_BYTES, &s) == OK ? compose_text_json(s) : NULL;
	case RECORD_ID: return mp_get_id(&in, &id) == OK ? compose_id_json(&id) : NULL;
	case RECORD_REF: return record_get_ref(&in, &ref) == OK ? compose_ref_json(&ref.log, ref.seq) : NULL;
	case RECORD_JSON:
		return mp_get_str(&in, 0, LIMIT_BODY_BYTES, &s) == OK
			? json_loadb((const char *)s.p, s.n, JSON_REJECT_DUPLICATES, NULL)
			: NULL;
	case RECORD_STRS:
	case RECORD_IDS:
	case RECORD_REFS:
	case RECORD_ITEMS:
	case RECORD_SCORES:
	case RECORD_MARKS:
	case RECORD_BLOBS: return list_json(&in, type);
	case RECORD_BY: return by_json(&in);
	case RECORD_KEYS: return NULL; /* keys that open something else never leave */
	}
	return NULL;
}

json_t *compose_json(struct slice record)
{
	struct slice kind, fields;
	if (record_open(record, &kind, &fields) != OK)
		return NULL;
	const struct record_kind *k = record_kind_find(kind);
	bool counts = record_check(record, NULL) == OK;
	json_t *out = json_object();
	for (size_t i = 0; k && counts && i < k->fields_n; i++) {
		struct mp_in value;
		const struct record_field *f = &k->fields[i];
		json_t *shown = record_get(fields, f->name, &value) == OK ? value_json(value, f->type) : NULL;
		if (shown)
			json_object_set_new(out, f->name, shown);
	}
	return json_pack("{s:o, s:o, s:b}", "kind", compose_text_json(kind), "fields", out, "counts", counts);
}
