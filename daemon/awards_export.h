/* awards_export.h -- an award as a file: credential, proof bundle, pictures, a page. SPEC.md sections 17.7 and 18. On a pool thread, within catalogue_ask. */
#ifndef QUIRE_DAEMON_AWARDS_EXPORT_H
#define QUIRE_DAEMON_AWARDS_EXPORT_H

#include "awards.h"
#include "identities.h"

#include <stdio.h>

#define AWARDS_SAYS_BYTES 512u

enum award_format { AWARD_BUNDLE, AWARD_JSON, AWARD_PNG, AWARD_SVG, AWARD_HTML };

struct award_export {
	enum award_format format;
	struct buf file;
	const char *type; /* media type */
	char name[80]; /* proposed for the file: "badge-1234abcd.png" */
	char says
		[AWARDS_SAYS_BYTES]; /* one line: what `quire verify` will say of it; nothing of a peer's is in it */
};

/* "bundle", "json", "png", "svg", "html"; false: another. */
bool awards_export_format(const char *name, enum award_format *format);
/* Fills all but the format. What is missing does not keep it from being written: `says` tells. Said: ERR_LIMIT: too large; ERR_FORMAT: its credential cannot be read. */
MUST_CHECK enum err awards_export(struct catalogue *c, const struct award_look *l, struct award_export *x);
void awards_export_free(struct award_export *x); /* NULL is fine */

/* ---- parts */

/* Appends the proof bundle: what SPEC 18 lists, as far as the session can open it. */
MUST_CHECK enum err awards_bundle(
	struct catalogue *c, const struct award_look *l, const json_t *credential, struct buf *out);

/* What pictures and pages show; texts are cleaned, and never empty but for those that may be. */
struct award_face {
	char title[512], issuer[512], competency[2048];
	char id[AWARD_URN_BYTES * 2]; /* of the credential */
	char issuer_did[DID_BYTES], earner_did[DID_BYTES]; /* as the credential names them */
	char valid_from[40], valid_until[40]; /* until: may be empty */
	uint8_t definition[32]; /* its entry id: the colour comes from it */
};
/* Appends one self-contained page. details: what awards_item and awards_detail made; bundle: offered as a download unless it is long. */
MUST_CHECK enum err award_page(const struct award_face *face, const json_t *details, struct slice picture,
	struct slice bundle, struct buf *out);

#endif
