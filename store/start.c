/* start.c -- a new instance, and whether this home is the one that was left. SPEC.md sections 10.2 and 10.5.
 *
 * The database and the side file `instance` hold the token of the last start; the database also holds the machine id and a mark of the
 * side file: its inode and time of birth, since file systems give an inode number again at once. A copied, restored or rolled back home shows in one of them. The token goes to the side file between two commits: first it
 * is written to `next`, so that a crash at any point between leaves a pair that is known to be this home's own. */
#include "store/db.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIDE_FILE "instance"
#define INSTANCES_KEPT 4096
#define TOKEN_BYTES 16
#define MACHINE_BYTES_MAX 64

struct place {
	bool known;
	uint8_t token[TOKEN_BYTES], next[TOKEN_BYTES];
	bool has_next;
	uint8_t machine[MACHINE_BYTES_MAX];
	size_t machine_n;
	uint64_t inode;
};

static enum err read_recorded(struct store *s, struct place *p)
{
	*p = (struct place){0};
	struct query get = q_start(s, Q_PLACE_GET);
	if (q_row(&get)) {
		struct slice token = qc_slice(&get, 0), next = qc_slice(&get, 1), machine = qc_slice(&get, 2);
		p->known = true;
		p->has_next = next.n == TOKEN_BYTES;
		if (token.n != TOKEN_BYTES || (next.n && !p->has_next) || machine.n > MACHINE_BYTES_MAX) {
			get.e = ERR_CORRUPT;
		} else {
			memcpy(p->token, token.p, TOKEN_BYTES);
			if (p->has_next)
				memcpy(p->next, next.p, TOKEN_BYTES);
			if (machine.n)
				memcpy(p->machine, machine.p, machine.n);
			p->machine_n = machine.n;
			p->inode = qc_uint(&get, 3);
		}
	}
	return q_end(&get);
}

/* A file that is not there is empty; one that cannot be read now says nothing, and no log is given up for it. */
static enum err read_file(const char *path, uint8_t *out, size_t max, size_t *n)
{
	*n = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == EACCES ? OK : ERR_IO;
	ssize_t got = read(fd, out, max);
	close(fd);
	*n = got > 0 ? (size_t)got : 0;
	return got < 0 ? ERR_IO : OK;
}

/* Which file this is, not what is in it. Where the file system keeps no time of birth, the inode alone. 0: there is none. */
static enum err file_mark(const char *path, uint64_t *mark)
{
	struct statx st;
	*mark = 0;
	if (statx(AT_FDCWD, path, 0, STATX_INO | STATX_BTIME, &st) != 0)
		return errno == ENOENT ? OK : ERR_IO;
	uint64_t born = st.stx_mask & STATX_BTIME
		? (uint64_t)st.stx_btime.tv_sec * 1000000000u + st.stx_btime.tv_nsec
		: 0;
	*mark = (st.stx_ino * 0x9e3779b97f4a7c15u ^ born) & INT64_MAX;
	return OK;
}

/* What is here now: side file, its inode, machine id. A missing one leaves zeros. */
static enum err read_present(struct store *s, struct place *p)
{
	*p = (struct place){0};
	size_t n;
	enum err e = read_file("/etc/machine-id", p->machine, sizeof p->machine, &p->machine_n);
	while (p->machine_n && p->machine[p->machine_n - 1] <= ' ')
		p->machine_n--;
	char *path = db_path(s->home, SIDE_FILE);
	if (!path)
		return ERR_MEMORY;
	if (e == OK)
		e = file_mark(path, &p->inode);
	if (e == OK)
		e = read_file(path, p->token, TOKEN_BYTES, &n);
	p->known = e == OK && p->inode && n == TOKEN_BYTES;
	free(path);
	return e;
}

/* NULL: this is the home that the last instance left. */
static const char *what_differs(const struct place *recorded, const struct place *present)
{
	if (!recorded->known)
		return NULL; /* a new database */
	if (!present->known)
		return "the side file is missing";
	bool same = memcmp(present->token, recorded->token, TOKEN_BYTES) == 0;
	bool next = recorded->has_next && memcmp(present->token, recorded->next, TOKEN_BYTES) == 0;
	if (!same && !next)
		return "database and side file come from different starts";
	if (!slice_equal(slice_of(recorded->machine, recorded->machine_n),
		    slice_of(present->machine, present->machine_n)))
		return "another machine";
	if (recorded->inode != present->inode)
		return "the folder was copied";
	return NULL;
}

/* In place, so that the inode stays. */
static enum err write_side_file(struct store *s, const uint8_t token[TOKEN_BYTES], uint64_t *inode)
{
	char *path = db_path(s->home, SIDE_FILE);
	if (!path)
		return ERR_MEMORY;
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	enum err e = fd >= 0 ? file_mark(path, inode) : errno == ENOSPC ? ERR_FULL : ERR_IO;
	free(path);
	if (fd < 0)
		return e;
	if (e == OK && pwrite(fd, token, TOKEN_BYTES, 0) != TOKEN_BYTES)
		e = errno == ENOSPC ? ERR_FULL : ERR_IO;
	if (e == OK && (fsync(fd) != 0 || *inode == 0))
		e = ERR_IO;
	close(fd);
	return e == OK ? db_sync_folder(s->home) : e;
}

static enum err begin(struct store *s)
{
	struct query q = q_start(s, Q_BEGIN);
	return q_done(&q);
}

static enum err end(struct store *s, enum err e)
{
	struct query q = q_start(s, e == OK ? Q_COMMIT : Q_ROLLBACK);
	enum err ended = q_done(&q);
	logs_forget(s);
	return e != OK ? e : ended;
}

/* First commit: the token to come; and if this is not the home that was left, no own log is ever appended to again. */
static enum err announce_token(struct store *s, const uint8_t token[TOKEN_BYTES], bool retire)
{
	enum err e = begin(s);
	if (e != OK)
		return e;
	if (retire) {
		struct query q = q_start(s, Q_LOG_RETIRE_ALL);
		e = q_done(&q);
	}
	if (e == OK) {
		struct query q = q_start(s, Q_PLACE_NEXT);
		q_blob(&q, slice_of(token, TOKEN_BYTES));
		e = q_done(&q);
	}
	return end(s, e);
}

/* SPEC 10.2: "The store lists earlier instance ids of its own with the last number that each gave." */
static enum err begin_instance(struct store *s, const uint8_t token[TOKEN_BYTES])
{
	struct query ended = q_start(s, Q_INSTANCE_END);
	q_uint(&ended, s->number);
	enum err e = q_done(&ended);
	if (e != OK)
		return e;
	struct query new = q_start(s, Q_INSTANCE_NEW);
	q_blob(&new, slice_of(token, TOKEN_BYTES));
	e = q_done(&new);
	if (e != OK)
		return e;
	struct query trim = q_start(s, Q_INSTANCE_TRIM);
	q_int(&trim, INSTANCES_KEPT);
	return q_done(&trim);
}

static enum err record(
	struct store *s, const uint8_t token[TOKEN_BYTES], const struct place *present, uint64_t inode)
{
	enum err e = begin(s);
	if (e != OK)
		return e;
	struct query set = q_start(s, Q_PLACE_SET);
	q_blob(&set, slice_of(token, TOKEN_BYTES));
	q_blob(&set, slice_of(present->machine, present->machine_n));
	q_uint(&set, inode);
	e = q_done(&set);
	if (e == OK)
		e = begin_instance(s, token);
	if (e == OK)
		e = own_hold(s);
	return end(s, e);
}

enum err store_start(struct store *s, const uint8_t instance[16], bool *restored, const char **why)
{
	struct place recorded, present;
	uint64_t inode = 0;
	if (s->read_only)
		return ERR_REFUSED;
	enum err e = read_recorded(s, &recorded);
	if (e == OK)
		e = read_present(s, &present);
	if (e != OK)
		return e;
	const char *difference = what_differs(&recorded, &present);
	e = announce_token(s, instance, difference != NULL);
	if (e == OK)
		e = write_side_file(s, instance, &inode);
	if (e == OK)
		e = record(s, instance, &present, inode);
	if (e == OK)
		e = blobs_tidy(s);
	if (e != OK)
		return e;
	*restored = difference != NULL;
	*why = difference ? difference : "";
	return OK;
}
