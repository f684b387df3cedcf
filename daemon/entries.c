/* entries.c -- see entries.h. */
#include "entries.h"

#include "compose.h"
#include "protocol/log/blobtree.h"
#include "protocol/log/entry.h"
#include "protocol/log/erasure.h"

#include <sodium.h>
#include <stdio.h>

/* ---- parts of one entry */

static json_t *blob_state_json(struct store *s, const struct envelope_blob *b)
{
	struct store_req req = {.op = STORE_BLOB_GET, .a.root = b->root};
	struct store_res res = {0};
	uint64_t total = blob_chunks(b->size), held = 0;
	store_exec_one(s, &req, &res);
	if (res.err == OK)
		held = res.r.blobs[0].state == BLOB_COMPLETE ? total : res.r.blobs[0].have_n;
	store_res_free(&res);
	return json_pack("{s:o, s:o, s:o, s:o, s:b}", "root", compose_id_json(&b->root), "size",
		compose_number_json(b->size), "held", compose_number_json(held), "total",
		compose_number_json(total), "complete", held == total);
}

static const char *reason_name(unsigned reason)
{
	static const char *const names[] = {"wish", "consent", "retention", "law", "mistake"};
	return reason < sizeof names / sizeof *names ? names[reason] : "unknown";
}

static void put_envelope(json_t *o, struct store *s, struct slice bytes)
{
	struct envelope env;
	if (envelope_decode(bytes, &env) != OK)
		return;
	json_t *blobs = json_array();
	for (size_t i = 0; i < env.blobs_n; i++)
		json_array_append_new(blobs, blob_state_json(s, &env.blobs[i]));
	json_object_set_new(o, "blobs", blobs);
	if (env.has_was)
		json_object_set_new(o, "was", compose_ref_json(&env.was.log, env.was.seq));
	if (env.has_custodian)
		json_object_set_new(o, "custodian", compose_id_json(&env.custodian));
	if (env.has_drop_after)
		json_object_set_new(o, "drop_after_day", json_integer(env.drop_after_day));
}

/* SPEC 15: "A size code tells a carrier the rough number of readers" */
static void put_readers(json_t *o, const struct store_part *p)
{
	static const int sizes[] = {4, 16, 64, 256, 512};
	bool sealed = (p->header[1] & ENTRY_FLAG_SEALED) != 0;
	json_object_set_new(o, "sealed", json_boolean(sealed));
	if (!sealed)
		json_object_set_new(o, "readers", json_string("everybody"));
	else if (p->kind == BODY_HERE && p->bytes.n > ENTRY_SALT_BYTES + 2 && p->bytes.p[33] < 5)
		json_object_set_new(o, "readers_up_to", json_integer(sizes[p->bytes.p[33]]));
}

static void put_erasure(json_t *o, struct slice statement)
{
	struct erasure e;
	if (erasure_decode(statement, &e) == OK)
		json_object_set_new(o, "erased",
			json_pack("{s:s, s:s, s:i}", "reason", reason_name(e.reason), "by",
				e.by == ERASURE_BY_OWNER ? "owner" : "custodian", "hour", (int)e.hour));
}

static const char *state_name(enum err e)
{
	switch ((int)e) {
	case OK: return "here";
	case ERR_LOCKED: return "locked";
	case ERR_ERASED: return "erased";
	case ERR_PENDING: return "pending";
	case ERR_REFUSED: return "withheld";
	case ERR_FORMAT:
	case ERR_DECRYPT: return "malformed";
	}
	return "unknown";
}

static json_t *entry_json(struct store *s, const struct store_log *l, uint64_t seq,
	const struct store_part *p, enum err opened, struct slice record)
{
	struct id32 id = entry_id(p->header);
	struct entry_header h;
	if (entry_header_decode(slice_of(p->header, ENTRY_HEADER_BYTES), &h) != OK)
		return NULL;
	json_t *o = json_pack("{s:o, s:o, s:o, s:o, s:o, s:i, s:b, s:b, s:s}", "ref",
		compose_ref_json(&l->log, seq), "id", compose_id_json(&id), "log", compose_id_json(&l->log),
		"seq", compose_number_json(seq), "identity", compose_id_json(&l->identity), "hour",
		(int)h.hour, "keep", (h.flags & ENTRY_FLAG_KEEP) != 0, "locked", opened == ERR_LOCKED,
		"state", state_name(opened));
	if (!o)
		return NULL;
	put_readers(o, p);
	put_envelope(o, s, p->envelope);
	if (p->kind == BODY_ERASED)
		put_erasure(o, p->bytes);
	if (opened == OK) {
		json_t *content = compose_json(record);
		if (content)
			json_object_update(o, content);
		json_decref(content);
	}
	return o;
}

/* ---- reading */

static enum err get_log(struct store *s, const struct id32 *log, struct store_log *l)
{
	struct store_req req = {.op = STORE_LOG_GET, .a.log = *log};
	struct store_res res = {0};
	store_exec_one(s, &req, &res);
	if (res.err == OK)
		*l = res.r.logs[0];
	store_res_free(&res);
	return res.err;
}

static enum err get_run(struct store *s, const struct id32 *log, uint64_t first, struct store_res *res)
{
	struct store_req req = {.op = STORE_RUN_GET,
		.a.log = *log,
		.a.first = first,
		.a.end = run_interval_end(first),
		.a.max = UINT32_MAX};
	*res = (struct store_res){0};
	store_exec_one(s, &req, res);
	return res->err;
}

static void wipe(struct buf *record)
{
	if (record->p)
		sodium_memzero(record->p, record->cap);
	buf_free(record);
}

enum err entries_one(struct store *s, struct opener *o, const struct id32 *log, uint64_t seq, json_t **out)
{
	struct store_log l;
	struct store_res res = {0};
	struct buf record = {0};
	enum err e = get_log(s, log, &l);
	if (e == OK)
		e = seq < l.end ? get_run(s, log, seq, &res) : ERR_NOT_FOUND;
	if (e == OK) {
		const struct store_part *p = &res.r.parts[0];
		enum err opened = opener_open(o, s, &l.identity, log, p, &record);
		*out = entry_json(s, &l, seq, p, opened, buf_slice(&record));
		if (!*out)
			e = ERR_MEMORY;
	}
	wipe(&record);
	store_res_free(&res);
	return e;
}

/* ---- lists */

struct listing {
	struct store *s;
	struct opener *o;
	const struct entries_query *q;
	json_t *items;
	size_t looked;
	bool full;
	struct id32 last_log;
	uint64_t last_seq;
};

/* What people did not write stays out, unless it is asked for. */
static bool is_wanted(const struct listing *t, enum err opened, struct slice record)
{
	struct slice kind, fields;
	bool known = opened == OK && record_open(record, &kind, &fields) == OK;
	if (t->q->kind)
		return known && slice_equal(kind, slice_str(t->q->kind));
	return !known || !slice_equal(kind, slice_str("device"));
}

static enum err list_part(
	struct listing *t, const struct store_log *l, uint64_t seq, const struct store_part *p)
{
	struct buf record = {0};
	enum err e = OK, opened = opener_open(t->o, t->s, &l->identity, &l->log, p, &record);
	if (is_wanted(t, opened, buf_slice(&record))) {
		json_t *item = entry_json(t->s, l, seq, p, opened, buf_slice(&record));
		e = item && json_array_append_new(t->items, item) == 0 ? OK : ERR_MEMORY;
	}
	wipe(&record);
	t->last_log = l->log;
	t->last_seq = seq;
	t->full = json_array_size(t->items) >= t->q->limit || ++t->looked >= ENTRIES_LOOKED_MAX;
	return e;
}

/* From before `end` down to the beginning, interval by interval. */
static enum err list_log(struct listing *t, const struct store_log *l, uint64_t end)
{
	enum err e = OK;
	while (e == OK && end > 0 && !t->full) {
		struct store_res res;
		uint64_t first = (end - 1) & ~(uint64_t)(LIMIT_RUN_ENTRIES - 1);
		e = get_run(t->s, &l->log, first, &res);
		while (e == OK && end > first && !t->full) {
			end--;
			if (end - first < res.r.n)
				e = list_part(t, l, end, &res.r.parts[end - first]);
		}
		store_res_free(&res);
	}
	return e;
}

enum err entries_list(struct store *s, struct opener *o, const struct entries_query *q, json_t **out)
{
	struct listing t = {.s = s, .o = o, .q = q, .items = json_array()};
	struct store_req req = {.op = STORE_LOG_LIST};
	struct store_res res = {0};
	if (q->has_of)
		req.a.identity = q->of;
	store_exec_one(s, &req, &res);
	enum err e = t.items ? res.err : ERR_MEMORY;
	bool begun = !q->has_cursor, all = true;
	for (size_t i = 0; e == OK && i < res.r.n && all; i++) {
		const struct store_log *l = &res.r.logs[i];
		bool at = q->has_cursor && id32_equal(&l->log, &q->cursor_log);
		if (begun || at)
			e = list_log(&t, l, at && q->cursor_seq < l->end ? q->cursor_seq : l->end);
		begun = begun || at;
		all = !t.full;
	}
	store_res_free(&res);
	if (e == OK)
		*out = json_pack("{s:O, s:o}", "items", t.items, "cursor",
			t.full ? compose_ref_json(&t.last_log, t.last_seq) : json_null());
	json_decref(t.items);
	return e != OK ? e : *out ? OK : ERR_MEMORY;
}

/* ---- the key of a blob */

struct search {
	struct store *s;
	struct opener *o;
	const struct id32 *root;
	struct record_blob *out;
	struct buf *keep; /* the record, which name and type point into */
	bool attached;
};

static bool find_in_record(struct search *f)
{
	struct slice kind, fields;
	struct mp_in value;
	size_t n;
	if (record_check(buf_slice(f->keep), NULL) != OK ||
		record_open(buf_slice(f->keep), &kind, &fields) != OK ||
		record_get(fields, "blobs", &value) != OK ||
		mp_get_array(&value, 0, LIMIT_ENVELOPE_BLOBS, &n) != OK)
		return false;
	for (size_t i = 0; i < n; i++)
		if (record_get_blob(&value, f->out) != OK)
			return false;
		else if (id32_equal(&f->out->root, f->root))
			return true;
	return false;
}

static bool find_in_part(struct search *f, const struct store_log *l, const struct store_part *p)
{
	struct envelope env;
	bool attached = false;
	if (envelope_decode(p->envelope, &env) != OK)
		return false;
	for (size_t i = 0; i < env.blobs_n; i++)
		attached = attached || id32_equal(&env.blobs[i].root, f->root);
	if (!attached)
		return false;
	f->attached = true;
	f->keep->n = 0;
	return opener_open(f->o, f->s, &l->identity, &l->log, p, f->keep) == OK && find_in_record(f);
}

static bool find_in_log(struct search *f, const struct store_log *l, uint64_t from, uint64_t below)
{
	bool found = false;
	for (uint64_t end = below; end > from && !found;) {
		struct store_res res;
		uint64_t first = (end - 1) & ~(uint64_t)(LIMIT_RUN_ENTRIES - 1);
		if (first < from)
			first = from;
		if (get_run(f->s, &l->log, first, &res) == OK)
			for (size_t i = res.r.n; i-- > 0 && !found;)
				if (first + i < end)
					found = find_in_part(f, l, &res.r.parts[i]);
		store_res_free(&res);
		end = first;
	}
	return found;
}

enum err entries_blob_key(struct store *s, struct opener *o, const struct store_blob *blob,
	const struct id32 *ref_log, uint64_t ref_seq, struct record_blob *out, struct buf *keep)
{
	struct search f = {.s = s, .o = o, .root = &blob->root, .out = out, .keep = keep};
	struct store_req req = {.op = STORE_LOG_LIST, .a.identity = blob->owner};
	struct store_res res = {0};
	bool found = false;
	store_exec_one(s, &req, &res);
	for (size_t i = 0; res.err == OK && i < res.r.n && !found; i++) {
		const struct store_log *l = &res.r.logs[i];
		if (!ref_log)
			found = find_in_log(&f, l, 0, l->end);
		else if (id32_equal(ref_log, &l->log) && ref_seq < l->end)
			found = find_in_log(&f, l, ref_seq, ref_seq + 1);
	}
	enum err e = res.err;
	store_res_free(&res);
	return e != OK ? e : found ? OK : f.attached ? ERR_LOCKED : ERR_NOT_FOUND;
}
