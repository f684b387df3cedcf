/* proof.h -- Data Integrity proofs over JSON documents: eddsa-jcs-2022 and eddsa-rdfc-2022 (W3C vc-di-eddsa). SPEC.md section 17.3. Pure. */
#ifndef QUIRE_AWARD_PROOF_H
#define QUIRE_AWARD_PROOF_H

#include "bytes.h"

#include <jansson.h>

#define PROOF_WHY_BYTES 240
#define PROOFS_MAX 16u
#define PROOF_TIME_BYTES 32

enum proof_suite { PROOF_EDDSA_JCS_2022, PROOF_EDDSA_RDFC_2022 };

const char *proof_suite_name(enum proof_suite s); /* "eddsa-jcs-2022" … */

/* Adds a proof by the key to the document's "proof" (which becomes an array when there is one already). created: "2026-01-31T12:00:00Z".
 * proofPurpose assertionMethod, verificationMethod the did:key's. The same input gives the same bytes.
 * ERR_REFUSED: the document cannot be canonicalised (rdf.h), why says why; ERR_MEMORY. */
MUST_CHECK enum err proof_add(json_t *doc, enum proof_suite suite, const struct id32 *public_key,
	const uint8_t secret[64], const char *created, char why[PROOF_WHY_BYTES]);

/* What one proof of a document turned out to be. */
struct proof_result {
	enum proof_suite suite; /* if known */
	bool known; /* a suite, type and key that this version can check */
	bool hinted; /* the method is no did:key: the key is the Multikey that stands behind its # */
	struct id32 key; /* of the verification method, if known */
	char method[160], created[PROOF_TIME_BYTES]; /* as they stand there, cut */
	enum err
		err; /* OK: verifies. ERR_SIGNATURE; ERR_FORMAT: a member missing or malformed; ERR_REFUSED: unknown suite, method or vocabulary */
	char why[PROOF_WHY_BYTES];
};

/* Checks every proof of the document ("proof": an object, or an array of at most PROOFS_MAX). *n: how many there are; 0 is for the caller to judge.
 * Proof chains (previousProof) and proofs with `expires`, `domain` or `challenge` are refused as unknown.
 * ERR_LIMIT: too many; ERR_FORMAT: "proof" is neither; ERR_MEMORY. */
MUST_CHECK enum err proof_check(const json_t *doc, struct proof_result results[PROOFS_MAX], size_t *n);

#endif
