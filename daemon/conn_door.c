/* conn_door.c -- places for connections that are not let in yet, and who gives one up for a newcomer; see conn.h, door.h.
 *
 * Who fills all places and says nothing would keep everybody out for as long as a handshake may take. So a newcomer takes a place: of its own source
 * if that has as many as it may have, else of the network that has most. An honest handshake is over long before its turn to go comes. */
#include "conn_int.h"

#define NETWORKS 1024

static bool half_open(const struct conn *c)
{
	return c && c->accepted && !c->settled && c->state != CONN_PIPE && c->state != CONN_CLOSING;
}

static bool same_source(const struct conn *a, const struct conn *b)
{
	return memcmp(a->source, b->source, sizeof a->source) == 0;
}

/* The place of 256 IPv4 addresses, or of the first 48 bits of IPv6 ones: what one party can easily have. Others may fall on it. */
static size_t network_place(const struct conn_set *s, const struct conn *c)
{
	bool v4 = c->source[0] == 4 && memcmp(c->source + 1, "\0\0\0", 3) == 0;
	uint8_t h[crypto_shorthash_BYTES];
	crypto_shorthash(h, c->source, v4 ? 7 : 6, s->door.key);
	return be32_get(h) % NETWORKS;
}

/* In its handshake before one that has made it; of two the older. Ids only grow. */
static bool goes_before(const struct conn *a, const struct conn *b)
{
	bool a_shakes = a->state == CONN_HANDSHAKE, b_shakes = b->state == CONN_HANDSHAKE;
	return a_shakes != b_shakes ? a_shakes : a->id < b->id;
}

static struct conn *first_of_source(const struct conn_set *s, const struct conn *newcomer)
{
	struct conn *found = NULL;
	for (size_t i = 0; i < CONN_SLOTS; i++) {
		struct conn *c = s->slots[i];
		if (half_open(c) && same_source(c, newcomer) && (!found || goes_before(c, found)))
			found = c;
	}
	return found;
}

/* Of those from where no member ever came. NULL: there are none. */
static struct conn *first_of_the_most(const struct conn_set *s)
{
	uint16_t counts[NETWORKS] = {0};
	struct conn *found = NULL;
	unsigned most = 0;
	for (size_t i = 0; i < CONN_SLOTS; i++)
		if (half_open(s->slots[i]))
			counts[network_place(s, s->slots[i])]++;
	for (size_t i = 0; i < CONN_SLOTS; i++) {
		struct conn *c = s->slots[i];
		if (!half_open(c) || door_knows(&s->door, c->source))
			continue;
		unsigned n = counts[network_place(s, c)];
		if (n > most || (n == most && goes_before(c, found))) {
			most = n;
			found = c;
		}
	}
	return found;
}

enum err conn_make_room(struct conn_set *s, const struct conn *newcomer)
{
	size_t all = 0, strangers = 0, of_source = 0;
	for (size_t i = 0; i < CONN_SLOTS; i++) {
		const struct conn *c = s->slots[i];
		if (!half_open(c))
			continue;
		all++;
		strangers += !door_knows(&s->door, c->source);
		of_source += same_source(c, newcomer);
	}
	bool full = door_knows(&s->door, newcomer->source)
		? all >= LIMIT_HALF_OPEN
		: strangers >= LIMIT_HALF_OPEN - LIMIT_HALF_OPEN_KNOWN;
	struct conn *victim = NULL;
	if (of_source >= LIMIT_HALF_OPEN_PER_SOURCE)
		victim = first_of_source(s, newcomer);
	else if (full)
		victim = first_of_the_most(s);
	else
		return OK;
	if (!victim)
		return ERR_LIMIT;
	conn_cut(victim, ERR_LIMIT, "its place was needed for a newer connection");
	return OK;
}
