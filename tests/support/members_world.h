/* members_world.h -- worlds of nodes that keep neighbours by themselves, for tests/sim. */
#ifndef QUIRE_TESTS_MEMBERS_WORLD_H
#define QUIRE_TESTS_MEMBERS_WORLD_H

#include "tests/support/world_fixture.h"
#include "tools/sim/disk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static bool parted; /* then only nodes of one half dial each other */

static inline bool up(const struct world_link *l)
{
	return l->open[0] && l->open[1] && !l->cut;
}

static inline struct world_link *link_between(const struct world_node *a, const struct world_node *b)
{
	for (size_t i = 0; i < world.links_n; i++) {
		struct world_link *l = &world.links[i];
		if (up(l) &&
			((l->nodes[0] == a && l->nodes[1] == b) || (l->nodes[0] == b && l->nodes[1] == a)))
			return l;
	}
	return NULL;
}

/* Virtual time passes, event or none. */
static inline void pass(uint64_t ms)
{
	uint64_t end = world.now_ms + ms;
	world_run(&world, ms);
	if (world.now_ms < end) {
		world.wall_s += (end - world.now_ms) / 1000;
		world.now_ms = end;
	}
}

/* Members all, each of whom knows how to reach one that came before it. */
static inline void newcomers(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		char name[16];
		snprintf(name, sizeof name, "n%u", i);
		world_node_new(&world, name);
	}
	for (unsigned i = 0; i < n; i++)
		world_admit_all(&world.nodes[i], world.nodes, n);
	for (unsigned i = 1; i < n; i++)
		world_introduce(&world.nodes[i], &world.nodes[world_random(&world, i)]);
}

static inline uint64_t length(struct world_node *n, const struct world_person *p)
{
	struct store_log l;
	return world_log(n, &p->log, &l) == OK ? l.length : 0;
}

static inline bool same_side(void *ctx, const struct world_node *a, const struct world_node *b)
{
	(void)ctx;
	return !parted || (a - world.nodes) % 2 == (b - world.nodes) % 2;
}

static inline int open_big_world(void **state)
{
	int e = open_world(state);
	world.disks = disks_new(world.seed); /* in memory: what is tested here is no disk */
	world.gossip = true;
	return e || !world.disks;
}

static inline int close_big_world(void **state)
{
	int e = close_world(state);
	disks_free(world.disks);
	return e;
}

static inline void knows_follows(
	struct world_node *n, const struct world_node *peer, const struct id32 *ids, size_t k)
{
	struct store_req q = {.op = STORE_PEER_FOLLOWS,
		.a.node = peer->key,
		.a.ids = ids,
		.a.n = k,
		.a.flag = true,
		.a.number = 1};
	struct store_res res;
	world_store(n, &q, &res);
	assert_int_equal(res.err, OK);
	store_res_free(&res);
}

static inline void part(void)
{
	parted = true;
	for (size_t i = 0; i < world.links_n; i++)
		if (up(&world.links[i]) && !same_side(NULL, world.links[i].nodes[0], world.links[i].nodes[1]))
			world_cut(&world.links[i]);
}

#define MEMBERS_TEST(f) cmocka_unit_test_setup_teardown(f, open_big_world, close_big_world)

#endif
