/* submission_parts.c -- see submission_parts.h. */
#include "submission_parts.h"

#include "compose.h"

#include <sodium.h>

/* ---- evidence */

bool submission_manifest_item(const struct fact *manifest, size_t i, struct record_item *item)
{
	struct slice kind, fields;
	struct mp_in in;
	size_t n = 0;
	if (record_open(manifest->data, &kind, &fields) != OK || record_get(fields, "items", &in) != OK ||
		mp_get_array(&in, 0, SIZE_MAX, &n) != OK || i >= n)
		return false;
	for (size_t k = 0; k <= i; k++)
		if (record_get_item(&in, item) != OK)
			return false;
	return true;
}

static const char *evidence_state(enum err e)
{
	if (e == OK)
		return "here";
	if (e == ERR_ERASED)
		return "erased";
	return e == ERR_LOCKED ? "locked" : "missing";
}

static bool is_ours(enum err e)
{
	return e == ERR_MEMORY || e == ERR_IO || e == ERR_CORRUPT || e == ERR_FULL;
}

static void put_fields(json_t *o, struct slice record)
{
	json_t *all = compose_json(record), *fields = json_object_get(all, "fields");
	json_t *title = json_object_get(fields, "title");
	if (fields)
		json_object_set(o, "fields", fields);
	if (title)
		json_object_set(o, "title", title);
	json_decref(all);
}

/* {"ref", "id", "kind", "state"}, and its title and fields where it can be opened. */
static enum err evidence_json(struct catalogue *c, const struct record_item *item, json_t **out)
{
	struct buf record = {0};
	enum err e = book_record(c->book, c->store, &item->at, &record);
	json_t *o = NULL;
	if (!is_ours(e)) {
		o = json_pack("{s:o, s:o, s:o, s:s}", "ref", compose_ref_json(&item->at.log, item->at.seq),
			"id", compose_id_json(&item->at.id), "kind", compose_text_json(item->kind), "state",
			evidence_state(e));
		if (o && e == OK)
			put_fields(o, buf_slice(&record));
		e = o ? OK : ERR_MEMORY;
	}
	*out = o;
	if (record.p)
		sodium_memzero(record.p, record.n);
	buf_free(&record);
	return e;
}

static enum err put_evidence(
	struct catalogue *c, const struct submission *s, const char *requirement, json_t *to)
{
	json_t *list = json_array();
	struct record_item item;
	enum err e = OK;
	for (size_t i = 0; e == OK && s->j.manifest && submission_manifest_item(s->j.manifest, i, &item);
		i++) {
		json_t *one = NULL;
		if (!slice_equal(item.requirement, slice_str(requirement)))
			continue;
		e = evidence_json(c, &item, &one);
		if (e == OK && json_array_append_new(list, one) != 0)
			e = ERR_MEMORY;
	}
	if (e == OK)
		json_object_set_new(to, "evidence", list);
	else
		json_decref(list);
	return e;
}

static json_t *texts_json(const char *const *texts, size_t n)
{
	json_t *list = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, compose_text_json(slice_str(texts[i])));
	return list;
}

static enum err put_requirements(struct catalogue *c, const struct submission *s, json_t *out)
{
	json_t *list = json_array();
	enum err e = list ? OK : ERR_MEMORY;
	for (size_t i = 0; e == OK && i < s->d.requirements_n; i++) {
		const struct definition_requirement *r = &s->d.requirements[i];
		json_t *o = json_pack("{s:o, s:s, s:o, s:I, s:I}", "id", compose_text_json(slice_str(r->id)),
			"kind", r->reflection ? "reflection" : "artifact", "prompt",
			compose_text_json(slice_str(r->prompt)), "min", (json_int_t)r->min, "max",
			(json_int_t)r->max);
		if (!o || json_array_append_new(list, o) != 0) {
			e = ERR_MEMORY;
			break;
		}
		if (r->section)
			json_object_set_new(o, "section", compose_text_json(slice_str(r->section)));
		if (r->words_max)
			json_object_set_new(o, "words_max", json_integer((json_int_t)r->words_max));
		if (r->evidence_kinds_n)
			json_object_set_new(
				o, "evidence_kinds", texts_json(r->evidence_kinds, r->evidence_kinds_n));
		e = put_evidence(c, s, r->id, o);
	}
	if (e == OK)
		json_object_set_new(out, "requirements", list);
	else
		json_decref(list);
	return e;
}

/* ---- rubric */

static json_t *levels_json(const struct definition_criterion *k)
{
	json_t *list = json_array();
	for (size_t i = 0; i < k->levels_n; i++) {
		const struct definition_level *l = &k->levels[i];
		json_t *o = json_pack("{s:o, s:o, s:o}", "id", compose_text_json(slice_str(l->id)), "name",
			compose_text_json(slice_str(l->name)), "description",
			compose_text_json(slice_str(l->description)));
		if (o && l->has_points)
			json_object_set_new(o, "points", json_integer((json_int_t)l->points));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *rubric_json(const struct definition *d)
{
	json_t *list = json_array();
	for (size_t i = 0; i < d->criteria_n; i++) {
		const struct definition_criterion *k = &d->criteria[i];
		json_array_append_new(list,
			json_pack("{s:o, s:o, s:o, s:o}", "id", compose_text_json(slice_str(k->id)), "name",
				compose_text_json(slice_str(k->name)), "required_level",
				compose_text_json(slice_str(k->levels[k->required].id)), "levels",
				levels_json(k)));
	}
	return list;
}

/* ---- reviews */

static json_t *score_json(const struct definition *d, const struct record_score *score)
{
	size_t k = definition_criterion(d, score->criterion);
	json_t *o = json_pack("{s:o, s:o, s:o}", "criterion", compose_text_json(score->criterion), "level",
		compose_text_json(score->level), "comment", compose_text_json(score->comment));
	size_t l = k == SIZE_MAX ? SIZE_MAX : definition_level(&d->criteria[k], score->level);
	if (!o || l == SIZE_MAX)
		return o;
	json_object_set_new(o, "name", compose_text_json(slice_str(d->criteria[k].name)));
	json_object_set_new(o, "level_name", compose_text_json(slice_str(d->criteria[k].levels[l].name)));
	json_object_set_new(o, "required", json_boolean(l >= d->criteria[k].required));
	return o;
}

static const struct record_score *score_of(const struct record_score *scores, size_t n, const char *criterion)
{
	for (size_t i = 0; i < n; i++)
		if (slice_equal(scores[i].criterion, slice_str(criterion)))
			return &scores[i];
	return NULL;
}

/* In the rubric's order; what the rubric does not have is left out. */
static json_t *scores_json(const struct definition *d, struct slice fields)
{
	struct record_score scores[2 * DEFINITION_CRITERIA_MAX];
	struct mp_in in;
	size_t n = 0;
	json_t *list = json_array();
	if (record_get(fields, "scores", &in) != OK ||
		mp_get_array(&in, 0, sizeof scores / sizeof scores[0], &n) != OK)
		return list;
	for (size_t i = 0; i < n; i++)
		if (record_get_score(&in, &scores[i]) != OK)
			n = i;
	for (size_t i = 0; i < d->criteria_n; i++) {
		const struct record_score *score = score_of(scores, n, d->criteria[i].id);
		if (score)
			json_array_append_new(list, score_json(d, score));
	}
	return list;
}

static json_t *review_json(struct catalogue *c, const struct submission *s, const struct judge_review *r)
{
	static const char *const decisions[] = {"meets", "not-yet", "unjudgeable"};
	struct slice kind, fields = {0}, feedback = {0};
	json_t *o = json_pack("{s:o, s:o, s:o, s:s, s:I, s:b}", "ref",
		compose_ref_json(&r->at.log, r->at.seq), "id", compose_id_json(&r->at.id), "reviewer",
		names_json(c->names, &r->reviewer), "decision", decisions[r->decision], "hour",
		(json_int_t)r->fact->hour, "taken_up", r->taken_up);
	if (!o || record_open(r->fact->data, &kind, &fields) != OK)
		return o;
	if (record_get_str(fields, "feedback", &feedback) == OK)
		json_object_set_new(o, "feedback", compose_text_json(feedback));
	json_object_set_new(o, "scores", scores_json(&s->d, fields));
	return o;
}

enum err submission_parts(struct catalogue *c, const struct submission *s, json_t *out)
{
	json_t *reviews = json_array();
	enum err e = put_requirements(c, s, out);
	for (size_t i = 0; e == OK && i < s->j.reviews_n; i++)
		if (json_array_append_new(reviews, review_json(c, s, &s->j.reviews[i])) != 0)
			e = ERR_MEMORY;
	if (e != OK) {
		json_decref(reviews);
		return e;
	}
	json_object_set_new(out, "reviews", reviews);
	json_object_set_new(out, "rubric", rubric_json(&s->d));
	json_object_set_new(out, "days", json_integer((json_int_t)s->d.days));
	json_object_set_new(out, "same_school", json_boolean(s->d.same_school));
	json_object_set_new(out, "automatic", json_boolean(s->d.automatic));
	if (s->d.scoring_guide)
		json_object_set_new(out, "scoring_guide", compose_text_json(slice_str(s->d.scoring_guide)));
	return OK;
}
