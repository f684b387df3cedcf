/* node.c -- puts a node together, and gives access to its parts; see node.h. */
#include "node_int.h"

#include "address.h"
#include "home.h"
#include "log.h"
#include "protocol/award/facts.h"

#include <sodium.h>
#include <stdio.h>

#define WHY_BYTES 256

static void fill_random(void *ctx, uint8_t *out, size_t n)
{
	(void)ctx;
	randombytes_buf(out, n);
}

/* ---- start, in the order of what the next step needs */

static enum err say(char why[WHY_BYTES], enum err e, const char *what)
{
	snprintf(why, WHY_BYTES, "%s: %s", what, err_text(e));
	return e;
}

static enum err open_store(struct node *n, const uint8_t instance[16], char why[WHY_BYTES])
{
	const struct store_options options = {
		.home = n->config.home, .facts = facts_make, .facts_made_late = FACTS_MADE_LATE};
	enum err e = store_open(&options, &n->store);
	if (e == ERR_NOT_FOUND)
		snprintf(why, WHY_BYTES,
			"there is no database in %.100s: make a node with `quire init`, or give --home",
			n->config.home);
	else if (e == ERR_NEWER)
		snprintf(why, WHY_BYTES,
			"the database in %.100s was made by a newer version of Quire: use that one",
			n->config.home);
	else if (e == ERR_CORRUPT)
		snprintf(why, WHY_BYTES,
			"the database in %.100s is damaged: say `quire doctor`, or restore a backup",
			n->config.home);
	else if (e == ERR_FULL)
		snprintf(why, WHY_BYTES, "the disk that holds %.100s is full: make room on it",
			n->config.home);
	else if (e != OK)
		(void)say(why, e, "the database cannot be opened");
	if (e != OK)
		return e;
	e = store_start(n->store, instance, &n->restored, &n->restored_why);
	return e == OK ? OK : say(why, e, store_last_error(n->store));
}

/* A value of the table meta; absent: *out_n is 0. */
static enum err read_meta(struct node *n, const char *key, void *out, size_t out_bytes, size_t *out_n)
{
	struct store_req req = {.op = STORE_META_GET, .a.key = slice_str(key)};
	struct store_res res = {0};
	store_exec_one(n->store, &req, &res);
	enum err e = res.err == ERR_NOT_FOUND ? OK : res.err;
	*out_n = 0;
	if (res.err == OK && res.r.bytes.n <= out_bytes) {
		memcpy(out, res.r.bytes.p, res.r.bytes.n);
		*out_n = res.r.bytes.n;
	}
	store_res_free(&res);
	store_req_free(&req);
	return e;
}

static enum err load_meta(struct node *n, char why[WHY_BYTES])
{
	size_t bytes = 0;
	enum err e = read_meta(n, "network", n->network.b, sizeof n->network.b, &bytes);
	if (e == OK && bytes != 0 && bytes != sizeof n->network.b)
		e = ERR_CORRUPT;
	if (e == OK)
		e = read_meta(n, "name", n->name, sizeof n->name - 1, &bytes);
	return e == OK ? OK : say(why, e, "the database cannot be read");
}

static enum err load_keys(struct node *n, char why[WHY_BYTES])
{
	n->keys = (struct node_keys *)sodium_malloc(sizeof *n->keys);
	n->noise = (struct noise_keypair *)sodium_malloc(sizeof *n->noise);
	if (!n->keys || !n->noise)
		return say(why, ERR_MEMORY, "the node's keys");
	enum err e = home_keys(n->config.home, n->keys, why);
	if (e == OK)
		noise_keypair_from_secret(n->noise, n->keys->node_secret);
	return e;
}

static void put_address(struct engine_config *c, const char *text, size_t n)
{
	if (n == 0 || n > LIMIT_ADDRESS_BYTES || c->addresses_n == LIMIT_ADDRESSES)
		return;
	memcpy(c->addresses[c->addresses_n], text, n);
	c->addresses[c->addresses_n++][n] = 0;
}

/* What peers are told: what the settings say, else where we listen. */
static void put_addresses(const struct node *n, struct engine_config *c)
{
	for (const char *p = n->config.advertise; *p;) {
		size_t length = strcspn(p, " ");
		put_address(c, p, length);
		p += length + (p[length] == ' ');
	}
	if (c->addresses_n == 0 && net_dialable(n->net))
		put_address(c, net_address(n->net), strlen(net_address(n->net)));
	else if (c->addresses_n == 0 && strcmp(net_address(n->net), "off") != 0)
		log_warning("node", log_text("event", "peers are told no address"),
			log_text("do", "set peers.advertise to the host:port where peers reach this node"));
}

static void on_failed(void *ctx, const struct id32 *node)
{
	drive_unreached(((struct node *)ctx)->drive, node);
}

static void on_unreached(void *ctx, const struct id32 *node, const struct id32 *relays, size_t relays_n)
{
	struct node *n = (struct node *)ctx;
	if (!n->reach || !reach_through(n->reach, node, relays, relays_n, on_failed, n))
		on_failed(n, node);
}

static void on_dial(void *ctx, const struct id32 *node)
{
	struct node *n = (struct node *)ctx;
	if (n->dial)
		dial_node(n->dial, node);
	else
		on_failed(n, node);
}

static enum err open_engine(struct node *n, const uint8_t instance[16], char why[WHY_BYTES])
{
	struct engine_config c = {.node = n->keys->node_key,
		.network = n->network,
		.relay = strcmp(n->config.relay, "on") == 0,
		.notice_key = n->keys->notice_key,
		.notice_secret = n->keys->notice_secret,
		.blob_bytes_max = n->config.blob_max,
		.blob_quota = n->config.quota,
		.blob_rate = n->config.rate,
		.gossip = true,
		.redial_max_ms = n->config.redial_max_s * 1000};
	memcpy(c.instance, instance, sizeof c.instance);
	randombytes_buf(c.seed, sizeof c.seed);
	memcpy(c.name, n->name, sizeof c.name);
	put_addresses(n, &c);
	n->addresses_n = c.addresses_n;
	memcpy(n->addresses, c.addresses, sizeof n->addresses);
	const struct drive_env env = {.loop = n->loop,
		.home = n->config.home,
		.storew = n->storew,
		.pool = n->pool,
		.dial = on_dial,
		.ctx = n};
	enum err e = drive_open(&env, &c, &n->drive);
	if (e == OK)
		drive_attach(n->drive, n->set);
	if (e == OK)
		e = drive_listen(n->drive, node_log_event, n);
	return e == OK ? OK : say(why, e, "the engine");
}

static struct drive *drive_of(void *ctx)
{
	return ((struct node *)ctx)->drive;
}

/* The set is opened before the drive, which needs its address; nothing comes before the loop runs. */
static void on_opened(void *ctx, struct conn *c)
{
	struct node *n = (struct node *)ctx;
	if (n->dial)
		dial_opened(n->dial, conn_of(c));
	drive_handlers().opened(drive_of(ctx), c);
}

static void on_message(void *ctx, struct conn *c, uint8_t type, struct slice body)
{
	drive_handlers().message(drive_of(ctx), c, type, body);
}

static void on_written(void *ctx, struct conn *c, size_t bytes, bool bulk)
{
	drive_handlers().written(drive_of(ctx), c, bytes, bulk);
}

static void on_closed(void *ctx, struct conn *c, enum err e, const char *why)
{
	drive_handlers().closed(drive_of(ctx), c, e, why);
}

static void on_turn(void *ctx)
{
	if (drive_of(ctx))
		drive_handlers().turn(drive_of(ctx));
}

static enum err open_network(struct node *n, char why[WHY_BYTES])
{
	const struct conn_env env = {.loop = n->loop,
		.keys = n->noise,
		.random = {.fill = fill_random},
		.proxy = &n->proxy,
		.no_proxy = n->config.no_proxy,
		.relay_rate = n->config.relay_rate,
		.handlers = {on_opened, on_message, on_written, on_closed, on_turn},
		.ctx = n};
	enum err e = proxy_parse(n->config.proxy, &n->proxy);
	if (e != OK)
		return say(why, e, "peers.proxy");
	e = conn_set_open(&env, &n->set);
	if (e != OK)
		return say(why, e, "the network");
	conn_set_network(n->set, &n->network);
	return net_open(n->loop, n->set, n->config.listen, why, &n->net);
}

static enum err open_parts(struct node *n, char why[WHY_BYTES])
{
	uint8_t instance[16];
	randombytes_buf(instance, sizeof instance);
	enum err e = home_lock(n->config.home, &n->lock_fd, why);
	if (e == OK)
		e = load_keys(n, why);
	if (e == OK)
		e = open_store(n, instance, why);
	if (e == OK)
		e = load_meta(n, why);
	if (e != OK)
		return e;
	e = storew_open(n->loop, n->store, &n->storew);
	if (e != OK)
		return say(why, e, "the store thread");
	n->store = NULL;
	e = pool_open(n->loop, n->config.home, &n->pool);
	if (e != OK)
		return say(why, e, "the pool");
	e = open_network(n, why);
	if (e == OK)
		e = open_engine(n, instance, why);
	if (e != OK)
		return e;
	e = dial_open(n, n->set, on_unreached, n, &n->dial);
	if (e == OK)
		e = joins_open(n, n->set, &n->joins);
	if (e == OK)
		e = reach_open(n, n->set, &n->reach);
	if (e != OK)
		return say(why, e, "the dialler");
	if (strcmp(n->config.lan, "on") == 0)
		e = beacons_open(n, n->set, n->reach, net_address(n->net), (uint16_t)n->config.lan_port, why,
			&n->beacons);
	return e;
}

enum err node_start(uv_loop_t *loop, const struct config *config, struct node **out, char why[WHY_BYTES])
{
	struct node *n = (struct node *)calloc(1, sizeof *n);
	if (!n)
		return say(why, ERR_MEMORY, "the node");
	n->loop = loop;
	n->config = *config;
	n->lock_fd = -1;
	pool_size_threads();
	enum err e = open_parts(n, why);
	if (e != OK) {
		node_end(n, NULL, NULL);
		return e;
	}
	*out = n;
	return OK;
}

void node_stop(struct node *n, void (*stopped)(void *ctx), void *ctx)
{
	node_end(n, stopped, ctx);
}

/* ---- access */

const struct config *node_config(const struct node *n)
{
	return &n->config;
}

const struct node_keys *node_keys(const struct node *n)
{
	return n->keys;
}

uv_loop_t *node_loop(struct node *n)
{
	return n->loop;
}

const char *node_listen_address(const struct node *n)
{
	return n->net ? net_address(n->net) : "off";
}

size_t node_addresses(const struct node *n, char out[LIMIT_ADDRESSES][LIMIT_ADDRESS_BYTES + 1])
{
	memcpy(out, n->addresses, sizeof n->addresses);
	return n->addresses_n;
}

bool node_restored(const struct node *n, const char **why)
{
	if (why)
		*why = n->restored ? n->restored_why : NULL;
	return n->restored;
}

bool node_disk_full(const struct node *n)
{
	return n->storew && storew_full(n->storew);
}

uint64_t node_blobs_refused(const struct node *n)
{
	return n->drive ? drive_blobs_refused(n->drive) : 0;
}

void node_store(struct node *n, struct store_req *req, node_stored done, void *ctx)
{
	if (n->storew) {
		storew_put(n->storew, req, done, ctx);
		return;
	}
	/* The last callbacks of the end are under way: there is no later any more. */
	struct store_res res = {.op = req->op, .tag = req->tag, .err = ERR_CLOSED};
	store_req_free(req);
	free(req);
	done(ctx, &res);
}

void node_read(struct node *n, node_read_fn fn, void (*done)(void *ctx), void *ctx)
{
	if (n->pool) {
		pool_read(n->pool, fn, done, ctx);
		return;
	}
	fn(ctx, NULL, ERR_CLOSED);
	done(ctx);
}

void node_work(struct node *n, void (*fn)(void *ctx), void (*done)(void *ctx), void *ctx)
{
	if (n->pool) {
		pool_work(n->pool, fn, done, ctx);
		return;
	}
	fn(ctx);
	done(ctx);
}

void node_command(struct node *n, struct engine_cmd *cmd, node_answered done, void *ctx)
{
	const struct engine_event closed = {.kind = ENGINE_EVENT_ANSWER, .err = ERR_CLOSED};
	if (n->drive)
		drive_command(n->drive, cmd, done, ctx);
	else if (done)
		done(ctx, &closed);
}

enum err node_listen_events(struct node *n, node_heard heard, void *ctx)
{
	return drive_listen(n->drive, heard, ctx);
}

void node_join(struct node *n, const struct invitation *inv,
	void (*done)(void *ctx, enum err e, const char *why, const struct engine_event *joined), void *ctx)
{
	if (n->joins && !n->stopping)
		joins_begin(n->joins, inv, done, ctx);
	else
		done(ctx, ERR_CLOSED, "the node stops", NULL);
}

size_t node_peers(struct node *n, struct engine_peer_info *out, size_t max)
{
	return n->drive ? drive_peers(n->drive, out, max) : 0;
}

/* ---- the network */

struct id32 node_network(const struct node *n)
{
	return n->network;
}

void node_use_network(struct node *n, const struct id32 *network)
{
	if (id32_equal(&n->network, network))
		return;
	struct engine_cmd cmd = {.kind = ENGINE_CMD_NETWORK, .id = *network};
	n->network = *network;
	node_command(n, &cmd, NULL, NULL);
	if (n->set)
		conn_set_network(n->set, network);
}

static void on_network_put(void *ctx, struct store_res *res)
{
	(void)ctx;
	if (res->err != OK)
		log_error("node", log_text("event", "the network was not recorded"), log_err(res->err));
}

void node_set_network(struct node *n, const struct id32 *network)
{
	node_use_network(n, network);
	struct store_req *req = (struct store_req *)calloc(1, sizeof *req);
	if (!req) {
		log_error("node", log_text("event", "the network was not recorded"), log_err(ERR_MEMORY));
		return;
	}
	req->op = STORE_META_PUT;
	req->a.key = slice_str("network");
	req->a.value = arena_copy(&req->mem, slice_of(network->b, sizeof network->b));
	if (req->a.value.p) {
		node_store(n, req, on_network_put, n);
		return;
	}
	store_req_free(req);
	free(req);
	log_error("node", log_text("event", "the network was not recorded"), log_err(ERR_MEMORY));
}
