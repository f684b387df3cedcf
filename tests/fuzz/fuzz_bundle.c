/* fuzz_bundle.c -- proof bundles and whatever else `quire verify` is given (SPEC 17.8, 18): reader and verdict agree, and a verdict always says
 * something. Signatures are good if the last byte is not 0xff: with real ones no altered bundle would get far.
 * Input: at most 98304 bytes. */
#include "tests/fuzz/fuzz.h"

#include "protocol/award/bake.h"
#include "protocol/award/bundle.h"
#include "protocol/award/json.h"
#include "protocol/award/verdict.h"

int crypto_sign_verify_detached(
	const unsigned char *sig, const unsigned char *m, unsigned long long n, const unsigned char *key);
int crypto_sign_verify_detached(
	const unsigned char *sig, const unsigned char *m, unsigned long long n, const unsigned char *key)
{
	(void)m, (void)n, (void)key;
	return sig[63] != 0xff ? 0 : -1;
}

static bool read_bundle(struct slice text)
{
	struct bundle *b = NULL;
	char why[256];
	const struct bundle_mark *marks;
	enum err e = bundle_read(text, &b, why);
	if (e != OK) {
		fuzz_must(b == NULL && why[0] && memchr(why, 0, sizeof why) != NULL, "it says why");
		return false;
	}
	fuzz_must(bundle_credential(b) && bundle_case(b), "it has a credential and a case");
	fuzz_must(bundle_marks(b, &marks) <= BUNDLE_MARKS_MAX, "marks are bounded");
	bundle_free(b);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice file = slice_of(data, n);
	const struct id32 root = {{1}};
	const struct verdict_roots roots = {.n = 1, .ids = &root};
	static struct verdict v;
	bool read = read_bundle(file);
	fuzz_must(verdict_of_file(file, &roots, 1800000000, &v) == OK, "any file gets a verdict");
	fuzz_must(!read || v.readable, "what is read as a bundle has a credential");
	int code = verdict_exit_code(&v);
	fuzz_must(code == 0 || code == 6 || code == 7, "the exit codes of its header");
	fuzz_must(code != 0 || v.readable, "what is no credential is not good");
	char line[256];
	verdict_headline(&v, line);
	fuzz_must(line[0] && memchr(line, 0, sizeof line) != NULL, "it has a sentence");
	return 0;
}
