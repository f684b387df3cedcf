/* test_bake.c -- credentials in pictures: written, read, replaced; damaged pictures are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "protocol/award/bake.h"

static struct buf file_of(const char *name)
{
	char path[256];
	struct buf b = {0};
	uint8_t part[4096];
	snprintf(path, sizeof path, "tests/vectors/data/openbadges/%s", name);
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	for (size_t n; (n = fread(part, 1, sizeof part, f)) > 0;)
		assert_int_equal(buf_put(&b, part, n), OK);
	fclose(f);
	return b;
}

struct read {
	enum err err;
	struct buf credential, bundle;
	bool has_bundle;
};

static struct read read_of(struct slice picture)
{
	struct read r = {0};
	r.err = bake_read(picture, &r.credential, &r.bundle, &r.has_bundle);
	return r;
}

static void free_read(struct read *r)
{
	buf_free(&r->credential);
	buf_free(&r->bundle);
}

static bool text_is(const struct buf *b, const char *text)
{
	return slice_equal(buf_slice(b), slice_str(text));
}

static void pictures_of_others(void **state)
{
	static const char *const names[] = {"simple-json.png", "simple-json.svg"};
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct buf picture = file_of(names[i]);
		struct read r = read_of(buf_slice(&picture));
		assert_int_equal(r.err, OK);
		assert_false(r.has_bundle);
		assert_true(r.credential.n > 1000 && r.credential.p[0] == '{' &&
			r.credential.p[r.credential.n - 1] == '}');
		free_read(&r);
		buf_free(&picture);
	}
}

typedef enum err (*bake)(struct slice, struct slice, struct slice, struct buf *);

static void written_and_read(const char *name, bake fn)
{
	struct buf picture = file_of(name), one = {0}, two = {0};
	const char *tricky = "{\"a\":\"]]>]]]>&lt;\xc3\xa9\"}";
	assert_int_equal(fn(buf_slice(&picture), slice_str(tricky), slice_str("{\"b\":1}"), &one), OK);
	struct read r = read_of(buf_slice(&one));
	assert_int_equal(r.err, OK);
	assert_true(text_is(&r.credential, tricky) && r.has_bundle && text_is(&r.bundle, "{\"b\":1}"));
	free_read(&r);
	/* Again, without a bundle: nothing of the first stays. */
	assert_int_equal(fn(buf_slice(&one), slice_str("{}"), slice_str(""), &two), OK);
	r = read_of(buf_slice(&two));
	assert_true(r.err == OK && text_is(&r.credential, "{}") && !r.has_bundle);
	assert_null(memmem(two.p, two.n, "\"b\":1", 5));
	assert_true(two.n < picture.n + 200);
	free_read(&r);
	buf_free(&one);
	buf_free(&two);
	buf_free(&picture);
}

static void ours(void **state)
{
	(void)state;
	written_and_read("simple-json.png", bake_png);
	written_and_read("simple-json.svg", bake_svg);
}

static void cut_and_damaged(const char *name, size_t step)
{
	struct buf picture = file_of(name);
	size_t refused = 0;
	for (size_t n = 0; n < picture.n; n += step) {
		uint8_t *exact = malloc(n ? n : 1);
		memcpy(exact, picture.p, n);
		struct read r = read_of(slice_of(exact, n));
		refused += r.err != OK;
		free_read(&r);
		free(exact);
	}
	assert_true(refused > picture.n / step / 2);
	buf_free(&picture);
}

static void damaged(void **state)
{
	(void)state;
	cut_and_damaged("simple-json.png", 97);
	cut_and_damaged("simple-json.svg", 7);
	/* One bit of the text changed: the CRC says so. */
	struct buf picture = file_of("simple-json.png");
	uint8_t *at = memmem(picture.p, picture.n, "OpenBadgeCredential", 19);
	assert_non_null(at);
	at[3] ^= 1;
	struct read r = read_of(buf_slice(&picture));
	assert_int_equal(r.err, ERR_FORMAT);
	free_read(&r);
	buf_free(&picture);
}

static void not_pictures(void **state)
{
	struct buf out = {0};
	(void)state;
	static const char *const bad[] = {"", "<", "<svg", "<svg/>", "<html><svg></svg></html>", "{}",
		"<!-- <svg> -->", "<svg a='>", "plain"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(
			bake_svg(slice_str(bad[i]), slice_str("{}"), slice_str(""), &out), ERR_FORMAT);
		assert_int_equal(
			bake_png(slice_str(bad[i]), slice_str("{}"), slice_str(""), &out), ERR_FORMAT);
		struct read r = read_of(slice_str(bad[i]));
		assert_true(r.err == ERR_FORMAT || r.err == ERR_NOT_FOUND);
		free_read(&r);
	}
	assert_int_equal(bake_svg(slice_str("<svg></svg>"), slice_str(""), slice_str(""), &out), ERR_INPUT);
	assert_int_equal(
		bake_svg(slice_str("<svg></svg>"), slice_of("a\0b", 3), slice_str(""), &out), ERR_INPUT);
	buf_free(&out);
}

static void svg_forms(void **state)
{
	static const struct {
		const char *svg, *text;
		enum err err;
	} cases[] = {
		{"<svg xmlns:ob='https://purl.imsglobal.org/ob/v3p0'><ob:credential verify=\"a.b.c\"/></svg>",
			"a.b.c", OK},
		{"<svg xmlns:ob='https://purl.imsglobal.org/ob/v3p0'><ob:credential>{&quot;a&quot;:1}</ob:credential></svg>",
			"{\"a\":1}", OK},
		{"<svg xmlns:ob='https://purl.imsglobal.org/ob/v3p0'><!-- <ob:credential>x</ob:credential> --></svg>",
			"", ERR_NOT_FOUND},
		{"<svg xmlns:ob='https://purl.imsglobal.org/ob/v3p0'><ob:credential>&nope;</ob:credential></svg>",
			"", ERR_FORMAT},
		{"<svg xmlns:ob='https://purl.imsglobal.org/ob/v3p0'><ob:credential>1</ob:credential><ob:credential>2</ob:credential></svg>",
			"", ERR_FORMAT},
		{"<svg xmlns:ob='https://elsewhere.example/'><ob:credential>1</ob:credential></svg>", "",
			ERR_NOT_FOUND},
		{"<svg xmlns:ob='https://purl.imsglobal.org/ob/v3p0'><ob:credential>1</svg>", "",
			ERR_NOT_FOUND},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct read r = read_of(slice_str(cases[i].svg));
		assert_int_equal(r.err, cases[i].err);
		if (r.err == OK)
			assert_true(text_is(&r.credential, cases[i].text));
		free_read(&r);
	}
}

/* Found by a fuzzer: what was baked into these could not be read again. */
static void svg_with_other_prefixes(void **state)
{
	static const char two[] =
		"<svg xmlns:ob='https://purl.imsglobal.org/ob/v3p0' "
		"xmlns:bo='https://purl.imsglobal.org/ob/v3p0'>"
		"<bo:credential>old</bo:credential><ob:credential>older</ob:credential></svg>";
	static const char *const sound[] = {
		"<svg xmlns:ob='https://purl.imsglobal.org/ob/v3p0'><g/></svg>",
		"<svg xmlns:ob='https://purl.imsglobal.org/ob/v3p0'><ob:credential>old</ob:credential></svg>",
		two,
		"<!-- xmlns:ob='https://purl.imsglobal.org/ob/v3p0' --><svg><g/></svg>",
	};
	/* The prefix of the one that is there is bound nowhere: nobody can tell whose it is. */
	static const char bad[] = "<svg><openbadges:credential>old</openbadges:credential></svg>";
	struct buf out = {0};
	(void)state;
	for (size_t i = 0; i < sizeof sound / sizeof *sound; i++) {
		assert_int_equal(
			bake_svg(slice_str(sound[i]), slice_str("{\"new\":1}"), slice_str("{}"), &out), OK);
		struct read r = read_of(buf_slice(&out));
		assert_int_equal(r.err, OK);
		assert_true(slice_equal(buf_slice(&r.credential), slice_str("{\"new\":1}")));
		assert_true(slice_equal(buf_slice(&r.bundle), slice_str("{}")));
		assert_null(memmem(out.p, out.n, "old", 3));
		free_read(&r);
		buf_free(&out);
	}
	assert_int_equal(bake_svg(slice_str(bad), slice_str("{}"), slice_str(""), &out), ERR_FORMAT);
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pictures_of_others),
		cmocka_unit_test(ours),
		cmocka_unit_test(damaged),
		cmocka_unit_test(not_pictures),
		cmocka_unit_test(svg_forms),
		cmocka_unit_test(svg_with_other_prefixes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
