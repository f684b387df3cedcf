/* world_int.h -- what the parts of a world share. world.c: nodes, links, what engines ask for. world_step.c: what waits, and time. */
#ifndef QUIRE_SIM_WORLD_INT_H
#define QUIRE_SIM_WORLD_INT_H

#include "tools/sim/world.h"

#include <stdio.h>

struct world_input {
	struct world_input *next;
	struct store_req *req; /* of the store */
	struct store_res *res; /* NULL: not executed yet */
	uint64_t number; /* the store's last number when it was executed, if somebody looks on */
	struct engine_work *work;
};

struct world_message {
	struct world_message *next;
	uint8_t type;
	bool bulk;
	struct buf body;
	bool bye; /* after it the connection ends */
	uint64_t due_ms, nth;
	bool late; /* its sender hears on arrival that it was written: `bytes` */
	size_t bytes;
};

static inline void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "sim: %s\n", what);
	abort();
}

/* An engine takes an input, and what it asks for is done or begun. */
void world_feed(struct world_node *n, struct engine_in *in);
void world_input_free(struct world_input *i);
void world_tell_watcher(struct world_node *n, const struct world_input *i);
/* What the engine was told too early is committed now. */
void world_commit_owed(struct world_node *n);

#endif
