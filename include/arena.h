/* arena.h -- memory that is freed all at once; pointers stay where they are. Zeroed is empty and valid. */
#ifndef QUIRE_ARENA_H
#define QUIRE_ARENA_H

#include "bytes.h"

struct arena_block {
	struct arena_block *next;
	size_t used, cap;
};

struct arena {
	struct arena_block *blocks;
};

/* n bytes aligned to 8, not cleared; NULL if out of memory. n may be 0. */
static inline void *arena_alloc(struct arena *a, size_t n)
{
	if (n > SIZE_MAX / 4)
		return NULL;
	n = (n + 7) & ~(size_t)7;
	struct arena_block *b = a->blocks;
	if (!b || b->cap - b->used < n) {
		size_t cap = n > 4000 ? n : 4000;
		b = (struct arena_block *)malloc(sizeof *b + cap);
		if (!b)
			return NULL;
		*b = (struct arena_block){.next = a->blocks, .cap = cap};
		a->blocks = b;
	}
	void *p = (uint8_t *)(b + 1) + b->used;
	b->used += n;
	return p;
}

/* A copy of s in the arena; p is NULL if out of memory (and s was not empty). */
static inline struct slice arena_copy(struct arena *a, struct slice s)
{
	uint8_t *p = (uint8_t *)arena_alloc(a, s.n ? s.n : 1);
	if (!p)
		return (struct slice){0};
	if (s.n)
		memcpy(p, s.p, s.n);
	return slice_of(p, s.n);
}

static inline void arena_free(struct arena *a)
{
	struct arena_block *b = a->blocks;
	while (b) {
		struct arena_block *next = b->next;
		free(b);
		b = next;
	}
	a->blocks = NULL;
}

#endif
