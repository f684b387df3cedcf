/* blob.c -- `quire-bench blob`: one file from one daemon to another, encrypted, until the receiver has it complete and synced. */
#include "tools/bench/bench.h"

#include "protocol/log/blobtree.h"
#include "store/blobfile.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

#define POLL_MS 2
#define MOST_S 60.0

struct making {
	uint64_t size, chunks;
	struct id32 *leaves;
	struct buf small;
	int fd;
	uint8_t key[32];
};

/* As the daemon does with an upload: chunk by chunk encrypted, into a file without a name. */
static void make_chunks(struct making *m, const char *file)
{
	static uint8_t plain[BLOB_CHUNK_BYTES], chunk[BLOB_CHUNK_STORED_BYTES];
	int in = open(file, O_RDONLY | O_CLOEXEC);
	if (in < 0)
		bench_fail(file, strerror(errno));
	for (uint64_t i = 0; i < m->chunks; i++) {
		size_t n = blob_chunk_plain_bytes(m->size, i);
		if (pread(in, plain, n, (off_t)(i * BLOB_CHUNK_BYTES)) != (ssize_t)n)
			bench_fail(file, "it is too short");
		blob_chunk_encrypt(m->key, i, i + 1 == m->chunks, plain, n, chunk);
		m->leaves[i] = blob_leaf(i, chunk, n + BLOB_CHUNK_TAG_BYTES);
		bench_must(m->fd >= 0 ? blobfile_write_chunk(m->fd, i, chunk, n + BLOB_CHUNK_TAG_BYTES)
				      : buf_put(&m->small, chunk, n + BLOB_CHUNK_TAG_BYTES),
			"a chunk");
	}
	close(in);
}

static struct id32 make_root(
	const struct making *m, const struct id32 *owner, struct id32 *pages, uint32_t pages_n)
{
	for (uint32_t p = 0; p < pages_n; p++)
		pages[p] = blob_page_hash(
			m->leaves + (size_t)p * BLOB_PAGE_LEAVES, blob_page_leaves(m->size, p));
	return blob_root(pages, pages_n, m->size, owner);
}

/* Puts the file into the home's store; gives its root. */
static struct id32 put_blob(struct bench_home *h, const struct id32 *owner, const char *file, uint64_t size)
{
	struct making m = {.size = size, .chunks = blob_chunks(size), .fd = -1};
	static struct id32 pages[LIMIT_BLOB_PAGES];
	uint32_t pages_n = blob_pages(size);
	m.leaves = bench_memory((size_t)m.chunks * sizeof *m.leaves);
	randombytes_buf(m.key, sizeof m.key);
	bool rows = blob_stored_bytes(size) <= LIMIT_BLOB_INLINE_BYTES;
	if (!rows)
		bench_must(blobfile_temp(h->path, &m.fd), "a blob's file");
	make_chunks(&m, file);
	struct id32 root = make_root(&m, owner, pages, pages_n);
	if (!rows) {
		bench_must(blobfile_publish(h->path, &root, m.fd), "a blob's name");
		close(m.fd);
	}
	struct store *s = bench_open(h, false);
	struct store_req q = {.op = STORE_BLOB_PUT,
		.a.root = root,
		.a.identity = *owner,
		.a.number = size,
		.a.bytes = slice_of(pages, pages_n * sizeof *pages),
		.a.bytes2 = slice_of(m.leaves, (size_t)m.chunks * sizeof *m.leaves),
		.a.value = buf_slice(&m.small),
		.a.flag = true};
	struct store_res res;
	store_exec_one(s, &q, &res);
	bench_must(res.err, "a blob's row");
	store_res_free(&res);
	store_close(s);
	buf_free(&m.small);
	free(m.leaves);
	return root;
}

static void make_file(const char *path, uint64_t bytes)
{
	static uint8_t block[1 << 20];
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	for (uint64_t done = 0; fd >= 0 && done < bytes;) {
		size_t n = bytes - done < sizeof block ? (size_t)(bytes - done) : sizeof block;
		randombytes_buf(block, n);
		if (write(fd, block, n) != (ssize_t)n)
			bench_fail(path, strerror(errno));
		done += n;
	}
	if (fd < 0 || close(fd) != 0)
		bench_fail(path, strerror(errno));
}

static void wait_complete(struct store *reader, const struct bench_daemon *d, const struct id32 *root)
{
	double until_s = bench_now_s() + MOST_S;
	for (;;) {
		struct store_req q = {.op = STORE_BLOB_GET, .a.root = *root};
		struct store_res res;
		store_exec_one(reader, &q, &res);
		bool complete = res.err == OK && res.r.blobs[0].state == BLOB_COMPLETE;
		store_res_free(&res);
		if (complete)
			return;
		if (bench_now_s() > until_s)
			bench_fail("the receiver", "the blob does not become complete");
		bench_daemon_check(d);
		bench_pause(POLL_MS);
	}
}

/* Hashes the receiver's file and compares the root. */
static void verify(
	const struct bench_home *h, const struct id32 *root, const struct id32 *owner, uint64_t size)
{
	static uint8_t chunk[BLOB_CHUNK_STORED_BYTES];
	static struct id32 pages[LIMIT_BLOB_PAGES];
	struct making m = {.size = size, .chunks = blob_chunks(size)};
	if (blob_stored_bytes(size) <= LIMIT_BLOB_INLINE_BYTES)
		return; /* in rows: its leaf was checked, and entries vouch for rows */
	m.leaves = bench_memory((size_t)m.chunks * sizeof *m.leaves);
	bench_must(blobfile_open(h->path, root, &m.fd), "the receiver's file");
	for (uint64_t i = 0; i < m.chunks; i++) {
		size_t n = blob_chunk_plain_bytes(size, i) + BLOB_CHUNK_TAG_BYTES;
		bench_must(blobfile_read_chunk(m.fd, i, chunk, n), "a chunk read back");
		m.leaves[i] = blob_leaf(i, chunk, n);
	}
	close(m.fd);
	struct id32 again = make_root(&m, owner, pages, blob_pages(size));
	if (!id32_equal(&again, root))
		bench_fail("the receiver's file", "it hashes to another root");
	free(m.leaves);
}

struct blob_bench {
	struct bench_home source;
	struct bench_log log;
	struct id32 root;
};

static void run(struct bench_options *o, struct bench_report *r, struct blob_bench *x, uint64_t number)
{
	struct bench_home receiver;
	struct bench_daemon a, b;
	struct store *reader = bench_receiver(o, &x->source, &x->log, 1, number, &receiver, &a);
	double launched_s = bench_now_s();
	bench_daemon_start(o, &receiver, false, &b);
	double ready_s = bench_now_s();
	wait_complete(reader, &b, &x->root);
	double done_s = bench_now_s();
	store_close(reader);
	bench_daemon_stop(&b);
	bench_daemon_stop(&a);
	verify(&receiver, &x->root, &x->log.identity, o->bytes);
	double mb = (double)o->bytes / 1e6;
	bench_add(r, "mb_per_s", "MB/s", mb / (done_s - ready_s));
	bench_add(r, "seconds", "s", done_s - ready_s);
	bench_add(r, "seconds_from_launch", "s", done_s - launched_s);
	bench_add(r, "source_cpu_s", "s", a.cpu_s);
	bench_add(r, "source_peak_mib", "MiB", a.peak_mib);
	bench_add(r, "receiver_cpu_s", "s", b.cpu_s);
	bench_add(r, "receiver_peak_mib", "MiB", b.peak_mib);
	bench_add(r, "cpu_s", "s, both sides", a.cpu_s + b.cpu_s);
	bench_add(r, "wire_share", "bytes sent for each of the file", (double)a.written / (double)o->bytes);
	if (!o->keep)
		bench_remove(receiver.path);
}

int blob_main(struct bench_options *o)
{
	struct bench_report *r = bench_memory(sizeof *r);
	struct blob_bench *x = bench_memory(sizeof *x);
	char file[BENCH_PATH_BYTES + 16];
	r->name = "blob";
	snprintf(file, sizeof file, "%s/file", o->dir);
	make_file(file, o->bytes);
	bench_home_make(o, "source", &x->source);
	bench_identities(&x->source, &x->log, 1);
	bench_fill(&x->source, &x->log, 1, 1, 60);
	x->root = put_blob(&x->source, &x->log.identity, file, o->bytes);
	bench_pin(&x->source, &x->log, &x->root, o->bytes);
	for (uint64_t i = 0; i < o->runs; i++) {
		run(o, r, x, i);
		if (o->bare) {
			double cpu_s;
			bench_add(r, "limit_mb_per_s", "MB/s, bare", limit_blob(o, file, o->bytes, &cpu_s));
			bench_add(r, "limit_cpu_s", "s, both sides, bare", cpu_s);
		}
	}
	if (o->bare)
		bench_add(r, "share_of_limit", "of the bare limit",
			bench_median(r, "mb_per_s") / bench_median(r, "limit_mb_per_s"));
	bench_print(r, o);
	free(x);
	free(r);
	return 0;
}
