/* opener.c -- see opener.h. */
#include "opener.h"

#include "desk.h"
#include "protocol/log/entry.h"
#include "protocol/log/seal.h"

#include <sodium.h>

#define AUTHORS_MAX 256

/* What we share with one author: a Diffie-Hellman for each pair of reading keys, computed once. */
struct author {
	struct id32 identity;
	size_t n;
	struct seal_pair *pairs; /* sodium_malloc */
};

struct opener {
	size_t readings_n;
	struct identity_reading readings[IDENTITY_READINGS_MAX];
	size_t authors_n;
	struct author authors[AUTHORS_MAX];
};

struct opener *opener_new(const struct keyring *keys)
{
	struct opener *o = (struct opener *)sodium_malloc(sizeof *o);
	if (!o)
		return NULL;
	memset(o, 0, sizeof *o);
	if (keys) {
		o->readings_n = keys->self.secrets.readings_n;
		memcpy(o->readings, keys->self.secrets.readings, o->readings_n * sizeof *o->readings);
	}
	return o;
}

void opener_free(struct opener *o)
{
	if (!o)
		return;
	for (size_t i = 0; i < o->authors_n; i++)
		sodium_free(o->authors[i].pairs);
	sodium_free(o);
}

/* SPEC 5.2: "A reader tries its own reading keys, and the author's, of all valid kind 2 events." */
static enum err meet(struct opener *o, const struct keyset *ks, struct author *a)
{
	size_t events = keyset_count(ks), keys = 0;
	for (size_t i = 0; i < events; i++) {
		const struct keyevent *ev = keyset_at(ks, i);
		keys += ev && ev->kind == KEYEVENT_READING;
	}
	if (keys > 1024)
		keys = 1024; /* an author with more has a thief at work; the first ones are tried */
	size_t room = keys * o->readings_n;
	a->pairs = (struct seal_pair *)sodium_malloc((room ? room : 1) * sizeof *a->pairs);
	if (!a->pairs)
		return ERR_MEMORY;
	for (size_t i = events; i-- > 0;) {
		const struct keyevent *ev = keyset_at(ks, i);
		for (size_t r = 0; ev && ev->kind == KEYEVENT_READING && r < o->readings_n && a->n < room;
			r++)
			if (seal_pair_init(&a->pairs[a->n], o->readings[r].secret, &ev->reading_key) == OK)
				a->n++;
	}
	return OK;
}

static enum err find_author(
	struct opener *o, struct store *s, const struct id32 *identity, struct author **out)
{
	for (size_t i = 0; i < o->authors_n; i++)
		if (id32_equal(&o->authors[i].identity, identity)) {
			*out = &o->authors[i];
			return OK;
		}
	struct keyset *ks = NULL;
	enum err e = desk_keyset_read(s, identity, &ks);
	if (e != OK)
		return e;
	if (o->authors_n == AUTHORS_MAX)
		sodium_free(o->authors[--o->authors_n].pairs);
	struct author *a = &o->authors[o->authors_n];
	*a = (struct author){.identity = *identity};
	e = meet(o, ks, a);
	keyset_free(ks);
	if (e != OK)
		return e;
	o->authors_n++;
	*out = a;
	return OK;
}

static enum err open_sealed(struct opener *o, struct store *s, const struct id32 *identity,
	const struct id32 *log, struct slice body, struct buf *record)
{
	struct author *a = NULL;
	if (!o->readings_n)
		return ERR_LOCKED;
	enum err e = find_author(o, s, identity, &a);
	if (e != OK)
		return e == ERR_NOT_FOUND ? ERR_LOCKED : e;
	e = ERR_LOCKED;
	for (size_t i = 0; i < a->n && e != OK; i++)
		if (seal_hint_matches(&a->pairs[i], body)) {
			e = seal_open(&a->pairs[i], log, body, record, NULL);
			if (e == ERR_NOT_FOUND)
				e = ERR_LOCKED;
			if (e != OK && e != ERR_LOCKED)
				return e;
		}
	return e;
}

enum err opener_open(struct opener *o, struct store *s, const struct id32 *author, const struct id32 *log,
	const struct store_part *part, struct buf *record)
{
	if (part->kind == BODY_ERASED)
		return ERR_ERASED;
	if (part->kind == BODY_WITHHELD)
		return ERR_REFUSED;
	if (part->kind != BODY_HERE)
		return ERR_PENDING;
	if (part->header[1] & ENTRY_FLAG_SEALED)
		return open_sealed(o, s, author, log, part->bytes, record);
	if (part->bytes.n <= ENTRY_SALT_BYTES)
		return ERR_FORMAT;
	return buf_put(record, part->bytes.p + ENTRY_SALT_BYTES, part->bytes.n - ENTRY_SALT_BYTES);
}
