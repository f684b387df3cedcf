/* addresses.c -- where nodes of the small world can be reached, and who knows it. */
#include "tools/sim/world.h"

#include <stdio.h>

void world_address(const struct world_node *n, char out[LIMIT_ADDRESS_BYTES + 1])
{
	snprintf(out, LIMIT_ADDRESS_BYTES + 1, "%s:7411", n->name);
}

static bool answers_at(const struct world_node *t, const char *address, const struct id32 *key)
{
	char own[LIMIT_ADDRESS_BYTES + 1];
	world_address(t, own);
	return t->engine && t->ready && strcmp(own, address) == 0 && id32_equal(&t->key, key);
}

struct world_node *world_reached(struct world_node *n, const struct id32 *key)
{
	struct world *w = n->world;
	struct store_req q = {.op = STORE_PEER_GET, .a.node = *key};
	struct store_res res;
	struct world_node *found = NULL;
	world_store(n, &q, &res);
	const struct store_peer *p = res.err == OK ? res.r.peers : NULL;
	for (size_t i = 0; p && !found && i < p->addresses_n + p->heard_n; i++)
		for (size_t k = 0; k < w->nodes_n && !found; k++)
			if (&w->nodes[k] != n &&
				answers_at(&w->nodes[k],
					i < p->addresses_n ? p->addresses[i] : p->heard[i - p->addresses_n],
					key) &&
				(!w->may_dial || w->may_dial(w->watcher, n, &w->nodes[k])))
				found = &w->nodes[k];
	store_res_free(&res);
	return found;
}
