/* copy.c -- a copy of the database while others read and write it, and what a copy without its files lacks. ARCHITECTURE.md, "Backups". */
#include "store/blobfile.h"
#include "store/db.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* One read transaction, so the copy is of one moment; pages go through SQLite's own cache. */
static enum err copy_pages(struct store *s, sqlite3 *to)
{
	sqlite3_backup *b = sqlite3_backup_init(to, "main", s->db, "main");
	if (!b)
		return ERR_IO;
	int rc = sqlite3_backup_step(b, -1);
	int ended = sqlite3_backup_finish(b);
	if (rc == SQLITE_DONE)
		return ended == SQLITE_OK ? OK : ERR_IO;
	return (rc & 0xff) == SQLITE_FULL ? ERR_FULL : (rc & 0xff) == SQLITE_BUSY ? ERR_BUSY : ERR_IO;
}

enum err store_copy(struct store *s, const char *path)
{
	sqlite3 *to = NULL;
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return ERR_IO;
	close(fd);
	enum err e = ERR_IO;
	if (sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE,
		    NULL) == SQLITE_OK)
		e = copy_pages(s, to);
	sqlite3_close(to);
	if (e != OK)
		(void)unlink(path);
	return e;
}

/* Blobs whose file is not here, by number. */
static enum err find_lacking(struct store *s, struct array *nos)
{
	struct query list = q_start(s, Q_BLOB_FILES);
	while (q_row(&list)) {
		struct id32 root = qc_id(&list, 1);
		int fd = -1;
		if (list.e == OK && qc_int(&list, 2) == BLOB_COMPLETE &&
			blobfile_open(s->home, &root, &fd) == OK) {
			close(fd);
			continue;
		}
		int64_t *no = array_add(nos, sizeof *no, &list);
		if (no)
			*no = qc_int(&list, 0);
	}
	return q_end(&list);
}

static enum err reset_lacking(struct store *s)
{
	struct array nos = {0};
	enum err e = find_lacking(s, &nos);
	store_touch(s);
	for (size_t i = 0; e == OK && i < nos.n; i++) {
		int64_t no;
		memcpy(&no, nos.b.p + i * sizeof no, sizeof no);
		struct query leaves = q_start(s, Q_LEAVES_DROP);
		q_int(&leaves, no);
		e = q_done(&leaves);
		struct query reset = q_start(s, Q_BLOB_RESET);
		q_int(&reset, no);
		if (e == OK)
			e = q_done(&reset);
	}
	buf_free(&nos.b);
	return e;
}

enum err store_want_lacking_files(struct store *s)
{
	return s->read_only ? ERR_REFUSED : store_write_alone(s, reset_lacking);
}
