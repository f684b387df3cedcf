/* Proofs: whatever is signed and changed is noticed, and each refusal has its reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>

#include "protocol/award/json.h"
#include "protocol/award/multikey.h"
#include "protocol/award/proof.h"

static struct id32 public_key;
static uint8_t secret[64];

static const enum proof_suite suites[] = {PROOF_EDDSA_JCS_2022, PROOF_EDDSA_RDFC_2022};

static const char award[] =
	"{\"@context\":[\"https://www.w3.org/ns/credentials/v2\",\"https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json\"],"
	"\"id\":\"urn:example:award\",\"type\":[\"VerifiableCredential\",\"OpenBadgeCredential\"],\"name\":\"An award\","
	"\"issuer\":{\"id\":\"urn:example:issuer\",\"type\":[\"Profile\"],\"name\":\"Example District\",\"url\":\"https://example.org\"},"
	"\"validFrom\":\"2025-01-01T00:00:00Z\",\"awardedDate\":\"2025-01-01T00:00:00Z\","
	"\"credentialSubject\":{\"id\":\"urn:example:earner\",\"type\":\"AchievementSubject\",\"creditsEarned\":1.5,"
	"\"achievement\":{\"id\":\"urn:example:achievement\",\"type\":\"Achievement\",\"name\":\"Listening\","
	"\"description\":\"Listens.\",\"criteria\":{\"narrative\":\"A video.\"},\"tag\":[\"a\",\"b\"],"
	"\"resultDescription\":[{\"id\":\"urn:example:r1\",\"type\":\"ResultDescription\",\"name\":\"Overall\","
	"\"resultType\":\"Status\",\"allowedValue\":[\"Completed\",\"Failed\"]}]},"
	"\"result\":[{\"type\":\"Result\",\"resultDescription\":\"urn:example:r1\",\"value\":\"Completed\"}],"
	"\"identifier\":[{\"type\":\"IdentityObject\",\"hashed\":true,\"identityHash\":\"x\",\"identityType\":\"emailAddress\"}]},"
	"\"evidence\":[{\"id\":\"urn:example:e1\",\"type\":\"Evidence\",\"name\":\"Video\"}]}";

static json_t *parse(const char *text)
{
	json_t *doc = NULL;
	char why[JSON_WHY_BYTES];
	if (json_parse(slice_str(text), &doc, why) != OK)
		fail_msg("%s", why);
	return doc;
}

static json_t *signed_award(enum proof_suite suite)
{
	char why[PROOF_WHY_BYTES];
	json_t *doc = parse(award);
	if (proof_add(doc, suite, &public_key, secret, "2025-01-01T00:00:00Z", why) != OK)
		fail_msg("%s", why);
	return doc;
}

static struct proof_result check_first(const json_t *doc)
{
	struct proof_result results[PROOFS_MAX];
	size_t n = 0;
	assert_int_equal(proof_check(doc, results, &n), OK);
	assert_true(n > 0);
	return results[0];
}

static void what_is_signed_verifies_and_says_by_whom(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char method[DID_METHOD_BYTES];
		json_t *doc = signed_award(suites[i]), *again = signed_award(suites[i]);
		struct proof_result r = check_first(doc);
		did_key_method(&public_key, method);
		assert_int_equal(r.err, OK);
		assert_string_equal(r.why, "");
		assert_true(r.known);
		assert_int_equal(r.suite, suites[i]);
		assert_true(id32_equal(&r.key, &public_key));
		assert_string_equal(r.method, method);
		assert_string_equal(r.created, "2025-01-01T00:00:00Z");
		assert_true(json_equal(doc, again));
		json_t *proof = json_object_get(doc, "proof");
		assert_true(json_is_object(proof));
		assert_string_equal(json_string_value(json_object_get(proof, "cryptosuite")),
			proof_suite_name(suites[i]));
		/* eddsa-rdfc-2022 has the document's context, and needs none of its own. */
		assert_true((json_object_get(proof, "@context") != NULL) == (i == 0));
		json_decref(doc);
		json_decref(again);
	}
}

/* ---- mutations ---- */

static size_t mutations;

static void expect_noticed(const json_t *doc, const char *what, const char *key)
{
	struct proof_result r = check_first(doc);
	mutations++;
	if (r.err != ERR_SIGNATURE && r.err != ERR_REFUSED && r.err != ERR_FORMAT)
		fail_msg("%s \"%s\" went unnoticed (%d)", what, key, (int)r.err);
	if (!r.why[0])
		fail_msg("%s \"%s\": no reason", what, key);
}

static json_t *altered(const json_t *v)
{
	char text[400];
	if (json_is_string(v)) {
		snprintf(text, sizeof text, "%sx", json_string_value(v));
		return json_string(text);
	}
	if (json_is_real(v))
		return json_real(json_real_value(v) + 0.25);
	return json_boolean(!json_is_true(v));
}

static void mutate_inside(json_t *doc, json_t *v);

static void mutate_member(json_t *doc, json_t *o, const char *key)
{
	json_t *v = json_incref(json_object_get(o, key));
	json_object_del(o, key);
	expect_noticed(doc, "without", key);
	if (json_is_object(v) || json_is_array(v)) {
		json_object_set(o, key, v);
		mutate_inside(doc, v);
	} else {
		json_object_set_new(o, key, altered(v));
		expect_noticed(doc, "changed", key);
		json_object_set(o, key, v);
	}
	json_decref(v);
}

static void mutate_element(json_t *doc, json_t *a, size_t i)
{
	json_t *v = json_incref(json_array_get(a, i));
	json_array_remove(a, i);
	expect_noticed(doc, "without element of", "array");
	json_array_insert(a, i, v);
	if (json_is_object(v)) {
		mutate_inside(doc, v);
	} else {
		json_array_set_new(a, i, altered(v));
		expect_noticed(doc, "changed element of", "array");
		json_array_set(a, i, v);
	}
	json_decref(v);
}

static void mutate_inside(json_t *doc, json_t *v)
{
	if (json_is_array(v)) {
		for (size_t i = 0; i < json_array_size(v); i++)
			mutate_element(doc, v, i);
		return;
	}
	/* Copies: a key ends with its member. */
	char keys[32][40];
	size_t n = 0;
	for (void *it = json_object_iter(v); it; it = json_object_iter_next(v, it))
		if (strcmp(json_object_iter_key(it), "proof") != 0)
			snprintf(keys[n++], sizeof keys[0], "%s", json_object_iter_key(it));
	for (size_t i = 0; i < n; i++)
		mutate_member(doc, v, keys[i]);
	json_object_set_new(v, "mediaType", json_string("text/plain"));
	expect_noticed(doc, "with more", "mediaType");
	json_object_del(v, "mediaType");
	json_object_set_new(v, "unheardOf", json_true());
	expect_noticed(doc, "with more", "unheardOf");
	json_object_del(v, "unheardOf");
}

static void every_change_is_noticed(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		json_t *doc = signed_award(suites[i]), *before = json_deep_copy(doc);
		mutations = 0;
		mutate_inside(doc, doc);
		assert_int_equal(mutations, 111);
		assert_true(json_equal(doc, before));
		assert_int_equal(check_first(doc).err, OK);
		json_decref(doc);
		json_decref(before);
	}
}

static void every_change_of_the_proof_is_noticed(void **state)
{
	(void)state;
	static const char *const members[] = {
		"type", "cryptosuite", "verificationMethod", "proofPurpose", "proofValue", "created"};
	for (size_t i = 0; i < 2; i++) {
		json_t *doc = signed_award(suites[i]), *proof = json_object_get(doc, "proof");
		for (size_t k = 0; k < sizeof members / sizeof members[0]; k++) {
			json_t *v = json_incref(json_object_get(proof, members[k]));
			json_object_del(proof, members[k]);
			expect_noticed(doc, "proof without", members[k]);
			json_object_set_new(proof, members[k], altered(v));
			expect_noticed(doc, "proof with other", members[k]);
			json_object_set(proof, members[k], v);
			json_decref(v);
		}
		json_object_set_new(proof, "created", json_string("2025-01-01T00:00:01Z"));
		expect_noticed(doc, "proof with later", "created");
		json_object_set_new(proof, "created", json_string("2025-01-01T00:00:00Z"));
		json_object_set_new(proof, "nonce", json_string("x"));
		expect_noticed(doc, "proof with", "nonce");
		json_object_del(proof, "nonce");
		json_object_set_new(proof, "id", json_string("urn:example:proof"));
		expect_noticed(doc, "proof with", "id");
		json_object_del(proof, "id");
		assert_int_equal(check_first(doc).err, OK);
		json_decref(doc);
	}
}

/* A valid signature by another key does not pass as ours, nor one suite's as the other's. */
static void a_signature_belongs_to_key_and_suite(void **state)
{
	(void)state;
	struct id32 other;
	uint8_t seed[32] = {9}, other_secret[64];
	char method[DID_METHOD_BYTES];
	crypto_sign_seed_keypair(other.b, other_secret, seed);
	did_key_method(&other, method);
	for (size_t i = 0; i < 2; i++) {
		json_t *doc = signed_award(suites[i]), *proof = json_object_get(doc, "proof");
		json_object_set_new(proof, "verificationMethod", json_string(method));
		assert_int_equal(check_first(doc).err, ERR_SIGNATURE);
		json_decref(doc);
		doc = signed_award(suites[i]);
		proof = json_object_get(doc, "proof");
		json_object_set_new(proof, "cryptosuite", json_string(proof_suite_name(suites[1 - i])));
		assert_int_equal(check_first(doc).err, ERR_SIGNATURE);
		json_decref(doc);
	}
}

/* The Multikey behind the # of another method is a key to check with; who holds it is for others to say. */
static void a_method_may_only_hint_at_the_key(void **state)
{
	(void)state;
	char did[DID_KEY_BYTES], method[128];
	did_key_format(&public_key, did);
	snprintf(method, sizeof method, "https://example.org/keys#%s", did + strlen("did:key:"));
	json_t *doc = signed_award(PROOF_EDDSA_RDFC_2022);
	assert_false(check_first(doc).hinted);
	json_object_set_new(json_object_get(doc, "proof"), "verificationMethod", json_string(method));
	struct proof_result r = check_first(doc);
	/* The method itself is signed. */
	assert_int_equal(r.err, ERR_SIGNATURE);
	assert_true(r.known && r.hinted);
	assert_true(id32_equal(&r.key, &public_key));
	snprintf(method, sizeof method, "https://example.org/keys#%sx", did + strlen("did:key:"));
	json_object_set_new(json_object_get(doc, "proof"), "verificationMethod", json_string(method));
	r = check_first(doc);
	assert_int_equal(r.err, ERR_REFUSED);
	assert_false(r.known);
	json_decref(doc);
}

/* ---- refusals ---- */

static void expect_result(const char *member, json_t *value, enum err expected, const char *why)
{
	json_t *doc = signed_award(PROOF_EDDSA_JCS_2022), *proof = json_object_get(doc, "proof");
	if (value)
		json_object_set_new(proof, member, value);
	else
		json_object_del(proof, member);
	struct proof_result r = check_first(doc);
	if (r.err != expected || strcmp(r.why, why) != 0)
		fail_msg("%s: %d, \"%s\"", member, (int)r.err, r.why);
	json_decref(doc);
}

static void each_refusal_has_its_reason(void **state)
{
	(void)state;
	expect_result("type", json_string("Ed25519Signature2020"), ERR_REFUSED,
		"unknown type of proof \"Ed25519Signature2020\"");
	expect_result("type", NULL, ERR_FORMAT, "\"type\" is missing");
	expect_result("type", json_pack("[s]", "DataIntegrityProof"), ERR_FORMAT, "\"type\" is no text");
	expect_result("cryptosuite", NULL, ERR_FORMAT, "\"cryptosuite\" is missing");
	expect_result("cryptosuite", json_string("ecdsa-rdfc-2019"), ERR_REFUSED,
		"unknown cryptosuite \"ecdsa-rdfc-2019\"");
	expect_result("cryptosuite", json_stringn("eddsa-jcs-2022\0x", 16), ERR_FORMAT,
		"\"cryptosuite\" is no text");
	expect_result("proofPurpose", NULL, ERR_FORMAT, "\"proofPurpose\" is missing");
	expect_result("proofPurpose", json_string("authentication"), ERR_REFUSED,
		"unknown proofPurpose \"authentication\"");
	expect_result("previousProof", json_string("urn:example:p"), ERR_REFUSED,
		"a proof with \"previousProof\" is not supported");
	expect_result("expires", json_string("2030-01-01T00:00:00Z"), ERR_REFUSED,
		"a proof with \"expires\" is not supported");
	expect_result("domain", json_string("example.org"), ERR_REFUSED,
		"a proof with \"domain\" is not supported");
	expect_result(
		"challenge", json_string("x"), ERR_REFUSED, "a proof with \"challenge\" is not supported");
	expect_result("verificationMethod", NULL, ERR_FORMAT, "\"verificationMethod\" is missing");
	expect_result("verificationMethod", json_object(), ERR_FORMAT, "\"verificationMethod\" is no text");
	expect_result("verificationMethod", json_string("https://example.org/keys#1"), ERR_REFUSED,
		"unknown verification method \"https://example.org/keys#1\"");
	expect_result("verificationMethod",
		json_string("did:key:zDnaegE6RR3atJtHKwTRTWHsJ3kNHqFwv7n9YjTgmU7TyfU76"), ERR_REFUSED,
		"the verification method is no Ed25519 key");
	expect_result("verificationMethod", json_string("did:key:z6Mk"), ERR_REFUSED,
		"the verification method is no Ed25519 key");
	expect_result("verificationMethod", json_string("did:key:#"), ERR_FORMAT,
		"the verification method is no did:key");
	expect_result("@context", json_pack("[s]", "https://www.w3.org/ns/other"), ERR_REFUSED,
		"the document's \"@context\" does not begin with the proof's");
}

static void times_have_a_shape(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "2025", "2025-01-01", "2025-01-01T00:00:00",
		"2025-01-01 00:00:00Z", "2025-01-01T00:00:00.Z", "2025-01-01T00:00:00z",
		"2025-01-01T00:00:00+1:00", "2025-01-01T00:00:00Zx", "x025-01-01T00:00:00Z"};
	static const char *const good[] = {
		"2025-01-01T00:00:01Z", "2025-01-01T00:00:00.123Z", "2025-01-01T00:00:00-05:00"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		expect_result("created", json_string(bad[i]), ERR_FORMAT, "\"created\" is no time");
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		expect_result(
			"created", json_string(good[i]), ERR_SIGNATURE, "the signature does not verify");
	expect_result("created", json_true(), ERR_FORMAT, "\"created\" is no text");
	expect_result("created", NULL, ERR_SIGNATURE, "the signature does not verify");
}

static void proof_values_are_signatures(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "z", "u2HnFSSPPBzR36", "z0", "z2HnFSSPPBzR36",
		"z2HnFSSPPBzR36zdDgK8PbEHeXbR56YF24jwMpt3R1eHXQzJDMWS93FCzpvJpwTWd3GAVFuUfjoJdcnTMuVor51aX1",
		"z2HnFSSPPBzR36zdDgK8PbEHeXbR56YF24jwMpt3R1eHXQzJDMWS93FCzpvJpwTWd3GAVFuUfjoJdcnTMuVor51a0"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		expect_result("proofValue", json_string(bad[i]), ERR_FORMAT,
			"\"proofValue\" is no signature in base58btc");
	char text[1000];
	memset(text, 'z', sizeof text - 1);
	text[sizeof text - 1] = 0;
	expect_result(
		"proofValue", json_string(text), ERR_FORMAT, "\"proofValue\" is no signature in base58btc");
	expect_result("proofValue", NULL, ERR_FORMAT, "\"proofValue\" is missing");
	expect_result("proofValue",
		json_string(
			"z2HnFSSPPBzR36zdDgK8PbEHeXbR56YF24jwMpt3R1eHXQzJDMWS93FCzpvJpwTWd3GAVFuUfjoJdcnTMuVor51aX"),
		ERR_SIGNATURE, "the signature does not verify");
}

/* What stands behind the proof's contexts is not signed by eddsa-jcs-2022, and is by eddsa-rdfc-2022 as far as it says anything. */
static void contexts_of_the_proof_are_the_beginning(void **state)
{
	(void)state;
	json_t *doc = signed_award(PROOF_EDDSA_JCS_2022), *context = json_object_get(doc, "@context");
	json_array_append_new(context, json_string("https://www.w3.org/ns/more"));
	assert_int_equal(check_first(doc).err, OK);
	json_array_insert_new(context, 0, json_string("https://www.w3.org/ns/more"));
	assert_int_equal(check_first(doc).err, ERR_REFUSED);
	json_object_set_new(doc, "@context", json_string("https://www.w3.org/ns/credentials/v2"));
	assert_int_equal(check_first(doc).err, ERR_REFUSED);
	json_object_del(doc, "@context");
	assert_int_equal(check_first(doc).err, ERR_REFUSED);
	json_decref(doc);
	/* One text is an array of one. */
	static const char small[] =
		"{\"@context\":\"https://www.w3.org/ns/credentials/v2\",\"id\":\"urn:x:a\",\"name\":\"n\"}";
	char why[PROOF_WHY_BYTES];
	for (size_t i = 0; i < 2; i++) {
		doc = parse(small);
		assert_int_equal(
			proof_add(doc, suites[i], &public_key, secret, "2025-01-01T00:00:00Z", why), OK);
		assert_int_equal(check_first(doc).err, OK);
		json_decref(doc);
	}
}

/* The vocabulary binds only the suite that needs it. */
static void what_has_no_canonical_form_is_refused(void **state)
{
	(void)state;
	char why[PROOF_WHY_BYTES];
	json_t *doc = parse(award);
	json_object_set_new(doc, "unheardOf", json_string("x"));
	json_t *before = json_deep_copy(doc);
	assert_int_equal(
		proof_add(doc, PROOF_EDDSA_RDFC_2022, &public_key, secret, "2025-01-01T00:00:00Z", why),
		ERR_REFUSED);
	assert_string_equal(why, "unknown term \"unheardOf\" in OpenBadgeCredential");
	assert_true(json_equal(doc, before));
	assert_int_equal(
		proof_add(doc, PROOF_EDDSA_JCS_2022, &public_key, secret, "2025-01-01T00:00:00Z", why), OK);
	assert_int_equal(check_first(doc).err, OK);
	json_object_del(doc, "proof");
	json_object_set_new(doc, "unheardOf", json_integer(INT64_MAX));
	assert_int_equal(
		proof_add(doc, PROOF_EDDSA_JCS_2022, &public_key, secret, "2025-01-01T00:00:00Z", why),
		ERR_REFUSED);
	assert_string_equal(why, "it has no canonical form");
	json_decref(doc);
	json_decref(before);

	doc = signed_award(PROOF_EDDSA_RDFC_2022);
	json_object_set_new(doc, "unheardOf", json_string("x"));
	struct proof_result r = check_first(doc);
	assert_int_equal(r.err, ERR_REFUSED);
	assert_string_equal(r.why, "unknown term \"unheardOf\" in OpenBadgeCredential");
	json_decref(doc);
}

static void proofs_are_an_object_or_a_bounded_array(void **state)
{
	(void)state;
	struct proof_result results[PROOFS_MAX];
	size_t n = 99;
	char why[PROOF_WHY_BYTES];
	json_t *doc = parse(award);
	assert_int_equal(proof_check(doc, results, &n), OK);
	assert_int_equal(n, 0);
	json_object_set_new(doc, "proof", json_string("x"));
	assert_int_equal(proof_check(doc, results, &n), ERR_FORMAT);
	assert_int_equal(
		proof_add(doc, PROOF_EDDSA_JCS_2022, &public_key, secret, "2025-01-01T00:00:00Z", why),
		ERR_REFUSED);
	assert_string_equal(why, "\"proof\" is neither an object nor an array");
	json_object_set_new(doc, "proof", json_array());
	assert_int_equal(proof_check(doc, results, &n), OK);
	assert_int_equal(n, 0);
	for (size_t i = 0; i < PROOFS_MAX; i++)
		assert_int_equal(
			proof_add(doc, suites[i % 2], &public_key, secret, "2025-01-01T00:00:00Z", why), OK);
	assert_int_equal(proof_check(doc, results, &n), OK);
	assert_int_equal(n, PROOFS_MAX);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(results[i].err, OK);
	/* One bad one among them says so, and is alone in it. */
	json_array_set_new(json_object_get(doc, "proof"), 3, json_string("x"));
	assert_int_equal(proof_check(doc, results, &n), OK);
	assert_int_equal(results[3].err, ERR_FORMAT);
	assert_string_equal(results[3].why, "the proof is no object");
	assert_int_equal(results[4].err, OK);
	json_array_append_new(json_object_get(doc, "proof"), json_object());
	assert_int_equal(proof_check(doc, results, &n), ERR_LIMIT);
	json_decref(doc);
}

static void long_texts_of_others_are_cut(void **state)
{
	(void)state;
	char text[1000];
	memset(text, 0, sizeof text);
	text[0] = 'x';
	for (size_t i = 1; i + 2 < sizeof text; i += 2)
		memcpy(text + i, "\xc3\xa9", 2);
	json_t *doc = signed_award(PROOF_EDDSA_JCS_2022), *proof = json_object_get(doc, "proof");
	json_object_set_new(proof, "verificationMethod", json_string(text));
	struct proof_result r = check_first(doc);
	assert_int_equal(strlen(r.method), sizeof r.method - 1);
	/* Whole characters: jansson takes no others. */
	json_t *method = json_string(r.method), *why = json_string(r.why);
	assert_non_null(method);
	assert_non_null(why);
	json_decref(method);
	json_decref(why);
	json_decref(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_signed_verifies_and_says_by_whom),
		cmocka_unit_test(every_change_is_noticed),
		cmocka_unit_test(every_change_of_the_proof_is_noticed),
		cmocka_unit_test(a_signature_belongs_to_key_and_suite),
		cmocka_unit_test(a_method_may_only_hint_at_the_key),
		cmocka_unit_test(each_refusal_has_its_reason),
		cmocka_unit_test(times_have_a_shape),
		cmocka_unit_test(proof_values_are_signatures),
		cmocka_unit_test(contexts_of_the_proof_are_the_beginning),
		cmocka_unit_test(what_has_no_canonical_form_is_refused),
		cmocka_unit_test(proofs_are_an_object_or_a_bounded_array),
		cmocka_unit_test(long_texts_of_others_are_cut),
	};
	uint8_t seed[32] = {7};
	if (sodium_init() < 0)
		return 1;
	crypto_sign_seed_keypair(public_key.b, secret, seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
