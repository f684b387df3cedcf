/* judge_int.h -- what the parts of the judge share: a case with its facts sorted, each question answered at most once. See judge.h.
 *
 * judge_index.c finds; judge_act.c, judge_definition.c, judge_submission.c, judge_review.c, judge_award.c hold the rules of
 * SPEC.md sections 16.2 to 16.8, one concern a file; judgement.c writes the lines. */
#ifndef QUIRE_AWARD_JUDGE_INT_H
#define QUIRE_AWARD_JUDGE_INT_H

#include "arena.h"
#include "protocol/award/judge.h"
#include "protocol/log/record.h"

/* ---- reasons */

/* Whether something counts, and if not, why. Texts and codes are static; the first # of a text is replaced by the number. */
struct judge_reason {
	enum judge_mark mark;
	const char *code, *text;
	unsigned number;
	struct id32 entry;
};

#define JUDGE_FINE ((struct judge_reason){.mark = JUDGE_GOOD})
struct judge_reason judge_because(
	enum judge_mark mark, const char *code, const struct id32 *entry, const char *text);
/* The worse of the two; of equals the first. */
struct judge_reason judge_worse(struct judge_reason a, struct judge_reason b);

void judgement_add(struct judgement *j, const struct judge_reason *r);
/* Of a check that holds, or of something worth saying. */
void judgement_say(struct judgement *j, enum judge_mark mark, const char *code, const struct id32 *entry,
	const char *text, unsigned number);
/* The first of the worst lines; NULL: none. */
const struct judge_line *judgement_first_worst(const struct judgement *j);
void judgement_add_line(struct judgement *j, const struct judge_line *line);

/* ---- the index */

struct judge_memo {
	bool known;
	struct judge_reason why;
};

/* One fact of a case; facts of one entry share its data. */
struct judge_node {
	const struct fact *f;
	bool opened, sound;
	struct slice fields; /* of a sound record */
	struct judge_memo act, counts;
	const struct judge_node *beside; /* of a review: the manifest that `counts` was found with */
	const char
		*evidence; /* of a manifest: the id by which credentials name it; NULL: not asked for yet */
};

/* An identity with what its key events ever published, ascending; loaded when first asked for. */
struct judge_keys {
	const struct judge_identity *who;
	bool loaded;
	size_t badges_n, logs_n;
	struct id32 *badges, *logs;
};

struct judge_end {
	const struct fact *f;
	size_t marks_n;
	const struct record_mark *marks; /* ascending by log */
};

struct judge_appointment {
	const struct fact *f;
	struct judge_reason why; /* does it count? */
	size_t ends_n; /* that count */
	const struct judge_end *ends;
};

/* The appointments that cover a definition, ascending by reviewer, then entry id. */
struct judge_covering {
	const struct judge_node *definition;
	bool gap; /* an older version that it descends from is not at hand */
	size_t n;
	struct judge_appointment *appointments;
};

#define JUDGE_PARSED 8u
struct judge_parsed {
	const struct judge_node *node; /* NULL: free */
	struct definition d;
};

struct judge_index {
	const struct judge_case *c;
	enum err err; /* the first lack of memory */
	struct arena arena;
	size_t n; /* without duplicates */
	struct judge_node *nodes; /* ascending by entry id, then kind, then what it is about */
	size_t about_n;
	struct judge_node **about; /* ascending by what it is about, then kind, then entry id */
	size_t identities_n;
	struct judge_keys *identities;
	size_t erased_n;
	struct id32 *erased;
	struct judge_covering covering;
	size_t parsed_next;
	struct judge_parsed parsed[JUDGE_PARSED];
	struct judge_proofs *proofs, own_proofs, bad; /* bad: of this judgement alone */
};

/* ERR_LIMIT, ERR_MEMORY. */
MUST_CHECK enum err judge_index_new(const struct judge_case *c, struct judge_index **out);
void judge_index_free(struct judge_index *ix);
/* Memory in the arena; NULL sets ix->err. */
void *judge_alloc(struct judge_index *ix, size_t n, size_t size);
/* For a judgement without an index: nothing that a node would call twice. */
const struct judge_identity *judge_identity_of(const struct judge_case *c, const struct id32 *id);

struct judge_range {
	struct judge_node **first;
	size_t n;
};
/* All facts of this kind that are about this entry. */
struct judge_range judge_about(const struct judge_index *ix, const struct id32 *about, enum fact_kind kind);
/* The fact of this kind that this entry states, or NULL. */
struct judge_node *judge_find(const struct judge_index *ix, const struct id32 *entry, enum fact_kind kind);

enum judge_found {
	JUDGE_FOUND,
	JUDGE_ABSENT,
	JUDGE_ERASED,
	JUDGE_OTHER /* the entry is at hand, and is another kind of record or stands in another place */
};
enum judge_found judge_lookup(const struct judge_index *ix, const struct entry_ref *ref, enum fact_kind kind,
	struct judge_node **node);
/* Why it was not found, in the words of its kind. */
struct judge_reason judge_lost(enum judge_found found, enum fact_kind kind, const struct id32 *entry);
bool judge_refs_equal(const struct entry_ref *a, const struct entry_ref *b);

/* False: the record is not what its kind says. */
bool judge_fields(struct judge_node *node, struct slice *fields);
bool judge_ref(struct judge_node *node, const char *field, struct entry_ref *ref);
/* Does the record's field point to exactly this entry? A list: does some element? */
bool judge_points(struct judge_node *node, const char *field, const struct entry_ref *at);
bool judge_points_among(struct judge_node *node, const char *field, const struct entry_ref *at);

/* NULL: its key events are not at hand. */
struct judge_keys *judge_keys_of(struct judge_index *ix, const struct id32 *identity);
bool judge_published_badge(struct judge_index *ix, struct judge_keys *keys, const struct id32 *badge_key);
/* GOOD: a log of this identity; WRONG: of another at hand; UNKNOWN. */
enum judge_mark judge_log_is_of(struct judge_index *ix, const struct id32 *identity, const struct id32 *log);

/* ---- SPEC 16.1, 16.2 */

struct judge_reason judge_stands(struct judge_node *node); /* within its log, sound */
struct judge_reason judge_kept(struct judge_node *node); /* that, and keep */
struct judge_reason judge_act(struct judge_index *ix, struct judge_node *node); /* that, and by */
/* Is the entry before the end? */
bool judge_before(const struct judge_end *end, const struct id32 *log, uint64_t seq);

/* A note for each record of this kind by this author that points to the entry and does not count. act: its kind is one of acts. */
void judge_say_idle(struct judge_index *ix, const struct entry_ref *at, enum fact_kind kind,
	const struct id32 *author, bool act, struct judgement *lines);

/* ---- SPEC 16.3, 16.4 */

struct judge_reason judge_definition(struct judge_index *ix, struct judge_node *node);
/* Of one that counts: good until another is asked for. NULL: ix->err. */
const struct definition *judge_definition_of(struct judge_index *ix, struct judge_node *node);
/* What `field` of a record names as its definition. */
struct judge_reason judge_definition_named(
	struct judge_index *ix, struct judge_node *node, const char *field, struct judge_node **definition);
/* Is x the definition y, or does it descend from it? UNKNOWN: a version between is not at hand. */
enum judge_mark judge_descends(struct judge_index *ix, struct judge_node *x, const struct judge_node *y);
const struct judge_covering *judge_covering(struct judge_index *ix, struct judge_node *definition);
/* The appointments among them of one reviewer. */
const struct judge_appointment *judge_appointments_of(
	const struct judge_covering *c, const struct id32 *reviewer, size_t *n);
/* SPEC 16.6, of a claim: an appointment that no end names. */
struct judge_reason judge_appointed(
	const struct judge_covering *c, const struct id32 *reviewer, const struct id32 *entry);

/* ---- SPEC 16.5 */

struct judge_reason judge_manifest(struct judge_index *ix, struct judge_node *node);
struct judge_reason judge_submission_counts(struct judge_index *ix, struct judge_node *node);
/* Notes on evidence that is erased or not at hand. */
void judge_say_evidence(struct judge_index *ix, struct judge_node *manifest, struct judgement *lines);

/* ---- SPEC 16.6 */

/* What is reviewed. */
struct judge_subject {
	struct entry_ref submission;
	struct judge_node *definition;
	struct judge_node *submission_node; /* NULL: not at hand */
	struct judge_node *manifest;
	struct id32 issuer, earner;
};

/* Conditions 1 to 4. All calls with one index are about one submission and definition. */
struct judge_reason judge_review(
	struct judge_index *ix, struct judge_node *node, const struct judge_subject *s);
/* The levels that a review gives, one for each criterion: false if they are not as condition 4 says. */
bool judge_levels(struct judge_node *review, const struct definition *d, size_t *levels);
enum review_decision judge_decision(struct judge_node *review);
/* Does some act of the issuer name it? */
bool judge_taken_up(struct judge_index *ix, const struct judge_node *review, const struct id32 *issuer);
/* Fills reviews and claims of the judgement and their lines. */
void judge_reviews(struct judge_index *ix, const struct judge_subject *s, struct submission_judgement *out);

/* ---- SPEC 16.8 */

/* Every check of one award, a line each; fills what it finds into *s. True: it counts. */
bool judge_award_counts(
	struct judge_index *ix, struct judge_node *award, struct judge_subject *s, struct judgement *lines);
/* The award that stands for the submission and definition, and its state; *why gets a line for each better one that does not count. Of `known`, counts is known. */
struct judge_node *judge_standing(struct judge_index *ix, const struct judge_subject *s,
	const struct judge_node *known, bool counts, enum award_state *state, struct judgement *why);
/* Of an award that counts. */
enum award_state judge_award_state(struct judge_index *ix, struct judge_node *award,
	const struct id32 *earner, const struct fact **acceptance, const struct fact **revoke);

/* ---- SPEC 17: signed documents in records */

struct judge_document {
	json_t *json;
	struct slice text;
};
/* The document of a field; ERR_FORMAT: none, or not in canonical form. Ends with json_decref. */
MUST_CHECK enum err judge_document_open(struct judge_node *node, const char *field, struct judge_document *d);
/* Two proofs by this key; remembered, so that each document is checked once. */
bool judge_document_proven(struct judge_index *ix, const struct judge_document *d, const struct id32 *key);
/* The key that a did of the document names. */
bool judge_document_key(const json_t *object, const char *member, struct id32 *key);

#endif
