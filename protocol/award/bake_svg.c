/* bake_svg.c -- credentials in SVG. See bake.h. A scanner of tags, not a parser of XML: what is not an element of ours is passed over. */
#include "protocol/award/bake.h"
#include "protocol/award/bake_int.h"

#include <stdio.h>

enum { PREFIX_MAX = 32, PREFIXES_MAX = 8 };

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

/* Those that the document binds to a namespace, wherever it does: each once; more than PREFIXES_MAX are not looked at. */
struct prefixes {
	size_t n;
	char at[PREFIXES_MAX][PREFIX_MAX];
};

static void add_prefix(struct prefixes *all, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < all->n; i++)
		if (strlen(all->at[i]) == n && memcmp(all->at[i], p, n) == 0)
			return;
	if (all->n == PREFIXES_MAX || memchr(p, 0, n))
		return;
	memcpy(all->at[all->n], p, n);
	all->at[all->n++][n] = 0;
}

/* Of one tag. */
static void tag_prefixes(const uint8_t *p, const uint8_t *end, const char *name, struct prefixes *all)
{
	size_t length = strlen(name);
	for (p = find(p, end, "xmlns:"); p; p = find(p + 6, end, "xmlns:")) {
		const uint8_t *from = p + 6, *at = from;
		while (at < end && *at != '=' && !is_space(*at) && at - from < PREFIX_MAX - 1)
			at++;
		if (at == from || end - at < (ptrdiff_t)length + 3 || *at != '=')
			continue;
		if ((at[1] == '"' || at[1] == '\'') && memcmp(at + 2, name, length) == 0 &&
			at[2 + length] == at[1])
			add_prefix(all, from, (size_t)(at - from));
	}
}

static struct prefixes find_prefixes(struct slice file, const char *name)
{
	struct prefixes all = {0};
	const uint8_t *end = file.p + file.n, *p = file.p, *after;
	while ((p = next_tag(p, end)) && (after = behind_tag(p, end))) {
		tag_prefixes(p, after, name, &all);
		p = after;
	}
	return all;
}

/* The prefix with which a tag of that name begins at p; NULL: it is another tag. */
static const char *prefix_of(
	const uint8_t *p, const uint8_t *end, const struct prefixes *all, const char *name)
{
	for (size_t i = 0; i < all->n; i++) {
		char open[PREFIX_MAX * 2 + 4];
		size_t n = (size_t)snprintf(open, sizeof open, "<%s:%s", all->at[i], name);
		if (starts(p, end, open) && (size_t)(end - p) > n &&
			(is_space(p[n]) || p[n] == '>' || p[n] == '/'))
			return all->at[i];
	}
	return NULL;
}

/* The first element of that name, with one of the prefixes, at or behind p. */
static bool find_element(
	const uint8_t *p, const uint8_t *end, const struct prefixes *all, const char *name, struct element *e)
{
	const char *prefix = NULL;
	for (p = next_tag(p, end); p && !(prefix = prefix_of(p, end, all, name)); p = next_tag(p + 1, end))
		;
	const uint8_t *content = p ? behind_tag(p, end) : NULL;
	if (!content)
		return false;
	*e = (struct element){.tag = p, .inside = content, .inside_end = content, .end = content};
	if (content[-2] == '/')
		return true;
	char close[PREFIX_MAX * 2 + 4];
	snprintf(close, sizeof close, "</%s:%s", prefix, name);
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
	const struct prefixes all = find_prefixes(picture, name_space);
	struct element el, second;
	const uint8_t *end = picture.p + picture.n;
	if (!find_element(root_tag(picture), end, &all, name, &el))
		return OK;
	if (find_element(el.end, end, &all, name, &second))
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
	const struct prefixes all = find_prefixes(picture, name_space);
	struct element el;
	const uint8_t *p = picture.p, *end = picture.p + picture.n;
	enum err e = OK;
	for (const uint8_t *at = root_tag(picture); e == OK && find_element(at, end, &all, name, &el);
		at = el.end) {
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

/* Without the space around: a reader does not see it. */
static struct slice trimmed(struct slice s)
{
	while (s.n > 0 && is_space(s.p[0]))
		s = slice_of(s.p + 1, s.n - 1);
	while (s.n > 0 && is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* A picture that is not well formed may hide or double what was put in: then it is none to put something in. */
static enum err check_written(struct slice picture, struct slice credential, struct slice bundle)
{
	struct buf texts[2] = {{0}, {0}};
	enum err e = bake_is_svg(picture) ? bake_read_svg(picture, &texts[0], &texts[1]) : ERR_FORMAT;
	if (e == OK &&
		!(slice_equal(buf_slice(&texts[0]), trimmed(credential)) &&
			slice_equal(buf_slice(&texts[1]), trimmed(bundle))))
		e = ERR_FORMAT;
	buf_free(&texts[0]);
	buf_free(&texts[1]);
	return e;
}

enum err bake_svg(struct slice picture, struct slice credential, struct slice bundle, struct buf *out)
{
	struct buf once = {0}, plain = {0};
	size_t before = out->n;
	enum err e = bake_check_texts(picture, credential, bundle);
	if (e == OK && !bake_is_svg(picture))
		e = ERR_FORMAT;
	if (e == OK)
		e = without(picture, badge_namespace, "credential", &once);
	if (e == OK)
		e = without(buf_slice(&once), bundle_namespace, "bundle", &plain);
	if (e == OK)
		e = put_all(buf_slice(&plain), credential, bundle, out);
	if (e == OK)
		e = check_written(slice_of(out->p + before, out->n - before), credential, bundle);
	buf_free(&once);
	buf_free(&plain);
	return e;
}
