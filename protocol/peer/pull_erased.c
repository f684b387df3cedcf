/* pull_erased.c -- erasure statements of one log: fetched when the sums differ, checked one by one, stored. SPEC.md sections 10.4 and 12. */
#include "engine_int.h"

#include "protocol/log/erasure.h"

/* Statements wait as events of p: bytes in p->mem. p->at is the one worked on. */

static void next_statement(struct pull *p);

static void statement_stored(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct pull *p = ctx;
	if (res->err == OK) {
		(void)engine_written(e, res, "an erasure");
		engine_remove_blobs(e, res);
	}
	if (s->state != SESSION_OPEN)
		return;
	if (res->err != OK && res->err != ERR_EXISTS && res->err != ERR_NOT_FOUND) {
		peer_close(
			s, res->err, "the store did not keep an erasure"); /* or the cursor would pass it */
		return;
	}
	p->at++;
	next_statement(p);
}

static void statement_checked(struct engine *e, struct session *s, void *ctx, struct engine_work *w)
{
	struct pull *p = ctx;
	if (s->state != SESSION_OPEN)
		return;
	if (w->err != OK || !w->good[0]) {
		peer_close(s, w->err != OK ? w->err : ERR_SIGNATURE, "an erasure that nobody signed");
		return;
	}
	struct erasure st;
	struct slice bytes = p->events[p->at].bytes;
	struct store_req *q = erasure_decode(bytes, &st) == OK ? req_new(STORE_ERASED_PUT) : NULL;
	if (q) {
		q->a.log = p->row.log;
		q->a.seq = st.of.seq;
		q->a.id = st.of.id;
		q->a.bytes = bytes; /* borrowed: p lives until the answer */
	}
	emit_store(e, q, s, statement_stored, p);
}

/* The eraser's key events are at hand, or not: then the statement waits until somebody lists it again. */
static void eraser_known(struct engine *e, struct session *s, void *ctx, struct keys *k)
{
	struct pull *p = ctx;
	struct erasure st;
	struct id32 key;
	if (s->state != SESSION_OPEN)
		return;
	if (!k->loaded) {
		peer_close(s, k->err, "the store did not give key events");
		return;
	}
	struct slice bytes = p->events[p->at].bytes;
	if (!k->set || erasure_decode(bytes, &st) != OK ||
		keyset_generation_key(k->set, &st.generation, &key) != OK) {
		p->at++;
		next_statement(p);
		return;
	}
	struct engine_work *w = work_statement(bytes, &key);
	if (!w) {
		peer_close(s, ERR_MEMORY, "out of memory");
		return;
	}
	emit_work(e, w, s, statement_checked, p);
}

/* SPEC 12.1: "without the `keep` flag" */
static void entry_read(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct pull *p = ctx;
	struct erasure st;
	struct entry_header h;
	struct envelope env;
	if (s->state != SESSION_OPEN)
		return;
	if (res->err != OK) { /* the statement would be passed over, and the cursor with it */
		peer_close(s, res->err, "the store did not give an entry");
		return;
	}
	bool ok = res->r.n == 1 && res->r.parts[0].header && res->r.parts[0].kind != BODY_ERASED &&
		erasure_decode(p->events[p->at].bytes, &st) == OK &&
		entry_header_decode(slice_of(res->r.parts[0].header, ENTRY_HEADER_BYTES), &h) == OK &&
		!(h.flags & ENTRY_FLAG_KEEP) && envelope_decode(res->r.parts[0].envelope, &env) == OK;
	struct id32 id = ok ? entry_id(res->r.parts[0].header) : (struct id32){0};
	if (!ok || !id32_equal(&id, &st.of.id) || (st.by == ERASURE_BY_CUSTODIAN && !env.has_custodian)) {
		p->at++;
		next_statement(p);
		return;
	}
	keys_get(e, st.by == ERASURE_BY_CUSTODIAN ? &env.custodian : &p->row.identity, s, eraser_known, p);
}

static void next_statement(struct pull *p)
{
	struct erasure st;
	while (p->at < p->events_n &&
		(erasure_decode(p->events[p->at].bytes, &st) != OK || !id32_equal(&st.of.log, &p->row.log)))
		p->at++;
	if (p->at == p->events_n) {
		pull_finish(p);
		return;
	}
	struct store_req *q = req_new(STORE_BODY_GET);
	uint64_t *seq = q ? arena_alloc(&q->mem, sizeof *seq) : NULL;
	if (seq) {
		*seq = st.of.seq;
		q->a.log = p->row.log;
		q->a.seqs = seq;
		q->a.n = 1;
	} else {
		free(q);
		q = NULL;
	}
	emit_store(p->s->e, q, p->s, entry_read, p);
}

static void got_erased(struct session *s, void *ctx, const union message *m)
{
	struct pull *p = ctx;
	const struct message_list *l = &m->erased.statements;
	struct slice raw;
	if (!pull_room(p, l->raw.n))
		return;
	struct store_keyevent *ev = realloc(p->events, (p->events_n + l->n) * sizeof *ev);
	if (ev)
		p->events = ev;
	if (!ev || p->events_n + l->n > LIMIT_WANT_RUN_ENTRIES || !arena_put(&p->mem, l->raw, &raw)) {
		peer_close(s, ev ? ERR_LIMIT : ERR_MEMORY, "too many erasures");
		return;
	}
	struct message_list copy = {.n = l->n, .raw = raw};
	struct mp_in in = message_list_open(&copy);
	for (size_t i = 0; i < l->n; i++)
		p->events[p->events_n++] = (struct store_keyevent){.bytes = message_next_bytes(&in)};
}

static void erased_end(struct session *s, void *ctx, enum err code)
{
	struct pull *p = ctx;
	(void)code;
	if (!pull_ended(s, p))
		next_statement(p);
}

void pull_erasures(struct pull *p)
{
	p->events_n = p->at = 0;
	if (id32_equal(&p->row.sum, &p->log.erased_sum)) {
		pull_finish(p);
		return;
	}
	struct message_want_erased m = {.log = p->row.log, .first = 0};
	pull_ask(p, MESSAGE_WANT_ERASED, &m, MESSAGE_ERASED, got_erased, erased_end);
}
