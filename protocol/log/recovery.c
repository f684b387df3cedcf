/* recovery.c -- see recovery.h. */
#include "protocol/log/recovery.h"
#include "protocol/log/hash.h"

#include <sodium.h>

/* SPEC 2.2: "`0123456789ABCDEFGHJKMNPQRSTVWXYZ`, most significant bits first, as 32 characters in 8 groups of 4 joined by `-`" */
static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

enum { CHECK_BYTES = 2, CODE_BYTES = RECOVERY_ENTROPY_BYTES + CHECK_BYTES, LETTERS = 32 };

static void put_check(const uint8_t entropy[RECOVERY_ENTROPY_BYTES], uint8_t check[CHECK_BYTES])
{
	struct id32 h = hash_bytes(HASH_CODESUM, entropy, RECOVERY_ENTROPY_BYTES);
	memcpy(check, h.b, CHECK_BYTES);
	sodium_memzero(&h, sizeof h);
}

void recovery_format(const uint8_t entropy[RECOVERY_ENTROPY_BYTES], char out[RECOVERY_TEXT_BYTES])
{
	uint8_t code[CODE_BYTES];
	memcpy(code, entropy, RECOVERY_ENTROPY_BYTES);
	put_check(entropy, code + RECOVERY_ENTROPY_BYTES);
	for (size_t i = 0; i < LETTERS; i++) {
		size_t bit = 5 * i, byte = bit / 8;
		unsigned two = (unsigned)code[byte] << 8 | (byte + 1 < CODE_BYTES ? code[byte + 1] : 0u);
		if (i % 4 == 0 && i > 0)
			*out++ = '-';
		*out++ = alphabet[two >> (11 - bit % 8) & 31];
	}
	*out = '\0';
	sodium_memzero(code, sizeof code);
}

/* The value of a letter, -1 if it is none. */
static int letter_value(char c)
{
	if (c >= 'a' && c <= 'z')
		c = (char)(c - 'a' + 'A');
	/* SPEC 2.2: "reads `O` as `0`, `I` and `L` as `1`" */
	if (c == 'O')
		c = '0';
	if (c == 'I' || c == 'L')
		c = '1';
	const char *at = c ? strchr(alphabet, c) : NULL;
	return at ? (int)(at - alphabet) : -1;
}

static bool is_skipped(char c)
{
	return c == ' ' || c == '-' || c == '\t' || c == '\r' || c == '\n';
}

enum err recovery_parse(const char *text, uint8_t entropy[RECOVERY_ENTROPY_BYTES])
{
	uint8_t code[CODE_BYTES] = {0}, check[CHECK_BYTES];
	size_t n = 0;
	enum err err = ERR_FORMAT;
	for (; *text; text++) {
		if (is_skipped(*text))
			continue;
		int value = letter_value(*text);
		if (value < 0 || n == LETTERS)
			goto out;
		size_t bit = 5 * n++;
		unsigned two = (unsigned)value << (11 - bit % 8);
		code[bit / 8] |= (uint8_t)(two >> 8);
		if (bit / 8 + 1 < CODE_BYTES)
			code[bit / 8 + 1] |= (uint8_t)two;
	}
	if (n != LETTERS)
		goto out;
	put_check(code, check);
	err = ERR_HASH;
	if (memcmp(check, code + RECOVERY_ENTROPY_BYTES, CHECK_BYTES) != 0)
		goto out;
	memcpy(entropy, code, RECOVERY_ENTROPY_BYTES);
	err = OK;
out:
	sodium_memzero(code, sizeof code);
	return err;
}

static void derive(uint8_t use, enum recovery_label label, const uint8_t entropy[RECOVERY_ENTROPY_BYTES],
	uint8_t out[32])
{
	const uint8_t head[2] = {use, (uint8_t)label};
	const struct slice parts[] = {slice_of(head, sizeof head), slice_of(entropy, RECOVERY_ENTROPY_BYTES)};
	struct id32 h = hash_parts(HASH_CODE, parts, 2);
	memcpy(out, h.b, 32);
	sodium_memzero(&h, sizeof h);
}

void recovery_keys(const uint8_t entropy[RECOVERY_ENTROPY_BYTES], enum recovery_label label,
	uint8_t root_seed[32], uint8_t recovery_secret[32])
{
	derive(1, label, entropy, root_seed);
	derive(2, label, entropy, recovery_secret);
}
