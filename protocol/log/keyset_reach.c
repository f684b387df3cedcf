/* keyset_reach.c -- who reaches whom by `after`. SPEC.md section 3.5.
 * One question is asked for many groups at once: is this event reached by another of its group? Each group is a bit that
 * flows along `after` in one pass over all events, 256 groups a pass: n * after, whatever the shape. */
#include "protocol/log/keyset_internal.h"

#define WORDS 4
#define BATCH (WORDS * 64)

struct bits {
	uint64_t w[WORDS];
};

struct graph {
	size_t n, edges;
	uint32_t *first; /* n + 1: where the targets of event i begin */
	uint32_t *target;
	uint32_t *sorted; /* each event before those that it reaches */
	uint32_t *named; /* by how many events */
	struct bits *flow;
};

static void graph_free(struct graph *g)
{
	free(g->first);
	free(g->target);
	free(g->sorted);
	free(g->named);
	free(g->flow);
}

static enum err graph_alloc(struct graph *g, const struct keyset_state *st)
{
	g->n = st->n;
	for (size_t i = 0; i < st->n; i++)
		g->edges += st->order[i]->after_n;
	g->first = (uint32_t *)calloc(g->n + 1, sizeof *g->first);
	g->target = (uint32_t *)calloc(g->edges + 1, sizeof *g->target);
	g->sorted = (uint32_t *)calloc(g->n + 1, sizeof *g->sorted);
	g->named = (uint32_t *)calloc(g->n + 1, sizeof *g->named);
	g->flow = (struct bits *)calloc(g->n + 1, sizeof *g->flow);
	return g->first && g->target && g->sorted && g->named && g->flow ? OK : ERR_MEMORY;
}

/* Ids that are not stored lead nowhere. */
static void graph_link(struct graph *g, const struct keyset_state *st)
{
	uint32_t at = 0;
	for (size_t i = 0; i < g->n; i++) {
		const struct record *r = st->order[i];
		g->first[i] = at;
		for (size_t k = 0; k < r->after_n; k++) {
			const struct map_entry *to = map_find(&st->ids, &r->after[k]);
			if (!to || !to->rec)
				continue;
			g->target[at++] = to->index;
			g->named[to->index]++;
		}
	}
	g->first[g->n] = at;
}

/* A cycle would need a hash that contains itself; were there one, its events would come last, in any order. */
static void graph_sort(struct graph *g)
{
	size_t n = 0;
	for (size_t i = 0; i < g->n; i++)
		if (g->named[i] == 0)
			g->sorted[n++] = (uint32_t)i;
	for (size_t done = 0; done < n; done++) {
		uint32_t i = g->sorted[done];
		for (uint32_t k = g->first[i]; k < g->first[i + 1]; k++)
			if (--g->named[g->target[k]] == 0)
				g->sorted[n++] = g->target[k];
	}
	for (size_t i = 0; i < g->n && n < g->n; i++)
		if (g->named[i] != 0)
			g->sorted[n++] = (uint32_t)i;
}

static bool bit_get(const struct bits *b, uint32_t bit)
{
	return b->w[bit / 64] >> (bit % 64) & 1;
}

static void bit_set(struct bits *b, uint32_t bit)
{
	b->w[bit / 64] |= 1ull << (bit % 64);
}

/* One pass for the groups from .. from + BATCH - 1; group 0 is "in force". */
static void flow(struct graph *g, uint32_t from, const uint32_t *group, const bool *in_force, bool *reached,
	bool *inner)
{
	memset(g->flow, 0, g->n * sizeof *g->flow);
	for (size_t s = 0; s < g->n; s++) {
		uint32_t i = g->sorted[s], own = group[i] - from;
		struct bits b = g->flow[i];
		if (group[i] >= from && group[i] != 0 && own < BATCH) {
			reached[i] = bit_get(&b, own);
			bit_set(&b, own);
		}
		if (from == 0) {
			inner[i] = bit_get(&b, 0);
			if (in_force[i])
				bit_set(&b, 0);
		}
		if (!(b.w[0] | b.w[1] | b.w[2] | b.w[3]))
			continue;
		for (uint32_t k = g->first[i]; k < g->first[i + 1]; k++)
			for (size_t w = 0; w < WORDS; w++)
				g->flow[g->target[k]].w[w] |= b.w[w];
	}
}

/* SPEC 3.5: "event x reaches y if x's `after` contains y, or contains some z that reaches y, among the valid events known" */
enum err keyset_reach(const struct keyset_state *st, const uint32_t *group, uint32_t groups_n,
	const bool *in_force, bool *reached, bool *inner)
{
	struct graph g = {0};
	enum err e = graph_alloc(&g, st);
	if (e == OK) {
		graph_link(&g, st);
		graph_sort(&g);
		for (uint32_t from = 0; from <= groups_n; from += BATCH)
			flow(&g, from, group, in_force, reached, inner);
	}
	graph_free(&g);
	return e;
}
