/* noise.h -- the Noise Protocol Framework, revision 34, for 25519, ChaChaPoly and SHA256. SPEC.md section 7.
 *
 * Quire uses one protocol, Noise_XK_25519_ChaChaPoly_SHA256: who does not know the responder's key learns nothing of
 * who answers. The other patterns of the table cost one row each and let the public vectors test this code harder.
 *
 * Bytes in, bytes out: no I/O, no clock; random bytes come from the caller. Call sodium_init() once before, or the
 * slow portable code runs. Sections below are those of the Noise specification (noiseprotocol.org, 2018-07-11).
 * Keys stand in the caller's memory and are wiped by the deinit functions: sodium_malloc would cost an idle connection
 * four pages. */
#ifndef QUIRE_PROTOCOL_PEER_NOISE_H
#define QUIRE_PROTOCOL_PEER_NOISE_H

#include "bytes.h"
#include "err.h"
#include "random.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NOISE_KEY_BYTES 32u
#define NOISE_HASH_BYTES 32u
#define NOISE_TAG_BYTES 16u
#define NOISE_MESSAGE_BYTES_MAX 65535u /* Noise section 3 */
#define NOISE_XK "Noise_XK_25519_ChaChaPoly_SHA256"

/* An X25519 key pair; a secret. */
struct noise_keypair {
	uint8_t secret[NOISE_KEY_BYTES];
	struct id32 public_key;
};

/* Fills both halves from the secret; from fresh random bytes. */
void noise_keypair_from_secret(struct noise_keypair *pair, const uint8_t secret[NOISE_KEY_BYTES]);
void noise_keypair_generate(struct noise_keypair *pair, const struct random_source *random);
void noise_keypair_deinit(struct noise_keypair *pair);

/* X25519 (Noise section 12.1).
 *   errors: ERR_FORMAT the result is all zero: the public key has low order. *shared is then undefined. */
MUST_CHECK enum err noise_dh(const uint8_t secret[NOISE_KEY_BYTES], const struct id32 *public_key,
	uint8_t shared[NOISE_KEY_BYTES]);

/* HKDF-SHA256 (RFC 5869). Noise's HKDF is this one with an empty info.
 *   errors: ERR_RANGE out_n is above 255 * 32; out is then untouched. */
MUST_CHECK enum err noise_hkdf(
	struct slice salt, struct slice ikm, struct slice info, uint8_t *out, size_t out_n);

/* ---- CipherState, section 5.1: one direction. A secret; n is the number of messages so far. */

struct noise_cipher {
	uint8_t key[NOISE_KEY_BYTES];
	uint64_t n;
};

void noise_cipher_init(struct noise_cipher *cipher, const uint8_t key[NOISE_KEY_BYTES]);
void noise_cipher_deinit(struct noise_cipher *cipher);

/* EncryptWithAd: writes plain.n + 16 bytes to out, which may be plain.p itself and must not overlap it otherwise.
 *   errors: ERR_LIMIT n has reached 2^64-1, which is reserved. */
MUST_CHECK enum err noise_cipher_encrypt(
	struct noise_cipher *cipher, struct slice ad, struct slice plain, uint8_t *out);

/* DecryptWithAd: writes sealed.n - 16 bytes to out, which may be sealed.p itself and must not overlap it otherwise.
 *   errors: ERR_FORMAT shorter than a tag; ERR_DECRYPT forged, or another key, n or ad (n stays as it was, and out
 *   holds zeros); ERR_LIMIT as above. */
MUST_CHECK enum err noise_cipher_decrypt(
	struct noise_cipher *cipher, struct slice ad, struct slice sealed, uint8_t *out);

/* REKEY, section 4.2: the key becomes the first 32 bytes of ENCRYPT(key, 2^64-1, "", 32 zeros); n goes on. */
void noise_cipher_rekey(struct noise_cipher *cipher);

/* ---- SymmetricState, section 5.2. */

struct noise_symmetric {
	struct noise_cipher cipher; /* meaningful once has_key */
	bool has_key;
	uint8_t chaining_key[NOISE_HASH_BYTES];
	uint8_t hash[NOISE_HASH_BYTES];
};

/* ---- HandshakeState, section 5.3. */

struct noise_pattern;

struct noise_handshake {
	const struct noise_pattern *pattern; /* NULL: not begun, or failed */
	bool initiator;
	uint8_t step; /* messages so far, both directions */
	struct noise_symmetric symmetric;
	struct noise_keypair own_static;
	struct noise_keypair own_ephemeral;
	struct id32 remote_static; /* known once done */
	struct id32 remote_ephemeral;
	struct random_source random;
};

/* What Initialize() takes. All borrowed during noise_handshake_init only, except what random.ctx points to: until done. */
struct noise_config {
	const char *name; /* "Noise_XK_25519_ChaChaPoly_SHA256" and so on */
	bool initiator;
	struct slice prologue;
	struct random_source random; /* 32 bytes are drawn, for the ephemeral key */
	const struct noise_keypair *own_static; /* NULL where the pattern needs none */
	const struct id32 *remote_static; /* NULL unless a pre-message of the pattern */
};

/* errors: ERR_NOT_FOUND no such name; ERR_INPUT a key is missing that the pattern needs. On error *hs is zeroed. */
MUST_CHECK enum err noise_handshake_init(struct noise_handshake *hs, const struct noise_config *config);

/* Wipes. Accepts a zeroed struct. */
void noise_handshake_deinit(struct noise_handshake *hs);

/* WriteMessage: the next message, with this payload, to out; *out_n is its size.
 *   errors: ERR_STATE not our turn (nothing changes). All others wipe *hs: ERR_LIMIT above out_cap or 65,535;
 *   ERR_FORMAT the other side's key has low order (all-zero DH). */
MUST_CHECK enum err noise_handshake_write(
	struct noise_handshake *hs, struct slice payload, uint8_t *out, size_t out_cap, size_t *out_n);

/* ReadMessage: takes the next message; its payload goes to `payload`, *payload_n is its size. No overlap.
 *   errors: ERR_STATE not the peer's turn (nothing changes). All others wipe *hs: ERR_FORMAT too short, or a key of
 *   low order (all-zero DH); ERR_DECRYPT forged, or made for another key or prologue; ERR_LIMIT the message is above
 *   65,535 bytes or the payload above payload_cap. */
MUST_CHECK enum err noise_handshake_read(struct noise_handshake *hs, struct slice message, uint8_t *payload,
	size_t payload_cap, size_t *payload_n);

/* Whose turn it is. Both false: done, failed or not begun. */
bool noise_handshake_writes_next(const struct noise_handshake *hs);
bool noise_handshake_reads_next(const struct noise_handshake *hs);
bool noise_handshake_done(const struct noise_handshake *hs);

/* Split: the two ciphers of the connection, seen from this side. The handshake hash (section 11.2) and the peer's static
 * key stay readable until deinit.
 *   errors: ERR_STATE not done, or split before. */
MUST_CHECK enum err noise_handshake_split(
	struct noise_handshake *hs, struct noise_cipher *send, struct noise_cipher *receive);

#endif
