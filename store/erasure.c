/* erasure.c -- a statement takes the place of a body, for ever. SPEC.md section 12. */
#include "store/db.h"

/* SPEC 12.2: "the body and its salt are dropped at once, with the blobs of that envelope that no other entry of the owner pins" */
enum err op_ERASED_PUT(struct store *s, const struct store_req *q, struct store_res *r)
{
	struct log_row *l;
	struct id32 id;
	enum err e = log_get(s, &q->a.log, &l);
	if (e != OK)
		return e;
	e = log_id_at(s, l, q->a.seq, &id);
	if (e == ERR_NOT_FOUND || (e == OK && !id32_equal(&id, &q->a.id)))
		return side_erase(s, q, l, r);
	if (e != OK)
		return e;
	int64_t key = entry_key(l, q->a.seq);
	struct query get = q_start(s, Q_ENTRY_KIND);
	q_int(&get, key);
	int64_t kind = q_row(&get) ? qc_int(&get, 0) : 0;
	uint64_t bytes = kind == 1 ? qc_uint(&get, 1) : 0;
	e = q_end(&get);
	if (e != OK || kind == 0)
		return e != OK ? e : ERR_CORRUPT;
	/* SPEC 12.2: "One statement for an entry is kept: the first that was stored." */
	if (kind == 2)
		return ERR_EXISTS;
	log_bump(s, l);
	s->wipe = true;
	struct query put = q_start(s, Q_ENTRY_BODY);
	q_int(&put, 2);
	q_blob(&put, q->a.bytes);
	q_int(&put, key);
	e = q_done(&put);
	if (e == OK)
		e = pins_drop(s, key, r);
	if (e == OK)
		e = facts_drop(s, &l->pub.log, q->a.seq, q->a.seq + 1);
	if (kind == 3 && q->a.seq < l->pub.end)
		l->pub.gaps--;
	l->pub.bytes -= bytes;
	if (q->a.seq < l->pub.end)
		sum_add(&l->pub.erased_sum, &id);
	r->r.number = l->pub.change;
	return e;
}

enum err op_ERASED_GET(struct store *s, const struct store_req *q, struct store_res *r)
{
	struct log_row *l;
	enum err e = log_get(s, &q->a.log, &l);
	if (e != OK)
		return e;
	size_t max = q->a.max && q->a.max < LIMIT_WANT_RUN_ENTRIES ? (size_t)q->a.max
								   : LIMIT_WANT_RUN_ENTRIES;
	struct array parts = {0}, seqs = {0};
	struct query list = q_start(s, Q_ENTRY_ERASED);
	q_int(&list, entry_key(l, q->a.first < l->pub.end ? q->a.first : l->pub.end));
	q_int(&list, entry_key(l, l->pub.end));
	q_uint(&list, max + 1);
	while (q_row(&list)) {
		r->r.more = parts.n == max;
		if (r->r.more)
			break;
		struct store_part *p = array_add(&parts, sizeof *p, &list);
		uint64_t *seq = array_add(&seqs, sizeof *seq, &list);
		if (!p || !seq)
			break;
		*seq = qc_uint(&list, 0) & LIMIT_SEQ;
		p->kind = 2;
		p->header = qc_copy(&list, 2, &r->mem).p;
		p->envelope = qc_copy(&list, 4, &r->mem);
		p->bytes = qc_copy(&list, 5, &r->mem);
	}
	r->r.n = parts.n;
	r->r.parts = array_give(&parts, &r->mem, &list);
	r->r.seqs = array_give(&seqs, &r->mem, &list);
	return q_end(&list);
}
