/* power_cut.h -- rounds of: a child appends to a store under the shim that loses what was not synced, says what was acknowledged, and is killed. */
#ifndef QUIRE_TEST_POWER_CUT_H
#define QUIRE_TEST_POWER_CUT_H

#include <stdbool.h>
#include <stdint.h>

struct power_cut {
	uint64_t acknowledged; /* entries, over all rounds */
	uint64_t lost; /* of them */
	unsigned damaged; /* rounds after which the database did not open, or its check found something */
};

/* The program calls itself: main() hands over here first. True: this was the child, and it is done. */
bool power_cut_child(int argc, char **argv);

/* One home for all rounds. torn: 0, or a seed: sectors that were not synced reach the disk at random. */
struct power_cut power_cut_run(unsigned rounds, uint64_t torn, uint64_t seed);

#endif
