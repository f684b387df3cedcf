/* badge_layout.c -- see badge_layout.h. */
#include "badge_layout.h"

#include "badge_picture.h"

#include <math.h>

/* ---- widths, in 1/1000 of the font's size */

static const uint16_t ascii[95] = {348, 456, 520, 837, 695, 1001, 872, 306, 457, 457, 522, 837, 379, 415, 379,
	365, 695, 695, 695, 695, 695, 695, 695, 695, 695, 695, 399, 399, 837, 837, 837, 580, 1000, 773, 762,
	733, 830, 683, 683, 820, 836, 372, 372, 774, 637, 995, 836, 850, 732, 850, 770, 720, 682, 812, 773,
	1103, 770, 724, 725, 457, 365, 457, 837, 500, 500, 674, 715, 592, 715, 678, 435, 715, 711, 342, 342,
	665, 342, 1041, 711, 687, 715, 715, 493, 595, 478, 711, 651, 923, 645, 651, 582, 711, 365, 711, 837};

unsigned badge_code_point(const char *s, size_t *n)
{
	const uint8_t *p = (const uint8_t *)s;
	size_t more = p[0] < 0x80 ? 0 : p[0] >= 0xf0 ? 3 : p[0] >= 0xe0 ? 2 : p[0] >= 0xc0 ? 1 : 9;
	unsigned c = more == 0 ? p[0] : p[0] & (0x3fu >> more);
	*n = 1;
	if (more > 3)
		return 0xfffd;
	for (size_t i = 1; i <= more; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0xfffd;
		c = c << 6 | (p[i] & 0x3fu);
	}
	*n = more + 1;
	return c;
}

/* Stands on the character before it, so no line begins with it. */
static bool is_mark(unsigned c)
{
	return (c >= 0x300 && c < 0x370) || (c >= 0x483 && c < 0x48a) || (c >= 0x591 && c < 0x5c8) ||
		(c >= 0x610 && c < 0x61b) || (c >= 0x64b && c < 0x660) || (c >= 0x1ab0 && c < 0x1b00) ||
		(c >= 0x1dc0 && c < 0x1e00) || (c >= 0x200b && c < 0x2010) || (c >= 0x20d0 && c < 0x2100) ||
		(c >= 0xfe00 && c < 0xfe10) || (c >= 0xfe20 && c < 0xfe30) || (c >= 0x1f3fb && c < 0x1f400);
}

static unsigned width_of(unsigned c)
{
	if (c >= 0x20 && c < 0x7f)
		return ascii[c - 0x20];
	if (is_mark(c))
		return 0;
	return c >= 0x1100 && !(c >= 0x1e00 && c < 0x2100) ? 1060 : 850;
}

static double width_of_text(const char *s, size_t n, unsigned size)
{
	double sum = 0;
	size_t step;
	for (size_t i = 0; i < n; i += step)
		sum += width_of(badge_code_point(s + i, &step));
	return sum * size / 1000;
}

/* ---- lines */

/* How much room the disc leaves at this height. */
static double chord(unsigned top, unsigned bottom)
{
	double a = fabs((double)top - BADGE_MIDDLE), b = fabs((double)bottom - BADGE_MIDDLE);
	double far = a > b ? a : b, r = BADGE_INNER - 14;
	return far < r ? 2 * sqrt(r * r - far * far) : 0;
}

static bool scripts_break_anywhere(unsigned c)
{
	return c >= 0x2e80 && c < 0xfb00;
}

/* The end of the longest beginning of s that fits; 0: not even one word. anywhere: words may be cut. */
static size_t fit(const char *s, double room, unsigned size, bool anywhere)
{
	size_t end = 0, step;
	double width = 0;
	for (size_t i = 0; s[i]; i += step) {
		unsigned c = badge_code_point(s + i, &step);
		if (c != ' ' && width * size / 1000 + width_of(c) * size / 1000.0 > room)
			return end;
		width += width_of(c);
		size_t next;
		unsigned after = badge_code_point(s + i + step, &next);
		bool may = s[i + step] == 0 || s[i + step] == ' ' || c == '-' || c == '/' ||
			scripts_break_anywhere(after) || (anywhere && i > 0);
		if (may && !is_mark(after) && c != ' ')
			end = i + step;
	}
	return end;
}

static void set_line(struct badge_line *l, const char *s, size_t n, unsigned size, const char *behind)
{
	if (n + strlen(behind) >= BADGE_LINE_BYTES)
		for (n = BADGE_LINE_BYTES - 1 - strlen(behind); n && ((uint8_t)s[n] & 0xc0) == 0x80;)
			n--;
	memcpy(l->text, s, n);
	memcpy(l->text + n, behind, strlen(behind) + 1);
	l->width = width_of_text(l->text, strlen(l->text), size);
}

/* Lines of this size around a middle; false: they do not fit into n of them. last: then the last one is cut. */
static bool try_lines(
	struct badge_block *b, const char *s, size_t n, unsigned size, unsigned middle, bool last)
{
	unsigned step = size * 5 / 4, top = middle - (unsigned)n * step / 2;
	b->size = size;
	for (b->n = 0; b->n < n; b->n++) {
		struct badge_line *l = &b->line[b->n];
		unsigned y = top + (unsigned)b->n * step;
		double room = chord(y, y + step);
		while (*s == ' ')
			s++;
		if (!*s)
			break;
		l->baseline = y + step * 3 / 4;
		size_t end = fit(s, room, size, false);
		if (end == 0 && (last || size <= 34))
			end = fit(s, room, size, true);
		if (end == 0)
			return false;
		bool more = s[end + strspn(s + end, " ")] != 0;
		if (more && b->n + 1 == n && last) {
			end = fit(s, room - size, size, true);
			set_line(l, s, end, size, "\xe2\x80\xa6");
			b->n++;
			return true;
		}
		set_line(l, s, end, size, "");
		s += end;
	}
	while (*s == ' ')
		s++;
	return *s == 0 && b->n == n;
}

static void lay_out(struct badge_block *b, const char *s, unsigned middle, const unsigned *sizes,
	size_t sizes_n, size_t most)
{
	for (size_t i = 0; i < sizes_n; i++) {
		/* No higher than what the block has room for. */
		size_t lines = most;
		while (lines > 1 && lines * (sizes[i] * 5 / 4) > (most > 2 ? 216u : 76u))
			lines--;
		for (size_t n = 1; n <= lines; n++)
			if (try_lines(b, s, n, sizes[i], middle, false))
				return;
	}
	try_lines(b, s, most, sizes[sizes_n - 1], middle, true);
}

/* ---- colours */

static uint8_t channel(double v)
{
	return (uint8_t)(v * 255 + 0.5);
}

static struct badge_colour colour_of(unsigned hue, double saturation, double lightness)
{
	double c = (1 - fabs(2 * lightness - 1)) * saturation, h = hue / 60.0;
	double x = c * (1 - fabs(fmod(h, 2) - 1)), m = lightness - c / 2;
	const double parts[6][3] = {{c, x, 0}, {x, c, 0}, {0, c, x}, {0, x, c}, {x, 0, c}, {c, 0, x}};
	const double *p = parts[(unsigned)h % 6];
	return (struct badge_colour){channel(p[0] + m), channel(p[1] + m), channel(p[2] + m)};
}

void badge_layout(const struct award_face *face, struct badge_layout *out)
{
	static const unsigned title_sizes[] = {54, 48, 44, 40, 36, 32, 29, 26, 24, 22, 20, 18};
	static const unsigned issuer_sizes[] = {28, 25, 22, 20, 18, 16};
	unsigned hue = ((unsigned)face->definition[0] << 8 | face->definition[1]) % 360;
	*out = (struct badge_layout){.dark = colour_of(hue, 0.6, 0.26), .light = colour_of(hue, 0.55, 0.96)};
	lay_out(&out->title, face->title, 296, title_sizes, sizeof title_sizes / sizeof title_sizes[0],
		BADGE_LINES_MAX);
	lay_out(&out->issuer, face->issuer, 462, issuer_sizes, sizeof issuer_sizes / sizeof issuer_sizes[0],
		2);
	memcpy(out->year, face->valid_from, strspn(face->valid_from, "0123456789") == 4 ? 4 : 0);
}
