/* join.h -- redeems an invitation: its addresses one after the other. SPEC.md section 8.3. */
#ifndef QUIRE_DAEMON_JOIN_H
#define QUIRE_DAEMON_JOIN_H

#include "conn.h"
#include "node.h"
#include "protocol/log/invitation.h"

#define JOIN_ATTEMPT_MS 20000 /* for one address: connection, handshake and the answer */

struct joins;

typedef void (*join_done)(void *ctx, enum err e, const char *why, const struct engine_event *joined);

/* ERR_MEMORY. */
MUST_CHECK enum err joins_open(struct node *n, struct conn_set *set, struct joins **out);
/* As node_join in node.h. */
void joins_begin(struct joins *j, const struct invitation *inv, join_done done, void *ctx);
void joins_heard(struct joins *j, const struct engine_event *ev);
/* Those under way end with ERR_CLOSED; frees *j when they have, then calls closed. */
void joins_close(struct joins *j, void (*closed)(void *ctx), void *ctx);

#endif
