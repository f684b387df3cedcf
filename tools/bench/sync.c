/* sync.c -- `quire-bench sync`: entries from one daemon to another, until the receiver has committed the last of them. */
#include "tools/bench/bench.h"

#include <stdio.h>

#define POLL_MS 2
#define STALL_S 60.0

/* Waits until every log is as long here as at its source; looks into the receiver's database, so only what is committed counts. */
static void wait_all(
	struct store *reader, const struct bench_daemon *d, const struct bench_log *logs, size_t n)
{
	double moved_s = bench_now_s();
	uint64_t before = 0;
	for (size_t i = 0; i < n;) {
		struct store_req q = {.op = STORE_LOG_GET, .a.log = logs[i].log};
		struct store_res res;
		store_exec_one(reader, &q, &res);
		uint64_t length = res.err == OK ? res.r.logs[0].end : 0;
		if (res.err != OK && res.err != ERR_NOT_FOUND && res.err != ERR_BUSY)
			bench_must(res.err, "the receiver's database");
		store_res_free(&res);
		if (length == logs[i].length) {
			i++;
			before = 0;
			moved_s = bench_now_s();
			continue;
		}
		if (length != before)
			moved_s = bench_now_s();
		before = length;
		if (bench_now_s() - moved_s > STALL_S)
			bench_fail("the receiver", "nothing has come for a minute");
		bench_daemon_check(d);
		bench_pause(POLL_MS);
	}
}

static void add_side(struct bench_report *r, const char *side, const struct bench_daemon *d)
{
	char name[40];
	snprintf(name, sizeof name, "%s_cpu_s", side);
	bench_add(r, name, "s", d->cpu_s);
	snprintf(name, sizeof name, "%s_peak_mib", side);
	bench_add(r, name, "MiB", d->peak_mib);
}

static void run(struct bench_options *o, struct bench_report *r, struct bench_home *source,
	const struct bench_log *logs, uint64_t number)
{
	struct bench_home receiver;
	struct bench_daemon a, b;
	struct store *reader = bench_receiver(o, source, logs, o->logs, number, &receiver, &a);
	double launched_s = bench_now_s();
	bench_daemon_start(o, &receiver, false, &b);
	double ready_s = bench_now_s();
	wait_all(reader, &b, logs, o->logs);
	double done_s = bench_now_s();
	store_close(reader);
	bench_daemon_stop(&b);
	bench_daemon_stop(&a);
	bench_verify(&receiver, logs, o->logs);
	double n = (double)o->entries, s = done_s - ready_s;
	bench_add(r, "entries_per_s", "entries/s", n / s);
	bench_add(r, "mb_per_s", "MB/s of content", n * (double)o->body / s / 1e6);
	bench_add(r, "seconds", "s", s);
	bench_add(r, "seconds_from_launch", "s", done_s - launched_s);
	bench_add(r, "cpu_us_per_entry", "us, both sides", (a.cpu_s + b.cpu_s) * 1e6 / n);
	add_side(r, "source", &a);
	add_side(r, "receiver", &b);
	bench_add(r, "wire_bytes_per_entry", "bytes", (double)a.written / n);
	bench_add(r, "disk_bytes_per_entry", "bytes",
		(double)(bench_database_bytes(&receiver) - receiver.empty_bytes) / n);
	if (!o->keep)
		bench_remove(receiver.path);
}

int sync_main(struct bench_options *o)
{
	struct bench_report *r = bench_memory(sizeof *r);
	struct bench_log *logs = bench_memory(o->logs * sizeof *logs);
	struct bench_home source;
	uint64_t each = o->entries / o->logs;
	o->entries = each * o->logs;
	r->name = "sync";
	bench_home_make(o, "source", &source);
	bench_identities(&source, logs, o->logs);
	bench_fill(&source, logs, o->logs, each, o->body);
	for (uint64_t i = 0; i < o->runs; i++) {
		run(o, r, &source, logs, i);
		if (o->bare) {
			double cpu_s;
			bench_add(r, "limit_entries_per_s", "entries/s, bare",
				limit_sync(o, &source, logs, o->logs, &cpu_s));
			bench_add(r, "limit_cpu_us_per_entry", "us, both sides, bare",
				cpu_s * 1e6 / (double)o->entries);
		}
	}
	if (o->bare)
		bench_add(r, "share_of_limit", "of the bare limit",
			bench_median(r, "entries_per_s") / bench_median(r, "limit_entries_per_s"));
	bench_print(r, o);
	free(logs);
	free(r);
	return 0;
}
