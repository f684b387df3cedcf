/* storew.c -- see storew.h.
 *
 * Two queues under one mutex: `todo` from the loop to the thread, `done` back. The thread keeps nothing between batches. */
#include "storew.h"

#include "log.h"

#include <malloc.h>

#define REST_NS ((uint64_t)STOREW_REST_MS * 1000000)

struct item {
	struct item *next;
	struct store_req *req;
	storew_done done;
	void *ctx;
	size_t bytes;
	enum err refused; /* not OK: passes through in its turn, is not executed */
	struct store_res res;
};

struct queue {
	struct item *first, **last;
	size_t n, bytes;
};

struct storew {
	uv_loop_t *loop;
	uv_thread_t thread;
	uv_async_t wake;
	struct store *store; /* the thread's */

	uv_mutex_t mutex; /* guards the rest of this block */
	uv_cond_t work;
	struct queue todo, done;
	bool stop, ended, gone; /* ended: the thread takes nothing more; gone: and has closed the store */

	/* the loop's */
	size_t waiting;
	bool closing, full;
	void (*closed)(void *ctx);
	void *closed_ctx;

	/* the thread's */
	struct item *batch[STOREW_BATCH_REQUESTS_MAX];
	struct store_req *reqs[STOREW_BATCH_REQUESTS_MAX];
	struct store_res res[STOREW_BATCH_REQUESTS_MAX];
};

static void queue_init(struct queue *q)
{
	*q = (struct queue){.last = &q->first};
}

static void queue_put(struct queue *q, struct item *it)
{
	it->next = NULL;
	*q->last = it;
	q->last = &it->next;
	q->n++;
	q->bytes += it->bytes;
}

static struct item *queue_take(struct queue *q)
{
	struct item *it = q->first;
	if (!it)
		return NULL;
	q->first = it->next;
	if (!q->first)
		q->last = &q->first;
	q->n--;
	q->bytes -= it->bytes;
	return it;
}

/* ---- the thread */

static size_t batch_take(struct storew *w)
{
	size_t n = 0, bytes = 0;
	while (n < STOREW_BATCH_REQUESTS_MAX && bytes < STOREW_BATCH_BYTES_MAX && w->todo.first) {
		bytes += w->todo.first->bytes;
		w->batch[n++] = queue_take(&w->todo);
	}
	return n;
}

static void batch_run(struct storew *w, size_t n)
{
	size_t m = 0;
	for (size_t i = 0; i < n; i++) {
		if (w->batch[i]->refused == OK) {
			w->res[m] = (struct store_res){0};
			w->reqs[m++] = w->batch[i]->req;
		}
	}
	if (m > 0)
		store_exec(w->store, w->reqs, w->res, m);
	m = 0;
	for (size_t i = 0; i < n; i++) {
		struct item *it = w->batch[i];
		if (it->refused == OK)
			it->res = w->res[m++];
		else
			it->res = (struct store_res){
				.op = it->req->op, .tag = it->req->tag, .err = it->refused};
	}
}

/* With the mutex, also on return. */
static void wait_for_work(struct storew *w)
{
	bool rested = false;
	while (!w->todo.first && !w->stop) {
		if (rested) {
			uv_cond_wait(&w->work, &w->mutex);
		} else if (uv_cond_timedwait(&w->work, &w->mutex, REST_NS) == UV_ETIMEDOUT) {
			uv_mutex_unlock(&w->mutex);
			store_rest(w->store);
			(void)malloc_trim(0);
			rested = true;
			uv_mutex_lock(&w->mutex);
		}
	}
}

static void run(void *arg)
{
	struct storew *w = (struct storew *)arg;
	uv_mutex_lock(&w->mutex);
	for (;;) {
		wait_for_work(w);
		size_t n = batch_take(w);
		if (n == 0)
			break;
		uv_mutex_unlock(&w->mutex);
		batch_run(w, n);
		uv_mutex_lock(&w->mutex);
		for (size_t i = 0; i < n; i++)
			queue_put(&w->done, w->batch[i]);
		uv_async_send(&w->wake);
	}
	w->ended = true;
	uv_mutex_unlock(&w->mutex);
	if (!w->store)
		return; /* storew_open failed half-way */
	store_close(w->store);
	uv_mutex_lock(&w->mutex);
	w->gone = true;
	uv_mutex_unlock(&w->mutex);
	uv_async_send(&w->wake);
}

/* ---- the loop */

static bool writes(enum store_op op)
{
	static const bool table[] = {
#define STORE_OP(name, is_write) [STORE_##name] = (is_write),
#include "store_ops.def"
#undef STORE_OP
	};
	return table[op];
}

static void answer(struct storew *w, struct item *it)
{
	if (it->res.err == ERR_FULL || (it->res.err == OK && writes(it->req->op)))
		w->full = it->res.err == ERR_FULL;
	store_req_free(it->req);
	free(it->req);
	w->waiting--;
	it->done(it->ctx, &it->res);
	store_res_free(&it->res);
	free(it);
}

/* Answers what is there; what the callbacks put comes in a later round. */
static void answer_all(struct storew *w)
{
	uv_mutex_lock(&w->mutex);
	struct item *it = w->done.first;
	queue_init(&w->done);
	uv_mutex_unlock(&w->mutex);
	while (it) {
		struct item *next = it->next;
		answer(w, it);
		it = next;
	}
}

static void on_closed(uv_handle_t *handle)
{
	struct storew *w = (struct storew *)handle->data;
	while (w->waiting > 0)
		answer_all(w);
	uv_cond_destroy(&w->work);
	uv_mutex_destroy(&w->mutex);
	void (*closed)(void *ctx) = w->closed;
	void *ctx = w->closed_ctx;
	free(w);
	closed(ctx);
}

static void on_wake(uv_async_t *wake)
{
	struct storew *w = (struct storew *)wake->data;
	answer_all(w);
	uv_mutex_lock(&w->mutex);
	bool end = w->gone && !w->done.first;
	uv_mutex_unlock(&w->mutex);
	if (end && !uv_is_closing((uv_handle_t *)wake)) {
		uv_thread_join(&w->thread);
		uv_close((uv_handle_t *)wake, on_closed);
	}
}

enum err storew_open(uv_loop_t *loop, struct store *store, struct storew **out)
{
	struct storew *w = (struct storew *)calloc(1, sizeof *w);
	if (!w)
		return ERR_MEMORY;
	w->loop = loop;
	w->store = store;
	queue_init(&w->todo);
	queue_init(&w->done);
	if (uv_mutex_init(&w->mutex) != 0)
		goto no_mutex;
	if (uv_cond_init(&w->work) != 0)
		goto no_cond;
	/* The thread first, stopped by the mutex: a handle, once made, could only be closed later. */
	uv_mutex_lock(&w->mutex);
	if (uv_thread_create(&w->thread, run, w) != 0)
		goto no_thread;
	if (uv_async_init(loop, &w->wake, on_wake) != 0) {
		w->store = NULL;
		w->stop = true;
		uv_mutex_unlock(&w->mutex);
		uv_thread_join(&w->thread);
		goto no_loop;
	}
	w->wake.data = w;
	uv_mutex_unlock(&w->mutex);
	*out = w;
	return OK;

no_thread:
	uv_mutex_unlock(&w->mutex);
no_loop:
	uv_cond_destroy(&w->work);
no_cond:
	uv_mutex_destroy(&w->mutex);
no_mutex:
	free(w);
	return ERR_MEMORY;
}

static size_t req_bytes(const struct store_req *req)
{
	size_t n = sizeof *req;
	for (const struct arena_block *b = req->mem.blocks; b; b = b->next)
		n += b->used;
	return n;
}

void storew_put(struct storew *w, struct store_req *req, storew_done done, void *ctx)
{
	struct item *it = (struct item *)malloc(sizeof *it);
	if (!it) {
		/* Without memory for the question there is none for a promise to answer it. */
		log_broken("store", log_text("event", "no memory for a request"));
		abort();
	}
	*it = (struct item){.req = req, .done = done, .ctx = ctx, .bytes = req_bytes(req)};
	w->waiting++;
	uv_mutex_lock(&w->mutex);
	if (w->closing)
		it->refused = ERR_CLOSED;
	else if (w->todo.n >= STOREW_QUEUE_REQUESTS_MAX || w->todo.bytes + it->bytes > STOREW_QUEUE_BYTES_MAX)
		it->refused = ERR_LIMIT;
	bool wake_thread = !w->ended;
	if (wake_thread) {
		queue_put(&w->todo, it);
	} else {
		it->res = (struct store_res){.op = req->op, .tag = req->tag, .err = it->refused};
		queue_put(&w->done, it);
	}
	uv_mutex_unlock(&w->mutex);
	if (wake_thread)
		uv_cond_signal(&w->work);
	else if (!uv_is_closing((uv_handle_t *)&w->wake))
		uv_async_send(&w->wake);
}

bool storew_full(const struct storew *w)
{
	return w->full;
}

size_t storew_waiting(const struct storew *w)
{
	return w->waiting;
}

void storew_close(struct storew *w, void (*closed)(void *ctx), void *ctx)
{
	if (w->closing)
		return;
	w->closing = true;
	w->closed = closed;
	w->closed_ctx = ctx;
	uv_mutex_lock(&w->mutex);
	w->stop = true;
	uv_mutex_unlock(&w->mutex);
	uv_cond_signal(&w->work);
}
