/* fork_find.c -- a fork that we find ourselves: where two histories part, and the run of each from there. SPEC.md section 10.7. */
#include "fork_int.h"

/* For one row that shows the chain of the closing: another peer may bring entries of another branch meanwhile. */
#define FORK_SEARCHES_MAX 8

static void cut_done(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct pull *p = ctx;
	bool moved = res->err == ERR_CHAIN || engine_written(e, res, "what gives way to another branch");
	if (s->state != SESSION_OPEN)
		return;
	if (moved)
		pull_log_start(p); /* also if another peer brought entries meanwhile */
	else
		pull_finish(p);
}

/* What we hold from the first difference on is moved aside; what the peer shows is fetched in its place. */
static void give_way(struct pull *p)
{
	struct own_log *o = own_find(p->s->e, &p->row.log);
	if (o)
		own_retire(p->s->e, o);
	struct store_req *q = req_new(STORE_SIDE_MOVE);
	if (q) {
		q->a.log = p->row.log;
		q->a.first = p->lo;
		q->a.id = p->log.last;
	}
	emit_store(p->s->e, q, p->s, cut_done, p);
}

void fork_follow_closing(struct pull *p)
{
	bool beyond = p->log.fork_seq1 && p->lo >= p->log.fork_seq1 - 1;
	if (p->met || !pull_shows_closing(p) || !(p->theirs_closes || beyond) || p->lo >= p->log.length)
		pull_finish(p);
	else
		give_way(p);
}

/* ---- a fork that we find ourselves: same below lo, different at hi - 1 ---- */

/* A whole proof is stored. Where none can be made, what nothing here shows to be valid gives way to what the peer has shown; else the closing decides. */
static void settle(struct engine *e, struct session *s, struct fork_proof *f, bool unshown)
{
	struct pull *p = f->p;
	if (f->a && f->b && fork_proves(f->a, f->b)) {
		f->found = true;
		fork_proof_store(e, s, f); /* ours was verified when it was stored */
		return;
	}
	unshown = unshown && f->b && !p->met && !own_find(e, &p->row.log); /* ours have signatures */
	fork_proof_free(f);
	if (unshown)
		give_way(p);
	else
		fork_follow_closing(p);
}

/* SPEC 10.7: "A run without signature that ends where the proven fork begins is joined with the proof's first headers". NULL: it does not end there, or no memory. */
static struct engine_work *join(const struct engine_work *w, const struct store_res *proof)
{
	struct entry_header h;
	struct id32 last = entry_id(w->headers + (w->n - 1) * ENTRY_HEADER_BYTES);
	if (proof->err != OK || w->first + w->n != proof->r.seq ||
		w->n + proof->r.bytes.n / ENTRY_HEADER_BYTES > LIMIT_RUN_ENTRIES ||
		entry_header_decode(slice_of(proof->r.bytes.p, ENTRY_HEADER_BYTES), &h) != OK ||
		!id32_equal(&h.prev, &last))
		return NULL;
	struct buf headers = {0};
	struct engine_work *whole = NULL;
	if (buf_put(&headers, w->headers, w->n * ENTRY_HEADER_BYTES) == OK &&
		buf_put_slice(&headers, proof->r.bytes) == OK)
		whole = fork_run(&w->log, &w->device_key, w->first, buf_slice(&headers), proof->r.sig);
	if (whole)
		whole->prev = w->prev;
	buf_free(&headers);
	return whole;
}

static void proof_read(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct fork_proof *f = ctx;
	if (s->state != SESSION_OPEN) {
		fork_proof_free(f);
		return;
	}
	struct engine_work *whole = join(f->b, res);
	engine_work_free(f->b);
	f->b = whole;
	settle(e, s, f, false);
}

/* Ours from the first difference. NULL: nothing shows it, or no memory. */
static struct engine_work *ours(const struct pull *p, const struct store_res *res)
{
	struct entry_header h;
	struct engine_work *w = NULL;
	if (res->err == OK && entry_header_decode(slice_of(res->r.bytes.p, ENTRY_HEADER_BYTES), &h) == OK)
		w = fork_run(&p->row.log, &p->device_key, p->lo, res->r.bytes, res->r.sig);
	if (w)
		w->prev = h.prev;
	return w;
}

static void ours_read(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct pull *p = ctx;
	if (s->state != SESSION_OPEN)
		return;
	struct fork_proof *f = calloc(1, sizeof *f);
	if (!f) {
		fork_follow_closing(p);
		return;
	}
	f->p = p;
	f->identity = p->row.identity;
	f->a = ours(p, res);
	f->b = p->theirs;
	p->theirs = NULL;
	if (!f->a || !f->b || f->b->signature) {
		settle(e, s, f, res->err == ERR_NOT_FOUND);
		return;
	}
	struct store_req *q = req_new(STORE_FORK_GET);
	if (q)
		q->a.log = p->row.log;
	emit_store(e, q, s, proof_read, f);
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
	p->theirs = fork_keep(w);
	struct store_req *q = req_new(STORE_EVIDENCE);
	if (q) {
		q->a.log = p->row.log;
		q->a.first = p->lo;
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
		pull_log_start(p);
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
			p->parted = true;
			break;
		}
	}
	if (p->lo < p->hi)
		probe(p);
	else if (p->parted)
		ask_theirs(p);
	else
		pull_log_start(p); /* no more: another answer of the peer, or another peer, was first */
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
	p->run_asked = p->parted = false;
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
