/* blobfile.c -- blob content in files. See blobfile.h for the order of durability. */
#include "store/blobfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_MAX_BYTES 4096
#define TEMPORARY "temp-"
#define PART ".part"

static enum err fault(void)
{
	return errno == ENOSPC || errno == EDQUOT ? ERR_FULL : errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
}

static enum err sync_folder(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fault();
	enum err e = fsync(fd) == 0 ? OK : ERR_IO;
	close(fd);
	return e;
}

/* HOME/blobs/ab/abcdef… and, for depth 2, HOME/blobs/ab; for depth 1 HOME/blobs. */
static enum err blob_path(
	char out[PATH_MAX_BYTES], const char *home, const struct id32 *root, int depth, const char *suffix)
{
	static const char digits[] = "0123456789abcdef";
	char hex[65] = {0};
	for (size_t i = 0; i < 32; i++) {
		hex[2 * i] = digits[root->b[i] >> 4];
		hex[2 * i + 1] = digits[root->b[i] & 15];
	}
	int n = depth == 1   ? snprintf(out, PATH_MAX_BYTES, "%s/blobs", home)
		: depth == 2 ? snprintf(out, PATH_MAX_BYTES, "%s/blobs/%.2s", home, hex)
			     : snprintf(out, PATH_MAX_BYTES, "%s/blobs/%.2s/%s%s", home, hex, hex, suffix);
	return n > 0 && n < PATH_MAX_BYTES ? OK : ERR_RANGE;
}

/* Makes the folder, durably in the one above it. */
static enum err make_folder(const char *path, const char *above)
{
	if (mkdir(path, 0700) != 0)
		return errno == EEXIST ? OK : fault();
	return sync_folder(above);
}

static enum err make_folders(const char *home, const struct id32 *root)
{
	char top[PATH_MAX_BYTES], folder[PATH_MAX_BYTES];
	enum err e = blob_path(top, home, root, 1, "");
	if (e == OK)
		e = blob_path(folder, home, root, 2, "");
	if (e == OK)
		e = make_folder(top, home);
	return e == OK ? make_folder(folder, top) : e;
}

enum err blobfile_temp(const char *home, int *fd)
{
	char path[PATH_MAX_BYTES];
	static const struct id32 none;
	enum err e = blob_path(path, home, &none, 1, "");
	if (e == OK)
		e = make_folder(path, home);
	if (e != OK)
		return e;
	*fd = open(path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (*fd >= 0)
		return OK;
	if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
		return fault();
	size_t n = strlen(path);
	if (n + sizeof "/" TEMPORARY "XXXXXX" > sizeof path)
		return ERR_RANGE;
	memcpy(path + n, "/" TEMPORARY "XXXXXX", sizeof "/" TEMPORARY "XXXXXX");
	*fd = mkostemp(path, O_CLOEXEC);
	return *fd >= 0 ? OK : fault();
}

enum err blobfile_open_part(const char *home, const struct id32 *root, int *fd)
{
	char path[PATH_MAX_BYTES];
	enum err e = blob_path(path, home, root, 3, PART);
	if (e != OK)
		return e;
	*fd = open(path, O_RDWR | O_CLOEXEC);
	if (*fd >= 0)
		return OK;
	e = make_folders(home, root);
	if (e != OK)
		return e;
	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	return *fd >= 0 ? OK : fault();
}

static enum err open_to_read(const char *home, const struct id32 *root, const char *suffix, int *fd)
{
	char path[PATH_MAX_BYTES];
	enum err e = blob_path(path, home, root, 3, suffix);
	if (e != OK)
		return e;
	*fd = open(path, O_RDONLY | O_CLOEXEC);
	return *fd >= 0 ? OK : fault();
}

enum err blobfile_open(const char *home, const struct id32 *root, int *fd)
{
	return open_to_read(home, root, "", fd);
}

enum err blobfile_open_any(const char *home, const struct id32 *root, int *fd)
{
	enum err e = open_to_read(home, root, "", fd);
	if (e == ERR_NOT_FOUND)
		e = open_to_read(home, root, PART, fd);
	if (e == ERR_NOT_FOUND) /* it got its name in between */
		e = open_to_read(home, root, "", fd);
	return e;
}

static bool in_range(uint64_t index, size_t n)
{
	return index < LIMIT_BLOB_CHUNKS && n <= (LIMIT_BLOB_CHUNKS - index) * BLOB_CHUNK_STORED_BYTES;
}

enum err blobfile_write_chunk(int fd, uint64_t index, const uint8_t *p, size_t n)
{
	if (!in_range(index, n))
		return ERR_RANGE;
	off_t at = (off_t)(index * BLOB_CHUNK_STORED_BYTES);
	while (n > 0) {
		ssize_t done = pwrite(fd, p, n, at);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return fault();
		p += done;
		n -= (size_t)done;
		at += done;
	}
	return OK;
}

enum err blobfile_read_chunk(int fd, uint64_t index, uint8_t *p, size_t n)
{
	if (!in_range(index, n))
		return ERR_RANGE;
	off_t at = (off_t)(index * BLOB_CHUNK_STORED_BYTES);
	while (n > 0) {
		ssize_t done = pread(fd, p, n, at);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return ERR_IO;
		if (done == 0)
			return ERR_CORRUPT;
		p += done;
		n -= (size_t)done;
		at += done;
	}
	return OK;
}

/* The folders each time, and not when they were made: another thread may have made them and not be done with it. */
enum err blobfile_sync(const char *home, const struct id32 *root, int fd)
{
	char path[PATH_MAX_BYTES];
	enum err e = fdatasync(fd) == 0 ? OK : fault();
	for (int depth = 2; e == OK && depth >= 1; depth--) {
		e = blob_path(path, home, root, depth, "");
		if (e == OK)
			e = sync_folder(path);
	}
	return e;
}

/* The name that a file of blobfile_temp may have had, when the file system has no O_TMPFILE. */
static void drop_temporary_name(int fd)
{
	char link[64], path[PATH_MAX_BYTES];
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof path - 1);
	if (n <= 0)
		return;
	path[n] = 0;
	const char *name = strrchr(path, '/');
	if (name && strncmp(name + 1, TEMPORARY, strlen(TEMPORARY)) == 0)
		unlink(path);
}

static enum err publish_temporary(int fd, const char *path)
{
	char link[64];
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	if (fsync(fd) != 0)
		return fault();
	if (linkat(AT_FDCWD, link, AT_FDCWD, path, AT_SYMLINK_FOLLOW) != 0 && errno != EEXIST)
		return fault();
	drop_temporary_name(fd);
	return OK;
}

static enum err publish_part(const char *part, const char *path)
{
	int fd = open(part, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT && access(path, F_OK) == 0 ? OK : fault();
	enum err e = fsync(fd) == 0 ? OK : fault();
	close(fd);
	if (e != OK)
		return e;
	if (link(part, path) != 0 && errno != EEXIST)
		return fault();
	return unlink(part) == 0 ? OK : fault();
}

enum err blobfile_publish(const char *home, const struct id32 *root, int fd)
{
	char path[PATH_MAX_BYTES], part[PATH_MAX_BYTES], folder[PATH_MAX_BYTES];
	enum err e = blob_path(path, home, root, 3, "");
	if (e == OK)
		e = blob_path(part, home, root, 3, PART);
	if (e == OK)
		e = blob_path(folder, home, root, 2, "");
	if (e == OK)
		e = make_folders(home, root);
	if (e == OK)
		e = fd >= 0 ? publish_temporary(fd, path) : publish_part(part, path);
	return e == OK ? sync_folder(folder) : e;
}

void blobfile_remove(const char *home, const struct id32 *root)
{
	char path[PATH_MAX_BYTES];
	if (blob_path(path, home, root, 3, PART) == OK)
		unlink(path);
	if (blob_path(path, home, root, 3, "") == OK)
		unlink(path);
	if (blob_path(path, home, root, 2, "") == OK) {
		enum err e = sync_folder(path);
		(void)e; /* a start removes what a crash brings back */
	}
}

void blobfile_drop_temporaries(const char *home)
{
	char folder[PATH_MAX_BYTES];
	static const struct id32 none;
	DIR *d = blob_path(folder, home, &none, 1, "") == OK ? opendir(folder) : NULL;
	if (!d)
		return;
	struct dirent *entry;
	while ((entry = readdir(d)) != NULL) {
		if (strncmp(entry->d_name, TEMPORARY, strlen(TEMPORARY)) == 0)
			unlinkat(dirfd(d), entry->d_name, 0);
	}
	closedir(d);
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_name(const char *name, struct id32 *root, bool *part)
{
	for (size_t i = 0; i < 32; i++) {
		int high = hex_digit(name[2 * i]);
		int low = high < 0 ? -1 : hex_digit(name[2 * i + 1]);
		if (low < 0)
			return false;
		root->b[i] = (uint8_t)(high << 4 | low);
	}
	*part = strcmp(name + 64, PART) == 0;
	return *part || name[64] == 0;
}

static enum err each_in(const char *folder,
	void (*file)(void *ctx, const struct id32 *root, bool part, uint64_t bytes), void *ctx)
{
	DIR *d = opendir(folder);
	if (!d)
		return errno == ENOENT || errno == ENOTDIR ? OK : fault();
	struct dirent *entry;
	while ((entry = readdir(d)) != NULL) {
		struct id32 root;
		bool part;
		struct stat st;
		if (parse_name(entry->d_name, &root, &part) &&
			fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			file(ctx, &root, part, (uint64_t)st.st_size);
	}
	closedir(d);
	return OK;
}

enum err blobfile_each(const char *home,
	void (*file)(void *ctx, const struct id32 *root, bool part, uint64_t bytes), void *ctx)
{
	char folder[PATH_MAX_BYTES];
	struct id32 root = {{0}};
	struct stat st;
	if (blob_path(folder, home, &root, 1, "") == OK && stat(folder, &st) != 0 && errno == ENOENT)
		return OK; /* most nodes begin without */
	for (unsigned i = 0; i < 256; i++) {
		root.b[0] = (uint8_t)i;
		enum err e = blob_path(folder, home, &root, 2, "");
		if (e == OK)
			e = each_in(folder, file, ctx);
		if (e != OK)
			return e;
	}
	return OK;
}
