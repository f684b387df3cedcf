/* blob_chunks.c -- the content of a blob: asked for in stretches, each chunk verified against its leaf as it comes. See blob_fetch.h. */
#include "blob_fetch.h"

#include "bitmap.h"
#include "protocol/log/blobtree.h"

#define CHUNKS_PER_ASK 16
#define CHUNKS_ASKED_MAX 128 /* 8 MiB on their way for one blob */
#define SYNC_BYTES (16u << 20) /* durable progress at least this often */

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
	fetch_leave(f, false);
}

static void chunk_checked(struct engine *e, struct session *s, void *ctx, struct engine_work *w)
{
	struct arrived a = *(struct arrived *)ctx;
	struct fetch *f = a.f;
	(void)s;
	free(ctx);
	f->on_way--;
	if (!fetch_release(f))
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
			fetch_publish(f);
		} else {
			f->step = FETCH_PUBLISH;
			fetch_finish(f, w->bytes);
		}
		return;
	}
	if (f->unsynced >= SYNC_BYTES)
		fetch_sync(f);
	if (f->s)
		fetch_next(f);
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
	fetch_hold(f);
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
	if (!fetch_release(f))
		return;
	if (s->state != SESSION_OPEN || (f->s && f->s != s))
		return;
	if (f->s && (code != OK || missed))
		fetch_leave(f, true);
	if (f->s)
		fetch_next(f);
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

void fetch_ask_chunks(struct fetch *f)
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
		fetch_hold(f);
		ask_send(f->s, MESSAGE_WANT_CHUNKS, &m, MESSAGE_CHUNK, chunk_message, chunks_end, a);
	}
	if (f->s && f->step == FETCH_CHUNKS && page_complete(f) && f->asks == 0) {
		f->leaves_ready = false;
		f->step = FETCH_IDLE;
		fetch_next(f);
	}
}
