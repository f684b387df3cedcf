/* dial.c -- see dial.h. */
#include "dial.h"

#include "attempt.h"
#include "log.h"

#include <stdio.h>

#define ADDRESSES_MAX (2 * LIMIT_ADDRESSES) /* its own, and those that others told */

/* One node that is being reached. */
struct target {
	struct target *next;
	struct dial *dial;
	struct id32 node;
	size_t addresses_n, at; /* at: the one to try next */
	char addresses[ADDRESSES_MAX][LIMIT_ADDRESS_BYTES + 1];
	bool direct[ADDRESSES_MAX]; /* heard on the local network */
	size_t through_n;
	struct id32 through[LIMIT_ADDRESSES]; /* relays */
	struct attempt *attempt;
};

struct dial {
	struct node *node;
	struct conn_set *set;
	dial_unreached unreached;
	void *ctx;
	uv_async_t end;
	struct target *targets;
	bool closing;
	int waiting; /* targets, and the handle */
	void (*closed)(void *ctx);
	void *closed_ctx;
};

static void wait_end(struct dial *d)
{
	if (--d->waiting > 0)
		return;
	void (*closed)(void *ctx) = d->closed;
	void *ctx = d->closed_ctx;
	free(d);
	closed(ctx);
}

static void drop(struct target *t)
{
	struct dial *d = t->dial;
	for (struct target **at = &d->targets; *at; at = &(*at)->next) {
		if (*at == t) {
			*at = t->next;
			break;
		}
	}
	free(t);
	wait_end(d);
}

static void give_up(struct target *t)
{
	struct dial *d = t->dial;
	if (!d->closing)
		d->unreached(d->ctx, &t->node, t->through, t->through_n);
	drop(t);
}

static void on_ended(void *ctx, enum err e, const char *why);

static void try_next(struct target *t)
{
	struct dial *d = t->dial;
	while (t->at < t->addresses_n && !d->closing) {
		size_t i = t->at++;
		const struct attempt_target what = {.address = t->addresses[i],
			.direct = t->direct[i],
			.remote = t->node,
			.network = node_network(d->node)};
		if (attempt_start(node_loop(d->node), d->set, &what, on_ended, t, &t->attempt) == OK)
			return;
		t->attempt = NULL;
	}
	give_up(t);
}

static void on_ended(void *ctx, enum err e, const char *why)
{
	struct target *t = (struct target *)ctx;
	t->attempt = NULL;
	log_debug("dial", log_text("event", "not reached"), log_id("node", &t->node),
		log_text("address", t->addresses[t->at - 1]), log_err(e), log_text("why", why));
	try_next(t);
}

static void put_address(struct target *t, const char address[LIMIT_ADDRESS_BYTES + 1], bool direct)
{
	if (t->addresses_n == ADDRESSES_MAX)
		return;
	t->direct[t->addresses_n] = direct;
	memcpy(t->addresses[t->addresses_n++], address, LIMIT_ADDRESS_BYTES + 1);
}

/* What was heard nearby, then what it says of itself, then what others say. */
static void put_addresses(struct target *t, const struct store_peer *p)
{
	for (size_t i = 0; i < p->heard_n; i++)
		if (p->heard_here[i])
			put_address(t, p->heard[i], true);
	for (size_t i = 0; i < p->addresses_n; i++)
		put_address(t, p->addresses[i], false);
	for (size_t i = 0; i < p->heard_n; i++)
		if (!p->heard_here[i])
			put_address(t, p->heard[i], false);
	memcpy(t->through, p->through, sizeof t->through);
	t->through_n = p->through_n;
}

static void on_peer(void *ctx, struct store_res *res)
{
	struct target *t = (struct target *)ctx;
	const struct store_peer *p = res->err == OK && res->r.n == 1 ? res->r.peers : NULL;
	if (p && p->origin != PEER_REMOVED)
		put_addresses(t, p);
	try_next(t);
}

void dial_node(struct dial *d, const struct id32 *node)
{
	struct target *t = d->closing ? NULL : (struct target *)calloc(1, sizeof *t);
	struct store_req *req = t ? (struct store_req *)calloc(1, sizeof *req) : NULL;
	if (!req) {
		free(t);
		if (!d->closing)
			d->unreached(d->ctx, node, NULL, 0);
		return;
	}
	*t = (struct target){.next = d->targets, .dial = d, .node = *node};
	d->targets = t;
	d->waiting++;
	req->op = STORE_PEER_GET;
	req->a.node = *node;
	node_store(d->node, req, on_peer, t);
}

/* From now on the connection is the engine's affair. */
void dial_opened(struct dial *d, conn_id conn)
{
	for (struct target *t = d->targets; t; t = t->next) {
		if (!t->attempt || attempt_conn(t->attempt) != conn)
			continue;
		attempt_release(t->attempt);
		drop(t);
		return;
	}
}

/* ---- life */

static void on_end_closed(uv_handle_t *handle)
{
	wait_end((struct dial *)handle->data);
}

static void on_end(uv_async_t *end)
{
	(void)end;
}

enum err dial_open(
	struct node *n, struct conn_set *set, dial_unreached unreached, void *ctx, struct dial **out)
{
	struct dial *d = (struct dial *)calloc(1, sizeof *d);
	if (!d)
		return ERR_MEMORY;
	if (uv_async_init(node_loop(n), &d->end, on_end) != 0) {
		free(d);
		return ERR_MEMORY;
	}
	d->node = n;
	d->set = set;
	d->unreached = unreached;
	d->ctx = ctx;
	d->waiting = 1;
	d->end.data = d;
	*out = d;
	return OK;
}

void dial_close(struct dial *d, void (*closed)(void *ctx), void *ctx)
{
	if (d->closing)
		return;
	d->closing = true;
	d->closed = closed;
	d->closed_ctx = ctx;
	for (struct target *t = d->targets; t; t = t->next)
		if (t->attempt)
			attempt_stop(t->attempt);
	uv_close((uv_handle_t *)&d->end, on_end_closed);
}
