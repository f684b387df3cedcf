/* badge_png.c -- a badge as pixels: circles and strokes by distance, text by FreeType, the file by libpng. See badge_picture.h. */
#include "badge_layout.h"
#include "badge_picture.h"

#include <ft2build.h>
#include FT_FREETYPE_H

#include <math.h>
#include <png.h>

#define SIDE BADGE_PIXELS

struct canvas {
	uint8_t px[SIDE][SIDE][4]; /* red, green, blue, opacity: not premultiplied */
	FT_Library library;
	FT_Face bold, plain; /* NULL: this machine has none of the files */
	FT_Face font; /* that is written with */
};

/* Where systems keep DejaVu Sans. */
static const char *const font_folders[] = {"/usr/share/fonts/truetype/dejavu",
	"/usr/share/fonts/dejavu-sans-fonts", "/usr/share/fonts/dejavu", "/usr/share/fonts/TTF"};

static const struct badge_colour white = {255, 255, 255};

/* ---- shapes */

/* Lays a colour over a pixel; cover: 0 … 1. */
static void lay(struct canvas *c, int x, int y, struct badge_colour over, double cover)
{
	if (x < 0 || y < 0 || x >= (int)SIDE || y >= (int)SIDE || cover <= 0)
		return;
	uint8_t *p = c->px[y][x];
	const uint8_t from[3] = {over.r, over.g, over.b};
	double a = cover > 1 ? 1 : cover, under = p[3] / 255.0 * (1 - a), all = a + under;
	for (size_t i = 0; i < 3; i++)
		p[i] = (uint8_t)((from[i] * a + p[i] * under) / all + 0.5);
	p[3] = (uint8_t)(all * 255 + 0.5);
}

static double distance(double x, double y, double to_x, double to_y)
{
	return sqrt((x - to_x) * (x - to_x) + (y - to_y) * (y - to_y));
}

static void disc(struct canvas *c, double mx, double my, double r, struct badge_colour colour)
{
	for (int y = (int)(my - r) - 1; y <= (int)(my + r) + 1; y++)
		for (int x = (int)(mx - r) - 1; x <= (int)(mx + r) + 1; x++)
			lay(c, x, y, colour, r - distance(x + 0.5, y + 0.5, mx, my) + 0.5);
}

static void ring(struct canvas *c, double m, double r, double width, struct badge_colour colour)
{
	for (int y = 0; y < (int)SIDE; y++)
		for (int x = 0; x < (int)SIDE; x++)
			lay(c, x, y, colour, width / 2 - fabs(distance(x + 0.5, y + 0.5, m, m) - r) + 0.5);
}

struct point {
	double x, y;
};

static double distance_to_line(struct point p, struct point a, struct point b)
{
	double dx = b.x - a.x, dy = b.y - a.y;
	double t = ((p.x - a.x) * dx + (p.y - a.y) * dy) / (dx * dx + dy * dy);
	t = t < 0 ? 0 : t > 1 ? 1 : t;
	return distance(p.x, p.y, a.x + t * dx, a.y + t * dy);
}

/* With round ends and joints. */
static void stroke(
	struct canvas *c, const struct point *at, size_t n, double width, struct badge_colour colour)
{
	double low_x = SIDE, low_y = SIDE, high_x = 0, high_y = 0;
	for (size_t i = 0; i < n; i++) {
		low_x = at[i].x < low_x ? at[i].x : low_x;
		low_y = at[i].y < low_y ? at[i].y : low_y;
		high_x = at[i].x > high_x ? at[i].x : high_x;
		high_y = at[i].y > high_y ? at[i].y : high_y;
	}
	for (int y = (int)(low_y - width); y <= (int)(high_y + width); y++)
		for (int x = (int)(low_x - width); x <= (int)(high_x + width); x++) {
			double near = SIDE;
			for (size_t i = 0; i + 1 < n; i++) {
				double d = distance_to_line(
					(struct point){x + 0.5, y + 0.5}, at[i], at[i + 1]);
				near = d < near ? d : near;
			}
			lay(c, x, y, colour, width / 2 - near + 0.5);
		}
}

/* ---- text */

/* Written from right to left, or with letters that change shape beside each other: more than placing one behind the other. */
static bool needs_shaping(unsigned code)
{
	return (code >= 0x590 && code < 0x10a0) || (code >= 0x1780 && code < 0x1800) ||
		(code >= 0xfb1d && code < 0xfe00) || (code >= 0xfe70 && code < 0xff00) || code >= 0x10800;
}

static bool can_write(const struct canvas *c, const struct badge_block *b)
{
	for (size_t i = 0; i < b->n; i++)
		for (size_t k = 0, step; b->line[i].text[k]; k += step) {
			unsigned code = badge_code_point(b->line[i].text + k, &step);
			if (needs_shaping(code) || !FT_Get_Char_Index(c->font, code))
				return false;
		}
	return true;
}

/* In 1/64 pixels. */
static long advance_of(const struct canvas *c, const char *text)
{
	long sum = 0;
	for (size_t i = 0, step; text[i]; i += step)
		if (FT_Load_Char(c->font, badge_code_point(text + i, &step), FT_LOAD_NO_HINTING) == 0)
			sum += c->font->glyph->advance.x;
	return sum;
}

static void glyph(struct canvas *c, long x, unsigned baseline, struct badge_colour colour)
{
	const FT_GlyphSlot slot = c->font->glyph;
	const FT_Bitmap *map = &slot->bitmap;
	for (unsigned row = 0; row < map->rows; row++)
		for (unsigned col = 0; col < map->width; col++)
			lay(c, (int)(x >> 6) + slot->bitmap_left + (int)col,
				(int)baseline - slot->bitmap_top + (int)row, colour,
				map->buffer[(long)row * map->pitch + (long)col] / 255.0);
}

static void write_line(
	struct canvas *c, const char *text, unsigned size, unsigned baseline, struct badge_colour colour)
{
	if (FT_Set_Pixel_Sizes(c->font, 0, size) != 0)
		return;
	long x = BADGE_MIDDLE * 64L - advance_of(c, text) / 2;
	for (size_t i = 0, step; text[i]; i += step) {
		FT_Vector shift = {.x = x & 63, .y = 0};
		unsigned code = badge_code_point(text + i, &step);
		FT_Set_Transform(c->font, NULL, &shift);
		if (FT_Load_Char(c->font, code, FT_LOAD_NO_HINTING | FT_LOAD_RENDER) != 0)
			continue;
		glyph(c, x, baseline, colour);
		x += c->font->glyph->advance.x;
	}
	FT_Set_Transform(c->font, NULL, NULL);
}

/* False: it cannot be written, and nothing was. */
static bool write_block(
	struct canvas *c, FT_Face font, const struct badge_block *b, struct badge_colour colour)
{
	c->font = font;
	if (!font || !can_write(c, b))
		return false;
	for (size_t i = 0; i < b->n; i++)
		write_line(c, b->line[i].text, b->size, b->line[i].baseline, colour);
	return true;
}

static FT_Face open_font(FT_Library library, const char *file)
{
	char path[128];
	FT_Face font;
	for (size_t i = 0; i < sizeof font_folders / sizeof font_folders[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", font_folders[i], file);
		if (FT_New_Face(library, path, 0, &font) == 0)
			return font;
	}
	return NULL;
}

static void open_fonts(struct canvas *c)
{
	if (FT_Init_FreeType(&c->library) != 0) {
		c->library = NULL;
		return;
	}
	c->bold = open_font(c->library, "DejaVuSans-Bold.ttf");
	c->plain = open_font(c->library, "DejaVuSans.ttf");
}

static void close_fonts(struct canvas *c)
{
	if (c->library)
		FT_Done_FreeType(c->library); /* with its fonts */
}

/* ---- the drawing */

/* A disc with a check mark. */
static void mark(struct canvas *c, double y, double radius, struct badge_colour colour)
{
	const double m = BADGE_MIDDLE, k = radius / BADGE_MARK_RADIUS;
	const struct point check[] = {
		{m - 15 * k, y + 2 * k}, {m - 5 * k, y + 13 * k}, {m + 15 * k, y - 9 * k}};
	disc(c, m, y, radius, colour);
	stroke(c, check, 3, 7 * k, white);
}

static void draw(struct canvas *c, const struct badge_layout *l)
{
	const struct point rule[] = {{BADGE_MIDDLE - BADGE_RULE_HALF, BADGE_RULE_TOP},
		{BADGE_MIDDLE + BADGE_RULE_HALF, BADGE_RULE_TOP}};
	disc(c, BADGE_MIDDLE, BADGE_MIDDLE, BADGE_OUTER, l->dark);
	ring(c, BADGE_MIDDLE, BADGE_RING, BADGE_RING_WIDTH, white);
	disc(c, BADGE_MIDDLE, BADGE_MIDDLE, BADGE_INNER, l->light);
	stroke(c, rule, 2, 3, l->dark);
	if (write_block(c, c->bold, &l->title, l->dark))
		mark(c, BADGE_MARK_Y, BADGE_MARK_RADIUS, l->dark);
	else
		mark(c, BADGE_MIDDLE, BADGE_STAND_IN_RADIUS, l->dark);
	(void)write_block(c, c->plain, &l->issuer, l->dark);
	c->font = c->bold;
	if (!c->font)
		return;
	write_line(c, BADGE_KIND, BADGE_KIND_SIZE, BADGE_KIND_BASELINE, l->dark);
	write_line(c, l->year, BADGE_YEAR_SIZE, BADGE_YEAR_BASELINE, l->dark);
}

/* ---- the file */

struct sink {
	struct buf *out;
	enum err err;
};

static void on_bytes(png_structp png, png_bytep p, size_t n)
{
	struct sink *s = (struct sink *)png_get_io_ptr(png);
	if (s->err == OK)
		s->err = buf_put(s->out, p, n);
}

static void on_flush(png_structp png)
{
	(void)png;
}

/* For those who cannot see it, and for text that was left out. */
static void describe(png_structp png, png_infop info, const struct award_face *face)
{
	char title[] = "Title", author[] = "Author", none[] = "";
	struct award_face copy = *face;
	png_text text[] = {{.compression = PNG_ITXT_COMPRESSION_NONE,
				   .key = title,
				   .text = copy.title,
				   .lang = none,
				   .lang_key = none},
		{.compression = PNG_ITXT_COMPRESSION_NONE,
			.key = author,
			.text = copy.issuer,
			.lang = none,
			.lang_key = none}};
	png_set_text(png, info, text, 2);
}

static enum err write_png(const struct canvas *c, const struct award_face *face, struct buf *out)
{
	struct sink s = {.out = out};
	png_infop info = NULL;
	png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
	if (png)
		info = png_create_info_struct(png);
	if (!info || setjmp(png_jmpbuf(png))) {
		png_destroy_write_struct(&png, &info);
		return ERR_MEMORY;
	}
	png_set_write_fn(png, &s, on_bytes, on_flush);
	png_set_IHDR(png, info, SIDE, SIDE, 8, PNG_COLOR_TYPE_RGB_ALPHA, PNG_INTERLACE_NONE,
		PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
	describe(png, info, face);
	png_write_info(png, info);
	for (size_t y = 0; y < SIDE; y++)
		png_write_row(png, c->px[y][0]);
	png_write_end(png, info);
	png_destroy_write_struct(&png, &info);
	return s.err;
}

enum err badge_png(const struct award_face *face, struct buf *out)
{
	struct badge_layout l;
	struct canvas *c = (struct canvas *)calloc(1, sizeof *c);
	if (!c)
		return ERR_MEMORY;
	badge_layout(face, &l);
	open_fonts(c);
	draw(c, &l);
	close_fonts(c);
	enum err e = write_png(c, face, out);
	free(c);
	return e;
}
