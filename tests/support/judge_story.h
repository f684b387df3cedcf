/* judge_story.h -- cases for the judge told in plain C: people with real keys, records with real signatures, facts made as a node makes them.
 * Entry ids are hashes of what was said and where. Any fault ends the program: a story that cannot be told is no test. */
#ifndef QUIRE_TESTS_JUDGE_STORY_H
#define QUIRE_TESTS_JUDGE_STORY_H

#include "arena.h"
#include "protocol/award/judge.h"
#include "tests/support/key_story.h"

#define STORY_PEOPLE 10u
#define STORY_FACTS 16384u
#define STORY_DEVICES 3u

struct judge_person {
	struct key_story keys;
	struct story_generation generation;
	struct story_device device[STORY_DEVICES];
	struct id32 id, log[STORY_DEVICES];
	uint64_t length[STORY_DEVICES]; /* of each log */
	uint32_t slot;
	bool stale; /* keys were added since they were resolved */
	struct keyset *set;
	struct keyset_view view;
};

/* People in the roles of most cases. */
enum { ISSUER, EARNER, ANN, BEN, CEM, OFFICER, STRANGER, SCHOOL };

struct judge_story {
	struct arena arena;
	struct judge_person *people;
	size_t facts_n;
	struct fact *facts;
	size_t erased_n;
	struct id32 erased[64];
	struct judge_identity identities[STORY_PEOPLE];
	uint32_t hidden; /* people whose key events are not at hand: bits */
	struct judge_proofs proofs;
};

void judge_story_begin(struct judge_story *j, uint64_t seed);
void judge_story_end(struct judge_story *j);
/* The case as it stands; good until something is said. */
struct judge_case judge_story_case(struct judge_story *j);

/* ---- key events */

struct id32 tell_officer(struct judge_story *j, unsigned institution, unsigned officer, uint32_t rights);
/* Ends an officer event. device below STORY_DEVICES: with a mark of that log at its present length; else without marks. */
void tell_dismissal(
	struct judge_story *j, unsigned institution, const struct id32 *officer_event, unsigned device);
void tell_new_badge(struct judge_story *j, unsigned who);
void tell_hidden(struct judge_story *j, unsigned who);

/* ---- saying records. Who writes, on which device; by: the officer who asked, or 0 (nobody: ISSUER is no officer). */

struct pen {
	unsigned who, device, by;
	bool erasable, kept; /* without keep though it is an act; with keep though it is none */
};
#define PEN(...) ((struct pen){.who = __VA_ARGS__}) /* PEN(ANN), PEN(ISSUER, .by = OFFICER) */

struct entry_ref tell(struct judge_story *j, struct pen pen, struct slice record);

struct tell_definition {
	unsigned reviewers; /* 0: one */
	unsigned resubmissions; /* at most */
	bool blind, unsound, same_school;
	unsigned version; /* any, in the title */
	const struct entry_ref *supersedes;
};
struct entry_ref tell_definition(struct judge_story *j, struct pen pen, struct tell_definition d);
struct entry_ref tell_appointment(
	struct judge_story *j, struct pen pen, unsigned reviewer, const struct entry_ref *definition);
/* One pointer and nothing else: "appointment-end", "claim", "release", "withdraw", "acceptance", "revoke", "vouch-end". */
struct entry_ref tell_of(struct judge_story *j, struct pen pen, const char *kind, const struct entry_ref *of);
/* An appointment-end with a mark of the log of this person's device at `length`. */
struct entry_ref tell_end_marked(struct judge_story *j, struct pen pen, const struct entry_ref *appointment,
	unsigned device, uint64_t length);
struct entry_ref tell_artifact(struct judge_story *j, struct pen pen, const char *kind, const char *title);
struct entry_ref tell_reflection(struct judge_story *j, struct pen pen, const char *text);

struct tell_item {
	const char *requirement, *kind;
	struct entry_ref at;
	bool altered; /* the digest is of something else */
};
struct entry_ref tell_manifest(struct judge_story *j, struct pen pen, const struct entry_ref *definition,
	const struct tell_item *items, size_t n);

struct tell_submission {
	struct entry_ref definition, manifest;
	const struct entry_ref *revises;
	bool no_change, unattested;
};
struct entry_ref tell_submission(struct judge_story *j, struct pen pen, struct tell_submission s);
/* Two pieces of evidence, their list, and the submission of it. */
struct entry_ref tell_work(struct judge_story *j, struct pen pen, const struct entry_ref *definition,
	const struct entry_ref *revises, struct tell_submission *made);

struct tell_review {
	const char *decision; /* NULL: meets */
	const char *feedback; /* NULL: some */
	unsigned level[2]; /* 0 lowest; required: 1 */
	bool few_scores, odd_score, odd_level, no_endorsement, foreign_key, altered, bad_proof, other_levels;
};
#define MEETS ((struct tell_review){.level = {1, 2}})
#define NOT_YET ((struct tell_review){.decision = "not-yet", .level = {0, 1}})
struct entry_ref tell_review(struct judge_story *j, struct pen pen, const struct entry_ref *submission,
	const struct entry_ref *definition, struct tell_review r);
struct entry_ref tell_take_up(
	struct judge_story *j, struct pen pen, const struct entry_ref *reviews, size_t n);

struct tell_award {
	struct entry_ref submission, definition, manifest;
	struct entry_ref reviews[8];
	size_t reviews_n;
	unsigned earner; /* 0: EARNER */
	unsigned level[2]; /* achieved; both 0: 1 and 2 */
	bool foreign_key, foreign_earner, altered, bad_proof, uncanonical;
	struct slice credential; /* if not empty: this one */
};
struct entry_ref tell_award(struct judge_story *j, struct pen pen, struct tell_award a);
/* The credential in a record of an award. */
struct slice credential_in(struct judge_story *j, const struct entry_ref *award);
struct entry_ref tell_vouch(struct judge_story *j, struct pen pen, unsigned who);

/* ---- what is at hand */

struct fact *story_fact(struct judge_story *j, const struct entry_ref *at); /* the first of the entry */
void story_cut(struct judge_story *j, const struct entry_ref *at);
void story_forget(struct judge_story *j, const struct entry_ref *at);
void story_erase(struct judge_story *j, const struct entry_ref *at);

/* ---- asking */

struct submission_judgement story_submission(struct judge_story *j, const struct entry_ref *at);
struct award_judgement story_award(struct judge_story *j, const struct entry_ref *at);
/* The line with this code about this entry (NULL: any); NULL: none. */
const struct judge_line *story_line(
	const struct judgement *lines, const char *code, const struct entry_ref *about);

/* ---- a whole way from definition to award with one reviewer, ANN */

struct whole_way {
	struct entry_ref definition, appointment, submission, review, award;
	struct tell_submission made;
};
struct whole_way tell_whole_way(struct judge_story *j);
struct tell_award award_of(const struct whole_way *w);

#endif
