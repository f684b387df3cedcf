/* net.h -- the listener for peers: one TCP address, IPv4 or IPv6. The limits on who may come in are conn.h's. */
#ifndef QUIRE_DAEMON_NET_H
#define QUIRE_DAEMON_NET_H

#include "conn.h"

#define NET_WHY_BYTES 256

struct net;

/* listen: "127.0.0.1:7411", "[::]:0", or "off". ERR_INPUT: no numeric address; ERR_BUSY: taken; ERR_IO, ERR_MEMORY. */
MUST_CHECK enum err net_open(
	uv_loop_t *loop, struct conn_set *set, const char *listen, char why[NET_WHY_BYTES], struct net **out);
/* Takes nobody in before this is called; who comes earlier waits. */
void net_ready(struct net *n);
/* As bound; "off". Borrowed. */
const char *net_address(const struct net *n);
/* Can others dial net_address()? Not if it is off, or stands for all addresses of this machine. */
bool net_dialable(const struct net *n);
/* Frees *n. */
void net_close(struct net *n, void (*closed)(void *ctx), void *ctx);

#endif
