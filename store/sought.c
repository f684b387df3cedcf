/* sought.c -- entries behind the end of a log that something which counts names: given by id, and kept aside. SPEC.md sections 4.4 and 10.10. */
#include "store/db.h"

/* Can no run bring it? Where a closing or a fork ends the log, what lies at or behind that seq, or along another branch. */
static enum err lies_behind(
	struct store *s, const struct log_row *l, uint64_t seq, const struct id32 *id, bool *behind)
{
	struct id32 here;
	*behind = false;
	if (l->closed_length < 0 && !l->pub.fork_seq1)
		return OK;
	uint64_t end = l->closed_length >= 0 ? (uint64_t)l->closed_length : l->pub.fork_seq1 - 1;
	enum err e = seq < end ? log_id_at(s, l, seq, &here) : OK;
	*behind = e == OK && (seq >= end || !id32_equal(&here, id));
	return e == ERR_NOT_FOUND ? OK : e;
}

/* What shows a side row: the headers from it up to a signature that lies aside too. */
static enum err show_side(
	struct store *s, const struct log_row *l, uint64_t seq, const struct id32 *id, struct store_res *r)
{
	uint64_t end = (seq | (uint64_t)(LIMIT_RUN_ENTRIES - 1)) + 1;
	uint8_t *headers = arena_alloc(&r->mem, (size_t)(end - seq) * ENTRY_HEADER_BYTES);
	if (!headers)
		return ERR_MEMORY;
	struct query list = q_start(s, Q_SIDE_SIGNED);
	q_int(&list, l->no);
	q_uint(&list, seq);
	q_uint(&list, end);
	while (!r->r.sig.n && q_row(&list)) {
		uint64_t last = qc_uint(&list, 0), at = last;
		struct id32 now = qc_id(&list, 1);
		int64_t no = 1;
		for (; no && list.e == OK && at > seq; at--)
			list.e = side_step_back(
				s, l, at, &now, &no, headers + (at - seq) * ENTRY_HEADER_BYTES);
		if (list.e != OK || !no || !id32_equal(&now, id))
			continue;
		r->r.sig = qc_copy(&list, 2, &r->mem);
		r->r.bytes = slice_of(headers, (size_t)(last + 1 - seq) * ENTRY_HEADER_BYTES);
	}
	enum err e = q_end(&list);
	if (r->r.bytes.n)
		memcpy(headers, r->r.parts[0].header, ENTRY_HEADER_BYTES);
	return e;
}

/* columns: kind, header, envelope, body. */
static enum err give_part(struct query *q, int kind, struct store_res *r)
{
	struct store_part *p = arena_alloc(&r->mem, sizeof *p);
	if (!p)
		return ERR_MEMORY;
	*p = (struct store_part){.kind = (uint8_t)qc_int(q, kind), .header = qc_copy(q, kind + 1, &r->mem).p};
	if (qc_slice(q, kind + 1).n != ENTRY_HEADER_BYTES)
		return ERR_CORRUPT;
	/* Of an entry of the log a signature stands between. */
	p->envelope = qc_copy(q, kind == 1 ? 4 : 2, &r->mem);
	p->bytes = qc_copy(q, kind == 1 ? 5 : 3, &r->mem);
	r->r.parts = p;
	return p->header ? OK : ERR_MEMORY;
}

static enum err of_the_log(struct store *s, const struct log_row *l, uint64_t seq, struct store_res *r)
{
	struct query get = q_start(s, Q_ENTRY_GET);
	q_int(&get, entry_key(l, seq));
	if (q_row(&get) && get.e == OK)
		get.e = give_part(&get, 1, r);
	else if (get.e == OK)
		get.e = ERR_CORRUPT;
	enum err e = q_end(&get);
	if (e == OK)
		e = evidence_from(s, l, seq, r);
	if (e == ERR_NOT_FOUND)
		r->r.bytes = r->r.sig = (struct slice){0};
	return e == ERR_NOT_FOUND ? OK : e;
}

static enum err of_the_side(
	struct store *s, const struct log_row *l, uint64_t seq, const struct id32 *id, struct store_res *r)
{
	int64_t no;
	enum err e = side_find(s, l, seq, id, &no);
	if (e != OK || !no)
		return e;
	struct query get = q_start(s, Q_SIDE_NO);
	q_int(&get, no);
	if (q_row(&get) && get.e == OK)
		get.e = give_part(&get, 0, r);
	e = q_end(&get);
	return e == OK && r->r.parts ? show_side(s, l, seq, id, r) : e;
}

static enum err in_chain(
	struct store *s, const struct log_row *l, uint64_t seq, const struct id32 *id, bool *in)
{
	struct id32 here = {{0}};
	enum err e = log_id_at(s, l, seq, &here);
	*in = e == OK && id32_equal(&here, id);
	return e == ERR_NOT_FOUND ? OK : e;
}

enum err op_SOUGHT_GET(struct store *s, const struct store_req *q, struct store_res *r)
{
	struct log_row *l;
	bool in = false;
	enum err e = op_LOG_GET(s, q, r);
	if (e == OK)
		e = log_get(s, &q->a.log, &l);
	if (e == OK)
		e = lies_behind(s, l, q->a.seq, &q->a.id, &r->r.more);
	if (e == OK)
		e = in_chain(s, l, q->a.seq, &q->a.id, &in);
	if (e != OK)
		return e;
	return in ? of_the_log(s, l, q->a.seq, r) : of_the_side(s, l, q->a.seq, &q->a.id, r);
}

/* ---- keeping */

static enum err put_row(struct store *s, struct log_row *l, uint64_t seq, const struct id32 *id,
	const struct store_part *p, struct slice sig)
{
	struct query put = q_start(s, Q_SIDE_PUT);
	q_int(&put, l->no);
	q_uint(&put, seq);
	q_id(&put, id);
	q_int(&put, p->kind);
	q_int(&put, 0);
	q_blob(&put, slice_of(p->header, ENTRY_HEADER_BYTES));
	q_blob_or_null(&put, sig);
	q_blob_or_null(&put, p->envelope);
	q_blob_or_null(&put, p->kind == 3 ? (struct slice){0} : p->bytes);
	enum err e = q_done(&put);
	int64_t no = sqlite3_last_insert_rowid(s->db);
	l->side++;
	return e == OK && p->kind == 1 ? pins_of_envelope(s, &l->pub.identity, -no, p->envelope) : e;
}

/* The chain holds the entry, behind what counts, and lacks its body. */
static enum err fill(struct store *s, const struct store_req *q, const struct id32 *id,
	const struct store_part *p, struct store_res *r)
{
	struct store_req put = {.a.log = q->a.log, .a.seq = q->a.first, .a.id = *id, .a.bytes = p->bytes};
	return p->kind == 1 ? op_BODY_PUT(s, &put, r) : p->kind == 2 ? op_ERASED_PUT(s, &put, r) : ERR_RANGE;
}

/* One header of the run, and of the first what belongs to it. */
static enum err keep(
	struct store *s, const struct store_req *q, struct log_row *l, size_t i, struct store_res *r)
{
	struct store_part p = q->a.parts[i];
	const uint64_t seq = q->a.first + i;
	const struct id32 id = i + 1 < q->a.n ? id32_from(q->a.parts[i + 1].header + HEADER_PREV_AT)
					      : q->a.id;
	struct slice sig = i + 1 == q->a.n ? q->a.sig : (struct slice){0};
	int64_t no;
	bool in;
	p.kind = i == 0 && (p.kind == 1 || p.kind == 2) ? p.kind : 3;
	enum err e = in_chain(s, l, seq, &id, &in);
	if (e == OK && in)
		return i == 0 ? fill(s, q, &id, &p, r) : OK;
	if (e == OK)
		e = side_find(s, l, seq, &id, &no);
	if (e != OK)
		return e;
	if (!no)
		return put_row(s, l, seq, &id, &p, sig);
	e = side_mend(s, no, sig, i == 0 ? p.envelope : (struct slice){0});
	if (e == OK && i == 0)
		e = side_set_body(s, no, p.kind, p.bytes);
	return e == OK && i == 0 && p.kind == 1 ? pins_of_envelope(s, &l->pub.identity, -no, p.envelope) : e;
}

enum err op_SOUGHT_PUT(struct store *s, const struct store_req *q, struct store_res *r)
{
	if (q->a.n < 1 || q->a.n > LIMIT_RUN_ENTRIES || q->a.first > LIMIT_SEQ ||
		q->a.first + q->a.n - 1 > LIMIT_SEQ || (q->a.parts[0].kind != 1 && q->a.parts[0].kind != 2))
		return ERR_RANGE;
	struct store_req get = {.a.log = q->a.log,
		.a.seq = q->a.first,
		.a.id = q->a.n > 1 ? id32_from(q->a.parts[1].header + HEADER_PREV_AT) : q->a.id};
	struct log_row *l;
	enum err e = op_SOUGHT_GET(s, &get, r);
	if (e == OK)
		e = log_get(s, &q->a.log, &l);
	if (e != OK)
		return e;
	if (r->r.parts && r->r.parts[0].kind != 3)
		return ERR_EXISTS;
	if (!r->r.more)
		return ERR_STATE;
	if (l->side + q->a.n > SOUGHT_SIDE_MAX)
		return ERR_LIMIT;
	log_dirty(s, l);
	for (size_t i = 0; e == OK && i < q->a.n; i++)
		e = keep(s, q, l, i, r);
	return e;
}
