/* store_limit.c -- rows in and out of the store, without protocol or network. */
#include "tools/bench/store_limit.h"

#include "store/store.h"

#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define RUNS_PER_BATCH 16 /* about a thousand entries a commit */

struct bench {
	char home[256];
	struct store *store;
	size_t body_bytes;
	uint8_t body[LIMIT_BODY_BYTES];
	uint64_t noise;
};

/* The state of one log: what the next run continues. */
struct writer {
	struct id32 log, last;
	uint64_t length;
};

static double now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void make_noise(struct bench *b, uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		b->noise = b->noise * 6364136223846793005u + 1442695040888963407u;
		p[i] = (uint8_t)(b->noise >> 56);
	}
}

/* One run of n entries behind what w has. */
static bool make_run(struct bench *b, struct writer *w, size_t n, struct store_req *q)
{
	static const uint8_t sig[64] = {1};
	*q = (struct store_req){.op = STORE_RUN_PUT};
	struct store_part *parts = arena_alloc(&q->mem, n * sizeof *parts);
	if (!parts)
		return false;
	q->a.log = w->log;
	q->a.first = w->length;
	q->a.prev = w->last;
	q->a.n = n;
	q->a.parts = parts;
	q->a.sig = slice_of(sig, sizeof sig);
	for (size_t i = 0; i < n; i++) {
		uint8_t *h = arena_alloc(&q->mem, ENTRY_HEADER_BYTES);
		if (!h)
			return false;
		make_noise(b, h, 16);
		memset(h + 16, h[0], ENTRY_HEADER_BYTES - 16);
		be64_put(h + 34, w->length);
		memcpy(h + 42, w->last.b, 32);
		make_noise(b, w->last.b, 8);
		w->length++;
		parts[i] = (struct store_part){
			.header = h, .kind = 1, .bytes = slice_of(b->body, b->body_bytes)};
	}
	q->a.id = w->last;
	return true;
}

/* Runs what is queued in one commit; adds the time to *spent_s. */
static bool commit(struct bench *b, struct store_req *reqs, size_t n, double *spent_s)
{
	struct store_req *list[RUNS_PER_BATCH];
	struct store_res res[RUNS_PER_BATCH];
	bool good = true;
	for (size_t i = 0; i < n; i++)
		list[i] = &reqs[i];
	double before = now_s();
	store_exec(b->store, list, res, n);
	*spent_s += now_s() - before;
	for (size_t i = 0; i < n; i++) {
		good = good && res[i].err == OK;
		store_res_free(&res[i]);
		store_req_free(&reqs[i]);
	}
	return good;
}

/* Fills `logs` logs with `each` entries, in turns of one run, and gives entries per second. */
static double fill(struct bench *b, uint8_t tag, size_t logs, uint64_t each)
{
	struct writer *w = calloc(logs, sizeof *w);
	struct store_req reqs[RUNS_PER_BATCH];
	size_t queued = 0;
	double spent_s = 0;
	bool good = w != NULL;
	for (size_t i = 0; good && i < logs; i++) {
		make_noise(b, w[i].log.b, 31);
		w[i].log.b[31] = tag;
	}
	for (uint64_t done = 0; good && done < each;) {
		uint64_t left = each - done;
		size_t n = left < LIMIT_RUN_ENTRIES ? (size_t)left : LIMIT_RUN_ENTRIES;
		for (size_t i = 0; good && i < logs; i++) {
			good = make_run(b, &w[i], n, &reqs[queued++]);
			if (good && queued == RUNS_PER_BATCH) {
				good = commit(b, reqs, queued, &spent_s);
				queued = 0;
			}
		}
		done += n;
	}
	if (good && queued)
		good = commit(b, reqs, queued, &spent_s);
	free(w);
	return good && spent_s > 0 ? (double)(each * logs) / spent_s : 0;
}

/* Every run of every log once; entries per second. */
static double read_all(struct bench *b)
{
	struct store_req list = {.op = STORE_LOG_LIST};
	struct store_res logs;
	store_exec_one(b->store, &list, &logs);
	uint64_t entries = 0;
	bool good = logs.err == OK;
	double before = now_s();
	for (size_t i = 0; good && i < logs.r.n; i++) {
		for (uint64_t first = 0; good && first < logs.r.logs[i].length;) {
			struct store_req q = {.op = STORE_RUN_GET};
			struct store_res run;
			q.a.log = logs.r.logs[i].log;
			q.a.first = first;
			q.a.max = LIMIT_MESSAGE_BYTES;
			store_exec_one(b->store, &q, &run);
			good = run.err == OK;
			entries += run.r.n;
			first += run.r.n;
			store_res_free(&run);
		}
	}
	double spent_s = now_s() - before;
	store_res_free(&logs);
	return good && spent_s > 0 ? (double)entries / spent_s : 0;
}

static double disk_bytes(const struct bench *b)
{
	char path[300];
	struct stat st;
	snprintf(path, sizeof path, "%s/quire.db", b->home);
	return stat(path, &st) == 0 ? (double)st.st_size : 0;
}

static bool reopen(struct bench *b)
{
	store_close(b->store); /* writes back what is in the write-ahead log */
	b->store = NULL;
	struct store_options o = {.home = b->home, .create = true};
	enum err e = store_open(&o, &b->store);
	if (e != OK)
		fprintf(stderr, "store-limit: %s\n", err_text(e));
	return e == OK;
}

static int measure(struct bench *b, uint64_t entries)
{
	if (!reopen(b))
		return 1;
	double empty = disk_bytes(b);
	double one_log = fill(b, 1, 1, entries);
	if (!reopen(b))
		return 1;
	double per_entry = (disk_bytes(b) - empty) / (double)entries;
	double many_logs = fill(b, 2, 1000, 100);
	if (!reopen(b))
		return 1;
	double per_entry_all = (disk_bytes(b) - empty) / ((double)entries + 100000);
	double read = read_all(b);
	printf("{\"v\":1,\"name\":\"store-limit\",\"body_bytes\":%zu,\"one_log_put_per_s\":%.0f,\"thousand_logs_put_per_s\":%.0f,"
	       "\"run_get_per_s\":%.0f,\"disk_bytes_per_entry_one_log\":%.0f,\"disk_bytes_per_entry\":%.0f}\n",
		b->body_bytes, one_log, many_logs, read, per_entry, per_entry_all);
	return one_log > 0 && many_logs > 0 && read > 0 ? 0 : 1;
}

static void clean_up(const struct bench *b)
{
	char path[300];
	snprintf(path, sizeof path, "%s/quire.db", b->home);
	unlink(path);
	rmdir(b->home);
}

int store_limit_main(int argc, char **argv)
{
	struct bench *b = calloc(1, sizeof *b);
	uint64_t entries = 500000;
	if (!b)
		return 1;
	b->body_bytes = 300;
	snprintf(b->home, sizeof b->home, "store-limit.%ld", (long)getpid());
	for (int i = 1; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--home") == 0)
			snprintf(b->home, sizeof b->home, "%s", argv[i + 1]);
		else if (strcmp(argv[i], "--entries") == 0)
			entries = strtoull(argv[i + 1], NULL, 10);
		else if (strcmp(argv[i], "--body") == 0)
			b->body_bytes = (size_t)strtoull(argv[i + 1], NULL, 10);
	}
	if (b->body_bytes > LIMIT_BODY_BYTES)
		b->body_bytes = LIMIT_BODY_BYTES;
	make_noise(b, b->body, sizeof b->body);
	int rc = 1;
	if (mkdir(b->home, 0700) == 0)
		rc = measure(b, entries);
	else
		perror(b->home);
	store_close(b->store);
	if (rc == 0)
		clean_up(b);
	free(b);
	return rc;
}
