/* api.h -- what a handler of the HTTP API sees: a request, and the ways to answer it. One table of routes: api.def, from which the router,
 * 404, 405 and the OpenAPI text come. What a request must be before a handler sees it stands in http_gate.h.
 *
 * A handler is called once, on the loop thread. It answers at once or later, exactly once, with one of api_reply, api_problem, api_bytes
 * or api_stream; the request is its until then (for api_stream: until `close`) and must not be touched after. That the client went away
 * changes nothing for it: its answer is dropped.
 *
 *     void route_entry_show(struct api_request *rq)
 *     {
 *             struct id32 log;
 *             if (!api_param_id(rq, "log", &log))
 *                     return;                                    // it has answered
 *             …node_store(rq->node, req, shown, rq);             // and in shown(): api_reply(rq, 200, json_pack(…)) or api_problem(rq, e, "…")
 *     } */
#ifndef QUIRE_API_H
#define QUIRE_API_H

#include "bytes.h"
#include "session.h"

#include <jansson.h>

#define API_SIZE_UNKNOWN UINT64_MAX
#define API_REPLY_HEADERS_MAX 16

struct node;

enum api_who {
	API_OPEN, /* anybody who passes the gate */
	API_OPERATOR, /* the socket's owner, or the operator's page */
	API_SESSION, /* a session of an identity */
	API_EITHER, /* one of the two */
};

enum api_body {
	API_NONE, /* a body is refused */
	API_JSON, /* an object; no body is an empty object */
	API_UPLOAD, /* handed over piece by piece: api_upload() */
};

struct api_request {
	struct node *node;
	struct sessions *sessions;
	const struct api_route *route;
	json_t *body; /* JSON routes: an object, never NULL; the request's, lives as long as it */
	struct session_caller caller; /* over the socket: uid; over TCP: its token */
	bool operator_; /* the caller may do what the operator may */
	struct session *
		session; /* NULL: none. Held until the answer: its keyring stays valid, also on a pool thread. session->open: not ended since */
	uint64_t upload_size; /* UPLOAD: as announced, or API_SIZE_UNKNOWN; never over page.upload_max */
	bool secret_reply; /* set it before answering if the answer holds a secret: it is not kept for Idempotency-Key */
	void *ctx; /* the handler's own */
};

struct api_route {
	const char *method, *path, *name;
	void (*handler)(struct api_request *rq);
	enum api_who who;
	enum api_body body;
	const char *summary;
};

#define API(method, path, name, who, body, summary) void route_##name(struct api_request *rq);
#include "api.def"
#undef API

/* ---- what was asked ---- */

/* A {param} of the path, decoded, valid UTF-8 without control characters. Aborts if the route has none of that name. */
const char *api_param(const struct api_request *rq, const char *name);
/* A value of the query (?name=value), or NULL. The first if there are several. */
const char *api_query(const struct api_request *rq, const char *name);
/* A header of the request, or NULL. */
const char *api_header_in(const struct api_request *rq, const char *name);
/* 64 hexadecimal digits. */
MUST_CHECK bool api_id_parse(const char *hex, struct id32 *out);
/* The same of a {param}; false: it is not an id, and the request has been answered with 400. */
MUST_CHECK bool api_param_id(struct api_request *rq, const char *name, struct id32 *out);
/* A query value as a number; absent: *out stays. false: not a number up to max, answered. */
MUST_CHECK bool api_query_uint(struct api_request *rq, const char *name, uint64_t max, uint64_t *out);

/* ---- answers ---- */

/* Takes `taken`, an object; "v": 1 is added. NULL: out of memory, answered as that. */
void api_reply(struct api_request *rq, unsigned http_status, json_t *taken);
/* application/problem+json. detail: what happened and what to do, for people; borrowed. The HTTP status follows from e (api_status). */
void api_problem(struct api_request *rq, enum err e, const char *detail);
/* Any bytes, copied: pages, texts, pictures. */
void api_bytes(
	struct api_request *rq, unsigned http_status, const char *content_type, const void *p, size_t n);
/* Before the answer: one more header, or another value for one of the usual ones (Content-Security-Policy, Cache-Control …). */
void api_header(struct api_request *rq, const char *name, const char *value);
/* The handler needs the session no longer: it may be wiped as soon as it ends. */
void api_session_drop(struct api_request *rq);
unsigned api_status(enum err e);

/* ---- downloads ---- */

struct api_stream {
	uint64_t size; /* or API_SIZE_UNKNOWN: then no Range, and api_stream_end() ends it */
	const char *content_type;
	const char *
		filename; /* NULL: shown inline; else offered to save under this name. Borrowed for the call */
	const char
		*etag; /* without quotes, for If-None-Match and If-Range; NULL: none. Borrowed for the call */
	/* Asks for up to max bytes at offset (of the whole content, whatever the Range). Answer from within or later with api_stream_put() or
	 * api_stream_end(). One question at a time. */
	void (*pull)(void *ctx, struct api_request *rq, uint64_t offset, size_t max);
	/* Once, at the end, whatever happened, never while a question is open. Then the request is gone. */
	void (*close)(void *ctx);
	void *ctx;
};

/* Answers with content: 200, 206, 304 or 416; for HEAD only the headers. Sends nosniff and a Content-Security-Policy with sandbox.
 * A stream whose session ends is cut. */
void api_stream(struct api_request *rq, const struct api_stream *s);
/* 1 to max bytes, copied. The stream may be closed before this returns. */
void api_stream_put(struct api_request *rq, const void *p, size_t n);
/* OK: that was all (only if the size is unknown). Otherwise the connection is cut, so that nobody takes the part for the whole. */
void api_stream_end(struct api_request *rq, enum err e);

/* ---- uploads ---- */

struct api_sink {
	/* 1 to HTTP_CHUNK_BYTES_MAX bytes, borrowed until api_upload_next(), which asks for more, from within or later. Nothing is read from the client before. */
	void (*chunk)(void *ctx, struct api_request *rq, struct slice bytes);
	/* OK: all is there, answer now. ERR_CLOSED: the client went away or was too slow, ERR_LIMIT: it is over
	 * page.upload_max: undo, then answer. Once; not after an answer was given. */
	void (*end)(void *ctx, struct api_request *rq, enum err e);
	void *ctx;
};

/* From the handler of an UPLOAD route, at once or later. The handler is called as soon as the headers are there. */
void api_upload(struct api_request *rq, const struct api_sink *s);
/* `end` may come before this returns. Not after an answer was given. */
void api_upload_next(struct api_request *rq);

/* A JSON string of what came from a peer: without control and bidi characters, broken UTF-8 replaced. NULL: out of memory. */
json_t *api_clean(const char *text);

#endif
