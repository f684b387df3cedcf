/* world.c -- a world of nodes: what engines ask for, nodes, links. See world.h. */
#include "tools/sim/world_int.h"

#include "protocol/award/facts.h"
#include "protocol/log/hash.h"
#include "protocol/log/secret.h"
#include "protocol/peer/message.h"
#include "daemon/drive_work.h"
#include "tools/sim/disk.h"

#include <stdio.h>
#include <sys/stat.h>

/* ---- chance ---- */

uint64_t world_random(struct world *w, uint64_t below)
{
	/* splitmix64 (Steele, Lea, Flood 2014) */
	uint64_t z = (w->state += 0x9e3779b97f4a7c15u);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	z ^= z >> 31;
	return below ? z % below : z;
}

static void fill(void *ctx, uint8_t *out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)world_random(ctx, 256);
}

struct random_source world_random_source(struct world *w)
{
	return (struct random_source){.fill = fill, .ctx = w};
}

void world_init(struct world *w, uint64_t seed, const char *dir)
{
	memset(w, 0, sizeof *w);
	w->seed = w->state = seed;
	w->now_ms = 1000;
	w->wall_s = 1760000000;
	w->trace = getenv("QUIRE_TRACE") != NULL;
	snprintf(w->dir, sizeof w->dir, "%s", dir);
	fill(w, w->network.b, 32);
	w->next_conn = 1;
}

/* ---- outputs ---- */

static struct world_link *link_of(struct world *w, const struct world_node *n, conn_id conn, int *end)
{
	for (size_t i = 0; i < w->links_n; i++)
		for (int k = 0; k < 2; k++)
			if (w->links[i].conns[k] == conn && w->links[i].nodes[k] == n) {
				*end = k;
				return &w->links[i];
			}
	return NULL;
}

static uint64_t wall_of(const struct world_node *n)
{
	int64_t s = (int64_t)n->world->wall_s + n->wall_skew_s;
	return s > 0 ? (uint64_t)s : 0;
}

static void put_message(struct world_link *l, int to, struct world_message *m)
{
	struct world *w = l->nodes[to]->world;
	size_t link = (size_t)(l - w->links);
	w->busy_links[link / 64] |= 1ull << (link % 64);
	m->nth = ++w->sent_n;
	m->due_ms = w->now_ms + l->delay_ms[to];
	if (l->jitter_ms[to])
		m->due_ms += world_random(w, l->jitter_ms[to]);
	/* SPEC 9.4: what is not bulk goes before bulk that waits. */
	struct world_message **at = l->to_tail[to];
	if (!m->bulk && !m->bye)
		for (at = &l->to[to]; *at && !(*at)->bulk && !(*at)->bye; at = &(*at)->next)
			;
	m->next = *at;
	*at = m;
	if (!m->next)
		l->to_tail[to] = &m->next;
}

static void put_input(struct world_input ***tail, struct store_req *req, struct engine_work *work)
{
	struct world_input *i = calloc(1, sizeof *i);
	must(i != NULL, "out of memory");
	i->req = req;
	i->work = work;
	**tail = i;
	*tail = &i->next;
}

void world_input_free(struct world_input *i)
{
	if (i->req)
		store_req_free(i->req);
	free(i->req);
	if (i->res)
		store_res_free(i->res);
	free(i->res);
	if (i->work)
		engine_work_free(i->work);
	free(i);
}

void world_tell_watcher(struct world_node *n, const struct world_input *i)
{
	if (n->world->committed && i->res)
		n->world->committed(n->world->watcher, n, i->req, i->res, i->number);
}

/* What the engine was told too early is committed now. */
void world_commit_owed(struct world_node *n)
{
	while (n->owed) {
		struct world_input *i = n->owed;
		n->owed = i->next;
		world_tell_watcher(n, i);
		world_input_free(i);
	}
	n->owed_tail = &n->owed;
}

static void out_send(struct world_node *n, struct engine_out *o)
{
	int end;
	struct world_link *l = link_of(n->world, n, o->conn, &end);
	struct engine_in written = {.kind = ENGINE_IN_WRITTEN,
		.now_ms = n->world->now_ms,
		.wall_s = wall_of(n),
		.conn = o->conn,
		.bytes = o->body.n,
		.bulk = o->bulk};
	if (!l || l->cut || !l->open[end]) {
		buf_free(&o->body);
		return;
	}
	struct world_message *m = calloc(1, sizeof *m);
	must(m != NULL, "out of memory");
	*m = (struct world_message){.type = o->type, .bulk = o->bulk, .body = o->body};
	if (n->world->sent)
		n->world->sent(n->world->watcher, n, l->nodes[!end], o->type, buf_slice(&o->body));
	if (n->world->meddle && !n->world->meddle(n->world->watcher, l, !end, &m->type, &m->body)) {
		buf_free(&m->body);
		free(m);
	} else {
		m->late = n->world->late_writes;
		m->bytes = written.bytes;
		put_message(l, !end, m);
		if (m->late)
			return;
	}
	n->due_known = false;
	engine_step(n->engine, &written);
}

void world_send(struct world_link *l, int to, uint8_t type, struct slice body)
{
	if (l->cut || !l->open[to])
		return;
	struct world_message *m = calloc(1, sizeof *m);
	must(m && buf_put(&m->body, body.p, body.n) == OK, "out of memory");
	m->type = type;
	put_message(l, to, m);
}

static void out_close(struct world_node *n, conn_id conn)
{
	int end;
	struct world_link *l = link_of(n->world, n, conn, &end);
	if (!l || !l->open[end])
		return;
	struct world_message *m = calloc(1, sizeof *m);
	must(m != NULL, "out of memory");
	m->bye = true;
	if (!l->cut)
		put_message(l, !end, m);
	else
		free(m);
	l->open[end] = false;
	n->due_known = false;
	engine_step(n->engine,
		&(struct engine_in){.kind = ENGINE_IN_CLOSED,
			.now_ms = n->world->now_ms,
			.wall_s = wall_of(n),
			.conn = conn});
}

static void out_event(struct world_node *n, const struct engine_event *ev)
{
	if (n->world->trace)
		fprintf(stderr, "%8llu %s: event %d %s %s seq %llu count %llu\n",
			(unsigned long long)n->world->now_ms, n->name, (int)ev->kind, err_name(ev->err),
			ev->text, (unsigned long long)ev->seq, (unsigned long long)ev->count);
	n->ready = n->ready || ev->kind == ENGINE_EVENT_READY;
	if (!n->ready && ev->kind == ENGINE_EVENT_STORE_ERROR)
		n->start_err = ev->err;
	if (n->world->heard) {
		n->world->heard(n->world->watcher, n, ev);
		n->answer = ev->kind == ENGINE_EVENT_ANSWER && ev->tag == n->awaited ? *ev : n->answer;
		return;
	}
	must(n->events_n < WORLD_EVENTS_MAX, "too many events");
	if ((n->events_n & (n->events_n - 1)) == 0) {
		n->events = realloc(n->events, (n->events_n ? n->events_n * 2 : 1) * sizeof *n->events);
		must(n->events != NULL, "out of memory");
	}
	n->events[n->events_n++] = *ev;
}

static void out_pause(struct world_node *n, conn_id conn, bool pause)
{
	int end;
	struct world_link *l = link_of(n->world, n, conn, &end);
	if (l)
		l->paused[end] = pause;
}

static void out_work(struct world_node *n, struct engine_work *work)
{
	struct disks *d = n->world->disks;
	bool chunk = work->kind == WORK_CHUNKS && work->file;
	if (d && chunk && disk_refuses(d, n->home)) {
		work->err = ERR_FULL;
		return;
	}
	drive_work(n->home, work);
	if (!d)
		return;
	if (chunk && work->done_n > 0)
		disk_chunk(d, n->home, &work->root, work->index * BLOB_CHUNK_STORED_BYTES,
			work->bytes.n / work->n * work->done_n);
	else if (work->err != OK)
		return;
	else if (work->kind == WORK_SYNC || work->kind == WORK_PUBLISH)
		disk_synced(d, n->home, &work->root);
}

static void drain(struct world_node *n)
{
	struct engine_out o;
	size_t node = (size_t)(n - n->world->nodes);
	n->world->busy_nodes[node / 64] |= 1ull << (node % 64);
	while (n->engine && engine_next(n->engine, &o)) {
		switch (o.kind) {
		case ENGINE_OUT_SEND: out_send(n, &o); break;
		case ENGINE_OUT_CLOSE: out_close(n, o.conn); break;
		case ENGINE_OUT_PAUSE:
		case ENGINE_OUT_RESUME: out_pause(n, o.conn, o.kind == ENGINE_OUT_PAUSE); break;
		case ENGINE_OUT_SPLICE:
		case ENGINE_OUT_RENEW: must(false, "nobody relays in this world"); break;
		case ENGINE_OUT_STORE: put_input(&n->stores_tail, o.req, NULL); break;
		case ENGINE_OUT_WORK:
			out_work(n, o.work);
			put_input(&n->works_tail, NULL, o.work);
			break;
		case ENGINE_OUT_DIAL:
			must(n->dials_n < WORLD_DIALS_MAX, "too many dials at once");
			n->dials[n->dials_n++] = o.node;
			break;
		case ENGINE_OUT_EVENT: out_event(n, &o.event); break;
		}
	}
}

void world_feed(struct world_node *n, struct engine_in *in)
{
	in->now_ms = n->world->now_ms;
	in->wall_s = wall_of(n);
	n->steps++;
	n->due_known = false;
	engine_step(n->engine, in);
	drain(n);
}

/* ---- nodes ---- */

static void start(struct world_node *n)
{
	struct world *w = n->world;
	struct engine_config c = {.node = n->key,
		.network = w->network,
		.notice_key = n->notice_key,
		.notice_secret = n->notice_secret,
		.blob_quota = w->blob_quota};
	const char *why;
	fill(w, c.instance, 16);
	memcpy(c.seed, c.instance, 16);
	c.reconcile_min = w->reconcile_min;
	c.audit_ms = w->audit_ms;
	snprintf(c.name, sizeof c.name, "%s", n->name);
	if (w->gossip) {
		fill(w, c.seed, sizeof c.seed);
		c.gossip = true;
		c.addresses_n = 1;
		world_address(n, c.addresses[0]);
	}
	struct store_options o = {
		.home = n->home, .create = true, .facts = facts_make, .facts_made_late = FACTS_MADE_LATE};
	n->start_err = store_open(&o, &n->store);
	if (n->start_err == OK)
		n->start_err = store_start(n->store, c.instance, &n->restored, &why);
	if (n->start_err != OK) {
		store_close(n->store);
		n->store = NULL;
		if (w->disks)
			disk_on(w->disks, n->home);
		return;
	}
	n->ready = n->due_known = false;
	n->engine = engine_new(&c);
	drain(n);
	while (n->engine && !n->ready && (!w->steps_max || w->steps < w->steps_max))
		if (!world_step(w))
			break;
	if (n->ready || (w->steps_max && w->steps >= w->steps_max) || (n->engine == NULL && !n->store))
		return; /* or its power went */
	if (!n->engine)
		n->start_err = ERR_MEMORY;
	must(n->start_err != OK, "a node neither becomes ready nor says why");
	world_crash(n);
}

/* From the node key: a copy of a node has them too. */
static void notice_keys(struct world_node *n)
{
	struct id32 secret = hash_bytes("sim.notice", n->key.b, sizeof n->key.b);
	memcpy(n->notice_secret, secret.b, sizeof n->notice_secret);
	secret_box_public(n->notice_secret, &n->notice_key);
}

struct world_node *world_node_open(struct world *w, const char *name, const struct id32 *key)
{
	must(w->nodes_n < WORLD_NODES_MAX, "too many nodes");
	struct world_node *n = &w->nodes[w->nodes_n++];
	*n = (struct world_node){.world = w, .key = *key};
	notice_keys(n);
	snprintf(n->name, sizeof n->name, "%s", name);
	snprintf(n->home, sizeof n->home, "%.200s/%s", w->dir, name);
	(void)mkdir(n->home, 0700);
	n->stores_tail = &n->stores;
	n->works_tail = &n->works;
	n->owed_tail = &n->owed;
	start(n);
	must(n->start_err == OK, "the store does not open or start");
	return n;
}

struct world_node *world_node_new(struct world *w, const char *name)
{
	struct id32 key;
	fill(w, key.b, 32);
	return world_node_open(w, name, &key);
}

static void drop_inputs(struct world_node *n)
{
	world_commit_owed(n);
	while (n->stores) {
		struct world_input *i = n->stores;
		n->stores = i->next;
		n->commits_lost += i->res != NULL;
		world_tell_watcher(n, i);
		world_input_free(i);
	}
	while (n->works) {
		struct world_input *i = n->works;
		n->works = i->next;
		world_input_free(i);
	}
	n->stores_tail = &n->stores;
	n->works_tail = &n->works;
	n->dials_n = 0;
}

static void drop_messages(struct world_link *l)
{
	for (int k = 0; k < 2; k++) {
		while (l->to[k]) {
			struct world_message *m = l->to[k];
			l->to[k] = m->next;
			buf_free(&m->body);
			free(m);
		}
		l->to_tail[k] = &l->to[k];
	}
}

void world_cut(struct world_link *l)
{
	l->cut = true;
	drop_messages(l);
	for (int k = 0; k < 2; k++) {
		if (!l->open[k])
			continue;
		l->open[k] = false;
		if (l->nodes[k]->engine)
			world_feed(l->nodes[k],
				&(struct engine_in){.kind = ENGINE_IN_CLOSED, .conn = l->conns[k]});
	}
}

void world_crash(struct world_node *n)
{
	struct world *w = n->world;
	drop_inputs(n);
	engine_free(n->engine);
	n->engine = NULL;
	if (w->disks)
		disk_halt(w->disks, n->home);
	store_close(n->store);
	n->store = NULL;
	if (w->disks)
		disk_on(w->disks, n->home);
	for (size_t i = 0; i < w->links_n; i++)
		if (w->links[i].nodes[0] == n || w->links[i].nodes[1] == n)
			world_cut(&w->links[i]);
}

void world_power_check(struct world_node *n)
{
	if (n->engine && n->world->disks && disk_is_off(n->world->disks, n->home))
		world_crash(n);
}

enum err world_try_restart(struct world_node *n)
{
	start(n);
	return n->start_err;
}

void world_restart(struct world_node *n)
{
	must(world_try_restart(n) == OK, "the store does not open or start");
}

void world_deinit(struct world *w)
{
	for (size_t i = 0; i < w->nodes_n; i++) {
		if (w->nodes[i].engine)
			world_crash(&w->nodes[i]);
		free(w->nodes[i].events);
	}
	for (size_t i = 0; i < w->links_n; i++)
		drop_messages(&w->links[i]);
}

/* ---- links ---- */

static struct world_link *link_new(struct world_node *a, struct world_node *b, const uint8_t *secret)
{
	struct world *w = a->world;
	struct world_link *l = NULL;
	for (size_t i = 0; i < w->links_n && !l; i++)
		if (!w->links[i].open[0] && !w->links[i].open[1] && !w->links[i].to[0] && !w->links[i].to[1])
			l = &w->links[i];
	must(l || w->links_n < WORLD_LINKS_MAX, "too many links");
	if (!l)
		l = &w->links[w->links_n++];
	*l = (struct world_link){.nodes = {a, b}, .open = {true, true}};
	for (int k = 0; k < 2; k++) {
		l->conns[k] = w->next_conn++;
		l->to_tail[k] = &l->to[k];
	}
	struct engine_in in = {.kind = ENGINE_IN_OPENED, .conn = l->conns[1], .peer = a->key};
	world_feed(b, &in);
	in = (struct engine_in){.kind = ENGINE_IN_OPENED,
		.conn = l->conns[0],
		.peer = b->key,
		.initiator = true,
		.redeem = secret != NULL};
	if (secret)
		memcpy(in.secret, secret, 16);
	world_feed(a, &in);
	return l;
}

struct world_link *world_connect(struct world_node *a, struct world_node *b)
{
	return link_new(a, b, NULL);
}

struct world_link *world_connect_redeem(struct world_node *a, struct world_node *b, const uint8_t secret[16])
{
	return link_new(a, b, secret);
}

uint64_t world_command_begin(struct world_node *n, struct engine_cmd *cmd)
{
	cmd->tag = ++n->next_tag;
	if (n->engine)
		world_feed(n, &(struct engine_in){.kind = ENGINE_IN_COMMAND, .cmd = cmd});
	return cmd->tag;
}

/* The same where events go to a watcher. */
static struct engine_event command_heard(struct world_node *n, struct engine_cmd *cmd)
{
	struct world *w = n->world;
	n->awaited = n->next_tag + 1;
	n->answer = (struct engine_event){.kind = ENGINE_EVENT_READY};
	world_command_begin(n, cmd);
	while (n->engine && n->answer.kind != ENGINE_EVENT_ANSWER) {
		if (world_step(w))
			continue;
		must(w->steps_max && w->steps >= w->steps_max, "a command was not answered");
		break;
	}
	n->awaited = 0;
	return n->answer.kind == ENGINE_EVENT_ANSWER ? n->answer : (struct engine_event){.err = ERR_CLOSED};
}

struct engine_event world_command(struct world_node *n, struct engine_cmd *cmd)
{
	size_t from = n->events_n;
	if (n->world->heard)
		return command_heard(n, cmd);
	world_command_begin(n, cmd);
	for (;;) {
		for (; from < n->events_n; from++)
			if (n->events[from].kind == ENGINE_EVENT_ANSWER && n->events[from].tag == cmd->tag)
				return n->events[from];
		must(world_step(n->world), "a command was not answered");
	}
}

void world_store(struct world_node *n, struct store_req *q, struct store_res *res)
{
	*res = (struct store_res){0};
	store_exec_one(n->store, q, res);
}
