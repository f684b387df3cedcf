/* awards_export.c -- see awards_export.h. */
#include "awards_export.h"

#include "awards_json.h"
#include "badge_picture.h"
#include "protocol/award/bake.h"
#include "protocol/award/credential.h"
#include "protocol/award/json.h"
#include "protocol/award/verdict.h"

#include <sodium.h>
#include <time.h>

static const struct {
	const char *name, *type, *ending;
} formats[] = {[AWARD_BUNDLE] = {"bundle", "application/json", "bundle.json"},
	[AWARD_JSON] = {"json", "application/json", "json"},
	[AWARD_PNG] = {"png", "image/png", "png"},
	[AWARD_SVG] = {"svg", "image/svg+xml", "svg"},
	[AWARD_HTML] = {"html", "text/html; charset=utf-8", "html"}};

bool awards_export_format(const char *name, enum award_format *format)
{
	for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
		if (strcmp(name, formats[i].name) == 0) {
			*format = (enum award_format)i;
			return true;
		}
	return false;
}

void awards_export_free(struct award_export *x)
{
	if (!x)
		return;
	buf_free(&x->file);
	free(x);
}

/* ---- the pieces */

struct pieces {
	json_t *credential, *details;
	struct buf
		text; /* of the credential, indented: proofs are over its canonical form, so that spaces are free */
	struct buf bundle, picture;
	struct award_face face;
};

static void pieces_free(struct pieces *p)
{
	json_decref(p->credential);
	json_decref(p->details);
	buf_free(&p->text);
	buf_free(&p->bundle);
	buf_free(&p->picture);
}

static enum err write_text(struct pieces *p)
{
	char *text = json_dumps(p->credential, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
	enum err e = text ? buf_put(&p->text, text, strlen(text)) : ERR_MEMORY;
	if (e == OK)
		e = buf_put(&p->text, "\n", 1);
	free(text);
	return e;
}

static void copy_text(char *out, size_t n, const json_t *text)
{
	const char *s = json_string_value(text);
	size_t len = s ? strlen(s) : 0;
	if (len >= n)
		for (len = n - 1; len && ((uint8_t)s[len] & 0xc0) == 0x80;)
			len--;
	memcpy(out, s ? s : "", len);
	out[len] = 0;
}

static void clean_member(char *out, size_t n, const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));
	json_t *clean = api_clean(text ? text : "");
	copy_text(out, n, clean);
	json_decref(clean);
}

static void fill_face(struct pieces *p, const struct award_look *l)
{
	const json_t *subject = json_object_get(p->credential, "credentialSubject"),
		     *issuer = json_object_get(p->credential, "issuer"),
		     *achievement = json_object_get(subject, "achievement");
	struct award_face *f = &p->face;
	clean_member(f->title, sizeof f->title, p->credential, "name");
	clean_member(f->issuer, sizeof f->issuer, issuer, "name");
	clean_member(f->competency, sizeof f->competency, achievement, "description");
	clean_member(f->id, sizeof f->id, p->credential, "id");
	clean_member(f->issuer_did, sizeof f->issuer_did, issuer, "id");
	clean_member(f->earner_did, sizeof f->earner_did, subject, "id");
	clean_member(f->valid_from, sizeof f->valid_from, p->credential, "validFrom");
	clean_member(f->valid_until, sizeof f->valid_until, p->credential, "validUntil");
	if (l->j->definition)
		memcpy(f->definition, l->j->definition->at.id.b, 32);
}

static enum err make_pieces(struct catalogue *c, const struct award_look *l, struct pieces *p)
{
	enum err e = awards_credential(l->j->award, &p->credential);
	if (e == ERR_FORMAT)
		return act_say(c->act, e, "The credential of this award cannot be read.");
	if (e == OK)
		e = awards_item(c, l, &p->details);
	if (e == OK)
		e = awards_detail(c, l, p->details);
	if (e == OK)
		e = write_text(p);
	if (e == OK)
		fill_face(p, l);
	return e;
}

/* ---- what `quire verify` will say */

/* As somebody finds it who trusts the issuer. */
static enum err say_verdict(const struct award_look *l, struct slice file, char out[AWARDS_SAYS_BYTES])
{
	struct verdict *v = (struct verdict *)calloc(1, sizeof *v);
	const struct verdict_roots roots = {.n = 1, .ids = &l->j->award->author};
	enum err e = v ? verdict_of_file(file, &roots, (uint64_t)time(NULL), v) : ERR_MEMORY;
	const struct judge_line *line = e == OK ? verdict_decisive(v) : NULL;
	if (e == OK && (v->worst == JUDGE_GOOD || v->worst == JUDGE_NOTE))
		snprintf(out, AWARDS_SAYS_BYTES,
			"quire verify will call it good, for whoever trusts the issuer or somebody who vouches for it.");
	else if (e == OK)
		snprintf(out, AWARDS_SAYS_BYTES, "quire verify will say: %s. %s",
			v->worst == JUDGE_WRONG ? "wrong" : "not known", line ? line->text : "");
	free(v);
	return e;
}

/* ---- the file */

static enum err bake(struct pieces *p, struct award_export *x)
{
	struct slice credential = buf_slice(&p->text), bundle = buf_slice(&p->bundle);
	enum err e = x->format == AWARD_PNG ? badge_png(&p->face, &p->picture)
					    : badge_svg(&p->face, &p->picture);
	if (e == OK)
		e = x->format == AWARD_PNG ? bake_png(buf_slice(&p->picture), credential, bundle, &x->file)
					   : bake_svg(buf_slice(&p->picture), credential, bundle, &x->file);
	return e;
}

static enum err page(struct pieces *p, struct award_export *x)
{
	enum err e = badge_svg(&p->face, &p->picture);
	return e == OK
		? award_page(&p->face, p->details, buf_slice(&p->picture), buf_slice(&p->bundle), &x->file)
		: e;
}

static enum err write_file(
	struct catalogue *c, const struct award_look *l, struct pieces *p, struct award_export *x)
{
	enum err e = x->format == AWARD_JSON ? OK : awards_bundle(c, l, p->credential, &p->bundle);
	if (e != OK)
		return e;
	switch (x->format) {
	case AWARD_BUNDLE: e = buf_put_slice(&x->file, buf_slice(&p->bundle)); break;
	case AWARD_JSON: e = buf_put_slice(&x->file, buf_slice(&p->text)); break;
	case AWARD_PNG:
	case AWARD_SVG: e = bake(p, x); break;
	case AWARD_HTML: e = page(p, x); break;
	}
	if (e != OK)
		return e;
	return say_verdict(l, buf_slice(x->format == AWARD_HTML ? &p->bundle : &x->file), x->says);
}

enum err awards_export(struct catalogue *c, const struct award_look *l, struct award_export *x)
{
	struct pieces p = {.credential = NULL};
	char hex[65];
	sodium_bin2hex(hex, sizeof hex, l->j->award->at.id.b, 32);
	snprintf(x->name, sizeof x->name, "badge-%.8s.%s", hex, formats[x->format].ending);
	x->type = formats[x->format].type;
	enum err e = make_pieces(c, l, &p);
	if (e == OK)
		e = write_file(c, l, &p, x);
	pieces_free(&p);
	return e;
}
