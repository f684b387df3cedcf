/* What sweeps have found, each by itself: calls that fail in one place, one after the other. */
#include "protocol/log/notice.h"
#include "protocol/peer/message.h"
#include "store/blobfile.h"
#include "tests/support/world_fixture.h"
#include "tools/sim/faulty.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#define CALLS 300 /* at most; until no call is left to fail */
#define NOTICES 12 /* requests that one brings about, and more */
#define FILE_BYTES 200000
#define TWO_BYTES (20 * BLOB_CHUNK_BYTES) /* enough for two sources */

static struct store_req meta(enum store_op op, const char *key, const char *value)
{
	return (struct store_req){.op = op, .a.key = slice_str(key), .a.value = slice_str(value)};
}

static enum err meta_at(struct world_node *n, const char *key)
{
	struct store_req q = meta(STORE_META_GET, key, "");
	struct store_res res;
	world_store(n, &q, &res);
	enum err e = res.err;
	store_res_free(&res);
	return e;
}

static bool for_want_of_memory(enum err e)
{
	return e == OK || e == ERR_MEMORY || e == ERR_IO;
}

/* A read between two writes may take their transaction with it. */
static void a_read_without_memory_undoes_no_write_that_is_answered(void **state)
{
	struct world_node *ann = world_node_new(&world, "ann");
	uint64_t nth = 0;
	(void)state;
	do {
		nth++;
		char before[20], behind[20];
		snprintf(before, sizeof before, "before%u", (unsigned)nth);
		snprintf(behind, sizeof behind, "behind%u", (unsigned)nth);
		struct store_req q[] = {meta(STORE_META_PUT, before, "1"), {.op = STORE_CURSOR_CHECK},
			meta(STORE_META_PUT, behind, "1")};
		struct store_req *all[] = {&q[0], &q[1], &q[2]};
		struct store_res res[3];
		world_crash(ann); /* its statements are made anew, that of the writes first */
		world_restart(ann);
		struct store_req first = meta(STORE_META_PUT, "first", "1");
		world_store(ann, &first, &res[0]);
		assert_int_equal(res[0].err, OK);
		faulty_arm(FAULTY_MEMORY, nth, false);
		store_exec(ann->store, all, res, 3);
		faulty_disarm();
		for (int i = 0; i < 3; i++) {
			assert_true(for_want_of_memory(res[i].err));
			store_res_free(&res[i]);
		}
		assert_int_equal(meta_at(ann, before), res[0].err == OK ? OK : ERR_NOT_FOUND);
		assert_int_equal(meta_at(ann, behind), res[2].err == OK ? OK : ERR_NOT_FOUND);
	} while (faulty_hits() && nth < CALLS);
	assert_in_range(nth, 10, CALLS - 1);
}

static void a_peer_read_without_memory_is_neither_damaged_nor_nameless(void **state)
{
	struct world_node *ann = world_node_new(&world, "ann"), *ben = world_node_new(&world, "ben");
	uint64_t nth = 0;
	(void)state;
	world_introduce(ann, ben);
	do {
		nth++;
		struct store_req q = {.op = STORE_PEER_GET};
		struct store_res res;
		q.a.node = ben->key;
		world_crash(ann);
		world_restart(ann);
		faulty_arm(FAULTY_MEMORY, nth, false);
		world_store(ann, &q, &res);
		faulty_disarm();
		assert_true(for_want_of_memory(res.err));
		if (res.err == OK) {
			assert_int_equal(res.r.peers[0].addresses_n, 1);
			assert_true(id32_equal(&res.r.peers[0].node, &ben->key));
		}
		store_res_free(&res);
	} while (faulty_hits() && nth < CALLS);
	assert_in_range(nth, 10, CALLS - 1);
}

/* ---- a file that is served ---- */

static struct id32 served;

/* ben has nothing of ann's and asks for it all the same. */
static struct world_node *serve_file(void)
{
	struct world_person p;
	struct world_node *ann = world_node_new(&world, "ann"), *ben = world_node_new(&world, "ben");
	world_admit(ann, ben);
	assert_int_equal(world_person_new(ann, &p), OK);
	assert_int_equal(world_attach(ann, &p, FILE_BYTES, &served).err, OK);
	return ann;
}

/* A connection on which ben has just asked; his engine does not know of it, and ends it at the first chunk. */
static struct world_link *ask(uint32_t req)
{
	struct message_want_chunks m = {.req = req, .root = served, .count = 4};
	struct buf body = {0};
	struct world_link *l = world_connect(&world.nodes[1], &world.nodes[0]);
	world_run(&world, 100);
	assert_true(l->open[0] && l->open[1]);
	assert_int_equal(message_encode(MESSAGE_WANT_CHUNKS, &m, &body), OK);
	world_send(l, 1, MESSAGE_WANT_CHUNKS, buf_slice(&body));
	buf_free(&body);
	return l;
}

static void chunks_served_without_memory_end_the_answer_or_the_connection(void **state)
{
	struct world_node *ann = serve_file();
	uint64_t nth = 0;
	(void)state;
	do {
		struct world_link *l = ask((uint32_t)++nth);
		faulty_arm(FAULTY_MEMORY, nth, false);
		while (world_step(&world))
			;
		faulty_disarm();
		if (l->open[0] || l->open[1])
			world_cut(l);
		assert_non_null(ann->engine);
	} while (faulty_hits() && nth < CALLS);
	assert_in_range(nth, 10, CALLS - 1);
}

static unsigned told(const struct world_node *n, enum err e)
{
	unsigned k = 0;
	for (size_t i = 0; i < n->events_n; i++)
		k += n->events[i].kind == ENGINE_EVENT_STORE_ERROR && n->events[i].err == e;
	return k;
}

static void count_file(void *ctx, const struct id32 *root, bool part, uint64_t bytes)
{
	(void)root, (void)part, (void)bytes;
	++*(unsigned *)ctx;
}

static void a_file_that_cannot_be_read_is_told_of_once_a_minute(void **state)
{
	struct world_node *ann = serve_file();
	char path[1024];
	(void)state;
	blob_path(ann, &served, path);
	assert_int_equal(truncate(path, FILE_BYTES / 2), 0);
	for (uint32_t req = 1; req <= 7; req++) {
		if (req == 7)
			world.now_ms += 60000;
		struct world_link *l = ask(req);
		world_run(&world, 100);
		world_cut(l);
		assert_int_equal(told(ann, ERR_CORRUPT), req < 7 ? 1 : 2);
	}
}

static void a_file_that_is_gone_is_not_made_by_reading_it(void **state)
{
	struct world_node *ann = serve_file();
	char path[1024];
	unsigned files = 0;
	(void)state;
	blob_path(ann, &served, path);
	assert_int_equal(unlink(path), 0);
	ask(1);
	world_run(&world, 100);
	assert_int_equal(blobfile_each(ann->home, count_file, &files), OK);
	assert_int_equal(files, 0);
	assert_int_equal(told(ann, ERR_CORRUPT), 0);
}

/* ---- a file that is fetched */

static uint64_t lies;

/* The first chunk that anybody sends is too short. */
static bool shorten(void *ctx, struct world_link *l, int to, uint8_t *type, struct buf *body)
{
	union message m;
	struct buf out = {0};
	(void)ctx, (void)l, (void)to;
	if (*type != MESSAGE_CHUNK || lies++)
		return true;
	assert_int_equal(message_decode(*type, buf_slice(body), &m), OK);
	m.chunk.bytes.n--;
	assert_int_equal(message_encode(*type, &m, &out), OK);
	buf_free(body);
	*body = out;
	return true;
}

static bool has_it_all(struct world_node *n)
{
	struct store_req q = {.op = STORE_BLOB_GET};
	struct store_res res;
	q.a.root = served;
	world_store(n, &q, &res);
	bool whole = res.err == OK && res.r.blobs[0].state == BLOB_COMPLETE;
	store_res_free(&res);
	return whole;
}

/* It was taken for one that is still to come, and ben's node looked without end, within one moment, for what else to ask for. */
static void a_chunk_that_could_not_be_taken_is_asked_for_again(void **state)
{
	struct world_person p;
	struct world_node *ann = world_node_new(&world, "ann"), *ben = world_node_new(&world, "ben"),
			  *cas = world_node_new(&world, "cas");
	(void)state;
	lies = 0;
	world.steps_max = 20000;
	world_admit(ann, ben);
	world_admit(ann, cas);
	world_admit(ben, cas);
	assert_int_equal(world_person_new(ann, &p), OK);
	assert_int_equal(world_follow(ben, &p.id), OK);
	assert_int_equal(world_follow(cas, &p.id), OK);
	assert_int_equal(world_attach(ann, &p, TWO_BYTES, &served).err, OK);
	world_connect(cas, ann);
	world_run(&world, 10000);
	assert_true(has_it_all(cas));
	world.meddle = shorten;
	world_connect(ben, ann);
	world_connect(ben, cas);
	world_run(&world, 10000);
	assert_true(lies > 0);
	assert_true(world.steps < world.steps_max);
	assert_true(has_it_all(ben));
}

/* ---- a notice that comes in */

static bool follows(struct world_node *n, const struct id32 *identity)
{
	struct store_req q = {.op = STORE_FOLLOW_LIST};
	struct store_res res;
	bool there = false;
	world_store(n, &q, &res);
	for (size_t i = 0; res.err == OK && i < res.r.n; i++)
		there = there || id32_equal(&res.r.follows[i].identity, identity);
	store_res_free(&res);
	return there;
}

static struct world_link *links_anew(struct world_link *l)
{
	world_cut(l);
	world.now_ms += 61000; /* sums are looked at again */
	l = world_connect(l->nodes[0], l->nodes[1]);
	world_run(&world, 1000);
	return l;
}

/* It was kept, and what it should bring about never tried again. */
static void a_notice_comes_whatever_the_store_refuses(void **state)
{
	struct world_person reader, writer;
	struct world_node *ann = world_node_new(&world, "ann"), *ben = world_node_new(&world, "ben");
	(void)state;
	world_admit(ann, ben);
	assert_int_equal(world_person_new(ben, &reader), OK);
	struct world_link *l = world_connect(ann, ben);
	for (uint64_t nth = 1; nth <= NOTICES; nth++) {
		assert_int_equal(world_person_new(ann, &writer), OK);
		struct engine_event ev = world_append(ann, &writer, 50);
		struct entry_ref of = {.log = writer.log, .seq = ev.seq, .id = ev.id};
		world_run(&world, 1000);
		faulty_arm(FAULTY_STORE, nth, false);
		enum err e = world_notice(ann, &writer, &of, &reader.id, ben, 24).err;
		world_run(&world, 1000);
		faulty_disarm();
		for (int k = 0; e == OK && k < 3 && !follows(ben, &writer.id); k++)
			l = links_anew(l);
		assert_true(e != OK || follows(ben, &writer.id));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(a_read_without_memory_undoes_no_write_that_is_answered),
		WORLD_TEST(a_peer_read_without_memory_is_neither_damaged_nor_nameless),
		WORLD_TEST(chunks_served_without_memory_end_the_answer_or_the_connection),
		WORLD_TEST(a_file_that_cannot_be_read_is_told_of_once_a_minute),
		WORLD_TEST(a_file_that_is_gone_is_not_made_by_reading_it),
		WORLD_TEST(a_chunk_that_could_not_be_taken_is_asked_for_again),
		WORLD_TEST(a_notice_comes_whatever_the_store_refuses),
	};
	if (sodium_init() < 0)
		abort();
	faulty_install(false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
