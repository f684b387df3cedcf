/* api_devices.c -- devices of an identity: asked for on one node, added on another, closed. SPEC.md sections 3.3 and 3.5. */
#include "act.h"
#include "compose.h"
#include "ownlog.h"
#include "protocol/log/entry.h"

#include <sodium.h>
#include <stdio.h>

/* The identity of the path; it must be the session's. */
static enum err find_own(struct act *a)
{
	struct id32 id;
	enum err e = act_identity(a, api_param(a->rq, "id"), &id);
	if (e == OK && !id32_equal(&id, &a->keys->self.identity))
		e = act_say(a, ERR_REFUSED, "Only this identity itself may change its devices: unlock it.");
	return e;
}

static enum err list(struct act *a)
{
	struct id32 id;
	struct keyset *ks = NULL;
	struct keyset_view v;
	json_t *items = json_array();
	enum err e = act_identity(a, api_param(a->rq, "id"), &id);
	if (e == OK)
		e = desk_keyset(a->desk, &id, &ks);
	if (e == OK)
		e = keyset_resolve(ks, &v);
	for (size_t i = 0; e == OK && i < v.devices_n; i++) {
		struct store_req req = {.op = STORE_LOG_GET, .a.log = v.devices[i].log};
		struct store_res res;
		uint64_t length = desk_store(a->desk, &req, &res) == OK ? res.r.logs[0].length : 0;
		store_res_free(&res);
		json_array_append_new(items,
			json_pack("{s:o, s:o, s:b, s:o, s:b, s:o}", "log", compose_id_json(&v.devices[i].log),
				"event", compose_id_json(&v.devices[i].event), "closed", v.devices[i].closed,
				"closed_length",
				v.devices[i].closed ? compose_number_json(v.devices[i].closed_length)
						    : json_null(),
				"direct", v.devices[i].direct, "length", compose_number_json(length)));
	}
	if (e == OK)
		keyset_view_deinit(&v);
	keyset_free(ks);
	a->reply = json_pack("{s:o}", "items", items);
	return e;
}

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

/* A key file with a device alone; the owner's secrets come with the event that adds it, at the first sign-in after that. */
static enum err make_request(struct act *a, struct owner *o, const char *passphrase)
{
	struct identity_request request;
	char text[IDENTITY_REQUEST_TEXT_BYTES];
	struct locking l = {.passphrase = slice_str(passphrase), .owner = o};
	randombytes_buf(o->device.sign_seed, sizeof o->device.sign_seed);
	randombytes_buf(o->device.box_secret, sizeof o->device.box_secret);
	desk_work(a->desk, lock_up, &l);
	enum err e = l.err;
	if (e == OK)
		e = identity_request_make(&o->identity, &o->device, NULL, 0, &request);
	if (e == OK)
		e = keyfile_save(a->desk->home, o);
	struct engine_cmd cmd = {
		.kind = ENGINE_CMD_FOLLOW, .identity = o->identity, .flag = true, .hosted = true};
	if (e == OK)
		e = desk_command(a->desk, &cmd, NULL);
	/* Its log is ours from now on, so that a home restored to this moment is known as such, and begins another. */
	struct engine_cmd own = {
		.kind = ENGINE_CMD_OWN, .identity = o->identity, .device_key = request.sign_key};
	own.log = entry_log_id(&own.identity, &own.device_key);
	if (e == OK)
		e = desk_command(a->desk, &own, NULL);
	if (e == OK) {
		identity_request_format(&request, text);
		a->reply = json_pack("{s:s}", "request", text);
	}
	return e;
}

static enum err ask(struct act *a)
{
	const char *passphrase;
	struct id32 id;
	enum err e = act_identity(a, api_param(a->rq, "id"), &id);
	if (e == OK)
		e = act_need(a, "passphrase", &passphrase);
	if (e == OK && keyfile_exists(a->desk->home, &id))
		e = act_say(a, ERR_EXISTS, "This identity has a device on this node already: unlock it.");
	struct owner *o = e == OK ? (struct owner *)sodium_malloc(sizeof *o) : NULL;
	if (e == OK && !o)
		e = ERR_MEMORY;
	if (e == OK) {
		memset(o, 0, sizeof *o);
		o->identity = id;
		e = make_request(a, o, passphrase);
	}
	act_wipe(a, "passphrase");
	sodium_free(o);
	return e;
}

void route_device_ask(struct api_request *rq)
{
	act_begin(rq, ask);
}

static enum err add(struct act *a)
{
	const char *text;
	struct identity_request request;
	struct keyset *ks = NULL;
	struct identity_event ev = {0};
	enum err e = find_own(a);
	if (e == OK)
		e = act_need(a, "request", &text);
	if (e != OK)
		return e;
	if (identity_request_parse(text, &request) != OK)
		return act_say(a, ERR_INPUT,
			"This is not a device's request, or it was altered: it begins with quire-device:.");
	desk_lock(a->desk);
	e = desk_keyset(a->desk, &a->keys->self.identity, &ks);
	if (e == OK)
		e = ownlog_put_event(a->desk, ks, &ev,
			identity_add_device(&desk_random, ks, &a->keys->self.secrets, &request, &ev));
	desk_unlock(a->desk);
	keyset_free(ks);
	if (e == ERR_INPUT)
		return act_say(a, e, "This request is for another identity.");
	struct id32 log = entry_log_id(&request.identity, &request.sign_key);
	if (e == OK) {
		a->status = 201;
		a->reply = json_pack("{s:o}", "log", compose_id_json(&log));
	}
	return e;
}

/* How many entries shall count, and the id of the last of them. */
static enum err find_last(struct act *a, const struct id32 *log, uint64_t *length, struct id32 *last)
{
	struct store_req get = {.op = STORE_LOG_GET, .a.log = *log};
	struct store_res res;
	enum err e = desk_store(a->desk, &get, &res);
	uint64_t end = e == OK ? res.r.logs[0].end : 0;
	store_res_free(&res);
	if (e != OK && e != ERR_NOT_FOUND)
		return e;
	*length = end;
	e = act_number(a, "length", (uint64_t)LIMIT_SEQ + 1, length);
	if (e == OK && *length > end)
		e = act_say(a, ERR_RANGE, "Only %llu entries of this log are here.", (unsigned long long)end);
	if (e != OK || *length == 0)
		return e;
	struct store_req run = {.op = STORE_RUN_GET, .a.log = *log, .a.first = *length - 1, .a.end = *length};
	e = desk_store(a->desk, &run, &res);
	if (e == OK)
		*last = entry_id(res.r.parts[0].header);
	store_res_free(&res);
	return e;
}

static enum err close_device(struct act *a)
{
	struct id32 log, last = {{0}};
	uint64_t length = 0;
	struct keyset *ks = NULL;
	struct identity_event ev = {0};
	enum err e = find_own(a);
	if (e == OK && !api_id_parse(api_param(a->rq, "log"), &log))
		e = act_say(a, ERR_INPUT, "A device is named by its log: 64 hexadecimal digits.");
	if (e == OK)
		e = find_last(a, &log, &length, &last);
	if (e != OK)
		return e;
	desk_lock(a->desk);
	e = desk_keyset(a->desk, &a->keys->self.identity, &ks);
	if (e == OK)
		e = ownlog_put_event(a->desk, ks, &ev,
			identity_close_device(
				&desk_random, ks, &a->keys->self.secrets, &log, length, &last, &ev));
	desk_unlock(a->desk);
	keyset_free(ks);
	if (e == ERR_NOT_FOUND)
		return act_say(a, e, "This identity has no such device.");
	if (e == OK)
		a->reply = json_pack("{s:o, s:b, s:o}", "log", compose_id_json(&log), "closed", true,
			"length", compose_number_json(length));
	return e;
}

void route_device_list(struct api_request *rq)
{
	act_begin(rq, list);
}

void route_device_add(struct api_request *rq)
{
	act_begin(rq, add);
}

void route_device_close(struct api_request *rq)
{
	act_begin(rq, close_device);
}
