/* node_int.h -- what the parts of node share: node.c (start and access), node_stop.c (the end), node_log.c (events as log lines). */
#ifndef QUIRE_DAEMON_NODE_INT_H
#define QUIRE_DAEMON_NODE_INT_H

#include "beacons.h"
#include "dial.h"
#include "drive.h"
#include "join.h"
#include "net.h"
#include "node.h"

struct node {
	uv_loop_t *loop;
	struct config config;
	struct node_keys *keys; /* sodium_malloc */
	struct noise_keypair *noise; /* the same */
	int lock_fd;
	bool restored;
	const char *restored_why;
	struct id32 network;
	char name[LIMIT_NAME_BYTES + 1];
	size_t addresses_n; /* where peers are told to reach us */
	char addresses[LIMIT_ADDRESSES][LIMIT_ADDRESS_BYTES + 1];
	struct proxy_at proxy;

	struct store *store; /* until the store thread takes it */
	struct storew *storew;
	struct pool *pool;
	struct drive *drive;
	struct conn_set *set;
	struct net *net;
	struct dial *dial;
	struct joins *joins;
	struct reach *reach;
	struct beacons *beacons; /* NULL: off */

	bool stopping;
	int closing; /* parts of the present stage of the end */
	void (*stopped)(void *ctx);
	void *stopped_ctx;
};

/* Goes over to a network, for now: connections of others are closed. node_set_network() makes it last. */
void node_use_network(struct node *n, const struct id32 *network);

void node_log_event(void *ctx, const struct engine_event *ev);

/* From any state that node_start() can leave behind. stopped may be NULL. */
void node_end(struct node *n, void (*stopped)(void *ctx), void *ctx);

#endif
