/* Definitions: each rule of SPEC 16.3 with what keeps it and what breaks it, and where lint says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lint_case.h"
#include "protocol/award/definition_table.h"
#include "protocol/log/record.h"

#define SAMPLE "tests/unit/data/definition.json"

static char *sample;
static struct finding found[DEFINITION_FINDINGS_MAX];

static size_t lint(const char *text)
{
	size_t n;
	assert_int_equal(definition_lint(slice_str(text), found, &n), OK);
	return n;
}

static void run_cases(const struct lint_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char *text = lint_changed(sample, cases[i].old, cases[i].new);
		lint_expect(found, &cases[i], lint(text));
		struct definition d;
		enum err e = definition_read(slice_str(text), &d, NULL);
		assert_int_equal(e, cases[i].field ? ERR_RANGE : OK);
		if (e == OK)
			definition_deinit(&d);
		free(text);
	}
}

static void texts_and_numbers_are_checked(void **state)
{
	(void)state;
	static const struct lint_case cases[] = {
		{"Think time", "Think time", 0, NULL, NULL},
		{"\"Think time\"", "7", 2, "title", "must be a text of 1 to 200 bytes"},
		{"\"Think time\"", "null", 2, "title", "must be a text of 1 to 200 bytes"},
		{"Think time", "", 2, "title", "must not be blank"},
		{"Think time", " \\t\\r\\n", 2, "title", "must not be blank"},
		{"Think time", "\\u00a0", 0, NULL, NULL},
		{"\"Ask\", \"Wait\"", "\"Ask\", \" \"", 5, "method_components[1]", "must not be blank"},
		{"\"Ask\", \"Wait\"", "", 5, "method_components", "must be a list of 1 to 32; each: a text"},
		{"[\"Ask\", \"Wait\"]", "\"Ask\"", 5, "method_components", "must be a list"},
		{"\"Ask\", \"Wait\"", "\"Ask\",\n\n\"Ask\"", 7, "method_components[1]",
			"is the same as in method_components[0]"},
		{"\"Ask\", \"Wait\"", "\"Ask\", \"ask\"", 0, NULL, NULL},
		{"\"complexity\": 2", "\"complexity\": 2.5", 11, "complexity", "a whole number from 1 to 5"},
		{"\"complexity\": 2", "\"complexity\": 2.0", 0, NULL, NULL},
		{"\"complexity\": 2", "\"complexity\": -1", 11, "complexity", "a whole number"},
		{"\"complexity\": 2", "\"complexity\": 1e300", 11, "complexity", "a whole number"},
		{"\"complexity\": 2", "\"complexity\": \"2\"", 11, "complexity", "a whole number"},
	};
	run_cases(cases, sizeof cases / sizeof cases[0]);
}

static void languages_uris_and_names_have_their_forms(void **state)
{
	(void)state;
	static const struct lint_case cases[] = {
		{"en-GB", "e", 12, "language", "a language tag"},
		{"en-GB", "en_GB", 12, "language", "a language tag"},
		{"en-GB", "en-", 12, "language", "a language tag"},
		{"en-GB", "en--GB", 12, "language", "a language tag"},
		{"en-GB", "123", 12, "language", "a language tag"},
		{"en-GB", "en-123456789", 12, "language", "a language tag"},
		{"en-GB", "englishes", 12, "language", "a language tag"},
		{"en-GB", "zh-Hant-TW-x-a1", 0, NULL, NULL},
		{"https://framework.example/items/7?x=%C3%A9#a", "/items/7", 63, "alignment[0].url",
			"an address with its scheme"},
		{"https://framework.example/items/7?x=%C3%A9#a", "https:", 63, "alignment[0].url",
			"an address with its scheme"},
		{"https://framework.example/items/7?x=%C3%A9#a", "1a:b", 63, "alignment[0].url",
			"an address with its scheme"},
		{"https://framework.example/items/7?x=%C3%A9#a", "a:b c", 63, "alignment[0].url",
			"an address with its scheme"},
		{"%C3%A9", "%C3%A", 63, "alignment[0].url", "an address with its scheme"},
		{"%C3%A9", "\\u00e9", 63, "alignment[0].url", "an address with its scheme"},
		{"https://framework.example/items/7?x=%C3%A9#a", "urn:uuid:1", 0, NULL, NULL},
		{"https://framework.example/items/7?x=%C3%A9#a", "az-Z9+.A:%AF%af%09~azAZ09", 0, NULL, NULL},
		{"%C3%A9", "%AG", 63, "alignment[0].url", "an address with its scheme"},
		{"%C3%A9", "%a`", 63, "alignment[0].url", "an address with its scheme"},
		{"%C3%A9", "%@0", 63, "alignment[0].url", "an address with its scheme"},
		{"%C3%A9", "%g0", 63, "alignment[0].url", "an address with its scheme"},
		{"\"id\": \"recording\"", "\"id\": \"Recording\"", 16, "requirements[0].id",
			"a name of 1 to 64 small letters"},
		{"\"id\": \"recording\"", "\"id\": \"a b\"", 16, "requirements[0].id", "a name of 1 to 64"},
		{"\"id\": \"recording\"", "\"id\": \"-0-\"", 0, NULL, NULL},
	};
	run_cases(cases, sizeof cases / sizeof cases[0]);
}

static void requirements_are_checked(void **state)
{
	(void)state;
	static const struct lint_case cases[] = {
		{"\"kind\": \"artifact\"", "\"kind\": \"artefact\"", 17, "requirements[0].kind",
			"must be one of: artifact, reflection; did you mean \"artifact\"?"},
		{"[\"video\", \"audio\"]", "[\"film\"]", 20, "requirements[0].evidence_kinds[0]",
			"must be one of: student-work, lesson-plan, video"},
		{"[\"video\", \"audio\"]", "[\"lesson plan\"]", 20, "requirements[0].evidence_kinds[0]",
			"did you mean \"lesson-plan\"?"},
		{"[\"video\", \"audio\"]", "[\"video\", \"video\"]", 20, "requirements[0].evidence_kinds[1]",
			"is the same as in requirements[0].evidence_kinds[0]"},
		{"\"words_max\": 400", "\"evidence_kinds\": [\"video\"]", 28,
			"requirements[1].evidence_kinds", "only for requirements of the kind artifact"},
		{"\"section\": \"Evidence\"", "\"words_max\": 5", 18, "requirements[0].words_max",
			"only for requirements of the kind reflection"},
		{"\"min\": 1", "\"min\": 3", 22, "requirements[0].max", "must not be less than min"},
		{"\"min\": 1", "\"min\": 2", 0, NULL, NULL},
		{"\"min\": 1", "\"min\": 0", 0, NULL, NULL},
		{"\"looking-back\"", "\"recording\"", 25, "requirements[1].id",
			"is the same as in requirements[0]"},
	};
	run_cases(cases, sizeof cases / sizeof cases[0]);
}

static void the_rubric_and_the_review_are_checked(void **state)
{
	(void)state;
	static const struct lint_case cases[] = {
		{"\"answers\"", "\"pauses\"", 43, "rubric[1].id", "is the same as in rubric[0]"},
		{"\"id\": \"beyond\"", "\"id\": \"not-yet\"", 38, "rubric[0].levels[2].id",
			"is the same as in rubric[0].levels[0]"},
		{"\"required_level\": \"met\"", "\"required_level\": \"not-yet\"", 40,
			"rubric[0].required_level", "must not be the lowest level"},
		{"\"required_level\": \"met\"", "\"required_level\": \"mett\"", 40,
			"rubric[0].required_level", "must be one of: met, beyond; did you mean \"met\"?"},
		{"\"required_level\": \"met\"", "\"required_level\": \"beyond\"", 0, NULL, NULL},
		{"\"points\": 0", "\"points\": 2", 37, "rubric[0].levels[1].points", "must not be fewer"},
		{"\"points\": 0", "\"points\": 1", 0, NULL, NULL},
		{"\"Pupils wait too\"", "\"Pupils wait too\", \"points\": 0", 38,
			"rubric[0].levels[2].points", "must not be fewer"},
		{"{\"id\": \"full\", \"name\": \"Full\", \"description\": \"Whole thoughts\"}", "7", 47,
			"rubric[1].levels[1]", "must be an object in braces"},
		{"\"blind\": false", "\"blind\": 0", 55, "review.blind", "must be true or false"},
		{"\"countersign\": \"automatic\"", "\"countersign\": \"auto\"", 59, "review.countersign",
			"must be one of: officer, automatic"},
	};
	run_cases(cases, sizeof cases / sizeof cases[0]);
}

static void a_level_reads_like_nothing_else_behind_its_criterion(void **state)
{
	(void)state;
	static const struct lint_case cases[] = {
		{"\"id\": \"answers\"", "\"id\": \"pauses-met\"", 37, "rubric[0].levels[1].id",
			"reads like another: \"pauses-met\""},
		{"\"id\": \"answers\"", "\"id\": \"pauses-full\"", 0, NULL, NULL},
	};
	run_cases(cases, sizeof cases / sizeof cases[0]);
	/* "pauses-a" + "b" and "pauses" + "a-b" */
	char *first = lint_changed(sample, "\"id\": \"answers\"", "\"id\": \"pauses-a\"");
	char *second = lint_changed(first, "\"id\": \"beyond\"", "\"id\": \"a-b\"");
	char *both = lint_changed(second, "\"id\": \"short\"", "\"id\": \"b\"");
	assert_int_equal(lint(second), 0);
	assert_int_equal(lint(both), 1);
	assert_string_equal(found[0].field, "rubric[1].levels[0].id");
	assert_int_equal(found[0].line, 46);
	free(first);
	free(second);
	free(both);
}

static void members_are_those_of_the_table(void **state)
{
	(void)state;
	static const struct lint_case cases[] = {
		{"\"licence\"", "\"license\"", 13, "license", "did you mean \"licence\"?"},
		{"\"licence\"", "\"price\"", 13, "price", "is not known here; take it out"},
		{"\"days\"", "\"reviewer\"", 57, "review.reviewer", "did you mean \"reviewers\"?"},
		{"\"reviewers\": 2,", "", 53, "review.reviewers",
			"is missing: it must be a whole number from 1 to 5"},
		{"\"title\": \"Think time\",", "", 1, "title", "is missing: it must be a text"},
		{"\"title\"", "\"t\\u0069tle\"", 0, NULL, NULL},
		{"\"Think time\"", "\"Think time\\ud83d\\ude00 {[,]}\\\"\"", 0, NULL, NULL},
	};
	run_cases(cases, sizeof cases / sizeof cases[0]);
}

static void all_that_is_wrong_is_told_at_once_in_the_order_of_the_text(void **state)
{
	(void)state;
	static const struct {
		unsigned line;
		const char *field, *what;
	} expected[] = {{1, "key_method", "is missing"}, {1, "research", "is missing"},
		{1, "rubric", "is missing"}, {2, "keyMethod", "did you mean \"key_method\"?"},
		{3, "title", "is too long: 201 bytes, and 200"}, {6, "review.days", "a whole number"},
		{7, "review.countersign", "must be one of"},
		{9, "requirements", "must be a list of 1 to 16"}};
	char text[1000];
	snprintf(text, sizeof text,
		"{\n\"keyMethod\": \"x\",\n\"title\": \"%0201d\", \"competency\": \"c\",\n\"review\": {\n\"reviewers\": 1,\n"
		"\"days\": 0,\n\"countersign\": null\n},\n\"requirements\": []\n}",
		0);
	size_t n = lint(text);
	assert_int_equal(n, sizeof expected / sizeof expected[0]);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(found[i].line, expected[i].line);
		assert_string_equal(found[i].field, expected[i].field);
		assert_non_null(strstr(found[i].what, expected[i].what));
	}
}

static void what_the_whole_tells_comes_in_its_place_too(void **state)
{
	(void)state;
	char *level = lint_changed(sample, "\"id\": \"answers\"", "\"id\": \"pauses-met\"");
	char *both = lint_changed(level, "\"reviewers\": 2,", "");
	assert_int_equal(lint(both), 2);
	assert_string_equal(found[0].field, "rubric[0].levels[1].id");
	assert_string_equal(found[1].field, "review.reviewers");
	free(level);
	free(both);
}

static void text_that_is_no_json_is_a_finding_with_its_line(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		unsigned line;
		const char *what;
	} cases[] = {{"", 1, "is not sound JSON"}, {"{\n\"title\": \"a\",\n}", 3, "is not sound JSON"},
		{"{\n\"title\": \"a\",\n\"title\": \"b\"}", 3, "duplicate"}, {"\n7", 2, "is not sound JSON"},
		{"{\"title\": \"a\\u0000\"}", 1, "is not sound JSON"},
		{"{\"title\": \"\xff\"}", 1, "is not sound JSON"}, {"{} x", 1, "is not sound JSON"},
		{"[\n]", 1, "must be an object in braces"}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(lint(cases[i].text), 1);
		assert_int_equal(found[0].line, cases[i].line);
		assert_string_equal(found[0].field, "");
		assert_non_null(strstr(found[0].what, cases[i].what));
	}
	struct definition d;
	assert_int_equal(definition_read(slice_str("{"), &d, NULL), ERR_FORMAT);
}

/* The sample with so many more bytes in its canonical form, in texts that differ. */
static char *padded(size_t extra)
{
	static char lists[2][DEFINITION_BYTES_MAX * 2];
	size_t n[2] = {0};
	for (size_t i = 0; extra > 0; i++) {
		size_t list = i / 30, more = extra > 1003 + 10 ? 1003 : extra > 1003 ? extra - 10 : extra;
		n[list] += (size_t)snprintf(
			lists[list] + n[list], sizeof lists[0] - n[list], ",\"%0*zu\"", (int)more - 3, i);
		extra -= more;
	}
	char *research = lint_changed(sample, ", \"Another study\"", ", \"Another study\"@");
	char *first = lint_changed(research, "@", lists[0]);
	char *problems = lint_changed(first, "\"Nobody answers\"", "\"Nobody answers\"@");
	char *text = lint_changed(problems, "@", lists[1]);
	free(research);
	free(first);
	free(problems);
	return text;
}

static void forty_eight_kibibytes_are_the_most(void **state)
{
	(void)state;
	struct definition d;
	struct buf form = {0};
	assert_int_equal(definition_read(slice_str(sample), &d, &form), OK);
	definition_deinit(&d);
	size_t extra = DEFINITION_BYTES_MAX - form.n;
	char *most = padded(extra), *over = padded(extra + 1);
	form.n = 0;
	assert_int_equal(lint(most), 0);
	assert_int_equal(definition_read(slice_str(most), &d, &form), OK);
	definition_deinit(&d);
	assert_int_equal(form.n, DEFINITION_BYTES_MAX);
	assert_int_equal(definition_read_canonical(buf_slice(&form), &d), OK);
	definition_deinit(&d);
	assert_int_equal(buf_put(&form, " ", 1), OK);
	assert_int_equal(definition_read_canonical(buf_slice(&form), &d), ERR_LIMIT);
	assert_int_equal(lint(over), 1);
	assert_int_equal(found[0].line, 0);
	assert_string_equal(
		found[0].what, "is too large: 49153 bytes in canonical form, and 49152 are the most");
	assert_int_equal(definition_read(slice_str(over), &d, NULL), ERR_LIMIT);
	buf_free(&form);
	free(most);
	free(over);
}

/* The sample asks for 2 already; 14 more requirements ask for `sum`. */
static size_t lint_sum(unsigned sum)
{
	char list[2000];
	size_t n = 0;
	for (unsigned i = 0; i < 14; i++) {
		unsigned min = sum > 16 ? 16 : sum;
		sum -= min;
		n += (size_t)snprintf(list + n, sizeof list - n,
			"%s{\"id\": \"r%u\", \"kind\": \"artifact\", \"prompt\": \"p\", \"min\": %u}",
			i ? "," : "", i, min);
	}
	char *room = lint_changed(sample, "\"requirements\": [", "\"requirements\": [@,");
	char *text = lint_changed(room, "@", list);
	n = lint(text);
	free(text);
	free(room);
	return n;
}

static void a_submission_can_hold_all_that_is_asked_for(void **state)
{
	(void)state;
	assert_int_equal(lint_sum(62), 0);
	assert_int_equal(lint_sum(63), 1);
	assert_string_equal(found[0].field, "requirements");
	assert_int_equal(found[0].line, 14);
	assert_string_equal(
		found[0].what, "ask for 65 pieces of evidence together; a submission holds at most 64");
}

static void hostile_texts_end_soon(void **state)
{
	(void)state;
	static char text[1 << 20];
	size_t n = 0;
	/* more faults than are told */
	n = (size_t)snprintf(text, sizeof text, "{");
	for (unsigned i = 0; i < 20000; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "%s\"k%u\":0", i ? "," : "", i);
	snprintf(text + n, sizeof text - n, "}");
	assert_int_equal(lint(text), DEFINITION_FINDINGS_MAX);
	/* a list of very many: only the first are looked at */
	n = (size_t)snprintf(text, sizeof text, "{\"research\":[0");
	for (unsigned i = 0; i < 300000; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, ",0");
	snprintf(text + n, sizeof text - n, "]}");
	assert_true(lint(text) < DEFINITION_FINDINGS_MAX + 1);
	/* names of members that would move a cursor, and long ones */
	snprintf(text, sizeof text, "{\"\\u001b[2J\\n\": 1, \"%0200d\": 2, \"%01d%0*d\xc3\xa9\": 3}", 0, 0,
		94, 0);
	lint(text);
	for (size_t i = 0; i < 3; i++)
		for (const char *p = found[i].field; *p; p++)
			assert_true((uint8_t)*p >= 0x20);
	/* deep */
	memset(text, '[', 1000);
	text[1000] = 0;
	assert_int_equal(lint(text), 1);
	assert_non_null(strstr(found[0].what, "nested too deeply"));
}

/* ---- other people's lists */

static void kinds_of_evidence_are_those_of_an_artifact(void **state)
{
	(void)state;
	const struct record_kind *artifact = record_kind_find(slice_str("artifact"));
	const char *choices = NULL, *ours = NULL;
	for (size_t i = 0; i < artifact->fields_n; i++)
		if (strcmp(artifact->fields[i].name, "kind") == 0)
			choices = artifact->fields[i].choices;
	for (size_t i = 0; i < definition_table.n; i++) {
		const struct lint_table *t = definition_table.members[i].object;
		for (size_t k = 0; t && k < t->n; k++)
			if (strcmp(t->members[k].name, "evidence_kinds") == 0)
				ours = t->members[k].choices;
	}
	assert_non_null(choices);
	assert_string_equal(ours, choices);
}

static void the_definitions_of_the_demonstration_are_sound(void **state)
{
	(void)state;
	static const char *const files[] = {"access", "discussion", "feedback"};
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		char path[100];
		snprintf(path, sizeof path, "tools/demo/content/%s.json", files[i]);
		char *text = lint_file(path);
		assert_int_equal(lint(text), 0);
		free(text);
	}
}

static int set_up(void **state)
{
	(void)state;
	sample = lint_file(SAMPLE);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(sample);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_and_numbers_are_checked),
		cmocka_unit_test(languages_uris_and_names_have_their_forms),
		cmocka_unit_test(requirements_are_checked),
		cmocka_unit_test(the_rubric_and_the_review_are_checked),
		cmocka_unit_test(a_level_reads_like_nothing_else_behind_its_criterion),
		cmocka_unit_test(members_are_those_of_the_table),
		cmocka_unit_test(all_that_is_wrong_is_told_at_once_in_the_order_of_the_text),
		cmocka_unit_test(what_the_whole_tells_comes_in_its_place_too),
		cmocka_unit_test(text_that_is_no_json_is_a_finding_with_its_line),
		cmocka_unit_test(forty_eight_kibibytes_are_the_most),
		cmocka_unit_test(a_submission_can_hold_all_that_is_asked_for),
		cmocka_unit_test(hostile_texts_end_soon),
		cmocka_unit_test(kinds_of_evidence_are_those_of_an_artifact),
		cmocka_unit_test(the_definitions_of_the_demonstration_are_sound),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
