/* What a node remembers of blobs that nobody had. SPEC.md section 11.3. */
#include "protocol/peer/blob_fetch.h"
#include "tests/support/hand_engine.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct {
	struct engine *e;
	struct session *s;
	struct store_blob blobs[2];
	size_t wanted; /* how many of them an entry here pins */
	unsigned looks, asked;
	bool slow; /* the peer takes its time with the second */
	uint64_t owed; /* the request that it has not answered */
	unsigned asked_slow;
} t;

static int begin(void **state)
{
	(void)state;
	memset(&t, 0, sizeof t);
	t.e = hand_engine(false);
	t.s = hand_peer(t.e, 1);
	for (uint8_t i = 0; i < 2; i++)
		t.blobs[i] = (struct store_blob){
			.root = {{i, 6}}, .owner = {{i, 7}}, .size = 300000, .no = i + 1u, .pins = 1};
	t.wanted = 1;
	return 0;
}

static int end(void **state)
{
	(void)state;
	engine_free(t.e);
	return 0;
}

static void answer_none(uint64_t req)
{
	ask_done(t.s, &(struct message_done){.req = req, .code = (uint64_t)message_code_out(ERR_NOT_FOUND)});
}

/* The peer has nothing; the store lists what is wanted. */
static void answer_all(void)
{
	struct engine_out out;
	blob_settle(t.e);
	while (engine_next(t.e, &out)) {
		if (out.kind == ENGINE_OUT_STORE) {
			bool list = out.req->op == STORE_BLOB_LIST;
			struct store_res res = {.r = {.n = list ? t.wanted : 0, .blobs = t.blobs}};
			t.looks += list && out.req->a.seq == 0;
			if (!list)
				res.err = ERR_NOT_FOUND;
			hand_stored(t.e, out.req, &res);
		} else if (out.kind == ENGINE_OUT_SEND) {
			union message m;
			assert_int_equal(message_decode(out.type, buf_slice(&out.body), &m), OK);
			buf_free(&out.body);
			if (out.type == MESSAGE_WANT_BLOB) {
				t.asked++;
				if (t.slow && id32_equal(&m.want_blob.root, &t.blobs[1].root)) {
					t.asked_slow++;
					t.owed = m.want_blob.req;
					continue;
				}
				answer_none(m.want_blob.req);
			}
		}
		blob_settle(t.e);
	}
}

/* From all rows, as it looks when a wait ends. */
static void look_again(void)
{
	t.e->now_ms = wants_deadline(t.e);
	assert_int_not_equal(t.e->now_ms, UINT64_MAX);
	blob_time(t.e);
	answer_all();
}

static void a_peers_word_hastens_what_is_wanted_and_nothing_else(void **state)
{
	(void)state;
	blob_session_open(t.s);
	answer_all();
	assert_int_equal(t.looks, 1);
	assert_int_equal(t.asked, 1);
	t.e->now_ms += 1000;
	wants_hasten(t.s, &t.blobs[0].root);
	answer_all();
	assert_int_equal(t.looks, 2);
	assert_int_equal(t.asked, 2);
	t.wanted = 0; /* its entry was erased */
	look_again();
	assert_int_equal(t.looks, 3);
	t.e->now_ms += 100000;
	wants_hasten(t.s, &t.blobs[0].root);
	answer_all();
	assert_int_equal(t.looks, 3);
	assert_int_equal(t.asked, 2);
}

/* While one is asked for, the others' turns come: that does not begin its pauses anew. */
static void pauses_double_though_others_are_looked_for_meanwhile(void **state)
{
	(void)state;
	t.wanted = 2;
	t.slow = true;
	blob_session_open(t.s);
	answer_all();
	answer_none(t.owed);
	answer_all();
	while (t.asked_slow < 2)
		look_again();
	t.e->now_ms += 11000;
	blob_time(t.e);
	answer_all(); /* all are looked at, and this one is being asked for */
	answer_none(t.owed);
	answer_all();
	t.e->now_ms += 7000;
	blob_time(t.e);
	answer_all();
	assert_int_equal(t.asked_slow, 2);
	t.e->now_ms += 5000;
	blob_time(t.e);
	answer_all();
	assert_int_equal(t.asked_slow, 3);
}

/* It stopped before the last of it was given its name: nothing more will come of it, and the other has room. */
static void a_blob_that_is_all_here_and_not_whole_yet_takes_no_more_room(void **state)
{
	(void)state;
	static const uint8_t have[] = {0x1f};
	t.e->config.blob_quota = 1000000;
	t.blobs[0].state = BLOB_PARTIAL;
	t.blobs[0].have = slice_of(have, sizeof have);
	t.blobs[0].have_n = 5;
	t.wanted = 2;
	blob_session_open(t.s);
	answer_all();
	assert_int_equal(engine_blobs_refused(t.e), 0);
	assert_int_equal(t.asked, 1); /* for the other */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_peers_word_hastens_what_is_wanted_and_nothing_else, begin, end),
		cmocka_unit_test_setup_teardown(
			pauses_double_though_others_are_looked_for_meanwhile, begin, end),
		cmocka_unit_test_setup_teardown(
			a_blob_that_is_all_here_and_not_whole_yet_takes_no_more_room, begin, end),
	};
	return cmocka_run_group_tests_name("blob wants", tests, NULL, NULL);
}
