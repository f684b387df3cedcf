/* Frameworks: packages of CASE 1.0, ours and those of other programs; what is wrong with them; the order of the tree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lint_case.h"
#include "protocol/award/framework.h"

static char *sample;
static struct finding found[DEFINITION_FINDINGS_MAX];

static size_t read_text(const char *text, struct framework *f)
{
	size_t n;
	assert_int_equal(framework_read(slice_str(text), f, found, &n, NULL), OK);
	return n;
}

static void sound(const char *text, struct framework *f)
{
	if (read_text(text, f) > 0)
		fail_msg("line %u: %s %s", found[0].line, found[0].field, found[0].what);
}

static void assert_text(const char *got, const char *expected)
{
	if (expected)
		assert_string_equal(got, expected);
	else
		assert_null(got);
}

static void the_tree_is_read_in_its_order(void **state)
{
	(void)state;
	static const struct framework_item expected[] = {
		{"urn:example:a", NULL, "Area A", NULL, NULL, NULL, 0},
		{"urn:example:a1", NULL, "First of A", "First", "Competence", "urn:example:a", 1},
		{"urn:example:a2", "A.2", "Second of A", NULL, NULL, "urn:example:a", 1},
		{"urn:example:b", NULL, "Area B", NULL, NULL, NULL, 0},
		{"urn:example:alone", NULL, "Not in the tree", NULL, NULL, NULL, 0},
	};
	struct framework f;
	sound(sample, &f);
	assert_text(f.title, "Small framework");
	assert_text(f.creator, "Example Authority");
	assert_text(f.language, "en");
	assert_text(f.licence, "Free to use");
	assert_text(f.notes, "For tests.");
	assert_text(f.uri, "urn:example:doc");
	assert_int_equal(f.items_n, sizeof expected / sizeof expected[0]);
	for (size_t i = 0; i < f.items_n; i++) {
		assert_text(f.items[i].uri, expected[i].uri);
		assert_text(f.items[i].code, expected[i].code);
		assert_text(f.items[i].statement, expected[i].statement);
		assert_text(f.items[i].short_statement, expected[i].short_statement);
		assert_text(f.items[i].type, expected[i].type);
		assert_text(f.items[i].parent_uri, expected[i].parent_uri);
		assert_int_equal(f.items[i].depth, expected[i].depth);
	}
	framework_deinit(&f);
	framework_deinit(&f);
}

static void levels_stand_in_the_order_of_their_positions(void **state)
{
	(void)state;
	static const struct framework_level expected[] = {
		{"urn:example:a1", "Talk", "A", "Seldom", true, 1},
		{"urn:example:a1", "Talk", "B", "Often", true, 2.5},
		{"urn:example:a1", "Talk", "C", "", false, 0},
	};
	struct framework f;
	sound(sample, &f);
	assert_int_equal(f.levels_n, 3);
	for (size_t i = 0; i < f.levels_n; i++) {
		assert_text(f.levels[i].item_uri, expected[i].item_uri);
		assert_text(f.levels[i].criterion, expected[i].criterion);
		assert_text(f.levels[i].quality, expected[i].quality);
		assert_text(f.levels[i].description, expected[i].description);
		assert_int_equal(f.levels[i].has_score, expected[i].has_score);
		assert_true(
			!(f.levels[i].score < expected[i].score || f.levels[i].score > expected[i].score));
	}
	framework_deinit(&f);
}

static void what_is_wrong_is_found_where_it_stands(void **state)
{
	(void)state;
	static const struct lint_case cases[] = {
		/* other people's members, and members without content */
		{"\"ours\"", "\"whatever\"", 0, NULL, NULL},
		{"\"Free to use\"", "\"\"", 0, NULL, NULL},
		{"{\"title\": \"Free to use\", \"identifier\": \"lic\", \"uri\": \"urn:example:lic\"}",
			"\"urn:x:y\"", 0, NULL, NULL},
		{"\"language\": \"en\"", "\"language\": null", 0, NULL, NULL},
		/* what CASE demands */
		{"\"CFDocument\"", "\"CFDocuments\"", 1, "CFDocument", "is missing: it must be an object"},
		{"\"title\": \"Small framework\",", "", 2, "CFDocument.title",
			"is missing: it must be a text of 1 to 500"},
		{"\"creator\": \"Example Authority\",", "", 2, "CFDocument.creator", "is missing"},
		{"\"identifier\": \"doc\",", "", 2, "CFDocument.identifier", "is missing"},
		{"\"urn:example:doc\",\n\t\t\"title\"", "\"no uri\",\n\t\t\"title\"", 4, "CFDocument.uri",
			"an address with"},
		{"\"language\": \"en\"", "\"language\": \"en_US\"", 7, "CFDocument.language",
			"a language tag"},
		{"\"fullStatement\": \"Area B\", ", "", 14, "CFItems[0].fullStatement", "is missing"},
		{"\"identifier\": \"b\", \"uri\": \"urn:example:b\",", "\"identifier\": \"b\",", 14,
			"CFItems[0].uri", "is missing"},
		{"\"First of A\"", "[]", 16, "CFItems[2].fullStatement", "must be a text"},
		{"\"associationType\": \"isRelatedTo\",", "", 29, "CFAssociations[4].associationType",
			"is missing"},
		{"\"sequenceNumber\": \"9\"", "\"sequenceNumber\": \"9a\"", 23,
			"CFAssociations[1].sequenceNumber", "must be a number"},
		{"{\"identifier\": \"b\"}, \"destinationNodeURI\": {\"identifier\": \"doc\"}",
			"{\"identifier\": \"b\"}, \"destinationNodeURI\": {\"title\": \"x\"}", 22,
			"CFAssociations[0].destinationNodeURI", "must have an identifier or a uri"},
		{"\"score\": 2.5", "\"score\": \"two\"", 43,
			"CFRubrics[0].CFRubricCriteria[0].CFRubricCriterionLevels[0].score",
			"must be a number"},
		{"\"identifier\": \"r\", ", "", 35, "CFRubrics[0].identifier", "is missing"},
		/* names */
		{"\"identifier\": \"alone\"", "\"identifier\": \"a1\"", 18, "CFItems[4].identifier",
			"is the same as that of CFItems[2]"},
		{"\"urn:example:alone\"", "\"urn:example:a1\"", 18, "CFItems[4].uri",
			"is the same as that of CFItems[2]"},
		{"\"identifier\": \"alone\"", "\"identifier\": \"doc\"", 18, "CFItems[4].identifier",
			"is the same as that of CFDocument"},
		/* links */
		{"{\"identifier\": \"b\"}, \"destinationNodeURI\": {\"identifier\": \"doc\"}",
			"{\"identifier\": \"z\"}, \"destinationNodeURI\": {\"identifier\": \"doc\"}", 22,
			"CFAssociations[0].originNodeURI", "must name an item of this package"},
		{"{\"identifier\": \"b\"}, \"destinationNodeURI\": {\"identifier\": \"doc\"}",
			"{\"identifier\": \"doc\"}, \"destinationNodeURI\": {\"identifier\": \"b\"}", 22,
			"CFAssociations[0].originNodeURI", "the document is nobody's child"},
		{"\"uri\": \"urn:example:a\"}, \"last", "\"uri\": \"urn:example:zz\"}, \"last", 26,
			"CFAssociations[2].destinationNodeURI", "must name the document or an item"},
		{"\"CFItemURI\": {\"identifier\": \"a1\", \"uri\": \"urn:example:a1\"}",
			"\"CFItemURI\": {\"identifier\": \"z\"}", 41,
			"CFRubrics[0].CFRubricCriteria[0].CFItemURI", "must name an item"},
		{"\"CFItemURI\": {\"identifier\": \"a1\", \"uri\": \"urn:example:a1\"},", "", 0, NULL, NULL},
		/* circles */
		{"{\"uri\": \"urn:example:doc\"}", "{\"uri\": \"urn:example:a1\"}", 24,
			"CFAssociations[1].destinationNodeURI", "leads in a circle"},
		{"{\"uri\": \"urn:example:doc\"}", "{\"uri\": \"urn:example:a\"}", 24,
			"CFAssociations[1].destinationNodeURI", "leads in a circle"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char *text = lint_changed(sample, cases[i].old, cases[i].new);
		struct framework f;
		size_t n = read_text(text, &f);
		lint_expect(found, &cases[i], n);
		if (n == 0)
			framework_deinit(&f);
		free(text);
	}
}

static void the_canonical_form_keeps_what_others_added(void **state)
{
	(void)state;
	struct framework f, again;
	struct buf form = {0}, second = {0};
	size_t n;
	assert_int_equal(framework_read(slice_str(sample), &f, found, &n, &form), OK);
	assert_int_equal(n, 0);
	assert_non_null(memmem(form.p, form.n, "\"ours\":{\"kept\":[1,true]}", 24));
	assert_int_equal(framework_read(buf_slice(&form), &again, found, &n, &second), OK);
	assert_int_equal(n, 0);
	assert_true(slice_equal(buf_slice(&form), buf_slice(&second)));
	assert_int_equal(again.items_n, f.items_n);
	framework_deinit(&f);
	framework_deinit(&again);
	buf_free(&form);
	buf_free(&second);
}

static const struct framework_item *item_of(const struct framework *f, const char *statement)
{
	for (size_t i = 0; i < f->items_n; i++)
		if (strcmp(f->items[i].statement, statement) == 0)
			return &f->items[i];
	fail_msg("no item %s", statement);
	return NULL;
}

static void what_other_programs_write_reads_well(void **state)
{
	(void)state;
	struct framework f;
	char *text = lint_file("tests/unit/data/case/smartlevel.json");
	sound(text, &f);
	assert_text(f.title, "SmartLevel Test");
	assert_int_equal(f.items_n, 14);
	assert_text(f.items[0].statement, "Item 1");
	assert_text(f.items[1].statement, "Item 1.1");
	assert_int_equal(f.items[1].depth, 1);
	assert_text(f.items[1].parent_uri, f.items[0].uri);
	framework_deinit(&f);
	free(text);

	text = lint_file("tests/unit/data/case/opensalt.json");
	sound(text, &f);
	assert_text(f.title, "Example standards");
	assert_int_equal(f.items_n, 16);
	assert_text(f.uri, "http://framework.example/uri/20c5134f-423d-4097-a971-3dd5152bf507");
	const struct framework_item *i = item_of(&f, "Statement 1, with \"quotes\" and a slash: a/b.");
	assert_text(i->code, "CCSS.Math.Content.6.RP.A");
	assert_text(i->type, "Cluster");
	framework_deinit(&f);
	free(text);
}

static void the_framework_of_the_demonstration_is_sound(void **state)
{
	(void)state;
	struct framework f;
	char *text = lint_file("tools/demo/content/digcompedu.case.json");
	sound(text, &f);
	assert_int_equal(f.items_n, 28);
	assert_int_equal(f.items[0].depth, 0);
	assert_text(f.items[0].code, "1");
	assert_text(f.items[1].code, "1.1");
	assert_text(f.items[1].parent_uri, f.items[0].uri);
	assert_true(f.levels_n >= 6);
	assert_text(f.levels[0].item_uri, f.items[1].uri);
	assert_true(f.levels[0].has_score);
	framework_deinit(&f);
	free(text);
}

/* n items, each the child of the one before; circle: the first of the last. Free it. */
static char *chain(unsigned n, bool circle)
{
	size_t room = 400u * n + 1000, used;
	char *text = (char *)malloc(room);
	assert_non_null(text);
	used = (size_t)snprintf(text, room,
		"{\"CFDocument\":{\"identifier\":\"d\",\"uri\":\"u:d\",\"title\":\"t\",\"creator\":\"c\","
		"\"lastChangeDateTime\":\"x\"},\"CFItems\":[");
	for (unsigned i = 0; i < n; i++)
		used += (size_t)snprintf(text + used, room - used,
			"%s{\"identifier\":\"%u\",\"uri\":\"u:%u\",\"fullStatement\":\"s\",\"lastChangeDateTime\":\"x\"}",
			i ? "," : "", i, i);
	used += (size_t)snprintf(text + used, room - used, "],\"CFAssociations\":[");
	for (unsigned i = circle ? 0 : 1; i < n; i++)
		used += (size_t)snprintf(text + used, room - used,
			"%s{\"identifier\":\"a\",\"uri\":\"u:a\",\"associationType\":\"isChildOf\",\"lastChangeDateTime\":\"x\","
			"\"originNodeURI\":{\"identifier\":\"%u\"},\"destinationNodeURI\":{\"identifier\":\"%u\"}}",
			i > (circle ? 0 : 1) ? "," : "", i, i ? i - 1 : n - 1);
	snprintf(text + used, room - used, "]}");
	return text;
}

static void long_chains_and_long_circles_end(void **state)
{
	(void)state;
	struct framework f;
	char *text = chain(15000, false);
	sound(text, &f);
	assert_int_equal(f.items_n, 15000);
	assert_int_equal(f.items[14999].depth, 14999);
	assert_text(f.items[14999].parent_uri, "u:14998");
	framework_deinit(&f);
	free(text);
	text = chain(15000, true);
	assert_int_equal(read_text(text, &f), 1);
	assert_non_null(strstr(found[0].what, "circle"));
	free(text);
}

static void twenty_thousand_items_and_four_megabytes_are_the_most(void **state)
{
	(void)state;
	static const char item[] =
		"{\"identifier\":\"%u\",\"uri\":\"u:%u\",\"fullStatement\":\"s\",\"lastChangeDateTime\":\"x\"}";
	struct framework f;
	size_t room = FRAMEWORK_BYTES_MAX + 2, n;
	char *text = (char *)malloc(room);
	assert_non_null(text);
	for (unsigned over = 0; over < 2; over++) {
		n = (size_t)snprintf(text, room,
			"{\"CFDocument\":{\"identifier\":\"d\",\"uri\":\"u:d\",\"title\":\"t\",\"creator\":\"c\","
			"\"lastChangeDateTime\":\"x\"},\"CFItems\":[");
		for (unsigned i = 0; i < FRAMEWORK_ITEMS_MAX + over; i++) {
			n += (size_t)snprintf(text + n, room - n, "%s", i ? "," : "");
			n += (size_t)snprintf(text + n, room - n, item, i, i);
		}
		snprintf(text + n, room - n, "]}");
		assert_int_equal(read_text(text, &f), over);
		if (over)
			assert_string_equal(found[0].field, "CFItems");
		else
			framework_deinit(&f);
	}
	n = strlen(text);
	memset(text + n, ' ', room - n);
	assert_int_equal(framework_read(slice_of(text, FRAMEWORK_BYTES_MAX), &f, found, &n, NULL), OK);
	assert_int_equal(n, 1);
	assert_int_equal(
		framework_read(slice_of(text, FRAMEWORK_BYTES_MAX + 1), &f, found, &n, NULL), ERR_LIMIT);
	free(text);
}

static void nonsense_is_found_and_nothing_is_filled(void **state)
{
	(void)state;
	static const char *const texts[] = {"", "7", "[]", "{}", "{\"CFDocument\":7}",
		"{\"CFDocument\":{},\"CFItems\":{},\"CFAssociations\":7,\"CFRubrics\":[[]]}",
		"{\"CFItems\":[null,[],7]}",
		"{\"CFRubrics\":[{\"CFRubricCriteria\":[{\"CFRubricCriterionLevels\":[[]]}]}]}"};
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct framework f = {.items_n = 77};
		assert_true(read_text(texts[i], &f) > 0);
		assert_int_equal(f.items_n, 77);
	}
}

static int set_up(void **state)
{
	(void)state;
	sample = lint_file("tests/unit/data/framework.json");
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
		cmocka_unit_test(the_tree_is_read_in_its_order),
		cmocka_unit_test(levels_stand_in_the_order_of_their_positions),
		cmocka_unit_test(what_is_wrong_is_found_where_it_stands),
		cmocka_unit_test(the_canonical_form_keeps_what_others_added),
		cmocka_unit_test(what_other_programs_write_reads_well),
		cmocka_unit_test(the_framework_of_the_demonstration_is_sound),
		cmocka_unit_test(long_chains_and_long_circles_end),
		cmocka_unit_test(twenty_thousand_items_and_four_megabytes_are_the_most),
		cmocka_unit_test(nonsense_is_found_and_nothing_is_filled),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
