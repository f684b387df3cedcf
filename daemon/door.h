/* door.h -- who may begin a handshake: how often one source and all together may knock, and from where members came. SPEC.md section 7.1.
 *
 * The first handshake message costs this node one multiplication on a curve before it tells a member from anybody else, so what may come in a second is
 * bounded. A source from which a member came before has a rate of its own, which no stranger's knocking uses up. */
#ifndef QUIRE_DAEMON_DOOR_H
#define QUIRE_DAEMON_DOOR_H

#include "bytes.h"
#include "random.h"

#include <sodium.h>

#define DOOR_SOURCE_RATE 50 /* a second, of one source */
#define DOOR_SOURCE_BURST 200 /* a school behind one address comes back after a power cut */
#define DOOR_RATE 500 /* a second, of all sources that are not known */
#define DOOR_BURST 1000
#define DOOR_SOURCES 1024 /* rates that are kept; which of them is a source's depends on a secret key */
#define DOOR_KNOWN 256

struct door_rate {
	uint64_t at_ms, spent; /* thousandths of a knock */
};

struct door {
	uint8_t key[crypto_shorthash_KEYBYTES];
	struct door_rate all, sources[DOOR_SOURCES];
	struct door_known {
		bool used;
		uint8_t source[8];
		struct door_rate rate;
	} known[DOOR_KNOWN];
};

void door_init(struct door *d, const struct random_source *random);
/* May a connection from source (address_source()) begin a handshake now? now_ms never goes back. */
MUST_CHECK bool door_lets(struct door *d, const uint8_t source[8], uint64_t now_ms);
/* A member came from there: its knock is forgiven. Of two that fall together the newer is known. */
void door_know(struct door *d, const uint8_t source[8]);
bool door_knows(const struct door *d, const uint8_t source[8]);

#endif
