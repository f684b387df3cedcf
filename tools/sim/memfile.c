/* memfile.c -- see memfile.h. */
#include "tools/sim/memfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define REGIONS_MAX 64

struct memfile {
	struct memfile *next;
	dev_t device;
	ino_t inode; /* 0: without a name */
	unsigned openers;
	uint8_t *p;
	uint64_t n, cap;
	void *regions[REGIONS_MAX];
};

static void must(bool ok)
{
	if (ok)
		return;
	fprintf(stderr, "sim: out of memory for a file\n");
	abort();
}

void *memfile_take(size_t n)
{
	void *p = reallocarray(NULL, n, 1);
	must(p != NULL);
	return memset(p, 0, n);
}

static struct memfile **slot_of(const struct memfiles *m, ino_t inode)
{
	return (struct memfile **)(uintptr_t)&m->slots[inode % (sizeof m->slots / sizeof *m->slots)];
}

static struct memfile *find(const struct memfiles *m, const struct stat *st)
{
	struct memfile *f = *slot_of(m, st->st_ino);
	while (f && (f->inode != st->st_ino || f->device != st->st_dev))
		f = f->next;
	return f;
}

static struct memfile *make(struct memfiles *m, const struct stat *st)
{
	struct memfile *f = memfile_take(sizeof *f);
	f->device = st->st_dev;
	f->inode = st->st_ino;
	f->next = *slot_of(m, st->st_ino);
	*slot_of(m, st->st_ino) = f;
	return f;
}

static struct memfile *nameless(void)
{
	struct memfile *f = memfile_take(sizeof *f);
	f->openers = 1;
	return f;
}

static void resize(struct memfiles *m, struct memfile *f, uint64_t cap)
{
	uint8_t *p = reallocarray(f->p, cap ? cap : 1, 1);
	must(p != NULL);
	m->bytes += cap - f->cap;
	f->p = p;
	f->cap = cap;
}

struct memfile *memfile_open(struct memfiles *m, const char *path, bool create)
{
	struct stat st;
	bool made = false;
	if (!path)
		return nameless();
	if (stat(path, &st) != 0) {
		int fd = create ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
		if (fd < 0)
			return NULL;
		made = fstat(fd, &st) == 0;
		close(fd);
		if (!made)
			return NULL;
	}
	struct memfile *f = find(m, &st);
	if (!f)
		f = make(m, &st);
	else if (made && f->openers == 0)
		f->n = 0; /* an inode's number is given again */
	f->openers++;
	return f;
}

void memfile_close(struct memfiles *m, struct memfile *f)
{
	if (--f->openers > 0)
		return;
	memfile_drop_regions(f);
	if (f->inode == 0) {
		m->bytes -= f->cap;
		free(f->p);
		free(f);
	}
}

uint64_t memfile_bytes(const struct memfile *f)
{
	return f->n;
}

bool memfile_read(const struct memfile *f, void *out, size_t n, uint64_t at)
{
	size_t there = at >= f->n ? 0 : f->n - at < n ? (size_t)(f->n - at) : n;
	if (there)
		memcpy(out, f->p + at, there);
	memset((uint8_t *)out + there, 0, n - there);
	return there == n;
}

void memfile_write(struct memfiles *m, struct memfile *f, const void *p, size_t n, uint64_t at)
{
	uint64_t end = at + n;
	if (end > f->cap)
		resize(m, f, end + end / 2 + 4096);
	if (at > f->n)
		memset(f->p + f->n, 0, at - f->n);
	memcpy(f->p + at, p, n);
	f->n = end > f->n ? end : f->n;
}

void memfile_cut(struct memfile *f, uint64_t bytes)
{
	f->n = bytes < f->n ? bytes : f->n;
}

void *memfile_region(struct memfile *f, size_t i, size_t bytes, bool make_it)
{
	if (i >= REGIONS_MAX)
		return NULL;
	if (!f->regions[i] && make_it)
		f->regions[i] = memfile_take(bytes);
	return f->regions[i];
}

void memfile_drop_regions(struct memfile *f)
{
	for (size_t i = 0; i < REGIONS_MAX; i++) {
		free(f->regions[i]);
		f->regions[i] = NULL;
	}
}

uint64_t memfile_size_at(const struct memfiles *m, const char *path)
{
	struct stat st;
	const struct memfile *f = stat(path, &st) == 0 ? find(m, &st) : NULL;
	return f ? f->n : 0;
}

void memfile_copy(struct memfiles *m, const char *from, const char *to)
{
	struct stat a, b;
	const struct memfile *f = stat(from, &a) == 0 ? find(m, &a) : NULL;
	must(stat(to, &b) == 0);
	struct memfile *g = find(m, &b);
	if (!f && !g)
		return;
	if (!g)
		g = make(m, &b);
	uint64_t n = f ? f->n : 0;
	if (n > g->cap)
		resize(m, g, n);
	if (n)
		memcpy(g->p, f->p, n);
	g->n = n;
}

void memfiles_deinit(struct memfiles *m)
{
	for (size_t i = 0; i < sizeof m->slots / sizeof *m->slots; i++)
		while (m->slots[i]) {
			struct memfile *f = m->slots[i];
			m->slots[i] = f->next;
			memfile_drop_regions(f);
			free(f->p);
			free(f);
		}
	m->bytes = 0;
}
