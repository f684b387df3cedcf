/* proxy.h -- the way out through a proxy: SOCKS 5 (RFC 1928, RFC 1929) and HTTP CONNECT (RFC 9110 section 9.3.6).
 *
 * A pure byte machine: what the proxy sends goes in, what it must be told comes out. No socket, no clock. The proxy looks
 * names up. It keeps at most PROXY_HEAD_BYTES_MAX of what the proxy says. */
#ifndef QUIRE_DAEMON_PROXY_H
#define QUIRE_DAEMON_PROXY_H

#include "address.h"
#include "bytes.h"

#define PROXY_HEAD_BYTES_MAX 8192u /* of all that an HTTP proxy says before the way is open */
#define PROXY_WORD_BYTES 256 /* of a user name or password, with NUL: RFC 1929 has 255 */
#define PROXY_WHY_BYTES 160

enum proxy_kind { PROXY_NONE, PROXY_SOCKS5, PROXY_HTTP };

struct proxy_at {
	enum proxy_kind kind;
	struct address address; /* of the proxy */
	char user[PROXY_WORD_BYTES], password[PROXY_WORD_BYTES]; /* user empty: none */
};

/* "socks5://[user:password@]host:port" or "http://…"; what is not a letter of a URL stands as %XX in user and password.
 * Empty text: PROXY_NONE. ERR_INPUT. */
MUST_CHECK enum err proxy_parse(const char *text, struct proxy_at *out);
/* Is host reached without the proxy? list: words separated by spaces or commas. A name stands for itself and all names below
 * it, with or without a dot before it; a numeric address for itself; * for all. */
bool proxy_passes_by(const char *list, const char *host);

enum proxy_state {
	PROXY_METHOD, /* SOCKS: awaits the choice of a method */
	PROXY_PASSWORD, /* SOCKS: awaits the verdict over name and password */
	PROXY_REPLY, /* SOCKS: awaits the reply to the request */
	PROXY_HEAD, /* HTTP: awaits the end of a head */
	PROXY_OPEN,
	PROXY_FAILED,
	PROXY_STATES,
};

struct proxy {
	enum proxy_state state;
	const struct proxy_at *at;
	struct address target;
	size_t got_n, head_at,
		line_n; /* bytes kept; where the present head begins; of its last line, without CR */
	uint8_t got[PROXY_HEAD_BYTES_MAX];
	char why[PROXY_WHY_BYTES]; /* in words, once it failed */
};

/* Borrows *at for the life of *p; copies *target. What is to be sent first is appended to *out. ERR_MEMORY. */
MUST_CHECK enum err proxy_begin(
	struct proxy *p, const struct proxy_at *at, const struct address *target, struct buf *out);
/* Takes bytes, never one that is behind the proxy's last; appends what is to be sent next. *taken is always set.
 * OK: the way is open. ERR_PENDING: more is needed, all was taken. ERR_UNREACHABLE: it is not to be had, p->why says why.
 * ERR_MEMORY. ERR_STATE: it was open, or had failed. */
MUST_CHECK enum err proxy_feed(struct proxy *p, struct slice in, size_t *taken, struct buf *out);

#endif
