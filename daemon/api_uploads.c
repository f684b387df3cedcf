/* api_uploads.c -- a file comes in, piece by piece, and waits for the entry that attaches it. */
#include "act.h"
#include "compose.h"
#include "upload_blob.h"
#include "uploads.h"

#include <sodium.h>
#include <stdio.h>

struct sending {
	struct api_request *rq;
	struct id32 owner;
	struct upload_blob *blob;
	struct slice piece;
	enum err err;
	char name[256], type[101];
};

static void finish(struct sending *s, enum err e)
{
	struct api_request *rq = s->rq;
	upload_blob_free(s->blob);
	free(s);
	if (e == ERR_LIMIT)
		api_problem(rq, e,
			"The file is larger than this node takes, or too many files wait for their entry.");
	else if (e == ERR_CLOSED)
		api_problem(rq, e, "The file did not arrive whole. Send it again.");
	else
		api_problem(rq, e, err_text(e));
}

static void feed(void *ctx)
{
	struct sending *s = (struct sending *)ctx;
	s->err = upload_blob_feed(s->blob, s->piece);
}

static void fed(void *ctx)
{
	struct sending *s = (struct sending *)ctx;
	if (s->err != OK)
		finish(s, s->err);
	else
		api_upload_next(s->rq);
}

static void on_chunk(void *ctx, struct api_request *rq, struct slice bytes)
{
	struct sending *s = (struct sending *)ctx;
	s->piece = bytes;
	node_work(rq->node, feed, fed, s);
}

/* ---- the end */

static void on_stored(void *ctx, struct store_res *res)
{
	struct sending *s = (struct sending *)ctx;
	struct upload_result r = upload_blob_result(s->blob);
	char id[UPLOAD_ID_BYTES];
	if (res->err != OK) {
		finish(s, res->err);
		return;
	}
	struct record_blob blob = {.root = r.root,
		.size = r.size,
		.name = slice_str(s->name),
		.type = slice_str(s->type[0] ? s->type : uploads_type(r.first))};
	memcpy(blob.key, r.key, sizeof blob.key);
	enum err e = uploads_put(s->rq->node, &s->owner, &blob, id);
	if (e != OK) {
		sodium_memzero(blob.key, sizeof blob.key);
		finish(s, e);
		return;
	}
	json_t *reply = json_pack("{s:s, s:o, s:o, s:o, s:o}", "upload", id, "root", compose_id_json(&r.root),
		"size", compose_number_json(r.size), "type", compose_text_json(blob.type), "name",
		compose_text_json(blob.name));
	struct api_request *rq = s->rq;
	sodium_memzero(blob.key, sizeof blob.key);
	upload_blob_free(s->blob);
	free(s);
	api_reply(rq, 201, reply);
}

static void finish_blob(void *ctx)
{
	struct sending *s = (struct sending *)ctx;
	s->err = upload_blob_finish(s->blob);
}

static void finished(void *ctx)
{
	struct sending *s = (struct sending *)ctx;
	struct store_req *req = s->err == OK ? (struct store_req *)calloc(1, sizeof *req) : NULL;
	if (!req) {
		finish(s, s->err == OK ? ERR_MEMORY : s->err);
		return;
	}
	struct upload_result r = upload_blob_result(s->blob);
	req->op = STORE_BLOB_PUT;
	req->a.root = r.root;
	req->a.identity = s->owner;
	req->a.number = r.size;
	req->a.bytes = r.pages; /* borrowed: the blob lives until the answer */
	req->a.bytes2 = r.leaves;
	req->a.value = r.content;
	req->a.flag = true;
	node_store(s->rq->node, req, on_stored, s);
}

static void on_end(void *ctx, struct api_request *rq, enum err e)
{
	struct sending *s = (struct sending *)ctx;
	if (e != OK)
		finish(s, e);
	else
		node_work(rq->node, finish_blob, finished, s);
}

/* ---- the beginning */

/* A file's name without folders. */
static bool take_name(struct sending *s, const char *name)
{
	const char *slash = name ? strrchr(name, '/') : NULL;
	json_t *clean = api_clean(slash ? slash + 1 : name ? name : "file");
	const char *text = clean ? json_string_value(clean) : "";
	bool good = *text && strlen(text) < sizeof s->name;
	if (good)
		memcpy(s->name, text, strlen(text) + 1);
	json_decref(clean);
	return good;
}

static bool take_type(struct sending *s, const char *type)
{
	if (!type || !*type)
		return true;
	if (strlen(type) >= sizeof s->type || !strchr(type, '/') ||
		strspn(type, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/.+-_") !=
			strlen(type))
		return false;
	memcpy(s->type, type, strlen(type) + 1);
	return true;
}

void route_upload(struct api_request *rq)
{
	struct sending *s = (struct sending *)calloc(1, sizeof *s);
	if (s) {
		s->rq = rq;
		s->owner = rq->session->identity;
		s->blob = upload_blob_new(node_config(rq->node)->home, &s->owner);
	}
	if (!s || !s->blob) {
		free(s);
		api_problem(rq, ERR_MEMORY, "The node is out of memory. Try again in a moment.");
		return;
	}
	if (!take_name(s, api_query(rq, "name")) || !take_type(s, api_query(rq, "type"))) {
		upload_blob_free(s->blob);
		free(s);
		api_problem(rq, ERR_INPUT,
			"\"name\" is a file's name of up to 255 bytes, \"type\" a media type such as image/png.");
		return;
	}
	const struct api_sink sink = {.chunk = on_chunk, .end = on_end, .ctx = s};
	api_upload(rq, &sink);
}
