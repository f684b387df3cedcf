/* blobs.c -- `quire-bench blobs`: many small files from one daemon to another, each named by an entry of its own, until the receiver has
 * the last of them on its disk. The bare limit: the same bytes as rows, a thousand a commit. */
#include "tools/bench/bench.h"

#include "protocol/log/blobtree.h"

#include <sodium.h>
#include <stdio.h>

#define POLL_MS 2
#define MOST_S 60.0

struct small {
	struct bench_home source;
	struct bench_log log;
	uint64_t bytes;
	size_t n;
	struct id32 *roots;
};

/* Encrypted as the daemon does with an upload; its bytes are in q's arena. Returns its root. */
static struct id32 put_blob(const struct bench_log *l, uint64_t bytes, struct store_req *q)
{
	uint8_t key[32], *plain = arena_alloc(&q->mem, bytes);
	uint8_t *chunk = arena_alloc(&q->mem, bytes + BLOB_CHUNK_TAG_BYTES);
	struct id32 *hashes = arena_alloc(&q->mem, 2 * sizeof *hashes);
	if (!plain || !chunk || !hashes)
		bench_fail("memory", err_text(ERR_MEMORY));
	randombytes_buf(key, sizeof key);
	randombytes_buf(plain, bytes);
	blob_chunk_encrypt(key, 0, true, plain, bytes, chunk);
	hashes[0] = blob_leaf(0, chunk, bytes + BLOB_CHUNK_TAG_BYTES);
	hashes[1] = blob_page_hash(&hashes[0], 1);
	q->op = STORE_BLOB_PUT;
	q->a.root = blob_root(&hashes[1], 1, bytes, &l->identity);
	q->a.identity = l->identity;
	q->a.number = bytes;
	q->a.bytes = slice_of(hashes[1].b, 32);
	q->a.bytes2 = slice_of(hashes[0].b, 32);
	q->a.value = slice_of(chunk, bytes + BLOB_CHUNK_TAG_BYTES);
	q->a.flag = true;
	return q->a.root;
}

static void put_entry(struct bench_log *l, const struct id32 *root, uint64_t bytes, struct store_req *q)
{
	struct envelope env = {.blobs_n = 1};
	struct buf packed = {0};
	struct store_pin *pin = arena_alloc(&q->mem, sizeof *pin);
	if (!pin)
		bench_fail("memory", err_text(ERR_MEMORY));
	env.blobs[0] = (struct envelope_blob){.root = *root, .size = bytes};
	bench_must(envelope_encode(&env, &packed), "an envelope");
	*pin = (struct store_pin){.seq = l->length, .root = *root, .size = bytes};
	bench_entry(l, 60, buf_slice(&packed), &q->mem, q);
	q->a.pins = pin;
	q->a.pins_n = 1;
	buf_free(&packed);
}

/* Blobs into rows; without entries if l is NULL: then this is the bare work. */
static void fill(struct store *s, struct small *x, struct bench_log *l)
{
	struct store_req reqs[BENCH_BATCH];
	for (size_t i = 0; i < x->n;) {
		size_t k = 0;
		for (; k + 2 <= BENCH_BATCH && i < x->n; i++) {
			reqs[k] = (struct store_req){0};
			x->roots[i] = put_blob(&x->log, x->bytes, &reqs[k++]);
			reqs[k] = (struct store_req){0};
			if (l)
				put_entry(l, &x->roots[i], x->bytes, &reqs[k++]);
		}
		bench_batch(s, reqs, k);
	}
}

static void wait_complete(struct store *reader, const struct bench_daemon *d, const struct bench_log *l)
{
	double until_s = bench_now_s() + MOST_S;
	for (uint64_t length = 0;;) {
		struct store_req log = {.op = STORE_LOG_GET, .a.log = l->log};
		struct store_req lacking = {.op = STORE_BLOB_LIST, .a.flag = true, .a.max = 1};
		struct store_res res;
		if (length < l->length) {
			store_exec_one(reader, &log, &res);
			length = res.err == OK ? res.r.logs[0].end : 0;
			store_res_free(&res);
		} else {
			store_exec_one(reader, &lacking, &res);
			bool complete = res.err == OK && res.r.n == 0;
			store_res_free(&res);
			if (complete)
				return;
		}
		if (bench_now_s() > until_s)
			bench_fail("the receiver", "its blobs do not become complete");
		bench_daemon_check(d);
		bench_pause(POLL_MS);
	}
}

/* Hashes what the receiver's rows hold. */
static void verify(struct store *reader, const struct small *x)
{
	for (size_t i = 0; i < x->n; i++) {
		struct store_req q = {.op = STORE_BLOB_CONTENT, .a.root = x->roots[i]};
		struct store_res res;
		store_exec_one(reader, &q, &res);
		bench_must(res.err, "a blob read back");
		struct id32 leaf = blob_leaf(0, res.r.bytes.p, res.r.bytes.n);
		struct id32 page = blob_page_hash(&leaf, 1),
			    root = blob_root(&page, 1, x->bytes, &x->log.identity);
		if (!id32_equal(&root, &x->roots[i]))
			bench_fail("a blob read back", "it hashes to another root");
		store_res_free(&res);
	}
}

static void run(struct bench_options *o, struct bench_report *r, struct small *x, uint64_t number)
{
	struct bench_home receiver;
	struct bench_daemon a, b;
	struct store *reader = bench_receiver(o, &x->source, &x->log, 1, number, &receiver, &a);
	bench_daemon_start(o, &receiver, false, &b);
	double ready_s = bench_now_s();
	wait_complete(reader, &b, &x->log);
	double took_s = bench_now_s() - ready_s;
	bench_daemon_stop(&b);
	bench_daemon_stop(&a);
	verify(reader, x);
	store_close(reader);
	bench_add(r, "files_per_s", "files/s", (double)x->n / took_s);
	bench_add(r, "seconds", "s", took_s);
	bench_add(r, "cpu_us_per_file", "us, both sides", (a.cpu_s + b.cpu_s) * 1e6 / (double)x->n);
	bench_add(r, "source_cpu_s", "s", a.cpu_s);
	bench_add(r, "receiver_cpu_s", "s", b.cpu_s);
	bench_add(r, "receiver_peak_mib", "MiB", b.peak_mib);
	if (!o->keep)
		bench_remove(receiver.path);
}

static void limit(struct bench_options *o, struct bench_report *r, struct small *x)
{
	struct small bare = {.log = x->log, .bytes = x->bytes, .n = x->n};
	bare.roots = bench_memory(x->n * sizeof *bare.roots);
	bench_home_make(o, "limit", &bare.source);
	bench_settle();
	struct store *s = bench_open(&bare.source, false);
	double began_s = bench_now_s();
	fill(s, &bare, NULL);
	bench_add(r, "limit_files_per_s", "files/s, bare", (double)x->n / (bench_now_s() - began_s));
	store_close(s);
	bench_remove(bare.source.path);
	free(bare.roots);
}

int blobs_main(struct bench_options *o)
{
	struct bench_report *r = bench_memory(sizeof *r);
	struct small *x = bench_memory(sizeof *x);
	if (blob_stored_bytes(o->bytes) > LIMIT_BLOB_INLINE_BYTES)
		bench_fail("--bytes", "that is a large file: see `quire-bench blob`");
	r->name = "blobs";
	x->n = (size_t)o->entries;
	x->bytes = o->bytes;
	x->roots = bench_memory(x->n * sizeof *x->roots);
	bench_home_make(o, "source", &x->source);
	bench_identities(&x->source, &x->log, 1);
	bench_fill(&x->source, &x->log, 1, 1, 60);
	struct store *s = bench_open(&x->source, false);
	fill(s, x, &x->log);
	store_close(s);
	for (uint64_t i = 0; i < o->runs; i++) {
		run(o, r, x, i);
		if (o->bare)
			limit(o, r, x);
	}
	bench_print(r, o);
	free(x->roots);
	free(x);
	free(r);
	return 0;
}
