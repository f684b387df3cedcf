/* compose.c -- see compose.h. JSON to record here, record to JSON in compose_json.c. */
#include "compose.h"

#include "api.h"
#include "bounds.h"

#include <stdio.h>

static enum err say(char why[COMPOSE_WHY_BYTES], const char *field, const char *what)
{
	snprintf(why, COMPOSE_WHY_BYTES, "\"%.60s\" %.190s", field, what);
	return ERR_INPUT;
}

/* ---- values */

static enum err put_str(
	struct mp_out *m, const struct record_field *f, const json_t *v, char why[COMPOSE_WHY_BYTES])
{
	char what[96];
	size_t n = json_is_string(v) ? json_string_length(v) : 0;
	snprintf(what, sizeof what, "must be a text of %u to %u bytes", f->min, f->max);
	if (!json_is_string(v) || n < f->min || n > f->max)
		return say(why, f->name, what);
	mp_put_str(m, slice_of(json_string_value(v), n));
	return OK;
}

static enum err put_id(
	struct mp_out *m, const struct record_field *f, const json_t *v, char why[COMPOSE_WHY_BYTES])
{
	struct id32 id;
	if (!json_is_string(v) || !api_id_parse(json_string_value(v), &id))
		return say(why, f->name, "must be an id: 64 hexadecimal digits");
	mp_put_id(m, &id);
	return OK;
}

static enum err put_ref(struct mp_out *m, const struct record_field *f, const json_t *v,
	const struct compose_env *env, char why[COMPOSE_WHY_BYTES])
{
	struct entry_ref ref;
	if (!json_is_string(v))
		return say(why, f->name, "must be a pointer to an entry: LOG:SEQ");
	enum err e = env->ref ? env->ref(env->ctx, json_string_value(v), &ref) : ERR_NOT_FOUND;
	if (e == ERR_NOT_FOUND)
		(void)say(why, f->name, "points to an entry that is not on this node");
	else if (e == ERR_AMBIGUOUS)
		(void)say(why, f->name, "fits more than one log: give more of its id");
	else if (e != OK)
		(void)say(why, f->name, "must be a pointer to an entry: LOG:SEQ");
	else
		record_put_ref(m, &ref);
	return e;
}

static enum err put_strs(
	struct mp_out *m, const struct record_field *f, const json_t *v, char why[COMPOSE_WHY_BYTES])
{
	char what[96];
	size_t n = json_array_size(v);
	snprintf(what, sizeof what, "must be a list of 1 to %u texts", f->items_max);
	if (n == 0 || n > f->items_max)
		return say(why, f->name, what);
	mp_put_array(m, n);
	enum err e = OK;
	for (size_t i = 0; e == OK && i < n; i++)
		e = put_str(m, f, json_array_get(v, i), why);
	return e;
}

static enum err put_choice(
	struct mp_out *m, const struct record_field *f, const json_t *v, char why[COMPOSE_WHY_BYTES])
{
	char what[220];
	snprintf(what, sizeof what, "must be one of %s", f->choices);
	if (!json_is_string(v))
		return say(why, f->name, what);
	mp_put_str(m, slice_of(json_string_value(v), json_string_length(v)));
	return OK;
}

static enum err put_value(struct mp_out *m, const struct record_field *f, const json_t *v,
	const struct compose_env *env, char why[COMPOSE_WHY_BYTES])
{
	switch (f->type) {
	case RECORD_STR: return put_str(m, f, v, why);
	case RECORD_DATE: return put_str(m, f, v, why);
	case RECORD_ID: return put_id(m, f, v, why);
	case RECORD_REF: return put_ref(m, f, v, env, why);
	case RECORD_STRS: return put_strs(m, f, v, why);
	case RECORD_CHOICE: return put_choice(m, f, v, why);
	case RECORD_BLOBS: break;
	/* Only the machinery writes these. */
	case RECORD_JSON:
	case RECORD_IDS:
	case RECORD_REFS:
	case RECORD_KEYS:
	case RECORD_ITEMS:
	case RECORD_SCORES:
	case RECORD_MARKS:
	case RECORD_BY: return say(why, f->name, "is not written by hand");
	}
	mp_put_array(m, env->blobs_n);
	for (size_t i = 0; i < env->blobs_n; i++)
		record_put_blob(m, &env->blobs[i]);
	return OK;
}

/* ---- the whole */

static bool is_given(const struct record_field *f, const json_t *fields, const struct compose_env *env)
{
	return f->type == RECORD_BLOBS ? env->blobs_n > 0 : json_object_get(fields, f->name) != NULL;
}

/* Every field of the JSON is one that the kind has, and each that it must have is there. */
static enum err check_fields(const struct record_kind *k, const json_t *fields, const struct compose_env *env,
	char why[COMPOSE_WHY_BYTES], size_t *count)
{
	const char *key;
	json_t *value;
	size_t known = 0;
	*count = 0;
	for (size_t i = 0; i < k->fields_n; i++) {
		const struct record_field *f = &k->fields[i];
		bool given = is_given(f, fields, env);
		if (f->required && !given)
			return say(why, f->name, "is missing");
		if (f->type == RECORD_BLOBS && json_object_get(fields, f->name))
			return say(why, f->name, "is made from uploads");
		*count += given;
		known += given && f->type != RECORD_BLOBS;
	}
	if (known == json_object_size(fields))
		return OK;
	json_object_foreach((json_t *)(uintptr_t)fields, key, value)
	{
		bool found = false;
		for (size_t i = 0; i < k->fields_n; i++)
			found = found || strcmp(k->fields[i].name, key) == 0;
		if (!found)
			return say(why, key, "is not a field of this kind");
	}
	return ERR_INPUT;
}

enum err compose_record(const char *kind, const json_t *fields, const struct compose_env *env,
	struct buf *record, char why[COMPOSE_WHY_BYTES])
{
	const struct record_kind *k = record_kind_find(slice_str(kind));
	size_t count, from = record->n;
	const char *field = NULL;
	if (!k)
		return say(why, kind, "is not a kind of entry that this version knows");
	enum err e = check_fields(k, fields, env, why, &count);
	if (e != OK)
		return e;
	struct mp_out m = mp_out_init(record);
	mp_put_array(&m, 2);
	mp_put_cstr(&m, kind);
	mp_put_map(&m, count);
	for (size_t i = 0; e == OK && i < k->fields_n; i++) {
		const struct record_field *f = &k->fields[i];
		if (!is_given(f, fields, env))
			continue;
		mp_put_cstr(&m, f->name);
		e = put_value(&m, f, json_object_get(fields, f->name), env, why);
	}
	if (e == OK)
		e = m.err;
	if (e != OK)
		return e;
	/* What nobody would count is not written. */
	if (record_check(slice_of(record->p + from, record->n - from), &field) == OK)
		return OK;
	return say(why, field ? field : kind, "has a value that is not allowed");
}
