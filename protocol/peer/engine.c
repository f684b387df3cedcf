/* engine.c -- life of the engine: loading, dispatch of inputs, deadlines. */
#include "engine_int.h"

#include "protocol/log/hash.h"

/* ---- loading ---- */

static void boot_failed(struct engine *e, const struct store_res *res)
{
	struct engine_event ev = {.kind = ENGINE_EVENT_STORE_ERROR,
		.err = res->err,
		.text = "the node could not be loaded from its store"};
	emit_event(e, &ev);
}

void engine_ready(struct engine *e)
{
	e->booted = true;
	struct engine_event ev = {.kind = ENGINE_EVENT_READY};
	emit_event(e, &ev);
	blob_pinned(e);
}

static void notices_read(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	(void)s, (void)ctx;
	if (res->err == OK && (!notices_loaded(e, res) || !members_start(e)))
		res->err = ERR_MEMORY;
	if (res->err != OK) {
		boot_failed(e, res);
		return;
	}
	if (id32_is_zero(&e->config.network))
		engine_ready(e);
	else
		admissions_settle(e);
}

static void own_read(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	(void)s, (void)ctx;
	if (res->err != OK) {
		boot_failed(e, res);
		return;
	}
	if (!own_loaded(e, res)) {
		res->err = ERR_MEMORY;
		boot_failed(e, res);
		return;
	}
	emit_store(e, req_new(STORE_NOTICE_LIST), NULL, notices_read, NULL);
}

static void follows_read(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	(void)s, (void)ctx;
	if (res->err == OK && res->r.n) {
		e->follows = malloc(res->r.n * sizeof *e->follows);
		if (!e->follows)
			res->err = ERR_MEMORY;
	}
	if (res->err != OK) {
		boot_failed(e, res);
		return;
	}
	for (size_t i = 0; i < res->r.n; i++) {
		e->follows[i] = res->r.ids[i];
		sum_add(&e->follows_version, &res->r.ids[i]);
		e->guests = e->guests || res->r.follows[i].guest;
	}
	e->follows_n = res->r.n;
	struct store_req *q = req_new(STORE_LOG_LIST);
	if (q)
		q->a.flag = true;
	emit_store(e, q, NULL, own_read, NULL);
}

static void number_read(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	(void)s, (void)ctx;
	if (res->err != OK) {
		boot_failed(e, res);
		return;
	}
	e->number = res->r.number;
	emit_store(e, req_new(STORE_FOLLOW_LIST), NULL, follows_read, NULL);
}

struct engine *engine_new(const struct engine_config *c)
{
	struct engine *e = calloc(1, sizeof *e);
	if (!e)
		return NULL;
	e->config = *c;
	e->outs_tail = &e->outs;
	e->pending_free = UINT32_MAX;
	if (!emit_init(e)) {
		emit_deinit(e);
		free(e);
		return NULL;
	}
	emit_store(e, req_new(STORE_NUMBER), NULL, number_read, NULL);
	return e;
}

void engine_free(struct engine *e)
{
	if (!e)
		return;
	for (struct session *s = e->sessions; s; s = s->next) {
		if (s->state == SESSION_CLOSED)
			continue;
		s->state = SESSION_CLOSED;
		ask_deinit(s);
	}
	emit_close(e);
	while (e->sessions) {
		e->sessions->refs = 1;
		peer_release(e->sessions);
	}
	blob_deinit(e);
	members_deinit(e);
	notices_deinit(e);
	seek_deinit(e);
	keys_deinit(e);
	own_deinit(e);
	emit_deinit(e);
	free(e->follows);
	free(e->ranges_budgets);
	free(e);
}

/* ---- results of writes ---- */

bool engine_written(struct engine *e, const struct store_res *res, const char *what)
{
	if (res->err != OK) {
		struct engine_event ev = {.kind = ENGINE_EVENT_STORE_ERROR, .err = res->err};
		strncat(ev.text, what, sizeof ev.text - 1);
		emit_event(e, &ev);
		return false;
	}
	if (res->r.number > e->number)
		e->number = res->r.number;
	if (res->r.stale)
		admissions_settle(e);
	listing_all(e);
	return true;
}

static void removed(struct engine *e, struct session *s, void *ctx, struct engine_work *w)
{
	(void)e, (void)s, (void)ctx, (void)w;
}

void engine_remove_blobs(struct engine *e, const struct store_res *res)
{
	for (size_t i = 0; i < res->r.n && res->r.ids; i++) {
		struct engine_work *w = work_new(WORK_REMOVE);
		if (w)
			w->root = res->r.ids[i];
		emit_work(e, w, NULL, removed, NULL);
	}
}

/* ---- stepping ---- */

static void step_connection(struct engine *e, const struct engine_in *in)
{
	struct session *s = peer_find(e, in->conn);
	if (!s)
		return;
	peer_hold(s);
	if (in->kind == ENGINE_IN_MESSAGE)
		peer_message(s, in->type, in->body);
	else if (in->kind == ENGINE_IN_WRITTEN)
		peer_written(s, in->bytes, in->bulk);
	else
		peer_gone(s);
	peer_release(s);
}

static void step_time(struct engine *e)
{
	struct session *next;
	for (struct session *s = e->sessions; s; s = next) {
		peer_hold(s);
		peer_time(s);
		next = s->next;
		peer_release(s);
	}
	blob_time(e);
	members_time(e);
	notices_time(e);
	reconcile_time(e);
	seek_time(e);
	admissions_time(e);
}

static void step_one(struct engine *e, const struct engine_in *in)
{
	switch (in->kind) {
	case ENGINE_IN_OPENED: peer_opened(e, in); return;
	case ENGINE_IN_MESSAGE:
	case ENGINE_IN_WRITTEN:
	case ENGINE_IN_CLOSED: step_connection(e, in); return;
	case ENGINE_IN_STORED: emit_stored(e, in->res); return;
	case ENGINE_IN_WORKED: emit_worked(e, in->work); return;
	case ENGINE_IN_COMMAND: command_run(e, in->cmd); return;
	case ENGINE_IN_UNREACHED: members_unreached(e, &in->peer); return;
	case ENGINE_IN_TIME: step_time(e); return;
	}
}

void engine_step(struct engine *e, const struct engine_in *in)
{
	if (in->now_ms > e->now_ms)
		e->now_ms = in->now_ms;
	e->wall_s = in->wall_s;
	step_one(e, in);
	blob_settle(e);
	members_pump(e);
}

uint64_t engine_deadline(const struct engine *e)
{
	uint64_t d = blob_deadline(e), other = members_deadline(e), notices = notices_deadline(e);
	d = other < d ? other : d;
	d = notices < d ? notices : d;
	other = reconcile_deadline(e);
	d = other < d ? other : d;
	other = seek_deadline(e);
	d = other < d ? other : d;
	other = admissions_deadline(e);
	d = other < d ? other : d;
	for (const struct session *s = e->sessions; s; s = s->next) {
		uint64_t t = peer_deadline(s);
		if (t < d)
			d = t;
	}
	return d;
}

size_t engine_peers(const struct engine *e, struct engine_peer_info *out, size_t max)
{
	size_t n = 0;
	for (const struct session *s = e->sessions; s && n < max; s = s->next) {
		if (s->state == SESSION_CLOSED || s->relay != ENGINE_RELAY_NONE || s->relay_waits)
			continue;
		struct engine_peer_info *i = &out[n++];
		*i = (struct engine_peer_info){.conn = s->conn,
			.node = s->node,
			.open = s->state == SESSION_OPEN,
			.initiator = s->initiator,
			.synced = s->synced && !s->pulls,
			.entries_taken = s->taken,
			.entries_to_come = peer_to_come(s),
			.blobs_to_come = blob_load(s)};
		memcpy(i->name, s->name, sizeof i->name);
	}
	return n;
}
