/* What is erased is gone everywhere and never comes back. SPEC.md section 12. */
#include "protocol/log/entry.h"
#include "protocol/log/erasure.h"
#include "protocol/log/secret.h"
#include "protocol/peer/message.h"
#include "tests/support/world_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static void statement_of(struct world_node *n, const struct world_person *p, const struct engine_event *entry,
	const uint8_t seed[32], uint8_t out[LIMIT_ERASURE_BYTES])
{
	struct keyset *ks = world_keyset(n, &p->id);
	struct keyset_view v;
	struct id32 key;
	uint8_t secret[64];
	assert_non_null(ks);
	assert_int_equal(keyset_resolve(ks, &v), OK);
	secret_sign_pair(seed, &key, secret);
	struct erasure e = {.reason = ERASURE_WISH,
		.by = ERASURE_BY_OWNER,
		.of = {.log = p->log, .seq = entry->seq, .id = entry->id},
		.hour = (uint32_t)(world.wall_s / 3600),
		.generation = v.generation};
	erasure_encode(&e, secret, out);
	keyset_view_deinit(&v);
	keyset_free(ks);
}

static enum err erase(struct world_node *n, const struct world_person *p, const struct engine_event *entry)
{
	uint8_t bytes[LIMIT_ERASURE_BYTES];
	statement_of(n, p, entry, p->secrets.signing_seed, bytes);
	struct engine_cmd cmd = {.kind = ENGINE_CMD_ERASE, .statement = slice_of(bytes, sizeof bytes)};
	return world_command(n, &cmd).err;
}

static uint8_t kind_at(struct world_node *n, const struct id32 *log, uint64_t seq)
{
	struct store_req q = {.op = STORE_BODY_GET};
	struct store_res res;
	q.a.log = *log;
	q.a.seqs = &seq;
	q.a.n = 1;
	world_store(n, &q, &res);
	uint8_t kind = res.err == OK && res.r.n && res.r.parts[0].header ? res.r.parts[0].kind : 0;
	store_res_free(&res);
	return kind;
}

static void an_erasure_reaches_those_who_have_the_body_and_those_who_come_later(void **state)
{
	(void)state;
	struct world_node *a = world_node_new(&world, "ann"), *b = world_node_new(&world, "ben"),
			  *c = world_node_new(&world, "cas");
	struct world_person p;
	world_person_new(a, &p);
	world_admit(a, b);
	world_admit(b, c);
	assert_int_equal(world_follow(b, &p.id), OK);
	assert_int_equal(world_follow(c, &p.id), OK);
	struct engine_event e1 = world_append(a, &p, 500), e2 = world_append(a, &p, 500);
	world_connect(a, b);
	world_run(&world, 2000);
	assert_int_equal(kind_at(b, &p.log, e1.seq), BODY_HERE);
	assert_int_equal(erase(a, &p, &e1), OK);
	world_run(&world, 2000);
	assert_int_equal(kind_at(a, &p.log, e1.seq), BODY_ERASED);
	assert_int_equal(kind_at(b, &p.log, e1.seq), BODY_ERASED);
	assert_int_equal(kind_at(b, &p.log, e2.seq), BODY_HERE);
	world_connect(c, b);
	world_run(&world, 2000);
	assert_int_equal(kind_at(c, &p.log, e1.seq), BODY_ERASED);
	assert_int_equal(kind_at(c, &p.log, e2.seq), BODY_HERE);
}

static void a_node_that_was_away_brings_nothing_back(void **state)
{
	(void)state;
	struct world_node *a = world_node_new(&world, "ann"), *b = world_node_new(&world, "ben"),
			  *c = world_node_new(&world, "cas");
	struct world_person p;
	world_person_new(a, &p);
	world_admit(a, b);
	world_admit(a, c);
	world_admit(b, c);
	assert_int_equal(world_follow(b, &p.id), OK);
	assert_int_equal(world_follow(c, &p.id), OK);
	struct engine_event e1 = world_append(a, &p, 500);
	struct world_link *ab = world_connect(a, b), *ac = world_connect(a, c);
	world_run(&world, 2000);
	world_cut(ac); /* cas has the body and goes away */
	assert_int_equal(erase(a, &p, &e1), OK);
	world_run(&world, 2000);
	world_cut(ab);
	world_connect(b, c); /* cas comes back and meets ben alone */
	world_run(&world, 2000);
	assert_int_equal(kind_at(b, &p.log, e1.seq), BODY_ERASED);
	assert_int_equal(kind_at(c, &p.log, e1.seq), BODY_ERASED);
	world_crash(b);
	world_restart(b);
	world_connect(b, c);
	world_run(&world, 2000);
	assert_int_equal(kind_at(b, &p.log, e1.seq), BODY_ERASED);
}

static void nobody_elses_signature_erases_and_what_must_be_kept_stays(void **state)
{
	(void)state;
	struct world_node *a = world_node_new(&world, "ann"), *b = world_node_new(&world, "ben");
	struct world_person p;
	uint8_t bytes[LIMIT_ERASURE_BYTES], thief[32] = {7};
	world_person_new(a, &p);
	world_admit(a, b);
	assert_int_equal(world_follow(b, &p.id), OK);
	struct engine_event e1 = world_append(a, &p, 500);
	world_connect(a, b);
	world_run(&world, 2000);
	/* A modified node stores a statement that somebody else signed, and lists it: ben closes and keeps the body. */
	statement_of(a, &p, &e1, thief, bytes);
	struct engine_cmd cmd = {.kind = ENGINE_CMD_ERASE, .statement = slice_of(bytes, sizeof bytes)};
	assert_int_equal(world_command(a, &cmd).err, OK);
	world_run(&world, 2000);
	assert_int_equal(kind_at(b, &p.log, e1.seq), BODY_HERE);
	size_t from = 0;
	const struct engine_event *ev = world_event(b, ENGINE_EVENT_PEER_CLOSED, &from);
	assert_non_null(ev);
	assert_int_equal(ev->err, ERR_SIGNATURE);
}

static void a_kept_entry_is_not_erased_by_anybody(void **state)
{
	(void)state;
	struct world_node *a = world_node_new(&world, "ann"), *b = world_node_new(&world, "ben");
	struct world_person p;
	struct store_log log;
	world_person_new(a, &p);
	world_admit(a, b);
	assert_int_equal(world_follow(b, &p.id), OK);
	world_connect(a, b);
	world_run(&world, 2000);
	assert_int_equal(world_log(a, &p.log, &log), OK);
	struct engine_event entry0 = {
		.seq = 0, .id = log.last}; /* the only entry: `device`, with the keep flag */
	assert_int_equal(log.length, 1);
	assert_int_equal(erase(a, &p, &entry0), ERR_REFUSED);
	world_run(&world, 2000);
	assert_int_equal(kind_at(b, &p.log, 0), BODY_HERE);
}

static void an_erased_blob_goes_with_its_entry(void **state)
{
	(void)state;
	struct world_node *a = world_node_new(&world, "ann"), *b = world_node_new(&world, "ben");
	struct world_person p;
	struct id32 root;
	char path[1024];
	world_person_new(a, &p);
	world_admit(a, b);
	assert_int_equal(world_follow(b, &p.id), OK);
	struct engine_event e1 = world_attach(a, &p, 1u << 20, &root);
	world_connect(a, b);
	world_run(&world, 3000);
	blob_path(b, &root, path);
	assert_int_equal(same_files(path, path), 0);
	assert_int_equal(erase(a, &p, &e1), OK);
	world_run(&world, 3000);
	assert_int_equal(same_files(path, path), 1); /* not there */
	blob_path(a, &root, path);
	assert_int_equal(same_files(path, path), 1);
}

static unsigned asked_for_blobs;

static void count_asking(
	void *ctx, struct world_node *from, struct world_node *to, uint8_t type, struct slice body)
{
	(void)ctx, (void)from, (void)to, (void)body;
	asked_for_blobs += type == MESSAGE_WANT_BLOB || type == MESSAGE_WANT_LEAVES ||
		type == MESSAGE_WANT_CHUNKS;
}

/* Its owner erased the entry while others were looking for the blob, which nobody has: they stop looking. */
static void an_erased_blob_is_asked_for_no_longer(void **state)
{
	(void)state;
	struct world_node *a = world_node_new(&world, "ann"), *b = world_node_new(&world, "ben"),
			  *c = world_node_new(&world, "cas");
	struct world_person p;
	struct id32 root;
	world_person_new(a, &p);
	world_admit(a, b);
	world_admit(b, c);
	assert_int_equal(world_follow(b, &p.id), OK);
	assert_int_equal(world_follow(c, &p.id), OK);
	world.chunks_max = 1; /* no more than a chunk of it ever arrives */
	struct engine_event e1 = world_attach(a, &p, 1u << 20, &root);
	struct world_link *ab = world_connect(a, b);
	world_connect(b, c);
	world_run(&world, 3000);
	world_cut(ab);
	world.chunks_max = 0;
	world.sent = count_asking;
	world_run(&world, 20000);
	assert_true(asked_for_blobs > 0); /* ben asks cas, and cas ben */
	assert_int_equal(erase(b, &p, &e1), OK);
	world_run(&world, 12000);
	asked_for_blobs = 0;
	world_run(&world, 60000);
	assert_int_equal(asked_for_blobs, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(an_erasure_reaches_those_who_have_the_body_and_those_who_come_later),
		WORLD_TEST(a_node_that_was_away_brings_nothing_back),
		WORLD_TEST(nobody_elses_signature_erases_and_what_must_be_kept_stays),
		WORLD_TEST(a_kept_entry_is_not_erased_by_anybody),
		WORLD_TEST(an_erased_blob_goes_with_its_entry),
		WORLD_TEST(an_erased_blob_is_asked_for_no_longer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
