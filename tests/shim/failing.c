/* failing.c -- LD_PRELOAD: from the call number $QUIRE_SHIM_NTH on, calls on files under $QUIRE_SHIM_DIR fail: with $QUIRE_SHIM_FAIL=read
 * those that read (EIO), with =write those that write, sync or make files (ENOSPC). $QUIRE_SHIM_TALLY: a file that grows by a byte with each call. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(result, name, ...) \
	static result (*real_##name)(__VA_ARGS__); \
	if (!real_##name) \
	*(void **)&real_##name = dlsym(RTLD_NEXT, #name)

static bool counts(const char *path, const char *kind)
{
	static atomic_ulong n;
	const char *dir = getenv("QUIRE_SHIM_DIR"), *fail = getenv("QUIRE_SHIM_FAIL"),
		   *nth = getenv("QUIRE_SHIM_NTH");
	if (!dir || !fail || !nth || strcmp(fail, kind) != 0 || strncmp(path, dir, strlen(dir)) != 0)
		return false;
	const char *tally = getenv("QUIRE_SHIM_TALLY");
	unsigned long now = atomic_fetch_add(&n, 1) + 1;
	if (tally && truncate(tally, (off_t)now) != 0)
		abort();
	return now >= strtoul(nth, NULL, 10);
}

static bool fails(int fd, const char *kind)
{
	char link[64], path[4096];
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof path - 1);
	if (n <= 0)
		return false;
	path[n] = 0;
	if (!counts(path, kind))
		return false;
	errno = strcmp(kind, "read") == 0 ? EIO : ENOSPC;
	return true;
}

#define CALL(kind, result, name, parameters, arguments) \
	result name parameters \
	{ \
		REAL(result, name, parameters_of_##name); \
		return fails(fd, kind) ? -1 : real_##name arguments; \
	}
#define parameters_of_pread64 int, void *, size_t, off_t
#define parameters_of_read int, void *, size_t
#define parameters_of_pwrite64 int, const void *, size_t, off_t
#define parameters_of_write int, const void *, size_t
#define parameters_of_fsync int
#define parameters_of_fdatasync int
CALL("read", ssize_t, pread64, (int fd, void *p, size_t n, off_t at), (fd, p, n, at))
CALL("read", ssize_t, read, (int fd, void *p, size_t n), (fd, p, n))
CALL("write", ssize_t, pwrite64, (int fd, const void *p, size_t n, off_t at), (fd, p, n, at))
CALL("write", ssize_t, write, (int fd, const void *p, size_t n), (fd, p, n))
CALL("write", int, fsync, (int fd), (fd))
CALL("write", int, fdatasync, (int fd), (fd))

#define OPEN(name) \
	int name(const char *path, int flags, ...) \
	{ \
		REAL(int, name, const char *, int, ...); \
		va_list more; \
		va_start(more, flags); \
		unsigned mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, unsigned) : 0; \
		va_end(more); \
		if ((flags & O_CREAT) && counts(path, "write")) { \
			errno = ENOSPC; \
			return -1; \
		} \
		return real_##name(path, flags, mode); \
	}
OPEN(open)
OPEN(open64)
