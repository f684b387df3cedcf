/* api_peers.c -- peers and invitations. */
#include "act.h"
#include "admissions.h"
#include "compose.h"
#include "introductions.h"
#include "protocol/log/invitation.h"
#include "roots.h"
#include "sources.h"

#include <sodium.h>
#include <stdio.h>
#include <time.h>

/* ---- list */

static const char *origin_name(enum peer_origin origin)
{
	switch (origin) {
	case PEER_INVITED: return "invited";
	case PEER_INVITER: return "inviter";
	case PEER_ADMITTED: return "admitted";
	case PEER_REMOVED: return "removed";
	}
	return "unknown";
}

static json_t *peer_json(struct desk *d, const struct store_peer *p, const struct engine_peer_info *info,
	size_t n, const struct store_res *follows)
{
	bool connected = false;
	int guests = 0;
	for (size_t i = 0; i < follows->r.n; i++)
		guests += follows->r.follows[i].guest && id32_equal(&follows->r.follows[i].link, &p->node);
	for (size_t i = 0; i < n; i++)
		connected = connected || (info[i].open && id32_equal(&info[i].node, &p->node));
	json_t *addresses = json_array();
	for (size_t i = 0; i < p->addresses_n; i++)
		json_array_append_new(addresses, api_clean(p->addresses[i]));
	json_t *o = json_pack("{s:o, s:o, s:s, s:b, s:o, s:o, s:i}", "node", compose_id_json(&p->node),
		"name", api_clean(p->name), "origin", origin_name(p->origin), "connected", connected,
		"addresses", addresses, "seen", p->seen_s ? compose_number_json(p->seen_s) : json_null(),
		"guests", guests);
	if (o && !id32_is_zero(&p->introducer))
		json_object_set_new(o, "introduced_by", introductions_node_json(d, &p->introducer));
	return o;
}

static enum err list(struct act *a)
{
	struct store_req req = {.op = STORE_PEER_LIST}, follows_req = {.op = STORE_FOLLOW_LIST};
	struct store_res res, follows = {0};
	struct engine_peer_info *info = (struct engine_peer_info *)calloc(
		LIMIT_CONNECTIONS * 2, sizeof *info);
	size_t n = info ? node_peers(a->rq->node, info, LIMIT_CONNECTIONS * 2) : 0;
	enum err e = desk_store(a->desk, &req, &res);
	if (e == OK)
		e = desk_store(a->desk, &follows_req, &follows);
	json_t *items = json_array(), *lacking = NULL;
	char words[SOURCES_WORDS_BYTES], waiting[INTRODUCTIONS_WORDS_BYTES] = "";
	uint64_t waiting_n;
	for (size_t i = 0; e == OK && i < res.r.n; i++)
		json_array_append_new(items, peer_json(a->desk, &res.r.peers[i], info, n, &follows));
	store_res_free(&res);
	store_res_free(&follows);
	if (e == OK)
		e = introductions_list(a->desk, items, &waiting_n, waiting);
	if (e == OK)
		e = sources_lacking(a->desk, info, n, &lacking, words);
	free(info);
	a->reply = json_pack("{s:o, s:o}", "items", items, "without_source", lacking ? lacking : json_null());
	if (e == OK && (*words || *waiting))
		json_object_set_new(a->reply, "warning",
			json_sprintf("%s%s%s", waiting, *words && *waiting ? ". " : "", words));
	return e;
}

/* ---- join */

struct joining {
	struct api_request *rq;
	struct invitation inv;
	const char *home;
	struct id32 network;
	char comment[LIMIT_NAME_BYTES + 32];
	json_t *reply;
	enum err err;
};

static void joining_free(struct joining *j)
{
	sodium_memzero(j, sizeof *j);
	free(j);
}

/* Who joins a network trusts its owner to vouch for others. */
static void trust(void *ctx)
{
	struct joining *j = (struct joining *)ctx;
	j->err = roots_add(j->home, &j->network, j->comment);
}

static void trusted(void *ctx)
{
	struct joining *j = (struct joining *)ctx;
	struct api_request *rq = j->rq;
	if (j->reply && j->err != OK && j->err != ERR_EXISTS)
		json_object_set_new(j->reply, "warning",
			json_string(
				"Joined, but the network could not be noted in the file \"roots\": say quire "
				"root add with its id."));
	json_t *reply = j->reply;
	joining_free(j);
	api_reply(rq, 200, reply);
}

static void joined(void *ctx, enum err e, const char *why, const struct engine_event *ev)
{
	struct joining *j = (struct joining *)ctx;
	char detail[320];
	if (e == OK && ev) {
		j->reply = json_pack("{s:o, s:{s:o, s:o}}", "network", compose_id_json(&ev->id), "peer",
			"node", compose_id_json(&ev->node), "name", api_clean(ev->text));
		j->network = ev->id;
		j->home = node_config(j->rq->node)->home;
		snprintf(j->comment, sizeof j->comment, "the network of %.*s", LIMIT_NAME_BYTES, ev->text);
		node_work(j->rq->node, trust, trusted, j);
		return;
	}
	snprintf(detail, sizeof detail, "%s.", why && *why ? why : err_text(e));
	api_problem(j->rq, e == OK ? ERR_STATE : e, detail);
	joining_free(j);
}

void route_peer_join(struct api_request *rq)
{
	const char *text = json_string_value(json_object_get(rq->body, "invitation"));
	struct joining *j = (struct joining *)calloc(1, sizeof *j);
	enum err e = !j ? ERR_MEMORY : text ? invitation_decode(text, &j->inv) : ERR_INPUT;
	if (e != OK) {
		free(j);
		api_problem(rq, e == ERR_MEMORY ? e : ERR_INPUT,
			e == ERR_HASH
				? "The invitation was altered or cut. Copy it whole, and try again."
				: "This is not an invitation: it begins with quire: and is one long word.");
		return;
	}
	j->rq = rq;
	node_join(rq->node, &j->inv, joined, j);
}

/* ---- remove */

static enum err remove_peer(struct act *a)
{
	struct id32 node;
	if (!api_id_parse(api_param(a->rq, "node"), &node))
		return act_say(
			a, ERR_INPUT, "A node is named by 64 hexadecimal digits: see the list of peers.");
	struct store_req req = {.op = STORE_PEER_REMOVE, .a.node = node};
	enum err e = desk_put(a->desk, &req);
	if (e == ERR_NOT_FOUND)
		return act_say(a, e, "There is no such peer.");
	if (e != OK)
		return e;
	struct engine_cmd cmd = {.kind = ENGINE_CMD_PEER_REMOVED, .node = node};
	e = desk_command(a->desk, &cmd, NULL);
	bool ends = a->keys && a->keys->has_network;
	if (e == OK && ends)
		e = admissions_end(a->desk, &a->keys->network, &node);
	if (e == OK)
		a->reply = json_pack("{s:o, s:b, s:b}", "node", compose_id_json(&node), "removed", true,
			"network_told", ends);
	return e;
}

/* ---- invitations */

static void put_address(struct invitation *inv, const char *text, size_t n)
{
	if (n == 0 || n > LIMIT_ADDRESS_BYTES || inv->addresses_n == LIMIT_ADDRESSES ||
		!invitation_address_ok(slice_of(text, n)))
		return;
	memcpy(inv->addresses[inv->addresses_n], text, n);
	inv->addresses[inv->addresses_n++][n] = 0;
}

static void put_addresses(struct act *a, struct invitation *inv)
{
	const char *listen = node_listen_address(a->rq->node);
	for (const char *p = node_config(a->rq->node)->advertise; *p;) {
		size_t n = strcspn(p, " ");
		put_address(inv, p, n);
		p += n + (p[n] == ' ');
	}
	if (!inv->addresses_n && strncmp(listen, "0.0.0.0:", 8) != 0 && strncmp(listen, "[::]:", 5) != 0)
		put_address(inv, listen, strlen(listen));
}

static enum err invite(struct act *a)
{
	struct invitation inv = {.node = a->desk->keys->node_key, .network = node_network(a->rq->node)};
	uint64_t hours = 7 * 24, uses = 1, now = (uint64_t)time(NULL);
	struct store_invite row = {.made_s = now};
	const char *note = act_text(a, "note");
	bool owned = false;
	char text[INVITATION_TEXT_BYTES];
	enum err e = act_number(a, "expires_hours", 24 * 366, &hours);
	if (e == OK)
		e = act_number(a, "uses", 10000, &uses);
	if (e == OK && (!hours || !uses))
		e = act_say(a, ERR_INPUT, "\"expires_hours\" and \"uses\" are at least 1.");
	if (e == OK && note && strlen(note) > LIMIT_NAME_BYTES)
		e = act_say(a, ERR_INPUT, "\"note\" has at most %d bytes.", LIMIT_NAME_BYTES);
	if (e == OK && id32_is_zero(&inv.network))
		e = act_say(a, ERR_STATE,
			"This node belongs to no network yet: it can join one, not invite to one.");
	put_addresses(a, &inv);
	if (e == OK && !inv.addresses_n)
		e = act_say(a, ERR_STATE,
			"Peers cannot be told where to reach this node: set peers.advertise in quire.conf to its host:port.");
	if (e != OK)
		return e;
	randombytes_buf(inv.secret, sizeof inv.secret);
	inv.expires_hour = row.expires_hour = (uint32_t)(now / 3600 + hours);
	row.hash = invitation_secret_hash(inv.secret);
	row.uses_left = (uint32_t)uses;
	if (note)
		memcpy(row.note, note, strlen(note));
	e = invitation_encode(&inv, text);
	struct store_req req = {.op = STORE_INVITE_PUT, .a.invite = &row};
	if (e == OK)
		e = desk_put(a->desk, &req);
	if (e == OK)
		e = introductions_owned(a->desk, &owned);
	if (e == OK) {
		a->rq->secret_reply = true;
		a->status = 201;
		a->reply = json_pack("{s:s, s:o, s:o, s:i}", "invitation", text, "id",
			compose_id_json(&row.hash), "expires",
			compose_number_json((uint64_t)row.expires_hour * 3600), "uses", (int)uses);
		if (!owned)
			json_object_set_new(a->reply, "warning",
				json_string(
					"This node does not own the network: whoever uses this invitation reaches this node "
					"only, until the network's owner admits it. It is introduced to the owner by itself."));
	}
	sodium_memzero(&inv, sizeof inv);
	sodium_memzero(text, sizeof text);
	return e;
}

/* The one invitation whose id begins with what was given. */
static enum err invitation_find(struct act *a, struct id32 *id)
{
	struct store_req req = {.op = STORE_INVITE_LIST};
	struct store_res res;
	const char *given = api_param(a->rq, "id");
	size_t len = strlen(given), found = 0;
	enum err e = desk_store(a->desk, &req, &res);
	for (size_t i = 0; e == OK && i < res.r.n; i++) {
		if (len < 8 || !act_begins(&res.r.invites[i].hash, given))
			continue;
		*id = res.r.invites[i].hash;
		found++;
	}
	store_res_free(&res);
	if (e != OK)
		return e;
	if (found > 1)
		return act_say(a, ERR_AMBIGUOUS, "More than one invitation begins so: give more digits.");
	return found ? OK : act_say(a, ERR_NOT_FOUND, "There is no such invitation: see the list of them.");
}

/* SPEC 8.3: "An invitation may be revoked at the node that gave it" */
static enum err revoke_invitation(struct act *a)
{
	struct id32 id = {{0}};
	enum err e = invitation_find(a, &id);
	struct store_req req = {.op = STORE_INVITE_REVOKE, .a.id = id};
	if (e == OK)
		e = desk_put(a->desk, &req);
	if (e == OK)
		a->reply = json_pack("{s:o, s:b}", "id", compose_id_json(&id), "revoked", true);
	return e;
}

static enum err list_invitations(struct act *a)
{
	struct store_req req = {.op = STORE_INVITE_LIST};
	struct store_res res;
	enum err e = desk_store(a->desk, &req, &res);
	json_t *items = json_array();
	for (size_t i = 0; e == OK && i < res.r.n; i++) {
		const struct store_invite *v = &res.r.invites[i];
		json_t *used = json_array();
		for (size_t k = 0; k < v->used_n; k++)
			json_array_append_new(used, compose_id_json(&v->used_by[k]));
		json_array_append_new(items,
			json_pack("{s:o, s:o, s:b, s:i, s:o, s:o, s:o}", "id", compose_id_json(&v->hash),
				"expires",
				v->expires_hour ? compose_number_json((uint64_t)v->expires_hour * 3600)
						: json_null(),
				"revoked", v->expires_hour == 0, "uses_left", (int)v->uses_left, "note",
				api_clean(v->note), "made", compose_number_json(v->made_s), "used_by", used));
	}
	store_res_free(&res);
	a->reply = json_pack("{s:o}", "items", items);
	return e;
}

void route_peer_list(struct api_request *rq)
{
	act_begin(rq, list);
}

void route_peer_remove(struct api_request *rq)
{
	act_begin(rq, remove_peer);
}

void route_invitation_create(struct api_request *rq)
{
	act_begin(rq, invite);
}

void route_invitation_revoke(struct api_request *rq)
{
	act_begin(rq, revoke_invitation);
}

void route_invitation_list(struct api_request *rq)
{
	act_begin(rq, list_invitations);
}
