/* seal.c -- see seal.h. */
#include "protocol/log/seal.h"
#include "protocol/log/hash.h"
#include "protocol/log/mp.h"
#include "protocol/log/secret.h"

#include <sodium.h>

/* The content's fields, SPEC 5.1. */
enum {
	AT_VERSION = 0,
	AT_CODE = 1,
	AT_EPHEMERAL = 2,
	AT_SLOTS = 34,
	HINT_BYTES = 8,
	WRAPPED_BYTES = 48,
	SLOT_BYTES = HINT_BYTES + WRAPPED_BYTES,
	TAG_BYTES = crypto_aead_xchacha20poly1305_ietf_ABYTES,
};

/* SPEC 5.1: "size code: 0, 1, 2, 3, 4 for n = 4, 16, 64, 256, 512 slots" */
static const size_t slots_of_code[] = {4, 16, 64, 256, 512};
enum { CODES = sizeof slots_of_code / sizeof slots_of_code[0] };

/* ---- lengths */

/* SPEC 5.3: "e = ⌊log2 L⌋, s = ⌊log2 e⌋ + 1, m = 2^(e−s) − 1, padded length = (L + m) AND NOT m" */
size_t seal_padded(size_t n)
{
	if (n > LIMIT_BODY_BYTES)
		abort();
	if (n < 2)
		return n;
	unsigned e = 0, s = 0;
	while (n >> (e + 1))
		e++;
	while (e >> s)
		s++;
	size_t m = ((size_t)1 << (e - s)) - 1;
	return (n + m) & ~m; /* the limit is such a length itself */
}

static uint8_t code_for(size_t readers)
{
	uint8_t code = 0;
	while (slots_of_code[code] < readers)
		code++;
	return code;
}

/* All of a body but its record and padding. */
static size_t overhead(uint8_t code)
{
	return ENTRY_SALT_BYTES + AT_SLOTS + SLOT_BYTES * slots_of_code[code] + TAG_BYTES;
}

size_t seal_record_max(size_t readers)
{
	if (readers > LIMIT_READERS)
		return 0;
	return LIMIT_BODY_BYTES - overhead(code_for(readers));
}

/* ---- slots */

/* SPEC 5.2: "hint = the first 8 bytes of H(`quire.hint`, d ‖ E)" */
static void put_hint(const uint8_t d[32], const uint8_t *ephemeral, uint8_t out[HINT_BYTES])
{
	uint8_t x[64];
	memcpy(x, d, 32);
	memcpy(x + 32, ephemeral, 32);
	const struct id32 h = hash_bytes(HASH_HINT, x, sizeof x);
	memcpy(out, h.b, HINT_BYTES);
	sodium_memzero(x, sizeof x);
}

/* SPEC 5.2: "slot key = H(`quire.slot`, X25519(e, R) ‖ d ‖ E ‖ R)" */
static struct id32 slot_key(
	const uint8_t shared[32], const uint8_t d[32], const uint8_t *ephemeral, const struct id32 *reader)
{
	const struct slice parts[] = {
		slice_of(shared, 32), slice_of(d, 32), slice_of(ephemeral, 32), slice_of(reader->b, 32)};
	return hash_parts(HASH_SLOT, parts, 4);
}

/* SPEC 5.2: "e = H(`quire.ephemeral`, content key)" */
static void ephemeral_pair(const uint8_t content_key[32], uint8_t e[32], struct id32 *ephemeral)
{
	struct id32 h = hash_bytes(HASH_EPHEMERAL, content_key, 32);
	memcpy(e, h.b, 32);
	secret_box_public(e, ephemeral);
	sodium_memzero(&h, sizeof h);
}

/* What sealing one body needs, wiped at the end. */
struct sealing {
	uint8_t e[32], content_key[32];
	struct id32 ephemeral;
};

static enum err put_slot(const struct sealing *s, const uint8_t author_secret[32], const struct id32 *reader,
	uint8_t slot[SLOT_BYTES])
{
	uint8_t d[32], shared[32];
	enum err err = secret_dh(author_secret, reader, d);
	if (err == OK)
		err = secret_dh(s->e, reader, shared);
	if (err == OK) {
		struct id32 k = slot_key(shared, d, s->ephemeral.b, reader);
		put_hint(d, s->ephemeral.b, slot);
		secret_seal(k.b, NULL, 0, s->content_key, 32, slot + HINT_BYTES);
		sodium_memzero(&k, sizeof k);
	}
	sodium_memzero(d, sizeof d);
	sodium_memzero(shared, sizeof shared);
	return err;
}

/* 0 .. n - 1, each equally likely; n at most 512. */
static size_t random_below(const struct random_source *rnd, size_t n)
{
	uint8_t two[2];
	size_t usable = 65536 - 65536 % n;
	do
		random_fill(rnd, two, sizeof two);
	while (be16_get(two) >= usable);
	return be16_get(two) % n;
}

/* SPEC 5.2: "the slots that are not used are random bytes, and the order of all slots is random" */
static enum err put_slots(const struct random_source *rnd, const struct sealing *s,
	const uint8_t author_secret[32], const struct id32 *readers, size_t readers_n, uint8_t *slots,
	size_t slots_n)
{
	uint16_t place[LIMIT_READERS];
	for (size_t i = 0; i < slots_n; i++)
		place[i] = (uint16_t)i;
	for (size_t i = slots_n; i > 1; i--) {
		size_t j = random_below(rnd, i);
		uint16_t t = place[i - 1];
		place[i - 1] = place[j];
		place[j] = t;
	}
	random_fill(rnd, slots, slots_n * SLOT_BYTES);
	enum err err = OK;
	for (size_t i = 0; err == OK && i < readers_n; i++)
		err = put_slot(s, author_secret, &readers[i], slots + (size_t)place[i] * SLOT_BYTES);
	return err;
}

static int id32_order(const void *a, const void *b)
{
	return id32_cmp(a, b);
}

/* The readers and the author, each once, at most 512. Free *all. ERR_LIMIT, ERR_MEMORY. */
static enum err all_readers(
	const struct id32 *author, const struct id32 *readers, size_t n, struct id32 **all, size_t *all_n)
{
	if (n >= SIZE_MAX / sizeof **all)
		return ERR_MEMORY;
	struct id32 *ids = malloc((n + 1) * sizeof *ids);
	if (!ids)
		return ERR_MEMORY;
	if (n)
		memcpy(ids, readers, n * sizeof *ids);
	ids[n] = *author;
	qsort(ids, n + 1, sizeof *ids, id32_order);
	size_t kept = 1;
	for (size_t i = 1; i <= n; i++)
		if (!id32_equal(&ids[i], &ids[kept - 1]))
			ids[kept++] = ids[i];
	if (kept > LIMIT_READERS) {
		free(ids);
		return ERR_LIMIT;
	}
	*all = ids;
	*all_n = kept;
	return OK;
}

/* ---- sealing */

/* Encrypts in place what stands behind the slots; the associated data is made behind the body, where there is room. */
static void encrypt(
	const uint8_t content_key[32], const struct id32 *log, uint8_t *content, size_t ad_n, size_t plain_n)
{
	uint8_t *ad = content + ad_n + plain_n + TAG_BYTES;
	memcpy(ad, content, ad_n);
	memcpy(ad + ad_n, log->b, 32);
	secret_seal(content_key, ad, ad_n + 32, content + ad_n, plain_n, content + ad_n);
}

static enum err seal_to(const struct random_source *rnd, const uint8_t author_secret[32],
	const struct id32 *log, const struct id32 *readers, size_t readers_n, struct slice record,
	struct buf *body, struct sealing *s)
{
	uint8_t code = code_for(readers_n);
	if (record.n == 0 || record.n > LIMIT_BODY_BYTES - overhead(code))
		return ERR_LIMIT;
	size_t slots_n = slots_of_code[code], ad_n = AT_SLOTS + SLOT_BYTES * slots_n;
	size_t total = seal_padded(overhead(code) + record.n),
	       plain_n = total - ENTRY_SALT_BYTES - ad_n - TAG_BYTES;
	enum err err = buf_reserve(body, total + ad_n + 32);
	if (err != OK)
		return err;
	uint8_t *salt = body->p + body->n, *content = salt + ENTRY_SALT_BYTES;
	random_fill(rnd, salt, ENTRY_SALT_BYTES);
	random_fill(rnd, s->content_key, sizeof s->content_key);
	ephemeral_pair(s->content_key, s->e, &s->ephemeral);
	content[AT_VERSION] = 1;
	content[AT_CODE] = code;
	memcpy(content + AT_EPHEMERAL, s->ephemeral.b, 32);
	err = put_slots(rnd, s, author_secret, readers, readers_n, content + AT_SLOTS, slots_n);
	if (err != OK)
		return err;
	memcpy(content + ad_n, record.p, record.n);
	memset(content + ad_n + record.n, 0, plain_n - record.n);
	encrypt(s->content_key, log, content, ad_n, plain_n);
	body->n += total;
	return OK;
}

enum err seal_body(const struct random_source *rnd, const uint8_t author_reading_secret[32],
	const struct id32 *log, const struct id32 *readers, size_t readers_n, struct slice record,
	struct buf *body, uint8_t content_key[32])
{
	struct id32 author, *all;
	size_t all_n;
	secret_box_public(author_reading_secret, &author);
	/* SPEC 5.2: "The author is always a reader." */
	enum err err = all_readers(&author, readers, readers_n, &all, &all_n);
	if (err != OK)
		return err;
	struct sealing s;
	err = seal_to(rnd, author_reading_secret, log, all, all_n, record, body, &s);
	if (err == OK && content_key)
		memcpy(content_key, s.content_key, 32);
	sodium_memzero(&s, sizeof s);
	free(all);
	return err;
}

enum err seal_clear_body(const struct random_source *rnd, struct slice record, struct buf *body)
{
	if (record.n == 0 || record.n > LIMIT_BODY_BYTES - ENTRY_SALT_BYTES)
		return ERR_LIMIT;
	enum err err = buf_reserve(body, ENTRY_SALT_BYTES + record.n);
	if (err != OK)
		return err;
	random_fill(rnd, body->p + body->n, ENTRY_SALT_BYTES);
	memcpy(body->p + body->n + ENTRY_SALT_BYTES, record.p, record.n);
	body->n += ENTRY_SALT_BYTES + record.n;
	return OK;
}

/* ---- opening */

struct layout {
	const uint8_t *content, *ephemeral, *slots;
	size_t slots_n;
	size_t ad_n; /* bytes of content before the ciphertext */
	size_t cipher_n;
};

static bool layout_get(struct slice body, struct layout *l)
{
	if (body.n < overhead(0) || body.n > LIMIT_BODY_BYTES)
		return false;
	const uint8_t *content = body.p + ENTRY_SALT_BYTES;
	if (content[AT_VERSION] != 1 || content[AT_CODE] >= CODES)
		return false;
	uint8_t code = content[AT_CODE];
	/* SPEC 5.3: "The total body length (salt + content) must be a *Padmé* length" */
	if (body.n <= overhead(code) || seal_padded(body.n) != body.n)
		return false;
	size_t ad_n = AT_SLOTS + SLOT_BYTES * slots_of_code[code];
	*l = (struct layout){
		.content = content,
		.ephemeral = content + AT_EPHEMERAL,
		.slots = content + AT_SLOTS,
		.slots_n = slots_of_code[code],
		.ad_n = ad_n,
		.cipher_n = body.n - ENTRY_SALT_BYTES - ad_n,
	};
	return true;
}

enum err seal_pair_init(
	struct seal_pair *p, const uint8_t reading_secret[32], const struct id32 *author_reading_key)
{
	struct seal_pair got;
	enum err err = secret_dh(reading_secret, author_reading_key, got.d);
	if (err == OK) {
		memcpy(got.reading_secret, reading_secret, 32);
		secret_box_public(reading_secret, &got.reading_key);
		*p = got;
	}
	sodium_memzero(&got, sizeof got);
	return err;
}

/* The first slot from `from` on with this hint; slots_n if there is none. */
static size_t find_hint(const struct layout *l, const uint8_t hint[HINT_BYTES], size_t from)
{
	while (from < l->slots_n && memcmp(l->slots + from * SLOT_BYTES, hint, HINT_BYTES) != 0)
		from++;
	return from;
}

bool seal_hint_matches(const struct seal_pair *p, struct slice body)
{
	struct layout l;
	if (!layout_get(body, &l))
		return false;
	uint8_t hint[HINT_BYTES];
	put_hint(p->d, l.ephemeral, hint);
	return find_hint(&l, hint, 0) < l.slots_n;
}

/* SPEC 5.2: "must compute E from it and refuse the body if it differs: so one body cannot open to two contents" */
static bool key_belongs(const struct layout *l, const uint8_t content_key[32])
{
	uint8_t e[32];
	struct id32 ephemeral;
	ephemeral_pair(content_key, e, &ephemeral);
	sodium_memzero(e, sizeof e);
	return memcmp(ephemeral.b, l->ephemeral, 32) == 0;
}

/* Decrypts behind record->n, with the associated data behind that, and keeps what is the record. */
static enum err decrypt(
	const struct layout *l, const uint8_t content_key[32], const struct id32 *log, struct buf *record)
{
	if (!key_belongs(l, content_key))
		return ERR_DECRYPT;
	size_t plain_n = l->cipher_n - TAG_BYTES, n;
	enum err err = buf_reserve(record, plain_n + l->ad_n + 32);
	if (err != OK)
		return err;
	uint8_t *plain = record->p + record->n, *ad = plain + plain_n;
	/* SPEC 5.3: "as associated data the content's bytes from offset 0 up to the ciphertext, followed by the log id" */
	memcpy(ad, l->content, l->ad_n);
	memcpy(ad + l->ad_n, log->b, 32);
	err = secret_open(content_key, ad, l->ad_n + 32, l->content + l->ad_n, l->cipher_n, plain);
	if (err != OK)
		return err;
	/* SPEC 5.3: "A reader takes the first MessagePack object and requires that only zero bytes follow." */
	if (mp_check_prefix(slice_of(plain, plain_n), LIMIT_MP_NODES, &n) != OK ||
		!sodium_is_zero(plain + n, plain_n - n)) {
		sodium_memzero(plain, plain_n);
		return ERR_FORMAT;
	}
	record->n += n;
	return OK;
}

/* SPEC 5.2: "if that fails it tries the next equal hint" */
static enum err find_key(const struct seal_pair *p, const struct layout *l, uint8_t content_key[32])
{
	const struct id32 ephemeral = id32_from(l->ephemeral);
	uint8_t hint[HINT_BYTES], shared[32];
	put_hint(p->d, l->ephemeral, hint);
	size_t i = find_hint(l, hint, 0);
	if (i == l->slots_n)
		return ERR_NOT_FOUND;
	enum err err = secret_dh(p->reading_secret, &ephemeral, shared);
	if (err != OK)
		return err;
	struct id32 k = slot_key(shared, p->d, l->ephemeral, &p->reading_key);
	do {
		err = secret_open(
			k.b, NULL, 0, l->slots + i * SLOT_BYTES + HINT_BYTES, WRAPPED_BYTES, content_key);
		i = find_hint(l, hint, i + 1);
	} while (err != OK && i < l->slots_n);
	sodium_memzero(&k, sizeof k);
	sodium_memzero(shared, sizeof shared);
	return err;
}

enum err seal_open(const struct seal_pair *p, const struct id32 *log, struct slice body, struct buf *record,
	uint8_t content_key[32])
{
	struct layout l;
	if (!layout_get(body, &l))
		return ERR_FORMAT;
	uint8_t key[32];
	enum err err = find_key(p, &l, key);
	if (err == OK)
		err = decrypt(&l, key, log, record);
	if (err == OK && content_key)
		memcpy(content_key, key, 32);
	sodium_memzero(key, sizeof key);
	return err;
}

enum err seal_open_key(
	const uint8_t content_key[32], const struct id32 *log, struct slice body, struct buf *record)
{
	struct layout l;
	return layout_get(body, &l) ? decrypt(&l, content_key, log, record) : ERR_FORMAT;
}
