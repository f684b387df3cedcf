/* introductions.c -- see introductions.h. */
#include "introductions.h"

#include "admissions.h"
#include "api.h"
#include "compose.h"

#include <stdio.h>

#define IN_WORDS 3 /* named in the sentence */
#define NAMED_BYTES 640

/* A name as people may see it; what has none is called so. */
static void clean_name(const char *name, char out[80])
{
	json_t *clean = api_clean(name[0] ? name : "a node without a name");
	snprintf(out, 80, "%s", clean ? json_string_value(clean) : "a node");
	json_decref(clean);
}

static void name_of(struct desk *d, const struct id32 *node, char out[80])
{
	struct store_req req = {.op = STORE_PEER_GET, .a.node = *node};
	struct store_res res;
	bool known = desk_store(d, &req, &res) == OK;
	clean_name(known ? res.r.peers[0].name : "", out);
	store_res_free(&res);
}

json_t *introductions_node_json(struct desk *d, const struct id32 *node)
{
	char name[80];
	name_of(d, node, name);
	return json_pack("{s:o, s:s}", "node", compose_id_json(node), "name", name);
}

enum err introductions_owned(struct desk *d, bool *owned)
{
	struct id32 network = node_network(d->node);
	struct keyset *ks = NULL;
	struct keyset_view v;
	*owned = false;
	if (id32_is_zero(&network))
		return OK;
	enum err e = desk_keyset(d, &network, &ks);
	if (e == ERR_NOT_FOUND) /* its key events have not come yet */
		return OK;
	if (e == OK)
		e = keyset_resolve(ks, &v);
	if (e == OK) {
		for (size_t i = 0; i < v.hostings_n; i++)
			*owned = *owned || id32_equal(&v.hostings[i].node_key, &d->keys->node_key);
		keyset_view_deinit(&v);
	}
	keyset_free(ks);
	return e;
}

/* ---- who waits */

static void add_words(char words[NAMED_BYTES], const struct store_introduction *i, const char *by, bool first)
{
	char name[80];
	size_t used = strlen(words);
	clean_name(i->name, name);
	snprintf(words + used, NAMED_BYTES - used, "%s%s (%02x%02x%02x%02x), introduced by %s",
		first ? "" : "; ", name, i->node.b[0], i->node.b[1], i->node.b[2], i->node.b[3], by);
}

static void say_waiting(struct desk *d, uint64_t n, const struct id32 *one, const char *named,
	char words[INTRODUCTIONS_WORDS_BYTES])
{
	char node[12] = "NODE";
	bool ask = strcmp(node_config(d->node)->introductions, "ask") == 0;
	if (n == 1)
		snprintf(node, sizeof node, "%02x%02x%02x%02x", one->b[0], one->b[1], one->b[2], one->b[3]);
	snprintf(words, INTRODUCTIONS_WORDS_BYTES, "%llu %s to be admitted to the network: %s%s. ",
		(unsigned long long)n, n == 1 ? "node waits" : "nodes wait", named,
		n > IN_WORDS ? "; and others" : "");
	size_t used = strlen(words);
	if (ask)
		snprintf(words + used, INTRODUCTIONS_WORDS_BYTES - used,
			"Say quire peer admit %s, or quire peer refuse %s", node, node);
	else
		snprintf(words + used, INTRODUCTIONS_WORDS_BYTES - used,
			"That is done as soon as the network's owner signs in (quire identity unlock), for up to %u of one "
			"introducer; or say quire peer admit %s",
			LIMIT_INTRODUCTIONS_OF_ONE, node);
}

enum err introductions_list(struct desk *d, json_t *items, uint64_t *n, char words[INTRODUCTIONS_WORDS_BYTES])
{
	struct store_req req = {.op = STORE_INTRODUCE_LIST};
	struct store_res res;
	struct id32 one = {{0}};
	char named[NAMED_BYTES] = "";
	enum err e = desk_store(d, &req, &res);
	*n = 0;
	for (size_t i = 0; e == OK && i < res.r.n; i++) {
		const struct store_introduction *x = &res.r.introductions[i];
		if (x->refused)
			continue;
		json_t *by = introductions_node_json(d, &x->introducer);
		if (++*n <= IN_WORDS)
			add_words(named, x, json_string_value(json_object_get(by, "name")), *n == 1);
		one = x->node;
		json_t *o = json_pack("{s:o, s:o, s:s, s:b, s:o, s:o}", "node", compose_id_json(&x->node),
			"name", api_clean(x->name), "origin", "waiting", "connected", false, "introduced_by",
			by, "since", compose_number_json(x->since_s));
		if (!o || json_array_append_new(items, o) != 0)
			e = ERR_MEMORY;
	}
	store_res_free(&res);
	if (words)
		words[0] = 0;
	if (e == OK && words && *n)
		say_waiting(d, *n, &one, named, words);
	return e;
}

/* ---- what this node is */

/* Whose invitation it used. */
static enum err inviter_name(struct desk *d, char out[80])
{
	struct store_req req = {.op = STORE_PEER_LIST};
	struct store_res res;
	enum err e = desk_store(d, &req, &res);
	clean_name("", out);
	for (size_t i = 0; e == OK && i < res.r.n; i++)
		if (res.r.peers[i].origin == PEER_INVITER)
			clean_name(res.r.peers[i].name, out);
	store_res_free(&res);
	return e;
}

enum err introductions_membership(struct desk *d, bool *admitted, char words[INTRODUCTIONS_WORDS_BYTES])
{
	struct id32 network = node_network(d->node);
	enum admission_standing standing = ADMISSION_NONE;
	bool owned = false;
	char name[80];
	words[0] = 0;
	*admitted = false;
	if (id32_is_zero(&network))
		return OK;
	enum err e = introductions_owned(d, &owned);
	if (e == OK)
		e = admissions_standing(d, &network, &d->keys->node_key, &standing);
	if (e == OK)
		e = inviter_name(d, name);
	if (e != OK)
		return e;
	*admitted = owned || standing == ADMISSION_IN_FORCE;
	if (owned)
		snprintf(words, INTRODUCTIONS_WORDS_BYTES, "The network is this node's own.");
	else if (*admitted)
		snprintf(words, INTRODUCTIONS_WORDS_BYTES,
			"A member of the network: its owner has admitted this node.");
	else if (standing == ADMISSION_ENDED)
		snprintf(words, INTRODUCTIONS_WORDS_BYTES,
			"The network's owner has ended the admission of this node. Ask the owner, or for a new invitation.");
	else
		snprintf(words, INTRODUCTIONS_WORDS_BYTES,
			"A member by one invitation only, that of %s: nobody else is reached but whom this node invites, "
			"until the network's owner admits it. The owner hears of it by itself, as soon as %s is connected "
			"there; nothing is to be done here.",
			name, name);
	return OK;
}
