/* sum.h -- SUM of ids: addition modulo 2^256, so that a set's sum changes by one addition when an id comes or goes. SPEC.md section 1.3. */
#ifndef QUIRE_SUM_H
#define QUIRE_SUM_H

#include "bytes.h"

/* SPEC 1.3: "the sum of ids read as 256-bit big-endian integers, modulo 2^256, written as 32 bytes big-endian" */
static inline void sum_add(struct id32 *sum, const struct id32 *id)
{
	unsigned carry = 0;
	for (size_t i = 32; i-- > 0;) {
		carry += (unsigned)sum->b[i] + id->b[i];
		sum->b[i] = (uint8_t)carry;
		carry >>= 8;
	}
}

static inline void sum_sub(struct id32 *sum, const struct id32 *id)
{
	unsigned borrow = 0;
	for (size_t i = 32; i-- > 0;) {
		unsigned d = 0x100u + sum->b[i] - id->b[i] - borrow;
		sum->b[i] = (uint8_t)d;
		borrow = d < 0x100u;
	}
}

#endif
