/* fuzz_rdf.c -- credentials as canonical N-Quads (SPEC 17.4), their shape and their proofs (SPEC 17.3): the canonical form of the JSON gives
 * the same quads, quads stand in order, and nothing but whole lines comes out. Signatures are good if their last byte is zero.
 * Input: at most 16384 bytes. */
#include "tests/fuzz/fuzz.h"

#include "protocol/award/credential.h"
#include "protocol/award/json.h"
#include "protocol/award/rdf.h"

int crypto_sign_verify_detached(
	const unsigned char *sig, const unsigned char *m, unsigned long long n, const unsigned char *key);
int crypto_sign_verify_detached(
	const unsigned char *sig, const unsigned char *m, unsigned long long n, const unsigned char *key)
{
	(void)m, (void)n, (void)key;
	return sig[63] == 0 ? 0 : -1;
}

/* Lines that end, each before the next. */
static void in_order(struct slice quads)
{
	struct slice before = {0};
	while (quads.n > 0) {
		const uint8_t *end = memchr(quads.p, '\n', quads.n);
		fuzz_must(end != NULL, "a quad is a whole line");
		struct slice line = slice_of(quads.p, (size_t)(end - quads.p));
		size_t n = before.n < line.n ? before.n : line.n;
		int order = before.p ? memcmp(before.p, line.p, n) : -1;
		fuzz_must(order < 0 || (order == 0 && before.n < line.n), "quads stand in order, each once");
		before = line;
		quads = slice_of(end + 1, quads.n - line.n - 1);
	}
}

static void same_quads(const json_t *doc, const struct buf *quads)
{
	struct buf text = {0}, again = {0};
	char why[RDF_WHY_BYTES];
	json_t *parsed = NULL;
	fuzz_must(json_canonical(doc, &text) == OK && json_parse(buf_slice(&text), &parsed, NULL) == OK,
		"it has a canonical form");
	fuzz_must(rdf_canonical(parsed, &again, why) == OK && fuzz_same(quads, &again),
		"which gives the same quads");
	json_decref(parsed);
	buf_free(&text);
	buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct proof_result results[PROOFS_MAX];
	struct credential_about about;
	char why[RDF_WHY_BYTES], shape[PROOF_WHY_BYTES];
	size_t proofs = 0;
	struct buf quads = {0};
	json_t *doc = NULL;
	if (json_parse(slice_of(data, n), &doc, NULL) != OK)
		return 0;
	credential_read_about(doc, &about);
	if (proof_check(doc, results, &proofs) == OK)
		fuzz_must(proofs <= PROOFS_MAX, "proofs are bounded");
	if (credential_shape_check(doc, shape) != OK)
		fuzz_must(memchr(shape, 0, sizeof shape) != NULL, "it says why it is none");
	enum err e = rdf_canonical(doc, &quads, why);
	fuzz_must(e == OK || e == ERR_REFUSED, "the errors of its header");
	if (e == OK) {
		in_order(buf_slice(&quads));
		same_quads(doc, &quads);
	} else {
		fuzz_must(why[0] && memchr(why, 0, sizeof why) != NULL, "it says why");
	}
	buf_free(&quads);
	json_decref(doc);
	return 0;
}
