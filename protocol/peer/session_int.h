/* session_int.h -- what session.c (from the handshake to the end, and each message to its place), session_hello.c and session_join.c share. */
#ifndef QUIRE_SESSION_INT_H
#define QUIRE_SESSION_INT_H

#include "engine_int.h"

/* ---- session.c */
/* One way only: stranger, hello, open, closed. */
void session_move(struct session *s, enum session_state to);
/* What came while the store was asked who it is: taken now, or thrown away. */
void session_replay(struct session *s, bool deliver);

/* ---- session_hello.c */
/* peer: what is kept of it; NULL: nothing yet. May close the session. */
void session_send_hello(struct session *s, const struct store_peer *peer);
/* Closes it. res: peer_admitted() said no to it. */
void session_not_admitted(struct session *s, const struct store_res *res);
void session_on_hello(struct session *s, const struct message_hello *m);
void session_on_clone(struct session *s, const struct message_clone *m);
void session_on_pong(struct session *s, const struct message_pong *m);

/* ---- session_join.c */
void session_on_redeem(struct session *s, const struct message_redeem *m);
void session_on_welcome(struct session *s, const struct message_welcome *m);

#endif
