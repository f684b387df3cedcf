/* framework.c -- see framework.h: the document and the levels of its rubrics. */
#include "protocol/award/framework_int.h"
#include "protocol/award/json.h"

/* ---- levels of rubrics */

static size_t count_levels(json_t *rubrics)
{
	size_t n = 0, r, c;
	json_t *rubric, *criterion;
	json_array_foreach(rubrics, r, rubric) json_array_foreach(json_object_get(rubric, "CFRubricCriteria"),
		c, criterion) n += json_array_size(json_object_get(criterion, "CFRubricCriterionLevels"));
	return n;
}

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

static void fill_level(json_t *criterion, json_t *level, const char *item_uri, struct framework_level *out)
{
	const char *about = framework_text(criterion, "description");
	*out = (struct framework_level){.item_uri = item_uri,
		.criterion = or_empty(about ? about : framework_text(criterion, "category")),
		.quality = or_empty(framework_text(level, "quality")),
		.description = or_empty(framework_text(level, "description"))};
	out->has_score = framework_number(json_object_get(level, "score"), &out->score);
}

/* In the order of their positions. ranks has room for all. */
static void fill_criterion(
	struct framework *f, json_t *criterion, const char *item_uri, struct framework_rank *ranks)
{
	json_t *levels = json_object_get(criterion, "CFRubricCriterionLevels");
	size_t n = json_array_size(levels);
	for (size_t i = 0; i < n; i++) {
		ranks[i] = (struct framework_rank){.index = i};
		ranks[i].placed = framework_number(
			json_object_get(json_array_get(levels, i), "position"), &ranks[i].place);
	}
	framework_rank_sort(ranks, n);
	for (size_t i = 0; i < n; i++)
		fill_level(criterion, json_array_get(levels, ranks[i].index), item_uri,
			&f->levels[f->levels_n++]);
}

/* The URI of the item that a criterion is about, or NULL. */
static const char *item_of(struct lint *l, const struct framework_index *x, json_t *package,
	const struct lint_at *at, json_t *criterion)
{
	const struct lint_at here = {.up = at, .key = "CFItemURI"};
	json_t *link = json_object_get(criterion, "CFItemURI");
	if (!json_is_object(link))
		return NULL;
	size_t i = framework_index_find(x, link);
	if (i == FRAMEWORK_NONE || i == FRAMEWORK_DOCUMENT) {
		lint_add(l, &here, "must name an item of this package");
		return NULL;
	}
	return framework_text(json_array_get(json_object_get(package, "CFItems"), i), "uri");
}

enum err framework_rubrics(
	struct framework *f, struct lint *l, const struct framework_index *x, json_t *package)
{
	json_t *rubrics = json_object_get(package, "CFRubrics"), *rubric, *criterion;
	size_t n = count_levels(rubrics), r, c;
	struct framework_rank *ranks = (struct framework_rank *)calloc(n + 1, sizeof *ranks);
	f->levels = (struct framework_level *)calloc(n + 1, sizeof *f->levels);
	if (!ranks || !f->levels) {
		free(ranks);
		return ERR_MEMORY;
	}
	const struct lint_at list = {.key = "CFRubrics"};
	json_array_foreach(rubrics, r, rubric)
	{
		const struct lint_at at = {.up = &list, .index = r},
				     in = {.up = &at, .key = "CFRubricCriteria"};
		json_array_foreach(json_object_get(rubric, "CFRubricCriteria"), c, criterion)
		{
			const struct lint_at here = {.up = &in, .index = c};
			fill_criterion(f, criterion, item_of(l, x, package, &here, criterion), ranks);
		}
	}
	free(ranks);
	return OK;
}

/* ---- the whole */

static void fill_document(struct framework *f, json_t *package)
{
	json_t *document = json_object_get(package, "CFDocument"),
	       *licence = json_object_get(document, "licenseURI");
	f->title = framework_text(document, "title");
	f->creator = framework_text(document, "creator");
	f->language = framework_text(document, "language");
	f->notes = framework_text(document, "notes");
	f->uri = framework_text(document, "uri");
	f->licence = framework_text(licence, "title");
	if (!f->licence) /* some programs write the URI alone */
		f->licence = framework_text(licence, "uri") ? framework_text(licence, "uri")
							    : framework_text(document, "licenseURI");
}

static enum err fill(struct framework *f, struct lint *l, json_t *package)
{
	struct framework_index x;
	enum err e = framework_index_make(&x, l, package);
	if (e == OK)
		e = framework_rubrics(f, l, &x, package);
	if (e == OK)
		e = framework_tree(f, l, &x, package);
	if (e == OK && l->n == 0)
		fill_document(f, package);
	framework_index_free(&x);
	return e;
}

enum err framework_read(
	struct slice text, struct framework *f, struct finding *found, size_t *n, struct buf *canonical)
{
	struct lint l = {.text = text, .found = found};
	struct framework got = {0};
	struct buf form = {0};
	enum err e = OK;
	*n = 0;
	if (text.n > FRAMEWORK_BYTES_MAX)
		return ERR_LIMIT;
	got.json = lint_parse(&l);
	if (got.json)
		lint_object(&l, NULL, got.json, &framework_table);
	if (got.json && l.n == 0)
		e = fill(&got, &l, got.json);
	enum err ended = lint_end(&l);
	if (e == OK)
		e = ended;
	if (e == OK && l.n == 0)
		e = json_canonical(got.json, &form);
	if (e == OK && form.n > FRAMEWORK_BYTES_MAX)
		e = ERR_LIMIT;
	if (e == OK && l.n == 0 && canonical)
		e = buf_put_slice(canonical, buf_slice(&form));
	buf_free(&form);
	if (e == OK && l.n == 0)
		*f = got;
	else
		framework_deinit(&got);
	*n = e == OK ? l.n : 0;
	return e;
}

void framework_deinit(struct framework *f)
{
	free(f->items);
	free(f->levels);
	json_decref(f->json);
	*f = (struct framework){0};
}
