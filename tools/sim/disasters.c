/* disasters.c -- what happens to whole disks: backups restored, disks rolled back in place, homes copied; and a hostile writer's twin. */
#include "tools/sim/sim.h"

#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "quire-sim: %s\n", what);
	abort();
}

static void copy_file(struct disks *d, const char *from, const char *to)
{
	char bytes[65536];
	FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
	size_t n;
	must(in && out, "a file is not copied");
	while ((n = fread(bytes, 1, sizeof bytes, in)) > 0)
		must(fwrite(bytes, 1, n, out) == n, "a file is not copied");
	fclose(in);
	must(fclose(out) == 0, "a file is not copied");
	disk_file_copied(d, from, to);
}

static struct disks *copy_disks;
static const char *copy_from, *copy_to;

static int copy_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	char to[2048];
	(void)st, (void)at;
	snprintf(to, sizeof to, "%s%s", copy_to, path + strlen(copy_from));
	if (flag == FTW_D)
		return mkdir(to, 0700);
	if (flag == FTW_F)
		copy_file(copy_disks, path, to);
	return 0;
}

static void copy_home(struct disks *d, const char *from, const char *to)
{
	copy_disks = d;
	copy_from = from;
	copy_to = to;
	must(nftw(from, copy_one, 16, FTW_PHYS) == 0, "a folder is not copied");
}

static int drop(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	(void)st, (void)flag, (void)at;
	return remove(path);
}

static void remove_home(const char *dir)
{
	must(nftw(dir, drop, 16, FTW_DEPTH | FTW_PHYS) == 0, "a folder does not go");
}

/* The files of one home over those of another, in place: their inodes stay. */
static void overwrite_home(struct disks *d, const char *from, const char *to)
{
	static const char *const names[] = {"quire.db", "quire.db-wal", "instance"};
	char a[700], b[700];
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(a, sizeof a, "%s/%s", from, names[i]);
		snprintf(b, sizeof b, "%s/%s", to, names[i]);
		if (access(a, F_OK) == 0)
			copy_file(d, a, b);
		else if (access(b, F_OK) == 0)
			disk_file_copied(d, a, b); /* nothing */
	}
}

/* Its power may go while it starts: then once more. */
static void start_again(struct sim *s, int node)
{
	disk_full(s->w.disks, s->w.nodes[node].home, false);
	disk_arm(s->w.disks, s->w.nodes[node].home, 0);
	s->n[node].full = false;
	must(sim_restart(s, node), "a node does not start after its disk was copied");
}

static void stop_node(struct sim *s, int node)
{
	if (sim_up(s, node))
		sim_crash(s, node);
}

void sim_snapshot(struct sim *s, int node)
{
	if (s->n[node].role != ROLE_HONEST || !sim_up(s, node))
		return;
	stop_node(s, node);
	snprintf(s->snapshot, sizeof s->snapshot, "%s/snapshot", s->w.dir);
	copy_home(s->w.disks, s->w.nodes[node].home, s->snapshot);
	s->snapshot_of = node;
	sim_tell(s, "a backup of %s is made", sim_name(s, node));
	start_again(s, node);
}

void sim_restore(struct sim *s, bool in_place)
{
	int node = s->snapshot_of;
	struct world_node *n = &s->w.nodes[node];
	for (size_t i = 0; i < s->w.nodes_n; i++) /* to see what is held elsewhere */
		if (!sim_up(s, (int)i) && !s->n[i].gone)
			start_again(s, (int)i);
	stop_node(s, node);
	if (in_place) {
		overwrite_home(s->w.disks, s->snapshot, n->home);
		for (size_t k = 0; k < s->logs_n; k++)
			s->logs[k].may_fork = s->logs[k].may_fork || s->logs[k].node == node;
	} else {
		remove_home(n->home);
		copy_home(s->w.disks, s->snapshot, n->home);
	}
	remove_home(s->snapshot);
	s->snapshot_of = -1;
	s->n[node].old = true;
	s->n[node].number = 0;
	s->r->faults[in_place ? FAULT_ROLLBACK : FAULT_RESTORE]++;
	sim_tell(s, "%s %s", n->name, in_place ? "is rolled back in place" : "is restored from its backup");
	start_again(s, node);
	sim_must(s, in_place || n->restored, MUST_OWN, "%s does not see that it was restored", n->name);
	sim_forget_what_is_gone(s);
	for (size_t k = 0; k < s->people_n; k++) /* what the home remembers is not known here */
		if (sim_up(s, node))
			sim_follow(s, node, (int)k, s->follows[node][k]);
}

static struct world_node *open_copy(struct sim *s, int node)
{
	char name[16], home[600];
	size_t at = s->w.nodes_n;
	if (at >= WORLD_NODES_MAX)
		return NULL;
	snprintf(name, sizeof name, "%.8s-c%zu", sim_name(s, node), at);
	snprintf(home, sizeof home, "%s/%s", s->w.dir, name);
	stop_node(s, node);
	copy_home(s->w.disks, s->w.nodes[node].home, home);
	start_again(s, node);
	s->n[at] = (struct sim_node){.role = ROLE_CLONE, .of = node + 1};
	s->side[at] = s->side[node];
	return world_node_open(&s->w, name, &s->w.nodes[node].key);
}

/* A copy of an honest home runs beside it, with its key: for instance a virtual machine started twice. */
void sim_clone(struct sim *s, int node)
{
	if (s->n[node].role != ROLE_HONEST || s->w.nodes_n >= s->nodes + 3)
		return;
	s->clones = true;
	s->n[node].old = true; /* others may hear of its latest entries from the copy first */
	sim_tell(s, "a copy of %s begins to run", sim_name(s, node));
	struct world_node *c = open_copy(s, node);
	if (!c)
		return;
	sim_must(s, c->restored, MUST_OWN, "%s does not see that it is a copy", c->name);
	s->r->faults[FAULT_CLONE]++;
	for (int k = 0; k < 3; k++)
		sim_connect(s, (int)(c - s->w.nodes), sim_neighbour(s, node));
}

static void write_as_twin(struct sim *s, struct sim_person *p, struct world_node *twin)
{
	for (size_t k = 0; k < p->devices_n; k++) {
		struct sim_device *d = &p->devices[k];
		if (d->node != (int)(twin - s->w.nodes))
			continue;
		for (uint64_t i = 1 + sim_chance(s, 4); i > 0; i--) {
			world_append_begin(twin, &d->person, 50);
			s->r->faults[FAULT_EQUIVOCATE]++;
		}
	}
}

/* A second home that the store takes for the first: its side file is the same file. */
static struct world_node *open_twin(struct sim *s, int node, const struct id32 *key)
{
	char name[16], home[600], side[700], twin_side[700], kept[700];
	size_t at = s->w.nodes_n;
	snprintf(name, sizeof name, "%.8s-t%zu", sim_name(s, node), at);
	snprintf(home, sizeof home, "%s/%s", s->w.dir, name);
	snprintf(side, sizeof side, "%s/instance", s->w.nodes[node].home);
	snprintf(twin_side, sizeof twin_side, "%s/instance", home);
	snprintf(kept, sizeof kept, "%s/instance.kept", s->w.dir);
	stop_node(s, node);
	copy_home(s->w.disks, s->w.nodes[node].home, home);
	must(unlink(twin_side) == 0 && link(side, twin_side) == 0, "a side file is not shared");
	copy_file(s->w.disks, side, kept);
	s->n[at] = (struct sim_node){.role = ROLE_TWIN, .of = node + 1, .habits = s->n[node].habits};
	s->side[at] = s->side[node];
	struct world_node *t = world_node_open(&s->w, name, key);
	copy_file(s->w.disks, kept, side);
	start_again(s, node);
	return t;
}

/* The twin of a hostile node has a node key of its own and writes the same logs. */
void sim_twin(struct sim *s, int node)
{
	struct id32 key;
	if (s->n[node].role != ROLE_HOSTILE || s->w.nodes_n >= s->nodes + 3 ||
		s->w.nodes_n >= WORLD_NODES_MAX)
		return;
	struct random_source rnd = world_random_source(&s->w);
	random_fill(&rnd, key.b, 32);
	sim_tell(s, "hostile %s gets a twin that writes the same logs", sim_name(s, node));
	struct world_node *t = open_twin(s, node, &key);
	int at = (int)(t - s->w.nodes);
	for (size_t k = 0; k < s->people_n; k++) {
		struct sim_person *p = &s->p[k];
		for (size_t d = 0, n = p->devices_n; d < n && p->devices_n < SIM_DEVICES_MAX; d++) {
			if (p->devices[d].node != node)
				continue;
			p->devices[p->devices_n] = p->devices[d];
			p->devices[p->devices_n++].node = at;
		}
	}
	for (unsigned i = 0; i < s->nodes; i++)
		if ((int)i != node)
			world_admit(t, &s->w.nodes[i]);
	for (size_t k = 0; k < s->people_n; k++)
		write_as_twin(s, &s->p[k], t);
	sim_connect(s, at, sim_neighbour(s, node));
}
