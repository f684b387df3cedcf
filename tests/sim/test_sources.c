/* Who follows something has a live source for it. SPEC.md section 19.1. */

#include "protocol/log/secret.h"
#include "tests/support/members_world.h"

static void give_keys(struct world_node *from, struct world_node *to, const struct id32 *identity)
{
	struct store_req q = {.op = STORE_IDENTITY_GET, .a.identity = *identity};
	struct store_res res;
	world_store(from, &q, &res);
	assert_int_equal(res.err, OK);
	struct engine_cmd cmd = {
		.kind = ENGINE_CMD_KEYS, .identity = *identity, .events = res.r.events, .events_n = res.r.n};
	assert_int_equal(world_command(to, &cmd).err, OK);
	store_res_free(&res);
}

/* There is nobody whom a look for sources could find. */
static void who_knows_nobody_rests(void **state)
{
	(void)state;
	newcomers(1);
	struct world_node *n = &world.nodes[0];
	for (unsigned i = 0; i < 100; i++) {
		struct id32 somebody = {{(uint8_t)(i + 1)}};
		assert_int_equal(world_follow(n, &somebody), OK);
	}
	pass(60000);
	uint64_t steps = n->steps;
	pass(600000);
	print_message("%llu steps in ten minutes\n", (unsigned long long)(n->steps - steps));
	assert_in_range(n->steps - steps, 1, 60);
}

static void what_is_followed_has_a_live_source(void **state)
{
	(void)state;
	struct world_person p;
	newcomers(60);
	world_person_new(&world.nodes[7], &p);
	pass(120000);
	struct world_node *f = &world.nodes[43], *home = &world.nodes[7];
	struct world_link *l = link_between(f, home);
	if (l)
		world_cut(l);
	assert_int_equal(world_follow(f, &p.id), OK);
	pass(300000); /* nobody knows who follows it: those not met yet are asked, one in five seconds */
	assert_non_null(link_between(f, home));
	assert_int_equal(length(f, &p), 1);
	for (int i = 0; i < 20; i++) {
		pass(60000);
		assert_non_null(link_between(f, home)); /* it is never the one too many */
	}
	world_cut(link_between(f, home));
	assert_int_equal(world_append(home, &p, 100).err, OK);
	pass(5000);
	assert_int_equal(length(f, &p), 2);
}

static bool only_the_last_dials(void *ctx, const struct world_node *a, const struct world_node *b)
{
	return same_side(ctx, a, b) && (!parted || a == &world.nodes[world.nodes_n - 1]);
}

/* The sources that it knows are in the other part; those of its own part are found by asking. */
static void a_known_source_that_is_out_of_reach_keeps_from_no_other(void **state)
{
	(void)state;
	struct world_person p;
	world.may_dial = only_the_last_dials;
	newcomers(40);
	world_person_new(&world.nodes[1], &p);
	assert_int_equal(world_follow(&world.nodes[12], &p.id), OK);
	pass(300000);
	assert_int_equal(length(&world.nodes[12], &p), 1);
	part();
	struct world_node *f = world_node_new(&world, "late");
	world_admit_all(f, world.nodes, 40);
	for (size_t i = 0; i < 40; i++) {
		world_admit_all(&world.nodes[i], f, 1);
		if (i % 2 == 0 || i == 1)
			world_introduce(f, &world.nodes[i]);
	}
	knows_follows(f, &world.nodes[1], &p.id, 1);
	assert_int_equal(world_follow(f, &p.id), OK);
	pass(150000); /* 19 to ask, one in five seconds, and five connections at once */
	assert_int_equal(length(f, &p), 1);
	parted = false;
}

/* Whom the engine wants first. */
static const struct world_node *dialled_first;
static const struct world_node *dialler;

static bool note_dial(void *ctx, const struct world_node *a, const struct world_node *b)
{
	(void)ctx;
	if (a == dialler && !dialled_first)
		dialled_first = b;
	return true;
}

/* The person names the node as hosting. */
static void host(struct world_node *n, const struct world_person *p)
{
	struct random_source rnd = world_random_source(&world);
	struct keyset *ks = world_keyset(n, &p->id);
	struct identity_event ev = {0};
	struct id32 receipt_key, notice_key = {{9}};
	uint8_t seed[32] = {1}, receipt_secret[64], consent[64];
	secret_sign_pair(seed, &receipt_key, receipt_secret);
	keyevent_hosting_consent(&p->id, &n->key, &notice_key, receipt_secret, consent);
	assert_int_equal(
		identity_hosting(&rnd, ks, &p->secrets, &n->key, &notice_key, &receipt_key, consent, &ev),
		OK);
	struct store_keyevent put = {.bytes = buf_slice(&ev.bytes),
		.signatures = slice_of(ev.signatures, ev.signatures_n),
		.id = ev.id};
	struct engine_cmd cmd = {.kind = ENGINE_CMD_KEYS, .identity = p->id, .events = &put, .events_n = 1};
	assert_int_equal(world_command(n, &cmd).err, OK);
	buf_free(&ev.bytes);
	keyset_free(ks);
}

static void a_hosting_event_tells_whom_to_ask(void **state)
{
	(void)state;
	struct world_person p;
	newcomers(30);
	struct world_node *f = &world.nodes[20], *home = &world.nodes[3];
	assert_int_equal(world_person_new(home, &p), OK);
	host(home, &p);
	for (size_t i = 0; i < 30; i++)
		if (&world.nodes[i] != f)
			world_introduce(f, &world.nodes[i]);
	give_keys(home, f, &p.id);
	assert_int_equal(world_follow(f, &p.id), OK);
	world_crash(f);
	world.may_dial = note_dial;
	dialler = f;
	dialled_first = NULL;
	world_restart(f);
	pass(1000);
	assert_ptr_equal(dialled_first, home);
	assert_int_equal(length(f, &p), 1);
}

/* Many follow the person, and so each has a source of what is open to all. */
static void who_is_named_in_a_direct_log_is_connected_with_who_writes_it(void **state)
{
	(void)state;
	struct world_person p, direct;
	newcomers(30);
	struct world_node *home = &world.nodes[3], *named = &world.nodes[20];
	assert_int_equal(world_person_new(&world.nodes[0], &p), OK);
	for (unsigned i = 1; i <= 20; i++)
		assert_int_equal(world_follow(&world.nodes[i], &p.id), OK);
	pass(300000);
	struct world_link *l = link_between(home, named);
	if (l)
		world_cut(l);
	struct id32 nodes[] = {home->key, named->key};
	if (id32_cmp(&nodes[0], &nodes[1]) > 0) {
		nodes[0] = named->key;
		nodes[1] = home->key;
	}
	assert_int_equal(world_person_direct(home, &p, nodes, 2, &direct), OK);
	assert_int_equal(world_append(home, &direct, 100).err, OK);
	pass(20000);
	assert_non_null(link_between(home, named));
	assert_int_equal(length(named, &direct), 2);
	assert_int_equal(length(&world.nodes[10], &direct), 0);
	for (int i = 0; i < 10; i++) {
		pass(60000);
		assert_non_null(link_between(home, named)); /* it is never the one too many */
	}
}

static void one_source_for_many_is_taken_before_many(void **state)
{
	(void)state;
	struct id32 ids[12];
	newcomers(30);
	struct world_node *f = &world.nodes[20];
	struct random_source rnd = world_random_source(&world);
	random_fill(&rnd, ids[0].b, sizeof ids);
	for (size_t i = 0; i < 12; i++)
		assert_int_equal(world_follow(f, &ids[i]), OK);
	for (size_t i = 0; i < 12; i++) {
		world_introduce(f, &world.nodes[i]);
		knows_follows(f, &world.nodes[i], &ids[i], 1);
	}
	world_introduce(f, &world.nodes[12]);
	knows_follows(f, &world.nodes[12], ids, 12);
	world_crash(f);
	world.may_dial = note_dial;
	dialler = f;
	dialled_first = NULL;
	world_restart(f);
	pass(1000);
	assert_ptr_equal(dialled_first, &world.nodes[12]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MEMBERS_TEST(who_knows_nobody_rests),
		MEMBERS_TEST(what_is_followed_has_a_live_source),
		MEMBERS_TEST(a_known_source_that_is_out_of_reach_keeps_from_no_other),
		MEMBERS_TEST(a_hosting_event_tells_whom_to_ask),
		MEMBERS_TEST(who_is_named_in_a_direct_log_is_connected_with_who_writes_it),
		MEMBERS_TEST(one_source_for_many_is_taken_before_many),
	};
	return cmocka_run_group_tests_name("sources", tests, NULL, NULL);
}
