/* Nodes that find each other and keep connections by themselves. SPEC.md sections 19.1 and 19.2. */

#include "protocol/peer/message.h"
#include "tests/support/world_fixture.h"
#include "tools/sim/disk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define DEGREE_MAX 32 /* of nodes that follow nothing: 16, and what is new or about to go */

static bool up(const struct world_link *l)
{
	return l->open[0] && l->open[1] && !l->cut;
}

static unsigned degree(const struct world_node *n)
{
	unsigned k = 0;
	for (size_t i = 0; i < world.links_n; i++)
		k += up(&world.links[i]) && (world.links[i].nodes[0] == n || world.links[i].nodes[1] == n);
	return k;
}

__attribute__((unused)) static struct world_link *link_between(
	const struct world_node *a, const struct world_node *b)
{
	for (size_t i = 0; i < world.links_n; i++) {
		struct world_link *l = &world.links[i];
		if (up(l) &&
			((l->nodes[0] == a && l->nodes[1] == b) || (l->nodes[0] == b && l->nodes[1] == a)))
			return l;
	}
	return NULL;
}

/* How many live nodes can be reached from the first live one over connections. */
static size_t reached(void)
{
	bool seen[WORLD_NODES_MAX] = {false}, more = true;
	size_t n = 0;
	for (size_t i = 0; i < world.nodes_n && n == 0; i++)
		if (world.nodes[i].engine)
			n = seen[i] = true;
	while (more) {
		more = false;
		for (size_t i = 0; i < world.links_n; i++) {
			const struct world_link *l = &world.links[i];
			size_t a = (size_t)(l->nodes[0] - world.nodes),
			       b = (size_t)(l->nodes[1] - world.nodes);
			if (!up(l) || seen[a] == seen[b])
				continue;
			seen[a] = seen[b] = more = true;
			n++;
		}
	}
	return n;
}

static size_t alive(void)
{
	size_t n = 0;
	for (size_t i = 0; i < world.nodes_n; i++)
		n += world.nodes[i].engine != NULL;
	return n;
}

/* Virtual time passes, event or none. */
static void pass(uint64_t ms)
{
	uint64_t end = world.now_ms + ms;
	world_run(&world, ms);
	if (world.now_ms < end) {
		world.wall_s += (end - world.now_ms) / 1000;
		world.now_ms = end;
	}
}

/* Members all, each of whom knows how to reach one that came before it. */
static void newcomers(unsigned n)
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

static void print_degrees(const char *when)
{
	unsigned least = UINT32_MAX, most = 0, sum = 0;
	for (size_t i = 0; i < world.nodes_n; i++) {
		if (!world.nodes[i].engine)
			continue;
		unsigned d = degree(&world.nodes[i]);
		least = d < least ? d : least;
		most = d > most ? d : most;
		sum += d;
	}
	print_message("%s: %llu s, degrees %u to %u, %u on average; %llu dials, %llu in vain\n", when,
		(unsigned long long)world.now_ms / 1000, least, most, sum / (unsigned)alive(),
		(unsigned long long)world.dialled, (unsigned long long)world.unreached);
}

static void assert_mesh(const char *when)
{
	print_degrees(when);
	assert_int_equal(reached(), alive());
	for (size_t i = 0; i < world.nodes_n; i++)
		if (world.nodes[i].engine)
			assert_in_range(degree(&world.nodes[i]), 5, DEGREE_MAX);
}

static void nodes_that_know_one_other_each_become_one_mesh(void **state)
{
	(void)state;
	newcomers(64);
	pass(60000);
	assert_mesh("after a minute");
	pass(1800000);
	assert_mesh("after half an hour");
}

static int open_big_world(void **state)
{
	int e = open_world(state);
	world.disks = disks_new(world.seed); /* in memory: what is tested here is no disk */
	world.gossip = true;
	return e || !world.disks;
}

static int close_big_world(void **state)
{
	int e = close_world(state);
	disks_free(world.disks);
	return e;
}

#define MEMBERS_TEST(f) cmocka_unit_test_setup_teardown(f, open_big_world, close_big_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MEMBERS_TEST(nodes_that_know_one_other_each_become_one_mesh),
	};
	return cmocka_run_group_tests_name("members", tests, NULL, NULL);
}
