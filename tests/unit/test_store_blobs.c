/* test_store_blobs.c -- blobs in rows and in files, pins, and what an erasure takes with it. */
#include "store/blobfile.h"
#include "store/db.h"
#include "tests/support/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const struct id32 root = {{0xab, 1}}, other = {{0xab, 2}};

static struct store_req on_root(enum store_op op)
{
	struct store_req q = {.op = op};
	q.a.root = root;
	return q;
}

static struct store_blob get_blob(struct fixture *f, const struct id32 *r, enum err *e)
{
	struct store_req q = {.op = STORE_BLOB_GET, .a.root = *r};
	struct store_res res;
	*e = run(f, &q, &res);
	struct store_blob b = *e == OK ? *res.r.blobs : (struct store_blob){0};
	store_res_free(&res);
	b.pages.p = b.have.p = NULL; /* went with the result */
	return b;
}

static bool lacking; /* what the last put_pinned said */

static enum err put_pinned(struct fixture *f, const struct fake_log *l, size_t seq, const struct id32 *r)
{
	struct store_res res;
	struct store_req q;
	struct store_pin pin = {.seq = seq, .root = *r, .size = 200000};
	run_put_req(&q, l, seq, seq + 1, NULL);
	q.a.pins = &pin;
	q.a.pins_n = 1;
	enum err e = run(f, &q, &res);
	lacking = res.r.flag;
	store_res_free(&res);
	return e;
}

static void a_pinned_blob_is_wanted_then_known_then_held(void **state)
{
	struct fixture *f = *state;
	struct fake_log *l = fake_log_new(1, 2);
	enum err e;
	uint8_t pages[32] = {1}, leaves[4 * 32] = {2}, have[1] = {3};
	struct store_req meta = on_root(STORE_BLOB_META), page = on_root(STORE_BLOB_LEAVES_PUT),
			 done = on_root(STORE_BLOB_DONE);
	struct store_req progress = on_root(STORE_BLOB_HAVE);
	page.a.bytes = slice_of(leaves, sizeof leaves);
	progress.a.bytes = slice_of(have, 1);
	progress.a.number = 2;
	assert_int_equal(run(f, &page, NULL), ERR_NOT_FOUND);
	assert_int_equal(run(f, &progress, NULL), ERR_NOT_FOUND);
	assert_int_equal(put_pinned(f, l, 0, &root), OK);
	assert_true(lacking);
	struct store_blob b = get_blob(f, &root, &e);
	assert_int_equal(b.state, BLOB_WANTED);
	assert_int_equal(b.size, 200000);
	assert_int_equal(b.pins, 1);
	assert_true(id32_equal(&b.owner, &l->identity));
	assert_int_equal(run(f, &progress, NULL), ERR_STATE);
	assert_int_equal(run(f, &done, NULL), ERR_STATE);
	meta.a.identity = l->identity;
	meta.a.number = 200000;
	meta.a.bytes = slice_of(pages, 31);
	assert_int_equal(run(f, &meta, NULL), ERR_RANGE);
	meta.a.bytes.n = 32;
	assert_int_equal(run(f, &meta, NULL), OK);
	assert_int_equal(get_blob(f, &root, &e).state, BLOB_META);
	assert_int_equal(run(f, &page, NULL), OK);
	page.a.bytes.n = 33;
	assert_int_equal(run(f, &page, NULL), ERR_RANGE);
	struct store_req get = on_root(STORE_BLOB_LEAVES);
	struct store_res r;
	assert_int_equal(run(f, &get, &r), OK);
	assert_true(slice_equal(r.r.bytes, slice_of(leaves, sizeof leaves)));
	store_res_free(&r);
	get.a.seq = 1;
	assert_int_equal(run(f, &get, NULL), ERR_NOT_FOUND);
	assert_int_equal(run(f, &progress, NULL), OK);
	progress.a.bytes.n = 0;
	assert_int_equal(run(f, &progress, NULL), ERR_RANGE);
	b = get_blob(f, &root, &e);
	assert_int_equal(b.state, BLOB_PARTIAL);
	assert_int_equal(b.have_n, 2);
	struct store_req wanted = {.op = STORE_BLOB_LIST, .a.flag = true};
	assert_int_equal(run(f, &wanted, &r), OK);
	assert_int_equal(r.r.n, 1);
	store_res_free(&r);
	assert_int_equal(run(f, &done, NULL), OK);
	assert_int_equal(get_blob(f, &root, &e).state, BLOB_COMPLETE);
	assert_int_equal(run(f, &wanted, &r), OK);
	assert_int_equal(r.r.n, 0);
	store_res_free(&r);
	free(l);
}

static enum err put_small(struct fixture *f, const struct fake_log *l, const char *content)
{
	static const uint8_t hash[32] = {9};
	struct store_req q = on_root(STORE_BLOB_PUT);
	q.a.identity = l->identity;
	q.a.number = strlen(content) - 16;
	q.a.bytes = q.a.bytes2 = slice_of(hash, 32);
	q.a.value = slice_str(content);
	q.a.flag = true;
	return run(f, &q, NULL);
}

static void a_small_blob_lives_in_rows_until_nothing_pins_it(void **state)
{
	struct fixture *f = *state;
	static const char content[] = "sixteen bytes of tag, and what a teacher wrote";
	struct fake_log *l = fake_log_new(2, 3);
	enum err e;
	struct store_res r;
	assert_int_equal(put_small(f, l, content), OK);
	struct store_req get = on_root(STORE_BLOB_CONTENT);
	assert_int_equal(run(f, &get, &r), OK);
	assert_true(slice_equal(r.r.bytes, slice_str(content)));
	store_res_free(&r);
	assert_int_equal(put_pinned(f, l, 0, &root), OK);
	assert_int_equal(put_pinned(f, l, 1, &root), OK);
	assert_false(lacking);
	struct store_req erase = {.op = STORE_ERASED_PUT,
		.a.log = l->log,
		.a.seq = 0,
		.a.id = l->ids[0],
		.a.bytes = slice_str("s")};
	assert_int_equal(run(f, &erase, NULL), OK);
	assert_int_equal(get_blob(f, &root, &e).pins, 1); /* another entry pins it */
	erase.a.seq = 1;
	erase.a.id = l->ids[1];
	assert_int_equal(run(f, &erase, &r), OK);
	assert_int_equal(r.r.n, 0); /* no file to remove */
	store_res_free(&r);
	get_blob(f, &root, &e);
	assert_int_equal(e, ERR_NOT_FOUND);
	assert_int_equal(run(f, &get, NULL), ERR_NOT_FOUND);
	assert_false(fixture_file_holds(f, "quire.db", content, sizeof content - 1));
	assert_false(fixture_file_holds(f, "quire.db-wal", content, sizeof content - 1));
	struct store_req big = on_root(STORE_BLOB_DONE);
	uint8_t *bytes = calloc(1, LIMIT_BLOB_INLINE_BYTES + 1);
	big.a.value = slice_of(bytes, LIMIT_BLOB_INLINE_BYTES + 1);
	assert_int_equal(run(f, &big, NULL), ERR_LIMIT);
	free(bytes);
	free(l);
}

static void put_file(struct fixture *f, const struct id32 *r, bool leave_part)
{
	int fd;
	static const uint8_t chunk[100] = {5};
	assert_int_equal(blobfile_open_part(f->home, r, &fd), OK);
	assert_int_equal(blobfile_write_chunk(fd, 0, chunk, sizeof chunk), OK);
	assert_int_equal(blobfile_sync(f->home, r, fd), OK);
	close(fd);
	if (!leave_part)
		assert_int_equal(blobfile_publish(f->home, r, -1), OK);
}

/* What was uploaded and never attached goes with the next start; what an entry names stays. */
static void what_no_entry_ever_named_goes_at_a_start(void **state)
{
	struct fixture *f = *state;
	struct fake_log *l = fake_log_new(5, 1);
	enum err e;
	uint8_t hashes[4 * 32] = {4};
	int fd;
	struct store_req put = {.op = STORE_BLOB_PUT,
		.a.root = other,
		.a.identity = l->identity,
		.a.number = 200000,
		.a.bytes = slice_of(hashes, 32),
		.a.bytes2 = slice_of(hashes, sizeof hashes),
		.a.flag = true};
	put_file(f, &other, false);
	assert_int_equal(run(f, &put, NULL), OK);
	assert_int_equal(put_small(f, l, "sixteen bytes of tag, and a picture"), OK);
	assert_int_equal(put_pinned(f, l, 0, &root), OK);
	fixture_reopen(f);
	assert_int_equal(get_blob(f, &other, &e).state, BLOB_COMPLETE);
	start(f, 1, NULL);
	assert_int_equal(get_blob(f, &root, &e).state, BLOB_COMPLETE);
	get_blob(f, &other, &e);
	assert_int_equal(e, ERR_NOT_FOUND);
	assert_int_equal(blobfile_open(f->home, &other, &fd), ERR_NOT_FOUND);
	free(l);
}

static void an_erasure_names_the_files_that_must_go(void **state)
{
	struct fixture *f = *state;
	struct fake_log *l = fake_log_new(3, 2);
	assert_int_equal(put_pinned(f, l, 0, &root), OK);
	assert_int_equal(put_pinned(f, l, 1, &other), OK);
	struct store_req erase = {.op = STORE_ERASED_PUT,
		.a.log = l->log,
		.a.seq = 0,
		.a.id = l->ids[0],
		.a.bytes = slice_str("s")};
	struct store_res r;
	put_file(f, &root, false);
	put_file(f, &other, true);
	assert_int_equal(run(f, &erase, &r), OK);
	assert_int_equal(r.r.n, 1);
	assert_true(id32_equal(&r.r.ids[0], &root));
	store_res_free(&r);
	/* A crash before the removal: the next start does it, and leaves what a row knows. */
	int fd;
	char cut_off[512];
	fixture_path(f, "blobs/temp-abcdef", cut_off);
	FILE *upload = fopen(cut_off, "w");
	assert_non_null(upload);
	fclose(upload);
	assert_int_equal(blobfile_open(f->home, &root, &fd), OK);
	close(fd);
	start(f, 1, NULL);
	assert_int_equal(access(cut_off, F_OK), -1);
	assert_int_equal(blobfile_open(f->home, &root, &fd), ERR_NOT_FOUND);
	assert_int_equal(blobfile_publish(f->home, &other, -1), OK);
	free(l);
}

static void a_dropped_blob_that_is_pinned_is_wanted_again(void **state)
{
	struct fixture *f = *state;
	struct fake_log *l = fake_log_new(4, 1);
	enum err e;
	struct store_req drop = on_root(STORE_BLOB_DROP);
	assert_int_equal(run(f, &drop, NULL), ERR_NOT_FOUND);
	assert_int_equal(put_small(f, l, "sixteen bytes of tag and more"), OK);
	assert_int_equal(run(f, &drop, NULL), OK);
	get_blob(f, &root, &e);
	assert_int_equal(e, ERR_NOT_FOUND);
	assert_int_equal(put_small(f, l, "sixteen bytes of tag and more"), OK);
	assert_int_equal(put_pinned(f, l, 0, &root), OK);
	assert_int_equal(run(f, &drop, NULL), OK);
	assert_int_equal(get_blob(f, &root, &e).state, BLOB_WANTED);
	free(l);
}

static void leaves_of_a_blob_of_several_pages_are_kept_by_page(void **state)
{
	struct fixture *f = *state;
	enum { CHUNKS = 1500 };
	uint8_t *leaves = malloc(CHUNKS * 32);
	assert_non_null(leaves);
	for (size_t i = 0; i < CHUNKS * 32; i++)
		leaves[i] = (uint8_t)(i / 32);
	static const uint8_t pages[64] = {1};
	struct store_req q = on_root(STORE_BLOB_PUT);
	q.a.number = (uint64_t)CHUNKS * BLOB_CHUNK_BYTES;
	q.a.bytes = slice_of(pages, 64);
	q.a.bytes2 = slice_of(leaves, CHUNKS * 32);
	q.a.flag = true;
	assert_int_equal(run(f, &q, NULL), OK);
	struct store_req get = on_root(STORE_BLOB_LEAVES);
	struct store_res r;
	assert_int_equal(run(f, &get, &r), OK);
	assert_int_equal(r.r.bytes.n, 1024 * 32);
	store_res_free(&r);
	get.a.seq = 1;
	assert_int_equal(run(f, &get, &r), OK);
	assert_true(slice_equal(r.r.bytes, slice_of(leaves + 1024 * 32, (CHUNKS - 1024) * 32)));
	store_res_free(&r);
	q.a.bytes2.n -= 32;
	assert_int_equal(run(f, &q, NULL), ERR_RANGE);
	free(leaves);
}

static void count_file(void *ctx, const struct id32 *r, bool part, uint64_t bytes)
{
	unsigned *counts = ctx;
	(void)r;
	counts[part]++;
	counts[2] += (unsigned)bytes;
}

static void a_blob_file_gets_its_name_only_when_it_is_whole(void **state)
{
	struct fixture *f = *state;
	int fd;
	uint8_t chunk[200], back[200];
	memset(chunk, 7, sizeof chunk);
	assert_int_equal(blobfile_open(f->home, &root, &fd), ERR_NOT_FOUND);
	assert_int_equal(blobfile_publish(f->home, &root, -1), ERR_NOT_FOUND);
	put_file(f, &root, true);
	assert_int_equal(blobfile_open(f->home, &root, &fd), ERR_NOT_FOUND);
	unsigned counts[3] = {0};
	assert_int_equal(blobfile_each(f->home, count_file, counts), OK);
	assert_true(counts[0] == 0 && counts[1] == 1 && counts[2] == 100);
	assert_int_equal(blobfile_publish(f->home, &root, -1), OK);
	assert_int_equal(blobfile_publish(f->home, &root, -1), OK); /* once more after a crash */
	assert_int_equal(blobfile_open(f->home, &root, &fd), OK);
	assert_int_equal(blobfile_read_chunk(fd, 0, back, 100), OK);
	assert_int_equal(blobfile_read_chunk(fd, 0, back, 101), ERR_CORRUPT);
	assert_int_equal(blobfile_read_chunk(fd, 1, back, 1), ERR_CORRUPT);
	assert_int_equal(blobfile_read_chunk(fd, LIMIT_BLOB_CHUNKS, back, 1), ERR_RANGE);
	assert_int_equal(blobfile_write_chunk(fd, 0, chunk, 1), ERR_IO); /* open for reading */
	close(fd);
	/* An upload, whose root is known last. */
	assert_int_equal(blobfile_temp(f->home, &fd), OK);
	assert_int_equal(blobfile_write_chunk(fd, 1, chunk, sizeof chunk), OK);
	assert_int_equal(blobfile_publish(f->home, &other, fd), OK);
	assert_int_equal(blobfile_publish(f->home, &other, fd), OK);
	close(fd);
	assert_int_equal(blobfile_open(f->home, &other, &fd), OK);
	assert_int_equal(blobfile_read_chunk(fd, 1, back, sizeof back), OK);
	assert_memory_equal(back, chunk, sizeof back);
	close(fd);
	memset(counts, 0, sizeof counts);
	assert_int_equal(blobfile_each(f->home, count_file, counts), OK);
	assert_true(counts[0] == 2 && counts[1] == 0);
	blobfile_remove(f->home, &root);
	assert_int_equal(blobfile_open(f->home, &root, &fd), ERR_NOT_FOUND);
}

static int cache_bytes(struct fixture *f)
{
	int now = 0, most = 0;
	assert_int_equal(
		sqlite3_db_status(f->store->db, SQLITE_DBSTATUS_CACHE_USED, &now, &most, 0), SQLITE_OK);
	return now;
}

static void a_store_at_rest_keeps_next_to_nothing_in_memory(void **state)
{
	struct fixture *f = *state;
	struct id32 r = root;
	enum err e;
	static uint8_t bytes[LIMIT_BLOB_INLINE_BYTES];
	for (unsigned i = 0; i < 100; i++) {
		struct store_req put = {.op = STORE_BLOB_PUT,
			.a.number = sizeof bytes - 16,
			.a.bytes = slice_of(r.b, 32),
			.a.bytes2 = slice_of(r.b, 32),
			.a.value = slice_of(bytes, sizeof bytes),
			.a.flag = true};
		be32_put(r.b + 8, i);
		put.a.root = r;
		assert_int_equal(run(f, &put, NULL), OK);
	}
	assert_true(cache_bytes(f) > 1 << 20);
	store_rest(f->store);
	assert_true(cache_bytes(f) < 1 << 16);
	assert_int_equal(get_blob(f, &r, &e).state, BLOB_COMPLETE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_pinned_blob_is_wanted_then_known_then_held),
		TEST(a_small_blob_lives_in_rows_until_nothing_pins_it),
		TEST(what_no_entry_ever_named_goes_at_a_start),
		TEST(an_erasure_names_the_files_that_must_go),
		TEST(a_dropped_blob_that_is_pinned_is_wanted_again),
		TEST(leaves_of_a_blob_of_several_pages_are_kept_by_page),
		TEST(a_store_at_rest_keeps_next_to_nothing_in_memory),
		TEST(a_blob_file_gets_its_name_only_when_it_is_whole),
	};
	return cmocka_run_group_tests_name("store blobs", tests, NULL, NULL);
}
