/* Records: what counts, what does not, and which field is to blame. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "bounds.h"
#include "protocol/log/record.h"

static struct buf b;
static struct mp_out o;

static void begin(const char *kind, size_t fields)
{
	b.n = 0;
	o = mp_out_init(&b);
	mp_put_array(&o, 2);
	mp_put_cstr(&o, kind);
	mp_put_map(&o, fields);
}

static void put_text(const char *name, size_t n)
{
	static char text[70000];
	memset(text, 'x', sizeof text);
	mp_put_cstr(&o, name);
	mp_put_str(&o, slice_of(text, n));
}

static void put_id(const char *name)
{
	mp_put_cstr(&o, name);
	mp_put_id(&o, &(struct id32){{1}});
}

static void expect(enum err expected, const char *field)
{
	const char *got = "unset";
	assert_int_equal(o.err, OK);
	assert_int_equal(record_check(buf_slice(&b), &got), expected);
	if (field)
		assert_string_equal(got, field);
	else
		assert_null(got);
	assert_int_equal(record_check(buf_slice(&b), NULL), expected);
}

static void the_table_is_sorted_and_holds_the_kinds_of_the_document(void **state)
{
	(void)state;
	size_t n;
	const struct record_kind *kinds = record_kinds(&n);
	assert_int_equal(n, 7);
	for (size_t i = 0; i < n; i++) {
		assert_ptr_equal(record_kind_find(slice_str(kinds[i].name)), &kinds[i]);
		for (size_t k = 1; k < kinds[i].fields_n; k++)
			assert_true(strcmp(kinds[i].fields[k - 1].name, kinds[i].fields[k].name) < 0);
	}
	assert_null(record_kind_find(slice_str("devic")));
	assert_null(record_kind_find(slice_str("devices")));
	assert_null(record_kind_find(slice_str("")));
}

static void unknown_kinds_and_unknown_fields_are_no_fault(void **state)
{
	(void)state;
	begin("something-new", 0);
	expect(OK, NULL);
	begin("", 1);
	put_text("x", 5);
	expect(OK, NULL);
	begin("profile", 3);
	put_text("mood", 5);
	put_text("name", 5);
	put_text("zodiac", 5);
	expect(OK, NULL);
}

static void a_missing_or_mistyped_field_is_named(void **state)
{
	(void)state;
	begin("device", 0);
	expect(ERR_NOT_FOUND, "event");
	begin("device", 1);
	put_text("event", 32);
	expect(ERR_FORMAT, "event");
	begin("device", 1);
	mp_put_cstr(&o, "event");
	mp_put_bin(&o, slice_of("x", 1));
	expect(ERR_RANGE, "event");
	begin("device", 1);
	put_id("event");
	expect(OK, NULL);
	begin("admission", 2);
	put_text("name", 5);
	put_id("node");
	expect(OK, NULL);
	begin("admission", 1);
	put_text("name", 5);
	expect(ERR_NOT_FOUND, "node");
}

/* One text field of a kind, whose other required fields are written by `others`. */
static void text_limits(const char *kind, const char *field, size_t min, size_t max)
{
	static const size_t none = SIZE_MAX;
	const size_t lengths[] = {min ? min - 1 : none, min, max, max + 1};
	for (size_t i = 0; i < 4; i++) {
		if (lengths[i] == none)
			continue;
		begin(kind, strcmp(field, "name") && strcmp(field, "text") ? 2 : 1);
		if (strcmp(field, "about") == 0 || strcmp(field, "prompt") == 0)
			put_text(field, lengths[i]);
		if (strcmp(kind, "profile") == 0)
			put_text("name", strcmp(field, "name") ? 5 : lengths[i]);
		else
			put_text("text", strcmp(field, "text") ? 5 : lengths[i]);
		expect(i % 3 ? OK : ERR_RANGE, i % 3 ? NULL : field);
	}
}

static void texts_hold_their_limits(void **state)
{
	(void)state;
	text_limits("profile", "name", 1, 200);
	text_limits("profile", "about", 0, 16384);
	text_limits("reflection", "text", 1, 49152);
	text_limits("reflection", "prompt", 1, 1000);
}

struct artifact {
	const char *date, *depicts, *kind;
	size_t about, blobs, grade, link, subject, tags, tag, title;
};

static const struct artifact whole = {.date = "2026-02-28",
	.depicts = "nobody",
	.kind = "video",
	.about = 16384,
	.blobs = 16,
	.grade = 64,
	.link = 2048,
	.subject = 200,
	.tags = 32,
	.tag = 64,
	.title = 200};

static struct record_blob blob_example(void)
{
	return (struct record_blob){.root = {{1}},
		.key = {2},
		.size = 77,
		.name = slice_str("a.mp4"),
		.type = slice_str("video/mp4")};
}

static void artifact(struct artifact a)
{
	begin("artifact", 10);
	put_text("about", a.about);
	mp_put_cstr(&o, "blobs");
	mp_put_array(&o, a.blobs);
	const struct record_blob blob = blob_example();
	for (size_t i = 0; i < a.blobs; i++)
		record_put_blob(&o, &blob);
	mp_put_cstr(&o, "date");
	mp_put_cstr(&o, a.date);
	mp_put_cstr(&o, "depicts");
	mp_put_cstr(&o, a.depicts);
	put_text("grade", a.grade);
	mp_put_cstr(&o, "kind");
	mp_put_cstr(&o, a.kind);
	put_text("link", a.link);
	put_text("subject", a.subject);
	mp_put_cstr(&o, "tags");
	mp_put_array(&o, a.tags);
	for (size_t i = 0; i < a.tags; i++)
		mp_put_str(&o,
			slice_of(
				"tttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt", a.tag));
	put_text("title", a.title);
}

static void an_artifact_holds_the_limits_of_each_field(void **state)
{
	(void)state;
	struct artifact a;
	artifact(whole);
	expect(OK, NULL);
#define LIMITED(field, value) \
	do { \
		a = whole; \
		a.field = (value); \
		artifact(a); \
		expect(ERR_RANGE, #field); \
	} while (0)
	LIMITED(about, 16385);
	LIMITED(blobs, 0);
	LIMITED(blobs, 17);
	LIMITED(grade, 0);
	LIMITED(grade, 65);
	LIMITED(link, 0);
	LIMITED(link, 2049);
	LIMITED(subject, 0);
	LIMITED(subject, 201);
	LIMITED(tags, 0);
	LIMITED(tags, 33);
	LIMITED(title, 0);
	LIMITED(title, 201);
	LIMITED(depicts, "somebody");
	LIMITED(depicts, "");
	LIMITED(depicts, "nobody|incidental");
	LIMITED(kind, "vide");
	LIMITED(kind, "videos");
	LIMITED(kind, "");
	LIMITED(date, "2026-2-28");
	LIMITED(date, "2026-02-281");
	LIMITED(date, "2026/02/28");
	LIMITED(date, "2026-13-01");
	LIMITED(date, "2026-00-01");
	LIMITED(date, "2026-01-00");
	LIMITED(date, "2026-01-32");
	LIMITED(date, "abcd-ef-gh");
#undef LIMITED
	a = whole;
	a.tag = 0;
	artifact(a);
	expect(ERR_RANGE, "tags");
	a.tag = 65;
	artifact(a);
	expect(ERR_RANGE, "tags");
	static const char *const kinds[] = {"student-work", "lesson-plan", "video", "audio", "photo",
		"assessment", "observation", "reflection", "portfolio", "data", "document", "link"};
	for (size_t i = 0; i < 12; i++) {
		a = whole;
		a.kind = kinds[i];
		artifact(a);
		expect(OK, NULL);
	}
}

static void a_ref_and_a_share_need_all_their_parts(void **state)
{
	(void)state;
	struct entry_ref ref = {.log = {{1}}, .seq = LIMIT_SEQ, .id = {{2}}}, got;
	begin("share", 2);
	put_id("key");
	mp_put_cstr(&o, "of");
	record_put_ref(&o, &ref);
	expect(OK, NULL);
	struct slice kind, fields;
	struct mp_in value;
	assert_int_equal(record_open(buf_slice(&b), &kind, &fields), OK);
	assert_int_equal(record_get(fields, "of", &value), OK);
	assert_int_equal(record_get_ref(&value, &got), OK);
	assert_true(id32_equal(&got.log, &ref.log) && id32_equal(&got.id, &ref.id) && got.seq == ref.seq);
	begin("share", 2);
	put_id("key");
	mp_put_cstr(&o, "of");
	ref.seq++;
	record_put_ref(&o, &ref);
	expect(ERR_RANGE, "of");
	begin("share", 2);
	put_id("key");
	mp_put_cstr(&o, "of");
	mp_put_array(&o, 2);
	mp_put_id(&o, &ref.log);
	mp_put_uint(&o, 1);
	expect(ERR_RANGE, "of");
	begin("admission-end", 0);
	expect(ERR_NOT_FOUND, "of");
}

static void a_blob_needs_all_its_keys_and_keeps_its_limits(void **state)
{
	(void)state;
	static char text[300];
	memset(text, 'x', sizeof text);
	static const struct {
		size_t name, type;
		enum err expected;
	} rows[] = {{1, 1, OK}, {255, 100, OK}, {0, 1, ERR_RANGE}, {256, 1, ERR_RANGE}, {1, 0, ERR_RANGE},
		{1, 101, ERR_RANGE}};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct record_blob blob = blob_example(), got;
		blob.name = slice_of(text, rows[i].name);
		blob.type = slice_of(text, rows[i].type);
		b.n = 0;
		o = mp_out_init(&b);
		record_put_blob(&o, &blob);
		assert_int_equal(mp_check(buf_slice(&b), LIMIT_MP_NODES), OK);
		struct mp_in in = mp_open(buf_slice(&b));
		assert_int_equal(record_get_blob(&in, &got), rows[i].expected);
		if (rows[i].expected == OK) {
			assert_int_equal(mp_peek(&in), MP_END);
			assert_true(id32_equal(&got.root, &blob.root) && got.size == 77 &&
				slice_equal(got.name, blob.name));
			assert_memory_equal(got.key, blob.key, 32);
		}
	}
	static const char *const names[] = {"key", "name", "root", "size", "type", "zoom"};
	for (size_t left_out = 0; left_out < 6; left_out++) {
		struct record_blob got;
		b.n = 0;
		o = mp_out_init(&b);
		mp_put_map(&o, 5);
		for (size_t i = 0; i < 6; i++) {
			if (i == left_out)
				continue;
			mp_put_cstr(&o, names[i]);
			if (i == 0 || i == 2)
				mp_put_id(&o, &(struct id32){{1}});
			else if (i == 3)
				mp_put_uint(&o, 5);
			else
				mp_put_cstr(&o, "x");
		}
		struct mp_in in = mp_open(buf_slice(&b));
		assert_int_equal(record_get_blob(&in, &got), left_out == 5 ? OK : ERR_NOT_FOUND);
	}
}

static void only_a_kind_and_a_map_with_str_keys_is_a_record(void **state)
{
	(void)state;
	static const struct {
		const char *b;
		size_t n;
	} bad[] = {
#define B(s) {"" s, sizeof("" s) - 1}
		B("\xc0"), B("\x90"), B("\x91\xa1z"), B("\x93\xa1z\x80\xc0"), B("\x92\x01\x80"),
		B("\x92\xc4\x01z\x80"), B("\x92\xa1z\x90"), B("\x92\xa1z\x81\x01\xc0"),
		B("\x82\xa1z\x80\xa2zz\x80"), B("\x92\xa1z\x80\x00"), B("\x92\xa1z"), B("")
#undef B
	};
	struct slice kind, fields;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(record_open(slice_of(bad[i].b, bad[i].n), &kind, &fields), ERR_FORMAT);
		assert_int_equal(record_check(slice_of(bad[i].b, bad[i].n), NULL), ERR_FORMAT);
	}
	assert_int_equal(record_open(slice_of("\x92\xa1z\x80", 4), &kind, &fields), OK);
	assert_true(slice_equal(kind, slice_str("z")));
	assert_true(slice_equal(fields, slice_of("\x80", 1)));
}

static void fields_are_found_by_name_and_truncations_never_are_records(void **state)
{
	(void)state;
	struct slice kind, fields, s;
	struct id32 id;
	struct mp_in value;
	artifact(whole);
	assert_int_equal(record_open(buf_slice(&b), &kind, &fields), OK);
	assert_int_equal(record_get_str(fields, "depicts", &s), OK);
	assert_true(slice_equal(s, slice_str("nobody")));
	assert_int_equal(record_get_str(fields, "title", &s), OK);
	assert_int_equal(s.n, 200);
	assert_int_equal(record_get_str(fields, "tags", &s), ERR_FORMAT);
	assert_int_equal(record_get_str(fields, "nothing", &s), ERR_NOT_FOUND);
	assert_int_equal(record_get(fields, "titl", &value), ERR_NOT_FOUND);
	assert_int_equal(record_get_id(fields, "title", &id), ERR_FORMAT);
	for (size_t n = 0; n < b.n; n++)
		assert_int_equal(record_open(slice_of(b.p, n), &kind, &fields), ERR_FORMAT);
	begin("device", 1);
	put_id("event");
	assert_int_equal(record_open(buf_slice(&b), &kind, &fields), OK);
	assert_int_equal(record_get_id(fields, "event", &id), OK);
	assert_int_equal(id.b[0], 1);
}

static int teardown(void **state)
{
	(void)state;
	buf_free(&b);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_is_sorted_and_holds_the_kinds_of_the_document),
		cmocka_unit_test(unknown_kinds_and_unknown_fields_are_no_fault),
		cmocka_unit_test(a_missing_or_mistyped_field_is_named),
		cmocka_unit_test(texts_hold_their_limits),
		cmocka_unit_test(an_artifact_holds_the_limits_of_each_field),
		cmocka_unit_test(a_ref_and_a_share_need_all_their_parts),
		cmocka_unit_test(a_blob_needs_all_its_keys_and_keeps_its_limits),
		cmocka_unit_test(only_a_kind_and_a_map_with_str_keys_is_a_record),
		cmocka_unit_test(fields_are_found_by_name_and_truncations_never_are_records),
	};
	return cmocka_run_group_tests(tests, NULL, teardown);
}
