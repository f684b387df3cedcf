/* Who may be asked for an entry behind the end of a direct log, and who is given it; and whose erasures stand in its place. SPEC.md sections 9.3, 10.10 and 12.1. */
#include "protocol/log/erasure.h"
#include "protocol/log/secret.h"
#include "protocol/peer/message.h"
#include "tests/support/seek_fixture.h"

/* ---- direct logs */

static struct {
	const struct world_node *to;
	unsigned seeks, answers, given; /* that were sent to it */
} seen;

static void look_on(
	void *ctx, struct world_node *from, struct world_node *to, uint8_t type, struct slice body)
{
	union message m;
	(void)ctx, (void)from;
	if (to != seen.to || (type != MESSAGE_SEEK && type != MESSAGE_FOUND))
		return;
	assert_int_equal(message_decode(type, body, &m), OK);
	seen.seeks += type == MESSAGE_SEEK;
	seen.answers += type == MESSAGE_FOUND;
	seen.given += type == MESSAGE_FOUND && m.found.headers.n + m.found.signature.n + m.found.parts.n;
}

static void look_on_at(const struct world_node *to)
{
	memset(&seen, 0, sizeof seen);
	seen.to = to;
	world.sent = look_on;
}

/* SPEC 9.3: "and does not name the asker's node" */
static void whom_a_direct_log_does_not_name_is_given_nothing_of_it(void **state)
{
	(void)state;
	struct scene c = begin_with(&(struct scene_of){.direct = true});
	look_on_at(c.late);
	world_connect(c.late, c.early);
	world_connect(c.late, c.other);
	pass(5000);
	assert_int_equal(kind_held(c.late, &c.at), 0);
	assert_int_equal(seek(c.late, &c.at), OK);
	pass(10000);
	assert_int_equal(seen.answers, 2);
	assert_int_equal(seen.given, 0);
	assert_int_equal(kind_held(c.late, &c.at), 0);
	/* Whom it names, the same two give it. */
	look_on_at(c.named);
	c.to_other = world_connect(c.named, c.other);
	pass(5000);
	assert_int_equal(seek(c.named, &c.at), OK);
	pass(5000);
	assert_int_equal(seen.given, 1);
	has_it(&c, c.named);
}

/* SPEC 10.10: "but none that a *direct* log does not name" */
static void whom_a_direct_log_does_not_name_is_not_asked(void **state)
{
	(void)state;
	struct scene c = begin_with(&(struct scene_of){.direct = true});
	world_connect(c.named, c.other);
	pass(5000);
	world_cut(&world.links[world.links_n - 1]);
	look_on_at(c.late);
	world_connect(c.named, c.late);
	pass(5000);
	assert_int_equal(seek(c.named, &c.at), OK);
	pass(10000);
	assert_int_equal(seen.seeks, 0);
	world_connect(c.named, c.other);
	pass(5000);
	has_it(&c, c.named);
	pass(600000);
	assert_int_equal(seen.seeks, 0);
}

/* ---- erasures */

/* A statement about the wanted entry by this generation, signed by somebody, in the store of `other`, whether it is valid or not. */
struct statement_of {
	const struct world_person *eraser, *signer;
	uint8_t by;
	uint8_t seq, id, log; /* added to what it says of which entry it is */
};

static void put_statement(const struct scene *c, const struct statement_of *of)
{
	uint8_t secret[64], bytes[LIMIT_ERASURE_BYTES];
	struct id32 key;
	struct keyset_view v;
	struct keyset *ks = world_keyset(c->other, &of->eraser->id);
	assert_non_null(ks);
	assert_int_equal(keyset_resolve(ks, &v), OK);
	struct erasure er = {
		.reason = ERASURE_CONSENT, .by = of->by, .of = c->at, .generation = v.generation};
	keyset_view_deinit(&v);
	keyset_free(ks);
	er.of.seq += of->seq;
	er.of.id.b[5] = (uint8_t)(er.of.id.b[5] + of->id);
	er.of.log.b[5] = (uint8_t)(er.of.log.b[5] + of->log);
	secret_sign_pair(of->signer->secrets.signing_seed, &key, secret);
	erasure_encode(&er, secret, bytes);
	struct store_req q = {.op = STORE_ERASED_PUT,
		.a.log = c->at.log,
		.a.seq = c->at.seq,
		.a.id = c->at.id,
		.a.bytes = slice_of(bytes, sizeof bytes)};
	struct store_res res;
	world_store(c->other, &q, &res);
	assert_int_equal(res.err, OK);
	store_res_free(&res);
}

/* The statement of `other`, shown by the same headers. */
static void has_statement(const struct scene *c, struct world_node *n)
{
	struct store_res here, there;
	struct store_part a = held(n, &c->at, &here, OK), b = held(c->other, &c->at, &there, OK);
	assert_int_equal(a.kind, BODY_ERASED);
	assert_true(slice_equal(a.bytes, b.bytes));
	assert_true(slice_equal(a.envelope, b.envelope));
	assert_true(slice_equal(here.r.bytes, there.r.bytes));
	store_res_free(&here);
	store_res_free(&there);
}

/* SPEC 10.10: "A statement of somebody whose key events it does not have is as if nothing had been given." */
static void a_custodians_statement_waits_for_his_key_events(void **state)
{
	(void)state;
	struct scene c = begin_with(&(struct scene_of){.custodian = true});
	put_statement(&c,
		&(struct statement_of){
			.eraser = &c.custodian, .signer = &c.custodian, .by = ERASURE_BY_CUSTODIAN});
	meet(&c, false, true);
	assert_int_equal(seek(c.late, &c.at), OK);
	pass(10000);
	assert_int_equal(kind_held(c.late, &c.at), 0);
	assert_true(c.to_other->open[0] && c.to_other->open[1]);
	assert_int_equal(world_follow(c.late, &c.custodian.id), OK);
	pass(200000);
	has_statement(&c, c.late);
	assert_true(c.to_other->open[0] && c.to_other->open[1]);
	/* And so it comes to who asks there. */
	assert_int_equal(world_follow(c.named, &c.custodian.id), OK);
	world_cut(c.to_other);
	world_connect(c.named, c.late);
	pass(10000);
	assert_int_equal(seek(c.named, &c.at), OK);
	pass(10000);
	has_statement(&c, c.named);
}

static void whose_statement_is_not_valid_loses_its_connection(void **state)
{
	(void)state;
	static const struct {
		struct scene_of scene;
		bool by_owner, signed_by_owner;
		uint8_t by, seq, id, log;
		bool good;
	} cases[] = {
		{.scene.custodian = true, .by = ERASURE_BY_CUSTODIAN, .good = true},
		{.by_owner = true, .signed_by_owner = true, .by = ERASURE_BY_OWNER, .good = true},
		{.by = ERASURE_BY_CUSTODIAN}, /* nobody is named */
		{.scene.custodian = true, .signed_by_owner = true, .by = ERASURE_BY_CUSTODIAN},
		{.scene.custodian = true, .by_owner = true, .by = ERASURE_BY_OWNER},
		{.scene.flags = ENTRY_FLAG_KEEP,
			.by_owner = true,
			.signed_by_owner = true,
			.by = ERASURE_BY_OWNER},
		{.by_owner = true, .signed_by_owner = true, .by = ERASURE_BY_OWNER, .seq = 1},
		{.by_owner = true, .signed_by_owner = true, .by = ERASURE_BY_OWNER, .id = 1},
		{.by_owner = true, .signed_by_owner = true, .by = ERASURE_BY_OWNER, .log = 1},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		void *fresh = NULL;
		if (i) {
			assert_int_equal(close_world(&fresh), 0);
			assert_int_equal(open_world(&fresh), 0);
		}
		struct scene c = begin_with(&cases[i].scene);
		put_statement(&c,
			&(struct statement_of){.eraser = cases[i].by_owner ? &c.p : &c.custodian,
				.signer = cases[i].signed_by_owner ? &c.p : &c.custodian,
				.by = cases[i].by,
				.seq = cases[i].seq,
				.id = cases[i].id,
				.log = cases[i].log});
		assert_int_equal(world_follow(c.late, &c.custodian.id), OK);
		meet(&c, false, true);
		assert_int_equal(seek(c.late, &c.at), OK);
		pass(10000);
		if (c.to_other->open[0] != cases[i].good)
			fail_msg("case %zu", i);
		assert_int_equal(kind_held(c.late, &c.at), cases[i].good ? BODY_ERASED : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(whom_a_direct_log_does_not_name_is_given_nothing_of_it),
		WORLD_TEST(whom_a_direct_log_does_not_name_is_not_asked),
		WORLD_TEST(a_custodians_statement_waits_for_his_key_events),
		WORLD_TEST(whose_statement_is_not_valid_loses_its_connection),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
