/* admission.c -- the network's log says who belongs to it, as far as its logs count. What they say, the store keeps with their entries; here it is brought into the peers table
 * whenever it may be another: at each start, after writes that say so, when other devices are in force, and again a little later when the store could not.
 * SPEC.md section 8.2. */
#include "engine_int.h"

#define SETTLE_AGAIN_MS 10000

struct settling {
	bool asked; /* by a command, with this tag */
	uint64_t tag;
};

/* What failed stays noted in the store. People are told once, and not at each try. */
static void failed(struct engine *e, enum err err)
{
	struct store_res res = {.err = err};
	if (!e->settle_ms)
		(void)engine_written(e, &res, "who is a member");
	e->settle_ms = e->now_ms + SETTLE_AGAIN_MS;
}

static void over(struct engine *e, struct settling *x, enum err err)
{
	if (x->asked)
		command_answer(e, x->tag, err);
	else
		e->settling = false;
	if (err != OK)
		failed(e, err);
	else if (!x->asked)
		e->settle_ms = 0;
	if (err == OK && !e->booted)
		engine_ready(e);
	if (!x->asked && e->settle_again) {
		e->settle_again = false;
		if (err == OK)
			admissions_settle(e);
	}
	free(x);
}

static void settled(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	(void)s;
	for (size_t i = 0; res->err == OK && i < res->r.n; i++)
		for (struct session *o = e->sessions; o; o = o->next)
			if (id32_equal(&o->node, &res->r.ids[i]))
				peer_close(o, ERR_REFUSED, "the network ended its admission");
	if (res->err == OK && res->r.flag)
		members_load(e);
	over(e, ctx, res->err);
}

static int by_id(const void *a, const void *b)
{
	return id32_cmp(a, b);
}

/* SPEC 8.2: "*Effective* are the entries of logs of devices in force" */
static void devices_known(struct engine *e, struct session *s, void *ctx, struct keys *k)
{
	(void)s;
	if (!k->loaded) {
		over(e, ctx, k->err);
		return;
	}
	if (!id32_equal(&k->identity, &e->config.network)) { /* it moved meanwhile */
		keys_get(e, &e->config.network, NULL, devices_known, ctx);
		return;
	}
	size_t n = k->set ? k->view.devices_n : 0;
	struct store_req *q = req_new(STORE_ADMISSION_SETTLE);
	struct id32 *logs = q ? arena_alloc(&q->mem, (n ? n : 1) * sizeof *logs) : NULL;
	if (!logs) {
		free(q);
		over(e, ctx, ERR_MEMORY);
		return;
	}
	for (size_t i = 0; i < n; i++)
		logs[i] = k->view.devices[i].log;
	qsort(logs, n, sizeof *logs, by_id);
	q->a.identity = e->config.network;
	q->a.node = e->config.node;
	q->a.ids = logs;
	q->a.n = n;
	emit_store(e, q, NULL, settled, ctx);
}

static void begin(struct engine *e, bool asked, uint64_t tag)
{
	struct settling *x = malloc(sizeof *x);
	if (x) {
		*x = (struct settling){.asked = asked, .tag = tag};
		keys_get(e, &e->config.network, NULL, devices_known, x);
		return;
	}
	if (asked)
		command_answer(e, tag, ERR_MEMORY);
	else
		e->settling = false;
	failed(e, ERR_MEMORY);
}

void admissions_settle(struct engine *e)
{
	if (id32_is_zero(&e->config.network))
		e->settle_ms = 0;
	if (id32_is_zero(&e->config.network) || e->closing)
		return;
	e->settle_again = e->settling;
	if (e->settling)
		return;
	e->settling = true;
	begin(e, false, 0);
}

void admissions_asked(struct engine *e, uint64_t tag)
{
	if (id32_is_zero(&e->config.network))
		command_answer(e, tag, OK);
	else
		begin(e, true, tag);
}

void admissions_time(struct engine *e)
{
	if (e->now_ms >= admissions_deadline(e))
		admissions_settle(e);
}

/* A start that fails is over. */
uint64_t admissions_deadline(const struct engine *e)
{
	return e->booted && e->settle_ms && !e->settling ? e->settle_ms : UINT64_MAX;
}
