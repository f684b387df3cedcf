/* reconcile_serve.c -- the answering side: an index for the nonce that a peer asks with, for as long as it asks. SPEC.md section 10.8. */
#include "reconcile.h"

struct wait { /* a request that is not answered yet */
	struct wait *next;
	uint32_t req;
	size_t n;
	uint8_t prefixes[];
};

struct ranges_serve {
	struct ranges_read read; /* its index: NULL while it is built, and when it is gone */
	uint8_t nonce[RANGES_NONCE_BYTES];
	bool wanted, building; /* wanted: but the peer's follow set is not known yet */
	uint64_t begun_ms, asked_ms;
	struct wait *waits, **waits_tail; /* in order */
	unsigned waits_n;
};

static void drop_index(struct ranges_serve *v)
{
	ranges_free(v->read.index);
	v->read.index = NULL;
}

void ranges_serve_deinit(struct session *s)
{
	struct ranges_serve *v = s->ranges_serve;
	if (!v)
		return;
	while (v->waits) {
		struct wait *w = v->waits;
		v->waits = w->next;
		free(w);
	}
	drop_index(v);
	free(v);
	s->ranges_serve = NULL;
}

/* ---- answering ---- */

static void answer(struct session *s, const struct ranges *index, const struct wait *w)
{
	struct buf out = {0};
	enum err e = ranges_answer(index, slice_of(w->prefixes, w->n), &out);
	if (e == OK) {
		struct message_ranges m = {.req = w->req, .bytes = buf_slice(&out)};
		emit_message(s, MESSAGE_RANGES, &m);
	}
	buf_free(&out);
	serve_done(s, w->req, e, false);
}

/* Answers in order what waits, as far as there is room; without an index: not at all. */
static void answer_waits(struct session *s, bool refuse)
{
	struct ranges_serve *v = s->ranges_serve;
	while (v->waits && s->state == SESSION_OPEN && (refuse || s->queued < SERVE_QUEUE_BYTES)) {
		struct wait *w = v->waits;
		v->waits = w->next;
		if (!v->waits)
			v->waits_tail = &v->waits;
		v->waits_n--;
		if (refuse)
			serve_done(s, w->req, ERR_LIMIT, false);
		else
			answer(s, v->read.index, w);
		free(w);
	}
}

static void built(struct session *s, enum err err)
{
	struct ranges_serve *v = s->ranges_serve;
	v->building = false;
	reconcile_answer_built(s->e, &s->node, err == OK ? ranges_count(v->read.index) : 0);
	if (s->state != SESSION_OPEN)
		return;
	s->missing_due = s->missing_due || err == OK;
	if (err != OK)
		drop_index(v);
	answer_waits(s, err != OK);
}

static bool holds_index(const struct ranges_serve *v)
{
	return v && (v->building || v->read.index);
}

/* SPEC 10.8: "A side may answer `want-ranges` with `done` LIMIT" */
static bool may_begin(struct session *s)
{
	struct engine *e = s->e;
	unsigned n = 0;
	for (const struct session *o = e->sessions; o; o = o->next)
		n += o->state == SESSION_OPEN && o != s && holds_index(o->ranges_serve);
	uint64_t since = e->now_ms - e->ranges_ms, more = since / RANGES_ANSWERING_MS;
	if (more) {
		e->ranges_ms += more * RANGES_ANSWERING_MS;
		e->ranges_spent -= more < e->ranges_spent ? (unsigned)more : e->ranges_spent;
	}
	if (n >= RANGES_ANSWERING_MAX || e->ranges_spent >= RANGES_ANSWERING_BURST ||
		!reconcile_answer_begin(e, &s->node))
		return false;
	e->ranges_spent++;
	return true;
}

/* Only what is built counts: whoever never tells its follow set takes nobody's place. */
void ranges_serve_pump(struct session *s)
{
	struct ranges_serve *v = s->ranges_serve;
	if (!v || s->state != SESSION_OPEN)
		return;
	if (v->wanted && s->list.ready) {
		v->wanted = false;
		v->building = may_begin(s);
		if (v->building)
			ranges_read_begin(s, &v->read, v->nonce);
		else
			answer_waits(s, true);
	} else if (v->read.index && !v->building) {
		answer_waits(s, false);
	}
}

/* ---- a request ---- */

/* Does the present index serve this nonce, or may there be another one? */
static bool admit(struct session *s, const uint8_t nonce[RANGES_NONCE_BYTES])
{
	struct ranges_serve *v = s->ranges_serve;
	uint64_t now = s->e->now_ms;
	if (v && (v->wanted || holds_index(v)) && memcmp(v->nonce, nonce, RANGES_NONCE_BYTES) == 0)
		return true;
	if (v && (now < v->begun_ms + RANGES_NONCE_MS || v->building))
		return false;
	if (!v) {
		v = calloc(1, sizeof *v);
		if (!v)
			return false;
		v->waits_tail = &v->waits;
		v->read.done = built;
		s->ranges_serve = v;
	}
	answer_waits(s, true);
	drop_index(v);
	memcpy(v->nonce, nonce, RANGES_NONCE_BYTES);
	v->begun_ms = now;
	v->wanted = true;
	return true;
}

static bool in_use(const struct ranges_serve *v, uint64_t req)
{
	for (const struct wait *w = v ? v->waits : NULL; w; w = w->next)
		if (w->req == req)
			return true;
	return false;
}

void ranges_serve_want(struct session *s, const struct message_want_ranges *m)
{
	if (!ranges_prefixes_sound(m->prefixes) || in_use(s->ranges_serve, m->req)) {
		peer_close(s, ERR_WIRE, "a request for no ranges");
		return;
	}
	if (s->ranges_serve && s->ranges_serve->waits_n + s->serves_n >= LIMIT_REQUESTS) {
		peer_close(s, ERR_LIMIT, "too many requests");
		return;
	}
	if (!admit(s, m->nonce.p)) {
		serve_done(s, m->req, ERR_LIMIT, false);
		return;
	}
	struct ranges_serve *v = s->ranges_serve;
	struct wait *w = malloc(sizeof *w + m->prefixes.n);
	if (!w) {
		peer_close(s, ERR_MEMORY, "out of memory");
		return;
	}
	w->next = NULL;
	w->req = (uint32_t)m->req;
	w->n = m->prefixes.n;
	memcpy(w->prefixes, m->prefixes.p, w->n);
	*v->waits_tail = w;
	v->waits_tail = &w->next;
	v->waits_n++;
	v->asked_ms = s->e->now_ms;
	ranges_serve_pump(s);
}

/* ---- its end ---- */

void ranges_serve_over(struct session *s)
{
	struct ranges_serve *v = s->ranges_serve;
	if (v && !v->building && !v->waits)
		drop_index(v);
}

uint64_t ranges_serve_deadline(const struct session *s)
{
	const struct ranges_serve *v = s->ranges_serve;
	return v && v->read.index && !v->building && !v->waits ? v->asked_ms + RANGES_IDLE_MS : UINT64_MAX;
}

void ranges_serve_time(struct session *s)
{
	if (s->e->now_ms < ranges_serve_deadline(s))
		return;
	drop_index(s->ranges_serve);
	if (s->synced)
		missing_start(s); /* an audit is over */
}
