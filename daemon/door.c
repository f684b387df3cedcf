/* door.c -- see door.h. */
#include "door.h"

#define KNOCK 1000u

void door_init(struct door *d, const struct random_source *random)
{
	memset(d, 0, sizeof *d);
	random->fill(random->ctx, d->key, sizeof d->key);
}

static size_t place(const struct door *d, const uint8_t source[8], size_t places)
{
	uint8_t h[crypto_shorthash_BYTES];
	crypto_shorthash(h, source, 8, d->key);
	return be32_get(h) % places;
}

/* What was spent is forgiven as time goes by; a rate that was never used has spent nothing. */
static bool has_room(struct door_rate *r, uint64_t rate, uint64_t burst, uint64_t now_ms)
{
	uint64_t ms = now_ms - r->at_ms;
	uint64_t forgiven = ms < burst * KNOCK ? ms * rate : burst * KNOCK;
	r->spent -= forgiven < r->spent ? forgiven : r->spent;
	r->at_ms = now_ms;
	return r->spent + KNOCK <= burst * KNOCK;
}

bool door_lets(struct door *d, const uint8_t source[8], uint64_t now_ms)
{
	if (door_knows(d, source)) {
		struct door_rate *own = &d->known[place(d, source, DOOR_KNOWN)].rate;
		if (!has_room(own, DOOR_SOURCE_RATE, DOOR_SOURCE_BURST, now_ms))
			return false;
		own->spent += KNOCK;
		return true;
	}
	struct door_rate *of_source = &d->sources[place(d, source, DOOR_SOURCES)];
	if (!has_room(of_source, DOOR_SOURCE_RATE, DOOR_SOURCE_BURST, now_ms) ||
		!has_room(&d->all, DOOR_RATE, DOOR_BURST, now_ms))
		return false;
	of_source->spent += KNOCK;
	d->all.spent += KNOCK;
	return true;
}

void door_know(struct door *d, const uint8_t source[8])
{
	struct door_known *k = &d->known[place(d, source, DOOR_KNOWN)];
	if (k->used && memcmp(k->source, source, 8) == 0) {
		k->rate.spent -= k->rate.spent < KNOCK ? k->rate.spent : KNOCK;
		return;
	}
	*k = (struct door_known){.used = true};
	memcpy(k->source, source, 8);
}

bool door_knows(const struct door *d, const uint8_t source[8])
{
	const struct door_known *k = &d->known[place(d, source, DOOR_KNOWN)];
	return k->used && memcmp(k->source, source, 8) == 0;
}
