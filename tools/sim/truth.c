/* truth.c -- what people were told: acknowledged, erased, refused. And what nodes may say about each other. */
#include "protocol/log/entry.h"
#include "tools/sim/sim.h"

#include <stdio.h>

int sim_log_find(const struct sim *s, const struct id32 *log)
{
	for (size_t i = 0; i < s->logs_n; i++)
		if (id32_equal(&s->logs[i].log, log))
			return (int)i;
	return -1;
}

int sim_log_add(struct sim *s, const struct world_person *p, int who, int node)
{
	if (s->logs_n >= SIM_LOGS_MAX)
		abort();
	s->logs[s->logs_n] = (struct sim_log){
		.log = p->log, .who = who, .node = node, .may_fork = s->n[node].role != ROLE_HONEST};
	return (int)s->logs_n++;
}

void sim_pend(struct sim *s, struct sim_pending p)
{
	if (s->pending_n >= SIM_PENDING_MAX)
		abort();
	s->pending[s->pending_n++] = p;
}

static void acknowledge(struct sim *s, int log, const struct engine_event *ev)
{
	if (s->entries_n == s->entries_cap) {
		s->entries_cap = s->entries_cap ? s->entries_cap * 2 : 256;
		s->entries = realloc(s->entries, s->entries_cap * sizeof *s->entries);
		if (!s->entries)
			abort();
	}
	s->entries[s->entries_n++] = (struct sim_entry){.log = log, .seq = ev->seq, .id = ev->id};
}

static void erased(struct sim *s, const struct sim_pending *p)
{
	for (size_t k = 0; k < s->entries_n; k++)
		if (s->entries[k].log == p->log && id32_equal(&s->entries[k].id, &p->erased))
			s->entries[k].erased = true;
}

static void answered(struct sim *s, int node, const struct engine_event *ev)
{
	size_t i = 0;
	while (i < s->pending_n && (s->pending[i].node != node || s->pending[i].tag != ev->tag))
		i++;
	if (!id32_is_zero(&ev->log) && ev->err == OK) {
		int log = sim_log_find(s, &ev->log);
		if (log >= 0)
			acknowledge(s, log, ev);
	}
	if (i == s->pending_n)
		return;
	struct sim_pending p = s->pending[i];
	s->pending[i] = s->pending[--s->pending_n];
	if (p.erasure && ev->err == OK && s->n[node].role == ROLE_HONEST)
		erased(s, &p);
	if (!p.erasure && (ev->err == ERR_STATE || ev->err == ERR_NOT_FOUND))
		s->p[p.who].devices[p.device].lost = true;
}

static int node_of_key(const struct sim *s, const struct id32 *key)
{
	for (size_t i = 0; i < s->w.nodes_n; i++)
		if (id32_equal(&s->w.nodes[i].key, key))
			return (int)i;
	return -1;
}

/* An honest node closed its connection to an honest one: why? */
static void closed(struct sim *s, int node, const struct engine_event *ev)
{
	int peer = node_of_key(s, &ev->node);
	if (peer < 0 || s->n[peer].role != ROLE_HONEST || s->n[node].role != ROLE_HONEST)
		return;
	bool fine = ev->err == OK || ev->err == ERR_CLOSED || ev->err == ERR_DUPLICATE ||
		ev->err == ERR_ENOUGH || ev->err == ERR_REFUSED || ev->err == ERR_TIMEOUT;
	if ((s->n[node].hurt || s->n[peer].hurt) &&
		(ev->err == ERR_FULL || ev->err == ERR_IO || ev->err == ERR_MEMORY))
		fine = true;
	if (ev->err == ERR_VERSION && (s->n[node].newer || s->n[peer].newer))
		fine = true;
	if (ev->err != OK && ev->err != ERR_CLOSED)
		sim_tell(s, "%s and %s part: %s", sim_name(s, node), sim_name(s, peer), err_name(ev->err));
	sim_must(s, fine, MUST_BLAME, "%s closed its connection to %s: %s, %s", sim_name(s, node),
		sim_name(s, peer), err_name(ev->err), ev->text);
}

static void forked(struct sim *s, int node, const struct engine_event *ev)
{
	int log = sim_log_find(s, &ev->log);
	s->r->forks++;
	sim_tell(s, "%s proves a fork of %s's log at %llu", sim_name(s, node),
		log >= 0 ? sim_name(s, s->logs[log].node) : "somebody", (unsigned long long)ev->seq);
	sim_must(s, log >= 0 && s->logs[log].may_fork, MUST_FORK,
		"%s proves a fork that nobody made, at seq %llu", sim_name(s, node),
		(unsigned long long)ev->seq);
}

void sim_heard(void *ctx, struct world_node *n, const struct engine_event *ev)
{
	struct sim *s = ctx;
	int node = (int)(n - s->w.nodes), head[3] = {node, (int)ev->kind, (int)ev->err};
	bool honest = s->n[node].role == ROLE_HONEST;
	sim_hash(s, head, sizeof head);
	if (ev->kind == ENGINE_EVENT_ANSWER) {
		answered(s, node, ev);
	} else if (ev->kind == ENGINE_EVENT_PEER_CLOSED) {
		closed(s, node, ev);
	} else if (ev->kind == ENGINE_EVENT_FORK && honest) {
		forked(s, node, ev);
	} else if (ev->kind == ENGINE_EVENT_OWN_OLD && honest) {
		sim_tell(s, "%s finds that a log of its own is old", n->name);
		sim_must(
			s, s->n[node].old, MUST_OWN, "%s gives up a log of its own without a cause", n->name);
	} else if (ev->kind == ENGINE_EVENT_GUEST) {
		sim_tidings_heard(s, node, &ev->identity);
	} else if (ev->kind == ENGINE_EVENT_CLONE && honest) {
		sim_must(s, s->clones, MUST_BLAME, "%s is told of a clone that nobody made", n->name);
	} else if (ev->kind == ENGINE_EVENT_STORE_ERROR) {
		sim_tell(s, "%s's disk refuses: %s", n->name, err_name(ev->err));
		bool known = s->n[node].hurt || disk_is_off(s->w.disks, n->home);
		sim_must(s, !honest || known, MUST_STORE, "%s: %s %s", n->name, err_name(ev->err), ev->text);
	} else if (ev->kind == ENGINE_EVENT_BLOB && ev->count == ev->total && s->plan->tell_messages) {
		sim_tell(s, "%s has a whole blob", n->name);
	}
}

void sim_look(struct sim *s)
{
	for (size_t i = 0; i < s->w.nodes_n; i++) {
		struct world_node *n = &s->w.nodes[i];
		if (!n->store)
			continue;
		struct store_req q = {.op = STORE_NUMBER};
		struct store_res res;
		world_store(n, &q, &res);
		sim_must(s, res.err == OK && res.r.number >= s->n[i].number, MUST_NUMBERS,
			"%s: its numbers went back", n->name);
		s->n[i].number = res.r.number;
		store_res_free(&res);
	}
	sim_check_memory(s);
}

uint8_t sim_body_at(struct sim *s, int node, const struct id32 *log, uint64_t seq, const struct id32 *id)
{
	struct store_req q = {.op = STORE_BODY_GET};
	struct store_res res;
	uint8_t kind = 0;
	q.a.log = *log;
	q.a.seqs = &seq;
	q.a.n = 1;
	world_store(&s->w.nodes[node], &q, &res);
	if (res.err == OK && res.r.n == 1 && res.r.parts[0].header) {
		struct id32 there = entry_id(res.r.parts[0].header);
		kind = !id || id32_equal(&there, id) ? res.r.parts[0].kind : 0;
	}
	store_res_free(&res);
	return kind;
}

bool sim_on_side_table(struct sim *s, int node, const struct id32 *identity, const struct id32 *entry)
{
	struct store_req q = {.op = STORE_SIDE_LIST};
	struct store_res res;
	bool there = false;
	q.a.identity = *identity;
	world_store(&s->w.nodes[node], &q, &res);
	for (size_t i = 0; res.err == OK && i < res.r.n && !there; i++) {
		struct id32 id = entry_id(res.r.parts[i].header);
		there = id32_equal(&id, entry);
	}
	store_res_free(&res);
	return there;
}

void sim_forget_what_is_gone(struct sim *s)
{
	for (size_t k = 0; k < s->entries_n; k++) {
		struct sim_entry *e = &s->entries[k];
		const struct sim_log *l = &s->logs[e->log];
		bool held = false, erased_somewhere = false;
		for (int i = 0; i < (int)s->w.nodes_n; i++) {
			if (!s->w.nodes[i].store || s->n[i].role != ROLE_HONEST)
				continue;
			uint8_t kind = sim_body_at(s, i, &l->log, e->seq, &e->id);
			held = held || kind;
			erased_somewhere = erased_somewhere || kind == BODY_ERASED;
		}
		if (s->w.nodes[l->node].store && s->n[l->node].role == ROLE_HONEST)
			held = held || sim_on_side_table(s, l->node, &s->p[l->who].id, &e->id);
		e->gone = e->gone || !held;
		e->erased = e->erased && erased_somewhere;
	}
}
