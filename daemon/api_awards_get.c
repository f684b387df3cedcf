/* api_awards_get.c -- awards listed, shown, and given out as files. SPEC.md sections 16.8, 17.7 and 18. */
#include "acting.h"
#include "awards_export.h"
#include "awards_json.h"
#include "case_pages.h"
#include "compose.h"

/* ---- who sees it */

/* SPEC 16.8: "An award is shown to others only when it is accepted." */
static bool is_shown(const struct catalogue *c, const struct award_look *l, const struct id32 *me)
{
	const struct award_judgement *j = l->j;
	struct judge_identity issuer;
	if (j->acceptance)
		return true;
	if (!me)
		return false;
	if (id32_equal(me, &j->earner) || id32_equal(me, &j->award->author))
		return true;
	for (size_t i = 0; i < l->g.judge.facts_n; i++)
		if (l->g.judge.facts[i].kind == FACT_REVIEW && id32_equal(&l->g.judge.facts[i].author, me))
			return true;
	if (cases_identity(c->cases, &j->award->author, &issuer) != OK)
		return false;
	for (size_t i = 0; i < issuer.view->officers_n; i++)
		if (id32_equal(&issuer.view->officers[i].identity, me))
			return true;
	return false;
}

static const struct id32 *who_asks(const struct act *a)
{
	return a->rq->session && a->rq->session->keyring ? &a->rq->session->identity : NULL;
}

/* ---- list */

struct listing {
	unsigned roles;
	bool has_of;
	struct id32 of;
	const struct id32 *me;
	struct case_pages pages;
};

static json_t *roles_json(unsigned roles)
{
	static const char *const names[] = {"earner", "reviewer", "issuer"};
	json_t *list = json_array();
	for (size_t i = 0; list && i < sizeof names / sizeof names[0]; i++)
		if (roles & 1u << i)
			json_array_append_new(list, json_string(names[i]));
	return list;
}

static enum err list_one(struct catalogue *c, void *ctx, const struct cases_item *item, json_t **out)
{
	const struct listing *t = (const struct listing *)ctx;
	struct award_look l;
	enum err e = awards_look(c, &item->fact.at, &l);
	if (e != OK) {
		c->act->why[0] = 0;
		return e == ERR_NOT_FOUND || e == ERR_LIMIT ? OK : e;
	}
	if ((!t->has_of || id32_equal(&t->of, &l.j->earner)) &&
		(!(item->roles & CASES_OTHER) || is_shown(c, &l, t->me)))
		e = awards_item(c, &l, out);
	awards_look_free(&l);
	if (*out)
		json_object_set_new(*out, "roles", roles_json(item->roles));
	return e;
}

static enum err list_all(struct catalogue *c, void *ctx)
{
	struct listing *t = (struct listing *)ctx;
	struct cases_list all;
	enum err e = cases_awards(c->cases, t->roles, &all);
	if (e != OK)
		return e;
	e = case_pages_fill(c, &t->pages, &all, list_one, t);
	cases_list_free(&all);
	return e;
}

static enum err read_roles(struct act *a, unsigned *roles)
{
	static const struct {
		const char *name;
		unsigned role;
	} known[] = {{"earner", CASES_EARNER}, {"reviewer", CASES_REVIEWER}, {"issuer", CASES_ISSUER},
		{"other", CASES_OTHER}, {"all", 0}};
	const char *text = api_query(a->rq, "role");
	*roles = 0;
	for (size_t i = 0; text && i < sizeof known / sizeof known[0]; i++)
		if (strcmp(text, known[i].name) == 0) {
			*roles = known[i].role;
			return OK;
		}
	return text ? act_say(a, ERR_INPUT, "\"role\" is earner, reviewer, issuer, other or all.") : OK;
}

static enum err list(struct act *a)
{
	const char *of = api_query(a->rq, "of");
	struct listing t = {.has_of = of != NULL, .me = who_asks(a)};
	enum err e = case_pages_read(a, &t.pages);
	if (e == OK)
		e = read_roles(a, &t.roles);
	if (e == OK && of)
		e = act_identity(a, of, &t.of);
	if (e == OK)
		e = catalogue_list(a, list_all, &t, &t.pages.items);
	return e == OK ? case_pages_answer(a, &t.pages) : e;
}

/* ---- one */

struct reading {
	struct entry_ref at;
	const struct id32 *me;
	json_t *out;
	struct award_export *export; /* NULL: it is only shown */
};

static enum err read_one(struct catalogue *c, void *ctx)
{
	struct reading *r = (struct reading *)ctx;
	struct award_look l;
	enum err e = awards_look(c, &r->at, &l);
	if (e != OK)
		return e;
	if (!is_shown(c, &l, r->me))
		e = act_say(c->act, ERR_NOT_FOUND,
			"An award is shown to others only when its earner has accepted it.");
	if (e == OK && r->export)
		e = awards_export(c, &l, r->export);
	if (e == OK && !r->export)
		e = awards_item(c, &l, &r->out);
	if (e == OK && !r->export)
		e = awards_detail(c, &l, r->out);
	awards_look_free(&l);
	return e;
}

static enum err show(struct act *a)
{
	struct reading r = {.me = who_asks(a)};
	enum err e = acting_held(a, api_param(a->rq, "ref"), &r.at);
	if (e == OK)
		e = catalogue_ask(a, a->rq->session, read_one, &r);
	a->reply = r.out;
	return e;
}

/* ---- as a file */

static void send_file(struct api_request *rq, void *ctx)
{
	struct award_export *x = (struct award_export *)ctx;
	char disposition[160];
	snprintf(disposition, sizeof disposition, "attachment; filename=\"%s\"", x->name);
	api_header(rq, "Content-Disposition", disposition);
	api_header(rq, "Quire-Verdict", x->says);
	/* The page inside must not run as ours. */
	api_header(rq, "Content-Security-Policy", "default-src 'none'; sandbox");
	api_bytes(rq, 200, x->type, x->file.p, x->file.n);
	awards_export_free(x);
}

static enum err export(struct act *a) {
	struct reading r = {.me = who_asks(a)}; const char *format = api_query(a->rq, "format");
	r.export = (struct award_export *)calloc(1, sizeof *r.export);
	enum err e = r.export ? acting_entry(a, api_param(a->rq, "ref"), &r.at) : ERR_MEMORY;
	if (e == OK && !awards_export_format(format ? format : "bundle", &r.export->format))
		e = act_say(a, ERR_INPUT, "\"format\" is bundle, json, png, svg or html.");
	if (e == OK) e = catalogue_ask(a, a->rq->session, read_one, &r);
	if (e != OK){awards_export_free(r.export); return e;}
a->then = send_file;
a->then_ctx = r.export;
return OK;
}

void route_award_list(struct api_request *rq)
{
	act_begin(rq, list);
}

void route_award_show(struct api_request *rq)
{
	act_begin(rq, show);
}

void route_award_export(struct api_request *rq)
{
	act_begin(rq, export);
}
