/* mesh.h -- many simulated nodes in a mesh: what a new entry costs each of them, how far it goes, and what the loss of nodes does. */
#ifndef QUIRE_SIM_MESH_H
#define QUIRE_SIM_MESH_H

#include "tools/sim/world.h"

#define MESH_WRITERS 4
#define MESH_ENTRIES 160 /* of one writer at most */
#define MESH_DEGREE_MAX 6

struct mesh_seen {
	uint16_t hops; /* 0: not there yet; the writer's own is 1 */
	uint32_t ms;
};

/* Large: not for the stack. */
struct mesh {
	struct world *world;
	size_t nodes, links, degrees[WORLD_NODES_MAX];
	struct world_person writers[MESH_WRITERS]; /* of the first nodes */
	uint64_t from[MESH_WRITERS]; /* seq of the first entry that is measured */
	uint64_t born_ms[MESH_WRITERS][MESH_ENTRIES];
	struct mesh_seen seen[WORLD_NODES_MAX][MESH_WRITERS][MESH_ENTRIES];
	uint64_t copies, copies_at[WORLD_NODES_MAX], prunes, grafts, row_bytes;
	struct world_node *never_prunes; /* or NULL */
};

/* Of what was written since mesh_measure, at the nodes that run. */
struct mesh_figures {
	uint64_t entries, missing, hops_max, ms_max;
	double copies; /* of an entry for each node */
	double row_bytes; /* for each entry and node */
};

/* In a world without nodes, whose watchers it becomes: nodes that all follow the writers, joined in a ring and at random, with trees that have
 * grown. *m is zeroed. A node that fails to start ends the program. */
void mesh_open(struct mesh *m, struct world *w, size_t nodes);
size_t mesh_number(const struct mesh *m, const struct world_node *n);
void mesh_write(struct mesh *m, int writer);
/* Each writer writes n entries, one every `ms`, all at once. */
void mesh_write_all(struct mesh *m, int n, uint64_t ms);
/* The same one behind the other and slowly: the trees grow. Two writers at once may each cut what the other needs, which a graft mends. */
void mesh_grow(struct mesh *m, int n);
/* So many nodes that run and do not write crash. */
void mesh_lose(struct mesh *m, size_t n);
/* Figures are about what comes from here on. */
void mesh_measure(struct mesh *m);
struct mesh_figures mesh_figures(const struct mesh *m);

#endif
