/* cases_want.h -- one gathering of facts for a judgement, within cases: cases_want.c asks, along the pointers that records hold; cases_gather.c says what belongs to what. */
#ifndef QUIRE_DAEMON_CASES_WANT_H
#define QUIRE_DAEMON_CASES_WANT_H

#include "cases_int.h"

#define PEOPLE_MAX 256u

struct gather {
	struct cases *c;
	struct gathered *g;
	struct fact_list facts;
	struct facts_growing growing;
	struct buf asked, erased; /* of struct asked; of struct id32 */
	size_t people_n;
	struct id32 people[PEOPLE_MAX];
	struct id32 issuer; /* zeros: not known */
	struct lineage lineage;
	/* of the question that is under way */
	size_t first;
	bool of_issuer, of_lineage;
	size_t only_n; /* 0: of everybody */
	struct id32 only[2];
};

/* What an entry says. *out: its first fact, or NULL; good until the next question. */
MUST_CHECK enum err want_entry(struct gather *t, const struct entry_ref *at, const struct fact **out);
/* Takes a fact that was found elsewhere. */
MUST_CHECK enum err want_fact(struct gather *t, const struct fact *f);
/* What a review that the award names says, behind the end of its log too; one that is not here is sought, if the award is an act that counts. cases_aside.c. */
MUST_CHECK enum err want_named_review(
	struct gather *t, const struct fact *award, const struct entry_ref *at, const struct fact **out);
/* Facts of one kind about an entry, or (party) naming somebody: *first .. facts.n is what came. Not twice the same. */
MUST_CHECK enum err want_kind(
	struct gather *t, enum store_op op, const struct id32 *of, enum fact_kind kind, size_t *first);
MUST_CHECK enum err want_about(
	struct gather *t, const struct id32 *entry, enum fact_kind kind, size_t *first);
/* A definition with what it descends from. */
MUST_CHECK enum err want_definition(struct gather *t, const struct entry_ref *definition);
/* The evidence of a manifest. */
MUST_CHECK enum err want_items(struct gather *t, const struct fact *manifest);
/* With its definition, manifest and evidence; *revises: the one before it. */
MUST_CHECK enum err want_submission(struct gather *t, const struct entry_ref *at, bool *found,
	struct entry_ref *revises, bool *has_revises);
/* The same, and all that it revises. */
MUST_CHECK enum err want_submissions(struct gather *t, const struct entry_ref *at, bool *found);
/* Somebody whose appointments and vouches belong to the case. */
void want_person(struct gather *t, const struct id32 *id);

#endif
