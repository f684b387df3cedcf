/* api_awards.c -- awards: countersigned, accepted, shown, revoked. SPEC.md section 16.8. Lists and exports: api_awards_get.c. */
#include "acting.h"
#include "awards.h"
#include "awards_show.h"
#include "compose.h"

/* ---- countersign */

static enum err countersign(struct act *a)
{
	const char *submission;
	struct award_wish wish = {.only_automatic = false};
	struct award_made made;
	enum err e = act_need(a, "submission", &submission);
	if (e == OK)
		e = acting_entry(a, submission, &wish.submission);
	if (e == OK)
		e = acting_for(a, &wish.institution);
	if (e == OK)
		e = award_make(a, a->rq->sessions, a->keys, &wish, &made);
	if (e != OK)
		return e;
	a->status = made.already ? 200 : 201;
	a->reply = acting_json(&made.at, &wish.institution);
	if (!a->reply)
		return ERR_MEMORY;
	json_object_set_new(a->reply, "credential", json_string(made.urn));
	json_object_set_new(a->reply, "earner", compose_id_json(&made.earner));
	json_object_set_new(a->reply, "already", json_boolean(made.already));
	json_object_set_new(a->reply, "says",
		made.already
			? json_string("It was countersigned before: nothing was written.")
			: json_sprintf(
				  "It rests on %zu %s. The earner, the issuer, its officers and the reviewers can read it, "
				  "and nobody else until the earner accepts it.",
				  made.reviews, made.reviews == 1 ? "review" : "reviews"));
	if (made.skipped)
		json_object_set_new(a->reply, "warning",
			json_sprintf(
				"%zu of the panel could not be sealed to, since their keys are not here.",
				made.skipped));
	return OK;
}

/* ---- accept, share */

static enum err show_to(struct act *a, bool accept)
{
	struct entry_ref award;
	struct award_shown shown;
	enum err e = acting_entry(a, api_param(a->rq, "ref"), &award);
	if (e != OK)
		return e;
	desk_lock_on(a->desk, &award.id);
	e = award_show(a, &award, accept, &shown);
	desk_unlock_on(a->desk, &award.id);
	if (e != OK)
		return e;
	a->status = shown.already ? 200 : 201;
	a->reply = json_pack("{s:o, s:o, s:o, s:b, s:b, s:b, s:o, s:o, s:o}", "ref",
		compose_ref_json(&shown.at.log, shown.at.seq), "id", compose_id_json(&shown.at.id), "award",
		compose_ref_json(&award.log, award.seq), "already", shown.already, "shared", shown.shared,
		"everybody", shown.everybody, "people", compose_number_json(shown.people), "keys",
		compose_number_json(shown.keys), "says", award_shown_words(&shown));
	return a->reply ? OK : ERR_MEMORY;
}

static enum err accept_it(struct act *a)
{
	return show_to(a, true);
}

static enum err share(struct act *a)
{
	return show_to(a, false);
}

/* ---- revoke */

struct revoking {
	struct entry_ref award;
	struct id32 issuer;
	bool revoked;
};

static enum err find_award(struct catalogue *c, void *ctx)
{
	struct revoking *r = (struct revoking *)ctx;
	struct fact_list found, revokes;
	enum err e = catalogue_find(c, &r->award, FACT_AWARD, &found);
	if (e == ERR_NOT_FOUND)
		return act_say(c->act, e, "This entry is not an award that its issuer can read here.");
	if (e != OK)
		return e;
	r->issuer = found.facts[0].author;
	fact_list_free(&found);
	e = cases_about(c->cases, &r->award.id, FACT_MASK(FACT_REVOKE), &revokes);
	for (size_t i = 0; e == OK && i < revokes.n; i++)
		r->revoked = r->revoked ||
			(id32_equal(&revokes.facts[i].author, &r->issuer) &&
				catalogue_act_counts(c, &revokes.facts[i]));
	fact_list_free(&revokes);
	return e;
}

/* The issuer reads its own awards, so its session is asked and not the officer's: who may only revoke need not be able to read them. */
static enum err find_issuer(struct act *a, struct revoking *r, const struct id32 *institution)
{
	struct session *s = institution_session(a->rq->sessions, institution);
	if (!s)
		return act_say(a, ERR_LOCKED,
			"The issuer is locked on this node: unlock it here, or let its unattended session run.");
	enum err e = catalogue_ask(a, s, find_award, r);
	session_release(s);
	if (e == OK && !id32_equal(&r->issuer, institution))
		e = act_say(a, ERR_REFUSED, "Only its issuer revokes an award: name it as the institution.");
	if (e == OK && r->revoked)
		e = act_say(a, ERR_EXISTS, "This award is revoked already.");
	return e;
}

static enum err write_revoke(struct act *a, const struct revoking *r, const char *why, struct entry_ref *ref)
{
	struct buf record = {0};
	struct mp_out m = mp_out_init(&record);
	mp_put_array(&m, 2);
	mp_put_cstr(&m, "revoke");
	mp_put_map(&m, 2);
	mp_put_cstr(&m, "of");
	record_put_ref(&m, &r->award);
	mp_put_cstr(&m, "why");
	mp_put_cstr(&m, why);
	enum err e = m.err;
	if (e == OK)
		e = acting_put(
			a, &r->issuer, KEYSET_RIGHT_REVOKE, (struct slice){0}, buf_slice(&record), ref);
	buf_free(&record);
	return e;
}

static enum err revoke_it(struct act *a)
{
	const char *why;
	struct revoking r = {.revoked = false};
	struct id32 institution;
	struct entry_ref ref;
	enum err e = act_need(a, "why", &why);
	if (e == OK)
		e = acting_entry(a, api_param(a->rq, "ref"), &r.award);
	if (e == OK)
		e = acting_for(a, &institution);
	if (e == OK)
		e = institution_may(a, &a->keys->self.identity, &institution, KEYSET_RIGHT_REVOKE);
	if (e != OK)
		return e;
	desk_lock_on(a->desk, &r.award.id);
	e = find_issuer(a, &r, &institution);
	if (e == OK)
		e = write_revoke(a, &r, why, &ref);
	desk_unlock_on(a->desk, &r.award.id);
	if (e != OK)
		return e;
	a->status = 201;
	a->reply = acting_json(&ref, &institution);
	if (!a->reply)
		return ERR_MEMORY;
	json_object_set_new(a->reply, "award", compose_ref_json(&r.award.log, r.award.seq));
	return OK;
}

void route_award_countersign(struct api_request *rq)
{
	act_begin(rq, countersign);
}

void route_award_accept(struct api_request *rq)
{
	act_begin(rq, accept_it);
}

void route_award_share(struct api_request *rq)
{
	act_begin(rq, share);
}

void route_award_revoke(struct api_request *rq)
{
	act_begin(rq, revoke_it);
}
