/* idle.c -- `quire-bench idle`: a daemon that holds very many entries and has nothing to do: its memory, its start, how often it wakes.
 * Beside it the same daemon with nothing: what is left is what entries cost. */
#include "tools/bench/bench.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#define CALM_MS 6000 /* from its start until it is looked at: it gives back what it needed for that */
#define WATCH_MS 10000

/* Switches of all threads that were of their own will: each is one sleep that ended. */
static uint64_t wakes(pid_t pid)
{
	char path[64];
	uint64_t n = 0;
	snprintf(path, sizeof path, "/proc/%ld/task", (long)pid);
	DIR *d = opendir(path);
	if (!d)
		bench_fail(path, "it cannot be read");
	for (const struct dirent *e; (e = readdir(d));) {
		if (e->d_name[0] == '.')
			continue;
		char file[300];
		snprintf(file, sizeof file, "task/%s/status", e->d_name);
		n += bench_proc_number(pid, file, "voluntary_ctxt_switches:");
	}
	closedir(d);
	return n;
}

static double mib(pid_t pid, const char *file, const char *key)
{
	return (double)bench_proc_number(pid, file, key) / 1024;
}

/* In clock ticks, user and system. */
static double cpu_ticks(pid_t pid)
{
	char path[64], text[1024];
	unsigned long long user = 0, kernel = 0;
	snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
	FILE *f = fopen(path, "r");
	const char *at = f && fgets(text, sizeof text, f) ? strrchr(text, ')') : NULL;
	if (!at ||
		sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &kernel) != 2)
		bench_fail(path, "it cannot be read");
	fclose(f);
	return (double)(user + kernel);
}

static void add(struct bench_report *r, const char *prefix, const char *name, const char *unit, double value)
{
	char full[40];
	snprintf(full, sizeof full, "%s%s", prefix, name);
	bench_add(r, full, unit, value);
}

static void run(
	struct bench_options *o, struct bench_report *r, const struct bench_home *h, const char *prefix)
{
	struct bench_daemon d;
	struct buf answer = {0};
	bench_settle();
	double began_s = bench_now_s();
	bench_daemon_start(o, h, true, &d);
	double ready_s = bench_now_s();
	int fd = bench_dial(h);
	bench_get(fd, "/api/v1/node", &answer);
	double answered_s = bench_now_s();
	close(fd);
	buf_free(&answer);
	bench_pause(CALM_MS);
	double ticks = cpu_ticks(d.pid);
	uint64_t before = wakes(d.pid);
	bench_pause(WATCH_MS);
	uint64_t after = wakes(d.pid);
	add(r, prefix, "start_ms", "ms until it answers at its socket", (answered_s - began_s) * 1e3);
	add(r, prefix, "ready_ms", "ms until it says that it is ready", (ready_s - began_s) * 1e3);
	add(r, prefix, "resident_mib", "MiB", mib(d.pid, "status", "VmRSS:"));
	add(r, prefix, "anonymous_mib", "MiB that no file backs", mib(d.pid, "status", "RssAnon:"));
	add(r, prefix, "shared_out_mib", "MiB, what is shared counted in parts",
		mib(d.pid, "smaps_rollup", "Pss:"));
	add(r, prefix, "wakes_per_s", "a second, all threads", (double)(after - before) * 1e3 / WATCH_MS);
	add(r, prefix, "cpu_ms_per_s", "ms of CPU a second",
		(cpu_ticks(d.pid) - ticks) * 1e3 / (double)sysconf(_SC_CLK_TCK) * 1e3 / WATCH_MS);
	bench_daemon_stop(&d);
}

int idle_main(struct bench_options *o)
{
	struct bench_report *r = bench_memory(sizeof *r);
	struct bench_log *logs = bench_memory(o->logs * sizeof *logs);
	struct bench_home h, empty;
	uint64_t each = o->entries / o->logs;
	o->entries = each * o->logs;
	r->name = "idle";
	bench_home_make(o, "full", &h);
	bench_identities(&h, logs, o->logs);
	bench_follow(&h, logs, o->logs);
	bench_fill(&h, logs, o->logs, each, o->body);
	bench_add(r, "database_mib", "MiB on the disk", (double)bench_database_bytes(&h) / 1048576);
	bench_home_make(o, "empty", &empty);
	for (uint64_t i = 0; i < o->runs; i++) {
		run(o, r, &h, "");
		if (o->bare)
			run(o, r, &empty, "empty_");
	}
	bench_print(r, o);
	free(logs);
	free(r);
	return 0;
}
