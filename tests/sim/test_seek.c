/* What lies behind the end of a log, and is named by something that counts, comes to who was not there before. SPEC.md sections 4.4 and 10.10. */
#include "protocol/log/mp.h"
#include "protocol/peer/message.h"
#include "tests/support/seek_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void who_came_later_gets_it_by_its_id_and_gives_it_on(void **state)
{
	(void)state;
	struct scene c = begin();
	meet(&c, false, true);
	assert_int_equal(seek(c.late, &c.at), OK);
	pass(2000);
	has_it(&c, c.late);
	world_crash(c.late);
	world_restart(c.late);
	has_it(&c, c.late);
	struct world_node *last = world_node_new(&world, "last");
	world_admit(last, c.late);
	assert_int_equal(world_follow(last, &c.p.id), OK);
	world_connect(last, c.late);
	pass(5000);
	assert_int_equal(kind_held(last, &c.at), 0);
	assert_int_equal(seek(last, &c.at), OK);
	pass(2000);
	has_it(&c, last);
}

/* It was asked before it had heard the peer's first listing. SPEC 10.10: "it answers as soon as it may" */
static void who_writes_the_log_answers_when_it_may(void **state)
{
	(void)state;
	for (int restarted = 0; restarted < 2; restarted++) {
		void *fresh = NULL;
		if (restarted) {
			assert_int_equal(close_world(&fresh), 0);
			assert_int_equal(open_world(&fresh), 0);
		}
		struct scene c = begin();
		meet(&c, false, true);
		world_cut(c.to_other);
		assert_int_equal(seek(c.late, &c.at), OK);
		if (restarted) {
			world_crash(c.early);
			world_restart(c.early);
		}
		c.to_early = world_connect(c.late, c.early);
		pass(2000);
		has_it(&c, c.late);
	}
}

static struct hostile {
	struct world_node *who;
	int what;
	unsigned seeks;
} hostile;

enum { SILENT, ANOTHER_BODY, ANOTHER_SIGNATURE, ANOTHER_ENTRY, NO_PART, WITHHELD, WHATS };

static void put_part(struct buf *to, const struct message_part *p)
{
	struct mp_out o = mp_out_init(to);
	message_put_part(&o, p);
	assert_int_equal(o.err, OK);
}

static bool lie(void *ctx, struct world_link *l, int to, uint8_t *type, struct buf *body)
{
	(void)ctx;
	union message m;
	struct buf out = {0}, parts = {0}, bytes = {0};
	hostile.seeks += *type == MESSAGE_SEEK;
	if (*type == MESSAGE_SEEK && l->nodes[to] == hostile.who && hostile.what == SILENT)
		return false;
	if (*type != MESSAGE_FOUND || l->nodes[!to] != hostile.who)
		return true;
	assert_int_equal(message_decode(MESSAGE_FOUND, buf_slice(body), &m), OK);
	struct mp_in in = message_list_open(&m.found.parts);
	struct message_part p = message_next_part(&in);
	if (hostile.what == ANOTHER_BODY || hostile.what == ANOTHER_SIGNATURE) {
		struct slice of = hostile.what == ANOTHER_BODY ? p.bytes : m.found.signature;
		assert_int_equal(buf_put_slice(&bytes, of), OK);
		bytes.p[40] ^= 1;
	}
	if (hostile.what == ANOTHER_BODY)
		p.bytes = buf_slice(&bytes);
	if (hostile.what == ANOTHER_SIGNATURE)
		m.found.signature = buf_slice(&bytes);
	if (hostile.what == ANOTHER_ENTRY)
		m.found.headers = slice_of(
			m.found.headers.p + ENTRY_HEADER_BYTES, m.found.headers.n - ENTRY_HEADER_BYTES);
	if (hostile.what == WITHHELD)
		p = (struct message_part){.kind = BODY_WITHHELD};
	put_part(&parts, &p);
	m.found.parts = (struct message_list){.n = hostile.what != NO_PART, .raw = buf_slice(&parts)};
	if (hostile.what == NO_PART)
		m.found.parts.raw = (struct slice){0};
	assert_int_equal(message_encode(MESSAGE_FOUND, &m, &out), OK);
	buf_free(body);
	*body = out;
	buf_free(&parts);
	buf_free(&bytes);
	return true;
}

/* Whatever the first that is asked does, the second gives it. */
static void a_liar_loses_its_connection_and_another_one_is_asked(void **state)
{
	(void)state;
	for (int what = 0; what < WHATS; what++) {
		void *fresh = NULL;
		if (what) {
			assert_int_equal(close_world(&fresh), 0);
			assert_int_equal(open_world(&fresh), 0);
		}
		struct scene c = begin();
		hostile = (struct hostile){.who = c.early, .what = what};
		world.meddle = lie;
		meet(&c, true, false);
		assert_int_equal(seek(c.late, &c.at), OK);
		pass(1000);
		assert_int_equal(kind_held(c.late, &c.at), 0);
		assert_int_equal(c.to_early->open[0], what == SILENT);
		c.to_other = world_connect(c.late, c.other);
		pass(40000);
		has_it(&c, c.late);
		if (what == SILENT) /* as one that does not know the message: nothing is its fault */
			assert_true(c.to_early->open[0] && c.to_early->open[1]);
	}
}

static struct {
	struct world_link *link;
	int to;
	struct buf body;
} late_answer;

static bool hold_back(void *ctx, struct world_link *l, int to, uint8_t *type, struct buf *body)
{
	(void)ctx;
	if (*type != MESSAGE_FOUND || late_answer.link)
		return true;
	late_answer.link = l;
	late_answer.to = to;
	assert_int_equal(buf_put_slice(&late_answer.body, buf_slice(body)), OK);
	return false;
}

/* The search that it answers was given up meanwhile, and begun anew. */
static void an_answer_that_comes_very_late_is_nobodys_fault(void **state)
{
	(void)state;
	struct scene c = begin();
	struct engine_cmd unfollow = {.kind = ENGINE_CMD_FOLLOW, .identity = c.p.id};
	memset(&late_answer, 0, sizeof late_answer);
	world.meddle = hold_back;
	meet(&c, true, false);
	assert_int_equal(seek(c.late, &c.at), OK);
	pass(40000);
	assert_non_null(late_answer.link);
	assert_int_equal(world_command(c.late, &unfollow).err, OK);
	struct world_link *l = world_connect(c.late, c.named);
	pass(5000);
	world_cut(l);
	assert_int_equal(world_follow(c.late, &c.p.id), OK);
	pass(1000);
	assert_int_equal(seek(c.late, &c.at), OK);
	pass(1000);
	world_send(late_answer.link, late_answer.to, MESSAGE_FOUND, buf_slice(&late_answer.body));
	pass(1000);
	buf_free(&late_answer.body);
	assert_true(c.to_early->open[0] && c.to_early->open[1]);
	pass(200000);
	has_it(&c, c.late);
}

static void what_nobody_has_is_asked_for_less_and_less(void **state)
{
	(void)state;
	struct scene c = begin();
	hostile = (struct hostile){0};
	world.meddle = lie;
	meet(&c, true, true);
	c.at.id.b[3] ^= 1;
	assert_int_equal(seek(c.late, &c.at), OK);
	assert_int_equal(seek(c.late, &c.at), ERR_EXISTS);
	pass(3600u * 1000);
	assert_in_range(hostile.seeks, 8, 14); /* two peers; after 0, 1, 3, 7, 15, 31 minutes */
	pass(30u * 86400 * 1000);
	assert_in_range(hostile.seeks, 40, 100);
	assert_true(c.to_early->open[0] && c.to_other->open[0]);
	/* What would come with the log is not sought. */
	unsigned before = hostile.seeks;
	struct entry_ref counts = {.log = c.p.log, .seq = 3, .id = id_at(c.late, &c.p.log, 3)};
	assert_int_equal(seek(c.late, &counts), OK);
	pass(1000);
	struct world_person q;
	assert_int_equal(world_person_new(c.early, &q), OK);
	assert_int_equal(world_follow(c.late, &q.id), OK);
	pass(5000);
	counts = (struct entry_ref){.log = q.log, .seq = 30, .id = {{7}}};
	assert_int_equal(kind_held(c.late, &counts), 0);
	assert_int_equal(seek(c.late, &counts), OK);
	pass(1000);
	assert_int_equal(hostile.seeks, before);
}

static void what_was_erased_stays_erased(void **state)
{
	(void)state;
	struct scene c = begin();
	assert_true(world_erase_begin(c.early, &c.p, WANTED) != 0);
	pass(1000);
	meet(&c, true, false);
	assert_int_equal(seek(c.late, &c.at), OK);
	pass(1000);
	assert_int_equal(kind_held(c.late, &c.at), BODY_ERASED);
	c.to_other = world_connect(c.late, c.other);
	pass(5000);
	assert_int_equal(seek(c.late, &c.at), OK);
	pass(100000);
	assert_int_equal(kind_held(c.late, &c.at), BODY_ERASED);
}

static void a_second_question_before_the_answer_costs_the_connection(void **state)
{
	(void)state;
	struct scene c = begin();
	struct buf body = {0};
	struct message_seek m = {.log = c.at.log, .seq = c.at.seq, .id = c.at.id};
	meet(&c, true, false);
	assert_int_equal(message_encode(MESSAGE_SEEK, &m, &body), OK);
	int to = c.to_early->nodes[1] == c.early;
	world_send(c.to_early, to, MESSAGE_SEEK, buf_slice(&body));
	world_send(c.to_early, to, MESSAGE_SEEK, buf_slice(&body));
	pass(1000);
	assert_false(c.to_early->open[1]);
	buf_free(&body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(who_came_later_gets_it_by_its_id_and_gives_it_on),
		WORLD_TEST(who_writes_the_log_answers_when_it_may),
		WORLD_TEST(a_liar_loses_its_connection_and_another_one_is_asked),
		WORLD_TEST(an_answer_that_comes_very_late_is_nobodys_fault),
		WORLD_TEST(what_nobody_has_is_asked_for_less_and_less),
		WORLD_TEST(what_was_erased_stays_erased),
		WORLD_TEST(a_second_question_before_the_answer_costs_the_connection),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
