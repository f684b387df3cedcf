/* blob_tell.c -- which chunks of a blob somebody has by now: told to those that asked for it too early, and heard. SPEC.md section 11.2. */
#include "blob_fetch.h"

#include "bitmap.h"
#include "protocol/log/blobtree.h"

#define INTERESTS \
	256 /* roots that one peer asked for and that are not complete here; later ones take the place of earlier ones */

static struct id32 *interest(struct session *s, const struct id32 *root)
{
	return &s->interests[root->b[4] % INTERESTS];
}

void blob_interest(struct session *s, const struct id32 *root)
{
	if (!s->interests)
		s->interests = calloc(INTERESTS, sizeof *s->interests);
	if (s->interests)
		*interest(s, root) = *root;
}

static bool interested(struct session *s, const struct id32 *root)
{
	return s->state == SESSION_OPEN && s->interests && id32_equal(interest(s, root), root);
}

/* have: of all chunks; NULL: all are held. */
static void send_page(
	struct session *s, const struct id32 *root, uint64_t chunks, const uint8_t *have, uint32_t page)
{
	uint64_t first = (uint64_t)page * BLOB_PAGE_LEAVES;
	uint64_t n = have ? (chunks - first < BLOB_PAGE_LEAVES ? chunks - first : BLOB_PAGE_LEAVES) : 0;
	struct message_have_chunks m = {.root = *root,
		.page = page,
		.bits = have ? slice_of(have + first / 8, (size_t)((n + 7) / 8)) : (struct slice){0}};
	emit_message_class(s, MESSAGE_HAVE_CHUNKS, &m, true);
}

void blob_tell_part(struct session *s, const struct id32 *root, uint64_t chunks, const uint8_t *have)
{
	static const uint8_t none[BLOB_PAGE_LEAVES / 8];
	bool told = false;
	for (uint32_t page = 0; (uint64_t)page * BLOB_PAGE_LEAVES < chunks; page++) {
		uint64_t first = (uint64_t)page * BLOB_PAGE_LEAVES;
		size_t n = (size_t)(((chunks - first < BLOB_PAGE_LEAVES ? chunks - first : BLOB_PAGE_LEAVES) +
					    7) /
			8);
		if (memcmp(have + first / 8, none, n) == 0)
			continue;
		send_page(s, root, chunks, have, page);
		told = true;
	}
	if (!told) /* SPEC 11.2: "at least one `have-chunks`" */
		send_page(s, root, chunks, have, 0);
}

void fetch_tell(struct fetch *f)
{
	f->told_ms = f->e->now_ms;
	f->untold = 0;
	for (struct session *s = f->e->sessions; s; s = s->next) {
		if (!interested(s, &f->root) || s->queued_bulk > SERVE_CHUNK_QUEUE_BYTES * 2)
			continue;
		for (uint32_t page = 0; page < f->pages_n; page++)
			if (bit_get(f->untold_pages, page))
				send_page(s, &f->root, f->chunks, f->have, page);
	}
	memset(f->untold_pages, 0, sizeof f->untold_pages);
}

void blob_tell_whole(struct engine *e, const struct id32 *root)
{
	for (struct session *s = e->sessions; s; s = s->next) {
		if (!interested(s, root))
			continue;
		*interest(s, root) = (struct id32){0};
		send_page(s, root, 0, NULL, 0);
	}
}

const uint8_t *blob_have_now(struct engine *e, const struct id32 *root, uint64_t *chunks)
{
	const struct fetch *f = fetch_find(e, root);
	*chunks = f ? f->chunks : 0;
	return f ? f->have : NULL;
}

/* ---- heard ---- */

static void not_there_no_more(struct fetch *f, conn_id conn)
{
	for (size_t i = 0; i < f->not_there_n; i++) {
		if (f->not_there[i] == conn) {
			f->not_there[i] = f->not_there[--f->not_there_n];
			fetch_stir(f);
			return;
		}
	}
}

static void take_page(struct fetch *f, struct source *src, const struct message_have_chunks *m)
{
	uint64_t first = m->page * BLOB_PAGE_LEAVES;
	uint64_t n = blob_page_leaves(f->size, (uint32_t)m->page);
	if (!src->part && !source_lacks(f, src, 0, f->chunks))
		return;
	src->part = true;
	for (uint64_t i = 0; i < n; i++) {
		if (bit_get(m->bits.p, i))
			bit_clear(src->lacks, first + i);
		else
			bit_set(src->lacks, first + i);
	}
}

/* As far as is known here. */
static bool fits(const struct fetch *f, const struct message_have_chunks *m)
{
	if (!f->pages || m->bits.n == 0)
		return true;
	return m->page < f->pages_n && m->bits.n == (blob_page_leaves(f->size, (uint32_t)m->page) + 7) / 8;
}

void blob_have_chunks(struct session *s, const struct message_have_chunks *m)
{
	struct fetch *f = fetch_find(s->e, &m->root);
	struct source *src = f ? source_of(f, s) : NULL;
	if (!f) {
		wants_hasten(s, &m->root);
		return;
	}
	if (!fits(f, m)) {
		peer_close(s, ERR_WIRE, "chunks that a blob does not have");
		return;
	}
	not_there_no_more(f, s->conn);
	if (!src || src->state != SOURCE_READY || !f->pages)
		return;
	if (m->bits.n == 0) {
		src->part = false;
		free(src->lacks);
		src->lacks = NULL;
	} else {
		take_page(f, src, m);
	}
	fetch_stir(f);
}
