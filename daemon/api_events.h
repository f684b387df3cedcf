/* api_events.h -- what happens on this node, for pages: server-sent events with ids, from a ring of the last 4,096. A client that comes
 * back with Last-Event-ID gets what it missed, or, if that is gone, one event "reset": load everything again. */
#ifndef QUIRE_API_EVENTS_H
#define QUIRE_API_EVENTS_H

#include "bytes.h"

#include <jansson.h>

#define EVENTS_RING 4096
#define EVENTS_HEARTBEAT_MS 15000
#define EVENTS_PROGRESS_MS 500 /* between two reports of progress on the same thing */

struct events;
struct node;
struct engine_event;

/* Listens to the node. NULL: out of memory. */
struct events *events_new(struct node *n);
/* Ends every stream; closed(ctx) from the loop. Events that still come are dropped. */
void events_close(struct events *ev, void (*closed)(void *ctx), void *ctx);
/* After the node has stopped. */
void events_free(struct events *ev);

/* One event of the daemon's own. Takes data, an object; name: lower-case words with dashes. Loop thread. */
void events_tell(struct events *ev, const char *name, json_t *data);

/* The JSON form of an engine event that a person may see; *name is its name. NULL: none, or out of memory. */
json_t *events_json(const struct engine_event *e, const char **name);

#endif
