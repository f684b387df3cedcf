/* reach.c -- see reach.h. */
#include "reach.h"

#include "attempt.h"
#include "log.h"

#include <stdio.h>

struct
try {
	struct try *next;
	struct reach *reach;
	struct id32 node;
	struct attempt *attempt;
};

struct reach {
	struct node *node;
	struct conn_set *set;
	struct try *tries;
	size_t tries_n;
	bool closing;
	void (*closed)(void *ctx);
	void *closed_ctx;
};

static void end_if_empty(struct reach *r)
{
	if (!r->closing || r->tries)
		return;
	void (*closed)(void *ctx) = r->closed;
	void *ctx = r->closed_ctx;
	free(r);
	closed(ctx);
}

static void try_free(struct try *t)
{
	struct reach *r = t->reach;
	struct try **at = &r->tries;
	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	r->tries_n--;
	free(t);
}

static void on_ended(void *ctx, enum err e, const char *why)
{
	struct try *t = (struct try *)ctx;
	struct reach *r = t->reach;
	log_debug("reach", log_text("event", "ended"), log_id("node", &t->node), log_err(e),
		log_text("why", why));
	try_free(t);
	end_if_empty(r);
}

static struct try *try_new(struct reach *r, const struct id32 *node)
{
	if (r->closing || r->tries_n == REACH_MAX || conn_set_has_peer(r->set, node))
		return NULL;
	for (const struct try *t = r->tries; t; t = t->next)
		if (id32_equal(&t->node, node))
			return NULL;
	struct try *t = (struct try *)calloc(1, sizeof *t);
	if (!t)
		return NULL;
	*t = (struct try){.next = r->tries, .reach = r, .node = *node};
	r->tries = t;
	r->tries_n++;
	return t;
}

void reach_at(struct reach *r, const struct id32 *node, const char *address)
{
	struct try *t = try_new(r, node);
	if (!t)
		return;
	const struct attempt_target what = {
		.address = address, .direct = true, .remote = *node, .network = node_network(r->node)};
	log_debug("reach", log_text("event", "dials"), log_id("node", node), log_text("address", address));
	if (attempt_start(node_loop(r->node), r->set, &what, on_ended, t, &t->attempt) != OK)
		try_free(t);
}

enum err reach_open(struct node *n, struct conn_set *set, struct reach **out)
{
	struct reach *r = (struct reach *)calloc(1, sizeof *r);
	if (!r)
		return ERR_MEMORY;
	r->node = n;
	r->set = set;
	*out = r;
	return OK;
}

void reach_close(struct reach *r, void (*closed)(void *ctx), void *ctx)
{
	r->closing = true;
	r->closed = closed;
	r->closed_ctx = ctx;
	for (struct try *t = r->tries; t; t = t->next)
		attempt_stop(t->attempt);
	end_if_empty(r);
}
