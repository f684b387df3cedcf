/* world_fixture.h -- a world for each test, in a folder of its own, from QUIRE_SEED or 1. Included by one test program each. */
#ifndef QUIRE_TESTS_WORLD_FIXTURE_H
#define QUIRE_TESTS_WORLD_FIXTURE_H

#include "tests/support/files.h"
#include "tools/sim/disk.h"
#include "tools/sim/world.h"

#include <stdio.h>
#include <stdlib.h>

static struct world world;

static inline int open_world(void **state)
{
	char dir[256];
	const char *seed = getenv("QUIRE_SEED"), *tmp = getenv("TMPDIR");
	(void)state;
	snprintf(dir, sizeof dir, "%s/quire-sim-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(dir))
		return -1;
	world_init(&world, seed ? strtoull(seed, NULL, 10) : 1, dir);
	return 0;
}

static inline int close_world(void **state)
{
	(void)state;
	world_deinit(&world);
	return remove_tree(world.dir);
}

/* A test of a table, in a world of its own. */
#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)

/* Disks that wait for nothing, and may be full. */
static inline int open_world_on_disks(void **state)
{
	int rc = open_world(state);
	world.disks = disks_new(world.seed);
	return rc == 0 && world.disks ? 0 : -1;
}

static inline int close_world_on_disks(void **state)
{
	struct disks *d = world.disks;
	int rc = close_world(state);
	disks_free(d);
	return rc;
}

#define WORLD_DISKS_TEST(f) cmocka_unit_test_setup_teardown(f, open_world_on_disks, close_world_on_disks)

#endif
