/* blob_fetch.h -- what the parts of fetching share: blob_fetch.c (which blobs, from whom), blob_index.c (owner, size, pages, leaves),
 * blob_chunks.c (content), blob_keep.c (durable as it comes, and complete). SPEC.md section 11.
 *
 * A fetch lives as long as something under way refers to it: each continuation holds it once and releases it once. */
#ifndef QUIRE_PEER_BLOB_FETCH_H
#define QUIRE_PEER_BLOB_FETCH_H

#include "engine_int.h"

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

void fetch_hold(struct fetch *f);
/* False: f is gone, or over. */
bool fetch_release(struct fetch *f);
/* Nothing more is done for it; it goes with its last reference. */
void fetch_over(struct fetch *f);
/* The source is no good for this blob any more: another, or later. no: it said that it does not have it. */
void fetch_leave(struct fetch *f, bool no);
/* Does what comes next with its source. */
void fetch_next(struct fetch *f);

/* ---- blob_index.c */
/* Owner, size and pages, checked against the root. False: they do not fit, or out of memory. */
bool fetch_take_meta(struct fetch *f, uint64_t size, struct slice pages);
void fetch_need_meta(struct fetch *f);
/* The leaves of the page with the first chunk that is missing: from the store, else from the source. */
void fetch_need_leaves(struct fetch *f);

/* ---- blob_chunks.c */
void fetch_ask_chunks(struct fetch *f);

/* ---- blob_keep.c */
/* Were the entries that pinned it erased meanwhile? Then what was fetched goes too, and the fetch is over. res: of a write for it. */
bool fetch_unwanted(struct fetch *f, const struct store_res *res);
/* Makes progress durable: chunks first, then the bitmap. */
void fetch_sync(struct fetch *f);
/* All chunks are here. content: of a blob that is kept in rows; a file gets its name first. */
void fetch_publish(struct fetch *f);
void fetch_finish(struct fetch *f, struct slice content);

#endif
