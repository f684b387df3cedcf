/* keyset.c -- the stored set: what is valid, what is kept, in which order it is sent. SPEC.md sections 3.2 and 3.4.
 *
 * Events are gathered here; keyset_settle.c then computes from all of them, anew, who wins and who is kept, and drops the rest. So what is
 * stored is a function of what was offered, and cannot depend on when. */
#include "protocol/log/keyset_internal.h"

#define BATCH_MAX (2 * LIMIT_KEYEVENTS) /* what a set may hold while a batch is gathered */

/* ---- small things */

struct keyset *keyset_new(const struct id32 *identity)
{
	struct keyset *ks = (struct keyset *)calloc(1, sizeof *ks);
	if (!ks)
		return NULL;
	ks->identity = *identity;
	ks->state = (struct keyset_state *)calloc(1, sizeof *ks->state);
	if (!ks->state) {
		free(ks);
		return NULL;
	}
	return ks;
}

void keyset_free(struct keyset *ks)
{
	if (!ks)
		return;
	struct keyset_state *st = ks->state;
	for (size_t i = 0; i < st->n; i++)
		keyset_record_free(st->order[i]);
	free(st->order);
	free(st->dropped);
	map_free(&st->ids);
	map_free(&st->slots);
	free(st);
	free(ks);
}

const struct id32 *keyset_identity(const struct keyset *ks)
{
	return &ks->identity;
}

struct record *keyset_record(const struct keyset_state *st, const struct id32 *id)
{
	const struct map_entry *e = map_find(&st->ids, id);
	return e ? e->rec : NULL;
}

struct id32 record_list(const struct record *r, size_t i)
{
	const struct keyevent ev = {.list = r->list};
	return keyevent_list(&ev, i);
}

size_t keyset_count(const struct keyset *ks)
{
	return keyset_settled(ks)->n;
}

struct id32 keyset_sum(const struct keyset *ks)
{
	return keyset_settled(ks)->sum;
}

size_t keyset_dropped(const struct keyset *ks, const struct id32 **ids)
{
	const struct keyset_state *st = keyset_settled(ks);
	*ids = st->dropped;
	return st->dropped_n;
}

static const struct keyevent *decoded(struct keyset_state *st, struct record *r)
{
	if (!r || r->decoded)
		return r ? r->decoded : NULL;
	struct keyevent *ev = (struct keyevent *)malloc(sizeof *ev);
	if (!ev)
		return NULL;
	if (keyevent_decode(r->bytes, ev) != OK)
		abort(); /* it was decoded when it came */
	ev->signatures = r->signatures;
	st->decoded = true;
	return r->decoded = ev;
}

const struct keyevent *keyset_at(const struct keyset *ks, size_t i)
{
	struct keyset_state *st = keyset_settled(ks);
	return i < st->n ? decoded(st, st->order[i]) : NULL;
}

bool keyset_has(const struct keyset *ks, const struct id32 *event_id)
{
	return keyset_record(keyset_settled(ks), event_id) != NULL;
}

const struct keyevent *keyset_find(const struct keyset *ks, const struct id32 *event_id)
{
	struct keyset_state *st = keyset_settled(ks);
	return decoded(st, keyset_record(st, event_id));
}

/* ---- adding */

static void forget_decoded(struct keyset_state *st)
{
	for (size_t i = 0; st->decoded && i < st->n; i++) {
		free(st->order[i]->decoded);
		st->order[i]->decoded = NULL;
	}
	st->decoded = false;
}

/* Room for one more event, so that settling cannot fail. */
static enum err reserve(struct keyset_state *st)
{
	enum err e = map_reserve(&st->ids, 1);
	if (e == OK)
		e = map_reserve(&st->slots, st->n + 1 > st->slots.used ? st->n + 1 - st->slots.used : 1);
	if (e != OK || st->n < st->cap)
		return e;
	size_t cap = st->cap ? 2 * st->cap : 16;
	struct record **order = (struct record **)realloc(st->order, cap * sizeof(struct record *));
	if (!order)
		return ERR_MEMORY;
	st->order = order;
	struct id32 *dropped = (struct id32 *)realloc(st->dropped, cap * sizeof *dropped);
	if (!dropped)
		return ERR_MEMORY;
	st->dropped = dropped;
	st->cap = cap;
	return OK;
}

/* The payload's ids in its own order, and its one number. */
static void take_payload(struct record *r, const struct keyevent *ev)
{
	struct id32 a = {0}, b = {0}, c = {0};
	switch (ev->kind) {
	case KEYEVENT_INCEPTION:
		a = ev->root_key;
		b = ev->recovery_key;
		c = ev->badge_key;
		r->number = ev->identity_kind;
		break;
	case KEYEVENT_GENERATION:
		a = ev->signing_key;
		r->number = ev->number;
		break;
	case KEYEVENT_READING: a = ev->reading_key; break;
	case KEYEVENT_BADGE: a = ev->badge_key; break;
	case KEYEVENT_DEVICE:
		a = ev->device_sign_key;
		b = ev->device_box_key;
		break;
	case KEYEVENT_CLOSE:
		a = ev->target;
		b = ev->last;
		r->length = ev->length;
		r->rank = ev->rank;
		break;
	case KEYEVENT_HOSTING:
		a = ev->node_key;
		b = ev->notice_key;
		c = ev->receipt_key;
		break;
	case KEYEVENT_OFFICER:
		r->number = ev->rights;
		a = ev->target;
		break;
	case KEYEVENT_END: a = ev->target; break;
	case KEYEVENT_ADOPT: break;
	}
	r->key[0] = a;
	r->key[1] = b;
	r->key[2] = c;
}

/* What decisions need of ev, with its own copy of the bytes. NULL: out of memory. */
static struct record *record_new(const struct keyevent *ev, struct record *generation)
{
	size_t after_at = (ev->bytes.n + ev->signatures.n + 7) & ~(size_t)7;
	size_t marks_at = after_at + ev->after_n * sizeof(struct id32); /* 8 divides it too */
	struct record *r = (struct record *)calloc(
		1, sizeof *r + marks_at + ev->marks_n * sizeof(struct keyset_mark));
	if (!r)
		return NULL;
	memcpy(r->mem, ev->bytes.p, ev->bytes.n);
	if (ev->signatures.n)
		memcpy(r->mem + ev->bytes.n, ev->signatures.p, ev->signatures.n);
	memcpy(r->mem + after_at, ev->after, ev->after_n * sizeof(struct id32));
	memcpy(r->mem + marks_at, ev->marks, ev->marks_n * sizeof(struct keyset_mark));
	r->id = ev->id;
	r->bytes = slice_of(r->mem, ev->bytes.n);
	r->signatures = slice_of(r->mem + ev->bytes.n, ev->signatures.n);
	r->after = (const struct id32 *)(const void *)(r->mem + after_at);
	r->after_n = ev->after_n;
	r->marks = (const struct keyset_mark *)(const void *)(r->mem + marks_at);
	r->marks_n = ev->marks_n;
	r->list_n = ev->list_n;
	r->list = ev->list ? r->mem + (ev->list - ev->bytes.p) : NULL;
	r->generation = generation;
	r->kind = ev->kind;
	r->slot = ev->slot;
	r->root_signed = keyevent_root_signed(ev);
	take_payload(r, ev);
	return r;
}

/* SPEC 3.2: "The signer is the root key for kinds 0, 1, 3 and for kind 5 with rank 1; otherwise the signing key published by the generation event it names." */
static struct id32 signer_of(
	const struct keyset_state *st, const struct keyevent *ev, const struct record *generation)
{
	if (ev->kind == KEYEVENT_INCEPTION)
		return ev->root_key;
	return keyevent_root_signed(ev) ? st->inception->key[0] : generation->key[0];
}

/* SPEC 3.2, all but the signatures. *generation: what it names; NULL for an inception. */
static enum err check_place(const struct keyset *ks, const struct keyevent *ev, struct record **generation)
{
	const struct keyset_state *st = ks->state;
	*generation = NULL;
	if (!id32_equal(&ev->identity, &ks->identity))
		return ERR_FORMAT;
	if (ev->kind == KEYEVENT_INCEPTION)
		return OK;
	struct record *g = keyset_record(st, &ev->generation);
	if (!g || !st->inception)
		return ERR_NOT_FOUND;
	/* SPEC 3.2: "its generation element names a valid event of kind 1 (for kind 1: of kind 1 or the inception) of the same identity" */
	bool to_inception = g->kind == KEYEVENT_INCEPTION && ev->kind == KEYEVENT_GENERATION;
	if (g->kind != KEYEVENT_GENERATION && !to_inception)
		return ERR_FORMAT;
	if (ev->kind == KEYEVENT_GENERATION && ev->number != (to_inception ? 1 : g->number + 1))
		return ERR_RANGE;
	/* SPEC 3.3: "one must be the recovery key of the inception" */
	bool wraps = ev->kind == KEYEVENT_GENERATION || ev->kind == KEYEVENT_READING ||
		ev->kind == KEYEVENT_BADGE;
	if (wraps && !keyevent_wrap_find(ev, &st->inception->key[1]))
		return ERR_FORMAT;
	*generation = g;
	return OK;
}

static enum err add(
	struct keyset *ks, struct slice bytes, struct slice signatures, bool verify, enum keyset_added *added)
{
	struct keyset_state *st = ks->state;
	struct keyevent ev;
	struct record *generation;
	if (!st->batch)
		st->dropped_n = 0;
	enum err e = keyevent_decode(bytes, &ev);
	if (e != OK || (e = check_place(ks, &ev, &generation)) != OK)
		return e;
	*added = KEYSET_KNOWN;
	if (keyset_record(st, &ev.id))
		return OK;
	ev.signatures = signatures;
	if (verify) {
		struct id32 signer = signer_of(st, &ev, generation);
		if ((e = keyevent_verify(&ev, &signer)) != OK)
			return e;
	}
	if (st->n >= BATCH_MAX)
		return ERR_LIMIT; /* two full sets fit */
	if ((e = reserve(st)) != OK)
		return e;
	struct record *r = record_new(&ev, generation);
	if (!r)
		return ERR_MEMORY;
	forget_decoded(st);
	map_put(&st->ids, &r->id)->rec = r;
	st->order[st->n++] = r;
	if (r->kind == KEYEVENT_INCEPTION)
		st->inception = r;
	st->settled = false;
	*added = KEYSET_NEW;
	return OK;
}

enum err keyset_add(struct keyset *ks, struct slice bytes, struct slice signatures, enum keyset_added *added)
{
	enum err e = add(ks, bytes, signatures, true, added);
	if (e != OK || ks->state->batch || *added == KEYSET_KNOWN)
		return e;
	struct id32 id = keyevent_id(bytes);
	if (!keyset_has(ks, &id))
		*added = KEYSET_LOST;
	return OK;
}

enum err keyset_load(struct keyset *ks, struct slice bytes, struct slice signatures)
{
	enum keyset_added added;
	return add(ks, bytes, signatures, false, &added);
}

void keyset_batch_begin(struct keyset *ks)
{
	keyset_settled(ks)->dropped_n = 0;
	ks->state->batch = true;
}

void keyset_batch_end(struct keyset *ks)
{
	keyset_settled(ks)->batch = false;
}

/* ---- for writers */

bool keyset_slot_is_free(
	const struct keyset *ks, const struct keyset_view *v, bool root_signed, uint32_t slot)
{
	struct id32 k = keyset_slot_key(&v->generation, root_signed, slot);
	const struct map_entry *e = map_find(&keyset_settled(ks)->slots, &k);
	return slot < LIMIT_KEYEVENT_SLOTS && !(e && e->rec);
}

enum err keyset_free_slot(
	const struct keyset *ks, const struct keyset_view *v, bool root_signed, uint32_t *slot)
{
	for (uint32_t i = 0; i < LIMIT_KEYEVENT_SLOTS; i++)
		if (keyset_slot_is_free(ks, v, root_signed, i)) {
			*slot = i;
			return OK;
		}
	return ERR_LIMIT;
}

enum err keyset_generation_key(
	const struct keyset *ks, const struct id32 *generation, struct id32 *signing_key)
{
	const struct record *g = keyset_record(ks->state, generation);
	if (!g || g->kind != KEYEVENT_GENERATION)
		return ERR_NOT_FOUND;
	*signing_key = g->key[0];
	return OK;
}
