/* bake.c -- see bake.h. PNG here, SVG in bake_svg.c. */
#include "protocol/award/bake.h"

#include "protocol/award/bake_int.h"

enum { CHUNK_HEAD = 8, CHUNK_TAIL = 4, CHUNK_MAX = 0x7fffffff };

static const uint8_t signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
static const char credential_keyword[] = "openbadgecredential", bundle_keyword[] = "quirebundle";

bool bake_is_png(struct slice file)
{
	return file.n >= sizeof signature && memcmp(file.p, signature, sizeof signature) == 0;
}

/* CRC-32 of PNG (RFC 2083 section 3.4), bit by bit: a picture is read once. */
static uint32_t crc32_of(const uint8_t *p, size_t n)
{
	uint32_t crc = 0xffffffffu;
	for (size_t i = 0; i < n; i++) {
		crc ^= p[i];
		for (int k = 0; k < 8; k++)
			crc = (crc >> 1) ^ (0xedb88320u & (0u - (crc & 1)));
	}
	return ~crc;
}

struct chunk {
	const uint8_t *type; /* 4 bytes, data behind */
	struct slice data, whole;
};

/* The next chunk; checked: length, and for those that we read the CRC. */
static enum err next_chunk(struct slice *rest, struct chunk *c)
{
	if (rest->n < CHUNK_HEAD + CHUNK_TAIL)
		return ERR_FORMAT;
	size_t n = be32_get(rest->p);
	if (n > CHUNK_MAX || n > rest->n - CHUNK_HEAD - CHUNK_TAIL)
		return ERR_FORMAT;
	c->type = rest->p + 4;
	c->data = slice_of(rest->p + CHUNK_HEAD, n);
	c->whole = slice_of(rest->p, CHUNK_HEAD + n + CHUNK_TAIL);
	*rest = slice_of(rest->p + c->whole.n, rest->n - c->whole.n);
	return OK;
}

static bool is_type(const struct chunk *c, const char *type)
{
	return memcmp(c->type, type, 4) == 0;
}

static bool has_keyword(const struct chunk *c, const char *keyword, size_t n)
{
	return is_type(c, "iTXt") && c->data.n > n && memcmp(c->data.p, keyword, n + 1) == 0;
}

static bool is_ours(const struct chunk *c)
{
	return has_keyword(c, credential_keyword, sizeof credential_keyword - 1) ||
		has_keyword(c, bundle_keyword, sizeof bundle_keyword - 1);
}

static enum err put_text(struct buf *out, const char *keyword, struct slice text)
{
	static const uint8_t plain[4] = {
		0}; /* not compressed, method 0, no language, no translated keyword */
	uint8_t number[4];
	size_t keyword_n = strlen(keyword) + 1, from = out->n;
	be32_put(number, (uint32_t)(keyword_n + sizeof plain + text.n));
	enum err e = buf_put(out, number, 4);
	if (e == OK)
		e = buf_put(out, "iTXt", 4);
	if (e == OK)
		e = buf_put(out, keyword, keyword_n);
	if (e == OK)
		e = buf_put(out, plain, sizeof plain);
	if (e == OK)
		e = buf_put_slice(out, text);
	if (e != OK)
		return e;
	be32_put(number, crc32_of(out->p + from + 4, out->n - from - 4));
	return buf_put(out, number, 4);
}

enum err bake_check_texts(struct slice picture, struct slice credential, struct slice bundle)
{
	if (picture.n > BAKE_PICTURE_MAX || credential.n > BAKE_TEXT_MAX || bundle.n > BAKE_TEXT_MAX)
		return ERR_LIMIT;
	bool nul = (credential.n && memchr(credential.p, 0, credential.n)) ||
		(bundle.n && memchr(bundle.p, 0, bundle.n));
	return nul || credential.n == 0 ? ERR_INPUT : OK;
}

enum err bake_png(struct slice picture, struct slice credential, struct slice bundle, struct buf *out)
{
	struct slice rest;
	struct chunk c = {0};
	bool first = true;
	enum err e = bake_check_texts(picture, credential, bundle);
	if (e != OK)
		return e;
	if (!bake_is_png(picture))
		return ERR_FORMAT;
	rest = slice_of(picture.p + sizeof signature, picture.n - sizeof signature);
	e = buf_put(out, signature, sizeof signature);
	while (e == OK && (first || !is_type(&c, "IEND"))) {
		e = next_chunk(&rest, &c);
		if (e == OK && first != is_type(&c, "IHDR"))
			e = ERR_FORMAT;
		if (e == OK && !is_ours(&c))
			e = buf_put_slice(out, c.whole);
		if (e == OK && first)
			e = put_text(out, credential_keyword, credential);
		if (e == OK && first && bundle.n)
			e = put_text(out, bundle_keyword, bundle);
		first = false;
	}
	return e;
}

/* The text of an iTXt chunk behind its keyword. */
static enum err take_text(const struct chunk *c, size_t keyword_n, struct buf *out)
{
	const uint8_t *p = c->data.p + keyword_n + 1, *end = c->data.p + c->data.n;
	if (crc32_of(c->type, 4 + c->data.n) != be32_get(c->data.p + c->data.n) || end - p < 2)
		return ERR_FORMAT;
	if (p[0] != 0)
		return ERR_REFUSED;
	p += 2;
	for (int i = 0; i < 2; i++) { /* language tag, translated keyword */
		const uint8_t *nul = (const uint8_t *)memchr(p, 0, (size_t)(end - p));
		if (!nul)
			return ERR_FORMAT;
		p = nul + 1;
	}
	if (out->n)
		return ERR_FORMAT; /* a second one */
	return (size_t)(end - p) > BAKE_TEXT_MAX ? ERR_LIMIT : buf_put(out, p, (size_t)(end - p));
}

static enum err read_png(struct slice picture, struct buf *credential, struct buf *bundle)
{
	struct slice rest = slice_of(picture.p + sizeof signature, picture.n - sizeof signature);
	struct chunk c = {0};
	enum err e = OK;
	do {
		e = next_chunk(&rest, &c);
		if (e == OK && has_keyword(&c, credential_keyword, sizeof credential_keyword - 1))
			e = take_text(&c, sizeof credential_keyword - 1, credential);
		else if (e == OK && has_keyword(&c, bundle_keyword, sizeof bundle_keyword - 1))
			e = take_text(&c, sizeof bundle_keyword - 1, bundle);
	} while (e == OK && !is_type(&c, "IEND"));
	return e;
}

enum err bake_read(struct slice picture, struct buf *credential, struct buf *bundle, bool *has_bundle)
{
	struct buf texts[2] = {{0}, {0}};
	enum err e = ERR_FORMAT;
	if (picture.n > BAKE_PICTURE_MAX)
		return ERR_LIMIT;
	if (bake_is_png(picture))
		e = read_png(picture, &texts[0], &texts[1]);
	else if (bake_is_svg(picture))
		e = bake_read_svg(picture, &texts[0], &texts[1]);
	if (e == OK && texts[0].n == 0)
		e = ERR_NOT_FOUND;
	*has_bundle = texts[1].n > 0;
	if (e == OK)
		e = buf_put_slice(credential, buf_slice(&texts[0]));
	if (e == OK)
		e = buf_put_slice(bundle, buf_slice(&texts[1]));
	buf_free(&texts[0]);
	buf_free(&texts[1]);
	return e;
}
