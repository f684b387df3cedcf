/* doctor_blobs.c -- every chunk of every file hashed again. SPEC.md section 6.2. */
#include "doctor_int.h"

#include "protocol/log/blobtree.h"
#include "store/blobfile.h"

#include <sodium.h>
#include <unistd.h>

/* The leaf that the tree has for a chunk. */
static enum err expected_leaf(struct store *s, const struct store_blob *b, uint64_t chunk, struct id32 *leaf)
{
	struct store_req req = {
		.op = STORE_BLOB_LEAVES, .a.root = b->root, .a.seq = chunk / BLOB_PAGE_LEAVES};
	struct store_res res = {0};
	size_t at = (size_t)(chunk % BLOB_PAGE_LEAVES) * 32;
	store_exec_one(s, &req, &res);
	enum err e = res.err == OK && at + 32 > res.r.bytes.n ? ERR_CORRUPT : res.err;
	if (e == OK)
		*leaf = id32_from(res.r.bytes.p + at);
	store_res_free(&res);
	return e;
}

static enum err check_rows(struct store *s, const struct store_blob *b)
{
	struct store_req req = {.op = STORE_BLOB_CONTENT, .a.root = b->root};
	struct store_res res = {0};
	struct id32 leaf;
	store_exec_one(s, &req, &res);
	enum err e = res.err == OK ? expected_leaf(s, b, 0, &leaf) : res.err;
	if (e == OK) {
		struct id32 got = blob_leaf(0, res.r.bytes.p, res.r.bytes.n);
		e = id32_equal(&got, &leaf) ? OK : ERR_HASH;
	}
	store_res_free(&res);
	return e;
}

static enum err check_chunk(struct store *s, const struct store_blob *b, int fd, uint64_t chunk)
{
	uint8_t bytes[BLOB_CHUNK_STORED_BYTES];
	struct id32 leaf;
	size_t n = blob_chunk_plain_bytes(b->size, chunk) + BLOB_CHUNK_TAG_BYTES;
	enum err e = expected_leaf(s, b, chunk, &leaf);
	if (e == OK)
		e = blobfile_read_chunk(fd, chunk, bytes, n);
	if (e != OK)
		return e;
	struct id32 got = blob_leaf(chunk, bytes, n);
	return id32_equal(&got, &leaf) ? OK : ERR_HASH;
}

/* As many chunks as the slice has left; *done: the file is through. */
static enum err check_file(
	struct doctor *d, struct store *s, const struct store_blob *b, unsigned *left, bool *done)
{
	int fd = -1;
	uint64_t total = blob_chunks(b->size);
	enum err e = blobfile_open(d->home, &b->root, &fd);
	while (e == OK && d->chunk < total && *left) {
		e = check_chunk(s, b, fd, d->chunk++);
		(*left)--;
	}
	if (fd >= 0)
		close(fd);
	*done = e != OK || d->chunk == total;
	return e;
}

static void check_blob(struct doctor *d, struct store *s, const struct store_blob *b, unsigned *left)
{
	bool done = true;
	enum err e = OK;
	if (b->state != BLOB_COMPLETE)
		d->wanted += b->pins > 0;
	else if (b->in_rows)
		e = check_rows(s, b);
	else
		e = check_file(d, s, b, left, &done);
	if (e != OK) {
		char name[17];
		sodium_bin2hex(name, sizeof name, b->root.b, 8);
		d->bad_blobs++;
		doctor_say(d, "error", e == ERR_NOT_FOUND ? "its file is missing" : err_text(e),
			"restore a backup of blobs/, or remove the file and let peers send it again",
			"The file %s is damaged", name);
	}
	if (!done)
		return;
	d->checked += b->state == BLOB_COMPLETE;
	d->chunk = 0;
	d->blob_at++;
}

bool doctor_blobs(struct doctor *d, struct store *s)
{
	unsigned left = DOCTOR_CHUNKS_IN_SLICE;
	if (!d->blobs.r.blobs) {
		struct store_req req = {.op = STORE_BLOB_LIST};
		store_exec_one(s, &req, &d->blobs);
		if (d->blobs.err != OK) {
			doctor_find(d, "error", "The files cannot be listed", err_text(d->blobs.err),
				"restore a backup");
			return false;
		}
	}
	while (left && d->blob_at < d->blobs.r.n) {
		left--;
		check_blob(d, s, &d->blobs.r.blobs[d->blob_at], &left);
	}
	if (d->blob_at < d->blobs.r.n)
		return true;
	if (d->wanted)
		doctor_say(d, "warning", "they are still to come, or no connected peer has them",
			"connect to a peer that has them", "%llu files are not complete",
			(unsigned long long)d->wanted);
	if (!d->bad_blobs)
		doctor_say(d, "ok", "", "", "%llu files are what they were when they were added",
			(unsigned long long)d->checked);
	return false;
}
