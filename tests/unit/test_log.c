/* daemon/log.c: one line per event, and nothing from a stranger that a terminal would obey. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"

static char line[LOG_LINE_BYTES_MAX + 1];
static unsigned lines;

static void keep(void *ctx, const char *text, size_t n)
{
	(void)ctx;
	assert_in_range(n, 1, LOG_LINE_BYTES_MAX);
	memcpy(line, text, n);
	line[n] = 0;
	lines++;
}

static int setup(void **state)
{
	(void)state;
	unsetenv("JOURNAL_STREAM");
	log_init(LOG_INFO, false);
	log_divert(keep, NULL);
	lines = 0;
	return 0;
}

static void a_line_is_level_module_and_fields(void **state)
{
	(void)state;
	const struct id32 id = {{0xab, 0xcd, 1, 2, 3, 4, 5, 6, 7}};
	log_info("net", log_text("event", "open"), log_uint("bytes", 7), log_id("peer", &id),
		log_err(ERR_FULL));
	assert_string_equal(line, "info net event=open bytes=7 peer=abcd010203040506 error=FULL\n");
}

static void values_that_would_run_into_others_are_quoted(void **state)
{
	(void)state;
	log_warning(
		"conn", log_text("why", "said \"no\" = never"), log_text("name", ""), log_text("text", NULL));
	assert_string_equal(line, "warning conn why=\"said \\\"no\\\" = never\" name=\"\" text=\"\"\n");
	log_error("conn", log_text("path", "a\\b"));
	assert_string_equal(line, "error conn path=\"a\\\\b\"\n");
}

static void control_and_bidi_characters_are_taken_out(void **state)
{
	(void)state;
	log_info("conn",
		log_text("name",
			"a\n\x1b[31mb\x7f\xe2\x80\xae"
			"c\xe2\x81\xa7\xc2\x9b\xf3\xa0\x80\x81"
			"d\xe2\x80\xa8"));
	assert_string_equal(line, "info conn name=a[31mbcd\n");
	log_info("conn", log_text("name", "J\xc3\xb6rg \xf0\x9f\x8e\x93"));
	assert_string_equal(line, "info conn name=\"J\xc3\xb6rg \xf0\x9f\x8e\x93\"\n");
}

static void what_is_no_utf8_becomes_a_question_mark(void **state)
{
	(void)state;
	char out[16];
	assert_int_equal(log_clean(slice_str("\xff"
					     "a\xc3"),
				 out, sizeof out),
		3);
	assert_string_equal(out, "?a?");
	assert_int_equal(log_clean(slice_str("\xc0\xaf\xed\xa0\x80"), out, sizeof out), 5);
	assert_string_equal(out, "?????");
	assert_int_equal(log_clean(slice_of("a\0b", 3), out, sizeof out), 2);
	assert_string_equal(out, "ab");
}

static void a_text_is_cut_between_characters(void **state)
{
	(void)state;
	char out[4];
	assert_int_equal(log_clean(slice_str("ab\xc3\xb6"), out, sizeof out), 2);
	assert_string_equal(out, "ab");
	assert_int_equal(log_clean(slice_str("a\xc3\xb6"), out, sizeof out), 3);
}

static void levels_below_the_one_asked_for_are_silent(void **state)
{
	(void)state;
	log_debug("net", log_text("event", "x"));
	assert_int_equal(lines, 0);
	log_init(LOG_ERROR, false);
	log_warning("net", log_text("event", "x"));
	assert_int_equal(lines, 0);
	log_broken("net", log_text("event", "x"));
	assert_int_equal(lines, 1);
	assert_string_equal(line, "broken net event=x\n");
}

static void the_journal_gets_priorities(void **state)
{
	(void)state;
	setenv("JOURNAL_STREAM", "8:1", 1);
	log_init(LOG_DEBUG, false);
	log_error("store", log_text("event", "full"));
	assert_string_equal(line, "<3>error store event=full\n");
	log_debug("store", log_text("event", "full"));
	assert_string_equal(line, "<7>debug store event=full\n");
	unsetenv("JOURNAL_STREAM");
}

static void json_is_one_object_a_line(void **state)
{
	(void)state;
	log_init(LOG_INFO, true);
	log_info("net", log_text("why", "say \"no\""), log_uint("n", 18446744073709551615ull));
	assert_memory_equal(line, "{\"time\":\"2", 10);
	assert_non_null(strstr(line,
		"Z\",\"level\":\"info\",\"module\":\"net\",\"why\":\"say \\\"no\\\"\",\"n\":18446744073709551615}\n"));
}

static void a_line_that_is_too_long_loses_whole_fields(void **state)
{
	(void)state;
	static char quotes[LOG_TEXT_BYTES_MAX + 100];
	memset(quotes, '"', sizeof quotes - 1);
	for (int json = 0; json < 2; json++) {
		log_init(LOG_INFO, json);
		log_info("m", log_text("a", quotes), log_text("b", quotes), log_text("c", quotes),
			log_text("d", quotes), log_text("e", "fits"));
		const char *tail = json ? ",\"e\":\"fits\"}\n" : " e=fits\n";
		assert_string_equal(line + strlen(line) - strlen(tail), tail);
	}
}

static void level_names_are_read(void **state)
{
	(void)state;
	enum log_level level = LOG_BROKEN;
	assert_true(log_level_parse("debug", &level) && level == LOG_DEBUG);
	assert_true(log_level_parse("error", &level) && level == LOG_ERROR);
	assert_false(log_level_parse("broken", &level));
	assert_false(log_level_parse("", &level));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_line_is_level_module_and_fields, setup),
		cmocka_unit_test_setup(values_that_would_run_into_others_are_quoted, setup),
		cmocka_unit_test_setup(control_and_bidi_characters_are_taken_out, setup),
		cmocka_unit_test_setup(what_is_no_utf8_becomes_a_question_mark, setup),
		cmocka_unit_test_setup(a_text_is_cut_between_characters, setup),
		cmocka_unit_test_setup(levels_below_the_one_asked_for_are_silent, setup),
		cmocka_unit_test_setup(the_journal_gets_priorities, setup),
		cmocka_unit_test_setup(json_is_one_object_a_line, setup),
		cmocka_unit_test_setup(a_line_that_is_too_long_loses_whole_fields, setup),
		cmocka_unit_test_setup(level_names_are_read, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
