/* definition_scores.c -- a file of scores, against the rubric of a definition. SPEC.md sections 13 (`review`) and 16.6. */
#include "protocol/award/definition_table.h"
#include "protocol/log/record.h"

static size_t criteria_names(const struct definition *d, const char *names[DEFINITION_CRITERIA_MAX])
{
	for (size_t i = 0; i < d->criteria_n; i++)
		names[i] = d->criteria[i].id;
	return d->criteria_n;
}

static void check_score(struct lint *l, const struct definition *d, const char *id, json_t *v)
{
	const struct lint_at here = {.key = id}, level_at = {.up = &here, .key = "level"};
	const char *names[DEFINITION_CRITERIA_MAX];
	size_t c = definition_criterion(d, slice_str(id));
	if (c == SIZE_MAX) {
		const char *near = lint_near(id, names, criteria_names(d, names));
		if (near)
			lint_add(l, &here, "is no criterion of this rubric; did you mean \"%s\"?", near);
		else
			lint_add(l, &here, "is no criterion of this rubric; take it out");
		return;
	}
	lint_object(l, &here, v, &definition_score_table);
	const char *level = json_string_value(json_object_get(v, "level"));
	if (!level || !lint_is_name(level) || definition_level(&d->criteria[c], slice_str(level)) != SIZE_MAX)
		return;
	const char *levels[DEFINITION_LEVELS_MAX];
	for (size_t i = 0; i < d->criteria[c].levels_n; i++)
		levels[i] = d->criteria[c].levels[i].id;
	lint_add_choice(l, &level_at, level, levels, d->criteria[c].levels_n);
}

static void check_scores(struct lint *l, const struct definition *d, json_t *doc, bool complete)
{
	if (!json_is_object(doc)) {
		lint_add(l, NULL, "must be an object in braces: the id of each criterion, and its score");
		return;
	}
	for (size_t i = 0; complete && i < d->criteria_n; i++) {
		const struct lint_at here = {.key = d->criteria[i].id};
		if (!json_object_get(doc, d->criteria[i].id))
			lint_add(l, &here, "is missing: every criterion must have a score");
	}
	if (!complete && json_object_size(doc) == 0)
		lint_add(l, NULL, "must score at least one criterion");
	for (void *it = json_object_iter(doc); it; it = json_object_iter_next(doc, it))
		check_score(l, d, json_object_iter_key(it), json_object_iter_value(it));
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum err put_scores(const struct definition *d, json_t *doc, struct buf *record)
{
	const char *ids[DEFINITION_CRITERIA_MAX];
	size_t n = 0;
	for (size_t i = 0; i < d->criteria_n; i++)
		if (json_object_get(doc, d->criteria[i].id))
			ids[n++] = d->criteria[i].id;
	qsort(ids, n, sizeof ids[0], by_bytes);
	struct mp_out o = mp_out_init(record);
	mp_put_array(&o, n);
	for (size_t i = 0; i < n; i++) {
		json_t *v = json_object_get(doc, ids[i]);
		const char *comment = json_string_value(json_object_get(v, "comment"));
		record_put_score(&o,
			&(struct record_score){.criterion = slice_str(ids[i]),
				.level = slice_str(json_string_value(json_object_get(v, "level"))),
				.comment = slice_str(comment ? comment : "")});
	}
	return o.err;
}

enum err definition_scores(const struct definition *d, struct slice text, bool complete,
	struct finding *found, size_t *n, struct buf *record)
{
	struct lint l = {.text = text, .found = found};
	json_t *doc = lint_parse(&l);
	if (doc)
		check_scores(&l, d, doc, complete);
	*n = l.n;
	enum err e = lint_end(&l);
	if (e == OK && l.n == 0 && record)
		e = put_scores(d, doc, record);
	json_decref(doc);
	return e;
}
