/* pool.c -- see pool.h. */
#include "pool.h"

#include "home.h"
#include "log.h"
#include "protocol/award/facts.h"

#include <malloc.h>
#include <stdio.h>

#define REST_MS 2000 /* after the last read: what was kept for the next is given back */

struct job {
	uv_work_t req;
	struct pool *pool;
	node_read_fn read; /* or work */
	void (*work)(void *ctx);
	void (*done)(void *ctx);
	void *ctx;
};

struct pool {
	uv_loop_t *loop;
	char home[HOME_PATH_BYTES];
	size_t pending;
	bool closing;
	void (*closed)(void *ctx);
	void *closed_ctx;
	uv_async_t end; /* so that `closed` never comes from inside pool_close */
	uv_timer_t rest;
	int handles;

	uv_mutex_t mutex; /* guards the readers that nobody uses */
	struct store *idle[POOL_THREADS];
	size_t idle_n;
};

void pool_size_threads(void)
{
	char text[8];
	snprintf(text, sizeof text, "%d", POOL_THREADS);
	if (uv_os_setenv("UV_THREADPOOL_SIZE", text) != 0)
		log_warning("pool", log_text("event", "UV_THREADPOOL_SIZE cannot be set"));
}

static enum err reader_take(struct pool *p, struct store **reader)
{
	*reader = NULL;
	uv_mutex_lock(&p->mutex);
	if (p->idle_n > 0)
		*reader = p->idle[--p->idle_n];
	uv_mutex_unlock(&p->mutex);
	if (*reader)
		return OK;
	const struct store_options options = {
		.home = p->home, .read_only = true, .facts = facts_make, .facts_made_late = FACTS_MADE_LATE};
	return store_open(&options, reader);
}

static void reader_give(struct pool *p, struct store *reader)
{
	uv_mutex_lock(&p->mutex);
	bool kept = p->idle_n < POOL_THREADS;
	if (kept)
		p->idle[p->idle_n++] = reader;
	uv_mutex_unlock(&p->mutex);
	if (!kept)
		store_close(reader);
}

static void on_work(uv_work_t *req)
{
	struct job *j = (struct job *)req->data;
	if (j->work) {
		j->work(j->ctx);
		return;
	}
	struct store *reader = NULL;
	enum err e = reader_take(j->pool, &reader);
	j->read(j->ctx, reader, e);
	if (reader)
		reader_give(j->pool, reader);
}

static void end_if_idle(struct pool *p)
{
	if (p->closing && p->pending == 0)
		uv_async_send(&p->end);
}

static void on_rest(uv_timer_t *rest)
{
	struct pool *p = (struct pool *)rest->data;
	uv_mutex_lock(&p->mutex);
	for (size_t i = 0; i < p->idle_n; i++)
		store_rest(p->idle[i]);
	uv_mutex_unlock(&p->mutex);
	(void)malloc_trim(0);
}

static void on_done(uv_work_t *req, int status)
{
	(void)status; /* nothing is ever cancelled */
	struct job *j = (struct job *)req->data;
	struct pool *p = j->pool;
	j->done(j->ctx);
	if (j->read && !uv_is_closing((uv_handle_t *)&p->rest))
		uv_timer_start(&p->rest, on_rest, REST_MS, 0);
	free(j);
	p->pending--;
	end_if_idle(p);
}

static void put(struct pool *p, struct job job)
{
	struct job *j = (struct job *)malloc(sizeof *j);
	if (!j) {
		log_broken("pool", log_text("event", "no memory for a job"));
		abort();
	}
	*j = job;
	j->pool = p;
	j->req.data = j;
	p->pending++;
	if (uv_queue_work(p->loop, &j->req, on_work, on_done) != 0)
		abort(); /* it fails only without a function to call */
}

void pool_read(struct pool *p, node_read_fn fn, void (*done)(void *ctx), void *ctx)
{
	put(p, (struct job){.read = fn, .done = done, .ctx = ctx});
}

void pool_work(struct pool *p, void (*fn)(void *ctx), void (*done)(void *ctx), void *ctx)
{
	put(p, (struct job){.work = fn, .done = done, .ctx = ctx});
}

static void on_closed(uv_handle_t *handle)
{
	struct pool *p = (struct pool *)handle->data;
	if (--p->handles > 0)
		return;
	for (size_t i = 0; i < p->idle_n; i++)
		store_close(p->idle[i]);
	uv_mutex_destroy(&p->mutex);
	void (*closed)(void *ctx) = p->closed;
	void *ctx = p->closed_ctx;
	free(p);
	closed(ctx);
}

static void on_end(uv_async_t *end)
{
	struct pool *p = (struct pool *)end->data;
	if (!p->closing || p->pending > 0 || uv_is_closing((uv_handle_t *)end))
		return;
	uv_close((uv_handle_t *)end, on_closed);
	uv_close((uv_handle_t *)&p->rest, on_closed);
}

enum err pool_open(uv_loop_t *loop, const char *home, struct pool **out)
{
	struct pool *p = (struct pool *)calloc(1, sizeof *p);
	if (!p)
		return ERR_MEMORY;
	p->loop = loop;
	snprintf(p->home, sizeof p->home, "%s", home);
	if (uv_mutex_init(&p->mutex) != 0) {
		free(p);
		return ERR_MEMORY;
	}
	if (uv_async_init(loop, &p->end, on_end) != 0) {
		uv_mutex_destroy(&p->mutex);
		free(p);
		return ERR_MEMORY;
	}
	uv_timer_init(loop, &p->rest);
	p->end.data = p->rest.data = p;
	p->handles = 2;
	*out = p;
	return OK;
}

void pool_close(struct pool *p, void (*closed)(void *ctx), void *ctx)
{
	if (p->closing)
		return;
	p->closing = true;
	p->closed = closed;
	p->closed_ctx = ctx;
	end_if_idle(p);
}
