/* base58btc and did:key: known texts, limits, and every way to be wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "protocol/award/multikey.h"

#define KEY "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"

static void base58_there_and_back(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t n;
		const char *text;
	} cases[] = {
		{"", 0, ""},
		{"\0", 1, "1"},
		{"\0\0\0", 3, "111"},
		{"a", 1, "2g"},
		{"\xff", 1, "5Q"},
		{"\0\xff", 2, "15Q"},
		{"Hello World!", 12, "2NEpo7TZRRrLZSi2U"},
		{"\0\0\x28\x7f\xb4\xcd", 6, "11233QC4"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct buf text = {0}, bytes = {0};
		assert_int_equal(base58_encode((const uint8_t *)cases[i].bytes, cases[i].n, &text), OK);
		assert_true(slice_equal(buf_slice(&text), slice_str(cases[i].text)));
		assert_int_equal(base58_decode(slice_str(cases[i].text), &bytes), OK);
		assert_true(slice_equal(buf_slice(&bytes), slice_of(cases[i].bytes, cases[i].n)));
		buf_free(&text);
		buf_free(&bytes);
	}
}

static void base58_has_limits(void **state)
{
	(void)state;
	uint8_t bytes[BASE58_INPUT_MAX + 1];
	char text[400];
	for (int fill = 0; fill <= 0xff; fill += 0xff) {
		struct buf out = {0}, back = {0};
		memset(bytes, fill, sizeof bytes);
		assert_int_equal(base58_encode(bytes, sizeof bytes, &out), ERR_LIMIT);
		assert_int_equal(base58_encode(bytes, BASE58_INPUT_MAX, &out), OK);
		assert_int_equal(base58_decode(buf_slice(&out), &back), OK);
		assert_true(slice_equal(buf_slice(&back), slice_of(bytes, BASE58_INPUT_MAX)));
		buf_free(&out);
		buf_free(&back);
	}
	struct buf out = {0};
	memset(text, '1', BASE58_INPUT_MAX + 1);
	assert_int_equal(base58_decode(slice_of(text, BASE58_INPUT_MAX + 1), &out), ERR_LIMIT);
	memset(text, 'z', sizeof text);
	assert_int_equal(base58_decode(slice_of(text, sizeof text), &out), ERR_LIMIT);
	assert_int_equal(base58_decode(slice_of(text, 178), &out), ERR_LIMIT);
	assert_int_equal(out.n, 0);
}

static void base58_has_an_alphabet(void **state)
{
	(void)state;
	static const char *const bad[] = {"0", "O", "I", "l", "2g ", " 2g", "+", "\xc3\xa9", "2\ng"};
	struct buf out = {0};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(base58_decode(slice_str(bad[i]), &out), ERR_FORMAT);
	assert_int_equal(base58_decode(slice_of("2\0g", 3), &out), ERR_FORMAT);
}

static void did_key_there_and_back(void **state)
{
	(void)state;
	struct id32 key, again;
	char did[DID_KEY_BYTES], method[DID_METHOD_BYTES];
	assert_int_equal(did_key_parse(slice_str("did:key:" KEY), &key), OK);
	did_key_format(&key, did);
	assert_string_equal(did, "did:key:" KEY);
	did_key_method(&key, method);
	assert_string_equal(method, "did:key:" KEY "#" KEY);
	assert_int_equal(did_key_parse(slice_str(method), &again), OK);
	assert_true(id32_equal(&key, &again));
	/* The extremes have texts of the same length. */
	for (int fill = 0; fill <= 0xff; fill += 0xff) {
		memset(key.b, fill, 32);
		did_key_method(&key, method);
		assert_int_equal(strlen(method), 56 + 1 + 48);
		assert_int_equal(did_key_parse(slice_str(method), &again), OK);
		assert_true(id32_equal(&key, &again));
	}
}

static void altered_did_keys_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *did;
		enum err expected;
	} cases[] = {
		{"", ERR_FORMAT},
		{"did:key:", ERR_FORMAT},
		{"did:key:z", ERR_FORMAT},
		{"did:web:example.org", ERR_FORMAT},
		{"DID:key:" KEY, ERR_FORMAT},
		{"did:key:u6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2", ERR_FORMAT},
		{"did:key:" KEY "#", ERR_FORMAT},
		{"did:key:" KEY "#key-1", ERR_FORMAT},
		{"did:key:" KEY "#" KEY "#" KEY, ERR_FORMAT},
		{"did:key:" KEY "#z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ3", ERR_FORMAT},
		{"did:key:" KEY " ", ERR_FORMAT},
		{"did:key:" KEY "?x", ERR_FORMAT},
		{"did:key:z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ0", ERR_FORMAT},
		/* P-256, X25519 and RSA keys, and something short */
		{"did:key:zDnaegE6RR3atJtHKwTRTWHsJ3kNHqFwv7n9YjTgmU7TyfU76", ERR_VERSION},
		{"did:key:z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc", ERR_VERSION},
		{"did:key:z2g", ERR_VERSION},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct id32 key;
		if (did_key_parse(slice_str(cases[i].did), &key) != cases[i].expected)
			fail_msg("%s", cases[i].did);
	}
}

/* The right prefix with 31 and 33 bytes. */
static void ed25519_keys_have_32_bytes(void **state)
{
	(void)state;
	uint8_t bytes[35] = {0xed, 0x01, 7};
	for (size_t n = 33; n <= 35; n++) {
		char did[128];
		struct id32 key;
		struct buf text = {0};
		assert_int_equal(base58_encode(bytes, n, &text), OK);
		snprintf(did, sizeof did, "did:key:z%.*s", (int)text.n, (const char *)text.p);
		assert_int_equal(did_key_parse(slice_str(did), &key), n == 34 ? OK : ERR_FORMAT);
		buf_free(&text);
	}
	struct id32 key;
	char did[400] = "did:key:z";
	memset(did + 9, 'x', 300);
	assert_int_equal(did_key_parse(slice_str(did), &key), ERR_VERSION);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base58_there_and_back),
		cmocka_unit_test(base58_has_limits),
		cmocka_unit_test(base58_has_an_alphabet),
		cmocka_unit_test(did_key_there_and_back),
		cmocka_unit_test(altered_did_keys_are_refused),
		cmocka_unit_test(ed25519_keys_have_32_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
