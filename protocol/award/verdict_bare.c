/* verdict_bare.c -- a credential by itself: shape, proofs, and what they cannot show. SPEC.md section 17.8. */
#include "protocol/award/verdict_int.h"

#include "protocol/award/multikey.h"

#include <stdio.h>

/* Whose key a good proof is by. */
enum owner { ISSUER, NOT_SHOWN, SOMEBODY_ELSE };

static const char *issuer_id(const json_t *doc)
{
	const json_t *issuer = json_object_get(doc, "issuer");
	const char *id = json_string_value(issuer);
	return id ? id : json_string_value(json_object_get(issuer, "id"));
}

static const char *method_of(const json_t *doc, size_t i)
{
	const json_t *proof = json_object_get(doc, "proof");
	const json_t *one = json_is_array(proof) ? json_array_get(proof, i) : proof;
	const char *method = json_string_value(json_object_get(one, "verificationMethod"));
	return method ? method : "";
}

/* SPEC 17.8: "what stands before the `#` must be the id of the issuer" */
static enum owner owner_of(const json_t *doc, size_t i, const struct proof_result *r)
{
	const char *issuer = issuer_id(doc), *method = method_of(doc, i), *hash = strchr(method, '#');
	struct id32 key;
	if (!issuer)
		return NOT_SHOWN;
	if (strncmp(issuer, "did:key:", 8) == 0)
		return !r->hinted && did_key_parse(slice_str(issuer), &key) == OK && id32_equal(&key, &r->key)
			? ISSUER
			: SOMEBODY_ELSE;
	if (!hash)
		return NOT_SHOWN;
	return slice_equal(slice_of(method, (size_t)(hash - method)), slice_str(issuer)) ? NOT_SHOWN
											 : SOMEBODY_ELSE;
}

/* One proof. True: a good one that is not somebody else's. */
static bool say_proof(struct verdict_task *t, const json_t *doc, size_t i, const struct proof_result *r)
{
	const char *suite = r->known ? proof_suite_name(r->suite) : "of an unknown kind";
	if (r->err == ERR_REFUSED) {
		verdict_say(t, JUDGE_NOTE, "proof-unknown", NULL, "Proof %zu was not checked: %.180s.", i + 1,
			r->why);
		return false;
	}
	if (r->err != OK) {
		verdict_say(t, JUDGE_WRONG, "proof", NULL, "Proof %zu is wrong: %.180s.", i + 1, r->why);
		return false;
	}
	switch (owner_of(doc, i, r)) {
	case ISSUER:
		verdict_say(t, JUDGE_GOOD, "proof", NULL,
			"Proof %zu (%s) is by the key that the issuer is named by.", i + 1, suite);
		return true;
	case NOT_SHOWN:
		verdict_say(t, JUDGE_UNKNOWN, "issuer-key", NULL,
			"Proof %zu (%s) verifies, but nothing here shows that its key is the issuer's.",
			i + 1, suite);
		return true;
	case SOMEBODY_ELSE:
		verdict_say(t, JUDGE_WRONG, "proof-key", NULL,
			"Proof %zu (%s) is by another key than the issuer's.", i + 1, suite);
		return false;
	}
	return false;
}

static enum err say_proofs(struct verdict_task *t, const json_t *doc)
{
	struct proof_result *r = (struct proof_result *)calloc(PROOFS_MAX, sizeof *r);
	size_t n = 0, good = 0;
	enum err e = r ? proof_check(doc, r, &n) : ERR_MEMORY;
	if (e == ERR_FORMAT || e == ERR_LIMIT) {
		verdict_say(t, JUDGE_WRONG, "proof", NULL,
			e == ERR_LIMIT ? "It has more than %u proofs."
				       : "\"proof\" is neither an object nor a list of at most %u.",
			PROOFS_MAX);
		e = OK;
	} else if (e == OK && n == 0) {
		verdict_say(
			t, JUDGE_WRONG, "unsigned", NULL, "It has no proof: anybody could have written it.");
	}
	for (size_t i = 0; e == OK && i < n; i++)
		good += say_proof(t, doc, i, &r[i]);
	if (e == OK && n > 0 && good == 0)
		verdict_say(t, JUDGE_UNKNOWN, "proof-none", NULL,
			"None of its proofs shows that the issuer made it.");
	free(r);
	return e;
}

/* SPEC 17.8: "it must have the two proofs of section 17.5 and no others" */
static enum err say_ours(struct verdict_task *t, const json_t *doc)
{
	const char *id = t->v->about.id, *issuer = issuer_id(doc);
	char why[PROOF_WHY_BYTES] = "its issuer is no did:key";
	struct id32 key;
	if (strncmp(id, "urn:quire:award:", 16) != 0 && strncmp(id, "urn:quire:endorsement:", 22) != 0)
		return OK;
	bool parsed = issuer && did_key_parse(slice_str(issuer), &key) == OK;
	enum err e = parsed ? credential_proofs_check(doc, &key, why) : ERR_FORMAT;
	if (e == ERR_MEMORY)
		return e;
	if (e != OK)
		verdict_say(t, JUDGE_WRONG, "proofs", NULL,
			"A Quire badge has two proofs, one of each suite, by its issuer's key: %.120s", why);
	return OK;
}

static void say_rest(struct verdict_task *t, const json_t *doc)
{
	const char *id = t->v->about.id;
	if (t->v->about.endorsements)
		verdict_say(t, JUDGE_NOTE, "endorsements", NULL,
			"It holds endorsements by others: %zu. They were not judged.",
			t->v->about.endorsements);
	if (json_object_get(doc, "credentialStatus"))
		verdict_say(t, JUDGE_UNKNOWN, "status", NULL,
			"It says where its issuer lists what was revoked; nobody was asked.");
	if (strncmp(id, "urn:quire:award:", 16) == 0)
		verdict_say(t, JUDGE_UNKNOWN, "quire-bare", NULL,
			"It is a Quire badge without its proof bundle: whether the award counts and stands cannot be told.");
	else if (strncmp(id, "urn:quire:endorsement:", 22) == 0)
		verdict_say(t, JUDGE_UNKNOWN, "quire-bare", NULL,
			"It is a reviewer's endorsement of a Quire award; whether that counts cannot be told without the award's proof bundle.");
	else
		verdict_say(t, JUDGE_UNKNOWN, "bare", NULL,
			"A credential by itself does not show who its issuer is, nor that it was not revoked.");
}

enum err verdict_bare(struct verdict_task *t, const json_t *doc)
{
	char why[PROOF_WHY_BYTES] = "";
	t->v->readable = true;
	credential_read_about(doc, &t->v->about);
	if (credential_shape_check(doc, why) == OK)
		verdict_say(
			t, JUDGE_GOOD, "shape", NULL, "It has the shape of an Open Badges 3.0 credential.");
	else
		verdict_say(
			t, JUDGE_WRONG, "shape", NULL, "It is no sound Open Badges 3.0 credential: %s", why);
	enum err e = say_proofs(t, doc);
	if (e == OK)
		e = say_ours(t, doc);
	if (e != OK)
		return e;
	verdict_validity(t, doc);
	say_rest(t, doc);
	return OK;
}
