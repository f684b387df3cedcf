/* backup_create.c -- see backup.h. */
#include "backup_int.h"

#include "home.h"
#include "keyfile.h"
#include "store/blobfile.h"
#include "store/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct writing_backup {
	const char *home;
	struct backup_stream *out;
	struct backup_counts counts;
	enum err err;
	char *why;
};

static enum err put_head(struct writing_backup *w, const char *name, uint64_t size)
{
	uint8_t head[2], length[8];
	size_t n = strlen(name);
	head[0] = (uint8_t)(n >> 8);
	head[1] = (uint8_t)n;
	be64_put(length, size);
	enum err e = backup_put(w->out, head, sizeof head);
	if (e == OK)
		e = backup_put(w->out, name, n);
	if (e == OK)
		e = backup_put(w->out, length, sizeof length);
	w->counts.files += n > 0;
	w->counts.bytes += n > 0 ? size : 0;
	return e;
}

static enum err put_bytes(struct writing_backup *w, const char *name, const uint8_t *p, size_t n)
{
	enum err e = put_head(w, name, n);
	return e == OK ? backup_put(w->out, p, n) : e;
}

/* As many bytes as the file had when it was opened. */
static enum err put_open(struct writing_backup *w, const char *name, int fd)
{
	struct stat st;
	uint8_t piece[16384];
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return ERR_IO;
	uint64_t left = (uint64_t)st.st_size;
	enum err e = put_head(w, name, left);
	while (e == OK && left) {
		ssize_t n = read(fd, piece, left < sizeof piece ? (size_t)left : sizeof piece);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ERR_IO;
		e = backup_put(w->out, piece, (size_t)n);
		left -= (uint64_t)n;
	}
	return e;
}

/* A file that is not there is left out. */
static enum err put_file(struct writing_backup *w, const char *path, const char *name)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT)
		return OK;
	enum err e = fd < 0 ? ERR_IO : put_open(w, name, fd);
	if (fd >= 0)
		close(fd);
	if (e == ERR_IO)
		(void)snprintf(w->why, BACKUP_WHY_BYTES,
			"%.200s cannot be read, or the backup not be written: %s", path, strerror(errno));
	return e;
}

static enum err put_in_home(struct writing_backup *w, const char *name)
{
	char path[HOME_PATH_BYTES];
	enum err e = home_path(w->home, name, path);
	return e == OK ? put_file(w, path, name) : e;
}

static enum err put_key(struct writing_backup *w, const char *file)
{
	struct id32 identity;
	char name[BACKUP_NAME_BYTES], hex[65];
	uint8_t bytes[KEYFILE_BYTES_MAX];
	size_t n = 0;
	memcpy(hex, file, 64);
	hex[64] = 0;
	if (sodium_hex2bin(identity.b, 32, hex, 64, NULL, NULL, NULL) != 0)
		return OK;
	enum err e = keyfile_without_device(w->home, &identity, bytes, &n);
	if (e == ERR_STATE) {
		w->counts.left_out++;
		return OK;
	}
	(void)snprintf(name, sizeof name, "keys/%s.key", hex);
	if (e == OK)
		e = put_bytes(w, name, bytes, n);
	else
		(void)snprintf(
			w->why, BACKUP_WHY_BYTES, "the keys of %s cannot be read: %s", hex, err_text(e));
	sodium_memzero(bytes, sizeof bytes);
	return e;
}

static enum err put_keys(struct writing_backup *w)
{
	char path[HOME_PATH_BYTES];
	enum err e = home_path(w->home, "keys", path);
	DIR *d = e == OK ? opendir(path) : NULL;
	if (!d)
		return e == OK ? ERR_NOT_FOUND : e;
	for (const struct dirent *at; e == OK && (at = readdir(d)) != NULL;)
		if (strlen(at->d_name) == 68 && strcmp(at->d_name + 64, ".key") == 0)
			e = put_key(w, at->d_name);
	closedir(d);
	return e;
}

static enum err put_database(struct writing_backup *w, const char *path)
{
	const struct store_options options = {.home = w->home, .read_only = true};
	char copy[HOME_PATH_BYTES];
	struct store *s = NULL;
	int n = snprintf(copy, sizeof copy, "%s.database", path);
	enum err e = n < 0 || (size_t)n >= sizeof copy ? ERR_LIMIT : store_open(&options, &s);
	if (e != OK) {
		(void)snprintf(w->why, BACKUP_WHY_BYTES, "the database cannot be opened: %s", err_text(e));
		return e;
	}
	(void)unlink(copy); /* what an interrupted run left: its name is ours */
	e = store_copy(s, copy);
	store_close(s);
	if (e == OK)
		e = put_file(w, copy, "quire.db");
	else
		(void)snprintf(w->why, BACKUP_WHY_BYTES,
			"the database cannot be copied beside the backup: %s", err_text(e));
	(void)unlink(copy);
	return e;
}

/* One that is erased meanwhile is left out. */
static void put_blob(void *ctx, const struct id32 *root, bool part, uint64_t bytes)
{
	struct writing_backup *w = (struct writing_backup *)ctx;
	char name[BACKUP_NAME_BYTES], hex[65];
	int fd = -1;
	(void)bytes;
	if (w->err != OK || part || blobfile_open(w->home, root, &fd) != OK)
		return;
	sodium_bin2hex(hex, sizeof hex, root->b, 32);
	(void)snprintf(name, sizeof name, "blobs/%.2s/%s", hex, hex);
	w->err = put_open(w, name, fd);
	w->counts.blobs++;
	close(fd);
}

static enum err put_all(struct writing_backup *w, const char *path, bool blobs)
{
	uint8_t count[8];
	enum err e = put_in_home(w, "keys/node");
	if (e == OK && w->counts.files == 0) {
		(void)snprintf(w->why, BACKUP_WHY_BYTES, "there is no node in %.300s", w->home);
		return ERR_NOT_FOUND;
	}
	if (e == OK)
		e = put_keys(w);
	if (e == OK)
		e = put_in_home(w, "quire.conf");
	if (e == OK)
		e = put_in_home(w, "roots");
	/* Before the blobs: what the database names was complete by then, and is in the folder or erased. */
	if (e == OK)
		e = put_database(w, path);
	if (e == OK && blobs)
		e = blobfile_each(w->home, put_blob, w);
	if (e == OK)
		e = w->err;
	be64_put(count, w->counts.files);
	if (e == OK)
		e = backup_put(w->out, "\0\0", 2);
	if (e == OK)
		e = backup_put(w->out, count, sizeof count);
	return e == OK ? backup_end(w->out) : e;
}

enum err backup_create(const char *home, const char *path, struct slice passphrase, bool blobs,
	struct backup_counts *out, char why[BACKUP_WHY_BYTES])
{
	struct backup_stream *b = (struct backup_stream *)sodium_malloc(sizeof *b);
	struct writing_backup w = {.home = home, .out = b, .why = why};
	if (!b)
		return ERR_MEMORY;
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	enum err e = fd >= 0 ? OK : errno == EEXIST ? ERR_EXISTS : ERR_IO;
	if (e != OK) {
		(void)snprintf(why, BACKUP_WHY_BYTES, "cannot make %.300s: %s", path, strerror(errno));
		sodium_free(b);
		return e;
	}
	b->f = fdopen(fd, "wb");
	if (!b->f)
		close(fd);
	e = b->f ? backup_begin(b, passphrase) : ERR_MEMORY;
	if (e == OK)
		e = put_all(&w, path, blobs);
	if (b->f && fclose(b->f) != 0 && e == OK)
		e = ERR_IO;
	sodium_free(b);
	if (e != OK)
		(void)unlink(path);
	else
		*out = w.counts;
	return e;
}
