/* store_req.h -- what the engine and the daemon ask of the store, and what it answers, as plain data.
 *
 * protocol/ emits a struct store_req, the daemon (or the simulator) hands it to store_exec(), and the struct store_res goes back.
 * The store knows nothing of meaning: who may write what was decided before. It does refuse what would break its own order
 * (a run that does not continue the log: ERR_CHAIN; a body that is erased: ERR_ERASED).
 * Every write gets, inside its transaction, the next change number where it changes what peers see (SPEC 10.2).
 *
 * Memory: everything a request or result points to lives in its own arena, or is borrowed by whoever made it until it is done;
 * store_req_free / store_res_free free the arena. */
#ifndef QUIRE_STORE_REQ_H
#define QUIRE_STORE_REQ_H

#include "arena.h"
#include "bytes.h"
#include "bounds.h"
#include "fact.h"

enum store_op {
#define STORE_OP(name, writes) STORE_##name,
#include "store_ops.def"
#undef STORE_OP
	STORE_OP_COUNT
};

#define SOUGHT_SIDE_MAX \
	4096u /* entries of one log that lie aside, before none is kept there any more because it was sought */

/* Where a peer's right to be here comes from. */
enum peer_origin {
	PEER_INVITED = 0, /* it redeemed an invitation of ours */
	PEER_INVITER = 1, /* we redeemed an invitation of its */
	PEER_ADMITTED = 2, /* the network's log admits it */
	PEER_REMOVED =
		3, /* taken out: by the operator, never in again but by a new invitation or his pardon; by the network, until it admits it anew */
};

/* Life of a log that this node writes. */
enum own_state {
	OWN_NONE = 0, /* somebody else writes it */
	OWN_ACTIVE = 1,
	OWN_RETIRED = 2, /* restored, copied, rolled back or closed: never append again */
};

struct store_peer {
	struct id32 node;
	enum peer_origin origin;
	char name[LIMIT_NAME_BYTES + 1];
	size_t addresses_n;
	char addresses[LIMIT_ADDRESSES][LIMIT_ADDRESS_BYTES + 1];
	uint8_t cursor_instance[16]; /* zeros: none */
	uint64_t cursor;
	struct id32 follows_version; /* SUM of the stored follow set of this peer */
	bool follows_known;
	uint64_t seen_s; /* wall seconds of the last hello, 0 never */
	/* What others tell of it (SPEC 19.2). heard: newest first, without those that it told of itself; heard_here: on the local network. */
	size_t heard_n, through_n;
	bool heard_here[LIMIT_ADDRESSES];
	char heard[LIMIT_ADDRESSES][LIMIT_ADDRESS_BYTES + 1];
	struct id32 through[LIMIT_ADDRESSES]; /* relays through which it can be reached */
	bool relaying; /* it relays for others */
	bool own_word; /* it said itself whether it does */
	uint64_t told_s; /* when it was last connected, as the newest of them said; 0: nobody told */
	struct id32 introducer; /* whom the admission in force names; zeros: none */
};

struct store_keyevent {
	struct slice bytes, signatures;
	struct id32 id;
};

/* One device log of an identity, as the key events in force say. */
struct store_device {
	struct id32 log, device_key;
	bool direct;
	size_t direct_n;
	struct id32 direct_nodes[LIMIT_DIRECT];
	bool closed;
	uint64_t closed_length;
	struct id32 closed_last;
};

struct store_log {
	struct id32 log, identity, device_key;
	uint64_t length; /* entries held in chain order, 0.. */
	struct id32 last; /* id of the last one; zeros if length is 0 */
	struct id32 erased_sum; /* SPEC 10.3: over entries below end */
	uint64_t fork_seq1; /* lowest proven fork + 1, or 0 */
	uint64_t end; /* how many entries count (SPEC 4.4), and are listed and served */
	struct id32 end_last; /* id of entry end - 1; zeros if end is 0 */
	uint64_t gaps; /* headers without body or statement */
	enum own_state own;
	uint64_t held_from; /* own: entries from here on were never announced; UINT64_MAX: none (SPEC 10.5) */
	uint64_t change; /* number of the last change */
	bool direct;
	uint64_t bytes; /* of bodies held */
};

struct store_pin {
	uint64_t seq;
	struct id32 root;
	uint64_t size;
};

/* One entry of a run. */
struct store_part {
	const uint8_t *header; /* 162 bytes */
	struct slice envelope;
	uint8_t kind; /* BODY_HERE 1, BODY_ERASED 2, BODY_ABSENT 3, BODY_WITHHELD 4 */
	struct slice bytes; /* body or statement */
};

struct store_row {
	uint8_t kind; /* 0 identity, 1 log: SPEC 10.3 */
	uint64_t number;
	struct id32 identity;
	uint64_t count; /* key events */
	struct id32 sum; /* key events, or erased */
	struct id32 log, last;
	uint64_t length; /* what counts: store_log.end */
	uint64_t fork_seq1;
	bool own_held; /* own log with entries not yet announced */
	bool whole; /* no body is missing */
	bool direct;
	/* ROWS */
	uint64_t ref; /* names the row as long as the database lives; identities before logs */
	bool common; /* an item of section 10.8: both nodes follow it, and both are named if it is direct */
};

enum blob_state { BLOB_WANTED = 0, BLOB_META = 1, BLOB_PARTIAL = 2, BLOB_COMPLETE = 3 };

struct store_blob {
	struct id32 root, owner;
	uint64_t size; /* plain bytes */
	enum blob_state state;
	bool in_rows; /* content is in SQLite, not in a file */
	struct slice pages; /* 32 bytes each, empty while WANTED */
	struct slice
		have; /* bitmap, bit i = byte i/8, mask 1 << (i%8); empty while nothing is held; ignored when COMPLETE */
	uint64_t have_n; /* chunks held */
	uint64_t pins; /* entries that pin it */
	uint64_t no; /* row: ascending in a list */
	bool hosted; /* in a list of incomplete ones: its owner lives here, or somebody who names it */
};

struct store_invite {
	struct id32 hash;
	uint32_t expires_hour;
	uint32_t uses_left;
	char note[LIMIT_NAME_BYTES + 1];
	uint64_t made_s;
	size_t used_n; /* in lists: by whom */
	struct id32 *used_by;
};

/* Whom this node follows, and why. */
struct store_follow {
	struct id32 identity;
	bool hosted, guest; /* neither: somebody here said so */
	/* A guest (SPEC 20.3), because of a notice: for whom, which neighbour brought it, since when, when it was last of use */
	struct id32 reader, link;
	uint64_t since_s, used_s;
};

/* Somebody whom a member introduced, and whom the network has not admitted (SPEC 8.4). */
struct store_introduction {
	struct id32 node, introducer;
	char name[LIMIT_NAME_BYTES + 1];
	uint64_t since_s;
	bool refused; /* by the operator: it does not wait any more */
};

/* What an entry of the network's says of a node (SPEC 8.2). */
struct store_admission {
	struct id32 log, node, introducer; /* introducer: zeros if nobody */
	uint64_t seq;
	bool ended;
};

struct store_notice {
	struct id32 id, link;
	uint32_t expires_hour;
	struct slice bytes;
};

/* Why a search found a fact. */
struct store_hit {
	enum fact_text field; /* where it matched best */
	struct slice snippet; /* of that field, the words found between \1 and \2 */
};

struct store_req {
	enum store_op op;
	uint64_t tag; /* the asker's; returned */
	struct arena mem;
	struct {
		struct id32 node, identity, log, root, id;
		uint8_t instance[16];
		uint64_t first, end, number, seq, max;
		size_t n;
		const uint64_t *seqs;
		const struct id32 *ids;
		bool flag;
		struct slice bytes, bytes2, sig, sig2, key, value;
		struct store_peer *peer;
		struct store_invite *invite;
		/* IDENTITY_PUT */
		uint8_t identity_kind;
		struct id32 root_key, sum;
		uint64_t count;
		const struct store_keyevent *events;
		size_t events_n;
		const struct store_device *devices;
		size_t devices_n;
		/* RUN_PUT */
		struct id32 device_key, prev;
		const struct store_part *parts;
		const struct store_pin *pins;
		size_t pins_n;
		enum own_state own;
		uint64_t now_s;
		/* FACT_PUT */
		const struct fact *facts;
		size_t facts_n;
		const struct fact_words *words;
	} a;
};

struct store_res {
	enum store_op op;
	uint64_t tag;
	enum err err;
	struct arena mem;
	struct {
		uint64_t number, count;
		bool flag, more;
		bool stale; /* of any write: the peers table may not fit what the network's entries say any more (ADMISSION_SETTLE) */
		size_t n;
		struct store_peer *peers;
		struct store_row *rows;
		struct store_keyevent *events;
		struct store_log *logs;
		struct store_part *parts;
		struct store_blob *blobs;
		struct store_invite *invites;
		struct store_follow *follows;
		struct store_notice *notices;
		struct store_introduction *introductions;
		struct store_admission *admissions;
		uint64_t *seqs;
		struct id32 *ids;
		struct slice bytes, bytes2, sig, sig2;
		uint64_t seq, first, before;
		struct id32 identity;
		uint8_t identity_kind;
		struct fact *facts;
		struct store_hit *hits;
	} r;
};

static inline void store_req_free(struct store_req *q)
{
	arena_free(&q->mem);
}

static inline void store_res_free(struct store_res *s)
{
	arena_free(&s->mem);
}

#endif
