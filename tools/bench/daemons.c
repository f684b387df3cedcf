/* daemons.c -- real daemons as child processes: started, watched, stopped, with what they cost. */
#include "tools/bench/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define READY_MS 10000
#define STOP_S 10.0

extern char **environ;

uint64_t bench_proc_number(pid_t pid, const char *file, const char *key)
{
	char path[64], line[256];
	uint64_t value = 0;
	snprintf(path, sizeof path, "/proc/%ld/%s", (long)pid, file);
	FILE *f = fopen(path, "r");
	while (f && fgets(line, sizeof line, f))
		if (strncmp(line, key, strlen(key)) == 0)
			value = strtoull(line + strlen(key), NULL, 10);
	if (f)
		fclose(f);
	return value;
}

static void spawn(
	const struct bench_options *o, const struct bench_home *h, bool listen, struct bench_daemon *d)
{
	char home[BENCH_PATH_BYTES], err_path[BENCH_PATH_BYTES + 8], program[BENCH_PATH_BYTES];
	int fds[2];
	snprintf(home, sizeof home, "%s", h->path);
	snprintf(program, sizeof program, "%s", o->quired);
	snprintf(err_path, sizeof err_path, "%s.err", h->path);
	char a[][16] = {
		"--home", "--listen", "127.0.0.1:0", "off", "--http", "off", "--log-level", "warning"};
	char *argv[] = {program, a[0], home, a[1], listen ? a[2] : a[3], a[4], a[5], a[6], a[7], NULL};
	posix_spawn_file_actions_t actions;
	if (pipe2(fds, O_CLOEXEC) != 0)
		bench_fail("a pipe", strerror(errno));
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fds[1], 1);
	posix_spawn_file_actions_addopen(&actions, 2, err_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	int e = posix_spawn(&d->pid, program, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	if (e != 0)
		bench_fail(program, strerror(e));
	d->out = fds[0];
}

void bench_daemon_start(
	const struct bench_options *o, const struct bench_home *h, bool listen, struct bench_daemon *d)
{
	char line[1024];
	size_t n = 0;
	*d = (struct bench_daemon){0};
	spawn(o, h, listen, d);
	while (n == 0 || line[n - 1] != '\n') {
		struct pollfd p = {.fd = d->out, .events = POLLIN};
		ssize_t got = poll(&p, 1, READY_MS) == 1 ? read(d->out, line + n, sizeof line - 1 - n) : 0;
		if (got <= 0)
			bench_fail(h->path, "the daemon does not become ready: see its .err file (--keep)");
		n += (size_t)got;
	}
	line[n] = 0;
	const char *at = strstr(line, "listen=");
	if (!at || sscanf(at, "listen=%63s", d->listen) != 1)
		bench_fail("the daemon says", line);
	d->written_at_start = bench_proc_number(d->pid, "io", "wchar:");
}

void bench_daemon_check(const struct bench_daemon *d)
{
	if (waitpid(d->pid, NULL, WNOHANG) != 0)
		bench_fail("a daemon", "it died: see its .err file (--keep)");
}

void bench_daemon_stop(struct bench_daemon *d)
{
	struct rusage u;
	int status = 0;
	double until_s = bench_now_s() + STOP_S;
	d->peak_mib = (double)bench_proc_number(d->pid, "status", "VmHWM:") / 1024;
	d->written = bench_proc_number(d->pid, "io", "wchar:") - d->written_at_start;
	kill(d->pid, SIGTERM);
	pid_t gone;
	while ((gone = wait4(d->pid, &status, WNOHANG, &u)) == 0 && bench_now_s() < until_s)
		bench_pause(5);
	if (gone == 0) {
		kill(d->pid, SIGKILL);
		bench_fail("a daemon", "it does not stop");
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		bench_fail("a daemon", "it did not end in order");
	d->cpu_s = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
		(double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
	close(d->out);
}

struct store *bench_receiver(const struct bench_options *o, struct bench_home *source,
	const struct bench_log *logs, size_t n, uint64_t number, struct bench_home *receiver,
	struct bench_daemon *source_daemon)
{
	char name[32];
	snprintf(name, sizeof name, "receiver-%llu", (unsigned long long)number);
	bench_home_make(o, name, receiver);
	bench_follow(receiver, logs, n);
	bench_admit(source, receiver, NULL);
	bench_daemon_start(o, source, true, source_daemon);
	bench_admit(receiver, source, source_daemon->listen);
	bench_settle();
	return bench_open(receiver, true);
}
