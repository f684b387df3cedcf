/* bake_svg.c -- credentials in SVG. See bake.h. A scanner of tags, not a parser of XML: what is not an element of ours is passed over. */
#include "protocol/award/bake.h"
#include "protocol/award/bake_int.h"

#include <stdio.h>

enum { PREFIX_MAX = 32 };

static const char badge_namespace[] = "https://purl.imsglobal.org/ob/v3p0",
		  bundle_namespace[] = "urn:quire:bundle";

static const uint8_t *find(const uint8_t *p, const uint8_t *end, const char *what)
{
	return p <= end ? (const uint8_t *)memmem(p, (size_t)(end - p), what, strlen(what)) : NULL;
}

static bool starts(const uint8_t *p, const uint8_t *end, const char *with)
{
	size_t n = strlen(with);
	return (size_t)(end - p) >= n && memcmp(p, with, n) == 0;
}

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Behind `close`, or NULL. */
static const uint8_t *behind(const uint8_t *p, const uint8_t *end, const char *close)
{
	const uint8_t *at = find(p, end, close);
	return at ? at + strlen(close) : NULL;
}

/* Behind a tag that begins at p: a '>' between quotes does not end it. */
static const uint8_t *behind_tag(const uint8_t *p, const uint8_t *end)
{
	uint8_t quote = 0;
	for (; p < end; p++) {
		if (quote)
			quote = *p == quote ? 0 : quote;
		else if (*p == '"' || *p == '\'')
			quote = *p;
		else if (*p == '>')
			return p + 1;
	}
	return NULL;
}

/* The next start tag at or behind p: comments, declarations, CDATA and end tags are passed over. */
static const uint8_t *next_tag(const uint8_t *p, const uint8_t *end)
{
	while (p && p < end) {
		p = (const uint8_t *)memchr(p, '<', (size_t)(end - p));
		if (!p)
			return NULL;
		if (starts(p, end, "<!--"))
			p = behind(p, end, "-->");
		else if (starts(p, end, "<![CDATA["))
			p = behind(p, end, "]]>");
		else if (starts(p, end, "<?"))
			p = behind(p, end, "?>");
		else if (starts(p, end, "<!") || starts(p, end, "</"))
			p = behind_tag(p, end);
		else
			return p;
	}
	return NULL;
}

static const uint8_t *root_tag(struct slice file)
{
	const uint8_t *p = file.p, *end = file.p + file.n;
	if (starts(p, end, "\xef\xbb\xbf"))
		p += 3;
	while (p < end && is_space(*p))
		p++;
	if (p == end || *p != '<')
		return NULL;
	p = next_tag(p, end);
	return p && starts(p, end, "<svg") && end - p > 4 && (is_space(p[4]) || p[4] == '>') ? p : NULL;
}

bool bake_is_svg(struct slice file)
{
	return file.n > 0 && root_tag(file) != NULL;
}

/* ---- an element: where it begins and ends, and its text */

struct element {
	const uint8_t *tag, *inside, *inside_end, *end; /* inside == end: it has no content */
};

/* The prefix that the document binds to a namespace. */
static bool find_prefix(struct slice file, const char *name, char prefix[PREFIX_MAX])
{
	const uint8_t *end = file.p + file.n;
	for (const uint8_t *p = find(file.p, end, "xmlns:"); p; p = find(p + 6, end, "xmlns:")) {
		const uint8_t *from = p + 6, *at = from;
		while (at < end && *at != '=' && !is_space(*at) && at - from < PREFIX_MAX - 1)
			at++;
		size_t n = (size_t)(at - from), length = strlen(name);
		if (n == 0 || end - at < (ptrdiff_t)length + 3 || *at != '=')
			continue;
		if ((at[1] == '"' || at[1] == '\'') && memcmp(at + 2, name, length) == 0 &&
			at[2 + length] == at[1]) {
			memcpy(prefix, from, n);
			prefix[n] = 0;
			return true;
		}
	}
	return false;
}

/* The first element prefix:name at or behind p. */
static bool find_element(
	const uint8_t *p, const uint8_t *end, const char *prefix, const char *name, struct element *e)
{
	char open[PREFIX_MAX * 2 + 4], close[PREFIX_MAX * 2 + 4];
	snprintf(open, sizeof open, "<%s:%s", prefix, name);
	snprintf(close, sizeof close, "</%s:%s", prefix, name);
	size_t n = strlen(open);
	for (p = next_tag(p, end); p; p = next_tag(p + 1, end)) {
		if (!starts(p, end, open) || (size_t)(end - p) <= n ||
			!(is_space(p[n]) || p[n] == '>' || p[n] == '/'))
			continue;
		const uint8_t *content = behind_tag(p, end);
		if (!content)
			return false;
		*e = (struct element){.tag = p, .inside = content, .inside_end = content, .end = content};
		if (content[-2] == '/')
			return true;
		while (content < end && !starts(content, end, close)) {
			const uint8_t *skip = starts(content, end, "<![CDATA[") ? behind(content, end, "]]>")
										: content + 1;
			if (!skip)
				return false;
			content = skip;
		}
		e->inside_end = content;
		e->end = content < end ? behind_tag(content, end) : NULL;
		return e->end != NULL;
	}
	return false;
}

static enum err put_entity(const uint8_t **p, const uint8_t *end, struct buf *out)
{
	static const struct {
		const char *name, *text;
	} entities[] = {{"&lt;", "<"}, {"&gt;", ">"}, {"&amp;", "&"}, {"&quot;", "\""}, {"&apos;", "'"}};
	for (size_t i = 0; i < sizeof entities / sizeof *entities; i++)
		if (starts(*p, end, entities[i].name)) {
			*p += strlen(entities[i].name);
			return buf_put(out, entities[i].text, 1);
		}
	return ERR_FORMAT;
}

static enum err element_text(const struct element *el, struct buf *out)
{
	const uint8_t *p = el->inside, *end = el->inside_end;
	enum err e = OK;
	while (e == OK && p < end) {
		if (starts(p, end, "<![CDATA[")) {
			const uint8_t *close = find(p, end, "]]>");
			if (!close)
				return ERR_FORMAT;
			e = buf_put(out, p + 9, (size_t)(close - p - 9));
			p = close + 3;
		} else if (*p == '<') {
			return ERR_FORMAT;
		} else if (*p == '&') {
			e = put_entity(&p, end, out);
		} else {
			e = buf_put(out, p++, 1);
		}
		if (out->n > BAKE_TEXT_MAX)
			return ERR_LIMIT;
	}
	size_t from = 0;
	while (from < out->n && is_space(out->p[from]))
		from++;
	while (out->n > from && is_space(out->p[out->n - 1]))
		out->n--;
	if (from)
		memmove(out->p, out->p + from, out->n - from);
	out->n -= from;
	return e;
}

/* <openbadges:credential verify="a JWT"/> */
static enum err verify_text(const struct element *el, struct buf *out)
{
	const uint8_t *p = find(el->tag, el->inside, "verify=\"");
	const uint8_t *close = p ? find(p + 8, el->inside, "\"") : NULL;
	return close ? buf_put(out, p + 8, (size_t)(close - p - 8)) : OK;
}

static enum err read_one(struct slice picture, const char *name_space, const char *name, struct buf *out)
{
	char prefix[PREFIX_MAX];
	struct element el, second;
	const uint8_t *end = picture.p + picture.n;
	if (!find_prefix(picture, name_space, prefix) ||
		!find_element(root_tag(picture), end, prefix, name, &el))
		return OK;
	if (find_element(el.end, end, prefix, name, &second))
		return ERR_FORMAT;
	enum err e = element_text(&el, out);
	return e == OK && out->n == 0 ? verify_text(&el, out) : e;
}

enum err bake_read_svg(struct slice picture, struct buf *credential, struct buf *bundle)
{
	enum err e = read_one(picture, badge_namespace, "credential", credential);
	return e == OK ? read_one(picture, bundle_namespace, "bundle", bundle) : e;
}

/* ---- writing */

/* Appends all of the picture but the elements of this kind. */
static enum err without(struct slice picture, const char *name_space, const char *name, struct buf *out)
{
	char prefix[PREFIX_MAX];
	struct element el;
	const uint8_t *p = picture.p, *end = picture.p + picture.n;
	enum err e = OK;
	if (find_prefix(picture, name_space, prefix))
		for (const uint8_t *at = root_tag(picture);
			e == OK && find_element(at, end, prefix, name, &el); at = el.end) {
			e = buf_put(out, p, (size_t)(el.tag - p));
			p = el.end;
		}
	return e == OK ? buf_put(out, p, (size_t)(end - p)) : e;
}

/* CDATA cannot hold its own end: it is cut there. */
static enum err put_cdata(struct buf *out, const char *open, struct slice text, const char *close)
{
	const uint8_t *p = text.p, *end = text.p + text.n, *cut;
	enum err e = buf_put(out, open, strlen(open));
	while (e == OK && (cut = find(p, end, "]]>"))) {
		e = buf_put(out, p, (size_t)(cut - p));
		if (e == OK)
			e = buf_put(out, "]]]]><![CDATA[>", 15);
		p = cut + 3;
	}
	if (e == OK)
		e = buf_put(out, p, (size_t)(end - p));
	return e == OK ? buf_put(out, close, strlen(close)) : e;
}

static enum err put_all(struct slice plain, struct slice credential, struct slice bundle, struct buf *out)
{
	const uint8_t *root = root_tag(plain), *end = plain.p + plain.n;
	const uint8_t *inside = root ? behind_tag(root, end) : NULL;
	if (!inside || inside[-2] == '/')
		return ERR_FORMAT;
	enum err e = buf_put(out, plain.p, (size_t)(inside - plain.p));
	if (e == OK)
		e = put_cdata(out,
			"<openbadges:credential xmlns:openbadges=\"https://purl.imsglobal.org/ob/v3p0\"><![CDATA[",
			credential, "]]></openbadges:credential>");
	if (e == OK && bundle.n)
		e = put_cdata(out, "<quire:bundle xmlns:quire=\"urn:quire:bundle\"><![CDATA[", bundle,
			"]]></quire:bundle>");
	return e == OK ? buf_put(out, inside, (size_t)(end - inside)) : e;
}

enum err bake_svg(struct slice picture, struct slice credential, struct slice bundle, struct buf *out)
{
	struct buf once = {0}, plain = {0};
	enum err e = bake_check_texts(picture, credential, bundle);
	if (e == OK && !bake_is_svg(picture))
		e = ERR_FORMAT;
	if (e == OK)
		e = without(picture, badge_namespace, "credential", &once);
	if (e == OK)
		e = without(buf_slice(&once), bundle_namespace, "bundle", &plain);
	if (e == OK)
		e = put_all(buf_slice(&plain), credential, bundle, out);
	buf_free(&once);
	buf_free(&plain);
	return e;
}
