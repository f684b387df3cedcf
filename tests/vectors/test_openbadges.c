/* Credentials that 1EdTech publishes for verifiers, sound ones and broken ones: what this one says of each, and which line decides.
 * What they call valid is never more than "not known" here: a credential by itself does not show who its issuer is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "protocol/award/json.h"
#include "protocol/award/verdict.h"
#include "vectors.h"

#define NOW UINT64_C(1750000000) /* in June 2025 */

static struct buf load(const char *name)
{
	char path[4096];
	const char *dir = getenv("QUIRE_TEST_DATA");
	struct buf b = {0};
	snprintf(path, sizeof path, "%s/openbadges/%s", dir ? dir : "tests/vectors/data", name);
	FILE *f = fopen(path, "rb");
	if (!f || buf_reserve(&b, 1 << 18) != OK)
		vectors_fail("cannot read", path);
	b.n = fread(b.p, 1, b.cap, f);
	if (b.n == 0 || !feof(f))
		vectors_fail("empty or too long", path);
	fclose(f);
	return b;
}

static struct verdict judge(struct slice file, uint64_t now_s)
{
	static struct verdict v;
	const struct verdict_roots nobody = {0};
	assert_int_equal(verdict_of_file(file, &nobody, now_s, &v), OK);
	return v;
}

static const struct judge_line *line_of(const struct verdict *v, const char *code)
{
	for (size_t i = 0; i < v->lines.lines_n; i++)
		if (strcmp(v->lines.lines[i].code, code) == 0)
			return &v->lines.lines[i];
	return NULL;
}

static void expect(const char *name, struct slice file, uint64_t now_s, int code, const char *decides)
{
	static struct verdict v;
	v = judge(file, now_s);
	const struct judge_line *line = verdict_decisive(&v);
	assert_non_null(line);
	if (verdict_exit_code(&v) != code || strcmp(line->code, decides) != 0)
		fail_msg("%s: %d by %s: %s", name, verdict_exit_code(&v), line->code, line->text);
}

/* ---- the published files */

static const struct {
	const char *file;
	int code;
	const char *decides;
	const char *also; /* the code of a line that must be there too, or NULL */
} cases[] = {
	/* All that Open Badges 3.0 can say, nodes without an id that only more than first-degree hashes tell apart: SPEC 17.4 refuses them. */
	{"complete.json", 7, "proof-none", "status"},
	{"endorsement-valid.json", 7, "issuer-key", "bare"},
	/* did:key signs for an issuer that is a urn: good, but whose key? */
	{"simple-did-key-method.json", 7, "issuer-key", "bare"},
	{"simple-json.png", 7, "issuer-key", "bare"},
	{"simple-json.svg", 7, "issuer-key", "bare"},
	/* One proof of a type that nobody knows, and a good one. */
	{"simple-multiple-proofs.json", 7, "issuer-key", "proof-unknown"},
	{"simple-err-context.json", 6, "shape", NULL},
	{"simple-err-expired.json", 6, "expired", "issuer-key"},
	{"simple-err-issuer.json", 6, "shape", NULL},
	{"simple-err-proof-value.json", 6, "proof", NULL},
};

static void each_published_file_gets_its_verdict(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		static struct verdict v;
		struct buf b = load(cases[i].file);
		expect(cases[i].file, buf_slice(&b), NOW, cases[i].code, cases[i].decides);
		v = judge(buf_slice(&b), NOW);
		assert_true(v.readable && !v.bundled);
		if (cases[i].also && !line_of(&v, cases[i].also))
			fail_msg("%s: no line %s", cases[i].file, cases[i].also);
		buf_free(&b);
	}
}

static void what_a_credential_says_of_itself_is_read(void **state)
{
	(void)state;
	static struct verdict v;
	char headline[256];
	struct buf b = load("simple-json.svg");
	v = judge(buf_slice(&b), NOW);
	assert_string_equal(v.about.type, "OpenBadgeCredential");
	assert_string_equal(v.about.name, "Teamwork Badge");
	assert_string_equal(v.about.issuer, "https://example.com/issuers/876543");
	assert_string_equal(v.about.issuer_name, "Example Corp");
	assert_string_equal(v.about.valid_from, "2010-01-01T00:00:00Z");
	assert_string_equal(v.about.valid_until, "");
	verdict_headline(&v, headline);
	assert_string_equal(headline,
		"Not known: Proof 1 (eddsa-rdfc-2022) verifies, but nothing here shows that its key is the issuer's.");
	buf_free(&b);
}

static void every_bit_of_a_proven_text_is_covered(void **state)
{
	(void)state;
	struct buf b = load("simple-did-key-method.json");
	const char *const parts[] = {
		"Andy", "test achievement", "There is no", "v3aez3r18", "2022-11-10", "z5v2mk"};
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		uint8_t *at = (uint8_t *)memmem(b.p, b.n, parts[i], strlen(parts[i]));
		assert_non_null(at);
		at[3] ^= 1;
		static struct verdict v;
		v = judge(buf_slice(&b), NOW);
		if (verdict_exit_code(&v) != 6)
			fail_msg("%s altered: %d", parts[i], verdict_exit_code(&v));
		at[3] ^= 1;
	}
	buf_free(&b);
}

/* ---- made from them */

/* The file with one text in the place of another. */
static struct buf altered(const char *file, const char *from, const char *to)
{
	struct buf b = load(file), out = {0};
	uint8_t *at = (uint8_t *)memmem(b.p, b.n, from, strlen(from));
	assert_non_null(at);
	size_t before = (size_t)(at - b.p);
	assert_int_equal(buf_put(&out, b.p, before), OK);
	assert_int_equal(buf_put(&out, to, strlen(to)), OK);
	assert_int_equal(buf_put(&out, at + strlen(from), b.n - before - strlen(from)), OK);
	buf_free(&b);
	return out;
}

static void expect_altered(const char *file, const char *from, const char *to, int code, const char *decides)
{
	struct buf b = altered(file, from, to);
	expect(to, buf_slice(&b), NOW, code, decides);
	buf_free(&b);
}

static void days_are_judged_by_the_time_that_is_given(void **state)
{
	(void)state;
	struct buf b = load("endorsement-valid.json");
	expect("after", buf_slice(&b), UINT64_C(1900000000), 6, "expired");
	expect("last second", buf_slice(&b), UINT64_C(1893456000), 7, "issuer-key");
	expect("one more", buf_slice(&b), UINT64_C(1893456001), 6, "expired");
	expect("before", buf_slice(&b), 1, 6, "not-yet-valid");
	expect("not asked", buf_slice(&b), 0, 7, "issuer-key");
	buf_free(&b);
	b = load("simple-did-key-method.json"); /* 2022-11-10T07:38:00-08:00 */
	expect("a second early", buf_slice(&b), UINT64_C(1668094679), 6, "not-yet-valid");
	expect("on time", buf_slice(&b), UINT64_C(1668094680), 7, "issuer-key");
	buf_free(&b);
}

static void a_credential_without_what_its_shape_needs_is_wrong(void **state)
{
	(void)state;
	static const char *const members[] = {"\"id\": \"urn:uuid:280", "\"validFrom\"",
		"\"name\": \"test 1\",\n  \"credential", "\"criteria\"", "\"description\"", "\"achievement\"",
		"\"AchievementSubject\"", "\"Profile\"", "\"AchievementCredential\"", "\"credentialSubject\"",
		"\"VerifiableCredential\""};
	for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
		char other[128];
		snprintf(other, sizeof other, "%s", members[i]);
		other[1] = 'x';
		struct buf b = altered("simple-did-key-method.json", members[i], other);
		static struct verdict v;
		v = judge(buf_slice(&b), NOW);
		assert_string_equal(verdict_decisive(&v)->code, "shape");
		buf_free(&b);
	}
	expect_altered("simple-json.svg", "2010-01-01T00:00:00Z", "2010-01-01", 6, "shape");
	expect_altered("simple-json.svg", "https://www.w3.org/ns/credentials/v2",
		"https://www.w3.org/ns/credentials/v1", 6, "shape");
}

static void a_proof_must_be_by_the_key_of_the_issuer(void **state)
{
	(void)state;
	/* The signature is good, and the method is another's: so nothing but the method is at fault. */
	struct buf b = altered("simple-did-key-method.json", "\"proof\": [{", "\"proof\": [], \"x\": [{");
	expect("no proof", buf_slice(&b), NOW, 6, "unsigned");
	buf_free(&b);
	expect_altered("simple-multiple-proofs.json", "\"type\": \"DataIntegrityProof\"",
		"\"type\": \"OtherProof\"", 7, "proof-none");
	expect_altered(
		"simple-multiple-proofs.json", "\"proofValue\": \"z41", "\"proofValue\": \"z42", 6, "proof");
	expect_altered("simple-json.svg", "\"@context\": [", "\"@context\": 7, \"y\": [", 6, "shape");
}

static void other_papers_are_recognised_and_not_judged(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int code;
		const char *decides;
	} papers[] = {
		{"eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL2V4YW1wbGUuZWR1In0.c2lnbmF0dXJl\n", 7, "jwt"},
		{"{\"@context\": \"https://w3id.org/openbadges/v2\", \"type\": \"Assertion\", \"id\": \"https://example.edu/1\"}",
			7, "open-badges-2"},
		{"{\"uid\": \"1\", \"badge\": \"https://example.edu/b\", \"verify\": {\"type\": \"hosted\"}}",
			7, "open-badges-2"},
		{"{\"hello\": \"world\"}", 7, "no-credential"},
		{"", 7, "no-credential"},
		{" \n", 7, "no-credential"},
		{"eyJ", 7, "no-credential"},
		{"some words", 7, "no-credential"},
		{"[1, 2]", 7, "no-credential"},
		{"{\"type\": \"VerifiableCredential\", \"type\": 1}", 6, "json"},
		{"{\"type\": [\"VerifiableCredential\"", 6, "json"},
		{"{\"type\": [\"VerifiableCredential\"]}", 6, "shape"},
		{"{\"type\": \"VerifiableCredential\", \"proof\": 3}", 6, "shape"},
		{"{\"type\": \"QuireProofBundle\"}", 6, "bundle"},
		{"<svg xmlns=\"http://www.w3.org/2000/svg\"></svg>", 7, "no-credential"},
		{"\x89PNG\r\n\x1a\n", 6, "picture"},
	};
	for (size_t i = 0; i < sizeof papers / sizeof papers[0]; i++)
		expect(papers[i].text, slice_str(papers[i].text), NOW, papers[i].code, papers[i].decides);
}

static void a_flood_of_values_is_refused(void **state)
{
	(void)state;
	struct buf b = {0};
	assert_int_equal(buf_put(&b, "{\"a\":[", 6), OK);
	for (size_t i = 0; i < 1000000; i++)
		assert_int_equal(buf_put(&b, "[],", 3), OK);
	assert_int_equal(buf_put(&b, "0]}", 3), OK);
	expect("flood", buf_slice(&b), NOW, 6, "json");
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_published_file_gets_its_verdict),
		cmocka_unit_test(what_a_credential_says_of_itself_is_read),
		cmocka_unit_test(every_bit_of_a_proven_text_is_covered),
		cmocka_unit_test(days_are_judged_by_the_time_that_is_given),
		cmocka_unit_test(a_credential_without_what_its_shape_needs_is_wrong),
		cmocka_unit_test(a_proof_must_be_by_the_key_of_the_issuer),
		cmocka_unit_test(other_papers_are_recognised_and_not_judged),
		cmocka_unit_test(a_flood_of_values_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
