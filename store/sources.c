/* sources.c -- which peers follow what is followed here, or are named in its direct logs. SPEC.md section 19.1. */
#include "store/db.h"

/* An identity, or a direct log of one. */
struct followed {
	struct id32 id;
	bool hosted; /* a log: ours */
	uint8_t by; /* how many of the nodes follow it: 0, 1, 2 for more */
	uint16_t one; /* the first of them */
};

static void count(struct followed *f, uint16_t no)
{
	f->one = f->by == 0 ? no : f->one;
	f->by = f->by < 2 ? f->by + 1 : 2;
}

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
		count(&f[i], no);
	}
	return q_end(&shared);
}

static enum err add_direct(struct store *s, const struct store_req *q, struct array *a)
{
	struct followed *f = NULL;
	struct query list = q_start(s, Q_DIRECT_WITH);
	q_id(&list, &q->a.node);
	while (q_row(&list)) {
		struct id32 log = qc_id(&list, 0), node = qc_id(&list, 2);
		if (!f || !id32_equal(&f->id, &log)) {
			f = array_add(a, sizeof *f, &list);
			if (!f)
				break;
			f->id = log;
			f->hosted = qc_int(&list, 1) != 0;
		}
		for (size_t i = 0; i < q->a.n; i++)
			if (id32_equal(&q->a.ids[i], &node))
				count(f, (uint16_t)i);
	}
	return q_end(&list);
}

static int by_id(const void *a, const void *b)
{
	return id32_cmp(&((const struct followed *)a)->id, &((const struct followed *)b)->id);
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
	size_t identities = follows.n;
	if (e == OK)
		e = add_direct(s, q, &follows);
	f = (struct followed *)(void *)follows.b.p;
	if (follows.n > identities)
		qsort(f, follows.n, sizeof *f, by_id);
	if (e == OK)
		e = give(f, follows.n, q, sole, r);
	buf_free(&follows.b);
	return e;
}

/* Round the circle from q->a.node, of what stands at `i`. */
static enum err list_nodes(struct store *s, enum query_name name, const struct store_req *q, size_t i,
	struct array *nodes, struct array *which)
{
	struct query list = q_start(s, name);
	q_id(&list, &q->a.ids[i]);
	q_id(&list, &q->a.node);
	q_uint(&list, q->a.max);
	while (q_row(&list)) {
		struct id32 *node = array_add(nodes, sizeof *node, &list);
		uint64_t *index = node ? array_add(which, sizeof *index, &list) : NULL;
		if (index) {
			*node = qc_id(&list, 0);
			*index = i;
		}
	}
	return q_end(&list);
}

enum err op_FOLLOWERS(struct store *s, const struct store_req *q, struct store_res *r)
{
	struct array nodes = {0}, which = {0};
	enum err e = OK;
	for (size_t i = 0; e == OK && i < q->a.n; i++) {
		e = list_nodes(s, Q_FOLLOWERS, q, i, &nodes, &which);
		if (e == OK)
			e = list_nodes(s, Q_DIRECT_NAMED, q, i, &nodes, &which);
	}
	struct query end = {.s = s, .e = e};
	r->r.n = which.n;
	r->r.ids = array_give(&nodes, &r->mem, &end);
	r->r.seqs = array_give(&which, &r->mem, &end);
	return end.e;
}
