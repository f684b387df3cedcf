/* definition.c -- see definition.h. What is read here has passed the tables of definition_lint.c. */
#include "protocol/award/definition_table.h"
#include "protocol/award/json.h"

enum { DAYS_DEFAULT = 14, RESUBMISSIONS_DEFAULT = 5 };

static const char *text_of(json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static unsigned number_of(json_t *object, const char *key, unsigned otherwise)
{
	json_t *v = json_object_get(object, key);
	return v ? (unsigned)json_number_value(v) : otherwise;
}

static bool is(const char *text, const char *word)
{
	return text && strcmp(text, word) == 0;
}

static size_t texts_of(json_t *object, const char *key, const char **out)
{
	json_t *list = json_object_get(object, key);
	for (size_t i = 0; i < json_array_size(list); i++)
		out[i] = json_string_value(json_array_get(list, i));
	return json_array_size(list);
}

static void fill_requirement(json_t *v, struct definition_requirement *r)
{
	r->id = text_of(v, "id");
	r->section = text_of(v, "section");
	r->prompt = text_of(v, "prompt");
	r->reflection = is(text_of(v, "kind"), "reflection");
	r->evidence_kinds_n = texts_of(v, "evidence_kinds", r->evidence_kinds);
	r->min = number_of(v, "min", 1);
	r->max = number_of(v, "max", r->min > 1 ? r->min : 1);
	r->words_max = number_of(v, "words_max", 0);
}

static void fill_criterion(json_t *v, struct definition_criterion *c)
{
	json_t *levels = json_object_get(v, "levels");
	c->id = text_of(v, "id");
	c->name = text_of(v, "name");
	c->levels_n = json_array_size(levels);
	for (size_t i = 0; i < c->levels_n; i++) {
		json_t *from = json_array_get(levels, i);
		struct definition_level *level = &c->levels[i];
		level->id = text_of(from, "id");
		level->name = text_of(from, "name");
		level->description = text_of(from, "description");
		level->has_points = json_object_get(from, "points") != NULL;
		level->points = number_of(from, "points", 0);
	}
	c->required = definition_level(c, slice_str(text_of(v, "required_level")));
}

static void fill_lists(json_t *doc, struct definition *d)
{
	json_t *list = json_object_get(doc, "requirements");
	d->requirements_n = json_array_size(list);
	for (size_t i = 0; i < d->requirements_n; i++)
		fill_requirement(json_array_get(list, i), &d->requirements[i]);
	list = json_object_get(doc, "rubric");
	d->criteria_n = json_array_size(list);
	for (size_t i = 0; i < d->criteria_n; i++)
		fill_criterion(json_array_get(list, i), &d->criteria[i]);
	list = json_object_get(doc, "alignment");
	d->alignment_n = json_array_size(list);
	for (size_t i = 0; i < d->alignment_n; i++) {
		json_t *v = json_array_get(list, i);
		d->alignment[i] = (struct definition_alignment){.framework = text_of(v, "framework"),
			.name = text_of(v, "name"),
			.url = text_of(v, "url"),
			.code = text_of(v, "code")};
	}
	d->method_n = texts_of(doc, "method_components", d->method);
	d->tags_n = texts_of(doc, "tags", d->tags);
}

static void fill(json_t *doc, struct definition *d)
{
	json_t *review = json_object_get(doc, "review");
	*d = (struct definition){.json = doc,
		.title = text_of(doc, "title"),
		.competency = text_of(doc, "competency"),
		.key_method = text_of(doc, "key_method"),
		.language = text_of(doc, "language"),
		.licence = text_of(doc, "licence"),
		.scoring_guide = text_of(doc, "scoring_guide"),
		.complexity = number_of(doc, "complexity", 0),
		.valid_months = number_of(doc, "valid_months", 0),
		.reviewers = number_of(review, "reviewers", 0),
		.days = number_of(review, "days", DAYS_DEFAULT),
		.resubmissions_max = number_of(review, "resubmissions_max", RESUBMISSIONS_DEFAULT),
		.blind = json_is_true(json_object_get(review, "blind")),
		.same_school = json_is_true(json_object_get(review, "same_school")),
		.automatic = is(text_of(review, "countersign"), "automatic")};
	fill_lists(doc, d);
}

/* Takes no reference; canonical: appended to. */
static enum err check(struct slice text, json_t *doc, struct buf *canonical)
{
	struct lint l = {.text = text};
	lint_object(&l, NULL, doc, &definition_table);
	if (l.n > 0)
		return ERR_RANGE;
	enum err e = json_canonical(doc, canonical);
	return e == OK && canonical->n > DEFINITION_BYTES_MAX ? ERR_LIMIT : e;
}

enum err definition_read(struct slice text, struct definition *d, struct buf *canonical)
{
	struct buf form = {0};
	json_t *doc = NULL;
	enum err e = json_parse(text, &doc, NULL);
	if (e == OK)
		e = check(text, doc, &form);
	if (e == OK && canonical)
		e = buf_put_slice(canonical, buf_slice(&form));
	if (e == OK)
		fill(doc, d);
	else
		json_decref(doc);
	buf_free(&form);
	return e;
}

enum err definition_read_canonical(struct slice text, struct definition *d)
{
	struct buf form = {0};
	struct definition got;
	if (text.n > DEFINITION_BYTES_MAX)
		return ERR_LIMIT;
	enum err e = definition_read(text, &got, &form);
	if (e == OK && !slice_equal(text, buf_slice(&form))) {
		definition_deinit(&got);
		e = ERR_FORMAT;
	}
	if (e == OK)
		*d = got;
	buf_free(&form);
	return e;
}

void definition_deinit(struct definition *d)
{
	json_decref(d->json);
	*d = (struct definition){0};
}

/* ---- finding parts */

size_t definition_criterion(const struct definition *d, struct slice id)
{
	for (size_t i = 0; i < d->criteria_n; i++)
		if (slice_equal(id, slice_str(d->criteria[i].id)))
			return i;
	return SIZE_MAX;
}

size_t definition_level(const struct definition_criterion *c, struct slice id)
{
	for (size_t i = 0; i < c->levels_n; i++)
		if (slice_equal(id, slice_str(c->levels[i].id)))
			return i;
	return SIZE_MAX;
}

size_t definition_requirement(const struct definition *d, struct slice id)
{
	for (size_t i = 0; i < d->requirements_n; i++)
		if (slice_equal(id, slice_str(d->requirements[i].id)))
			return i;
	return SIZE_MAX;
}

/* SPEC 16.5: "items of a reflection have kind `reflection`, items of an artifact one of `evidence_kinds`" */
bool definition_kind_fits(const struct definition_requirement *r, struct slice kind)
{
	if (r->reflection)
		return slice_equal(kind, slice_str("reflection"));
	for (size_t i = 0; i < r->evidence_kinds_n; i++)
		if (slice_equal(kind, slice_str(r->evidence_kinds[i])))
			return true;
	return r->evidence_kinds_n == 0;
}
