/* idmap.c -- see idmap.h. */
#include "idmap.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 64u

void idmap_free(struct idmap *m)
{
	free(m->ids);
	free(m->values);
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

static enum err grow(struct idmap *m, size_t bytes)
{
	const size_t cap = m->cap ? m->cap * 2 : FIRST_CAP;
	if (m->n == IDMAP_MAX)
		return ERR_LIMIT;
	struct id32 *ids = (struct id32 *)realloc(m->ids, cap / 2 * sizeof *ids);
	if (ids)
		m->ids = ids;
	uint8_t *values = ids ? (uint8_t *)realloc(m->values, cap / 2 * bytes) : NULL;
	if (values)
		m->values = values;
	uint32_t *slots = values ? (uint32_t *)calloc(cap, sizeof *slots) : NULL;
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

enum err idmap_put(struct idmap *m, const struct id32 *id, size_t bytes, void **value)
{
	uint32_t *slot = m->cap ? slot_of(m, id) : NULL;
	if (!slot || !*slot) {
		enum err e = m->n * 2 < m->cap ? OK : grow(m, bytes);
		if (e != OK)
			return e;
		slot = slot_of(m, id);
		m->ids[m->n] = *id;
		memset(m->values + m->n * bytes, 0, bytes);
		*slot = (uint32_t)++m->n;
	}
	*value = m->values + (*slot - 1) * bytes;
	return OK;
}
