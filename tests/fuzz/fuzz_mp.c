/* fuzz_mp.c -- MessagePack in the profile (SPEC 1.5): what mp_check accepts, the cursor walks to its end without an error, and writing it
 * again gives the same bytes. */
#include "tests/fuzz/fuzz.h"

#include "bounds.h"
#include "protocol/log/mp.h"

static void walk(struct mp_in *in, struct mp_out *o, unsigned depth);

static void walk_many(struct mp_in *in, struct mp_out *o, unsigned depth, size_t n)
{
	for (size_t i = 0; i < n; i++)
		walk(in, o, depth);
}

static void walk_text(struct mp_in *in, struct mp_out *o, bool text)
{
	struct slice s;
	enum err e = text ? mp_get_str(in, 0, SIZE_MAX, &s) : mp_get_bin(in, 0, SIZE_MAX, &s);
	fuzz_must(e == OK, "a checked text or bin is read");
	if (text)
		mp_put_str(o, s);
	else
		mp_put_bin(o, s);
}

static void walk_number(struct mp_in *in, struct mp_out *o, bool negative)
{
	uint64_t u;
	int64_t i;
	if (negative) {
		fuzz_must(mp_get_int(in, &i) == OK && i < 0, "a checked negative integer is read");
		mp_put_int(o, i);
		return;
	}
	fuzz_must(mp_get_uint(in, UINT64_MAX, &u) == OK, "a checked integer is read");
	mp_put_uint(o, u);
}

static void walk(struct mp_in *in, struct mp_out *o, unsigned depth)
{
	size_t n;
	bool b;
	fuzz_must(depth <= LIMIT_MP_DEPTH, "depth is bounded");
	switch (mp_peek(in)) {
	case MP_NIL:
		fuzz_must(mp_get_nil(in) == OK, "nil is read");
		mp_put_nil(o);
		break;
	case MP_BOOL:
		fuzz_must(mp_get_bool(in, &b) == OK, "a truth value is read");
		mp_put_bool(o, b);
		break;
	case MP_UINT: walk_number(in, o, false); break;
	case MP_INT: walk_number(in, o, true); break;
	case MP_STR: walk_text(in, o, true); break;
	case MP_BIN: walk_text(in, o, false); break;
	case MP_ARRAY:
		fuzz_must(mp_get_array(in, 0, SIZE_MAX, &n) == OK, "a checked array is read");
		mp_put_array(o, n);
		walk_many(in, o, depth + 1, n);
		break;
	case MP_MAP:
		fuzz_must(mp_get_map(in, SIZE_MAX, &n) == OK, "a checked map is read");
		mp_put_map(o, n);
		walk_many(in, o, depth + 1, 2 * n);
		break;
	case MP_END: fuzz_must(false, "an object ends where it says"); break;
	}
}

static void accepted(struct slice s)
{
	struct buf again = {0};
	struct mp_out o = mp_out_init(&again);
	struct mp_in in = mp_open(s), skipped = in;
	walk(&in, &o, 0);
	fuzz_must(mp_peek(&in) == MP_END, "one object and no more");
	fuzz_must(o.err == OK && slice_equal(buf_slice(&again), s), "writing gives the same bytes");
	struct slice raw;
	fuzz_must(mp_skip(&skipped, &raw) == OK && slice_equal(raw, s), "skipping takes the whole");
	/* One byte less, or one more, is not the same object. */
	struct slice less = slice_of(s.p, s.n - 1);
	fuzz_must(mp_check(less, LIMIT_MP_NODES) != OK, "a cut object is refused");
	fuzz_must(buf_put(&again, "", 1) == OK, "there is memory");
	fuzz_must(mp_check(buf_slice(&again), LIMIT_MP_NODES) == ERR_FORMAT, "a byte behind is refused");
	buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice s = slice_of(data, n);
	size_t prefix = 0;
	enum err whole = mp_check(s, LIMIT_MP_NODES), first = mp_check_prefix(s, LIMIT_MP_NODES, &prefix);
	fuzz_must(whole == OK || whole == ERR_FORMAT || whole == ERR_LIMIT, "the errors of its header");
	if (first == OK) {
		fuzz_must(prefix > 0 && prefix <= n, "a first object lies in the bytes");
		fuzz_must(mp_check(slice_of(data, prefix), LIMIT_MP_NODES) == OK, "a first object is one");
		fuzz_must((whole == OK) == (prefix == n), "the two checks agree");
		accepted(slice_of(data, prefix));
	} else {
		fuzz_must(whole == first, "the two checks agree in what they refuse");
	}
	return 0;
}
