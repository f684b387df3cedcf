/* sources.c -- which peers follow what is followed here. SPEC.md section 19.1. */
#include "store/db.h"

struct followed {
	struct id32 id;
	bool hosted;
	uint8_t by; /* how many of the nodes follow it: 0, 1, 2 for more */
	uint16_t one; /* the first of them */
};

static struct followed *read_follows(struct store *s, struct array *a, enum err *e)
{
	struct query list = q_start(s, Q_FOLLOW_LIST);
	while (q_row(&list)) {
		struct followed *f = array_add(a, sizeof *f, &list);
		if (f) {
			f->id = qc_id(&list, 0);
			f->hosted = qc_int(&list, 1) != 0;
		}
	}
	*e = q_end(&list);
	return (struct followed *)(void *)a->b.p;
}

/* Both are in ascending order. */
static enum err mark(struct store *s, const struct id32 *node, uint16_t no, struct followed *f, size_t n)
{
	size_t i = 0;
	struct query shared = q_start(s, Q_PEER_SHARED);
	q_id(&shared, node);
	while (q_row(&shared)) {
		struct id32 id = qc_id(&shared, 0);
		while (i < n && id32_cmp(&f[i].id, &id) < 0)
			i++;
		if (i == n || !id32_equal(&f[i].id, &id))
			continue;
		f[i].one = f[i].by == 0 ? no : f[i].one;
		f[i].by = f[i].by < 2 ? f[i].by + 1 : 2;
	}
	return q_end(&shared);
}

static enum err give(
	const struct followed *f, size_t n, const struct store_req *q, uint8_t *sole, struct store_res *r)
{
	r->r.ids = arena_alloc(&r->mem, (q->a.max < n ? (size_t)q->a.max : n) * sizeof *r->r.ids);
	if (!r->r.ids)
		return ERR_MEMORY;
	for (size_t i = 0; i < n; i++) {
		if (f[i].by == 1)
			sole[f[i].one] = 1;
		if (f[i].by != 0 || (q->a.flag && f[i].hosted))
			continue;
		r->r.count++;
		if (r->r.n < q->a.max && id32_cmp(&f[i].id, &q->a.identity) > 0)
			r->r.ids[r->r.n++] = f[i].id;
	}
	r->r.bytes = slice_of(sole, q->a.n);
	return OK;
}

enum err op_SOURCES(struct store *s, const struct store_req *q, struct store_res *r)
{
	struct array follows = {0};
	enum err e;
	uint8_t *sole = q->a.n <= LIMIT_PEERS ? arena_alloc(&r->mem, q->a.n) : NULL;
	if (!sole)
		return q->a.n <= LIMIT_PEERS ? ERR_MEMORY : ERR_LIMIT;
	memset(sole, 0, q->a.n);
	struct followed *f = read_follows(s, &follows, &e);
	for (size_t i = 0; e == OK && i < q->a.n; i++)
		e = mark(s, &q->a.ids[i], (uint16_t)i, f, follows.n);
	if (e == OK)
		e = give(f, follows.n, q, sole, r);
	buf_free(&follows.b);
	return e;
}

enum err op_FOLLOWERS(struct store *s, const struct store_req *q, struct store_res *r)
{
	struct array nodes = {0}, which = {0};
	struct query list = {.e = OK};
	for (size_t i = 0; i < q->a.n; i++) {
		list = q_start(s, Q_FOLLOWERS);
		q_id(&list, &q->a.ids[i]);
		q_id(&list, &q->a.node);
		q_uint(&list, q->a.max);
		while (q_row(&list)) {
			struct id32 *node = array_add(&nodes, sizeof *node, &list);
			uint64_t *index = node ? array_add(&which, sizeof *index, &list) : NULL;
			if (index) {
				*node = qc_id(&list, 0);
				*index = i;
			}
		}
		enum err e = q_end(&list);
		list.e = e;
		if (e != OK)
			break;
	}
	r->r.n = which.n;
	r->r.ids = array_give(&nodes, &r->mem, &list);
	r->r.seqs = array_give(&which, &r->mem, &list);
	return list.e;
}
