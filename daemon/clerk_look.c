/* clerk_look.c -- what there is to do for an institution: one look over what was submitted to it. On the pool. See clerk.h. */
#include "clerk_int.h"

#include "sum.h"

#include <uv.h>

/* Of all reviews that are at hand of a submission, counting or not. */
static enum err digest_reviews(struct catalogue *c, const struct id32 *submission, struct id32 *out)
{
	struct fact_list list;
	enum err e = cases_about(c->cases, submission, FACT_MASK(FACT_REVIEW), &list);
	*out = (struct id32){.b = {1}};
	if (e != OK)
		return e;
	for (size_t i = 0; i < list.n; i++)
		sum_add(out, &list.facts[i].at.id); /* never XOR: sets that cancel are easy to make */
	fact_list_free(&list);
	return OK;
}

/* NULL: there is no room to remember it. */
static struct clerk_seen *seen_of(struct idmap *memory, const struct id32 *submission)
{
	void *seen = NULL;
	return idmap_put(memory, submission, sizeof(struct clerk_seen), &seen) == OK
		? (struct clerk_seen *)seen
		: NULL;
}

static bool is_automatic(const struct fact *definition)
{
	struct definition d;
	if (!definition || catalogue_read(definition, &d) != OK)
		return false;
	bool automatic = d.automatic;
	definition_deinit(&d);
	return automatic;
}

/* An award takes up the reviews that it names. True: nothing is left to do. */
static bool note_work(struct clerk_work *w, const struct entry_ref *at)
{
	const struct submission_judgement *j = &w->judged;
	size_t award = SIZE_MAX;
	if (j->state == SUBMISSION_MET && is_automatic(j->definition)) {
		award = w->awards_n;
		w->awards[w->awards_n++] = *at;
	}
	bool idle = j->state == SUBMISSION_AWARDED || j->state == SUBMISSION_WITHDRAWN;
	for (size_t i = 0; i < j->reviews_n; i++) {
		if (j->reviews[i].taken_up)
			continue;
		idle = false;
		if (w->reviews_n < WORK_MAX)
			w->reviews[w->reviews_n++] = (struct clerk_review){
				.at = j->reviews[i].at, .award = award};
		else
			w->more = true;
	}
	return idle;
}

/* *idle: nothing is to be handed on that was not, as it stands. */
static enum err note_open(struct catalogue *c, struct clerk_work *w, const struct entry_ref *at,
	const struct gathered *g, const struct clerk_seen *seen, bool *idle)
{
	struct handover_open *open = &w->open[w->open_n];
	*idle = true;
	if (!handover_counts(&w->judged))
		return OK;
	*open = (struct handover_open){.at = *at};
	enum err e = handover_stand(c, &w->panels, g, &w->judged, &open->stand);
	*idle = e == OK && seen && id32_equal(&seen->handed, &open->stand);
	if (e == OK && !*idle)
		w->open_n++;
	return e;
}

static enum err look_at(struct catalogue *c, struct clerk_work *w, const struct entry_ref *at)
{
	struct clerk_seen *seen = seen_of(w->memory, &at->id);
	struct id32 reviews;
	struct gathered g;
	bool handed = false;
	enum err e = digest_reviews(c, &at->id, &reviews);
	if (e != OK || (seen && id32_equal(&seen->settled, &reviews)))
		return e;
	e = cases_submission(c->cases, at, &g);
	if (e != OK)
		return e == ERR_NOT_FOUND || e == ERR_LIMIT ? OK : e;
	e = judge_submission(&g.judge, &at->id, &w->judged);
	if (e == OK)
		e = note_open(c, w, at, &g, seen, &handed);
	if (e == OK && note_work(w, at) && handed && seen)
		seen->settled = reviews;
	gathered_free(&g);
	return e == ERR_LIMIT ? OK : e;
}

static enum err look_on(struct catalogue *c, struct clerk_work *w)
{
	struct cases_list part;
	enum err e = cases_walk_on(c->cases, w->walk, &part);
	for (size_t i = 0; e == OK && i < part.n; i++) {
		if (id32_equal(&part.items[i].issuer, w->me))
			e = look_at(c, w, &part.items[i].fact.at);
		cases_tidy(c->cases);
	}
	cases_list_free(&part);
	return e;
}

/* Each part finds room. */
static bool has_room(const struct clerk_work *w)
{
	return w->awards_n + CASES_PART_MAX <= WORK_MAX && w->open_n + CASES_PART_MAX <= WORK_MAX &&
		w->reviews_n + CASES_PART_MAX <= WORK_MAX;
}

enum err clerk_look(struct catalogue *c, void *ctx)
{
	struct clerk_work *w = (struct clerk_work *)ctx;
	const uint64_t began = uv_hrtime();
	enum err e = OK;
	w->awards_n = w->reviews_n = w->open_n = 0;
	w->panels.n = 0;
	w->more = false;
	do {
		e = look_on(c, w);
		w->took_ns = uv_hrtime() - began;
	} while (e == OK && !w->walk->over && has_room(w) && w->took_ns < SLICE_NS);
	return e;
}

void clerk_remember(struct clerk_work *w)
{
	for (size_t i = 0; i < w->open_n; i++) {
		struct clerk_seen *seen = w->open[i].done ? seen_of(w->memory, &w->open[i].at.id) : NULL;
		if (seen)
			seen->handed = w->open[i].stand;
	}
}
