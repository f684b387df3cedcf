/* test_store_admissions.c -- who is a peer by what the network's entries say, in whatever order they, closings and forks come, and over starts between. SPEC.md sections 4.4 and 8.2. */
#include "tests/support/admission_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* ---- admissions and their ends */

static void the_order_of_admissions_and_ends_makes_no_difference(void **state)
{
	struct fixture *f = *state;
	struct id32 first = logs[0]->ids[1];
	assert_false(ended(f, 0, &first, &nobody)); /* whose it is comes later */
	admission(f, 0, &cas, &nobody);
	assert_false(member(f, &cas));
	struct id32 second = admission(f, 1, &cas, &nobody);
	assert_true(member(f, &cas));
	assert_true(ended(f, 0, &second, &cas));
	assert_false(member(f, &cas));
	/* Out by the network, in by the network; out by the operator stays out until he pardons. */
	struct id32 third = admission(f, 1, &cas, &nobody);
	assert_true(member(f, &cas));
	on_node(f, STORE_PEER_REMOVE, &cas);
	assert_false(ended(f, 1, &third, &cas)); /* he is out already */
	admission(f, 1, &cas, &nobody);
	assert_false(member(f, &cas));
	on_node(f, STORE_PEER_PARDON, &cas);
	admission(f, 1, &cas, &nobody);
	assert_true(member(f, &cas));
	/* Our own admission makes no peer of us. */
	admission(f, 0, &self, &nobody);
	assert_false(member(f, &self));
}

static void an_end_ends_own_joins_until_the_node_redeems_anew(void **state)
{
	struct fixture *f = *state;
	settle(f, NULL);
	assert_int_equal(put_peer(f, &cas, PEER_INVITED), OK);
	struct id32 first = admission(f, 0, &cas, &nobody);
	assert_int_equal(origin_of(f, &cas), PEER_INVITED);
	assert_true(ended(f, 0, &first, &cas));
	assert_int_equal(put_peer(f, &cas, PEER_INVITED), OK);
	start_again(f);
	admission(f, 1, &cas, &nobody);
	close_log(f, 1, 0);
	assert_int_equal(settle(f, NULL), 0);
	assert_int_equal(origin_of(f, &cas), PEER_INVITED);
	/* The end came first, and takes out who came by an invitation too. */
	assert_int_equal(put_peer(f, &ann, PEER_INVITER), OK);
	assert_false(ended(f, 0, &logs[0]->ids[lengths[0] + 1], &ann));
	struct id32 out;
	say(f, 0, FACT_ADMISSION, &ann, &nobody);
	assert_int_equal(settle(f, &out), 1);
	assert_memory_equal(&out, &ann, 32);
	assert_false(member(f, &ann));
}

/* A home of an older version reads for the first time what it acted on long ago. */
static void who_joined_stays_where_ends_are_read_for_the_first_time(void **state)
{
	struct fixture *f = *state;
	struct id32 ids[] = {logs[0]->ids[0], logs[0]->ids[1]}, out;
	assert_int_equal(put_peer(f, &ann, PEER_ADMITTED), OK);
	assert_int_equal(put_peer(f, &ben, PEER_INVITED), OK);
	say(f, 0, FACT_ADMISSION, &ann, &nobody);
	say(f, 0, FACT_ADMISSION, &ben, &nobody);
	say(f, 0, FACT_ADMISSION_END, &nobody, &ids[0]);
	say(f, 0, FACT_ADMISSION_END, &nobody, &ids[1]);
	assert_int_equal(settle(f, &out), 1);
	assert_memory_equal(&out, &ann, 32);
	assert_true(member(f, &ben));
}

static size_t listed(struct fixture *f, const struct id32 *network, const struct id32 *node, bool ended_too)
{
	struct store_res r = ask(
		f, (struct store_req){.op = STORE_ADMISSION_LIST, .a.identity = *network, .a.node = *node});
	size_t n = 0;
	for (size_t i = 0; i < r.r.n; i++)
		n += ended_too || !r.r.admissions[i].ended;
	store_res_free(&r);
	return n;
}

static void only_admissions_that_count_are_listed(void **state)
{
	struct fixture *f = *state;
	const struct id32 *network = &logs[0]->identity;
	say(f, 1, FACT_ADMISSION, &ann, &ben);
	struct id32 second = say(f, 1, FACT_ADMISSION, &cas, &nobody);
	say(f, 1, FACT_ADMISSION, &ann, &nobody);
	close_log(f, 1, 2);
	assert_int_equal(listed(f, network, &nobody, true), 0);
	settle(f, NULL);
	assert_int_equal(listed(f, network, &nobody, true), 2);
	assert_int_equal(listed(f, network, &ann, true), 1);
	assert_int_equal(listed(f, &ann, &nobody, true), 0);
	assert_true(ended(f, 0, &second, &cas));
	assert_int_equal(listed(f, network, &nobody, true), 2);
	assert_int_equal(listed(f, network, &nobody, false), 1);
	struct store_res r = ask(
		f, (struct store_req){.op = STORE_ADMISSION_LIST, .a.identity = *network, .a.node = ann});
	assert_int_equal(r.r.admissions[0].seq, 0);
	assert_memory_equal(&r.r.admissions[0].log, &logs[1]->log, 32);
	assert_memory_equal(&r.r.admissions[0].introducer, &ben, 32);
	store_res_free(&r);
	/* Of another network nothing is known, and who was a peer stays one. */
	struct store_req other = {.op = STORE_ADMISSION_SETTLE, .a.identity = ann, .a.node = self};
	assert_int_equal(run(f, &other, NULL), OK);
	assert_int_equal(listed(f, network, &nobody, true), 0);
	assert_true(member(f, &ann));
}

static size_t newcomers(struct fixture *f)
{
	struct store_res r = ask(f, (struct store_req){.op = STORE_NEWCOMERS, .a.max = 8});
	size_t n = r.r.n;
	store_res_free(&r);
	return n;
}

/* SPEC 8.4: "redeemed here an invitation to this network" -- those of one that was left are named to nobody. */
static void who_came_to_an_earlier_network_is_no_newcomer_of_this_one(void **state)
{
	struct fixture *f = *state;
	struct store_req other = {.op = STORE_ADMISSION_SETTLE, .a.identity = ann, .a.node = self};
	assert_int_equal(put_peer(f, &ben, PEER_INVITED), OK); /* before there was any */
	settle(f, NULL);
	assert_int_equal(put_peer(f, &cas, PEER_INVITED), OK);
	assert_int_equal(newcomers(f), 2);
	admission(f, 0, &cas, &nobody);
	assert_int_equal(newcomers(f), 1);
	assert_int_equal(run(f, &other, NULL), OK);
	assert_int_equal(newcomers(f), 0);
	assert_true(member(f, &ben) && member(f, &cas));
	assert_int_equal(put_peer(f, &cas, PEER_INVITED), OK);
	assert_int_equal(newcomers(f), 1);
}

/* ---- closings, SPEC 4.4 */

/* Log 1 is that of a device that was stolen behind its first entry. */
static void write_story(void)
{
	struct id32 own = write_entry(0, FACT_ADMISSION, &ann, &nobody);
	write_entry(0, FACT_ADMISSION, &ben, &nobody);
	write_entry(1, FACT_ADMISSION, &cas, &nobody);
	struct id32 thief = made_up(1), friend = made_up(2);
	write_entry(1, FACT_ADMISSION, &thief, &nobody);
	write_entry(1, FACT_ADMISSION, &friend, &nobody);
	write_entry(1, FACT_ADMISSION_END, &nobody, &own); /* ann is thrown out */
	write_entry(1, FACT_ADMISSION_END, &nobody, &logs[1]->ids[2]);
}

static void check_story(struct fixture *f, uint64_t length)
{
	struct id32 thief = made_up(1), friend = made_up(2);
	assert_true(member(f, &ben));
	assert_int_equal(member(f, &cas), length > 0);
	assert_int_equal(member(f, &thief), length > 1);
	assert_int_equal(member(f, &friend), length > 2 && length < 5);
	assert_int_equal(member(f, &ann), length < 4);
}

static void step(struct fixture *f, unsigned what, uint64_t length)
{
	if (what == 2)
		close_log(f, 1, length);
	for (size_t seq = 0; what < 2 && seq < lengths[what]; seq++)
		must(store_entry(f, what, seq) == OK, "an entry");
}

/* Six orders; behind each of the three steps, whether the table is put right, and whether there is a start. */
static void closings_and_entries_may_come_in_any_order(void **state)
{
	static const unsigned orders[6][3] = {
		{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
	for (unsigned run = 0; run < 6 * 64 * 6; run += 41) {
		uint64_t length = run / (6 * 64);
		struct fixture *f;
		admission_teardown(state);
		admission_setup(state);
		f = *state;
		write_story();
		put_keys(f);
		settle(f, NULL);
		for (unsigned i = 0; i < 3; i++) {
			step(f, orders[run % 6][i], length);
			if (run / 6 >> i & 1)
				settle(f, NULL);
			if (run / 6 >> (3 + i) & 1)
				start_again(f);
		}
		settle(f, NULL);
		check_story(f, length);
	}
}

/* Both logs are here, and nothing is closed. */
static void tell_story(struct fixture *f)
{
	write_story();
	put_keys(f);
	step(f, 0, 0);
	step(f, 1, 0);
	settle(f, NULL);
}

static void of_several_closings_the_one_in_force_decides(void **state)
{
	struct fixture *f = *state;
	uint64_t length = 3;
	tell_story(f);
	check_story(f, 5);
	for (unsigned i = 0; i < 40; i++) {
		length = (length * 7 + i) % 6;
		close_log(f, 1, length);
		if (i % 2)
			start_again(f);
		settle(f, NULL);
		check_story(f, length);
	}
	/* And a device that is not in force any more says nothing, whatever its closing. */
	close_log(f, 1, 5);
	in_force[1] = false;
	put_keys(f);
	settle(f, NULL);
	check_story(f, 0);
	in_force[1] = true;
	put_keys(f);
	start_again(f);
	settle(f, NULL);
	check_story(f, 5);
}

static void what_is_moved_aside_says_nothing_until_it_is_back(void **state)
{
	struct fixture *f = *state;
	tell_story(f);
	struct store_req cut = {.op = STORE_SIDE_MOVE, .a.log = logs[1]->log, .a.first = 2};
	struct store_res r = ask(f, cut);
	assert_true(r.r.stale);
	store_res_free(&r);
	start_again(f);
	settle(f, NULL);
	check_story(f, 2);
	for (size_t seq = 2; seq < lengths[1]; seq++)
		assert_int_equal(store_entry(f, 1, seq), OK);
	settle(f, NULL);
	check_story(f, 5);
	/* A fork is found below all of it; then a closing names the chain that lies aside. */
	struct store_req fork = {.op = STORE_FORK_PUT, .a.log = logs[1]->log, .a.seq = 1};
	assert_int_equal(run(f, &fork, NULL), OK);
	settle(f, NULL);
	check_story(f, 1);
	close_log(f, 1, 3);
	start_again(f);
	settle(f, NULL);
	check_story(f, 3);
}

/* SPEC 4.4: "keeps the log as if there were no closing, until it does; but nothing at or behind seq n counts" */
static void a_closing_on_a_branch_that_is_not_here_counts_by_its_length(void **state)
{
	struct fixture *f = *state;
	tell_story(f);
	closings[1].closed = true;
	closings[1].length = 2;
	closings[1].last = made_up(7);
	put_keys(f);
	assert_int_equal(get_log(f, &logs[1]->log).end, lengths[1]);
	start_again(f);
	settle(f, NULL);
	check_story(f, 2);
}

/* SPEC 4.4: "if neither closing nor proof names the last entry up to here, its log ends behind the last entry whose signature it holds" */
static void an_entry_counts_once_it_is_shown_to_be_valid(void **state)
{
	struct fixture *f = *state;
	struct store_req q;
	closings[0].closed = true;
	closings[0].length = 9;
	closings[0].last = made_up(7);
	put_keys(f);
	write_entry(0, FACT_ADMISSION, &ann, &nobody);
	write_entry(0, FACT_PROFILE, &nobody, &nobody);
	entry_req(&q, 0, 0);
	q.a.sig = (struct slice){0};
	assert_int_equal(run(f, &q, NULL), OK);
	settle(f, NULL);
	assert_false(member(f, &ann));
	assert_int_equal(store_entry(f, 0, 1), OK);
	settle(f, NULL);
	assert_true(member(f, &ann));
}

/* At the same place there may be something else. */
static void on_another_branch_another_is_admitted(void **state)
{
	struct fixture *f = *state;
	struct id32 out;
	admission(f, 0, &ann, &nobody);
	admission(f, 0, &ben, &nobody);
	struct store_req cut = {.op = STORE_SIDE_MOVE, .a.log = logs[0]->log, .a.first = 1};
	assert_int_equal(run(f, &cut, NULL), OK);
	fake_log_branch(logs[0], 1, 2);
	logs[0]->headers[1][1] = 0; /* not sealed */
	lengths[0] = 1;
	say(f, 0, FACT_ADMISSION, &cas, &nobody);
	assert_int_equal(settle(f, &out), 1);
	assert_memory_equal(&out, &ben, 32);
	assert_true(member(f, &ann) && member(f, &cas));
	assert_false(member(f, &ben));
}

static void a_join_of_ones_own_comes_back_and_none_is_taken(void **state)
{
	struct fixture *f = *state;
	settle(f, NULL);
	struct id32 first = admission(f, 0, &ann, &nobody), dee = made_up(3);
	assert_int_equal(put_peer(f, &ann, PEER_INVITED), OK);
	assert_int_equal(put_peer(f, &ben, PEER_INVITER), OK);
	assert_int_equal(put_peer(f, &dee, PEER_INVITED), OK);
	admission(f, 1, &cas, &nobody);
	struct id32 bad = admission(f, 1, &ben, &nobody);
	admission(f, 1, &dee, &nobody);
	assert_true(ended(f, 1, &bad, &ben));
	assert_true(ended(f, 1, &first, &ann));
	on_node(f, STORE_PEER_REMOVE, &cas);
	close_log(f, 1, 0);
	assert_int_equal(settle(f, NULL), 0);
	assert_int_equal(origin_of(f, &ann), PEER_INVITED);
	assert_int_equal(origin_of(f, &ben), PEER_INVITER);
	assert_int_equal(origin_of(f, &dee), PEER_INVITED);
	assert_false(member(f, &cas)); /* whom the operator took out */
	/* An end before the end of the log ends it. */
	assert_true(ended(f, 0, &first, &ann));
}

static void what_is_erased_says_nothing(void **state)
{
	struct fixture *f = *state;
	admission(f, 0, &ann, &nobody);
	struct store_req erase = erase_req(logs[0], 0);
	struct store_res r = ask(f, erase);
	assert_true(r.r.stale);
	store_res_free(&r);
	assert_int_equal(settle(f, NULL), 1);
	assert_false(member(f, &ann));
}

static void only_what_may_change_members_says_so(void **state)
{
	struct fixture *f = *state;
	struct store_res r;
	put_keys(f);
	admission(f, 0, &ann, &nobody);
	say(f, 0, FACT_PROFILE, &nobody, &nobody);
	struct store_req settled = {.op = STORE_ADMISSION_SETTLE,
		.a.identity = logs[0]->identity,
		.a.node = self,
		.a.ids = &logs[0]->log,
		.a.n = 1};
	r = ask(f, settled);
	assert_true(!r.r.flag && r.r.n == 0); /* the other log has said nothing */
	store_res_free(&r);
	struct store_req q;
	run_put_req(&q, logs[1], 0, 1, NULL);
	assert_int_equal(run(f, &q, &r), OK);
	assert_false(r.r.stale);
	store_res_free(&r);
	/* Whoever is in no log of the network's is nothing, however much he writes. */
	struct fake_log *other = logs[1];
	logs[1] = clear_log_new(9, 64);
	lengths[1] = 0;
	say(f, 1, FACT_ADMISSION, &cas, &nobody);
	say(f, 1, FACT_ADMISSION_END, &nobody, &logs[0]->ids[0]);
	r = ask(f, settled);
	assert_true(!r.r.flag && r.r.n == 0);
	store_res_free(&r);
	assert_true(member(f, &ann));
	assert_false(member(f, &cas));
	free(other);
}

#define ADMISSIONS(test) cmocka_unit_test_setup_teardown(test, admission_setup, admission_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ADMISSIONS(the_order_of_admissions_and_ends_makes_no_difference),
		ADMISSIONS(an_end_ends_own_joins_until_the_node_redeems_anew),
		ADMISSIONS(who_joined_stays_where_ends_are_read_for_the_first_time),
		ADMISSIONS(only_admissions_that_count_are_listed),
		ADMISSIONS(who_came_to_an_earlier_network_is_no_newcomer_of_this_one),
		ADMISSIONS(closings_and_entries_may_come_in_any_order),
		ADMISSIONS(of_several_closings_the_one_in_force_decides),
		ADMISSIONS(what_is_moved_aside_says_nothing_until_it_is_back),
		ADMISSIONS(a_closing_on_a_branch_that_is_not_here_counts_by_its_length),
		ADMISSIONS(an_entry_counts_once_it_is_shown_to_be_valid),
		ADMISSIONS(on_another_branch_another_is_admitted),
		ADMISSIONS(a_join_of_ones_own_comes_back_and_none_is_taken),
		ADMISSIONS(what_is_erased_says_nothing),
		ADMISSIONS(only_what_may_change_members_says_so),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
