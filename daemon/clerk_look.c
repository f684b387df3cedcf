/* clerk_look.c -- what there is to do for an institution: one look over what was submitted to it. On the pool. See clerk.h. */
#include "clerk_int.h"

#include "sum.h"

#define SLOTS_TRIED 16u

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

/* Its own, or a free one, or else one that is taken: what stood there is looked at once more. */
static struct settled *slot_of(struct settled slots[SETTLED_SLOTS], const struct id32 *submission)
{
	const size_t first = be16_get(submission->b);
	struct settled *found = NULL;
	for (size_t i = 0; i < SLOTS_TRIED; i++) {
		struct settled *slot = &slots[(first + i) % SETTLED_SLOTS];
		if (id32_equal(&slot->submission, submission))
			return slot;
		if (!found && id32_is_zero(&slot->submission))
			found = slot;
	}
	return found ? found : &slots[first % SETTLED_SLOTS];
}

static bool is_settled(const struct settled *slot, const struct id32 *submission, const struct id32 *stand)
{
	return id32_equal(&slot->submission, submission) && id32_equal(&slot->stand, stand);
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

/* True: nothing is left to do. */
static bool note_work(struct clerk_work *w, const struct entry_ref *at)
{
	const struct submission_judgement *j = &w->judged;
	if (j->state == SUBMISSION_MET && is_automatic(j->definition)) {
		if (w->awards_n < WORK_MAX)
			w->awards[w->awards_n++] = *at;
		else
			w->more = true;
	}
	bool idle = j->state == SUBMISSION_AWARDED || j->state == SUBMISSION_WITHDRAWN;
	for (size_t i = 0; i < j->reviews_n; i++) {
		if (j->reviews[i].taken_up)
			continue;
		idle = false;
		if (w->reviews_n < WORK_MAX)
			w->reviews[w->reviews_n++] = j->reviews[i].at;
		else
			w->more = true;
	}
	return idle;
}

static enum err note_open(
	struct catalogue *c, struct clerk_work *w, const struct entry_ref *at, const struct gathered *g)
{
	struct handover_open *open = &w->open[w->open_n];
	if (!handover_counts(&w->judged) || w->open_n == CASES_LIST_MAX)
		return OK;
	*open = (struct handover_open){.at = *at};
	enum err e = handover_stand(c, &w->panels, g, &w->judged, &open->stand);
	if (e == OK && !is_settled(slot_of(w->memory->handed, &at->id), &at->id, &open->stand))
		w->open_n++;
	return e;
}

static enum err look_at(struct catalogue *c, struct clerk_work *w, const struct entry_ref *at)
{
	struct settled *slot = slot_of(w->memory->settled, &at->id);
	struct id32 reviews;
	struct gathered g;
	enum err e = digest_reviews(c, &at->id, &reviews);
	if (e != OK)
		return e;
	if (is_settled(slot, &at->id, &reviews))
		return OK;
	e = cases_submission(c->cases, at, &g);
	if (e != OK)
		return e == ERR_NOT_FOUND || e == ERR_LIMIT ? OK : e;
	e = judge_submission(&g.judge, &at->id, &w->judged);
	const size_t open_n = w->open_n;
	if (e == OK)
		e = note_open(c, w, at, &g);
	if (e == OK && note_work(w, at) && w->open_n == open_n)
		*slot = (struct settled){.submission = at->id, .stand = reviews};
	gathered_free(&g);
	return e == ERR_LIMIT ? OK : e;
}

enum err clerk_look(struct catalogue *c, void *ctx)
{
	struct clerk_work *w = (struct clerk_work *)ctx;
	struct cases_list list;
	w->awards_n = w->reviews_n = w->open_n = 0;
	w->panels.n = 0;
	w->more = false;
	enum err e = cases_submissions(c->cases, CASES_ISSUER, &list);
	if (e != OK)
		return e;
	for (size_t i = 0; e == OK && i < list.n; i++)
		if (id32_equal(&list.items[i].issuer, w->me))
			e = look_at(c, w, &list.items[i].fact.at);
	cases_list_free(&list);
	return e;
}

void clerk_remember(struct clerk_work *w)
{
	for (size_t i = 0; i < w->open_n; i++)
		if (w->open[i].done)
			*slot_of(w->memory->handed, &w->open[i].at.id) = (struct settled){
				.submission = w->open[i].at.id, .stand = w->open[i].stand};
}
