/* sweep_pair.h -- ann and ben, who follows her person: for sweeps of what goes from node to node. */
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

static inline void connect_them(void)
{
	for (size_t i = 0; i < sw.w.links_n; i++)
		if (sw.w.links[i].open[0] && sw.w.links[i].open[1] && !sw.w.links[i].cut)
			return;
	for (size_t i = 0; i < sw.w.links_n; i++)
		if (sw.w.links[i].open[0] || sw.w.links[i].open[1])
			world_cut(&sw.w.links[i]);
	if (sw.ann->engine && sw.ben->engine)
		world_connect(sw.ben, sw.ann);
}

static inline void run_pair(void)
{
	start_down(sw.ann);
	start_down(sw.ben);
	if (sw.ann->engine && sw.ben->engine)
		connect_them();
	world_run(&sw.w, 20000);
}

static inline bool done_sync(void)
{
	struct store_log a, b;
	return sw.ann->store && sw.ben->store && world_log(sw.ann, &sw.person.log, &a) == OK &&
		world_log(sw.ben, &sw.person.log, &b) == OK && a.end == b.end &&
		id32_equal(&a.last, &b.last) && id32_equal(&a.erased_sum, &b.erased_sum) && b.gaps == 0;
}

#endif
