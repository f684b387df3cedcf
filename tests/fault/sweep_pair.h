/* sweep_pair.h -- ann and ben, who follows her person, and in some jobs cas beside them: for sweeps of what goes from node to node. */
#ifndef QUIRE_TESTS_SWEEP_PAIR_H
#define QUIRE_TESTS_SWEEP_PAIR_H

#include "tests/fault/sweep.h"

static inline void two_nodes(void)
{
	sw.ann = world_node_new(&sw.w, "ann");
	sw.ben = world_node_new(&sw.w, "ben");
	world_admit(sw.ann, sw.ben);
	if (world_person_new(sw.ann, &sw.person) != OK || world_follow(sw.ben, &sw.person.id) != OK)
		abort();
}

static inline void connect_two(struct world_node *a, struct world_node *b)
{
	for (size_t i = 0; i < sw.w.links_n; i++) {
		struct world_link *l = &sw.w.links[i];
		bool theirs = (l->nodes[0] == a && l->nodes[1] == b) ||
			(l->nodes[0] == b && l->nodes[1] == a);
		if (theirs && l->open[0] && l->open[1] && !l->cut)
			return;
		if (theirs && (l->open[0] || l->open[1]))
			world_cut(l);
	}
	if (a->engine && b->engine)
		world_connect(a, b);
}

/* They know each other, and all there is. */
static inline void meet(struct world_node *a, struct world_node *b)
{
	connect_two(a, b);
	world_run(&sw.w, 20000);
}

static inline void part_all(void)
{
	for (size_t i = 0; i < sw.w.links_n; i++)
		if (sw.w.links[i].open[0] || sw.w.links[i].open[1])
			world_cut(&sw.w.links[i]);
}

static inline void run_pair(void)
{
	start_all();
	for (size_t i = 0; i < sw.w.nodes_n; i++)
		for (size_t k = 0; k < i; k++)
			connect_two(&sw.w.nodes[i], &sw.w.nodes[k]);
	pass(20000);
}

static inline bool done_sync(void)
{
	struct store_log a, b;
	return sw.ann->store && sw.ben->store && world_log(sw.ann, &sw.person.log, &a) == OK &&
		world_log(sw.ben, &sw.person.log, &b) == OK && a.end == b.end &&
		id32_equal(&a.last, &b.last) && id32_equal(&a.erased_sum, &b.erased_sum) && b.gaps == 0;
}

#endif
