/* cases_int.h -- the parts of cases: cases.c (life, questions to both stores), cases_gather.c (what belongs to a judgement), cases_list.c (what is at hand). */
#ifndef QUIRE_DAEMON_CASES_INT_H
#define QUIRE_DAEMON_CASES_INT_H

#include "cases.h"

#define LINEAGE_MAX 65u /* SPEC 16.3: "for at most 64 steps" */
#define LINEAGES_KEPT_MAX 512u

/* A definition, whether or not it counts, and what it descends from; itself first. */
struct lineage {
	size_t n; /* 0: it is not at hand */
	struct id32 issuer;
	struct id32 ids[LINEAGE_MAX];
};

struct cached_identity {
	struct id32 id;
	struct keyset *keys; /* NULL: not on this node */
	struct keyset_view view;
};

struct cases {
	struct store *reader;
	struct book *book; /* NULL: none */
	bool has_me;
	struct id32 me;
	size_t identities_n;
	struct cached_identity *identities[CASES_IDENTITIES_MAX];
	struct judge_proofs proofs;
	size_t lineages_n;
	struct lineage *lineages[LINEAGES_KEPT_MAX];
};

/* A list that grows in an arena of its own. */
struct facts_growing {
	struct fact_list *to;
	size_t cap;
};

/* Appends a fact with a copy of its record; of one entry's facts that follow each other the copy is shared. ERR_MEMORY. */
MUST_CHECK enum err facts_append(struct facts_growing *g, const struct fact *f);
/* One request to the store, or to the book. res: store_res_free it, also on error. */
MUST_CHECK enum err cases_ask(struct cases *c, bool book, struct store_req *req, struct store_res *res);
/* One request to both: each fact of the answers goes to `each`; false: enough. Follows pages; passes over the rest of a log when each says so by *over.
 * *more: it ended before all was seen. */
typedef enum err (*fact_each)(void *ctx, const struct fact *f, bool *over);
MUST_CHECK enum err cases_each(struct cases *c, enum store_op op, const struct id32 *of, uint64_t mask,
	fact_each each, void *ctx, bool *more);
MUST_CHECK enum err cases_lineage(
	struct cases *c, const struct entry_ref *definition, const struct lineage **out);
bool lineage_has(const struct lineage *l, const struct id32 *definition);
/* Does it count, as an act of its author (SPEC 16.2)? Looks at nothing else. */
bool cases_act_counts(struct cases *c, const struct fact *f);
/* Does this definition count by itself: as an act, and in form (SPEC 16.3)? */
bool cases_definition_counts(struct cases *c, const struct fact *f);
/* Has an end of this appointment that is at hand been written by its author? */
MUST_CHECK enum err cases_is_ended(struct cases *c, const struct fact *appointment, bool *ended);

#endif
