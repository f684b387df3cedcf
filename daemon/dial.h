/* dial.h -- carries out the engine's wish to reach a node: all addresses that the peers table has of it, one after the other, once.
 * Whom to dial and when is the engine's choice (SPEC 19.1). */
#ifndef QUIRE_DAEMON_DIAL_H
#define QUIRE_DAEMON_DIAL_H

#include "conn.h"
#include "node.h"

struct dial;

/* None of the addresses led to the node, or none is known; relays: through which it may still be reached. */
typedef void (*dial_unreached)(
	void *ctx, const struct id32 *node, const struct id32 *relays, size_t relays_n);

/* ERR_MEMORY. */
MUST_CHECK enum err dial_open(
	struct node *n, struct conn_set *set, dial_unreached unreached, void *ctx, struct dial **out);
/* Tries to reach the node; then either a connection is opened to it, or `unreached` comes, never from inside this call. */
void dial_node(struct dial *d, const struct id32 *node);
/* This connection's handshake is complete. */
void dial_opened(struct dial *d, conn_id conn);
/* Dials no more. Its connections are the set's to close; frees *d when the last attempt has ended, then calls closed. */
void dial_close(struct dial *d, void (*closed)(void *ctx), void *ctx);

#endif
