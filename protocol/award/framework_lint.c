/* framework_lint.c -- the members of a CASE 1.0 package that are read, and those that CASE demands. Others pass. */
#include "protocol/award/framework_int.h"

enum { STATEMENT_MAX = 65536, WORD_MAX = 500, TITLE_MAX = 500, TIME_MAX = 64, URI_MAX = 2048 };
enum { RUBRICS_MAX = 20000, CRITERIA_MAX = 1000, LEVELS_MAX = 100 };

#define TEXT(key, must, most) \
	{ \
		.name = (key), .type = LINT_TEXT, .required = (must), .min = 1, .max = (most) \
	}
#define URI(key) \
	{ \
		.name = (key), .type = LINT_URI, .required = true, .min = 3, .max = URI_MAX \
	}
#define LINK(key, must) \
	{ \
		.name = (key), .type = LINT_OBJECT, .required = (must), .object = &link_table \
	}
#define OBJECTS(key, most, table) \
	{ \
		.name = (key), .type = LINT_OBJECT, .list_max = (most), .object = (table) \
	}
/* What CASE demands of everything that can be named. */
#define NAMED TEXT("identifier", true, WORD_MAX), URI("uri"), TEXT("lastChangeDateTime", true, TIME_MAX)

bool framework_number(json_t *v, double *out)
{
	const char *s = json_string_value(v);
	if (json_is_number(v)) {
		*out = json_number_value(v);
		return true;
	}
	size_t digits = s ? strspn(s, "0123456789") : 0;
	if (digits == 0 || digits > 15 || s[digits] != 0)
		return false;
	*out = strtod(s, NULL);
	return true;
}

const char *framework_text(json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));
	return s && *s ? s : NULL;
}

static void is_number(struct lint *l, const struct lint_at *at, json_t *object, const char *key)
{
	const struct lint_at here = {.up = at, .key = key};
	json_t *v = json_object_get(object, key);
	double number;
	if (v && !json_is_null(v) && !framework_number(v, &number))
		lint_add(l, &here, "must be a number");
}

static void link_rules(struct lint *l, const struct lint_at *at, json_t *object)
{
	if (!framework_text(object, "identifier") && !framework_text(object, "uri"))
		lint_add(l, at, "must have an identifier or a uri");
}
static const struct lint_member link_members[] = {TEXT("identifier", false, WORD_MAX),
	TEXT("uri", false, URI_MAX), TEXT("title", false, STATEMENT_MAX)};
static const struct lint_table link_table = {LINT_MEMBERS(link_members), .open = true, .rules = link_rules};

static const struct lint_member document_members[] = {
	NAMED,
	TEXT("title", true, TITLE_MAX),
	TEXT("creator", true, STATEMENT_MAX),
	{.name = "language", .type = LINT_LANGUAGE, .min = 2, .max = 35},
	TEXT("notes", false, STATEMENT_MAX),
};
static const struct lint_table document_table = {LINT_MEMBERS(document_members), .open = true};

static const struct lint_member item_members[] = {
	NAMED,
	TEXT("fullStatement", true, STATEMENT_MAX),
	TEXT("abbreviatedStatement", false, STATEMENT_MAX),
	TEXT("humanCodingScheme", false, WORD_MAX),
	TEXT("CFItemType", false, WORD_MAX),
};
static const struct lint_table item_table = {LINT_MEMBERS(item_members), .open = true};

static void association_rules(struct lint *l, const struct lint_at *at, json_t *object)
{
	is_number(l, at, object, "sequenceNumber");
}
static const struct lint_member association_members[] = {
	NAMED,
	TEXT("associationType", true, WORD_MAX),
	LINK("originNodeURI", true),
	LINK("destinationNodeURI", true),
};
static const struct lint_table association_table = {
	LINT_MEMBERS(association_members), .open = true, .rules = association_rules};

static void level_rules(struct lint *l, const struct lint_at *at, json_t *object)
{
	is_number(l, at, object, "score");
	is_number(l, at, object, "position");
}
static const struct lint_member level_members[] = {
	NAMED,
	TEXT("quality", false, STATEMENT_MAX),
	TEXT("description", false, STATEMENT_MAX),
};
static const struct lint_table level_table = {
	LINT_MEMBERS(level_members), .open = true, .rules = level_rules};

static const struct lint_member criterion_members[] = {
	NAMED,
	TEXT("category", false, STATEMENT_MAX),
	TEXT("description", false, STATEMENT_MAX),
	LINK("CFItemURI", false),
	OBJECTS("CFRubricCriterionLevels", LEVELS_MAX, &level_table),
};
static const struct lint_table criterion_table = {LINT_MEMBERS(criterion_members), .open = true};

static const struct lint_member rubric_members[] = {
	NAMED,
	OBJECTS("CFRubricCriteria", CRITERIA_MAX, &criterion_table),
};
static const struct lint_table rubric_table = {LINT_MEMBERS(rubric_members), .open = true};

static const struct lint_member members[] = {
	{.name = "CFDocument", .type = LINT_OBJECT, .required = true, .object = &document_table},
	OBJECTS("CFItems", FRAMEWORK_ITEMS_MAX, &item_table),
	OBJECTS("CFAssociations", FRAMEWORK_ASSOCIATIONS_MAX, &association_table),
	OBJECTS("CFRubrics", RUBRICS_MAX, &rubric_table),
};
const struct lint_table framework_table = {LINT_MEMBERS(members), .open = true};
