/* blob_fetch.h -- what the parts of fetching share: blob_wants.c (which blobs), blob_fetch.c (from whom), blob_index.c (owner, size, pages,
 * leaves), blob_chunks.c (content), blob_verify.c (checked), blob_keep.c (durable as it comes, and complete), blob_tell.c (who has which chunks). SPEC.md section 11.
 *
 * A fetch lives as long as something under way refers to it: each continuation holds it once and releases it once. Continuations only
 * record and stir; blob_settle(), at the end of each step, does what is next, and frees. */
#ifndef QUIRE_PEER_BLOB_FETCH_H
#define QUIRE_PEER_BLOB_FETCH_H

#include "engine_int.h"

#define SOURCES_MAX 8 /* of one blob at once */
#define SOURCE_SLOW_MS 2000 /* without an answer so long: others are asked too */
#define PAGE_NONE UINT32_MAX

enum fetch_step { FETCH_LOAD, FETCH_WORK, FETCH_PUBLISH, FETCH_OVER };
enum fetch_leaves { LEAVES_NONE, LEAVES_LOOKED_UP, LEAVES_LACKING, LEAVES_ASKED, LEAVES_HERE };
enum source_state { SOURCE_FREE, SOURCE_ASKED, SOURCE_READY };

struct source { /* a peer that has the blob, or was asked whether it has */
	enum source_state state;
	struct session *s;
	uint64_t asked_ms; /* when it was asked while it owed nothing, or last gave something */
	bool part; /* it said that it holds the blob in part */
	bool owes_leaves; /* it was asked for some and has not answered */
	uint8_t *lacks; /* bitmap: chunks that it said, or showed, that it lacks; NULL: none */
	unsigned out, window; /* chunks asked for, and how many may be */
	unsigned
		late; /* asks that take too long: others do them, and it is asked for nothing more until they end */
};

/* There are hundreds, and each step looks at all of them: what it looks at stands first, together. */
struct fetch {
	struct fetch *next;
	struct engine *e;
	enum fetch_step step;
	unsigned refs; /* continuations that refer to it */
	unsigned untold; /* chunks that nobody was told of */
	bool stirred; /* blob_settle looks at it */
	bool held; /* something could be asked for, but for room or rate */
	bool direct; /* one chunk, not yet looked at otherwise: it is asked for by itself */
	bool syncing;
	uint64_t unsynced, synced_ms, told_ms;
	struct id32 root, owner;
	uint64_t size, chunks, have_n, got_ms;
	bool part_asked; /* only peers of a turn after `since` are asked */
	bool got; /* something came */
	bool file;
	bool hosted; /* its owner, or somebody who names it, lives here */
	uint64_t since;
	uint64_t had_n, began_ms; /* chunks that were here when it began; when that was */
	struct source sources[SOURCES_MAX];
	struct id32 leaf; /* of a direct one, when it is here */
	struct id32 *pages;
	uint32_t pages_n;
	struct id32 *leaves; /* of page `page` */
	uint32_t page;
	enum fetch_leaves leaves_state;
	uint64_t leaves_ms;
	uint8_t *have, *asked; /* bitmaps */
	uint64_t start; /* where this node begins: another place than its neighbours */
	struct chunk_ask *asks; /* unanswered */
	unsigned on_way; /* chunks received and not verified */
	uint8_t untold_pages[LIMIT_BLOB_PAGES / 8];
	size_t not_there_n;
	conn_id not_there[LIMIT_CONNECTIONS]; /* peers that do not have it */
};

/* ---- blob_fetch.c */
struct fetch *fetch_find(struct engine *e, const struct id32 *root);
/* since: only peers of a later turn; 0: all. NULL: out of memory. */
struct fetch *fetch_new(struct engine *e, const struct store_blob *b, uint64_t since);
void fetch_stir(struct fetch *f);
void fetch_hold(struct fetch *f);
/* False: nothing more is done for it. */
bool fetch_release(struct fetch *f);
/* Nothing more is done for it; it goes with its last reference. */
void fetch_over(struct fetch *f);
struct source *source_of(struct fetch *f, const struct session *s);
/* no: it does not have the blob. */
void source_drop(struct fetch *f, struct source *src, bool no);

/* ---- blob_wants.c */
/* Gives the place up for later. */
void wants_wait(struct fetch *f);
/* So many bytes of it came. True: they fill the quota. */
bool wants_full(struct fetch *f, size_t bytes);
void wants_done(struct engine *e, const struct id32 *root);
/* A peer says that it has something of a blob that is waited for. */
void wants_hasten(struct session *s, const struct id32 *root);
void wants_pump(struct engine *e);
void wants_new_peer(struct engine *e);
void wants_time(struct engine *e);
uint64_t wants_deadline(const struct engine *e);
void wants_deinit(struct engine *e);

/* ---- blob_index.c */
/* Owner, size and pages, checked against the root. ERR_WIRE: they do not fit; ERR_MEMORY. */
MUST_CHECK enum err fetch_take_meta(struct fetch *f, uint64_t size, struct slice pages);
/* Asks a new source what the blob is. */
void fetch_ask_meta(struct fetch *f, struct source *src);
/* The leaves of a page of which chunks are missing: from the store, else from a source. */
void fetch_need_leaves(struct fetch *f);

/* ---- blob_chunks.c */
void fetch_ask_direct(struct fetch *f, struct source *src);
void fetch_ask_chunks(struct fetch *f);
/* Has it chunks that are missing here? */
bool source_can(const struct fetch *f, const struct source *src, uint64_t first, uint64_t end);
/* It lacks chunks first … end - 1. False: out of memory. */
bool source_lacks(struct fetch *f, struct source *src, uint64_t first, uint64_t end);
/* Ranges that a source keeps waiting go to others. */
void fetch_give_on(struct fetch *f);

/* ---- blob_verify.c */
struct gathered;
/* Adds chunk `index`, whose length is right, to those of one answer that end before `end`; *at NULL: none yet. They are checked when they are
 * eight, when one does not follow the last, or with gather_flush(). False: out of memory. */
MUST_CHECK bool gather(struct gathered **at, struct session *s, struct fetch *f, uint64_t index, uint64_t end,
	struct slice bytes);
void gather_flush(struct gathered **at);

/* ---- blob_keep.c */
/* Were the entries that pinned it erased meanwhile? Then what was fetched goes too, and the fetch is over. res: of a write for it. */
bool fetch_unwanted(struct fetch *f, const struct store_res *res);
/* Makes progress durable: chunks first, then the bitmap. */
void fetch_sync(struct fetch *f);
/* All chunks are here. content: of a blob that is kept in rows; a file gets its name first. */
void fetch_publish(struct fetch *f);
void fetch_finish(struct fetch *f, struct slice content);

/* ---- blob_tell.c */
void fetch_tell(struct fetch *f);
void blob_tell_whole(struct engine *e, const struct id32 *root);

#endif
