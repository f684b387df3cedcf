/* pull_body.c -- bodies that a run did not bring: asked for by seq, checked against their headers, stored. SPEC.md section 10.4. */
#include "engine_int.h"

static void ask_gaps(struct pull *p);

static void bodies_settled(struct pull *p)
{
	if (p->wanted_left || p->asked || p->s->state != SESSION_OPEN)
		return;
	if (p->wanted_n == 64)
		ask_gaps(p);
	else
		pull_erasures(p);
}

struct body {
	struct pull *p;
	uint64_t seq;
};

static void body_stored(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct body *b = ctx;
	struct pull *p = b->p;
	p->wanted_left--;
	if (res->err == OK) {
		for (struct session *t = e->sessions; t; t = t->next) {
			struct position *pos = peer_position(t, &p->row.log, false);
			if (pos)
				pos->whole = false; /* it may lack this body: the row must be told */
		}
		(void)engine_written(e, res, "a body");
		struct engine_event ev = {.kind = ENGINE_EVENT_ENTRY,
			.conn = s->conn,
			.node = s->node,
			.log = p->row.log,
			.identity = p->row.identity,
			.seq = b->seq,
			.count = 1};
		emit_event(e, &ev);
	} else if (res->err != ERR_ERASED && res->err != ERR_EXISTS && res->err != ERR_NOT_FOUND &&
		s->state == SESSION_OPEN) {
		/* not found: the entry was moved behind a fork meanwhile */
		peer_close(s, res->err, "the store did not keep a body");
	}
	free(b);
	if (s->state == SESSION_OPEN)
		bodies_settled(p);
}

static void body_given_up(struct pull *p)
{
	p->wanted_left--;
	bodies_settled(p);
}

static void body_checked(struct engine *e, struct session *s, void *ctx, struct engine_work *w)
{
	struct body *b = ctx;
	if (s->state != SESSION_OPEN || w->err != OK) {
		struct pull *p = b->p;
		free(b);
		if (s->state != SESSION_OPEN)
			return;
		/* What the peer holds at that seq of a log with two histories need not be what is held here. */
		if (p->log.fork_seq1 || p->closed)
			body_given_up(p);
		else
			peer_close(s, w->err, "a body that is not the entry's");
		return;
	}
	struct store_req *q = req_new(STORE_BODY_PUT);
	if (q) {
		q->a.log = b->p->row.log;
		q->a.seq = b->seq;
		q->a.id = w->last;
		q->a.bytes = w->bytes;
		q->mem = w->mem;
		w->mem = (struct arena){0};
	}
	emit_store(e, q, s, body_stored, b);
}

static bool wanted_at(const struct pull *p, uint64_t seq, size_t *at)
{
	for (size_t i = 0; i < p->wanted_n; i++) {
		if (p->wanted[i] == seq) {
			*at = i;
			return true;
		}
	}
	return false;
}

static void got_body(struct session *s, void *ctx, const union message *m)
{
	struct pull *p = ctx;
	size_t at;
	if (!id32_equal(&m->body.log, &p->row.log) || !wanted_at(p, m->body.seq, &at)) {
		peer_close(s, ERR_WIRE, "a body that was not asked for");
		return;
	}
	if (m->body.kind != BODY_HERE)
		return;
	struct engine_work *w = work_new(WORK_BODY);
	struct body *b = w ? malloc(sizeof *b) : NULL;
	struct slice header = {0};
	if (!b || !arena_put(&w->mem, slice_of(p->headers[at], ENTRY_HEADER_BYTES), &header) ||
		!arena_put(&w->mem, m->body.bytes, &w->bytes)) {
		free(b);
		if (w)
			engine_work_free(w);
		peer_close(s, ERR_MEMORY, "out of memory");
		return;
	}
	w->headers = header.p;
	*b = (struct body){.p = p, .seq = m->body.seq};
	p->wanted[at] = UINT64_MAX; /* once */
	p->wanted_left++;
	emit_work(s->e, w, s, body_checked, b);
}

static void bodies_end(struct session *s, void *ctx, enum err code)
{
	struct pull *p = ctx;
	(void)code;
	if (pull_ended(s, p))
		return;
	p->asked = false;
	bodies_settled(p);
}

static void headers_read(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct pull *p = ctx;
	(void)e;
	if (s->state != SESSION_OPEN)
		return;
	if (!p->headers)
		p->headers = malloc(64 * ENTRY_HEADER_BYTES);
	struct buf seqs = {0};
	struct mp_out o = mp_out_init(&seqs);
	size_t n = 0;
	for (size_t i = 0; p->headers && res->err == OK && i < res->r.n; i++) {
		if (!res->r.parts[i].header)
			continue;
		memcpy(p->headers[n], res->r.parts[i].header, ENTRY_HEADER_BYTES);
		p->wanted[n] = p->wanted[i];
		mp_put_uint(&o, p->wanted[n++]);
	}
	p->wanted_n = n;
	p->wanted_left = 0;
	if (res->err != OK || !p->headers || o.err != OK) {
		buf_free(&seqs);
		peer_close(s, res->err != OK ? res->err : ERR_MEMORY, "bodies could not be asked for");
		return;
	}
	if (n == 0) {
		buf_free(&seqs);
		pull_erasures(p);
		return;
	}
	struct message_want_bodies m = {.log = p->row.log, .seqs = {.n = n, .raw = buf_slice(&seqs)}};
	p->asked = true;
	pull_ask(p, MESSAGE_WANT_BODIES, &m, MESSAGE_BODY, got_body, bodies_end);
	buf_free(&seqs);
}

static void gaps_found(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct pull *p = ctx;
	if (s->state != SESSION_OPEN)
		return;
	if (res->err != OK) {
		peer_close(s, res->err, "the store did not say which bodies are missing");
		return;
	}
	if (res->r.n == 0) {
		pull_erasures(p);
		return;
	}
	p->wanted_n = res->r.n < 64 ? res->r.n : 64;
	memcpy(p->wanted, res->r.seqs, p->wanted_n * sizeof *p->wanted);
	p->gap_from = p->wanted[p->wanted_n - 1] + 1;
	struct store_req *q = req_new(STORE_BODY_GET);
	if (q) {
		q->a.log = p->row.log;
		q->a.seqs = p->wanted;
		q->a.n = p->wanted_n;
	}
	emit_store(e, q, s, headers_read, p);
}

static void ask_gaps(struct pull *p)
{
	struct store_req *q = req_new(STORE_GAPS);
	if (q) {
		q->a.log = p->row.log;
		q->a.first = p->gap_from;
		q->a.max = 64;
	}
	emit_store(p->s->e, q, p->s, gaps_found, p);
}

void pull_bodies(struct pull *p)
{
	p->gap_from = 0;
	p->wanted_n = 0;
	ask_gaps(p);
}
