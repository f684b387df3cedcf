/* submission_json.c -- a submission as answers show it. See submission.h. Rubric and evidence: submission_parts.c. */
#include "submission.h"

#include "compose.h"
#include "protocol/log/record.h"
#include "submission_parts.h"

#include <stdio.h>

enum { ATTEMPTS_MAX = 51 }; /* SPEC 16.3: "`resubmissions_max` (0..50, default 5)" */

static bool put(json_t *o, const char *key, json_t *taken)
{
	return json_object_set_new(o, key, taken) == 0;
}

static json_t *ref_json(const struct entry_ref *at)
{
	return compose_ref_json(&at->log, at->seq);
}

/* ---- one in a list */

static json_t *revised_json(const struct submission *s)
{
	struct entry_ref at;
	return cases_ref(s->fact, "revises", &at) == OK ? ref_json(&at) : NULL;
}

static bool put_more(const struct submission *s, json_t *o)
{
	json_t *revises = revised_json(s);
	bool ok = !revises || put(o, "revises", revises);
	if (ok && s->j.revised_by)
		ok = put(o, "revised_by", ref_json(&s->j.revised_by->at));
	if (ok && s->j.award)
		ok = put(o, "award", ref_json(&s->j.award->at));
	if (ok && s->defined && (s->j.state == SUBMISSION_SUBMITTED || s->j.state == SUBMISSION_CLAIMED))
		ok = put(o, "days_left", json_integer(submission_days_left(s)));
	return ok;
}

enum err submission_item(struct catalogue *c, const struct submission *s, json_t **out)
{
	json_t *o = json_pack("{s:o, s:o, s:s, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I}", "ref",
		ref_json(&s->at), "id", compose_id_json(&s->at.id), "state", submission_shown(s),
		"definition", ref_json(&s->definition_at), "title",
		compose_text_json(slice_str(s->defined ? s->d.title : "")), "earner",
		names_json(c->names, &s->fact->author), "hour", (json_int_t)s->fact->hour, "reviews_needed",
		(json_int_t)(s->defined ? s->d.reviewers : 0), "met", (json_int_t)s->j.met, "not_yet",
		(json_int_t)s->j.not_yet, "unjudgeable", (json_int_t)s->j.unjudgeable, "claimed",
		(json_int_t)s->j.claims_n);
	bool ok = o && put_more(s, o);
	if (ok && s->defined)
		ok = put(o, "issuer", names_json(c->names, &s->j.issuer));
	if (!ok) {
		json_decref(o);
		return ERR_MEMORY;
	}
	*out = o;
	return OK;
}

enum err submission_for_reviewer(
	struct catalogue *c, const struct submission *s, const struct id32 *me, json_t *out)
{
	char why[ACT_WHY_BYTES];
	const struct fact *claim = submission_claim_of(s, me);
	const struct judge_review *review = submission_review_of(s, me);
	json_t *by = json_array();
	enum err e = submission_bar(c, s, me, why);
	if (!*why && !claim && !review && submission_at_work(s) >= submission_seats(s))
		snprintf(why, sizeof why, "As many as are needed are at work on it already.");
	for (size_t i = 0; e == OK && i < s->j.claims_n; i++)
		if (json_array_append_new(by, names_json(c->names, &s->j.claims[i]->author)) != 0)
			e = ERR_MEMORY;
	bool ok = e == OK && put(out, "claimed_by", by) &&
		put(out, "may_claim", json_boolean(!*why && !claim && !review)) &&
		(!*why || put(out, "why_not", json_string(why))) &&
		(!claim || put(out, "my_claim", ref_json(&claim->at))) &&
		(!review || put(out, "my_review", ref_json(&review->at)));
	if (e != OK)
		json_decref(by);
	return e == OK && !ok ? ERR_MEMORY : e;
}

/* ---- claims, attempts, what does not count */

static json_t *claims_json(struct catalogue *c, const struct submission *s)
{
	json_t *list = json_array();
	for (size_t i = 0; i < s->j.claims_n; i++) {
		const struct fact *f = s->j.claims[i];
		json_array_append_new(list,
			json_pack("{s:o, s:o, s:o, s:I}", "ref", ref_json(&f->at), "id",
				compose_id_json(&f->at.id), "reviewer", names_json(c->names, &f->author),
				"hour", (json_int_t)f->hour));
	}
	return list;
}

static json_t *why_json(const struct judgement *j)
{
	static const char *const marks[] = {"good", "note", "unknown", "wrong"};
	json_t *list = json_array();
	for (size_t i = 0; i < j->lines_n; i++) {
		const struct judge_line *l = &j->lines[i];
		if (l->mark == JUDGE_GOOD)
			continue;
		json_t *one = json_pack(
			"{s:s, s:s, s:s}", "mark", marks[l->mark], "code", l->code, "text", l->text);
		if (one && !id32_is_zero(&l->entry))
			json_object_set_new(one, "entry", compose_id_json(&l->entry));
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *attempt_json(const struct submission *s)
{
	struct slice kind, fields, text = {0};
	json_t *o = json_pack("{s:o, s:o, s:s, s:I}", "ref", ref_json(&s->at), "id",
		compose_id_json(&s->at.id), "state", submission_shown(s), "hour", (json_int_t)s->fact->hour);
	if (o && record_open(s->fact->data, &kind, &fields) == OK &&
		record_get_str(fields, "changed", &text) == OK)
		json_object_set_new(o, "changed", compose_text_json(text));
	return o;
}

/* The submission that this one revises or, forwards, that revises it. */
static bool next_attempt(const struct submission *s, bool forwards, struct entry_ref *at)
{
	if (!forwards)
		return cases_ref(s->fact, "revises", at) == OK;
	if (s->j.revised_by)
		*at = s->j.revised_by->at;
	return s->j.revised_by != NULL;
}

/* From s in one direction, without s itself. Each is judged by what was said of it. */
static enum err add_attempts(
	struct catalogue *c, const struct submission *s, bool forwards, json_t *list, size_t *n)
{
	struct submission *held = NULL;
	struct entry_ref at;
	enum err e = OK;
	while (e == OK && *n < ATTEMPTS_MAX && next_attempt(held ? held : s, forwards, &at)) {
		submission_close(held);
		held = NULL;
		e = submission_open(c, &at, &held);
		if (e != OK)
			break;
		(*n)++;
		size_t where = forwards ? json_array_size(list) : 0;
		e = json_array_insert_new(list, where, attempt_json(held)) == 0 ? OK : ERR_MEMORY;
	}
	submission_close(held);
	return e == ERR_NOT_FOUND ? OK : e;
}

/* The first first. */
static enum err put_attempts(struct catalogue *c, const struct submission *s, json_t *o)
{
	json_t *list = json_array();
	size_t n = 1;
	enum err e = list && json_array_append_new(list, attempt_json(s)) == 0 ? OK : ERR_MEMORY;
	if (e == OK)
		e = add_attempts(c, s, false, list, &n);
	if (e == OK)
		e = add_attempts(c, s, true, list, &n);
	return json_object_set_new(o, "attempts", list) == 0 ? e : ERR_MEMORY;
}

static void put_texts(const struct submission *s, json_t *o)
{
	struct slice kind, fields, text;
	struct mp_in in;
	size_t n = 0;
	json_t *attests = json_array();
	if (record_open(s->fact->data, &kind, &fields) == OK) {
		if (record_get_str(fields, "changed", &text) == OK)
			json_object_set_new(o, "changed", compose_text_json(text));
		if (record_get(fields, "attests", &in) == OK && mp_get_array(&in, 0, 8, &n) == OK)
			while (n-- > 0 && mp_get_str(&in, 0, SIZE_MAX, &text) == OK)
				json_array_append_new(attests, compose_text_json(text));
	}
	json_object_set_new(o, "attests", attests);
}

enum err submission_json(struct catalogue *c, const struct submission *s, json_t **out)
{
	json_t *o = NULL;
	enum err e = submission_item(c, s, &o);
	if (e != OK)
		return e;
	put_texts(s, o);
	if (s->defined)
		e = submission_parts(c, s, o);
	if (e == OK)
		e = put_attempts(c, s, o);
	if (e == OK) {
		json_object_set_new(o, "claims", claims_json(c, s));
		json_object_set_new(o, "why", why_json(&s->j.why));
		if (s->g.cut_short)
			json_object_set_new(o, "cut_short", json_true());
		*out = o;
	} else {
		json_decref(o);
	}
	return e;
}
