/* submission_draft.h -- what an earner is about to submit: everything is checked before anything is written. SPEC.md section 16.5. On a desk. */
#ifndef QUIRE_DAEMON_SUBMISSION_DRAFT_H
#define QUIRE_DAEMON_SUBMISSION_DRAFT_H

#include "submission.h"

#define DRAFT_ITEMS_MAX 64u /* SPEC 13: "`items`! (items, 1..64)" */

/* One piece of evidence. Texts are the request's. */
struct draft_item {
	const char *requirement;
	const char *given; /* REF; NULL: a reflection that is yet to be written */
	struct slice text; /* of that */
	enum err found; /* of the entry */
	struct entry_ref at;
	struct id32 owner;
	bool sealed;
	uint8_t key[32]; /* its content key. Secret */
	struct buf record;
	char kind[32]; /* as a manifest has it */
};

struct submission_draft {
	struct entry_ref definition_at;
	struct id32 issuer;
	bool defined;
	struct definition d;
	size_t n;
	struct draft_item items[DRAFT_ITEMS_MAX];
	unsigned attests; /* a bit for each of submission_attests */
	bool revises;
	struct entry_ref revised;
	struct slice changed;
	size_t earlier_n; /* what this one revises, with what goes with it: whose keys are handed on */
	struct draft_key {
		struct entry_ref at;
		uint8_t key[32];
	} * earlier;
	json_t *findings; /* [{"requirement", "what"}]: nothing may be written unless it is empty */
	json_t *notes; /* texts: worth knowing */
	json_t *readers, *skipped;
};

#define SUBMISSION_ATTESTS 3u
extern const char *const submission_attests[SUBMISSION_ATTESTS];

/* Reads the request: {for, evidence: [{requirement, ref}], reflections: [{requirement, text}], attests, revises, changed}, and checks it all. On OK *out is the caller's,
 * with or without findings. Said: ERR_INPUT, ERR_NOT_FOUND, ERR_AMBIGUOUS: the request; ERR_REFUSED, ERR_STATE: nobody (or not this earner) submits for this definition. */
MUST_CHECK enum err submission_draft_read(struct act *a, struct submission_draft **out);
/* Wipes the keys. NULL is fine. */
void submission_draft_free(struct submission_draft *d);

/* Writes reflections, what is handed on of earlier attempts, manifest and submission. It must have no findings. Errors of writing_put and audience_panel. */
struct submission_written {
	struct entry_ref manifest, submission;
};
MUST_CHECK enum err submission_draft_write(
	struct act *a, struct submission_draft *d, struct submission_written *out);

/* ---- submission_check.c, for submission_draft.c */

/* Adds a finding; requirement "": of the whole. ERR_MEMORY. */
enum err submission_finding(struct submission_draft *d, const char *requirement, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Evidence against the requirements. me: the earner. */
MUST_CHECK enum err submission_check_evidence(
	struct catalogue *c, struct submission_draft *d, const struct id32 *me);
/* Revisions, and other submissions of the same earner. */
MUST_CHECK enum err submission_check_attempts(
	struct catalogue *c, struct submission_draft *d, const struct id32 *me);

#endif
