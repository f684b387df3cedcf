/* What a notice brings about at the node of the one whom it is for. SPEC.md section 20.3. */
#include "protocol/log/notice.h"
#include "protocol/log/secret.h"
#include "protocol/peer/notices_int.h"
#include "tests/support/hand_engine.h"
#include "tests/support/seeded_random.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static uint8_t secret[32] = {21};
static struct engine *e;
static struct notice word = {.to = {{1}},
	.from = {{2}},
	.entry = {.log = {{3}}, .id = {{4}}},
	.node = {{5}},
	.addresses_n = 3,
	.addresses = {"a.example:7411", "b.example:7411", "c.example:7411"}};

static int begin(void **state)
{
	(void)state;
	e = hand_engine(false);
	e->config.notice_secret = secret;
	secret_box_public(secret, &e->config.notice_key);
	return 0;
}

static int end(void **state)
{
	(void)state;
	engine_free(e);
	return 0;
}

/* The notice comes; its author is followed, and these nodes follow him. */
static void take(struct id32 *followers, size_t n)
{
	struct seeded_random chance = {.seed = 20};
	struct random_source rnd = seeded_random_source(&chance);
	uint8_t bytes[LIMIT_NOTICE_BYTES];
	struct id32 link = {{7}}, id = {{8}};
	struct store_res res = {.r = {.n = n, .ids = followers}};
	struct engine_out out;
	assert_int_equal(notice_seal(&word, &e->config.notice_key, &rnd, bytes), OK);
	notice_try(e, &link, &id, slice_of(bytes, sizeof bytes));
	assert_true(hand_next(e, ENGINE_OUT_STORE, &out));
	assert_int_equal(out.req->op, STORE_FOLLOW_GUEST);
	hand_stored(e, out.req, &(struct store_res){.err = OK});
	assert_true(hand_next(e, ENGINE_OUT_STORE, &out));
	assert_int_equal(out.req->op, STORE_FOLLOWERS);
	hand_stored(e, out.req, &res);
}

static void who_serves_it_is_dialled_at_each_address_that_is_told(void **state)
{
	(void)state;
	struct id32 gone = {{6}};
	struct engine_out out;
	(void)hand_peer(e, 1); /* connected, and no follower */
	take(&gone, 1);
	assert_true(hand_next(e, ENGINE_OUT_STORE, &out));
	assert_int_equal(out.req->op, STORE_PEER_HEARD);
	assert_memory_equal(&out.req->a.node, &word.node, 32);
	assert_int_equal(out.req->a.peer->addresses_n, 3);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(out.req->a.peer->addresses[i], word.addresses[i]);
	hand_stored(e, out.req, &(struct store_res){.err = OK});
}

/* SPEC 20.3: "dials `node` if no connected peer follows `from`" */
static void nobody_is_dialled_where_a_peer_follows_the_author(void **state)
{
	(void)state;
	struct id32 followers[] = {{{6}}, hand_peer(e, 1)->node};
	struct engine_out out;
	take(followers, 2);
	assert_false(hand_next(e, ENGINE_OUT_STORE, &out));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			who_serves_it_is_dialled_at_each_address_that_is_told, begin, end),
		cmocka_unit_test_setup_teardown(
			nobody_is_dialled_where_a_peer_follows_the_author, begin, end),
	};
	return cmocka_run_group_tests_name("notice effect", tests, NULL, NULL);
}
