/* http_listen.h -- the listening sockets of the two doors. */
#ifndef QUIRE_HTTP_LISTEN_H
#define QUIRE_HTTP_LISTEN_H

#include "bytes.h"

/* "127.0.0.1:7412", "[::1]:7412" or "localhost:7412"; port 0 picks a free one. Only the loopback: what others shall reach goes through a
 * reverse proxy, which brings HTTPS.
 *   address  as bound
 * ERR_INPUT, ERR_EXISTS (taken), ERR_IO; why: one line for people. */
MUST_CHECK enum err http_listen_tcp(
	const char *text, int *fd, uint16_t *port, char address[80], char why[256]);
/* HOME/quire.sock, for its owner alone; a stale one is removed (the home's lock is ours).
 * ERR_INPUT: the path is longer than a socket's may be; ERR_IO. */
MUST_CHECK enum err http_listen_socket(const char *home, int *fd, char path[112], char why[256]);

#endif
