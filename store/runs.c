/* runs.c -- entries: runs in, runs out, and their ids. SPEC.md sections 4.3 and 10.4. */
#include "store/db.h"

/* What of a part is stored: what a peer did not send, or withholds, is absent here and wanted. */
static uint8_t stored_kind(uint8_t kind)
{
	return kind == 1 || kind == 2 ? kind : 3;
}

static enum err put_entry(
	struct store *s, const struct log_row *l, uint64_t seq, const struct store_part *p, struct slice sig)
{
	struct query put = q_start(s, Q_ENTRY_PUT);
	q_int(&put, entry_key(l, seq));
	q_int(&put, p->kind);
	q_blob(&put, slice_of(p->header, ENTRY_HEADER_BYTES));
	q_blob_or_null(&put, sig);
	q_blob_or_null(&put, p->envelope);
	if (p->kind == 3)
		q_null(&put);
	else
		q_blob(&put, p->bytes);
	return q_done(&put);
}

/* SPEC 4.4: "nothing at or behind that seq counts, is synced or appended" */
static bool beyond_fork(const struct log_row *l, uint64_t end)
{
	return l->closed_length < 0 && l->pub.fork_seq1 && end > l->pub.fork_seq1 - 1;
}

static enum err check_run(struct store *s, const struct store_req *q, bool *there)
{
	uint64_t n = q->a.n;
	if (n < 1 || n > LIMIT_RUN_ENTRIES || q->a.first > LIMIT_SEQ || q->a.first + n - 1 > LIMIT_SEQ ||
		(q->a.sig.n && q->a.sig.n != ENTRY_SIGNATURE_BYTES))
		return ERR_RANGE;
	for (size_t i = 0; i < q->a.pins_n; i++) {
		if (q->a.pins[i].seq < q->a.first || q->a.pins[i].seq >= q->a.first + n)
			return ERR_RANGE;
	}
	struct log_row *l;
	enum err e = log_get(s, &q->a.log, &l);
	*there = e == OK;
	if (e == ERR_NOT_FOUND)
		return q->a.first == 0 && id32_is_zero(&q->a.prev) ? OK : ERR_CHAIN;
	if (e != OK)
		return e;
	if (q->a.first != l->pub.length || !id32_equal(&q->a.prev, &l->pub.last))
		return ERR_CHAIN;
	if (q->a.own == OWN_ACTIVE && l->pub.own == OWN_RETIRED)
		return ERR_STATE;
	return beyond_fork(l, q->a.first + n) ? ERR_FORK : OK;
}

static void become_own(struct log_row *l, enum own_state own)
{
	if (own == OWN_ACTIVE && l->pub.own != OWN_ACTIVE)
		l->pub.held_from = l->pub.length;
	if (own != OWN_NONE)
		l->pub.own = own;
}

/* What a run adds, beside its entries. */
struct taken {
	uint64_t gaps;
	uint64_t erased; /* bit i: part i is a statement */
	struct id32 erased_sum;
};

/* Stores one part and counts it in the row. */
static enum err take_part(struct store *s, const struct store_req *q, struct log_row *l, size_t i,
	struct arena *mem, struct taken *t)
{
	uint64_t seq = q->a.first + i;
	struct store_part p = q->a.parts[i];
	p.kind = stored_kind(p.kind);
	struct slice sig = i + 1 == q->a.n ? q->a.sig : (struct slice){0};
	struct id32 id = i + 1 < q->a.n ? id32_from(q->a.parts[i + 1].header + HEADER_PREV_AT) : q->a.id;
	if (l->side && p.kind != 2) {
		/* SPEC 12.2: "the body is never stored again" -- not even after its entry was behind a fork. */
		enum err e = side_statement(s, l, seq, p.header, mem, &p.bytes);
		if (e != OK && e != ERR_NOT_FOUND)
			return e;
		if (e == OK)
			p.kind = 2;
	}
	if (p.kind == 1)
		l->pub.bytes += p.bytes.n;
	if (p.kind == 3)
		t->gaps++;
	if (p.kind == 2) {
		t->erased |= (uint64_t)1 << i;
		sum_add(&t->erased_sum, &id);
	}
	enum err e = put_entry(s, l, seq, &p, sig);
	return e == OK && p.kind == 1 ? facts_make_entry(s, l, seq, &id, p.header, p.bytes) : e;
}

enum err op_RUN_PUT(struct store *s, const struct store_req *q, struct store_res *r)
{
	bool there;
	struct log_row *l;
	enum err e = check_run(s, q, &there);
	if (e == OK)
		e = log_make(s, &q->a.log, &q->a.identity, &q->a.device_key, &l);
	if (e != OK)
		return e;
	log_dirty(s, l);
	become_own(l, q->a.own);
	struct taken t = {0};
	for (size_t i = 0; e == OK && i < q->a.n; i++)
		e = take_part(s, q, l, i, &r->mem, &t);
	for (size_t i = 0; e == OK && i < q->a.pins_n; i++) {
		if (!(t.erased >> (q->a.pins[i].seq - q->a.first) & 1))
			e = pins_put(s, &l->pub.identity, entry_key(l, q->a.pins[i].seq), &q->a.pins[i],
				&r->r.flag);
	}
	if (e != OK)
		return e;
	bool plain = l->closed_length < 0 &&
		!l->pub.fork_seq1; /* nothing cuts it: what was appended is its end */
	l->pub.length += q->a.n;
	l->pub.last = q->a.id;
	if (plain) {
		l->pub.end = l->pub.length;
		l->pub.end_last = l->pub.last;
		l->pub.gaps += t.gaps;
		sum_add(&l->pub.erased_sum, &t.erased_sum);
	} else {
		e = log_settle(s, l);
	}
	r->r.before = l->pub.change;
	log_bump(s, l);
	r->r.number = l->pub.change;
	return e;
}

static void read_part(struct query *q, struct store_part *p, struct arena *mem)
{
	struct slice header = qc_slice(q, 2);
	if (header.n != ENTRY_HEADER_BYTES) {
		q->e = ERR_CORRUPT;
		return;
	}
	p->kind = (uint8_t)qc_int(q, 1);
	p->header = qc_copy(q, 2, mem).p;
	p->envelope = qc_copy(q, 4, mem);
	p->bytes = qc_copy(q, 5, mem);
}

/* Bodies from the back go unsent until the rest fits. */
static void fit(struct store_part *parts, size_t n, uint64_t max)
{
	uint64_t total = 0;
	for (size_t i = 0; i < n; i++)
		total += parts[i].bytes.n + parts[i].envelope.n;
	for (size_t i = n; total > max && i-- > 0;) {
		if (parts[i].bytes.n == 0)
			continue;
		total -= parts[i].bytes.n;
		parts[i].kind = 0;
		parts[i].bytes = (struct slice){0};
	}
}

/* SPEC 4.3: "at most 64, ending at the first seq with seq mod 64 = 63, or at the sender's last entry" */
enum err op_RUN_GET(struct store *s, const struct store_req *q, struct store_res *r)
{
	struct log_row *l;
	enum err e = log_get(s, &q->a.log, &l);
	if (e != OK)
		return e;
	uint64_t first = q->a.first;
	if (first >= l->pub.end)
		return ERR_NOT_FOUND;
	uint64_t end = (first | (LIMIT_RUN_ENTRIES - 1)) + 1;
	if (end > l->pub.end)
		end = l->pub.end;
	size_t want = (size_t)(end - first);
	r->r.parts = arena_alloc(&r->mem, want * sizeof *r->r.parts);
	if (!r->r.parts)
		return ERR_MEMORY;
	memset(r->r.parts, 0, want * sizeof *r->r.parts);
	struct query list = q_start(s, Q_ENTRY_RANGE);
	q_int(&list, entry_key(l, first));
	q_int(&list, entry_key(l, end));
	while (q_row(&list) && r->r.n < want) {
		read_part(&list, &r->r.parts[r->r.n++], &r->mem);
		if (r->r.n == want)
			r->r.sig = qc_copy(&list, 3, &r->mem);
	}
	e = q_end(&list);
	if (e == OK && r->r.n != want)
		e = ERR_CORRUPT; /* a hole in a chain */
	r->r.first = first;
	if (e == OK)
		fit(r->r.parts, r->r.n, q->a.max);
	return e;
}

enum err op_IDS(struct store *s, const struct store_req *q, struct store_res *r)
{
	struct log_row *l;
	if (q->a.n > 64)
		return ERR_LIMIT;
	r->r.ids = arena_alloc(&r->mem, q->a.n * sizeof *r->r.ids);
	if (!r->r.ids)
		return ERR_MEMORY;
	memset(r->r.ids, 0, q->a.n * sizeof *r->r.ids);
	r->r.n = q->a.n;
	enum err e = log_get(s, &q->a.log, &l);
	if (e == ERR_NOT_FOUND)
		return OK;
	for (size_t i = 0; e == OK && i < q->a.n; i++) {
		e = log_id_at(s, l, q->a.seqs[i], &r->r.ids[i]);
		if (e == ERR_NOT_FOUND)
			e = OK;
	}
	return e;
}

enum err op_BODY_GET(struct store *s, const struct store_req *q, struct store_res *r)
{
	struct log_row *l;
	if (q->a.n > 64)
		return ERR_LIMIT;
	r->r.parts = arena_alloc(&r->mem, q->a.n * sizeof *r->r.parts);
	if (!r->r.parts)
		return ERR_MEMORY;
	memset(r->r.parts, 0, q->a.n * sizeof *r->r.parts);
	r->r.n = q->a.n;
	enum err e = log_get(s, &q->a.log, &l);
	if (e == ERR_NOT_FOUND)
		return OK;
	for (size_t i = 0; e == OK && i < q->a.n; i++) {
		if (q->a.seqs[i] >= l->pub.length)
			continue;
		struct query get = q_start(s, Q_ENTRY_GET);
		q_int(&get, entry_key(l, q->a.seqs[i]));
		if (q_row(&get))
			read_part(&get, &r->r.parts[i], &r->mem);
		e = q_end(&get);
	}
	return e;
}
