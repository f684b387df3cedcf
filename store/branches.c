/* branches.c -- what lies aside of a forked log, for its owner's choice between the branches. SPEC.md sections 4.4 and 10.5. */
#include "store/db.h"

enum err op_SIDE_ALL(struct store *s, const struct store_req *q, struct store_res *r)
{
	struct log_row *l;
	enum err e = log_get(s, &q->a.log, &l);
	if (e != OK)
		return e;
	size_t max = q->a.max && q->a.max < LIMIT_WANT_RUN_ENTRIES ? (size_t)q->a.max
								   : LIMIT_WANT_RUN_ENTRIES;
	struct array parts = {0}, ids = {0}, seqs = {0};
	struct query list = q_start(s, Q_SIDE_ALL);
	q_int(&list, l->no);
	q_uint(&list, max + 1);
	while (q_row(&list)) {
		r->r.more = parts.n == max;
		if (r->r.more)
			break;
		struct store_part *p = array_add(&parts, sizeof *p, &list);
		struct id32 *id = array_add(&ids, sizeof *id, &list);
		uint64_t *seq = array_add(&seqs, sizeof *seq, &list);
		if (!p || !id || !seq)
			break;
		*seq = qc_uint(&list, 0);
		*id = qc_id(&list, 1);
		p->kind = (uint8_t)qc_int(&list, 2);
		p->header = qc_copy(&list, 3, &r->mem).p;
	}
	r->r.n = parts.n;
	r->r.parts = array_give(&parts, &r->mem, &list);
	r->r.ids = array_give(&ids, &r->mem, &list);
	r->r.seqs = array_give(&seqs, &r->mem, &list);
	return q_end(&list);
}

enum err op_SIDE_AGAIN(struct store *s, const struct store_req *q, struct store_res *r)
{
	(void)r;
	struct log_row *l;
	enum err e = log_get(s, &q->a.log, &l);
	if (e != OK)
		return e;
	store_touch(s);
	struct query mark = q_start(s, Q_SIDE_AGAIN_AT);
	q_int(&mark, l->no);
	q_uint(&mark, q->a.seq);
	q_id(&mark, &q->a.id);
	return q_done(&mark);
}
