/* ask.c -- questions to a daemon's socket, as the command asks them. */
#include "tools/bench/bench.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define HEAD_MAX 4096

int bench_dial(const struct bench_home *h)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char why[HOME_WHY_BYTES];
	if (home_socket(h->path, a.sun_path, why) != OK)
		bench_fail("a socket", why);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&a, sizeof a) != 0)
		bench_fail(a.sun_path, strerror(errno));
	return fd;
}

static size_t more(int fd, uint8_t *to, size_t room)
{
	ssize_t n = read(fd, to, room);
	if (n <= 0)
		bench_fail("the daemon", "it does not answer");
	return (size_t)n;
}

/* The head of an answer, and what came behind it. Returns the length of its body. */
static size_t read_head(int fd, char head[HEAD_MAX], size_t *n, size_t *end)
{
	const char *found = NULL, *length;
	for (*n = 0; !found; found = strstr(head, "\r\n\r\n")) {
		if (*n == HEAD_MAX - 1)
			bench_fail("the daemon", "the head of its answer does not end");
		*n += more(fd, (uint8_t *)head + *n, HEAD_MAX - 1 - *n);
		head[*n] = 0;
	}
	*end = (size_t)(found - head) + 4;
	length = strcasestr(head, "\r\nContent-Length:");
	if (strncmp(head, "HTTP/1.1 200", 12) != 0 || !length || length > found)
		bench_fail("the daemon answers", head);
	return strtoull(length + strlen("\r\nContent-Length:"), NULL, 10);
}

void bench_get(int fd, const char *path, struct buf *body)
{
	char head[HEAD_MAX], ask[1024];
	size_t n, end;
	int asked = snprintf(ask, sizeof ask, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
	if (asked >= (int)sizeof ask || write(fd, ask, (size_t)asked) != asked)
		bench_fail("the daemon", strerror(errno));
	size_t left = read_head(fd, head, &n, &end);
	bench_must(buf_reserve(body, left), "an answer");
	bench_must(buf_put(body, head + end, n - end), "an answer");
	for (left -= n - end; left > 0;) {
		size_t got = more(fd, body->p + body->n, left);
		body->n += got;
		left -= got;
	}
}
