/* fuzz_entry.c -- entry headers and envelopes (SPEC 4.2, 4.5): what is decoded is encoded to the same bytes.
 * Input: at most 2048 bytes. */
#include "tests/fuzz/fuzz.h"

#include "protocol/log/entry.h"

static void header(struct slice s)
{
	struct entry_header h;
	uint8_t again[ENTRY_HEADER_BYTES];
	enum err e = entry_header_decode(s, &h);
	fuzz_must(
		e == OK || e == ERR_FORMAT || e == ERR_VERSION || e == ERR_RANGE, "the errors of its header");
	if (e != OK)
		return;
	fuzz_must(s.n == ENTRY_HEADER_BYTES && h.seq <= LIMIT_SEQ, "bounds of a header");
	entry_header_encode(&h, again);
	fuzz_must(memcmp(again, s.p, sizeof again) == 0, "a header is encoded to the same bytes");
}

static void envelope(struct slice s)
{
	struct envelope e;
	struct buf again = {0};
	if (envelope_decode(s, &e) != OK)
		return;
	fuzz_must(s.n <= LIMIT_ENVELOPE_BYTES && e.blobs_n <= LIMIT_ENVELOPE_BLOBS, "bounds of an envelope");
	fuzz_must(envelope_encode(&e, &again) == OK, "an envelope is encoded");
	fuzz_must(slice_equal(buf_slice(&again), s), "an envelope is encoded to the same bytes");
	buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	header(slice_of(data, n));
	envelope(slice_of(data, n));
	return 0;
}
