/* api_stream.c -- downloads: the content is asked for piece by piece as the client takes it; see api.h. */
#include "api.h"
#include "exchange.h"

#include <stdio.h>
#include <strings.h>

#define STREAM_BLOCK_BYTES 131072

/* ---- the pieces ---- */

static ssize_t give(struct exchange *x, char *to, size_t max)
{
	size_t n = x->out.n - x->out_at;
	if (n > max)
		n = max;
	memcpy(to, x->out.p + x->out_at, n);
	x->out_at += n;
	return (ssize_t)n;
}

static ssize_t on_pull(void *cls, uint64_t position, char *to, size_t max)
{
	struct exchange *x = (struct exchange *)cls;
	if (x->stream_cut)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (x->out_at == x->out.n && !x->stream_over && !x->asked) {
		uint64_t at = x->stream_first + position;
		if (max > x->stream_end - at)
			max = (size_t)(x->stream_end - at);
		x->asked = true;
		x->stream.pull(x->stream.ctx, &x->rq, at, max);
	}
	if (x->stream_cut)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (x->out_at < x->out.n)
		return give(x, to, max);
	if (x->stream_over)
		return MHD_CONTENT_READER_END_OF_STREAM;
	exchange_suspend(x);
	return 0;
}

static void close_stream(struct exchange *x)
{
	x->streaming = false;
	x->with_handler = false;
	x->stream.close(x->stream.ctx);
	exchange_release(x);
}

void stream_gone(struct exchange *x)
{
	if (x->streaming && !x->asked)
		close_stream(x);
}

void stream_session_ended(struct exchange *x)
{
	if (!x->streaming || !x->connection)
		return;
	x->stream_cut = true;
	http_conn_cut(x->conn);
	exchange_resume(x);
}

static bool answered(struct exchange *x)
{
	if (!x->streaming || !x->asked)
		abort();
	x->asked = false;
	if (x->connection)
		return true;
	close_stream(x);
	return false;
}

void api_stream_put(struct api_request *rq, const void *p, size_t n)
{
	struct exchange *x = exchange_of(rq);
	if (!answered(x))
		return;
	x->out.n = x->out_at = 0;
	if (!n || buf_put(&x->out, p, n) != OK)
		x->stream_cut = true;
	exchange_resume(x);
}

void api_stream_end(struct api_request *rq, enum err e)
{
	struct exchange *x = exchange_of(rq);
	if (!answered(x))
		return;
	x->stream_over = true;
	if (e != OK || x->stream_end != UINT64_MAX)
		x->stream_cut = true;
	exchange_resume(x);
}

/* ---- which bytes ---- */

enum range { RANGE_WHOLE, RANGE_PART, RANGE_NONE };

static bool digits(const char **at, uint64_t *out)
{
	size_t n = strspn(*at, "0123456789");
	if (n > 18)
		return false;
	*out = 0;
	for (size_t i = 0; i < n; i++)
		*out = *out * 10 + (uint64_t)((*at)[i] - '0');
	*at += n;
	return true;
}

/* RFC 9110 section 14: one range of bytes; whatever else is asked gets the whole. */
static enum range parse_range(const char *text, uint64_t size, uint64_t *first, uint64_t *end)
{
	uint64_t a = 0, b = 0;
	if (!text || strncasecmp(text, "bytes=", 6) != 0)
		return RANGE_WHOLE;
	const char *at = text + 6, *from = at;
	if (!digits(&at, &a) || *at != '-')
		return RANGE_WHOLE;
	bool has_first = at > from;
	const char *to = ++at;
	if (!digits(&at, &b) || *at)
		return RANGE_WHOLE;
	bool has_last = at > to;
	if ((!has_first && !has_last) || (has_first && has_last && b < a))
		return RANGE_WHOLE;
	if (!has_first) {
		a = b < size ? size - b : 0;
		if (!b)
			return RANGE_NONE;
		b = UINT64_MAX - 1;
	}
	if (a >= size)
		return RANGE_NONE;
	*first = a;
	*end = (has_first && !has_last) || b >= size ? size : b + 1;
	return RANGE_PART;
}

static bool etag_is(const char *header, const char *etag)
{
	size_t n = strlen(etag);
	for (const char *at = header; (at = strstr(at, etag)); at++)
		if (at > header && at[-1] == '"' && at[n] == '"')
			return true;
	return false;
}

static unsigned choose(struct exchange *x, const struct api_stream *s)
{
	const char *match = api_header_in(&x->rq, "If-None-Match"),
		   *unless = api_header_in(&x->rq, "If-Range");
	x->stream_first = 0;
	x->stream_end = s->size;
	if (s->etag && match && etag_is(match, s->etag))
		return 304;
	if (s->size == API_SIZE_UNKNOWN || (unless && (!s->etag || !etag_is(unless, s->etag))))
		return 200;
	switch (parse_range(api_header_in(&x->rq, "Range"), s->size, &x->stream_first, &x->stream_end)) {
	case RANGE_WHOLE: return 200;
	case RANGE_PART: return 206;
	case RANGE_NONE: return 416;
	}
	return 200;
}

/* RFC 6266: an ASCII form for old clients, and the name itself, percent-encoded. */
static void add_disposition(struct MHD_Response *r, const char *filename)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
	char ascii[128], encoded[256 * 3 + 1], line[1024];
	size_t a = 0, n = 0;
	for (const char *p = filename; *p && n + 3 < sizeof encoded; p++) {
		bool as_is = strchr(plain, *p) != NULL;
		if (a + 1 < sizeof ascii)
			ascii[a++] = as_is || *p == ' ' ? *p : '_';
		if (as_is)
			encoded[n++] = *p;
		else
			n += (size_t)snprintf(encoded + n, 4, "%%%02X", (unsigned)(uint8_t)*p);
	}
	ascii[a] = encoded[n] = 0;
	snprintf(line, sizeof line, "attachment; filename=\"%s\"; filename*=UTF-8''%s", ascii, encoded);
	MHD_add_response_header(r, "Content-Disposition", line);
}

static void add_content_headers(
	struct exchange *x, struct MHD_Response *r, const struct api_stream *s, unsigned status)
{
	char text[128];
	MHD_add_response_header(r, "Content-Type", s->content_type);
	if (s->filename)
		add_disposition(r, s->filename);
	else
		MHD_add_response_header(r, "Content-Disposition", "inline");
	if (s->etag) {
		snprintf(text, sizeof text, "\"%s\"", s->etag);
		MHD_add_response_header(r, "ETag", text);
	}
	if (s->size != API_SIZE_UNKNOWN)
		MHD_add_response_header(r, "Accept-Ranges", "bytes");
	if (status == 206) {
		snprintf(text, sizeof text, "bytes %llu-%llu/%llu", (unsigned long long)x->stream_first,
			(unsigned long long)(x->stream_end - 1), (unsigned long long)s->size);
		MHD_add_response_header(r, "Content-Range", text);
	}
	exchange_add_headers(x, r, "sandbox; default-src 'none'; frame-ancestors 'self'");
}

static struct MHD_Response *make_response(struct exchange *x, const struct api_stream *s, unsigned status)
{
	struct MHD_Response *r;
	if (x->no_memory)
		return NULL;
	if (status == 304)
		r = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	else
		r = MHD_create_response_from_callback(
			s->size == API_SIZE_UNKNOWN ? MHD_SIZE_UNKNOWN : x->stream_end - x->stream_first,
			STREAM_BLOCK_BYTES, on_pull, x, NULL);
	if (r)
		add_content_headers(x, r, s, status);
	return r;
}

void api_stream(struct api_request *rq, const struct api_stream *s)
{
	struct exchange *x = exchange_of(rq);
	unsigned status = choose(x, s);
	if (status == 416) {
		char text[64];
		snprintf(text, sizeof text, "bytes */%llu", (unsigned long long)s->size);
		api_header(rq, "Content-Range", text);
		x->holds++; /* the answer lets go of the request, and close comes after it */
		exchange_refuse(x, 416, ERR_RANGE, "The file is shorter than that.");
		s->close(s->ctx);
		exchange_release(x);
		return;
	}
	x->stream = *s;
	x->stream.filename = x->stream.etag = NULL;
	x->streaming = true;
	exchange_answer(x, status, make_response(x, s, status));
	if (!x->connection)
		close_stream(x);
}
