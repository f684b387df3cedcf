/* book.c -- see book.h. */
#include "book_int.h"

#include "desk.h"
#include "protocol/log/entry.h"

#include <sodium.h>

/* ---- life */

static void copy_readings(struct identity_reading *to, size_t *n, const struct keyring *keys)
{
	*n = keys ? keys->self.secrets.readings_n : 0;
	if (*n)
		memcpy(to, keys->self.secrets.readings, *n * sizeof *to);
}

struct book *book_new(const struct keyring *keys)
{
	struct book *b = (struct book *)sodium_malloc(sizeof *b);
	if (!b)
		return NULL;
	memset(b, 0, sizeof *b);
	b->number = UINT64_MAX;
	b->has_me = keys != NULL;
	if (keys)
		b->me = keys->self.identity;
	copy_readings(b->readings, &b->readings_n, keys);
	handed_init(&b->keys);
	if (uv_mutex_init(&b->told) != 0) {
		sodium_free(b);
		return NULL;
	}
	if (uv_mutex_init(&b->mutex) != 0) {
		uv_mutex_destroy(&b->told);
		sodium_free(b);
		return NULL;
	}
	if (store_open_memory(&b->facts) != OK) {
		b->facts = NULL;
		book_free(b);
		return NULL;
	}
	return b;
}

void book_free(struct book *b)
{
	if (!b)
		return;
	opener_free(b->opener);
	if (b->facts)
		store_close(b->facts);
	handed_deinit(&b->keys);
	for (size_t i = 0; i < b->logs_n; i++)
		free(b->logs[i].looks);
	free(b->logs);
	free(b->late);
	uv_mutex_destroy(&b->mutex);
	uv_mutex_destroy(&b->told);
	sodium_free(b); /* wipes */
}

/* They are taken at the next catching up: that may be under way now, and takes long. */
void book_keys(struct book *b, const struct keyring *keys)
{
	uv_mutex_lock(&b->told);
	copy_readings(b->next, &b->next_n, keys);
	b->has_next = true;
	uv_mutex_unlock(&b->told);
}

/* New reading keys: whatever was locked is tried again. */
static void take_readings(struct book *b)
{
	uv_mutex_lock(&b->told);
	bool same = !b->has_next ||
		(b->next_n == b->readings_n &&
			memcmp(b->next, b->readings, b->next_n * sizeof *b->next) == 0);
	if (!same) {
		b->readings_n = b->next_n;
		memcpy(b->readings, b->next, b->next_n * sizeof *b->next);
	}
	b->has_next = false;
	sodium_memzero(b->next, sizeof b->next);
	uv_mutex_unlock(&b->told);
	if (same)
		return;
	b->number = UINT64_MAX;
	opener_free(b->opener);
	b->opener = NULL;
	for (size_t i = 0; i < b->logs_n; i++)
		b->logs[i].pairs = SIZE_MAX;
}

enum err book_own_opener(struct book *b, struct opener **out)
{
	if (!b->opener) {
		b->opener = opener_new_with(b->readings, b->readings_n);
		if (!b->opener)
			return ERR_MEMORY;
		opener_keys(b->opener, handed_find, &b->keys);
	}
	*out = b->opener;
	return OK;
}

enum err book_catch_up(struct book *b, struct store *reader)
{
	uv_mutex_lock(&b->mutex);
	take_readings(b);
	enum err e = book_look(b, reader);
	uv_mutex_unlock(&b->mutex);
	return e;
}

size_t book_opened(struct book *b, struct id32 *out)
{
	uv_mutex_lock(&b->mutex);
	size_t n = b->opened_n;
	memcpy(out, b->opened, n * sizeof *out);
	b->opened_n = 0;
	uv_mutex_unlock(&b->mutex);
	return n;
}

void book_seek(struct book *b, const struct entry_ref *at)
{
	uv_mutex_lock(&b->mutex);
	bool known = b->sought_n == BOOK_SOUGHT_MAX;
	for (size_t i = 0; i < b->sought_n && !known; i++)
		known = id32_equal(&b->sought[i].id, &at->id);
	if (!known)
		b->sought[b->sought_n++] = *at;
	uv_mutex_unlock(&b->mutex);
}

size_t book_sought(struct book *b, struct entry_ref out[BOOK_SOUGHT_MAX])
{
	uv_mutex_lock(&b->mutex);
	size_t n = b->sought_n;
	memcpy(out, b->sought, n * sizeof *out);
	b->sought_n = 0;
	uv_mutex_unlock(&b->mutex);
	return n;
}

bool book_full(struct book *b)
{
	uv_mutex_lock(&b->mutex);
	bool full = b->full;
	uv_mutex_unlock(&b->mutex);
	return full;
}

/* ---- questions */

enum err book_ask(struct book *b, struct store_req *req, struct store_res *res)
{
	*res = (struct store_res){0};
	if (req->op == STORE_FACT_PUT || req->op == STORE_FACT_DROP) {
		res->err = ERR_REFUSED;
		return res->err;
	}
	uv_mutex_lock(&b->mutex);
	store_exec_one(b->facts, req, res);
	for (size_t i = 0; res->err == OK && i < res->r.n; i++) {
		struct fact *f = &res->r.facts[i];
		const struct book_log *l = book_log_find(b, &f->at.log);
		f->cut = l && f->at.seq >= l->end;
	}
	uv_mutex_unlock(&b->mutex);
	return res->err;
}

struct body {
	struct id32 author;
	struct store_res res;
	const struct store_part *part;
};

/* Not in the log: what lies aside is opened all the same, for whom it may concern (SPEC 16.6). */
static enum err find_aside(struct store *reader, const struct entry_ref *at, struct body *body)
{
	struct store_req get = {.op = STORE_SOUGHT_GET, .a.log = at->log, .a.seq = at->seq, .a.id = at->id};
	store_res_free(&body->res);
	body->res = (struct store_res){0};
	store_exec_one(reader, &get, &body->res);
	body->part = body->res.err == OK ? body->res.r.parts : NULL;
	return body->res.err != OK ? body->res.err : body->part ? OK : ERR_NOT_FOUND;
}

/* ERR_NOT_FOUND: not here, or the pointer names another entry. */
static enum err find_body(struct store *reader, const struct entry_ref *at, struct body *body)
{
	struct store_req log = {.op = STORE_LOG_GET, .a.log = at->log};
	struct store_req get = {.op = STORE_BODY_GET, .a.log = at->log, .a.seqs = &at->seq, .a.n = 1};
	struct store_res res = {0};
	*body = (struct body){.part = NULL};
	store_exec_one(reader, &log, &res);
	enum err e = res.err;
	if (e == OK)
		body->author = res.r.logs[0].identity;
	store_res_free(&res);
	if (e != OK)
		return e;
	store_exec_one(reader, &get, &body->res);
	e = body->res.err;
	if (e != OK)
		return e;
	body->part = &body->res.r.parts[0];
	const struct id32 id = body->part->header ? entry_id(body->part->header) : (struct id32){{0}};
	return id32_equal(&id, &at->id) ? OK : find_aside(reader, at, body);
}

static enum err open_entry(struct book *b, struct store *reader, const struct entry_ref *at,
	struct buf *record, uint8_t key[32], bool *sealed)
{
	struct body body;
	struct opener *o = NULL;
	enum err e = find_body(reader, at, &body);
	if (e == OK) {
		*sealed = (body.part->header[1] & ENTRY_FLAG_SEALED) != 0;
		uv_mutex_lock(&b->mutex);
		e = book_own_opener(b, &o);
		if (e == OK)
			e = opener_open_key(o, reader, &body.author, &at->log, body.part, record, key);
		uv_mutex_unlock(&b->mutex);
	}
	store_res_free(&body.res);
	return e;
}

enum err book_key(struct book *b, struct store *reader, const struct entry_ref *at, uint8_t key[32])
{
	struct buf record = {0};
	bool sealed = true;
	enum err e = open_entry(b, reader, at, &record, key, &sealed);
	if (record.p)
		sodium_memzero(record.p, record.cap);
	buf_free(&record);
	return e == OK && !sealed ? ERR_STATE : e;
}

enum err book_record(struct book *b, struct store *reader, const struct entry_ref *at, struct buf *record)
{
	bool sealed;
	return open_entry(b, reader, at, record, NULL, &sealed);
}

static bool find_locked(void *ctx, const struct entry_ref *entry, size_t i, uint8_t key[32])
{
	struct book *b = (struct book *)ctx;
	uv_mutex_lock(&b->mutex);
	bool found = handed_find(&b->keys, entry, i, key);
	uv_mutex_unlock(&b->mutex);
	return found;
}

struct opener *book_opener(struct book *b)
{
	uv_mutex_lock(&b->mutex);
	struct opener *o = opener_new_with(b->readings, b->readings_n);
	uv_mutex_unlock(&b->mutex);
	if (o)
		opener_keys(o, find_locked, b);
	return o;
}
