/* cases_want.c -- see cases_want.h. */
#include "cases_want.h"

#include "protocol/log/entry.h"
#include "protocol/log/record.h"

#define ERASED_MAX 4096u
#define REVISIONS_MAX 52u /* SPEC 16.3: resubmissions_max is at most 50 */

/* What was asked already. */
struct asked {
	struct id32 id;
	uint64_t mask; /* 0: the entry itself */
};

/* ---- asking */

static enum err ask_once(struct gather *t, const struct id32 *id, uint64_t mask, bool *known)
{
	const struct asked *all = (const struct asked *)(const void *)t->asked.p;
	const struct asked one = {.id = *id, .mask = mask};
	*known = false;
	for (size_t i = 0; i < t->asked.n / sizeof one && !*known; i++)
		*known = all[i].mask == mask && id32_equal(&all[i].id, id);
	return *known ? OK : buf_put(&t->asked, &one, sizeof one);
}

enum err want_fact(struct gather *t, const struct fact *f)
{
	if (t->facts.n < JUDGE_FACTS_MAX)
		return facts_append(&t->growing, f);
	t->g->cut_short = true;
	return OK;
}

static enum err note_erased(struct gather *t, const struct entry_ref *at)
{
	struct store_req req = {.op = STORE_BODY_GET, .a.log = at->log, .a.seqs = &at->seq, .a.n = 1};
	struct store_res res = {0};
	store_exec_one(t->c->reader, &req, &res);
	enum err e = res.err;
	if (e == OK && res.r.parts[0].header && res.r.parts[0].kind == BODY_ERASED &&
		t->erased.n < ERASED_MAX * sizeof at->id) {
		const struct id32 id = entry_id(res.r.parts[0].header);
		if (id32_equal(&id, &at->id))
			e = buf_put(&t->erased, &id, sizeof id);
	}
	store_res_free(&res);
	return e;
}

enum err want_entry(struct gather *t, const struct entry_ref *at, const struct fact **out)
{
	struct fact_list found;
	bool known;
	*out = NULL;
	enum err e = ask_once(t, &at->id, 0, &known);
	for (size_t i = 0; e == OK && known && i < t->facts.n && !*out; i++)
		if (id32_equal(&t->facts.facts[i].at.id, &at->id))
			*out = &t->facts.facts[i];
	if (e != OK || known)
		return e;
	e = cases_at(t->c, at, &found);
	if (e != OK)
		return e;
	const size_t first = t->facts.n;
	for (size_t i = 0; e == OK && i < found.n; i++)
		e = want_fact(t, &found.facts[i]);
	if (e == OK && found.n == 0)
		e = note_erased(t, at);
	if (e == OK && t->facts.n > first)
		*out = &t->facts.facts[first];
	fact_list_free(&found);
	return e;
}

static enum err take_fair(void *ctx, const struct fact *f, bool *over)
{
	struct gather *t = (struct gather *)ctx;
	size_t n = 0;
	bool is_theirs = t->only_n == 0;
	for (size_t i = 0; i < t->only_n; i++)
		is_theirs = is_theirs || id32_equal(&f->author, &t->only[i]);
	if (!is_theirs || (t->of_issuer && !id32_equal(&f->author, &t->issuer)) ||
		(t->of_lineage && !lineage_has(&t->lineage, &f->about)))
		return OK;
	for (size_t i = t->first; i < t->facts.n; i++)
		n += id32_equal(&t->facts.facts[i].author, &f->author);
	/* What the issuer writes about its own is all needed: of a hundred appointments each counts. */
	if (t->of_issuer || n < CASES_OF_AUTHOR_MAX)
		return want_fact(t, f);
	t->g->cut_short = true;
	*over = true;
	return OK;
}

enum err want_kind(
	struct gather *t, enum store_op op, const struct id32 *of, enum fact_kind kind, size_t *first)
{
	bool known;
	*first = t->facts.n;
	enum err e = ask_once(t, of, FACT_MASK(kind), &known);
	if (e != OK || known)
		return e;
	t->first = t->facts.n;
	return cases_each(t->c, op, of, FACT_MASK(kind), take_fair, t, &t->g->cut_short);
}

enum err want_about(struct gather *t, const struct id32 *entry, enum fact_kind kind, size_t *first)
{
	return want_kind(t, STORE_FACT_ABOUT, entry, kind, first);
}

void want_person(struct gather *t, const struct id32 *id)
{
	for (size_t i = 0; i < t->people_n; i++)
		if (id32_equal(&t->people[i], id))
			return;
	if (t->people_n < PEOPLE_MAX)
		t->people[t->people_n++] = *id;
	else
		t->g->cut_short = true;
}

/* ---- a definition, a submission, along its pointers */

enum err want_definition(struct gather *t, const struct entry_ref *definition)
{
	struct entry_ref at = *definition;
	const struct fact *f = NULL;
	enum err e = OK;
	for (size_t i = 0; e == OK && i < LINEAGE_MAX; i++) {
		e = want_entry(t, &at, &f);
		if (e == OK && i == 0 && f && f->kind == FACT_DEFINITION && id32_is_zero(&t->issuer)) {
			const struct lineage *l = NULL;
			t->issuer = f->author;
			e = cases_lineage(t->c, definition, &l);
			if (e == OK)
				t->lineage = *l;
		}
		if (e != OK || !f || f->kind != FACT_DEFINITION || cases_ref(f, "supersedes", &at) != OK)
			break;
	}
	return e;
}

enum err want_items(struct gather *t, const struct fact *manifest)
{
	struct slice kind, fields;
	struct mp_in in;
	struct record_item item;
	const struct fact *ignored;
	const struct fact own = *manifest; /* the list may move; its record does not */
	size_t n = 0;
	if (record_open(own.data, &kind, &fields) != OK || record_get(fields, "items", &in) != OK ||
		mp_get_array(&in, 0, SIZE_MAX, &n) != OK)
		return OK;
	enum err e = OK;
	for (size_t i = 0; e == OK && i < n && record_get_item(&in, &item) == OK; i++)
		e = want_entry(t, &item.at, &ignored);
	return e;
}

enum err want_submission(struct gather *t, const struct entry_ref *at, bool *found, struct entry_ref *revises,
	bool *has_revises)
{
	const struct fact *f = NULL;
	struct entry_ref definition, manifest;
	enum err e = want_entry(t, at, &f);
	*found = e == OK && f && f->kind == FACT_SUBMISSION;
	*has_revises = false;
	if (!*found)
		return e;
	const struct fact own = *f;
	*has_revises = cases_ref(&own, "revises", revises) == OK;
	if (cases_ref(&own, "for", &definition) == OK)
		e = want_definition(t, &definition);
	if (e == OK && cases_ref(&own, "manifest", &manifest) == OK) {
		e = want_entry(t, &manifest, &f);
		if (e == OK && f && f->kind == FACT_MANIFEST)
			e = want_items(t, f);
	}
	return e;
}

enum err want_submissions(struct gather *t, const struct entry_ref *at, bool *found)
{
	struct entry_ref now = *at, before = {0};
	bool here = false, more = true;
	enum err e = OK;
	for (size_t i = 0; e == OK && more && i < REVISIONS_MAX; i++) {
		e = want_submission(t, &now, &here, &before, &more);
		if (i == 0)
			*found = here;
		now = before;
	}
	return e;
}
