/* run.c -- one run: the plan that a seed gives, people and faults act by act, healing, and the end. */
#include "protocol/peer/message.h"
#include "tools/sim/sim.h"

#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

const struct sim_word sim_faults[FAULTS_N] = {
#define FAULT(name, w, m, t) [FAULT_##name] = {.word = (w), .most = (m), .text = (t)},
#include "tools/sim/faults.def"
};
const struct sim_word sim_invariants[INVARIANTS_N] = {
#define INVARIANT(name, w, t) [MUST_##name] = {.word = (w), .text = (t)},
#include "tools/sim/invariants.def"
};

#define HEAL_STEP_MS 5000
#define HEAL_MAX_MS 900000 /* virtual: within it all honest nodes are one again */
#define STEPS_MAX 8000000u
#define AUDIT_MS 130000 /* half of it at least: another nonce is refused for a minute */
#define GOSSIP_NODES_MAX 40 /* with more, a world of so many connections takes too long */

/* ---- chance, story ---- */

static uint64_t mix(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u); /* splitmix64 */
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

uint64_t sim_draw(uint64_t *stream, uint64_t below)
{
	uint64_t z = mix(stream);
	return below ? z % below : z;
}

uint64_t sim_chance(struct sim *s, uint64_t below)
{
	return sim_draw(&s->state, below);
}

void sim_hash(struct sim *s, const void *p, size_t n)
{
	const uint8_t *b = p;
	for (size_t i = 0; i < n; i++)
		s->r->hash = (s->r->hash ^ b[i]) * 0x100000001b3u; /* FNV-1a */
}

void sim_tell(struct sim *s, const char *format, ...)
{
	char line[400];
	va_list args;
	va_start(args, format);
	int n = vsnprintf(line, sizeof line, format, args);
	va_end(args);
	sim_hash(s, &s->w.now_ms, sizeof s->w.now_ms);
	sim_hash(s, line, n < (int)sizeof line ? (size_t)n : sizeof line - 1);
	if (s->plan->tell)
		fprintf(s->plan->out ? s->plan->out : stdout, "%10.3f  %s\n", (double)s->w.now_ms / 1000,
			line);
}

bool sim_must(struct sim *s, bool good, enum sim_invariant what, const char *format, ...)
{
	char text[sizeof s->r->text];
	va_list args;
	s->r->invariants[what]++;
	if (good || s->r->broken)
		return good;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	s->r->broken = true;
	s->r->invariant = what;
	memcpy(s->r->text, text, sizeof text);
	sim_tell(s, "BROKEN: %s: %s", sim_invariants[what].text, text);
	return false;
}

const char *sim_name(const struct sim *s, int node)
{
	return s->w.nodes[node].name;
}

static void arrived(void *ctx, const struct world_link *l, int to, int type, struct slice body)
{
	struct sim *s = ctx;
	int head[3] = {(int)(l->nodes[to] - s->w.nodes), (int)(l->nodes[!to] - s->w.nodes), type};
	s->r->messages++;
	s->r->reconciled += type == MESSAGE_RANGES;
	s->r->faults[FAULT_DELAY] += l->delay_ms[to] > 0;
	sim_hash(s, head, sizeof head);
	sim_hash(s, &s->w.now_ms, sizeof s->w.now_ms);
	sim_hash(s, body.p, body.n);
	if (s->plan->tell_messages)
		fprintf(s->plan->out ? s->plan->out : stdout, "%10.3f    %s <- %s: message %d, %zu bytes\n",
			(double)s->w.now_ms / 1000, l->nodes[to]->name, l->nodes[!to]->name, type, body.n);
}

/* ---- the plan ---- */

static void draw_size(struct sim *s)
{
	uint64_t size = sim_chance(s, 100);
	s->nodes = 3 + (unsigned)sim_chance(s, 6);
	s->acts = 60 + (unsigned)sim_chance(s, 140);
	s->people = 2 + (unsigned)sim_chance(s, 3);
	if (size >= 99) {
		s->nodes = 200 + (unsigned)sim_chance(s, 20);
		s->acts = 300;
		s->people = 8;
	} else if (size >= 90) {
		s->nodes = 26 + (unsigned)sim_chance(s, 9);
		s->acts = 260;
		s->people = 6;
	}
	if (s->plan->nodes_max && s->nodes > s->plan->nodes_max)
		s->nodes = s->plan->nodes_max;
	if (s->plan->acts_max && s->acts > s->plan->acts_max)
		s->acts = s->plan->acts_max;
}

static bool hostile_fault(int f)
{
	return f >= FAULT_EQUIVOCATE && f < FAULT_OLDER;
}

static void draw_faults(struct sim *s, uint32_t *habits)
{
	bool hostile = sim_chance(s, 3) == 0;
	*habits = 0;
	for (int f = 0; f < FAULT_OLDER; f++) { /* those behind: skew.c */
		unsigned most = sim_faults[f].most, rate = most ? 1 + (unsigned)sim_chance(s, most) : 0;
		bool on = sim_chance(s, 2) && !(s->plan->without >> f & 1);
		if (hostile_fault(f) && !hostile)
			on = false;
		if (on)
			s->rate[f] = rate;
		if (on && hostile_fault(f))
			*habits |= 1u << f;
	}
	s->habit_rate = 5 + (unsigned)sim_chance(s, 200);
	s->w.late_writes = sim_chance(s, 2);
}

static void draw(struct sim *s)
{
	uint32_t habits;
	draw_size(s);
	draw_faults(s, &habits);
	unsigned hostile = habits ? 1 + (unsigned)sim_chance(s, s->nodes / 3) : 0;
	for (unsigned i = 0; i < hostile && s->nodes - hostile >= 2; i++) {
		s->n[s->nodes - 1 - i].role =
			ROLE_HOSTILE; /* the last ones: they go first when a run is shrunk */
		s->n[s->nodes - 1 - i].habits = habits;
	}
}

static void make_nodes(struct sim *s)
{
	static const char *const names[] = {"ann", "ben", "cas", "dan", "eva", "fay", "gus", "hal", "ivy",
		"jan", "kim", "leo", "mia", "ned", "ola", "pia", "ron", "sue", "tom", "uma", "vic", "wes",
		"xan", "yan", "zoe"};
	size_t k = sizeof names / sizeof *names;
	for (unsigned i = 0; i < s->nodes; i++) {
		char name[16], home[300];
		snprintf(name, sizeof name, i < k ? "%s" : "%s%u", names[i % k], i / (unsigned)k);
		snprintf(home, sizeof home, "%s/%s", s->w.dir, name);
		if (s->plan->empty.n)
			sim_empty_put(s->w.disks, s->plan->empty, home);
		world_node_new(&s->w, name);
	}
	for (unsigned i = 0; i < s->nodes && !s->w.gossip; i++)
		for (unsigned k2 = 1; k2 < s->nodes; k2++) {
			unsigned step = s->nodes <= 8 || k2 <= 2 || k2 == s->nodes / 3;
			if (step && (s->nodes > 8 || (i + k2) % s->nodes > i))
				world_admit(&s->w.nodes[i], &s->w.nodes[(i + k2) % s->nodes]);
		}
	/* All are members, and each knows how to reach who invited it, and nobody else. */
	for (unsigned i = 0; i < s->nodes && s->w.gossip; i++) {
		world_admit_all(&s->w.nodes[i], s->w.nodes, s->nodes);
		if (i)
			world_introduce(&s->w.nodes[i], &s->w.nodes[sim_chance(s, i)]);
	}
	sim_tell(s, "%u nodes, %u acts", s->nodes, s->acts);
	for (unsigned i = 0; i < s->nodes; i++)
		if (s->n[i].role == ROLE_HOSTILE)
			sim_tell(s, "%s is hostile", sim_name(s, (int)i));
	sim_skew(s);
	sim_tidings(s);
	sim_seeks(s);
}

static void make_people(struct sim *s)
{
	for (unsigned i = 0; i < s->people; i++)
		sim_person_new(s,
			i % 3 == 1 ? (int)s->nodes - 1
				   : (int)(i * (s->nodes / s->people ? s->nodes / s->people : 1)) %
					(int)s->nodes);
	for (unsigned i = 0; i < s->nodes; i++)
		for (size_t k = 0; k < s->people_n; k++)
			if (sim_chance(s,
				    s->nodes > 40          ? 8
					    : s->nodes > 8 ? 3
							   : 6) != 0
					? s->nodes <= 8
					: s->nodes > 8)
				sim_follow(s, (int)i, (int)k, true);
}

/* ---- act by act ---- */

static void pass(struct sim *s, uint64_t ms)
{
	uint64_t end = s->w.now_ms + ms;
	world_run(&s->w, ms);
	if (s->w.now_ms < end) {
		s->w.wall_s += (end - s->w.now_ms) / 1000;
		s->w.now_ms = end;
	}
}

static void move(struct sim *s)
{
	uint64_t how = sim_chance(s, 100);
	for (uint64_t k = sim_chance(s, 14 * s->nodes); k > 0 && world_step(&s->w); k--)
		;
	if (how < 55)
		pass(s, sim_chance(s, 60));
	else if (how < 65)
		pass(s, sim_chance(s, 2000));
	else if (how < 67)
		pass(s, sim_chance(s, 90000));
	sim_windows(s, false);
	sim_look(s);
}

static void act(struct sim *s, unsigned k)
{
	s->state = s->plan->seed ^ ((uint64_t)k + 1) * 0xd1342543de82ef95u; /* each act has its own stream */
	if (s->plan->skip[k / 8] >> (k % 8) & 1)
		return;
	uint64_t at = sim_chance(s, 1000), sum = 0;
	for (int f = 0; f < FAULTS_N; f++) {
		bool habit = f > FAULT_EQUIVOCATE || sim_faults[f].most == 0;
		if (habit)
			continue;
		sum += s->rate[f];
		if (at < sum) {
			sim_fault(s, (enum sim_fault)f);
			move(s);
			return;
		}
	}
	if (sim_chance(s, 4) == 0) {
		int i = (int)sim_chance(s, s->w.nodes_n);
		if (sim_up(s, i))
			sim_connect(s, i, sim_neighbour(s, i));
		else
			sim_restart(s, i);
	} else {
		sim_people_act(s);
	}
	sim_tidings_act(s);
	sim_seeks_act(s);
	move(s);
}

/* ---- healing ---- */

static void bury(struct sim *s, bool silence)
{
	for (size_t i = 0; i < s->w.nodes_n; i++)
		if (s->n[i].role == ROLE_CLONE || s->n[i].role == ROLE_TWIN ||
			(s->n[i].role == ROLE_HOSTILE && silence)) {
			s->n[i].gone = true;
			if (sim_up(s, (int)i))
				sim_crash(s, (int)i);
		}
}

static void wake(struct sim *s)
{
	for (size_t i = 0; i < s->w.nodes_n; i++) {
		disk_full(s->w.disks, s->w.nodes[i].home, false);
		disk_arm(s->w.disks, s->w.nodes[i].home, 0);
		s->n[i].full = false;
		if (s->n[i].gone)
			continue;
		if (sim_up(s, (int)i) && s->n[i].hurt)
			sim_crash(s, (int)i);
		if (!sim_up(s, (int)i))
			sim_must(s, sim_restart(s, (int)i), MUST_STORE, "%s does not start again",
				sim_name(s, (int)i));
	}
}

static void heal_pair(struct sim *s, int a, int b)
{
	if (a == b || s->n[a].gone || s->n[b].gone || sim_link(s, a, b))
		return;
	if (s->nodes > 8)
		world_admit(&s->w.nodes[a], &s->w.nodes[b]);
	sim_connect(s, a, b);
}

static bool takes_part(const struct sim *s, int i, const struct sim_log *l)
{
	bool named = l->direct_n == 0;
	for (size_t k = 0; k < l->direct_n; k++)
		named = named || l->direct[k] == i;
	return s->n[i].role == ROLE_HONEST && named && (s->follows[i][l->who] || l->node == i);
}

/* Where nodes keep no neighbours by themselves: all with all, or each log's holders in a chain. */
static void connect_all(struct sim *s)
{
	int n = s->w.gossip ? 0 : (int)s->w.nodes_n;
	for (int i = 0; i < n; i++)
		for (int k = i + 1; k < n; k++)
			if (s->nodes <= 8 || (s->n[i].role != ROLE_HONEST && k == i + 1))
				heal_pair(s, i, k);
	for (size_t j = 0; n > 8 && j < s->logs_n; j++) {
		int before = -1;
		for (int i = 0; i < n; i++) {
			if (!takes_part(s, i, &s->logs[j]))
				continue;
			if (before >= 0)
				heal_pair(s, before, i);
			before = i;
		}
	}
}

static void heal(struct sim *s)
{
	bool silence = sim_chance(s, 2);
	sim_tell(s, "all is healed%s", silence ? "; what is hostile falls silent" : "");
	s->healing = true;
	sim_windows(s, true);
	s->parted_until_ms = 0;
	bury(s, silence);
	wake(s);
	for (size_t i = 0; i < s->w.links_n; i++)
		if (s->w.links[i].open[0] || s->w.links[i].open[1])
			world_cut(&s->w.links[i]);
	for (size_t i = 0; i < s->w.nodes_n; i++)
		for (size_t k = 0; k < s->people_n && s->n[i].role == ROLE_HONEST; k++)
			if (s->follows[i][k] || !sim_tidings_wait(s, (int)i, (int)k))
				sim_follow(s, (int)i, (int)k, s->follows[i][k]);
	uint64_t start = s->w.now_ms;
	bool one = false;
	while (!one && !s->r->broken && s->w.now_ms < start + HEAL_MAX_MS) {
		connect_all(s);
		pass(s, HEAL_STEP_MS);
		sim_look(s);
		one = sim_converged(s, false);
	}
	s->r->heal_ms = s->w.now_ms - start;
	if (!s->r->broken)
		sim_converged(s, true);
	sim_tell(s, "%s", one ? "all are one again" : "they are not one again");
}

/* ---- a run ---- */

static void begin(struct sim *s, const struct sim_plan *plan, const char *dir, struct sim_result *out)
{
	*out = (struct sim_result){.hash = 0xcbf29ce484222325u};
	s->plan = plan;
	s->r = out;
	s->state = plan->seed;
	s->snapshot_of = -1;
	world_init(&s->w, mix(&s->state), dir);
	s->w.disks = disks_new(plan->seed);
	if (!s->w.disks)
		abort();
	s->w.watcher = s;
	s->w.heard = sim_heard;
	s->w.arrived = arrived;
	s->w.reconcile_min = 1; /* else these worlds would be too small for it */
	s->w.audit_ms = AUDIT_MS;
	s->w.meddle = sim_meddle;
	s->w.forgets = plan->plant == PLANT_ERASURE ? STORE_ERASED_PUT : 0;
	if (plan->plant == PLANT_SYNC)
		disks_lie(s->w.disks);
	draw(s);
	s->w.gossip = s->nodes > 8 && s->nodes <= GOSSIP_NODES_MAX;
	s->w.may_dial = sim_may_dial;
	s->w.steps_max = STEPS_MAX;
	out->nodes = s->nodes;
	out->acts = s->acts;
}

static void count(struct sim *s)
{
	struct disk_counts d = disks_counts(s->w.disks);
	struct sim_result *r = s->r;
	r->faults[FAULT_REORDER] = s->w.overtaken;
	r->faults[FAULT_POWER] = d.cuts;
	r->faults[FAULT_TORN] = d.torn_files;
	r->faults[FAULT_FULL] = d.refused_full;
	r->faults[FAULT_SYNC] = d.sync_failures;
	for (size_t i = 0; i < s->w.nodes_n; i++)
		r->faults[FAULT_LOST_RESULT] += s->w.nodes[i].commits_lost;
	for (size_t i = 0; i < s->entries_n; i++) {
		r->gone += s->entries[i].gone;
		r->erased += s->entries[i].erased;
	}
	r->entries = s->entries_n;
	r->people = s->people_n;
	r->blobs = s->blobs_n;
	r->steps = s->w.steps;
	r->virtual_ms = s->w.now_ms;
}

static int drop(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	(void)st, (void)flag, (void)at;
	return remove(path);
}

void sim_run(const struct sim_plan *plan, const char *dir, struct sim_result *out)
{
	char home[240];
	struct sim *s = calloc(1, sizeof *s);
	snprintf(home, sizeof home, "%s/quire-sim-XXXXXX", dir);
	if (!s || !mkdtemp(home)) {
		fprintf(stderr, "quire-sim: no folder under %s\n", dir);
		abort();
	}
	begin(s, plan, home, out);
	make_nodes(s);
	make_people(s);
	for (unsigned k = 0; k < s->acts && !out->broken; k++)
		act(s, k);
	s->state = plan->seed ^ 0x6865616cu;
	if (!out->broken)
		heal(s);
	if (!out->broken)
		sim_check_end(s);
	sim_must(s, s->w.steps < STEPS_MAX, MUST_WORK, "more than %u steps", STEPS_MAX);
	count(s);
	world_deinit(&s->w);
	disks_free(s->w.disks);
	for (size_t i = 0; i < sizeof s->last / sizeof *s->last; i++)
		buf_free(&s->last[i]);
	free(s->entries);
	free(s);
	nftw(home, drop, 16, FTW_DEPTH | FTW_PHYS);
	out->done = true;
}
