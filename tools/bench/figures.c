/* figures.c -- one number for each run; median, least and most of them. */
#include "tools/bench/bench.h"

#include <poll.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

_Noreturn void bench_fail(const char *what, const char *why)
{
	(void)fflush(stdout);
	fprintf(stderr, "quire-bench: %s: %s\n", what, why);
	exit(1);
}

void bench_must(enum err e, const char *what)
{
	if (e != OK)
		bench_fail(what, err_text(e));
}

void *bench_memory(size_t n)
{
	void *p = calloc(1, n ? n : 1);
	if (!p)
		bench_fail("memory", err_text(ERR_MEMORY));
	return p;
}

double bench_now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void bench_pause(int ms)
{
	(void)poll(NULL, 0, ms);
}

void bench_settle(void)
{
	sync();
}

static double cpu_s(int who)
{
	struct rusage u;
	(void)getrusage(who, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
		(double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

double bench_cpu_s(void)
{
	return cpu_s(RUSAGE_SELF) + cpu_s(RUSAGE_CHILDREN);
}

static struct bench_figure *find(struct bench_report *r, const char *name)
{
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->figures[i].name, name) == 0)
			return &r->figures[i];
	return NULL;
}

void bench_add(struct bench_report *r, const char *name, const char *unit, double value)
{
	struct bench_figure *f = find(r, name);
	if (!f) {
		if (r->n == BENCH_FIGURES_MAX)
			abort();
		f = &r->figures[r->n++];
		*f = (struct bench_figure){.unit = unit};
		snprintf(f->name, sizeof f->name, "%s", name);
	}
	if (f->n == BENCH_RUNS_MAX)
		abort();
	f->values[f->n++] = value;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

double bench_part(double *v, size_t n, double share)
{
	qsort(v, n, sizeof *v, ascending);
	size_t i = (size_t)((double)n * share);
	return v[i < n ? i : n - 1];
}

static void summary(const struct bench_figure *f, double out[3])
{
	double v[BENCH_RUNS_MAX];
	memcpy(v, f->values, f->n * sizeof *v);
	qsort(v, f->n, sizeof *v, ascending);
	out[0] = v[f->n / 2];
	out[1] = v[0];
	out[2] = v[f->n - 1];
}

double bench_median(struct bench_report *r, const char *name)
{
	const struct bench_figure *f = find(r, name);
	double v[3] = {0};
	if (f)
		summary(f, v);
	return v[0];
}

static void print_json(const struct bench_report *r, const struct bench_options *o)
{
	printf("{\"v\":1,\"name\":\"%s\",\"version\":\"%s\",\"runs\":%llu,\"logs\":%llu,\"entries\":%llu,\"body_bytes\":%llu,\"bytes\":%llu",
		r->name, QUIRE_VERSION, (unsigned long long)o->runs, (unsigned long long)o->logs,
		(unsigned long long)o->entries, (unsigned long long)o->body, (unsigned long long)o->bytes);
	for (size_t i = 0; i < r->n; i++) {
		double v[3];
		summary(&r->figures[i], v);
		printf(",\"%s\":[%.6g,%.6g,%.6g]", r->figures[i].name, v[0], v[1], v[2]);
	}
	printf("}\n");
}

void bench_print(const struct bench_report *r, const struct bench_options *o)
{
	if (o->json) {
		print_json(r, o);
		return;
	}
	printf("%-32s %14s %14s %14s\n", r->name, "median", "least", "most");
	for (size_t i = 0; i < r->n; i++) {
		double v[3];
		summary(&r->figures[i], v);
		printf("%-32s %14.6g %14.6g %14.6g  %s\n", r->figures[i].name, v[0], v[1], v[2],
			r->figures[i].unit);
	}
}
