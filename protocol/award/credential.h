/* credential.h -- the Open Badge that an award is, and the endorsements of its reviewers. SPEC.md sections 17.5 and 17.6. Pure. */
#ifndef QUIRE_AWARD_CREDENTIAL_H
#define QUIRE_AWARD_CREDENTIAL_H

#include "protocol/award/definition.h"
#include "protocol/award/proof.h"

#define CREDENTIAL_TIME_BYTES 21 /* "2026-01-31T12:00:00Z" with NUL */
#define CREDENTIAL_NAME_MAX 200u

/* What the credential is made from. All borrowed. */
struct credential_source {
	const struct definition *definition;
	struct entry_ref definition_at;
	struct id32 submission; /* entry id */
	struct slice manifest; /* its record */
	struct id32 issuer_key, earner_key; /* badge keys */
	const char *issuer_name; /* 1..200 bytes */
	const char *valid_from; /* CREDENTIAL_TIME_BYTES form */
	const size_t *levels; /* achieved, one index for each criterion */
};

/* A = H(`quire.award`, submission ‖ definition). */
struct id32 credential_award_id(const struct id32 *submission, const struct id32 *definition);
/* "urn:quire:award:…" with NUL; out has 96 bytes. */
void credential_award_urn(const struct id32 *award, char out[96]);
/* "2026-01-31T12:00:00Z" of seconds since 1970, and back. ERR_FORMAT: not of that form, or no such day. */
void credential_time_format(uint64_t seconds, char out[CREDENTIAL_TIME_BYTES]);
MUST_CHECK enum err credential_time_parse(const char *text, uint64_t *seconds);

/* What a manifest's record is named by in credentials. */
struct manifest_name {
	char ni[96], digest[96]; /* "ni:///sha-256;…", "sha256-…" */
};
struct manifest_name credential_manifest_name(struct slice manifest);

/* The unsigned document. ERR_INPUT: name or time; ERR_MEMORY. */
MUST_CHECK enum err credential_award_build(const struct credential_source *src, json_t **out);

struct endorsement_source {
	const struct definition *definition;
	struct id32 award; /* A */
	struct id32 reviewer; /* identity id */
	struct id32 reviewer_key; /* badge key */
	const char *reviewer_name, *valid_from;
	const size_t *levels; /* that this reviewer gave, one for each criterion */
	struct slice
		manifest; /* the record of the submission's manifest; empty: of somebody else's endorsement */
	const char *comment; /* NULL: the one of SPEC 17.6; else of somebody else's endorsement */
	const char *about; /* NULL: the award's urn; else the id of any credential */
};
MUST_CHECK enum err credential_endorsement_build(const struct endorsement_source *src, json_t **out);

/* Both proofs, created = the document's validFrom. ERR_FORMAT, ERR_MEMORY, ERR_REFUSED. */
MUST_CHECK enum err credential_sign(
	json_t *doc, const struct id32 *public_key, const uint8_t secret[64], char why[PROOF_WHY_BYTES]);

/* Has the document exactly two proofs, one of each suite, both by this key, both good, both created at validFrom? ERR_SIGNATURE, ERR_FORMAT; why. */
MUST_CHECK enum err credential_proofs_check(
	const json_t *doc, const struct id32 *key, char why[PROOF_WHY_BYTES]);

/* Is the signed document, but for its proofs, what the source makes? issuer_name and valid_from of src are not read: they are taken from the document, and the issuer's
 * key too if src->issuer_key is zeros (it is then returned in *issuer_key). ERR_FORMAT: it has not that shape; ERR_HASH: it says something else, *where names the first member that differs. */
MUST_CHECK enum err credential_award_matches(
	const json_t *doc, const struct credential_source *src, struct id32 *issuer_key, char where[96]);
MUST_CHECK enum err credential_endorsement_matches(
	const json_t *doc, const struct endorsement_source *src, struct id32 *reviewer_key, char where[96]);

/* What a credential says of itself, for people, whoever made it; empty where it says nothing. Texts are cut, not cleaned. */
struct credential_about {
	char id[200], type[64], issuer[200], issuer_name[201], subject[200], name[201], valid_from[40],
		valid_until[40];
	size_t endorsements, evidence;
};
void credential_read_about(const json_t *doc, struct credential_about *out);

/* Has it the shape of an Open Badges 3.0 AchievementCredential or EndorsementCredential (types, required members and their types, contexts)? ERR_FORMAT; why names the member.
 * SPEC 17.8. */
MUST_CHECK enum err credential_shape_check(const json_t *doc, char why[PROOF_WHY_BYTES]);

#endif
