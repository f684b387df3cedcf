/* api_entries.c -- entries: written for the session's identity, listed and shown as far as the session can read. */
#include "act.h"
#include "book.h"
#include "compose.h"
#include "entries.h"
#include "protocol/log/entry.h"
#include "uploads.h"
#include "writing.h"

#include <sodium.h>
#include <stdio.h>

/* ---- writing */

static enum err find_ref(void *ctx, const char *text, struct entry_ref *ref)
{
	return act_entry((struct desk *)ctx, text, ref, NULL, NULL);
}

static enum err find_uploads(struct act *a, struct record_blob blobs[LIMIT_ENVELOPE_BLOBS], size_t *n)
{
	const json_t *list = json_object_get(a->rq->body, "uploads");
	*n = json_array_size(list);
	if (list && !json_is_array(list))
		return act_say(a, ERR_INPUT, "\"uploads\" is a list of upload ids.");
	if (*n > LIMIT_ENVELOPE_BLOBS)
		return act_say(a, ERR_LIMIT, "An entry has at most %d files.", LIMIT_ENVELOPE_BLOBS);
	for (size_t i = 0; i < *n; i++) {
		const char *id = json_string_value(json_array_get(list, i));
		if (!id || uploads_get(id, &a->keys->self.identity, &blobs[i]) != OK)
			return act_say(a, ERR_NOT_FOUND,
				"The upload \"%.40s\" is not here (any more): send the file again.",
				id ? id : "");
	}
	return OK;
}

static bool may_be_written(const char *kind)
{
	return strcmp(kind, "artifact") == 0 || strcmp(kind, "reflection") == 0 ||
		strcmp(kind, "profile") == 0;
}

static void finish_uploads(struct act *a, size_t n)
{
	const json_t *list = json_object_get(a->rq->body, "uploads");
	for (size_t i = 0; i < n; i++)
		uploads_done(json_string_value(json_array_get(list, i)));
}

static enum err write_record(struct act *a, const char *kind, const struct audience *to)
{
	struct record_blob blobs[LIMIT_ENVELOPE_BLOBS];
	struct compose_env env = {.ref = find_ref, .ctx = a->desk, .blobs = blobs};
	struct envelope out = {0};
	struct buf record = {0}, envelope = {0};
	struct entry_ref ref = {0};
	json_t *none = json_object(), *fields = json_object_get(a->rq->body, "fields");
	enum err e = find_uploads(a, blobs, &env.blobs_n);
	if (e == OK)
		e = compose_record(kind, json_is_object(fields) ? fields : none, &env, &record, a->why);
	out.blobs_n = env.blobs_n;
	for (size_t i = 0; e == OK && i < env.blobs_n; i++)
		out.blobs[i] = (struct envelope_blob){.root = blobs[i].root, .size = blobs[i].size};
	if (e == OK)
		e = envelope_encode(&out, &envelope);
	if (e == OK) {
		const struct writing w = {
			.to = to, .envelope = buf_slice(&envelope), .record = buf_slice(&record)};
		e = writing_put(a, &a->keys->self, &w, &ref, NULL);
	}
	if (e == OK) {
		finish_uploads(a, env.blobs_n);
		a->status = 201;
		a->reply = json_pack("{s:o, s:o, s:b, s:i}", "ref", compose_ref_json(&ref.log, ref.seq), "id",
			compose_id_json(&ref.id), "sealed", !to->clear, "readers",
			to->clear ? 0 : (int)to->n);
	}
	sodium_memzero(blobs, sizeof blobs);
	if (record.p)
		sodium_memzero(record.p, record.cap);
	buf_free(&record);
	buf_free(&envelope);
	json_decref(none);
	return e;
}

static enum err create(struct act *a)
{
	const char *kind;
	enum err e = act_need(a, "kind", &kind);
	if (e == OK && !may_be_written(kind))
		e = act_say(a, ERR_INPUT, "\"kind\" is one of artifact, reflection, profile.");
	struct audience *to = audience_new();
	if (e == OK)
		e = to ? audience_list(a, to, json_object_get(a->rq->body, "to")) : ERR_MEMORY;
	if (e == OK && !to->said && strcmp(kind, "profile") == 0)
		to->clear = true;
	if (e == OK && !to->clear)
		e = audience_add(a, to, &a->keys->self.identity);
	if (e == OK)
		e = write_record(a, kind, to);
	audience_free(to);
	return e;
}

/* ---- reading */

struct reading {
	struct book *book;
	struct entries_query query;
	struct id32 log;
	uint64_t seq;
	bool one;
	json_t *out;
	enum err err;
};

static void read_entries(void *ctx, struct store *s, enum err e)
{
	struct reading *r = (struct reading *)ctx;
	if (e == OK)
		e = book_catch_up(r->book, s);
	struct opener *o = e == OK ? book_opener(r->book) : NULL;
	r->err = e != OK ? e : o ? OK : ERR_MEMORY;
	if (r->err == OK)
		r->err = r->one ? entries_one(s, o, &r->log, r->seq, &r->out)
				: entries_list(s, o, &r->query, &r->out);
	opener_free(o);
}

static enum err begin_reading(struct act *a, struct reading *r)
{
	r->book = session_book(a->rq->sessions, a->rq->session);
	return r->book ? OK : ERR_MEMORY;
}

static enum err list(struct act *a)
{
	struct reading r = {.query = {.kind = api_query(a->rq, "kind"), .limit = 50}};
	const char *of = api_query(a->rq, "of"), *cursor = api_query(a->rq, "cursor");
	const char *limit = api_query(a->rq, "limit");
	enum err e = begin_reading(a, &r);
	if (e == OK && limit) {
		r.query.limit = strspn(limit, "0123456789") == strlen(limit) ? strtoul(limit, NULL, 10) : 0;
		if (!r.query.limit || r.query.limit > ENTRIES_LIMIT)
			e = act_say(a, ERR_INPUT, "\"limit\" is a number from 1 to %u.", ENTRIES_LIMIT);
	}
	if (e == OK && of) {
		r.query.has_of = true;
		e = act_identity(a, of, &r.query.of);
	}
	if (e == OK && cursor) {
		r.query.has_cursor = true;
		e = act_ref(a->desk, cursor, &r.query.cursor_log, &r.query.cursor_seq);
		if (e != OK)
			(void)act_say(a, e, "The cursor is not one that a list gave.");
	}
	if (e != OK)
		return e;
	desk_read(a->desk, read_entries, &r);
	a->reply = r.out;
	return r.err;
}

static enum err show(struct act *a)
{
	struct reading r = {.one = true};
	enum err e = begin_reading(a, &r);
	if (e == OK)
		e = act_ref(a->desk, api_param(a->rq, "ref"), &r.log, &r.seq);
	if (e == OK) {
		desk_read(a->desk, read_entries, &r);
		a->reply = r.out;
		e = r.err;
	}
	if (e == ERR_NOT_FOUND)
		return act_say(a, e, "This entry is not on this node.");
	if (e == ERR_INPUT)
		return act_say(a, e, "An entry is named LOG:SEQ; LOG may be shortened to 8 digits or more.");
	return e == ERR_AMBIGUOUS ? act_say(a, e, "Several logs begin so: give more digits.") : e;
}

void route_entry_create(struct api_request *rq)
{
	act_begin(rq, create);
}

void route_entry_list(struct api_request *rq)
{
	act_begin(rq, list);
}

void route_entry_show(struct api_request *rq)
{
	act_begin(rq, show);
}
