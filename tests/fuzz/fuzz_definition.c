/* fuzz_definition.c -- definitions (SPEC 16.3) and files of scores: lint and reader agree on what is sound, and the canonical form reads the same.
 * Input: at most 16384 bytes. Scores stand behind a NUL. */
#include "tests/fuzz/fuzz.h"

#include "protocol/award/definition.h"
#include "protocol/log/mp.h"

static struct finding found[DEFINITION_FINDINGS_MAX];

static void findings(size_t n)
{
	fuzz_must(n <= DEFINITION_FINDINGS_MAX, "findings are bounded");
	for (size_t i = 0; i < n; i++)
		fuzz_must(memchr(found[i].field, 0, sizeof found[i].field) != NULL && found[i].what[0] &&
				memchr(found[i].what, 0, sizeof found[i].what) != NULL,
			"a finding says what");
}

static void scores(const struct definition *d, struct slice text)
{
	struct buf record = {0};
	size_t n = 0;
	fuzz_must(definition_scores(d, text, true, found, &n, &record) == OK, "any scores are linted");
	findings(n);
	if (n == 0)
		fuzz_must(mp_check(buf_slice(&record), LIMIT_MP_NODES) == OK, "sound scores are MessagePack");
	buf_free(&record);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const uint8_t *nul = n ? memchr(data, 0, n) : NULL;
	struct slice text = slice_of(data, nul ? (size_t)(nul - data) : n);
	struct definition d = {0}, again = {0};
	struct buf canonical = {0}, second = {0};
	size_t findings_n = 0;
	fuzz_must(definition_lint(text, found, &findings_n) == OK, "any text is linted");
	findings(findings_n);
	enum err e = definition_read(text, &d, &canonical);
	fuzz_must((e == OK) == (findings_n == 0), "what lint finds sound is read, and nothing else");
	if (e == OK) {
		fuzz_must(canonical.n <= DEFINITION_BYTES_MAX, "its canonical form is bounded");
		fuzz_must(definition_read_canonical(buf_slice(&canonical), &again) == OK, "and can be read");
		definition_deinit(&again);
		fuzz_must(definition_read(buf_slice(&canonical), &again, &second) == OK &&
				fuzz_same(&canonical, &second),
			"to the same form");
		definition_deinit(&again);
		if (nul)
			scores(&d, slice_of(nul + 1, n - text.n - 1));
	}
	definition_deinit(&d);
	buf_free(&canonical);
	buf_free(&second);
	return 0;
}
