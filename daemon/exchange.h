/* exchange.h -- one request and its answer, between libmicrohttpd and the handlers of api.h.
 *
 * Two hold it: the connection, until libmicrohttpd says that the request is over, and the handler, from its call to its answer (a
 * stream: to `close`). Whoever lets go last frees it. While the handler is at work and nothing is to be read or written, the connection is
 * suspended. Only exchange*.c, api*.c and http.c look inside. */
#ifndef QUIRE_EXCHANGE_H
#define QUIRE_EXCHANGE_H

#include "api.h"
#include "http.h"
#include "http_conn.h"
#include "http_gate.h"
#include "http_uri.h"

struct events;
struct reply_keys;
struct reply_key;
struct exchange;

/* One way in. */
struct door {
	struct http *http; /* NULL: not open */
	struct MHD_Daemon *mhd;
	uv_poll_t poll;
	uv_timer_t timer;
	struct http_conns conns;
	bool over_socket, closing, running;
};

struct http {
	struct node *node;
	uv_loop_t *loop;
	const struct api_route *routes;
	size_t routes_n;
	uint64_t upload_max;
	struct http_hosts hosts;
	struct door doors[2]; /* TCP, socket */
	struct sessions *sessions;
	struct events *events;
	struct clerk *clerk;
	struct reply_keys *keys;
	struct exchange *live;
	char address[80], socket_path[112];
	void (*stopped)(void *ctx);
	void *stopped_ctx;
	unsigned handles_open;
	bool stopping;
};

/* Runs the door's daemon again in the next turn of the loop. */
void door_kick(struct door *d);

struct exchange {
	struct api_request rq; /* first: what handlers see */
	struct http *http;
	struct door *door;
	struct http_conn *conn;
	struct MHD_Connection *connection; /* NULL: gone */
	struct exchange *next, *prev; /* http->live */
	unsigned holds;
	bool begun, with_handler, suspended, answered, no_memory;
	uint64_t session_number; /* 0: none; stays when the session was let go */

	char *raw; /* path and query as they came */
	const char *raw_at; /* where they stood in libmicrohttpd's buffer */
	struct http_uri uri;
	struct http_params params;
	struct http_framing framing;
	struct buf in; /* JSON text, or one piece of an upload */
	uint64_t taken, drained, drain_max;
	struct reply_key *key;

	unsigned status;
	struct MHD_Response *response; /* ours until queued */
	size_t headers_n;
	struct {
		char *name, *value;
	} headers[API_REPLY_HEADERS_MAX];

	struct api_sink sink;
	bool sink_set, sink_ended, chunk_out;

	struct api_stream stream;
	bool streaming, asked, stream_over, stream_cut;
	uint64_t stream_first, stream_end; /* offsets within the whole; end UINT64_MAX: unknown */
	struct buf out;
	size_t out_at;
};

static inline struct exchange *exchange_of(const struct api_request *rq)
{
	return (struct exchange *)(uintptr_t)rq;
}

/* libmicrohttpd's callbacks; cls is the door. */
void *exchange_on_uri(void *cls, const char *uri, struct MHD_Connection *connection);
enum MHD_Result exchange_on_request(void *cls, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *data, size_t *data_n, void **req_cls);
void exchange_on_completed(
	void *cls, struct MHD_Connection *connection, void **req_cls, enum MHD_RequestTerminationCode code);

void exchange_suspend(struct exchange *x);
void exchange_resume(struct exchange *x);
void exchange_release(struct exchange *x);
/* Takes response (NULL: out of memory) and sends it when the connection is ready for it. Lets the handler go, unless it streams. */
void exchange_answer(struct exchange *x, unsigned status, struct MHD_Response *response);
/* Every answer gets the handler's headers and, where it gave none, the usual ones. */
void exchange_add_headers(struct exchange *x, struct MHD_Response *response, const char *policy);
/* An answer before any handler: http_status as given. */
void exchange_refuse(struct exchange *x, unsigned http_status, enum err e, const char *detail);

/* Finds route and caller; answers and returns false if the request may not go on. exchange_route.c */
MUST_CHECK bool exchange_admit(struct exchange *x, const char *method);

/* exchange_upload.c */
enum MHD_Result upload_take(struct exchange *x, const char *data, size_t *n);
void upload_finish(struct exchange *x);
void upload_gone(struct exchange *x);
/* api_stream.c */
void stream_gone(struct exchange *x);
void stream_session_ended(struct exchange *x);

#endif
