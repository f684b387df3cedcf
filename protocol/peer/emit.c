#include "engine_int.h"

#define PENDING_NONE 0xffffffffu

struct store_req *req_new(enum store_op op)
{
	struct store_req *q = calloc(1, sizeof *q);
	if (q)
		q->op = op;
	return q;
}

struct engine_work *work_new(enum engine_work_kind kind)
{
	struct engine_work *w = calloc(1, sizeof *w);
	if (w)
		w->kind = kind;
	return w;
}

struct engine_work *work_statement(struct slice statement, const struct id32 *signer)
{
	struct engine_work *w = work_new(WORK_STATEMENTS);
	struct slice *statements = w ? arena_alloc(&w->mem, sizeof *statements) : NULL;
	struct id32 *signers = statements ? arena_alloc(&w->mem, sizeof *signers) : NULL;
	bool *good = signers ? arena_alloc(&w->mem, sizeof *good) : NULL;
	if (!good) {
		if (w)
			engine_work_free(w);
		return NULL;
	}
	*statements = statement;
	*signers = *signer;
	*good = false;
	w->statements = statements;
	w->signers = signers;
	w->good = good;
	w->n = 1;
	return w;
}

bool arena_put(struct arena *a, struct slice in, struct slice *out)
{
	*out = arena_copy(a, in);
	return out->p != NULL;
}

static void spare_put(struct engine *e, struct out_node *n)
{
	n->next = e->spare;
	e->spare = n;
	e->spare_n++;
}

bool emit_init(struct engine *e)
{
	while (e->spare_n < SPARE_OUTS) {
		struct out_node *n = malloc(sizeof *n);
		if (!n)
			return false;
		spare_put(e, n);
	}
	return true;
}

/* An event or a word on a connection is said even where there is no memory. */
static struct out_node *spare_take(struct engine *e, enum engine_out_kind kind)
{
	struct out_node *n = e->spare;
	if (!n || kind == ENGINE_OUT_SEND || kind == ENGINE_OUT_STORE || kind == ENGINE_OUT_WORK)
		return NULL;
	e->spare = n->next;
	e->spare_n--;
	*n = (struct out_node){0};
	return n;
}

static struct out_node *out_new(struct engine *e, enum engine_out_kind kind, conn_id conn)
{
	struct out_node *n = calloc(1, sizeof *n);
	if (!n)
		n = spare_take(e, kind);
	if (!n)
		return NULL;
	n->out.kind = kind;
	n->out.conn = conn;
	*e->outs_tail = n;
	e->outs_tail = &n->next;
	return n;
}

/* A slot for a continuation; PENDING_NONE if out of memory. */
static uint32_t pending_take(struct engine *e)
{
	if (e->pending_free == PENDING_NONE) {
		uint32_t n = e->pending_n ? e->pending_n * 2 : 64;
		struct pending *p = realloc(e->pending, n * sizeof *p);
		if (!p)
			return PENDING_NONE;
		e->pending = p;
		for (uint32_t i = e->pending_n; i < n; i++)
			p[i] = (struct pending){.next_free = i + 1 < n ? i + 1 : PENDING_NONE};
		e->pending_free = e->pending_n;
		e->pending_n = n;
	}
	uint32_t i = e->pending_free;
	e->pending_free = e->pending[i].next_free;
	return i;
}

static uint64_t pending_put(
	struct engine *e, uint32_t i, struct session *s, stored_fn stored, worked_fn worked, void *ctx)
{
	struct pending *p = &e->pending[i];
	uint32_t generation = p->generation + 1;
	*p = (struct pending){.stored = stored,
		.worked = worked,
		.s = s,
		.ctx = ctx,
		.generation = generation,
		.used = true};
	if (s)
		peer_hold(s);
	return ((uint64_t)generation << 32) | i;
}

static bool pending_get(struct engine *e, uint64_t tag, struct pending *out)
{
	uint32_t i = (uint32_t)tag;
	if (i >= e->pending_n || !e->pending[i].used || e->pending[i].generation != (uint32_t)(tag >> 32))
		return false;
	*out = e->pending[i];
	e->pending[i].used = false;
	e->pending[i].next_free = e->pending_free;
	e->pending_free = i;
	return true;
}

/* Without memory even for the request its continuation is told at once: nobody waits for ever. */
static void store_failed(struct engine *e, struct session *s, stored_fn done, void *ctx)
{
	struct store_res res = {.err = e->closing ? ERR_CLOSED : ERR_MEMORY};
	if (!done)
		return;
	if (s)
		peer_hold(s);
	done(e, s, ctx, &res);
	if (s)
		peer_release(s);
}

void emit_store(struct engine *e, struct store_req *req, struct session *s, stored_fn done, void *ctx)
{
	uint32_t i = req && !e->closing ? pending_take(e) : PENDING_NONE;
	struct out_node *n = i == PENDING_NONE ? NULL : out_new(e, ENGINE_OUT_STORE, s ? s->conn : 0);
	if (!n) {
		if (i != PENDING_NONE) {
			e->pending[i].next_free = e->pending_free;
			e->pending_free = i;
		}
		if (req) {
			store_req_free(req);
			free(req);
		}
		store_failed(e, s, done, ctx);
		return;
	}
	req->tag = pending_put(e, i, s, done, NULL, ctx);
	n->out.req = req;
}

void emit_work(struct engine *e, struct engine_work *w, struct session *s, worked_fn done, void *ctx)
{
	uint32_t i = w && !e->closing ? pending_take(e) : PENDING_NONE;
	struct out_node *n = i == PENDING_NONE ? NULL : out_new(e, ENGINE_OUT_WORK, s ? s->conn : 0);
	if (n) {
		w->tag = pending_put(e, i, s, NULL, done, ctx);
		n->out.work = w;
		return;
	}
	if (i != PENDING_NONE) {
		e->pending[i].next_free = e->pending_free;
		e->pending_free = i;
	}
	struct engine_work none = {.err = ERR_MEMORY};
	struct engine_work *failed = w ? w : &none;
	failed->err = ERR_MEMORY;
	if (s)
		peer_hold(s);
	done(e, s, ctx, failed);
	if (w)
		engine_work_free(w);
	if (s)
		peer_release(s);
}

void emit_stored(struct engine *e, struct store_res *res)
{
	struct pending p;
	if (pending_get(e, res->tag, &p)) {
		if (p.stored)
			p.stored(e, p.s, p.ctx, res);
		else
			(void)engine_written(e, res, "a peer's address");
		if (p.s)
			peer_release(p.s);
	}
	store_res_free(res);
}

static void worked(struct engine *e, struct engine_work *w)
{
	struct pending p;
	if (pending_get(e, w->tag, &p)) {
		p.worked(e, p.s, p.ctx, w);
		if (p.s)
			peer_release(p.s);
	}
}

void emit_worked(struct engine *e, struct engine_work *w)
{
	worked(e, w);
	engine_work_free(w);
}

void emit_event(struct engine *e, const struct engine_event *ev)
{
	struct out_node *n = out_new(e, ENGINE_OUT_EVENT, ev->conn);
	if (n)
		n->out.event = *ev;
}

void emit_dial(struct engine *e, const struct id32 *node)
{
	struct out_node *n = out_new(e, ENGINE_OUT_DIAL, 0);
	if (n)
		n->out.node = *node;
	else
		members_unreached(e, node);
}

void emit_flow(struct engine *e, enum engine_out_kind kind, conn_id conn)
{
	(void)out_new(e, kind, conn);
}

void emit_splice(struct engine *e, conn_id conn, conn_id other)
{
	struct out_node *n = out_new(e, ENGINE_OUT_SPLICE, conn);
	if (n)
		n->out.other = other;
}

void emit_message(struct session *s, enum message_type type, const void *msg)
{
	emit_message_class(s, type, msg, type >= MESSAGE_WANT_BLOB && type <= MESSAGE_CHUNK);
}

void emit_message_class(struct session *s, enum message_type type, const void *msg, bool bulk)
{
	if (s->state == SESSION_CLOSED)
		return;
	struct buf body = {0};
	struct out_node *n = NULL;
	if (message_encode(type, msg, &body) == OK)
		n = out_new(s->e, ENGINE_OUT_SEND, s->conn);
	if (!n) {
		buf_free(&body);
		if (type != MESSAGE_BYE) /* else it is being closed, without a farewell */
			peer_close(s, ERR_MEMORY, "out of memory");
		return;
	}
	n->out.type = (uint8_t)type;
	n->out.bulk = bulk;
	n->out.body = body;
	if (bulk)
		s->queued_bulk += body.n;
	else
		s->queued += body.n;
}

static void out_free(struct out_node *n)
{
	buf_free(&n->out.body);
	if (n->out.req) {
		store_req_free(n->out.req);
		free(n->out.req);
	}
	if (n->out.work)
		engine_work_free(n->out.work);
	free(n);
}

bool engine_next(struct engine *e, struct engine_out *out)
{
	struct out_node *n = e->outs;
	if (!n)
		return false;
	*out = n->out;
	e->outs = n->next;
	if (!e->outs)
		e->outs_tail = &e->outs;
	if (e->spare_n < SPARE_OUTS)
		spare_put(e, n);
	else
		free(n);
	return true;
}

/* Nobody waits for ever: each continuation is told that its answer does not come, and frees what it holds. */
void emit_close(struct engine *e)
{
	e->closing = true;
	for (uint32_t i = 0; i < e->pending_n; i++) {
		if (!e->pending[i].used)
			continue;
		uint64_t tag = ((uint64_t)e->pending[i].generation << 32) | i;
		if (e->pending[i].worked) {
			struct engine_work w = {.kind = WORK_REMOVE, .tag = tag, .err = ERR_CLOSED};
			worked(e, &w);
		} else {
			struct store_res res = {.tag = tag, .err = ERR_CLOSED};
			emit_stored(e, &res);
		}
	}
}

void emit_deinit(struct engine *e)
{
	while (e->outs) {
		struct out_node *n = e->outs;
		e->outs = n->next;
		out_free(n);
	}
	while (e->spare) {
		struct out_node *n = e->spare;
		e->spare = n->next;
		free(n);
	}
	free(e->pending);
	e->pending = NULL;
	e->pending_n = 0;
}
