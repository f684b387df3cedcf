/* bitmap.h -- which chunks of a blob are held: bit i is mask 1 << (i % 8) of byte i / 8. */
#ifndef QUIRE_BITMAP_H
#define QUIRE_BITMAP_H

#include <stdbool.h>
#include <stdint.h>

static inline bool bit_get(const uint8_t *map, uint64_t i)
{
	return map[i / 8] >> (i % 8) & 1;
}

static inline void bit_set(uint8_t *map, uint64_t i)
{
	map[i / 8] |= (uint8_t)(1u << (i % 8));
}

static inline void bit_clear(uint8_t *map, uint64_t i)
{
	map[i / 8] &= (uint8_t) ~(1u << (i % 8));
}

#endif
