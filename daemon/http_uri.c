#include "http_uri.h"

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

size_t http_utf8_at(const uint8_t *s, uint32_t *out)
{
	static const struct {
		uint8_t mask, lead;
		uint32_t least;
	} forms[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
	for (size_t n = 0; n < 4; n++) {
		if ((s[0] & forms[n].mask) != forms[n].lead)
			continue;
		uint32_t c = s[0] & (uint8_t)~forms[n].mask;
		for (size_t i = 1; i <= n; i++) {
			if ((s[i] & 0xc0) != 0x80)
				return 0;
			c = c << 6 | (s[i] & 0x3f);
		}
		*out = c;
		return c < forms[n].least || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : n + 1;
	}
	return 0;
}

bool http_utf8(const char *s)
{
	const uint8_t *p = (const uint8_t *)s;
	while (*p) {
		uint32_t c;
		size_t n = http_utf8_at(p, &c);
		if (!n)
			return false;
		p += n;
	}
	return true;
}

/* Decodes in place; what comes out is never longer. */
static bool decode(char *s, bool plus_is_space)
{
	char *to = s;
	for (const char *from = s; *from; from++) {
		uint8_t c = (uint8_t)*from;
		if (c == '%') {
			int high = hex(from[1]), low = high < 0 ? -1 : hex(from[2]);
			if (low < 0)
				return false;
			c = (uint8_t)(high << 4 | low);
			from += 2;
		} else if (c == '+' && plus_is_space)
			c = ' ';
		/* A query may hold a line break that a person typed; a path may not. */
		if (c == 0 || c == 0x7f ||
			(c < 0x20 && !(plus_is_space && (c == '\n' || c == '\r' || c == '\t'))))
			return false;
		*to++ = (char)c;
	}
	*to = 0;
	return http_utf8(s);
}

static enum err parse_path(char *at, struct http_uri *u, const char **why)
{
	while (*at == '/') {
		*at++ = 0;
		if (u->segments_n == HTTP_URI_SEGMENTS_MAX) {
			*why = "the path has too many parts";
			return ERR_LIMIT;
		}
		u->segments[u->segments_n++] = at;
		char *end = at + strcspn(at, "/");
		if (end == at && *end) {
			*why = "the path has an empty part";
			return ERR_INPUT;
		}
		at = end;
	}
	return OK;
}

static enum err decode_path(struct http_uri *u, const char **why)
{
	for (size_t i = 0; i < u->segments_n; i++) {
		/* The segments stand in u->text, which is ours to change. */
		char *s = u->text + (u->segments[i] - u->text);
		if (!decode(s, false)) {
			*why = "the path has control characters or is not valid UTF-8";
			return ERR_INPUT;
		}
		if (strcmp(s, ".") == 0 || strcmp(s, "..") == 0) {
			*why = "the path has a part that is . or ..";
			return ERR_INPUT;
		}
	}
	return OK;
}

static enum err parse_query(char *at, struct http_uri *u, const char **why)
{
	while (at && *at) {
		char *next = strchr(at, '&');
		if (next)
			*next++ = 0;
		if (u->arguments_n == HTTP_URI_ARGUMENTS_MAX) {
			*why = "the query has too many values";
			return ERR_LIMIT;
		}
		char *value = strchr(at, '=');
		if (value)
			*value++ = 0;
		else
			value = at + strlen(at);
		if (!decode(at, true) || !decode(value, true)) {
			*why = "the query has control characters or is not valid UTF-8";
			return ERR_INPUT;
		}
		u->arguments[u->arguments_n].name = at;
		u->arguments[u->arguments_n++].value = value;
		at = next;
	}
	return OK;
}

enum err http_uri_parse(const char *raw, struct http_uri *out, const char **why)
{
	struct http_uri u = {0};
	enum err e = ERR_INPUT;
	*why = "the address has characters that are not allowed";
	for (const char *p = raw; *p; p++)
		if ((uint8_t)*p <= 0x20 || *p == 0x7f || *p == '\\' || *p == '#')
			return e;
	if (*raw != '/')
		return e;
	if (!(u.text = strdup(raw))) {
		*why = "out of memory";
		return ERR_MEMORY;
	}
	char *query = strchr(u.text, '?');
	if (query)
		*query++ = 0;
	e = parse_path(u.text, &u, why);
	if (e == OK)
		e = decode_path(&u, why);
	if (e == OK)
		e = parse_query(query, &u, why);
	if (e != OK)
		http_uri_free(&u);
	else
		*out = u;
	return e;
}

void http_uri_free(struct http_uri *u)
{
	free(u->text);
	*u = (struct http_uri){0};
}

bool http_uri_match(const struct http_uri *u, const char *route, struct http_params *out)
{
	struct http_params p = {0};
	size_t i = 0;
	while (*route == '/') {
		route++;
		size_t n = strcspn(route, "/");
		if (i == u->segments_n)
			return false;
		const char *segment = u->segments[i++];
		if (n > 2 && route[0] == '{') {
			if (!*segment || p.n == HTTP_URI_PARAMS_MAX)
				return false;
			p.at[p.n].name = route + 1;
			p.at[p.n].name_n = n - 2;
			p.at[p.n++].value = segment;
		} else if (strlen(segment) != n || memcmp(segment, route, n) != 0)
			return false;
		route += n;
	}
	if (i != u->segments_n)
		return false;
	*out = p;
	return true;
}

const char *http_uri_argument(const struct http_uri *u, const char *name)
{
	for (size_t i = 0; i < u->arguments_n; i++)
		if (strcmp(u->arguments[i].name, name) == 0)
			return u->arguments[i].value;
	return NULL;
}
