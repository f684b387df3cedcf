/* seek_int.h -- the parts of seeking: seek.c (whom to ask, and when), seek_found.c (what comes of it), seek_serve.c (a peer's). SPEC.md section 10.10. */
#ifndef QUIRE_SEEK_INT_H
#define QUIRE_SEEK_INT_H

#include "engine_int.h"

#define SEEK_PEERS_MAX 32u /* asked before it rests */

struct seek {
	struct seek *next;
	struct entry_ref at;
	struct id32 identity, device_key;
	bool busy; /* a store or work request is under way */
	bool resting;
	uint64_t due_ms, pause_ms;
	conn_id conn; /* that has not answered; 0: none */
	size_t asked_n;
	struct id32 asked[SEEK_PEERS_MAX]; /* since it last began */
	/* an answer that is looked at */
	struct arena mem;
	const uint8_t *headers, *signature;
	size_t n;
	struct id32 last;
	struct store_part part;
};

struct seek *seek_find(struct engine *e, const struct entry_ref *at); /* NULL: it is not sought */
void seek_drop(struct engine *e, struct seek *k);
/* Where it lies here, and whether this node may have it. NULL: out of memory. */
struct store_req *seek_req(const struct entry_ref *at, const struct id32 *node);
/* Nobody is asked for a while, longer each time. */
void seek_rest(struct engine *e, struct seek *k);
/* Asks whoever is next, for each that is not waiting. */
void seek_pump(struct engine *e);

#endif
