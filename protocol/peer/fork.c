/* fork.c -- two histories of one log: where they part, the proof, and telling it. SPEC.md sections 4.4 and 10.7. */
#include "engine_int.h"

/* For one row that shows the chain of the closing: another peer may bring entries of another branch meanwhile. */
#define FORK_SEARCHES_MAX 8

/* ---- storing and telling ---- */

struct proof {
	struct pull *p; /* NULL: unasked */
	struct engine_work *a, *b; /* verified, from the same seq */
	struct id32 identity;
	bool found; /* by our own search */
};

static void proof_free(struct proof *f)
{
	if (f->a)
		engine_work_free(f->a);
	if (f->b)
		engine_work_free(f->b);
	free(f);
}

static void tell(struct engine *e, const struct proof *f, const struct session *from)
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

static void cut_done(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct pull *p = ctx;
	bool written = engine_written(e, res, "what a closing cut off");
	if (s->state != SESSION_OPEN)
		return;
	if (written)
		pull_log_start(p);
	else
		pull_finish(p);
}

/* No proof can be made, or a lower fork is proven; but a closing in force says which branch it is. SPEC 10.7: "moves its own entries aside" */
static void follow_closing(struct pull *p)
{
	bool beyond = p->log.fork_seq1 && p->lo >= p->log.fork_seq1 - 1;
	if (p->met || !pull_shows_closing(p) || !(p->theirs_closes || beyond) || p->lo >= p->log.length) {
		pull_finish(p);
		return;
	}
	struct own_log *o = own_find(p->s->e, &p->row.log);
	if (o)
		own_retire(p->s->e, o);
	struct store_req *q = req_new(STORE_SIDE_MOVE);
	if (q) {
		q->a.log = p->row.log;
		q->a.first = p->lo;
	}
	emit_store(p->s->e, q, p->s, cut_done, p);
}

static void proof_stored(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct proof *f = ctx;
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
	proof_free(f);
	if (!p || s->state != SESSION_OPEN)
		return;
	if (found && res->err != OK)
		follow_closing(p);
	else
		pull_log_start(p); /* the log as it is now */
}

/* Both runs hold; do they prove anything? */
static bool proves(const struct engine_work *a, const struct engine_work *b)
{
	struct id32 ia = entry_id(a->headers), ib = entry_id(b->headers);
	return a->first == b->first && id32_equal(&a->prev, &b->prev) && !id32_equal(&ia, &ib) &&
		a->signature && b->signature;
}

static void store_proof(struct engine *e, struct session *s, struct proof *f)
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

/* Keeps the verified work beyond its step. */
static struct engine_work *keep(struct engine_work *w)
{
	struct engine_work *k = malloc(sizeof *k);
	if (k) {
		*k = *w;
		w->mem = (struct arena){0};
	}
	return k;
}

static struct engine_work *run_work(const struct id32 *log, const struct id32 *device_key, uint64_t first,
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
	w->signature = g.p;
	return w;
}

/* ---- a proof from a peer ---- */

static void told_b_checked(struct engine *e, struct session *s, void *ctx, struct engine_work *w)
{
	struct proof *f = ctx;
	f->b = s->state == SESSION_OPEN && w->err == OK ? keep(w) : NULL;
	if (f->b && proves(f->a, f->b)) {
		store_proof(e, s, f);
		return;
	}
	if (s->state == SESSION_OPEN)
		peer_close(s, ERR_WIRE, "the proof of a fork that proves nothing");
	proof_free(f);
}

struct told {
	struct arena mem;
	struct pull *p;
	struct id32 log, identity, device_key;
	uint64_t seq;
	struct slice a, b, sig_a, sig_b;
	struct proof *f;
};

static void told_free(struct told *t)
{
	arena_free(&t->mem);
	free(t);
}

static void told_a_checked(struct engine *e, struct session *s, void *ctx, struct engine_work *w)
{
	struct told *t = ctx;
	struct proof *f = t->f;
	f->a = s->state == SESSION_OPEN && w->err == OK ? keep(w) : NULL;
	if (f->a) {
		struct engine_work *b = run_work(&t->log, &t->device_key, t->seq, t->b, t->sig_b);
		told_free(t);
		emit_work(e, b, s, told_b_checked, f);
		return;
	}
	if (s->state == SESSION_OPEN)
		peer_close(s, ERR_WIRE, "the proof of a fork that does not hold");
	proof_free(f);
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
	emit_work(e, run_work(&t->log, &t->device_key, t->seq, t->a, t->sig_a), s, told_a_checked, t);
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

/* ---- a fork that we find ourselves: same below lo, different at hi - 1 ---- */

static void ours_read(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct pull *p = ctx;
	if (s->state != SESSION_OPEN)
		return;
	struct proof *f = res->err == OK && res->r.n && res->r.sig.n == 64 ? calloc(1, sizeof *f) : NULL;
	struct buf headers = {0};
	for (size_t i = 0; f && i < res->r.n; i++)
		if (buf_put(&headers, res->r.parts[i].header, ENTRY_HEADER_BYTES) != OK)
			break;
	struct entry_header h;
	if (f && headers.n == res->r.n * ENTRY_HEADER_BYTES &&
		entry_header_decode(slice_of(headers.p, ENTRY_HEADER_BYTES), &h) == OK) {
		f->p = p;
		f->identity = p->row.identity;
		f->a = run_work(&p->row.log, &p->device_key, p->lo, buf_slice(&headers), res->r.sig);
		f->b = p->theirs;
		p->theirs = NULL;
		if (f->a)
			f->a->prev = h.prev;
	}
	buf_free(&headers);
	if (f && f->a && f->b && proves(f->a, f->b)) {
		f->found = true;
		store_proof(e, s, f); /* ours was verified when it was stored */
		return;
	}
	if (f)
		proof_free(f);
	follow_closing(p);
}

static void theirs_checked(struct engine *e, struct session *s, void *ctx, struct engine_work *w)
{
	struct pull *p = ctx;
	if (s->state != SESSION_OPEN)
		return;
	if (w->err == ERR_SIGNATURE && !w->signature && !p->vouch_asked) {
		p->fork_tried = p->fork_known = false;
		p->searches = 0;
		p->vouch_asked = true;
		pull_ask_keys(p); /* SPEC 4.3: "key events or a proof may be on their way" */
		return;
	}
	if (w->err == ERR_SIGNATURE && !w->signature) {
		pull_pass(p); /* nothing known here vouches for it: its row comes again when that changes */
		return;
	}
	if (w->err != OK) {
		peer_close(s, w->err, "a run that does not hold");
		return;
	}
	p->theirs_closes = p->closed && w->first + w->n == p->closed_length &&
		id32_equal(&w->last, &p->closed_last);
	p->theirs = keep(w);
	struct store_req *q = req_new(STORE_RUN_GET);
	if (q) {
		q->a.log = p->row.log;
		q->a.first = p->lo;
		q->a.end = run_interval_end(p->lo);
		q->a.max = 0;
	}
	emit_store(e, q, s, ours_read, p);
}

static void got_theirs(struct session *s, void *ctx, const union message *m)
{
	struct pull *p = ctx;
	if (p->run_asked || !id32_equal(&m->run.log, &p->row.log) || m->run.first != p->lo) {
		peer_close(s, ERR_WIRE, "a run that was not asked for");
		return;
	}
	p->run_asked = true;
	emit_work(s->e, pull_run_copy(p, &m->run), s, theirs_checked, p);
}

static void theirs_end(struct session *s, void *ctx, enum err code)
{
	struct pull *p = ctx;
	(void)code;
	if (pull_ended(s, p))
		return;
	if (!p->run_asked)
		pull_finish(p);
}

static void ask_theirs(struct pull *p)
{
	struct message_want_run m = {.log = p->row.log, .first = p->lo, .end = p->lo + 1};
	pull_ask(p, MESSAGE_WANT_RUN, &m, MESSAGE_RUN, got_theirs, theirs_end);
}

static void probe(struct pull *p);

static void ids_read(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct pull *p = ctx;
	(void)e;
	if (s->state != SESSION_OPEN)
		return;
	if (res->err != OK || res->r.n != p->probes_n) {
		pull_finish(p);
		return;
	}
	const struct id32 *theirs = p->probe_ids;
	for (size_t i = 0; i < p->probes_n; i++) {
		if (id32_is_zero(&theirs[i]) || id32_is_zero(&res->r.ids[i]))
			continue;
		if (id32_equal(&theirs[i], &res->r.ids[i])) {
			p->lo = p->probes[i] + 1;
		} else {
			p->hi = p->probes[i];
			break;
		}
	}
	if (p->lo >= p->hi)
		ask_theirs(p);
	else
		probe(p);
}

static void got_ids(struct session *s, void *ctx, const union message *m)
{
	struct pull *p = ctx;
	if (m->ids.ids.n != p->probes_n || p->probed) {
		peer_close(s, ERR_WIRE, "ids that were not asked for");
		return;
	}
	p->probed = true;
	struct mp_in in = message_list_open(&m->ids.ids);
	for (size_t i = 0; i < p->probes_n; i++)
		(void)message_next_id_or_none(&in, &p->probe_ids[i]);
}

static void ids_end(struct session *s, void *ctx, enum err code)
{
	struct pull *p = ctx;
	(void)code;
	if (pull_ended(s, p))
		return;
	if (!p->probed) {
		pull_finish(p);
		return;
	}
	struct store_req *q = req_new(STORE_IDS);
	if (q) {
		q->a.log = p->row.log;
		q->a.seqs = p->probes;
		q->a.n = p->probes_n;
	}
	emit_store(s->e, q, s, ids_read, p);
}

/* Up to 64 places between lo and hi, evenly: log64 rounds. */
static void probe(struct pull *p)
{
	struct buf seqs = {0};
	struct mp_out o = mp_out_init(&seqs);
	uint64_t span = p->hi - p->lo;
	p->probes_n = span < 64 ? (size_t)span : 64;
	for (size_t i = 0; i < p->probes_n; i++) {
		p->probes[i] = p->lo + span * i / p->probes_n;
		mp_put_uint(&o, p->probes[i]);
	}
	p->probed = false;
	struct message_probe m = {.log = p->row.log, .seqs = {.n = p->probes_n, .raw = buf_slice(&seqs)}};
	if (p->probes_n == 0 || o.err != OK || p->rounds++ > 16)
		pull_finish(p);
	else
		pull_ask(p, MESSAGE_PROBE, &m, MESSAGE_IDS, got_ids, ids_end);
	buf_free(&seqs);
}

void fork_probe(struct pull *p)
{
	p->rounds = 0;
	p->run_asked = false;
	if (p->theirs)
		engine_work_free(p->theirs);
	p->theirs = NULL;
	if (p->searches >= (pull_shows_closing(p) ? FORK_SEARCHES_MAX : 1)) { /* nothing more to prove here */
		pull_erasures(p);
		return;
	}
	p->searches++;
	p->lo = 0;
	p->hi = p->row.count < p->log.length ? p->row.count : p->log.length;
	if (p->hi == 0) {
		pull_finish(p);
		return;
	}
	probe(p);
}
