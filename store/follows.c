/* follows.c -- what this node follows. SPEC.md section 10.3. */
#include "store/db.h"

enum err op_FOLLOW_ADD(struct store *s, const struct store_req *q, struct store_res *r)
{
	(void)r;
	struct query has = q_start(s, Q_FOLLOW_HAS);
	q_id(&has, &q->a.identity);
	bool there = q_row(&has);
	enum err e = q_end(&has);
	if (e != OK)
		return e;
	if (!there) {
		struct query count = q_start(s, Q_FOLLOW_COUNT);
		bool full = q_row(&count) && qc_int(&count, 0) >= LIMIT_FOLLOWS;
		e = q_end(&count);
		if (e != OK || full)
			return e != OK ? e : ERR_LIMIT;
	}
	store_touch(s);
	struct query add = q_start(s, Q_FOLLOW_ADD);
	q_id(&add, &q->a.identity);
	q_int(&add, q->a.flag);
	return q_done(&add);
}

enum err op_FOLLOW_REMOVE(struct store *s, const struct store_req *q, struct store_res *r)
{
	(void)r;
	store_touch(s);
	struct query remove = q_start(s, Q_FOLLOW_REMOVE);
	q_id(&remove, &q->a.identity);
	return q_done(&remove);
}

enum err op_FOLLOW_LIST(struct store *s, const struct store_req *q, struct store_res *r)
{
	(void)q;
	struct array ids = {0}, flags = {0};
	struct query list = q_start(s, Q_FOLLOW_LIST);
	while (q_row(&list)) {
		struct id32 *id = array_add(&ids, sizeof *id, &list);
		uint8_t *flag = array_add(&flags, 1, &list);
		if (id && flag) {
			*id = qc_id(&list, 0);
			*flag = qc_int(&list, 1) != 0;
		}
	}
	r->r.n = ids.n;
	size_t n = flags.n;
	r->r.ids = array_give(&ids, &r->mem, &list);
	r->r.bytes = slice_of(array_give(&flags, &r->mem, &list), n);
	return q_end(&list);
}
