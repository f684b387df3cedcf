/* api_roots.c -- the identities that this node's operator trusts. SPEC.md section 18. */
#include "act.h"
#include "compose.h"
#include "names.h"
#include "roots.h"

/* ---- list */

struct listing {
	const char *home;
	unsigned line;
	json_t *items;
	enum err err;
};

static void list_all(void *ctx, struct store *s, enum err e)
{
	struct listing *l = (struct listing *)ctx;
	struct names *names = e == OK ? names_new(s) : NULL;
	struct id32 *ids = (struct id32 *)calloc(ROOTS_MAX, sizeof *ids);
	size_t n = 0;
	l->err = e != OK ? e : names && ids ? roots_read(l->home, ids, ROOTS_MAX, &n, &l->line) : ERR_MEMORY;
	for (size_t i = 0; l->err == OK && i < n; i++)
		if (json_array_append_new(l->items, names_json(names, &ids[i])) != 0)
			l->err = ERR_MEMORY;
	free(ids);
	names_free(names);
}

static enum err say(struct act *a, enum err e, unsigned line)
{
	if (e == ERR_FORMAT || e == ERR_LIMIT)
		return act_say(a, ERR_STATE,
			"The file \"roots\" in the home is not as it must be%s: one id of 64 digits a line, %u at most, and # before comments.",
			line ? "" : " or is full", ROOTS_MAX);
	if (e == ERR_EXISTS)
		return act_say(a, e, "This identity is trusted already.");
	return e == ERR_NOT_FOUND ? act_say(a, e, "This identity is not among those that are trusted.") : e;
}

static enum err list(struct act *a)
{
	struct listing l = {.home = a->desk->home, .items = json_array()};
	if (!l.items)
		return ERR_MEMORY;
	desk_read(a->desk, list_all, &l);
	if (l.err != OK) {
		json_decref(l.items);
		return say(a, l.err, l.line);
	}
	a->reply = json_pack("{s:o}", "items", l.items);
	return OK;
}

/* ---- change */

struct changing {
	const char *home;
	struct id32 id;
	bool add;
	char name[PROFILE_NAME_BYTES];
	enum err err;
};

static void find_name(void *ctx, struct store *s, enum err e)
{
	struct changing *c = (struct changing *)ctx;
	struct names *names = e == OK ? names_new(s) : NULL;
	if (names)
		snprintf(c->name, sizeof c->name, "%s", names_text(names, &c->id));
	names_free(names);
}

static void write_it(void *ctx)
{
	struct changing *c = (struct changing *)ctx;
	c->err = c->add ? roots_add(c->home, &c->id, c->name) : roots_remove(c->home, &c->id);
}

static enum err change(struct act *a, const char *text, bool add)
{
	struct changing c = {.home = a->desk->home, .add = add};
	enum err e = act_identity(a, text, &c.id);
	if (e != OK)
		return e;
	if (add)
		desk_read(a->desk, find_name, &c);
	desk_lock(a->desk);
	desk_work(a->desk, write_it, &c);
	desk_unlock(a->desk);
	if (c.err != OK)
		return say(a, c.err, 0);
	a->status = add ? 201 : 200;
	a->reply = json_pack("{s:o, s:b}", "id", compose_id_json(&c.id), "trusted", add);
	return OK;
}

static enum err add(struct act *a)
{
	const char *id;
	enum err e = act_need(a, "id", &id);
	return e == OK ? change(a, id, true) : e;
}

static enum err remove_root(struct act *a)
{
	return change(a, api_param(a->rq, "id"), false);
}

void route_root_list(struct api_request *rq)
{
	act_begin(rq, list);
}

void route_root_add(struct api_request *rq)
{
	act_begin(rq, add);
}

void route_root_remove(struct api_request *rq)
{
	act_begin(rq, remove_root);
}
