/* book.h -- what a session can open, as facts, in memory: the store's tables hold what stands in the clear, the book what is sealed. SPEC.md sections 5.4 and 16.1.
 *
 * Each session has one, made when it is first asked for, gone with it; those who are not signed in share one, which opens only what clear `share` and
 * `submission` records publish keys of. A book opens bodies with the session's reading keys, and with content keys that records handed on: those of a `share`
 * or a `submission` that the session can read, sealed or clear. A key that does not fit its body (SPEC 5.2) does no harm.
 *
 * On a pool thread, where it says `reader`: a store that is read-only. Any thread may use a book; one at a time does, others wait.
 * The first catching up looks at everything on this node: about 4 us for an entry that stays closed, 140 us for one that is opened; later ones at what has
 * changed.
 *
 * Memory: BOOK_RECORDS_MAX opened records of together BOOK_BYTES_MAX bytes, and about as much again for their index; BOOK_KEYS_MAX keys of 150 bytes; 2 bits for each entry on this
 * node. Of the records one identity takes at most half the room, but for whose book it is. What does not fit is not in the book, but book_record() opens it all the same; book_full() says so. */
#ifndef QUIRE_DAEMON_BOOK_H
#define QUIRE_DAEMON_BOOK_H

#include "bounds.h"
#include "keyring.h"
#include "opener.h"
#include "session.h"

#define BOOK_RECORDS_MAX 100000u
#define BOOK_BYTES_MAX (64u << 20)
#define BOOK_RECORDS_OF_ONE_MAX (BOOK_RECORDS_MAX / 2) /* written by one identity, but for whose book it is */
#define BOOK_BYTES_OF_ONE_MAX (BOOK_BYTES_MAX / 2)
#define BOOK_KEYS_MAX 65536u
#define BOOK_KEYS_OF_ONE_MAX 16384u /* handed on by one identity */
#define BOOK_KEYS_OF_BODY_MAX \
	8u /* claimed by different identities for one body; the body's owner always finds room */

struct book;

/* For tests and for work without sessions; others ask session_book() (session.h). keys NULL: nobody is signed in. Copies the reading keys. NULL: out of memory. */
struct book *book_new(const struct keyring *keys);
void book_free(struct book *b); /* wipes its keys. NULL is fine */
/* The reading keys as they are now. On the loop thread or a desk; waits for nobody. */
void book_keys(struct book *b, const struct keyring *keys);

/* Takes in what has changed on this node. Cheap if nothing has. Errors are the store's (ERR_IO, ERR_CORRUPT …) and ERR_MEMORY; the book stays usable, with what it has. */
MUST_CHECK enum err book_catch_up(struct book *b, struct store *reader);

/* A FACT_ request that reads, answered from the book; fact.cut is set as of the last catching up. Also FACT_SEARCH. res: store_res_free it, also on error. */
MUST_CHECK enum err book_ask(struct book *b, struct store_req *req, struct store_res *res);

/* The content key of a sealed body that the session can open: from its slot, or handed on. Secret: wipe it.
 * ERR_LOCKED: it cannot; ERR_NOT_FOUND: no such entry here; ERR_STATE: the body is clear; ERR_ERASED, ERR_PENDING (the body is not here), ERR_REFUSED (withheld), ERR_MEMORY. */
MUST_CHECK enum err book_key(
	struct book *b, struct store *reader, const struct entry_ref *at, uint8_t key[32]);
/* Appends the record of an entry, clear or opened; with a secret in it: wipe it. The same errors but ERR_STATE; ERR_FORMAT, ERR_DECRYPT: the body is not what it should be. */
MUST_CHECK enum err book_record(
	struct book *b, struct store *reader, const struct entry_ref *at, struct buf *record);

/* An opener with the session's reading keys and the keys that were handed on; opener_free it before the book. NULL: out of memory. */
struct opener *book_opener(struct book *b);
#define BOOK_OPENED_MAX LIMIT_GUESTS
/* Others of whom something sealed was opened since this was last asked, each once; out has room for BOOK_OPENED_MAX, what is beyond is forgotten. */
size_t book_opened(struct book *b, struct id32 *out);
#define BOOK_SOUGHT_MAX 16u
/* An entry behind the end of its log that is not here and counts; asked for, by whoever has a desk, of what was sought since this was last asked, each once. */
void book_seek(struct book *b, const struct entry_ref *at);
size_t book_sought(struct book *b, struct entry_ref out[BOOK_SOUGHT_MAX]);
/* Something found no room. */
bool book_full(struct book *b);

#endif
