/* blobread.c -- see blobread.h. */
#include "blobread.h"

#include "protocol/log/blobtree.h"
#include "store/blobfile.h"

#include <unistd.h>

/* A small one lies in the database. */
static enum err read_rows(struct store *s, const struct store_blob *b, const uint8_t key[32], struct buf *out)
{
	struct store_req req = {.op = STORE_BLOB_CONTENT, .a.root = b->root};
	struct store_res res = {0};
	store_exec_one(s, &req, &res);
	enum err e = res.err;
	if (e == OK && res.r.bytes.n != b->size + BLOB_CHUNK_TAG_BYTES)
		e = ERR_CORRUPT;
	if (e == OK)
		e = blob_chunk_decrypt(key, 0, true, res.r.bytes.p, res.r.bytes.n, out->p + out->n);
	store_res_free(&res);
	return e;
}

static enum err read_file(
	const char *home, const struct store_blob *b, const uint8_t key[32], struct buf *out)
{
	const uint64_t total = blob_chunks(b->size);
	uint8_t *stored = (uint8_t *)malloc(BLOB_CHUNK_STORED_BYTES);
	int fd = -1;
	enum err e = stored ? blobfile_open(home, &b->root, &fd) : ERR_MEMORY;
	for (uint64_t i = 0; e == OK && i < total; i++) {
		const size_t n = blob_chunk_plain_bytes(b->size, i) + BLOB_CHUNK_TAG_BYTES;
		e = blobfile_read_chunk(fd, i, stored, n);
		if (e == OK)
			e = blob_chunk_decrypt(
				key, i, i + 1 == total, stored, n, out->p + out->n + i * BLOB_CHUNK_BYTES);
	}
	if (fd >= 0)
		close(fd);
	free(stored);
	return e;
}

enum err blobread_all(
	struct store *s, const char *home, const struct record_blob *blob, size_t max, struct buf *out)
{
	struct store_req req = {.op = STORE_BLOB_GET, .a.root = blob->root};
	struct store_res res = {0};
	store_exec_one(s, &req, &res);
	enum err e = res.err;
	const struct store_blob *b = e == OK ? &res.r.blobs[0] : NULL;
	if (b && b->size > max)
		e = ERR_LIMIT;
	else if (b && b->state != BLOB_COMPLETE)
		e = ERR_PENDING;
	if (e == OK)
		e = buf_reserve(out, (size_t)b->size + 1);
	if (e == OK)
		e = b->in_rows ? read_rows(s, b, blob->key, out) : read_file(home, b, blob->key, out);
	if (e == OK)
		out->n += (size_t)b->size;
	store_res_free(&res);
	return e;
}
