/* audience.c -- see audience.h. */
#include "audience.h"

#include "cases.h"
#include "compose.h"

#include <sodium.h>

struct audience *audience_new(void)
{
	return (struct audience *)calloc(1, sizeof(struct audience));
}

void audience_free(struct audience *to)
{
	free(to);
}

static bool has_key(const struct audience *to, const struct id32 *key)
{
	for (size_t i = 0; i < to->n; i++)
		if (id32_equal(&to->keys[i], key))
			return true;
	return false;
}

static enum err put_key(struct act *a, struct audience *to, const struct id32 *key)
{
	if (has_key(to, key))
		return OK;
	if (to->n == AUDIENCE_READERS_MAX)
		return act_say(a, ERR_LIMIT, "An entry has at most %d readers.", LIMIT_READERS);
	to->keys[to->n++] = *key;
	return OK;
}

static bool has_host(const struct act *a, const struct audience *to, const struct id32 *node)
{
	for (size_t i = 0; i < to->hosts_n; i++)
		if (id32_equal(&to->hosts[i].node, node))
			return true;
	return id32_equal(&a->desk->keys->node_key, node);
}

static void put_hosts(
	const struct act *a, struct audience *to, const struct id32 *reader, const struct keyset_view *v)
{
	for (size_t i = 0; i < v->hostings_n && to->hosts_n < AUDIENCE_HOSTS_MAX; i++)
		if (!has_host(a, to, &v->hostings[i].node_key))
			to->hosts[to->hosts_n++] = (struct audience_host){.reader = *reader,
				.node = v->hostings[i].node_key,
				.notice_key = v->hostings[i].notice_key};
}

/* Also notes where the identity lives. ERR_NOT_FOUND: no key events; ERR_STATE: no reading key. */
static enum err find_key(struct act *a, struct audience *to, const struct id32 *identity, struct id32 *key)
{
	struct keyset *ks = NULL;
	struct keyset_view v;
	enum err e = desk_keyset(a->desk, identity, &ks);
	if (e == OK)
		e = keyset_resolve(ks, &v);
	if (e == OK) {
		if (v.has_reading) {
			*key = v.reading_key;
			put_hosts(a, to, identity, &v);
		} else {
			e = ERR_STATE;
		}
		keyset_view_deinit(&v);
	}
	keyset_free(ks);
	return e;
}

static enum err say_missing(struct act *a, enum err e, const struct id32 *identity)
{
	char hex[65];
	sodium_bin2hex(hex, sizeof hex, identity->b, 32);
	if (e == ERR_NOT_FOUND)
		return act_say(a, e,
			"The keys of %s are not on this node: follow that identity first, so that it can be written to.",
			hex);
	return e == ERR_STATE ? act_say(a, e, "%s has no reading key: nothing can be sealed for it.", hex)
			      : e;
}

enum err audience_add(struct act *a, struct audience *to, const struct id32 *identity)
{
	struct id32 key;
	if (to->clear)
		return act_say(
			a, ERR_STATE, "\"public\" stands alone: what everybody can read needs no readers.");
	enum err e = find_key(a, to, identity, &key);
	return e == OK ? put_key(a, to, &key) : say_missing(a, e, identity);
}

/* ---- words */

enum err audience_word(struct act *a, struct audience *to, const char *word)
{
	struct id32 id;
	to->said = true;
	if (strcmp(word, "private") == 0)
		return OK;
	if (strcmp(word, "public") == 0) {
		to->clear = true;
		return to->n ? act_say(a, ERR_INPUT,
				       "\"public\" stands alone: what everybody can read needs no readers.")
			     : OK;
	}
	enum err e = act_identity(a, word, &id);
	return e == OK ? audience_add(a, to, &id) : e;
}

static enum err add_json(struct act *a, struct audience *to, const json_t *word)
{
	const char *text = json_string_value(word);
	if (!text)
		return act_say(a, ERR_INPUT, "\"to\" is \"private\", \"public\", or identity ids.");
	return audience_word(a, to, text);
}

enum err audience_list(struct act *a, struct audience *to, const json_t *list)
{
	enum err e = OK;
	if (!list)
		return OK;
	if (!json_is_array(list))
		return add_json(a, to, list);
	for (size_t i = 0; e == OK && i < json_array_size(list); i++)
		e = add_json(a, to, json_array_get(list, i));
	if (e == OK && to->clear && json_array_size(list) > 1)
		e = act_say(
			a, ERR_INPUT, "\"public\" stands alone: what everybody can read needs no readers.");
	return e;
}

/* ---- a panel */

struct panel {
	const struct entry_ref *definition;
	struct book *book;
	struct id32 issuer;
	struct id32 *reviewers; /* ours */
	size_t n;
	enum err err;
};

/* Whose definition it is, and who reviews under it. */
static void read_panel(void *ctx, struct store *s, enum err e)
{
	struct panel *p = (struct panel *)ctx;
	struct cases *c = NULL;
	struct fact_list at = {0};
	if (e == OK)
		e = cases_open(s, p->book, NULL, &c);
	if (e == OK)
		e = cases_at(c, p->definition, &at);
	if (e == OK && (at.n == 0 || at.facts[0].kind != FACT_DEFINITION || at.facts[0].cut))
		e = ERR_NOT_FOUND;
	if (e == OK) {
		p->issuer = at.facts[0].author;
		e = cases_reviewers(c, p->definition, &p->reviewers, &p->n);
	}
	fact_list_free(&at);
	cases_close(c);
	p->err = e;
}

/* What keeps one of the panel out is noted, not refused. */
static enum err add_member(struct act *a, struct audience *to, const struct id32 *identity, bool *added)
{
	struct id32 key;
	enum err e = find_key(a, to, identity, &key);
	*added = e == OK && (to->n < AUDIENCE_READERS_MAX || has_key(to, &key));
	if (*added)
		return put_key(a, to, &key);
	if (e != OK && e != ERR_NOT_FOUND && e != ERR_STATE)
		return e;
	for (size_t i = 0; i < to->skipped_n && i < AUDIENCE_SKIPPED_MAX; i++)
		if (id32_equal(&to->skipped[i], identity))
			return OK;
	if (to->skipped_n < AUDIENCE_SKIPPED_MAX)
		to->skipped[to->skipped_n] = *identity;
	to->skipped_n++;
	return OK;
}

/* Of the officers and the reviewers. Who is skipped is not named. */
static enum err add_named(struct act *a, struct audience *to, const struct id32 *id)
{
	bool added;
	size_t at = 0;
	enum err e = add_member(a, to, id, &added);
	while (at < to->named_n && id32_cmp(&to->named[at], id) < 0)
		at++;
	if (e != OK || !added || to->named_n == AUDIENCE_NAMED_MAX ||
		(at < to->named_n && id32_equal(&to->named[at], id)))
		return e;
	memmove(&to->named[at + 1], &to->named[at], (to->named_n - at) * sizeof to->named[0]);
	to->named[at] = *id;
	to->named_n++;
	return OK;
}

static enum err add_institution(struct act *a, struct audience *to, const struct id32 *institution)
{
	struct keyset *ks = NULL;
	struct keyset_view v = {0};
	enum err e = audience_add(a, to, institution);
	if (e == OK)
		e = desk_keyset(a->desk, institution, &ks);
	if (e == OK)
		e = keyset_resolve(ks, &v);
	for (size_t i = 0; e == OK && i < v.officers_n; i++)
		if (v.officers[i].rights & AUDIENCE_OFFICER_RIGHTS)
			e = add_named(a, to, &v.officers[i].identity);
	keyset_view_deinit(&v);
	keyset_free(ks);
	return e;
}

enum err audience_panel(
	struct act *a, struct audience *to, const struct entry_ref *definition, const struct id32 *earner)
{
	struct panel p = {.definition = definition,
		.book = a->rq ? session_book(a->rq->sessions, a->rq->session) : NULL};
	bool added;
	desk_read(a->desk, read_panel, &p);
	enum err e = p.err;
	if (e == ERR_NOT_FOUND)
		e = act_say(a, e, "The micro-credential is not on this node: follow its issuer first.");
	if (e == OK)
		e = add_institution(a, to, &p.issuer);
	if (e == OK && earner)
		e = add_member(a, to, earner, &added);
	for (size_t i = 0; e == OK && i < p.n; i++)
		e = add_named(a, to, &p.reviewers[i]);
	free(p.reviewers);
	return e;
}

size_t audience_to_fields(const struct audience *to)
{
	return to->named_n ? 1 : 0;
}

void audience_put_to(struct mp_out *m, const struct audience *to)
{
	if (!to->named_n)
		return;
	mp_put_cstr(m, "to");
	mp_put_array(m, to->named_n);
	for (size_t i = 0; i < to->named_n; i++)
		mp_put_id(m, &to->named[i]);
}

json_t *audience_json(const struct audience *to)
{
	json_t *skipped = json_array();
	for (size_t i = 0; i < to->skipped_n && i < AUDIENCE_SKIPPED_MAX; i++)
		json_array_append_new(skipped, compose_id_json(&to->skipped[i]));
	return json_pack("{s:i, s:b, s:o}", "readers", to->clear ? 0 : (int)to->n, "everybody", to->clear,
		"skipped", skipped);
}
