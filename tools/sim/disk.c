/* disk.c -- see disk.h. */
#include "tools/sim/disk.h"

#include "tools/sim/memfile.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SECTOR 512
#define CHUNKS_MAX 256

struct chunk {
	struct id32 root;
	uint64_t at;
	size_t n;
};

struct disk {
	struct disk *next;
	char home[512];
	bool full, off, halted, sync_fails;
	uint64_t left; /* writes until the power goes; 0: it does not */
	size_t chunks_n;
	struct chunk chunks[CHUNKS_MAX]; /* not synced */
};

struct disks {
	sqlite3_vfs vfs; /* first: SQLite hands back its address */
	sqlite3_vfs *real;
	struct memfiles files;
	struct disk *all;
	uint64_t state; /* of the random stream */
	bool lies;
	bool (*fails)(bool read); /* NULL: nothing fails by itself */
	struct disk_counts counts;
};

struct sector {
	bool used;
	sqlite3_int64 number;
	uint8_t *old; /* SECTOR bytes; kept when the slot is free */
};

struct file {
	sqlite3_file base; /* first: SQLite hands back its address */
	struct disks *disks;
	struct disk *disk;
	uint64_t synced_bytes;
	size_t dirty_n, dirty_slots; /* an open table; slots are a power of two */
	struct sector *dirty;
	struct memfile *mem;
};

static uint64_t chance(struct disks *d, uint64_t below)
{
	uint64_t z = (d->state += 0x9e3779b97f4a7c15u); /* splitmix64 */
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	z ^= z >> 31;
	return below ? z % below : z;
}

static struct disk *disk_of(struct disks *d, const char *path, size_t n)
{
	for (struct disk *k = d->all; k; k = k->next)
		if (strlen(k->home) == n && memcmp(k->home, path, n) == 0)
			return k;
	struct disk *k = memfile_take(sizeof *k);
	if (n >= sizeof k->home)
		abort();
	memcpy(k->home, path, n);
	k->next = d->all;
	d->all = k;
	return k;
}

static struct disk *disk_at(struct disks *d, const char *home)
{
	return disk_of(d, home, strlen(home));
}

/* ---- sectors that are not synced ---- */

static struct sector *slot_of(struct file *f, sqlite3_int64 number)
{
	size_t i = (size_t)((uint64_t)number * 0x9e3779b97f4a7c15u >> 32) & (f->dirty_slots - 1);
	while (f->dirty[i].used && f->dirty[i].number != number)
		i = (i + 1) & (f->dirty_slots - 1);
	return &f->dirty[i];
}

static void grow(struct file *f)
{
	struct sector *old = f->dirty;
	size_t n = f->dirty_slots;
	f->dirty_slots = n ? n * 2 : 64;
	f->dirty = memfile_take(f->dirty_slots * sizeof *f->dirty);
	for (size_t i = 0; i < n; i++) {
		if (old[i].used)
			*slot_of(f, old[i].number) = old[i];
		else
			free(old[i].old);
	}
	free(old);
}

/* Before a write: what stands in the sectors that it touches, once. */
static void remember(struct file *f, sqlite3_int64 at, int n)
{
	for (sqlite3_int64 k = at / SECTOR; k * SECTOR < at + n; k++) {
		if (f->dirty_n * 2 >= f->dirty_slots)
			grow(f);
		struct sector *s = slot_of(f, k);
		if (s->used)
			continue;
		s->used = true;
		s->number = k;
		if (!s->old)
			s->old = memfile_take(SECTOR);
		f->dirty_n++;
		(void)memfile_read(f->mem, s->old, SECTOR, (uint64_t)k * SECTOR); /* zeros behind the end */
	}
}

static void drop_sectors(struct file *f)
{
	for (size_t i = 0; i < f->dirty_slots; i++)
		free(f->dirty[i].old);
	free(f->dirty);
	f->dirty = NULL;
	f->dirty_slots = f->dirty_n = 0;
}

static void forget(struct file *f)
{
	if (f->dirty_slots > 1024)
		drop_sectors(f);
	for (size_t i = 0; f->dirty_n && i < f->dirty_slots; i++)
		if (f->dirty[i].used) {
			f->dirty[i].used = false;
			f->dirty_n--;
		}
	f->synced_bytes = memfile_bytes(f->mem);
}

/* The power is gone: how much of each file reached the disk? 0: nothing, 1: all, 2: sectors by chance. */
static void lose(struct file *f)
{
	struct disks *d = f->disks;
	uint64_t how = chance(d, 4), lost = 0, kept = 0;
	if (f->dirty_n == 0)
		return;
	for (size_t i = 0; i < f->dirty_slots; i++) {
		const struct sector *s = &f->dirty[i];
		if (!s->used)
			continue;
		if (how == 1 || (how > 1 && chance(d, 2))) {
			kept++;
			continue;
		}
		lost++;
		memfile_write(&d->files, f->mem, s->old, SECTOR, (uint64_t)s->number * SECTOR);
	}
	if (lost && kept == 0)
		memfile_cut(f->mem, f->synced_bytes);
	d->counts.lost += lost;
	d->counts.kept += kept;
	d->counts.torn_files += lost && kept;
}

static bool fails(const struct file *f, bool read)
{
	return f->disks->fails && f->disks->fails(read);
}

/* One write or sync: does the power go with it? */
static bool goes_off(struct file *f)
{
	struct disk *k = f->disk;
	if (k->left && --k->left == 0) {
		k->off = true;
		f->disks->counts.cuts++;
	}
	return k->off;
}

/* ---- the methods of a file ---- */

static struct file *file_of(sqlite3_file *base)
{
	return (struct file *)base;
}

static int do_close(sqlite3_file *base)
{
	struct file *f = file_of(base);
	if (f->disk->off && !f->disk->halted)
		lose(f);
	drop_sectors(f);
	memfile_close(&f->disks->files, f->mem);
	return SQLITE_OK;
}

static int do_read(sqlite3_file *base, void *out, int n, sqlite3_int64 at)
{
	struct file *f = file_of(base);
	if (fails(f, true))
		return SQLITE_IOERR_READ;
	return memfile_read(f->mem, out, (size_t)n, (uint64_t)at) ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int do_write(sqlite3_file *base, const void *p, int n, sqlite3_int64 at)
{
	struct file *f = file_of(base);
	f->disks->counts.writes++;
	if (goes_off(f) || fails(f, false))
		return SQLITE_IOERR_WRITE;
	if (f->disk->full && (uint64_t)(at + n) > memfile_bytes(f->mem)) {
		f->disks->counts.refused_full++;
		return SQLITE_FULL;
	}
	remember(f, at, n);
	memfile_write(&f->disks->files, f->mem, p, (size_t)n, (uint64_t)at);
	return SQLITE_OK;
}

static int do_truncate(sqlite3_file *base, sqlite3_int64 bytes)
{
	struct file *f = file_of(base);
	if (f->disk->off || fails(f, false))
		return SQLITE_IOERR_TRUNCATE;
	memfile_cut(f->mem, (uint64_t)bytes);
	forget(f); /* a truncation is durable at once */
	return SQLITE_OK;
}

static int do_sync(sqlite3_file *base, int flags)
{
	struct file *f = file_of(base);
	(void)flags;
	f->disks->counts.syncs++;
	if (goes_off(f) || fails(f, false))
		return SQLITE_IOERR_FSYNC;
	if (f->disk->sync_fails) {
		f->disk->sync_fails = false;
		f->disks->counts.sync_failures++;
		return SQLITE_IOERR_FSYNC;
	}
	if (!f->disks->lies)
		forget(f);
	return SQLITE_OK;
}

static int do_file_size(sqlite3_file *base, sqlite3_int64 *bytes)
{
	*bytes = (sqlite3_int64)memfile_bytes(file_of(base)->mem);
	return SQLITE_OK;
}

/* A home has one connection at a time (the store holds a lock on the folder), so locks are never in anybody's way. */
static int do_lock(sqlite3_file *base, int level)
{
	(void)base, (void)level;
	return SQLITE_OK;
}

static int do_reserved(sqlite3_file *base, int *out)
{
	(void)base;
	*out = 0;
	return SQLITE_OK;
}

static int do_control(sqlite3_file *base, int op, void *arg)
{
	(void)base, (void)op, (void)arg;
	return SQLITE_NOTFOUND;
}

static int do_sector(sqlite3_file *base)
{
	(void)base;
	return 4096;
}

static int do_characteristics(sqlite3_file *base)
{
	(void)base;
	return SQLITE_IOCAP_POWERSAFE_OVERWRITE; /* as the unix VFS says */
}

static int do_shm_map(sqlite3_file *base, int region, int bytes, int extend, void volatile **out)
{
	*out = memfile_region(file_of(base)->mem, (size_t)region, (size_t)bytes, extend != 0);
	return *out || !extend ? SQLITE_OK : SQLITE_IOERR_SHMMAP;
}

static int do_shm_lock(sqlite3_file *base, int at, int n, int flags)
{
	(void)base, (void)at, (void)n, (void)flags;
	return SQLITE_OK;
}

static void do_shm_barrier(sqlite3_file *base)
{
	(void)base;
}

static int do_shm_unmap(sqlite3_file *base, int delete)
{
	(void)delete;
	memfile_drop_regions(file_of(base)->mem);
	return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
	.iVersion = 2, /* no memory maps: their writes would pass by */
	.xClose = do_close,
	.xRead = do_read,
	.xWrite = do_write,
	.xTruncate = do_truncate,
	.xSync = do_sync,
	.xFileSize = do_file_size,
	.xLock = do_lock,
	.xUnlock = do_lock,
	.xCheckReservedLock = do_reserved,
	.xFileControl = do_control,
	.xSectorSize = do_sector,
	.xDeviceCharacteristics = do_characteristics,
	.xShmMap = do_shm_map,
	.xShmLock = do_shm_lock,
	.xShmBarrier = do_shm_barrier,
	.xShmUnmap = do_shm_unmap,
};

/* ---- the methods of the system ---- */

static struct disks *disks_of(sqlite3_vfs *vfs)
{
	return (struct disks *)vfs;
}

static int do_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *base, int flags, int *flags_out)
{
	struct disks *d = disks_of(vfs);
	struct file *f = file_of(base);
	const char *slash = path ? strrchr(path, '/') : NULL;
	memset(f, 0, sizeof *f);
	f->disks = d;
	f->disk = disk_of(d, slash ? path : "", slash ? (size_t)(slash - path) : 0);
	if (f->disk->off)
		return SQLITE_IOERR;
	f->mem = memfile_open(&d->files, path, flags & SQLITE_OPEN_CREATE);
	if (!f->mem)
		return SQLITE_CANTOPEN;
	f->synced_bytes = memfile_bytes(f->mem);
	f->base.pMethods = &methods;
	if (flags_out)
		*flags_out = flags;
	return SQLITE_OK;
}

/* Names are empty files. */
static int do_access(sqlite3_vfs *vfs, const char *path, int flags, int *out)
{
	struct disks *d = disks_of(vfs);
	if (flags != SQLITE_ACCESS_EXISTS)
		return d->real->xAccess(d->real, path, flags, out);
	*out = memfile_size_at(&d->files, path) > 0;
	return SQLITE_OK;
}

static int do_delete(sqlite3_vfs *vfs, const char *path, int sync_folder)
{
	struct disks *d = disks_of(vfs);
	const char *slash = strrchr(path, '/');
	if (slash && disk_of(d, path, (size_t)(slash - path))->off)
		return SQLITE_IOERR_DELETE;
	(void)sync_folder;
	return d->real->xDelete(d->real, path, 0);
}

static int do_random(sqlite3_vfs *vfs, int n, char *out)
{
	for (int i = 0; i < n; i++)
		out[i] = (char)chance(disks_of(vfs), 256);
	return n;
}

struct disks *disks_new(uint64_t seed)
{
	struct disks *d = calloc(1, sizeof *d);
	if (!d)
		return NULL;
	d->real = sqlite3_vfs_find(NULL);
	d->vfs = *d->real;
	d->vfs.pNext = NULL;
	d->vfs.zName = "quire-sim";
	d->vfs.szOsFile = (int)sizeof(struct file);
	d->vfs.xOpen = do_open;
	d->vfs.xDelete = do_delete;
	d->vfs.xAccess = do_access;
	d->vfs.xRandomness = do_random;
	d->state = seed ^ 0x6469736bu;
	if (sqlite3_vfs_register(&d->vfs, 1) != SQLITE_OK)
		abort();
	sqlite3_randomness(0, NULL); /* draws its seed again, from here */
	return d;
}

void disks_free(struct disks *d)
{
	if (!d)
		return;
	sqlite3_vfs_unregister(&d->vfs);
	sqlite3_vfs_register(d->real, 1);
	while (d->all) {
		struct disk *k = d->all;
		d->all = k->next;
		free(k);
	}
	memfiles_deinit(&d->files);
	free(d);
}

struct disk_counts disks_counts(const struct disks *d)
{
	return d->counts;
}

uint64_t disks_memory_bytes(const struct disks *d)
{
	return (uint64_t)sqlite3_memory_used() + d->files.bytes;
}

void disks_may_fail(struct disks *d, bool (*fails_now)(bool read))
{
	d->fails = fails_now;
}

/* ---- SQLite's memory ---- */

static sqlite3_mem_methods memory;
static bool (*memory_fails)(void);

static void *memory_take(int n)
{
	return memory_fails() ? NULL : memory.xMalloc(n);
}

static void *memory_resize(void *p, int n)
{
	return memory_fails() ? NULL : memory.xRealloc(p, n);
}

void disks_memory_may_fail(bool (*fails_now)(void))
{
	sqlite3_mem_methods m;
	memory_fails = fails_now;
	if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &memory) != SQLITE_OK)
		abort();
	m = memory;
	m.xMalloc = memory_take;
	m.xRealloc = memory_resize;
	if (sqlite3_config(SQLITE_CONFIG_MALLOC, &m) != SQLITE_OK)
		abort();
}

uint64_t disk_file_bytes(const struct disks *d, const char *path)
{
	return memfile_size_at(&d->files, path);
}

void disk_file_copied(struct disks *d, const char *from, const char *to)
{
	memfile_copy(&d->files, from, to);
}

void disk_file_put(struct disks *d, const char *path, struct slice bytes)
{
	struct memfile *f = memfile_open(&d->files, path, true);
	if (!f)
		abort();
	memfile_write(&d->files, f, bytes.p, bytes.n, 0);
	memfile_close(&d->files, f);
}

void disk_full(struct disks *d, const char *home, bool full)
{
	disk_at(d, home)->full = full;
}

bool disk_refuses(struct disks *d, const char *home)
{
	bool full = disk_at(d, home)->full;
	d->counts.refused_full += full;
	return full;
}

void disk_sync_fails(struct disks *d, const char *home)
{
	disk_at(d, home)->sync_fails = true;
}

void disk_arm(struct disks *d, const char *home, uint64_t n)
{
	disk_at(d, home)->left = n;
}

void disk_halt(struct disks *d, const char *home)
{
	struct disk *k = disk_at(d, home);
	k->halted = !k->off;
	k->off = true;
}

bool disk_is_off(struct disks *d, const char *home)
{
	return disk_at(d, home)->off;
}

void disks_lie(struct disks *d)
{
	d->lies = true;
}

/* ---- growing files of blobs ---- */

void disk_chunk(struct disks *d, const char *home, const struct id32 *root, uint64_t at, size_t n)
{
	struct disk *k = disk_at(d, home);
	if (k->chunks_n < CHUNKS_MAX)
		k->chunks[k->chunks_n++] = (struct chunk){.root = *root, .at = at, .n = n};
}

void disk_synced(struct disks *d, const char *home, const struct id32 *root)
{
	struct disk *k = disk_at(d, home);
	size_t kept = 0;
	for (size_t i = 0; i < k->chunks_n; i++)
		if (!id32_equal(&k->chunks[i].root, root))
			k->chunks[kept++] = k->chunks[i];
	k->chunks_n = kept;
}

static void lose_chunk(struct disks *d, const struct disk *k, const struct chunk *c)
{
	static const uint8_t zeros[4096];
	char path[700], hex[65];
	for (int i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", c->root.b[i]);
	snprintf(path, sizeof path, "%s/blobs/%.2s/%s.part", k->home, hex, hex);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	size_t n = c->n < sizeof zeros ? c->n : sizeof zeros;
	if (pwrite(fd, zeros, n, (off_t)c->at) == (ssize_t)n)
		d->counts.chunks_lost++;
	close(fd);
}

void disk_on(struct disks *d, const char *home)
{
	struct disk *k = disk_at(d, home);
	for (size_t i = 0; k->off && !k->halted && i < k->chunks_n; i++)
		if (chance(d, 2))
			lose_chunk(d, k, &k->chunks[i]);
	k->chunks_n = 0;
	k->off = k->halted = k->sync_fails = false;
	k->left = 0;
}
