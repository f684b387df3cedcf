/* test_store_forks.c -- forks, closings, the side table, and rebuilt equals grown. */
#include "tests/support/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>
#include <sqlite3.h>

static struct store_req on_log(enum store_op op, const struct fake_log *l)
{
	struct store_req q = {.op = op};
	q.a.log = l->log;
	return q;
}

static enum err put_fork(struct fixture *f, const struct fake_log *l, uint64_t seq)
{
	struct store_req q = on_log(STORE_FORK_PUT, l);
	q.a.seq = seq;
	q.a.bytes = slice_of(l->headers[seq], ENTRY_HEADER_BYTES);
	q.a.sig = q.a.sig2 = slice_of(l->sigs[0], 64);
	q.a.bytes2 = slice_str("other");
	return run(f, &q, NULL);
}

static void a_log_ends_before_its_lowest_proven_fork(void **state)
{
	struct fixture *f = *state;
	struct fake_log *l = fake_log_new(1, 10);
	assert_int_equal(put_fork(f, l, 6), ERR_NOT_FOUND);
	assert_int_equal(put(f, l, 0, 10), OK);
	struct store_req get = on_log(STORE_FORK_GET, l);
	assert_int_equal(run(f, &get, NULL), ERR_NOT_FOUND);
	assert_int_equal(put_fork(f, l, 6), OK);
	assert_int_equal(put_fork(f, l, 6), ERR_EXISTS);
	assert_int_equal(put_fork(f, l, 8), ERR_EXISTS);
	struct store_log row = get_log(f, &l->log);
	assert_int_equal(row.end, 6);
	assert_int_equal(row.length, 6);
	assert_int_equal(row.bytes, 6 * 64);
	assert_int_equal(row.fork_seq1, 7);
	assert_int_equal(put(f, l, 6, 10), ERR_FORK);
	assert_int_equal(put_fork(f, l, 3), OK);
	assert_int_equal(get_log(f, &l->log).end, 3);
	struct store_res r;
	assert_int_equal(run(f, &get, &r), OK);
	assert_int_equal(r.r.seq, 3);
	assert_true(slice_equal(r.r.bytes, slice_of(l->headers[3], ENTRY_HEADER_BYTES)));
	assert_int_equal(r.r.sig2.n, 64);
	store_res_free(&r);
	struct store_req list = {.op = STORE_FORK_LIST};
	assert_int_equal(run(f, &list, &r), OK);
	assert_int_equal(r.r.n, 1);
	store_res_free(&r);
	struct store_req runs = on_log(STORE_RUN_GET, l);
	runs.a.first = 3;
	assert_int_equal(run(f, &runs, NULL), ERR_NOT_FOUND);
	free(l);
}

/* EVIDENCE from `first`: does it reach up to `last`, with that entry's signature? */
static void assert_shown(struct fixture *f, const struct fake_log *l, uint64_t first, uint64_t last)
{
	struct store_req q = on_log(STORE_EVIDENCE, l);
	struct store_res r;
	q.a.first = first;
	assert_int_equal(run(f, &q, &r), OK);
	assert_true(slice_equal(
		r.r.bytes, slice_of(l->headers[first], (size_t)(last + 1 - first) * ENTRY_HEADER_BYTES)));
	assert_true(slice_equal(r.r.sig, slice_of(l->sigs[last], 64)));
	store_res_free(&r);
}

static enum err not_shown(struct fixture *f, const struct fake_log *l, uint64_t first)
{
	struct store_req q = on_log(STORE_EVIDENCE, l);
	q.a.first = first;
	return run(f, &q, NULL);
}

static void an_entry_is_shown_by_a_signature_wherever_it_is(void **state)
{
	struct fixture *f = *state;
	struct fake_log *l = fake_log_new(1, 80), *other = fake_log_new(1, 80);
	assert_int_equal(put(f, l, 0, 10), OK);
	assert_shown(f, l, 3, 9);
	assert_int_equal(put(f, l, 10, 80), OK);
	assert_shown(f, l, 3, 63); /* signatures are at 9, 63 and 79 */
	assert_shown(f, l, 10, 63);
	assert_shown(f, l, 64, 79);
	assert_int_equal(not_shown(f, l, 80), ERR_NOT_FOUND);
	assert_int_equal(put_fork(f, l, 70), OK); /* 79 lies aside now */
	assert_shown(f, l, 66, 79);
	assert_int_equal(not_shown(f, l, 70), ERR_NOT_FOUND);
	/* Another branch takes the place of 60 and what is behind it, with no signature up to where the proof begins. */
	struct store_req cut = on_log(STORE_SIDE_MOVE, l);
	cut.a.first = 60;
	cut.a.id = l->ids[60];
	assert_int_equal(run(f, &cut, NULL), ERR_CHAIN);
	cut = on_log(STORE_SIDE_MOVE, l);
	cut.a.first = 60;
	cut.a.id = l->ids[69];
	assert_int_equal(run(f, &cut, NULL), OK);
	assert_shown(f, l, 50, 63); /* what lies aside follows 59 */
	fake_log_branch(other, 60, 1);
	struct store_req q;
	run_put_req(&q, other, 60, 62, NULL);
	q.a.sig = (struct slice){0};
	assert_int_equal(run(f, &q, NULL), OK);
	assert_int_equal(not_shown(f, other, 50), ERR_NOT_FOUND); /* it does not follow that one */
	struct store_req proof = on_log(STORE_FORK_PUT, l);
	proof.a.seq = 62;
	proof.a.bytes = slice_of(other->headers[62], 2 * ENTRY_HEADER_BYTES);
	proof.a.sig = slice_of(other->sigs[63], 64);
	proof.a.bytes2 = slice_str("other");
	proof.a.sig2 = proof.a.sig;
	assert_int_equal(run(f, &proof, NULL), OK);
	assert_shown(f, other, 60, 63);
	free(l);
	free(other);
}

static void a_closing_settles_a_fork_and_brings_the_entries_back(void **state)
{
	struct fixture *f = *state;
	struct fake_log *l = fake_log_new(2, 10);
	assert_int_equal(put(f, l, 0, 10), OK);
	assert_int_equal(put_fork(f, l, 4), OK);
	assert_int_equal(get_log(f, &l->log).end, 4);
	/* A closing that names nothing that we have. */
	uint64_t length = 8;
	struct id32 unknown = fake_id(5, 5);
	assert_int_equal(put_identity(f, l, 2, &length, &unknown), OK);
	assert_int_equal(get_log(f, &l->log).end, 4);
	/* The one that names our branch. */
	assert_int_equal(put_identity(f, l, 3, &length, &l->ids[7]), OK);
	struct store_log row = get_log(f, &l->log);
	assert_int_equal(row.end, 8);
	assert_int_equal(row.length, 8);
	assert_true(id32_equal(&row.last, &l->ids[7]));
	/* A later proof changes nothing; the closing withdrawn, the log ends at the fork again. */
	assert_int_equal(put_fork(f, l, 2), OK);
	assert_int_equal(get_log(f, &l->log).end, 8);
	assert_int_equal(put_identity(f, l, 4, NULL, NULL), OK);
	assert_int_equal(get_log(f, &l->log).end, 2);
	free(l);
}

static void a_closing_ends_a_log_that_is_longer(void **state)
{
	struct fixture *f = *state;
	struct fake_log *l = fake_log_new(3, 10);
	assert_int_equal(put_kinds(f, l, 0, 10, (const uint8_t[]){1, 1, 1, 3, 1, 1, 1, 3, 1, 1}), OK);
	uint64_t length = 5;
	uint64_t before = last_number(f);
	assert_int_equal(put_identity(f, l, 2, &length, &l->ids[4]), OK);
	struct store_log row = get_log(f, &l->log);
	assert_int_equal(row.end, 5);
	assert_int_equal(row.length, 10);
	assert_int_equal(row.gaps, 1); /* what lies behind the end is not waited for */
	assert_true(row.change > before);
	struct store_req gaps = on_log(STORE_GAPS, l);
	struct store_res r;
	assert_int_equal(run(f, &gaps, &r), OK);
	assert_int_equal(r.r.n, 1);
	store_res_free(&r);
	length = 0;
	struct id32 none = {{0}};
	assert_int_equal(put_identity(f, l, 3, &length, &none), OK);
	assert_int_equal(get_log(f, &l->log).end, 0);
	free(l);
}

static void old_own_entries_are_moved_and_marked_for_writing_again(void **state)
{
	struct fixture *f = *state;
	struct fake_log *l = fake_log_new(4, 10);
	assert_int_equal(put(f, l, 0, 10), OK);
	struct store_req move = on_log(STORE_SIDE_MOVE, l);
	move.a.first = 7;
	move.a.flag = true;
	struct store_res r;
	assert_int_equal(run(f, &move, &r), OK);
	assert_int_equal(r.r.count, 3);
	store_res_free(&r);
	assert_int_equal(get_log(f, &l->log).length, 7);
	fake_log_branch(l, 7, 1); /* what the peers have */
	assert_int_equal(put(f, l, 7, 10), OK);
	struct store_req list = {.op = STORE_SIDE_LIST, .a.identity = l->identity};
	assert_int_equal(run(f, &list, &r), OK);
	assert_int_equal(r.r.n, 3);
	assert_int_equal(r.r.seqs[0], 7);
	assert_true(id32_equal(&r.r.ids[0], &l->log));
	assert_int_equal(r.r.parts[0].bytes.n, 64);
	store_res_free(&r);
	fake_log_branch(l, 7, 0);
	struct store_req done = on_log(STORE_SIDE_DONE, l);
	done.a.seq = 7;
	done.a.id = l->ids[8];
	assert_int_equal(run(f, &done, NULL), ERR_NOT_FOUND);
	done.a.id = l->ids[7];
	assert_int_equal(run(f, &done, NULL), OK);
	assert_int_equal(run(f, &list, &r), OK);
	assert_int_equal(r.r.n, 2);
	store_res_free(&r);
	move.a.first = 10;
	assert_int_equal(run(f, &move, &r), OK);
	assert_int_equal(r.r.count, 0);
	store_res_free(&r);
	free(l);
}

static void what_was_erased_stays_erased_behind_a_fork_and_back(void **state)
{
	struct fixture *f = *state;
	struct fake_log *l = fake_log_new(5, 4);
	assert_int_equal(put(f, l, 0, 4), OK);
	struct store_req erase = on_log(STORE_ERASED_PUT, l);
	erase.a.seq = 2;
	erase.a.id = l->ids[2];
	erase.a.bytes = slice_str("statement");
	assert_int_equal(run(f, &erase, NULL), OK);
	struct store_req move = on_log(STORE_SIDE_MOVE, l);
	move.a.first = 1;
	assert_int_equal(run(f, &move, NULL), OK);
	struct store_log row = get_log(f, &l->log);
	assert_true(id32_is_zero(&row.erased_sum));
	/* One in the side table can be erased too. */
	erase.a.seq = 3;
	erase.a.id = l->ids[3];
	assert_int_equal(run(f, &erase, NULL), OK);
	assert_int_equal(run(f, &erase, NULL), ERR_EXISTS);
	assert_false(fixture_file_holds(f, "quire.db", l->bodies[3], 64));
	/* A peer sends the bodies with the run: the statements stay. */
	assert_int_equal(put(f, l, 1, 4), OK);
	struct store_req list = on_log(STORE_ERASED_GET, l);
	struct store_res r;
	assert_int_equal(run(f, &list, &r), OK);
	assert_int_equal(r.r.n, 2);
	store_res_free(&r);
	assert_int_equal(get_log(f, &l->log).bytes, 128);
	free(l);
}

/* Every row of every table, as text. The test reads beside the store. */
static char *dump(struct fixture *f)
{
	static const char *const tables[] = {
		"log", "entry", "pin", "identity", "keyevent", "peer", "peer_follow", "blob", "side", "fork"};
	char path[512];
	sqlite3 *db;
	fixture_path(f, "quire.db", path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	struct buf out = {0};
	for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++) {
		char sql[64];
		sqlite3_stmt *st;
		snprintf(sql, sizeof sql, "SELECT * FROM %s ORDER BY 1, 2", tables[t]);
		assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
		while (sqlite3_step(st) == SQLITE_ROW) {
			for (int i = 0; i < sqlite3_column_count(st); i++) {
				int n = sqlite3_column_bytes(st, i);
				assert_int_equal(buf_put(&out, &n, sizeof n), OK);
				assert_int_equal(buf_put(&out, sqlite3_column_blob(st, i), (size_t)n), OK);
			}
		}
		sqlite3_finalize(st);
	}
	sqlite3_close(db);
	char *text = malloc(2 * out.n + 1);
	assert_non_null(text);
	for (size_t i = 0; i < out.n; i++)
		snprintf(text + 2 * i, 3, "%02x", out.p[i]);
	text[2 * out.n] = 0;
	buf_free(&out);
	return text;
}

/* {1: [[root, size]]}, as SPEC 4.5 has it. */
static struct slice envelope_with(const struct id32 *root, uint8_t out[64])
{
	memcpy(out, (const uint8_t[]){0x81, 1, 0x91, 0x92, 0xc4, 32}, 6);
	memcpy(out + 6, root->b, 32);
	memcpy(out + 38, (const uint8_t[]){0xcd, 0x12, 0x34}, 3);
	return slice_of(out, 41);
}

static void grow(struct fixture *f, struct fake_log *l, struct fake_log *m)
{
	struct id32 node = {{7}}, root = fake_id(3, 3);
	uint8_t envelope[64];
	assert_int_equal(put_identity(f, l, 7, NULL, NULL), OK);
	assert_int_equal(put_peer(f, &node, PEER_INVITED), OK);
	struct store_req follow = {.op = STORE_PEER_FOLLOWS,
		.a.node = node,
		.a.ids = &l->identity,
		.a.n = 1,
		.a.flag = true,
		.a.number = 1};
	assert_int_equal(run(f, &follow, NULL), OK);
	struct store_req q;
	run_put_req(&q, l, 0, 6, (const uint8_t[]){1, 3, 2, 1, 1, 1});
	struct store_part parts[6];
	memcpy(parts, q.a.parts, sizeof parts);
	parts[3].envelope = envelope_with(&root, envelope);
	q.a.parts = parts;
	struct store_pin pin = {.seq = 3, .root = root, .size = 0x1234};
	q.a.pins = &pin;
	q.a.pins_n = 1;
	assert_int_equal(run(f, &q, NULL), OK);
	assert_int_equal(put(f, l, 6, 70), OK);
	struct store_req erase = on_log(STORE_ERASED_PUT, l);
	erase.a.seq = 69;
	erase.a.id = l->ids[69];
	erase.a.bytes = slice_str("statement");
	assert_int_equal(run(f, &erase, NULL), OK);
	assert_int_equal(put(f, m, 0, 20), OK);
	assert_int_equal(put_fork(f, m, 11), OK);
	struct store_req move = on_log(STORE_SIDE_MOVE, l);
	move.a.first = 60;
	assert_int_equal(run(f, &move, NULL), OK);
	assert_int_equal(put(f, l, 60, 65), OK);
}

static void rebuilt_equals_grown(void **state)
{
	struct fixture *f = *state;
	struct fake_log *l = fake_log_new(6, 70), *m = fake_log_new(7, 20);
	grow(f, l, m);
	char *grown = dump(f);
	assert_int_equal(store_rebuild(f->store), OK);
	char *rebuilt = dump(f);
	assert_string_equal(grown, rebuilt);
	free(rebuilt);
	/* And what was spoilt is made good. */
	fixture_close(f);
	char path[512];
	sqlite3 *db;
	fixture_path(f, "quire.db", path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(db,
			"UPDATE log SET gaps = 9, bytes = 1, ends = 3, erased_sum = zeroblob(32), side = 5; DELETE FROM pin;"
			"UPDATE peer SET follows_version = zeroblob(32)",
			NULL, NULL, NULL),
		SQLITE_OK);
	sqlite3_close(db);
	fixture_reopen(f);
	assert_int_equal(store_rebuild(f->store), OK);
	rebuilt = dump(f);
	assert_string_equal(grown, rebuilt);
	free(grown);
	free(rebuilt);
	free(l);
	free(m);
}

static void a_hole_in_a_chain_is_cut_and_can_be_fetched_again(void **state)
{
	struct fixture *f = *state;
	struct fake_log *l = fake_log_new(8, 70);
	assert_int_equal(put(f, l, 0, 70), OK);
	struct store_req own = {
		.op = STORE_OWN_PUT, .a.log = l->log, .a.identity = l->identity, .a.own = OWN_ACTIVE};
	assert_int_equal(run(f, &own, NULL), OK);
	fixture_close(f);
	char path[512];
	sqlite3 *db;
	fixture_path(f, "quire.db", path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "DELETE FROM entry WHERE key & 0xffffffff = 20", NULL, NULL, NULL),
		SQLITE_OK);
	sqlite3_close(db);
	fixture_reopen(f);
	struct store_req get = on_log(STORE_RUN_GET, l);
	assert_int_equal(run(f, &get, NULL), ERR_CORRUPT);
	assert_int_equal(store_rebuild(f->store), OK);
	struct store_log row = get_log(f, &l->log);
	assert_int_equal(row.length, 19);
	assert_int_equal(row.end, 0); /* the signature that vouched for them lies behind the hole */
	assert_true(id32_equal(&row.last, &l->ids[18]));
	assert_int_equal(row.own, OWN_RETIRED);
	assert_int_equal(put(f, l, 19, 70), OK);
	assert_int_equal(get_log(f, &l->log).end, 70);
	free(l);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_log_ends_before_its_lowest_proven_fork),
		TEST(an_entry_is_shown_by_a_signature_wherever_it_is),
		TEST(a_closing_settles_a_fork_and_brings_the_entries_back),
		TEST(a_closing_ends_a_log_that_is_longer),
		TEST(old_own_entries_are_moved_and_marked_for_writing_again),
		TEST(what_was_erased_stays_erased_behind_a_fork_and_back),
		TEST(rebuilt_equals_grown),
		TEST(a_hole_in_a_chain_is_cut_and_can_be_fetched_again),
	};
	return cmocka_run_group_tests_name("store forks", tests, NULL, NULL);
}
