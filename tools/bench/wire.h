/* wire.h -- for the bare pipelines: frames of ChaCha20-Poly1305 with a counter over loopback TCP, blocking. */
#ifndef QUIRE_BENCH_WIRE_H
#define QUIRE_BENCH_WIRE_H

#include "bytes.h"

/* One direction. Zeroed but for fd is valid. */
struct wire {
	int fd;
	uint64_t counter;
	struct buf out; /* encrypted, not yet written */
	struct buf in, plain;
	size_t at; /* what of `in` was used */
};

/* A connected pair over TCP on 127.0.0.1. */
void wire_pair(int fds[2]);
/* The receiver says go, the sender waits for it. */
void wire_go(int fd);
void wire_wait(int fd);
void wire_send(struct wire *w, struct slice plain);
void wire_flush(struct wire *w);
/* The next frame, borrowed until the next call; false: the other end is done. */
bool wire_receive(struct wire *w, struct slice *plain);
void wire_deinit(struct wire *w);

#endif
