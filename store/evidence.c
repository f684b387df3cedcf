/* evidence.c -- what shows our entries to be valid: the headers from one of them up to a signature, as many as can be. SPEC.md section 4.3. */
#include "store/db.h"

/* In the making: headers of `first` and those behind it, of one interval. */
struct evidence {
	uint64_t first, end; /* of the interval */
	size_t n;
	uint8_t *headers; /* room for end - first */
	struct slice sig;
};

static uint8_t *header_at(const struct evidence *v, uint64_t seq)
{
	return v->headers + (seq - v->first) * ENTRY_HEADER_BYTES;
}

static enum err of_the_log(struct store *s, const struct log_row *l, struct evidence *v, struct store_res *r)
{
	uint64_t end = l->pub.length < v->end ? l->pub.length : v->end;
	struct query list = q_start(s, Q_ENTRY_RANGE);
	q_int(&list, entry_key(l, v->first));
	q_int(&list, entry_key(l, end));
	size_t read = 0;
	while (q_row(&list)) {
		struct slice header = qc_slice(&list, 2), sig = qc_copy(&list, 3, &r->mem);
		if (header.n != ENTRY_HEADER_BYTES) {
			list.e = ERR_CORRUPT;
			break;
		}
		memcpy(header_at(v, v->first + read++), header.p, header.n);
		if (sig.n) {
			v->sig = sig;
			v->n = read;
		}
	}
	enum err e = q_end(&list);
	return e == OK && read != end - v->first ? ERR_CORRUPT : e;
}

/* What a fork cut off may lie aside, and have the signature. */
static enum err of_what_lies_aside(
	struct store *s, const struct log_row *l, struct evidence *v, struct store_res *r)
{
	struct query list = q_start(s, Q_SIDE_SIGNED);
	q_int(&list, l->no);
	q_uint(&list, l->pub.length);
	q_uint(&list, v->end);
	while (!v->sig.n && q_row(&list)) {
		uint64_t last = qc_uint(&list, 0), seq = last + 1;
		struct id32 id = qc_id(&list, 1);
		int64_t no = 1;
		for (; no && list.e == OK && seq > l->pub.length; seq--)
			list.e = side_step_back(s, l, seq - 1, &id, &no, header_at(v, seq - 1));
		if (list.e != OK || !no || !id32_equal(&id, &l->pub.last))
			continue;
		v->sig = qc_copy(&list, 2, &r->mem);
		v->n = (size_t)(last + 1 - v->first);
	}
	return q_end(&list);
}

/* Both headers and signature of the proven fork stand for what lies before it. */
static enum err of_the_proof(
	struct store *s, const struct log_row *l, struct evidence *v, struct store_res *r)
{
	struct query get = q_start(s, Q_FORK_GET);
	q_int(&get, l->no);
	if (q_row(&get) && qc_uint(&get, 0) == l->pub.length) {
		struct slice h = qc_slice(&get, 1);
		size_t n = h.n / ENTRY_HEADER_BYTES;
		if (n > 0 && n <= v->end - l->pub.length &&
			memcmp(h.p + HEADER_PREV_AT, l->pub.last.b, sizeof l->pub.last.b) == 0) {
			memcpy(header_at(v, l->pub.length), h.p, n * ENTRY_HEADER_BYTES);
			v->n = (size_t)(l->pub.length - v->first) + n;
			v->sig = qc_copy(&get, 2, &r->mem);
		}
	}
	return q_end(&get);
}

enum err evidence_from(struct store *s, const struct log_row *l, uint64_t first, struct store_res *r)
{
	struct evidence v = {.first = first, .end = (first | (uint64_t)(LIMIT_RUN_ENTRIES - 1)) + 1};
	v.headers = arena_alloc(&r->mem, (size_t)(v.end - v.first) * ENTRY_HEADER_BYTES);
	if (!v.headers)
		return ERR_MEMORY;
	enum err e = of_the_log(s, l, &v, r);
	if (e == OK && !v.sig.n && l->pub.length < v.end)
		e = of_what_lies_aside(s, l, &v, r);
	if (e == OK && !v.sig.n && l->pub.length < v.end)
		e = of_the_proof(s, l, &v, r);
	if (e == OK && !v.sig.n)
		e = ERR_NOT_FOUND;
	r->r.bytes = slice_of(v.headers, v.n * ENTRY_HEADER_BYTES);
	r->r.sig = v.sig;
	return e;
}

enum err op_EVIDENCE(struct store *s, const struct store_req *q, struct store_res *r)
{
	struct log_row *l;
	enum err e = log_get(s, &q->a.log, &l);
	if (e != OK)
		return e;
	return q->a.first < l->pub.length ? evidence_from(s, l, q->a.first, r) : ERR_NOT_FOUND;
}
