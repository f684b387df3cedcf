/* append.c -- `quire-bench append`: entries of 300 bytes into a store, each answered when it is on the disk.
 * Beside it the same bytes in a plain file. */
#include "tools/bench/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define CALLERS 64

/* Commits `callers` appends at a time, as the store's thread does when so many wait: the next ones are made when all are answered. */
static double append(struct bench_home *h, struct bench_log *l, const struct bench_options *o, size_t callers,
	double *took_s)
{
	struct store *s = bench_open(h, false);
	struct store_req reqs[CALLERS], *list[CALLERS];
	struct store_res res[CALLERS];
	double spent_s = 0;
	uint64_t n = 0;
	while (n < o->entries) {
		double before = bench_now_s();
		for (size_t i = 0; i < callers; i++) {
			struct arena mem = {0};
			reqs[i] = (struct store_req){0};
			bench_entry(l, o->body, (struct slice){0}, &mem, &reqs[i]);
			reqs[i].mem = mem;
			list[i] = &reqs[i];
		}
		store_exec(s, list, res, callers);
		double took = bench_now_s() - before;
		for (size_t i = 0; i < callers; i++) {
			bench_must(res[i].err, "an append");
			store_res_free(&res[i]);
			store_req_free(&reqs[i]);
			if (n < o->entries)
				took_s[n++] = took;
		}
		spent_s += took;
	}
	store_close(s);
	return (double)n / spent_s;
}

/* The bare limit: what an entry takes, in one write behind the last one, and the disk's word for it. */
static double append_bytes(const struct bench_options *o, size_t callers)
{
	static uint8_t bytes[CALLERS * (ENTRY_HEADER_BYTES + ENTRY_SIGNATURE_BYTES + LIMIT_BODY_BYTES)];
	size_t n = callers * (ENTRY_HEADER_BYTES + ENTRY_SIGNATURE_BYTES + ENTRY_SALT_BYTES + o->body);
	char path[BENCH_PATH_BYTES + 16];
	uint64_t done = 0;
	snprintf(path, sizeof path, "%s/limit", o->dir);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	double began_s = bench_now_s();
	for (; done < o->entries; done += callers)
		if (write(fd, bytes, n) != (ssize_t)n || fdatasync(fd) != 0)
			bench_fail(path, strerror(errno));
	double took_s = bench_now_s() - began_s;
	close(fd);
	unlink(path);
	return (double)done / took_s;
}

static void run(struct bench_options *o, struct bench_report *r, uint64_t number, double *took_s)
{
	static const size_t callers[] = {1, CALLERS};
	struct bench_home h;
	struct bench_log l[2];
	char name[40];
	snprintf(name, sizeof name, "append-%llu", (unsigned long long)number);
	bench_home_make(o, name, &h);
	bench_identities(&h, l, 2);
	for (size_t i = 0; i < 2; i++) {
		bench_fill(&h, &l[i], 1, 1, o->body);
		double per_s = append(&h, &l[i], o, callers[i], took_s);
		snprintf(name, sizeof name, "appends_per_s_%zu", callers[i]);
		bench_add(r, name, "a second", per_s);
		snprintf(name, sizeof name, "p50_ms_%zu", callers[i]);
		bench_add(r, name, "ms", bench_part(took_s, o->entries, 0.5) * 1e3);
		snprintf(name, sizeof name, "p99_ms_%zu", callers[i]);
		bench_add(r, name, "ms", bench_part(took_s, o->entries, 0.99) * 1e3);
		snprintf(name, sizeof name, "limit_appends_per_s_%zu", callers[i]);
		if (o->bare)
			bench_add(r, name, "a second, the bytes alone", append_bytes(o, callers[i]));
	}
	bench_verify(&h, l, 2);
	if (!o->keep)
		bench_remove(h.path);
}

int append_main(struct bench_options *o)
{
	struct bench_report *r = bench_memory(sizeof *r);
	double *took_s = bench_memory(o->entries * sizeof *took_s);
	r->name = "append";
	for (uint64_t i = 0; i < o->runs; i++)
		run(o, r, i, took_s);
	bench_print(r, o);
	free(took_s);
	free(r);
	return 0;
}
