/* exchange_route.c -- which route a request means, who sent it, and whether it may. */
#include "exchange.h"

#include "node.h"

#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

static const char *header(const struct exchange *x, const char *name)
{
	return MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, name);
}

static void refuse_method(struct exchange *x, const char *allowed)
{
	api_header(&x->rq, "Allow", allowed);
	exchange_refuse(x, 405, ERR_INPUT, "This address does not take that method.");
}

static bool find_route(struct exchange *x, const char *method)
{
	const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
	char allowed[96] = "";
	size_t n = 0;
	for (size_t i = 0; i < x->http->routes_n; i++) {
		const struct api_route *r = &x->http->routes[i];
		struct http_params params;
		if (!http_uri_match(&x->uri, r->path, &params))
			continue;
		if (strcmp(r->method, wanted) == 0) {
			x->params = params;
			x->rq.route = r;
			if (r->body == API_UPLOAD)
				x->drain_max = HTTP_DRAIN_BYTES_MAX;
			return true;
		}
		int more = snprintf(allowed + n, sizeof allowed - n, "%s%s", n ? ", " : "", r->method);
		if (more > 0 && (size_t)more < sizeof allowed - n)
			n += (size_t)more;
	}
	if (n)
		refuse_method(x, allowed);
	else
		exchange_refuse(x, 404, ERR_NOT_FOUND, "There is nothing at this address.");
	return false;
}

static bool hex_bytes(const char *hex, uint8_t out[32])
{
	size_t n = 0;
	const char *end = NULL;
	return strlen(hex) == 64 && sodium_hex2bin(out, 32, hex, 64, NULL, &n, &end) == 0 && n == 32;
}

/* Over the socket the kernel says who it is, and Quire-As which of the user's sessions is meant; over TCP the token says both. */
static enum err find_caller(struct exchange *x)
{
	struct session_caller *c = &x->rq.caller;
	struct id32 as;
	const char *token = header(x, "Quire-Token"), *as_text = header(x, "Quire-As");
	c->over_socket = x->door->over_socket;
	c->uid = x->conn->uid;
	c->has_token = !c->over_socket && token && hex_bytes(token, c->token);
	if (as_text && !api_id_parse(as_text, &as))
		return ERR_INPUT;
	struct session *s = NULL;
	enum err e = session_find(x->http->sessions, c, as_text ? &as : NULL, &s);
	if (e == OK) {
		session_hold(s);
		x->rq.session = s;
		x->session_number = s->number;
	}
	x->rq.operator_ = c->over_socket ? c->uid == geteuid() || c->uid == 0 : s && s->operator_;
	return e;
}

static bool has_identity(const struct exchange *x)
{
	return x->rq.session && !id32_is_zero(&x->rq.session->identity);
}

static bool refuse_session(struct exchange *x, enum err e)
{
	if (e == ERR_INPUT)
		api_problem(
			&x->rq, ERR_INPUT, "Quire-As is not the id of an identity: 64 hexadecimal digits.");
	else if (e == ERR_AMBIGUOUS)
		api_problem(&x->rq, e,
			"Several identities are unlocked. Say which one is meant, with Quire-As (quire --as).");
	else if (x->door->over_socket)
		api_problem(&x->rq, ERR_LOCKED, "This identity is locked. Unlock it: quire identity unlock.");
	else
		api_problem(&x->rq, ERR_LOCKED,
			"You are not signed in, or your session has ended. Sign in again.");
	return false;
}

static bool check_who(struct exchange *x)
{
	enum err e = find_caller(x);
	switch (x->rq.route->who) {
	case API_OPEN: return true;
	case API_OPERATOR:
		if (x->rq.operator_)
			return true;
		if (!x->rq.session)
			return refuse_session(x, ERR_LOCKED);
		api_problem(&x->rq, ERR_REFUSED, "Only the operator of this node may do this.");
		return false;
	case API_SESSION: return has_identity(x) || refuse_session(x, e);
	case API_EITHER: return x->rq.operator_ || has_identity(x) || refuse_session(x, e);
	}
	abort();
}

static bool check_body(struct exchange *x)
{
	const struct http_framing *f = &x->framing;
	if (!f->body)
		return true;
	switch (x->rq.route->body) {
	case API_NONE: exchange_refuse(x, 400, ERR_INPUT, "This request takes no body."); return false;
	case API_JSON:
		if (!http_gate_json(header(x, "Content-Type"))) {
			exchange_refuse(x, 415, ERR_INPUT, "This request must be application/json.");
			return false;
		}
		if (f->length <= HTTP_JSON_BYTES_MAX)
			return true;
		exchange_refuse(x, 413, ERR_LIMIT, "The request is over 1 MiB. Send less at a time.");
		return false;
	case API_UPLOAD:
		if (!f->chunked)
			x->rq.upload_size = f->length;
		if (f->length <= x->http->upload_max)
			return true;
		exchange_refuse(x, 413, ERR_LIMIT,
			"The file is larger than this node takes (page.upload_max in quire.conf).");
		return false;
	}
	abort();
}

bool exchange_admit(struct exchange *x, const char *method)
{
	const char *why;
	if (strlen(x->raw) > HTTP_URI_BYTES_MAX) {
		exchange_refuse(x, 414, ERR_LIMIT, "The address is too long.");
		return false;
	}
	enum err e = http_uri_parse(x->raw, &x->uri, &why);
	if (e != OK) {
		exchange_refuse(x, e == ERR_MEMORY ? 503 : 400, e, why);
		return false;
	}
	if (!find_route(x, method) || !check_who(x) || !check_body(x))
		return false;
	if (!x->framing.body && x->rq.route->body == API_UPLOAD)
		x->rq.upload_size = 0;
	return true;
}
