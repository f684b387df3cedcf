/* keyring.h -- the unlocked secrets of a session: one identity's, and its network's if it made one. In memory that is locked and wiped.
 *
 * `quire init` makes both from one recovery code, under one passphrase, and the code brings both to another node; meta "network_owner" and "network_own" say which belong together. */
#ifndef QUIRE_DAEMON_KEYRING_H
#define QUIRE_DAEMON_KEYRING_H

#include "keyfile.h"

struct keyring {
	struct owner self;
	bool has_network;
	struct owner network;
};

/* NULL: out of memory. */
struct keyring *keyring_new(void);
void keyring_free(struct keyring *k);

/* Opens the key files of identity and, if network is not NULL, of its network. Slow: not on the loop. Errors of keyfile_open. */
MUST_CHECK enum err keyring_open(const char *home, const struct id32 *identity, const struct id32 *network,
	struct slice passphrase, struct keyring **out);

#endif
