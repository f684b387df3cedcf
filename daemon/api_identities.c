/* api_identities.c -- identities of this node: list, show, make, recover. Devices: api_devices.c. */
#include "act.h"
#include "compose.h"
#include "identities.h"

#include <sodium.h>
#include <stdio.h>

/* ---- show */

struct showing {
	struct id32 id; /* zeros: all */
	json_t *out; /* array */
	enum err err;
	const char *home;
	const struct id32 *hosted;
	size_t hosted_n;
	bool all; /* also those that are only known */
};

static json_t *device_json(struct store *s, const struct keyset_device *d)
{
	struct store_req req = {.op = STORE_LOG_GET, .a.log = d->log};
	struct store_res res = {0};
	uint64_t length = 0;
	bool here = false, forked = false;
	store_exec_one(s, &req, &res);
	if (res.err == OK) {
		length = res.r.logs[0].end;
		here = res.r.logs[0].own == OWN_ACTIVE;
		forked = res.r.logs[0].fork_seq1 != 0;
	}
	store_res_free(&res);
	return json_pack("{s:o, s:o, s:b, s:b, s:b, s:b}", "log", compose_id_json(&d->log), "length",
		compose_number_json(length), "closed", d->closed, "here", here, "direct", d->direct, "forked",
		forked);
}

static bool is_hosted(const struct showing *w, const struct id32 *id)
{
	for (size_t i = 0; i < w->hosted_n; i++)
		if (id32_equal(&w->hosted[i], id))
			return true;
	return false;
}

static json_t *identity_json(
	struct showing *w, struct store *s, const struct id32 *id, const struct keyset *ks)
{
	struct keyset_view v;
	char did[DID_BYTES], name[PROFILE_NAME_BYTES];
	if (keyset_resolve(ks, &v) != OK)
		return NULL;
	identities_did(&v.badge_key, did);
	identities_name(s, id, name);
	const char *kind = identities_kind_name(v.kind);
	json_t *devices = json_array(), *nodes = json_array();
	for (size_t i = 0; i < v.devices_n; i++)
		json_array_append_new(devices, device_json(s, &v.devices[i]));
	for (size_t i = 0; i < v.hostings_n; i++)
		json_array_append_new(nodes, compose_id_json(&v.hostings[i].node_key));
	json_t *o = json_pack("{s:o, s:s, s:o, s:s, s:b, s:b, s:o, s:o, s:i}", "id", compose_id_json(id),
		"did", did, "name", api_clean(name), "kind", kind ? kind : "unknown", "hosted",
		is_hosted(w, id), "keys_here", keyfile_exists(w->home, id), "devices", devices, "nodes",
		nodes, "generation", (int)v.generation_number);
	keyset_view_deinit(&v);
	return o;
}

static void show_one(struct showing *w, struct store *s, const struct id32 *id)
{
	struct keyset *ks = NULL;
	w->err = desk_keyset_read(s, id, &ks);
	if (w->err == OK) {
		json_t *o = identity_json(w, s, id, ks);
		if (!o || json_array_append_new(w->out, o) != 0)
			w->err = ERR_MEMORY;
	}
	keyset_free(ks);
}

static void show(void *ctx, struct store *s, enum err e)
{
	struct showing *w = (struct showing *)ctx;
	w->err = e;
	if (e != OK)
		return;
	if (!id32_is_zero(&w->id)) {
		show_one(w, s, &w->id);
		return;
	}
	struct store_req req = {.op = STORE_IDENTITY_LIST};
	struct store_res res = {0};
	store_exec_one(s, &req, &res);
	w->err = res.err;
	for (size_t i = 0; w->err == OK && i < res.r.n; i++)
		if (w->all || is_hosted(w, &res.r.ids[i]) || keyfile_exists(w->home, &res.r.ids[i]))
			show_one(w, s, &res.r.ids[i]);
	store_res_free(&res);
}

/* Whether the caller has a session of it. */
static void add_unlocked(struct act *a, json_t *list)
{
	size_t i;
	json_t *o;
	json_array_foreach(list, i, o)
	{
		struct id32 id;
		struct session *s = NULL;
		bool is = api_id_parse(json_string_value(json_object_get(o, "id")), &id) &&
			session_find(a->rq->sessions, &a->rq->caller, &id, &s) == OK;
		json_object_set_new(o, "unlocked", json_boolean(is));
	}
}

static enum err collect(struct act *a, const struct id32 *id, bool all, json_t **list)
{
	struct store_req req = {.op = STORE_FOLLOW_LIST};
	struct store_res res;
	struct showing w = {.out = json_array(), .home = a->desk->home, .all = all};
	enum err e = w.out ? desk_store(a->desk, &req, &res) : ERR_MEMORY;
	if (e == OK) {
		struct id32 *hosted = (struct id32 *)calloc(res.r.n + 1, sizeof *hosted);
		for (size_t i = 0; hosted && i < res.r.n && i < res.r.bytes.n; i++)
			if (res.r.bytes.p[i])
				hosted[w.hosted_n++] = res.r.ids[i];
		w.hosted = hosted;
		if (id)
			w.id = *id;
		desk_read(a->desk, show, &w);
		free(hosted);
		e = w.err;
	}
	if (w.out)
		store_res_free(&res);
	add_unlocked(a, w.out);
	if (e != OK)
		json_decref(w.out);
	else
		*list = w.out;
	return e;
}

static enum err list(struct act *a)
{
	json_t *items = NULL;
	const char *all = api_query(a->rq, "all");
	enum err e = collect(a, NULL, all && strcmp(all, "0") != 0, &items);
	if (e == OK)
		a->reply = json_pack("{s:o}", "items", items);
	return e;
}

static enum err show_identity(struct act *a, const struct id32 *id)
{
	json_t *items = NULL;
	enum err e = collect(a, id, true, &items);
	if (e == ERR_NOT_FOUND)
		return act_say(a, e,
			"This identity is not known on this node. Follow it, or look for it at a peer.");
	if (e == OK)
		a->reply = json_incref(json_array_get(items, 0));
	json_decref(items);
	return e;
}

static enum err show_param(struct act *a)
{
	struct id32 id;
	enum err e = act_identity(a, api_param(a->rq, "id"), &id);
	return e == OK ? show_identity(a, &id) : e;
}

/* ---- make, recover */

struct locking {
	struct slice passphrase;
	struct owner *owner;
	enum err err;
};

static void lock_up(void *ctx)
{
	struct locking *l = (struct locking *)ctx;
	l->err = keyfile_lock_new(l->passphrase, &l->owner->lock);
}

/* An owner with a lock from the request's passphrase, which the caller wipes. */
static enum err new_owner(struct act *a, struct owner **out)
{
	const char *passphrase;
	enum err e = act_need(a, "passphrase", &passphrase);
	if (e != OK)
		return e;
	struct owner *o = (struct owner *)sodium_malloc(sizeof *o);
	if (!o)
		return ERR_MEMORY;
	memset(o, 0, sizeof *o);
	struct locking l = {.passphrase = slice_str(passphrase), .owner = o};
	desk_work(a->desk, lock_up, &l);
	if (l.err != OK)
		sodium_free(o);
	else
		*out = o;
	return l.err == ERR_INPUT ? act_say(a, l.err, "A passphrase has 1 to %u bytes.", PASSPHRASE_BYTES_MAX)
				  : l.err;
}

static enum err create(struct act *a)
{
	const char *name, *kind_name;
	enum identity_kind kind = IDENTITY_PERSON;
	struct owner *o = NULL;
	uint8_t entropy[RECOVERY_ENTROPY_BYTES];
	char code[RECOVERY_TEXT_BYTES];
	enum err e = act_need(a, "name", &name);
	if (e == OK && strlen(name) >= PROFILE_NAME_BYTES)
		e = act_say(a, ERR_INPUT, "\"name\" has 1 to %d bytes.", PROFILE_NAME_BYTES - 1);
	kind_name = act_text(a, "kind");
	if (e == OK && kind_name && identities_kind_parse(kind_name, &kind) != OK)
		e = act_say(a, ERR_INPUT, "\"kind\" is one of person, school, issuer, district.");
	if (e == OK)
		e = new_owner(a, &o);
	act_wipe(a, "passphrase");
	if (e != OK)
		return e;
	randombytes_buf(entropy, sizeof entropy);
	const struct identity_new in = {
		.kind = kind, .entropy = entropy, .label = RECOVERY_IDENTITY, .name = name, .followed = true};
	e = identities_make(a->desk, &in, o);
	if (e == OK)
		e = show_identity(a, &o->identity);
	if (e == OK) {
		recovery_format(entropy, code);
		json_object_set_new(a->reply, "recovery_code", json_string(code));
		a->rq->secret_reply = true;
		a->status = 201;
		sodium_memzero(code, sizeof code);
	}
	sodium_memzero(entropy, sizeof entropy);
	sodium_free(o);
	return e;
}

/* That there is none is no error, and what else keeps it away does not take the identity back. */
static void recover_network(
	struct act *a, const uint8_t entropy[RECOVERY_ENTROPY_BYTES], const struct id32 *owner)
{
	struct owner *o = NULL;
	enum err e = new_owner(a, &o);
	if (e == OK)
		e = identities_recover_network(a->desk, entropy, owner, o);
	if (e == OK)
		json_object_set_new(a->reply, "network", compose_id_json(&o->identity));
	else if (e != ERR_NOT_FOUND)
		json_object_set_new(a->reply, "warning",
			json_sprintf(
				"The network that was made with this code could not be brought here: %s. Try it again.",
				err_text(e)));
	sodium_free(o);
}

static enum err recover(struct act *a)
{
	const char *code;
	struct owner *o = NULL;
	uint8_t entropy[RECOVERY_ENTROPY_BYTES];
	enum err e = act_need(a, "code", &code);
	if (e == OK && recovery_parse(code, entropy) != OK)
		e = act_say(a, ERR_INPUT, "This is not a recovery code: look for a letter that was misread.");
	act_wipe(a, "code");
	if (e == OK)
		e = new_owner(a, &o);
	if (e == OK)
		e = identities_recover(a->desk, entropy, o);
	if (e == ERR_NOT_FOUND)
		(void)act_say(a, e, "No connected peer knows an identity with this code.");
	else if (e == ERR_UNREACHABLE)
		(void)act_say(a, e, "No peer is connected. Join the network first, then try again.");
	if (e == OK)
		e = show_identity(a, &o->identity);
	if (e == OK)
		recover_network(a, entropy, &o->identity);
	act_wipe(a, "passphrase");
	a->rq->secret_reply = true;
	sodium_memzero(entropy, sizeof entropy);
	sodium_free(o);
	return e;
}

void route_identity_list(struct api_request *rq)
{
	act_begin(rq, list);
}

void route_identity_show(struct api_request *rq)
{
	act_begin(rq, show_param);
}

void route_identity_create(struct api_request *rq)
{
	act_begin(rq, create);
}

void route_identity_recover(struct api_request *rq)
{
	act_begin(rq, recover);
}
