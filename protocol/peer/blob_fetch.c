/* blob_fetch.c -- blobs that entries here pin and that are not complete: found at a peer, chunk by chunk verified, durable as they come.
 * SPEC.md section 11. Wants are rows in the store; what is here in memory can be forgotten at any time. */
#include "bitmap.h"
#include "engine_int.h"

#include "protocol/log/blobtree.h"

#define FETCHES_MAX 64 /* worked on at once */
#define WANTS_MAX (FETCHES_MAX * 2) /* looked at together */
#define FETCHES_PER_SESSION 32
#define CHUNKS_PER_ASK 16
#define CHUNKS_ASKED_MAX 128 /* 8 MiB on their way for one blob */
#define SYNC_BYTES (16u << 20) /* durable progress at least this often … */
#define SYNC_MS 1000 /* … and this often */
#define RETRY_MS 5000 /* when no peer had it, or the disk was full */

enum fetch_step { FETCH_IDLE, FETCH_META, FETCH_LEAVES, FETCH_CHUNKS, FETCH_PUBLISH, FETCH_OVER };

struct fetch {
	struct fetch *next;
	struct engine *e;
	struct id32 root, owner;
	uint64_t size, chunks, have_n;
	enum fetch_step step;
	struct session *s; /* the source; NULL: none */
	unsigned refs; /* continuations that refer to it */
	bool file;
	struct id32 *pages;
	uint32_t pages_n;
	struct id32 *leaves; /* of page `page` */
	uint32_t page;
	bool leaves_ready;
	uint8_t *have, *asked; /* bitmaps */
	uint64_t scan; /* no chunk below it is missing and unasked */
	unsigned on_way; /* chunks asked for and not verified */
	unsigned asks; /* want-… without an end */
	uint64_t unsynced;
	uint64_t synced_ms;
	bool syncing;
	size_t not_there_n;
	conn_id not_there[16]; /* peers that said they do not have it */
};

static void fetch_free(struct fetch *f)
{
	struct engine *e = f->e;
	for (struct fetch **at = &e->fetches; *at; at = &(*at)->next) {
		if (*at == f) {
			*at = f->next;
			e->fetches_n--;
			break;
		}
	}
	free(f->pages);
	free(f->leaves);
	free(f->have);
	free(f->asked);
	free(f);
}

static void hold(struct fetch *f)
{
	f->refs++;
}

/* False: f is gone, or over. */
static bool release(struct fetch *f)
{
	f->refs--;
	if (f->step == FETCH_OVER) {
		if (f->refs == 0)
			fetch_free(f);
		return false;
	}
	return true;
}

static void over(struct fetch *f)
{
	f->step = FETCH_OVER;
	f->s = NULL;
	if (f->refs == 0)
		fetch_free(f);
}

void blob_deinit(struct engine *e)
{
	while (e->fetches) {
		e->fetches->refs = 0;
		fetch_free(e->fetches);
	}
}

/* ---- which peer ---- */

static bool says_no(const struct fetch *f, conn_id conn)
{
	for (size_t i = 0; i < f->not_there_n; i++)
		if (f->not_there[i] == conn)
			return true;
	return false;
}

unsigned blob_load(const struct session *s)
{
	unsigned n = 0;
	for (const struct fetch *f = s->e->fetches; f; f = f->next)
		n += f->s == s;
	return n;
}

static struct session *choose(const struct fetch *f)
{
	struct session *best = NULL;
	unsigned least = FETCHES_PER_SESSION;
	for (struct session *s = f->e->sessions; s; s = s->next) {
		unsigned n = s->state == SESSION_OPEN && !says_no(f, s->conn) && ask_room(s, false)
			? blob_load(s)
			: least;
		if (n < least) {
			least = n;
			best = s;
		}
	}
	return best;
}

/* The source is no good for this blob any more: another, or later. */
static void leave(struct fetch *f, bool no)
{
	if (no && f->s) {
		f->not_there[f->not_there_n % 16] = f->s->conn;
		f->not_there_n += f->not_there_n < 16;
	}
	f->s = NULL;
	if (f->step != FETCH_OVER && f->step != FETCH_PUBLISH)
		f->step = FETCH_IDLE;
	if (!f->e->fetch_retry_ms)
		f->e->fetch_retry_ms = f->e->now_ms + RETRY_MS;
}

/* ---- progress ---- */

static void event(const struct fetch *f, uint64_t count)
{
	struct engine_event ev = {.kind = ENGINE_EVENT_BLOB,
		.id = f->root,
		.identity = f->owner,
		.count = count,
		.total = f->chunks,
		.bytes = f->size};
	emit_event(f->e, &ev);
}

struct progress {
	struct fetch *f;
	uint64_t have_n;
	size_t n;
	uint8_t have[];
};

/* The entries that pinned it were erased meanwhile: what was fetched goes too. False: they were not. */
static bool unwanted(struct fetch *f, const struct store_res *res)
{
	if (res->err != ERR_NOT_FOUND && res->err != ERR_STATE)
		return false;
	struct store_res dropped = {.r = {.n = 1, .ids = &f->root}};
	engine_remove_blobs(f->e, &dropped);
	f->step = FETCH_OVER;
	f->s = NULL;
	return true;
}

static void have_stored(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct progress *p = ctx;
	struct fetch *f = p->f;
	(void)s;
	f->syncing = false;
	if (!unwanted(f, res) && engine_written(e, res, "the progress of a blob"))
		event(f, p->have_n);
	free(p);
	(void)release(f);
}

/* The chunks are on the disk: now the bitmap may say so. */
static void chunks_synced(struct engine *e, struct session *s, void *ctx, struct engine_work *w)
{
	struct progress *p = ctx;
	struct store_req *q = w->err == OK ? req_new(STORE_BLOB_HAVE) : NULL;
	if (!q || !arena_put(&q->mem, slice_of(p->have, p->n), &q->a.bytes)) {
		struct fetch *f = p->f;
		f->syncing = false;
		free(q);
		free(p);
		(void)release(f);
		return;
	}
	q->a.root = p->f->root;
	q->a.number = p->have_n;
	emit_store(e, q, s, have_stored, p);
}

static void sync_progress(struct fetch *f)
{
	size_t n = (size_t)((f->chunks + 7) / 8);
	struct progress *p = f->file && !f->syncing && f->unsynced && f->step != FETCH_PUBLISH
		? malloc(sizeof *p + n)
		: NULL;
	if (!p)
		return;
	*p = (struct progress){.f = f, .have_n = f->have_n, .n = n};
	memcpy(p->have, f->have, n);
	f->syncing = true;
	f->unsynced = 0;
	f->synced_ms = f->e->now_ms;
	struct engine_work *w = work_new(WORK_SYNC);
	if (w)
		w->root = f->root;
	hold(f);
	emit_work(f->e, w, NULL, chunks_synced, p);
}

/* ---- the end ---- */

static void done_stored(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct fetch *f = ctx;
	(void)s;
	if (!unwanted(f, res)) {
		if (engine_written(e, res, "a blob"))
			event(f, f->chunks);
		else
			leave(f, false);
		over(f); /* if it failed the store's row brings it back */
	}
	(void)release(f);
	blob_pinned(e);
}

static void finish(struct fetch *f, struct slice content)
{
	struct store_req *q = req_new(STORE_BLOB_DONE);
	if (q && content.n && !arena_put(&q->mem, content, &q->a.value)) {
		free(q);
		q = NULL;
	}
	if (q)
		q->a.root = f->root;
	hold(f);
	emit_store(f->e, q, NULL, done_stored, f);
}

static void published(struct engine *e, struct session *s, void *ctx, struct engine_work *w)
{
	struct fetch *f = ctx;
	(void)s;
	if (w->err == OK) {
		finish(f, (struct slice){0});
	} else {
		struct engine_event ev = {
			.kind = ENGINE_EVENT_STORE_ERROR, .err = w->err, .text = "a blob's file"};
		emit_event(e, &ev);
		f->step = FETCH_IDLE;
		leave(f, false);
		over(f);
	}
	(void)release(f);
}

static void publish(struct fetch *f)
{
	f->step = FETCH_PUBLISH;
	f->s = NULL;
	struct engine_work *w = work_new(WORK_PUBLISH);
	if (w)
		w->root = f->root;
	hold(f);
	emit_work(f->e, w, NULL, published, f);
}

/* ---- chunks ---- */

static void next_step(struct fetch *f);

struct arrived {
	struct fetch *f;
	conn_id conn;
	uint64_t index;
};

static void chunk_failed(struct fetch *f, const struct arrived *a, enum err err)
{
	struct engine *e = f->e;
	bit_clear(f->asked, a->index);
	if (a->index < f->scan)
		f->scan = a->index;
	if (err == ERR_HASH) {
		struct session *s = peer_find(e, a->conn);
		if (s) /* SPEC 11: "a lying peer is caught at its first chunk" */
			peer_close(s, ERR_WIRE, "a chunk that does not match its leaf");
		return;
	}
	struct engine_event ev = {.kind = ENGINE_EVENT_STORE_ERROR, .err = err, .text = "a blob's chunk"};
	emit_event(e, &ev);
	leave(f, false);
}

static void chunk_checked(struct engine *e, struct session *s, void *ctx, struct engine_work *w)
{
	struct arrived a = *(struct arrived *)ctx;
	struct fetch *f = a.f;
	(void)s;
	free(ctx);
	f->on_way--;
	if (!release(f))
		return;
	if (w->err != OK) {
		chunk_failed(f, &a, w->err);
		return;
	}
	if (!bit_get(f->have, a.index)) {
		bit_set(f->have, a.index);
		f->have_n++;
		f->unsynced += w->bytes.n;
	}
	if (f->have_n == f->chunks && f->step != FETCH_PUBLISH) {
		if (f->file) {
			publish(f);
		} else {
			f->step = FETCH_PUBLISH;
			finish(f, w->bytes);
		}
		return;
	}
	if (f->unsynced >= SYNC_BYTES)
		sync_progress(f);
	if (f->s)
		next_step(f);
	else
		blob_pump(e);
}

static void got_chunk(struct session *s, void *ctx, const union message *m)
{
	struct fetch *f = ctx;
	uint64_t i = m->chunk.index;
	if (f->step == FETCH_OVER || f->step == FETCH_PUBLISH)
		return;
	if (i >= f->chunks || !f->asked || !bit_get(f->asked, i) || !f->leaves_ready ||
		i / BLOB_PAGE_LEAVES != f->page ||
		m->chunk.bytes.n != blob_chunk_plain_bytes(f->size, i) + BLOB_CHUNK_TAG_BYTES) {
		peer_close(s, ERR_WIRE, "a chunk that was not asked for");
		return;
	}
	if (bit_get(f->have, i))
		return;
	struct engine_work *w = work_new(WORK_CHUNK);
	struct arrived *a = w ? malloc(sizeof *a) : NULL;
	if (!a || !arena_put(&w->mem, m->chunk.bytes, &w->bytes)) {
		free(a);
		if (w)
			engine_work_free(w);
		peer_close(s, ERR_MEMORY, "out of memory");
		return;
	}
	*a = (struct arrived){.f = f, .conn = s->conn, .index = i};
	w->root = f->root;
	w->index = i;
	w->size = f->size;
	w->file = f->file;
	w->leaf = f->leaves[i % BLOB_PAGE_LEAVES];
	f->on_way++;
	hold(f);
	emit_work(s->e, w, NULL, chunk_checked, a);
}

struct chunk_ask {
	struct fetch *f;
	uint64_t first, end;
	bool missed; /* some were passed over */
};

/* What the peer passed over it does not have: another is asked. */
static void not_sent(struct chunk_ask *a, uint64_t end)
{
	struct fetch *f = a->f;
	for (; a->first < end; a->first++) {
		a->missed = true;
		if (f->asked)
			bit_clear(f->asked, a->first);
		if (a->first < f->scan)
			f->scan = a->first;
	}
}

static void chunk_message(struct session *s, void *ctx, const union message *m)
{
	struct chunk_ask *a = ctx;
	if (m->chunk.index < a->first || m->chunk.index >= a->end)
		peer_close(s, ERR_WIRE, "a chunk that was not asked for");
	else {
		not_sent(a, m->chunk.index);
		a->first = m->chunk.index + 1;
		got_chunk(s, a->f, m);
	}
}

static void chunks_end(struct session *s, void *ctx, enum err code)
{
	struct chunk_ask *a = ctx;
	struct fetch *f = a->f;
	not_sent(a, a->end);
	bool missed = a->missed;
	free(a);
	f->asks--;
	if (!release(f))
		return;
	if (s->state != SESSION_OPEN || (f->s && f->s != s))
		return;
	if (f->s && (code != OK || missed))
		leave(f, true);
	if (f->s)
		next_step(f);
	else
		blob_pump(s->e); /* another may have it */
}

/* The next missing stretch of the present page. */
static bool next_range(struct fetch *f, uint64_t *first, uint64_t *end)
{
	uint64_t page_end = ((uint64_t)f->page + 1) * BLOB_PAGE_LEAVES;
	if (page_end > f->chunks)
		page_end = f->chunks;
	while (f->scan < page_end && (bit_get(f->have, f->scan) || bit_get(f->asked, f->scan)))
		f->scan++;
	if (f->scan >= page_end)
		return false;
	*first = f->scan;
	*end = *first;
	while (*end < page_end && *end - *first < CHUNKS_PER_ASK && !bit_get(f->have, *end) &&
		!bit_get(f->asked, *end))
		(*end)++;
	return true;
}

static bool page_complete(const struct fetch *f)
{
	uint64_t first = (uint64_t)f->page * BLOB_PAGE_LEAVES;
	for (uint64_t i = first; i < f->chunks && i < first + BLOB_PAGE_LEAVES; i++)
		if (!bit_get(f->have, i))
			return false;
	return true;
}

static void ask_chunks(struct fetch *f)
{
	uint64_t first, end;
	while (f->s && f->step == FETCH_CHUNKS && f->on_way + f->asks * CHUNKS_PER_ASK < CHUNKS_ASKED_MAX &&
		ask_room(f->s, true) && next_range(f, &first, &end)) {
		if (!blob_rate_allows(f->e, (end - first) * BLOB_CHUNK_STORED_BYTES))
			return;
		struct chunk_ask *a = malloc(sizeof *a);
		if (!a)
			return;
		*a = (struct chunk_ask){.f = f, .first = first, .end = end};
		for (uint64_t i = first; i < end; i++)
			bit_set(f->asked, i);
		struct message_want_chunks m = {.root = f->root, .first = first, .count = end - first};
		f->asks++;
		hold(f);
		ask_send(f->s, MESSAGE_WANT_CHUNKS, &m, MESSAGE_CHUNK, chunk_message, chunks_end, a);
	}
	if (f->s && f->step == FETCH_CHUNKS && page_complete(f) && f->asks == 0) {
		f->leaves_ready = false;
		f->step = FETCH_IDLE;
		next_step(f);
	}
}

/* ---- leaves ---- */

static void take_leaves(struct fetch *f, struct slice bytes)
{
	uint32_t n = blob_page_leaves(f->size, f->page);
	free(f->leaves);
	f->leaves = malloc(n * sizeof *f->leaves);
	if (!f->leaves) {
		leave(f, false);
		return;
	}
	memcpy(f->leaves, bytes.p, n * sizeof *f->leaves);
	f->leaves_ready = true;
	f->scan = (uint64_t)f->page * BLOB_PAGE_LEAVES;
	f->step = FETCH_CHUNKS;
	ask_chunks(f);
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

static void leaves_kept(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct fetch *f = ctx;
	(void)s;
	if (!unwanted(f, res))
		(void)engine_written(e, res, "the leaves of a blob");
	(void)release(f);
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
	hold(f);
	emit_store(s->e, q, NULL, leaves_kept, f);
	take_leaves(f, m->leaves.leaves);
}

static void leaves_end(struct session *s, void *ctx, enum err code)
{
	struct fetch *f = ctx;
	f->asks--;
	if (!release(f) || s->state != SESSION_OPEN || f->s != s)
		return;
	if (code != OK || f->step == FETCH_LEAVES) {
		leave(f, true);
		blob_pump(s->e);
	} else {
		next_step(f);
	}
}

static void leaves_found(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct fetch *f = ctx;
	(void)e;
	if (!release(f) || f->step != FETCH_LEAVES)
		return;
	if (res->err == OK && leaves_hold(f, res->r.bytes)) {
		take_leaves(f, res->r.bytes);
		return;
	}
	if (!s || s->state != SESSION_OPEN || f->s != s) {
		leave(f, false);
		return;
	}
	struct message_want_leaves m = {.root = f->root, .page = f->page};
	f->asks++;
	hold(f);
	ask_send(s, MESSAGE_WANT_LEAVES, &m, MESSAGE_LEAVES, got_leaves, leaves_end, f);
}

static void need_leaves(struct fetch *f)
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
	hold(f);
	emit_store(f->e, q, f->s, leaves_found, f);
}

/* ---- owner, size, pages ---- */

static bool take_meta(struct fetch *f, uint64_t size, struct slice pages)
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
		!id32_equal(&m->blob.owner, &f->owner) || !take_meta(f, m->blob.size, m->blob.pages)) {
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
	hold(f);
	emit_store(s->e, q, NULL, leaves_kept, f);
}

static void blob_end(struct session *s, void *ctx, enum err code)
{
	struct fetch *f = ctx;
	f->asks--;
	if (!release(f) || s->state != SESSION_OPEN || f->s != s)
		return;
	if (code != OK || !f->pages) {
		leave(f, true);
		blob_pump(s->e);
	} else {
		next_step(f);
	}
}

/* ---- one blob ---- */

static void next_step(struct fetch *f)
{
	if (!f->s || f->step == FETCH_PUBLISH || f->step == FETCH_OVER)
		return;
	if (f->have && f->have_n == f->chunks) { /* all was there already: a crash before the name */
		publish(f);
	} else if (!f->pages) {
		struct message_want_blob m = {.root = f->root};
		f->step = FETCH_META;
		f->asks++;
		hold(f);
		ask_send(f->s, MESSAGE_WANT_BLOB, &m, MESSAGE_BLOB, got_blob, blob_end, f);
	} else if (f->step == FETCH_CHUNKS) {
		ask_chunks(f);
	} else if (f->step != FETCH_LEAVES) {
		need_leaves(f);
	}
}

void blob_pump(struct engine *e)
{
	struct fetch *next;
	for (struct fetch *f = e->fetches; f; f = next) {
		next = f->next;
		hold(f);
		if (!f->s && f->step == FETCH_IDLE && f->asks == 0 && f->on_way == 0) {
			f->s = choose(f);
			if (f->s)
				next_step(f);
		} else if (f->s && f->step == FETCH_CHUNKS) {
			ask_chunks(f);
		}
		next = f->next;
		(void)release(f);
	}
}

/* ---- wants ---- */

static struct fetch *fetch_find(struct engine *e, const struct id32 *root)
{
	for (struct fetch *f = e->fetches; f; f = f->next)
		if (id32_equal(&f->root, root))
			return f;
	return NULL;
}

static void fetch_new(struct engine *e, const struct store_blob *b)
{
	uint64_t max = e->config.blob_bytes_max;
	if (fetch_find(e, &b->root) || (max && b->size > max))
		return;
	struct fetch *f = calloc(1, sizeof *f);
	if (!f)
		return;
	*f = (struct fetch){
		.e = e, .root = b->root, .owner = b->owner, .size = b->size, .synced_ms = e->now_ms};
	if (b->pages.n && take_meta(f, b->size, b->pages) && b->have.n == (f->chunks + 7) / 8) {
		memcpy(f->have, b->have.p, b->have.n);
		f->have_n = b->have_n;
	}
	struct fetch **tail = &e->fetches;
	while (*tail)
		tail = &(*tail)->next;
	*tail = f;
	e->fetches_n++;
}

/* What was erased meanwhile is wanted no longer. */
static void drop_unwanted(struct engine *e, const struct store_res *res)
{
	for (struct fetch *f = e->fetches, *next; f; f = next) {
		size_t i = 0;
		next = f->next;
		while (i < res->r.n && !id32_equal(&res->r.blobs[i].root, &f->root))
			i++;
		if (i == res->r.n && !f->s && f->step == FETCH_IDLE &&
			f->refs + f->asks + f->on_way + f->unsynced == 0)
			over(f);
	}
}

static void wants_listed(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	(void)s, (void)ctx;
	e->fetch_listing = false;
	if (res->err == OK && res->r.n < WANTS_MAX)
		drop_unwanted(e, res);
	for (size_t i = 0; res->err == OK && i < res->r.n && e->fetches_n < FETCHES_MAX; i++)
		fetch_new(e, &res->r.blobs[i]);
	blob_pump(e);
	if (e->fetch_again) {
		e->fetch_again = false;
		blob_pinned(e);
	}
}

static void list_wants(struct engine *e)
{
	if (e->fetch_listing) {
		e->fetch_again = true;
		return;
	}
	struct store_req *q = req_new(STORE_BLOB_LIST);
	if (q) {
		q->a.flag = true;
		q->a.max = WANTS_MAX;
	}
	e->fetch_listing = true;
	emit_store(e, q, NULL, wants_listed, NULL);
}

void blob_pinned(struct engine *e)
{
	if (e->fetches_n < FETCHES_MAX) /* else the end of one asks again */
		list_wants(e);
}

void blob_session_open(struct session *s)
{
	blob_pump(s->e);
}

void blob_session_closed(struct session *s)
{
	struct engine *e = s->e;
	for (struct fetch *f = e->fetches; f; f = f->next) {
		if (f->s == s) {
			leave(f, false);
			sync_progress(f); /* what came is kept */
		}
	}
	for (struct fetch *f = e->fetches; f; f = f->next)
		for (size_t i = 0; i < f->not_there_n; i++)
			if (f->not_there[i] == s->conn)
				f->not_there[i] = f->not_there[--f->not_there_n];
}

void blob_time(struct engine *e)
{
	for (struct fetch *f = e->fetches; f; f = f->next)
		if (f->unsynced && e->now_ms >= f->synced_ms + SYNC_MS)
			sync_progress(f);
	if (e->fetch_retry_ms && e->now_ms >= e->fetch_retry_ms) {
		e->fetch_retry_ms = 0;
		bool idle = false;
		for (struct fetch *f = e->fetches; f; f = f->next) {
			idle = idle || !f->s;
			if (!f->s && !choose(f))
				f->not_there_n = 0; /* all said no: ask everybody again */
		}
		if (idle)
			list_wants(e); /* and then on: what is wanted no longer is not asked for */
		else
			blob_pump(e);
	}
}

uint64_t blob_deadline(const struct engine *e)
{
	uint64_t d = e->fetch_retry_ms && e->fetches ? e->fetch_retry_ms : UINT64_MAX;
	for (const struct fetch *f = e->fetches; f; f = f->next)
		if (f->unsynced && !f->syncing && f->synced_ms + SYNC_MS < d)
			d = f->synced_ms + SYNC_MS;
	return d;
}
