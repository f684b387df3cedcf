/* blob_index.c -- what a blob is: owner, size and pages, checked against its root, and the leaves of a page. See blob_fetch.h. */
#include "blob_fetch.h"

#include "bitmap.h"
#include "protocol/log/blobtree.h"

/* ---- leaves ---- */

static void take_leaves(struct fetch *f, struct slice bytes)
{
	uint32_t n = blob_page_leaves(f->size, f->page);
	free(f->leaves);
	f->leaves = malloc(n * sizeof *f->leaves);
	if (!f->leaves) {
		fetch_leave(f, false);
		return;
	}
	memcpy(f->leaves, bytes.p, n * sizeof *f->leaves);
	f->leaves_ready = true;
	f->scan = (uint64_t)f->page * BLOB_PAGE_LEAVES;
	f->step = FETCH_CHUNKS;
	fetch_ask_chunks(f);
}

static bool leaves_hold(const struct fetch *f, struct slice bytes)
{
	uint32_t n = blob_page_leaves(f->size, f->page);
	struct id32 leaves[BLOB_PAGE_LEAVES];
	if (bytes.n != n * sizeof *leaves)
		return false;
	memcpy(leaves, bytes.p, bytes.n);
	struct id32 h = blob_page_hash(leaves, n);
	return id32_equal(&h, &f->pages[f->page]);
}

static void index_kept(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct fetch *f = ctx;
	(void)s;
	if (!fetch_unwanted(f, res))
		(void)engine_written(e, res, "the leaves of a blob");
	(void)fetch_release(f);
}

static void got_leaves(struct session *s, void *ctx, const union message *m)
{
	struct fetch *f = ctx;
	if (f->step != FETCH_LEAVES || f->leaves_ready || !leaves_hold(f, m->leaves.leaves)) {
		peer_close(s, ERR_WIRE, "leaves that do not match their page");
		return;
	}
	/* Of small blobs too: the next peer asks for them. */
	struct store_req *q = req_new(STORE_BLOB_LEAVES_PUT);
	if (q && !arena_put(&q->mem, m->leaves.leaves, &q->a.bytes)) {
		free(q);
		q = NULL;
	}
	if (q) {
		q->a.root = f->root;
		q->a.seq = f->page;
	}
	fetch_hold(f);
	emit_store(s->e, q, NULL, index_kept, f);
	take_leaves(f, m->leaves.leaves);
}

static void leaves_end(struct session *s, void *ctx, enum err code)
{
	struct fetch *f = ctx;
	f->asks--;
	if (!fetch_release(f) || s->state != SESSION_OPEN || f->s != s)
		return;
	if (code != OK || f->step == FETCH_LEAVES) {
		fetch_leave(f, true);
		blob_pump(s->e);
	} else {
		fetch_next(f);
	}
}

static void leaves_found(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct fetch *f = ctx;
	(void)e;
	if (!fetch_release(f) || f->step != FETCH_LEAVES)
		return;
	if (res->err == OK && leaves_hold(f, res->r.bytes)) {
		take_leaves(f, res->r.bytes);
		return;
	}
	if (!s || s->state != SESSION_OPEN || f->s != s) {
		fetch_leave(f, false);
		return;
	}
	struct message_want_leaves m = {.root = f->root, .page = f->page};
	f->asks++;
	fetch_hold(f);
	ask_send(s, MESSAGE_WANT_LEAVES, &m, MESSAGE_LEAVES, got_leaves, leaves_end, f);
}

void fetch_need_leaves(struct fetch *f)
{
	uint64_t i = 0;
	while (i < f->chunks && bit_get(f->have, i))
		i++;
	f->page = (uint32_t)(i / BLOB_PAGE_LEAVES);
	f->leaves_ready = false;
	f->step = FETCH_LEAVES;
	struct store_req *q = req_new(STORE_BLOB_LEAVES);
	if (q) {
		q->a.root = f->root;
		q->a.seq = f->page;
	}
	fetch_hold(f);
	emit_store(f->e, q, f->s, leaves_found, f);
}

/* ---- owner, size, pages ---- */

bool fetch_take_meta(struct fetch *f, uint64_t size, struct slice pages)
{
	uint32_t n = blob_pages(size);
	if (pages.n != n * sizeof(struct id32) || blob_chunks(size) > LIMIT_BLOB_CHUNKS)
		return false;
	struct id32 *p = malloc(pages.n);
	if (!p)
		return false;
	memcpy(p, pages.p, pages.n);
	struct id32 root = blob_root(p, n, size, &f->owner);
	if (!id32_equal(&root, &f->root)) {
		free(p);
		return false;
	}
	free(f->pages);
	f->pages = p;
	f->pages_n = n;
	f->size = size;
	f->chunks = blob_chunks(size);
	f->file = blob_stored_bytes(size) > LIMIT_BLOB_INLINE_BYTES;
	size_t bytes = (size_t)((f->chunks + 7) / 8);
	if (!f->have)
		f->have = calloc(1, bytes);
	f->asked = calloc(1, bytes);
	return f->have && f->asked;
}

static void got_blob(struct session *s, void *ctx, const union message *m)
{
	struct fetch *f = ctx;
	if (f->step != FETCH_META || f->pages || !id32_equal(&m->blob.root, &f->root) ||
		!id32_equal(&m->blob.owner, &f->owner) || !fetch_take_meta(f, m->blob.size, m->blob.pages)) {
		peer_close(s, ERR_WIRE, "a blob that does not match its root");
		return;
	}
	struct store_req *q = req_new(STORE_BLOB_META);
	if (q && !arena_put(&q->mem, m->blob.pages, &q->a.bytes)) {
		free(q);
		q = NULL;
	}
	if (q) {
		q->a.root = f->root;
		q->a.identity = f->owner;
		q->a.number = f->size;
	}
	fetch_hold(f);
	emit_store(s->e, q, NULL, index_kept, f);
}

static void blob_end(struct session *s, void *ctx, enum err code)
{
	struct fetch *f = ctx;
	f->asks--;
	if (!fetch_release(f) || s->state != SESSION_OPEN || f->s != s)
		return;
	if (code != OK || !f->pages) {
		fetch_leave(f, true);
		blob_pump(s->e);
	} else {
		fetch_next(f);
	}
}

void fetch_need_meta(struct fetch *f)
{
	struct message_want_blob m = {.root = f->root};
	f->step = FETCH_META;
	f->asks++;
	fetch_hold(f);
	ask_send(f->s, MESSAGE_WANT_BLOB, &m, MESSAGE_BLOB, got_blob, blob_end, f);
}
