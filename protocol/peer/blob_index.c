/* blob_index.c -- what a blob is: owner, size and pages, checked against its root, and the leaves of a page. See blob_fetch.h. */
#include "blob_fetch.h"

#include "bitmap.h"
#include "protocol/log/blobtree.h"

/* ---- leaves ---- */

static void take_leaves(struct fetch *f, struct slice bytes)
{
	free(f->leaves);
	f->leaves = malloc(bytes.n);
	f->leaves_state = f->leaves ? LEAVES_HERE : LEAVES_LACKING;
	if (f->leaves)
		memcpy(f->leaves, bytes.p, bytes.n);
	fetch_stir(f);
}

static bool leaves_hold(const struct fetch *f, uint32_t page, struct slice bytes)
{
	uint32_t n = blob_page_leaves(f->size, page);
	struct id32 leaves[BLOB_PAGE_LEAVES];
	if (bytes.n != n * sizeof *leaves)
		return false;
	memcpy(leaves, bytes.p, bytes.n);
	struct id32 h = blob_page_hash(leaves, n);
	return id32_equal(&h, &f->pages[page]);
}

static void index_kept(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct fetch *f = ctx;
	(void)s;
	if (!fetch_unwanted(f, res))
		(void)engine_written(e, res, "the leaves of a blob");
	(void)fetch_release(f);
}

struct leaves_ask {
	struct fetch *f;
	uint32_t page;
};

static void got_leaves(struct session *s, void *ctx, const union message *m)
{
	struct leaves_ask *a = ctx;
	struct fetch *f = a->f;
	if (f->step != FETCH_WORK)
		return;
	if (!leaves_hold(f, a->page, m->leaves.leaves)) {
		peer_close(s, ERR_WIRE, "leaves that do not match their page");
		return;
	}
	if (f->page != a->page || f->leaves_state == LEAVES_HERE)
		return; /* another was faster */
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
	struct leaves_ask a = *(struct leaves_ask *)ctx;
	struct fetch *f = a.f;
	free(ctx);
	(void)code;
	struct source *src = source_of(f, s);
	if (src)
		src->owes_leaves = false;
	if (!fetch_release(f) || f->page != a.page || f->leaves_state != LEAVES_ASKED)
		return;
	f->leaves_state = LEAVES_LACKING;
	uint64_t first = (uint64_t)a.page * BLOB_PAGE_LEAVES;
	if (src && !(src->part && source_lacks(f, src, first, first + blob_page_leaves(f->size, a.page))))
		source_drop(f, src, true);
}

/* One that has chunks of the page; rather one that has all. *owed: one that would do has not answered yet. */
static struct source *leaves_source(struct fetch *f, uint64_t first, uint64_t end, bool *owed)
{
	struct source *best = NULL;
	for (size_t i = 0; i < SOURCES_MAX; i++) {
		struct source *src = &f->sources[i];
		if (src->state != SOURCE_READY || src->late || !source_can(f, src, first, end))
			continue;
		if (src->owes_leaves)
			*owed = true;
		else if (!ask_room(src->s, false))
			f->held = true;
		else if (!best || (best->part && !src->part))
			best = src;
	}
	return best;
}

static void ask_leaves(struct fetch *f)
{
	uint64_t first = (uint64_t)f->page * BLOB_PAGE_LEAVES;
	bool owed = false;
	struct source *src = leaves_source(f, first, first + blob_page_leaves(f->size, f->page), &owed);
	struct leaves_ask *a = src ? malloc(sizeof *a) : NULL;
	if (!src && owed) {
		f->leaves_state = LEAVES_ASKED;
		f->leaves_ms = f->e->now_ms;
		return;
	}
	f->held = f->held || (src && !a); /* memory may be there later */
	if (!a && f->held)
		return;
	if (!a) {
		f->leaves_state = LEAVES_NONE; /* another page, perhaps */
		f->page = PAGE_NONE;
		fetch_stir(f);
		return;
	}
	*a = (struct leaves_ask){.f = f, .page = f->page};
	struct message_want_leaves m = {.root = f->root, .page = f->page};
	f->leaves_state = LEAVES_ASKED;
	f->leaves_ms = f->e->now_ms;
	src->owes_leaves = true;
	if (!src->out)
		src->asked_ms = f->e->now_ms;
	fetch_hold(f);
	ask_send(src->s, MESSAGE_WANT_LEAVES, &m, MESSAGE_LEAVES, got_leaves, leaves_end, a);
}

static void leaves_found(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct fetch *f = ctx;
	(void)e, (void)s;
	if (!fetch_release(f) || f->leaves_state != LEAVES_LOOKED_UP)
		return;
	if (res->err == OK && leaves_hold(f, f->page, res->r.bytes))
		take_leaves(f, res->r.bytes);
	else
		f->leaves_state = LEAVES_LACKING;
}

/* The next page, from where this node begins, of which somebody has what is missing here. */
static bool pick_page(struct fetch *f)
{
	uint32_t begin = (uint32_t)(f->start / BLOB_PAGE_LEAVES);
	for (uint32_t k = 0; k < f->pages_n; k++) {
		uint32_t page = (begin + k) % f->pages_n;
		uint64_t first = (uint64_t)page * BLOB_PAGE_LEAVES;
		for (size_t i = 0; i < SOURCES_MAX; i++) {
			const struct source *src = &f->sources[i];
			if (src->state == SOURCE_READY && !src->late &&
				source_can(f, src, first, first + blob_page_leaves(f->size, page))) {
				f->page = page;
				return true;
			}
		}
	}
	return false;
}

void fetch_need_leaves(struct fetch *f)
{
	if (f->leaves_state == LEAVES_ASKED && f->e->now_ms >= f->leaves_ms + SOURCE_SLOW_MS)
		f->leaves_state = LEAVES_LACKING; /* somebody else, besides */
	if (f->leaves_state == LEAVES_LACKING) {
		ask_leaves(f);
	} else if (f->leaves_state == LEAVES_NONE && pick_page(f)) {
		f->leaves_state = LEAVES_LOOKED_UP;
		struct store_req *q = req_new(STORE_BLOB_LEAVES);
		if (q) {
			q->a.root = f->root;
			q->a.seq = f->page;
		}
		fetch_hold(f);
		emit_store(f->e, q, NULL, leaves_found, f);
	}
}

/* ---- owner, size, pages ---- */

static uint64_t start_of(const struct fetch *f)
{
	return (be32_get(f->e->config.node.b) ^ be32_get(f->root.b)) % f->chunks;
}

enum err fetch_take_meta(struct fetch *f, uint64_t size, struct slice pages)
{
	uint32_t n = blob_pages(size);
	if (pages.n != n * sizeof(struct id32) || blob_chunks(size) > LIMIT_BLOB_CHUNKS)
		return ERR_WIRE;
	size_t bytes = (size_t)((blob_chunks(size) + 7) / 8);
	struct id32 *p = malloc(pages.n);
	if (!p)
		return ERR_MEMORY;
	memcpy(p, pages.p, pages.n);
	struct id32 root = blob_root(p, n, size, &f->owner);
	enum err e = id32_equal(&root, &f->root) ? OK : ERR_WIRE;
	if (e == OK) {
		f->have = f->have ? f->have : calloc(1, bytes);
		f->asked = f->asked ? f->asked : calloc(1, bytes);
		e = f->have && f->asked ? OK : ERR_MEMORY;
	}
	if (e != OK) {
		free(p);
		return e;
	}
	free(f->pages);
	f->pages = p;
	f->pages_n = n;
	f->size = size;
	f->chunks = blob_chunks(size);
	f->start = start_of(f);
	f->file = blob_stored_bytes(size) > LIMIT_BLOB_INLINE_BYTES;
	return OK;
}

/* Keeps what a peer said of the blob, under this owner; done holds f and releases it. */
static void put_meta(
	struct fetch *f, const struct id32 *owner, uint64_t size, struct slice pages, stored_fn done)
{
	struct store_req *q = req_new(STORE_BLOB_META);
	if (q && !arena_put(&q->mem, pages, &q->a.bytes)) {
		free(q);
		q = NULL;
	}
	if (q) {
		q->a.root = f->root;
		q->a.identity = *owner;
		q->a.number = size;
	}
	fetch_hold(f);
	emit_store(f->e, q, NULL, done, f);
}

/* SPEC 11.1: "A blob whose root fits, but with another owner, is not what that envelope names" */
static bool of_another(const struct fetch *f, const struct message_blob *m)
{
	struct id32 pages[LIMIT_BLOB_PAGES];
	uint32_t n = blob_pages(m->size);
	if (id32_equal(&m->owner, &f->owner) || !id32_equal(&m->root, &f->root) || n > LIMIT_BLOB_PAGES ||
		m->pages.n != n * sizeof *pages)
		return false;
	memcpy(pages, m->pages.p, m->pages.n);
	struct id32 root = blob_root(pages, n, m->size, &m->owner);
	return id32_equal(&root, &f->root);
}

/* Several name it: it is that owner's, if an entry of his is here that pins it. */
static void owner_kept(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct fetch *f = ctx;
	(void)s;
	if (res->err != ERR_NOT_FOUND && engine_written(e, res, "a blob's owner")) {
		fetch_over(f);
		wants_new_peer(e); /* and from the beginning */
	}
	(void)fetch_release(f);
}

static void got_blob(struct session *s, void *ctx, const union message *m)
{
	struct fetch *f = ctx;
	struct source *src = source_of(f, s);
	if (f->step != FETCH_WORK || !src)
		return;
	if (of_another(f, &m->blob)) {
		put_meta(f, &m->blob.owner, m->blob.size, m->blob.pages, owner_kept);
		return;
	}
	bool known = f->pages != NULL;
	enum err e = id32_equal(&m->blob.root, &f->root) && id32_equal(&m->blob.owner, &f->owner)
		? fetch_take_meta(f, m->blob.size, m->blob.pages)
		: ERR_WIRE;
	if (e != OK) {
		peer_close(s, e, e == ERR_MEMORY ? "out of memory" : "a blob that does not match its root");
		return;
	}
	if (!known)
		put_meta(f, &f->owner, f->size, m->blob.pages, index_kept);
	src->state = SOURCE_READY;
}

static void blob_end(struct session *s, void *ctx, enum err code)
{
	struct fetch *f = ctx;
	if (!fetch_release(f))
		return;
	struct source *src = source_of(f, s);
	if (src && (code != OK || src->state != SOURCE_READY))
		source_drop(f, src, true);
}

void fetch_ask_meta(struct fetch *f, struct source *src)
{
	struct message_want_blob m = {.root = f->root};
	fetch_hold(f);
	ask_send(src->s, MESSAGE_WANT_BLOB, &m, MESSAGE_BLOB, got_blob, blob_end, f);
}
