/* award_world.h -- a small world of real keys and logs in which a micro-credential is awarded, honestly or not, and its proof bundle.
 * Nothing is stored: identities, entries and bodies are in memory. All secrets come from one seed. Any fault ends the program. */
#ifndef QUIRE_TESTS_AWARD_WORLD_H
#define QUIRE_TESTS_AWARD_WORLD_H

#include "protocol/award/bundle.h"
#include "protocol/award/credential.h"
#include "protocol/log/identity.h"
#include "protocol/log/mp.h"
#include "tests/support/seeded_random.h"

#define AWARD_ENTRIES_MAX 32
#define AWARD_HOUR 480000u /* of the first entry; one more for each */

enum award_person_index {
	AWARD_DISTRICT, /* vouches for the issuer: the root that readers trust */
	AWARD_ISSUER,
	AWARD_OFFICER,
	AWARD_EARNER,
	AWARD_REVIEWER,
	AWARD_SECOND, /* the second reviewer */
	AWARD_PERSONS
};

struct award_entry {
	uint8_t header[ENTRY_HEADER_BYTES], signature[ENTRY_SIGNATURE_BYTES];
	struct entry_ref at;
	struct buf body, record;
	bool sealed, out; /* out: not in the bundle */
	uint8_t key[32];
	bool is_erased;
	uint8_t erased[LIMIT_ERASURE_BYTES];
};

struct award_person {
	const char *name;
	struct id32 id, log, device_key;
	uint8_t device_secret[64], badge_secret[64];
	struct identity_device device;
	struct keyset *keys;
	struct identity_secrets secrets;
	size_t n;
	struct award_entry entries[AWARD_ENTRIES_MAX];
};

/* What is done otherwise than it should be; zeros: all is as it should be. */
struct award_twist {
	const char *feedback; /* of the first review */
	bool ended; /* the first reviewer's appointment is ended before the review is written */
	bool backdated; /* and the review says that it was written an hour before the end */
	bool ended_later; /* the same appointment is ended after the award: changes nothing */
	bool low_level; /* the second reviewer gives a level below the required one, and decides meets */
	bool by_officer; /* the officer asks for the award */
	bool dismissed; /* and has been dismissed before */
	bool closed; /* the issuer's device is closed before the award */
	bool closed_later; /* and here after all is done: changes nothing */
	bool reviewer_closed; /* the first reviewer's device is closed before the review: changes nothing, since the award names it */
	bool other_version; /* the award is for a later version of the definition */
	bool replaced; /* a piece of evidence is another than the list says, and is in the bundle */
	bool missing; /* the list has nothing for the second requirement */
	bool one_review; /* the award names one review of the two */
	bool wrong_badge; /* the credential is signed by the earner's key */
	bool not_accepted;
	bool revoked;
	bool erased; /* a piece of evidence is erased, and the bundle says so */
	bool without_submission; /* the bundle does not hold its body */
};

struct award_world {
	struct seeded_random seed;
	struct random_source rnd;
	uint32_t hour;
	struct award_person person[AWARD_PERSONS];
	struct definition definition, later;
	struct entry_ref definition_at, later_at, appointments[2], evidence[2], manifest, submission,
		reviews[2], award, acceptance, vouch;
	uint8_t salt[32];
	struct buf manifest_record;
	json_t *credential;
};

/* Tells the story up to the end. */
void award_world_init(struct award_world *w, uint64_t seed, const struct award_twist *twist);
void award_world_deinit(struct award_world *w);
/* Appends the bundle as text. */
void award_world_bundle(const struct award_world *w, struct buf *out);

/* ---- the pieces, for stories of one's own */

struct award_entry *award_entry_of(struct award_world *w, const struct entry_ref *at);
/* Appends a record to a person's log; sealed to that person alone, or in the clear. flags: ENTRY_FLAG_KEEP or 0. */
struct entry_ref award_write(struct award_world *w, enum award_person_index who, uint8_t flags, bool sealed,
	const struct buf *record);
/* The same as an act that the officer asked for. */
struct entry_ref award_write_by_officer(struct award_world *w, const struct buf *record);
/* Adds a key event that was made. */
void award_add_event(struct award_person *p, struct identity_event *ev);
/* A record of one field that points to an entry. */
void award_record_of(struct buf *out, const char *kind, const struct entry_ref *of);

#endif
