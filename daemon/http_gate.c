#include "http_gate.h"

#include "http.h"

#include <stdio.h>
#include <strings.h>

static bool host_ok(const char *name)
{
	return *name &&
		strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]") ==
		strlen(name);
}

static enum err add_host(struct http_hosts *hosts, const char *name, size_t n, uint16_t port)
{
	char host[HTTP_HOST_BYTES];
	if (hosts->n == HTTP_HOSTS_MAX)
		return ERR_LIMIT;
	if (n > HTTP_HOST_BYTES - 8)
		return ERR_INPUT;
	memcpy(host, name, n);
	host[n] = 0;
	if (!host_ok(host))
		return ERR_INPUT;
	memcpy(hosts->names[hosts->n], host, n + 1);
	hosts->n++;
	const char *after = strrchr(host, ']');
	if (port && !strchr(after ? after : host, ':')) {
		if (hosts->n == HTTP_HOSTS_MAX)
			return ERR_LIMIT;
		snprintf(hosts->names[hosts->n++], HTTP_HOST_BYTES, "%.*s:%u", HTTP_HOST_BYTES - 8, host,
			port);
	}
	return OK;
}

enum err http_hosts_init(struct http_hosts *hosts, uint16_t port, const char *more)
{
	*hosts = (struct http_hosts){0};
	static const char *const own[] = {"127.0.0.1", "[::1]", "localhost"};
	for (size_t i = 0; i < 3; i++) /* a browser leaves port 80 out */
		snprintf(
			hosts->names[hosts->n++], HTTP_HOST_BYTES, port == 80 ? "%s" : "%s:%u", own[i], port);
	while (*more) {
		more += strspn(more, " \t,");
		size_t n = strcspn(more, " \t,");
		enum err e = n ? add_host(hosts, more, n, port) : OK;
		if (e != OK)
			return e;
		more += n;
	}
	return OK;
}

static bool host_known(const struct http_hosts *hosts, const char *name, size_t n)
{
	for (size_t i = 0; i < hosts->n; i++)
		if (strlen(hosts->names[i]) == n && strncasecmp(hosts->names[i], name, n) == 0)
			return true;
	return false;
}

/* Headers that steer us: each at most once. */
enum { HOST, LENGTH, CODING, ORIGIN, SITE, TYPE, TOKEN, AS, KEY, RANGE, LAST_ID, STEERING_COUNT };
static const char *const steering[STEERING_COUNT] = {"Host", "Content-Length", "Transfer-Encoding", "Origin",
	"Sec-Fetch-Site", "Content-Type", "Quire-Token", "Quire-As", "Idempotency-Key", "Range",
	"Last-Event-ID"};

struct seen {
	struct slice value[STEERING_COUNT];
	unsigned count[STEERING_COUNT];
	bool control;
};

static enum MHD_Result see(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_n,
	const char *value, size_t value_n)
{
	(void)kind;
	struct seen *seen = (struct seen *)cls;
	for (size_t i = 0; i < name_n; i++)
		if ((uint8_t)name[i] <= 0x20 || name[i] == 0x7f)
			seen->control = true;
	for (size_t i = 0; i < value_n; i++)
		if (((uint8_t)value[i] < 0x20 && value[i] != '\t') || value[i] == 0x7f)
			seen->control = true;
	for (size_t i = 0; i < STEERING_COUNT; i++)
		if (strlen(steering[i]) == name_n && strncasecmp(steering[i], name, name_n) == 0) {
			seen->count[i]++;
			seen->value[i] = slice_of(value, value_n);
		}
	return MHD_YES;
}

static bool is(struct slice value, const char *text)
{
	return value.n == strlen(text) && strncasecmp((const char *)value.p, text, value.n) == 0;
}

static const char *frame(const struct seen *seen, const char *version, struct http_framing *framing)
{
	*framing = (struct http_framing){0};
	if (seen->count[CODING]) {
		if (seen->count[LENGTH])
			return "both Transfer-Encoding and Content-Length";
		if (!is(seen->value[CODING], "chunked") || strcmp(version, "HTTP/1.1") != 0)
			return "a Transfer-Encoding other than chunked";
		framing->body = framing->chunked = true;
		return NULL;
	}
	struct slice n = seen->value[LENGTH];
	if (!seen->count[LENGTH])
		return NULL;
	if (!n.n || n.n > 18)
		return "a Content-Length that is not a number";
	for (size_t i = 0; i < n.n; i++) {
		if (n.p[i] < '0' || n.p[i] > '9')
			return "a Content-Length that is not a number";
		framing->length = framing->length * 10 + (uint64_t)(n.p[i] - '0');
	}
	framing->body = framing->length > 0;
	return NULL;
}

/* Browsers say where a request comes from; other clients do not. */
static const char *check_origin(const struct seen *seen, const struct http_hosts *hosts)
{
	if (seen->count[SITE] && !is(seen->value[SITE], "same-origin") && !is(seen->value[SITE], "none"))
		return "another site sent this request";
	if (!seen->count[ORIGIN])
		return NULL;
	struct slice o = seen->value[ORIGIN];
	size_t skip = o.n > 8 && memcmp(o.p, "https://", 8) == 0 ? 8
		: o.n > 7 && memcmp(o.p, "http://", 7) == 0      ? 7
								 : 0;
	if (!hosts || !skip || !host_known(hosts, (const char *)o.p + skip, o.n - skip))
		return "a page of another origin sent this request";
	return NULL;
}

const char *http_gate(struct MHD_Connection *connection, const char *method, const char *version,
	const struct http_hosts *hosts, struct http_framing *framing, unsigned *status)
{
	static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};
	struct seen seen = {0};
	*status = 400;
	MHD_get_connection_values_n(connection, MHD_HEADER_KIND, see, &seen);
	const union MHD_ConnectionInfo *size = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	if (size && size->header_size > HTTP_HEADER_BYTES_MAX) {
		*status = 431;
		return "the headers are too long";
	}
	if (seen.control)
		return "control characters in the headers";
	for (size_t i = 0; i < STEERING_COUNT; i++)
		if (seen.count[i] > 1)
			return "a header that may stand once stands twice";
	if (seen.count[HOST] != 1)
		return "no Host header";
	const char *wrong = frame(&seen, version, framing);
	if (wrong)
		return wrong;
	*status = 403;
	if (hosts && !host_known(hosts, (const char *)seen.value[HOST].p, seen.value[HOST].n))
		return "this node is not known under that name; names are set with page.hosts in quire.conf";
	if ((wrong = check_origin(&seen, hosts)))
		return wrong;
	*status = 501;
	for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
		if (strcmp(method, methods[i]) == 0)
			return NULL;
	return "a method that is not used here";
}

bool http_gate_json(const char *type)
{
	size_t n = strlen("application/json");
	if (!type || strncasecmp(type, "application/json", n) != 0)
		return false;
	type += n + strspn(type + n, " \t");
	if (*type != ';')
		return !*type;
	type++;
	type += strspn(type, " \t");
	return strcasecmp(type, "charset=utf-8") == 0;
}
