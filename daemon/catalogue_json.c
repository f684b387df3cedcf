/* catalogue_json.c -- what was published, as JSON. See catalogue.h. */
#include "catalogue.h"

#include "compose.h"
#include "protocol/log/record.h"

#include <math.h>

json_t *catalogue_cursor_json(uint64_t cursor)
{
	return json_sprintf("%llu", (unsigned long long)cursor);
}

static json_t *clean_text(const json_t *v)
{
	return compose_text_json(slice_of(json_string_value(v), json_string_length(v)));
}

static json_t *clean_list(const json_t *v)
{
	json_t *list = json_array();
	for (size_t i = 0; list && i < json_array_size(v); i++)
		if (json_array_append_new(list, catalogue_clean(json_array_get(v, i))) != 0) {
			json_decref(list);
			list = NULL;
		}
	return list;
}

static json_t *clean_object(const json_t *v)
{
	json_t *o = json_object(), *member;
	const char *key;
	json_object_foreach((json_t *)(uintptr_t)v, key, member)
	{
		json_t *name = api_clean(key);
		if (!name || json_object_set_new(o, json_string_value(name), catalogue_clean(member)) != 0) {
			json_decref(o);
			o = NULL;
		}
		json_decref(name);
		if (!o)
			break;
	}
	return o;
}

json_t *catalogue_clean(const json_t *v)
{
	if (json_is_string(v))
		return clean_text(v);
	if (json_is_array(v))
		return clean_list(v);
	if (json_is_object(v))
		return clean_object(v);
	double d = json_is_real(v) ? json_real_value(v) : 0.5;
	if (fabs(d) < 9e15 && floor(d) == d)
		return json_integer((json_int_t)d);
	return json_deep_copy(v);
}

json_t *catalogue_by(struct catalogue *c, const struct fact *f)
{
	struct slice kind, fields;
	struct id32 officer;
	struct entry_ref ref;
	if (record_open(f->data, &kind, &fields) != OK || record_get_by(fields, &officer, &ref) != OK)
		return NULL;
	return names_json(c->names, &officer);
}

/* What a list shows of a sound definition. */
static json_t *summary(const struct definition *d)
{
	json_t *o = json_pack("{s:o, s:o, s:i, s:i, s:i, s:s, s:b}", "title",
		compose_text_json(slice_str(d->title)), "competency",
		compose_text_json(slice_str(d->competency)), "requirements", (int)d->requirements_n,
		"criteria", (int)d->criteria_n, "reviewers", (int)d->reviewers, "countersign",
		d->automatic ? "automatic" : "officer", "blind", d->blind);
	json_t *tags = json_array();
	for (size_t i = 0; o && i < d->tags_n; i++)
		json_array_append_new(tags, compose_text_json(slice_str(d->tags[i])));
	if (o)
		json_object_set_new(o, "tags", tags);
	else
		json_decref(tags);
	if (o && d->complexity)
		json_object_set_new(o, "complexity", json_integer((json_int_t)d->complexity));
	if (o && d->language)
		json_object_set_new(o, "language", compose_text_json(slice_str(d->language)));
	return o;
}

enum err catalogue_item_of(
	struct catalogue *c, const struct fact *f, const struct definition *d, json_t **out)
{
	struct fact_list next;
	struct entry_ref up;
	bool counts = d && catalogue_act_counts(c, f); /* as catalogue_counts, read once */
	json_t *o = json_pack("{s:o, s:o}", "ref", compose_ref_json(&f->at.log, f->at.seq), "id",
		compose_id_json(&f->at.id));
	json_t *more = d ? summary(d) : json_object();
	enum err e = o && more && json_object_update(o, more) == 0 ? OK : ERR_MEMORY;
	json_decref(more);
	if (e == OK)
		e = catalogue_successor(c, f, &next);
	if (e == OK) {
		json_object_set_new(o, "issuer", names_json(c->names, &f->author));
		json_object_set_new(o, "hour", json_integer((json_int_t)f->hour));
		json_object_set_new(o, "counts", json_boolean(counts));
		json_object_set_new(o, "current", json_boolean(counts && next.n == 0));
		if (cases_ref(f, "supersedes", &up) == OK)
			json_object_set_new(o, "supersedes", compose_ref_json(&up.log, up.seq));
		if (next.n)
			json_object_set_new(o, "superseded_by",
				compose_ref_json(&next.facts[0].at.log, next.facts[0].at.seq));
		fact_list_free(&next);
	}
	if (e != OK)
		json_decref(o);
	else
		*out = o;
	return e;
}

enum err catalogue_item(struct catalogue *c, const struct fact *f, json_t **out)
{
	struct definition d;
	enum err sound = catalogue_read(f, &d);
	enum err e = sound == ERR_MEMORY ? sound : catalogue_item_of(c, f, sound == OK ? &d : NULL, out);
	if (sound == OK)
		definition_deinit(&d);
	return e;
}

enum err catalogue_title(struct catalogue *c, const struct entry_ref *definition, json_t **out)
{
	struct definition d;
	struct fact_list found = {0};
	json_t *o = json_pack("{s:o, s:o}", "ref", compose_ref_json(&definition->log, definition->seq), "id",
		compose_id_json(&definition->id));
	enum err e = o ? catalogue_find(c, definition, FACT_DEFINITION, &found) : ERR_MEMORY;
	if (e == OK)
		e = catalogue_read(&found.facts[0], &d);
	if (e == OK) {
		json_object_set_new(o, "title", compose_text_json(slice_str(d.title)));
		definition_deinit(&d);
	}
	fact_list_free(&found);
	if (e == OK || e == ERR_NOT_FOUND || e == ERR_FORMAT) {
		*out = o;
		return OK;
	}
	json_decref(o);
	return e;
}

enum err catalogue_list(struct act *a, catalogue_fn fn, void *ctx, json_t **items)
{
	*items = json_array();
	enum err e = *items ? catalogue_ask(a, a->rq->session, fn, ctx) : ERR_MEMORY;
	if (e != OK) {
		json_decref(*items);
		return e;
	}
	a->reply = json_pack("{s:o}", "items", *items);
	return a->reply ? OK : ERR_MEMORY;
}

enum err catalogue_go_on(struct act *a, bool more, uint64_t cursor)
{
	return !more || json_object_set_new(a->reply, "cursor", catalogue_cursor_json(cursor)) == 0
		? OK
		: ERR_MEMORY;
}
