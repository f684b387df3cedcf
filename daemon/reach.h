/* reach.h -- single attempts to reach a member: at an address that was heard just now. The dialler keeps connections; this only begins them. */
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
/* Tries no more; frees *r when the last attempt has ended, then calls closed. */
void reach_close(struct reach *r, void (*closed)(void *ctx), void *ctx);

#endif
