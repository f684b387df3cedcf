#include "protocol/award/proof.h"

#include "protocol/award/json.h"
#include "protocol/award/multikey.h"
#include "protocol/award/quote.h"
#include "protocol/award/rdf.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>

_Static_assert(PROOF_WHY_BYTES >= RDF_WHY_BYTES, "a reason of rdf.h fits");

#define PROOF_TYPE "DataIntegrityProof"
#define PURPOSE "assertionMethod"
#define HASHES_BYTES (2 * crypto_hash_sha256_BYTES)

static const char *const suite_names[] = {
	[PROOF_EDDSA_JCS_2022] = "eddsa-jcs-2022", [PROOF_EDDSA_RDFC_2022] = "eddsa-rdfc-2022"};

const char *proof_suite_name(enum proof_suite s)
{
	return suite_names[s];
}

/* ---- what is signed ---- */

static enum err hash_of(const json_t *v, enum proof_suite suite, uint8_t out[crypto_hash_sha256_BYTES],
	char why[PROOF_WHY_BYTES])
{
	struct buf text = {0};
	enum err e = suite == PROOF_EDDSA_JCS_2022 ? json_canonical(v, &text) : rdf_canonical(v, &text, why);
	if (e == OK)
		crypto_hash_sha256(out, text.p, text.n);
	else if (e == ERR_RANGE || e == ERR_LIMIT)
		snprintf(why, PROOF_WHY_BYTES, "it has no canonical form");
	buf_free(&text);
	return e == ERR_RANGE || e == ERR_LIMIT ? ERR_REFUSED : e;
}

/* SPEC 17.3: "The signed bytes are the two hashes, that of the configuration first." */
static enum err signed_bytes(const json_t *unsecured, const json_t *configuration, enum proof_suite suite,
	uint8_t out[HASHES_BYTES], char why[PROOF_WHY_BYTES])
{
	enum err e = hash_of(configuration, suite, out, why);
	return e == OK ? hash_of(unsecured, suite, out + crypto_hash_sha256_BYTES, why) : e;
}

/* The object without one member; its values are shared. NULL if out of memory. */
static json_t *copy_without(const json_t *o, const char *member)
{
	json_t *copy = json_copy((json_t *)(uintptr_t)o);
	if (copy)
		(void)json_object_del(copy, member);
	return copy;
}

/* ---- adding ---- */

static enum err put(json_t *o, const char *key, json_t *fresh)
{
	return json_object_set_new(o, key, fresh) == 0 ? OK : ERR_MEMORY;
}

static enum err put_context(json_t *o, json_t *context)
{
	return !context || json_object_set(o, "@context", context) == 0 ? OK : ERR_MEMORY;
}

static enum err fill_configuration(
	json_t *o, enum proof_suite suite, const struct id32 *public_key, const char *created)
{
	char method[DID_METHOD_BYTES];
	did_key_method(public_key, method);
	enum err e = put(o, "type", json_string(PROOF_TYPE));
	if (e == OK)
		e = put(o, "cryptosuite", json_string(suite_names[suite]));
	if (e == OK)
		e = put(o, "created", json_string(created));
	if (e == OK)
		e = put(o, "verificationMethod", json_string(method));
	return e == OK ? put(o, "proofPurpose", json_string(PURPOSE)) : e;
}

static enum err put_value(json_t *proof, const uint8_t hashes[HASHES_BYTES], const uint8_t secret[64])
{
	uint8_t signature[crypto_sign_BYTES];
	struct buf text = {0};
	crypto_sign_detached(signature, NULL, hashes, HASHES_BYTES, secret);
	enum err e = buf_put(&text, "z", 1);
	if (e == OK)
		e = base58_encode(signature, sizeof signature, &text);
	if (e == OK)
		e = put(proof, "proofValue", json_stringn((const char *)text.p, text.n));
	buf_free(&text);
	return e;
}

/* Takes the proof. */
static enum err append_proof(json_t *doc, json_t *proof)
{
	json_t *there = json_object_get(doc, "proof");
	if (!there)
		return put(doc, "proof", proof);
	if (json_is_array(there))
		return json_array_append_new(there, proof) == 0 ? OK : ERR_MEMORY;
	json_t *both = json_array();
	int failed = json_array_append(both, there);
	failed |= json_array_append_new(both, proof);
	if (!failed)
		return put(doc, "proof", both);
	json_decref(both);
	return ERR_MEMORY;
}

/* SPEC 17.3: "eddsa-rdfc-2022 leaves it out of the proof again" */
static enum err sign(json_t *doc, json_t *unsecured, json_t *proof, enum proof_suite suite,
	const uint8_t secret[64], char why[PROOF_WHY_BYTES])
{
	uint8_t hashes[HASHES_BYTES];
	const json_t *context = json_object_get(doc, "@context");
	enum err e = context ? put(proof, "@context", json_deep_copy(context)) : OK;
	if (e == OK)
		e = signed_bytes(unsecured, proof, suite, hashes, why);
	if (e == OK)
		e = put_value(proof, hashes, secret);
	if (e == OK && suite == PROOF_EDDSA_RDFC_2022)
		(void)json_object_del(proof, "@context");
	return e;
}

enum err proof_add(json_t *doc, enum proof_suite suite, const struct id32 *public_key,
	const uint8_t secret[64], const char *created, char why[PROOF_WHY_BYTES])
{
	why[0] = 0;
	json_t *there = json_object_get(doc, "proof");
	if (there && !json_is_object(there) && !json_is_array(there)) {
		snprintf(why, PROOF_WHY_BYTES, "\"proof\" is neither an object nor an array");
		return ERR_REFUSED;
	}
	json_t *unsecured = copy_without(doc, "proof"), *proof = json_object();
	enum err e = unsecured && proof ? fill_configuration(proof, suite, public_key, created) : ERR_MEMORY;
	if (e == OK)
		e = sign(doc, unsecured, proof, suite, secret, why);
	if (e == OK)
		e = append_proof(doc, json_incref(proof));
	json_decref(unsecured);
	json_decref(proof);
	return e;
}

/* ---- checking ---- */

__attribute__((format(printf, 3, 4))) static enum err found(
	struct proof_result *result, enum err e, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(result->why, sizeof result->why, format, args);
	va_end(args);
	return e;
}

/* The member as a text; OK with NULL if it is not there and not needed. */
static enum err text_of(
	const json_t *proof, const char *member, bool needed, const char **text, struct proof_result *result)
{
	const json_t *v = json_object_get(proof, member);
	*text = json_string_value(v);
	if (!v && !needed)
		return OK;
	if (!*text || strlen(*text) != json_string_length(v))
		return found(result, ERR_FORMAT, "\"%s\" is %s", member, v ? "no text" : "missing");
	return OK;
}

static enum err check_type(const json_t *proof, struct proof_result *result)
{
	char quoted[QUOTE_BYTES];
	const char *type, *suite, *purpose;
	enum err e = text_of(proof, "type", true, &type, result);
	if (e == OK && strcmp(type, PROOF_TYPE) != 0)
		return found(result, ERR_REFUSED, "unknown type of proof \"%s\"", quote(type, quoted));
	if (e == OK)
		e = text_of(proof, "cryptosuite", true, &suite, result);
	if (e != OK)
		return e;
	if (strcmp(suite, suite_names[PROOF_EDDSA_JCS_2022]) == 0)
		result->suite = PROOF_EDDSA_JCS_2022;
	else if (strcmp(suite, suite_names[PROOF_EDDSA_RDFC_2022]) == 0)
		result->suite = PROOF_EDDSA_RDFC_2022;
	else
		return found(result, ERR_REFUSED, "unknown cryptosuite \"%s\"", quote(suite, quoted));
	e = text_of(proof, "proofPurpose", true, &purpose, result);
	if (e == OK && strcmp(purpose, PURPOSE) != 0)
		return found(result, ERR_REFUSED, "unknown proofPurpose \"%s\"", quote(purpose, quoted));
	return e;
}

/* SPEC 17.3: "A proof with any of `previousProof`, `expires`, `domain` or `challenge` is refused as unknown" */
static enum err check_members(const json_t *proof, struct proof_result *result)
{
	static const char *const refused[] = {"previousProof", "expires", "domain", "challenge"};
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
		if (json_object_get(proof, refused[i]))
			return found(result, ERR_REFUSED, "a proof with \"%s\" is not supported", refused[i]);
	return OK;
}

static bool digits_at(const char *s, size_t n, const char *shape)
{
	if (n < strlen(shape))
		return false;
	for (; *shape; shape++, s++)
		if (*shape == '0' ? !(*s >= '0' && *s <= '9') : *s != *shape)
			return false;
	return true;
}

/* SPEC 17.3: "`YYYY-MM-DDThh:mm:ss`, a fraction or none, and `Z` or `±hh:mm`" */
static bool is_time(const char *s)
{
	if (!digits_at(s, strlen(s), "0000-00-00T00:00:00"))
		return false;
	s += strlen("0000-00-00T00:00:00");
	if (*s == '.') {
		size_t digits = strspn(s + 1, "0123456789");
		if (!digits)
			return false;
		s += 1 + digits;
	}
	if (strcmp(s, "Z") == 0)
		return true;
	return (*s == '+' || *s == '-') && strlen(s) == 6 && digits_at(s + 1, 5, "00:00");
}

/* Cut at a whole character. */
static void keep(char *out, size_t room, const char *text)
{
	size_t n = strlen(text);
	if (n >= room)
		for (n = room - 1; n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80; n--)
			;
	memcpy(out, text, n);
	out[n] = 0;
}

/* SPEC 17.8: "the Multikey behind its `#`" */
static enum err hinted_key(const char *method, struct id32 *key)
{
	char did[DID_KEY_BYTES];
	const char *hash = strchr(method, '#');
	if (!hash || strlen(hash) > DID_KEY_BYTES - sizeof "did:key:")
		return ERR_FORMAT;
	snprintf(did, sizeof did, "did:key:%s", hash + 1);
	return did_key_parse(slice_str(did), key);
}

static enum err check_key(const json_t *proof, struct proof_result *result)
{
	char quoted[QUOTE_BYTES];
	const char *created, *method;
	enum err e = text_of(proof, "created", false, &created, result);
	if (e == OK && created) {
		keep(result->created, sizeof result->created, created);
		if (!is_time(created))
			return found(result, ERR_FORMAT, "\"created\" is no time");
	}
	if (e == OK)
		e = text_of(proof, "verificationMethod", true, &method, result);
	if (e != OK)
		return e;
	keep(result->method, sizeof result->method, method);
	result->hinted = strncmp(method, "did:key:", 8) != 0;
	e = result->hinted ? hinted_key(method, &result->key)
			   : did_key_parse(slice_str(method), &result->key);
	if (e == ERR_FORMAT && result->hinted)
		return found(
			result, ERR_REFUSED, "unknown verification method \"%s\"", quote(method, quoted));
	if (e == ERR_VERSION)
		return found(result, ERR_REFUSED, "the verification method is no Ed25519 key");
	return e == ERR_FORMAT ? found(result, e, "the verification method is no did:key") : e;
}

static enum err signature_of(
	const json_t *proof, uint8_t signature[crypto_sign_BYTES], struct proof_result *result)
{
	const char *text;
	struct buf bytes = {0};
	enum err e = text_of(proof, "proofValue", true, &text, result);
	if (e != OK)
		return e;
	if (text[0] == 'z')
		e = base58_decode(slice_str(text + 1), &bytes);
	if (e == OK && bytes.n == crypto_sign_BYTES)
		memcpy(signature, bytes.p, crypto_sign_BYTES);
	else if (e != ERR_MEMORY)
		e = found(result, ERR_FORMAT, "\"proofValue\" is no signature in base58btc");
	buf_free(&bytes);
	return e;
}

/* SPEC 17.3: "If the proof has `@context`, the document's must begin with its values" */
static bool begins_with(const json_t *context, const json_t *begin)
{
	if (!json_is_array(begin))
		return json_equal(context, begin) ||
			(json_is_array(context) && json_equal(json_array_get(context, 0), begin));
	if (!json_is_array(context))
		return json_array_size(begin) == 1 && json_equal(context, json_array_get(begin, 0));
	if (json_array_size(begin) > json_array_size(context))
		return false;
	for (size_t i = 0; i < json_array_size(begin); i++)
		if (!json_equal(json_array_get(context, i), json_array_get(begin, i)))
			return false;
	return true;
}

/* Makes the contexts of document and configuration those that were signed. */
static enum err settle_context(json_t *unsecured, json_t *configuration, struct proof_result *result)
{
	json_t *own = json_object_get(configuration, "@context"),
	       *context = json_object_get(unsecured, "@context");
	if (own && !begins_with(context, own))
		return found(
			result, ERR_REFUSED, "the document's \"@context\" does not begin with the proof's");
	if (result->suite == PROOF_EDDSA_RDFC_2022)
		return put_context(configuration, context);
	return put_context(unsecured, own);
}

static enum err verify(const json_t *doc, const json_t *proof, struct proof_result *result)
{
	uint8_t signature[crypto_sign_BYTES], hashes[HASHES_BYTES];
	enum err e = signature_of(proof, signature, result);
	if (e != OK)
		return e;
	json_t *unsecured = copy_without(doc, "proof"), *configuration = copy_without(proof, "proofValue");
	e = unsecured && configuration ? settle_context(unsecured, configuration, result) : ERR_MEMORY;
	if (e == OK)
		e = signed_bytes(unsecured, configuration, result->suite, hashes, result->why);
	if (e == OK && crypto_sign_verify_detached(signature, hashes, sizeof hashes, result->key.b) != 0)
		e = found(result, ERR_SIGNATURE, "the signature does not verify");
	json_decref(unsecured);
	json_decref(configuration);
	return e;
}

static enum err check_one(const json_t *doc, const json_t *proof, struct proof_result *result)
{
	if (!json_is_object(proof))
		return found(result, ERR_FORMAT, "the proof is no object");
	enum err e = check_type(proof, result);
	if (e == OK)
		e = check_members(proof, result);
	if (e == OK)
		e = check_key(proof, result);
	if (e != OK)
		return e;
	result->known = true;
	return verify(doc, proof, result);
}

enum err proof_check(const json_t *doc, struct proof_result results[PROOFS_MAX], size_t *n)
{
	const json_t *proofs = json_object_get(doc, "proof");
	if (proofs && !json_is_object(proofs) && !json_is_array(proofs))
		return ERR_FORMAT;
	size_t count = json_is_array(proofs) ? json_array_size(proofs) : proofs != NULL;
	if (count > PROOFS_MAX)
		return ERR_LIMIT;
	for (size_t i = 0; i < count; i++) {
		results[i] = (struct proof_result){0};
		results[i].err = check_one(
			doc, json_is_array(proofs) ? json_array_get(proofs, i) : proofs, &results[i]);
		if (results[i].err == ERR_MEMORY)
			return ERR_MEMORY;
	}
	*n = count;
	return OK;
}
