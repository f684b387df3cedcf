/* ids.c -- sums of ids. SPEC.md section 1.3. */
#include "store/db.h"

/* SPEC 1.3: "the sum of ids read as 256-bit big-endian integers, modulo 2^256, written as 32 bytes big-endian" */
void sum_add(struct id32 *sum, const struct id32 *id)
{
	unsigned carry = 0;
	for (size_t i = 32; i-- > 0;) {
		carry += (unsigned)sum->b[i] + id->b[i];
		sum->b[i] = (uint8_t)carry;
		carry >>= 8;
	}
}

void sum_sub(struct id32 *sum, const struct id32 *id)
{
	unsigned borrow = 0;
	for (size_t i = 32; i-- > 0;) {
		unsigned v = 256u + sum->b[i] - id->b[i] - borrow;
		sum->b[i] = (uint8_t)v;
		borrow = v < 256 ? 1 : 0;
	}
}
