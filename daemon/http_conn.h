/* http_conn.h -- the connections of one door, each with an absolute deadline. libmicrohttpd's own timeout starts again with each byte, so
 * that one byte a second holds a connection for ever; these do not. */
#ifndef QUIRE_HTTP_CONN_H
#define QUIRE_HTTP_CONN_H

#include "bytes.h"

#include <uv.h>

/* What the client owes us. */
enum http_phase {
	HTTP_EXPECT_NOTHING, /* it waits for us */
	HTTP_EXPECT_HEADERS, /* all of them, within header_ms */
	HTTP_EXPECT_BODY, /* HTTP_BODY_PROGRESS_BYTES within each body_ms */
};

struct http_conns;

struct http_conn {
	struct http_conns *home;
	struct http_conn *next, *prev;
	int fd; /* libmicrohttpd's */
	uint32_t uid; /* of the peer, on the Unix socket; else UINT32_MAX */
	enum http_phase phase;
	uint64_t deadline_ms; /* UINT64_MAX: none */
	size_t progress; /* bytes since the deadline was set */
	bool cut;
};

struct http_conns {
	uv_loop_t *loop;
	uv_timer_t timer;
	uint64_t header_ms, body_ms;
	struct http_conn *first;
	size_t n;
};

void http_conns_init(struct http_conns *cs, uv_loop_t *loop, uint64_t header_ms, uint64_t body_ms);
void http_conns_close(struct http_conns *cs, uv_close_cb closed);

/* NULL: out of memory. */
struct http_conn *http_conn_new(struct http_conns *cs, int fd, bool over_socket);
void http_conn_free(struct http_conn *c);
void http_conn_expect(struct http_conn *c, enum http_phase phase);
/* n bytes of a body came. */
void http_conn_progress(struct http_conn *c, size_t n);
/* Ends it, as if the client had gone. */
void http_conn_cut(struct http_conn *c);

#endif
