/* work.c -- the pure part of work requests: what takes longer than a step may. Any thread. */
#include "engine_int.h"
#include "ranges.h"

#include "protocol/log/blobtree.h"
#include "protocol/log/erasure.h"
#include "protocol/log/lanes.h"

_Static_assert(WORK_CHUNKS_MAX <= LANES, "chunks are hashed in one go");

void engine_work_free(struct engine_work *w)
{
	arena_free(&w->mem);
	keyset_free(w->keys);
	ranges_free(w->ranges);
	free(w);
}

static void hash_run(struct engine_work *w)
{
	struct run r = {.log = w->log,
		.first = w->first,
		.n = w->n,
		.headers = w->headers,
		.signature = w->signature,
		.closing = &w->closing,
		.fork_prev = id32_is_zero(&w->fork_prev) ? NULL : &w->fork_prev,
		.parts = w->parts};
	struct run_ends ends = {0};
	w->err = run_verify(&r, &w->device_key, &ends);
	w->prev = ends.prev;
	w->last = ends.last;
	w->fork_n = ends.fork_n;
	if (w->err == OK)
		w->n = ends.n;
}

static void hash_body(struct engine_work *w)
{
	struct entry_header h;
	w->err = entry_header_decode(slice_of(w->headers, ENTRY_HEADER_BYTES), &h);
	if (w->err == OK)
		w->err = entry_body_check(&h, w->bytes);
	w->last = entry_id(w->headers);
}

static void hash_chunks(struct engine_work *w)
{
	struct id32 leaves[WORK_CHUNKS_MAX];
	if (w->whole) {
		struct id32 leaf = blob_leaf(w->index, w->bytes.p, w->bytes.n);
		struct id32 page = blob_page_hash(&leaf, 1),
			    root = blob_root(&page, 1, w->size, &w->identity);
		w->leaf = leaf;
		w->err = id32_equal(&root, &w->root) ? OK : ERR_HASH;
		w->done_n = w->err == OK;
		return;
	}
	lanes_leaves(lanes_best(), w->index, w->bytes.p, w->bytes.n / w->n, w->n, leaves);
	while (w->done_n < w->n && id32_equal(&leaves[w->done_n], &w->leaves[w->done_n]))
		w->done_n++;
	w->err = w->done_n == w->n ? OK : ERR_HASH;
}

/* SPEC 3.4: "The events of one answer (`keys` … `done`) are judged together with those held, as one set." */
static void hash_keys(struct engine_work *w)
{
	struct keyset *ks = keyset_new(&w->identity);
	enum err e = ks ? OK : ERR_MEMORY;
	for (size_t i = 0; i < w->held_n && e == OK; i++)
		e = keyset_load(ks, w->held[i].bytes, w->held[i].signatures);
	struct id32 before = e == OK ? keys_hash(ks) : (struct id32){0};
	if (e == OK)
		keyset_batch_begin(ks);
	for (size_t i = 0; i < w->events_n && e == OK; i++) {
		enum keyset_added added;
		e = keyset_add(ks, w->events[i].bytes, w->events[i].signatures, &added);
	}
	if (e == OK)
		keyset_batch_end(ks);
	struct id32 after = e == OK ? keys_hash(ks) : (struct id32){0};
	if (e == OK && (id32_is_zero(&before) || id32_is_zero(&after)))
		e = ERR_MEMORY;
	w->added = e == OK && !id32_equal(&before, &after);
	w->err = e;
	if (e == OK)
		w->keys = ks;
	else
		keyset_free(ks);
}

static void hash_statements(struct engine_work *w)
{
	for (size_t i = 0; i < w->n; i++)
		w->good[i] = erasure_verify(w->statements[i], &w->signers[i]) == OK;
	w->err = OK;
}

static void hash_rows(struct engine_work *w)
{
	w->err = OK;
	for (size_t i = 0; i < w->n && w->err == OK; i++)
		w->err = ranges_add(w->ranges, &w->rows[i], w->rows[i].ref);
	if (w->last_page)
		ranges_sort(w->ranges);
}

void engine_work_hash(struct engine_work *w)
{
	switch (w->kind) {
	case WORK_RUN: hash_run(w); return;
	case WORK_BODY: hash_body(w); return;
	case WORK_CHUNKS: hash_chunks(w); return;
	case WORK_KEYS: hash_keys(w); return;
	case WORK_STATEMENTS: hash_statements(w); return;
	case WORK_RANGES: hash_rows(w); return;
	case WORK_READ:
	case WORK_SYNC:
	case WORK_PUBLISH:
	case WORK_REMOVE: return; /* files: the driver's */
	}
}
