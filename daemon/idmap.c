/* idmap.c -- see idmap.h. */
#include "idmap.h"

#include <stdlib.h>

#define FIRST_CAP 64u

void idmap_free(struct idmap *m)
{
	free(m->ids);
	free(m->slots);
	*m = (struct idmap){.n = 0};
}

/* Where it stands, or would; cap is not 0. */
static uint32_t *slot_of(const struct idmap *m, const struct id32 *id)
{
	uint8_t h[crypto_shorthash_BYTES];
	crypto_shorthash(h, id->b, sizeof id->b, m->key);
	size_t at = (size_t)be64_get(h) & (m->cap - 1);
	while (m->slots[at] && !id32_equal(&m->ids[m->slots[at] - 1], id))
		at = (at + 1) & (m->cap - 1);
	return &m->slots[at];
}

static enum err grow(struct idmap *m)
{
	const size_t cap = m->cap ? m->cap * 2 : FIRST_CAP;
	if (m->n == IDMAP_MAX)
		return ERR_LIMIT;
	struct id32 *ids = (struct id32 *)realloc(m->ids, cap / 2 * sizeof *ids);
	if (ids)
		m->ids = ids;
	uint32_t *slots = ids ? (uint32_t *)calloc(cap, sizeof *slots) : NULL;
	if (!slots)
		return ERR_MEMORY;
	if (!m->cap)
		randombytes_buf(m->key, sizeof m->key);
	free(m->slots);
	m->slots = slots;
	m->cap = cap;
	for (size_t i = 0; i < m->n; i++)
		*slot_of(m, &m->ids[i]) = (uint32_t)i + 1;
	return OK;
}

bool idmap_find(const struct idmap *m, const struct id32 *id, size_t *number)
{
	const uint32_t *slot = m->cap ? slot_of(m, id) : NULL;
	if (!slot || !*slot)
		return false;
	*number = *slot - 1;
	return true;
}

enum err idmap_put(struct idmap *m, const struct id32 *id, size_t *number)
{
	if (idmap_find(m, id, number))
		return OK;
	enum err e = m->n * 2 < m->cap ? OK : grow(m);
	if (e != OK)
		return e;
	m->ids[m->n] = *id;
	*number = m->n++;
	*slot_of(m, id) = (uint32_t)m->n;
	return OK;
}
