/* sources.h -- which of the identities followed here no connected node follows: what is new there does not come now. SPEC.md section 19.1. */
#ifndef QUIRE_DAEMON_SOURCES_H
#define QUIRE_DAEMON_SOURCES_H

#include "desk.h"

#include <jansson.h>

#define SOURCES_NAMED 20 /* in the answer; the count is of all */
#define SOURCES_WORDS_BYTES 512

/* Identities hosted here are left out. *lacking: {"count", "items": [{"id", "name"}]}, given; words: one sentence, empty if nothing lacks. info: of
 * node_peers(). ERR_MEMORY, and what the store says; then *lacking is NULL. */
MUST_CHECK enum err sources_lacking(struct desk *d, const struct engine_peer_info *info, size_t n,
	json_t **lacking, char words[SOURCES_WORDS_BYTES]);

#endif
