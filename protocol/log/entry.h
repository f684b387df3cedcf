/* entry.h -- entry headers, runs, envelopes, body commitments. SPEC.md section 4.
 * Pure; no allocation. A header is kept and passed on as its exact 162 bytes. */
#ifndef QUIRE_ENTRY_H
#define QUIRE_ENTRY_H

#include "bytes.h"
#include "bounds.h"

#define ENTRY_FLAG_SEALED 1u
#define ENTRY_FLAG_KEEP 2u

/* What a header says. */
struct entry_header {
	uint8_t flags;
	struct id32 log;
	uint64_t seq;
	struct id32 prev;
	uint32_t hour;
	uint8_t scope[16];
	struct id32 envelope_hash;
	uint32_t body_bytes;
	struct id32 commitment;
};

/* SPEC 4.2. Encoding a header that decode would refuse is a programmer's error and aborts. */
void entry_header_encode(const struct entry_header *h, uint8_t out[ENTRY_HEADER_BYTES]);
/* ERR_FORMAT: length, unknown flags; ERR_VERSION; ERR_RANGE: seq, body length, prev not zero at seq 0. */
MUST_CHECK enum err entry_header_decode(struct slice bytes, struct entry_header *h);

/* SPEC 4.1, 4.3 */
struct id32 entry_log_id(const struct id32 *identity, const struct id32 *device_key);
struct id32 entry_id(const uint8_t header[ENTRY_HEADER_BYTES]);
void entry_sign(const uint8_t header[ENTRY_HEADER_BYTES], const uint8_t device_secret[64],
	uint8_t out[ENTRY_SIGNATURE_BYTES]);
MUST_CHECK enum err entry_verify(const uint8_t header[ENTRY_HEADER_BYTES], const uint8_t signature[64],
	const struct id32 *device_key); /* ERR_SIGNATURE */

struct id32 entry_envelope_hash(struct slice envelope); /* zeros for an empty one */
struct id32 entry_body_commitment(struct slice body);

/* SPEC 4.6: does this body belong to this header (length and commitment)? ERR_HASH. */
MUST_CHECK enum err entry_body_check(const struct entry_header *h, struct slice body);

/* Envelope, SPEC 4.5. */
struct envelope_blob {
	struct id32 root;
	uint64_t size; /* bytes of the plain file */
};

struct envelope {
	size_t blobs_n;
	struct envelope_blob blobs[LIMIT_ENVELOPE_BLOBS];
	bool has_custodian, has_drop_after, has_was;
	struct id32 custodian;
	uint32_t drop_after_day;
	struct entry_ref was;
};

/* Appends the encoding (nothing for an empty envelope). ERR_MEMORY. */
MUST_CHECK enum err envelope_encode(const struct envelope *e, struct buf *out);
/* An empty slice gives the empty envelope. ERR_FORMAT, ERR_RANGE, ERR_LIMIT. */
MUST_CHECK enum err envelope_decode(struct slice bytes, struct envelope *e);

/* What of a body travels or is stored; the numbers of SPEC 9.2. */
enum body_kind { BODY_ASK = 0, BODY_HERE = 1, BODY_ERASED = 2, BODY_ABSENT = 3, BODY_WITHHELD = 4 };

struct entry_part {
	struct slice envelope;
	uint8_t kind; /* enum body_kind */
	struct slice bytes; /* body or erasure statement */
};

/* A run, SPEC 4.3: n consecutive headers and the signature of the last. Borrows everything. */
struct run {
	struct id32 log;
	uint64_t first;
	size_t n; /* 1..64 */
	const uint8_t *headers; /* n * 162 bytes */
	const uint8_t *
		signature; /* 64 bytes, of the last; NULL: none, then one of these must name an entry of it */
	const struct id32 *closing; /* id that a closing in force names, or NULL */
	const struct id32
		*fork_prev; /* id that the proof of the log's lowest fork names before it, or NULL */
	const struct entry_part *parts; /* n, or NULL: headers alone (fork proofs) */
};

struct run_ends {
	struct id32 prev; /* what the first header names */
	struct id32 last; /* id of entry n - 1 */
	size_t n; /* how many entries are shown to be valid: all with a signature, else those up to the one named */
	size_t fork_n; /* how many lie before the fork; 0: it is not in this run */
};

/* Checks everything of a run that needs no other data: form, log id, seqs, that it does not cross an interval (SPEC 4.3), inner links,
 * envelopes (hash and form), bodies (length and commitment), and the last signature. Erasure statements are not checked here.
 * About 1.5 us an entry of 300 bytes and 50 us for the signature: not for the loop thread.
 * ERR_FORMAT, ERR_VERSION, ERR_SIGNATURE (also: no signature, and no entry is named), ERR_RANGE (a header's, or n: empty or over the interval's end), ERR_CHAIN, ERR_HASH. */
MUST_CHECK enum err run_verify(const struct run *r, const struct id32 *device_key, struct run_ends *ends);

/* The seq behind the last that a run beginning at `first` may hold. */
static inline uint64_t run_interval_end(uint64_t first)
{
	return (first | (LIMIT_RUN_ENTRIES - 1)) + 1;
}

#endif
