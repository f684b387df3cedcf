/* mp.c -- see mp.h. One function, head_get(), reads and judges the head of an object; all else stands on it. */
#include "protocol/log/mp.h"
#include "bounds.h"

#include <msgpack.h>

/* ---- heads */

/* One object's head: the value of a number or bool, the bytes of a str or bin, the count of an array or map. */
struct head {
	enum mp_type type;
	uint64_t v; /* a negative integer as two's complement */
};

/* The heads 0xc0..0xdf: how many bytes of argument follow, and the least argument that needs this form
 * (for a negative integer: the number that it must be below). MP_END: not in the profile. */
static const struct wide {
	enum mp_type type;
	unsigned width;
	int64_t least;
} wide[32] = {
	[0x00] = {MP_NIL, 0, 0},
	[0x01] = {MP_END, 0, 0},
	[0x02] = {MP_BOOL, 0, 0},
	[0x03] = {MP_BOOL, 0, 0},
	[0x04] = {MP_BIN, 1, 0},
	[0x05] = {MP_BIN, 2, 0x100},
	[0x06] = {MP_BIN, 4, 0x10000},
	[0x07] = {MP_END, 0, 0},
	[0x08] = {MP_END, 0, 0},
	[0x09] = {MP_END, 0, 0},
	[0x0a] = {MP_END, 0, 0},
	[0x0b] = {MP_END, 0, 0},
	[0x0c] = {MP_UINT, 1, 0x80},
	[0x0d] = {MP_UINT, 2, 0x100},
	[0x0e] = {MP_UINT, 4, 0x10000},
	[0x0f] = {MP_UINT, 8, 0x100000000},
	[0x10] = {MP_INT, 1, -32},
	[0x11] = {MP_INT, 2, -0x80},
	[0x12] = {MP_INT, 4, -0x8000},
	[0x13] = {MP_INT, 8, -0x80000000ll},
	[0x14] = {MP_END, 0, 0},
	[0x15] = {MP_END, 0, 0},
	[0x16] = {MP_END, 0, 0},
	[0x17] = {MP_END, 0, 0},
	[0x18] = {MP_END, 0, 0},
	[0x19] = {MP_STR, 1, 0x20},
	[0x1a] = {MP_STR, 2, 0x100},
	[0x1b] = {MP_STR, 4, 0x10000},
	[0x1c] = {MP_ARRAY, 2, 0x10},
	[0x1d] = {MP_ARRAY, 4, 0x10000},
	[0x1e] = {MP_MAP, 2, 0x10},
	[0x1f] = {MP_MAP, 4, 0x10000},
};

/* SPEC 1.5: "every value in its **shortest form**" */
static bool wide_get(uint8_t first, const uint8_t *arg, struct head *h)
{
	const struct wide *w = &wide[first - 0xc0];
	h->type = w->type;
	uint64_t v = 0;
	for (unsigned i = 0; i < w->width; i++)
		v = v << 8 | arg[i];
	if (w->type == MP_BOOL)
		v = first & 1;
	if (w->type == MP_INT) {
		uint64_t sign = 1ull << (8 * w->width - 1);
		v = (v ^ sign) - sign;
		h->v = v;
		return (int64_t)v < w->least;
	}
	h->v = v;
	return w->type != MP_END && v >= (uint64_t)w->least;
}

/* Reads the head at *p and moves behind it. False: cut, outside the profile, or more said to follow than is there. */
static bool head_get(const uint8_t **p, const uint8_t *end, struct head *h)
{
	if (*p == end)
		return false;
	uint8_t first = *(*p)++;
	if (first < 0x80) {
		*h = (struct head){MP_UINT, first};
		return true;
	}
	if (first >= 0xe0) {
		*h = (struct head){MP_INT, first | ~(uint64_t)0xff};
		return true;
	}
	if (first < 0x90)
		*h = (struct head){MP_MAP, first & 0x0fu};
	else if (first < 0xa0)
		*h = (struct head){MP_ARRAY, first & 0x0fu};
	else if (first < 0xc0)
		*h = (struct head){MP_STR, first & 0x1fu};
	else {
		unsigned width = wide[first - 0xc0].width;
		if ((size_t)(end - *p) < width || !wide_get(first, *p, h))
			return false;
		*p += width;
	}
	/* SPEC 1.5: "A decoder must check an element count against the bytes that are left before it reserves anything." */
	size_t left = (size_t)(end - *p);
	if (h->type == MP_STR || h->type == MP_BIN || h->type == MP_ARRAY)
		return h->v <= left;
	return h->type != MP_MAP || h->v <= left / 2;
}

/* ---- checking */

/* SPEC 1.5: "str is valid UTF-8 without U+0000" */
static bool utf8_ok(const uint8_t *s, size_t n)
{
	size_t i = 0;
	while (i < n) {
		uint8_t c = s[i++];
		if (c < 0x80) {
			if (c == 0)
				return false;
			continue;
		}
		size_t more = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
		if (c < 0xc2 || c > 0xf4 || n - i < more)
			return false;
		uint8_t low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80; /* no overlong form */
		uint8_t high = c == 0xed ? 0x9f
			: c == 0xf4      ? 0x8f
					 : 0xbf; /* no surrogate, nothing over U+10FFFF */
		if (s[i] < low || s[i] > high)
			return false;
		for (size_t k = 1; k < more; k++)
			if ((s[i + k] & 0xc0) != 0x80)
				return false;
		i += more;
	}
	return true;
}

/* An array or map that is being walked. */
struct level {
	uint64_t left; /* objects to come; in a map a key comes when it is even */
	bool map;
	enum mp_type key_type; /* of the keys so far; MP_END: none yet */
	uint64_t key_uint;
	struct slice key_str;
};

/* SPEC 1.5: "strictly ascending (integers by value, str bytewise, shorter first when one is a prefix of the other), so never twice" */
static bool key_follows(struct level *l, const struct head *h, const uint8_t *payload)
{
	struct slice key = {0};
	bool first = l->key_type == MP_END;
	if (!first && l->key_type != h->type)
		return false;
	if (h->type == MP_UINT) {
		if (!first && h->v <= l->key_uint)
			return false;
	} else if (h->type == MP_STR) {
		key = slice_of(payload, (size_t)h->v);
		size_t n = key.n < l->key_str.n ? key.n : l->key_str.n;
		int order = n ? memcmp(l->key_str.p, key.p, n) : 0;
		if (!first && (order > 0 || (order == 0 && key.n <= l->key_str.n)))
			return false;
	} else {
		return false;
	}
	l->key_type = h->type;
	l->key_uint = h->v;
	l->key_str = key;
	return true;
}

enum err mp_check_prefix(struct slice s, size_t nodes_max, size_t *n)
{
	struct level levels[LIMIT_MP_DEPTH];
	size_t depth = 0, nodes = 0;
	if (s.n == 0)
		return ERR_FORMAT;
	const uint8_t *p = s.p, *end = s.p + s.n;
	do {
		struct head h;
		if (!head_get(&p, end, &h))
			return ERR_FORMAT;
		if (++nodes > nodes_max)
			return ERR_LIMIT;
		if (depth > 0) {
			struct level *l = &levels[depth - 1];
			if (l->map && l->left % 2 == 0 && !key_follows(l, &h, p))
				return ERR_FORMAT;
			l->left--;
		}
		if (h.type == MP_STR && !utf8_ok(p, (size_t)h.v))
			return ERR_FORMAT;
		if (h.type == MP_STR || h.type == MP_BIN)
			p += h.v;
		if (h.type == MP_ARRAY || h.type == MP_MAP) {
			if (depth == LIMIT_MP_DEPTH)
				return ERR_LIMIT;
			bool map = h.type == MP_MAP;
			levels[depth++] = (struct level){
				.left = map ? 2 * h.v : h.v, .map = map, .key_type = MP_END};
		}
		while (depth > 0 && levels[depth - 1].left == 0)
			depth--;
	} while (depth > 0);
	*n = (size_t)(p - s.p);
	return OK;
}

enum err mp_check(struct slice s, size_t nodes_max)
{
	size_t n;
	enum err e = mp_check_prefix(s, nodes_max, &n);
	if (e != OK)
		return e;
	return n == s.n ? OK : ERR_FORMAT;
}

/* ---- reading */

struct mp_in mp_open(struct slice s)
{
	return (struct mp_in){.p = s.p, .end = s.n ? s.p + s.n : s.p};
}

enum mp_type mp_peek(const struct mp_in *in)
{
	const uint8_t *p = in->p;
	struct head h;
	return head_get(&p, in->end, &h) ? h.type : MP_END;
}

/* The head of the next object if it is of this type; *p behind it. The caller moves the cursor when all is well. */
static enum err next_is(const struct mp_in *in, enum mp_type type, const uint8_t **p, uint64_t *v)
{
	struct head h;
	*p = in->p;
	if (!head_get(p, in->end, &h) || h.type != type)
		return ERR_FORMAT;
	*v = h.v;
	return OK;
}

enum err mp_get_nil(struct mp_in *in)
{
	const uint8_t *p;
	uint64_t v;
	enum err e = next_is(in, MP_NIL, &p, &v);
	if (e == OK)
		in->p = p;
	return e;
}

enum err mp_get_bool(struct mp_in *in, bool *b)
{
	const uint8_t *p;
	uint64_t v;
	enum err e = next_is(in, MP_BOOL, &p, &v);
	if (e != OK)
		return e;
	*b = v != 0;
	in->p = p;
	return OK;
}

enum err mp_get_uint(struct mp_in *in, uint64_t max, uint64_t *v)
{
	const uint8_t *p;
	uint64_t got;
	enum err e = next_is(in, MP_UINT, &p, &got);
	if (e != OK)
		return e;
	if (got > max)
		return ERR_RANGE;
	*v = got;
	in->p = p;
	return OK;
}

enum err mp_get_int(struct mp_in *in, int64_t *v)
{
	const uint8_t *p;
	uint64_t got;
	enum err e = next_is(in, MP_INT, &p, &got);
	if (e != OK)
		return e;
	*v = (int64_t)got;
	in->p = p;
	return OK;
}

static enum err get_bytes(struct mp_in *in, enum mp_type type, size_t min, size_t max, struct slice *s)
{
	const uint8_t *p;
	uint64_t n;
	enum err e = next_is(in, type, &p, &n);
	if (e != OK)
		return e;
	if (n < min || n > max)
		return ERR_RANGE;
	*s = slice_of(p, (size_t)n);
	in->p = p + n;
	return OK;
}

enum err mp_get_str(struct mp_in *in, size_t min, size_t max, struct slice *s)
{
	return get_bytes(in, MP_STR, min, max, s);
}

enum err mp_get_bin(struct mp_in *in, size_t min, size_t max, struct slice *s)
{
	return get_bytes(in, MP_BIN, min, max, s);
}

enum err mp_get_id(struct mp_in *in, struct id32 *id)
{
	struct slice s;
	enum err e = get_bytes(in, MP_BIN, 32, 32, &s);
	if (e == OK)
		*id = id32_from(s.p);
	return e;
}

static enum err get_count(struct mp_in *in, enum mp_type type, size_t min, size_t max, size_t *n)
{
	const uint8_t *p;
	uint64_t count;
	enum err e = next_is(in, type, &p, &count);
	if (e != OK)
		return e;
	if (count < min || count > max)
		return ERR_RANGE;
	*n = (size_t)count;
	in->p = p;
	return OK;
}

enum err mp_get_array(struct mp_in *in, size_t min, size_t max, size_t *n)
{
	return get_count(in, MP_ARRAY, min, max, n);
}

enum err mp_get_map(struct mp_in *in, size_t max, size_t *n)
{
	return get_count(in, MP_MAP, 0, max, n);
}

enum err mp_skip(struct mp_in *in, struct slice *raw)
{
	const uint8_t *p = in->p;
	uint64_t pending = 1; /* a count is at most the bytes left, so this cannot overflow */
	while (pending > 0) {
		struct head h;
		if (!head_get(&p, in->end, &h))
			return ERR_FORMAT;
		pending--;
		if (h.type == MP_STR || h.type == MP_BIN)
			p += h.v;
		else if (h.type == MP_ARRAY)
			pending += h.v;
		else if (h.type == MP_MAP)
			pending += 2 * h.v;
	}
	if (raw)
		*raw = slice_of(in->p, (size_t)(p - in->p));
	in->p = p;
	return OK;
}

/* ---- writing: msgpack-c's packer, which chooses the shortest form */

static int write_buf(void *data, const char *p, size_t n)
{
	struct mp_out *o = data;
	if (o->err == OK)
		o->err = buf_put(o->buf, p, n);
	return o->err == OK ? 0 : -1;
}

static msgpack_packer packer(struct mp_out *o)
{
	msgpack_packer pk;
	msgpack_packer_init(&pk, o, write_buf);
	return pk;
}

struct mp_out mp_out_init(struct buf *buf)
{
	return (struct mp_out){.buf = buf, .err = OK};
}

void mp_put_nil(struct mp_out *o)
{
	msgpack_packer pk = packer(o);
	(void)msgpack_pack_nil(&pk);
}

void mp_put_bool(struct mp_out *o, bool v)
{
	msgpack_packer pk = packer(o);
	(void)(v ? msgpack_pack_true(&pk) : msgpack_pack_false(&pk));
}

void mp_put_uint(struct mp_out *o, uint64_t v)
{
	msgpack_packer pk = packer(o);
	(void)msgpack_pack_uint64(&pk, v);
}

void mp_put_int(struct mp_out *o, int64_t v)
{
	msgpack_packer pk = packer(o);
	(void)msgpack_pack_int64(&pk, v);
}

void mp_put_str(struct mp_out *o, struct slice s)
{
	msgpack_packer pk = packer(o);
	if (msgpack_pack_str(&pk, s.n) == 0 && s.n)
		(void)msgpack_pack_str_body(&pk, s.p, s.n);
}

void mp_put_cstr(struct mp_out *o, const char *s)
{
	mp_put_str(o, slice_str(s));
}

void mp_put_bin(struct mp_out *o, struct slice s)
{
	msgpack_packer pk = packer(o);
	if (msgpack_pack_bin(&pk, s.n) == 0 && s.n)
		(void)msgpack_pack_bin_body(&pk, s.p, s.n);
}

void mp_put_id(struct mp_out *o, const struct id32 *id)
{
	mp_put_bin(o, slice_of(id->b, sizeof id->b));
}

void mp_put_array(struct mp_out *o, size_t n)
{
	msgpack_packer pk = packer(o);
	(void)msgpack_pack_array(&pk, n);
}

void mp_put_map(struct mp_out *o, size_t n)
{
	msgpack_packer pk = packer(o);
	(void)msgpack_pack_map(&pk, n);
}

void mp_put_raw(struct mp_out *o, struct slice encoded)
{
	if (o->err == OK)
		o->err = buf_put_slice(o->buf, encoded);
}
