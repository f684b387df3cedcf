/* net.c -- see net.h. */
#include "net.h"

#include "address.h"
#include "log.h"

#include <stdio.h>

#define BACKLOG 4096 /* what does not fit comes again after a second and more; the system may allow less */
#define AGAIN_MS 1000 /* after there was no memory for a connection */
#define TURN_CONNECTIONS CONN_GOING_MAX /* taken in one turn of the loop: a flood must not keep it here */

struct net {
	struct conn_set *set;
	uv_tcp_t tcp;
	uv_timer_t again;
	int handles;
	bool dialable, ready, waiting;
	uint64_t turn_ms; /* of the present turn … */
	unsigned taken; /* … and what was taken in it */
	char address[ADDRESS_TEXT_BYTES];
	void (*closed)(void *ctx);
	void *closed_ctx;
};

static void take(struct net *n);

static void on_again(uv_timer_t *timer)
{
	take((struct net *)timer->data);
}

/* libuv asks nobody else in until the one that waits was taken. */
static void take(struct net *n)
{
	uint64_t now = uv_now(n->tcp.loop);
	if (now != n->turn_ms) {
		n->turn_ms = now;
		n->taken = 0;
	}
	if (++n->taken > TURN_CONNECTIONS) {
		uv_timer_start(&n->again, on_again, 1, 0);
		return;
	}
	if (conn_accept(n->set, (uv_stream_t *)&n->tcp) == OK)
		return;
	log_warning("net", log_text("event", "no memory for a connection"));
	uv_timer_start(&n->again, on_again, AGAIN_MS, 0);
}

static void on_connection(uv_stream_t *listener, int status)
{
	if (status != 0)
		log_warning("net", log_text("event", "accept failed"), log_text("why", uv_strerror(status)));
	else if (((struct net *)listener->data)->ready)
		take((struct net *)listener->data);
	else
		((struct net *)listener->data)->waiting = true;
}

void net_ready(struct net *n)
{
	n->ready = true;
	if (n->waiting)
		take(n);
	n->waiting = false;
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct net *n = (struct net *)handle->data;
	if (--n->handles > 0)
		return;
	void (*closed)(void *ctx) = n->closed;
	void *ctx = n->closed_ctx;
	free(n);
	if (closed)
		closed(ctx);
}

void net_close(struct net *n, void (*closed)(void *ctx), void *ctx)
{
	n->closed = closed;
	n->closed_ctx = ctx;
	uv_close((uv_handle_t *)&n->tcp, on_handle_closed);
	uv_close((uv_handle_t *)&n->again, on_handle_closed);
}

static enum err failed(const char *listen, int status, char why[NET_WHY_BYTES])
{
	const char *what_to_do = "";
	if (status == UV_EADDRINUSE)
		what_to_do = ": stop the other program, or choose another --listen (port 0 picks a free one)";
	else if (status == UV_EACCES || status == UV_EADDRNOTAVAIL)
		what_to_do = ": choose another --listen";
	snprintf(why, NET_WHY_BYTES, "cannot listen on %.80s: %s%s", listen, uv_strerror(status), what_to_do);
	return status == UV_EADDRINUSE ? ERR_BUSY : ERR_IO;
}

static enum err bind_and_listen(struct net *n, const char *listen, char why[NET_WHY_BYTES])
{
	struct address a;
	struct sockaddr_storage bound;
	int bytes = sizeof bound;
	if (address_parse(listen, true, &a) != OK || address_numeric(&a, &bound) != OK) {
		snprintf(why, NET_WHY_BYTES,
			"peers.listen is \"%.80s\": it must be a numeric ADDRESS:PORT, as 127.0.0.1:7411 or [::]:7411, or off",
			listen);
		return ERR_INPUT;
	}
	int status = uv_tcp_bind(&n->tcp, (const struct sockaddr *)&bound, 0);
	if (status == 0)
		status = uv_listen((uv_stream_t *)&n->tcp, BACKLOG, on_connection);
	if (status == 0)
		status = uv_tcp_getsockname(&n->tcp, (struct sockaddr *)&bound, &bytes);
	if (status != 0)
		return failed(listen, status, why);
	address_text((const struct sockaddr *)&bound, n->address);
	n->dialable = !address_is_any((const struct sockaddr *)&bound);
	return OK;
}

enum err net_open(
	uv_loop_t *loop, struct conn_set *set, const char *listen, char why[NET_WHY_BYTES], struct net **out)
{
	struct net *n = (struct net *)calloc(1, sizeof *n);
	if (!n || uv_tcp_init(loop, &n->tcp) != 0) {
		snprintf(why, NET_WHY_BYTES, "%s", err_text(ERR_MEMORY));
		free(n);
		return ERR_MEMORY;
	}
	uv_timer_init(loop, &n->again);
	n->set = set;
	n->tcp.data = n->again.data = n;
	n->handles = 2;
	snprintf(n->address, sizeof n->address, "off");
	enum err e = strcmp(listen, "off") == 0 ? OK : bind_and_listen(n, listen, why);
	if (e != OK)
		net_close(n, NULL, NULL);
	else
		*out = n;
	return e;
}

const char *net_address(const struct net *n)
{
	return n->address;
}

bool net_dialable(const struct net *n)
{
	return n->dialable;
}
