/* test_store_sources.c -- what is heard of peers, and which of them follow what is followed here. SPEC.md sections 19.1 and 19.2. */
#include "tests/support/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct id32 node = {{7}}, ann = {{21}}, ben = {{22}};

static enum err hear(struct fixture *f, const struct id32 *teller, uint64_t when, const char *a,
	const char *b, bool *changed)
{
	struct store_peer p = {.node = node, .seen_s = when};
	const char *const addresses[] = {a, b};
	for (size_t i = 0; i < 2 && addresses[i]; i++)
		snprintf(p.addresses[p.addresses_n++], sizeof p.addresses[0], "%s", addresses[i]);
	struct store_req q = {.op = STORE_PEER_HEARD, .a.node = node, .a.peer = &p, .a.id = *teller};
	struct store_res r;
	enum err e = run(f, &q, &r);
	if (changed)
		*changed = r.r.flag;
	store_res_free(&r);
	return e;
}

static struct store_peer get(struct fixture *f, const struct id32 *who)
{
	struct store_req q = {.op = STORE_PEER_GET, .a.node = *who};
	struct store_res r;
	assert_int_equal(run(f, &q, &r), OK);
	struct store_peer p = r.r.peers[0];
	store_res_free(&r);
	return p;
}

static void what_others_tell_stands_apart_from_what_the_peer_says(void **state)
{
	struct fixture *f = *state;
	bool changed;
	assert_int_equal(hear(f, &ann, 5000, "a:1", NULL, &changed), ERR_NOT_FOUND);
	struct store_peer self = {
		.node = node, .origin = PEER_ADMITTED, .addresses_n = 1, .addresses = {"self:1"}};
	struct store_req put = {.op = STORE_PEER_PUT, .a.peer = &self};
	assert_int_equal(run(f, &put, NULL), OK);
	assert_int_equal(hear(f, &ann, 5000, "a:1", "self:1", &changed), OK);
	assert_true(changed);
	assert_int_equal(hear(f, &ann, 5001, "a:1", NULL, &changed), OK);
	assert_false(changed);
	fixture_reopen(f);
	struct store_peer p = get(f, &node);
	assert_int_equal(p.addresses_n, 1);
	assert_string_equal(p.addresses[0], "self:1");
	assert_int_equal(p.heard_n, 1);
	assert_string_equal(p.heard[0], "a:1");
	struct store_req remove = {.op = STORE_PEER_REMOVE, .a.node = node};
	assert_int_equal(run(f, &remove, NULL), OK);
	assert_int_equal(get(f, &node).heard_n, 0);
	assert_int_equal(hear(f, &ann, 9000, "a:1", NULL, NULL), ERR_NOT_FOUND);
}

static void newer_addresses_beat_older_and_one_teller_does_not_take_all(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(put_peer(f, &node, PEER_ADMITTED), OK);
	assert_int_equal(hear(f, &ann, 1000, "a:1", "a:2", NULL), OK);
	assert_int_equal(hear(f, &ann, 2000, "a:3", "a:4", NULL), OK);
	assert_int_equal(get(f, &node).heard_n, 4); /* nobody else told any */
	assert_int_equal(hear(f, &ann, 3000, "a:5", NULL, NULL), OK);
	struct store_peer p = get(f, &node);
	assert_int_equal(p.heard_n, 4);
	assert_string_equal(p.heard[0], "a:5");
	/* Whoever comes later has its share, though what it tells is older. */
	assert_int_equal(hear(f, &ben, 10, "b:1", "b:2", NULL), OK);
	for (uint64_t t = 4000; t < 4020; t++) {
		char text[32];
		snprintf(text, sizeof text, "junk:%u", (unsigned)t);
		assert_int_equal(hear(f, &ann, t, text, NULL, NULL), OK);
	}
	p = get(f, &node);
	assert_int_equal(p.heard_n, 4);
	assert_string_equal(p.heard[0], "junk:4019");
	assert_string_equal(p.heard[1], "junk:4018");
	assert_string_equal(p.heard[2], "b:1");
	assert_string_equal(p.heard[3], "b:2");
}

static void the_newest_word_on_relays_counts(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(put_peer(f, &node, PEER_ADMITTED), OK);
	struct store_peer p = {
		.node = node, .seen_s = 8000, .relaying = true, .through_n = 1, .through = {ann}};
	struct store_req q = {.op = STORE_PEER_HEARD, .a.node = node, .a.peer = &p, .a.id = ben};
	assert_int_equal(run(f, &q, NULL), OK);
	struct store_peer old = {.node = node, .seen_s = 7000};
	q.a.peer = &old;
	assert_int_equal(run(f, &q, NULL), OK);
	struct id32 wanted[] = {ben, node};
	struct store_req some = {.op = STORE_PEER_SOME, .a.ids = wanted, .a.n = 2};
	struct store_res r;
	assert_int_equal(run(f, &some, &r), OK);
	assert_int_equal(r.r.n, 1);
	assert_true(r.r.peers[0].relaying);
	assert_int_equal(r.r.peers[0].told_s, 8000);
	assert_int_equal(r.r.peers[0].through_n, 1);
	assert_memory_equal(&r.r.peers[0].through[0], &ann, 32);
	store_res_free(&r);
	/* Itself, for one, names none. */
	struct store_peer none = {.node = node, .seen_s = 9000};
	q.a.peer = &none;
	q.a.id = node;
	assert_int_equal(run(f, &q, NULL), OK);
	assert_int_equal(run(f, &some, &r), OK);
	assert_int_equal(r.r.peers[0].told_s, 9000);
	assert_int_equal(r.r.peers[0].through_n, 1);
	assert_memory_equal(&r.r.peers[0].through[0], &ann, 32);
	store_res_free(&r);
}

static void tell_relays(struct fixture *f, const struct id32 *teller, uint64_t when, uint8_t first, size_t n)
{
	struct store_peer p = {.node = node, .seen_s = when, .through_n = n};
	for (size_t i = 0; i < n; i++)
		p.through[i] = (struct id32){{(uint8_t)(first + i)}};
	struct store_req q = {.op = STORE_PEER_HEARD, .a.node = node, .a.peer = &p, .a.id = *teller};
	assert_int_equal(run(f, &q, NULL), OK);
}

static bool is_through(const struct store_peer *p, uint8_t relay)
{
	for (size_t i = 0; i < p->through_n; i++)
		if (p->through[i].b[0] == relay)
			return true;
	return false;
}

static void hearsay_adds_relays_and_takes_none_away(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(put_peer(f, &node, PEER_ADMITTED), OK);
	/* Two that relay for it say so; somebody else says later, and again and again, that others do. */
	tell_relays(f, &ann, 1000, 21, 1);
	tell_relays(f, &ben, 1000, 22, 1);
	for (uint8_t i = 0; i < 20; i++)
		tell_relays(f, &(struct id32){{66}}, 9000u * (i + 1u), (uint8_t)(100 + 4 * i), 4);
	struct store_peer p = get(f, &node);
	assert_int_equal(p.through_n, 4);
	assert_true(is_through(&p, 21));
	assert_true(is_through(&p, 22));
	/* What it says itself goes before all of that, and stays. */
	tell_relays(f, &node, 2000, 30, 3);
	p = get(f, &node);
	assert_int_equal(p.through_n, 4);
	for (uint8_t i = 0; i < 3; i++)
		assert_int_equal(p.through[i].b[0], 30 + i);
	tell_relays(f, &(struct id32){{66}}, 990000, 200, 4);
	tell_relays(f, &(struct id32){{67}}, 990000, 210, 4);
	fixture_reopen(f);
	p = get(f, &node);
	assert_int_equal(p.through_n, 4);
	for (uint8_t i = 0; i < 3; i++)
		assert_int_equal(p.through[i].b[0], 30 + i);
	assert_false(p.relaying);
	/* Whether it relays others may say until it does; then its new relays take the place of the old ones. */
	struct store_peer lie = {.node = node, .seen_s = 999000, .relaying = true};
	struct store_req q = {.op = STORE_PEER_HEARD, .a.node = node, .a.peer = &lie, .a.id = {{66}}};
	assert_int_equal(run(f, &q, NULL), OK);
	assert_false(get(f, &node).relaying);
	tell_relays(f, &node, 3000, 40, 4);
	p = get(f, &node);
	assert_int_equal(p.through_n, 4);
	for (uint8_t i = 0; i < 4; i++)
		assert_int_equal(p.through[i].b[0], 40 + i);
}

static void follow(struct fixture *f, unsigned identity, bool hosted)
{
	struct store_req q = {.op = STORE_FOLLOW_ADD, .a.identity = fake_id(50, identity), .a.flag = hosted};
	assert_int_equal(run(f, &q, NULL), OK);
}

static void peer_follows(struct fixture *f, const struct id32 *who, unsigned a, unsigned b)
{
	struct id32 ids[] = {fake_id(50, a), fake_id(50, b)};
	assert_int_equal(put_peer(f, who, PEER_ADMITTED), OK);
	struct store_req q = {.op = STORE_PEER_FOLLOWS,
		.a.node = *who,
		.a.ids = ids,
		.a.n = b ? 2 : 1,
		.a.flag = true,
		.a.number = 1};
	assert_int_equal(run(f, &q, NULL), OK);
}

static struct store_res sources(
	struct fixture *f, const struct id32 *nodes, size_t n, bool others, uint64_t max)
{
	struct store_req q = {.op = STORE_SOURCES, .a.ids = nodes, .a.n = n, .a.flag = others, .a.max = max};
	struct store_res r;
	assert_int_equal(run(f, &q, &r), OK);
	return r;
}

static void it_is_known_what_no_connected_node_follows(void **state)
{
	struct fixture *f = *state;
	for (unsigned i = 1; i <= 4; i++)
		follow(f, i, i == 4);
	peer_follows(f, &ann, 1, 2);
	peer_follows(f, &ben, 2, 9);
	struct id32 both[] = {ann, ben};
	struct store_res r = sources(f, both, 2, false, 10);
	assert_int_equal(r.r.count, 2); /* 3 and 4 */
	assert_int_equal(r.r.n, 2);
	assert_int_equal(r.r.bytes.n, 2);
	assert_int_equal(r.r.bytes.p[0], 1); /* only ann follows 1 */
	assert_int_equal(r.r.bytes.p[1], 0); /* ann follows 2 too, and nobody here follows 9 */
	store_res_free(&r);
	r = sources(f, both, 2, true, 10);
	assert_int_equal(r.r.n, 1);
	struct id32 third = fake_id(50, 3);
	assert_memory_equal(&r.r.ids[0], &third, 32);
	store_res_free(&r);
	r = sources(f, &ben, 1, false, 1);
	assert_int_equal(r.r.count, 3);
	assert_int_equal(r.r.n, 1); /* no more than was asked for */
	assert_int_equal(r.r.bytes.p[0], 1);
	store_res_free(&r);
	r = sources(f, NULL, 0, false, 10);
	assert_int_equal(r.r.n, 4);
	store_res_free(&r);
}

static void followers_are_given_round_the_circle_and_without_removed_ones(void **state)
{
	struct fixture *f = *state;
	struct id32 who[6], wanted[] = {fake_id(50, 1), fake_id(50, 2)};
	for (uint8_t i = 0; i < 6; i++) {
		who[i] = (struct id32){{(uint8_t)(10 * i + 10)}};
		peer_follows(f, &who[i], 1, i == 5 ? 2 : 0);
	}
	struct store_req remove = {.op = STORE_PEER_REMOVE, .a.node = who[4]};
	assert_int_equal(run(f, &remove, NULL), OK);
	struct store_req q = {.op = STORE_FOLLOWERS, .a.ids = wanted, .a.n = 2, .a.node = {{25}}, .a.max = 4};
	struct store_res r;
	assert_int_equal(run(f, &q, &r), OK);
	static const uint8_t order[] = {30, 40, 60, 10, 60};
	assert_int_equal(r.r.n, 5);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(r.r.ids[i].b[0], order[i]);
		assert_int_equal(r.r.seqs[i], i == 4);
	}
	store_res_free(&r);
}

static void direct_logs_that_name_this_node_have_sources_of_their_own(void **state)
{
	struct fixture *f = *state;
	static const struct id32 self = {{1}};
	struct fake_log *l = fake_log_new(1, 5);
	struct store_device device = {.log = l->log,
		.device_key = l->device_key,
		.direct = true,
		.direct_n = 2,
		.direct_nodes = {self, ann}};
	struct store_keyevent event = {.id = l->log};
	struct store_req q = {.op = STORE_IDENTITY_PUT};
	q.a.identity = l->identity;
	q.a.root_key = l->device_key;
	q.a.count = 1;
	q.a.events = &event;
	q.a.events_n = 1;
	q.a.devices = &device;
	q.a.devices_n = 1;
	assert_int_equal(run(f, &q, NULL), OK);
	assert_int_equal(put_peer(f, &ann, PEER_ADMITTED), OK);
	struct id32 others[] = {ben, ann};
	struct store_req ask = {.op = STORE_SOURCES, .a.ids = others, .a.n = 1, .a.max = 10, .a.node = self};
	struct store_res r;
	assert_int_equal(run(f, &ask, &r), OK);
	assert_int_equal(r.r.n, 0); /* nobody here follows the identity */
	store_res_free(&r);
	struct store_req add = {.op = STORE_FOLLOW_ADD, .a.identity = l->identity};
	assert_int_equal(run(f, &add, NULL), OK);
	assert_int_equal(run(f, &ask, &r), OK);
	assert_int_equal(r.r.count, 2);
	struct id32 wanted[] = {r.r.ids[0], r.r.ids[1]};
	store_res_free(&r);
	assert_int_equal(id32_equal(&wanted[0], &l->log) + id32_equal(&wanted[1], &l->log), 1);
	assert_int_equal(id32_equal(&wanted[0], &l->identity) + id32_equal(&wanted[1], &l->identity), 1);
	assert_true(id32_cmp(&wanted[0], &wanted[1]) < 0);
	struct store_req who = {.op = STORE_FOLLOWERS, .a.ids = wanted, .a.n = 2, .a.max = 4};
	assert_int_equal(run(f, &who, &r), OK);
	assert_int_equal(r.r.n, 1);
	assert_memory_equal(&r.r.ids[0], &ann, 32);
	assert_true(id32_equal(&wanted[r.r.seqs[0]], &l->log));
	store_res_free(&r);
	ask.a.n = 2; /* with ann */
	assert_int_equal(run(f, &ask, &r), OK);
	assert_int_equal(r.r.count, 1);
	assert_memory_equal(&r.r.ids[0], &l->identity, 32);
	assert_int_equal(r.r.bytes.p[0], 0);
	assert_int_equal(r.r.bytes.p[1], 1); /* she alone */
	store_res_free(&r);
	device.closed = true; /* nothing of it is here: closed and whole */
	assert_int_equal(run(f, &q, NULL), OK);
	ask.a.n = 1;
	assert_int_equal(run(f, &ask, &r), OK);
	assert_int_equal(r.r.count, 1);
	store_res_free(&r);
	free(l);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_others_tell_stands_apart_from_what_the_peer_says),
		TEST(newer_addresses_beat_older_and_one_teller_does_not_take_all),
		TEST(the_newest_word_on_relays_counts),
		TEST(hearsay_adds_relays_and_takes_none_away),
		TEST(it_is_known_what_no_connected_node_follows),
		TEST(direct_logs_that_name_this_node_have_sources_of_their_own),
		TEST(followers_are_given_round_the_circle_and_without_removed_ones),
	};
	return cmocka_run_group_tests_name("store sources", tests, NULL, NULL);
}
