/* migrate.c -- numbered migrations, each in one transaction, each after a copy of what was there. */
#include "store/db.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define APPLICATION_ID "1366649202" /* "Quir" in the file's head */

static const struct {
	int64_t version;
	const char *sql;
} migrations[] = {
#define MIGRATION(version, sql) {version, sql},
#include "schema.def"
#undef MIGRATION
};

#define MIGRATIONS_N (sizeof migrations / sizeof migrations[0])
_Static_assert(MIGRATIONS_N == DB_VERSION, "a reader must know the newest version");

#define FACTS_VERSION 3 /* the migration that makes the tables of facts */

static enum err read_one(struct store *s, enum query_name name, int64_t *out)
{
	struct query q = q_start(s, name);
	if (q_row(&q))
		*out = qc_int(&q, 0);
	return q_end(&q);
}

enum err db_version_check(struct store *s, int64_t *version)
{
	int64_t tables = 0;
	*version = 0;
	enum err e = read_one(s, Q_VERSION, version);
	if (e == OK)
		e = read_one(s, Q_TABLES, &tables);
	if (e != OK)
		return e;
	if (*version > migrations[MIGRATIONS_N - 1].version)
		return ERR_NEWER;
	if (*version < 0 || (*version == 0 && tables > 0))
		return ERR_CORRUPT; /* somebody else's */
	return OK;
}

static enum err sync_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return ERR_IO;
	int rc = fsync(fd);
	close(fd);
	return rc == 0 ? OK : ERR_IO;
}

/* A whole copy beside the database, in place and durable before anything changes. */
static enum err copy_before(struct store *s, int64_t version)
{
	char name[64];
	snprintf(name, sizeof name, "quire.db.before-%lld", (long long)version);
	char *path = db_path(s->home, name), *part = db_path(s->home, "quire.db.copying");
	enum err e = path && part ? OK : ERR_MEMORY;
	if (e == OK && unlink(part) != 0 && errno != ENOENT)
		e = ERR_IO;
	if (e == OK) {
		struct query q = q_start(s, Q_BACKUP);
		q_text(&q, part);
		e = q_done(&q);
	}
	if (e == OK)
		e = sync_file(part);
	if (e == OK && rename(part, path) != 0)
		e = ERR_IO;
	if (e == OK)
		e = db_sync_folder(s->home);
	free(path);
	free(part);
	return e;
}

static enum err apply(struct store *s, size_t i)
{
	char version[64];
	snprintf(version, sizeof version, "PRAGMA user_version = %lld", (long long)migrations[i].version);
	enum err e = db_exec(s, "BEGIN IMMEDIATE");
	if (e != OK)
		return e;
	if (i == 0)
		e = db_exec(s, "PRAGMA application_id = " APPLICATION_ID);
	if (e == OK)
		e = db_exec(s, migrations[i].sql);
	if (e == OK)
		e = db_exec(s, version);
	if (e == OK)
		e = db_exec(s, "COMMIT");
	if (e != OK && !sqlite3_get_autocommit(s->db))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	return e;
}

enum err db_migrate_memory(struct store *s)
{
	/* There are no logs, but what reads facts looks for them. */
	enum err e = db_exec(s,
		"CREATE TABLE log(id BLOB PRIMARY KEY, ends INTEGER NOT NULL, closed_length INTEGER NOT NULL) STRICT, WITHOUT ROWID;");
	for (size_t i = 0; e == OK && i < MIGRATIONS_N; i++) {
		if (migrations[i].version == FACTS_VERSION)
			e = db_exec(s, migrations[i].sql);
	}
	return e;
}

enum err db_migrate(struct store *s)
{
	int64_t found;
	enum err e = db_version_check(s, &found);
	for (size_t i = 0; e == OK && i < MIGRATIONS_N; i++) {
		if (migrations[i].version <= found)
			continue;
		if (found > 0)
			e = copy_before(s, migrations[i].version);
		if (e == OK)
			e = apply(s, i);
	}
	return e == OK ? db_sync_folder(s->home) : e;
}
