/* The MessagePack profile: what is refused, what it costs, and that writing gives what reading accepts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bounds.h"
#include "protocol/log/mp.h"
#include "tests/support/seeded_random.h"

#define BYTES(s) slice_of("" s, sizeof("" s) - 1)

static enum err check(struct slice s)
{
	return mp_check(s, LIMIT_MP_NODES);
}

static void each_shortest_form_is_accepted(void **state)
{
	(void)state;
	static const struct {
		const char *b;
		size_t n;
	} good[] = {
#define G(s) {"" s, sizeof("" s) - 1}
		G("\xc0"),
		G("\xc2"),
		G("\xc3"),
		G("\x00"),
		G("\x7f"),
		G("\xcc\x80"),
		G("\xcc\xff"),
		G("\xcd\x01\x00"),
		G("\xcd\xff\xff"),
		G("\xce\x00\x01\x00\x00"),
		G("\xce\xff\xff\xff\xff"),
		G("\xcf\x00\x00\x00\x01\x00\x00\x00\x00"),
		G("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"),
		G("\xff"),
		G("\xe0"),
		G("\xd0\xdf"),
		G("\xd0\x80"),
		G("\xd1\xff\x7f"),
		G("\xd1\x80\x00"),
		G("\xd2\xff\xff\x7f\xff"),
		G("\xd2\x80\x00\x00\x00"),
		G("\xd3\xff\xff\xff\xff\x7f\xff\xff\xff"),
		G("\xd3\x80\x00\x00\x00\x00\x00\x00\x00"),
		G("\xa0"),
		G("\xa1z"),
		G("\xc4\x00"),
		G("\xc4\x01\x00"),
		G("\x90"),
		G("\x91\xc0"),
		G("\x80"),
		G("\x81\x01\xc0"),
		G("\x81\xa1k\xc0"),
#undef G
	};
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_int_equal(check(slice_of(good[i].b, good[i].n)), OK);
}

static void each_longer_form_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *b;
		size_t n;
	} bad[] = {
#define B(s) {"" s, sizeof("" s) - 1}
		B("\xcc\x7f"),
		B("\xcd\x00\xff"),
		B("\xce\x00\x00\xff\xff"),
		B("\xcf\x00\x00\x00\x00\xff\xff\xff\xff"),
		B("\xd0\x00"),
		B("\xd0\x7f"),
		B("\xd1\x01\x00"),
		B("\xd2\x00\x01\x00\x00"),
		B("\xd3\x00\x00\x00\x01\x00\x00\x00\x00"),
		B("\xd0\xe0"),
		B("\xd0\xff"),
		B("\xd1\xff\x80"),
		B("\xd2\xff\xff\x80\x00"),
		B("\xd3\xff\xff\xff\xff\x80\x00\x00\x00"),
		B("\xd9\x01z"),
		B("\xda\x00\x01z"),
		B("\xdb\x00\x00\x00\x01z"),
		B("\xc5\x00\x01z"),
		B("\xc6\x00\x00\x00\x01z"),
		B("\xdc\x00\x01\xc0"),
		B("\xdd\x00\x00\x00\x01\xc0"),
		B("\xde\x00\x01\x01\xc0"),
		B("\xdf\x00\x00\x00\x01\x01\xc0"),
#undef B
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(check(slice_of(bad[i].b, bad[i].n)), ERR_FORMAT);
}

/* A head, then as many bytes or objects as it says. */
static void counted(const char *head, size_t head_n, size_t n, uint8_t filler, enum err expected)
{
	uint8_t *b = malloc(head_n + n);
	assert_non_null(b);
	memcpy(b, head, head_n);
	memset(b + head_n, filler, n);
	assert_int_equal(mp_check(slice_of(b, head_n + n), SIZE_MAX), expected);
	assert_int_equal(mp_check(slice_of(b, head_n + n - 1), SIZE_MAX), ERR_FORMAT);
	free(b);
}

static void lengths_change_their_form_at_the_right_place(void **state)
{
	(void)state;
	counted("\xbf", 1, 31, 'a', OK);
	counted("\xd9\x1f", 2, 31, 'a', ERR_FORMAT);
	counted("\xd9\x20", 2, 32, 'a', OK);
	counted("\xd9\xff", 2, 255, 'a', OK);
	counted("\xda\x00\xff", 3, 255, 'a', ERR_FORMAT);
	counted("\xda\x01\x00", 3, 256, 'a', OK);
	counted("\xda\xff\xff", 3, 65535, 'a', OK);
	counted("\xdb\x00\x00\xff\xff", 5, 65535, 'a', ERR_FORMAT);
	counted("\xdb\x00\x01\x00\x00", 5, 65536, 'a', OK);
	counted("\xc4\xff", 2, 255, 0, OK);
	counted("\xc5\x00\xff", 3, 255, 0, ERR_FORMAT);
	counted("\xc5\x01\x00", 3, 256, 0, OK);
	counted("\xc6\x00\x00\xff\xff", 5, 65535, 0, ERR_FORMAT);
	counted("\xc6\x00\x01\x00\x00", 5, 65536, 0, OK);
	counted("\x9f", 1, 15, 0, OK);
	counted("\xdc\x00\x0f", 3, 15, 0, ERR_FORMAT);
	counted("\xdc\x00\x10", 3, 16, 0, OK);
	counted("\xdd\x00\x00\xff\xff", 5, 65535, 0, ERR_FORMAT);
	counted("\xdd\x00\x01\x00\x00", 5, 65536, 0, OK);
}

static void floats_ext_and_the_unused_byte_are_refused(void **state)
{
	(void)state;
	static const uint8_t heads[] = {0xc1, 0xc7, 0xc8, 0xc9, 0xca, 0xcb, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8};
	for (size_t i = 0; i < sizeof heads; i++) {
		uint8_t b[32] = {heads[i]};
		for (size_t n = 1; n <= sizeof b; n++)
			assert_int_equal(check(slice_of(b, n)), ERR_FORMAT);
	}
}

static void depth_8_is_accepted_and_9_is_not(void **state)
{
	(void)state;
	assert_int_equal(check(BYTES("\x91\x91\x91\x91\x91\x91\x91\x91\xc0")), OK);
	assert_int_equal(check(BYTES("\x91\x91\x91\x91\x91\x91\x91\x91\x91\xc0")), ERR_LIMIT);
	assert_int_equal(check(BYTES("\x91\x91\x91\x91\x91\x91\x91\x90")), OK);
	assert_int_equal(check(BYTES("\x91\x91\x91\x91\x91\x91\x91\x91\x90")), ERR_LIMIT);
	assert_int_equal(
		check(BYTES("\x81\x01\x81\x01\x81\x01\x81\x01\x81\x01\x81\x01\x81\x01\x81\x01\x05")), OK);
	assert_int_equal(check(BYTES("\x81\x01\x81\x01\x81\x01\x81\x01\x81\x01\x81\x01\x81\x01\x81\x01\x80")),
		ERR_LIMIT);
	assert_int_equal(
		check(BYTES("\x92\x91\x91\x91\x91\x91\x91\x91\xc0\x91\xc0")), OK); /* and comes back up */
}

static void nodes_4096_are_accepted_and_4097_are_not(void **state)
{
	(void)state;
	static uint8_t b[3 + 4096];
	memset(b, 0xc0, sizeof b);
	memcpy(b, "\xdc\x0f\xff", 3);
	assert_int_equal(check(slice_of(b, 3 + 4095)), OK);
	memcpy(b, "\xdc\x10\x00", 3);
	assert_int_equal(check(slice_of(b, sizeof b)), ERR_LIMIT);
	assert_int_equal(mp_check(slice_of(b, sizeof b), 4097), OK);
	assert_int_equal(mp_check(BYTES("\xc0"), 0), ERR_LIMIT);
}

static void keys_are_of_one_type_and_strictly_ascending(void **state)
{
	(void)state;
	assert_int_equal(check(BYTES("\x82\x01\xc0\x02\xc0")), OK);
	assert_int_equal(check(BYTES("\x82\x7f\xc0\xcc\x80\xc0")), OK);
	assert_int_equal(check(BYTES("\x82\xa1"
				     "a\xc0\xa2"
				     "aa\xc0")),
		OK);
	assert_int_equal(check(BYTES("\x82\xa0\xc0\xa1"
				     "a\xc0")),
		OK);
	assert_int_equal(check(BYTES("\x82\xa2"
				     "aa\xc0\xa1"
				     "b\xc0")),
		OK); /* bytewise, not by length */
	assert_int_equal(check(BYTES("\x82\xa1z\xc0\xa2\xc3\xa9\xc0")), OK); /* bytes are unsigned */
	assert_int_equal(check(BYTES("\x82\x02\xc0\x01\xc0")), ERR_FORMAT);
	assert_int_equal(check(BYTES("\x82\x01\xc0\x01\xc0")), ERR_FORMAT);
	assert_int_equal(check(BYTES("\x82\xa1"
				     "a\xc0\xa1"
				     "a\xc0")),
		ERR_FORMAT);
	assert_int_equal(check(BYTES("\x82\xa0\xc0\xa0\xc0")), ERR_FORMAT);
	assert_int_equal(check(BYTES("\x82\xa2"
				     "aa\xc0\xa1"
				     "a\xc0")),
		ERR_FORMAT);
	assert_int_equal(check(BYTES("\x82\xa1"
				     "b\xc0\xa2"
				     "aa\xc0")),
		ERR_FORMAT);
	assert_int_equal(check(BYTES("\x82\x01\xc0\xa1"
				     "a\xc0")),
		ERR_FORMAT);
	assert_int_equal(check(BYTES("\x82\xa1"
				     "a\xc0\x01\xc0")),
		ERR_FORMAT);
	assert_int_equal(check(BYTES("\x81\xc0\xc0")), ERR_FORMAT);
	assert_int_equal(check(BYTES("\x81\xff\xc0")), ERR_FORMAT);
	assert_int_equal(check(BYTES("\x81\xc4\x01"
				     "a\xc0")),
		ERR_FORMAT);
	assert_int_equal(check(BYTES("\x81\x90\xc0")), ERR_FORMAT);
	assert_int_equal(check(BYTES("\x81\xc3\xc0")), ERR_FORMAT);
	/* the order of an outer map does not see an inner one */
	assert_int_equal(check(BYTES("\x82\x05\x81\x09\xc0\x06\xc0")), OK);
	assert_int_equal(check(BYTES("\x82\x05\x81\x01\xc0\x05\xc0")), ERR_FORMAT);
}

static void only_valid_utf8_without_nul_is_a_str(void **state)
{
	(void)state;
	assert_int_equal(check(BYTES("\xa2\xc3\xa9")), OK);
	assert_int_equal(check(BYTES("\xa2\xc2\x80")), OK);
	assert_int_equal(check(BYTES("\xa2\xdf\xbf")), OK);
	assert_int_equal(check(BYTES("\xa3\xe0\xa0\x80")), OK);
	assert_int_equal(check(BYTES("\xa3\xed\x9f\xbf")), OK);
	assert_int_equal(check(BYTES("\xa3\xee\x80\x80")), OK);
	assert_int_equal(check(BYTES("\xa3\xef\xbf\xbf")), OK);
	assert_int_equal(check(BYTES("\xa4\xf0\x90\x80\x80")), OK);
	assert_int_equal(check(BYTES("\xa4\xf4\x8f\xbf\xbf")), OK);
	static const struct {
		const char *b;
		size_t n;
	} bad[] = {
#define B(s) {"" s, sizeof("" s) - 1}
		B("\xa1\x00"),
		B("\xa3"
		  "a\x00"
		  "b"),
		B("\xa1\x80"),
		B("\xa1\xbf"),
		B("\xa1\xc3"),
		B("\xa2\xc0\x80"),
		B("\xa2\xc1\xbf"),
		B("\xa2\xc3"
		  "a"),
		B("\xa2\xe2\x82"),
		B("\xa3\xe0\x9f\xbf"),
		B("\xa3\xed\xa0\x80"),
		B("\xa3\xed\xbf\xbf"),
		B("\xa3\xe2\x82"
		  "a"),
		B("\xa4\xf0\x8f\xbf\xbf"),
		B("\xa4\xf4\x90\x80\x80"),
		B("\xa4\xf5\x80\x80\x80"),
		B("\xa3\xf0\x90\x80"),
		B("\xa4\xf0\x90\x80"
		  "a"),
		B("\xa1\xff"),
		B("\xa1\xfe"),
		B("\xa3\xc3\xa9\xc3"),
#undef B
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(check(slice_of(bad[i].b, bad[i].n)), ERR_FORMAT);
	assert_int_equal(check(BYTES("\x81\xa1\xff\xc0")), ERR_FORMAT); /* keys too */
	assert_int_equal(check(BYTES("\xc4\x02\xff\x00")), OK); /* bin is free */
}

static void a_count_that_the_bytes_cannot_hold_is_refused_at_once(void **state)
{
	(void)state;
	assert_int_equal(check(BYTES("\xdd\xff\xff\xff\xff")), ERR_FORMAT);
	assert_int_equal(check(BYTES("\xdf\xff\xff\xff\xff")), ERR_FORMAT);
	assert_int_equal(check(BYTES("\xc6\xff\xff\xff\xff")), ERR_FORMAT);
	assert_int_equal(check(BYTES("\xdb\xff\xff\xff\xff")), ERR_FORMAT);
	assert_int_equal(check(BYTES("\xdc\xff\xff\x01\x02")), ERR_FORMAT);
	assert_int_equal(check(BYTES("\x83\x01\xc0\x02\xc0\x03")), ERR_FORMAT); /* half a pair too few */
	assert_int_equal(check(BYTES("\x92\xc0")), ERR_FORMAT);
	struct mp_in in = mp_open(BYTES("\xdd\xff\xff\xff\xff"));
	size_t n = 7;
	assert_int_equal(mp_get_array(&in, 0, SIZE_MAX, &n), ERR_FORMAT);
	assert_int_equal(n, 7);
}

static void five_bytes_that_ask_for_16_gib_fit_into_little_memory(void **state)
{
	(void)state;
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		const struct rlimit limit = {.rlim_cur = 256u << 20, .rlim_max = 256u << 20};
		if (setrlimit(RLIMIT_AS, &limit) != 0)
			_exit(2);
		bool refused = check(BYTES("\xdd\x40\x00\x00\x00")) == ERR_FORMAT &&
			check(BYTES("\xdf\x20\x00\x00\x00")) == ERR_FORMAT;
		_exit(refused ? 0 : 1);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static const char rich[] = "\x9b\xc0\xc2\xc3\x05\xcd\x30\x39\xd1\xff\x00\xa5hello\xc4\x03\x00\x01\x02"
			   "\x82\xa1"
			   "a\x91\x01\xa2"
			   "ab\x80\x93\x01\x02\x03\x82\x01\xa3\xe2\x82\xac\x02\xc0";

static void every_truncation_and_every_further_byte_is_refused(void **state)
{
	(void)state;
	struct slice s = slice_of(rich, sizeof rich - 1);
	assert_int_equal(check(s), OK);
	for (size_t n = 0; n < s.n; n++)
		assert_int_equal(check(slice_of(rich, n)), ERR_FORMAT);
	assert_int_equal(check(slice_of(rich, sizeof rich)), ERR_FORMAT); /* with its NUL */
	assert_int_equal(check((struct slice){0}), ERR_FORMAT);
	size_t n = 0;
	assert_int_equal(mp_check_prefix(slice_of(rich, sizeof rich), LIMIT_MP_NODES, &n), OK);
	assert_int_equal(n, s.n);
}

static void the_cursor_reads_what_stands_there(void **state)
{
	(void)state;
	struct mp_in in = mp_open(slice_of(rich, sizeof rich - 1));
	size_t n;
	bool b;
	uint64_t u;
	int64_t i;
	struct slice s;
	assert_int_equal(mp_peek(&in), MP_ARRAY);
	assert_int_equal(mp_get_array(&in, 0, 11, &n), OK);
	assert_int_equal(n, 11);
	assert_int_equal(mp_get_nil(&in), OK);
	assert_int_equal(mp_get_bool(&in, &b), OK);
	assert_false(b);
	assert_int_equal(mp_get_bool(&in, &b), OK);
	assert_true(b);
	assert_int_equal(mp_get_uint(&in, 5, &u), OK);
	assert_int_equal(u, 5);
	assert_int_equal(mp_get_uint(&in, UINT64_MAX, &u), OK);
	assert_int_equal(u, 12345);
	assert_int_equal(mp_peek(&in), MP_INT);
	assert_int_equal(mp_get_int(&in, &i), OK);
	assert_int_equal(i, -256);
	assert_int_equal(mp_get_str(&in, 5, 5, &s), OK);
	assert_true(slice_equal(s, slice_str("hello")));
	assert_int_equal(mp_get_bin(&in, 3, 3, &s), OK);
	assert_int_equal(s.p[2], 2);
	assert_int_equal(mp_skip(&in, &s), OK);
	assert_int_equal(s.n, 9);
	assert_int_equal(s.p[0], 0x82);
	assert_int_equal(mp_skip(&in, NULL), OK);
	assert_int_equal(mp_get_map(&in, 2, &n), OK);
	assert_int_equal(mp_skip(&in, NULL), OK);
	assert_int_equal(mp_skip(&in, NULL), OK);
	assert_int_equal(mp_skip(&in, NULL), OK);
	assert_int_equal(mp_skip(&in, NULL), OK);
	assert_int_equal(mp_peek(&in), MP_END);
	assert_int_equal(mp_skip(&in, NULL), ERR_FORMAT);
}

static void a_wrong_type_or_a_bound_leaves_the_cursor(void **state)
{
	(void)state;
	struct mp_in in = mp_open(BYTES("\xa3"
					"abc"));
	const uint8_t *at = in.p;
	struct slice s;
	struct id32 id;
	uint64_t u;
	int64_t i;
	size_t n;
	bool b;
	assert_int_equal(mp_get_nil(&in), ERR_FORMAT);
	assert_int_equal(mp_get_bool(&in, &b), ERR_FORMAT);
	assert_int_equal(mp_get_uint(&in, 9, &u), ERR_FORMAT);
	assert_int_equal(mp_get_int(&in, &i), ERR_FORMAT);
	assert_int_equal(mp_get_bin(&in, 0, 9, &s), ERR_FORMAT);
	assert_int_equal(mp_get_id(&in, &id), ERR_FORMAT);
	assert_int_equal(mp_get_array(&in, 0, 9, &n), ERR_FORMAT);
	assert_int_equal(mp_get_map(&in, 9, &n), ERR_FORMAT);
	assert_int_equal(mp_get_str(&in, 4, 9, &s), ERR_RANGE);
	assert_int_equal(mp_get_str(&in, 0, 2, &s), ERR_RANGE);
	assert_ptr_equal(in.p, at);
	assert_int_equal(mp_get_str(&in, 3, 3, &s), OK);
	in = mp_open(BYTES("\x92\x01\x02"));
	assert_int_equal(mp_get_array(&in, 3, 9, &n), ERR_RANGE);
	assert_int_equal(mp_get_array(&in, 0, 1, &n), ERR_RANGE);
	assert_int_equal(mp_get_array(&in, 2, 2, &n), OK);
	assert_int_equal(mp_get_uint(&in, 0, &u), ERR_RANGE);
	assert_int_equal(mp_get_uint(&in, 1, &u), OK);
	in = mp_open(BYTES("\x81\x01\x02"));
	assert_int_equal(mp_get_map(&in, 0, &n), ERR_RANGE);
	static uint8_t bin[35] = {0xc4, 33};
	in = mp_open(slice_of(bin, sizeof bin));
	assert_int_equal(mp_get_id(&in, &id), ERR_RANGE);
}

static void what_is_written_is_in_the_profile_and_reads_back(void **state)
{
	(void)state;
	static const uint64_t uints[] = {
		0, 1, 127, 128, 255, 256, 65535, 65536, 0xffffffff, 0x100000000, UINT64_MAX};
	static const int64_t ints[] = {
		-1, -32, -33, -128, -129, -32768, -32769, INT32_MIN, (int64_t)INT32_MIN - 1, INT64_MIN};
	static const size_t lengths[] = {0, 1, 31, 32, 255, 256, 65535, 65536};
	static char text[65536];
	memset(text, 'x', sizeof text);
	struct buf buf = {0};
	struct mp_out o = mp_out_init(&buf);
	mp_put_array(&o, 11 + 10 + 16 + 4);
	for (size_t i = 0; i < 11; i++)
		mp_put_uint(&o, uints[i]);
	for (size_t i = 0; i < 10; i++)
		mp_put_int(&o, ints[i]);
	for (size_t i = 0; i < 8; i++) {
		mp_put_str(&o, slice_of(text, lengths[i]));
		mp_put_bin(&o, slice_of(text, lengths[i]));
	}
	mp_put_nil(&o);
	mp_put_bool(&o, true);
	mp_put_int(&o, 5); /* not negative: as unsigned */
	mp_put_map(&o, 2);
	mp_put_cstr(&o, "a");
	mp_put_raw(&o, BYTES("\x91\x01"));
	mp_put_cstr(&o, "b");
	mp_put_id(&o, &(struct id32){{9}});
	assert_int_equal(o.err, OK);
	assert_int_equal(check(buf_slice(&buf)), OK);

	struct mp_in in = mp_open(buf_slice(&buf));
	size_t n;
	uint64_t u;
	int64_t v;
	struct slice s;
	assert_int_equal(mp_get_array(&in, 41, 41, &n), OK);
	for (size_t i = 0; i < 11; i++) {
		assert_int_equal(mp_get_uint(&in, UINT64_MAX, &u), OK);
		assert_true(u == uints[i]);
	}
	for (size_t i = 0; i < 10; i++) {
		assert_int_equal(mp_get_int(&in, &v), OK);
		assert_true(v == ints[i]);
	}
	for (size_t i = 0; i < 8; i++) {
		assert_int_equal(mp_get_str(&in, lengths[i], lengths[i], &s), OK);
		assert_int_equal(mp_get_bin(&in, lengths[i], lengths[i], &s), OK);
	}
	buf_free(&buf);
}

/* Writes one object again, by what the cursor says of it. */
static void copy(struct mp_in *in, struct mp_out *o)
{
	size_t n = 0;
	uint64_t u;
	int64_t i;
	bool b;
	struct slice s;
	switch (mp_peek(in)) {
	case MP_NIL:
		assert_int_equal(mp_get_nil(in), OK);
		mp_put_nil(o);
		break;
	case MP_BOOL:
		assert_int_equal(mp_get_bool(in, &b), OK);
		mp_put_bool(o, b);
		break;
	case MP_UINT:
		assert_int_equal(mp_get_uint(in, UINT64_MAX, &u), OK);
		mp_put_uint(o, u);
		break;
	case MP_INT:
		assert_int_equal(mp_get_int(in, &i), OK);
		mp_put_int(o, i);
		break;
	case MP_STR:
		assert_int_equal(mp_get_str(in, 0, SIZE_MAX, &s), OK);
		mp_put_str(o, s);
		break;
	case MP_BIN:
		assert_int_equal(mp_get_bin(in, 0, SIZE_MAX, &s), OK);
		mp_put_bin(o, s);
		break;
	case MP_ARRAY:
		assert_int_equal(mp_get_array(in, 0, SIZE_MAX, &n), OK);
		mp_put_array(o, n);
		break;
	case MP_MAP:
		assert_int_equal(mp_get_map(in, SIZE_MAX, &n), OK);
		mp_put_map(o, n);
		n *= 2;
		break;
	case MP_END: fail();
	}
	while (n-- > 0)
		copy(in, o);
}

static void whatever_is_accepted_has_only_this_one_encoding(void **state)
{
	(void)state;
	struct seeded_random seed = {.seed = 1};
	struct random_source rnd = seeded_random_source(&seed);
	size_t accepted = 0;
	struct buf buf = {0};
	for (int round = 0; round < 200000; round++) {
		uint8_t b[sizeof rich - 1], r[4];
		memcpy(b, rich, sizeof b);
		random_fill(&rnd, r, sizeof r);
		b[r[0] % sizeof b] = r[1];
		b[r[2] % sizeof b] ^= (uint8_t)(r[3] & 0x11);
		size_t n;
		if (mp_check_prefix(slice_of(b, sizeof b), LIMIT_MP_NODES, &n) != OK)
			continue;
		accepted++;
		struct mp_in in = mp_open(slice_of(b, n));
		buf.n = 0;
		struct mp_out o = mp_out_init(&buf);
		copy(&in, &o);
		assert_int_equal(o.err, OK);
		assert_true(slice_equal(buf_slice(&buf), slice_of(b, n)));
	}
	assert_true(accepted > 10000);
	buf_free(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_shortest_form_is_accepted),
		cmocka_unit_test(each_longer_form_is_refused),
		cmocka_unit_test(lengths_change_their_form_at_the_right_place),
		cmocka_unit_test(floats_ext_and_the_unused_byte_are_refused),
		cmocka_unit_test(depth_8_is_accepted_and_9_is_not),
		cmocka_unit_test(nodes_4096_are_accepted_and_4097_are_not),
		cmocka_unit_test(keys_are_of_one_type_and_strictly_ascending),
		cmocka_unit_test(only_valid_utf8_without_nul_is_a_str),
		cmocka_unit_test(a_count_that_the_bytes_cannot_hold_is_refused_at_once),
		cmocka_unit_test(five_bytes_that_ask_for_16_gib_fit_into_little_memory),
		cmocka_unit_test(every_truncation_and_every_further_byte_is_refused),
		cmocka_unit_test(the_cursor_reads_what_stands_there),
		cmocka_unit_test(a_wrong_type_or_a_bound_leaves_the_cursor),
		cmocka_unit_test(what_is_written_is_in_the_profile_and_reads_back),
		cmocka_unit_test(whatever_is_accepted_has_only_this_one_encoding),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
