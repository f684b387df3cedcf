/* JSON of credentials: what is refused and why, and the canonical form where it is easily wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>

#include "protocol/award/json.h"

static void expect_refused(struct slice text, enum err expected, const char *part)
{
	json_t *v = NULL;
	char why[JSON_WHY_BYTES];
	enum err e = json_parse(text, &v, why);
	if (e != expected || v || !strstr(why, part))
		fail_msg("%.60s: error %d, \"%s\"", (const char *)text.p, (int)e, e == OK ? "" : why);
}

static void refused(const char *text, const char *part)
{
	expect_refused(slice_str(text), ERR_FORMAT, part);
}

static void expect_canonical(const char *text, const char *expected)
{
	json_t *v = NULL;
	char why[JSON_WHY_BYTES];
	struct buf b = {0};
	if (json_parse(slice_str(text), &v, why) != OK)
		fail_msg("%s: %s", text, why);
	assert_int_equal(json_canonical(v, &b), OK);
	if (!slice_equal(buf_slice(&b), slice_str(expected)))
		fail_msg("%s: %.*s", text, (int)b.n, (const char *)b.p);
	buf_free(&b);
	json_decref(v);
}

static void documents_are_read_strictly(void **state)
{
	(void)state;
	refused("", "line 1");
	refused("\"text\"", "line 1");
	refused("1", "line 1");
	refused("{} x", "line 1");
	refused("{}{}", "line 1");
	refused("\xef\xbb\xbf{}", "line 1");
	refused("{\n\"a\":1,\n}", "line 3");
	refused("[1,]", "line 1");
	refused("['a']", "line 1");
	refused("[01]", "line 1");
	refused("[+1]", "line 1");
	refused("[.5]", "line 1");
	refused("[1.]", "line 1");
	refused("[NaN]", "line 1");
	refused("[Infinity]", "line 1");
	refused("[tru]", "line 1");
	refused("[\"\n\"]", "line 1");
	refused("[\"", "line 1");
	refused("[\"\\", "line 1");
	refused("{\"a\":1} // x", "line 1");
}

static void texts_are_whole_unicode(void **state)
{
	(void)state;
	refused("[\"\\ud800\"]", "line 1");
	refused("[\"a\xef\xbf\xbe\"]", "no character");
	refused("{\"\\uFFff\":1}", "no character");
	refused("[1,\n\"\\ufffe\"]", "line 2");
	refused("[\"\\ud800x\"]", "line 1");
	refused("[\"\\ud800\\ud800\"]", "line 1");
	refused("[\"\\udc00\"]", "line 1");
	refused("{\"\\ud800\":1}", "line 1");
	refused("[\"\xed\xa0\x80\"]", "line 1");
	refused("[\"\xc0\x80\"]", "line 1");
	refused("[\"\xf4\x90\x80\x80\"]", "line 1");
	refused("[\"\xff\"]", "line 1");
	refused("[\"\xc3\"]", "line 1");
	refused("[\"\\u0000\"]", "line 1");
	refused("{\"a\\u0000b\":1}", "line 1");
	expect_refused(slice_of("[\"a\0b\"]", 7), ERR_FORMAT, "line 1");
	expect_canonical("[\"\\ud83d\\ude02\"]", "[\"\xf0\x9f\x98\x82\"]");
}

static void no_key_stands_twice(void **state)
{
	(void)state;
	refused("{\"a\":1,\"a\":1}", "duplicate");
	refused("{\"a\":1,\"\\u0061\":2}", "duplicate");
	refused("[{\"x\":{\"a\":1,\"b\":2,\"a\":3}}]", "duplicate");
}

static void integers_that_a_double_cannot_hold_are_refused(void **state)
{
	(void)state;
	/* What the canonical form itself writes is read again. */
	expect_canonical("[1.2345678901234568e20]", "[123456789012345680000]");
	expect_canonical("[123456789012345680000]", "[123456789012345680000]");
	char text[400];
	expect_canonical("[9007199254740992,-9007199254740992]", "[9007199254740992,-9007199254740992]");
	expect_canonical("[9007199254740994]", "[9007199254740994]");
	expect_canonical("[100000000000000000000]", "[100000000000000000000]");
	refused("[1,\n9007199254740993]", "line 2: an integer that a double cannot hold");
	refused("[-9007199254740993]", "an integer that a double cannot hold");
	refused("[{\"a\":18446744073709551615}]", "an integer that a double cannot hold");
	/* 2^1023 holds, one more does not; 309 nines are too large, and so are more digits. */
	snprintf(text, sizeof text, "[%.0f]", ldexp(1, 1023));
	expect_canonical(text, "[8.98846567431158e+307]");
	text[strlen(text) - 2]++;
	refused(text, "an integer that a double cannot hold");
	memset(text, '9', 311);
	text[0] = '[';
	memcpy(text + 310, "]", 2);
	refused(text, "an integer that a double cannot hold");
	memcpy(text + 350, "]", 2);
	memset(text + 1, '9', 349);
	refused(text, "an integer that a double cannot hold");
	/* Digits inside a text are no number. */
	expect_canonical("[\"9007199254740993\",\"\\\"9007199254740993\"]",
		"[\"9007199254740993\",\"\\\"9007199254740993\"]");
	refused("[1e999]", "line 1");
}

static void depth_has_a_limit(void **state)
{
	(void)state;
	char text[3 * JSON_DEPTH_MAX + 8];
	for (size_t depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
		json_t *v = NULL;
		memset(text, '[', depth);
		memset(text + depth, ']', depth);
		enum err e = json_parse(slice_of(text, 2 * depth), &v, NULL);
		assert_int_equal(e, depth == JSON_DEPTH_MAX ? OK : ERR_LIMIT);
		json_decref(v);
	}
	memset(text, '[', sizeof text);
	expect_refused(slice_of(text, sizeof text), ERR_LIMIT, "nested too deeply");
	/* Brackets in texts do not count. */
	expect_canonical(
		"[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"]",
		"[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"]");
	json_t *inner = json_array(), *v = inner;
	for (size_t i = 0; i < JSON_DEPTH_MAX; i++)
		v = json_pack("[o]", v);
	struct buf b = {0};
	assert_int_equal(json_canonical(v, &b), OK);
	v = json_pack("[o]", v);
	assert_int_equal(json_canonical(v, &b), ERR_LIMIT);
	buf_free(&b);
	json_decref(v);
}

static void size_has_a_limit(void **state)
{
	(void)state;
	static uint8_t text[JSON_BYTES_MAX + 1];
	json_t *v = NULL;
	memset(text, ' ', sizeof text);
	memcpy(text, "{}", 2);
	assert_int_equal(json_parse(slice_of(text, JSON_BYTES_MAX), &v, NULL), OK);
	json_decref(v);
	expect_refused(slice_of(text, sizeof text), ERR_LIMIT, "too large");
}

static void reasons_are_plain_text(void **state)
{
	(void)state;
	json_t *v = NULL;
	char why[JSON_WHY_BYTES];
	assert_int_equal(json_parse(slice_str("[\xc3\xa9\x1b[31m]"), &v, why), ERR_FORMAT);
	for (const char *p = why; *p; p++)
		assert_true(*p >= 0x20 && *p <= 0x7e);
	assert_int_equal(json_parse(slice_str("["), &v, NULL), ERR_FORMAT);
}

/* Appendix B of RFC 8785, and what stands at the borders of the four ways to write a number. */
static void numbers_are_written_as_ecmascript_does(void **state)
{
	(void)state;
	static const struct {
		uint64_t bits;
		const char *text;
	} cases[] = {
		{0x0000000000000000, "0"},
		{0x8000000000000000, "0"},
		{0x0000000000000001, "5e-324"},
		{0x8000000000000001, "-5e-324"},
		{0x7fefffffffffffff, "1.7976931348623157e+308"},
		{0xffefffffffffffff, "-1.7976931348623157e+308"},
		{0x4340000000000000, "9007199254740992"},
		{0xc340000000000000, "-9007199254740992"},
		{0x4430000000000000, "295147905179352830000"},
		{0x44b52d02c7e14af5, "9.999999999999997e+22"},
		{0x44b52d02c7e14af6, "1e+23"},
		{0x44b52d02c7e14af7, "1.0000000000000001e+23"},
		{0x444b1ae4d6e2ef4e, "999999999999999700000"},
		{0x444b1ae4d6e2ef4f, "999999999999999900000"},
		{0x444b1ae4d6e2ef50, "1e+21"},
		{0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
		{0x3eb0c6f7a0b5ed8d, "0.000001"},
		{0x41b3de4355555553, "333333333.3333332"},
		{0x41b3de4355555554, "333333333.33333325"},
		{0x41b3de4355555555, "333333333.3333333"},
		{0x41b3de4355555556, "333333333.3333334"},
		{0x41b3de4355555557, "333333333.33333343"},
		{0xbecbf647612f3696, "-0.0000033333333333333333"},
		{0x43143ff3c1cb0959, "1424953923781206.2"},
		{0x0060000000000000, "7.120236347223045e-307"},
		{0x3ff8000000000000, "1.5"},
		{0xc059000000000000, "-100"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		double d;
		struct buf b = {0};
		memcpy(&d, &cases[i].bits, 8);
		json_t *v = json_real(d);
		assert_int_equal(json_canonical(v, &b), OK);
		if (!slice_equal(buf_slice(&b), slice_str(cases[i].text)))
			fail_msg("%s: %.*s", cases[i].text, (int)b.n, (const char *)b.p);
		buf_free(&b);
		json_decref(v);
	}
	expect_canonical("[1e-400,-0,-0.0,1E3,10e-1]", "[0,0,0,1000,1]");
}

static void integers_made_by_programs_are_held_or_refused(void **state)
{
	(void)state;
	static const struct {
		json_int_t i;
		const char *text;
	} cases[] = {
		{0, "0"},
		{-7, "-7"},
		{INT64_C(9007199254740992), "9007199254740992"},
		{INT64_MIN, "-9223372036854776000"},
		{INT64_C(9007199254740993), NULL},
		{INT64_MAX, NULL},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct buf b = {0};
		json_t *v = json_integer(cases[i].i);
		assert_int_equal(json_canonical(v, &b), cases[i].text ? OK : ERR_RANGE);
		if (cases[i].text)
			assert_true(slice_equal(buf_slice(&b), slice_str(cases[i].text)));
		buf_free(&b);
		json_decref(v);
	}
}

static void keys_are_sorted_by_utf16(void **state)
{
	(void)state;
	/* U+1F602 (D83D DE02) stands before U+E000 and U+FB33, and behind U+D7FF. */
	expect_canonical(
		"{\"\xef\xac\xb3\":1,\"\xf0\x9f\x98\x82\":2,\"\xee\x80\x80\":3,\"\xed\x9f\xbf\":4,\"a\":5,\"\":6,"
		"\"aa\":7,\"\xf0\x90\x80\x80\":8,\"\xef\xbf\xbd\":9}",
		"{\"\":6,\"a\":5,\"aa\":7,\"\xed\x9f\xbf\":4,\"\xf0\x90\x80\x80\":8,\"\xf0\x9f\x98\x82\":2,"
		"\"\xee\x80\x80\":3,\"\xef\xac\xb3\":1,\"\xef\xbf\xbd\":9}");
	expect_canonical("{\"a\xf0\x9f\x98\x82\":1,\"a\xef\xac\xb3\":2,\"a\":3}",
		"{\"a\":3,\"a\xf0\x9f\x98\x82\":1,\"a\xef\xac\xb3\":2}");
}

static void texts_are_escaped_as_little_as_may_be(void **state)
{
	(void)state;
	expect_canonical("[\"\\b\\t\\n\\f\\r\\\"\\\\\\/\\u001f\\u0001\\u007f\\u2028<\"]",
		"[\"\\b\\t\\n\\f\\r\\\"\\\\/\\u001f\\u0001\x7f\xe2\x80\xa8<\"]");
	expect_canonical("{ \"b\" : [ ] , \"a\" : { } , \"c\" : [ true , false , null ] }",
		"{\"a\":{},\"b\":[],\"c\":[true,false,null]}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documents_are_read_strictly),
		cmocka_unit_test(texts_are_whole_unicode),
		cmocka_unit_test(no_key_stands_twice),
		cmocka_unit_test(integers_that_a_double_cannot_hold_are_refused),
		cmocka_unit_test(depth_has_a_limit),
		cmocka_unit_test(size_has_a_limit),
		cmocka_unit_test(reasons_are_plain_text),
		cmocka_unit_test(numbers_are_written_as_ecmascript_does),
		cmocka_unit_test(integers_made_by_programs_are_held_or_refused),
		cmocka_unit_test(keys_are_sorted_by_utf16),
		cmocka_unit_test(texts_are_escaped_as_little_as_may_be),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
