/* store_fixture.h -- a store in a folder of its own, and logs of made-up entries for it: the store reads no more of a header than seq and prev. */
#ifndef QUIRE_TEST_STORE_FIXTURE_H
#define QUIRE_TEST_STORE_FIXTURE_H

#include "store/store.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define FAKE_ENTRIES_MAX 512

/* A chain of entries, its ids chosen here. */
struct fake_log {
	struct id32 identity, log, device_key;
	size_t n;
	struct id32 ids[FAKE_ENTRIES_MAX];
	uint8_t headers[FAKE_ENTRIES_MAX][ENTRY_HEADER_BYTES];
	uint8_t bodies[FAKE_ENTRIES_MAX][64];
	uint8_t sigs[FAKE_ENTRIES_MAX][64];
};

/* A home of its own under $TMPDIR, with an open writer; ends the program on error. */
struct fixture {
	char home[256];
	struct store *store;
};

static inline void must(bool held, const char *what)
{
	if (held)
		return;
	perror(what);
	abort();
}

static inline void fixture_path(const struct fixture *f, const char *name, char out[512])
{
	snprintf(out, 512, "%s/%s", f->home, name);
}

static inline void fixture_close(struct fixture *f)
{
	store_close(f->store);
	f->store = NULL;
}

static inline void fixture_reopen(struct fixture *f)
{
	fixture_close(f);
	struct store_options o = {.home = f->home, .create = true};
	enum err e = store_open(&o, &f->store);
	if (e != OK)
		fprintf(stderr, "store_open: %s\n", err_text(e));
	must(e == OK, "store_open");
}

static inline int fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	must(f != NULL, "calloc");
	const char *tmp = getenv("TMPDIR");
	snprintf(f->home, sizeof f->home, "%s/store.XXXXXX", tmp ? tmp : "/tmp");
	must(mkdtemp(f->home) != NULL, f->home);
	fixture_reopen(f);
	*state = f;
	return 0;
}

static inline void fixture_remove_tree(const char *path)
{
	DIR *d = opendir(path);
	if (!d) {
		unlink(path);
		return;
	}
	struct dirent *entry;
	while ((entry = readdir(d)) != NULL) {
		char inner[512];
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(inner, sizeof inner, "%.250s/%.255s", path, entry->d_name);
		fixture_remove_tree(inner);
	}
	closedir(d);
	rmdir(path);
}

static inline int fixture_teardown(void **state)
{
	struct fixture *f = *state;
	fixture_close(f);
	fixture_remove_tree(f->home);
	free(f);
	return 0;
}

static inline uint8_t *read_whole(const char *path, size_t *n)
{
	FILE *in = fopen(path, "rb");
	*n = 0;
	if (!in)
		return NULL;
	struct buf b = {0};
	uint8_t piece[65536];
	size_t got;
	while ((got = fread(piece, 1, sizeof piece, in)) > 0)
		must(buf_put(&b, piece, got) == OK, "memory");
	fclose(in);
	*n = b.n;
	return b.p;
}

static inline bool fixture_file_holds(const struct fixture *f, const char *name, const void *bytes, size_t n)
{
	char path[512];
	size_t size;
	fixture_path(f, name, path);
	uint8_t *p = read_whole(path, &size);
	bool found = p && memmem(p, size, bytes, n) != NULL;
	free(p);
	return found;
}

static inline void fixture_copy_file(const char *from, const char *to)
{
	size_t n;
	uint8_t *p = read_whole(from, &n);
	FILE *out = fopen(to, "wb");
	must(out != NULL, to);
	must(n == 0 || fwrite(p, 1, n, out) == n, to);
	must(fclose(out) == 0, to);
	free(p);
}

/* The files at its top. */
static inline void fixture_copy_home(const char *from, const char *to)
{
	must(mkdir(to, 0700) == 0, to);
	DIR *d = opendir(from);
	must(d != NULL, from);
	struct dirent *entry;
	while ((entry = readdir(d)) != NULL) {
		char a[512], b[512];
		struct stat st;
		snprintf(a, sizeof a, "%.250s/%.255s", from, entry->d_name);
		snprintf(b, sizeof b, "%.250s/%.255s", to, entry->d_name);
		if (stat(a, &st) == 0 && S_ISREG(st.st_mode))
			fixture_copy_file(a, b);
	}
	closedir(d);
}

static inline struct id32 fake_id(unsigned a, unsigned b)
{
	struct id32 id;
	uint64_t x = (uint64_t)a << 32 | b;
	for (size_t i = 0; i < 32; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		id.b[i] = (uint8_t)(x >> 56);
	}
	be32_put(id.b + 28, a * 65536 + b);
	return id;
}

static inline void fill_entry(struct fake_log *l, size_t i, unsigned branch)
{
	uint8_t *h = l->headers[i];
	memset(h, (int)(branch + 1), ENTRY_HEADER_BYTES);
	memcpy(h + 2, l->log.b, 32);
	be64_put(h + 34, i);
	memset(h + 42, 0, 32);
	if (i > 0)
		memcpy(h + 42, l->ids[i - 1].b, 32);
	memset(h + 94, 0, 32); /* no envelope */
	l->ids[i] = fake_id(l->log.b[30] * 256u + l->log.b[31] + branch * 1000, (unsigned)i + 1);
	memcpy(l->bodies[i], l->ids[i].b, 32);
	memset(l->bodies[i] + 32, 'b', 32);
	memset(l->sigs[i], (int)i, 64);
}

static inline struct fake_log *fake_log_new(unsigned number, size_t n)
{
	struct fake_log *l = calloc(1, sizeof *l);
	must(l != NULL && n <= FAKE_ENTRIES_MAX, "fake_log_new");
	l->identity = fake_id(number, 60001);
	l->log = fake_id(number, 60002);
	l->device_key = fake_id(number, 60003);
	l->n = n;
	for (size_t i = 0; i < n; i++)
		fill_entry(l, i, 0);
	return l;
}

/* Entries from `from` on are those of another branch. */
static inline void fake_log_branch(struct fake_log *l, size_t from, unsigned branch)
{
	for (size_t i = from; i < l->n; i++)
		fill_entry(l, i, branch);
}

/* One request; the result's error. `res` may be NULL. */
static inline enum err run(struct fixture *f, struct store_req *q, struct store_res *res)
{
	struct store_res own;
	store_exec_one(f->store, q, res ? res : &own);
	enum err e = res ? res->err : own.err;
	if (!res)
		store_res_free(&own);
	store_req_free(q);
	return e;
}

/* RUN_PUT of entries [first, end) with bodies; kinds, where given, one for each. */
static inline void run_put_req(
	struct store_req *q, const struct fake_log *l, size_t first, size_t end, const uint8_t *kinds)
{
	*q = (struct store_req){.op = STORE_RUN_PUT};
	size_t n = end - first;
	struct store_part *parts = arena_alloc(&q->mem, n * sizeof *parts + 1);
	must(parts != NULL, "memory");
	for (size_t i = 0; i < n; i++) {
		uint8_t kind = kinds ? kinds[i] : 1;
		parts[i] = (struct store_part){
			.header = l->headers[first + i],
			.kind = kind,
			.bytes = kind == 1 || kind == 2 ? slice_of(l->bodies[first + i], 64)
							: (struct slice){0},
		};
	}
	q->a.log = l->log;
	q->a.identity = l->identity;
	q->a.device_key = l->device_key;
	q->a.first = first;
	if (first > 0)
		q->a.prev = l->ids[first - 1];
	q->a.n = n;
	q->a.parts = parts;
	q->a.sig = slice_of(l->sigs[end - 1], 64);
	q->a.id = l->ids[end - 1];
}

static inline enum err put_kinds(
	struct fixture *f, const struct fake_log *l, size_t first, size_t end, const uint8_t *kinds)
{
	struct store_req q;
	run_put_req(&q, l, first, end, kinds);
	return run(f, &q, NULL);
}

/* In runs as they travel. */
static inline enum err put(struct fixture *f, const struct fake_log *l, size_t first, size_t end)
{
	enum err e = OK;
	while (e == OK && first < end) {
		size_t stop = (first | 63) + 1 < end ? (first | 63) + 1 : end;
		e = put_kinds(f, l, first, stop, NULL);
		first = stop;
	}
	return e;
}

static inline struct store_log get_log(struct fixture *f, const struct id32 *log)
{
	struct store_req q = {.op = STORE_LOG_GET, .a.log = *log};
	struct store_res r;
	must(run(f, &q, &r) == OK && r.r.n == 1, "LOG_GET");
	struct store_log found = r.r.logs[0];
	store_res_free(&r);
	return found;
}

static inline uint64_t last_number(struct fixture *f)
{
	struct store_req q = {.op = STORE_NUMBER};
	struct store_res r;
	must(run(f, &q, &r) == OK, "NUMBER");
	return r.r.number;
}

/* IDENTITY_PUT with n made-up events and one device for the log; with a closing where one is given. */
static inline enum err put_identity(struct fixture *f, const struct fake_log *l, size_t n,
	const uint64_t *closed_length, const struct id32 *closed_last)
{
	struct store_keyevent *events = calloc(n + 1, sizeof *events);
	must(events != NULL, "memory");
	struct store_device device = {.log = l->log, .device_key = l->device_key};
	if (closed_length) {
		device.closed = true;
		device.closed_length = *closed_length;
		device.closed_last = *closed_last;
	}
	struct store_req q = {.op = STORE_IDENTITY_PUT};
	q.a.identity = l->identity;
	q.a.root_key = l->device_key;
	q.a.count = n;
	for (size_t i = 0; i < n; i++) {
		events[i].id = fake_id(l->log.b[31], (unsigned)i + 5000);
		events[i].bytes = slice_str("event");
		events[i].signatures = slice_str("signatures");
		unsigned carry = 0;
		for (size_t k = 32; k-- > 0; carry >>= 8) {
			carry += (unsigned)q.a.sum.b[k] + events[i].id.b[k];
			q.a.sum.b[k] = (uint8_t)carry;
		}
	}
	q.a.events = events;
	q.a.events_n = n;
	q.a.devices = &device;
	q.a.devices_n = 1;
	enum err e = run(f, &q, NULL);
	free(events);
	return e;
}

static inline enum err put_peer(struct fixture *f, const struct id32 *node, enum peer_origin origin)
{
	struct store_peer p = {.node = *node, .origin = origin, .name = "a peer"};
	struct store_req q = {.op = STORE_PEER_PUT, .a.peer = &p};
	return run(f, &q, NULL);
}

static inline void start(struct fixture *f, unsigned instance, bool *restored)
{
	const char *why;
	bool found;
	struct id32 id = fake_id(77, instance);
	enum err e = store_start(f->store, id.b, &found, &why);
	if (e != OK)
		fprintf(stderr, "store_start: %s %s\n", err_text(e), store_last_error(f->store));
	must(e == OK && (found == (why[0] != 0)), "store_start");
	if (restored)
		*restored = found;
}

#endif
