/* keyset.h -- an identity's key events as a set, and what is in force by the whole set. SPEC.md section 3.
 * Stored is a function of what was ever offered, in force a function of what is stored.
 * Encoding and signing of events is keyevent.h. Results never depend on the order of arrival. */
#ifndef QUIRE_KEYSET_H
#define QUIRE_KEYSET_H

#include "bytes.h"
#include "bounds.h"
#include "protocol/log/keyevent.h"

/* One thread at a time, also for what takes a const set: the set settles, and decodes, when it is asked. */
struct keyset; /* owns its events' bytes */

/* An empty set for this identity id; the inception must be added first. NULL: out of memory. */
struct keyset *keyset_new(const struct id32 *identity);
void keyset_free(struct keyset *ks);
const struct id32 *keyset_identity(const struct keyset *ks);

enum keyset_added { KEYSET_NEW, KEYSET_KNOWN, KEYSET_LOST };

/* Checks (SPEC 3.2) and adds one event; copies the bytes. *added: NEW, KNOWN already, or LOST: not among those that are kept (SPEC 3.4).
 * One or two signature checks (about 50 us each).
 * ERR_FORMAT, ERR_VERSION, ERR_RANGE, ERR_SIGNATURE, ERR_NOT_FOUND (an event it needs is not in the set: offer it again later), ERR_LIMIT (size, or a batch
 * of more than a peer can hold), ERR_MEMORY. */
MUST_CHECK enum err keyset_add(
	struct keyset *ks, struct slice bytes, struct slice signatures, enum keyset_added *added);
/* The same without checking signatures, for events that this node verified and stored earlier. */
MUST_CHECK enum err keyset_load(struct keyset *ks, struct slice bytes, struct slice signatures);
/* What is added between the two is judged together, as one set (SPEC 3.4: the events of one answer): *added is NEW for the time being,
 * nothing is dropped before the end; then ask keyset_has(). Much cheaper than one by one. */
void keyset_batch_begin(struct keyset *ks);
void keyset_batch_end(struct keyset *ks);
/* Events that were stored and that the last add or batch made the set drop; good until the next. An owner's node sets their bytes
 * aside: a later generation may name them in `keeps`, and then they can be added again. */
size_t keyset_dropped(const struct keyset *ks, const struct id32 **ids);

/* The stored set in an order in which each event comes after those it needs (SPEC 3.2);
 * count and SUM for sync (SPEC 10.3). keyset_at and keyset_find: NULL also if out of memory. */
size_t keyset_count(const struct keyset *ks);
struct id32 keyset_sum(const struct keyset *ks);
const struct keyevent *keyset_at(
	const struct keyset *ks, size_t i); /* i in sending order; borrowed until the next add */
bool keyset_has(const struct keyset *ks, const struct id32 *event_id);
const struct keyevent *keyset_find(const struct keyset *ks, const struct id32 *event_id);

struct keyset_device {
	struct id32 event; /* id of the device event */
	struct id32 sign_key, box_key;
	struct id32 log;
	bool direct; /* only the nodes named may hold it */
	size_t direct_n;
	struct id32 direct_nodes[LIMIT_DIRECT];
	bool closed;
	uint64_t closed_length; /* entries that count */
	struct id32 closed_last;
	struct id32 close_event;
};

struct keyset_hosting {
	struct id32 event, node_key, notice_key, receipt_key;
};

/* An end in force of an officer event. */
struct keyset_end {
	struct id32 event;
	size_t marks_n;
	const struct keyset_mark *marks; /* ascending by log; borrowed from the view */
};

/* SPEC 3.3: the bits of an officer's rights. */
enum keyset_right {
	KEYSET_RIGHT_PUBLISH = 1,
	KEYSET_RIGHT_APPOINT = 2,
	KEYSET_RIGHT_COUNTERSIGN = 4,
	KEYSET_RIGHT_REVOKE = 8,
	KEYSET_RIGHT_VOUCH = 16,
};

struct keyset_officer {
	struct id32 event, identity;
	uint32_t rights;
	bool ended;
	size_t ends_n; /* at least 1 if ended, else 0 */
	const struct keyset_end *ends; /* ascending by event; borrowed from the view */
};

/* What is in force, SPEC 3.5. Arrays are owned by the result; borrowed pointers are good until the next add. */
struct keyset_view {
	uint8_t kind; /* enum identity_kind */
	bool has_generation;
	struct id32 root_key, recovery_key;
	struct id32 generation; /* id of the current generation event */
	uint32_t generation_number;
	struct id32 signing_key, badge_key;
	bool has_reading;
	struct id32 reading_key; /* current */
	struct id32 reading_event,
		badge_event; /* that published the current ones; zeros: none, the inception */
	size_t readings_n;
	struct id32 *readings; /* all in force, current first */
	size_t devices_n;
	struct keyset_device *devices;
	size_t hostings_n;
	struct keyset_hosting *hostings;
	size_t officers_n; /* those not ended, ascending by event */
	struct keyset_officer *officers;
	size_t officers_all_n; /* the ended ones too, ascending by event */
	struct keyset_officer *officers_all;
	size_t ends_n; /* ends in force of officer events in force, by officer event */
	struct keyset_end *ends;
	struct keyset_mark *marks; /* of all ends */
	size_t waiting_n; /* events that wait, ascending */
	struct id32 *waiting;
	size_t in_force_n; /* all others, ascending */
	struct id32 *in_force;
	size_t heads_n; /* for the next event's `after`: events in force that no other in force reaches; at most 32, ascending */
	struct id32 heads[LIMIT_KEYEVENT_AFTER];
};

/* Computes it anew from the whole set. ERR_NOT_FOUND: no inception; ERR_MEMORY. */
MUST_CHECK enum err keyset_resolve(const struct keyset *ks, struct keyset_view *v);
void keyset_view_deinit(struct keyset_view *v);
const struct keyset_device *keyset_view_device(const struct keyset_view *v, const struct id32 *log);
/* SPEC 3.5: may this officer, by the right (bits of enum keyset_right, all of them; 0: never), do what the entry `seq` of the identity's
 * log `log` takes up? */
bool keyset_officer_may(const struct keyset_view *v, const struct id32 *officer, uint32_t right,
	const struct id32 *log, uint64_t seq);
/* A free slot for a new event of the current generation. ERR_LIMIT: none left. */
MUST_CHECK enum err keyset_free_slot(
	const struct keyset *ks, const struct keyset_view *v, bool root_signed, uint32_t *slot);
bool keyset_slot_is_free(
	const struct keyset *ks, const struct keyset_view *v, bool root_signed, uint32_t slot);
/* The signing key that the valid generation event `generation` published (SPEC 12.1). ERR_NOT_FOUND. */
MUST_CHECK enum err keyset_generation_key(
	const struct keyset *ks, const struct id32 *generation, struct id32 *signing_key);

#endif
