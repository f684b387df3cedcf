/* Notices between real engines on real stores: how far they come, what a flood may take, what they bring about. SPEC.md section 20. */

#include "protocol/log/notice.h"
#include "protocol/peer/message.h"
#include "tests/support/world_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define DAY_S 86400u

/* ann writes, ben carries, cleo hosts the reader; each knows the others, and ann is not connected to cleo. */
struct line {
	struct world_node *ann, *ben, *cleo;
	struct world_person writer, reader;
	struct world_link *ab, *bc;
	struct entry_ref entry; /* of the writer */
};

static void write_entry(struct line *l)
{
	struct engine_event ev = world_append(l->ann, &l->writer, 200);
	assert_int_equal(ev.err, OK);
	l->entry = (struct entry_ref){.log = l->writer.log, .seq = ev.seq, .id = ev.id};
}

/* gossip: cleo's node dials by itself. The others do not, so nobody tells it where ann is. */
static struct line open_with(bool connected, bool gossip)
{
	struct line l = {.ann = world_node_new(&world, "ann"), .ben = world_node_new(&world, "ben")};
	world.gossip = gossip;
	l.cleo = world_node_new(&world, "cleo");
	world.gossip = false;
	world_admit(l.ann, l.ben);
	world_admit(l.ben, l.cleo);
	world_admit(l.ann, l.cleo);
	assert_int_equal(world_person_new(l.ann, &l.writer), OK);
	assert_int_equal(world_person_new(l.cleo, &l.reader), OK);
	l.ab = world_connect(l.ann, l.ben);
	if (connected)
		l.bc = world_connect(l.cleo, l.ben);
	world_run(&world, 1000);
	write_entry(&l);
	return l;
}

static struct line open_line(bool connected)
{
	return open_with(connected, false);
}

static enum err tell(struct line *l, uint32_t hours)
{
	return world_notice(l->ann, &l->writer, &l->entry, &l->reader.id, l->cleo, hours).err;
}

static struct store_follow follow_of(struct world_node *n, const struct id32 *identity)
{
	struct store_req q = {.op = STORE_FOLLOW_LIST};
	struct store_res res;
	struct store_follow f = {0};
	world_store(n, &q, &res);
	assert_int_equal(res.err, OK);
	for (size_t i = 0; i < res.r.n; i++)
		if (id32_equal(&res.r.follows[i].identity, identity))
			f = res.r.follows[i];
	store_res_free(&res);
	return f;
}

static bool follows(struct world_node *n, const struct id32 *identity)
{
	struct store_follow f = follow_of(n, identity);
	return id32_equal(&f.identity, identity);
}

static size_t kept(struct world_node *n)
{
	struct store_req q = {.op = STORE_NOTICE_LIST};
	struct store_res res;
	world_store(n, &q, &res);
	assert_int_equal(res.err, OK);
	size_t count = res.r.n;
	store_res_free(&res);
	return count;
}

static bool has_all(struct world_node *n, const struct world_person *p)
{
	struct store_log l;
	return world_log(n, &p->log, &l) == OK && l.length == p->length && l.gaps == 0;
}

/* Bytes that nobody can open, valid for all that a carrier sees. */
static void send_junk(struct world_link *l, int to, uint64_t nth, uint64_t expires)
{
	uint8_t bytes[LIMIT_NOTICE_BYTES] = {0};
	struct buf body = {0};
	be64_put(bytes, nth);
	struct message_notice m = {.expires = expires, .bytes = slice_of(bytes, sizeof bytes)};
	assert_int_equal(message_encode(MESSAGE_NOTICE, &m, &body), OK);
	world_send(l, to, MESSAGE_NOTICE, buf_slice(&body));
	buf_free(&body);
}

static uint32_t hour(void)
{
	return (uint32_t)(world.wall_s / 3600);
}

/* ---- tests ---- */

static void an_entry_reaches_a_reader_two_hops_away(void **state)
{
	(void)state;
	struct line l = open_with(true, true);
	size_t from = 0;
	assert_int_equal(world_follow(l.ben, &l.writer.id), OK); /* ben carries the log */
	world_run(&world, 2000);
	assert_false(follows(l.cleo, &l.writer.id));
	assert_false(has_all(l.cleo, &l.writer));
	assert_int_equal(tell(&l, 24), OK);
	world_run(&world, 2000);
	assert_true(has_all(l.cleo, &l.writer));
	struct store_follow f = follow_of(l.cleo, &l.writer.id);
	assert_true(f.guest);
	assert_memory_equal(&f.reader, &l.reader.id, 32);
	assert_memory_equal(&f.link, &l.ben->key, 32);
	assert_int_equal(f.since_s, world.wall_s);
	const struct engine_event *ev = world_event(l.cleo, ENGINE_EVENT_GUEST, &from);
	assert_non_null(ev);
	assert_memory_equal(&ev->identity, &l.writer.id, 32);
	assert_int_equal(world.dialled, 0); /* ben has it */
	assert_int_equal(kept(l.ann), 1);
	assert_int_equal(kept(l.ben), 1);
	assert_int_equal(kept(l.cleo), 1);
	/* What is written later comes without another notice. */
	write_entry(&l);
	world_run(&world, 2000);
	assert_true(has_all(l.cleo, &l.writer));
}

static void where_nobody_near_has_it_the_named_node_is_dialled(void **state)
{
	(void)state;
	struct line l = open_with(true, true);
	world_run(&world, 60000);
	assert_int_equal(world.dialled, 0); /* it does not know where */
	assert_int_equal(tell(&l, 24), OK);
	world_run(&world, 5000);
	assert_true(follows(l.cleo, &l.writer.id));
	assert_int_equal(world.dialled, 1);
	assert_true(has_all(l.cleo, &l.writer));
	/* Another notice finds it connected. */
	assert_int_equal(tell(&l, 25), OK);
	world_run(&world, 5000);
	assert_int_equal(world.dialled, 1);
}

static void six_hops_and_a_ring_are_no_obstacle(void **state)
{
	(void)state;
	struct world_node *n[7];
	struct world_person writer, reader;
	for (size_t i = 0; i < 7; i++)
		n[i] = world_node_new(&world, (char[]){(char)('a' + i), 0});
	for (size_t i = 0; i < 7; i++) {
		struct world_node *next = n[(i + 1) % 7];
		world_admit(n[i], next);
		world_connect(n[i], next);
	}
	assert_int_equal(world_person_new(n[0], &writer), OK);
	assert_int_equal(world_person_new(n[3], &reader), OK);
	world_run(&world, 1000);
	struct engine_event ev = world_append(n[0], &writer, 10);
	const struct entry_ref of = {.log = writer.log, .seq = ev.seq, .id = ev.id};
	assert_int_equal(world_notice(n[0], &writer, &of, &reader.id, n[3], 24).err, OK);
	world_run(&world, 5000);
	for (size_t i = 0; i < 7; i++) {
		assert_int_equal(kept(n[i]), 1);
		assert_int_equal(follows(n[i], &writer.id), i == 0 || i == 3);
	}
}

static void a_node_that_was_away_gets_it_later(void **state)
{
	(void)state;
	struct line l = open_line(false);
	assert_int_equal(world_follow(l.ben, &l.writer.id), OK);
	assert_int_equal(tell(&l, 24), OK);
	world_run(&world, 2000);
	assert_int_equal(kept(l.ben), 1);
	world_cut(l.ab);
	world_crash(l.ann);
	world_crash(l.ben);
	world_restart(l.ben); /* from its store */
	world_connect(l.cleo, l.ben);
	world_run(&world, 2000);
	assert_true(has_all(l.cleo, &l.writer));
	assert_int_equal(kept(l.cleo), 1);
}

static void what_one_side_lost_comes_back_within_the_hour(void **state)
{
	(void)state;
	struct line l = open_line(true);
	assert_int_equal(tell(&l, 48), OK);
	world_run(&world, 1000);
	assert_int_equal(kept(l.cleo), 1);
	for (uint64_t i = 0; i < 200; i++) /* more than ben takes from ann, one after the other */
		send_junk(l.ab, 1, i, hour() + 48);
	write_entry(&l);
	assert_int_equal(tell(&l, 49), OK);
	world_run(&world, 1000);
	assert_int_equal(kept(l.ann), 2);
	size_t before = kept(l.ben);
	assert_int_equal(before, 1 + 71);
	world_run(&world, 3700000);
	assert_in_range(kept(l.ben), before + 1, before + 1);
	assert_int_equal(kept(l.cleo), before + 1);
}

static void what_has_expired_is_dropped(void **state)
{
	(void)state;
	struct line l = open_line(true);
	assert_int_equal(tell(&l, LIMIT_NOTICE_HOURS + 1), ERR_INPUT);
	assert_int_equal(tell(&l, 0), ERR_INPUT);
	send_junk(l.ab, 1, 1, hour());
	send_junk(l.ab, 1, 2, hour() + LIMIT_NOTICE_HOURS + 1);
	world_run(&world, 1000);
	assert_int_equal(kept(l.ben), 0);
	send_junk(l.ab, 1, 3, hour() + LIMIT_NOTICE_HOURS);
	send_junk(l.ab, 1, 4, hour() + 1);
	world_run(&world, 1000);
	assert_int_equal(kept(l.ben), 2);
	assert_int_equal(kept(l.cleo), 2);
	world.wall_s += 3600;
	world_run(&world, 900000);
	assert_int_equal(kept(l.ben), 1);
	assert_int_equal(kept(l.cleo), 1);
	world.wall_s += (uint64_t)LIMIT_NOTICE_HOURS * 3600;
	world_run(&world, 900000);
	assert_int_equal(kept(l.ben), 0);
	assert_int_equal(kept(l.cleo), 0);
}

struct count {
	const struct world_node *from, *to;
	size_t notices;
};

static void count_notices(
	void *ctx, struct world_node *from, struct world_node *to, uint8_t type, struct slice body)
{
	struct count *c = ctx;
	(void)body;
	c->notices += from == c->from && to == c->to && type == MESSAGE_NOTICE;
}

static void a_flood_takes_no_more_than_its_share(void **state)
{
	(void)state;
	struct line l = open_line(true);
	struct world_node *flo = world_node_new(&world, "flo");
	struct count c = {.from = l.ben, .to = l.cleo};
	world_admit(flo, l.ben);
	struct world_link *fb = world_connect(flo, l.ben);
	world_run(&world, 1000);
	world.sent = count_notices;
	world.watcher = &c;
	uint64_t begin = world.now_ms;
	for (uint64_t i = 0; i < 5000; i++)
		send_junk(fb, 1, i, hour() + 100);
	world_run(&world, 1000);
	assert_int_equal(kept(l.ben), 72);
	assert_int_equal(c.notices, 64);
	assert_int_equal(kept(l.cleo), 64);
	assert_true(l.bc->open[0] && fb->open[1]); /* nobody is cut off for it */
	/* All that ben may send at once is spent, and eight of the flood wait. The honest one has the next turn. */
	assert_int_equal(tell(&l, 24), OK);
	for (uint64_t i = 0; i < 3000; i++)
		send_junk(fb, 1, 10000 + i, hour() + 100);
	world_run(&world, 61000);
	assert_true(follows(l.cleo, &l.writer.id));
	assert_in_range(c.notices, 65, 64 + (world.now_ms - begin) / 30000 + 1);
	assert_int_equal(kept(l.ben), 73);
	/* A new connection brings no new budget. */
	for (int round = 0; round < 5; round++) {
		world_cut(fb);
		world_run(&world, 10);
		fb = world_connect(flo, l.ben);
		world_run(&world, 10);
		for (uint64_t i = 0; i < 100; i++)
			send_junk(fb, 1, 20000 + 100 * (uint64_t)round + i, hour() + 100);
		world_run(&world, 10);
	}
	assert_int_equal(kept(l.ben), 73 + (world.now_ms - begin) / 30000);
}

static enum err own_junk(struct world_node *n, uint64_t nth, bool wait)
{
	uint8_t bytes[LIMIT_NOTICE_BYTES_MIN] = {0};
	be64_put(bytes, nth);
	struct engine_cmd cmd = {.kind = ENGINE_CMD_NOTICE,
		.expires_hour = hour() + 10,
		.body = slice_of(bytes, sizeof bytes)};
	if (wait)
		return world_command(n, &cmd).err;
	world_command_begin(n, &cmd);
	return OK;
}

static void no_more_than_4096_are_kept(void **state)
{
	(void)state;
	struct line l = open_line(true);
	assert_int_equal(tell(&l, 24), OK);
	world_run(&world, 1000);
	for (uint64_t i = 0; i < LIMIT_NOTICES - 1; i++)
		assert_int_equal(own_junk(l.ben, i, false), OK);
	world_run(&world, 10);
	assert_int_equal(kept(l.ben), LIMIT_NOTICES);
	for (uint64_t i = 0; i < 50; i++)
		assert_int_equal(own_junk(l.ben, 5000 + i, true), OK);
	world_run(&world, 10);
	assert_int_equal(kept(l.ben), LIMIT_NOTICES);
	assert_int_equal(own_junk(l.ben, 5049, true), ERR_EXISTS);
	assert_int_equal(
		own_junk(l.ben, 0, true), OK); /* the oldest of the link that brought most gave way */
	/* Those of others have stayed: what ann brought is told to a newcomer after all that. */
	world_crash(l.ben);
	world_restart(l.ben);
	struct store_req q = {.op = STORE_NOTICE_LIST};
	struct store_res res;
	world_store(l.ben, &q, &res);
	assert_int_equal(res.r.n, LIMIT_NOTICES);
	assert_memory_equal(&res.r.notices[0].link, &l.ann->key, 32);
	store_res_free(&res);
}

static void a_notice_seen_before_has_no_effect(void **state)
{
	(void)state;
	struct line l = open_line(true);
	struct engine_cmd remove = {.kind = ENGINE_CMD_FOLLOW, .identity = l.writer.id};
	assert_int_equal(tell(&l, 24), OK);
	world_run(&world, 1000);
	assert_true(follows(l.cleo, &l.writer.id));
	assert_int_equal(world_command(l.cleo, &remove).err, OK);
	/* The same again, and after a restart, and a new one: cleo's operator has said no. */
	world_crash(l.cleo);
	world_restart(l.cleo);
	world_connect(l.cleo, l.ben);
	write_entry(&l);
	assert_int_equal(tell(&l, 25), OK);
	world_run(&world, 1000);
	assert_int_equal(kept(l.cleo), 2);
	assert_false(follows(l.cleo, &l.writer.id));
	/* Until somebody follows again; then it is no guest. */
	assert_int_equal(world_follow(l.cleo, &l.writer.id), OK);
	assert_int_equal(tell(&l, 26), OK);
	world_run(&world, 1000);
	assert_true(follows(l.cleo, &l.writer.id));
	assert_false(follow_of(l.cleo, &l.writer.id).guest);
}

static void a_notice_for_somebody_who_is_not_here_has_no_effect(void **state)
{
	(void)state;
	struct line l = open_line(true);
	struct world_person other;
	assert_int_equal(world_person_new(l.ben, &other), OK);
	/* Sealed to cleo's node, for somebody whom it only follows. */
	assert_int_equal(world_follow(l.cleo, &other.id), OK);
	assert_int_equal(world_notice(l.ann, &l.writer, &l.entry, &other.id, l.cleo, 24).err, OK);
	world_run(&world, 1000);
	assert_int_equal(kept(l.cleo), 1);
	assert_false(follows(l.cleo, &l.writer.id));
}

/* Somebody whom nobody has to have. */
static void tell_of_stranger(struct line *l, uint8_t nth)
{
	struct world_person p = {.id = {.b = {1, nth}}, .log = {.b = {2, nth}}};
	struct entry_ref of = {.log = p.log, .id = {.b = {3, nth}}};
	assert_int_equal(world_notice(l->ann, &p, &of, &l->reader.id, l->cleo, 24).err, OK);
}

static size_t guests(struct world_node *n)
{
	struct store_req q = {.op = STORE_FOLLOW_LIST};
	struct store_res res;
	size_t count = 0;
	world_store(n, &q, &res);
	for (size_t i = 0; i < res.r.n; i++)
		count += res.r.follows[i].guest;
	store_res_free(&res);
	return count;
}

static void one_link_brings_64_guests_and_no_more(void **state)
{
	(void)state;
	struct line l = open_line(true);
	for (uint8_t i = 0; i < 70; i++)
		tell_of_stranger(&l, i);
	world_run(&world, 10 * 30000);
	assert_int_equal(kept(l.cleo), 70);
	assert_int_equal(guests(l.cleo), LIMIT_GUESTS_PER_LINK);
	/* Somebody real takes the place of one of whom nothing came, and a flood does not take it back. */
	assert_int_equal(world_follow(l.ben, &l.writer.id), OK);
	assert_int_equal(tell(&l, 24), OK);
	world_run(&world, 60000);
	assert_true(follows(l.cleo, &l.writer.id));
	for (uint8_t i = 70; i < 90; i++)
		tell_of_stranger(&l, i);
	world_run(&world, 20 * 30000);
	assert_true(has_all(l.cleo, &l.writer));
	assert_true(follows(l.cleo, &l.writer.id));
	assert_false(follows(l.cleo, &(struct id32){.b = {1, 1}}));
	assert_int_equal(guests(l.cleo), LIMIT_GUESTS_PER_LINK);
	/* Another link may bring more. */
	world_cut(l.bc);
	world_connect(l.cleo, l.ann);
	tell_of_stranger(&l, 100);
	world_run(&world, 1000);
	assert_int_equal(guests(l.cleo), LIMIT_GUESTS_PER_LINK + 1);
}

static void a_guest_of_no_use_goes_after_90_days(void **state)
{
	(void)state;
	struct line l = open_line(true);
	assert_int_equal(tell(&l, 24), OK);
	world_run(&world, 1000);
	assert_true(follows(l.cleo, &l.writer.id));
	world.wall_s += 80 * DAY_S;
	world_run(&world, 700000);
	assert_true(follows(l.cleo, &l.writer.id));
	assert_int_equal(tell(&l, 24), OK); /* it is of use again */
	world_run(&world, 700000);
	world.wall_s += 80 * DAY_S;
	world_run(&world, 700000);
	assert_true(follows(l.cleo, &l.writer.id));
	world.wall_s += 11 * DAY_S;
	world_run(&world, 700000);
	assert_false(follows(l.cleo, &l.writer.id));
	/* Nobody said no: the next notice is welcome. */
	assert_int_equal(tell(&l, 24), OK);
	world_run(&world, 1000);
	assert_true(follow_of(l.cleo, &l.writer.id).guest);
}

static void a_guest_of_whom_somebody_opens_something_stays(void **state)
{
	(void)state;
	struct line l = open_line(true);
	struct store_req used = {.op = STORE_GUEST_USED, .a.ids = &l.writer.id, .a.n = 1};
	struct store_res res;
	assert_int_equal(tell(&l, 24), OK);
	world_run(&world, 1000);
	world.wall_s += 80 * DAY_S;
	used.a.now_s = world.wall_s;
	world_store(l.cleo, &used, &res);
	assert_int_equal(res.err, OK);
	world.wall_s += 80 * DAY_S;
	world_run(&world, 700000);
	assert_true(follows(l.cleo, &l.writer.id));
	world.wall_s += 11 * DAY_S;
	world_run(&world, 700000);
	assert_false(follows(l.cleo, &l.writer.id));
}

static void what_is_malformed_costs_one_connection(void **state)
{
	(void)state;
	struct line l = open_line(true);
	struct buf body = {0};
	uint8_t ids[12] = {0};
	struct message_notice_ids m = {.ids = slice_of(ids, sizeof ids)};
	assert_int_equal(message_encode(MESSAGE_NOTICE_IDS, &m, &body), OK);
	world_send(l.ab, 1, MESSAGE_NOTICE_IDS, buf_slice(&body));
	world_run(&world, 1000);
	buf_free(&body);
	assert_false(l.ab->open[1]);
	assert_true(l.bc->open[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(an_entry_reaches_a_reader_two_hops_away),
		WORLD_TEST(where_nobody_near_has_it_the_named_node_is_dialled),
		WORLD_TEST(six_hops_and_a_ring_are_no_obstacle),
		WORLD_TEST(a_node_that_was_away_gets_it_later),
		WORLD_TEST(what_one_side_lost_comes_back_within_the_hour),
		WORLD_TEST(what_has_expired_is_dropped),
		WORLD_TEST(a_flood_takes_no_more_than_its_share),
		WORLD_TEST(no_more_than_4096_are_kept),
		WORLD_TEST(a_notice_seen_before_has_no_effect),
		WORLD_TEST(a_notice_for_somebody_who_is_not_here_has_no_effect),
		WORLD_TEST(one_link_brings_64_guests_and_no_more),
		WORLD_TEST(a_guest_of_no_use_goes_after_90_days),
		WORLD_TEST(a_guest_of_whom_somebody_opens_something_stays),
		WORLD_TEST(what_is_malformed_costs_one_connection),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
