/* planted.c -- a fuzz target with two faults on purpose, for test_replay: the replayer must see both. */
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice s = slice_of(data, n);
	fuzz_must(!slice_equal(s, slice_str("a property that does not hold")), "the planted property");
	/* One byte behind the input: without a sanitizer nobody sees it. */
	const volatile uint8_t *p = data;
	if (slice_equal(s, slice_str("a read behind the end")) && p[n] == 0xff)
		return 1;
	return 0;
}
