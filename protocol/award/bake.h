/* bake.h -- credentials in pictures: PNG (an iTXt chunk) and SVG (an element). Open Badges 3.0 section 5.3, SPEC.md section 17.7. Pure.
 *
 * PNG: chunk iTXt, keyword `openbadgecredential`, not compressed, once, before IDAT; the proof bundle in a second one, keyword `quirebundle`.
 * SVG: <openbadges:credential xmlns:openbadges="https://purl.imsglobal.org/ob/v3p0"> with CDATA behind the opening tag of <svg>; the bundle in <quire:bundle xmlns:quire="urn:quire:bundle">. */
#ifndef QUIRE_AWARD_BAKE_H
#define QUIRE_AWARD_BAKE_H

#include "bytes.h"

#define BAKE_PICTURE_MAX (32u << 20)
#define BAKE_TEXT_MAX (8u << 20)

bool bake_is_png(struct slice file);
bool bake_is_svg(struct slice file); /* text whose first element is svg */

/* Appends the picture with the credential, and the bundle if it is not empty; what was baked before is replaced.
 * ERR_FORMAT: not a sound PNG or SVG; ERR_LIMIT; ERR_INPUT: text with NUL; ERR_MEMORY. */
MUST_CHECK enum err bake_png(
	struct slice picture, struct slice credential, struct slice bundle, struct buf *out);
MUST_CHECK enum err bake_svg(
	struct slice picture, struct slice credential, struct slice bundle, struct buf *out);

/* Appends what is baked in. *has_bundle: there is one. A credential as a JWT is given as it is, the text of <openbadges:credential verify="…">.
 * ERR_NOT_FOUND: none baked in; ERR_FORMAT: damaged (chunk lengths, CRC, more than one); ERR_REFUSED: compressed; ERR_LIMIT; ERR_MEMORY. */
MUST_CHECK enum err bake_read(
	struct slice picture, struct buf *credential, struct buf *bundle, bool *has_bundle);

#endif
