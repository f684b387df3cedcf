/* lanes.c -- see lanes.h. BLAKE2b as in RFC 7693, with a hash of its own in each lane; libsodium does one at a time. */
#include "protocol/log/lanes.h"

#include "protocol/log/blobtree.h"
#include "protocol/log/hash.h"

static void plain(uint64_t first, const uint8_t *chunks, size_t n, size_t count, struct id32 *out)
{
	for (size_t i = 0; i < count; i++)
		out[i] = blob_leaf(first + i, chunks + i * n, n);
}

#if defined __x86_64__

#define BLOCK 128u
#define WORDS 16u
#define INDEX_BYTES 8u /* in front of each chunk */

typedef uint64_t lanes __attribute__((vector_size(8 * LANES)));

/* Of as many hashes as there are lanes. */
struct state {
	lanes h[8];
	uint64_t hashed;
};

static const uint64_t iv[8] = {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
	0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};

#define ROTATE(x, n) (((x) >> (n)) | ((x) << (64 - (n))))
#define MIX(a, b, c, d, x, y) \
	do { \
		v[a] += v[b] + m[x]; \
		v[d] = ROTATE(v[d] ^ v[a], 32); \
		v[c] += v[d]; \
		v[b] = ROTATE(v[b] ^ v[c], 24); \
		v[a] += v[b] + m[y]; \
		v[d] = ROTATE(v[d] ^ v[a], 16); \
		v[c] += v[d]; \
		v[b] = ROTATE(v[b] ^ v[c], 63); \
	} while (0)
#define ROUND(s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, sa, sb, sc, sd, se, sf) \
	do { \
		MIX(0, 4, 8, 12, s0, s1); \
		MIX(1, 5, 9, 13, s2, s3); \
		MIX(2, 6, 10, 14, s4, s5); \
		MIX(3, 7, 11, 15, s6, s7); \
		MIX(0, 5, 10, 15, s8, s9); \
		MIX(1, 6, 11, 12, sa, sb); \
		MIX(2, 7, 8, 13, sc, sd); \
		MIX(3, 4, 9, 14, se, sf); \
	} while (0)

#define INLINE static inline __attribute__((always_inline))

INLINE uint64_t word(const uint8_t *p)
{
	uint64_t w;
	memcpy(&w, p, sizeof w);
	return w;
}

INLINE void compress(struct state *s, const uint8_t *const at[LANES], uint64_t bytes, bool last)
{
	lanes m[WORDS], v[WORDS];
	for (size_t i = 0; i < WORDS; i++)
		m[i] = (lanes){word(at[0] + 8 * i), word(at[1] + 8 * i), word(at[2] + 8 * i),
			word(at[3] + 8 * i), word(at[4] + 8 * i), word(at[5] + 8 * i), word(at[6] + 8 * i),
			word(at[7] + 8 * i)};
	for (size_t i = 0; i < 8; i++) {
		v[i] = s->h[i];
		v[8 + i] = (lanes){0} + iv[i];
	}
	s->hashed += bytes;
	v[12] ^= s->hashed;
	if (last)
		v[14] = ~v[14];
	ROUND(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	ROUND(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3);
	ROUND(11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4);
	ROUND(7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8);
	ROUND(9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13);
	ROUND(2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9);
	ROUND(12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11);
	ROUND(13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10);
	ROUND(6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5);
	ROUND(10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0);
	ROUND(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	ROUND(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3);
	for (size_t i = 0; i < 8; i++)
		s->h[i] ^= v[i] ^ v[8 + i];
}

/* The parameters: 32 bytes of hash, no key, no tree, the name of the hash. SPEC 1.3. */
INLINE void begin(struct state *s)
{
	uint8_t personal[16] = HASH_LEAF;
	for (size_t i = 0; i < 8; i++)
		s->h[i] = (lanes){0} + iv[i];
	s->h[0] ^= 0x01010020u;
	s->h[6] ^= word(personal);
	s->h[7] ^= word(personal + 8);
	s->hashed = 0;
}

/* A block of each lane that does not lie in one piece: the index or what was left, then n bytes of the chunk. */
INLINE void compress_copied(
	struct state *s, const uint8_t *const from[LANES], const uint64_t *index, size_t n, bool last)
{
	uint8_t copy[LANES][BLOCK] = {{0}};
	const uint8_t *at[LANES];
	size_t head = index ? INDEX_BYTES : 0;
	for (size_t k = 0; k < LANES; k++) {
		if (index)
			be64_put(copy[k], index[k]);
		memcpy(copy[k] + head, from[k], n);
		at[k] = copy[k];
	}
	compress(s, at, head + n, last);
}

INLINE void leaves(uint64_t first, const uint8_t *chunks, size_t n, size_t count, struct id32 *out)
{
	struct state s;
	const uint8_t *at[LANES];
	uint64_t index[LANES];
	for (size_t k = 0; k < LANES; k++) { /* lanes without a chunk hash the last one again */
		size_t i = k < count ? k : count - 1;
		at[k] = chunks + i * n;
		index[k] = first + i;
	}
	begin(&s);
	size_t done = n < BLOCK - INDEX_BYTES ? n : BLOCK - INDEX_BYTES;
	compress_copied(&s, at, index, done, done == n);
	for (size_t k = 0; k < LANES; k++)
		at[k] += done;
	for (; n - done > BLOCK; done += BLOCK) {
		compress(&s, at, BLOCK, false);
		for (size_t k = 0; k < LANES; k++)
			at[k] += BLOCK;
	}
	if (done < n)
		compress_copied(&s, at, NULL, n - done, true);
	for (size_t i = 0; i < 4; i++) {
		uint64_t w[LANES];
		memcpy(w, &s.h[i], sizeof w);
		for (size_t k = 0; k < count; k++)
			memcpy(out[k].b + 8 * i, &w[k], 8);
	}
}

__attribute__((target("avx512f"))) static void with_avx512(
	uint64_t first, const uint8_t *chunks, size_t n, size_t count, struct id32 *out)
{
	leaves(first, chunks, n, count, out);
}

__attribute__((target("avx2"))) static void with_avx2(
	uint64_t first, const uint8_t *chunks, size_t n, size_t count, struct id32 *out)
{
	leaves(first, chunks, n, count, out);
}

enum lanes_by lanes_best(void)
{
	if (__builtin_cpu_supports("avx512f"))
		return LANES_AVX512;
	return __builtin_cpu_supports("avx2") ? LANES_AVX2 : LANES_PLAIN;
}

void lanes_leaves(
	enum lanes_by by, uint64_t first, const uint8_t *chunks, size_t n, size_t count, struct id32 *out)
{
	if (by == LANES_PLAIN || count < 3) /* one by one is faster */
		plain(first, chunks, n, count, out);
	else if (by == LANES_AVX2)
		with_avx2(first, chunks, n, count, out);
	else
		with_avx512(first, chunks, n, count, out);
}

#else

enum lanes_by lanes_best(void)
{
	return LANES_PLAIN;
}

void lanes_leaves(
	enum lanes_by by, uint64_t first, const uint8_t *chunks, size_t n, size_t count, struct id32 *out)
{
	(void)by;
	plain(first, chunks, n, count, out);
}

#endif
