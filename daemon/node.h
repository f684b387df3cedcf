/* node.h -- one running node: the engine, the store thread, the pool and the network, joined on one loop. ARCHITECTURE.md.
 *
 * Everything here runs on the loop thread unless it says otherwise. Callbacks come on the loop thread, never from inside the call
 * that asked. After node_stop() has begun every pending callback still comes, with ERR_CLOSED where the work was not done. */
#ifndef QUIRE_NODE_H
#define QUIRE_NODE_H

#include "config.h"
#include "protocol/peer/engine.h"
#include "store/store.h"

#include <uv.h>

struct node;

/* The node's own keys, from keys/node (0600, readable without a passphrase). */
struct node_keys {
	struct id32 node_key, notice_key, receipt_key; /* public halves */
	uint8_t node_secret[32], notice_secret[32];
	uint8_t receipt_secret[64];
};

/* Opens home (lock, database, keys, instance), starts the store thread, the engine, the listener and the dialler.
 * why: one line for people on error (static or in the node's buffer). ERR_BUSY: another daemon has this home; ERR_NEWER; ERR_NOT_FOUND: no home (quire init);
 * ERR_IO, ERR_FULL, ERR_CORRUPT, ERR_INPUT (address), ERR_MEMORY. */
MUST_CHECK enum err node_start(
	uv_loop_t *loop, const struct config *config, struct node **out, char why[256]);
/* Orderly: bye to peers, waits for the store, closes all handles; then `stopped` is called, after which uv_loop_close() returns 0. */
void node_stop(struct node *n, void (*stopped)(void *ctx), void *ctx);

const struct config *node_config(const struct node *n);
const struct node_keys *node_keys(const struct node *n);
uv_loop_t *node_loop(struct node *n);
const char *node_listen_address(const struct node *n); /* as bound: "127.0.0.1:7411" */
/* Where peers are told to reach this node; returns how many. */
size_t node_addresses(const struct node *n, char out[LIMIT_ADDRESSES][LIMIT_ADDRESS_BYTES + 1]);
bool node_restored(const struct node *n, const char **why); /* store_start found a restored or copied home */
bool node_disk_full(const struct node *n);
uint64_t node_blobs_refused(const struct node *n); /* blobs that the quota keeps from being fetched */

/* Asks the store thread. Takes *req (malloc'ed) and its arena. The result's arena is freed after the callback returns, unless it was taken (set res->mem to zero). */
typedef void (*node_stored)(void *ctx, struct store_res *res);
void node_store(struct node *n, struct store_req *req, node_stored done, void *ctx);

/* Runs fn on a pool thread with a read-only store (one per pool thread, opened on first use), then done on the loop. For API reads. */
typedef void (*node_read_fn)(void *ctx, struct store *reader, enum err open_error);
void node_read(struct node *n, node_read_fn fn, void (*done)(void *ctx), void *ctx);
/* Runs fn on a pool thread. */
void node_work(struct node *n, void (*fn)(void *ctx), void (*done)(void *ctx), void *ctx);

/* Gives the engine a command (tag is set here; everything borrowed is used before this returns); done gets the answer event. */
typedef void (*node_answered)(void *ctx, const struct engine_event *answer);
void node_command(struct node *n, struct engine_cmd *cmd, node_answered done, void *ctx);

/* Every engine event goes to every listener (API events, dialler, admissions). */
typedef void (*node_heard)(void *ctx, const struct engine_event *ev);
MUST_CHECK enum err node_listen_events(struct node *n, node_heard heard, void *ctx);

/* Dials an invitation's addresses one after the other until it is redeemed (ENGINE_EVENT_JOINED) or all have failed.
 * ERR_UNREACHABLE, ERR_EXPIRED, ERR_USED, ERR_REFUSED, ERR_TIMEOUT; why: which address failed how. */
struct invitation;
void node_join(struct node *n, const struct invitation *inv,
	void (*done)(void *ctx, enum err e, const char *why, const struct engine_event *joined), void *ctx);
/* The network this node belongs to (meta "network"); zeros: none. Changing it drops all connections. */
struct id32 node_network(const struct node *n);
void node_set_network(struct node *n, const struct id32 *network);

/* Copy of what the engine knows about open connections. */
size_t node_peers(struct node *n, struct engine_peer_info *out, size_t max);

#endif
