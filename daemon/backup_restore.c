/* backup_restore.c -- see backup.h. Everything goes into a folder beside the home, is checked there, and takes the home's name at the end. */
#include "backup_int.h"

#include "home.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct reading_backup {
	struct backup_stream *in;
	char folder[HOME_PATH_BYTES];
	struct backup_counts counts;
	bool node, database;
	char *why;
};

static bool is_hex(const char *p, size_t n)
{
	return strspn(p, "0123456789abcdef") >= n;
}

/* What may be in a backup, and where it may go. */
static bool good_name(const char *name)
{
	size_t n = strlen(name);
	if (strcmp(name, "keys/node") == 0 || strcmp(name, "quire.conf") == 0 || strcmp(name, "roots") == 0 ||
		strcmp(name, "quire.db") == 0)
		return true;
	if (n == 73 && memcmp(name, "keys/", 5) == 0)
		return is_hex(name + 5, 64) && strcmp(name + 69, ".key") == 0;
	return n == 73 && memcmp(name, "blobs/", 6) == 0 && name[8] == '/' && is_hex(name + 9, 64) &&
		memcmp(name + 6, name + 9, 2) == 0;
}

static enum err make_folder(const char *folder, const char *name)
{
	char path[HOME_PATH_BYTES];
	enum err e = home_path(folder, name, path);
	return e == OK && mkdir(path, 0700) != 0 && errno != EEXIST ? ERR_IO : e;
}

static enum err take_bytes(struct reading_backup *r, int fd, uint64_t size)
{
	uint8_t piece[16384];
	while (size) {
		size_t n = size < sizeof piece ? (size_t)size : sizeof piece;
		enum err e = backup_get(r->in, piece, n);
		if (e != OK)
			return e;
		ssize_t written = write(fd, piece, n);
		if (written != (ssize_t)n)
			return written < 0 && errno != ENOSPC && errno != EDQUOT ? ERR_IO : ERR_FULL;
		size -= n;
	}
	return fsync(fd) == 0 ? OK : ERR_IO;
}

static enum err take_file(struct reading_backup *r, const char *name)
{
	uint8_t size[8];
	char path[HOME_PATH_BYTES];
	enum err e = good_name(name) ? backup_get(r->in, size, sizeof size) : ERR_CORRUPT;
	if (e == OK && memcmp(name, "blobs/", 6) == 0) {
		char inner[9];
		memcpy(inner, name, 8);
		inner[8] = 0;
		e = make_folder(r->folder, inner);
		r->counts.blobs++;
	}
	if (e == OK)
		e = home_path(r->folder, name, path);
	if (e != OK)
		return e;
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return errno == EEXIST ? ERR_CORRUPT : errno == ENOSPC ? ERR_FULL : ERR_IO;
	e = take_bytes(r, fd, be64_get(size));
	close(fd);
	r->counts.files++;
	r->counts.bytes += be64_get(size);
	r->node = r->node || strcmp(name, "keys/node") == 0;
	r->database = r->database || strcmp(name, "quire.db") == 0;
	return e;
}

static enum err take_all(struct reading_backup *r)
{
	for (;;) {
		uint8_t head[2], count[8];
		char name[BACKUP_NAME_BYTES];
		enum err e = backup_get(r->in, head, sizeof head);
		size_t n = (size_t)head[0] << 8 | head[1];
		if (e != OK)
			return e;
		if (n == 0) {
			e = backup_get(r->in, count, sizeof count);
			return e != OK ? e
				: be64_get(count) == r->counts.files && r->node && r->database &&
					backup_at_end(r->in)
				? OK
				: ERR_CORRUPT;
		}
		e = n < sizeof name ? backup_get(r->in, name, n) : ERR_CORRUPT;
		if (e != OK)
			return e;
		name[n] = 0;
		e = take_file(r, name);
		if (e != OK)
			return e;
	}
}

static void found(void *ctx, const char *text)
{
	(void)text;
	++*(unsigned *)ctx;
}

/* The database itself, and what of its files is not here. */
static enum err check_database(struct reading_backup *r)
{
	const struct store_options options = {.home = r->folder};
	struct store *s = NULL;
	unsigned findings = 0;
	enum err e = store_open(&options, &s);
	if (e == OK)
		e = store_check(s, found, &findings);
	if (e == OK && findings)
		e = ERR_CORRUPT;
	if (e == OK)
		e = store_want_lacking_files(s);
	store_close(s);
	return e;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	(void)st, (void)flag, (void)at;
	return remove(path);
}

static enum err name_it(struct reading_backup *r, const char *home)
{
	char above[HOME_PATH_BYTES];
	(void)snprintf(above, sizeof above, "%s/..", home);
	if (rename(r->folder, home) != 0)
		return errno == ENOTEMPTY || errno == EEXIST ? ERR_EXISTS : ERR_IO;
	int fd = open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		(void)fsync(fd);
		close(fd);
	}
	return OK;
}

static enum err fill_and_check(struct reading_backup *r, struct slice passphrase)
{
	bool encrypted;
	enum err e = backup_read_head(r->in, &encrypted);
	if (e == OK)
		e = backup_open(r->in, passphrase);
	if (e == OK)
		e = make_folder(r->folder, "keys");
	if (e == OK)
		e = make_folder(r->folder, "blobs");
	if (e == OK)
		e = take_all(r);
	return e == OK ? check_database(r) : e;
}

static const char *reason(enum err e)
{
	switch ((int)e) {
	case ERR_FORMAT: return "this is not a backup of Quire";
	case ERR_VERSION: return "the backup is of another version: use the version of Quire that made it";
	case ERR_PASSPHRASE:
		return "the passphrase is another one, or the backup is damaged at its beginning";
	case ERR_CORRUPT: return "the backup is damaged or cut short; nothing was restored";
	case ERR_EXISTS: return "the home is not empty: restore into another --home";
	case ERR_FULL: return "the disk is full";
	}
	return err_text(e);
}

/* home without a slash at its end, and not there or empty. */
static enum err look_at_home(const char *home, char folder[HOME_PATH_BYTES])
{
	int n = snprintf(folder, HOME_PATH_BYTES, "%s", home);
	while (n > 1 && folder[n - 1] == '/')
		folder[--n] = 0;
	int more = snprintf(folder + n, HOME_PATH_BYTES - (size_t)n, ".restoring");
	if (n <= 0 || n + more >= (int)HOME_PATH_BYTES)
		return ERR_LIMIT;
	if (rmdir(home) != 0 && errno != ENOENT)
		return errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR ? ERR_EXISTS : ERR_IO;
	return OK;
}

enum err backup_look(const char *path, bool *encrypted, char why[BACKUP_WHY_BYTES])
{
	struct backup_stream *b = (struct backup_stream *)sodium_malloc(sizeof *b);
	if (!b)
		return ERR_MEMORY;
	b->f = fopen(path, "rbe");
	enum err e = b->f ? backup_read_head(b, encrypted) : errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
	if (e != OK)
		(void)snprintf(why, BACKUP_WHY_BYTES, "%.300s: %s", path, b->f ? reason(e) : strerror(errno));
	if (b->f)
		(void)fclose(b->f);
	sodium_free(b);
	return e;
}

enum err backup_restore(const char *home, const char *path, struct slice passphrase,
	struct backup_counts *out, char why[BACKUP_WHY_BYTES])
{
	struct reading_backup r = {.why = why};
	r.in = (struct backup_stream *)sodium_malloc(sizeof *r.in);
	if (!r.in)
		return ERR_MEMORY;
	r.in->f = fopen(path, "rbe");
	enum err e = r.in->f ? look_at_home(home, r.folder) : errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
	bool made = false;
	if (e == OK) { /* what an interrupted run left */
		(void)nftw(r.folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
		made = mkdir(r.folder, 0700) == 0;
		e = made ? fill_and_check(&r, passphrase) : ERR_IO;
	}
	if (e == OK)
		e = name_it(&r, home);
	if (e == OK)
		*out = r.counts;
	else
		(void)snprintf(why, BACKUP_WHY_BYTES, "%.300s: %s", path, reason(e));
	if (e != OK && made)
		(void)nftw(r.folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	if (r.in->f)
		(void)fclose(r.in->f);
	sodium_free(r.in);
	return e;
}
