/* dial.h -- keeps a connection to every peer that has an address, with pauses that double from 1 s and are never the same. */
#ifndef QUIRE_DAEMON_DIAL_H
#define QUIRE_DAEMON_DIAL_H

#include "conn.h"
#include "node.h"

#define DIAL_PAUSE_MIN_MS 1000

struct dial;

/* Nothing is dialled before dial_again(). ERR_MEMORY. */
MUST_CHECK enum err dial_open(struct node *n, struct conn_set *set, struct dial **out);
/* The peers table may have changed: reads it again. */
void dial_again(struct dial *d);
void dial_heard(struct dial *d, const struct engine_event *ev);
/* Dials no more. Its connections are the set's to close; frees *d when the last attempt has ended, then calls closed. */
void dial_close(struct dial *d, void (*closed)(void *ctx), void *ctx);

#endif
