/* timeout: 900
 * A person's beginning, appending and following a log, while any one call to memory, store or disk fails, or all from one on: sweep.h. */
#include "tests/fault/sweep_pair.h"

#define SHARE 9.0 /* seconds a job */

static void write_some(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct engine_event ev = world_append(sw.ann, &sw.person, 100);
		if (ev.err != OK)
			abort();
		acknowledged(&ev);
	}
}

/* ---- append ---- */

static uint64_t tags[3];
static unsigned answered;

static void prepare_append(void)
{
	sw.ann = world_node_new(&sw.w, "ann");
	if (world_person_new(sw.ann, &sw.person) != OK)
		abort();
	write_some(2);
}

/* Three at once: they share a commit. */
static void run_append(void)
{
	answered = 0;
	start_down(sw.ann);
	if (!sw.ann->engine)
		return;
	size_t from = sw.ann->events_n;
	for (int i = 0; i < 3; i++)
		tags[i] = world_append_begin(sw.ann, &sw.person, 60);
	world_run(&sw.w, 1000);
	unsigned all = 0;
	for (size_t k = from; k < sw.ann->events_n; k++) {
		const struct engine_event *ev = &sw.ann->events[k];
		if (ev->kind != ENGINE_EVENT_ANSWER)
			continue;
		all++;
		answered += ev->err == OK;
		if (ev->err == OK)
			acknowledged(ev);
	}
	if (all != 3)
		say_and_end("a command was not answered");
}

static bool done_append(void)
{
	return sw.ann->engine && answered == 3;
}

/* ---- a log from node to node ---- */

static void prepare_sync(void)
{
	two_nodes();
	write_some(12);
	if (world_erase_begin(sw.ann, &sw.person, 3) == 0)
		abort();
	world_run(&sw.w, 1000);
}

/* ---- a person ---- */

static bool person_made;

static void prepare_person(void)
{
	sw.ann = world_node_new(&sw.w, "ann");
}

static void run_person(void)
{
	start_down(sw.ann);
	person_made = sw.ann->engine && world_person_new(sw.ann, &sw.person) == OK;
}

static bool done_person(void)
{
	return sw.ann->engine && person_made;
}

static void appending_survives_whatever_fails(void **state)
{
	static const struct job job = {
		.name = "append", .prepare = prepare_append, .run = run_append, .done = done_append};
	(void)state;
	sweep(&job, SHARE);
}

static void following_a_log_survives_whatever_fails(void **state)
{
	static const struct job job = {
		.name = "sync", .prepare = prepare_sync, .run = run_pair, .done = done_sync};
	(void)state;
	sweep(&job, SHARE);
}

static void a_person_comes_whatever_fails(void **state)
{
	static const struct job job = {
		.name = "person", .prepare = prepare_person, .run = run_person, .done = done_person};
	(void)state;
	sweep(&job, SHARE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(appending_survives_whatever_fails),
		cmocka_unit_test(following_a_log_survives_whatever_fails),
		cmocka_unit_test(a_person_comes_whatever_fails),
	};
	faulty_install(true);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
