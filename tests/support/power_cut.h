/* power_cut.h -- rounds of: a child appends to a store under the shim that loses what was not synced, says what was acknowledged, and is killed. */
#ifndef QUIRE_TEST_POWER_CUT_H
#define QUIRE_TEST_POWER_CUT_H

#include "store/db.h"
#include "tests/support/store_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

struct power_cut {
	uint64_t acknowledged; /* entries, over all rounds */
	uint64_t lost; /* of them */
	unsigned damaged; /* rounds after which the database did not open, or its check found something */
};

#define ACKNOWLEDGE_FD 3
#define LONG_BODY 60000

static inline struct id32 power_id_of(uint64_t seq)
{
	return fake_id(900, (unsigned)seq + 1);
}

static const struct id32 the_log = {{9, 9}};

/* Entry `seq` of a log that both sides can compute. Every eighth body is long. */
static inline void make_entry(
	uint64_t seq, uint8_t header[ENTRY_HEADER_BYTES], uint8_t body[LONG_BODY], size_t *body_n)
{
	memset(header, (int)seq, ENTRY_HEADER_BYTES);
	memcpy(header + 2, the_log.b, 32);
	be64_put(header + 34, seq);
	struct id32 prev = {{0}};
	if (seq > 0)
		prev = power_id_of(seq - 1);
	memcpy(header + 42, prev.b, 32);
	*body_n = seq % 8 == 0 ? LONG_BODY : 100;
	memset(body, (int)(seq * 3), *body_n);
}

static inline enum err append(struct store *s, uint64_t seq)
{
	static uint8_t header[ENTRY_HEADER_BYTES], body[LONG_BODY];
	size_t n;
	make_entry(seq, header, body, &n);
	struct store_part part = {.header = header, .kind = 1, .bytes = slice_of(body, n)};
	struct store_req q = {.op = STORE_RUN_PUT};
	struct store_res r;
	q.a.log = the_log;
	q.a.first = seq;
	if (seq > 0)
		q.a.prev = power_id_of(seq - 1);
	q.a.n = 1;
	q.a.parts = &part;
	q.a.id = power_id_of(seq);
	store_exec_one(s, &q, &r);
	enum err e = r.err;
	store_res_free(&r);
	return e;
}

static inline uint64_t length_of(struct store *s)
{
	struct store_req q = {.op = STORE_LOG_GET, .a.log = the_log};
	struct store_res r;
	store_exec_one(s, &q, &r);
	uint64_t length = r.err == OK ? r.r.logs->length : 0;
	store_res_free(&r);
	return length;
}

/* The program calls itself: main() hands over here first. True: this was the child, and it is done. */
static inline bool power_cut_child(int argc, char **argv)
{
	if (argc != 3 || strcmp(argv[1], "--power-cut") != 0)
		return false;
	struct store_options o = {.home = argv[2], .create = true};
	struct store *s;
	struct id32 instance = fake_id((unsigned)getpid(), 1);
	bool restored;
	const char *why;
	if (store_open(&o, &s) != OK || store_start(s, instance.b, &restored, &why) != OK || restored)
		return true; /* a cut is no restore */
	if (sqlite3_wal_autocheckpoint(s->db, 100) != SQLITE_OK)
		return true; /* so that each round is cut off in checkpoints too */
	for (uint64_t seq = length_of(s);; seq++) {
		if (append(s, seq) != OK || write(ACKNOWLEDGE_FD, &seq, sizeof seq) != sizeof seq)
			break;
	}
	store_close(s);
	return true;
}

static inline void shim_path(char out[512])
{
	const char *build = getenv("BUILD");
	if (build) {
		snprintf(out, 512, "%.400s/shim/losewrites.so", build);
		return;
	}
	ssize_t n = readlink("/proc/self/exe", out, 400); /* BUILD/tests/unit/test_x */
	out[n > 0 ? n : 0] = 0;
	for (int i = 0; i < 3; i++) {
		char *slash = strrchr(out, '/');
		if (slash)
			*slash = 0;
	}
	size_t at = strlen(out);
	snprintf(out + at, 512 - at, "/shim/losewrites.so");
}

static inline pid_t start_child(const char *home, uint64_t torn, int *from)
{
	int ends[2];
	if (pipe(ends) != 0)
		abort();
	pid_t pid = fork();
	if (pid < 0)
		abort();
	if (pid == 0) {
		char shim[512], seed[32];
		shim_path(shim);
		if (access(shim, R_OK) != 0) {
			perror(shim);
			_exit(3);
		}
		snprintf(seed, sizeof seed, "%llu", (unsigned long long)torn);
		dup2(ends[1], ACKNOWLEDGE_FD);
		setenv("LD_PRELOAD", shim, 1);
		setenv("QUIRE_SHIM_DIR", home, 1);
		if (torn)
			setenv("QUIRE_SHIM_TORN", seed, 1);
		setenv("ASAN_OPTIONS", "verify_asan_link_order=0:detect_leaks=0", 1);
		execl("/proc/self/exe", "power-cut", "--power-cut", home, (char *)NULL);
		_exit(3);
	}
	close(ends[1]);
	*from = ends[0];
	return pid;
}

/* Reads acknowledgements; kills the child after `count` of them, wherever it is then. Gives how many entries were acknowledged. */
static inline uint64_t kill_after(pid_t pid, int from, unsigned count, uint64_t *acknowledged)
{
	uint64_t seq, length = 0;
	unsigned seen = 0;
	while (read(from, &seq, sizeof seq) == sizeof seq) {
		length = seq + 1;
		++*acknowledged;
		if (++seen == count)
			kill(pid, SIGKILL);
	}
	close(from);
	int status;
	waitpid(pid, &status, 0);
	if (!WIFSIGNALED(status)) {
		fprintf(stderr, "power-cut: the child ended by itself, status %d\n", status);
		abort();
	}
	return length;
}

static inline void count_finding(void *ctx, const char *text)
{
	fprintf(stderr, "power-cut: %s\n", text);
	++*(unsigned *)ctx;
}

static inline bool entries_good(struct store *s, uint64_t length)
{
	static uint8_t header[ENTRY_HEADER_BYTES], body[LONG_BODY];
	for (uint64_t seq = 0; seq < length; seq++) {
		size_t n;
		struct store_req q = {.op = STORE_BODY_GET};
		struct store_res r;
		q.a.log = the_log;
		q.a.seqs = &seq;
		q.a.n = 1;
		make_entry(seq, header, body, &n);
		store_exec_one(s, &q, &r);
		bool good = r.err == OK && r.r.parts[0].header &&
			memcmp(r.r.parts[0].header, header, sizeof header) == 0 &&
			slice_equal(r.r.parts[0].bytes, slice_of(body, n));
		store_res_free(&r);
		if (!good)
			return false;
	}
	return true;
}

/* One home for all rounds. torn: 0, or a seed: sectors that were not synced reach the disk at random. */
static inline struct power_cut power_cut_run(unsigned rounds, uint64_t torn, uint64_t seed)
{
	struct power_cut p = {0};
	struct fixture *f;
	void *state;
	fixture_setup(&state);
	f = state;
	for (unsigned i = 0; i < rounds; i++) {
		int from;
		unsigned findings = 0;
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		fixture_close(f);
		pid_t pid = start_child(f->home, torn ? torn + i : 0, &from);
		uint64_t length = kill_after(pid, from, 1 + (unsigned)(seed >> 33) % 200, &p.acknowledged);
		struct store_options o = {.home = f->home, .create = true};
		if (store_open(&o, &f->store) != OK) {
			f->store = NULL;
			p.damaged++;
			break;
		}
		uint64_t kept = length_of(f->store);
		if (kept < length)
			p.lost += length - kept;
		if (store_check(f->store, count_finding, &findings) != OK || findings ||
			!entries_good(f->store, kept))
			p.damaged++;
	}
	fixture_teardown(&state);
	return p;
}

#endif
