/* handover_due.c -- what came to the issuer from somebody who did not know of a reviewer is handed on to him. SPEC.md section 16.4. See handover.h. */
#include "handover_int.h"

#include "sum.h"

/* Who can be written to: whoever has a reading key here. *ids is the caller's. */
static enum err find_panel(
	struct catalogue *c, const struct entry_ref *definition, struct id32 **ids, size_t *n)
{
	size_t all = 0;
	*ids = NULL;
	*n = 0;
	enum err e = cases_reviewers(c->cases, definition, ids, &all);
	if (e != OK)
		return e == ERR_NOT_FOUND || e == ERR_LIMIT ? OK : e;
	for (size_t i = 0; e == OK && i < all; i++) {
		struct judge_identity found;
		e = cases_identity(c->cases, &(*ids)[i], &found);
		if (e == OK && found.view->has_reading)
			(*ids)[(*n)++] = (*ids)[i];
		if (e == ERR_NOT_FOUND || e == ERR_LIMIT)
			e = OK;
	}
	return e;
}

/* A closing of the issuer's can cut off what was handed on: so its key events count too. */
static enum err sum_panel(struct catalogue *c, const struct submission_judgement *judged, struct id32 *sum)
{
	struct judge_identity issuer;
	struct id32 *ids;
	size_t n;
	enum err e = find_panel(c, &judged->definition->at, &ids, &n);
	*sum = (struct id32){.b = {1}};
	for (size_t i = 0; e == OK && i < n; i++)
		sum_add(sum, &ids[i]);
	free(ids);
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

/* Nobody is handed what is his own; the issuer needs nothing. */
static size_t leave_out(struct id32 *ids, size_t n, const struct id32 *earner, const struct id32 *issuer)
{
	size_t kept = 0;
	for (size_t i = 0; i < n; i++)
		if (!id32_equal(&ids[i], earner) && !id32_equal(&ids[i], issuer))
			ids[kept++] = ids[i];
	return kept;
}

static enum err gather_one(struct catalogue *c, struct gathering *g, const struct entry_ref *at)
{
	struct gathered case_of;
	struct id32 *panel = NULL;
	enum err e = cases_submission(c->cases, at, &case_of);
	if (e != OK)
		return e == ERR_NOT_FOUND || e == ERR_LIMIT ? OK : e;
	e = judge_submission(&case_of.judge, &at->id, g->judged);
	const bool counts = e == OK && handover_counts(g->judged);
	if (counts)
		e = find_panel(c, &g->judged->definition->at, &panel, &g->panel_n);
	if (counts && e == OK)
		g->panel_n = leave_out(panel, g->panel_n, &g->judged->earner, &g->issuer);
	if (counts && e == OK && !handover_is_open(g->judged))
		e = handover_have(c, g, panel, &g->panel_n);
	if (counts && e == OK) {
		g->panel = panel;
		size_t before = g->out->keys;
		e = handover_case(c, g, &case_of);
		g->out->submissions += g->out->keys > before;
	}
	free(panel);
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
