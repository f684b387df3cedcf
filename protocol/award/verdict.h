/* verdict.h -- what `quire verify` says of a file: a bundle, a picture, a bare credential, ours or somebody else's. SPEC.md sections 17.8 and 18. Pure. */
#ifndef QUIRE_AWARD_VERDICT_H
#define QUIRE_AWARD_VERDICT_H

#include "protocol/award/credential.h"
#include "protocol/award/judge.h"

#define VERDICT_ROOTS_MAX 256u

struct verdict_roots {
	size_t n;
	const struct id32 *ids; /* identities whom the reader trusts to vouch */
};

struct verdict {
	enum judge_mark worst; /* GOOD or NOTE: exit 0; WRONG: 6; UNKNOWN: 7 */
	bool bundled; /* judged with a proof bundle */
	bool readable; /* false: no credential at all was found; the lines say what it was */
	struct credential_about about;
	enum award_state state; /* with a bundle */
	bool vouched;
	struct id32 voucher; /* whom the reader trusts */
	uint32_t known_until_hour; /* revocation was known until then; 0: not known */
	struct judgement lines;
};

/* now_s: for validFrom and validUntil (a credential not yet or no longer valid is WRONG for a bare one's reader as well as with a bundle); 0: not checked. Any bytes. ERR_MEMORY. */
MUST_CHECK enum err verdict_of_file(
	struct slice file, const struct verdict_roots *roots, uint64_t now_s, struct verdict *out);
/* The same with a proof bundle that came beside the file; it stands in the place of one that is in the file. Empty: none. */
MUST_CHECK enum err verdict_of_files(struct slice file, struct slice bundle,
	const struct verdict_roots *roots, uint64_t now_s, struct verdict *out);
/* The first of the worst lines; NULL: there are none. */
const struct judge_line *verdict_decisive(const struct verdict *v);
/* One sentence. Texts of the credential in it are cut, not cleaned. */
void verdict_headline(const struct verdict *v, char out[256]);
int verdict_exit_code(const struct verdict *v);

#endif
