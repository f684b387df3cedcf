/* judge.h -- what state a submission and an award are in, as a pure function over facts. SPEC.md section 16.
 *
 * A case holds the facts that somebody has found, in any order, and the key events of everybody in it. Nodes fill it from the store,
 * `quire verify` from a proof bundle; the judgement is the same code. No clock. */
#ifndef QUIRE_AWARD_JUDGE_H
#define QUIRE_AWARD_JUDGE_H

#include "fact.h"
#include "protocol/award/definition.h"
#include "protocol/log/keyset.h"

#define JUDGE_FACTS_MAX 8192u
#define JUDGE_LINES_MAX 96u
#define JUDGE_REVIEWS_MAX 64u

struct judge_identity {
	struct id32 id;
	const struct keyset *keys;
	const struct keyset_view *view;
};

/* Signed documents whose proofs were checked earlier: a memory without meaning, so that a page of many awards checks each once. Zeroed is empty.
 * One thread at a time. */
#define JUDGE_PROOFS 256u
struct judge_proofs {
	struct id32 seen[JUDGE_PROOFS];
};

struct judge_case {
	size_t facts_n; /* at most JUDGE_FACTS_MAX; duplicates do not matter */
	const struct fact *facts;
	size_t identities_n;
	const struct judge_identity *identities;
	size_t erased_n; /* entries whose bodies are known to be erased */
	const struct id32 *erased;
	struct judge_proofs *proofs; /* the good ones; NULL: none are remembered between judgements */
};

enum judge_mark {
	JUDGE_GOOD, /* checked, and so */
	JUDGE_NOTE, /* worth saying; changes nothing */
	JUDGE_UNKNOWN, /* cannot be told from what is at hand */
	JUDGE_WRONG
};

struct judge_line {
	enum judge_mark mark;
	const char *code; /* stable, for programs: "definition", "requirement-missing" …; static */
	struct id32 entry; /* that it is about, or zeros */
	char text[256]; /* for people; names from peers are not in it */
};

struct judgement {
	size_t lines_n;
	struct judge_line lines[JUDGE_LINES_MAX]; /* beyond them: the worst are kept */
};
enum judge_mark judgement_worst(const struct judgement *j);

enum submission_state {
	SUBMISSION_UNKNOWN, /* not at hand, or it does not count: the lines say why */
	SUBMISSION_SUBMITTED,
	SUBMISSION_CLAIMED,
	SUBMISSION_NOT_YET,
	SUBMISSION_MET,
	SUBMISSION_UNJUDGEABLE,
	SUBMISSION_AWARDED,
	SUBMISSION_WITHDRAWN
};
const char *submission_state_name(enum submission_state s); /* "submitted", "claimed", "not-yet" … */

enum review_decision { REVIEW_MEETS, REVIEW_NOT_YET, REVIEW_UNJUDGEABLE };

struct judge_review {
	struct entry_ref at;
	struct id32 reviewer;
	enum review_decision decision;
	bool taken_up; /* some act of the issuer names it */
	const struct fact *fact;
};

struct submission_judgement {
	enum submission_state state;
	const struct fact *submission, *manifest, *definition; /* NULL: not at hand */
	struct id32 issuer, earner;
	unsigned needed; /* reviewers that the definition asks for */
	unsigned met, not_yet, unjudgeable;
	size_t reviews_n; /* that count, ascending by entry id */
	struct judge_review reviews[JUDGE_REVIEWS_MAX];
	size_t claims_n; /* active */
	const struct fact *claims[JUDGE_REVIEWS_MAX];
	const struct fact *award; /* that stands for all, or NULL */
	const struct fact *revised_by; /* or NULL */
	struct judgement why; /* also why reviews, claims and awards at hand do not count */
};

enum award_state { AWARD_UNKNOWN, AWARD_COUNTERSIGNED, AWARD_ACCEPTED, AWARD_REVOKED };
const char *award_state_name(enum award_state s); /* "countersigned" … */

struct award_judgement {
	enum award_state state; /* of the entry that was asked for; UNKNOWN: it does not count */
	const struct fact *award, *definition, *submission, *manifest, *acceptance,
		*revoke; /* NULL: none, or not at hand */
	struct id32 issuer, earner;
	const struct fact *standing; /* the award that stands for the credential (SPEC 16.8), or NULL */
	enum award_state credential_state; /* of that one */
	struct judgement verdict; /* every check, in the order of SPEC 16.8 */
};

/* The results borrow from the case. ERR_NOT_FOUND: the entry is not among the facts; ERR_LIMIT: too many facts; ERR_MEMORY. */
MUST_CHECK enum err judge_submission(
	const struct judge_case *c, const struct id32 *submission, struct submission_judgement *out);
MUST_CHECK enum err judge_award(
	const struct judge_case *c, const struct id32 *award, struct award_judgement *out);

/* Parts that others need as well. Does this act count (SPEC 16.2)? */
bool judge_act_counts(const struct judge_case *c, const struct fact *act);
/* May this identity claim: an appointment that no end names, not the earner, and not of the earner's school where the definition forbids it (SPEC 16.6)? */
bool judge_may_claim(const struct judge_case *c, const struct id32 *submission, const struct id32 *reviewer);
/* Vouches that count and are not ended for `who`: at most max; returns how many. */
size_t judge_vouches(const struct judge_case *c, const struct id32 *who, const struct fact **out, size_t max);
#endif
