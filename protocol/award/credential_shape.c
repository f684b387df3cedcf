/* credential_shape.c -- has a document the shape of an Open Badges 3.0 credential, and what does it say of itself? SPEC.md section 17.8. */
#include "protocol/award/credential.h"
#include "protocol/award/credential_int.h"

#include <stdio.h>

#define VC_CONTEXT "https://www.w3.org/ns/credentials/v2"
#define OB_CONTEXT "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0."

static enum err wrong(char why[PROOF_WHY_BYTES], const char *member, const char *must)
{
	snprintf(why, PROOF_WHY_BYTES, "\"%s\" must be %s.", member, must);
	return ERR_FORMAT;
}

/* ---- values */

static const char *text_at(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static bool is_text(const json_t *v)
{
	return json_is_string(v) && json_string_length(v) > 0;
}

/* A scheme, a colon, and something: what it names is never looked at. */
static bool is_uri(const json_t *v)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	const char *s = json_string_value(v);
	if (!s || !strchr(letters, s[0]) || !s[0])
		return false;
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-");
	return s[n] == ':' && s[n + 1] && strcspn(s, " \t\r\n\"<>") == strlen(s);
}

static bool is_time(const json_t *v)
{
	uint64_t seconds;
	const char *s = json_string_value(v);
	return s && credential_time_read(s, &seconds) == OK;
}

/* Whether an array of texts, or one text, holds the word. */
static bool holds(const json_t *v, const char *word)
{
	if (json_is_string(v))
		return strcmp(json_string_value(v), word) == 0;
	for (size_t i = 0; i < json_array_size(v); i++) {
		const char *s = json_string_value(json_array_get(v, i));
		if (s && strcmp(s, word) == 0)
			return true;
	}
	return false;
}

static bool has_type(const json_t *o, const char *type)
{
	return json_is_object(o) && holds(json_object_get(o, "type"), type);
}

/* ---- the parts */

/* SPEC 17.8: "its `@context` is a list that begins with" */
static enum err check_context(const json_t *doc, char why[PROOF_WHY_BYTES])
{
	const json_t *list = json_object_get(doc, "@context");
	const char *first = json_string_value(json_array_get(list, 0));
	const char *second = json_string_value(json_array_get(list, 1));
	if (!first || strcmp(first, VC_CONTEXT) != 0)
		return wrong(why, "@context", "a list that begins with " VC_CONTEXT);
	if (!second || strncmp(second, OB_CONTEXT, sizeof OB_CONTEXT - 1) != 0)
		return wrong(why, "@context", "a list whose second value is a context of Open Badges 3.0");
	return OK;
}

static enum err check_issuer(const json_t *doc, char why[PROOF_WHY_BYTES])
{
	const json_t *issuer = json_object_get(doc, "issuer");
	if (is_uri(issuer))
		return OK;
	if (!json_is_object(issuer))
		return wrong(why, "issuer", "a Profile or a URI");
	if (!is_uri(json_object_get(issuer, "id")))
		return wrong(why, "issuer.id", "a URI");
	if (!has_type(issuer, "Profile"))
		return wrong(why, "issuer.type", "a list with \"Profile\"");
	const json_t *name = json_object_get(issuer, "name");
	return name && !json_is_string(name) ? wrong(why, "issuer.name", "a text") : OK;
}

static enum err check_head(const json_t *doc, char why[PROOF_WHY_BYTES])
{
	const json_t *until = json_object_get(doc, "validUntil");
	if (!is_uri(json_object_get(doc, "id")))
		return wrong(why, "id", "a URI");
	if (!is_text(json_object_get(doc, "name")))
		return wrong(why, "name", "a text");
	if (!is_time(json_object_get(doc, "validFrom")))
		return wrong(why, "validFrom", "a date and time with its zone");
	if (until && !is_time(until))
		return wrong(why, "validUntil", "a date and time with its zone");
	return check_issuer(doc, why);
}

static enum err check_achievement(const json_t *subject, char why[PROOF_WHY_BYTES])
{
	const json_t *a = json_object_get(subject, "achievement");
	if (!has_type(subject, "AchievementSubject"))
		return wrong(why, "credentialSubject.type", "a list with \"AchievementSubject\"");
	if (!json_object_get(subject, "id") && !json_object_get(subject, "identifier"))
		return wrong(why, "credentialSubject.id", "there, or \"identifier\"");
	if (!has_type(a, "Achievement"))
		return wrong(why, "credentialSubject.achievement", "an Achievement");
	if (!is_uri(json_object_get(a, "id")))
		return wrong(why, "credentialSubject.achievement.id", "a URI");
	if (!is_text(json_object_get(a, "name")))
		return wrong(why, "credentialSubject.achievement.name", "a text");
	if (!is_text(json_object_get(a, "description")))
		return wrong(why, "credentialSubject.achievement.description", "a text");
	if (!json_is_object(json_object_get(a, "criteria")))
		return wrong(why, "credentialSubject.achievement.criteria", "an object");
	return OK;
}

static enum err check_endorsement(const json_t *subject, char why[PROOF_WHY_BYTES])
{
	const json_t *comment = json_object_get(subject, "endorsementComment");
	if (!has_type(subject, "EndorsementSubject"))
		return wrong(why, "credentialSubject.type", "a list with \"EndorsementSubject\"");
	if (!is_uri(json_object_get(subject, "id")))
		return wrong(why, "credentialSubject.id", "a URI");
	return comment && !json_is_string(comment)
		? wrong(why, "credentialSubject.endorsementComment", "a text")
		: OK;
}

enum err credential_shape_check(const json_t *doc, char why[PROOF_WHY_BYTES])
{
	const json_t *subject = json_object_get(doc, "credentialSubject");
	bool endorsement = has_type(doc, "EndorsementCredential");
	bool achievement = has_type(doc, "OpenBadgeCredential") || has_type(doc, "AchievementCredential");
	if (!json_is_array(json_object_get(doc, "type")) || !has_type(doc, "VerifiableCredential") ||
		endorsement == achievement)
		return wrong(why, "type",
			"a list with \"VerifiableCredential\" and one of \"OpenBadgeCredential\", "
			"\"AchievementCredential\" and \"EndorsementCredential\"");
	enum err e = check_context(doc, why);
	if (e == OK)
		e = check_head(doc, why);
	if (e == OK && !json_is_object(subject))
		e = wrong(why, "credentialSubject", "an object");
	if (e != OK)
		return e;
	return endorsement ? check_endorsement(subject, why) : check_achievement(subject, why);
}

/* ---- what it says of itself */

/* Cut at a whole character. */
static void keep(char *out, size_t room, const char *text)
{
	size_t n = text ? strlen(text) : 0;
	if (n >= room)
		for (n = room - 1; n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80; n--)
			;
	if (n)
		memcpy(out, text, n);
	out[n] = 0;
}

static size_t count_of(const json_t *v)
{
	return json_is_array(v) ? json_array_size(v) : json_is_object(v);
}

static const char *kind_of(const json_t *doc)
{
	static const char *const kinds[] = {"OpenBadgeCredential", "AchievementCredential",
		"EndorsementCredential", "VerifiableCredential"};
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (has_type(doc, kinds[i]))
			return kinds[i];
	return "";
}

void credential_read_about(const json_t *doc, struct credential_about *out)
{
	const json_t *issuer = json_object_get(doc, "issuer");
	const json_t *subject = json_object_get(doc, "credentialSubject");
	const char *name = text_at(doc, "name");
	*out = (struct credential_about){0};
	keep(out->id, sizeof out->id, text_at(doc, "id"));
	keep(out->type, sizeof out->type, kind_of(doc));
	keep(out->issuer, sizeof out->issuer,
		json_is_string(issuer) ? json_string_value(issuer) : text_at(issuer, "id"));
	keep(out->issuer_name, sizeof out->issuer_name, text_at(issuer, "name"));
	keep(out->subject, sizeof out->subject, text_at(subject, "id"));
	keep(out->name, sizeof out->name,
		name ? name : text_at(json_object_get(subject, "achievement"), "name"));
	keep(out->valid_from, sizeof out->valid_from, text_at(doc, "validFrom"));
	keep(out->valid_until, sizeof out->valid_until, text_at(doc, "validUntil"));
	out->endorsements = count_of(json_object_get(doc, "endorsement"));
	out->evidence = count_of(json_object_get(doc, "evidence"));
}
