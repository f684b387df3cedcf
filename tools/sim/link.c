/* link.c -- connections of a simulation: two queues of messages in each direction, with or without the cipher. */
#include "driver_int.h"

#define PING 28
#define PONG 29
#define PIECE_BYTES_MAX 70000 /* of a fragment, with the cipher */

/* ---- queues */

static void queue_put(struct sim_queue *q, struct sim_message *m)
{
	*q->last = m;
	q->last = &m->next;
}

static struct sim_message *queue_take(struct sim_queue *q)
{
	struct sim_message *m = q->first;
	if (m) {
		q->first = m->next;
		if (!q->first)
			q->last = &q->first;
	}
	return m;
}

static void queue_empty(struct sim_queue *q)
{
	for (struct sim_message *m; (m = queue_take(q));) {
		buf_free(&m->body);
		free(m);
	}
}

/* ---- the cipher */

/* From one channel to the other, in fragments; what comes out as messages is compared with what went in by the caller. */
static void pass_bytes(
	struct sim *s, struct channel *from, struct channel *to, struct buf *body, uint8_t *type)
{
	struct buf bytes = {0};
	struct channel_msg m;
	if (channel_output(from, &bytes) != OK)
		abort();
	for (size_t at = 0; at < bytes.n;) {
		size_t piece = 1 + (size_t)sim_random(s, PIECE_BYTES_MAX), taken = 0;
		piece = piece < bytes.n - at ? piece : bytes.n - at;
		if (channel_feed(to, slice_of(bytes.p + at, piece), &taken) != OK)
			abort();
		at += taken;
		while (channel_established(to) && channel_next(to, &m) == OK) {
			*type = m.type;
			if (buf_put_slice(body, m.body) != OK)
				abort();
		}
	}
	buf_free(&bytes);
}

static void shake_hands(struct sim_link *l)
{
	struct sim *s = l->sim;
	struct sim_end *a = &l->ends[0], *b = &l->ends[1];
	const struct id32 *network = &a->node->options.network;
	struct buf none = {0};
	uint8_t type = 0;
	if (channel_init_initiator(
		    &a->channel, sim_source(s), network, &a->node->keys, &b->node->keys.public_key) != OK)
		abort();
	channel_init_responder(&b->channel, sim_source(s), &b->node->options.network, &b->node->keys);
	pass_bytes(s, &a->channel, &b->channel, &none, &type);
	pass_bytes(s, &b->channel, &a->channel, &none, &type);
	pass_bytes(s, &a->channel, &b->channel, &none, &type);
	if (!channel_established(&a->channel) || !channel_established(&b->channel) || none.n != 0)
		abort();
}

/* ---- life */

static void end_clear(struct sim_end *e)
{
	queue_empty(&e->urgent);
	queue_empty(&e->bulk);
	channel_deinit(&e->channel);
}

struct sim_link *sim_link(struct sim_node *a, struct sim_node *b, const uint8_t secret[16])
{
	struct sim *s = a->sim;
	struct sim_link *l = (struct sim_link *)calloc(1, sizeof *l);
	if (!l)
		abort();
	l->sim = s;
	l->open = true;
	for (size_t i = 0; i < 2; i++) {
		struct sim_end *e = &l->ends[i];
		e->node = i == 0 ? a : b;
		e->conn = ++s->next_conn;
		e->urgent.last = &e->urgent.first;
		e->bulk.last = &e->bulk.first;
	}
	if (s->options.cipher)
		shake_hands(l);
	*s->links_last = l;
	s->links_last = &l->next;
	for (size_t i = 2; i-- > 0;) {
		struct engine_in in = {.kind = ENGINE_IN_OPENED,
			.conn = l->ends[i].conn,
			.peer = l->ends[1 - i].node->keys.public_key,
			.initiator = i == 0,
			.redeem = i == 0 && secret};
		if (in.redeem)
			memcpy(in.secret, secret, sizeof in.secret);
		sim_feed(l->ends[i].node, &in);
	}
	return l;
}

void sim_cut(struct sim_link *l)
{
	if (!l->open)
		return;
	l->open = false;
	l->sim->noted_ms = l->sim->now_ms;
	for (size_t i = 0; i < 2; i++)
		end_clear(&l->ends[i]);
	for (size_t i = 0; i < 2; i++) {
		struct engine_in in = {.kind = ENGINE_IN_CLOSED, .conn = l->ends[i].conn};
		sim_feed(l->ends[i].node, &in);
	}
}

void sim_link_free(struct sim_link *l)
{
	for (size_t i = 0; i < 2; i++)
		end_clear(&l->ends[i]);
	free(l);
}

bool sim_link_open(const struct sim_link *l)
{
	return l->open;
}

void sim_stall(struct sim_link *l, bool stalled)
{
	l->stalled = stalled;
}

/* ---- outputs of an engine */

static struct sim_link *link_of(struct sim *s, conn_id conn, size_t *side)
{
	for (struct sim_link *l = s->links; l; l = l->next) {
		for (size_t i = 0; i < 2 && l->open; i++) {
			if (l->ends[i].conn == conn) {
				*side = i;
				return l;
			}
		}
	}
	return NULL;
}

static void send(struct sim_link *l, struct sim_end *e, struct engine_out *out)
{
	if (e->closing)
		abort(); /* an engine that has closed a connection sends no more on it */
	struct sim_message *m = (struct sim_message *)calloc(1, sizeof *m);
	if (!m)
		abort();
	*m = (struct sim_message){.number = ++l->sent, .type = out->type, .body = out->body};
	out->body = (struct buf){0};
	queue_put(out->bulk ? &e->bulk : &e->urgent, m);
}

void sim_link_out(struct sim_node *n, struct engine_out *out)
{
	size_t side = 0;
	struct sim_link *l = link_of(n->sim, out->conn, &side);
	struct sim_end *e = l ? &l->ends[side] : NULL;
	if (e && e->node != n)
		abort();
	if (e && out->kind == ENGINE_OUT_SEND)
		send(l, e, out);
	else if (e && out->kind == ENGINE_OUT_CLOSE) {
		e->closing = true;
		e->closing_ms = n->sim->now_ms;
	} else if (e)
		e->paused = out->kind == ENGINE_OUT_PAUSE;
	buf_free(&out->body);
}

/* ---- deliveries */

static bool waits(const struct sim_end *e)
{
	return e->urgent.first || e->bulk.first;
}

/* May this side's next message, or its close, be delivered? Whoever closes drops what it is sent. */
static bool side_ready(const struct sim_link *l, size_t side)
{
	const struct sim_end *e = &l->ends[side], *other = &l->ends[1 - side];
	if (!l->open || l->stalled)
		return false;
	return waits(e) ? !other->paused || other->closing : e->closing;
}

size_t sim_link_ready(struct sim_link *l)
{
	return (size_t)side_ready(l, 0) + (size_t)side_ready(l, 1);
}

static struct sim_message *next_message(struct sim *s, struct sim_end *e)
{
	struct sim_message *u = e->urgent.first, *b = e->bulk.first;
	if (u && b && b->number < u->number && sim_random(s, 2))
		return queue_take(&e->bulk);
	return u ? queue_take(&e->urgent) : queue_take(&e->bulk);
}

static void encrypt_and_decrypt(struct sim_link *l, size_t side, struct sim_message *m)
{
	struct buf body = {0};
	uint8_t type = 0;
	const struct slice part = buf_slice(&m->body);
	if (channel_send(&l->ends[side].channel, m->type, &part, 1) != OK)
		abort();
	pass_bytes(l->sim, &l->ends[side].channel, &l->ends[1 - side].channel, &body, &type);
	if (type != m->type || !slice_equal(buf_slice(&body), buf_slice(&m->body)))
		abort();
	buf_free(&m->body);
	m->body = body;
}

void sim_link_deliver(struct sim_link *l, size_t index)
{
	struct sim *s = l->sim;
	size_t side = side_ready(l, 0) && index == 0 ? 0 : 1;
	struct sim_end *from = &l->ends[side], *to = &l->ends[1 - side];
	struct sim_message *m = next_message(s, from);
	if (!m) {
		sim_cut(l);
		return;
	}
	if (m->type != PING && m->type != PONG)
		s->noted_ms = s->now_ms;
	if (s->options.cipher)
		encrypt_and_decrypt(l, side, m);
	struct engine_in written = {.kind = ENGINE_IN_WRITTEN, .conn = from->conn, .bytes = m->body.n};
	sim_feed(from->node, &written);
	if (l->open && !to->closing) {
		struct engine_in in = {.kind = ENGINE_IN_MESSAGE,
			.conn = to->conn,
			.type = m->type,
			.body = buf_slice(&m->body)};
		if (s->saw)
			s->saw(s->saw_ctx, from->node, to->node, m->type, in.body);
		sim_feed(to->node, &in);
	}
	buf_free(&m->body);
	free(m);
}

uint64_t sim_link_time(struct sim_link *l)
{
	uint64_t next_ms = UINT64_MAX;
	for (size_t i = 0; i < 2 && l->open; i++) {
		const struct sim_end *e = &l->ends[i];
		if (!e->closing)
			continue;
		uint64_t at = e->closing_ms + SIM_FLUSH_MS;
		if (at <= l->sim->now_ms)
			sim_cut(l);
		else
			next_ms = at < next_ms ? at : next_ms;
	}
	return next_ms;
}
