/* bundle_int.h -- what the parts of bundle share. */
#ifndef QUIRE_AWARD_BUNDLE_INT_H
#define QUIRE_AWARD_BUNDLE_INT_H

#include "arena.h"
#include "protocol/award/bundle.h"

#define BUNDLE_WHY_BYTES 256
#define BUNDLE_WHERE_BYTES 64
#define BUNDLE_NOBODY SIZE_MAX

/* A run as it was read. */
struct bundle_read_run {
	char where[BUNDLE_WHERE_BYTES]; /* "runs[3]" */
	size_t who; /* index of the identity, or BUNDLE_NOBODY */
	struct id32 identity, log;
	const struct keyset_device *device; /* NULL: no such device in force, so nothing of it is used */
	uint64_t first;
	size_t n;
	const uint8_t *headers, *signature;
	struct id32 prev; /* what the first header names */
	struct id32 *ids;
	size_t chained; /* of a closed log: so many are shown to be in the chain that its closing names */
	uint64_t forked; /* without a closing: from here on nothing counts; UINT64_MAX: no fork is seen */
	const json_t *bodies;
};

struct bundle {
	struct arena arena;
	json_t *json;
	const json_t *credential;
	struct entry_ref award;
	uint32_t hour;
	size_t marks_n;
	struct bundle_mark *marks;
	size_t identities_n;
	struct judge_identity identities[BUNDLE_IDENTITIES_MAX];
	struct keyset *keys[BUNDLE_IDENTITIES_MAX];
	struct keyset_view views[BUNDLE_IDENTITIES_MAX];
	size_t runs_n;
	struct bundle_read_run *runs;
	size_t facts_n, facts_cap;
	struct fact *facts;
	size_t erased_n;
	struct id32 *erased;
	size_t left_out;
	struct judge_case judged;
};

struct bundle_reader {
	struct bundle *b;
	char *why; /* BUNDLE_WHY_BYTES */
};

/* Says what is wrong where, and returns e. */
__attribute__((format(printf, 4, 5))) enum err bundle_fault(
	struct bundle_reader *r, enum err e, const char *where, const char *format, ...);

/* ---- values of a member; where: its path. ERR_FORMAT, ERR_RANGE; it has been said. */

/* An object without other members than those: a list that ends with NULL, a `!` before each that must be there. */
MUST_CHECK enum err bundle_members(
	struct bundle_reader *r, const json_t *o, const char *where, const char *const *names);
MUST_CHECK enum err bundle_get_id(
	struct bundle_reader *r, const json_t *v, const char *where, struct id32 *out);
MUST_CHECK enum err bundle_get_number(
	struct bundle_reader *r, const json_t *v, const char *where, uint64_t max, uint64_t *out);
/* Bytes in the arena. */
MUST_CHECK enum err bundle_get_bytes(struct bundle_reader *r, const json_t *v, const char *where, size_t min,
	size_t max, struct slice *out);
MUST_CHECK enum err bundle_get_list(
	struct bundle_reader *r, const json_t *v, const char *where, size_t min, size_t max);

/* JSON of bounded size and number of values. ERR_FORMAT, ERR_LIMIT, ERR_MEMORY. */
MUST_CHECK enum err bundle_parse(struct slice text, json_t **out, char why[BUNDLE_WHY_BYTES]);

/* ---- the steps, in this order */

MUST_CHECK enum err bundle_read_identities(struct bundle_reader *r, const json_t *list);
/* Form, links and signatures of all runs; which of them lead to a closing, and where logs are forked. */
MUST_CHECK enum err bundle_read_runs(struct bundle_reader *r, const json_t *list);
/* Bodies and erasures, and the facts that they make. */
MUST_CHECK enum err bundle_read_bodies(struct bundle_reader *r);

/* Is the identity in the bundle? BUNDLE_NOBODY: no. */
size_t bundle_who(const struct bundle *b, const struct id32 *identity);

#endif
