/* fuzz_ranges.c -- what two sides say about ranges (SPEC 10.8): any request is answered in its form, any answer is refused or understood,
 * and our own answer to what we asked is always understood.
 * Input: how many items, which of them the peer has otherwise, prefixes, an answer. */
#include "tests/fuzz/fuzz.h"

#include "protocol/peer/ranges.h"

#define ITEMS_MAX 200

static struct ranges *set(const uint8_t nonce[16], size_t n, uint8_t other)
{
	struct ranges *r = ranges_new(nonce);
	fuzz_must(r != NULL, "there is memory");
	for (size_t i = 0; i < n; i++) {
		struct store_row row = {.kind = i & 1, .length = i == other};
		row.log.b[0] = row.identity.b[0] = (uint8_t)i;
		fuzz_must(ranges_add(r, &row, i) == OK, "there is room");
	}
	ranges_sort(r);
	return r;
}

/* Everything that is appended is ours: refs, and parts of the prefixes in which there are items. */
static void see(const struct ranges *own, const struct ranges_diff *d, size_t prefixes)
{
	fuzz_must(d->deeper_n <= 16 * prefixes && d->refs_n <= ranges_count(own) * prefixes, "nothing grows");
	for (size_t i = 0; i < d->deeper_n; i++)
		fuzz_must(
			d->deeper[i].depth <= RANGES_DEPTH_MAX && ranges_prefix_count(own, d->deeper[i]) > 0,
			"only where there is something of ours");
	for (size_t i = 0; i < d->refs_n; i++)
		fuzz_must(d->refs[i] < ranges_count(own), "an item of ours");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fuzz_in in = fuzz_open(data, n);
	uint8_t nonce[16] = {fuzz_u8(&in)};
	size_t items = fuzz_u8(&in) % ITEMS_MAX;
	uint8_t other = fuzz_u8(&in);
	struct ranges *own = set(nonce, items, 255), *peer = set(nonce, items, other);
	size_t prefixes_n = fuzz_u8(&in) % 16u + 1;
	struct slice prefixes = fuzz_take(&in, prefixes_n * RANGES_PREFIX_BYTES);
	struct ranges_diff d = {0};
	struct buf answer = {0};
	if (ranges_prefixes_sound(prefixes)) {
		prefixes_n = prefixes.n / RANGES_PREFIX_BYTES;
		fuzz_must(ranges_answer(peer, prefixes, &answer) == OK, "every request has an answer");
		fuzz_must(answer.n <= prefixes_n * (1 + 8 * RANGES_FEW), "which is bounded");
		fuzz_must(ranges_compare(own, prefixes, buf_slice(&answer), &d) == OK, "and understood");
		see(own, &d, prefixes_n);
		ranges_diff_deinit(&d);
		enum err e = ranges_compare(own, prefixes, slice_of(in.p, in.n), &d);
		fuzz_must(e == OK || e == ERR_FORMAT, "any bytes are refused or understood");
		see(own, &d, prefixes_n);
	}
	ranges_diff_deinit(&d);
	buf_free(&answer);
	ranges_free(own);
	ranges_free(peer);
	return 0;
}
