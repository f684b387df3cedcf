#include "http_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LISTEN_BACKLOG 128

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static bool parse_port(const char *text, uint16_t *out)
{
	size_t n = strspn(text, "0123456789");
	if (!n || n > 5 || text[n])
		return false;
	unsigned long v = strtoul(text, NULL, 10);
	*out = (uint16_t)v;
	return v <= 65535;
}

static bool parse(const char *text, union address *a, socklen_t *n)
{
	char host[64];
	uint16_t port;
	const char *colon = strrchr(text, ':');
	if (!colon || (size_t)(colon - text) >= sizeof host || !parse_port(colon + 1, &port))
		return false;
	memcpy(host, text, (size_t)(colon - text));
	host[colon - text] = 0;
	memset(a, 0, sizeof *a);
	size_t len = strlen(host);
	if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
		host[len - 1] = 0;
		a->v6.sin6_family = AF_INET6;
		a->v6.sin6_port = htons(port);
		*n = sizeof a->v6;
		return inet_pton(AF_INET6, host + 1, &a->v6.sin6_addr) == 1 &&
			IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr);
	}
	a->v4.sin_family = AF_INET;
	a->v4.sin_port = htons(port);
	*n = sizeof a->v4;
	const char *numeric = strcmp(host, "localhost") == 0 ? "127.0.0.1" : host;
	return inet_pton(AF_INET, numeric, &a->v4.sin_addr) == 1 && ntohl(a->v4.sin_addr.s_addr) >> 24 == 127;
}

static void name_bound(int fd, uint16_t *port, char address[80])
{
	union address a = {0};
	socklen_t n = sizeof a;
	char host[64] = "";
	if (getsockname(fd, &a.any, &n) != 0)
		return;
	bool v6 = a.any.sa_family == AF_INET6;
	*port = ntohs(v6 ? a.v6.sin6_port : a.v4.sin_port);
	inet_ntop(a.any.sa_family, v6 ? (const void *)&a.v6.sin6_addr : (const void *)&a.v4.sin_addr, host,
		sizeof host);
	snprintf(address, 80, v6 ? "[%s]:%u" : "%s:%u", host, *port);
}

enum err http_listen_tcp(const char *text, int *fd, uint16_t *port, char address[80], char why[256])
{
	union address a;
	socklen_t n;
	int on = 1;
	if (!parse(text, &a, &n)) {
		snprintf(why, 256,
			"page.http: \"%.60s\" is not an address of this machine alone, such as 127.0.0.1:7412; "
			"for others put a reverse proxy in front",
			text);
		return ERR_INPUT;
	}
	int s = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s >= 0 && setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
		bind(s, &a.any, n) == 0 && listen(s, LISTEN_BACKLOG) == 0) {
		name_bound(s, port, address);
		*fd = s;
		return OK;
	}
	int error = errno;
	if (s >= 0)
		close(s);
	snprintf(why, 256,
		error == EADDRINUSE ? "page.http: %.60s is in use by another program"
				    : "page.http: cannot listen on %.60s: %s",
		text, strerror(error));
	return error == EADDRINUSE ? ERR_EXISTS : ERR_IO;
}

enum err http_listen_socket(const char *home, int *fd, char path[112], char why[256])
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int n = snprintf(a.sun_path, sizeof a.sun_path, "%s/quire.sock", home);
	if (n < 0 || (size_t)n >= sizeof a.sun_path) {
		snprintf(why, 256,
			"the path of the home is too long for a socket: %d bytes with /quire.sock, at most %zu",
			n, sizeof a.sun_path - 1);
		return ERR_INPUT;
	}
	unlink(a.sun_path);
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* The mode of the socket becomes the mode of the file: it is never open to others, not even for a moment. */
	if (s >= 0 && fchmod(s, 0600) == 0 && bind(s, (const struct sockaddr *)&a, sizeof a) == 0 &&
		chmod(a.sun_path, 0600) == 0 && listen(s, LISTEN_BACKLOG) == 0) {
		memcpy(path, a.sun_path, (size_t)n + 1);
		*fd = s;
		return OK;
	}
	snprintf(why, 256, "cannot listen on %.107s: %s", a.sun_path, strerror(errno));
	if (s >= 0)
		close(s);
	return ERR_IO;
}
