/* Blobs from several peers at once, from peers that have them in part, and blobs that nobody has. SPEC.md section 11. */
#include "protocol/log/hash.h"
#include "protocol/peer/message.h"
#include "tests/support/world_fixture.h"
#include "tools/sim/disk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#define NODES 8

/* What each node sent, and what goes wrong at some. */
static struct {
	unsigned chunks[NODES], blob_asks[NODES], rewarded;
	int lies, keeps_back, slow; /* nodes; -1: none */
	bool leaves_too; /* are kept back */
	bool mute; /* who keeps back does not say either that it does */
	uint64_t kept_back[64]; /* requests: those at once are fewer */
} seen;

static int number_of(const struct world_node *n)
{
	return (int)(n - world.nodes);
}

static int reset(void **state)
{
	memset(&seen, 0, sizeof seen);
	seen.lies = seen.keeps_back = seen.slow = -1;
	return open_world(state);
}

/* What node 0 sent to node 1 of a blob of three pages, and of which pages node 1 told somebody that it has part. */
static struct {
	bool watched, got[3 * BLOB_PAGE_LEAVES], told[3];
} chain;

static void watch_chain(const struct world_node *from, uint8_t type, struct slice body)
{
	union message m;
	if (type == MESSAGE_CHUNK && number_of(from) == 0) {
		assert_int_equal(message_decode(type, body, &m), OK);
		chain.got[m.chunk.index] = true;
	}
	if (type != MESSAGE_HAVE_CHUNKS || number_of(from) != 1)
		return;
	assert_int_equal(message_decode(type, body, &m), OK);
	bool any = false;
	for (size_t i = 0; i < m.have_chunks.bits.n * 8; i++)
		if (m.have_chunks.bits.p[i / 8] >> (i % 8) & 1) {
			assert_true(chain.got[m.have_chunks.page * BLOB_PAGE_LEAVES + i]);
			any = chain.told[m.have_chunks.page] = true;
		}
	assert_true(any || m.have_chunks.page == 0); /* a page of which nothing is held is not told */
}

static void count(void *ctx, struct world_node *from, struct world_node *to, uint8_t type, struct slice body)
{
	(void)ctx, (void)to;
	seen.chunks[number_of(from)] += type == MESSAGE_CHUNK;
	if (chain.watched)
		watch_chain(from, type, body);
	seen.blob_asks[number_of(from)] += type == MESSAGE_WANT_BLOB || type == MESSAGE_WANT_CHUNKS;
}

static bool is_kept_back(uint8_t type, struct slice body)
{
	union message m;
	if (type != MESSAGE_CHUNK && type != MESSAGE_DONE && !(type == MESSAGE_LEAVES && seen.leaves_too))
		return false;
	assert_int_equal(message_decode(type, body, &m), OK);
	if (type == MESSAGE_DONE)
		return seen.mute && seen.kept_back[m.done.req % 64] == m.done.req;
	if (type == MESSAGE_LEAVES) {
		seen.kept_back[m.leaves.req % 64] = m.leaves.req;
		return true;
	}
	seen.kept_back[m.chunk.req % 64] = m.chunk.req;
	return true;
}

static bool meddle(void *ctx, struct world_link *l, int to, uint8_t *type, struct buf *body)
{
	int from = number_of(l->nodes[!to]);
	(void)ctx;
	if (*type == MESSAGE_CHUNK && from == seen.lies)
		body->p[body->n / 2] ^= 1;
	return from != seen.keeps_back || !is_kept_back(*type, buf_slice(body));
}

static void node(size_t i)
{
	char name[3] = {'n', (char)('0' + i)};
	(void)world_node_new(&world, name);
}

/* n nodes that all know one another; all but the first follow p, who lives at the first. */
static void people(size_t n, struct world_person *p)
{
	for (size_t i = 0; i < n; i++)
		node(i);
	assert_int_equal(world_person_new(&world.nodes[0], p), OK);
	for (size_t i = 0; i < n; i++) {
		for (size_t k = i + 1; k < n; k++)
			world_admit(&world.nodes[i], &world.nodes[k]);
		if (i)
			assert_int_equal(world_follow(&world.nodes[i], &p->id), OK);
	}
	world.sent = count;
	world.meddle = meddle;
}

static bool whole(size_t i, const struct id32 *root)
{
	char path[1024], first[1024];
	blob_path(&world.nodes[i], root, path);
	blob_path(&world.nodes[0], root, first);
	return same_files(path, first) == 0;
}

static bool closed_with(size_t i, enum err err)
{
	size_t from = 0;
	const struct engine_event *ev;
	while ((ev = world_event(&world.nodes[i], ENGINE_EVENT_PEER_CLOSED, &from)))
		if (ev->err == err)
			return true;
	return false;
}

/* The blob of 24 MiB at nodes 0 … 2, node 3 looks for it. */
static void three_sources(struct world_person *p, struct id32 *root)
{
	people(4, p);
	assert_int_equal(world_attach(&world.nodes[0], p, 24u << 20, root).err, OK);
	world_connect(&world.nodes[0], &world.nodes[1]);
	world_connect(&world.nodes[0], &world.nodes[2]);
	world_run(&world, 6000);
	assert_true(whole(1, root) && whole(2, root));
	memset(seen.chunks, 0, sizeof seen.chunks);
}

static void three_peers_share_the_work(void **state)
{
	struct world_person p;
	struct id32 root;
	(void)state;
	three_sources(&p, &root);
	for (size_t i = 0; i < 3; i++) {
		struct world_link *l = world_connect(&world.nodes[i], &world.nodes[3]);
		l->delay_ms[0] = l->delay_ms[1] = 20;
	}
	world_run(&world, 3000);
	assert_true(whole(3, &root));
	for (size_t i = 0; i < 3; i++)
		assert_in_range(seen.chunks[i], 64, 256);
	assert_in_range(seen.chunks[0] + seen.chunks[1] + seen.chunks[2], 384, 400);
}

static void a_liar_costs_only_himself(void **state)
{
	struct world_person p;
	struct id32 root;
	(void)state;
	three_sources(&p, &root);
	seen.lies = 1;
	for (size_t i = 0; i < 3; i++)
		world_connect(&world.nodes[i], &world.nodes[3]);
	world_run(&world, 3000);
	assert_true(whole(3, &root));
	assert_true(closed_with(3, ERR_WIRE));
	assert_true(seen.chunks[1] <= 128);
}

static void who_keeps_back_or_is_slow_costs_what_he_was_asked_for(void **state)
{
	struct world_person p;
	struct id32 root;
	(void)state;
	three_sources(&p, &root);
	seen.keeps_back = 1;
	for (size_t i = 0; i < 3; i++) {
		struct world_link *l = world_connect(&world.nodes[i], &world.nodes[3]);
		if (i == 2)
			l->delay_ms[1] = 20000;
	}
	uint64_t began = world.now_ms;
	while (!whole(3, &root) && world.now_ms < began + 60000)
		world_run(&world, 500);
	assert_true(whole(3, &root));
	assert_true(world.now_ms < began + 10000); /* not the 20 s that node 2 takes for anything */
	assert_true(!closed_with(3, ERR_WIRE));
}

/* Of a blob so small that one peer would do, that one says nothing more after it has said that it has it. */
static void a_small_one_is_not_held_up(bool leaves, int by)
{
	struct world_person p;
	struct id32 root;
	people(3, &p);
	assert_int_equal(world_attach(&world.nodes[0], &p, 200000, &root).err, OK);
	world_connect(&world.nodes[0], &world.nodes[1]);
	world_run(&world, 3000);
	assert_true(whole(1, &root));
	seen.keeps_back = by;
	seen.mute = true;
	seen.leaves_too = leaves;
	world_connect(&world.nodes[by], &world.nodes[2]);
	world_run(&world, 1000);
	world_connect(&world.nodes[!by], &world.nodes[2]);
	world_run(&world, 6000);
	assert_true(seen.blob_asks[2] > 0);
	assert_true(whole(2, &root));
}

static void who_says_no_more_of_chunks_holds_no_small_one_up(void **state)
{
	(void)state;
	a_small_one_is_not_held_up(false, 0);
}

static void who_says_no_more_of_leaves_holds_no_small_one_up(void **state)
{
	(void)state;
	a_small_one_is_not_held_up(true, 1);
}

static void a_chain_streams(void **state)
{
	struct world_person p;
	struct id32 root;
	(void)state;
	people(3, &p);
	/* 2,112 chunks: three pages of leaves */
	assert_int_equal(world_attach(&world.nodes[0], &p, 132u << 20, &root).err, OK);
	world_connect(&world.nodes[1], &world.nodes[2]);
	world_run(&world, 1000);
	memset(&chain, 0, sizeof chain);
	chain.watched = true;
	world.chunks_max = 1500; /* node 1 has some, and waits */
	world_connect(&world.nodes[0], &world.nodes[1]);
	world_run(&world, 3000);
	assert_false(whole(1, &root));
	assert_true(seen.chunks[1] > 200);
	world.chunks_max = 0;
	world_run(&world, 12000);
	chain.watched = false;
	assert_true(chain.told[0] && chain.told[1] && chain.told[2]);
	assert_true(whole(1, &root) && whole(2, &root));
	assert_in_range(seen.chunks[0], 2112, 2140);
	assert_in_range(seen.chunks[1], 2112, 2140);
}

static void many_who_look_for_one_blob_give_to_each_other(void **state)
{
	struct world_person p;
	struct id32 root;
	(void)state;
	people(5, &p);
	assert_int_equal(world_attach(&world.nodes[0], &p, 64u << 20, &root).err, OK);
	for (size_t i = 0; i < 5; i++)
		for (size_t k = i + 1; k < 5; k++) {
			struct world_link *l = world_connect(&world.nodes[i], &world.nodes[k]);
			l->delay_ms[0] = l->delay_ms[1] = 300; /* so that they meet in the middle */
		}
	world_run(&world, 20000);
	for (size_t i = 1; i < 5; i++)
		assert_true(whole(i, &root));
	unsigned all = 0;
	for (size_t i = 0; i < 5; i++)
		all += seen.chunks[i];
	assert_true(seen.chunks[0] < 3 * 1024); /* four copies, and not all of them from the first */
	assert_true(all < 4 * 1024 * 11 / 10);
}

/* 200 that nobody has, and one that somebody has: it comes at once, and the others are soon hardly asked for. */
static void what_nobody_has_keeps_nobody_waiting(void **state)
{
	struct world_person p;
	struct id32 root, none;
	(void)state;
	people(3, &p);
	for (int i = 0; i < 200; i++) {
		assert_int_equal(world_attach(&world.nodes[0], &p, 20000 + (uint64_t)i, &none).err, OK);
		struct store_req drop = {.op = STORE_BLOB_DROP, .a.root = none};
		struct store_res res;
		world_store(&world.nodes[0], &drop, &res);
		assert_int_equal(res.err, OK);
		store_res_free(&res);
	}
	assert_int_equal(world_attach(&world.nodes[0], &p, 300000, &root).err, OK);
	world_connect(&world.nodes[0], &world.nodes[1]);
	world_run(&world, 1000);
	assert_true(whole(1, &root));
	uint64_t began = world.now_ms;
	world_run(&world, 40000);
	assert_true(seen.blob_asks[1] < 200 * 6);
	assert_int_equal(world_attach(&world.nodes[0], &p, 300001, &root).err, OK);
	world_run(&world, 1000);
	assert_true(whole(1, &root));
	while (world.now_ms < began + 5 * 3600000)
		world_run(&world, 600000);
	memset(seen.blob_asks, 0, sizeof seen.blob_asks);
	world_run(&world, 240000);
	assert_true(seen.blob_asks[1] <= 200 + 2);
	memset(seen.blob_asks, 0, sizeof seen.blob_asks);
	world_connect(&world.nodes[2], &world.nodes[1]);
	world_run(&world, 1000);
	assert_in_range(seen.blob_asks[1], 200, 220); /* whoever is new is asked, and nobody else again */
	memset(seen.blob_asks, 0, sizeof seen.blob_asks);
	struct engine_cmd look = {.kind = ENGINE_CMD_BLOB_WANT};
	assert_int_equal(world_command(&world.nodes[1], &look).err, OK);
	world_run(&world, 1000);
	assert_in_range(seen.blob_asks[1], 400, 420); /* both */
}

/* The owner's own blob, named by an entry of somebody else: nobody gets it by that, and nobody is blamed. */
static void a_blob_of_another_owner_is_nobodys_fault(void **state)
{
	struct world_person p, thief;
	struct id32 small, large;
	(void)state;
	people(3, &p);
	assert_int_equal(world_person_new(&world.nodes[2], &thief), OK);
	struct engine_event first = world_attach(&world.nodes[0], &p, 30000, &small);
	struct engine_event second = world_attach(&world.nodes[0], &p, 300000, &large);
	assert_int_equal(first.err, OK);
	assert_int_equal(second.err, OK);
	assert_int_equal(world_name_blob(&world.nodes[2], &thief, &small, 30000).err, OK);
	assert_int_equal(world_name_blob(&world.nodes[2], &thief, &large, 300000).err, OK);
	node(3);
	world_admit(&world.nodes[0], &world.nodes[3]);
	world_admit(&world.nodes[2], &world.nodes[3]);
	assert_int_equal(world_follow(&world.nodes[3], &thief.id), OK);
	world_connect(&world.nodes[2], &world.nodes[3]);
	world_run(&world, 1000);
	world_connect(&world.nodes[0], &world.nodes[3]);
	world_run(&world, 20000);
	assert_true(seen.blob_asks[3] > 0);
	assert_false(whole(3, &small) || whole(3, &large));
	assert_false(closed_with(3, ERR_WIRE) || closed_with(0, ERR_WIRE));
	/* But who follows the owner too gets it, whoever named it first; and it goes when the owner erases his entry. */
	assert_int_equal(world_follow(&world.nodes[3], &p.id), OK);
	world_run(&world, 20000);
	assert_true(whole(3, &small) && whole(3, &large));
	assert_true(world_erase_begin(&world.nodes[0], &p, first.seq) > 0);
	assert_true(world_erase_begin(&world.nodes[0], &p, second.seq) > 0);
	world_run(&world, 20000);
	assert_false(whole(3, &small) || whole(3, &large));
}

/* Processor time until n blobs that nobody has were looked for and wait; their roots begin alike, or not. */
static clock_t looked_for(bool alike, unsigned n)
{
	struct world_person p;
	people(2, &p);
	for (unsigned i = 1; i <= n; i++) {
		struct id32 root = hash_bytes("quire.test", &i, sizeof i);
		if (alike)
			memset(root.b, 0, 8);
		assert_int_equal(world_name_blob(&world.nodes[0], &p, &root, 30000).err, OK);
	}
	world_connect(&world.nodes[0], &world.nodes[1]);
	clock_t began = clock();
	for (unsigned i = 0; i < 120 && seen.blob_asks[0] < n; i++)
		world_run(&world, 1000);
	world_run(&world, 30000);
	assert_true(seen.blob_asks[0] >= n);
	return clock() - began;
}

static void roots_that_begin_alike_are_found_as_fast_as_others(void **state)
{
	unsigned n = 12000;
	clock_t others = looked_for(false, n);
	close_world(state);
	reset(state);
	clock_t alike = looked_for(true, n);
	print_message("# %ld and %ld ms\n", (long)(others * 1000 / CLOCKS_PER_SEC),
		(long)(alike * 1000 / CLOCKS_PER_SEC));
	assert_true(alike < 3 * others);
}

static unsigned scans;

static void see_scan(void *ctx, struct world_node *n, const struct store_req *q, const struct store_res *res,
	uint64_t number)
{
	(void)ctx, (void)res, (void)number;
	scans += n == &world.nodes[1] && q->op == STORE_BLOB_LIST && q->a.seq == 0;
}

static void say_it_has(struct world_link *l, const struct id32 *root)
{
	struct message_have_chunks m = {.root = *root};
	struct buf body = {0};
	assert_int_equal(message_encode(MESSAGE_HAVE_CHUNKS, &m, &body), OK);
	world_send(l, 1, MESSAGE_HAVE_CHUNKS, buf_slice(&body));
	buf_free(&body);
}

/* It says for a minute, of one after the other, that it has what nobody has. */
static void a_peers_word_makes_a_node_look_no_more_than_its_share(void **state)
{
	enum { ROOTS = 400 };
	struct world_person p;
	static struct id32 roots[ROOTS];
	(void)state;
	world.disks = disks_new(world.seed); /* in memory: what is tested here is no disk */
	people(3, &p);
	for (unsigned i = 0; i < ROOTS; i++) {
		roots[i] = hash_bytes("quire.test", &i, sizeof i);
		assert_int_equal(world_name_blob(&world.nodes[0], &p, &roots[i], 30000).err, OK);
	}
	world_connect(&world.nodes[0], &world.nodes[1]);
	struct world_link *l = world_connect(&world.nodes[2], &world.nodes[1]);
	for (uint64_t end = world.now_ms + 2 * 3600000; world.now_ms < end;)
		world_run(&world, 600000);
	memset(seen.blob_asks, 0, sizeof seen.blob_asks);
	scans = 0;
	world.committed = see_scan;
	unsigned said = 0;
	for (uint64_t end = world.now_ms + 60000; world.now_ms < end; world.now_ms += 20) {
		for (unsigned k = 0; k < 8; k++)
			say_it_has(l, &roots[said++ % ROOTS]);
		world_run(&world, 0);
	}
	world.committed = NULL;
	print_message("# %u words, %u looks, %u questions\n", said, scans, seen.blob_asks[1]);
	assert_true(l->open[1]);
	assert_in_range(scans, 10, 140);
	assert_in_range(seen.blob_asks[1], 256, 8000);
}

static uint64_t held_whole(size_t i)
{
	struct store_req q = {.op = STORE_BLOB_LIST};
	struct store_res res;
	uint64_t n = 0;
	world_store(&world.nodes[i], &q, &res);
	for (size_t k = 0; res.err == OK && k < res.r.n; k++)
		n += res.r.blobs[k].state == BLOB_COMPLETE;
	store_res_free(&res);
	return n;
}

/* Room for two of three; what is erased makes room for the third. */
static void a_quota_refuses_what_is_more(void **state)
{
	struct world_person p;
	struct id32 root;
	struct engine_event first;
	size_t from = 0;
	(void)state;
	world.blob_quota = 1000000;
	people(2, &p);
	first = world_attach(&world.nodes[0], &p, 400000, &root);
	assert_int_equal(world_attach(&world.nodes[0], &p, 400000, &root).err, OK);
	assert_int_equal(world_attach(&world.nodes[0], &p, 400000, &root).err, OK);
	world_connect(&world.nodes[0], &world.nodes[1]);
	world_run(&world, 6000);
	assert_int_equal(held_whole(0), 3);
	assert_int_equal(held_whole(1), 2);
	assert_int_equal(engine_blobs_refused(world.nodes[1].engine), 1);
	const struct engine_event *ev = world_event(&world.nodes[1], ENGINE_EVENT_STORE_ERROR, &from);
	assert_non_null(ev);
	assert_int_equal(ev->err, ERR_LIMIT);
	assert_true(world_erase_begin(&world.nodes[0], &p, first.seq) > 0);
	world_run(&world, 100000);
	assert_int_equal(held_whole(1), 2);
	assert_true(whole(1, &root));
	assert_int_equal(engine_blobs_refused(world.nodes[1].engine), 0);
}

/* Node 2's files claim nearly all the room, one after the other, and nothing of them comes: after the first of them they keep nobody out. */
static void claims_that_do_not_come_keep_nobody_out(void **state)
{
	struct world_person p, mal;
	struct id32 root, big;
	(void)state;
	world.blob_quota = 4000000;
	people(3, &p);
	assert_int_equal(world_person_new(&world.nodes[2], &mal), OK);
	assert_int_equal(world_follow(&world.nodes[1], &mal.id), OK);
	for (int i = 0; i < 10; i++)
		assert_int_equal(world_attach(&world.nodes[2], &mal, 3500000, &big).err, OK);
	seen.keeps_back = 2;
	seen.mute = true;
	struct world_link *l = world_connect(&world.nodes[2], &world.nodes[1]);
	world_run(&world, 2000);
	assert_int_equal(world_attach(&world.nodes[0], &p, 1500000, &root).err, OK);
	struct world_link *honest = world_connect(&world.nodes[0], &world.nodes[1]);
	honest->delay_ms[0] = honest->delay_ms[1] =
		2000; /* before he has said no, the other is there again */
	/* Who keeps back is closed after 30 s, and is there again at once. */
	for (uint64_t until = world.now_ms + 120000; world.now_ms < until; world.now_ms += 100) {
		if (!l->open[1])
			l = world_connect(&world.nodes[2], &world.nodes[1]);
		world_run(&world, 100);
	}
	assert_int_equal(held_whole(1), 1);
	assert_true(whole(1, &root));
	/* What comes after all has no more room than there is. */
	seen.keeps_back = -1;
	world_run(&world, 400000);
	assert_int_equal(held_whole(1), 1);
	assert_true(engine_blobs_refused(world.nodes[1].engine) >= 1);
}

static uint64_t bytes_held(size_t i)
{
	struct store_req q = {.op = STORE_BLOB_LIST, .a.flag = true, .a.max = 1, .a.end = 1};
	struct store_res res;
	world_store(&world.nodes[i], &q, &res);
	uint64_t held = res.r.number;
	store_res_free(&res);
	return held;
}

/* A file of half an hour, a chunk in four seconds: it has as much room as it needs for ten minutes, and no more. */
static void a_claim_that_comes_slowly_has_room_by_its_pace(void **state)
{
	struct world_person p, mal;
	struct id32 root, big;
	(void)state;
	world.blob_quota = 30u << 20;
	people(3, &p);
	assert_int_equal(world_person_new(&world.nodes[2], &mal), OK);
	assert_int_equal(world_follow(&world.nodes[1], &mal.id), OK);
	assert_int_equal(world_attach(&world.nodes[2], &mal, 28u << 20, &big).err, OK);
	struct world_link *l = world_connect(&world.nodes[2], &world.nodes[1]);
	l->delay_ms[1] = 4000;
	world_run(&world, 20000);
	assert_int_equal(world_attach(&world.nodes[0], &p, 8u << 20, &root).err, OK);
	world_connect(&world.nodes[0], &world.nodes[1]);
	for (uint64_t until = world.now_ms + 30000; world.now_ms < until;)
		world_run(&world, 1000);
	assert_int_equal(held_whole(1), 0); /* for a minute it is believed */
	for (uint64_t until = world.now_ms + 270000; world.now_ms < until;)
		world_run(&world, 1000);
	assert_true(whole(1, &root));
	assert_int_equal(held_whole(1), 1);
	assert_true(l->open[1]); /* to be slow is no fault */
	/* It comes sooner now, and fills what room there is. */
	l->delay_ms[1] = 0;
	world_run(&world, 400000);
	assert_int_equal(held_whole(1), 1);
	assert_in_range(bytes_held(1), 14u << 20, 31u << 20);
}

/* Somebody who lives here names what somebody else named first. */
static void what_somebody_here_names_is_kept_whoever_named_it_first(void **state)
{
	struct world_person p, thief;
	struct id32 root;
	(void)state;
	world.blob_quota = 100000;
	people(3, &p);
	assert_int_equal(world_person_new(&world.nodes[2], &thief), OK);
	assert_int_equal(world_follow(&world.nodes[1], &thief.id), OK);
	assert_int_equal(world_attach(&world.nodes[0], &p, 400000, &root).err, OK);
	assert_int_equal(world_name_blob(&world.nodes[2], &thief, &root, 400000).err, OK);
	world_connect(&world.nodes[2], &world.nodes[1]);
	world_run(&world, 2000);
	struct store_req host = {.op = STORE_FOLLOW_ADD, .a.identity = p.id, .a.flag = true};
	struct store_res res;
	world_store(&world.nodes[1], &host, &res);
	assert_int_equal(res.err, OK);
	store_res_free(&res);
	world_connect(&world.nodes[0], &world.nodes[1]);
	world_run(&world, 70000);
	assert_true(whole(1, &root));
	assert_int_equal(engine_blobs_refused(world.nodes[1].engine), 0);
}

static int end(void **state)
{
	int e = close_world(state);
	disks_free(world.disks);
	return e;
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, reset, end)
	const struct CMUnitTest tests[] = {
		TEST(three_peers_share_the_work),
		TEST(a_liar_costs_only_himself),
		TEST(who_keeps_back_or_is_slow_costs_what_he_was_asked_for),
		TEST(who_says_no_more_of_chunks_holds_no_small_one_up),
		TEST(who_says_no_more_of_leaves_holds_no_small_one_up),
		TEST(a_chain_streams),
		TEST(many_who_look_for_one_blob_give_to_each_other),
		TEST(what_nobody_has_keeps_nobody_waiting),
		TEST(a_peers_word_makes_a_node_look_no_more_than_its_share),
		TEST(a_quota_refuses_what_is_more),
		TEST(claims_that_do_not_come_keep_nobody_out),
		TEST(a_claim_that_comes_slowly_has_room_by_its_pace),
		TEST(what_somebody_here_names_is_kept_whoever_named_it_first),
		TEST(a_blob_of_another_owner_is_nobodys_fault),
		TEST(roots_that_begin_alike_are_found_as_fast_as_others),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
