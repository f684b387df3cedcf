/* api_entries.c -- entries: written for the session's identity, listed and shown as far as the session can read. */
#include "act.h"
#include "compose.h"
#include "entries.h"
#include "ownlog.h"
#include "protocol/log/entry.h"
#include "protocol/log/seal.h"
#include "uploads.h"

#include <sodium.h>
#include <stdio.h>

/* ---- who will be able to read it */

struct audience {
	bool clear;
	size_t n;
	struct id32 keys[LIMIT_READERS];
};

/* The current reading key of an identity; its author's own must be one whose secret is here. */
static enum err add_reader(struct act *a, struct audience *to, const struct id32 *id)
{
	struct keyset *ks = NULL;
	struct keyset_view v;
	char hex[65];
	sodium_bin2hex(hex, sizeof hex, id->b, 32);
	if (to->n == LIMIT_READERS)
		return act_say(a, ERR_LIMIT, "An entry has at most %d readers.", LIMIT_READERS);
	enum err e = desk_keyset(a->desk, id, &ks);
	if (e == ERR_NOT_FOUND)
		return act_say(a, e,
			"The keys of %s are not on this node: follow that identity first, so that it can be written to.",
			hex);
	if (e == OK)
		e = keyset_resolve(ks, &v);
	if (e == OK) {
		if (v.has_reading)
			to->keys[to->n++] = v.reading_key;
		else
			e = act_say(
				a, ERR_STATE, "%s has no reading key: nothing can be sealed for it.", hex);
		keyset_view_deinit(&v);
	}
	keyset_free(ks);
	return e;
}

static enum err add_word(struct act *a, struct audience *to, const json_t *word, bool *said)
{
	const char *text = json_string_value(word);
	struct id32 id;
	if (!text)
		return act_say(a, ERR_INPUT, "\"to\" is \"private\", \"public\", or identity ids.");
	if (strcmp(text, "public") == 0)
		to->clear = true;
	*said = true;
	if (to->clear || strcmp(text, "private") == 0)
		return OK;
	enum err e = act_identity(a, text, &id);
	return e == OK ? add_reader(a, to, &id) : e;
}

static enum err find_audience(struct act *a, const char *kind, struct audience *to)
{
	const json_t *list = json_object_get(a->rq->body, "to");
	bool said = false;
	enum err e = add_reader(a, to, &a->keys->self.identity);
	if (e == OK && json_is_array(list))
		for (size_t i = 0; e == OK && i < json_array_size(list); i++)
			e = add_word(a, to, json_array_get(list, i), &said);
	else if (e == OK && list)
		e = add_word(a, to, list, &said);
	if (e == OK && to->clear && json_array_size(list) > 1)
		e = act_say(
			a, ERR_INPUT, "\"public\" stands alone: what everybody can read needs no readers.");
	if (!said && strcmp(kind, "profile") == 0)
		to->clear = true;
	return e;
}

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

/* Body and append in one: a new log needs a body that is sealed for it. */
static enum err append_once(struct act *a, const struct audience *to, struct slice envelope,
	struct slice record, struct entry_ref *ref)
{
	const struct owner *o = &a->keys->self;
	struct id32 log = ownlog_id(o);
	struct buf body = {0};
	enum err e = OK;
	if (to->clear) {
		e = seal_clear_body(&desk_random, record, &body);
	} else {
		const struct identity_reading *mine = identity_secrets_reading(&o->secrets, &to->keys[0]);
		if (!mine)
			e = act_say(a, ERR_LOCKED,
				"This device lacks the current reading key: lock and unlock the identity.");
		else
			e = seal_body(&desk_random, mine->secret, &log, to->keys, to->n, record, &body, NULL);
		if (e == ERR_LIMIT)
			(void)act_say(a, e, "The text is too long for one entry: attach it as a file.");
	}
	if (e == OK) {
		const struct draft draft = {.flags = to->clear ? 0 : ENTRY_FLAG_SEALED,
			.envelope = envelope,
			.body = buf_slice(&body)};
		e = ownlog_append(a->desk, o, &draft, ref);
	}
	buf_free(&body);
	return e;
}

static enum err append(struct act *a, const struct audience *to, struct slice envelope, struct slice record,
	struct entry_ref *ref)
{
	size_t again;
	enum err e = append_once(a, to, envelope, record, ref);
	if (e != ERR_STATE && e != ERR_NOT_FOUND)
		return e;
	e = ownlog_ensure(a->desk, &a->keys->self, &again);
	return e == OK ? append_once(a, to, envelope, record, ref) : e;
}

static void finish_uploads(struct act *a, size_t n)
{
	const json_t *list = json_object_get(a->rq->body, "uploads");
	for (size_t i = 0; i < n; i++)
		uploads_done(json_string_value(json_array_get(list, i)));
}

static enum err write_record(struct act *a, const char *kind, struct audience *to)
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
	if (e == OK)
		e = append(a, to, buf_slice(&envelope), buf_slice(&record), &ref);
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
	struct audience *to = (struct audience *)calloc(1, sizeof *to);
	if (e == OK)
		e = to ? find_audience(a, kind, to) : ERR_MEMORY;
	if (e == OK)
		e = write_record(a, kind, to);
	free(to);
	return e;
}

/* ---- reading */

struct reading {
	const struct keyring *keys;
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
	struct opener *o = e == OK ? opener_new(r->keys) : NULL;
	r->err = e != OK ? e : o ? OK : ERR_MEMORY;
	if (r->err == OK)
		r->err = r->one ? entries_one(s, o, &r->log, r->seq, &r->out)
				: entries_list(s, o, &r->query, &r->out);
	opener_free(o);
}

static enum err list(struct act *a)
{
	struct reading r = {.keys = a->keys, .query = {.kind = api_query(a->rq, "kind"), .limit = 50}};
	const char *of = api_query(a->rq, "of"), *cursor = api_query(a->rq, "cursor");
	const char *limit = api_query(a->rq, "limit");
	enum err e = OK;
	if (limit) {
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
	struct reading r = {.keys = a->keys, .one = true};
	enum err e = act_ref(a->desk, api_param(a->rq, "ref"), &r.log, &r.seq);
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
