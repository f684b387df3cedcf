/* bundle_bodies.c -- bodies and erasures in a bundle, checked against their headers, and the facts that they make. See bundle_int.h. */
#include "protocol/award/bundle_int.h"
#include "protocol/award/facts.h"
#include "protocol/log/erasure.h"
#include "protocol/log/mp.h"
#include "protocol/log/seal.h"

#include <stdio.h>

/* One element of `bodies`, with the header that it belongs to. */
struct part {
	char where[BUNDLE_WHERE_BYTES + 32];
	const struct bundle_read_run *run;
	struct entry_header header;
	struct entry_ref at;
	struct slice envelope, body, key, erased;
};

/* ---- form */

static enum err get_part(struct bundle_reader *r, const json_t *o, struct part *p, const char *name,
	size_t max, struct slice *out)
{
	char where[sizeof p->where + 16];
	const json_t *v = json_object_get(o, name);
	if (!v)
		return OK;
	snprintf(where, sizeof where, "%s.%s", p->where, name);
	return bundle_get_bytes(r, v, where, 1, max, out);
}

static enum err find_header(struct bundle_reader *r, const json_t *o, struct part *p, uint64_t *next)
{
	char where[sizeof p->where + 16];
	uint64_t seq;
	snprintf(where, sizeof where, "%s.seq", p->where);
	enum err e = bundle_get_number(r, json_object_get(o, "seq"), where, LIMIT_SEQ, &seq);
	if (e != OK)
		return e;
	if (seq < *next || seq - p->run->first >= p->run->n)
		return bundle_fault(
			r, ERR_RANGE, where, "it must be that of a header of the run, in rising order.");
	*next = seq + 1;
	size_t i = (size_t)(seq - p->run->first);
	p->at = (struct entry_ref){.log = p->run->log, .seq = seq, .id = p->run->ids[i]};
	return entry_header_decode(
		slice_of(p->run->headers + i * ENTRY_HEADER_BYTES, ENTRY_HEADER_BYTES), &p->header);
}

static enum err read_part(struct bundle_reader *r, const json_t *o, struct part *p, uint64_t *next)
{
	static const char *const members[] = {"!seq", "envelope", "body", "key", "erased", NULL};
	enum err e = bundle_members(r, o, p->where, members);
	if (e == OK)
		e = find_header(r, o, p, next);
	if (e == OK)
		e = get_part(r, o, p, "envelope", LIMIT_ENVELOPE_BYTES, &p->envelope);
	if (e == OK)
		e = get_part(r, o, p, "body", LIMIT_BODY_BYTES, &p->body);
	if (e == OK)
		e = get_part(r, o, p, "key", 32, &p->key);
	if (e == OK)
		e = get_part(r, o, p, "erased", LIMIT_ERASURE_BYTES, &p->erased);
	if (e != OK)
		return e;
	if ((p->body.n != 0) == (p->erased.n != 0))
		return bundle_fault(r, ERR_FORMAT, p->where, "it must have one of \"body\" and \"erased\".");
	if (p->key.n && (p->key.n != 32 || !p->body.n || !(p->header.flags & ENTRY_FLAG_SEALED)))
		return bundle_fault(
			r, ERR_FORMAT, p->where, "a key of 32 bytes goes with a sealed body only.");
	return OK;
}

static enum err check_envelope(struct bundle_reader *r, const struct part *p, struct envelope *envelope)
{
	struct id32 hash = entry_envelope_hash(p->envelope);
	if (!p->envelope.n)
		return OK;
	if (!id32_equal(&hash, &p->header.envelope_hash))
		return bundle_fault(
			r, ERR_HASH, p->where, "the envelope is not the one that the header commits to.");
	enum err e = envelope_decode(p->envelope, envelope);
	return e == OK ? OK : bundle_fault(r, ERR_FORMAT, p->where, "the envelope is malformed.");
}

/* ---- erasures */

static enum err check_erased(struct bundle_reader *r, const struct part *p, const struct envelope *envelope)
{
	struct bundle *b = r->b;
	struct erasure said;
	struct id32 key;
	size_t who = p->run->who;
	enum err e = erasure_decode(p->erased, &said);
	if (e != OK)
		return bundle_fault(r, ERR_FORMAT, p->where, "the erasure is malformed.");
	if (!id32_equal(&said.of.log, &p->at.log) || said.of.seq != p->at.seq ||
		!id32_equal(&said.of.id, &p->at.id) || (p->header.flags & ENTRY_FLAG_KEEP))
		return bundle_fault(r, ERR_FORMAT, p->where,
			"the erasure is not of this entry, or it must not be erased.");
	if (said.by == ERASURE_BY_CUSTODIAN)
		who = envelope->has_custodian ? bundle_who(b, &envelope->custodian) : BUNDLE_NOBODY;
	e = who == BUNDLE_NOBODY ? ERR_NOT_FOUND
				 : keyset_generation_key(b->keys[who], &said.generation, &key);
	if (e == ERR_NOT_FOUND) {
		b->left_out++;
		return OK;
	}
	if (e == OK)
		e = erasure_verify(p->erased, &key);
	if (e != OK)
		return e == ERR_MEMORY
			? e
			: bundle_fault(r, e, p->where, "the erasure is not signed by who it says.");
	b->erased[b->erased_n++] = p->at.id;
	return OK;
}

/* ---- facts */

/* How an entry counts, SPEC 18. */
enum standing { STANDS, BEHIND, UNSHOWN };

static enum standing standing_of(const struct part *p)
{
	const struct keyset_device *d = p->run->device;
	if (!d->closed)
		return p->at.seq < p->run->forked ? STANDS : BEHIND;
	if (p->at.seq >= d->closed_length)
		return BEHIND;
	return p->at.seq - p->run->first < p->run->chained ? STANDS : UNSHOWN;
}

static struct fact *room(struct bundle *b)
{
	if (b->facts_n + FACTS_OF_ENTRY_MAX > b->facts_cap) {
		size_t cap = 2 * b->facts_cap + FACTS_OF_ENTRY_MAX;
		struct fact *facts = (struct fact *)realloc(b->facts, cap * sizeof *facts);
		if (!facts)
			return NULL;
		b->facts = facts;
		b->facts_cap = cap;
	}
	return b->facts + b->facts_n;
}

static enum err add_facts(struct bundle_reader *r, const struct part *p, struct slice record)
{
	struct bundle *b = r->b;
	struct buf keep = {0};
	struct fact_words words;
	struct fact *facts = room(b);
	const struct fact_source src = {.at = p->at,
		.author = p->run->identity,
		.flags = p->header.flags,
		.hour = p->header.hour,
		.record = record};
	if (!facts)
		return ERR_MEMORY;
	size_t n = facts_make(&src, facts, &words, &keep);
	buf_free(&keep);
	enum standing standing = n ? standing_of(p) : STANDS;
	/* SPEC 18: "but for a review, which is taken not to lie within what counts" */
	if (standing == UNSHOWN && facts[0].kind != FACT_REVIEW) {
		b->left_out++;
		return OK;
	}
	for (size_t i = 0; i < n; i++)
		facts[i].cut = standing != STANDS;
	b->facts_n += n;
	return b->facts_n <= JUDGE_FACTS_MAX
		? OK
		: bundle_fault(r, ERR_LIMIT, "runs", "they say more than a bundle may hold.");
}

static enum err open_sealed(struct bundle_reader *r, const struct part *p, struct slice *record)
{
	struct buf plain = {0};
	enum err e = seal_open_key(p->key.p, &p->at.log, p->body, &plain);
	if (e == OK) {
		*record = arena_copy(&r->b->arena, buf_slice(&plain));
		e = record->p ? OK : ERR_MEMORY;
	}
	buf_free(&plain);
	return e == OK || e == ERR_MEMORY
		? e
		: bundle_fault(r, ERR_DECRYPT, p->where, "the key does not open the body.");
}

static enum err check_body(struct bundle_reader *r, const struct part *p)
{
	struct slice record = {0};
	if (entry_body_check(&p->header, p->body) != OK)
		return bundle_fault(
			r, ERR_HASH, p->where, "the body is not the one that the header commits to.");
	if (!(p->header.flags & ENTRY_FLAG_SEALED)) {
		record = slice_of(p->body.p + ENTRY_SALT_BYTES, p->body.n - ENTRY_SALT_BYTES);
		/* SPEC 13: what is no record counts for nothing */
		return mp_check(record, LIMIT_MP_NODES) == OK ? add_facts(r, p, record) : OK;
	}
	if (!p->key.n) {
		r->b->left_out++;
		return OK;
	}
	enum err e = open_sealed(r, p, &record);
	return e == OK ? add_facts(r, p, record) : e;
}

static enum err read_run(struct bundle_reader *r, const struct bundle_read_run *run)
{
	uint64_t next = run->first;
	enum err e = OK;
	r->b->left_out += !run->device;
	for (size_t i = 0; e == OK && run->device && i < json_array_size(run->bodies); i++) {
		struct part p = {.run = run};
		struct envelope envelope = {0};
		snprintf(p.where, sizeof p.where, "%s.bodies[%zu]", run->where, i);
		e = read_part(r, json_array_get(run->bodies, i), &p, &next);
		if (e == OK)
			e = check_envelope(r, &p, &envelope);
		if (e == OK)
			e = p.erased.n ? check_erased(r, &p, &envelope) : check_body(r, &p);
	}
	return e;
}

enum err bundle_read_bodies(struct bundle_reader *r)
{
	struct bundle *b = r->b;
	size_t most = 1;
	enum err e = OK;
	for (size_t i = 0; i < b->runs_n; i++)
		most += json_array_size(b->runs[i].bodies);
	b->erased = (struct id32 *)arena_alloc(&b->arena, most * sizeof *b->erased);
	if (!b->erased)
		return ERR_MEMORY;
	for (size_t i = 0; e == OK && i < b->runs_n; i++)
		e = read_run(r, &b->runs[i]);
	return e;
}
