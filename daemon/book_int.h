/* book_int.h -- the parts of a book: book.c (life, questions), book_look.c (catching up), book_facts.c (what was opened, as facts), book_keys.c (keys that were handed on). */
#ifndef QUIRE_DAEMON_BOOK_INT_H
#define QUIRE_DAEMON_BOOK_INT_H

#include "book.h"

/* ---- keys that were handed on */

struct handed {
	struct entry_ref of;
	struct id32 by; /* who handed it on */
	uint8_t key[32];
	uint32_t next; /* in its bucket, + 1; 0: the last */
};

struct handed_by {
	struct id32 id;
	size_t n;
};

struct handed_keys {
	uint8_t seed[16]; /* of the hash: nobody chooses its collisions */
	size_t n, cap; /* cap: a power of two, also of buckets */
	struct handed *at; /* sodium_malloc */
	uint32_t *buckets; /* index + 1 */
	size_t by_n;
	struct handed_by *by;
};

void handed_init(struct handed_keys *h);
void handed_deinit(struct handed_keys *h); /* wipes */
enum handed_added { HANDED_NEW, HANDED_KNOWN, HANDED_NO_ROOM };
/* owner: whose log the body stands in, if that is known: what he hands on always finds room among the keys of that body. ERR_MEMORY. */
MUST_CHECK enum err handed_add(struct handed_keys *h, const struct entry_ref *of, const struct id32 *by,
	const struct id32 *owner, const uint8_t key[32], enum handed_added *added);
/* An opener_key over it. */
bool handed_find(void *keys, const struct entry_ref *entry, size_t i, uint8_t key[32]);

/* ---- the book */

/* What came of looking at an entry; two bits. */
enum look {
	LOOK_AGAIN = 0, /* not looked at, or its body was not here */
	LOOK_DONE = 1, /* there is nothing in it for the book */
	LOOK_LOCKED = 2,
	LOOK_OPEN = 3, /* its facts are in the book */
};

struct book_log {
	struct id32 log, identity, last, erased_sum;
	uint64_t change, length, end;
	size_t pairs; /* that its locked entries were tried with */
	size_t records, bytes; /* of it in the book */
	uint8_t *looks; /* 2 bits for each of length */
	size_t looks_bytes;
};

static inline enum look look_get(const struct book_log *l, uint64_t seq)
{
	return (enum look)(l->looks[seq / 4] >> (2 * (seq % 4)) & 3);
}

static inline void look_set(struct book_log *l, uint64_t seq, enum look look)
{
	uint8_t *at = &l->looks[seq / 4];
	unsigned shift = 2 * (unsigned)(seq % 4);
	*at = (uint8_t)((*at & ~(3u << shift)) | (unsigned)look << shift);
}

struct book {
	uv_mutex_t told; /* guards `next` alone: held for a moment */
	bool has_next;
	size_t next_n;
	struct identity_reading next[IDENTITY_READINGS_MAX];

	uv_mutex_t mutex; /* guards all below */
	bool has_me;
	struct id32 me; /* whose book it is */
	size_t readings_n;
	struct identity_reading readings[IDENTITY_READINGS_MAX];
	struct opener *opener; /* NULL: made when it is needed */
	struct store *facts;
	struct handed_keys keys;
	size_t logs_n, logs_cap;
	struct book_log *logs; /* ascending by log */
	uint64_t number; /* the change number that was caught up to; UINT64_MAX: none */
	size_t late_n, late_cap, late_at; /* late_at: those before are done */
	struct entry_ref *late; /* entries whose keys came after they were looked at */
	size_t records, bytes;
	bool full;
	size_t opened_n;
	struct id32 opened[BOOK_OPENED_MAX];
	size_t sought_n;
	struct entry_ref sought[BOOK_SOUGHT_MAX];
};

struct book_log *book_log_find(struct book *b, const struct id32 *log); /* NULL: not known */
/* The mutex is held. */
MUST_CHECK enum err book_look(struct book *b, struct store *reader);
/* The facts of what was opened, if there is room for them, and away with them. The store's errors. */
MUST_CHECK enum err book_put(struct book *b, struct book_log *l, const struct fact_source *src, bool *put);
MUST_CHECK enum err book_drop(struct book *b, struct book_log *l, uint64_t seq);
/* The opener of those who hold the mutex. ERR_MEMORY. */
MUST_CHECK enum err book_own_opener(struct book *b, struct opener **out);

#endif
