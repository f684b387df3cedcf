/* test_store_facts_gone.c -- words of what was erased are in no file, and damage is found and not fatal. */
#include "tests/support/fact_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* Neighbouring words share beginnings in the index: their ends are looked for. */

static const char *const rare[] = {
	"qzxkelvorin", "wyvtamdrosk", "jebuqhalpif", "xogruntebly", "ukfimzarwed", "hidpoqsentu"};

static bool in_files(struct fixture *f, const char *word)
{
	return fixture_file_holds(f, "quire.db", word + 4, 7) ||
		fixture_file_holds(f, "quire.db-wal", word + 4, 7);
}

static void rare_log(struct store_req *q, const struct fake_log *l)
{
	static const uint8_t kinds[] = {FACT_DEFINITION, FACT_FRAMEWORK, FACT_PROFILE};
	char text[6][64];
	const char *list[6];
	for (size_t i = 0; i < 6; i++) {
		snprintf(text[i] + 3, 60, "Plain title|the word %s stands here", rare[i]);
		text[i][0] = (char)kinds[i % 3];
		text[i][1] = text[i][2] = 0;
		list[i] = text[i];
	}
	clear_run_req(q, l, 0, 6, list);
}

static void erased_words_leave_the_files(void **state)
{
	struct fixture *f = *state;
	for (unsigned i = 2; i < 40; i++) { /* others, before and between */
		struct fake_log *m = clear_log_new(i, 5);
		assert_int_equal(put_clear(f, m, 0, 5, records), OK);
		free(m);
	}
	struct fake_log *l = clear_log_new(1, 6);
	struct store_req put, erase[2] = {erase_req(l, 0), erase_req(l, 1)};
	/* One comes and goes in one transaction. */
	rare_log(&put, l);
	run_two(f, &put, &erase[0], OK);
	store_req_free(&put);
	assert_false(in_files(f, rare[0]));
	assert_true(in_files(f, rare[1]));
	assert_int_equal(found(f, rare[1]), 1);
	assert_int_equal(run(f, &erase[1], NULL), OK);
	assert_int_equal(found(f, rare[1]), 0);
	assert_false(in_files(f, rare[1]));
	/* Moved aside, and then erased there. */
	struct store_req move = {.op = STORE_SIDE_MOVE, .a.log = l->log, .a.first = 5};
	assert_int_equal(run(f, &move, NULL), OK);
	assert_int_equal(found(f, rare[5]), 0);
	assert_true(in_files(f, rare[5])); /* its body */
	struct store_req aside = erase_req(l, 5);
	assert_int_equal(run(f, &aside, NULL), OK);
	assert_false(in_files(f, rare[5]));
	for (size_t i = 2; i < 5; i++)
		assert_int_equal(found(f, rare[i]), 1);
	assert_int_equal(store_rebuild(f->store), OK);
	fact_reopen(f, made_up_facts);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(in_files(f, rare[i]), i >= 2 && i < 5);
	free(l);
}

static void words_of_a_fact_that_is_dropped_leave_the_files(void **state)
{
	struct fixture *f = *state;
	struct fact fact = fact_at(FACT_DEFINITION, 1, 1);
	struct fact_words words = {.text = {slice_str(rare[0])}};
	/* The very first words of an index, alone in it. */
	assert_int_equal(put_facts(f, &fact, 1, &words), OK);
	assert_true(in_files(f, rare[0]));
	words.text[0] = slice_str(rare[1]);
	assert_int_equal(put_facts(f, &fact, 1, &words), OK);
	assert_false(in_files(f, rare[0]));
	assert_true(in_files(f, rare[1]));
	struct store_req drop = {.op = STORE_FACT_DROP, .a.log = fact.at.log, .a.seq = 1};
	assert_int_equal(run(f, &drop, NULL), OK);
	assert_false(in_files(f, rare[1]));
	struct store_req put = {.op = STORE_FACT_PUT, .a.facts = &fact, .a.facts_n = 1, .a.words = &words};
	run_two(f, &put, &drop, OK);
	assert_false(in_files(f, rare[1]));
}

/* ---- a damaged database */

static uint64_t seed = 815;

static uint32_t next_random(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33);
}

static void spoil(const char *path, size_t size, int bytes)
{
	FILE *db = fopen(path, "r+b");
	must(db != NULL, path);
	for (int i = 0; i < bytes; i++) {
		must(fseek(db, (long)(next_random() % size), SEEK_SET) == 0, path);
		fputc((int)(next_random() & 0xff), db);
	}
	must(fclose(db) == 0, path);
}

/* Any error is right, a crash is not. */
static size_t use_facts(struct fixture *f, const struct fake_log *l)
{
	static const char *const typed[] = {"compass", "reading maps", "review", "awar", "swimmi", "word"};
	size_t failed = 0;
	for (size_t i = 0; i < sizeof typed / sizeof typed[0]; i++) {
		struct store_req q = {.op = STORE_FACT_SEARCH, .a.bytes = slice_str(typed[i])};
		failed += run(f, &q, NULL) != OK;
	}
	struct store_req asks[] = {{.op = STORE_FACT_ALL}, {.op = STORE_FACT_BY, .a.identity = l->identity},
		{.op = STORE_FACT_ABOUT, .a.id = fake_id(7, 1)},
		{.op = STORE_FACT_PARTY, .a.identity = fake_id(3, 2)}, {.op = STORE_FACT_AT, .a.log = l->log},
		erase_req(l, 0), erase_req(l, 3), {.op = STORE_FACT_DROP, .a.log = l->log, .a.seq = 2}};
	for (size_t i = 0; i < sizeof asks / sizeof asks[0]; i++)
		failed += run(f, &asks[i], NULL) != OK;
	return failed;
}

static void damaged_facts_give_errors_and_never_a_crash(void **state)
{
	struct fixture *f = *state;
	for (unsigned i = 2; i < 40; i++) {
		struct fake_log *m = clear_log_new(i, 5);
		assert_int_equal(put_clear(f, m, 0, 5, records), OK);
		free(m);
	}
	struct fake_log *l = clear_log_new(1, 5);
	assert_int_equal(put_clear(f, l, 0, 5, records), OK);
	fixture_close(f);
	char path[512], good[512];
	fixture_path(f, "quire.db", path);
	fixture_path(f, "good", good);
	fixture_copy_file(path, good);
	struct stat st;
	assert_int_equal(stat(good, &st), 0);
	size_t failed = 0, rebuilt = 0;
	struct store_options o = {.home = f->home, .facts = made_up_facts};
	for (int round = 0; round < 200; round++) {
		fixture_copy_file(good, path);
		spoil(path, (size_t)st.st_size, 1 + round % 20 * 8);
		if (store_open(&o, &f->store) != OK)
			continue;
		failed += use_facts(f, l) > 0;
		rebuilt += store_rebuild(f->store) == OK;
		use_facts(f, l);
		fixture_close(f);
	}
	assert_true(failed > 20);
	assert_true(rebuilt > 0);
	free(l);
}

#define FACTS(name) cmocka_unit_test_setup_teardown(name, fact_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FACTS(erased_words_leave_the_files),
		FACTS(words_of_a_fact_that_is_dropped_leave_the_files),
		FACTS(damaged_facts_give_errors_and_never_a_crash),
	};
	return cmocka_run_group_tests_name("store facts gone", tests, NULL, NULL);
}
