/* seek_fixture.h -- a log that was closed early, and somebody who came later and seeks what lies behind its end. Included by one test program each. */
#ifndef QUIRE_TESTS_SEEK_FIXTURE_H
#define QUIRE_TESTS_SEEK_FIXTURE_H

#include "protocol/log/entry.h"
#include "protocol/log/seal.h"
#include "tests/support/world_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define END 10
#define LENGTH 80
#define WANTED 60 /* its signature is that of 63 */

static inline void pass(uint64_t ms)
{
	uint64_t end = world.now_ms + ms;
	world_run(&world, ms);
	if (world.now_ms < end)
		world.now_ms = end;
}

/* early and other held the log before it was closed; late came behind that, and so did named, whom alone of the two a direct log names. */
struct scene {
	struct world_node *early, *other, *late, *named;
	struct world_person p, custodian; /* the custodian lives at other */
	struct entry_ref at;
	struct world_link *to_early, *to_other;
};

static inline struct id32 id_at(struct world_node *n, const struct id32 *log, uint64_t seq)
{
	struct store_req q = {.op = STORE_IDS, .a.log = *log, .a.seqs = &seq, .a.n = 1};
	struct store_res res;
	world_store(n, &q, &res);
	assert_int_equal(res.err, OK);
	struct id32 id = res.r.ids[0];
	store_res_free(&res);
	return id;
}

static inline struct store_part held(
	struct world_node *n, const struct entry_ref *at, struct store_res *res, enum err err)
{
	struct store_req q = {.op = STORE_SOUGHT_GET, .a.log = at->log, .a.seq = at->seq, .a.id = at->id};
	world_store(n, &q, res);
	assert_int_equal(res->err, err);
	return res->r.parts ? res->r.parts[0] : (struct store_part){.kind = 0};
}

static inline uint8_t kind_held(struct world_node *n, const struct entry_ref *at)
{
	struct store_res res;
	uint8_t kind = held(n, at, &res, OK).kind;
	store_res_free(&res);
	return kind;
}

/* What there is to say of the wanted entry, and of its log. */
struct scene_of {
	uint8_t flags;
	bool custodian; /* its envelope names him */
	bool direct;
};

static inline void append_wanted(struct scene *c, const struct scene_of *of)
{
	struct random_source rnd = world_random_source(&world);
	struct envelope named = {.has_custodian = of->custodian, .custodian = c->custodian.id};
	struct buf envelope = {0}, body = {0};
	assert_int_equal(envelope_encode(&named, &envelope), OK);
	assert_int_equal(seal_clear_body(&rnd, slice_str("\x92\xaareflection\x81\xa4text\xa1x"), &body), OK);
	struct engine_cmd cmd = {.kind = ENGINE_CMD_APPEND,
		.log = c->p.log,
		.flags = of->flags,
		.envelope = buf_slice(&envelope),
		.body = buf_slice(&body),
		.device_secret = c->p.device_secret};
	struct engine_event ev = world_command(c->early, &cmd);
	assert_int_equal(ev.err, OK);
	assert_int_equal(ev.seq, WANTED);
	c->p.length++;
	buf_free(&envelope);
	buf_free(&body);
}

static inline void make_direct(struct scene *c)
{
	struct id32 nodes[] = {c->early->key, c->other->key, c->named->key};
	const struct world_person of = c->p;
	for (size_t i = 0; i < 3; i++)
		for (size_t k = i + 1; k < 3; k++)
			if (id32_cmp(&nodes[k], &nodes[i]) < 0) {
				const struct id32 swap = nodes[i];
				nodes[i] = nodes[k];
				nodes[k] = swap;
			}
	assert_int_equal(world_person_direct(c->early, &of, nodes, 3, &c->p), OK);
}

static inline struct scene begin_with(const struct scene_of *of)
{
	struct scene c = {.early = world_node_new(&world, "early"),
		.other = world_node_new(&world, "other"),
		.late = world_node_new(&world, "late"),
		.named = world_node_new(&world, "named")};
	struct world_node *const all[] = {c.early, c.other, c.late, c.named};
	struct store_log log;
	for (size_t i = 0; i < 4; i++)
		for (size_t k = i + 1; k < 4; k++)
			world_admit(all[i], all[k]);
	assert_int_equal(world_person_new(c.early, &c.p), OK);
	assert_int_equal(world_person_new(c.other, &c.custodian), OK);
	if (of->direct)
		make_direct(&c);
	assert_int_equal(world_follow(c.other, &c.p.id), OK);
	assert_int_equal(world_follow(c.late, &c.p.id), OK);
	assert_int_equal(world_follow(c.named, &c.p.id), OK);
	while (c.p.length < LENGTH)
		if (c.p.length == WANTED)
			append_wanted(&c, of);
		else
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

static inline struct scene begin(void)
{
	return begin_with(&(struct scene_of){.flags = 0});
}

static inline void meet(struct scene *c, bool early, bool other)
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

static inline enum err seek(struct world_node *n, const struct entry_ref *at)
{
	struct engine_cmd cmd = {.kind = ENGINE_CMD_SEEK, .log = at->log, .seq = at->seq, .id = at->id};
	return world_command(n, &cmd).err;
}

/* The same body, shown by the same headers; the log ends where it did. */
static inline void has_it(const struct scene *c, struct world_node *n)
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

#endif
