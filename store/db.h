/* db.h -- inside store/: the connection, its statements, the change counter, and the log rows of a batch.
 * Nobody outside store/ includes this, but its tests. */
#ifndef QUIRE_DB_H
#define QUIRE_DB_H

#include "store/store.h"
#include "sum.h"

#include <sqlite3.h>

/* How a commit reaches the disk. A test builds another store with "OFF", to show that its instrument sees the loss. */
#ifndef QUIRE_STORE_SYNC
#define QUIRE_STORE_SYNC "FULL"
#endif

enum query_name {
#define QUERY(name, sql) Q_##name,
#include "queries.def"
#undef QUERY
	Q_COUNT
};

#define STORE_LOGS_MAX 2048 /* log rows kept during one batch */
#define STORE_LOG_SLOTS 8192 /* a power of two, four times as many */

/* A row of the table log. */
struct log_row {
	struct store_log pub;
	int64_t no;
	int64_t closed_length; /* -1: no closing in force */
	struct id32 closed_last;
	uint64_t side; /* its rows in the side table */
	bool dirty;
};

struct store {
	sqlite3 *db;
	sqlite3_stmt *statements[Q_COUNT];
	char *home;
	int lock_fd; /* the writer's lock on the folder; -1 */
	bool read_only;
	bool in_transaction;
	bool touched; /* the present write has changed something */
	bool wipe; /* content was dropped: the write-ahead log must go too */
	bool memory; /* no file: FACT_ requests only */
	fact_maker facts; /* NULL: no facts are made */
	uint64_t facts_made_late; /* mask of kinds */
	bool admissions_stale; /* the present write changed what the network's entries say of nodes, or which of them count */
	bool words_gone; /* this transaction took words for search away: their index must be merged before the commit */
	enum err broken; /* an fsync failed: final for this connection */
	uint64_t number; /* the last change number, with those of the open transaction */
	uint64_t number_committed;
	uint64_t commits;
	struct log_row *logs; /* of this batch, STORE_LOGS_MAX */
	size_t logs_n;
	uint16_t *log_slots; /* index + 1 */
	char last_error[256];
};

/* db.c: opening, and the meaning of foreign codes. */
enum err db_fault(struct store *s, int rc); /* maps what SQLite said, keeps the text */
MUST_CHECK enum err db_open(struct store *s, const struct store_options *o);
MUST_CHECK enum err db_open_memory(struct store *s);
void db_close(struct store *s);
MUST_CHECK enum err db_exec(struct store *s, const char *sql);
char *db_path(const char *home, const char *name); /* given to the caller; NULL if out of memory */
MUST_CHECK enum err db_sync_folder(const char *path);

/* migrate.c */
#define DB_VERSION 9
MUST_CHECK enum err db_migrate(struct store *s);
MUST_CHECK enum err db_migrate_memory(struct store *s); /* the tables of facts alone */
MUST_CHECK enum err db_version_check(
	struct store *s, int64_t *version); /* ERR_NEWER, ERR_CORRUPT: not ours */

/* One run of a statement: bind in order, then rows or done. The first error stays in e. */
struct query {
	struct store *s;
	sqlite3_stmt *st;
	int bound;
	enum err e;
};

struct query q_start(struct store *s, enum query_name name);
void q_int(struct query *q, int64_t v);
void q_blob(struct query *q, struct slice v); /* an empty slice is an empty blob */
void q_blob_or_null(struct query *q, struct slice v);
void q_text(struct query *q, const char *v);
void q_text_slice(struct query *q, struct slice v);
void q_null(struct query *q);
bool q_row(struct query *q); /* false at the end and on error */
MUST_CHECK enum err q_end(struct query *q); /* resets it; gives the first error */
MUST_CHECK enum err q_done(struct query *q); /* runs a write to its end */

static inline void q_uint(struct query *q, uint64_t v)
{
	q_int(q, (int64_t)v);
}

static inline void q_id(struct query *q, const struct id32 *id)
{
	q_blob(q, slice_of(id->b, 32));
}

/* Columns of the present row; slices and text borrow until the next step. */
int64_t qc_int(const struct query *q, int column);
uint64_t qc_uint(const struct query *q, int column);
struct slice qc_slice(struct query *q, int column);
const char *qc_text(struct query *q, int column); /* never NULL */
/* Names come from people and peers: what is longer is cut. */
void qc_name(struct query *q, int column, char out[LIMIT_NAME_BYTES + 1]);
/* A statement that changes something and has one parameter, an id. */
MUST_CHECK enum err db_on_id(struct store *s, enum query_name name, const struct id32 *id);
struct id32 qc_id(struct query *q, int column); /* a length other than 32 makes q->e ERR_CORRUPT */
struct slice qc_copy(struct query *q, int column, struct arena *mem);

/* A growing array in plain memory while rows are read; array_give moves it into the arena. */
struct array {
	struct buf b;
	size_t n;
};

MUST_CHECK void *array_add(struct array *a, size_t item_bytes, struct query *q); /* cleared; NULL sets q->e */
void *array_give(
	struct array *a, struct arena *mem, struct query *q); /* always frees a; NULL if q->e is set */

static inline int64_t entry_key(const struct log_row *l, uint64_t seq)
{
	return l->no << 32 | (int64_t)seq;
}

#define HEADER_FLAGS_AT 1
#define HEADER_SEALED 1u
#define HEADER_PREV_AT 42
#define HEADER_HOUR_AT 74
#define HEADER_ENVELOPE_AT 94

/* exec.c: inside a write, before its first change. */
static inline void store_touch(struct store *s)
{
	s->touched = true;
}

/* Work in a transaction of its own: all of it or nothing. */
MUST_CHECK enum err store_write_alone(struct store *s, enum err (*work)(struct store *s));

/* The next change number. SPEC 10.2 */
static inline uint64_t store_next_number(struct store *s)
{
	store_touch(s);
	return ++s->number;
}

/* logs.c: rows are read through the batch's own copy and written back once, by logs_flush(). */
MUST_CHECK enum err log_get(struct store *s, const struct id32 *id, struct log_row **out); /* ERR_NOT_FOUND */
MUST_CHECK enum err log_make(struct store *s, const struct id32 *id, const struct id32 *identity,
	const struct id32 *device_key, struct log_row **out); /* gets it, or inserts an empty one */
void log_dirty(struct store *s, struct log_row *l);
void log_bump(struct store *s, struct log_row *l); /* a new change number */
MUST_CHECK enum err log_id_at(
	struct store *s, const struct log_row *l, uint64_t seq, struct id32 *out); /* ERR_NOT_FOUND */
MUST_CHECK enum err log_closing_met(struct store *s, const struct log_row *l,
	bool *met); /* the chain holds the entry that the closing names */
MUST_CHECK enum err log_settle(struct store *s,
	struct log_row *l); /* end, end_last, gaps and erased_sum anew, from length, fork and closing */
/* Every listed row of that identity's logs gets a new number; with `keys` that of its key events too. */
MUST_CHECK enum err logs_move_up(struct store *s, const struct id32 *identity, bool keys);
MUST_CHECK enum err logs_flush(struct store *s);
void logs_forget(struct store *s);
void log_read_row(struct query *q, struct log_row *l); /* the columns of queries.def's LOG_COLUMNS */
MUST_CHECK enum err logs_collect(struct query *q, struct store_res *r);

/* blobs.c */
MUST_CHECK enum err pins_put(
	struct store *s, const struct id32 *owner, int64_t key, const struct store_pin *pin, bool *lacking);
MUST_CHECK enum err pins_drop(
	struct store *s, int64_t key, struct store_res *r); /* r->ids: roots of files to remove */
MUST_CHECK enum err blobs_tidy(
	struct store *s); /* at a start: files that no row knows, and blobs that no entry ever named */

/* rebuild.c: the blobs that an envelope names. */
MUST_CHECK enum err pins_of_envelope(
	struct store *s, const struct id32 *identity, int64_t key, struct slice envelope);
/* evidence.c: headers from `first`, which the log holds, up to a signature. ERR_NOT_FOUND: nothing here shows it. */
MUST_CHECK enum err evidence_from(
	struct store *s, const struct log_row *l, uint64_t first, struct store_res *r);

/* side.c */
MUST_CHECK enum err side_take(
	struct store *s, struct log_row *l, uint64_t first, bool again, uint64_t *count);
MUST_CHECK enum err side_statement(struct store *s, const struct log_row *l, uint64_t seq,
	const uint8_t *header, struct arena *mem, struct slice *out); /* ERR_NOT_FOUND */
MUST_CHECK enum err side_erase(
	struct store *s, const struct store_req *q, struct log_row *l, struct store_res *r);
/* The side row of the entry `id` at seq, or 0; then `id` is the one before it, and the header is copied (NULL: it is not). */
MUST_CHECK enum err side_step_back(struct store *s, const struct log_row *l, uint64_t seq, struct id32 *id,
	int64_t *no, uint8_t *header);
/* The side row of that entry, or 0. */
MUST_CHECK enum err side_find(
	struct store *s, const struct log_row *l, uint64_t seq, const struct id32 *id, int64_t *no);
/* Adds what a side row may lack; empty slices add nothing. */
MUST_CHECK enum err side_mend(struct store *s, int64_t no, struct slice sig, struct slice envelope);
MUST_CHECK enum err side_set_body(struct store *s, int64_t no, int64_t kind, struct slice body);
/* After a change of closing or fork: takes back into the chain what a closing names, and out of it what lies behind a fork. */
MUST_CHECK enum err side_arrange(struct store *s, struct log_row *l);

/* facts.c: what entries say. */
/* Makes and stores the facts of an entry, if it is clear; drops what it said before. */
MUST_CHECK enum err facts_make_entry(struct store *s, const struct log_row *l, uint64_t seq,
	const struct id32 *id, const uint8_t *header, struct slice body);
/* The facts of an entry of a kind that is not kept, made now into r; none if it is sealed, not here, or says nothing. */
MUST_CHECK enum err facts_make_late(struct store *s, struct log_row *l, uint64_t seq, struct store_res *r);
MUST_CHECK enum err facts_drop(
	struct store *s, const struct id32 *log, uint64_t first, uint64_t end); /* [first, end) */
MUST_CHECK enum err facts_settle(
	struct store *s); /* before a commit: no word of a dropped fact stays in the index */
MUST_CHECK enum err facts_clear(struct store *s);

/* facts_read.c */
#define FACTS_MAX 1000 /* in one result, and up to FACTS_OF_ENTRY_MAX more to end with a whole entry */
#define FACTS_BYTES_MAX (8u << 20) /* of their records, and one more */
MUST_CHECK enum err fact_read(
	struct query *q, struct arena *mem, const struct fact *before, struct fact *out);
MUST_CHECK enum err fact_read_no(
	struct store *s, int64_t no, const struct fact *before, struct arena *mem, struct fact *out);
static inline int64_t fact_mask(const struct store_req *q)
{
	return q->a.number ? (int64_t)q->a.number : -1;
}

/* rebuild.c: at a writer's start, and after it. */
MUST_CHECK enum err facts_catch_up(struct store *s);

/* peers.c */
MUST_CHECK enum err peer_get(
	struct store *s, const struct id32 *node, struct store_peer *p); /* ERR_NOT_FOUND */
/* peers_heard.c: one address of a row of the query, unless the peer told it of itself. */
void heard_read(struct query *q, struct store_peer *p);
MUST_CHECK enum err heard_load(struct store *s, struct store_peer *p);
/* peers_relays.c: what teller says of p's relays and of whether it relays; old: as stored. *changed is only ever set. */
MUST_CHECK enum err relays_take(struct store *s, const struct store_peer *old, const struct store_peer *p,
	const struct id32 *teller, bool *changed);
/* Out: by the network (until it admits it anew) or by the operator. ERR_NOT_FOUND. */
MUST_CHECK enum err peer_end(struct store *s, const struct id32 *node, bool by_network);
MUST_CHECK enum err peer_admit(struct store *s, const struct id32 *node, enum peer_origin origin,
	bool keep_origin, const char *name);

/* admissions.c: what entries say of nodes; such facts are kept here and not with the others. */
bool admission_is(const struct fact *f);
MUST_CHECK enum err admission_say(struct store *s, const struct fact *f, struct slice name);
MUST_CHECK enum err admissions_drop(
	struct store *s, const struct id32 *log, uint64_t first, uint64_t end); /* [first, end) */
/* What is said, or where a log ends, is another: the peers table may not fit until ADMISSION_SETTLE. */
MUST_CHECK enum err admissions_stale(struct store *s);

/* introductions.c: it waits no more; nobody waits any more whom that node introduced. */
MUST_CHECK enum err introduction_drop(struct store *s, const struct id32 *node);
MUST_CHECK enum err introductions_drop_of(struct store *s, const struct id32 *introducer);

/* changes.c */
MUST_CHECK enum err own_hold(struct store *s);
/* The row that a query of CHANGES or ROWS stands at. */
void read_identity_row(struct query *q, struct store_row *row);
void read_log_row(struct query *q, struct store_row *row);

/* The operations, one for each line of store_ops.def. */
#define STORE_OP(name, writes) \
	MUST_CHECK enum err op_##name(struct store *s, const struct store_req *q, struct store_res *r);
#include "store_ops.def"
#undef STORE_OP

#endif
