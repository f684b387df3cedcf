/* bundle.h -- proof bundles: what an award needs to be judged by somebody who has nothing else. SPEC.md section 18. Pure. */
#ifndef QUIRE_AWARD_BUNDLE_H
#define QUIRE_AWARD_BUNDLE_H

#include "protocol/award/judge.h"
#include "protocol/log/entry.h"

#include <jansson.h>

#define BUNDLE_TYPE "QuireProofBundle"
#define BUNDLE_BYTES_MAX (8u << 20)
#define BUNDLE_IDENTITIES_MAX 64u
#define BUNDLE_RUNS_MAX 512u
#define BUNDLE_MARKS_MAX 512u

/* ---- writing */

struct bundle_body {
	uint64_t seq;
	struct slice envelope;
	struct slice body; /* or */
	struct slice erased; /* the statement; neither: the header alone */
	bool has_key;
	uint8_t key[32]; /* content key of a sealed body */
};

struct bundle_run {
	struct id32 identity, log;
	uint64_t first;
	size_t n; /* headers */
	const uint8_t *headers; /* n * 162 bytes */
	const uint8_t *signature; /* NULL: a closing names the last */
	size_t bodies_n;
	const struct bundle_body *bodies;
};

struct bundle_mark {
	struct id32 log, last;
	uint64_t length;
	uint32_t hour;
};

struct bundle_parts {
	const json_t *credential; /* signed */
	struct entry_ref award;
	size_t identities_n;
	const struct keyset *const *identities;
	size_t runs_n;
	const struct bundle_run *runs;
	uint32_t hour;
	size_t marks_n;
	const struct bundle_mark *marks;
};

/* The whole document, in canonical form. ERR_LIMIT, ERR_MEMORY. */
MUST_CHECK enum err bundle_write(const struct bundle_parts *parts, struct buf *out);

/* ---- reading */

/* A bundle that was read and checked (SPEC 18: key events, runs, bodies); owns everything. */
struct bundle;

/* Is this a bundle, by its type? */
bool bundle_is(const json_t *doc);
/* ERR_FORMAT, ERR_LIMIT, ERR_SIGNATURE, ERR_HASH, ERR_CHAIN, ERR_DECRYPT …: the bundle is wrong, why says where; ERR_MEMORY. */
MUST_CHECK enum err bundle_read(struct slice text, struct bundle **out, char why[256]);
/* The same of a document that was parsed already; takes a reference. */
MUST_CHECK enum err bundle_read_json(json_t *doc, struct bundle **out, char why[256]);
void bundle_free(struct bundle *b); /* NULL is fine */
const json_t *bundle_credential(const struct bundle *b);
const struct judge_case *bundle_case(const struct bundle *b);
struct entry_ref bundle_award(const struct bundle *b);
uint32_t bundle_hour(const struct bundle *b);
size_t bundle_marks(const struct bundle *b, const struct bundle_mark **marks);
/* How many key events, runs, bodies and erasures could not be used, since what they need is not in the bundle (SPEC 18). */
size_t bundle_left_out(const struct bundle *b);

#endif
