/* changes.c -- change numbers: what a peer is told, from where, and which own logs wait. SPEC.md sections 10.2, 10.3 and 10.5. */
#include "store/db.h"

/* SPEC 10.2: "A cursor is good if its instance id is the node's present one, or a listed earlier one, and its number is not beyond the last number of that instance." */
enum err op_CURSOR_CHECK(struct store *s, const struct store_req *q, struct store_res *r)
{
	struct store_res now = {0};
	enum err e = op_NUMBER(s, q, &now);
	if (e != OK)
		return e;
	struct query get = q_start(s, Q_INSTANCE_GET);
	q_blob(&get, slice_of(q->a.instance, 16));
	if (q_row(&get)) {
		bool present = sqlite3_column_type(get.st, 0) == SQLITE_NULL;
		uint64_t last = present ? now.r.number : qc_uint(&get, 0);
		r->r.number = q->a.number <= last ? q->a.number : 0;
	}
	return q_end(&get);
}

void read_identity_row(struct query *q, struct store_row *row)
{
	*row = (struct store_row){.kind = 0,
		.number = qc_uint(q, 0),
		.identity = qc_id(q, 1),
		.count = qc_uint(q, 2),
		.sum = qc_id(q, 3)};
}

void read_log_row(struct query *q, struct store_row *row)
{
	*row = (struct store_row){
		.kind = 1,
		.number = qc_uint(q, 0),
		.log = qc_id(q, 1),
		.identity = qc_id(q, 2),
		.length = qc_uint(q, 3),
		.last = qc_id(q, 4),
		.sum = qc_id(q, 5),
		.fork_seq1 = qc_uint(q, 6),
		/* SPEC 10.5: "It lists no row of a log that it writes, and answers no request on it, until the peer's first listing" */
		.own_held = qc_int(q, 7) != OWN_NONE && qc_uint(q, 8) < qc_uint(q, 9),
		.whole = qc_uint(q, 10) == 0,
		.direct = qc_int(q, 11) != 0,
	};
}

static struct query start_scan(struct store *s, enum query_name name, const struct store_req *q)
{
	struct query scan = q_start(s, name);
	q_uint(&scan, q->a.number);
	q_id(&scan, &q->a.node);
	q_id(&scan, &q->a.id);
	return scan;
}

/* Merges both scans, each ascending, into rows until max; *more: something is left. */
static enum err merge(
	struct query *identities, struct query *logs, size_t max, struct array *rows, bool *more)
{
	bool i = q_row(identities), l = q_row(logs);
	while ((i || l) && rows->n < max && identities->e == OK && logs->e == OK) {
		struct store_row *row = array_add(rows, sizeof *row, identities);
		if (!row)
			break;
		if (i && (!l || qc_int(identities, 0) < qc_int(logs, 0))) {
			read_identity_row(identities, row);
			i = q_row(identities);
		} else {
			read_log_row(logs, row);
			l = q_row(logs);
		}
	}
	*more = i || l;
	return identities->e != OK ? identities->e : logs->e;
}

enum err op_CHANGES(struct store *s, const struct store_req *q, struct store_res *r)
{
	struct store_res now = {0};
	enum err e = op_NUMBER(s, q, &now);
	if (e != OK)
		return e;
	struct query peer = q_start(s, Q_PEER_GET);
	q_id(&peer, &q->a.node);
	/* SPEC 10.3: "until it has the answer it lists nothing" */
	bool known = q_row(&peer) && qc_int(&peer, 7) != 0;
	e = q_end(&peer);
	if (e != OK)
		return e;
	r->r.number = q->a.number;
	if (!known)
		return OK;
	size_t max = q->a.max && q->a.max < LIMIT_CHANGES_ROWS ? (size_t)q->a.max : LIMIT_CHANGES_ROWS;
	struct query identities = start_scan(s, Q_CHANGES_IDENTITIES, q);
	struct query logs = start_scan(s, Q_CHANGES_LOGS, q);
	struct array rows = {0};
	e = merge(&identities, &logs, max, &rows, &r->r.more);
	identities.e = e;
	r->r.n = rows.n;
	r->r.rows = array_give(&rows, &r->mem, &identities);
	e = q_end(&identities);
	enum err e2 = q_end(&logs);
	if (e != OK || e2 != OK)
		return e != OK ? e : e2;
	r->r.number = r->r.more ? r->r.rows[r->r.n - 1].number : now.r.number;
	return OK;
}

static enum err keys_move_up(struct store *s, const struct id32 *identity)
{
	struct query get = q_start(s, Q_IDENTITY_GET);
	q_id(&get, identity);
	int64_t no = q_row(&get) && qc_int(&get, 5) > 0 ? qc_int(&get, 0) : 0;
	enum err e = q_end(&get);
	if (e != OK || no == 0)
		return e;
	struct query set = q_start(s, Q_IDENTITY_CHANGE);
	q_uint(&set, store_next_number(s));
	q_int(&set, no);
	return q_done(&set);
}

enum err logs_move_up(struct store *s, const struct id32 *identity, bool keys)
{
	enum err e = logs_flush(s);
	logs_forget(s);
	if (e == OK && keys)
		e = keys_move_up(s, identity);
	if (e != OK)
		return e;
	struct query logs = q_start(s, Q_LOG_CHANGED);
	q_id(&logs, identity);
	struct array nos = {0};
	while (q_row(&logs)) {
		int64_t *item = array_add(&nos, sizeof *item, &logs);
		if (item)
			*item = qc_int(&logs, 0);
	}
	e = q_end(&logs);
	for (size_t i = 0; e == OK && i < nos.n; i++) {
		int64_t log;
		memcpy(&log, nos.b.p + i * sizeof log, sizeof log);
		struct query set = q_start(s, Q_LOG_CHANGE);
		q_uint(&set, store_next_number(s));
		q_int(&set, log);
		e = q_done(&set);
	}
	buf_free(&nos.b);
	return e;
}

enum err own_hold(struct store *s)
{
	enum err e = logs_flush(s);
	if (e != OK)
		return e;
	logs_forget(s);
	store_touch(s);
	struct query q = q_start(s, Q_LOG_HOLD_ALL);
	return q_done(&q);
}

enum err op_OWN_HOLD(struct store *s, const struct store_req *q, struct store_res *r)
{
	(void)q;
	(void)r;
	return own_hold(s);
}

enum err op_OWN_PUT(struct store *s, const struct store_req *q, struct store_res *r)
{
	(void)r;
	struct log_row *l;
	enum err e = log_make(s, &q->a.log, &q->a.identity, &q->a.device_key, &l);
	if (e != OK)
		return e;
	if (l->pub.own == OWN_RETIRED && q->a.own == OWN_ACTIVE)
		return ERR_STATE; /* never append again */
	if (q->a.own == OWN_ACTIVE && l->pub.own != OWN_ACTIVE)
		l->pub.held_from = l->pub.length;
	log_dirty(s, l);
	l->pub.own = q->a.own;
	return OK;
}

enum err op_OWN_RELEASE(struct store *s, const struct store_req *q, struct store_res *r)
{
	(void)r;
	struct log_row *l;
	enum err e = log_get(s, &q->a.log, &l);
	if (e != OK)
		return e;
	log_dirty(s, l);
	l->pub.held_from = UINT64_MAX;
	return OK;
}
