/* api_session.c -- signing in and out. */
#include "act.h"
#include "clerk.h"
#include "compose.h"
#include "exchange.h"
#include "office.h"

#include <sodium.h>
#include <stdio.h>

#define SECONDS_USUAL (8u * 3600)

struct opening {
	const char *home;
	struct id32 identity, network;
	bool has_network;
	struct slice passphrase;
	struct keyring *keys;
	enum err err;
};

/* On the pool: it takes a second and 64 MiB. */
static void open_keys(void *ctx)
{
	struct opening *o = (struct opening *)ctx;
	o->err = keyring_open(
		o->home, &o->identity, o->has_network ? &o->network : NULL, o->passphrase, &o->keys);
}

/* The network that this identity made, if it made one. */
static void find_network(struct desk *d, struct opening *o)
{
	struct id32 owner;
	o->has_network = desk_meta_id(d, "network_owner", &owner) == OK && id32_equal(&owner, &o->identity) &&
		desk_meta_id(d, "network_own", &o->network) == OK;
}

static enum err say_opening(struct act *a, enum err e)
{
	if (e == ERR_NOT_FOUND)
		return act_say(a, e,
			"This identity's keys are not on this node. Bring them here with its recovery code.");
	if (e == ERR_PASSPHRASE)
		return act_say(a, e, "Wrong passphrase.");
	if (e == ERR_CORRUPT)
		return act_say(a, e, "The key file is damaged. Restore it, or use the recovery code.");
	return e;
}

static enum err reply(struct act *a, struct keyring *keys, enum err ready, size_t again, uint64_t seconds)
{
	uint8_t token[SESSION_TOKEN_BYTES];
	char hex[2 * SESSION_TOKEN_BYTES + 1] = "";
	struct session *s = NULL;
	struct api_request *rq = a->rq;
	struct id32 identity = keys->self.identity;
	enum err e = session_open(
		rq->sessions, &identity, rq->operator_, &rq->caller, seconds, keys, keyring_free, token, &s);
	if (e != OK)
		return act_say(a, e,
			e == ERR_RANGE ? "\"for_seconds\" is 1 to %u." : "Too many sessions are open (%u s).",
			SESSION_SECONDS_MAX);
	clerk_wake(exchange_of(rq)->http->clerk);
	sodium_bin2hex(hex, sizeof hex, token, sizeof token);
	rq->secret_reply = true;
	a->reply = json_pack("{s:o, s:s, s:o, s:b, s:o}", "identity", compose_id_json(&identity), "token",
		hex, "until", compose_number_json(s->until_s), "writable", ready == OK, "written_again",
		compose_number_json(again));
	if (ready != OK && a->reply)
		json_object_set_new(a->reply, "warning",
			json_string(ready == ERR_LOCKED
					? "This device lacks the current signing key. Use the recovery code to write here."
					: err_text(ready)));
	sodium_memzero(token, sizeof token);
	sodium_memzero(hex, sizeof hex);
	return OK;
}

static enum err open_session(struct act *a)
{
	const char *identity, *passphrase = NULL;
	struct opening o = {.home = a->desk->home};
	uint64_t seconds = SECONDS_USUAL;
	size_t again = 0;
	enum err e = act_need(a, "identity", &identity);
	if (e == OK)
		e = act_need(a, "passphrase", &passphrase);
	if (e == OK)
		e = act_number(a, "for_seconds", SESSION_SECONDS_MAX, &seconds);
	if (e == OK)
		e = act_identity(a, identity, &o.identity);
	if (e == OK) {
		o.passphrase = slice_str(passphrase);
		find_network(a->desk, &o);
		desk_work(a->desk, open_keys, &o);
		e = say_opening(a, o.err);
	}
	act_wipe(a, "passphrase");
	if (e != OK)
		return e;
	enum err ready = office_sign_in(a->desk, o.keys, &again);
	if (ready == ERR_CLOSED) {
		keyring_free(o.keys);
		return ready;
	}
	return reply(a, o.keys, ready, again, seconds);
}

void route_session_open(struct api_request *rq)
{
	act_begin(rq, open_session);
}

static enum err close_session(struct act *a)
{
	struct id32 identity;
	struct session *s = NULL;
	enum err e = act_identity(a, api_param(a->rq, "identity"), &identity);
	if (e == OK)
		e = session_find(a->rq->sessions, &a->rq->caller, &identity, &s);
	if (e != OK)
		return act_say(
			a, e == ERR_LOCKED ? ERR_NOT_FOUND : e, "No session of this identity is open.");
	session_close(a->rq->sessions, s);
	a->reply = json_pack("{s:o, s:b}", "identity", compose_id_json(&identity), "unlocked", false);
	return OK;
}

void route_session_close(struct api_request *rq)
{
	act_begin(rq, close_session);
}
