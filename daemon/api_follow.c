/* api_follow.c -- whose portfolios this node holds, and why. */
#include "act.h"
#include "compose.h"
#include "identities.h"

struct naming {
	const struct store_res *res;
	const struct store_res *peers;
	json_t *items;
	enum err err;
};

static json_t *link_json(const struct store_res *peers, const struct id32 *node)
{
	const char *name = "";
	for (size_t i = 0; i < peers->r.n; i++)
		if (id32_equal(&peers->r.peers[i].node, node))
			name = peers->r.peers[i].name;
	return json_pack("{s:o, s:o}", "node", compose_id_json(node), "name", api_clean(name));
}

/* Why it is followed: it lives here, a notice asked for it, or somebody here said so. */
static json_t *follow_json(struct store *s, const struct naming *w, const struct store_follow *f)
{
	char name[PROFILE_NAME_BYTES], reader[PROFILE_NAME_BYTES];
	identities_name(s, &f->identity, name);
	json_t *o = json_pack("{s:o, s:o, s:b, s:b, s:s}", "id", compose_id_json(&f->identity), "name",
		api_clean(name), "hosted", f->hosted, "guest", f->guest, "why",
		f->hosted          ? "hosted"
			: f->guest ? "guest"
				   : "followed");
	if (!o || !f->guest)
		return o;
	identities_name(s, &f->reader, reader);
	json_object_set_new(o, "for",
		json_pack("{s:o, s:o}", "id", compose_id_json(&f->reader), "name", api_clean(reader)));
	json_object_set_new(o, "brought_by", link_json(w->peers, &f->link));
	json_object_set_new(o, "since", compose_number_json(f->since_s));
	json_object_set_new(o, "used", compose_number_json(f->used_s));
	return o;
}

static json_t *declined_json(struct store *s, const struct id32 *identity)
{
	char name[PROFILE_NAME_BYTES];
	identities_name(s, identity, name);
	return json_pack("{s:o, s:o, s:b, s:b, s:s}", "id", compose_id_json(identity), "name",
		api_clean(name), "hosted", 0, "guest", 0, "why", "declined");
}

static void name_all(void *ctx, struct store *s, enum err e)
{
	struct naming *w = (struct naming *)ctx;
	w->err = e;
	for (size_t i = 0; w->err == OK && i < w->res->r.n; i++) {
		json_t *o = w->res->r.follows ? follow_json(s, w, &w->res->r.follows[i])
					      : declined_json(s, &w->res->r.ids[i]);
		if (!o || json_array_append_new(w->items, o) != 0)
			w->err = ERR_MEMORY;
	}
}

static enum err list(struct act *a)
{
	struct store_req req = {.op = api_query(a->rq, "declined") ? STORE_DECLINED_LIST : STORE_FOLLOW_LIST},
			 peers_req = {.op = STORE_PEER_LIST};
	struct store_res res, peers = {0};
	struct naming w = {.res = &res, .peers = &peers, .items = json_array()};
	enum err e = desk_store(a->desk, &req, &res);
	if (e == OK)
		e = desk_store(a->desk, &peers_req, &peers);
	if (e == OK) {
		desk_read(a->desk, name_all, &w);
		e = w.err;
	}
	store_res_free(&res);
	store_res_free(&peers);
	a->reply = json_pack("{s:o}", "items", w.items);
	return e;
}

static enum err is_hosted(struct act *a, const struct id32 *id, bool *hosted)
{
	struct store_req req = {.op = STORE_FOLLOW_LIST};
	struct store_res res;
	enum err e = desk_store(a->desk, &req, &res);
	*hosted = false;
	for (size_t i = 0; e == OK && i < res.r.n && i < res.r.bytes.n; i++)
		if (id32_equal(&res.r.ids[i], id))
			*hosted = res.r.bytes.p[i] != 0;
	store_res_free(&res);
	return e;
}

static enum err change(struct act *a, bool add)
{
	struct id32 id;
	bool hosted = false;
	enum err e = act_identity(a, api_param(a->rq, "id"), &id);
	if (e == OK)
		e = is_hosted(a, &id, &hosted);
	if (e == OK && hosted && !add)
		e = act_say(a, ERR_STATE, "This identity lives on this node, so its portfolio stays here.");
	if (e == OK && !hosted) {
		struct engine_cmd cmd = {.kind = ENGINE_CMD_FOLLOW, .identity = id, .flag = add};
		e = desk_command(a->desk, &cmd, NULL);
	}
	if (e == OK)
		a->reply = json_pack("{s:o, s:b}", "id", compose_id_json(&id), "followed", add);
	return e;
}

static enum err add(struct act *a)
{
	return change(a, true);
}

static enum err remove_follow(struct act *a)
{
	return change(a, false);
}

void route_follow_list(struct api_request *rq)
{
	act_begin(rq, list);
}

void route_follow_add(struct api_request *rq)
{
	act_begin(rq, add);
}

void route_follow_remove(struct api_request *rq)
{
	act_begin(rq, remove_follow);
}
