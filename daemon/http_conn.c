#include "http_conn.h"

#include "http.h"

#include <sys/socket.h>

void http_conns_init(struct http_conns *cs, uv_loop_t *loop, uint64_t header_ms, uint64_t body_ms)
{
	*cs = (struct http_conns){.loop = loop, .header_ms = header_ms, .body_ms = body_ms};
	uv_timer_init(loop, &cs->timer);
	cs->timer.data = cs;
}

void http_conns_close(struct http_conns *cs, uv_close_cb closed)
{
	uv_close((uv_handle_t *)&cs->timer, closed);
}

static void on_deadline(uv_timer_t *timer);

static void arm(struct http_conns *cs)
{
	uint64_t first = UINT64_MAX, now = uv_now(cs->loop);
	if (uv_is_closing((uv_handle_t *)&cs->timer))
		return;
	for (struct http_conn *c = cs->first; c; c = c->next)
		if (c->deadline_ms < first)
			first = c->deadline_ms;
	if (first == UINT64_MAX)
		uv_timer_stop(&cs->timer);
	else
		uv_timer_start(&cs->timer, on_deadline, first > now ? first - now : 0, 0);
}

static void on_deadline(uv_timer_t *timer)
{
	struct http_conns *cs = (struct http_conns *)timer->data;
	uint64_t now = uv_now(cs->loop);
	for (struct http_conn *c = cs->first; c; c = c->next)
		if (c->deadline_ms <= now)
			http_conn_cut(c);
	arm(cs);
}

static void set_deadline(struct http_conn *c, uint64_t deadline_ms)
{
	struct http_conns *cs = c->home;
	c->deadline_ms = deadline_ms;
	c->progress = 0;
	/* A timer that rings early looks again; one that rings late would be wrong. */
	uint64_t now = uv_now(cs->loop);
	uint64_t due = uv_is_active((uv_handle_t *)&cs->timer) ? now + uv_timer_get_due_in(&cs->timer)
							       : UINT64_MAX;
	if (deadline_ms < due)
		arm(cs);
}

struct http_conn *http_conn_new(struct http_conns *cs, int fd, bool over_socket)
{
	struct http_conn *c = (struct http_conn *)calloc(1, sizeof *c);
	if (!c)
		return NULL;
	*c = (struct http_conn){
		.home = cs, .fd = fd, .uid = UINT32_MAX, .next = cs->first, .deadline_ms = UINT64_MAX};
	struct ucred peer;
	socklen_t n = sizeof peer;
	if (over_socket && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0)
		c->uid = peer.uid;
	if (cs->first)
		cs->first->prev = c;
	cs->first = c;
	cs->n++;
	http_conn_expect(c, HTTP_EXPECT_HEADERS);
	return c;
}

void http_conn_free(struct http_conn *c)
{
	struct http_conns *cs = c->home;
	if (c->prev)
		c->prev->next = c->next;
	else
		cs->first = c->next;
	if (c->next)
		c->next->prev = c->prev;
	cs->n--;
	free(c);
}

void http_conn_expect(struct http_conn *c, enum http_phase phase)
{
	uint64_t now = uv_now(c->home->loop);
	c->phase = phase;
	switch (phase) {
	case HTTP_EXPECT_NOTHING: c->deadline_ms = UINT64_MAX; break;
	case HTTP_EXPECT_HEADERS: set_deadline(c, now + c->home->header_ms); break;
	case HTTP_EXPECT_BODY: set_deadline(c, now + c->home->body_ms); break;
	}
}

void http_conn_progress(struct http_conn *c, size_t n)
{
	c->progress += n;
	if (c->phase == HTTP_EXPECT_BODY && c->progress >= HTTP_BODY_PROGRESS_BYTES)
		set_deadline(c, uv_now(c->home->loop) + c->home->body_ms);
}

void http_conn_cut(struct http_conn *c)
{
	c->deadline_ms = UINT64_MAX;
	if (!c->cut)
		shutdown(c->fd, SHUT_RDWR);
	c->cut = true;
}
