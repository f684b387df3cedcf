/* badge_picture.c -- a badge as SVG. See badge_picture.h. */
#include "badge_picture.h"

#include "badge_layout.h"
#include "markup.h"

#define FONTS "'DejaVu Sans',Verdana,'Noto Sans',Arial,sans-serif"

static void put_line(struct markup *m, const struct badge_line *l, unsigned size, bool bold)
{
	markup_format(m,
		"<text x=\"%d\" y=\"%u\" font-size=\"%u\" font-weight=\"%s\" text-anchor=\"middle\" aria-hidden=\"true\">",
		BADGE_MIDDLE, l->baseline, size, bold ? "700" : "400");
	markup_text(m, l->text);
	markup_put(m, "</text>\n");
}

static void put_block(struct markup *m, const struct badge_block *b, bool bold)
{
	for (size_t i = 0; i < b->n; i++)
		put_line(m, &b->line[i], b->size, bold);
}

static void put_description(struct markup *m, const struct award_face *face)
{
	markup_put(m, "<title>Badge: ");
	markup_text(m, face->title);
	markup_put(m, "</title>\n<desc>Micro-credential, issued by ");
	markup_text(m, face->issuer);
	markup_put(m, ", valid from ");
	markup_text(m, face->valid_from);
	if (*face->valid_until) {
		markup_put(m, " until ");
		markup_text(m, face->valid_until);
	}
	markup_put(m, ".</desc>\n");
}

static void put_disc(struct markup *m, const struct badge_layout *l)
{
	char dark[8], light[8];
	snprintf(dark, sizeof dark, "#%02x%02x%02x", l->dark.r, l->dark.g, l->dark.b);
	snprintf(light, sizeof light, "#%02x%02x%02x", l->light.r, l->light.g, l->light.b);
	markup_format(m, "<circle cx=\"%d\" cy=\"%d\" r=\"%d\" fill=\"%s\"/>\n", BADGE_MIDDLE, BADGE_MIDDLE,
		BADGE_OUTER, dark);
	markup_format(m,
		"<circle cx=\"%d\" cy=\"%d\" r=\"%d\" fill=\"none\" stroke=\"#ffffff\" stroke-width=\"%d\"/>\n",
		BADGE_MIDDLE, BADGE_MIDDLE, BADGE_RING, BADGE_RING_WIDTH);
	markup_format(m, "<circle cx=\"%d\" cy=\"%d\" r=\"%d\" fill=\"%s\"/>\n", BADGE_MIDDLE, BADGE_MIDDLE,
		BADGE_INNER, light);
	markup_format(m, "<circle cx=\"%d\" cy=\"%d\" r=\"%d\" fill=\"%s\"/>\n", BADGE_MIDDLE, BADGE_MARK_Y,
		BADGE_MARK_RADIUS, dark);
	markup_format(m,
		"<path d=\"M%d %dl10 11 20 -22\" fill=\"none\" stroke=\"#ffffff\" stroke-width=\"7\" "
		"stroke-linecap=\"round\" stroke-linejoin=\"round\"/>\n",
		BADGE_MIDDLE - 15, BADGE_MARK_Y + 2);
	markup_format(m, "<path d=\"M%d %dh%d\" stroke=\"%s\" stroke-width=\"3\"/>\n",
		BADGE_MIDDLE - BADGE_RULE_HALF, BADGE_RULE_TOP, 2 * BADGE_RULE_HALF, dark);
	markup_format(m, "<g fill=\"%s\" font-family=\"" FONTS "\">\n", dark);
}

enum err badge_svg(const struct award_face *face, struct buf *out)
{
	struct badge_layout l;
	struct markup m = {.out = out};
	struct badge_line kind = {.text = BADGE_KIND, .baseline = BADGE_KIND_BASELINE},
			  year = {.baseline = BADGE_YEAR_BASELINE};
	badge_layout(face, &l);
	memcpy(year.text, l.year, sizeof l.year);
	markup_format(&m,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %u %u\" width=\"%u\" height=\"%u\" role=\"img\">\n",
		BADGE_PIXELS, BADGE_PIXELS, BADGE_PIXELS, BADGE_PIXELS);
	put_description(&m, face);
	put_disc(&m, &l);
	put_line(&m, &kind, BADGE_KIND_SIZE, true);
	put_block(&m, &l.title, true);
	put_block(&m, &l.issuer, false);
	put_line(&m, &year, BADGE_YEAR_SIZE, true);
	markup_put(&m, "</g>\n</svg>\n");
	return m.err;
}
