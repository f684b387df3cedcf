/* upload_blob.c -- see upload_blob.h. */
#include "upload_blob.h"

#include "protocol/log/blobtree.h"
#include "store/blobfile.h"

#include <sodium.h>
#include <unistd.h>

struct upload_blob {
	const char *home;
	struct id32 owner, root;
	int fd;
	uint8_t key[32];
	uint64_t size, index; /* index: chunks that are done */
	size_t plain_n; /* held back, because the last chunk is marked as that */
	size_t first_n, content_n;
	struct buf leaves, pages;
	bool small;
	uint8_t first[UPLOAD_SNIFF_BYTES];
	uint8_t plain[BLOB_CHUNK_BYTES], stored[BLOB_CHUNK_STORED_BYTES];
};

struct upload_blob *upload_blob_new(const char *home, const struct id32 *owner)
{
	struct upload_blob *u = (struct upload_blob *)sodium_malloc(sizeof *u);
	if (!u)
		return NULL;
	memset(u, 0, sizeof *u);
	u->home = home;
	u->owner = *owner;
	u->fd = -1;
	randombytes_buf(u->key, sizeof u->key);
	return u;
}

void upload_blob_free(struct upload_blob *u)
{
	if (!u)
		return;
	if (u->fd >= 0)
		close(u->fd);
	buf_free(&u->leaves);
	buf_free(&u->pages);
	sodium_free(u);
}

/* Encrypts and hashes what is held back; *n: bytes in `stored`. */
static enum err seal_chunk(struct upload_blob *u, bool last, size_t *n)
{
	if (u->index >= LIMIT_BLOB_CHUNKS)
		return ERR_LIMIT;
	blob_chunk_encrypt(u->key, u->index, last, u->plain, u->plain_n, u->stored);
	*n = u->plain_n + BLOB_CHUNK_TAG_BYTES;
	struct id32 leaf = blob_leaf(u->index, u->stored, *n);
	u->plain_n = 0;
	return buf_put(&u->leaves, leaf.b, 32);
}

static enum err write_chunk(struct upload_blob *u, size_t n)
{
	enum err e = u->fd < 0 ? blobfile_temp(u->home, &u->fd) : OK;
	if (e == OK)
		e = blobfile_write_chunk(u->fd, u->index, u->stored, n);
	u->index++;
	return e;
}

enum err upload_blob_feed(struct upload_blob *u, struct slice bytes)
{
	enum err e = OK;
	while (e == OK && bytes.n) {
		size_t n;
		if (u->plain_n == BLOB_CHUNK_BYTES) {
			e = seal_chunk(u, false, &n);
			if (e == OK)
				e = write_chunk(u, n);
			continue;
		}
		n = BLOB_CHUNK_BYTES - u->plain_n;
		if (n > bytes.n)
			n = bytes.n;
		memcpy(u->plain + u->plain_n, bytes.p, n);
		if (u->first_n < sizeof u->first) {
			size_t more = sizeof u->first - u->first_n < n ? sizeof u->first - u->first_n : n;
			memcpy(u->first + u->first_n, bytes.p, more);
			u->first_n += more;
		}
		u->plain_n += n;
		u->size += n;
		bytes = slice_of(bytes.p + n, bytes.n - n);
	}
	return e;
}

/* SPEC 6.2: "Leaves are gathered into *pages* of 1,024" */
static enum err make_root(struct upload_blob *u)
{
	size_t leaves = u->leaves.n / 32;
	struct id32 *ids = (struct id32 *)malloc(leaves * sizeof *ids + 1);
	enum err e = ids ? OK : ERR_MEMORY;
	if (ids)
		memcpy(ids, u->leaves.p, u->leaves.n);
	for (size_t at = 0; e == OK && at < leaves; at += BLOB_PAGE_LEAVES) {
		size_t n = leaves - at < BLOB_PAGE_LEAVES ? leaves - at : BLOB_PAGE_LEAVES;
		struct id32 page = blob_page_hash(ids + at, n);
		e = buf_put(&u->pages, page.b, 32);
	}
	if (e == OK) {
		memcpy(ids, u->pages.p, u->pages.n);
		u->root = blob_root(ids, u->pages.n / 32, u->size, &u->owner);
	}
	free(ids);
	return e;
}

enum err upload_blob_finish(struct upload_blob *u)
{
	size_t n = 0;
	enum err e = seal_chunk(u, true, &n);
	u->small = e == OK && u->index == 0 && n <= LIMIT_BLOB_INLINE_BYTES;
	u->content_n = n;
	if (e == OK && !u->small)
		e = write_chunk(u, n);
	if (e == OK)
		e = make_root(u);
	return e == OK && !u->small ? blobfile_publish(u->home, &u->root, u->fd) : e;
}

struct upload_result upload_blob_result(const struct upload_blob *u)
{
	return (struct upload_result){.root = u->root,
		.key = u->key,
		.size = u->size,
		.pages = buf_slice(&u->pages),
		.leaves = buf_slice(&u->leaves),
		.content = u->small ? slice_of(u->stored, u->content_n) : (struct slice){0},
		.first = slice_of(u->first, u->first_n)};
}
