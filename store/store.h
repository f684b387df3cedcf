/* store.h -- the one place with SQL: opens the database, runs requests, groups commits. Requests and results: include/store_req.h. */
#ifndef QUIRE_STORE_H
#define QUIRE_STORE_H

#include "store_req.h"

struct store; /* one connection; one thread at a time */

struct store_options {
	const char *home; /* folder; holds quire.db, blobs/ */
	bool create; /* make the database if it is not there (ERR_NOT_FOUND otherwise) */
	bool read_only; /* a reader: query_only, never checkpoints; write ops give ERR_REFUSED */
	fact_maker facts; /* makes the facts of clear bodies; NULL: none are made */
	uint64_t
		facts_made_late; /* mask of kinds whose entries' facts are not kept: FACT_AT makes them when it is asked, and no other request finds them */
};

/* Opens and, for the writer, migrates (a backup copy quire.db.before-N is made before each migration).
 * ERR_NEWER: the database is newer than this program; ERR_BUSY: locked; ERR_NOT_FOUND, ERR_IO, ERR_FULL, ERR_CORRUPT, ERR_MEMORY. */
MUST_CHECK enum err store_open(const struct store_options *o, struct store **out);
/* A database in memory that takes FACT_ requests only (others give ERR_REFUSED): what somebody who is signed in can open. One thread at a time. ERR_MEMORY. */
MUST_CHECK enum err store_open_memory(struct store **out);
void store_close(struct store *s); /* the writer checkpoints */

/* At each start, by the writer (SPEC 10.2, ARCHITECTURE "restored homes"): records the instance id, the machine id and the side file's inode,
 * ends the previous instance at the last number, holds own logs (OWN_HOLD). *restored: what was found does not fit together, so this home was
 * restored or copied: all own logs are RETIRED in the same transaction; *why says which (static text). */
MUST_CHECK enum err store_start(
	struct store *s, const uint8_t instance[16], bool *restored, const char **why);

/* Runs requests in order: reads at once, writes in one transaction with one synced commit for all. Every res[i] is set; a write that is
 * refused (ERR_CHAIN, ...) leaves no trace and does not disturb the others; a failed commit fails every write with the same error.
 * Nothing is durable before this returns. */
void store_exec(struct store *s, struct store_req *const *reqs, struct store_res *res, size_t n);
/* The same for one. */
void store_exec_one(struct store *s, struct store_req *req, struct store_res *res);

/* Gives back the memory that only makes the next requests faster: after the last of many. */
void store_rest(struct store *s);

/* The number of commits so far, each with one fsync, and the last foreign error (for logs). */
uint64_t store_commits(const struct store *s);
const char *store_last_error(const struct store *s);

/* Integrity of the database file itself: SQLite's check and foreign keys. found: called for each finding. */
MUST_CHECK enum err store_check(struct store *s, void (*found)(void *ctx, const char *text), void *ctx);

/* The whole database as it is at one moment, into a new file, while others write. No memory but SQLite's cache. ERR_IO (also: the file exists), ERR_FULL, ERR_BUSY. */
MUST_CHECK enum err store_copy(struct store *s, const char *path);
/* Blobs whose files are not here are wanted again: after a restore. */
MUST_CHECK enum err store_want_lacking_files(struct store *s);

/* Rebuilds everything derived (gaps, pins, ends, sums; with a maker, facts) from entries. */
MUST_CHECK enum err store_rebuild(struct store *s);

#endif
