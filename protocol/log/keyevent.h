/* keyevent.h -- one key event: bytes to struct, struct to bytes, signatures. SPEC.md sections 3.1 to 3.3 and 3.6. */
#ifndef QUIRE_KEYEVENT_H
#define QUIRE_KEYEVENT_H

#include "bytes.h"
#include "bounds.h"

enum identity_kind { IDENTITY_PERSON, IDENTITY_SCHOOL, IDENTITY_ISSUER, IDENTITY_DISTRICT, IDENTITY_NETWORK };

enum keyevent_kind {
	KEYEVENT_INCEPTION,
	KEYEVENT_GENERATION,
	KEYEVENT_READING,
	KEYEVENT_BADGE,
	KEYEVENT_DEVICE,
	KEYEVENT_CLOSE,
	KEYEVENT_OFFICER,
	KEYEVENT_HOSTING,
	KEYEVENT_END,
	KEYEVENT_ADOPT,
};

/* [key, WRAP(...)]: for wraps the recipient, for grants the public half. */
struct keyevent_wrap {
	struct id32 key;
	uint8_t box[80];
};

/* How far a log reached when an officer was ended. */
struct keyset_mark {
	struct id32 log;
	uint64_t length; /* 1 .. 2^32 */
	struct id32 last; /* id of the entry at length - 1 */
};

/* A decoded event. bytes and signatures are borrowed (in a keyset: from the set). */
struct keyevent {
	struct slice bytes, signatures;
	struct id32 id;
	struct id32 identity; /* for an inception: its own id */
	struct id32 generation; /* zero in an inception */
	enum keyevent_kind kind;
	uint32_t slot;
	size_t after_n;
	struct id32 after[LIMIT_KEYEVENT_AFTER];
	/* payload, by kind; the rest is zero */
	uint8_t identity_kind;
	uint32_t number; /* generation */
	uint32_t rights;
	uint8_t rank; /* close: 1 root, 0 signing */
	uint64_t length; /* close */
	struct id32 root_key, recovery_key, badge_key, signing_key, reading_key;
	struct id32 device_sign_key, device_box_key;
	struct id32 node_key, notice_key, receipt_key;
	struct id32 target; /* close: device signing key; end: the event; officer: the identity */
	struct id32 last; /* close: id of the last entry that counts */
	uint8_t nonce[16];
	size_t wraps_n; /* wraps, or the grants of a device */
	struct keyevent_wrap wraps[LIMIT_WRAPS];
	size_t marks_n; /* end */
	struct keyset_mark marks[LIMIT_END_MARKS];
	size_t list_n; /* keeps, adopts, or direct nodes */
	const uint8_t *list; /* list_n encoded elements: use keyevent_list() */
};

/* Decodes and checks the form (SPEC 3.1, 3.3), not signatures. ev borrows `bytes`. ERR_FORMAT, ERR_VERSION, ERR_RANGE, ERR_LIMIT. */
MUST_CHECK enum err keyevent_decode(struct slice bytes, struct keyevent *ev);
/* Element i of keeps, adopts or direct. */
struct id32 keyevent_list(const struct keyevent *ev, size_t i);
/* The wrap for this recipient, or the grant of this public half; NULL: none. Borrows. */
const struct keyevent_wrap *keyevent_wrap_find(const struct keyevent *ev, const struct id32 *key);
/* Appends the bytes of an event built from the fields of *ev (bytes, signatures, id, list are not read; the list comes in `list_ids`, ascending).
 * ERR_MEMORY, and every error of keyevent_decode: what nobody would accept is not written. */
MUST_CHECK enum err keyevent_encode(const struct keyevent *ev, const struct id32 *list_ids, struct buf *out);
struct id32 keyevent_id(struct slice bytes);
bool keyevent_root_signed(const struct keyevent *ev);

/* SIGN for a signer's secret (64 bytes, libsodium form). direct: the device's list, ascending, at most 16. */
void keyevent_sign(struct slice bytes, const uint8_t secret[64], uint8_t out[64]);
void keyevent_device_consent(const struct id32 *identity, const struct id32 *sign_key,
	const struct id32 *box_key, const struct id32 *direct, size_t direct_n,
	const uint8_t device_secret[64], uint8_t out[64]);
void keyevent_hosting_consent(const struct id32 *identity, const struct id32 *node_key,
	const struct id32 *notice_key, const uint8_t receipt_secret[64], uint8_t out[64]);
/* ERR_SIGNATURE */
MUST_CHECK enum err keyevent_device_consent_verify(const struct id32 *identity, const struct id32 *sign_key,
	const struct id32 *box_key, const struct id32 *direct, size_t direct_n, const uint8_t consent[64]);
MUST_CHECK enum err keyevent_hosting_consent_verify(const struct id32 *identity, const struct id32 *node_key,
	const struct id32 *notice_key, const struct id32 *receipt_key, const uint8_t consent[64]);
/* Checks the signer's signature by `signer`, and the consent if the kind has one. ERR_SIGNATURE, ERR_FORMAT (length). */
MUST_CHECK enum err keyevent_verify(const struct keyevent *ev, const struct id32 *signer);

#endif
