/* notice.h -- word of an entry, sealed to the node of somebody who shall read it: form, sealing, opening. SPEC.md section 20.1. */
#ifndef QUIRE_NOTICE_H
#define QUIRE_NOTICE_H

#include "bounds.h"
#include "bytes.h"
#include "random.h"

struct notice {
	struct id32 to; /* an identity that the recipient's node hosts */
	struct id32 from; /* the owner of the log */
	struct entry_ref entry;
	struct id32 node; /* node key of a node that serves it */
	size_t addresses_n; /* at which it is dialled, perhaps */
	char addresses[LIMIT_ADDRESSES][LIMIT_ADDRESS_BYTES + 1];
};

/* H(`quire.notice`, expiry, bytes). */
struct id32 notice_id(uint32_t expires_hour, struct slice bytes);
/* May it be kept at this hour? It has not expired, and does not claim to live longer than it may. */
bool notice_is_current(uint64_t expires_hour, uint64_t hour);

/* Seals to the notice key of a hosting event, always to LIMIT_NOTICE_BYTES. Addresses that do not fit any more, or are not in the form of
 * section 8.3, are left out, the last ones first. About 70 us. ERR_DECRYPT: the key is none; ERR_RANGE: seq; ERR_MEMORY. */
MUST_CHECK enum err notice_seal(const struct notice *n, const struct id32 *notice_key,
	const struct random_source *rnd, uint8_t out[LIMIT_NOTICE_BYTES]);
/* About 30 us. ERR_NOT_FOUND: not for this key; ERR_FORMAT: for it, and malformed, or of a kind that this version does not know. */
MUST_CHECK enum err notice_open(struct slice bytes, const struct id32 *notice_key,
	const uint8_t notice_secret[32], struct notice *out);

#endif
