/* fuzz_notice.c -- notices (SPEC 20.1) without a cipher: any bytes as what was sealed; what opens is sealed again at full length, and opens to the same.
 * Input: at most 600 bytes, the plain map. */
#include "tests/fuzz/fuzz.h"

#include "protocol/log/invitation.h"
#include "protocol/log/notice.h"

#include <sodium.h>

int crypto_box_seal_open(unsigned char *m, const unsigned char *c, unsigned long long clen,
	const unsigned char *pk, const unsigned char *sk)
{
	(void)pk, (void)sk;
	fuzz_must(clen > crypto_box_SEALBYTES, "what is too short is not opened");
	memcpy(m, c + crypto_box_SEALBYTES, clen - crypto_box_SEALBYTES);
	return 0;
}

int crypto_box_easy(unsigned char *c, const unsigned char *m, unsigned long long mlen, const unsigned char *n,
	const unsigned char *pk, const unsigned char *sk)
{
	(void)n, (void)pk, (void)sk;
	memset(c, 0, crypto_box_MACBYTES);
	memcpy(c + crypto_box_MACBYTES, m, mlen);
	return 0;
}

static void zeros(void *ctx, uint8_t *out, size_t n)
{
	(void)ctx;
	memset(out, 1, n);
}

static void seal_again(const struct notice *n)
{
	static const struct id32 key = {{9}};
	static const uint8_t secret[32] = {1};
	const struct random_source rnd = {.fill = zeros};
	uint8_t bytes[LIMIT_NOTICE_BYTES];
	struct notice again;
	fuzz_must(notice_seal(n, &key, &rnd, bytes) == OK, "what opens can be sealed");
	fuzz_must(notice_open(slice_of(bytes, sizeof bytes), &key, secret, &again) == OK, "and opened");
	fuzz_must(memcmp(&again.to, &n->to, 32) == 0 && memcmp(&again.from, &n->from, 32) == 0 &&
			memcmp(&again.node, &n->node, 32) == 0 && again.entry.seq == n->entry.seq &&
			memcmp(&again.entry.log, &n->entry.log, 32) == 0 &&
			memcmp(&again.entry.id, &n->entry.id, 32) == 0,
		"it says the same");
	fuzz_must(again.addresses_n <= n->addresses_n, "no address is new");
	for (size_t i = 0; i < again.addresses_n; i++)
		fuzz_must(strcmp(again.addresses[i], n->addresses[i]) == 0, "the first addresses stay");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct id32 key = {{9}};
	static const uint8_t secret[32] = {1};
	struct notice got;
	fuzz_must(sodium_init() >= 0, "libsodium starts");
	uint8_t *sealed = calloc(1, n + crypto_box_SEALBYTES);
	fuzz_must(sealed != NULL, "there is memory");
	if (n)
		memcpy(sealed + crypto_box_SEALBYTES, data, n);
	if (notice_open(slice_of(sealed, n + crypto_box_SEALBYTES), &key, secret, &got) == OK) {
		fuzz_must(n + crypto_box_SEALBYTES <= LIMIT_NOTICE_BYTES, "nothing longer opens");
		fuzz_must(got.addresses_n <= LIMIT_ADDRESSES && got.entry.seq <= LIMIT_SEQ, "in its bounds");
		for (size_t i = 0; i < got.addresses_n; i++)
			fuzz_must(invitation_address_ok(slice_str(got.addresses[i])), "an address is one");
		seal_again(&got);
	}
	free(sealed);
	return 0;
}
