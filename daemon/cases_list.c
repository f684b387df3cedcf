/* cases_list.c -- submissions and awards that are at hand, by what the signed-in identity has to do with them. */
#include "cases_int.h"

#define SORTED_AT (2 * CASES_LIST_MAX) /* then the older half goes */

struct listing {
	struct cases *c;
	struct cases_walk *walk;
	struct cases_list *out;
	size_t cap;
	size_t covered_n;
	struct id32 *covered; /* definitions that I was appointed for, and am still */
};

/* ---- how I stand to a definition */

static enum err find_covered(struct listing *t)
{
	struct fact_list mine = {0};
	struct cases *c = t->c;
	enum err e = c->has_me ? cases_party(c, &c->me, FACT_MASK(FACT_APPOINTMENT), &mine) : OK;
	if (e == OK) {
		t->covered = (struct id32 *)calloc(mine.n + 1, sizeof *t->covered);
		e = t->covered ? OK : ERR_MEMORY;
	}
	for (size_t i = 0; e == OK && i < mine.n; i++) {
		bool ended = true;
		if (cases_act_counts(c, &mine.facts[i]))
			e = cases_is_ended(c, &mine.facts[i], &ended);
		if (e == OK && !ended)
			t->covered[t->covered_n++] = mine.facts[i].about;
	}
	fact_list_free(&mine);
	return e;
}

static bool am_officer(struct cases *c, const struct id32 *institution)
{
	struct judge_identity found;
	if (cases_identity(c, institution, &found) != OK)
		return false;
	for (size_t i = 0; i < found.view->officers_n; i++)
		if (id32_equal(&found.view->officers[i].identity, &c->me))
			return true;
	return false;
}

static enum err find_roles(struct listing *t, struct cases_item *item)
{
	struct cases *c = t->c;
	const struct lineage *l = NULL;
	enum err e = cases_lineage(c, &item->definition, &l);
	if (e != OK)
		return e;
	if (l->n)
		item->issuer = l->issuer;
	if (c->has_me) {
		bool mine = id32_equal(&item->earner, &c->me), covered = false;
		for (size_t i = 0; i < t->covered_n; i++)
			covered = covered || lineage_has(l, &t->covered[i]);
		item->roles = (mine ? CASES_EARNER : 0u) | (covered && !mine ? CASES_REVIEWER : 0u) |
			(l->n && (id32_equal(&l->issuer, &c->me) || am_officer(c, &l->issuer)) ? CASES_ISSUER
											       : 0u);
	}
	if (!item->roles)
		item->roles = CASES_OTHER;
	return OK;
}

/* ---- items */

/* One more by this author: are there too many? */
static enum err count_author(struct cases_walk *w, const struct id32 *author, bool *over)
{
	void *n = NULL;
	enum err e = idmap_put(&w->authors, author, sizeof(uint32_t), &n);
	*over = e == ERR_LIMIT;
	if (e != OK)
		return *over ? OK : e;
	*over = *(uint32_t *)n >= CASES_LISTED_OF_AUTHOR_MAX;
	*(uint32_t *)n += !*over;
	return OK;
}

static enum err put(struct listing *t, const struct cases_item *item)
{
	struct cases_list *l = t->out;
	const bool own = (t->c->has_me && id32_equal(&item->fact.author, &t->c->me)) ||
		((item->roles & CASES_ISSUER) && id32_equal(&item->fact.author, &item->issuer));
	bool over = false;
	enum err e = own ? OK : count_author(t->walk, &item->fact.author, &over);
	if (e != OK || over) {
		l->more = l->more || over;
		return e;
	}
	if (l->n == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 64;
		struct cases_item *items = (struct cases_item *)realloc(l->items, cap * sizeof *items);
		if (!items)
			return ERR_MEMORY;
		l->items = items;
		t->cap = cap;
	}
	l->items[l->n] = *item;
	l->items[l->n++].fact.data = (struct slice){0};
	return OK;
}

static enum err find_earner(struct cases *c, struct cases_item *item)
{
	struct fact_list at;
	struct entry_ref submission;
	if (item->fact.kind == FACT_SUBMISSION) {
		item->earner = item->fact.author;
		return OK;
	}
	if (cases_ref(&item->fact, "submission", &submission) != OK)
		return OK;
	enum err e = cases_at(c, &submission, &at);
	if (e != OK)
		return e;
	if (at.n && at.facts[0].kind == FACT_SUBMISSION)
		item->earner = at.facts[0].author;
	fact_list_free(&at);
	return OK;
}

static enum err consider(struct listing *t, const struct fact *f)
{
	struct cases_item item = {.fact = *f};
	if (cases_ref(f, t->walk->kind == FACT_AWARD ? "definition" : "for", &item.definition) != OK)
		return OK;
	enum err e = find_earner(t->c, &item);
	if (e == OK)
		e = find_roles(t, &item);
	return e == OK && (!t->walk->roles || (item.roles & t->walk->roles)) ? put(t, &item) : e;
}

static int newest_first(const void *a, const void *b)
{
	const struct fact *x = &((const struct cases_item *)a)->fact,
			  *y = &((const struct cases_item *)b)->fact;
	if (x->hour != y->hour)
		return x->hour > y->hour ? -1 : 1;
	int c = id32_cmp(&x->at.log, &y->at.log);
	return c ? c : x->at.seq == y->at.seq ? 0 : x->at.seq > y->at.seq ? -1 : 1;
}

static enum err next_page(struct listing *t)
{
	struct cases_walk *w = t->walk;
	struct store_req req = {.op = STORE_FACT_ALL,
		.a.number = FACT_MASK(w->kind),
		.a.seq = w->no,
		.a.max = CASES_PART_MAX};
	struct store_res res;
	enum err e = cases_ask(t->c, w->in_book, &req, &res);
	for (size_t i = 0; e == OK && i < res.r.n; i++)
		e = consider(t, &res.r.facts[i]);
	if (e == OK && res.r.more) {
		w->no = res.r.number;
	} else if (e == OK) {
		w->over = w->in_book || !t->c->book;
		w->in_book = true;
		w->no = 0;
	}
	store_res_free(&res);
	return e;
}

enum err cases_walk_on(struct cases *c, struct cases_walk *w, struct cases_list *out)
{
	struct listing t = {.c = c, .walk = w, .out = out};
	*out = (struct cases_list){0};
	enum err e = find_covered(&t);
	if (e == OK)
		e = next_page(&t);
	free(t.covered);
	if (e != OK)
		cases_list_free(out);
	return e;
}

void cases_walk_end(struct cases_walk *w)
{
	idmap_free(&w->authors);
}

static void keep_newest(struct cases_list *l)
{
	if (l->n)
		qsort(l->items, l->n, sizeof *l->items, newest_first);
	if (l->n > CASES_LIST_MAX) {
		l->n = CASES_LIST_MAX;
		l->more = true;
	}
}

static enum err list(struct cases *c, enum fact_kind kind, unsigned roles, struct cases_list *out)
{
	struct cases_walk w = {.kind = kind, .roles = roles};
	struct listing t = {.c = c, .walk = &w, .out = out};
	*out = (struct cases_list){0};
	enum err e = find_covered(&t);
	while (e == OK && !w.over) {
		e = next_page(&t);
		if (out->n >= SORTED_AT)
			keep_newest(out);
	}
	keep_newest(out);
	free(t.covered);
	cases_walk_end(&w);
	if (e != OK)
		cases_list_free(out);
	return e;
}

enum err cases_submissions(struct cases *c, unsigned roles, struct cases_list *out)
{
	return list(c, FACT_SUBMISSION, roles, out);
}

enum err cases_awards(struct cases *c, unsigned roles, struct cases_list *out)
{
	return list(c, FACT_AWARD, roles, out);
}

void cases_list_free(struct cases_list *l)
{
	free(l->items);
	*l = (struct cases_list){0};
}

/* ---- who reviews under a definition */

static int by_id(const void *a, const void *b)
{
	return id32_cmp((const struct id32 *)a, (const struct id32 *)b);
}

static bool is_ended_in(const struct judge_case *k, const struct fact *appointment)
{
	for (size_t i = 0; i < k->facts_n; i++) {
		const struct fact *f = &k->facts[i];
		if (f->kind == FACT_APPOINTMENT_END && !f->cut &&
			id32_equal(&f->about, &appointment->at.id) &&
			id32_equal(&f->author, &appointment->author) && judge_act_counts(k, f))
			return true;
	}
	return false;
}

static enum err reviewers_of(
	const struct judge_case *k, const struct lineage *l, struct id32 **out, size_t *n)
{
	struct id32 *ids = (struct id32 *)calloc(k->facts_n + 1, sizeof *ids);
	size_t found = 0, kept = 0;
	if (!ids)
		return ERR_MEMORY;
	for (size_t i = 0; i < k->facts_n; i++) {
		const struct fact *f = &k->facts[i];
		if (f->kind == FACT_APPOINTMENT && !f->cut && lineage_has(l, &f->about) &&
			id32_equal(&f->author, &l->issuer) && judge_act_counts(k, f) && !is_ended_in(k, f))
			ids[found++] = f->party;
	}
	if (found)
		qsort(ids, found, sizeof *ids, by_id);
	for (size_t i = 0; i < found; i++)
		if (i == 0 || !id32_equal(&ids[i], &ids[kept - 1]))
			ids[kept++] = ids[i];
	*out = ids;
	*n = kept;
	return OK;
}

enum err cases_reviewers(struct cases *c, const struct entry_ref *definition, struct id32 **out, size_t *n)
{
	struct gathered g;
	const struct lineage *l = NULL;
	enum err e = cases_definition(c, definition, &g);
	if (e != OK)
		return e;
	e = cases_lineage(c, definition, &l);
	/* The first fact is the definition's own. */
	if (e == OK && !cases_definition_counts(c, &g.judge.facts[0]))
		e = ERR_NOT_FOUND;
	if (e == OK)
		e = reviewers_of(&g.judge, l, out, n);
	gathered_free(&g);
	return e;
}
