/* protocol/peer/relay.c: who may relay, through whom, how often; a bare engine, whose store knows members by the first byte of their key. SPEC.md section 19.5. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "protocol/peer/engine_int.h"

#define MEMBER 0x10 /* keys from here on are members' */
#define CONNS 128

static struct {
	struct engine *e;
	uint64_t now_ms;
	conn_id next;
	/* what came out for each connection */
	unsigned sent[CONNS][MESSAGE_COUNT];
	unsigned byes[CONNS][256];
	uint8_t token[CONNS][16];
	bool closed[CONNS], renewed[CONNS];
	conn_id spliced[CONNS];
	struct engine_event offer;
	size_t splices, offers;
	bool member_gone; /* the store knows nobody */
} f;

static void step(struct engine_in *in);

static void stored(struct store_req *q)
{
	struct store_res *res = calloc(1, sizeof *res);
	assert_non_null(res);
	res->op = q->op;
	res->tag = q->tag;
	if (q->op == STORE_PEER_GET) {
		struct store_peer *p = arena_alloc(&res->mem, sizeof *p);
		assert_non_null(p);
		*p = (struct store_peer){.node = q->a.node, .origin = PEER_ADMITTED};
		res->r.peers = p;
		res->r.n = 1;
		if (q->a.node.b[0] < MEMBER || f.member_gone)
			res->err = ERR_NOT_FOUND;
	}
	if (q->op == STORE_IDENTITY_GET) /* of the network nothing is known here */
		res->err = ERR_NOT_FOUND;
	struct engine_in in = {.kind = ENGINE_IN_STORED, .res = res};
	store_req_free(q);
	free(q);
	step(&in);
	free(res);
}

static void sent(const struct engine_out *o)
{
	union message m;
	assert_int_equal(message_decode(o->type, buf_slice(&o->body), &m), OK);
	f.sent[o->conn][o->type]++;
	if (o->type == MESSAGE_BYE)
		f.byes[o->conn][m.bye.code]++;
	if (o->type == MESSAGE_RELAY_OFFER)
		memcpy(f.token[o->conn], m.relay_offer.token.p, 16);
}

static void heard(const struct engine_event *ev)
{
	if (ev->kind != ENGINE_EVENT_RELAY_OFFER)
		return;
	f.offer = *ev;
	f.offers++;
}

static void drain(void)
{
	struct engine_out o;
	while (engine_next(f.e, &o)) {
		switch (o.kind) {
		case ENGINE_OUT_SEND:
			sent(&o);
			buf_free(&o.body);
			break;
		case ENGINE_OUT_CLOSE: f.closed[o.conn] = true; break;
		case ENGINE_OUT_SPLICE:
			f.spliced[o.conn] = o.other;
			f.splices++;
			break;
		case ENGINE_OUT_RENEW: f.renewed[o.conn] = true; break;
		case ENGINE_OUT_STORE: stored(o.req); break;
		case ENGINE_OUT_WORK: engine_work_free(o.work); break;
		case ENGINE_OUT_EVENT: heard(&o.event); break;
		case ENGINE_OUT_PAUSE:
		case ENGINE_OUT_RESUME:
		case ENGINE_OUT_DIAL: break;
		}
	}
}

static void step(struct engine_in *in)
{
	in->now_ms = f.now_ms;
	in->wall_s = 1760000000;
	engine_step(f.e, in);
	drain();
}

static void begin(bool relay)
{
	memset(&f, 0, sizeof f);
	const struct engine_config c = {
		.node = {.b = {1}}, .network = {.b = {2}}, .relay = relay, .seed = {3}};
	f.e = engine_new(&c);
	assert_non_null(f.e);
	drain();
}

static int end(void **state)
{
	(void)state;
	engine_free(f.e);
	return 0;
}

static struct id32 key(uint8_t first, uint8_t second)
{
	return (struct id32){.b = {first, second}};
}

static conn_id opened(struct id32 peer, struct engine_in in)
{
	assert_true(f.next + 1 < CONNS);
	in.kind = ENGINE_IN_OPENED;
	in.conn = ++f.next;
	in.peer = peer;
	step(&in);
	return f.next;
}

static void say(conn_id conn, enum message_type type, const void *m)
{
	struct buf b = {0};
	assert_int_equal(message_encode(type, m, &b), OK);
	struct engine_in in = {
		.kind = ENGINE_IN_MESSAGE, .conn = conn, .type = (uint8_t)type, .body = buf_slice(&b)};
	step(&in);
	buf_free(&b);
}

static void gone(conn_id conn)
{
	struct engine_in in = {.kind = ENGINE_IN_CLOSED, .conn = conn};
	step(&in);
}

/* A member that dialled us, and said hello. */
static conn_id member(uint8_t n)
{
	const uint8_t instance[16] = {n};
	conn_id c = opened(key(MEMBER, n), (struct engine_in){0});
	say(c, MESSAGE_HELLO,
		&(struct message_hello){.version = 1,
			.instance = slice_of(instance, 16),
			.cursor_instance = slice_of(instance, 16)});
	assert_int_equal(f.sent[c][MESSAGE_HELLO], 1);
	return c;
}

static conn_id asks(struct id32 who, struct id32 whom)
{
	conn_id c = opened(who, (struct engine_in){0});
	say(c, MESSAGE_RELAY, &(struct message_relay){.node = whom});
	return c;
}

static conn_id accepts(struct id32 who, const uint8_t token[16])
{
	conn_id c = opened(who, (struct engine_in){0});
	say(c, MESSAGE_RELAY_ACCEPT, &(struct message_relay_accept){.token = slice_of(token, 16)});
	return c;
}

static bool ended(conn_id c, enum err code)
{
	return f.closed[c] && f.byes[c][code] == 1 && f.sent[c][MESSAGE_RELAY_READY] == 0;
}

static void two_members_are_brought_together(void **state)
{
	(void)state;
	begin(true);
	conn_id wanted = member(2), asker = asks(key(MEMBER, 1), key(MEMBER, 2));
	assert_int_equal(f.sent[wanted][MESSAGE_RELAY_OFFER], 1);
	assert_int_equal(f.sent[asker][MESSAGE_RELAY_READY], 0);
	conn_id second = accepts(key(MEMBER, 2), f.token[wanted]);
	assert_int_equal(f.sent[asker][MESSAGE_RELAY_READY], 1);
	assert_int_equal(f.sent[second][MESSAGE_RELAY_READY], 1);
	assert_int_equal(f.spliced[asker], second);
	/* The engine has nothing to do with them any more, and time does not end them. */
	f.now_ms += 2 * LIMIT_HANDSHAKE_MS;
	step(&(struct engine_in){.kind = ENGINE_IN_TIME});
	assert_false(f.closed[asker] || f.closed[second]);
	say(asker, MESSAGE_PING, &(struct message_ping){.token = 1});
	assert_int_equal(f.sent[asker][MESSAGE_PONG] + f.sent[asker][MESSAGE_BYE], 0);
	gone(asker);
	gone(second);
	struct engine_peer_info info[4];
	assert_int_equal(engine_peers(f.e, info, 4), 1);
}

static void a_token_is_good_once_and_for_one(void **state)
{
	(void)state;
	begin(true);
	conn_id wanted = member(2), asker = asks(key(MEMBER, 1), key(MEMBER, 2));
	uint8_t wrong[16];
	memcpy(wrong, f.token[wanted], 16);
	wrong[15] ^= 1;
	assert_true(ended(accepts(key(MEMBER, 2), wrong), ERR_NOT_FOUND));
	assert_true(ended(accepts(key(MEMBER, 3), f.token[wanted]), ERR_NOT_FOUND));
	assert_true(ended(accepts(key(1, 3), f.token[wanted]), ERR_NOT_FOUND));
	assert_int_equal(f.splices, 0);
	assert_int_equal(f.spliced[asker], 0);
	(void)accepts(key(MEMBER, 2), f.token[wanted]);
	assert_int_equal(f.splices, 1);
	assert_true(ended(accepts(key(MEMBER, 2), f.token[wanted]), ERR_NOT_FOUND));
	assert_int_equal(f.splices, 1);
	/* The next is another. */
	uint8_t before[16];
	memcpy(before, f.token[wanted], 16);
	(void)asks(key(MEMBER, 1), key(MEMBER, 2));
	assert_int_equal(f.sent[wanted][MESSAGE_RELAY_OFFER], 2);
	assert_memory_not_equal(before, f.token[wanted], 16);
}

static void a_token_dies_with_the_asker_and_after_its_time(void **state)
{
	(void)state;
	begin(true);
	conn_id wanted = member(2), asker = asks(key(MEMBER, 1), key(MEMBER, 2));
	gone(asker);
	assert_true(ended(accepts(key(MEMBER, 2), f.token[wanted]), ERR_NOT_FOUND));
	asker = asks(key(MEMBER, 1), key(MEMBER, 2));
	f.now_ms += LIMIT_HANDSHAKE_MS;
	step(&(struct engine_in){.kind = ENGINE_IN_TIME});
	assert_true(ended(asker, ERR_TIMEOUT));
	assert_true(ended(accepts(key(MEMBER, 2), f.token[wanted]), ERR_NOT_FOUND));
	assert_int_equal(f.splices, 0);
}

static void who_is_not_served_is_told_why(void **state)
{
	(void)state;
	begin(true);
	conn_id wanted = member(2);
	assert_true(ended(asks(key(1, 1), key(MEMBER, 2)), ERR_REFUSED));
	assert_true(ended(asks(key(MEMBER, 1), key(MEMBER, 9)), ERR_NOT_FOUND));
	assert_true(ended(asks(key(MEMBER, 1), key(1, 0)), ERR_NOT_FOUND));
	assert_true(ended(asks(key(MEMBER, 1), key(0, 0)), ERR_NOT_FOUND));
	assert_int_equal(f.sent[wanted][MESSAGE_RELAY_OFFER], 0);
	conn_id asker = asks(key(MEMBER, 1), key(MEMBER, 2));
	say(asker, MESSAGE_RELAY, &(struct message_relay){.node = key(MEMBER, 2)});
	assert_true(ended(asker, ERR_WIRE));
	asker = asks(key(MEMBER, 1), key(MEMBER, 2));
	const uint8_t secret[16] = {0};
	say(asker, MESSAGE_REDEEM, &(struct message_redeem){.secret = slice_of(secret, 16)});
	assert_true(ended(asker, ERR_WIRE));
	say(wanted, MESSAGE_RELAY, &(struct message_relay){.node = key(MEMBER, 1)});
	assert_true(ended(wanted, ERR_WIRE));
}

static void who_does_not_relay_says_so(void **state)
{
	(void)state;
	begin(false);
	conn_id wanted = member(2);
	assert_true(ended(asks(key(MEMBER, 1), key(MEMBER, 2)), ERR_REFUSED));
	assert_true(ended(accepts(key(MEMBER, 2), f.token[wanted]), ERR_REFUSED));
	assert_int_equal(f.sent[wanted][MESSAGE_RELAY_OFFER], 0);
}

static void pairs_are_bounded_for_one_and_for_all(void **state)
{
	(void)state;
	begin(true);
	conn_id wanted = member(2), first = 0;
	for (uint8_t i = 0; i < RELAYED_MAX; i++) {
		conn_id c = asks(key(MEMBER, (uint8_t)(10 + i / RELAYED_MAX_OF_ONE)), key(MEMBER, 2));
		assert_false(f.closed[c]);
		first = first ? first : c;
		if (i == RELAYED_MAX_OF_ONE - 1)
			assert_true(ended(asks(key(MEMBER, 10), key(MEMBER, 2)), ERR_LIMIT));
		if (i % 2 == 0)
			(void)accepts(key(MEMBER, 2), f.token[wanted]);
	}
	assert_int_equal(f.splices, RELAYED_MAX / 2);
	assert_true(ended(asks(key(MEMBER, 99), key(MEMBER, 2)), ERR_LIMIT));
	/* One that is over makes room for one. */
	gone(first);
	assert_false(f.closed[asks(key(MEMBER, 99), key(MEMBER, 2))]);
	assert_true(ended(asks(key(MEMBER, 98), key(MEMBER, 2)), ERR_LIMIT));
}

static void offers_are_taken_up_in_bounds(void **state)
{
	(void)state;
	begin(false);
	conn_id relay = member(2);
	uint8_t token[16] = {7};
	for (unsigned window = 0; window < 3; window++) {
		for (unsigned i = 0; i < RELAY_OFFERS_MAX + 5; i++) {
			token[1] = (uint8_t)i;
			say(relay, MESSAGE_RELAY_OFFER,
				&(struct message_relay_offer){.token = slice_of(token, 16)});
		}
		assert_int_equal(f.offers, (window + 1) * RELAY_OFFERS_MAX);
		assert_int_equal(f.offer.id.b[0], 7);
		assert_int_equal(f.offer.id.b[1], RELAY_OFFERS_MAX - 1);
		assert_int_equal(f.offer.node.b[1], 2);
		f.now_ms += RELAY_OFFERS_MS;
	}
	assert_false(f.closed[relay]);
}

static void an_end_asks_and_goes_over_when_the_relay_is_ready(void **state)
{
	(void)state;
	begin(false);
	const struct message_relay_ready ready = {.idle = RELAY_IDLE_S};
	struct engine_in ask = {.initiator = true, .relay = ENGINE_RELAY_ASK, .relay_node = key(MEMBER, 5)},
			 accept = {.initiator = true, .relay = ENGINE_RELAY_ACCEPT, .secret = {9}};
	conn_id a = opened(key(MEMBER, 2), ask), b = opened(key(MEMBER, 2), accept);
	assert_int_equal(f.sent[a][MESSAGE_RELAY], 1);
	assert_int_equal(f.sent[b][MESSAGE_RELAY_ACCEPT], 1);
	assert_int_equal(f.sent[a][MESSAGE_HELLO] + f.sent[b][MESSAGE_HELLO], 0);
	say(a, MESSAGE_RELAY_READY, &ready);
	say(b, MESSAGE_RELAY_READY, &ready);
	assert_true(f.renewed[a] && f.renewed[b]);
	gone(a);
	gone(b);
	/* Nobody asked this one. */
	conn_id c = opened(key(MEMBER, 2), (struct engine_in){.initiator = true, .redeem = true});
	say(c, MESSAGE_RELAY_READY, &ready);
	assert_true(f.closed[c] && f.byes[c][ERR_WIRE] == 1 && !f.renewed[c]);
	/* A relay that says neither yes nor no is not waited for. */
	conn_id d = opened(key(MEMBER, 2), ask);
	f.now_ms += LIMIT_HANDSHAKE_MS;
	step(&(struct engine_in){.kind = ENGINE_IN_TIME});
	assert_true(f.closed[d]);
}

#define TEST(t) cmocka_unit_test_teardown(t, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(two_members_are_brought_together),
		TEST(a_token_is_good_once_and_for_one),
		TEST(a_token_dies_with_the_asker_and_after_its_time),
		TEST(who_is_not_served_is_told_why),
		TEST(who_does_not_relay_says_so),
		TEST(pairs_are_bounded_for_one_and_for_all),
		TEST(offers_are_taken_up_in_bounds),
		TEST(an_end_asks_and_goes_over_when_the_relay_is_ready),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
