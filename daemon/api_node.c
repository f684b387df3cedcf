/* api_node.c -- how this node is, in numbers and in words. */
#include "act.h"
#include "compose.h"
#include "introductions.h"
#include "sources.h"

#include <stdio.h>

/* One sentence about a peer, for people. wanted: files that are not here yet, whoever may have them. */
static json_t *words(const struct store_peer *p, const struct engine_peer_info *i, uint64_t wanted)
{
	char text[256], name[80];
	json_t *clean = api_clean(p->name[0] ? p->name : "A node without a name");
	snprintf(name, sizeof name, "%s", clean ? json_string_value(clean) : "A node");
	json_decref(clean);
	if (i && i->open && i->entries_to_come)
		snprintf(text, sizeof text, "%llu %s still to come from %s",
			(unsigned long long)i->entries_to_come, i->entries_to_come == 1 ? "entry" : "entries",
			name);
	else if (i && i->open && i->blobs_to_come)
		snprintf(text, sizeof text, "%llu %s still to come from %s",
			(unsigned long long)i->blobs_to_come, i->blobs_to_come == 1 ? "file" : "files", name);
	else if (i && i->open && i->synced && wanted)
		snprintf(text, sizeof text, "%s: connected, all entries are here, %llu %s still to come",
			name, (unsigned long long)wanted, wanted == 1 ? "file" : "files");
	else if (i && i->open && i->synced)
		snprintf(text, sizeof text, "%s: connected, everything is here", name);
	else if (i && i->open)
		snprintf(text, sizeof text, "%s: connected, comparing what each has", name);
	else
		snprintf(
			text, sizeof text, p->seen_s ? "%s: not connected" : "%s: never connected yet", name);
	return json_string(text);
}

static const struct engine_peer_info *find(
	const struct engine_peer_info *info, size_t n, const struct id32 *node)
{
	const struct engine_peer_info *found = NULL;
	for (size_t i = 0; i < n; i++)
		if (id32_equal(&info[i].node, node) && (!found || info[i].open))
			found = &info[i];
	return found;
}

static json_t *peer_json(const struct store_peer *p, const struct engine_peer_info *i, uint64_t wanted)
{
	return json_pack("{s:o, s:o, s:b, s:b, s:o, s:o, s:o, s:o, s:o}", "node", compose_id_json(&p->node),
		"name", api_clean(p->name), "connected", i && i->open, "synced", i && i->open && i->synced,
		"entries_to_come", compose_number_json(i ? i->entries_to_come : 0), "entries_taken",
		compose_number_json(i ? i->entries_taken : 0), "blobs_to_come",
		compose_number_json(i ? i->blobs_to_come : 0), "seen",
		p->seen_s ? compose_number_json(p->seen_s) : json_null(), "words", words(p, i, wanted));
}

static enum err list_peers(struct act *a, uint64_t wanted, json_t **peers, json_t **lacking, char *words)
{
	struct store_req req = {.op = STORE_PEER_LIST};
	struct store_res res;
	struct engine_peer_info *info = (struct engine_peer_info *)calloc(
		LIMIT_CONNECTIONS * 2, sizeof *info);
	size_t n = info ? node_peers(a->rq->node, info, LIMIT_CONNECTIONS * 2) : 0;
	enum err e = desk_store(a->desk, &req, &res);
	*peers = json_array();
	for (size_t i = 0; e == OK && i < res.r.n; i++)
		if (res.r.peers[i].origin != PEER_REMOVED)
			json_array_append_new(*peers,
				peer_json(&res.r.peers[i], find(info, n, &res.r.peers[i].node), wanted));
	store_res_free(&res);
	if (e == OK)
		e = sources_lacking(a->desk, info, n, lacking, words);
	free(info);
	return e;
}

static json_t *read_name(struct desk *d)
{
	struct store_req req = {.op = STORE_META_GET, .a.key = slice_str("name")};
	struct store_res res;
	json_t *name = desk_store(d, &req, &res) == OK ? compose_text_json(res.r.bytes) : json_string("");
	store_res_free(&res);
	return name;
}

/* Who waits to be admitted, where that is decided here, and what this node is in its network. */
static enum err put_standing(struct act *a)
{
	char words[INTRODUCTIONS_WORDS_BYTES];
	bool admitted, owned = false;
	uint64_t n = 0;
	enum err e = introductions_membership(a->desk, &admitted, words);
	if (e == OK)
		e = introductions_owned(a->desk, &owned);
	if (e != OK)
		return e;
	json_object_set_new(a->reply, "admitted", json_boolean(admitted));
	json_object_set_new(a->reply, "membership", *words ? json_string(words) : json_null());
	if (!owned)
		return OK;
	json_t *items = json_array();
	e = introductions_list(a->desk, items, &n, words);
	json_object_set_new(a->reply, "introductions",
		json_string(*words ? words : "Nobody waits to be admitted to the network."));
	json_object_set_new(a->reply, "waiting",
		json_pack("{s:o, s:o}", "count", compose_number_json(n), "items", items));
	return e;
}

static enum err status(struct act *a)
{
	json_t *peers = NULL, *lacking = NULL;
	char words_of_sources[SOURCES_WORDS_BYTES] = "";
	struct id32 network = node_network(a->rq->node);
	const char *why = NULL;
	struct node *n = a->rq->node;
	bool restored = node_restored(n, &why);
	struct store_req req = {.op = STORE_BLOB_LIST, .a.flag = true};
	struct store_res res;
	enum err e = desk_store(a->desk, &req, &res);
	uint64_t wanted = e == OK ? res.r.n : 0;
	store_res_free(&res);
	if (e == OK)
		e = list_peers(a, wanted, &peers, &lacking, words_of_sources);
	a->reply = json_pack("{s:o, s:o, s:o, s:s, s:b, s:b, s:o, s:s, s:o, s:o, s:o, s:s, s:o}", "node",
		compose_id_json(&a->desk->keys->node_key), "name", read_name(a->desk), "network",
		id32_is_zero(&network) ? json_null() : compose_id_json(&network), "listen",
		node_listen_address(n), "disk_full", node_disk_full(n), "restored", restored, "restored_why",
		restored && why ? json_string(why) : json_null(), "version", QUIRE_VERSION, "blobs_to_come",
		compose_number_json(wanted), "blobs_refused", compose_number_json(node_blobs_refused(n)),
		"peers", peers, "sources",
		*words_of_sources ? words_of_sources
				  : "Everything that is followed here has a connected source.",
		"without_source", lacking ? lacking : json_null());
	return e == OK ? put_standing(a) : e;
}

void route_node_status(struct api_request *rq)
{
	act_begin(rq, status);
}
