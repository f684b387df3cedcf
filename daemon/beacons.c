/* beacons.c -- see beacons.h. */
#include "beacons_int.h"

#include "address.h"
#include "log.h"

#include <arpa/inet.h>
#include <sodium.h>
#include <stdio.h>

struct member {
	struct id32 node;
	uint64_t dialled_ms; /* 0: never */
};

struct beacons {
	struct node *node;
	struct conn_set *set;
	struct reach *reach;
	uint16_t udp_port, tcp_port;
	struct lan lans[2];
	uv_timer_t timer; /* the next beacon */
	uv_timer_t rest; /* until more may be looked at */
	struct beacon_gate gate;
	uint8_t salt[BEACON_SALT_BYTES];
	uint64_t salt_ms; /* when it was made */
	size_t members_n;
	struct member members[LIMIT_PEERS];
	bool reading, closing;
	int waiting; /* for handles and the table */
	void (*closed)(void *ctx);
	void *closed_ctx;
};

static void wait_end(struct beacons *b)
{
	if (--b->waiting > 0)
		return;
	for (size_t i = 0; i < 2; i++)
		lan_close(&b->lans[i]);
	void (*closed)(void *ctx) = b->closed;
	void *ctx = b->closed_ctx;
	free(b);
	if (closed)
		closed(ctx);
}

/* ---- in */

/* Where the sender takes connections; false: nowhere that one could dial. */
static bool where(const struct sockaddr_storage *from, uint16_t port, char out[ADDRESS_TEXT_BYTES])
{
	char host[INET6_ADDRSTRLEN];
	const struct sockaddr_in *four = (const struct sockaddr_in *)from;
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)from;
	int n;
	if (from->ss_family == AF_INET) {
		inet_ntop(AF_INET, &four->sin_addr, host, sizeof host);
		n = snprintf(out, ADDRESS_TEXT_BYTES, "%s:%u", host, (unsigned)port);
	} else {
		inet_ntop(AF_INET6, &six->sin6_addr, host, sizeof host);
		if (six->sin6_scope_id)
			n = snprintf(out, ADDRESS_TEXT_BYTES, "[%s%%%u]:%u", host,
				(unsigned)six->sin6_scope_id, (unsigned)port);
		else
			n = snprintf(out, ADDRESS_TEXT_BYTES, "[%s]:%u", host, (unsigned)port);
	}
	return n > 0 && n < ADDRESS_TEXT_BYTES;
}

static void heard(struct beacons *b, struct slice datagram, const struct sockaddr_storage *from)
{
	struct beacon beacon;
	char address[ADDRESS_TEXT_BYTES];
	uint64_t now = uv_now(node_loop(b->node));
	const struct id32 network = node_network(b->node);
	if (beacon_read(datagram, &beacon) != OK)
		return;
	for (size_t i = 0; i < b->members_n; i++) {
		struct member *m = &b->members[i];
		if (conn_set_has_peer(b->set, &m->node) || !beacon_is_from(&beacon, &network, &m->node))
			continue;
		/* SPEC 19.4: "dials nobody because of one more often than every 30 s" */
		bool may = m->dialled_ms == 0 || now - m->dialled_ms >= BEACON_DIAL_PAUSE_MS;
		if (may && where(from, beacon.port, address)) {
			m->dialled_ms = now;
			reach_at(b->reach, &m->node, address);
		}
		return;
	}
}

static void look(struct beacons *b, bool yes);

static void on_rest(uv_timer_t *timer)
{
	look((struct beacons *)timer->data, true);
}

static void on_datagrams(uv_poll_t *poll, int status, int events)
{
	struct beacons *b = (struct beacons *)poll->data;
	struct lan *l = poll == &b->lans[0].poll ? &b->lans[0] : &b->lans[1];
	uint8_t bytes[BEACON_BYTES + 1];
	struct sockaddr_storage from = {0};
	size_t n = 0;
	(void)events;
	if (status != 0)
		return;
	uint64_t now = uv_now(node_loop(b->node));
	for (;;) {
		if (!beacon_gate_look(&b->gate, now)) {
			/* The rest waits in the kernel, which drops what is too much. */
			look(b, false);
			uv_timer_start(&b->rest, on_rest, b->gate.second_ms + 1000 - now, 0);
			return;
		}
		if (!lan_receive(l, bytes, &n, &from))
			return;
		heard(b, slice_of(bytes, n), &from);
	}
}

static void look(struct beacons *b, bool yes)
{
	for (size_t i = 0; i < 2 && !b->closing; i++) {
		if (b->lans[i].fd < 0)
			continue;
		if (yes)
			uv_poll_start(&b->lans[i].poll, UV_READABLE, on_datagrams);
		else
			uv_poll_stop(&b->lans[i].poll);
	}
}

/* ---- out */

static void send_all(struct beacons *b)
{
	uint8_t bytes[BEACON_BYTES];
	uint64_t now = uv_now(node_loop(b->node));
	const struct id32 network = node_network(b->node);
	/* SPEC 19.4: "random, new at each start and each hour" */
	if (b->salt_ms == 0 || now - b->salt_ms >= BEACON_SALT_MS) {
		randombytes_buf(b->salt, sizeof b->salt);
		b->salt_ms = now;
	}
	for (size_t i = 0; i < 2; i++)
		lan_join(&b->lans[i]);
	if (id32_is_zero(&network))
		return;
	beacon_write(b->tcp_port, b->salt, &network, &node_keys(b->node)->node_key, bytes);
	for (size_t i = 0; i < 2; i++)
		lan_send(&b->lans[i], b->udp_port, bytes);
}

static uint64_t dialled_before(const struct member *members, size_t n, const struct id32 *node)
{
	for (size_t i = 0; i < n; i++)
		if (id32_equal(&members[i].node, node))
			return members[i].dialled_ms;
	return 0;
}

static void take_members(struct beacons *b, const struct store_peer *peers, size_t n)
{
	struct member *before = (struct member *)malloc(sizeof b->members);
	size_t before_n = b->members_n;
	if (!before)
		return;
	memcpy(before, b->members, sizeof b->members);
	b->members_n = 0;
	for (size_t i = 0; i < n && b->members_n < LIMIT_PEERS; i++) {
		const struct id32 *node = &peers[i].node;
		if (peers[i].origin == PEER_REMOVED || id32_equal(node, &node_keys(b->node)->node_key))
			continue;
		b->members[b->members_n++] = (struct member){
			.node = *node, .dialled_ms = dialled_before(before, before_n, node)};
	}
	free(before);
}

/* Sends when the members are known: whoever hears it and sends in turn is recognised. */
static void on_members(void *ctx, struct store_res *res)
{
	struct beacons *b = (struct beacons *)ctx;
	b->reading = false;
	if (!b->closing) {
		if (res->err == OK)
			take_members(b, res->r.peers, res->r.n);
		look(b, !uv_is_active((uv_handle_t *)&b->rest));
		send_all(b);
	}
	wait_end(b);
}

static void on_timer(uv_timer_t *timer)
{
	struct beacons *b = (struct beacons *)timer->data;
	struct store_req *req = b->reading ? NULL : (struct store_req *)calloc(1, sizeof *req);
	if (!req)
		return;
	req->op = STORE_PEER_LIST;
	b->reading = true;
	b->waiting++;
	node_store(b->node, req, on_members, b);
}

void beacons_ready(struct beacons *b)
{
	if (!b->closing)
		uv_timer_start(&b->timer, on_timer, 0, BEACON_EVERY_MS);
}

/* ---- life */

/* Who listens on one address sends from there only; who takes IPv6 from everywhere takes IPv4 too. */
static void where_to_send(struct beacons *b, const char *listen)
{
	struct address a;
	struct sockaddr_storage at;
	if (strcmp(listen, "off") == 0 || address_parse(listen, false, &a) != OK ||
		address_numeric(&a, &at) != OK || address_is_loopback((const struct sockaddr *)&at)) {
		log_warning("beacons", log_text("event", "no beacons are sent"),
			log_text("why", "this node takes no connections from the local network"),
			log_text("do", "set peers.listen, for example to 0.0.0.0:7411"));
		return;
	}
	bool any = address_is_any((const struct sockaddr *)&at);
	b->tcp_port = (uint16_t)strtoul(a.port, NULL, 10);
	for (size_t i = 0; i < 2; i++) {
		struct lan *l = &b->lans[i];
		l->sends = l->family == at.ss_family || (any && at.ss_family == AF_INET6);
		l->bound = l->sends && !any;
		l->at = at;
	}
}

static enum err failed(enum err e, uint16_t port, char why[BEACONS_WHY_BYTES])
{
	snprintf(why, BEACONS_WHY_BYTES,
		"beacons cannot be heard on UDP port %u: %s; choose another peers.lan_port, or set peers.lan to off",
		(unsigned)port, e == ERR_BUSY ? "another program has it" : err_text(e));
	return e;
}

enum err beacons_open(struct node *n, struct conn_set *set, struct reach *reach, const char *listen,
	uint16_t port, char why[BEACONS_WHY_BYTES], struct beacons **out)
{
	struct beacons *b = (struct beacons *)calloc(1, sizeof *b);
	if (!b)
		return failed(ERR_MEMORY, port, why);
	*b = (struct beacons){.node = n,
		.set = set,
		.reach = reach,
		.udp_port = port,
		.lans = {{.fd = -1}, {.fd = -1}},
		.waiting = 2};
	enum err e = lan_open(&b->lans[0], AF_INET, port);
	if (e == OK)
		e = lan_open(&b->lans[1], AF_INET6, port);
	if (e != OK) {
		lan_close(&b->lans[0]);
		free(b);
		return failed(e, port, why);
	}
	uv_timer_init(node_loop(n), &b->timer);
	uv_timer_init(node_loop(n), &b->rest);
	b->timer.data = b->rest.data = b;
	for (size_t i = 0; i < 2; i++) {
		b->lans[i].poll.data = b;
		if (b->lans[i].fd >= 0 && uv_poll_init(node_loop(n), &b->lans[i].poll, b->lans[i].fd) != 0)
			lan_close(&b->lans[i]);
		b->waiting += b->lans[i].fd >= 0;
	}
	where_to_send(b, listen);
	*out = b;
	return OK;
}

static void on_closed(uv_handle_t *handle)
{
	wait_end((struct beacons *)handle->data);
}

void beacons_close(struct beacons *b, void (*closed)(void *ctx), void *ctx)
{
	b->closing = true;
	b->closed = closed;
	b->closed_ctx = ctx;
	uv_close((uv_handle_t *)&b->timer, on_closed);
	uv_close((uv_handle_t *)&b->rest, on_closed);
	for (size_t i = 0; i < 2; i++)
		if (b->lans[i].fd >= 0)
			uv_close((uv_handle_t *)&b->lans[i].poll, on_closed);
}
