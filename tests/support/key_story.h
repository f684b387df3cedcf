/* key_story.h -- sets of key events told in a few lines: every event is built from its fields, signed by whoever signs it, and kept in
 * order of making. All secrets come from one seed. Any fault ends the program: a story that cannot be told is no test. */
#ifndef QUIRE_TESTS_KEY_STORY_H
#define QUIRE_TESTS_KEY_STORY_H

#include "protocol/log/keyset.h"
#include "tests/support/seeded_random.h"

#define STORY_EVENTS_MAX 256

struct story_event {
	struct buf bytes;
	uint8_t signatures[128];
	size_t signatures_n;
	struct id32 id;
};

/* A generation event and the secret that its signing key has. */
struct story_generation {
	struct id32 id, key;
	uint8_t secret[64];
	uint32_t number;
};

struct story_device {
	struct id32 sign_key, box_key;
	uint8_t sign_secret[64], box_secret[32];
};

struct key_story {
	struct seeded_random seed;
	struct random_source rnd;
	struct id32 identity, recovery_key, badge_key;
	uint8_t root_secret[64], recovery_secret[32], badge_secret[64]; /* of the last badge key */
	struct story_generation inception; /* stands for "no generation yet" */
	size_t n;
	struct story_event events[STORY_EVENTS_MAX];
};

/* Begins with the inception, which is event 0. */
void story_begin(struct key_story *s, uint64_t seed);
void story_end(struct key_story *s);

/* Fields of an event that stories choose; the rest is filled in. */
struct story_place {
	const struct story_generation *generation;
	uint32_t slot;
	const struct id32 *after; /* in any order */
	size_t after_n;
};
#define PLACE(g, s) ((struct story_place){.generation = (g), .slot = (s)})
#define PLACE_AFTER(g, s, ...) \
	((struct story_place){.generation = (g), \
		.slot = (s), \
		.after = (const struct id32[]){__VA_ARGS__}, \
		.after_n = sizeof((const struct id32[]){__VA_ARGS__}) / sizeof(struct id32)})

/* Builds, signs and keeps one event whose payload fields stand in *ev; gives its id. consent: 64 bytes, or NULL. */
struct id32 story_add(struct key_story *s, struct story_place at, struct keyevent *ev,
	const struct id32 *list, const uint8_t *consent);

/* keeps in any order */
struct story_generation story_generation(
	struct key_story *s, const struct story_generation *before, const struct id32 *keeps, size_t keeps_n);
struct id32 story_reading(struct key_story *s, struct story_place at, struct id32 *key);
struct id32 story_badge(struct key_story *s, struct story_place at, struct id32 *key);
struct story_device story_new_device(struct key_story *s);
struct id32 story_device(struct key_story *s, struct story_place at, const struct story_device *d,
	const struct id32 *direct, size_t direct_n);
struct id32 story_close(struct key_story *s, struct story_place at, const struct story_device *d,
	uint64_t length, uint8_t fill, uint8_t rank);
struct id32 story_officer(struct key_story *s, struct story_place at, uint32_t rights);
struct id32 story_hosting(struct key_story *s, struct story_place at);
struct id32 story_finish(
	struct key_story *s, struct story_place at, const struct id32 *target); /* an end without marks */
struct id32 story_finish_marked(struct key_story *s, struct story_place at, const struct id32 *target,
	const struct keyset_mark *marks, size_t n);
struct id32 story_officer_of(
	struct key_story *s, struct story_place at, const struct id32 *identity, uint32_t rights);
struct id32 story_adopt(struct key_story *s, struct story_place at, const struct id32 *ids, size_t n);
/* Officer events of random people in this slot until one has an id below `below`: what a thief can do. Only that one is kept. */
struct id32 story_grind(struct key_story *s, struct story_place at, const struct id32 *below);

/* Offers events 0 .. n - 1 in this order (NULL: as made), again and again until nothing changes. Every event must be valid.
 * Without verify the signatures are taken on trust, which is much faster. */
struct keyset *story_offer(const struct key_story *s, const size_t *order, bool verify);
/* Goes on until there are so many events: of all kinds, in few slots of up to five generations, naming each other at random. */
void story_tell_at_random(struct key_story *s, size_t events);
/* Shuffles order[0 .. n). */
void story_shuffle(struct seeded_random *seed, size_t *order, size_t n);

#endif
