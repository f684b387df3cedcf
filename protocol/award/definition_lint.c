/* definition_lint.c -- the members of a definition, and what they must be together. SPEC.md section 16.3. */
#include "protocol/award/definition_table.h"
#include "protocol/award/json.h"

#include <stdio.h>

#define TEXT(key, must, least, most) \
	{ \
		.name = (key), .type = LINT_TEXT, .required = (must), .min = (least), .max = (most) \
	}
#define TEXTS(key, must, most) \
	{ \
		.name = (key), .type = LINT_TEXT, .required = (must), .min = 1, .max = (most), \
		.list_min = 1, .list_max = DEFINITION_LIST_MAX \
	}
#define NAME(key) \
	{ \
		.name = (key), .type = LINT_NAME, .required = true, .min = 1, .max = 64 \
	}
#define NUMBER(key, must, least, most) \
	{ \
		.name = (key), .type = LINT_NUMBER, .required = (must), .min = (least), .max = (most) \
	}
#define BOOLEAN(key) \
	{ \
		.name = (key), .type = LINT_BOOLEAN \
	}
#define CHOICE(key, must, list) \
	{ \
		.name = (key), .type = LINT_CHOICE, .required = (must), .choices = (list) \
	}
#define OBJECTS(key, must, least, most, table) \
	{ \
		.name = (key), .type = LINT_OBJECT, .required = (must), .list_min = (least), \
		.list_max = (most), .object = (table) \
	}

static const struct lint_member requirement_members[] = {
	NAME("id"),
	CHOICE("kind", true, "artifact|reflection"),
	TEXT("section", false, 1, 100),
	TEXT("prompt", true, 1, 2000),
	{.name = "evidence_kinds",
		.type = LINT_CHOICE,
		.list_min = 1,
		.list_max = 12,
		.choices =
			"student-work|lesson-plan|video|audio|photo|assessment|observation|reflection|portfolio|data|"
			"document|link"},
	NUMBER("min", false, 0, 16),
	NUMBER("max", false, 1, 16),
	NUMBER("words_max", false, 1, 10000),
};

static const struct lint_member level_members[] = {
	NAME("id"),
	TEXT("name", true, 1, 200),
	TEXT("description", true, 1, 2000),
	NUMBER("points", false, 0, 1000),
};
static const struct lint_table level_table = {LINT_MEMBERS(level_members), .distinct = "id"};

static const struct lint_member criterion_members[] = {
	NAME("id"),
	TEXT("name", true, 1, 200),
	OBJECTS("levels", true, 2, DEFINITION_LEVELS_MAX, &level_table),
	NAME("required_level"),
};

static const struct lint_member review_members[] = {
	NUMBER("reviewers", true, 1, 5),
	BOOLEAN("blind"),
	BOOLEAN("same_school"),
	NUMBER("days", false, 1, 365),
	NUMBER("resubmissions_max", false, 0, 50),
	CHOICE("countersign", false, "officer|automatic"),
};
static const struct lint_table review_table = {LINT_MEMBERS(review_members)};

static const struct lint_member alignment_members[] = {
	TEXT("framework", true, 1, 500),
	TEXT("name", true, 1, 500),
	{.name = "url", .type = LINT_URI, .required = true, .min = 3, .max = 2048},
	TEXT("code", false, 1, 100),
};
static const struct lint_table alignment_table = {LINT_MEMBERS(alignment_members)};

/* ---- what the members of an object must be together */

static void belongs_to(
	struct lint *l, const struct lint_at *at, json_t *object, const char *key, const char *kind)
{
	const struct lint_at here = {.up = at, .key = key};
	if (json_object_get(object, key))
		lint_add(l, &here, "is only for requirements of the kind %s; take it out", kind);
}

static void requirement_rules(struct lint *l, const struct lint_at *at, json_t *object)
{
	const char *kind = json_string_value(json_object_get(object, "kind"));
	if (kind && strcmp(kind, "reflection") == 0)
		belongs_to(l, at, object, "evidence_kinds", "artifact");
	if (kind && strcmp(kind, "artifact") == 0)
		belongs_to(l, at, object, "words_max", "reflection");
	json_t *min = json_object_get(object, "min"), *max = json_object_get(object, "max");
	const struct lint_at here = {.up = at, .key = "max"};
	if (json_is_number(min) && json_is_number(max) && json_number_value(max) < json_number_value(min))
		lint_add(l, &here, "must not be less than min");
}
static const struct lint_table requirement_table = {
	LINT_MEMBERS(requirement_members), .distinct = "id", .rules = requirement_rules};

/* SPEC 16.3: "no fewer than any lower level's" */
static void points_do_not_fall(struct lint *l, const struct lint_at *at, json_t *levels)
{
	double most = -1;
	const struct lint_at list = {.up = at, .key = "levels"};
	for (size_t i = 0; i < json_array_size(levels) && i < DEFINITION_LEVELS_MAX; i++) {
		const struct lint_at level = {.up = &list, .index = i},
				     points = {.up = &level, .key = "points"};
		json_t *v = json_object_get(json_array_get(levels, i), "points");
		if (!json_is_number(v))
			continue;
		if (json_number_value(v) < most)
			lint_add(l, &points,
				"must not be fewer than a lower level has: levels go from the lowest up");
		else
			most = json_number_value(v);
	}
}

static void criterion_rules(struct lint *l, const struct lint_at *at, json_t *object)
{
	json_t *levels = json_object_get(object, "levels");
	const char *required = json_string_value(json_object_get(object, "required_level"));
	const struct lint_at here = {.up = at, .key = "required_level"};
	const char *names[DEFINITION_LEVELS_MAX];
	size_t n = 0;
	points_do_not_fall(l, at, levels);
	for (size_t i = 0; i < json_array_size(levels) && n < DEFINITION_LEVELS_MAX; i++) {
		const char *id = json_string_value(json_object_get(json_array_get(levels, i), "id"));
		if (!id || !lint_is_name(id))
			return; /* a finding already */
		names[n++] = id;
	}
	if (!required || !lint_is_name(required) || n < 2)
		return;
	if (strcmp(required, names[0]) == 0) {
		lint_add(l, &here, "must not be the lowest level: everybody would meet it");
		return;
	}
	for (size_t i = 1; i < n; i++)
		if (strcmp(required, names[i]) == 0)
			return;
	lint_add_choice(l, &here, required, names + 1, n - 1);
}
static const struct lint_table criterion_table = {
	LINT_MEMBERS(criterion_members), .distinct = "id", .rules = criterion_rules};

/* ---- ids in the credential */

struct joined {
	size_t criterion, level; /* level SIZE_MAX: the criterion itself */
	const char *id; /* of the criterion */
	char text[2 * 64 + 2];
};

static void join(struct joined *j, size_t *n, json_t *criterion, size_t at)
{
	const char *id = json_string_value(json_object_get(criterion, "id"));
	json_t *levels = json_object_get(criterion, "levels");
	if (!id)
		return;
	j[*n] = (struct joined){.criterion = at, .level = SIZE_MAX, .id = id};
	snprintf(j[(*n)++].text, sizeof j->text, "%s", id);
	for (size_t k = 0; k < json_array_size(levels) && k < DEFINITION_LEVELS_MAX; k++) {
		const char *level = json_string_value(json_object_get(json_array_get(levels, k), "id"));
		j[*n] = (struct joined){.criterion = at, .level = k, .id = id};
		if (level)
			snprintf(j[(*n)++].text, sizeof j->text, "%s-%s", id, level);
	}
}

/* Does another criterion, or a level of it that comes before, read the same? Equal ids of criteria are told elsewhere. */
static bool reads_like_another(const struct joined *j, size_t n, size_t mine)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(j[i].id, j[mine].id) != 0 && strcmp(j[i].text, j[mine].text) == 0 &&
			(j[i].level == SIZE_MAX || i < mine))
			return true;
	return false;
}

/* SPEC 16.3: "the ids of criteria, and for each level its criterion's id, `-` and its own id, are all distinct" */
static void ids_stay_apart(struct lint *l, json_t *rubric)
{
	static const struct lint_at list = {.key = "rubric"};
	struct joined j[DEFINITION_CRITERIA_MAX * (DEFINITION_LEVELS_MAX + 1)];
	size_t n = 0;
	for (size_t i = 0; i < json_array_size(rubric) && i < DEFINITION_CRITERIA_MAX; i++)
		join(j, &n, json_array_get(rubric, i), i);
	for (size_t i = 0; i < n; i++) {
		if (j[i].level == SIZE_MAX || !reads_like_another(j, n, i))
			continue;
		const struct lint_at criterion = {.up = &list, .index = j[i].criterion},
				     levels = {.up = &criterion, .key = "levels"},
				     level = {.up = &levels, .index = j[i].level},
				     id = {.up = &level, .key = "id"};
		lint_add(l, &id, "behind its criterion's id reads like another: \"%s\"; change one of them",
			j[i].text);
	}
}

/* ---- the definition */

/* SPEC 16.3: "all `min` together are at most 64" */
static void definition_rules(struct lint *l, const struct lint_at *at, json_t *object)
{
	ids_stay_apart(l, json_object_get(object, "rubric"));
	const struct lint_at here = {.up = at, .key = "requirements"};
	json_t *list = json_object_get(object, "requirements");
	double sum = 0;
	for (size_t i = 0; i < json_array_size(list) && i < DEFINITION_REQUIREMENTS_MAX; i++) {
		json_t *min = json_object_get(json_array_get(list, i), "min");
		double d = json_is_number(min) ? json_number_value(min) : 1;
		sum += d > 0 && d <= 16 ? d : 0;
	}
	if (sum > DEFINITION_EVIDENCE_MAX)
		lint_add(l, &here, "ask for %.0f pieces of evidence together; a submission holds at most %d",
			sum, DEFINITION_EVIDENCE_MAX);
}

static const struct lint_member members[] = {
	TEXT("title", true, 1, 200),
	TEXT("competency", true, 1, 1000),
	TEXT("key_method", true, 1, 4096),
	TEXTS("method_components", false, 1000),
	TEXTS("research", true, 1000),
	TEXTS("resources", false, 1000),
	TEXTS("problems", false, 1000),
	TEXTS("categories", false, 64),
	TEXTS("tags", false, 64),
	NUMBER("complexity", false, 1, 5),
	{.name = "language", .type = LINT_LANGUAGE, .min = 2, .max = 35},
	TEXT("licence", false, 1, 100),
	OBJECTS("requirements", true, 1, DEFINITION_REQUIREMENTS_MAX, &requirement_table),
	OBJECTS("rubric", true, 1, DEFINITION_CRITERIA_MAX, &criterion_table),
	TEXT("scoring_guide", false, 1, 8192),
	{.name = "review", .type = LINT_OBJECT, .required = true, .object = &review_table},
	NUMBER("valid_months", false, 1, 600),
	OBJECTS("alignment", false, 1, DEFINITION_ALIGNMENTS_MAX, &alignment_table),
};
const struct lint_table definition_table = {LINT_MEMBERS(members), .rules = definition_rules};

static const struct lint_member score_members[] = {
	NAME("level"),
	TEXT("comment", false, 0, 4096),
};
const struct lint_table definition_score_table = {LINT_MEMBERS(score_members)};

/* ---- the whole */

static void check_size(struct lint *l, const json_t *doc)
{
	struct buf canonical = {0};
	enum err e = json_canonical(doc, &canonical);
	if (e == ERR_MEMORY)
		l->memory = true;
	else if (e != OK)
		lint_add_line(l, 0, "cannot be brought into canonical form: %s", err_text(e));
	else if (canonical.n > DEFINITION_BYTES_MAX)
		lint_add_line(l, 0, "is too large: %zu bytes in canonical form, and %u are the most",
			canonical.n, DEFINITION_BYTES_MAX);
	buf_free(&canonical);
}

enum err definition_lint(struct slice text, struct finding *found, size_t *n)
{
	struct lint l = {.text = text, .found = found};
	json_t *doc = lint_parse(&l);
	if (doc) {
		check_size(&l, doc);
		lint_object(&l, NULL, doc, &definition_table);
	}
	json_decref(doc);
	*n = l.n;
	return lint_end(&l);
}
