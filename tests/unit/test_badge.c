/* test_badge.c -- what a badge looks like: its words fit, its colours can be read, and nothing of a peer's becomes markup. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/badge_layout.h"
#include "daemon/badge_picture.h"
#include "daemon/markup.h"
#include "protocol/award/bake.h"
#include "tests/support/seeded_random.h"

#include <math.h>
#include <stdio.h>

static const char hostile[] = "</title><script>alert(1)</script>\"'&]]>";

static struct award_face face_of(const char *title)
{
	struct award_face f = {.issuer = "Issuer of the example",
		.competency = "Waits.",
		.id = "urn:quire:award:00",
		.valid_from = "2026-01-31T12:00:00Z"};
	snprintf(f.title, sizeof f.title, "%s", title);
	return f;
}

static struct buf svg_of(const struct award_face *f)
{
	struct buf b = {0};
	assert_int_equal(badge_svg(f, &b), OK);
	return b;
}

static struct buf png_of(const struct award_face *f)
{
	struct buf b = {0};
	assert_int_equal(badge_png(f, &b), OK);
	return b;
}

static bool has(const struct buf *b, const char *text)
{
	return memmem(b->p, b->n, text, strlen(text)) != NULL;
}

/* ---- layout */

/* All four corners of each line lie on the disc. */
static void assert_fits(const struct badge_block *b)
{
	for (size_t i = 0; i < b->n; i++) {
		double half = b->line[i].width / 2;
		double ys[] = {b->line[i].baseline - 0.75 * b->size, b->line[i].baseline + 0.25 * b->size};
		for (size_t k = 0; k < 2; k++) {
			double dy = ys[k] - BADGE_MIDDLE;
			assert_true(sqrt(half * half + dy * dy) <= BADGE_INNER);
		}
		assert_true(strlen(b->line[i].text) < BADGE_LINE_BYTES);
	}
}

static void words_of_a_title_are_all_there_and_in_order(void **state)
{
	(void)state;
	static const char title[] = "Questions and silence: discussions that pupils carry";
	struct badge_layout l;
	struct award_face f = face_of(title);
	char joined[256] = "";
	size_t n = 0;
	badge_layout(&f, &l);
	assert_true(l.title.n >= 2 && l.title.n <= 4);
	for (size_t i = 0; i < l.title.n; i++)
		n += (size_t)snprintf(
			joined + n, sizeof joined - n, "%s%s", i ? " " : "", l.title.line[i].text);
	assert_string_equal(joined, title);
	assert_string_equal(l.year, "2026");
	assert_fits(&l.title);
	assert_fits(&l.issuer);
}

static void a_short_title_is_large_and_a_long_one_is_cut_at_worst(void **state)
{
	(void)state;
	struct badge_layout l;
	struct award_face f = face_of("Wait time");
	badge_layout(&f, &l);
	assert_int_equal(l.title.n, 1);
	assert_true(l.title.size > 50);
	char wide[201];
	memset(wide, 'W', 200);
	wide[200] = 0;
	f = face_of(wide);
	badge_layout(&f, &l);
	assert_int_equal(l.title.n, BADGE_LINES_MAX);
	const char *last = l.title.line[l.title.n - 1].text;
	assert_string_equal(last + strlen(last) - 3, "\xe2\x80\xa6");
	assert_fits(&l.title);
}

static size_t random_title(const struct random_source *rnd, char out[201])
{
	static const char *const pieces[] = {
		"a", "W", "i", " ", " ", "-", "é", "й", "学", "ה", "́", "\xf0\x9f\x91\x8d"};
	size_t n = 0;
	uint8_t b[2];
	random_fill(rnd, b, 2);
	for (size_t left = 1 + b[0] % 200; left > 0; left--) {
		random_fill(rnd, b, 2);
		const char *piece = pieces[b[0] % (sizeof pieces / sizeof pieces[0])];
		if (n + strlen(piece) > 200)
			break;
		memcpy(out + n, piece, strlen(piece));
		n += strlen(piece);
	}
	out[n] = 0;
	return n;
}

static void whatever_the_title_its_lines_stay_on_the_disc(void **state)
{
	(void)state;
	struct seeded_random seeded = {.seed = 1847};
	struct random_source rnd = seeded_random_source(&seeded);
	for (size_t i = 0; i < 5000; i++) {
		char title[201];
		struct badge_layout l;
		random_title(&rnd, title);
		struct award_face f = face_of(title);
		snprintf(f.issuer, sizeof f.issuer, "%s", title);
		badge_layout(&f, &l);
		assert_true(l.title.n <= BADGE_LINES_MAX && l.issuer.n <= 2);
		assert_fits(&l.title);
		assert_fits(&l.issuer);
		for (size_t k = 0; k < l.title.n; k++)
			for (size_t at = 0, step; l.title.line[k].text[at]; at += step)
				assert_int_not_equal(
					badge_code_point(l.title.line[k].text + at, &step), 0xfffd);
	}
}

static void broken_utf8_is_passed_byte_by_byte(void **state)
{
	(void)state;
	size_t n;
	assert_int_equal(badge_code_point("\xc3\xa9", &n), 0xe9);
	assert_int_equal(n, 2);
	assert_int_equal(badge_code_point("\xf0\x9f\x91\x8d", &n), 0x1f44d);
	assert_int_equal(n, 4);
	assert_int_equal(badge_code_point("\xc3", &n), 0xfffd);
	assert_int_equal(n, 1);
	assert_int_equal(badge_code_point("\xe2\x82", &n), 0xfffd);
	assert_int_equal(n, 1);
	assert_int_equal(badge_code_point("\xff", &n), 0xfffd);
	assert_int_equal(badge_code_point("\x80", &n), 0xfffd);
}

/* ---- colours: WCAG 2.1, relative luminance and contrast */

static double luminance(struct badge_colour c)
{
	const uint8_t v[] = {c.r, c.g, c.b};
	const double weight[] = {0.2126, 0.7152, 0.0722};
	double sum = 0;
	for (size_t i = 0; i < 3; i++) {
		double s = v[i] / 255.0;
		sum += weight[i] * (s <= 0.03928 ? s / 12.92 : pow((s + 0.055) / 1.055, 2.4));
	}
	return sum;
}

static double contrast(struct badge_colour light, struct badge_colour dark)
{
	return (luminance(light) + 0.05) / (luminance(dark) + 0.05);
}

static void every_colour_can_be_read(void **state)
{
	(void)state;
	const struct badge_colour white = {255, 255, 255};
	struct award_face f = face_of("x");
	for (unsigned i = 0; i < 65536; i += 7) {
		struct badge_layout l;
		f.definition[0] = (uint8_t)(i >> 8);
		f.definition[1] = (uint8_t)i;
		badge_layout(&f, &l);
		assert_true(contrast(white, l.dark) >= 4.5);
		assert_true(contrast(l.light, l.dark) >= 4.5);
	}
}

/* ---- pictures */

static void a_drawing_says_what_it_is_and_nothing_of_it_is_markup(void **state)
{
	(void)state;
	struct award_face f = face_of(hostile);
	snprintf(f.issuer, sizeof f.issuer, "%s", hostile);
	struct buf b = svg_of(&f);
	assert_true(bake_is_svg(buf_slice(&b)));
	assert_true(has(&b,
		"<title>Badge: &lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;]]&gt;</title>"));
	assert_false(has(&b, "<script"));
	assert_true(has(&b, "role=\"img\""));
	buf_free(&b);
}

static void one_award_makes_one_picture(void **state)
{
	(void)state;
	struct award_face f = face_of("Wait time"), other = face_of("Wait time");
	struct buf a = svg_of(&f), b = svg_of(&f), c = png_of(&f), d = png_of(&f);
	assert_true(slice_equal(buf_slice(&a), buf_slice(&b)));
	assert_true(slice_equal(buf_slice(&c), buf_slice(&d)));
	buf_free(&b);
	buf_free(&d);
	other.definition[0] = 77;
	b = svg_of(&other);
	d = png_of(&other);
	assert_false(slice_equal(buf_slice(&a), buf_slice(&b)));
	assert_false(slice_equal(buf_slice(&c), buf_slice(&d)));
	buf_free(&a);
	buf_free(&b);
	buf_free(&c);
	buf_free(&d);
}

static void both_take_a_credential_and_a_bundle_along(void **state)
{
	(void)state;
	static const char *const titles[] = {"Wait time", "学校", "", hostile};
	for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++) {
		struct award_face f = face_of(titles[i]);
		struct buf pictures[] = {svg_of(&f), png_of(&f)};
		for (size_t k = 0; k < 2; k++) {
			struct buf baked = {0}, credential = {0}, bundle = {0};
			bool has_bundle = false;
			assert_int_equal((k ? bake_png : bake_svg)(buf_slice(&pictures[k]),
						 slice_str("{\"a\":1}"), slice_str("{\"b\":2}"), &baked),
				OK);
			assert_int_equal(bake_read(buf_slice(&baked), &credential, &bundle, &has_bundle), OK);
			assert_true(slice_equal(buf_slice(&credential), slice_str("{\"a\":1}")));
			assert_true(has_bundle && slice_equal(buf_slice(&bundle), slice_str("{\"b\":2}")));
			buf_free(&baked);
			buf_free(&credential);
			buf_free(&bundle);
			buf_free(&pictures[k]);
		}
	}
}

static void the_picture_has_its_title_for_those_who_cannot_see_it(void **state)
{
	(void)state;
	struct award_face f = face_of("学校の問い");
	struct buf b = png_of(&f);
	assert_true(has(&b, "学校の問い"));
	assert_true(has(&b, "Issuer of the example"));
	buf_free(&b);
}

/* ---- the page */

static json_t *details(void)
{
	return json_pack("{s:{s:s, s:s}, s:{s:s, s:s}, s:[{s:s, s:s, s:s}], s:[{s:{s:s}}], s:{s:s}}",
		"earner", "name", hostile, "did", "did:key:a", "issuer", "name", "x", "did", "did:key:b",
		"results", "name", hostile, "level_name", hostile, "required_name", "Met", "reviewers",
		"reviewer", "name", hostile, "revoked", "why", hostile);
}

static struct buf page_of(struct slice bundle)
{
	struct award_face f = face_of(hostile);
	struct buf picture = svg_of(&f), page = {0};
	json_t *o = details();
	assert_non_null(o);
	assert_int_equal(award_page(&f, o, buf_slice(&picture), bundle, &page), OK);
	json_decref(o);
	buf_free(&picture);
	return page;
}

static void a_page_holds_no_markup_of_anybodys(void **state)
{
	(void)state;
	struct buf page = page_of(slice_str("{}"));
	assert_false(has(&page, "<script"));
	assert_false(has(&page, "</title><"));
	assert_true(has(&page, "default-src 'none'"));
	assert_true(has(&page, "The issuer has revoked this award: &lt;/title&gt;"));
	assert_true(has(&page, "base64,e30=\""));
	assert_true(has(&page, "aria-label=\"QR code of the badge's id\""));
	buf_free(&page);
}

static void a_long_bundle_is_not_offered_on_the_page(void **state)
{
	(void)state;
	struct buf text = {0};
	const size_t most = 512u << 10;
	assert_int_equal(buf_reserve(&text, most + 1), OK);
	memset(text.p, ' ', most + 1);
	struct buf page = page_of(slice_of(text.p, most));
	assert_true(has(&page, "download="));
	buf_free(&page);
	page = page_of(slice_of(text.p, most + 1));
	assert_false(has(&page, "download="));
	buf_free(&page);
	buf_free(&text);
}

static void control_characters_do_not_reach_markup(void **state)
{
	(void)state;
	struct buf b = {0};
	struct markup m = {.out = &b};
	markup_text(&m,
		"a\x01"
		"b\n\x7f");
	assert_int_equal(m.err, OK);
	assert_true(slice_equal(buf_slice(&b),
		slice_str("a\xef\xbf\xbd"
			  "b\n\xef\xbf\xbd")));
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_of_a_title_are_all_there_and_in_order),
		cmocka_unit_test(a_short_title_is_large_and_a_long_one_is_cut_at_worst),
		cmocka_unit_test(whatever_the_title_its_lines_stay_on_the_disc),
		cmocka_unit_test(broken_utf8_is_passed_byte_by_byte),
		cmocka_unit_test(every_colour_can_be_read),
		cmocka_unit_test(a_drawing_says_what_it_is_and_nothing_of_it_is_markup),
		cmocka_unit_test(one_award_makes_one_picture),
		cmocka_unit_test(both_take_a_credential_and_a_bundle_along),
		cmocka_unit_test(the_picture_has_its_title_for_those_who_cannot_see_it),
		cmocka_unit_test(a_page_holds_no_markup_of_anybodys),
		cmocka_unit_test(a_long_bundle_is_not_offered_on_the_page),
		cmocka_unit_test(control_characters_do_not_reach_markup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
