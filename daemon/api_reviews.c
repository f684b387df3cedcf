/* api_reviews.c -- what reviewers take up: their queue, claims, releases, and what they need for a review. SPEC.md section 16.6. Deciding: api_review_decide.c. */
#include "acting.h"
#include "case_pages.h"
#include "compose.h"
#include "submission.h"
#include "writing.h"

#include <stdio.h>

/* ---- queue */

struct queue {
	bool all;
	struct case_pages pages;
};

/* Shown without "all": what I have claimed, and what I may claim. */
static bool is_for_me(const struct submission *s, const json_t *item)
{
	bool open = s->j.state == SUBMISSION_SUBMITTED || s->j.state == SUBMISSION_CLAIMED;
	return open &&
		(json_is_true(json_object_get(item, "may_claim")) || json_object_get(item, "my_claim")) &&
		!json_object_get(item, "my_review");
}

static enum err queue_one(struct catalogue *c, void *ctx, const struct cases_item *item, json_t **out)
{
	const struct queue *q = (const struct queue *)ctx;
	struct submission *s = NULL;
	enum err e = submission_open(c, &item->fact.at, &s);
	if (e == OK)
		e = submission_item(c, s, out);
	if (e == OK)
		e = submission_for_reviewer(c, s, &c->act->keys->self.identity, *out);
	if (e == OK && !q->all && !is_for_me(s, *out)) {
		json_decref(*out);
		*out = NULL;
	}
	submission_close(s);
	return e == ERR_NOT_FOUND ? OK : e;
}

static enum err queue_all(struct catalogue *c, void *ctx)
{
	struct queue *q = (struct queue *)ctx;
	struct cases_list all;
	enum err e = cases_submissions(c->cases, CASES_REVIEWER, &all);
	if (e != OK)
		return e;
	e = case_pages_fill(c, &q->pages, &all, queue_one, q);
	cases_list_free(&all);
	return e;
}

static enum err queue(struct act *a)
{
	struct queue q = {.all = api_query(a->rq, "all") != NULL};
	enum err e = case_pages_read(a, &q.pages);
	if (e == OK)
		e = catalogue_list(a, queue_all, &q, &q.pages.items);
	return e == OK ? case_pages_answer(a, &q.pages) : e;
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
	if (e == OK)
		e = submission_for_reviewer(c, s, &c->act->keys->self.identity, w->out);
	submission_close(s);
	return e;
}

static enum err show(struct act *a)
{
	struct showing w = {.out = NULL};
	enum err e = acting_held(a, api_param(a->rq, "ref"), &w.at);
	if (e == OK)
		e = catalogue_ask(a, a->rq->session, show_one, &w);
	if (e != OK)
		json_decref(w.out);
	else
		a->reply = w.out;
	return e;
}

/* ---- claim */

/* What a claim or a release is about. */
struct taking {
	struct entry_ref given; /* a submission or, to release, a claim */
	bool for_institution;
	struct id32 institution;
	struct entry_ref submission, definition, claim;
	struct id32 earner;
	bool overdue;
};

static enum err check_claim(struct catalogue *c, void *ctx)
{
	struct taking *t = (struct taking *)ctx;
	const struct id32 *me = &c->act->keys->self.identity;
	char why[ACT_WHY_BYTES] = "", ref[CATALOGUE_REF_BYTES];
	struct submission *s = NULL;
	enum err e = submission_open(c, &t->given, &s);
	if (e == OK)
		e = submission_bar(c, s, me, why);
	if (e == OK) {
		t->submission = s->at;
		t->definition = s->definition_at;
		t->earner = s->fact->author;
		const struct fact *claim = submission_claim_of(s, me);
		const struct judge_review *review = submission_review_of(s, me);
		if (*why) {
			e = act_say(c->act, ERR_REFUSED, "%s", why);
		} else if (claim) {
			catalogue_ref_text(&claim->at, ref);
			e = act_say(c->act, ERR_EXISTS, "You have claimed it already: %s.", ref);
		} else if (review) {
			e = act_say(c->act, ERR_EXISTS,
				"You have decided on it already. To correct that, decide once more.");
		} else if (submission_at_work(s) >= submission_seats(s)) {
			e = act_say(c->act, ERR_REFUSED,
				"As many reviewers as are needed are at work on it already: %u.",
				submission_at_work(s));
		}
	}
	submission_close(s);
	return e;
}

static enum err put_taking(struct act *a, const struct taking *t, const char *kind,
	const struct entry_ref *of, struct entry_ref *ref)
{
	struct buf record = {0};
	struct audience *to = audience_new();
	enum err e = to ? audience_panel(a, to, &t->definition, &t->earner) : ERR_MEMORY;
	if (e == OK)
		e = submission_pointing(kind, of, to, &record);
	if (e == OK && t->for_institution) {
		const struct institution_act in = {.institution = t->institution,
			.right = KEYSET_RIGHT_APPOINT,
			.record = buf_slice(&record),
			.to = to};
		e = institution_act(a, a->rq->sessions, a->keys, &in, ref, NULL);
	} else if (e == OK) {
		const struct writing w = {.to = to, .record = buf_slice(&record)};
		e = writing_put(a, &a->keys->self, &w, ref, NULL);
	}
	buf_free(&record);
	audience_free(to);
	if (e != OK)
		return e;
	a->status = 201;
	a->reply = json_pack("{s:o, s:o, s:o}", "ref", compose_ref_json(&ref->log, ref->seq), "id",
		compose_id_json(&ref->id), "submission",
		compose_ref_json(&t->submission.log, t->submission.seq));
	return OK;
}

static enum err claim(struct act *a)
{
	struct taking t = {.for_institution = false};
	struct entry_ref ref;
	enum err e = acting_entry(a, api_param(a->rq, "ref"), &t.given);
	if (e != OK)
		return e;
	desk_lock_on(a->desk, &t.given.id);
	e = catalogue_ask(a, a->rq->session, check_claim, &t);
	if (e == OK)
		e = put_taking(a, &t, "claim", &t.submission, &ref);
	desk_unlock_on(a->desk, &t.given.id);
	return e;
}

/* ---- release */

/* Of a claim, its submission; else the entry itself. */
static enum err find_submission(struct catalogue *c, struct taking *t, bool *is_claim)
{
	struct fact_list found;
	enum err e = catalogue_find(c, &t->given, FACT_CLAIM, &found);
	*is_claim = e == OK;
	t->submission = t->given;
	if (e != OK)
		return e == ERR_NOT_FOUND ? OK : e;
	e = cases_ref(&found.facts[0], "of", &t->submission);
	fact_list_free(&found);
	return e;
}

static enum err check_right(struct catalogue *c, const struct taking *t, const struct submission *s)
{
	if (!t->for_institution)
		return OK;
	if (!id32_equal(&t->institution, &s->j.issuer))
		return act_say(c->act, ERR_REFUSED,
			"It was submitted to another institution: only the one that asked for it takes a claim away.");
	if (!submission_overdue(s))
		return act_say(c->act, ERR_REFUSED,
			"The reviewers have %lld days left: the issuer takes a claim away only when they have passed.",
			(long long)submission_days_left(s));
	return OK;
}

/* The claim that is meant: the one given; else mine or, for the issuer, the only one. */
static const struct fact *find_claim(
	const struct taking *t, const struct submission *s, bool is_claim, const struct id32 *me)
{
	const struct fact *found = NULL;
	for (size_t i = 0; i < s->j.claims_n; i++) {
		const struct fact *f = s->j.claims[i];
		if (is_claim                         ? id32_equal(&f->at.id, &t->given.id)
				: t->for_institution ? s->j.claims_n == 1
						     : id32_equal(&f->author, me))
			found = f;
	}
	return found;
}

static enum err check_release(struct catalogue *c, void *ctx)
{
	struct taking *t = (struct taking *)ctx;
	const struct id32 *me = &c->act->keys->self.identity;
	struct submission *s = NULL;
	bool is_claim = false;
	enum err e = find_submission(c, t, &is_claim);
	if (e == OK)
		e = submission_open(c, &t->submission, &s);
	const struct fact *claim = e == OK ? find_claim(t, s, is_claim, me) : NULL;
	if (e == OK && claim && !t->for_institution && !id32_equal(&claim->author, me))
		e = act_say(c->act, ERR_REFUSED,
			"It is another reviewer's claim. An officer of the issuer takes it away when the days have passed (--institution).");
	else if (e == OK)
		e = check_right(c, t, s);
	if (e == OK && !claim)
		e = act_say(c->act, ERR_NOT_FOUND,
			t->for_institution && s->j.claims_n > 1
				? "There are several claims: name the one to be released; quire submission show lists them."
				: "There is no such claim that is active: it was released, or the reviewer has decided.");
	if (e == OK) {
		t->claim = claim->at;
		t->definition = s->definition_at;
		t->earner = s->fact->author;
	}
	submission_close(s);
	return e;
}

static enum err release(struct act *a)
{
	struct taking t = {.for_institution = act_text(a, "institution") != NULL};
	struct entry_ref ref;
	enum err e = acting_entry(a, api_param(a->rq, "ref"), &t.given);
	if (e == OK && t.for_institution)
		e = acting_for(a, &t.institution);
	if (e == OK && t.for_institution)
		e = institution_may(a, &a->keys->self.identity, &t.institution, KEYSET_RIGHT_APPOINT);
	if (e != OK)
		return e;
	desk_lock_on(a->desk, &t.given.id);
	e = catalogue_ask(a, a->rq->session, check_release, &t);
	if (e == OK)
		e = put_taking(a, &t, "release", &t.claim, &ref);
	desk_unlock_on(a->desk, &t.given.id);
	if (e == OK && a->reply)
		json_object_set_new(a->reply, "claim", compose_ref_json(&t.claim.log, t.claim.seq));
	return e;
}

void route_review_queue(struct api_request *rq)
{
	act_begin(rq, queue);
}

void route_review_show(struct api_request *rq)
{
	act_begin(rq, show);
}

void route_review_claim(struct api_request *rq)
{
	act_begin(rq, claim);
}

void route_review_release(struct api_request *rq)
{
	act_begin(rq, release);
}
