/* rewrite.c -- see rewrite.h. */
#include "rewrite.h"

#include "protocol/log/entry.h"
#include "protocol/log/record.h"
#include "protocol/log/seal.h"

#include <sodium.h>

struct readers {
	size_t n;
	struct id32 keys[LIMIT_READERS];
};

/* Has this key a slot in the body? The author can tell, for every reader that she knows. */
static void try_reader(const struct owner *o, const struct id32 *key, struct slice body, struct readers *r)
{
	for (size_t i = 0; i < o->secrets.readings_n && r->n < LIMIT_READERS; i++) {
		struct seal_pair pair;
		bool is = seal_pair_init(&pair, o->secrets.readings[i].secret, key) == OK &&
			seal_hint_matches(&pair, body);
		sodium_memzero(&pair, sizeof pair);
		if (is) {
			r->keys[r->n++] = *key;
			return;
		}
	}
}

static enum err find_readers(struct desk *d, const struct owner *o, struct slice body, struct readers *r)
{
	struct store_req req = {.op = STORE_IDENTITY_LIST};
	struct store_res res;
	enum err e = desk_store(d, &req, &res);
	for (size_t i = 0; e == OK && i < res.r.n; i++) {
		struct keyset *ks = NULL;
		struct keyset_view v;
		if (desk_keyset(d, &res.r.ids[i], &ks) == OK && keyset_resolve(ks, &v) == OK) {
			for (size_t k = 0; k < v.readings_n; k++)
				try_reader(o, &v.readings[k], body, r);
			keyset_view_deinit(&v);
		}
		keyset_free(ks);
	}
	store_res_free(&res);
	return e;
}

static enum err open_own(const struct owner *o, const struct id32 *log, struct slice body, struct buf *record)
{
	enum err e = ERR_NOT_FOUND;
	for (size_t a = 0; a < o->secrets.readings_n && e == ERR_NOT_FOUND; a++) {
		struct seal_pair pair;
		e = seal_pair_init(&pair, o->secrets.readings[a].secret, &o->secrets.readings[a].key);
		if (e == OK)
			e = seal_open(&pair, log, body, record, NULL);
		sodium_memzero(&pair, sizeof pair);
	}
	return e;
}

/* The body for the new log. */
static enum err renew_body(struct desk *d, const struct owner *o, const struct id32 *old_log,
	const struct store_part *p, struct buf *body)
{
	struct buf record = {0};
	struct slice from = p->bytes;
	if (!(p->header[1] & ENTRY_FLAG_SEALED))
		return buf_put_slice(body, from);
	struct readers *r = (struct readers *)calloc(1, sizeof *r);
	enum err e = r && o->secrets.readings_n ? OK : r ? ERR_LOCKED : ERR_MEMORY;
	if (e == OK)
		e = open_own(o, old_log, from, &record);
	if (e == OK)
		e = find_readers(d, o, from, r);
	if (e == OK) {
		struct id32 log = ownlog_id(o);
		if (r->n == 0)
			r->keys[r->n++] = o->secrets.readings[0].key;
		e = seal_body(&desk_random, o->secrets.readings[0].secret, &log, r->keys, r->n,
			buf_slice(&record), body, NULL);
	}
	if (record.p)
		sodium_memzero(record.p, record.n);
	buf_free(&record);
	free(r);
	return e;
}

static bool is_device_record(const struct store_part *p)
{
	struct slice kind, fields;
	return !(p->header[1] & ENTRY_FLAG_SEALED) && p->bytes.n > ENTRY_SALT_BYTES &&
		record_open(slice_of(p->bytes.p + ENTRY_SALT_BYTES, p->bytes.n - ENTRY_SALT_BYTES), &kind,
			&fields) == OK &&
		slice_equal(kind, slice_str("device"));
}

/* SPEC 4.5: "this entry stands in the place of that one" */
static enum err write_again(struct desk *d, const struct owner *o, const struct entry_ref *was,
	const struct entry_header *h, const struct store_part *p)
{
	struct envelope env;
	struct buf envelope = {0}, body = {0};
	enum err e = envelope_decode(p->envelope, &env);
	if (e == OK) {
		env.has_was = true;
		env.was = *was;
		e = envelope_encode(&env, &envelope);
	}
	if (e == OK)
		e = renew_body(d, o, &was->log, p, &body);
	if (e == OK) {
		struct draft draft = {
			.flags = h->flags, .envelope = buf_slice(&envelope), .body = buf_slice(&body)};
		memcpy(draft.scope, h->scope, sizeof draft.scope);
		e = ownlog_append(d, o, &draft, NULL);
	}
	buf_free(&envelope);
	buf_free(&body);
	return e;
}

static enum err rewrite_one(struct desk *d, const struct owner *o, const struct id32 *log, uint64_t seq,
	const struct store_part *p, size_t *again)
{
	struct entry_header h;
	enum err e = entry_header_decode(slice_of(p->header, ENTRY_HEADER_BYTES), &h);
	if (e != OK)
		return e;
	const struct entry_ref was = {.log = *log, .seq = seq, .id = entry_id(p->header)};
	/* The new log has a `device` entry of its own; what is erased stays so. */
	if (p->kind == BODY_HERE && !is_device_record(p)) {
		e = write_again(d, o, &was, &h, p);
		*again += e == OK;
	}
	struct store_req done = {.op = STORE_SIDE_DONE, .a.log = was.log, .a.seq = was.seq, .a.id = was.id};
	return e == OK ? desk_put(d, &done) : e;
}

enum err rewrite_side(struct desk *d, const struct owner *o, size_t *again)
{
	struct store_req req = {.op = STORE_SIDE_LIST, .a.identity = o->identity};
	struct store_res res;
	enum err e = desk_store(d, &req, &res);
	for (size_t i = 0; e == OK && i < res.r.n; i++)
		e = rewrite_one(d, o, &res.r.ids[i], res.r.seqs[i], &res.r.parts[i], again);
	store_res_free(&res);
	return e;
}
