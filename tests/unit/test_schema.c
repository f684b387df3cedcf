/* docs/schema says what lint says: the schemas are walked beside the tables, and each bound is tried below, at and above. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lint_case.h"
#include "protocol/award/definition_table.h"

#define NOT_BLANK "[^\\t\\n\\r ]"
#define NAME "^[a-z0-9-]+$"
#define LANGUAGE "^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$"
#define URI "^[A-Za-z][A-Za-z0-9+.-]*:([A-Za-z0-9._~:/?#\\[\\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+$"

/* The document that is changed, and who judges it. */
static json_t *document;
static const struct definition *rubric; /* NULL: the document is a definition */
static unsigned tried;

static json_t *load(const char *path)
{
	char *text = lint_file(path);
	json_t *v = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	free(text);
	if (!v)
		fail_msg("no JSON: %s", path);
	return v;
}

/* ---- what lint says of one place */

static json_t *place(const struct lint_at *at)
{
	if (!at)
		return document;
	json_t *up = place(at->up);
	return at->key ? json_object_get(up, at->key) : json_array_get(up, at->index);
}

static bool wrong_at(const struct lint_at *at)
{
	static struct finding found[DEFINITION_FINDINGS_MAX];
	char field[96], *text = json_dumps(document, JSON_ENCODE_ANY);
	size_t n, len;
	enum err e = rubric ? definition_scores(rubric, slice_str(text), true, found, &n, NULL)
			    : definition_lint(slice_str(text), found, &n);
	assert_int_equal(e, OK);
	free(text);
	tried++;
	lint_field(at, field, sizeof field);
	len = strlen(field);
	/* That a level is one of those there is more than a schema can say. */
	bool level = len >= 5 && strcmp(field + len - 5, "level") == 0;
	for (size_t i = 0; i < n; i++)
		if (strcmp(found[i].field, field) == 0 && !(level && strstr(found[i].what, "must be one of")))
			return true;
	return false;
}

/* Takes v; the document is as before afterwards. */
static void try(const struct lint_at *at, json_t *v, bool good)
{
	json_t *up = place(at->up), *before = json_incref(place(at));
	char field[96];
	int failed = at->key ? json_object_set_new(up, at->key, v) : json_array_set_new(up, at->index, v);
	assert_int_equal(failed, 0);
	lint_field(at, field, sizeof field);
	if (wrong_at(at) == good)
		fail_msg("%s: the schema and lint differ on a %s value", field, good ? "good" : "bad");
	failed = at->key ? json_object_set_new(up, at->key, before)
			 : json_array_set_new(up, at->index, before);
	assert_int_equal(failed, 0);
}

/* ---- values */

static json_t *text_of(const char *pattern, size_t n)
{
	char text[10000];
	assert_true(n < sizeof text);
	memset(text, 'a', n);
	for (size_t i = 0; pattern && strcmp(pattern, LANGUAGE) == 0 && i < n; i++)
		text[i] = i % 8 == 7 ? '-' : 'a';
	if (pattern && strcmp(pattern, URI) == 0 && n > 1)
		text[1] = ':';
	return json_stringn(text, n);
}

static size_t bound(json_t *schema, const char *key)
{
	json_t *v = json_object_get(schema, key);
	if (!json_is_integer(v))
		fail_msg("the schema has no %s where it must", key);
	return (size_t)json_integer_value(v);
}

static void try_text(json_t *schema, const struct lint_at *at)
{
	const char *pattern = json_string_value(json_object_get(schema, "pattern"));
	size_t least = bound(schema, "minLength"), most = bound(schema, "maxLength");
	assert_true(pattern ? least > 0 : least == 0);
	if (pattern && strcmp(pattern, NAME) && strcmp(pattern, LANGUAGE) && strcmp(pattern, URI))
		assert_string_equal(pattern, NOT_BLANK);
	try(at, json_integer(7), false);
	try(at, json_string(" \t\r\n "), pattern == NULL);
	if (least > 0)
		try(at, text_of(pattern, least - 1), false);
	try(at, text_of(pattern, least), true);
	try(at, text_of(pattern, most), true);
	try(at, text_of(pattern, most + 1), false);
	if (pattern && strcmp(pattern, NOT_BLANK))
		try(at, json_string("a_b "), false);
}

static void try_number(json_t *schema, const struct lint_at *at)
{
	json_int_t least = (json_int_t)bound(schema, "minimum"), most = (json_int_t)bound(schema, "maximum");
	try(at, json_string("1"), false);
	try(at, json_real((double)least + 0.5), false);
	try(at, json_integer(least - 1), false);
	try(at, json_integer(least), true);
	try(at, json_integer(most), true);
	try(at, json_integer(most + 1), false);
}

static void try_choice(json_t *choices, const struct lint_at *at, const char *ours)
{
	char all[200] = "";
	size_t i, n = 0;
	json_t *v;
	json_array_foreach(choices, i, v)
		n += (size_t)snprintf(all + n, sizeof all - n, "%s%s", i ? "|" : "", json_string_value(v));
	assert_string_equal(all, ours);
	try(at, json_string("none-of-these"), false);
	try(at, json_true(), false);
	json_array_foreach(choices, i, v) try(at, json_incref(v), true);
}

/* ---- lists and objects */

/* The i-th of many that differ. */
static json_t *element(json_t *items, const struct lint_at *list, size_t i)
{
	char text[32];
	json_t *choices = json_object_get(items, "enum");
	if (choices)
		return json_incref(json_array_get(choices, i % json_array_size(choices)));
	snprintf(text, sizeof text, "n%zu", i);
	if (!json_object_get(items, "properties"))
		return json_string(text);
	json_t *v = json_deep_copy(json_array_get(place(list), 0));
	const char *key = json_object_get(v, "id") ? "id" : "name";
	json_object_set_new(v, key, json_string(text));
	return v;
}

static json_t *list_of(json_t *items, const struct lint_at *at, size_t n)
{
	json_t *v = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(v, element(items, at, i));
	return v;
}

static void walk(json_t *schema, const struct lint_at *at, const struct lint_member *m);
static void walk_object(
	json_t *schema, const struct lint_at *at, const struct lint_at *list, const struct lint_table *t);

static void try_repeated(json_t *items, const struct lint_at *at, const struct lint_member *m)
{
	json_t *twice = json_array(), *before = json_incref(place(at));
	json_array_append_new(twice, element(items, at, 0));
	json_array_append_new(twice, element(items, at, 0));
	json_object_set_new(place(at->up), at->key, twice);
	const struct lint_at second = {.up = at, .index = 1}, id = {.up = &second, .key = "id"};
	assert_true(wrong_at(m->object && m->object->distinct ? &id : &second));
	json_object_set_new(place(at->up), at->key, before);
}

static void try_list(json_t *schema, const struct lint_at *at, const struct lint_member *m)
{
	json_t *items = json_object_get(schema, "items");
	size_t least = bound(schema, "minItems"), most = bound(schema, "maxItems");
	assert_true(json_is_true(json_object_get(schema, "uniqueItems")));
	try(at, json_object(), false);
	try(at, list_of(items, at, least - 1), false);
	try(at, list_of(items, at, least), true);
	try(at, list_of(items, at, most), true);
	try(at, list_of(items, at, most + 1), false);
	try_repeated(items, at, m);
	const struct lint_at first = {.up = at};
	if (m->object)
		walk_object(items, NULL, at, m->object);
	else
		walk(items, &first, m);
}

static void walk(json_t *schema, const struct lint_at *at, const struct lint_member *m)
{
	const char *type = json_string_value(json_object_get(schema, "type"));
	if (!type) {
		try_choice(json_object_get(schema, "enum"), at, m->choices);
	} else if (strcmp(type, "string") == 0) {
		try_text(schema, at);
	} else if (strcmp(type, "integer") == 0) {
		try_number(schema, at);
	} else if (strcmp(type, "array") == 0) {
		try_list(schema, at, m);
	} else if (strcmp(type, "object") == 0) {
		walk_object(schema, at, NULL, m->object);
	} else {
		assert_string_equal(type, "boolean");
		try(at, json_true(), true);
		try(at, json_false(), true);
		try(at, json_integer(0), false);
	}
}

static bool in_list(json_t *list, const char *name)
{
	size_t i;
	json_t *v;
	json_array_foreach(list, i, v) if (strcmp(json_string_value(v), name) == 0) return true;
	return false;
}

static void walk_member(
	json_t *schema, const struct lint_at *object, const struct lint_member *m, bool required)
{
	const struct lint_at at = {.up = object, .key = m->name};
	json_t *before = json_incref(place(&at));
	json_object_del(place(object), m->name);
	assert_int_equal(wrong_at(&at), required);
	json_object_set_new(place(object), m->name, before);
	walk(schema, &at, m);
}

/* list: the object is each of its elements; a member is tried in the first that has it. */
static void walk_object(
	json_t *schema, const struct lint_at *at, const struct lint_at *list, const struct lint_table *t)
{
	json_t *members = json_object_get(schema, "properties"),
	       *required = json_object_get(schema, "required");
	assert_true(json_is_false(json_object_get(schema, "additionalProperties")));
	assert_int_equal(json_object_size(members), t->n);
	for (size_t i = 0; i < t->n; i++) {
		const struct lint_member *m = &t->members[i];
		struct lint_at element_at = {.up = list};
		const struct lint_at *object = list ? &element_at : at;
		while (list && place(&element_at) && !json_object_get(place(&element_at), m->name))
			element_at.index++;
		if (!json_object_get(members, m->name) || !json_object_get(place(object), m->name))
			fail_msg("%s: not in the schema, or not in the sample", m->name);
		walk_member(json_object_get(members, m->name), object, m, in_list(required, m->name));
	}
	const struct lint_at first = {.up = list};
	const struct lint_at unknown = {.up = list ? &first : at, .key = "no-such-member"};
	json_object_set_new(place(unknown.up), unknown.key, json_null());
	assert_true(wrong_at(&unknown));
	json_object_del(place(unknown.up), unknown.key);
}

static void the_schema_of_definitions_and_lint_agree(void **state)
{
	(void)state;
	json_t *schema = load("docs/schema/microcredential.schema.json");
	document = load("tests/unit/data/definition.json");
	tried = 0;
	walk_object(schema, NULL, NULL, &definition_table);
	print_message("%u values tried\n", tried);
	assert_true(tried > 300);
	json_decref(document);
	json_decref(schema);
}

static void the_schema_of_scores_and_lint_agree(void **state)
{
	(void)state;
	struct definition d;
	char *text = lint_file("tests/unit/data/definition.json");
	json_t *schema = load("docs/schema/scores.schema.json");
	assert_int_equal(definition_read(slice_str(text), &d, NULL), OK);
	rubric = &d;
	document = json_loads(
		"{\"pauses\": {\"level\": \"met\", \"comment\": \"x\"}, \"answers\": {\"level\": \"full\"}}",
		0, NULL);
	const struct lint_at score = {.key = "pauses"};
	walk_object(json_object_get(schema, "additionalProperties"), &score, NULL, &definition_score_table);
	assert_int_equal(bound(schema, "minProperties"), 1);
	assert_int_equal(bound(schema, "maxProperties"), DEFINITION_CRITERIA_MAX);
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(schema, "propertyNames"), "pattern")),
		NAME);
	rubric = NULL;
	json_decref(document);
	json_decref(schema);
	definition_deinit(&d);
	free(text);
}

/* What is left out means what SPEC 16.3 says: the defaults of the schema are those of the reader. */
static void the_defaults_of_the_schema_change_nothing(void **state)
{
	(void)state;
	json_t *schema = load("docs/schema/microcredential.schema.json"), *v;
	const char *key;
	document = load("tests/unit/data/definition.json");
	json_t *members = json_object_get(
		json_object_get(json_object_get(schema, "properties"), "review"), "properties");
	struct definition given, left;
	for (unsigned out = 0; out < 2; out++) {
		json_object_foreach(members, key, v) if (json_object_get(v, "default") && !out)
			json_object_set(
				json_object_get(document, "review"), key, json_object_get(v, "default"));
		else if (json_object_get(v, "default"))
			json_object_del(json_object_get(document, "review"), key);
		char *text = json_dumps(document, 0);
		assert_int_equal(definition_read(slice_str(text), out ? &left : &given, NULL), OK);
		free(text);
	}
	assert_int_equal(json_object_size(json_object_get(document, "review")), 1);
	assert_true(given.days == left.days && given.resubmissions_max == left.resubmissions_max &&
		given.blind == left.blind && given.same_school == left.same_school &&
		given.automatic == left.automatic);
	definition_deinit(&given);
	definition_deinit(&left);
	json_decref(document);
	json_decref(schema);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_schema_of_definitions_and_lint_agree),
		cmocka_unit_test(the_schema_of_scores_and_lint_agree),
		cmocka_unit_test(the_defaults_of_the_schema_change_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
