/* api_badge_key.c -- a badge key replaced with the recovery code. SPEC.md section 3.3, kind 3. */
#include "act.h"
#include "compose.h"
#include "identities.h"

#include <sodium.h>

/* Event first: what a crash leaves undone, the next sign-in takes up from the wrap to this device. */
static enum err replace(struct act *a, const uint8_t entropy[RECOVERY_ENTROPY_BYTES])
{
	struct owner *self = &a->keys->self;
	struct keyset *ks = NULL;
	struct identity_event ev = {0};
	struct identity_secrets *secrets = (struct identity_secrets *)sodium_malloc(sizeof *secrets);
	if (!secrets)
		return ERR_MEMORY;
	desk_lock(a->desk);
	enum err e = keyfile_reload(a->desk->home, self); /* another session may have changed it */
	if (e == OK)
		e = desk_keyset(a->desk, &self->identity, &ks);
	*secrets = self->secrets;
	if (e == OK)
		e = ownlog_put_event(a->desk, ks, &ev,
			identity_new_badge(&desk_random, ks, entropy, RECOVERY_IDENTITY, secrets, &ev));
	if (e == OK) {
		self->secrets = *secrets;
		e = keyfile_save(a->desk->home, self);
	}
	desk_unlock(a->desk);
	keyset_free(ks);
	sodium_free(secrets);
	return e == ERR_DECRYPT ? act_say(a, ERR_REFUSED, "This recovery code is another identity's.") : e;
}

static enum err replace_key(struct act *a)
{
	const char *code;
	char did[DID_BYTES];
	struct id32 id;
	uint8_t entropy[RECOVERY_ENTROPY_BYTES];
	enum err e = act_identity(a, api_param(a->rq, "id"), &id);
	if (e == OK && !id32_equal(&id, &a->keys->self.identity))
		e = act_say(
			a, ERR_REFUSED, "Only this identity itself may replace its badge key: unlock it.");
	if (e == OK)
		e = act_need(a, "code", &code);
	if (e == OK && recovery_parse(code, entropy) != OK)
		e = act_say(a, ERR_INPUT, "This is not a recovery code: look for a letter that was misread.");
	act_wipe(a, "code");
	if (e == OK)
		e = replace(a, entropy);
	sodium_memzero(entropy, sizeof entropy);
	if (e != OK)
		return e;
	identities_did(&a->keys->self.secrets.badge_key, did);
	a->reply = json_pack("{s:o, s:s}", "identity", compose_id_json(&id), "did", did);
	return a->reply ? OK : ERR_MEMORY;
}

void route_badge_key_replace(struct api_request *rq)
{
	act_begin(rq, replace_key);
}
