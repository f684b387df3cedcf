/* attempt.c -- see attempt.h. */
#include "attempt.h"

#include "address.h"

#include <netdb.h>
#include <sodium.h>
#include <stdio.h>

#define RESULTS_MAX 4 /* addresses of one name that are tried */

struct attempt {
	struct conn_set *set;
	struct conn_dial dial;
	uv_getaddrinfo_t lookup;
	size_t results_n, next;
	struct sockaddr_storage results[RESULTS_MAX];
	conn_id conn;
	bool stopped, moved;
	attempt_ended ended;
	void *ctx;
};

static void end(struct attempt *a, enum err e, const char *why)
{
	if (a->ended)
		a->ended(a->ctx, e, why);
	sodium_memzero(a->dial.secret, sizeof a->dial.secret);
	free(a);
}

static void on_ended(void *ctx, conn_id id, enum err e, const char *why);

/* Dials the next of what the name stands for. */
static void dial_next(struct attempt *a)
{
	enum err e = ERR_UNREACHABLE;
	while (a->next < a->results_n && !a->stopped) {
		a->dial.address = (const struct sockaddr *)&a->results[a->next++];
		e = conn_dial(a->set, &a->dial, &a->conn);
		if (e == OK)
			return;
	}
	end(a, a->stopped ? ERR_CLOSED : e, err_text(a->stopped ? ERR_CLOSED : e));
}

static void on_ended(void *ctx, conn_id id, enum err e, const char *why)
{
	struct attempt *a = (struct attempt *)ctx;
	(void)id;
	a->conn = 0;
	bool nobody_there = e == ERR_UNREACHABLE || e == ERR_TIMEOUT;
	if (nobody_there && a->next < a->results_n && !a->stopped)
		dial_next(a);
	else
		end(a, e, why);
}

static void on_lookup(uv_getaddrinfo_t *req, int status, struct addrinfo *found)
{
	struct attempt *a = (struct attempt *)req->data;
	for (struct addrinfo *i = found; i && a->results_n < RESULTS_MAX; i = i->ai_next) {
		if (i->ai_addrlen <= sizeof a->results[0])
			memcpy(&a->results[a->results_n++], i->ai_addr, i->ai_addrlen);
	}
	uv_freeaddrinfo(found);
	if (status == 0 || a->stopped) {
		dial_next(a);
		return;
	}
	char why[CONN_WHY_BYTES];
	snprintf(why, sizeof why, "the%s name cannot be looked up: %s", a->dial.proxy ? " proxy's" : "",
		uv_strerror(status));
	end(a, ERR_UNREACHABLE, why);
}

static void on_moved(void *ctx, conn_id id)
{
	struct attempt *a = (struct attempt *)ctx;
	a->conn = id;
	a->moved = true;
}

enum err attempt_start(uv_loop_t *loop, struct conn_set *set, const struct attempt_target *t,
	attempt_ended ended, void *ctx, struct attempt **out)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct address address;
	if (address_parse(t->address, false, &address) != OK)
		return ERR_INPUT;
	struct attempt *a = (struct attempt *)calloc(1, sizeof *a);
	if (!a)
		return ERR_MEMORY;
	/* Names are the proxy's to look up: who goes through one may know none. */
	const struct proxy_at *proxy = t->direct ? NULL : conn_set_proxy(set, address.host);
	const struct address *at = proxy ? &proxy->address : &address;
	a->set = set;
	a->dial = (struct conn_dial){.proxy = proxy,
		.target = address,
		.remote = t->remote,
		.network = t->network,
		.redeem = t->redeem,
		.relay = t->relay,
		.relay_node = t->relay_node,
		.moved = on_moved,
		.ended = on_ended,
		.ctx = a};
	memcpy(a->dial.secret, t->secret, sizeof a->dial.secret);
	a->ended = ended;
	a->ctx = ctx;
	a->lookup.data = a;
	if (uv_getaddrinfo(loop, &a->lookup, on_lookup, at->host, at->port, &hints) != 0) {
		sodium_memzero(a->dial.secret, sizeof a->dial.secret);
		free(a);
		return ERR_MEMORY;
	}
	*out = a;
	return OK;
}

conn_id attempt_conn(const struct attempt *a)
{
	return a->conn;
}

bool attempt_relayed(const struct attempt *a)
{
	return a->moved;
}

void attempt_release(struct attempt *a)
{
	a->ended = NULL;
}

void attempt_stop(struct attempt *a)
{
	struct conn *c = conn_find(a->set, a->conn);
	a->stopped = true;
	if (c)
		conn_bye(c, ERR_CLOSED, "no longer wanted");
	else if (a->conn == 0)
		uv_cancel((uv_req_t *)&a->lookup);
}
