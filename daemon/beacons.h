/* beacons.h -- sends beacons on the local networks and dials the members whose beacons it hears. SPEC.md section 19.4.
 *
 * Interfaces come and go: they are looked up again before each beacon. What is sent tells nobody but members who sends it. */
#ifndef QUIRE_DAEMON_BEACONS_H
#define QUIRE_DAEMON_BEACONS_H

#include "conn.h"
#include "node.h"
#include "reach.h"

#define BEACONS_WHY_BYTES 256

struct beacons;

/* listen: where this node takes connections, "0.0.0.0:7411"; "off" or a loopback address: it only hears. port: of UDP. Nothing is
 * heard or sent before beacons_ready(). reach must outlive it. ERR_BUSY: the port is another program's; ERR_IO, ERR_MEMORY. */
MUST_CHECK enum err beacons_open(struct node *n, struct conn_set *set, struct reach *reach,
	const char *listen, uint16_t port, char why[BEACONS_WHY_BYTES], struct beacons **out);
/* Also when the node joined a network: begins at once. */
void beacons_ready(struct beacons *b);
/* Frees *b. */
void beacons_close(struct beacons *b, void (*closed)(void *ctx), void *ctx);

#endif
