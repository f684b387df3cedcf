/* blob_keep.c -- what was fetched is durable before anything says so, and a complete blob gets its name. See blob_fetch.h. */
#include "blob_fetch.h"

#include "protocol/log/blobtree.h"

/* ---- progress ---- */

static void say_progress(const struct fetch *f, uint64_t count)
{
	struct engine_event ev = {.kind = ENGINE_EVENT_BLOB,
		.id = f->root,
		.identity = f->owner,
		.count = count,
		.total = f->direct ? 1 : f->chunks,
		.bytes = f->size};
	emit_event(f->e, &ev);
}

struct progress {
	struct fetch *f;
	uint64_t have_n;
	size_t n;
	uint8_t have[];
};

bool fetch_unwanted(struct fetch *f, const struct store_res *res)
{
	if (res->err != ERR_NOT_FOUND && res->err != ERR_STATE)
		return false;
	struct store_res dropped = {.r = {.n = 1, .ids = &f->root}};
	engine_remove_blobs(f->e, &dropped);
	fetch_over(f);
	return true;
}

static void have_stored(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct progress *p = ctx;
	struct fetch *f = p->f;
	(void)s;
	f->syncing = false;
	if (!fetch_unwanted(f, res) && engine_written(e, res, "the progress of a blob"))
		say_progress(f, p->have_n);
	free(p);
	(void)fetch_release(f);
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
		(void)fetch_release(f);
		return;
	}
	q->a.root = p->f->root;
	q->a.number = p->have_n;
	emit_store(e, q, s, have_stored, p);
}

void fetch_sync(struct fetch *f)
{
	size_t n = (size_t)((f->chunks + 7) / 8);
	struct progress *p = f->file && !f->syncing && f->unsynced && f->step == FETCH_WORK
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
	fetch_hold(f);
	emit_work(f->e, w, NULL, chunks_synced, p);
}

/* ---- the end ---- */

static void done_stored(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct fetch *f = ctx;
	(void)s;
	if (!fetch_unwanted(f, res)) {
		if (engine_written(e, res, "a blob")) {
			say_progress(f, f->direct ? 1 : f->chunks);
			wants_done(e, &f->root);
			fetch_over(f);
			blob_tell_whole(e, &f->root);
		} else {
			wants_wait(f);
		}
	}
	(void)fetch_release(f);
}

void fetch_finish(struct fetch *f, struct slice content)
{
	struct store_req *q = req_new(STORE_BLOB_DONE);
	struct id32 page = f->direct ? blob_page_hash(&f->leaf, 1) : f->leaf;
	f->step = FETCH_PUBLISH;
	if (q &&
		((content.n && !arena_put(&q->mem, content, &q->a.value)) ||
			(f->direct && !arena_put(&q->mem, slice_of(page.b, 32), &q->a.bytes)) ||
			(f->direct && !arena_put(&q->mem, slice_of(f->leaf.b, 32), &q->a.bytes2)))) {
		store_req_free(q);
		free(q);
		q = NULL;
	}
	if (q) {
		q->a.root = f->root;
		q->a.identity = f->owner;
	}
	fetch_hold(f);
	emit_store(f->e, q, NULL, done_stored, f);
}

static void published(struct engine *e, struct session *s, void *ctx, struct engine_work *w)
{
	struct fetch *f = ctx;
	(void)s;
	if (w->err == OK) {
		fetch_finish(f, (struct slice){0});
	} else {
		struct engine_event ev = {
			.kind = ENGINE_EVENT_STORE_ERROR, .err = w->err, .text = "a blob's file"};
		emit_event(e, &ev);
		wants_wait(f);
	}
	(void)fetch_release(f);
}

void fetch_publish(struct fetch *f)
{
	struct engine_work *w = work_new(WORK_PUBLISH);
	f->step = FETCH_PUBLISH;
	if (w)
		w->root = f->root;
	fetch_hold(f);
	emit_work(f->e, w, NULL, published, f);
}
