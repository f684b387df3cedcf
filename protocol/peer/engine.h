/* engine.h -- the node as a pure state machine: what it was told goes in, what must be done comes out, all as data.
 * SPEC.md sections 8 to 12 and 20.
 *
 * No I/O, no clock, no threads. Between sockets and the engine stands channel.h, which turns bytes into messages and back; so the
 * engine sees plain messages, and a fuzzer or simulator can leave the cipher out. Whoever drives it (the daemon's loop, the simulator):
 *
 *     engine_step(e, &in);  while (engine_next(e, &out)) do what out says;
 *
 * Store requests are answered in the order in which they were given; work in any order. A message that makes something known to others is
 * emitted only after the result of the store request that made it durable (SPEC 10.6). No step runs more than one signature's worth
 * of cryptography: runs and chunks are verified by work requests, which any thread may do with engine_work(). */
#ifndef QUIRE_ENGINE_H
#define QUIRE_ENGINE_H

#include "bytes.h"
#include "bounds.h"
#include "store_req.h"

struct engine;
struct keyset;
struct ranges;

struct engine_config {
	uint8_t instance[16]; /* new at each start */
	uint8_t seed
		[32]; /* secret, random, new at each start: what the engine draws by chance comes from it */
	struct id32 node; /* this node's key */
	struct id32 network; /* network id; zeros: none yet */
	struct id32 notice_key; /* SPEC 20.1 */
	const uint8_t
		*notice_secret; /* 32 bytes, borrowed for the engine's life; NULL: no notice is opened */
	char name[LIMIT_NAME_BYTES + 1];
	size_t addresses_n; /* told to peers in hello */
	char addresses[LIMIT_ADDRESSES][LIMIT_ADDRESS_BYTES + 1];
	uint64_t blob_bytes_max; /* larger blobs are not fetched; 0: no bound */
	bool gossip; /* keeps neighbours by itself and exchanges `peers` (SPEC 19.1, 19.2) */
	uint64_t redial_max_ms; /* longest pause between two tries to reach a member; 0: 60 s */
	uint64_t
		blob_quota; /* bytes of blobs held; beyond it only those of hosted identities are fetched; 0: no bound */
	bool relay; /* relays for members that reach nobody else */
	uint64_t blob_rate; /* bytes of chunks asked for per second, all peers together; 0: no bound */
	size_t reconcile_min; /* with no more rows a first listing is not reconciled; 0: 64 (SPEC 10.8) */
	uint64_t audit_ms; /* between two audits; 0: an hour (SPEC 10.9) */
};

typedef uint64_t conn_id; /* given by the driver; never used again */

/* ---- what goes in ---- */

/* What a connection that we dialled to a relay is for, SPEC 19.5. */
enum engine_relay { ENGINE_RELAY_NONE, ENGINE_RELAY_ASK, ENGINE_RELAY_ACCEPT };

enum engine_in_kind {
	ENGINE_IN_OPENED, /* a handshake is complete */
	ENGINE_IN_MESSAGE, /* one message of the channel; body borrowed for the step */
	ENGINE_IN_WRITTEN, /* bytes of message bodies that left for the kernel */
	ENGINE_IN_CLOSED, /* the connection is gone, for whatever reason */
	ENGINE_IN_STORED, /* *res: result of a store request; the engine takes its arena */
	ENGINE_IN_WORKED, /* *work: result of a work request; the engine takes it */
	ENGINE_IN_COMMAND, /* *cmd: see below */
	ENGINE_IN_UNREACHED, /* peer: none of its addresses led to it; the answer to ENGINE_OUT_DIAL, if no OPENED is */
	ENGINE_IN_TIME, /* nothing but the time: when engine_deadline() is reached */
};

struct engine_cmd;
struct engine_work;

struct engine_in {
	enum engine_in_kind kind;
	uint64_t now_ms; /* monotonic, never less than last time */
	uint64_t wall_s; /* wall clock: only for hours in headers and for expiry of invitations */
	conn_id conn;
	/* OPENED */
	struct id32 peer; /* the peer's node key */
	bool initiator; /* we dialled */
	bool redeem; /* we dialled with an invitation: its secret follows */
	enum engine_relay relay;
	struct id32 relay_node; /* ASK: whom we want to reach */
	uint8_t secret[16]; /* of the invitation; ACCEPT: the token */
	/* MESSAGE */
	uint8_t type;
	struct slice body;
	/* WRITTEN */
	size_t bytes;
	bool bulk; /* the class that ENGINE_OUT_SEND gave */
	/* STORED, WORKED, COMMAND */
	struct store_res *res;
	struct engine_work *work;
	struct engine_cmd *cmd;
};

/* ---- commands of this node's people; each is answered by one ENGINE_EVENT_ANSWER with its tag ---- */

enum engine_cmd_kind {
	ENGINE_CMD_APPEND, /* write one entry: log, flags, scope, envelope, body, device_secret -> ref */
	ENGINE_CMD_OWN, /* this node writes log (identity, device_key): its key events were put before */
	ENGINE_CMD_KEYS, /* key events made here: identity, events[events_n] in sending order; checked, stored, announced */
	ENGINE_CMD_FOLLOW, /* identity, flag (true add, false remove), hosted */
	ENGINE_CMD_ERASE, /* statement (176 bytes) */
	ENGINE_CMD_FIND, /* ask all open peers for an identity by its root key (id) until one knows it: follows it -> identity; ERR_NOT_FOUND */
	ENGINE_CMD_PEER_REMOVED, /* node: close its connections */
	ENGINE_CMD_BLOB_WANT, /* look for missing blobs again */
	ENGINE_CMD_ADMISSIONS, /* answered once the peers table fits what the network's entries say */
	ENGINE_CMD_PEERS, /* the peers table was changed beside the engine */
	ENGINE_CMD_HEARD, /* node can be reached at addresses[addresses_n], as was heard here (flag: on the local network): kept, and dialled at once; ERR_NOT_FOUND: no member, ERR_STATE: no gossip */
	ENGINE_CMD_NETWORK, /* id: the network this node now belongs to; closes all connections */
	ENGINE_CMD_SEEK, /* log, seq, id: an entry behind the end of its log, which something that counts names: peers are asked for it (SPEC 10.10). ERR_EXISTS: it is sought already; ERR_LIMIT: too many are */
	ENGINE_CMD_NOTICE, /* body (sealed), expires_hour, identity (the author), node (that it is for): kept and spread; ERR_EXISTS, ERR_INPUT */
};

struct engine_cmd {
	enum engine_cmd_kind kind;
	uint64_t tag;
	struct id32 log, identity, device_key, node, id;
	uint64_t seq;
	uint8_t flags; /* ENTRY_FLAG_… */
	uint8_t scope[16];
	uint32_t expires_hour;
	struct slice envelope, body, statement; /* borrowed for the step */
	const uint8_t *device_secret; /* 64 bytes, borrowed for the step; used to sign, not kept */
	const struct store_keyevent *events;
	size_t events_n;
	bool flag, hosted;
	const struct slice *addresses; /* borrowed for the step */
	size_t addresses_n;
};

/* ---- work: cryptography and blob files, for the pool ---- */

enum engine_work_kind {
	WORK_RUN, /* verify a run: log, first, device_key, n, headers, signature, parts -> err, prev, last */
	WORK_CHUNKS, /* do the n chunks from `index` hash to `leaves` (whole: does this one chunk make `root`, for owner identity and size? -> leaf)? then, if `file`, write those that do to the growing file -> done_n, err of the first that is not done (HASH: the peer lied; IO, FULL: ours) */
	WORK_READ, /* read the n chunks from `index` of the complete or growing file -> bytes, done_n, err of the first that cannot be read */
	WORK_SYNC, /* fdatasync the growing file -> err */
	WORK_PUBLISH, /* fsync, final name, fsync the folder -> err */
	WORK_REMOVE, /* remove a dropped blob's files */
	WORK_KEYS, /* check key events: a new set from held (trusted) and events (to check) -> keys, added (0: the set is as it was), err of the first that fails */
	WORK_BODY, /* does the body `bytes` belong to the header in `headers`? -> err */
	WORK_STATEMENTS, /* check n erasure statements by their signing keys -> good[n] */
	WORK_RANGES, /* n rows become items of ranges; last_page: then they are sorted -> ranges, err */
};

#define WORK_CHUNKS_MAX 8u /* in one request */

struct engine_work {
	enum engine_work_kind kind;
	uint64_t tag;
	enum err err; /* result */
	struct arena mem; /* holds what the pointers below show to */
	/* RUN */
	struct id32 log, device_key;
	uint64_t first;
	size_t n;
	const uint8_t *headers, *signature; /* signature NULL: `closing` or `fork_prev` must name an entry */
	struct id32 closing, fork_prev; /* zeros: none */
	struct entry_part *parts;
	struct id32 prev,
		last; /* results, and n: how many entries hold; fork_n: of these, before the fork, or 0 */
	size_t fork_n;
	/* blobs */
	struct id32 root, leaf;
	const struct id32 *leaves; /* n of them */
	uint64_t index, size; /* size: plain bytes of the blob */
	bool file, whole;
	struct slice bytes; /* CHUNKS: in, all of the same length; READ: out. One behind the other */
	size_t done_n; /* result: so many chunks, from the first */
	/* KEYS */
	struct id32 identity;
	const struct store_keyevent *held, *events;
	size_t held_n, events_n, added;
	struct keyset *keys; /* result; NULL on error; the engine takes it */
	/* STATEMENTS */
	const struct slice *statements;
	const struct id32 *signers;
	bool *good;
	/* RANGES */
	struct store_row *rows;
	struct ranges *ranges; /* in and out; the engine takes it */
	bool last_page;
};

/* Does the pure part of a work request (RUN, KEYS, STATEMENTS, RANGES, and the hash of CHUNKS); the driver does the files. Any thread. */
void engine_work_hash(struct engine_work *w);
void engine_work_free(struct engine_work *w);

/* ---- what comes out ---- */

enum engine_out_kind {
	ENGINE_OUT_SEND, /* send (type, body) on conn; the driver frees body with buf_free; bulk: behind all that is not (SPEC 9.4) */
	ENGINE_OUT_CLOSE, /* after what was given to send: close conn */
	ENGINE_OUT_PAUSE, /* stop reading conn: enough is under way */
	ENGINE_OUT_RESUME,
	ENGINE_OUT_SPLICE, /* after what was given to send: pass bytes on between conn and other, unchanged, until both are CLOSED */
	ENGINE_OUT_RENEW, /* conn, that we dialled to a relay, leads to another node now: CLOSED, then a new handshake and OPENED under another id */
	ENGINE_OUT_STORE, /* req, given to the driver; answer with ENGINE_IN_STORED */
	ENGINE_OUT_WORK, /* work, given to the driver; answer with ENGINE_IN_WORKED */
	ENGINE_OUT_DIAL, /* node: try all its addresses in turn; answer with one ENGINE_IN_OPENED as initiator, or ENGINE_IN_UNREACHED */
	ENGINE_OUT_EVENT, /* event: for logs, pages and whoever waits */
};

enum engine_event_kind {
	ENGINE_EVENT_READY, /* loaded from the store; connections may be opened from now on */
	ENGINE_EVENT_ANSWER, /* to a command: tag, err, log, seq, id, identity */
	ENGINE_EVENT_PEER_OPEN, /* conn, node: hello exchanged; text: its name */
	ENGINE_EVENT_PEER_CLOSED, /* conn, node, err, text: why, in words */
	ENGINE_EVENT_JOINED, /* our invitation was accepted: node, id (network), text: the inviter's name, ids: its roots */
	ENGINE_EVENT_REDEEMED, /* somebody used an invitation of ours: node, text (name) */
	ENGINE_EVENT_INTRODUCED, /* a member let somebody in, who waits now for the network's owner: node, text (name), id (who introduced it) */
	ENGINE_EVENT_ENTRY, /* entries were committed: log, identity, seq (first), count */
	ENGINE_EVENT_KEYS, /* key events of identity changed */
	ENGINE_EVENT_SYNCED, /* everything a peer listed is committed here: node, count (entries taken since it opened) */
	ENGINE_EVENT_PROGRESS, /* node, count (entries still to come): a few times a second while a peer's entries are taken */
	ENGINE_EVENT_BLOB, /* id (root), count (chunks held), total (chunks); count == total: complete */
	ENGINE_EVENT_FORK, /* log, seq: proven */
	ENGINE_EVENT_OWN_OLD, /* a peer holds more of our own log than we do: log, identity. It is retired; write what is on the side table again */
	ENGINE_EVENT_CLONE, /* node: a second node runs with this key (ours, if node is our own) */
	ENGINE_EVENT_RELAY_OFFER, /* somebody wants to reach us through node: dial it with the token in id's first 16 bytes (ENGINE_RELAY_ACCEPT) */
	ENGINE_EVENT_GUEST, /* identity is followed because of a notice to id, which node brought */
	ENGINE_EVENT_STORE_ERROR, /* err: full, damaged …: what was asked is kept or refused, see text */
};

struct engine_event {
	enum engine_event_kind kind;
	uint64_t tag;
	enum err err;
	conn_id conn;
	struct id32 node, log, identity, id;
	uint64_t seq, count, total, bytes;
	size_t ids_n;
	struct id32 ids[LIMIT_ROOTS];
	char text[201];
};

struct engine_out {
	enum engine_out_kind kind;
	conn_id conn, other;
	uint8_t type;
	bool bulk;
	struct buf body;
	struct store_req *req; /* malloc'ed; the driver frees it (store_req_free, free) when it is answered */
	struct engine_work *work;
	struct id32 node;
	struct engine_event event;
};

/* ---- life ---- */

/* NULL: out of memory. The first steps load what it needs from the store. */
struct engine *engine_new(const struct engine_config *c);
void engine_free(struct engine *e);

/* Feeds one input. Whatever a peer sends, only its own connection suffers. */
void engine_step(struct engine *e, const struct engine_in *in);
/* Takes the next output; false: none. */
bool engine_next(struct engine *e, struct engine_out *out);
/* When to call with ENGINE_IN_TIME at the latest; UINT64_MAX: never. */
uint64_t engine_deadline(const struct engine *e);

/* For status pages: a copy of what is known about each open connection; n at most max. */
struct engine_peer_info {
	conn_id conn;
	struct id32 node;
	char name[LIMIT_NAME_BYTES + 1];
	bool open, initiator, synced;
	uint64_t entries_to_come, entries_taken, blobs_to_come;
};
/* Blobs that the quota keeps from being fetched, as of the last look at all. */
uint64_t engine_blobs_refused(const struct engine *e);
size_t engine_peers(const struct engine *e, struct engine_peer_info *out, size_t max);

#endif
