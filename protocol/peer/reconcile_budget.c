/* reconcile_budget.c -- how much comparing one node may cause here: counted by its key, not by its connection. SPEC.md section 10.8. */
#include "reconcile.h"

#define ASKING_REST 10 /* a millisecond of asking comes back in so many */

struct ranges_budget { /* zero is full */
	struct id32 node;
	uint64_t asking_ms; /* spent */
	uint64_t rows; /* read to answer it */
	uint64_t ms; /* when both were counted last */
};

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static void refill(struct ranges_budget *b, uint64_t now_ms)
{
	uint64_t since = now_ms - b->ms, whole = since / ASKING_REST;
	b->asking_ms = less(b->asking_ms, whole);
	b->rows = less(b->rows, whole * ASKING_REST * RECONCILE_ANSWER_ROWS_PER_MS);
	b->ms += whole * ASKING_REST;
}

/* NULL: there is no room to count it. */
static struct ranges_budget *budget_of(struct engine *e, const struct id32 *node)
{
	struct ranges_budget *unused = NULL;
	for (size_t i = 0; i < e->ranges_budgets_n; i++) {
		struct ranges_budget *b = &e->ranges_budgets[i];
		refill(b, e->now_ms);
		if (id32_equal(&b->node, node))
			return b;
		if (!b->asking_ms && !b->rows)
			unused = b;
	}
	if (!unused) {
		if (e->ranges_budgets_n == LIMIT_PEERS)
			return NULL;
		struct ranges_budget *all = realloc(
			e->ranges_budgets, (e->ranges_budgets_n + 1) * sizeof *all);
		if (!all)
			return NULL;
		e->ranges_budgets = all;
		unused = &all[e->ranges_budgets_n++];
	}
	*unused = (struct ranges_budget){.node = *node, .ms = e->now_ms};
	return unused;
}

uint64_t reconcile_asking_left(struct engine *e, const struct id32 *node)
{
	const struct ranges_budget *b = budget_of(e, node);
	return b ? less(RECONCILE_ASKING_MS, b->asking_ms) : 0;
}

void reconcile_asking_spent(struct engine *e, const struct id32 *node, uint64_t ms)
{
	struct ranges_budget *b = budget_of(e, node);
	if (b)
		b->asking_ms += ms;
}

bool reconcile_answer_begin(struct engine *e, const struct id32 *node)
{
	struct ranges_budget *b = budget_of(e, node);
	if (!b || b->rows + RECONCILE_ANSWER_SHARE > RECONCILE_ANSWER_ROWS)
		return false;
	b->rows += RECONCILE_ANSWER_SHARE;
	return true;
}

void reconcile_answer_built(struct engine *e, const struct id32 *node, uint64_t rows)
{
	struct ranges_budget *b = budget_of(e, node);
	if (b)
		b->rows = less(b->rows, RECONCILE_ANSWER_SHARE) + RECONCILE_ANSWER_ROWS_MIN + rows;
}
