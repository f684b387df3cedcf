/* drive_work.c -- see drive_work.h. */
#include "drive_work.h"

#include "protocol/log/blobtree.h"
#include "store/blobfile.h"

#include <unistd.h>

static enum err write_chunks(const char *home, const struct engine_work *w)
{
	int fd = -1;
	enum err e = blobfile_open_part(home, &w->root, &fd);
	if (e != OK)
		return e;
	e = blobfile_write_chunk(fd, w->index, w->bytes.p, w->bytes.n / w->n * w->done_n);
	close(fd);
	return e;
}

/* What holds is written, also if one behind it does not. */
static void check_chunks(const char *home, struct engine_work *w)
{
	engine_work_hash(w);
	enum err e = w->file && w->done_n > 0 ? write_chunks(home, w) : OK;
	if (e == OK)
		return;
	w->done_n = 0;
	if (w->err == OK)
		w->err = e;
}

static size_t stored_bytes(const struct engine_work *w, size_t chunk)
{
	return blob_chunk_plain_bytes(w->size, w->index + chunk) + BLOB_CHUNK_TAG_BYTES;
}

/* One by one where they cannot be had all at once: those before the one that is damaged are good. */
static enum err read_each(int fd, struct engine_work *w, uint8_t *p)
{
	for (size_t i = 0; i < w->n; i++) {
		enum err e = blobfile_read_chunk(fd, w->index + i, p, stored_bytes(w, i));
		if (e != OK)
			return e;
		p += stored_bytes(w, i);
		w->done_n++;
	}
	return OK;
}

static enum err read_chunks(const char *home, struct engine_work *w)
{
	int fd = -1;
	size_t n = 0;
	for (size_t i = 0; i < w->n; i++)
		n += stored_bytes(w, i);
	uint8_t *p = (uint8_t *)arena_alloc(&w->mem, n);
	if (!p)
		return ERR_MEMORY;
	enum err e = blobfile_open_any(home, &w->root, &fd);
	if (e != OK)
		return e;
	w->bytes = slice_of(p, n);
	e = blobfile_read_chunk(fd, w->index, p, n);
	if (e == OK)
		w->done_n = w->n;
	else
		e = read_each(fd, w, p);
	close(fd);
	return e;
}

static enum err sync_part(const char *home, const struct engine_work *w)
{
	int fd = -1;
	enum err e = blobfile_open_part(home, &w->root, &fd);
	if (e != OK)
		return e;
	e = blobfile_sync(home, &w->root, fd);
	close(fd);
	return e;
}

void drive_work(const char *home, struct engine_work *w)
{
	switch (w->kind) {
	case WORK_RUN:
	case WORK_KEYS:
	case WORK_BODY:
	case WORK_RANGES:
	case WORK_STATEMENTS: engine_work_hash(w); return;
	case WORK_CHUNKS: check_chunks(home, w); return;
	case WORK_READ: w->err = read_chunks(home, w); return;
	case WORK_SYNC: w->err = sync_part(home, w); return;
	case WORK_PUBLISH: w->err = blobfile_publish(home, &w->root, -1); return;
	case WORK_REMOVE:
		blobfile_remove(home, &w->root);
		w->err = OK;
		return;
	}
	abort();
}
