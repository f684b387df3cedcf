/* reach.h -- attempts to reach a member otherwise than at the addresses it tells: at one that was heard just now on the local network
 * (SPEC.md section 19.4), or through a relay (section 19.5). */
#ifndef QUIRE_DAEMON_REACH_H
#define QUIRE_DAEMON_REACH_H

#include "conn.h"
#include "node.h"

#define REACH_MAX 16 /* attempts under way; what is above is dropped */

struct reach;

/* ERR_MEMORY. */
MUST_CHECK enum err reach_open(struct node *n, struct conn_set *set, struct reach **out);
/* Dials node at an address of the local network, never through a proxy. Nothing happens if it is connected or being tried. */
void reach_at(struct reach *r, const struct id32 *node, const char *address);
/* Asks the relays (at most LIMIT_ADDRESSES) for the way to node, one after the other: the member's connection opens, or `failed` comes,
 * also from inside this call. False: it is being tried, or too much is. */
typedef void (*reach_failed)(void *ctx, const struct id32 *node);
MUST_CHECK bool reach_through(struct reach *r, const struct id32 *node, const struct id32 *relays, size_t n,
	reach_failed failed, void *ctx);
/* Takes up what relays offer. */
void reach_heard(struct reach *r, const struct engine_event *ev);
/* Tries no more; frees *r when the last attempt has ended, then calls closed. */
void reach_close(struct reach *r, void (*closed)(void *ctx), void *ctx);

#endif
