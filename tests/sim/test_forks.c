/* What a forked and closed log ends with does not depend on the order in which its entries, proofs, closings and erasures came, nor on
 * who had which. SPEC.md sections 4.4, 10.7. */
#include "protocol/log/entry.h"
#include "protocol/log/erasure.h"
#include "protocol/log/mp.h"
#include "protocol/log/seal.h"
#include "protocol/log/secret.h"
#include "tests/support/world_fixture.h"
#include "sum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define NODES 4
#define TRUNK 50 /* entries that all branches share */
#define FORK_2 55 /* where the third parts from the second */
#define BRANCHES 3
#define ROUNDS 160
static const uint64_t lengths[BRANCHES] = {100, 80, 70}, parts_at[BRANCHES] = {0, TRUNK, FORK_2};

/* One identity whose device wrote three histories, each but the first parting from the one before. */
struct forked {
	struct world_person p;
	struct id32 device_key, generation;
	struct keyset *ks;
	uint8_t headers[BRANCHES][100][ENTRY_HEADER_BYTES], signatures[BRANCHES][100][ENTRY_SIGNATURE_BYTES];
	struct buf bodies[BRANCHES][100];
	struct id32 ids[BRANCHES][100];
};

static void put_record(struct buf *body, struct mp_out *o, struct buf *record)
{
	struct random_source rnd = world_random_source(&world);
	assert_int_equal(o->err, OK);
	assert_int_equal(seal_clear_body(&rnd, buf_slice(record), body), OK);
	buf_free(record);
}

static void make_body(struct buf *body, const struct id32 *event, uint64_t seq, int branch)
{
	struct buf record = {0};
	struct mp_out o = mp_out_init(&record);
	mp_put_array(&o, 2);
	mp_put_cstr(&o, event ? "device" : "reflection");
	mp_put_map(&o, 1);
	mp_put_cstr(&o, event ? "event" : "text");
	if (event) {
		mp_put_id(&o, event);
	} else {
		char text[32];
		snprintf(text, sizeof text, "%d of branch %d", (int)seq, branch);
		mp_put_cstr(&o, text);
	}
	put_record(body, &o, &record);
}

static void write_branch(struct forked *f, int b, const struct id32 *event)
{
	for (uint64_t seq = 0; seq < lengths[b]; seq++) {
		if (seq < parts_at[b]) {
			memcpy(f->headers[b][seq], f->headers[b - 1][seq], ENTRY_HEADER_BYTES);
			memcpy(f->signatures[b][seq], f->signatures[b - 1][seq], ENTRY_SIGNATURE_BYTES);
			assert_int_equal(
				buf_put_slice(&f->bodies[b][seq], buf_slice(&f->bodies[b - 1][seq])), OK);
			f->ids[b][seq] = f->ids[b - 1][seq];
			continue;
		}
		make_body(&f->bodies[b][seq], seq ? NULL : event, seq, b);
		struct entry_header h = {.flags = seq ? 0 : ENTRY_FLAG_KEEP,
			.log = f->p.log,
			.seq = seq,
			.prev = seq ? f->ids[b][seq - 1] : (struct id32){{0}},
			.hour = 480000,
			.body_bytes = (uint32_t)f->bodies[b][seq].n,
			.commitment = entry_body_commitment(buf_slice(&f->bodies[b][seq]))};
		entry_header_encode(&h, f->headers[b][seq]);
		entry_sign(f->headers[b][seq], f->p.device_secret, f->signatures[b][seq]);
		f->ids[b][seq] = entry_id(f->headers[b][seq]);
	}
}

static struct forked *forked_new(void)
{
	struct random_source rnd = world_random_source(&world);
	struct forked *f = calloc(1, sizeof *f);
	struct keyset_view v;
	assert_non_null(f);
	random_fill(&rnd, f->p.entropy, sizeof f->p.entropy);
	random_fill(&rnd, f->p.device.sign_seed, 32);
	random_fill(&rnd, f->p.device.box_secret, 32);
	assert_int_equal(identity_create(&rnd, IDENTITY_PERSON, f->p.entropy, RECOVERY_IDENTITY, &f->p.device,
				 NULL, 0, &f->ks, &f->p.secrets),
		OK);
	f->p.id = *keyset_identity(f->ks);
	secret_sign_pair(f->p.device.sign_seed, &f->device_key, f->p.device_secret);
	f->p.log = entry_log_id(&f->p.id, &f->device_key);
	assert_int_equal(keyset_resolve(f->ks, &v), OK);
	f->generation = v.generation;
	write_branch(f, 0, &v.devices[0].event);
	for (int b = 1; b < BRANCHES; b++)
		write_branch(f, b, NULL);
	keyset_view_deinit(&v);
	return f;
}

static void forked_free(struct forked *f)
{
	for (int b = 0; b < BRANCHES; b++)
		for (int i = 0; i < 100; i++)
			buf_free(&f->bodies[b][i]);
	keyset_free(f->ks);
	free(f);
}

/* ---- what arrives at a node, beside its peers */

static enum err put(struct world_node *n, struct store_req *q)
{
	struct store_res res;
	world_store(n, q, &res);
	enum err e = res.err;
	store_res_free(&res);
	return e;
}

/* As runs from a peer: only their last signatures are kept. */
static void give_entries(struct world_node *n, const struct forked *f, int b, uint64_t length)
{
	for (uint64_t first = 0; first < length; first = run_interval_end(first)) {
		uint64_t end = run_interval_end(first) < length ? run_interval_end(first) : length;
		struct store_part parts[LIMIT_RUN_ENTRIES];
		for (uint64_t i = first; i < end; i++)
			parts[i - first] = (struct store_part){.header = f->headers[b][i],
				.kind = BODY_HERE,
				.bytes = buf_slice(&f->bodies[b][i])};
		struct store_req q = {.op = STORE_RUN_PUT};
		q.a.log = f->p.log;
		q.a.identity = f->p.id;
		q.a.device_key = f->device_key;
		q.a.first = first;
		q.a.prev = first ? f->ids[b][first - 1] : (struct id32){{0}};
		q.a.n = end - first;
		q.a.parts = parts;
		q.a.sig = slice_of(f->signatures[b][end - 1], ENTRY_SIGNATURE_BYTES);
		q.a.id = f->ids[b][end - 1];
		enum err e = put(n, &q);
		assert_true(e == OK || e == ERR_FORK || e == ERR_CHAIN); /* the proof was first */
	}
}

/* That branch `b` parts from the one before. */
static void give_proof(struct world_node *n, const struct forked *f, int b)
{
	uint64_t at = parts_at[b];
	struct store_req q = {.op = STORE_FORK_PUT};
	q.a.log = f->p.log;
	q.a.seq = at;
	q.a.bytes = slice_of(f->headers[b - 1][at], (64 - at) * ENTRY_HEADER_BYTES);
	q.a.sig = slice_of(f->signatures[b - 1][63], ENTRY_SIGNATURE_BYTES);
	q.a.bytes2 = slice_of(f->headers[b][at], (64 - at) * ENTRY_HEADER_BYTES);
	q.a.sig2 = slice_of(f->signatures[b][63], ENTRY_SIGNATURE_BYTES);
	assert_int_equal(put(n, &q), OK);
}

static void give_erasure(struct world_node *n, const struct forked *f, int b, uint64_t seq)
{
	struct erasure er = {
		.of = {.log = f->p.log, .seq = seq, .id = f->ids[b][seq]}, .generation = f->generation};
	uint8_t secret[64], statement[LIMIT_ERASURE_BYTES];
	struct id32 key;
	secret_sign_pair(f->p.secrets.signing_seed, &key, secret);
	erasure_encode(&er, secret, statement);
	struct store_req q = {.op = STORE_ERASED_PUT};
	q.a.log = f->p.log;
	q.a.seq = seq;
	q.a.id = er.of.id;
	q.a.bytes = slice_of(statement, sizeof statement);
	enum err e = put(n, &q);
	assert_true(e == OK || e == ERR_EXISTS || e == ERR_NOT_FOUND);
}

static void give_keys(struct world_node *n, const struct forked *f, const struct identity_event *closing)
{
	struct store_keyevent ev[64];
	size_t count = closing ? 0 : keyset_count(f->ks);
	assert_true(count <= 64);
	for (size_t i = 0; i < count; i++) {
		const struct keyevent *k = keyset_at(f->ks, i);
		ev[i] = (struct store_keyevent){.bytes = k->bytes, .signatures = k->signatures, .id = k->id};
	}
	if (closing)
		ev[count++] = (struct store_keyevent){.bytes = buf_slice(&closing->bytes),
			.signatures = identity_event_signatures(closing),
			.id = closing->id};
	struct engine_cmd cmd = {
		.kind = ENGINE_CMD_KEYS, .identity = f->p.id, .events = ev, .events_n = count};
	assert_int_equal(world_command(n, &cmd).err, OK);
}

enum item { BRANCH, PROOF, CLOSING_1, CLOSING_2, ERASURE_TRUNK, ERASURE_A, ERASURE_B, ITEMS };

/* What there is in a round, and what all must come to. */
struct round {
	struct forked *f;
	bool is[ITEMS], at[NODES][ITEMS];
	int branch[NODES]; /* 0, 1; -1: none */
	struct identity_event closings[2];
	int closing_branch[2];
	uint64_t closing_length[2];
};

static void make_closings(struct round *r)
{
	struct random_source rnd = world_random_source(&world);
	struct forked *f = r->f;
	for (int i = 0; i < 2; i++) {
		int b = (int)world_random(&world, 2);
		uint64_t n = TRUNK - 5 + world_random(&world, lengths[b] - TRUNK + 6);
		r->closing_branch[i] = b;
		r->closing_length[i] = n;
		const struct id32 *last = &f->ids[b][n - 1];
		enum err e = i ? identity_close_device_by_root(&rnd, f->ks, f->p.entropy, RECOVERY_IDENTITY,
					 &f->p.log, n, last, &r->closings[1])
			       : identity_close_device(
					 &rnd, f->ks, &f->p.secrets, &f->p.log, n, last, &r->closings[0]);
		assert_int_equal(e, OK);
	}
}

static void draw(struct round *r)
{
	for (int k = 0; k < ITEMS; k++)
		r->is[k] = k == BRANCH || world_random(&world, 3) > 0;
	for (int i = 0; i < NODES; i++) {
		r->branch[i] = i < 2 ? i : (int)world_random(&world, 3) - 1;
		for (int k = 0; k < ITEMS; k++)
			r->at[i][k] = r->is[k] && world_random(&world, 2);
		r->at[i][BRANCH] = r->branch[i] >= 0;
	}
	for (int k = PROOF; k < ITEMS; k++) /* somebody has it */
		r->at[k == ERASURE_A ? 0 : k == ERASURE_B ? 1 : (int)world_random(&world, 2)][k] = r->is[k];
}

static void give(struct round *r, int node, enum item k)
{
	struct world_node *n = &world.nodes[node];
	switch (k) {
	case BRANCH: give_entries(n, r->f, r->branch[node], lengths[r->branch[node]]); return;
	case PROOF: give_proof(n, r->f, 1); return;
	case CLOSING_1: give_keys(n, r->f, &r->closings[0]); return;
	case CLOSING_2: give_keys(n, r->f, &r->closings[1]); return;
	case ERASURE_TRUNK: give_erasure(n, r->f, 0, 20); return;
	case ERASURE_A: give_erasure(n, r->f, 0, 60); return;
	case ERASURE_B: give_erasure(n, r->f, 1, 60); return;
	case ITEMS: break;
	}
	fail();
}

/* At each node in an order of its own; what is about entries comes behind them. */
static void give_all(struct round *r)
{
	for (int i = 0; i < NODES; i++) {
		int order[ITEMS];
		assert_int_equal(world_follow(&world.nodes[i], &r->f->p.id), OK);
		give_keys(&world.nodes[i], r->f, NULL);
		for (int k = 0; k < ITEMS; k++) {
			int at = (int)world_random(&world, (uint64_t)k + 1);
			order[k] = order[at];
			order[at] = k;
		}
		for (int late = 0; late < 2; late++)
			for (int k = 0; k < ITEMS; k++) {
				bool about = order[k] == PROOF || order[k] >= ERASURE_TRUNK;
				if (about == late && r->at[i][order[k]] && (!about || r->branch[i] >= 0))
					give(r, i, (enum item)order[k]);
			}
		world_crash(&world.nodes[i]);
		world_restart(&world.nodes[i]);
	}
}

/* What all must come to: SPEC 4.4. */
static void expect(const struct round *r, uint64_t *end, struct id32 *last, struct id32 *sum)
{
	int b = 0;
	*end = TRUNK;
	for (int i = 1; i >= 0; i--) {
		if (!r->is[CLOSING_1 + i])
			continue;
		b = r->closing_branch[i];
		*end = r->closing_length[i];
		break;
	}
	*last = r->f->ids[b][*end - 1];
	*sum = (struct id32){{0}};
	if (r->is[ERASURE_TRUNK])
		sum_add(sum, &r->f->ids[0][20]);
	if (*end > 60 && r->is[b ? ERASURE_B : ERASURE_A])
		sum_add(sum, &r->f->ids[b][60]);
}

static void check(const struct round *r, int round)
{
	uint64_t end;
	struct id32 last, sum;
	expect(r, &end, &last, &sum);
	for (int i = 0; i < NODES; i++) {
		struct store_log l;
		size_t from = 0;
		enum err e = world_log(&world.nodes[i], &r->f->p.log, &l);
		bool good = e == OK && l.end == end && id32_equal(&l.end_last, &last) &&
			id32_equal(&l.erased_sum, &sum) && l.gaps == 0;
		if (!good)
			print_message(
				"round %d, node %d (branch %d): %s, end %d of %d, length %d, fork %d, gaps %d; "
				"closings %d at %d:%d, %d at %d:%d; proof %d\n",
				round, i, r->branch[i], err_name(e), (int)l.end, (int)end, (int)l.length,
				(int)l.fork_seq1, (int)l.gaps, r->is[CLOSING_1], r->closing_branch[0],
				(int)r->closing_length[0], r->is[CLOSING_2], r->closing_branch[1],
				(int)r->closing_length[1], r->is[PROOF]);
		assert_true(good);
		assert_null(world_event(&world.nodes[i], ENGINE_EVENT_STORE_ERROR, &from));
	}
}

static void connect_all(struct world_link *links[NODES * NODES], size_t *n)
{
	*n = 0;
	for (int i = 0; i < NODES; i++)
		for (int k = i + 1; k < NODES; k++)
			if (k == i + 1 || world_random(&world, 2))
				links[(*n)++] = world_random(&world, 2)
					? world_connect(&world.nodes[i], &world.nodes[k])
					: world_connect(&world.nodes[k], &world.nodes[i]);
}

static void run_round(int round)
{
	struct round r = {.f = forked_new()};
	struct world_link *links[NODES * NODES];
	size_t links_n;
	make_closings(&r);
	draw(&r);
	give_all(&r);
	connect_all(links, &links_n);
	world_run(&world, 3000);
	check(&r, round);
	for (size_t i = 0; i < links_n; i++)
		assert_true(links[i]->open[0] &&
			links[i]->open[1]); /* all are honest: nobody closes on anybody */
	if (!r.is[CLOSING_2]) { /* a closing of a higher rank, while all are one: along the other branch, or further */
		r.is[CLOSING_2] = true;
		give(&r, (int)world_random(&world, NODES), CLOSING_2);
		world_run(&world, 3000);
		check(&r, round);
	}
	for (size_t i = 0; i < links_n; i++)
		world_cut(links[i]);
	for (int i = 0; i < 2; i++)
		identity_event_deinit(&r.closings[i]);
	forked_free(r.f);
}

static void all_end_with_the_same_whatever_came_first(void **state)
{
	(void)state;
	for (int i = 0; i < NODES; i++) {
		char name[16];
		snprintf(name, sizeof name, "n%d", i);
		world_node_new(&world, name);
	}
	for (int i = 0; i < NODES; i++)
		for (int k = 0; k < i; k++)
			world_admit(&world.nodes[i], &world.nodes[k]);
	for (int round = 0; round < ROUNDS; round++)
		run_round(round);
}

/* As a run of which a closing or a proof once named the last entry: without signature. */
static void give_unsigned(struct world_node *n, const struct forked *f, int b, uint64_t first, uint64_t end)
{
	struct store_part parts[LIMIT_RUN_ENTRIES];
	for (uint64_t i = first; i < end; i++)
		parts[i - first] = (struct store_part){
			.header = f->headers[b][i], .kind = BODY_HERE, .bytes = buf_slice(&f->bodies[b][i])};
	struct store_req q = {.op = STORE_RUN_PUT};
	q.a.log = f->p.log;
	q.a.identity = f->p.id;
	q.a.device_key = f->device_key;
	q.a.first = first;
	q.a.prev = f->ids[b][first - 1];
	q.a.n = end - first;
	q.a.parts = parts;
	q.a.id = f->ids[b][end - 1];
	assert_int_equal(put(n, &q), OK);
}

struct two {
	struct forked *f;
	struct world_node *a, *b;
};

/* `b` ends the log, without a signature there, by the proof that the third branch parts from the second. */
static struct two two_nodes(void)
{
	struct two t = {.f = forked_new()};
	t.a = world_node_new(&world, "a");
	t.b = world_node_new(&world, "b");
	world_admit(t.a, t.b);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(world_follow(&world.nodes[i], &t.f->p.id), OK);
		give_keys(&world.nodes[i], t.f, NULL);
	}
	give_entries(t.b, t.f, 1, lengths[1]);
	give_proof(t.b, t.f, 2);
	return t;
}

static void both_end(struct two *t, int branch, uint64_t end)
{
	struct world_link *l = world_connect(t->a, t->b);
	world_run(&world, 3000);
	for (int i = 0; i < 2; i++) {
		struct store_log log;
		assert_int_equal(world_log(&world.nodes[i], &t->f->p.log, &log), OK);
		assert_int_equal(log.fork_seq1, end + 1);
		assert_int_equal(log.end, end);
		assert_memory_equal(&log.end_last, &t->f->ids[branch][end - 1], sizeof log.end_last);
		assert_int_equal(log.gaps, 0);
	}
	assert_true(l->open[0] && l->open[1]);
	forked_free(t->f);
}

/* What `a` holds lies along the first branch: that both part below the proven fork is found … */
static void a_fork_below_a_proven_one_is_found(void **state)
{
	(void)state;
	struct two t = two_nodes();
	give_entries(t.a, t.f, 0, FORK_2 - 2);
	both_end(&t, 0, TRUNK);
}

/* … also by what the proof has cut off there, with the only signature … */
static void what_lies_aside_shows_what_lies_before_it(void **state)
{
	(void)state;
	struct two t = two_nodes();
	give_entries(t.a, t.f, 0, FORK_2 + 5);
	both_end(&t, 0, TRUNK);
}

/* … and what nothing shows gives way. */
static void what_nothing_shows_gives_way(void **state)
{
	(void)state;
	struct two t = two_nodes();
	give_entries(t.a, t.f, 0, TRUNK);
	give_unsigned(t.a, t.f, 0, TRUNK, FORK_2);
	both_end(&t, 1, FORK_2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_DISKS_TEST(all_end_with_the_same_whatever_came_first),
		WORLD_DISKS_TEST(a_fork_below_a_proven_one_is_found),
		WORLD_DISKS_TEST(what_lies_aside_shows_what_lies_before_it),
		WORLD_DISKS_TEST(what_nothing_shows_gives_way),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
