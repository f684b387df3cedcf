/* trees.h -- new entries along trees: which links are lazy, what waits to be told over them, and what waits to come another way.
 * SPEC.md section 19.3. Included by engine_int.h. Nothing here allocates more than the bounds below, for one session each. */
#ifndef QUIRE_PEER_TREES_H
#define QUIRE_PEER_TREES_H

#include "protocol/peer/message.h"
#include "store_req.h"

#define TREES 8
#define TREES_ROWS_MAX 256 /* rows that wait to be told to one peer; one more, and all leave */
#define TREES_HELD_MAX \
	512 /* rows of one peer whose entries may come another way; those beyond are fetched at once */
#define TREES_RECENT 256 /* logs of which it is known who brought the last entries */
/* SPEC 19.3: "after 100 to 500 ms". The side with the lower node key is the quicker one: so most rows go one way only. */
#define TREES_LOW_LEAST_MS 100
#define TREES_LOW_MOST_MS 200
#define TREES_HIGH_LEAST_MS 300
#define TREES_HIGH_MOST_MS 500
#define TREES_HELD_MS 1000
#define TREES_HELD_MOST_MS 4000 /* however often others were asked for the same log meanwhile */

struct engine;
struct session;
struct pull;

struct trees_row {
	struct store_row row;
	uint64_t since_ms;
};

struct trees { /* of one session */
	uint8_t lazy; /* a bit for each tree: this link is lazy for it */
	struct trees_row *rows; /* to be told, oldest first; TREES_ROWS_MAX, made when needed */
	size_t rows_n;
	struct pull *held; /* pulls that wait for another peer, by p->next_held */
	size_t held_n;
	uint64_t held_due_ms; /* none of them is due before */
};

/* Who brought the newest entries of a log. */
struct trees_recent {
	struct id32 log;
	uint64_t end; /* seq behind the last */
	uint64_t conn; /* 0: written here */
};

/* ---- what happened here ---- */

/* Entries first .. first + n - 1 of a log were committed by a RUN_PUT; conn brought them, or 0. Pulls that wait for them go on. */
void trees_committed(struct engine *e, const struct id32 *log, uint64_t first, size_t n,
	const struct store_res *res, uint64_t conn);

/* ---- telling ---- */

bool trees_lazy(const struct session *s, const struct id32 *log);
/* The row waits; if too many do, those leave at once. ERR_MEMORY. */
MUST_CHECK enum err trees_put(struct session *s, const struct store_row *row);
void trees_drop(struct session *s, const struct id32 *log); /* it is being told in another way */
/* `number`, or less: as far as a cursor may go while rows wait. */
uint64_t trees_number(const struct session *s, uint64_t number);
void trees_on_prune(struct session *s, const struct message_prune *m);
void trees_on_graft(struct session *s, const struct message_graft *m);

/* ---- taking ---- */

/* The entries of this row may come another way: the pull is put aside, and started again when they have or when nobody brought them.
 * False: fetch them. */
bool trees_hold(struct pull *p);
void trees_brought(struct pull *p); /* an unasked run brought something new */
void trees_nothing_new(struct pull *p); /* an unasked run brought nothing new */

/* ---- life ---- */

void trees_time(struct session *s);
uint64_t trees_deadline(const struct session *s);
void trees_deinit(struct session *s);

#endif
