/* http_world.h -- for the tests of the HTTP API: a node that is not there, both doors on a real loop, and a client with raw bytes.
 * Included once per program. */
#ifndef QUIRE_HTTP_WORLD_H
#define QUIRE_HTTP_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/api.h"
#include "daemon/api_events.h"
#include "daemon/api_keys.h"
#include "daemon/http.h"
#include "daemon/http_uri.h"
#include "daemon/node.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define WAIT_MS 10000
#define ID_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ID_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

/* ---- a node that only has a loop, a configuration and a listener */

struct node {
	uv_loop_t loop;
	struct config config;
	node_heard heard;
	void *heard_ctx;
};

uv_loop_t *node_loop(struct node *n)
{
	return &n->loop;
}

const struct config *node_config(const struct node *n)
{
	return &n->config;
}

bool node_disk_full(const struct node *n)
{
	(void)n;
	return false;
}

bool node_restored(const struct node *n, const char **why)
{
	(void)n;
	(void)why;
	return false;
}

enum err node_listen_events(struct node *n, node_heard heard, void *ctx)
{
	if (ctx && !n->heard) { /* the API's, which is the first; office and clerk would need a whole node */
		n->heard = heard;
		n->heard_ctx = ctx;
	}
	return OK;
}

static unsigned keyrings_freed;
static int a_keyring;

/* ---- handlers that do what a test needs */

static struct {
	unsigned calls;
	struct api_request *later; /* of "later" */
	struct api_request *upload;
	size_t upload_n, chunks;
	bool hold_chunks;
	struct slice chunk;
	enum err upload_end;
	bool upload_ended;
	struct api_request *asked; /* an open question of a stream */
	uint64_t asked_at;
	size_t asked_max;
	bool answer_later;
	unsigned pulls, closes;
} seen;

static uint8_t content[300000];

static inline void h_echo(struct api_request *rq)
{
	const char *q = api_query(rq, "q");
	seen.calls++;
	api_reply(rq, 200,
		json_pack("{s:s, s:s, s:s*, s:O*, s:i, s:b, s:b}", "log", api_param(rq, "log"), "seq",
			api_param(rq, "seq"), "q", q, "body", rq->body, "uid", (int)rq->caller.uid, "socket",
			rq->caller.over_socket, "operator", rq->operator_));
}

static inline void h_plain(struct api_request *rq)
{
	seen.calls++;
	api_reply(rq, 201, json_pack("{s:i, s:O*}", "calls", (int)seen.calls, "body", rq->body));
}

static inline void h_secret(struct api_request *rq)
{
	seen.calls++;
	rq->secret_reply = true;
	api_reply(rq, 200, json_pack("{s:i}", "calls", (int)seen.calls));
}

static inline void h_fail(struct api_request *rq)
{
	seen.calls++;
	api_problem(rq, ERR_FULL, "The disk is full. Free some space.");
}

static inline void h_later(struct api_request *rq)
{
	seen.calls++;
	seen.later = rq;
}

static inline void h_number(struct api_request *rq)
{
	uint64_t n = 7;
	struct id32 id;
	if (api_query_uint(rq, "n", 500, &n) && api_param_id(rq, "id", &id))
		api_reply(rq, 200, json_pack("{s:I}", "n", (json_int_t)n));
}

static inline void on_chunk(void *ctx, struct api_request *rq, struct slice bytes)
{
	(void)ctx;
	seen.upload_n += bytes.n;
	seen.chunks++;
	seen.chunk = bytes;
	if (!seen.hold_chunks)
		api_upload_next(rq);
}

static inline void on_upload_end(void *ctx, struct api_request *rq, enum err e)
{
	(void)ctx;
	seen.upload_ended = true;
	seen.upload_end = e;
	seen.upload = NULL;
	if (e == OK)
		api_reply(rq, 201, json_pack("{s:I}", "bytes", (json_int_t)seen.upload_n));
	else
		api_problem(rq, e, "The upload was not complete.");
}

static inline void h_upload(struct api_request *rq)
{
	seen.upload = rq;
	api_upload(rq, &(struct api_sink){.chunk = on_chunk, .end = on_upload_end});
}

static inline void h_upload_refused(struct api_request *rq)
{
	api_problem(rq, ERR_FULL, "The disk is full. Free some space.");
}

static inline void give(struct api_request *rq)
{
	struct api_request *asked = rq;
	seen.asked = NULL;
	api_stream_put(asked, content + seen.asked_at, seen.asked_max);
}

static inline void on_pull(void *ctx, struct api_request *rq, uint64_t offset, size_t max)
{
	(void)ctx;
	assert_true(offset < sizeof content && max && max <= sizeof content - offset);
	seen.pulls++;
	seen.asked = rq;
	seen.asked_at = offset;
	seen.asked_max = max;
	if (!seen.answer_later)
		give(rq);
}

static inline void on_close(void *ctx)
{
	(void)ctx;
	seen.closes++;
}

static inline void h_file(struct api_request *rq)
{
	api_stream(rq,
		&(struct api_stream){.size = sizeof content,
			.content_type = "video/webm",
			.filename = api_query(rq, "name"),
			.etag = "e1",
			.pull = on_pull,
			.close = on_close});
}

#define R(method, path, handler, who, body) \
	{ \
#method, path, #handler, h_##handler, API_##who, API_##body, "test" \
	}
static const struct api_route routes[] = {
	{"GET", "/api/v1/health", "health", route_health, API_OPEN, API_NONE, "health"},
	{"GET", "/api/v1/openapi.json", "openapi", route_openapi, API_OPEN, API_NONE, "openapi"},
	{"GET", "/api/v1/events", "events", route_events, API_EITHER, API_NONE, "events"},
	R(GET, "/api/v1/entries/{log}/{seq}", echo, OPEN, NONE),
	R(POST, "/api/v1/entries/{log}/{seq}", echo, OPEN, JSON),
	R(POST, "/api/v1/things", plain, OPEN, JSON),
	R(DELETE, "/api/v1/things", plain, OPEN, NONE),
	R(POST, "/api/v1/secret", secret, OPEN, JSON),
	R(POST, "/api/v1/fail", fail, OPEN, JSON),
	R(GET, "/api/v1/operator", plain, OPERATOR, NONE),
	R(GET, "/api/v1/session", plain, SESSION, NONE),
	R(GET, "/api/v1/either", plain, EITHER, NONE),
	R(GET, "/api/v1/later", later, OPEN, NONE),
	R(POST, "/api/v1/later", later, OPEN, JSON),
	R(GET, "/api/v1/number/{id}", number, OPEN, NONE),
	R(POST, "/api/v1/upload", upload, OPEN, UPLOAD),
	R(POST, "/api/v1/refused", upload_refused, OPEN, UPLOAD),
	R(GET, "/api/v1/file", file, OPEN, NONE),
	R(GET, "/api/v1/own-file", file, SESSION, NONE),
};

/* ---- a daemon for each test */

struct world {
	struct node node;
	struct http *http;
	char home[64];
	uint16_t port;
	bool stopped;
};

static inline void on_stopped(void *ctx)
{
	((struct world *)ctx)->stopped = true;
}

static inline int set_up_with(void **state, unsigned header_ms, unsigned body_ms)
{
	struct world *w = (struct world *)calloc(1, sizeof *w);
	char why[256];
	memset(&seen, 0, sizeof seen);
	keyrings_freed = 0;
	for (size_t i = 0; i < sizeof content; i++)
		content[i] = (uint8_t)(i * 7 + i / 256);
	assert_int_equal(uv_loop_init(&w->node.loop), 0);
	snprintf(w->home, sizeof w->home, "/tmp/quire-http-XXXXXX");
	assert_non_null(mkdtemp(w->home));
	snprintf(w->node.config.home, sizeof w->node.config.home, "%s", w->home);
	snprintf(w->node.config.http, sizeof w->node.config.http, "127.0.0.1:0");
	snprintf(w->node.config.hosts, sizeof w->node.config.hosts,
		"portfolio.school.example other.example:8443");
	w->node.config.upload_max = 64u << 20;
	const struct http_options o = {.routes = routes,
		.routes_n = sizeof routes / sizeof *routes,
		.header_ms = header_ms,
		.body_ms = body_ms};
	assert_int_equal(http_open(&w->node, &o, why, &w->http), OK);
	w->port = (uint16_t)strtoul(strrchr(http_address(w->http), ':') + 1, NULL, 10);
	*state = w;
	return 0;
}

static inline int set_up(void **state)
{
	return set_up_with(state, 0, 0);
}

static inline void stop(struct world *w)
{
	http_stop(w->http, on_stopped, w);
	while (!w->stopped)
		uv_run(&w->node.loop, UV_RUN_ONCE);
}

static inline int tear_down(void **state)
{
	struct world *w = (struct world *)*state;
	if (!w->stopped)
		stop(w);
	uv_run(&w->node.loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&w->node.loop), 0);
	http_free(w->http);
	assert_int_equal(rmdir(w->home), 0); /* the socket is gone */
	free(w);
	return 0;
}

/* ---- a client with raw bytes */

struct client {
	struct world *w;
	int fd;
	struct buf in;
	bool closed;
};

static inline struct client dial(struct world *w, bool over_socket)
{
	struct client c = {
		.w = w, .fd = socket(over_socket ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	struct sockaddr_in tcp = {.sin_family = AF_INET, .sin_port = htons(w->port)};
	struct sockaddr_un path = {.sun_family = AF_UNIX};
	tcp.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	snprintf(path.sun_path, sizeof path.sun_path, "%.64s/quire.sock", w->home);
	int r = over_socket ? connect(c.fd, (const struct sockaddr *)&path, sizeof path)
			    : connect(c.fd, (const struct sockaddr *)&tcp, sizeof tcp);
	assert_int_equal(r, 0);
	return c;
}

static inline void hang_up(struct client *c)
{
	close(c->fd);
	buf_free(&c->in);
}

/* One turn: the loop, then whatever came. Waits for the loop or the socket, at most wait_ms. */
static inline void turn(struct client *c, int wait_ms)
{
	uv_loop_t *loop = &c->w->node.loop;
	uv_run(loop, UV_RUN_NOWAIT);
	int due = uv_backend_timeout(loop);
	if (due >= 0 && due < wait_ms)
		wait_ms = due;
	struct pollfd fds[2] = {{.fd = uv_backend_fd(loop), .events = POLLIN},
		{.fd = c->closed ? -1 : c->fd, .events = POLLIN}};
	poll(fds, 2, wait_ms);
	uv_run(loop, UV_RUN_NOWAIT);
	uint8_t bytes[65536];
	ssize_t n = c->closed ? -1 : recv(c->fd, bytes, sizeof bytes, MSG_DONTWAIT);
	if (n > 0)
		assert_int_equal(buf_put(&c->in, bytes, (size_t)n), OK);
	else if (n == 0 || (!c->closed && errno != EAGAIN))
		c->closed = true;
	if (buf_reserve(&c->in, 1) == OK)
		c->in.p[c->in.n] = 0;
}

#define UNTIL(c, condition) \
	do { \
		uint64_t until = uv_hrtime() / 1000000 + WAIT_MS; \
		while (!(condition)) { \
			if (uv_hrtime() / 1000000 > until) \
				fail_msg("waited in vain for %s; got: %.300s", #condition, \
					(c)->in.p ? (const char *)(c)->in.p : ""); \
			turn((c), 100); \
		} \
	} while (0)

static inline void say_n(struct client *c, const void *p, size_t n)
{
	const uint8_t *at = (const uint8_t *)p;
	while (n) {
		ssize_t sent = send(c->fd, at, n, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent > 0) {
			at += sent;
			n -= (size_t)sent;
		} else if (errno != EAGAIN)
			return;
		else
			turn(c, 5);
	}
}

static inline void say(struct client *c, const char *text)
{
	say_n(c, text, strlen(text));
}

static inline const char *text(const struct client *c)
{
	return c->in.p ? (const char *)c->in.p : "";
}

static inline const char *answer_body(const struct client *c)
{
	const char *end = strstr(text(c), "\r\n\r\n");
	return end ? end + 4 : NULL;
}

static inline const char *find_header(const struct client *c, const char *name)
{
	return strcasestr(text(c), name);
}

static inline bool complete(const struct client *c)
{
	const char *body = answer_body(c);
	const char *length = body ? find_header(c, "\r\nContent-Length:") : NULL;
	if (!length || length > body)
		return c->closed;
	size_t have = c->in.n - (size_t)(body - text(c));
	return have >= strtoull(length + 17, NULL, 10) || c->closed;
}

static inline unsigned status(const struct client *c)
{
	return strncmp(text(c), "HTTP/1.1 ", 9) == 0 ? (unsigned)strtoul(text(c) + 9, NULL, 10) : 0;
}

static inline void forget(struct client *c)
{
	c->in.n = 0;
	if (c->in.p)
		c->in.p[0] = 0;
}

/* Sends head lines with the right Host and a body, and waits for the whole answer. */
static inline unsigned ask_body(struct client *c, const char *line, const char *headers, const char *body)
{
	char head[4096];
	forget(c);
	snprintf(head, sizeof head, "%s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n%s", line, c->w->port, headers);
	say(c, head);
	if (body) {
		snprintf(head, sizeof head, "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
			strlen(body), body);
		say(c, head);
	} else
		say(c, "\r\n");
	if (strncmp(line, "HEAD", 4) == 0)
		UNTIL(c, answer_body(c) || c->closed);
	else
		UNTIL(c, complete(c));
	return status(c);
}

static inline unsigned ask(struct client *c, const char *line)
{
	return ask_body(c, line, "", NULL);
}

/* The same on a connection of its own. */
static inline unsigned ask_once(struct world *w, const char *line, const char *headers, const char *body)
{
	struct client c = dial(w, false);
	unsigned s = ask_body(&c, line, headers, body);
	hang_up(&c);
	return s;
}

static inline json_t *json_of(const struct client *c)
{
	json_t *j = json_loads(answer_body(c), 0, NULL);
	assert_non_null(j);
	return j;
}

/* ---- keyrings */

static inline void free_keyring(struct keyring *k)
{
	assert_ptr_equal(k, (struct keyring *)&a_keyring);
	keyrings_freed++;
}

static inline void open_session(struct world *w, const char *id_hex, bool operator_, bool over_socket,
	uint64_t for_s, char token_header[100], struct session **out)
{
	struct id32 id;
	uint8_t token[32];
	char hex[65];
	struct session_caller caller = {.over_socket = over_socket, .uid = over_socket ? geteuid() : 0};
	if (id_hex)
		assert_true(api_id_parse(id_hex, &id));
	assert_int_equal(session_open(http_sessions(w->http), id_hex ? &id : NULL, operator_, &caller, for_s,
				 (struct keyring *)&a_keyring, free_keyring, token, out),
		OK);
	sodium_bin2hex(hex, sizeof hex, token, 32);
	if (token_header)
		snprintf(token_header, 100, "Quire-Token: %s\r\n", hex);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
