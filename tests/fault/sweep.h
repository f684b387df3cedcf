/* sweep.h -- a job is done again and again, and each time another call to the outside fails: the first allocation, the second, … until the
 * job no longer comes as far. Included by one test program each.
 *
 * Each case runs in a process forked from one in which everything is prepared: databases lie in memory (memfile.h), so it has its own.
 * SWEEP=full sweeps every call, otherwise as many as fit into SWEEP_SECONDS; QUIRE_SEED chooses which. One case alone:
 * SWEEP_ONLY="append memory 17 stays". */
#ifndef QUIRE_TESTS_SWEEP_H
#define QUIRE_TESTS_SWEEP_H

#include "tests/support/files.h"
#include "tools/sim/faulty.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define CASE_SECONDS 120
#define ACKED_MAX 64
#define NODES 3
#define FINDINGS_TOLD 12
#define ROUNDS 4 /* how often a job is tried again, once nothing fails any more */

enum mode { PASSES, STAYS, STAYS_TO_THE_END, MODES }; /* the last: the nodes even stop under it */
static const char *const mode_words[] = {"passes", "stays", "ends"};
static const char *const kind_words[] = {"memory", "store", "disk", "read"};

struct job {
	const char *name;
	void (*prepare)(void); /* makes sw.ann and what else there is */
	void (*run)(void); /* tries it, however far an earlier try came */
	bool (*done)(void);
	void (*look)(
		void); /* NULL, or: what must hold of nodes that are up, whatever has failed; else say_and_end */
	void (*rest)(void); /* NULL, or: the same when the job is done and the nodes were started once more */
};

struct acked {
	struct id32 log, id;
	uint64_t seq;
};

/* What a case says to the process that waits for it. */
struct said {
	uint64_t counts[FAULTY_KINDS], hits;
	int64_t sqlite_bytes;
	size_t descriptors;
	bool restarted;
	char why[400];
};

static struct sweep {
	struct world w;
	struct world_node *ann, *ben, *cas; /* who is not in this job: NULL */
	struct world_person person;
	struct id32 blob;
	size_t acked_n;
	struct acked acked[ACKED_MAX];
	char pristine[300];
	uint8_t tokens[NODES][16]; /* what stands in the side files */
	bool told; /* somebody beside the nodes was told of an error */
	struct said *said;
	const struct job *job;
	int64_t sqlite_bytes; /* what SQLite keeps when all is closed */
	size_t descriptors; /* what is open then */
	uint64_t cases, restarts, findings;
} sw;

static inline void say_and_end(const char *why)
{
	snprintf(sw.said->why, sizeof sw.said->why, "%s", why);
	fflush(stderr);
	_exit(1);
}

/* ---- what nodes say ---- */

/* What somebody may be told when his memory or disk fails; all else blames a peer, or the data. */
static inline bool plain(enum err e)
{
	return e == OK || e == ERR_MEMORY || e == ERR_IO || e == ERR_FULL || e == ERR_BUSY ||
		e == ERR_STATE || e == ERR_CLOSED || e == ERR_NOT_FOUND || e == ERR_TIMEOUT || e == ERR_LIMIT;
}

static inline bool anything_told(struct world_node *n, bool *clear)
{
	bool told = n->start_err != OK;
	*clear = *clear && plain(n->start_err);
	for (size_t i = 0; i < n->events_n; i++) {
		const struct engine_event *ev = &n->events[i];
		told = told || ev->err != OK;
		if (!plain(ev->err)) {
			*clear = false;
			fprintf(stderr, "%s: event %d: %s %s\n", n->name, (int)ev->kind, err_name(ev->err),
				ev->text);
		}
		if (ev->kind == ENGINE_EVENT_OWN_OLD || ev->kind == ENGINE_EVENT_FORK)
			*clear = false;
	}
	return told;
}

static inline void acknowledged(const struct engine_event *ev)
{
	if (sw.acked_n >= ACKED_MAX)
		abort();
	sw.acked[sw.acked_n++] = (struct acked){.log = ev->log, .id = ev->id, .seq = ev->seq};
}

/* ---- nodes ---- */

static inline void start_down(struct world_node *n)
{
	if (!n->engine && world_try_restart(n) != OK)
		return;
}

static inline void stop(struct world_node *n)
{
	if (n->engine)
		world_crash(n);
}

static inline void stop_all(void)
{
	for (size_t i = 0; i < sw.w.nodes_n; i++)
		stop(&sw.w.nodes[i]);
}

static inline void start_all(void)
{
	for (size_t i = 0; i < sw.w.nodes_n; i++)
		start_down(&sw.w.nodes[i]);
}

static inline void look(void)
{
	if (sw.job->look)
		sw.job->look();
}

static inline void look_at_rest(void)
{
	if (!sw.job->rest)
		return;
	stop_all();
	start_all();
	sw.job->rest();
}

static inline size_t descriptors(void)
{
	size_t n = 0;
	DIR *d = opendir("/proc/self/fd");
	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

/* Also where nothing is due for so long. */
static inline void pass(uint64_t ms)
{
	uint64_t end = sw.w.now_ms + ms;
	world_run(&sw.w, ms);
	if (sw.w.now_ms < end)
		sw.w.now_ms = end;
}

static inline void found(void *ctx, const char *text)
{
	(void)ctx;
	say_and_end(text);
}

static inline bool has(struct world_node *n, const struct acked *a)
{
	struct store_req q = {.op = STORE_IDS};
	struct store_res res;
	q.a.log = a->log;
	q.a.seqs = &a->seq;
	q.a.n = 1;
	world_store(n, &q, &res);
	bool good = res.err == OK && id32_equal(&res.r.ids[0], &a->id);
	store_res_free(&res);
	return good;
}

static inline void node_is_sound(struct world_node *n)
{
	struct store_log log;
	if (!n->store)
		say_and_end("a node is down");
	if (store_check(n->store, found, NULL) != OK)
		say_and_end("the check of the database fails");
	if (world_log(n, &sw.person.log, &log) == OK && log.fork_seq1)
		say_and_end("a log is forked");
	if (n == sw.ann && !id32_is_zero(&sw.person.log) &&
		(world_log(n, &sw.person.log, &log) != OK || log.own != OWN_ACTIVE))
		say_and_end("a log was given up");
	for (size_t i = 0; i < sw.acked_n; i++)
		if (n == sw.ann && !has(n, &sw.acked[i]))
			say_and_end("an entry that was acknowledged is not there");
}

/* ---- one case ---- */

static inline void recover(void)
{
	for (int round = 0; round < 2 * ROUNDS && !sw.job->done(); round++) {
		if (round == ROUNDS) {
			sw.said->restarted = true;
			stop_all();
		}
		sw.job->run();
	}
	if (!sw.job->done())
		say_and_end("nothing fails any more, and the job is not done");
}

static inline void one_case(enum faulty_kind kind, uint64_t nth, enum mode mode)
{
	static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
	bool clear = true;
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		signal(signals[i], SIG_DFL); /* cmocka would go on with the next test, in this process */
	alarm(CASE_SECONDS);
	faulty_forked();
	faulty_arm(kind, nth, mode != PASSES);
	sw.job->run();
	if (mode == STAYS_TO_THE_END)
		stop_all();
	sw.said->hits = faulty_hits();
	faulty_disarm();
	for (int k = 0; k < FAULTY_KINDS; k++)
		sw.said->counts[k] = faulty_count((enum faulty_kind)k);
	bool told = sw.told;
	for (size_t i = 0; i < sw.w.nodes_n; i++)
		told = anything_told(&sw.w.nodes[i], &clear) || told;
	bool done = mode != STAYS_TO_THE_END && sw.job->done();
	if (!done && !told && mode != STAYS_TO_THE_END)
		say_and_end("the job is not done, and nobody was told of an error");
	if (!clear)
		say_and_end("an error was told that blames a peer, or the data");
	look();
	recover();
	look();
	for (size_t i = 0; i < sw.w.nodes_n; i++)
		node_is_sound(&sw.w.nodes[i]);
	look_at_rest();
	world_deinit(&sw.w);
	sw.said->sqlite_bytes = sqlite3_memory_used();
	sw.said->descriptors = descriptors();
	if (faulty_leaks() > 0)
		say_and_end("memory was not given back");
	if (nth && sw.said->sqlite_bytes > sw.sqlite_bytes)
		say_and_end("SQLite's memory was not given back");
	if (nth && sw.said->descriptors > sw.descriptors)
		say_and_end("a file was not closed");
	_exit(0);
}

/* ---- the homes, as they were ---- */

static inline int drop(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	(void)st, (void)flag;
	return at->level == 0 ? 0 : remove(path);
}

static const char *link_from, *link_to;

static inline int link_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	char to[2048];
	(void)st, (void)at;
	snprintf(to, sizeof to, "%s%s", link_to, path + strlen(link_from));
	if (flag == FTW_D)
		return mkdir(to, 0700) == 0 || at->level == 0 ? 0 : -1;
	return link(path, to);
}

/* The same files under other names: databases are empty names, side files keep their inodes, blob files are not written again. */
static inline void link_all(const char *from, const char *to)
{
	link_from = from;
	link_to = to;
	if (nftw(from, link_one, 16, FTW_PHYS) != 0)
		abort();
}

static inline void side_file(size_t i, bool keep)
{
	char path[600];
	snprintf(path, sizeof path, "%s/instance", sw.w.nodes[i].home);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return; /* it was never started */
	if ((keep ? pread(fd, sw.tokens[i], 16, 0) : pwrite(fd, sw.tokens[i], 16, 0)) != 16)
		abort();
	close(fd);
}

static inline void homes(bool keep)
{
	char at[400];
	for (size_t i = 0; i < sw.w.nodes_n; i++) {
		snprintf(at, sizeof at, "%s/%zu", sw.pristine, i);
		if (keep) {
			link_all(sw.w.nodes[i].home, at);
		} else {
			if (nftw(sw.w.nodes[i].home, drop, 16, FTW_DEPTH | FTW_PHYS) != 0)
				abort();
			link_all(at, sw.w.nodes[i].home);
		}
		side_file(i, keep);
	}
}

/* ---- all cases ---- */

static inline void tell_finding(enum faulty_kind kind, uint64_t nth, enum mode mode, int status)
{
	if (sw.findings++ < FINDINGS_TOLD || getenv("SWEEP_ALL"))
		fprintf(stderr, "SWEEP_ONLY=\"%s %s %llu %s\": %s%s\n", sw.job->name, kind_words[kind],
			(unsigned long long)nth, mode_words[mode],
			WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "",
			WIFSIGNALED(status)       ? ""
				: sw.said->why[0] ? sw.said->why
						  : "the process ended by itself");
}

/* true: the fault was reached. */
static inline bool try_case(enum faulty_kind kind, uint64_t nth, enum mode mode)
{
	int status;
	memset(sw.said, 0, sizeof *sw.said);
	fflush(stdout);
	fflush(stderr);
	pid_t pid = fork();
	if (pid < 0)
		abort();
	if (pid == 0)
		one_case(kind, nth, mode);
	waitpid(pid, &status, 0);
	homes(false);
	sw.cases++;
	sw.restarts += sw.said->restarted;
	bool bad = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
	if (!bad && sw.said->restarted && kind != FAULTY_DISK) {
		bad = true; /* only a sync that failed leaves a store that must be opened again */
		snprintf(sw.said->why, sizeof sw.said->why, "it was done after a new start only");
	}
	if (bad)
		tell_finding(kind, nth, mode, status);
	return sw.said->hits > 0 || bad;
}

static inline double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static inline uint64_t from_environment(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);
	return text ? strtoull(text, NULL, 10) : otherwise;
}

static inline bool only(const struct job *job, bool *here)
{
	char name[40], kind[40], mode[40];
	unsigned long long nth;
	const char *text = getenv("SWEEP_ONLY");
	*here = text && sscanf(text, "%39s %39s %llu %39s", name, kind, &nth, mode) == 4 &&
		strcmp(name, job->name) == 0;
	for (int k = 0; *here && k < FAULTY_KINDS; k++)
		for (int m = 0; m < MODES; m++)
			if (strcmp(kind, kind_words[k]) == 0 && strcmp(mode, mode_words[m]) == 0)
				try_case((enum faulty_kind)k, nth, (enum mode)m);
	return text != NULL;
}

/* share: seconds for this job. */
static inline void sweep_kind(
	enum faulty_kind kind, enum mode mode, uint64_t calls, double share, double each)
{
	uint64_t stride = 1, seed = from_environment("QUIRE_SEED", 1), nth, n = 0;
	const char *full = getenv("SWEEP");
	if (!(full && strcmp(full, "full") == 0) && (double)calls * each > share)
		stride = (uint64_t)((double)calls * each / share) + 1;
	for (nth = 1 + (stride > 1 ? seed * 7919 % stride : 0); nth <= calls; nth += stride) {
		n++;
		if (!try_case(kind, nth, mode))
			break;
	}
	printf("# %s: %s %s: %llu of %llu calls", sw.job->name, kind_words[kind], mode_words[mode],
		(unsigned long long)n, (unsigned long long)calls);
	if (stride > 1)
		printf(" (each %lluth, QUIRE_SEED=%llu)", (unsigned long long)stride,
			(unsigned long long)seed);
	printf("\n");
}

static inline void make_world(const struct job *job)
{
	char dir[] = "/dev/shm/quire-sweep-XXXXXX", plain_dir[] = "/tmp/quire-sweep-XXXXXX";
	char *at = mkdtemp(dir);
	if (!at)
		at = mkdtemp(plain_dir);
	if (!at)
		abort();
	world_init(&sw.w, 1, at);
	sw.w.disks = disks_new(1);
	if (!sw.w.disks)
		abort();
	faulty_disks(sw.w.disks);
	sw.job = job;
	sw.ann = sw.ben = sw.cas = NULL;
	sw.acked_n = 0;
	sw.told = false;
	sw.person = (struct world_person){0};
	sw.findings = sw.cases = sw.restarts = 0;
	sw.sqlite_bytes = INT64_MAX; /* until it is known */
	sw.descriptors = SIZE_MAX;
	job->prepare();
	if (sw.w.nodes_n > NODES)
		abort();
	for (size_t i = 0; i < sw.w.nodes_n; i++)
		sw.w.nodes[i].events_n = 0;
	snprintf(sw.pristine, sizeof sw.pristine, "%s/pristine", at);
	if (mkdir(sw.pristine, 0700) != 0)
		abort();
	homes(true);
}

/* Nothing fails: how many calls are there, and what is left when all is closed? False: the job is not done even so. */
static inline bool nothing_fails(double *each)
{
	double start = seconds();
	try_case(FAULTY_MEMORY, 0, PASSES);
	try_case(FAULTY_MEMORY, 0, PASSES);
	*each = (seconds() - start) / 2;
	sw.sqlite_bytes = sw.said->sqlite_bytes;
	sw.descriptors = sw.said->descriptors;
	return sw.findings == 0;
}

static inline void sweep_all(const struct job *job, double share)
{
	double start = seconds(), each;
	if (!nothing_fails(&each))
		return;
	struct said all = *sw.said;
	for (int k = 0; k < FAULTY_KINDS; k++)
		for (int m = 0; m < MODES; m++)
			sweep_kind((enum faulty_kind)k, (enum mode)m, all.counts[k],
				share / FAULTY_KINDS / MODES, each);
	printf("# %s: %llu cases, %llu of them done after a new start, %.1f s\n", job->name,
		(unsigned long long)sw.cases, (unsigned long long)sw.restarts, seconds() - start);
}

static inline void sweep(const struct job *job, double share)
{
	bool here;
	sw.said = mmap(NULL, sizeof *sw.said, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sw.said == MAP_FAILED)
		abort();
	make_world(job);
	if (!only(job, &here))
		sweep_all(job, share);
	world_deinit(&sw.w);
	disks_free(sw.w.disks);
	remove_tree(sw.w.dir);
	munmap(sw.said, sizeof *sw.said);
	if (sw.findings)
		fail_msg("%llu faults are not survived", (unsigned long long)sw.findings);
}

#endif
