/* What lies behind the end of a log, and is named by something that counts, comes to who was not there before. SPEC.md sections 4.4 and 10.10. */
#include "protocol/log/entry.h"
#include "protocol/log/mp.h"
#include "protocol/peer/message.h"
#include "tests/support/world_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define END 10
#define LENGTH 80
#define WANTED 60 /* its signature is that of 63 */

static void pass(uint64_t ms)
{
	uint64_t end = world.now_ms + ms;
	world_run(&world, ms);
	if (world.now_ms < end)
		world.now_ms = end;
}

/* early and other held the log before it was closed; late came behind that. */
struct scene {
	struct world_node *early, *other, *late;
	struct world_person p;
	struct entry_ref at;
	struct world_link *to_early, *to_other;
};

static struct id32 id_at(struct world_node *n, const struct id32 *log, uint64_t seq)
{
	struct store_req q = {.op = STORE_IDS, .a.log = *log, .a.seqs = &seq, .a.n = 1};
	struct store_res res;
	world_store(n, &q, &res);
	assert_int_equal(res.err, OK);
	struct id32 id = res.r.ids[0];
	store_res_free(&res);
	return id;
}

static struct store_part held(
	struct world_node *n, const struct entry_ref *at, struct store_res *res, enum err err)
{
	struct store_req q = {.op = STORE_SOUGHT_GET, .a.log = at->log, .a.seq = at->seq, .a.id = at->id};
	world_store(n, &q, res);
	assert_int_equal(res->err, err);
	return res->r.parts ? res->r.parts[0] : (struct store_part){.kind = 0};
}

static uint8_t kind_held(struct world_node *n, const struct entry_ref *at)
{
	struct store_res res;
	uint8_t kind = held(n, at, &res, OK).kind;
	store_res_free(&res);
	return kind;
}

static struct scene begin(void)
{
	struct scene c = {.early = world_node_new(&world, "early"),
		.other = world_node_new(&world, "other"),
		.late = world_node_new(&world, "late")};
	struct store_log log;
	world_admit(c.early, c.other);
	world_admit(c.early, c.late);
	world_admit(c.other, c.late);
	assert_int_equal(world_person_new(c.early, &c.p), OK);
	assert_int_equal(world_follow(c.other, &c.p.id), OK);
	assert_int_equal(world_follow(c.late, &c.p.id), OK);
	while (c.p.length < LENGTH)
		assert_int_equal(world_append(c.early, &c.p, 50).err, OK);
	struct world_link *l = world_connect(c.early, c.other);
	pass(5000);
	c.at = (struct entry_ref){.log = c.p.log, .seq = WANTED, .id = id_at(c.other, &c.p.log, WANTED)};
	assert_false(id32_is_zero(&c.at.id));
	const struct id32 last = id_at(c.early, &c.p.log, END - 1);
	assert_int_equal(world_person_close(c.early, &c.p, &c.p.log, END, &last), OK);
	pass(5000);
	assert_int_equal(world_log(c.other, &c.p.log, &log), OK);
	assert_int_equal(log.end, END);
	world_cut(l);
	return c;
}

static void meet(struct scene *c, bool early, bool other)
{
	struct store_log log;
	if (early)
		c->to_early = world_connect(c->late, c->early);
	if (other)
		c->to_other = world_connect(c->late, c->other);
	pass(5000);
	assert_int_equal(world_log(c->late, &c->p.log, &log), OK);
	assert_int_equal(log.end, END);
	assert_int_equal(log.length, END);
	assert_int_equal(kind_held(c->late, &c->at), 0);
}

static enum err seek(struct world_node *n, const struct entry_ref *at)
{
	struct engine_cmd cmd = {.kind = ENGINE_CMD_SEEK, .log = at->log, .seq = at->seq, .id = at->id};
	return world_command(n, &cmd).err;
}

/* The same body, shown by the same headers; the log ends where it did. */
static void has_it(const struct scene *c, struct world_node *n)
{
	struct store_res here, there;
	struct store_log log;
	struct store_part a = held(n, &c->at, &here, OK), b = held(c->other, &c->at, &there, OK);
	assert_int_equal(a.kind, BODY_HERE);
	assert_true(slice_equal(a.bytes, b.bytes));
	assert_true(slice_equal(here.r.bytes, there.r.bytes));
	assert_true(slice_equal(here.r.sig, there.r.sig));
	assert_int_equal(here.r.bytes.n, (64 - WANTED) * ENTRY_HEADER_BYTES);
	store_res_free(&here);
	store_res_free(&there);
	assert_int_equal(world_log(n, &c->p.log, &log), OK);
	assert_int_equal(log.end, END);
	assert_int_equal(log.gaps, 0);
}

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
	struct scene c = begin();
	meet(&c, false, true);
	world_cut(c.to_other);
	assert_int_equal(seek(c.late, &c.at), OK);
	world_crash(c.early);
	world_restart(c.early);
	c.to_early = world_connect(c.late, c.early);
	pass(2000);
	has_it(&c, c.late);
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
		WORLD_TEST(what_nobody_has_is_asked_for_less_and_less),
		WORLD_TEST(what_was_erased_stays_erased),
		WORLD_TEST(a_second_question_before_the_answer_costs_the_connection),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
