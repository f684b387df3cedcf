/* book_look.c -- a book catches up: it goes over the entries of this node that it has not looked at. */
#include "book_int.h"

#include "protocol/log/entry.h"
#include "protocol/log/record.h"

#include <sodium.h>

#define LOOK_AT_ONCE 64u

/* ---- logs */

/* Where the log stands, or would. */
static size_t place_of(const struct book *b, const struct id32 *log)
{
	size_t low = 0, high = b->logs_n;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (id32_cmp(&b->logs[middle].log, log) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct book_log *book_log_find(struct book *b, const struct id32 *log)
{
	size_t i = place_of(b, log);
	return i < b->logs_n && id32_equal(&b->logs[i].log, log) ? &b->logs[i] : NULL;
}

static enum err log_make(struct book *b, const struct store_log *row)
{
	size_t at = place_of(b, &row->log);
	if (at < b->logs_n && id32_equal(&b->logs[at].log, &row->log))
		return OK;
	if (b->logs_n == b->logs_cap) {
		size_t cap = b->logs_cap ? b->logs_cap * 2 : 64;
		struct book_log *logs = (struct book_log *)realloc(b->logs, cap * sizeof *logs);
		if (!logs)
			return ERR_MEMORY;
		b->logs = logs;
		b->logs_cap = cap;
	}
	memmove(&b->logs[at + 1], &b->logs[at], (b->logs_n - at) * sizeof *b->logs);
	b->logs[at] = (struct book_log){.log = row->log, .identity = row->identity, .pairs = SIZE_MAX};
	b->logs_n++;
	return OK;
}

static enum err log_extend(struct book_log *l, uint64_t length)
{
	size_t bytes = (size_t)(length / 4 + 1);
	if (bytes > l->looks_bytes) {
		size_t cap = bytes + bytes / 2;
		uint8_t *looks = (uint8_t *)realloc(l->looks, cap);
		if (!looks)
			return ERR_MEMORY;
		memset(looks + l->looks_bytes, 0, cap - l->looks_bytes);
		l->looks = looks;
		l->looks_bytes = cap;
	}
	return OK;
}

/* ---- keys that it hands on */

static enum err note_late(struct book *b, const struct entry_ref *of)
{
	if (b->late_n == b->late_cap) {
		size_t cap = b->late_cap ? b->late_cap * 2 : 64;
		struct entry_ref *late = (struct entry_ref *)realloc(b->late, cap * sizeof *late);
		if (!late)
			return ERR_MEMORY;
		b->late = late;
		b->late_cap = cap;
	}
	b->late[b->late_n++] = *of;
	return OK;
}

static enum err note_key(
	struct book *b, const struct id32 *by, const struct entry_ref *of, const uint8_t key[32])
{
	const struct book_log *l = book_log_find(b, &of->log);
	enum handed_added added;
	enum err e = handed_add(&b->keys, of, by, l ? &l->identity : NULL, key, &added);
	if (e == OK && added == HANDED_NO_ROOM)
		b->full = true;
	return e == OK && added == HANDED_NEW ? note_late(b, of) : e;
}

/* Most records do not, and are not parsed for it. */
static bool may_hand_on(struct slice record)
{
	static const uint8_t share[] = {0x92, 0xa5, 's', 'h', 'a', 'r', 'e'};
	static const uint8_t submission[] = {0x92, 0xaa, 's', 'u', 'b', 'm', 'i', 's', 's', 'i', 'o', 'n'};
	return (record.n > sizeof share && memcmp(record.p, share, sizeof share) == 0) ||
		(record.n > sizeof submission && memcmp(record.p, submission, sizeof submission) == 0);
}

static enum err note_keys(struct book *b, const struct id32 *by, struct slice record)
{
	struct slice kind, fields;
	struct mp_in value;
	struct entry_ref of;
	uint8_t key[32];
	size_t n = 0;
	if (!may_hand_on(record) || record_check(record, NULL) != OK ||
		record_open(record, &kind, &fields) != OK || record_get(fields, "keys", &value) != OK ||
		mp_get_array(&value, 0, SIZE_MAX, &n) != OK)
		return OK;
	enum err e = OK;
	for (size_t i = 0; e == OK && i < n && record_get_key(&value, &of, key) == OK; i++)
		e = note_key(b, by, &of, key);
	sodium_memzero(key, sizeof key);
	return e;
}

/* ---- one entry */

struct looking {
	struct book *b;
	struct store *reader;
	struct opener *opener;
};

static void note_opened(struct book *b, const struct id32 *author)
{
	for (size_t i = 0; i < b->opened_n; i++)
		if (id32_equal(&b->opened[i], author))
			return;
	if (b->opened_n < BOOK_OPENED_MAX && !(b->has_me && id32_equal(&b->me, author)))
		b->opened[b->opened_n++] = *author;
}

static enum err look_sealed(
	struct looking *t, struct book_log *l, uint64_t seq, const struct store_part *p, enum look *look)
{
	struct buf record = {0};
	struct entry_header h;
	bool put = false;
	enum err e = opener_open(t->opener, t->reader, &l->identity, &l->log, p, &record);
	*look = e == ERR_LOCKED ? LOOK_LOCKED : LOOK_DONE;
	if (e == ERR_LOCKED || e == ERR_FORMAT || e == ERR_DECRYPT)
		e = OK;
	else if (e == OK && entry_header_decode(slice_of(p->header, ENTRY_HEADER_BYTES), &h) == OK) {
		const struct fact_source src = {.at = {.log = l->log, .seq = seq, .id = entry_id(p->header)},
			.author = l->identity,
			.flags = h.flags,
			.hour = h.hour,
			.record = buf_slice(&record)};
		const struct id32 author = l->identity;
		note_opened(t->b, &author);
		e = book_put(t->b, l, &src, &put);
		if (put)
			*look = LOOK_OPEN;
		if (e == OK)
			e = note_keys(t->b, &author, src.record);
	}
	if (record.p)
		sodium_memzero(record.p, record.cap);
	buf_free(&record);
	return e;
}

static enum err look_at(struct looking *t, struct book_log *l, uint64_t seq, const struct store_part *p)
{
	enum look look = LOOK_DONE;
	enum err e = OK;
	if (!p->header || (p->kind != BODY_HERE && p->kind != BODY_ERASED))
		return OK;
	if (p->kind == BODY_HERE && (p->header[1] & ENTRY_FLAG_SEALED))
		e = look_sealed(t, l, seq, p, &look);
	else if (p->kind == BODY_HERE && p->bytes.n > ENTRY_SALT_BYTES)
		e = note_keys(t->b, &l->identity,
			slice_of(p->bytes.p + ENTRY_SALT_BYTES, p->bytes.n - ENTRY_SALT_BYTES));
	if (e == OK)
		look_set(l, seq, look);
	return e;
}

static enum err look_at_some(struct looking *t, struct book_log *l, const uint64_t *seqs, size_t n)
{
	struct store_req get = {.op = STORE_BODY_GET, .a.log = l->log, .a.seqs = seqs, .a.n = n};
	struct store_res res = {0};
	store_exec_one(t->reader, &get, &res);
	enum err e = res.err;
	for (size_t i = 0; e == OK && i < res.r.n; i++)
		e = look_at(t, l, seqs[i], &res.r.parts[i]);
	store_res_free(&res);
	return e;
}

/* ---- one log */

/* Everything of it is looked at anew: it is no longer the chain that it was. */
static enum err forget(struct book *b, struct book_log *l)
{
	enum err e = OK;
	for (uint64_t seq = 0; e == OK && seq < l->length; seq++)
		if (look_get(l, seq) == LOOK_OPEN)
			e = book_drop(b, l, seq);
	if (l->looks_bytes)
		memset(l->looks, 0, l->looks_bytes);
	l->length = 0;
	l->erased_sum = (struct id32){{0}};
	return e;
}

static enum err is_same_chain(struct looking *t, const struct book_log *l, bool *same)
{
	uint64_t seq = l->length - 1;
	struct store_req req = {.op = STORE_IDS, .a.log = l->log, .a.seqs = &seq, .a.n = 1};
	struct store_res res = {0};
	*same = l->length == 0;
	if (*same)
		return OK;
	store_exec_one(t->reader, &req, &res);
	if (res.err == OK)
		*same = id32_equal(&res.r.ids[0], &l->last);
	store_res_free(&res);
	return res.err;
}

static enum err look_for_erased(struct looking *t, struct book_log *l)
{
	enum err e = OK;
	for (uint64_t first = 0; e == OK && first < l->length;) {
		struct store_req req = {
			.op = STORE_ERASED_GET, .a.log = l->log, .a.first = first, .a.max = LOOK_AT_ONCE};
		struct store_res res = {0};
		store_exec_one(t->reader, &req, &res);
		e = res.err;
		for (size_t i = 0; e == OK && i < res.r.n && res.r.seqs[i] < l->length; i++) {
			if (look_get(l, res.r.seqs[i]) == LOOK_OPEN)
				e = book_drop(t->b, l, res.r.seqs[i]);
			if (e == OK)
				look_set(l, res.r.seqs[i], LOOK_DONE);
		}
		first = e == OK && res.r.n ? res.r.seqs[res.r.n - 1] + 1 : UINT64_MAX;
		store_res_free(&res);
	}
	return e;
}

static enum err look_for_new(struct looking *t, struct book_log *l, bool locked)
{
	uint64_t seqs[LOOK_AT_ONCE];
	size_t n = 0;
	enum err e = OK;
	for (uint64_t seq = 0; e == OK && seq < l->length; seq++) {
		enum look look = look_get(l, seq);
		if (look == LOOK_AGAIN || (locked && look == LOOK_LOCKED))
			seqs[n++] = seq;
		if (n == LOOK_AT_ONCE || (n && seq + 1 == l->length)) {
			e = look_at_some(t, l, seqs, n);
			n = 0;
		}
	}
	return e;
}

static enum err look_at_log(struct looking *t, struct book_log *l, const struct store_log *row)
{
	bool same;
	size_t pairs;
	enum err e = is_same_chain(t, l, &same);
	if (e == OK && !same)
		e = forget(t->b, l);
	if (e == OK)
		e = opener_pairs(t->opener, t->reader, &l->identity, &pairs);
	if (e == OK)
		e = log_extend(l, row->length);
	if (e != OK)
		return e;
	l->end = row->end;
	l->length = row->length;
	l->last = row->last;
	if (!id32_equal(&l->erased_sum, &row->erased_sum))
		e = look_for_erased(t, l);
	if (e == OK)
		e = look_for_new(t, l, pairs != l->pairs);
	if (e != OK)
		return e;
	/* Last: what was cut short is done again. */
	l->pairs = pairs;
	l->erased_sum = row->erased_sum;
	l->change = row->change;
	return OK;
}

/* ---- all of them */

/* Bodies that were looked at before their keys came; each may bring more keys. */
static enum err look_late(struct looking *t)
{
	struct book *b = t->b;
	enum err e = OK;
	for (; e == OK && b->late_at < b->late_n; b->late_at += e == OK) {
		const struct entry_ref of = b->late[b->late_at];
		struct book_log *l = book_log_find(b, &of.log);
		if (l && of.seq < l->length && look_get(l, of.seq) == LOOK_LOCKED)
			e = look_at_some(t, l, &of.seq, 1);
	}
	if (e == OK)
		b->late_n = b->late_at = 0;
	return e;
}

static bool has_changed(struct book *b, const struct store_log *row)
{
	const struct book_log *l = book_log_find(b, &row->log);
	return l &&
		(l->change != row->change || l->length != row->length || l->end != row->end ||
			l->pairs == SIZE_MAX || !id32_equal(&l->erased_sum, &row->erased_sum));
}

static enum err look_at_all(struct looking *t)
{
	struct store_req req = {.op = STORE_LOG_LIST};
	struct store_res res = {0};
	store_exec_one(t->reader, &req, &res);
	enum err e = res.err;
	for (size_t i = 0; e == OK && i < res.r.n; i++)
		e = log_make(t->b, &res.r.logs[i]);
	for (size_t i = 0; e == OK && i < res.r.n; i++)
		if (has_changed(t->b, &res.r.logs[i]))
			e = look_at_log(t, book_log_find(t->b, &res.r.logs[i].log), &res.r.logs[i]);
	store_res_free(&res);
	return e == OK ? look_late(t) : e;
}

enum err book_look(struct book *b, struct store *reader)
{
	struct store_req req = {.op = STORE_NUMBER};
	struct store_res res = {0};
	store_exec_one(reader, &req, &res);
	enum err e = res.err;
	const uint64_t number = res.r.number;
	store_res_free(&res);
	if (e != OK || number == b->number)
		return e;
	/* Others' key events may have changed: their reading keys are looked up anew. */
	opener_free(b->opener);
	b->opener = NULL;
	struct looking t = {.b = b, .reader = reader};
	e = book_own_opener(b, &t.opener);
	if (e == OK)
		e = look_at_all(&t);
	if (e == OK)
		b->number = number;
	return e;
}
