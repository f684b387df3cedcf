/* api_erase.c -- the owner erases what one of her entries says. SPEC.md section 12. */
#include "act.h"
#include "compose.h"
#include "protocol/log/erasure.h"
#include "protocol/log/secret.h"

#include <sodium.h>
#include <stdio.h>
#include <time.h>

static enum err find_reason(struct act *a, uint8_t *reason)
{
	static const char *const names[] = {"wish", "consent", "retention", "law", "mistake"};
	const char *why;
	enum err e = act_need(a, "why", &why);
	for (uint8_t i = 0; e == OK && i < sizeof names / sizeof *names; i++)
		if (strcmp(why, names[i]) == 0) {
			*reason = i;
			return OK;
		}
	return e != OK
		? e
		: act_say(a, ERR_INPUT,
			  "\"why\" is one of wish, consent, retention, law, mistake: nothing else is kept of the reason.");
}

/* By the generation whose signing key is here. */
static enum err find_generation(struct act *a, struct id32 *generation)
{
	struct keyset *ks = NULL;
	struct keyset_view v;
	enum err e = desk_keyset(a->desk, &a->keys->self.identity, &ks);
	if (e == OK)
		e = keyset_resolve(ks, &v);
	if (e == OK) {
		*generation = v.generation;
		if (!a->keys->self.secrets.has_signing ||
			!id32_equal(&a->keys->self.secrets.signing_key, &v.signing_key))
			e = act_say(a, ERR_LOCKED,
				"This device lacks the current signing key: use the recovery code here first.");
		keyset_view_deinit(&v);
	}
	keyset_free(ks);
	return e;
}

static enum err put_statement(struct act *a, const struct erasure *statement)
{
	uint8_t bytes[LIMIT_ERASURE_BYTES];
	struct id32 key;
	uint8_t *secret = (uint8_t *)sodium_malloc(64);
	if (!secret)
		return ERR_MEMORY;
	secret_sign_pair(a->keys->self.secrets.signing_seed, &key, secret);
	erasure_encode(statement, secret, bytes);
	sodium_free(secret);
	struct engine_cmd cmd = {.kind = ENGINE_CMD_ERASE, .statement = slice_of(bytes, sizeof bytes)};
	return desk_command(a->desk, &cmd, NULL);
}

static enum err erase(struct act *a)
{
	struct erasure statement = {.by = ERASURE_BY_OWNER, .hour = (uint32_t)(time(NULL) / 3600)};
	struct id32 owner;
	const char *ref;
	bool keep = false;
	enum err e = act_need(a, "ref", &ref);
	if (e == OK)
		e = find_reason(a, &statement.reason);
	if (e != OK)
		return e;
	e = act_entry(a->desk, ref, &statement.of, &owner, &keep);
	if (e == ERR_NOT_FOUND)
		return act_say(a, e, "This entry is not on this node.");
	if (e != OK)
		return act_say(a, e,
			"An entry is named LOG:SEQ; LOG may be shortened to 8 digits or more, if only one log begins so.");
	if (!id32_equal(&owner, &a->keys->self.identity))
		return act_say(a, ERR_REFUSED, "Only the owner of an entry may erase it.");
	if (keep)
		return act_say(a, ERR_STATE, "This entry must stay: others rely on it.");
	e = find_generation(a, &statement.generation);
	if (e == OK)
		e = put_statement(a, &statement);
	if (e == ERR_EXISTS)
		return act_say(a, e, "This entry was erased before.");
	if (e == OK)
		a->reply = json_pack("{s:o, s:o, s:b}", "ref",
			compose_ref_json(&statement.of.log, statement.of.seq), "id",
			compose_id_json(&statement.of.id), "erased", true);
	return e;
}

void route_erase(struct api_request *rq)
{
	act_begin(rq, erase);
}
