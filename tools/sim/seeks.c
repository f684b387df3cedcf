/* seeks.c -- people seek entries that lie behind the ends of their logs, and what must come of that. SPEC.md section 10.10.
 *
 * In some seeds, drawn from a stream of their own. What is looked at afterwards are small networks, where all are connected. */
#include "protocol/log/entry.h"
#include "tools/sim/sim.h"

#define SEEKS_ONE_IN 3 /* seeds */
#define ACTS_ONE_IN 3
#define STOLEN_ONE_IN 20 /* acts */
#define STOLEN_MAX 80 /* entries, more than one interval of signatures */
#define NODES_MAX 8
#define TRIES 16 /* entries that are looked at for one that lies behind an end */
#define WANTED_MAX 32
#define STEP_MS 70000
#define STEPS_MAX 60 /* pauses between questions double from a minute */

static uint64_t chance(struct sim *s, uint64_t below)
{
	return sim_draw(&s->seeks_state, below);
}

void sim_seeks(struct sim *s)
{
	s->seeks_state = s->plan->seed ^ UINT64_C(0x736f75676874);
	s->has_seeks = chance(s, SEEKS_ONE_IN) == 0;
}

struct there {
	bool held; /* its body, or a statement in its place */
	bool behind; /* no run can bring it */
	bool given; /* to `asker`, shown by a signature */
};

static struct there look_at(struct sim *s, int node, const struct sim_entry *e, const struct id32 *asker)
{
	struct store_req q = {.op = STORE_SOUGHT_GET,
		.a.log = s->logs[e->log].log,
		.a.seq = e->seq,
		.a.id = e->id,
		.a.node = *asker};
	struct store_res res;
	struct there t = {0};
	world_store(&s->w.nodes[node], &q, &res);
	if (res.err == OK) {
		t.behind = res.r.more;
		t.held = res.r.parts &&
			(res.r.parts[0].kind == BODY_HERE || res.r.parts[0].kind == BODY_ERASED);
		t.given = t.held && res.r.flag && res.r.sig.n;
	}
	store_res_free(&res);
	return t;
}

static bool honest(const struct sim *s, int node)
{
	return s->n[node].role == ROLE_HONEST && sim_up(s, node);
}

static bool lacks(struct sim *s, int node, const struct sim_entry *e)
{
	const struct there t = look_at(s, node, e, &s->w.nodes[node].key);
	return s->follows[node][s->logs[e->log].who] && t.behind && !t.held;
}

static enum err seek(struct sim *s, int node, const struct sim_entry *e)
{
	const struct sim_log *l = &s->logs[e->log];
	struct engine_cmd cmd = {.kind = ENGINE_CMD_SEEK, .log = l->log, .seq = e->seq, .id = e->id};
	enum err err = world_command(&s->w.nodes[node], &cmd).err;
	s->seeks_n++;
	sim_tell(s, "%s seeks entry %llu of %s's log of person %d%s%s", sim_name(s, node),
		(unsigned long long)e->seq, sim_name(s, l->node), l->who, err == OK ? "" : ": ",
		err == OK ? "" : err_name(err));
	return err;
}

/* A device is stolen: what it wrote last shall not count. */
static void steal(struct sim *s)
{
	if (s->people_n == 0)
		return;
	const int who = (int)chance(s, s->people_n);
	struct sim_device *d = &s->p[who].devices[chance(s, s->p[who].devices_n)];
	sim_close(s, who, d, 1 + chance(s, STOLEN_MAX));
}

/* One that lies behind an end, or, if none is found, one that need not be sought. */
static void seek_one(struct sim *s)
{
	const int node = (int)chance(s, s->w.nodes_n);
	const struct sim_entry *e = NULL;
	if (!honest(s, node) || s->entries_n == 0)
		return;
	for (int i = 0; i < TRIES && (!e || !lacks(s, node, e)); i++)
		e = &s->entries[chance(s, s->entries_n)];
	(void)seek(s, node, e);
}

void sim_seeks_act(struct sim *s)
{
	if (!s->has_seeks)
		return;
	if (chance(s, STOLEN_ONE_IN) == 0)
		steal(s);
	if (chance(s, ACTS_ONE_IN) == 0)
		seek_one(s);
}

/* ---- at the end */

struct wanted {
	int node;
	const struct sim_entry *e;
};

static bool is_named(const struct sim_log *l, int node)
{
	bool is = l->direct_n == 0;
	for (size_t k = 0; k < l->direct_n; k++)
		is = is || l->direct[k] == node;
	return is;
}

/* Somebody who may give it, and with whom the node is connected. An older version does not know what it is asked. */
static bool somebody_gives(struct sim *s, int node, const struct sim_entry *e)
{
	for (int i = 0; i < (int)s->w.nodes_n; i++) {
		const struct world_link *l = i != node ? sim_link(s, node, i) : NULL;
		if (l && l->open[0] && l->open[1] && honest(s, i) && !s->n[i].older &&
			is_named(&s->logs[e->log], i) && look_at(s, i, e, &s->w.nodes[node].key).given)
			return true;
	}
	return false;
}

/* Who has not followed somebody until now does: all of those come later than the ends of his logs. */
static void come_late(struct sim *s)
{
	for (int i = 0; i < (int)s->w.nodes_n; i++)
		for (size_t k = 0; k < s->people_n; k++)
			if (honest(s, i) && !s->follows[i][k])
				sim_follow(s, i, (int)k, true);
	world_run(&s->w, STEP_MS);
}

static size_t find_wanted(struct sim *s, struct wanted out[WANTED_MAX])
{
	size_t n = 0;
	for (int i = 0; i < (int)s->w.nodes_n; i++)
		for (size_t k = 0; k < s->entries_n && n < WANTED_MAX && honest(s, i) && !s->n[i].older; k++)
			if (lacks(s, i, &s->entries[k]) && somebody_gives(s, i, &s->entries[k]))
				out[n++] = (struct wanted){.node = i, .e = &s->entries[k]};
	return n;
}

static bool has(struct sim *s, const struct wanted *w)
{
	return look_at(s, w->node, w->e, &s->w.nodes[w->node].key).held;
}

void sim_seeks_end(struct sim *s)
{
	struct wanted wanted[WANTED_MAX];
	if (!s->has_seeks || s->nodes > NODES_MAX)
		return;
	come_late(s);
	const size_t n = find_wanted(s, wanted);
	for (size_t i = 0; i < n; i++) {
		enum err e = seek(s, wanted[i].node, wanted[i].e);
		sim_must(s, e == OK || e == ERR_EXISTS, MUST_SOUGHT, "%s does not seek: %s",
			sim_name(s, wanted[i].node), err_name(e));
	}
	for (size_t i = 0, steps = 0; i < n && steps < STEPS_MAX; steps++) {
		world_run(&s->w, STEP_MS);
		while (i < n && has(s, &wanted[i]))
			i++;
	}
	for (size_t i = 0; i < n; i++)
		sim_must(s, has(s, &wanted[i]), MUST_SOUGHT,
			"%s has not got entry %llu of %s's log of person %d, which a peer would give",
			sim_name(s, wanted[i].node), (unsigned long long)wanted[i].e->seq,
			sim_name(s, s->logs[wanted[i].e->log].node), s->logs[wanted[i].e->log].who);
}
