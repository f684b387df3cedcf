#include "message.h"

#include <stddef.h>
#include <stdlib.h>

/* Field tables: message_fields_hello[], … */
#define MESSAGE(type, NAME, name, from, states) static const struct message_field message_fields_##name[] = {
#define FIELD_UINT(field, spec, type_spec, min, max) {spec, type_spec, FIELD_T_UINT, ITEM_NONE, min, max},
#define FIELD_BOOL(field, spec) {spec, NULL, FIELD_T_BOOL, ITEM_NONE, 0, 1},
#define FIELD_ID(field, spec) {spec, NULL, FIELD_T_ID, ITEM_NONE, 32, 32},
#define FIELD_BIN(field, spec, min, max) {spec, NULL, FIELD_T_BIN, ITEM_NONE, min, max},
#define FIELD_STR(field, spec, min, max) {spec, NULL, FIELD_T_STR, ITEM_NONE, min, max},
#define FIELD_LIST(field, spec, item_spec, item, min, max) {spec, item_spec, FIELD_T_LIST, item, min, max},
#define MESSAGE_END \
	} \
	;
#include "messages.def"

static const struct message_desc message_descs[MESSAGE_COUNT] = {
#define MESSAGE(type, NAME, name, from, states) \
	[type] = {#name, from, states, message_fields_##name, \
		sizeof message_fields_##name / sizeof *message_fields_##name},
#define FIELD_UINT(field, spec, type, min, max)
#define FIELD_BOOL(field, spec)
#define FIELD_ID(field, spec)
#define FIELD_BIN(field, spec, min, max)
#define FIELD_STR(field, spec, min, max)
#define FIELD_LIST(field, spec, item_spec, item, min, max)
#define MESSAGE_END
#include "messages.def"
};

const struct message_desc *message_desc(unsigned type)
{
	return type < MESSAGE_COUNT && message_descs[type].name ? &message_descs[type] : NULL;
}

bool message_allowed(const struct message_desc *d, enum message_side from, enum message_state state)
{
	static const char letters[] = {
		[MESSAGE_IN_STRANGER] = 'S', [MESSAGE_IN_HELLO] = 'H', [MESSAGE_IN_OPEN] = 'O'};
	char side = from == MESSAGE_FROM_INITIATOR ? 'I' : 'R';
	return (d->from[0] == 'B' || d->from[0] == side) && strchr(d->states, letters[state]) != NULL;
}

/* A field's place follows from the ones before it: the structs hold nothing else. */
static size_t field_place(const struct message_field *f, size_t *offset)
{
	size_t size = 0, align = 1;
	switch (f->type) {
	case FIELD_T_UINT: size = sizeof(uint64_t), align = _Alignof(uint64_t); break;
	case FIELD_T_BOOL: size = sizeof(bool), align = _Alignof(bool); break;
	case FIELD_T_ID: size = sizeof(struct id32), align = _Alignof(struct id32); break;
	case FIELD_T_BIN:
	case FIELD_T_STR: size = sizeof(struct slice), align = _Alignof(struct slice); break;
	case FIELD_T_LIST: size = sizeof(struct message_list), align = _Alignof(struct message_list); break;
	}
	size_t at = (*offset + align - 1) / align * align;
	*offset = at + size;
	return at;
}

static enum err item_row(struct mp_in *in)
{
	size_t n;
	uint64_t v;
	struct id32 id;
	enum err e = mp_get_array(in, 4, 16, &n);
	if (e == OK)
		e = mp_get_uint(in, 1, &v);
	if (e != OK)
		return e;
	uint64_t kind = v;
	size_t want = kind == 0 ? 4 : 7;
	if (n < want)
		return ERR_FORMAT;
	if (kind == 0) {
		if (mp_get_id(in, &id) != OK || mp_get_uint(in, UINT32_MAX, &v) != OK ||
			mp_get_id(in, &id) != OK)
			return ERR_FORMAT;
	} else if (mp_get_id(in, &id) != OK || mp_get_id(in, &id) != OK ||
		mp_get_uint(in, LIMIT_SEQ + 1, &v) != OK || mp_get_id(in, &id) != OK ||
		mp_get_id(in, &id) != OK || mp_get_uint(in, LIMIT_SEQ + 1, &v) != OK) {
		return ERR_FORMAT;
	}
	for (size_t i = want; i < n && e == OK; i++)
		e = mp_skip(in, NULL);
	return e;
}

static enum err item_event(struct mp_in *in)
{
	size_t n;
	struct slice s;
	if (mp_get_array(in, 2, 2, &n) != OK || mp_get_bin(in, 1, LIMIT_KEYEVENT_ROOT_BYTES, &s) != OK ||
		mp_get_bin(in, 64, 128, &s) != OK || (s.n != 64 && s.n != 128))
		return ERR_FORMAT;
	return OK;
}

static enum err item_part(struct mp_in *in)
{
	size_t n;
	struct slice env, bytes;
	uint64_t kind;
	if (mp_get_array(in, 3, 3, &n) != OK || mp_get_bin(in, 0, LIMIT_ENVELOPE_BYTES, &env) != OK ||
		mp_get_uint(in, 4, &kind) != OK || mp_get_bin(in, 0, LIMIT_BODY_BYTES, &bytes) != OK)
		return ERR_FORMAT;
	size_t min = kind == 1 ? LIMIT_BODY_BYTES_MIN : kind == 2 ? LIMIT_ERASURE_BYTES : 0;
	size_t max = kind == 1 ? LIMIT_BODY_BYTES : min;
	return bytes.n >= min && bytes.n <= max ? OK : ERR_FORMAT;
}

static enum err item_peer(struct mp_in *in)
{
	size_t n, list_n;
	struct id32 id;
	struct slice s;
	uint64_t v;
	bool relaying;
	if (mp_get_array(in, 5, 16, &n) != OK || mp_get_id(in, &id) != OK ||
		mp_get_array(in, 0, LIMIT_ADDRESSES, &list_n) != OK)
		return ERR_FORMAT;
	for (size_t i = 0; i < list_n; i++)
		if (mp_get_str(in, 1, LIMIT_ADDRESS_BYTES, &s) != OK)
			return ERR_FORMAT;
	if (mp_get_array(in, 0, LIMIT_ADDRESSES, &list_n) != OK)
		return ERR_FORMAT;
	for (size_t i = 0; i < list_n; i++)
		if (mp_get_id(in, &id) != OK)
			return ERR_FORMAT;
	if (mp_get_bool(in, &relaying) != OK || mp_get_uint(in, UINT16_MAX, &v) != OK)
		return ERR_FORMAT;
	enum err e = OK;
	for (size_t i = 5; i < n && e == OK; i++)
		e = mp_skip(in, NULL);
	return e;
}

static enum err item_check(enum message_item item, struct mp_in *in)
{
	struct slice s;
	struct id32 id;
	uint64_t v;
	switch (item) {
	case ITEM_NONE: abort();
	case ITEM_ADDRESS: return mp_get_str(in, 1, LIMIT_ADDRESS_BYTES, &s);
	case ITEM_ID: return mp_get_id(in, &id);
	case ITEM_ROW: return item_row(in);
	case ITEM_EVENT: return item_event(in);
	case ITEM_PART: return item_part(in);
	case ITEM_SEQ: return mp_get_uint(in, LIMIT_SEQ, &v);
	case ITEM_ID_OR_NONE:
		if (mp_get_bin(in, 0, 32, &s) != OK)
			return ERR_FORMAT;
		return s.n == 0 || s.n == 32 ? OK : ERR_FORMAT;
	case ITEM_STATEMENT: return mp_get_bin(in, LIMIT_ERASURE_BYTES, LIMIT_ERASURE_BYTES, &s);
	case ITEM_PEER: return item_peer(in);
	}
	abort();
}

static enum err field_decode(const struct message_field *f, struct mp_in *in, uint8_t *at)
{
	switch (f->type) {
	case FIELD_T_UINT: {
		uint64_t v;
		enum err e = mp_get_uint(in, f->max, &v);
		if (e != OK || v < f->min)
			return ERR_WIRE;
		memcpy(at, &v, sizeof v);
		return OK;
	}
	case FIELD_T_BOOL: {
		bool v;
		if (mp_get_bool(in, &v) != OK)
			return ERR_WIRE;
		memcpy(at, &v, sizeof v);
		return OK;
	}
	case FIELD_T_ID: {
		struct id32 id;
		if (mp_get_id(in, &id) != OK)
			return ERR_WIRE;
		memcpy(at, &id, sizeof id);
		return OK;
	}
	case FIELD_T_BIN:
	case FIELD_T_STR: {
		struct slice s;
		enum err e = f->type == FIELD_T_BIN ? mp_get_bin(in, f->min, f->max, &s)
						    : mp_get_str(in, f->min, f->max, &s);
		if (e != OK)
			return ERR_WIRE;
		memcpy(at, &s, sizeof s);
		return OK;
	}
	case FIELD_T_LIST: {
		struct message_list l = {0};
		if (mp_get_array(in, f->min, f->max, &l.n) != OK)
			return ERR_WIRE;
		l.raw.p = in->p;
		for (size_t i = 0; i < l.n; i++)
			if (item_check(f->item, in) != OK)
				return ERR_WIRE;
		l.raw.n = (size_t)(in->p - l.raw.p);
		memcpy(at, &l, sizeof l);
		return OK;
	}
	}
	abort();
}

static bool many_objects(unsigned type)
{
	return type == MESSAGE_KEYS || type == MESSAGE_CHANGES || type == MESSAGE_FOLLOWS ||
		type == MESSAGE_PROBE || type == MESSAGE_IDS;
}

enum err message_decode(unsigned type, struct slice body, union message *m)
{
	if (mp_check(body, many_objects(type) ? LIMIT_MP_NODES_LIST : LIMIT_MP_NODES) != OK)
		return ERR_WIRE;
	const struct message_desc *d = message_desc(type);
	if (!d)
		return ERR_NOT_FOUND;
	struct mp_in in = mp_open(body);
	size_t n, offset = 0;
	/* SPEC 9.1: "More elements than the table has are ignored, so that later versions can add some" */
	if (mp_get_array(&in, d->fields_n, SIZE_MAX, &n) != OK)
		return ERR_WIRE;
	for (size_t i = 0; i < d->fields_n; i++) {
		uint8_t *at = (uint8_t *)m + field_place(&d->fields[i], &offset);
		enum err e = field_decode(&d->fields[i], &in, at);
		if (e != OK)
			return e;
	}
	return OK;
}

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void field_encode(const struct message_field *f, const uint8_t *at, struct mp_out *o)
{
	switch (f->type) {
	case FIELD_T_UINT: {
		uint64_t v;
		memcpy(&v, at, sizeof v);
		require(v >= f->min && v <= f->max);
		mp_put_uint(o, v);
		return;
	}
	case FIELD_T_BOOL: {
		bool v;
		memcpy(&v, at, sizeof v);
		mp_put_bool(o, v);
		return;
	}
	case FIELD_T_ID: mp_put_bin(o, slice_of(at, 32)); return;
	case FIELD_T_BIN:
	case FIELD_T_STR: {
		struct slice s;
		memcpy(&s, at, sizeof s);
		require(s.n >= f->min && s.n <= f->max);
		if (f->type == FIELD_T_BIN)
			mp_put_bin(o, s);
		else
			mp_put_str(o, s);
		return;
	}
	case FIELD_T_LIST: {
		struct message_list l;
		memcpy(&l, at, sizeof l);
		require(l.n >= f->min && l.n <= f->max);
		mp_put_array(o, l.n);
		mp_put_raw(o, l.raw);
		return;
	}
	}
}

enum err message_encode(unsigned type, const void *m, struct buf *out)
{
	const struct message_desc *d = message_desc(type);
	require(d != NULL);
	size_t start = out->n, offset = 0;
	struct mp_out o = mp_out_init(out);
	mp_put_array(&o, d->fields_n);
	for (size_t i = 0; i < d->fields_n; i++)
		field_encode(&d->fields[i], (const uint8_t *)m + field_place(&d->fields[i], &offset), &o);
	if (o.err != OK)
		return o.err;
	return out->n - start <= LIMIT_MESSAGE_BODY_BYTES ? OK : ERR_LIMIT;
}

/* ---- numbers of errors ---- */

enum err message_code_out(enum err e)
{
	switch (e) {
	case ERR_OK:
	case ERR_LIMIT:
	case ERR_STATE:
	case ERR_FORMAT:
	case ERR_VERSION:
	case ERR_SIGNATURE:
	case ERR_CHAIN:
	case ERR_FORK:
	case ERR_WIRE:
	case ERR_NOT_FOUND:
	case ERR_REFUSED:
	case ERR_EXPIRED:
	case ERR_USED:
	case ERR_IO:
	case ERR_FULL:
	case ERR_TIMEOUT:
	case ERR_CLOSED:
	case ERR_ERASED:
	case ERR_DUPLICATE:
	case ERR_ENOUGH: return e;
	case ERR_RANGE:
	case ERR_HASH:
	case ERR_DECRYPT: return ERR_WIRE;
	case ERR_MEMORY: return ERR_LIMIT;
	case ERR_CORRUPT:
	case ERR_NEWER:
	case ERR_BUSY: return ERR_IO;
	case ERR_PASSPHRASE:
	case ERR_LOCKED:
	case ERR_EXISTS:
	case ERR_UNREACHABLE:
	case ERR_INPUT:
	case ERR_PENDING:
	case ERR_AMBIGUOUS: break;
	}
	return ERR_REFUSED;
}

enum err message_code_in(uint64_t number)
{
	enum err e = number <= ERR_ENOUGH ? (enum err)number : ERR_REFUSED;
	return message_code_out(e) == e ? e : ERR_REFUSED;
}

/* ---- items ---- */

struct mp_in message_list_open(const struct message_list *l)
{
	return (struct mp_in){.p = l->raw.p, .end = l->raw.p ? l->raw.p + l->raw.n : NULL};
}

struct id32 message_next_id(struct mp_in *in)
{
	struct id32 id = {0};
	require(mp_get_id(in, &id) == OK);
	return id;
}

bool message_next_id_or_none(struct mp_in *in, struct id32 *id)
{
	struct slice s = {0};
	require(mp_get_bin(in, 0, 32, &s) == OK);
	*id = s.n == 32 ? id32_from(s.p) : (struct id32){0};
	return s.n == 32;
}

uint64_t message_next_uint(struct mp_in *in)
{
	uint64_t v = 0;
	require(mp_get_uint(in, UINT64_MAX, &v) == OK);
	return v;
}

struct slice message_next_bytes(struct mp_in *in)
{
	struct slice s = {0};
	require((mp_peek(in) == MP_STR ? mp_get_str(in, 0, SIZE_MAX, &s) : mp_get_bin(in, 0, SIZE_MAX, &s)) ==
		OK);
	return s;
}

struct message_row message_next_row(struct mp_in *in)
{
	struct message_row r = {0};
	size_t n = 0;
	require(mp_get_array(in, 4, 16, &n) == OK);
	r.kind = (uint8_t)message_next_uint(in);
	if (r.kind == 1)
		r.log = message_next_id(in);
	r.identity = message_next_id(in);
	r.count = message_next_uint(in);
	if (r.kind == 1)
		r.last = message_next_id(in);
	r.sum = message_next_id(in);
	if (r.kind == 1)
		r.fork_seq1 = message_next_uint(in);
	size_t known = r.kind == 0 ? 4 : 7;
	if (r.kind == 1 && n > known && mp_peek(in) == MP_BOOL) {
		require(mp_get_bool(in, &r.whole) == OK);
		known++;
	}
	for (size_t i = known; i < n; i++)
		require(mp_skip(in, NULL) == OK);
	return r;
}

struct message_part message_next_part(struct mp_in *in)
{
	struct message_part p = {0};
	size_t n = 0;
	require(mp_get_array(in, 3, 3, &n) == OK);
	p.envelope = message_next_bytes(in);
	p.kind = (uint8_t)message_next_uint(in);
	p.bytes = message_next_bytes(in);
	return p;
}

struct message_peer message_next_peer(struct mp_in *in)
{
	struct message_peer p = {0};
	size_t n = 0;
	require(mp_get_array(in, 5, 16, &n) == OK);
	p.node = message_next_id(in);
	require(mp_get_array(in, 0, LIMIT_ADDRESSES, &p.addresses_n) == OK);
	for (size_t i = 0; i < p.addresses_n; i++)
		p.addresses[i] = message_next_bytes(in);
	require(mp_get_array(in, 0, LIMIT_ADDRESSES, &p.relays_n) == OK);
	for (size_t i = 0; i < p.relays_n; i++)
		p.relays[i] = message_next_id(in);
	require(mp_get_bool(in, &p.relaying) == OK);
	p.hours = message_next_uint(in);
	for (size_t i = 5; i < n; i++)
		require(mp_skip(in, NULL) == OK);
	return p;
}

void message_next_event(struct mp_in *in, struct slice *bytes, struct slice *signatures)
{
	size_t n = 0;
	require(mp_get_array(in, 2, 2, &n) == OK);
	*bytes = message_next_bytes(in);
	*signatures = message_next_bytes(in);
}

void message_put_row(struct mp_out *o, const struct message_row *r)
{
	mp_put_array(o, r->kind == 0 ? 4 : 8);
	mp_put_uint(o, r->kind);
	if (r->kind == 1)
		mp_put_id(o, &r->log);
	mp_put_id(o, &r->identity);
	mp_put_uint(o, r->count);
	if (r->kind == 1)
		mp_put_id(o, &r->last);
	mp_put_id(o, &r->sum);
	if (r->kind == 1) {
		mp_put_uint(o, r->fork_seq1);
		mp_put_bool(o, r->whole);
	}
}

void message_put_part(struct mp_out *o, const struct message_part *p)
{
	mp_put_array(o, 3);
	mp_put_bin(o, p->envelope);
	mp_put_uint(o, p->kind);
	mp_put_bin(o, p->bytes);
}

void message_put_peer(struct mp_out *o, const struct message_peer *p)
{
	mp_put_array(o, 5);
	mp_put_id(o, &p->node);
	mp_put_array(o, p->addresses_n);
	for (size_t i = 0; i < p->addresses_n; i++)
		mp_put_str(o, p->addresses[i]);
	mp_put_array(o, p->relays_n);
	for (size_t i = 0; i < p->relays_n; i++)
		mp_put_id(o, &p->relays[i]);
	mp_put_bool(o, p->relaying);
	mp_put_uint(o, p->hours < UINT16_MAX ? p->hours : UINT16_MAX);
}

void message_put_event(struct mp_out *o, struct slice bytes, struct slice signatures)
{
	mp_put_array(o, 2);
	mp_put_bin(o, bytes);
	mp_put_bin(o, signatures);
}
