/* tools/quire: values, the word that was meant, exit codes, and what a terminal may see. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <locale.h>

#include "tools/quire/cli.h"

static void durations_have_a_number_and_a_unit(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum err e;
		uint64_t seconds;
	} cases[] = {{"30s", OK, 30}, {"45m", OK, 2700}, {"8h", OK, 28800}, {"7d", OK, 604800},
		{"2w", OK, 1209600}, {"3660d", OK, 316224000}, {"3661d", ERR_RANGE, 0}, {"0d", ERR_RANGE, 0},
		{"99999999999999999999d", ERR_INPUT, 0}, {"999999999999999999w", ERR_RANGE, 0},
		{"7", ERR_INPUT, 0}, {"d", ERR_INPUT, 0}, {"", ERR_INPUT, 0}, {"7 d", ERR_INPUT, 0},
		{"-7d", ERR_INPUT, 0}, {"7dd", ERR_INPUT, 0}, {"7y", ERR_INPUT, 0}, {"1.5h", ERR_INPUT, 0}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint64_t s = 0;
		assert_int_equal(cli_duration(cases[i].text, &s), cases[i].e);
		assert_int_equal(s, cases[i].seconds);
	}
}

static void numbers_are_digits_alone(void **state)
{
	(void)state;
	uint64_t n = 7;
	assert_int_equal(cli_number("12", &n), OK);
	assert_int_equal(n, 12);
	assert_int_equal(cli_number("9223372036854775807", &n), OK);
	assert_int_equal(cli_number("9223372036854775808", &n), ERR_RANGE);
	assert_int_equal(cli_number("99999999999999999999", &n), ERR_RANGE);
	assert_int_equal(cli_number("-1", &n), ERR_INPUT);
	assert_int_equal(cli_number("+1", &n), ERR_INPUT);
	assert_int_equal(cli_number(" 1", &n), ERR_INPUT);
	assert_int_equal(cli_number("1x", &n), ERR_INPUT);
	assert_int_equal(cli_number("", &n), ERR_INPUT);
}

static void the_word_that_was_meant_is_found(void **state)
{
	(void)state;
	static const char *const words[] = {"peer", "identity", "artifact", "entry", "erase"};
	assert_string_equal(cli_suggest("pere", words, 5), "peer");
	assert_string_equal(cli_suggest("identiy", words, 5), "identity");
	assert_string_equal(cli_suggest("artefact", words, 5), "artifact");
	assert_string_equal(cli_suggest("erease", words, 5), "erase");
	assert_null(cli_suggest("submission", words, 5));
	assert_null(cli_suggest("", words, 5));
	assert_int_equal(cli_distance("kitten", "sitting"), 3);
	assert_int_equal(cli_distance("", "abc"), 3);
}

static void an_error_has_its_exit_code(void **state)
{
	(void)state;
	static const struct {
		const char *code;
		long status;
		int exit_code;
	} cases[] = {{"NOT_FOUND", 404, 4}, {"ERASED", 410, 4}, {"REFUSED", 403, 5}, {"LOCKED", 401, 5},
		{"PASSPHRASE", 403, 5}, {"SIGNATURE", 500, 6}, {"HASH", 500, 6}, {"CHAIN", 500, 6},
		{"FORK", 409, 6}, {"PENDING", 503, 7}, {"TIMEOUT", 504, 8}, {"INPUT", 400, 2},
		{"AMBIGUOUS", 409, 2}, {"FULL", 507, 1}, {"EXISTS", 409, 1}, {"USAGE", 0, 2},
		{"NO_DAEMON", 0, 3}, {"INTERRUPTED", 0, 130}, {"OF_LATER", 404, 4}, {"OF_LATER", 403, 5},
		{"OF_LATER", 500, 1}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(cli_exit_of(cases[i].code, cases[i].status), cases[i].exit_code);
}

static void foreign_text_cannot_steer_the_terminal(void **state)
{
	(void)state;
	char out[64];
	assert_string_equal(cli_clean("Zo\xc3\xab \xe2\x80\xaeoops", out, sizeof out), "Zo\xc3\xab oops");
	assert_string_equal(cli_clean("\033[31mred\033[0m\r\a", out, sizeof out), "[31mred[0m");
	assert_string_equal(cli_clean("two\nlines\there", out, sizeof out), "two lines here");
	assert_string_equal(cli_clean("\xc2\x9b"
				      "1m\xef\xbb\xbf",
				    out, sizeof out),
		"1m");
	assert_string_equal(cli_clean("a\xffz", out, sizeof out), "a\xef\xbf\xbdz");
	assert_string_equal(cli_clean("\xe2\x81\xa6"
				      "a\xe2\x81\xa9\xe2\x80\x8b",
				    out, sizeof out),
		"a");
	/* Never half a character. */
	assert_string_equal(cli_clean("ab\xc3\xab", out, 4), "ab");
	assert_string_equal(cli_clean("ab\xc3\xab", out, 5), "ab\xc3\xab");
}

static void width_counts_columns(void **state)
{
	(void)state;
	assert_int_equal(cli_width("Zo\xc3\xab"), 3);
	assert_int_equal(cli_width("\xe5\xad\xa6\xe6\xa0\xa1"), 4);
	assert_int_equal(cli_width("e\xcc\x81"), 1);
	assert_int_equal(cli_fit("\xe5\xad\xa6\xe6\xa0\xa1", 3), 3);
	assert_int_equal(cli_fit("abc", 2), 2);
	assert_int_equal(cli_fit("abc", 9), 3);
}

static void sizes_are_short(void **state)
{
	(void)state;
	char out[32];
	assert_string_equal(cli_size(0, out, sizeof out), "0 B");
	assert_string_equal(cli_size(999, out, sizeof out), "999 B");
	assert_string_equal(cli_size(1500, out, sizeof out), "1.5 kB");
	assert_string_equal(cli_size(34000000, out, sizeof out), "34 MB");
	assert_string_equal(cli_size(999999, out, sizeof out), "1.0 MB");
	assert_string_equal(cli_size(UINT64_MAX, out, sizeof out), "18 EB");
}

int main(void)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_have_a_number_and_a_unit),
		cmocka_unit_test(numbers_are_digits_alone),
		cmocka_unit_test(the_word_that_was_meant_is_found),
		cmocka_unit_test(an_error_has_its_exit_code),
		cmocka_unit_test(foreign_text_cannot_steer_the_terminal),
		cmocka_unit_test(width_counts_columns),
		cmocka_unit_test(sizes_are_short),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
