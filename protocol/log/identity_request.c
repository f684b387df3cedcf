/* identity_request.c -- the text in which a new device asks to be added. */
#include "protocol/log/hash.h"
#include "protocol/log/identity.h"
#include "protocol/log/secret.h"

#include <sodium.h>
#include <strings.h>

#define PREFIX "quire-device:"
#define VERSION 1
#define SUM_BYTES 4
#define FIXED_BYTES (1 + 3 * 32 + 1) /* before the direct nodes */
#define RAW_BYTES_MAX (FIXED_BYTES + 32 * LIMIT_DIRECT + 64 + SUM_BYTES)

static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";

static void base32_put(const uint8_t *p, size_t n, char *out)
{
	uint32_t bits = 0, have = 0;
	for (size_t i = 0; i < n; i++) {
		bits = bits << 8 | p[i];
		for (have += 8; have >= 5; have -= 5)
			*out++ = letters[bits >> (have - 5) & 31];
	}
	if (have)
		*out++ = letters[bits << (5 - have) & 31];
	*out = '\0';
}

static int letter_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		c = (char)(c - 'A' + 'a');
	const char *at = c ? strchr(letters, c) : NULL;
	return at ? (int)(at - letters) : -1;
}

/* SPEC 8.3: "refuses trailing bits that are not zero, and any length but the exact one" */
static enum err base32_get(const char *text, size_t n, uint8_t *out, size_t max, size_t *out_n)
{
	uint32_t bits = 0, have = 0;
	size_t made = 0;
	for (size_t i = 0; i < n; i++) {
		int v = letter_value(text[i]);
		if (v < 0)
			return ERR_FORMAT;
		bits = bits << 5 | (uint32_t)v;
		have += 5;
		if (have < 8)
			continue;
		have -= 8;
		if (made == max)
			return ERR_FORMAT;
		out[made++] = (uint8_t)(bits >> have);
	}
	if (have >= 5 || (bits & ((1u << have) - 1)) != 0)
		return ERR_FORMAT;
	*out_n = made;
	return OK;
}

enum err identity_request_make(const struct id32 *identity, const struct identity_device *device,
	const struct id32 *direct, size_t direct_n, struct identity_request *out)
{
	uint8_t secret[64];
	if (direct_n > LIMIT_DIRECT)
		return ERR_LIMIT;
	for (size_t i = 1; i < direct_n; i++)
		if (id32_cmp(&direct[i - 1], &direct[i]) >= 0)
			return ERR_INPUT;
	*out = (struct identity_request){.identity = *identity, .direct_n = direct_n};
	if (direct_n)
		memcpy(out->direct, direct, direct_n * sizeof *direct);
	secret_sign_pair(device->sign_seed, &out->sign_key, secret);
	secret_box_public(device->box_secret, &out->box_key);
	keyevent_device_consent(
		identity, &out->sign_key, &out->box_key, direct, direct_n, secret, out->consent);
	sodium_memzero(secret, sizeof secret);
	return OK;
}

void identity_request_format(const struct identity_request *r, char out[IDENTITY_REQUEST_TEXT_BYTES])
{
	uint8_t raw[RAW_BYTES_MAX], *p = raw + FIXED_BYTES;
	if (r->direct_n > LIMIT_DIRECT)
		abort();
	raw[0] = VERSION;
	memcpy(raw + 1, r->identity.b, 32);
	memcpy(raw + 33, r->sign_key.b, 32);
	memcpy(raw + 65, r->box_key.b, 32);
	raw[97] = (uint8_t)r->direct_n;
	memcpy(p, r->direct, r->direct_n * sizeof *r->direct);
	p += 32 * r->direct_n;
	memcpy(p, r->consent, 64);
	p += 64;
	struct id32 sum = hash_bytes(HASH_INVITESUM, raw, (size_t)(p - raw));
	memcpy(p, sum.b, SUM_BYTES);
	memcpy(out, PREFIX, sizeof PREFIX);
	base32_put(raw, (size_t)(p - raw) + SUM_BYTES, out + strlen(PREFIX));
}

static enum err raw_get(const uint8_t *raw, size_t n, struct identity_request *r)
{
	if (n < FIXED_BYTES + 64 + SUM_BYTES)
		return ERR_FORMAT;
	struct id32 sum = hash_bytes(HASH_INVITESUM, raw, n - SUM_BYTES);
	if (memcmp(sum.b, raw + n - SUM_BYTES, SUM_BYTES) != 0)
		return ERR_HASH;
	if (raw[0] != VERSION)
		return ERR_VERSION;
	*r = (struct identity_request){.direct_n = raw[97]};
	if (r->direct_n > LIMIT_DIRECT || n != FIXED_BYTES + 32 * r->direct_n + 64 + SUM_BYTES)
		return ERR_FORMAT;
	r->identity = id32_from(raw + 1);
	r->sign_key = id32_from(raw + 33);
	r->box_key = id32_from(raw + 65);
	for (size_t i = 0; i < r->direct_n; i++) {
		r->direct[i] = id32_from(raw + FIXED_BYTES + 32 * i);
		if (i && id32_cmp(&r->direct[i - 1], &r->direct[i]) >= 0)
			return ERR_FORMAT;
	}
	memcpy(r->consent, raw + FIXED_BYTES + 32 * r->direct_n, 64);
	return keyevent_device_consent_verify(
		&r->identity, &r->sign_key, &r->box_key, r->direct, r->direct_n, r->consent);
}

static bool is_white(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

enum err identity_request_parse(const char *text, struct identity_request *r)
{
	uint8_t raw[RAW_BYTES_MAX];
	struct identity_request got;
	size_t n, raw_n, prefix = strlen(PREFIX);
	while (is_white(*text))
		text++;
	for (n = strlen(text); n && is_white(text[n - 1]);)
		n--;
	if (n < prefix || strncasecmp(text, PREFIX, prefix) != 0)
		return ERR_FORMAT;
	enum err e = base32_get(text + prefix, n - prefix, raw, sizeof raw, &raw_n);
	if (e == OK)
		e = raw_get(raw, raw_n, &got);
	if (e == OK)
		*r = got;
	return e;
}
