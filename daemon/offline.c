/* offline.c -- see offline.h. */
#include "offline.h"

#include "protocol/award/facts.h"

#include <sodium.h>
#include <stdio.h>
#include <time.h>

struct offline {
	struct desk desk; /* first */
	struct store *store;
	struct engine *engine;
	uint64_t last_tag;
	bool ready, answered;
	struct engine_event *answer;
	uint64_t wanted;
};

static void step(struct offline *o, struct engine_in *in)
{
	in->wall_s = (uint64_t)time(NULL);
	engine_step(o->engine, in);
}

static void do_store(struct offline *o, struct store_req *req)
{
	struct store_res res = {0};
	struct engine_in in = {.kind = ENGINE_IN_STORED, .res = &res};
	store_exec_one(o->store, req, &res);
	res.tag = req->tag;
	res.op = req->op;
	step(o, &in); /* takes the arena */
	store_req_free(req);
	free(req);
}

static void do_work(struct offline *o, struct engine_work *work)
{
	struct engine_in in = {.kind = ENGINE_IN_WORKED, .work = work};
	engine_work_hash(work);
	step(o, &in);
}

static void hear(struct offline *o, const struct engine_event *ev)
{
	if (ev->kind == ENGINE_EVENT_READY)
		o->ready = true;
	if (ev->kind == ENGINE_EVENT_ANSWER && o->answer && ev->tag == o->wanted) {
		*o->answer = *ev;
		o->answer = NULL;
		o->answered = true;
	}
}

static void drain(struct offline *o)
{
	struct engine_out out;
	while (engine_next(o->engine, &out)) {
		switch (out.kind) {
		case ENGINE_OUT_SEND: buf_free(&out.body); break;
		case ENGINE_OUT_CLOSE:
		case ENGINE_OUT_PAUSE:
		case ENGINE_OUT_RESUME:
		case ENGINE_OUT_SPLICE:
		case ENGINE_OUT_RENEW: break; /* there is no connection */
		case ENGINE_OUT_STORE: do_store(o, out.req); break;
		case ENGINE_OUT_WORK: do_work(o, out.work); break;
		case ENGINE_OUT_DIAL: break; /* it keeps no neighbours */
		case ENGINE_OUT_EVENT: hear(o, &out.event); break;
		}
	}
}

/* ---- the desk */

static void op_store(struct desk *d, struct store_req *req, struct store_res *res)
{
	store_exec_one(((struct offline *)d)->store, req, res);
	store_req_free(req);
}

static void op_command(struct desk *d, struct engine_cmd *cmd, struct engine_event *answer)
{
	struct offline *o = (struct offline *)d;
	struct engine_in in = {.kind = ENGINE_IN_COMMAND, .cmd = cmd};
	cmd->tag = o->wanted = ++o->last_tag;
	o->answer = answer;
	o->answered = false;
	step(o, &in);
	drain(o);
	if (!o->answered)
		answer->err = ERR_STATE;
	o->answer = NULL;
}

static void op_work(struct desk *d, void (*fn)(void *ctx), void *ctx)
{
	(void)d;
	fn(ctx);
}

static void op_read(struct desk *d, node_read_fn fn, void *ctx)
{
	fn(ctx, ((struct offline *)d)->store, OK);
}

static void op_lock(struct desk *d, enum desk_lock which, bool take)
{
	(void)d;
	(void)which;
	(void)take;
}

static const struct desk_ops ops = {op_store, op_command, op_work, op_read, op_lock};

/* ---- life */

static enum err open_parts(struct offline *o, bool create, const struct id32 *network, char why[256])
{
	const struct store_options options = {.home = o->desk.home,
		.create = create,
		.facts = facts_make,
		.facts_made_late = FACTS_MADE_LATE};
	struct engine_config c = {.node = o->desk.keys->node_key};
	bool restored;
	const char *reason;
	randombytes_buf(c.instance, sizeof c.instance);
	if (network)
		c.network = *network;
	enum err e = store_open(&options, &o->store);
	if (e == OK)
		e = store_start(o->store, c.instance, &restored, &reason);
	if (e != OK) {
		snprintf(why, 256, "the database in %.150s cannot be opened: %s", o->desk.home, err_text(e));
		return e;
	}
	o->engine = engine_new(&c);
	if (o->engine)
		drain(o);
	if (o->engine && o->ready)
		return OK;
	snprintf(why, 256, "the database in %.150s cannot be read", o->desk.home);
	return o->engine ? ERR_CORRUPT : ERR_MEMORY;
}

enum err offline_open(const char *home, bool create, const struct node_keys *keys, const struct id32 *network,
	struct offline **out, char why[256])
{
	struct offline *o = (struct offline *)calloc(1, sizeof *o);
	if (!o) {
		snprintf(why, 256, "%s", err_text(ERR_MEMORY));
		return ERR_MEMORY;
	}
	o->desk = (struct desk){.ops = &ops, .home = home, .keys = keys};
	enum err e = open_parts(o, create, network, why);
	if (e != OK)
		offline_close(o);
	else
		*out = o;
	return e;
}

void offline_close(struct offline *o)
{
	if (!o)
		return;
	engine_free(o->engine);
	if (o->store)
		store_close(o->store);
	free(o);
}

struct desk *offline_desk(struct offline *o)
{
	return &o->desk;
}

enum err offline_network(struct offline *o, const struct id32 *network)
{
	struct engine_cmd cmd = {.kind = ENGINE_CMD_NETWORK, .id = *network};
	return desk_command(&o->desk, &cmd, NULL);
}
