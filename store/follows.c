/* follows.c -- what this node follows, and why. SPEC.md sections 10.3 and 20.3. */
#include "store/db.h"

#define GUEST_UNUSED_S (90ull * 86400)
#define GUEST_UNOPENED_S 86400u /* before one that brought something nobody opened may give way */

static enum err has(
	struct store *s, enum query_name name, const struct id32 *identity, bool *there, bool *value)
{
	struct query q = q_start(s, name);
	q_id(&q, identity);
	*there = q_row(&q);
	*value = *there && qc_int(&q, 0) != 0;
	return q_end(&q);
}

/* ERR_LIMIT: no more may be followed. */
static enum err check_room(struct store *s)
{
	struct query count = q_start(s, Q_FOLLOW_COUNT);
	bool full = q_row(&count) && qc_int(&count, 0) >= LIMIT_FOLLOWS;
	enum err e = q_end(&count);
	return e == OK && full ? ERR_LIMIT : e;
}

static enum err add(struct store *s, const struct id32 *identity, bool hosted)
{
	store_touch(s);
	struct query q = q_start(s, Q_FOLLOW_ADD);
	q_id(&q, identity);
	q_int(&q, hosted);
	return q_done(&q);
}

enum err op_FOLLOW_ADD(struct store *s, const struct store_req *q, struct store_res *r)
{
	bool there, hosted;
	(void)r;
	enum err e = has(s, Q_FOLLOW_HAS, &q->a.identity, &there, &hosted);
	if (e == OK && !there)
		e = check_room(s);
	if (e == OK)
		e = add(s, &q->a.identity, q->a.flag);
	if (e == OK)
		e = db_on_id(s, Q_GUEST_DROP, &q->a.identity);
	return e == OK ? db_on_id(s, Q_DECLINED_DROP, &q->a.identity) : e;
}

enum err op_FOLLOW_REMOVE(struct store *s, const struct store_req *q, struct store_res *r)
{
	(void)r;
	enum err e = db_on_id(s, Q_FOLLOW_REMOVE, &q->a.identity);
	if (e == OK)
		e = db_on_id(s, Q_GUEST_DROP, &q->a.identity);
	return e == OK ? db_on_id(s, Q_DECLINED_ADD, &q->a.identity) : e;
}

enum err op_FOLLOW_LIST(struct store *s, const struct store_req *q, struct store_res *r)
{
	(void)q;
	struct array ids = {0}, flags = {0}, follows = {0};
	struct query list = q_start(s, Q_FOLLOW_LIST);
	while (q_row(&list)) {
		struct id32 *id = array_add(&ids, sizeof *id, &list);
		uint8_t *flag = array_add(&flags, 1, &list);
		struct store_follow *f = array_add(&follows, sizeof *f, &list);
		if (!id || !flag || !f)
			continue;
		*id = f->identity = qc_id(&list, 0);
		f->hosted = qc_int(&list, 1) != 0;
		*flag = f->hosted;
		f->guest = qc_int(&list, 2) != 0;
		if (!f->guest)
			continue;
		f->reader = qc_id(&list, 3);
		f->link = qc_id(&list, 4);
		f->since_s = qc_uint(&list, 5);
		f->used_s = qc_uint(&list, 6);
	}
	r->r.n = ids.n;
	size_t n = flags.n;
	r->r.ids = array_give(&ids, &r->mem, &list);
	r->r.bytes = slice_of(array_give(&flags, &r->mem, &list), n);
	r->r.follows = array_give(&follows, &r->mem, &list);
	return q_end(&list);
}

enum err op_DECLINED_LIST(struct store *s, const struct store_req *q, struct store_res *r)
{
	(void)q;
	struct array ids = {0};
	struct query list = q_start(s, Q_DECLINED_LIST);
	while (q_row(&list)) {
		struct id32 *id = array_add(&ids, sizeof *id, &list);
		if (id)
			*id = qc_id(&list, 0);
	}
	r->r.n = ids.n;
	r->r.ids = array_give(&ids, &r->mem, &list);
	return q_end(&list);
}

/* ---- guests */

static enum err guest_leaves(struct store *s, const struct id32 *identity)
{
	enum err e = db_on_id(s, Q_FOLLOW_REMOVE, identity);
	return e == OK ? db_on_id(s, Q_GUEST_DROP, identity) : e;
}

/* SPEC 20.3: "A node keeps at most 256 guest follows, at most 64 of them brought by one link" */
static enum err guest_room(struct store *s, const struct store_req *q, struct store_res *r)
{
	struct query count = q_start(s, Q_GUEST_COUNT);
	q_id(&count, &q->a.node);
	bool any = q_row(&count);
	bool full = any && qc_int(&count, 0) >= LIMIT_GUESTS;
	bool link_full = any && qc_int(&count, 1) >= LIMIT_GUESTS_PER_LINK;
	enum err e = q_end(&count);
	if (e != OK || (!full && !link_full))
		return e;
	/* SPEC 20.3: "one gives way to the new one" */
	struct id32 who;
	struct query out = q_start(s, Q_GUEST_GIVES_WAY);
	q_id(&out, &q->a.node);
	q_int(&out, !link_full);
	q_uint(&out, q->a.now_s > GUEST_UNOPENED_S ? q->a.now_s - GUEST_UNOPENED_S : 0);
	bool found = q_row(&out);
	if (found)
		who = qc_id(&out, 0);
	e = q_end(&out);
	if (e != OK || !found)
		return e != OK ? e : ERR_LIMIT;
	r->r.ids = arena_alloc(&r->mem, sizeof *r->r.ids);
	if (!r->r.ids)
		return ERR_MEMORY;
	r->r.ids[r->r.n++] = who;
	return guest_leaves(s, &who);
}

static enum err guest_used(struct store *s, enum query_name name, const struct id32 *identity, uint64_t now_s)
{
	store_touch(s);
	struct query used = q_start(s, name);
	q_uint(&used, now_s);
	q_id(&used, identity);
	return q_done(&used);
}

static enum err guest_add(struct store *s, const struct store_req *q, struct store_res *r)
{
	bool declined, ignored;
	enum err e = has(s, Q_DECLINED_HAS, &q->a.identity, &declined, &ignored);
	if (e == OK && declined)
		return ERR_REFUSED;
	if (e == OK)
		e = guest_room(s, q, r);
	if (e == OK)
		e = check_room(s);
	if (e == OK)
		e = add(s, &q->a.identity, false);
	if (e != OK)
		return e;
	struct query guest = q_start(s, Q_GUEST_ADD);
	q_id(&guest, &q->a.identity);
	q_id(&guest, &q->a.id);
	q_id(&guest, &q->a.node);
	q_uint(&guest, q->a.now_s);
	return q_done(&guest);
}

enum err op_FOLLOW_GUEST(struct store *s, const struct store_req *q, struct store_res *r)
{
	bool there, hosted;
	enum err e = has(s, Q_FOLLOW_HAS, &q->a.id, &there, &hosted);
	if (e == OK && !hosted)
		e = ERR_NOT_FOUND;
	if (e == OK)
		e = has(s, Q_FOLLOW_HAS, &q->a.identity, &there, &hosted);
	if (e != OK)
		return e;
	r->r.flag = !there;
	return there ? guest_used(s, Q_GUEST_USED, &q->a.identity, q->a.now_s) : guest_add(s, q, r);
}

enum err op_GUEST_USED(struct store *s, const struct store_req *q, struct store_res *r)
{
	enum err e = OK;
	(void)r;
	for (size_t i = 0; e == OK && i < q->a.n; i++)
		e = guest_used(s, Q_GUEST_OPENED, &q->a.ids[i], q->a.now_s);
	return e;
}

/* SPEC 20.3: "it ends when 90 days have passed without" */
enum err op_GUEST_END(struct store *s, const struct store_req *q, struct store_res *r)
{
	struct array ids = {0};
	struct query old = q_start(s, Q_GUEST_OLD);
	q_uint(&old, q->a.now_s > GUEST_UNUSED_S ? q->a.now_s - GUEST_UNUSED_S : 0);
	while (q_row(&old)) {
		struct id32 *id = array_add(&ids, sizeof *id, &old);
		if (id)
			*id = qc_id(&old, 0);
	}
	r->r.n = ids.n;
	r->r.ids = array_give(&ids, &r->mem, &old);
	enum err e = q_end(&old);
	for (size_t i = 0; e == OK && i < r->r.n; i++)
		e = guest_leaves(s, &r->r.ids[i]);
	return e;
}
