/* cases_gather.c -- what belongs to a judgement: back along the pointers of others, and to the people in it. SPEC.md section 16. */
#include "cases_want.h"

#include "protocol/log/record.h"

#define MANIFESTS_MAX 64u /* looked into where the submission is not at hand */
#define DESCENDANTS_MAX 256u

/* ---- what points to a submission. Anybody can point to it: only those whose records have an effect are followed further. */

/* Of these two alone. */
static enum err want_of(struct gather *t, const struct id32 *about, enum fact_kind kind, const struct id32 *a,
	const struct id32 *b, size_t *first)
{
	t->only[0] = *a;
	t->only[1] = *b;
	t->only_n = 2;
	enum err e = want_about(t, about, kind, first);
	t->only_n = 0;
	return e;
}

static enum err want_reviews_named(struct gather *t, const struct fact *award)
{
	struct slice kind, fields;
	struct mp_in in;
	struct entry_ref ref;
	const struct fact *found;
	size_t n = 0;
	if (record_open(award->data, &kind, &fields) != OK || record_get(fields, "reviews", &in) != OK ||
		mp_get_array(&in, 0, SIZE_MAX, &n) != OK)
		return OK;
	enum err e = OK;
	for (size_t i = 0; e == OK && i < n && record_get_ref(&in, &ref) == OK; i++) {
		e = want_named_review(t, award, &ref, &found);
		if (e == OK && found)
			want_person(t, &found->author);
	}
	return e;
}

static enum err want_award(struct gather *t, const struct fact *award)
{
	const struct fact own = *award;
	struct entry_ref definition;
	size_t first;
	enum err e = OK;
	if (cases_ref(&own, "definition", &definition) == OK)
		e = want_definition(t, &definition);
	if (e == OK)
		e = want_reviews_named(t, &own);
	if (e == OK)
		e = want_about(t, &own.at.id, FACT_ACCEPTANCE, &first);
	if (e == OK)
		e = want_about(t, &own.at.id, FACT_REVOKE, &first);
	return e == OK ? want_about(t, &own.at.id, FACT_ENDORSEMENT, &first) : e;
}

/* The issuer's only: nobody else's take-up, and no award of anybody else, names a review with effect. */
static enum err want_naming(struct gather *t, const struct id32 *review)
{
	size_t first;
	const struct fact *ignored;
	t->of_issuer = !id32_is_zero(&t->issuer);
	enum err e = want_about(t, review, FACT_TAKE_UP, &first);
	if (e == OK)
		e = want_about(t, review, FACT_NAMED, &first);
	t->of_issuer = false;
	for (size_t i = first, end = t->facts.n; e == OK && i < end; i++) {
		const struct entry_ref at = t->facts.facts[i].at;
		e = want_entry(t, &at, &ignored);
	}
	return e;
}

static enum err want_reviews(struct gather *t, const struct id32 *submission)
{
	size_t first, ignored;
	enum err e = want_about(t, submission, FACT_CLAIM, &first);
	for (size_t i = first, end = t->facts.n; e == OK && i < end; i++) {
		const struct fact claim = t->facts.facts[i];
		want_person(t, &claim.author);
		e = want_of(t, &claim.at.id, FACT_RELEASE, &claim.author, &t->issuer, &ignored);
	}
	if (e == OK)
		e = want_about(t, submission, FACT_REVIEW, &first);
	for (size_t i = first, end = t->facts.n; e == OK && i < end; i++)
		want_person(t, &t->facts.facts[i].author);
	return e;
}

/* Of the reviews that are here by now, whether found by what they are about or by an award that names them. */
static enum err want_all_naming(struct gather *t)
{
	enum err e = OK;
	for (size_t i = 0; e == OK && i < t->facts.n; i++)
		if (t->facts.facts[i].kind == FACT_REVIEW) {
			const struct id32 review = t->facts.facts[i].at.id;
			e = want_naming(t, &review);
		}
	return e;
}

static const struct fact *find_submission(const struct gather *t, const struct id32 *submission)
{
	for (size_t i = 0; i < t->facts.n; i++)
		if (t->facts.facts[i].kind == FACT_SUBMISSION &&
			id32_equal(&t->facts.facts[i].at.id, submission))
			return &t->facts.facts[i];
	return NULL;
}

/* By its own earner; of one that is not at hand none has an effect. */
static enum err want_revisions(struct gather *t, const struct id32 *submission)
{
	const struct fact *f = find_submission(t, submission);
	struct entry_ref before;
	bool found, more;
	size_t first;
	if (!f)
		return OK;
	const struct id32 earner = f->author;
	enum err e = want_of(t, submission, FACT_REVISION, &earner, &earner, &first);
	for (size_t i = first, end = t->facts.n; e == OK && i < end; i++) {
		const struct entry_ref at = t->facts.facts[i].at;
		e = want_submission(t, &at, &found, &before, &more);
	}
	return e;
}

static enum err want_what_follows(struct gather *t, const struct id32 *submission)
{
	size_t first;
	enum err e = want_about(t, submission, FACT_AWARD, &first);
	for (size_t i = first, end = t->facts.n; e == OK && i < end; i++)
		if (id32_equal(&t->facts.facts[i].author, &t->issuer))
			e = want_award(t, &t->facts.facts[i]);
	if (e == OK)
		e = want_about(t, submission, FACT_WITHDRAW, &first);
	if (e == OK)
		e = want_reviews(t, submission);
	if (e == OK)
		e = want_all_naming(t);
	return e == OK ? want_revisions(t, submission) : e;
}

/* ---- people */

static enum err want_vouches(struct gather *t, const struct id32 *who)
{
	size_t first, ignored;
	enum err e = want_kind(t, STORE_FACT_PARTY, who, FACT_VOUCH, &first);
	for (size_t i = first, end = t->facts.n; e == OK && i < end; i++) {
		const struct fact vouch = t->facts.facts[i];
		e = want_of(t, &vouch.at.id, FACT_VOUCH_END, &vouch.author, &vouch.author, &ignored);
	}
	return e;
}

static enum err want_ends(struct gather *t, size_t first)
{
	size_t ignored;
	enum err e = OK;
	t->of_issuer = true;
	for (size_t i = first, end = t->facts.n; e == OK && i < end; i++) {
		const struct id32 appointment = t->facts.facts[i].at.id;
		e = want_about(t, &appointment, FACT_APPOINTMENT_END, &ignored);
	}
	t->of_issuer = false;
	return e;
}

static enum err want_appointments(struct gather *t, const struct id32 *reviewer)
{
	size_t first;
	t->of_issuer = t->of_lineage = true;
	enum err e = want_kind(t, STORE_FACT_PARTY, reviewer, FACT_APPOINTMENT, &first);
	t->of_issuer = t->of_lineage = false;
	return e == OK ? want_ends(t, first) : e;
}

static enum err want_people(struct gather *t)
{
	enum err e = OK;
	if (t->c->has_me)
		want_person(t, &t->c->me);
	/* What a state rests on comes before what is only shown. */
	for (size_t i = 0; e == OK && i < t->people_n; i++)
		e = want_appointments(t, &t->people[i]);
	for (size_t i = 0; e == OK && i < t->people_n; i++)
		e = want_vouches(t, &t->people[i]);
	return e == OK && !id32_is_zero(&t->issuer) ? want_vouches(t, &t->issuer) : e;
}

/* ---- the case */

static enum err put_identity(struct gather *t, const struct id32 *id, struct judge_identity *all, size_t *n)
{
	struct judge_identity found;
	for (size_t i = 0; i < *n; i++)
		if (id32_equal(&all[i].id, id))
			return OK;
	enum err e = *n < CASES_IDENTITIES_MAX ? cases_identity(t->c, id, &found) : ERR_LIMIT;
	if (e == OK)
		all[(*n)++] = found;
	if (e == ERR_LIMIT)
		t->g->cut_short = true;
	return e == ERR_NOT_FOUND || e == ERR_LIMIT ? OK : e;
}

static enum err finish(struct gather *t)
{
	struct gathered *g = t->g;
	struct judge_identity *all = (struct judge_identity *)arena_alloc(
		&t->facts.mem, CASES_IDENTITIES_MAX * sizeof *all);
	struct slice erased = arena_copy(&t->facts.mem, buf_slice(&t->erased));
	size_t n = 0;
	enum err e = all && erased.p ? OK : ERR_MEMORY;
	if (e == OK && !id32_is_zero(&t->issuer))
		e = put_identity(t, &t->issuer, all, &n);
	for (size_t i = 0; e == OK && i < t->facts.n; i++)
		e = put_identity(t, &t->facts.facts[i].author, all, &n);
	if (e != OK)
		return e;
	g->judge = (struct judge_case){.facts_n = t->facts.n,
		.facts = t->facts.facts,
		.identities_n = n,
		.identities = all,
		.erased_n = erased.n / sizeof(struct id32),
		.erased = (const struct id32 *)(const void *)erased.p,
		.proofs = &t->c->proofs};
	g->mem = t->facts.mem;
	t->facts.mem = (struct arena){0};
	return OK;
}

static enum err gather_submission(struct gather *t, const struct entry_ref *at)
{
	bool found = false;
	enum err e = want_submissions(t, at, &found);
	if (e == OK && !found)
		e = ERR_NOT_FOUND;
	if (e == OK) {
		want_person(t, &t->facts.facts[0].author);
		e = want_what_follows(t, &at->id);
	}
	return e == OK ? want_people(t) : e;
}

/* SPEC 16.8: "the manifest that the credential names stands for it" */
static enum err want_manifests(struct gather *t, const struct fact *award)
{
	struct entry_ref definition;
	size_t first = t->facts.n;
	enum err e = OK;
	if (cases_ref(award, "definition", &definition) == OK)
		e = want_about(t, &definition.id, FACT_MANIFEST, &first);
	for (size_t i = first, end = t->facts.n; e == OK && i < end && i - first < MANIFESTS_MAX; i++)
		e = want_items(t, &t->facts.facts[i]);
	return e;
}

static enum err gather_award(struct gather *t, const struct entry_ref *at)
{
	const struct fact *f = NULL;
	struct entry_ref submission;
	bool found = false;
	enum err e = want_entry(t, at, &f);
	if (e == OK && (!f || f->kind != FACT_AWARD))
		e = ERR_NOT_FOUND;
	if (e != OK)
		return e;
	const struct fact award = *f;
	e = want_award(t, &award);
	if (e == OK && cases_ref(&award, "submission", &submission) == OK) {
		e = want_submissions(t, &submission, &found);
		for (size_t i = 0; e == OK && found && i < t->facts.n; i++)
			if (id32_equal(&t->facts.facts[i].at.id, &submission.id))
				want_person(t, &t->facts.facts[i].author);
		if (e == OK && !found)
			e = want_manifests(t, &award);
		if (e == OK)
			e = want_what_follows(t, &submission.id);
	}
	return e == OK ? want_people(t) : e;
}

static enum err gather_definition(struct gather *t, const struct entry_ref *at)
{
	size_t first;
	const struct fact *f = NULL;
	enum err e = want_entry(t, at, &f);
	if (e == OK && (!f || f->kind != FACT_DEFINITION))
		e = ERR_NOT_FOUND;
	if (e == OK)
		e = want_definition(t, at);
	t->of_issuer = true;
	/* Those that come are looked at in their turn. */
	for (size_t i = 0, n = 0; e == OK && i < t->facts.n && n < DESCENDANTS_MAX; i++)
		if (t->facts.facts[i].kind == FACT_DEFINITION) {
			const struct id32 id = t->facts.facts[i].at.id;
			bool above = n++ && lineage_has(&t->lineage, &id);
			if (!above)
				e = want_about(t, &id, FACT_DEFINITION, &first);
			if (e == OK)
				e = want_about(t, &id, FACT_APPOINTMENT, &first);
			if (e == OK)
				e = want_ends(t, first);
			t->of_issuer = true;
		}
	t->of_issuer = false;
	return e == OK ? want_people(t) : e;
}

static enum err run(struct cases *c, enum err (*fn)(struct gather *t, const struct entry_ref *at),
	const struct entry_ref *at, struct gathered *g)
{
	struct gather *t = (struct gather *)calloc(1, sizeof *t);
	*g = (struct gathered){0};
	if (!t)
		return ERR_MEMORY;
	t->c = c;
	t->g = g;
	t->growing.to = &t->facts;
	enum err e = fn(t, at);
	if (e == OK)
		e = finish(t);
	fact_list_free(&t->facts);
	buf_free(&t->asked);
	buf_free(&t->erased);
	free(t);
	return e;
}

enum err cases_submission(struct cases *c, const struct entry_ref *at, struct gathered *g)
{
	return run(c, gather_submission, at, g);
}

enum err cases_award(struct cases *c, const struct entry_ref *at, struct gathered *g)
{
	return run(c, gather_award, at, g);
}

enum err cases_definition(struct cases *c, const struct entry_ref *at, struct gathered *g)
{
	return run(c, gather_definition, at, g);
}

void gathered_free(struct gathered *g)
{
	arena_free(&g->mem);
	*g = (struct gathered){0};
}
