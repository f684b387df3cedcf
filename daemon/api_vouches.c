/* api_vouches.c -- vouching: who says to know whom, under which name and in which role. SPEC.md section 16.9. */
#include "acting.h"
#include "catalogue.h"
#include "compose.h"
#include "protocol/log/entry.h"
#include "protocol/log/record.h"

#include <stdio.h>

#define DATE_BYTES 10

/* ---- write */

struct vouching {
	struct id32 who, writer;
	struct audience *to;
	bool network; /* the writer is the session's network */
};

/* An institution says it in the clear; of a person only the two who are in it can read it, unless everybody shall. */
static enum err find_readers(struct act *a, struct vouching *v)
{
	struct keyset *ks = NULL;
	struct keyset_view view = {0};
	bool person = true;
	v->to->clear = json_is_true(json_object_get(a->rq->body, "public"));
	if (v->to->clear)
		return OK;
	enum err e = desk_keyset(a->desk, &v->who, &ks);
	if (e == ERR_NOT_FOUND)
		e = act_say(a, e,
			"The keys of this identity are not on this node: follow it first, or say that everybody may read it (--public).");
	if (e == OK)
		e = keyset_resolve(ks, &view);
	if (e == OK)
		person = view.kind == IDENTITY_PERSON;
	keyset_view_deinit(&view);
	keyset_free(ks);
	if (e == OK && !person)
		v->to->clear = true;
	return e == OK && person ? audience_add(a, v->to, &v->who) : e;
}

static enum err find_writer(struct act *a, struct vouching *v)
{
	v->network = json_is_true(json_object_get(a->rq->body, "network"));
	if (!v->network)
		return acting_for(a, &v->writer);
	if (act_text(a, "institution"))
		return act_say(a, ERR_INPUT, "\"network\" and \"institution\" do not go together.");
	if (!a->keys->has_network)
		return act_say(a, ERR_REFUSED,
			"This identity owns no network here: only who made the network vouches in its name.");
	v->writer = a->keys->network.identity;
	return OK;
}

/* As whoever v->writer is. */
static enum err put(struct act *a, const struct vouching *v, struct slice record, struct entry_ref *ref)
{
	if (v->network) {
		const struct writing w = {.to = v->to, .record = record, .keep = true};
		return writing_put(a, &a->keys->network, &w, ref, NULL);
	}
	const struct institution_act in = {
		.institution = v->writer, .right = KEYSET_RIGHT_VOUCH, .record = record, .to = v->to};
	return institution_act(a, a->rq->sessions, a->keys, &in, ref, NULL);
}

static enum err check_texts(struct act *a, const char *const texts[4])
{
	static const char *const names[] = {"from", "name", "role", "until"};
	for (size_t i = 0; i < 4; i++) {
		size_t n = texts[i] ? strlen(texts[i]) : 1;
		if (json_object_get(a->rq->body, names[i]) && (!texts[i] || n < 1 || n > 200))
			return act_say(a, ERR_INPUT, "\"%s\" must be a text of 1 to 200 bytes.", names[i]);
	}
	for (size_t i = 0; i < 4; i += 3) {
		const char *date = texts[i];
		if (date && (strlen(date) != DATE_BYTES || date[4] != '-' || date[7] != '-'))
			return act_say(a, ERR_INPUT, "\"%s\" must be a day: YYYY-MM-DD.", names[i]);
	}
	if (texts[0] && texts[3] && strcmp(texts[0], texts[3]) > 0)
		return act_say(a, ERR_INPUT, "\"until\" lies before \"from\".");
	return OK;
}

static enum err put_record(struct act *a, const struct vouching *v, struct buf *record)
{
	static const char *const names[] = {"from", "name", "role", "until"};
	const char *const texts[] = {
		act_text(a, "from"), act_text(a, "name"), act_text(a, "role"), act_text(a, "until")};
	struct mp_out m = mp_out_init(record);
	enum err e = check_texts(a, texts);
	if (e != OK)
		return e;
	size_t n = 1;
	for (size_t i = 0; i < 4; i++)
		n += texts[i] != NULL;
	mp_put_array(&m, 2);
	mp_put_cstr(&m, "vouch");
	mp_put_map(&m, n);
	for (size_t i = 0; i < 4; i++)
		if (texts[i]) {
			mp_put_cstr(&m, names[i]);
			mp_put_cstr(&m, texts[i]);
		}
	mp_put_cstr(&m, "who");
	mp_put_id(&m, &v->who);
	const char *field = NULL;
	if (m.err == OK && record_check(buf_slice(record), &field) != OK)
		return act_say(a, ERR_INPUT, "\"%s\" is not as it must be.", field ? field : "vouch");
	return m.err;
}

static enum err vouch(struct act *a)
{
	const char *who;
	struct buf record = {0};
	struct entry_ref ref;
	struct vouching v = {.to = audience_new()};
	enum err e = v.to ? act_need(a, "who", &who) : ERR_MEMORY;
	if (e == OK)
		e = act_identity(a, who, &v.who);
	if (e == OK)
		e = find_writer(a, &v);
	if (e == OK && id32_equal(&v.who, &v.writer))
		e = act_say(a, ERR_INPUT, "Nobody vouches for himself.");
	if (e == OK)
		e = find_readers(a, &v);
	if (e == OK)
		e = put_record(a, &v, &record);
	if (e == OK)
		e = put(a, &v, buf_slice(&record), &ref);
	if (e == OK) {
		a->status = 201;
		a->reply = json_pack("{s:o, s:o, s:o, s:o, s:b}", "ref", compose_ref_json(&ref.log, ref.seq),
			"id", compose_id_json(&ref.id), "who", compose_id_json(&v.who), "writer",
			compose_id_json(&v.writer), "public", v.to->clear);
	}
	buf_free(&record);
	audience_free(v.to);
	return e;
}

/* ---- list */

struct listing {
	bool has_who, has_me;
	struct id32 who, me, network;
	json_t *items;
};

static json_t *vouch_json(struct catalogue *c, const struct fact *f, bool ended)
{
	static const char *const texts[] = {"name", "role", "from", "until"};
	struct slice kind, fields, text;
	json_t *by = catalogue_by(c, f);
	json_t *o = json_pack("{s:o, s:o, s:o, s:o, s:i, s:b, s:b, s:b}", "ref",
		compose_ref_json(&f->at.log, f->at.seq), "id", compose_id_json(&f->at.id), "writer",
		names_json(c->names, &f->author), "who", names_json(c->names, &f->party), "hour",
		(int)f->hour, "public", (f->flags & ENTRY_FLAG_SEALED) == 0, "ended", ended, "counts",
		catalogue_act_counts(c, f));
	if (o && record_open(f->data, &kind, &fields) == OK)
		for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
			if (record_get_str(fields, texts[i], &text) == OK)
				json_object_set_new(o, texts[i], compose_text_json(text));
	if (o && by)
		json_object_set(o, "by", by);
	json_decref(by);
	return o;
}

static enum err put_all(struct catalogue *c, struct listing *l, const struct fact_list *list)
{
	enum err e = OK;
	for (size_t i = 0; e == OK && i < list->n; i++) {
		bool ended = false;
		e = catalogue_ended(c, &list->facts[i], FACT_VOUCH_END, &ended);
		if (e == OK && json_array_append_new(l->items, vouch_json(c, &list->facts[i], ended)) != 0)
			e = ERR_MEMORY;
	}
	return e;
}

static enum err list_some(struct catalogue *c, struct listing *l, const struct id32 *id, bool written)
{
	struct fact_list list;
	enum err e = written ? cases_by(c->cases, id, FACT_MASK(FACT_VOUCH), &list)
			     : cases_party(c->cases, id, FACT_MASK(FACT_VOUCH), &list);
	if (e == OK)
		e = put_all(c, l, &list);
	fact_list_free(&list);
	return e;
}

/* For one: who vouches for it. Else for whom I vouch, or my network, and who vouches for me. */
static enum err list_all(struct catalogue *c, void *ctx)
{
	struct listing *l = (struct listing *)ctx;
	if (l->has_who)
		return list_some(c, l, &l->who, false);
	enum err e = list_some(c, l, &l->me, true);
	if (e == OK && !id32_is_zero(&l->network))
		e = list_some(c, l, &l->network, true);
	return e == OK ? list_some(c, l, &l->me, false) : e;
}

static enum err list(struct act *a)
{
	const char *who = api_query(a->rq, "who");
	struct listing l = {.has_who = who != NULL, .has_me = a->keys != NULL};
	enum err e = OK;
	if (who)
		e = act_identity(a, who, &l.who);
	else if (!a->keys)
		e = act_say(a, ERR_INPUT, "Say who is meant: ?who=ID.");
	if (l.has_me) {
		l.me = a->keys->self.identity;
		if (a->keys->has_network)
			l.network = a->keys->network.identity;
	}
	return e == OK ? catalogue_list(a, list_all, &l, &l.items) : e;
}

/* ---- end */

struct ending {
	struct entry_ref at;
	struct vouching v;
	bool sealed;
};

static enum err find_one(struct catalogue *c, void *ctx)
{
	struct ending *x = (struct ending *)ctx;
	struct fact_list found;
	bool ended = false;
	enum err e = catalogue_find(c, &x->at, FACT_VOUCH, &found);
	if (e == ERR_NOT_FOUND)
		return act_say(c->act, e, "This entry is not a vouch that can be read here.");
	if (e == OK)
		e = catalogue_ended(c, &found.facts[0], FACT_VOUCH_END, &ended);
	if (e == OK && ended)
		e = act_say(c->act, ERR_NOT_FOUND, "This vouch was ended before.");
	if (e == OK) {
		x->v.writer = found.facts[0].author;
		x->v.who = found.facts[0].party;
		x->sealed = (found.facts[0].flags & ENTRY_FLAG_SEALED) != 0;
	}
	fact_list_free(&found);
	return e;
}

/* As readable as the vouch itself. */
static enum err write_end(struct act *a, struct ending *x, struct entry_ref *ref)
{
	struct buf record = {0};
	struct mp_out m = mp_out_init(&record);
	mp_put_array(&m, 2);
	mp_put_cstr(&m, "vouch-end");
	mp_put_map(&m, 1);
	mp_put_cstr(&m, "of");
	record_put_ref(&m, &x->at);
	x->v.network = a->keys->has_network && id32_equal(&x->v.writer, &a->keys->network.identity);
	x->v.to->clear = !x->sealed;
	enum err e = m.err;
	if (e == OK && x->sealed)
		e = audience_add(a, x->v.to, &x->v.who);
	if (e == OK)
		e = put(a, &x->v, buf_slice(&record), ref);
	buf_free(&record);
	return e;
}

static enum err end(struct act *a)
{
	struct ending x = {.v.to = audience_new()};
	struct entry_ref ref;
	enum err e = x.v.to ? acting_entry(a, api_param(a->rq, "ref"), &x.at) : ERR_MEMORY;
	if (e == OK) {
		desk_lock_on(a->desk, &x.at.id);
		e = catalogue_ask(a, a->rq->session, find_one, &x);
		if (e == OK)
			e = write_end(a, &x, &ref);
		desk_unlock_on(a->desk, &x.at.id);
	}
	audience_free(x.v.to);
	if (e == OK) {
		a->status = 201;
		a->reply = json_pack("{s:o, s:o}", "ref", compose_ref_json(&ref.log, ref.seq), "id",
			compose_id_json(&ref.id));
	}
	return e;
}

void route_vouch(struct api_request *rq)
{
	act_begin(rq, vouch);
}

void route_vouch_list(struct api_request *rq)
{
	act_begin(rq, list);
}

void route_vouch_end(struct api_request *rq)
{
	act_begin(rq, end);
}
