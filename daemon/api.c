#include "api.h"

#include "api_keys.h"
#include "exchange.h"

#include <sodium.h>
#include <stdio.h>
#include <strings.h>

/* ---- what was asked ---- */

const char *api_param(const struct api_request *rq, const char *name)
{
	const struct exchange *x = exchange_of(rq);
	for (size_t i = 0; i < x->params.n; i++)
		if (strlen(name) == x->params.at[i].name_n &&
			memcmp(name, x->params.at[i].name, x->params.at[i].name_n) == 0)
			return x->params.at[i].value;
	abort();
}

const char *api_query(const struct api_request *rq, const char *name)
{
	return http_uri_argument(&exchange_of(rq)->uri, name);
}

const char *api_header_in(const struct api_request *rq, const char *name)
{
	struct exchange *x = exchange_of(rq);
	return x->connection ? MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, name) : NULL;
}

bool api_id_parse(const char *hex, struct id32 *out)
{
	struct id32 id;
	size_t n = 0;
	if (strlen(hex) != 64 || sodium_hex2bin(id.b, 32, hex, 64, NULL, &n, NULL) != 0 || n != 32)
		return false;
	*out = id;
	return true;
}

bool api_param_id(struct api_request *rq, const char *name, struct id32 *out)
{
	if (api_id_parse(api_param(rq, name), out))
		return true;
	char detail[128];
	snprintf(detail, sizeof detail, "\"%.32s\" must be an id: 64 hexadecimal digits.", name);
	api_problem(rq, ERR_INPUT, detail);
	return false;
}

static bool parse_uint(
	struct api_request *rq, const char *name, const char *text, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;
	size_t n = strspn(text, "0123456789");
	bool good = n && n <= 20 && !text[n];
	for (size_t i = 0; good && i < n; i++) {
		uint64_t digit = (uint64_t)(text[i] - '0');
		good = v <= (max - (digit < max ? digit : max)) / 10 && v * 10 + digit <= max;
		v = v * 10 + digit;
	}
	if (good) {
		*out = v;
		return true;
	}
	char detail[128];
	snprintf(detail, sizeof detail, "\"%.32s\" must be a number up to %llu.", name,
		(unsigned long long)max);
	api_problem(rq, ERR_INPUT, detail);
	return false;
}

bool api_query_uint(struct api_request *rq, const char *name, uint64_t max, uint64_t *out)
{
	const char *text = api_query(rq, name);
	return !text || parse_uint(rq, name, text, max, out);
}

void api_session_drop(struct api_request *rq)
{
	if (rq->session)
		session_release(rq->session);
	rq->session = NULL;
}

/* ---- answers ---- */

unsigned api_status(enum err e)
{
	switch (e) {
	case ERR_OK: return 200;
	case ERR_LIMIT:
	case ERR_FORMAT:
	case ERR_RANGE:
	case ERR_VERSION:
	case ERR_INPUT: return 400;
	case ERR_SIGNATURE:
	case ERR_HASH:
	case ERR_CHAIN:
	case ERR_DECRYPT: return 422;
	case ERR_LOCKED:
	case ERR_PASSPHRASE: return 401;
	case ERR_REFUSED: return 403;
	case ERR_NOT_FOUND: return 404;
	case ERR_STATE:
	case ERR_FORK:
	case ERR_EXISTS:
	case ERR_USED:
	case ERR_BUSY:
	case ERR_PENDING:
	case ERR_AMBIGUOUS:
	case ERR_DUPLICATE:
	case ERR_ENOUGH: return 409;
	case ERR_EXPIRED:
	case ERR_ERASED: return 410;
	case ERR_FULL: return 507;
	case ERR_MEMORY:
	case ERR_CLOSED: return 503;
	case ERR_WIRE:
	case ERR_UNREACHABLE: return 502;
	case ERR_TIMEOUT: return 504;
	case ERR_IO:
	case ERR_CORRUPT:
	case ERR_NEWER: return 500;
	}
	return 500;
}

void api_header(struct api_request *rq, const char *name, const char *value)
{
	struct exchange *x = exchange_of(rq);
	if (x->answered || x->headers_n == API_REPLY_HEADERS_MAX)
		abort();
	char *n = strdup(name), *v = strdup(value);
	if (!n || !v) {
		free(n);
		free(v);
		x->no_memory = true;
		return;
	}
	x->headers[x->headers_n].name = n;
	x->headers[x->headers_n++].value = v;
}

static void add_unless_given(
	const struct exchange *x, struct MHD_Response *response, const char *name, const char *value)
{
	for (size_t i = 0; i < x->headers_n; i++)
		if (strcasecmp(x->headers[i].name, name) == 0)
			return;
	MHD_add_response_header(response, name, value);
}

void exchange_add_headers(struct exchange *x, struct MHD_Response *response, const char *policy)
{
	add_unless_given(x, response, "Content-Security-Policy", policy);
	add_unless_given(x, response, "X-Content-Type-Options", "nosniff");
	add_unless_given(x, response, "Referrer-Policy", "no-referrer");
	add_unless_given(x, response, "Cross-Origin-Resource-Policy", "same-origin");
	add_unless_given(x, response, "Cache-Control", "no-store");
	for (size_t i = 0; i < x->headers_n; i++)
		MHD_add_response_header(response, x->headers[i].name, x->headers[i].value);
}

/* Takes text. */
static void answer(struct exchange *x, unsigned status, const char *content_type, char *text, size_t n)
{
	struct MHD_Response *r = text ? MHD_create_response_from_buffer(n, text, MHD_RESPMEM_MUST_FREE)
				      : NULL;
	if (!r)
		free(text);
	else if (x->no_memory) { /* a header that protects is missing */
		MHD_destroy_response(r);
		r = NULL;
	} else {
		MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
		exchange_add_headers(x, r, "default-src 'none'; frame-ancestors 'none'");
	}
	exchange_answer(x, status, r);
}

static char *dump(json_t *taken, size_t *n)
{
	char *text = taken ? json_dumps(taken, JSON_COMPACT) : NULL;
	*n = text ? strlen(text) : 0;
	json_decref(taken);
	return text;
}

static void end_key(struct exchange *x, unsigned status, const char *text, size_t n)
{
	if (x->key)
		reply_key_end(x->key, status, text, n);
	x->key = NULL;
}

void exchange_refuse(struct exchange *x, unsigned http_status, enum err e, const char *detail)
{
	size_t n;
	json_t *problem = json_pack("{s:i, s:s, s:s, s:i, s:s, s:o*}", "v", 1, "type", "about:blank", "title",
		err_text(e), "status", (int)http_status, "code", err_name(e), "detail", api_clean(detail));
	char *text = dump(problem, &n);
	end_key(x, http_status, NULL, 0);
	answer(x, http_status, "application/problem+json", text, n);
}

void api_problem(struct api_request *rq, enum err e, const char *detail)
{
	exchange_refuse(exchange_of(rq), api_status(e), e, detail);
}

void api_reply(struct api_request *rq, unsigned http_status, json_t *taken)
{
	struct exchange *x = exchange_of(rq);
	size_t n;
	if (!taken || json_object_set_new(taken, "v", json_integer(1)) != 0) {
		json_decref(taken);
		api_problem(rq, ERR_MEMORY, "The node is out of memory. Try again in a moment.");
		return;
	}
	char *text = dump(taken, &n);
	bool keep = http_status >= 200 && http_status < 300 && !rq->secret_reply;
	end_key(x, http_status, keep ? text : NULL, n);
	answer(x, http_status, "application/json", text, n);
}

void api_bytes(
	struct api_request *rq, unsigned http_status, const char *content_type, const void *p, size_t n)
{
	struct exchange *x = exchange_of(rq);
	char *copy = (char *)malloc(n ? n : 1);
	if (copy && n)
		memcpy(copy, p, n);
	end_key(x, http_status, NULL, 0);
	answer(x, http_status, content_type, copy, n);
}
