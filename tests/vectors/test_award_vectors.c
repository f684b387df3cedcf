/* Published vectors of canonical JSON (RFC 8785) and Data Integrity proofs (W3C), and awards made with other programs: byte for byte. */
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
#include "protocol/award/rdf.h"
#include "vectors.h"

#define W3C "w3c-vc-di-eddsa/"

static struct buf load_bytes(const char *file)
{
	char path[4096];
	const char *dir = getenv("QUIRE_TEST_DATA");
	snprintf(path, sizeof path, "%s/%s", dir ? dir : "tests/vectors/data", file);
	struct buf b = {0};
	FILE *f = fopen(path, "rb");
	if (!f || buf_reserve(&b, 1 << 18) != OK)
		vectors_fail("cannot read", path);
	b.n = fread(b.p, 1, b.cap - 1, f);
	if (b.n == 0 || !feof(f))
		vectors_fail("empty or too long", path);
	fclose(f);
	b.p[b.n] = 0;
	return b;
}

/* As text files are kept: without the newline at the end, if there is one. */
static void expect_text(struct slice made, const char *file)
{
	struct buf b = load_bytes(file);
	if (b.p[b.n - 1] == '\n' && (made.n == 0 || made.p[made.n - 1] != '\n'))
		b.n--;
	if (!slice_equal(made, buf_slice(&b)))
		fail_msg("%s: %.*s", file, (int)made.n, (const char *)made.p);
	buf_free(&b);
}

static json_t *load(const char *file)
{
	char why[JSON_WHY_BYTES];
	struct buf b = load_bytes(file);
	json_t *v = NULL;
	if (json_parse(buf_slice(&b), &v, why) != OK)
		vectors_fail(why, file);
	buf_free(&b);
	return v;
}

/* ---- RFC 8785 ---- */

static void jcs_one(const char *name)
{
	char file[64];
	struct buf made = {0}, hex = {0};
	snprintf(file, sizeof file, "jcs/input/%s.json", name);
	json_t *v = load(file);
	assert_int_equal(json_canonical(v, &made), OK);
	snprintf(file, sizeof file, "jcs/output/%s.json", name);
	expect_text(buf_slice(&made), file);
	snprintf(file, sizeof file, "jcs/outhex/%s.txt", name);
	hex = load_bytes(file);
	size_t n = 0;
	const char *p = (const char *)hex.p;
	for (char *end; *(p += strspn(p, " \n\r")); p = end)
		assert_int_equal(made.p[n++], (int)strtol(p, &end, 16));
	assert_int_equal(n, made.n);
	buf_free(&made);
	buf_free(&hex);
	json_decref(v);
}

static void canonical_json_is_that_of_the_rfc(void **state)
{
	(void)state;
	static const char *const names[] = {"arrays", "french", "structures", "unicode", "values", "weird"};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		jcs_one(names[i]);
}

/* ---- W3C ---- */

/* The 32-byte seed of a "privateKeyMultibase"; the pair must fit. */
static void load_pair(const json_t *pair, struct id32 *public_key, uint8_t secret[64])
{
	struct buf b = {0};
	char did[DID_KEY_BYTES];
	const char *private_text = json_string_value(json_object_get(pair, "privateKeyMultibase"));
	const char *public_text = json_string_value(json_object_get(pair, "publicKeyMultibase"));
	assert_non_null(private_text);
	assert_int_equal(base58_decode(slice_str(private_text + 1), &b), OK);
	assert_int_equal(b.n, 34);
	assert_memory_equal(b.p, "\x80\x26", 2);
	crypto_sign_seed_keypair(public_key->b, secret, b.p + 2);
	did_key_format(public_key, did);
	assert_string_equal(did + 8, public_text);
	buf_free(&b);
}

static void hex_of(const uint8_t *p, size_t n, char *out)
{
	sodium_bin2hex(out, 2 * n + 1, p, n);
}

struct suite_files {
	const char *folder, *ending; /* "eddsa-jcs-2022/", "JCS" */
	const char *unsigned_file;
	enum proof_suite suite;
};

static void path_of(const struct suite_files *f, const char *stem, const char *type, char out[128])
{
	snprintf(out, 128, W3C "%s%s%s.%s", f->folder, stem, f->ending, type);
}

/* Canonical form and its hash, as hex appended to `combined`. */
static void expect_canonical(
	const struct suite_files *f, const json_t *v, const char *stem, const char *hash_stem, char *combined)
{
	char file[128], why[RDF_WHY_BYTES], hex[65];
	uint8_t hash[32];
	struct buf made = {0};
	enum err e = f->suite == PROOF_EDDSA_JCS_2022 ? json_canonical(v, &made)
						      : rdf_canonical(v, &made, why);
	assert_int_equal(e, OK);
	path_of(f, stem, "txt", file);
	expect_text(buf_slice(&made), file);
	crypto_hash_sha256(hash, made.p, made.n);
	hex_of(hash, 32, hex);
	path_of(f, hash_stem, "txt", file);
	expect_text(slice_str(hex), file);
	snprintf(combined + strlen(combined), sizeof hex, "%s", hex);
	buf_free(&made);
}

static void expect_signature(const struct suite_files *f, const char *value)
{
	char file[128], hex[129];
	struct buf b = {0};
	path_of(f, "sigBTC58", "txt", file);
	expect_text(slice_str(value), file);
	assert_int_equal(base58_decode(slice_str(value + 1), &b), OK);
	assert_int_equal(b.n, 64);
	hex_of(b.p, b.n, hex);
	path_of(f, "sigHex", "txt", file);
	expect_text(slice_str(hex), file);
	buf_free(&b);
}

static void expect_all_verify(const json_t *doc, size_t expected)
{
	struct proof_result results[PROOFS_MAX];
	size_t n = 0;
	assert_int_equal(proof_check(doc, results, &n), OK);
	assert_int_equal(n, expected);
	for (size_t i = 0; i < n; i++)
		if (results[i].err != OK || !results[i].known)
			fail_msg("proof %zu: %s", i, results[i].why);
}

static void suite_one(const struct suite_files *f)
{
	char file[128], combined[129] = "", why[PROOF_WHY_BYTES];
	struct id32 key;
	uint8_t secret[64];
	json_t *pair = load(W3C "keyPair.json"), *doc = load(f->unsigned_file);
	load_pair(pair, &key, secret);

	path_of(f, "proofConfig", "json", file);
	json_t *configuration = load(file);
	expect_canonical(f, configuration, "proofCanon", "proofHash", combined);
	expect_canonical(f, doc, "canonDoc", "docHash", combined);
	path_of(f, "combinedHash", "txt", file);
	expect_text(slice_str(combined), file);

	path_of(f, "signed", "json", file);
	json_t *theirs = load(file);
	expect_all_verify(theirs, 1);
	assert_int_equal(proof_add(doc, f->suite, &key, secret, "2023-02-24T23:36:38Z", why), OK);
	assert_true(json_equal(doc, theirs));
	expect_signature(f, json_string_value(json_object_get(json_object_get(doc, "proof"), "proofValue")));

	json_decref(pair);
	json_decref(doc);
	json_decref(configuration);
	json_decref(theirs);
}

static void both_suites_give_what_w3c_publishes(void **state)
{
	(void)state;
	suite_one(&(struct suite_files){"eddsa-jcs-2022/", "JCS", W3C "unsigned.json", PROOF_EDDSA_JCS_2022});
	suite_one(&(struct suite_files){
		"eddsa-rdfc-2022/", "DataInt", W3C "unsigned.json", PROOF_EDDSA_RDFC_2022});
	suite_one(&(struct suite_files){
		"eddsa-rdfc-2022/employ/", "DataInt", W3C "employmentAuth.json", PROOF_EDDSA_RDFC_2022});
}

static void proof_sets_verify_and_are_made_again(void **state)
{
	(void)state;
	json_t *pairs = load(W3C "proof-set-chain/multiKeyPairs.json");
	json_t *one = load(W3C "proof-set-chain/signedProofSet1.json");
	json_t *two = load(W3C "proof-set-chain/signedProofSet2.json");
	expect_all_verify(one, 1);
	expect_all_verify(two, 2);
	/* Proofs of ours join theirs; those do not notice. */
	struct id32 key;
	uint8_t secret[64];
	char why[PROOF_WHY_BYTES];
	load_pair(json_object_get(pairs, "keyPair3"), &key, secret);
	assert_int_equal(proof_add(two, PROOF_EDDSA_JCS_2022, &key, secret, "2023-02-26T22:06:38Z", why), OK);
	assert_int_equal(
		proof_add(two, PROOF_EDDSA_RDFC_2022, &key, secret, "2023-02-26T22:06:38Z", why), OK);
	expect_all_verify(two, 4);
	assert_int_equal(
		proof_add(one, PROOF_EDDSA_RDFC_2022, &key, secret, "2023-02-26T22:06:38Z", why), OK);
	expect_all_verify(one, 2);
	json_decref(pairs);
	json_decref(one);
	json_decref(two);
}

static void proof_chains_are_refused(void **state)
{
	(void)state;
	static const size_t sizes[] = {3, 4};
	for (size_t file = 0; file < 2; file++) {
		char name[64];
		struct proof_result results[PROOFS_MAX];
		size_t n = 0;
		snprintf(name, sizeof name, W3C "proof-set-chain/signedProofChain%zu.json", file + 1);
		json_t *doc = load(name);
		assert_int_equal(proof_check(doc, results, &n), OK);
		assert_int_equal(n, sizes[file]);
		for (size_t i = 0; i < n; i++) {
			assert_int_equal(results[i].err, i < 2 ? OK : ERR_REFUSED);
			assert_true(results[i].known == (i < 2));
		}
		assert_string_equal(results[2].why, "a proof with \"previousProof\" is not supported");
		json_decref(doc);
	}
}

/* ---- awards of other programs ---- */

static const char *proof_value(const json_t *doc, size_t i)
{
	const json_t *proof = json_object_get(doc, "proof");
	return json_string_value(
		json_object_get(json_is_array(proof) ? json_array_get(proof, i) : proof, "proofValue"));
}

/* SOURCE.txt: the issuer's seed is 32 times 0x11. */
static void sign_again(json_t *doc, enum proof_suite suite)
{
	uint8_t seed[32], secret[64];
	struct id32 key;
	char why[PROOF_WHY_BYTES];
	memset(seed, 0x11, sizeof seed);
	crypto_sign_seed_keypair(key.b, secret, seed);
	assert_int_equal(proof_add(doc, suite, &key, secret, "2025-03-01T00:00:00Z", why), OK);
}

static void award_one(const char *file, size_t n, const enum proof_suite *suites)
{
	struct buf nquads = {0};
	char why[RDF_WHY_BYTES];
	json_t *theirs = load(file), *doc = load(file);
	expect_all_verify(theirs, n);
	json_object_del(doc, "proof");
	assert_int_equal(rdf_canonical(doc, &nquads, why), OK);
	expect_text(buf_slice(&nquads), "awards/award.nq");
	for (size_t i = 0; i < n; i++)
		sign_again(doc, suites[i]);
	for (size_t i = 0; i < n; i++)
		assert_string_equal(proof_value(doc, i), proof_value(theirs, i));
	if (n > 1)
		assert_true(json_equal(doc, theirs));
	buf_free(&nquads);
	json_decref(theirs);
	json_decref(doc);
}

static void awards_of_other_programs_are_made_again(void **state)
{
	(void)state;
	static const enum proof_suite both[] = {PROOF_EDDSA_JCS_2022, PROOF_EDDSA_RDFC_2022};
	award_one("awards/award-jcs.json", 1, both);
	award_one("awards/award-rdfc.json", 1, both + 1);
	award_one("awards/award-both.json", 2, both);
}

/* The reviewer's endorsement inside the award, by its own: its seed is 32 times 0x22. */
static void the_endorsement_inside_verifies_by_itself(void **state)
{
	(void)state;
	uint8_t seed[32], secret[64];
	struct id32 key;
	struct proof_result results[PROOFS_MAX];
	size_t n = 0;
	json_t *doc = load("awards/award-both.json");
	json_t *endorsement = json_array_get(json_object_get(doc, "endorsement"), 0);
	memset(seed, 0x22, sizeof seed);
	crypto_sign_seed_keypair(key.b, secret, seed);
	assert_int_equal(proof_check(endorsement, results, &n), OK);
	assert_int_equal(n, 1);
	assert_int_equal(results[0].err, OK);
	assert_true(id32_equal(&results[0].key, &key));
	assert_int_equal(results[0].suite, PROOF_EDDSA_JCS_2022);
	json_decref(doc);
}

static void the_proof_configuration_is_one_blank_node(void **state)
{
	(void)state;
	struct buf nquads = {0};
	char why[RDF_WHY_BYTES];
	json_t *doc = load("awards/award-rdfc.json");
	json_t *configuration = json_copy(json_object_get(doc, "proof"));
	json_object_del(configuration, "proofValue");
	json_object_set(configuration, "@context", json_object_get(doc, "@context"));
	assert_int_equal(rdf_canonical(configuration, &nquads, why), OK);
	expect_text(buf_slice(&nquads), "awards/proof.nq");
	buf_free(&nquads);
	json_decref(configuration);
	json_decref(doc);
}

/* SOURCE.txt: every term of the two contexts, made by another program. */
static void every_term_is_what_other_programs_make_of_it(void **state)
{
	(void)state;
	static const char *const versions[] = {"3.0.2", "3.0.3"};
	for (size_t i = 0; i < 2; i++) {
		char file[64], why[RDF_WHY_BYTES];
		struct buf nquads = {0};
		snprintf(file, sizeof file, "awards/terms-%s.json", versions[i]);
		json_t *doc = load(file);
		if (rdf_canonical(doc, &nquads, why) != OK)
			fail_msg("%s: %s", file, why);
		snprintf(file, sizeof file, "awards/terms-%s.nq", versions[i]);
		expect_text(buf_slice(&nquads), file);
		buf_free(&nquads);
		json_decref(doc);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(canonical_json_is_that_of_the_rfc),
		cmocka_unit_test(both_suites_give_what_w3c_publishes),
		cmocka_unit_test(proof_sets_verify_and_are_made_again),
		cmocka_unit_test(proof_chains_are_refused),
		cmocka_unit_test(awards_of_other_programs_are_made_again),
		cmocka_unit_test(the_endorsement_inside_verifies_by_itself),
		cmocka_unit_test(the_proof_configuration_is_one_blank_node),
		cmocka_unit_test(every_term_is_what_other_programs_make_of_it),
	};
	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
