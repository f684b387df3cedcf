/* notices_int.h -- what notices.c (what is kept and passed on) and notice_effect.c (the store, opening, guests) share. */
#ifndef QUIRE_NOTICES_INT_H
#define QUIRE_NOTICES_INT_H

#include "engine_int.h"
#include "protocol/log/notice.h"

#define NOTICES_AT_ONCE 64u /* to one neighbour */
#define NOTICES_AT_ONCE_IN 72u /* from one: what is a little early is not lost */
#define NOTICE_MS 30000u /* then one in so long */
#define NOTICE_SUM_MS 3600000u /* between two sums told on one connection */
#define NOTICE_COMPARE_MS 60000u /* between two that are looked at */
#define NOTICE_SWEEP_MS 600000u /* between two looks for what has expired, and for guests of no use */
#define NOTICE_LINKS_MAX (LIMIT_PEERS + 1u)
#define NOTICE_NO_LINK UINT16_MAX
#define NOTICE_LINK_REST_MS (NOTICES_AT_ONCE_IN * (uint64_t)NOTICE_MS) /* after it every bucket is full */

/* Zero is full. */
struct notice_bucket {
	unsigned spent;
	uint64_t ms; /* from when on it is being refilled */
};

/* A neighbour; its budgets outlive its connections. */
struct notice_link {
	struct id32 node; /* zeros: this node's own people */
	unsigned kept;
	struct notice_bucket in, out;
};

struct notice_kept {
	struct id32 id;
	uint32_t expires;
	uint16_t link, bytes_n;
	bool stored;
	uint64_t nth; /* in order of arrival */
	uint8_t bytes[LIMIT_NOTICE_BYTES];
};

struct notices {
	struct {
		uint64_t head; /* the first 8 bytes of its id */
		struct notice_kept *kept; /* NULL: free */
	} slots[LIMIT_NOTICES];
	size_t n;
	struct id32 sum;
	uint64_t nth, sweep_ms;
	struct notice_link *links;
	uint16_t links_n;
};

struct notice_session {
	uint64_t waiting[LIMIT_NOTICES / 64]; /* slots that are to be sent */
	size_t waiting_n;
	uint16_t link; /* its own number; 0: not looked up yet, NOTICE_NO_LINK: there was no room */
	uint16_t turn; /* the link that had the last turn */
	uint64_t sum_ms, sum_taken_ms, ids_taken_ms;
};

/* notices.c */
bool notices_ready(struct engine *e); /* false: out of memory */
uint16_t notice_link_of(struct engine *e, const struct id32 *node);
/* Makes room if there is none. NULL: out of memory. */
struct notice_kept *notice_keep(
	struct engine *e, uint16_t link, const struct id32 *id, uint32_t expires, struct slice bytes);
struct notice_kept *notice_find(struct engine *e, const struct id32 *id);
void notice_forget(struct engine *e, const struct id32 *id);
/* It is durable: passes it on. */
void notice_spread(struct engine *e, const struct id32 *id);
void notices_expire(struct engine *e);

/* notice_effect.c */
/* own: the author and the reader's node of a notice of our own people; else NULL. tag: answered if own. */
void notice_store(struct engine *e, const struct id32 *link, const struct id32 *id, uint32_t expires,
	struct slice bytes, const struct engine_cmd *own, uint64_t tag);
/* Once, with this node's notice key (SPEC 20.1). What fails for want of memory or disk forgets the notice, so that it comes again. */
void notice_try(struct engine *e, const struct id32 *link, const struct id32 *id, struct slice bytes);
void notice_written(struct engine *e, struct session *s, void *ctx, struct store_res *res);

#endif
