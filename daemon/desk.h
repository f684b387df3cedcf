/* desk.h -- work in sequence over a node that answers later: ask the store, command the engine, use the pool, one line after the other.
 *
 * Two kinds: in the daemon a desk is a thread of its own that runs only while the loop waits for it, so that nothing runs at the same
 * time as the loop (task.h); without a daemon (`quire init`) it drives a store and an engine itself (setup.c). What is written against a desk serves both. */
#ifndef QUIRE_DAEMON_DESK_H
#define QUIRE_DAEMON_DESK_H

#include "node.h"
#include "protocol/log/identity.h"

struct desk;

#define DESK_THINGS 64 /* locks for things; those of different ones may be the same */
enum desk_lock {
	DESK_LOCK_KEYS,
	DESK_LOCK_SHARES,
	DESK_LOCK_THINGS,
	DESK_LOCKS = DESK_LOCK_THINGS + DESK_THINGS
};

struct desk_ops {
	void (*store)(struct desk *d, struct store_req *req, struct store_res *res);
	void (*command)(struct desk *d, struct engine_cmd *cmd, struct engine_event *answer);
	void (*work)(struct desk *d, void (*fn)(void *ctx), void *ctx);
	void (*read)(struct desk *d, node_read_fn fn, void *ctx);
	void (*lock)(struct desk *d, enum desk_lock which, bool take);
};

struct desk {
	const struct desk_ops *ops;
	const char *home;
	const struct node_keys *keys;
	struct node *node; /* NULL: there is no daemon */
};

/* Takes req->mem; what req borrows must live until this returns. Returns res->err; free res with store_res_free, also on error. */
MUST_CHECK enum err desk_store(struct desk *d, struct store_req *req, struct store_res *res);
/* The same where only the error counts. */
MUST_CHECK enum err desk_put(struct desk *d, struct store_req *req);
/* Returns answer->err. */
MUST_CHECK enum err desk_command(struct desk *d, struct engine_cmd *cmd, struct engine_event *answer);
/* fn on a pool thread. */
void desk_work(struct desk *d, void (*fn)(void *ctx), void *ctx);
/* fn on a pool thread, with a store that is read-only. */
void desk_read(struct desk *d, node_read_fn fn, void *ctx);
/* One desk at a time between the two: what changes keys or begins logs. Not nested. */
void desk_lock(struct desk *d);
void desk_unlock(struct desk *d);
/* The same for what hands keys on (SPEC 16.4), so that two do not hand on the same. Taken before the other, if both are. */
void desk_lock_shares(struct desk *d);
void desk_unlock_shares(struct desk *d);
/* The same about one thing: for who looks whether something was done before he does it, so that two do not find at once that it was not.
 * Taken before the others, and not about two things. */
void desk_lock_on(struct desk *d, const struct id32 *thing);
void desk_unlock_on(struct desk *d, const struct id32 *thing);

/* meta: 32 bytes. ERR_NOT_FOUND: not set. */
MUST_CHECK enum err desk_meta_id(struct desk *d, const char *key, struct id32 *out);
MUST_CHECK enum err desk_meta_put(struct desk *d, const char *key, struct slice value);
/* The key events of an identity as a set. ERR_NOT_FOUND. */
MUST_CHECK enum err desk_keyset(struct desk *d, const struct id32 *identity, struct keyset **ks);
/* The same from an open store, on any thread. */
MUST_CHECK enum err desk_keyset_read(struct store *s, const struct id32 *identity, struct keyset **ks);
/* An answer of STORE_IDENTITY_GET as a set. */
MUST_CHECK enum err desk_keyset_build(
	const struct store_res *res, const struct id32 *identity, struct keyset **ks);

/* Randomness of the operating system, as protocol/ wants it. */
extern const struct random_source desk_random;

#endif
