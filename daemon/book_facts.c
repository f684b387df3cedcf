/* book_facts.c -- what was opened, as facts in the book, and for how much of it there is room. */
#include "book_int.h"

#include "protocol/award/facts.h"

#include <sodium.h>

static enum err exec(struct store *s, struct store_req *req)
{
	struct store_res res = {0};
	store_exec_one(s, req, &res);
	store_res_free(&res);
	return res.err;
}

static void count(struct book *b, struct book_log *l, size_t bytes, bool more)
{
	b->records = more ? b->records + 1 : b->records - 1;
	l->records = more ? l->records + 1 : l->records - 1;
	b->bytes = more ? b->bytes + bytes : b->bytes - bytes;
	l->bytes = more ? l->bytes + bytes : l->bytes - bytes;
}

enum err book_drop(struct book *b, struct book_log *l, uint64_t seq)
{
	struct store_req at = {.op = STORE_FACT_AT, .a.log = l->log, .a.seq = seq};
	struct store_req gone = {.op = STORE_FACT_DROP, .a.log = l->log, .a.seq = seq};
	struct store_res res = {0};
	store_exec_one(b->facts, &at, &res);
	if (res.err == OK && res.r.n)
		count(b, l, res.r.facts[0].data.n, false);
	store_res_free(&res);
	enum err e = exec(b->facts, &gone);
	return e == ERR_NOT_FOUND ? OK : e;
}

/* In half of the book everybody has room; more than half of it is for nobody but whose book it is. */
static bool has_room(const struct book *b, const struct id32 *by, size_t bytes)
{
	size_t records = 0, taken = 0;
	if (b->records >= BOOK_RECORDS_MAX || bytes > BOOK_BYTES_MAX - b->bytes)
		return false;
	if (b->has_me && id32_equal(by, &b->me))
		return true;
	if (b->records < BOOK_RECORDS_OF_ONE_MAX && b->bytes + bytes <= BOOK_BYTES_OF_ONE_MAX)
		return true;
	for (size_t i = 0; i < b->logs_n; i++)
		if (id32_equal(&b->logs[i].identity, by)) {
			records += b->logs[i].records;
			taken += b->logs[i].bytes;
		}
	return records < BOOK_RECORDS_OF_ONE_MAX && taken + bytes <= BOOK_BYTES_OF_ONE_MAX;
}

enum err book_put(struct book *b, struct book_log *l, const struct fact_source *src, bool *put)
{
	struct fact facts[FACTS_OF_ENTRY_MAX];
	struct fact_words words = {.text = {{0}}};
	struct buf keep = {0};
	enum err e = OK;
	size_t n = facts_make(src, facts, &words, &keep);
	*put = false;
	if (n && !has_room(b, &l->identity, src->record.n)) {
		b->full = true;
	} else if (n) {
		struct store_req req = {
			.op = STORE_FACT_PUT, .a.facts = facts, .a.facts_n = n, .a.words = &words};
		e = exec(b->facts, &req);
		*put = e == OK;
		if (e == OK)
			count(b, l, src->record.n, true);
	}
	if (keep.p)
		sodium_memzero(keep.p, keep.cap);
	buf_free(&keep);
	return e;
}
