/* facts_read.c -- facts by entry, by what they are about, by party, by author, and the newest. include/store_ops.def. */
#include "store/db.h"

static struct id32 id_or_zeros(struct query *q, int column)
{
	return qc_slice(q, column).n ? qc_id(q, column) : (struct id32){{0}};
}

/* The row that q stands on. before: the fact read before it, whose record it may share, or NULL. */
enum err fact_read(struct query *q, struct arena *mem, const struct fact *before, struct fact *out)
{
	*out = (struct fact){
		.at = {.log = qc_id(q, 1), .seq = qc_uint(q, 2), .id = qc_id(q, 3)},
		.author = qc_id(q, 4),
		.kind = (enum fact_kind)qc_int(q, 5),
		.about = id_or_zeros(q, 6),
		.party = id_or_zeros(q, 7),
		.flags = (uint8_t)qc_int(q, 8),
		.hour = (uint32_t)qc_int(q, 9),
		.cut = qc_int(q, 10) != 0,
	};
	if (before && before->at.seq == out->at.seq && id32_equal(&before->at.log, &out->at.log))
		out->data = before->data;
	else
		out->data = qc_copy(q, 11, mem);
	if (q->e == OK && (out->kind <= FACT_NONE || out->kind >= FACT_KIND_COUNT))
		q->e = ERR_CORRUPT;
	return q->e;
}

static bool same_entry(const struct fact *f, struct query *q)
{
	struct id32 log = qc_id(q, 1);
	return f->at.seq == qc_uint(q, 2) && id32_equal(&f->at.log, &log);
}

/* Reads rows until there are max, and to the end of that entry. */
static enum err read_page(struct query *q, size_t max, struct store_res *r)
{
	struct array facts = {0};
	struct fact last = {0};
	size_t bytes = 0;
	while (q_row(q)) {
		bool same = facts.n > 0 && same_entry(&last, q);
		r->r.more = !same && (facts.n >= max || bytes > FACTS_BYTES_MAX);
		if (r->r.more)
			break;
		struct fact *f = array_add(&facts, sizeof *f, q);
		if (!f || fact_read(q, &r->mem, same ? &last : NULL, f) != OK)
			break;
		last = *f;
		bytes += same ? 0 : f->data.n;
	}
	r->r.n = facts.n;
	r->r.facts = array_give(&facts, &r->mem, q);
	return q_end(q);
}

static size_t page_max(const struct store_req *q)
{
	return q->a.max && q->a.max < FACTS_MAX ? (size_t)q->a.max : FACTS_MAX;
}

enum err op_FACT_AT(struct store *s, const struct store_req *q, struct store_res *r)
{
	struct query list = q_start(s, Q_FACT_AT);
	q_id(&list, &q->a.log);
	q_uint(&list, q->a.seq);
	enum err e = read_page(&list, FACTS_OF_ENTRY_MAX, r);
	struct log_row *l;
	if (e != OK || r->r.n > 0 || !s->facts || !s->facts_made_late)
		return e;
	e = log_get(s, &q->a.log, &l);
	return e == OK ? facts_make_late(s, l, q->a.seq, r) : e == ERR_NOT_FOUND ? OK : e;
}

static enum err list_page(struct store *s, enum query_name name, const struct id32 *of,
	const struct store_req *q, struct store_res *r)
{
	struct query list = q_start(s, name);
	q_id(&list, of);
	q_int(&list, fact_mask(q));
	q_id(&list, &q->a.log);
	q_uint(&list, q->a.seq);
	return read_page(&list, page_max(q), r);
}

enum err op_FACT_ABOUT(struct store *s, const struct store_req *q, struct store_res *r)
{
	return list_page(s, Q_FACT_ABOUT, &q->a.id, q, r);
}

enum err op_FACT_PARTY(struct store *s, const struct store_req *q, struct store_res *r)
{
	return list_page(s, Q_FACT_PARTY, &q->a.identity, q, r);
}

enum err op_FACT_BY(struct store *s, const struct store_req *q, struct store_res *r)
{
	return list_page(s, Q_FACT_BY, &q->a.identity, q, r);
}

/* ---- the newest, of several kinds: the newest of each kind, merged */

static int newer_first(const void *a, const void *b)
{
	int64_t x, y;
	memcpy(&x, a, sizeof x);
	memcpy(&y, b, sizeof y);
	return x < y ? 1 : x > y ? -1 : 0;
}

static enum err gather_kind(struct store *s, int kind, int64_t before, size_t max, struct buf *out)
{
	struct query list = q_start(s, Q_FACT_NEWEST);
	q_int(&list, kind);
	q_int(&list, before);
	q_uint(&list, max);
	while (q_row(&list)) {
		int64_t no = qc_int(&list, 0);
		list.e = buf_put(out, &no, sizeof no);
	}
	return q_end(&list);
}

static enum err gather(struct store *s, const struct store_req *q, size_t max, struct buf *out)
{
	int64_t before = q->a.seq && q->a.seq < INT64_MAX ? (int64_t)q->a.seq : INT64_MAX;
	enum err e = OK;
	for (int kind = FACT_NONE + 1; e == OK && kind < FACT_KIND_COUNT; kind++) {
		if (fact_mask(q) >> kind & 1)
			e = gather_kind(s, kind, before, max, out);
	}
	if (e == OK && out->n)
		qsort(out->p, out->n / sizeof(int64_t), sizeof(int64_t), newer_first);
	return e;
}

enum err fact_read_no(
	struct store *s, int64_t no, const struct fact *before, struct arena *mem, struct fact *out)
{
	struct query get = q_start(s, Q_FACT_NO);
	q_int(&get, no);
	if (q_row(&get))
		get.e = fact_read(&get, mem, before, out);
	else if (get.e == OK)
		get.e = ERR_CORRUPT;
	return q_end(&get);
}

enum err op_FACT_ALL(struct store *s, const struct store_req *q, struct store_res *r)
{
	size_t max = page_max(q), bytes = 0;
	struct buf nos = {0};
	enum err e = gather(s, q, max + 1, &nos);
	size_t found = nos.n / sizeof(int64_t);
	size_t n = found < max ? found : max;
	r->r.facts = arena_alloc(&r->mem, n * sizeof *r->r.facts);
	if (e == OK && !r->r.facts)
		e = ERR_MEMORY;
	for (; e == OK && r->r.n < n && bytes <= FACTS_BYTES_MAX; r->r.n++) {
		struct fact *f = &r->r.facts[r->r.n];
		int64_t no;
		memcpy(&no, nos.p + r->r.n * sizeof no, sizeof no);
		e = fact_read_no(s, no, r->r.n ? f - 1 : NULL, &r->mem, f);
		r->r.number = (uint64_t)no;
		bytes += e == OK && (r->r.n == 0 || f->data.p != f[-1].data.p) ? f->data.n : 0;
	}
	r->r.more = r->r.n < found;
	buf_free(&nos);
	return e;
}
