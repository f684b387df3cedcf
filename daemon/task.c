/* task.c -- see task.h. */
#include "task.h"

#include "log.h"

#define STACK_BYTES (1u << 20)

enum wish { WISH_NOTHING, WISH_STORE, WISH_COMMAND, WISH_WORK, WISH_READ, WISH_LOCK, WISH_UNLOCK, WISH_END };

struct task {
	struct desk desk; /* first */
	struct task *next; /* in the queue, or among those that wait for a lock */
	void (*fn)(struct desk *d, void *ctx);
	void (*done)(void *ctx);
	void *ctx;
	uv_thread_t thread;
	uv_sem_t go, yielded;
	enum wish wish;
	bool granted, performing;
	union {
		struct {
			struct store_req *req;
			struct store_res *res;
		} store;
		struct {
			struct engine_cmd *cmd;
			struct engine_event *answer;
		} command;
		struct {
			void (*fn)(void *ctx);
			node_read_fn read;
			void *ctx;
		} work;
		enum desk_lock lock;
	} u;
};

/* Loop thread only. */
static struct {
	unsigned running;
	struct task *queue, **queue_last;
	struct {
		struct task *holder, *queue, **last;
	} locks[DESK_LOCKS];
} all;

static void run(struct task *t);
static void next(void);

/* ---- in the task's thread: say what is wanted, wait for it */

static void wish(struct task *t, enum wish w)
{
	t->wish = w;
	uv_sem_post(&t->yielded);
	uv_sem_wait(&t->go);
}

static void op_store(struct desk *d, struct store_req *req, struct store_res *res)
{
	struct task *t = (struct task *)d;
	t->u.store.req = req;
	t->u.store.res = res;
	wish(t, WISH_STORE);
}

static void op_command(struct desk *d, struct engine_cmd *cmd, struct engine_event *answer)
{
	struct task *t = (struct task *)d;
	t->u.command.cmd = cmd;
	t->u.command.answer = answer;
	wish(t, WISH_COMMAND);
}

static void op_work(struct desk *d, void (*fn)(void *ctx), void *ctx)
{
	struct task *t = (struct task *)d;
	t->u.work.fn = fn;
	t->u.work.ctx = ctx;
	wish(t, WISH_WORK);
}

static void op_read(struct desk *d, node_read_fn fn, void *ctx)
{
	struct task *t = (struct task *)d;
	t->u.work.read = fn;
	t->u.work.ctx = ctx;
	wish(t, WISH_READ);
}

static void op_lock(struct desk *d, enum desk_lock which, bool take)
{
	struct task *t = (struct task *)d;
	t->u.lock = which;
	wish(t, take ? WISH_LOCK : WISH_UNLOCK);
}

static const struct desk_ops ops = {op_store, op_command, op_work, op_read, op_lock};

static void thread_main(void *arg)
{
	struct task *t = (struct task *)arg;
	uv_sem_wait(&t->go);
	t->fn(&t->desk, t->ctx);
	t->wish = WISH_END;
	uv_sem_post(&t->yielded);
}

/* ---- on the loop thread: what is wanted comes true */

static void grant(struct task *t)
{
	t->granted = true;
	if (!t->performing)
		run(t);
}

static void on_stored(void *ctx, struct store_res *res)
{
	struct task *t = (struct task *)ctx;
	*t->u.store.res = *res;
	res->mem = (struct arena){0};
	grant(t);
}

static void on_answered(void *ctx, const struct engine_event *answer)
{
	struct task *t = (struct task *)ctx;
	*t->u.command.answer = *answer;
	grant(t);
}

static void on_worked(void *ctx)
{
	grant((struct task *)ctx);
}

static void work(void *ctx)
{
	struct task *t = (struct task *)ctx;
	t->u.work.fn(t->u.work.ctx);
}

static void read_store(void *ctx, struct store *reader, enum err open_error)
{
	struct task *t = (struct task *)ctx;
	t->u.work.read(t->u.work.ctx, reader, open_error);
}

static void ask_store(struct task *t)
{
	struct store_req *req = (struct store_req *)malloc(sizeof *req);
	if (req) {
		*req = *t->u.store.req;
		t->u.store.req->mem = (struct arena){0};
		node_store(t->desk.node, req, on_stored, t);
		return;
	}
	store_req_free(t->u.store.req);
	t->u.store.res->err = ERR_MEMORY;
	grant(t);
}

static void take_lock(struct task *t)
{
	const enum desk_lock l = t->u.lock;
	if (!all.locks[l].holder) {
		all.locks[l].holder = t;
		grant(t);
		return;
	}
	if (!all.locks[l].queue)
		all.locks[l].last = &all.locks[l].queue;
	t->next = NULL;
	*all.locks[l].last = t;
	all.locks[l].last = &t->next;
}

static void give_lock(struct task *t)
{
	const enum desk_lock l = t->u.lock;
	struct task *n = all.locks[l].queue;
	all.locks[l].holder = n;
	if (n)
		all.locks[l].queue = n->next;
	t->granted = true;
	if (n)
		grant(n);
}

static void perform(struct task *t)
{
	switch (t->wish) {
	case WISH_STORE: ask_store(t); return;
	case WISH_COMMAND: node_command(t->desk.node, t->u.command.cmd, on_answered, t); return;
	case WISH_WORK: node_work(t->desk.node, work, on_worked, t); return;
	case WISH_READ: node_read(t->desk.node, read_store, on_worked, t); return;
	case WISH_LOCK: take_lock(t); return;
	case WISH_UNLOCK: give_lock(t); return;
	case WISH_NOTHING:
	case WISH_END: break;
	}
	abort();
}

static void end(struct task *t)
{
	void (*done)(void *ctx) = t->done;
	void *ctx = t->ctx;
	uv_thread_join(&t->thread);
	uv_sem_destroy(&t->go);
	uv_sem_destroy(&t->yielded);
	free(t);
	all.running--;
	done(ctx);
	next();
}

static void run(struct task *t)
{
	for (;;) {
		uv_sem_post(&t->go);
		uv_sem_wait(&t->yielded);
		if (t->wish == WISH_END) {
			end(t);
			return;
		}
		t->granted = false;
		t->performing = true;
		perform(t);
		t->performing = false;
		if (!t->granted)
			return;
	}
}

static enum err start(struct task *t)
{
	const uv_thread_options_t options = {.flags = UV_THREAD_HAS_STACK_SIZE, .stack_size = STACK_BYTES};
	if (uv_sem_init(&t->go, 0) != 0)
		return ERR_MEMORY;
	if (uv_sem_init(&t->yielded, 0) != 0) {
		uv_sem_destroy(&t->go);
		return ERR_MEMORY;
	}
	if (uv_thread_create_ex(&t->thread, &options, thread_main, t) != 0) {
		uv_sem_destroy(&t->go);
		uv_sem_destroy(&t->yielded);
		return ERR_MEMORY;
	}
	all.running++;
	return OK;
}

/* Those that wait; one that gets no thread stays first, as long as another will end and try again. */
static void next(void)
{
	while (all.queue && all.running < TASKS_MAX) {
		struct task *t = all.queue;
		if (start(t) != OK) {
			if (all.running)
				return;
			log_broken("task", log_text("event", "the system gives no thread"));
			abort();
		}
		all.queue = t->next;
		run(t);
	}
}

enum err task_begin(struct node *n, void (*fn)(struct desk *d, void *ctx), void (*done)(void *ctx), void *ctx)
{
	struct task *t = (struct task *)calloc(1, sizeof *t);
	if (!t)
		return ERR_MEMORY;
	t->desk = (struct desk){.ops = &ops, .home = node_config(n)->home, .keys = node_keys(n), .node = n};
	t->fn = fn;
	t->done = done;
	t->ctx = ctx;
	if (all.running >= TASKS_MAX || all.queue) {
		if (!all.queue)
			all.queue_last = &all.queue;
		*all.queue_last = t;
		all.queue_last = &t->next;
		return OK;
	}
	if (start(t) != OK) {
		free(t);
		return ERR_MEMORY;
	}
	run(t);
	return OK;
}
