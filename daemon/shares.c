/* shares.c -- see shares.h. */
#include "shares.h"

#include "protocol/log/entry.h"
#include "protocol/log/record.h"

#include <sodium.h>

#define FIRST_CAP 256u
#define READ_AT_ONCE 64u

/* Of a reader and an entry; zeros: none. */
struct pair {
	uint8_t b[16];
};

struct read_log {
	struct id32 log, last; /* last: entry next - 1 */
	uint64_t next; /* entries before it were read */
};

struct shares {
	uint8_t seed[crypto_generichash_KEYBYTES]; /* nobody chooses its collisions */
	size_t n, cap; /* cap: a power of two, at least twice n */
	struct pair *pairs;
	size_t logs_n;
	struct read_log *logs;
};

struct shares *shares_new(void)
{
	struct shares *s = (struct shares *)calloc(1, sizeof *s);
	if (s)
		randombytes_buf(s->seed, sizeof s->seed);
	return s;
}

void shares_free(struct shares *s)
{
	if (!s)
		return;
	free(s->pairs);
	free(s->logs);
	free(s);
}

/* ---- pairs */

static struct pair pair_of(const struct shares *s, const struct id32 *reader, const struct id32 *entry)
{
	uint8_t both[64];
	struct pair p;
	memcpy(both, reader->b, 32);
	memcpy(both + 32, entry->b, 32);
	crypto_generichash(p.b, sizeof p.b, both, sizeof both, s->seed, sizeof s->seed);
	return p;
}

/* Where it stands, or would; cap is not 0. */
static struct pair *slot_of(const struct shares *s, const struct pair *p)
{
	static const struct pair none;
	size_t at = (size_t)be64_get(p->b) & (s->cap - 1);
	while (memcmp(&s->pairs[at], p, sizeof *p) != 0 && memcmp(&s->pairs[at], &none, sizeof none) != 0)
		at = (at + 1) & (s->cap - 1);
	return &s->pairs[at];
}

static enum err grow(struct shares *s)
{
	static const struct pair none;
	struct shares bigger = *s;
	bigger.cap = s->cap ? s->cap * 2 : FIRST_CAP;
	bigger.pairs = (struct pair *)calloc(bigger.cap, sizeof *bigger.pairs);
	if (!bigger.pairs)
		return ERR_MEMORY;
	for (size_t i = 0; i < s->cap; i++)
		if (memcmp(&s->pairs[i], &none, sizeof none) != 0)
			*slot_of(&bigger, &s->pairs[i]) = s->pairs[i];
	free(s->pairs);
	*s = bigger;
	return OK;
}

bool shares_has(const struct shares *s, const struct id32 *reader, const struct id32 *entry)
{
	const struct pair p = pair_of(s, reader, entry);
	return s->cap && memcmp(slot_of(s, &p), &p, sizeof p) == 0;
}

enum err shares_add(struct shares *s, const struct id32 *reader, const struct id32 *entry)
{
	if (shares_has(s, reader, entry))
		return OK;
	if (s->n == SHARES_MAX)
		return ERR_LIMIT;
	enum err e = s->cap < (s->n + 1) * 2 ? grow(s) : OK;
	if (e != OK)
		return e;
	const struct pair p = pair_of(s, reader, entry);
	*slot_of(s, &p) = p;
	s->n++;
	return OK;
}

/* ---- reading */

/* The pairs of one record. */
static enum err read_record(struct shares *s, struct slice record)
{
	struct slice kind, fields;
	struct mp_in to, keys;
	struct id32 reader;
	struct entry_ref of;
	uint8_t key[32];
	size_t readers_n = 0, n = 0;
	enum err e = OK;
	if (record_check(record, NULL) != OK || record_open(record, &kind, &fields) != OK ||
		!slice_equal(kind, slice_str("share")) || record_get(fields, "to", &to) != OK ||
		mp_get_array(&to, 0, SIZE_MAX, &readers_n) != OK)
		return OK;
	for (; e == OK && readers_n > 0 && mp_get_id(&to, &reader) == OK; readers_n--) {
		if (record_get(fields, "keys", &keys) != OK || mp_get_array(&keys, 0, SIZE_MAX, &n) != OK)
			return OK;
		for (; e == OK && n > 0 && record_get_key(&keys, &of, key) == OK; n--)
			e = shares_add(s, &reader, &of.id);
	}
	sodium_memzero(key, sizeof key);
	return e;
}

static enum err read_entry(struct shares *s, struct book *b, struct store *reader, const struct entry_ref *at)
{
	struct buf record = {0};
	enum err e = book_record(b, reader, at, &record);
	if (e == OK)
		e = read_record(s, buf_slice(&record));
	else if (e == ERR_LOCKED || e == ERR_NOT_FOUND || e == ERR_ERASED || e == ERR_FORMAT ||
		e == ERR_DECRYPT)
		e = OK; /* it hands on nothing that we know of */
	if (record.p)
		sodium_memzero(record.p, record.cap);
	buf_free(&record);
	return e;
}

static enum err read_some(
	struct shares *s, struct book *b, struct store *reader, struct read_log *l, uint64_t end)
{
	uint64_t seqs[READ_AT_ONCE];
	size_t n = 0;
	for (uint64_t seq = l->next; seq < end && n < READ_AT_ONCE; seq++)
		seqs[n++] = seq;
	struct store_req req = {.op = STORE_BODY_GET, .a.log = l->log, .a.seqs = seqs, .a.n = n};
	struct store_res res = {0};
	store_exec_one(reader, &req, &res);
	enum err e = res.err;
	if (e == OK && res.r.n && res.r.parts[res.r.n - 1].header)
		l->last = entry_id(res.r.parts[res.r.n - 1].header);
	for (size_t i = 0; e == OK && i < res.r.n; i++) {
		const struct store_part *p = &res.r.parts[i];
		const bool sealed = p->header && p->kind == BODY_HERE && (p->header[1] & ENTRY_FLAG_SEALED);
		const struct entry_ref at = {.log = l->log,
			.seq = seqs[i],
			.id = sealed ? entry_id(p->header) : (struct id32){{0}}};
		if (sealed)
			e = read_entry(s, b, reader, &at);
	}
	store_res_free(&res);
	if (e == OK)
		l->next += n;
	return e;
}

static enum err find_log(struct shares *s, const struct id32 *log, struct read_log **out)
{
	for (size_t i = 0; i < s->logs_n; i++)
		if (id32_equal(&s->logs[i].log, log)) {
			*out = &s->logs[i];
			return OK;
		}
	struct read_log *logs = (struct read_log *)realloc(s->logs, (s->logs_n + 1) * sizeof *logs);
	if (!logs)
		return ERR_MEMORY;
	s->logs = logs;
	logs[s->logs_n] = (struct read_log){.log = *log};
	*out = &logs[s->logs_n++];
	return OK;
}

/* Is it the chain that was read, as far as it was read? */
static enum err is_same_chain(struct store *reader, const struct read_log *l, uint64_t end, bool *same)
{
	uint64_t seq = l->next - 1;
	struct store_req req = {.op = STORE_IDS, .a.log = l->log, .a.seqs = &seq, .a.n = 1};
	struct store_res res = {0};
	*same = l->next <= end;
	if (!*same || l->next == 0)
		return OK;
	store_exec_one(reader, &req, &res);
	if (res.err == OK)
		*same = id32_equal(&res.r.ids[0], &l->last);
	store_res_free(&res);
	return res.err;
}

/* What was handed on behind an end, or along another branch, reaches nobody any more (SPEC 4.4). */
static enum err forget_if_cut(
	struct shares *s, struct store *reader, const struct store_log *rows, size_t rows_n)
{
	bool same = true;
	enum err e = OK;
	for (size_t i = 0; e == OK && same && i < rows_n; i++) {
		struct read_log *l = NULL;
		e = find_log(s, &rows[i].log, &l);
		if (e == OK)
			e = is_same_chain(reader, l, rows[i].end, &same);
	}
	if (e != OK || same)
		return e;
	free(s->pairs);
	s->pairs = NULL;
	s->n = s->cap = s->logs_n = 0;
	return OK;
}

enum err shares_catch_up(struct shares *s, struct book *b, struct store *reader, const struct id32 *by)
{
	struct store_req req = {.op = STORE_LOG_LIST, .a.identity = *by};
	struct store_res res = {0};
	store_exec_one(reader, &req, &res);
	enum err e = res.err;
	if (e == OK)
		e = forget_if_cut(s, reader, res.r.logs, res.r.n);
	for (size_t i = 0; e == OK && i < res.r.n; i++) {
		struct read_log *l = NULL;
		e = find_log(s, &res.r.logs[i].log, &l);
		while (e == OK && l->next < res.r.logs[i].end)
			e = read_some(s, b, reader, l, res.r.logs[i].end);
	}
	store_res_free(&res);
	return e;
}
