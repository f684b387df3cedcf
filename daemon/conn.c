/* conn.c -- the life of one connection; see conn.h. */
#include "conn_int.h"

#include "log.h"

#include <sodium.h>
#include <stdio.h>

#define KEEPALIVE_S 60
#define HANDLES 3

/* ---- states */

static const bool moves[CONN_STATES][CONN_STATES] = {
	[CONN_DIALLING] = {[CONN_PROXY] = true, [CONN_HANDSHAKE] = true, [CONN_CLOSING] = true},
	[CONN_PROXY] = {[CONN_HANDSHAKE] = true, [CONN_CLOSING] = true},
	[CONN_HANDSHAKE] = {[CONN_OPEN] = true, [CONN_CLOSING] = true},
	[CONN_OPEN] =
		{[CONN_HANDSHAKE] = true, [CONN_PIPE] = true, [CONN_FLUSHING] = true, [CONN_CLOSING] = true},
	[CONN_PIPE] = {[CONN_CLOSING] = true},
	[CONN_FLUSHING] = {[CONN_CLOSING] = true},
	[CONN_CLOSING] = {[CONN_CLOSING] = false},
};

void conn_move_to(struct conn *c, enum conn_state to)
{
	if (!moves[c->state][to])
		abort();
	c->state = to;
}

/* ---- the end */

static void on_handle_closed(uv_handle_t *handle)
{
	struct conn *c = (struct conn *)handle->data;
	if (--c->handles > 0)
		return;
	struct conn_set *s = c->set;
	if (c->id != 0)
		s->env.handlers.closed(s->env.ctx, c, c->err, c->why);
	channel_deinit(&c->channel);
	conn_io_deinit(c);
	conn_proxy_free(c);
	struct conn_dial dial = c->dial;
	conn_id id = c->id;
	enum err e = c->err;
	char why[CONN_WHY_BYTES];
	memcpy(why, c->why, sizeof why);
	sodium_memzero(&c->dial, sizeof c->dial);
	sodium_memzero(dial.secret, sizeof dial.secret);
	if (dial.ended)
		dial.ended(dial.ctx, id, e, why);
	conn_set_remove(s, c);
	free(c);
}

static void close_handles(struct conn *c)
{
	conn_move_to(c, CONN_CLOSING);
	uv_close((uv_handle_t *)&c->tcp, on_handle_closed);
	uv_close((uv_handle_t *)&c->deadline, on_handle_closed);
	uv_close((uv_handle_t *)&c->refill, on_handle_closed);
}

static void set_reason(struct conn *c, enum err e, const char *why)
{
	if (c->why[0])
		return;
	c->err = e;
	snprintf(c->why, sizeof c->why, "%s", why && *why ? why : err_text(e));
}

void conn_cut(struct conn *c, enum err e, const char *why)
{
	if (c->state == CONN_CLOSING)
		return;
	set_reason(c, e, why);
	close_handles(c);
	conn_pipe_end(c);
}

static void on_deadline(uv_timer_t *timer)
{
	struct conn *c = (struct conn *)timer->data;
	if (c->state == CONN_DIALLING)
		conn_cut(c, ERR_TIMEOUT, "no answer to the connection");
	else if (c->state == CONN_PROXY)
		conn_cut(c, ERR_TIMEOUT, "the proxy did not answer in time");
	else
		conn_cut(c, ERR_TIMEOUT, "the handshake took too long");
}

void conn_close(struct conn *c, enum err e, const char *why)
{
	if (c->state == CONN_FLUSHING || c->state == CONN_CLOSING)
		return;
	if (c->state != CONN_OPEN) {
		conn_cut(c, e, why);
		return;
	}
	set_reason(c, e, why);
	conn_move_to(c, CONN_FLUSHING);
	uv_timer_start(&c->deadline, on_deadline, CONN_FLUSH_MS, 0);
	conn_read(c);
	conn_mark_dirty(c);
}

void conn_bye(struct conn *c, enum err e, const char *why)
{
	uint8_t head[4] = {0x92, (uint8_t)e, 0xa0};
	size_t head_n = 3, text_n = strnlen(why, CONN_WHY_BYTES);
	struct buf body = {0};
	if (c->state == CONN_OPEN) {
		/* SPEC 9.2: bye is an array of code and text; a text of 32 bytes or more has its length in a byte of its own. */
		head[2] = text_n < 32 ? (uint8_t)(0xa0 | text_n) : 0xd9;
		if (text_n >= 32)
			head[head_n++] = (uint8_t)text_n;
		if (buf_put(&body, head, head_n) == OK && buf_put(&body, why, text_n) == OK)
			conn_send(c, 0, false, &body);
		buf_free(&body);
	}
	conn_close(c, e, why);
}

/* ---- the beginning */

static uint32_t handshake_ms(const struct conn *c)
{
	return c->set->env.handshake_ms ? c->set->env.handshake_ms : LIMIT_HANDSHAKE_MS;
}

struct conn *conn_new(struct conn_set *s)
{
	struct conn *c = (struct conn *)calloc(1, sizeof *c);
	if (!c)
		return NULL;
	c->set = s;
	c->network = s->network;
	if (uv_tcp_init(s->env.loop, &c->tcp) != 0) {
		free(c);
		return NULL;
	}
	uv_timer_init(s->env.loop, &c->deadline);
	uv_timer_init(s->env.loop, &c->refill);
	c->tcp.data = c->deadline.data = c->refill.data = c;
	c->handles = HANDLES;
	conn_io_init(c);
	/* SPEC 7.5: "The handshake and the first `hello` must be complete within 10 s." The engine waits for the hello. */
	uv_timer_start(&c->deadline, on_deadline, handshake_ms(c), 0);
	s->alive++;
	return c;
}

/* False: it was cut. */
static bool begin_channel(struct conn *c)
{
	const struct conn_env *env = &c->set->env;
	enum err e = OK;
	if (!conn_initiator(c))
		channel_init_responder(&c->channel, env->random, &c->network, env->keys);
	else
		e = channel_init_initiator(&c->channel, env->random, &c->network, env->keys, &c->dial.remote);
	if (e != OK) {
		conn_cut(c, e, e == ERR_FORMAT ? "the peer's key is no key" : NULL);
		return false;
	}
	return true;
}

void conn_begin(struct conn *c)
{
	if (!begin_channel(c))
		return;
	uv_tcp_nodelay(&c->tcp, 1);
	uv_tcp_keepalive(&c->tcp, 1, KEEPALIVE_S);
	if (!c->accepted)
		conn_move_to(c, CONN_HANDSHAKE);
	conn_read(c);
	conn_mark_dirty(c);
}

void conn_renew(struct conn *c)
{
	if (c->state != CONN_OPEN || c->accepted || c->dial.relay == ENGINE_RELAY_NONE) {
		conn_cut(c, ERR_STATE, NULL);
		return;
	}
	channel_deinit(&c->channel);
	conn_move_to(c, CONN_HANDSHAKE);
	c->known = c->settled = false;
	c->responds = c->dial.relay == ENGINE_RELAY_ACCEPT;
	c->dial.relay = ENGINE_RELAY_NONE;
	c->dial.remote = c->dial.relay_node;
	sodium_memzero(c->dial.secret, sizeof c->dial.secret);
	conn_set_rename(c->set, c);
	if (c->dial.moved)
		c->dial.moved(c->dial.ctx, c->id);
	if (!begin_channel(c))
		return;
	uv_timer_start(&c->deadline, on_deadline, handshake_ms(c), 0);
	conn_read(c);
	conn_mark_dirty(c);
}

void conn_established(struct conn *c)
{
	c->peer = *channel_remote_static(&c->channel);
	c->known = true;
	conn_move_to(c, CONN_OPEN);
	uv_timer_stop(&c->deadline);
	c->set->env.handlers.opened(c->set->env.ctx, c);
}

static void on_connect(uv_connect_t *req, int status)
{
	struct conn *c = (struct conn *)req->data;
	char why[CONN_WHY_BYTES];
	if (c->state != CONN_DIALLING)
		return;
	if (status == 0 && c->dial.proxy) {
		conn_move_to(c, CONN_PROXY);
		conn_proxy_begin(c);
		return;
	}
	if (status == 0) {
		conn_begin(c);
		return;
	}
	snprintf(why, sizeof why, "cannot connect%s: %s", c->dial.proxy ? " to the proxy" : "",
		uv_strerror(status));
	conn_cut(c, ERR_UNREACHABLE, why);
}

enum err conn_dial(struct conn_set *s, const struct conn_dial *d, conn_id *id)
{
	if (s->closing)
		return ERR_CLOSED;
	struct conn *c = conn_new(s);
	if (!c)
		return ERR_MEMORY;
	enum err e = conn_set_add(s, c);
	if (e == OK) {
		c->connect.data = c;
		address_text(d->address, c->address);
		address_source(d->address, c->source);
		if (uv_tcp_connect(&c->connect, &c->tcp, d->address, on_connect) != 0) {
			conn_set_forget(s, c);
			e = ERR_UNREACHABLE;
		}
	}
	if (e != OK) {
		conn_cut(c, e, NULL);
		return e;
	}
	c->dial = *d;
	c->dial.address = NULL;
	c->network = d->network;
	*id = c->id;
	return OK;
}

/* ---- what others may know */

void conn_settle(struct conn *c)
{
	if (c->settled || c->state != CONN_OPEN)
		return;
	if (conn_set_settled(c->set) >= LIMIT_CONNECTIONS)
		conn_bye(c, ERR_LIMIT, "this node has as many connections as it can have");
	else
		c->settled = true;
	/* Who was dialled may dial the next time. */
	if (c->settled && !c->dial.proxy)
		door_know(&c->set->door, c->source);
}

conn_id conn_of(const struct conn *c)
{
	return c->id;
}

const struct id32 *conn_peer(const struct conn *c)
{
	return c->known ? &c->peer : NULL;
}

bool conn_initiator(const struct conn *c)
{
	return !c->accepted && !c->responds;
}

const struct conn_dial *conn_dialled(const struct conn *c)
{
	return c->accepted ? NULL : &c->dial;
}

const char *conn_address(const struct conn *c)
{
	return c->address;
}
