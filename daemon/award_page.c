/* award_page.c -- an award as one page of HTML: no script, nothing fetched, good on paper. See awards_export.h. */
#include "awards_export.h"

#include "markup.h"

#include <qrencode.h>

#define BUNDLE_OFFERED_MAX (512u << 10)

static const char style[] =
	"body{font:1rem/1.5 system-ui,'DejaVu Sans',sans-serif;color:#1b1b1b;background:#fff;max-width:46rem;margin:2rem auto;padding:0 1rem}"
	"header{text-align:center}header svg{width:min(20rem,80vw);height:auto}h1{font-size:1.7rem;line-height:1.25;margin:.5rem 0}"
	"h2{font-size:1.15rem;margin:2rem 0 .5rem}.competency{font-size:1.1rem}table{border-collapse:collapse;width:100%}"
	"th,td{text-align:left;vertical-align:top;padding:.4rem .75rem .4rem 0;border-bottom:1px solid #bbb}"
	"dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem}dt{font-weight:600}dd{margin:0;overflow-wrap:anywhere}"
	".qr{display:flex;gap:1rem;align-items:center}.qr p{min-width:0}.qr svg{width:9rem;height:9rem;flex:none}code{overflow-wrap:anywhere}"
	".revoked{border:3px solid #a00000;padding:.5rem 1rem;color:#a00000;font-weight:700}"
	"@media print{body{margin:0;max-width:none;font-size:11pt}header svg{width:12rem}h2,tr,.qr{break-inside:avoid}.screen{display:none}}";

static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));
	return s ? s : "";
}

/* ---- head */

static void put_head(struct markup *m, const struct award_face *face, const json_t *o, struct slice picture)
{
	const json_t *revoked = json_object_get(o, "revoked");
	markup_put(m,
		"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>");
	markup_text(m, face->title);
	markup_put(m, " – micro-credential</title>\n<style>");
	markup_put(m, style);
	markup_put(m, "</style>\n</head>\n<body>\n<header>\n");
	markup_bytes(m, picture);
	markup_put(m, "<h1>");
	markup_text(m, face->title);
	markup_put(m, "</h1>\n<p class=\"competency\">");
	markup_text(m, face->competency);
	markup_put(m, "</p>\n</header>\n<main>\n");
	if (!revoked)
		return;
	markup_put(m, "<p class=\"revoked\" role=\"alert\">The issuer has revoked this award: ");
	markup_text(m, text_of(revoked, "why"));
	markup_put(m, "</p>\n");
}

static void put_pair(struct markup *m, const char *name, const char *value)
{
	if (!*value)
		return;
	markup_format(m, "<dt>%s</dt><dd>", name);
	markup_text(m, value);
	markup_put(m, "</dd>\n");
}

static void put_day(struct markup *m, const char *name, const char *time)
{
	char day[11];
	snprintf(day, sizeof day, "%.10s", time);
	put_pair(m, name, day);
}

static void put_facts(struct markup *m, const struct award_face *face, const json_t *o)
{
	const json_t *reviewers = json_object_get(o, "reviewers"), *earner = json_object_get(o, "earner");
	markup_put(m, "<dl>\n");
	put_pair(m, "Awarded to", text_of(earner, "name"));
	put_pair(m, "Earner's key", face->earner_did);
	put_pair(m, "Issued by", face->issuer);
	put_pair(m, "Issuer's key", face->issuer_did);
	put_day(m, "Valid from", face->valid_from);
	put_day(m, "Valid until", face->valid_until);
	for (size_t i = 0; i < json_array_size(reviewers); i++)
		put_pair(m, "Reviewed by",
			text_of(json_object_get(json_array_get(reviewers, i), "reviewer"), "name"));
	markup_put(m, "</dl>\n");
}

/* ---- criteria */

static void put_cell(struct markup *m, const char *text)
{
	markup_put(m, "<td>");
	markup_text(m, text);
	markup_put(m, "</td>");
}

static void put_criteria(struct markup *m, const json_t *results)
{
	if (json_array_size(results) == 0)
		return;
	markup_put(m,
		"<h2>Criteria</h2>\n<table>\n<thead><tr><th scope=\"col\">Criterion</th><th scope=\"col\">Achieved</th>"
		"<th scope=\"col\">Required</th></tr></thead>\n<tbody>\n");
	for (size_t i = 0; i < json_array_size(results); i++) {
		const json_t *r = json_array_get(results, i);
		markup_put(m, "<tr><th scope=\"row\">");
		markup_text(m, text_of(r, "name"));
		markup_put(m, "</th>");
		put_cell(m, text_of(r, "level_name"));
		put_cell(m, text_of(r, "required_name"));
		markup_put(m, "</tr>\n");
	}
	markup_put(m, "</tbody>\n</table>\n");
}

/* ---- how to verify */

static void put_qr(struct markup *m, const char *id)
{
	QRcode *code = QRcode_encodeString8bit(id, 0, QR_ECLEVEL_M);
	if (!code) {
		m->err = m->err == OK ? ERR_MEMORY : m->err;
		return;
	}
	/* A code needs four modules of white around it. */
	markup_format(m,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"-4 -4 %d %d\" role=\"img\" aria-label=\"QR code of the badge's id\" "
		"shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M-4-4h%dv%dh-%dz\"/><path d=\"",
		code->width + 8, code->width + 8, code->width + 8, code->width + 8, code->width + 8);
	for (int y = 0; y < code->width; y++)
		for (int x = 0; x < code->width; x++)
			if (code->data[y * code->width + x] & 1)
				markup_format(m, "M%d %dh1v1h-1z", x, y);
	markup_put(m, "\"/></svg>\n");
	QRcode_free(code);
}

static void put_verify(struct markup *m, const struct award_face *face, struct slice bundle)
{
	markup_put(m, "<h2>How to verify it</h2>\n<div class=\"qr\">\n");
	put_qr(m, face->id);
	markup_put(m, "<p>This page proves nothing by itself. The badge's id is<br><code>");
	markup_text(m, face->id);
	markup_put(m,
		"</code></p>\n</div>\n<p>Ask for the badge as a picture (PNG or SVG) or as a proof bundle, and check it with "
		"<code>quire verify FILE</code>: it needs no network, and says whose signatures it has, whether each criterion was met, "
		"whether it was revoked, and who vouches for the issuer. Its credential is an Open Badge 3.0, so that other verifiers can "
		"check its signatures too.</p>\n");
	if (!bundle.n || bundle.n > BUNDLE_OFFERED_MAX)
		return;
	markup_put(m,
		"<p class=\"screen\"><a download=\"badge.bundle.json\" href=\"data:application/json;base64,");
	markup_base64(m, bundle);
	markup_put(m, "\">Save the proof bundle</a></p>\n");
}

enum err award_page(const struct award_face *face, const json_t *details, struct slice picture,
	struct slice bundle, struct buf *out)
{
	struct markup m = {.out = out};
	put_head(&m, face, details, picture);
	put_facts(&m, face, details);
	put_criteria(&m, json_object_get(details, "results"));
	put_verify(&m, face, bundle);
	markup_put(&m, "</main>\n</body>\n</html>\n");
	return m.err;
}
