/* connects.c -- LD_PRELOAD: writes where each connect() leads to the file $QUIRE_SHIM_CONNECTS, a line each, so that a test can tell whom a process called. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void note(const struct sockaddr *to)
{
	char host[INET6_ADDRSTRLEN] = "", line[128];
	unsigned port = 0;
	if (to->sa_family == AF_INET) {
		const struct sockaddr_in *a = (const struct sockaddr_in *)(const void *)to;
		inet_ntop(AF_INET, &a->sin_addr, host, sizeof host);
		port = ntohs(a->sin_port);
	} else if (to->sa_family == AF_INET6) {
		const struct sockaddr_in6 *a = (const struct sockaddr_in6 *)(const void *)to;
		inet_ntop(AF_INET6, &a->sin6_addr, host, sizeof host);
		port = ntohs(a->sin6_port);
	}
	int n = snprintf(line, sizeof line, "%d %s %u\n", to->sa_family, host, port);
	const char *path = getenv("QUIRE_SHIM_CONNECTS");
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
	if (fd < 0 || write(fd, line, (size_t)n) != n)
		abort();
	close(fd);
}

int connect(int fd, __CONST_SOCKADDR_ARG to, socklen_t n)
{
	static int (*real)(int, __CONST_SOCKADDR_ARG, socklen_t);
	if (!real) {
		void *found = dlsym(RTLD_NEXT, "connect");
		memcpy(&real, &found, sizeof real);
	}
	note(to.__sockaddr__);
	return real(fd, to, n);
}
