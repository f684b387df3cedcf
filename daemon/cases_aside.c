/* cases_aside.c -- a review that lies behind the end of its log: what lies aside says too, if an award names it; what is not here is sought. SPEC.md sections 10.10 and 16.6. See cases_want.h. */
#include "cases_want.h"

#include "protocol/award/facts.h"
#include "protocol/log/entry.h"

#include <sodium.h>

static enum err take_review(
	struct gather *t, const struct entry_ref *at, const struct store_res *res, const struct fact **out)
{
	struct entry_header h;
	struct fact facts[FACTS_OF_ENTRY_MAX];
	struct fact_words words = {.text = {{0}}};
	struct buf record = {0}, keep = {0};
	enum err e = entry_header_decode(slice_of(res->r.parts[0].header, ENTRY_HEADER_BYTES), &h);
	if (e == OK)
		e = book_record(t->c->book, t->c->reader, at, &record);
	const struct fact_source src = {.at = *at,
		.author = res->r.logs[0].identity,
		.flags = h.flags,
		.hour = h.hour,
		.record = buf_slice(&record)};
	size_t n = e == OK ? facts_make(&src, facts, &words, &keep) : 0;
	for (size_t i = 0; e == OK && i < n; i++) {
		if (facts[i].kind != FACT_REVIEW)
			continue;
		facts[i].cut = true;
		e = want_fact(t, &facts[i]);
		*out = e == OK && t->facts.n ? &t->facts.facts[t->facts.n - 1] : NULL;
	}
	if (record.p)
		sodium_memzero(record.p, record.cap);
	if (keep.p)
		sodium_memzero(keep.p, keep.cap);
	buf_free(&record);
	buf_free(&keep);
	return e == ERR_MEMORY || e == ERR_IO || e == ERR_CORRUPT ? e : OK;
}

enum err want_named_review(
	struct gather *t, const struct fact *award, const struct entry_ref *at, const struct fact **out)
{
	struct store_req req = {.op = STORE_SOUGHT_GET, .a.log = at->log, .a.seq = at->seq, .a.id = at->id};
	struct store_res res = {0};
	enum err e = want_entry(t, at, out);
	/* SPEC 16.6: "if an award of the issuer that counts as an act names it" */
	if (e != OK || *out || !t->c->book || !id32_equal(&award->author, &t->issuer) ||
		!cases_act_counts(t->c, award))
		return e;
	store_exec_one(t->c->reader, &req, &res);
	e = res.err;
	const bool held = e == OK && res.r.parts && res.r.parts[0].kind != BODY_ABSENT;
	if (held && res.r.more && res.r.parts[0].kind == BODY_HERE)
		e = take_review(t, at, &res, out);
	else if (e == OK && !held && res.r.more)
		book_seek(t->c->book, at);
	store_res_free(&res);
	return e == ERR_NOT_FOUND ? OK : e;
}
