/* blob_fetch.c -- one blob that is being fetched: its peers, and what is next. SPEC.md section 11. See blob_fetch.h. */
#include "blob_fetch.h"

#include "protocol/log/blobtree.h"
#include "protocol/log/hash.h"

#define FETCHES_PER_SESSION 32
#define SOURCE_CHUNKS 16 /* one more source for so many chunks */
#define SOURCE_WINDOW 32 /* chunks asked for at first */
#define SYNC_MS 1000 /* durable progress at least this often */
#define HELD_MS 100 /* when there was no room to ask */
#define TICK_MS 500
#define TELL_MS 200
#define LINGER_MS 10000 /* a peer that has it in part may soon have more */

/* ---- life ---- */

void fetch_stir(struct fetch *f)
{
	f->stirred = f->e->blob_stirred = true;
}

void fetch_hold(struct fetch *f)
{
	f->refs++;
}

bool fetch_release(struct fetch *f)
{
	f->refs--;
	f->e->blob_room = true;
	f->e->blob_over = f->e->blob_over || f->step == FETCH_OVER;
	fetch_stir(f);
	return f->step != FETCH_OVER;
}

static void fetch_free(struct fetch *f)
{
	for (size_t i = 0; i < SOURCES_MAX; i++)
		free(f->sources[i].lacks);
	free(f->pages);
	free(f->leaves);
	free(f->have);
	free(f->asked);
	free(f);
}

void fetch_over(struct fetch *f)
{
	for (size_t i = 0; i < SOURCES_MAX; i++)
		source_drop(f, &f->sources[i], false);
	f->step = FETCH_OVER;
	f->e->blob_over = true;
	fetch_stir(f);
}

void blob_deinit(struct engine *e)
{
	while (e->fetches) {
		struct fetch *f = e->fetches;
		e->fetches = f->next;
		fetch_free(f);
	}
	e->fetches_n = 0;
	wants_deinit(e);
}

struct fetch *fetch_find(struct engine *e, const struct id32 *root)
{
	for (struct fetch *f = e->fetches; f; f = f->next)
		if (f->step != FETCH_OVER && id32_equal(&f->root, root))
			return f;
	return NULL;
}

/* What the store knew of it already. */
static void loaded(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct fetch *f = ctx;
	const struct store_blob *b = res->err == OK ? &res->r.blobs[0] : NULL;
	(void)e, (void)s;
	if (!fetch_release(f))
		return;
	if (!b || b->state == BLOB_COMPLETE) {
		fetch_over(f);
		return;
	}
	f->step = FETCH_WORK;
	if (b->pages.n && fetch_take_meta(f, b->size, b->pages) == OK && b->have.n == (f->chunks + 7) / 8) {
		memcpy(f->have, b->have.p, b->have.n);
		f->have_n = f->had_n = b->have_n;
	}
}

struct fetch *fetch_new(struct engine *e, const struct store_blob *b, uint64_t since)
{
	struct fetch *f = calloc(1, sizeof *f);
	if (!f)
		return NULL;
	*f = (struct fetch){.e = e,
		.root = b->root,
		.owner = b->owner,
		.size = b->size,
		.step = b->state == BLOB_WANTED ? FETCH_WORK : FETCH_LOAD,
		.direct = b->state == BLOB_WANTED && b->size <= BLOB_CHUNK_BYTES,
		.hosted = b->hosted,
		.began_ms = e->now_ms,
		.since = since,
		.part_asked = since > 0,
		.page = PAGE_NONE,
		.synced_ms = e->now_ms,
		.got_ms = e->now_ms};
	struct fetch **tail = &e->fetches;
	while (*tail)
		tail = &(*tail)->next;
	*tail = f;
	e->fetches_n++;
	fetch_stir(f);
	if (f->step == FETCH_LOAD) {
		struct store_req *q = req_new(STORE_BLOB_GET);
		if (q)
			q->a.root = f->root;
		fetch_hold(f);
		emit_store(e, q, NULL, loaded, f);
	}
	return f;
}

/* ---- which peers ---- */

struct source *source_of(struct fetch *f, const struct session *s)
{
	for (size_t i = 0; i < SOURCES_MAX; i++)
		if (f->sources[i].state != SOURCE_FREE && f->sources[i].s == s)
			return &f->sources[i];
	return NULL;
}

void source_drop(struct fetch *f, struct source *src, bool no)
{
	if (src->state == SOURCE_FREE)
		return;
	if (no) {
		f->not_there[f->not_there_n % LIMIT_CONNECTIONS] = src->s->conn;
		f->not_there_n += f->not_there_n < LIMIT_CONNECTIONS;
	}
	src->s->fetches_n--;
	free(src->lacks);
	*src = (struct source){0};
	fetch_stir(f);
}

static bool says_no(const struct fetch *f, const struct session *s)
{
	for (size_t i = 0; i < f->not_there_n; i++)
		if (f->not_there[i] == s->conn)
			return true;
	return s->blob_turn <= f->since;
}

/* The one with the least to do; *full: there is one, but with too much to do. */
static struct session *choose(struct fetch *f, bool *full)
{
	struct session *best = NULL;
	for (struct session *s = f->e->sessions; s; s = s->next) {
		if (s->state != SESSION_OPEN || says_no(f, s) || source_of(f, s))
			continue;
		if (s->fetches_n >= FETCHES_PER_SESSION || !ask_room(s, f->direct))
			*full = true;
		else if (!best || s->fetches_n < best->fetches_n)
			best = s;
	}
	return best;
}

static void add_source(struct fetch *f, struct session *s)
{
	struct source *src = f->sources;
	while (src->state != SOURCE_FREE)
		src++;
	*src = (struct source){
		.state = SOURCE_ASKED, .s = s, .asked_ms = f->e->now_ms, .window = SOURCE_WINDOW};
	s->fetches_n++;
	if (f->direct)
		fetch_ask_direct(f, src);
	else
		fetch_ask_meta(f, src);
}

/* What says that it has all, and keeps back all that is missing here, is asked again when its turn comes. */
static void drop_useless(struct fetch *f)
{
	for (size_t i = 0; i < SOURCES_MAX; i++) {
		struct source *src = &f->sources[i];
		if (src->state == SOURCE_READY && !src->part && !src->out && !src->late &&
			!source_can(f, src, 0, f->chunks))
			source_drop(f, src, true);
	}
}

/* It has nothing to give, or does not answer. */
static bool is_no_help(const struct fetch *f, const struct source *src)
{
	bool slow = f->e->now_ms >= src->asked_ms + SOURCE_SLOW_MS;
	if (src->state == SOURCE_READY)
		return src->late || !source_can(f, src, 0, f->chunks) ||
			(slow && (src->out || src->owes_leaves));
	return src->state == SOURCE_ASKED && slow;
}

/* As many as the blob is worth; one that is no help does not count. */
static void add_sources(struct fetch *f)
{
	uint64_t chunks = f->pages ? f->chunks : blob_chunks(f->size);
	size_t want = 1, taken = 0;
	bool full = false;
	if (chunks > SOURCE_CHUNKS && !f->direct)
		want += chunks / SOURCE_CHUNKS < SOURCES_MAX ? (size_t)(chunks / SOURCE_CHUNKS) : SOURCES_MAX;
	for (size_t i = 0; i < SOURCES_MAX; i++) {
		taken += f->sources[i].state != SOURCE_FREE;
		want += is_no_help(f, &f->sources[i]);
	}
	while (taken < want && taken < SOURCES_MAX) {
		struct session *s = choose(f, &full);
		if (!s)
			break;
		add_source(f, s);
		taken++;
	}
	f->held = f->held || (taken == 0 && full);
}

/* ---- what is next ---- */

static void work(struct fetch *f)
{
	f->held = false;
	if (f->step != FETCH_WORK)
		return;
	if (f->have && f->have_n == f->chunks) { /* all was there already: a crash before the name */
		fetch_publish(f);
		return;
	}
	if (f->pages) {
		fetch_ask_chunks(f);
		if (f->leaves_state != LEAVES_HERE)
			fetch_need_leaves(f);
	}
	drop_useless(f);
	add_sources(f);
	if (f->unsynced && f->refs == 0)
		fetch_sync(f);
	if (f->held && (!f->e->fetch_retry_ms || f->e->fetch_retry_ms > f->e->now_ms + HELD_MS))
		f->e->fetch_retry_ms = f->e->now_ms + HELD_MS;
}

static bool may_get_more(const struct fetch *f)
{
	bool part = false;
	for (size_t i = 0; i < SOURCES_MAX; i++)
		part = part || (f->sources[i].state == SOURCE_READY && f->sources[i].part);
	return part && f->e->now_ms < f->got_ms + LINGER_MS;
}

static void sweep(struct engine *e)
{
	if (!e->blob_over)
		return;
	e->blob_over = false;
	for (struct fetch **at = &e->fetches; *at;) {
		struct fetch *f = *at;
		if (f->step == FETCH_OVER && f->refs == 0) {
			*at = f->next;
			e->fetches_n--;
			fetch_free(f);
		} else {
			at = &f->next;
		}
	}
}

/* Has a peer room for one that is asked for by itself? Else none of the many that wait for that need be looked at. */
static bool direct_room(const struct engine *e)
{
	for (const struct session *s = e->sessions; s; s = s->next)
		if (s->fetches_n < FETCHES_PER_SESSION && ask_room(s, true))
			return true;
	return false;
}

void blob_settle(struct engine *e)
{
	while (e->blob_stirred && e->booted) {
		bool room = e->blob_room, direct = room;
		e->blob_stirred = e->blob_room = false;
		for (struct fetch *f = e->fetches; f; f = f->next) {
			if (!f->stirred && (!f->held || !room))
				continue;
			if (!f->stirred && f->direct && !(direct = direct && direct_room(e)))
				continue;
			f->stirred = false;
			work(f);
			if (f->step == FETCH_WORK && f->refs == 0 && !f->held && !may_get_more(f))
				wants_wait(f);
		}
		sweep(e);
		wants_pump(e);
	}
}

/* ---- peers and time ---- */

unsigned blob_load(const struct session *s)
{
	return s->fetches_n;
}

static void stir_all(struct engine *e)
{
	for (struct fetch *f = e->fetches; f; f = f->next)
		fetch_stir(f);
}

void blob_session_open(struct session *s)
{
	s->blob_turn = ++s->e->blob_turns;
	wants_new_peer(s->e);
	stir_all(s->e);
}

void blob_session_closed(struct session *s)
{
	struct engine *e = s->e;
	for (struct fetch *f = e->fetches; f; f = f->next) {
		struct source *src = source_of(f, s);
		if (src) {
			source_drop(f, src, false);
			fetch_sync(f); /* what came is kept */
		}
		for (size_t i = 0; i < f->not_there_n; i++)
			if (f->not_there[i] == s->conn)
				f->not_there[i] = f->not_there[--f->not_there_n];
		fetch_stir(f);
	}
}

void blob_time(struct engine *e)
{
	bool all = e->fetch_retry_ms && e->now_ms >= e->fetch_retry_ms;
	bool tick = e->now_ms >= e->blob_tick_ms + TICK_MS;
	if (all)
		e->fetch_retry_ms = 0;
	if (tick)
		e->blob_tick_ms = e->now_ms;
	e->blob_progress = false;
	for (struct fetch *f = e->fetches; f; f = f->next) {
		if (f->unsynced && e->now_ms >= f->synced_ms + SYNC_MS)
			fetch_sync(f);
		if (f->untold && e->now_ms >= f->told_ms + TELL_MS)
			fetch_tell(f);
		e->blob_progress = e->blob_progress || f->unsynced || f->untold;
		if (tick)
			fetch_give_on(f);
		if (tick || all)
			fetch_stir(f);
	}
	wants_time(e);
}

uint64_t blob_deadline(const struct engine *e)
{
	uint64_t d = wants_deadline(e);
	if (e->fetches && e->blob_tick_ms + TICK_MS < d)
		d = e->blob_tick_ms + TICK_MS;
	if (e->fetches && e->fetch_retry_ms && e->fetch_retry_ms < d)
		d = e->fetch_retry_ms;
	for (const struct fetch *f = e->blob_progress ? e->fetches : NULL; f; f = f->next) {
		if (f->unsynced && !f->syncing && f->synced_ms + SYNC_MS < d)
			d = f->synced_ms + SYNC_MS;
		if (f->untold && f->told_ms + TELL_MS < d)
			d = f->told_ms + TELL_MS;
	}
	return d;
}
