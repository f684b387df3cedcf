/* badge_layout.h -- where the words of a badge stand: one plan, drawn by badge_svg.c and badge_png.c. Pure, deterministic.
 *
 * Widths are those of a wide sans-serif face (DejaVu Sans Bold), so that what fits here fits in whatever font a reader has. */
#ifndef QUIRE_DAEMON_BADGE_LAYOUT_H
#define QUIRE_DAEMON_BADGE_LAYOUT_H

#include "awards_export.h"

#define BADGE_LINES_MAX 6u
#define BADGE_LINE_BYTES 224u

struct badge_line {
	char text[BADGE_LINE_BYTES];
	unsigned baseline; /* pixels from above */
	double width; /* estimated, in pixels */
};

struct badge_block {
	size_t n;
	struct badge_line line[BADGE_LINES_MAX];
	unsigned size; /* of the font, in pixels */
};

struct badge_colour {
	uint8_t r, g, b;
};

struct badge_layout {
	struct badge_block title, issuer;
	char year[8];
	struct badge_colour dark,
		light; /* dark on white, white on dark and dark on light have a contrast of 4.5 : 1 or more */
};

/* The circles, from the middle of BADGE_PIXELS, and the lines that stand in the same place on each badge. */
enum {
	BADGE_MIDDLE = 300,
	BADGE_OUTER = 294,
	BADGE_RING = 280, /* white, BADGE_RING_WIDTH wide */
	BADGE_RING_WIDTH = 5,
	BADGE_INNER = 262,
	BADGE_KIND_BASELINE = 172,
	BADGE_KIND_SIZE = 24,
	BADGE_RULE_TOP = 418,
	BADGE_RULE_HALF = 60,
	BADGE_YEAR_BASELINE = 528,
	BADGE_YEAR_SIZE = 24,
	BADGE_MARK_Y = 98,
	BADGE_MARK_RADIUS = 34,
	BADGE_STAND_IN_RADIUS = 84 /* in the place of a title that cannot be written */
};
#define BADGE_KIND "MICRO-CREDENTIAL"

void badge_layout(const struct award_face *face, struct badge_layout *out);
/* The code point at s, and how many bytes it has; U+FFFD and 1 where there is none. */
unsigned badge_code_point(const char *s, size_t *n);

#endif
