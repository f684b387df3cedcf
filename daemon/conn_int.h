/* conn_int.h -- what the parts of conn share: conn.c (life), conn_io.c (bytes), conn_proxy.c, conn_pipe.c, conn_set.c (all of them), conn_door.c (places). */
#ifndef QUIRE_DAEMON_CONN_INT_H
#define QUIRE_DAEMON_CONN_INT_H

#include "address.h"
#include "conn.h"
#include "door.h"

enum conn_state {
	CONN_DIALLING, /* TCP */
	CONN_PROXY, /* TCP stands to a proxy, which is asked for the way on */
	CONN_HANDSHAKE,
	CONN_OPEN,
	CONN_PIPE, /* bytes are passed on to `other` */
	CONN_FLUSHING, /* closing in order: what is queued leaves, what arrives is dropped */
	CONN_CLOSING, /* the handles are on their way */
	CONN_STATES,
};

struct conn_item {
	struct conn_item *next;
	struct buf body;
	uint8_t type;
};

struct conn_queue {
	struct conn_item *first, **last;
};

struct conn {
	struct conn_set *set;
	conn_id id; /* 0: refused at the door, nobody has heard of it */
	enum conn_state state;
	uv_tcp_t tcp;
	uv_timer_t deadline; /* of the handshake, later of the flush */
	uv_timer_t refill; /* when reading goes on after the peer used up its rate */
	int handles; /* not closed yet */

	bool responds; /* dialled, but the other end begins the handshake: a relay is between */
	struct conn *other; /* in CONN_PIPE */
	bool piped; /* what was queued before has left */
	bool accepted, known, settled; /* known: the handshake is complete, peer is its key */
	struct id32 peer;
	struct conn_dial dial; /* address is not kept */
	struct id32 network;
	uint8_t source[8];
	char address[ADDRESS_TEXT_BYTES];
	uv_connect_t connect;
	struct proxy *proxy; /* in CONN_PROXY */
	struct channel channel;

	bool paused, throttled, ended; /* ended: the peer sends nothing more */
	bool resumed; /* but what was kept over the pause is not yet given out */
	struct buf rest;
	uint64_t filled_ms;
	int64_t messages_left, bytes_left;

	struct conn_queue urgent, bulk;
	size_t queued_bytes;
	uv_write_t write;
	struct buf in_flight; /* of the one write that is under way */
	size_t in_flight_bodies, in_flight_bulk; /* bytes of bodies: urgent ones, bulk */
	bool writing, dirty, shut;
	struct conn *next_dirty;
	uv_shutdown_t shutdown;

	enum err err;
	char why[CONN_WHY_BYTES];
};

struct conn_set {
	struct conn_env env;
	struct id32 network;
	struct conn *slots[CONN_SLOTS];
	size_t alive; /* with those refused at the door */
	uint64_t generation;
	struct door door;
	struct conn *dirty;
	int64_t relay_left; /* of relay_rate */
	uint64_t relay_ms;
	uv_prepare_t prepare;
	bool closing;
	void (*closed)(void *ctx);
	void *closed_ctx;
	uint8_t read_buffer[CONN_READ_BYTES];
};

/* conn.c */
struct conn *conn_new(struct conn_set *s);
/* Something broke: closes without flushing. The first reason stays. */
void conn_cut(struct conn *c, enum err e, const char *why);
void conn_move_to(struct conn *c, enum conn_state to);
/* TCP stands: the handshake begins. */
void conn_begin(struct conn *c);
/* A responder, or an initiator, has done its part of the handshake. */
void conn_established(struct conn *c);

/* conn_io.c */
void conn_io_init(struct conn *c);
void conn_io_deinit(struct conn *c);
void conn_read(struct conn *c); /* starts or stops reading, as the state asks */
void conn_flush(struct conn *c);
/* In a turn of the loop: gives out what was kept over a pause. */
void conn_feed_rest(struct conn *c);
void conn_mark_dirty(struct conn *c);
/* Reads nothing more for so long. */
void conn_throttle(struct conn *c, uint64_t ms);

/* conn_proxy.c */
void conn_proxy_begin(struct conn *c);
/* Takes what is the proxy's from *in; begins the handshake when the way is open. */
void conn_proxy_feed(struct conn *c, struct slice *in);
void conn_proxy_free(struct conn *c);

/* conn_pipe.c */
void conn_pipe_feed(struct conn *c, struct slice in);
void conn_pipe_ready(struct conn *c);
void conn_pipe_ended(struct conn *c, int status);
void conn_pipe_end(struct conn *c);
bool conn_pipe_reads(const struct conn *c);

/* conn_set.c */
/* c gets another id; its place stays. */
void conn_set_rename(struct conn_set *s, struct conn *c);
/* ERR_LIMIT. */
MUST_CHECK enum err conn_set_add(struct conn_set *s, struct conn *c);
/* As if it had never been added. */
void conn_set_forget(struct conn_set *s, struct conn *c);
/* c's last handle is closed: out of the set. */
void conn_set_remove(struct conn_set *s, struct conn *c);
size_t conn_set_settled(const struct conn_set *s);

/* conn_door.c */
/* One that is half-open may have to go for newcomer, who was accepted. ERR_LIMIT: nobody can. */
MUST_CHECK enum err conn_make_room(struct conn_set *s, const struct conn *newcomer);

#endif
