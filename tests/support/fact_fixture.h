/* fact_fixture.h -- facts made by hand, a made-up fact_maker, and clear entries for it. */
#ifndef QUIRE_TEST_FACT_FIXTURE_H
#define QUIRE_TEST_FACT_FIXTURE_H

#include "tests/support/store_fixture.h"

/* A made-up record: kind, number of what it is about, number of the party (0: none), then title|other.
 * An award says a second thing: it names a review. */
static inline size_t made_up_facts(
	const struct fact_source *src, struct fact *out, struct fact_words *words, struct buf *keep)
{
	struct slice r = src->record;
	if (r.n < 3 || r.p[0] == FACT_NONE || r.p[0] >= FACT_KIND_COUNT ||
		(FACT_MASK(r.p[0]) & src->left_out))
		return 0;
	memset(out, 0, 2 * sizeof *out);
	out->kind = (enum fact_kind)r.p[0];
	if (r.p[1])
		out->about = fake_id(r.p[1], 1);
	if (r.p[2])
		out->party = fake_id(r.p[2], 2);
	must(buf_put(keep, r.p + 3, r.n - 3) == OK, "memory");
	const uint8_t *bar = r.n > 3 ? memchr(keep->p, '|', keep->n) : NULL;
	size_t title = bar ? (size_t)(bar - keep->p) : keep->n;
	words->text[FACT_TITLE] = slice_of(keep->p, title);
	if (bar)
		words->text[FACT_OTHER] = slice_of(bar + 1, keep->n - title - 1);
	if (r.p[0] != FACT_AWARD)
		return 1;
	out[1].kind = FACT_NAMED;
	out[1].about = fake_id(r.p[1], 3);
	return 2;
}

/* Opens the same home with or without the maker. */
static inline void fact_reopen(struct fixture *f, fact_maker maker)
{
	fixture_close(f);
	struct store_options o = {.home = f->home, .create = true, .facts = maker};
	must(store_open(&o, &f->store) == OK, "store_open");
}

static inline int fact_setup(void **state)
{
	fixture_setup(state);
	fact_reopen(*state, made_up_facts);
	return 0;
}

/* A log of clear entries. */
static inline struct fake_log *clear_log_new(unsigned number, size_t n)
{
	struct fake_log *l = fake_log_new(number, n);
	for (size_t i = 0; i < n; i++) {
		l->headers[i][1] = 0;
		be32_put(l->headers[i] + 74, (uint32_t)(500000 + i));
	}
	return l;
}

/* RUN_PUT of clear entries [first, first + n) with these records; NULL: the body is absent. */
static inline void clear_run_req(
	struct store_req *q, const struct fake_log *l, size_t first, size_t n, const char *const *records)
{
	run_put_req(q, l, first, first + n, NULL);
	struct store_part *parts = arena_alloc(&q->mem, n * sizeof *parts);
	must(parts != NULL, "memory");
	memcpy(parts, q->a.parts, n * sizeof *parts);
	for (size_t i = 0; i < n; i++) {
		if (!records[i]) {
			parts[i].kind = 3;
			parts[i].bytes = (struct slice){0};
			continue;
		}
		/* The three numbers may be zero: the text begins behind them. */
		size_t text = strlen(records[i] + 3) + 3;
		uint8_t *body = arena_alloc(&q->mem, ENTRY_SALT_BYTES + text);
		must(body != NULL, "memory");
		memset(body, 's', ENTRY_SALT_BYTES);
		memcpy(body + ENTRY_SALT_BYTES, records[i], text);
		parts[i].bytes = slice_of(body, ENTRY_SALT_BYTES + text);
	}
	q->a.parts = parts;
}

static inline enum err put_clear(
	struct fixture *f, const struct fake_log *l, size_t first, size_t n, const char *const *records)
{
	struct store_req q;
	clear_run_req(&q, l, first, n, records);
	return run(f, &q, NULL);
}

static inline struct store_req erase_req(const struct fake_log *l, size_t seq)
{
	struct store_req q = {.op = STORE_ERASED_PUT};
	q.a.log = l->log;
	q.a.seq = seq;
	q.a.id = l->ids[seq];
	q.a.bytes = slice_str("statement");
	return q;
}

static inline struct fact fact_at(enum fact_kind kind, unsigned log, uint64_t seq)
{
	return (struct fact){.kind = kind,
		.at = {.log = fake_id(log, 1), .seq = seq, .id = fake_id(log, (unsigned)seq + 10)},
		.author = fake_id(log, 2),
		.flags = 1,
		.hour = 500000,
		.data = slice_str("record")};
}

static inline enum err put_facts(
	struct fixture *f, const struct fact *facts, size_t n, const struct fact_words *words)
{
	struct store_req q = {.op = STORE_FACT_PUT};
	q.a.facts = facts;
	q.a.facts_n = n;
	q.a.words = words;
	return run(f, &q, NULL);
}

/* A read that must go well. */
static inline struct store_res ask(struct fixture *f, struct store_req q)
{
	struct store_res r;
	enum err e = run(f, &q, &r);
	if (e != OK)
		fprintf(stderr, "%s: %s\n", err_text(e), store_last_error(f->store));
	must(e == OK, "ask");
	return r;
}

static inline size_t count_of(struct fixture *f, struct store_req q)
{
	struct store_res r = ask(f, q);
	size_t n = r.r.n;
	store_res_free(&r);
	return n;
}

/* Two requests in one transaction. */
static inline void run_two(struct fixture *f, struct store_req *a, struct store_req *b, enum err want)
{
	struct store_req *reqs[] = {a, b};
	struct store_res res[2];
	store_exec(f->store, reqs, res, 2);
	for (size_t i = 0; i < 2; i++) {
		must(res[i].err == want, "run_two");
		store_res_free(&res[i]);
	}
}

static inline size_t found(struct fixture *f, const char *typed)
{
	return count_of(f, (struct store_req){.op = STORE_FACT_SEARCH, .a.bytes = slice_str(typed)});
}

/* Kinds as characters: 5 a definition, 13 a review, 16 an award. */
static const char *const records[] __attribute__((unused)) = {"\5\0\0Reading maps|with a compass",
	"\0\0\0not a fact", "\15\7\3review", "\20\7\0award", "\15\7\4another review"};

#endif
