/* handover.c -- see handover.h. */
#include "handover.h"

#include "protocol/log/record.h"
#include "writing.h"

#include <sodium.h>

#define CHAIN_MAX 52u /* SPEC 16.3: "`resubmissions_max` (0..50" */
#define KEYS_OF_RECORD 64u /* SPEC 13: "`keys`! (keys, 1..64)" */

struct content_key {
	struct entry_ref of;
	uint8_t key[32];
};

struct gathering {
	const struct entry_ref *definition;
	const struct id32 *reviewer;
	struct handover *out;
	struct content_key *keys; /* sodium_malloc: HANDOVER_KEYS_MAX */
	size_t first; /* of the keys, for the submission at hand */
	struct submission_judgement *judged;
};

/* ---- gathering, on the pool */

/* What cannot be opened, or is clear, needs no key from us. */
static enum err add_key(struct catalogue *c, struct gathering *g, const struct entry_ref *of)
{
	for (size_t i = g->first; i < g->out->keys; i++)
		if (id32_equal(&g->keys[i].of.id, &of->id))
			return OK;
	if (g->out->keys == HANDOVER_KEYS_MAX) {
		g->out->cut_short = true;
		return OK;
	}
	struct content_key *k = &g->keys[g->out->keys];
	enum err e = book_key(c->book, c->store, of, k->key);
	if (e == ERR_MEMORY || e == ERR_IO)
		return e;
	if (e == OK) {
		k->of = *of;
		g->out->keys++;
	}
	return OK;
}

static enum err add_evidence(struct catalogue *c, struct gathering *g, const struct fact *manifest)
{
	struct slice kind, fields;
	struct mp_in list;
	size_t n = 0;
	enum err e = OK;
	if (record_open(manifest->data, &kind, &fields) != OK || record_get(fields, "items", &list) != OK ||
		mp_get_array(&list, 0, SIZE_MAX, &n) != OK)
		return OK;
	for (struct record_item item; e == OK && n > 0 && record_get_item(&list, &item) == OK; n--)
		e = add_key(c, g, &item.at);
	return e;
}

static const struct fact *find_fact(const struct gathered *case_of, const struct entry_ref *at,
	enum fact_kind kind, const struct id32 *by)
{
	for (size_t i = 0; i < case_of->judge.facts_n; i++) {
		const struct fact *f = &case_of->judge.facts[i];
		if (f->kind == kind && id32_equal(&f->at.id, &at->id) && id32_equal(&f->author, by))
			return f;
	}
	return NULL;
}

/* A submission that counts and those that it revises, in turn: nothing that others point to. */
struct chain {
	size_t n;
	struct id32 ids[CHAIN_MAX];
};

static enum err add_chain(
	struct catalogue *c, struct gathering *g, const struct gathered *case_of, struct chain *chain)
{
	const struct id32 *earner = &g->judged->earner;
	const struct fact *f = g->judged->submission;
	struct entry_ref at;
	enum err e = OK;
	chain->n = 0;
	while (e == OK && f && chain->n < CHAIN_MAX) {
		chain->ids[chain->n++] = f->at.id;
		e = add_key(c, g, &f->at);
		if (e == OK && cases_ref(f, "manifest", &at) == OK &&
			find_fact(case_of, &at, FACT_MANIFEST, earner))
			e = add_key(c, g, &at);
		f = cases_ref(f, "revises", &at) == OK ? find_fact(case_of, &at, FACT_SUBMISSION, earner)
						       : NULL;
	}
	return e;
}

static bool is_of_chain(const struct gathered *case_of, const struct chain *chain, const struct fact *f)
{
	const struct id32 *of = &f->about;
	for (size_t i = 0; f->kind == FACT_RELEASE && i < case_of->judge.facts_n; i++)
		if (case_of->judge.facts[i].kind == FACT_CLAIM &&
			id32_equal(&case_of->judge.facts[i].at.id, &f->about))
			of = &case_of->judge.facts[i].about;
	for (size_t i = 0; i < chain->n; i++)
		if (id32_equal(&chain->ids[i], of))
			return true;
	return false;
}

/* Without these the reviewer's node would judge otherwise: the list of evidence, what it revises, and what others said of it. */
static enum err add_case(struct catalogue *c, struct gathering *g, const struct gathered *case_of)
{
	const uint64_t wanted = FACT_MASK(FACT_CLAIM) | FACT_MASK(FACT_RELEASE) | FACT_MASK(FACT_REVIEW);
	struct chain chain;
	enum err e = add_chain(c, g, case_of, &chain);
	for (size_t i = 0; e == OK && i < case_of->judge.facts_n; i++)
		if ((FACT_MASK(case_of->judge.facts[i].kind) & wanted) &&
			is_of_chain(case_of, &chain, &case_of->judge.facts[i]))
			e = add_key(c, g, &case_of->judge.facts[i].at);
	return e;
}

static enum err add_submission(struct catalogue *c, struct gathering *g, const struct entry_ref *at)
{
	struct gathered case_of;
	enum err e = cases_submission(c->cases, at, &case_of);
	if (e == ERR_NOT_FOUND || e == ERR_LIMIT)
		return OK;
	if (e != OK)
		return e;
	e = judge_submission(&case_of.judge, &at->id, g->judged);
	if (e == OK && (g->judged->state == SUBMISSION_SUBMITTED || g->judged->state == SUBMISSION_CLAIMED)) {
		g->out->submissions++;
		g->first = g->out->keys;
		e = add_case(c, g, &case_of);
		if (e == OK && g->judged->manifest)
			e = add_evidence(c, g, g->judged->manifest);
	}
	gathered_free(&case_of);
	return e;
}

/* Is it the definition, or does it descend from it? */
static enum err is_covered(
	struct catalogue *c, const struct entry_ref *definition, const struct id32 *by, bool *covered)
{
	struct id32 ids[CATALOGUE_VERSIONS_MAX];
	struct fact_list found;
	size_t n = 0;
	enum err e = catalogue_find(c, definition, FACT_DEFINITION, &found);
	*covered = false;
	if (e != OK)
		return e == ERR_NOT_FOUND ? OK : e;
	e = catalogue_lineage(c, &found.facts[0], ids, &n);
	for (size_t i = 0; i < n && !*covered; i++)
		*covered = id32_equal(&ids[i], by);
	fact_list_free(&found);
	return e;
}

static enum err gather(struct catalogue *c, void *ctx)
{
	struct gathering *g = (struct gathering *)ctx;
	struct cases_list list;
	enum err e = cases_submissions(c->cases, CASES_ISSUER, &list);
	if (e != OK)
		return e;
	g->out->cut_short = list.more;
	for (size_t i = 0; e == OK && i < list.n; i++) {
		const struct cases_item *item = &list.items[i];
		bool covered = false;
		if (id32_equal(&item->earner, g->reviewer))
			continue;
		e = is_covered(c, &item->definition, &g->definition->id, &covered);
		if (e == OK && covered)
			e = add_submission(c, g, &item->fact.at);
	}
	cases_list_free(&list);
	return e;
}

/* ---- writing */

static enum err put_record(const struct content_key *keys, size_t n, struct buf *record)
{
	struct mp_out m = mp_out_init(record);
	mp_put_array(&m, 2);
	mp_put_cstr(&m, "share");
	mp_put_map(&m, 1);
	mp_put_cstr(&m, "keys");
	mp_put_array(&m, n);
	for (size_t i = 0; i < n; i++)
		record_put_key(&m, &keys[i].of, keys[i].key);
	return m.err;
}

static enum err write_shares(struct act *a, struct session *s, const struct gathering *g)
{
	struct audience *to = audience_new();
	enum err e = to ? audience_add(a, to, g->reviewer) : ERR_MEMORY;
	for (size_t at = 0; e == OK && at < g->out->keys; at += KEYS_OF_RECORD) {
		struct buf record = {0};
		struct entry_ref ref;
		size_t n = g->out->keys - at < KEYS_OF_RECORD ? g->out->keys - at : KEYS_OF_RECORD;
		/* No copy of keys is left behind by a buffer that grew. */
		e = buf_reserve(&record, 64 + n * 160);
		if (e == OK)
			e = put_record(g->keys + at, n, &record);
		if (e == OK) {
			const struct writing w = {.to = to, .record = buf_slice(&record)};
			e = writing_put(a, &s->keyring->self, &w, &ref, NULL);
		}
		if (record.p)
			sodium_memzero(record.p, record.cap);
		buf_free(&record);
	}
	audience_free(to);
	return e;
}

enum err handover_write(struct act *a, struct sessions *ss, struct session *s,
	const struct entry_ref *definition, const struct id32 *reviewer, struct handover *out)
{
	struct gathering g = {.definition = definition,
		.reviewer = reviewer,
		.out = out,
		.keys = (struct content_key *)sodium_allocarray(HANDOVER_KEYS_MAX, sizeof *g.keys),
		.judged = (struct submission_judgement *)calloc(1, sizeof *g.judged)};
	*out = (struct handover){.submissions = 0};
	enum err e = g.keys && g.judged ? catalogue_ask_in(a, ss, s, gather, &g) : ERR_MEMORY;
	if (e == OK && out->keys)
		e = write_shares(a, s, &g);
	sodium_free(g.keys);
	free(g.judged);
	return e;
}
