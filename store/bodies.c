/* bodies.c -- bodies that come after their headers. SPEC.md section 10.4. */
#include "store/db.h"

static enum err make_facts(struct store *s, const struct log_row *l, const struct store_req *q)
{
	if (!s->facts)
		return OK;
	uint8_t header[ENTRY_HEADER_BYTES];
	struct query get = q_start(s, Q_ENTRY_HEADER);
	q_int(&get, entry_key(l, q->a.seq));
	struct slice h = q_row(&get) ? qc_slice(&get, 0) : (struct slice){0};
	if (h.n == sizeof header)
		memcpy(header, h.p, sizeof header);
	else if (get.e == OK)
		get.e = ERR_CORRUPT;
	enum err e = q_end(&get);
	return e == OK ? facts_make_entry(s, l, q->a.seq, &q->a.id, header, q->a.bytes) : e;
}

enum err op_BODY_PUT(struct store *s, const struct store_req *q, struct store_res *r)
{
	struct log_row *l;
	struct id32 id;
	enum err e = log_get(s, &q->a.log, &l);
	if (e == OK)
		e = log_id_at(s, l, q->a.seq, &id);
	if (e == OK && !id32_equal(&id, &q->a.id))
		e = ERR_NOT_FOUND;
	if (e != OK)
		return e;
	struct query get = q_start(s, Q_ENTRY_KIND);
	q_int(&get, entry_key(l, q->a.seq));
	int64_t kind = q_row(&get) ? qc_int(&get, 0) : 0;
	e = q_end(&get);
	if (e != OK)
		return e;
	/* SPEC 12.2: "the body is never stored again" */
	if (kind == 2)
		return ERR_ERASED;
	if (kind != 3)
		return kind == 0 ? ERR_CORRUPT : ERR_EXISTS;
	log_bump(s, l);
	struct query put = q_start(s, Q_ENTRY_BODY);
	q_int(&put, 1);
	q_blob(&put, q->a.bytes);
	q_int(&put, entry_key(l, q->a.seq));
	e = q_done(&put);
	if (e == OK)
		e = make_facts(s, l, q);
	if (q->a.seq < l->pub.end)
		l->pub.gaps--;
	l->pub.bytes += q->a.bytes.n;
	r->r.number = l->pub.change;
	return e;
}

enum err op_GAPS(struct store *s, const struct store_req *q, struct store_res *r)
{
	struct log_row *l;
	enum err e = log_get(s, &q->a.log, &l);
	if (e != OK)
		return e;
	struct array seqs = {0};
	struct query list = q_start(s, Q_ENTRY_GAPS);
	q_int(&list, entry_key(l, q->a.first < l->pub.end ? q->a.first : l->pub.end));
	q_int(&list, entry_key(l, l->pub.end));
	q_int(&list,
		q->a.max && q->a.max < LIMIT_WANT_RUN_ENTRIES ? (int64_t)q->a.max : LIMIT_WANT_RUN_ENTRIES);
	while (q_row(&list)) {
		uint64_t *seq = array_add(&seqs, sizeof *seq, &list);
		if (seq)
			*seq = qc_uint(&list, 0) & LIMIT_SEQ;
	}
	r->r.n = seqs.n;
	r->r.seqs = array_give(&seqs, &r->mem, &list);
	return q_end(&list);
}
