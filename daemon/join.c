/* join.c -- see join.h.
 *
 * A node belongs to one network at a time, and the handshake needs the network's id: so the node goes over to the
 * invitation's network before the first attempt, and back if all of them failed. */
#include "join.h"

#include "attempt.h"
#include "log.h"
#include "node_int.h"

#include <sodium.h>
#include <stdio.h>
#include <time.h>

struct join {
	struct joins *all;
	struct invitation inv;
	size_t at;
	struct attempt *attempt;
	uv_timer_t timer;
	bool joined, timed_out;
	struct engine_event event;
	enum err err, said; /* said: what the inviter answered */
	char why[256];
	join_done done;
	void *ctx;
};

struct joins {
	struct node *node;
	struct conn_set *set;
	struct join *one; /* under way: there is one network to go to */
	size_t count; /* with those that were refused and not told yet */
	struct id32 before;
	bool closing;
	uv_async_t end;
	void (*closed)(void *ctx);
	void *closed_ctx;
};

static void on_timer_closed(uv_handle_t *handle)
{
	struct join *j = (struct join *)handle->data;
	struct joins *all = j->all;
	if (all->one == j)
		all->one = NULL;
	j->done(j->ctx, j->err, j->why, j->joined ? &j->event : NULL);
	sodium_memzero(j, sizeof *j);
	free(j);
	all->count--;
	if (all->closing)
		uv_async_send(&all->end);
}

static void finish(struct join *j, enum err e)
{
	j->err = e;
	if (uv_is_closing((uv_handle_t *)&j->timer))
		return;
	if (j->all->one == j) {
		if (e == OK)
			node_set_network(j->all->node, &j->inv.network);
		else
			node_use_network(j->all->node, &j->all->before);
	}
	uv_close((uv_handle_t *)&j->timer, on_timer_closed);
}

static void next(struct join *j);

/* What the inviter says of the invitation itself: another address would say the same. NULL: something else. */
static const char *verdict(enum err e)
{
	if (e == ERR_EXPIRED)
		return "the invitation has expired: ask for a new one";
	if (e == ERR_USED)
		return "the invitation was used up by others: ask for a new one";
	if (e == ERR_REFUSED)
		return "the node there does not know this invitation, or took it back: ask for a new one";
	return NULL;
}

static void on_ended(void *ctx, enum err e, const char *why)
{
	struct join *j = (struct join *)ctx;
	j->attempt = NULL;
	uv_timer_stop(&j->timer);
	if (j->joined)
		return;
	if (j->said != OK)
		e = j->said;
	else
		snprintf(j->why, sizeof j->why, "%s: %s", j->inv.addresses[j->at - 1],
			j->timed_out ? "no answer to the invitation" : why);
	j->err = j->timed_out ? ERR_TIMEOUT : e == OK || e == ERR_CLOSED ? ERR_UNREACHABLE : e;
	next(j);
}

static void on_time(uv_timer_t *timer)
{
	struct join *j = (struct join *)timer->data;
	j->timed_out = true;
	if (j->attempt)
		attempt_stop(j->attempt);
}

/* The next address, or the end. */
static void next(struct join *j)
{
	struct joins *all = j->all;
	if (all->closing) {
		snprintf(j->why, sizeof j->why, "the node stops");
		finish(j, ERR_CLOSED);
		return;
	}
	while (!verdict(j->err) && j->at < j->inv.addresses_n) {
		struct attempt_target t = {.address = j->inv.addresses[j->at++],
			.remote = j->inv.node,
			.network = j->inv.network,
			.redeem = true};
		memcpy(t.secret, j->inv.secret, sizeof t.secret);
		j->said = OK;
		j->timed_out = false;
		enum err e = attempt_start(node_loop(all->node), all->set, &t, on_ended, j, &j->attempt);
		sodium_memzero(t.secret, sizeof t.secret);
		if (e == OK) {
			uv_timer_start(&j->timer, on_time, JOIN_ATTEMPT_MS, 0);
			return;
		}
		j->err = e;
		snprintf(j->why, sizeof j->why, "%s: %s", t.address, err_text(e));
	}
	finish(j, j->err);
}

/* Ends a join that cannot begin; done comes from the loop. */
static void refuse(struct join *j, enum err e, const char *why)
{
	snprintf(j->why, sizeof j->why, "%s", why);
	finish(j, e);
}

void joins_begin(struct joins *all, const struct invitation *inv, join_done done, void *ctx)
{
	struct join *j = (struct join *)calloc(1, sizeof *j);
	if (!j) {
		log_broken("join", log_text("event", "no memory"));
		abort();
	}
	*j = (struct join){.all = all, .inv = *inv, .err = ERR_UNREACHABLE, .done = done, .ctx = ctx};
	snprintf(j->why, sizeof j->why, "the invitation names no address");
	uv_timer_init(node_loop(all->node), &j->timer);
	j->timer.data = j;
	all->count++;
	if (all->closing) {
		refuse(j, ERR_CLOSED, "the node stops");
	} else if (all->one) {
		refuse(j, ERR_REFUSED, "another invitation is being redeemed: wait until it is done");
	} else if ((uint64_t)inv->expires_hour <= (uint64_t)time(NULL) / 3600) {
		refuse(j, ERR_EXPIRED, "the invitation has expired: ask for a new one");
	} else if (id32_equal(&inv->node, &node_keys(all->node)->node_key)) {
		refuse(j, ERR_INPUT, "this node made that invitation itself: give it to another node");
	} else {
		all->one = j;
		all->before = node_network(all->node);
		if (!id32_equal(&all->before, &inv->network))
			node_use_network(all->node, &inv->network);
		next(j);
	}
}

void joins_heard(struct joins *all, const struct engine_event *ev)
{
	struct join *j = all->one;
	bool ours = j && j->attempt && attempt_conn(j->attempt) == ev->conn && ev->conn != 0;
	if (!ours)
		return;
	if (ev->kind == ENGINE_EVENT_JOINED) {
		j->joined = true;
		j->event = *ev;
		j->why[0] = 0;
		uv_timer_stop(&j->timer);
		/* The connection stays: it is a member's now, and the dialler finds it. */
		attempt_release(j->attempt);
		j->attempt = NULL;
		finish(j, OK);
	} else if (ev->kind == ENGINE_EVENT_PEER_CLOSED) {
		if (ev->err == ERR_CLOSED)
			return; /* cut: the end of the attempt says how */
		j->said = ev->err;
		snprintf(j->why, sizeof j->why, "%s: %s", j->inv.addresses[j->at - 1],
			verdict(ev->err) ? verdict(ev->err) : ev->text);
	}
}

static void on_end_closed(uv_handle_t *handle)
{
	struct joins *all = (struct joins *)handle->data;
	void (*closed)(void *ctx) = all->closed;
	void *ctx = all->closed_ctx;
	free(all);
	closed(ctx);
}

static void on_end(uv_async_t *end)
{
	struct joins *all = (struct joins *)end->data;
	if (all->closing && all->count == 0 && !uv_is_closing((uv_handle_t *)end))
		uv_close((uv_handle_t *)end, on_end_closed);
}

enum err joins_open(struct node *n, struct conn_set *set, struct joins **out)
{
	struct joins *all = (struct joins *)calloc(1, sizeof *all);
	if (!all)
		return ERR_MEMORY;
	all->node = n;
	all->set = set;
	if (uv_async_init(node_loop(n), &all->end, on_end) != 0) {
		free(all);
		return ERR_MEMORY;
	}
	all->end.data = all;
	*out = all;
	return OK;
}

void joins_close(struct joins *all, void (*closed)(void *ctx), void *ctx)
{
	if (all->closing)
		return;
	all->closing = true;
	all->closed = closed;
	all->closed_ctx = ctx;
	if (all->one && all->one->attempt)
		attempt_stop(all->one->attempt);
	uv_async_send(&all->end);
}
