/* recovery.h -- the recovery code on paper. SPEC.md section 2.2. */
#ifndef QUIRE_RECOVERY_H
#define QUIRE_RECOVERY_H

#include "bytes.h"

#define RECOVERY_ENTROPY_BYTES 18
#define RECOVERY_TEXT_BYTES 40 /* 8 groups of 4, 7 dashes, NUL */

enum recovery_label { RECOVERY_IDENTITY = 0, RECOVERY_NETWORK = 1 };

void recovery_format(const uint8_t entropy[RECOVERY_ENTROPY_BYTES], char out[RECOVERY_TEXT_BYTES]);
/* ERR_FORMAT: length or letters; ERR_HASH: the check does not fit (a mistyped code). */
MUST_CHECK enum err recovery_parse(const char *text, uint8_t entropy[RECOVERY_ENTROPY_BYTES]);
void recovery_keys(const uint8_t entropy[RECOVERY_ENTROPY_BYTES], enum recovery_label label,
	uint8_t root_seed[32], uint8_t recovery_secret[32]);

#endif
