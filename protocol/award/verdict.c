/* verdict.c -- what a file is, and what is said of it. See verdict.h; credentials alone in verdict_bare.c, with a bundle in verdict_bundle.c. */
#include "protocol/award/verdict.h"

#include "protocol/award/bake.h"
#include "protocol/award/bundle_int.h"
#include "protocol/award/credential_int.h"
#include "protocol/award/judge_int.h"
#include "protocol/award/quote.h"
#include "protocol/award/verdict_int.h"

#include <stdarg.h>
#include <stdio.h>

void verdict_say(struct verdict_task *t, enum judge_mark mark, const char *code, const struct id32 *entry,
	const char *format, ...)
{
	struct judge_line line = {.mark = mark, .code = code};
	va_list args;
	if (entry)
		line.entry = *entry;
	va_start(args, format);
	vsnprintf(line.text, sizeof line.text, format, args);
	va_end(args);
	judgement_add_line(&t->v->lines, &line);
}

/* ---- its days */

void verdict_validity(struct verdict_task *t, const json_t *credential)
{
	const char *from = json_string_value(json_object_get(credential, "validFrom"));
	const char *until = json_string_value(json_object_get(credential, "validUntil"));
	uint64_t begin, end;
	if (!t->now_s)
		verdict_say(t, JUDGE_NOTE, "validity", NULL, "Whether it is valid today was not asked.");
	else if (!from || credential_time_read(from, &begin) != OK)
		return; /* the shape is wrong, and that is said */
	else if (t->now_s < begin)
		verdict_say(t, JUDGE_WRONG, "not-yet-valid", NULL, "It is not valid yet.");
	else if (!until)
		verdict_say(t, JUDGE_GOOD, "validity", NULL, "It is valid, without an end.");
	else if (credential_time_read(until, &end) != OK)
		return;
	else if (t->now_s > end)
		verdict_say(t, JUDGE_WRONG, "expired", NULL, "It is no longer valid.");
	else
		verdict_say(t, JUDGE_GOOD, "validity", NULL, "It is valid today.");
}

/* ---- what it is */

static struct slice trim(struct slice s)
{
	if (s.n >= 3 && memcmp(s.p, "\xef\xbb\xbf", 3) == 0)
		s = slice_of(s.p + 3, s.n - 3);
	while (s.n && (*s.p == ' ' || *s.p == '\t' || *s.p == '\r' || *s.p == '\n'))
		s = slice_of(s.p + 1, s.n - 1);
	while (s.n &&
		(s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t' || s.p[s.n - 1] == '\r' || s.p[s.n - 1] == '\n'))
		s.n--;
	return s;
}

/* Three parts of base64url, the first a JSON object. */
static bool is_jwt(struct slice s)
{
	size_t dots = 0;
	if (s.n < 8 || memcmp(s.p, "eyJ", 3) != 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];
		dots += c == '.';
		if (c != '.' && c != '-' && c != '_' && !(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') &&
			!(c >= 'A' && c <= 'Z'))
			return false;
	}
	return dots == 2;
}

/* Whether the text, or one of a list, begins so. */
static bool begins(const json_t *v, const char *with)
{
	const char *s = json_string_value(v);
	if (s && strncmp(s, with, strlen(with)) == 0)
		return true;
	for (size_t i = 0; i < json_array_size(v); i++) {
		s = json_string_value(json_array_get(v, i));
		if (s && strncmp(s, with, strlen(with)) == 0)
			return true;
	}
	return false;
}

static void say_stranger(struct verdict_task *t, const json_t *doc)
{
	const json_t *context = json_object_get(doc, "@context");
	if (begins(context, "https://w3id.org/openbadges/") || json_object_get(doc, "badge") ||
		json_object_get(doc, "verify"))
		verdict_say(t, JUDGE_UNKNOWN, "open-badges-2", NULL,
			"It is a badge of Open Badges 2.0 or older: such are checked by asking the server of who made them, and nobody was asked.");
	else
		verdict_say(t, JUDGE_UNKNOWN, "no-credential", NULL, "It is JSON, but no credential.");
}

/* JSON, or a JWT, or nothing that is known: then *doc stays NULL and it has been said. */
static enum err parse(struct verdict_task *t, struct slice text, const char *what, json_t **doc)
{
	char why[BUNDLE_WHY_BYTES];
	text = trim(text);
	if (is_jwt(text)) {
		verdict_say(t, JUDGE_UNKNOWN, "jwt", NULL,
			"It is a credential as a JSON Web Token (JWT): such are not checked.");
		return OK;
	}
	if (text.n == 0 || *text.p != '{') {
		verdict_say(t, JUDGE_UNKNOWN, "no-credential", NULL, "No credential was found in it.");
		return OK;
	}
	enum err e = bundle_parse(text, doc, why);
	if (e == ERR_MEMORY)
		return e;
	if (e != OK)
		verdict_say(t, JUDGE_WRONG, "json", NULL, "%s is no sound JSON: %.180s", what, why);
	return OK;
}

/* ---- pictures */

struct papers {
	json_t *credential, *bundle;
};

static enum err read_picture(struct verdict_task *t, struct slice file, struct papers *out)
{
	struct buf credential = {0}, bundle = {0};
	bool has_bundle = false;
	enum err e = bake_read(file, &credential, &bundle, &has_bundle);
	if (e == ERR_NOT_FOUND)
		verdict_say(t, JUDGE_UNKNOWN, "no-credential", NULL, "The picture has no credential in it.");
	else if (e == ERR_REFUSED || e == ERR_LIMIT)
		verdict_say(t, JUDGE_UNKNOWN, "picture", NULL,
			e == ERR_LIMIT ? "The picture is too large."
				       : "What the picture holds is compressed, and is not read.");
	else if (e != OK && e != ERR_MEMORY)
		verdict_say(
			t, JUDGE_WRONG, "picture", NULL, "The picture is damaged, or holds two credentials.");
	if (e == OK)
		e = parse(t, buf_slice(&credential), "The credential in the picture", &out->credential);
	else if (e != ERR_MEMORY)
		e = OK;
	if (e == OK && has_bundle && out->credential)
		e = parse(t, buf_slice(&bundle), "The proof bundle in the picture", &out->bundle);
	buf_free(&credential);
	buf_free(&bundle);
	return e;
}

static enum err read_file(struct verdict_task *t, struct slice file, struct papers *out)
{
	if (bake_is_png(file) || bake_is_svg(file))
		return read_picture(t, file, out);
	enum err e = parse(t, file, "The file", &out->credential);
	if (e == OK && out->credential && bundle_is(out->credential)) {
		out->bundle = out->credential;
		out->credential = NULL;
	}
	return e;
}

/* The bundle that came beside the file takes the place of its own. */
static enum err read_bundle(struct verdict_task *t, struct slice text, struct papers *out)
{
	json_t *doc = NULL;
	enum err e = parse(t, text, "The proof bundle", &doc);
	if (e == OK && doc && !out->credential && out->bundle)
		out->credential = json_incref(json_object_get(out->bundle, "credential"));
	if (e == OK && doc) {
		json_decref(out->bundle);
		out->bundle = json_incref(doc);
	}
	json_decref(doc);
	return e;
}

/* What says of itself that it is one, by its type, its context with a proof, or its id: then it is judged, and a changed type is a fault. */
static bool is_credential(const json_t *doc)
{
	return begins(json_object_get(doc, "type"), "VerifiableCredential") ||
		begins(json_object_get(doc, "id"), "urn:quire:") ||
		(json_object_get(doc, "proof") &&
			begins(json_object_get(doc, "@context"), "https://www.w3.org/ns/credentials/"));
}

static enum err judge_papers(struct verdict_task *t, const struct papers *p)
{
	if (p->bundle && !bundle_is(p->bundle)) {
		verdict_say(t, JUDGE_WRONG, "bundle", NULL, "What should be a proof bundle is none.");
		return p->credential ? verdict_bare(t, p->credential) : OK;
	}
	if (p->bundle)
		return verdict_bundle(t, p->bundle, p->credential);
	if (p->credential && is_credential(p->credential))
		return verdict_bare(t, p->credential);
	if (p->credential)
		say_stranger(t, p->credential);
	return OK;
}

enum err verdict_of_files(struct slice file, struct slice bundle, const struct verdict_roots *roots,
	uint64_t now_s, struct verdict *out)
{
	struct verdict_task t = {.roots = roots, .now_s = now_s, .v = out};
	struct papers p = {0};
	memset(out, 0, sizeof *out);
	enum err e = read_file(&t, file, &p);
	if (e == OK && bundle.n)
		e = read_bundle(&t, bundle, &p);
	if (e == OK)
		e = judge_papers(&t, &p);
	json_decref(p.credential);
	json_decref(p.bundle);
	out->worst = judgement_worst(&out->lines);
	return e;
}

enum err verdict_of_file(
	struct slice file, const struct verdict_roots *roots, uint64_t now_s, struct verdict *out)
{
	return verdict_of_files(file, (struct slice){0}, roots, now_s, out);
}

/* ---- what is said */

const struct judge_line *verdict_decisive(const struct verdict *v)
{
	return judgement_first_worst(&v->lines);
}

void verdict_headline(const struct verdict *v, char out[256])
{
	char name[QUOTE_BYTES];
	const struct judge_line *line = verdict_decisive(v);
	switch (v->worst) {
	case JUDGE_GOOD:
	case JUDGE_NOTE:
		snprintf(out, 256,
			"Good: \"%s\" was awarded as it says, and somebody whom you trust vouches for its issuer.",
			quote(v->about.name, name));
		return;
	case JUDGE_UNKNOWN: snprintf(out, 256, "Not known: %.240s", line->text); return;
	case JUDGE_WRONG: snprintf(out, 256, "Wrong: %.240s", line->text); return;
	}
}

int verdict_exit_code(const struct verdict *v)
{
	switch (v->worst) {
	case JUDGE_GOOD:
	case JUDGE_NOTE: return 0;
	case JUDGE_UNKNOWN: return 7;
	case JUDGE_WRONG: return 6;
	}
	return 7;
}
