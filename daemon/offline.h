/* offline.h -- a desk without a daemon: it drives a store and an engine by itself, in the caller's thread. desk.h. */
#ifndef QUIRE_DAEMON_OFFLINE_H
#define QUIRE_DAEMON_OFFLINE_H

#include "desk.h"

struct offline;

/* The home's lock is the caller's. keys are borrowed. why: on error. ERR_NEWER, ERR_CORRUPT, ERR_NOT_FOUND …: as store_open. */
MUST_CHECK enum err offline_open(const char *home, bool create, const struct node_keys *keys,
	const struct id32 *network, struct offline **out, char why[256]);
void offline_close(struct offline *o); /* NULL is fine */
struct desk *offline_desk(struct offline *o);
/* The engine belongs to this network from now on. */
MUST_CHECK enum err offline_network(struct offline *o, const struct id32 *network);

#endif
