/* api_keys.h -- Idempotency-Key: the same POST sent again gets the same answer, and is not done again. Remembered for an hour, at most
 * 256, and only answers of success: what failed may be tried again. Not for uploads. */
#ifndef QUIRE_API_KEYS_H
#define QUIRE_API_KEYS_H

#include "bytes.h"

#define API_KEYS_MAX 256
#define API_KEY_S 3600
#define API_KEY_BYTES_MAX 200
#define API_KEY_REPLY_BYTES_MAX 65536

struct exchange;
struct reply_keys;
struct reply_key;

/* NULL: out of memory. */
struct reply_keys *reply_keys_new(void);
void reply_keys_free(struct reply_keys *k);

/* Before the handler. false: it has been answered, from memory or with a problem. */
MUST_CHECK bool reply_key_begin(struct exchange *x);
/* The request of this key is answered: remember it (copied), or, with text NULL, forget the key. */
void reply_key_end(struct reply_key *key, unsigned status, const char *text, size_t n);
/* The request is gone without an answer. */
void reply_key_drop(struct reply_key *key);

#endif
