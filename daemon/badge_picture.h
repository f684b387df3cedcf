/* badge_picture.h -- what a badge looks like: a drawing of our own, as SVG and as PNG. Deterministic. Pure but for the font file. Any thread. */
#ifndef QUIRE_DAEMON_BADGE_PICTURE_H
#define QUIRE_DAEMON_BADGE_PICTURE_H

#include "awards_export.h"

#define BADGE_PIXELS 600u

/* Appends the drawing: real text in the reader's own fonts, with title and description for screen readers. ERR_MEMORY. */
MUST_CHECK enum err badge_svg(const struct award_face *face, struct buf *out);
/* Appends the same as 600 × 600 pixels. Text that the font cannot write (SVG leaves that to the reader's machine) is left out, and stands in the picture's description alone.
 * ERR_MEMORY. */
MUST_CHECK enum err badge_png(const struct award_face *face, struct buf *out);

#endif
