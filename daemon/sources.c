/* sources.c -- see sources.h. */
#include "sources.h"

#include "api.h"
#include "compose.h"
#include "identities.h"

#include <stdio.h>

#define IN_WORDS 3 /* named in the sentence */

struct lacking {
	const struct store_res *res;
	json_t *items;
	char named[SOURCES_WORDS_BYTES / 2];
	enum err err;
};

static void name_one(struct lacking *l, const struct id32 *id, json_t *o)
{
	const char *name = json_string_value(json_object_get(o, "name"));
	size_t used = strlen(l->named);
	snprintf(l->named + used, sizeof l->named - used, "%s%.40s%s%02x%02x%02x%02x%s", used ? ", " : "",
		name ? name : "", name && *name ? " (" : "", id->b[0], id->b[1], id->b[2], id->b[3],
		name && *name ? ")" : "");
}

static void name_all(void *ctx, struct store *s, enum err e)
{
	struct lacking *l = (struct lacking *)ctx;
	l->err = e;
	for (size_t i = 0; l->err == OK && i < l->res->r.n; i++) {
		char name[PROFILE_NAME_BYTES];
		identities_name(s, &l->res->r.ids[i], name);
		json_t *o = json_pack(
			"{s:o, s:o}", "id", compose_id_json(&l->res->r.ids[i]), "name", api_clean(name));
		if (!o || json_array_append_new(l->items, o) != 0)
			l->err = ERR_MEMORY;
		else if (i < IN_WORDS)
			name_one(l, &l->res->r.ids[i], o);
	}
}

static void say(const struct lacking *l, uint64_t count, char words[SOURCES_WORDS_BYTES])
{
	if (count)
		snprintf(words, SOURCES_WORDS_BYTES,
			"%llu followed %s no connected source now, so nothing new comes from there: %s%s",
			(unsigned long long)count, count == 1 ? "identity has" : "identities have", l->named,
			count > IN_WORDS ? " and others" : "");
}

enum err sources_lacking(struct desk *d, const struct engine_peer_info *info, size_t n, json_t **lacking,
	char words[SOURCES_WORDS_BYTES])
{
	struct id32 nodes[LIMIT_CONNECTIONS];
	struct store_req req = {.op = STORE_SOURCES, .a.ids = nodes, .a.max = SOURCES_NAMED, .a.flag = true};
	struct store_res res;
	struct lacking l = {.res = &res, .items = json_array()};
	words[0] = 0;
	*lacking = NULL;
	for (size_t i = 0; i < n && req.a.n < LIMIT_CONNECTIONS; i++)
		if (info[i].open)
			nodes[req.a.n++] = info[i].node;
	enum err e = desk_store(d, &req, &res);
	if (e == OK) {
		desk_read(d, name_all, &l);
		e = l.err;
	}
	if (e == OK) {
		say(&l, res.r.count, words);
		*lacking = json_pack("{s:o, s:o}", "count", compose_number_json(res.r.count), "items",
			json_incref(l.items));
		e = *lacking ? OK : ERR_MEMORY;
	}
	store_res_free(&res);
	json_decref(l.items);
	return e;
}
