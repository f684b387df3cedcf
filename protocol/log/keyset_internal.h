/* keyset_internal.h -- what the keyset_*.c share. For nobody else. */
#ifndef QUIRE_KEYSET_INTERNAL_H
#define QUIRE_KEYSET_INTERNAL_H

#include "protocol/log/keyset.h"

/* A stored event: what decisions need of it, decoded once. */
struct record {
	struct id32 id;
	struct slice bytes, signatures; /* in mem */
	size_t after_n;
	const struct id32 *after; /* in mem */
	size_t list_n;
	const uint8_t *list; /* in mem: keeps, adopts or direct */
	size_t marks_n;
	const struct keyset_mark *marks; /* in mem */
	struct record *generation; /* what it names; NULL in the inception */
	enum keyevent_kind kind;
	uint32_t slot;
	uint32_t number; /* generation: its number; officer: rights; inception: identity kind */
	uint8_t rank;
	bool root_signed;
	bool wins; /* its slot; true where it spends none */
	bool kept; /* the keeps of C or of a predecessor of C names it */
	bool kept_now; /* C's keeps names it */
	bool adopted; /* an adopt event that names C and wins its slot names it */
	bool settled; /* it was stored before the events that are being judged came */
	uint64_t length; /* close */
	struct id32
		key[3]; /* payload ids in order; inception: root, recovery, badge; close: device key, last */
	struct keyevent *decoded; /* for keyset_at, made when asked for */
	size_t index; /* place in keyset.order while resolving */
	uint8_t mem[];
};

struct map_entry {
	struct id32 key;
	struct record *rec; /* NULL: none any more */
	uint32_t index; /* rec->index, one look into memory less */
	bool used;
};

/* Zeroed is empty. Entries move at map_reserve only. */
struct map {
	struct map_entry *at;
	size_t cap, used; /* cap a power of two, or 0 */
};

MUST_CHECK enum err map_reserve(struct map *m, size_t more); /* ERR_MEMORY */
struct map_entry *map_find(const struct map *m, const struct id32 *key); /* NULL: not there */
struct map_entry *map_put(struct map *m, const struct id32 *key); /* finds or makes; room was reserved */
void map_clear(struct map *m); /* keeps the room */
void map_free(struct map *m);

/* The inside of a set, so that a const set can settle. */
struct keyset_state {
	struct record *inception;
	struct record *current; /* C; NULL: none */
	struct map ids, slots; /* slots: by slot_key, the winner */
	struct record **order; /* n in use; in sending order if settled */
	size_t n, cap;
	struct id32 sum;
	bool settled; /* all below and in the records is as the rules say */
	bool batch;
	bool decoded; /* some record is */
	size_t dropped_n;
	struct id32 *dropped; /* cap long */
};

struct keyset {
	struct id32 identity;
	struct keyset_state *state;
};

/* The state, settled. */
struct keyset_state *keyset_settled(const struct keyset *ks);
/* The key in the map of slots: the generation's first 28 bytes, then which slot of which signer. */
struct id32 keyset_slot_key(const struct id32 *generation, bool root_signed, uint32_t slot);
void keyset_record_free(struct record *r);
struct id32 record_list(const struct record *r, size_t i);
struct record *keyset_record(const struct keyset_state *st, const struct id32 *id); /* NULL: not stored */

/* For every event i of st->order (indexes set): reached[i], is it reached by another of its group (0: it has none);
 * inner[i], is it reached by any event with in_force. Both come in false. ERR_MEMORY. */
MUST_CHECK enum err keyset_reach(const struct keyset_state *st, const uint32_t *group, uint32_t groups_n,
	const bool *in_force, bool *reached, bool *inner);

/* Hostings, officers and their ends, into a view that has none. in_force: of each event of st->order (indexes set). ERR_MEMORY. */
MUST_CHECK enum err keyset_view_roles(
	const struct keyset_state *st, const bool *in_force, struct keyset_view *v);

#endif
