/* multikey.h -- base58btc, Ed25519 keys as Multikey, and did:key. SPEC.md section 17.2. Pure. */
#ifndef QUIRE_AWARD_MULTIKEY_H
#define QUIRE_AWARD_MULTIKEY_H

#include "bytes.h"

#define BASE58_INPUT_MAX 128u
#define DID_KEY_BYTES 64 /* "did:key:z6Mk…" with NUL: 57 in use */
#define DID_METHOD_BYTES 128 /* "did:key:z6Mk…#z6Mk…" with NUL */

/* Appends base58btc without the multibase prefix; n at most BASE58_INPUT_MAX. ERR_LIMIT, ERR_MEMORY. */
MUST_CHECK enum err base58_encode(const uint8_t *p, size_t n, struct buf *out);
/* Appends the bytes. ERR_FORMAT: a character outside the alphabet; ERR_LIMIT: longer than any text of BASE58_INPUT_MAX bytes; ERR_MEMORY. */
MUST_CHECK enum err base58_decode(struct slice text, struct buf *out);

/* "did:key:z6Mk…" of an Ed25519 public key. */
void did_key_format(const struct id32 *public_key, char out[DID_KEY_BYTES]);
/* Its verification method: the DID, "#", and the Multikey again. */
void did_key_method(const struct id32 *public_key, char out[DID_METHOD_BYTES]);
/* The key of "did:key:z6Mk…", also with a fragment, which then must be the same Multikey. ERR_FORMAT: no did:key or altered; ERR_VERSION: a did:key of another kind of key. */
MUST_CHECK enum err did_key_parse(struct slice did, struct id32 *public_key);

#endif
