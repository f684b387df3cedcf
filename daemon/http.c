#include "http.h"

#include "api_events.h"
#include "clerk.h"
#include "api_keys.h"
#include "exchange.h"
#include "http_listen.h"
#include "node.h"
#include "office.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define HTTP_MEMORY_BYTES 262144 /* of a connection: read buffer and headers; touched only as used */

/* ---- a door on the loop ---- */

static void on_timer(uv_timer_t *timer);

static void run(struct door *d)
{
	MHD_UNSIGNED_LONG_LONG wait_ms;
	if (d->closing || d->running)
		return;
	d->running = true;
	MHD_run(d->mhd);
	d->running = false;
	if (d->closing)
		return;
	if (MHD_get_timeout(d->mhd, &wait_ms) == MHD_YES)
		uv_timer_start(&d->timer, on_timer, wait_ms, 0);
	else
		uv_timer_stop(&d->timer);
}

static void on_timer(uv_timer_t *timer)
{
	run((struct door *)timer->data);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	run((struct door *)poll->data);
}

void door_kick(struct door *d)
{
	if (!d->closing && !d->running)
		uv_timer_start(&d->timer, on_timer, 0, 0);
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **context,
	enum MHD_ConnectionNotificationCode code)
{
	struct door *d = (struct door *)cls;
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		const union MHD_ConnectionInfo *fd = MHD_get_connection_info(
			connection, MHD_CONNECTION_INFO_CONNECTION_FD);
		*context = http_conn_new(&d->conns, fd->connect_fd, d->over_socket);
		if (!*context)
			shutdown(fd->connect_fd, SHUT_RDWR);
	} else if (*context) {
		http_conn_free((struct http_conn *)*context);
		*context = NULL;
	}
}

/* Takes fd, also on error. */
static enum err open_door(struct http *h, struct door *d, int fd, const struct http_options *o)
{
	d->over_socket = d == &h->doors[1];
	d->mhd = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
		exchange_on_request, d, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_CONNECTION,
		on_connection, d, MHD_OPTION_NOTIFY_COMPLETED, exchange_on_completed, d,
		MHD_OPTION_URI_LOG_CALLBACK, exchange_on_uri, d, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)HTTP_MEMORY_BYTES, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)(d->over_socket ? HTTP_SOCKET_CONNECTIONS_MAX : HTTP_TCP_CONNECTIONS_MAX),
		MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)HTTP_TCP_CONNECTIONS_PER_IP_MAX,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_IDLE_S, MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_END);
	if (!d->mhd) {
		close(fd);
		return ERR_IO;
	}
	d->http = h;
	const union MHD_DaemonInfo *epoll = MHD_get_daemon_info(d->mhd, MHD_DAEMON_INFO_EPOLL_FD);
	uv_timer_init(h->loop, &d->timer);
	uv_poll_init(h->loop, &d->poll, epoll->epoll_fd);
	d->timer.data = d->poll.data = d;
	http_conns_init(&d->conns, h->loop, o->header_ms ? o->header_ms : HTTP_HEADER_MS,
		o->body_ms ? o->body_ms : HTTP_BODY_MS);
	uv_poll_start(&d->poll, UV_READABLE, on_poll);
	door_kick(d);
	return OK;
}

/* ---- life ---- */

static void on_session_end(void *ctx, struct session *s)
{
	struct http *h = (struct http *)ctx;
	struct exchange *next;
	for (struct exchange *x = h->live; x; x = next) {
		next = x->next;
		if (x->session_number == s->number)
			stream_session_ended(x);
	}
}

static void abandoned(void *ctx)
{
	http_free((struct http *)ctx);
}

static enum err open_doors(struct http *h, const struct http_options *o, char why[256])
{
	const struct config *c = node_config(h->node);
	uint16_t port = 0;
	int fd = -1;
	enum err e = OK;
	if (strcmp(c->http, "off") != 0) {
		e = http_listen_tcp(c->http, &fd, &port, h->address, why);
		if (e == OK && (e = http_hosts_init(&h->hosts, port, c->hosts)) != OK) {
			snprintf(why, 256, "page.hosts in quire.conf: at most %d names of hosts",
				(HTTP_HOSTS_MAX - 3) / 2);
			close(fd);
		}
		if (e == OK && (e = open_door(h, &h->doors[0], fd, o)) != OK)
			snprintf(why, 256, "the page's server could not be started");
	}
	if (e == OK)
		e = http_listen_socket(c->home, &fd, h->socket_path, why);
	if (e == OK && (e = open_door(h, &h->doors[1], fd, o)) != OK)
		snprintf(why, 256, "the server on quire.sock could not be started");
	return e;
}

enum err http_open(struct node *n, const struct http_options *o, char why[256], struct http **out)
{
	struct http *h = (struct http *)calloc(1, sizeof *h);
	snprintf(why, 256, "out of memory");
	if (!h)
		return ERR_MEMORY;
	h->node = n;
	h->loop = node_loop(n);
	h->routes = o->routes;
	h->routes_n = o->routes_n;
	h->upload_max = node_config(n)->upload_max;
	snprintf(h->address, sizeof h->address, "off");
	h->sessions = sessions_new(h->loop);
	h->keys = reply_keys_new();
	if (!h->sessions) {
		reply_keys_free(h->keys);
		free(h);
		return ERR_MEMORY;
	}
	session_on_end(h->sessions, on_session_end, h);
	enum err e = h->keys ? open_doors(h, o, why) : ERR_MEMORY;
	/* Last, because a node forgets no listener; nothing comes in before the loop runs. */
	if (e == OK && !(h->events = events_new(n)))
		e = ERR_MEMORY;
	if (e == OK && !(h->clerk = clerk_new(n, h->sessions)))
		e = ERR_MEMORY;
	if (e == OK) {
		office_open(n, h->sessions);
		*out = h;
	} else {
		http_stop(h, abandoned, h);
	}
	return e;
}

const char *http_address(const struct http *h)
{
	return h->address;
}

struct sessions *http_sessions(struct http *h)
{
	return h->sessions;
}

static void stop_door(struct http *h, struct door *d)
{
	if (!d->http)
		return;
	/* libmicrohttpd stops only when nobody is suspended. */
	for (struct exchange *x = h->live; x; x = x->next)
		if (x->door == d)
			exchange_resume(x);
	MHD_stop_daemon(d->mhd);
	d->mhd = NULL;
}

static void one_closed(struct http *h)
{
	if (--h->handles_open)
		return;
	for (size_t i = 0; i < 2; i++)
		stop_door(h, &h->doors[i]);
	if (h->doors[1].http)
		unlink(h->socket_path);
	h->stopped(h->stopped_ctx);
}

static void door_handle_closed(uv_handle_t *handle)
{
	one_closed(((struct door *)handle->data)->http);
}

static void conns_handle_closed(uv_handle_t *handle)
{
	struct http_conns *cs = (struct http_conns *)handle->data;
	one_closed(((struct door *)((char *)cs - offsetof(struct door, conns)))->http);
}

static void module_closed(void *ctx)
{
	one_closed((struct http *)ctx);
}

void http_stop(struct http *h, void (*stopped)(void *ctx), void *ctx)
{
	if (h->stopping)
		abort();
	h->stopping = true;
	h->stopped = stopped;
	h->stopped_ctx = ctx;
	h->handles_open = 1u + (h->events ? 1 : 0) + (h->clerk ? 1 : 0);
	for (size_t i = 0; i < 2; i++)
		if (h->doors[i].http)
			h->handles_open += 3;
	if (h->events)
		events_close(h->events, module_closed, h);
	if (h->clerk)
		clerk_close(h->clerk, module_closed, h);
	sessions_close(h->sessions, module_closed, h);
	for (size_t i = 0; i < 2; i++) {
		struct door *d = &h->doors[i];
		if (!d->http)
			continue;
		d->closing = true;
		uv_close((uv_handle_t *)&d->poll, door_handle_closed);
		uv_close((uv_handle_t *)&d->timer, door_handle_closed);
		http_conns_close(&d->conns, conns_handle_closed);
	}
}

void http_free(struct http *h)
{
	if (!h)
		return;
	events_free(h->events);
	clerk_free(h->clerk);
	reply_keys_free(h->keys);
	sessions_free(h->sessions);
	free(h);
}
