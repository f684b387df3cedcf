/* bytes.h -- slices (borrowed), 32-byte ids, big-endian integers, and a growable buffer.
 * Everything on disk and on the wire is big-endian. SPEC.md section 1.2. */
#ifndef QUIRE_BYTES_H
#define QUIRE_BYTES_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Borrowed bytes; p may be NULL only if n is 0. */
struct slice {
	const uint8_t *p;
	size_t n;
};

/* A 32-byte hash or public key. */
struct id32 {
	uint8_t b[32];
};

/* A pointer to an entry is always these three. SPEC.md section 4.7. */
struct entry_ref {
	struct id32 log;
	uint64_t seq;
	struct id32 id;
};

static inline struct slice slice_of(const void *p, size_t n)
{
	return (struct slice){.p = (const uint8_t *)p, .n = n};
}

static inline struct slice slice_str(const char *s)
{
	return slice_of(s, strlen(s));
}

static inline bool slice_equal(struct slice a, struct slice b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool id32_equal(const struct id32 *a, const struct id32 *b)
{
	return memcmp(a->b, b->b, 32) == 0;
}

static inline int id32_cmp(const struct id32 *a, const struct id32 *b)
{
	return memcmp(a->b, b->b, 32);
}

static inline bool id32_is_zero(const struct id32 *a)
{
	static const struct id32 zero;
	return memcmp(a->b, zero.b, 32) == 0;
}

static inline struct id32 id32_from(const uint8_t p[32])
{
	struct id32 r;
	memcpy(r.b, p, 32);
	return r;
}

static inline uint16_t be16_get(const uint8_t *p)
{
	return (uint16_t)((p[0] << 8) | p[1]);
}

static inline uint32_t be32_get(const uint8_t *p)
{
	return ((uint32_t)p[0] << 24) | ((uint32_t)p[1] << 16) | ((uint32_t)p[2] << 8) | p[3];
}

static inline uint64_t be64_get(const uint8_t *p)
{
	return ((uint64_t)be32_get(p) << 32) | be32_get(p + 4);
}

static inline void be16_put(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void be32_put(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static inline void be64_put(uint8_t *p, uint64_t v)
{
	be32_put(p, (uint32_t)(v >> 32));
	be32_put(p + 4, (uint32_t)v);
}

/* Growable bytes. Zeroed is empty and valid; buf_free accepts it. Owns p. */
struct buf {
	uint8_t *p;
	size_t n;
	size_t cap;
};

/* Room for `more` bytes beyond n. ERR_MEMORY. */
MUST_CHECK static inline enum err buf_reserve(struct buf *b, size_t more)
{
	if (more <= b->cap - b->n)
		return OK;
	if (more > SIZE_MAX / 2 - b->n)
		return ERR_MEMORY;
	size_t cap = b->cap ? b->cap : 64;
	while (cap < b->n + more)
		cap *= 2;
	uint8_t *p = (uint8_t *)realloc(b->p, cap);
	if (!p)
		return ERR_MEMORY;
	b->p = p;
	b->cap = cap;
	return OK;
}

MUST_CHECK static inline enum err buf_put(struct buf *b, const void *p, size_t n)
{
	enum err e = buf_reserve(b, n);
	if (e == OK && n) {
		memcpy(b->p + b->n, p, n);
		b->n += n;
	}
	return e;
}

MUST_CHECK static inline enum err buf_put_slice(struct buf *b, struct slice s)
{
	return buf_put(b, s.p, s.n);
}

static inline struct slice buf_slice(const struct buf *b)
{
	return slice_of(b->p, b->n);
}

static inline void buf_free(struct buf *b)
{
	free(b->p);
	*b = (struct buf){0};
}

#endif
