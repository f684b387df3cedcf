/* http_uri.h -- the path and query of a request, taken apart by hand from the raw bytes: libmicrohttpd decodes %2F and %00 before anyone
 * sees them. Segments are split first and decoded after, so that a decoded slash separates nothing. */
#ifndef QUIRE_HTTP_URI_H
#define QUIRE_HTTP_URI_H

#include "bytes.h"

#define HTTP_URI_SEGMENTS_MAX 16
#define HTTP_URI_ARGUMENTS_MAX 64
#define HTTP_URI_PARAMS_MAX 8

struct http_uri {
	char *text; /* owns what the pointers below show to */
	size_t segments_n, arguments_n;
	const char *segments[HTTP_URI_SEGMENTS_MAX];
	struct {
		const char *name, *value;
	} arguments[HTTP_URI_ARGUMENTS_MAX];
};

/* A {param} of a route and the segment that fills it. */
struct http_params {
	size_t n;
	struct {
		const char *name; /* in the route's path, not terminated */
		size_t name_n;
		const char *value;
	} at[HTTP_URI_PARAMS_MAX];
};

/* raw: from the slash up to the version, as it came. why: static, on error.
 * ERR_INPUT: control characters, also encoded; broken %; a segment that is . or ..; an empty segment but the last; broken UTF-8; a backslash or
 * fragment; ERR_LIMIT: too many segments or arguments; ERR_MEMORY. */
MUST_CHECK enum err http_uri_parse(const char *raw, struct http_uri *out, const char **why);
void http_uri_free(struct http_uri *u);

/* Does the path fit a route's ("/api/v1/entries/{log}/{seq}")? */
MUST_CHECK bool http_uri_match(const struct http_uri *u, const char *route, struct http_params *out);
/* The first value of that name, or NULL. */
const char *http_uri_argument(const struct http_uri *u, const char *name);

/* Valid UTF-8 (no surrogates, shortest form)? */
bool http_utf8(const char *s);
/* Length of the valid UTF-8 sequence at s, whose code point goes to *out; 0: there is none. Never reads past a NUL. */
size_t http_utf8_at(const uint8_t *s, uint32_t *out);

#endif
