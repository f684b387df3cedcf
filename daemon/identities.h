/* identities.h -- identities of this node: made, recovered, shown. SPEC.md sections 2 and 3. On a desk. */
#ifndef QUIRE_DAEMON_IDENTITIES_H
#define QUIRE_DAEMON_IDENTITIES_H

#include "ownlog.h"

#define DID_BYTES 64 /* did:key of an Ed25519 key, with NUL */
#define PROFILE_NAME_BYTES 201 /* with NUL */

struct identity_new {
	enum identity_kind kind;
	const uint8_t *entropy; /* RECOVERY_ENTROPY_BYTES */
	enum recovery_label label;
	const char *name; /* of its profile */
	bool followed; /* false: the network's, which every node follows by itself */
};

/* Makes an identity that this node hosts: key file, key events, log, profile. o->lock: ready (keyfile_lock_new); the rest is filled in. Takes the desk's lock. */
MUST_CHECK enum err identities_make(struct desk *d, const struct identity_new *in, struct owner *o);
/* Finds the identity of a recovery code at connected peers (or here), opens its secrets, begins a log here. o as above.
 * ERR_NOT_FOUND: no peer knows it; ERR_UNREACHABLE: no peer is connected; ERR_DECRYPT. */
MUST_CHECK enum err identities_recover(
	struct desk *d, const uint8_t entropy[RECOVERY_ENTROPY_BYTES], struct owner *o);
/* SPEC 2.2: "One code serves an identity and the network made with it": the same for the network that this node belongs to, which `owner` owns here
 * from his next sign-in on. ERR_NOT_FOUND: it was not made with this code. On a daemon's desk. */
MUST_CHECK enum err identities_recover_network(struct desk *d, const uint8_t entropy[RECOVERY_ENTROPY_BYTES],
	const struct id32 *owner, struct owner *o);
/* Notes whose network it is: what keyring.h says. */
MUST_CHECK enum err identities_own_network(
	struct desk *d, const struct id32 *network, const struct id32 *owner);
/* Names this node as one that serves the identity, unless it is named already. */
MUST_CHECK enum err identities_host(struct desk *d, const struct owner *o, struct keyset *ks);

/* "did:key:z6Mk…" */
void identities_did(const struct id32 *badge_key, char out[DID_BYTES]);
/* "person", "school" … NULL: unknown. */
const char *identities_kind_name(unsigned kind);
/* ERR_INPUT; network is not among what people may make. */
MUST_CHECK enum err identities_kind_parse(const char *name, enum identity_kind *kind);
/* The name in the newest profile that anybody can read; empty: none. As it came: clean it before showing. Any thread. */
void identities_name(struct store *s, const struct id32 *identity, char out[PROFILE_NAME_BYTES]);

#endif
