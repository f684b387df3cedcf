/* The recovery code: what a reader forgives, and that it finds mistakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "protocol/log/recovery.h"
#include "tests/support/seeded_random.h"

static void a_code_reads_back(void **state)
{
	(void)state;
	struct seeded_random seed = {.seed = 4};
	struct random_source rnd = seeded_random_source(&seed);
	for (int i = 0; i < 1000; i++) {
		uint8_t e[RECOVERY_ENTROPY_BYTES], got[RECOVERY_ENTROPY_BYTES];
		char text[RECOVERY_TEXT_BYTES];
		random_fill(&rnd, e, sizeof e);
		recovery_format(e, text);
		assert_int_equal(strlen(text), 39);
		for (size_t k = 4; k < 39; k += 5)
			assert_int_equal(text[k], '-');
		assert_int_equal(recovery_parse(text, got), OK);
		assert_memory_equal(got, e, sizeof e);
	}
}

static void case_spaces_dashes_and_look_alikes_do_not_matter(void **state)
{
	(void)state;
	uint8_t e[RECOVERY_ENTROPY_BYTES], got[RECOVERY_ENTROPY_BYTES];
	char text[RECOVERY_TEXT_BYTES], loose[200];
	size_t zeros = 0, ones = 0;
	for (unsigned i = 0; i < 200; i++) {
		memset(e, (int)(i * 37 % 256), sizeof e);
		e[0] = (uint8_t)i;
		recovery_format(e, text);
		size_t n = 0;
		loose[n++] = ' ';
		for (const char *c = text; *c; c++) {
			char l = *c;
			if (l == '0') {
				l = zeros++ % 2 ? 'o' : 'O';
			} else if (l == '1') {
				static const char like[] = {'i', 'I', 'l', 'L'};
				l = like[ones++ % 4];
			} else if (l >= 'A') {
				l = (char)(l | 0x20);
			}
			if (l != '-')
				loose[n++] = l;
			if (n % 7 == 0) {
				loose[n++] = ' ';
				loose[n++] = '-';
			}
		}
		loose[n] = '\0';
		assert_int_equal(recovery_parse(loose, got), OK);
		assert_memory_equal(got, e, sizeof e);
	}
	assert_true(zeros > 4 && ones > 4);
}

static void every_flipped_bit_of_the_check_or_a_cut_code_is_found(void **state)
{
	(void)state;
	static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	uint8_t e[RECOVERY_ENTROPY_BYTES] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, got[RECOVERY_ENTROPY_BYTES];
	char text[RECOVERY_TEXT_BYTES], changed[RECOVERY_TEXT_BYTES];
	recovery_format(e, text);
	size_t flips = 0;
	for (size_t i = 0; i < 39; i++) {
		if (text[i] == '-')
			continue;
		for (unsigned bit = 0; bit < 5; bit++, flips++) {
			memcpy(changed, text, sizeof text);
			size_t value = (size_t)(strchr(alphabet, text[i]) - alphabet);
			changed[i] = alphabet[value ^ (1u << bit)];
			assert_int_equal(recovery_parse(changed, got), ERR_HASH);
		}
	}
	assert_int_equal(flips, 160);
	for (size_t n = 0; n < 39; n++) {
		memcpy(changed, text, n);
		changed[n] = '\0';
		assert_int_equal(recovery_parse(changed, got), ERR_FORMAT);
	}
}

static void other_letters_and_more_letters_are_refused(void **state)
{
	(void)state;
	uint8_t e[RECOVERY_ENTROPY_BYTES] = {0}, got[RECOVERY_ENTROPY_BYTES];
	char text[RECOVERY_TEXT_BYTES + 1];
	static const char bad[] = {'U', 'u', '*', '_', '=', '.', '\x01', '\x7f', '\xc3', '@', '[', '{'};
	recovery_format(e, text);
	for (size_t i = 0; i < sizeof bad; i++) {
		char old = text[7];
		text[7] = bad[i];
		assert_int_equal(recovery_parse(text, got), ERR_FORMAT);
		text[7] = old;
	}
	text[39] = '0';
	text[40] = '\0';
	assert_int_equal(recovery_parse(text, got), ERR_FORMAT);
	assert_int_equal(recovery_parse("", got), ERR_FORMAT);
}

static void a_code_gives_four_different_secrets(void **state)
{
	(void)state;
	uint8_t e[RECOVERY_ENTROPY_BYTES] = {7}, s[4][32], again[2][32];
	recovery_keys(e, RECOVERY_IDENTITY, s[0], s[1]);
	recovery_keys(e, RECOVERY_NETWORK, s[2], s[3]);
	for (size_t i = 0; i < 4; i++)
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(s[i], s[k], 32);
	recovery_keys(e, RECOVERY_IDENTITY, again[0], again[1]);
	assert_memory_equal(again, s, sizeof again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_code_reads_back),
		cmocka_unit_test(case_spaces_dashes_and_look_alikes_do_not_matter),
		cmocka_unit_test(every_flipped_bit_of_the_check_or_a_cut_code_is_found),
		cmocka_unit_test(other_letters_and_more_letters_are_refused),
		cmocka_unit_test(a_code_gives_four_different_secrets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
