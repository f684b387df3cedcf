#include "notice.h"

#include "protocol/log/hash.h"
#include "protocol/log/invitation.h"
#include "protocol/log/mp.h"

#include <sodium.h>

#define PLAIN_BYTES (LIMIT_NOTICE_BYTES - crypto_box_SEALBYTES)
#define NODES_MAX 128 /* objects of the map, with room for keys of later versions */
#define KIND_ENTRY 1u

_Static_assert(LIMIT_NOTICE_BYTES_MIN == crypto_box_SEALBYTES + 1, "a notice holds something");

struct id32 notice_id(uint32_t expires_hour, struct slice bytes)
{
	uint8_t hour[4];
	be32_put(hour, expires_hour);
	const struct slice parts[] = {slice_of(hour, sizeof hour), bytes};
	return hash_parts(HASH_NOTICE, parts, 2);
}

/* SPEC 20.1: "A notice is an expiry (hour, at most 2,160 hours ahead)" */
bool notice_is_current(uint64_t expires_hour, uint64_t hour)
{
	return expires_hour > hour && expires_hour - hour <= LIMIT_NOTICE_HOURS;
}

/* ---- sealing */

static void put_map(struct mp_out *o, const struct notice *n, const char *const *addresses,
	size_t addresses_n, struct slice pad)
{
	mp_put_map(o, 9);
	mp_put_cstr(o, "addresses");
	mp_put_array(o, addresses_n);
	for (size_t i = 0; i < addresses_n; i++)
		mp_put_cstr(o, addresses[i]);
	mp_put_cstr(o, "from");
	mp_put_id(o, &n->from);
	mp_put_cstr(o, "id");
	mp_put_id(o, &n->entry.id);
	mp_put_cstr(o, "kind");
	mp_put_uint(o, KIND_ENTRY);
	mp_put_cstr(o, "log");
	mp_put_id(o, &n->entry.log);
	mp_put_cstr(o, "node");
	mp_put_id(o, &n->node);
	mp_put_cstr(o, "pad");
	mp_put_bin(o, pad);
	mp_put_cstr(o, "seq");
	mp_put_uint(o, n->entry.seq);
	mp_put_cstr(o, "to");
	mp_put_id(o, &n->to);
}

/* The map, PLAIN_BYTES long. The pad's head is two bytes up to 255 and three beyond: with `addresses` always there the length between
 * the two, which no pad has, is never needed. */
static enum err put_padded(const struct notice *n, struct buf *out)
{
	static const uint8_t zeros[PLAIN_BYTES];
	const char *addresses[LIMIT_ADDRESSES];
	size_t k = 0;
	for (size_t i = 0; i < n->addresses_n && i < LIMIT_ADDRESSES; i++)
		if (invitation_address_ok(slice_str(n->addresses[i])))
			addresses[k++] = n->addresses[i];
	for (;; k--) {
		out->n = 0;
		struct mp_out o = mp_out_init(out);
		put_map(&o, n, addresses, k, slice_of(zeros, 0));
		if (o.err != OK)
			return o.err;
		if (out->n <= PLAIN_BYTES)
			break;
		if (k == 0)
			return ERR_RANGE;
	}
	size_t pad = PLAIN_BYTES - out->n;
	pad -= pad > UINT8_MAX;
	out->n = 0;
	struct mp_out o = mp_out_init(out);
	put_map(&o, n, addresses, k, slice_of(zeros, pad));
	return o.err != OK ? o.err : out->n == PLAIN_BYTES ? OK : ERR_RANGE;
}

/* What libsodium's crypto_box_seal does, with randomness from outside: public half of a fresh key, then the box under the
 * nonce BLAKE2b-192(public half, recipient). */
static enum err seal_plain(const uint8_t plain[PLAIN_BYTES], const struct id32 *notice_key,
	const struct random_source *rnd, uint8_t out[LIMIT_NOTICE_BYTES])
{
	uint8_t secret[crypto_box_SECRETKEYBYTES], nonce[crypto_box_NONCEBYTES];
	crypto_generichash_state st;
	rnd->fill(rnd->ctx, secret, sizeof secret);
	int rc = crypto_scalarmult_base(out, secret);
	crypto_generichash_init(&st, NULL, 0, sizeof nonce);
	crypto_generichash_update(&st, out, crypto_box_PUBLICKEYBYTES);
	crypto_generichash_update(&st, notice_key->b, sizeof notice_key->b);
	crypto_generichash_final(&st, nonce, sizeof nonce);
	if (rc == 0)
		rc = crypto_box_easy(
			out + crypto_box_PUBLICKEYBYTES, plain, PLAIN_BYTES, nonce, notice_key->b, secret);
	sodium_memzero(secret, sizeof secret);
	return rc == 0 ? OK : ERR_DECRYPT;
}

enum err notice_seal(const struct notice *n, const struct id32 *notice_key, const struct random_source *rnd,
	uint8_t out[LIMIT_NOTICE_BYTES])
{
	struct buf plain = {0};
	enum err e = n->entry.seq <= LIMIT_SEQ ? put_padded(n, &plain) : ERR_RANGE;
	if (e == OK)
		e = seal_plain(plain.p, notice_key, rnd, out);
	buf_free(&plain);
	return e;
}

/* ---- opening */

static enum err read_addresses(struct mp_in *in, struct notice *out)
{
	size_t n;
	enum err e = mp_get_array(in, 0, LIMIT_ADDRESSES, &n);
	for (size_t i = 0; e == OK && i < n; i++) {
		struct slice a;
		e = mp_get_str(in, 1, LIMIT_ADDRESS_BYTES, &a);
		if (e == OK && invitation_address_ok(a))
			memcpy(out->addresses[out->addresses_n++], a.p, a.n);
	}
	return e;
}

enum {
	HAS_FROM = 1,
	HAS_ID = 2,
	HAS_KIND = 4,
	HAS_LOG = 8,
	HAS_NODE = 16,
	HAS_SEQ = 32,
	HAS_TO = 64,
	HAS_ALL = 127
};

static enum err read_id(struct mp_in *in, struct id32 *id, unsigned bit, unsigned *has)
{
	*has |= bit;
	return mp_get_id(in, id);
}

static enum err read_field(struct mp_in *in, struct slice key, struct notice *out, unsigned *has)
{
	uint64_t kind;
	if (slice_equal(key, slice_str("addresses")))
		return read_addresses(in, out);
	if (slice_equal(key, slice_str("from")))
		return read_id(in, &out->from, HAS_FROM, has);
	if (slice_equal(key, slice_str("id")))
		return read_id(in, &out->entry.id, HAS_ID, has);
	if (slice_equal(key, slice_str("log")))
		return read_id(in, &out->entry.log, HAS_LOG, has);
	if (slice_equal(key, slice_str("node")))
		return read_id(in, &out->node, HAS_NODE, has);
	if (slice_equal(key, slice_str("to")))
		return read_id(in, &out->to, HAS_TO, has);
	if (slice_equal(key, slice_str("kind"))) {
		*has |= HAS_KIND;
		return mp_get_uint(in, KIND_ENTRY, &kind) == OK && kind == KIND_ENTRY ? OK : ERR_FORMAT;
	}
	if (slice_equal(key, slice_str("seq"))) {
		*has |= HAS_SEQ;
		return mp_get_uint(in, LIMIT_SEQ, &out->entry.seq);
	}
	return mp_skip(in, NULL);
}

static enum err read_map(struct slice plain, struct notice *out)
{
	size_t n;
	unsigned has = 0;
	*out = (struct notice){0};
	if (mp_check(plain, NODES_MAX) != OK)
		return ERR_FORMAT;
	struct mp_in in = mp_open(plain);
	enum err e = mp_get_map(&in, NODES_MAX, &n);
	for (size_t i = 0; e == OK && i < n; i++) {
		struct slice key;
		e = mp_get_str(&in, 0, SIZE_MAX, &key);
		if (e == OK)
			e = read_field(&in, key, out, &has);
	}
	return e == OK && has == HAS_ALL ? OK : ERR_FORMAT;
}

enum err notice_open(struct slice bytes, const struct id32 *notice_key, const uint8_t notice_secret[32],
	struct notice *out)
{
	uint8_t plain[PLAIN_BYTES];
	if (bytes.n < LIMIT_NOTICE_BYTES_MIN || bytes.n > LIMIT_NOTICE_BYTES)
		return ERR_FORMAT;
	if (crypto_box_seal_open(plain, bytes.p, bytes.n, notice_key->b, notice_secret) != 0)
		return ERR_NOT_FOUND;
	return read_map(slice_of(plain, bytes.n - crypto_box_SEALBYTES), out);
}
