/* Chunks hashed side by side: each leaf is the one that libsodium gives, whatever the length and however many. And a request of several
 * chunks: what holds before one that does not is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "daemon/drive_work.h"
#include "protocol/log/blobtree.h"
#include "protocol/log/lanes.h"
#include "store/blobfile.h"
#include "tests/support/files.h"
#include "tests/support/seeded_random.h"

static uint8_t chunks[LANES * BLOB_CHUNK_STORED_BYTES];

static int fill(void **state)
{
	struct seeded_random seed = {.seed = 11};
	struct random_source rnd = seeded_random_source(&seed);
	(void)state;
	random_fill(&rnd, chunks, sizeof chunks);
	return 0;
}

static void compare(enum lanes_by by, uint64_t first, size_t n, size_t count)
{
	struct id32 got[LANES] = {{{0}}};
	lanes_leaves(by, first, chunks, n, count, got);
	for (size_t i = 0; i < count; i++) {
		struct id32 leaf = blob_leaf(first + i, chunks + i * n, n);
		if (!id32_equal(&leaf, &got[i]))
			fail_msg("kind %d, %zu bytes, chunk %zu of %zu", (int)by, n, i, count);
	}
	for (size_t i = count; i < LANES; i++)
		assert_true(id32_is_zero(&got[i])); /* nothing behind them is written */
}

static void leaves_are_those_of_one_by_one(void **state)
{
	static const size_t long_ones[] = {
		4096, 65536, 65537, BLOB_CHUNK_STORED_BYTES - 1, BLOB_CHUNK_STORED_BYTES};
	(void)state;
	for (int by = LANES_PLAIN; by <= (int)lanes_best(); by++) {
		for (size_t n = 0; n < 400; n++)
			compare((enum lanes_by)by, n, n, 1 + n % LANES);
		for (size_t i = 0; i < sizeof long_ones / sizeof long_ones[0]; i++)
			for (size_t count = 1; count <= LANES; count++)
				compare((enum lanes_by)by, UINT64_MAX / 3, long_ones[i], count);
	}
}

static void every_bit_counts(void **state)
{
	struct id32 before[LANES], after[LANES];
	(void)state;
	for (size_t bit = 0; bit < 8 * sizeof chunks; bit += 8 * 4001 + 3) {
		size_t lane = bit / 8 / BLOB_CHUNK_STORED_BYTES;
		lanes_leaves(lanes_best(), 5, chunks, BLOB_CHUNK_STORED_BYTES, LANES, before);
		chunks[bit / 8] ^= (uint8_t)(1u << bit % 8);
		lanes_leaves(lanes_best(), 5, chunks, BLOB_CHUNK_STORED_BYTES, LANES, after);
		for (size_t i = 0; i < LANES; i++)
			assert_int_equal(id32_equal(&before[i], &after[i]), i != lane);
	}
}

struct request {
	char home[64];
	struct id32 leaves[WORK_CHUNKS_MAX];
	struct engine_work w;
};

static void request_make(struct request *q, size_t n)
{
	*q = (struct request){.home = "/tmp/lanes-XXXXXX"};
	assert_non_null(mkdtemp(q->home));
	for (size_t i = 0; i < n; i++)
		q->leaves[i] = blob_leaf(
			3 + i, chunks + i * BLOB_CHUNK_STORED_BYTES, BLOB_CHUNK_STORED_BYTES);
	q->w = (struct engine_work){.kind = WORK_CHUNKS,
		.root = {{7}},
		.leaves = q->leaves,
		.index = 3,
		.n = n,
		.size = 11 * BLOB_CHUNK_BYTES,
		.file = true,
		.bytes = slice_of(chunks, n * BLOB_CHUNK_STORED_BYTES)};
}

static void request_drop(struct request *q)
{
	assert_int_equal(remove_tree(q->home), 0);
}

/* What the file gives of n chunks from 3 on. */
static void read_back(struct request *q, size_t n, size_t good, enum err err)
{
	struct engine_work r = {.kind = WORK_READ, .root = q->w.root, .index = 3, .n = n, .size = q->w.size};
	drive_work(q->home, &r);
	assert_int_equal(r.done_n, good);
	assert_int_equal(r.err, err);
	assert_memory_equal(r.bytes.p, chunks, good * BLOB_CHUNK_STORED_BYTES);
	arena_free(&r.mem);
}

static void chunks_are_written_and_read_in_one_go(void **state)
{
	struct request q;
	(void)state;
	request_make(&q, 8);
	drive_work(q.home, &q.w);
	assert_int_equal(q.w.err, OK);
	assert_int_equal(q.w.done_n, 8);
	read_back(&q, 8, 8, OK);
	request_drop(&q);
}

static void what_holds_before_a_lie_is_kept(void **state)
{
	(void)state;
	for (size_t lie = 0; lie < 5; lie++) {
		struct request q;
		request_make(&q, 5);
		q.leaves[lie].b[31] ^= 1;
		drive_work(q.home, &q.w);
		assert_int_equal(q.w.err, ERR_HASH);
		assert_int_equal(q.w.done_n, lie);
		if (lie > 0)
			read_back(&q, 5, lie, ERR_CORRUPT);
		request_drop(&q);
	}
}

static void what_cannot_be_written_is_not_counted(void **state)
{
	struct request q;
	(void)state;
	request_make(&q, 4);
	q.leaves[3].b[0] ^= 1;
	request_drop(&q);
	drive_work(q.home, &q.w);
	assert_int_equal(q.w.done_n, 0);
	assert_int_equal(q.w.err, ERR_HASH); /* the peer lied as well */
	q.leaves[3].b[0] ^= 1;
	drive_work(q.home, &q.w);
	assert_int_equal(q.w.done_n, 0);
	assert_int_equal(q.w.err, ERR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaves_are_those_of_one_by_one),
		cmocka_unit_test(every_bit_counts),
		cmocka_unit_test(chunks_are_written_and_read_in_one_go),
		cmocka_unit_test(what_holds_before_a_lie_is_kept),
		cmocka_unit_test(what_cannot_be_written_is_not_counted),
	};
	return cmocka_run_group_tests(tests, fill, NULL);
}
