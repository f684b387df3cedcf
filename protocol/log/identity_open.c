/* identity_open.c -- the secrets that an owner gets back: by the recovery code, or by a device's box key. SPEC.md sections 2.2 and 2.4. */
#include "protocol/log/identity.h"
#include "protocol/log/secret.h"

#include <sodium.h>

void identity_secrets_wipe(struct identity_secrets *s)
{
	sodium_memzero(s, sizeof *s);
}

const struct identity_reading *identity_secrets_reading(
	const struct identity_secrets *s, const struct id32 *key)
{
	for (size_t i = 0; i < s->readings_n; i++)
		if (id32_equal(&s->readings[i].key, key))
			return &s->readings[i];
	return NULL;
}

void identity_secrets_add_reading(struct identity_secrets *s, const struct identity_reading *reading)
{
	struct identity_reading first = *reading; /* it may stand in the list */
	size_t at = 0;
	while (at < s->readings_n && !id32_equal(&s->readings[at].key, &first.key))
		at++;
	if (at == s->readings_n && s->readings_n < IDENTITY_READINGS_MAX)
		s->readings_n++;
	if (at == IDENTITY_READINGS_MAX)
		at--;
	memmove(s->readings + 1, s->readings, at * sizeof s->readings[0]);
	s->readings[0] = first;
	sodium_memzero(&first, sizeof first);
}

struct opener {
	const struct keyset *ks;
	const struct keyset_view *v;
	uint8_t secret[32]; /* of the recipient */
	struct id32 recipient;
	struct identity_secrets *out;
};

static bool is_reading(const struct keyset_view *v, const struct id32 *key)
{
	for (size_t i = 0; i < v->readings_n; i++)
		if (id32_equal(&v->readings[i], key))
			return true;
	return false;
}

/* Keeps a secret whose public half is in force. Anybody who could sign could wrap rubbish, so the secret must fit the half. */
static void take(struct opener *o, const struct id32 *public_half, const uint8_t secret[32])
{
	struct id32 ed, x;
	uint8_t scratch[64];
	secret_sign_pair(secret, &ed, scratch);
	sodium_memzero(scratch, sizeof scratch);
	secret_box_public(secret, &x);
	struct identity_secrets *s = o->out;
	if (o->v->has_generation && id32_equal(&ed, &o->v->signing_key) && id32_equal(&ed, public_half)) {
		s->has_signing = true;
		s->signing_key = ed;
		memcpy(s->signing_seed, secret, 32);
	}
	if (id32_equal(&ed, &o->v->badge_key) && id32_equal(&ed, public_half)) {
		s->has_badge = true;
		s->badge_key = ed;
		memcpy(s->badge_seed, secret, 32);
	}
	if (!id32_equal(&x, public_half) || !is_reading(o->v, &x) || identity_secrets_reading(s, &x))
		return;
	struct identity_reading *r = &s->readings[IDENTITY_READINGS_MAX - 1];
	if (s->readings_n < IDENTITY_READINGS_MAX)
		r = &s->readings[s->readings_n++];
	else if (!id32_equal(&x, &o->v->reading_key))
		return; /* full; but the current one takes the last place */
	r->key = x;
	memcpy(r->secret, secret, 32);
}

static void open_one(struct opener *o, const struct keyevent_wrap *w, const struct id32 *public_half)
{
	uint8_t secret[32];
	if (secret_unwrap(o->secret, &o->recipient, public_half, w->box, secret) == OK)
		take(o, public_half, secret);
	sodium_memzero(secret, sizeof secret);
}

static void open_event(struct opener *o, const struct keyevent *ev)
{
	if (ev->kind == KEYEVENT_DEVICE && id32_equal(&ev->device_box_key, &o->recipient))
		for (size_t i = 0; i < ev->wraps_n; i++)
			open_one(o, &ev->wraps[i], &ev->wraps[i].key);
	const struct id32 *half = NULL;
	if (ev->kind == KEYEVENT_INCEPTION || ev->kind == KEYEVENT_BADGE)
		half = &ev->badge_key;
	else if (ev->kind == KEYEVENT_GENERATION)
		half = &ev->signing_key;
	else if (ev->kind == KEYEVENT_READING)
		half = &ev->reading_key;
	const struct keyevent_wrap *w = half ? keyevent_wrap_find(ev, &o->recipient) : NULL;
	if (w)
		open_one(o, w, half);
}

/* The kind of an event in force decides what is worth a look; that of generations before C opens nothing that is in force. */
static enum err open_all(struct opener *o)
{
	for (size_t i = 0; i < o->v->in_force_n; i++) {
		const struct keyevent *ev = keyset_find(o->ks, &o->v->in_force[i]);
		if (!ev)
			return ERR_MEMORY;
		open_event(o, ev);
	}
	const struct identity_reading *current = o->v->has_reading
		? identity_secrets_reading(o->out, &o->v->reading_key)
		: NULL;
	if (current)
		identity_secrets_add_reading(o->out, current);
	return OK;
}

static enum err open_for(const struct keyset *ks, const struct keyset_view *v, const uint8_t secret[32],
	struct identity_secrets *out)
{
	struct opener o = {.ks = ks, .v = v, .out = out};
	memcpy(o.secret, secret, 32);
	secret_box_public(secret, &o.recipient);
	identity_secrets_wipe(out);
	enum err e = open_all(&o);
	sodium_memzero(o.secret, sizeof o.secret);
	if (e != OK)
		identity_secrets_wipe(out);
	return e;
}

enum err identity_recover(const struct keyset *ks, const uint8_t entropy[RECOVERY_ENTROPY_BYTES],
	enum recovery_label label, struct identity_secrets *secrets)
{
	struct keyset_view v;
	uint8_t root_seed[32], recovery_secret[32];
	struct id32 recovery_key;
	enum err e = keyset_resolve(ks, &v);
	if (e != OK)
		return e;
	recovery_keys(entropy, label, root_seed, recovery_secret);
	secret_box_public(recovery_secret, &recovery_key);
	e = id32_equal(&recovery_key, &v.recovery_key) ? open_for(ks, &v, recovery_secret, secrets)
						       : ERR_DECRYPT;
	sodium_memzero(root_seed, sizeof root_seed);
	sodium_memzero(recovery_secret, sizeof recovery_secret);
	keyset_view_deinit(&v);
	return e;
}

enum err identity_open_grants(
	const struct keyset *ks, const struct identity_device *device, struct identity_secrets *secrets)
{
	struct keyset_view v;
	struct id32 box_key;
	enum err e = keyset_resolve(ks, &v);
	if (e != OK)
		return e;
	secret_box_public(device->box_secret, &box_key);
	bool known = false;
	for (size_t i = 0; i < v.devices_n; i++)
		known = known || id32_equal(&v.devices[i].box_key, &box_key);
	e = known ? open_for(ks, &v, device->box_secret, secrets) : ERR_NOT_FOUND;
	keyset_view_deinit(&v);
	return e;
}
