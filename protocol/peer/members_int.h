/* members_int.h -- what the parts of the choice of neighbours share. SPEC.md sections 19.1 and 19.2.
 *   members.c       the table of members, what happens to connections      members_plan.c  who is dialled, and who has to go
 *   members_look.c  which followed identities have no live source          members_tell.c  the message `peers`, both ways */
#ifndef QUIRE_MEMBERS_INT_H
#define QUIRE_MEMBERS_INT_H

#include "engine_int.h"

#define MEMBERS_FEW 8 /* as long as no more can be reached, a connection to each of them is kept */
#define MEMBERS_NEIGHBOURS 5 /* at least so many connections, whoever they are to */
#define MEMBERS_SURPLUS 16 /* neighbours of no use of their own */
#define MEMBERS_ROOM (LIMIT_CONNECTIONS - 8) /* connections above which surplus is closed, however little */
#define MEMBERS_DIALS 8 /* under way at once */
#define MEMBERS_WANTED \
	64 /* identities without a source that are looked at in one round: bits of member.covers */
#define MEMBERS_FOLLOWERS 32 /* of one of them that are considered in one round */
#define MEMBERS_PAUSE_MS 1000 /* the shortest between two tries */
#define MEMBERS_MOVED_MS 60000 /* before another change of its addresses makes it be dialled at once */
#define MEMBERS_LOAD_MS 1000 /* between two readings of the peers table */
#define MEMBERS_LOOK_MS 2000 /* between two looks for sources; and one more for each identity followed */
#define MEMBERS_PAGE_MS 10000 /* before the next identities without a source are looked at */
#define MEMBERS_TELL_MS 60000 /* between two `peers` unasked */
#define MEMBERS_TAKE_MS 5000 /* between two `peers` of one connection that are taken */
#define MEMBERS_TOLD_AGAIN_S 3600 /* before the store hears the same of a member again */
#define MEMBERS_MEET_MS 60000 /* before somebody else is met */
#define MEMBERS_SEEK_MS 5000 /* the same while an identity has no source among the members met */
#define MEMBERS_ENOUGH_MS 600000 /* who said ENOUGH comes after all others */
#define MEMBERS_SETTLED_MS 30000 /* a younger connection is not surplus yet, and was in vain if it ends */

struct member {
	struct id32 node;
	bool reachable; /* an address or a relay is known */
	bool met; /* its follow set is known */
	bool urgent; /* somebody here waits for it */
	bool dialling; /* the driver tries */
	bool out_of_reach; /* the last try failed */
	bool connected; /* there is a session: true in members_plan() only */
	uint32_t sum; /* of its own addresses, to see that they changed */
	uint32_t heard_sum; /* of what others tell */
	uint64_t pause_ms, due_ms, enough_ms;
	uint64_t moved_ms; /* it is dialled at once no more before that */
	uint64_t seen_s; /* last connected */
	uint64_t covers; /* bits of members.wanted */
	bool told; /* what others told last is the same as `word`, and is in the store since told_s (wall seconds) */
	uint8_t word[8]; /* under members.key */
	uint64_t told_s;
};

struct members {
	struct member *all; /* ascending by node */
	size_t n;
	bool loaded, loading, load_again;
	bool looking, look_again, looked; /* looked: once; nobody is dialled before */
	bool plan; /* something changed: plan at the end of this step */
	uint64_t load_ms, look_ms, page_ms; /* not before */
	uint64_t due_ms, tell_ms, meet_ms;
	size_t wanted_n;
	struct id32 wanted[MEMBERS_WANTED], from;
	uint8_t key[16]; /* chosen at the start: nobody can find two words that look the same */
	unsigned keys_left; /* key events that are being read for wanted */
};

struct member *members_find(struct members *m, const struct id32 *node);
/* Half for certain, the other half by chance. */
uint64_t members_jitter(struct engine *e, uint64_t ms);
/* A request PEER_HEARD; NULL: out of memory. */
struct store_req *members_heard_req(const struct id32 *node, const struct slice *addresses, size_t n,
	const struct id32 *teller, uint64_t when_s);
/* New members are in the table: some may have been told of before. */
void members_hear_again(struct engine *e);
void members_plan(struct engine *e);
/* After a look: closes one neighbour of no use, if there are too many. */
void members_surplus(struct engine *e);
/* Sends `peers`. then_enough: and closes with ENOUGH after it. */
void members_tell(struct session *s, bool then_enough);

#endif
