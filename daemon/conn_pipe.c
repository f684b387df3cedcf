/* conn_pipe.c -- two accepted connections whose bytes are passed on, unchanged: what a relay does. SPEC.md section 19.5.
 *
 * What was to be said before leaves encrypted first; from there on bytes go from one socket to the other. What the other does not
 * take at once waits, at most one read of it, and nothing more is read until it left. The end of one direction is passed on too. */
#include "conn_int.h"

#include "log.h"

#include <stdio.h>

#define LINGER_MS (2 * CONN_FLUSH_MS) /* for the second direction after the first has ended */

static void on_idle(uv_timer_t *timer)
{
	conn_cut((struct conn *)timer->data, ERR_TIMEOUT, "nothing was passed on for too long");
}

static void wake(struct conn *c, uint64_t ms)
{
	uv_timer_start(&c->deadline, on_idle, ms, 0);
}

static void both_wake(struct conn *c)
{
	bool ends = c->ended || c->other->ended;
	wake(c, ends ? LINGER_MS : c->set->env.relay_idle_ms);
	wake(c->other, ends ? LINGER_MS : c->set->env.relay_idle_ms);
}

void conn_splice(struct conn *a, struct conn *b)
{
	if (a == b || a->state != CONN_OPEN || b->state != CONN_OPEN || !a->accepted || !b->accepted) {
		conn_cut(a, ERR_STATE, NULL);
		conn_cut(b, ERR_STATE, NULL);
		return;
	}
	a->other = b;
	b->other = a;
	conn_move_to(a, CONN_PIPE);
	conn_move_to(b, CONN_PIPE);
	log_debug("relay", log_text("event", "passes on"), log_id("from", &a->peer), log_id("to", &b->peer));
	conn_read(a);
	conn_read(b);
	both_wake(a);
	conn_mark_dirty(a);
	conn_mark_dirty(b);
}

/* The other one goes too; called when c is on its way out. */
void conn_pipe_end(struct conn *c)
{
	struct conn *o = c->other;
	if (!o)
		return;
	c->other = o->other = NULL;
	conn_cut(o, c->err, c->why);
}

bool conn_pipe_reads(const struct conn *c)
{
	return c->piped && c->other && c->other->piped && !c->other->writing && !c->throttled && !c->ended;
}

/* All that was said before has left. */
void conn_pipe_ready(struct conn *c)
{
	if (c->piped)
		return;
	c->piped = true;
	conn_read(c);
	conn_read(c->other);
}

static void on_shutdown(uv_shutdown_t *req, int status)
{
	struct conn *c = (struct conn *)req->data;
	if (c->state == CONN_PIPE && (status != 0 || (c->ended && c->other->shut)))
		conn_cut(c, OK, "closed in order");
}

/* c's other end has said all, and it was written: c says nothing more. */
static void pass_end_on(struct conn *c)
{
	if (c->shut || c->writing)
		return;
	c->shut = true;
	c->shutdown.data = c;
	if (uv_shutdown(&c->shutdown, (uv_stream_t *)&c->tcp, on_shutdown) != 0)
		conn_cut(c, ERR_IO, NULL);
}

void conn_pipe_ended(struct conn *c, int status)
{
	c->ended = true;
	if (status != UV_EOF) {
		conn_cut(c, ERR_CLOSED, uv_strerror(status));
		return;
	}
	both_wake(c);
	conn_read(c);
	pass_end_on(c->other);
}

static void on_written(uv_write_t *req, int status)
{
	struct conn *c = (struct conn *)req->data;
	c->writing = false;
	c->in_flight.n = 0;
	if (c->state != CONN_PIPE)
		return;
	if (status != 0) {
		conn_cut(c, ERR_IO, uv_strerror(status));
		return;
	}
	conn_read(c->other);
	if (c->other->ended)
		pass_end_on(c);
}

/* Writes what the kernel did not take at once. */
static void write_later(struct conn *c, struct slice rest)
{
	c->in_flight.n = 0;
	if (buf_put_slice(&c->in_flight, rest) != OK) {
		conn_cut(c, ERR_MEMORY, NULL);
		return;
	}
	const uv_buf_t buf = uv_buf_init((char *)c->in_flight.p, (unsigned)c->in_flight.n);
	c->writing = true;
	c->write.data = c;
	if (uv_write(&c->write, (uv_stream_t *)&c->tcp, &buf, 1, on_written) != 0) {
		c->writing = false;
		conn_cut(c, ERR_IO, NULL);
		return;
	}
	conn_read(c->other);
}

/* What all pairs may pass on in a second; who is over it waits until the debt is paid. */
static void spend(struct conn *c, size_t n)
{
	struct conn_set *s = c->set;
	uint64_t rate = s->env.relay_rate, now = uv_now(s->env.loop), ms = now - s->relay_ms;
	if (rate == 0)
		return;
	int64_t most = (int64_t)rate, add = ms < 1000 ? (int64_t)(rate * ms / 1000) : most;
	s->relay_ms = now;
	s->relay_left = s->relay_left + add < most ? s->relay_left + add : most;
	s->relay_left -= (int64_t)n;
	if (s->relay_left < 0)
		conn_throttle(c, 1 + (uint64_t)-s->relay_left * 1000 / rate);
}

void conn_pipe_feed(struct conn *c, struct slice in)
{
	struct conn *o = c->other;
	const uv_buf_t buf = uv_buf_init((char *)(uintptr_t)in.p, (unsigned)in.n);
	int taken = uv_try_write((uv_stream_t *)&o->tcp, &buf, 1);
	if (taken < 0 && taken != UV_EAGAIN) {
		conn_cut(c, ERR_IO, uv_strerror(taken));
		return;
	}
	size_t n = taken > 0 ? (size_t)taken : 0;
	both_wake(c);
	if (n < in.n)
		write_later(o, slice_of(in.p + n, in.n - n));
	if (c->state == CONN_PIPE)
		spend(c, in.n);
}
