/* Nodes that find each other and keep connections by themselves. SPEC.md sections 19.1 and 19.2. */

#include "protocol/log/secret.h"
#include "protocol/peer/message.h"
#include "tests/support/members_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define DEGREE_MAX 32 /* of nodes that follow nothing: 16, and what is new or about to go */

static unsigned degree(const struct world_node *n)
{
	unsigned k = 0;
	for (size_t i = 0; i < world.links_n; i++)
		k += up(&world.links[i]) && (world.links[i].nodes[0] == n || world.links[i].nodes[1] == n);
	return k;
}

/* How many live nodes can be reached from the first live one over connections. */
static size_t reached(void)
{
	bool seen[WORLD_NODES_MAX] = {false}, more = true;
	size_t n = 0;
	for (size_t i = 0; i < world.nodes_n && n == 0; i++)
		if (world.nodes[i].engine)
			n = seen[i] = true;
	while (more) {
		more = false;
		for (size_t i = 0; i < world.links_n; i++) {
			const struct world_link *l = &world.links[i];
			size_t a = (size_t)(l->nodes[0] - world.nodes),
			       b = (size_t)(l->nodes[1] - world.nodes);
			if (!up(l) || seen[a] == seen[b])
				continue;
			seen[a] = seen[b] = more = true;
			n++;
		}
	}
	return n;
}

static size_t alive(void)
{
	size_t n = 0;
	for (size_t i = 0; i < world.nodes_n; i++)
		n += world.nodes[i].engine != NULL;
	return n;
}

static void print_degrees(const char *when)
{
	unsigned least = UINT32_MAX, most = 0, sum = 0;
	for (size_t i = 0; i < world.nodes_n; i++) {
		if (!world.nodes[i].engine)
			continue;
		unsigned d = degree(&world.nodes[i]);
		least = d < least ? d : least;
		most = d > most ? d : most;
		sum += d;
	}
	print_message("%s: %llu s, degrees %u to %u, %u on average; %llu dials, %llu in vain\n", when,
		(unsigned long long)world.now_ms / 1000, least, most, sum / (unsigned)alive(),
		(unsigned long long)world.dialled, (unsigned long long)world.unreached);
}

static void assert_mesh(const char *when)
{
	print_degrees(when);
	assert_int_equal(reached(), alive());
	for (size_t i = 0; i < world.nodes_n; i++)
		if (world.nodes[i].engine)
			assert_in_range(degree(&world.nodes[i]), 5, DEGREE_MAX);
}

static void nodes_that_know_one_other_each_become_one_mesh(void **state)
{
	(void)state;
	newcomers(64);
	pass(60000);
	assert_mesh("after a minute");
	pass(900000);
	assert_mesh("a quarter of an hour later");
}

/* ---- parted and lost ---- */

static size_t holders(const struct world_person *p, uint64_t entries)
{
	size_t n = 0;
	for (size_t i = 0; i < world.nodes_n; i++)
		n += world.nodes[i].engine && length(&world.nodes[i], p) == entries;
	return n;
}

static void a_parted_network_becomes_one_again_without_a_meeting_point(void **state)
{
	(void)state;
	struct world_person p, q;
	world.may_dial = same_side;
	newcomers(30);
	world_person_new(&world.nodes[0], &p);
	world_person_new(&world.nodes[1], &q);
	for (size_t i = 2; i < 30; i++) {
		assert_int_equal(world_follow(&world.nodes[i], i % 3 ? &p.id : &q.id), OK);
		assert_int_equal(world_follow(&world.nodes[i], i % 3 ? &q.id : &p.id), OK);
	}
	pass(300000);
	assert_int_equal(holders(&p, 1), 29);
	part();
	for (int i = 0; i < 20; i++) {
		assert_int_equal(world_append(&world.nodes[0], &p, 200).err, OK);
		assert_int_equal(world_append(&world.nodes[1], &q, 200).err, OK);
		pass(30000);
	}
	assert_int_equal(reached(), 15);
	assert_int_equal(holders(&p, 21), 15); /* one half, and not the other */
	assert_int_equal(holders(&q, 21), 15);
	parted = false;
	pass(120000);
	print_degrees("two minutes after the healing");
	assert_int_equal(reached(), 30);
	assert_int_equal(holders(&p, 21), 29); /* q's own node does not follow p */
	assert_int_equal(holders(&q, 21), 29);
}

static void who_loses_neighbours_finds_others(void **state)
{
	(void)state;
	newcomers(60);
	pass(300000);
	for (size_t i = 0; i < 60; i += 5)
		world_crash(&world.nodes[i]);
	pass(5000);
	assert_int_equal(reached(), 48);
	for (size_t i = 0; i < 60; i++)
		if (world.nodes[i].engine)
			assert_in_range(degree(&world.nodes[i]), 5, DEGREE_MAX);
	uint64_t vain = world.unreached;
	pass(600000);
	print_message("%llu tries to reach the dead 12 in ten minutes, by 48\n",
		(unsigned long long)(world.unreached - vain));
	assert_in_range(world.unreached - vain, 1, 48 * 15);
	for (size_t i = 0; i < 60; i += 5)
		world_restart(&world.nodes[i]);
	pass(60000);
	assert_mesh("a minute after they came back");
}

/* It closes each connection as soon as it has something to keep. */
static void whose_disk_is_full_is_tried_ever_more_rarely(void **state)
{
	(void)state;
	struct world_person p;
	newcomers(20);
	assert_int_equal(world_person_new(&world.nodes[0], &p), OK);
	for (size_t i = 1; i < 20; i++)
		assert_int_equal(world_follow(&world.nodes[i], &p.id), OK);
	pass(120000);
	struct world_node *n = &world.nodes[5];
	disk_full(world.disks, n->home, true);
	pass(60000);
	uint64_t dialled = world.dialled;
	size_t from = n->events_n;
	unsigned full = 0;
	const struct engine_event *ev;
	for (int i = 0; i < 300; i++) {
		assert_int_equal(world_append(&world.nodes[0], &p, 100).err, OK);
		pass(2000);
	}
	while ((ev = world_event(n, ENGINE_EVENT_PEER_CLOSED, &from)))
		full += ev->err == ERR_FULL;
	dialled = world.dialled - dialled;
	print_message("%llu dials in ten minutes, of which %u ended at the full disk\n",
		(unsigned long long)dialled, full);
	assert_in_range(full, 100, 19 * 60); /* one connection of each other node in half a minute, at most */
	disk_full(world.disks, n->home, false);
	pass(90000);
	assert_mesh("a minute and a half after there is room again");
}

/* ---- how many ---- */

static const struct world_node *dialler;

static bool only_the_dialler(void *ctx, const struct world_node *a, const struct world_node *b)
{
	(void)ctx, (void)b;
	return a == dialler;
}

/* How many one node dials that begins with so many whom it can reach; it follows what the last of them serves. */
static unsigned dials_of_one_who_knows(unsigned others, uint64_t ms)
{
	struct world_person p;
	newcomers(others + 1);
	dialler = &world.nodes[0];
	world_person_new(&world.nodes[others], &p);
	assert_int_equal(world_follow(&world.nodes[0], &p.id), OK);
	for (unsigned i = 1; i <= others; i++)
		world_introduce(&world.nodes[0], &world.nodes[i]);
	knows_follows(&world.nodes[0], &world.nodes[others], &p.id, 1);
	world_crash(&world.nodes[0]);
	world.may_dial = only_the_dialler;
	world_restart(&world.nodes[0]);
	pass(ms);
	return degree(&world.nodes[0]);
}

static void all_of_a_few_are_dialled(void **state)
{
	(void)state;
	assert_int_equal(dials_of_one_who_knows(8, 3000), 8);
}

static void of_many_five_are_dialled_and_then_one_a_minute(void **state)
{
	(void)state;
	assert_int_equal(dials_of_one_who_knows(20, 3000), 5);
	pass(20000);
	assert_int_equal(degree(&world.nodes[0]), 5); /* what it follows has a source: nobody is sought */
	pass(60000);
	assert_in_range(degree(&world.nodes[0]), 6, 7);
}

/* ---- too many ---- */

static void whom_all_know_is_not_overrun(void **state)
{
	(void)state;
	unsigned said = 0;
	for (unsigned i = 0; i < 50; i++) {
		char name[16];
		snprintf(name, sizeof name, "n%u", i);
		world_node_new(&world, name);
	}
	for (unsigned i = 0; i < 50; i++)
		world_admit_all(&world.nodes[i], world.nodes, 50);
	for (unsigned i = 1; i < 50; i++)
		world_introduce(&world.nodes[i], &world.nodes[0]);
	pass(20000);
	assert_in_range(degree(&world.nodes[0]), 40, 49);
	pass(300000);
	for (size_t i = 1; i < 50; i++) {
		size_t from = 0;
		const struct engine_event *ev;
		while ((ev = world_event(&world.nodes[i], ENGINE_EVENT_PEER_CLOSED, &from)))
			said += ev->err == ERR_ENOUGH && id32_equal(&ev->node, &world.nodes[0].key);
	}
	print_message("%u were told ENOUGH by the one that all knew\n", said);
	assert_true(said >= 25);
	assert_mesh("after five minutes");
}

/* ---- lies ---- */

static void put_junk(struct buf *b, struct random_source *rnd, const struct id32 *about)
{
	struct message_peers m = {.peers = {.n = 32}};
	struct buf list = {0};
	struct mp_out o = mp_out_init(&list);
	for (size_t i = 0; i < 32; i++) {
		struct message_peer p = {.addresses_n = 2};
		char text[2][32];
		random_fill(rnd, p.node.b, 32);
		for (int k = 0; k < 2; k++) {
			snprintf(text[k], sizeof text[k], "junk-%02x%02x-%d:1", p.node.b[0], p.node.b[1], k);
			p.addresses[k] = slice_str(text[k]);
		}
		if (about)
			p.node = about[i];
		message_put_peer(&o, &p);
	}
	assert_int_equal(o.err, OK);
	m.peers.raw = buf_slice(&list);
	b->n = 0;
	assert_int_equal(message_encode(MESSAGE_PEERS, &m, b), OK);
	buf_free(&list);
}

/* He tells it over a connection that stands, and that stands afterwards: what is false is no fault. Who has enough neighbours may send him away all the same. */
static void tell_junk(struct world_node *liar, struct world_node *victim, struct slice junk)
{
	struct world_link *l = link_between(liar, victim);
	for (unsigned tries = 0; !l && tries < 60; tries++) {
		l = world_connect(liar, victim);
		pass(1000);
		l = up(l) ? l : NULL;
	}
	assert_non_null(l);
	world_send(l, l->nodes[1] == victim, MESSAGE_PEERS, junk);
	size_t from = victim->events_n;
	pass(100);
	const struct engine_event *ended = world_event(victim, ENGINE_EVENT_PEER_CLOSED, &from);
	assert_true(up(l) || (ended && ended->err == ERR_ENOUGH));
	pass(5000);
}

static size_t peers_known(struct world_node *n)
{
	struct store_req q = {.op = STORE_PEER_LIST};
	struct store_res res;
	world_store(n, &q, &res);
	size_t k = res.err == OK ? res.r.n : 0;
	store_res_free(&res);
	return k;
}

static void ten_thousand_made_up_peers_cost_nothing(void **state)
{
	(void)state;
	struct random_source rnd = world_random_source(&world);
	struct buf junk = {0};
	newcomers(40);
	pass(60000);
	struct world_node *liar = &world.nodes[39], *victim = &world.nodes[5];
	struct world_node *other = &world.nodes[6];
	uint64_t commits = store_commits(victim->store), others = store_commits(other->store);
	for (unsigned k = 0; k < 313; k++) {
		put_junk(&junk, &rnd, NULL);
		tell_junk(liar, victim, buf_slice(&junk));
	}
	commits = store_commits(victim->store) - commits;
	others = store_commits(other->store) - others;
	print_message("%llu commits; at another node that nobody lied to %llu\n", (unsigned long long)commits,
		(unsigned long long)others);
	assert_true(commits < 2 * others);
	assert_int_equal(
		peers_known(victim), 40); /* itself is one of them: it was admitted like the others */
	assert_int_equal(world.unreached, 0);
	/* And junk about members takes some tries, but no member is lost by it. */
	struct id32 about[32];
	for (size_t i = 0; i < 32; i++)
		about[i] = world.nodes[i].key;
	for (unsigned k = 0; k < 40; k++) {
		put_junk(&junk, &rnd, about);
		tell_junk(liar, victim, buf_slice(&junk));
	}
	assert_mesh("after all the lies");
	buf_free(&junk);
}

static void members_that_were_told_of_before_they_are_members_are_known_then(void **state)
{
	(void)state;
	newcomers(6);
	pass(60000);
	struct world_node *n = world_node_new(&world, "new");
	for (size_t i = 0; i < 6; i++)
		world_admit_all(&world.nodes[i], n, 1);
	world_introduce(n, &world.nodes[2]);
	pass(2000);
	assert_int_equal(degree(n), 1);
	assert_int_equal(peers_known(n), 1); /* what it is told of others is of strangers */
	uint64_t dialled = world.dialled;
	world_admit_all(n, world.nodes, 6);
	pass(2000);
	assert_int_equal(degree(n), 6);
	assert_true(world.dialled > dialled);
}

static void who_was_taken_out_is_never_dialled(void **state)
{
	(void)state;
	newcomers(12);
	pass(120000);
	struct world_node *out = &world.nodes[4];
	for (size_t i = 0; i < 12; i++) {
		if (i == 4)
			continue;
		struct store_req q = {.op = STORE_PEER_REMOVE, .a.node = out->key};
		struct store_res res;
		world_store(&world.nodes[i], &q, &res);
		assert_int_equal(res.err, OK);
		store_res_free(&res);
		struct engine_cmd cmd = {.kind = ENGINE_CMD_PEER_REMOVED, .node = out->key};
		assert_int_equal(world_command(&world.nodes[i], &cmd).err, OK);
	}
	world_crash(out);
	uint64_t vain = world.unreached;
	pass(900000);
	assert_int_equal(world.unreached, vain);
	world.dialled = 0;
	struct engine_cmd heard = {.kind = ENGINE_CMD_HEARD,
		.node = out->key,
		.addresses = &(struct slice){(const uint8_t *)"n4:7411", 7},
		.addresses_n = 1};
	assert_int_equal(world_command(&world.nodes[0], &heard).err, ERR_NOT_FOUND);
	pass(1000);
	assert_int_equal(world.unreached, vain);
}

static void an_address_that_was_heard_is_tried_at_once(void **state)
{
	(void)state;
	newcomers(30);
	struct world_node *a = &world.nodes[0], *b = &world.nodes[29];
	pass(120000);
	struct world_link *l = link_between(a, b);
	if (l)
		world_cut(l);
	world_crash(b);
	pass(300000);
	world_restart(b);
	struct engine_cmd heard = {.kind = ENGINE_CMD_HEARD,
		.node = b->key,
		.flag = true,
		.addresses = &(struct slice){(const uint8_t *)"n29:7411", 8},
		.addresses_n = 1};
	assert_int_equal(world_command(a, &heard).err, OK);
	pass(100);
	assert_non_null(link_between(a, b));
}

/* Its own word that it is somewhere else now, each time somewhere else. */
static void say_moved(struct world_link *l, int to, unsigned nth)
{
	char address[32], real[LIMIT_ADDRESS_BYTES + 1];
	struct buf one = {0}, body = {0};
	struct mp_out o = mp_out_init(&one);
	snprintf(address, sizeof address, "moved%u:7411", nth);
	world_address(l->nodes[!to], real);
	struct message_peer p = {.node = l->nodes[!to]->key,
		.addresses_n = 2,
		.addresses = {slice_str(address), slice_str(real)}};
	message_put_peer(&o, &p);
	struct message_peers m = {.peers = {.n = 1, .raw = buf_slice(&one)}};
	assert_int_equal(message_encode(MESSAGE_PEERS, &m, &body), OK);
	world_send(l, to, MESSAGE_PEERS, buf_slice(&body));
	buf_free(&body);
	buf_free(&one);
}

static void who_closes_at_once_is_dialled_ever_less(void **state)
{
	(void)state;
	struct world_node *n = world_node_new(&world, "n");
	world.gossip = false;
	struct world_node *mal = world_node_new(&world, "mal");
	world_admit(n, mal);
	world_introduce(n, mal);
	for (unsigned i = 0; i < 1200; i++) {
		struct world_link *l = link_between(n, mal);
		if (l) {
			say_moved(l, l->nodes[1] == n, i);
			pass(50);
			world_cut(l);
		}
		pass(250);
	}
	print_message("%llu dials in five minutes\n", (unsigned long long)world.dialled);
	/* Once a minute its word lets the pauses begin anew, from half a second on at the shortest: seven dials in each. */
	assert_in_range(world.dialled, 8, 36);
	/* One that lasts makes it as before. */
	pass(120000);
	struct world_link *l = link_between(n, mal);
	assert_non_null(l);
	pass(40000);
	uint64_t dialled = world.dialled;
	world_cut(l);
	pass(2000);
	assert_int_equal(world.dialled, dialled + 1);
	assert_non_null(link_between(n, mal));
}

static unsigned told_of;

static void see_told(
	void *ctx, struct world_node *from, struct world_node *to, uint8_t type, struct slice body)
{
	union message m;
	(void)ctx, (void)to;
	if (type != MESSAGE_PEERS || strcmp(from->name, "a") != 0)
		return;
	assert_int_equal(message_decode(type, body, &m), OK);
	struct mp_in in = message_list_open(&m.peers.peers);
	for (size_t i = 0; i < m.peers.peers.n; i++) {
		struct message_peer p = message_next_peer(&in);
		for (size_t k = 0; k < p.addresses_n; k++)
			told_of += p.addresses[k].n == 13 &&
				memcmp(p.addresses[k].p, "10.1.2.3:7411", 13) == 0;
	}
}

/* SPEC 19.2: "Addresses that were only heard on a local network (section 19.4) are not told." */
static void what_was_heard_nearby_is_not_told(void **state)
{
	(void)state;
	struct world_node *a = world_node_new(&world, "a"), *b = world_node_new(&world, "b");
	struct world_node *c = world_node_new(&world, "c");
	world_admit(a, b);
	world_admit(a, c);
	world_admit(b, c);
	for (int local = 1; local >= 0; local--) {
		const char *address = local ? "10.1.2.3:7411" : "10.1.2.4:7411";
		struct engine_cmd heard = {.kind = ENGINE_CMD_HEARD,
			.node = b->key,
			.flag = local,
			.addresses = &(struct slice){(const uint8_t *)address, 13},
			.addresses_n = 1};
		assert_int_equal(world_command(a, &heard).err, OK);
	}
	world.sent = see_told;
	world_connect(c, a);
	pass(200000);
	assert_int_equal(told_of, 0);
	struct store_req q = {.op = STORE_PEER_GET, .a.node = b->key};
	struct store_res res;
	world_store(c, &q, &res);
	assert_int_equal(res.err, OK);
	assert_int_equal(res.r.peers[0].heard_n, 1); /* what was not heard nearby is */
	assert_string_equal(res.r.peers[0].heard[0], "10.1.2.4:7411");
	store_res_free(&res);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MEMBERS_TEST(nodes_that_know_one_other_each_become_one_mesh),
		MEMBERS_TEST(a_parted_network_becomes_one_again_without_a_meeting_point),
		MEMBERS_TEST(who_loses_neighbours_finds_others),
		MEMBERS_TEST(whose_disk_is_full_is_tried_ever_more_rarely),
		MEMBERS_TEST(all_of_a_few_are_dialled),
		MEMBERS_TEST(of_many_five_are_dialled_and_then_one_a_minute),
		MEMBERS_TEST(whom_all_know_is_not_overrun),
		MEMBERS_TEST(ten_thousand_made_up_peers_cost_nothing),
		MEMBERS_TEST(members_that_were_told_of_before_they_are_members_are_known_then),
		MEMBERS_TEST(who_was_taken_out_is_never_dialled),
		MEMBERS_TEST(an_address_that_was_heard_is_tried_at_once),
		MEMBERS_TEST(who_closes_at_once_is_dialled_ever_less),
		MEMBERS_TEST(what_was_heard_nearby_is_not_told),
	};
	return cmocka_run_group_tests_name("members", tests, NULL, NULL);
}
