/* cases.h -- facts gathered for a judgement: about one submission, award or definition, from the store's tables and the session's book, with the key events of
 * everybody in it. SPEC.md section 16, protocol/award/judge.h. On a pool thread (desk_read), with a store that is read-only.
 *
 * What is gathered:
 *   of a submission   itself; its manifest and the evidence that is at hand; its definition and what that descends from; what it revises, with the same again, down to
 *                     the first; what revises it; claims, reviews, withdraws and awards about it; releases of the claims; take-ups and awards that name the reviews;
 *                     appointments of its reviewers, of who claims, and of `me`, with their ends; acceptances and revokes of the awards; vouches for issuer,
 *                     earner, reviewers and `me`, with their ends
 *   of an award       the same of its submission; where the submission is not at hand, the manifests for the definition; endorsements of it
 *   of a definition   itself and what it descends from; what descends from it; appointments for these, with their ends; vouches for its issuer
 * Bounds: JUDGE_FACTS_MAX facts. Of one kind about one thing, at most CASES_OF_AUTHOR_MAX by one author are taken, those that stand first in his logs: so a flood by one
 * hides nobody else's; of appointments and their ends, take-ups and versions all of the issuer's. gathered.cut_short says that something was left out. */
#ifndef QUIRE_DAEMON_CASES_H
#define QUIRE_DAEMON_CASES_H

#include "book.h"
#include "idmap.h"
#include "protocol/award/judge.h"

#define CASES_OF_AUTHOR_MAX 64u
#define CASES_OF_PARTY_MAX 512u /* that name one identity, of one kind by one author */
#define CASES_IDENTITIES_MAX 1024u
#define CASES_LIST_MAX 20000u
#define CASES_FACTS_LISTED_MAX 2000u
#define CASES_LISTED_OF_AUTHOR_MAX \
	512u /* submissions or awards of others, but for those of my institution, in a list: so a flood by one hides nobody else's */

struct cases;

/* For one read: a cache of key events, and the book brought up to date. me: whoever is signed in, or NULL. b NULL: only what stands in the clear. Borrows both.
 * Errors of book_catch_up. */
MUST_CHECK enum err cases_open(
	struct store *reader, struct book *b, const struct id32 *me, struct cases **out);
void cases_close(struct cases *c); /* NULL is fine */

struct gathered {
	struct judge_case
		judge; /* facts borrow from mem, identities from the cases: good until cases_close */
	bool cut_short; /* more was there than was taken */
	struct arena mem;
};

/* at: its entry. The judgement is the caller's: judge_submission(&g.judge, &at->id, …). gathered_free it on success.
 * ERR_NOT_FOUND: not at hand: not on this node, not of that kind, or sealed and not for us; ERR_LIMIT, ERR_MEMORY, the store's. */
MUST_CHECK enum err cases_submission(struct cases *c, const struct entry_ref *at, struct gathered *g);
MUST_CHECK enum err cases_award(struct cases *c, const struct entry_ref *at, struct gathered *g);
MUST_CHECK enum err cases_definition(struct cases *c, const struct entry_ref *at, struct gathered *g);
void gathered_free(struct gathered *g); /* accepts a zeroed one */

/* ---- what is at hand */

/* Facts from both, ascending by (log, seq). Owns mem; a zeroed one is empty. */
struct fact_list {
	size_t n;
	struct fact *facts;
	bool more; /* there was more than was taken */
	struct arena mem;
};
void fact_list_free(struct fact_list *l);
/* What one entry says; n is 0 if nothing is at hand. at->id must agree (zeros: any). */
MUST_CHECK enum err cases_at(struct cases *c, const struct entry_ref *at, struct fact_list *out);
/* mask: FACT_MASK of kinds. About an entry; naming a party; by an author. Of each kind at most CASES_OF_AUTHOR_MAX by one author
 * (cases_party: CASES_OF_PARTY_MAX; cases_by and cases_about_by: at most CASES_FACTS_LISTED_MAX). */
MUST_CHECK enum err cases_about(
	struct cases *c, const struct id32 *entry, uint64_t mask, struct fact_list *out);
MUST_CHECK enum err cases_about_by(struct cases *c, const struct id32 *entry, uint64_t mask,
	const struct id32 *author, struct fact_list *out);
MUST_CHECK enum err cases_party(
	struct cases *c, const struct id32 *party, uint64_t mask, struct fact_list *out);
MUST_CHECK enum err cases_by(
	struct cases *c, const struct id32 *author, uint64_t mask, struct fact_list *out);

/* How the signed-in identity stands to a submission or an award. */
enum cases_role {
	CASES_EARNER = 1, /* it is mine */
	CASES_REVIEWER =
		2, /* an appointment of mine covers its definition, and no end of it is at hand; never of mine */
	CASES_ISSUER = 4, /* its definition is mine, or of an institution that has me as an officer */
	CASES_OTHER = 8, /* I can read it */
};

struct cases_item {
	struct fact fact; /* FACT_SUBMISSION or FACT_AWARD; without its data */
	unsigned roles; /* CASES_OTHER if none of the others */
	struct entry_ref definition; /* that it names; may not be at hand */
	struct id32 issuer; /* zeros: the definition is not at hand */
	struct id32
		earner; /* of a submission: its author; of an award: the submission's author, or zeros: it is not at hand */
};

struct cases_list {
	size_t n;
	struct cases_item *items;
	bool more; /* some were left out */
};

/* All that is at hand with one of the roles, those that count and those that do not: newest first by the writers' clocks, at most CASES_LIST_MAX, and of one other
 * author CASES_LISTED_OF_AUTHOR_MAX, the last that came here. roles 0: all. ERR_MEMORY, the store's. */
MUST_CHECK enum err cases_submissions(struct cases *c, unsigned roles, struct cases_list *out);
MUST_CHECK enum err cases_awards(struct cases *c, unsigned roles, struct cases_list *out);
void cases_list_free(struct cases_list *l); /* accepts a zeroed one */

/* The same in parts, however many there are: first those in the clear, of these and of the others the last that came here first. Begin with the first two set and the others
 * zero; cases_walk_end at the end. A later cases of the same session goes on where the one before stopped; what came meanwhile is not met. */
struct cases_walk {
	enum fact_kind kind; /* FACT_SUBMISSION or FACT_AWARD */
	unsigned roles;
	bool in_book, over; /* over: there is nothing more */
	uint64_t no;
	struct idmap authors; /* uint32_t: how many of each */
};

#define CASES_PART_MAX 256u
/* The next part, at most CASES_PART_MAX and often none; cases_list_free it on success. The errors of cases_submissions: the walk stays where it was. */
MUST_CHECK enum err cases_walk_on(struct cases *c, struct cases_walk *w, struct cases_list *out);
void cases_walk_end(struct cases_walk *w);

/* Between two judgements of a long list, when nothing that was gathered is held: forgets key events if there are so many that there might be no room for others. */
void cases_tidy(struct cases *c);

/* ---- parts */

/* Key events and what is in force, from the cache. Borrowed until cases_close. ERR_NOT_FOUND: not on this node. */
MUST_CHECK enum err cases_identity(struct cases *c, const struct id32 *id, struct judge_identity *out);
/* Whom appointments that count and have not ended let review under this definition: ids ascending, in *out (free it). ERR_NOT_FOUND: it is not at hand. */
MUST_CHECK enum err cases_reviewers(
	struct cases *c, const struct entry_ref *definition, struct id32 **out, size_t *n);

/* Pointers that records hold. ERR_NOT_FOUND: no such field, ERR_FORMAT. */
MUST_CHECK enum err cases_ref(const struct fact *f, const char *field, struct entry_ref *ref);

#endif
