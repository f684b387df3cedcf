/* submission_attempts.c -- what was submitted before: which of it may be revised, and which stands in the way. SPEC.md section 16.5. See submission_draft.h. */
#include "submission_draft.h"

#include "submission_parts.h"

#include <sodium.h>

enum { CHAIN_MAX = 51, KEYS_MAX = 1024, CHANGED_MAX = 4096 };

/* ---- definitions that belong together */

struct lineage_of {
	size_t n;
	struct id32 ids[CATALOGUE_VERSIONS_MAX];
};

static enum err find_lineage(struct catalogue *c, const struct entry_ref *definition, struct lineage_of *out)
{
	struct fact_list found;
	out->n = 0;
	enum err e = catalogue_find(c, definition, FACT_DEFINITION, &found);
	if (e != OK)
		return e == ERR_NOT_FOUND ? OK : e;
	e = catalogue_lineage(c, &found.facts[0], out->ids, &out->n);
	fact_list_free(&found);
	return e;
}

static bool has(const struct lineage_of *l, const struct id32 *id)
{
	for (size_t i = 0; i < l->n; i++)
		if (id32_equal(&l->ids[i], id))
			return true;
	return false;
}

/* SPEC 16.5: "for the same definition or one that this one descends from, or one that descends from it" */
static enum err is_related(
	struct catalogue *c, const struct submission_draft *d, const struct entry_ref *other, bool *related)
{
	struct lineage_of l;
	*related = id32_equal(&d->definition_at.id, &other->id);
	enum err e = *related ? OK : find_lineage(c, &d->definition_at, &l);
	if (e == OK && !*related) {
		*related = has(&l, &other->id);
		e = *related ? OK : find_lineage(c, other, &l);
	}
	if (e == OK && !*related)
		*related = has(&l, &d->definition_at.id);
	return e;
}

/* ---- the one that is revised */

static enum err add_key(struct catalogue *c, struct submission_draft *d, const struct entry_ref *at)
{
	if (d->earlier_n == KEYS_MAX)
		return OK;
	if (!d->earlier) {
		d->earlier = (struct draft_key *)calloc(KEYS_MAX, sizeof *d->earlier);
		if (!d->earlier)
			return ERR_MEMORY;
	}
	struct draft_key *k = &d->earlier[d->earlier_n];
	enum err e = book_key(c->book, c->store, at, k->key);
	if (e == OK) {
		k->at = *at;
		d->earlier_n++;
	}
	return e == ERR_MEMORY || e == ERR_IO || e == ERR_CORRUPT ? e : OK;
}

/* Who was appointed since then could not judge this one without those before it. */
static enum err add_earlier(struct catalogue *c, struct submission_draft *d, const struct submission *s)
{
	struct record_item item;
	enum err e = add_key(c, d, &s->at);
	if (e == OK && s->j.manifest)
		e = add_key(c, d, &s->j.manifest->at);
	for (size_t i = 0; e == OK && s->j.manifest && submission_manifest_item(s->j.manifest, i, &item); i++)
		e = add_key(c, d, &item.at);
	for (size_t i = 0; e == OK && i < s->j.reviews_n; i++)
		e = add_key(c, d, &s->j.reviews[i].at);
	return e;
}

/* It, and those that it revises in turn; *n of them. */
static enum err walk_chain(
	struct catalogue *c, struct submission_draft *d, const struct submission *last, unsigned *n)
{
	struct entry_ref up;
	enum err e = add_earlier(c, d, last);
	bool more = cases_ref(last->fact, "revises", &up) == OK;
	for (*n = 1; e == OK && more && *n < CHAIN_MAX; (*n)++) {
		struct submission *s = NULL;
		e = submission_open(c, &up, &s);
		if (e != OK)
			break;
		e = add_earlier(c, d, s);
		more = cases_ref(s->fact, "revises", &up) == OK;
		submission_close(s);
	}
	return e == ERR_NOT_FOUND ? OK : e;
}

static enum err check_chain(struct catalogue *c, struct submission_draft *d, const struct submission *s)
{
	unsigned n = 0, max = d->d.resubmissions_max;
	enum err e = walk_chain(c, d, s, &n);
	if (e != OK || n <= max)
		return e;
	return max ? submission_finding(
			     d, "", "it has been submitted anew %u times, and no more are allowed", max)
		   : submission_finding(d, "", "this micro-credential takes no second attempt");
}

static enum err check_state(struct submission_draft *d, const struct submission *s)
{
	char ref[CATALOGUE_REF_BYTES];
	if (s->j.revised_by) {
		catalogue_ref_text(&s->j.revised_by->at, ref);
		return submission_finding(d, "", "what it revises was revised already: revise %s", ref);
	}
	if (s->j.state == SUBMISSION_UNKNOWN)
		return submission_finding(d, "", "what it revises does not count: see quire submission show");
	if (s->j.state == SUBMISSION_AWARDED)
		return submission_finding(d, "", "what it revises was awarded: there is nothing to revise");
	return s->j.state == SUBMISSION_MET
		? submission_finding(
			  d, "", "what it revises has met the rubric: wait for the issuer to countersign it")
		: OK;
}

static enum err check_revised(struct catalogue *c, struct submission_draft *d, const struct id32 *me)
{
	struct submission *s = NULL;
	bool related = false;
	if (d->changed.n == 0 || definition_blank(d->changed))
		return submission_finding(d, "", "say what changed since the submission that it revises");
	if (d->changed.n > CHANGED_MAX)
		return submission_finding(d, "", "what changed is told in at most %d bytes", CHANGED_MAX);
	enum err e = submission_open(c, &d->revised, &s);
	if (e == ERR_NOT_FOUND)
		return submission_finding(d, "", "what it revises is no submission that can be opened here");
	if (e == OK)
		e = is_related(c, d, &s->definition_at, &related);
	if (e == OK && !id32_equal(&s->fact->author, me))
		e = submission_finding(d, "", "what it revises is somebody else's submission");
	else if (e == OK && !related)
		e = submission_finding(d, "", "what it revises was submitted for another micro-credential");
	else if (e == OK)
		e = check_state(d, s);
	if (e == OK)
		e = check_chain(c, d, s);
	submission_close(s);
	return e;
}

/* ---- others that are open */

static enum err say_open(struct submission_draft *d, const struct submission *s)
{
	char ref[CATALOGUE_REF_BYTES];
	catalogue_ref_text(&s->at, ref);
	switch (s->j.state) {
	case SUBMISSION_SUBMITTED:
	case SUBMISSION_CLAIMED:
		return submission_finding(d, "",
			"you have submitted for it already, %s: revise that one (--revises), or withdraw it first",
			ref);
	case SUBMISSION_NOT_YET:
	case SUBMISSION_UNJUDGEABLE:
		return submission_finding(d, "",
			"your submission %s has come back: revise that one (--revises, --changed), or withdraw it first",
			ref);
	case SUBMISSION_MET:
		return submission_finding(d, "",
			"your submission %s has met the rubric: wait for the award, or withdraw it first",
			ref);
	case SUBMISSION_AWARDED:
	case SUBMISSION_WITHDRAWN:
	case SUBMISSION_UNKNOWN: break;
	}
	return OK;
}

static enum err check_other(struct catalogue *c, struct submission_draft *d, const struct cases_item *item)
{
	struct submission *s = NULL;
	bool related = false;
	if (d->revises && id32_equal(&d->revised.id, &item->fact.at.id))
		return OK;
	enum err e = is_related(c, d, &item->definition, &related);
	if (e != OK || !related)
		return e;
	e = submission_open(c, &item->fact.at, &s);
	if (e == OK && !s->j.revised_by)
		e = say_open(d, s);
	submission_close(s);
	return e;
}

enum err submission_check_attempts(struct catalogue *c, struct submission_draft *d, const struct id32 *me)
{
	struct cases_list mine;
	enum err e = cases_submissions(c->cases, CASES_EARNER, &mine);
	for (size_t i = 0; e == OK && i < mine.n; i++)
		e = check_other(c, d, &mine.items[i]);
	cases_list_free(&mine);
	if (e == OK && d->revises)
		e = check_revised(c, d, me);
	else if (e == OK && d->changed.n)
		e = submission_finding(d, "", "what changed is said of a revision: name what it revises");
	return e;
}
