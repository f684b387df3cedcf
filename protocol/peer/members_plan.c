/* members_plan.c -- who is dialled now, and which neighbour has to go. SPEC.md section 19.1. */
#include "members_int.h"

struct plan {
	struct engine *e;
	struct members *m;
	size_t links, pending,
		reachable; /* connections there are; tried now, with those not open yet; members that can be dialled */
	uint64_t wants; /* bits of members.wanted for which nobody is being dialled */
};

static void survey(struct plan *p)
{
	struct members *m = p->m;
	p->wants = m->wanted_n < 64 ? (1ull << m->wanted_n) - 1 : UINT64_MAX;
	for (size_t i = 0; i < m->n; i++)
		m->all[i].connected = false;
	for (struct session *s = p->e->sessions; s; s = s->next) {
		struct member *x = s->state != SESSION_CLOSED ? members_find(m, &s->node) : NULL;
		if (s->state == SESSION_CLOSED)
			continue;
		p->links++;
		p->pending += s->state != SESSION_OPEN;
		if (!x)
			continue;
		x->connected = true;
		x->dialling = false;
		if (s->state != SESSION_OPEN ||
			!s->looked) /* it may be a source: that is seen at the next look */
			p->wants &= ~x->covers;
	}
	for (size_t i = 0; i < m->n; i++) {
		p->reachable += m->all[i].reachable;
		p->pending += m->all[i].dialling;
		p->links += m->all[i].dialling;
		if (m->all[i].dialling)
			p->wants &= ~m->all[i].covers;
	}
}

static bool may_dial(const struct plan *p, const struct member *x)
{
	return x->reachable && !x->connected && !x->dialling && x->due_ms <= p->e->now_ms;
}

static bool room(const struct plan *p)
{
	return p->pending < MEMBERS_DIALS && p->links < MEMBERS_ROOM;
}

static void dial(struct plan *p, struct member *x)
{
	x->dialling = true;
	p->pending++;
	p->links++;
	p->wants &= ~x->covers;
	emit_dial(p->e, &x->node);
}

/* The best by a rank that is higher for better; among equals one by chance. NULL: none has a rank above 0. */
static struct member *best(struct plan *p, uint64_t (*rank)(const struct plan *p, const struct member *x))
{
	struct member *found = NULL;
	uint64_t most = 0, same = 0;
	for (size_t i = 0; i < p->m->n; i++) {
		struct member *x = &p->m->all[i];
		uint64_t r = may_dial(p, x) ? rank(p, x) : 0;
		if (r == 0 || r < most)
			continue;
		same = r == most ? same + 1 : 1;
		most = r;
		if (engine_chance(p->e, same) == 0)
			found = x;
	}
	return found;
}

static bool told_enough(const struct plan *p, const struct member *x)
{
	return x->enough_ms > p->e->now_ms;
}

static uint64_t rank_urgent(const struct plan *p, const struct member *x)
{
	(void)p;
	return x->urgent;
}

static uint64_t rank_any(const struct plan *p, const struct member *x)
{
	return told_enough(p, x) ? 1 : 2;
}

static uint64_t count_bits(uint64_t bits)
{
	uint64_t n = 0;
	for (; bits; bits &= bits - 1)
		n++;
	return n;
}

/* The greedy choice: who covers most identities. */
static uint64_t rank_source(const struct plan *p, const struct member *x)
{
	uint64_t n = count_bits(x->covers & p->wants);
	return n == 0 ? 0 : told_enough(p, x) ? n : n + 64;
}

/* With whom there was no connection for longest. */
static uint64_t rank_longest(const struct plan *p, const struct member *x)
{
	uint64_t ago = x->seen_s < p->e->wall_s ? p->e->wall_s - x->seen_s : 0;
	return told_enough(p, x) ? 0 : 1 + ago;
}

static uint64_t rank_unmet(const struct plan *p, const struct member *x)
{
	return x->met || told_enough(p, x) ? 0 : 1;
}

static void dial_all(
	struct plan *p, uint64_t (*rank)(const struct plan *p, const struct member *x), size_t links)
{
	while (room(p) && p->links < links) {
		struct member *x = best(p, rank);
		if (!x)
			return;
		dial(p, x);
	}
}

/* SPEC 19.1: "a member that could not be reached when it was last tried does not count as known here" */
static uint64_t could_be_had(const struct members *m)
{
	uint64_t found = 0;
	for (size_t i = 0; i < m->n; i++)
		if (m->all[i].reachable && !m->all[i].out_of_reach)
			found |= m->all[i].covers;
	return found;
}

static bool any_unmet(const struct members *m)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->all[i].reachable && !m->all[i].met)
			return true;
	return false;
}

/* SPEC 19.1: "About once a minute it also dials that known member with which it had no connection for longest" */
static void meet(struct plan *p)
{
	struct members *m = p->m;
	uint64_t all = m->wanted_n < 64 ? (1ull << m->wanted_n) - 1 : UINT64_MAX;
	bool seek = (all & ~could_be_had(m)) != 0 && any_unmet(m);
	uint64_t pause = members_jitter(p->e, seek ? MEMBERS_SEEK_MS : MEMBERS_MEET_MS);
	if (seek && m->meet_ms > p->e->now_ms + MEMBERS_SEEK_MS)
		m->meet_ms = p->e->now_ms + pause;
	if (m->meet_ms > p->e->now_ms)
		return;
	m->meet_ms = p->e->now_ms + pause;
	struct member *x = room(p) && seek ? best(p, rank_unmet) : NULL;
	if (!x && room(p))
		x = best(p, rank_longest);
	if (x)
		dial(p, x);
}

/* When somebody who would be dialled now may be tried again. */
static uint64_t next_due(const struct plan *p)
{
	uint64_t due = UINT64_MAX;
	bool any = p->links < MEMBERS_NEIGHBOURS || p->reachable <= MEMBERS_FEW;
	for (size_t i = 0; i < p->m->n; i++) {
		const struct member *x = &p->m->all[i];
		bool wanted = any || x->urgent || (x->covers & p->wants);
		if (wanted && x->reachable && !x->connected && !x->dialling && x->due_ms > p->e->now_ms &&
			x->due_ms < due)
			due = x->due_ms;
	}
	return due;
}

void members_plan(struct engine *e)
{
	struct plan p = {.e = e, .m = e->members};
	survey(&p);
	dial_all(&p, rank_urgent, SIZE_MAX);
	if (p.reachable <= MEMBERS_FEW)
		dial_all(&p, rank_any, SIZE_MAX);
	dial_all(&p, rank_source, SIZE_MAX);
	dial_all(&p, rank_any, MEMBERS_NEIGHBOURS);
	meet(&p);
	e->members->due_ms = next_due(&p);
}

/* ---- too many ---- */

static bool settled(const struct session *s)
{
	return s->state == SESSION_OPEN && s->looked && s->synced && !s->pulls && s->list.last_sent &&
		s->e->now_ms >= s->open_ms + MEMBERS_SETTLED_MS;
}

/* SPEC 19.1: "may close one of these with `bye` ENOUGH, after `peers`" */
void members_surplus(struct engine *e)
{
	size_t useless = 0, open = 0, may_go = 0;
	for (struct session *s = e->sessions; s; s = s->next) {
		open += s->state == SESSION_OPEN;
		useless += s->state == SESSION_OPEN && !s->sole;
		may_go += settled(s) && !s->sole;
	}
	if (useless <= MEMBERS_SURPLUS && open <= MEMBERS_ROOM)
		return;
	members_look(e);
	uint64_t pick = engine_chance(e, may_go);
	for (struct session *s = e->sessions; s && may_go; s = s->next)
		if (settled(s) && !s->sole && pick-- == 0) {
			members_tell(s, true);
			return;
		}
}
