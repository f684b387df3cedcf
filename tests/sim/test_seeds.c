/* timeout: 600
 * Whole networks under every fault, from many seeds: docs/simulation.md. Three stories are kept as files, byte for byte.
 *
 * SIM_SEEDS=N and SIM_SEED0=S run others. QUIRE_GOLDEN=write writes the stories anew, after a change of the protocol or of the simulator. */
#include "tools/sim/many.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define SEEDS 160
#define SEEDS_SLOW 24 /* under a sanitizer */

static bool slow(void)
{
	const char *v = getenv("V");
	return v && (strcmp(v, "san") == 0 || strcmp(v, "tsan") == 0);
}

static unsigned jobs(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);
	return n > 0 && n < 64 ? (unsigned)n : 1;
}

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);
	return text ? strtoull(text, NULL, 10) : otherwise;
}

static void all_that_must_hold_holds_under_every_fault(void **state)
{
	struct sim_plan plan = {0};
	struct sim_totals t;
	uint64_t seeds = from_environment("SIM_SEEDS", slow() ? SEEDS_SLOW : SEEDS);
	(void)state;
	sim_many(&plan, from_environment("SIM_SEED0", 1), seeds, jobs(), false, &t);
	sim_totals_print(&t);
	if (t.broken + t.died)
		fail_msg("see it with: quire-sim --seed %llu", (unsigned long long)t.first_broken);
	assert_int_equal(t.seeds, seeds);
	for (int i = 0; i < FAULTS_N && seeds >= SEEDS; i++)
		if (t.sum.faults[i] == 0)
			fail_msg("%s never happened", sim_faults[i].word);
	assert_true(t.sum.forks > 0 || seeds < SEEDS);
	for (int i = 0; i < INVARIANTS_N && seeds >= SEEDS; i++)
		if (t.sum.invariants[i] == 0)
			fail_msg("%s was never checked", sim_invariants[i].word);
}

static void a_story_is_the_same_byte_for_byte(void **state)
{
	static const uint64_t seeds[] = {7, 13, 34};
	const char *top = getenv("TOP"), *golden = getenv("QUIRE_GOLDEN");
	(void)state;
	for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
		struct sim_plan plan = {.seed = seeds[i],
			.tell = true,
			.out = tmpfile(),
			.without = 1u << FAULT_POWER | 1u << FAULT_FULL |
				1u << FAULT_SYNC}; /* they count SQLite's writes */
		struct sim_result r;
		char path[600];
		int why, a, b;
		assert_non_null(plan.out);
		sim_run_apart(&plan, &r, &why);
		assert_true(r.done && !r.broken);
		fseek(plan.out, 0, SEEK_END);
		fprintf(plan.out, "hash %016llx\n", (unsigned long long)r.hash);
		rewind(plan.out);
		snprintf(path, sizeof path, "%s/tests/sim/golden/%llu.txt", top ? top : ".",
			(unsigned long long)seeds[i]);
		FILE *f = fopen(path, golden ? "w+" : "r");
		assert_non_null(f);
		while (golden && (a = getc(plan.out)) != EOF)
			putc(a, f);
		rewind(plan.out);
		rewind(f);
		unsigned line = 1;
		while ((a = getc(plan.out)) == (b = getc(f)) && a != EOF)
			line += a == '\n';
		if (a != b)
			fail_msg("the story of seed %llu is another one from line %u on",
				(unsigned long long)seeds[i], line);
		fclose(f);
		fclose(plan.out);
	}
}

static uint64_t first_caught(enum sim_plant plant, uint64_t seeds)
{
	struct sim_plan plan = {.plant = plant};
	struct sim_totals t;
	sim_many(&plan, 1, seeds, jobs(), true, &t);
	return t.broken ? t.first_broken : 0;
}

static void a_disk_that_does_not_sync_is_caught_and_its_run_shrinks(void **state)
{
	uint64_t seed = first_caught(PLANT_SYNC, 20);
	struct sim_plan plan = {.seed = seed, .plant = PLANT_SYNC};
	struct sim_result before, after;
	int why;
	(void)state;
	assert_true(seed > 0);
	sim_run_apart(&plan, &before, &why);
	assert_true(before.done && before.broken);
	sim_shrink(&plan, &before, 40);
	sim_run_apart(&plan, &after, &why);
	assert_true(after.done && after.broken && after.invariant == before.invariant);
	assert_true(after.steps < before.steps && after.nodes <= before.nodes);
}

static void a_store_that_forgets_erasures_is_caught(void **state)
{
	(void)state;
	assert_true(first_caught(PLANT_ERASURE, 40) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_story_is_the_same_byte_for_byte),
		cmocka_unit_test(a_disk_that_does_not_sync_is_caught_and_its_run_shrinks),
		cmocka_unit_test(a_store_that_forgets_erasures_is_caught),
		cmocka_unit_test(all_that_must_hold_holds_under_every_fault),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
