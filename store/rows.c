/* rows.c -- all rows that a peer may be told, page by page, whatever their change numbers: for reconciliation. SPEC.md section 10.8. */
#include "store/db.h"

#define LOOKED_MAX 4096 /* rows in one page, also if none of them is given */
#define LOG_REF (1ull << 63) /* a ref: the key of the row; with this bit a log's, else an identity's */

struct page {
	const struct store_req *q;
	struct array rows;
	size_t max, looked;
	uint64_t next; /* the last ref that was looked at */
	bool more;
};

static struct query start_rows(
	struct store *s, enum query_name name, const struct store_req *q, uint64_t after, uint64_t to)
{
	struct query rows = q_start(s, name);
	q_uint(&rows, after);
	q_id(&rows, &q->a.node);
	q_id(&rows, &q->a.id);
	q_uint(&rows, to);
	q_id(&rows, &q->a.device_key);
	return rows;
}

static void take(struct page *p, struct query *q, bool log)
{
	int at = log ? 12 : 4;
	bool common = qc_int(q, at + 1) != 0, gaps = log && qc_int(q, 10) > 0;
	p->looked++;
	p->next = qc_uint(q, at) | (log ? LOG_REF : 0);
	if (p->q->a.flag && !(common && gaps))
		return;
	struct store_row *row = array_add(&p->rows, sizeof *row, q);
	if (!row)
		return;
	if (log)
		read_log_row(q, row);
	else
		read_identity_row(q, row);
	row->ref = p->next;
	row->common = common;
}

/* Rows of one kind with keys in (after, to]. */
static enum err scan(struct store *s, struct page *p, bool log, uint64_t after, uint64_t to)
{
	struct query q = start_rows(s, log ? Q_ROWS_LOGS : Q_ROWS_IDENTITIES, p->q, after, to);
	while (!p->more && q_row(&q)) {
		p->more = p->rows.n >= p->max || p->looked >= LOOKED_MAX;
		if (!p->more)
			take(p, &q, log);
	}
	return q_end(&q);
}

static enum err by_ref(struct store *s, struct page *p)
{
	enum err e = OK;
	for (size_t i = 0; i < p->q->a.n && e == OK; i++) {
		uint64_t key = p->q->a.seqs[i] & ~LOG_REF;
		e = key ? scan(s, p, (p->q->a.seqs[i] & LOG_REF) != 0, key - 1, key) : OK;
	}
	return e;
}

static enum err by_page(struct store *s, struct page *p)
{
	uint64_t after = p->q->a.seq & ~LOG_REF;
	bool logs = (p->q->a.seq & LOG_REF) != 0;
	enum err e = logs || p->q->a.flag ? OK : scan(s, p, false, after, INT64_MAX);
	if (e == OK && !p->more)
		e = scan(s, p, true, logs ? after : 0, INT64_MAX);
	return e;
}

enum err op_ROWS(struct store *s, const struct store_req *q, struct store_res *r)
{
	struct page p = {.q = q, .next = q->a.seq};
	struct query none = {.e = OK};
	struct store_res now = {0};
	p.max = q->a.max && q->a.max < LOOKED_MAX ? (size_t)q->a.max : LOOKED_MAX;
	enum err e = op_NUMBER(s, q, &now);
	if (e == OK)
		e = q->a.seqs ? by_ref(s, &p) : by_page(s, &p);
	none.e = e;
	r->r.n = p.rows.n;
	r->r.rows = array_give(&p.rows, &r->mem, &none);
	r->r.number = now.r.number;
	r->r.seq = p.next;
	r->r.more = p.more;
	return none.e;
}
