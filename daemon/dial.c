/* dial.c -- see dial.h. */
#include "dial.h"

#include "attempt.h"
#include "log.h"

#include <sodium.h>
#include <stdio.h>

struct target {
	struct target *next;
	struct dial *dial;
	struct id32 node;
	size_t addresses_n, at; /* at: the one to try next */
	char addresses[LIMIT_ADDRESSES][LIMIT_ADDRESS_BYTES + 1];
	uint64_t pause_ms, due_ms;
	struct attempt *attempt;
	bool listed; /* the peers table still has it */
};

struct dial {
	struct node *node;
	struct conn_set *set;
	uv_timer_t timer;
	struct target *targets;
	bool reading, read_again, closing;
	int waiting; /* for the timer's handle, the table, attempts */
	void (*closed)(void *ctx);
	void *closed_ctx;
};

static void on_timer(uv_timer_t *timer);

static void wait_end(struct dial *d)
{
	if (--d->waiting > 0)
		return;
	while (d->targets) {
		struct target *t = d->targets;
		d->targets = t->next;
		free(t);
	}
	void (*closed)(void *ctx) = d->closed;
	void *ctx = d->closed_ctx;
	free(d);
	closed(ctx);
}

/* Sets the timer to the target that is due first. */
static void schedule(struct dial *d)
{
	uint64_t first = UINT64_MAX, now = uv_now(node_loop(d->node));
	if (d->closing)
		return;
	for (const struct target *t = d->targets; t; t = t->next)
		if (!t->attempt && t->listed && t->due_ms < first)
			first = t->due_ms;
	if (first == UINT64_MAX)
		uv_timer_stop(&d->timer);
	else
		uv_timer_start(&d->timer, on_timer, first > now ? first - now : 0, 0);
}

/* Half of the pause for certain, the other half by chance: who lost one peer together does not come back together. */
static void pause_target(struct target *t)
{
	uint64_t half = t->pause_ms / 2;
	t->due_ms = uv_now(node_loop(t->dial->node)) + half + randombytes_uniform((uint32_t)half + 1);
}

static void longer_pause(struct target *t)
{
	uint64_t most = node_config(t->dial->node)->redial_max_s * 1000;
	t->pause_ms = t->pause_ms * 2 < most ? t->pause_ms * 2 : most;
}

static void forget_unlisted(struct dial *d)
{
	for (struct target **at = &d->targets; *at;) {
		struct target *t = *at;
		if (!t->listed && !t->attempt) {
			*at = t->next;
			free(t);
		} else {
			at = &t->next;
		}
	}
}

static void on_ended(void *ctx, enum err e, const char *why)
{
	struct target *t = (struct target *)ctx;
	struct dial *d = t->dial;
	t->attempt = NULL;
	log_debug("dial", log_text("event", "ended"), log_id("node", &t->node), log_err(e),
		log_text("why", why));
	/* All addresses in turn, then the pause doubles. It becomes short again when the peer was reached. */
	pause_target(t);
	if (t->at >= t->addresses_n) {
		t->at = 0;
		longer_pause(t);
	}
	if (!d->closing) {
		forget_unlisted(d);
		schedule(d);
	}
	wait_end(d);
}

static void dial_target(struct target *t)
{
	struct dial *d = t->dial;
	if (conn_set_has_peer(d->set, &t->node)) {
		pause_target(t);
		return;
	}
	const struct attempt_target what = {
		.address = t->addresses[t->at++], .remote = t->node, .network = node_network(d->node)};
	enum err e = attempt_start(node_loop(d->node), d->set, &what, on_ended, t, &t->attempt);
	if (e == OK) {
		d->waiting++;
		return;
	}
	t->attempt = NULL;
	if (t->at >= t->addresses_n)
		t->at = 0;
	longer_pause(t);
	pause_target(t);
}

static void on_timer(uv_timer_t *timer)
{
	struct dial *d = (struct dial *)timer->data;
	uint64_t now = uv_now(node_loop(d->node));
	for (struct target *t = d->targets; t; t = t->next)
		if (t->listed && !t->attempt && t->due_ms <= now)
			dial_target(t);
	schedule(d);
}

/* ---- the table */

static struct target *target_of(struct dial *d, const struct id32 *node)
{
	struct target *t = d->targets;
	while (t && !id32_equal(&t->node, node))
		t = t->next;
	return t;
}

static void take_peer(struct dial *d, const struct store_peer *p)
{
	bool dialled = p->origin != PEER_REMOVED && p->addresses_n > 0 && p->addresses_n <= LIMIT_ADDRESSES &&
		!id32_equal(&p->node, &node_keys(d->node)->node_key);
	struct target *t = target_of(d, &p->node);
	if (!dialled)
		return;
	if (!t) {
		t = (struct target *)calloc(1, sizeof *t);
		if (!t)
			return; /* the next look at the table tries again */
		*t = (struct target){
			.next = d->targets, .dial = d, .node = p->node, .pause_ms = DIAL_PAUSE_MIN_MS};
		d->targets = t;
	}
	bool same = t->addresses_n == p->addresses_n &&
		memcmp(t->addresses, p->addresses, sizeof t->addresses) == 0;
	t->listed = true;
	if (same)
		return;
	memcpy(t->addresses, p->addresses, sizeof t->addresses);
	t->addresses_n = p->addresses_n;
	t->at = 0;
	t->pause_ms = DIAL_PAUSE_MIN_MS;
	t->due_ms = 0;
}

static void on_peers(void *ctx, struct store_res *res)
{
	struct dial *d = (struct dial *)ctx;
	d->reading = false;
	if (res->err == OK && !d->closing) {
		for (struct target *t = d->targets; t; t = t->next)
			t->listed = false;
		for (size_t i = 0; i < res->r.n; i++)
			take_peer(d, &res->r.peers[i]);
		forget_unlisted(d);
		schedule(d);
	}
	if (d->read_again && !d->closing) {
		d->read_again = false;
		dial_again(d);
	}
	wait_end(d);
}

void dial_again(struct dial *d)
{
	if (d->closing || d->reading) {
		d->read_again = true;
		return;
	}
	struct store_req *req = (struct store_req *)calloc(1, sizeof *req);
	if (!req)
		return;
	req->op = STORE_PEER_LIST;
	d->reading = true;
	d->waiting++;
	node_store(d->node, req, on_peers, d);
}

void dial_heard(struct dial *d, const struct engine_event *ev)
{
	if (d->closing)
		return;
	struct target *t = target_of(d, &ev->node);
	if (ev->kind == ENGINE_EVENT_PEER_OPEN) {
		if (t) {
			t->pause_ms = DIAL_PAUSE_MIN_MS;
			t->at = 0;
		}
		dial_again(d); /* its hello may have told other addresses */
	} else if (ev->kind == ENGINE_EVENT_PEER_CLOSED && t && !t->attempt) {
		/* It had come to us. */
		pause_target(t);
		schedule(d);
	} else if (ev->kind == ENGINE_EVENT_JOINED || ev->kind == ENGINE_EVENT_REDEEMED) {
		dial_again(d);
	}
}

/* ---- life */

enum err dial_open(struct node *n, struct conn_set *set, struct dial **out)
{
	struct dial *d = (struct dial *)calloc(1, sizeof *d);
	if (!d)
		return ERR_MEMORY;
	d->node = n;
	d->set = set;
	d->waiting = 1;
	uv_timer_init(node_loop(n), &d->timer);
	d->timer.data = d;
	*out = d;
	return OK;
}

static void on_timer_closed(uv_handle_t *handle)
{
	wait_end((struct dial *)handle->data);
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
	uv_close((uv_handle_t *)&d->timer, on_timer_closed);
}
