/* many.c -- see many.h. */
#include "tools/sim/many.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define JOBS_MAX 64
#define RUN_SECONDS_MAX 240 /* of real time: a run that hangs is a finding */

struct job {
	pid_t pid;
	uint64_t seed;
	struct sim_result *result; /* in memory that parent and child share */
};

static const char *scratch(void)
{
	const char *dir = getenv("TMPDIR");
	return access("/dev/shm", W_OK) == 0 ? "/dev/shm" : dir ? dir : "/tmp";
}

static void start(struct job *j, const struct sim_plan *plan)
{
	fflush(plan->out ? plan->out : stdout);
	fflush(stderr);
	memset(j->result, 0, sizeof *j->result);
	j->seed = plan->seed;
	j->pid = fork();
	if (j->pid < 0)
		abort();
	if (j->pid > 0)
		return;
	alarm(RUN_SECONDS_MAX);
	sim_run(plan, scratch(), j->result);
	fflush(plan->out ? plan->out : stdout);
	_exit(0);
}

static struct sim_result *shared(size_t n)
{
	void *p = mmap(NULL, n * sizeof(struct sim_result), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		abort();
	return p;
}

void sim_run_apart(const struct sim_plan *plan, struct sim_result *out, int *why)
{
	struct job j = {.result = shared(1)};
	struct sim_plan p = *plan;
	struct buf empty = {0};
	int status = 0;
	if (!p.empty.n)
		sim_empty_make(scratch(), &empty);
	if (empty.n)
		p.empty = buf_slice(&empty);
	start(&j, &p);
	while (waitpid(j.pid, &status, 0) < 0 && errno == EINTR)
		;
	*out = *j.result;
	*why = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	munmap(j.result, sizeof *j.result);
	buf_free(&empty);
}

/* ---- totals ---- */

static void add(struct sim_totals *t, const struct sim_result *r)
{
	struct sim_result *sum = &t->sum;
	for (int i = 0; i < FAULTS_N; i++)
		sum->faults[i] += r->faults[i];
	for (int i = 0; i < INVARIANTS_N; i++)
		sum->invariants[i] += r->invariants[i];
	sum->nodes += r->nodes;
	sum->acts += r->acts;
	sum->entries += r->entries;
	sum->gone += r->gone;
	sum->erased += r->erased;
	sum->blobs += r->blobs;
	sum->devices += r->devices;
	sum->people += r->people;
	sum->closed += r->closed;
	sum->forks += r->forks;
	sum->steps += r->steps;
	sum->messages += r->messages;
	sum->reconciled += r->reconciled;
	t->reconciled_seeds += r->reconciled > 0;
	sum->virtual_ms += r->virtual_ms;
	sum->heal_ms += r->heal_ms;
	t->heal_ms_max = r->heal_ms > t->heal_ms_max ? r->heal_ms : t->heal_ms_max;
	t->memory_max = r->memory_bytes > t->memory_max ? r->memory_bytes : t->memory_max;
	t->sizes[r->nodes <= 8 ? 0 : r->nodes <= 40 ? 1 : 2]++;
}

static void finished(struct sim_totals *t, const struct job *j, int status)
{
	const struct sim_result *r = j->result;
	t->seeds++;
	if (r->done && !r->broken) {
		add(t, r);
		return;
	}
	if (t->broken + t->died == 0 || j->seed < t->first_broken)
		t->first_broken = j->seed;
	t->broken += r->done;
	t->died += !r->done;
	if (r->done)
		fprintf(stderr, "seed %llu: %s: %s\n", (unsigned long long)j->seed,
			sim_invariants[r->invariant].word, r->text);
	else
		fprintf(stderr, "seed %llu: the run died, %s %d\n", (unsigned long long)j->seed,
			WIFSIGNALED(status) ? "signal" : "exit status",
			WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

static struct job *job_of(struct job *jobs, unsigned n, pid_t pid)
{
	for (unsigned i = 0; i < n; i++)
		if (jobs[i].pid == pid)
			return &jobs[i];
	return NULL;
}

void sim_many(const struct sim_plan *plan, uint64_t first, uint64_t count, unsigned jobs, bool stop,
	struct sim_totals *t)
{
	struct job job[JOBS_MAX] = {{0}};
	unsigned n = jobs < 1 ? 1 : jobs > JOBS_MAX ? JOBS_MAX : jobs, running = 0;
	struct sim_result *results = shared(n);
	struct buf empty = {0};
	uint64_t next = first;
	*t = (struct sim_totals){0};
	sim_empty_make(scratch(), &empty);
	for (unsigned i = 0; i < n; i++)
		job[i].result = &results[i];
	for (;;) {
		bool enough = next == first + count || (stop && t->broken + t->died);
		struct job *free_one = job_of(job, n, 0);
		if (!enough && free_one) {
			struct sim_plan p = *plan;
			p.seed = next++;
			p.empty = buf_slice(&empty);
			start(free_one, &p);
			running++;
			continue;
		}
		if (running == 0)
			break;
		int status;
		pid_t pid = waitpid(-1, &status, 0);
		struct job *j = pid > 0 ? job_of(job, n, pid) : NULL;
		if (!j)
			continue;
		finished(t, j, status);
		j->pid = 0;
		running--;
	}
	munmap(results, n * sizeof *results);
	buf_free(&empty);
}

void sim_totals_print(const struct sim_totals *t)
{
	const struct sim_result *r = &t->sum;
	unsigned long long ok = t->seeds - t->broken - t->died, hours = r->virtual_ms / 3600000;
	printf("%llu seeds: %llu hold, %llu broken, %llu died; %llu with up to 8 nodes, %llu with up to 40, %llu with more\n",
		(unsigned long long)t->seeds, ok, (unsigned long long)t->broken, (unsigned long long)t->died,
		(unsigned long long)t->sizes[0], (unsigned long long)t->sizes[1],
		(unsigned long long)t->sizes[2]);
	printf("%u nodes, %u acts, %llu people, %llu further devices, %llu closed; %llu entries acknowledged, %llu of them only on a disk that was destroyed, %llu erased, %llu blobs; %llu forks proven\n",
		r->nodes, r->acts, (unsigned long long)r->people, (unsigned long long)r->devices,
		(unsigned long long)r->closed, (unsigned long long)r->entries, (unsigned long long)r->gone,
		(unsigned long long)r->erased, (unsigned long long)r->blobs, (unsigned long long)r->forks);
	printf("%llu messages, %llu steps, %llu virtual hours; healed after %llu s on average, %llu s at most; memory at most %llu KiB\n",
		(unsigned long long)r->messages, (unsigned long long)r->steps, hours,
		ok ? (unsigned long long)r->heal_ms / ok / 1000 : 0,
		(unsigned long long)t->heal_ms_max / 1000, (unsigned long long)t->memory_max / 1024);
	printf("%llu answers about ranges, in %llu seeds\n", (unsigned long long)r->reconciled,
		(unsigned long long)t->reconciled_seeds);
	printf("faults:\n");
	for (int i = 0; i < FAULTS_N; i++)
		printf("%12llu  %-12s %s\n", (unsigned long long)r->faults[i], sim_faults[i].word,
			sim_faults[i].text);
	printf("invariants:\n");
	for (int i = 0; i < INVARIANTS_N; i++)
		printf("%12llu  %-12s %s\n", (unsigned long long)r->invariants[i], sim_invariants[i].word,
			sim_invariants[i].text);
}

/* ---- shrinking ---- */

struct shrinking {
	const struct sim_result *failed;
	unsigned left;
};

/* Does it still fail in the same way? */
static bool fails(struct shrinking *k, const struct sim_plan *plan)
{
	struct sim_result r;
	int why;
	if (k->left == 0)
		return false;
	k->left--;
	sim_run_apart(plan, &r, &why);
	if (!k->failed->done)
		return !r.done;
	return r.done && r.broken && r.invariant == k->failed->invariant;
}

static bool try_it(struct shrinking *k, struct sim_plan *plan, const struct sim_plan *smaller)
{
	if (!fails(k, smaller))
		return false;
	*plan = *smaller;
	return true;
}

static void fewer_acts(struct shrinking *k, struct sim_plan *plan, unsigned acts)
{
	struct sim_plan p = *plan;
	unsigned low = 0, high = acts;
	while (low + 1 < high && k->left) {
		p = *plan;
		p.acts_max = low + (high - low) / 2;
		if (p.acts_max && try_it(k, plan, &p))
			high = p.acts_max;
		else
			low = p.acts_max;
	}
	for (unsigned chunk = high / 2; chunk >= 1 && k->left; chunk /= 2)
		for (unsigned at = 0; at < high && k->left; at += chunk) {
			p = *plan;
			bool any = false;
			for (unsigned i = at; i < at + chunk && i < high; i++) {
				any = any || !(p.skip[i / 8] >> (i % 8) & 1);
				p.skip[i / 8] |= (uint8_t)(1u << (i % 8));
			}
			if (any)
				try_it(k, plan, &p);
		}
}

void sim_shrink(struct sim_plan *plan, const struct sim_result *failed, unsigned most)
{
	struct shrinking k = {.failed = failed, .left = most};
	struct sim_plan p;
	plan->tell = plan->tell_messages = false;
	for (int f = 0; f < FAULTS_N; f++) {
		p = *plan;
		p.without |= 1u << f;
		if (failed->faults[f] || sim_faults[f].most)
			try_it(&k, plan, &p);
	}
	for (unsigned n = failed->nodes > 40 ? failed->nodes / 2 : failed->nodes - 1; n >= 2;
		n = n > 40 ? n / 2 : n - 1) {
		p = *plan;
		p.nodes_max = n;
		if (!try_it(&k, plan, &p))
			break;
	}
	fewer_acts(&k, plan, failed->acts);
}

void sim_plan_print(const struct sim_plan *plan)
{
	printf("quire-sim --seed %llu", (unsigned long long)plan->seed);
	if (plan->nodes_max)
		printf(" --nodes %u", plan->nodes_max);
	if (plan->acts_max)
		printf(" --acts %u", plan->acts_max);
	bool first = true;
	for (int f = 0; f < FAULTS_N; f++)
		if (plan->without >> f & 1) {
			printf("%s%s", first ? " --without " : ",", sim_faults[f].word);
			first = false;
		}
	first = true;
	for (unsigned i = 0; i < SIM_ACTS_MAX; i++) {
		unsigned from = i;
		while (i < SIM_ACTS_MAX && (plan->skip[i / 8] >> (i % 8) & 1))
			i++;
		if (i > from) {
			printf("%s%u-%u", first ? " --skip " : ",", from, i - 1);
			first = false;
		}
	}
	printf("\n");
}
