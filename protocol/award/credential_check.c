/* credential_check.c -- is a signed document what its sources make, and who signed it? See credential.h. */
#include "protocol/award/credential.h"
#include "protocol/award/multikey.h"

#include <stdio.h>

/* ---- where two documents differ */

static bool differs(const json_t *a, const json_t *b, const char *at, char where[96]);

static bool differ_here(const char *at, char where[96])
{
	snprintf(where, 96, "%s", *at ? at : "the document");
	return true;
}

static bool object_differs(const json_t *a, const json_t *b, const char *at, char where[96])
{
	const char *key;
	json_t *value;
	char path[96];
	/* jansson's macros iterate over what they could change. */
	json_object_foreach((json_t *)(uintptr_t)a, key, value)
	{
		snprintf(path, sizeof path, "%s%s%.40s", at, *at ? "." : "", key);
		const json_t *other = json_object_get(b, key);
		if (!other)
			return differ_here(path, where);
		if (differs(value, other, path, where))
			return true;
	}
	json_object_foreach((json_t *)(uintptr_t)b, key, value)
	{
		snprintf(path, sizeof path, "%s%s%.40s", at, *at ? "." : "", key);
		if (!json_object_get(a, key))
			return differ_here(path, where);
	}
	return false;
}

static bool array_differs(const json_t *a, const json_t *b, const char *at, char where[96])
{
	char path[96];
	if (json_array_size(a) != json_array_size(b))
		return differ_here(at, where);
	for (size_t i = 0; i < json_array_size(a); i++) {
		snprintf(path, sizeof path, "%.70s[%zu]", at, i);
		if (differs(json_array_get(a, i), json_array_get(b, i), path, where))
			return true;
	}
	return false;
}

/* True and *where if a and b are not the same JSON. Neither is deeper than what json_parse() lets through. */
static bool differs(const json_t *a, const json_t *b, const char *at, char where[96])
{
	if (json_typeof(a) != json_typeof(b))
		return differ_here(at, where);
	if (json_is_object(a))
		return object_differs(a, b, at, where);
	if (json_is_array(a))
		return array_differs(a, b, at, where);
	return json_equal(a, b) ? false : differ_here(at, where);
}

/* The document without its proofs against what was built; takes `built`. */
static enum err compare(const json_t *doc, json_t *built, char where[96])
{
	json_t *bare = json_copy((json_t *)(uintptr_t)doc);
	enum err e = bare ? OK : ERR_MEMORY;
	if (e == OK) {
		json_object_del(bare, "proof");
		e = differs(built, bare, "", where) ? ERR_HASH : OK;
	}
	json_decref(bare);
	json_decref(built);
	return e;
}

/* ---- what is taken from the document */

struct taken {
	const char *name, *valid_from;
	struct id32 key;
};

static enum err take(const json_t *doc, const struct id32 *key, struct taken *t, char where[96])
{
	const json_t *issuer = json_object_get(doc, "issuer");
	const char *did = json_string_value(json_object_get(issuer, "id"));
	t->name = json_string_value(json_object_get(issuer, "name"));
	t->valid_from = json_string_value(json_object_get(doc, "validFrom"));
	t->key = *key;
	if (!did || !t->name || !t->valid_from) {
		snprintf(where, 96, "%s", t->valid_from ? "issuer" : "validFrom");
		return ERR_FORMAT;
	}
	if (!id32_is_zero(key))
		return OK;
	snprintf(where, 96, "issuer.id");
	return did_key_parse(slice_str(did), &t->key) == OK ? OK : ERR_FORMAT;
}

/* ERR_INPUT of a build means that what was taken cannot stand there. */
static enum err built(enum err e, const char *at, char where[96])
{
	if (e == ERR_INPUT) {
		snprintf(where, 96, "%s", at);
		return ERR_FORMAT;
	}
	return e;
}

enum err credential_award_matches(
	const json_t *doc, const struct credential_source *src, struct id32 *issuer_key, char where[96])
{
	struct taken t;
	struct credential_source full = *src;
	json_t *expected = NULL;
	enum err e = take(doc, &src->issuer_key, &t, where);
	if (e != OK)
		return e;
	full.issuer_name = t.name;
	full.valid_from = t.valid_from;
	full.issuer_key = *issuer_key = t.key;
	e = built(credential_award_build(&full, &expected), "issuer.name or validFrom", where);
	return e == OK ? compare(doc, expected, where) : e;
}

enum err credential_endorsement_matches(
	const json_t *doc, const struct endorsement_source *src, struct id32 *reviewer_key, char where[96])
{
	struct taken t;
	struct endorsement_source full = *src;
	json_t *expected = NULL;
	enum err e = take(doc, &src->reviewer_key, &t, where);
	if (e != OK)
		return e;
	full.reviewer_name = t.name;
	full.valid_from = t.valid_from;
	full.reviewer_key = *reviewer_key = t.key;
	e = built(credential_endorsement_build(&full, &expected), "issuer.name or validFrom", where);
	return e == OK ? compare(doc, expected, where) : e;
}

/* ---- proofs */

static enum err proof_is_ours(
	const struct proof_result *r, const struct id32 *key, const char *created, char why[PROOF_WHY_BYTES])
{
	if (r->err != OK) {
		snprintf(why, PROOF_WHY_BYTES, "%s", r->why);
		return r->err == ERR_MEMORY ? ERR_MEMORY : ERR_SIGNATURE;
	}
	if (!r->known || r->hinted || !id32_equal(&r->key, key)) {
		snprintf(why, PROOF_WHY_BYTES, "A proof is by another key than the issuer's.");
		return ERR_SIGNATURE;
	}
	if (!created || strcmp(r->created, created) != 0) {
		snprintf(why, PROOF_WHY_BYTES, "A proof was not created at validFrom.");
		return ERR_FORMAT;
	}
	return OK;
}

enum err credential_proofs_check(const json_t *doc, const struct id32 *key, char why[PROOF_WHY_BYTES])
{
	struct proof_result *r = (struct proof_result *)calloc(PROOFS_MAX, sizeof *r);
	const char *created = json_string_value(json_object_get(doc, "validFrom"));
	size_t n = 0;
	enum err e = r ? proof_check(doc, r, &n) : ERR_MEMORY;
	if (e == ERR_FORMAT || e == ERR_LIMIT)
		snprintf(why, PROOF_WHY_BYTES, "It has no sound list of proofs.");
	for (size_t i = 0; e == OK && i < n; i++)
		e = proof_is_ours(&r[i], key, created, why);
	if (e == OK && (n != 2 || r[0].suite == r[1].suite)) {
		snprintf(why, PROOF_WHY_BYTES, "It must have two proofs, one of each suite.");
		e = ERR_SIGNATURE;
	}
	free(r);
	return e;
}
