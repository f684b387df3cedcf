/* daemon/compose.c: records from JSON are those that count, and come back as the same JSON without what is secret. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/compose.h"

static char why[COMPOSE_WHY_BYTES];

static enum err give_ref(void *ctx, const char *text, struct entry_ref *out)
{
	(void)ctx;
	if (strcmp(text, "aaaaaaaa:7") != 0)
		return strcmp(text, "bbbbbbbb:7") == 0 ? ERR_AMBIGUOUS : ERR_NOT_FOUND;
	*out = (struct entry_ref){.seq = 7};
	memset(out->log.b, 0xaa, 32);
	return OK;
}

static enum err compose(const char *kind, const char *text, struct buf *record)
{
	const struct compose_env env = {.ref = give_ref};
	json_t *fields = json_loads(text, 0, NULL);
	assert_non_null(fields);
	why[0] = 0;
	enum err e = compose_record(kind, fields, &env, record, why);
	json_decref(fields);
	return e;
}

static void a_record_comes_back_as_it_went(void **state)
{
	(void)state;
	struct buf record = {0};
	assert_int_equal(compose("artifact",
				 "{\"title\":\"Fractions\",\"kind\":\"lesson-plan\",\"depicts\":\"nobody\","
				 "\"tags\":[\"maths\",\"year 5\"],\"date\":\"2024-05-06\"}",
				 &record),
		OK);
	json_t *o = compose_json(buf_slice(&record));
	assert_non_null(o);
	assert_string_equal(json_string_value(json_object_get(o, "kind")), "artifact");
	assert_true(json_is_true(json_object_get(o, "counts")));
	json_t *fields = json_object_get(o, "fields");
	assert_int_equal(json_object_size(fields), 5);
	assert_string_equal(json_string_value(json_object_get(fields, "title")), "Fractions");
	assert_int_equal(json_array_size(json_object_get(fields, "tags")), 2);
	json_decref(o);
	buf_free(&record);
}

static void a_pointer_is_looked_up(void **state)
{
	(void)state;
	struct buf record = {0};
	assert_int_equal(compose("reflection", "{\"text\":\"a\\nb\",\"on\":\"aaaaaaaa:7\"}", &record), OK);
	json_t *o = compose_json(buf_slice(&record));
	const json_t *fields = json_object_get(o, "fields");
	assert_string_equal(json_string_value(json_object_get(fields, "text")), "a\nb");
	assert_string_equal(json_string_value(json_object_get(fields, "on")),
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:7");
	json_decref(o);
	record.n = 0;
	assert_int_equal(
		compose("reflection", "{\"text\":\"a\",\"on\":\"cccccccc:7\"}", &record), ERR_NOT_FOUND);
	assert_non_null(strstr(why, "\"on\""));
	assert_int_equal(
		compose("reflection", "{\"text\":\"a\",\"on\":\"bbbbbbbb:7\"}", &record), ERR_AMBIGUOUS);
	buf_free(&record);
}

static void what_would_not_count_is_refused_by_name(void **state)
{
	(void)state;
	static const struct {
		const char *fields, *said;
	} cases[] = {
		{"{\"kind\":\"data\",\"depicts\":\"nobody\"}", "\"title\" is missing"},
		{"{\"title\":\"\",\"kind\":\"data\",\"depicts\":\"nobody\"}", "\"title\""},
		{"{\"title\":\"t\",\"kind\":\"dat\",\"depicts\":\"nobody\"}", "\"kind\""},
		{"{\"title\":\"t\",\"kind\":\"data\",\"depicts\":\"nobody\",\"colour\":\"red\"}",
			"\"colour\""},
		{"{\"title\":\"t\",\"kind\":\"data\",\"depicts\":\"nobody\",\"tags\":[]}", "\"tags\""},
		{"{\"title\":\"t\",\"kind\":\"data\",\"depicts\":\"nobody\",\"tags\":[1]}", "\"tags\""},
		{"{\"title\":\"t\",\"kind\":\"data\",\"depicts\":\"nobody\",\"date\":\"2024-13-01\"}",
			"\"date\""},
		{"{\"title\":\"t\",\"kind\":\"data\",\"depicts\":\"nobody\",\"blobs\":[]}", "uploads"},
		{"{\"title\":7,\"kind\":\"data\",\"depicts\":\"nobody\"}", "\"title\""},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf record = {0};
		assert_int_equal(compose("artifact", cases[i].fields, &record), ERR_INPUT);
		if (!strstr(why, cases[i].said))
			fail_msg("\"%s\" does not say %s", why, cases[i].said);
		buf_free(&record);
	}
	struct buf record = {0};
	assert_int_equal(compose("sonnet", "{}", &record), ERR_INPUT);
	buf_free(&record);
}

static void text_limits_hold_at_n_and_behind(void **state)
{
	(void)state;
	char text[320] = "{\"title\":\"";
	const char *rest = "\",\"kind\":\"data\",\"depicts\":\"nobody\"}";
	for (size_t n = 200; n <= 201; n++) {
		struct buf record = {0};
		memset(text + 10, 'x', n);
		memcpy(text + 10 + n, rest, strlen(rest) + 1);
		assert_int_equal(compose("artifact", text, &record), n == 200 ? OK : ERR_INPUT);
		buf_free(&record);
	}
}

static void keys_of_files_do_not_leave(void **state)
{
	(void)state;
	struct record_blob blob = {
		.size = 9, .name = slice_str("a\xe2\x80\xae.png"), .type = slice_str("image/png")};
	memset(blob.key, 0x5a, sizeof blob.key);
	const struct compose_env env = {.blobs = &blob, .blobs_n = 1};
	json_t *fields = json_pack("{s:s, s:s, s:s}", "title", "t", "kind", "photo", "depicts", "incidental");
	struct buf record = {0};
	assert_int_equal(compose_record("artifact", fields, &env, &record, why), OK);
	json_t *o = compose_json(buf_slice(&record));
	char *text = json_dumps(o, JSON_COMPACT);
	assert_null(strstr(text, "5a5a"));
	assert_null(strstr(text, "\"key\""));
	assert_non_null(strstr(text, "\"a.png\""));
	free(text);
	json_decref(o);
	json_decref(fields);
	buf_free(&record);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_comes_back_as_it_went),
		cmocka_unit_test(a_pointer_is_looked_up),
		cmocka_unit_test(what_would_not_count_is_refused_by_name),
		cmocka_unit_test(text_limits_hold_at_n_and_behind),
		cmocka_unit_test(keys_of_files_do_not_leave),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
