/* conn_proxy.c -- a dialled connection whose way leads through a proxy: what is said there before the handshake begins. */
#include "conn_int.h"

#include <sodium.h>

struct said {
	uv_write_t write;
	struct conn *c;
	struct buf bytes;
};

static void said_free(struct said *s)
{
	if (s->bytes.p)
		sodium_memzero(s->bytes.p, s->bytes.cap); /* it may hold a password */
	buf_free(&s->bytes);
	free(s);
}

static void on_said(uv_write_t *req, int status)
{
	struct said *s = (struct said *)req->data;
	if (status != 0)
		conn_cut(s->c, ERR_UNREACHABLE, uv_strerror(status)); /* harmless while it closes */
	said_free(s);
}

/* Takes *bytes. */
static void say(struct conn *c, struct buf *bytes)
{
	struct said *s = (struct said *)malloc(sizeof *s);
	if (!s) {
		buf_free(bytes);
		conn_cut(c, ERR_MEMORY, NULL);
		return;
	}
	*s = (struct said){.c = c, .bytes = *bytes};
	s->write.data = s;
	*bytes = (struct buf){0};
	const uv_buf_t out = uv_buf_init((char *)s->bytes.p, (unsigned)s->bytes.n);
	int status = uv_write(&s->write, (uv_stream_t *)&c->tcp, &out, 1, on_said);
	if (status != 0) {
		said_free(s);
		conn_cut(c, ERR_UNREACHABLE, uv_strerror(status));
	}
}

void conn_proxy_begin(struct conn *c)
{
	struct buf out = {0};
	c->proxy = (struct proxy *)malloc(sizeof *c->proxy);
	if (!c->proxy || proxy_begin(c->proxy, c->dial.proxy, &c->dial.target, &out) != OK) {
		buf_free(&out);
		conn_cut(c, ERR_MEMORY, NULL);
		return;
	}
	say(c, &out);
	conn_read(c);
}

void conn_proxy_feed(struct conn *c, struct slice *in)
{
	struct buf out = {0};
	size_t taken = 0;
	enum err e = proxy_feed(c->proxy, *in, &taken, &out);
	*in = slice_of(in->p + taken, in->n - taken);
	if (out.n > 0)
		say(c, &out);
	buf_free(&out);
	if (c->state != CONN_PROXY || e == ERR_PENDING)
		return;
	if (e == OK)
		conn_begin(c);
	else
		conn_cut(c, e, c->proxy->state == PROXY_FAILED ? c->proxy->why : NULL);
	if (c->state == CONN_HANDSHAKE)
		conn_proxy_free(c);
}

void conn_proxy_free(struct conn *c)
{
	if (c->proxy)
		sodium_memzero(c->proxy, sizeof *c->proxy);
	free(c->proxy);
	c->proxy = NULL;
}
