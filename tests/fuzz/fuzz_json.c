/* fuzz_json.c -- JSON and its canonical form (SPEC 17.1): parsed, written, parsed and written again, it is the same value and the same bytes.
 * Input: at most 4096 bytes. */
#include "tests/fuzz/fuzz.h"

#include "protocol/award/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char why[JSON_WHY_BYTES];
	json_t *first = NULL, *second = NULL;
	struct buf text = {0}, again = {0};
	memset(why, 'x', sizeof why);
	enum err e = json_parse(slice_of(data, n), &first, why);
	fuzz_must(e == OK || e == ERR_FORMAT || e == ERR_LIMIT, "the errors of its header");
	if (e != OK) {
		fuzz_must(why[0] && memchr(why, 0, sizeof why) != NULL, "it says why");
		return 0;
	}
	fuzz_must(json_canonical(first, &text) == OK, "what is parsed can be written");
	fuzz_must(json_parse(buf_slice(&text), &second, why) == OK, "and parsed again");
	fuzz_must(json_equal(first, second), "to the same value");
	fuzz_must(json_canonical(second, &again) == OK && fuzz_same(&text, &again), "and the same bytes");
	json_decref(first);
	json_decref(second);
	buf_free(&text);
	buf_free(&again);
	return 0;
}
