/* logs.c -- rows of the table log: read through a batch's own copy, so that each is written once a commit; where a log ends. */
#include "store/db.h"

static size_t slot_of(const struct store *s, const struct id32 *id)
{
	size_t slot = (size_t)be64_get(id->b) & (STORE_LOG_SLOTS - 1);
	while (s->log_slots[slot] && !id32_equal(&s->logs[s->log_slots[slot] - 1].pub.log, id))
		slot = (slot + 1) & (STORE_LOG_SLOTS - 1);
	return slot;
}

void logs_forget(struct store *s)
{
	if (s->logs_n == 0)
		return;
	memset(s->log_slots, 0, STORE_LOG_SLOTS * sizeof *s->log_slots);
	s->logs_n = 0;
}

static enum err write_row(struct store *s, const struct log_row *l)
{
	const struct store_log *p = &l->pub;
	struct query q = q_start(s, Q_LOG_SET);
	q_id(&q, &p->device_key);
	q_uint(&q, p->length);
	q_id(&q, &p->last);
	q_id(&q, &p->erased_sum);
	q_uint(&q, p->fork_seq1);
	q_int(&q, l->closed_length);
	q_id(&q, &l->closed_last);
	q_uint(&q, p->end);
	q_id(&q, &p->end_last);
	q_uint(&q, p->gaps);
	q_int(&q, p->own);
	q_uint(&q, p->held_from);
	if (p->change)
		q_uint(&q, p->change);
	else
		q_null(&q);
	q_int(&q, p->direct);
	q_uint(&q, p->bytes);
	q_uint(&q, l->side);
	q_int(&q, l->no);
	return q_done(&q);
}

enum err logs_flush(struct store *s)
{
	for (size_t i = 0; i < s->logs_n; i++) {
		if (!s->logs[i].dirty)
			continue;
		enum err e = write_row(s, &s->logs[i]);
		if (e != OK)
			return e;
		s->logs[i].dirty = false;
	}
	return OK;
}

void log_read_row(struct query *q, struct log_row *l)
{
	*l = (struct log_row){
		.no = qc_int(q, 0),
		.pub = {.log = qc_id(q, 1),
			.identity = qc_id(q, 2),
			.device_key = qc_id(q, 3),
			.length = qc_uint(q, 4),
			.last = qc_id(q, 5),
			.erased_sum = qc_id(q, 6),
			.fork_seq1 = qc_uint(q, 7),
			.end = qc_uint(q, 10),
			.end_last = qc_id(q, 11),
			.gaps = qc_uint(q, 12),
			.own = (enum own_state)qc_int(q, 13),
			.held_from = qc_uint(q, 14),
			.change = qc_uint(q, 15),
			.direct = qc_int(q, 16) != 0,
			.bytes = qc_uint(q, 17)},
		.closed_length = qc_int(q, 8),
		.closed_last = qc_id(q, 9),
		.side = qc_uint(q, 18),
	};
}

enum err log_get(struct store *s, const struct id32 *id, struct log_row **out)
{
	size_t slot = slot_of(s, id);
	if (s->log_slots[slot]) {
		*out = &s->logs[s->log_slots[slot] - 1];
		return OK;
	}
	if (s->logs_n == STORE_LOGS_MAX) {
		enum err e = logs_flush(s);
		if (e != OK)
			return e;
		logs_forget(s);
		slot = slot_of(s, id);
	}
	struct log_row *l = &s->logs[s->logs_n];
	struct query q = q_start(s, Q_LOG_GET);
	q_id(&q, id);
	bool found = q_row(&q);
	if (found)
		log_read_row(&q, l);
	enum err e = q_end(&q);
	if (e != OK || !found)
		return e != OK ? e : ERR_NOT_FOUND;
	s->log_slots[slot] = (uint16_t)++s->logs_n;
	*out = l;
	return OK;
}

enum err log_make(struct store *s, const struct id32 *id, const struct id32 *identity,
	const struct id32 *device_key, struct log_row **out)
{
	enum err e = log_get(s, id, out);
	if (e != ERR_NOT_FOUND)
		return e;
	store_touch(s);
	struct query q = q_start(s, Q_LOG_NEW);
	q_id(&q, id);
	q_id(&q, identity);
	q_id(&q, device_key);
	e = q_done(&q);
	return e == OK ? log_get(s, id, out) : e;
}

void log_dirty(struct store *s, struct log_row *l)
{
	store_touch(s);
	l->dirty = true;
}

void log_bump(struct store *s, struct log_row *l)
{
	log_dirty(s, l);
	l->pub.change = store_next_number(s);
}

enum err log_id_at(struct store *s, const struct log_row *l, uint64_t seq, struct id32 *out)
{
	if (seq >= l->pub.length)
		return ERR_NOT_FOUND;
	if (seq == l->pub.length - 1) {
		*out = l->pub.last;
		return OK;
	}
	/* The next header names it. */
	struct query q = q_start(s, Q_ENTRY_HEADER);
	q_int(&q, entry_key(l, seq + 1));
	bool found = q_row(&q);
	struct slice h = found ? qc_slice(&q, 0) : (struct slice){0};
	if (h.n == ENTRY_HEADER_BYTES)
		*out = id32_from(h.p + HEADER_PREV_AT);
	else if (q.e == OK)
		q.e = ERR_CORRUPT;
	return q_end(&q);
}

/* SPEC 4.4: "With a closing in force at length n and id i, the log is the chain of n entries whose last has id i, whatever forks are proven." */
enum err log_closing_met(struct store *s, const struct log_row *l, bool *met)
{
	*met = false;
	if (l->closed_length < 0 || l->pub.length < (uint64_t)l->closed_length)
		return OK;
	struct id32 id = {{0}};
	if (l->closed_length > 0) {
		enum err e = log_id_at(s, l, (uint64_t)l->closed_length - 1, &id);
		if (e != OK)
			return e;
	}
	*met = id32_equal(&id, &l->closed_last);
	return OK;
}

/* Does the proof of the lowest fork name this as the entry before it? */
static enum err fork_follows(struct store *s, const struct log_row *l, const struct id32 *id, bool *follows)
{
	struct query get = q_start(s, Q_FORK_GET);
	q_int(&get, l->no);
	struct slice headers = q_row(&get) ? qc_slice(&get, 1) : (struct slice){0};
	*follows = headers.n >= ENTRY_HEADER_BYTES && memcmp(headers.p + HEADER_PREV_AT, id->b, 32) == 0;
	return q_end(&get);
}

/* SPEC 4.4: "A node lists and serves no entry that it cannot show to be valid": back to the last whose signature is here. */
static enum err back_to_evidence(struct store *s, const struct log_row *l, uint64_t *end)
{
	struct id32 last;
	bool follows = false;
	if (*end == 0)
		return OK;
	enum err e = log_id_at(s, l, *end - 1, &last);
	if (e == OK && l->pub.fork_seq1 && *end == l->pub.fork_seq1 - 1)
		e = fork_follows(s, l, &last, &follows);
	if (e != OK || follows)
		return e;
	struct query get = q_start(s, Q_ENTRY_SIGNED);
	q_int(&get, entry_key(l, 0));
	q_int(&get, entry_key(l, *end));
	*end = q_row(&get) ? (qc_uint(&get, 0) & LIMIT_SEQ) + 1 : 0;
	return q_end(&get);
}

static enum err find_end(struct store *s, const struct log_row *l, uint64_t *end)
{
	bool met;
	enum err e = log_closing_met(s, l, &met);
	*end = met ? (uint64_t)l->closed_length : l->pub.length;
	if (e != OK || met)
		return e;
	/* SPEC 4.4: "Without a closing in force, a log *ends* before its lowest proven fork" -- and with one, until its chain is here. */
	if (l->pub.fork_seq1 && *end > l->pub.fork_seq1 - 1)
		*end = l->pub.fork_seq1 - 1;
	return back_to_evidence(s, l, end);
}

/* SPEC 10.3: "SUM of the ids of the erased entries below that length": those in [first, end) come in or go out. */
static enum err sum_erased(struct store *s, struct log_row *l, uint64_t first, uint64_t end, bool in)
{
	struct query list = q_start(s, Q_ENTRY_ERASED_KEYS);
	q_int(&list, entry_key(l, first));
	q_int(&list, entry_key(l, end));
	while (q_row(&list)) {
		struct id32 id;
		list.e = log_id_at(s, l, qc_uint(&list, 0) & LIMIT_SEQ, &id);
		if (list.e == OK && in)
			sum_add(&l->pub.erased_sum, &id);
		else if (list.e == OK)
			sum_sub(&l->pub.erased_sum, &id);
	}
	return q_end(&list);
}

enum err log_settle(struct store *s, struct log_row *l)
{
	uint64_t end, old = l->pub.end;
	struct id32 last = {{0}};
	enum err e = find_end(s, l, &end);
	if (e == OK && end > 0)
		e = log_id_at(s, l, end - 1, &last);
	if (e == OK && end > old)
		e = sum_erased(s, l, old, end, true);
	else if (e == OK && end < old)
		e = sum_erased(s, l, end, old, false);
	if (e != OK)
		return e;
	struct query q = q_start(s, Q_ENTRY_GAPS_COUNT);
	q_int(&q, entry_key(l, 0));
	q_int(&q, entry_key(l, end));
	uint64_t gaps = q_row(&q) ? qc_uint(&q, 0) : 0;
	e = q_end(&q);
	if (e != OK)
		return e;
	if (end != old || gaps != l->pub.gaps || !id32_equal(&last, &l->pub.end_last))
		log_dirty(s, l);
	if (end != old)
		e = admissions_stale(s);
	l->pub.end = end;
	l->pub.gaps = gaps;
	l->pub.end_last = last;
	return e;
}

enum err logs_collect(struct query *q, struct store_res *r)
{
	struct array logs = {0};
	while (q_row(q)) {
		struct store_log *l = array_add(&logs, sizeof *l, q);
		struct log_row row;
		log_read_row(q, &row);
		if (l)
			*l = row.pub;
	}
	r->r.n = logs.n;
	r->r.logs = array_give(&logs, &r->mem, q);
	return q_end(q);
}

enum err op_LOG_GET(struct store *s, const struct store_req *q, struct store_res *r)
{
	struct log_row *l;
	enum err e = log_get(s, &q->a.log, &l);
	if (e != OK)
		return e;
	r->r.logs = arena_alloc(&r->mem, sizeof *r->r.logs);
	if (!r->r.logs)
		return ERR_MEMORY;
	r->r.logs[0] = l->pub;
	r->r.n = 1;
	r->r.flag = true;
	if (!l->pub.direct)
		return OK;
	struct query has = q_start(s, Q_DIRECT_HAS);
	q_int(&has, l->no);
	q_id(&has, &q->a.node);
	r->r.flag = q_row(&has);
	return q_end(&has);
}

enum err op_LOG_LIST(struct store *s, const struct store_req *q, struct store_res *r)
{
	bool all = id32_is_zero(&q->a.identity);
	struct query list = q_start(s, all ? Q_LOG_LIST_ALL : Q_LOG_LIST);
	q_int(&list, q->a.flag);
	if (!all)
		q_id(&list, &q->a.identity);
	return logs_collect(&list, r);
}

enum err op_LOG_FIND(struct store *s, const struct store_req *q, struct store_res *r)
{
	if (q->a.bytes.n < 4 || q->a.bytes.n > 32)
		return ERR_RANGE;
	struct id32 low, high;
	memset(low.b, 0, 32);
	memset(high.b, 0xff, 32);
	memcpy(low.b, q->a.bytes.p, q->a.bytes.n);
	memcpy(high.b, q->a.bytes.p, q->a.bytes.n);
	struct query list = q_start(s, Q_LOG_FIND);
	q_id(&list, &low);
	q_id(&list, &high);
	return logs_collect(&list, r);
}
