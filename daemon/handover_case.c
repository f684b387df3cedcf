/* handover_case.c -- what of one submission is handed on, and to whom. SPEC.md section 16.4. See handover.h. */
#include "handover_int.h"

#include "protocol/log/record.h"

#include <sodium.h>

#define CHAIN_MAX 52u /* SPEC 16.3: "`resubmissions_max` (0..50" */

struct case_at_hand {
	struct catalogue *c;
	struct gathering *g;
	const struct gathered *facts;
	/* A submission that counts and those that it revises, in turn: nothing that others point to. */
	size_t chain_n;
	struct id32 chain[CHAIN_MAX];
	/* Who was asked for last; what one author wrote stands together. */
	struct id32 author;
	enum { NEVER_APPOINTED, WAS_APPOINTED, IS_APPOINTED } appointed;
};

/* ---- one key */

/* Whom a record says that it is sealed to. */
static size_t read_to(const struct fact *f, struct id32 to[READERS_MAX])
{
	struct slice kind, fields;
	struct mp_in in;
	size_t n = 0, got = 0;
	if (record_open(f->data, &kind, &fields) != OK || record_get(fields, "to", &in) != OK ||
		mp_get_array(&in, 0, READERS_MAX, &n) != OK)
		return 0;
	while (got < n && mp_get_id(&in, &to[got]) == OK)
		got++;
	return got;
}

/* Then whoever opens the submission opens this too, and his book counts it among its earner's keys, not the issuer's. */
static bool hands_on(const struct fact *said, const struct content_key *k)
{
	struct slice kind, fields;
	struct mp_in in;
	struct entry_ref of;
	uint8_t key[32];
	size_t n = 0;
	bool does = false;
	if (said->kind != FACT_SUBMISSION || record_open(said->data, &kind, &fields) != OK ||
		record_get(fields, "keys", &in) != OK || mp_get_array(&in, 0, SIZE_MAX, &n) != OK)
		return false;
	for (; !does && n > 0 && record_get_key(&in, &of, key) == OK; n--)
		does = id32_equal(&of.id, &k->of.id) && id32_equal(&of.log, &k->of.log) &&
			of.seq == k->of.seq && sodium_memcmp(key, k->key, sizeof key) == 0;
	sodium_memzero(key, sizeof key);
	return does;
}

static bool is_among(const struct id32 *ids, size_t n, const struct id32 *id)
{
	for (size_t i = 0; i < n; i++)
		if (id32_equal(&ids[i], id))
			return true;
	return false;
}

/* The logs are read when it is first asked. */
static enum err was_handed_on(struct catalogue *c, struct gathering *g, const struct id32 *reviewer,
	const struct id32 *entry, bool *was)
{
	enum err e = g->caught_up ? OK : shares_catch_up(g->shares, c->book, c->store, &g->issuer);
	if (e == ERR_LIMIT && !g->heed_to)
		e = OK; /* who was asked for it may repeat himself */
	g->caught_up = e == OK;
	*was = e == OK && shares_has(g->shares, reviewer, entry);
	return e;
}

/* SIZE_MAX: there is no more room. */
static size_t place_of(struct gathering *g, const struct id32 *reviewer)
{
	for (size_t i = 0; i < g->who_n; i++)
		if (id32_equal(&g->who[i], reviewer))
			return i;
	if (g->who_n == READERS_MAX)
		return SIZE_MAX;
	g->who[g->who_n] = *reviewer;
	return g->who_n++;
}

static enum err put_reader(struct gathering *g, struct content_key *k, const struct id32 *reviewer)
{
	size_t place = place_of(g, reviewer);
	if (place == SIZE_MAX) {
		g->out->cut_short = true;
		return OK;
	}
	enum err e = shares_add(g->shares, reviewer, &k->of.id);
	if (e == OK || (e == ERR_LIMIT && !g->heed_to))
		k->to |= (uint64_t)1 << place;
	return e == ERR_LIMIT && !g->heed_to ? OK : e;
}

/* of: an entry by `author`; said: the record whose `to` holds for it. What cannot be opened, or is clear, needs no key from us. */
static enum err add_key(struct case_at_hand *t, const struct entry_ref *of, const struct id32 *author,
	const struct fact *said)
{
	struct gathering *g = t->g;
	struct id32 to[READERS_MAX];
	const size_t to_n = g->heed_to ? read_to(said, to) : 0;
	struct content_key *k = NULL;
	enum err e = OK;
	for (size_t i = 0; e == OK && i < g->panel_n; i++) {
		const struct id32 *reviewer = &g->panel[i];
		bool was = id32_equal(reviewer, author) || is_among(to, to_n, reviewer);
		if (!was)
			e = was_handed_on(t->c, g, reviewer, &of->id, &was);
		if (e != OK || was)
			continue;
		if (!k && g->out->keys == g->max) {
			g->out->cut_short = true;
			return OK;
		}
		if (!k) {
			k = &g->keys[g->out->keys];
			*k = (struct content_key){.of = *of};
			e = book_key(t->c->book, t->c->store, of, k->key);
			if (e != OK)
				return e == ERR_MEMORY || e == ERR_IO ? e : OK;
			if (hands_on(said, k))
				return OK;
		}
		e = put_reader(g, k, reviewer);
	}
	if (k && k->to)
		g->out->keys++;
	return e;
}

/* ---- a submission, and those before it */

static enum err add_evidence(struct case_at_hand *t, const struct fact *manifest)
{
	struct slice kind, fields;
	struct mp_in list;
	size_t n = 0;
	enum err e = OK;
	if (record_open(manifest->data, &kind, &fields) != OK || record_get(fields, "items", &list) != OK ||
		mp_get_array(&list, 0, SIZE_MAX, &n) != OK)
		return OK;
	for (struct record_item item; e == OK && n > 0 && record_get_item(&list, &item) == OK; n--)
		e = add_key(t, &item.at, &t->g->judged->earner, t->g->judged->submission);
	return e;
}

static const struct fact *find_fact(
	const struct gathered *facts, const struct entry_ref *at, enum fact_kind kind, const struct id32 *by)
{
	for (size_t i = 0; i < facts->judge.facts_n; i++) {
		const struct fact *f = &facts->judge.facts[i];
		if (f->kind == kind && id32_equal(&f->at.id, &at->id) && id32_equal(&f->author, by))
			return f;
	}
	return NULL;
}

static enum err add_chain(struct case_at_hand *t)
{
	const struct id32 *earner = &t->g->judged->earner;
	const struct fact *f = t->g->judged->submission;
	struct entry_ref at;
	enum err e = OK;
	while (e == OK && f && t->chain_n < CHAIN_MAX) {
		t->chain[t->chain_n++] = f->at.id;
		e = add_key(t, &f->at, earner, f);
		if (e == OK && cases_ref(f, "manifest", &at) == OK &&
			find_fact(t->facts, &at, FACT_MANIFEST, earner))
			e = add_key(t, &at, earner, f);
		f = cases_ref(f, "revises", &at) == OK ? find_fact(t->facts, &at, FACT_SUBMISSION, earner)
						       : NULL;
	}
	return e;
}

/* ---- what was said of it */

static bool is_of_chain(const struct case_at_hand *t, const struct fact *f)
{
	const struct judge_case *k = &t->facts->judge;
	const struct id32 *of = &f->about;
	for (size_t i = 0; f->kind == FACT_RELEASE && i < k->facts_n; i++)
		if (k->facts[i].kind == FACT_CLAIM && id32_equal(&k->facts[i].at.id, &f->about))
			of = &k->facts[i].about;
	return is_among(t->chain, t->chain_n, of);
}

static bool is_ended(const struct judge_case *k, const struct fact *appointment)
{
	for (size_t i = 0; i < k->facts_n; i++) {
		const struct fact *f = &k->facts[i];
		if (f->kind == FACT_APPOINTMENT_END && id32_equal(&f->about, &appointment->at.id) &&
			id32_equal(&f->author, &appointment->author) && judge_act_counts(k, f))
			return true;
	}
	return false;
}

static void find_appointed(struct case_at_hand *t, const struct id32 *author)
{
	const struct judge_case *k = &t->facts->judge;
	if (id32_equal(&t->author, author))
		return;
	t->author = *author;
	t->appointed = NEVER_APPOINTED;
	for (size_t i = 0; i < k->facts_n && t->appointed != IS_APPOINTED; i++) {
		const struct fact *f = &k->facts[i];
		if (f->kind == FACT_APPOINTMENT && id32_equal(&f->party, author))
			t->appointed = is_ended(k, f) ? WAS_APPOINTED : IS_APPOINTED;
	}
}

/* Nobody else's word has an effect, whoever writes it; of those who were dismissed only reviews can still have one. */
static bool has_a_say(struct case_at_hand *t, const struct fact *f)
{
	if (f->kind == FACT_WITHDRAW)
		return id32_equal(&f->author, &t->g->judged->earner);
	if (id32_equal(&f->author, &t->g->issuer))
		return true;
	find_appointed(t, &f->author);
	return t->appointed == IS_APPOINTED || (t->appointed == WAS_APPOINTED && f->kind == FACT_REVIEW);
}

enum err handover_have(struct catalogue *c, struct gathering *g, struct id32 *panel, size_t first, size_t *n)
{
	const struct fact *f = g->judged->submission;
	struct id32 to[READERS_MAX];
	const size_t to_n = read_to(f, to);
	size_t kept = first;
	enum err e = OK;
	for (size_t i = first; e == OK && i < *n; i++) {
		bool has = is_among(to, to_n, &panel[i]);
		if (!has)
			e = was_handed_on(c, g, &panel[i], &f->at.id, &has);
		if (has)
			panel[kept++] = panel[i];
	}
	*n = kept;
	return e;
}

/* Without these the reviewer's node would judge otherwise: the list of evidence, what it revises, and what others said of it. */
enum err handover_case(struct catalogue *c, struct gathering *g, const struct gathered *case_of)
{
	const uint64_t wanted = FACT_MASK(FACT_CLAIM) | FACT_MASK(FACT_RELEASE) | FACT_MASK(FACT_REVIEW) |
		FACT_MASK(FACT_WITHDRAW);
	struct case_at_hand t = {.c = c, .g = g, .facts = case_of};
	enum err e = add_chain(&t);
	for (size_t i = 0; e == OK && i < case_of->judge.facts_n; i++) {
		const struct fact *f = &case_of->judge.facts[i];
		if ((FACT_MASK(f->kind) & wanted) && is_of_chain(&t, f) && has_a_say(&t, f))
			e = add_key(&t, &f->at, &f->author, f);
	}
	if (e == OK && g->judged->manifest)
		e = add_evidence(&t, g->judged->manifest);
	return e;
}
