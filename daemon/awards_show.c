/* awards_show.c -- see awards_show.h. */
#include "awards_show.h"

#include "protocol/log/record.h"

#include <sodium.h>

#define NAMED_MAX 16u
#define KEYS_MAX (NAMED_MAX + 3u)

struct showing {
	const struct entry_ref *award;
	bool accept;
	struct entry_ref definition;
	bool accepted;
	struct entry_ref acceptance;
	size_t n;
	struct entry_ref of[KEYS_MAX];
	uint8_t key[KEYS_MAX][32];
	struct award_shown *out;
};

/* ---- what is handed on, on the pool */

static enum err add_key(struct catalogue *c, struct showing *s, const struct entry_ref *of)
{
	enum err e = book_key(c->book, c->store, of, s->key[s->n]);
	if (e == OK) {
		s->of[s->n++] = *of;
		return OK;
	}
	s->out->locked += e != ERR_STATE; /* of a clear one no key is needed */
	return e == ERR_MEMORY || e == ERR_IO ? e : OK;
}

static enum err add_keys(struct catalogue *c, struct showing *s, const struct award_look *l)
{
	struct entry_ref reviews[NAMED_MAX];
	size_t n = awards_reviews(l->j->award, reviews, NAMED_MAX);
	enum err e = add_key(c, s, s->award);
	if (e == OK && l->j->manifest)
		e = add_key(c, s, &l->j->manifest->at);
	if (e == OK && s->accepted)
		e = add_key(c, s, &s->acceptance);
	for (size_t i = 0; e == OK && i < n; i++) {
		size_t before = s->n;
		e = add_key(c, s, &reviews[i]);
		s->out->reviews += s->n - before;
	}
	return e;
}

static enum err check(struct catalogue *c, const struct showing *s, const struct award_look *l)
{
	const struct award_judgement *j = l->j;
	if (j->state == AWARD_UNKNOWN)
		return act_say(c->act, ERR_STATE,
			judgement_worst(&j->verdict) == JUDGE_WRONG
				? "This award does not count: see quire award show."
				: "Whether this award counts cannot be told from what is here: see quire award show.");
	if (!id32_equal(&j->earner, &c->act->keys->self.identity))
		return act_say(c->act, ERR_REFUSED, "Only its earner accepts and shows an award.");
	if (j->state == AWARD_REVOKED)
		return act_say(c->act, ERR_STATE, "The issuer has revoked this award.");
	if (!s->accept && j->state != AWARD_ACCEPTED)
		return act_say(c->act, ERR_STATE,
			"An award is shown to others only when it is accepted: quire award accept.");
	return OK;
}

static enum err prepare(struct catalogue *c, void *ctx)
{
	struct showing *s = (struct showing *)ctx;
	struct award_look l;
	enum err e = awards_look(c, s->award, &l);
	if (e != OK)
		return e;
	e = check(c, s, &l);
	if (e == OK) {
		s->accepted = l.j->acceptance != NULL;
		if (s->accepted)
			s->acceptance = l.j->acceptance->at;
		s->definition = l.j->definition->at;
		e = add_keys(c, s, &l);
	}
	awards_look_free(&l);
	return e;
}

/* ---- the acceptance */

/* The panel, and to whom it is shown. */
static enum err find_readers(
	struct act *a, const struct showing *s, const struct audience *shown, struct audience *to)
{
	if (shown->clear) {
		to->clear = true;
		return OK;
	}
	enum err e = audience_panel(a, to, &s->definition, NULL);
	for (size_t i = 0; e == OK && i < shown->n; i++) {
		bool known = to->n == AUDIENCE_READERS_MAX;
		for (size_t k = 0; k < to->n && !known; k++)
			known = id32_equal(&to->keys[k], &shown->keys[i]);
		if (!known)
			to->keys[to->n++] = shown->keys[i];
	}
	return e;
}

static enum err write_acceptance(struct act *a, struct showing *s, const struct audience *shown)
{
	struct audience *to = audience_new();
	struct buf record = {0};
	struct mp_out m = mp_out_init(&record);
	mp_put_array(&m, 2);
	mp_put_cstr(&m, "acceptance");
	mp_put_map(&m, 1);
	mp_put_cstr(&m, "of");
	record_put_ref(&m, s->award);
	enum err e = !to ? ERR_MEMORY : m.err;
	if (e == OK)
		e = find_readers(a, s, shown, to);
	if (e == OK) {
		const struct writing w = {.to = to, .record = buf_slice(&record), .keep = true};
		e = writing_put(a, &a->keys->self, &w, &s->acceptance, NULL);
	}
	buf_free(&record);
	audience_free(to);
	return e;
}

/* ---- the keys */

static enum err write_share(struct act *a, struct showing *s, const struct audience *shown)
{
	struct buf record = {0};
	struct entry_ref at;
	/* No copy of keys is left behind by a buffer that grew. */
	enum err e = buf_reserve(&record, 64 + s->n * 160);
	struct mp_out m = mp_out_init(&record);
	if (e == OK) {
		mp_put_array(&m, 2);
		mp_put_cstr(&m, "share");
		mp_put_map(&m, 1);
		mp_put_cstr(&m, "keys");
		mp_put_array(&m, s->n);
		for (size_t i = 0; i < s->n; i++)
			record_put_key(&m, &s->of[i], s->key[i]);
		e = m.err;
	}
	if (e == OK) {
		const struct writing w = {.to = shown, .record = buf_slice(&record)};
		e = writing_put(a, &a->keys->self, &w, &at, NULL);
	}
	if (record.p)
		sodium_memzero(record.p, record.cap);
	buf_free(&record);
	s->out->shared = e == OK;
	s->out->everybody = shown->clear;
	s->out->people = shown->n;
	s->out->keys = s->n;
	return e;
}

static enum err show_to(struct act *a, struct showing *s, const struct audience *shown)
{
	enum err e = catalogue_ask(a, a->rq->session, prepare, s);
	if (e != OK)
		return e;
	s->out->already = s->accepted;
	if (!s->accepted)
		e = write_acceptance(a, s, shown);
	if (e == OK && s->n && (shown->clear || shown->n))
		e = write_share(a, s, shown);
	s->out->at = s->acceptance;
	return e;
}

enum err award_show(struct act *a, const struct entry_ref *award, bool accept, struct award_shown *out)
{
	struct audience *shown = audience_new();
	struct showing *s = (struct showing *)sodium_malloc(sizeof *s);
	enum err e = shown && s ? OK : ERR_MEMORY;
	*out = (struct award_shown){.already = false};
	if (e == OK)
		e = audience_list(a, shown, json_object_get(a->rq->body, "to"));
	if (e == OK && !accept && !shown->clear && shown->n == 0)
		e = act_say(a, ERR_INPUT, "Say to whom: \"to\" is \"public\", or identity ids.");
	if (e == OK) {
		memset(s, 0, sizeof *s);
		s->award = award;
		s->accept = accept;
		s->out = out;
		e = show_to(a, s, shown);
	}
	sodium_free(s);
	audience_free(shown);
	return e;
}

json_t *award_shown_words(const struct award_shown *s)
{
	if (!s->shared)
		return json_string("Nobody else can read it: only you, the issuer and the reviewers.");
	json_t *who = s->everybody ? json_string("Everybody")
				   : json_sprintf("%zu %s", s->people, s->people == 1 ? "person" : "people");
	json_t *words = json_sprintf(
		"%s can now read the award, its scores, the list of evidence (not the evidence itself), and the feedback of "
		"the %zu %s that it rests on.%s",
		json_string_value(who), s->reviews, s->reviews == 1 ? "review" : "reviews",
		s->locked ? " Some of it is not known on this node, so its keys could not be handed on."
			  : "");
	json_decref(who);
	return words;
}
