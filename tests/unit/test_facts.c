/* Records as facts: which kinds state something, about what, and with which words for search. SPEC.md sections 13 and 16.1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "protocol/award/facts.h"
#include "protocol/log/record.h"

static struct buf b, keep;
static struct mp_out o;
static struct fact facts[FACTS_OF_ENTRY_MAX];
static struct fact_words words;

static void begin(const char *kind, size_t fields)
{
	b.n = 0;
	o = mp_out_init(&b);
	mp_put_array(&o, 2);
	mp_put_cstr(&o, kind);
	mp_put_map(&o, fields);
}

static void put_text(const char *name, const char *text)
{
	mp_put_cstr(&o, name);
	mp_put_cstr(&o, text);
}

static void put_id(const char *name, uint8_t first)
{
	mp_put_cstr(&o, name);
	mp_put_id(&o, &(struct id32){{first}});
}

static struct entry_ref ref(uint8_t first)
{
	return (struct entry_ref){.log = {{1}}, .seq = first, .id = {{first}}};
}

static void put_ref(const char *name, uint8_t first)
{
	struct entry_ref r = ref(first);
	mp_put_cstr(&o, name);
	record_put_ref(&o, &r);
}

static size_t make(void)
{
	const struct fact_source src = {.at = {.log = {{0xaa}}, .seq = 5, .id = {{0xbb}}},
		.author = {{0xcc}},
		.flags = 3,
		.hour = 77,
		.record = buf_slice(&b)};
	assert_int_equal(o.err, OK);
	keep.n = 0;
	return facts_make(&src, facts, &words, &keep);
}

static void expect_fact(size_t i, enum fact_kind kind, uint8_t about, uint8_t party)
{
	assert_int_equal(facts[i].kind, kind);
	assert_int_equal(facts[i].about.b[0], about);
	assert_int_equal(facts[i].party.b[0], party);
	assert_true(facts[i].at.log.b[0] == 0xaa && facts[i].at.seq == 5 && facts[i].at.id.b[0] == 0xbb);
	assert_true(facts[i].author.b[0] == 0xcc && facts[i].flags == 3 && facts[i].hour == 77);
	assert_false(facts[i].cut);
	assert_ptr_equal(facts[i].data.p, b.p);
	assert_int_equal(facts[i].data.n, b.n);
}

static void expect_words(enum fact_text column, const char *text)
{
	char got[256] = "";
	snprintf(got, sizeof got, "%.*s", (int)words.text[column].n, (const char *)words.text[column].p);
	assert_string_equal(got, text);
}

/* ---- kinds */

static void what_has_one_pointer_is_about_it(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		enum fact_kind kind;
	} rows[] = {{"appointment-end", FACT_APPOINTMENT_END}, {"claim", FACT_CLAIM},
		{"release", FACT_RELEASE}, {"withdraw", FACT_WITHDRAW}, {"acceptance", FACT_ACCEPTANCE},
		{"vouch-end", FACT_VOUCH_END}, {"admission-end", FACT_ADMISSION_END}};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		begin(rows[i].name, 1);
		put_ref("of", 9);
		assert_int_equal(make(), 1);
		expect_fact(0, rows[i].kind, 9, 0);
		assert_string_equal(facts_kind_name(rows[i].kind), rows[i].name);
	}
	begin("revoke", 2);
	put_ref("of", 9);
	put_text("why", "x");
	assert_int_equal(make(), 1);
	expect_fact(0, FACT_REVOKE, 9, 0);
	begin("review", 3);
	put_text("decision", "not-yet");
	put_text("feedback", "x");
	put_ref("of", 9);
	assert_int_equal(make(), 1);
	expect_fact(0, FACT_REVIEW, 9, 0);
	begin("endorsement", 2);
	put_text("credential", "{}");
	put_ref("of", 9);
	assert_int_equal(make(), 1);
	expect_fact(0, FACT_ENDORSEMENT, 9, 0);
}

static void what_names_somebody_has_a_party(void **state)
{
	(void)state;
	begin("appointment", 2);
	put_ref("for", 4);
	put_id("reviewer", 6);
	assert_int_equal(make(), 1);
	expect_fact(0, FACT_APPOINTMENT, 4, 6);
	begin("vouch", 1);
	put_id("who", 6);
	assert_int_equal(make(), 1);
	expect_fact(0, FACT_VOUCH, 0, 6);
	begin("act", 2);
	put_id("digest", 1);
	put_id("institution", 6);
	assert_int_equal(make(), 1);
	expect_fact(0, FACT_ACT, 0, 6);
}

static void put_refs(const char *name, unsigned n, unsigned distinct)
{
	mp_put_cstr(&o, name);
	mp_put_array(&o, n);
	for (unsigned i = 0; i < n; i++) {
		struct entry_ref r = ref((uint8_t)(i % distinct + 1));
		record_put_ref(&o, &r);
	}
}

static void lists_make_a_fact_for_each_thing_that_they_name(void **state)
{
	(void)state;
	begin("take-up", 1);
	put_refs("reviews", 64, 64);
	assert_int_equal(make(), 64);
	expect_fact(0, FACT_TAKE_UP, 1, 0);
	expect_fact(63, FACT_TAKE_UP, 64, 0);
	begin("take-up", 1);
	put_refs("reviews", 64, 3); /* the same again and again */
	assert_int_equal(make(), 3);
	begin("award", 4);
	put_text("credential", "{}");
	put_ref("definition", 200);
	put_refs("reviews", 16, 16);
	put_ref("submission", 201);
	assert_int_equal(make(), 17);
	expect_fact(0, FACT_AWARD, 201, 0);
	expect_fact(1, FACT_NAMED, 1, 0);
	expect_fact(16, FACT_NAMED, 16, 0);
	begin("share", 1);
	mp_put_cstr(&o, "keys");
	mp_put_array(&o, 64);
	for (unsigned i = 0; i < 64; i++) {
		static const uint8_t key[32] = {3};
		struct entry_ref r = ref((uint8_t)(i + 1));
		record_put_key(&o, &r, key);
	}
	assert_int_equal(make(), 64);
	expect_fact(0, FACT_SHARE, 1, 0);
	assert_string_equal(facts_kind_name(FACT_SHARE), "share");
	assert_string_equal(facts_kind_name(FACT_TAKE_UP), "take-up");
	assert_string_equal(facts_kind_name(FACT_NAMED), "award");
}

static void begin_submission(bool revises)
{
	begin("submission", revises ? 5 : 3);
	mp_put_cstr(&o, "attests");
	mp_put_array(&o, 1);
	mp_put_cstr(&o, "own-work");
	if (revises)
		put_text("changed", "all of it");
	put_ref("for", 4);
	put_ref("manifest", 5);
	if (revises)
		put_ref("revises", 6);
}

static void a_submission_that_revises_is_two_facts(void **state)
{
	(void)state;
	begin_submission(false);
	assert_int_equal(make(), 1);
	expect_fact(0, FACT_SUBMISSION, 4, 0);
	begin_submission(true);
	assert_int_equal(make(), 2);
	expect_fact(0, FACT_SUBMISSION, 4, 0);
	expect_fact(1, FACT_REVISION, 6, 0);
	assert_string_equal(facts_kind_name(FACT_REVISION), "submission");
}

static void an_admission_names_a_node_and_who_introduced_it(void **state)
{
	(void)state;
	begin("admission", 2);
	put_text("name", "x");
	put_id("node", 1);
	assert_int_equal(make(), 1);
	expect_fact(0, FACT_ADMISSION, 0, 1);
	begin("admission", 3);
	put_id("introducer", 2);
	put_text("name", "the node in the library");
	put_id("node", 1);
	assert_int_equal(make(), 1);
	expect_fact(0, FACT_ADMISSION, 2, 1);
	expect_words(FACT_TITLE, "the node in the library");
	assert_string_equal(facts_kind_name(FACT_ADMISSION), "admission");
}

static void what_states_nothing_or_is_malformed_makes_no_fact(void **state)
{
	(void)state;
	begin("device", 1);
	put_id("event", 1);
	assert_int_equal(make(), 0);
	begin("something-new", 0);
	assert_int_equal(make(), 0);
	begin("claim", 0);
	assert_int_equal(make(), 0);
	begin("claim", 1);
	put_text("of", "x");
	assert_int_equal(make(), 0);
	begin("vouch", 1);
	put_text("who", "x");
	assert_int_equal(make(), 0);
	b.n = 3;
	assert_int_equal(make(), 0);
	b.n = 0;
	assert_int_equal(make(), 0);
	assert_string_equal(facts_kind_name(FACT_NONE), "");
}

/* ---- words */

static void a_definition_gives_every_column(void **state)
{
	(void)state;
	begin("microcredential", 2);
	put_text("definition",
		"{\"categories\":[\"Talk\"],\"competency\":\"Asks.\",\"key_method\":\"Wait.\","
		"\"method_components\":[\"Count to three\",\"Look\"],\"problems\":[\"Nobody answers\"],"
		"\"requirements\":[{\"id\":\"a\",\"kind\":\"artifact\",\"prompt\":\"p\"}],"
		"\"research\":[\"Example\"],\"resources\":[\"A film\"],\"review\":{\"reviewers\":1},"
		"\"rubric\":[{\"id\":\"c\",\"levels\":[{\"description\":\"d\",\"id\":\"l\",\"name\":\"n\"},"
		"{\"description\":\"d\",\"id\":\"h\",\"name\":\"n\"}],\"name\":\"n\",\"required_level\":\"h\"}],"
		"\"tags\":[\"questions\"],\"title\":\"Open questions\"}");
	put_ref("supersedes", 8);
	assert_int_equal(make(), 1);
	expect_fact(0, FACT_DEFINITION, 8, 0);
	expect_words(FACT_TITLE, "Open questions");
	expect_words(FACT_COMPETENCY, "Asks.");
	expect_words(FACT_METHOD, "Wait.\nCount to three\nLook");
	expect_words(FACT_PROBLEMS, "Nobody answers");
	expect_words(FACT_TAGS, "questions\nTalk");
	expect_words(FACT_OTHER, "Example\nA film");
}

static void an_unsound_definition_is_a_fact_without_words(void **state)
{
	(void)state;
	begin("microcredential", 1);
	put_text("definition", "{\"title\":\"Open questions\"}");
	assert_int_equal(make(), 1);
	expect_fact(0, FACT_DEFINITION, 0, 0);
	for (size_t i = 0; i < FACT_TEXTS; i++)
		assert_int_equal(words.text[i].n, 0);
}

static void what_people_write_freely_is_found_by_its_words(void **state)
{
	(void)state;
	begin("artifact", 6);
	put_text("about", "A film of a lesson");
	put_text("depicts", "nobody");
	put_text("grade", "5");
	put_text("kind", "video");
	mp_put_cstr(&o, "tags");
	mp_put_array(&o, 2);
	mp_put_cstr(&o, "one");
	mp_put_cstr(&o, "two");
	put_text("title", "Talk");
	assert_int_equal(make(), 1);
	expect_fact(0, FACT_ARTIFACT, 0, 0);
	expect_words(FACT_TITLE, "Talk");
	expect_words(FACT_TAGS, "one\ntwo");
	expect_words(FACT_OTHER, "A film of a lesson\n5");
	expect_words(FACT_COMPETENCY, "");
	begin("reflection", 2);
	put_text("prompt", "What came of it?");
	put_text("text", "Silence.");
	assert_int_equal(make(), 1);
	expect_fact(0, FACT_REFLECTION, 0, 0);
	expect_words(FACT_TITLE, "");
	expect_words(FACT_OTHER, "What came of it?\nSilence.");
	begin("profile", 2);
	put_text("about", "Teaches.");
	put_text("name", "A. Example");
	assert_int_equal(make(), 1);
	expect_fact(0, FACT_PROFILE, 0, 0);
	expect_words(FACT_TITLE, "A. Example");
	expect_words(FACT_OTHER, "Teaches.");
	begin("framework", 2);
	put_text("notes", "For schools");
	put_text("title", "Competences");
	assert_int_equal(make(), 1);
	expect_fact(0, FACT_FRAMEWORK, 0, 0);
	expect_words(FACT_TITLE, "Competences");
	expect_words(FACT_OTHER, "For schools");
	begin("claim", 1);
	put_ref("of", 9);
	assert_int_equal(make(), 1);
	for (size_t i = 0; i < FACT_TEXTS; i++)
		assert_int_equal(words.text[i].n, 0);
}

static void each_kind_has_a_name_and_truncations_make_nothing(void **state)
{
	(void)state;
	for (int k = FACT_NONE + 1; k < FACT_KIND_COUNT; k++)
		assert_non_null(record_kind_find(slice_str(facts_kind_name((enum fact_kind)k))));
	begin_submission(true);
	size_t whole = b.n;
	for (b.n = 0; b.n < whole; b.n++)
		assert_int_equal(make(), 0);
	assert_int_equal(make(), 2);
}

static int teardown(void **state)
{
	(void)state;
	buf_free(&b);
	buf_free(&keep);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_has_one_pointer_is_about_it),
		cmocka_unit_test(what_names_somebody_has_a_party),
		cmocka_unit_test(lists_make_a_fact_for_each_thing_that_they_name),
		cmocka_unit_test(a_submission_that_revises_is_two_facts),
		cmocka_unit_test(an_admission_names_a_node_and_who_introduced_it),
		cmocka_unit_test(what_states_nothing_or_is_malformed_makes_no_fact),
		cmocka_unit_test(a_definition_gives_every_column),
		cmocka_unit_test(an_unsound_definition_is_a_fact_without_words),
		cmocka_unit_test(what_people_write_freely_is_found_by_its_words),
		cmocka_unit_test(each_kind_has_a_name_and_truncations_make_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, teardown);
}
