/* handover.c -- see handover.h. */
#include "handover_int.h"

#include "protocol/log/record.h"
#include "writing.h"

#include <sodium.h>

#define KEYS_OF_RECORD 64u /* SPEC 13: "`keys`! (keys, 1..64)" */

/* ---- gathering at an appointment, on the pool */

struct appointing {
	struct gathering g;
	const struct entry_ref *definition;
	const struct id32 *reviewer;
};

static enum err add_submission(struct catalogue *c, struct gathering *g, const struct entry_ref *at)
{
	struct gathered case_of;
	enum err e = cases_submission(c->cases, at, &case_of);
	if (e == ERR_NOT_FOUND || e == ERR_LIMIT)
		return OK;
	if (e != OK)
		return e;
	e = judge_submission(&case_of.judge, &at->id, g->judged);
	if (e == OK && handover_is_open(g->judged)) {
		g->out->submissions++;
		e = handover_case(c, g, &case_of);
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

static enum err gather_part(struct catalogue *c, struct appointing *p, const struct cases_list *part)
{
	enum err e = OK;
	for (size_t i = 0; e == OK && i < part->n; i++) {
		const struct cases_item *item = &part->items[i];
		bool covered = false;
		if (id32_equal(&item->earner, p->reviewer))
			continue;
		e = is_covered(c, &item->definition, &p->definition->id, &covered);
		if (e == OK && covered)
			e = add_submission(c, &p->g, &item->fact.at);
		cases_tidy(c->cases);
	}
	return e;
}

static enum err gather(struct catalogue *c, void *ctx)
{
	struct appointing *p = (struct appointing *)ctx;
	struct cases_walk walk = {.kind = FACT_SUBMISSION, .roles = CASES_ISSUER};
	enum err e = OK;
	while (e == OK && !walk.over) {
		struct cases_list part;
		e = cases_walk_on(c->cases, &walk, &part);
		p->g.out->cut_short = p->g.out->cut_short || (e == OK && part.more);
		if (e == OK)
			e = gather_part(c, p, &part);
		cases_list_free(&part);
	}
	cases_walk_end(&walk);
	return e;
}

/* ---- writing */

static int by_id(const void *a, const void *b)
{
	return id32_cmp((const struct id32 *)a, (const struct id32 *)b);
}

/* One record: keys that have the same readers. */
struct share {
	size_t n, readers_n;
	const struct content_key *keys[KEYS_OF_RECORD];
	struct id32 readers[READERS_MAX]; /* ascending */
};

/* The next ones that are not written, which are then taken for written. */
static void take_share(struct gathering *g, size_t first, struct share *out)
{
	const uint64_t to = g->keys[first].to;
	out->n = out->readers_n = 0;
	for (size_t i = 0; i < g->who_n; i++)
		if (to >> i & 1)
			out->readers[out->readers_n++] = g->who[i];
	qsort(out->readers, out->readers_n, sizeof out->readers[0], by_id);
	for (size_t i = first; i < g->out->keys && out->n < KEYS_OF_RECORD; i++)
		if (g->keys[i].to == to) {
			out->keys[out->n++] = &g->keys[i];
			g->keys[i].to = 0;
		}
}

static enum err put_record(const struct share *s, struct buf *record)
{
	struct mp_out m = mp_out_init(record);
	mp_put_array(&m, 2);
	mp_put_cstr(&m, "share");
	mp_put_map(&m, 2);
	mp_put_cstr(&m, "keys");
	mp_put_array(&m, s->n);
	for (size_t i = 0; i < s->n; i++)
		record_put_key(&m, &s->keys[i]->of, s->keys[i]->key);
	mp_put_cstr(&m, "to");
	mp_put_array(&m, s->readers_n);
	for (size_t i = 0; i < s->readers_n; i++)
		mp_put_id(&m, &s->readers[i]);
	return m.err;
}

static enum err write_share(struct act *a, struct session *s, const struct share *share)
{
	struct audience *to = audience_new();
	struct buf record = {0};
	struct entry_ref ref;
	enum err e = to ? OK : ERR_MEMORY;
	for (size_t i = 0; e == OK && i < share->readers_n; i++)
		e = audience_add(a, to, &share->readers[i]);
	/* No copy of keys is left behind by a buffer that grew. */
	if (e == OK)
		e = buf_reserve(&record, 64 + share->n * 160 + share->readers_n * 40);
	if (e == OK)
		e = put_record(share, &record);
	if (e == OK) {
		const struct writing w = {.to = to, .record = buf_slice(&record)};
		e = writing_put(a, &s->keyring->self, &w, &ref, NULL);
	}
	if (record.p)
		sodium_memzero(record.p, record.cap);
	buf_free(&record);
	audience_free(to);
	return e;
}

enum err handover_begin(struct gathering *g, struct session *s, size_t max, struct handover *out)
{
	*out = (struct handover){.submissions = 0};
	if (!s->shares)
		s->shares = shares_new();
	g->issuer = s->identity;
	g->shares = s->shares;
	g->max = max;
	g->out = out;
	g->keys = (struct content_key *)sodium_allocarray(max, sizeof *g->keys);
	g->judged = (struct submission_judgement *)calloc(1, sizeof *g->judged);
	return g->shares && g->keys && g->judged ? OK : ERR_MEMORY;
}

enum err handover_end(struct act *a, struct session *s, struct gathering *g, enum err e)
{
	struct share share;
	for (size_t i = 0; e == OK && i < g->out->keys; i++) {
		if (g->keys[i].to == 0)
			continue;
		take_share(g, i, &share);
		e = s->open ? write_share(a, s, &share) : ERR_LOCKED;
	}
	if (e != OK) {
		shares_free(s->shares);
		s->shares = NULL;
	}
	sodium_free(g->keys);
	free(g->judged);
	return e;
}

enum err handover_write(struct act *a, struct sessions *ss, struct session *s,
	const struct entry_ref *definition, const struct id32 *reviewer, struct handover *out)
{
	struct appointing p = {
		.g = {.panel = reviewer, .panel_n = 1}, .definition = definition, .reviewer = reviewer};
	enum err e = handover_begin(&p.g, s, HANDOVER_KEYS_MAX, out);
	if (e == OK)
		e = catalogue_ask_in(a, ss, s, gather, &p);
	return handover_end(a, s, &p.g, e);
}
