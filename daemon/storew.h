/* storew.h -- the store thread: the one connection that writes. ARCHITECTURE.md.
 *
 * Requests are answered in the order given, reads and writes alike. The thread takes all that waits at once and commits
 * it with one sync; a lone request goes straight through. Called on the loop thread. */
#ifndef QUIRE_DAEMON_STOREW_H
#define QUIRE_DAEMON_STOREW_H

#include "store/store.h"

#include <uv.h>

#define STOREW_BATCH_REQUESTS_MAX 2048u
#define STOREW_BATCH_BYTES_MAX (8u << 20) /* a batch ends with the request that reaches it */
/* What may wait. The engine stops its peers far below; what comes above is answered with ERR_LIMIT, in its turn. */
#define STOREW_QUEUE_REQUESTS_MAX 65536u
#define STOREW_QUEUE_BYTES_MAX (256u << 20)
#define STOREW_REST_MS \
	2000 /* without a request so long: the memory that was kept for the next is given back, once */

struct storew;

/* On the loop thread, never inside storew_put. The request is freed before, the result's arena after it returns (take it by zeroing res->mem). */
typedef void (*storew_done)(void *ctx, struct store_res *res);

/* Takes the store on success. ERR_MEMORY: also if there is no thread to be had. */
MUST_CHECK enum err storew_open(uv_loop_t *loop, struct store *store, struct storew **out);
/* Takes *req (malloc'ed) and its arena. */
void storew_put(struct storew *w, struct store_req *req, storew_done done, void *ctx);
/* How many are not answered yet. */
size_t storew_waiting(const struct storew *w);
/* The last write that was tried found the disk full. */
bool storew_full(const struct storew *w);
/* Does what waits, closes the store, frees *w, then calls closed. What is put from now on is answered with ERR_CLOSED. */
void storew_close(struct storew *w, void (*closed)(void *ctx), void *ctx);

#endif
