/* awards_json.c -- see awards_json.h. */
#include "awards_json.h"

#include "compose.h"
#include "protocol/award/credential.h"
#include "protocol/award/json.h"
#include "protocol/log/entry.h"
#include "protocol/log/record.h"

#include <sodium.h>
#include <stdio.h>

#define NAMED_MAX 16u

enum err awards_credential(const struct fact *award, json_t **out)
{
	struct slice kind, fields, text;
	if (record_open(award->data, &kind, &fields) != OK ||
		record_get_str(fields, "credential", &text) != OK)
		return ERR_FORMAT;
	enum err e = json_parse(text, out, NULL);
	return e == OK || e == ERR_MEMORY ? e : ERR_FORMAT;
}

json_t *awards_lines(const struct judgement *j)
{
	static const char *const marks[] = {[JUDGE_GOOD] = "good",
		[JUDGE_NOTE] = "note",
		[JUDGE_UNKNOWN] = "unknown",
		[JUDGE_WRONG] = "wrong"};
	json_t *list = json_array();
	for (size_t i = 0; list && i < j->lines_n; i++) {
		const struct judge_line *l = &j->lines[i];
		json_t *entry = id32_is_zero(&l->entry) ? json_null() : compose_id_json(&l->entry);
		json_array_append_new(list,
			json_pack("{s:s, s:s, s:s, s:o}", "mark", marks[l->mark], "code", l->code, "text",
				l->text, "entry", entry));
	}
	return list;
}

/* ---- in a list */

static void put_text(json_t *o, const char *key, const char *text)
{
	if (*text)
		json_object_set_new(o, key, compose_text_json(slice_str(text)));
}

static void put_person(struct catalogue *c, json_t *o, const char *key, const struct id32 *id)
{
	json_object_set_new(o, key, id32_is_zero(id) ? json_null() : names_json(c->names, id));
}

static void put_about(json_t *o, const struct fact *award)
{
	struct credential_about about;
	json_t *doc = NULL;
	if (awards_credential(award, &doc) != OK)
		return;
	credential_read_about(doc, &about);
	put_text(o, "title", about.name);
	put_text(o, "credential", about.id);
	put_text(o, "valid_from", about.valid_from);
	put_text(o, "valid_until", about.valid_until);
	json_decref(doc);
}

static enum err put_definition(struct catalogue *c, const struct fact *award, json_t *o)
{
	struct entry_ref definition, submission;
	json_t *title = NULL;
	if (cases_ref(award, "submission", &submission) == OK)
		json_object_set_new(o, "submission", compose_ref_json(&submission.log, submission.seq));
	if (cases_ref(award, "definition", &definition) != OK)
		return OK;
	enum err e = catalogue_title(c, &definition, &title);
	if (e == OK)
		json_object_set_new(o, "definition", title);
	return e;
}

enum err awards_item(struct catalogue *c, const struct award_look *l, json_t **out)
{
	const struct award_judgement *j = l->j;
	const struct fact *f = j->award;
	json_t *o = json_pack("{s:o, s:o, s:s, s:b, s:o}", "ref", compose_ref_json(&f->at.log, f->at.seq),
		"id", compose_id_json(&f->at.id), "state", award_state_name(j->state), "counts",
		j->state != AWARD_UNKNOWN, "hour", json_integer((json_int_t)f->hour));
	if (!o)
		return ERR_MEMORY;
	put_about(o, f);
	put_person(c, o, "issuer", &f->author);
	put_person(c, o, "earner", &j->earner);
	enum err e = put_definition(c, f, o);
	if (e == OK)
		*out = o;
	else
		json_decref(o);
	return e;
}

/* ---- one award: results */

static const struct definition_level *level_of(
	const struct definition_criterion *c, const char *prefix, const char *achieved)
{
	char urn[256];
	for (size_t i = 0; i < c->levels_n; i++) {
		snprintf(urn, sizeof urn, "%s-%s", prefix, c->levels[i].id);
		if (strcmp(urn, achieved) == 0)
			return &c->levels[i];
	}
	return NULL;
}

static json_t *result_json(const struct definition_criterion *c, const char *prefix, const json_t *results)
{
	const struct definition_level *level = NULL, *must = &c->levels[c->required];
	for (size_t i = 0; i < json_array_size(results) && !level; i++) {
		const char *achieved = json_string_value(
			json_object_get(json_array_get(results, i), "achievedLevel"));
		level = achieved ? level_of(c, prefix, achieved) : NULL;
	}
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "criterion", compose_text_json(slice_str(c->id)),
		"name", compose_text_json(slice_str(c->name)), "level",
		level ? compose_text_json(slice_str(level->id)) : json_null(), "level_name",
		level ? compose_text_json(slice_str(level->name)) : json_null(), "required",
		compose_text_json(slice_str(must->id)), "required_name",
		compose_text_json(slice_str(must->name)));
}

static enum err put_results(const struct award_look *l, json_t *o)
{
	struct definition d;
	char hex[65], prefix[200];
	json_t *doc = NULL, *list = json_array();
	enum err e = list ? OK : ERR_MEMORY;
	if (e == OK)
		e = awards_credential(l->j->award, &doc);
	if (e == OK)
		e = l->j->definition ? catalogue_read(l->j->definition, &d) : ERR_FORMAT;
	if (e == OK) {
		const json_t *results = json_object_get(json_object_get(doc, "credentialSubject"), "result");
		sodium_bin2hex(hex, sizeof hex, l->j->definition->at.id.b, 32);
		for (size_t i = 0; i < d.criteria_n; i++) {
			snprintf(prefix, sizeof prefix, "urn:quire:definition:%s#criterion-%s", hex,
				d.criteria[i].id);
			json_array_append_new(list, result_json(&d.criteria[i], prefix, results));
		}
		definition_deinit(&d);
	}
	json_decref(doc);
	json_object_set_new(o, "results", list);
	return e == ERR_FORMAT ? OK : e;
}

/* ---- its reviewers */

static const struct fact *fact_at(const struct judge_case *k, const struct id32 *id, enum fact_kind kind)
{
	for (size_t i = 0; i < k->facts_n; i++)
		if (k->facts[i].kind == kind && id32_equal(&k->facts[i].at.id, id))
			return &k->facts[i];
	return NULL;
}

static void put_feedback(json_t *o, const struct fact *review)
{
	struct slice kind, fields, text;
	if (record_open(review->data, &kind, &fields) == OK &&
		record_get_str(fields, "feedback", &text) == OK)
		json_object_set_new(o, "feedback", compose_text_json(text));
}

static void put_reviewers(struct catalogue *c, const struct award_look *l, json_t *o)
{
	struct entry_ref reviews[NAMED_MAX];
	json_t *list = json_array();
	size_t n = awards_reviews(l->j->award, reviews, NAMED_MAX);
	for (size_t i = 0; list && i < n; i++) {
		const struct fact *f = fact_at(&l->g.judge, &reviews[i].id, FACT_REVIEW);
		json_t *one = json_pack("{s:o, s:o, s:o}", "review",
			compose_ref_json(&reviews[i].log, reviews[i].seq), "id",
			compose_id_json(&reviews[i].id), "reviewer",
			f ? names_json(c->names, &f->author) : json_null());
		if (one && f)
			put_feedback(one, f);
		json_array_append_new(list, one);
	}
	json_object_set_new(o, "reviewers", list);
}

/* ---- its evidence */

/* "held", "sealed" (it is here, and not for us), "erased", "absent". */
static const char *evidence_state(struct catalogue *c, const struct award_look *l, const struct entry_ref *at)
{
	struct store_req req = {.op = STORE_BODY_GET, .a.log = at->log, .a.n = 1, .a.seqs = &at->seq};
	struct store_res res = {0};
	const char *state = "absent";
	if (fact_at(&l->g.judge, &at->id, FACT_ARTIFACT) || fact_at(&l->g.judge, &at->id, FACT_REFLECTION))
		return "held";
	for (size_t i = 0; i < l->g.judge.erased_n; i++)
		if (id32_equal(&l->g.judge.erased[i], &at->id))
			return "erased";
	store_exec_one(c->store, &req, &res);
	if (res.err == OK && res.r.n == 1 && res.r.parts[0].header) {
		const struct id32 id = entry_id(res.r.parts[0].header);
		if (id32_equal(&id, &at->id))
			state = res.r.parts[0].kind == BODY_HERE     ? "sealed"
				: res.r.parts[0].kind == BODY_ERASED ? "erased"
								     : "absent";
	}
	store_res_free(&res);
	return state;
}

static void put_evidence(struct catalogue *c, const struct award_look *l, json_t *o)
{
	struct slice kind, fields;
	struct mp_in in;
	struct record_item item;
	size_t n = 0;
	json_t *list = json_array();
	json_object_set_new(o, "evidence", list);
	if (!l->j->manifest || record_open(l->j->manifest->data, &kind, &fields) != OK ||
		record_get(fields, "items", &in) != OK || mp_get_array(&in, 0, SIZE_MAX, &n) != OK)
		return;
	for (; n > 0 && record_get_item(&in, &item) == OK; n--)
		json_array_append_new(list,
			json_pack("{s:o, s:o, s:o, s:s}", "requirement", compose_text_json(item.requirement),
				"kind", compose_text_json(item.kind), "ref",
				compose_ref_json(&item.at.log, item.at.seq), "state",
				evidence_state(c, l, &item.at)));
}

/* ---- what became of it */

static void put_fate(struct catalogue *c, const struct award_look *l, json_t *o)
{
	const struct award_judgement *j = l->j;
	struct slice kind, fields, why = {0};
	json_t *by = catalogue_by(c, j->award);
	if (by)
		json_object_set_new(o, "by", by);
	if (j->acceptance)
		json_object_set_new(
			o, "accepted", compose_ref_json(&j->acceptance->at.log, j->acceptance->at.seq));
	if (j->revoke) {
		if (record_open(j->revoke->data, &kind, &fields) == OK &&
			record_get_str(fields, "why", &why) != OK)
			why = (struct slice){0};
		json_object_set_new(o, "revoked",
			json_pack("{s:o, s:o, s:o}", "ref",
				compose_ref_json(&j->revoke->at.log, j->revoke->at.seq), "why",
				compose_text_json(why), "hour", json_integer((json_int_t)j->revoke->hour)));
	}
	if (j->standing && !id32_equal(&j->standing->at.id, &j->award->at.id))
		json_object_set_new(o, "standing",
			json_pack("{s:o, s:s}", "ref",
				compose_ref_json(&j->standing->at.log, j->standing->at.seq), "state",
				award_state_name(j->credential_state)));
}

enum err awards_detail(struct catalogue *c, const struct award_look *l, json_t *o)
{
	put_fate(c, l, o);
	put_reviewers(c, l, o);
	put_evidence(c, l, o);
	enum err e = put_results(l, o);
	if (e == OK)
		json_object_set_new(o, "verdict", awards_lines(&l->j->verdict));
	return e;
}
