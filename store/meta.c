/* meta.c -- small values by key, for whoever asks; and the last change number. */
#include "store/db.h"

enum err op_META_GET(struct store *s, const struct store_req *q, struct store_res *r)
{
	struct query get = q_start(s, Q_META_GET);
	q_blob(&get, q->a.key);
	bool found = q_row(&get);
	if (found)
		r->r.bytes = qc_copy(&get, 0, &r->mem);
	enum err e = q_end(&get);
	return e == OK && !found ? ERR_NOT_FOUND : e;
}

enum err op_META_PUT(struct store *s, const struct store_req *q, struct store_res *r)
{
	(void)r;
	store_touch(s);
	struct query put = q_start(s, Q_META_PUT);
	q_blob(&put, q->a.key);
	q_blob(&put, q->a.value);
	return q_done(&put);
}

enum err op_NUMBER(struct store *s, const struct store_req *q, struct store_res *r)
{
	(void)q;
	if (!s->read_only) {
		r->r.number = s->number;
		return OK;
	}
	struct query get = q_start(s, Q_NUMBER);
	if (q_row(&get))
		r->r.number = qc_uint(&get, 0);
	return q_end(&get);
}
