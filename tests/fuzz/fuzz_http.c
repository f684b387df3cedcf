/* fuzz_http.c -- path, query and headers of a request, before anything looks at what it asks (daemon/http_uri, http_gate). The input is lines:
 * the path, the method, the version, then headers, which this target gives in the place of libmicrohttpd.
 * Input: at most 4096 bytes; the first says how. */
#include "tests/fuzz/fuzz.h"

#include "daemon/http_gate.h"
#include "daemon/http_uri.h"

#define HEADERS_MAX 32u

static struct {
	size_t n;
	struct slice name[HEADERS_MAX], value[HEADERS_MAX];
	bool missing_size;
	union MHD_ConnectionInfo size;
} request;

int MHD_get_connection_values_n(
	struct MHD_Connection *c, enum MHD_ValueKind kind, MHD_KeyValueIteratorN each, void *cls)
{
	(void)c;
	for (size_t i = 0; i < request.n; i++)
		if (each(cls, kind, (const char *)request.name[i].p, request.name[i].n,
			    (const char *)request.value[i].p, request.value[i].n) != MHD_YES)
			break;
	return (int)request.n;
}

const union MHD_ConnectionInfo *MHD_get_connection_info(
	struct MHD_Connection *c, enum MHD_ConnectionInfoType type, ...)
{
	(void)c, (void)type;
	return request.missing_size ? NULL : &request.size;
}

static struct slice line_of(struct slice *rest)
{
	const uint8_t *end = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;
	struct slice line = slice_of(rest->p, end ? (size_t)(end - rest->p) : rest->n);
	size_t skip = line.n + (end != NULL);
	if (skip)
		*rest = slice_of(rest->p + skip, rest->n - skip);
	return line;
}

/* Each byte as %XX. */
static char *encoded(const struct http_uri *u)
{
	struct buf out = {0};
	for (size_t i = 0; i < u->segments_n; i++) {
		fuzz_must(buf_put(&out, "/", 1) == OK, "there is memory");
		for (const char *s = u->segments[i]; *s; s++) {
			char hex[4];
			snprintf(hex, sizeof hex, "%%%02X", (unsigned)(uint8_t)*s);
			fuzz_must(buf_put(&out, hex, 3) == OK, "there is memory");
		}
	}
	fuzz_must(buf_put(&out, out.n ? "" : "/", out.n ? 1 : 2) == OK, "there is memory");
	return (char *)out.p;
}

static void uri(const char *raw)
{
	struct http_uri u, again;
	struct http_params params;
	const char *why = NULL;
	enum err e = http_uri_parse(raw, &u, &why);
	fuzz_must(e == OK || ((e == ERR_INPUT || e == ERR_LIMIT) && why != NULL), "it says why");
	if (e != OK)
		return;
	fuzz_must(raw[0] == '/' && u.segments_n <= HTTP_URI_SEGMENTS_MAX &&
			u.arguments_n <= HTTP_URI_ARGUMENTS_MAX,
		"bounds of a path");
	for (size_t i = 0; i < u.segments_n; i++) {
		const char *s = u.segments[i];
		fuzz_must(strcmp(s, ".") != 0 && strcmp(s, "..") != 0 && http_utf8(s), "a plain segment");
		fuzz_must(*s || i + 1 == u.segments_n, "only the last is empty");
		for (; *s; s++)
			fuzz_must((uint8_t)*s >= 0x20 && *s != 0x7f, "no control character");
	}
	for (size_t i = 0; i < u.arguments_n; i++)
		fuzz_must(
			http_uri_argument(&u, u.arguments[i].name) != NULL && http_utf8(u.arguments[i].value),
			"an argument is found");
	if (http_uri_match(&u, "/api/v1/entries/{log}/{seq}", &params))
		fuzz_must(params.n == 2 && params.at[0].value == u.segments[3], "parameters are segments");
	char *text = encoded(&u);
	fuzz_must(http_uri_parse(text, &again, &why) == OK && again.segments_n == u.segments_n, "read again");
	for (size_t i = 0; i < u.segments_n; i++)
		fuzz_must(strcmp(u.segments[i], again.segments[i]) == 0, "to the same");
	free(text);
	http_uri_free(&again);
	http_uri_free(&u);
}

static unsigned count(const char *name)
{
	unsigned n = 0;
	for (size_t i = 0; i < request.n; i++)
		if (request.name[i].n == strlen(name) &&
			strncasecmp((const char *)request.name[i].p, name, request.name[i].n) == 0)
			n++;
	return n;
}

static void gate(const char *method, const char *version, const struct http_hosts *hosts)
{
	struct http_framing framing;
	unsigned status = 0;
	const char *wrong = http_gate(NULL, method, version, hosts, &framing, &status);
	if (wrong) {
		fuzz_must(wrong[0] && status >= 400 && status < 600, "a refusal has words and a status");
		return;
	}
	fuzz_must(count("Host") == 1 && count("Content-Length") + count("Transfer-Encoding") <= 1,
		"one host, one length");
	fuzz_must(
		!framing.chunked || (framing.body && strcmp(version, "HTTP/1.1") == 0), "chunks in 1.1 only");
	fuzz_must(hosts || count("Origin") == 0, "no page reaches the socket");
	for (size_t i = 0; i < request.n; i++)
		fuzz_must(!memchr(request.name[i].p, 0, request.name[i].n), "no NUL in a name");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fuzz_in in = fuzz_open(data, n);
	uint8_t how = fuzz_u8(&in);
	struct slice rest = slice_of(in.p, in.n);
	char *path = fuzz_text(line_of(&rest)), *method = fuzz_text(line_of(&rest)),
	     *version = fuzz_text(line_of(&rest));
	struct http_hosts hosts;
	fuzz_must(http_hosts_init(&hosts, 7412, "quire.example other.example:80") == OK, "names of a node");
	uri(path);
	request.n = 0;
	request.missing_size = how & 4;
	request.size.header_size = how & 8 ? 1u << 20 : 100;
	while (rest.n > 0 && request.n < HEADERS_MAX) {
		struct slice line = line_of(&rest);
		const uint8_t *colon = line.n ? memchr(line.p, ':', line.n) : NULL;
		if (!colon)
			continue;
		size_t name = (size_t)(colon - line.p), skip = name + 1;
		skip += skip < line.n && line.p[skip] == ' ';
		request.name[request.n] = slice_of(line.p, name);
		request.value[request.n++] = slice_of(line.p + skip, line.n - skip);
	}
	gate(method, version, how & 1 ? &hosts : NULL);
	(void)http_gate_json(path);
	if (how & 2) {
		enum err e = http_hosts_init(&hosts, 80, path);
		fuzz_must(e == OK || e == ERR_LIMIT || e == ERR_INPUT, "the errors of its header");
		fuzz_must(e != OK || hosts.n <= HTTP_HOSTS_MAX, "names are bounded");
	}
	free(path);
	free(method);
	free(version);
	return 0;
}
