/* cases.c -- see cases.h: life, and questions to the store's tables and the book alike. */
#include "cases_int.h"

#include "desk.h"
#include "protocol/award/definition.h"
#include "protocol/log/record.h"

#define PAGE_MAX 256u
#define LOOKED_MAX 65536u /* facts that one question looks at */

/* ---- life */

enum err cases_open(struct store *reader, struct book *b, const struct id32 *me, struct cases **out)
{
	enum err e = b ? book_catch_up(b, reader) : OK;
	if (e != OK)
		return e;
	struct cases *c = (struct cases *)calloc(1, sizeof *c);
	if (!c)
		return ERR_MEMORY;
	c->reader = reader;
	c->book = b;
	c->has_me = me != NULL;
	if (me)
		c->me = *me;
	*out = c;
	return OK;
}

static void forget_identities(struct cases *c)
{
	for (size_t i = 0; i < c->identities_n; i++) {
		keyset_view_deinit(&c->identities[i]->view);
		keyset_free(c->identities[i]->keys);
		free(c->identities[i]);
	}
	c->identities_n = 0;
}

void cases_tidy(struct cases *c)
{
	if (c->identities_n > CASES_IDENTITIES_MAX / 2)
		forget_identities(c);
}

void cases_close(struct cases *c)
{
	if (!c)
		return;
	forget_identities(c);
	for (size_t i = 0; i < c->lineages_n; i++)
		free(c->lineages[i]);
	free(c);
}

/* ---- key events */

static enum err load(struct cases *c, const struct id32 *id, struct cached_identity **out)
{
	if (c->identities_n == CASES_IDENTITIES_MAX)
		return ERR_LIMIT;
	struct cached_identity *made = (struct cached_identity *)calloc(1, sizeof *made);
	if (!made)
		return ERR_MEMORY;
	made->id = *id;
	enum err e = desk_keyset_read(c->reader, id, &made->keys);
	if (e == OK)
		e = keyset_resolve(made->keys, &made->view);
	if (e == ERR_NOT_FOUND) {
		keyset_free(made->keys);
		made->keys = NULL;
		e = OK;
	}
	if (e != OK) {
		keyset_free(made->keys);
		free(made);
		return e;
	}
	c->identities[c->identities_n++] = made;
	*out = made;
	return OK;
}

enum err cases_identity(struct cases *c, const struct id32 *id, struct judge_identity *out)
{
	struct cached_identity *found = NULL;
	enum err e = OK;
	for (size_t i = 0; i < c->identities_n && !found; i++)
		if (id32_equal(&c->identities[i]->id, id))
			found = c->identities[i];
	if (!found)
		e = load(c, id, &found);
	if (e == OK && !found->keys)
		e = ERR_NOT_FOUND;
	if (e == OK)
		*out = (struct judge_identity){.id = *id, .keys = found->keys, .view = &found->view};
	return e;
}

bool cases_act_counts(struct cases *c, const struct fact *f)
{
	struct judge_identity author;
	if (cases_identity(c, &f->author, &author) != OK)
		return false;
	const struct judge_case one = {.facts_n = 1, .facts = f, .identities_n = 1, .identities = &author};
	return !f->cut && judge_act_counts(&one, f);
}

/* ---- questions */

enum err cases_ask(struct cases *c, bool book, struct store_req *req, struct store_res *res)
{
	if (book)
		return book_ask(c->book, req, res);
	*res = (struct store_res){0};
	store_exec_one(c->reader, req, res);
	return res->err;
}

/* Behind the last fact, or, over: behind its whole log. Pages are in the order of logs, and a log has one author. */
static enum err each_page(struct cases *c, bool book, struct store_req *req, fact_each each, void *ctx,
	size_t *looked, bool *more)
{
	struct store_res res;
	bool over = false;
	enum err e = cases_ask(c, book, req, &res);
	for (size_t i = 0; e == OK && i < res.r.n; i++) {
		over = false;
		e = each(ctx, &res.r.facts[i], &over);
	}
	*more = e == OK && res.r.more;
	*looked += res.r.n;
	if (*more) {
		req->a.log = res.r.facts[res.r.n - 1].at.log;
		req->a.seq = over ? LIMIT_SEQ : res.r.facts[res.r.n - 1].at.seq;
	}
	store_res_free(&res);
	return e;
}

enum err cases_each(struct cases *c, enum store_op op, const struct id32 *of, uint64_t mask, fact_each each,
	void *ctx, bool *more)
{
	static const struct id32 nothing;
	enum err e = OK;
	for (int book = 0; e == OK && book < (c->book ? 2 : 1); book++) {
		struct store_req req = {.op = op,
			.a.id = of ? *of : nothing,
			.a.identity = of ? *of : nothing,
			.a.number = mask,
			.a.max = PAGE_MAX};
		size_t looked = 0;
		bool go_on = true;
		while (e == OK && go_on && looked < LOOKED_MAX)
			e = each_page(c, book == 1, &req, each, ctx, &looked, &go_on);
		if (e == OK && go_on && more)
			*more = true;
	}
	return e;
}

enum err cases_ref(const struct fact *f, const char *field, struct entry_ref *ref)
{
	struct slice kind, fields;
	struct mp_in value;
	enum err e = record_open(f->data, &kind, &fields);
	if (e == OK)
		e = record_get(fields, field, &value);
	return e == OK ? record_get_ref(&value, ref) : e;
}

/* ---- lists of facts */

enum err facts_append(struct facts_growing *g, const struct fact *f)
{
	struct fact_list *l = g->to;
	if (l->n == g->cap) {
		size_t cap = g->cap ? g->cap * 2 : 32;
		struct fact *facts = (struct fact *)arena_alloc(&l->mem, cap * sizeof *facts);
		if (!facts)
			return ERR_MEMORY;
		if (l->n)
			memcpy(facts, l->facts, l->n * sizeof *facts);
		l->facts = facts;
		g->cap = cap;
	}
	const struct fact *last = l->n ? &l->facts[l->n - 1] : NULL;
	struct fact *made = &l->facts[l->n];
	*made = *f;
	if (last && id32_equal(&last->at.id, &f->at.id))
		made->data = last->data;
	else
		made->data = arena_copy(&l->mem, f->data);
	if (!made->data.p)
		return ERR_MEMORY;
	l->n++;
	return OK;
}

void fact_list_free(struct fact_list *l)
{
	arena_free(&l->mem);
	*l = (struct fact_list){0};
}

static int by_place(const void *a, const void *b)
{
	const struct fact *x = (const struct fact *)a, *y = (const struct fact *)b;
	int c = id32_cmp(&x->at.log, &y->at.log);
	return c                         ? c
		: x->at.seq != y->at.seq ? (x->at.seq < y->at.seq ? -1 : 1)
					 : (int)x->kind - (int)y->kind;
}

struct collecting {
	struct facts_growing list;
	const struct id32 *only; /* of this author; NULL: of all */
	size_t of_author_max, max;
	struct id32 author; /* of the last ones */
	size_t of_author;
};

/* Facts of one author's logs need not follow each other: so they are counted. */
static size_t count_of(const struct fact_list *l, const struct fact *f)
{
	size_t n = 0;
	for (size_t i = 0; i < l->n; i++)
		n += l->facts[i].kind == f->kind && id32_equal(&l->facts[i].author, &f->author);
	return n;
}

static enum err collect(void *ctx, const struct fact *f, bool *over)
{
	struct collecting *t = (struct collecting *)ctx;
	struct fact_list *l = t->list.to;
	if (t->only && !id32_equal(&f->author, t->only))
		return OK;
	if (l->n >= t->max) {
		l->more = true;
		return OK;
	}
	if (t->of_author_max && count_of(l, f) >= t->of_author_max) {
		l->more = true;
		*over = true;
		return OK;
	}
	return facts_append(&t->list, f);
}

/* Kind by kind, so that who is over its share of one is passed over. */
static enum err list(struct cases *c, enum store_op op, const struct id32 *of, uint64_t mask,
	const struct id32 *only, size_t of_author, struct fact_list *out)
{
	struct collecting t = {
		.list = {.to = out}, .only = only, .of_author_max = of_author, .max = CASES_FACTS_LISTED_MAX};
	enum err e = OK;
	*out = (struct fact_list){0};
	for (int kind = FACT_NONE + 1; e == OK && kind < FACT_KIND_COUNT; kind++)
		if (mask & FACT_MASK(kind))
			e = cases_each(c, op, of, FACT_MASK(kind), collect, &t, &out->more);
	if (e != OK)
		fact_list_free(out);
	else if (out->n)
		qsort(out->facts, out->n, sizeof *out->facts, by_place);
	return e;
}

enum err cases_about(struct cases *c, const struct id32 *entry, uint64_t mask, struct fact_list *out)
{
	return list(c, STORE_FACT_ABOUT, entry, mask, NULL, CASES_OF_AUTHOR_MAX, out);
}

enum err cases_about_by(struct cases *c, const struct id32 *entry, uint64_t mask, const struct id32 *author,
	struct fact_list *out)
{
	return list(c, STORE_FACT_ABOUT, entry, mask, author, 0, out);
}

enum err cases_party(struct cases *c, const struct id32 *party, uint64_t mask, struct fact_list *out)
{
	return list(c, STORE_FACT_PARTY, party, mask, NULL, CASES_OF_PARTY_MAX, out);
}

enum err cases_by(struct cases *c, const struct id32 *author, uint64_t mask, struct fact_list *out)
{
	return list(c, STORE_FACT_BY, author, mask, NULL, 0, out);
}

enum err cases_at(struct cases *c, const struct entry_ref *at, struct fact_list *out)
{
	struct facts_growing list_of = {.to = out};
	enum err e = OK;
	*out = (struct fact_list){0};
	for (int book = 0; e == OK && out->n == 0 && book < (c->book ? 2 : 1); book++) {
		struct store_req req = {.op = STORE_FACT_AT, .a.log = at->log, .a.seq = at->seq};
		struct store_res res;
		e = cases_ask(c, book == 1, &req, &res);
		for (size_t i = 0; e == OK && i < res.r.n; i++)
			if (id32_is_zero(&at->id) || id32_equal(&at->id, &res.r.facts[i].at.id))
				e = facts_append(&list_of, &res.r.facts[i]);
		store_res_free(&res);
	}
	if (e != OK)
		fact_list_free(out);
	return e;
}

/* ---- definitions and what they descend from */

/* SPEC 16.3: "A `microcredential` counts if its definition is as above and in canonical form" */
bool cases_definition_counts(struct cases *c, const struct fact *f)
{
	struct slice kind, fields, text;
	struct definition d;
	if (f->kind != FACT_DEFINITION || !cases_act_counts(c, f) ||
		record_open(f->data, &kind, &fields) != OK ||
		record_get_str(fields, "definition", &text) != OK ||
		definition_read_canonical(text, &d) != OK)
		return false;
	definition_deinit(&d);
	return true;
}

bool lineage_has(const struct lineage *l, const struct id32 *definition)
{
	for (size_t i = 0; i < l->n; i++)
		if (id32_equal(&l->ids[i], definition))
			return true;
	return false;
}

static enum err trace(struct cases *c, const struct entry_ref *definition, struct lineage *l)
{
	struct entry_ref at = *definition;
	enum err e = OK;
	for (bool go_on = true; e == OK && go_on && l->n < LINEAGE_MAX;) {
		struct fact_list facts;
		e = cases_at(c, &at, &facts);
		const struct fact *f = e == OK && facts.n ? &facts.facts[0] : NULL;
		go_on = f && f->kind == FACT_DEFINITION && !f->cut && !lineage_has(l, &f->at.id) &&
			(l->n == 0 || (id32_equal(&f->author, &l->issuer) && cases_definition_counts(c, f)));
		if (go_on) {
			l->issuer = f->author;
			l->ids[l->n++] = f->at.id;
			go_on = cases_ref(f, "supersedes", &at) == OK;
		}
		if (e == OK)
			fact_list_free(&facts);
	}
	return e;
}

enum err cases_lineage(struct cases *c, const struct entry_ref *definition, const struct lineage **out)
{
	for (size_t i = 0; i < c->lineages_n; i++)
		if (c->lineages[i]->n && id32_equal(&c->lineages[i]->ids[0], &definition->id)) {
			*out = c->lineages[i];
			return OK;
		}
	struct lineage *l = (struct lineage *)calloc(1, sizeof *l);
	if (!l)
		return ERR_MEMORY;
	enum err e = trace(c, definition, l);
	if (e != OK) {
		free(l);
		return e;
	}
	/* The last one makes room: it may be pointed to until the next question only. */
	if (c->lineages_n == LINEAGES_KEPT_MAX)
		free(c->lineages[--c->lineages_n]);
	c->lineages[c->lineages_n++] = l;
	*out = l;
	return OK;
}

enum err cases_is_ended(struct cases *c, const struct fact *appointment, bool *ended)
{
	struct fact_list ends;
	enum err e = cases_about(c, &appointment->at.id, FACT_MASK(FACT_APPOINTMENT_END), &ends);
	*ended = false;
	if (e != OK)
		return e;
	for (size_t i = 0; i < ends.n && !*ended; i++)
		*ended = id32_equal(&ends.facts[i].author, &appointment->author) &&
			cases_act_counts(c, &ends.facts[i]);
	fact_list_free(&ends);
	return OK;
}
