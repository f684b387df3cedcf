/* invitation.h -- the one string that admits a node. SPEC.md section 8.3. */
#ifndef QUIRE_INVITATION_H
#define QUIRE_INVITATION_H

#include "bytes.h"
#include "bounds.h"

#define INVITATION_TEXT_BYTES 640 /* with NUL; more than any invitation needs */

struct invitation {
	struct id32 node, network;
	uint8_t secret[16];
	uint32_t expires_hour;
	size_t addresses_n; /* 1..4 */
	char addresses[LIMIT_ADDRESSES][LIMIT_ADDRESS_BYTES + 1];
};

/* host:port or [ipv6]:port, ASCII, port 1..65535. */
bool invitation_address_ok(struct slice address);
/* ERR_LIMIT: addresses. */
MUST_CHECK enum err invitation_encode(const struct invitation *inv, char out[INVITATION_TEXT_BYTES]);
/* Ignores case, and white space around. ERR_FORMAT: not an invitation; ERR_HASH: altered or cut; ERR_VERSION; ERR_RANGE. */
MUST_CHECK enum err invitation_decode(const char *text, struct invitation *inv);
struct id32 invitation_secret_hash(const uint8_t secret[16]);

#endif
