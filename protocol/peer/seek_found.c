/* seek_found.c -- what a peer gave for an entry that was sought: its form, what shows it, its body or the statement in its place; then it is kept aside. SPEC.md section 10.10. */
#include "fork_int.h"
#include "seek_int.h"

#include "protocol/log/erasure.h"

static void forget_answer(struct seek *k)
{
	arena_free(&k->mem);
	k->mem = (struct arena){0};
	k->busy = false;
}

static void kept(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct seek *k = ctx;
	(void)s;
	forget_answer(k);
	if (res->err == OK) {
		struct engine_event ev = {.kind = ENGINE_EVENT_ENTRY,
			.log = k->at.log,
			.identity = k->identity,
			.seq = k->at.seq,
			.count = 1};
		(void)engine_written(e, res, "an entry behind the end of its log");
		emit_event(e, &ev);
		seek_drop(e, k);
	} else if (res->err == ERR_EXISTS || res->err == ERR_STATE || res->err == ERR_LIMIT) {
		seek_drop(e, k);
	} else {
		(void)engine_written(e, res, "an entry behind the end of its log");
		seek_rest(e, k);
	}
}

static void put(struct engine *e, struct session *s, struct seek *k)
{
	struct store_req *q = req_new(STORE_SOUGHT_PUT);
	struct store_part *parts = q ? arena_alloc(&q->mem, k->n * sizeof *parts) : NULL;
	if (!parts) {
		free(q);
		q = NULL;
	}
	for (size_t i = 0; q && i < k->n; i++)
		parts[i] = (struct store_part){
			.header = k->headers + i * ENTRY_HEADER_BYTES, .kind = BODY_ABSENT};
	if (q) {
		parts[0] = k->part; /* k lives until the answer */
		q->a.log = k->at.log;
		q->a.first = k->at.seq;
		q->a.n = k->n;
		q->a.parts = parts;
		q->a.sig = slice_of(k->signature, ENTRY_SIGNATURE_BYTES);
		q->a.id = k->last;
	}
	emit_store(e, q, s, kept, k);
}

/* The peer's fault, or nobody's; another one is asked. */
static void next(struct engine *e, struct session *s, struct seek *k, enum err fault, const char *why)
{
	forget_answer(k);
	if (fault != OK)
		peer_close(s, fault, why);
	seek_pump(e);
}

static void statement_checked(struct engine *e, struct session *s, void *ctx, struct engine_work *w)
{
	struct seek *k = ctx;
	if (w->err == OK && w->good[0])
		put(e, s, k);
	else
		next(e, s, k, w->err != OK ? w->err : ERR_SIGNATURE, "an erasure that nobody signed");
}

static void eraser_known(struct engine *e, struct session *s, void *ctx, struct keys *keys)
{
	struct seek *k = ctx;
	struct erasure st;
	struct id32 key;
	if (!keys->set || erasure_decode(k->part.bytes, &st) != OK ||
		keyset_generation_key(keys->set, &st.generation, &key) != OK) {
		next(e, s, k, OK, NULL); /* its key events are not here */
		return;
	}
	struct engine_work *w = work_statement(k->part.bytes, &key);
	if (w)
		emit_work(e, w, s, statement_checked, k);
	else
		next(e, s, k, OK, NULL);
}

static void check_statement(struct engine *e, struct session *s, struct seek *k, const struct entry_header *h)
{
	struct erasure st;
	struct envelope env = {0};
	if (erasure_decode(k->part.bytes, &st) != OK || !id32_equal(&st.of.log, &k->at.log) ||
		st.of.seq != k->at.seq || !id32_equal(&st.of.id, &k->at.id) || h->flags & ENTRY_FLAG_KEEP ||
		envelope_decode(k->part.envelope, &env) != OK ||
		(st.by == ERASURE_BY_CUSTODIAN && !env.has_custodian)) {
		next(e, s, k, ERR_WIRE, "an erasure of something else");
		return;
	}
	keys_get(e, st.by == ERASURE_BY_CUSTODIAN ? &env.custodian : &k->identity, s, eraser_known, k);
}

static void body_checked(struct engine *e, struct session *s, void *ctx, struct engine_work *w)
{
	struct seek *k = ctx;
	if (w->err == OK)
		put(e, s, k);
	else
		next(e, s, k, w->err, "a body that is not the entry's");
}

static void run_checked(struct engine *e, struct session *s, void *ctx, struct engine_work *w)
{
	struct seek *k = ctx;
	struct entry_header h;
	struct envelope env;
	const struct id32 id = w->err == OK ? entry_id(k->headers) : (struct id32){{0}};
	if (w->err != OK || !id32_equal(&id, &k->at.id)) {
		next(e, s, k, w->err != OK ? w->err : ERR_WIRE, "headers that do not show what was sought");
		return;
	}
	k->last = w->last;
	const struct id32 hash = entry_envelope_hash(k->part.envelope);
	if (entry_header_decode(slice_of(k->headers, ENTRY_HEADER_BYTES), &h) != OK ||
		!id32_equal(&hash, &h.envelope_hash) ||
		(k->part.envelope.n && envelope_decode(k->part.envelope, &env) != OK)) {
		next(e, s, k, ERR_HASH, "an envelope that is not the entry's");
		return;
	}
	if (k->part.kind == BODY_ERASED) {
		check_statement(e, s, k, &h);
		return;
	}
	struct engine_work *body = work_new(WORK_BODY);
	if (body) {
		body->headers = k->headers; /* k lives until the answer */
		body->bytes = k->part.bytes;
	}
	emit_work(e, body, s, body_checked, k);
}

static bool take_answer(struct seek *k, const struct message_found *m, const struct message_part *p)
{
	struct slice headers, signature;
	if (!arena_put(&k->mem, m->headers, &headers) || !arena_put(&k->mem, m->signature, &signature) ||
		!arena_put(&k->mem, p->envelope, &k->part.envelope) ||
		!arena_put(&k->mem, p->bytes, &k->part.bytes))
		return false;
	k->headers = k->part.header = headers.p;
	k->signature = signature.p;
	k->n = headers.n / ENTRY_HEADER_BYTES;
	k->part.kind = p->kind;
	return true;
}

static bool well_formed(const struct message_found *m, struct message_part *p)
{
	if (m->headers.n == 0)
		return m->parts.n == 0 && m->signature.n == 0;
	if (m->headers.n % ENTRY_HEADER_BYTES || m->parts.n != 1 || m->signature.n != ENTRY_SIGNATURE_BYTES)
		return false;
	struct mp_in in = message_list_open(&m->parts);
	*p = message_next_part(&in);
	return p->kind == BODY_HERE || p->kind == BODY_ERASED;
}

void seek_found(struct session *s, const struct message_found *m)
{
	struct engine *e = s->e;
	struct message_part part = {.kind = 0};
	if (!s->seeking || !id32_equal(&m->id, &s->seek.id) || !well_formed(m, &part)) {
		peer_close(s, ERR_WIRE, "an entry that nobody sought");
		return;
	}
	struct seek *k = seek_find(e, &s->seek);
	s->seeking = false;
	if (k && k->conn == s->conn)
		k->conn = 0;
	/* One that comes late, while another one's is looked at, is not needed; nor is an answer to an earlier search, before this one knows whose log it is. */
	if (k && !k->busy && !id32_is_zero(&k->device_key) && m->headers.n && take_answer(k, m, &part)) {
		k->busy = true;
		k->resting = false;
		emit_work(e, fork_run(&k->at.log, &k->device_key, k->at.seq, m->headers, m->signature), s,
			run_checked, k);
	}
	seek_pump(e);
}
