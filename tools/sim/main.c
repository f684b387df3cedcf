/* main.c -- quire-sim: whole networks in virtual time, from one seed each. */
#include "tools/sim/many.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SHRINK_RUNS 300

static const char usage[] =
	"quire-sim: networks of real nodes in virtual time, under every fault it knows; then all is healed and must be one.\n"
	"\n"
	"  quire-sim --seed N            one run, told as a story; the same seed gives the same bytes\n"
	"  quire-sim --seeds N [--seed0 S] [--jobs J]\n"
	"                                many runs, and how often each fault and each invariant was exercised\n"
	"\n"
	"  --messages                    tell of each message too\n"
	"  --quiet                       only the last lines of the story\n"
	"  --keep-going                  with --seeds: do not stop at the first that fails\n"
	"  --no-shrink                   do not look for a smaller run that fails\n"
	"  --nodes N, --acts N           at most so many\n"
	"  --without A,B                 without these faults (see --faults)\n"
	"  --skip 3-9,12-12              without these acts\n"
	"  --plant sync|erasure          with a bug that must be found: a disk that does not sync, a store that forgets erasures\n"
	"  --faults                      the names of faults and invariants\n"
	"\n"
	"Exit status: 0 all held, 1 an invariant was broken or a run died, 2 a wrong option.\n";

struct options {
	struct sim_plan plan;
	uint64_t seeds, seed0;
	unsigned jobs;
	bool one, keep_going, no_shrink;
};

static bool number(const char *text, uint64_t *out)
{
	char *end;
	*out = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && *end == 0;
}

static bool without(const char *text, uint32_t *bits)
{
	while (*text) {
		size_t n = strcspn(text, ",");
		int f = 0;
		while (f < FAULTS_N &&
			(strlen(sim_faults[f].word) != n || memcmp(sim_faults[f].word, text, n) != 0))
			f++;
		if (f == FAULTS_N)
			return false;
		*bits |= 1u << f;
		text += n + (text[n] == ',');
	}
	return true;
}

static bool skip(const char *text, uint8_t *bits)
{
	while (*text) {
		char *end;
		unsigned long from = strtoul(text, &end, 10), to;
		if (end == text || *end != '-')
			return false;
		text = end + 1;
		to = strtoul(text, &end, 10);
		if (end == text || to < from || to >= SIM_ACTS_MAX || (*end && *end != ','))
			return false;
		for (unsigned long i = from; i <= to; i++)
			bits[i / 8] |= (uint8_t)(1u << (i % 8));
		text = end + (*end == ',');
	}
	return true;
}

static bool plant(const char *text, enum sim_plant *out)
{
	*out = strcmp(text, "erasure") == 0 ? PLANT_ERASURE
		: strcmp(text, "sync") == 0 ? PLANT_SYNC
					    : PLANT_NONE;
	return *out != PLANT_NONE;
}

static void names(void)
{
	for (int i = 0; i < FAULTS_N; i++)
		printf("%-12s %s\n", sim_faults[i].word, sim_faults[i].text);
	printf("\n");
	for (int i = 0; i < INVARIANTS_N; i++)
		printf("%-12s %s\n", sim_invariants[i].word, sim_invariants[i].text);
}

enum {
	SEED = 256,
	SEEDS,
	SEED0,
	JOBS,
	MESSAGES,
	QUIET,
	KEEP,
	NO_SHRINK,
	NODES,
	ACTS,
	WITHOUT,
	SKIP,
	PLANT,
	NAMES,
	HELP
};

static bool take(struct options *o, int c, const char *arg)
{
	uint64_t n = 0;
	bool good = true;
	switch (c) {
	case SEED: o->one = true; return number(arg, &o->plan.seed);
	case SEEDS: return number(arg, &o->seeds);
	case SEED0: return number(arg, &o->seed0);
	case MESSAGES: o->plan.tell_messages = true; return true;
	case QUIET: o->plan.tell = false; return true;
	case KEEP: o->keep_going = true; return true;
	case NO_SHRINK: o->no_shrink = true; return true;
	case WITHOUT: return without(arg, &o->plan.without);
	case SKIP: return skip(arg, o->plan.skip);
	case PLANT: return plant(arg, &o->plan.plant);
	case JOBS:
	case NODES:
	case ACTS: good = number(arg, &n) && n > 0 && n <= SIM_ACTS_MAX; break;
	default: return false;
	}
	if (c == JOBS)
		o->jobs = (unsigned)n;
	else if (c == NODES)
		o->plan.nodes_max = (unsigned)n;
	else
		o->plan.acts_max = (unsigned)n;
	return good;
}

static const struct option longs[] = {{"seed", 1, NULL, SEED}, {"seeds", 1, NULL, SEEDS},
	{"seed0", 1, NULL, SEED0}, {"jobs", 1, NULL, JOBS}, {"messages", 0, NULL, MESSAGES},
	{"quiet", 0, NULL, QUIET}, {"keep-going", 0, NULL, KEEP}, {"no-shrink", 0, NULL, NO_SHRINK},
	{"nodes", 1, NULL, NODES}, {"acts", 1, NULL, ACTS}, {"without", 1, NULL, WITHOUT},
	{"skip", 1, NULL, SKIP}, {"plant", 1, NULL, PLANT}, {"faults", 0, NULL, NAMES},
	{"help", 0, NULL, HELP}, {0}};

static void tell_end(const struct sim_result *r, int why)
{
	if (!r->done)
		printf("the run died: %d\n", why);
	else
		printf("%s; %llu entries, %llu messages, hash %016llx\n", r->broken ? "BROKEN" : "all holds",
			(unsigned long long)r->entries, (unsigned long long)r->messages,
			(unsigned long long)r->hash);
}

/* A seed failed: the smallest run found that fails too, and its story. */
static int explain(struct options *o, const struct sim_result *failed)
{
	struct sim_result r;
	int why;
	if (!o->no_shrink) {
		printf("seed %llu fails; looking for a smaller run\n", (unsigned long long)o->plan.seed);
		sim_shrink(&o->plan, failed, SHRINK_RUNS);
	}
	o->plan.tell = true;
	sim_run_apart(&o->plan, &r, &why);
	tell_end(&r, why);
	printf("to see it again: ");
	sim_plan_print(&o->plan);
	return 1;
}

static int run_one(struct options *o)
{
	struct sim_result r;
	int why;
	sim_run_apart(&o->plan, &r, &why);
	tell_end(&r, why);
	if (r.done && !r.broken)
		return 0;
	return o->no_shrink ? 1 : explain(o, &r);
}

static int run_many(struct options *o)
{
	struct sim_totals t;
	struct sim_result r;
	int why;
	o->plan.tell = o->plan.tell_messages = false;
	sim_many(&o->plan, o->seed0, o->seeds, o->jobs, !o->keep_going, &t);
	sim_totals_print(&t);
	if (t.broken + t.died == 0)
		return 0;
	if (o->no_shrink)
		return 1;
	o->plan.seed = t.first_broken;
	sim_run_apart(&o->plan, &r, &why);
	return explain(o, &r);
}

int main(int argc, char **argv)
{
	struct options o = {.seed0 = 1, .plan.tell = true};
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int c;
	o.jobs = cpus > 0 && cpus < 64 ? (unsigned)cpus : 1;
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == HELP || c == NAMES) {
			if (c == HELP)
				fputs(usage, stdout);
			else
				names();
			return 0;
		}
		if (!take(&o, c, optarg)) {
			fputs(usage, stderr);
			return 2;
		}
	}
	if (optind < argc || o.one == (o.seeds > 0)) {
		fputs(usage, stderr);
		return 2;
	}
	return o.one ? run_one(&o) : run_many(&o);
}
