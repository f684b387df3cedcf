/* entry.c -- see entry.h. */
#include "protocol/log/entry.h"
#include "protocol/log/hash.h"
#include "protocol/log/mp.h"
#include "protocol/log/secret.h"

#define ENTRY_DOMAIN "quire entry v1"

/* The header's fields, SPEC 4.2. */
enum {
	AT_VERSION = 0,
	AT_FLAGS = 1,
	AT_LOG = 2,
	AT_SEQ = 34,
	AT_PREV = 42,
	AT_HOUR = 74,
	AT_SCOPE = 78,
	AT_ENVELOPE = 94,
	AT_BODY_BYTES = 126,
	AT_COMMITMENT = 130,
};

/* The envelope's keys, SPEC 4.5. */
enum { KEY_BLOBS = 1, KEY_CUSTODIAN, KEY_DROP_AFTER, KEY_WAS };

#define BLOB_SIZE_MAX ((uint64_t)LIMIT_BLOB_CHUNKS * BLOB_CHUNK_BYTES)

/* ---- headers */

static bool zeros(const uint8_t p[32])
{
	static const uint8_t zero[32];
	return memcmp(p, zero, 32) == 0;
}

/* The form of 162 bytes, without copying any. */
static enum err header_check(const uint8_t *p)
{
	if (p[AT_VERSION] != 1)
		return ERR_VERSION;
	/* SPEC 4.2: "flags: bit 0 sealed, bit 1 keep; the others zero" */
	if (p[AT_FLAGS] & ~(ENTRY_FLAG_SEALED | ENTRY_FLAG_KEEP))
		return ERR_FORMAT;
	uint64_t seq = be64_get(p + AT_SEQ);
	uint32_t body_bytes = be32_get(p + AT_BODY_BYTES);
	if (seq > LIMIT_SEQ || body_bytes < LIMIT_BODY_BYTES_MIN || body_bytes > LIMIT_BODY_BYTES)
		return ERR_RANGE;
	if (seq == 0 && !zeros(p + AT_PREV))
		return ERR_RANGE;
	return OK;
}

void entry_header_encode(const struct entry_header *h, uint8_t out[ENTRY_HEADER_BYTES])
{
	out[AT_VERSION] = 1;
	out[AT_FLAGS] = h->flags;
	memcpy(out + AT_LOG, h->log.b, 32);
	be64_put(out + AT_SEQ, h->seq);
	memcpy(out + AT_PREV, h->prev.b, 32);
	be32_put(out + AT_HOUR, h->hour);
	memcpy(out + AT_SCOPE, h->scope, sizeof h->scope);
	memcpy(out + AT_ENVELOPE, h->envelope_hash.b, 32);
	be32_put(out + AT_BODY_BYTES, h->body_bytes);
	memcpy(out + AT_COMMITMENT, h->commitment.b, 32);
	if (header_check(out) != OK)
		abort();
}

enum err entry_header_decode(struct slice bytes, struct entry_header *h)
{
	if (bytes.n != ENTRY_HEADER_BYTES)
		return ERR_FORMAT;
	const uint8_t *p = bytes.p;
	enum err err = header_check(p);
	if (err != OK)
		return err;
	*h = (struct entry_header){
		.flags = p[AT_FLAGS],
		.log = id32_from(p + AT_LOG),
		.seq = be64_get(p + AT_SEQ),
		.prev = id32_from(p + AT_PREV),
		.hour = be32_get(p + AT_HOUR),
		.envelope_hash = id32_from(p + AT_ENVELOPE),
		.body_bytes = be32_get(p + AT_BODY_BYTES),
		.commitment = id32_from(p + AT_COMMITMENT),
	};
	memcpy(h->scope, p + AT_SCOPE, sizeof h->scope);
	return OK;
}

struct id32 entry_log_id(const struct id32 *identity, const struct id32 *device_key)
{
	const struct slice parts[] = {slice_of(identity->b, 32), slice_of(device_key->b, 32)};
	return hash_parts(HASH_LOG, parts, 2);
}

struct id32 entry_id(const uint8_t header[ENTRY_HEADER_BYTES])
{
	return hash_bytes(HASH_ENTRY, header, ENTRY_HEADER_BYTES);
}

void entry_sign(const uint8_t header[ENTRY_HEADER_BYTES], const uint8_t device_secret[64],
	uint8_t out[ENTRY_SIGNATURE_BYTES])
{
	secret_sign(device_secret, ENTRY_DOMAIN, slice_of(header, ENTRY_HEADER_BYTES), out);
}

enum err entry_verify(
	const uint8_t header[ENTRY_HEADER_BYTES], const uint8_t signature[64], const struct id32 *device_key)
{
	return secret_verify(device_key, ENTRY_DOMAIN, slice_of(header, ENTRY_HEADER_BYTES), signature);
}

struct id32 entry_envelope_hash(struct slice envelope)
{
	if (envelope.n == 0)
		return (struct id32){{0}};
	return hash_bytes(HASH_ENVELOPE, envelope.p, envelope.n);
}

struct id32 entry_body_commitment(struct slice body)
{
	return hash_bytes(HASH_BODY, body.p, body.n);
}

static enum err body_check(uint32_t bytes, const uint8_t commitment[32], struct slice body)
{
	/* SPEC 4.6: "exactly as many as the header says" */
	if (body.n != bytes)
		return ERR_HASH;
	const struct id32 c = entry_body_commitment(body);
	return memcmp(c.b, commitment, 32) == 0 ? OK : ERR_HASH;
}

enum err entry_body_check(const struct entry_header *h, struct slice body)
{
	return body_check(h->body_bytes, h->commitment.b, body);
}

/* ---- envelopes */

enum err envelope_encode(const struct envelope *e, struct buf *out)
{
	size_t keys = (e->blobs_n > 0) + (size_t)e->has_custodian + (size_t)e->has_drop_after +
		(size_t)e->has_was;
	if (e->blobs_n > LIMIT_ENVELOPE_BLOBS || (e->has_was && e->was.seq > LIMIT_SEQ))
		abort();
	if (keys == 0)
		return OK;
	struct mp_out o = mp_out_init(out);
	mp_put_map(&o, keys);
	if (e->blobs_n > 0) {
		mp_put_uint(&o, KEY_BLOBS);
		mp_put_array(&o, e->blobs_n);
	}
	for (size_t i = 0; i < e->blobs_n; i++) {
		if (e->blobs[i].size > BLOB_SIZE_MAX)
			abort();
		mp_put_array(&o, 2);
		mp_put_id(&o, &e->blobs[i].root);
		mp_put_uint(&o, e->blobs[i].size);
	}
	if (e->has_custodian) {
		mp_put_uint(&o, KEY_CUSTODIAN);
		mp_put_id(&o, &e->custodian);
	}
	if (e->has_drop_after) {
		mp_put_uint(&o, KEY_DROP_AFTER);
		mp_put_uint(&o, e->drop_after_day);
	}
	if (e->has_was) {
		mp_put_uint(&o, KEY_WAS);
		mp_put_array(&o, 3);
		mp_put_id(&o, &e->was.log);
		mp_put_uint(&o, e->was.seq);
		mp_put_id(&o, &e->was.id);
	}
	return o.err;
}

static enum err get_blobs(struct mp_in *in, struct envelope *e)
{
	enum err err = mp_get_array(in, 1, LIMIT_ENVELOPE_BLOBS, &e->blobs_n);
	for (size_t i = 0; err == OK && i < e->blobs_n; i++) {
		size_t two;
		err = mp_get_array(in, 2, 2, &two);
		if (err == OK)
			err = mp_get_id(in, &e->blobs[i].root);
		if (err == OK)
			err = mp_get_uint(in, BLOB_SIZE_MAX, &e->blobs[i].size);
	}
	return err;
}

static enum err get_was(struct mp_in *in, struct envelope *e)
{
	size_t three;
	enum err err = mp_get_array(in, 3, 3, &three);
	if (err == OK)
		err = mp_get_id(in, &e->was.log);
	if (err == OK)
		err = mp_get_uint(in, LIMIT_SEQ, &e->was.seq);
	if (err == OK)
		err = mp_get_id(in, &e->was.id);
	e->has_was = true;
	return err;
}

/* One key and its value. SPEC 4.5: "An unknown key makes the envelope malformed." */
static enum err get_pair(struct mp_in *in, struct envelope *e)
{
	uint64_t key, day;
	enum err err = mp_get_uint(in, UINT64_MAX, &key);
	if (err != OK)
		return err;
	if (key == KEY_BLOBS)
		return get_blobs(in, e);
	if (key == KEY_CUSTODIAN) {
		e->has_custodian = true;
		return mp_get_id(in, &e->custodian);
	}
	if (key == KEY_DROP_AFTER) {
		err = mp_get_uint(in, UINT32_MAX, &day);
		e->has_drop_after = err == OK;
		e->drop_after_day = err == OK ? (uint32_t)day : 0;
		return err;
	}
	return key == KEY_WAS ? get_was(in, e) : ERR_FORMAT;
}

enum err envelope_decode(struct slice bytes, struct envelope *e)
{
	struct envelope got = {0};
	if (bytes.n > LIMIT_ENVELOPE_BYTES)
		return ERR_LIMIT;
	if (bytes.n > 0) {
		enum err err = mp_check(bytes, LIMIT_MP_NODES);
		if (err != OK)
			return err;
		struct mp_in in = mp_open(bytes);
		size_t keys;
		err = mp_get_map(&in, KEY_WAS, &keys);
		if (err == OK && keys == 0) /* SPEC 4.5: "At least one key must be there." */
			err = ERR_FORMAT;
		for (size_t i = 0; err == OK && i < keys; i++)
			err = get_pair(&in, &got);
		if (err != OK)
			return err;
	}
	*e = got;
	return OK;
}

/* ---- runs */

/* What travels with one header, against that header. */
static enum err part_check(const uint8_t *header, const struct entry_part *part)
{
	const struct id32 hash = entry_envelope_hash(part->envelope);
	if (memcmp(hash.b, header + AT_ENVELOPE, 32) != 0)
		return ERR_HASH;
	if (part->envelope.n > 0) {
		struct envelope form;
		enum err err = envelope_decode(part->envelope, &form);
		if (err != OK)
			return err == ERR_LIMIT ? ERR_FORMAT : err;
	}
	switch (part->kind) {
	case BODY_HERE:
		return body_check(be32_get(header + AT_BODY_BYTES), header + AT_COMMITMENT, part->bytes);
	case BODY_ERASED: return part->bytes.n == LIMIT_ERASURE_BYTES ? OK : ERR_FORMAT;
	case BODY_ASK:
	case BODY_ABSENT:
	case BODY_WITHHELD:
		/* SPEC 9.2: "bytes are empty for 0, 3 and 4" */
		return part->bytes.n == 0 ? OK : ERR_FORMAT;
	default: return ERR_FORMAT; /* a byte from outside */
	}
}

/* SPEC 4.3: "Its links must hold (each previous id, each seq, the log id), each header must be well formed, and its last signature must verify; no other is checked." */
enum err run_verify(const struct run *r, const struct id32 *device_key, struct run_ends *ends)
{
	if (r->first > LIMIT_SEQ || r->n < 1 || r->n > run_interval_end(r->first) - r->first)
		return ERR_RANGE;
	struct id32 last = {{0}};
	struct run_ends got = {.prev = id32_from(r->headers + AT_PREV)};
	for (size_t i = 0; i < r->n; i++) {
		const uint8_t *h = r->headers + i * ENTRY_HEADER_BYTES;
		enum err err = header_check(h);
		if (err != OK)
			return err;
		if (be64_get(h + AT_SEQ) != r->first + i || memcmp(h + AT_LOG, r->log.b, 32) != 0)
			return ERR_CHAIN;
		if (i > 0 && memcmp(h + AT_PREV, last.b, 32) != 0)
			return ERR_CHAIN;
		if (r->parts && (err = part_check(h, &r->parts[i])) != OK)
			return err;
		last = entry_id(h);
		if (r->fork_prev && id32_equal(r->fork_prev, &last))
			got.fork_n = i + 1;
		if (got.fork_n == i + 1 || (r->closing && id32_equal(r->closing, &last))) {
			got.n = i + 1;
			got.last = last;
		}
	}
	if (r->signature) {
		const uint8_t *h = r->headers + (r->n - 1) * ENTRY_HEADER_BYTES;
		enum err err = entry_verify(h, r->signature, device_key);
		if (err != OK)
			return err;
		got.n = r->n;
		got.last = last;
	} else if (got.n == 0) {
		return ERR_SIGNATURE;
	}
	*ends = got;
	return OK;
}
