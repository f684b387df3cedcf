/* Invitations: the text reads back, and what was altered or cut is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "protocol/log/hash.h"
#include "protocol/log/invitation.h"

static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";

static struct invitation example(size_t addresses)
{
	struct invitation inv = {.node = {{1}},
		.network = {{2}},
		.secret = {3},
		.expires_hour = 0x01020304,
		.addresses_n = addresses};
	static const char *const all[] = {
		"node.example.org:7447", "[2001:db8::1]:1", "192.0.2.7:65535", "h:9"};
	for (size_t i = 0; i < addresses && i < 4; i++)
		memcpy(inv.addresses[i], all[i], strlen(all[i]) + 1);
	return inv;
}

static void expect_equal(const struct invitation *a, const struct invitation *b)
{
	assert_true(id32_equal(&a->node, &b->node));
	assert_true(id32_equal(&a->network, &b->network));
	assert_memory_equal(a->secret, b->secret, 16);
	assert_int_equal(a->expires_hour, b->expires_hour);
	assert_int_equal(a->addresses_n, b->addresses_n);
	for (size_t i = 0; i < a->addresses_n; i++)
		assert_string_equal(a->addresses[i], b->addresses[i]);
}

static void an_invitation_reads_back_with_space_around_and_in_capitals(void **state)
{
	(void)state;
	char text[INVITATION_TEXT_BYTES], padded[INVITATION_TEXT_BYTES + 10] = " \t\n";
	for (size_t n = 1; n <= 4; n++) {
		const struct invitation inv = example(n);
		struct invitation got;
		assert_int_equal(invitation_encode(&inv, text), OK);
		assert_memory_equal(text, "quire:", 6);
		assert_int_equal(strspn(text + 6, alphabet), strlen(text + 6));
		assert_int_equal(invitation_decode(text, &got), OK);
		expect_equal(&got, &inv);
		memcpy(padded + 3, text, strlen(text));
		memcpy(padded + 3 + strlen(text), "\r\n ", 4);
		for (size_t i = 0; padded[i]; i++)
			if (padded[i] >= 'a' && padded[i] <= 'z')
				padded[i] = (char)(padded[i] - 'a' + 'A');
		assert_int_equal(invitation_decode(padded, &got), OK);
		expect_equal(&got, &inv);
	}
}

static void the_longest_invitation_fits(void **state)
{
	(void)state;
	char text[INVITATION_TEXT_BYTES];
	struct invitation inv = example(4), got;
	for (size_t i = 0; i < 4; i++) {
		memset(inv.addresses[i], 'a', LIMIT_ADDRESS_BYTES - 2);
		memcpy(inv.addresses[i] + LIMIT_ADDRESS_BYTES - 2, ":1", 3);
	}
	assert_int_equal(invitation_encode(&inv, text), OK);
	assert_int_equal(invitation_decode(text, &got), OK);
	expect_equal(&got, &inv);
	char longer[INVITATION_TEXT_BYTES + 1];
	memcpy(longer, text, strlen(text));
	memcpy(longer + strlen(text), "a", 2);
	assert_int_equal(invitation_decode(longer, &got), ERR_FORMAT);
}

static void no_or_five_or_bad_addresses_are_not_encoded(void **state)
{
	(void)state;
	char text[INVITATION_TEXT_BYTES];
	struct invitation inv = example(0);
	assert_int_equal(invitation_encode(&inv, text), ERR_LIMIT);
	inv.addresses_n = 5;
	assert_int_equal(invitation_encode(&inv, text), ERR_LIMIT);
	inv = example(2);
	memcpy(inv.addresses[1], "nowhere", 8);
	assert_int_equal(invitation_encode(&inv, text), ERR_LIMIT);
}

static void every_flipped_bit_and_every_cut_is_found(void **state)
{
	(void)state;
	char text[INVITATION_TEXT_BYTES], changed[INVITATION_TEXT_BYTES];
	struct invitation got;
	for (size_t addresses = 1; addresses <= 4; addresses++) {
		const struct invitation inv = example(addresses);
		assert_int_equal(invitation_encode(&inv, text), OK);
		size_t n = strlen(text);
		for (size_t i = 6; i < n; i++)
			for (unsigned bit = 0; bit < 5; bit++) {
				memcpy(changed, text, n + 1);
				changed[i] = alphabet[(size_t)(strchr(alphabet, text[i]) - alphabet) ^
					(1u << bit)];
				assert_int_equal(invitation_decode(changed, &got), ERR_HASH);
			}
		for (size_t i = 0; i < n; i++) {
			memcpy(changed, text, i);
			changed[i] = '\0';
			assert_int_equal(invitation_decode(changed, &got), i < 6 ? ERR_FORMAT : ERR_HASH);
		}
		memcpy(changed, text, n);
		memcpy(changed + n, "a", 2);
		assert_int_equal(invitation_decode(changed, &got), ERR_HASH);
	}
}

static void other_texts_are_not_invitations(void **state)
{
	(void)state;
	struct invitation got;
	static const char *const texts[] = {"", " ", "quire", "QUIRE;aa", "http://example.org", "quire:1a",
		"quire:a1", "quire:a=", "quire:a b", "xquire:aa"};
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		assert_int_equal(invitation_decode(texts[i], &got), ERR_FORMAT);
	assert_int_equal(invitation_decode("quire:", &got), ERR_HASH);
}

/* The text of any bytes, with a sum that fits. */
static void text_of(const uint8_t *raw, size_t n, char *out)
{
	uint8_t all[400] = {0};
	memcpy(all, raw, n);
	const struct id32 sum = hash_bytes("quire.invitesum", raw, n);
	memcpy(all + n, sum.b, 4);
	n += 4;
	memcpy(out, "quire:", 6);
	out += 6;
	for (size_t bit = 0; bit < n * 8; bit += 5)
		*out++ = alphabet[(unsigned)(all[bit / 8] << 8 | all[bit / 8 + 1]) >> (11 - bit % 8) & 31];
	*out = '\0';
}

static void expect_raw(const uint8_t *raw, size_t n, enum err expected)
{
	char text[700];
	struct invitation got;
	text_of(raw, n, text);
	assert_int_equal(invitation_decode(text, &got), expected);
}

static void bytes_with_a_right_sum_are_still_checked(void **state)
{
	(void)state;
	uint8_t raw[400] = {1};
	raw[85] = 1;
	raw[86] = 3;
	memcpy(raw + 87, "h:1", 3);
	expect_raw(raw, 90, OK);
	for (size_t n = 1; n < 90; n++)
		expect_raw(raw, n, ERR_FORMAT);
	expect_raw(raw, 0, ERR_VERSION);
	expect_raw(raw, 91, ERR_FORMAT);
	raw[0] = 2;
	expect_raw(raw, 90, ERR_VERSION);
	raw[0] = 1;
	raw[85] = 0;
	expect_raw(raw, 86, ERR_RANGE);
	raw[85] = 5;
	expect_raw(raw, 90, ERR_RANGE);
	raw[85] = 2;
	expect_raw(raw, 90, ERR_FORMAT);
	raw[85] = 1;
	raw[86] = 0;
	expect_raw(raw, 87, ERR_RANGE);
	raw[86] = 65;
	memset(raw + 87, 'a', 65);
	memcpy(raw + 87 + 63, ":1", 2);
	expect_raw(raw, 87 + 65, ERR_RANGE);
	raw[86] = 64;
	memcpy(raw + 87 + 62, ":1", 2);
	expect_raw(raw, 87 + 64, OK);
}

static void addresses_are_a_host_and_a_port(void **state)
{
	(void)state;
	static const char *const good[] = {"a:1", "h:65535", "node-1.example.org:7447", "192.0.2.1:80",
		"[::1]:7447", "[2001:db8::1]:7447", "[::ffff:192.0.2.1]:1", "my_host:5"};
	static const char *const bad[] = {"", "a", ":1", "a:", "a:0", "a:65536", "a:99999", "a:100000",
		"a:01", "a:1x", "a:-1", "a b:1", "a\n:1", "::1:7447", "[::1]", "[]:1", "[a]:1", "[::g]:1",
		"[::1%eth0]:1", "[::1:1", "::1]:1", "a/b:1", "\xc3\xa9:1", "a:1 ", "[:]:1"};
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_true(invitation_address_ok(slice_str(good[i])));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(invitation_address_ok(slice_str(bad[i])));
	assert_false(invitation_address_ok(slice_of("a\0b:1", 5)));
	char text[66];
	memset(text, 'a', 65);
	memcpy(text + 62, ":1", 2);
	assert_true(invitation_address_ok(slice_of(text, 64)));
	memcpy(text + 62, "a:1", 3);
	assert_false(invitation_address_ok(slice_of(text, 65)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_invitation_reads_back_with_space_around_and_in_capitals),
		cmocka_unit_test(the_longest_invitation_fits),
		cmocka_unit_test(no_or_five_or_bad_addresses_are_not_encoded),
		cmocka_unit_test(every_flipped_bit_and_every_cut_is_found),
		cmocka_unit_test(other_texts_are_not_invitations),
		cmocka_unit_test(bytes_with_a_right_sum_are_still_checked),
		cmocka_unit_test(addresses_are_a_host_and_a_port),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
