/* hostile.c -- what a hostile node does to what its engine sends. SPEC.md section 9: what its peers must stand. */
#include "protocol/peer/message.h"
#include "tools/sim/sim.h"

#include <stdlib.h>

static bool has(const struct sim *s, int node, enum sim_fault f)
{
	return s->n[node].habits >> f & 1;
}

static void put_back(struct buf *body, uint8_t type, const void *m)
{
	struct buf out = {0};
	if (message_encode(type, m, &out) != OK)
		abort();
	buf_free(body);
	*body = out;
}

/* A row that says more, less or other than is true. */
static void lie_in_row(struct sim *s, struct message_row *r)
{
	switch (sim_chance(s, 6)) {
	case 0: r->count += 1 + sim_chance(s, 100); break;
	case 1: r->count = r->count > 0 ? sim_chance(s, r->count) : 1; break;
	case 2: r->last.b[sim_chance(s, 32)] ^= 1; break;
	case 3: r->sum.b[sim_chance(s, 32)] ^= 1; break;
	case 4: r->fork_seq1 = r->fork_seq1 ? 0 : 1 + sim_chance(s, r->count + 2); break;
	default: r->count = sim_chance(s, 4000000000u); break;
	}
	if (r->kind == 1 && r->count == 0)
		memset(r->last.b, 0, 32);
	if (r->kind == 0 && r->count == 0)
		r->count = 1;
}

static void lie_about_heads(struct sim *s, struct buf *body)
{
	union message m;
	struct buf rows = {0};
	if (message_decode(MESSAGE_CHANGES, buf_slice(body), &m) != OK || m.changes.rows.n == 0)
		return;
	struct mp_in in = message_list_open(&m.changes.rows);
	struct mp_out out = mp_out_init(&rows);
	size_t which = sim_chance(s, m.changes.rows.n);
	for (size_t i = 0; i < m.changes.rows.n; i++) {
		struct message_row r = message_next_row(&in);
		if (i == which)
			lie_in_row(s, &r);
		message_put_row(&out, &r);
	}
	if (out.err != OK)
		abort();
	m.changes.rows.raw = buf_slice(&rows);
	put_back(body, MESSAGE_CHANGES, &m);
	buf_free(&rows);
	s->r->faults[FAULT_HEADS]++;
}

static void lie_about_numbers(struct sim *s, uint8_t type, struct buf *body)
{
	union message m;
	if (message_decode(type, buf_slice(body), &m) != OK)
		return;
	uint64_t by = sim_chance(s, 2) ? sim_chance(s, 20) : sim_chance(s, UINT64_MAX);
	if (type == MESSAGE_CHANGES)
		m.changes.number += by;
	else if (type == MESSAGE_RUN)
		m.run.number += m.run.req ? 0 : by;
	else if (sim_chance(s, 2))
		m.hello.number += by;
	else
		m.hello.cursor += by;
	put_back(body, type, &m);
	s->r->faults[FAULT_NUMBERS]++;
}

static bool carries(uint8_t type)
{
	return type == MESSAGE_RUN || type == MESSAGE_BODY || type == MESSAGE_CHUNK ||
		type == MESSAGE_LEAVES || type == MESSAGE_BLOB || type == MESSAGE_ERASED ||
		type == MESSAGE_KEYS || type == MESSAGE_FORK;
}

static void spoil(struct sim *s, struct buf *body, enum sim_fault f)
{
	if (body->n < 4)
		return;
	/* Junk leaves the form alone: it lies in the second half, where the contents are. */
	size_t half = f == FAULT_JUNK ? body->n / 2 : 0;
	body->p[half + sim_chance(s, body->n - half)] ^= (uint8_t)(1u << sim_chance(s, 8));
	s->r->faults[f]++;
}

static void keep(struct sim *s, uint8_t type, const struct buf *body)
{
	size_t at = s->last_n++ % (sizeof s->last / sizeof *s->last);
	s->last[at].n = 0;
	if (buf_put(&s->last[at], body->p, body->n) != OK)
		abort();
	s->last_type[at] = type;
}

static void replay(struct sim *s, struct world_link *l, int to)
{
	size_t held = sizeof s->last / sizeof *s->last;
	size_t at = sim_chance(s, s->last_n < held ? s->last_n : held);
	world_send(l, to, s->last_type[at], buf_slice(&s->last[at]));
	s->r->faults[FAULT_REPLAY]++;
}

/* Requests and rows without end. */
static void flood(struct sim *s, struct world_link *l, int to)
{
	struct random_source rnd = world_random_source(&s->w);
	uint64_t n = 20 + sim_chance(s, 300), what = sim_chance(s, 4);
	for (uint64_t i = 0; i < n; i++) {
		struct buf b = {0};
		union message m = {0};
		uint8_t type = MESSAGE_PING;
		m.ping.token = i;
		if (what == 1) {
			type = MESSAGE_WANT_RUN;
			m.want_run = (struct message_want_run){.req = 1000000 + (uint32_t)i, .end = 60000};
			m.want_run.log = s->logs[sim_chance(s, s->logs_n ? s->logs_n : 1)].log;
		} else if (what == 2) {
			type = MESSAGE_WANT_BLOB;
			m.want_blob = (struct message_want_blob){.req = 1000000 + (uint32_t)i};
			random_fill(&rnd, m.want_blob.root.b, 32);
		} else if (what == 3) {
			type = MESSAGE_FOLLOW;
			m.follow = (struct message_follow){.add = true};
			random_fill(&rnd, m.follow.identity.b, 32);
		}
		if (message_encode(type, &m, &b) != OK)
			abort();
		world_send(l, to, type, buf_slice(&b));
		buf_free(&b);
	}
	s->r->faults[FAULT_FLOOD] += n;
}

static void lie(struct sim *s, int node, uint8_t type, struct buf *body)
{
	bool numbered = type == MESSAGE_CHANGES || type == MESSAGE_RUN || type == MESSAGE_HELLO;
	if (type == MESSAGE_CHANGES && has(s, node, FAULT_HEADS) && sim_chance(s, 2))
		lie_about_heads(s, body);
	else if (numbered && has(s, node, FAULT_NUMBERS) && sim_chance(s, 2))
		lie_about_numbers(s, type, body);
	else if (carries(type) && has(s, node, FAULT_JUNK))
		spoil(s, body, FAULT_JUNK);
	else if (has(s, node, FAULT_NOISE) && sim_chance(s, 8) == 0)
		spoil(s, body, FAULT_NOISE);
}

bool sim_meddle(void *ctx, struct world_link *l, int to, uint8_t *type, struct buf *body)
{
	struct sim *s = ctx;
	int node = (int)(l->nodes[!to] - s->w.nodes);
	if (!s->replaying && !sim_skewed(s, l, to, *type, body))
		return false;
	if ((s->n[node].role != ROLE_HOSTILE && s->n[node].role != ROLE_TWIN) || s->replaying)
		return true;
	keep(s, *type, body);
	uint64_t state = s->state; /* habits do not disturb the acts */
	s->state ^= s->w.sent_n * 0x9e3779b97f4a7c15u;
	bool does = sim_chance(s, 1000) < s->habit_rate, sent = true;
	s->replaying = true;
	if (does)
		lie(s, node, *type, body);
	if (does && has(s, node, FAULT_WITHHOLD) && *type != MESSAGE_HELLO && sim_chance(s, 3) == 0) {
		s->r->faults[FAULT_WITHHOLD]++;
		sent = false;
	}
	if (does && has(s, node, FAULT_REPLAY) && sim_chance(s, 3) == 0)
		replay(s, l, to);
	if (does && has(s, node, FAULT_FLOOD) && sim_chance(s, 20) == 0)
		flood(s, l, to);
	bool drips = has(s, node, FAULT_DRIP) && sim_chance(s, 4) == 0;
	l->delay_ms[to] = drips ? 1000 + sim_chance(s, 28000) : l->delay_ms[to] >= 1000 ? 0 : l->delay_ms[to];
	s->r->faults[FAULT_DRIP] += drips && sent;
	s->replaying = false;
	s->state = state;
	return sent;
}
