/* blob_fetch.c -- blobs that entries here pin and that are not complete: which of them are worked on, and from which peer.
 * SPEC.md section 11. Wants are rows in the store; what is here in memory can be forgotten at any time. See blob_fetch.h. */
#include "blob_fetch.h"

#define FETCHES_MAX 64 /* worked on at once */
#define WANTS_MAX (FETCHES_MAX * 2) /* looked at together */
#define FETCHES_PER_SESSION 32
#define SYNC_MS 1000 /* durable progress at least this often */
#define RETRY_MS 5000 /* when no peer had it, or the disk was full */

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

void fetch_hold(struct fetch *f)
{
	f->refs++;
}

bool fetch_release(struct fetch *f)
{
	f->refs--;
	if (f->step == FETCH_OVER) {
		if (f->refs == 0)
			fetch_free(f);
		return false;
	}
	return true;
}

void fetch_over(struct fetch *f)
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

void fetch_leave(struct fetch *f, bool no)
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

/* ---- one blob ---- */

void fetch_next(struct fetch *f)
{
	if (!f->s || f->step == FETCH_PUBLISH || f->step == FETCH_OVER)
		return;
	if (f->have && f->have_n == f->chunks) { /* all was there already: a crash before the name */
		fetch_publish(f);
	} else if (!f->pages) {
		fetch_need_meta(f);
	} else if (f->step == FETCH_CHUNKS) {
		fetch_ask_chunks(f);
	} else if (f->step != FETCH_LEAVES) {
		fetch_need_leaves(f);
	}
}

void blob_pump(struct engine *e)
{
	struct fetch *next;
	for (struct fetch *f = e->fetches; f; f = next) {
		next = f->next;
		fetch_hold(f);
		if (!f->s && f->step == FETCH_IDLE && f->asks == 0 && f->on_way == 0) {
			f->s = choose(f);
			if (f->s)
				fetch_next(f);
		} else if (f->s && f->step == FETCH_CHUNKS) {
			fetch_ask_chunks(f);
		}
		next = f->next;
		(void)fetch_release(f);
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
	if (b->pages.n && fetch_take_meta(f, b->size, b->pages) && b->have.n == (f->chunks + 7) / 8) {
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
			fetch_over(f);
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
			fetch_leave(f, false);
			fetch_sync(f); /* what came is kept */
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
			fetch_sync(f);
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
