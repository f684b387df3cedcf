/* noise.c -- see noise.h. Names in capitals are those of the Noise specification. */
#include "protocol/peer/noise.h"

#include <sodium.h>

static const struct slice nothing = {0};

/* ---- primitives: sections 4 and 12 */

void noise_keypair_from_secret(struct noise_keypair *pair, const uint8_t secret[NOISE_KEY_BYTES])
{
	memcpy(pair->secret, secret, NOISE_KEY_BYTES);
	/* crypto_scalarmult_base cannot fail: the base point has no low order */
	(void)crypto_scalarmult_base(pair->public_key.b, pair->secret);
}

void noise_keypair_generate(struct noise_keypair *pair, const struct random_source *random)
{
	uint8_t secret[NOISE_KEY_BYTES];
	random_fill(random, secret, sizeof secret);
	noise_keypair_from_secret(pair, secret);
	sodium_memzero(secret, sizeof secret);
}

void noise_keypair_deinit(struct noise_keypair *pair)
{
	sodium_memzero(pair, sizeof *pair);
}

enum err noise_dh(
	const uint8_t secret[NOISE_KEY_BYTES], const struct id32 *public_key, uint8_t shared[NOISE_KEY_BYTES])
{
	return crypto_scalarmult(shared, secret, public_key->b) == 0 ? OK : ERR_FORMAT;
}

static void hmac_update(crypto_auth_hmacsha256_state *state, struct slice s)
{
	if (s.n) /* libsodium takes no NULL */
		(void)crypto_auth_hmacsha256_update(state, s.p, s.n);
}

/* HMAC-SHA256(key, a || b || c). out may be a.p. */
static void hmac(
	struct slice key, struct slice a, struct slice b, struct slice c, uint8_t out[NOISE_HASH_BYTES])
{
	static const uint8_t empty[1];
	crypto_auth_hmacsha256_state state;
	(void)crypto_auth_hmacsha256_init(&state, key.n ? key.p : empty, key.n);
	hmac_update(&state, a);
	hmac_update(&state, b);
	hmac_update(&state, c);
	(void)crypto_auth_hmacsha256_final(&state, out);
	sodium_memzero(&state, sizeof state);
}

enum err noise_hkdf(struct slice salt, struct slice ikm, struct slice info, uint8_t *out, size_t out_n)
{
	if (out_n > 255u * NOISE_HASH_BYTES)
		return ERR_RANGE;
	uint8_t prk[NOISE_HASH_BYTES], block[NOISE_HASH_BYTES];
	hmac(salt, ikm, nothing, nothing, prk);
	struct slice previous = nothing;
	uint8_t counter = 0;
	while (out_n > 0) {
		counter++;
		hmac(slice_of(prk, sizeof prk), previous, info, slice_of(&counter, 1), block);
		previous = slice_of(block, sizeof block);
		size_t n = out_n < sizeof block ? out_n : sizeof block;
		memcpy(out, block, n);
		out += n;
		out_n -= n;
	}
	sodium_memzero(prk, sizeof prk);
	sodium_memzero(block, sizeof block);
	return OK;
}

/* ---- CipherState */

/* Section 12.3: 32 bits of zeros, then n, little-endian: the one such number of the whole project. */
static void nonce_put(uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES], uint64_t n)
{
	memset(nonce, 0, 4);
	for (unsigned i = 0; i < 8; i++)
		nonce[4 + i] = (uint8_t)(n >> (8 * i));
}

void noise_cipher_init(struct noise_cipher *cipher, const uint8_t key[NOISE_KEY_BYTES])
{
	memcpy(cipher->key, key, NOISE_KEY_BYTES);
	cipher->n = 0;
}

void noise_cipher_deinit(struct noise_cipher *cipher)
{
	sodium_memzero(cipher, sizeof *cipher);
}

enum err noise_cipher_encrypt(struct noise_cipher *cipher, struct slice ad, struct slice plain, uint8_t *out)
{
	uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];
	if (cipher->n == UINT64_MAX)
		return ERR_LIMIT;
	nonce_put(nonce, cipher->n);
	(void)crypto_aead_chacha20poly1305_ietf_encrypt(
		out, NULL, plain.p, plain.n, ad.p, ad.n, NULL, nonce, cipher->key);
	cipher->n++;
	return OK;
}

enum err noise_cipher_decrypt(struct noise_cipher *cipher, struct slice ad, struct slice sealed, uint8_t *out)
{
	uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];
	if (cipher->n == UINT64_MAX)
		return ERR_LIMIT;
	if (sealed.n < NOISE_TAG_BYTES)
		return ERR_FORMAT;
	nonce_put(nonce, cipher->n);
	if (crypto_aead_chacha20poly1305_ietf_decrypt(
		    out, NULL, NULL, sealed.p, sealed.n, ad.p, ad.n, nonce, cipher->key) != 0)
		return ERR_DECRYPT;
	cipher->n++;
	return OK;
}

void noise_cipher_rekey(struct noise_cipher *cipher)
{
	static const uint8_t zeros[NOISE_KEY_BYTES];
	uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];
	uint8_t sealed[NOISE_KEY_BYTES + NOISE_TAG_BYTES];
	nonce_put(nonce, UINT64_MAX);
	(void)crypto_aead_chacha20poly1305_ietf_encrypt(
		sealed, NULL, zeros, sizeof zeros, NULL, 0, NULL, nonce, cipher->key);
	memcpy(cipher->key, sealed, NOISE_KEY_BYTES);
	sodium_memzero(sealed, sizeof sealed);
}

/* ---- SymmetricState */

static void mix_hash(struct noise_symmetric *sym, struct slice data)
{
	crypto_hash_sha256_state state;
	(void)crypto_hash_sha256_init(&state);
	(void)crypto_hash_sha256_update(&state, sym->hash, sizeof sym->hash);
	if (data.n)
		(void)crypto_hash_sha256_update(&state, data.p, data.n);
	(void)crypto_hash_sha256_final(&state, sym->hash);
}

/* HKDF(chaining_key, ikm, 2): 64 bytes are never out of noise_hkdf's range. */
static void hkdf_two(const struct noise_symmetric *sym, struct slice ikm, uint8_t out[2 * NOISE_HASH_BYTES])
{
	enum err e = noise_hkdf(slice_of(sym->chaining_key, sizeof sym->chaining_key), ikm, nothing, out,
		2 * NOISE_HASH_BYTES);
	if (e != OK)
		abort();
}

static void mix_key(struct noise_symmetric *sym, const uint8_t ikm[NOISE_KEY_BYTES])
{
	uint8_t out[2 * NOISE_HASH_BYTES];
	hkdf_two(sym, slice_of(ikm, NOISE_KEY_BYTES), out);
	memcpy(sym->chaining_key, out, NOISE_HASH_BYTES);
	noise_cipher_init(&sym->cipher, out + NOISE_HASH_BYTES);
	sym->has_key = true;
	sodium_memzero(out, sizeof out);
}

/* Where a handshake message is written. */
struct writer {
	uint8_t *p;
	size_t n, cap;
};

static enum err encrypt_and_hash(struct noise_symmetric *sym, struct slice plain, struct writer *w)
{
	size_t n = plain.n + (sym->has_key ? NOISE_TAG_BYTES : 0);
	if (n > w->cap - w->n)
		return ERR_LIMIT;
	uint8_t *out = w->p + w->n;
	if (sym->has_key) {
		enum err e = noise_cipher_encrypt(
			&sym->cipher, slice_of(sym->hash, sizeof sym->hash), plain, out);
		if (e != OK)
			return e;
	} else if (plain.n) {
		memcpy(out, plain.p, plain.n);
	}
	mix_hash(sym, slice_of(out, n));
	w->n += n;
	return OK;
}

/* Takes from *left what holds plain_n bytes of plaintext. */
static enum err decrypt_and_hash(
	struct noise_symmetric *sym, struct slice *left, uint8_t *plain, size_t plain_n)
{
	struct slice sealed = slice_of(left->p, plain_n + (sym->has_key ? NOISE_TAG_BYTES : 0));
	if (sealed.n > left->n)
		return ERR_FORMAT;
	if (sym->has_key) {
		enum err e = noise_cipher_decrypt(
			&sym->cipher, slice_of(sym->hash, sizeof sym->hash), sealed, plain);
		if (e != OK)
			return e;
	} else if (plain_n) {
		memcpy(plain, sealed.p, plain_n);
	}
	mix_hash(sym, sealed);
	if (sealed.n)
		*left = slice_of(left->p + sealed.n, left->n - sealed.n);
	return OK;
}

/* ---- patterns: section 7.5 */

enum noise_token { TOKEN_END, TOKEN_E, TOKEN_S, TOKEN_EE, TOKEN_ES, TOKEN_SE, TOKEN_SS };

#define PATTERN_MESSAGES_MAX 3
#define PATTERN_TOKENS_MAX 5

struct noise_pattern {
	char name[NOISE_HASH_BYTES +
		1]; /* all are 32 bytes long, so h begins as the name itself (section 5.2) */
	bool initiator_known; /* pre-messages: the other side knows the static key beforehand */
	bool responder_known;
	uint8_t messages;
	enum noise_token tokens[PATTERN_MESSAGES_MAX][PATTERN_TOKENS_MAX + 1];
};

static const struct noise_pattern patterns[] = {
	{NOISE_XK, false, true, 3, {{TOKEN_E, TOKEN_ES}, {TOKEN_E, TOKEN_EE}, {TOKEN_S, TOKEN_SE}}},
	{"Noise_NK_25519_ChaChaPoly_SHA256", false, true, 2, {{TOKEN_E, TOKEN_ES}, {TOKEN_E, TOKEN_EE}}},
	{"Noise_XX_25519_ChaChaPoly_SHA256", false, false, 3,
		{{TOKEN_E}, {TOKEN_E, TOKEN_EE, TOKEN_S, TOKEN_ES}, {TOKEN_S, TOKEN_SE}}},
	{"Noise_KK_25519_ChaChaPoly_SHA256", true, true, 2,
		{{TOKEN_E, TOKEN_ES, TOKEN_SS}, {TOKEN_E, TOKEN_EE, TOKEN_SE}}},
	{"Noise_IK_25519_ChaChaPoly_SHA256", false, true, 2,
		{{TOKEN_E, TOKEN_ES, TOKEN_S, TOKEN_SS}, {TOKEN_E, TOKEN_EE, TOKEN_SE}}},
	{"Noise_IX_25519_ChaChaPoly_SHA256", false, false, 2,
		{{TOKEN_E, TOKEN_S}, {TOKEN_E, TOKEN_EE, TOKEN_SE, TOKEN_S, TOKEN_ES}}},
};

static const struct noise_pattern *pattern_find(const char *name)
{
	for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++)
		if (strcmp(patterns[i].name, name) == 0)
			return &patterns[i];
	return NULL;
}

/* Even messages are the initiator's. */
static bool writes(bool initiator, unsigned step)
{
	return (step % 2 == 0) == initiator;
}

/* Does this side use its static key? */
static bool pattern_needs_static(const struct noise_pattern *pattern, bool initiator)
{
	bool needs = initiator ? pattern->initiator_known : pattern->responder_known;
	for (unsigned step = 0; step < pattern->messages; step++)
		for (unsigned i = 0; i < PATTERN_TOKENS_MAX; i++)
			needs = needs || (pattern->tokens[step][i] == TOKEN_S && writes(initiator, step));
	return needs;
}

/* ---- HandshakeState */

enum err noise_handshake_init(struct noise_handshake *hs, const struct noise_config *config)
{
	*hs = (struct noise_handshake){0};
	const struct noise_pattern *pattern = pattern_find(config->name);
	if (!pattern)
		return ERR_NOT_FOUND;
	bool remote_known = config->initiator ? pattern->responder_known : pattern->initiator_known;
	if (pattern_needs_static(pattern, config->initiator) && !config->own_static)
		return ERR_INPUT;
	if (remote_known && !config->remote_static)
		return ERR_INPUT;

	hs->pattern = pattern;
	hs->initiator = config->initiator;
	hs->random = config->random;
	if (config->own_static)
		hs->own_static = *config->own_static;
	if (remote_known)
		hs->remote_static = *config->remote_static;
	memcpy(hs->symmetric.hash, pattern->name, NOISE_HASH_BYTES);
	memcpy(hs->symmetric.chaining_key, pattern->name, NOISE_HASH_BYTES);
	mix_hash(&hs->symmetric, config->prologue);
	const struct id32 *initiator = config->initiator ? &hs->own_static.public_key : &hs->remote_static;
	const struct id32 *responder = config->initiator ? &hs->remote_static : &hs->own_static.public_key;
	if (pattern->initiator_known)
		mix_hash(&hs->symmetric, slice_of(initiator->b, sizeof initiator->b));
	if (pattern->responder_known)
		mix_hash(&hs->symmetric, slice_of(responder->b, sizeof responder->b));
	return OK;
}

void noise_handshake_deinit(struct noise_handshake *hs)
{
	sodium_memzero(hs, sizeof *hs);
}

bool noise_handshake_done(const struct noise_handshake *hs)
{
	return hs->pattern && hs->step == hs->pattern->messages;
}

bool noise_handshake_writes_next(const struct noise_handshake *hs)
{
	return hs->pattern && !noise_handshake_done(hs) && writes(hs->initiator, hs->step);
}

bool noise_handshake_reads_next(const struct noise_handshake *hs)
{
	return hs->pattern && !noise_handshake_done(hs) && !writes(hs->initiator, hs->step);
}

/* MixKey(DH(own, remote)). */
static enum err mix_dh(struct noise_handshake *hs, const struct noise_keypair *own, const struct id32 *remote)
{
	uint8_t shared[NOISE_KEY_BYTES];
	enum err e = noise_dh(own->secret, remote, shared);
	if (e == OK)
		mix_key(&hs->symmetric, shared);
	sodium_memzero(shared, sizeof shared);
	return e;
}

/* The tokens that are the same to writer and reader. In es and se the first letter is the initiator's key. */
static enum err mix_token(struct noise_handshake *hs, enum noise_token token)
{
	bool initiator = hs->initiator;
	switch (token) {
	case TOKEN_EE: return mix_dh(hs, &hs->own_ephemeral, &hs->remote_ephemeral);
	case TOKEN_SS: return mix_dh(hs, &hs->own_static, &hs->remote_static);
	case TOKEN_ES:
		return initiator ? mix_dh(hs, &hs->own_ephemeral, &hs->remote_static)
				 : mix_dh(hs, &hs->own_static, &hs->remote_ephemeral);
	case TOKEN_SE:
		return initiator ? mix_dh(hs, &hs->own_static, &hs->remote_ephemeral)
				 : mix_dh(hs, &hs->own_ephemeral, &hs->remote_static);
	case TOKEN_END:
	case TOKEN_E:
	case TOKEN_S: break;
	}
	abort();
}

static enum err write_token(struct noise_handshake *hs, enum noise_token token, struct writer *w)
{
	if (token == TOKEN_E) {
		noise_keypair_generate(&hs->own_ephemeral, &hs->random);
		struct slice e = slice_of(hs->own_ephemeral.public_key.b, NOISE_KEY_BYTES);
		if (e.n > w->cap - w->n)
			return ERR_LIMIT;
		memcpy(w->p + w->n, e.p, e.n);
		w->n += e.n;
		mix_hash(&hs->symmetric, e);
		return OK;
	}
	if (token == TOKEN_S)
		return encrypt_and_hash(
			&hs->symmetric, slice_of(hs->own_static.public_key.b, NOISE_KEY_BYTES), w);
	return mix_token(hs, token);
}

static enum err read_token(struct noise_handshake *hs, enum noise_token token, struct slice *left)
{
	if (token == TOKEN_E) {
		if (left->n < NOISE_KEY_BYTES)
			return ERR_FORMAT;
		hs->remote_ephemeral = id32_from(left->p);
		*left = slice_of(left->p + NOISE_KEY_BYTES, left->n - NOISE_KEY_BYTES);
		mix_hash(&hs->symmetric, slice_of(hs->remote_ephemeral.b, NOISE_KEY_BYTES));
		return OK;
	}
	if (token == TOKEN_S)
		return decrypt_and_hash(&hs->symmetric, left, hs->remote_static.b, NOISE_KEY_BYTES);
	return mix_token(hs, token);
}

enum err noise_handshake_write(
	struct noise_handshake *hs, struct slice payload, uint8_t *out, size_t out_cap, size_t *out_n)
{
	if (!noise_handshake_writes_next(hs))
		return ERR_STATE;
	struct writer w = {
		.p = out, .cap = out_cap < NOISE_MESSAGE_BYTES_MAX ? out_cap : NOISE_MESSAGE_BYTES_MAX};
	const enum noise_token *tokens = hs->pattern->tokens[hs->step];
	enum err e = OK;
	for (size_t i = 0; e == OK && tokens[i] != TOKEN_END; i++)
		e = write_token(hs, tokens[i], &w);
	if (e == OK)
		e = encrypt_and_hash(&hs->symmetric, payload, &w);
	if (e != OK) {
		noise_handshake_deinit(hs);
		return e;
	}
	hs->step++;
	*out_n = w.n;
	return OK;
}

/* The payload is all that the tokens left. */
static enum err read_payload(
	struct noise_symmetric *sym, struct slice *left, uint8_t *payload, size_t cap, size_t *n)
{
	size_t tag = sym->has_key ? NOISE_TAG_BYTES : 0;
	if (left->n < tag)
		return ERR_FORMAT;
	if (left->n - tag > cap)
		return ERR_LIMIT;
	*n = left->n - tag;
	return decrypt_and_hash(sym, left, payload, *n);
}

enum err noise_handshake_read(struct noise_handshake *hs, struct slice message, uint8_t *payload,
	size_t payload_cap, size_t *payload_n)
{
	if (!noise_handshake_reads_next(hs))
		return ERR_STATE;
	struct slice left = message;
	const enum noise_token *tokens = hs->pattern->tokens[hs->step];
	enum err e = message.n > NOISE_MESSAGE_BYTES_MAX ? ERR_LIMIT : OK;
	size_t n = 0;
	for (size_t i = 0; e == OK && tokens[i] != TOKEN_END; i++)
		e = read_token(hs, tokens[i], &left);
	if (e == OK)
		e = read_payload(&hs->symmetric, &left, payload, payload_cap, &n);
	if (e != OK) {
		noise_handshake_deinit(hs);
		return e;
	}
	hs->step++;
	*payload_n = n;
	return OK;
}

enum err noise_handshake_split(
	struct noise_handshake *hs, struct noise_cipher *send, struct noise_cipher *receive)
{
	if (!noise_handshake_done(hs) || !hs->symmetric.has_key)
		return ERR_STATE;
	uint8_t out[2 * NOISE_HASH_BYTES];
	hkdf_two(&hs->symmetric, nothing, out);
	noise_cipher_init(hs->initiator ? send : receive, out);
	noise_cipher_init(hs->initiator ? receive : send, out + NOISE_HASH_BYTES);
	sodium_memzero(out, sizeof out);

	/* only the hash and the peer's public key stay */
	noise_cipher_deinit(&hs->symmetric.cipher);
	hs->symmetric.has_key = false;
	sodium_memzero(hs->symmetric.chaining_key, sizeof hs->symmetric.chaining_key);
	noise_keypair_deinit(&hs->own_static);
	noise_keypair_deinit(&hs->own_ephemeral);
	return OK;
}
