/* api_officers.c -- officers of an institution: named, listed, ended. SPEC.md sections 3.3 and 3.5. */
#include "act.h"
#include "compose.h"
#include "identities.h"
#include "marks.h"
#include "ownlog.h"

static const struct {
	uint32_t bit;
	const char *name;
} rights[] = {{KEYSET_RIGHT_PUBLISH, "publish"}, {KEYSET_RIGHT_APPOINT, "appoint"},
	{KEYSET_RIGHT_COUNTERSIGN, "countersign"}, {KEYSET_RIGHT_REVOKE, "revoke"},
	{KEYSET_RIGHT_VOUCH, "vouch"}};

#define RIGHTS_N (sizeof rights / sizeof rights[0])

/* The identity of the path; it must be the session's. */
static enum err find_own(struct act *a)
{
	struct id32 id;
	enum err e = act_identity(a, api_param(a->rq, "id"), &id);
	if (e == OK && !id32_equal(&id, &a->keys->self.identity))
		e = act_say(a, ERR_REFUSED, "Only this identity itself may change its officers: unlock it.");
	return e;
}

/* ---- list */

struct listing {
	const struct id32 *id;
	json_t *items;
	enum err err;
};

static json_t *rights_json(uint32_t bits)
{
	json_t *list = json_array();
	for (size_t i = 0; i < RIGHTS_N; i++)
		if (bits & rights[i].bit)
			json_array_append_new(list, json_string(rights[i].name));
	return list;
}

static json_t *officer_json(struct store *s, const struct keyset_officer *o)
{
	char name[PROFILE_NAME_BYTES];
	identities_name(s, &o->identity, name);
	return json_pack("{s:o, s:o, s:o, s:o, s:b}", "name", api_clean(name), "officer",
		compose_id_json(&o->identity), "rights", rights_json(o->rights), "event",
		compose_id_json(&o->event), "ended", o->ended);
}

static void list_all(void *ctx, struct store *s, enum err e)
{
	struct listing *l = (struct listing *)ctx;
	struct keyset *ks = NULL;
	struct keyset_view v = {0};
	if (e == OK)
		e = desk_keyset_read(s, l->id, &ks);
	if (e == OK)
		e = keyset_resolve(ks, &v);
	for (size_t i = 0; e == OK && i < v.officers_all_n; i++)
		if (json_array_append_new(l->items, officer_json(s, &v.officers_all[i])) != 0)
			e = ERR_MEMORY;
	keyset_view_deinit(&v);
	keyset_free(ks);
	l->err = e;
}

static enum err list(struct act *a)
{
	struct id32 id;
	enum err e = act_identity(a, api_param(a->rq, "id"), &id);
	if (e != OK)
		return e;
	struct listing l = {.id = &id, .items = json_array()};
	desk_read(a->desk, list_all, &l);
	a->reply = json_pack("{s:o}", "items", l.items);
	return l.err == ERR_NOT_FOUND ? act_say(a, l.err, "This identity is not known on this node.") : l.err;
}

/* ---- add */

static enum err add_right(struct act *a, const char *name, size_t n, uint32_t *bits)
{
	for (size_t i = 0; i < RIGHTS_N; i++)
		if (n == strlen(rights[i].name) && memcmp(name, rights[i].name, n) == 0) {
			*bits |= rights[i].bit;
			return OK;
		}
	return act_say(a, ERR_INPUT,
		"\"%.*s\" is no right: they are publish, appoint, countersign, revoke and vouch.",
		(int)(n < 32 ? n : 32), name);
}

/* Names with commas between. */
static enum err read_rights(struct act *a, uint32_t *bits)
{
	const char *text;
	enum err e = act_need(a, "rights", &text);
	*bits = 0;
	while (e == OK) {
		size_t n = strcspn(text, ",");
		e = add_right(a, text, n, bits);
		text += n;
		if (!*text++)
			break;
	}
	return e;
}

static enum err add_officer(struct act *a, const struct id32 *officer, uint32_t bits)
{
	struct keyset *ks = NULL;
	struct keyset_view v = {0};
	struct identity_event ev = {0};
	desk_lock(a->desk);
	enum err e = desk_keyset(a->desk, &a->keys->self.identity, &ks);
	if (e == OK)
		e = keyset_resolve(ks, &v);
	if (e == OK && v.kind == IDENTITY_PERSON)
		e = act_say(a, ERR_REFUSED, "A person has no officers: a school, issuer or district has.");
	for (size_t i = 0; e == OK && i < v.officers_n; i++)
		if (id32_equal(&v.officers[i].identity, officer) && (v.officers[i].rights & bits) == bits)
			e = act_say(a, ERR_EXISTS, "This identity is an officer with these rights already.");
	if (e == OK)
		e = identity_officer(&desk_random, ks, &a->keys->self.secrets, officer, bits, &ev);
	const struct id32 event = ev.id;
	e = ownlog_put_event(a->desk, ks, &ev, e);
	desk_unlock(a->desk);
	keyset_view_deinit(&v);
	keyset_free(ks);
	if (e == OK) {
		a->status = 201;
		a->reply = json_pack("{s:o, s:o, s:o}", "event", compose_id_json(&event), "officer",
			compose_id_json(officer), "rights", rights_json(bits));
	}
	return e;
}

static enum err add(struct act *a)
{
	const char *text;
	struct id32 officer;
	uint32_t bits = 0;
	enum err e = find_own(a);
	if (e == OK)
		e = act_need(a, "officer", &text);
	if (e == OK)
		e = act_identity(a, text, &officer);
	if (e == OK)
		e = read_rights(a, &bits);
	if (e == OK && id32_equal(&officer, &a->keys->self.identity))
		e = act_say(a, ERR_INPUT, "An identity needs no rights for itself.");
	return e == OK ? add_officer(a, &officer, bits) : e;
}

/* ---- end */

/* Ends each officer event that names the identity `who`, or the event `who`. */
static enum err end_all(struct act *a, struct keyset *ks, const struct keyset_view *v, const struct id32 *who,
	const struct marks *m, size_t *ended)
{
	enum err e = OK;
	for (size_t i = 0; e == OK && i < v->officers_n; i++) {
		const struct keyset_officer *o = &v->officers[i];
		struct identity_event ev = {0};
		if (!id32_equal(&o->identity, who) && !id32_equal(&o->event, who))
			continue;
		e = ownlog_put_event(a->desk, ks, &ev,
			identity_end(&desk_random, ks, &a->keys->self.secrets, &o->event, m->at, m->n, &ev));
		if (e == OK)
			(*ended)++;
	}
	return e;
}

static enum err end_officer(struct act *a, const struct id32 *who)
{
	struct keyset *ks = NULL;
	struct keyset_view v = {0};
	struct marks m = {.n = 0};
	size_t ended = 0;
	desk_lock(a->desk);
	enum err e = desk_keyset(a->desk, &a->keys->self.identity, &ks);
	if (e == OK)
		e = keyset_resolve(ks, &v);
	if (e == OK)
		e = marks_find(a->desk, &a->keys->self.identity, &v, &m);
	if (e == OK)
		e = end_all(a, ks, &v, who, &m, &ended);
	desk_unlock(a->desk);
	keyset_view_deinit(&v);
	keyset_free(ks);
	if (e == OK && ended == 0)
		e = act_say(a, ERR_NOT_FOUND, "This identity has no such officer, or he was ended before.");
	if (e != OK)
		return e;
	a->reply = json_pack("{s:i, s:o}", "ended", (int)ended, "marks", marks_json(&m));
	if (m.unmarked)
		json_object_set_new(a->reply, "warning",
			json_sprintf("An end has room for %d logs: what this officer did in %zu further logs "
				     "of this identity counts no more.",
				LIMIT_END_MARKS, m.unmarked));
	return OK;
}

static enum err end(struct act *a)
{
	struct id32 who;
	enum err e = find_own(a);
	if (e == OK)
		e = act_identity(a, api_param(a->rq, "officer"), &who);
	return e == OK ? end_officer(a, &who) : e;
}

void route_officer_list(struct api_request *rq)
{
	act_begin(rq, list);
}

void route_officer_add(struct api_request *rq)
{
	act_begin(rq, add);
}

void route_officer_end(struct api_request *rq)
{
	act_begin(rq, end);
}
