/* limit_sync.c -- the bare pipeline for entries: two processes, one thread each, nothing but the work that cannot be left out.
 * Sender: runs out of the store, AEAD, TCP. Receiver: decrypt, run_verify, RUN_PUT with FULL, sixteen runs a commit. */
#include "tools/bench/bench.h"
#include "tools/bench/wire.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define BATCH_RUNS 16

/* ---- sender: number of the log, first, n, signature, headers, then for each entry the lengths and bytes of envelope and body */

static void put_run(struct buf *b, uint32_t log, const struct store_res *res)
{
	uint8_t head[16];
	b->n = 0;
	be32_put(head, log);
	be64_put(head + 4, res->r.first);
	be32_put(head + 12, (uint32_t)res->r.n);
	bench_must(buf_put(b, head, sizeof head), "a frame");
	bench_must(buf_put_slice(b, res->r.sig), "a frame");
	for (size_t i = 0; i < res->r.n; i++)
		bench_must(buf_put(b, res->r.parts[i].header, ENTRY_HEADER_BYTES), "a frame");
	for (size_t i = 0; i < res->r.n; i++) {
		be32_put(head, (uint32_t)res->r.parts[i].envelope.n);
		be32_put(head + 4, (uint32_t)res->r.parts[i].bytes.n);
		bench_must(buf_put(b, head, 8), "a frame");
		bench_must(buf_put_slice(b, res->r.parts[i].envelope), "a frame");
		bench_must(buf_put_slice(b, res->r.parts[i].bytes), "a frame");
	}
}

static void send_all(int fd, const struct bench_home *source, const struct bench_log *logs, size_t n)
{
	struct store *s = bench_open(source, true);
	struct wire w = {.fd = fd};
	struct buf b = {0};
	wire_wait(fd);
	for (size_t i = 0; i < n; i++) {
		for (uint64_t at = 0; at < logs[i].length;) {
			struct store_req q = {
				.op = STORE_RUN_GET, .a.log = logs[i].log, .a.first = at, .a.max = 68000};
			struct store_res res;
			store_exec_one(s, &q, &res);
			bench_must(res.err, "a run");
			put_run(&b, (uint32_t)i, &res);
			wire_send(&w, buf_slice(&b));
			at += res.r.n;
			store_res_free(&res);
		}
	}
	wire_flush(&w);
	buf_free(&b);
	store_close(s);
}

/* ---- receiver */

struct receiver {
	struct store *store;
	const struct bench_log *logs;
	uint64_t entries;
	size_t queued;
	struct store_req reqs[BATCH_RUNS];
};

static void commit(struct receiver *r)
{
	struct store_req *list[BATCH_RUNS];
	struct store_res res[BATCH_RUNS];
	for (size_t i = 0; i < r->queued; i++)
		list[i] = &r->reqs[i];
	store_exec(r->store, list, res, r->queued);
	for (size_t i = 0; i < r->queued; i++) {
		bench_must(res[i].err, "the store");
		store_res_free(&res[i]);
		store_req_free(&r->reqs[i]);
	}
	r->queued = 0;
}

static void take_run(struct receiver *r, struct slice frame)
{
	struct store_req *q = &r->reqs[r->queued++];
	*q = (struct store_req){.op = STORE_RUN_PUT};
	const uint8_t *p = arena_copy(&q->mem, frame).p;
	const struct bench_log *l = &r->logs[be32_get(p)];
	struct run run = {
		.log = l->log, .first = be64_get(p + 4), .n = be32_get(p + 12), .signature = p + 16};
	struct entry_part *parts = arena_alloc(&q->mem, run.n * sizeof *parts);
	struct store_part *kept = arena_alloc(&q->mem, run.n * sizeof *kept);
	struct run_ends ends;
	run.headers = p + 16 + ENTRY_SIGNATURE_BYTES;
	run.parts = parts;
	p = run.headers + run.n * ENTRY_HEADER_BYTES;
	for (size_t i = 0; i < run.n; i++) {
		struct slice envelope = slice_of(p + 8, be32_get(p));
		struct slice body = slice_of(p + 8 + envelope.n, be32_get(p + 4));
		p = body.p + body.n;
		parts[i] = (struct entry_part){.envelope = envelope, .kind = BODY_HERE, .bytes = body};
		kept[i] = (struct store_part){.header = run.headers + i * ENTRY_HEADER_BYTES,
			.envelope = envelope,
			.kind = BODY_HERE,
			.bytes = body};
	}
	bench_must(run_verify(&run, &l->device_key, &ends), "a run");
	q->a.log = l->log;
	q->a.identity = l->identity;
	q->a.device_key = l->device_key;
	q->a.first = run.first;
	q->a.prev = ends.prev;
	q->a.n = run.n;
	q->a.parts = kept;
	q->a.sig = slice_of(run.signature, ENTRY_SIGNATURE_BYTES);
	q->a.id = ends.last;
	r->entries += run.n;
	if (r->queued == BATCH_RUNS)
		commit(r);
}

double limit_sync(const struct bench_options *o, const struct bench_home *source,
	const struct bench_log *logs, size_t n, double *cpu_s)
{
	struct bench_home home;
	int fds[2];
	bench_home_make(o, "limit", &home);
	bench_settle();
	wire_pair(fds);
	(void)fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		close(fds[0]);
		send_all(fds[1], source, logs, n);
		_exit(0);
	}
	close(fds[1]);
	struct receiver *r = bench_memory(sizeof *r);
	struct wire w = {.fd = fds[0]};
	r->store = bench_open(&home, false);
	r->logs = logs;
	double cpu_before_s = bench_cpu_s(), before = bench_now_s();
	wire_go(fds[0]);
	for (struct slice frame; wire_receive(&w, &frame);)
		take_run(r, frame);
	if (r->queued)
		commit(r);
	double s = bench_now_s() - before;
	uint64_t entries = r->entries;
	close(fds[0]);
	(void)waitpid(child, NULL, 0);
	*cpu_s = bench_cpu_s() - cpu_before_s;
	store_close(r->store);
	bench_remove(home.path);
	wire_deinit(&w);
	free(r);
	return (double)entries / s;
}
