/* api_frameworks.c -- competency frameworks: imported from a CASE package, listed, shown. SPEC.md section 13 (`framework`). */
#include "acting.h"
#include "compose.h"
#include "findings.h"
#include "frameworks.h"
#include "protocol/log/entry.h"
#include "upload_blob.h"

#include <sodium.h>
#include <stdio.h>

#define INLINE_MAX 49152u /* SPEC 13: "json 2..49152" */
#define FILE_NAME "framework.json"
#define FILE_TYPE "application/json"

/* ---- import */

struct importing {
	struct api_request *rq;
	struct buf text, canonical;
	enum err err;
	struct framework f;
	bool read;
	struct id32 institution;
	struct upload_blob *blob;
	const char *home;
	size_t n;
	struct finding found[DEFINITION_FINDINGS_MAX];
};

static void importing_free(struct importing *m)
{
	upload_blob_free(m->blob);
	if (m->read)
		framework_deinit(&m->f);
	buf_free(&m->text);
	buf_free(&m->canonical);
	free(m);
}

static void read_package(void *ctx)
{
	struct importing *m = (struct importing *)ctx;
	m->err = framework_read(buf_slice(&m->text), &m->f, m->found, &m->n, &m->canonical);
	m->read = m->err == OK && m->n == 0;
}

static void make_blob(void *ctx)
{
	struct importing *m = (struct importing *)ctx;
	m->blob = upload_blob_new(m->home, &m->institution);
	m->err = m->blob ? upload_blob_feed(m->blob, buf_slice(&m->canonical)) : ERR_MEMORY;
	if (m->err == OK)
		m->err = upload_blob_finish(m->blob);
}

static enum err put_blob(struct act *a, struct importing *m)
{
	m->home = a->desk->home;
	desk_work(a->desk, make_blob, m);
	if (m->err != OK)
		return m->err;
	const struct upload_result r = upload_blob_result(m->blob);
	struct store_req req = {.op = STORE_BLOB_PUT,
		.a.root = r.root,
		.a.identity = m->institution,
		.a.number = r.size,
		.a.bytes = r.pages,
		.a.bytes2 = r.leaves,
		.a.value = r.content,
		.a.flag = true};
	return desk_put(a->desk, &req);
}

/* The first bytes of a text, up to a whole character. */
static struct slice cut(const char *text, size_t max)
{
	size_t n = text ? strlen(text) : 0;
	if (n > max)
		for (n = max; n && ((uint8_t)text[n] & 0xc0) == 0x80;)
			n--;
	return slice_of(text, n);
}

struct texts {
	struct slice language, licence, notes, source, title;
};

static void put_text(struct mp_out *m, const char *name, struct slice text)
{
	if (!text.n)
		return;
	mp_put_cstr(m, name);
	mp_put_str(m, text);
}

static enum err put_record(const struct importing *m, struct slice source, struct buf *record)
{
	const struct framework *f = &m->f;
	size_t language_n = f->language ? strlen(f->language) : 0;
	const struct texts t = {
		.language = language_n >= 2 && language_n <= 35 ? slice_str(f->language) : (struct slice){0},
		.licence = cut(f->licence, 500),
		.notes = cut(f->notes, 4096),
		.source = source,
		.title = cut(f->title, 500)};
	struct mp_out out = mp_out_init(record);
	mp_put_array(&out, 2);
	mp_put_cstr(&out, "framework");
	mp_put_map(&out, 2u + (t.language.n > 0) + (t.licence.n > 0) + (t.notes.n > 0) + (t.source.n > 0));
	if (m->blob) {
		const struct upload_result r = upload_blob_result(m->blob);
		struct record_blob b = {.root = r.root,
			.size = r.size,
			.name = slice_str(FILE_NAME),
			.type = slice_str(FILE_TYPE)};
		memcpy(b.key, r.key, sizeof b.key);
		mp_put_cstr(&out, "blobs");
		mp_put_array(&out, 1);
		record_put_blob(&out, &b);
		sodium_memzero(b.key, sizeof b.key);
	} else {
		put_text(&out, "json", buf_slice(&m->canonical));
	}
	put_text(&out, "language", t.language);
	put_text(&out, "licence", t.licence);
	put_text(&out, "notes", t.notes);
	put_text(&out, "source", t.source);
	put_text(&out, "title", t.title);
	return out.err;
}

static enum err write_framework(struct act *a, struct importing *m, struct slice source)
{
	struct buf record = {0}, envelope = {0};
	struct entry_ref ref;
	struct envelope env = {.blobs_n = m->blob ? 1 : 0};
	if (m->blob) {
		const struct upload_result r = upload_blob_result(m->blob);
		env.blobs[0] = (struct envelope_blob){.root = r.root, .size = r.size};
	}
	enum err e = put_record(m, source, &record);
	if (e == OK)
		e = envelope_encode(&env, &envelope);
	if (e == OK)
		e = acting_put(a, &m->institution, KEYSET_RIGHT_PUBLISH, buf_slice(&envelope),
			buf_slice(&record), &ref);
	buf_free(&record);
	buf_free(&envelope);
	if (e != OK)
		return e;
	a->status = 201;
	a->reply = acting_json(&ref, &m->institution);
	if (a->reply) {
		json_object_set_new(a->reply, "title", compose_text_json(slice_str(m->f.title)));
		json_object_set_new(a->reply, "items", json_integer((json_int_t)m->f.items_n));
		json_object_set_new(a->reply, "levels", json_integer((json_int_t)m->f.levels_n));
	}
	return OK;
}

/* A blob that no entry attaches would stay for ever. */
static void drop_blob(struct act *a, const struct importing *m)
{
	struct store_req req = {.op = STORE_BLOB_DROP, .a.root = upload_blob_result(m->blob).root};
	(void)!desk_put(a->desk, &req);
}

static enum err write_all(struct act *a, struct importing *m)
{
	const char *source = api_query(a->rq, "source");
	if (source && strlen(source) > 500)
		return act_say(a, ERR_INPUT, "\"source\" has at most 500 bytes.");
	bool is_long = m->canonical.n > INLINE_MAX;
	enum err e = institution_may(a, &a->keys->self.identity, &m->institution, KEYSET_RIGHT_PUBLISH);
	if (e == OK && is_long)
		e = put_blob(a, m);
	if (e != OK)
		return e;
	e = write_framework(a, m, slice_str(source ? source : ""));
	if (e != OK && is_long)
		drop_blob(a, m);
	return e;
}

static enum err import(struct act *a)
{
	struct importing *m = (struct importing *)a->rq->ctx;
	enum err e = acting_for(a, &m->institution);
	if (e == OK) {
		desk_work(a->desk, read_package, m);
		e = m->err;
	}
	if (e == OK && m->n)
		e = findings_refuse(a, "framework", m->found, m->n);
	else if (e == OK)
		e = write_all(a, m);
	importing_free(m);
	return e;
}

static void on_chunk(void *ctx, struct api_request *rq, struct slice bytes)
{
	struct importing *m = (struct importing *)ctx;
	m->err = m->text.n + bytes.n > FRAMEWORK_BYTES_MAX ? ERR_LIMIT : buf_put_slice(&m->text, bytes);
	if (m->err == OK) {
		api_upload_next(rq);
		return;
	}
	api_problem(rq, m->err,
		m->err == ERR_LIMIT ? "A framework has at most 4 MiB."
				    : "The node is out of memory. Try again in a moment.");
	importing_free(m);
}

static void on_end(void *ctx, struct api_request *rq, enum err e)
{
	struct importing *m = (struct importing *)ctx;
	if (e == OK) {
		rq->ctx = m;
		act_begin(rq, import);
		return;
	}
	importing_free(m);
	api_problem(rq, e, "The file did not arrive whole. Send it again.");
}

void route_framework_import(struct api_request *rq)
{
	struct importing *m = (struct importing *)calloc(1, sizeof *m);
	if (!m) {
		api_problem(rq, ERR_MEMORY, "The node is out of memory. Try again in a moment.");
		return;
	}
	const struct api_sink sink = {.chunk = on_chunk, .end = on_end, .ctx = m};
	api_upload(rq, &sink);
}

/* ---- list */

struct listing {
	uint64_t limit, cursor;
	bool more;
	json_t *items;
};

static json_t *framework_json(struct catalogue *c, const struct fact *f)
{
	static const char *const texts[] = {"title", "language", "licence", "notes", "source"};
	json_t *by = catalogue_by(c, f);
	json_t *o = json_pack("{s:o, s:o, s:o, s:i, s:b}", "ref", compose_ref_json(&f->at.log, f->at.seq),
		"id", compose_id_json(&f->at.id), "issuer", names_json(c->names, &f->author), "hour",
		(int)f->hour, "counts", catalogue_act_counts(c, f));
	for (size_t i = 0; o && i < sizeof texts / sizeof texts[0]; i++) {
		json_t *text = frameworks_field(f, texts[i]);
		if (text)
			json_object_set_new(o, texts[i], text);
	}
	if (o && by)
		json_object_set(o, "by", by);
	json_decref(by);
	return o;
}

static enum err list_all(struct catalogue *c, void *ctx)
{
	struct listing *l = (struct listing *)ctx;
	struct store_req req = {.op = STORE_FACT_ALL,
		.a.number = FACT_MASK(FACT_FRAMEWORK),
		.a.seq = l->cursor,
		.a.max = l->limit};
	struct store_res res = {0};
	store_exec_one(c->store, &req, &res);
	enum err e = res.err;
	for (size_t i = 0; e == OK && i < res.r.n; i++)
		e = json_array_append_new(l->items, framework_json(c, &res.r.facts[i])) == 0 ? OK
											     : ERR_MEMORY;
	l->cursor = res.r.number;
	l->more = res.r.more;
	store_res_free(&res);
	return e;
}

static enum err list(struct act *a)
{
	struct listing l = {.limit = 50};
	enum err e = catalogue_page(a, &l.limit, &l.cursor);
	if (e == OK)
		e = catalogue_list(a, list_all, &l, &l.items);
	return e == OK ? catalogue_go_on(a, l.more, l.cursor) : e;
}

/* ---- show */

struct showing {
	struct entry_ref at;
	const char *code;
	json_t *out;
};

static void set_text(json_t *o, const char *key, const char *text)
{
	if (text)
		json_object_set_new(o, key, compose_text_json(slice_str(text)));
}

static json_t *levels_json(const struct framework *f, const struct framework_item *item)
{
	json_t *list = json_array();
	for (size_t i = 0; list && i < f->levels_n; i++) {
		const struct framework_level *l = &f->levels[i];
		if (!l->item_uri || strcmp(l->item_uri, item->uri) != 0)
			continue;
		json_t *one = json_object();
		set_text(one, "criterion", l->criterion);
		set_text(one, "quality", l->quality);
		set_text(one, "description", l->description);
		if (l->has_score)
			json_object_set_new(one, "score", json_real(l->score));
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *item_json(const struct framework_item *item)
{
	json_t *o = json_pack(
		"{s:o, s:i}", "uri", compose_text_json(slice_str(item->uri)), "depth", (int)item->depth);
	if (!o)
		return NULL;
	set_text(o, "code", item->code);
	set_text(o, "statement", item->statement);
	set_text(o, "short", item->short_statement);
	set_text(o, "type", item->type);
	return o;
}

/* With a code: the items that have it, with their levels and what lies below them. */
static enum err put_items(const struct framework *f, const char *code, json_t *items)
{
	bool inside = false;
	unsigned depth = 0;
	for (size_t i = 0; i < f->items_n; i++) {
		const struct framework_item *item = &f->items[i];
		bool meant = code && item->code && strcmp(item->code, code) == 0;
		inside = meant || (inside && item->depth > depth);
		if (meant)
			depth = item->depth;
		if (code && !inside)
			continue;
		json_t *o = item_json(item);
		if (o && meant)
			json_object_set_new(o, "levels", levels_json(f, item));
		if (!o || json_array_append_new(items, o) != 0)
			return ERR_MEMORY;
	}
	return OK;
}

static enum err show_framework(struct catalogue *c, struct showing *s, const struct fact *fact)
{
	struct framework f;
	enum err e = frameworks_read(c, fact, &f);
	if (e == ERR_PENDING)
		return act_say(c->act, e, "The file of this framework is still coming.");
	if (e == ERR_FORMAT)
		return act_say(c->act, e, "This framework is not as it must be: it is no CASE package.");
	if (e != OK)
		return e;
	json_t *items = json_array();
	s->out = framework_json(c, fact);
	e = s->out && items ? put_items(&f, s->code, items) : ERR_MEMORY;
	if (e == OK && s->code && json_array_size(items) == 0)
		e = act_say(
			c->act, ERR_NOT_FOUND, "No item of this framework has the code \"%.80s\".", s->code);
	if (e == OK) {
		set_text(s->out, "creator", f.creator);
		set_text(s->out, "uri", f.uri);
		json_object_set(s->out, "items", items);
	}
	json_decref(items);
	framework_deinit(&f);
	return e;
}

static enum err show_one(struct catalogue *c, void *ctx)
{
	struct showing *s = (struct showing *)ctx;
	struct fact_list found;
	enum err e = catalogue_find(c, &s->at, FACT_FRAMEWORK, &found);
	if (e == ERR_NOT_FOUND)
		return act_say(c->act, e, "This entry is not a framework that can be read here.");
	if (e == OK)
		e = show_framework(c, s, &found.facts[0]);
	fact_list_free(&found);
	return e;
}

static enum err show(struct act *a)
{
	struct showing s = {.code = api_query(a->rq, "code")};
	enum err e = acting_entry(a, api_param(a->rq, "ref"), &s.at);
	if (e == OK)
		e = catalogue_ask(a, a->rq->session, show_one, &s);
	a->reply = s.out;
	return e;
}

void route_framework_list(struct api_request *rq)
{
	act_begin(rq, list);
}

void route_framework_show(struct api_request *rq)
{
	act_begin(rq, show);
}
