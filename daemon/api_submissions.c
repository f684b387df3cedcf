/* api_submissions.c -- submissions: checked and written, listed, shown, withdrawn. SPEC.md sections 16.5 and 16.7. */
#include "acting.h"
#include "case_pages.h"
#include "compose.h"
#include "findings.h"
#include "submission_draft.h"
#include "writing.h"

#include "protocol/log/record.h"

#include <stdio.h>

/* ---- create */

static json_t *readers_json(const struct submission_draft *d)
{
	return json_pack("{s:O, s:O, s:O, s:o, s:o}", "readers", d->readers, "skipped", d->skipped, "notes",
		d->notes, "definition", compose_ref_json(&d->definition_at.log, d->definition_at.seq),
		"title", compose_text_json(slice_str(d->d.title)));
}

static enum err show_draft(struct act *a, const struct submission_draft *d)
{
	a->reply = readers_json(d);
	if (!a->reply)
		return ERR_MEMORY;
	json_object_set_new(a->reply, "complete", json_boolean(json_array_size(d->findings) == 0));
	json_object_set(a->reply, "findings", d->findings);
	return OK;
}

static enum err refuse_draft(struct act *a, const struct submission_draft *d)
{
	char detail[256];
	size_t n = json_array_size(d->findings);
	snprintf(detail, sizeof detail,
		"The submission cannot be sent yet; nothing was written. %zu thing%s to mend:", n,
		n == 1 ? "" : "s");
	return findings_problem(a, ERR_REFUSED, detail, json_incref(d->findings));
}

static json_t *reflections_json(const struct submission_draft *d)
{
	json_t *list = json_array();
	for (size_t i = 0; i < d->n; i++)
		if (!d->items[i].given)
			json_array_append_new(list,
				json_pack("{s:s, s:o, s:o}", "requirement", d->items[i].requirement, "ref",
					compose_ref_json(&d->items[i].at.log, d->items[i].at.seq), "id",
					compose_id_json(&d->items[i].at.id)));
	return list;
}

static enum err write_draft(struct act *a, struct submission_draft *d)
{
	struct submission_written w = {0};
	enum err e = submission_draft_write(a, d, &w);
	if (e != OK)
		return e;
	a->status = 201;
	a->reply = readers_json(d);
	if (!a->reply)
		return ERR_MEMORY;
	json_object_set_new(a->reply, "ref", compose_ref_json(&w.submission.log, w.submission.seq));
	json_object_set_new(a->reply, "id", compose_id_json(&w.submission.id));
	json_object_set_new(a->reply, "manifest", compose_ref_json(&w.manifest.log, w.manifest.seq));
	json_object_set_new(a->reply, "reflections", reflections_json(d));
	json_object_set_new(a->reply, "state", json_string(submission_state_name(SUBMISSION_SUBMITTED)));
	return OK;
}

/* What an earner submits is submitted one after the other: each is looked at beside those before. */
static enum err create(struct act *a)
{
	struct submission_draft *d = NULL;
	const struct id32 earner = a->keys->self.identity;
	desk_lock_on(a->desk, &earner);
	enum err e = submission_draft_read(a, &d);
	if (e == OK) {
		if (json_is_true(json_object_get(a->rq->body, "dry_run")))
			e = show_draft(a, d);
		else if (json_array_size(d->findings))
			e = refuse_draft(a, d);
		else
			e = write_draft(a, d);
	}
	desk_unlock_on(a->desk, &earner);
	submission_draft_free(d);
	return e;
}

/* ---- list */

struct listing {
	unsigned roles;
	struct case_pages pages;
};

static json_t *roles_json(unsigned roles)
{
	static const struct {
		unsigned bit;
		const char *name;
	} names[] = {{CASES_EARNER, "earner"}, {CASES_REVIEWER, "reviewer"}, {CASES_ISSUER, "issuer"},
		{CASES_OTHER, "other"}};
	json_t *list = json_array();
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (roles & names[i].bit)
			json_array_append_new(list, json_string(names[i].name));
	return list;
}

static enum err list_one(struct catalogue *c, void *ctx, const struct cases_item *item, json_t **out)
{
	struct submission *s = NULL;
	(void)ctx;
	enum err e = submission_open(c, &item->fact.at, &s);
	if (e == OK)
		e = submission_item(c, s, out);
	submission_close(s);
	if (e == OK)
		json_object_set_new(*out, "roles", roles_json(item->roles));
	return e == ERR_NOT_FOUND ? OK : e;
}

static enum err list_all(struct catalogue *c, void *ctx)
{
	struct listing *l = (struct listing *)ctx;
	struct cases_list all;
	enum err e = cases_submissions(c->cases, l->roles, &all);
	if (e != OK)
		return e;
	e = case_pages_fill(c, &l->pages, &all, list_one, NULL);
	cases_list_free(&all);
	return e;
}

static enum err find_role(struct act *a, unsigned *roles)
{
	const char *role = api_query(a->rq, "role");
	if (!role)
		return OK;
	if (strcmp(role, "earner") == 0)
		*roles = CASES_EARNER;
	else if (strcmp(role, "reviewer") == 0)
		*roles = CASES_REVIEWER;
	else if (strcmp(role, "issuer") == 0)
		*roles = CASES_ISSUER;
	else
		return act_say(a, ERR_INPUT, "\"role\" is one of earner, reviewer, issuer.");
	return OK;
}

static enum err list(struct act *a)
{
	struct listing l = {0};
	enum err e = find_role(a, &l.roles);
	if (e == OK)
		e = case_pages_read(a, &l.pages);
	if (e == OK)
		e = catalogue_list(a, list_all, &l, &l.pages.items);
	return e == OK ? case_pages_answer(a, &l.pages) : e;
}

/* ---- show */

struct showing {
	struct entry_ref at;
	json_t *out;
};

static enum err show_one(struct catalogue *c, void *ctx)
{
	struct showing *w = (struct showing *)ctx;
	struct submission *s = NULL;
	enum err e = submission_open(c, &w->at, &s);
	if (e == OK)
		e = submission_json(c, s, &w->out);
	submission_close(s);
	return e;
}

static enum err show(struct act *a)
{
	struct showing w = {.out = NULL};
	enum err e = acting_held(a, api_param(a->rq, "ref"), &w.at);
	if (e == OK)
		e = catalogue_ask(a, a->rq->session, show_one, &w);
	a->reply = w.out;
	return e;
}

/* ---- withdraw */

struct withdrawing {
	struct entry_ref at, definition;
};

static enum err check_withdraw(struct catalogue *c, void *ctx)
{
	struct withdrawing *w = (struct withdrawing *)ctx;
	struct submission *s = NULL;
	enum err e = submission_open(c, &w->at, &s);
	if (e != OK)
		return e;
	w->definition = s->definition_at;
	if (!id32_equal(&s->fact->author, &c->act->keys->self.identity))
		e = act_say(c->act, ERR_REFUSED, "Only its earner withdraws a submission.");
	else if (s->j.state == SUBMISSION_AWARDED)
		e = act_say(c->act, ERR_REFUSED, "It has been awarded: it can no longer be withdrawn.");
	else if (s->j.revised_by)
		e = act_say(
			c->act, ERR_STATE, "You have submitted another one in its place: withdraw that one.");
	else if (s->j.state == SUBMISSION_WITHDRAWN)
		e = act_say(c->act, ERR_EXISTS, "It has been withdrawn already.");
	submission_close(s);
	return e;
}

static enum err write_withdraw(struct act *a, struct withdrawing *w, struct entry_ref *ref)
{
	struct buf record = {0};
	struct audience *to = audience_new();
	enum err e = to ? catalogue_ask(a, a->rq->session, check_withdraw, w) : ERR_MEMORY;
	if (e == OK)
		e = audience_panel(a, to, &w->definition, NULL);
	if (e == OK)
		e = submission_pointing("withdraw", &w->at, to, &record);
	if (e == OK) {
		const struct writing put = {.to = to, .record = buf_slice(&record), .keep = true};
		e = writing_put(a, &a->keys->self, &put, ref, NULL);
	}
	buf_free(&record);
	audience_free(to);
	return e;
}

static enum err withdraw(struct act *a)
{
	struct withdrawing w;
	struct entry_ref ref;
	enum err e = acting_entry(a, api_param(a->rq, "ref"), &w.at);
	if (e != OK)
		return e;
	desk_lock_on(a->desk, &w.at.id);
	e = write_withdraw(a, &w, &ref);
	desk_unlock_on(a->desk, &w.at.id);
	if (e == OK) {
		a->status = 201;
		a->reply = json_pack("{s:o, s:o, s:o, s:s}", "ref", compose_ref_json(&ref.log, ref.seq), "id",
			compose_id_json(&ref.id), "submission", compose_ref_json(&w.at.log, w.at.seq),
			"state", submission_state_name(SUBMISSION_WITHDRAWN));
	}
	return e;
}

void route_submission_create(struct api_request *rq)
{
	act_begin(rq, create);
}

void route_submission_list(struct api_request *rq)
{
	act_begin(rq, list);
}

void route_submission_show(struct api_request *rq)
{
	act_begin(rq, show);
}

void route_submission_withdraw(struct api_request *rq)
{
	act_begin(rq, withdraw);
}
