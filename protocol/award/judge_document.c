/* judge_document.c -- the signed documents that records hold. SPEC.md sections 17.3, 17.5, 17.6. */
#include "protocol/award/credential.h"
#include "protocol/award/json.h"
#include "protocol/award/judge_int.h"
#include "protocol/award/multikey.h"

#include <sodium.h>

/* SPEC 13: "*json* is a str that holds a JSON document in canonical form (section 17.1)" */
enum err judge_document_open(struct judge_node *node, const char *field, struct judge_document *d)
{
	struct slice fields;
	struct buf form = {0};
	*d = (struct judge_document){0};
	if (!judge_fields(node, &fields) || record_get_str(fields, field, &d->text) != OK)
		return ERR_FORMAT;
	enum err e = json_parse(d->text, &d->json, NULL);
	if (e == OK)
		e = json_canonical(d->json, &form);
	if (e == OK && !slice_equal(buf_slice(&form), d->text))
		e = ERR_FORMAT;
	buf_free(&form);
	if (e != OK) {
		json_decref(d->json);
		d->json = NULL;
	}
	return e == OK || e == ERR_MEMORY ? e : ERR_FORMAT;
}

bool judge_document_key(const json_t *object, const char *member, struct id32 *key)
{
	const char *did = json_string_value(json_object_get(json_object_get(object, member), "id"));
	return did && did_key_parse(slice_str(did), key) == OK;
}

bool judge_document_proven(struct judge_index *ix, const struct judge_document *d, const struct id32 *key)
{
	struct id32 digest;
	crypto_generichash_state state;
	char why[PROOF_WHY_BYTES];
	crypto_generichash_init(&state, NULL, 0, sizeof digest.b);
	crypto_generichash_update(&state, key->b, sizeof key->b);
	crypto_generichash_update(&state, d->text.p, d->text.n);
	crypto_generichash_final(&state, digest.b, sizeof digest.b);
	size_t place = digest.b[0] % JUDGE_PROOFS;
	if (id32_equal(&ix->proofs->seen[place], &digest))
		return true;
	if (id32_equal(&ix->bad.seen[place], &digest))
		return false;
	enum err e = credential_proofs_check(d->json, key, why);
	if (e == ERR_MEMORY)
		ix->err = e;
	else if (e == OK)
		ix->proofs->seen[place] = digest;
	else
		ix->bad.seen[place] = digest;
	return e == OK;
}
