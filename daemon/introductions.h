/* introductions.h -- who waits to be admitted to the network, how far this node belongs to it, and what people are told of both. SPEC.md sections 8.2
 * and 8.4. On a desk. */
#ifndef QUIRE_DAEMON_INTRODUCTIONS_H
#define QUIRE_DAEMON_INTRODUCTIONS_H

#include "desk.h"

#include <jansson.h>

#define INTRODUCTIONS_WORDS_BYTES 1024

/* Whether the network is owned here: a hosting event in force of its identity names this node. False: no network, or another node's. */
MUST_CHECK enum err introductions_owned(struct desk *d, bool *owned);
/* Appends each that waits to items, as {"node", "name", "origin": "waiting", "connected": false, "introduced_by": {"node", "name"}, "since"}; refused ones not.
 * *n: how many. words (may be NULL): who waits, and what to type; empty if nobody does. ERR_MEMORY, and what the store says. */
MUST_CHECK enum err introductions_list(
	struct desk *d, json_t *items, uint64_t *n, char words[INTRODUCTIONS_WORDS_BYTES]);
/* {"node", "name"} of a node that is known here. */
json_t *introductions_node_json(struct desk *d, const struct id32 *node);
/* One sentence on what this node is in its network, empty without one. *admitted: by the network's log. The same errors. */
MUST_CHECK enum err introductions_membership(
	struct desk *d, bool *admitted, char words[INTRODUCTIONS_WORDS_BYTES]);

#endif
