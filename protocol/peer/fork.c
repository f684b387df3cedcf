/* fork.c -- two histories of one log: where they part, the proof, and telling it. SPEC.md sections 4.4 and 10.7. */
#include "fork_int.h"

/* ---- storing and telling ---- */

void fork_proof_free(struct fork_proof *f)
{
	if (f->a)
		engine_work_free(f->a);
	if (f->b)
		engine_work_free(f->b);
	free(f);
}

static void tell(struct engine *e, const struct fork_proof *f, const struct session *from)
{
	struct message_fork m = {.req = 0,
		.log = f->a->log,
		.seq = f->a->first,
		.headers_a = slice_of(f->a->headers, f->a->n * ENTRY_HEADER_BYTES),
		.signature_a = slice_of(f->a->signature, 64),
		.headers_b = slice_of(f->b->headers, f->b->n * ENTRY_HEADER_BYTES),
		.signature_b = slice_of(f->b->signature, 64)};
	for (struct session *s = e->sessions; s; s = s->next)
		if (s != from && s->state == SESSION_OPEN && peer_position(s, &f->a->log, false))
			emit_message(s, MESSAGE_FORK, &m);
}

static void proof_stored(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct fork_proof *f = ctx;
	if (res->err == OK) {
		(void)engine_written(e, res, "the proof of a fork");
		struct engine_event ev = {.kind = ENGINE_EVENT_FORK,
			.log = f->a->log,
			.seq = f->a->first,
			.identity = f->identity};
		emit_event(e, &ev);
		struct own_log *o = own_find(e, &f->a->log);
		if (o)
			own_retire(e, o);
		tell(e, f, f->p ? NULL : s);
	}
	struct pull *p = f->p;
	bool found = f->found;
	fork_proof_free(f);
	if (!p || s->state != SESSION_OPEN)
		return;
	if (found && res->err != OK)
		fork_follow_closing(p);
	else
		pull_log_start(p); /* the log as it is now */
}

bool fork_proves(const struct engine_work *a, const struct engine_work *b)
{
	struct id32 ia = entry_id(a->headers), ib = entry_id(b->headers);
	return a->first == b->first && id32_equal(&a->prev, &b->prev) && !id32_equal(&ia, &ib) &&
		a->signature && b->signature;
}

void fork_proof_store(struct engine *e, struct session *s, struct fork_proof *f)
{
	struct store_req *q = req_new(STORE_FORK_PUT);
	if (q) {
		q->a.log = f->a->log;
		q->a.seq = f->a->first;
		q->a.bytes = slice_of(f->a->headers, f->a->n * ENTRY_HEADER_BYTES);
		q->a.sig = slice_of(f->a->signature, 64);
		q->a.bytes2 = slice_of(f->b->headers, f->b->n * ENTRY_HEADER_BYTES);
		q->a.sig2 = slice_of(f->b->signature, 64);
	}
	emit_store(e, q, s, proof_stored, f);
}

struct engine_work *fork_keep(struct engine_work *w)
{
	struct engine_work *k = malloc(sizeof *k);
	if (k) {
		*k = *w;
		w->mem = (struct arena){0};
	}
	return k;
}

struct engine_work *fork_run(const struct id32 *log, const struct id32 *device_key, uint64_t first,
	struct slice headers, struct slice sig)
{
	struct engine_work *w = work_new(WORK_RUN);
	struct slice h = {0}, g = {0};
	if (!w || !arena_put(&w->mem, headers, &h) || !arena_put(&w->mem, sig, &g)) {
		if (w)
			engine_work_free(w);
		return NULL;
	}
	w->log = *log;
	w->device_key = *device_key;
	w->first = first;
	w->n = headers.n / ENTRY_HEADER_BYTES;
	w->headers = h.p;
	w->signature = g.n ? g.p : NULL;
	return w;
}

/* ---- a proof from a peer ---- */

static void told_b_checked(struct engine *e, struct session *s, void *ctx, struct engine_work *w)
{
	struct fork_proof *f = ctx;
	f->b = s->state == SESSION_OPEN && w->err == OK ? fork_keep(w) : NULL;
	if (f->b && fork_proves(f->a, f->b)) {
		fork_proof_store(e, s, f);
		return;
	}
	if (s->state == SESSION_OPEN)
		peer_close(s, ERR_WIRE, "the proof of a fork that proves nothing");
	fork_proof_free(f);
}

struct told {
	struct arena mem;
	struct pull *p;
	struct id32 log, identity, device_key;
	uint64_t seq;
	struct slice a, b, sig_a, sig_b;
	struct fork_proof *f;
};

static void told_free(struct told *t)
{
	arena_free(&t->mem);
	free(t);
}

static void told_a_checked(struct engine *e, struct session *s, void *ctx, struct engine_work *w)
{
	struct told *t = ctx;
	struct fork_proof *f = t->f;
	f->a = s->state == SESSION_OPEN && w->err == OK ? fork_keep(w) : NULL;
	if (f->a) {
		struct engine_work *b = fork_run(&t->log, &t->device_key, t->seq, t->b, t->sig_b);
		told_free(t);
		emit_work(e, b, s, told_b_checked, f);
		return;
	}
	if (s->state == SESSION_OPEN)
		peer_close(s, ERR_WIRE, "the proof of a fork that does not hold");
	fork_proof_free(f);
	told_free(t);
}

static void told_device(struct engine *e, struct session *s, void *ctx, struct keys *k)
{
	struct told *t = ctx;
	const struct keyset_device *d = s->state == SESSION_OPEN && k->set
		? keyset_view_device(&k->view, &t->log)
		: NULL;
	t->f = d ? calloc(1, sizeof *t->f) : NULL;
	if (!t->f) {
		struct pull *p = t->p;
		told_free(t);
		if (p && s->state == SESSION_OPEN)
			pull_log_start(p);
		return;
	}
	t->device_key = d->sign_key;
	t->f->p = t->p;
	t->f->identity = t->identity;
	emit_work(e, fork_run(&t->log, &t->device_key, t->seq, t->a, t->sig_a), s, told_a_checked, t);
}

static void told_log(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct told *t = ctx;
	bool news = s->state == SESSION_OPEN && res->err == OK &&
		engine_follows(e, &res->r.logs[0].identity) &&
		(!res->r.logs[0].fork_seq1 || res->r.logs[0].fork_seq1 > t->seq + 1);
	if (!news) {
		struct pull *p = t->p;
		told_free(t);
		if (p && s->state == SESSION_OPEN)
			pull_log_start(p);
		return;
	}
	t->identity = res->r.logs[0].identity;
	keys_get(e, &t->identity, s, told_device, t);
}

static void told(struct session *s, struct pull *p, const struct message_fork *m)
{
	if (m->headers_a.n % ENTRY_HEADER_BYTES || m->headers_b.n % ENTRY_HEADER_BYTES) {
		peer_close(s, ERR_WIRE, "headers of a wrong length");
		return;
	}
	struct told *t = calloc(1, sizeof *t);
	if (!t || !arena_put(&t->mem, m->headers_a, &t->a) || !arena_put(&t->mem, m->headers_b, &t->b) ||
		!arena_put(&t->mem, m->signature_a, &t->sig_a) ||
		!arena_put(&t->mem, m->signature_b, &t->sig_b)) {
		if (t)
			told_free(t);
		peer_close(s, ERR_MEMORY, "out of memory");
		return;
	}
	t->log = m->log;
	t->seq = m->seq;
	t->p = p;
	struct store_req *q = req_new(STORE_LOG_GET);
	if (q)
		q->a.log = m->log;
	emit_store(s->e, q, s, told_log, t);
}

void fork_unasked(struct session *s, const struct message_fork *m)
{
	told(s, NULL, m);
}

static void got_fork(struct session *s, void *ctx, const union message *m)
{
	struct pull *p = ctx;
	if (p->fork_asked || !id32_equal(&m->fork.log, &p->row.log)) {
		peer_close(s, ERR_WIRE, "a proof that was not asked for");
		return;
	}
	p->fork_asked = true;
	told(s, p, &m->fork);
}

static void fork_end(struct session *s, void *ctx, enum err code)
{
	struct pull *p = ctx;
	(void)code;
	if (pull_ended(s, p))
		return;
	if (!p->fork_asked)
		pull_log_start(p);
}

void fork_want(struct pull *p)
{
	struct message_want_fork m = {.log = p->row.log};
	p->fork_asked = false;
	pull_ask(p, MESSAGE_WANT_FORK, &m, MESSAGE_FORK, got_fork, fork_end);
}
