/* side.c -- entries that lie behind a fork, or that an old state of this node wrote: kept, not counted. SPEC.md sections 4.4 and 10.5. */
#include "store/db.h"

static enum err move_pins(struct store *s, int64_t from, int64_t to)
{
	struct query move = q_start(s, Q_PIN_MOVE);
	q_int(&move, to);
	q_int(&move, from);
	return q_done(&move);
}

enum err side_set_body(struct store *s, int64_t no, int64_t kind, struct slice body)
{
	struct query set = q_start(s, Q_SIDE_BODY);
	q_int(&set, kind);
	q_blob_or_null(&set, body);
	q_int(&set, no);
	return q_done(&set);
}

enum err side_mend(struct store *s, int64_t no, struct slice sig, struct slice envelope)
{
	struct query mend = q_start(s, Q_SIDE_MEND);
	q_blob_or_null(&mend, sig);
	q_blob_or_null(&mend, envelope);
	q_int(&mend, no);
	return q_done(&mend);
}

enum err side_find(struct store *s, const struct log_row *l, uint64_t seq, const struct id32 *id, int64_t *no)
{
	struct query has = q_start(s, Q_SIDE_HAS);
	q_int(&has, l->no);
	q_uint(&has, seq);
	q_id(&has, id);
	*no = q_row(&has) ? qc_int(&has, 0) : 0;
	return q_end(&has);
}

/* Writes the entry that `get` stands on to the side table. It may be there from an earlier time. */
static enum err put_row(struct store *s, struct log_row *l, uint64_t seq, const struct id32 *id, bool again,
	struct query *get, int64_t *no)
{
	enum err e = side_find(s, l, seq, id, no);
	if (e != OK)
		return e;
	if (*no) {
		struct query mark = q_start(s, Q_SIDE_AGAIN);
		q_int(&mark, again);
		q_int(&mark, *no);
		e = q_done(&mark);
		if (e == OK)
			e = side_mend(s, *no, qc_slice(get, 3), qc_slice(get, 4));
		return e == OK && qc_int(get, 1) != 3
			? side_set_body(s, *no, qc_int(get, 1), qc_slice(get, 5))
			: e;
	}
	struct query put = q_start(s, Q_SIDE_PUT);
	q_int(&put, l->no);
	q_uint(&put, seq);
	q_id(&put, id);
	q_int(&put, qc_int(get, 1));
	q_int(&put, again);
	q_blob(&put, qc_slice(get, 2));
	q_blob_or_null(&put, qc_slice(get, 3));
	q_blob_or_null(&put, qc_slice(get, 4));
	q_blob_or_null(&put, qc_slice(get, 5));
	e = q_done(&put);
	*no = sqlite3_last_insert_rowid(s->db);
	l->side++;
	return e;
}

static enum err take_one(struct store *s, struct log_row *l, uint64_t seq, bool again)
{
	struct id32 id;
	int64_t no = 0;
	enum err e = log_id_at(s, l, seq, &id);
	if (e != OK)
		return e;
	struct query get = q_start(s, Q_ENTRY_GET);
	q_int(&get, entry_key(l, seq));
	if (q_row(&get)) {
		if (qc_int(&get, 1) == 1)
			l->pub.bytes -= qc_slice(&get, 5).n;
		if (qc_int(&get, 1) == 2 && seq < l->pub.end)
			sum_sub(&l->pub.erased_sum, &id);
		e = put_row(s, l, seq, &id, again, &get, &no);
	} else if (get.e == OK) {
		get.e = ERR_CORRUPT;
	}
	enum err ended = q_end(&get);
	if (e == OK)
		e = ended;
	return e == OK ? move_pins(s, entry_key(l, seq), -no) : e;
}

static enum err drop_entry(struct store *s, const struct log_row *l, uint64_t seq)
{
	struct query drop = q_start(s, Q_ENTRY_DROP);
	q_int(&drop, entry_key(l, seq));
	return q_done(&drop);
}

enum err side_take(struct store *s, struct log_row *l, uint64_t first, bool again, uint64_t *count)
{
	*count = 0;
	if (first >= l->pub.length)
		return OK;
	struct id32 last = {{0}};
	enum err e = first > 0 ? log_id_at(s, l, first - 1, &last) : OK;
	if (e != OK)
		return e;
	log_dirty(s, l);
	for (uint64_t seq = first; e == OK && seq < l->pub.length; seq++)
		e = take_one(s, l, seq, again);
	for (uint64_t seq = first; e == OK && seq < l->pub.length; seq++)
		e = drop_entry(s, l, seq);
	if (e == OK)
		e = facts_drop(s, &l->pub.log, first, l->pub.length);
	*count = l->pub.length - first;
	l->pub.length = first;
	l->pub.last = last;
	if (l->pub.end > first)
		l->pub.end = first;
	/* What was held is gone. A log that is still written holds what comes; to another one only peers bring any. */
	if (l->pub.held_from != UINT64_MAX && l->pub.held_from >= first)
		l->pub.held_from = l->pub.own == OWN_ACTIVE ? first : UINT64_MAX;
	return e;
}

enum err side_step_back(
	struct store *s, const struct log_row *l, uint64_t seq, struct id32 *id, int64_t *no, uint8_t *header)
{
	struct query at = q_start(s, Q_SIDE_AT);
	q_int(&at, l->no);
	q_uint(&at, seq);
	*no = 0;
	while (*no == 0 && q_row(&at)) {
		struct id32 here = qc_id(&at, 1);
		struct slice h = qc_slice(&at, 3);
		if (!id32_equal(&here, id) || h.n != ENTRY_HEADER_BYTES)
			continue;
		*no = qc_int(&at, 0);
		*id = id32_from(h.p + HEADER_PREV_AT);
		if (header)
			memcpy(header, h.p, h.n);
	}
	return q_end(&at);
}

/* Of what was kept only to show another entry, the envelope need not be here. */
static enum err lacks_envelope(struct store *s, int64_t no, bool *lacks)
{
	static const uint8_t none[32];
	struct query get = q_start(s, Q_SIDE_NO);
	q_int(&get, no);
	bool found = q_row(&get);
	struct slice header = found ? qc_slice(&get, 1) : (struct slice){0};
	*lacks = header.n == ENTRY_HEADER_BYTES && qc_slice(&get, 2).n == 0 &&
		memcmp(header.p + HEADER_ENVELOPE_AT, none, sizeof none) != 0;
	return q_end(&get);
}

/* The chain of side rows from the closing's entry back to one that the log holds, as row numbers, last first; *join is the seq where it begins.
 * Empty if it is not whole. */
static enum err find_chain(struct store *s, const struct log_row *l, struct array *nos, uint64_t *join)
{
	struct id32 id = l->closed_last, held = {{0}};
	uint64_t seq = (uint64_t)l->closed_length;
	struct query none = {.s = s};
	for (; seq > 0; seq--) {
		int64_t no = 0;
		bool lacks = false;
		enum err e = seq <= l->pub.length ? log_id_at(s, l, seq - 1, &held) : OK;
		if (e == OK && seq <= l->pub.length && id32_equal(&held, &id))
			break;
		if (e == OK)
			e = side_step_back(s, l, seq - 1, &id, &no, NULL);
		if (e == OK && no)
			e = lacks_envelope(s, no, &lacks);
		if (e != OK)
			return e;
		int64_t *add = no && !lacks ? array_add(nos, sizeof *add, &none) : NULL;
		if (!add) {
			nos->n = 0;
			return none.e;
		}
		*add = no;
	}
	*join = seq;
	return OK;
}

static enum err restore_facts(struct store *s, const struct log_row *l, const struct id32 *id,
	struct slice header, struct slice body)
{
	return header.n == ENTRY_HEADER_BYTES ? facts_make_entry(s, l, l->pub.length, id, header.p, body)
					      : ERR_CORRUPT;
}

static enum err restore_one(struct store *s, struct log_row *l, int64_t no)
{
	struct query at = q_start(s, Q_SIDE_AT);
	q_int(&at, l->no);
	q_uint(&at, l->pub.length);
	while (q_row(&at) && qc_int(&at, 0) != no)
		;
	enum err e = at.e;
	if (e == OK) {
		int64_t kind = qc_int(&at, 2);
		struct id32 id = qc_id(&at, 1);
		struct query put = q_start(s, Q_ENTRY_PUT);
		q_int(&put, entry_key(l, l->pub.length));
		q_int(&put, kind);
		for (int column = 3; column <= 6; column++)
			q_blob_or_null(&put, qc_slice(&at, column));
		e = q_done(&put);
		if (kind == 1)
			l->pub.bytes += qc_slice(&at, 6).n;
		if (e == OK && kind == 1)
			e = restore_facts(s, l, &id, qc_slice(&at, 3), qc_slice(&at, 6));
		l->pub.last = id;
	}
	enum err ended = q_end(&at);
	if (e == OK && ended == OK)
		e = move_pins(s, -no, entry_key(l, l->pub.length));
	if (e != OK || ended != OK)
		return e != OK ? e : ended;
	struct query drop = q_start(s, Q_SIDE_DROP);
	q_int(&drop, no);
	l->pub.length++;
	l->side--;
	return q_done(&drop);
}

static enum err restore(struct store *s, struct log_row *l)
{
	uint64_t join = 0, count;
	if (!l->side)
		return OK;
	struct array nos = {0};
	enum err e = find_chain(s, l, &nos, &join);
	if (nos.n)
		log_dirty(s, l);
	if (e == OK && nos.n)
		e = side_take(s, l, join, false, &count);
	for (size_t i = nos.n; e == OK && i-- > 0;) {
		int64_t no;
		memcpy(&no, nos.b.p + i * sizeof no, sizeof no);
		e = restore_one(s, l, no);
	}
	buf_free(&nos.b);
	return e;
}

enum err side_arrange(struct store *s, struct log_row *l)
{
	bool met;
	uint64_t count;
	enum err e = l->closed_length >= 0 ? restore(s, l) : OK;
	if (e == OK)
		e = log_closing_met(s, l, &met);
	if (e != OK || met || !l->pub.fork_seq1)
		return e;
	return side_take(s, l, l->pub.fork_seq1 - 1, false, &count);
}

enum err side_statement(struct store *s, const struct log_row *l, uint64_t seq, const uint8_t *header,
	struct arena *mem, struct slice *out)
{
	bool found = false;
	struct query at = q_start(s, Q_SIDE_AT);
	q_int(&at, l->no);
	q_uint(&at, seq);
	while (!found && q_row(&at)) {
		found = qc_int(&at, 2) == 2 &&
			slice_equal(qc_slice(&at, 3), slice_of(header, ENTRY_HEADER_BYTES));
		if (found)
			*out = qc_copy(&at, 6, mem);
	}
	enum err e = q_end(&at);
	return e == OK && !found ? ERR_NOT_FOUND : e;
}

enum err side_erase(struct store *s, const struct store_req *q, struct log_row *l, struct store_res *r)
{
	struct query get = q_start(s, Q_SIDE_GET);
	q_int(&get, l->no);
	q_uint(&get, q->a.seq);
	q_id(&get, &q->a.id);
	int64_t no = q_row(&get) ? qc_int(&get, 0) : 0;
	int64_t kind = no ? qc_int(&get, 1) : 0;
	enum err e = q_end(&get);
	if (e == OK && no == 0)
		e = ERR_NOT_FOUND;
	if (e == OK && kind == 2)
		e = ERR_EXISTS;
	if (e != OK)
		return e;
	store_touch(s);
	s->wipe = true;
	e = side_set_body(s, no, 2, q->a.bytes);
	r->r.number = s->number;
	return e == OK ? pins_drop(s, -no, r) : e;
}

enum err op_SIDE_MOVE(struct store *s, const struct store_req *q, struct store_res *r)
{
	struct log_row *l;
	enum err e = log_get(s, &q->a.log, &l);
	if (e != OK || q->a.first >= l->pub.length)
		return e;
	if (!id32_is_zero(&q->a.id) && !id32_equal(&q->a.id, &l->pub.last))
		return ERR_CHAIN;
	e = side_take(s, l, q->a.first, q->a.flag, &r->r.count);
	if (e == OK)
		e = log_settle(s, l);
	log_bump(s, l);
	r->r.number = l->pub.change;
	return e;
}

enum err op_SIDE_LIST(struct store *s, const struct store_req *q, struct store_res *r)
{
	struct array parts = {0}, ids = {0}, seqs = {0};
	struct query list = q_start(s, Q_SIDE_LIST);
	q_id(&list, &q->a.identity);
	q_int(&list,
		q->a.max && q->a.max < LIMIT_WANT_RUN_ENTRIES ? (int64_t)q->a.max : LIMIT_WANT_RUN_ENTRIES);
	while (q_row(&list)) {
		struct store_part *p = array_add(&parts, sizeof *p, &list);
		struct id32 *id = array_add(&ids, sizeof *id, &list);
		uint64_t *seq = array_add(&seqs, sizeof *seq, &list);
		if (!p || !id || !seq)
			break;
		*id = qc_id(&list, 0);
		*seq = qc_uint(&list, 1);
		p->kind = (uint8_t)qc_int(&list, 2);
		p->header = qc_copy(&list, 3, &r->mem).p;
		p->envelope = qc_copy(&list, 4, &r->mem);
		p->bytes = qc_copy(&list, 5, &r->mem);
	}
	r->r.n = parts.n;
	r->r.parts = array_give(&parts, &r->mem, &list);
	r->r.ids = array_give(&ids, &r->mem, &list);
	r->r.seqs = array_give(&seqs, &r->mem, &list);
	return q_end(&list);
}

enum err op_SIDE_DONE(struct store *s, const struct store_req *q, struct store_res *r)
{
	(void)r;
	struct log_row *l;
	int64_t no = 0;
	enum err e = log_get(s, &q->a.log, &l);
	if (e == OK)
		e = side_find(s, l, q->a.seq, &q->a.id, &no);
	if (e != OK || no == 0)
		return e != OK ? e : ERR_NOT_FOUND;
	store_touch(s);
	struct query done = q_start(s, Q_SIDE_DONE);
	q_int(&done, no);
	return q_done(&done);
}
