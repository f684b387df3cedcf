/* introductions.c -- what the network's log says of nodes, newcomers of this node, and those whom members introduced. SPEC.md sections 8.2 and 8.4. */
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

/* ---- what the network's log says */

static void bind_id_or_null(struct query *q, const struct id32 *id)
{
	if (id32_is_zero(id))
		q_null(q);
	else
		q_id(q, id);
}

/* A node is admitted if one of its admissions is not ended: in whatever order they came. */
static enum err become_member(struct store *s, const struct store_req *q)
{
	struct store_peer old;
	enum err e = peer_get(s, &q->a.node, &old);
	if (e == OK && old.origin == PEER_REMOVED)
		e = db_on_id(s, Q_PEER_AGAIN, &q->a.node); /* but whom the operator took out */
	if (e == OK || e == ERR_NOT_FOUND)
		e = peer_admit(s, &q->a.node, PEER_ADMITTED, true, q->a.peer ? q->a.peer->name : "");
	if (e == ERR_LIMIT) /* no room for one more peer; the admission is known all the same */
		e = OK;
	return e == OK ? introduction_drop(s, &q->a.node) : e;
}

/* What is known of the admission at (log, seq). node: zeros if only its end came. */
static enum err look_up(
	struct store *s, const struct store_req *q, struct id32 *node, bool *known, bool *ended)
{
	struct query get = q_start(s, Q_ADMISSION_GET);
	q_id(&get, &q->a.log);
	q_uint(&get, q->a.seq);
	bool row = q_row(&get);
	*known = row && qc_slice(&get, 0).n > 0;
	*node = *known ? qc_id(&get, 0) : (struct id32){{0}};
	*ended = row && qc_int(&get, 1) != 0;
	return q_end(&get);
}

/* If no other admission of it is in force. */
static enum err take_out(struct store *s, const struct id32 *node, bool but_invited, struct store_res *r)
{
	struct store_peer old;
	bool admitted;
	enum err e = finds(s, Q_ADMISSION_OF, node, &admitted);
	if (e != OK || admitted)
		return e;
	r->r.ids = arena_alloc(&r->mem, sizeof *r->r.ids);
	if (!r->r.ids)
		return ERR_MEMORY;
	e = introduction_drop(s, node);
	if (e == OK)
		e = peer_get(s, node, &old);
	if (e == OK && but_invited && (old.origin == PEER_INVITED || old.origin == PEER_INVITER))
		return OK;
	if (e == OK)
		e = peer_end(s, node, true);
	r->r.ids[r->r.n++] = *node;
	return e == ERR_NOT_FOUND ? OK : e;
}

enum err op_ADMISSION_PUT(struct store *s, const struct store_req *q, struct store_res *r)
{
	struct id32 before;
	bool known, ended;
	enum err e = look_up(s, q, &before, &known, &ended);
	if (e == OK && !known) {
		store_touch(s);
		struct query put = q_start(s, Q_ADMISSION_PUT);
		q_id(&put, &q->a.log);
		q_uint(&put, q->a.seq);
		q_id(&put, &q->a.node);
		bind_id_or_null(&put, &q->a.id);
		e = q_done(&put);
	}
	if (e == OK)
		e = finds(s, Q_ADMISSION_OF, &q->a.node, &r->r.flag);
	if (e != OK || known || q->a.flag)
		return e;
	if (ended)
		return take_out(s, &q->a.node, q->a.number == 1, r);
	return r->r.flag ? become_member(s, q) : OK;
}

enum err op_ADMISSION_END(struct store *s, const struct store_req *q, struct store_res *r)
{
	struct id32 node;
	bool known, ended;
	enum err e = look_up(s, q, &node, &known, &ended);
	if (e != OK || ended)
		return e;
	store_touch(s);
	struct query end = q_start(s, Q_ADMISSION_END);
	q_id(&end, &q->a.log);
	q_uint(&end, q->a.seq);
	e = q_done(&end);
	return e == OK && known ? take_out(s, &node, q->a.number == 1, r) : e;
}

enum err op_ADMISSION_LIST(struct store *s, const struct store_req *q, struct store_res *r)
{
	struct array all = {0};
	struct query list = q_start(s, Q_ADMISSION_LIST);
	q_id(&list, &q->a.identity);
	bind_id_or_null(&list, &q->a.node);
	while (q_row(&list)) {
		struct store_admission *a = array_add(&all, sizeof *a, &list);
		if (!a)
			continue;
		a->log = qc_id(&list, 0);
		a->seq = qc_uint(&list, 1);
		a->node = qc_id(&list, 2);
		struct slice by = qc_slice(&list, 3);
		if (by.n == sizeof a->introducer)
			a->introducer = id32_from(by.p);
		a->ended = qc_int(&list, 4) != 0;
	}
	r->r.n = all.n;
	r->r.admissions = array_give(&all, &r->mem, &list);
	return q_end(&list);
}

enum err op_PEER_PARDON(struct store *s, const struct store_req *q, struct store_res *r)
{
	(void)r;
	return db_on_id(s, Q_PEER_PARDON, &q->a.node);
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
