/* engine_int.h -- what the parts of the engine share. One part, one concern, one file:
 *   engine.c    life, dispatch, deadline          emit.c      outputs; store and work requests with their continuations
 *   session.c   redeem, hello, bye, time limits   listing.c   what changed here, told to a peer, and live
 *   ask.c       our requests and their answers    serve.c     a peer's requests
 *   pull.c      rows of a peer's listing          pull_log.c  runs of one log
 *   pull_body.c bodies that were missing          pull_erased.c erasure statements
 *   keys.c      key events: cache, checks, store  own.c       logs that this node writes
 *   fork.c      probes and proofs                 blob_*.c    blobs
 *   work.c      the pure part of work requests    command.c   commands
 *   admission.c who the network admits            blob_rate.c how much may be asked for a second
 *   members*.c  neighbours (members_int.h)        chance.c    what is drawn by chance
 *   relay.c     connections through a third
 *   introductions.c newcomers, and the network's owner
 *   seek*.c     entries behind the end of a log, by id
 *   trees.c     new entries along trees
 *   notices.c   notices kept and passed on        notice_effect.c what a notice brings about
 *   reconcile*.c what two sides have, compared: asking, answering, reading, audits, budgets; ranges.c the set itself
 * Continuations run inside engine_step; `s` may have been closed in the meantime: look at s->state first. */
#ifndef QUIRE_ENGINE_INT_H
#define QUIRE_ENGINE_INT_H

#include "protocol/log/entry.h"
#include "protocol/log/keyset.h"
#include "protocol/peer/engine.h"
#include "protocol/peer/message.h"
#include "protocol/peer/trees.h"

/* Bounds on what is under way for one peer. */
#define SERVE_READS_MAX 16 /* of the store, for one peer's requests */
#define KEYS_BYTES_MAX (32u << 20) /* key events and statements of one peer that are not stored yet */
#define SERVE_QUEUE_BYTES (1u << 20) /* queued for a peer before answers wait */
#define SERVE_RUN_BYTES 68000 /* bodies and envelopes in one run: with 64 headers it stays a message */
#define SERVE_CHUNK_QUEUE_BYTES (1u << 20)
#define PULL_ACTIVE_MAX 48 /* rows worked on at once */
#define PULL_VERIFY_BYTES_MAX (16u << 20) /* received and not yet committed, before reading stops */
#define PULL_RUN_WINDOW 16384 /* entries asked for at once in one log */
#define RUNS_AT 64
#define RUNS_IN_ORDER_MAX \
	256 /* with more rows than that, unasked runs of one log no longer wait for one another */
#define KEYS_CACHED_MAX 512
#define POSITIONS 512
#define LIST_LAZY_MS 1000
#define PROGRESS_MS 250 /* between two reports of what is still to come */
#define STASH_BYTES_MAX (256u << 10)
#define SPARE_OUTS 64 /* events and words on connections that are said without memory */

struct session;
struct ask;
struct pull;
struct keys;
struct serve;
struct own_log;
struct stash;
struct fetch;
struct chunk_serve;
struct members;
struct notices;
struct notice_session;
struct reconcile;
struct seek;
struct ranges_serve;

/* ---- emit.c ---- */

typedef void (*stored_fn)(struct engine *e, struct session *s, void *ctx, struct store_res *res);
typedef void (*worked_fn)(struct engine *e, struct session *s, void *ctx, struct engine_work *w);

struct pending {
	stored_fn stored;
	worked_fn worked;
	struct session *s; /* held; may be NULL */
	void *ctx;
	uint32_t generation;
	uint32_t next_free;
	bool used;
};

struct out_node {
	struct out_node *next;
	struct engine_out out;
};

bool emit_init(struct engine *e); /* false: out of memory */
/* A fresh request; NULL if out of memory. */
struct store_req *req_new(enum store_op op);
struct engine_work *work_new(enum engine_work_kind kind);
/* Is this one statement of an erasure signed by `signer`? The bytes stay the caller's, until the answer. NULL if out of memory. */
struct engine_work *work_statement(struct slice statement, const struct id32 *signer);
/* Emits it; done is called with the result. The request is taken, also if NULL (then done gets ERR_MEMORY in a later step: nothing is lost in silence). */
void emit_store(struct engine *e, struct store_req *req, struct session *s, stored_fn done, void *ctx);
void emit_work(struct engine *e, struct engine_work *w, struct session *s, worked_fn done, void *ctx);
void emit_event(struct engine *e, const struct engine_event *ev);
void emit_dial(struct engine *e, const struct id32 *node);
void emit_flow(struct engine *e, enum engine_out_kind kind, conn_id conn);
void emit_splice(struct engine *e, conn_id conn, conn_id other);
/* Encodes and sends a message; a failure closes the session. */
void emit_message(struct session *s, enum message_type type, const void *msg);
/* The same in the class given (SPEC 9.4): the `done` of a blob's answer is bulk. */
void emit_message_class(struct session *s, enum message_type type, const void *msg, bool bulk);
void emit_stored(struct engine *e, struct store_res *res);
void emit_worked(struct engine *e, struct engine_work *w);
void emit_close(struct engine *e);
void emit_deinit(struct engine *e);
/* Bytes of a slice copied into a request's or work's arena; {NULL, n} if out of memory. */
bool arena_put(struct arena *a, struct slice in, struct slice *out);

/* ---- session.c ---- */

enum session_state { SESSION_STRANGER, SESSION_HELLO, SESSION_OPEN, SESSION_CLOSED };

struct position { /* what a peer has of a log, or knows that we have and will fetch */
	struct id32 log, last, sum;
	uint64_t length, fork_seq1;
	bool whole; /* it sent us the newest entries with their bodies, so nothing of ours is news */
	bool guessed; /* only the length is known */
};

struct batch { /* rows of one `changes`, or one unasked run */
	struct batch *next;
	uint64_t number;
	bool last;
	bool live; /* an unasked run */
	unsigned left; /* pulls not finished */
};

struct listing { /* what we tell the peer */
	bool ready; /* its follow set is known and its cursor was looked up */
	bool busy; /* a store request is under way */
	bool again; /* something changed meanwhile */
	bool waiting; /* for `more` */
	bool last_sent; /* the first listing is complete */
	uint64_t
		withheld; /* lowest number of a row of an own log that waits for the peer's first listing; 0: none */
	uint64_t number; /* told: the peer's cursor may be this */
	uint64_t scan; /* looked at */
	uint64_t told; /* last number that a message carried */
	uint64_t waiting_number;
	uint8_t hello_instance[16]; /* the peer's cursor for us, as its hello said */
	uint64_t hello_cursor;
	uint64_t lazy_ms; /* when to tell a number without rows; 0: not */
	unsigned runs; /* unasked runs being read */
	bool freed; /* while busy: what was withheld may be told, from `number` on */
	uint64_t
		settled; /* every row up to here was told or is the peer's already, but for what is withheld */
};

struct session {
	struct session *next;
	struct engine *e;
	conn_id conn;
	struct id32 node;
	bool initiator;
	bool redeeming; /* we are the newcomer */
	bool hello_sent, hello_got;
	bool opening; /* the peer's hello is here, the store is asked who it is */
	bool accepting; /* a store request of the opening is under way */
	bool follow_owed, follow_add; /* a change of our follow set that the peer was not told of */
	struct id32 follow_identity;
	bool synced; /* the peer's first listing is committed */
	bool paused;
	bool pinged;
	enum session_state state;
	unsigned refs;
	uint8_t secret[16];
	enum engine_relay relay; /* we dialled a relay */
	bool relay_waits; /* the peer wants to reach relay_node through us; relay_token was offered */
	bool relay_pipe; /* its bytes are passed on: there are no messages any more */
	struct id32 relay_node;
	uint8_t relay_token[16];
	unsigned relay_offers; /* in the present window */
	uint64_t relay_offers_ms;
	char name[LIMIT_NAME_BYTES + 1];
	uint8_t instance[16]; /* the peer's */
	uint64_t
		rival; /* the token of a ping, not 0: another instance with its key was here, and is one if this answers */
	bool rival_answered; /* it did: the next such second is told of the first */
	uint8_t rival_instance[16]; /* of the second that the ping was sent for */
	uint64_t hello_number; /* in our hello */
	uint64_t peer_number; /* in its hello */
	uint64_t opened_ms, heard_ms, asked_ms;
	size_t queued, queued_bulk; /* bytes given to send and not yet written */
	struct chunk_serve *chunk_serves;
	unsigned chunks_ahead; /* read for it, or being read, and not yet sent */
	uint64_t blob_turn; /* which of all that opened: wants know whom they asked */
	unsigned fetches_n; /* blobs that it is a source of */
	unsigned hastened; /* wants that its word hastened; they come back in time */
	uint64_t hastened_ms;
	struct id32 *interests; /* blob_tell.c, lazily */
	struct stash *stash, **stash_tail; /* messages behind a hello that the store is being asked about */
	size_t stash_bytes;
	struct listing list;
	struct trees trees;
	struct serve *serves;
	unsigned serves_n, reads_n;
	size_t keys_bytes;
	struct ask *asks;
	unsigned asks_n, chunk_asks_n;
	uint32_t next_req;
	struct pull *pulls, **pulls_tail; /* in order of arrival */
	uint8_t runs_at[RUNS_AT]; /* unasked runs worked on and not yet given to the store, by log id */
	unsigned pulls_n, pulls_active, identities_n; /* rows not settled; worked on; of identities */
	struct batch *batches, **batches_tail;
	bool cursor_busy;
	bool cursor_held; /* a row was passed over: no cursor is stored any more on this connection, SPEC 10.4 */
	uint64_t cursor_done; /* all below it is committed here */
	uint64_t cursor_put; /* given to the store */
	uint64_t cursor_lazy_ms; /* when to write it at the latest; 0: nothing to write */
	uint8_t cursor_instance[16];
	size_t verify_bytes;
	uint64_t taken; /* entries */
	uint64_t told_ms; /* when people were last told how much is still to come */
	struct position *positions; /* POSITIONS, lazily */
	/* members.c */
	uint64_t open_ms,
		peers_ms; /* since when it is open; when a `peers` of its was taken last, 0: never */
	struct buf peers; /* items of the last `peers` taken that named nodes which are no members yet */
	size_t peers_n;
	bool looked,
		sole; /* the store said; whether it alone of all follows something that is followed here */
	bool follows_first; /* of the peer's follow set, as it arrives */
	size_t follows_n;
	struct notice_session *notices; /* while open */
	bool introduces; /* the network's owner lives there, and was told of our newcomers */
	unsigned introduced, introductions_taken; /* on this connection */
	struct reconcile *reconcile; /* we ask; NULL: not now */
	struct ranges_serve *ranges_serve; /* we answer */
	/* seek.c */
	bool seeking, sought_due, sought_busy,
		sought_early; /* it was asked and has not answered; it asks, and is not answered; may not be yet */
	struct entry_ref seek, sought; /* for what */
	uint64_t seek_ms; /* when it was asked */
	bool missing_due, missing, missing_reading; /* bodies that no row tells of */
	uint64_t missing_at;
};

uint64_t peer_to_come(const struct session *s); /* entries that it listed and that are not stored yet */
struct session *peer_find(struct engine *e, conn_id conn);
void peer_hold(struct session *s);
void peer_release(struct session *s);
void peer_opened(struct engine *e, const struct engine_in *in);
void peer_message(struct session *s, uint8_t type, struct slice body);
void peer_gone(struct session *s); /* the connection is closed */
/* Closes with bye and code; why is for this node's people. Harmless on a closed session. */
void peer_close(struct session *s, enum err code, const char *why);
/* The connection goes on, but not as this session: nobody is told. */
void peer_leave(struct session *s);
/* Asks the store who the peer is. */
void peer_ask(struct session *s, stored_fn done, void *ctx);
bool peer_admitted(const struct store_res *res);
void peer_written(struct session *s, size_t bytes, bool bulk);
void peer_time(struct session *s);
uint64_t peer_deadline(const struct session *s);
void peer_progress(struct session *s); /* something was committed: resume reading if it was paused */
/* NULL: not known (or, with make, out of memory). A made one is zero but for the log. */
struct position *peer_position(struct session *s, const struct id32 *log, bool make);

/* ---- ask.c ---- */

typedef void (*ask_message_fn)(struct session *s, void *ctx, const union message *m);
typedef void (*ask_done_fn)(struct session *s, void *ctx, enum err code);

bool ask_room(const struct session *s, bool chunks);
/* msg: the request's struct; its req is set here. answer: the type of the answers. */
uint32_t ask_send(struct session *s, enum message_type type, void *msg, enum message_type answer,
	ask_message_fn on_message, ask_done_fn on_done, void *ctx);
void ask_answer(
	struct session *s, enum message_type type, const union message *m); /* type is one that answers */
void ask_done(struct session *s, const struct message_done *m);
void ask_total(struct session *s, const struct message_total *m);
void ask_deinit(struct session *s); /* calls every on_done with ERR_CLOSED */

/* ---- listing.c ---- */

void listing_start(struct session *s, const struct message_hello *hello, const struct store_peer *peer);
void listing_pump(struct session *s);
void listing_all(struct engine *e); /* something was committed */
void listing_more(struct session *s, const struct message_more *m);
void listing_follow(struct session *s, const struct message_follow *m);
void listing_time(struct session *s);
void listing_put_row(struct mp_out *o, const struct store_row *r);
void listing_free(struct session *s); /* what was withheld may be told */
bool listing_may_tell(const struct session *s); /* live rows, now */
void listing_tell(struct session *s, size_t n, const struct buf *rows); /* n live rows; 0: none */
void listing_now_has(struct session *s, const struct store_row *r); /* it is told of the row */
bool listing_withheld(const struct session *s, const struct store_row *r);
/* For reconciliation, which keeps a first listing busy: a row is withheld; list from 0; go on from what was told. */
void listing_withhold(struct session *s, uint64_t number);
void listing_from_start(struct session *s);
void listing_resume(struct session *s);
/* Tells rows in place of a listing; last: all up to `number` is told. */
void listing_tell_differences(
	struct session *s, const struct store_row *rows, size_t n, bool last, uint64_t number);
void listing_tell_rows(struct session *s, const struct store_row *rows, size_t n); /* beside a listing */

/* ---- reconcile.c ---- */

bool reconcile_start(struct session *s, bool audit); /* false: not now */
void reconcile_pump(struct session *s); /* there may be room to ask or tell */
uint64_t reconcile_session_deadline(const struct session *s);
void reconcile_session_time(struct session *s);
void reconcile_closed(struct session *s);
void reconcile_deinit(struct session *s);

/* ---- reconcile_serve.c ---- */

void ranges_serve_want(struct session *s, const struct message_want_ranges *m);
void ranges_serve_pump(struct session *s);
void ranges_serve_over(struct session *s); /* the peer has told what differs */
uint64_t ranges_serve_deadline(const struct session *s);
void ranges_serve_time(struct session *s);
void ranges_serve_deinit(struct session *s);

/* ---- reconcile_audit.c ---- */

uint64_t reconcile_deadline(const struct engine *e);
void reconcile_time(struct engine *e);
void missing_start(struct session *s); /* asks for bodies that we lack, if the peer reconciled */
void missing_pump(struct session *s);

/* ---- serve.c ---- */

void serve_message(struct session *s, enum message_type type, const union message *m);
void serve_pump(struct session *s);
void serve_deinit(struct session *s);
/* Sends what RUN_GET gave; false: it does not fit into a message. req 0: unasked, with its number. */
bool serve_run(struct session *s, uint32_t req, uint64_t number, const struct id32 *log,
	const struct store_res *res);
void serve_done(struct session *s, uint64_t req, enum err code, bool bulk);

/* ---- keys.c ---- */

struct keys { /* one identity in the cache */
	struct keys *next;
	struct id32 identity;
	struct keyset *set; /* NULL: this node has none */
	struct keyset_view view;
	bool loaded, loading;
	enum err err; /* why it is not loaded */
	uint32_t version;
	uint64_t used_ms;
	struct keys_wait *waits;
};

typedef void (*keys_fn)(struct engine *e, struct session *s, void *ctx, struct keys *k);
/* Loads into the cache; `got` is called in this step or a later one. k->set may be NULL; what that means only k->loaded tells: not loaded is not unknown. */
void keys_get(struct engine *e, const struct id32 *identity, struct session *s, keys_fn got, void *ctx);
typedef void (*keys_put_fn)(struct engine *e, struct session *s, void *ctx, enum err err, bool changed);
/* Checks events against the set held, stores and caches the result. events are copied. */
void keys_put(struct engine *e, const struct id32 *identity, const struct store_keyevent *events, size_t n,
	struct session *s, keys_put_fn done, void *ctx);
struct id32 keys_hash(const struct keyset *ks); /* zeros: out of memory */
void keys_deinit(struct engine *e);

/* ---- pull.c, pull_log.c, fork.c ---- */

struct pull_run { /* received; being verified, then stored in order */
	struct pull_run *next;
	struct pull *p;
	struct engine_work *work; /* the verified run; NULL while it is being verified */
	uint64_t first;
	size_t n, bytes;
};

/* One row of a peer's listing until it is settled. It is freed when nothing refers to it any more: when finished, or with its session. */
struct pull {
	struct pull *next;
	struct session *s;
	struct batch *batch;
	struct message_row row;
	bool active, keys_asked;
	bool finished; /* but for answers whose end is still to come */
	unsigned asks;
	/* an unasked run, until it is taken */
	struct message_run *run;
	bool unasked; /* it came as one, and has brought nothing yet */
	bool in_order; /* counted in s->runs_at */
	/* a live row, until its entries have come another way: trees.h */
	bool live, held_once;
	uint64_t held_ms, held_most_ms;
	struct pull *next_held;
	/* a log */
	struct store_log log; /* as loaded */
	struct id32 device_key;
	uint64_t target; /* entries that we want to have */
	uint64_t expected; /* seq with which the next received run begins */
	uint64_t put; /* seq behind what was given to the store */
	struct id32 last; /* id of the entry before `put` */
	bool asked; /* a want-run is unanswered */
	bool diverged; /* the peer's entries do not follow ours */
	bool doubted; /* of a log of our own it says more than we have: runs are only looked at */
	bool shown_last; /* … and it showed the entry that its row names last … */
	uint64_t shown_end; /* … and entries up to here */
	bool closed;
	uint64_t closed_length;
	struct id32 closed_last;
	bool met; /* the closing's chain is here */
	bool fork_tried, fork_known;
	struct id32 fork_prev; /* the entry before the proven fork */
	uint64_t fork_limit; /* nothing from this seq on may be taken; UINT64_MAX: no bound */
	bool passed_limit; /* a run went past it: what follows is not taken */
	bool unvouched,
		vouch_asked; /* a run without signature, of which nothing known here speaks; asked why */
	bool own_compared, own_same; /* what the peer says of a log of ours is what we have */
	bool theirs_closes; /* their run holds the entry that the closing names */
	bool stale; /* somebody else wrote to the log meanwhile: load it again */
	bool moved; /* this round brought entries */
	unsigned puts; /* RUN_PUT under way */
	struct pull_run *runs, **runs_tail;
	uint64_t gap_from;
	size_t wanted_n, wanted_left;
	uint64_t wanted[64];
	uint8_t (*headers)[ENTRY_HEADER_BYTES]; /* of the wanted bodies */
	/* key events or statements as they arrive */
	struct arena mem;
	struct store_keyevent *events;
	size_t events_n, events_cap, events_bytes, at;
	/* fork search: the same below lo, different at hi */
	uint64_t lo, hi;
	uint64_t probes[64];
	struct id32 probe_ids[64]; /* the peer's */
	size_t probes_n;
	unsigned rounds, searches;
	bool probed, fork_asked, run_asked;
	bool parted; /* a seq at which they differ was seen */
	struct engine_work *theirs; /* the peer's run from the first difference */
};

/* The peer's row is the chain that the closing in force names. */
static inline bool pull_shows_closing(const struct pull *p)
{
	return p->closed && p->row.count == p->closed_length && id32_equal(&p->row.last, &p->closed_last);
}

void pull_changes(struct session *s, const struct message_changes *m);
void pull_run_unasked(struct session *s, const struct message_run *m);
void pull_pump(struct session *s);
void pull_run_next(struct pull *p); /* the next unasked run of its log may be worked on */
void pull_missing(
	struct session *s, const struct store_row *rows, size_t n); /* our rows, for bodies that they lack */
void pull_cursor(struct session *s); /* writes the cursor if it moved */
void pull_finish(struct pull *p);
void pull_pass(struct pull *p); /* its row is settled; p is freed */
/* ask_send for a pull; every on_done must begin with: if (pull_ended(s, p)) return; */
void pull_ask(struct pull *p, enum message_type type, void *msg, enum message_type answer,
	ask_message_fn on_message, ask_done_fn on_done);
bool pull_ended(struct session *s, struct pull *p); /* true: p is gone, or the session closed */
void pull_deinit(struct session *s);
void pull_ask_keys(struct pull *p);
bool pull_room(struct pull *p, size_t bytes); /* may so many more bytes wait? false: the session was closed */
void pull_log_start(struct pull *p);
void pull_log_decide(struct pull *p); /* p->log is loaded: what is next */
void pull_bodies(struct pull *p); /* then erasures, then the fork's proof, then done */
void pull_erasures(struct pull *p);
/* A copy of a run message as a work request; NULL: the message is wrong (the session was closed) or no memory. */
struct engine_work *pull_run_copy(struct pull *p, const struct message_run *m);
void pull_run_take(struct pull *p, const struct message_run *m);
void pull_got_run(struct session *s, void *ctx, const union message *m);
void pull_runs_end(struct session *s, void *ctx, enum err code);
void fork_probe(struct pull *p);
void fork_want(struct pull *p);
void fork_unasked(struct session *s, const struct message_fork *m);

/* ---- own.c ---- */

struct own_log {
	struct own_log *next;
	struct id32 log, identity, device_key;
	enum own_state state;
	uint64_t length; /* with what is under way */
	struct id32 last;
	uint64_t held_from;
	bool loading;
	bool unknown; /* the store did not say how long it is */
	enum err failed; /* of an entry that did not get in; those behind it fail with it */
};

struct own_log *own_find(struct engine *e, const struct id32 *log);
bool own_loaded(struct engine *e, struct store_res *res); /* false: out of memory */
void own_retire(struct engine *e, struct own_log *o); /* never append again */
void own_append(struct engine *e, const struct engine_cmd *cmd);
void own_put(struct engine *e, const struct engine_cmd *cmd);
void own_synced(struct engine *e); /* a peer's first listing is committed: release */
/* A peer holds more than we do: retires the log, moves what was never announced aside. */
void own_old(struct engine *e, struct own_log *o, const struct store_log *log);
void own_deinit(struct engine *e);

/* ---- command.c, admission.c ---- */

void command_run(struct engine *e, const struct engine_cmd *cmd);
void command_answer(struct engine *e, uint64_t tag, enum err err);
/* What changed in our follow set behind our hello, if the session is open by now. */
void command_follow_owed(struct session *s);
/* The store follows an identity, or no longer: so do we, and peers are told. ERR_MEMORY: from the next start on. */
enum err command_followed(struct engine *e, const struct id32 *identity, bool add);
/* The peers table is made to fit what the network's entries say. A starting engine is ready then. */
void admissions_settle(struct engine *e);
void admissions_asked(struct engine *e, uint64_t tag); /* the same, and answers a command */
void admissions_time(struct engine *e);
uint64_t admissions_deadline(const struct engine *e);
void engine_ready(struct engine *e);

/* ---- introductions.c ---- */

void introductions_open(struct session *s);
void introductions_keys(
	struct engine *e, const struct id32 *identity); /* new key events of it are in force */
void introductions_redeemed(struct engine *e, const struct id32 *node, const char *name);
void introductions_take(struct session *s, const struct message_introduce *m);

/* ---- seek.c, SPEC 10.10 ---- */

void seek_run(struct engine *e, const struct engine_cmd *cmd);
void seek_opened(struct session *s);
void seek_closed(struct session *s);
void seek_time(struct engine *e);
uint64_t seek_deadline(const struct engine *e);
void seek_deinit(struct engine *e);
/* seek_found.c, seek_serve.c */
void seek_found(struct session *s, const struct message_found *m);
void seek_take(struct session *s, const struct message_seek *m);
void seek_serve_pump(struct session *s);
void seek_serve_free(struct session *s); /* what was withheld may be told */

/* ---- relay.c ---- */

#define RELAY_IDLE_S 180 /* silence that closes what is relayed: its ends close after 120 s */
#define RELAYED_MAX 16 /* pairs, with those that wait for their second half */
#define RELAYED_MAX_OF_ONE 4 /* asked for by one node */
#define RELAY_OFFERS_MAX 8 /* that one peer may make in RELAY_OFFERS_MS */
#define RELAY_OFFERS_MS 10000

void relay_opened(struct session *s, const struct engine_in *in); /* we dialled a relay */
void relay_asked(struct session *s, const struct message_relay *m);
void relay_offered(struct session *s, const struct message_relay_offer *m);
void relay_accepted(struct session *s, const struct message_relay_accept *m);
void relay_ready(struct session *s);

/* ---- blob_fetch.c, blob_wants.c, blob_tell.c, blob_serve.c ---- */

void blob_pinned(struct engine *e); /* new wants may be in the store */
void blob_look(struct engine *e); /* all that is wanted is asked for now */
/* Bytes that the rate allows now; asks for a wake-up if there are none. */
bool blob_rate_allows(struct engine *e, uint64_t bytes);
void blob_settle(struct engine *e); /* at the end of each step: does what blob_… recorded */
unsigned blob_load(const struct session *s); /* blobs that are fetched from this peer now */
void blob_session_open(struct session *s);
void blob_session_closed(struct session *s);
void blob_time(struct engine *e);
uint64_t blob_deadline(const struct engine *e);
void blob_deinit(struct engine *e);
void blob_interest(struct session *s, const struct id32 *root); /* it asked for what is not complete here */
/* Tells which of the chunks are held: a bitmap of all. */
void blob_tell_part(struct session *s, const struct id32 *root, uint64_t chunks, const uint8_t *have);
/* Bitmap of a blob that is being fetched, newer than the store's; NULL: there is none. */
const uint8_t *blob_have_now(struct engine *e, const struct id32 *root, uint64_t *chunks);
void blob_have_chunks(struct session *s, const struct message_have_chunks *m);
void blob_serve_want(struct session *s, const struct message_want_blob *m);
void blob_serve_leaves(struct session *s, const struct message_want_leaves *m);
void blob_serve_chunks(struct session *s, const struct message_want_chunks *m);
void blob_serve_pump(struct session *s);
void blob_serve_deinit(struct session *s);

/* ---- members*.c, SPEC 19.1 and 19.2; all harmless where this node keeps no neighbours by itself ---- */

bool members_start(struct engine *e); /* the engine is loaded; false: out of memory */
void members_deinit(struct engine *e);
void members_time(struct engine *e);
uint64_t members_deadline(const struct engine *e);
void members_pump(struct engine *e); /* at the end of each step */
void members_load(struct engine *e); /* the peers table may have changed */
void members_look(struct engine *e); /* who follows what may have changed */
void members_follows(struct session *s); /* the peer's follow set is kept, or changed */
void members_opened(struct session *s);
void members_closed(struct session *s, enum err code, bool was_open);
void members_unreached(struct engine *e, const struct id32 *node);
void members_peers(struct session *s, const struct message_peers *m);
/* Addresses of a node that somebody here has learnt (a beacon, a notice): if it is a member, they are kept and it is dialled at once, whatever the
 * number of neighbours. local: heard on the local network. tag: of a command to answer (NOT_FOUND: no member); 0: none. */
void members_heard(struct engine *e, const struct id32 *node, const struct slice *addresses, size_t n,
	bool local, uint64_t tag);

/* ---- chance.c ---- */

void engine_fill(struct engine *e, uint8_t *out, size_t n);
uint64_t engine_chance(struct engine *e, uint64_t below); /* 0 … below - 1; 0 if below is 0 */
/* ---- notices.c, notice_effect.c ---- */

bool notices_loaded(struct engine *e, const struct store_res *res); /* false: out of memory */
void notices_run(struct engine *e, const struct engine_cmd *cmd);
void notices_take(struct session *s, const struct message_notice *m);
void notices_sum(struct session *s, const struct message_notice_sum *m);
void notices_ids(struct session *s, const struct message_notice_ids *m);
void notices_session_open(struct session *s);
void notices_session_deinit(struct session *s);
void notices_session_time(struct session *s);
uint64_t notices_session_deadline(const struct session *s);
void notices_time(struct engine *e);
uint64_t notices_deadline(const struct engine *e);
void notices_deinit(struct engine *e);

/* ---- engine.c ---- */

struct engine {
	struct engine_config config;
	uint64_t now_ms, wall_s;
	struct out_node *outs, **outs_tail;
	struct out_node *spare; /* for what must be said without memory */
	unsigned spare_n;
	struct pending *pending;
	uint32_t pending_n, pending_free; /* free list, 0xffffffff: none */
	struct session *sessions;
	struct keys *keys;
	size_t keys_n;
	struct own_log *own;
	struct id32 *follows; /* ascending */
	size_t follows_n;
	struct id32 follows_version;
	uint64_t number; /* last change that is committed */
	bool booted;
	bool settling, settle_again; /* admission.c */
	uint64_t settle_ms; /* it failed: when it is tried again; 0: it did not */
	bool closing; /* engine_free has begun: what is asked for now is answered with ERR_CLOSED at once */
	struct fetch *fetches; /* blob_fetch.c */
	size_t fetches_n;
	struct wants *wants; /* blob_wants.c */
	bool blob_stirred, blob_room; /* blob_settle has to do; what had no room to ask may have now */
	bool blob_over; /* a fetch is to be freed */
	bool blob_progress; /* a fetch may have chunks that are not synced, or that nobody was told of */
	uint64_t blob_turns, blob_tick_ms;
	uint64_t unreadable_ms; /* people hear again of a file that cannot be read */
	uint64_t fetch_retry_ms; /* 0: no retry */
	struct members *members; /* NULL: keeps no neighbours by itself */
	uint64_t chances; /* drawn so far */
	uint64_t rate_tokens, rate_ms; /* bytes of chunks that may be asked for */
	struct trees_recent recent[TREES_RECENT];
	struct seek *seeks; /* seek.c */
	size_t seeks_n;
	struct notices *notices; /* NULL: there were none yet */
	bool guests; /* some are followed as guests */
	uint64_t guests_ms; /* when to look for those of no use */
	uint64_t audit_ms; /* when the next is due; 0: not set */
	uint64_t ranges_ms; /* indexes for answering: how many were begun of late */
	unsigned ranges_spent;
	struct ranges_budget *ranges_budgets; /* reconcile_budget.c */
	size_t ranges_budgets_n;
};

/* The store answered a write: remember the number, tell peers. A failure is told to people. */
bool engine_written(struct engine *e, const struct store_res *res, const char *what);
/* Blobs that a request dropped: their files go. */
void engine_remove_blobs(struct engine *e, const struct store_res *res);
bool engine_follows(const struct engine *e, const struct id32 *identity);

#endif
