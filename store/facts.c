/* facts.c -- what entries say, kept beside them: made as a clear body is stored, gone with it. include/fact.h, SPEC.md section 16.1. */
#include "store/db.h"

static void q_id_or_null(struct query *q, const struct id32 *id)
{
	if (id32_is_zero(id))
		q_null(q);
	else
		q_id(q, id);
}

/* place: which of its entry's facts; the record stands with the first. */
static enum err put_fact(struct store *s, const struct fact *f, size_t place, bool words, int64_t *no)
{
	struct query put = q_start(s, Q_FACT_NEW);
	q_id(&put, &f->at.log);
	q_uint(&put, f->at.seq);
	q_uint(&put, place);
	q_id(&put, &f->at.id);
	q_id(&put, &f->author);
	q_int(&put, f->kind);
	q_id_or_null(&put, &f->about);
	q_id_or_null(&put, &f->party);
	q_int(&put, f->flags);
	q_int(&put, f->hour);
	q_int(&put, words);
	if (place == 0)
		q_blob(&put, f->data);
	else
		q_null(&put);
	enum err e = q_done(&put);
	*no = sqlite3_last_insert_rowid(s->db);
	return e;
}

/* Text without control characters: two of them mark what a search found. */
static enum err clean_text(struct slice text, struct buf *out)
{
	size_t at = out->n;
	enum err e = buf_put_slice(out, text);
	for (; e == OK && at < out->n; at++) {
		if (out->p[at] < 0x20)
			out->p[at] = ' ';
	}
	return e;
}

static enum err put_words(struct store *s, int64_t row, const struct fact_words *words)
{
	struct buf clean[FACT_TEXTS] = {0};
	enum err e = OK;
	struct query put = q_start(s, Q_WORDS_NEW);
	q_int(&put, row);
	for (size_t i = 0; e == OK && i < FACT_TEXTS; i++) {
		e = clean_text(words->text[i], &clean[i]);
		if (e == OK)
			q_text_slice(&put, buf_slice(&clean[i]));
	}
	enum err done = e == OK ? q_done(&put) : q_end(&put);
	for (size_t i = 0; i < FACT_TEXTS; i++)
		buf_free(&clean[i]);
	return e == OK ? done : e;
}

static bool has_words(const struct fact_words *words)
{
	size_t n = 0;
	for (size_t i = 0; words && i < FACT_TEXTS; i++)
		n += words->text[i].n;
	return n > 0;
}

static enum err drop_words(struct store *s, int64_t row)
{
	s->words_gone = true;
	struct query drop = q_start(s, Q_WORDS_DROP);
	q_int(&drop, row);
	return q_done(&drop);
}

static enum err drop_facts(struct store *s, const struct id32 *log, uint64_t first, uint64_t end)
{
	struct query worded = q_start(s, Q_FACT_WORDED);
	q_id(&worded, log);
	q_uint(&worded, first);
	q_uint(&worded, end);
	while (q_row(&worded))
		worded.e = drop_words(s, qc_int(&worded, 0));
	enum err e = q_end(&worded);
	if (e != OK)
		return e;
	struct query drop = q_start(s, Q_FACT_DROP);
	q_id(&drop, log);
	q_uint(&drop, first);
	q_uint(&drop, end);
	return q_done(&drop);
}

static enum err put_facts(struct store *s, const struct fact *facts, size_t n, const struct fact_words *words)
{
	store_touch(s);
	enum err e = drop_facts(s, &facts->at.log, facts->at.seq, facts->at.seq + 1);
	for (size_t i = 0; e == OK && i < n; i++) {
		int64_t no;
		bool worded = i == 0 && has_words(words);
		e = put_fact(s, &facts[i], i, worded, &no);
		if (e == OK && worded)
			e = put_words(s, no << 6 | (int64_t)facts[i].kind, words);
	}
	return e;
}

static bool kind_known(enum fact_kind kind)
{
	return kind > FACT_NONE && kind < FACT_KIND_COUNT;
}

/* What a clear entry says; 0: nothing, or it is sealed. facts borrow from src. */
static size_t make(struct store *s, const struct fact_source *src, struct fact facts[FACTS_OF_ENTRY_MAX],
	struct fact_words *words, struct buf *keep)
{
	size_t n = s->facts(src, facts, words, keep);
	for (size_t i = 0; i < n; i++) {
		if (n > FACTS_OF_ENTRY_MAX || !kind_known(facts[i].kind))
			abort();
		facts[i].at = src->at;
		facts[i].author = src->author;
		facts[i].flags = src->flags;
		facts[i].hour = src->hour;
		facts[i].data = src->record;
	}
	return n;
}

static bool is_clear(const uint8_t *header, struct slice body)
{
	return !(header[HEADER_FLAGS_AT] & HEADER_SEALED) && body.n > ENTRY_SALT_BYTES;
}

static struct fact_source source_of(const struct log_row *l, uint64_t seq, const struct id32 *id,
	const uint8_t *header, struct slice body)
{
	return (struct fact_source){
		.at = {.log = l->pub.log, .seq = seq, .id = *id},
		.author = l->pub.identity,
		.flags = header[HEADER_FLAGS_AT],
		.hour = be32_get(header + HEADER_HOUR_AT),
		.record = slice_of(body.p + ENTRY_SALT_BYTES, body.n - ENTRY_SALT_BYTES),
	};
}

enum err facts_make_entry(struct store *s, const struct log_row *l, uint64_t seq, const struct id32 *id,
	const uint8_t *header, struct slice body)
{
	if (!s->facts || !is_clear(header, body))
		return OK;
	struct fact_source src = source_of(l, seq, id, header, body);
	src.left_out = s->facts_made_late;
	struct fact facts[FACTS_OF_ENTRY_MAX];
	struct fact_words words = {0};
	struct buf keep = {0};
	size_t n = make(s, &src, facts, &words, &keep);
	enum err e = n == 0           ? OK
		: admission_is(facts) ? admission_say(s, facts, words.text[FACT_TITLE])
				      : put_facts(s, facts, n, &words);
	buf_free(&keep);
	return e;
}

enum err facts_make_late(struct store *s, struct log_row *l, uint64_t seq, struct store_res *r)
{
	struct id32 id;
	struct slice header = {0}, body = {0};
	enum err e = log_id_at(s, l, seq, &id);
	if (e != OK)
		return e == ERR_NOT_FOUND ? OK : e;
	struct query get = q_start(s, Q_ENTRY_CLEAR);
	q_int(&get, entry_key(l, seq));
	if (q_row(&get)) {
		header = qc_copy(&get, 0, &r->mem);
		body = qc_copy(&get, 1, &r->mem);
	}
	e = q_end(&get);
	if (e != OK || header.n != ENTRY_HEADER_BYTES || !is_clear(header.p, body))
		return e;
	const struct fact_source src = source_of(l, seq, &id, header.p, body);
	struct fact *facts = (struct fact *)arena_alloc(&r->mem, FACTS_OF_ENTRY_MAX * sizeof *facts);
	struct fact_words words = {0};
	struct buf keep = {0};
	if (!facts)
		return ERR_MEMORY;
	r->r.n = make(s, &src, facts, &words, &keep);
	r->r.facts = facts;
	if (r->r.n && admission_is(facts))
		r->r.n = 0;
	for (size_t i = 0; i < r->r.n; i++)
		facts[i].cut = seq >= l->pub.end;
	buf_free(&keep);
	return OK;
}

enum err facts_drop(struct store *s, const struct id32 *log, uint64_t first, uint64_t end)
{
	enum err e = drop_facts(s, log, first, end);
	return e == OK ? admissions_drop(s, log, first, end) : e;
}

/* A word that is deleted stays in the index until its pieces are merged; merged into one, nothing of it is left. */
enum err facts_settle(struct store *s)
{
	bool gone = s->words_gone && !s->memory;
	s->words_gone = false;
	if (!gone)
		return OK;
	s->wipe = true;
	struct query merge = q_start(s, Q_WORDS_MERGE);
	return q_done(&merge);
}

enum err facts_clear(struct store *s)
{
	static const enum query_name steps[] = {
		Q_FACT_CLEAR, Q_WORDS_DROP_TABLE, Q_WORDS_NEW_TABLE, Q_ADMISSION_CLEAR};
	enum err e = OK;
	store_touch(s);
	for (size_t i = 0; e == OK && i < sizeof steps / sizeof steps[0]; i++) {
		struct query step = q_start(s, steps[i]);
		e = q_done(&step);
	}
	s->words_gone = false;
	return e == OK ? admissions_stale(s) : e;
}

static enum err check_put(const struct store_req *q)
{
	if (q->a.facts_n < 1 || q->a.facts_n > FACTS_OF_ENTRY_MAX)
		return ERR_RANGE;
	const struct fact *first = q->a.facts;
	if (first->at.seq > LIMIT_SEQ || first->data.n > LIMIT_BODY_BYTES)
		return ERR_RANGE;
	for (size_t i = 0; i < q->a.facts_n; i++) {
		const struct fact *f = &q->a.facts[i];
		if (!kind_known(f->kind) || f->at.seq != first->at.seq ||
			!id32_equal(&f->at.log, &first->at.log) || !id32_equal(&f->at.id, &first->at.id))
			return ERR_RANGE;
	}
	for (size_t i = 0; q->a.words && i < FACT_TEXTS; i++) {
		if (q->a.words->text[i].n > LIMIT_BODY_BYTES)
			return ERR_RANGE;
	}
	return OK;
}

enum err op_FACT_PUT(struct store *s, const struct store_req *q, struct store_res *r)
{
	(void)r;
	enum err e = check_put(q);
	return e == OK ? put_facts(s, q->a.facts, q->a.facts_n, q->a.words) : e;
}

enum err op_FACT_DROP(struct store *s, const struct store_req *q, struct store_res *r)
{
	(void)r;
	if (q->a.seq > LIMIT_SEQ)
		return ERR_RANGE;
	store_touch(s);
	return facts_drop(s, &q->a.log, q->a.seq, q->a.seq + 1);
}
