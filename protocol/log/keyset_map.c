/* keyset_map.c -- a hash table from ids, open addressing, at most half full. Never iterated: its order shows nowhere. */
#include "protocol/log/keyset_internal.h"

/* Ids are hashes, but whoever writes events may choose among many. The table's own address goes in, which he cannot know. */
static size_t place(const struct map *m, const struct id32 *key)
{
	uint64_t x = be64_get(key->b) ^ (uint64_t)(uintptr_t)m->at;
	x = (x ^ (x >> 32)) * 0x9e3779b97f4a7c15u;
	x ^= be64_get(key->b + 24);
	x = (x ^ (x >> 29)) * 0xbf58476d1ce4e5b9u;
	return (size_t)(x >> 20) & (m->cap - 1);
}

static struct map_entry *probe(const struct map *m, const struct id32 *key)
{
	size_t i = place(m, key);
	while (m->at[i].used && !id32_equal(&m->at[i].key, key))
		i = (i + 1) & (m->cap - 1);
	return &m->at[i];
}

enum err map_reserve(struct map *m, size_t more)
{
	if ((m->used + more) * 2 <= m->cap)
		return OK;
	struct map to = {.cap = 64};
	while (to.cap < (m->used + more) * 3)
		to.cap *= 2;
	to.at = (struct map_entry *)calloc(to.cap, sizeof *to.at);
	if (!to.at)
		return ERR_MEMORY;
	for (size_t i = 0; i < m->cap; i++) {
		const struct map_entry *e = &m->at[i];
		if (e->used && e->rec) {
			*probe(&to, &e->key) = *e;
			to.used++;
		}
	}
	free(m->at);
	*m = to;
	return OK;
}

struct map_entry *map_find(const struct map *m, const struct id32 *key)
{
	struct map_entry *e = m->cap ? probe(m, key) : NULL;
	return e && e->used ? e : NULL;
}

struct map_entry *map_put(struct map *m, const struct id32 *key)
{
	struct map_entry *e = probe(m, key);
	if (!e->used) {
		e->key = *key;
		e->used = true;
		m->used++;
	}
	return e;
}

void map_clear(struct map *m)
{
	if (m->cap)
		memset(m->at, 0, m->cap * sizeof *m->at);
	m->used = 0;
}

void map_free(struct map *m)
{
	free(m->at);
	*m = (struct map){0};
}
