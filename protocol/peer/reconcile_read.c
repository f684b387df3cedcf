/* reconcile_read.c -- an index of all rows that both sides may hold: read page by page, hashed by work requests. SPEC.md section 10.8. */
#include "reconcile.h"

static void read_page(struct session *s, struct ranges_read *r);

static void page_hashed(struct engine *e, struct session *s, void *ctx, struct engine_work *w)
{
	struct ranges_read *r = ctx;
	(void)e;
	if (s->state != SESSION_OPEN)
		return;
	r->index = w->ranges;
	w->ranges = NULL;
	if (w->err == OK && r->more)
		read_page(s, r);
	else
		r->done(s, w->err);
}

/* Those that are items move to the front; the others are told to the reader. */
static size_t sift(struct session *s, const struct ranges_read *r, struct store_row *rows, size_t n)
{
	size_t items = 0;
	for (size_t i = 0; i < n; i++) {
		bool withheld = listing_withheld(s, &rows[i]);
		if (rows[i].common && !withheld)
			rows[items++] = rows[i];
		else if (r->other)
			r->other(s, &rows[i], withheld);
	}
	return items;
}

static void page_read(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct ranges_read *r = ctx;
	if (s->state != SESSION_OPEN)
		return;
	struct engine_work *w = res->err == OK ? work_new(WORK_RANGES) : NULL;
	if (!w) {
		r->done(s, res->err == OK ? ERR_MEMORY : res->err);
		return;
	}
	if (!r->begun)
		r->number = res->r.number;
	r->begun = true;
	r->cursor = res->r.seq;
	r->more = res->r.more;
	w->n = sift(s, r, res->r.rows, res->r.n);
	w->rows = res->r.rows;
	w->mem = res->mem;
	res->mem = (struct arena){0};
	w->ranges = r->index;
	w->last_page = !r->more;
	r->index = NULL;
	emit_work(e, w, s, page_hashed, r);
}

static void read_page(struct session *s, struct ranges_read *r)
{
	struct store_req *q = req_new(STORE_ROWS);
	if (q) {
		q->a.node = s->node;
		q->a.id = s->e->config.network;
		q->a.device_key = s->e->config.node;
		q->a.seq = r->cursor;
		q->a.max = RANGES_PAGE;
	}
	emit_store(s->e, q, s, page_read, r);
}

void ranges_read_begin(struct session *s, struct ranges_read *r, const uint8_t nonce[RANGES_NONCE_BYTES])
{
	r->cursor = r->number = 0;
	r->begun = r->more = false;
	r->index = ranges_new(nonce);
	if (r->index)
		read_page(s, r);
	else
		r->done(s, ERR_MEMORY);
}
