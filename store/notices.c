/* notices.c -- notices that are kept, and whom one is due to. SPEC.md section 20. */
#include "store/db.h"

#define OWN_AGAIN_S 86400ull /* one author's notices to one node */
#define KNOWN_S (30ull * 86400) /* how long a follow set counts after its peer was last heard of */

enum err op_NOTICE_PUT(struct store *s, const struct store_req *q, struct store_res *r)
{
	bool own = id32_is_zero(&q->a.node);
	(void)r;
	store_touch(s);
	struct query put = q_start(s, Q_NOTICE_PUT);
	q_id(&put, &q->a.id);
	q_uint(&put, q->a.end);
	q_id(&put, &q->a.node);
	q_uint(&put, q->a.now_s);
	q_blob_or_null(&put, slice_of(q->a.identity.b, own ? 32 : 0));
	q_blob_or_null(&put, slice_of(q->a.root.b, own ? 32 : 0));
	q_blob(&put, q->a.bytes);
	return q_done(&put);
}

enum err op_NOTICE_DROP(struct store *s, const struct store_req *q, struct store_res *r)
{
	enum err e = OK;
	(void)r;
	for (size_t i = 0; e == OK && i < q->a.n; i++) {
		store_touch(s);
		struct query drop = q_start(s, Q_NOTICE_DROP);
		q_id(&drop, &q->a.ids[i]);
		e = q_done(&drop);
	}
	return e;
}

enum err op_NOTICE_LIST(struct store *s, const struct store_req *q, struct store_res *r)
{
	(void)q;
	struct array notices = {0};
	struct query list = q_start(s, Q_NOTICE_LIST);
	while (q_row(&list)) {
		struct store_notice *n = array_add(&notices, sizeof *n, &list);
		if (!n)
			continue;
		n->id = qc_id(&list, 0);
		n->expires_hour = (uint32_t)qc_int(&list, 1);
		n->link = qc_id(&list, 2);
		n->bytes = qc_copy(&list, 3, &r->mem);
	}
	r->r.n = notices.n;
	r->r.notices = array_give(&notices, &r->mem, &list);
	return q_end(&list);
}

static enum err has(struct store *s, enum query_name name, const struct id32 *a, const struct id32 *b,
	uint64_t since_s, bool *found)
{
	struct query q = q_start(s, name);
	q_id(&q, a);
	q_id(&q, b);
	q_uint(&q, since_s);
	*found = q_row(&q);
	return q_end(&q);
}

static enum err is_due(struct store *s, const struct store_req *q, const struct id32 *node, bool *due)
{
	bool follows = false, told = false;
	uint64_t now = q->a.now_s;
	enum err e = has(s, Q_FOLLOWED_BY, node, &q->a.identity, now > KNOWN_S ? now - KNOWN_S : 0, &follows);
	if (e == OK && !follows)
		e = has(s, Q_NOTICE_OWN, &q->a.identity, node, now > OWN_AGAIN_S ? now - OWN_AGAIN_S : 0,
			&told);
	*due = !follows && !told;
	return e;
}

enum err op_NOTICE_DUE(struct store *s, const struct store_req *q, struct store_res *r)
{
	enum err e = OK;
	r->r.ids = arena_alloc(&r->mem, q->a.n * sizeof *r->r.ids);
	if (!r->r.ids)
		return ERR_MEMORY;
	for (size_t i = 0; e == OK && i < q->a.n; i++) {
		bool due;
		e = is_due(s, q, &q->a.ids[i], &due);
		if (e == OK && due)
			r->r.ids[r->r.n++] = q->a.ids[i];
	}
	return e;
}
