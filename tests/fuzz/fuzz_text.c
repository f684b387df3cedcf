/* fuzz_text.c -- what people type or paste: invitations (SPEC 8.3), requests of devices, recovery codes (SPEC 2.2), did:key and times of
 * credentials (SPEC 17). What is read is written to a text that is read to the same. The checksums of invitations and requests can be set
 * by the target, since a fuzzer does not find them.
 * Input: at most 1200 bytes; the first says as what. */
#include "tests/fuzz/fuzz.h"

#include "protocol/award/credential.h"
#include "protocol/award/multikey.h"
#include "protocol/log/hash.h"
#include "protocol/log/identity.h"
#include "protocol/log/invitation.h"

/* In the place of libsodium's: a signature is good if its last byte is zero. */
int crypto_sign_verify_detached(
	const unsigned char *sig, const unsigned char *m, unsigned long long n, const unsigned char *key);
int crypto_sign_verify_detached(
	const unsigned char *sig, const unsigned char *m, unsigned long long n, const unsigned char *key)
{
	(void)m, (void)n, (void)key;
	return sig[63] == 0 ? 0 : -1;
}

/* Prefix and base32 (RFC 4648, lower case, no padding) of the bytes and their checksum. */
static char *checked_text(const char *prefix, struct slice bytes)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
	const struct id32 sum = hash_bytes(HASH_INVITESUM, bytes.p, bytes.n);
	struct buf all = {0}, text = {0};
	fuzz_must(buf_put_slice(&all, bytes) == OK && buf_put(&all, sum.b, 4) == OK &&
			buf_put_slice(&text, slice_str(prefix)) == OK,
		"there is memory");
	unsigned bits = 0, held = 0;
	for (size_t i = 0; i < all.n || held > 0;) {
		if (held < 5 && i < all.n) {
			bits = (bits << 8 | all.p[i++]) & 0xfffff;
			held += 8;
		} else if (held < 5) {
			bits <<= 5 - held;
			held = 5;
		}
		while (held >= 5) {
			held -= 5;
			fuzz_must(buf_put(&text, &letters[bits >> held & 31], 1) == OK, "there is memory");
		}
	}
	fuzz_must(buf_put(&text, "", 1) == OK, "there is memory");
	buf_free(&all);
	return (char *)text.p;
}

static void invitation(const char *text)
{
	struct invitation inv, again;
	char out[INVITATION_TEXT_BYTES];
	if (invitation_decode(text, &inv) != OK)
		return;
	fuzz_must(inv.addresses_n >= 1 && inv.addresses_n <= LIMIT_ADDRESSES, "one to four addresses");
	for (size_t i = 0; i < inv.addresses_n; i++)
		fuzz_must(invitation_address_ok(slice_str(inv.addresses[i])), "an address is one");
	fuzz_must(invitation_encode(&inv, out) == OK, "what is read can be written");
	fuzz_must(invitation_decode(out, &again) == OK && id32_equal(&inv.node, &again.node) &&
			id32_equal(&inv.network, &again.network) &&
			memcmp(inv.secret, again.secret, sizeof inv.secret) == 0 &&
			inv.expires_hour == again.expires_hour && inv.addresses_n == again.addresses_n,
		"and is read to the same");
}

static void request(const char *text)
{
	struct identity_request r, again;
	char out[IDENTITY_REQUEST_TEXT_BYTES];
	if (identity_request_parse(text, &r) != OK)
		return;
	fuzz_must(r.direct_n <= LIMIT_DIRECT, "nodes are bounded");
	identity_request_format(&r, out);
	fuzz_must(strlen(out) < sizeof out && identity_request_parse(out, &again) == OK, "it is read again");
	fuzz_must(id32_equal(&r.sign_key, &again.sign_key) && r.direct_n == again.direct_n &&
			memcmp(r.direct, again.direct, r.direct_n * 32) == 0 &&
			memcmp(r.consent, again.consent, 64) == 0,
		"to the same");
}

static void code(const char *text)
{
	uint8_t entropy[RECOVERY_ENTROPY_BYTES], again[RECOVERY_ENTROPY_BYTES];
	char out[RECOVERY_TEXT_BYTES];
	if (recovery_parse(text, entropy) != OK)
		return;
	recovery_format(entropy, out);
	fuzz_must(recovery_parse(out, again) == OK && memcmp(entropy, again, sizeof again) == 0,
		"a code is read to the same");
}

static void did(struct slice s)
{
	struct id32 key;
	struct buf bytes = {0}, text = {0};
	char out[DID_KEY_BYTES];
	if (did_key_parse(s, &key) == OK) {
		did_key_format(&key, out);
		fuzz_must(s.n >= strlen(out) && memcmp(s.p, out, strlen(out)) == 0, "one text for each key");
	}
	enum err e = base58_decode(s, &bytes);
	if (e == OK && bytes.n <= BASE58_INPUT_MAX)
		fuzz_must(base58_encode(bytes.p, bytes.n, &text) == OK && slice_equal(buf_slice(&text), s),
			"base58 is written as it was read");
	buf_free(&bytes);
	buf_free(&text);
}

static void moment(const char *text)
{
	uint64_t s;
	char out[CREDENTIAL_TIME_BYTES];
	if (credential_time_parse(text, &s) != OK)
		return;
	credential_time_format(s, out);
	fuzz_must(strcmp(out, text) == 0, "one text for each second");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fuzz_in in = fuzz_open(data, n);
	uint8_t how = fuzz_u8(&in) % 7;
	struct slice s = slice_of(in.p, in.n);
	char *text = how == 5 ? checked_text("quire:", s)
		: how == 6    ? checked_text("quire-device:", s)
			      : fuzz_text(s);
	switch (how) {
	case 0:
	case 5: invitation(text); break;
	case 1:
	case 6: request(text); break;
	case 2: code(text); break;
	case 3: did(s); break;
	case 4: moment(text); break;
	}
	free(text);
	return 0;
}
