/* world_step.c -- what waits in a world, and time: which of it happens next is drawn. See world.h. */
#include "tools/sim/world_int.h"

#include "protocol/peer/message.h"
#include "tools/sim/disk.h"

#include <stdio.h>

#define BATCH_MAX 8 /* requests that share a commit */

static uint64_t number_of(struct world_node *n)
{
	struct store_req q = {.op = STORE_NUMBER};
	struct store_res res;
	world_store(n, &q, &res);
	must(res.err == OK, "the store's number");
	uint64_t number = res.r.number;
	store_res_free(&res);
	return number;
}

/* Some of the requests that wait, in order, with one commit for all. */
static void execute(struct world_node *n)
{
	struct store_req *reqs[BATCH_MAX];
	struct store_res res[BATCH_MAX];
	struct world_input *first = n->stores;
	size_t k = 0, most = 1 + (size_t)world_random(n->world, BATCH_MAX);
	while (first && first->res)
		first = first->next;
	for (struct world_input *i = first; i && k < most; i = i->next) {
		if (n->world->forgets && (int)i->req->op == n->world->forgets &&
			world_random(n->world, 4) == 0)
			i->req->op = STORE_NUMBER;
		reqs[k++] = i->req;
	}
	store_exec(n->store, reqs, res, k);
	bool off = n->world->disks && disk_is_off(n->world->disks, n->home);
	uint64_t number = n->world->committed && !off ? number_of(n) : 0;
	struct world_input *i = first;
	for (size_t j = 0; j < k; j++, i = i->next) {
		must((i->res = malloc(sizeof *i->res)) != NULL, "out of memory");
		*i->res = res[j];
		i->number = number;
	}
	world_power_check(n);
}

/* ---- what waits ---- */

static bool may_deliver(const struct world_link *l, int to)
{
	const struct world *w = l->nodes[0]->world;
	return l->to[to] && !l->stalled[to] && !l->paused[to] && l->to[to]->due_ms <= w->now_ms &&
		(l->to[to]->type != MESSAGE_CHUNK || !w->chunks_max || w->chunks < w->chunks_max);
}

static void deliver(struct world_link *l, int to)
{
	struct world_message *m = l->to[to];
	l->to[to] = m->next;
	if (!m->next)
		l->to_tail[to] = &l->to[to];
	struct world_node *n = l->nodes[to];
	l->delivered++;
	n->world->overtaken += m->nth < n->world->sent_seen;
	if (m->nth > n->world->sent_seen)
		n->world->sent_seen = m->nth;
	if (n->world->arrived)
		n->world->arrived(n->world->watcher, l, to, m->bye ? -1 : m->type, buf_slice(&m->body));
	if (m->late && l->open[!to] && l->nodes[!to]->engine)
		world_feed(l->nodes[!to],
			&(struct engine_in){.kind = ENGINE_IN_WRITTEN,
				.conn = l->conns[!to],
				.bytes = m->bytes,
				.bulk = m->bulk});
	if (n->world->trace)
		fprintf(stderr, "%8llu %s <- %s: %s, %zu bytes\n", (unsigned long long)n->world->now_ms,
			n->name, l->nodes[!to]->name,
			m->bye                          ? "end"
				: message_desc(m->type) ? message_desc(m->type)->name
							: "?",
			m->body.n);
	if (m->type == MESSAGE_CHUNK && !m->bye)
		n->world->chunks++;
	if (l->open[to] && n->engine) {
		if (m->bye) {
			l->open[to] = false;
			world_feed(n, &(struct engine_in){.kind = ENGINE_IN_CLOSED, .conn = l->conns[to]});
		} else {
			world_feed(n,
				&(struct engine_in){.kind = ENGINE_IN_MESSAGE,
					.conn = l->conns[to],
					.type = m->type,
					.body = buf_slice(&m->body)});
		}
	}
	buf_free(&m->body);
	free(m);
}

static void give(struct world_node *n, struct world_input *i)
{
	struct engine_in in = {
		.kind = i->res ? ENGINE_IN_STORED : ENGINE_IN_WORKED, .res = i->res, .work = i->work};
	bool early = n->world->lies && i->res;
	struct store_res copy;
	if (early) {
		copy = *i->res;
		in.res = &copy;
		i->next = NULL;
		i->res->mem = (struct arena){0}; /* the engine takes it */
		*n->owed_tail = i;
		n->owed_tail = &i->next;
	} else {
		world_tell_watcher(n, i);
	}
	world_feed(n, &in);
	if (early)
		return;
	i->work = NULL; /* taken, as the result's memory */
	if (i->res)
		i->res->mem = (struct arena){0};
	world_input_free(i);
}

static void do_store(struct world_node *n)
{
	struct world_input *i = n->stores;
	if (!i->res) {
		execute(n);
		return;
	}
	n->stores = i->next;
	if (!n->stores)
		n->stores_tail = &n->stores;
	give(n, i);
}

static void do_work(struct world_node *n, uint64_t index)
{
	struct world_input **at = &n->works;
	while (index-- > 0)
		at = &(*at)->next;
	struct world_input *i = *at;
	*at = i->next;
	if (!i->next)
		n->works_tail = at;
	give(n, i);
}

static uint64_t works_count(const struct world_node *n)
{
	uint64_t k = 0;
	for (const struct world_input *i = n->works; i; i = i->next)
		k++;
	return k;
}

static void do_dial(struct world_node *n)
{
	struct id32 key = n->dials[0];
	n->dials_n--;
	memmove(n->dials, n->dials + 1, n->dials_n * sizeof *n->dials);
	struct world_node *to = world_reached(n, &key);
	if (n->world->trace)
		fprintf(stderr, "%8llu %s dials %s\n", (unsigned long long)n->world->now_ms, n->name,
			to ? to->name : "nobody");
	n->world->dialled++;
	if (to) {
		world_connect(n, to);
		return;
	}
	n->world->unreached++;
	world_feed(n, &(struct engine_in){.kind = ENGINE_IN_UNREACHED, .peer = key});
}

/* What a node has waiting: as many choices. */
static uint64_t node_choices(const struct world_node *n)
{
	return works_count(n) + (n->owed ? 1u : 0u) + (n->stores ? 1u : 0u) + (n->dials_n ? 1u : 0u);
}

static void node_do(struct world_node *n, uint64_t pick)
{
	if (n->owed && pick-- == 0)
		world_commit_owed(n);
	else if (n->stores && pick-- == 0)
		do_store(n);
	else if (n->dials_n && pick-- == 0)
		do_dial(n);
	else
		do_work(n, pick);
}

/* The next number that is in the set, from i on; n: none. */
static size_t next_of(const uint64_t *set, size_t i, size_t n)
{
	while (i < n) {
		uint64_t bits = set[i / 64] >> (i % 64);
		if (bits)
			return i + (size_t)__builtin_ctzll(bits);
		i = (i / 64 + 1) * 64;
	}
	return n;
}

/* Those that have nothing any more leave the sets. */
static uint64_t count_choices(struct world *w)
{
	uint64_t k = 0;
	for (size_t i = 0; (i = next_of(w->busy_nodes, i, w->nodes_n)) < w->nodes_n; i++) {
		uint64_t more = node_choices(&w->nodes[i]);
		k += more;
		if (more == 0)
			w->busy_nodes[i / 64] &= ~(1ull << (i % 64));
	}
	for (size_t i = 0; (i = next_of(w->busy_links, i, w->links_n)) < w->links_n; i++) {
		const struct world_link *l = &w->links[i];
		k += (uint64_t)may_deliver(l, 0) + may_deliver(l, 1);
		if (!l->to[0] && !l->to[1])
			w->busy_links[i / 64] &= ~(1ull << (i % 64));
	}
	return k;
}

bool world_step(struct world *w)
{
	if (w->steps_max && w->steps >= w->steps_max)
		return false;
	w->steps++;
	uint64_t choices = count_choices(w);
	if (choices == 0)
		return false;
	uint64_t pick = world_random(w, choices);
	for (size_t i = 0; (i = next_of(w->busy_nodes, i, w->nodes_n)) < w->nodes_n; i++) {
		uint64_t here = node_choices(&w->nodes[i]);
		if (pick < here) {
			node_do(&w->nodes[i], pick);
			return true;
		}
		pick -= here;
	}
	for (size_t i = 0; (i = next_of(w->busy_links, i, w->links_n)) < w->links_n; i++)
		for (int to = 0; to < 2; to++)
			if (may_deliver(&w->links[i], to) && pick-- == 0) {
				deliver(&w->links[i], to);
				return true;
			}
	return false;
}

static uint64_t due(struct world_node *n)
{
	if (!n->engine)
		return UINT64_MAX;
	if (!n->due_known)
		n->due_ms = engine_deadline(n->engine);
	n->due_known = true;
	return n->due_ms;
}

/* When something is due: an engine's deadline, or a message that is on its way. */
static uint64_t next_due(struct world *w)
{
	uint64_t next = UINT64_MAX;
	for (size_t i = 0; i < w->nodes_n; i++) {
		uint64_t d = due(&w->nodes[i]);
		next = d < next ? d : next;
	}
	for (size_t i = 0; (i = next_of(w->busy_links, i, w->links_n)) < w->links_n; i++)
		for (int to = 0; to < 2; to++) {
			const struct world_message *m = w->links[i].to[to];
			if (m && m->due_ms > w->now_ms && !w->links[i].stalled[to] && m->due_ms < next)
				next = m->due_ms;
		}
	return next;
}

void world_run(struct world *w, uint64_t idle_ms)
{
	uint64_t end = w->now_ms + idle_ms;
	for (;;) {
		while (world_step(w))
			;
		uint64_t next = next_due(w);
		if (next > end || (w->steps_max && w->steps >= w->steps_max))
			return;
		if (next > w->now_ms) {
			w->wall_s += (next - w->now_ms) / 1000;
			w->now_ms = next;
		} else {
			w->now_ms++;
		}
		for (size_t i = 0; i < w->nodes_n; i++)
			if (due(&w->nodes[i]) <= w->now_ms)
				world_feed(&w->nodes[i], &(struct engine_in){.kind = ENGINE_IN_TIME});
	}
}
