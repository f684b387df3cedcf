#include "exchange.h"

#include "api_keys.h"
#include "node.h"

#include <stdio.h>

void exchange_suspend(struct exchange *x)
{
	x->suspended = true;
	MHD_suspend_connection(x->connection);
}

void exchange_resume(struct exchange *x)
{
	if (!x->suspended)
		return;
	x->suspended = false;
	MHD_resume_connection(x->connection);
	door_kick(x->door);
}

static void exchange_free(struct exchange *x)
{
	if (x->prev)
		x->prev->next = x->next;
	else
		x->http->live = x->next;
	if (x->next)
		x->next->prev = x->prev;
	if (x->key)
		reply_key_drop(x->key);
	if (x->response)
		MHD_destroy_response(x->response);
	if (x->rq.session)
		session_release(x->rq.session);
	for (size_t i = 0; i < x->headers_n; i++) {
		free(x->headers[i].name);
		free(x->headers[i].value);
	}
	json_decref(x->rq.body);
	http_uri_free(&x->uri);
	buf_free(&x->in);
	buf_free(&x->out);
	free(x->raw);
	free(x);
}

void exchange_release(struct exchange *x)
{
	if (--x->holds == 0)
		exchange_free(x);
}

void *exchange_on_uri(void *cls, const char *uri, struct MHD_Connection *connection)
{
	struct door *d = (struct door *)cls;
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct exchange *x = (struct exchange *)calloc(1, sizeof *x);
	if (!x || !info || !info->socket_context) {
		free(x);
		return NULL;
	}
	x->raw = strdup(uri);
	x->raw_at = uri;
	x->http = d->http;
	x->door = d;
	x->conn = (struct http_conn *)info->socket_context;
	x->connection = connection;
	x->holds = 1;
	x->rq.node = d->http->node;
	x->rq.sessions = d->http->sessions;
	x->rq.upload_size = API_SIZE_UNKNOWN;
	x->drain_max = HTTP_JSON_BYTES_MAX;
	x->next = d->http->live;
	if (x->next)
		x->next->prev = x;
	d->http->live = x;
	return x;
}

static enum MHD_Result queue(struct exchange *x)
{
	if (!x->response)
		return MHD_NO; /* out of memory: the connection is all there is to close */
	enum MHD_Result r = MHD_queue_response(x->connection, x->status, x->response);
	MHD_destroy_response(x->response);
	x->response = NULL;
	return r;
}

static void dispatch(struct exchange *x)
{
	x->with_handler = true;
	x->holds++;
	x->rq.route->handler(&x->rq);
}

/* libmicrohttpd ends the path at a NUL; the version, in the same buffer, stands right after the whole of it. */
static bool cut_short(const struct exchange *x, const char *version)
{
	uintptr_t raw = (uintptr_t)x->raw_at, v = (uintptr_t)version;
	return v > raw && v - raw < HTTP_HEADER_BYTES_MAX && v - raw != strlen(x->raw) + 1;
}

static enum MHD_Result begin(struct exchange *x, const char *method, const char *version)
{
	unsigned status;
	x->begun = true;
	http_conn_expect(x->conn, HTTP_EXPECT_NOTHING);
	const char *why = http_gate(x->connection, method, version,
		x->door->over_socket ? NULL : &x->http->hosts, &x->framing, &status);
	if (!why && cut_short(x, version)) {
		status = 400;
		why = "the address has characters that are not allowed";
	}
	if (why) {
		/* Where this request ends is in doubt: nothing after it is read. */
		api_header(&x->rq, "Connection", "close");
		exchange_refuse(x, status, status == 403 ? ERR_REFUSED : ERR_INPUT, why);
		return queue(x);
	}
	bool admitted = exchange_admit(x, method);
	/* A body is read first where that can be done, so that the client is there to hear the answer. An answer now ends the connection. */
	if (x->framing.body)
		http_conn_expect(x->conn, HTTP_EXPECT_BODY);
	if (admitted && x->rq.route->body == API_UPLOAD)
		dispatch(x);
	if (x->answered && (x->framing.length > x->drain_max || api_header_in(&x->rq, "Expect")))
		return queue(x);
	return MHD_YES;
}

static enum MHD_Result drain(struct exchange *x, size_t *n)
{
	x->drained += *n;
	*n = 0;
	return x->drained > x->drain_max ? MHD_NO : MHD_YES;
}

static enum MHD_Result take_json(struct exchange *x, const char *data, size_t *n)
{
	if (*n > HTTP_JSON_BYTES_MAX - x->in.n)
		exchange_refuse(x, 413, ERR_LIMIT, "The request is over 1 MiB. Send less at a time.");
	else if (buf_put(&x->in, data, *n) != OK)
		return MHD_NO;
	*n = 0;
	return MHD_YES;
}

static bool parse_json(struct exchange *x)
{
	json_error_t at = {0};
	json_t *body = x->in.n ? json_loadb((const char *)x->in.p, x->in.n, JSON_REJECT_DUPLICATES, &at)
			       : json_object();
	if (json_is_object(body)) {
		x->rq.body = body;
		return true;
	}
	char detail[256];
	if (body)
		snprintf(detail, sizeof detail, "The request is JSON, but not an object.");
	else
		snprintf(detail, sizeof detail, "The request is not JSON: line %d, column %d: %s.", at.line,
			at.column, at.text);
	json_decref(body);
	api_problem(&x->rq, ERR_INPUT, detail);
	return false;
}

static void start_handler(struct exchange *x)
{
	if (x->rq.route->body == API_JSON && !parse_json(x))
		return;
	if (reply_key_begin(x))
		dispatch(x);
}

static enum MHD_Result finish(struct exchange *x)
{
	http_conn_expect(x->conn, HTTP_EXPECT_NOTHING);
	if (!x->answered && !x->with_handler)
		start_handler(x);
	if (!x->answered && x->rq.route->body == API_UPLOAD)
		upload_finish(x);
	if (x->answered)
		return queue(x);
	exchange_suspend(x);
	return MHD_YES;
}

enum MHD_Result exchange_on_request(void *cls, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *data, size_t *data_n, void **req_cls)
{
	(void)cls;
	(void)connection;
	(void)url;
	struct exchange *x = (struct exchange *)*req_cls;
	if (!x || !x->raw)
		return MHD_NO;
	if (!x->begun)
		return begin(x, method, version);
	if (!*data_n)
		return finish(x);
	if (!x->answered && x->rq.route->body == API_UPLOAD)
		return upload_take(x, data, data_n);
	http_conn_progress(x->conn, *data_n);
	return x->answered ? drain(x, data_n) : take_json(x, data, data_n);
}

void exchange_on_completed(
	void *cls, struct MHD_Connection *connection, void **req_cls, enum MHD_RequestTerminationCode code)
{
	(void)cls;
	(void)connection;
	(void)code;
	struct exchange *x = (struct exchange *)*req_cls;
	if (!x)
		return;
	*req_cls = NULL;
	http_conn_expect(x->conn, HTTP_EXPECT_HEADERS);
	x->connection = NULL;
	x->conn = NULL;
	x->suspended = false;
	upload_gone(x);
	stream_gone(x);
	exchange_release(x);
}

void exchange_answer(struct exchange *x, unsigned status, struct MHD_Response *response)
{
	if (x->answered)
		abort();
	x->answered = true;
	x->status = status;
	x->response = response;
	if (x->suspended) {
		/* There may be more of a body to read and drop; if not, that shows at once. */
		http_conn_expect(x->conn, HTTP_EXPECT_BODY);
		exchange_resume(x);
	}
	if (!x->with_handler || x->streaming)
		return;
	x->with_handler = false;
	exchange_release(x);
}
