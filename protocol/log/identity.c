/* identity.c -- the events that an owner writes. SPEC.md section 3. */
#include "protocol/log/identity.h"

#include "protocol/log/secret.h"

#include <sodium.h>

#define SLOT_TRIES 16

/* An event in the making, and the key that signs it. */
struct writer {
	const struct random_source *rnd;
	const struct keyset *ks;
	struct keyset_view v;
	struct keyevent ev;
	uint8_t secret[64];
};

struct slice identity_event_signatures(const struct identity_event *ev)
{
	return slice_of(ev->signatures, ev->signatures_n);
}

void identity_event_deinit(struct identity_event *ev)
{
	buf_free(&ev->bytes);
	*ev = (struct identity_event){0};
}

/* ---- beginning and ending */

static enum err writer_begin(
	struct writer *w, const struct random_source *rnd, const struct keyset *ks, enum keyevent_kind kind)
{
	*w = (struct writer){.rnd = rnd, .ks = ks, .ev = {.kind = kind}};
	return keyset_resolve(ks, &w->v);
}

static void writer_end(struct writer *w)
{
	keyset_view_deinit(&w->v);
	sodium_memzero(w->secret, sizeof w->secret);
}

/* With the signing key. */
static enum err writer_begin_signing(struct writer *w, const struct random_source *rnd,
	const struct keyset *ks, const struct identity_secrets *secrets, enum keyevent_kind kind)
{
	enum err e = writer_begin(w, rnd, ks, kind);
	struct id32 key;
	if (e != OK)
		return e;
	if (!secrets->has_signing)
		return ERR_LOCKED;
	secret_sign_pair(secrets->signing_seed, &key, w->secret);
	return w->v.has_generation && id32_equal(&key, &w->v.signing_key) ? OK : ERR_STATE;
}

/* With the root key, from the recovery code. */
static enum err writer_begin_root(struct writer *w, const struct random_source *rnd, const struct keyset *ks,
	const uint8_t entropy[RECOVERY_ENTROPY_BYTES], enum recovery_label label, enum keyevent_kind kind)
{
	uint8_t root_seed[32], recovery_secret[32];
	struct id32 key;
	enum err e = writer_begin(w, rnd, ks, kind);
	if (e != OK)
		return e;
	recovery_keys(entropy, label, root_seed, recovery_secret);
	secret_sign_pair(root_seed, &key, w->secret);
	sodium_memzero(root_seed, sizeof root_seed);
	sodium_memzero(recovery_secret, sizeof recovery_secret);
	return id32_equal(&key, &w->v.root_key) ? OK : ERR_DECRYPT;
}

/* At random, so that devices that write at the same time seldom meet. */
static enum err choose_slot(struct writer *w, bool root_signed)
{
	for (size_t i = 0; i < SLOT_TRIES; i++) {
		uint8_t b[2];
		random_fill(w->rnd, b, sizeof b);
		w->ev.slot = be16_get(b) % LIMIT_KEYEVENT_SLOTS;
		if (keyset_slot_is_free(w->ks, &w->v, root_signed, w->ev.slot))
			return OK;
	}
	return keyset_free_slot(w->ks, &w->v, root_signed, &w->ev.slot);
}

/* One more event that this one knew: what it takes the place of. A path to it through others breaks where one of them is dropped. */
static void add_after(struct keyevent *ev, const struct id32 *id)
{
	size_t at = 0;
	while (at < ev->after_n && id32_cmp(&ev->after[at], id) < 0)
		at++;
	if (id32_is_zero(id) || (at < ev->after_n && id32_equal(&ev->after[at], id)))
		return;
	if (ev->after_n == LIMIT_KEYEVENT_AFTER) { /* in the place of a head */
		ev->after[at < ev->after_n ? at : at - 1] = *id;
		return;
	}
	memmove(&ev->after[at + 1], &ev->after[at], (ev->after_n - at) * sizeof ev->after[0]);
	ev->after[at] = *id;
	ev->after_n++;
}

/* SPEC 3.1: "the events in force that the writer knew and that no other event in force it knew reaches by `after`; of more than fit into the event, as many as fit, the lowest ids first" */
static enum err encode(
	struct writer *w, const struct id32 *list, const struct id32 *takes_place_of, struct buf *out)
{
	enum err e = ERR_LIMIT;
	for (size_t fit = w->v.heads_n + 1; e == ERR_LIMIT && fit-- > 0;) {
		w->ev.after_n = fit;
		memcpy(w->ev.after, w->v.heads, fit * sizeof w->v.heads[0]);
		if (takes_place_of)
			add_after(&w->ev, takes_place_of);
		e = keyevent_encode(&w->ev, list, out);
	}
	return e;
}

/* Fills in who, where and after what; encodes and signs. takes_place_of may be NULL, and so may consent. */
static enum err writer_finish(struct writer *w, const struct id32 *list, const struct id32 *takes_place_of,
	const uint8_t *consent, struct identity_event *out)
{
	struct keyevent *ev = &w->ev;
	struct identity_event made = {.signatures_n = consent ? 128 : 64};
	bool generation = ev->kind == KEYEVENT_GENERATION;
	if (!w->v.has_generation && !generation)
		return ERR_STATE;
	ev->identity = *keyset_identity(w->ks);
	ev->generation = w->v.has_generation ? w->v.generation : ev->identity;
	enum err e = generation ? OK : choose_slot(w, keyevent_root_signed(ev));
	if (e == OK)
		e = encode(w, list, takes_place_of, &made.bytes);
	if (e != OK) {
		identity_event_deinit(&made);
		return e;
	}
	made.id = keyevent_id(buf_slice(&made.bytes));
	keyevent_sign(buf_slice(&made.bytes), w->secret, made.signatures);
	if (consent)
		memcpy(made.signatures + 64, consent, 64);
	*out = made;
	return OK;
}

/* ---- wraps */

static int wrap_compare(const void *a, const void *b)
{
	return id32_cmp(&((const struct keyevent_wrap *)a)->key, &((const struct keyevent_wrap *)b)->key);
}

/* One more wrap, unless the key has one. A key that X25519 refuses gets none: whoever planted it must not stop the owner. */
static enum err wrap_to(struct writer *w, const struct id32 *recipient, const struct id32 *public_half,
	const uint8_t secret[32])
{
	struct keyevent *ev = &w->ev;
	if (keyevent_wrap_find(ev, recipient))
		return OK;
	if (ev->wraps_n == LIMIT_WRAPS)
		return ERR_LIMIT;
	if (secret_wrap(w->rnd, recipient, public_half, secret, ev->wraps[ev->wraps_n].box) == OK)
		ev->wraps[ev->wraps_n++].key = *recipient;
	return OK;
}

static bool is_among(const struct id32 *id, const struct id32 *ids, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (id32_equal(id, &ids[i]))
			return true;
	return false;
}

/* SPEC 3.3: "one must be the recovery key of the inception, the others are the box keys of the devices in force that remain" */
static enum err wrap_to_all(struct writer *w, const struct id32 *public_half, const uint8_t secret[32],
	const struct identity_keeps *keeps)
{
	enum err e = wrap_to(w, &w->v.recovery_key, public_half, secret);
	for (size_t i = 0; e == OK && i < w->v.devices_n; i++) {
		const struct keyset_device *d = &w->v.devices[i];
		bool out = keeps &&
			(is_among(&d->box_key, keeps->not_to, keeps->not_to_n) ||
				is_among(&d->event, keeps->without, keeps->without_n));
		if (!d->closed && !out)
			e = wrap_to(w, &d->box_key, public_half, secret);
	}
	qsort(w->ev.wraps, w->ev.wraps_n, sizeof w->ev.wraps[0], wrap_compare);
	return e;
}

/* A grant: here the pair's key is the public half. */
static enum err grant(struct writer *w, const struct id32 *public_half, const uint8_t secret[32])
{
	struct keyevent *ev = &w->ev;
	if (ev->wraps_n == LIMIT_GRANTS || keyevent_wrap_find(ev, public_half))
		return OK;
	enum err e = secret_wrap(
		w->rnd, &ev->device_box_key, public_half, secret, ev->wraps[ev->wraps_n].box);
	if (e == OK)
		ev->wraps[ev->wraps_n++].key = *public_half;
	return e;
}

/* ---- a new generation */

static int id_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct id32));
}

/* The ids that a new generation names: what is in force and still means something, but for `without`, and `also`. */
static enum err list_keeps(const struct writer *w, const struct identity_keeps *keeps,
	struct id32 list[LIMIT_KEYEVENT_KEEPS], size_t *n)
{
	*n = 0;
	for (size_t i = 0; i < w->v.in_force_n + keeps->also_n; i++) {
		bool in_force = i < w->v.in_force_n;
		const struct id32 *id = in_force ? &w->v.in_force[i] : &keeps->also[i - w->v.in_force_n];
		if (in_force) {
			const struct keyevent *ev = keyset_find(w->ks, id);
			if (!ev)
				return ERR_MEMORY;
			/* an adopt event of a generation that is no longer current adopts nothing */
			if (ev->kind <= KEYEVENT_GENERATION || ev->kind == KEYEVENT_ADOPT)
				continue;
		}
		if (in_force ? is_among(id, keeps->without, keeps->without_n) : is_among(id, list, *n))
			continue;
		if (*n == LIMIT_KEYEVENT_KEEPS)
			return ERR_LIMIT;
		list[(*n)++] = *id;
	}
	qsort(list, *n, sizeof *list, id_compare);
	return OK;
}

enum err identity_new_generation(const struct random_source *rnd, const struct keyset *ks,
	const uint8_t entropy[RECOVERY_ENTROPY_BYTES], enum recovery_label label,
	const struct identity_keeps *keeps, struct identity_secrets *secrets, struct identity_event *out)
{
	struct writer w;
	struct id32 list[LIMIT_KEYEVENT_KEEPS], key = {0};
	uint8_t seed[32], scratch[64];
	enum err e = writer_begin_root(&w, rnd, ks, entropy, label, KEYEVENT_GENERATION);
	if (e == OK && w.v.generation_number >= LIMIT_GENERATIONS)
		e = ERR_LIMIT;
	if (e == OK)
		e = list_keeps(&w, keeps, list, &w.ev.list_n);
	random_fill(rnd, seed, sizeof seed);
	secret_sign_pair(seed, &key, scratch);
	w.ev.number = w.v.generation_number + 1;
	w.ev.signing_key = key;
	if (e == OK)
		e = wrap_to_all(&w, &key, seed, keeps);
	if (e == OK)
		e = writer_finish(&w, list, NULL, NULL, out);
	if (e == OK) {
		secrets->has_signing = true;
		secrets->signing_key = key;
		memcpy(secrets->signing_seed, seed, sizeof seed);
	}
	sodium_memzero(seed, sizeof seed);
	sodium_memzero(scratch, sizeof scratch);
	writer_end(&w);
	return e;
}

/* ---- a new badge key */

enum err identity_new_badge(const struct random_source *rnd, const struct keyset *ks,
	const uint8_t entropy[RECOVERY_ENTROPY_BYTES], enum recovery_label label,
	struct identity_secrets *secrets, struct identity_event *out)
{
	struct writer w;
	struct id32 key = {0};
	uint8_t seed[32], scratch[64];
	enum err e = writer_begin_root(&w, rnd, ks, entropy, label, KEYEVENT_BADGE);
	random_fill(rnd, seed, sizeof seed);
	secret_sign_pair(seed, &key, scratch);
	w.ev.badge_key = key;
	if (e == OK)
		e = wrap_to_all(&w, &key, seed, NULL);
	if (e == OK)
		e = writer_finish(&w, NULL, &w.v.badge_event, NULL, out);
	if (e == OK) {
		secrets->has_badge = true;
		secrets->badge_key = key;
		memcpy(secrets->badge_seed, seed, sizeof seed);
	}
	sodium_memzero(seed, sizeof seed);
	sodium_memzero(scratch, sizeof scratch);
	writer_end(&w);
	return e;
}

/* ---- devices */

static enum err grant_all(struct writer *w, const struct identity_secrets *secrets)
{
	enum err e = grant(w, &secrets->signing_key, secrets->signing_seed);
	if (e == OK && secrets->has_badge && id32_equal(&secrets->badge_key, &w->v.badge_key))
		e = grant(w, &secrets->badge_key, secrets->badge_seed);
	for (size_t i = 0; e == OK && i < w->v.readings_n; i++) { /* the current one first */
		const struct identity_reading *r = identity_secrets_reading(secrets, &w->v.readings[i]);
		if (r)
			e = grant(w, &r->key, r->secret);
	}
	qsort(w->ev.wraps, w->ev.wraps_n, sizeof w->ev.wraps[0], wrap_compare);
	return e;
}

enum err identity_add_device(const struct random_source *rnd, const struct keyset *ks,
	const struct identity_secrets *secrets, const struct identity_request *request,
	struct identity_event *out)
{
	struct writer w;
	enum err e = writer_begin_signing(&w, rnd, ks, secrets, KEYEVENT_DEVICE);
	if (e == OK && !id32_equal(&request->identity, keyset_identity(ks)))
		e = ERR_INPUT;
	if (e == OK && request->direct_n > LIMIT_DIRECT)
		e = ERR_LIMIT;
	if (e == OK)
		e = keyevent_device_consent_verify(&request->identity, &request->sign_key, &request->box_key,
			request->direct, request->direct_n, request->consent);
	for (size_t i = 0; e == OK && i < w.v.devices_n; i++)
		if (id32_equal(&w.v.devices[i].sign_key, &request->sign_key))
			e = ERR_EXISTS;
	w.ev.device_sign_key = request->sign_key;
	w.ev.device_box_key = request->box_key;
	w.ev.list_n = request->direct_n;
	if (e == OK)
		e = grant_all(&w, secrets);
	if (e == OK)
		e = writer_finish(&w, request->direct, NULL, request->consent, out);
	writer_end(&w);
	return e;
}

static enum err close_device(struct writer *w, const struct id32 *log, uint64_t length,
	const struct id32 *last, uint8_t rank, struct identity_event *out)
{
	const struct keyset_device *d = keyset_view_device(&w->v, log);
	if (!d)
		return ERR_NOT_FOUND;
	w->ev.target = d->sign_key;
	w->ev.length = length;
	w->ev.rank = rank;
	if (length)
		w->ev.last = *last;
	return writer_finish(w, NULL, &d->close_event, NULL, out);
}

enum err identity_close_device(const struct random_source *rnd, const struct keyset *ks,
	const struct identity_secrets *secrets, const struct id32 *log, uint64_t length,
	const struct id32 *last, struct identity_event *out)
{
	struct writer w;
	enum err e = writer_begin_signing(&w, rnd, ks, secrets, KEYEVENT_CLOSE);
	if (e == OK)
		e = close_device(&w, log, length, last, 0, out);
	writer_end(&w);
	return e;
}

enum err identity_close_device_by_root(const struct random_source *rnd, const struct keyset *ks,
	const uint8_t entropy[RECOVERY_ENTROPY_BYTES], enum recovery_label label, const struct id32 *log,
	uint64_t length, const struct id32 *last, struct identity_event *out)
{
	struct writer w;
	enum err e = writer_begin_root(&w, rnd, ks, entropy, label, KEYEVENT_CLOSE);
	if (e == OK)
		e = close_device(&w, log, length, last, 1, out);
	writer_end(&w);
	return e;
}

/* ---- the rest */

enum err identity_new_reading(const struct random_source *rnd, const struct keyset *ks,
	const struct identity_secrets *secrets, struct identity_reading *reading, struct identity_event *out)
{
	struct writer w;
	struct identity_reading made;
	enum err e = writer_begin_signing(&w, rnd, ks, secrets, KEYEVENT_READING);
	random_fill(rnd, made.secret, sizeof made.secret);
	secret_box_public(made.secret, &made.key);
	w.ev.reading_key = made.key;
	if (e == OK)
		e = wrap_to_all(&w, &made.key, made.secret, NULL);
	if (e == OK)
		e = writer_finish(&w, NULL, &w.v.reading_event, NULL, out);
	if (e == OK)
		*reading = made;
	sodium_memzero(&made, sizeof made);
	writer_end(&w);
	return e;
}

enum err identity_hosting(const struct random_source *rnd, const struct keyset *ks,
	const struct identity_secrets *secrets, const struct id32 *node_key, const struct id32 *notice_key,
	const struct id32 *receipt_key, const uint8_t consent[64], struct identity_event *out)
{
	struct writer w;
	enum err e = writer_begin_signing(&w, rnd, ks, secrets, KEYEVENT_HOSTING);
	if (e == OK)
		e = keyevent_hosting_consent_verify(
			keyset_identity(ks), node_key, notice_key, receipt_key, consent);
	w.ev.node_key = *node_key;
	w.ev.notice_key = *notice_key;
	w.ev.receipt_key = *receipt_key;
	if (e == OK)
		e = writer_finish(&w, NULL, NULL, consent, out);
	writer_end(&w);
	return e;
}

enum err identity_officer(const struct random_source *rnd, const struct keyset *ks,
	const struct identity_secrets *secrets, const struct id32 *officer, uint32_t rights,
	struct identity_event *out)
{
	struct writer w;
	enum err e = writer_begin_signing(&w, rnd, ks, secrets, KEYEVENT_OFFICER);
	w.ev.target = *officer;
	w.ev.rights = rights;
	if (e == OK)
		e = writer_finish(&w, NULL, NULL, NULL, out);
	writer_end(&w);
	return e;
}

static int mark_compare(const void *a, const void *b)
{
	return id32_cmp(&((const struct keyset_mark *)a)->log, &((const struct keyset_mark *)b)->log);
}

enum err identity_end(const struct random_source *rnd, const struct keyset *ks,
	const struct identity_secrets *secrets, const struct id32 *event, const struct keyset_mark *marks,
	size_t marks_n, struct identity_event *out)
{
	struct writer w;
	if (marks_n > LIMIT_END_MARKS)
		return ERR_LIMIT;
	enum err e = writer_begin_signing(&w, rnd, ks, secrets, KEYEVENT_END);
	const struct keyevent *named = e == OK ? keyset_find(ks, event) : NULL;
	/* SPEC 3.3: "a writer leaves them empty for a hosting event" */
	if (named && marks_n && named->kind != KEYEVENT_OFFICER)
		e = ERR_INPUT;
	w.ev.target = *event;
	w.ev.marks_n = marks_n;
	for (size_t i = 0; i < marks_n; i++)
		w.ev.marks[i] = marks[i];
	qsort(w.ev.marks, marks_n, sizeof w.ev.marks[0], mark_compare);
	if (e == OK)
		e = writer_finish(&w, NULL, NULL, NULL, out);
	writer_end(&w);
	return e;
}

enum err identity_adopt(const struct random_source *rnd, const struct keyset *ks,
	const struct identity_secrets *secrets, const struct id32 *ids, size_t n, struct identity_event *out)
{
	struct writer w;
	struct id32 list[LIMIT_KEYEVENT_ADOPTS];
	if (n == 0 || n > LIMIT_KEYEVENT_ADOPTS)
		return ERR_LIMIT;
	memcpy(list, ids, n * sizeof *ids);
	qsort(list, n, sizeof *list, id_compare);
	enum err e = writer_begin_signing(&w, rnd, ks, secrets, KEYEVENT_ADOPT);
	w.ev.list_n = n;
	if (e == OK)
		e = writer_finish(&w, list, NULL, NULL, out);
	writer_end(&w);
	return e;
}
