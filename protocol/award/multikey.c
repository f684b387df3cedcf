#include "protocol/award/multikey.h"

#include <stdio.h>

/* 138 digits of base 58 for every 100 bytes. */
#define BASE58_TEXT_MAX (BASE58_INPUT_MAX * 138 / 100 + 2)
#define DID_KEY "did:key:"
#define MULTIKEY_BYTES 34

static const char alphabet[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
static const uint8_t ed25519_prefix[2] = {0xed, 0x01};

/* Turns the number of n digits in base `from` into digits of base `to`, least first; leading zeros stay digits of their own. */
static size_t rebase(const uint8_t *in, size_t n, unsigned from, unsigned to, uint8_t *out, size_t room)
{
	size_t zeros = 0, used = 0;
	while (zeros < n && in[zeros] == 0)
		zeros++;
	for (size_t i = zeros; i < n; i++) {
		unsigned carry = in[i];
		for (size_t k = 0; k < used; k++) {
			carry += out[k] * from;
			out[k] = (uint8_t)(carry % to);
			carry /= to;
		}
		for (; carry && used < room; carry /= to)
			out[used++] = (uint8_t)(carry % to);
	}
	while (zeros-- && used < room)
		out[used++] = 0;
	return used;
}

enum err base58_encode(const uint8_t *p, size_t n, struct buf *out)
{
	uint8_t digits[BASE58_TEXT_MAX];
	if (n > BASE58_INPUT_MAX)
		return ERR_LIMIT;
	size_t used = rebase(p, n, 256, 58, digits, sizeof digits);
	enum err e = buf_reserve(out, used);
	while (e == OK && used)
		out->p[out->n++] = (uint8_t)alphabet[digits[--used]];
	return e;
}

enum err base58_decode(struct slice text, struct buf *out)
{
	uint8_t digits[BASE58_TEXT_MAX], bytes[BASE58_TEXT_MAX];
	if (text.n > sizeof digits)
		return ERR_LIMIT;
	for (size_t i = 0; i < text.n; i++) {
		const char *at = text.p[i] ? strchr(alphabet, text.p[i]) : NULL;
		if (!at)
			return ERR_FORMAT;
		digits[i] = (uint8_t)(at - alphabet);
	}
	size_t used = rebase(digits, text.n, 58, 256, bytes, sizeof bytes);
	if (used > BASE58_INPUT_MAX)
		return ERR_LIMIT;
	enum err e = buf_reserve(out, used);
	while (e == OK && used)
		out->p[out->n++] = bytes[--used];
	return e;
}

/* "z6Mk…" with its NUL: 49 bytes. */
static void multikey_format(const struct id32 *public_key, char out[DID_KEY_BYTES])
{
	uint8_t bytes[MULTIKEY_BYTES], digits[BASE58_TEXT_MAX];
	memcpy(bytes, ed25519_prefix, 2);
	memcpy(bytes + 2, public_key->b, 32);
	size_t used = rebase(bytes, sizeof bytes, 256, 58, digits, sizeof digits), n = 0;
	out[n++] = 'z';
	while (used)
		out[n++] = alphabet[digits[--used]];
	out[n] = 0;
}

void did_key_format(const struct id32 *public_key, char out[DID_KEY_BYTES])
{
	char key[DID_KEY_BYTES];
	multikey_format(public_key, key);
	snprintf(out, DID_KEY_BYTES, DID_KEY "%.*s", DID_KEY_BYTES - 9, key);
}

void did_key_method(const struct id32 *public_key, char out[DID_METHOD_BYTES])
{
	char key[DID_KEY_BYTES];
	multikey_format(public_key, key);
	snprintf(out, DID_METHOD_BYTES, DID_KEY "%.52s#%.52s", key, key);
}

static enum err multikey_parse(struct slice text, struct id32 *public_key)
{
	struct buf bytes = {0};
	if (text.n < 2 || text.p[0] != 'z')
		return ERR_FORMAT;
	enum err e = base58_decode(slice_of(text.p + 1, text.n - 1), &bytes);
	if (e == ERR_LIMIT)
		e = ERR_VERSION; /* keys of other kinds may be long */
	if (e == OK && (bytes.n < 2 || memcmp(bytes.p, ed25519_prefix, 2) != 0))
		e = ERR_VERSION;
	if (e == OK && bytes.n != MULTIKEY_BYTES)
		e = ERR_FORMAT;
	if (e == OK)
		*public_key = id32_from(bytes.p + 2);
	buf_free(&bytes);
	return e;
}

enum err did_key_parse(struct slice did, struct id32 *public_key)
{
	size_t prefix = strlen(DID_KEY);
	if (did.n <= prefix || memcmp(did.p, DID_KEY, prefix) != 0)
		return ERR_FORMAT;
	struct slice key = slice_of(did.p + prefix, did.n - prefix);
	const uint8_t *hash = (const uint8_t *)memchr(key.p, '#', key.n);
	if (hash) {
		size_t n = (size_t)(hash - key.p);
		if (!slice_equal(slice_of(key.p, n), slice_of(hash + 1, key.n - n - 1)))
			return ERR_FORMAT;
		key.n = n;
	}
	return multikey_parse(key, public_key);
}
