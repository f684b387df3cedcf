/* limit.c -- `quire-bench limit`: the bare pipelines by themselves. */
#include "tools/bench/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

int limit_main(struct bench_options *o)
{
	struct bench_report *r = bench_memory(sizeof *r);
	struct bench_log *logs = bench_memory(o->logs * sizeof *logs);
	struct bench_home source;
	char file[BENCH_PATH_BYTES + 16];
	static uint8_t block[1 << 20];
	uint64_t each = o->entries / o->logs;
	o->entries = each * o->logs;
	r->name = "limit";
	snprintf(file, sizeof file, "%s/file", o->dir);
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	for (uint64_t done = 0; done < o->bytes; done += sizeof block) {
		randombytes_buf(block, sizeof block);
		if (write(fd, block, sizeof block) != (ssize_t)sizeof block)
			bench_fail(file, strerror(errno));
	}
	close(fd);
	bench_home_make(o, "source", &source);
	bench_identities(&source, logs, o->logs);
	bench_fill(&source, logs, o->logs, each, o->body);
	for (uint64_t i = 0; i < o->runs; i++) {
		double cpu_s;
		bench_add(r, "entries_per_s", "entries/s", limit_sync(o, &source, logs, o->logs, &cpu_s));
		bench_add(r, "cpu_us_per_entry", "us, both sides", cpu_s * 1e6 / (double)o->entries);
		bench_add(r, "mb_per_s", "MB/s of a blob", limit_blob(o, file, o->bytes, &cpu_s));
		bench_add(r, "blob_cpu_s", "s, both sides", cpu_s);
	}
	bench_print(r, o);
	free(logs);
	free(r);
	return 0;
}
