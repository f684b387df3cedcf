/* Whom a node dials, and when. SPEC.md section 19.1. */
#include "protocol/peer/members_int.h"
#include "tests/support/hand_engine.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define MEMBERS 200

/* Tries of many nodes spread, and none comes much sooner or later than it is meant to. */
static void a_pause_is_half_for_certain_and_half_by_chance(void **state)
{
	(void)state;
	struct engine *e = hand_engine(false);
	uint64_t least = UINT64_MAX, most = 0;
	for (unsigned i = 0; i < 1000; i++) {
		uint64_t ms = members_jitter(e, 1000);
		least = ms < least ? ms : least;
		most = ms > most ? ms : most;
	}
	assert_in_range(least, 500, 550);
	assert_in_range(most, 950, 1000);
	engine_free(e);
}

static struct id32 member_at(size_t i)
{
	return (struct id32){{(uint8_t)i, 3}};
}

static void know_members(struct engine *e)
{
	struct members *m = e->members;
	m->all = calloc(MEMBERS, sizeof *m->all);
	assert_non_null(m->all);
	for (m->n = 0; m->n < MEMBERS; m->n++)
		m->all[m->n] = (struct member){.node = member_at(m->n), .reachable = true, .met = true};
	m->loaded = true;
}

/* The store's answers to one look: so many identities have no source; eight members follow them in turn, from the 50th on. */
static void answer_look(struct engine *e, size_t identities)
{
	struct engine_out out;
	struct id32 wanted[8], nodes[8];
	uint64_t of[8];
	for (size_t i = 0; i < 8; i++) {
		wanted[i] = (struct id32){{(uint8_t)i, 4}};
		nodes[i] = member_at(50 + i);
		of[i] = i % identities;
	}
	while (hand_next(e, ENGINE_OUT_STORE, &out)) {
		struct store_res res = {.err = OK};
		if (out.req->op == STORE_SOURCES) {
			res.r.n = res.r.count = identities;
			res.r.ids = wanted;
		} else if (out.req->op == STORE_FOLLOWERS) {
			res.r.n = 8;
			res.r.ids = nodes;
			res.r.seqs = of;
		} else {
			res.err = ERR_NOT_FOUND; /* key events: nobody hosts */
		}
		hand_stored(e, out.req, &res);
	}
}

/* One that has just looked for sources. */
static struct engine *looking(size_t identities)
{
	struct engine *e = hand_engine(true);
	assert_true(members_start(e));
	know_members(e);
	members_look(e);
	answer_look(e, identities);
	return e;
}

static unsigned dials(struct engine *e, bool dialled[MEMBERS])
{
	struct engine_out out;
	unsigned n = 0;
	e->members->plan = true;
	members_pump(e);
	for (; hand_next(e, ENGINE_OUT_DIAL, &out); n++)
		dialled[out.node.b[0]] = true;
	return n;
}

/* SPEC 19.1: "It also keeps one connection for each identity that it follows" */
static void each_identity_without_a_source_has_one_dialled(void **state)
{
	(void)state;
	struct engine *e = looking(8);
	bool dialled[MEMBERS] = {false};
	(void)dials(e, dialled);
	for (size_t i = 0; i < MEMBERS; i++)
		assert_int_equal(dialled[i], i >= 50 && i < 58);
	engine_free(e);
}

/* One of eight that could be its source is enough, while it is dialled, and while nobody knows yet what it gives. */
static void an_identity_has_one_source_dialled_and_no_more(void **state)
{
	(void)state;
	struct engine *e = looking(1);
	bool dialled[MEMBERS] = {false};
	unsigned sources = 0;
	assert_int_equal(dials(e, dialled), MEMBERS_NEIGHBOURS);
	for (size_t i = 50; i < 58; i++)
		sources += dialled[i];
	assert_in_range(sources, 1, 2); /* the others are chosen by chance */
	assert_int_equal(dials(e, dialled), 0);
	for (size_t i = 0; i < MEMBERS; i++)
		if (dialled[i])
			hand_peer(e, i + 1)->node = member_at(i);
	assert_int_equal(dials(e, dialled), 0);
	engine_free(e);
}

/* ---- what is told */

/* SPEC 19.2: "node keys of relays (section 19.5) through which it can be reached" */
static void a_relay_names_itself_once(void **state)
{
	(void)state;
	for (int told = 0; told < 2; told++) { /* before it is told that it is one, and after */
		struct engine *e = looking(1);
		struct session *s = hand_peer(e, 1);
		struct engine_out out;
		struct store_peer row = {
			.node = hand_peer(e, 2)->node, .through = {{{77}}, {{88}}}, .through_n = 1};
		struct store_res res = {.r = {.n = 1, .peers = &row}};
		union message m;
		e->config.relay = true;
		if (told)
			row.through[row.through_n++] = e->config.node;
		members_tell(s, false);
		assert_true(hand_next(e, ENGINE_OUT_STORE, &out));
		assert_int_equal(out.req->op, STORE_PEER_SOME);
		hand_stored(e, out.req, &res);
		assert_true(hand_next(e, ENGINE_OUT_SEND, &out));
		assert_int_equal(message_decode(out.type, buf_slice(&out.body), &m), OK);
		assert_int_equal(m.peers.peers.n, 2);
		struct mp_in in = message_list_open(&m.peers.peers);
		(void)message_next_peer(&in);
		struct message_peer p = message_next_peer(&in);
		assert_int_equal(p.relays_n, 2);
		assert_memory_equal(&p.relays[told], &e->config.node, 32);
		assert_int_equal(p.relays[!told].b[0], 77);
		buf_free(&out.body);
		engine_free(e);
	}
}

/* How many of those that the peer tells of are to be kept; the store says so of each. */
static unsigned kept(struct session *s, const struct message_peers *m, enum err says)
{
	struct engine_out out;
	unsigned n = 0;
	s->e->now_ms += MEMBERS_TAKE_MS;
	members_peers(s, m);
	while (hand_next(s->e, ENGINE_OUT_STORE, &out)) {
		struct store_res res = {.err = says};
		n += out.req->op == STORE_PEER_HEARD;
		hand_stored(s->e, out.req, &res);
	}
	return n;
}

/* Of the first 32 members. */
static struct message_peers tale(struct buf *list)
{
	struct mp_out o = mp_out_init(list);
	for (size_t i = 0; i < 32; i++) {
		struct message_peer p = {
			.node = member_at(i), .addresses = {slice_str("a.example:7411")}, .addresses_n = 1};
		message_put_peer(&o, &p);
	}
	assert_int_equal(o.err, OK);
	return (struct message_peers){.peers = {.n = 32, .raw = buf_slice(list)}};
}

static void what_is_told_again_and_again_is_kept_once_it_could_be(void **state)
{
	(void)state;
	struct engine *e = looking(1);
	struct session *s = hand_peer(e, 1);
	struct buf list = {0};
	struct message_peers m = tale(&list);
	assert_int_equal(kept(s, &m, ERR_FULL), 32);
	assert_int_equal(kept(s, &m, ERR_FULL), 32); /* none of them was */
	assert_int_equal(kept(s, &m, OK), 32);
	assert_int_equal(kept(s, &m, OK), 0);
	e->wall_s += MEMBERS_TOLD_AGAIN_S + 1;
	assert_int_equal(kept(s, &m, OK), 32);
	buf_free(&list);
	engine_free(e);
}

/* Reads the table of members anew: all have this address. */
static void reload(struct engine *e, const char *address)
{
	static struct store_peer rows[MEMBERS];
	struct store_res res = {.r = {.n = MEMBERS, .peers = rows}};
	struct engine_out out;
	for (size_t i = 0; i < MEMBERS; i++) {
		rows[i] = (struct store_peer){.node = member_at(i), .addresses_n = 1};
		memcpy(rows[i].addresses[0], address, strlen(address) + 1);
	}
	e->now_ms += MEMBERS_LOAD_MS;
	members_load(e);
	assert_true(hand_next(e, ENGINE_OUT_STORE, &out));
	assert_int_equal(out.req->op, STORE_PEER_LIST);
	hand_stored(e, out.req, &res);
	while (hand_next(e, ENGINE_OUT_STORE, &out)) /* it looks for sources */
		hand_stored(e, out.req, &(struct store_res){.err = ERR_NOT_FOUND});
}

/* SPEC 19.2: "keeps newer addresses beside what the node said of itself" */
static void what_was_told_of_a_member_counts_until_it_is_another(void **state)
{
	(void)state;
	struct engine *e = looking(1);
	struct session *s = hand_peer(e, 1);
	struct buf list = {0};
	struct message_peers m = tale(&list);
	e->members->loading = false; /* the first reading is answered as the test likes */
	reload(e, "b.example:7411");
	assert_int_equal(kept(s, &m, OK), 32);
	reload(e, "b.example:7411");
	assert_int_equal(kept(s, &m, OK), 0);
	reload(e, "c.example:7411");
	assert_int_equal(kept(s, &m, OK), 32);
	buf_free(&list);
	engine_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pause_is_half_for_certain_and_half_by_chance),
		cmocka_unit_test(each_identity_without_a_source_has_one_dialled),
		cmocka_unit_test(an_identity_has_one_source_dialled_and_no_more),
		cmocka_unit_test(a_relay_names_itself_once),
		cmocka_unit_test(what_is_told_again_and_again_is_kept_once_it_could_be),
		cmocka_unit_test(what_was_told_of_a_member_counts_until_it_is_another),
	};
	return cmocka_run_group_tests_name("members", tests, NULL, NULL);
}
