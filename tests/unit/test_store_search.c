/* test_store_search.c -- full-text search: whatever is typed is safe, the best comes first, and what is shown is cut well. */
#include "store/search.h"
#include "tests/support/fact_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	must(f && store_open_memory(&f->store) == OK, "store_open_memory");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	fixture_close(f);
	free(f);
	return 0;
}

static void add(struct fixture *f, uint64_t seq, enum fact_kind kind, enum fact_text field, const char *text)
{
	struct fact fact = fact_at(kind, 1, seq);
	struct fact_words words = {0};
	words.text[field] = slice_str(text);
	assert_int_equal(put_facts(f, &fact, 1, &words), OK);
}

static struct store_res search(struct fixture *f, const char *typed)
{
	return ask(f, (struct store_req){.op = STORE_FACT_SEARCH, .a.bytes = slice_str(typed)});
}

/* The seqs found, in order, as a text. */
static void expect_order(struct fixture *f, const char *typed, const char *want)
{
	char got[256] = "";
	struct store_res r = search(f, typed);
	for (size_t i = 0; i < r.r.n; i++)
		snprintf(got + strlen(got), sizeof got - strlen(got), i ? " %d" : "%d",
			(int)r.r.facts[i].at.seq);
	store_res_free(&r);
	assert_string_equal(got, want);
}

static void words_are_found_in_every_form_and_from_their_beginnings(void **state)
{
	struct fixture *f = *state;
	add(f, 1, FACT_DEFINITION, FACT_TITLE, "Assessing reflections in the Caf\xc3\xa9");
	static const char *const typed[] = {"assess", "ASSESSED", "assessment", "reflect", "reflecting",
		"reflections", "cafe", "caf\xc3\xa9", "CAF\xc3\x89", "refl", "reflecti", "assessm",
		"nothing at all like reflection"};
	for (size_t i = 0; i < sizeof typed / sizeof typed[0]; i++) {
		if (found(f, typed[i]) != 1)
			fail_msg("%s", typed[i]);
	}
	/* Three letters find whole words only. */
	assert_int_equal(found(f, "ref"), 0);
	assert_int_equal(found(f, "compass"), 0);
	assert_int_equal(found(f, "sessing"), 0);
}

static void words_in_every_text_are_left_out_if_others_remain(void **state)
{
	struct fixture *f = *state;
	add(f, 1, FACT_DEFINITION, FACT_TITLE, "Bridges of the town");
	add(f, 2, FACT_DEFINITION, FACT_TITLE, "Who owns the moon");
	expect_order(f, "what is the use of bridges", "1");
	assert_int_equal(found(f, "the"), 2);
	assert_int_equal(found(f, "of the"), 2);
	assert_int_equal(found(f, "THE tractor"), 0);
}

static void the_best_comes_first(void **state)
{
	struct fixture *f = *state;
	for (uint64_t i = 10; i < 40; i++) /* so that no word stands in most texts */
		add(f, i, FACT_DEFINITION, FACT_OTHER, "plain filler about something else");
	add(f, 1, FACT_DEFINITION, FACT_OTHER, "kiting kiting kites and more");
	add(f, 2, FACT_DEFINITION, FACT_METHOD, "building kites and more");
	add(f, 3, FACT_DEFINITION, FACT_TAGS, "flying kites and more");
	add(f, 4, FACT_DEFINITION, FACT_COMPETENCY, "steering kites and more");
	add(f, 5, FACT_DEFINITION, FACT_PROBLEMS, "broken kites and more");
	add(f, 6, FACT_DEFINITION, FACT_TITLE, "paper kites and more");
	expect_order(f, "kites", "6 5 4 3 2 1");
	/* A phrase before its words apart. */
	add(f, 7, FACT_DEFINITION, FACT_TITLE, "thinking slowly is critical");
	add(f, 8, FACT_DEFINITION, FACT_TITLE, "on critical thinking alone");
	add(f, 9, FACT_DEFINITION, FACT_TITLE, "critical mass and thinking");
	struct store_res r = search(f, "critical thinking");
	assert_int_equal(r.r.n, 3);
	assert_int_equal(r.r.facts[0].at.seq, 8);
	store_res_free(&r);
	/* Whole words before longer ones. */
	add(f, 50, FACT_DEFINITION, FACT_TITLE, "cartography");
	add(f, 51, FACT_DEFINITION, FACT_OTHER, "a cart of hay among many other words that are of no use");
	expect_order(f, "cart", "51 50");
}

static void kinds_and_numbers_are_bounded_by_the_asker(void **state)
{
	struct fixture *f = *state;
	for (uint64_t i = 0; i < 60; i++)
		add(f, i, i % 6 ? FACT_DEFINITION : FACT_FRAMEWORK, FACT_TITLE, "orchard");
	struct store_req q = {.op = STORE_FACT_SEARCH, .a.bytes = slice_str("orchard")};
	assert_int_equal(count_of(f, q), 50);
	q.a.number = FACT_MASK(FACT_FRAMEWORK);
	assert_int_equal(count_of(f, q), 10);
	q.a.max = 3;
	assert_int_equal(count_of(f, q), 3);
	q.a.max = 100000;
	q.a.number |= FACT_MASK(FACT_DEFINITION);
	assert_int_equal(count_of(f, q), 50);
	q.a.number = FACT_MASK(FACT_REVIEW);
	assert_int_equal(count_of(f, q), 0);
}

static void what_is_replaced_or_dropped_is_not_found(void **state)
{
	struct fixture *f = *state;
	add(f, 1, FACT_DEFINITION, FACT_TITLE, "orchard");
	add(f, 1, FACT_DEFINITION, FACT_TITLE, "meadow");
	assert_int_equal(found(f, "orchard"), 0);
	expect_order(f, "meadow", "1");
	struct store_req drop = {.op = STORE_FACT_DROP, .a.log = fake_id(1, 1), .a.seq = 1};
	assert_int_equal(run(f, &drop, NULL), OK);
	assert_int_equal(found(f, "meadow"), 0);
}

static void nothing_typed_is_a_query_of_its_own(void **state)
{
	struct fixture *f = *state;
	add(f, 1, FACT_DEFINITION, FACT_TITLE, "orchard near the title of tags");
	static const char *const hostile[] = {"\"orchard", "orchard\"", "\"orchard\" AND", "(orchard",
		"orchard)))", "orchard NEAR(", "NEAR(orchard near, 5)", "orchard*", "* orchard", "^orchard",
		"-orchard", "NOT orchard", "orchard AND nothing", "title:orchard", "{title tags}:orchard",
		"orchard OR", "orchard:", "+orchard+", "orchard;DROP TABLE fact", "orchard' --", "orchard\\",
		"orchard\xff\xfe", "\xc3orchard", "\xed\xa0\x80 orchard", "\xf4\x90\x80\x80 orchard",
		"orchard \xf0\x9f\x8c\xb3", "\xf0\x9f\x8c\xb3 orchard", "orchard\xe2\x80\x94nothing",
		"orchard\1\2", "o\"r orchard", "orchard \xe2\x80\x9cquoted\xe2\x80\x9d"};
	for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
		if (found(f, hostile[i]) != 1)
			fail_msg("%s", hostile[i]);
	}
	static const char *const empty[] = {"", " ", "\"", "*", "()", "NEAR", "AND OR NOT",
		"\xf0\x9f\x8c\xb3", "\xff", "...", "\"\"\"", "\xe2\x80\x94", "''", "^", "-", ":", "{}", "\1"};
	for (size_t i = 0; i < sizeof empty / sizeof empty[0]; i++) {
		bool near = strcmp(empty[i], "NEAR") == 0; /* a word like others */
		if (found(f, empty[i]) != near)
			fail_msg("%s", empty[i]);
	}
	struct store_req zero = {.op = STORE_FACT_SEARCH, .a.bytes = slice_of("orchard\0nothing", 15)};
	assert_int_equal(count_of(f, zero), 1);
}

static uint64_t seed = 20260101;

static uint32_t next_random(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33);
}

static void long_and_random_input_is_safe(void **state)
{
	struct fixture *f = *state;
	static uint8_t typed[10240];
	add(f, 1, FACT_DEFINITION, FACT_TITLE, "orchard");
	struct store_req q = {.op = STORE_FACT_SEARCH, .a.bytes = slice_of(typed, sizeof typed)};
	memset(typed, 'x', sizeof typed);
	assert_int_equal(count_of(f, q), 0);
	memset(typed, '"', sizeof typed);
	assert_int_equal(count_of(f, q), 0);
	for (size_t i = 0; i < sizeof typed; i++)
		typed[i] = (uint8_t)(i % 8 == 7 ? ' ' : 'a' + (i / 8 + i) % 26);
	assert_int_equal(count_of(f, q), 0);
	memcpy(typed, "orchard ", 8);
	assert_int_equal(count_of(f, q), 1);
	static const char signs[] = "\"*()^:{}-+ NEARORANDNOT'\\;,.\xe2\x80\x94\xf0\x9f\x8c\xb3\xc3";
	for (int round = 0; round < 3000; round++) {
		q.a.bytes.n = next_random() % 60;
		for (size_t i = 0; i < q.a.bytes.n; i++)
			typed[i] = (uint8_t)(round % 2 ? next_random()
						       : (uint8_t)signs[next_random() % (sizeof signs - 1)]);
		struct store_res r = ask(f, q);
		store_res_free(&r);
	}
}

static void a_word_in_thousands_of_texts_finds_titles_first_and_then_the_newest(void **state)
{
	struct fixture *f = *state;
	for (uint64_t i = 0; i < 2500; i++)
		add(f, i, FACT_DEFINITION, i == 700 || i == 900 ? FACT_TITLE : FACT_OTHER,
			i == 42 ? "a pupil and a falcon" : "of use to every pupil");
	struct store_req q = {.op = STORE_FACT_SEARCH, .a.bytes = slice_str("pupil"), .a.max = 5};
	struct store_res r = ask(f, q);
	assert_int_equal(r.r.n, 5);
	assert_int_equal(r.r.facts[0].at.seq + r.r.facts[1].at.seq, 1600);
	for (size_t i = 2; i < 5; i++)
		assert_int_equal(r.r.facts[i].at.seq, 2501 - i);
	store_res_free(&r);
	/* The rare word first; the common one fills up, and nothing comes twice. */
	q.a.bytes = slice_str("pupils with a falcon");
	r = ask(f, q);
	assert_int_equal(r.r.n, 5);
	assert_int_equal(r.r.facts[0].at.seq, 42);
	for (size_t i = 0; i < 5; i++) {
		for (size_t k = 0; k < i; k++)
			assert_true(r.r.facts[i].at.seq != r.r.facts[k].at.seq);
	}
	store_res_free(&r);
}

/* ---- what is shown */

static void expect_hit(struct fixture *f, const char *typed, enum fact_text field, const char *snippet)
{
	struct store_res r = search(f, typed);
	assert_true(r.r.n >= 1);
	assert_int_equal(r.r.hits[0].field, field);
	char text[SNIPPET_BYTES + 1] = "";
	memcpy(text, r.r.hits[0].snippet.p, r.r.hits[0].snippet.n);
	assert_string_equal(text, snippet);
	store_res_free(&r);
}

static void a_hit_shows_the_field_that_matched_best(void **state)
{
	struct fixture *f = *state;
	struct fact fact = fact_at(FACT_DEFINITION, 1, 1);
	struct fact_words words = {.text = {[FACT_TITLE] = slice_str("Kites"),
					   [FACT_METHOD] = slice_str("build a kite, build it again; build!"),
					   [FACT_TAGS] = slice_str("\1wind\2 build"),
					   [FACT_OTHER] = slice_str("kite kite kite kite kite\nwind")}};
	assert_int_equal(put_facts(f, &fact, 1, &words), OK);
	expect_hit(f, "kite", FACT_TITLE, "\1Kites\2");
	expect_hit(f, "build", FACT_METHOD, "\1build\2 a kite, \1build\2 it again; \1build\2!");
	/* Signs in a text mark nothing. */
	expect_hit(f, "wind", FACT_TAGS, " \1wind\2  build");
	struct store_res r = search(f, "kite");
	assert_true(slice_equal(r.r.facts[0].data, slice_str("record")));
	store_res_free(&r);
}

static void a_long_text_is_cut_around_what_was_found(void **state)
{
	struct fixture *f = *state;
	struct buf text = {0};
	for (int i = 0; i < 300; i++) {
		char word[32];
		snprintf(word, sizeof word,
			i == 150 ? "falcon "
				 : "stra\xc3\x9f"
				   "e%d ",
			i);
		must(buf_put_slice(&text, slice_str(word)) == OK, "memory");
	}
	must(buf_put(&text, "", 1) == OK, "memory");
	add(f, 1, FACT_DEFINITION, FACT_OTHER, (const char *)text.p);
	buf_free(&text);
	struct store_res r = search(f, "falcon");
	assert_int_equal(r.r.n, 1);
	struct slice s = r.r.hits[0].snippet;
	assert_in_range(s.n, 150, SNIPPET_BYTES);
	assert_memory_equal(s.p,
		"\xe2\x80\xa6stra\xc3\x9f"
		"e",
		10);
	assert_memory_equal(s.p + s.n - 3, "\xe2\x80\xa6", 3);
	assert_non_null(memmem(s.p, s.n, " \1falcon\2 ", 10));
	store_res_free(&r);
}

static bool well_formed(const char *p, size_t n)
{
	bool open = false;
	for (size_t i = 0; i < n;) {
		uint8_t c = (uint8_t)p[i];
		size_t width = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 0;
		if (width == 0 || i + width > n)
			return false;
		for (size_t k = 1; k < width; k++) {
			if (((uint8_t)p[i + k] & 0xc0) != 0x80)
				return false;
		}
		if (c == '\1' || c == '\2') {
			if (open == (c == '\1'))
				return false;
			open = c == '\1';
		}
		i += width;
	}
	return !open;
}

static void any_marked_text_is_cut_at_characters_and_keeps_its_marks_in_pairs(void **state)
{
	(void)state;
	static const char *const pieces[] = {"a", "word", " ", " ", "\xc3\x9f", "\xe2\x82\xac",
		"\xf0\x9f\x8c\xb3",
		"aveeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeerylongword",
		"."};
	for (int round = 0; round < 20000; round++) {
		uint8_t text[1024];
		size_t n = 0, marks = 0, length = next_random() % 900;
		bool open = false;
		while (n < length) {
			const char *piece = pieces[next_random() % 9];
			memcpy(text + n, piece, strlen(piece));
			n += strlen(piece);
			if (next_random() % (open ? 3 : 1 + (unsigned)round % 40) == 0) {
				open = !open;
				marks += open;
				text[n++] = open ? '\1' : '\2';
				if (open)
					text[n++] = 'w';
			}
		}
		if (open)
			text[n++] = '\2';
		char out[SNIPPET_BYTES];
		size_t got = snippet_cut(slice_of(text, n), out);
		assert_true(got <= SNIPPET_BYTES);
		assert_true(well_formed(out, got));
		assert_true(!marks || memchr(out, '\1', got));
		assert_true(n > SNIPPET_BYTES || got == n);
	}
}

#define MEMORY(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MEMORY(words_are_found_in_every_form_and_from_their_beginnings),
		MEMORY(words_in_every_text_are_left_out_if_others_remain),
		MEMORY(the_best_comes_first),
		MEMORY(kinds_and_numbers_are_bounded_by_the_asker),
		MEMORY(what_is_replaced_or_dropped_is_not_found),
		MEMORY(nothing_typed_is_a_query_of_its_own),
		MEMORY(long_and_random_input_is_safe),
		MEMORY(a_word_in_thousands_of_texts_finds_titles_first_and_then_the_newest),
		MEMORY(a_hit_shows_the_field_that_matched_best),
		MEMORY(a_long_text_is_cut_around_what_was_found),
		cmocka_unit_test(any_marked_text_is_cut_at_characters_and_keeps_its_marks_in_pairs),
	};
	return cmocka_run_group_tests_name("store search", tests, NULL, NULL);
}
