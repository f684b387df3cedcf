/* credential.c -- the award and the endorsement as JSON. See credential.h; comparing and checking in credential_check.c. */
#include "protocol/award/credential.h"

#include "protocol/award/credential_int.h"
#include "protocol/award/multikey.h"
#include "protocol/log/hash.h"

#include <sodium.h>
#include <stdio.h>

enum { URN_MAX = 256 };

static const char *const contexts[] = {
	"https://www.w3.org/ns/credentials/v2", "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"};

/* ---- ids */

struct id32 credential_award_id(const struct id32 *submission, const struct id32 *definition)
{
	const struct slice parts[] = {slice_of(submission->b, 32), slice_of(definition->b, 32)};
	return hash_parts(HASH_AWARD, parts, 2);
}

static void put_urn(const char *head, const struct id32 *id, char out[96])
{
	char hex[65];
	sodium_bin2hex(hex, sizeof hex, id->b, 32);
	snprintf(out, 96, "%s%s", head, hex);
}

void credential_award_urn(const struct id32 *award, char out[96])
{
	put_urn("urn:quire:award:", award, out);
}

/* ---- small pieces; a NULL anywhere makes the whole NULL in the end */

static json_t *context_json(void)
{
	return json_pack("[s, s]", contexts[0], contexts[1]);
}

static json_t *typed(const char *id, const char *type)
{
	return json_pack("{s:s, s:[s]}", "id", id, "type", type);
}

/* Sets what is there; false: out of memory. */
static bool put(json_t *o, const char *key, json_t *taken)
{
	return json_object_set_new(o, key, taken) == 0;
}

static bool put_text(json_t *o, const char *key, const char *text)
{
	return !text || put(o, key, json_string(text));
}

static bool put_profile(json_t *o, const char *key, const struct id32 *badge_key, const char *name)
{
	char did[DID_KEY_BYTES];
	did_key_format(badge_key, did);
	return put(o, key, json_pack("{s:s, s:[s], s:s}", "id", did, "type", "Profile", "name", name));
}

/* ---- the achievement */

static bool put_line(struct buf *b, const char *head, const char *text)
{
	return buf_put(b, head, strlen(head)) == OK && buf_put(b, text, strlen(text)) == OK;
}

/* SPEC 17.5: "The narrative is the key method" */
static json_t *narrative_json(const struct definition *d)
{
	struct buf b = {0};
	bool ok = put_line(&b, "", d->key_method) && (d->method_n == 0 || put_line(&b, "\n\nMethod:", ""));
	for (size_t i = 0; ok && i < d->method_n; i++)
		ok = put_line(&b, "\n- ", d->method[i]);
	ok = ok && put_line(&b, "\n\nEvidence:", "");
	for (size_t i = 0; ok && i < d->requirements_n; i++)
		ok = put_line(&b, "\n- ", d->requirements[i].prompt);
	json_t *text = ok ? json_stringn((const char *)b.p, b.n) : NULL;
	buf_free(&b);
	return text;
}

static json_t *texts_json(const char *const *texts, size_t n)
{
	json_t *list = json_array();
	for (size_t i = 0; i < n; i++)
		if (json_array_append_new(list, json_string(texts[i])) != 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static void criterion_urn(
	const char *definition, const struct definition_criterion *c, const char *level, char out[URN_MAX])
{
	snprintf(
		out, URN_MAX, "%s#criterion-%s%s%s", definition, c->id, level ? "-" : "", level ? level : "");
}

static json_t *level_json(
	const char *definition, const struct definition_criterion *c, const struct definition_level *l)
{
	char urn[URN_MAX], points[16];
	criterion_urn(definition, c, l->id, urn);
	snprintf(points, sizeof points, "%u", l->points);
	json_t *o = typed(urn, "RubricCriterionLevel");
	if (put_text(o, "name", l->name) && put_text(o, "description", l->description) &&
		(!l->has_points || put_text(o, "points", points)))
		return o;
	json_decref(o);
	return NULL;
}

static json_t *criterion_json(const char *definition, const struct definition_criterion *c)
{
	char urn[URN_MAX], required[URN_MAX];
	criterion_urn(definition, c, NULL, urn);
	criterion_urn(definition, c, c->levels[c->required].id, required);
	json_t *o = typed(urn, "ResultDescription"), *levels = json_array();
	bool ok = put_text(o, "name", c->name) && put_text(o, "resultType", "RubricCriterionLevel") &&
		put_text(o, "requiredLevel", required);
	for (size_t i = 0; ok && i < c->levels_n; i++)
		ok = json_array_append_new(levels, level_json(definition, c, &c->levels[i])) == 0;
	if (put(o, "rubricCriterionLevel", levels) && ok)
		return o;
	json_decref(o);
	return NULL;
}

static json_t *alignment_json(const char *definition, const struct definition_alignment *a, size_t i)
{
	char urn[URN_MAX];
	snprintf(urn, sizeof urn, "%s#alignment-%zu", definition, i);
	json_t *o = typed(urn, "Alignment");
	if (put_text(o, "targetName", a->name) && put_text(o, "targetUrl", a->url) &&
		put_text(o, "targetFramework", a->framework) && put_text(o, "targetCode", a->code))
		return o;
	json_decref(o);
	return NULL;
}

static bool put_identifier(json_t *o, const char *definition, const struct entry_ref *at)
{
	char urn[URN_MAX], log[65], id[65], text[192];
	sodium_bin2hex(log, sizeof log, at->log.b, 32);
	sodium_bin2hex(id, sizeof id, at->id.b, 32);
	snprintf(urn, sizeof urn, "%s#entry", definition);
	snprintf(text, sizeof text, "%s:%llu:%s", log, (unsigned long long)at->seq, id);
	return put(o, "otherIdentifier",
		json_pack("[{s:s, s:[s], s:s, s:s}]", "id", urn, "type", "IdentifierEntry", "identifier",
			text, "identifierType", "ext:quireEntry"));
}

static bool put_lists(json_t *o, const struct definition *d, const char *urn)
{
	json_t *alignment = json_array(), *criteria = json_array();
	bool ok = true;
	for (size_t i = 0; ok && i < d->alignment_n; i++)
		ok = json_array_append_new(alignment, alignment_json(urn, &d->alignment[i], i)) == 0;
	for (size_t i = 0; ok && i < d->criteria_n; i++)
		ok = json_array_append_new(criteria, criterion_json(urn, &d->criteria[i])) == 0;
	if (d->alignment_n)
		ok = put(o, "alignment", alignment) && ok;
	else
		json_decref(alignment);
	return put(o, "resultDescription", criteria) && ok;
}

static json_t *achievement_json(const struct credential_source *src)
{
	const struct definition *d = src->definition;
	char urn[96], criteria[URN_MAX];
	put_urn("urn:quire:definition:", &src->definition_at.id, urn);
	snprintf(criteria, sizeof criteria, "%s#criteria", urn);
	json_t *o = typed(urn, "Achievement");
	bool ok = put_text(o, "achievementType", "MicroCredential") && put_text(o, "name", d->title) &&
		put_text(o, "description", d->competency) && put_text(o, "inLanguage", d->language) &&
		(d->tags_n == 0 || put(o, "tag", texts_json(d->tags, d->tags_n))) &&
		put(o, "criteria", json_pack("{s:s, s:o}", "id", criteria, "narrative", narrative_json(d))) &&
		put_identifier(o, urn, &src->definition_at) && put_lists(o, d, urn);
	if (ok)
		return o;
	json_decref(o);
	return NULL;
}

/* ---- the award */

static json_t *results_json(const struct credential_source *src, const char *award, const char *definition)
{
	json_t *list = json_array();
	for (size_t i = 0; i < src->definition->criteria_n; i++) {
		const struct definition_criterion *c = &src->definition->criteria[i];
		char urn[URN_MAX], description[URN_MAX], level[URN_MAX];
		snprintf(urn, sizeof urn, "%s#%s", award, c->id);
		criterion_urn(definition, c, NULL, description);
		criterion_urn(definition, c, c->levels[src->levels[i]].id, level);
		json_t *o = typed(urn, "Result");
		if (!put_text(o, "resultDescription", description) || !put_text(o, "achievedLevel", level) ||
			json_array_append(list, o) != 0) {
			json_decref(o);
			json_decref(list);
			return NULL;
		}
		json_decref(o);
	}
	return list;
}

static json_t *subject_json(const struct credential_source *src, const char *award)
{
	char did[DID_KEY_BYTES], definition[96];
	did_key_format(&src->earner_key, did);
	put_urn("urn:quire:definition:", &src->definition_at.id, definition);
	json_t *o = typed(did, "AchievementSubject");
	if (put(o, "achievement", achievement_json(src)) &&
		put(o, "result", results_json(src, award, definition)))
		return o;
	json_decref(o);
	return NULL;
}

/* SPEC 17.5: "E = `ni:///sha-256;` and SHA-256(M) in base64url without padding (RFC 6920)" */
struct manifest_name credential_manifest_name(struct slice manifest)
{
	uint8_t hash[crypto_hash_sha256_BYTES];
	char name[64], sri[64];
	struct manifest_name out;
	crypto_hash_sha256(hash, manifest.p, manifest.n);
	sodium_bin2base64(name, sizeof name, hash, sizeof hash, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	sodium_bin2base64(sri, sizeof sri, hash, sizeof hash, sodium_base64_VARIANT_ORIGINAL);
	snprintf(out.ni, sizeof out.ni, "ni:///sha-256;%s", name);
	snprintf(out.digest, sizeof out.digest, "sha256-%s", sri);
	return out;
}

static bool put_manifest(json_t *o, const struct manifest_name *m)
{
	return put(o, "relatedResource",
		json_pack("[{s:s, s:s, s:s}]", "id", m->ni, "digestSRI", m->digest, "mediaType",
			"application/vnd.quire.manifest"));
}

static bool put_evidence(json_t *o, struct slice manifest)
{
	struct manifest_name m = credential_manifest_name(manifest);
	return put(o, "evidence",
		       json_pack("[{s:s, s:[s], s:s}]", "id", m.ni, "type", "Evidence", "name",
			       "Evidence manifest")) &&
		put_manifest(o, &m);
}

static bool is_name(const char *name)
{
	size_t n = name ? strlen(name) : 0;
	return n > 0 && n <= CREDENTIAL_NAME_MAX;
}

enum err credential_award_build(const struct credential_source *src, json_t **out)
{
	const struct definition *d = src->definition;
	struct id32 id = credential_award_id(&src->submission, &src->definition_at.id);
	char urn[96], until[CREDENTIAL_TIME_BYTES];
	uint64_t from;
	if (!is_name(src->issuer_name) || credential_time_parse(src->valid_from, &from) != OK)
		return ERR_INPUT;
	credential_award_urn(&id, urn);
	credential_add_months(from, d->valid_months, until);
	json_t *o = json_object();
	bool ok = put(o, "@context", context_json()) && put_text(o, "id", urn) &&
		put(o, "type", json_pack("[s, s]", "VerifiableCredential", "OpenBadgeCredential")) &&
		put_text(o, "name", d->title) &&
		put_profile(o, "issuer", &src->issuer_key, src->issuer_name) &&
		put_text(o, "validFrom", src->valid_from) &&
		put_text(o, "validUntil", d->valid_months ? until : NULL) &&
		put(o, "credentialSubject", subject_json(src, urn)) && put_evidence(o, src->manifest);
	if (!ok) {
		json_decref(o);
		return ERR_MEMORY;
	}
	*out = o;
	return OK;
}

/* ---- the endorsement */

static json_t *comment_json(const struct endorsement_source *src)
{
	struct buf b = {0};
	bool ok = put_line(&b, "Reviewed against the rubric:", "");
	for (size_t i = 0; ok && i < src->definition->criteria_n; i++) {
		const struct definition_criterion *c = &src->definition->criteria[i];
		ok = put_line(&b, "\n- ", c->name) && put_line(&b, ": ", c->levels[src->levels[i]].name);
	}
	json_t *text = ok ? json_stringn((const char *)b.p, b.n) : NULL;
	buf_free(&b);
	return text;
}

static bool put_subject(json_t *o, const struct endorsement_source *src, const char *about)
{
	json_t *subject = typed(about, "EndorsementSubject");
	json_t *comment = src->comment ? json_string(src->comment) : comment_json(src);
	bool ok = put(subject, "endorsementComment", comment);
	return put(o, "credentialSubject", subject) && ok;
}

enum err credential_endorsement_build(const struct endorsement_source *src, json_t **out)
{
	const struct slice parts[] = {slice_of(src->award.b, 32), slice_of(src->reviewer.b, 32)};
	struct id32 id = hash_parts(HASH_ENDORSE, parts, 2);
	char urn[96], award[96], name[sizeof "Endorsement: " + 1024];
	uint64_t from;
	if (!is_name(src->reviewer_name) || credential_time_parse(src->valid_from, &from) != OK)
		return ERR_INPUT;
	put_urn("urn:quire:endorsement:", &id, urn);
	credential_award_urn(&src->award, award);
	snprintf(name, sizeof name, "Endorsement: %s", src->definition->title);
	json_t *o = json_object();
	bool ok = put(o, "@context", context_json()) && put_text(o, "id", urn) &&
		put(o, "type", json_pack("[s, s]", "VerifiableCredential", "EndorsementCredential")) &&
		put_text(o, "name", name) &&
		put_profile(o, "issuer", &src->reviewer_key, src->reviewer_name) &&
		put_text(o, "validFrom", src->valid_from) &&
		put_subject(o, src, src->about ? src->about : award);
	if (ok && src->manifest.n) {
		struct manifest_name m = credential_manifest_name(src->manifest);
		ok = put_manifest(o, &m);
	}
	if (!ok) {
		json_decref(o);
		return ERR_MEMORY;
	}
	*out = o;
	return OK;
}

enum err credential_sign(
	json_t *doc, const struct id32 *public_key, const uint8_t secret[64], char why[PROOF_WHY_BYTES])
{
	const char *at = json_string_value(json_object_get(doc, "validFrom"));
	if (!at)
		return ERR_FORMAT;
	enum err e = proof_add(doc, PROOF_EDDSA_JCS_2022, public_key, secret, at, why);
	return e == OK ? proof_add(doc, PROOF_EDDSA_RDFC_2022, public_key, secret, at, why) : e;
}
