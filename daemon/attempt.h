/* attempt.h -- one try to reach a node at "host:port": looks the name up, dials what it stands for one after the other,
 * and says when it is over. For the dialler and for invitations. */
#ifndef QUIRE_DAEMON_ATTEMPT_H
#define QUIRE_DAEMON_ATTEMPT_H

#include "conn.h"

struct attempt;

struct attempt_target {
	const char *address; /* borrowed for the call */
	bool direct; /* heard on the local network: not through a proxy */
	struct id32 remote, network;
	bool redeem;
	enum engine_relay relay; /* remote is a relay */
	struct id32 relay_node; /* ENGINE_RELAY_ASK: whom we want to reach */
	uint8_t secret[16]; /* of the invitation, or the relay's token */
};

/* When the connection is gone, or none could be made; why: in words. Always from the loop. *a is freed after it. */
typedef void (*attempt_ended)(void *ctx, enum err e, const char *why);

/* ERR_INPUT: the address; ERR_MEMORY. Then `ended` does not come. */
MUST_CHECK enum err attempt_start(uv_loop_t *loop, struct conn_set *set, const struct attempt_target *t,
	attempt_ended ended, void *ctx, struct attempt **out);
/* The connection; 0 before there is one. */
conn_id attempt_conn(const struct attempt *a);
/* The relay said that it passes on what is said now. Also from inside `ended`. */
bool attempt_relayed(const struct attempt *a);
/* Its connection goes on without it: `ended` does not come, *a is freed with the connection. */
void attempt_release(struct attempt *a);
/* Closes the connection in order; `ended` comes as ever. */
void attempt_stop(struct attempt *a);

#endif
