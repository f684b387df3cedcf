/* test_store_changes.c -- peers, cursors, follow sets, change numbers, identities, own logs, invitations. */
#include "tests/support/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct id32 node = {{7}};
static const struct id32 network = {{8}};

static enum err follows(
	struct fixture *f, const struct id32 *ids, size_t n, bool first, bool last, struct id32 *version)
{
	struct store_req q = {.op = STORE_PEER_FOLLOWS,
		.a.node = node,
		.a.ids = ids,
		.a.n = n,
		.a.flag = first,
		.a.number = last};
	struct store_res r;
	enum err e = run(f, &q, &r);
	if (e == OK && version)
		*version = r.r.ids[0];
	store_res_free(&r);
	return e;
}

static struct store_res changes(struct fixture *f, uint64_t after, uint64_t max)
{
	struct store_req q = {
		.op = STORE_CHANGES, .a.node = node, .a.id = network, .a.number = after, .a.max = max};
	struct store_res r;
	assert_int_equal(run(f, &q, &r), OK);
	return r;
}

/* SPEC 10.3: "until it has the answer it lists nothing" */
static void expect_nothing_listed(struct fixture *f)
{
	struct store_res r = changes(f, 0, 0);
	assert_int_equal(r.r.n, 0);
	assert_int_equal(r.r.number, 0);
	store_res_free(&r);
}

static size_t count_changes(struct fixture *f, uint64_t after)
{
	struct store_res r = changes(f, after, 0);
	size_t n = r.r.n;
	assert_int_equal(r.r.number, last_number(f));
	store_res_free(&r);
	return n;
}

static void a_value_is_kept_by_its_key(void **state)
{
	struct fixture *f = *state;
	struct store_req q = {.op = STORE_META_GET, .a.key = slice_str("k")};
	assert_int_equal(run(f, &q, NULL), ERR_NOT_FOUND);
	struct store_req put = {.op = STORE_META_PUT, .a.key = slice_str("k"), .a.value = slice_str("v")};
	assert_int_equal(run(f, &put, NULL), OK);
	put.a.value = slice_str("w");
	assert_int_equal(run(f, &put, NULL), OK);
	fixture_reopen(f);
	struct store_res r;
	assert_int_equal(run(f, &q, &r), OK);
	assert_true(slice_equal(r.r.bytes, slice_str("w")));
	store_res_free(&r);
}

static void a_peer_keeps_what_is_not_set(void **state)
{
	struct fixture *f = *state;
	struct store_peer p = {.node = node,
		.origin = PEER_INVITED,
		.name = "first",
		.addresses_n = 2,
		.addresses = {"a:1", "[::1]:2"}};
	struct store_req q = {.op = STORE_PEER_PUT, .a.peer = &p};
	assert_int_equal(run(f, &q, NULL), OK);
	struct store_req cursor = {
		.op = STORE_CURSOR_PUT, .a.node = node, .a.instance = {1, 2}, .a.number = 99};
	assert_int_equal(run(f, &cursor, NULL), OK);
	struct store_peer seen = {.node = node, .origin = PEER_ADMITTED, .seen_s = 12};
	q.a.peer = &seen;
	assert_int_equal(run(f, &q, NULL), OK);
	struct store_req get = {.op = STORE_PEER_GET, .a.node = node};
	struct store_res r;
	assert_int_equal(run(f, &get, &r), OK);
	assert_string_equal(r.r.peers->name, "first");
	assert_int_equal(r.r.peers->addresses_n, 2);
	assert_string_equal(r.r.peers->addresses[1], "[::1]:2");
	assert_int_equal(r.r.peers->origin, PEER_ADMITTED);
	assert_int_equal(r.r.peers->seen_s, 12);
	assert_int_equal(r.r.peers->cursor, 99);
	assert_int_equal(r.r.peers->cursor_instance[1], 2);
	store_res_free(&r);
	seen = (struct store_peer){.node = node, .origin = PEER_INVITER, .name = "second"};
	q.a.flag = true; /* its origin is known already, and stays */
	assert_int_equal(run(f, &q, NULL), OK);
	assert_int_equal(run(f, &get, &r), OK);
	assert_int_equal(r.r.peers->origin, PEER_ADMITTED);
	assert_string_equal(r.r.peers->name, "second");
	store_res_free(&r);
	cursor.a.node = network;
	assert_int_equal(run(f, &cursor, NULL), ERR_NOT_FOUND);
	get.a.node = network;
	assert_int_equal(run(f, &get, NULL), ERR_NOT_FOUND);
}

static void a_removed_peer_comes_back_only_by_a_new_invitation(void **state)
{
	struct fixture *f = *state;
	struct store_req remove = {.op = STORE_PEER_REMOVE, .a.node = node};
	assert_int_equal(run(f, &remove, NULL), ERR_NOT_FOUND);
	assert_int_equal(put_peer(f, &node, PEER_ADMITTED), OK);
	struct id32 followed = fake_id(1, 1);
	assert_int_equal(follows(f, &followed, 1, true, true, NULL), OK);
	assert_int_equal(run(f, &remove, NULL), OK);
	assert_int_equal(put_peer(f, &node, PEER_ADMITTED), ERR_REFUSED);
	struct store_req list = {.op = STORE_PEER_LIST};
	struct store_res r;
	assert_int_equal(run(f, &list, &r), OK);
	assert_int_equal(r.r.n, 1);
	assert_int_equal(r.r.peers->origin, PEER_REMOVED);
	assert_false(r.r.peers->follows_known);
	store_res_free(&r);
	struct store_invite i = {.hash = {{5}}, .expires_hour = 100, .uses_left = 1, .note = "for them"};
	struct store_req put_invite = {.op = STORE_INVITE_PUT, .a.invite = &i};
	assert_int_equal(run(f, &put_invite, NULL), OK);
	struct store_peer name = {.name = "again"};
	struct store_req use = {
		.op = STORE_INVITE_USE, .a.id = i.hash, .a.node = node, .a.peer = &name, .a.end = 99};
	assert_int_equal(run(f, &use, NULL), OK);
	assert_int_equal(put_peer(f, &node, PEER_INVITED), OK);
	/* And the same invitation does not bring it back a second time. */
	assert_int_equal(run(f, &remove, NULL), OK);
	assert_int_equal(run(f, &use, NULL), ERR_USED);
}

static void an_invitation_is_spent_once_by_each_node_until_it_expires(void **state)
{
	struct fixture *f = *state;
	struct store_invite i = {
		.hash = {{6}}, .expires_hour = 100, .uses_left = 2, .note = "two", .made_s = 5};
	struct store_req put_invite = {.op = STORE_INVITE_PUT, .a.invite = &i};
	struct store_peer name = {.name = "n"};
	struct store_req use = {
		.op = STORE_INVITE_USE, .a.id = i.hash, .a.node = node, .a.peer = &name, .a.end = 100};
	assert_int_equal(run(f, &use, NULL), ERR_NOT_FOUND);
	assert_int_equal(run(f, &put_invite, NULL), OK);
	assert_int_equal(run(f, &use, NULL), ERR_EXPIRED);
	use.a.end = 99;
	struct store_res r;
	assert_int_equal(run(f, &use, &r), OK);
	assert_false(r.r.flag);
	store_res_free(&r);
	use.a.end = 500; /* asked again, after it expired: the first answer was lost */
	assert_int_equal(run(f, &use, &r), OK);
	assert_true(r.r.flag);
	store_res_free(&r);
	use.a.end = 99;
	use.a.node = fake_id(1, 2);
	assert_int_equal(run(f, &use, NULL), OK);
	use.a.node = fake_id(1, 3);
	assert_int_equal(run(f, &use, NULL), ERR_USED);
	struct store_req list = {.op = STORE_INVITE_LIST};
	assert_int_equal(run(f, &list, &r), OK);
	assert_int_equal(r.r.n, 1);
	assert_int_equal(r.r.invites->uses_left, 0);
	assert_int_equal(r.r.invites->used_n, 2);
	assert_string_equal(r.r.invites->note, "two");
	store_res_free(&r);
}

static void a_revoked_invitation_admits_nobody_else(void **state)
{
	struct fixture *f = *state;
	struct store_invite i = {.hash = {{9}}, .expires_hour = 100, .uses_left = 2, .note = "two"};
	struct store_req make = {.op = STORE_INVITE_PUT, .a.invite = &i};
	struct store_peer p = {.name = "new"};
	struct store_req use = {
		.op = STORE_INVITE_USE, .a.id = i.hash, .a.node = fake_id(1, 1), .a.peer = &p, .a.end = 50};
	struct store_req revoke = {.op = STORE_INVITE_REVOKE, .a.id = i.hash};
	struct store_res r;
	assert_int_equal(run(f, &revoke, NULL), ERR_NOT_FOUND);
	assert_int_equal(run(f, &make, NULL), OK);
	assert_int_equal(run(f, &use, NULL), OK);
	assert_int_equal(run(f, &revoke, NULL), OK);
	fixture_reopen(f);
	use.a.node = fake_id(1, 2);
	assert_int_equal(run(f, &use, NULL), ERR_REFUSED);
	struct store_req get = {.op = STORE_PEER_GET, .a.node = fake_id(1, 2)};
	assert_int_equal(run(f, &get, NULL), ERR_NOT_FOUND);
	/* Who used it before stays, and may have missed the answer. */
	use.a.node = fake_id(1, 1);
	assert_int_equal(run(f, &use, &r), OK);
	assert_true(r.r.flag);
	store_res_free(&r);
	struct store_req list = {.op = STORE_INVITE_LIST};
	assert_int_equal(run(f, &list, &r), OK);
	assert_int_equal(r.r.n, 1);
	assert_int_equal(r.r.invites->expires_hour, 0);
	assert_int_equal(r.r.invites->used_n, 1);
	store_res_free(&r);
}

static void a_peer_is_told_what_it_follows_in_ascending_numbers(void **state)
{
	struct fixture *f = *state;
	struct fake_log *a = fake_log_new(1, 8), *b = fake_log_new(2, 8);
	assert_int_equal(put_peer(f, &node, PEER_INVITED), OK);
	assert_int_equal(put_identity(f, a, 3, NULL, NULL), OK); /* 1 */
	assert_int_equal(put(f, a, 0, 4), OK); /* 2 */
	assert_int_equal(put_identity(f, b, 3, NULL, NULL), OK); /* 3 */
	assert_int_equal(put(f, b, 0, 4), OK); /* 4 */
	expect_nothing_listed(f);
	struct id32 version;
	assert_int_equal(follows(f, &a->identity, 1, true, false, NULL), OK);
	expect_nothing_listed(f);
	assert_int_equal(follows(f, NULL, 0, false, true, &version), OK);
	assert_true(id32_equal(&version, &a->identity));
	struct store_res r = changes(f, 0, 0);
	assert_int_equal(r.r.n, 2);
	assert_int_equal(r.r.rows[0].kind, 0);
	assert_int_equal(r.r.rows[0].count, 3);
	assert_int_equal(r.r.rows[1].kind, 1);
	assert_int_equal(r.r.rows[1].length, 4);
	assert_true(id32_equal(&r.r.rows[1].last, &a->ids[3]));
	assert_false(r.r.more);
	assert_int_equal(r.r.number, 4);
	store_res_free(&r);
	r = changes(f, 0, 1);
	assert_true(r.r.more);
	assert_int_equal(r.r.number, 1);
	store_res_free(&r);
	/* A follow moves the rows up: the peer's cursor is past them. */
	struct store_req follow = {
		.op = STORE_PEER_FOLLOW, .a.node = node, .a.identity = b->identity, .a.flag = true};
	assert_int_equal(run(f, &follow, NULL), OK);
	assert_int_equal(count_changes(f, 4), 2);
	assert_int_equal(run(f, &follow, NULL), OK);
	assert_int_equal(last_number(f), 6); /* once is enough */
	follow.a.flag = false;
	assert_int_equal(run(f, &follow, NULL), OK);
	assert_int_equal(count_changes(f, 0), 2);
	/* A set that is sent whole again moves up what is new in it, and only that. */
	const struct id32 both[] = {a->identity, b->identity};
	assert_int_equal(follows(f, both, 2, true, true, NULL), OK);
	assert_int_equal(count_changes(f, 6), 2);
	assert_int_equal(put(f, a, 4, 8), OK);
	assert_int_equal(count_changes(f, 8), 1);
	/* New key events move the rows of the logs up too. */
	assert_int_equal(put_identity(f, b, 4, NULL, NULL), OK);
	assert_int_equal(count_changes(f, 9), 2);
	free(a);
	free(b);
}

static void a_direct_log_is_listed_to_nobody_who_is_not_named(void **state)
{
	struct fixture *f = *state;
	struct fake_log *l = fake_log_new(3, 2);
	assert_int_equal(put_peer(f, &node, PEER_INVITED), OK);
	assert_int_equal(follows(f, &l->identity, 1, true, true, NULL), OK);
	struct store_device d = {.log = l->log,
		.device_key = l->device_key,
		.direct = true,
		.direct_n = 1,
		.direct_nodes = {{{9}}}};
	struct store_req q = {
		.op = STORE_IDENTITY_PUT, .a.identity = l->identity, .a.devices = &d, .a.devices_n = 1};
	assert_int_equal(run(f, &q, NULL), OK);
	assert_int_equal(put(f, l, 0, 2), OK);
	assert_int_equal(count_changes(f, 0), 1); /* the key events alone */
	uint64_t before = last_number(f);
	d.direct_nodes[0] = node;
	assert_int_equal(run(f, &q, NULL), OK);
	assert_int_equal(count_changes(f, before), 1);
	assert_true(get_log(f, &l->log).direct);
	struct store_req get = {.op = STORE_LOG_GET, .a.log = l->log, .a.node = node};
	struct store_res r;
	assert_int_equal(run(f, &get, &r), OK);
	assert_true(r.r.flag);
	store_res_free(&r);
	get.a.node = network;
	assert_int_equal(run(f, &get, &r), OK);
	assert_false(r.r.flag);
	store_res_free(&r);
	free(l);
}

static void key_events_are_kept_in_the_order_they_are_sent(void **state)
{
	struct fixture *f = *state;
	struct fake_log *l = fake_log_new(4, 1);
	assert_int_equal(put_identity(f, l, 4, NULL, NULL), OK);
	uint64_t number = last_number(f);
	assert_int_equal(put_identity(f, l, 4, NULL, NULL), OK);
	assert_int_equal(last_number(f), number); /* nothing new, no number */
	assert_int_equal(put_identity(f, l, 6, NULL, NULL), OK);
	assert_int_equal(put_identity(f, l, 5, NULL, NULL), OK);
	struct store_req q = {.op = STORE_IDENTITY_GET, .a.identity = l->identity};
	struct store_res r;
	assert_int_equal(run(f, &q, &r), OK);
	assert_int_equal(r.r.n, 5);
	for (unsigned i = 0; i < 5; i++) {
		struct id32 id = fake_id(l->log.b[31], i + 5000);
		assert_true(id32_equal(&r.r.events[i].id, &id));
		assert_true(slice_equal(r.r.events[i].bytes, slice_str("event")));
	}
	store_res_free(&r);
	struct store_req find = {.op = STORE_IDENTITY_FIND, .a.id = l->device_key};
	assert_int_equal(run(f, &find, &r), OK);
	assert_true(id32_equal(&r.r.identity, &l->identity));
	store_res_free(&r);
	find.a.id = l->identity;
	assert_int_equal(run(f, &find, NULL), ERR_NOT_FOUND);
	q.a.identity = node;
	assert_int_equal(run(f, &q, NULL), ERR_NOT_FOUND);
	struct store_req list = {.op = STORE_IDENTITY_LIST};
	assert_int_equal(run(f, &list, &r), OK);
	assert_int_equal(r.r.n, 1);
	assert_int_equal(r.r.number, last_number(f));
	store_res_free(&r);
	struct store_log row = get_log(f, &l->log);
	assert_int_equal(row.length, 0);
	assert_int_equal(row.change, 0); /* nothing to tell of it */
	free(l);
}

static void a_log_is_found_by_the_beginning_of_its_id(void **state)
{
	struct fixture *f = *state;
	struct fake_log *l = fake_log_new(5, 1);
	assert_int_equal(put(f, l, 0, 1), OK);
	struct store_req q = {.op = STORE_LOG_FIND, .a.bytes = slice_of(l->log.b, 4)};
	struct store_res r;
	assert_int_equal(run(f, &q, &r), OK);
	assert_int_equal(r.r.n, 1);
	store_res_free(&r);
	q.a.bytes.n = 3;
	assert_int_equal(run(f, &q, NULL), ERR_RANGE);
	q.a.bytes = slice_str("nobody's");
	assert_int_equal(run(f, &q, &r), OK);
	assert_int_equal(r.r.n, 0);
	store_res_free(&r);
	struct store_req list = {.op = STORE_LOG_LIST, .a.identity = l->identity};
	assert_int_equal(run(f, &list, &r), OK);
	assert_int_equal(r.r.n, 1);
	store_res_free(&r);
	list.a.identity = node;
	assert_int_equal(run(f, &list, &r), OK);
	assert_int_equal(r.r.n, 0);
	store_res_free(&r);
	free(l);
}

static void what_is_followed_is_listed_ascending_with_its_reason(void **state)
{
	struct fixture *f = *state;
	struct store_req q = {.op = STORE_FOLLOW_ADD, .a.identity = node, .a.flag = true};
	assert_int_equal(run(f, &q, NULL), OK);
	q.a.flag = false;
	assert_int_equal(run(f, &q, NULL), OK); /* it stays hosted */
	q.a.identity = (struct id32){{3}};
	assert_int_equal(run(f, &q, NULL), OK);
	struct store_req list = {.op = STORE_FOLLOW_LIST};
	struct store_res r;
	assert_int_equal(run(f, &list, &r), OK);
	assert_int_equal(r.r.n, 2);
	assert_int_equal(r.r.ids[0].b[0], 3);
	assert_int_equal(r.r.bytes.p[0], 0);
	assert_int_equal(r.r.bytes.p[1], 1);
	store_res_free(&r);
	q.op = STORE_FOLLOW_REMOVE;
	assert_int_equal(run(f, &q, NULL), OK);
	assert_int_equal(run(f, &list, &r), OK);
	assert_int_equal(r.r.n, 1);
	store_res_free(&r);
}

static void own_entries_are_held_until_they_are_released(void **state)
{
	struct fixture *f = *state;
	struct fake_log *l = fake_log_new(6, 8);
	assert_int_equal(put_peer(f, &node, PEER_INVITED), OK);
	assert_int_equal(follows(f, &l->identity, 1, true, true, NULL), OK);
	struct store_req own = {
		.op = STORE_OWN_PUT, .a.log = l->log, .a.identity = l->identity, .a.own = OWN_ACTIVE};
	assert_int_equal(run(f, &own, NULL), OK);
	assert_int_equal(put(f, l, 0, 2), OK);
	assert_int_equal(get_log(f, &l->log).held_from, 0);
	struct store_res r = changes(f, 0, 0);
	assert_true(r.r.rows[0].own_held);
	store_res_free(&r);
	struct store_req release = {.op = STORE_OWN_RELEASE, .a.log = l->log, .a.seq = 2};
	assert_int_equal(run(f, &release, NULL), OK);
	assert_true(get_log(f, &l->log).held_from == UINT64_MAX);
	assert_int_equal(put(f, l, 2, 4), OK);
	r = changes(f, 0, 0);
	assert_false(r.r.rows[0].own_held);
	store_res_free(&r);
	struct store_req list = {.op = STORE_LOG_LIST, .a.flag = true};
	struct fake_log *foreign = fake_log_new(16, 1);
	assert_int_equal(put(f, foreign, 0, 1), OK);
	free(foreign);
	assert_int_equal(run(f, &list, &r), OK);
	assert_int_equal(r.r.n, 1);
	store_res_free(&r);
	list.a.identity = l->identity;
	assert_int_equal(run(f, &list, &r), OK);
	assert_int_equal(r.r.n, 1);
	store_res_free(&r);
	struct store_req hold = {.op = STORE_OWN_HOLD};
	assert_int_equal(run(f, &hold, NULL), OK);
	assert_int_equal(get_log(f, &l->log).held_from, 4);
	own.a.own = OWN_RETIRED;
	assert_int_equal(run(f, &own, NULL), OK);
	own.a.own = OWN_ACTIVE;
	assert_int_equal(run(f, &own, NULL), ERR_STATE);
	struct store_req q;
	run_put_req(&q, l, 4, 6, NULL);
	q.a.own = OWN_ACTIVE;
	assert_int_equal(run(f, &q, NULL), ERR_STATE);
	assert_int_equal(put(f, l, 4, 6), OK); /* what a peer had of it is taken */
	release.a.log = node;
	assert_int_equal(run(f, &release, NULL), ERR_NOT_FOUND);
	free(l);
}

static void a_cursor_is_good_for_listed_instances_up_to_their_last_number(void **state)
{
	struct fixture *f = *state;
	struct fake_log *l = fake_log_new(7, 8);
	start(f, 1, NULL);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(put(f, l, i, i + 1), OK);
	fixture_reopen(f);
	start(f, 2, NULL);
	assert_int_equal(put(f, l, 4, 5), OK);
	static const struct {
		unsigned instance;
		uint64_t number, good;
	} cases[] = {{1, 0, 0}, {1, 4, 4}, {1, 5, 0}, {2, 5, 5}, {2, 6, 0}, {3, 1, 0}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct store_req q = {.op = STORE_CURSOR_CHECK, .a.number = cases[i].number};
		struct id32 instance = fake_id(77, cases[i].instance);
		memcpy(q.a.instance, instance.b, 16);
		struct store_res r;
		assert_int_equal(run(f, &q, &r), OK);
		assert_int_equal(r.r.number, cases[i].good);
		store_res_free(&r);
	}
	free(l);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_value_is_kept_by_its_key),
		TEST(a_peer_keeps_what_is_not_set),
		TEST(a_removed_peer_comes_back_only_by_a_new_invitation),
		TEST(an_invitation_is_spent_once_by_each_node_until_it_expires),
		TEST(a_revoked_invitation_admits_nobody_else),
		TEST(a_peer_is_told_what_it_follows_in_ascending_numbers),
		TEST(a_direct_log_is_listed_to_nobody_who_is_not_named),
		TEST(key_events_are_kept_in_the_order_they_are_sent),
		TEST(a_log_is_found_by_the_beginning_of_its_id),
		TEST(what_is_followed_is_listed_ascending_with_its_reason),
		TEST(own_entries_are_held_until_they_are_released),
		TEST(a_cursor_is_good_for_listed_instances_up_to_their_last_number),
	};
	return cmocka_run_group_tests_name("store changes", tests, NULL, NULL);
}
