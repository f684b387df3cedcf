/* keyevent.c -- the form of a key event as one table of payload fields, from which decode and encode both work. */
#include "protocol/log/keyevent.h"

#include "protocol/log/hash.h"
#include "protocol/log/mp.h"
#include "protocol/log/secret.h"

#define DOMAIN_EVENT "quire key event v1"
#define DOMAIN_DEVICE "quire device consent v1"
#define DOMAIN_HOSTING "quire hosting consent v1"

#define ELEMENTS_BEFORE_PAYLOAD 6
#define FIELDS_MAX 6
#define LIST_STRIDE 34 /* an encoded bin of 32: two bytes of head */

enum field_type { FIELD_NONE, FIELD_UINT, FIELD_KEY, FIELD_NONCE, FIELD_WRAPS, FIELD_LIST, FIELD_MARKS };

/* One payload element: where it goes in struct keyevent, and its bounds (of a value, or of a count). */
struct field {
	enum field_type type;
	size_t offset, size;
	uint64_t min, max;
};

#define AT(member) offsetof(struct keyevent, member), sizeof(((struct keyevent *)NULL)->member)
#define UINT(member, min, max) \
	{ \
		FIELD_UINT, AT(member), min, max \
	}
#define KEY(member) \
	{ \
		FIELD_KEY, AT(member), 0, 0 \
	}
#define WRAPS(min, max) \
	{ \
		FIELD_WRAPS, 0, 0, min, max \
	}
#define LIST(min, max) \
	{ \
		FIELD_LIST, 0, 0, min, max \
	}
#define MARKS(max) \
	{ \
		FIELD_MARKS, 0, 0, 0, max \
	}

/* The table of SPEC 3.3. */
static const struct field fields[][FIELDS_MAX] = {
	[KEYEVENT_INCEPTION] = {UINT(identity_kind, 0, IDENTITY_NETWORK), KEY(root_key), KEY(recovery_key),
		KEY(badge_key), WRAPS(1, LIMIT_WRAPS), {FIELD_NONCE, AT(nonce), 0, 0}},
	/* SPEC 3.3: "number (uint: predecessor's + 1, the inception counts as 0; at most 255)" */
	[KEYEVENT_GENERATION] = {UINT(number, 1, LIMIT_GENERATIONS), KEY(signing_key), WRAPS(1, LIMIT_WRAPS),
		LIST(0, LIMIT_KEYEVENT_KEEPS)},
	[KEYEVENT_READING] = {KEY(reading_key), WRAPS(1, LIMIT_WRAPS)},
	[KEYEVENT_BADGE] = {KEY(badge_key), WRAPS(1, LIMIT_WRAPS)},
	[KEYEVENT_DEVICE] = {KEY(device_sign_key), KEY(device_box_key), WRAPS(0, LIMIT_GRANTS),
		LIST(0, LIMIT_DIRECT)},
	[KEYEVENT_CLOSE] = {KEY(target), UINT(length, 0, LIMIT_SEQ + 1), KEY(last), UINT(rank, 0, 1)},
	[KEYEVENT_OFFICER] = {KEY(target), UINT(rights, 1, 31)},
	[KEYEVENT_HOSTING] = {KEY(node_key), KEY(notice_key), KEY(receipt_key)},
	[KEYEVENT_END] = {KEY(target), MARKS(LIMIT_END_MARKS)},
	[KEYEVENT_ADOPT] = {LIST(1, LIMIT_KEYEVENT_ADOPTS)},
};

static size_t fields_count(enum keyevent_kind kind)
{
	size_t n = 0;
	while (n < FIELDS_MAX && fields[kind][n].type != FIELD_NONE)
		n++;
	return n;
}

static void uint_store(const struct field *f, struct keyevent *ev, uint64_t v)
{
	uint8_t *p = (uint8_t *)ev + f->offset;
	if (f->size == 8) {
		memcpy(p, &v, 8);
	} else if (f->size == 4) {
		uint32_t w = (uint32_t)v;
		memcpy(p, &w, 4);
	} else {
		*p = (uint8_t)v;
	}
}

static uint64_t uint_fetch(const struct field *f, const struct keyevent *ev)
{
	const uint8_t *p = (const uint8_t *)ev + f->offset;
	uint64_t v = *p;
	uint32_t w;
	if (f->size == 8) {
		memcpy(&v, p, 8);
	} else if (f->size == 4) {
		memcpy(&w, p, 4);
		v = w;
	}
	return v;
}

/* n ids, strictly ascending; *first: their encoding. out may be NULL. */
static enum err get_ids(
	struct mp_in *in, size_t min, size_t max, size_t *n, const uint8_t **first, struct id32 *out)
{
	enum err e = mp_get_array(in, min, max, n);
	if (e != OK)
		return e;
	if (first)
		*first = in->p;
	struct id32 id, before;
	for (size_t i = 0; i < *n; i++) {
		if ((e = mp_get_id(in, &id)) != OK)
			return e;
		if (i && id32_cmp(&before, &id) >= 0)
			return ERR_FORMAT;
		before = id;
		if (out)
			out[i] = id;
	}
	return OK;
}

static enum err get_wraps(struct mp_in *in, const struct field *f, struct keyevent *ev)
{
	size_t two;
	struct slice box;
	enum err e = mp_get_array(in, f->min, f->max, &ev->wraps_n);
	for (size_t i = 0; e == OK && i < ev->wraps_n; i++) {
		struct keyevent_wrap *w = &ev->wraps[i];
		if ((e = mp_get_array(in, 2, 2, &two)) != OK || (e = mp_get_id(in, &w->key)) != OK)
			return e;
		if ((e = mp_get_bin(in, WRAP_BYTES, WRAP_BYTES, &box)) != OK)
			return e;
		memcpy(w->box, box.p, WRAP_BYTES);
		/* SPEC 3.3: "recipients strictly ascending" */
		if (i && id32_cmp(&w[-1].key, &w->key) >= 0)
			return ERR_FORMAT;
	}
	return e;
}

static enum err get_mark(struct mp_in *in, struct keyset_mark *m)
{
	size_t three;
	enum err e = mp_get_array(in, 3, 3, &three);
	if (e == OK)
		e = mp_get_id(in, &m->log);
	if (e == OK)
		e = mp_get_uint(in, LIMIT_SEQ + 1, &m->length);
	/* SPEC 3.3: "length (uint, 1 … 2^32)" */
	if (e == OK && m->length == 0)
		e = ERR_RANGE;
	return e == OK ? mp_get_id(in, &m->last) : e;
}

static enum err get_marks(struct mp_in *in, const struct field *f, struct keyevent *ev)
{
	enum err e = mp_get_array(in, f->min, f->max, &ev->marks_n);
	for (size_t i = 0; e == OK && i < ev->marks_n; i++) {
		struct keyset_mark *m = &ev->marks[i];
		e = get_mark(in, m);
		/* SPEC 3.3: "log ids strictly ascending" */
		if (e == OK && i && id32_cmp(&m[-1].log, &m->log) >= 0)
			e = ERR_FORMAT;
	}
	return e;
}

static enum err get_field(struct mp_in *in, const struct field *f, struct keyevent *ev)
{
	uint64_t v;
	struct slice s;
	enum err e;
	switch (f->type) {
	case FIELD_UINT:
		e = mp_get_uint(in, f->max, &v);
		if (e == OK && v < f->min)
			e = ERR_RANGE;
		if (e == OK)
			uint_store(f, ev, v);
		return e;
	case FIELD_KEY:
	case FIELD_NONCE:
		e = mp_get_bin(in, f->size, f->size, &s);
		if (e == OK)
			memcpy((uint8_t *)ev + f->offset, s.p, f->size);
		return e;
	case FIELD_WRAPS: return get_wraps(in, f, ev);
	case FIELD_LIST: return get_ids(in, f->min, f->max, &ev->list_n, &ev->list, NULL);
	case FIELD_MARKS: return get_marks(in, f, ev);
	case FIELD_NONE: break;
	}
	return ERR_FORMAT;
}

/* An id, or nothing in the inception. */
static enum err get_parent(struct mp_in *in, bool inception, struct id32 *id)
{
	struct slice s;
	size_t n = inception ? 0 : 32;
	enum err e = mp_get_bin(in, n, n, &s);
	if (e == OK && n)
		*id = id32_from(s.p);
	return e;
}

static enum err get_head(struct mp_in *in, struct keyevent *ev)
{
	uint64_t v;
	size_t n;
	enum err e = mp_get_array(in, ELEMENTS_BEFORE_PAYLOAD, ELEMENTS_BEFORE_PAYLOAD + FIELDS_MAX, &n);
	if (e != OK || (e = mp_get_uint(in, UINT64_MAX, &v)) != OK)
		return e;
	if (v != 1)
		return ERR_VERSION;
	if ((e = mp_get_uint(in, KEYEVENT_ADOPT, &v)) != OK)
		return e;
	ev->kind = (enum keyevent_kind)v;
	/* SPEC 3.1: "exactly as many elements as section 3.3 says" */
	if (n != ELEMENTS_BEFORE_PAYLOAD + fields_count(ev->kind))
		return ERR_FORMAT;
	bool inception = ev->kind == KEYEVENT_INCEPTION;
	if ((e = get_parent(in, inception, &ev->identity)) != OK ||
		(e = get_parent(in, inception, &ev->generation)) != OK)
		return e;
	/* SPEC 3.1: "array of at most 32 bin 32, strictly ascending"; "In the inception `after` is empty." */
	if ((e = get_ids(in, 0, inception ? 0 : LIMIT_KEYEVENT_AFTER, &ev->after_n, NULL, ev->after)) != OK)
		return e;
	/* SPEC 3.1: "0 in kinds 0 and 1" */
	if ((e = mp_get_uint(in, ev->kind <= KEYEVENT_GENERATION ? 0 : LIMIT_KEYEVENT_SLOTS - 1, &v)) != OK)
		return e;
	ev->slot = (uint32_t)v;
	return OK;
}

/* What a table of single elements cannot say. */
static enum err check_whole(const struct keyevent *ev)
{
	/* SPEC 3.1: "Event bytes are at most 65,536 for events signed by the root key and 4,096 for others." */
	if (!keyevent_root_signed(ev) && ev->bytes.n > LIMIT_KEYEVENT_BYTES)
		return ERR_LIMIT;
	/* SPEC 3.3: "zeros if and only if length is 0" */
	if (ev->kind == KEYEVENT_CLOSE && (ev->length == 0) != id32_is_zero(&ev->last))
		return ERR_RANGE;
	if (ev->kind == KEYEVENT_INCEPTION && !keyevent_wrap_find(ev, &ev->recovery_key))
		return ERR_FORMAT;
	return OK;
}

enum err keyevent_decode(struct slice bytes, struct keyevent *ev)
{
	*ev = (struct keyevent){.bytes = bytes};
	if (bytes.n > LIMIT_KEYEVENT_ROOT_BYTES)
		return ERR_LIMIT;
	enum err e = mp_check(bytes, LIMIT_MP_NODES);
	if (e != OK)
		return e;
	struct mp_in in = mp_open(bytes);
	e = get_head(&in, ev);
	for (size_t i = 0; e == OK && i < fields_count(ev->kind); i++)
		e = get_field(&in, &fields[ev->kind][i], ev);
	if (e == OK)
		e = check_whole(ev);
	if (e != OK)
		return e;
	ev->id = keyevent_id(bytes);
	/* SPEC 3.1: "Identity id = event id of its inception." */
	if (ev->kind == KEYEVENT_INCEPTION)
		ev->identity = ev->id;
	return OK;
}

struct id32 keyevent_id(struct slice bytes)
{
	return hash_bytes(HASH_KEYEVENT, bytes.p, bytes.n);
}

struct id32 keyevent_list(const struct keyevent *ev, size_t i)
{
	return id32_from(ev->list + i * LIST_STRIDE + 2);
}

const struct keyevent_wrap *keyevent_wrap_find(const struct keyevent *ev, const struct id32 *key)
{
	for (size_t i = 0; i < ev->wraps_n; i++)
		if (id32_equal(&ev->wraps[i].key, key))
			return &ev->wraps[i];
	return NULL;
}

bool keyevent_root_signed(const struct keyevent *ev)
{
	/* SPEC 3.2: "The signer is the root key for kinds 0, 1, 3 and for kind 5 with rank 1" */
	return ev->kind == KEYEVENT_INCEPTION || ev->kind == KEYEVENT_GENERATION ||
		ev->kind == KEYEVENT_BADGE || (ev->kind == KEYEVENT_CLOSE && ev->rank == 1);
}

static void put_marks(struct mp_out *o, const struct keyevent *ev)
{
	mp_put_array(o, ev->marks_n);
	for (size_t i = 0; i < ev->marks_n; i++) {
		mp_put_array(o, 3);
		mp_put_id(o, &ev->marks[i].log);
		mp_put_uint(o, ev->marks[i].length);
		mp_put_id(o, &ev->marks[i].last);
	}
}

static void put_field(
	struct mp_out *o, const struct field *f, const struct keyevent *ev, const struct id32 *list_ids)
{
	switch (f->type) {
	case FIELD_UINT: mp_put_uint(o, uint_fetch(f, ev)); break;
	case FIELD_KEY:
	case FIELD_NONCE: mp_put_bin(o, slice_of((const uint8_t *)ev + f->offset, f->size)); break;
	case FIELD_WRAPS:
		mp_put_array(o, ev->wraps_n);
		for (size_t i = 0; i < ev->wraps_n && i < LIMIT_WRAPS; i++) {
			mp_put_array(o, 2);
			mp_put_id(o, &ev->wraps[i].key);
			mp_put_bin(o, slice_of(ev->wraps[i].box, WRAP_BYTES));
		}
		break;
	case FIELD_LIST:
		mp_put_array(o, ev->list_n);
		for (size_t i = 0; i < ev->list_n; i++)
			mp_put_id(o, &list_ids[i]);
		break;
	case FIELD_MARKS: put_marks(o, ev); break;
	case FIELD_NONE: break;
	}
}

enum err keyevent_encode(const struct keyevent *ev, const struct id32 *list_ids, struct buf *out)
{
	if (ev->after_n > LIMIT_KEYEVENT_AFTER || ev->wraps_n > LIMIT_WRAPS ||
		ev->list_n > LIMIT_KEYEVENT_KEEPS || ev->marks_n > LIMIT_END_MARKS)
		return ERR_LIMIT;
	size_t start = out->n, n = fields_count(ev->kind);
	size_t parent = ev->kind == KEYEVENT_INCEPTION ? 0 : 32;
	struct mp_out o = mp_out_init(out);
	mp_put_array(&o, ELEMENTS_BEFORE_PAYLOAD + n);
	mp_put_uint(&o, 1);
	mp_put_uint(&o, ev->kind);
	mp_put_bin(&o, slice_of(ev->identity.b, parent));
	mp_put_bin(&o, slice_of(ev->generation.b, parent));
	mp_put_array(&o, ev->after_n);
	for (size_t i = 0; i < ev->after_n; i++)
		mp_put_id(&o, &ev->after[i]);
	mp_put_uint(&o, ev->slot);
	for (size_t i = 0; i < n; i++)
		put_field(&o, &fields[ev->kind][i], ev, list_ids);
	enum err e = o.err;
	struct keyevent back; /* nothing is written that every reader would refuse */
	if (e == OK)
		e = keyevent_decode(slice_of(out->p + start, out->n - start), &back);
	if (e != OK)
		out->n = start;
	return e;
}

void keyevent_sign(struct slice bytes, const uint8_t secret[64], uint8_t out[64])
{
	secret_sign(secret, DOMAIN_EVENT, bytes, out);
}

/* What a consent is about: the identity, two keys, and the nodes of a device's direct. */
struct consent {
	uint8_t b[32 * (3 + LIMIT_DIRECT)];
};

static struct slice consent_of(struct consent *c, const struct id32 *identity, const struct id32 *a,
	const struct id32 *b, const struct id32 *direct, size_t direct_n)
{
	if (direct_n > LIMIT_DIRECT)
		abort();
	memcpy(c->b, identity->b, 32);
	memcpy(c->b + 32, a->b, 32);
	memcpy(c->b + 64, b->b, 32);
	if (direct_n)
		memcpy(c->b + 96, direct, direct_n * sizeof *direct);
	return slice_of(c->b, 96 + 32 * direct_n);
}

/* SPEC 3.5: "identity id ‖ device signing key ‖ device box key ‖ the node keys of direct, concatenated" */
void keyevent_device_consent(const struct id32 *identity, const struct id32 *sign_key,
	const struct id32 *box_key, const struct id32 *direct, size_t direct_n,
	const uint8_t device_secret[64], uint8_t out[64])
{
	struct consent c;
	secret_sign(device_secret, DOMAIN_DEVICE,
		consent_of(&c, identity, sign_key, box_key, direct, direct_n), out);
}

/* SPEC 3.6: "The node consents with its receipt key: `SIGN(receipt key," */
void keyevent_hosting_consent(const struct id32 *identity, const struct id32 *node_key,
	const struct id32 *notice_key, const uint8_t receipt_secret[64], uint8_t out[64])
{
	struct consent c;
	secret_sign(
		receipt_secret, DOMAIN_HOSTING, consent_of(&c, identity, node_key, notice_key, NULL, 0), out);
}

enum err keyevent_device_consent_verify(const struct id32 *identity, const struct id32 *sign_key,
	const struct id32 *box_key, const struct id32 *direct, size_t direct_n, const uint8_t consent[64])
{
	struct consent c;
	return secret_verify(sign_key, DOMAIN_DEVICE,
		consent_of(&c, identity, sign_key, box_key, direct, direct_n), consent);
}

enum err keyevent_hosting_consent_verify(const struct id32 *identity, const struct id32 *node_key,
	const struct id32 *notice_key, const struct id32 *receipt_key, const uint8_t consent[64])
{
	struct consent c;
	return secret_verify(receipt_key, DOMAIN_HOSTING,
		consent_of(&c, identity, node_key, notice_key, NULL, 0), consent);
}

static enum err verify_device(const struct keyevent *ev, const uint8_t consent[64])
{
	struct id32 direct[LIMIT_DIRECT];
	for (size_t i = 0; i < ev->list_n; i++)
		direct[i] = keyevent_list(ev, i);
	return keyevent_device_consent_verify(
		&ev->identity, &ev->device_sign_key, &ev->device_box_key, direct, ev->list_n, consent);
}

enum err keyevent_verify(const struct keyevent *ev, const struct id32 *signer)
{
	/* SPEC 3.1: "the signer's 64 bytes, then the consent's 64 bytes for kinds 4 and 7" */
	bool device = ev->kind == KEYEVENT_DEVICE, hosting = ev->kind == KEYEVENT_HOSTING;
	if (ev->signatures.n != (device || hosting ? 128u : 64u))
		return ERR_FORMAT;
	enum err e = secret_verify(signer, DOMAIN_EVENT, ev->bytes, ev->signatures.p);
	const uint8_t *consent = ev->signatures.p + 64;
	if (e == OK && device)
		e = verify_device(ev, consent);
	if (e == OK && hosting)
		e = keyevent_hosting_consent_verify(
			&ev->identity, &ev->node_key, &ev->notice_key, &ev->receipt_key, consent);
	return e;
}
