/* faults.c -- what goes wrong between nodes, with their power, clocks and room on disk. */
#include "tools/sim/sim.h"

#include <stdio.h>

#define NEIGHBOURS 6

/* Who is dialled: everybody in a small network, a few in a large one; a twin or clone takes the place of who it copies. */
int sim_neighbour(struct sim *s, int node)
{
	int at = s->n[node].of ? s->n[node].of - 1 : node;
	int n = (int)s->nodes;
	if (s->nodes <= 8)
		return (int)sim_chance(s, s->w.nodes_n);
	static const int near[] = {1, 2};
	uint64_t k = sim_chance(s, NEIGHBOURS);
	int step = k < 4 ? near[k % 2] : n / 3;
	return k % 2 ? (at + step) % n : (at + n - step) % n;
}

struct world_link *sim_link(struct sim *s, int a, int b)
{
	const struct world_node *x = &s->w.nodes[a], *y = &s->w.nodes[b];
	for (size_t k = 0; k < s->w.links_n; k++) {
		struct world_link *l = &s->w.links[k];
		if ((l->open[0] || l->open[1]) && !l->cut &&
			((l->nodes[0] == x && l->nodes[1] == y) || (l->nodes[0] == y && l->nodes[1] == x)))
			return l;
	}
	return NULL;
}

static bool parted(const struct sim *s, int a, int b)
{
	return s->w.now_ms < s->parted_until_ms && s->side[a] != s->side[b];
}

static bool same_machine(const struct sim *s, int a, int b)
{
	return id32_equal(&s->w.nodes[a].key, &s->w.nodes[b].key);
}

bool sim_may_dial(void *ctx, const struct world_node *a, const struct world_node *b)
{
	struct sim *s = ctx;
	int i = (int)(a - s->w.nodes), k = (int)(b - s->w.nodes);
	return !s->n[i].gone && !s->n[k].gone && !parted(s, i, k) && !same_machine(s, i, k) &&
		s->w.links_n < WORLD_LINKS_MAX - 2;
}

static void dial(struct sim *s, int a, int b)
{
	bool turn = sim_chance(s, 2);
	struct world_link *l = turn ? world_connect(&s->w.nodes[a], &s->w.nodes[b])
				    : world_connect(&s->w.nodes[b], &s->w.nodes[a]);
	if (s->rate[FAULT_DELAY] && sim_chance(s, 3) == 0)
		for (int to = 0; to < 2; to++) {
			l->delay_ms[to] = sim_chance(s, 4) ? sim_chance(s, 50) : sim_chance(s, 3000);
			l->jitter_ms[to] = 1 + sim_chance(s, 100);
		}
	if (!s->healing)
		sim_tell(s, "%s dials %s", l->nodes[0]->name, l->nodes[1]->name);
}

void sim_connect(struct sim *s, int a, int b)
{
	bool gone = s->n[a].gone || s->n[b].gone;
	if (a == b || gone || !sim_up(s, a) || !sim_up(s, b) || parted(s, a, b) || same_machine(s, a, b) ||
		sim_link(s, a, b) || s->w.links_n >= WORLD_LINKS_MAX - 2)
		return;
	dial(s, a, b);
}

void sim_crash(struct sim *s, int node)
{
	size_t kept = 0;
	world_crash(&s->w.nodes[node]);
	for (size_t k = 0; k < s->pending_n; k++)
		if (s->pending[k].node != node)
			s->pending[kept++] = s->pending[k];
	s->pending_n = kept;
}

bool sim_restart(struct sim *s, int node)
{
	if (s->n[node].gone)
		return false;
	if (sim_up(s, node))
		return true;
	size_t kept = 0; /* its power may have gone: then nobody dropped these */
	for (size_t k = 0; k < s->pending_n; k++)
		if (s->pending[k].node != node)
			s->pending[kept++] = s->pending[k];
	s->pending_n = kept;
	s->n[node].hurt = s->n[node].full;
	enum err e = world_try_restart(&s->w.nodes[node]);
	sim_tidings_look(s, node);
	sim_tell(s, "%s starts%s%s%s", sim_name(s, node), e == OK ? "" : ": ", e == OK ? "" : err_name(e),
		e == OK && s->w.nodes[node].restored ? ", and sees that it was restored" : "");
	if (e == OK && s->w.nodes[node].restored)
		sim_must(s, s->n[node].role != ROLE_HONEST || s->n[node].old, MUST_OWN,
			"%s takes its home for a restored one", sim_name(s, node));
	return e == OK && sim_up(s, node);
}

/* ---- links ---- */

static struct world_link *any_link(struct sim *s)
{
	if (s->w.links_n == 0)
		return NULL;
	size_t from = sim_chance(s, s->w.links_n);
	for (size_t k = 0; k < s->w.links_n; k++) {
		struct world_link *l = &s->w.links[(from + k) % s->w.links_n];
		if (l->open[0] || l->open[1])
			return l;
	}
	return NULL;
}

static void stop(struct sim *s, struct world_link *l, int to, uint64_t ms)
{
	if (s->windows_n >= SIM_WINDOWS_MAX)
		return;
	l->stalled[to] = true;
	s->windows[s->windows_n++] = (struct sim_window){
		.link = l, .conn = l->conns[to], .to = to, .until_ms = s->w.now_ms + ms};
}

void sim_windows(struct sim *s, bool all)
{
	size_t kept = 0;
	for (size_t k = 0; k < s->windows_n; k++) {
		struct sim_window *v = &s->windows[k];
		if (!all && v->until_ms > s->w.now_ms)
			s->windows[kept++] = *v;
		else if (v->link->conns[v->to] == v->conn)
			v->link->stalled[v->to] = false;
	}
	s->windows_n = kept;
}

static uint64_t for_how_long(struct sim *s)
{
	return sim_chance(s, 3) ? sim_chance(s, 5000) : sim_chance(s, 200000);
}

static void stop_link(struct sim *s, enum sim_fault f)
{
	struct world_link *l = any_link(s);
	if (!l)
		return;
	uint64_t ms = for_how_long(s);
	int one = (int)sim_chance(s, 2);
	sim_tell(s,
		f == FAULT_CLOG ? "nothing passes between %s and %s for %llu ms"
				: "nothing passes from %s to %s for %llu ms",
		l->nodes[!one]->name, l->nodes[one]->name, (unsigned long long)ms);
	stop(s, l, one, ms);
	if (f == FAULT_CLOG)
		stop(s, l, !one, ms);
	s->r->faults[f]++;
}

/* A random part of the links, one by one; each comes back at a time of its own. */
static void swizzle(struct sim *s)
{
	unsigned stopped = 0;
	for (size_t k = 0; k < s->w.links_n; k++) {
		struct world_link *l = &s->w.links[k];
		if ((!l->open[0] && !l->open[1]) || sim_chance(s, 2))
			continue;
		stop(s, l, 0, sim_chance(s, 30000));
		stop(s, l, 1, sim_chance(s, 30000));
		for (uint64_t i = sim_chance(s, 10); i > 0 && world_step(&s->w); i--)
			;
		stopped++;
	}
	s->r->faults[FAULT_SWIZZLE] += stopped;
	sim_tell(s, "%u connections stop one by one", stopped);
}

static void partition(struct sim *s)
{
	char line[200] = "";
	size_t used = 0;
	uint64_t ms = 1000 + for_how_long(s);
	for (size_t i = 0; i < s->w.nodes_n; i++) {
		s->side[i] = (int)sim_chance(s, 2);
		if (s->side[i] && used + 20 < sizeof line)
			used += (size_t)snprintf(line + used, sizeof line - used, " %s", sim_name(s, (int)i));
	}
	s->parted_until_ms = s->w.now_ms + ms;
	bool silent = sim_chance(s, 2); /* else the connections are cut */
	for (size_t k = 0; k < s->w.links_n; k++) {
		struct world_link *l = &s->w.links[k];
		int a = (int)(l->nodes[0] - s->w.nodes), b = (int)(l->nodes[1] - s->w.nodes);
		if ((!l->open[0] && !l->open[1]) || s->side[a] == s->side[b])
			continue;
		if (!silent) {
			world_cut(l);
			continue;
		}
		stop(s, l, 0, ms);
		stop(s, l, 1, ms);
	}
	s->r->faults[FAULT_PARTITION]++;
	sim_tell(s, "a partition for %llu ms; on one side:%s", (unsigned long long)ms, line);
}

static void twice(struct sim *s)
{
	struct world_link *l = any_link(s);
	int a = l ? (int)(l->nodes[0] - s->w.nodes) : 0, b = l ? (int)(l->nodes[1] - s->w.nodes) : 0;
	if (!l || !sim_up(s, a) || !sim_up(s, b) || parted(s, a, b) || s->w.links_n >= WORLD_LINKS_MAX - 2)
		return;
	sim_tell(s, "%s and %s are to be connected twice", sim_name(s, a), sim_name(s, b));
	dial(s, a, b);
	s->r->faults[FAULT_TWICE]++;
}

static void cut(struct sim *s)
{
	struct world_link *l = any_link(s);
	if (!l)
		return;
	sim_tell(s, "the connection of %s and %s is cut", l->nodes[0]->name, l->nodes[1]->name);
	world_cut(l);
	s->r->faults[FAULT_CUT]++;
}

static void delay(struct sim *s)
{
	struct world_link *l = any_link(s);
	if (!l)
		return;
	int to = (int)sim_chance(s, 2);
	l->delay_ms[to] = sim_chance(s, 3) ? sim_chance(s, 300) : sim_chance(s, 15000);
	l->jitter_ms[to] = sim_chance(s, 500);
	sim_tell(s, "what %s sends to %s takes %llu ms", l->nodes[!to]->name, l->nodes[to]->name,
		(unsigned long long)l->delay_ms[to]);
}

/* ---- nodes ---- */

static void power(struct sim *s, int node)
{
	uint64_t n = 1 + sim_chance(s, sim_chance(s, 2) ? 12 : 80);
	disk_arm(s->w.disks, s->w.nodes[node].home, n);
	sim_tell(s, "%s will lose its power at its write %llu from now", sim_name(s, node),
		(unsigned long long)n);
	for (int k = 0; k < 60 && sim_up(s, node) && world_step(&s->w); k++)
		;
}

static void full(struct sim *s, int node)
{
	bool now = !s->n[node].full;
	s->n[node].full = now;
	s->n[node].hurt = s->n[node].hurt || now;
	disk_full(s->w.disks, s->w.nodes[node].home, now);
	sim_tell(s, "%s's disk %s", sim_name(s, node), now ? "is full" : "has room again");
}

static void clock_jumps(struct sim *s, int node)
{
	static const int64_t year = 365 * 86400;
	int64_t by = sim_chance(s, 2) ? (int64_t)sim_chance(s, 7200) - 3600
				      : (int64_t)sim_chance(s, 160) * year - 80 * year;
	s->w.nodes[node].wall_skew_s = by;
	s->r->faults[FAULT_CLOCK]++;
	sim_tell(s, "%s's clock is off by %lld s", sim_name(s, node), (long long)by);
}

static void node_fault(struct sim *s, enum sim_fault f, int node)
{
	if (f == FAULT_CRASH) {
		sim_crash(s, node);
		s->r->faults[f]++;
		sim_tell(s, "%s crashes", sim_name(s, node));
	} else if (f == FAULT_POWER) {
		power(s, node);
	} else if (f == FAULT_FULL) {
		full(s, node);
	} else if (f == FAULT_SYNC) {
		s->n[node].hurt = true;
		disk_sync_fails(s->w.disks, s->w.nodes[node].home);
		sim_tell(s, "a sync will fail at %s", sim_name(s, node));
	} else if (f == FAULT_CLOCK) {
		clock_jumps(s, node);
	} else if (f == FAULT_CLONE) {
		sim_clone(s, node);
	} else if (f == FAULT_EQUIVOCATE) {
		sim_twin(s, node);
	} else if (s->snapshot_of < 0) {
		sim_snapshot(s, node);
	} else {
		sim_restore(s, f == FAULT_ROLLBACK);
	}
}

void sim_fault(struct sim *s, enum sim_fault f)
{
	int node = (int)sim_chance(s, s->nodes);
	for (int k = 0; f == FAULT_EQUIVOCATE && s->n[node].role != ROLE_HOSTILE && k < (int)s->nodes; k++)
		node = (node + 1) % (int)s->nodes;
	if (f == FAULT_CUT)
		cut(s);
	else if (f == FAULT_DELAY)
		delay(s);
	else if (f == FAULT_CLOG || f == FAULT_ONEWAY)
		stop_link(s, f);
	else if (f == FAULT_SWIZZLE)
		swizzle(s);
	else if (f == FAULT_PARTITION)
		partition(s);
	else if (f == FAULT_TWICE)
		twice(s);
	else if (f == FAULT_FULL && s->n[node].full)
		full(s, node);
	else if (sim_up(s, node) || f == FAULT_RESTORE || f == FAULT_ROLLBACK)
		node_fault(s, f, node);
	else
		sim_restart(s, node);
}
