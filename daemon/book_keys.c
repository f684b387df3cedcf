/* book_keys.c -- content keys that records handed on, by entry. SPEC.md section 5.4. */
#include "book_int.h"

#include <sodium.h>

#define FIRST_CAP 64u
#define KEYS_OF_BODY_BY_ONE_MAX 2u

void handed_init(struct handed_keys *h)
{
	*h = (struct handed_keys){0};
	randombytes_buf(h->seed, sizeof h->seed);
}

void handed_deinit(struct handed_keys *h)
{
	sodium_free(h->at); /* wipes */
	free(h->buckets);
	free(h->by);
	*h = (struct handed_keys){0};
}

static size_t bucket_of(const struct handed_keys *h, const struct id32 *entry)
{
	uint8_t hash[crypto_shorthash_BYTES];
	crypto_shorthash(hash, entry->b, sizeof entry->b, h->seed);
	return be64_get(hash) & (h->cap - 1);
}

static void chain(struct handed_keys *h, size_t i)
{
	uint32_t *head = &h->buckets[bucket_of(h, &h->at[i].of.id)];
	h->at[i].next = *head;
	*head = (uint32_t)i + 1;
}

static enum err grow(struct handed_keys *h)
{
	size_t cap = h->cap ? h->cap * 2 : FIRST_CAP;
	struct handed *at = (struct handed *)sodium_malloc(cap * sizeof *at);
	uint32_t *buckets = (uint32_t *)calloc(cap, sizeof *buckets);
	if (!at || !buckets) {
		sodium_free(at);
		free(buckets);
		return ERR_MEMORY;
	}
	if (h->n)
		memcpy(at, h->at, h->n * sizeof *at);
	sodium_free(h->at);
	free(h->buckets);
	h->at = at;
	h->buckets = buckets;
	h->cap = cap;
	for (size_t i = 0; i < h->n; i++)
		chain(h, i);
	return OK;
}

static struct handed_by *find_by(struct handed_keys *h, const struct id32 *by)
{
	for (size_t i = 0; i < h->by_n; i++)
		if (id32_equal(&h->by[i].id, by))
			return &h->by[i];
	struct handed_by *all = (struct handed_by *)realloc(h->by, (h->by_n + 1) * sizeof *all);
	if (!all)
		return NULL;
	h->by = all;
	all[h->by_n] = (struct handed_by){.id = *by};
	return &all[h->by_n++];
}

static bool same_ref(const struct entry_ref *a, const struct entry_ref *b)
{
	return id32_equal(&a->id, &b->id) && a->seq == b->seq && id32_equal(&a->log, &b->log);
}

static uint32_t first_of(const struct handed_keys *h, const struct id32 *entry)
{
	return h->cap ? h->buckets[bucket_of(h, entry)] : 0;
}

struct others {
	size_t n, by_same;
	bool known;
	struct handed *weakest; /* not the owner's */
};

static struct others look_at_others(const struct handed_keys *h, const struct entry_ref *of,
	const struct id32 *by, const struct id32 *owner, const uint8_t key[32])
{
	struct others o = {0};
	for (uint32_t i = first_of(h, &of->id); i; i = h->at[i - 1].next) {
		struct handed *at = &h->at[i - 1];
		if (!same_ref(&at->of, of))
			continue;
		o.n++;
		o.by_same += id32_equal(&at->by, by);
		o.known = o.known || sodium_memcmp(at->key, key, 32) == 0;
		if (!owner || !id32_equal(&at->by, owner))
			o.weakest = at;
	}
	return o;
}

static void fill(struct handed *at, const struct entry_ref *of, const struct id32 *by, const uint8_t key[32])
{
	at->of = *of;
	at->by = *by;
	memcpy(at->key, key, 32);
}

enum err handed_add(struct handed_keys *h, const struct entry_ref *of, const struct id32 *by,
	const struct id32 *owner, const uint8_t key[32], enum handed_added *added)
{
	const struct others others = look_at_others(h, of, by, owner, key);
	bool full = others.n >= BOOK_KEYS_OF_BODY_MAX, owns = owner && id32_equal(owner, by);
	struct handed_by *from = find_by(h, by);
	*added = HANDED_KNOWN;
	if (!from)
		return ERR_MEMORY;
	if (others.known)
		return OK;
	*added = HANDED_NO_ROOM;
	if (others.by_same >= KEYS_OF_BODY_BY_ONE_MAX || from->n >= BOOK_KEYS_OF_ONE_MAX)
		return OK;
	if (full && (!owns || !others.weakest))
		return OK;
	if (full) {
		find_by(h, &others.weakest->by)->n--;
		fill(others.weakest, of, by, key);
	} else if (h->n >= BOOK_KEYS_MAX) {
		return OK;
	} else {
		enum err e = h->n == h->cap ? grow(h) : OK;
		if (e != OK)
			return e;
		fill(&h->at[h->n], of, by, key);
		chain(h, h->n++);
	}
	from->n++;
	*added = HANDED_NEW;
	return OK;
}

bool handed_find(void *keys, const struct entry_ref *entry, size_t i, uint8_t key[32])
{
	const struct handed_keys *h = (const struct handed_keys *)keys;
	for (uint32_t at = first_of(h, &entry->id); at; at = h->at[at - 1].next)
		if (same_ref(&h->at[at - 1].of, entry) && i-- == 0) {
			memcpy(key, h->at[at - 1].key, 32);
			return true;
		}
	return false;
}
