/* invitation.c -- see invitation.h. */
#include "protocol/log/invitation.h"
#include "protocol/log/hash.h"

#include <sodium.h>

#define PREFIX "quire:"

static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567"; /* RFC 4648, in lower case */

/* The bytes before the text form, SPEC 8.3. */
enum {
	AT_VERSION = 0,
	AT_NODE = 1,
	AT_NETWORK = 33,
	AT_SECRET = 65,
	AT_EXPIRES = 81,
	AT_COUNT = 85,
	AT_ADDRESSES = 86,
	SUM_BYTES = 4,
	RAW_BYTES_MAX = AT_ADDRESSES + LIMIT_ADDRESSES * (1 + LIMIT_ADDRESS_BYTES) + SUM_BYTES,
	LETTERS_MAX = (RAW_BYTES_MAX * 8 + 4) / 5,
};

_Static_assert(sizeof PREFIX + LETTERS_MAX <= INVITATION_TEXT_BYTES, "the longest invitation has room");

/* ---- addresses */

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(uint8_t c, uint8_t last)
{
	c |= 0x20;
	return c >= 'a' && c <= last;
}

static bool port_ok(struct slice s)
{
	uint32_t port = 0;
	if (s.n < 1 || s.n > 5 || s.p[0] == '0')
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (!is_digit(s.p[i]))
			return false;
		port = port * 10 + (uint32_t)(s.p[i] - '0');
	}
	return port <= 65535;
}

static bool name_ok(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_digit(s.p[i]) && !is_letter(s.p[i], 'z') && s.p[i] != '-' && s.p[i] != '.' &&
			s.p[i] != '_')
			return false;
	return s.n > 0;
}

/* Letters and colons only: whoever dials has the parser. */
static bool ipv6_ok(struct slice s)
{
	size_t colons = 0;
	for (size_t i = 0; i < s.n; i++) {
		if (!is_digit(s.p[i]) && !is_letter(s.p[i], 'f') && s.p[i] != ':' && s.p[i] != '.')
			return false;
		colons += s.p[i] == ':';
	}
	return colons >= 2;
}

bool invitation_address_ok(struct slice address)
{
	if (address.n < 1 || address.n > LIMIT_ADDRESS_BYTES)
		return false;
	size_t colon = address.n;
	while (colon > 0 && address.p[colon - 1] != ':')
		colon--;
	if (colon == 0 || !port_ok(slice_of(address.p + colon, address.n - colon)))
		return false;
	struct slice host = slice_of(address.p, colon - 1);
	if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		return ipv6_ok(slice_of(host.p + 1, host.n - 2));
	return name_ok(host);
}

/* ---- base32 */

/* SPEC 8.3: "A reader ignores case and white space around" */
static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static void base32_put(const uint8_t *p, size_t n, char *out)
{
	uint32_t bits = 0;
	unsigned held = 0;
	for (size_t i = 0; i < n; i++) {
		bits = bits << 8 | p[i];
		held += 8;
		while (held >= 5) {
			held -= 5;
			*out++ = alphabet[bits >> held & 31];
		}
	}
	if (held > 0)
		*out++ = alphabet[bits << (5 - held) & 31];
	*out = '\0';
}

/* ERR_FORMAT: another letter; ERR_HASH: a length or last bits that no bytes give, so it was cut or altered. */
static enum err base32_get(struct slice text, uint8_t *out, size_t *out_n)
{
	uint32_t bits = 0;
	unsigned held = 0;
	size_t n = 0;
	for (size_t i = 0; i < text.n; i++) {
		char c = lower((char)text.p[i]);
		const char *at = c ? strchr(alphabet, c) : NULL;
		if (!at)
			return ERR_FORMAT;
		bits = bits << 5 | (uint32_t)(at - alphabet);
		held += 5;
		if (held >= 8) {
			held -= 8;
			out[n++] = (uint8_t)(bits >> held);
		}
	}
	*out_n = n;
	return held < 5 && (bits & ((1u << held) - 1)) == 0 ? OK : ERR_HASH;
}

/* ---- the whole */

enum err invitation_encode(const struct invitation *inv, char out[INVITATION_TEXT_BYTES])
{
	if (inv->addresses_n < 1 || inv->addresses_n > LIMIT_ADDRESSES)
		return ERR_LIMIT;
	uint8_t raw[RAW_BYTES_MAX];
	raw[AT_VERSION] = 1;
	memcpy(raw + AT_NODE, inv->node.b, 32);
	memcpy(raw + AT_NETWORK, inv->network.b, 32);
	memcpy(raw + AT_SECRET, inv->secret, sizeof inv->secret);
	be32_put(raw + AT_EXPIRES, inv->expires_hour);
	raw[AT_COUNT] = (uint8_t)inv->addresses_n;
	size_t n = AT_ADDRESSES;
	enum err err = ERR_LIMIT;
	for (size_t i = 0; i < inv->addresses_n; i++) {
		struct slice a = slice_of(
			inv->addresses[i], strnlen(inv->addresses[i], sizeof inv->addresses[i]));
		if (!invitation_address_ok(a))
			goto out;
		raw[n++] = (uint8_t)a.n;
		memcpy(raw + n, a.p, a.n);
		n += a.n;
	}
	/* SPEC 8.3: "the first 4 bytes of H(`quire.invitesum`, all bytes before)" */
	const struct id32 sum = hash_bytes(HASH_INVITESUM, raw, n);
	memcpy(raw + n, sum.b, SUM_BYTES);
	memcpy(out, PREFIX, sizeof PREFIX);
	base32_put(raw, n + SUM_BYTES, out + strlen(PREFIX));
	err = OK;
out:
	sodium_memzero(raw, sizeof raw);
	return err;
}

/* The bytes before the sum, which fitted. */
static enum err raw_get(struct slice raw, struct invitation *inv)
{
	if (raw.n < 1 || raw.p[AT_VERSION] != 1)
		return ERR_VERSION;
	if (raw.n < AT_ADDRESSES)
		return ERR_FORMAT;
	*inv = (struct invitation){
		.node = id32_from(raw.p + AT_NODE),
		.network = id32_from(raw.p + AT_NETWORK),
		.expires_hour = be32_get(raw.p + AT_EXPIRES),
		.addresses_n = raw.p[AT_COUNT],
	};
	memcpy(inv->secret, raw.p + AT_SECRET, sizeof inv->secret);
	if (inv->addresses_n < 1 || inv->addresses_n > LIMIT_ADDRESSES)
		return ERR_RANGE;
	size_t at = AT_ADDRESSES;
	for (size_t i = 0; i < inv->addresses_n; i++) {
		if (at == raw.n || raw.n - at - 1 < raw.p[at])
			return ERR_FORMAT;
		struct slice a = slice_of(raw.p + at + 1, raw.p[at]);
		if (!invitation_address_ok(a))
			return ERR_RANGE;
		memcpy(inv->addresses[i], a.p, a.n);
		at += 1 + a.n;
	}
	return at == raw.n ? OK : ERR_FORMAT;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

enum err invitation_decode(const char *text, struct invitation *inv)
{
	while (is_space(*text))
		text++;
	size_t n = strlen(text);
	while (n > 0 && is_space(text[n - 1]))
		n--;
	size_t prefix = strlen(PREFIX);
	if (n < prefix || n - prefix > LETTERS_MAX)
		return ERR_FORMAT;
	for (size_t i = 0; i < prefix; i++)
		if (lower(text[i]) != PREFIX[i])
			return ERR_FORMAT;
	uint8_t raw[RAW_BYTES_MAX];
	struct invitation got = {0};
	size_t raw_n;
	enum err err = base32_get(slice_of(text + prefix, n - prefix), raw, &raw_n);
	if (err != OK)
		goto out;
	err = ERR_HASH;
	if (raw_n < SUM_BYTES)
		goto out;
	const struct id32 sum = hash_bytes(HASH_INVITESUM, raw, raw_n - SUM_BYTES);
	if (memcmp(sum.b, raw + raw_n - SUM_BYTES, SUM_BYTES) != 0)
		goto out;
	err = raw_get(slice_of(raw, raw_n - SUM_BYTES), &got);
	if (err == OK)
		*inv = got;
out:
	sodium_memzero(raw, sizeof raw);
	sodium_memzero(&got, sizeof got);
	return err;
}

struct id32 invitation_secret_hash(const uint8_t secret[16])
{
	return hash_bytes(HASH_INVITE, secret, 16);
}
