/* fork_int.h -- what fork.c (proofs: stored, told, heard of) and fork_find.c (our own search) share. SPEC.md sections 4.4 and 10.7. */
#ifndef QUIRE_FORK_INT_H
#define QUIRE_FORK_INT_H

#include "engine_int.h"

/* Two runs of headers, in the making: whoever holds it frees it. */
struct fork_proof {
	struct pull *p; /* NULL: unasked */
	struct engine_work *a, *b; /* verified, from the same seq; owned */
	struct id32 identity;
	bool found; /* by our own search */
};

void fork_proof_free(struct fork_proof *f);
/* Takes `f`: stores it, tells of it, and goes on with its pull. */
void fork_proof_store(struct engine *e, struct session *s, struct fork_proof *f);
/* Both runs hold; do they prove anything? */
bool fork_proves(const struct engine_work *a, const struct engine_work *b);
/* A run of headers alone, copied; `sig` may be empty. NULL: no memory. */
struct engine_work *fork_run(const struct id32 *log, const struct id32 *device_key, uint64_t first,
	struct slice headers, struct slice sig);
/* Keeps the verified work beyond its step. NULL: no memory. */
struct engine_work *fork_keep(struct engine_work *w);
/* No proof can be made, or a lower fork is proven; but a closing in force says which branch it is. SPEC 10.7: "moves its own entries aside" */
void fork_follow_closing(struct pull *p);

#endif
