/* proxy_at.c -- what the settings say of a proxy, and who is reached without one; see proxy.h. */
#include "proxy.h"

#include <strings.h>

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Text with %XX to at most 255 bytes, none of them zero. */
static bool word_decode(const char *text, size_t n, char out[PROXY_WORD_BYTES])
{
	size_t to = 0;
	for (size_t i = 0; i < n; i++) {
		int c = (unsigned char)text[i];
		if (c == '%') {
			if (n - i < 3 || hex(text[i + 1]) < 0 || hex(text[i + 2]) < 0)
				return false;
			c = hex(text[i + 1]) * 16 + hex(text[i + 2]);
			i += 2;
		}
		if (c == 0 || to == PROXY_WORD_BYTES - 1)
			return false;
		out[to++] = (char)c;
	}
	out[to] = 0;
	return true;
}

/* "user:password"; HTTP's Basic cannot carry a user name with a colon. */
static bool words_parse(const char *text, size_t n, struct proxy_at *out)
{
	const char *colon = memchr(text, ':', n);
	if (!colon || !word_decode(text, (size_t)(colon - text), out->user) ||
		!word_decode(colon + 1, n - (size_t)(colon - text) - 1, out->password))
		return false;
	if (!out->user[0] || (out->kind == PROXY_SOCKS5 && !out->password[0]))
		return false;
	return out->kind != PROXY_HTTP || !strchr(out->user, ':');
}

enum err proxy_parse(const char *text, struct proxy_at *out)
{
	static const char socks[] = "socks5://", http[] = "http://";
	struct proxy_at at = {0};
	if (!*text) {
		*out = at;
		return OK;
	}
	if (strncasecmp(text, socks, sizeof socks - 1) == 0) {
		at.kind = PROXY_SOCKS5;
		text += sizeof socks - 1;
	} else if (strncasecmp(text, http, sizeof http - 1) == 0) {
		at.kind = PROXY_HTTP;
		text += sizeof http - 1;
	} else {
		return ERR_INPUT;
	}
	const char *sign = strrchr(text, '@');
	if (sign && !words_parse(text, (size_t)(sign - text), &at))
		return ERR_INPUT;
	char rest[ADDRESS_HOST_BYTES + 16];
	const char *from = sign ? sign + 1 : text;
	size_t n = strlen(from);
	if (n > 0 && from[n - 1] == '/')
		n--;
	if (n >= sizeof rest)
		return ERR_INPUT;
	memcpy(rest, from, n);
	rest[n] = 0;
	if (address_parse(rest, false, &at.address) != OK)
		return ERR_INPUT;
	*out = at;
	return OK;
}

static bool is_numeric(const char *host)
{
	struct address a = {0};
	struct sockaddr_storage s;
	memcpy(a.host, host, strnlen(host, sizeof a.host - 1));
	return address_numeric(&a, &s) == OK;
}

static bool word_stands_for(const char *word, size_t n, const char *host, bool numeric)
{
	size_t host_n = strlen(host);
	if (n == 1 && *word == '*')
		return true;
	if (numeric) {
		bool brackets = n > 2 && word[0] == '[' && word[n - 1] == ']';
		word += brackets;
		n -= brackets ? 2 : 0;
		return n == host_n && strncasecmp(word, host, n) == 0;
	}
	bool dot = *word == '.';
	word += dot;
	n -= dot;
	if (n == 0 || n > host_n || strncasecmp(host + host_n - n, word, n) != 0)
		return false;
	return n == host_n || host[host_n - n - 1] == '.';
}

bool proxy_passes_by(const char *list, const char *host)
{
	bool numeric = is_numeric(host);
	for (const char *p = list; *p;) {
		size_t n = strcspn(p, " ,");
		if (n > 0 && word_stands_for(p, n, host, numeric))
			return true;
		p += n + (p[n] != 0);
	}
	return false;
}
