/* identity.h -- what an owner does with keys: begins an identity, adds and closes devices, names hosting nodes, recovers by the code.
 * SPEC.md sections 2 and 3. Pure: it builds signed events and opens wraps; the caller adds the events to the set and stores them first.
 *
 * Each function that writes resolves the set, takes its heads as `after`, and a free slot at random, so that two devices that
 * write at the same time seldom meet in one. Secrets are plain bytes here: keep them in memory that is locked and wiped. */
#ifndef QUIRE_IDENTITY_H
#define QUIRE_IDENTITY_H

#include "protocol/log/keyset.h"
#include "protocol/log/recovery.h"
#include "random.h"

#define IDENTITY_READINGS_MAX 64
#define IDENTITY_REQUEST_TEXT_BYTES 1104 /* with NUL; more than any request needs */

struct identity_reading {
	struct id32 key; /* public half */
	uint8_t secret[32];
};

/* What a device of the owner knows. Zeroed is empty and valid. */
struct identity_secrets {
	bool has_signing, has_badge;
	struct id32 signing_key, badge_key; /* public halves */
	uint8_t signing_seed[32], badge_seed[32];
	size_t readings_n;
	struct identity_reading readings[IDENTITY_READINGS_MAX]; /* the current one first, if it is known */
};

void identity_secrets_wipe(struct identity_secrets *s);
/* NULL: not known. Borrows. */
const struct identity_reading *identity_secrets_reading(
	const struct identity_secrets *s, const struct id32 *key);

/* The secrets of one device; they never leave it. */
struct identity_device {
	uint8_t sign_seed[32], box_secret[32];
};

/* One event, ready for keyset_add. Owns its bytes; identity_event_deinit accepts a zeroed one. */
struct identity_event {
	struct buf bytes;
	uint8_t signatures[128];
	size_t signatures_n;
	struct id32 id;
};

struct slice identity_event_signatures(const struct identity_event *ev);
void identity_event_deinit(struct identity_event *ev);

/* ---- a device asks to be added */

struct identity_request {
	struct id32 identity, sign_key, box_key;
	size_t direct_n; /* only these nodes may hold the log, ascending; 0: any */
	struct id32 direct[LIMIT_DIRECT];
	uint8_t consent[64];
};

/* ERR_LIMIT, ERR_INPUT: direct is too long, not ascending. */
MUST_CHECK enum err identity_request_make(const struct id32 *identity, const struct identity_device *device,
	const struct id32 *direct, size_t direct_n, struct identity_request *out);
/* `quire-device:` and base32, as invitations have it (SPEC 8.3), of: version 1 (u8), identity id, device signing key, device box key,
 * number of direct nodes (u8), their keys, consent (64), the first 4 bytes of H(`quire.invitesum`, all bytes before). */
void identity_request_format(const struct identity_request *r, char out[IDENTITY_REQUEST_TEXT_BYTES]);
/* Ignores case and white space around. ERR_FORMAT: not a request; ERR_HASH: altered or cut; ERR_VERSION; ERR_SIGNATURE: no consent. */
MUST_CHECK enum err identity_request_parse(const char *text, struct identity_request *r);

/* ---- with the recovery code */

/* Inception, generation 1, a first reading key and the first device. *ks is the new set (keyset_free it), *secrets what the device needs.
 * ERR_MEMORY, and those of identity_request_make. */
MUST_CHECK enum err identity_create(const struct random_source *rnd, enum identity_kind kind,
	const uint8_t entropy[RECOVERY_ENTROPY_BYTES], enum recovery_label label,
	const struct identity_device *device, const struct id32 *direct, size_t direct_n, struct keyset **ks,
	struct identity_secrets *secrets);

/* Opens every secret in force that is wrapped to the recovery key. What does not open is left out: see the has_ flags.
 * ERR_DECRYPT: the code is not this identity's; ERR_NOT_FOUND: no inception; ERR_MEMORY. */
MUST_CHECK enum err identity_recover(const struct keyset *ks, const uint8_t entropy[RECOVERY_ENTROPY_BYTES],
	enum recovery_label label, struct identity_secrets *secrets);

/* What a new generation shall hold on to. */
struct identity_keeps {
	const struct id32 *without; /* events in force that it does not keep: what a thief wrote */
	size_t without_n;
	const struct id32 *also; /* events not in force that it keeps: waiting, or dropped and set aside */
	size_t also_n;
	const struct id32 *not_to; /* box keys that do not get the new secret: devices that are lost */
	size_t not_to_n;
};

/* A new generation by the root key: keeps all events in force and a new signing key, wrapped to the recovery key and the open devices.
 * On success *secrets has the new signing key. Publish a new reading key next (identity_new_reading).
 * ERR_DECRYPT: not this identity's code; ERR_LIMIT: over 1,024 keeps, 255 generations or 32 devices; ERR_MEMORY. */
MUST_CHECK enum err identity_new_generation(const struct random_source *rnd, const struct keyset *ks,
	const uint8_t entropy[RECOVERY_ENTROPY_BYTES], enum recovery_label label,
	const struct identity_keeps *keeps, struct identity_secrets *secrets, struct identity_event *out);

/* A new badge key, in the place of the one in force: what was signed with that one stays good. Wrapped to the recovery key and the open devices. On success *secrets has it.
 * ERR_DECRYPT: not this identity's code; ERR_STATE: no generation yet; ERR_LIMIT: slots, sizes, over 32 devices; ERR_MEMORY. */
MUST_CHECK enum err identity_new_badge(const struct random_source *rnd, const struct keyset *ks,
	const uint8_t entropy[RECOVERY_ENTROPY_BYTES], enum recovery_label label,
	struct identity_secrets *secrets, struct identity_event *out);

/* Closes a device by rank 1. last: id of the last entry that counts; not read if length is 0.
 * ERR_DECRYPT, ERR_NOT_FOUND: no such device in force, ERR_LIMIT, ERR_MEMORY. */
MUST_CHECK enum err identity_close_device_by_root(const struct random_source *rnd, const struct keyset *ks,
	const uint8_t entropy[RECOVERY_ENTROPY_BYTES], enum recovery_label label, const struct id32 *log,
	uint64_t length, const struct id32 *last, struct identity_event *out);

/* ---- with the signing key; each of these: ERR_LOCKED: no signing key; ERR_STATE: it is not the current one; ERR_LIMIT: slots, sizes; ERR_MEMORY */

/* The event that adds the device, with the secrets that it needs (at most 8: signing, badge, the current reading key, then others).
 * ERR_INPUT: the request is for another identity; ERR_SIGNATURE: its consent; ERR_EXISTS: a device in force has that key; ERR_DECRYPT: a bad box key. */
MUST_CHECK enum err identity_add_device(const struct random_source *rnd, const struct keyset *ks,
	const struct identity_secrets *secrets, const struct identity_request *request,
	struct identity_event *out);
/* As by root, with rank 0. ERR_NOT_FOUND */
MUST_CHECK enum err identity_close_device(const struct random_source *rnd, const struct keyset *ks,
	const struct identity_secrets *secrets, const struct id32 *log, uint64_t length,
	const struct id32 *last, struct identity_event *out);
/* A new reading key, wrapped to the recovery key and the open devices. *reading: to be put into the secrets once the event is stored
 * (identity_secrets_add_reading). */
MUST_CHECK enum err identity_new_reading(const struct random_source *rnd, const struct keyset *ks,
	const struct identity_secrets *secrets, struct identity_reading *reading, struct identity_event *out);
/* Puts it first; the last one falls out if there are 64. */
void identity_secrets_add_reading(struct identity_secrets *s, const struct identity_reading *reading);
/* consent: the node's, over identity, node key, notice key (SPEC 3.6). ERR_SIGNATURE */
MUST_CHECK enum err identity_hosting(const struct random_source *rnd, const struct keyset *ks,
	const struct identity_secrets *secrets, const struct id32 *node_key, const struct id32 *notice_key,
	const struct id32 *receipt_key, const uint8_t consent[64], struct identity_event *out);
MUST_CHECK enum err identity_officer(const struct random_source *rnd, const struct keyset *ks,
	const struct identity_secrets *secrets, const struct id32 *officer, uint32_t rights,
	struct identity_event *out);
/* Ends an officer or hosting event. marks: how far the identity's own logs reach, in any order, at most 16, of each log one; none for a
 * hosting event. ERR_INPUT: marks, and the event is in the set and not an officer's; ERR_RANGE: a length is not 1 .. 2^32;
 * ERR_FORMAT: two marks of one log. */
MUST_CHECK enum err identity_end(const struct random_source *rnd, const struct keyset *ks,
	const struct identity_secrets *secrets, const struct id32 *event, const struct keyset_mark *marks,
	size_t marks_n, struct identity_event *out);
/* Brings waiting events into force; ids in any order, 1 .. 64, no two alike. */
MUST_CHECK enum err identity_adopt(const struct random_source *rnd, const struct keyset *ks,
	const struct identity_secrets *secrets, const struct id32 *ids, size_t n, struct identity_event *out);

/* ---- with a device's own keys */

/* What was granted to this device when it was added, and wrapped to it since. ERR_NOT_FOUND: no device in force has this box key. */
MUST_CHECK enum err identity_open_grants(
	const struct keyset *ks, const struct identity_device *device, struct identity_secrets *secrets);

#endif
