/* faulty.c -- see faulty.h. */
#include "tools/sim/faulty.h"

#include "daemon/drive_work.h"
#include "daemon/upload_blob.h"
#include "protocol/peer/engine.h"
#include "store/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEAKS_TOLD 8

/* A function of this name stands before the real one. */
#define BEFORE(result, name, ...) \
	result __real_##name(__VA_ARGS__); \
	result __wrap_##name(__VA_ARGS__); \
	result __wrap_##name(__VA_ARGS__)

struct block {
	const void *p; /* NULL: free; &gone: was used */
	const void *by;
	size_t n;
};

static const char gone;
static struct {
	unsigned inside; /* behind how many doors */
	bool tracks, armed, for_good, forked;
	enum faulty_kind kind;
	uint64_t nth, counts[FAULTY_KINDS], hits;
	struct block *blocks; /* an open table */
	size_t slots, used, live;
} f;

void *__real_malloc(size_t n);
void *__real_calloc(size_t k, size_t n);
void *__real_realloc(void *p, size_t n);
void __real_free(void *p);

static bool fails(enum faulty_kind kind)
{
	if (f.inside == 0)
		return false;
	f.counts[kind]++;
	bool now = f.armed && kind == f.kind &&
		(f.for_good ? f.counts[kind] >= f.nth : f.counts[kind] == f.nth);
	f.hits += now;
	return now;
}

/* ---- what is allocated ---- */

static struct block *slot_of(const void *p)
{
	size_t i = (size_t)((uintptr_t)p >> 4) * 0x9e3779b1u & (f.slots - 1);
	while (f.blocks[i].p && f.blocks[i].p != p)
		i = (i + 1) & (f.slots - 1);
	return &f.blocks[i];
}

static void grow(void)
{
	struct block *old = f.blocks;
	size_t n = f.slots;
	f.slots = f.live * 4 > 4096 ? f.slots * 2 : 16384;
	f.blocks = __real_calloc(f.slots, sizeof *f.blocks);
	if (!f.blocks)
		abort();
	f.used = f.live;
	for (size_t i = 0; i < n; i++)
		if (old[i].p && old[i].p != &gone)
			*slot_of(old[i].p) = old[i];
	__real_free(old);
}

static void *taken(void *p, size_t n, const void *by)
{
	if (!f.tracks || f.inside == 0 || !p)
		return p;
	if (f.used * 2 >= f.slots)
		grow();
	struct block *b = slot_of(p);
	f.used += b->p == NULL;
	*b = (struct block){.p = p, .by = by, .n = n};
	f.live++;
	return p;
}

static bool given_back(const void *p)
{
	if (!p || f.slots == 0)
		return false;
	struct block *b = slot_of(p);
	if (!b->p)
		return false;
	b->p = &gone;
	f.live--;
	return true;
}

size_t faulty_leaks(void)
{
	unsigned told = 0;
	for (size_t i = 0; i < f.slots && told < LEAKS_TOLD; i++)
		if (f.blocks[i].p && f.blocks[i].p != &gone) {
			fprintf(stderr, "a block of %zu bytes was not freed; %p asked for it\n",
				f.blocks[i].n, f.blocks[i].by);
			told++;
		}
	return f.live;
}

BEFORE(void *, malloc, size_t n)
{
	return fails(FAULTY_MEMORY) ? NULL : taken(__real_malloc(n), n, __builtin_return_address(0));
}

BEFORE(void *, calloc, size_t k, size_t n)
{
	return fails(FAULTY_MEMORY) ? NULL : taken(__real_calloc(k, n), k * n, __builtin_return_address(0));
}

BEFORE(void *, realloc, void *p, size_t n)
{
	if (fails(FAULTY_MEMORY))
		return NULL;
	bool ours = given_back(p);
	f.inside += ours; /* it stays in the list, wherever it grows */
	void *q = taken(__real_realloc(p, n), n, __builtin_return_address(0));
	f.inside -= ours;
	return q;
}

BEFORE(void, free, void *p)
{
	given_back(p);
	__real_free(p);
}

/* Not by way of malloc. */
BEFORE(void *, sodium_malloc, size_t n)
{
	return fails(FAULTY_MEMORY) ? NULL : taken(__real_sodium_malloc(n), n, __builtin_return_address(0));
}

BEFORE(void, sodium_free, void *p)
{
	given_back(p);
	__real_sodium_free(p);
}

static bool memory_fails(void)
{
	return fails(FAULTY_MEMORY);
}

static bool disk_fails(bool read)
{
	return fails(read ? FAULTY_READ : FAULTY_DISK);
}

void faulty_install(bool tracks)
{
	f.tracks = tracks;
	json_set_alloc_funcs(malloc, free);
	disks_memory_may_fail(memory_fails);
}

void faulty_disks(struct disks *d)
{
	disks_may_fail(d, disk_fails);
}

void faulty_arm(enum faulty_kind kind, uint64_t nth, bool for_good)
{
	memset(f.counts, 0, sizeof f.counts);
	f.hits = 0;
	f.armed = true;
	f.kind = kind;
	f.nth = nth;
	f.for_good = for_good;
}

void faulty_disarm(void)
{
	f.armed = false;
}

uint64_t faulty_count(enum faulty_kind kind)
{
	return f.counts[kind];
}

uint64_t faulty_hits(void)
{
	return f.hits;
}

void faulty_forked(void)
{
	f.forked = true;
}

/* ---- files ---- */

static int refused(enum faulty_kind kind)
{
	errno = kind == FAULTY_READ ? EIO : f.nth % 2 ? ENOSPC : EIO;
	return -1;
}

#define CALL(kind, result, name, parameters, arguments) \
	result __real_##name parameters; \
	result __wrap_##name parameters; \
	result __wrap_##name parameters \
	{ \
		return fails(kind) ? (result)refused(kind) : __real_##name arguments; \
	}

CALL(FAULTY_DISK, ssize_t, pwrite, (int fd, const void *p, size_t n, off_t at), (fd, p, n, at))
CALL(FAULTY_DISK, int, fsync, (int fd), (fd))
CALL(FAULTY_DISK, int, fdatasync, (int fd), (fd))
CALL(FAULTY_DISK, int, ftruncate, (int fd, off_t n), (fd, n))
CALL(FAULTY_DISK, int, mkdir, (const char *path, mode_t mode), (path, mode))
CALL(FAULTY_DISK, int, link, (const char *from, const char *to), (from, to))
CALL(FAULTY_DISK, int, linkat, (int a, const char *from, int b, const char *to, int flags),
	(a, from, b, to, flags))
CALL(FAULTY_DISK, int, rename, (const char *from, const char *to), (from, to))
CALL(FAULTY_DISK, int, unlink, (const char *path), (path))
CALL(FAULTY_READ, ssize_t, read, (int fd, void *p, size_t n), (fd, p, n))
CALL(FAULTY_READ, int, statx, (int at, const char *path, int flags, unsigned mask, struct statx *st),
	(at, path, flags, mask, st))
CALL(FAULTY_READ, ssize_t, pread, (int fd, void *p, size_t n, off_t at), (fd, p, n, at))

BEFORE(int, open, const char *path, int flags, ...)
{
	va_list more;
	va_start(more, flags);
	mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(more, mode_t) : 0;
	va_end(more);
	enum faulty_kind kind = flags & (O_CREAT | __O_TMPFILE) ? FAULTY_DISK : FAULTY_READ;
	return fails(kind) ? refused(kind) : __real_open(path, flags, mode);
}

BEFORE(DIR *, opendir, const char *path)
{
	if (!fails(FAULTY_READ))
		return __real_opendir(path);
	errno = EIO;
	return NULL;
}

BEFORE(int, flock, int fd, int what)
{
	return f.forked ? 0 : __real_flock(fd, what);
}

/* ---- doors ---- */

#define DOOR(result, name, parameters, arguments) \
	result __real_##name parameters; \
	result __wrap_##name parameters; \
	result __wrap_##name parameters \
	{ \
		f.inside++; \
		result r = __real_##name arguments; \
		f.inside--; \
		return r; \
	}
#define DOOR_VOID(name, parameters, arguments) \
	void __real_##name parameters; \
	void __wrap_##name parameters; \
	void __wrap_##name parameters \
	{ \
		f.inside++; \
		__real_##name arguments; \
		f.inside--; \
	}

DOOR(struct engine *, engine_new, (const struct engine_config *c), (c))
DOOR_VOID(engine_free, (struct engine * e), (e))
DOOR_VOID(engine_step, (struct engine * e, const struct engine_in *in), (e, in))
DOOR(bool, engine_next, (struct engine * e, struct engine_out *out), (e, out))
DOOR_VOID(drive_work, (const char *home, struct engine_work *w), (home, w))
DOOR(enum err, store_open, (const struct store_options *o, struct store **out), (o, out))
DOOR(enum err, store_start, (struct store * s, const uint8_t instance[16], bool *restored, const char **why),
	(s, instance, restored, why))
DOOR_VOID(store_close, (struct store * s), (s))
DOOR(struct upload_blob *, upload_blob_new, (const char *home, const struct id32 *owner), (home, owner))
DOOR_VOID(upload_blob_free, (struct upload_blob * u), (u))
DOOR(enum err, upload_blob_feed, (struct upload_blob * u, struct slice bytes), (u, bytes))
DOOR(enum err, upload_blob_finish, (struct upload_blob * u), (u))

/* A request that fails by itself is not given to the store; the others are. */
BEFORE(void, store_exec, struct store *s, struct store_req *const *reqs, struct store_res *res, size_t n)
{
	static const enum err how[] = {ERR_IO, ERR_FULL, ERR_MEMORY, ERR_BUSY};
	f.inside++;
	for (size_t i = 0; i < n;) {
		size_t end = i;
		while (end < n && !fails(FAULTY_STORE))
			end++;
		if (end > i)
			__real_store_exec(s, reqs + i, res + i, end - i);
		if (end < n)
			res[end] = (struct store_res){
				.op = reqs[end]->op, .tag = reqs[end]->tag, .err = how[f.nth % 4]};
		i = end + 1;
	}
	f.inside--;
}

BEFORE(void, store_exec_one, struct store *s, struct store_req *req, struct store_res *res)
{
	__wrap_store_exec(s, &req, res, 1);
}
