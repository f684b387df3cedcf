/* blob_chunks.c -- the content of a blob: asked for in stretches of several peers, each chunk verified against its leaf as it comes. See
 * blob_fetch.h. */
#include "blob_fetch.h"

#include "bitmap.h"
#include "protocol/log/blobtree.h"

#define CHUNKS_PER_ASK 16
#define WINDOW_MAX 128 /* 8 MiB on their way from one peer */
#define QUICK_MS 500 /* an answer that takes less: more may be asked for at once */
#define FILE_REQUESTS (LIMIT_CHUNK_REQUESTS - 4) /* the others are for blobs of one chunk */

struct chunk_ask {
	struct chunk_ask *next;
	struct fetch *f;
	struct session *s; /* compared, never followed, once it is closed */
	uint64_t first, end, begin, sent_ms;
	bool late;
	struct gathered *gathered; /* of its answer */
};

/* ---- what a source has ---- */

static bool lacks(const struct source *src, uint64_t i)
{
	return src->lacks && bit_get(src->lacks, i);
}

bool source_can(const struct fetch *f, const struct source *src, uint64_t first, uint64_t end)
{
	for (uint64_t i = first; i < end; i++) {
		if (i % 8 == 0 && i + 8 <= end &&
			(uint8_t)(f->have[i / 8] | (src->lacks ? src->lacks[i / 8] : 0)) == 0xff)
			i += 7;
		else if (!bit_get(f->have, i) && !lacks(src, i))
			return true;
	}
	return false;
}

bool source_lacks(struct fetch *f, struct source *src, uint64_t first, uint64_t end)
{
	if (!src->lacks)
		src->lacks = calloc(1, (size_t)((f->chunks + 7) / 8));
	for (uint64_t i = first; src->lacks && i < end; i++)
		bit_set(src->lacks, i);
	return src->lacks != NULL;
}

/* ---- a blob of one chunk, by itself ---- */

static void got_direct(struct session *s, void *ctx, const union message *m)
{
	struct fetch *f = ctx;
	struct source *src = source_of(f, s);
	if (f->step != FETCH_WORK || !f->direct || f->on_way || !src)
		return;
	src->state = SOURCE_READY;
	struct gathered *one = NULL;
	if (m->chunk.index != 0 || m->chunk.bytes.n != f->size + BLOB_CHUNK_TAG_BYTES)
		f->direct = false;
	else if (!gather(&one, s, f, 0, 1, m->chunk.bytes))
		peer_close(s, ERR_MEMORY, "out of memory");
}

/* The peer is free for the next as soon as it has answered. */
static void direct_end(struct session *s, void *ctx, enum err code)
{
	struct fetch *f = ctx;
	if (!fetch_release(f))
		return;
	struct source *src = source_of(f, s);
	(void)code;
	if (src)
		source_drop(f, src, src->state != SOURCE_READY);
}

void fetch_ask_direct(struct fetch *f, struct source *src)
{
	struct message_want_chunks m = {.root = f->root, .count = 1};
	fetch_hold(f);
	ask_send(src->s, MESSAGE_WANT_CHUNKS, &m, MESSAGE_CHUNK, got_direct, direct_end, f);
}

/* ---- stretches ---- */

static void got_chunk(struct session *s, struct chunk_ask *a, const struct message_chunk *m)
{
	struct fetch *f = a->f;
	uint64_t i = m->index;
	if (f->step != FETCH_WORK || f->page != i / BLOB_PAGE_LEAVES || f->leaves_state != LEAVES_HERE ||
		bit_get(f->have, i))
		return; /* another was faster */
	if (m->bytes.n != blob_chunk_plain_bytes(f->size, i) + BLOB_CHUNK_TAG_BYTES)
		peer_close(s, ERR_WIRE, "a chunk of another size than its blob has");
	else if (!gather(&a->gathered, s, f, i, a->late ? i + 1 : a->end, m->bytes))
		peer_close(s, ERR_MEMORY, "out of memory");
}

/* What the peer passed over it does not have: another is asked, and it is asked for other chunks. May close the session, which frees a. */
static void not_sent(struct chunk_ask *a, struct session *s, uint64_t end)
{
	struct fetch *f = a->f;
	struct source *src = f->step == FETCH_WORK ? source_of(f, s) : NULL;
	if (a->first >= end)
		return;
	bool noted = !src || s->state != SESSION_OPEN || source_lacks(f, src, a->first, end);
	for (; a->first < end; a->first++)
		if (!a->late)
			bit_clear(f->asked, a->first);
	if (!noted)
		peer_close(s, ERR_MEMORY, "out of memory");
}

static void chunk_message(struct session *s, void *ctx, const union message *m)
{
	struct chunk_ask *a = ctx;
	if (m->chunk.index < a->first || m->chunk.index >= a->end) {
		peer_close(s, ERR_WIRE, "a chunk that was not asked for");
		return;
	}
	not_sent(a, s, m->chunk.index);
	if (s->state != SESSION_OPEN)
		return;
	a->first = m->chunk.index + 1;
	if (!a->late) /* whatever becomes of this one: verify() says that it is under way */
		bit_clear(a->f->asked, m->chunk.index);
	struct source *src = source_of(a->f, s);
	if (src)
		src->asked_ms = s->e->now_ms;
	got_chunk(s, a, &m->chunk);
}

/* So much is asked for at once that an answer takes about a second. */
static void fit_window(struct source *src, uint64_t took_ms)
{
	if (took_ms < QUICK_MS)
		src->window = src->window * 2 < WINDOW_MAX ? src->window * 2 : WINDOW_MAX;
	else if (took_ms > SOURCE_SLOW_MS && src->window > 1)
		src->window /= 2;
}

static void chunks_end(struct session *s, void *ctx, enum err code)
{
	struct chunk_ask *a = ctx;
	struct fetch *f = a->f;
	struct source *src = f->step == FETCH_WORK ? source_of(f, s) : NULL;
	unsigned n = (unsigned)(a->end - a->begin);
	(void)code;
	gather_flush(&a->gathered);
	for (struct chunk_ask **at = &f->asks; *at; at = &(*at)->next) {
		if (*at == a) {
			*at = a->next;
			break;
		}
	}
	if (src && s->state == SESSION_OPEN) {
		src->out -= n;
		src->late -= a->late;
		fit_window(src, s->e->now_ms - a->sent_ms);
	}
	not_sent(a, s, a->end);
	free(a);
	(void)fetch_release(f);
}

static bool other_part_has(const struct fetch *f, const struct source *but, uint64_t i)
{
	for (size_t k = 0; k < SOURCES_MAX; k++) {
		const struct source *src = &f->sources[k];
		if (src != but && src->state == SOURCE_READY && src->part && !src->late && !lacks(src, i))
			return true;
	}
	return false;
}

static bool wanted(const struct fetch *f, const struct source *src, uint64_t i, bool rare)
{
	return !bit_get(f->have, i) && !bit_get(f->asked, i) && !lacks(src, i) &&
		!(rare && other_part_has(f, src, i));
}

/* The next missing stretch of the present page that the source has. One that has all is first asked for what nobody else has. */
static bool next_range(
	const struct fetch *f, const struct source *src, uint64_t most, uint64_t *first, uint64_t *end)
{
	uint64_t low = (uint64_t)f->page * BLOB_PAGE_LEAVES, n = blob_page_leaves(f->size, f->page);
	uint64_t skip = f->start / BLOB_PAGE_LEAVES == f->page ? f->start - low : 0;
	for (int rare = !src->part; rare >= 0; rare--) {
		for (uint64_t k = 0; k < n; k++) {
			uint64_t i = low + (skip + k) % n;
			if (!wanted(f, src, i, rare))
				continue;
			*first = *end = i;
			while (*end < low + n && *end - *first < most && wanted(f, src, *end, rare))
				(*end)++;
			return true;
		}
	}
	return false;
}

static bool ask(struct fetch *f, struct source *src, uint64_t first, uint64_t end)
{
	struct chunk_ask *a = malloc(sizeof *a);
	if (!a)
		return false;
	*a = (struct chunk_ask){.next = f->asks,
		.f = f,
		.s = src->s,
		.first = first,
		.begin = first,
		.end = end,
		.sent_ms = f->e->now_ms};
	for (uint64_t i = first; i < end; i++)
		bit_set(f->asked, i);
	struct message_want_chunks m = {.root = f->root, .first = first, .count = end - first};
	f->asks = a;
	if (!src->out)
		src->asked_ms = f->e->now_ms;
	src->out += (unsigned)(end - first);
	fetch_hold(f);
	ask_send(src->s, MESSAGE_WANT_CHUNKS, &m, MESSAGE_CHUNK, chunk_message, chunks_end, a);
	return true;
}

/* As much as the source may be asked for now. */
static void ask_source(struct fetch *f, struct source *src)
{
	uint64_t first, end;
	while (src->state == SOURCE_READY && !src->late && src->out < src->window) {
		uint64_t most = src->window / 4 < CHUNKS_PER_ASK ? src->window / 4 : CHUNKS_PER_ASK;
		if (most > src->window - src->out)
			most = src->window - src->out;
		if (!next_range(f, src, most ? most : 1, &first, &end))
			return;
		if (!ask_room(src->s, true) || src->s->chunk_asks_n >= FILE_REQUESTS ||
			!blob_rate_allows(f->e, (end - first) * BLOB_CHUNK_STORED_BYTES) ||
			!ask(f, src, first, end)) {
			f->held = true;
			return;
		}
	}
}

static bool all_late(const struct fetch *f)
{
	for (const struct chunk_ask *a = f->asks; a; a = a->next)
		if (!a->late)
			return false;
	return true;
}

void fetch_ask_chunks(struct fetch *f)
{
	if (f->leaves_state != LEAVES_HERE)
		return;
	for (size_t i = 0; i < SOURCES_MAX; i++)
		ask_source(f, &f->sources[i]);
	if (all_late(f) && f->on_way == 0 && !f->held) { /* done with it, or nobody has more of it now */
		f->leaves_state = LEAVES_NONE;
		f->page = PAGE_NONE;
	}
}

static bool others_idle(const struct fetch *f, uint64_t first, uint64_t end)
{
	for (size_t i = 0; i < SOURCES_MAX; i++) {
		const struct source *src = &f->sources[i];
		if (src->state == SOURCE_READY && !src->late && src->out == 0 &&
			source_can(f, src, first, end))
			return true;
	}
	return false;
}

void fetch_give_on(struct fetch *f)
{
	for (struct chunk_ask *a = f->asks; a; a = a->next) {
		struct source *src = source_of(f, a->s);
		if (!src || a->late || f->e->now_ms < a->sent_ms + SOURCE_SLOW_MS ||
			!others_idle(f, a->first, a->end))
			continue;
		a->late = true;
		gather_flush(&a->gathered);
		src->late++;
		for (uint64_t i = a->first; i < a->end; i++)
			bit_clear(f->asked, i);
		fetch_stir(f);
	}
}
