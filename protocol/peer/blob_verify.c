/* blob_verify.c -- what came of a blob is checked, several chunks in one go, and counted. See blob_fetch.h. */
#include "blob_fetch.h"

#include "bitmap.h"
#include "protocol/log/blobtree.h"

#define TELL_CHUNKS 64
#define SYNC_BYTES (16u << 20) /* durable progress at least this often */

/* Chunks of one answer, gathered: then one request for the pool. */
struct gathered {
	struct fetch *f;
	conn_id conn;
	struct engine_work *work;
	uint8_t *bytes; /* work's */
	struct id32 *leaves; /* work's */
	uint64_t index;
	size_t n, most, each; /* chunks; the bytes of each */
	bool direct;
};

static void failed(struct fetch *f, const struct gathered *g, size_t done, enum err err)
{
	struct engine *e = f->e;
	for (size_t i = done; f->asked && i < g->n; i++)
		bit_clear(f->asked, g->index + i);
	if (err == ERR_HASH && g->direct) {
		f->direct = false; /* the envelope may lie about the size: ask what the blob is */
		return;
	}
	if (err == ERR_HASH) {
		struct session *s = peer_find(e, g->conn);
		if (s) /* SPEC 11.1: "a lying peer is caught at its first chunk" */
			peer_close(s, ERR_WIRE, "a chunk that does not match its leaf");
		return;
	}
	struct engine_event ev = {.kind = ENGINE_EVENT_STORE_ERROR, .err = err, .text = "a blob's chunk"};
	emit_event(e, &ev);
	wants_wait(f);
}

static void count(struct fetch *f, uint64_t index, size_t bytes)
{
	if (bit_get(f->have, index))
		return;
	bit_set(f->have, index);
	f->have_n++;
	f->unsynced += bytes;
	f->e->blob_progress = true;
	f->got = true;
	f->got_ms = f->e->now_ms;
	bit_set(f->untold_pages, index / BLOB_PAGE_LEAVES);
	if (++f->untold >= TELL_CHUNKS)
		fetch_tell(f);
}

static void direct_checked(struct fetch *f, const struct engine_work *w)
{
	f->leaf = w->leaf;
	if (w->file)
		fetch_publish(f);
	else
		fetch_finish(f, w->bytes);
}

static void checked(struct engine *e, struct session *s, void *ctx, struct engine_work *w)
{
	struct gathered g = *(struct gathered *)ctx;
	struct fetch *f = g.f;
	(void)e, (void)s;
	free(ctx);
	f->on_way -= (unsigned)g.n;
	if (!fetch_release(f) || f->step != FETCH_WORK)
		return;
	if (!g.direct)
		for (size_t i = 0; i < w->done_n; i++)
			count(f, g.index + i, g.each);
	if (w->err != OK)
		failed(f, &g, w->done_n, w->err);
	else if (g.direct)
		direct_checked(f, w);
	else if (wants_full(f, w->done_n * g.each) && f->have_n < f->chunks)
		wants_wait(f);
	else if (f->have_n == f->chunks && !f->file)
		fetch_finish(f, w->bytes);
	else if (f->unsynced >= SYNC_BYTES)
		fetch_sync(f);
}

/* Room for `most` chunks of n bytes; NULL: out of memory. */
static struct gathered *gather_new(struct session *s, struct fetch *f, uint64_t index, size_t n, size_t most)
{
	struct engine_work *w = work_new(WORK_CHUNKS);
	struct gathered *g = w ? malloc(sizeof *g) : NULL;
	uint8_t *bytes = g ? arena_alloc(&w->mem, n * most) : NULL;
	struct id32 *leaves = bytes ? arena_alloc(&w->mem, most * sizeof *leaves) : NULL;
	if (!leaves) {
		free(g);
		if (w)
			engine_work_free(w);
		return NULL;
	}
	w->root = f->root;
	w->identity = f->owner;
	w->index = index;
	w->size = f->size;
	w->file = blob_stored_bytes(f->size) > LIMIT_BLOB_INLINE_BYTES;
	w->whole = f->direct;
	w->leaves = leaves;
	*g = (struct gathered){.f = f,
		.conn = s->conn,
		.work = w,
		.bytes = bytes,
		.leaves = leaves,
		.index = index,
		.most = most,
		.each = n,
		.direct = f->direct};
	fetch_hold(f);
	return g;
}

/* The blob is complete, or nobody wants it any more. */
static void drop(struct gathered *g)
{
	g->f->on_way -= (unsigned)g->n;
	(void)fetch_release(g->f);
	engine_work_free(g->work);
	free(g);
}

void gather_flush(struct gathered **at)
{
	struct gathered *g = *at;
	if (!g)
		return;
	struct engine *e = g->f->e;
	struct engine_work *w = g->work;
	*at = NULL;
	if (g->f->step != FETCH_WORK) {
		drop(g);
		return;
	}
	w->n = g->n;
	w->bytes = slice_of(g->bytes, g->n * g->each);
	if (w->file) {
		emit_work(e, w, NULL, checked, g);
		return;
	}
	engine_work_hash(w); /* sooner done than said to another thread */
	checked(e, NULL, g, w);
	engine_work_free(w);
}

static bool goes_on(const struct gathered *g, uint64_t index, size_t n)
{
	return g->n < g->most && g->index + g->n == index && g->each == n;
}

bool gather(struct gathered **at, struct session *s, struct fetch *f, uint64_t index, uint64_t end,
	struct slice bytes)
{
	if (*at && !goes_on(*at, index, bytes.n))
		gather_flush(at);
	if (!*at)
		*at = gather_new(
			s, f, index, bytes.n, end - index < WORK_CHUNKS_MAX ? end - index : WORK_CHUNKS_MAX);
	struct gathered *g = *at;
	if (!g)
		return false;
	memcpy(g->bytes + g->n * g->each, bytes.p, bytes.n);
	if (!g->direct) {
		g->leaves[g->n] = f->leaves[index % BLOB_PAGE_LEAVES];
		bit_set(f->asked, index); /* also if it comes late */
	}
	g->n++;
	f->on_way++;
	if (g->n == g->most)
		gather_flush(at);
	return true;
}
