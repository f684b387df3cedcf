/* The credential of an award and the endorsements of its reviewers: what stands in them, that they are always the same, whose they are, and times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>

#include "protocol/award/credential.h"
#include "protocol/award/credential_int.h"
#include "protocol/award/json.h"
#include "protocol/award/multikey.h"
#include "protocol/log/hash.h"
#include "protocol/log/secret.h"

/* Two criteria of two levels each. Everything that may be there; then nothing of it. */
static const char full_text[] =
	"{\"title\": \"Gestures\", \"competency\": \"Uses gestures.\", \"key_method\": \"Agree on gestures.\","
	" \"method_components\": [\"Choose\", \"Practise\"], \"research\": [\"R\"], \"language\": \"en\", \"tags\": [\"one\", \"two\"],"
	" \"valid_months\": 36, \"alignment\": [{\"framework\": \"F\", \"name\": \"N\", \"url\": \"https://example.org/n\", \"code\": \"C1\"}],"
	" \"requirements\": [{\"id\": \"video\", \"kind\": \"artifact\", \"prompt\": \"A video\"},"
	"  {\"id\": \"text\", \"kind\": \"reflection\", \"prompt\": \"A text\"}],"
	" \"rubric\": [{\"id\": \"use\", \"name\": \"Use\", \"required_level\": \"l2\", \"levels\": [{\"id\": \"l1\", \"name\": \"One\","
	"  \"description\": \"First.\", \"points\": 1}, {\"id\": \"l2\", \"name\": \"Two\", \"description\": \"Second.\", \"points\": 2}]},"
	"  {\"id\": \"see\", \"name\": \"See\", \"required_level\": \"l2\", \"levels\": [{\"id\": \"l1\", \"name\": \"Low\","
	"  \"description\": \"L.\"}, {\"id\": \"l2\", \"name\": \"High\", \"description\": \"H.\"}]}],"
	" \"review\": {\"reviewers\": 1}}";
static const char bare_text[] =
	"{\"title\": \"Gestures\", \"competency\": \"Uses gestures.\", \"key_method\": \"Agree on gestures.\", \"research\": [\"R\"],"
	" \"requirements\": [{\"id\": \"video\", \"kind\": \"artifact\", \"prompt\": \"A video\"}],"
	" \"rubric\": [{\"id\": \"use\", \"name\": \"Use\", \"required_level\": \"l2\", \"levels\": [{\"id\": \"l1\", \"name\": \"One\","
	"  \"description\": \"First.\"}, {\"id\": \"l2\", \"name\": \"Two\", \"description\": \"Second.\"}]}],"
	" \"review\": {\"reviewers\": 1}}";

static struct definition full, bare;
static uint8_t issuer_secret[64], other_secret[64];
static struct credential_source source;
static const size_t levels[] = {1, 0};
static struct endorsement_source endorsement;

static int start(void **state)
{
	(void)state;
	static const uint8_t seeds[2][32] = {{1}, {2}};
	struct id32 other;
	secret_sign_pair(seeds[0], &source.issuer_key, issuer_secret);
	secret_sign_pair(seeds[1], &other, other_secret);
	if (definition_read(slice_str(full_text), &full, NULL) != OK ||
		definition_read(slice_str(bare_text), &bare, NULL) != OK)
		return -1;
	source.definition = &full;
	source.definition_at = (struct entry_ref){.log = {{7}}, .seq = 12, .id = {{8}}};
	source.submission = (struct id32){{9}};
	source.manifest = slice_str("manifest");
	source.earner_key = other;
	source.issuer_name = "Example School";
	source.valid_from = "2024-02-29T12:30:05Z";
	source.levels = levels;
	endorsement = (struct endorsement_source){.definition = &full,
		.award = credential_award_id(&source.submission, &source.definition_at.id),
		.reviewer = {{5}},
		.reviewer_key = other,
		.reviewer_name = "R. Reviewer",
		.valid_from = "2024-02-29T12:30:05Z",
		.manifest = slice_str("manifest"),
		.levels = levels};
	return 0;
}

static int stop(void **state)
{
	(void)state;
	definition_deinit(&full);
	definition_deinit(&bare);
	return 0;
}

static json_t *build(const struct credential_source *src)
{
	json_t *doc = NULL;
	assert_int_equal(credential_award_build(src, &doc), OK);
	return doc;
}

static json_t *build_signed(void)
{
	char why[PROOF_WHY_BYTES];
	json_t *doc = build(&source);
	assert_int_equal(credential_sign(doc, &source.issuer_key, issuer_secret, why), OK);
	return doc;
}

/* The text at a path like "a.0.b". */
static const char *text_at(const json_t *v, const char *path)
{
	char part[64];
	while (v && *path) {
		size_t n = strcspn(path, ".");
		snprintf(part, sizeof part, "%.*s", (int)n, path);
		v = json_is_array(v) ? json_array_get(v, strtoul(part, NULL, 10)) : json_object_get(v, part);
		path += n + (path[n] == '.');
	}
	return json_string_value(v);
}

static void expect_text(const json_t *doc, const char *path, const char *text)
{
	const char *got = text_at(doc, path);
	if (!got || strcmp(got, text) != 0)
		fail_msg("%s: %s", path, got ? got : "nothing");
}

/* ---- what stands there */

#define D "0800000000000000000000000000000000000000000000000000000000000000"

static void the_credential_says_what_its_sources_say(void **state)
{
	(void)state;
	char award[96], path[160], did[DID_KEY_BYTES];
	struct id32 id = credential_award_id(&source.submission, &source.definition_at.id);
	uint8_t both[64];
	memcpy(both, source.submission.b, 32);
	memcpy(both + 32, source.definition_at.id.b, 32);
	struct id32 expected = hash_bytes(HASH_AWARD, both, sizeof both);
	assert_true(id32_equal(&id, &expected));
	credential_award_urn(&id, award);
	json_t *doc = build(&source);
	expect_text(doc, "id", award);
	expect_text(doc, "name", "Gestures");
	did_key_format(&source.issuer_key, did);
	expect_text(doc, "issuer.id", did);
	expect_text(doc, "issuer.name", "Example School");
	expect_text(doc, "validFrom", "2024-02-29T12:30:05Z");
	expect_text(doc, "validUntil", "2027-02-28T12:30:05Z");
	did_key_format(&source.earner_key, did);
	expect_text(doc, "credentialSubject.id", did);
	expect_text(doc, "credentialSubject.achievement.id", "urn:quire:definition:" D);
	expect_text(doc, "credentialSubject.achievement.criteria.narrative",
		"Agree on gestures.\n\nMethod:\n- Choose\n- Practise\n\nEvidence:\n- A video\n- A text");
	expect_text(doc, "credentialSubject.achievement.tag.1", "two");
	expect_text(doc, "credentialSubject.achievement.alignment.0.targetCode", "C1");
	expect_text(doc, "credentialSubject.achievement.otherIdentifier.0.identifier",
		"0700000000000000000000000000000000000000000000000000000000000000:12:" D);
	expect_text(
		doc, "credentialSubject.achievement.resultDescription.0.rubricCriterionLevel.1.points", "2");
	const char *achieved = text_at(doc, "credentialSubject.result.0.achievedLevel");
	assert_non_null(achieved);
	expect_text(
		doc, "credentialSubject.achievement.resultDescription.0.rubricCriterionLevel.1.id", achieved);
	achieved = text_at(doc, "credentialSubject.result.1.achievedLevel");
	expect_text(
		doc, "credentialSubject.achievement.resultDescription.1.rubricCriterionLevel.0.id", achieved);
	expect_text(doc, "evidence.0.id", "ni:///sha-256;BbOr8leaXrZkA814vlV_2GBjOh_iEDx2QgMN7-MsZX8");
	expect_text(doc, "relatedResource.0.id", text_at(doc, "evidence.0.id"));
	snprintf(path, sizeof path, "%s#use", award);
	expect_text(doc, "credentialSubject.result.0.id", path);
	json_decref(doc);
}

static void what_is_not_there_is_left_out(void **state)
{
	(void)state;
	struct credential_source src = source;
	src.definition = &bare;
	json_t *doc = build(&src);
	const json_t *achievement = json_object_get(json_object_get(doc, "credentialSubject"), "achievement");
	assert_null(json_object_get(doc, "validUntil"));
	assert_null(json_object_get(achievement, "inLanguage"));
	assert_null(json_object_get(achievement, "tag"));
	assert_null(json_object_get(achievement, "alignment"));
	assert_null(text_at(achievement, "resultDescription.0.rubricCriterionLevel.0.points"));
	expect_text(achievement, "criteria.narrative", "Agree on gestures.\n\nEvidence:\n- A video");
	json_decref(doc);
}

/* Every object has an id: so there are no blank nodes. */
static void expect_ids(const json_t *v)
{
	const char *key;
	json_t *inner;
	if (json_is_object(v))
		assert_non_null(json_object_get(v, "id"));
	json_object_foreach((json_t *)(uintptr_t)v, key, inner)
	{
		expect_ids(inner);
	}
	for (size_t i = 0; i < json_array_size(v); i++)
		expect_ids(json_array_get(v, i));
}

static void every_object_has_an_id_and_the_shape_is_sound(void **state)
{
	(void)state;
	char why[PROOF_WHY_BYTES];
	json_t *doc = build(&source), *other = NULL;
	expect_ids(doc);
	assert_int_equal(credential_shape_check(doc, why), OK);
	assert_int_equal(credential_endorsement_build(&endorsement, &other), OK);
	expect_ids(other);
	assert_int_equal(credential_shape_check(other, why), OK);
	expect_text(other, "credentialSubject.endorsementComment",
		"Reviewed against the rubric:\n- Use: Two\n- See: Low");
	expect_text(other, "name", "Endorsement: Gestures");
	json_decref(doc);
	json_decref(other);
}

static void names_and_times_that_cannot_stand_there_are_refused(void **state)
{
	(void)state;
	char name[CREDENTIAL_NAME_MAX + 2];
	json_t *doc = NULL;
	struct credential_source src = source;
	memset(name, 'n', sizeof name);
	name[CREDENTIAL_NAME_MAX] = 0;
	src.issuer_name = name;
	doc = build(&src);
	json_decref(doc);
	name[CREDENTIAL_NAME_MAX] = 'n';
	name[CREDENTIAL_NAME_MAX + 1] = 0;
	assert_int_equal(credential_award_build(&src, &doc), ERR_INPUT);
	src.issuer_name = "";
	assert_int_equal(credential_award_build(&src, &doc), ERR_INPUT);
	src = source;
	src.valid_from = "2024-02-30T12:30:05Z";
	assert_int_equal(credential_award_build(&src, &doc), ERR_INPUT);
}

/* ---- comparing */

static void a_credential_matches_its_sources_and_no_others(void **state)
{
	(void)state;
	char where[96];
	struct id32 key;
	struct credential_source src = source;
	json_t *doc = build_signed();
	src.issuer_key = (struct id32){{0}};
	src.issuer_name = NULL;
	src.valid_from = NULL;
	assert_int_equal(credential_award_matches(doc, &src, &key, where), OK);
	assert_true(id32_equal(&key, &source.issuer_key));
	static const size_t better[] = {1, 1};
	src.levels = better;
	assert_int_equal(credential_award_matches(doc, &src, &key, where), ERR_HASH);
	assert_non_null(strstr(where, "achievedLevel"));
	src = source;
	src.definition = &bare;
	assert_int_equal(credential_award_matches(doc, &src, &key, where), ERR_HASH);
	src = source;
	src.manifest = slice_str("another");
	assert_int_equal(credential_award_matches(doc, &src, &key, where), ERR_HASH);
	src = source;
	src.submission.b[0] ^= 1;
	assert_int_equal(credential_award_matches(doc, &src, &key, where), ERR_HASH);
	src = source;
	src.earner_key = source.issuer_key;
	assert_int_equal(credential_award_matches(doc, &src, &key, where), ERR_HASH);
	json_object_set_new(doc, "description", json_string("more"));
	assert_int_equal(credential_award_matches(doc, &source, &key, where), ERR_HASH);
	assert_string_equal(where, "description");
	json_object_del(doc, "description");
	json_object_del(doc, "validFrom");
	assert_int_equal(credential_award_matches(doc, &source, &key, where), ERR_FORMAT);
	json_decref(doc);
}

static void an_endorsement_matches_its_sources_and_no_others(void **state)
{
	(void)state;
	char where[96], why[PROOF_WHY_BYTES];
	struct id32 key;
	struct endorsement_source src = endorsement;
	json_t *doc = NULL;
	assert_int_equal(credential_endorsement_build(&endorsement, &doc), OK);
	assert_int_equal(credential_sign(doc, &endorsement.reviewer_key, other_secret, why), OK);
	src.reviewer_key = (struct id32){{0}};
	assert_int_equal(credential_endorsement_matches(doc, &src, &key, where), OK);
	assert_true(id32_equal(&key, &endorsement.reviewer_key));
	src.reviewer.b[0] ^= 1;
	assert_int_equal(credential_endorsement_matches(doc, &src, &key, where), ERR_HASH);
	src = endorsement;
	src.award.b[0] ^= 1;
	assert_int_equal(credential_endorsement_matches(doc, &src, &key, where), ERR_HASH);
	src = endorsement;
	src.comment = "I was there.";
	assert_int_equal(credential_endorsement_matches(doc, &src, &key, where), ERR_HASH);
	json_decref(doc);
}

/* ---- proofs */

/* Signed well by the issuer's key, but the method is a page that says so. */
static void a_proof_whose_method_only_hints_at_the_key_is_none_of_the_issuers(void **state)
{
	(void)state;
	char why[PROOF_WHY_BYTES], did[DID_KEY_BYTES], method[128];
	uint8_t hashes[64], signature[64];
	struct buf text = {0};
	json_t *doc = build_signed(), *unsecured = json_copy(doc), *proof = NULL;
	json_object_del(unsecured, "proof");
	for (size_t i = 0; i < 2; i++) {
		json_t *one = json_array_get(json_object_get(doc, "proof"), i);
		if (strcmp(json_string_value(json_object_get(one, "cryptosuite")), "eddsa-jcs-2022") == 0)
			proof = one;
	}
	did_key_format(&source.issuer_key, did);
	snprintf(method, sizeof method, "https://example.org/keys#%s", did + strlen("did:key:"));
	json_object_set_new(proof, "verificationMethod", json_string(method));
	json_object_del(proof, "proofValue");
	const json_t *parts[] = {proof, unsecured};
	for (size_t i = 0; i < 2; i++) {
		text.n = 0;
		assert_int_equal(json_canonical(parts[i], &text), OK);
		crypto_hash_sha256(hashes + 32 * i, text.p, text.n);
	}
	crypto_sign_detached(signature, NULL, hashes, sizeof hashes, issuer_secret);
	text.n = 0;
	assert_int_equal(buf_put(&text, "z", 1), OK);
	assert_int_equal(base58_encode(signature, sizeof signature, &text), OK);
	json_object_set_new(proof, "proofValue", json_stringn((const char *)text.p, text.n));
	struct proof_result r[PROOFS_MAX];
	size_t n;
	assert_int_equal(proof_check(doc, r, &n), OK);
	assert_int_equal(n, 2);
	assert_int_equal(r[0].err, OK);
	assert_int_equal(r[1].err, OK);
	assert_int_equal(credential_proofs_check(doc, &source.issuer_key, why), ERR_SIGNATURE);
	assert_string_equal(why, "A proof is by another key than the issuer's.");
	buf_free(&text);
	json_decref(unsecured);
	json_decref(doc);
}

static void both_proofs_must_be_there_by_the_one_key_at_valid_from(void **state)
{
	(void)state;
	char why[PROOF_WHY_BYTES];
	json_t *doc = build_signed(), *one = build(&source), *late = build(&source);
	assert_int_equal(credential_proofs_check(doc, &source.issuer_key, why), OK);
	assert_int_equal(credential_proofs_check(doc, &source.earner_key, why), ERR_SIGNATURE);
	json_array_remove(json_object_get(doc, "proof"), 0);
	assert_int_equal(credential_proofs_check(doc, &source.issuer_key, why), ERR_SIGNATURE);
	assert_string_equal(why, "It must have two proofs, one of each suite.");
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(proof_add(one, PROOF_EDDSA_JCS_2022, &source.issuer_key, issuer_secret,
					 source.valid_from, why),
			OK);
	assert_int_equal(credential_proofs_check(one, &source.issuer_key, why), ERR_SIGNATURE);
	assert_int_equal(proof_add(late, PROOF_EDDSA_JCS_2022, &source.issuer_key, issuer_secret,
				 source.valid_from, why),
		OK);
	assert_int_equal(proof_add(late, PROOF_EDDSA_RDFC_2022, &source.issuer_key, issuer_secret,
				 "2024-03-01T00:00:00Z", why),
		OK);
	assert_int_equal(credential_proofs_check(late, &source.issuer_key, why), ERR_FORMAT);
	json_decref(doc);
	json_decref(one);
	json_decref(late);
	doc = build(&source);
	assert_int_equal(credential_proofs_check(doc, &source.issuer_key, why), ERR_SIGNATURE);
	json_object_set_new(doc, "proof", json_integer(1));
	assert_int_equal(credential_proofs_check(doc, &source.issuer_key, why), ERR_FORMAT);
	json_decref(doc);
}

static void signing_again_gives_the_same_bytes(void **state)
{
	(void)state;
	struct buf a = {0}, b = {0};
	json_t *x = build_signed(), *y = build_signed();
	assert_int_equal(json_canonical(x, &a), OK);
	assert_int_equal(json_canonical(y, &b), OK);
	assert_true(slice_equal(buf_slice(&a), buf_slice(&b)));
	json_decref(x);
	json_decref(y);
	buf_free(&a);
	buf_free(&b);
}

/* ---- times */

static void times_are_written_and_read(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint64_t seconds;
	} times[] = {{"1970-01-01T00:00:00Z", 0}, {"2000-02-29T23:59:59Z", 951868799},
		{"2024-03-01T00:00:00Z", 1709251200}, {"9999-12-31T23:59:59Z", UINT64_C(253402300799)}};
	static const char *const wrong[] = {"", "2024-03-01", "2024-03-01T00:00:00", "2024-03-01T00:00:00z",
		"2023-02-29T00:00:00Z", "1900-01-01T00:00:00Z", "2024-13-01T00:00:00Z",
		"2024-00-01T00:00:00Z", "2024-01-00T00:00:00Z", "2024-04-31T00:00:00Z",
		"2024-01-01T24:00:00Z", "2024-01-01T00:60:00Z", "2024-01-01T00:00:60Z",
		"2024-01-01T00:00:00Z ", "+024-01-01T00:00:00Z"};
	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
		char text[CREDENTIAL_TIME_BYTES];
		uint64_t seconds = 1;
		credential_time_format(times[i].seconds, text);
		assert_string_equal(text, times[i].text);
		assert_int_equal(credential_time_parse(text, &seconds), OK);
		assert_int_equal(seconds, times[i].seconds);
		assert_int_equal(credential_time_read(text, &seconds), OK);
		assert_int_equal(seconds, times[i].seconds);
	}
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		uint64_t seconds;
		assert_int_equal(credential_time_parse(wrong[i], &seconds), ERR_FORMAT);
		assert_int_equal(credential_time_read(wrong[i], &seconds), ERR_FORMAT);
	}
}

static void times_of_others_have_zones_and_fractions(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint64_t seconds;
	} times[] = {{"2024-03-01T00:00:00.123Z", 1709251200}, {"2024-03-01T01:30:00+01:30", 1709251200},
		{"2024-02-29T16:00:00.5-08:00", 1709251200}, {"1970-01-01T00:00:00+10:00", 0}};
	static const char *const wrong[] = {"2024-03-01T00:00:00.Z", "2024-03-01T00:00:00+1:00",
		"2024-03-01T00:00:00+24:00", "2024-03-01T00:00:00+01:60", "2024-03-01T00:00:00+01:000",
		"2024-03-01T00:00:00+01-00", "2024-03-01T00:00:00.1"};
	uint64_t seconds;
	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
		assert_int_equal(credential_time_read(times[i].text, &seconds), OK);
		assert_int_equal(seconds, times[i].seconds);
	}
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		assert_int_equal(credential_time_read(wrong[i], &seconds), ERR_FORMAT);
}

static void months_later_is_the_same_day_or_the_last(void **state)
{
	(void)state;
	static const struct {
		const char *from;
		unsigned months;
		const char *until;
	} cases[] = {{"2024-01-31T10:00:00Z", 1, "2024-02-29T10:00:00Z"},
		{"2023-01-31T10:00:00Z", 1, "2023-02-28T10:00:00Z"},
		{"2024-02-29T00:00:00Z", 12, "2025-02-28T00:00:00Z"},
		{"2024-02-29T00:00:00Z", 48, "2028-02-29T00:00:00Z"},
		{"2024-12-15T23:59:59Z", 1, "2025-01-15T23:59:59Z"},
		{"2024-08-31T00:00:00Z", 600, "2074-08-31T00:00:00Z"}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char until[CREDENTIAL_TIME_BYTES];
		uint64_t from;
		assert_int_equal(credential_time_parse(cases[i].from, &from), OK);
		credential_add_months(from, cases[i].months, until);
		assert_string_equal(until, cases[i].until);
	}
}

/* ---- what it says of itself */

static void texts_of_others_are_cut_at_whole_characters(void **state)
{
	(void)state;
	struct credential_about about;
	char name[400] = "";
	for (size_t i = 0; i < 133; i++)
		memcpy(name + 3 * i, "\xe2\x82\xac", 4); /* a euro sign */
	json_t *doc = json_pack("{s:s, s:s, s:s, s:{s:s}, s:[s,s], s:{s:s}}", "name", name, "issuer",
		"https://example.org", "id", "urn:x:1", "endorsement", "a", "b", "evidence", "x", "y",
		"credentialSubject", "id", "did:example:1");
	credential_read_about(doc, &about);
	assert_int_equal(strlen(about.name), 198);
	assert_string_equal(about.issuer, "https://example.org");
	assert_string_equal(about.issuer_name, "");
	assert_string_equal(about.subject, "did:example:1");
	assert_string_equal(about.type, "");
	assert_int_equal(about.endorsements, 1);
	assert_int_equal(about.evidence, 2);
	json_decref(doc);
	doc = json_pack("[i]", 1);
	credential_read_about(doc, &about);
	assert_string_equal(about.id, "");
	json_decref(doc);
	credential_read_about(NULL, &about);
	assert_string_equal(about.name, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_credential_says_what_its_sources_say),
		cmocka_unit_test(what_is_not_there_is_left_out),
		cmocka_unit_test(every_object_has_an_id_and_the_shape_is_sound),
		cmocka_unit_test(names_and_times_that_cannot_stand_there_are_refused),
		cmocka_unit_test(a_credential_matches_its_sources_and_no_others),
		cmocka_unit_test(an_endorsement_matches_its_sources_and_no_others),
		cmocka_unit_test(a_proof_whose_method_only_hints_at_the_key_is_none_of_the_issuers),
		cmocka_unit_test(both_proofs_must_be_there_by_the_one_key_at_valid_from),
		cmocka_unit_test(signing_again_gives_the_same_bytes),
		cmocka_unit_test(times_are_written_and_read),
		cmocka_unit_test(times_of_others_have_zones_and_fractions),
		cmocka_unit_test(months_later_is_the_same_day_or_the_last),
		cmocka_unit_test(texts_of_others_are_cut_at_whole_characters),
	};
	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, start, stop);
}
