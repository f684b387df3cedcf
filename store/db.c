/* db.c -- opens the database, maps SQLite's codes, runs statements. */
#include "store/db.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const query_sql[Q_COUNT] = {
#define QUERY(name, sql) [Q_##name] = sql,
#include "queries.def"
#undef QUERY
};

static enum err map_code(int rc, int os_error)
{
	bool full = os_error == ENOSPC || os_error == EDQUOT;
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE: return OK;
	case SQLITE_NOMEM: return ERR_MEMORY;
	case SQLITE_FULL: return ERR_FULL;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL: return ERR_BUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_FORMAT:
	case SQLITE_MISMATCH:
	case SQLITE_SCHEMA:
	case SQLITE_CONSTRAINT: /* every write was checked before, so the rows contradict each other */
	case SQLITE_ERROR: return ERR_CORRUPT; /* a statement that does not fit the schema found */
	case SQLITE_CANTOPEN: return full ? ERR_FULL : ERR_IO;
	case SQLITE_TOOBIG: return ERR_LIMIT;
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_AUTH: return ERR_IO;
	}
	return full ? ERR_FULL : ERR_IO;
}

enum err db_fault(struct store *s, int rc)
{
	snprintf(s->last_error, sizeof s->last_error, "%s (sqlite %d)",
		s->db ? sqlite3_errmsg(s->db) : sqlite3_errstr(rc), rc);
	/* What an fsync that failed had written is unknown for ever; only a reopened file tells. */
	if (rc == SQLITE_IOERR_FSYNC || rc == SQLITE_IOERR_DIR_FSYNC)
		s->broken = ERR_IO;
	return map_code(rc, s->db ? sqlite3_system_errno(s->db) : 0);
}

char *db_path(const char *home, const char *name)
{
	size_t n = strlen(home) + strlen(name) + 2;
	char *path = malloc(n);
	if (path)
		snprintf(path, n, "%s/%s", home, name);
	return path;
}

enum err db_sync_folder(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return ERR_IO;
	int rc = fsync(fd);
	close(fd);
	return rc == 0 ? OK : ERR_IO;
}

enum err db_exec(struct store *s, const char *sql)
{
	int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
	return rc == SQLITE_OK ? OK : db_fault(s, rc);
}

/* One writer for a home, in whatever process: a lock on the folder itself, so that no file of SQLite's is opened beside it
 * (closing such a descriptor would drop SQLite's own locks). */
static enum err lock_home(struct store *s)
{
	s->lock_fd = open(s->home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->lock_fd < 0)
		return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return OK;
	return errno == EWOULDBLOCK ? ERR_BUSY : ERR_IO;
}

static enum err configure(struct store *s)
{
	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_busy_timeout(s->db, 5000);
	int on = 0;
	if (sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, &on) ||
		sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, &on) ||
		(s->read_only && sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, &on)))
		return ERR_IO;
	enum err e = db_exec(s,
		"PRAGMA page_size = 4096; PRAGMA temp_store = MEMORY; PRAGMA cell_size_check = ON;"
		"PRAGMA foreign_keys = ON; PRAGMA cache_size = -8192; PRAGMA mmap_size = 0;");
	if (e != OK)
		return e;
	if (s->read_only)
		return db_exec(s, "PRAGMA wal_autocheckpoint = 0; PRAGMA query_only = ON;");
	return db_exec(s,
		"PRAGMA journal_mode = WAL; PRAGMA synchronous = " QUIRE_STORE_SYNC
		"; PRAGMA secure_delete = ON;"
		"PRAGMA cache_size = -5120; PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864;");
}

enum err db_open(struct store *s, const struct store_options *o)
{
	if (!o->read_only) {
		enum err e = lock_home(s);
		if (e != OK)
			return e;
	}
	char *path = db_path(s->home, "quire.db");
	if (!path)
		return ERR_MEMORY;
	struct stat st;
	bool there = stat(path, &st) == 0;
	enum err e = OK;
	if (!there && (o->read_only || !o->create)) {
		e = errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : ERR_IO;
	} else {
		int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
			SQLITE_OPEN_EXRESCODE;
		int rc = sqlite3_open_v2(
			path, &s->db, flags | (o->create && !o->read_only ? SQLITE_OPEN_CREATE : 0), NULL);
		e = rc == SQLITE_OK ? configure(s) : db_fault(s, rc);
	}
	if (e == OK && !there && chmod(path, 0600) != 0)
		e = ERR_IO;
	free(path);
	return e;
}

enum err db_open_memory(struct store *s)
{
	int rc = sqlite3_open_v2(":memory:", &s->db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
			SQLITE_OPEN_EXRESCODE,
		NULL);
	if (rc != SQLITE_OK)
		return db_fault(s, rc);
	return db_exec(s, "PRAGMA temp_store = MEMORY; PRAGMA secure_delete = ON;");
}

void db_close(struct store *s)
{
	for (size_t i = 0; i < Q_COUNT; i++)
		sqlite3_finalize(s->statements[i]);
	if (s->db)
		sqlite3_close(s->db);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
}

struct query q_start(struct store *s, enum query_name name)
{
	struct query q = {.s = s};
	if (!s->statements[name]) {
		int rc = sqlite3_prepare_v3(
			s->db, query_sql[name], -1, SQLITE_PREPARE_PERSISTENT, &s->statements[name], NULL);
		if (rc != SQLITE_OK)
			q.e = db_fault(s, rc);
	}
	q.st = s->statements[name];
	return q;
}

static void bound(struct query *q, int rc)
{
	if (rc != SQLITE_OK && q->e == OK)
		q->e = db_fault(q->s, rc);
}

void q_int(struct query *q, int64_t v)
{
	bound(q, sqlite3_bind_int64(q->st, ++q->bound, v));
}

void q_blob(struct query *q, struct slice v)
{
	bound(q, sqlite3_bind_blob64(q->st, ++q->bound, v.n ? (const void *)v.p : "", v.n, SQLITE_STATIC));
}

void q_blob_or_null(struct query *q, struct slice v)
{
	if (v.n)
		q_blob(q, v);
	else
		q_null(q);
}

void q_text(struct query *q, const char *v)
{
	bound(q, sqlite3_bind_text(q->st, ++q->bound, v, -1, SQLITE_STATIC));
}

void q_text_slice(struct query *q, struct slice v)
{
	bound(q,
		sqlite3_bind_text64(
			q->st, ++q->bound, v.n ? (const char *)v.p : "", v.n, SQLITE_STATIC, SQLITE_UTF8));
}

void q_null(struct query *q)
{
	bound(q, sqlite3_bind_null(q->st, ++q->bound));
}

bool q_row(struct query *q)
{
	if (q->e != OK)
		return false;
	int rc = sqlite3_step(q->st);
	if (rc == SQLITE_ROW)
		return true;
	if (rc != SQLITE_DONE)
		q->e = db_fault(q->s, rc);
	return false;
}

enum err q_end(struct query *q)
{
	if (q->st)
		sqlite3_reset(q->st); /* its code repeats that of the step */
	return q->e;
}

enum err q_done(struct query *q)
{
	while (q_row(q))
		;
	return q_end(q);
}

int64_t qc_int(const struct query *q, int column)
{
	return sqlite3_column_int64(q->st, column);
}

uint64_t qc_uint(const struct query *q, int column)
{
	return (uint64_t)sqlite3_column_int64(q->st, column);
}

/* NULL may be an empty value, or one for which there was no memory. */
static void column_read(struct query *q, const void *p)
{
	if (!p && q->e == OK && sqlite3_errcode(q->s->db) == SQLITE_NOMEM)
		q->e = ERR_MEMORY;
}

struct slice qc_slice(struct query *q, int column)
{
	const void *p = sqlite3_column_blob(q->st, column);
	column_read(q, p);
	return slice_of(p, p ? (size_t)sqlite3_column_bytes(q->st, column) : 0);
}

const char *qc_text(struct query *q, int column)
{
	const char *t = (const char *)sqlite3_column_text(q->st, column);
	column_read(q, t);
	return t ? t : "";
}

void qc_name(struct query *q, int column, char out[LIMIT_NAME_BYTES + 1])
{
	const char *name = qc_text(q, column);
	size_t n = strnlen(name, LIMIT_NAME_BYTES);
	memcpy(out, name, n);
	out[n] = 0;
}

enum err db_on_id(struct store *s, enum query_name name, const struct id32 *id)
{
	store_touch(s);
	struct query q = q_start(s, name);
	q_id(&q, id);
	return q_done(&q);
}

struct id32 qc_id(struct query *q, int column)
{
	struct slice v = qc_slice(q, column);
	if (v.n == 32)
		return id32_from(v.p);
	if (q->e == OK)
		q->e = ERR_CORRUPT;
	return (struct id32){{0}};
}

struct slice qc_copy(struct query *q, int column, struct arena *mem)
{
	struct slice v = qc_slice(q, column);
	if (v.n == 0)
		return v;
	v = arena_copy(mem, v);
	if (!v.p && q->e == OK)
		q->e = ERR_MEMORY;
	return v;
}

void *array_add(struct array *a, size_t item_bytes, struct query *q)
{
	if (q->e == OK)
		q->e = buf_reserve(&a->b, item_bytes);
	if (q->e != OK)
		return NULL;
	void *item = a->b.p + a->b.n;
	memset(item, 0, item_bytes);
	a->b.n += item_bytes;
	a->n++;
	return item;
}

void *array_give(struct array *a, struct arena *mem, struct query *q)
{
	struct slice given = {0};
	if (q->e == OK) {
		given = arena_copy(mem, buf_slice(&a->b));
		if (!given.p)
			q->e = ERR_MEMORY;
	}
	buf_free(&a->b);
	return q->e == OK ? (void *)(uintptr_t)given.p : NULL;
}
