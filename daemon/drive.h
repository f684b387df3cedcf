/* drive.h -- the pump between the engine and the world: inputs go in as they come, outputs are carried out at once.
 *
 * SEND, CLOSE, PAUSE, RESUME go to the connections, STORE to the store thread, WORK to the pool, EVENT to whoever listens.
 * Answers to a command never come from inside drive_command: its outputs are carried out in the next turn of the loop. */
#ifndef QUIRE_DAEMON_DRIVE_H
#define QUIRE_DAEMON_DRIVE_H

#include "conn.h"
#include "node.h"
#include "pool.h"
#include "storew.h"

#define DRIVE_LISTENERS_MAX 16

struct drive;

struct drive_env {
	uv_loop_t *loop;
	const char *home; /* must live as long as the drive */
	struct storew *storew;
	struct pool *pool;
	/* The engine wants to reach a node: answered by a connection that opens, or by drive_unreached(). */
	void (*dial)(void *ctx, const struct id32 *node);
	void *ctx;
};

/* ERR_MEMORY. */
MUST_CHECK enum err drive_open(
	const struct drive_env *env, const struct engine_config *config, struct drive **out);
/* The handlers with which the set of connections is opened; its ctx is the drive. */
struct conn_handlers drive_handlers(void);
/* NULL: there are no connections any more. */
void drive_attach(struct drive *d, struct conn_set *set);

void drive_unreached(struct drive *d, const struct id32 *node);

/* As node_command, node_listen_events and node_peers in node.h. */
void drive_command(struct drive *d, struct engine_cmd *cmd, node_answered done, void *ctx);
MUST_CHECK enum err drive_listen(struct drive *d, node_heard heard, void *ctx);
uint64_t drive_blobs_refused(const struct drive *d); /* engine_blobs_refused */
size_t drive_peers(struct drive *d, struct engine_peer_info *out, size_t max);

/* The connections are gone: no more work is begun. Then the pool may be closed. */
void drive_drain(struct drive *d);
/* Nothing is asked of the store any more. Then the store may be closed; what it was asked before is still answered. */
void drive_finish(struct drive *d);
/* Commands without an answer get ERR_CLOSED; frees *d in the loop, then calls closed. */
void drive_close(struct drive *d, void (*closed)(void *ctx), void *ctx);

#endif
