/* beacon.h -- the datagram by which members find each other on a local network: its bytes, and how much of what is heard is looked at.
 * SPEC.md section 19.4. Pure: no socket, no clock. What sends and hears them is beacons.h. */
#ifndef QUIRE_DAEMON_BEACON_H
#define QUIRE_DAEMON_BEACON_H

#include "bounds.h"
#include "bytes.h"

#define BEACON_BYTES 39u
#define BEACON_SALT_BYTES 16u
#define BEACON_MARK_BYTES 16u
#define BEACON_EVERY_MS 30000u
#define BEACON_SALT_MS 3600000u
#define BEACON_LOOKS_PER_S 20u
#define BEACON_DIAL_PAUSE_MS 30000u

struct beacon {
	uint16_t port; /* of TCP; never 0 */
	uint8_t salt[BEACON_SALT_BYTES], mark[BEACON_MARK_BYTES];
};

void beacon_write(uint16_t port, const uint8_t salt[BEACON_SALT_BYTES], const struct id32 *network,
	const struct id32 *node, uint8_t out[BEACON_BYTES]);
/* ERR_FORMAT: it is none. */
MUST_CHECK enum err beacon_read(struct slice datagram, struct beacon *out);
/* Did this node send it? */
bool beacon_is_from(const struct beacon *b, const struct id32 *network, const struct id32 *node);

/* How many datagrams may be looked at. A zeroed one is full. */
struct beacon_gate {
	uint64_t second_ms; /* when the present second began */
	unsigned looked;
};
/* May one more be looked at now? Counts it if so. */
bool beacon_gate_look(struct beacon_gate *g, uint64_t now_ms);

#endif
