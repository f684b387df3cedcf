/* identity_create.c -- a new identity: its inception, and what it cannot do without. SPEC.md sections 2.2 and 3.3. */
#include "protocol/log/identity.h"
#include "protocol/log/secret.h"

#include <sodium.h>

/* The root and recovery keys come from the code, the badge key is new. */
static enum err make_inception(const struct random_source *rnd, enum identity_kind kind,
	const uint8_t entropy[RECOVERY_ENTROPY_BYTES], enum recovery_label label,
	struct identity_secrets *secrets, struct identity_event *out)
{
	struct keyevent ev = {.kind = KEYEVENT_INCEPTION, .identity_kind = (uint8_t)kind, .wraps_n = 1};
	uint8_t root_seed[32], recovery_secret[32], root_secret[64], scratch[64];
	recovery_keys(entropy, label, root_seed, recovery_secret);
	secret_sign_pair(root_seed, &ev.root_key, root_secret);
	secret_box_public(recovery_secret, &ev.recovery_key);
	random_fill(rnd, secrets->badge_seed, sizeof secrets->badge_seed);
	secret_sign_pair(secrets->badge_seed, &secrets->badge_key, scratch);
	secrets->has_badge = true;
	ev.badge_key = secrets->badge_key;
	ev.wraps[0].key = ev.recovery_key;
	random_fill(rnd, ev.nonce, sizeof ev.nonce);
	*out = (struct identity_event){.signatures_n = 64};
	enum err e = secret_wrap(rnd, &ev.recovery_key, &ev.badge_key, secrets->badge_seed, ev.wraps[0].box);
	if (e == OK)
		e = keyevent_encode(&ev, NULL, &out->bytes);
	if (e == OK) {
		out->id = keyevent_id(buf_slice(&out->bytes));
		keyevent_sign(buf_slice(&out->bytes), root_secret, out->signatures);
	}
	sodium_memzero(root_seed, sizeof root_seed);
	sodium_memzero(recovery_secret, sizeof recovery_secret);
	sodium_memzero(root_secret, sizeof root_secret);
	sodium_memzero(scratch, sizeof scratch);
	return e;
}

/* Adds the event to the set and frees it, whatever e says. */
static enum err take_event(enum err e, struct keyset *ks, struct identity_event *ev)
{
	enum keyset_added added;
	if (e == OK)
		e = keyset_add(ks, buf_slice(&ev->bytes), identity_event_signatures(ev), &added);
	identity_event_deinit(ev);
	return e;
}

/* Generation 1, a reading key, the first device. */
static enum err furnish(const struct random_source *rnd, struct keyset *ks,
	const uint8_t entropy[RECOVERY_ENTROPY_BYTES], enum recovery_label label,
	const struct identity_device *device, const struct id32 *direct, size_t direct_n,
	struct identity_secrets *secrets)
{
	struct identity_event ev = {0};
	struct identity_reading reading = {0};
	struct identity_request request;
	const struct identity_keeps none = {0};
	enum err e = identity_new_generation(rnd, ks, entropy, label, &none, secrets, &ev);
	e = take_event(e, ks, &ev);
	if (e == OK)
		e = take_event(identity_new_reading(rnd, ks, secrets, &reading, &ev), ks, &ev);
	if (e == OK)
		identity_secrets_add_reading(secrets, &reading);
	sodium_memzero(&reading, sizeof reading);
	if (e == OK)
		e = identity_request_make(keyset_identity(ks), device, direct, direct_n, &request);
	if (e == OK)
		e = take_event(identity_add_device(rnd, ks, secrets, &request, &ev), ks, &ev);
	return e;
}

enum err identity_create(const struct random_source *rnd, enum identity_kind kind,
	const uint8_t entropy[RECOVERY_ENTROPY_BYTES], enum recovery_label label,
	const struct identity_device *device, const struct id32 *direct, size_t direct_n, struct keyset **ks,
	struct identity_secrets *secrets)
{
	struct identity_event ev;
	identity_secrets_wipe(secrets);
	enum err e = make_inception(rnd, kind, entropy, label, secrets, &ev);
	struct keyset *made = e == OK ? keyset_new(&ev.id) : NULL;
	if (e == OK && !made)
		e = ERR_MEMORY;
	e = take_event(e, made, &ev);
	if (e == OK)
		e = furnish(rnd, made, entropy, label, device, direct, direct_n, secrets);
	if (e != OK) {
		keyset_free(made);
		identity_secrets_wipe(secrets);
		return e;
	}
	*ks = made;
	return OK;
}
