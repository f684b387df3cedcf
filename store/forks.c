/* forks.c -- proofs of forks. SPEC.md section 4.4. */
#include "store/db.h"

enum err op_FORK_PUT(struct store *s, const struct store_req *q, struct store_res *r)
{
	if (q->a.seq > LIMIT_SEQ)
		return ERR_RANGE;
	struct log_row *l;
	enum err e = log_get(s, &q->a.log, &l);
	if (e != OK)
		return e;
	if (l->pub.fork_seq1 && l->pub.fork_seq1 - 1 <= q->a.seq)
		return ERR_EXISTS;
	store_touch(s);
	struct query put = q_start(s, Q_FORK_PUT);
	q_int(&put, l->no);
	q_uint(&put, q->a.seq);
	q_blob(&put, q->a.bytes);
	q_blob(&put, q->a.sig);
	q_blob(&put, q->a.bytes2);
	q_blob(&put, q->a.sig2);
	e = q_done(&put);
	l->pub.fork_seq1 = q->a.seq + 1;
	if (e == OK)
		e = side_arrange(s, l);
	if (e == OK)
		e = log_settle(s, l);
	log_bump(s, l);
	r->r.number = l->pub.change;
	return e;
}

enum err op_FORK_GET(struct store *s, const struct store_req *q, struct store_res *r)
{
	struct log_row *l;
	enum err e = log_get(s, &q->a.log, &l);
	if (e != OK)
		return e;
	struct query get = q_start(s, Q_FORK_GET);
	q_int(&get, l->no);
	bool found = q_row(&get);
	if (found) {
		r->r.seq = qc_uint(&get, 0);
		r->r.bytes = qc_copy(&get, 1, &r->mem);
		r->r.sig = qc_copy(&get, 2, &r->mem);
		r->r.bytes2 = qc_copy(&get, 3, &r->mem);
		r->r.sig2 = qc_copy(&get, 4, &r->mem);
	}
	e = q_end(&get);
	return e == OK && !found ? ERR_NOT_FOUND : e;
}

enum err op_FORK_LIST(struct store *s, const struct store_req *q, struct store_res *r)
{
	(void)q;
	struct query list = q_start(s, Q_LOG_FORKED);
	return logs_collect(&list, r);
}
