/* key_story.c -- see key_story.h. */
#include "tests/support/key_story.h"

#include <stdio.h>

#include "protocol/log/secret.h"

static void must(enum err e, const char *what)
{
	if (e == OK)
		return;
	fprintf(stderr, "key story: %s: %s\n", what, err_name(e));
	abort();
}

static struct id32 random_id(struct key_story *s)
{
	struct id32 id;
	random_fill(&s->rnd, id.b, 32);
	return id;
}

static struct id32 new_sign_pair(struct key_story *s, uint8_t secret[64])
{
	struct id32 seed = random_id(s), key;
	secret_sign_pair(seed.b, &key, secret);
	return key;
}

static struct id32 new_box_pair(struct key_story *s, uint8_t secret[32])
{
	struct id32 key;
	random_fill(&s->rnd, secret, 32);
	secret_box_public(secret, &key);
	return key;
}

static void wrap_to_recovery(
	struct key_story *s, struct keyevent *ev, const struct id32 *public_half, const uint8_t secret[32])
{
	ev->wraps_n = 1;
	ev->wraps[0].key = s->recovery_key;
	must(secret_wrap(&s->rnd, &s->recovery_key, public_half, secret, ev->wraps[0].box), "wrap");
}

static int id_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct id32));
}

struct id32 story_add(struct key_story *s, struct story_place at, struct keyevent *ev,
	const struct id32 *list, const uint8_t *consent)
{
	if (s->n >= STORY_EVENTS_MAX || at.after_n > LIMIT_KEYEVENT_AFTER)
		abort();
	struct story_event *e = &s->events[s->n++];
	*e = (struct story_event){0};
	ev->identity = s->identity;
	ev->generation = at.generation->id;
	ev->slot = at.slot;
	ev->after_n = at.after_n;
	if (at.after_n)
		memcpy(ev->after, at.after, at.after_n * sizeof *at.after);
	qsort(ev->after, ev->after_n, sizeof *ev->after, id_compare);
	must(keyevent_encode(ev, list, &e->bytes), "encode");
	struct keyevent back;
	must(keyevent_decode(buf_slice(&e->bytes), &back), "decode");
	keyevent_sign(buf_slice(&e->bytes), keyevent_root_signed(ev) ? s->root_secret : at.generation->secret,
		e->signatures);
	e->signatures_n = consent ? 128 : 64;
	if (consent)
		memcpy(e->signatures + 64, consent, 64);
	e->id = back.id;
	return e->id;
}

void story_begin(struct key_story *s, uint64_t seed)
{
	*s = (struct key_story){.seed = {.seed = seed}};
	s->rnd = seeded_random_source(&s->seed);
	struct keyevent ev = {.kind = KEYEVENT_INCEPTION, .identity_kind = IDENTITY_PERSON};
	struct id32 badge_seed = random_id(s);
	ev.root_key = new_sign_pair(s, s->root_secret);
	ev.recovery_key = s->recovery_key = new_box_pair(s, s->recovery_secret);
	secret_sign_pair(badge_seed.b, &s->badge_key, s->badge_secret);
	ev.badge_key = s->badge_key;
	random_fill(&s->rnd, ev.nonce, sizeof ev.nonce);
	wrap_to_recovery(s, &ev, &s->badge_key, badge_seed.b);
	s->identity = story_add(s, PLACE(&s->inception, 0), &ev, NULL, NULL);
	s->inception.id = s->identity;
}

void story_end(struct key_story *s)
{
	for (size_t i = 0; i < s->n; i++)
		buf_free(&s->events[i].bytes);
	s->n = 0;
}

struct story_generation story_generation(
	struct key_story *s, const struct story_generation *before, const struct id32 *keeps, size_t keeps_n)
{
	struct id32 list[LIMIT_KEYEVENT_KEEPS], seed = random_id(s);
	struct story_generation g = {.number = before->number + 1};
	secret_sign_pair(seed.b, &g.key, g.secret);
	struct keyevent ev = {
		.kind = KEYEVENT_GENERATION, .number = g.number, .signing_key = g.key, .list_n = keeps_n};
	if (keeps_n > LIMIT_KEYEVENT_KEEPS)
		abort();
	if (keeps_n)
		memcpy(list, keeps, keeps_n * sizeof *keeps);
	qsort(list, keeps_n, sizeof *list, id_compare);
	wrap_to_recovery(s, &ev, &g.key, seed.b);
	g.id = story_add(s, PLACE(before, 0), &ev, list, NULL);
	return g;
}

struct id32 story_reading(struct key_story *s, struct story_place at, struct id32 *key)
{
	uint8_t secret[32];
	*key = new_box_pair(s, secret);
	struct keyevent ev = {.kind = KEYEVENT_READING, .reading_key = *key};
	wrap_to_recovery(s, &ev, key, secret);
	return story_add(s, at, &ev, NULL, NULL);
}

struct id32 story_badge(struct key_story *s, struct story_place at, struct id32 *key)
{
	struct id32 seed = random_id(s);
	secret_sign_pair(seed.b, key, s->badge_secret);
	struct keyevent ev = {.kind = KEYEVENT_BADGE, .badge_key = *key};
	wrap_to_recovery(s, &ev, key, seed.b);
	return story_add(s, at, &ev, NULL, NULL);
}

struct story_device story_new_device(struct key_story *s)
{
	struct story_device d;
	d.sign_key = new_sign_pair(s, d.sign_secret);
	d.box_key = new_box_pair(s, d.box_secret);
	return d;
}

struct id32 story_device(struct key_story *s, struct story_place at, const struct story_device *d,
	const struct id32 *direct, size_t direct_n)
{
	uint8_t consent[64];
	struct keyevent ev = {.kind = KEYEVENT_DEVICE,
		.device_sign_key = d->sign_key,
		.device_box_key = d->box_key,
		.list_n = direct_n};
	keyevent_device_consent(
		&s->identity, &d->sign_key, &d->box_key, direct, direct_n, d->sign_secret, consent);
	return story_add(s, at, &ev, direct, consent);
}

struct id32 story_close(struct key_story *s, struct story_place at, const struct story_device *d,
	uint64_t length, uint8_t fill, uint8_t rank)
{
	struct keyevent ev = {.kind = KEYEVENT_CLOSE, .target = d->sign_key, .length = length, .rank = rank};
	if (length)
		memset(ev.last.b, fill, 32);
	return story_add(s, at, &ev, NULL, NULL);
}

struct id32 story_officer(struct key_story *s, struct story_place at, uint32_t rights)
{
	struct id32 identity = random_id(s);
	return story_officer_of(s, at, &identity, rights);
}

struct id32 story_officer_of(
	struct key_story *s, struct story_place at, const struct id32 *identity, uint32_t rights)
{
	struct keyevent ev = {.kind = KEYEVENT_OFFICER, .target = *identity, .rights = rights};
	return story_add(s, at, &ev, NULL, NULL);
}

struct id32 story_hosting(struct key_story *s, struct story_place at)
{
	uint8_t secret[64], consent[64];
	struct keyevent ev = {.kind = KEYEVENT_HOSTING, .node_key = random_id(s), .notice_key = random_id(s)};
	ev.receipt_key = new_sign_pair(s, secret);
	keyevent_hosting_consent(&s->identity, &ev.node_key, &ev.notice_key, secret, consent);
	return story_add(s, at, &ev, NULL, consent);
}

struct id32 story_finish(struct key_story *s, struct story_place at, const struct id32 *target)
{
	return story_finish_marked(s, at, target, NULL, 0);
}

struct id32 story_finish_marked(struct key_story *s, struct story_place at, const struct id32 *target,
	const struct keyset_mark *marks, size_t n)
{
	struct keyevent ev = {.kind = KEYEVENT_END, .target = *target, .marks_n = n};
	if (n > LIMIT_END_MARKS)
		abort();
	if (n)
		memcpy(ev.marks, marks, n * sizeof *marks);
	return story_add(s, at, &ev, NULL, NULL);
}

struct id32 story_adopt(struct key_story *s, struct story_place at, const struct id32 *ids, size_t n)
{
	struct id32 list[LIMIT_KEYEVENT_ADOPTS];
	struct keyevent ev = {.kind = KEYEVENT_ADOPT, .list_n = n};
	if (n > LIMIT_KEYEVENT_ADOPTS)
		abort();
	memcpy(list, ids, n * sizeof *ids);
	qsort(list, n, sizeof *list, id_compare);
	return story_add(s, at, &ev, list, NULL);
}

struct id32 story_grind(struct key_story *s, struct story_place at, const struct id32 *below)
{
	for (;;) {
		struct id32 id = story_officer(s, at, 1);
		if (id32_cmp(&id, below) < 0)
			return id;
		buf_free(&s->events[--s->n].bytes);
	}
}

static void offer_one(struct keyset *ks, const struct story_event *e, bool verify)
{
	struct slice bytes = buf_slice(&e->bytes), signatures = slice_of(e->signatures, e->signatures_n);
	enum keyset_added added;
	enum err err = verify ? keyset_add(ks, bytes, signatures, &added)
			      : keyset_load(ks, bytes, signatures);
	if (err != ERR_NOT_FOUND)
		must(err, "add");
	(void)keyset_count(ks); /* what was loaded is judged at once, as if it had come alone */
}

struct keyset *story_offer(const struct key_story *s, const size_t *order, bool verify)
{
	struct keyset *ks = keyset_new(&s->identity);
	struct id32 before;
	if (!ks)
		abort();
	do {
		before = keyset_sum(ks);
		for (size_t i = 0; i < s->n; i++)
			offer_one(ks, &s->events[order ? order[i] : i], verify);
	} while (memcmp(before.b, keyset_sum(ks).b, 32) != 0);
	return ks;
}

void story_shuffle(struct seeded_random *seed, size_t *order, size_t n)
{
	struct random_source rnd = seeded_random_source(seed);
	for (size_t i = n; i > 1; i--) {
		uint8_t b[4];
		random_fill(&rnd, b, sizeof b);
		size_t k = be32_get(b) % i, t = order[i - 1];
		order[i - 1] = order[k];
		order[k] = t;
	}
}

static size_t below(struct key_story *s, size_t n)
{
	uint8_t b[4];
	random_fill(&s->rnd, b, sizeof b);
	return be32_get(b) % n;
}

static size_t some_ids(struct key_story *s, size_t max, struct id32 *ids)
{
	size_t n = 0, wanted = below(s, max + 1);
	for (size_t i = 0; i < wanted; i++) {
		struct id32 id = s->events[below(s, s->n)].id;
		if (below(s, 12) == 0)
			random_fill(&s->rnd, id.b, 32); /* nobody knows it */
		bool twice = false;
		for (size_t k = 0; k < n; k++)
			twice = twice || id32_equal(&ids[k], &id);
		if (!twice)
			ids[n++] = id;
	}
	return n;
}

/* Of three logs, so that ends of one officer agree and contradict. */
static void finish_at_random(struct key_story *s, struct story_place at)
{
	struct keyset_mark marks[3];
	size_t n = 0;
	for (uint8_t log = 1; log <= 3; log++)
		if (below(s, 2))
			marks[n++] = (struct keyset_mark){
				.log = {{log}}, .length = 1 + below(s, 5), .last = random_id(s)};
	story_finish_marked(s, at, &s->events[below(s, s->n)].id, marks, n);
}

void story_tell_at_random(struct key_story *s, size_t events)
{
	struct story_generation g[5];
	struct story_device d[3];
	struct id32 ids[16], after[4], key;
	size_t generations = 1, n;
	g[0] = story_generation(s, &s->inception, NULL, 0);
	for (size_t i = 0; i < 3; i++)
		d[i] = story_new_device(s);
	while (s->n < events) {
		struct story_place at = {.generation = &g[below(s, generations)],
			.slot = (uint32_t)below(s, 4),
			.after = after};
		at.after_n = some_ids(s, 4, after);
		switch (below(s, 11)) {
		case 0:
			n = some_ids(s, 12, ids);
			if (generations < 5) {
				g[generations] = story_generation(
					s, below(s, 4) ? at.generation : &s->inception, ids, n);
				generations++;
			}
			break;
		case 1:
			n = some_ids(s, 8, ids);
			if (n)
				story_adopt(s, at, ids, n);
			break;
		case 2: story_reading(s, at, &key); break;
		case 3: story_badge(s, at, &key); break;
		case 4:
		case 5: story_device(s, at, &d[below(s, 3)], NULL, 0); break;
		case 6:
		case 7:
			story_close(s, at, &d[below(s, 3)], below(s, 3), (uint8_t)(1 + below(s, 2)),
				(uint8_t)below(s, 2));
			break;
		case 8: story_officer(s, at, 1); break;
		case 9: story_hosting(s, at); break;
		default: finish_at_random(s, at); break;
		}
	}
}
