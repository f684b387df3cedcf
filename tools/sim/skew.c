/* skew.c -- nodes of other versions than this one: an older one, which lacks what came later, and a newer one, which sends what nobody else knows.
 * SPEC.md section 9.1: what is unknown is skipped. Drawn from a stream of its own, so that seeds without it are what they were. */
#include "protocol/log/mp.h"
#include "protocol/peer/message.h"
#include "tools/sim/sim.h"

#include <stdlib.h>

#define SKEW_ONE_IN 4 /* seeds */
#define MORE_BODY_MAX 30000 /* larger messages get no more fields */
#define FIELDS_MAX 15 /* of an array whose head is one byte */
#define FIRST_UNKNOWN 64 /* types that no version has yet */

static uint64_t chance(struct sim *s, uint64_t below)
{
	return sim_draw(&s->skew_state, below);
}

static bool allowed(const struct sim *s, enum sim_fault f)
{
	return !(s->plan->without >> f & 1);
}

void sim_skew(struct sim *s)
{
	s->skew_state = s->plan->seed ^ 0x736b657au;
	if (chance(s, SKEW_ONE_IN))
		return;
	for (unsigned i = 0; i < s->nodes; i++) {
		uint64_t which = chance(s, 3);
		if (s->n[i].role != ROLE_HONEST)
			continue;
		s->n[i].older = which == 0 && allowed(s, FAULT_OLDER);
		s->n[i].newer = which == 1;
		if (s->n[i].newer && allowed(s, FAULT_KINDS))
			s->w.nodes[i].kind = "hologram";
		if (s->n[i].older || s->n[i].newer)
			sim_tell(s, "%s is of %s version", sim_name(s, (int)i),
				s->n[i].older ? "an older" : "a newer");
	}
}

/* ---- older ---- */

/* What a node may live without: it is never asked for again, or has a way without it. */
static bool came_later(uint8_t type)
{
	return type == MESSAGE_PRUNE || type == MESSAGE_GRAFT || type == MESSAGE_NOTICE ||
		type == MESSAGE_NOTICE_SUM || type == MESSAGE_NOTICE_IDS || type == MESSAGE_RELAY_OFFER ||
		type == MESSAGE_SEEK;
}

/* SPEC 10.8: "A side may answer `want-ranges` with `done` LIMIT": an older one always does, and lists from 0. */
static void refuse_ranges(struct world_link *l, int to, const struct buf *body)
{
	union message m;
	struct buf done = {0};
	if (message_decode(MESSAGE_WANT_RANGES, buf_slice(body), &m) != OK)
		abort();
	union message answer = {.done = {.req = m.want_ranges.req, .code = ERR_LIMIT}};
	if (message_encode(MESSAGE_DONE, &answer, &done) != OK)
		abort();
	world_send(l, !to, MESSAGE_DONE, buf_slice(&done));
	buf_free(&done);
}

static bool older(struct sim *s, struct world_link *l, int to, uint8_t type, const struct buf *body)
{
	if (!came_later(type) && type != MESSAGE_WANT_RANGES)
		return true;
	if (type == MESSAGE_WANT_RANGES)
		refuse_ranges(l, to, body);
	s->r->faults[FAULT_OLDER]++;
	return false;
}

/* ---- newer ---- */

static void put_anything(struct sim *s, struct mp_out *o, unsigned depth)
{
	static const uint8_t bytes[40];
	switch (chance(s, depth ? 6 : 4)) {
	case 0: mp_put_uint(o, chance(s, 0)); break;
	case 1: mp_put_bin(o, slice_of(bytes, (size_t)chance(s, sizeof bytes))); break;
	case 2: mp_put_cstr(o, "later"); break;
	case 3: mp_put_nil(o); break;
	case 4:
		mp_put_array(o, 2);
		put_anything(s, o, depth - 1);
		put_anything(s, o, depth - 1);
		break;
	default:
		mp_put_map(o, 1);
		mp_put_cstr(o, "unheard-of");
		put_anything(s, o, depth - 1);
		break;
	}
}

/* SPEC 9.1: "More elements than the table has are ignored" */
static void more_fields(struct sim *s, struct buf *body)
{
	struct mp_out o = mp_out_init(body);
	unsigned have = body->n ? body->p[0] & 15u : 0, more = 1 + (unsigned)chance(s, 3);
	if (body->n == 0 || (body->p[0] & 0xf0) != 0x90 || body->n > MORE_BODY_MAX ||
		have + more > FIELDS_MAX)
		return;
	for (unsigned i = 0; i < more; i++)
		put_anything(s, &o, 2);
	if (o.err != OK)
		abort();
	body->p[0] = (uint8_t)(0x90u | (have + more));
	s->r->faults[FAULT_FIELDS]++;
}

/* SPEC 9.1: "In state O a message whose *type* is not in the table is skipped" */
static void send_unknown(struct sim *s, struct world_link *l, int to)
{
	struct buf body = {0};
	struct mp_out o = mp_out_init(&body);
	mp_put_array(&o, 2);
	put_anything(s, &o, 3);
	put_anything(s, &o, 3);
	if (o.err != OK)
		abort();
	world_send(l, to, (uint8_t)(FIRST_UNKNOWN + chance(s, 256 - FIRST_UNKNOWN)), buf_slice(&body));
	buf_free(&body);
	s->r->faults[FAULT_NEWER]++;
}

static void other_version(struct sim *s, struct buf *body)
{
	union message m;
	struct buf out = {0};
	if (message_decode(MESSAGE_HELLO, buf_slice(body), &m) != OK)
		abort();
	m.hello.version = 2 + chance(s, 9);
	if (message_encode(MESSAGE_HELLO, &m, &out) != OK)
		abort();
	buf_free(body);
	*body = out;
	s->r->faults[FAULT_VERSION]++;
}

static void newer(struct sim *s, struct world_link *l, int to, uint8_t type, struct buf *body)
{
	bool open = type != MESSAGE_HELLO && type != MESSAGE_BYE && type != MESSAGE_CLONE;
	if (type == MESSAGE_HELLO && !s->healing && allowed(s, FAULT_VERSION) && chance(s, 12) == 0)
		other_version(s, body);
	if (open && !s->settled && allowed(s, FAULT_NEWER) && chance(s, 6) == 0)
		send_unknown(s, l, to);
	if (allowed(s, FAULT_FIELDS) && chance(s, 3) == 0)
		more_fields(s, body);
}

bool sim_skewed(struct sim *s, struct world_link *l, int to, uint8_t type, struct buf *body)
{
	const struct sim_node *from = &s->n[l->nodes[!to] - s->w.nodes],
			      *dest = &s->n[l->nodes[to] - s->w.nodes];
	if ((from->older || dest->older) && !older(s, l, to, type, body))
		return false;
	if (from->newer)
		newer(s, l, to, type, body);
	return true;
}
