/* mesh.c -- `quire-bench mesh`: a mesh of simulated nodes, as many as --entries says: copies of an entry, hops, the loss of a fifth of them.
 * The bare limit is a copy a node; beside it what flooding would take on the same links. */
#include "tools/bench/bench.h"
#include "tools/sim/disk.h"
#include "tools/sim/mesh.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

/* Every node sends on what it gets, to all but whom it came from. */
static double flood_copies(const struct mesh *m)
{
	double others = (double)m->nodes - 1;
	return (2 * (double)m->links - others) / others;
}

static void run(struct bench_report *r, struct world *w, struct mesh *m, size_t nodes)
{
	double cpu_s = bench_cpu_s();
	mesh_open(m, w, nodes);
	mesh_measure(m);
	mesh_write_all(m, 3, 300); /* several are on their way at once */
	world_run(w, 10000);
	struct mesh_figures f = mesh_figures(m);
	bench_add(r, "copies", "of an entry, for each node", f.copies);
	bench_add(r, "flood_copies", "if each node sent all on", flood_copies(m));
	bench_add(r, "hops", "at most", (double)f.hops_max);
	bench_add(r, "ms_most", "ms of virtual time, at 10 to 50 ms a hop", (double)f.ms_max);
	bench_add(r, "row_bytes", "bytes of rows for each entry and node", f.row_bytes);
	bench_add(r, "missing", "entries that did not come to a node", (double)f.missing);
	mesh_measure(m);
	for (int i = 0; i < MESH_WRITERS; i++)
		mesh_write(m, i);
	world_run(w, 30); /* on its way */
	mesh_lose(m, nodes / 5);
	mesh_write_all(m, 1, 500);
	world_run(w, 8000);
	f = mesh_figures(m);
	bench_add(r, "missing_after_loss", "entries that did not come to a node that is left",
		(double)f.missing);
	bench_add(r, "loss_ms_most", "ms of virtual time until all was mended", (double)f.ms_max);
	bench_add(r, "cpu_s", "s", bench_cpu_s() - cpu_s);
}

int mesh_main(struct bench_options *o)
{
	struct bench_report *r = bench_memory(sizeof *r);
	r->name = "mesh";
	if (o->entries < 20 || o->entries > WORLD_NODES_MAX)
		bench_fail("--entries", "a mesh has 20 to 1024 nodes");
	for (uint64_t i = 0; i < o->runs; i++) {
		/* Databases are in memory, and nothing here is about the disk: the folders are too, where that can be. */
		char dir[] = "/dev/shm/quire-bench.XXXXXX";
		struct world *w = bench_memory(sizeof *w);
		struct mesh *m = bench_memory(sizeof *m);
		const char *at = mkdtemp(dir) ? dir : o->dir;
		world_init(w, i + 1, at);
		w->disks = disks_new(1);
		struct disks *disks = w->disks;
		run(r, w, m, (size_t)o->entries);
		world_deinit(w);
		disks_free(disks);
		if (at == dir)
			bench_remove(dir);
		free(m);
		free(w);
	}
	bench_print(r, o);
	free(r);
	return 0;
}
