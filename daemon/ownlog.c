/* ownlog.c -- see ownlog.h. What is written again: rewrite.c. */
#include "ownlog.h"

#include "protocol/log/entry.h"
#include "protocol/log/mp.h"
#include "protocol/log/seal.h"
#include "protocol/log/secret.h"
#include "rewrite.h"

#include <sodium.h>

static struct id32 device_key(const struct identity_device *device)
{
	struct id32 key;
	uint8_t scratch[64];
	secret_sign_pair(device->sign_seed, &key, scratch);
	sodium_memzero(scratch, sizeof scratch);
	return key;
}

struct id32 ownlog_id(const struct owner *o)
{
	struct id32 key = device_key(&o->device);
	return entry_log_id(&o->identity, &key);
}

enum err ownlog_put_event(struct desk *d, struct keyset *ks, struct identity_event *ev, enum err made)
{
	enum keyset_added added = KEYSET_NEW;
	enum err e = made;
	if (e == OK)
		e = keyset_add(ks, buf_slice(&ev->bytes), identity_event_signatures(ev), &added);
	if (e == OK && added == KEYSET_LOST)
		e = ERR_LIMIT;
	if (e == OK) {
		const struct store_keyevent one = {.bytes = buf_slice(&ev->bytes),
			.signatures = identity_event_signatures(ev),
			.id = ev->id};
		struct engine_cmd cmd = {.kind = ENGINE_CMD_KEYS,
			.identity = *keyset_identity(ks),
			.events = &one,
			.events_n = 1};
		e = desk_command(d, &cmd, NULL);
	}
	identity_event_deinit(ev);
	return e;
}

enum err ownlog_append(
	struct desk *d, const struct owner *o, const struct draft *draft, struct entry_ref *ref)
{
	struct id32 key;
	struct engine_event ev;
	uint8_t *secret = (uint8_t *)sodium_malloc(64);
	if (!secret)
		return ERR_MEMORY;
	secret_sign_pair(o->device.sign_seed, &key, secret);
	struct engine_cmd cmd = {.kind = ENGINE_CMD_APPEND,
		.log = entry_log_id(&o->identity, &key),
		.flags = draft->flags,
		.envelope = draft->envelope,
		.body = draft->body,
		.device_secret = secret};
	memcpy(cmd.scope, draft->scope, sizeof cmd.scope);
	enum err e = desk_command(d, &cmd, &ev);
	sodium_free(secret);
	if (e == OK && ref)
		*ref = (struct entry_ref){.log = cmd.log, .seq = ev.seq, .id = ev.id};
	return e;
}

enum err ownlog_append_record(
	struct desk *d, const struct owner *o, uint8_t flags, struct slice record, struct entry_ref *ref)
{
	struct buf body = {0};
	enum err e = seal_clear_body(&desk_random, record, &body);
	if (e == OK) {
		const struct draft draft = {.flags = flags, .body = buf_slice(&body)};
		e = ownlog_append(d, o, &draft, ref);
	}
	buf_free(&body);
	return e;
}

/* ---- beginning */

/* Entry 0 names the device event that lets this log be written: SPEC.md section 4.1. */
static enum err write_first(struct desk *d, const struct owner *o, const struct keyset *ks)
{
	struct keyset_view v;
	struct buf record = {0};
	enum err e = keyset_resolve(ks, &v);
	if (e != OK)
		return e;
	struct id32 log = ownlog_id(o);
	const struct keyset_device *device = keyset_view_device(&v, &log);
	e = device ? OK : ERR_NOT_FOUND;
	if (e == OK) {
		struct mp_out m = mp_out_init(&record);
		mp_put_array(&m, 2);
		mp_put_cstr(&m, "device");
		mp_put_map(&m, 1);
		mp_put_cstr(&m, "event");
		mp_put_id(&m, &device->event);
		e = m.err;
	}
	if (e == OK)
		e = ownlog_append_record(d, o, ENTRY_FLAG_KEEP, buf_slice(&record), NULL);
	buf_free(&record);
	keyset_view_deinit(&v);
	return e;
}

enum err ownlog_begin(struct desk *d, const struct owner *o, const struct keyset *ks)
{
	struct engine_cmd cmd = {
		.kind = ENGINE_CMD_OWN, .identity = o->identity, .device_key = device_key(&o->device)};
	cmd.log = entry_log_id(&o->identity, &cmd.device_key);
	enum err e = desk_command(d, &cmd, NULL);
	return e == OK ? write_first(d, o, ks) : e;
}

/* New device keys go to the key file first: what an interrupted run leaves is a device event without a log, and the next run begins another. */
static enum err begin_device(struct desk *d, struct owner *o, struct keyset *ks)
{
	struct identity_request request;
	struct identity_event ev = {0};
	struct owner *next = (struct owner *)sodium_malloc(sizeof *next);
	if (!next)
		return ERR_MEMORY;
	*next = *o;
	randombytes_buf(next->device.sign_seed, sizeof next->device.sign_seed);
	randombytes_buf(next->device.box_secret, sizeof next->device.box_secret);
	enum err e = keyfile_save(d->home, next);
	if (e == OK)
		e = identity_request_make(&o->identity, &next->device, NULL, 0, &request);
	if (e == OK)
		e = ownlog_put_event(
			d, ks, &ev, identity_add_device(&desk_random, ks, &o->secrets, &request, &ev));
	if (e == OK) {
		o->device = next->device;
		e = ownlog_begin(d, o, ks);
	}
	sodium_free(next);
	return e;
}

/* ---- making sure */

enum standing { STANDING_GOOD, STANDING_EMPTY, STANDING_GONE };

static enum err find_standing(
	struct desk *d, const struct owner *o, const struct keyset_view *v, enum standing *standing)
{
	struct store_req req = {.op = STORE_LOG_GET, .a.log = ownlog_id(o)};
	struct store_res res;
	const struct keyset_device *device = keyset_view_device(v, &req.a.log);
	enum err e = desk_store(d, &req, &res);
	*standing = STANDING_GONE;
	if (e == OK && device && !device->closed) {
		const struct store_log *l = &res.r.logs[0];
		if (l->own == OWN_ACTIVE && !l->fork_seq1)
			*standing = l->length ? STANDING_GOOD : STANDING_EMPTY;
	}
	store_res_free(&res);
	return e == ERR_NOT_FOUND ? OK : e;
}

/* What this device knew and was not wrapped to it again. */
static void keep_known(struct identity_secrets *next, const struct identity_secrets *old)
{
	for (size_t i = old->readings_n; i-- > 0 && next->readings_n < IDENTITY_READINGS_MAX;)
		if (!identity_secrets_reading(next, &old->readings[i].key))
			next->readings[next->readings_n++] = old->readings[i];
	if (!next->has_signing && old->has_signing) {
		next->has_signing = true;
		next->signing_key = old->signing_key;
		memcpy(next->signing_seed, old->signing_seed, sizeof next->signing_seed);
	}
	if (!next->has_badge && old->has_badge) {
		next->has_badge = true;
		next->badge_key = old->badge_key;
		memcpy(next->badge_seed, old->badge_seed, sizeof next->badge_seed);
	}
}

/* Secrets that were wrapped to this device since: a new generation, a new reading key, a new badge key. */
static enum err refresh(struct desk *d, struct owner *o, const struct keyset *ks, const struct keyset_view *v)
{
	bool signing = o->secrets.has_signing && id32_equal(&o->secrets.signing_key, &v->signing_key);
	bool reading = !v->has_reading || identity_secrets_reading(&o->secrets, &v->reading_key);
	bool badge = o->secrets.has_badge && id32_equal(&o->secrets.badge_key, &v->badge_key);
	if (signing && reading && badge)
		return OK;
	struct owner *next = (struct owner *)sodium_malloc(sizeof *next);
	if (!next)
		return ERR_MEMORY;
	*next = *o;
	enum err e = identity_open_grants(ks, &o->device, &next->secrets);
	if (e == OK) {
		keep_known(&next->secrets, &o->secrets);
		e = keyfile_save(d->home, next);
	}
	if (e == OK)
		o->secrets = next->secrets;
	sodium_free(next);
	return e == ERR_NOT_FOUND ? OK : e;
}

static enum err ensure(struct desk *d, struct owner *o, size_t *again)
{
	struct keyset *ks = NULL;
	struct keyset_view v;
	enum standing standing = STANDING_GONE;
	enum err e = keyfile_reload(d->home, o); /* another session may have begun a log meanwhile */
	if (e == OK)
		e = desk_keyset(d, &o->identity, &ks);
	if (e == OK)
		e = keyset_resolve(ks, &v);
	if (e != OK) {
		keyset_free(ks);
		return e;
	}
	e = refresh(d, o, ks, &v);
	if (e == OK)
		e = find_standing(d, o, &v, &standing);
	if (e == OK && standing == STANDING_GONE) {
		bool may = o->secrets.has_signing && id32_equal(&o->secrets.signing_key, &v.signing_key);
		e = may ? begin_device(d, o, ks) : ERR_LOCKED;
	} else if (e == OK && standing == STANDING_EMPTY) {
		e = write_first(d, o, ks);
	}
	keyset_view_deinit(&v);
	keyset_free(ks);
	return e == OK ? rewrite_side(d, o, again) : e;
}

enum err ownlog_ensure(struct desk *d, struct owner *o, size_t *again)
{
	*again = 0;
	desk_lock(d);
	enum err e = ensure(d, o, again);
	desk_unlock(d);
	return e;
}
