/* search.c -- finds facts by words. The query: search_query.c; what is shown of the text: snippet.c. */
#include "store/db.h"

static const uint8_t weights[FACT_TEXTS] = {8, 5, 3, 6, 4, 1}; /* those of queries.def's FACT_SEARCH */

static size_t marks_of(struct slice text)
{
	size_t n = 0;
	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == '\1';
	return n;
}

/* The column that matched best: its weight, and more for more matches, but never twice as much. */
static enum err read_hit(struct query *q, struct arena *mem, struct store_hit *hit)
{
	uint32_t best = 0;
	for (int i = 0; i < (int)FACT_TEXTS; i++) {
		size_t n = marks_of(qc_slice(q, i + 1));
		uint32_t score = n ? weights[i] * (uint32_t)(2000 - 1000 / n) : 0;
		if (score > best) {
			best = score;
			hit->field = (enum fact_text)i;
		}
	}
	char text[SNIPPET_BYTES];
	size_t n = snippet_cut(qc_slice(q, (int)hit->field + 1), text);
	hit->snippet = arena_copy(mem, slice_of(text, n));
	return hit->snippet.p ? OK : ERR_MEMORY;
}

#define HITS_MAX 50

static enum err search_once(
	struct store *s, const struct store_req *q, const struct buf *typed, struct store_res *r)
{
	size_t max = q->a.max && q->a.max < HITS_MAX ? (size_t)q->a.max : HITS_MAX;
	struct array facts = {0}, hits = {0};
	struct query find = q_start(s, Q_FACT_SEARCH);
	q_text_slice(&find, buf_slice(typed));
	q_int(&find, fact_mask(q));
	q_uint(&find, max);
	q_text(&find, "\1");
	q_text(&find, "\2");
	while (q_row(&find)) {
		struct fact *f = array_add(&facts, sizeof *f, &find);
		struct store_hit *hit = array_add(&hits, sizeof *hit, &find);
		if (f && hit)
			find.e = read_hit(&find, &r->mem, hit);
		if (f && find.e == OK)
			find.e = fact_read_no(s, qc_int(&find, 0), NULL, &r->mem, f);
	}
	r->r.n = facts.n;
	r->r.facts = array_give(&facts, &r->mem, &find);
	r->r.hits = array_give(&hits, &r->mem, &find);
	return q_end(&find);
}

enum err op_FACT_SEARCH(struct store *s, const struct store_req *q, struct store_res *r)
{
	enum err e = OK;
	r->r.n = 0;
	for (int shorter = 0; e == OK && r->r.n == 0 && shorter < 2; shorter++) {
		struct buf typed = {0};
		e = search_query(q->a.bytes, shorter, &typed);
		if (e == OK && typed.n)
			e = search_once(s, q, &typed, r);
		buf_free(&typed);
	}
	return e;
}
