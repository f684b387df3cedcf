/* fact.h -- what a record says, as plain data: made by protocol/award from an entry, kept and found by the store, which knows nothing of its meaning,
 * and judged by protocol/award. SPEC.md section 16.1. */
#ifndef QUIRE_FACT_H
#define QUIRE_FACT_H

#include "bytes.h"
#include "bounds.h"

/* One for each kind of record that states something; stored, so numbers never change. */
enum fact_kind {
	FACT_NONE = 0,
	FACT_PROFILE = 1,
	FACT_ARTIFACT = 2,
	FACT_REFLECTION = 3,
	FACT_FRAMEWORK = 4,
	FACT_DEFINITION = 5, /* about: what it supersedes, or zeros */
	FACT_APPOINTMENT = 6, /* about: the definition; party: the reviewer */
	FACT_APPOINTMENT_END = 7, /* about: the appointment */
	FACT_MANIFEST = 8, /* about: the definition */
	FACT_SUBMISSION = 9, /* about: the definition */
	FACT_REVISION = 10, /* a second fact of a submission. about: the submission that it revises */
	FACT_CLAIM = 11, /* about: the submission */
	FACT_RELEASE = 12, /* about: the claim */
	FACT_REVIEW = 13, /* about: the submission */
	FACT_TAKE_UP = 14, /* about: a review; one fact for each */
	FACT_WITHDRAW = 15, /* about: the submission */
	FACT_AWARD = 16, /* about: the submission */
	FACT_NAMED = 17, /* further facts of an award. about: a review that it names; one for each */
	FACT_ACCEPTANCE = 18, /* about: the award */
	FACT_REVOKE = 19, /* about: the award */
	FACT_ENDORSEMENT = 20, /* about: what it endorses */
	FACT_VOUCH = 21, /* party: whom it vouches for */
	FACT_VOUCH_END = 22, /* about: the vouch */
	FACT_ACT = 23, /* party: the institution */
	FACT_SHARE = 24, /* about: a body whose key it hands on; one for each */
	FACT_ADMISSION =
		25, /* party: the node; about: not an entry, but the introducer, or zeros. The store keeps it and its end apart from other facts */
	FACT_ADMISSION_END = 26, /* about: the admission */
	FACT_KIND_COUNT
};

#define FACT_MASK(kind) (UINT64_C(1) << (kind))
#define FACTS_OF_ENTRY_MAX 72u
#define FACT_TEXTS 6u

/* What full-text search looks at, in the order of its columns; empty: nothing. */
enum fact_text { FACT_TITLE, FACT_COMPETENCY, FACT_METHOD, FACT_PROBLEMS, FACT_TAGS, FACT_OTHER };

struct fact {
	enum fact_kind kind;
	struct entry_ref at; /* the entry that says it */
	struct id32 author; /* the identity in whose log it stands */
	struct id32 about; /* an entry id, or zeros */
	struct id32 party; /* an identity, or zeros */
	uint8_t flags; /* of the header: ENTRY_FLAG_ */
	uint32_t hour; /* of the header: for showing */
	bool cut; /* it lies behind what counts of its log (SPEC 4.4): known when it is looked up, not stored */
	struct slice data; /* the record; the same for all facts of an entry. Borrowed */
};

/* With a fact to be stored: its words for search (of an admission: the node's name). Borrowed. */
struct fact_words {
	struct slice text[FACT_TEXTS];
};

/* What a fact is made from. */
struct fact_source {
	struct entry_ref at;
	struct id32 author;
	uint8_t flags;
	uint32_t hour;
	struct slice record; /* [kind, fields] */
	uint64_t
		left_out; /* mask of kinds: of a record whose first fact is one of these nothing is made, and it is not read further */
};

/* Makes the facts of one entry: at most FACTS_OF_ENTRY_MAX into out; returns how many (0: its kind states nothing, or it is not well formed).
 * words: of the first fact; its slices point into *keep or into the record. Pure; the store calls it for clear bodies as it stores them, or when it is asked (store_options.facts_made_late). */
typedef size_t (*fact_maker)(
	const struct fact_source *src, struct fact *out, struct fact_words *words, struct buf *keep);

#endif
