/* handover_due.c -- what came to the issuer from somebody who did not know of a reviewer or an officer is handed on to him. SPEC.md section 16.4. See handover.h. */
#include "audience.h"
#include "handover_int.h"
#include "sum.h"

/* Officers and reviewers who can be written to: whoever has a reading key here. */
struct panel {
	size_t n, officers_n; /* the officers come first */
	struct id32 *ids;
};

/* ids has room. Nobody is handed what is his own; the issuer needs nothing. */
static enum err add_reader(struct catalogue *c, const struct submission_judgement *judged,
	const struct id32 *earner, const struct id32 *id, struct panel *p)
{
	struct judge_identity found;
	if (id32_equal(id, &judged->issuer) || (earner && id32_equal(id, earner)))
		return OK;
	for (size_t i = 0; i < p->n; i++)
		if (id32_equal(&p->ids[i], id))
			return OK;
	enum err e = cases_identity(c->cases, id, &found);
	if (e == OK && found.view->has_reading)
		p->ids[p->n++] = *id;
	return e == ERR_NOT_FOUND || e == ERR_LIMIT ? OK : e;
}

/* earner: who is left out; NULL: nobody. p->ids is the caller's to free, also on error. */
static enum err find_panel(struct catalogue *c, const struct submission_judgement *judged,
	const struct id32 *earner, struct panel *p)
{
	struct judge_identity issuer;
	struct id32 *reviewers = NULL;
	size_t n = 0;
	*p = (struct panel){.n = 0};
	enum err e = cases_identity(c->cases, &judged->issuer, &issuer);
	if (e == OK)
		e = cases_reviewers(c->cases, &judged->definition->at, &reviewers, &n);
	if (e != OK)
		return e == ERR_NOT_FOUND || e == ERR_LIMIT ? OK : e;
	p->ids = (struct id32 *)calloc(issuer.view->officers_n + n + 1, sizeof *p->ids);
	e = p->ids ? OK : ERR_MEMORY;
	for (size_t i = 0; e == OK && i < issuer.view->officers_n; i++)
		if (issuer.view->officers[i].rights & AUDIENCE_OFFICER_RIGHTS)
			e = add_reader(c, judged, earner, &issuer.view->officers[i].identity, p);
	p->officers_n = p->n;
	for (size_t i = 0; e == OK && i < n; i++)
		e = add_reader(c, judged, earner, &reviewers[i], p);
	free(reviewers);
	return e;
}

/* A closing of the issuer's can cut off what was handed on: so its key events count too. */
static enum err sum_panel(struct catalogue *c, const struct submission_judgement *judged, struct id32 *sum)
{
	struct judge_identity issuer;
	struct panel p;
	enum err e = find_panel(c, judged, NULL, &p);
	*sum = (struct id32){.b = {1}};
	for (size_t i = 0; e == OK && i < p.n; i++)
		sum_add(sum, &p.ids[i]);
	free(p.ids);
	if (e == OK)
		e = cases_identity(c->cases, &judged->issuer, &issuer);
	for (size_t i = 0; e == OK && i < issuer.view->in_force_n; i++)
		sum_add(sum, &issuer.view->in_force[i]);
	return e;
}

static enum err panel_sum(struct catalogue *c, struct handover_panels *panels,
	const struct submission_judgement *judged, struct id32 *sum)
{
	const struct entry_ref *definition = &judged->definition->at;
	for (size_t i = 0; i < panels->n; i++)
		if (id32_equal(&panels->at[i].definition, &definition->id)) {
			*sum = panels->at[i].sum;
			return OK;
		}
	enum err e = sum_panel(c, judged, sum);
	if (e == OK && panels->n < HANDOVER_PANELS_MAX) {
		panels->at[panels->n].definition = definition->id;
		panels->at[panels->n++].sum = *sum;
	}
	return e;
}

enum err handover_stand(struct catalogue *c, struct handover_panels *panels, const struct gathered *case_of,
	const struct submission_judgement *judged, struct id32 *stand)
{
	enum err e = panel_sum(c, panels, judged, stand);
	for (size_t i = 0; e == OK && i < case_of->judge.facts_n; i++)
		sum_add(stand, &case_of->judge.facts[i].at.id);
	return e;
}

struct due {
	struct gathering g;
	struct handover_open *open;
	size_t n;
};

/* How many of the panel, from the first on, get it whether or not they have got anything of it before. */
static size_t entitled(const struct submission_judgement *judged, const struct panel *p)
{
	if (handover_is_open(judged))
		return p->n;
	return judged->state == SUBMISSION_MET ? p->officers_n : 0;
}

static enum err gather_judged(struct catalogue *c, struct gathering *g, const struct gathered *case_of)
{
	struct panel p;
	const size_t before = g->out->keys;
	enum err e = find_panel(c, g->judged, &g->judged->earner, &p);
	if (e == OK)
		e = handover_have(c, g, p.ids, entitled(g->judged, &p), &p.n);
	if (e == OK) {
		g->panel = p.ids;
		g->panel_n = p.n;
		e = handover_case(c, g, case_of);
		g->out->submissions += g->out->keys > before;
	}
	free(p.ids);
	return e;
}

static enum err gather_one(struct catalogue *c, struct gathering *g, const struct entry_ref *at)
{
	struct gathered case_of;
	enum err e = cases_submission(c->cases, at, &case_of);
	if (e != OK)
		return e == ERR_NOT_FOUND || e == ERR_LIMIT ? OK : e;
	e = judge_submission(&case_of.judge, &at->id, g->judged);
	if (e == OK && handover_counts(g->judged))
		e = gather_judged(c, g, &case_of);
	gathered_free(&case_of);
	return e;
}

static enum err gather(struct catalogue *c, void *ctx)
{
	struct due *d = (struct due *)ctx;
	enum err e = OK;
	for (size_t i = 0; e == OK && i < d->n && !d->g.out->cut_short; i++) {
		e = gather_one(c, &d->g, &d->open[i].at);
		d->open[i].done = e == OK && !d->g.out->cut_short;
	}
	return e;
}

enum err handover_due(struct act *a, struct sessions *ss, struct session *s, struct handover_open *open,
	size_t n, struct handover *out)
{
	struct due d = {.g = {.heed_to = true}, .open = open, .n = n};
	desk_lock_shares(a->desk);
	enum err e = handover_begin(&d.g, s, HANDOVER_DUE_KEYS_MAX, out);
	if (e == OK)
		e = catalogue_ask_in(a, ss, s, gather, &d);
	e = handover_end(a, s, &d.g, e);
	desk_unlock_shares(a->desk);
	return e;
}
