/* Set reconciliation: two sides find exactly what differs, whatever the sets; and no bytes of a peer do harm. SPEC.md section 10.8. */
#include "protocol/log/hash.h"
#include "protocol/peer/ranges.h"
#include "tests/support/seeded_random.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct seeded_random seeded = {.seed = 8};

static uint64_t draw(uint64_t below)
{
	struct random_source rnd = seeded_random_source(&seeded);
	uint8_t b[8];
	random_fill(&rnd, b, sizeof b);
	return be64_get(b) % below;
}

/* Row k as one side has it: version 0 is what both have. */
static struct store_row row_of(uint64_t k, unsigned version)
{
	struct store_row row = {.kind = k % 3 != 0, .fork_seq1 = version == 3};
	be64_put(row.identity.b, k / 4 + 1);
	be64_put(row.log.b + 8, k + 1);
	if (row.kind == 0)
		be64_put(row.identity.b + 16, k);
	row.count = row.length = 5 + version;
	row.sum.b[9] = version == 2;
	row.last.b[0] = (uint8_t)version;
	return row;
}

static struct ranges *set_new(const uint8_t nonce[16], const uint8_t *versions, size_t n)
{
	struct ranges *r = ranges_new(nonce);
	assert_non_null(r);
	for (size_t k = 0; k < n; k++) {
		struct store_row row = row_of(k, versions[k] - 1u);
		if (versions[k])
			assert_int_equal(ranges_add(r, &row, k), OK);
	}
	ranges_sort(r);
	return r;
}

static void ask(const struct ranges_prefix *p, size_t n, uint8_t *out)
{
	for (size_t i = 0; i < n; i++)
		ranges_prefix_put(out + i * RANGES_PREFIX_BYTES, p[i]);
}

struct cost {
	size_t asked, answered, rounds;
};

/* The asker's way from the root until nothing is left to ask; gives what is to be told. */
static struct ranges_diff reconcile(const struct ranges *own, const struct ranges *peer, struct cost *cost)
{
	struct ranges_diff d = {0};
	assert_int_equal(ranges_diff_deeper(&d, (struct ranges_prefix){0}), OK);
	while (d.deeper_n) {
		uint8_t bytes[RANGES_PREFIXES_MAX * RANGES_PREFIX_BYTES];
		size_t n = d.deeper_n < RANGES_PREFIXES_MAX ? d.deeper_n : RANGES_PREFIXES_MAX;
		struct buf answer = {0};
		d.deeper_n -= n;
		ask(d.deeper + d.deeper_n, n, bytes);
		struct slice prefixes = slice_of(bytes, n * RANGES_PREFIX_BYTES);
		assert_true(ranges_prefixes_sound(prefixes));
		assert_int_equal(ranges_answer(peer, prefixes, &answer), OK);
		assert_int_equal(ranges_compare(own, prefixes, buf_slice(&answer), &d), OK);
		cost->asked += prefixes.n;
		cost->answered += answer.n;
		cost->rounds++;
		buf_free(&answer);
	}
	return d;
}

/* Exactly the rows that one side has otherwise than the other. */
static void expect_exact(
	const struct ranges_diff *d, const uint8_t *own, const uint8_t *peer, size_t n, size_t *differing)
{
	uint8_t *told = calloc(n ? n : 1, 1);
	assert_non_null(told);
	for (size_t i = 0; i < d->refs_n; i++) {
		assert_true(d->refs[i] < n && !told[d->refs[i]]);
		told[d->refs[i]] = 1;
	}
	for (size_t k = 0; k < n; k++) {
		assert_int_equal(told[k], own[k] && own[k] != peer[k]);
		*differing += told[k];
	}
	free(told);
}

static void a_difference_is_found_exactly_whatever_the_sets(void **state)
{
	static const size_t sizes[] = {0, 1, 2, 31, 32, 33, 64, 65, 500, 3000};
	size_t pairs = 0, differing = 0;
	(void)state;
	for (int round = 0; round < 200; round++) {
		size_t n = sizes[draw(sizeof sizes / sizeof *sizes)], k;
		uint64_t rare = 1 + draw(round % 4 ? 200 : 3);
		uint8_t *a = malloc(n + 1), *b = malloc(n + 1), nonce[16];
		assert_true(a && b);
		be64_put(nonce, draw(UINT64_MAX));
		be64_put(nonce + 8, draw(UINT64_MAX));
		for (k = 0; k < n; k++) {
			a[k] = b[k] = 1;
			if (draw(rare) == 0)
				a[k] = (uint8_t)draw(5);
			if (draw(rare) == 0)
				b[k] = (uint8_t)draw(5);
		}
		struct ranges *x = set_new(nonce, a, n), *y = set_new(nonce, b, n);
		struct cost cost = {0};
		struct ranges_diff xy = reconcile(x, y, &cost), yx = reconcile(y, x, &cost);
		expect_exact(&xy, a, b, n, &differing);
		expect_exact(&yx, b, a, n, &differing);
		ranges_diff_deinit(&xy);
		ranges_diff_deinit(&yx);
		ranges_free(x);
		ranges_free(y);
		free(a);
		free(b);
		pairs++;
	}
	assert_true(differing > 10000);
	print_message("%zu pairs, %zu differences\n", pairs, differing);
}

static void equal_sets_cost_one_answer_and_one_difference_few(void **state)
{
	size_t n = 20000;
	uint8_t *a = malloc(n), *b = malloc(n);
	struct cost equal = {0}, one = {0};
	static const uint8_t nonce[16] = {4};
	(void)state;
	assert_true(a && b);
	memset(a, 1, n);
	memset(b, 1, n);
	b[777] = 2;
	struct ranges *x = set_new(nonce, a, n), *y = set_new(nonce, b, n);
	struct ranges_diff d = reconcile(x, x, &equal);
	assert_int_equal(d.refs_n, 0);
	assert_int_equal(equal.rounds, 1);
	assert_int_equal(equal.answered, 1 + 16 * 8);
	ranges_diff_deinit(&d);
	d = reconcile(x, y, &one);
	assert_int_equal(d.refs_n, 1);
	assert_int_equal(d.refs[0], 777);
	assert_true(one.rounds <= 5 && one.answered < 4 * 129 + 257);
	ranges_diff_deinit(&d);
	ranges_free(x);
	ranges_free(y);
	free(a);
	free(b);
}

/* SPEC 10.8: "place = the first 8 bytes of H(`quire.place`, N, kind (`u8`), identity id or log id), as a big-endian number" */
static void places_and_values_are_those_of_the_document(void **state)
{
	static const uint8_t nonce[16] = {1, 2, 3};
	struct store_row row = {.kind = 1, .length = 0x102, .fork_seq1 = 7};
	uint8_t kind = 1, length[8] = {0, 0, 0, 0, 0, 0, 1, 2}, fork[8] = {0, 0, 0, 0, 0, 0, 0, 7};
	(void)state;
	memset(row.log.b, 0x11, 32);
	memset(row.identity.b, 0x22, 32);
	memset(row.last.b, 0x33, 32);
	memset(row.sum.b, 0x44, 32);
	struct slice n = slice_of(nonce, 16), k = slice_of(&kind, 1), log = slice_of(row.log.b, 32);
	struct id32 place = hash_parts("quire.place", (struct slice[]){n, k, log}, 3);
	struct id32 value = hash_parts("quire.item",
		(struct slice[]){n, k, log, slice_of(row.identity.b, 32), slice_of(length, 8),
			slice_of(row.last.b, 32), slice_of(row.sum.b, 32), slice_of(fork, 8)},
		8);
	struct ranges *r = ranges_new(nonce);
	struct buf out = {0};
	uint8_t prefix[9];
	assert_int_equal(ranges_add(r, &row, 0), OK);
	ranges_sort(r);
	struct ranges_prefix p = {.bits = be64_get(place.b) & ~(uint64_t)15, .depth = 15};
	assert_int_equal(ranges_prefix_count(r, p), 1);
	assert_int_equal(ranges_fingerprint(r, p), be64_get(value.b));
	ranges_prefix_put(prefix, p);
	assert_int_equal(ranges_answer(r, slice_of(prefix, 9), &out), OK);
	assert_int_equal(out.n, 9);
	assert_int_equal(out.p[0], 1);
	assert_memory_equal(out.p + 1, value.b, 8);
	p.bits ^= 16;
	assert_int_equal(ranges_prefix_count(r, p), 0);
	assert_int_equal(ranges_fingerprint(r, p), 0);
	buf_free(&out);
	ranges_free(r);
}

/* What is in a prefix's sixteen parts is in the prefix, once. */
static void fingerprints_of_parts_add_up(void **state)
{
	uint8_t all[4000];
	static const uint8_t nonce[16] = {9};
	(void)state;
	memset(all, 1, sizeof all);
	struct ranges *r = set_new(nonce, all, sizeof all);
	for (int i = 0; i < 200; i++) {
		unsigned depth = (unsigned)draw(4);
		struct ranges_prefix p = {.depth = depth,
			.bits = depth ? draw(UINT64_MAX) & UINT64_MAX << (64 - 4 * depth) : 0};
		size_t n = 0;
		for (unsigned k = 0; k < 16; k++)
			n += ranges_prefix_count(r,
				(struct ranges_prefix){.depth = depth + 1,
					.bits = p.bits | (uint64_t)k << (60 - 4 * depth)});
		assert_int_equal(n, ranges_prefix_count(r, p));
	}
	assert_int_equal(ranges_prefix_count(r, (struct ranges_prefix){0}), sizeof all);
	ranges_free(r);
}

static void a_request_that_is_no_list_of_prefixes_is_known(void **state)
{
	uint8_t b[(RANGES_PREFIXES_MAX + 1) * RANGES_PREFIX_BYTES] = {0};
	(void)state;
	assert_false(ranges_prefixes_sound(slice_of(b, 0)));
	assert_false(ranges_prefixes_sound(slice_of(b, 8)));
	assert_true(ranges_prefixes_sound(slice_of(b, 9)));
	assert_false(ranges_prefixes_sound(slice_of(b, 10)));
	assert_true(ranges_prefixes_sound(slice_of(b, sizeof b - 9)));
	assert_false(ranges_prefixes_sound(slice_of(b, sizeof b)));
	b[0] = 15;
	b[8] = 0x10;
	assert_true(ranges_prefixes_sound(slice_of(b, 9)));
	b[8] = 0x08;
	assert_false(ranges_prefixes_sound(slice_of(b, 9)));
	b[0] = 16;
	assert_false(ranges_prefixes_sound(slice_of(b, 9)));
	b[0] = 0, b[8] = 0, b[1] = 1;
	assert_false(ranges_prefixes_sound(slice_of(b, 9)));
}

static void an_answer_that_is_none_is_refused(void **state)
{
	uint8_t all[1000], prefixes[18] = {0};
	static const uint8_t nonce[16] = {5};
	struct ranges_diff d = {0};
	struct buf answer = {0};
	(void)state;
	memset(all, 1, sizeof all);
	struct ranges *r = set_new(nonce, all, sizeof all);
	prefixes[9] = 3; /* 0, and the first prefix of depth 3 */
	struct slice asked = slice_of(prefixes, sizeof prefixes);
	assert_int_equal(ranges_answer(r, asked, &answer), OK);
	assert_int_equal(ranges_compare(r, asked, buf_slice(&answer), &d), OK);
	for (size_t n = 0; n < answer.n; n++)
		assert_int_equal(ranges_compare(r, asked, slice_of(answer.p, n), &d), ERR_FORMAT);
	assert_int_equal(buf_put(&answer, "", 1), OK);
	assert_int_equal(ranges_compare(r, asked, buf_slice(&answer), &d), ERR_FORMAT);
	uint8_t many[1 + 33 * 8] = {33}, unsorted[17] = {2, 9}, deep[9] = {15}, more[129] = {255};
	assert_int_equal(
		ranges_compare(r, slice_of(prefixes, 9), slice_of(many, sizeof many), &d), ERR_FORMAT);
	many[0] = 32;
	assert_int_equal(ranges_compare(r, slice_of(prefixes, 9), slice_of(many, sizeof many - 8), &d), OK);
	assert_int_equal(ranges_compare(r, slice_of(prefixes, 9), slice_of(unsorted, 17), &d), ERR_FORMAT);
	assert_int_equal(ranges_compare(r, slice_of(prefixes, 9), slice_of(more, 129), &d), OK);
	assert_int_equal(ranges_compare(r, slice_of(deep, 9), slice_of(more, 129), &d), ERR_FORMAT);
	ranges_diff_deinit(&d);
	buf_free(&answer);
	ranges_free(r);
}

static void bytes_of_a_peer_never_make_more_than_our_items_and_their_prefixes(void **state)
{
	uint8_t all[300], nonce[16] = {6};
	(void)state;
	memset(all, 1, sizeof all);
	struct ranges *r = set_new(nonce, all, sizeof all);
	for (int i = 0; i < 3000; i++) {
		uint8_t prefixes[27] = {0}, bytes[600];
		struct ranges_diff d = {0};
		size_t n = (size_t)draw(sizeof bytes);
		prefixes[9] = 1, prefixes[18] = 15;
		for (size_t k = 0; k < n; k++)
			bytes[k] = (uint8_t)draw(256);
		if (n)
			bytes[0] = draw(2) ? 255 : (uint8_t)draw(4);
		(void)!ranges_compare(
			r, slice_of(prefixes, 9 * (size_t)(1 + draw(3))), slice_of(bytes, n), &d);
		assert_true(d.deeper_n <= 48 && d.refs_n <= 3 * sizeof all);
		ranges_diff_deinit(&d);
	}
	ranges_free(r);
}

static void there_are_no_more_items_than_the_bound(void **state)
{
	static const uint8_t nonce[16] = {7};
	struct ranges *r = ranges_new(nonce);
	(void)state;
	for (uint64_t k = 0; k < RANGES_ITEMS_MAX; k++) {
		struct store_row row = row_of(k, 0);
		if (ranges_add(r, &row, k) != OK)
			fail();
	}
	struct store_row row = row_of(RANGES_ITEMS_MAX, 0);
	assert_int_equal(ranges_add(r, &row, 0), ERR_LIMIT);
	assert_int_equal(ranges_count(r), RANGES_ITEMS_MAX);
	ranges_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_difference_is_found_exactly_whatever_the_sets),
		cmocka_unit_test(equal_sets_cost_one_answer_and_one_difference_few),
		cmocka_unit_test(places_and_values_are_those_of_the_document),
		cmocka_unit_test(fingerprints_of_parts_add_up),
		cmocka_unit_test(a_request_that_is_no_list_of_prefixes_is_known),
		cmocka_unit_test(an_answer_that_is_none_is_refused),
		cmocka_unit_test(bytes_of_a_peer_never_make_more_than_our_items_and_their_prefixes),
		cmocka_unit_test(there_are_no_more_items_than_the_bound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
