/* fuzz_seal.c -- sealed bodies (SPEC 5) without a cipher: any bytes as a body, the ephemeral key as the content key demands; the record that
 * comes out is one object in the profile, and a reader with a slot gets the same as one with the key.
 * Input: at most 4096 bytes. */
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/null_aead.h"

#include "protocol/log/hash.h"
#include "protocol/log/mp.h"
#include "protocol/log/seal.h"
#include "protocol/log/secret.h"

NULL_AEAD(crypto_aead_xchacha20poly1305_ietf)

enum { AT_EPHEMERAL = 32 + 2, AT_SLOTS = AT_EPHEMERAL + 32 };

static const uint8_t content_key[32] = {5};
static const struct id32 log_id = {{6}};
static struct id32 ephemeral;
static struct seal_pair pair;

static void once(void)
{
	static const uint8_t reading_secret[32] = {8}, author_secret[32] = {9};
	static bool done;
	struct id32 author;
	if (done)
		return;
	fuzz_must(sodium_init() >= 0, "libsodium starts");
	const struct id32 e = hash_bytes(HASH_EPHEMERAL, content_key, 32);
	secret_box_public(e.b, &ephemeral);
	secret_box_public(author_secret, &author);
	fuzz_must(seal_pair_init(&pair, reading_secret, &author) == OK, "a pair of keys");
	done = true;
}

/* The hint of our pair for this ephemeral key, and behind it the wrapped content key. */
static void put_slot(uint8_t *slot)
{
	uint8_t x[64];
	memcpy(x, pair.d, 32);
	memcpy(x + 32, ephemeral.b, 32);
	const struct id32 h = hash_bytes(HASH_HINT, x, sizeof x);
	memcpy(slot, h.b, 8);
	memcpy(slot + 8, content_key, 32);
	memset(slot + 40, 0, 16);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	once();
	struct fuzz_in in = fuzz_open(data, n);
	uint8_t how = fuzz_u8(&in);
	uint8_t *body = malloc(in.n + 1);
	struct buf record = {0}, same = {0};
	uint8_t key[32];
	fuzz_must(body != NULL, "there is memory");
	if (in.n)
		memcpy(body, in.p, in.n);
	struct slice s = slice_of(body, in.n);
	if (how & 1 && s.n >= AT_SLOTS)
		memcpy(body + AT_EPHEMERAL, ephemeral.b, 32);
	if (how & 2 && s.n >= AT_SLOTS + 56)
		put_slot(body + AT_SLOTS);
	if (how & 4 && s.n >= 16)
		memset(body + s.n - 16, 0, 16); /* the tag */
	enum err e = seal_open_key(content_key, &log_id, s, &record);
	if (e == OK)
		fuzz_must(mp_check(buf_slice(&record), LIMIT_MP_NODES) == OK, "a record is in the profile");
	else
		fuzz_must(record.n == 0, "nothing is given on error");
	bool hint = seal_hint_matches(&pair, s);
	enum err slot = seal_open(&pair, &log_id, s, &same, key);
	fuzz_must(hint || slot != OK, "no slot, no key");
	if (slot == OK && e == OK && memcmp(key, content_key, 32) == 0)
		fuzz_must(fuzz_same(&record, &same), "key and slot open to the same");
	buf_free(&record);
	buf_free(&same);
	free(body);
	return 0;
}
