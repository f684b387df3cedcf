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
	assert_int_equal(n, 25);
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

/* ---- refs and lists */

static const struct entry_ref ref_example = {.log = {{1}}, .seq = LIMIT_SEQ, .id = {{2}}};

static void put_ref(const char *name)
{
	mp_put_cstr(&o, name);
	record_put_ref(&o, &ref_example);
}

static void a_ref_needs_all_its_parts(void **state)
{
	(void)state;
	struct entry_ref ref = ref_example, got;
	begin("claim", 1);
	put_ref("of");
	expect(OK, NULL);
	struct slice kind, fields;
	struct mp_in value;
	assert_int_equal(record_open(buf_slice(&b), &kind, &fields), OK);
	assert_int_equal(record_get(fields, "of", &value), OK);
	assert_int_equal(record_get_ref(&value, &got), OK);
	assert_true(id32_equal(&got.log, &ref.log) && id32_equal(&got.id, &ref.id) && got.seq == ref.seq);
	begin("claim", 1);
	mp_put_cstr(&o, "of");
	ref.seq++;
	record_put_ref(&o, &ref);
	expect(ERR_RANGE, "of");
	begin("claim", 1);
	mp_put_cstr(&o, "of");
	mp_put_array(&o, 2);
	mp_put_id(&o, &ref.log);
	mp_put_uint(&o, 1);
	expect(ERR_RANGE, "of");
	begin("admission-end", 0);
	expect(ERR_NOT_FOUND, "of");
}

/* Each writes element i of a list. */
static void put_key_at(unsigned i)
{
	static const uint8_t key[32] = {9};
	(void)i;
	record_put_key(&o, &ref_example, key);
}

static void put_ref_at(unsigned i)
{
	(void)i;
	record_put_ref(&o, &ref_example);
}

static void put_item_at(unsigned i)
{
	(void)i;
	const struct record_item item = {.requirement = slice_str("plan"),
		.kind = slice_str("lesson-plan"),
		.at = ref_example,
		.digest = {{5}}};
	record_put_item(&o, &item);
}

static void put_score_at(unsigned i)
{
	char name[8];
	snprintf(name, sizeof name, "c%03u", i);
	const struct record_score score = {
		.criterion = slice_str(name), .level = slice_str("high"), .comment = slice_str("")};
	record_put_score(&o, &score);
}

static void put_mark_at(unsigned i)
{
	const struct record_mark mark = {.log = {{(uint8_t)(i + 1)}}, .length = 1, .last = {{3}}};
	record_put_mark(&o, &mark);
}

/* A record whose list has n elements; its other required fields come before and after. */
static void with_list(const char *kind, const char *list, void (*put)(unsigned), unsigned n)
{
	static const struct id32 one = {{1}};
	bool manifest = strcmp(kind, "manifest") == 0, review = strcmp(kind, "review") == 0,
	     end = strcmp(kind, "appointment-end") == 0;
	begin(kind, manifest ? 3 : review ? 4 : end ? 2 : 1);
	if (manifest)
		put_ref("for");
	if (review) {
		mp_put_cstr(&o, "decision");
		mp_put_cstr(&o, "not-yet");
		put_text("feedback", 5);
		put_ref("of");
	}
	mp_put_cstr(&o, list);
	mp_put_array(&o, n);
	for (unsigned i = 0; i < n; i++)
		put(i);
	if (manifest) {
		mp_put_cstr(&o, "salt");
		mp_put_id(&o, &one);
	}
	if (end)
		put_ref("of");
}

static void lists_hold_their_limits(void **state)
{
	(void)state;
	static const struct {
		const char *kind, *list;
		void (*put)(unsigned);
		unsigned max;
	} rows[] = {{"share", "keys", put_key_at, 64}, {"take-up", "reviews", put_ref_at, 64},
		{"manifest", "items", put_item_at, 64}, {"review", "scores", put_score_at, 32},
		{"appointment-end", "marks", put_mark_at, 16}};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const unsigned lengths[] = {0, 1, rows[i].max, rows[i].max + 1};
		for (size_t k = 0; k < 4; k++) {
			bool good = k == 1 || k == 2;
			with_list(rows[i].kind, rows[i].list, rows[i].put, lengths[k]);
			expect(good ? OK : ERR_RANGE, good ? NULL : rows[i].list);
		}
	}
}

static void same_score(unsigned i)
{
	put_score_at(i == 2 ? 1 : i);
}

static void falling_mark(unsigned i)
{
	put_mark_at(9 - i);
}

static void scores_and_marks_ascend_strictly(void **state)
{
	(void)state;
	with_list("review", "scores", same_score, 2);
	expect(OK, NULL);
	with_list("review", "scores", same_score, 3);
	expect(ERR_RANGE, "scores");
	with_list("appointment-end", "marks", falling_mark, 1);
	expect(OK, NULL);
	with_list("appointment-end", "marks", falling_mark, 2);
	expect(ERR_RANGE, "marks");
}

/* An element that is cut short, or has one more, or is of another type. */
static void odd_pair(unsigned i)
{
	mp_put_array(&o, 2 + i);
	for (unsigned k = 0; k < 2 + i; k++)
		mp_put_cstr(&o, "x");
}

static void elements_have_their_shape(void **state)
{
	(void)state;
	static const char *const kinds[] = {"share", "take-up", "manifest", "review", "appointment-end"};
	static const char *const lists[] = {"keys", "reviews", "items", "scores", "marks"};
	for (size_t i = 0; i < 5; i++) {
		const char *field;
		with_list(kinds[i], lists[i], odd_pair, 1);
		assert_int_not_equal(record_check(buf_slice(&b), &field), OK);
		assert_string_equal(field, lists[i]);
	}
	/* texts in elements have limits too */
	static char text[5000];
	memset(text, 'x', sizeof text);
	static const struct {
		size_t criterion, level, comment;
		enum err expected;
	} rows[] = {{64, 64, 4096, OK}, {65, 64, 0, ERR_RANGE}, {64, 65, 0, ERR_RANGE},
		{64, 64, 4097, ERR_RANGE}, {0, 1, 0, ERR_RANGE}, {1, 0, 0, ERR_RANGE}};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct record_score score = {.criterion = slice_of(text, rows[i].criterion),
			.level = slice_of(text, rows[i].level),
			.comment = slice_of(text, rows[i].comment)};
		b.n = 0;
		o = mp_out_init(&b);
		record_put_score(&o, &score);
		struct mp_in in = mp_open(buf_slice(&b));
		assert_int_equal(record_get_score(&in, &score), rows[i].expected);
		assert_int_equal(mp_peek(&in) == MP_END, rows[i].expected == OK);
	}
}

static void what_is_put_into_a_list_is_read_from_it(void **state)
{
	(void)state;
	struct record_item item;
	struct record_mark mark;
	struct entry_ref of;
	uint8_t key[32];
	b.n = 0;
	o = mp_out_init(&b);
	put_item_at(0);
	put_mark_at(4);
	put_key_at(0);
	struct mp_in in = mp_open(buf_slice(&b));
	assert_int_equal(record_get_item(&in, &item), OK);
	assert_true(slice_equal(item.requirement, slice_str("plan")) &&
		slice_equal(item.kind, slice_str("lesson-plan")) && item.at.seq == LIMIT_SEQ &&
		item.digest.b[0] == 5);
	assert_int_equal(record_get_mark(&in, &mark), OK);
	assert_true(mark.log.b[0] == 5 && mark.length == 1 && mark.last.b[0] == 3);
	assert_int_equal(record_get_key(&in, &of, key), OK);
	assert_true(key[0] == 9 && of.id.b[0] == 2);
	assert_int_equal(mp_peek(&in), MP_END);
}

static void an_item_is_a_kind_of_artifact_or_a_reflection(void **state)
{
	(void)state;
	static const struct {
		const char *kind;
		enum err expected;
	} rows[] = {{"lesson-plan", OK}, {"link", OK}, {"student-work", OK}, {"reflection", OK},
		{"profile", ERR_RANGE}, {"lesson-plan|video", ERR_RANGE}, {"", ERR_RANGE}};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct record_item item = {
			.requirement = slice_str("plan"), .kind = slice_str(rows[i].kind), .at = ref_example};
		b.n = 0;
		o = mp_out_init(&b);
		record_put_item(&o, &item);
		struct mp_in in = mp_open(buf_slice(&b));
		assert_int_equal(record_get_item(&in, &item), rows[i].expected);
	}
}

static void a_mark_has_a_length_of_one_to_two_to_the_thirty_second(void **state)
{
	(void)state;
	static const struct {
		uint64_t length;
		enum err expected;
	} rows[] = {{0, ERR_RANGE}, {1, OK}, {LIMIT_SEQ + 1, OK}, {LIMIT_SEQ + 2, ERR_RANGE}};
	for (size_t i = 0; i < 4; i++) {
		struct record_mark mark = {.length = rows[i].length};
		b.n = 0;
		o = mp_out_init(&b);
		record_put_mark(&o, &mark);
		struct mp_in in = mp_open(buf_slice(&b));
		assert_int_equal(record_get_mark(&in, &mark), rows[i].expected);
	}
}

/* ---- by */

static void by_is_set_in_its_place_and_taken_out_again(void **state)
{
	(void)state;
	static const struct id32 officer = {{8}}, other = {{7}};
	struct buf with = {0}, twice = {0}, without = {0};
	struct slice kind, fields;
	struct id32 got;
	struct entry_ref ref;
	begin("vouch", 2);
	put_text("about", 3); /* unknown, and before `by` */
	put_id("who");
	assert_int_equal(record_with_by(buf_slice(&b), &officer, &ref_example, &with), OK);
	assert_int_equal(record_check(buf_slice(&with), NULL), OK);
	assert_int_equal(record_open(buf_slice(&with), &kind, &fields), OK);
	assert_int_equal(record_get_by(fields, &got, &ref), OK);
	assert_true(id32_equal(&got, &officer) && ref.seq == LIMIT_SEQ);
	assert_int_equal(record_with_by(buf_slice(&with), &other, &ref_example, &twice), OK);
	assert_int_equal(record_open(buf_slice(&twice), &kind, &fields), OK);
	assert_int_equal(record_get_by(fields, &got, &ref), OK);
	assert_true(id32_equal(&got, &other));
	assert_int_equal(twice.n, with.n);
	assert_int_equal(record_with_by(buf_slice(&twice), NULL, NULL, &without), OK);
	assert_true(slice_equal(buf_slice(&without), buf_slice(&b)));
	assert_int_equal(record_open(buf_slice(&without), &kind, &fields), OK);
	assert_int_equal(record_get_by(fields, &got, &ref), ERR_NOT_FOUND);
	assert_int_equal(record_with_by(slice_str("x"), NULL, NULL, &without), ERR_FORMAT);
	buf_free(&with);
	buf_free(&twice);
	buf_free(&without);
}

static void by_that_is_malformed_is_a_fault(void **state)
{
	(void)state;
	begin("vouch", 2);
	mp_put_cstr(&o, "by");
	mp_put_array(&o, 1);
	mp_put_id(&o, &ref_example.id);
	put_id("who");
	expect(ERR_RANGE, "by");
}

static void choices_and_json_of_awards_have_their_limits(void **state)
{
	(void)state;
	begin("review", 3);
	mp_put_cstr(&o, "decision");
	mp_put_cstr(&o, "perhaps");
	put_text("feedback", 5);
	put_ref("of");
	expect(ERR_RANGE, "decision");
	static const size_t lengths[] = {1, 2, 49152, 49153};
	for (size_t i = 0; i < 4; i++) {
		begin("microcredential", 1);
		put_text("definition", lengths[i]);
		expect(i % 3 ? OK : ERR_RANGE, i % 3 ? NULL : "definition");
	}
	begin("award", 4);
	put_text("credential", 2);
	put_ref("definition");
	mp_put_cstr(&o, "reviews");
	mp_put_array(&o, 17);
	for (unsigned i = 0; i < 17; i++)
		put_ref_at(i);
	put_ref("submission");
	expect(ERR_RANGE, "reviews");
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
		cmocka_unit_test(a_ref_needs_all_its_parts),
		cmocka_unit_test(lists_hold_their_limits),
		cmocka_unit_test(scores_and_marks_ascend_strictly),
		cmocka_unit_test(elements_have_their_shape),
		cmocka_unit_test(what_is_put_into_a_list_is_read_from_it),
		cmocka_unit_test(an_item_is_a_kind_of_artifact_or_a_reflection),
		cmocka_unit_test(a_mark_has_a_length_of_one_to_two_to_the_thirty_second),
		cmocka_unit_test(by_is_set_in_its_place_and_taken_out_again),
		cmocka_unit_test(by_that_is_malformed_is_a_fault),
		cmocka_unit_test(choices_and_json_of_awards_have_their_limits),
		cmocka_unit_test(a_blob_needs_all_its_keys_and_keeps_its_limits),
		cmocka_unit_test(only_a_kind_and_a_map_with_str_keys_is_a_record),
		cmocka_unit_test(fields_are_found_by_name_and_truncations_never_are_records),
	};
	return cmocka_run_group_tests(tests, NULL, teardown);
}
