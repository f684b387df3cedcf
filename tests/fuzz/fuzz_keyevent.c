/* fuzz_keyevent.c -- one key event (SPEC 3.1): what is decoded is encoded to the same bytes.
 * Input: at most 16384 bytes. */
#include "tests/fuzz/fuzz.h"

#include "protocol/log/keyevent.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct keyevent ev;
	static struct id32 list[LIMIT_KEYEVENT_KEEPS];
	struct slice s = slice_of(data, n);
	enum err e = keyevent_decode(s, &ev);
	fuzz_must(e == OK || e == ERR_FORMAT || e == ERR_VERSION || e == ERR_RANGE || e == ERR_LIMIT,
		"the errors of its header");
	if (e != OK)
		return 0;
	fuzz_must(ev.list_n <= LIMIT_KEYEVENT_KEEPS, "a list is bounded");
	for (size_t i = 0; i < ev.list_n; i++)
		list[i] = keyevent_list(&ev, i);
	for (size_t i = 0; i < ev.wraps_n; i++)
		fuzz_must(keyevent_wrap_find(&ev, &ev.wraps[i].key) != NULL, "a wrap is found");
	const struct id32 id = keyevent_id(s);
	fuzz_must(id32_equal(&id, &ev.id), "the id is that of the bytes");
	struct buf again = {0};
	fuzz_must(keyevent_encode(&ev, list, &again) == OK, "what is decoded can be encoded");
	fuzz_must(slice_equal(buf_slice(&again), s), "to the same bytes");
	buf_free(&again);
	return 0;
}
