/* beacons_int.h -- what the parts of beacons share: beacons.c (time, members), beacons_net.c (sockets, interfaces). */
#ifndef QUIRE_DAEMON_BEACONS_INT_H
#define QUIRE_DAEMON_BEACONS_INT_H

#include "beacon.h"
#include "beacons.h"

#include <netinet/in.h>

#define BEACONS_INTERFACES_MAX 16 /* of one family; the kernel joins no more than 20 groups with one socket */

/* One family: the socket, and the interfaces on which it hears. */
struct lan {
	uv_poll_t poll;
	int family, fd; /* fd -1: this system has none of the family */
	size_t interfaces_n;
	unsigned interfaces[BEACONS_INTERFACES_MAX];
	/* Beacons are sent here: */
	bool sends;
	bool bound; /* only on the interface that has this address */
	struct sockaddr_storage at;
};

/* ERR_BUSY, ERR_IO. */
MUST_CHECK enum err lan_open(struct lan *l, int family, uint16_t port);
void lan_close(struct lan *l);
/* Joins the group on interfaces that are new. */
void lan_join(struct lan *l);
void lan_send(struct lan *l, uint16_t port, const uint8_t beacon[BEACON_BYTES]);
/* The next datagram that was sent to the group; false: there is none. bytes has room for one byte more than a beacon. */
bool lan_receive(struct lan *l, uint8_t bytes[BEACON_BYTES + 1], size_t *n, struct sockaddr_storage *from);

#endif
