/* setup.h -- makes a home without a daemon: database, node keys, network, first identity. `quire init`. */
#ifndef QUIRE_DAEMON_SETUP_H
#define QUIRE_DAEMON_SETUP_H

#include "identities.h"

struct setup {
	const char *home;
	const char *name; /* of the node, the first identity and the network; 1 to LIMIT_NAME_BYTES bytes */
	enum identity_kind kind;
	struct slice passphrase;
	bool recover; /* a node alone: no identity, no network until it joins one */
};

struct setup_out {
	struct id32 node;
	/* zeros with `recover` */
	struct id32 identity, network;
	char did[DID_BYTES];
	char code[RECOVERY_TEXT_BYTES]; /* secret: show it once, wipe it */
};

/* why: one line for people on error. Takes seconds, and 64 MiB. ERR_EXISTS: there is a home; ERR_INPUT: name, passphrase; ERR_IO, ERR_FULL, ERR_MEMORY. */
MUST_CHECK enum err setup_home(const struct setup *in, struct setup_out *out, char why[256]);

#endif
