/* bench.h -- what the benchmarks share: options, the clock, figures over several runs, homes with made-up content, real daemons.
 *
 * A benchmark is a tool, not a service: where it cannot go on it says why and ends the program. */
#ifndef QUIRE_BENCH_H
#define QUIRE_BENCH_H

#include "daemon/home.h"
#include "protocol/log/entry.h"
#include "store/store.h"

#include <sys/types.h>

#define BENCH_RUNS_MAX 15
#define BENCH_PATH_BYTES 600
#define BENCH_FIGURES_MAX 40
#define BENCH_BATCH 1000 /* requests in one commit, at most */

struct bench_options {
	uint64_t logs, entries, body, bytes, runs, rate;
	bool json, keep, bare; /* bare: with the bare limit beside it */
	char quired[BENCH_PATH_BYTES]; /* the daemon's program */
	char dir[BENCH_PATH_BYTES]; /* a folder of this run's own */
};

/* Ends the program with a line on stderr. */
_Noreturn void bench_fail(const char *what, const char *why);
void bench_must(enum err e, const char *what);
void *bench_memory(size_t n); /* zeroed */

double bench_now_s(void);
void bench_pause(int ms);
double bench_cpu_s(void); /* of this process and of its children that have ended, user and system */

/* ---- figures.c: one number for each run; median, least, most ---- */

struct bench_figure {
	char name[40];
	const char *unit;
	size_t n;
	double values[BENCH_RUNS_MAX];
};

struct bench_report {
	const char *name;
	size_t n;
	struct bench_figure figures[BENCH_FIGURES_MAX];
};

/* Sorts v[n], n at least 1, and gives what `share` of them do not exceed. */
double bench_part(double *v, size_t n, double share);
void bench_add(struct bench_report *r, const char *name, const char *unit, double value);
double bench_median(struct bench_report *r, const char *name); /* 0: not there */
/* As one line of JSON, or as a table for people. */
void bench_print(const struct bench_report *r, const struct bench_options *o);

/* ---- homes.c: homes that hold what is to be synced ---- */

struct bench_log {
	struct id32 identity, log, device_key, last, event;
	uint8_t device_secret[64];
	uint64_t length;
};

struct bench_home {
	char path[BENCH_PATH_BYTES];
	struct node_keys keys;
	uint64_t empty_bytes; /* of the database before there was content */
};

/* Makes DIR/NAME: keys, database, membership of the network. */
void bench_home_make(const struct bench_options *o, const char *name, struct bench_home *h);
/* n identities with one device each, in the database; their secrets in logs[n]. */
void bench_identities(struct bench_home *h, struct bench_log *logs, size_t n);
/* Each log gets entry 0 and then entries with bodies of `body` bytes of content, every one signed, `each` in all. */
void bench_fill(struct bench_home *h, struct bench_log *logs, size_t n, uint64_t each, size_t body);
/* One entry more, which pins a blob. */
void bench_pin(struct bench_home *h, struct bench_log *l, const struct id32 *root, uint64_t size);
/* The body of the next entry: salt, and a record of `bytes` bytes (entry 0: what it must be). Appended to *body. */
void bench_body(const struct bench_log *l, size_t bytes, struct buf *body);
/* One entry behind l->last: header, signature and body live in mem. Moves l on. */
void bench_entry(
	struct bench_log *l, size_t body, struct slice envelope, struct arena *mem, struct store_req *q);
/* The same with a record of the caller's. */
void bench_record(
	struct bench_log *l, uint8_t flags, struct slice record, struct arena *mem, struct store_req *q);
/* All in one commit; frees them. n is at most BENCH_BATCH. */
void bench_batch(struct store *s, struct store_req *reqs, size_t n);
/* Follows them all. */
void bench_follow(struct bench_home *h, const struct bench_log *logs, size_t n);
/* Holds peer for a member; address: where to dial it, or NULL. */
void bench_admit(struct bench_home *h, const struct bench_home *peer, const char *address);
struct store *bench_open(const struct bench_home *h, bool read_only);
uint64_t bench_database_bytes(const struct bench_home *h);
/* Reads every entry back from the disk and checks ids, chain, commitments and signatures against what was written. */
void bench_verify(const struct bench_home *h, const struct bench_log *logs, size_t n);
/* Removes a folder with all that is in it. */
void bench_remove(const char *path);
/* Has the disk take what earlier runs left to write, so that none pays for the one before. */
void bench_settle(void);

extern const struct id32 bench_network;

/* ---- daemons.c: real daemons as child processes ---- */

struct bench_daemon {
	pid_t pid;
	int out; /* its stdout */
	char listen[64];
	uint64_t written_at_start;
	/* after bench_daemon_stop */
	double cpu_s, peak_mib;
	uint64_t written; /* bytes given to write calls: for the source this is what went over the wire */
};

/* Starts and returns when it is ready. */
void bench_daemon_start(
	const struct bench_options *o, const struct bench_home *h, bool listen, struct bench_daemon *d);
/* Of /proc/PID/status, io and the like: the number behind `key`, 0: not there. */
uint64_t bench_proc_number(pid_t pid, const char *file, const char *key);
/* Ends the program if it has died. */
void bench_daemon_check(const struct bench_daemon *d);
void bench_daemon_stop(struct bench_daemon *d);
/* A new receiver, which follows logs and knows where the source listens; the source's daemon is started, its own is not. Its store for reading. */
struct store *bench_receiver(const struct bench_options *o, struct bench_home *source,
	const struct bench_log *logs, size_t n, uint64_t number, struct bench_home *receiver,
	struct bench_daemon *source_daemon);

/* ---- ask.c: questions to a daemon's socket ---- */

/* A connection to HOME/quire.sock. */
int bench_dial(const struct bench_home *h);
/* GET path; the body of the answer, appended to *body. Any answer but 200 ends the program. */
void bench_get(int fd, const char *path, struct buf *body);

/* ---- the benchmarks: 0 or 1 ---- */

int sync_main(struct bench_options *o);
int blob_main(struct bench_options *o);
int limit_main(struct bench_options *o);
int append_main(struct bench_options *o);
int latency_main(struct bench_options *o);
int meet_main(struct bench_options *o);
int blobs_main(struct bench_options *o);
int idle_main(struct bench_options *o);
int search_main(struct bench_options *o);
int mesh_main(struct bench_options *o);

/* ---- limit_sync.c, limit_blob.c: bare pipelines, for comparison; *cpu_s: what both processes took ---- */

/* Entries per second from one process to another, no engine: read runs, AEAD, TCP, verify, store with FULL. */
double limit_sync(const struct bench_options *o, const struct bench_home *source,
	const struct bench_log *logs, size_t n, double *cpu_s);
/* MB/s from one process to another: read, AEAD, TCP, decrypt, BLAKE2b and write on a second thread, fsync. */
double limit_blob(const struct bench_options *o, const char *file, uint64_t bytes, double *cpu_s);

#endif
