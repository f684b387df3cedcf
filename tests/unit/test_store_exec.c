/* test_store_exec.c -- batches, full disks, other databases, damaged ones, migrations, readers. */
#include "store/db.h"
#include "tests/support/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void sixty_four_callers_share_one_commit(void **state)
{
	struct fixture *f = *state;
	struct store_req reqs[64];
	struct store_req *list[64];
	struct store_res res[64];
	struct fake_log *logs[64];
	for (unsigned i = 0; i < 64; i++) {
		logs[i] = fake_log_new(100 + i, 1);
		run_put_req(&reqs[i], logs[i], 0, 1, NULL);
		reqs[i].tag = i;
		list[i] = &reqs[i];
	}
	uint64_t before = store_commits(f->store);
	store_exec(f->store, list, res, 64);
	assert_int_equal(store_commits(f->store), before + 1);
	for (unsigned i = 0; i < 64; i++) {
		assert_int_equal(res[i].err, OK);
		assert_int_equal(res[i].tag, i);
		assert_int_equal(res[i].r.number, i + 1);
		store_res_free(&res[i]);
		store_req_free(&reqs[i]);
		free(logs[i]);
	}
}

static void a_refused_write_leaves_the_others_of_its_batch_intact(void **state)
{
	struct fixture *f = *state;
	struct fake_log *l = fake_log_new(1, 20);
	struct store_req reqs[5];
	struct store_res res[5];
	struct store_req *list[5];
	run_put_req(&reqs[0], l, 0, 5, NULL);
	run_put_req(&reqs[1], l, 9, 12, NULL); /* refused */
	run_put_req(&reqs[2], l, 5, 9, NULL);
	reqs[3] = (struct store_req){.op = STORE_LOG_GET, .a.log = l->log}; /* sees what came before it */
	run_put_req(&reqs[4], l, 9, 12, NULL);
	for (size_t i = 0; i < 5; i++)
		list[i] = &reqs[i];
	store_exec(f->store, list, res, 5);
	static const enum err wanted[] = {OK, ERR_CHAIN, OK, OK, OK};
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(res[i].err, wanted[i]);
	assert_int_equal(res[3].r.logs->length, 9);
	assert_int_equal(res[4].r.number, 3); /* the refused one took no number */
	for (size_t i = 0; i < 5; i++) {
		store_res_free(&res[i]);
		store_req_free(&reqs[i]);
	}
	assert_int_equal(store_commits(f->store), 1);
	fixture_reopen(f);
	assert_int_equal(get_log(f, &l->log).length, 12);
	assert_int_equal(last_number(f), 3);
	free(l);
}

static void expect_full_then_recovery(
	struct fixture *f, struct fake_log *l, void (*make_room)(struct fixture *f))
{
	struct store_req reqs[3];
	struct store_res res[3];
	struct store_req *list[3] = {&reqs[0], &reqs[1], &reqs[2]};
	size_t length = (size_t)get_log(f, &l->log).length;
	enum err e = OK;
	while (e == OK && length < l->n) {
		e = put(f, l, length, length + 1);
		length += e == OK;
	}
	assert_int_equal(e, ERR_FULL);
	/* The whole batch fails, reads go on, and see nothing of it. */
	reqs[0] = (struct store_req){
		.op = STORE_META_PUT, .a.key = slice_str("small"), .a.value = slice_str("x")};
	run_put_req(&reqs[1], l, length, length + 1, NULL);
	reqs[2] = (struct store_req){.op = STORE_LOG_GET, .a.log = l->log};
	store_exec(f->store, list, res, 3);
	assert_int_equal(res[0].err, ERR_FULL);
	assert_int_equal(res[1].err, ERR_FULL);
	assert_int_equal(res[2].err, OK);
	assert_int_equal(res[2].r.logs->length, length);
	for (size_t i = 0; i < 3; i++) {
		store_res_free(&res[i]);
		store_req_free(&reqs[i]);
	}
	struct store_req get = {.op = STORE_META_GET, .a.key = slice_str("small")};
	assert_int_equal(run(f, &get, NULL), ERR_NOT_FOUND);
	make_room(f);
	assert_int_equal(put(f, l, length, length + 1), OK);
	assert_int_equal(get_log(f, &l->log).length, length + 1);
}

static void lift_page_limit(struct fixture *f)
{
	assert_int_equal(
		sqlite3_exec(f->store->db, "PRAGMA max_page_count = 1000000", NULL, NULL, NULL), SQLITE_OK);
}

static void a_full_database_refuses_writes_and_goes_on_by_itself(void **state)
{
	struct fixture *f = *state;
	struct fake_log *l = fake_log_new(2, FAKE_ENTRIES_MAX);
	assert_int_equal(put(f, l, 0, 1), OK);
	assert_int_equal(
		sqlite3_exec(f->store->db, "PRAGMA max_page_count = 60", NULL, NULL, NULL), SQLITE_OK);
	expect_full_then_recovery(f, l, lift_page_limit);
	free(l);
}

static void remove_ballast(struct fixture *f)
{
	char path[512];
	fixture_path(f, "ballast", path);
	assert_int_equal(unlink(path), 0);
}

static void a_full_disk_refuses_writes_and_goes_on_by_itself(void **state)
{
	struct fixture *f = *state;
	fixture_close(f);
	if (mount("none", f->home, "tmpfs", 0, "size=1500k") != 0)
		skip(); /* only root may mount */
	char path[512];
	struct store_options o = {.home = f->home, .create = true};
	assert_int_equal(store_open(&o, &f->store), OK);
	struct fake_log *l = fake_log_new(3, FAKE_ENTRIES_MAX);
	assert_int_equal(put(f, l, 0, 1), OK);
	fixture_path(f, "ballast", path);
	FILE *out = fopen(path, "wb");
	assert_non_null(out);
	for (int i = 0; i < 300; i++)
		fwrite(l->headers, 1, 1024, out);
	fclose(out);
	expect_full_then_recovery(f, l, remove_ballast);
	fixture_close(f);
	assert_int_equal(umount2(f->home, MNT_DETACH), 0);
	free(l);
}

static void a_second_writer_is_turned_away_and_a_reader_is_not(void **state)
{
	struct fixture *f = *state;
	struct fake_log *l = fake_log_new(4, 4);
	struct store *second = NULL, *reader = NULL;
	struct store_options o = {.home = f->home};
	assert_int_equal(store_open(&o, &second), ERR_BUSY);
	o.read_only = true;
	assert_int_equal(store_open(&o, &reader), OK);
	assert_int_equal(put(f, l, 0, 2), OK);
	struct store_req q = {.op = STORE_LOG_GET, .a.log = l->log};
	struct store_res r;
	store_exec_one(reader, &q, &r);
	assert_int_equal(r.err, OK);
	assert_int_equal(r.r.logs->length, 2);
	store_res_free(&r);
	q.op = STORE_NUMBER;
	store_exec_one(reader, &q, &r);
	assert_int_equal(r.r.number, 1);
	run_put_req(&q, l, 2, 4, NULL);
	store_exec_one(reader, &q, &r);
	assert_int_equal(r.err, ERR_REFUSED);
	store_req_free(&q);
	assert_int_equal(store_rebuild(reader), ERR_REFUSED);
	store_close(reader);
	assert_int_equal(put(f, l, 2, 4), OK);
	fixture_close(f);
	o.read_only = false;
	assert_int_equal(store_open(&o, &second), OK);
	store_close(second);
	free(l);
}

static void a_home_without_a_database_is_not_made_unasked(void **state)
{
	struct fixture *f = *state;
	struct store *s = NULL;
	char path[512];
	fixture_path(f, "nowhere", path);
	struct store_options o = {.home = path, .create = true};
	assert_int_equal(store_open(&o, &s), ERR_NOT_FOUND);
	assert_int_equal(mkdir(path, 0700), 0);
	o.create = false;
	assert_int_equal(store_open(&o, &s), ERR_NOT_FOUND);
	o.create = true;
	assert_int_equal(store_open(&o, &s), OK);
	store_close(s);
}

/* Runs SQL on the closed database, beside the store. */
static void change(struct fixture *f, const char *sql)
{
	sqlite3 *db;
	char path[512];
	fixture_path(f, "quire.db", path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static enum err open_again(struct fixture *f)
{
	struct store_options o = {.home = f->home, .create = true};
	return store_open(&o, &f->store);
}

static void a_newer_database_is_left_alone(void **state)
{
	struct fixture *f = *state;
	fixture_close(f);
	change(f, "PRAGMA user_version = 10");
	assert_int_equal(open_again(f), ERR_NEWER);
	change(f, "PRAGMA user_version = 9");
	assert_int_equal(open_again(f), OK);
}

static void a_database_of_somebody_else_is_left_alone(void **state)
{
	struct fixture *f = *state;
	fixture_close(f);
	change(f, "PRAGMA user_version = 0");
	assert_int_equal(open_again(f), ERR_CORRUPT);
}

static void a_migration_keeps_a_copy_of_what_was_there(void **state)
{
	struct fixture *f = *state;
	struct fake_log *l = fake_log_new(5, 40);
	char path[512];
	assert_int_equal(put(f, l, 0, 40), OK);
	fixture_close(f);
	fixture_path(f, "quire.db.before-2", path);
	assert_int_equal(access(path, F_OK), -1); /* a new database needed none */
	change(f,
		"DROP TABLE unattached; DROP TABLE pin; DROP TABLE blob_leaves; DROP TABLE blob; DROP TABLE fork; DROP TABLE side;"
		"DROP TABLE admission; DROP TABLE introduction; ALTER TABLE peer DROP COLUMN ended;"
		"DROP TABLE admission_entry; DROP TABLE admission_state; DROP TABLE network_log; ALTER TABLE peer DROP COLUMN joined; ALTER TABLE peer DROP COLUMN moved;"
		"DROP TABLE notice; DROP TABLE guest; DROP TABLE declined;"
		"DROP TABLE peer_relay; ALTER TABLE peer DROP COLUMN own_word;"
		"DROP TABLE peer_heard; DROP INDEX peer_follow_identity; ALTER TABLE peer DROP COLUMN relaying;"
		"ALTER TABLE peer DROP COLUMN through; ALTER TABLE peer DROP COLUMN told_s;"
		"DROP TABLE fact; DROP TABLE fact_text; DROP TABLE fact_state; PRAGMA user_version = 1");
	assert_int_equal(open_again(f), OK);
	assert_int_equal(get_log(f, &l->log).length, 40);
	struct store_req list = {.op = STORE_BLOB_LIST};
	assert_int_equal(run(f, &list, NULL), OK);
	sqlite3 *copy;
	sqlite3_stmt *st;
	assert_int_equal(sqlite3_open_v2(path, &copy, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(copy,
				 "SELECT (SELECT count(*) FROM entry), user_version FROM pragma_user_version",
				 -1, &st, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int(st, 0), 40);
	assert_int_equal(sqlite3_column_int(st, 1), 1);
	sqlite3_finalize(st);
	sqlite3_close(copy);
	free(l);
}

/* Everything that reads, and a few that write: any error is right, a crash is not. */
static void use_everything(struct fixture *f, const struct fake_log *l)
{
	static const uint64_t seqs[] = {0, 30, 63, 64, 199};
	for (int op = 0; op < STORE_OP_COUNT; op++) {
		struct store_peer peer = {.node = {{1}}};
		struct store_invite invite = {.hash = {{1}}};
		struct store_req q = {.op = (enum store_op)op};
		if (op == STORE_RUN_PUT)
			run_put_req(&q, l, 200, 210, NULL);
		q.a.log = l->log;
		q.a.identity = l->identity;
		q.a.max = 100000;
		if (op != STORE_RUN_PUT) {
			q.a.seqs = seqs;
			q.a.n = op == STORE_IDS || op == STORE_BODY_GET ? 5 : 0;
			q.a.id = l->ids[0];
		}
		q.a.peer = &peer;
		q.a.invite = &invite;
		q.a.key = q.a.value = slice_str("key");
		enum err e = run(f, &q, NULL);
		(void)e;
	}
}

static uint64_t damage_seed = 4711;

static uint32_t damage_random(void)
{
	damage_seed = damage_seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(damage_seed >> 33);
}

static void count_finding(void *ctx, const char *text)
{
	(void)text;
	++*(size_t *)ctx;
}

static void a_damaged_database_gives_errors_and_never_a_crash(void **state)
{
	struct fixture *f = *state;
	struct fake_log *l = fake_log_new(6, 300);
	assert_int_equal(put_identity(f, l, 20, NULL, NULL), OK);
	assert_int_equal(put(f, l, 0, 200), OK);
	size_t found = 0, found_rounds = 0;
	assert_int_equal(store_check(f->store, count_finding, &found), OK);
	assert_int_equal(found, 0);
	fixture_close(f);
	char path[512], good[512];
	fixture_path(f, "quire.db", path);
	fixture_path(f, "good", good);
	fixture_copy_file(path, good);
	struct stat st;
	assert_int_equal(stat(good, &st), 0);
	for (int round = 0; round < 60; round++) {
		fixture_copy_file(good, path);
		FILE *db = fopen(path, "r+b");
		assert_non_null(db);
		for (int i = 0; i < 1 + round % 20 * 10; i++) {
			assert_int_equal(
				fseek(db, (long)(damage_random() % (unsigned)st.st_size), SEEK_SET), 0);
			fputc((int)(damage_random() & 0xff), db);
		}
		fclose(db);
		if (open_again(f) != OK) {
			found_rounds++;
			continue;
		}
		use_everything(f, l);
		found = 0;
		enum err e = store_check(f->store, count_finding, &found);
		e = e == OK ? store_rebuild(f->store) : e;
		found_rounds += found > 0 || e != OK;
		fixture_close(f);
	}
	assert_true(found_rounds > 30);
	free(l);
}

static void an_fsync_that_failed_is_final(void **state)
{
	struct fixture *f = *state;
	struct fake_log *l = fake_log_new(7, 2);
	assert_int_equal(db_fault(f->store, SQLITE_IOERR_FSYNC), ERR_IO);
	assert_int_equal(put(f, l, 0, 1), ERR_IO);
	assert_int_equal(store_rebuild(f->store), ERR_IO);
	struct store_req q = {.op = STORE_NUMBER};
	assert_int_equal(run(f, &q, NULL), OK);
	fixture_reopen(f);
	assert_int_equal(put(f, l, 0, 1), OK);
	free(l);
}

static void codes_of_sqlite_become_errors_of_ours(void **state)
{
	struct fixture *f = *state;
	static const struct {
		int rc;
		enum err e;
	} cases[] = {
		{SQLITE_FULL, ERR_FULL},
		{SQLITE_BUSY, ERR_BUSY},
		{SQLITE_BUSY_SNAPSHOT, ERR_BUSY},
		{SQLITE_CORRUPT_VTAB, ERR_CORRUPT},
		{SQLITE_NOTADB, ERR_CORRUPT},
		{SQLITE_NOMEM, ERR_MEMORY},
		{SQLITE_IOERR_READ, ERR_IO},
		{SQLITE_CANTOPEN, ERR_IO},
		{SQLITE_CONSTRAINT_UNIQUE, ERR_CORRUPT},
		{SQLITE_READONLY, ERR_IO},
		{SQLITE_TOOBIG, ERR_LIMIT},
		{SQLITE_OK, OK},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(db_fault(f->store, cases[i].rc), cases[i].e);
	assert_non_null(strstr(store_last_error(f->store), "sqlite"));
}

static void more_logs_than_the_batchs_copy_holds(void **state)
{
	struct fixture *f = *state;
	enum { LOGS = STORE_LOGS_MAX + 100 };
	struct fake_log *l = fake_log_new(8, 2);
	struct store_req *reqs = calloc(LOGS, sizeof *reqs);
	struct store_req **list = calloc(LOGS, sizeof *list);
	struct store_res *res = calloc(LOGS, sizeof *res);
	assert_true(reqs && list && res);
	for (unsigned i = 0; i < LOGS; i++) {
		run_put_req(&reqs[i], l, 0, 2, NULL);
		reqs[i].a.log = fake_id(i, 1);
		list[i] = &reqs[i];
	}
	store_exec(f->store, list, res, LOGS);
	for (unsigned i = 0; i < LOGS; i++) {
		assert_int_equal(res[i].err, OK);
		struct id32 log = fake_id(i, 1);
		assert_int_equal(get_log(f, &log).length, 2);
		store_req_free(&reqs[i]);
		store_res_free(&res[i]);
	}
	free(reqs);
	free(list);
	free(res);
	free(l);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sixty_four_callers_share_one_commit),
		TEST(a_refused_write_leaves_the_others_of_its_batch_intact),
		TEST(a_full_database_refuses_writes_and_goes_on_by_itself),
		TEST(a_full_disk_refuses_writes_and_goes_on_by_itself),
		TEST(a_second_writer_is_turned_away_and_a_reader_is_not),
		TEST(a_home_without_a_database_is_not_made_unasked),
		TEST(a_newer_database_is_left_alone),
		TEST(a_database_of_somebody_else_is_left_alone),
		TEST(a_migration_keeps_a_copy_of_what_was_there),
		TEST(a_damaged_database_gives_errors_and_never_a_crash),
		TEST(an_fsync_that_failed_is_final),
		TEST(codes_of_sqlite_become_errors_of_ours),
		TEST(more_logs_than_the_batchs_copy_holds),
	};
	return cmocka_run_group_tests_name("store exec", tests, NULL, NULL);
}
