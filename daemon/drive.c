/* drive.c -- see drive.h. */
#include "drive.h"

#include "drive_work.h"
#include "log.h"

#include <time.h>

struct command {
	struct command *next;
	uint64_t tag;
	node_answered done;
	void *ctx;
};

struct listener {
	node_heard heard;
	void *ctx;
};

struct drive {
	struct drive_env env;
	struct engine *engine;
	struct conn_set *set; /* NULL: there are no connections any more */
	uv_timer_t timer;
	uint64_t timer_at; /* UINT64_MAX: not set */
	bool draining_outputs; /* drain() is on the stack */
	bool no_work, no_store;
	uint64_t next_tag;
	struct command *commands, **commands_last;
	size_t listeners_n;
	struct listener listeners[DRIVE_LISTENERS_MAX];
	void (*closed)(void *ctx);
	void *closed_ctx;
};

/* ---- events */

static void answer(struct drive *d, const struct engine_event *ev)
{
	for (struct command **at = &d->commands; *at; at = &(*at)->next) {
		struct command *c = *at;
		if (c->tag != ev->tag)
			continue;
		*at = c->next;
		if (!*at)
			d->commands_last = at;
		if (c->done)
			c->done(c->ctx, ev);
		free(c);
		return;
	}
}

static void tell(struct drive *d, const struct engine_event *ev)
{
	if (ev->kind == ENGINE_EVENT_PEER_OPEN && d->set) {
		struct conn *c = conn_find(d->set, ev->conn);
		if (c)
			conn_settle(c);
	}
	if (ev->kind == ENGINE_EVENT_ANSWER)
		answer(d, ev);
	for (size_t i = 0; i < d->listeners_n; i++)
		d->listeners[i].heard(d->listeners[i].ctx, ev);
}

enum err drive_listen(struct drive *d, node_heard heard, void *ctx)
{
	if (d->listeners_n == DRIVE_LISTENERS_MAX)
		return ERR_LIMIT;
	d->listeners[d->listeners_n++] = (struct listener){.heard = heard, .ctx = ctx};
	return OK;
}

/* ---- outputs */

static void step(struct drive *d, struct engine_in *in);
static void drain(struct drive *d);

static void on_stored(void *ctx, struct store_res *res)
{
	struct drive *d = (struct drive *)ctx;
	struct engine_in in = {.kind = ENGINE_IN_STORED, .res = res};
	step(d, &in);
	res->mem = (struct arena){0}; /* the engine has taken it */
	drain(d);
}

struct job {
	struct drive *d;
	struct engine_work *work;
};

static void job_run(void *ctx)
{
	struct job *j = (struct job *)ctx;
	drive_work(j->d->env.home, j->work);
}

static void job_done(void *ctx)
{
	struct job *j = (struct job *)ctx;
	struct drive *d = j->d;
	struct engine_in in = {.kind = ENGINE_IN_WORKED, .work = j->work};
	free(j);
	step(d, &in);
	drain(d);
}

static void begin_work(struct drive *d, struct engine_work *work)
{
	struct job *j = d->no_work ? NULL : (struct job *)malloc(sizeof *j);
	if (j) {
		*j = (struct job){.d = d, .work = work};
		pool_work(d->env.pool, job_run, job_done, j);
	} else if (d->no_work) {
		engine_work_free(work);
	} else {
		work->err = ERR_MEMORY;
		struct engine_in in = {.kind = ENGINE_IN_WORKED, .work = work};
		step(d, &in);
	}
}

static void begin_store(struct drive *d, struct store_req *req)
{
	if (!d->no_store) {
		storew_put(d->env.storew, req, on_stored, d);
		return;
	}
	store_req_free(req);
	free(req);
}

/* One of the two may be gone already: then nobody is there to pass bytes to. */
static void pass_on(struct conn *a, struct conn *b)
{
	if (a && b)
		conn_splice(a, b);
	else if (a || b)
		conn_close(a ? a : b, ERR_CLOSED, "the other end of what is relayed is gone");
}

/* For the engine that connection is gone; the one that comes out of it has another id. */
static void renew(struct drive *d, struct conn *c)
{
	if (!c)
		return;
	struct engine_in in = {.kind = ENGINE_IN_CLOSED, .conn = conn_of(c)};
	step(d, &in);
	conn_renew(c);
}

static void carry_out(struct drive *d, struct engine_out *out)
{
	struct conn *c = d->set ? conn_find(d->set, out->conn) : NULL;
	switch (out->kind) {
	case ENGINE_OUT_SEND:
		if (c)
			conn_send(c, out->type, out->bulk, &out->body);
		buf_free(&out->body);
		return;
	case ENGINE_OUT_CLOSE:
		if (c)
			conn_close(c, OK, "closed in order");
		return;
	case ENGINE_OUT_PAUSE:
		if (c)
			conn_pause(c);
		return;
	case ENGINE_OUT_RESUME:
		if (c)
			conn_resume(c);
		return;
	case ENGINE_OUT_SPLICE: pass_on(c, d->set ? conn_find(d->set, out->other) : NULL); return;
	case ENGINE_OUT_RENEW: renew(d, c); return;
	case ENGINE_OUT_STORE: begin_store(d, out->req); return;
	case ENGINE_OUT_WORK: begin_work(d, out->work); return;
	case ENGINE_OUT_DIAL: d->env.dial(d->env.ctx, &out->node); return;
	case ENGINE_OUT_EVENT: tell(d, &out->event); return;
	}
	abort();
}

static void on_timer(uv_timer_t *timer)
{
	struct drive *d = (struct drive *)timer->data;
	struct engine_in in = {.kind = ENGINE_IN_TIME};
	d->timer_at = UINT64_MAX;
	step(d, &in);
	drain(d);
}

static void set_timer(struct drive *d)
{
	uint64_t at = engine_deadline(d->engine), now = uv_now(d->env.loop);
	if (at == d->timer_at || uv_is_closing((uv_handle_t *)&d->timer))
		return;
	d->timer_at = at;
	if (at == UINT64_MAX)
		uv_timer_stop(&d->timer);
	else
		uv_timer_start(
			&d->timer, on_timer, at > now ? at - now : 1, 0); /* never a loop without a pause */
}

/* A listener may command the engine from inside: what comes of it is carried out here, by the outer call. */
static void drain(struct drive *d)
{
	struct engine_out out;
	if (d->draining_outputs)
		return;
	d->draining_outputs = true;
	while (engine_next(d->engine, &out))
		carry_out(d, &out);
	d->draining_outputs = false;
	set_timer(d);
}

static void step(struct drive *d, struct engine_in *in)
{
	in->now_ms = uv_now(d->env.loop);
	in->wall_s = (uint64_t)time(NULL);
	engine_step(d->engine, in);
}

/* ---- inputs from connections */

static void on_opened(void *ctx, struct conn *c)
{
	struct drive *d = (struct drive *)ctx;
	const struct conn_dial *dial = conn_dialled(c);
	struct engine_in in = {.kind = ENGINE_IN_OPENED,
		.conn = conn_of(c),
		.peer = *conn_peer(c),
		.initiator = conn_initiator(c),
		.redeem = dial && dial->redeem,
		.relay = dial ? dial->relay : ENGINE_RELAY_NONE};
	if (dial)
		in.relay_node = dial->relay_node;
	if (dial)
		memcpy(in.secret, dial->secret, sizeof in.secret);
	step(d, &in);
	drain(d);
}

static void on_message(void *ctx, struct conn *c, uint8_t type, struct slice body)
{
	struct drive *d = (struct drive *)ctx;
	struct engine_in in = {.kind = ENGINE_IN_MESSAGE, .conn = conn_of(c), .type = type, .body = body};
	step(d, &in);
	drain(d);
}

static void on_written(void *ctx, struct conn *c, size_t bytes, bool bulk)
{
	struct drive *d = (struct drive *)ctx;
	struct engine_in in = {.kind = ENGINE_IN_WRITTEN, .conn = conn_of(c), .bytes = bytes, .bulk = bulk};
	step(d, &in);
	drain(d);
}

static void on_closed(void *ctx, struct conn *c, enum err e, const char *why)
{
	struct drive *d = (struct drive *)ctx;
	log_debug("conn", log_text("event", "closed"), log_text("address", conn_address(c)), log_err(e),
		log_text("why", why));
	if (!conn_peer(c))
		return; /* the engine has never heard of it */
	struct engine_in in = {.kind = ENGINE_IN_CLOSED, .conn = conn_of(c)};
	step(d, &in);
	drain(d);
}

static void on_turn(void *ctx)
{
	drain((struct drive *)ctx);
}

struct conn_handlers drive_handlers(void)
{
	return (struct conn_handlers){.opened = on_opened,
		.message = on_message,
		.written = on_written,
		.closed = on_closed,
		.turn = on_turn};
}

void drive_attach(struct drive *d, struct conn_set *set)
{
	d->set = set;
}

void drive_unreached(struct drive *d, const struct id32 *node)
{
	struct engine_in in = {.kind = ENGINE_IN_UNREACHED, .peer = *node};
	step(d, &in);
	drain(d);
}

/* ---- commands */

void drive_command(struct drive *d, struct engine_cmd *cmd, node_answered done, void *ctx)
{
	struct command *c = (struct command *)malloc(sizeof *c);
	if (!c) {
		log_broken("drive", log_text("event", "no memory for a command"));
		abort();
	}
	cmd->tag = ++d->next_tag;
	*c = (struct command){.tag = cmd->tag, .done = done, .ctx = ctx};
	*d->commands_last = c;
	d->commands_last = &c->next;
	struct engine_in in = {.kind = ENGINE_IN_COMMAND, .cmd = cmd};
	step(d, &in);
}

uint64_t drive_blobs_refused(const struct drive *d)
{
	return engine_blobs_refused(d->engine);
}

size_t drive_peers(struct drive *d, struct engine_peer_info *out, size_t max)
{
	return engine_peers(d->engine, out, max);
}

/* ---- life */

enum err drive_open(const struct drive_env *env, const struct engine_config *config, struct drive **out)
{
	struct drive *d = (struct drive *)calloc(1, sizeof *d);
	if (!d)
		return ERR_MEMORY;
	d->env = *env;
	d->commands_last = &d->commands;
	d->timer_at = UINT64_MAX;
	d->engine = engine_new(config);
	if (!d->engine) {
		free(d);
		return ERR_MEMORY;
	}
	uv_timer_init(env->loop, &d->timer);
	d->timer.data = d;
	*out = d;
	return OK;
}

void drive_drain(struct drive *d)
{
	d->no_work = true;
}

void drive_finish(struct drive *d)
{
	d->no_store = true;
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct drive *d = (struct drive *)handle->data;
	while (d->commands) {
		const struct engine_event ev = {
			.kind = ENGINE_EVENT_ANSWER, .tag = d->commands->tag, .err = ERR_CLOSED};
		answer(d, &ev);
	}
	engine_free(d->engine);
	void (*closed)(void *ctx) = d->closed;
	void *ctx = d->closed_ctx;
	free(d);
	if (closed)
		closed(ctx);
}

void drive_close(struct drive *d, void (*closed)(void *ctx), void *ctx)
{
	d->closed = closed;
	d->closed_ctx = ctx;
	uv_close((uv_handle_t *)&d->timer, on_timer_closed);
}
