/* introductions.c -- newcomers of this node, and those whom members introduced. SPEC.md section 8.4. */
#include "store/db.h"

static enum err finds(struct store *s, enum query_name name, const struct id32 *node, bool *found)
{
	struct query q = q_start(s, name);
	q_id(&q, node);
	*found = q_row(&q);
	return q_end(&q);
}

static enum err count(struct store *s, enum query_name name, const struct id32 *of, uint64_t *n)
{
	struct query q = q_start(s, name);
	if (of)
		q_id(&q, of);
	*n = q_row(&q) ? qc_uint(&q, 0) : 0;
	return q_end(&q);
}

enum err introduction_drop(struct store *s, const struct id32 *node)
{
	return db_on_id(s, Q_INTRODUCTION_DROP, node);
}

enum err introductions_drop_of(struct store *s, const struct id32 *introducer)
{
	return db_on_id(s, Q_INTRODUCTION_DROP_OF, introducer);
}

/* ---- newcomers of this node */

enum err op_NEWCOMERS(struct store *s, const struct store_req *q, struct store_res *r)
{
	struct array peers = {0};
	struct query list = q_start(s, Q_NEWCOMERS);
	q_id(&list, &q->a.node);
	q_uint(&list, q->a.max);
	while (q_row(&list)) {
		struct store_peer *p = array_add(&peers, sizeof *p, &list);
		if (!p)
			continue;
		p->node = qc_id(&list, 0);
		p->origin = PEER_INVITED;
		qc_name(&list, 1, p->name);
	}
	r->r.n = peers.n;
	r->r.peers = array_give(&peers, &r->mem, &list);
	return q_end(&list);
}

/* ---- those whom members introduced */

/* SPEC 8.4: "that is or was a member by its own knowledge (an admission that was ended too), that its operator took out or refused, or that is pending already" */
static enum err is_known(struct store *s, const struct store_req *q, bool *known)
{
	enum err e = finds(s, Q_PEER_GET, &q->a.node, known);
	if (e == OK && !*known)
		e = finds(s, Q_ADMISSION_ANY, &q->a.node, known);
	if (e == OK && !*known)
		e = finds(s, Q_INTRODUCTION_HAS, &q->a.node, known);
	return e;
}

static enum err has_room(struct store *s, const struct id32 *introducer, bool *room)
{
	uint64_t all = 0, of = 0;
	enum err e = count(s, Q_INTRODUCTION_COUNT, NULL, &all);
	if (e == OK)
		e = count(s, Q_INTRODUCTION_COUNT_OF, introducer, &of);
	*room = all < LIMIT_INTRODUCTIONS && of < LIMIT_INTRODUCTIONS_OF_ONE;
	return e;
}

enum err op_INTRODUCE_PUT(struct store *s, const struct store_req *q, struct store_res *r)
{
	bool known, room = false;
	struct store_peer introducer;
	enum err e = peer_get(s, &q->a.id, &introducer);
	if (e == ERR_NOT_FOUND || (e == OK && introducer.origin == PEER_REMOVED))
		return ERR_REFUSED;
	if (e == OK)
		e = is_known(s, q, &known);
	if (e == OK && !known)
		e = has_room(s, &q->a.id, &room);
	if (e != OK || known || !room)
		return e;
	store_touch(s);
	struct query put = q_start(s, Q_INTRODUCTION_PUT);
	q_id(&put, &q->a.node);
	q_text(&put, q->a.peer ? q->a.peer->name : "");
	q_id(&put, &q->a.id);
	q_uint(&put, q->a.now_s);
	r->r.flag = true;
	return q_done(&put);
}

enum err op_INTRODUCE_LIST(struct store *s, const struct store_req *q, struct store_res *r)
{
	(void)q;
	struct array all = {0};
	struct query list = q_start(s, Q_INTRODUCTION_LIST);
	while (q_row(&list)) {
		struct store_introduction *i = array_add(&all, sizeof *i, &list);
		if (!i)
			continue;
		i->node = qc_id(&list, 0);
		qc_name(&list, 1, i->name);
		i->introducer = qc_id(&list, 2);
		i->since_s = qc_uint(&list, 3);
		i->refused = qc_int(&list, 4) != 0;
	}
	r->r.n = all.n;
	r->r.introductions = array_give(&all, &r->mem, &list);
	return q_end(&list);
}

enum err op_INTRODUCE_REFUSE(struct store *s, const struct store_req *q, struct store_res *r)
{
	bool there;
	(void)r;
	enum err e = finds(s, Q_INTRODUCTION_HAS, &q->a.node, &there);
	if (e == OK && !there)
		e = ERR_NOT_FOUND;
	return e == OK ? db_on_id(s, Q_INTRODUCTION_REFUSE, &q->a.node) : e;
}
