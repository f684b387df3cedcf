/* test_store_facts_made.c -- facts that the store makes from clear bodies: with them, gone with them, made again from them. */
#include "tests/support/fact_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>
#include <sqlite3.h>

static struct store_req at_req(const struct id32 *log, uint64_t seq)
{
	return (struct store_req){.op = STORE_FACT_AT, .a.log = *log, .a.seq = seq};
}

static void clear_bodies_say_their_facts_as_they_are_stored(void **state)
{
	struct fixture *f = *state;
	struct fake_log *l = clear_log_new(1, 5);
	assert_int_equal(put_clear(f, l, 0, 5, records), OK);
	struct store_res r = ask(f, at_req(&l->log, 2));
	assert_int_equal(r.r.n, 1);
	const struct fact *got = r.r.facts;
	struct id32 about = fake_id(7, 1), party = fake_id(3, 2);
	assert_int_equal(got->kind, FACT_REVIEW);
	assert_true(id32_equal(&got->about, &about));
	assert_true(id32_equal(&got->party, &party));
	assert_true(id32_equal(&got->author, &l->identity));
	assert_true(id32_equal(&got->at.id, &l->ids[2]));
	assert_int_equal(got->hour, 500002);
	assert_int_equal(got->flags, 0);
	assert_int_equal(got->data.n, 9);
	store_res_free(&r);
	r = ask(f, at_req(&l->log, 4));
	assert_int_equal(r.r.n, 1);
	assert_true(id32_equal(&r.r.facts[0].at.id, &l->ids[4]));
	store_res_free(&r);
	assert_int_equal(count_of(f, at_req(&l->log, 1)), 0);
	assert_int_equal(count_of(f, at_req(&l->log, 3)), 2);
	assert_int_equal(count_of(f, (struct store_req){.op = STORE_FACT_BY, .a.identity = l->identity}), 5);
	/* The same bytes under a sealed header say nothing. */
	struct fake_log *m = clear_log_new(2, 5);
	for (size_t i = 0; i < 5; i++)
		m->headers[i][1] = 1;
	assert_int_equal(put_clear(f, m, 0, 5, records), OK);
	assert_int_equal(count_of(f, (struct store_req){.op = STORE_FACT_BY, .a.identity = m->identity}), 0);
	free(l);
	free(m);
}

/* Reviews (13) are not kept: found by their entry, and by nothing else; rebuilt too, and by a reader. */
static void facts_made_late_are_found_by_their_entry_alone(void **state)
{
	struct fixture *f = *state;
	fixture_close(f);
	struct store_options o = {.home = f->home,
		.create = true,
		.facts = made_up_facts,
		.facts_made_late = FACT_MASK(FACT_REVIEW)};
	assert_int_equal(store_open(&o, &f->store), OK);
	struct fake_log *l = clear_log_new(1, 5);
	assert_int_equal(put_clear(f, l, 0, 5, records), OK);
	for (int round = 0; round < 2; round++) {
		struct id32 about = fake_id(7, 1);
		struct store_res r = ask(f, at_req(&l->log, 2));
		assert_int_equal(r.r.n, 1);
		assert_int_equal(r.r.facts->kind, FACT_REVIEW);
		assert_true(
			id32_equal(&r.r.facts->about, &about) && id32_equal(&r.r.facts->at.id, &l->ids[2]));
		assert_true(id32_equal(&r.r.facts->author, &l->identity) && !r.r.facts->cut);
		assert_int_equal(r.r.facts->hour, 500002);
		store_res_free(&r);
		assert_int_equal(count_of(f, at_req(&l->log, 0)), 1);
		assert_int_equal(count_of(f, at_req(&l->log, 1)), 0);
		assert_int_equal(count_of(f, at_req(&l->log, 99)), 0);
		/* A definition and an award with what it names. */
		assert_int_equal(
			count_of(f, (struct store_req){.op = STORE_FACT_BY, .a.identity = l->identity}), 3);
		assert_int_equal(store_rebuild(f->store), OK);
	}
	struct id32 nobody = fake_id(99, 9);
	assert_int_equal(count_of(f, at_req(&nobody, 0)), 0);
	uint64_t length = 2;
	assert_int_equal(put_identity(f, l, 2, &length, &l->ids[1]), OK);
	struct store_res r = ask(f, at_req(&l->log, 2));
	assert_true(r.r.n == 1 && r.r.facts->cut);
	store_res_free(&r);
	free(l);
}

static void a_body_that_comes_later_says_its_facts_then(void **state)
{
	struct fixture *f = *state;
	struct fake_log *l = clear_log_new(1, 3);
	const char *const absent[] = {NULL, NULL, NULL};
	assert_int_equal(put_clear(f, l, 0, 3, absent), OK);
	assert_int_equal(count_of(f, (struct store_req){.op = STORE_FACT_ALL}), 0);
	uint8_t body[40] = "ssssssssssssssssssssssssssssssss\15\7\3late";
	for (uint64_t seq = 1; seq < 3; seq++) {
		struct store_req q = {.op = STORE_BODY_PUT, .a.log = l->log, .a.seq = seq};
		q.a.id = l->ids[seq];
		q.a.bytes = slice_of(body, 39);
		assert_int_equal(run(f, &q, NULL), OK);
		struct store_res r = ask(f, at_req(&l->log, seq));
		assert_int_equal(r.r.n, 1);
		assert_true(id32_equal(&r.r.facts[0].at.id, &l->ids[seq]));
		assert_int_equal(r.r.facts[0].hour, 500000 + seq);
		store_res_free(&r);
	}
	free(l);
}

static void facts_behind_a_closing_are_marked_and_behind_a_fork_go(void **state)
{
	struct fixture *f = *state;
	struct fake_log *l = clear_log_new(1, 5);
	assert_int_equal(put_clear(f, l, 0, 5, records), OK);
	uint64_t length = 4;
	assert_int_equal(put_identity(f, l, 2, &length, &l->ids[3]), OK);
	struct store_req about = {.op = STORE_FACT_ABOUT, .a.id = fake_id(7, 1)};
	struct store_res r = ask(f, about);
	assert_int_equal(r.r.n, 3);
	assert_false(r.r.facts[0].cut);
	assert_false(r.r.facts[1].cut);
	assert_true(r.r.facts[2].cut);
	store_res_free(&r);
	assert_int_equal(put_identity(f, l, 3, NULL, NULL), OK);
	struct store_req fork = {.op = STORE_FORK_PUT, .a.log = l->log, .a.seq = 3};
	fork.a.bytes = fork.a.bytes2 = slice_of(l->headers[3], ENTRY_HEADER_BYTES);
	assert_int_equal(run(f, &fork, NULL), OK);
	r = ask(f, about);
	assert_int_equal(r.r.n, 1);
	assert_false(r.r.facts[0].cut);
	store_res_free(&r);
	/* A closing that names this branch brings the entries back, and what they say. */
	assert_int_equal(put_identity(f, l, 4, &length, &l->ids[3]), OK);
	r = ask(f, about);
	assert_int_equal(r.r.n, 2);
	assert_int_equal(r.r.facts[1].kind, FACT_AWARD);
	assert_false(r.r.facts[1].cut);
	assert_true(id32_equal(&r.r.facts[1].at.id, &l->ids[3]));
	store_res_free(&r);
	free(l);
}

static void what_is_erased_or_moved_aside_says_nothing(void **state)
{
	struct fixture *f = *state;
	struct fake_log *l = clear_log_new(1, 5);
	assert_int_equal(put_clear(f, l, 0, 5, records), OK);
	struct store_req erase = erase_req(l, 3);
	assert_int_equal(run(f, &erase, NULL), OK);
	assert_int_equal(count_of(f, at_req(&l->log, 3)), 0);
	assert_int_equal(count_of(f, (struct store_req){.op = STORE_FACT_ALL}), 3);
	struct store_req move = {.op = STORE_SIDE_MOVE, .a.log = l->log, .a.first = 2};
	assert_int_equal(run(f, &move, NULL), OK);
	assert_int_equal(count_of(f, (struct store_req){.op = STORE_FACT_ALL}), 1);
	/* They come again: all but what was erased. */
	assert_int_equal(put_clear(f, l, 2, 3, records + 2), OK);
	assert_int_equal(count_of(f, (struct store_req){.op = STORE_FACT_ALL}), 3);
	assert_int_equal(count_of(f, at_req(&l->log, 3)), 0);
	free(l);
}

/* Runs SQL on the database, beside the store. */
static void beside(struct fixture *f, const char *sql)
{
	sqlite3 *db;
	char path[512];
	fixture_path(f, "quire.db", path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void what_fails_half_way_leaves_no_facts_and_no_words(void **state)
{
	struct fixture *f = *state;
	struct fake_log *l = clear_log_new(1, 5), *m = clear_log_new(2, 1);
	const char *const first[] = {"\5\0\0Swimming"};
	beside(f,
		"CREATE TRIGGER stop BEFORE INSERT ON fact WHEN NEW.kind = 16 BEGIN SELECT RAISE(ABORT, 'stop'); END");
	struct store_req good, bad;
	clear_run_req(&good, m, 0, 1, first);
	clear_run_req(&bad, l, 0, 5, records);
	run_two(f, &good, &bad, ERR_CORRUPT);
	assert_int_equal(count_of(f, (struct store_req){.op = STORE_FACT_ALL}), 0);
	assert_int_equal(found(f, "compass"), 0);
	assert_int_equal(found(f, "swimming"), 0);
	beside(f, "DROP TRIGGER stop");
	run_two(f, &good, &bad, OK);
	assert_int_equal(count_of(f, (struct store_req){.op = STORE_FACT_ALL}), 6);
	assert_int_equal(found(f, "compass"), 1);
	assert_int_equal(found(f, "swimming"), 1);
	store_req_free(&good);
	store_req_free(&bad);
	free(l);
	free(m);
}

/* Every fact and word, as text. Row numbers may differ. */
static char *dump(struct fixture *f)
{
	sqlite3 *db;
	sqlite3_stmt *st;
	char path[512];
	struct buf out = {0};
	fixture_path(f, "quire.db", path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_prepare_v2(db,
			"SELECT hex(log), seq, place, hex(id), hex(author), kind, hex(about), hex(party), flags, hour, words,"
			" hex(data), title, competency, method, problems, tags, other FROM fact"
			" LEFT JOIN fact_text ON fact_text.rowid = no * 64 + kind ORDER BY 1, 2, 3",
			-1, &st, NULL),
		SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(st); i++) {
			const char *text = (const char *)sqlite3_column_text(st, i);
			must(buf_put_slice(&out, slice_str(text ? text : "-")) == OK, "memory");
			must(buf_put_slice(&out, slice_str(" ")) == OK, "memory");
		}
	}
	sqlite3_finalize(st);
	sqlite3_close(db);
	must(buf_put(&out, "", 1) == OK, "memory");
	return (char *)out.p;
}

static void expect_same(struct fixture *f, const char *grown)
{
	char *now = dump(f);
	assert_string_equal(now, grown);
	free(now);
}

/* Two logs with everything that can happen to facts. */
static void grow(struct fixture *f)
{
	struct fake_log *l = clear_log_new(1, 10), *m = clear_log_new(2, 5);
	assert_int_equal(put_clear(f, l, 0, 5, records), OK);
	const char *const later[] = {
		"\5\0\0Bridges|of spaghetti", NULL, "\15\7\3x", "\15\7\3y", "\5\0\0Kites"};
	assert_int_equal(put_clear(f, l, 5, 5, later), OK);
	assert_int_equal(put_clear(f, m, 0, 5, records), OK);
	struct store_req erase = erase_req(l, 5);
	assert_int_equal(run(f, &erase, NULL), OK);
	struct store_req fork = {.op = STORE_FORK_PUT, .a.log = m->log, .a.seq = 3};
	assert_int_equal(run(f, &fork, NULL), OK);
	uint64_t length = 8;
	assert_int_equal(put_identity(f, l, 2, &length, &l->ids[7]), OK);
	free(l);
	free(m);
}

static void rebuilt_facts_equal_grown_ones(void **state)
{
	struct fixture *f = *state;
	grow(f);
	char *grown = dump(f);
	assert_non_null(strstr(grown, "compass"));
	assert_non_null(strstr(grown, "Kites"));
	assert_null(strstr(grown, "spaghetti"));
	assert_int_equal(store_rebuild(f->store), OK);
	expect_same(f, grown);
	assert_int_equal(found(f, "compass"), 2);
	/* And what was spoilt is made good. */
	beside(f,
		"DELETE FROM fact WHERE kind = 13; UPDATE fact SET about = NULL; DELETE FROM fact_text;"
		"INSERT INTO fact_text(rowid, title) VALUES(5, 'wrong')");
	assert_int_equal(found(f, "compass"), 0);
	assert_int_equal(store_rebuild(f->store), OK);
	expect_same(f, grown);
	assert_int_equal(found(f, "compass"), 2);
	/* Without a maker, those that are there stay. */
	fact_reopen(f, NULL);
	assert_int_equal(store_rebuild(f->store), OK);
	expect_same(f, grown);
	free(grown);
}

static void what_was_written_without_a_maker_says_its_facts_at_the_next_start(void **state)
{
	struct fixture *f = *state;
	grow(f);
	char *grown = dump(f);
	fact_reopen(f, NULL);
	struct fake_log *l = clear_log_new(3, 5);
	assert_int_equal(put_clear(f, l, 0, 5, records), OK);
	expect_same(f, grown);
	fact_reopen(f, made_up_facts);
	assert_int_equal(found(f, "compass"), 3);
	char *more = dump(f);
	assert_true(strlen(more) > strlen(grown));
	/* The next start finds nothing to do. */
	beside(f, "DELETE FROM fact WHERE kind = 13");
	fact_reopen(f, made_up_facts);
	char *same = dump(f);
	assert_true(strlen(same) < strlen(more));
	free(same);
	free(more);
	free(grown);
	free(l);
}

static void an_older_database_gets_its_facts(void **state)
{
	struct fixture *f = *state;
	grow(f);
	char *grown = dump(f);
	fixture_close(f);
	beside(f,
		"DROP TABLE unattached; DROP TABLE admission; DROP TABLE introduction; ALTER TABLE peer DROP COLUMN ended;"
		"DROP TABLE admission_entry; DROP TABLE admission_state; DROP TABLE network_log; ALTER TABLE peer DROP COLUMN joined; ALTER TABLE peer DROP COLUMN moved;"
		"DROP TABLE notice; DROP TABLE guest; DROP TABLE declined;"
		"DROP TABLE peer_relay; ALTER TABLE peer DROP COLUMN own_word;"
		"DROP TABLE peer_heard; DROP INDEX peer_follow_identity; ALTER TABLE peer DROP COLUMN relaying;"
		"ALTER TABLE peer DROP COLUMN through; ALTER TABLE peer DROP COLUMN told_s;"
		"DROP TABLE fact; DROP TABLE fact_text; DROP TABLE fact_state; PRAGMA user_version = 2");
	fact_reopen(f, made_up_facts);
	expect_same(f, grown);
	assert_int_equal(found(f, "compass"), 2);
	free(grown);
}

static void count_finding(void *ctx, const char *text)
{
	(void)text;
	++*(size_t *)ctx;
}

static void a_check_finds_words_that_do_not_fit(void **state)
{
	struct fixture *f = *state;
	size_t findings = 0;
	grow(f);
	assert_int_equal(store_check(f->store, count_finding, &findings), OK);
	assert_int_equal(findings, 0);
	fixture_close(f);
	beside(f, "UPDATE fact_text_content SET c0 = 'Other words' WHERE c0 = 'Kites'");
	fact_reopen(f, made_up_facts);
	assert_int_equal(store_check(f->store, count_finding, &findings), OK);
	assert_int_equal(findings, 1);
	assert_int_equal(store_rebuild(f->store), OK);
	assert_int_equal(store_check(f->store, count_finding, &findings), OK);
	assert_int_equal(findings, 1);
}

#define FACTS(name) cmocka_unit_test_setup_teardown(name, fact_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FACTS(clear_bodies_say_their_facts_as_they_are_stored),
		FACTS(facts_made_late_are_found_by_their_entry_alone),
		FACTS(a_body_that_comes_later_says_its_facts_then),
		FACTS(facts_behind_a_closing_are_marked_and_behind_a_fork_go),
		FACTS(what_is_erased_or_moved_aside_says_nothing),
		FACTS(what_fails_half_way_leaves_no_facts_and_no_words),
		FACTS(rebuilt_facts_equal_grown_ones),
		FACTS(what_was_written_without_a_maker_says_its_facts_at_the_next_start),
		FACTS(an_older_database_gets_its_facts),
		FACTS(a_check_finds_words_that_do_not_fit),
	};
	return cmocka_run_group_tests_name("store facts made", tests, NULL, NULL);
}
