/* timeout: 600
 * A mesh of nodes: what one new entry costs, how far it goes, and what is repaired when nodes are lost. SPEC.md section 19.3.
 *
 * MESH_NODES=N for another size. */
#include "protocol/peer/message.h"
#include "tests/support/world_fixture.h"
#include "tools/sim/disk.h"
#include "tools/sim/mesh.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static struct mesh mesh;
static struct disks *mesh_disks;

static int open_mesh(void **state)
{
	const char *size = getenv("MESH_NODES"), *v = getenv("V");
	if (open_world(state) != 0)
		return -1;
	memset(&mesh, 0, sizeof mesh);
	mesh_disks = world.disks = disks_new(1);
	mesh_open(&mesh, &world, size ? strtoull(size, NULL, 10) : v && strstr(v, "san") ? 40 : 200);
	return 0;
}

static int close_mesh(void **state)
{
	int rc = close_world(state);
	disks_free(mesh_disks);
	return rc;
}

static struct mesh_figures figures(void)
{
	struct mesh_figures f = mesh_figures(&mesh);
	print_message(
		"%zu nodes, %llu entries: %.3f copies, %llu hops, %llu ms at most; %llu missing; %llu prunes, %llu grafts, "
		"%.0f bytes of rows for each entry and node\n",
		mesh.nodes, (unsigned long long)f.entries, f.copies, (unsigned long long)f.hops_max,
		(unsigned long long)f.ms_max, (unsigned long long)f.missing, (unsigned long long)mesh.prunes,
		(unsigned long long)mesh.grafts, f.row_bytes);
	return f;
}

/* ---- */

static void an_entry_goes_to_each_node_about_once(void **state)
{
	(void)state;
	mesh_measure(&mesh);
	mesh_write_all(&mesh, 10, 300); /* several are on their way at once */
	world_run(&world, 10000);
	struct mesh_figures f = figures();
	assert_int_equal(f.missing, 0);
	assert_true(f.copies <= 1.1);
	assert_true(f.hops_max <= 12);
}

static void who_never_prunes_pays_for_it_alone(void **state)
{
	uint64_t others = 0, places = 0;
	(void)state;
	mesh.never_prunes = &world.nodes[mesh.nodes / 2];
	for (uint64_t t = 0; t < 8; t++) /* and its links are all eager to begin with */
		for (size_t i = 0; i < world.links_n; i++)
			for (int k = 0; k < 2; k++)
				if (world.links[i].nodes[k] == mesh.never_prunes)
					world_send(&world.links[i], !k, MESSAGE_GRAFT,
						slice_of((uint8_t[]){0x91, (uint8_t)t}, 2));
	mesh_measure(&mesh);
	mesh_write_all(&mesh, 10, 500);
	world_run(&world, 5000);
	struct mesh_figures f = figures();
	assert_int_equal(f.missing, 0);
	for (size_t i = 0; i < mesh.nodes; i++)
		if (&world.nodes[i] != mesh.never_prunes)
			others += mesh.copies_at[i];
	places = f.entries * (mesh.nodes - 1) - f.entries; /* each writer has its own */
	assert_true((double)others / (double)places <= 1.1);
	size_t at = mesh_number(&mesh, mesh.never_prunes);
	assert_true(mesh.copies_at[at] > f.entries); /* it does pay */
	assert_true(mesh.copies_at[at] <= f.entries * (mesh.degrees[at] + 1));
}

static void what_lost_nodes_no_longer_pass_on_comes_another_way(void **state)
{
	(void)state;
	mesh.never_prunes = NULL;
	mesh_measure(&mesh);
	mesh_write_all(&mesh, 2, 100);
	for (int w = 0; w < MESH_WRITERS; w++)
		mesh_write(&mesh, w);
	world_run(&world, 30); /* on its way */
	mesh_lose(&mesh, mesh.nodes / 5);
	mesh_write_all(&mesh, 4, 500);
	world_run(&world, 8000);
	struct mesh_figures f = figures();
	assert_int_equal(f.missing, 0);
	assert_true(mesh.grafts > 0);
	mesh_grow(&mesh, 6);
	mesh_measure(&mesh);
	mesh_write_all(&mesh, 8, 500);
	world_run(&world, 5000);
	f = figures(); /* the trees are whole again: nobody waits for a lazy row */
	assert_int_equal(f.missing, 0);
	assert_true(f.copies <= 1.1);
	assert_true(f.ms_max < 1000);
}

/* A peer that turns a link to and fro as fast as it can. */
static void a_flood_of_grafts_and_prunes_changes_nothing_for_others(void **state)
{
	struct world_node *a = world_node_new(&world, "ann"), *b = world_node_new(&world, "ben"),
			  *c = world_node_new(&world, "cas");
	struct world_person p;
	struct store_log l;
	(void)state;
	memset(&mesh, 0, sizeof mesh);
	assert_int_equal(world_person_new(a, &p), OK);
	world_admit(a, b);
	world_admit(a, c);
	assert_int_equal(world_follow(b, &p.id), OK);
	assert_int_equal(world_follow(c, &p.id), OK);
	struct world_link *flood = world_connect(b, a), *other = world_connect(c, a);
	world_run(&world, 3000);
	uint64_t flood_before = flood->delivered, other_before = other->delivered;
	for (int i = 0; i < 20000; i++)
		world_send(flood, 1, i % 2 ? MESSAGE_GRAFT : MESSAGE_PRUNE,
			slice_of((uint8_t[]){0x91, (uint8_t)(i / 2 % 8)}, 2));
	for (int i = 0; i < 20; i++)
		assert_int_equal(world_append(a, &p, 100).err, OK);
	world_run(&world, 0); /* no time passes */
	assert_int_equal(world_log(c, &p.log, &l), OK);
	assert_int_equal(l.length, 21);
	world_run(&world, 3000);
	assert_int_equal(world_log(b, &p.log, &l), OK);
	assert_int_equal(l.length, 21);
	assert_true(flood->open[0] && other->delivered - other_before < 60);
	assert_true(flood->delivered - flood_before <
		20000 + 100); /* what was sent, and no more than others get */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_entry_goes_to_each_node_about_once),
		cmocka_unit_test(who_never_prunes_pays_for_it_alone),
		cmocka_unit_test(what_lost_nodes_no_longer_pass_on_comes_another_way),
	};
	const struct CMUnitTest small[] = {
		WORLD_TEST(a_flood_of_grafts_and_prunes_changes_nothing_for_others),
	};
	int failed = cmocka_run_group_tests(small, NULL, NULL);
	return failed + cmocka_run_group_tests(tests, open_mesh, close_mesh);
}
