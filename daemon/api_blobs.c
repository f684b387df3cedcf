/* api_blobs.c -- files go out: found by an entry that attaches them and that the caller can open, decrypted chunk by chunk. */
#include "act.h"
#include "book.h"
#include "compose.h"
#include "entries.h"
#include "protocol/log/blobtree.h"
#include "store/blobfile.h"

#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

struct sending {
	struct api_request *rq;
	const char *home;
	struct book *book; /* while it is looked for */
	bool has_ref, in_rows;
	struct id32 ref_log, root;
	uint64_t ref_seq, size, held, total;
	uint8_t key[32];
	char name[256], type[101];
	enum err err;
	uint64_t chunk; /* that is in `plain`; UINT64_MAX: none */
	uint64_t offset, wanted;
	size_t max, plain_n;
	uint8_t plain[BLOB_CHUNK_STORED_BYTES];
};

static void sending_free(void *ctx)
{
	sodium_free(ctx); /* wipes */
}

/* ---- finding it, on the pool */

static void take_text(char *to, size_t max, struct slice from)
{
	size_t n = from.n < max ? from.n : max - 1;
	if (n)
		memcpy(to, from.p, n);
	to[n] = 0;
}

/* It becomes a header, and comes from a peer. */
static void check_type(char type[101])
{
	if (!*type || !strchr(type, '/') ||
		strspn(type, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/.+-_") !=
			strlen(type))
		snprintf(type, 101, "application/octet-stream");
}

/* A small one lies in the database. */
static enum err read_rows(struct sending *s, struct store *store)
{
	struct store_req req = {.op = STORE_BLOB_CONTENT, .a.root = s->root};
	struct store_res res = {0};
	store_exec_one(store, &req, &res);
	enum err e = res.err;
	if (e == OK && res.r.bytes.n != s->size + BLOB_CHUNK_TAG_BYTES)
		e = ERR_CORRUPT;
	if (e == OK)
		e = blob_chunk_decrypt(s->key, 0, true, res.r.bytes.p, res.r.bytes.n, s->plain);
	if (e == OK) {
		s->chunk = 0;
		s->plain_n = (size_t)s->size;
	}
	store_res_free(&res);
	return e;
}

static enum err find_in(struct sending *s, struct store *store, const struct store_blob *b)
{
	struct record_blob found;
	struct buf keep = {0};
	struct opener *o = NULL;
	enum err e = book_catch_up(s->book, store);
	if (e == OK)
		e = (o = book_opener(s->book)) ? OK : ERR_MEMORY;
	if (e == OK)
		e = entries_blob_key(store, o, b, s->has_ref ? &s->ref_log : NULL, s->ref_seq, &found, &keep);
	opener_free(o);
	if (e == OK) {
		memcpy(s->key, found.key, sizeof s->key);
		take_text(s->name, sizeof s->name, found.name);
		take_text(s->type, sizeof s->type, found.type);
		check_type(s->type);
		sodium_memzero(&found, sizeof found);
	}
	if (keep.p)
		sodium_memzero(keep.p, keep.cap);
	buf_free(&keep);
	s->size = b->size;
	s->total = blob_chunks(b->size);
	s->held = b->state == BLOB_COMPLETE ? s->total : b->have_n;
	s->in_rows = b->in_rows;
	if (e == OK && b->state != BLOB_COMPLETE)
		e = ERR_PENDING;
	return e == OK && b->in_rows ? read_rows(s, store) : e;
}

static void find(void *ctx, struct store *store, enum err e)
{
	struct sending *s = (struct sending *)ctx;
	struct store_req req = {.op = STORE_BLOB_GET, .a.root = s->root};
	struct store_res res = {0};
	s->err = e;
	if (e != OK)
		return;
	store_exec_one(store, &req, &res);
	s->err = res.err == OK ? find_in(s, store, &res.r.blobs[0]) : res.err;
	store_res_free(&res);
}

/* ---- sending it */

static void read_chunk(void *ctx)
{
	struct sending *s = (struct sending *)ctx;
	size_t n = blob_chunk_plain_bytes(s->size, s->wanted) + BLOB_CHUNK_TAG_BYTES;
	int fd = -1;
	s->chunk = UINT64_MAX;
	s->err = blobfile_open(s->home, &s->root, &fd);
	if (s->err == OK)
		s->err = blobfile_read_chunk(fd, s->wanted, s->plain, n);
	if (fd >= 0)
		close(fd);
	if (s->err == OK)
		s->err = blob_chunk_decrypt(
			s->key, s->wanted, s->wanted + 1 == s->total, s->plain, n, s->plain);
	if (s->err == OK) {
		s->chunk = s->wanted;
		s->plain_n = n - BLOB_CHUNK_TAG_BYTES;
	}
}

static void put(void *ctx)
{
	struct sending *s = (struct sending *)ctx;
	size_t at = (size_t)(s->offset % BLOB_CHUNK_BYTES);
	if (s->chunk != s->wanted || at >= s->plain_n) {
		api_stream_end(s->rq, s->err != OK ? s->err : ERR_CORRUPT);
		return;
	}
	size_t n = s->plain_n - at < s->max ? s->plain_n - at : s->max;
	api_stream_put(s->rq, s->plain + at, n);
}

static void pull(void *ctx, struct api_request *rq, uint64_t offset, size_t max)
{
	struct sending *s = (struct sending *)ctx;
	s->offset = offset;
	s->max = max;
	s->wanted = offset / BLOB_CHUNK_BYTES;
	s->err = OK;
	if (s->chunk == s->wanted)
		put(s);
	else
		node_work(rq->node, read_chunk, put, s);
}

/* What a browser may show in the page's place; all else is offered to save. */
static bool is_shown(const char *type)
{
	if (strcmp(type, "image/svg+xml") == 0)
		return false;
	return strncmp(type, "image/", 6) == 0 || strncmp(type, "video/", 6) == 0 ||
		strncmp(type, "audio/", 6) == 0 || strcmp(type, "text/plain") == 0 ||
		strcmp(type, "application/pdf") == 0;
}

static void send_it(struct api_request *rq, void *ctx)
{
	struct sending *s = (struct sending *)ctx;
	char etag[65];
	sodium_bin2hex(etag, sizeof etag, s->root.b, 32);
	bool shown = is_shown(s->type) && !api_query(rq, "download");
	const struct api_stream stream = {.size = s->size,
		.content_type = s->type,
		.filename = shown ? NULL : s->name,
		.etag = etag,
		.pull = pull,
		.close = sending_free,
		.ctx = s};
	api_stream(rq, &stream);
}

static enum err say(struct act *a, const struct sending *s, enum err e)
{
	if (e == ERR_NOT_FOUND)
		return act_say(a, e, "This file is not on this node, or no entry attaches it.");
	if (e == ERR_LOCKED)
		return act_say(a, e, "This file is sealed, and not for whom you are signed in as.");
	if (e == ERR_PENDING)
		return act_say(a, e, "%llu of %llu parts of this file are here: it is still coming.",
			(unsigned long long)s->held, (unsigned long long)s->total);
	return e;
}

static enum err get(struct act *a)
{
	const char *ref = api_query(a->rq, "ref");
	struct sending *s = (struct sending *)sodium_malloc(sizeof *s);
	if (!s)
		return ERR_MEMORY;
	memset(s, 0, sizeof *s);
	s->rq = a->rq;
	s->home = a->desk->home;
	s->book = session_book(a->rq->sessions, a->rq->session);
	s->chunk = UINT64_MAX;
	enum err e = s->book ? OK : ERR_MEMORY;
	if (e == OK && !api_id_parse(api_param(a->rq, "root"), &s->root))
		e = act_say(a, ERR_INPUT, "A file is named by 64 hexadecimal digits: the root in its entry.");
	if (e == OK && ref) {
		s->has_ref = true;
		e = act_ref(a->desk, ref, &s->ref_log, &s->ref_seq);
	}
	if (e == OK) {
		desk_read(a->desk, find, s);
		e = say(a, s, s->err);
	}
	s->book = NULL;
	if (e != OK) {
		sending_free(s);
		return e;
	}
	a->then = send_it;
	a->then_ctx = s;
	return OK;
}

void route_blob_get(struct api_request *rq)
{
	act_begin(rq, get);
}
