/* sim.h -- one run of the simulator: a plan drawn from a seed, people and faults at random, healing, and what must hold then.
 *
 * The truth stands beside the nodes: who wrote, erased, follows; the invariants compare it with what the stores hold. */
#ifndef QUIRE_SIM_SIM_H
#define QUIRE_SIM_SIM_H

#include "tools/sim/disk.h"
#include "tools/sim/world.h"

#include <stdio.h>

enum sim_fault {
#define FAULT(name, word, most, text) FAULT_##name,
#include "tools/sim/faults.def"
	FAULTS_N
};
enum sim_invariant {
#define INVARIANT(name, word, text) MUST_##name,
#include "tools/sim/invariants.def"
	INVARIANTS_N
};
struct sim_word {
	const char *word, *text;
	unsigned most; /* of a fault */
};
extern const struct sim_word sim_faults[FAULTS_N], sim_invariants[INVARIANTS_N];

enum sim_plant {
	PLANT_NONE,
	PLANT_SYNC, /* a disk that does not sync */
	PLANT_ERASURE /* a store that forgets erasures */
};

#define SIM_ACTS_MAX 512
#define SIM_PEOPLE_MAX 24
#define SIM_DEVICES_MAX 12
#define SIM_LOGS_MAX 256
#define SIM_PENDING_MAX 8192
#define SIM_BLOBS_MAX 128
#define SIM_WINDOWS_MAX 64
#define SIM_TIDINGS_MAX 128

/* What a run is made from. The same plan gives the same run, byte for byte. */
struct sim_plan {
	uint64_t seed;
	unsigned nodes_max, acts_max; /* 0: as drawn */
	uint32_t without; /* bits: faults that do not happen */
	uint8_t skip[SIM_ACTS_MAX / 8]; /* bits: acts that do not happen */
	enum sim_plant plant; /* a bug to be caught */
	bool tell, tell_messages;
	FILE *out; /* where to; NULL: stdout */
	struct slice empty; /* an empty database, for each node to begin with; none: each makes its own */
};

/* What came of it. Plain data: it crosses from one process to another. */
struct sim_result {
	bool done; /* false: the process died on the way */
	bool broken;
	enum sim_invariant invariant; /* the first that was broken */
	char text[300];
	uint64_t hash; /* of all that happened */
	unsigned nodes, acts;
	uint64_t faults[FAULTS_N], invariants[INVARIANTS_N];
	uint64_t entries, gone, erased, blobs, devices, people, closed, forks, steps, messages;
	uint64_t reconciled; /* answers about ranges */
	uint64_t heal_ms; /* virtual, until all was one again */
	uint64_t virtual_ms;
	uint64_t memory_bytes, disk_bytes; /* the most that was seen; bytes of all nodes */
};

/* One run, in this process, in a new folder under dir. */
void sim_run(const struct sim_plan *plan, const char *dir, struct sim_result *out);

/* ---- inside ---- */

enum sim_role { ROLE_HONEST, ROLE_HOSTILE, ROLE_TWIN, ROLE_CLONE };

struct sim_device {
	int node, log;
	bool lost; /* needs another one */
	struct world_person person;
};

struct sim_person {
	struct id32 id;
	int home;
	bool hostile;
	size_t devices_n;
	struct sim_device devices[SIM_DEVICES_MAX];
};

struct sim_log {
	struct id32 log;
	int who, node;
	bool may_fork; /* its writer's disk was rolled back, or its writer is hostile */
	bool closed; /* by a closing that may stand before what was written */
	bool maybe_closed; /* the disk did not say whether it keeps that closing: then where the log ends at its own node is where it ends */
	size_t direct_n; /* nodes that alone may hold it */
	int direct[LIMIT_DIRECT];
	bool in_force; /* at the end */
};

struct sim_entry { /* acknowledged */
	int log;
	uint64_t seq;
	struct id32 id;
	bool erased, gone; /* gone: it was on one disk only, and that was destroyed */
};

struct sim_pending { /* a command without an answer yet */
	int node, log, who, device;
	uint64_t tag;
	bool erasure;
	struct id32 erased; /* the entry: a node that was rolled back may hold another one under its number */
};

struct sim_blob {
	struct id32 root;
	int log;
	uint64_t seq;
};

/* A notice that a node took on. */
struct sim_tiding {
	int who, node, to; /* of whom, from where, to where */
};

/* A link that is stopped until a time. */
struct sim_window {
	struct world_link *link;
	conn_id conn;
	int to;
	uint64_t until_ms;
};

struct sim_node {
	enum sim_role role;
	bool gone; /* for good */
	bool full, hurt; /* its disk refused something since its last start */
	bool older, newer; /* of another version: skew.c */
	bool old; /* it was rolled back or restored: it may find its logs old */
	uint32_t habits; /* of a hostile node: bits of faults */
	uint64_t number;
	int of; /* a twin or clone: of which node */
};

struct sim {
	const struct sim_plan *plan;
	struct sim_result *r;
	struct world w;
	uint64_t state; /* of the plan's and the acts' random stream; the world has its own */
	unsigned nodes, acts, people; /* as drawn */
	unsigned rate[FAULTS_N]; /* of a thousand acts; 0: off */
	unsigned habit_rate; /* of a thousand messages of a hostile node */
	bool has_tidings;
	uint64_t tidings_state; /* of a stream of its own */
	size_t tidings_n;
	struct sim_tiding tidings[SIM_TIDINGS_MAX];
	bool has_seeks;
	uint64_t seeks_state, seeks_n; /* of a stream of its own; how often something was sought */
	uint64_t skew_state; /* of another stream: who is of which version, and what he sends */
	bool healing, settled, clones; /* settled: all is one again, and soon quiet */
	struct sim_node n[WORLD_NODES_MAX];
	bool follows[WORLD_NODES_MAX][SIM_PEOPLE_MAX], followed[WORLD_NODES_MAX][SIM_PEOPLE_MAX];
	bool declined[WORLD_NODES_MAX][SIM_PEOPLE_MAX];
	size_t people_n, logs_n, entries_n, entries_cap, pending_n, blobs_n, windows_n;
	struct sim_person p[SIM_PEOPLE_MAX];
	struct sim_log logs[SIM_LOGS_MAX];
	struct sim_entry *entries;
	struct sim_pending pending[SIM_PENDING_MAX];
	struct sim_blob blobs[SIM_BLOBS_MAX];
	struct sim_window windows[SIM_WINDOWS_MAX];
	int side[WORLD_NODES_MAX]; /* of a partition */
	uint64_t parted_until_ms;
	int snapshot_of; /* node, or -1 */
	char snapshot[300];
	bool replaying; /* what a hostile node sends now is no original */
	struct buf last[8]; /* what hostile nodes sent last */
	uint8_t last_type[8];
	size_t last_n;
	uint64_t bytes_written; /* of bodies and blobs, by people */
};

uint64_t sim_chance(struct sim *s, uint64_t below);
/* The same from a stream of one's own, so that what draws from the main one is not moved. */
uint64_t sim_draw(uint64_t *stream, uint64_t below);
/* One line of the story; part of the hash. */
void sim_tell(struct sim *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sim_hash(struct sim *s, const void *p, size_t n);
/* Notes the first broken invariant, if good is false; counts the check. Gives good. */
bool sim_must(struct sim *s, bool good, enum sim_invariant what, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
const char *sim_name(const struct sim *s, int node);
static inline bool sim_up(const struct sim *s, int i)
{
	return s->w.nodes[i].engine != NULL;
}

/* empty.c: an empty database; the caller frees it. And as the one of a home that is not there yet. */
void sim_empty_make(const char *dir, struct buf *out);
void sim_empty_put(struct disks *d, struct slice empty, const char *home);

/* truth.c */
int sim_log_find(const struct sim *s, const struct id32 *log);
int sim_log_add(struct sim *s, const struct world_person *p, int who, int node);
void sim_pend(struct sim *s, struct sim_pending p);
void sim_heard(void *ctx, struct world_node *n, const struct engine_event *ev);
/* After each act: numbers, bounds. */
void sim_look(struct sim *s);
/* BODY_…, or 0: the entry (with that id, if not NULL) is not there. */
uint8_t sim_body_at(struct sim *s, int node, const struct id32 *log, uint64_t seq, const struct id32 *id);
/* Before a disk is destroyed: which entries and erasures will be nowhere? Called after it. */
void sim_forget_what_is_gone(struct sim *s);
bool sim_on_side_table(struct sim *s, int node, const struct id32 *identity, const struct id32 *entry);

/* people's acts: acts.c */
bool sim_person_new(struct sim *s, int node);
void sim_people_act(struct sim *s);
void sim_follow(struct sim *s, int node, int who, bool add);
/* At his home, so many entries before the last that is known there. */
void sim_close(struct sim *s, int who, struct sim_device *d, uint64_t before);

/* faults.c */
void sim_fault(struct sim *s, enum sim_fault f);
void sim_connect(struct sim *s, int a, int b);
bool sim_may_dial(void *ctx, const struct world_node *a, const struct world_node *b);
struct world_link *sim_link(struct sim *s, int a, int b);
void sim_crash(struct sim *s, int node);
bool sim_restart(struct sim *s, int node);
/* Opens what was stopped for long enough; all: everything. */
void sim_windows(struct sim *s, bool all);
/* The other end of one of the node's connections in the plan's graph; may be the same node: none. */
int sim_neighbour(struct sim *s, int node);

/* disasters.c: what happens to whole disks */
void sim_snapshot(struct sim *s, int node);
void sim_restore(struct sim *s, bool in_place);
void sim_clone(struct sim *s, int node);
void sim_twin(struct sim *s, int node);

/* hostile.c */
bool sim_meddle(void *ctx, struct world_link *l, int to, uint8_t *type, struct buf *body);

/* tidings.c */
void sim_tidings(struct sim *s);
void sim_tidings_act(struct sim *s);
void sim_tidings_look(struct sim *s, int node); /* after a start */
void sim_tidings_heard(struct sim *s, int node, const struct id32 *from); /* a guest */
bool sim_tidings_wait(
	const struct sim *s, int node, int who); /* one was sent there, and it has not declined him */
bool sim_tidings_came(struct sim *s, bool last);

/* seeks.c */
void sim_seeks(struct sim *s);
void sim_seeks_act(struct sim *s);
void sim_seeks_end(struct sim *s); /* once healed */

/* skew.c */
void sim_skew(struct sim *s); /* once the nodes are there: who is of another version? */
/* A message from or to a node of another version; it may be changed, and others sent. False: it is not sent. */
bool sim_skewed(struct sim *s, struct world_link *l, int to, uint8_t type, struct buf *body);

/* invariants.c */
/* All that must hold once healed; true: it does. The last time, what does not is noted. */
bool sim_converged(struct sim *s, bool last_time);
void sim_check_end(struct sim *s);
void sim_check_memory(struct sim *s);

#endif
