/* drive_work.c -- see drive_work.h. */
#include "drive_work.h"

#include "protocol/log/blobtree.h"
#include "store/blobfile.h"

#include <unistd.h>

static enum err write_chunk(const char *home, const struct engine_work *w)
{
	int fd = -1;
	enum err e = blobfile_open_part(home, &w->root, &fd);
	if (e != OK)
		return e;
	e = blobfile_write_chunk(fd, w->index, w->bytes.p, w->bytes.n);
	close(fd);
	return e;
}

static enum err read_chunk(const char *home, struct engine_work *w)
{
	int fd = -1;
	size_t n = blob_chunk_plain_bytes(w->size, w->index) + BLOB_CHUNK_TAG_BYTES;
	uint8_t *p = (uint8_t *)arena_alloc(&w->mem, n);
	if (!p)
		return ERR_MEMORY;
	enum err e = blobfile_open_any(home, &w->root, &fd);
	if (e != OK)
		return e;
	e = blobfile_read_chunk(fd, w->index, p, n);
	close(fd);
	if (e == OK)
		w->bytes = slice_of(p, n);
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
	case WORK_CHUNK:
		engine_work_hash(w);
		if (w->err == OK && w->file)
			w->err = write_chunk(home, w);
		return;
	case WORK_READ: w->err = read_chunk(home, w); return;
	case WORK_SYNC: w->err = sync_part(home, w); return;
	case WORK_PUBLISH: w->err = blobfile_publish(home, &w->root, -1); return;
	case WORK_REMOVE:
		blobfile_remove(home, &w->root);
		w->err = OK;
		return;
	}
	abort();
}
