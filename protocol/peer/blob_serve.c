/* blob_serve.c -- a peer asks for blobs, leaves and chunks: read in order, paced by what is queued. SPEC.md section 11. */
#include "bitmap.h"
#include "engine_int.h"

#include "protocol/log/blobtree.h"

#define SAY_UNREADABLE_MS 60000
#define READS 2 /* under way for one request; a peer has several of them */
#define AHEAD_MAX 32 /* chunks read ahead for a peer: 2 MiB */

struct chunk_read {
	struct chunk_serve *v;
	uint64_t index;
	size_t n; /* chunks; 0: free */
	struct engine_work *work; /* read; NULL while under way */
};

struct chunk_serve {
	struct chunk_serve *next;
	struct session *s;
	uint32_t req;
	enum message_type type;
	struct id32 root;
	uint64_t begin, first, end, size;
	uint8_t missing[LIMIT_CHUNKS_PER_REQUEST / 8]; /* bitmap, from `begin` on */
	bool ready, over;
	bool pumping; /* without memory a read is answered at once */
	enum err code;
	unsigned reads; /* under way */
	uint64_t sent; /* next index to send */
	unsigned read_at, send_at; /* slots: the next to read into, and to send from */
	struct chunk_read slots[READS];
};

static struct chunk_serve *serve_new(
	struct session *s, uint64_t req, enum message_type type, const struct id32 *root)
{
	unsigned n = 0, chunks = 0;
	for (struct chunk_serve *v = s->chunk_serves; v; v = v->next) {
		if (v->req == req) {
			peer_close(s, ERR_WIRE, "a request number that is in use");
			return NULL;
		}
		n++;
		chunks += v->type == MESSAGE_WANT_CHUNKS;
	}
	/* SPEC 9.3: "A side has at most 128 unanswered requests, at most 16 of them `want-chunks`" */
	if (n + s->serves_n >= LIMIT_REQUESTS ||
		(type == MESSAGE_WANT_CHUNKS && chunks >= LIMIT_CHUNK_REQUESTS)) {
		peer_close(s, ERR_LIMIT, "too many requests");
		return NULL;
	}
	struct chunk_serve *v = calloc(1, sizeof *v);
	if (!v) {
		peer_close(s, ERR_MEMORY, "out of memory");
		return NULL;
	}
	*v = (struct chunk_serve){.s = s, .req = (uint32_t)req, .type = type, .root = *root};
	struct chunk_serve **tail = &s->chunk_serves;
	while (*tail)
		tail = &(*tail)->next;
	*tail = v;
	return v;
}

static void slot_free(struct chunk_serve *v, struct chunk_read *r)
{
	v->s->chunks_ahead -= (unsigned)r->n;
	if (r->work)
		engine_work_free(r->work);
	*r = (struct chunk_read){0};
}

static void serve_free(struct chunk_serve *v)
{
	for (struct chunk_serve **at = &v->s->chunk_serves; *at; at = &(*at)->next) {
		if (*at == v) {
			*at = v->next;
			break;
		}
	}
	for (size_t i = 0; i < READS; i++)
		slot_free(v, &v->slots[i]);
	free(v);
}

void blob_serve_deinit(struct session *s)
{
	while (s->chunk_serves)
		serve_free(s->chunk_serves);
	free(s->interests);
	s->interests = NULL;
}

static void finish(struct chunk_serve *v, enum err code)
{
	serve_done(v->s, v->req, code, true);
	serve_free(v);
}

static void ask_blob(struct chunk_serve *v, bool content, stored_fn done)
{
	struct store_req *q = req_new(STORE_BLOB_GET);
	if (q) {
		q->a.root = v->root;
		q->a.flag = content;
	}
	emit_store(v->s->e, q, v->s, done, v);
}

/* ---- want-blob, want-leaves ---- */

static bool known(const struct store_res *res)
{
	return res->err == OK && res->r.n == 1 && res->r.blobs[0].state != BLOB_WANTED &&
		res->r.blobs[0].pages.n > 0;
}

/* SPEC 11.2: "sends at least one `have-chunks` before `done`" */
static void tell_part(struct session *s, const struct store_blob *b)
{
	uint64_t chunks = blob_chunks(b->size), now_chunks;
	size_t n = (size_t)((chunks + 7) / 8);
	const uint8_t *now = blob_have_now(s->e, &b->root, &now_chunks);
	uint8_t *none = calloc(1, n);
	if (now && now_chunks == chunks)
		blob_tell_part(s, &b->root, chunks, now);
	else if (b->have.n == n)
		blob_tell_part(s, &b->root, chunks, b->have.p);
	else if (none)
		blob_tell_part(s, &b->root, chunks, none);
	free(none);
}

static void blob_read(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct chunk_serve *v = ctx;
	(void)e;
	if (s->state != SESSION_OPEN)
		return;
	if (known(res)) {
		const struct store_blob *b = &res->r.blobs[0];
		struct message_blob m = {.req = v->req,
			.root = v->root,
			.owner = b->owner,
			.size = b->size,
			.pages = b->pages};
		emit_message(s, MESSAGE_BLOB, &m);
	}
	if (res->err != OK || res->r.blobs[0].state != BLOB_COMPLETE)
		blob_interest(s, &v->root);
	if (known(res) && res->r.blobs[0].state != BLOB_COMPLETE)
		tell_part(s, &res->r.blobs[0]);
	finish(v, known(res) ? OK : ERR_NOT_FOUND);
}

void blob_serve_want(struct session *s, const struct message_want_blob *m)
{
	struct chunk_serve *v = serve_new(s, m->req, MESSAGE_WANT_BLOB, &m->root);
	if (v)
		ask_blob(v, false, blob_read);
}

static void leaves_read(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct chunk_serve *v = ctx;
	(void)e;
	if (s->state != SESSION_OPEN)
		return;
	if (res->err == OK) {
		struct message_leaves m = {.req = v->req, .leaves = res->r.bytes};
		emit_message(s, MESSAGE_LEAVES, &m);
	}
	finish(v, res->err);
}

void blob_serve_leaves(struct session *s, const struct message_want_leaves *m)
{
	struct chunk_serve *v = serve_new(s, m->req, MESSAGE_WANT_LEAVES, &m->root);
	struct store_req *q = v ? req_new(STORE_BLOB_LEAVES) : NULL;
	if (!v)
		return;
	if (q) {
		q->a.root = m->root;
		q->a.seq = m->page;
	}
	emit_store(s->e, q, s, leaves_read, v);
}

/* ---- want-chunks ---- */

static void send_chunk(struct chunk_serve *v, uint64_t index, struct slice bytes)
{
	struct message_chunk m = {.req = v->req, .index = index, .bytes = bytes};
	emit_message(v->s, MESSAGE_CHUNK, &m);
}

static bool missing(const struct chunk_serve *v, uint64_t index)
{
	return bit_get(v->missing, index - v->begin);
}

static void send_read(struct chunk_serve *v, const struct chunk_read *r)
{
	struct slice bytes = r->work->bytes;
	for (size_t i = 0; i < r->work->done_n; i++) {
		size_t n = blob_chunk_plain_bytes(v->size, r->index + i) + BLOB_CHUNK_TAG_BYTES;
		send_chunk(v, r->index + i, slice_of(bytes.p, n));
		bytes = slice_of(bytes.p + n, bytes.n - n);
	}
	v->sent = r->index + r->n;
	if (r->work->done_n == r->n)
		return;
	v->over = true;
	v->code = ERR_NOT_FOUND;
}

/* Sends what was read, in order. */
static void send_ready(struct chunk_serve *v)
{
	while (!v->over) {
		while (v->sent < v->first && missing(v, v->sent))
			v->sent++;
		struct chunk_read *r = &v->slots[v->send_at];
		if (!r->work)
			return;
		send_read(v, r);
		slot_free(v, r);
		v->send_at = (v->send_at + 1) % READS;
	}
}

/* What was dropped meanwhile is nobody's trouble. A peer may ask again and again. */
static void say_unreadable(struct engine *e, enum err err)
{
	struct engine_event ev = {
		.kind = ENGINE_EVENT_STORE_ERROR, .err = err, .text = "a blob's file cannot be read"};
	if (err == OK || err == ERR_NOT_FOUND || err == ERR_CLOSED || e->now_ms < e->unreadable_ms)
		return;
	e->unreadable_ms = e->now_ms + SAY_UNREADABLE_MS;
	emit_event(e, &ev);
}

static void chunks_were_read(struct engine *e, struct session *s, void *ctx, struct engine_work *w)
{
	struct chunk_read *r = ctx;
	struct chunk_serve *v = r->v;
	say_unreadable(e, w->err);
	v->reads--;
	if (s->state != SESSION_OPEN)
		return;
	r->work = malloc(sizeof *r->work);
	if (!r->work) {
		peer_close(s, ERR_MEMORY, "out of memory");
		return;
	}
	*r->work = *w;
	w->mem = (struct arena){0};
	send_ready(v);
	if (!v->pumping)
		blob_serve_pump(s); /* the others wait for the same room */
}

/* As many in one go as follow each other. */
static size_t stretch(const struct chunk_serve *v)
{
	size_t n = 1, most = AHEAD_MAX - v->s->chunks_ahead;
	if (most > WORK_CHUNKS_MAX)
		most = WORK_CHUNKS_MAX;
	while (n < most && v->first + n < v->end && !missing(v, v->first + n))
		n++;
	return n;
}

static void read_next(struct chunk_serve *v)
{
	struct engine_work *w = work_new(WORK_READ);
	struct chunk_read *r = &v->slots[v->read_at];
	*r = (struct chunk_read){.v = v, .index = v->first, .n = stretch(v)};
	if (w) {
		w->root = v->root;
		w->index = v->first;
		w->n = r->n;
		w->size = v->size;
	}
	v->first += r->n;
	v->read_at = (v->read_at + 1) % READS;
	v->reads++;
	v->s->chunks_ahead += (unsigned)r->n;
	emit_work(v->s->e, w, v->s, chunks_were_read, r);
}

static bool may_read(const struct chunk_serve *v)
{
	const struct session *s = v->s;
	return !v->over && v->first < v->end && v->slots[v->read_at].n == 0 && s->chunks_ahead < AHEAD_MAX &&
		s->queued_bulk < SERVE_CHUNK_QUEUE_BYTES && s->state == SESSION_OPEN;
}

static void pump(struct chunk_serve *v)
{
	struct session *s = v->s;
	if (v->pumping)
		return;
	v->pumping = true;
	while (may_read(v)) {
		if (missing(v, v->first)) {
			v->first++;
			send_ready(v);
			continue;
		}
		read_next(v);
	}
	v->pumping = false;
	if (s->state == SESSION_OPEN && v->reads == 0 &&
		(v->over || (v->first >= v->end && v->sent >= v->end)))
		finish(v, v->code);
}

void blob_serve_pump(struct session *s)
{
	struct chunk_serve *next;
	for (struct chunk_serve *v = s->chunk_serves; v && s->state == SESSION_OPEN; v = next) {
		next = v->next;
		if (v->ready)
			pump(v);
	}
}

static bool holds(const struct store_blob *b, uint64_t chunk)
{
	return b->state == BLOB_COMPLETE || (chunk / 8 < b->have.n && bit_get(b->have.p, chunk));
}

static void chunks_blob(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct chunk_serve *v = ctx;
	if (s->state != SESSION_OPEN)
		return;
	const struct store_blob *b = res->err == OK ? &res->r.blobs[0] : NULL;
	if (!b || b->state != BLOB_COMPLETE)
		blob_interest(s, &v->root);
	if (!known(res) || v->first >= blob_chunks(b->size)) {
		finish(v, ERR_NOT_FOUND);
		return;
	}
	if (b->in_rows) {
		send_chunk(v, 0, res->r.bytes);
		finish(v, OK);
		return;
	}
	uint64_t chunks = blob_chunks(b->size), now_chunks;
	const uint8_t *now = blob_have_now(e, &v->root, &now_chunks);
	v->size = b->size;
	if (v->end > chunks)
		v->end = chunks;
	for (uint64_t i = v->first; i < v->end; i++) {
		if (holds(b, i) || (now && i < now_chunks && bit_get(now, i)))
			continue;
		bit_set(v->missing, i - v->begin);
		v->code = ERR_NOT_FOUND; /* SPEC 11: "after those that it has" */
	}
	v->sent = v->first;
	v->ready = true;
	pump(v);
}

void blob_serve_chunks(struct session *s, const struct message_want_chunks *m)
{
	struct chunk_serve *v = serve_new(s, m->req, MESSAGE_WANT_CHUNKS, &m->root);
	if (!v)
		return;
	v->begin = v->first = m->first;
	v->end = m->first + m->count;
	ask_blob(v, true, chunks_blob);
}
