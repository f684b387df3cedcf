/* identities.c -- key events, kept as the whole set in the order they are sent, and the device logs they name. SPEC.md section 3. */
#include "store/db.h"

struct identity_row {
	int64_t no;
	uint8_t kind;
	struct id32 root_key, sum;
	uint64_t count, change;
};

static enum err get_identity(struct store *s, const struct id32 *id, struct identity_row *out)
{
	*out = (struct identity_row){0};
	struct query q = q_start(s, Q_IDENTITY_GET);
	q_id(&q, id);
	bool found = q_row(&q);
	if (found)
		*out = (struct identity_row){
			.no = qc_int(&q, 0),
			.kind = (uint8_t)qc_int(&q, 1),
			.root_key = qc_id(&q, 2),
			.count = qc_uint(&q, 3),
			.sum = qc_id(&q, 4),
			.change = qc_uint(&q, 5),
		};
	enum err e = q_end(&q);
	return e == OK && !found ? ERR_NOT_FOUND : e;
}

enum err op_IDENTITY_GET(struct store *s, const struct store_req *q, struct store_res *r)
{
	struct identity_row row;
	enum err e = get_identity(s, &q->a.identity, &row);
	if (e != OK)
		return e;
	struct array events = {0};
	struct query list = q_start(s, Q_KEYEVENTS);
	q_int(&list, row.no);
	while (q_row(&list)) {
		struct store_keyevent *event = array_add(&events, sizeof *event, &list);
		if (!event)
			break;
		event->id = qc_id(&list, 0);
		event->bytes = qc_copy(&list, 1, &r->mem);
		event->signatures = qc_copy(&list, 2, &r->mem);
	}
	r->r.identity = q->a.identity;
	r->r.identity_kind = row.kind;
	r->r.number = row.change;
	r->r.n = events.n;
	r->r.events = array_give(&events, &r->mem, &list);
	return q_end(&list);
}

enum err op_IDENTITY_FIND(struct store *s, const struct store_req *q, struct store_res *r)
{
	struct query find = q_start(s, Q_IDENTITY_FIND);
	q_id(&find, &q->a.id);
	bool found = q_row(&find);
	if (found)
		r->r.identity = qc_id(&find, 0);
	enum err e = q_end(&find);
	return e == OK && !found ? ERR_NOT_FOUND : e;
}

enum err op_IDENTITY_LIST(struct store *s, const struct store_req *q, struct store_res *r)
{
	struct array ids = {0}, kinds = {0};
	struct query list = q_start(s, Q_IDENTITY_LIST);
	while (q_row(&list)) {
		struct id32 *id = array_add(&ids, sizeof *id, &list);
		uint8_t *kind = array_add(&kinds, 1, &list);
		if (id && kind) {
			*id = qc_id(&list, 0);
			*kind = (uint8_t)qc_int(&list, 1);
		}
	}
	size_t n = ids.n;
	r->r.n = n;
	r->r.ids = array_give(&ids, &r->mem, &list);
	r->r.bytes = slice_of(array_give(&kinds, &r->mem, &list), n);
	enum err e = q_end(&list);
	return e == OK ? op_NUMBER(s, q, r) : e;
}

/* How many of the stored events stand, in this order, at the beginning of the new set: those stay. */
static enum err common_beginning(
	struct store *s, int64_t no, const struct store_req *q, size_t *common, bool *same)
{
	size_t n = 0, rows = 0;
	struct query list = q_start(s, Q_KEYEVENT_IDS);
	q_int(&list, no);
	while (q_row(&list)) {
		struct id32 id = qc_id(&list, 0);
		if (n == rows && n < q->a.events_n && id32_equal(&id, &q->a.events[n].id))
			n++;
		rows++;
	}
	*common = n;
	*same = n == rows && n == q->a.events_n;
	return q_end(&list);
}

static enum err put_events(struct store *s, int64_t no, const struct store_req *q, bool *same)
{
	size_t common;
	enum err e = common_beginning(s, no, q, &common, same);
	if (e != OK || *same)
		return e;
	store_touch(s);
	struct query cut = q_start(s, Q_KEYEVENTS_CUT);
	q_int(&cut, no);
	q_uint(&cut, common);
	e = q_done(&cut);
	for (size_t i = common; e == OK && i < q->a.events_n; i++) {
		struct query put = q_start(s, Q_KEYEVENT_PUT);
		q_int(&put, no);
		q_uint(&put, i);
		q_id(&put, &q->a.events[i].id);
		q_blob(&put, q->a.events[i].bytes);
		q_blob(&put, q->a.events[i].signatures);
		e = q_done(&put);
	}
	return e;
}

static enum err direct_same(
	struct store *s, const struct log_row *l, const struct store_device *d, bool *same)
{
	size_t i = 0;
	bool equal = l->pub.direct == d->direct;
	struct query list = q_start(s, Q_DIRECT_LIST);
	q_int(&list, l->no);
	while (q_row(&list)) {
		struct id32 node = qc_id(&list, 0);
		equal = equal && i < d->direct_n && id32_equal(&node, &d->direct_nodes[i]);
		i++;
	}
	*same = equal && i == d->direct_n;
	return q_end(&list);
}

static enum err put_direct(struct store *s, struct log_row *l, const struct store_device *d)
{
	log_dirty(s, l);
	l->pub.direct = d->direct;
	struct query drop = q_start(s, Q_DIRECT_DROP);
	q_int(&drop, l->no);
	enum err e = q_done(&drop);
	for (size_t i = 0; e == OK && i < d->direct_n; i++) {
		struct query put = q_start(s, Q_DIRECT_PUT);
		q_int(&put, l->no);
		q_id(&put, &d->direct_nodes[i]);
		e = q_done(&put);
	}
	return e;
}

static enum err put_device(struct store *s, const struct store_req *q, const struct store_device *d)
{
	struct log_row *l;
	enum err e = log_make(s, &d->log, &q->a.identity, &d->device_key, &l);
	if (e != OK)
		return e;
	const struct log_row old = *l;
	int64_t closed_length = d->closed ? (int64_t)d->closed_length : -1;
	struct id32 closed_last = d->closed ? d->closed_last : (struct id32){{0}};
	bool same_direct;
	e = direct_same(s, l, d, &same_direct);
	if (e == OK && !same_direct)
		e = put_direct(s, l, d);
	if (e != OK)
		return e;
	if (!id32_equal(&l->pub.device_key, &d->device_key)) {
		log_dirty(s, l);
		l->pub.device_key = d->device_key;
	}
	if (l->closed_length != closed_length || !id32_equal(&l->closed_last, &closed_last)) {
		log_dirty(s, l);
		l->closed_length = closed_length;
		l->closed_last = closed_last;
		e = side_arrange(s, l);
		if (e == OK)
			e = admissions_stale(s);
	}
	if (e == OK)
		e = log_settle(s, l);
	bool moved = !same_direct || old.pub.end != l->pub.end ||
		!id32_equal(&old.pub.end_last, &l->pub.end_last);
	/* A log of which nothing was ever here has no number, and is listed to nobody. */
	if (e == OK && moved && (l->pub.change || l->pub.length))
		log_bump(s, l);
	return e;
}

static enum err put_identity(struct store *s, const struct store_req *q, struct identity_row *row, bool same)
{
	bool listed = same && row->count == q->a.count && id32_equal(&row->sum, &q->a.sum) &&
		row->kind == q->a.identity_kind;
	if (listed && row->change && id32_equal(&row->root_key, &q->a.root_key))
		return OK;
	if (!listed || !row->change)
		row->change = store_next_number(s);
	store_touch(s);
	struct query set = q_start(s, Q_IDENTITY_SET);
	q_int(&set, q->a.identity_kind);
	q_id(&set, &q->a.root_key);
	q_uint(&set, q->a.count);
	q_id(&set, &q->a.sum);
	q_uint(&set, row->change);
	q_int(&set, row->no);
	return q_done(&set);
}

enum err op_IDENTITY_PUT(struct store *s, const struct store_req *q, struct store_res *r)
{
	if (q->a.events_n > LIMIT_KEYEVENTS)
		return ERR_LIMIT;
	for (size_t i = 0; i < q->a.devices_n; i++) {
		if (q->a.devices[i].direct_n > LIMIT_DIRECT || q->a.devices[i].closed_length > LIMIT_SEQ + 1)
			return ERR_RANGE;
	}
	struct identity_row row;
	enum err e = get_identity(s, &q->a.identity, &row);
	if (e == ERR_NOT_FOUND) {
		store_touch(s);
		struct query new = q_start(s, Q_IDENTITY_NEW);
		q_id(&new, &q->a.identity);
		q_int(&new, q->a.identity_kind);
		q_id(&new, &q->a.root_key);
		e = q_done(&new);
		if (e == OK)
			e = get_identity(s, &q->a.identity, &row);
	}
	bool same = false;
	if (e == OK)
		e = put_events(s, row.no, q, &same);
	if (e == OK)
		e = put_identity(s, q, &row, same);
	for (size_t i = 0; e == OK && i < q->a.devices_n; i++)
		e = put_device(s, q, &q->a.devices[i]);
	/* SPEC 10.3: "New key events of an identity move the rows of its logs up too." */
	if (e == OK && !same)
		e = logs_move_up(s, &q->a.identity, false);
	r->r.number = s->number;
	return e;
}
