/* ranges.c -- see ranges.h. */
#include "ranges.h"

#include "protocol/log/hash.h"

#define CHILDREN 16

struct item {
	uint64_t place, ref;
	struct id32 sum; /* the value; once sorted, the sum of all values up to this one */
};

struct ranges {
	uint8_t nonce[RANGES_NONCE_BYTES];
	struct item *items;
	size_t n, cap;
};

struct ranges *ranges_new(const uint8_t nonce[RANGES_NONCE_BYTES])
{
	struct ranges *r = calloc(1, sizeof *r);
	if (r)
		memcpy(r->nonce, nonce, RANGES_NONCE_BYTES);
	return r;
}

void ranges_free(struct ranges *r)
{
	if (r)
		free(r->items);
	free(r);
}

size_t ranges_count(const struct ranges *r)
{
	return r->n;
}

const uint8_t *ranges_nonce(const struct ranges *r)
{
	return r->nonce;
}

/* ---- items ---- */

/* SPEC 10.8: "the first 8 bytes of H(`quire.place`, N, kind (`u8`), identity id or log id), as a big-endian number" */
static uint64_t place_of(const struct ranges *r, const struct store_row *row)
{
	uint8_t b[RANGES_NONCE_BYTES + 1 + 32];
	memcpy(b, r->nonce, RANGES_NONCE_BYTES);
	b[RANGES_NONCE_BYTES] = row->kind;
	memcpy(b + RANGES_NONCE_BYTES + 1, row->kind == 0 ? row->identity.b : row->log.b, 32);
	struct id32 h = hash_bytes(HASH_PLACE, b, sizeof b);
	return be64_get(h.b);
}

/* SPEC 10.8: "the row's fields in order, from the first id up to the fork's field" */
static struct id32 value_of(const struct ranges *r, const struct store_row *row)
{
	uint8_t b[RANGES_NONCE_BYTES + 1 + 4 * 32 + 2 * 8];
	size_t n = RANGES_NONCE_BYTES;
	memcpy(b, r->nonce, n);
	b[n++] = row->kind;
	if (row->kind == 1) {
		memcpy(b + n, row->log.b, 32);
		n += 32;
	}
	memcpy(b + n, row->identity.b, 32);
	n += 32;
	if (row->kind == 0) {
		be32_put(b + n, (uint32_t)row->count);
		n += 4;
	} else {
		be64_put(b + n, row->length);
		memcpy(b + n + 8, row->last.b, 32);
		n += 40;
	}
	memcpy(b + n, row->sum.b, 32);
	n += 32;
	if (row->kind == 1) {
		be64_put(b + n, row->fork_seq1);
		n += 8;
	}
	return hash_bytes(HASH_ITEM, b, n);
}

enum err ranges_add(struct ranges *r, const struct store_row *row, uint64_t ref)
{
	if (r->n >= RANGES_ITEMS_MAX)
		return ERR_LIMIT;
	if (r->n == r->cap) {
		size_t cap = r->cap ? r->cap * 2 : 256;
		struct item *items = realloc(r->items, cap * sizeof *items);
		if (!items)
			return ERR_MEMORY;
		r->items = items;
		r->cap = cap;
	}
	r->items[r->n++] = (struct item){.place = place_of(r, row), .ref = ref, .sum = value_of(r, row)};
	return OK;
}

static int by_place(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	return x->place != y->place ? (x->place < y->place ? -1 : 1) : id32_cmp(&x->sum, &y->sum);
}

void ranges_sort(struct ranges *r)
{
	if (r->n > 1)
		qsort(r->items, r->n, sizeof *r->items, by_place);
	for (size_t i = 1; i < r->n; i++)
		sum_add(&r->items[i].sum, &r->items[i - 1].sum);
}

/* ---- prefixes ---- */

struct span {
	size_t from, to;
};

static uint64_t mask_of(unsigned depth)
{
	return depth ? UINT64_MAX << (64 - 4 * depth) : 0;
}

/* The first item in [from, to) at or behind `place`. */
static size_t find(const struct ranges *r, struct span in, uint64_t place)
{
	while (in.from < in.to) {
		size_t mid = in.from + (in.to - in.from) / 2;
		if (r->items[mid].place < place)
			in.from = mid + 1;
		else
			in.to = mid;
	}
	return in.from;
}

static struct span span_in(const struct ranges *r, struct span in, struct ranges_prefix p)
{
	uint64_t last = p.bits | ~mask_of(p.depth);
	struct span s = {.from = find(r, in, p.bits)};
	s.to = last == UINT64_MAX ? in.to : find(r, (struct span){s.from, in.to}, last + 1);
	return s;
}

static struct span span_of(const struct ranges *r, struct ranges_prefix p)
{
	return span_in(r, (struct span){0, r->n}, p);
}

static struct ranges_prefix child_of(struct ranges_prefix p, unsigned k)
{
	return (struct ranges_prefix){
		.bits = p.bits | (uint64_t)k << (60 - 4 * p.depth), .depth = p.depth + 1};
}

/* SPEC 10.8: "the first 8 bytes of the SUM of the values of the items that it holds" */
static uint64_t fingerprint(const struct ranges *r, struct span s)
{
	struct id32 sum = {{0}};
	if (s.from < s.to) {
		sum = r->items[s.to - 1].sum;
		if (s.from > 0)
			sum_sub(&sum, &r->items[s.from - 1].sum);
	}
	return be64_get(sum.b);
}

static uint64_t value_at(const struct ranges *r, size_t i)
{
	return fingerprint(r, (struct span){i, i + 1});
}

size_t ranges_prefix_count(const struct ranges *r, struct ranges_prefix p)
{
	struct span s = span_of(r, p);
	return s.to - s.from;
}

uint64_t ranges_fingerprint(const struct ranges *r, struct ranges_prefix p)
{
	return fingerprint(r, span_of(r, p));
}

void ranges_prefix_put(uint8_t out[RANGES_PREFIX_BYTES], struct ranges_prefix p)
{
	out[0] = (uint8_t)p.depth;
	be64_put(out + 1, p.bits);
}

struct ranges_prefix ranges_prefix_get(const uint8_t in[RANGES_PREFIX_BYTES])
{
	return (struct ranges_prefix){.bits = be64_get(in + 1), .depth = in[0]};
}

bool ranges_prefixes_sound(struct slice prefixes)
{
	if (prefixes.n == 0 || prefixes.n % RANGES_PREFIX_BYTES ||
		prefixes.n > RANGES_PREFIXES_MAX * RANGES_PREFIX_BYTES)
		return false;
	for (size_t i = 0; i < prefixes.n; i += RANGES_PREFIX_BYTES) {
		struct ranges_prefix p = ranges_prefix_get(prefixes.p + i);
		if (p.depth > RANGES_DEPTH_MAX || (p.bits & ~mask_of(p.depth)))
			return false;
	}
	return true;
}

/* ---- answering ---- */

static int ascending(const void *a, const void *b)
{
	uint64_t x, y;
	memcpy(&x, a, sizeof x);
	memcpy(&y, b, sizeof y);
	return x < y ? -1 : x > y;
}

static enum err put_u64(struct buf *out, uint64_t v)
{
	uint8_t b[8];
	be64_put(b, v);
	return buf_put(out, b, sizeof b);
}

static enum err answer_one(const struct ranges *r, struct ranges_prefix p, struct buf *out)
{
	struct span s = span_of(r, p);
	uint64_t values[RANGES_FEW];
	size_t n = s.to - s.from;
	bool deeper = n > RANGES_FEW && p.depth < RANGES_DEPTH_MAX;
	n = n > RANGES_FEW ? RANGES_FEW : n;
	uint8_t head = deeper ? RANGES_DEEPER : (uint8_t)n;
	enum err e = buf_put(out, &head, 1);
	for (unsigned k = 0; deeper && k < CHILDREN && e == OK; k++) {
		struct span c = span_in(r, s, child_of(p, k));
		e = put_u64(out, fingerprint(r, c));
	}
	if (deeper)
		return e;
	for (size_t i = 0; i < n; i++)
		values[i] = value_at(r, s.from + i);
	qsort(values, n, sizeof *values, ascending);
	for (size_t i = 0; i < n && e == OK; i++)
		e = put_u64(out, values[i]);
	return e;
}

enum err ranges_answer(const struct ranges *r, struct slice prefixes, struct buf *out)
{
	enum err e = OK;
	for (size_t i = 0; i < prefixes.n && e == OK; i += RANGES_PREFIX_BYTES)
		e = answer_one(r, ranges_prefix_get(prefixes.p + i), out);
	return e;
}

/* ---- comparing ---- */

static void *grown(void *p, size_t n, size_t *cap, size_t item_bytes)
{
	if (n < *cap)
		return p;
	size_t more = *cap ? *cap * 2 : 64;
	void *bigger = realloc(p, more * item_bytes);
	if (bigger)
		*cap = more;
	return bigger;
}

enum err ranges_diff_ref(struct ranges_diff *d, uint64_t ref)
{
	uint64_t *refs = grown(d->refs, d->refs_n, &d->refs_cap, sizeof *refs);
	if (!refs)
		return ERR_MEMORY;
	d->refs = refs;
	refs[d->refs_n++] = ref;
	return OK;
}

enum err ranges_diff_deeper(struct ranges_diff *d, struct ranges_prefix p)
{
	struct ranges_prefix *deeper = grown(d->deeper, d->deeper_n, &d->deeper_cap, sizeof *deeper);
	if (!deeper)
		return ERR_MEMORY;
	d->deeper = deeper;
	deeper[d->deeper_n++] = p;
	return OK;
}

void ranges_diff_deinit(struct ranges_diff *d)
{
	free(d->deeper);
	free(d->refs);
	*d = (struct ranges_diff){0};
}

/* The peer's items of one prefix against ours. */
static enum err compare_items(
	const struct ranges *r, struct span s, const uint8_t *theirs, size_t n, struct ranges_diff *out)
{
	uint64_t values[RANGES_FEW];
	enum err e = OK;
	for (size_t i = 0; i < n; i++) {
		values[i] = be64_get(theirs + 8 * i);
		if (i && values[i] < values[i - 1])
			return ERR_FORMAT;
	}
	for (size_t i = s.from; i < s.to && e == OK; i++) {
		uint64_t v = value_at(r, i);
		if (!bsearch(&v, values, n, sizeof v, ascending))
			e = ranges_diff_ref(out, r->items[i].ref);
	}
	return e;
}

static enum err compare_fingerprints(const struct ranges *r, struct span s, struct ranges_prefix p,
	const uint8_t *theirs, struct ranges_diff *out)
{
	enum err e = OK;
	for (unsigned k = 0; k < CHILDREN && e == OK; k++) {
		struct ranges_prefix child = child_of(p, k);
		struct span c = span_in(r, s, child);
		if (c.from < c.to && fingerprint(r, c) != be64_get(theirs + (size_t)8 * k))
			e = ranges_diff_deeper(out, child);
	}
	return e;
}

enum err ranges_compare(
	const struct ranges *r, struct slice prefixes, struct slice answer, struct ranges_diff *out)
{
	enum err e = OK;
	for (size_t i = 0; i < prefixes.n && e == OK; i += RANGES_PREFIX_BYTES) {
		struct ranges_prefix p = ranges_prefix_get(prefixes.p + i);
		struct span s = span_of(r, p);
		if (answer.n == 0)
			return ERR_FORMAT;
		uint8_t head = answer.p[0];
		bool deeper = head == RANGES_DEEPER && p.depth < RANGES_DEPTH_MAX;
		size_t n = deeper ? CHILDREN : head;
		if ((!deeper && head > RANGES_FEW) || answer.n - 1 < 8 * n)
			return ERR_FORMAT;
		e = deeper ? compare_fingerprints(r, s, p, answer.p + 1, out)
			   : compare_items(r, s, answer.p + 1, n, out);
		answer = slice_of(answer.p + 1 + 8 * n, answer.n - 1 - 8 * n);
	}
	return e == OK && answer.n ? ERR_FORMAT : e;
}
