/* proxy.c -- see proxy.h: the machine. What the settings say is in proxy_at.c. */
#include "proxy.h"

#include <netinet/in.h>
#include <sodium.h>
#include <stdio.h>

#define SOCKS_VERSION 5
#define SOCKS_PASSWORD_VERSION 1
#define SOCKS_NO_PASSWORD 0
#define SOCKS_WITH_PASSWORD 2
#define SOCKS_NONE_WILL_DO 0xff
#define SOCKS_CONNECT 1
#define SOCKS_IPV4 1
#define SOCKS_NAME 3
#define SOCKS_IPV6 4
#define SOCKS_REPLY_HEAD 5 /* up to the first byte of the address, which may be its length */

/* ---- states */

static const bool moves[PROXY_STATES][PROXY_STATES] = {
	[PROXY_METHOD] = {[PROXY_PASSWORD] = true, [PROXY_REPLY] = true, [PROXY_FAILED] = true},
	[PROXY_PASSWORD] = {[PROXY_REPLY] = true, [PROXY_FAILED] = true},
	[PROXY_REPLY] = {[PROXY_OPEN] = true, [PROXY_FAILED] = true},
	[PROXY_HEAD] = {[PROXY_OPEN] = true, [PROXY_FAILED] = true},
	[PROXY_OPEN] = {[PROXY_OPEN] = false},
};

static void move_to(struct proxy *p, enum proxy_state to)
{
	if (!moves[p->state][to])
		abort();
	p->state = to;
	p->got_n = 0;
}

static enum err failed(struct proxy *p, const char *why)
{
	snprintf(p->why, sizeof p->why, "the proxy %s", why);
	move_to(p, PROXY_FAILED);
	return ERR_UNREACHABLE;
}

/* ---- SOCKS */

static enum err socks_request(struct proxy *p, struct buf *out)
{
	struct sockaddr_storage numeric;
	uint8_t head[5] = {SOCKS_VERSION, SOCKS_CONNECT, 0}, port[2];
	size_t head_n = 4;
	struct slice address = slice_str(p->target.host);
	if (address_numeric(&p->target, &numeric) != OK) {
		head[3] = SOCKS_NAME;
		head[head_n++] = (uint8_t)address.n; /* a host is shorter than 256 bytes */
	} else if (numeric.ss_family == AF_INET) {
		head[3] = SOCKS_IPV4;
		address = slice_of(&((const struct sockaddr_in *)&numeric)->sin_addr, 4);
	} else {
		head[3] = SOCKS_IPV6;
		address = slice_of(&((const struct sockaddr_in6 *)&numeric)->sin6_addr, 16);
	}
	be16_put(port, (uint16_t)strtoul(p->target.port, NULL, 10));
	move_to(p, PROXY_REPLY);
	enum err e = buf_put(out, head, head_n);
	if (e == OK)
		e = buf_put_slice(out, address);
	return e == OK ? buf_put(out, port, sizeof port) : e;
}

static enum err socks_password(struct proxy *p, struct buf *out)
{
	size_t user_n = strlen(p->at->user), password_n = strlen(p->at->password);
	const uint8_t head[] = {SOCKS_PASSWORD_VERSION, (uint8_t)user_n}, middle = (uint8_t)password_n;
	move_to(p, PROXY_PASSWORD);
	enum err e = buf_put(out, head, sizeof head);
	if (e == OK)
		e = buf_put(out, p->at->user, user_n);
	if (e == OK)
		e = buf_put(out, &middle, 1);
	return e == OK ? buf_put(out, p->at->password, password_n) : e;
}

static enum err socks_method(struct proxy *p, struct buf *out)
{
	uint8_t method = p->got[1];
	if (p->got[0] != SOCKS_VERSION)
		return failed(p, "does not speak SOCKS 5");
	if (method == SOCKS_NO_PASSWORD)
		return socks_request(p, out);
	if (method == SOCKS_WITH_PASSWORD && p->at->user[0])
		return socks_password(p, out);
	if (method == SOCKS_NONE_WILL_DO || method == SOCKS_WITH_PASSWORD)
		return failed(p,
			p->at->user[0] ? "takes neither a user name and password nor none"
				       : "needs a user name and password: put them into peers.proxy");
	return failed(p, "chose a method that was not offered");
}

static enum err socks_verdict(struct proxy *p, struct buf *out)
{
	if (p->got[0] != SOCKS_PASSWORD_VERSION)
		return failed(p, "does not speak SOCKS 5");
	if (p->got[1] != 0)
		return failed(p, "refuses the user name and password of peers.proxy");
	return socks_request(p, out);
}

/* RFC 1928 section 6. */
static const char *const socks_replies[] = {
	NULL,
	"failed",
	"does not allow this connection",
	"cannot reach the network of that address",
	"cannot reach that address",
	"was refused by that address",
	"had no answer from that address",
	"knows no CONNECT",
	"knows no addresses of this kind",
};

/* How long the whole reply is; 0: its head is not here yet, or is none. */
static size_t socks_reply_bytes(const struct proxy *p)
{
	size_t rest = 0;
	if (p->got_n < SOCKS_REPLY_HEAD)
		return 0;
	if (p->got[3] == SOCKS_IPV4)
		rest = 4;
	else if (p->got[3] == SOCKS_IPV6)
		rest = 16;
	else if (p->got[3] == SOCKS_NAME)
		rest = 1u + p->got[4];
	return rest ? 4 + rest + 2 : 0;
}

static enum err socks_reply(struct proxy *p)
{
	uint8_t reply = p->got[1];
	if (p->got_n == 2 && p->got[0] != SOCKS_VERSION)
		return failed(p, "does not speak SOCKS 5");
	/* Some say nothing more when they refuse. */
	if (p->got_n == 2 && reply != 0)
		return failed(p,
			reply < sizeof socks_replies / sizeof socks_replies[0] ? socks_replies[reply]
									       : "failed");
	if (p->got_n == SOCKS_REPLY_HEAD && socks_reply_bytes(p) == 0)
		return failed(p, "does not speak SOCKS 5");
	if (p->got_n < SOCKS_REPLY_HEAD || p->got_n < socks_reply_bytes(p))
		return ERR_PENDING;
	move_to(p, PROXY_OPEN);
	return OK;
}

/* ---- HTTP */

static enum err http_request(struct proxy *p, struct buf *out)
{
	char at[ADDRESS_HOST_BYTES + 16], basic[2 * PROXY_WORD_BYTES],
		text[2 * sizeof at + 4 * PROXY_WORD_BYTES], encoded[sizeof text] = "";
	bool brackets = strchr(p->target.host, ':') != NULL;
	snprintf(at, sizeof at, "%s%s%s:%s", brackets ? "[" : "", p->target.host, brackets ? "]" : "",
		p->target.port);
	if (p->at->user[0]) {
		int n = snprintf(basic, sizeof basic, "%s:%s", p->at->user, p->at->password);
		sodium_bin2base64(encoded, sizeof encoded, (const unsigned char *)basic, (size_t)n,
			sodium_base64_VARIANT_ORIGINAL);
	}
	int n = snprintf(text, sizeof text, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n%s%s%s\r\n", at, at,
		encoded[0] ? "Proxy-Authorization: Basic " : "", encoded, encoded[0] ? "\r\n" : "");
	enum err e = buf_put(out, text, (size_t)n);
	sodium_memzero(basic, sizeof basic);
	sodium_memzero(encoded, sizeof encoded);
	sodium_memzero(text, sizeof text);
	return e;
}

/* "HTTP/1.1 200 …"; 0: it is none. */
static unsigned http_status(const uint8_t *p, size_t n)
{
	if (n < 12 || memcmp(p, "HTTP/1.", 7) != 0 || (p[7] != '0' && p[7] != '1') || p[8] != ' ')
		return 0;
	unsigned status = 0;
	for (size_t i = 9; i < 12; i++) {
		if (p[i] < '0' || p[i] > '9')
			return 0;
		status = status * 10 + (unsigned)(p[i] - '0');
	}
	return (n == 12 || p[12] == ' ' || p[12] == '\r' || p[12] == '\n') && status >= 100 ? status : 0;
}

static enum err http_head(struct proxy *p)
{
	char why[64];
	unsigned status = http_status(p->got + p->head_at, p->got_n - p->head_at);
	if (status == 0)
		return failed(p, "does not speak HTTP");
	if (status == 407)
		return failed(p,
			p->at->user[0] ? "refuses the user name and password of peers.proxy"
				       : "needs a user name and password: put them into peers.proxy");
	if (status == 403)
		return failed(p, "does not allow this connection");
	if (status == 502 || status == 503 || status == 504)
		return failed(p, "cannot reach that address");
	if (status >= 200 && status < 300) {
		move_to(p, PROXY_OPEN);
		return OK;
	}
	/* What is said in between (RFC 9110 section 15.2) has a head of its own, and another follows. */
	if (status < 200 && status != 101) {
		p->head_at = p->got_n;
		return ERR_PENDING;
	}
	snprintf(why, sizeof why, "answered with HTTP status %u", status);
	return failed(p, why);
}

/* After each byte. A head ends with an empty line; lines may end without CR (RFC 9112 section 2.2). */
static enum err http_byte(struct proxy *p, uint8_t byte)
{
	if (byte == 0)
		return failed(p, "does not speak HTTP");
	if (byte != '\n') {
		p->line_n += byte != '\r';
		return ERR_PENDING;
	}
	if (p->line_n > 0) {
		p->line_n = 0;
		return ERR_PENDING;
	}
	return http_head(p);
}

/* ---- both */

static enum err step(struct proxy *p, uint8_t byte, struct buf *out)
{
	switch (p->state) {
	case PROXY_METHOD: return p->got_n == 2 ? socks_method(p, out) : ERR_PENDING;
	case PROXY_PASSWORD: return p->got_n == 2 ? socks_verdict(p, out) : ERR_PENDING;
	case PROXY_REPLY: return p->got_n >= 2 ? socks_reply(p) : ERR_PENDING;
	case PROXY_HEAD: return http_byte(p, byte);
	case PROXY_OPEN:
	case PROXY_FAILED:
	case PROXY_STATES: break;
	}
	abort();
}

enum err proxy_begin(
	struct proxy *p, const struct proxy_at *at, const struct address *target, struct buf *out)
{
	static const uint8_t plain[] = {SOCKS_VERSION, 1, SOCKS_NO_PASSWORD},
			     both[] = {SOCKS_VERSION, 2, SOCKS_NO_PASSWORD, SOCKS_WITH_PASSWORD};
	if (at->kind == PROXY_NONE)
		abort();
	*p = (struct proxy){
		.state = at->kind == PROXY_HTTP ? PROXY_HEAD : PROXY_METHOD, .at = at, .target = *target};
	if (at->kind == PROXY_HTTP)
		return http_request(p, out);
	return at->user[0] ? buf_put(out, both, sizeof both) : buf_put(out, plain, sizeof plain);
}

enum err proxy_feed(struct proxy *p, struct slice in, size_t *taken, struct buf *out)
{
	*taken = 0;
	if (p->state >= PROXY_OPEN)
		return ERR_STATE;
	while (*taken < in.n) {
		uint8_t byte = in.p[(*taken)++];
		if (p->got_n == sizeof p->got)
			return failed(p, "says too much");
		p->got[p->got_n++] = byte;
		enum err e = step(p, byte, out);
		bool goes_on = e == ERR_PENDING || (e == OK && p->state != PROXY_OPEN);
		if (!goes_on)
			return e;
	}
	return ERR_PENDING;
}
