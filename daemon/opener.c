/* opener.c -- see opener.h. */
#include "opener.h"

#include "desk.h"
#include "protocol/log/entry.h"
#include "protocol/log/seal.h"

#include <sodium.h>

#define AUTHORS_MAX 256
#define ENTRY_AT_SEQ 34 /* SPEC 4.2 */

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
	opener_key find_key;
	void *find_ctx;
};

struct opener *opener_new_with(const struct identity_reading *readings, size_t n)
{
	struct opener *o = (struct opener *)sodium_malloc(sizeof *o);
	if (!o)
		return NULL;
	memset(o, 0, sizeof *o);
	o->readings_n = n;
	if (n)
		memcpy(o->readings, readings, n * sizeof *readings);
	return o;
}

struct opener *opener_new(const struct keyring *keys)
{
	return keys ? opener_new_with(keys->self.secrets.readings, keys->self.secrets.readings_n)
		    : opener_new_with(NULL, 0);
}

void opener_keys(struct opener *o, opener_key find, void *ctx)
{
	o->find_key = find;
	o->find_ctx = ctx;
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

static enum err open_slot(struct opener *o, struct store *s, const struct id32 *identity,
	const struct id32 *log, struct slice body, struct buf *record, uint8_t content_key[32])
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
			e = seal_open(&a->pairs[i], log, body, record, content_key);
			if (e == ERR_NOT_FOUND)
				e = ERR_LOCKED;
			if (e != OK && e != ERR_LOCKED)
				return e;
		}
	return e;
}

/* SPEC 5.4: "A reader who has a content key opens the ciphertext of section 5.3 without a slot." A wrong one is passed over. */
static enum err open_handed_on(struct opener *o, const struct id32 *log, const struct store_part *part,
	struct buf *record, uint8_t content_key[32])
{
	const struct entry_ref at = {
		.log = *log, .seq = be64_get(part->header + ENTRY_AT_SEQ), .id = entry_id(part->header)};
	const size_t before = record->n;
	uint8_t key[32];
	enum err e = ERR_LOCKED;
	for (size_t i = 0; e == ERR_LOCKED && o->find_key(o->find_ctx, &at, i, key); i++) {
		e = seal_open_key(key, log, part->bytes, record);
		if (e != OK)
			record->n = before;
		if (e != OK && e != ERR_MEMORY)
			e = ERR_LOCKED;
		if (e == OK && content_key)
			memcpy(content_key, key, 32);
	}
	sodium_memzero(key, sizeof key);
	return e;
}

enum err opener_open_key(struct opener *o, struct store *s, const struct id32 *author, const struct id32 *log,
	const struct store_part *part, struct buf *record, uint8_t content_key[32])
{
	if (content_key)
		memset(content_key, 0, 32);
	if (part->kind == BODY_ERASED)
		return ERR_ERASED;
	if (part->kind == BODY_WITHHELD)
		return ERR_REFUSED;
	if (part->kind != BODY_HERE)
		return ERR_PENDING;
	if (part->header[1] & ENTRY_FLAG_SEALED) {
		enum err e = open_slot(o, s, author, log, part->bytes, record, content_key);
		return e == ERR_LOCKED && o->find_key ? open_handed_on(o, log, part, record, content_key) : e;
	}
	if (part->bytes.n <= ENTRY_SALT_BYTES)
		return ERR_FORMAT;
	return buf_put(record, part->bytes.p + ENTRY_SALT_BYTES, part->bytes.n - ENTRY_SALT_BYTES);
}

enum err opener_open(struct opener *o, struct store *s, const struct id32 *author, const struct id32 *log,
	const struct store_part *part, struct buf *record)
{
	return opener_open_key(o, s, author, log, part, record, NULL);
}

enum err opener_pairs(struct opener *o, struct store *s, const struct id32 *author, size_t *n)
{
	struct author *a = NULL;
	enum err e = o->readings_n ? find_author(o, s, author, &a) : OK;
	*n = a ? a->n : 0;
	return e == ERR_NOT_FOUND ? OK : e;
}
