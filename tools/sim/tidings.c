/* tidings.c -- notices of people to people elsewhere, and what must come of them. SPEC.md section 20.
 *
 * In some seeds without clocks that jump, drawn from a stream of their own. What is looked at afterwards are small networks, where all are connected. */
#include "tools/sim/sim.h"

#define TIDINGS_ONE_IN 4 /* seeds */
#define ACTS_ONE_IN 6
#define NODES_MAX 8
#define HOURS 2000

static uint64_t chance(struct sim *s, uint64_t below)
{
	return sim_draw(&s->tidings_state, below);
}

void sim_tidings(struct sim *s)
{
	s->tidings_state = s->plan->seed ^ 0x74696465u;
	s->has_tidings = chance(s, TIDINGS_ONE_IN) == 0 && s->rate[FAULT_CLOCK] == 0 && s->nodes <= NODES_MAX;
}

/* An entry of his that was acknowledged and can be written to somebody: from where it was written. */
static const struct sim_entry *entry_of(struct sim *s, int who)
{
	for (size_t k = 0, from = s->entries_n ? chance(s, s->entries_n) : 0; k < s->entries_n; k++) {
		const struct sim_entry *e = &s->entries[(from + k) % s->entries_n];
		const struct sim_log *l = &s->logs[e->log];
		if (l->who == who && l->direct_n == 0 && !l->closed && !e->erased && !e->gone &&
			s->n[l->node].role == ROLE_HONEST && sim_up(s, l->node))
			return e;
	}
	return NULL;
}

void sim_tidings_act(struct sim *s)
{
	if (!s->has_tidings || chance(s, ACTS_ONE_IN) || s->people_n < 2)
		return;
	int who = (int)chance(s, s->people_n), reader = (int)chance(s, s->people_n), to = s->p[reader].home;
	const struct sim_entry *e = entry_of(s, who);
	if (!e || s->logs[e->log].node == to || s->n[to].role != ROLE_HONEST)
		return;
	int node = s->logs[e->log].node;
	const struct entry_ref of = {.log = s->logs[e->log].log, .seq = e->seq, .id = e->id};
	struct world_person p = s->p[who].devices[0].person;
	enum err err = world_notice(&s->w.nodes[node], &p, &of, &s->p[reader].id, &s->w.nodes[to], HOURS).err;
	sim_tell(s, "person %d at %s sends a notice to person %d at %s%s%s", who, sim_name(s, node), reader,
		sim_name(s, to), err == OK ? "" : ": ", err == OK ? "" : err_name(err));
	if (err == OK && s->tidings_n < SIM_TIDINGS_MAX)
		s->tidings[s->tidings_n++] = (struct sim_tiding){.who = who, .node = node, .to = to};
}

static int person_of(const struct sim *s, const struct id32 *id)
{
	for (size_t k = 0; k < s->people_n; k++)
		if (id32_equal(&s->p[k].id, id))
			return (int)k;
	return -1;
}

/* What a crash kept from being told is in the store. */
void sim_tidings_look(struct sim *s, int node)
{
	struct store_req q = {.op = STORE_FOLLOW_LIST};
	struct store_res res;
	if (!s->has_tidings || s->n[node].role != ROLE_HONEST || !s->w.nodes[node].store)
		return;
	world_store(&s->w.nodes[node], &q, &res);
	for (size_t i = 0; res.err == OK && i < res.r.n; i++) {
		int who = person_of(s, &res.r.follows[i].identity);
		if (who >= 0 && res.r.follows[i].guest)
			s->follows[node][who] = s->followed[node][who] = true;
	}
	store_res_free(&res);
}

void sim_tidings_heard(struct sim *s, int node, const struct id32 *from)
{
	int who = person_of(s, from);
	if (who < 0 || s->n[node].role != ROLE_HONEST)
		return;
	sim_tell(s, "%s follows person %d as a guest", sim_name(s, node), who);
	sim_must(s, s->n[node].old || !s->declined[node][who], MUST_NOTICE,
		"%s follows person %d, whom it declined, for a notice", sim_name(s, node), who);
	sim_must(s, s->n[node].old || !s->follows[node][who], MUST_NOTICE,
		"%s is told twice of a notice of person %d", sim_name(s, node), who);
	s->follows[node][who] = s->followed[node][who] = true;
}

bool sim_tidings_wait(const struct sim *s, int node, int who)
{
	for (size_t k = 0; k < s->tidings_n; k++)
		if (s->tidings[k].to == node && s->tidings[k].who == who && !s->declined[node][who])
			return true;
	return false;
}

/* A node that lost what it had, or whose version has no notices, owes none. */
static bool takes_part(const struct sim *s, int node)
{
	return !s->n[node].gone && !s->n[node].old && !s->n[node].older;
}

bool sim_tidings_came(struct sim *s, bool last)
{
	for (size_t k = 0; k < s->tidings_n; k++) {
		const struct sim_tiding *t = &s->tidings[k];
		if (!takes_part(s, t->node) || !takes_part(s, t->to) || s->declined[t->to][t->who])
			continue;
		bool there = s->follows[t->to][t->who];
		if (last)
			sim_must(s, there, MUST_NOTICE, "a notice of person %d at %s has not come to %s",
				t->who, sim_name(s, t->node), sim_name(s, t->to));
		if (!there)
			return false;
	}
	return true;
}
