/* conn_io.c -- the bytes of a connection: reading within its rate, two queues out; see conn.h. */
#include "conn_int.h"

#include "log.h"

#include <stdio.h>

/* ---- queues */

static void queue_put(struct conn_queue *q, struct conn_item *it)
{
	*q->last = it;
	q->last = &it->next;
}

static struct conn_item *queue_take(struct conn_queue *q)
{
	struct conn_item *it = q->first;
	if (it) {
		q->first = it->next;
		if (!q->first)
			q->last = &q->first;
	}
	return it;
}

static void item_free(struct conn_item *it)
{
	buf_free(&it->body);
	free(it);
}

void conn_io_init(struct conn *c)
{
	c->urgent.last = &c->urgent.first;
	c->bulk.last = &c->bulk.first;
	c->messages_left = CONN_RATE_MESSAGES;
	c->bytes_left = (int64_t)(CONN_RATE_BYTES / 8);
	c->filled_ms = uv_now(c->set->env.loop);
}

void conn_io_deinit(struct conn *c)
{
	struct conn_item *it;
	while ((it = queue_take(&c->urgent)) || (it = queue_take(&c->bulk)))
		item_free(it);
	buf_free(&c->in_flight);
	buf_free(&c->rest);
}

void conn_mark_dirty(struct conn *c)
{
	if (c->dirty)
		return;
	c->dirty = true;
	c->next_dirty = c->set->dirty;
	c->set->dirty = c;
}

void conn_send(struct conn *c, uint8_t type, bool bulk, struct buf *body)
{
	struct buf taken = *body;
	*body = (struct buf){0};
	if (c->state != CONN_OPEN) {
		buf_free(&taken);
		return;
	}
	struct conn_item *it = (struct conn_item *)malloc(sizeof *it);
	if (!it || c->queued_bytes + taken.n > CONN_QUEUE_BYTES_MAX) {
		buf_free(&taken);
		conn_cut(
			c, it ? ERR_LIMIT : ERR_MEMORY, it ? "the peer does not take what it is sent" : NULL);
		free(it);
		return;
	}
	*it = (struct conn_item){.body = taken, .type = type};
	c->queued_bytes += taken.n;
	queue_put(bulk ? &c->bulk : &c->urgent, it);
	conn_mark_dirty(c);
}

/* ---- out */

static void on_shutdown(uv_shutdown_t *req, int status)
{
	struct conn *c = (struct conn *)req->data;
	if (c->state == CONN_FLUSHING && (c->ended || status != 0))
		conn_cut(c, c->err, NULL);
}

/* All is with the kernel. The socket stays until the other end has closed as well: closing it with bytes unread would
 * reset the connection, and take our last words away. */
static void flushed(struct conn *c)
{
	if (c->shut)
		return;
	c->shut = true;
	c->shutdown.data = c;
	if (uv_shutdown(&c->shutdown, (uv_stream_t *)&c->tcp, on_shutdown) != 0)
		conn_cut(c, c->err, NULL);
}

static void on_written(uv_write_t *req, int status)
{
	struct conn *c = (struct conn *)req->data;
	size_t bodies = c->in_flight_bodies, bulk = c->in_flight_bulk;
	c->writing = false;
	c->in_flight.n = 0; /* its room is for the next */
	if (c->state == CONN_CLOSING)
		return;
	if (status != 0) {
		conn_cut(c, ERR_IO, uv_strerror(status));
		return;
	}
	if (c->state == CONN_OPEN && bodies > 0)
		c->set->env.handlers.written(c->set->env.ctx, c, bodies, false);
	if (c->state == CONN_OPEN && bulk > 0)
		c->set->env.handlers.written(c->set->env.ctx, c, bulk, true);
	if (c->state != CONN_CLOSING)
		conn_mark_dirty(c);
}

/* Encrypts what waits, the urgent first, up to the bytes that may be in flight. */
static enum err fill(struct conn *c)
{
	c->in_flight_bodies = c->in_flight_bulk = 0;
	while ((c->urgent.first || c->bulk.first) && channel_output_bytes(&c->channel) < CONN_FLIGHT_BYTES) {
		struct conn_item *it = queue_take(&c->urgent);
		bool bulk = !it;
		if (bulk)
			it = queue_take(&c->bulk);
		const struct slice body = buf_slice(&it->body);
		enum err e = channel_send(&c->channel, it->type, &body, 1);
		c->queued_bytes -= body.n;
		*(bulk ? &c->in_flight_bulk : &c->in_flight_bodies) += body.n;
		item_free(it);
		if (e != OK)
			return e;
	}
	return OK;
}

/* A connection at rest holds no large buffers: the two that take turns while there is something to send. */
static void give_back(struct conn *c)
{
	buf_free(&c->in_flight);
	if (channel_output(&c->channel, &c->in_flight) == OK)
		buf_free(&c->in_flight);
}

void conn_flush(struct conn *c)
{
	if (c->writing || c->piped || c->state < CONN_HANDSHAKE || c->state == CONN_CLOSING)
		return;
	enum err e = c->state == CONN_HANDSHAKE ? OK : fill(c);
	if (e == OK && channel_output_bytes(&c->channel) == 0) {
		give_back(c);
		if (c->state == CONN_FLUSHING)
			flushed(c);
		else if (c->state == CONN_PIPE)
			conn_pipe_ready(c);
		return;
	}
	if (e == OK)
		e = channel_output(&c->channel, &c->in_flight);
	if (e != OK) {
		if (e == ERR_LIMIT)
			log_broken("conn", log_text("event", "a message is over its limit"));
		conn_cut(c, e, NULL);
		return;
	}
	c->writing = true;
	c->write.data = c;
	const uv_buf_t buf = uv_buf_init((char *)c->in_flight.p, (unsigned)c->in_flight.n);
	int status = uv_write(&c->write, (uv_stream_t *)&c->tcp, &buf, 1, on_written);
	if (status != 0) {
		c->writing = false;
		conn_cut(c, ERR_IO, uv_strerror(status));
	}
}

/* ---- in */

/* While it may: messages are for somebody who wants them now. */
static bool delivers(const struct conn *c)
{
	return c->state == CONN_OPEN && !c->paused;
}

static enum err take_messages(struct conn *c)
{
	struct channel_msg m;
	enum err e = OK;
	while (delivers(c) && (e = channel_next(&c->channel, &m)) == OK) {
		c->messages_left--;
		c->set->env.handlers.message(c->set->env.ctx, c, m.type, m.body);
	}
	return e == ERR_PENDING ? OK : e;
}

static enum err take_bytes(struct conn *c, struct slice *in)
{
	size_t taken = 0;
	enum err e = channel_feed(&c->channel, *in, &taken);
	*in = slice_of(in->p + taken, in->n - taken);
	if (e == OK && c->state == CONN_HANDSHAKE) {
		conn_mark_dirty(c);
		if (channel_established(&c->channel))
			conn_established(c);
	}
	return e == OK ? take_messages(c) : e;
}

/* What comes after a pause in the middle of the bytes is kept, so that a pause holds from the next message on. */
static void feed(struct conn *c, struct slice in)
{
	enum err e = take_messages(c);
	while (e == OK && in.n > 0 && (c->state == CONN_HANDSHAKE || delivers(c)))
		e = take_bytes(c, &in);
	if (e == OK && c->state == CONN_OPEN && in.n > 0)
		e = buf_put_slice(&c->rest, in);
	if (e != OK)
		conn_cut(c, e, NULL);
}

void conn_feed_rest(struct conn *c)
{
	if (!c->resumed || !delivers(c))
		return;
	struct buf rest = c->rest;
	c->rest = (struct buf){0};
	feed(c, buf_slice(&rest));
	buf_free(&rest);
	if (delivers(c)) {
		c->resumed = false;
		conn_read(c);
	}
}

static void on_refill(uv_timer_t *timer)
{
	struct conn *c = (struct conn *)timer->data;
	c->throttled = false;
	conn_read(c);
}

void conn_throttle(struct conn *c, uint64_t ms)
{
	c->throttled = true;
	uv_timer_start(&c->refill, on_refill, ms, 0);
	conn_read(c);
}

static int64_t filled(int64_t left, uint64_t rate, uint64_t most, uint64_t ms)
{
	int64_t now = left + (int64_t)(rate * ms / 1000);
	return now < (int64_t)most ? now : (int64_t)most;
}

/* Stops reading when the peer has used up its rate, until the debt is paid. */
static void spend(struct conn *c, size_t bytes)
{
	uint64_t now = uv_now(c->set->env.loop), ms = now - c->filled_ms;
	if (ms > 1000)
		ms = 1000;
	c->filled_ms = now;
	c->messages_left = filled(c->messages_left, CONN_RATE_MESSAGES, CONN_RATE_MESSAGES, ms);
	c->bytes_left = filled(c->bytes_left, CONN_RATE_BYTES, CONN_RATE_BYTES / 8, ms) - (int64_t)bytes;
	if ((c->messages_left >= 0 && c->bytes_left >= 0) || c->state != CONN_OPEN)
		return;
	uint64_t debt_ms = 1;
	if (c->messages_left < 0)
		debt_ms += (uint64_t)-c->messages_left * 1000 / CONN_RATE_MESSAGES;
	if (c->bytes_left < 0)
		debt_ms += (uint64_t)-c->bytes_left * 1000 / CONN_RATE_BYTES;
	conn_throttle(c, debt_ms);
}

static void on_end(struct conn *c, ssize_t status)
{
	char why[CONN_WHY_BYTES];
	c->ended = true;
	if (c->state == CONN_PROXY)
		conn_cut(c, ERR_UNREACHABLE, "the proxy closed the connection without an answer");
	if (status == UV_EOF && c->state == CONN_FLUSHING) {
		conn_read(c);
		if (c->shut)
			conn_cut(c, c->err, NULL);
		return;
	}
	if (c->state == CONN_HANDSHAKE && !c->accepted)
		conn_cut(c, ERR_UNREACHABLE,
			"closed in the handshake: another node answers there, or it is of another network");
	/* SPEC 7.4: "An end without `bye` is a *cut*: what was under way is unfinished and must be asked for again." */
	snprintf(why, sizeof why, "the connection was cut: %s",
		status == UV_EOF ? "the other end closed it" : uv_strerror((int)status));
	conn_cut(c, ERR_CLOSED, why);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	(void)suggested;
	struct conn *c = (struct conn *)handle->data;
	*buf = uv_buf_init((char *)c->set->read_buffer, sizeof c->set->read_buffer);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct conn *c = (struct conn *)stream->data;
	if (n < 0 && c->state == CONN_PIPE)
		conn_pipe_ended(c, (int)n);
	else if (n < 0)
		on_end(c, n);
	if (n <= 0)
		return;
	struct slice in = slice_of(buf->base, (size_t)n);
	if (c->state == CONN_PIPE) {
		conn_pipe_feed(c, in);
		return;
	}
	if (c->state == CONN_PROXY)
		conn_proxy_feed(c, &in);
	if (c->state != CONN_PROXY)
		feed(c, in);
	spend(c, (size_t)n);
}

void conn_read(struct conn *c)
{
	bool wanted = (c->state == CONN_PIPE && conn_pipe_reads(c)) || c->state == CONN_PROXY ||
		c->state == CONN_HANDSHAKE || (delivers(c) && !c->resumed && !c->throttled) ||
		(c->state == CONN_FLUSHING && !c->ended);
	if (!wanted) {
		if (c->state != CONN_CLOSING && c->state != CONN_DIALLING)
			uv_read_stop((uv_stream_t *)&c->tcp);
		return;
	}
	int status = uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
	if (status != 0 && status != UV_EALREADY)
		conn_cut(c, ERR_IO, uv_strerror(status));
}

void conn_pause(struct conn *c)
{
	c->paused = true;
	conn_read(c);
}

void conn_resume(struct conn *c)
{
	if (!c->paused)
		return;
	c->paused = false;
	c->resumed = true;
	conn_mark_dirty(c);
}
