/* timeout: 900
 * A node's first start, a later one, and one on the database of an older version, while any one call to memory, store or disk fails, or all
 * from one on: sweep.h. */
#include "tests/fault/sweep.h"

#define SHARE 9.0 /* seconds a job */

static void run_start(void)
{
	start_down(sw.ann);
	world_run(&sw.w, 1000);
}

static bool done_start(void)
{
	return sw.ann->engine && sw.ann->ready;
}

static void prepare_first(void)
{
	struct id32 key;
	struct random_source rnd = world_random_source(&sw.w);
	random_fill(&rnd, key.b, 32);
	sw.ann = world_node_open(&sw.w, "ann", &key);
	stop(sw.ann);
	if (nftw(sw.ann->home, drop, 16, FTW_DEPTH | FTW_PHYS) != 0)
		abort(); /* its folder is there, and nothing in it */
}

static void prepare_later(void)
{
	sw.ann = world_node_new(&sw.w, "ann");
	if (world_person_new(sw.ann, &sw.person) != OK)
		abort();
	for (int i = 0; i < 3; i++) {
		struct engine_event ev = world_append(sw.ann, &sw.person, 100);
		acknowledged(&ev);
	}
	stop(sw.ann);
}

/* ---- an older version ---- */

static void sql(sqlite3 *db, const char *text)
{
	char *why = NULL;
	if (sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK) {
		fprintf(stderr, "%s: %s\n", text, why);
		abort();
	}
}

/* Each table of the old database gets, of the columns that it has, what stands in the new one. */
static void copy_tables(sqlite3 *db)
{
	sqlite3_stmt *list;
	if (sqlite3_prepare_v2(db,
		    "SELECT 'REPLACE INTO main.' || t.name || '(' || group_concat(c.name) || ') SELECT ' || group_concat(c.name) ||"
		    " ' FROM new.' || t.name FROM main.sqlite_schema t, pragma_table_info(t.name) c WHERE t.type = 'table' GROUP BY t.name",
		    -1, &list, NULL) != SQLITE_OK)
		abort();
	while (sqlite3_step(list) == SQLITE_ROW)
		sql(db, (const char *)sqlite3_column_text(list, 0));
	sqlite3_finalize(list);
}

static void make_old(void)
{
	static const char *const first[] = {
#define MIGRATION(version, text) text,
#include "store/schema.def"
#undef MIGRATION
	};
	char path[600], new[600], attach[700];
	sqlite3 *db;
	snprintf(path, sizeof path, "%s/quire.db", sw.ann->home);
	snprintf(new, sizeof new, "%s/new.db", sw.ann->home);
	snprintf(attach, sizeof attach, "ATTACH '%s' AS new", new);
	if (rename(path, new) != 0 || sqlite3_open(path, &db) != SQLITE_OK)
		abort();
	sql(db, "PRAGMA application_id = 1366649202; PRAGMA page_size = 4096; BEGIN");
	sql(db, first[0]);
	sql(db, "PRAGMA user_version = 1; COMMIT");
	sql(db, attach);
	copy_tables(db);
	sqlite3_close(db);
	if (unlink(new) != 0)
		abort();
}

static void prepare_migrate(void)
{
	prepare_later();
	start_down(sw.ann);
	world_run(&sw.w, 1000);
	store_close(sw.ann->store); /* in peace: its database is one file */
	sw.ann->store = NULL;
	stop(sw.ann);
	make_old();
}

static void a_first_start_survives_whatever_fails(void **state)
{
	static const struct job job = {
		.name = "first", .prepare = prepare_first, .run = run_start, .done = done_start};
	(void)state;
	sweep(&job, SHARE);
}

static void a_later_start_survives_whatever_fails(void **state)
{
	static const struct job job = {
		.name = "later", .prepare = prepare_later, .run = run_start, .done = done_start};
	(void)state;
	sweep(&job, SHARE);
}

static void a_migration_survives_whatever_fails(void **state)
{
	static const struct job job = {
		.name = "migrate", .prepare = prepare_migrate, .run = run_start, .done = done_start};
	(void)state;
	sweep(&job, SHARE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_first_start_survives_whatever_fails),
		cmocka_unit_test(a_later_start_survives_whatever_fails),
		cmocka_unit_test(a_migration_survives_whatever_fails),
	};
	faulty_install(true);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
