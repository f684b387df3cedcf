/* conn.h -- TCP connections to peers: handshake, frames in and out, queues, limits, close in order. SPEC.md sections 7 and 9.4.
 *
 * A set holds all connections of a node and what they share. A connection is known by its conn_id; a pointer to one is
 * good until its `closed` handler returns. Everything runs on the loop thread.
 *
 * What is sent waits as plaintext, in two classes, and is encrypted when the socket takes it: so a video never delays a review by more than
 * CONN_FLIGHT_BYTES. Nothing leaves inside conn_send: the set flushes once in each turn of the loop. */
#ifndef QUIRE_DAEMON_CONN_H
#define QUIRE_DAEMON_CONN_H

#include "protocol/peer/channel.h"
#include "protocol/peer/engine.h"
#include "proxy.h"

#include <uv.h>

#define CONN_DIALS_MAX 64 /* dialled and not settled */
#define CONN_SPLICED_MAX 32 /* the engine pairs no more */
#define CONN_GOING_MAX 64 /* cut for a newcomer in this turn of the loop, and not yet gone */
#define CONN_SLOTS (LIMIT_CONNECTIONS + LIMIT_HALF_OPEN + CONN_DIALS_MAX + CONN_SPLICED_MAX + CONN_GOING_MAX)
#define CONN_READ_BYTES \
	131072u /* of the buffer that all connections of a loop read into, one after the other */
#define CONN_FLIGHT_BYTES 262144u /* encrypted and not yet taken by the kernel */
/* What may wait to be sent; the engine keeps far below. A peer that does not read is cut when it is reached. */
#define CONN_QUEUE_BYTES_MAX (32u << 20)
#define CONN_RELAY_IDLE_MS 180000
#define CONN_FLUSH_MS 2000 /* for what was queued before a close in order */
/* What one peer may make us read; above it we stop reading for a while, and TCP tells it. An honest peer at full speed
 * (blobs over a loopback: 20,000 chunks and 1.3 GB a second) stays below; one that sends many tiny messages does not. */
#define CONN_RATE_MESSAGES 50000u /* a second, and as many at once */
#define CONN_RATE_BYTES (2048ull << 20) /* a second; an eighth of it at once */
#define CONN_WHY_BYTES 160

struct conn;
struct conn_set;

struct conn_handlers {
	/* The handshake is complete. */
	void (*opened)(void *ctx, struct conn *c);
	/* body is borrowed for the call. */
	void (*message)(void *ctx, struct conn *c, uint8_t type, struct slice body);
	/* bytes of message bodies that left for the kernel; bulk: of the class that conn_send was given */
	void (*written)(void *ctx, struct conn *c, size_t bytes, bool bulk);
	/* Exactly once for each connection that was accepted or dialled, from the loop. OK: closed in order. */
	void (*closed)(void *ctx, struct conn *c, enum err e, const char *why);
	/* Before each flush, once in each turn of the loop: the place to say what is to be sent. */
	void (*turn)(void *ctx);
};

struct conn_env {
	uv_loop_t *loop;
	const struct noise_keypair *keys; /* must live as long as the set */
	struct random_source random;
	struct conn_handlers handlers;
	void *ctx;
	uint32_t handshake_ms; /* 0: LIMIT_HANDSHAKE_MS */
	const struct proxy_at
		*proxy; /* the way out; NULL or PROXY_NONE: there is none. Must live as long as the set */
	const char *no_proxy; /* the same; see proxy_passes_by() */
	uint64_t
		relay_rate; /* bytes that all spliced connections together pass on in a second; 0: no limit */
	uint32_t relay_idle_ms; /* silence that ends a spliced pair; 0: CONN_RELAY_IDLE_MS */
};

/* What a dialled connection is for. */
struct conn_dial {
	const struct sockaddr *address;
	const struct proxy_at *
		proxy; /* address is the proxy's, and it is asked for target; NULL: none. Must outlive the connection */
	struct address target;
	struct id32 remote, network;
	bool redeem;
	enum engine_relay relay; /* remote is a relay, and only until conn_renew(); then the id is another */
	struct id32 relay_node; /* ENGINE_RELAY_ASK: whom it leads to then */
	uint8_t secret[16]; /* of the invitation, or the relay's token */
	void (*moved)(void *ctx, conn_id id); /* conn_renew() gave it this id; may be NULL */
	/* After the set's closed handler; NULL: nobody waits. */
	void (*ended)(void *ctx, conn_id id, enum err e, const char *why);
	void *ctx;
};

/* ERR_MEMORY, ERR_IO. */
MUST_CHECK enum err conn_set_open(const struct conn_env *env, struct conn_set **out);
/* Closes all in order (bye CLOSED), accepts and dials no more, frees *s, then calls closed. */
void conn_set_close(struct conn_set *s, void (*closed)(void *ctx), void *ctx);
/* Connections made from now on are of this network; those of others are closed in order. */
void conn_set_network(struct conn_set *s, const struct id32 *network);
/* The proxy through which host is to be dialled; NULL: none. */
const struct proxy_at *conn_set_proxy(const struct conn_set *s, const char *host);
/* NULL: there is none, or it is on its way out. */
struct conn *conn_find(struct conn_set *s, conn_id id);
/* Is there a settled connection to this node? */
bool conn_set_has_peer(const struct conn_set *s, const struct id32 *node);
size_t conn_set_count(const struct conn_set *s);

/* Takes a connection that waits on the listener. Who knocks too often is closed at once; where there is no place, one that is half-open gives up its own. ERR_MEMORY: it still waits there. */
MUST_CHECK enum err conn_accept(struct conn_set *s, uv_stream_t *listener);
/* Copies *d. ERR_LIMIT: too many; ERR_MEMORY, ERR_CLOSED; ERR_UNREACHABLE: the system refuses at once. Then `ended` does not come. */
MUST_CHECK enum err conn_dial(struct conn_set *s, const struct conn_dial *d, conn_id *id);

conn_id conn_of(const struct conn *c);
const struct id32 *conn_peer(const struct conn *c); /* NULL before opened */
bool conn_initiator(const struct conn *c);
const struct conn_dial *conn_dialled(const struct conn *c); /* NULL if it was accepted */
const char *conn_address(const struct conn *c); /* of the other end */

/* Queues a message; takes *body. Bulk waits for all that is not (SPEC 9.4). Dropped when the connection is on its way out. */
void conn_send(struct conn *c, uint8_t type, bool bulk, struct buf *body);
/* Holds from the next message on, also from inside the handler of one; bytes that were read already are kept. */
void conn_pause(struct conn *c);
void conn_resume(struct conn *c);
/* The engine has let the peer in: it no longer counts as half-open. Above LIMIT_CONNECTIONS it is closed with bye LIMIT. */
void conn_settle(struct conn *c);
/* The relay that c was dialled to now passes bytes on: begins a new handshake over the same TCP connection, as the initiator with
 * relay_node, or as the responder (ENGINE_RELAY_ACCEPT), in the time of a first one. c gets a new id; it is known under the old one no more. */
void conn_renew(struct conn *c);
/* Passes bytes on between two accepted connections, unchanged, behind what was queued on each. Both are closed together. */
void conn_splice(struct conn *a, struct conn *b);
/* In order: what was queued is sent, at most for CONN_FLUSH_MS, then it is closed. May be called twice, and from its handlers. */
void conn_close(struct conn *c, enum err e, const char *why);
/* The same after a bye of our own with e's number. */
void conn_bye(struct conn *c, enum err e, const char *why);

#endif
