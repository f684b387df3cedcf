/* What one member may say to keep others from being heard. SPEC.md sections 10.8 and 19.3. */
#include "protocol/log/mp.h"
#include "protocol/peer/message.h"
#include "tests/support/world_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void pass(uint64_t ms)
{
	uint64_t end = world.now_ms + ms;
	world_run(&world, ms);
	if (world.now_ms < end)
		world.now_ms = end;
}

static void send_prune(struct world_link *l, const struct world_node *to, const struct id32 *log)
{
	uint8_t tree = log->b[0] % 8;
	world_send(l, l->nodes[1] == to, MESSAGE_PRUNE, slice_of((uint8_t[]){0x91, tree}, 2));
}

/* A row of entries that nobody has. */
static void send_claim(
	struct world_link *l, const struct world_node *to, const struct world_person *p, uint64_t number)
{
	struct message_row row = {
		.kind = 1, .identity = p->id, .log = p->log, .count = p->length + 10, .last = {{9}}};
	struct buf rows = {0}, body = {0};
	struct mp_out o = mp_out_init(&rows);
	message_put_row(&o, &row);
	assert_int_equal(o.err, OK);
	struct message_changes m = {
		.number = number, .last = true, .rows = {.n = 1, .raw = buf_slice(&rows)}};
	assert_int_equal(message_encode(MESSAGE_CHANGES, &m, &body), OK);
	world_send(l, l->nodes[1] == to, MESSAGE_CHANGES, buf_slice(&body));
	buf_free(&rows);
	buf_free(&body);
}

/* All links are lazy, so entries come after a wait for others; whoever only claims to have them makes that no longer than a few seconds. */
static void claims_of_one_do_not_put_others_off(void **state)
{
	(void)state;
	struct world_node *writer = world_node_new(&world, "writer"),
			  *reader = world_node_new(&world, "reader"), *liar = world_node_new(&world, "liar");
	struct world_person p;
	struct store_log log;
	assert_int_equal(world_person_new(writer, &p), OK);
	world_admit(writer, reader);
	world_admit(liar, reader);
	assert_int_equal(world_follow(reader, &p.id), OK);
	struct world_link *honest = world_connect(reader, writer), *bad = world_connect(liar, reader);
	pass(3000);
	assert_int_equal(world_append(writer, &p, 100).err, OK);
	pass(3000);
	assert_int_equal(world_log(reader, &p.log, &log), OK);
	assert_int_equal(log.length, p.length);
	send_prune(honest, reader, &p.log);
	send_prune(honest, writer, &p.log);
	pass(100);
	assert_int_equal(world_append(writer, &p, 100).err, OK);
	for (uint64_t i = 0; i < 16; i++) {
		send_prune(bad, reader, &p.log);
		send_claim(bad, reader, &p, 1000 + i);
		pass(500);
	}
	assert_true(bad->open[0] && !bad->cut);
	assert_int_equal(world_log(reader, &p.log, &log), OK);
	assert_int_equal(log.length, p.length);
}

/* The first two never say what they have. */
static bool keeps_silent(void *ctx, struct world_link *l, int to, uint8_t *type, struct buf *body)
{
	static bool unsaid[4];
	size_t from = (size_t)(l->nodes[!to] - world.nodes);
	(void)ctx, (void)body;
	if (from == 0 || from == 3)
		return true;
	bool drops = *type == MESSAGE_RANGES || (*type == MESSAGE_DONE && unsaid[from]);
	unsaid[from] = *type == MESSAGE_RANGES || (unsaid[from] && *type != MESSAGE_DONE);
	return !drops;
}

static void who_compares_without_end_holds_up_nobody(void **state)
{
	(void)state;
	struct world_person p[3];
	world.reconcile_min = 1;
	struct world_node *writer = world_node_new(&world, "writer");
	for (int i = 0; i < 3; i++)
		assert_int_equal(world_person_new(writer, &p[i]), OK);
	for (int k = 1; k <= 3; k++) {
		struct world_node *n = world_node_new(&world, k == 1 ? "one" : k == 2 ? "two" : "honest");
		world_admit(writer, n);
		for (int i = 0; i < 3; i++)
			assert_int_equal(world_follow(n, &p[i].id), OK);
	}
	world.meddle = keeps_silent;
	for (int k = 1; k <= 3; k++) {
		world_connect(&world.nodes[k], writer);
		pass(500);
	}
	pass(12000);
	for (int i = 0; i < 3; i++) {
		struct store_log log;
		assert_int_equal(world_log(&world.nodes[3], &p[i].log, &log), OK);
		assert_int_equal(log.length, p[i].length);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(claims_of_one_do_not_put_others_off),
		WORLD_TEST(who_compares_without_end_holds_up_nobody),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
