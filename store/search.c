/* search.c -- finds facts by words. The query: search_query.c; what is shown of the text: snippet.c. */
#include "store/search.h"

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

/* What was found so far. */
struct found {
	struct store *s;
	const struct store_req *q;
	struct store_res *r;
	size_t max;
	struct array facts, hits;
};

static bool has(const struct array *facts, const struct fact *f)
{
	for (size_t i = 0; i < facts->n; i++) {
		struct fact other;
		memcpy(&other, facts->b.p + i * sizeof other, sizeof other);
		if (other.at.seq == f->at.seq && id32_equal(&other.at.log, &f->at.log))
			return true;
	}
	return false;
}

static enum err take_hit(struct found *found, struct query *row)
{
	struct fact f;
	enum err e = fact_read_no(found->s, qc_int(row, 0), NULL, &found->r->mem, &f);
	if (e != OK || has(&found->facts, &f))
		return e;
	struct fact *fact = array_add(&found->facts, sizeof *fact, row);
	struct store_hit *hit = array_add(&found->hits, sizeof *hit, row);
	if (!fact || !hit)
		return row->e;
	*fact = f;
	return read_hit(row, &found->r->mem, hit);
}

/* Adds what that query finds, behind what was found before it. Frees it. */
static enum err run_query(struct found *found, enum query_name name, struct buf *typed)
{
	struct query find = q_start(found->s, name);
	q_text_slice(&find, buf_slice(typed));
	q_int(&find, fact_mask(found->q));
	q_uint(&find, found->max);
	q_text(&find, "\1");
	q_text(&find, "\2");
	while (typed->n && found->facts.n < found->max && q_row(&find))
		find.e = take_hit(found, &find);
	enum err e = q_end(&find);
	buf_free(typed);
	return e;
}

static enum err count_rows(struct store *s, struct search_words *w)
{
	enum err e = OK;
	for (size_t i = 0; e == OK && i < w->n; i++) {
		if (w->list[i].stop)
			continue;
		struct buf typed = {0};
		e = search_put_word(&w->list[i], &typed);
		struct query count = q_start(s, Q_WORDS_COUNT);
		q_text_slice(&count, buf_slice(&typed));
		if (e == OK && q_row(&count))
			w->list[i].rows = qc_uint(&count, 0);
		enum err ended = q_end(&count);
		e = e == OK ? ended : e;
		buf_free(&typed);
	}
	return e;
}

/* Ranking costs by the text that is found. A rare word says most; the common ones come after, if there is room for more. */
#define ROWS_AT_ONCE 2000

/* Returns how many texts hold one of those chosen, at most. */
static uint64_t choose(struct search_words *w)
{
	uint64_t rows = 0;
	for (;;) {
		struct search_word *rarest = NULL;
		for (size_t i = 0; i < w->n; i++) {
			struct search_word *word = &w->list[i];
			if (!word->stop && word->rows && (!rarest || word->rows < rarest->rows))
				rarest = word;
		}
		if (!rarest || (rows && rows + rarest->rows > ROWS_AT_ONCE))
			return rows;
		rows += rarest->rows;
		rarest->rows = 0;
		rarest->chosen = true;
	}
}

/* A word that stands in thousands of texts: the best of the titles, then the newest texts. */
static enum err search_common(struct found *found, const struct search_words *w)
{
	struct buf title = {0}, any = {0};
	enum err e = search_put_titles(w, &title);
	if (e == OK)
		e = search_put_chosen(w, &any);
	enum err ran = run_query(found, Q_FACT_SEARCH, &title);
	e = e == OK ? ran : e;
	ran = run_query(found, Q_FACT_SEARCH_NEWEST, &any);
	return e == OK ? ran : e;
}

static enum err search_chosen(struct found *found, const struct search_words *w)
{
	struct buf typed = {0};
	enum err e = search_put_chosen(w, &typed);
	enum err ran = run_query(found, Q_FACT_SEARCH, &typed);
	return e == OK ? ran : e;
}

static enum err search_words(struct found *found, struct search_words *w)
{
	enum err e = count_rows(found->s, w);
	while (e == OK && found->facts.n < found->max) {
		uint64_t rows = choose(w);
		if (rows == 0)
			break;
		e = rows > ROWS_AT_ONCE ? search_common(found, w) : search_chosen(found, w);
		for (size_t i = 0; i < w->n; i++)
			w->list[i].chosen = false;
	}
	return e;
}

static enum err search_beginnings(struct found *found, const struct search_words *w, bool shorter)
{
	struct buf typed = {0};
	enum err e = search_put_beginnings(w, shorter, &typed);
	enum err ran = run_query(found, Q_FACT_SEARCH, &typed);
	return e == OK ? ran : e;
}

enum err op_FACT_SEARCH(struct store *s, const struct store_req *q, struct store_res *r)
{
	struct search_words w;
	search_split(q->a.bytes, &w);
	struct found found = {
		.s = s, .q = q, .r = r, .max = q->a.max && q->a.max < HITS_MAX ? (size_t)q->a.max : HITS_MAX};
	struct query give = {.s = s};
	give.e = search_words(&found, &w);
	if (give.e == OK && found.facts.n < found.max)
		give.e = search_beginnings(&found, &w, false);
	if (give.e == OK && found.facts.n == 0)
		give.e = search_beginnings(&found, &w, true);
	r->r.n = found.facts.n;
	r->r.facts = array_give(&found.facts, &r->mem, &give);
	r->r.hits = array_give(&found.hits, &r->mem, &give);
	return give.e;
}
