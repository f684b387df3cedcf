/* many.h -- many runs, each in a process of its own, so that a crash or a leak of one is a finding and no more; and shrinking. */
#ifndef QUIRE_SIM_MANY_H
#define QUIRE_SIM_MANY_H

#include "tools/sim/sim.h"

struct sim_totals {
	uint64_t seeds, broken, died;
	struct sim_result sum;
	uint64_t sizes[3]; /* seeds with up to 8 nodes, with up to 40, with more */
	uint64_t heal_ms_max, memory_max;
	uint64_t reconciled_seeds; /* in which two nodes compared what they have */
	uint64_t first_broken; /* a seed, where broken or died is not 0 */
};

/* One run in a child process. *why: its exit status or signal, where out->done is false. */
void sim_run_apart(const struct sim_plan *plan, struct sim_result *out, int *why);
/* Seeds first … first + count - 1, `jobs` at a time. Says on stderr which failed. stop: at the first that fails. */
void sim_many(const struct sim_plan *plan, uint64_t first, uint64_t count, unsigned jobs, bool stop,
	struct sim_totals *t);
void sim_totals_print(const struct sim_totals *t);
/* The smallest plan found that still breaks the same invariant (or dies); most: runs that it may take. */
void sim_shrink(struct sim_plan *plan, const struct sim_result *failed, unsigned most);
/* The options of the command that give this plan. */
void sim_plan_print(const struct sim_plan *plan);

#endif
