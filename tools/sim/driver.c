/* driver.c -- nodes, time and results; see driver.h. */
#include "driver_int.h"

#include "daemon/drive_work.h"

#include <sodium.h>
#include <stdio.h>

#define MOST_COMMAND_MS 600000u

/* Memory and disk of a simulation are there, or the run means nothing. */
static void *must(void *p)
{
	if (!p)
		abort();
	return p;
}

/* ---- randomness: splitmix64 */

static uint64_t next_random(struct sim *s)
{
	uint64_t z = (s->state += 0x9e3779b97f4a7c15u);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

uint64_t sim_random(struct sim *s, uint64_t below)
{
	return below ? next_random(s) % below : 0;
}

static void fill(void *ctx, uint8_t *out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)next_random((struct sim *)ctx);
}

struct random_source sim_source(struct sim *s)
{
	return (struct random_source){.fill = fill, .ctx = s};
}

/* ---- outputs */

static void result_free(struct sim_result *r)
{
	store_res_free(&r->res);
	if (r->work)
		engine_work_free(r->work);
	free(r);
}

static void give_result(struct sim_node *n, struct sim_result *r)
{
	struct engine_in in = {.kind = ENGINE_IN_WORKED, .work = r->work};
	if (!r->work)
		in = (struct engine_in){.kind = ENGINE_IN_STORED, .res = &r->res};
	sim_feed(n, &in);
	r->work = NULL; /* taken, as the arena */
	r->res.mem = (struct arena){0};
	result_free(r);
}

static void do_store(struct sim_node *n, struct store_req *req)
{
	struct sim_result *r = (struct sim_result *)must(calloc(1, sizeof *r));
	store_exec_one(n->store, req, &r->res);
	store_req_free(req);
	free(req);
	*n->stored_last = r;
	n->stored_last = &r->next;
	n->stored_n++;
}

static void do_work(struct sim_node *n, struct engine_work *work)
{
	struct sim_result *r = (struct sim_result *)must(calloc(1, sizeof *r));
	drive_work(n->home, work);
	r->work = work;
	r->next = n->worked;
	n->worked = r;
	n->worked_n++;
}

static void heard(struct sim_node *n, const struct engine_event *ev)
{
	if (ev->kind == ENGINE_EVENT_ANSWER && ev->tag == n->next_tag) {
		n->answered = true;
		n->answer = *ev;
	}
	if (n->options.heard)
		n->options.heard(n->options.ctx, n, ev);
}

static void carry_out(struct sim_node *n, struct engine_out *out)
{
	switch (out->kind) {
	case ENGINE_OUT_SEND:
	case ENGINE_OUT_CLOSE:
	case ENGINE_OUT_PAUSE:
	case ENGINE_OUT_RESUME: sim_link_out(n, out); return;
	case ENGINE_OUT_STORE: do_store(n, out->req); return;
	case ENGINE_OUT_WORK: do_work(n, out->work); return;
	case ENGINE_OUT_EVENT: heard(n, &out->event); return;
	}
	abort();
}

static struct sim_result *take_stored(struct sim_node *n)
{
	struct sim_result *r = n->stored;
	n->stored = r->next;
	if (!n->stored)
		n->stored_last = &n->stored;
	n->stored_n--;
	return r;
}

static struct sim_result *take_worked(struct sim_node *n, size_t index)
{
	struct sim_result **at = &n->worked;
	while (index-- > 0)
		at = &(*at)->next;
	struct sim_result *r = *at;
	*at = r->next;
	n->worked_n--;
	return r;
}

static void drain(struct sim_node *n)
{
	struct engine_out out;
	while (engine_next(n->engine, &out))
		carry_out(n, &out);
}

void sim_feed(struct sim_node *n, struct engine_in *in)
{
	in->now_ms = n->sim->now_ms;
	in->wall_s = SIM_WALL_S + n->sim->now_ms / 1000;
	engine_step(n->engine, in);
	if (n->busy)
		return;
	n->busy = true;
	drain(n);
	while (!n->sim->options.later && n->stored_n + n->worked_n > 0) {
		give_result(n, n->stored_n ? take_stored(n) : take_worked(n, n->worked_n - 1));
		drain(n);
	}
	n->busy = false;
}

/* ---- nodes */

static void node_begin(struct sim_node *n)
{
	const struct store_options store = {.home = n->home, .create = true};
	struct engine_config c = {.random = sim_source(n->sim),
		.node = n->keys.public_key,
		.network = n->options.network,
		.blob_bytes_max = n->options.blob_bytes_max,
		.blob_rate = n->options.blob_rate};
	bool restored = false;
	const char *why = NULL;
	fill(n->sim, c.instance, sizeof c.instance);
	memcpy(c.name, n->name, sizeof c.name);
	if (store_open(&store, &n->store) != OK || store_start(n->store, c.instance, &restored, &why) != OK)
		abort();
	n->stored_last = &n->stored;
	n->engine = (struct engine *)must(engine_new(&c));
	struct engine_in in = {.kind = ENGINE_IN_TIME};
	sim_feed(n, &in);
	/* What the engine loads at first is there before anybody calls. */
	while (n->stored_n > 0)
		give_result(n, take_stored(n));
}

static void node_end(struct sim_node *n)
{
	engine_free(n->engine);
	n->engine = NULL;
	while (n->stored_n > 0)
		result_free(take_stored(n));
	while (n->worked_n > 0)
		result_free(take_worked(n, 0));
	store_close(n->store);
	n->store = NULL;
}

struct sim_node *sim_node_new(struct sim *s, const struct sim_node_options *o)
{
	struct sim_node *n = (struct sim_node *)must(calloc(1, sizeof *n));
	uint8_t secret[32];
	n->sim = s;
	n->options = *o;
	snprintf(n->home, sizeof n->home, "%s", o->home);
	snprintf(n->name, sizeof n->name, "%s", o->name ? o->name : "");
	fill(s, secret, sizeof secret);
	noise_keypair_from_secret(&n->keys, secret);
	*s->nodes_last = n;
	s->nodes_last = &n->next;
	node_begin(n);
	return n;
}

void sim_node_restart(struct sim_node *n)
{
	for (struct sim_link *l = n->sim->links; l; l = l->next)
		if (l->ends[0].node == n || l->ends[1].node == n)
			sim_cut(l);
	node_end(n);
	node_begin(n);
}

const struct id32 *sim_node_key(const struct sim_node *n)
{
	return &n->keys.public_key;
}

struct engine *sim_node_engine(struct sim_node *n)
{
	return n->engine;
}

struct store *sim_node_store(struct sim_node *n)
{
	return n->store;
}

const char *sim_node_home(const struct sim_node *n)
{
	return n->home;
}

void sim_store(struct sim_node *n, struct store_req *req, struct store_res *res)
{
	store_exec_one(n->store, req, res);
}

struct engine_event sim_command(struct sim_node *n, struct engine_cmd *cmd)
{
	uint64_t until_ms = n->sim->now_ms + MOST_COMMAND_MS;
	cmd->tag = ++n->next_tag;
	n->answered = false;
	struct engine_in in = {.kind = ENGINE_IN_COMMAND, .cmd = cmd};
	sim_feed(n, &in);
	while (!n->answered)
		if (!sim_step(n->sim, until_ms))
			abort();
	return n->answer;
}

/* ---- the simulation */

struct sim *sim_new(const struct sim_options *o)
{
	struct sim *s = (struct sim *)must(calloc(1, sizeof *s));
	if (sodium_init() < 0)
		abort();
	s->options = *o;
	s->state = o->seed;
	s->now_ms = 1000;
	s->nodes_last = &s->nodes;
	s->links_last = &s->links;
	return s;
}

void sim_free(struct sim *s)
{
	while (s->links) {
		struct sim_link *l = s->links;
		s->links = l->next;
		sim_link_free(l);
	}
	while (s->nodes) {
		struct sim_node *n = s->nodes;
		s->nodes = n->next;
		node_end(n);
		noise_keypair_deinit(&n->keys);
		free(n);
	}
	free(s);
}

uint64_t sim_now_ms(const struct sim *s)
{
	return s->now_ms;
}

void sim_watch(struct sim *s,
	void (*saw)(void *ctx, struct sim_node *from, struct sim_node *to, uint8_t type, struct slice body),
	void *ctx)
{
	s->saw = saw;
	s->saw_ctx = ctx;
}

/* Everything that could happen next, as one list: the seed takes one of it. */
static size_t count_ready(struct sim *s)
{
	size_t n = 0;
	for (struct sim_link *l = s->links; l; l = l->next)
		n += sim_link_ready(l);
	for (struct sim_node *x = s->nodes; x; x = x->next)
		n += (x->stored_n > 0) + x->worked_n;
	return n;
}

static void do_ready(struct sim *s, size_t index)
{
	for (struct sim_link *l = s->links; l; l = l->next) {
		size_t n = sim_link_ready(l);
		if (index < n) {
			sim_link_deliver(l, index);
			return;
		}
		index -= n;
	}
	for (struct sim_node *x = s->nodes; x; x = x->next) {
		size_t n = (x->stored_n > 0) + x->worked_n;
		if (index < n) {
			bool stored = x->stored_n > 0 && index == 0;
			give_result(x, stored ? take_stored(x) : take_worked(x, index - (x->stored_n > 0)));
			return;
		}
		index -= n;
	}
	abort();
}

/* Runs the deadlines that are due; returns when the next one is. */
static uint64_t run_deadlines(struct sim *s)
{
	uint64_t next_ms = UINT64_MAX;
	for (struct sim_node *n = s->nodes; n; n = n->next) {
		if (engine_deadline(n->engine) <= s->now_ms) {
			struct engine_in in = {.kind = ENGINE_IN_TIME};
			sim_feed(n, &in);
		}
	}
	for (struct sim_link *l = s->links; l; l = l->next) {
		uint64_t at = sim_link_time(l);
		next_ms = at < next_ms ? at : next_ms;
	}
	for (struct sim_node *n = s->nodes; n; n = n->next) {
		uint64_t at = engine_deadline(n->engine);
		/* A deadline that stays in the past must not stop the clock. */
		at = at <= s->now_ms ? s->now_ms + 1 : at;
		next_ms = at < next_ms ? at : next_ms;
	}
	return next_ms;
}

bool sim_step(struct sim *s, uint64_t until_ms)
{
	uint64_t next_ms = run_deadlines(s);
	size_t n = count_ready(s);
	if (n > 0) {
		do_ready(s, (size_t)sim_random(s, n));
		s->now_ms += sim_random(s, (s->options.delay_ms ? s->options.delay_ms : 3) + 1ull);
		return true;
	}
	if (next_ms > until_ms)
		return false;
	s->now_ms = next_ms;
	return true;
}

void sim_run(struct sim *s, uint64_t until_ms)
{
	while (s->now_ms < until_ms && sim_step(s, until_ms))
		;
	if (s->now_ms < until_ms)
		s->now_ms = until_ms;
}

bool sim_settle(struct sim *s, uint64_t quiet_ms, uint64_t most_ms)
{
	uint64_t end_ms = s->now_ms + most_ms;
	s->noted_ms = s->now_ms;
	while (s->now_ms < end_ms) {
		uint64_t quiet_at = s->noted_ms + quiet_ms;
		if (s->now_ms >= quiet_at && count_ready(s) == 0)
			return true;
		if (!sim_step(s, quiet_at))
			s->now_ms = s->now_ms < quiet_at ? quiet_at : s->now_ms + 1;
	}
	return false;
}
