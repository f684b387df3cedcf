/* pool.h -- work and reads on libuv's pool of threads. ARCHITECTURE.md.
 *
 * A read gets a store of its own that is open read-only; at most one for each thread is ever opened, on first use. Called on the loop thread. */
#ifndef QUIRE_DAEMON_POOL_H
#define QUIRE_DAEMON_POOL_H

#include "node.h"

#define POOL_THREADS 4

struct pool;

/* Says to libuv how many threads we want; before anything else of it is used, while there is one thread. */
void pool_size_threads(void);

/* home is copied. ERR_MEMORY. */
MUST_CHECK enum err pool_open(uv_loop_t *loop, const char *home, struct pool **out);
/* As node_read and node_work in node.h. */
void pool_read(struct pool *p, node_read_fn fn, void (*done)(void *ctx), void *ctx);
void pool_work(struct pool *p, void (*fn)(void *ctx), void (*done)(void *ctx), void *ctx);
/* Waits until all is done, those that are given while it waits as well; closes the readers, frees *p, calls closed. */
void pool_close(struct pool *p, void (*closed)(void *ctx), void *ctx);

#endif
