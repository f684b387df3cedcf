/* ownlog.h -- the log that this node writes for an identity: begin it, append to it, and begin another when it may not be written any more.
 * SPEC.md sections 4.1, 4.4 and 10.5. On a desk. */
#ifndef QUIRE_DAEMON_OWNLOG_H
#define QUIRE_DAEMON_OWNLOG_H

#include "desk.h"
#include "keyfile.h"

/* One entry to be. Borrowed. */
struct draft {
	uint8_t flags;
	uint8_t scope[16];
	struct slice envelope, body;
};

/* The log of the owner's device. */
struct id32 ownlog_id(const struct owner *o);

/* Adds an event made here to *ks, to the store, and to what peers get. Frees ev. made: the result of making it; returned if not OK. */
MUST_CHECK enum err ownlog_put_event(
	struct desk *d, struct keyset *ks, struct identity_event *ev, enum err made);
/* The device is in ks and in the store: this node writes its log, with entry 0. */
MUST_CHECK enum err ownlog_begin(struct desk *d, const struct owner *o, const struct keyset *ks);
MUST_CHECK enum err ownlog_append(
	struct desk *d, const struct owner *o, const struct draft *draft, struct entry_ref *ref);
/* In the clear. ref may be NULL. */
MUST_CHECK enum err ownlog_append_record(
	struct desk *d, const struct owner *o, uint8_t flags, struct slice record, struct entry_ref *ref);

/* Makes sure that o's log may be written: else a new device and a new log, its keys in the key file first. Then writes again what lies aside, each
 * entry with `was`. Also takes up secrets that were published since the file was written. Takes the desk's lock. *again: how many were written again.
 * ERR_LOCKED: the signing key is not known here (a newer generation; use the recovery code). */
MUST_CHECK enum err ownlog_ensure(struct desk *d, struct owner *o, size_t *again);

#endif
