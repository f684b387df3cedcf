/* losewrites.c -- LD_PRELOAD: a power cut for one process. What it writes to files under $QUIRE_SHIM_DIR stays in its memory until fsync or
 * fdatasync puts it into the real file; so after SIGKILL the real files hold what was synced, and nothing else. The process itself reads what it wrote.
 * $QUIRE_SHIM_TORN=N (a seed): of each write some 512-byte sectors, chosen at random, reach the real file at once, as a kernel may do.
 *
 * Not simulated: names (creating, renaming, linking and unlinking take effect at once), memory maps (SQLite's -shm is left alone), and
 * a second process, which sees the real file only. fork without exec is not supported. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define FDS 1024
#define SECTOR 512
#define BLOCK 4096
#define SLOTS 4096 /* of a file's table of blocks; chained */

struct block {
	struct block *next;
	off_t number;
	uint8_t bytes[BLOCK];
};

/* One file with what was written and not synced. */
struct file {
	struct file *next;
	dev_t device;
	ino_t inode;
	off_t size; /* as the process sees it */
	off_t kept; /* of the real file, up to here counts; what is behind was cut off */
	bool dirty;
	int reader; /* reads the real file whatever the others are open for; held, so that the inode is never another file's */
	struct block *blocks[SLOTS];
};

static struct file *files;
static struct file *open_files[FDS];
static off_t positions[FDS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t torn;

#define REAL(result, name, ...) \
	static result (*real_##name)(__VA_ARGS__); \
	if (!real_##name) \
	*(void **)&real_##name = dlsym(RTLD_NEXT, #name)

static ssize_t real_read_at(int fd, void *p, size_t n, off_t at)
{
	REAL(ssize_t, pread64, int, void *, size_t, off_t);
	return real_pread64(fd, p, n, at);
}

static ssize_t real_write_at(int fd, const void *p, size_t n, off_t at)
{
	REAL(ssize_t, pwrite64, int, const void *, size_t, off_t);
	return real_pwrite64(fd, p, n, at);
}

static int real_stat_fd(int fd, struct stat *st)
{
	REAL(int, fstat64, int, struct stat *);
	return real_fstat64(fd, st);
}

static int real_open_reader(int fd)
{
	REAL(int, open64, const char *, int, ...);
	char link[64];
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	return real_open64(link, O_RDONLY | O_CLOEXEC);
}

static bool is_ours(int fd)
{
	char link[64], path[4096];
	const char *dir = getenv("QUIRE_SHIM_DIR");
	if (!dir || fd < 0 || fd >= FDS)
		return false;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof path - 1);
	if (n <= 4)
		return false;
	path[n] = 0;
	return strncmp(path, dir, strlen(dir)) == 0 && strcmp(path + n - 4, "-shm") != 0;
}

/* Called with every new descriptor. */
static int opened(int fd)
{
	struct stat st;
	if (!is_ours(fd) || real_stat_fd(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return fd;
	pthread_mutex_lock(&lock);
	struct file *f = files;
	while (f && (f->device != st.st_dev || f->inode != st.st_ino))
		f = f->next;
	if (!f) {
		f = calloc(1, sizeof *f);
		if (!f)
			abort();
		*f = (struct file){.next = files,
			.device = st.st_dev,
			.inode = st.st_ino,
			.size = st.st_size,
			.kept = st.st_size};
		f->reader = real_open_reader(fd);
		files = f;
	} else if (!f->dirty) {
		f->size = f->kept = st.st_size; /* it may have been cut off while it was opened */
	}
	open_files[fd] = f;
	positions[fd] = 0;
	pthread_mutex_unlock(&lock);
	const char *seed = getenv("QUIRE_SHIM_TORN");
	if (seed && !torn)
		torn = strtoull(seed, NULL, 10) * 2 + 1;
	return fd;
}

static struct file *file_of(int fd)
{
	return fd >= 0 && fd < FDS ? open_files[fd] : NULL;
}

static struct block *find_block(struct file *f, off_t number)
{
	struct block *b = f->blocks[number % SLOTS];
	while (b && b->number != number)
		b = b->next;
	return b;
}

/* What the real file holds, as far as it counts; zeros behind. */
static void read_real(struct file *f, uint8_t *p, size_t n, off_t at)
{
	memset(p, 0, n);
	if (at >= f->kept)
		return;
	if ((off_t)n > f->kept - at)
		n = (size_t)(f->kept - at);
	while (n > 0) {
		ssize_t got = real_read_at(f->reader, p, n, at);
		if (got <= 0)
			return;
		p += got;
		n -= (size_t)got;
		at += got;
	}
}

static struct block *make_block(struct file *f, off_t number)
{
	struct block *b = find_block(f, number);
	if (b)
		return b;
	b = malloc(sizeof *b);
	if (!b)
		abort();
	b->number = number;
	b->next = f->blocks[number % SLOTS];
	f->blocks[number % SLOTS] = b;
	read_real(f, b->bytes, BLOCK, number * BLOCK);
	return b;
}

static uint32_t draw(void)
{
	torn = torn * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(torn >> 33);
}

/* Some whole sectors of [at, at + n) reach the disk unasked. */
static void tear(struct file *f, int fd, off_t at, size_t n)
{
	for (off_t s = at / SECTOR; torn && s <= (at + (off_t)n - 1) / SECTOR; s++) {
		struct block *b = find_block(f, s * SECTOR / BLOCK);
		if (!b || draw() % 4 != 0)
			continue;
		ssize_t done = real_write_at(fd, b->bytes + s * SECTOR % BLOCK, SECTOR, s * SECTOR);
		(void)done;
	}
}

static ssize_t write_at(struct file *f, int fd, const void *from, size_t n, off_t at)
{
	const uint8_t *p = from;
	off_t start = at;
	size_t left = n;
	while (left > 0) {
		size_t offset = (size_t)(at % BLOCK);
		size_t part = BLOCK - offset < left ? BLOCK - offset : left;
		memcpy(make_block(f, at / BLOCK)->bytes + offset, p, part);
		p += part;
		at += (off_t)part;
		left -= part;
	}
	if (at > f->size)
		f->size = at;
	f->dirty = true;
	if (n > 0)
		tear(f, fd, start, n);
	return (ssize_t)n;
}

static ssize_t read_at(struct file *f, void *to, size_t n, off_t at)
{
	uint8_t *p = to;
	if (at >= f->size)
		return 0;
	if ((off_t)n > f->size - at)
		n = (size_t)(f->size - at);
	size_t left = n;
	while (left > 0) {
		size_t offset = (size_t)(at % BLOCK);
		size_t part = BLOCK - offset < left ? BLOCK - offset : left;
		struct block *b = find_block(f, at / BLOCK);
		if (b)
			memcpy(p, b->bytes + offset, part);
		else
			read_real(f, p, part, at);
		p += part;
		at += (off_t)part;
		left -= part;
	}
	return (ssize_t)n;
}

static void cut(struct file *f, off_t size)
{
	f->dirty = true;
	f->size = size;
	if (f->kept > size)
		f->kept = size;
	for (size_t slot = 0; slot < SLOTS; slot++) {
		for (struct block **at = &f->blocks[slot]; *at;) {
			struct block *b = *at;
			off_t begin = b->number * BLOCK;
			if (begin < size) {
				if (begin + BLOCK > size)
					memset(b->bytes + (size - begin), 0, (size_t)(begin + BLOCK - size));
				at = &b->next;
				continue;
			}
			*at = b->next;
			free(b);
		}
	}
}

/* Everything of the file reaches the disk. */
static int flush_file(struct file *f, int fd)
{
	REAL(int, ftruncate64, int, off_t);
	if (!f->dirty)
		return 0;
	int rc = real_ftruncate64(fd, f->kept);
	for (size_t slot = 0; slot < SLOTS; slot++) {
		while (f->blocks[slot]) {
			struct block *b = f->blocks[slot];
			off_t begin = b->number * BLOCK;
			size_t n = f->size - begin < BLOCK ? (size_t)(f->size - begin) : BLOCK;
			if (begin < f->size && real_write_at(fd, b->bytes, n, begin) != (ssize_t)n)
				rc = -1;
			f->blocks[slot] = b->next;
			free(b);
		}
	}
	if (real_ftruncate64(fd, f->size) != 0)
		rc = -1;
	f->kept = f->size;
	f->dirty = rc != 0;
	return rc;
}

#define LOCKED(result, fd, ours, theirs) \
	do { \
		pthread_mutex_lock(&lock); \
		struct file *f = file_of(fd); \
		result locked_result = f ? (ours) : 0; \
		pthread_mutex_unlock(&lock); \
		return f ? locked_result : (theirs); \
	} while (0)

/* ---- what stands in for libc ---- */

#define OPEN(name) \
	int name(const char *path, int flags, ...) \
	{ \
		REAL(int, name, const char *, int, ...); \
		va_list more; \
		va_start(more, flags); \
		unsigned mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, unsigned) : 0; \
		va_end(more); \
		return opened(real_##name(path, flags, mode)); \
	}
#define OPENAT(name) \
	int name(int folder, const char *path, int flags, ...) \
	{ \
		REAL(int, name, int, const char *, int, ...); \
		va_list more; \
		va_start(more, flags); \
		unsigned mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, unsigned) : 0; \
		va_end(more); \
		return opened(real_##name(folder, path, flags, mode)); \
	}
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

int mkostemp(char *pattern, int flags)
{
	REAL(int, mkostemp, char *, int);
	return opened(real_mkostemp(pattern, flags));
}

int close(int fd)
{
	REAL(int, close, int);
	if (file_of(fd)) {
		pthread_mutex_lock(&lock);
		open_files[fd] = NULL;
		pthread_mutex_unlock(&lock);
	}
	return real_close(fd);
}

ssize_t pread64(int fd, void *p, size_t n, off_t at)
{
	LOCKED(ssize_t, fd, read_at(f, p, n, at), real_read_at(fd, p, n, at));
}

ssize_t pread(int fd, void *p, size_t n, off_t at)
{
	return pread64(fd, p, n, at);
}

ssize_t pwrite64(int fd, const void *p, size_t n, off_t at)
{
	LOCKED(ssize_t, fd, write_at(f, fd, p, n, at), real_write_at(fd, p, n, at));
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
	return pwrite64(fd, p, n, at);
}

static ssize_t advance(int fd, ssize_t n)
{
	if (n > 0)
		positions[fd] += n;
	return n;
}

ssize_t read(int fd, void *p, size_t n)
{
	REAL(ssize_t, read, int, void *, size_t);
	LOCKED(ssize_t, fd, advance(fd, read_at(f, p, n, positions[fd])), real_read(fd, p, n));
}

ssize_t write(int fd, const void *p, size_t n)
{
	REAL(ssize_t, write, int, const void *, size_t);
	LOCKED(ssize_t, fd, advance(fd, write_at(f, fd, p, n, positions[fd])), real_write(fd, p, n));
}

ssize_t writev(int fd, const struct iovec *v, int n)
{
	REAL(ssize_t, writev, int, const struct iovec *, int);
	if (!file_of(fd))
		return real_writev(fd, v, n);
	ssize_t total = 0;
	for (int i = 0; i < n; i++)
		total += write(fd, v[i].iov_base, v[i].iov_len);
	return total;
}

static off_t seek_to(struct file *f, int fd, off_t offset, int whence)
{
	off_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? positions[fd] : f->size;
	return positions[fd] = base + offset;
}

off_t lseek64(int fd, off_t offset, int whence)
{
	REAL(off_t, lseek64, int, off_t, int);
	LOCKED(off_t, fd, seek_to(f, fd, offset, whence), real_lseek64(fd, offset, whence));
}

off_t lseek(int fd, off_t offset, int whence)
{
	return lseek64(fd, offset, whence);
}

static int cut_to(struct file *f, off_t size)
{
	cut(f, size);
	return 0;
}

int ftruncate64(int fd, off_t size)
{
	REAL(int, ftruncate64, int, off_t);
	LOCKED(int, fd, cut_to(f, size), real_ftruncate64(fd, size));
}

int ftruncate(int fd, off_t size)
{
	return ftruncate64(fd, size);
}

static int grow_to(struct file *f, off_t size)
{
	f->dirty = f->dirty || size > f->size;
	f->size = size > f->size ? size : f->size;
	return 0;
}

int posix_fallocate64(int fd, off_t at, off_t n)
{
	REAL(int, posix_fallocate64, int, off_t, off_t);
	LOCKED(int, fd, grow_to(f, at + n), real_posix_fallocate64(fd, at, n));
}

int posix_fallocate(int fd, off_t at, off_t n)
{
	return posix_fallocate64(fd, at, n);
}

static int stat_of(struct file *f, int fd, struct stat *st)
{
	int rc = real_stat_fd(fd, st);
	st->st_size = f->size;
	return rc;
}

/* glibc's struct stat and struct stat64 are the same on 64-bit machines. */
int fstat64(int fd, struct stat64 *st)
{
	LOCKED(int, fd, stat_of(f, fd, (struct stat *)st), real_stat_fd(fd, (struct stat *)st));
}

int fstat(int fd, struct stat *st)
{
	LOCKED(int, fd, stat_of(f, fd, st), real_stat_fd(fd, st));
}

/* By name: the size that this process gave it. */
static int stat_named(int rc, struct stat *st)
{
	if (rc != 0 || !S_ISREG(st->st_mode))
		return rc;
	pthread_mutex_lock(&lock);
	for (struct file *f = files; f; f = f->next) {
		if (f->device == st->st_dev && f->inode == st->st_ino && f->dirty)
			st->st_size = f->size;
	}
	pthread_mutex_unlock(&lock);
	return rc;
}

int stat64(const char *path, struct stat64 *st)
{
	REAL(int, stat64, const char *, struct stat64 *);
	return stat_named(real_stat64(path, st), (struct stat *)st);
}

int stat(const char *path, struct stat *st)
{
	REAL(int, stat64, const char *, struct stat *);
	return stat_named(real_stat64(path, st), st);
}

int fsync(int fd)
{
	REAL(int, fsync, int);
	LOCKED(int, fd, flush_file(f, fd) != 0 ? -1 : real_fsync(fd), real_fsync(fd));
}

int fdatasync(int fd)
{
	REAL(int, fdatasync, int);
	LOCKED(int, fd, flush_file(f, fd) != 0 ? -1 : real_fdatasync(fd), real_fdatasync(fd));
}
