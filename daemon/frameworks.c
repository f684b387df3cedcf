/* frameworks.c -- see frameworks.h. */
#include "frameworks.h"

#include "blobread.h"
#include "compose.h"
#include "protocol/log/record.h"

static enum err put_text(struct catalogue *c, struct slice fields, struct buf *text)
{
	struct slice json;
	struct mp_in blobs;
	struct record_blob blob;
	size_t n;
	if (record_get_str(fields, "json", &json) == OK)
		return buf_put_slice(text, json);
	if (record_get(fields, "blobs", &blobs) != OK || mp_get_array(&blobs, 1, 1, &n) != OK ||
		record_get_blob(&blobs, &blob) != OK)
		return ERR_FORMAT;
	enum err e = blobread_all(c->store, c->act->desk->home, &blob, FRAMEWORK_BYTES_MAX, text);
	if (e == ERR_LIMIT)
		return ERR_FORMAT;
	return e == ERR_NOT_FOUND ? ERR_PENDING : e;
}

enum err frameworks_read(struct catalogue *c, const struct fact *f, struct framework *out)
{
	struct slice kind, fields;
	struct buf text = {0};
	size_t n = 0;
	struct finding *found = (struct finding *)calloc(DEFINITION_FINDINGS_MAX, sizeof *found);
	enum err e = found ? record_open(f->data, &kind, &fields) : ERR_MEMORY;
	if (e == OK)
		e = put_text(c, fields, &text);
	if (e == OK)
		e = framework_read(buf_slice(&text), out, found, &n, NULL);
	if (e == OK && n)
		e = ERR_FORMAT;
	buf_free(&text);
	free(found);
	return e == ERR_LIMIT ? ERR_FORMAT : e;
}

json_t *frameworks_field(const struct fact *f, const char *field)
{
	struct slice kind, fields, text;
	if (record_open(f->data, &kind, &fields) != OK || record_get_str(fields, field, &text) != OK)
		return NULL;
	return compose_text_json(text);
}

/* ---- what an alignment names */

static bool has_title(const struct fact *f, const char *title)
{
	struct slice kind, fields, text;
	return record_open(f->data, &kind, &fields) == OK && record_get_str(fields, "title", &text) == OK &&
		slice_equal(text, slice_str(title));
}

static json_t *found_json(const struct fact *f, const struct framework *w, const struct framework_item *item)
{
	json_t *o = json_pack("{s:o, s:o, s:o, s:o}", "ref", compose_ref_json(&f->at.log, f->at.seq), "title",
		compose_text_json(slice_str(w->title)), "uri", compose_text_json(slice_str(item->uri)),
		"statement", compose_text_json(slice_str(item->statement)));
	if (o && item->code)
		json_object_set_new(o, "code", compose_text_json(slice_str(item->code)));
	return o;
}

/* By its address, which is exact, or else by its code. */
static enum err look_into(
	struct catalogue *c, const struct fact *f, const struct definition_alignment *al, json_t **out)
{
	struct framework w;
	const struct framework_item *by_code = NULL, *by_uri = NULL;
	enum err e = frameworks_read(c, f, &w);
	if (e == ERR_FORMAT || e == ERR_PENDING)
		return OK;
	if (e != OK)
		return e;
	for (size_t i = 0; i < w.items_n && !by_uri; i++) {
		const struct framework_item *item = &w.items[i];
		if (strcmp(item->uri, al->url) == 0)
			by_uri = item;
		else if (!by_code && al->code && item->code && strcmp(item->code, al->code) == 0)
			by_code = item;
	}
	if (by_uri || by_code) {
		*out = found_json(f, &w, by_uri ? by_uri : by_code);
		e = *out ? OK : ERR_MEMORY;
	}
	framework_deinit(&w);
	return e;
}

enum err frameworks_resolve(struct catalogue *c, const struct definition_alignment *al, json_t **out)
{
	struct store_req req = {.op = STORE_FACT_ALL, .a.number = FACT_MASK(FACT_FRAMEWORK)};
	struct store_res res = {0};
	size_t looked = 0;
	*out = NULL;
	store_exec_one(c->store, &req, &res);
	enum err e = res.err;
	for (size_t i = 0; e == OK && i < res.r.n && !*out && looked < FRAMEWORKS_LOOKED_MAX; i++) {
		const struct fact *f = &res.r.facts[i];
		if (!has_title(f, al->framework) || !catalogue_act_counts(c, f))
			continue;
		looked++;
		e = look_into(c, f, al, out);
	}
	store_res_free(&res);
	return e;
}
