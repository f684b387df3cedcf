/* erasure.h -- erasure statements: 176 bytes in the place of a body. SPEC.md section 12. */
#ifndef QUIRE_ERASURE_H
#define QUIRE_ERASURE_H

#include "bytes.h"
#include "bounds.h"

enum erasure_reason { ERASURE_WISH, ERASURE_CONSENT, ERASURE_RETENTION, ERASURE_LAW, ERASURE_MISTAKE };
enum erasure_by { ERASURE_BY_OWNER, ERASURE_BY_CUSTODIAN };

struct erasure {
	uint8_t reason, by;
	struct entry_ref of;
	uint32_t hour;
	struct id32 generation;
};

void erasure_encode(
	const struct erasure *e, const uint8_t signing_secret[64], uint8_t out[LIMIT_ERASURE_BYTES]);
/* Form only. ERR_FORMAT, ERR_VERSION, ERR_RANGE. */
MUST_CHECK enum err erasure_decode(struct slice bytes, struct erasure *e);
/* The signature by the signing key of e->generation. ERR_SIGNATURE. */
MUST_CHECK enum err erasure_verify(struct slice bytes, const struct id32 *signing_key);

#endif
