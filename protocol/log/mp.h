/* mp.h -- MessagePack in Quire's profile: a bounded cursor for reading, a packer for writing. SPEC.md section 1.5.
 * The only place that knows msgpack-c. Every byte from outside goes through mp_check() first: depth, element counts,
 * shortest forms, sorted keys, UTF-8, one object. No allocation while reading. */
#ifndef QUIRE_MP_H
#define QUIRE_MP_H

#include "bytes.h"

enum mp_type { MP_NIL, MP_BOOL, MP_UINT, MP_INT, MP_STR, MP_BIN, MP_ARRAY, MP_MAP, MP_END };

/* A cursor over checked bytes. Borrows. */
struct mp_in {
	const uint8_t *p;
	const uint8_t *end;
};

/* Is `s` exactly one object in the profile, with at most nodes_max objects? What is met first decides:
 * ERR_FORMAT, or ERR_LIMIT for depth (arrays and maps in each other) or nodes_max. */
MUST_CHECK enum err mp_check(struct slice s, size_t nodes_max);

/* A cursor on bytes that mp_check() accepted. */
struct mp_in mp_open(struct slice s);

/* The type of the next object; MP_END at the end. */
enum mp_type mp_peek(const struct mp_in *in);

/* Each reads one object and moves on; ERR_FORMAT if it is of another type (the cursor stays), ERR_RANGE if it is outside the bounds.
 * Slices borrow. mp_array/mp_map give the count; the elements (key, value, …) follow. */
MUST_CHECK enum err mp_get_nil(struct mp_in *in);
MUST_CHECK enum err mp_get_bool(struct mp_in *in, bool *v);
MUST_CHECK enum err mp_get_uint(struct mp_in *in, uint64_t max, uint64_t *v);
MUST_CHECK enum err mp_get_int(struct mp_in *in, int64_t *v); /* negative integers only */
MUST_CHECK enum err mp_get_str(struct mp_in *in, size_t min, size_t max, struct slice *s);
MUST_CHECK enum err mp_get_bin(struct mp_in *in, size_t min, size_t max, struct slice *s);
MUST_CHECK enum err mp_get_id(struct mp_in *in, struct id32 *id); /* bin of 32 */
MUST_CHECK enum err mp_get_array(struct mp_in *in, size_t min, size_t max, size_t *n);
MUST_CHECK enum err mp_get_map(struct mp_in *in, size_t max, size_t *n);
/* Skips one object with all that is in it; *raw (may be NULL) is its bytes. */
MUST_CHECK enum err mp_skip(struct mp_in *in, struct slice *raw);
/* First object's extent in bytes that may go on after it (sealed records are padded): checks that object alone as mp_check does; *n its length. */
MUST_CHECK enum err mp_check_prefix(struct slice s, size_t nodes_max, size_t *n);

/* Writing appends to a buffer, always in the shortest form. After an error the buffer's content is undefined; the first error sticks in `err`. */
struct mp_out {
	struct buf *buf;
	enum err err;
};

struct mp_out mp_out_init(struct buf *buf);
void mp_put_nil(struct mp_out *o);
void mp_put_bool(struct mp_out *o, bool v);
void mp_put_uint(struct mp_out *o, uint64_t v);
void mp_put_int(struct mp_out *o, int64_t v);
void mp_put_str(struct mp_out *o, struct slice s);
void mp_put_cstr(struct mp_out *o, const char *s);
void mp_put_bin(struct mp_out *o, struct slice s);
void mp_put_id(struct mp_out *o, const struct id32 *id);
void mp_put_array(struct mp_out *o, size_t n);
void mp_put_map(struct mp_out *o, size_t n);
void mp_put_raw(struct mp_out *o, struct slice encoded); /* an object that is encoded already */

#endif
