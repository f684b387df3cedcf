/* test_store_start.c -- which home is the one that was left, and which was copied, restored or rolled back. */
#include "tests/support/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

static struct fake_log *own_log(struct fixture *f)
{
	struct fake_log *l = fake_log_new(1, 8);
	struct store_req own = {
		.op = STORE_OWN_PUT, .a.log = l->log, .a.identity = l->identity, .a.own = OWN_ACTIVE};
	assert_int_equal(run(f, &own, NULL), OK);
	assert_int_equal(put(f, l, 0, 4), OK);
	return l;
}

static void expect_start(struct fixture *f, unsigned instance, const struct fake_log *l, bool restored)
{
	bool found;
	fixture_reopen(f);
	start(f, instance, &found);
	assert_int_equal(found, restored);
	assert_int_equal(get_log(f, &l->log).own, restored ? OWN_RETIRED : OWN_ACTIVE);
}

static void a_home_that_stayed_in_place_goes_on(void **state)
{
	struct fixture *f = *state;
	start(f, 1, NULL);
	struct fake_log *l = own_log(f);
	struct store_req release = {.op = STORE_OWN_RELEASE, .a.log = l->log, .a.seq = 4};
	assert_int_equal(run(f, &release, NULL), OK);
	for (unsigned i = 2; i < 6; i++) {
		expect_start(f, i, l, false);
		assert_int_equal(get_log(f, &l->log).held_from, 4); /* held again at each start */
	}
	free(l);
}

static void a_copied_folder_is_noticed(void **state)
{
	struct fixture *f = *state, copy = {0};
	start(f, 1, NULL);
	struct fake_log *l = own_log(f);
	fixture_close(f);
	snprintf(copy.home, sizeof copy.home, "%.200s.copy", f->home);
	fixture_copy_home(f->home, copy.home);
	expect_start(&copy, 2, l, true);
	expect_start(f, 2, l, false); /* the one that stayed */
	/* The copy was told once; its logs stay closed to it. */
	fixture_reopen(&copy);
	bool found;
	start(&copy, 3, &found);
	assert_false(found);
	assert_int_equal(get_log(&copy, &l->log).own, OWN_RETIRED);
	fixture_close(&copy);
	fixture_remove_tree(copy.home);
	free(l);
}

static void an_older_database_put_back_is_noticed(void **state)
{
	struct fixture *f = *state;
	char path[512], backup[512];
	fixture_path(f, "quire.db", path);
	fixture_path(f, "backup", backup);
	start(f, 1, NULL);
	struct fake_log *l = own_log(f);
	fixture_close(f);
	fixture_copy_file(path, backup);
	fixture_reopen(f);
	start(f, 2, NULL);
	assert_int_equal(put(f, l, 4, 6), OK);
	fixture_close(f);
	fixture_copy_file(backup, path);
	expect_start(f, 3, l, true);
	free(l);
}

static void a_lost_side_file_is_noticed(void **state)
{
	struct fixture *f = *state;
	char path[512];
	fixture_path(f, "instance", path);
	start(f, 1, NULL);
	struct fake_log *l = own_log(f);
	assert_int_equal(unlink(path), 0);
	expect_start(f, 2, l, true);
	free(l);
}

static void change(struct fixture *f, const char *sql)
{
	sqlite3 *db;
	char path[512];
	fixture_close(f);
	fixture_path(f, "quire.db", path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void another_machine_is_noticed(void **state)
{
	struct fixture *f = *state;
	start(f, 1, NULL);
	struct fake_log *l = own_log(f);
	change(f, "UPDATE place SET machine = x'00'");
	expect_start(f, 2, l, true);
	free(l);
}

static void a_crash_anywhere_in_a_start_is_no_restore(void **state)
{
	struct fixture *f = *state;
	char path[512];
	fixture_path(f, "instance", path);
	start(f, 1, NULL);
	struct fake_log *l = own_log(f);
	/* After the first commit: the database expects a token that the side file does not have yet. */
	change(f, "UPDATE place SET next = x'0102030405060708090a0b0c0d0e0f10'");
	expect_start(f, 2, l, false);
	/* After the side file was written: it has the token that the database expects next. */
	change(f, "UPDATE place SET next = x'0102030405060708090a0b0c0d0e0f10'");
	FILE *side = fopen(path, "r+b");
	assert_non_null(side);
	for (int i = 1; i <= 16; i++)
		fputc(i, side);
	fclose(side);
	expect_start(f, 3, l, false);
	free(l);
}

static void a_reader_starts_nothing(void **state)
{
	struct fixture *f = *state;
	struct store *reader;
	struct store_options o = {.home = f->home, .read_only = true};
	bool restored;
	const char *why;
	static const uint8_t instance[16] = {1};
	assert_int_equal(store_open(&o, &reader), OK);
	assert_int_equal(store_start(reader, instance, &restored, &why), ERR_REFUSED);
	store_close(reader);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_home_that_stayed_in_place_goes_on),
		TEST(a_copied_folder_is_noticed),
		TEST(an_older_database_put_back_is_noticed),
		TEST(a_lost_side_file_is_noticed),
		TEST(another_machine_is_noticed),
		TEST(a_crash_anywhere_in_a_start_is_no_restore),
		TEST(a_reader_starts_nothing),
	};
	return cmocka_run_group_tests_name("store start", tests, NULL, NULL);
}
