/* limit_blob.c -- the bare pipeline for a blob: one process reads, encrypts and sends; the other decrypts on one thread, and hashes
 * and writes on a second; one fsync at the end. */
#include "tools/bench/bench.h"
#include "tools/bench/wire.h"

#include "protocol/log/blobtree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#define SLOTS 64u

struct ring {
	uv_mutex_t mutex;
	uv_cond_t moved;
	uint64_t head, tail;
	bool ended;
	int fd;
	size_t n[SLOTS];
	uint8_t chunks[SLOTS][BLOB_CHUNK_STORED_BYTES];
};

static void hash_and_write(void *arg)
{
	struct ring *r = arg;
	uv_mutex_lock(&r->mutex);
	for (;;) {
		while (r->head == r->tail && !r->ended)
			uv_cond_wait(&r->moved, &r->mutex);
		if (r->head == r->tail)
			break;
		size_t i = (size_t)(r->tail % SLOTS);
		uv_mutex_unlock(&r->mutex);
		struct id32 leaf = blob_leaf(r->tail, r->chunks[i], r->n[i]);
		if (id32_is_zero(&leaf) || write(r->fd, r->chunks[i], r->n[i]) != (ssize_t)r->n[i])
			bench_fail("a file", strerror(errno));
		uv_mutex_lock(&r->mutex);
		r->tail++;
		uv_cond_broadcast(&r->moved);
	}
	uv_mutex_unlock(&r->mutex);
}

static void put_chunk(struct ring *r, struct slice chunk)
{
	uv_mutex_lock(&r->mutex);
	while (r->head - r->tail >= SLOTS)
		uv_cond_wait(&r->moved, &r->mutex);
	size_t i = (size_t)(r->head % SLOTS);
	uv_mutex_unlock(&r->mutex);
	memcpy(r->chunks[i], chunk.p, chunk.n);
	r->n[i] = chunk.n;
	uv_mutex_lock(&r->mutex);
	r->head++;
	uv_cond_broadcast(&r->moved);
	uv_mutex_unlock(&r->mutex);
}

static void send_file(int fd, const char *file)
{
	static uint8_t chunk[BLOB_CHUNK_BYTES];
	struct wire w = {.fd = fd};
	int in = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t n;
	wire_wait(fd);
	while ((n = read(in, chunk, sizeof chunk)) > 0)
		wire_send(&w, slice_of(chunk, (size_t)n));
	wire_flush(&w);
}

double limit_blob(const struct bench_options *o, const char *file, uint64_t bytes, double *cpu_s)
{
	char path[BENCH_PATH_BYTES + 16];
	int fds[2];
	uv_thread_t thread;
	snprintf(path, sizeof path, "%s/limit", o->dir);
	bench_settle();
	wire_pair(fds);
	(void)fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		close(fds[0]);
		send_file(fds[1], file);
		_exit(0);
	}
	close(fds[1]);
	struct ring *r = bench_memory(sizeof *r);
	struct wire w = {.fd = fds[0]};
	r->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (r->fd < 0 || uv_mutex_init(&r->mutex) != 0 || uv_cond_init(&r->moved) != 0)
		bench_fail(path, strerror(errno));
	double cpu_before_s = bench_cpu_s(), before = bench_now_s();
	if (uv_thread_create(&thread, hash_and_write, r) != 0)
		bench_fail("a thread", err_text(ERR_MEMORY));
	wire_go(fds[0]);
	for (struct slice chunk; wire_receive(&w, &chunk);)
		put_chunk(r, chunk);
	uv_mutex_lock(&r->mutex);
	r->ended = true;
	uv_cond_broadcast(&r->moved);
	uv_mutex_unlock(&r->mutex);
	uv_thread_join(&thread);
	if (fsync(r->fd) != 0)
		bench_fail(path, strerror(errno));
	double s = bench_now_s() - before;
	(void)waitpid(child, NULL, 0);
	*cpu_s = bench_cpu_s() - cpu_before_s;
	close(fds[0]);
	close(r->fd);
	unlink(path);
	wire_deinit(&w);
	uv_cond_destroy(&r->moved);
	uv_mutex_destroy(&r->mutex);
	free(r);
	return (double)bytes / 1e6 / s;
}
