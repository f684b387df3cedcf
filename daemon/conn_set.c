/* conn_set.c -- all connections of a node, and the limits on them; see conn.h. */
#include "conn_int.h"

#include "log.h"

#include <stdio.h>

#define SLOTS_IN_ID 512 /* an id is a number that only grows, times this, plus the slot */

_Static_assert(CONN_SLOTS <= SLOTS_IN_ID, "a slot fits into an id");

/* ---- the set */

static void on_turn(uv_prepare_t *prepare)
{
	struct conn_set *s = (struct conn_set *)prepare->data;
	s->env.handlers.turn(s->env.ctx);
	while (s->dirty) {
		struct conn *c = s->dirty;
		s->dirty = c->next_dirty;
		c->dirty = false;
		conn_feed_rest(c);
		conn_flush(c);
	}
}

enum err conn_set_open(const struct conn_env *env, struct conn_set **out)
{
	struct conn_set *s = (struct conn_set *)calloc(1, sizeof *s);
	if (!s)
		return ERR_MEMORY;
	s->env = *env;
	door_init(&s->door, &env->random);
	if (s->env.relay_idle_ms == 0)
		s->env.relay_idle_ms = CONN_RELAY_IDLE_MS;
	if (uv_prepare_init(env->loop, &s->prepare) != 0) {
		free(s);
		return ERR_IO;
	}
	s->prepare.data = s;
	uv_prepare_start(&s->prepare, on_turn);
	uv_unref((uv_handle_t *)&s->prepare);
	*out = s;
	return OK;
}

static void on_set_closed(uv_handle_t *handle)
{
	struct conn_set *s = (struct conn_set *)handle->data;
	void (*closed)(void *ctx) = s->closed;
	void *ctx = s->closed_ctx;
	free(s);
	closed(ctx);
}

static void close_if_empty(struct conn_set *s)
{
	if (s->closing && s->alive == 0 && !uv_is_closing((uv_handle_t *)&s->prepare))
		uv_close((uv_handle_t *)&s->prepare, on_set_closed);
}

void conn_set_close(struct conn_set *s, void (*closed)(void *ctx), void *ctx)
{
	if (s->closing)
		return;
	s->closing = true;
	s->closed = closed;
	s->closed_ctx = ctx;
	for (size_t i = 0; i < CONN_SLOTS; i++)
		if (s->slots[i])
			conn_bye(s->slots[i], ERR_CLOSED, "this node stops");
	close_if_empty(s);
}

void conn_set_network(struct conn_set *s, const struct id32 *network)
{
	s->network = *network;
	for (size_t i = 0; i < CONN_SLOTS; i++)
		if (s->slots[i] && !id32_equal(&s->slots[i]->network, network))
			conn_bye(s->slots[i], ERR_CLOSED, "this node went to another network");
}

/* ---- members */

enum err conn_set_add(struct conn_set *s, struct conn *c)
{
	size_t dialled = 0, slot = CONN_SLOTS;
	for (size_t i = 0; i < CONN_SLOTS; i++) {
		const struct conn *other = s->slots[i];
		if (!other)
			slot = slot == CONN_SLOTS ? i : slot;
		else if (!other->accepted)
			dialled += !other->settled;
	}
	if (slot == CONN_SLOTS || (!c->accepted && dialled >= CONN_DIALS_MAX))
		return ERR_LIMIT;
	enum err e = c->accepted ? conn_make_room(s, c) : OK;
	if (e != OK)
		return e;
	s->slots[slot] = c;
	c->id = ++s->generation * SLOTS_IN_ID + slot;
	return OK;
}

void conn_set_rename(struct conn_set *s, struct conn *c)
{
	c->id = ++s->generation * SLOTS_IN_ID + c->id % SLOTS_IN_ID;
}

void conn_set_forget(struct conn_set *s, struct conn *c)
{
	if (c->id != 0)
		s->slots[c->id % SLOTS_IN_ID] = NULL;
	c->id = 0;
}

void conn_set_remove(struct conn_set *s, struct conn *c)
{
	conn_set_forget(s, c);
	for (struct conn **at = &s->dirty; *at; at = &(*at)->next_dirty) {
		if (*at == c) {
			*at = c->next_dirty;
			break;
		}
	}
	s->alive--;
	close_if_empty(s);
}

const struct proxy_at *conn_set_proxy(const struct conn_set *s, const char *host)
{
	const struct proxy_at *at = s->env.proxy;
	if (!at || at->kind == PROXY_NONE || proxy_passes_by(s->env.no_proxy, host))
		return NULL;
	return at;
}

struct conn *conn_find(struct conn_set *s, conn_id id)
{
	size_t slot = id % SLOTS_IN_ID;
	struct conn *c = slot < CONN_SLOTS ? s->slots[slot] : NULL;
	return c && c->id == id && c->state < CONN_FLUSHING ? c : NULL;
}

bool conn_set_has_peer(const struct conn_set *s, const struct id32 *node)
{
	for (size_t i = 0; i < CONN_SLOTS; i++) {
		const struct conn *c = s->slots[i];
		if (c && c->settled && c->state == CONN_OPEN && id32_equal(conn_peer(c), node))
			return true;
	}
	return false;
}

size_t conn_set_settled(const struct conn_set *s)
{
	size_t n = 0;
	for (size_t i = 0; i < CONN_SLOTS; i++)
		n += s->slots[i] && s->slots[i]->settled;
	return n;
}

size_t conn_set_count(const struct conn_set *s)
{
	return s->alive;
}

enum err conn_accept(struct conn_set *s, uv_stream_t *listener)
{
	struct conn *c = conn_new(s);
	if (!c)
		return ERR_MEMORY;
	struct sockaddr_storage peer = {0};
	int n = sizeof peer;
	c->accepted = true;
	c->state = CONN_HANDSHAKE;
	if (uv_accept(listener, (uv_stream_t *)&c->tcp) != 0 ||
		uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&peer, &n) != 0) {
		/* It went away while it waited. */
		conn_cut(c, ERR_CLOSED, NULL);
		return OK;
	}
	address_source((const struct sockaddr *)&peer, c->source);
	address_text((const struct sockaddr *)&peer, c->address);
	enum err e = s->closing                                       ? ERR_CLOSED
		: door_lets(&s->door, c->source, uv_now(s->env.loop)) ? conn_set_add(s, c)
								      : ERR_LIMIT;
	if (e == OK) {
		conn_begin(c);
		return OK;
	}
	log_debug("conn", log_text("event", "refused"), log_text("address", c->address), log_err(e));
	conn_cut(c, e, NULL);
	return OK;
}
