/* act.c -- see act.h. */
#include "act.h"

#include "protocol/log/entry.h"
#include "task.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>

struct act_run {
	struct act act;
	enum err (*fn)(struct act *a);
	enum err err;
};

static void perform(struct desk *d, void *ctx)
{
	struct act_run *r = (struct act_run *)ctx;
	r->act.desk = d;
	r->err = r->fn(&r->act);
}

static void done(void *ctx)
{
	struct act_run *r = (struct act_run *)ctx;
	struct act *a = &r->act;
	if (r->err != OK) {
		json_decref(a->reply);
		api_problem(a->rq, r->err, a->why[0] ? a->why : err_text(r->err));
	} else if (a->then) {
		a->then(a->rq, a->then_ctx);
	} else {
		api_reply(a->rq, a->status, a->reply);
	}
	sodium_memzero(r, sizeof *r);
	free(r);
}

void act_begin(struct api_request *rq, enum err (*fn)(struct act *a))
{
	struct act_run *r = (struct act_run *)calloc(1, sizeof *r);
	if (r) {
		r->fn = fn;
		r->act = (struct act){
			.rq = rq, .keys = rq->session ? rq->session->keyring : NULL, .status = 200};
	}
	if (r && task_begin(rq->node, perform, done, r) == OK)
		return;
	free(r);
	api_problem(rq, ERR_MEMORY, "The node is out of memory. Try again in a moment.");
}

enum err act_say(struct act *a, enum err e, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(a->why, sizeof a->why, format, args);
	va_end(args);
	return e;
}

/* ---- what was asked */

const char *act_text(const struct act *a, const char *key)
{
	const json_t *v = json_object_get(a->rq->body, key);
	return json_is_string(v) && strlen(json_string_value(v)) == json_string_length(v)
		? json_string_value(v)
		: NULL;
}

enum err act_need(struct act *a, const char *key, const char **text)
{
	*text = act_text(a, key);
	return *text && **text ? OK : act_say(a, ERR_INPUT, "\"%s\" is missing, or not a text.", key);
}

enum err act_number(struct act *a, const char *key, uint64_t max, uint64_t *n)
{
	const json_t *v = json_object_get(a->rq->body, key);
	if (!v)
		return OK;
	if (!json_is_integer(v) || json_integer_value(v) < 0 || (uint64_t)json_integer_value(v) > max)
		return act_say(
			a, ERR_INPUT, "\"%s\" must be a number up to %llu.", key, (unsigned long long)max);
	*n = (uint64_t)json_integer_value(v);
	return OK;
}

void act_wipe(struct act *a, const char *key)
{
	json_t *v = json_object_get(a->rq->body, key);
	if (json_is_string(v))
		sodium_memzero((char *)(uintptr_t)json_string_value(v), json_string_length(v));
}

/* ---- ids that may be shortened */

bool act_begins(const struct id32 *id, const char *text)
{
	char hex[65];
	sodium_bin2hex(hex, sizeof hex, id->b, 32);
	return strncmp(hex, text, strlen(text)) == 0;
}

static enum err find_prefix(
	const struct id32 *ids, size_t n, size_t stride, const char *text, struct id32 *out)
{
	size_t found = 0;
	for (size_t i = 0; i < n; i++) {
		const struct id32 *id = (const struct id32 *)(const void *)((const char *)ids + i * stride);
		if (act_begins(id, text)) {
			*out = *id;
			found++;
		}
	}
	return found == 1 ? OK : found ? ERR_AMBIGUOUS : ERR_NOT_FOUND;
}

static bool is_prefix(const char *text)
{
	size_t n = strspn(text, "0123456789abcdef");
	return !text[n] && n >= 8 && n <= 64;
}

enum err act_identity(struct act *a, const char *text, struct id32 *id)
{
	struct store_req req = {.op = STORE_IDENTITY_LIST};
	struct store_res res;
	if (api_id_parse(text, id))
		return OK;
	if (!is_prefix(text))
		return act_say(a, ERR_INPUT,
			"\"%.64s\" is not an identity: give its id, or 8 or more of its first digits.", text);
	enum err e = desk_store(a->desk, &req, &res);
	if (e == OK)
		e = find_prefix(res.r.ids, res.r.n, sizeof *res.r.ids, text, id);
	store_res_free(&res);
	if (e == ERR_NOT_FOUND)
		return act_say(a, e, "No identity that begins with %.64s is known on this node.", text);
	return e == ERR_AMBIGUOUS
		? act_say(a, e, "Several identities begin with %.64s: give more digits.", text)
		: e;
}

enum err act_ref(struct desk *d, const char *text, struct id32 *log, uint64_t *seq)
{
	const char *colon = strchr(text, ':');
	char prefix[65];
	size_t n = colon ? (size_t)(colon - text) : 0;
	if (n < 8 || n > 64 || !colon[1] || strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
		strlen(colon + 1) > 10)
		return ERR_INPUT;
	memcpy(prefix, text, n);
	prefix[n] = 0;
	*seq = strtoull(colon + 1, NULL, 10);
	if (!is_prefix(prefix) || *seq > LIMIT_SEQ)
		return ERR_INPUT;
	if (api_id_parse(prefix, log))
		return OK;
	uint8_t bytes[32];
	size_t bytes_n = 0;
	if (sodium_hex2bin(bytes, sizeof bytes, prefix, n & ~(size_t)1, NULL, &bytes_n, NULL) != 0)
		return ERR_INPUT;
	struct store_req req = {.op = STORE_LOG_FIND, .a.bytes = slice_of(bytes, bytes_n)};
	struct store_res res;
	enum err e = desk_store(d, &req, &res);
	if (e == OK)
		e = res.r.n ? find_prefix(&res.r.logs[0].log, res.r.n, sizeof *res.r.logs, prefix, log)
			    : ERR_NOT_FOUND;
	store_res_free(&res);
	return e;
}

enum err act_entry(struct desk *d, const char *text, struct entry_ref *ref, struct id32 *owner, bool *keep)
{
	struct store_res res;
	enum err e = act_ref(d, text, &ref->log, &ref->seq);
	if (e != OK)
		return e;
	struct store_req get = {.op = STORE_LOG_GET, .a.log = ref->log};
	e = desk_store(d, &get, &res);
	if (e == OK && owner)
		*owner = res.r.logs[0].identity;
	store_res_free(&res);
	if (e != OK)
		return e;
	struct store_req run = {
		.op = STORE_RUN_GET, .a.log = ref->log, .a.first = ref->seq, .a.end = ref->seq + 1};
	e = desk_store(d, &run, &res);
	if (e == OK) {
		ref->id = entry_id(res.r.parts[0].header);
		if (keep)
			*keep = (res.r.parts[0].header[1] & ENTRY_FLAG_KEEP) != 0;
	}
	store_res_free(&res);
	return e;
}
