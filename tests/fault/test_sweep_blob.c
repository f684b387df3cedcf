/* timeout: 900
 * Blobs: fetched from one node and from two, taken in from a file, and erased, while any one call to memory, store or disk fails, or all from
 * one on: sweep.h. Whatever fails, what was told is there, what is kept or sent is right, and after a start no file lies there for nothing. */
#include "bitmap.h"
#include "daemon/upload_blob.h"
#include "protocol/log/blobtree.h"
#include "protocol/peer/message.h"
#include "store/blobfile.h"
#include "tests/fault/sweep_pair.h"

#include <sodium.h>

#define SHARE 2.0 /* seconds a job */
#define BLOBS 32
#define LEAVES 18
#define ROW_BYTES 5000
#define ONE_BYTES 40000 /* of one chunk, and in a file */
#define FILE_BYTES (LEAVES * BLOB_CHUNK_BYTES - 1000) /* enough for two sources */

/* Every blob there is, from before anything failed. */
static struct known {
	struct id32 root, leaves[LEAVES];
	uint64_t size;
	bool pinned; /* by an entry that was acknowledged, and is not to be erased */
} blobs[BLOBS];
static size_t blobs_n;

static struct known *blob_known(const struct id32 *root, uint64_t size, struct slice leaves)
{
	struct known *b = &blobs[blobs_n++];
	if (blobs_n > BLOBS || leaves.n > sizeof b->leaves)
		abort();
	*b = (struct known){.root = *root, .size = size};
	memcpy(b->leaves, leaves.p, leaves.n);
	return b;
}

/* ---- what must hold ---- */

static bool is_leaf(const struct known *b, uint64_t index, struct slice chunk)
{
	struct id32 leaf = blob_leaf(index, chunk.p, chunk.n);
	return index < blob_chunks(b->size) && id32_equal(&leaf, &b->leaves[index]);
}

static void on_sent(
	void *ctx, struct world_node *from, struct world_node *to, uint8_t type, struct slice body)
{
	union message m;
	(void)ctx, (void)from, (void)to;
	if (type != MESSAGE_CHUNK)
		return;
	if (message_decode(type, body, &m) != OK)
		say_and_end("a chunk that is no message");
	for (size_t i = 0; i < blobs_n; i++)
		if (is_leaf(&blobs[i], m.chunk.index, m.chunk.bytes))
			return;
	say_and_end("a chunk was sent that is no blob's");
}

static void chunk_is_right(int fd, const struct known *b, uint64_t i)
{
	static uint8_t bytes[BLOB_CHUNK_STORED_BYTES];
	size_t n = blob_chunk_plain_bytes(b->size, i) + BLOB_CHUNK_TAG_BYTES;
	if (blobfile_read_chunk(fd, i, bytes, n) != OK || !is_leaf(b, i, slice_of(bytes, n)))
		say_and_end("a chunk that is said to be there is not");
}

static void file_is_right(struct world_node *n, const struct known *b, const struct store_blob *at)
{
	int fd = -1;
	bool whole = at->state == BLOB_COMPLETE;
	enum err e = whole ? blobfile_open(n->home, &b->root, &fd) : ERR_NOT_FOUND;
	if (!whole)
		e = blobfile_open_part(n->home, &b->root, &fd);
	if (!whole && e == OK && lseek(fd, 0, SEEK_END) == 0) { /* it has its name already */
		close(fd);
		e = blobfile_open(n->home, &b->root, &fd);
	}
	if (e != OK)
		say_and_end("the file of a blob is not there");
	for (uint64_t i = 0; i < blob_chunks(b->size); i++)
		if (whole || bit_get(at->have.p, i))
			chunk_is_right(fd, b, i);
	close(fd);
}

/* The blob as the node has it; ERR_NOT_FOUND. */
static enum err blob_at(struct world_node *n, const struct id32 *root, struct store_res *res)
{
	struct store_req q = {.op = STORE_BLOB_GET};
	q.a.root = *root;
	q.a.flag = true;
	world_store(n, &q, res);
	return res->err;
}

static bool told_whole(const struct world_node *n, const struct id32 *root)
{
	bool told = false;
	for (size_t i = 0; i < n->events_n; i++) {
		const struct engine_event *ev = &n->events[i];
		told = told ||
			(ev->kind == ENGINE_EVENT_BLOB && id32_equal(&ev->id, root) &&
				ev->count == ev->total);
	}
	return told;
}

static void blob_is_sound(struct world_node *n, const struct known *b)
{
	struct store_res res = {0};
	enum err e = blob_at(n, &b->root, &res);
	const struct store_blob *at = e == OK ? res.r.blobs : NULL;
	if (e != OK && e != ERR_NOT_FOUND)
		say_and_end("what a node has of a blob cannot be read");
	bool whole = at && at->state == BLOB_COMPLETE;
	if (b->pinned && (n != sw.ben || told_whole(n, &b->root)) && !whole)
		say_and_end("a blob that was told of is not there");
	if (whole && at->in_rows && !is_leaf(b, 0, res.r.bytes))
		say_and_end("a blob in a row is not what it should be");
	if (at && !at->in_rows && (whole || at->have_n))
		file_is_right(n, b, at);
	store_res_free(&res);
}

static void look_at_blobs(void)
{
	for (size_t i = 0; i < sw.w.nodes_n; i++)
		for (size_t k = 0; sw.w.nodes[i].store && k < blobs_n; k++)
			blob_is_sound(&sw.w.nodes[i], &blobs[k]);
}

static void has_a_row(void *ctx, const struct id32 *root, bool part, uint64_t bytes)
{
	struct store_res res = {0};
	enum err e = blob_at(ctx, root, &res);
	(void)bytes;
	if (e != OK || (part && res.r.blobs->state == BLOB_COMPLETE))
		say_and_end("a file that nothing needs is still there after a start");
	store_res_free(&res);
}

/* Nodes were just started. */
static void nothing_is_left(void)
{
	for (size_t i = 0; i < sw.w.nodes_n; i++) {
		struct world_node *n = &sw.w.nodes[i];
		struct store_req q = {.op = STORE_BLOB_LIST, .a.max = BLOBS};
		struct store_res res = {0};
		world_store(n, &q, &res);
		if (res.err != OK || blobfile_each(n->home, has_a_row, n) != OK)
			say_and_end("what a node has of blobs cannot be read");
		for (size_t k = 0; k < res.r.n; k++)
			if (res.r.blobs[k].pins == 0)
				say_and_end("a blob that no entry names is still there after a start");
		store_res_free(&res);
	}
	look_at_blobs();
}

/* ---- fetching ---- */

static void attach(uint64_t size)
{
	struct id32 root;
	struct engine_event ev = world_attach(sw.ann, &sw.person, size, &root);
	struct store_req q = {.op = STORE_BLOB_LEAVES};
	struct store_res res = {0};
	if (ev.err != OK)
		abort();
	acknowledged(&ev);
	q.a.root = root;
	world_store(sw.ann, &q, &res);
	if (res.err != OK)
		abort();
	blob_known(&root, size, res.r.bytes)->pinned = true;
	store_res_free(&res);
}

static bool all_whole(struct world_node *n)
{
	bool whole = true;
	for (size_t i = 0; i < blobs_n; i++) {
		struct store_res res = {0};
		whole = whole && blob_at(n, &blobs[i].root, &res) == OK &&
			res.r.blobs->state == BLOB_COMPLETE;
		store_res_free(&res);
	}
	return whole;
}

static bool done_fetch(void)
{
	return done_sync() && all_whole(sw.ben);
}

static void begin_blobs(void)
{
	blobs_n = 0;
	sw.w.sent = on_sent;
}

static void prepare_small(void)
{
	begin_blobs();
	two_nodes();
	meet(sw.ben, sw.ann);
	part_all();
	attach(ROW_BYTES);
	attach(ONE_BYTES);
}

static void prepare_file(void)
{
	begin_blobs();
	two_nodes();
	sw.cas = world_node_new(&sw.w, "cas");
	world_admit(sw.ann, sw.cas);
	world_admit(sw.ben, sw.cas);
	if (world_follow(sw.cas, &sw.person.id) != OK)
		abort();
	meet(sw.ben, sw.ann);
	meet(sw.ben, sw.cas);
	part_all();
	attach(FILE_BYTES);
	meet(sw.cas, sw.ann);
	if (!all_whole(sw.cas))
		abort();
}

/* ---- taken in ---- */

static const uint64_t sizes[] = {ROW_BYTES, 3 * BLOB_CHUNK_BYTES - 1000};
static bool taken[2];

static void prepare_take(void)
{
	begin_blobs();
	memset(taken, 0, sizeof taken);
	sw.ann = world_node_new(&sw.w, "ann");
	if (world_person_new(sw.ann, &sw.person) != OK)
		abort();
}

static enum err upload(struct upload_blob *u, uint64_t size)
{
	static const uint8_t piece[10000] = {1, 2, 3};
	enum err e = OK;
	for (uint64_t at = 0; e == OK && at < size; at += sizeof piece) {
		size_t n = size - at < sizeof piece ? (size_t)(size - at) : sizeof piece;
		e = upload_blob_feed(u, slice_of(piece, n));
	}
	return e == OK ? upload_blob_finish(u) : e;
}

static enum err ask_store(enum store_op op, const struct upload_result *r)
{
	struct store_req q = {.op = op};
	struct store_res res = {0};
	q.a.root = r->root;
	q.a.identity = sw.person.id;
	q.a.number = r->size;
	q.a.bytes = r->pages;
	q.a.bytes2 = r->leaves;
	q.a.value = r->content;
	q.a.flag = true;
	world_store(sw.ann, &q, &res);
	enum err e = res.err;
	store_res_free(&res);
	return e;
}

/* As the daemon does it: what no entry comes to name is dropped. */
static enum err take(uint64_t size)
{
	struct upload_blob *u = upload_blob_new(sw.ann->home, &sw.person.id);
	enum err e = u ? upload(u, size) : ERR_MEMORY;
	if (e != OK) {
		upload_blob_free(u);
		return e;
	}
	struct upload_result r = upload_blob_result(u);
	struct known *b = blob_known(&r.root, r.size, r.leaves);
	e = ask_store(STORE_BLOB_PUT, &r);
	if (e == OK) {
		struct engine_event ev = world_name_blob(sw.ann, &sw.person, &r.root, r.size);
		e = ev.err;
		b->pinned = e == OK;
		if (e == OK)
			acknowledged(&ev);
		else if (ask_store(STORE_BLOB_DROP, &r) != OK)
			sw.told = true; /* the next start drops it */
	}
	upload_blob_free(u);
	return e;
}

static void run_take(void)
{
	start_all();
	for (size_t i = 0; i < 2; i++) {
		enum err e = taken[i] || !sw.ann->engine ? OK : take(sizes[i]);
		if (!plain(e))
			say_and_end(err_text(e));
		taken[i] = taken[i] || (sw.ann->engine && e == OK);
		sw.told = sw.told || e != OK;
	}
	world_run(&sw.w, 1000);
}

static bool done_take(void)
{
	return sw.ann->engine && taken[0] && taken[1];
}

/* ---- erased ---- */

static void prepare_erase(void)
{
	prepare_small();
	attach(3 * BLOB_CHUNK_BYTES);
	meet(sw.ben, sw.ann);
	if (!done_fetch())
		abort();
	blobs[1].pinned = blobs[2].pinned = false;
}

static bool is_gone(struct world_node *n, const struct known *b)
{
	struct store_res res = {0};
	bool gone = n->store && blob_at(n, &b->root, &res) == ERR_NOT_FOUND;
	if (n->store)
		store_res_free(&res);
	return gone;
}

static void run_erase(void)
{
	start_all();
	for (size_t i = 1; i < 3; i++)
		if (sw.ann->engine && !is_gone(sw.ann, &blobs[i]) &&
			world_erase_begin(sw.ann, &sw.person, sw.acked[i].seq) == 0)
			sw.told = true;
	run_pair();
}

static bool done_erase(void)
{
	bool gone = done_sync();
	for (size_t i = 1; i < 3; i++)
		gone = gone && is_gone(sw.ann, &blobs[i]) && is_gone(sw.ben, &blobs[i]);
	return gone;
}

/* ---- the tests ---- */

static void sweep_blobs(const char *name, void (*prepare)(void), void (*run)(void), bool (*done)(void))
{
	const struct job job = {.name = name,
		.prepare = prepare,
		.run = run,
		.done = done,
		.look = look_at_blobs,
		.rest = nothing_is_left};
	sweep(&job, SHARE);
}

static void fetching_small_blobs_survives_whatever_fails(void **state)
{
	(void)state;
	sweep_blobs("small", prepare_small, run_pair, done_fetch);
}

static void fetching_from_two_survives_whatever_fails(void **state)
{
	(void)state;
	sweep_blobs("file", prepare_file, run_pair, done_fetch);
}

static void taking_in_files_survives_whatever_fails(void **state)
{
	(void)state;
	sweep_blobs("take", prepare_take, run_take, done_take);
}

static void erasing_blobs_survives_whatever_fails(void **state)
{
	(void)state;
	sweep_blobs("erase", prepare_erase, run_erase, done_erase);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fetching_small_blobs_survives_whatever_fails),
		cmocka_unit_test(fetching_from_two_survives_whatever_fails),
		cmocka_unit_test(taking_in_files_survives_whatever_fails),
		cmocka_unit_test(erasing_blobs_survives_whatever_fails),
	};
	if (sodium_init() < 0)
		abort();
	faulty_install(true);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
