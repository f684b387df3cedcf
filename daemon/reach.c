/* reach.c -- see reach.h. */
#include "reach.h"

#include "attempt.h"
#include "log.h"

#include <stdio.h>

#define ADDRESSES_MAX (2 * LIMIT_ADDRESSES)
/* Where a relay is, it says itself: whoever names the addresses of somebody else must not have them dialled by all its neighbours, nor
 * take the room for other attempts. */
#define OFFERS_MAX (REACH_MAX / 2)
#define OFFERS_MAX_OF_ONE 4
#define DEAF_MS 60000 /* offers of a relay that was not there are not taken up for so long */
#define VAIN_MAX 4 /* addresses of a relay that led nowhere: then the same, though another one led to it */

/* One member, until a connection stands or all ways have failed. */
struct
try {
	struct try *next;
	struct reach *reach;
	enum engine_relay kind; /* NONE: at one address */
	struct id32 node; /* the member; ACCEPT: the relay */
	uint8_t token[16];
	size_t relays_n, relay; /* relay: the one to ask next */
	struct id32 relays[LIMIT_ADDRESSES];
	struct id32 via; /* the one whose addresses these are */
	size_t addresses_n, address;
	char addresses[ADDRESSES_MAX][LIMIT_ADDRESS_BYTES + 1];
	struct attempt *attempt;
	bool answered; /* ACCEPT: by the relay */
	reach_failed failed; /* NULL: nobody waits for it */
	void *failed_ctx;
};

struct told { /* what came of the addresses that a relay says it has */
	struct id32 relay;
	uint64_t until_ms; /* its offers are not taken up */
	uint64_t vain_ms; /* since when these led nowhere */
	unsigned vain;
	char at[LIMIT_ADDRESS_BYTES + 1]; /* where it was last; it is tried first */
};

struct reach {
	struct node *node;
	struct conn_set *set;
	struct try *tries;
	size_t tries_n, told_n;
	struct told told[LIMIT_CONNECTIONS]; /* the oldest gives way */
	uv_async_t end;
	bool closing;
	int waiting; /* for the handle, and tries */
	void (*closed)(void *ctx);
	void *closed_ctx;
};

static void wait_end(struct reach *r)
{
	if (--r->waiting > 0)
		return;
	void (*closed)(void *ctx) = r->closed;
	void *ctx = r->closed_ctx;
	free(r);
	closed(ctx);
}

/* ---- attempts */

static void try_free(struct try *t)
{
	struct reach *r = t->reach;
	struct try **at = &r->tries;
	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	r->tries_n--;
	free(t);
	wait_end(r);
}

static struct try *try_new(struct reach *r, enum engine_relay kind, const struct id32 *node)
{
	struct try *t = r->closing || r->tries_n == REACH_MAX ? NULL : (struct try *)calloc(1, sizeof *t);
	if (!t)
		return NULL;
	*t = (struct try){.next = r->tries, .reach = r, .kind = kind, .node = *node};
	r->tries = t;
	r->tries_n++;
	r->waiting++;
	return t;
}

static bool is_tried(const struct reach *r, const struct id32 *node)
{
	for (const struct try *t = r->tries; t; t = t->next)
		if (t->kind != ENGINE_RELAY_ACCEPT && id32_equal(&t->node, node))
			return true;
	return conn_set_has_peer(r->set, node);
}

static void on_ended(void *ctx, enum err e, const char *why);

static bool dial(struct try *t, const char *address)
{
	struct reach *r = t->reach;
	struct attempt_target what = {.address = address,
		.direct = t->kind == ENGINE_RELAY_NONE,
		.remote = t->kind == ENGINE_RELAY_NONE ? t->node : t->via,
		.network = node_network(r->node),
		.relay = t->kind,
		.relay_node = t->node};
	memcpy(what.secret, t->token, sizeof what.secret);
	log_debug("reach", log_text("event", "dials"), log_id("node", &t->node), log_text("address", address),
		log_text("as", t->kind == ENGINE_RELAY_NONE ? "member" : "relay"));
	return attempt_start(node_loop(r->node), r->set, &what, on_ended, t, &t->attempt) == OK;
}

static void on_relay(void *ctx, struct store_res *res);
static void give_up(struct try *t);

static void look_up_relay(struct try *t)
{
	struct store_req *req = (struct store_req *)calloc(1, sizeof *req);
	if (!req) {
		give_up(t);
		return;
	}
	t->via = t->relays[t->relay++];
	req->op = STORE_PEER_GET;
	req->a.node = t->via;
	node_store(t->reach->node, req, on_relay, t);
}

static struct told *told_find(struct reach *r, const struct id32 *relay)
{
	for (size_t i = 0; i < r->told_n && i < LIMIT_CONNECTIONS; i++)
		if (id32_equal(&r->told[i].relay, relay))
			return &r->told[i];
	return NULL;
}

static struct told *told_of(struct reach *r, const struct id32 *relay)
{
	struct told *a = told_find(r, relay);
	if (!a) {
		a = &r->told[r->told_n++ % LIMIT_CONNECTIONS];
		*a = (struct told){.relay = *relay};
	}
	return a;
}

/* It names the addresses, and offers as often as it likes: so it has them tried only as long as they lead to it. */
static void note_end(struct try *t, bool there)
{
	struct reach *r = t->reach;
	struct told *a = told_of(r, &t->node);
	uint64_t now = uv_now(node_loop(r->node));
	const char *address = t->addresses[t->address - 1];
	if (there) {
		memcpy(a->at, address, sizeof a->at);
		return;
	}
	if (strcmp(a->at, address) == 0)
		a->at[0] = 0;
	if (now >= a->vain_ms + DEAF_MS) {
		a->vain_ms = now;
		a->vain = 0;
	}
	if (++a->vain >= VAIN_MAX)
		a->until_ms = now + DEAF_MS;
}

static void give_up(struct try *t)
{
	if (t->kind == ENGINE_RELAY_ACCEPT && !t->answered)
		told_of(t->reach, &t->node)->until_ms = uv_now(node_loop(t->reach->node)) + DEAF_MS;
	reach_failed failed = t->reach->closing ? NULL : t->failed;
	void *ctx = t->failed_ctx;
	const struct id32 node = t->node;
	try_free(t);
	if (failed)
		failed(ctx, &node);
}

static bool is_deaf(struct reach *r, const struct id32 *relay)
{
	const struct told *a = told_find(r, relay);
	return a && uv_now(node_loop(r->node)) < a->until_ms;
}

/* The next address, the next relay, or the end. */
static void go_on(struct try *t)
{
	if (t->kind == ENGINE_RELAY_ACCEPT && is_deaf(t->reach, &t->node))
		t->address = t->addresses_n;
	while (t->address < t->addresses_n && !t->reach->closing)
		if (dial(t, t->addresses[t->address++]))
			return;
	if (t->relay < t->relays_n && !t->reach->closing)
		look_up_relay(t);
	else
		give_up(t);
}

static void on_ended(void *ctx, enum err e, const char *why)
{
	struct try *t = (struct try *)ctx;
	bool refused = e == ERR_NOT_FOUND || e == ERR_REFUSED || e == ERR_LIMIT;
	bool there = refused || attempt_relayed(t->attempt);
	t->answered = t->answered || there;
	t->attempt = NULL;
	if (t->kind == ENGINE_RELAY_ACCEPT)
		note_end(t, there);
	log_debug("reach", log_text("event", "ended"), log_id("node", &t->node), log_err(e),
		log_text("why", why));
	/* Who was reached and said no would say it at its other addresses too. */
	if (e != ERR_UNREACHABLE && e != ERR_TIMEOUT)
		t->address = t->addresses_n;
	go_on(t);
}

static void put_address(struct try *t, const char address[LIMIT_ADDRESS_BYTES + 1])
{
	if (t->addresses_n < ADDRESSES_MAX)
		memcpy(t->addresses[t->addresses_n++], address, LIMIT_ADDRESS_BYTES + 1);
}

static void first_where_it_was(struct try *t)
{
	const struct told *a = told_find(t->reach, &t->via);
	char address[LIMIT_ADDRESS_BYTES + 1];
	for (size_t i = 1; a && i < t->addresses_n; i++)
		if (strcmp(t->addresses[i], a->at) == 0) {
			memcpy(address, t->addresses[i], sizeof address);
			memmove(t->addresses[1], t->addresses[0], i * sizeof t->addresses[0]);
			memcpy(t->addresses[0], address, sizeof address);
		}
}

static void on_relay(void *ctx, struct store_res *res)
{
	struct try *t = (struct try *)ctx;
	t->addresses_n = t->address = 0;
	if (res->err == OK && res->r.n == 1 && res->r.peers[0].origin != PEER_REMOVED) {
		const struct store_peer *p = &res->r.peers[0];
		for (size_t i = 0; i < p->addresses_n; i++)
			put_address(t, p->addresses[i]);
		for (size_t i = 0; i < p->heard_n; i++)
			put_address(t, p->heard[i]);
		first_where_it_was(t);
	}
	go_on(t);
}

void reach_at(struct reach *r, const struct id32 *node, const char *address)
{
	struct try *t = is_tried(r, node) || strlen(address) > LIMIT_ADDRESS_BYTES
		? NULL
		: try_new(r, ENGINE_RELAY_NONE, node);
	if (!t)
		return;
	snprintf(t->addresses[0], sizeof t->addresses[0], "%s", address);
	t->addresses_n = 1;
	go_on(t);
}

bool reach_through(struct reach *r, const struct id32 *node, const struct id32 *relays, size_t n,
	reach_failed failed, void *ctx)
{
	struct try *t = n == 0 || is_tried(r, node) ? NULL : try_new(r, ENGINE_RELAY_ASK, node);
	if (!t)
		return false;
	t->relays_n = n < LIMIT_ADDRESSES ? n : LIMIT_ADDRESSES;
	memcpy(t->relays, relays, t->relays_n * sizeof *relays);
	t->failed = failed;
	t->failed_ctx = ctx;
	go_on(t);
	return true;
}

/* ---- what is heard */

/* The connection stands and goes on without the attempt. */
static void reached(struct reach *r, conn_id conn)
{
	for (struct try *t = r->tries; t; t = t->next) {
		if (!t->attempt || attempt_conn(t->attempt) != conn)
			continue;
		if (t->kind == ENGINE_RELAY_ACCEPT)
			note_end(t, true);
		attempt_release(t->attempt);
		try_free(t);
		return;
	}
}

static bool may_take(struct reach *r, const struct id32 *relay)
{
	size_t all = 0, of_one = 0;
	for (const struct try *t = r->tries; t; t = t->next) {
		all += t->kind == ENGINE_RELAY_ACCEPT;
		of_one += t->kind == ENGINE_RELAY_ACCEPT && id32_equal(&t->node, relay);
	}
	return !is_deaf(r, relay) && all < OFFERS_MAX && of_one < OFFERS_MAX_OF_ONE;
}

static void take_offer(struct reach *r, const struct engine_event *ev)
{
	struct try *t = may_take(r, &ev->node) ? try_new(r, ENGINE_RELAY_ACCEPT, &ev->node) : NULL;
	if (!t)
		return;
	memcpy(t->token, ev->id.b, sizeof t->token);
	t->relays[t->relays_n++] = ev->node;
	go_on(t);
}

void reach_heard(struct reach *r, const struct engine_event *ev)
{
	if (ev->kind == ENGINE_EVENT_PEER_OPEN)
		reached(r, ev->conn);
	else if (ev->kind == ENGINE_EVENT_RELAY_OFFER)
		take_offer(r, ev);
}

/* ---- life */

static void on_end(uv_async_t *end)
{
	(void)end;
}

enum err reach_open(struct node *n, struct conn_set *set, struct reach **out)
{
	struct reach *r = (struct reach *)calloc(1, sizeof *r);
	if (!r || uv_async_init(node_loop(n), &r->end, on_end) != 0) {
		free(r);
		return ERR_MEMORY;
	}
	r->node = n;
	r->set = set;
	r->waiting = 1;
	r->end.data = r;
	*out = r;
	return OK;
}

static void on_end_closed(uv_handle_t *handle)
{
	wait_end((struct reach *)handle->data);
}

void reach_close(struct reach *r, void (*closed)(void *ctx), void *ctx)
{
	r->closing = true;
	r->closed = closed;
	r->closed_ctx = ctx;
	for (struct try *t = r->tries; t; t = t->next)
		if (t->attempt)
			attempt_stop(t->attempt);
	uv_close((uv_handle_t *)&r->end, on_end_closed);
}
