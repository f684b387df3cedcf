/* api_microcredentials.c -- definitions: published, listed, shown. SPEC.md section 16.3. */
#include "acting.h"
#include "catalogue.h"
#include "compose.h"
#include "findings.h"
#include "frameworks.h"
#include "protocol/log/record.h"

#include <stdio.h>

#define LOOKED_MAX 4096u /* facts that one page of a list looks at */

/* ---- publish */

struct publishing {
	struct slice text;
	char *owned; /* of an object, as text */
	size_t n;
	struct buf canonical;
	struct definition d;
	bool read;
	enum err err;
	struct id32 institution;
	bool has_old;
	struct entry_ref old; /* what it supersedes */
	struct finding found[DEFINITION_FINDINGS_MAX];
};

static void publishing_free(struct publishing *p)
{
	if (p->read)
		definition_deinit(&p->d);
	buf_free(&p->canonical);
	free(p->owned);
	free(p);
}

/* A text as somebody wrote it, or the object itself. */
static enum err take_text(struct act *a, struct publishing *p)
{
	const json_t *v = json_object_get(a->rq->body, "definition");
	if (json_is_object(v)) {
		p->owned = json_dumps(v, JSON_INDENT(2));
		p->text = slice_str(p->owned ? p->owned : "");
		return p->owned ? OK : ERR_MEMORY;
	}
	if (!json_is_string(v))
		return act_say(a, ERR_INPUT, "\"definition\" is missing: the text of a definition.");
	p->text = slice_of(json_string_value(v), json_string_length(v));
	return OK;
}

static void lint(void *ctx)
{
	struct publishing *p = (struct publishing *)ctx;
	p->err = definition_lint(p->text, p->found, &p->n);
	if (p->err == OK && p->n == 0) {
		p->err = definition_read(p->text, &p->d, &p->canonical);
		p->read = p->err == OK;
	}
}

static enum err check_old(struct catalogue *c, void *ctx)
{
	struct publishing *p = (struct publishing *)ctx;
	struct fact_list old, newer;
	bool counts = false;
	char ref[CATALOGUE_REF_BYTES];
	enum err e = catalogue_find(c, &p->old, FACT_DEFINITION, &old);
	if (e == ERR_NOT_FOUND)
		return act_say(c->act, ERR_INPUT, "What is to be superseded is not a micro-credential.");
	if (e != OK)
		return e;
	if (!id32_equal(&old.facts[0].author, &p->institution))
		e = act_say(c->act, ERR_REFUSED,
			"What is to be superseded is another's: only its issuer makes a new version of it.");
	if (e == OK)
		e = catalogue_counts(c, &old.facts[0], &counts);
	if (e == OK && !counts)
		e = act_say(c->act, ERR_STATE,
			"What is to be superseded does not count: see quire microcredential show.");
	if (e == OK)
		e = catalogue_successor(c, &old.facts[0], &newer);
	if (e == OK && newer.n) {
		catalogue_ref_text(&newer.facts[0].at, ref);
		e = act_say(
			c->act, ERR_STATE, "It was superseded already: supersede the newer one, %s.", ref);
		fact_list_free(&newer);
	}
	fact_list_free(&old);
	return e;
}

static enum err put_record(const struct publishing *p, struct buf *record)
{
	struct mp_out m = mp_out_init(record);
	mp_put_array(&m, 2);
	mp_put_cstr(&m, "microcredential");
	mp_put_map(&m, p->has_old ? 2 : 1);
	mp_put_cstr(&m, "definition");
	mp_put_str(&m, buf_slice(&p->canonical));
	if (p->has_old) {
		mp_put_cstr(&m, "supersedes");
		record_put_ref(&m, &p->old);
	}
	return m.err;
}

static enum err find_old(struct act *a, struct publishing *p)
{
	const char *old = act_text(a, "supersedes");
	p->has_old = old != NULL;
	return old ? acting_entry(a, old, &p->old) : OK;
}

static enum err put_definition(struct act *a, struct publishing *p, struct entry_ref *ref)
{
	struct buf record = {0};
	enum err e = p->has_old ? catalogue_ask(a, a->rq->session, check_old, p) : OK;
	if (e == OK)
		e = put_record(p, &record);
	if (e == OK)
		e = acting_put(
			a, &p->institution, KEYSET_RIGHT_PUBLISH, (struct slice){0}, buf_slice(&record), ref);
	buf_free(&record);
	return e;
}

static enum err write_definition(struct act *a, struct publishing *p)
{
	struct entry_ref ref;
	enum err e = find_old(a, p);
	if (e != OK)
		return e;
	desk_lock_on(a->desk, &p->old.id); /* zeros: nothing is superseded, and nobody waits for long */
	e = put_definition(a, p, &ref);
	desk_unlock_on(a->desk, &p->old.id);
	if (e != OK)
		return e;
	a->status = 201;
	a->reply = acting_json(&ref, &p->institution);
	if (a->reply)
		json_object_set_new(a->reply, "title", compose_text_json(slice_str(p->d.title)));
	if (a->reply && p->has_old)
		json_object_set_new(a->reply, "supersedes", compose_ref_json(&p->old.log, p->old.seq));
	if (a->reply && p->d.blind)
		json_object_set_new(a->reply, "warning",
			json_string(
				"It is to be reviewed blind, and this version takes no submissions for such."));
	return OK;
}

static enum err publish(struct act *a)
{
	struct publishing *p = (struct publishing *)calloc(1, sizeof *p);
	enum err e = p ? take_text(a, p) : ERR_MEMORY;
	if (e == OK)
		e = acting_for(a, &p->institution);
	if (e == OK) {
		desk_work(a->desk, lint, p);
		e = p->err;
	}
	if (e == OK && p->n)
		e = findings_refuse(a, "definition", p->found, p->n);
	else if (e == OK)
		e = write_definition(a, p);
	if (p)
		publishing_free(p);
	return e;
}

/* ---- list */

struct listing {
	bool all, has_of;
	struct id32 of;
	uint64_t limit, cursor;
	bool more;
	json_t *items;
};

static enum err list_one(struct catalogue *c, struct listing *l, const struct fact *f)
{
	json_t *item = NULL;
	if (l->has_of && !id32_equal(&l->of, &f->author))
		return OK;
	enum err e = catalogue_item(c, f, &item);
	if (e == OK && (l->all || json_is_true(json_object_get(item, "current"))))
		e = json_array_append(l->items, item) == 0 ? OK : ERR_MEMORY;
	json_decref(item);
	return e;
}

/* The newest first. Pages of one, so that a cursor stands behind what was shown. */
static enum err list_all(struct catalogue *c, void *ctx)
{
	struct listing *l = (struct listing *)ctx;
	enum err e = OK;
	l->more = true;
	for (size_t looked = 0;
		e == OK && l->more && json_array_size(l->items) < l->limit && looked < LOOKED_MAX; looked++) {
		struct store_req req = {.op = STORE_FACT_ALL,
			.a.number = FACT_MASK(FACT_DEFINITION),
			.a.seq = l->cursor,
			.a.max = 1};
		struct store_res res = {0};
		store_exec_one(c->store, &req, &res);
		e = res.err;
		for (size_t i = 0; e == OK && i < res.r.n; i++)
			e = list_one(c, l, &res.r.facts[i]);
		l->cursor = res.r.number;
		l->more = res.r.more;
		store_res_free(&res);
	}
	return e;
}

static enum err list(struct act *a)
{
	const char *of = api_query(a->rq, "of");
	struct listing l = {.all = api_query(a->rq, "all") != NULL, .has_of = of != NULL, .limit = 50};
	enum err e = catalogue_page(a, &l.limit, &l.cursor);
	if (e == OK && of)
		e = act_identity(a, of, &l.of);
	if (e == OK)
		e = catalogue_list(a, list_all, &l, &l.items);
	return e == OK ? catalogue_go_on(a, l.more, l.cursor) : e;
}

/* ---- show */

struct showing {
	struct entry_ref at;
	json_t *out;
};

/* What it descends from, itself, and what descends from it: the oldest first. */
static enum err put_versions(struct catalogue *c, const struct fact *f, json_t *versions)
{
	struct fact_list here = {0}, next = {0};
	const struct fact *at = f;
	enum err e = OK;
	for (size_t i = 0; e == OK && i < CATALOGUE_VERSIONS_MAX; i++) {
		struct entry_ref up;
		json_t *item = NULL;
		e = catalogue_item(c, at, &item);
		if (e == OK && json_array_insert_new(versions, 0, item) != 0)
			e = ERR_MEMORY;
		if (e != OK || cases_ref(at, "supersedes", &up) != OK)
			break;
		enum err found = catalogue_find(c, &up, FACT_DEFINITION, &next);
		if (found != OK)
			break;
		fact_list_free(&here);
		here = next;
		at = &here.facts[0];
	}
	fact_list_free(&here);
	here = (struct fact_list){0};
	at = f;
	for (size_t i = 0; e == OK && at && i < CATALOGUE_VERSIONS_MAX; i++) {
		json_t *item = NULL;
		e = catalogue_successor(c, at, &next);
		fact_list_free(&here);
		here = next;
		at = e == OK && here.n ? &here.facts[0] : NULL;
		if (at)
			e = catalogue_item(c, at, &item);
		if (at && e == OK && json_array_append_new(versions, item) != 0)
			e = ERR_MEMORY;
	}
	fact_list_free(&here);
	return e;
}

static enum err put_alignment(struct catalogue *c, const struct definition *d, json_t *o)
{
	json_t *list = json_array();
	enum err e = list ? OK : ERR_MEMORY;
	for (size_t i = 0; e == OK && i < d->alignment_n; i++) {
		const struct definition_alignment *al = &d->alignment[i];
		json_t *held = NULL;
		e = frameworks_resolve(c, al, &held);
		if (e != OK)
			break;
		json_t *one = json_pack("{s:o, s:o, s:o, s:o*, s:o}", "framework",
			compose_text_json(slice_str(al->framework)), "name",
			compose_text_json(slice_str(al->name)), "url", compose_text_json(slice_str(al->url)),
			"code", al->code ? compose_text_json(slice_str(al->code)) : NULL, "held",
			held ? held : json_null());
		e = one && json_array_append_new(list, one) == 0 ? OK : ERR_MEMORY;
	}
	if (e == OK)
		json_object_set_new(o, "alignment", list);
	else
		json_decref(list);
	return e;
}

static enum err show_definition(struct catalogue *c, const struct fact *f, json_t *o)
{
	struct definition d;
	json_t *versions = json_array(), *by = catalogue_by(c, f);
	json_object_set_new(o, "versions", versions);
	if (by)
		json_object_set_new(o, "by", by);
	enum err e = put_versions(c, f, versions);
	if (e == OK)
		e = catalogue_read(f, &d);
	if (e == ERR_FORMAT) /* it is shown for what it is: nothing that counts */
		return OK;
	if (e == OK) {
		json_object_set_new(o, "definition", catalogue_clean(d.json));
		e = put_alignment(c, &d, o);
		definition_deinit(&d);
	}
	return e;
}

static enum err show_one(struct catalogue *c, void *ctx)
{
	struct showing *s = (struct showing *)ctx;
	struct fact_list found;
	enum err e = catalogue_find(c, &s->at, FACT_DEFINITION, &found);
	if (e == ERR_NOT_FOUND)
		return act_say(c->act, e, "This entry is not a micro-credential that can be read here.");
	if (e != OK)
		return e;
	e = catalogue_item(c, &found.facts[0], &s->out);
	if (e == OK)
		e = show_definition(c, &found.facts[0], s->out);
	fact_list_free(&found);
	return e;
}

static enum err show(struct act *a)
{
	struct showing s = {.out = NULL};
	enum err e = acting_held(a, api_param(a->rq, "ref"), &s.at);
	if (e == OK)
		e = catalogue_ask(a, a->rq->session, show_one, &s);
	a->reply = s.out;
	return e;
}

void route_microcredential_publish(struct api_request *rq)
{
	act_begin(rq, publish);
}

void route_microcredential_list(struct api_request *rq)
{
	act_begin(rq, list);
}

void route_microcredential_show(struct api_request *rq)
{
	act_begin(rq, show);
}
