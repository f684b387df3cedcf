/* exchange_upload.c -- an upload, piece by piece: a piece is read only when the one before it has been dealt with. */
#include "exchange.h"

static enum MHD_Result wait(struct exchange *x)
{
	http_conn_expect(x->conn, HTTP_EXPECT_NOTHING);
	exchange_suspend(x);
	return MHD_YES;
}

/* One piece; it may be answered from within. */
static enum err take_piece(struct exchange *x, const char *data, size_t n)
{
	http_conn_progress(x->conn, n);
	if (n > x->http->upload_max - x->taken) {
		x->sink_ended = true;
		x->sink.end(x->sink.ctx, &x->rq, ERR_LIMIT);
		return OK;
	}
	x->in.n = 0;
	enum err e = buf_put(&x->in, data, n);
	if (e != OK)
		return e;
	x->taken += n;
	x->chunk_out = true;
	x->sink.chunk(x->sink.ctx, &x->rq, buf_slice(&x->in));
	return OK;
}

/* What is left in *n when this returns waits with libmicrohttpd, and the connection with it. */
enum MHD_Result upload_take(struct exchange *x, const char *data, size_t *n)
{
	while (*n && x->sink_set && !x->chunk_out && !x->sink_ended && !x->answered) {
		size_t piece = *n < HTTP_CHUNK_BYTES_MAX ? *n : HTTP_CHUNK_BYTES_MAX;
		if (take_piece(x, data, piece) != OK)
			return MHD_NO;
		data += piece;
		*n -= piece;
	}
	if (x->answered || (!*n && !x->chunk_out && !x->sink_ended))
		return MHD_YES;
	return wait(x);
}

/* All was read. */
void upload_finish(struct exchange *x)
{
	if (!x->sink_set || x->chunk_out || x->sink_ended)
		return;
	x->sink_ended = true;
	x->sink.end(x->sink.ctx, &x->rq, OK);
}

/* The connection is gone. A piece that is still out comes back first. */
void upload_gone(struct exchange *x)
{
	if (!x->sink_set || x->chunk_out || x->sink_ended || x->answered)
		return;
	x->sink_ended = true;
	x->sink.end(x->sink.ctx, &x->rq, ERR_CLOSED);
}

void api_upload(struct api_request *rq, const struct api_sink *s)
{
	struct exchange *x = exchange_of(rq);
	if (x->sink_set || x->answered || rq->route->body != API_UPLOAD)
		abort();
	x->sink = *s;
	x->sink_set = true;
	if (!x->connection) {
		upload_gone(x);
		return;
	}
	if (x->suspended)
		http_conn_expect(x->conn, HTTP_EXPECT_BODY);
	exchange_resume(x);
}

void api_upload_next(struct api_request *rq)
{
	struct exchange *x = exchange_of(rq);
	if (!x->chunk_out || x->answered)
		abort();
	x->chunk_out = false;
	if (!x->connection) {
		upload_gone(x);
		return;
	}
	if (x->suspended)
		http_conn_expect(x->conn, HTTP_EXPECT_BODY);
	exchange_resume(x);
}
