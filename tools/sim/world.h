/* world.h -- a small world of nodes in one process and virtual time: real engines on real stores, messages passed without a cipher.
 *
 * One 64-bit seed decides the order in which messages and results arrive; the same seed gives the same run. Between a store request and
 * its result a node can crash: what the store had committed stays, what the engine knew is gone. Faults are made by the caller:
 * world_cut, world_crash, world_restart, copies of a node's folder. */
#ifndef QUIRE_SIM_WORLD_H
#define QUIRE_SIM_WORLD_H

#include "protocol/log/identity.h"
#include "protocol/peer/engine.h"
#include "store/store.h"

#define WORLD_NODES_MAX 1024
#define WORLD_LINKS_MAX 8192
#define WORLD_DIALS_MAX 64
#define WORLD_EVENTS_MAX 65536

struct world_input; /* a store request, or a result on its way to an engine */
struct world_message; /* a message on its way to a peer */

struct world_node {
	struct world *world;
	char name[16], home[512];
	struct id32 key, notice_key;
	uint8_t notice_secret[32];
	struct store *store;
	struct engine *engine; /* NULL: crashed */
	bool ready, restored;
	uint64_t commits_lost; /* results that a crash swallowed */
	struct world_input *stores, **stores_tail; /* in order */
	struct world_input *works, **works_tail; /* arrive in any order */
	struct world_input *owed, **owed_tail; /* told to the engine before their commit: see world.lies */
	size_t events_n;
	struct engine_event *events; /* all since the node was made */
	uint64_t next_tag, awaited;
	struct engine_event answer; /* to the command with the tag `awaited`, where events go to a watcher */
	size_t dials_n;
	struct id32 dials[WORLD_DIALS_MAX]; /* nodes that it wants to reach */
	uint64_t steps, due_ms; /* due_ms: the engine's deadline, if due_known */
	bool due_known;
	int64_t wall_skew_s; /* its clock, beside the world's */
	const char *
		kind; /* of what is written here, with a field that this version does not know; NULL: a reflection */
	enum err start_err; /* of the last start */
};

struct world_link {
	bool open[2]; /* the end at nodes[i] knows of the connection */
	bool cut; /* nothing is delivered any more */
	bool stalled[2]; /* nothing is delivered to nodes[i] for now: set and cleared by the caller */
	struct world_node *nodes[2]; /* 0: the initiator */
	conn_id conns[2];
	struct world_message *to[2], **to_tail[2]; /* on their way to nodes[i] */
	uint64_t delivered;
	uint64_t delay_ms[2], jitter_ms[2]; /* how long a message to nodes[i] is on its way */
	bool paused[2]; /* the end at nodes[i] reads nothing for now */
};

struct world {
	uint64_t seed, state; /* of the random stream */
	uint64_t now_ms, wall_s;
	char dir[256];
	struct id32 network;
	size_t nodes_n, links_n;
	struct world_node nodes[WORLD_NODES_MAX];
	struct world_link links[WORLD_LINKS_MAX];
	uint64_t busy_nodes[WORLD_NODES_MAX / 64],
		busy_links[WORLD_LINKS_MAX / 64]; /* at least those for whom something waits */
	conn_id next_conn;
	uint64_t
		chunks_max; /* blob chunks to deliver before chunk messages stop; for cuts in the middle. 0: no bound */
	uint64_t chunks;
	uint64_t blob_quota; /* of nodes that start from now on; 0: none */
	bool trace; /* tell on stderr what happens: a trace that reads as a story */
	/* For tests that look on. sent: each message as the engine hands it over. committed: each store result when the engine is told of it
	 * (or a crash swallows it), with the store's last number then. */
	void (*sent)(
		void *ctx, struct world_node *from, struct world_node *to, uint8_t type, struct slice body);
	void (*committed)(void *ctx, struct world_node *n, const struct store_req *q,
		const struct store_res *res, uint64_t number);
	/* heard: an event; then the node keeps no list of its own. arrived: a message (or, type -1, an end without a message) reaches a node.
	 * meddle: a message of a node that need not be honest; it may change it and send others (world_send); false: it is not sent. */
	void (*heard)(void *ctx, struct world_node *n, const struct engine_event *ev);
	void (*arrived)(void *ctx, const struct world_link *l, int to, int type, struct slice body);
	bool (*meddle)(void *ctx, struct world_link *l, int to, uint8_t *type, struct buf *body);
	/* May a reach b now? NULL: always. */
	bool (*may_dial)(void *ctx, const struct world_node *a, const struct world_node *b);
	void *watcher;
	bool gossip; /* nodes made or started from now on keep neighbours by themselves; each has the address world_address() */
	uint64_t dialled, unreached; /* what nodes tried by themselves */
	struct disks *disks; /* disk.h; NULL: disks without faults. Nodes whose power goes are crashed */
	bool late_writes; /* an engine hears that bytes were written only when they arrive */
	uint64_t sent_n, sent_seen,
		overtaken; /* messages that arrived after one that was sent later elsewhere */
	uint64_t steps, steps_max; /* 0: no bound; beyond it nothing moves any more */
	size_t reconcile_min; /* of engine_config, for nodes that start from now on */
	uint64_t audit_ms;
	int forgets; /* a spoilt store: does some requests of this op (enum store_op) not, and says it did. 0: none */
	bool lies; /* a spoilt driver: tells the engine of writes whose commit comes later. For tests that must be seen to fail */
};

/* A world in a folder that exists. */
void world_init(struct world *w, uint64_t seed, const char *dir);
void world_deinit(struct world *w);
uint64_t world_random(struct world *w, uint64_t below);
struct random_source world_random_source(struct world *w);

/* A node with an empty store in DIR/NAME, started. Aborts the program if the store fails: a test's fault. */
struct world_node *world_node_new(struct world *w, const char *name);
/* A node on a home that is there already (a copy, a backup), with the same or another node key. */
struct world_node *world_node_open(struct world *w, const char *name, const struct id32 *key);
/* Stops as SIGKILL would: the engine is gone, results under way are lost; the store keeps what was committed. */
void world_crash(struct world_node *n);
void world_restart(struct world_node *n);
/* The same where the disk may refuse; the node stays down then. */
enum err world_try_restart(struct world_node *n);
/* Crashes the node if its power is gone; after requests beside the engine (world_store). */
void world_power_check(struct world_node *n);

/* Two nodes that hold each other for members. */
void world_admit(struct world_node *a, struct world_node *b);
/* "ann:7411" */
void world_address(const struct world_node *n, char out[LIMIT_ADDRESS_BYTES + 1]);
/* Whoever holds the key at one of the addresses that n knows of it, is up, and may be dialled; NULL: nobody. */
struct world_node *world_reached(struct world_node *n, const struct id32 *key);
/* n holds these for members, and knows no address of theirs. */
void world_admit_all(struct world_node *n, const struct world_node *others, size_t others_n);
/* a holds b for a member and knows its address. */
void world_introduce(struct world_node *a, struct world_node *b);
/* a dials b. */
struct world_link *world_connect(struct world_node *a, struct world_node *b);
/* a dials b with an invitation's secret. */
struct world_link *world_connect_redeem(struct world_node *a, struct world_node *b, const uint8_t secret[16]);
void world_cut(struct world_link *l);
/* One more message to l->nodes[to], whatever its other end thinks of it. */
void world_send(struct world_link *l, int to, uint8_t type, struct slice body);

/* Delivers one thing; false: nothing waits. */
bool world_step(struct world *w);
/* Until nothing waits and no deadline comes within idle_ms. */
void world_run(struct world *w, uint64_t idle_ms);

/* Gives a command and runs until it is answered; an answer ERR_CLOSED: the node is down, or went down before. */
struct engine_event world_command(struct world_node *n, struct engine_cmd *cmd);
/* Gives a command; its answer is an event with the tag returned, unless the node crashes before. */
uint64_t world_command_begin(struct world_node *n, struct engine_cmd *cmd);
/* One store request, answered at once, beside the engine. */
void world_store(struct world_node *n, struct store_req *q, struct store_res *res);

/* ---- people ---- */

struct world_person {
	struct id32 id, log;
	struct identity_secrets secrets;
	struct identity_device device;
	uint8_t device_secret[64];
	uint8_t entropy[RECOVERY_ENTROPY_BYTES];
	uint64_t length;
};

/* An identity that lives on the node: key events, log, entry 0. An error: the node went down, or its disk refused. */
enum err world_person_new(struct world_node *n, struct world_person *p);
/* The key events that the node holds; keyset_free it. NULL: none. */
struct keyset *world_keyset(struct world_node *n, const struct id32 *identity);
/* A further device of the same person at another node (which must hold the key events). */
enum err world_person_device(struct world_node *n, const struct world_person *of, struct world_person *p);
/* The same with a log that only the nodes with these keys (ascending, n at most LIMIT_DIRECT) may hold. */
enum err world_person_direct(struct world_node *n, const struct world_person *of, const struct id32 *nodes,
	size_t nodes_n, struct world_person *p);
/* At n, which holds p's key events, log is closed at `length`, behind the entry `last`. */
enum err world_person_close(struct world_node *n, const struct world_person *p, const struct id32 *log,
	uint64_t length, const struct id32 *last);
/* Writes an entry with a clear body of n random bytes of text. */
struct engine_event world_append(struct world_node *n, struct world_person *p, size_t bytes);
/* The same without waiting for the answer: its tag. p->length stays as it is. */
uint64_t world_append_begin(struct world_node *n, const struct world_person *p, size_t bytes);
/* The id of the entry that stands there; false: none that the node holds. */
bool world_entry_at(struct world_node *n, const struct id32 *log, uint64_t seq, struct id32 *id);
/* Erases p's entry at seq at n, where it is held and p's key events too: the tag. 0: n does not hold it. */
uint64_t world_erase_begin(struct world_node *n, const struct world_person *p, uint64_t seq);
enum err world_follow(struct world_node *n, const struct id32 *identity);
/* A blob of size bytes in n's store, attached to a new entry. Its root goes to *root. */
struct engine_event world_attach(
	struct world_node *n, struct world_person *p, uint64_t size, struct id32 *root);

/* An entry of p that names a blob, which need not be p's. */
struct engine_event world_name_blob(
	struct world_node *n, struct world_person *p, const struct id32 *root, uint64_t size);
/* At n, of the entry `of` of p's log: a notice to an identity that `at` hosts, which says that n serves it. Expires so many hours from now. The answer. */
struct engine_event world_notice(struct world_node *n, const struct world_person *p,
	const struct entry_ref *of, const struct id32 *to, const struct world_node *at, uint32_t hours);

/* Many logs of one entry each, `each` of one identity, followed; the same for every node. Nobody can fetch them: their entries are made up. */
void world_crowd(struct world_node *n, size_t logs, size_t each);

/* The log as the node holds it; ERR_NOT_FOUND. */
enum err world_log(struct world_node *n, const struct id32 *log, struct store_log *out);
/* The last event of a kind since index *from (moved behind it); NULL: none. */
const struct engine_event *world_event(struct world_node *n, enum engine_event_kind kind, size_t *from);

#endif
