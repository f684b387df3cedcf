/* Sizes, chunks, leaves, pages and roots of blobs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "protocol/log/blobtree.h"
#include "protocol/log/hash.h"
#include "tests/support/seeded_random.h"

#define KIB64 ((uint64_t)BLOB_CHUNK_BYTES)

static void sizes_give_chunks_pages_and_stored_bytes(void **state)
{
	(void)state;
	static const struct {
		uint64_t size, chunks;
		uint32_t pages, last_page_leaves;
		size_t last_chunk;
	} rows[] = {
		{0, 1, 1, 1, 0},
		{1, 1, 1, 1, 1},
		{KIB64 - 1, 1, 1, 1, KIB64 - 1},
		{KIB64, 1, 1, 1, KIB64},
		{KIB64 + 1, 2, 1, 2, 1},
		{1024 * KIB64, 1024, 1, 1024, KIB64},
		{1024 * KIB64 + 1, 1025, 2, 1, 1},
		{1025 * KIB64, 1025, 2, 1, KIB64},
		{LIMIT_BLOB_CHUNKS * KIB64, LIMIT_BLOB_CHUNKS, LIMIT_BLOB_PAGES, 1024, KIB64},
		{LIMIT_BLOB_CHUNKS * KIB64 + 1, LIMIT_BLOB_CHUNKS + 1, LIMIT_BLOB_PAGES + 1, 1, 1},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		uint64_t size = rows[i].size;
		assert_int_equal(blob_chunks(size), rows[i].chunks);
		assert_int_equal(blob_pages(size), rows[i].pages);
		assert_int_equal(blob_page_leaves(size, rows[i].pages - 1), rows[i].last_page_leaves);
		assert_int_equal(blob_page_leaves(size, rows[i].pages), 0);
		assert_int_equal(blob_chunk_plain_bytes(size, rows[i].chunks - 1), rows[i].last_chunk);
		assert_int_equal(blob_chunk_plain_bytes(size, rows[i].chunks), 0);
		assert_int_equal(blob_stored_bytes(size), size + 16 * rows[i].chunks);
		if (rows[i].chunks > 1)
			assert_int_equal(blob_chunk_plain_bytes(size, 0), KIB64);
		if (rows[i].pages > 1)
			assert_int_equal(blob_page_leaves(size, 0), 1024);
	}
	assert_true(blob_chunks(UINT64_MAX) == (UINT64_MAX >> 16) + 1);
}

static void a_chunk_opens_with_its_key_index_and_flag_only(void **state)
{
	(void)state;
	static uint8_t plain[BLOB_CHUNK_BYTES], enc[BLOB_CHUNK_STORED_BYTES], out[BLOB_CHUNK_BYTES];
	static const size_t lengths[] = {0, 1, 1000, BLOB_CHUNK_BYTES};
	struct seeded_random seed = {.seed = 3};
	struct random_source rnd = seeded_random_source(&seed);
	uint8_t key[32], other[32];
	random_fill(&rnd, key, 32);
	random_fill(&rnd, other, 32);
	random_fill(&rnd, plain, sizeof plain);
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		size_t n = lengths[i];
		blob_chunk_encrypt(key, 7, false, plain, n, enc);
		assert_int_equal(blob_chunk_decrypt(key, 7, false, enc, n + 16, out), OK);
		assert_memory_equal(out, plain, n);
		assert_int_equal(blob_chunk_decrypt(key, 6, false, enc, n + 16, out), ERR_DECRYPT);
		assert_int_equal(blob_chunk_decrypt(key, 7ull << 32, false, enc, n + 16, out), ERR_DECRYPT);
		assert_int_equal(blob_chunk_decrypt(key, 7, true, enc, n + 16, out), ERR_DECRYPT);
		assert_int_equal(blob_chunk_decrypt(other, 7, false, enc, n + 16, out), ERR_DECRYPT);
		assert_int_equal(blob_chunk_decrypt(key, 7, false, enc, n + 15, out), ERR_DECRYPT);
		assert_int_equal(blob_chunk_decrypt(key, 7, false, enc, 15, out), ERR_DECRYPT);
		enc[n / 2] ^= 0x10;
		assert_int_equal(blob_chunk_decrypt(key, 7, false, enc, n + 16, out), ERR_DECRYPT);
	}
	memcpy(enc, plain, 1000);
	blob_chunk_encrypt(key, 0, true, enc, 1000, enc);
	assert_int_equal(blob_chunk_decrypt(key, 0, true, enc, 1016, enc), OK);
	assert_memory_equal(enc, plain, 1000);
}

static void swapped_chunks_do_not_open_and_give_other_leaves(void **state)
{
	(void)state;
	uint8_t key[32] = {1}, a[26], b[26], out[10];
	blob_chunk_encrypt(key, 0, false, (const uint8_t *)"aaaaaaaaaa", 10, a);
	blob_chunk_encrypt(key, 1, true, (const uint8_t *)"bbbbbbbbbb", 10, b);
	assert_int_equal(blob_chunk_decrypt(key, 0, false, b, 26, out), ERR_DECRYPT);
	assert_int_equal(blob_chunk_decrypt(key, 1, true, a, 26, out), ERR_DECRYPT);
	const struct id32 l0 = blob_leaf(0, a, 26), l1 = blob_leaf(1, a, 26),
			  short_leaf = blob_leaf(0, a, 25);
	assert_false(id32_equal(&l0, &l1));
	assert_false(id32_equal(&l0, &short_leaf));
}

/* The root by the words of section 6.2, with plain concatenation. */
static struct id32 plain_root(const struct id32 *leaves, size_t n, uint64_t size, const struct id32 *owner)
{
	struct buf all = {0};
	uint8_t s[8];
	for (size_t at = 0; at < n; at += 1024) {
		size_t m = n - at < 1024 ? n - at : 1024;
		const struct id32 page = hash_bytes("quire.node", leaves + at, m * 32);
		assert_int_equal(buf_put(&all, page.b, 32), OK);
	}
	be64_put(s, size);
	assert_int_equal(buf_put(&all, s, 8), OK);
	assert_int_equal(buf_put(&all, owner->b, 32), OK);
	const struct id32 root = hash_bytes("quire.root", all.p, all.n);
	buf_free(&all);
	return root;
}

static void the_root_covers_every_leaf_the_size_and_the_owner(void **state)
{
	(void)state;
	static struct id32 leaves[1025], pages[2];
	static const size_t counts[] = {1, 2, 1023, 1024, 1025};
	struct id32 owner = {{5}}, other = {{6}};
	for (size_t i = 0; i < 1025; i++) {
		uint8_t chunk[8];
		be64_put(chunk, i);
		leaves[i] = blob_leaf(i, chunk, 8);
	}
	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
		uint64_t size = counts[i] * KIB64;
		uint32_t n = blob_pages(size);
		for (uint32_t p = 0; p < n; p++)
			pages[p] = blob_page_hash(leaves + p * 1024, blob_page_leaves(size, p));
		const struct id32 root = blob_root(pages, n, size, &owner);
		const struct id32 expected = plain_root(leaves, counts[i], size, &owner);
		assert_true(id32_equal(&root, &expected));
		const struct id32 longer = blob_root(pages, n, size + 1, &owner),
				  foreign = blob_root(pages, n, size, &other);
		assert_false(id32_equal(&root, &longer));
		assert_false(id32_equal(&root, &foreign));
		pages[n - 1].b[31] ^= 1;
		const struct id32 damaged = blob_root(pages, n, size, &owner);
		assert_false(id32_equal(&root, &damaged));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_give_chunks_pages_and_stored_bytes),
		cmocka_unit_test(a_chunk_opens_with_its_key_index_and_flag_only),
		cmocka_unit_test(swapped_chunks_do_not_open_and_give_other_leaves),
		cmocka_unit_test(the_root_covers_every_leaf_the_size_and_the_owner),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
