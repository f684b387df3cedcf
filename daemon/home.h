/* home.h -- the folder of a node: where things lie in it, its lock, and the node's own keys.
 *
 * Every `why` is one line for people: what happened and what to do. */
#ifndef QUIRE_DAEMON_HOME_H
#define QUIRE_DAEMON_HOME_H

#include "node.h"

#define HOME_PATH_BYTES 4200 /* of a path in the home, with NUL */
#define HOME_SOCKET_BYTES 108 /* of a Unix socket's path, with NUL: what sockaddr_un holds */
#define HOME_WHY_BYTES 256

/* home/name. ERR_LIMIT: too long. */
MUST_CHECK enum err home_path(const char *home, const char *name, char out[HOME_PATH_BYTES]);
/* home/quire.sock. ERR_LIMIT: longer than a socket's path may be. */
MUST_CHECK enum err home_socket(const char *home, char out[HOME_SOCKET_BYTES], char why[HOME_WHY_BYTES]);

/* Makes the folder (0700, with those above it), blobs/, keys/ and keys/node with fresh keys (0600), durably.
 * ERR_EXISTS: it has keys already; ERR_IO, ERR_FULL, ERR_LIMIT. */
MUST_CHECK enum err home_create(const char *home, char why[HOME_WHY_BYTES]);

/* One process at a time. The lock goes with the process. ERR_BUSY: another has it; ERR_NOT_FOUND: no such folder; ERR_IO. */
MUST_CHECK enum err home_lock(const char *home, int *fd, char why[HOME_WHY_BYTES]);
void home_unlock(int *fd); /* -1 is accepted, and left there */

/* keys/node. Secrets: wipe *keys. ERR_NOT_FOUND: no home; ERR_INPUT: others can read it; ERR_CORRUPT, ERR_IO. */
MUST_CHECK enum err home_keys(const char *home, struct node_keys *keys, char why[HOME_WHY_BYTES]);

#endif
