/* wire.c -- see wire.h. */
#include "tools/bench/wire.h"

#include "tools/bench/bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sodium.h>
#include <sys/socket.h>
#include <unistd.h>

#define TAG_BYTES crypto_aead_chacha20poly1305_ietf_ABYTES
#define FLUSH_BYTES (256u << 10)
#define READ_BYTES (256u << 10)

static const uint8_t key[32] = {7};

static void nonce(struct wire *w, uint8_t out[12])
{
	memset(out, 0, 12);
	be64_put(out + 4, w->counter++);
}

void wire_pair(int fds[2])
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof a;
	int one = 1, l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	fds[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (l < 0 || fds[1] < 0 || bind(l, (struct sockaddr *)&a, n) != 0 || listen(l, 1) != 0 ||
		getsockname(l, (struct sockaddr *)&a, &n) != 0 ||
		connect(fds[1], (struct sockaddr *)&a, n) != 0 || (fds[0] = accept(l, NULL, NULL)) < 0)
		bench_fail("loopback", strerror(errno));
	(void)setsockopt(fds[1], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	close(l);
}

void wire_go(int fd)
{
	if (write(fd, "g", 1) != 1)
		bench_fail("loopback", strerror(errno));
}

void wire_wait(int fd)
{
	char c;
	if (read(fd, &c, 1) != 1)
		bench_fail("loopback", strerror(errno));
}

void wire_flush(struct wire *w)
{
	for (size_t at = 0; at < w->out.n;) {
		ssize_t n = write(w->fd, w->out.p + at, w->out.n - at);
		if (n <= 0)
			bench_fail("loopback", strerror(errno));
		at += (size_t)n;
	}
	w->out.n = 0;
}

void wire_send(struct wire *w, struct slice plain)
{
	uint8_t n12[12];
	nonce(w, n12);
	bench_must(buf_reserve(&w->out, 4 + plain.n + TAG_BYTES), "a frame");
	be32_put(w->out.p + w->out.n, (uint32_t)(plain.n + TAG_BYTES));
	crypto_aead_chacha20poly1305_ietf_encrypt(
		w->out.p + w->out.n + 4, NULL, plain.p, plain.n, NULL, 0, NULL, n12, key);
	w->out.n += 4 + plain.n + TAG_BYTES;
	if (w->out.n >= FLUSH_BYTES)
		wire_flush(w);
}

/* At least n bytes in w->in; false: the end. */
static bool want(struct wire *w, size_t n)
{
	while (w->in.n - w->at < n) {
		if (w->at > 0) {
			memmove(w->in.p, w->in.p + w->at, w->in.n - w->at);
			w->in.n -= w->at;
			w->at = 0;
		}
		bench_must(buf_reserve(&w->in, READ_BYTES), "a frame");
		ssize_t got = read(w->fd, w->in.p + w->in.n, w->in.cap - w->in.n);
		if (got <= 0)
			return false;
		w->in.n += (size_t)got;
	}
	return true;
}

bool wire_receive(struct wire *w, struct slice *plain)
{
	uint8_t n12[12];
	if (!want(w, 4))
		return false;
	size_t n = be32_get(w->in.p + w->at);
	if (!want(w, 4 + n))
		return false;
	w->plain.n = 0;
	bench_must(buf_reserve(&w->plain, n), "a frame");
	nonce(w, n12);
	if (n < TAG_BYTES ||
		crypto_aead_chacha20poly1305_ietf_decrypt(
			w->plain.p, NULL, NULL, w->in.p + w->at + 4, n, NULL, 0, n12, key) != 0)
		bench_fail("loopback", err_text(ERR_DECRYPT));
	w->at += 4 + n;
	*plain = slice_of(w->plain.p, n - TAG_BYTES);
	return true;
}

void wire_deinit(struct wire *w)
{
	buf_free(&w->out);
	buf_free(&w->in);
	buf_free(&w->plain);
}
