/* admissions.c -- what entries say of nodes, kept beside them like facts; and the peers table made to fit those that count. SPEC.md section 8.2. */
#include "store/db.h"

/* ---- what entries say */

enum err admissions_stale(struct store *s)
{
	s->admissions_stale = true;
	store_touch(s);
	struct query q = q_start(s, Q_ADMISSION_STALE);
	return q_done(&q);
}

static void bind_id_or_null(struct query *q, const struct id32 *id)
{
	if (id32_is_zero(id))
		q_null(q);
	else
		q_id(q, id);
}

bool admission_is(const struct fact *f)
{
	return f->kind == FACT_ADMISSION || f->kind == FACT_ADMISSION_END;
}

enum err admission_say(struct store *s, const struct fact *f, struct slice name)
{
	bool ends = f->kind == FACT_ADMISSION_END;
	struct query put = q_start(s, Q_ADMISSION_SAY);
	q_id(&put, &f->at.log);
	q_uint(&put, f->at.seq);
	q_id(&put, &f->at.id);
	if (ends)
		q_id(&put, &f->about);
	else
		q_null(&put);
	if (ends)
		q_null(&put);
	else
		q_id(&put, &f->party);
	bind_id_or_null(&put, ends ? &(struct id32){{0}} : &f->about);
	q_text_slice(&put, name);
	enum err e = q_done(&put);
	return e == OK ? admissions_stale(s) : e;
}

enum err admissions_drop(struct store *s, const struct id32 *log, uint64_t first, uint64_t end)
{
	if (s->memory)
		return OK;
	struct query drop = q_start(s, Q_ADMISSION_DROP);
	q_id(&drop, log);
	q_uint(&drop, first);
	q_uint(&drop, end);
	enum err e = q_done(&drop);
	return e == OK && sqlite3_changes(s->db) > 0 ? admissions_stale(s) : e;
}

/* ---- which of them count */

/* SPEC 8.4: "redeemed here an invitation to this network" */
static enum err forget_others(struct store *s, const struct id32 *network, bool left_one)
{
	struct query forget = q_start(s, Q_ADMISSION_FORGET);
	q_id(&forget, network);
	enum err e = q_done(&forget);
	if (e == OK && left_one) {
		struct query moved = q_start(s, Q_PEER_MOVED);
		e = q_done(&moved);
	}
	if (e != OK)
		return e;
	struct query set = q_start(s, Q_ADMISSION_NETWORK);
	q_id(&set, network);
	return q_done(&set);
}

static enum err same_logs(struct store *s, const struct store_req *q, bool *same)
{
	size_t i = 0;
	bool equal = true;
	struct query list = q_start(s, Q_NETWORK_LOGS);
	while (q_row(&list)) {
		struct id32 log = qc_id(&list, 0);
		equal = equal && i < q->a.n && id32_equal(&log, &q->a.ids[i]);
		i++;
	}
	*same = equal && i == q->a.n;
	return q_end(&list);
}

static enum err put_logs(struct store *s, const struct store_req *q)
{
	store_touch(s);
	struct query clear = q_start(s, Q_NETWORK_LOGS_CLEAR);
	enum err e = q_done(&clear);
	for (size_t i = 0; e == OK && i < q->a.n; i++)
		e = db_on_id(s, Q_NETWORK_LOG_PUT, &q->a.ids[i]);
	return e;
}

/* *first: never was there a network here, by what this table knows. */
static enum err find_stale(struct store *s, const struct store_req *q, bool *stale, bool *first)
{
	bool same = false;
	struct query get = q_start(s, Q_ADMISSION_STATE);
	if (q_row(&get)) {
		struct slice network = qc_slice(&get, 0);
		*first = network.n == 0;
		same = slice_equal(network, slice_of(q->a.identity.b, 32));
		*stale = !same || qc_int(&get, 1) != 0;
	}
	enum err e = q_end(&get);
	if (e == OK && !same) {
		store_touch(s);
		e = forget_others(s, &q->a.identity, !*first);
	}
	if (e == OK)
		e = same_logs(s, q, &same);
	if (e != OK || same)
		return e;
	*stale = true;
	return put_logs(s, q);
}

/* ---- the peers table */

static enum err finds(struct store *s, enum query_name name, const struct id32 *node, bool *found)
{
	struct query q = q_start(s, name);
	q_id(&q, node);
	*found = q_row(&q);
	return q_end(&q);
}

struct standing {
	bool known, operators; /* operators: he took it out */
	enum peer_origin origin;
	int64_t joined; /* the origin of its own join; -1: none */
};

static enum err get_standing(struct store *s, const struct id32 *node, struct standing *out)
{
	*out = (struct standing){.joined = -1};
	struct query get = q_start(s, Q_PEER_STANDING);
	q_id(&get, node);
	if (q_row(&get)) {
		out->known = true;
		out->origin = (enum peer_origin)qc_int(&get, 0);
		out->joined = qc_int(&get, 1);
		out->operators = out->origin == PEER_REMOVED && qc_int(&get, 2) == 0;
	}
	return q_end(&get);
}

/* SPEC 8.2: "is its own join (it redeemed an invitation here, or it is the one whose invitation this node redeemed), or is admitted by the network" */
static enum err settle_known(struct store *s, const struct id32 *node, const struct standing *p,
	bool admitted, struct store_res *r)
{
	bool thrown = false;
	enum err e = finds(s, Q_ADMISSION_THROWN, node, &thrown);
	bool joined = p->joined >= 0 && !thrown;
	if (e != OK)
		return e;
	if (admitted || joined) {
		store_touch(s);
		struct query in = q_start(s, Q_PEER_AGAIN);
		q_int(&in, joined ? p->joined : PEER_ADMITTED);
		q_id(&in, node);
		return q_done(&in);
	}
	if (p->origin == PEER_REMOVED)
		return OK;
	r->r.ids[r->r.n++] = *node;
	return peer_end(s, node, true);
}

/* name: of the admission that is new and in force; else empty. */
static enum err settle_peer(struct store *s, const struct store_req *q, const struct id32 *node,
	const char *name, struct store_res *r)
{
	struct standing p;
	bool admitted = false;
	if (id32_equal(node, &q->a.node))
		return OK;
	enum err e = introduction_drop(s, node);
	if (e == OK)
		e = finds(s, Q_ADMISSION_OF, node, &admitted);
	if (e == OK)
		e = get_standing(s, node, &p);
	if (e != OK || p.operators)
		return e;
	if (p.known)
		e = settle_known(s, node, &p, admitted, r);
	if (e == OK && admitted && (!p.known || name[0]))
		e = peer_admit(s, node, PEER_ADMITTED, true, name);
	return e == ERR_LIMIT ? OK : e; /* no room for one more peer; the admission is known all the same */
}

/* ---- what is another than the peers table was made of */

struct differing {
	struct id32 log, node, introducer;
	uint64_t seq;
	bool counts, ended;
	char name[LIMIT_NAME_BYTES + 1];
};

static enum err gather(struct store *s, struct array *all)
{
	struct query gone = q_start(s, Q_ADMISSIONS_GONE);
	while (q_row(&gone)) {
		struct differing *d = array_add(all, sizeof *d, &gone);
		if (!d)
			break;
		d->log = qc_id(&gone, 0);
		d->seq = qc_uint(&gone, 1);
		d->node = qc_id(&gone, 2);
	}
	enum err e = q_end(&gone);
	if (e != OK)
		return e;
	struct query new = q_start(s, Q_ADMISSIONS_NEW);
	while (q_row(&new)) {
		struct differing *d = array_add(all, sizeof *d, &new);
		if (!d)
			break;
		d->counts = true;
		d->log = qc_id(&new, 0);
		d->seq = qc_uint(&new, 1);
		d->node = qc_id(&new, 2);
		if (qc_slice(&new, 3).n)
			d->introducer = qc_id(&new, 3);
		qc_name(&new, 4, d->name);
		d->ended = qc_int(&new, 5) != 0;
	}
	return q_end(&new);
}

/* first: what a home of an older version acted on long ago; who joined by an invitation stays, which may be a later one. */
static enum err note(struct store *s, const struct differing *d, bool first)
{
	struct query put = q_start(s, d->counts ? Q_ADMISSION_PUT : Q_ADMISSION_GONE);
	q_id(&put, &d->log);
	q_uint(&put, d->seq);
	if (d->counts) {
		q_id(&put, &d->node);
		bind_id_or_null(&put, &d->introducer);
		q_int(&put, d->ended);
		q_int(&put, first && d->ended);
	}
	return q_done(&put);
}

static enum err settle(struct store *s, const struct store_req *q, bool first, struct store_res *r)
{
	struct array all = {0};
	enum err e = gather(s, &all);
	const struct differing *d = (const struct differing *)(const void *)all.b.p;
	r->r.flag = all.n > 0;
	r->r.ids = arena_alloc(&r->mem, all.n * sizeof *r->r.ids);
	if (e == OK && !r->r.ids)
		e = ERR_MEMORY;
	if (e == OK)
		store_touch(s);
	for (size_t i = 0; e == OK && i < all.n; i++)
		e = note(s, &d[i], first);
	for (size_t i = 0; e == OK && i < all.n; i++)
		e = settle_peer(s, q, &d[i].node, d[i].ended ? "" : d[i].name, r);
	buf_free(&all.b);
	if (e != OK)
		return e;
	struct query done = q_start(s, Q_ADMISSION_SETTLED);
	return q_done(&done);
}

enum err op_ADMISSION_SETTLE(struct store *s, const struct store_req *q, struct store_res *r)
{
	bool stale = false, first = false;
	enum err e = logs_flush(s);
	if (e == OK)
		e = find_stale(s, q, &stale, &first);
	return e == OK && stale ? settle(s, q, first, r) : e;
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
		if (qc_slice(&list, 3).n)
			a->introducer = qc_id(&list, 3);
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
